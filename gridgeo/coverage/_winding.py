"""Winding: how many polygons cover a place, counted exactly along a ray.

Theory: from a place go west to infinity and add up the residual segments that are crossed, +1 for one that runs down
and -1 for one that runs up. Places are never midpoints (in a sliver one unit in the last place wide there is no
number in the middle): they are a vertex, moved by an infinitesimal amount to the right of a segment that starts
there, and the comparisons are made as if the amount were real. Cost: O(1) for each segment that lies at the height of
the place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from gridgeo.coverage._edges import Ints
from gridgeo.coverage._engine import compiled_for
from gridgeo.coverage._orientation import Floats, orientation

_BLOCK = 1 << 18


@dataclass(frozen=True, slots=True)
class Rows:
    """Segments sorted into horizontal bands, to find those at a given height."""

    segment: npt.NDArray[np.float64]
    base: float
    height: float
    start: Ints
    item: Ints

    def row_of(self, y: Floats) -> Ints:
        """Band of each height; heights outside fall into the first or last band, which is harmless."""
        return np.clip((y - self.base) / self.height, 0, len(self.start) - 2).astype(np.int64)


def make_rows(segment: npt.NDArray[np.float64]) -> Rows:
    """Sort segments into bands about as high as a segment."""
    low, high = np.minimum(segment[:, 1], segment[:, 3]), np.maximum(segment[:, 1], segment[:, 3])
    base, span = float(low.min()), float(high.max() - low.min())
    bands = int(min(np.sqrt(len(segment)) + 1, len(segment)))
    height = max(span / bands * (1 + 1e-9), 1e-300)
    compiled = compiled_for(len(segment))
    if compiled is not None:
        return Rows(segment, base, height, *compiled.band_items(low, high, base, height, bands))
    first = np.clip((low - base) / height, 0, bands).astype(np.int64)
    last = np.clip((high - base) / height, 0, bands).astype(np.int64)
    count = last - first + 1
    item = np.repeat(np.arange(len(segment)), count)
    row = first[item] + np.arange(len(item)) - np.repeat(np.cumsum(count) - count, count)
    order = np.argsort(row, kind="stable")
    start = np.searchsorted(row[order], np.arange(bands + 2))
    return Rows(segment, base, height, start, item[order])


def winding_right_of(query: npt.NDArray[np.float64], rows: Rows) -> Ints:
    """Exact winding number immediately to the right of the start of each query segment (x, y, x, y).

    The query segments may themselves be among the rows; one that lies along a query counts as passed.
    """
    compiled = compiled_for(len(rows.segment))
    if compiled is not None:
        segment = np.ascontiguousarray(rows.segment)
        row = rows.row_of(query[:, 1])
        answer: Ints = compiled.winding_right_of(np.ascontiguousarray(query), segment, row, rows.start, rows.item)
        return answer
    winding = np.zeros(len(query), np.int64)
    for which, item in _passed_heights(query[:, 1], rows):
        x, y, wx, wy = query[which].T
        ax, ay, bx, by = rows.segment[item].T
        # a hair's breadth above (+1) or below (-1): the way the query turns, or away from it when it is level
        hair = np.where(wy != y, np.sign(wy - y), np.where(wx > x, -1.0, 1.0))
        spans = np.where(hair > 0, (ay <= y) != (by <= y), (ay < y) != (by < y))
        spans &= ~((ax > x) & (bx > x))
        hit = np.flatnonzero(spans)
        if not len(hit):
            continue
        which, x, y, wx, wy, ax, ay, bx, by, hair = (v[hit] for v in (which, x, y, wx, wy, ax, ay, bx, by, hair))
        up = by > ay
        side = orientation(ax, ay, bx, by, x, y)
        passed = np.where(up, side < 0, side > 0)
        through = np.flatnonzero(side == 0)
        if len(through):
            # the segment passes through the place itself: compare its course with that of the query
            x, y, wx, wy, ax, ay, bx, by, hair = (v[through] for v in (x, y, wx, wy, ax, ay, bx, by, hair))
            toward_b = np.sign(by - y) == hair
            turn = orientation(x, y, wx, wy, np.where(toward_b, bx, ax), np.where(toward_b, by, ay))
            passed[through] = np.where(turn == 0, 1, turn) == hair
        np.add.at(winding, which[passed], np.where(up[passed], -1, 1))
    return winding


def winding_at(point: npt.NDArray[np.float64], rows: Rows) -> Ints:
    """Exact winding number of each point, immediately to its west where segments start in it and go east."""
    winding = np.zeros(len(point), np.int64)
    for which, item in _passed_heights(point[:, 1], rows):
        x, y = point[which].T
        ax, ay, bx, by = rows.segment[item].T
        hit = np.flatnonzero(((ay <= y) != (by <= y)) & ~((ax >= x) & (bx >= x)))
        if not len(hit):
            continue
        which, x, y, ax, ay, bx, by = (v[hit] for v in (which, x, y, ax, ay, bx, by))
        up = by > ay
        side = orientation(ax, ay, bx, by, x, y)
        passed = np.where(up, side < 0, side > 0)
        np.add.at(winding, which[passed], np.where(up[passed], -1, 1))
    return winding


def neighbour_in_the_west(point: npt.NDArray[np.float64], rows: Rows) -> Ints:
    """Find the segment that a ray from each point to the west meets first, exactly, or -1.

    The ray runs a hair's breadth above the point's height, so that it meets no ends.
    """
    nearest = np.full(len(point), -1, np.int64)
    for which, item in _passed_heights(point[:, 1], rows):
        x, y = point[which].T
        ax, ay, bx, by = rows.segment[item].T
        hit = np.flatnonzero(((ay <= y) != (by <= y)) & ~((ax >= x) & (bx >= x)))
        which, item, x, y, ax, ay, bx, by = (v[hit] for v in (which, item, x, y, ax, ay, bx, by))
        side = orientation(ax, ay, bx, by, x, y)
        west = np.flatnonzero(np.where(by > ay, side < 0, side > 0))
        if not len(west):
            continue
        which, item, y, ax, ay, bx, by = (v[west] for v in (which, item, y, ax, ay, bx, by))
        meet = ax + (y - ay) / (by - ay) * (bx - ax)
        order = np.lexsort((meet, which))
        which, item, meet = which[order], item[order], meet[order]
        last = np.flatnonzero(np.append(which[1:] != which[:-1], True))
        nearest[which[last]] = item[last]
        rival = np.zeros(len(which), bool)
        unsure = 2.0**-49 * (np.abs(rows.segment[item]).max(axis=1) + np.abs(meet))
        best = np.repeat(last, np.diff(np.append(-1, last)))
        rival = meet >= meet[best] - unsure - unsure[best]
        rival[last] = False
        for query in np.unique(which[rival]).tolist():
            among = item[which == query].tolist()
            nearest[query] = max(among, key=lambda k: _exact_meeting(rows.segment[k], float(point[query, 1])))
    return nearest


def _exact_meeting(segment: npt.NDArray[np.float64], height: float) -> tuple[Fraction, Fraction]:
    """Where a segment passes a height, and how it leans: to the east is nearer for a ray from the east, just above."""
    ax, ay, bx, by = map(Fraction, segment.tolist())
    lean = (bx - ax) / (by - ay)
    return ax + (Fraction(height) - ay) * lean, lean


def _passed_heights(y: Floats, rows: Rows) -> Iterator[tuple[Ints, Ints]]:
    """Blocks of (query, segment in the query's band)."""
    row = rows.row_of(y)
    count = rows.start[row + 1] - rows.start[row]
    total = np.cumsum(count)
    begin = 0
    while begin < len(y):
        end = max(begin + 1, int(np.searchsorted(total, (total[begin - 1] if begin else 0) + _BLOCK)))
        size = count[begin:end]
        which = np.repeat(np.arange(begin, end), size)
        offset = np.arange(len(which)) - np.repeat(np.cumsum(size) - size, size)
        yield which, rows.item[rows.start[row[which]] + offset]
        begin = end
