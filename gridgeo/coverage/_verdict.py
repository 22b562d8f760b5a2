"""The verdict: which edges make a layer no coverage.

An edge is at fault when (1) another polygon has the same edge with its interior on the same side, or it is left over after
cancelling and (2) an edge of another polygon crosses it, or one of the two has an end inside the other, or (3) the outer side
of the edge is covered too. These are the edges that GEOS calls invalid, without asking neighbours one by one.

Cost: (3) asks for one ray for each stretch of border along which the answer cannot change; rings that meet nothing are asked
only if their box lies inside the box of another polygon.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.coverage._edges import Bools, Edges, Ints
from gridgeo.coverage._interactions import Interactions
from gridgeo.coverage._residual import Residual
from gridgeo.coverage._winding import make_rows, winding_right_of


def judge(edges: Edges, residual: Residual, doubled: Ints, interactions: Interactions) -> tuple[Bools, Bools]:
    """Which segments of the residual are at fault, and which belong to rings that meet nothing and lie in the open."""
    polygon = residual.polygon
    invalid = np.zeros(len(residual), bool)
    if len(doubled):
        invalid |= np.isin(residual.edge, doubled)
    stops = invalid | interactions.touched
    for one, other in (interactions.crossing.T, interactions.on_segment[:, :2].T):
        stops[one] = stops[other] = True
        strangers = polygon[one] != polygon[other]
        invalid[one[strangers]] = invalid[other[strangers]] = True
    stretch, alone = _stretches(residual, stops)
    asked = _stretches_in_doubt(edges, residual, stretch, alone, invalid)
    if len(asked):
        first = np.flatnonzero(np.concatenate([[True], stretch[1:] != stretch[:-1]]))
        covered = np.zeros(len(first), bool)
        covered[asked] = winding_right_of(residual.segment[first[asked]], make_rows(residual.segment)) > 0
        invalid |= covered[stretch]
    if not len(stretch):
        return invalid, invalid.copy()
    return invalid, alone[stretch] & ~invalid


def _stretches(residual: Residual, stops: Bools) -> tuple[Ints, Bools]:
    """Number the stretches along which coverage cannot change; tell which are whole rings that meet nothing."""
    if not len(residual):
        return np.zeros(0, np.int64), np.zeros(0, bool)
    linked = residual.following[:-1] == np.arange(1, len(residual))
    begins = np.concatenate([[True], ~linked | stops[1:] | stops[:-1]])
    run = np.cumsum(np.concatenate([[True], ~linked])) - 1
    quiet = residual.closed.copy()
    quiet &= (np.bincount(run, stops) == 0)[run]
    stretch = np.cumsum(begins) - 1
    return stretch, quiet[begins]


def _stretches_in_doubt(edges: Edges, residual: Residual, stretch: Ints, alone: Bools, invalid: Bools) -> Ints:
    """Stretches whose outer side has to be looked at: not yet at fault, and not alone in the open."""
    count = len(alone)
    if not count:
        return np.zeros(0, np.int64)
    asked = ~alone & (np.bincount(stretch, invalid, count) < np.bincount(stretch, minlength=count))
    solitary = np.flatnonzero(alone)
    if len(solitary):
        first = np.searchsorted(stretch, solitary)
        ring_box = _boxes(residual.segment, np.searchsorted(stretch, np.arange(count + 1)))[solitary]
        owner = residual.polygon[first]
        asked[solitary[_boxed_in(ring_box, owner, _polygon_boxes(edges))]] = True
    return np.flatnonzero(asked)


def _boxes(segment: npt.NDArray[np.float64], start: Ints) -> npt.NDArray[np.float64]:
    """Boxes of runs of segments."""
    low = np.minimum.reduceat(segment[:, :2], start[:-1])
    high = np.maximum.reduceat(segment[:, :2], start[:-1])
    return np.concatenate([low, high], axis=1)


def _polygon_boxes(edges: Edges) -> npt.NDArray[np.float64]:
    box = np.full((edges.count, 4), np.nan)
    if len(edges.ring_polygon):
        first_ring = np.flatnonzero(np.concatenate([[True], np.diff(edges.ring_polygon) != 0]))
        start = edges.ring_start[first_ring]
        box[edges.ring_polygon[first_ring], :2] = np.minimum.reduceat(edges.coordinates, start)
        box[edges.ring_polygon[first_ring], 2:] = np.maximum.reduceat(edges.coordinates, start)
    return box


def _boxed_in(ring_box: npt.NDArray[np.float64], owner: Ints, polygon_box: npt.NDArray[np.float64]) -> Bools:
    """Whether a ring's box lies inside the box of another polygon: only then can that polygon cover its outer side."""
    tree = shapely.STRtree(shapely.box(*np.nan_to_num(polygon_box).T))
    corner = shapely.points(ring_box[:, :2])
    ring, polygon = tree.query(corner)
    inside = owner[ring] != polygon
    inside &= (ring_box[ring, 2:] <= polygon_box[polygon, 2:]).all(axis=1)
    answer = np.zeros(len(ring_box), bool)
    answer[ring[inside]] = True
    return answer
