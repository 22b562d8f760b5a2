"""One dimension of the kernel's idea: lines laid end to end, and how often others run over each place of them.

Theory. Every section adds one where it begins on a street and takes one away where it ends; the running sum is how many
sections hold a place, as the winding number is for polygons. Sections tile the streets if and only if sections and
streets, turned round, cancel to nothing: the sum is one everywhere on the streets, and nothing of any section is left
over. What runs on the very same course cancels first; only the residual is compared within a tolerance, so that two
streets that part at a sharp angle aren't taken for one another.

Cost. One tree query a straight piece, then sorting.

Limits. Pieces that turn from each other by more than 30 degrees don't run along each other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.validate.alignment import Course

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Geometries = npt.NDArray[np.object_]

SAME = 1e-3
"""Metres: what is nearer is the same course; more than projecting to and fro can do, less than anybody draws."""
_TURN = math.cos(math.radians(30))
_NONE = np.zeros(0)


@dataclass(frozen=True)
class Runs:
    """Intervals on an axis, each with its owner: where a line of that number runs."""

    start: Floats
    end: Floats
    owner: Ints

    def joined(self, within: float) -> Runs:
        """Join intervals of one owner that are no further apart than ``within``."""
        if not len(self.start):
            return self
        order = np.lexsort((self.start, self.owner))
        start, owner = self.start[order], self.owner[order]
        end = self.end[order].copy()
        begins = np.ones(len(start), bool)
        for k in range(1, len(start)):
            if owner[k] == owner[k - 1] and start[k] <= end[k - 1] + within:
                begins[k] = False
                end[k] = max(end[k], end[k - 1])
        last = np.append(np.flatnonzero(begins)[1:] - 1, len(start) - 1)
        return Runs(start[begins], end[last], owner[begins])

    def plus(self, other: Runs) -> Runs:
        """Return these and others."""
        return Runs(
            np.concatenate([self.start, other.start]),
            np.concatenate([self.end, other.end]),
            np.concatenate([self.owner, other.owner]),
        )


@dataclass(frozen=True)
class Matched:
    """Two sets of lines along each other.

    Parameters
    ----------
    streets, sections : Course
    over : Runs
        On the axis of the streets: where each section runs.
    off : Runs
        On the axis of the sections: what of each runs along no street.
    """

    streets: Course
    sections: Course
    over: Runs
    off: Runs

    def gaps(self, least: float) -> tuple[Floats, Floats]:
        """Return where no section runs, on the axis of the streets, for more than ``least`` metres."""
        start, end = _union(self.over)
        start, end = self.streets.rest(start, end)
        kept = end - start > least
        return start[kept], end[kept]

    def overlaps(self, least: float) -> list[tuple[float, float, tuple[int, ...]]]:
        """Return where several sections run for more than ``least`` metres, with the sections."""
        over = self.over
        places = np.unique(np.concatenate([over.start, over.end]))
        low, high = np.searchsorted(places, over.start), np.searchsorted(places, over.end)
        # the running sum: how many sections hold each interval between two places
        step = np.bincount(low, minlength=len(places) + 1) - np.bincount(high, minlength=len(places) + 1)
        many = np.flatnonzero(np.cumsum(step)[:-1] > 1) if len(places) else np.zeros(0, np.int64)
        held: list[tuple[float, float, tuple[int, ...]]] = []
        for k in many.tolist():
            owners = tuple(sorted(set(over.owner[(low <= k) & (k < high)].tolist())))
            begin, end = float(places[k]), float(places[k + 1])
            if held and held[-1][2] == owners and abs(held[-1][1] - begin) <= SAME:
                held[-1] = (held[-1][0], end, owners)
            else:
                held.append((begin, end, owners))
        return [run for run in held if run[1] - run[0] > least and len(run[2]) > 1]


def match(
    streets: Geometries, street_block: Ints, sections: Geometries, section_block: Ints, tolerance: float
) -> Matched:
    """Lay streets and sections along each other.

    Parameters
    ----------
    streets, sections : ndarray of LineString or MultiLineString
        In metres.
    street_block, section_block : ndarray of int
        A section counts on streets of its own block only; -1 for a section that counts on any.
    tolerance : float
        Metres.
    """
    road, walk = Course.of(streets), Course.of(sections)
    over, on = _along(road, walk, street_block, section_block, SAME)
    start, end = walk.rest(*_union(on))
    left = end - start > SAME
    start, end = start[left], end[left]
    if not len(start):
        return Matched(road, walk, over.joined(tolerance), Runs(start, end, walk.border_at(start)))
    residual = Course.of(lines_of(walk, start, end))
    owner = walk.border_at(start)
    more, matched = _along(road, residual, street_block, section_block[owner], tolerance)
    over = over.plus(Runs(more.start, more.end, owner[more.owner])).joined(tolerance)
    # back from the residual's axis to that of the sections
    line = residual.line_at(matched.start)
    shift = start[line] - residual.origin[line]
    on = on.plus(Runs(matched.start + shift, matched.end + shift, owner[matched.owner]))
    start, end = walk.rest(*_union(on.joined(tolerance)))
    return Matched(road, walk, over, Runs(start, end, walk.border_at(start)))


def lines_of(path: Course, start: Floats, end: Floats) -> Geometries:
    """Return the course of each interval as a line."""
    after, before = np.searchsorted(path.metre, start, side="right"), np.searchsorted(path.metre, end, side="left")
    heads, tails = path.points(start), path.points(end)
    found: Geometries = np.empty(len(start), object)
    for k, (head, tail, one, other) in enumerate(zip(heads, tails, after.tolist(), before.tolist(), strict=True)):
        found[k] = shapely.LineString(np.vstack([head, path.place[one:other], tail]))
    return found


def _union(runs: Runs) -> tuple[Floats, Floats]:
    """Return disjoint intervals in order."""
    whole = Runs(runs.start, runs.end, np.zeros(len(runs.start), np.int64)).joined(SAME)
    return whole.start, whole.end


def _pieces(path: Course) -> tuple[Floats, Ints]:
    """Return the straight pieces of a course, and the vertex that each begins at."""
    first = np.flatnonzero(path.line[:-1] == path.line[1:]) if len(path.line) else np.zeros(0, np.int64)
    return np.stack([path.place[first], path.place[first + 1]], axis=1), first


def _along(
    streets: Course, sections: Course, street_block: Ints, section_block: Ints, tolerance: float
) -> tuple[Runs, Runs]:
    """Return where sections run on streets, and where on the sections that is; owners are sections both times."""
    nothing = Runs(_NONE, _NONE, np.zeros(0, np.int64))
    one, one_at = _pieces(streets)
    other, other_at = _pieces(sections)
    if not len(one) or not len(other):
        return nothing, nothing
    tree = shapely.STRtree(shapely.linestrings(other))
    mine, near = tree.query(shapely.linestrings(one), predicate="dwithin", distance=tolerance)
    section = sections.border[sections.line[other_at[near]]]
    block = section_block[section]
    suited = (block < 0) | (block == street_block[streets.border[streets.line[one_at[mine]]]])
    mine, near, section = mine[suited], near[suited], section[suited]
    found = []
    for first, second, at, path in (
        (one[mine], other[near], one_at[mine], streets),
        (other[near], one[mine], other_at[near], sections),
    ):
        low, high = _beside(first, second, tolerance)
        kept = high - low > SAME / 10
        metre = path.metre[at[kept]]
        found.append(Runs(metre + low[kept], metre + high[kept], section[kept]))
    return found[0], found[1]


def _beside(one: Floats, other: Floats, tolerance: float) -> tuple[Floats, Floats]:
    """Return where, in metres from its start, each straight piece has the other one square beside it, near enough."""
    start, run = one[:, 0], one[:, 1] - one[:, 0]
    length = np.maximum(np.hypot(*run.T), 1e-300)
    unit = run / length[:, None]
    normal = np.column_stack([-unit[:, 1], unit[:, 0]])
    along = ((other - start[:, None]) * unit[:, None]).sum(axis=2)
    off = ((other - start[:, None]) * normal[:, None]).sum(axis=2)
    span = np.maximum(np.hypot(*(other[:, 1] - other[:, 0]).T), 1e-300)
    parallel = np.abs(along[:, 1] - along[:, 0]) >= _TURN * span
    low, high = np.maximum(along.min(axis=1), 0.0), np.minimum(along.max(axis=1), length)
    # the offset changes evenly from one end to the other: stay where it is within the tolerance
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = (off[:, 1] - off[:, 0]) / (along[:, 1] - along[:, 0])
        at_least = along[:, 0] + (-tolerance - off[:, 0]) / slope
        at_most = along[:, 0] + (tolerance - off[:, 0]) / slope
    steep = np.abs(slope) > 1e-9
    low = np.where(steep, np.maximum(low, np.minimum(at_least, at_most)), low)
    high = np.where(steep, np.minimum(high, np.maximum(at_least, at_most)), high)
    level = ~steep & (np.abs(off[:, 0]) > tolerance)
    high = np.where(parallel & ~level, high, -np.inf)
    return low, np.maximum(low, high)
