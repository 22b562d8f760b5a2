"""Interactions: which segments cross, touch or overlap which others, decided exactly.

Theory: candidates come from grids, one for each power of two of segment size, so that a segment lies in at most four
cells of its own grid and a long one does not fill thousands of small cells. A pair is tried only in the cell of the
lower left corner of what their boxes share, hence once. Each pair is classified with exact orientation. Cost:
expected O(m) for segments spread as borders are; memory bounded by working through the candidates in blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from types import ModuleType

import numpy as np
import numpy.typing as npt

from gridgeo.coverage._boxes import may_meet
from gridgeo.coverage._edges import Bools, Ints
from gridgeo.coverage._engine import GEOMETRY, compiled_for
from gridgeo.coverage._orientation import orientation

_BLOCK = 1 << 17
_MANY = 5_000
OPPOSITE = 0.9
"""Cosine of the angle by which segments that face each other may differ from opposite directions."""


@dataclass(frozen=True, slots=True)
class Interactions:
    """How segments meet, other than at common ends of neighbours on a ring.

    Parameters
    ----------
    crossing : ndarray of int, shape (k, 2)
        Pairs that cross in the interior of both, smaller index first.
    on_segment : ndarray of int, shape (t, 3)
        Rows of segment, other segment, end (0 or 1): that end of the other segment lies inside the segment.
    touched : ndarray of bool, shape (m,)
        Whether a segment has an end in common with one that is not its neighbour on the ring.
    facing : ndarray of int, shape (f, 2)
        Pairs that face each other, if they were asked for; smaller index first.
    """

    crossing: Ints
    on_segment: Ints
    touched: Bools
    facing: Ints = field(default_factory=lambda: np.zeros((0, 2), np.int64))


@dataclass(frozen=True, slots=True)
class Facing:
    """What pairs face each other: of different polygons, side by side, in opposite directions, each outside the other.

    Parameters
    ----------
    polygon : ndarray of int, shape (m,)
    reach : tuple of float
        How far apart they may be at most, along x and along y, in the middle of the stretch that they have in common.
    """

    polygon: Ints
    reach: tuple[float, float]


def find_interactions(
    segment: npt.NDArray[np.float64], following: Ints, fresh: Bools | None = None, facing: Facing | None = None
) -> Interactions:
    """Find all pairs of segments that meet.

    Parameters
    ----------
    segment : ndarray of float, shape (m, 4)
    following : ndarray of int, shape (m,)
        The segment after each on its ring, or -1: neighbours meet by right.
    fresh : ndarray of bool, optional
        If given, only pairs with at least one fresh segment are of interest.
    facing : Facing, optional
        Find pairs that face each other in the same pass.
    """
    compiled = compiled_for(GEOMETRY * len(segment))
    if compiled is not None and len(segment) > 1:
        return _find_compiled(compiled, segment, following, fresh, facing)
    touched = np.zeros(len(segment), bool)
    crossing, on_segment = [np.zeros((0, 2), np.int64)], [np.zeros((0, 3), np.int64)]
    near = [np.zeros((0, 2), np.int64)]
    low, high = np.minimum(segment[:, :2], segment[:, 2:]), np.maximum(segment[:, :2], segment[:, 2:])
    for one, other in _candidates(low, high, fresh, facing):
        if facing is not None:
            near.append(_opposite(segment, facing, one, other))
            meet = (low[one] <= high[other]).all(axis=1) & (low[other] <= high[one]).all(axis=1)
            one, other = one[meet], other[meet]
        _classify(segment, following, one, other, touched, crossing, on_segment)
    found = (_sorted_rows(np.concatenate(rows)) for rows in (crossing, on_segment, near))
    crossed, inside, beside = found
    return Interactions(crossed, inside, touched, beside)


def _opposite(segment: npt.NDArray[np.float64], facing: Facing, one: Ints, other: Ints) -> Ints:
    """Return the candidates that face each other."""
    strangers = facing.polygon[one] != facing.polygon[other]
    pair = np.stack([np.minimum(one, other), np.maximum(one, other)], axis=1)[strangers]
    found: Ints = pair[beside(segment[pair[:, 0]], segment[pair[:, 1]], facing.reach)[0]]
    return found


def beside(
    one: npt.NDArray[np.float64], other: npt.NDArray[np.float64], reach: tuple[float, float]
) -> tuple[Bools, npt.NDArray[np.float64]]:
    """Tell which segments run side by side, as `Facing` says, and the places halfway between their middles."""
    origin = np.tile(one[:, :2], 2)
    a, b = ((ends - origin) / np.tile(reach, 2) for ends in (one, other))
    run_x, run_y, back_x, back_y = a[:, 2], a[:, 3], b[:, 2] - b[:, 0], b[:, 3] - b[:, 1]
    size = run_x * run_x + run_y * run_y
    opposite = run_x * back_x + run_y * back_y
    kept = (opposite < 0) & (opposite * opposite >= OPPOSITE**2 * size * (back_x * back_x + back_y * back_y))
    # the stretch of the first that the second runs beside, from 0 to 1 along it
    near, far = (b[:, k] * run_x + b[:, k + 1] * run_y for k in (2, 0))
    low, high = np.maximum(near, 0.0), np.minimum(far, size)
    kept &= low < high
    middle = (low + high) / 2
    share = (middle - near) / np.where(kept, far - near, 1.0)
    along = middle / np.where(kept, size, 1.0)
    here_x, here_y = along * run_x, along * run_y
    off_x, off_y = b[:, 2] - share * back_x - here_x, b[:, 3] - share * back_y - here_y
    outward = run_y * off_x - run_x * off_y
    kept &= (outward > 0) & (outward * outward <= size)
    place = one[:, :2] + np.column_stack([here_x + off_x / 2, here_y + off_y / 2]) * reach
    return kept, place


def _find_compiled(
    compiled: ModuleType,
    segment: npt.NDArray[np.float64],
    following: Ints,
    fresh: Bools | None,
    facing: Facing | None,
) -> Interactions:
    """Find the same by one uniform grid; a long segment enters only the cells that it passes through."""
    west, south, east, north, size = compiled.spread(segment)
    reach = (0.0, 0.0) if facing is None else facing.reach
    grow = max(reach) / 2  # two boxes that are within reach share a cell when each is grown by half of it
    west, south, width, height = west - grow, south - grow, east - west + 2 * grow, north - south + 2 * grow
    cell = max(2.5 * size, float(np.sqrt(width * height / (4 * len(segment) + 16))), max(width, height) * 1e-5, 1e-300)
    columns, rows = int(width / cell) + 2, int(height / cell) + 2
    # memory from numpy, which asks the system for large pages
    count, item = np.zeros(columns * rows + 1, np.int64), np.zeros(0, np.int32)
    compiled.grid_items(segment, west, south, cell, columns, rows, grow, count, item)
    np.cumsum(count, out=count)
    if count[-1]:
        item = np.empty(count[-1], np.int32)
        compiled.grid_items(segment, west, south, cell, columns, rows, grow, count, item)
        count[1:] = count[:-1]
        count[0] = 0
    chosen = np.zeros(0, bool) if fresh is None else fresh
    room = len(segment) // 8 + 64
    while True:
        crossing, on_segment = np.empty((room, 2), np.int64), np.empty((room, 3), np.int64)
        touched = np.zeros(len(segment), bool)
        crossings, insides, near = compiled.grid_interactions(
            segment,
            following,
            chosen,
            fresh is None,
            np.zeros(0, np.int64) if facing is None else facing.polygon,
            reach,
            OPPOSITE,
            count,
            item,
            crossing,
            on_segment,
            touched,
        )
        if max(crossings, insides) <= room:
            break
        room = max(crossings, insides)
    near = np.unique(near, axis=0) if len(near) else near
    each = np.unique(crossing[:crossings], axis=0), np.unique(on_segment[:insides], axis=0)
    return Interactions(*each, touched, near)


def _sorted_rows(rows: Ints) -> Ints:
    return rows[np.lexsort(rows.T[::-1])]


def _classify(
    segment: npt.NDArray[np.float64],
    following: Ints,
    one: Ints,
    other: Ints,
    touched: Bools,
    crossing: list[Ints],
    on_segment: list[Ints],
) -> None:
    """Sort candidate pairs into those that share an end, cross, or have an end inside the other."""
    ax, ay, bx, by = segment[one].T
    cx, cy, dx, dy = segment[other].T
    shares = [(ax == cx) & (ay == cy), (bx == cx) & (by == cy), (ax == dx) & (ay == dy), (bx == dx) & (by == dy)]
    at_c, at_d = shares[0] | shares[1], shares[2] | shares[3]
    at_a, at_b = shares[0] | shares[2], shares[1] | shares[3]
    equal = at_c & at_d
    neighbours = (following[one] == other) | (following[other] == one)
    touching = (at_c | at_d) & (~neighbours | equal)
    touched[one[touching]] = True
    touched[other[touching]] = True
    tried = np.flatnonzero(~equal & ~(neighbours & (at_c | at_d)))
    ax, ay, bx, by, cx, cy, dx, dy = (v[tried] for v in (ax, ay, bx, by, cx, cy, dx, dy))
    side_c, side_d = orientation(ax, ay, bx, by, cx, cy), orientation(ax, ay, bx, by, dx, dy)
    kept = np.flatnonzero(side_c * side_d <= 0)
    tried, side_c, side_d = tried[kept], side_c[kept], side_d[kept]
    ax, ay, bx, by, cx, cy, dx, dy = (v[kept] for v in (ax, ay, bx, by, cx, cy, dx, dy))
    side_a, side_b = orientation(cx, cy, dx, dy, ax, ay), orientation(cx, cy, dx, dy, bx, by)
    proper = (side_c * side_d < 0) & (side_a * side_b < 0)
    i, j = one[tried], other[tried]
    if proper.any():
        crossing.append(np.stack([np.minimum(i, j)[proper], np.maximum(i, j)[proper]], axis=1))
    for side, x, y, shared, (px, py, qx, qy), holder, held, end in (
        (side_c, cx, cy, at_c, (ax, ay, bx, by), i, j, 0),
        (side_d, dx, dy, at_d, (ax, ay, bx, by), i, j, 1),
        (side_a, ax, ay, at_a, (cx, cy, dx, dy), j, i, 0),
        (side_b, bx, by, at_b, (cx, cy, dx, dy), j, i, 1),
    ):
        inside = (side == 0) & ~shared[tried]
        inside &= (np.minimum(px, qx) <= x) & (x <= np.maximum(px, qx))
        inside &= (np.minimum(py, qy) <= y) & (y <= np.maximum(py, qy))
        if inside.any():
            count = int(inside.sum())
            on_segment.append(np.stack([holder[inside], held[inside], np.full(count, end)], axis=1))


def _candidates(
    low: npt.NDArray[np.float64], high: npt.NDArray[np.float64], fresh: Bools | None, facing: Facing | None
) -> Iterator[tuple[Ints, Ints]]:
    """Pairs of segments whose boxes meet, or are within reach, each pair once, in blocks."""
    if len(low) < 2 or (fresh is not None and not fresh.any()):
        return
    box = np.concatenate([low, high], axis=1)
    if facing is not None:
        grow = np.array(facing.reach) / 2
        low, high = np.subtract(low, grow, out=box[:, :2]), np.add(high, grow, out=box[:, 2:])
    size = np.maximum(high[:, 0] - low[:, 0], high[:, 1] - low[:, 1])
    span = max(float(high[:, axis].max() - low[:, axis].min()) for axis in (0, 1))
    # a finest cell of a few times the mean size, no finer than can be counted in 31 bits
    finest = max(float(size.mean()) * 2.0, span * 2.0**-30, 1e-300)
    level = np.ceil(np.log2(np.maximum(size / finest, 1.0))).astype(np.int64)
    for grid in np.flatnonzero(np.bincount(level)).tolist():
        resident = level == grid
        present = np.flatnonzero(level <= grid)
        if grid and len(present) > _MANY:  # the few long ones meet a few of the many short ones
            near = may_meet(box[present], box[resident])
            present = present[near]
        yield from _pairs_in_grid(box, finest * 2.0**grid, present, resident[present], fresh)


def _pairs_in_grid(
    box: npt.NDArray[np.float64], cell: float, present: Ints, resident: Bools, fresh: Bools | None
) -> Iterator[tuple[Ints, Ints]]:
    """Pairs of a segment of this grid's size, a resident, with a segment of this size or smaller."""
    origin = box[present, :2].min(axis=0)
    west, south, east, north = (((box[present, k] - origin[k % 2]) / cell).astype(np.int64) for k in range(4))
    width = east - west + 1
    cells = width * (north - south + 1)
    place = np.repeat(np.arange(len(present)), cells)
    step = np.arange(len(place)) - np.repeat(np.cumsum(cells) - cells, cells)
    columns = int(east.max()) + 1
    key = (south[place] + step // width[place]) * columns + west[place] + step % width[place]
    # in each cell the residents come first: then each of them meets all that come after it
    order = np.argsort(2 * key + ~resident[place], kind="stable")
    key, place = key[order], place[order]
    begins = np.concatenate([[True], key[1:] != key[:-1]])
    cell_stop = np.append(np.flatnonzero(begins)[1:], len(key))[np.cumsum(begins) - 1]
    entry = np.flatnonzero(resident[place])
    partners = cell_stop[entry] - entry - 1
    total = np.cumsum(partners)
    begin = 0
    while begin < len(entry):
        end = max(begin + 1, int(np.searchsorted(total, (total[begin - 1] if begin else 0) + _BLOCK)))
        here, count = entry[begin:end], partners[begin:end]
        begin = end
        one = np.repeat(here, count)
        other = np.arange(len(one)) - np.repeat(np.cumsum(count) - count, count) + one + 1
        p, q = place[one], place[other]
        for axis in (0, 1):
            i, j = present[p], present[q]
            meet = (box[i, axis] <= box[j, axis + 2]) & (box[j, axis] <= box[i, axis + 2])
            one, p, q = one[meet], p[meet], q[meet]
        corner = np.maximum(south[p], south[q]) * columns + np.maximum(west[p], west[q])
        i, j = present[p], present[q]
        once = corner == key[one]
        if fresh is not None:
            once &= fresh[i] | fresh[j]
        if once.any():
            yield i[once], j[once]
