"""The verdict: which edges make a layer no coverage.

An edge is at fault when (1) another polygon has the same edge with its interior on the same side, or it is left over after
cancelling and (2) an edge of another polygon crosses it, or one of the two has an end inside the other, or (3) the outer side
of the edge is covered too. These are the edges that GEOS calls invalid, without asking neighbours one by one.

Cost: (3) asks for one ray for each stretch of border along which the answer cannot change; rings that meet nothing are asked
only if they start inside the box of another polygon.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.coverage._edges import Bools, Edges, Ints
from gridgeo.coverage._interactions import Interactions
from gridgeo.coverage._residual import Residual
from gridgeo.coverage._winding import make_rows, winding_right_of

_HUGE = 2_000  # vertices
_FEW = 20_000_000  # below so many comparisons a plain search is faster than a tree


def judge(
    polygons: npt.NDArray[np.object_], edges: Edges, residual: Residual, doubled: Ints, interactions: Interactions
) -> tuple[Bools, Bools]:
    """Which segments of the residual are at fault, and which belong to rings that meet nothing and lie in the open."""
    invalid = np.zeros(len(residual), bool)
    if not len(residual):
        return invalid, invalid.copy()
    if len(doubled):
        invalid |= np.isin(residual.edge, doubled)
    broken = invalid.copy()
    polygon = residual.polygon
    for one, other in (interactions.crossing.T, interactions.on_segment[:, :2].T):
        broken[one] = broken[other] = True
        strangers = polygon[one] != polygon[other]
        invalid[one[strangers]] = invalid[other[strangers]] = True
    alone = _rings_alone(residual, broken | interactions.touched)
    stretch = _stretches(residual, broken, interactions.touched)
    asked, rings = _stretches_in_doubt(stretch, alone, invalid)
    covered = np.zeros(int(stretch.max()) + 1, bool)
    if len(rings):
        inside, doubtful = _covered_rings(residual, rings, polygons, edges)
        covered[stretch[inside]] = True
        asked = np.concatenate([asked, doubtful])
    if len(asked):
        covered[stretch[asked]] |= winding_right_of(residual.segment[asked], make_rows(residual.segment)) > 0
    invalid |= covered[stretch]
    return invalid, alone & ~invalid


def _runs(residual: Residual) -> tuple[Bools, Ints]:
    """Whether each segment begins a run of consecutive segments of a ring, and its run."""
    begins = np.ones(len(residual), bool)
    np.not_equal(residual.following[:-1], np.arange(1, len(residual)), out=begins[1:])
    return begins, np.cumsum(begins) - 1


def _rings_alone(residual: Residual, disturbed: Bools) -> Bools:
    """Segments of whole rings that meet no other segment."""
    if not disturbed.any():
        return residual.closed.copy()
    _, run = _runs(residual)
    return residual.closed & (np.bincount(run, disturbed) == 0)[run]


def _stretches(residual: Residual, broken: Bools, touched: Bools) -> Ints:
    """Number the stretches along which the outer side cannot change its cover.

    A stretch goes on from segment to segment of a ring, and from polygon to polygon where two ends meet and no other: along
    the outer border of a sound layer. It ends where segments meet in their interior, and where more than two ends meet.
    """
    begins, _ = _runs(residual)
    begins[1:] |= broken[1:] | broken[:-1]
    at = np.flatnonzero(touched)
    if not len(at):
        return np.cumsum(begins) - 1
    place = np.ascontiguousarray(residual.segment[at]).view(np.complex128)
    _, node, degree = np.unique(place.ravel(), return_inverse=True, return_counts=True)
    node, degree = node.reshape(-1, 2), degree.reshape(-1)
    busy = np.zeros((len(residual), 2), bool)
    busy[at] = degree[node] > 2
    # consecutive segments have the tail of one and the head of the other in common; which, depends on the ring's sense
    forward = (residual.segment[:-1, 2:] == residual.segment[1:, :2]).all(axis=1)
    begins[1:] |= np.where(forward, busy[:-1, 1], busy[:-1, 0])
    stretch = np.cumsum(begins) - 1
    # two ends alone in a place, of different stretches: one goes on as the other
    ends, which = node.ravel(), np.repeat(at, 2)
    order = np.argsort(ends, kind="stable")
    first = order[np.searchsorted(ends[order], np.flatnonzero(degree == 2))]
    second = order[np.searchsorted(ends[order], np.flatnonzero(degree == 2)) + 1]
    one, other = which[first], which[second]
    joined = ~broken[one] & ~broken[other] & ((first + second) % 2 == 1) & (stretch[one] != stretch[other])
    return join(stretch[one[joined]], stretch[other[joined]], int(stretch[-1]) + 1)[stretch]


def join(one: Ints, other: Ints, count: int) -> Ints:
    """Give each of ``count`` things the least number of those that it is joined with, directly or not."""
    label = np.arange(count)
    while True:
        least = np.minimum(label[one], label[other])
        np.minimum.at(label, label[one], least)
        np.minimum.at(label, label[other], least)
        while not np.array_equal(further := label[label], label):
            label = further
        if np.array_equal(label[one], label[other]):
            return label


def _stretches_in_doubt(stretch: Ints, alone: Bools, invalid: Bools) -> tuple[Ints, Ints]:
    """First segments of the stretches not yet at fault: of those that meet something, and of rings that do not."""
    candidate = np.flatnonzero(~invalid)
    _, first = np.unique(stretch[candidate], return_index=True)
    first = candidate[first]
    return first[~alone[first]], first[alone[first]]


def _covered_rings(
    residual: Residual, ring: Ints, polygons: npt.NDArray[np.object_], edges: Edges
) -> tuple[Ints, Ints]:
    """Rings that meet no other segment, by their first segments: which lie in another polygon, and which to ask by ray.

    Such a ring lies wholly on one side of every border that is left, so that one vertex decides. It may lie on a cancelled
    border, which is covered on both sides. Where the other polygon is huge, one ray costs less than asking it.
    """
    point, owner = residual.segment[ring, :2], residual.polygon[ring]
    which, polygon = _boxes_around(point, polygon_boxes(edges))
    other = owner[which] != polygon
    which, polygon = which[other], polygon[other]
    huge = np.bincount(edges.ring_polygon, np.diff(edges.ring_start), edges.count)[polygon] > _HUGE
    asked = np.unique(which[huge])
    within = shapely.intersects(polygons[polygon[~huge]], shapely.points(point[which[~huge]]))
    return ring[np.unique(which[~huge][within])], ring[asked]


def polygon_boxes(edges: Edges) -> npt.NDArray[np.float64]:
    """Box of each polygon; inverted for empty ones."""
    box = np.empty((edges.count, 4))
    box[:, :2], box[:, 2:] = np.inf, -np.inf
    if len(edges.ring_polygon):
        first_ring = np.flatnonzero(np.concatenate([[True], np.diff(edges.ring_polygon) != 0]))
        start = edges.ring_start[first_ring]
        polygon = edges.ring_polygon[first_ring]
        for axis in (0, 1):
            values = np.ascontiguousarray(edges.coordinates[:, axis])
            box[polygon, axis] = np.minimum.reduceat(values, start)
            box[polygon, axis + 2] = np.maximum.reduceat(values, start)
    return box


def _boxes_around(point: npt.NDArray[np.float64], box: npt.NDArray[np.float64]) -> tuple[Ints, Ints]:
    """Pairs of a point and a box that holds it."""
    filled = np.flatnonzero(box[:, 0] <= box[:, 2])
    if len(point) * len(filled) <= _FEW:
        pairs = [np.zeros((2, 0), np.int64)]
        for k, (x, y) in enumerate(point.tolist()):
            holds = np.flatnonzero((box[:, 0] <= x) & (x <= box[:, 2]) & (box[:, 1] <= y) & (y <= box[:, 3]))
            pairs.append(np.stack([np.full(len(holds), k), holds]))
        which, found = np.concatenate(pairs, axis=1)
        return which, found
    which, found = shapely.STRtree(shapely.box(*box[filled].T)).query(shapely.points(point))
    return which, filled[found]
