"""Ways: the lines that borders may be moved onto, as a noded network in which the way beside a border is searched for.

Centre lines as they are drawn (on the ground, as `gridgeo.network.on_the_ground` has it), the edges of barriers given
as polygons, or kerb lines: the outline of all centre lines widened. All are noded at full precision, so that what is
moved onto them lies on them to the last digits.

Limits. Each search looks at the neighbourhood of one border only; its network is small, and built anew each time.
"""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass
from typing import Literal

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.network import RANKS, Barriers, Rank, as_barriers, on_the_ground

Line = Literal["centre", "edge", "kerb"]
"""Which line of a barrier: its centre line (of a polygon its edge, for want of another), the edges of polygons alone,
or the kerb lines at half the width on both sides."""

Geometries = npt.NDArray[np.object_]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Place = tuple[float, float]

_SAME = 1e-6
"""Metres: a line lies along another within this."""
_AROUND = 1.01
"""A buffer's circles are drawn as polygons: this much wider they hold all within the distance."""
_BEND = np.pi / 6
"""A way bends sharply where it turns by more than this."""
_STEEP = 0.5
"""A way is beside a border where the cosine of the angle between them is more than this."""


def chosen_lines(
    barriers: Barriers | gpd.GeoDataFrame, line: Line, width: float | str, least_rank: Rank
) -> tuple[Geometries, Ints]:
    """Return the lines that borders may be moved onto, and the index of each one's rank in `RANKS`."""
    given = as_barriers(barriers)
    widths = _widths(barriers, width) if line == "kerb" else None
    demanded = RANKS[: RANKS.index(least_rank) + 1]
    shapes, ranks = [], []
    if line != "edge":
        cuts = on_the_ground(given.lines) & given.lines["rank"].isin(demanded).to_numpy()
        drawn = given.lines.geometry.to_numpy()[cuts]
        rank = _rank_numbers(given.lines)[cuts]
        if widths is not None:
            wide = shapely.buffer(drawn, widths[cuts] / 2, cap_style="flat", join_style="mitre")
            outline = np.array([shapely.boundary(shapely.union_all(wide))], object)
            drawn = shapely.get_parts(shapely.line_merge(outline))
            tree = shapely.STRtree(wide)
            nearest = tree.query_nearest(drawn, all_matches=False)[1] if len(drawn) else np.zeros(0, np.int64)
            rank = rank[nearest]
        shapes.append(drawn)
        ranks.append(rank)
    if line != "kerb":
        kept = ((given.surfaces["level"] == 0) & given.surfaces["rank"].isin(demanded)).to_numpy()
        shapes.append(shapely.boundary(given.surfaces.geometry.to_numpy()[kept]))
        ranks.append(_rank_numbers(given.surfaces)[kept])
    return np.concatenate(shapes), np.concatenate(ranks)


def _rank_numbers(table: gpd.GeoDataFrame) -> Ints:
    return np.array([RANKS.index(rank) for rank in table["rank"]], np.int64)


def _widths(barriers: Barriers | gpd.GeoDataFrame, width: float | str) -> Floats:
    """Return the width of each line between its kerbs, in metres."""
    if isinstance(barriers, Barriers):
        table, lines = barriers.lines, np.ones(len(barriers.lines), np.bool_)
    else:
        table = barriers.explode(index_parts=False, ignore_index=True)
        lines = (table.geom_type != "Polygon").to_numpy()
    if isinstance(width, str):
        return np.asarray(table[width], np.float64)[lines]
    return np.full(int(lines.sum()), float(width))


def _marked(ends: Floats) -> frozenset[Place]:
    """Return the places where somebody would draw a corner of a block: crossings, ends and sharp bends of ways."""
    vertices, vertex = np.unique(ends.reshape(-1, 2), axis=0, return_inverse=True)
    vertex = vertex.ravel()
    run = ends[:, 2:] - ends[:, :2]
    ahead = run / np.maximum(np.hypot(*run.T), 1e-300)[:, None]
    many = np.bincount(vertex, minlength=len(vertices))
    outward = np.zeros((len(vertices), 2))
    np.add.at(outward, vertex, np.stack([ahead, -ahead], 1).reshape(-1, 2))
    # two opposite directions add up to nothing; two that turn by an angle, to twice the sine of half of it
    bend = (many == 2) & (np.hypot(*outward.T) > 2 * np.sin(_BEND / 2))
    return frozenset((float(x), float(y)) for x, y in vertices[(many != 2) | bend])


@dataclass(frozen=True)
class Foot:
    """Where a place meets a way: the way's number and the place on it."""

    segment: int
    place: Place
    distance: float


class Ways:
    """The noded network of the lines that borders may be moved onto."""

    def __init__(self, lines: Geometries, rank: Ints) -> None:
        parts, owner = shapely.get_parts(lines, return_index=True)
        # a line that crosses itself, or meets another, is cut there
        noded = shapely.get_parts(shapely.union_all(parts))
        places, line = shapely.get_coordinates(noded, return_index=True)
        step = np.flatnonzero(line[:-1] == line[1:]) if len(line) else np.zeros(0, np.int64)
        self.ends: Floats = np.hstack([places[step], places[step + 1]]).reshape(-1, 4)
        self.segments: Geometries = shapely.linestrings(self.ends.reshape(-1, 2, 2))
        self.marked = _marked(self.ends)
        self.rank: Ints = np.full(len(self.ends), len(RANKS), np.int64)
        self.tree = shapely.STRtree(self.segments)
        if len(parts):
            middle = shapely.points((self.ends[:, :2] + self.ends[:, 2:]) / 2)
            found, source = shapely.STRtree(parts).query(middle, predicate="dwithin", distance=_SAME)
            np.minimum.at(self.rank, found, rank[owner[source]])

    def foot(self, place: Floats, heading: Floats, reach: float) -> Foot | None:
        """Return where a border at a place meets the way beside it: of those that run its way, the strongest, nearest.

        Without a heading (nought), the nearest of all.
        """
        point = shapely.Point(place)
        near = np.sort(self.tree.query(point, predicate="dwithin", distance=reach))
        if not len(near):
            return None
        run = self.ends[near, 2:] - self.ends[near, :2]
        size = np.hypot(*heading) * np.hypot(*run.T)
        beside = np.abs(run @ heading) >= _STEEP * size
        if not beside.any():
            return None
        near = near[beside]
        distance = shapely.distance(self.segments[near], point)
        best = near[np.lexsort((distance, self.rank[near]))[0]]
        return self._foot_on(int(best), place)

    def feet(self, place: Floats, reach: float) -> list[Foot]:
        """Return the nearest place of each way within reach."""
        near = np.sort(self.tree.query(shapely.Point(place), predicate="dwithin", distance=reach))
        return [self._foot_on(int(one), place) for one in near]

    def met_by(self, ray: shapely.LineString, place: Floats, reach: float) -> list[Foot]:
        """Return where a line meets ways within reach of a place."""
        found = []
        for one in np.sort(self.tree.query(ray, predicate="intersects")).tolist():
            for meeting in shapely.get_coordinates(shapely.intersection(ray, self.segments[one])):
                foot = self._foot_on(one, meeting)
                away = float(np.hypot(*(place - np.array(foot.place))))
                if away <= reach:
                    found.append(Foot(one, foot.place, away))
        return found

    def _foot_on(self, segment: int, place: Floats) -> Foot:
        start, run = self.ends[segment, :2], self.ends[segment, 2:] - self.ends[segment, :2]
        share = float(np.clip(((place - start) @ run) / max(float(run @ run), 1e-300), 0.0, 1.0))
        # the ends exactly, and no new vertex beside one
        if share * np.hypot(*run) < _SAME:
            share = 0.0
        elif (1 - share) * np.hypot(*run) < _SAME:
            share = 1.0
        at = self.ends[segment, 2:] if share == 1.0 else start + share * run
        return Foot(segment, (float(at[0]), float(at[1])), float(np.hypot(*(place - at))))

    def around(self, border: shapely.Geometry, reach: float, feet: list[Foot]) -> Neighbourhood:
        """Return the network of what lies within reach of a border, with some places on ways as its vertices."""
        inside = shapely.buffer(border, reach * _AROUND)
        shapely.prepare(inside)
        near = np.sort(self.tree.query(inside, predicate="intersects"))
        pieces: list[tuple[Place, Place, int]] = []
        on: dict[int, list[Place]] = {}
        for foot in feet:
            on.setdefault(foot.segment, []).append(foot.place)
        for one in near.tolist():
            begin, stop = tuple(self.ends[one, :2].tolist()), tuple(self.ends[one, 2:].tolist())
            run = (stop[0] - begin[0], stop[1] - begin[1])
            between = sorted(
                {place for place in on.get(one, ()) if place not in (begin, stop)},
                key=lambda place: (place[0] - begin[0]) * run[0] + (place[1] - begin[1]) * run[1],
            )
            stops = [begin, *between, stop]
            pieces += [(a, b, int(self.rank[one])) for a, b in itertools.pairwise(stops)]
        if not pieces:
            return Neighbourhood({})
        lines = shapely.linestrings([piece[:2] for piece in pieces])
        held = shapely.covers(inside, lines)
        off = shapely.distance(shapely.line_interpolate_point(lines, 0.5, normalized=True), border) / reach
        links: dict[Place, list[tuple[Place, float, float]]] = {}
        for (a, b, rank), kept, length, away in zip(pieces, held, shapely.length(lines), off, strict=True):
            if kept:
                cost = float(length) * (1.0 + rank + 0.5 * float(away))
                links.setdefault(a, []).append((b, float(length), cost))
                links.setdefault(b, []).append((a, float(length), cost))
        return Neighbourhood(links)


@dataclass(frozen=True)
class Neighbourhood:
    """A small network: from each vertex to the next ones, with length and cost."""

    links: dict[Place, list[tuple[Place, float, float]]]

    def lengths(self, begin: Place) -> dict[Place, float]:
        """Return how far all vertices are along the ways."""
        return self._search(begin, 0)[0]

    def way(self, begin: Place, stop: Place) -> Floats | None:
        """Return the cheapest way: strong barriers before weak ones, near ones before far ones."""
        cost, before = self._search(begin, 1)
        if stop not in cost:
            return None
        places = [stop]
        while places[-1] != begin:
            places.append(before[places[-1]])
        return np.array(places[::-1], np.float64)

    def reached(self, begin: Place) -> Floats:
        """Return the pieces that can be reached, as rows of two ends."""
        known = self._search(begin, 0)[0]
        found = [(*here, *there) for here in known for there, *_ in self.links.get(here, ()) if here < there]
        return np.array(sorted(found), np.float64).reshape(-1, 4)

    def _search(self, begin: Place, weight: int) -> tuple[dict[Place, float], dict[Place, Place]]:
        best = {begin: 0.0}
        before: dict[Place, Place] = {}
        queue = [(0.0, begin)]
        while queue:
            so_far, here = heapq.heappop(queue)
            if so_far > best[here]:
                continue
            for there, *sizes in self.links.get(here, ()):
                further = so_far + sizes[weight]
                if further < best.get(there, np.inf):
                    best[there], before[there] = further, here
                    heapq.heappush(queue, (further, there))
        return best, before
