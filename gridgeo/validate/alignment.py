"""Borders along roads and rivers, measured: how much of each border runs on a barrier, how far the rest is off.

Theory. The points within a tolerance of a straight piece of a barrier form a convex region, a capsule; so each edge of
a border is near it on one interval, which is a matter of quadratic equations. The intervals of a border, joined, say
exactly where it runs on barriers. A border that only crosses a road is near it for about two tolerances: so short an
interval between two stretches off the barrier doesn't count as running along it. The largest deviation is searched for
by halving: the distance to the barriers changes no faster than the place, so that stretches which can't be further off
than what was found already are left alone.

Cost. One query of a tree a border edge, then arrays; 10,000 borders of 500 m take some seconds.

Limits. Deviations are found to within half a tolerance or a tenth of themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridgeo.network import RANKS, Rank

ALONG_AT_LEAST = 3.0
"""A stretch counts as running along a barrier from this many tolerances on."""

_TOUCHING = 1e-6
"""Metres: intervals no further apart are one."""
_SAMPLES = 9
"""Places on each edge at which the deviation of what is on a barrier is measured."""
_PAIRS_AT_ONCE = 1 << 19

Geometries = npt.NDArray[np.object_]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Borders:
    """Every border of a layer once: between two polygons, or between one polygon and the outside.

    Parameters
    ----------
    lines : ndarray of LineString or MultiLineString
    first, second : ndarray of int
        Indices of the polygons on both sides, ``first < second``; ``second`` is -1 on the outside.
    """

    lines: Geometries
    first: Ints
    second: Ints

    def where(self, kept: npt.NDArray[np.bool_]) -> Borders:
        """Return some of the borders."""
        return Borders(self.lines[kept], self.first[kept], self.second[kept])


def shared_borders(polygons: Geometries) -> Borders:
    """Return the borders of polygons that form a coverage, each once.

    Edges with equal ends belong together; where more than two polygons share an edge the layer is no coverage, and the
    first two are taken.
    """
    parts, owner = shapely.get_parts(polygons, return_index=True)
    rings, part_of_ring = shapely.get_rings(parts, return_index=True)
    coordinates, ring = shapely.get_coordinates(rings, return_index=True)
    is_edge = ring[:-1] == ring[1:]
    edges = np.hstack([coordinates[:-1], coordinates[1:]])[is_edge]
    polygon = owner[part_of_ring[ring[:-1]]][is_edge]
    turned = (edges[:, 0] > edges[:, 2]) | ((edges[:, 0] == edges[:, 2]) & (edges[:, 1] > edges[:, 3]))
    edges[turned] = edges[turned][:, [2, 3, 0, 1]]
    order = np.lexsort((polygon, edges[:, 3], edges[:, 2], edges[:, 1], edges[:, 0]))
    edges, polygon = edges[order], polygon[order]
    begins = np.ones(len(edges), bool)
    begins[1:] = (edges[1:] != edges[:-1]).any(axis=1)
    start = np.flatnonzero(begins)
    size = np.diff(np.append(start, len(edges)))
    first = polygon[start]
    second = np.where(size > 1, polygon[np.minimum(start + 1, len(polygon) - 1)], -1)
    unequal = first != second
    pairs, group = np.unique(np.stack([first[unequal], second[unequal]], 1), axis=0, return_inverse=True)
    if not len(pairs):
        return Borders(np.array([], object), np.zeros(0, np.int64), np.zeros(0, np.int64))
    segments = shapely.linestrings(edges[start][unequal].reshape(-1, 2, 2))
    by_pair = np.argsort(group.ravel(), kind="stable")
    bundles = shapely.multilinestrings(segments[by_pair], indices=np.sort(group.ravel()))
    return Borders(shapely.line_merge(bundles), pairs[:, 0], pairs[:, 1])


def measure_borders(
    borders: Borders, barriers: gpd.GeoDataFrame, *, tolerance: float, least_rank: Rank = "lane"
) -> gpd.GeoDataFrame:
    """Measure how each border runs along the barriers.

    Parameters
    ----------
    borders : Borders
        In a CRS in metres.
    barriers : GeoDataFrame
        Lines, or polygons whose outline counts, with a column ``rank``; same CRS.
    tolerance : float
        Metres within which a border counts as on the barrier.
    least_rank : Rank
        Barriers of lower rank don't count.

    Returns
    -------
    GeoDataFrame
        A row a border: ``first``, ``second``, ``length``, ``on_barrier`` (metres), a column for each rank (metres on
        a barrier of this rank and of no stronger one), ``deviation`` (largest distance from a barrier, metres; inf
        where there is none), ``longest_off`` (metres) and, as geometry, the stretches off the barrier.
    """
    demanded = RANKS[: RANKS.index(least_rank) + 1]
    edges, rank = barrier_edges(barriers, demanded)
    path = Course.of(borders.lines)
    close, low, high, closest = near(path, edges, rank, tolerance)
    table: dict[str, npt.NDArray[np.generic]] = {
        "first": borders.first,
        "second": borders.second,
        "length": path.by_border(path.length),
        "on_barrier": np.zeros(len(borders.lines)),
    }
    before = np.zeros(len(path.length))
    start, end = np.zeros(0), np.zeros(0)
    for number, name in enumerate(RANKS):
        if name in demanded:
            strong = close[1] <= number
            start, end = joined(path, low[strong], high[strong], ALONG_AT_LEAST * tolerance)
        on = path.measure(start, end)
        table[name] = path.by_border(on - before)
        before = on
    table["on_barrier"] = path.by_border(before)
    off_start, off_end = path.rest(start, end)
    longest = np.zeros(len(borders.lines))
    np.maximum.at(longest, path.border_at(off_start), off_end - off_start)
    deviation = closest
    if len(off_start):
        np.maximum.at(deviation, *deviations(path, off_start, off_end, edges, tolerance, deviation))
    table["deviation"], table["longest_off"] = deviation, longest
    geometry = path.cut(off_start, off_end, len(borders.lines))
    return gpd.GeoDataFrame(pd.DataFrame(table), geometry=geometry, crs=barriers.crs)


def barrier_edges(barriers: gpd.GeoDataFrame, demanded: tuple[Rank, ...]) -> tuple[Floats, Ints]:
    """Return the ends of each straight piece of the barriers, and the index of its rank in `RANKS`."""
    kept = barriers[barriers["rank"].isin(demanded).to_numpy()]
    lines, row = shapely.get_parts(outlines(kept.geometry.to_numpy()), return_index=True)
    places, line = shapely.get_coordinates(lines, return_index=True)
    within = line[:-1] == line[1:]
    rank = np.array([RANKS.index(name) for name in kept["rank"]], np.int64)
    return np.hstack([places[:-1], places[1:]])[within], rank[row[line[:-1][within]]]


def outlines(shapes: Geometries) -> Geometries:
    """Return lines as they are and polygons as their borders."""
    areal = np.isin(shapely.get_type_id(shapes), (3, 6))
    lines = shapes.copy()
    lines[areal] = shapely.boundary(shapes[areal])
    return lines


@dataclass(frozen=True)
class Course:
    """All lines of all borders laid end to end on one axis of metres, a metre between them.

    ``place`` and ``metre`` are the vertices and where they lie on the axis, ``line`` the line of each; ``origin`` and
    ``length`` are of each line, ``border`` its border.
    """

    place: Floats
    metre: Floats
    line: Ints
    origin: Floats
    length: Floats
    border: Ints
    borders: int

    @classmethod
    def of(cls, lines: Geometries) -> Course:
        """Lay lines end to end."""
        parts, border = shapely.get_parts(lines, return_index=True)
        place, line = shapely.get_coordinates(parts, return_index=True)
        step = np.zeros(len(place))
        if len(place):
            step[1:] = np.where(line[1:] == line[:-1], np.hypot(*(place[1:] - place[:-1]).T), 1.0)
        at = np.cumsum(step)
        first = np.searchsorted(line, np.arange(len(parts)))
        last = np.searchsorted(line, np.arange(len(parts)), side="right") - 1
        return cls(place, at, line, at[first], at[last] - at[first], border, len(lines))

    def by_border(self, values: Floats) -> Floats:
        """Add up values of lines for each border."""
        return np.bincount(self.border, values, self.borders).astype(np.float64)

    def line_at(self, at: Floats) -> Ints:
        """Return the lines at some distances on the axis."""
        return np.clip(np.searchsorted(self.origin, at + 0.5, side="right") - 1, 0, None).astype(np.int64)

    def border_at(self, at: Floats) -> Ints:
        """Return the borders at some distances on the axis."""
        return self.border[self.line_at(at)]

    def measure(self, start: Floats, end: Floats) -> Floats:
        """Add up the lengths of intervals for each line."""
        return np.bincount(self.line_at(start), end - start, len(self.length)).astype(np.float64)

    def points(self, at: Floats) -> Floats:
        """Return the places at some distances on the axis."""
        if not len(at):  # of no line there are none
            return np.zeros((0, 2))
        return np.column_stack(
            [np.interp(at, self.metre, self.place[:, 0]), np.interp(at, self.metre, self.place[:, 1])]
        )

    def rest(self, start: Floats, end: Floats) -> tuple[Floats, Floats]:
        """Return the intervals of all lines that some disjoint intervals leave, in order."""
        line = self.line_at(start)
        begins = np.concatenate([self.origin, end])
        stops = np.concatenate([self.origin + self.length, start])
        of_begin, of_stop = (
            np.concatenate([np.arange(len(self.length)), line]),
            np.concatenate([np.arange(len(self.length)), line]),
        )
        begins, stops = begins[np.lexsort((begins, of_begin))], stops[np.lexsort((stops, of_stop))]
        kept = stops - begins > _TOUCHING
        return begins[kept], stops[kept]

    def cut(self, start: Floats, end: Floats, borders: int) -> Geometries:
        """Return the course of intervals, as one geometry a border."""
        after, before = np.searchsorted(self.metre, start, side="right"), np.searchsorted(self.metre, end, side="left")
        heads, tails = self.points(start), self.points(end)
        lines = [
            shapely.LineString(np.vstack([head, self.place[one:other], tail]))
            for head, tail, one, other in zip(heads, tails, after.tolist(), before.tolist(), strict=True)
        ]
        found = np.full(borders, shapely.MultiLineString(), object)
        if lines:
            present, number = np.unique(self.border_at(start), return_inverse=True)
            order = np.argsort(number, kind="stable")
            found[present] = shapely.multilinestrings(np.array(lines, object)[order], indices=number[order])
        return found


def near(path: Course, edges: Floats, rank: Ints, tolerance: float) -> tuple[tuple[Ints, Ints], Floats, Floats, Floats]:
    """Where border edges are near barriers: number and rank, interval on the axis, largest distance a border."""
    edge = np.flatnonzero(path.line[:-1] == path.line[1:])
    closest = np.zeros(path.borders)
    none = np.zeros(0, np.int64)
    if not len(edge) or not len(edges):
        return (none, none), np.zeros(0), np.zeros(0), closest
    tree = shapely.STRtree(shapely.linestrings(edges.reshape(-1, 2, 2)))
    found = []
    for some in np.array_split(edge, max(1, len(edge) * 8 // _PAIRS_AT_ONCE)):
        ends = np.stack([path.place[some], path.place[some + 1]], 1)
        mine, other = tree.query(shapely.linestrings(ends), predicate="dwithin", distance=tolerance)
        order = np.argsort(mine, kind="stable")
        mine, other = mine[order], other[order]
        if len(mine):
            low, high = _interval(ends[mine], edges[other], tolerance)
            start = path.metre[some[mine]]
            found.append((some[mine], rank[other], start + low, start + high))
            border = path.border[path.line[some]]
            _closest(ends, mine, edges[other], border, tolerance, closest)
    if not found:
        return (none, none), np.zeros(0), np.zeros(0), closest
    edge, ranks, low, high = (np.concatenate(column) for column in zip(*found, strict=True))
    return (edge, ranks), low, high, closest


def _closest(ends: Floats, mine: Ints, other: Floats, border: Ints, tolerance: float, closest: Floats) -> None:
    """Raise the deviation of each border to that of its places near barriers, at `_SAMPLES` places an edge."""
    run = np.flatnonzero(np.append(True, mine[1:] != mine[:-1]))
    for share in np.linspace(0.0, 1.0, _SAMPLES):
        place = ends[mine, 0] + share * (ends[mine, 1] - ends[mine, 0])
        distance = np.minimum.reduceat(_distance(place, other), run)
        inside = distance <= tolerance
        np.maximum.at(closest, border[mine[run[inside]]], distance[inside])


def _distance(place: Floats, edge: Floats) -> Floats:
    """Distance of places to straight edges, pairwise."""
    start, run = edge[:, :2], edge[:, 2:] - edge[:, :2]
    square = np.maximum((run**2).sum(1), 1e-300)
    share = np.clip(((place - start) * run).sum(1) / square, 0.0, 1.0)
    across = place - start - share[:, None] * run
    distance: Floats = np.hypot(across[:, 0], across[:, 1])
    return distance


def _interval(ends: Floats, other: Floats, tolerance: float) -> tuple[Floats, Floats]:
    """Where, in metres from its start, each edge is within the tolerance of another one: the chord of a capsule."""
    start, run = ends[:, 0], ends[:, 1] - ends[:, 0]
    length = np.hypot(*run.T)
    unit = run / np.maximum(length, 1e-300)[:, None]
    low, high = np.full(len(start), np.inf), np.full(len(start), -np.inf)
    for middle in (other[:, :2], other[:, 2:]):  # the round ends
        back = ((middle - start) * unit).sum(1)
        half = tolerance**2 - (np.hypot(*(start - middle).T) ** 2 - back**2)
        root = np.sqrt(np.maximum(half, 0.0))
        low = np.where(half >= 0, np.minimum(low, back - root), low)
        high = np.where(half >= 0, np.maximum(high, back + root), high)
    along = other[:, 2:] - other[:, :2]
    size = np.hypot(*along.T)
    along = along / np.maximum(size, 1e-300)[:, None]
    across = np.column_stack([-along[:, 1], along[:, 0]])
    enter, leave = np.full(len(start), -np.inf), np.full(len(start), np.inf)
    for axis, least, most in ((along, np.zeros(len(size)), size), (across, -tolerance, tolerance)):  # the straight part
        at, speed = ((start - other[:, :2]) * axis).sum(1), (unit * axis).sum(1)
        with np.errstate(divide="ignore", invalid="ignore"):
            one, two = (least - at) / speed, (most - at) / speed
        still = np.abs(speed) < 1e-12
        outside = still & ((at < least) | (at > most))
        one, two = np.where(still, -np.inf, one), np.where(still, np.inf, two)
        enter, leave = np.maximum(enter, np.minimum(one, two)), np.minimum(leave, np.maximum(one, two))
        leave = np.where(outside, -np.inf, leave)
    passes = enter <= leave
    low, high = np.where(passes, np.minimum(low, enter), low), np.where(passes, np.maximum(high, leave), high)
    low, high = np.clip(low, 0.0, length), np.clip(high, 0.0, length)
    return low, np.maximum(low, high)


def joined(path: Course, low: Floats, high: Floats, at_least: float, *, at_ends: float = 0.0) -> tuple[Floats, Floats]:
    """Join intervals that touch and leave out those shorter than ``at_least``, or ``at_ends`` at the end of a line.

    A short interval between two others is where a border crosses a barrier, which is no alignment.
    """
    if not len(low):
        return low, high
    order = np.argsort(low, kind="stable")
    low, reach = low[order], np.maximum.accumulate(high[order])
    begins = np.append(True, low[1:] > reach[:-1] + _TOUCHING)
    start, end = low[begins], reach[np.append(np.flatnonzero(begins)[1:] - 1, len(low) - 1)]
    line = path.line_at(start)
    at_start = start - path.origin[line] <= _TOUCHING
    at_end = path.origin[line] + path.length[line] - end <= _TOUCHING
    kept = end - start >= np.where(at_start | at_end, at_ends, at_least)
    return start[kept], end[kept]


def deviations(
    path: Course, start: Floats, end: Floats, edges: Floats, tolerance: float, known: Floats
) -> tuple[Ints, Floats]:
    """Distances from the barriers at places of stretches off them, the largest of each border among them."""
    owner = path.border_at(start)
    if not len(edges):
        return owner, np.full(len(owner), np.inf)
    tree = shapely.STRtree(shapely.linestrings(edges.reshape(-1, 2, 2)))
    best = known.copy()

    def look(border: Ints, at: Floats) -> Floats:
        points = shapely.points(path.points(at))
        index, distance = tree.query_nearest(points, return_distance=True, all_matches=False)
        found = np.zeros(len(at))
        found[index[0]] = distance
        np.maximum.at(best, border, found)
        return found

    look(np.concatenate([owner, owner]), np.concatenate([start, end]))
    middle, half = (start + end) / 2, (end - start) / 2
    while len(middle):
        distance = look(owner, middle)
        accuracy = np.maximum(tolerance / 2, best[owner] / 10)
        open_ = distance + half > best[owner] + accuracy
        owner, half = np.repeat(owner[open_], 2), np.repeat(half[open_] / 2, 2)
        middle = np.repeat(middle[open_], 2) + np.tile([-1.0, 1.0], int(open_.sum())) * half
    present = np.unique(path.border_at(start))
    return present, best[present]
