"""Partition: draft responsibility blocks along roads, lanes and rivers, near equal in workload.

The blocks layer has the columns ``code``, ``name``, ``grid`` (its parent's id), ``grid_layer``, ``kind``, ``serial``,
``workload``, one column for each attribute of the workload, ``area`` (m2), ``on_barrier`` (share of the border to
other blocks of the grid that runs on barriers) and ``geometry``. Together its polygons are one coverage.
``blocks.attrs["summary"]`` tells how the draft came about.

The sections layer has the columns ``code``, ``name``, ``block`` (its parent's code), ``serial``, ``streets``,
``length`` (m), ``workload`` and ``geometry``: see `gridgeo.partition.sections`.
"""

from __future__ import annotations

from gridgeo.partition.area import delineate_blocks
from gridgeo.partition.sections import split_sections
from gridgeo.partition.sections_town import sections_of_town
from gridgeo.partition.town import partition_town
from gridgeo.partition.workload import WorkloadSource

__all__ = ["WorkloadSource", "delineate_blocks", "partition_town", "sections_of_town", "split_sections"]
