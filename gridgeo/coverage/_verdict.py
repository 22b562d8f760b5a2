"""The verdict: which edges make a layer no coverage.

An edge is at fault when (1) another polygon has the same edge with its interior on the same side, or it is left over
after cancelling and (2) an edge of another polygon crosses it, or one of the two has an end inside the other, or (3)
the outer side of the edge is covered too. These are the edges that GEOS calls invalid, without asking neighbours one
by one.

Cost: (3) asks for one ray for each stretch of border along which the answer cannot change; rings that meet nothing
are asked only if they start inside the box of another polygon.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.coverage._boxes import Boxes, pairs_of_points, polygon_boxes
from gridgeo.coverage._edges import Bools, Edges, Ints
from gridgeo.coverage._engine import compiled_soundness_for
from gridgeo.coverage._interactions import Interactions
from gridgeo.coverage._residual import Residual
from gridgeo.coverage._winding import make_rows, winding_right_of

_HUGE = 2_000  # vertices


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the residual is guilty of.

    Parameters
    ----------
    invalid : ndarray of bool
        Which segments of the residual are at fault.
    open_start, open_stop : ndarray of int
        First segment and last + 1 of each ring that meets nothing and is not covered outside.
    """

    invalid: Bools
    open_start: Ints
    open_stop: Ints


def judge(
    polygons: npt.NDArray[np.object_], edges: Edges, residual: Residual, doubled: Ints, interactions: Interactions
) -> Verdict:
    """Find the segments at fault."""
    invalid, broken = _at_fault_by_meeting(residual, doubled, interactions)
    start, stop, alone = _runs(residual, broken | interactions.touched)
    among = np.flatnonzero(np.repeat(~alone, stop - start)) if not alone.all() else np.zeros(0, np.int64)
    ring_start, ring_stop = start[alone], stop[alone]
    covered_ring, doubtful = _covered_rings(residual, ring_start, polygons, edges)
    asked = ring_start[doubtful]
    if len(among):
        stretch = _stretches(residual, among, broken, interactions.touched)
        candidate = np.flatnonzero(~invalid[among])
        _, first = np.unique(stretch[candidate], return_index=True)
        first = candidate[first]
        asked = np.concatenate([asked, among[first]])
    if len(asked):
        covered = winding_right_of(residual.segment[asked], make_rows(residual.segment)) > 0
        covered_ring[doubtful] |= covered[: len(doubtful)]
        if len(among):
            by_stretch = np.zeros(int(stretch.max()) + 1, bool)
            by_stretch[stretch[first]] = covered[len(doubtful) :]
            invalid[among] |= by_stretch[stretch]
    for begin, end in zip(ring_start[covered_ring].tolist(), ring_stop[covered_ring].tolist(), strict=True):
        invalid[begin:end] = True
    return Verdict(invalid, ring_start[~covered_ring], ring_stop[~covered_ring])


def _at_fault_by_meeting(residual: Residual, doubled: Ints, interactions: Interactions) -> tuple[Bools, Bools]:
    """Segments that are doubled or meet a segment of another polygon wrongly; and those that anything meets so."""
    invalid = np.isin(residual.edge, doubled) if len(doubled) else np.zeros(len(residual), bool)
    broken = invalid.copy()
    for one, other in (interactions.crossing.T, interactions.on_segment[:, :2].T):
        broken[one] = broken[other] = True
        strangers = residual.polygon[one] != residual.polygon[other]
        invalid[one[strangers]] = invalid[other[strangers]] = True
    return invalid, broken


def _runs(residual: Residual, disturbed: Bools) -> tuple[Ints, Ints, Bools]:
    """Find runs of consecutive segments of a ring, and which are whole rings that meet no other segment."""
    if not len(residual):
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, bool)
    breaks = residual.following[:-1] != np.arange(1, len(residual))
    start = np.concatenate([[0], np.flatnonzero(breaks) + 1])
    alone = residual.closed[start] & ~np.logical_or.reduceat(disturbed, start)
    return start, np.append(start[1:], len(residual)), alone


def _stretches(residual: Residual, among: Ints, broken: Bools, touched: Bools) -> Ints:
    """Label the stretches, of chosen runs, along which the outer side cannot change its cover.

    A stretch goes on from segment to segment of a ring, and from polygon to polygon where two ends meet and no other:
    along the outer border of a sound layer. It ends where segments meet in their interior, and where more than two
    ends meet.
    """
    segment, broken = residual.segment[among], broken[among]
    begins = np.ones(len(among), bool)
    begins[1:] = (residual.following[among[:-1]] != among[1:]) | broken[1:] | broken[:-1]
    at = np.flatnonzero(touched[among])
    if not len(at):
        return np.cumsum(begins) - 1
    place = np.ascontiguousarray(segment[at]).view(np.complex128)
    _, node, degree = np.unique(place.ravel(), return_inverse=True, return_counts=True)
    node, degree = node.reshape(-1, 2), degree.reshape(-1)
    busy = np.zeros((len(among), 2), bool)
    busy[at] = degree[node] > 2
    # consecutive segments have the tail of one and the head of the other in common; which, depends on the ring's sense
    forward = (segment[:-1, 2] == segment[1:, 0]) & (segment[:-1, 3] == segment[1:, 1])
    begins[1:] |= np.where(forward, busy[:-1, 1], busy[:-1, 0])
    stretch = np.cumsum(begins) - 1
    # two ends alone in a place, of different stretches: one goes on as the other
    ends, which = node.ravel(), np.repeat(at, 2)
    order = np.argsort(ends, kind="stable")
    lonely = np.searchsorted(ends[order], np.flatnonzero(degree == 2))
    first, second = order[lonely], order[lonely + 1]
    one, other = which[first], which[second]
    joined = ~broken[one] & ~broken[other] & ((first + second) % 2 == 1) & (stretch[one] != stretch[other])
    joint: Ints = join(stretch[one[joined]], stretch[other[joined]], int(stretch[-1]) + 1)[stretch]
    return joint


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


def boxes_around(residual: Residual, interactions: Interactions, invalid: Bools) -> Boxes:
    """Boxes of the connected pieces of what is at fault: whatever is covered twice lies in them."""
    at = np.flatnonzero(invalid)
    number = np.full(len(residual), -1, np.int64)
    number[at] = np.arange(len(at))
    segment = residual.segment[at]
    place = np.ascontiguousarray(segment).view(np.complex128).ravel()
    order = np.argsort(place, kind="stable")
    same = np.flatnonzero(place[order[1:]] == place[order[:-1]])
    pairs = np.concatenate(
        [
            np.column_stack([order[same] // 2, order[same + 1] // 2]),
            number[interactions.crossing],
            number[interactions.on_segment[:, :2]],
        ]
    )
    pairs = pairs[(pairs >= 0).all(axis=1)]
    _, piece = np.unique(join(pairs[:, 0], pairs[:, 1], len(at)), return_inverse=True)
    box = np.empty((int(piece.max(initial=-1)) + 1, 4))
    box[:, :2], box[:, 2:] = np.inf, -np.inf
    for ends in (segment[:, :2], segment[:, 2:]):
        np.minimum.at(box[:, :2], piece, ends)
        np.maximum.at(box[:, 2:], piece, ends)
    return box


def _covered_rings(
    residual: Residual, ring: Ints, polygons: npt.NDArray[np.object_], edges: Edges
) -> tuple[Bools, Ints]:
    """Which rings that meet no other segment lie in another polygon, and which to ask by ray.

    Such a ring lies wholly on one side of every border that is left, so that one vertex decides. It may lie on a
    cancelled border, which is covered on both sides. Where the other polygon is huge, one ray costs less than asking
    it.
    """
    covered = np.zeros(len(ring), bool)
    if not len(ring):
        return covered, np.zeros(0, np.int64)
    point, owner = residual.segment[ring, :2], residual.polygon[ring]
    huge = np.bincount(edges.ring_polygon, np.diff(edges.ring_start), edges.count) > _HUGE
    compiled = compiled_soundness_for(len(ring) * _HUGE)
    if compiled is not None:
        covered, doubtful, told = compiled.covered_places(
            edges.coordinates, edges.ring_start, edges.ring_polygon, polygon_boxes(edges), point, owner, huge
        )
        if told:
            return covered, np.flatnonzero(doubtful & ~covered)
    which, polygon = pairs_of_points(point, polygon_boxes(edges))
    other = owner[which] != polygon
    which, polygon = which[other], polygon[other]
    asked = huge[polygon]
    near, polygon_near = which[~asked], polygon[~asked]
    covered[near[shapely.intersects_xy(polygons[polygon_near], point[near, 0], point[near, 1])]] = True
    return covered, np.unique(which[asked])
