"""Boxes: which of many boxes may meet which of a few, without a look at each pair.

Theory: the few are painted on a coarse raster; sums of the raster over rectangles tell of each box in a few steps
whether it can meet any of them. What remains goes to a tree. Cost: O(1) a box; the raster has a fixed size.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.coverage._edges import Edges, Ints, distinct
from gridgeo.coverage._engine import compiled_for

Boxes = npt.NDArray[np.float64]

_CELLS = 512
_FEW = 5_000  # boxes; a raster costs more than a tree of them
_MANY = 20_000  # targets; a raster painted that full tells little


def polygon_boxes(edges: Edges) -> Boxes:
    """Box of each polygon; inverted for empty ones. Kept with the edges."""
    kept: Boxes | None = vars(edges).get("_polygon_boxes")
    if kept is None:
        kept = vars(edges)["_polygon_boxes"] = _polygon_boxes(edges)
    return kept


def _polygon_boxes(edges: Edges) -> Boxes:
    box = np.empty((edges.count, 4))
    box[:, :2], box[:, 2:] = np.inf, -np.inf
    start, _, chunk_box = edges.chunks
    if len(start):
        polygon = edges.polygon_of(start)
        first = np.flatnonzero(np.concatenate([[True], polygon[1:] != polygon[:-1]]))
        box[polygon[first], :2] = np.minimum.reduceat(chunk_box[:, :2], first, axis=0)
        box[polygon[first], 2:] = np.maximum.reduceat(chunk_box[:, 2:], first, axis=0)
    return box


def pairs_of_boxes(target: Boxes, box: Boxes) -> tuple[Ints, Ints]:
    """Pairs of a target box and a box that meet, edges included."""
    if not len(target) or not len(box):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    near = _worth_trying(box, target)
    which, found = shapely.STRtree(shapely.box(*target.T)).query(shapely.box(*box[near].T))[::-1]
    return which, near[found]


def pairs_of_points(point: npt.NDArray[np.float64], box: Boxes) -> tuple[Ints, Ints]:
    """Pairs of a point and a box that holds it, edges included."""
    if not len(point):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    near = _worth_trying(box, np.concatenate([point, point], axis=1))
    which, found = shapely.STRtree(shapely.box(*box[near].T)).query(shapely.points(point))
    return which, near[found]


def edges_within(box: Boxes, edges: Edges) -> Ints:
    """Edges both ends of which lie in one of some boxes, borders included."""
    start, stop, chunk_box = edges.chunks
    which, chunk = pairs_of_boxes(box, chunk_box)
    size = stop[chunk] - start[chunk]
    edge = np.repeat(start[chunk], size) + np.arange(int(size.sum())) - np.repeat(np.cumsum(size) - size, size)
    which = np.repeat(which, size)
    inside = np.ones(len(edge), bool)
    for end in (edge, edge + 1):
        for axis in (0, 1):
            place = edges.coordinates[end, axis]
            inside &= (box[which, axis] <= place) & (place <= box[which, axis + 2])
    return distinct(edge[inside])


def _worth_trying(box: Boxes, target: Boxes) -> Ints:
    if len(box) < _FEW or len(target) > _MANY:
        return np.flatnonzero(box[:, 0] <= box[:, 2])
    return may_meet(box, target)


def may_meet(box: Boxes, target: Boxes) -> Ints:
    """Find the boxes that come into a raster cell where a target lies."""
    low, high = target[:, :2].min(axis=0), target[:, 2:].max(axis=0)
    size = np.maximum((high - low) / _CELLS, 1e-300)

    def cell(place: npt.NDArray[np.float64]) -> Ints:
        number: Ints = np.clip(np.floor((place - low) / size), -1, _CELLS).astype(np.int64) + 1
        return number

    step = np.zeros((_CELLS + 3, _CELLS + 3), np.int64)
    first, last = cell(target[:, :2]), cell(target[:, 2:]) + 1
    np.add.at(step, (first[:, 0], first[:, 1]), 1)
    np.add.at(step, (last[:, 0], last[:, 1]), 1)
    np.add.at(step, (first[:, 0], last[:, 1]), -1)
    np.add.at(step, (last[:, 0], first[:, 1]), -1)
    painted = step.cumsum(axis=0).cumsum(axis=1) > 0
    total = np.zeros((_CELLS + 4, _CELLS + 4), np.int64)
    total[1:, 1:] = painted.cumsum(axis=0).cumsum(axis=1)
    meets = np.flatnonzero(
        (box[:, 0] <= high[0]) & (box[:, 2] >= low[0]) & (box[:, 1] <= high[1]) & (box[:, 3] >= low[1])
    )
    compiled = compiled_for(len(meets))
    if compiled is not None:
        may: Ints = meets[compiled.boxes_painted(box, meets, low, size, _CELLS, total)]
        return may
    first, last = cell(box[meets, :2]), cell(box[meets, 2:]) + 1
    inside = total[last[:, 0], last[:, 1]] - total[first[:, 0], last[:, 1]]
    inside += total[first[:, 0], first[:, 1]] - total[last[:, 0], first[:, 1]]
    return meets[inside > 0]
