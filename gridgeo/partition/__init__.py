"""Partition: draft responsibility blocks along roads, lanes and rivers, near equal in workload.

The blocks layer has the columns ``code``, ``name``, ``grid`` (its parent's id), ``grid_layer``, ``kind``, ``serial``,
``workload``, one column for each attribute of the workload, ``area`` (m2), ``on_barrier`` (share of the border to
other blocks of the grid that runs on barriers) and ``geometry``. Together its polygons are one coverage.
``blocks.attrs["summary"]`` tells how the draft came about.
"""

from __future__ import annotations

from gridgeo.partition.area import delineate_blocks
from gridgeo.partition.town import partition_town
from gridgeo.partition.workload import WorkloadSource

__all__ = ["WorkloadSource", "delineate_blocks", "partition_town"]
