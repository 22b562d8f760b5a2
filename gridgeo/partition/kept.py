"""Kept whole: compounds, campuses and villages whose faces become one atom.

Theory. A polygon that is to be kept whole needs no barrier around it: all faces that hold a real part of it join, so
that no block border can cut it. A strip along the edge, from digitising, is no real part.

Cost. One intersection per polygon and face that meet. Limits. Where the grids' border or a gap parts a polygon, each
connected part is kept whole by itself; which polygons these are is told.
"""

from __future__ import annotations

import numpy as np
import shapely

from gridgeo.network import Geometries, Integers
from gridgeo.partition.merging import Merging

REAL_SHARE = 0.01
"""A part of a polygon counts from this share of the polygon's area on,"""
REAL_DEPTH = 5.0
"""and if it is wider than twice so many metres."""


def faces_kept_whole(faces: Geometries, kept: Geometries) -> list[Integers]:
    """Return for each polygon of ``kept`` the faces that hold a real part of it; both in the same CRS."""
    groups: list[Integers] = [np.empty(0, dtype=np.int64) for _ in kept]
    flat = np.flatnonzero(shapely.get_dimensions(kept) == 2)
    if not len(flat) or not len(faces):
        return groups
    whole = shapely.make_valid(kept[flat])
    item, face = shapely.STRtree(faces).query(whole, predicate="intersects")
    parts = shapely.intersection(whole[item], faces[face])
    area = shapely.area(whole[item])
    real = shapely.area(parts) >= REAL_SHARE * area
    real[real] = ~shapely.is_empty(shapely.buffer(parts[real], -REAL_DEPTH))
    # a polygon too small for that lies where its largest part lies
    largest = np.zeros(len(flat))
    np.maximum.at(largest, item, shapely.area(parts))
    real |= shapely.area(parts) == largest[item]
    item, face = item[real], face[real]  # by item: a query answers in the order of what is asked
    begin = np.searchsorted(item, np.arange(len(flat) + 1))
    for which in range(len(flat)):
        groups[flat[which]] = np.unique(face[begin[which] : begin[which + 1]]).astype(np.int64)
    return groups


def join_kept(merging: Merging, group: list[int]) -> int:
    """Join the faces of one polygon; returns in how many parts it still is: some are no neighbours of the others."""
    waiting = sorted({merging.root(face) for face in group})
    parts = 0
    while waiting:
        into, *waiting = waiting
        parts += 1
        while near := [face for face in waiting if face in merging.near[into]]:
            for face in near:
                merging.join(face, into)
            waiting = [face for face in waiting if merging.stands(face)]
    return parts
