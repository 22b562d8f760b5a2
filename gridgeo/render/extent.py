"""A block's extent in words: 东至 … 南至 … 西至 … 北至 …, the way a deed says it.

Theory. Look at the block from far off on each side: along evenly spaced sight lines, the first border that is met. What
that border runs along names the side: a barrier parallel to it and no farther than half a wide road (the border may be
the road's edge, not its middle), else the block or grid beyond it, else the town's border. What fills a fair share of
the view is said, in the order in which one walks along the side.

Limits. A barrier without a name is said by its neighbour beyond, or by its rank when there is none.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.render.scene import Features, Scene

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

SIDES = ("east", "south", "west", "north")
_ALONG, _TOWARD = np.array([1, 0, 1, 0]), np.array([0, 1, 0, 1])
"""The coordinate that runs along each side, and the one that runs towards it: 0 is x, 1 is y."""
_SIGN = np.array([1.0, -1.0, -1.0, 1.0])
"""Whether the second one grows (1) or falls (-1) towards the side."""
SIGHT_LINES = 96
REACH = 30.0
"""Metres: a border follows a barrier no farther away than this."""
RIVER_REACH = 250.0
"""Metres: a border where the town ends may follow a river whose middle is this far away."""
INSIDE = 2.0
"""Metres: a barrier farther inside the block than this is not its limit."""
BEYOND = 3.0
"""Metres beyond the border at which the neighbour is looked for."""
_TOGETHER = 32
"""Blocks that are looked at together: all at once would take much memory, and each by itself more time."""
_NAMELESS = 12.0
"""Metres by which a nameless barrier counts as farther away."""
_PARALLEL = math.radians(30)
_LEAST_SHARE = 0.22
_MOST_NAMES = 3
_MOST_SAID = 0.6
"""Where the names said fill less of the view than this, 等 (and others) is added."""
_RANK_WORDS = {"river": "河道", "main-road": "主干路", "road": "道路", "lane": "街巷"}


@dataclass(frozen=True)
class Extent:
    """What a block reaches to on each side, in words; "" where nothing is known."""

    east: str
    south: str
    west: str
    north: str

    def sentence(self) -> str:
        """Return the whole extent as one sentence."""
        sides = (("东", self.east), ("南", self.south), ("西", self.west), ("北", self.north))
        return "，".join(f"{side}至{words}" for side, words in sides if words) + "。"


@dataclass(frozen=True)
class _Segments:
    """Straight pieces of barriers, with the barrier that each belongs to."""

    start: Floats
    run: Floats
    direction: Floats
    owner: Ints
    tree: shapely.STRtree

    def nearest(self, points: Floats, segment: Ints) -> Floats:
        """Return the point of a segment that is nearest to each point."""
        start, run = self.start[segment], self.run[segment]
        long = (run * run).sum(axis=1)
        share = ((points - start) * run).sum(axis=1) / np.where(long > 0, long, 1.0)
        nearest: Floats = start + np.clip(share, 0.0, 1.0)[:, None] * run
        return nearest


class Surroundings:
    """Answers what lies along a border; built once per town."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        lines, surfaces = scene.lines, scene.surfaces
        outlines = [ring for k in range(len(surfaces.geometries)) for ring in _rings(surfaces.geometries[k])]
        owners = [k for k in range(len(surfaces.geometries)) for _ in _rings(surfaces.geometries[k])]
        names, ranks = [*lines.names, *surfaces.names], [*lines.ranks, *surfaces.ranks]
        self._ranks = np.array(ranks, object)
        self._segments = _segments(lines, outlines, [len(lines.geometries) + k for k in owners])
        words = _Words()
        # the last ones are of no barrier at all, number -1: there the town ends
        self._named = np.array([*(name != "" for name in names), False])
        self._name_words = words.numbers([*names, ""])
        end = "镇界" if scene.extent is not None else ""
        self._rank_words = words.numbers([*(_RANK_WORDS[rank] for rank in ranks), end])
        blocks = range(len(scene.names))
        self._block_words = words.numbers(map(scene.short_name, blocks))
        self._grid_words = words.numbers(scene.grid_names)
        self._words = words.all
        shapely.prepare(scene.areas.geometries)

    def extents(self) -> list[Extent]:
        """Return the extent in words of every block of the scene."""
        count = len(self._scene.names)
        return [
            extent
            for begin in range(0, count, _TOGETHER)
            for extent in self._extents_of(range(begin, min(begin + _TOGETHER, count)))
        ]

    def _extents_of(self, blocks: range) -> list[Extent]:
        """Return the extents of some blocks, looked at together."""
        views = [_views(_edges(self._scene.areas.geometries[index])) for index in blocks]
        *columns, counts = zip(*views, strict=True)
        points, normals, directions = map(np.concatenate, columns)
        lengths = [count for of_block in counts for count in of_block]
        words = self._words_along(
            np.repeat(blocks, np.reshape(lengths, (-1, 4)).sum(axis=1)), points, normals, directions
        )
        sides = [_weighed(part, self._words) for part in np.split(words, np.cumsum(lengths)[:-1])]
        return [
            Extent(**{side: "、".join(said) for side, said in zip(SIDES, sides[k : k + 4], strict=True)})
            for k in range(0, len(sides), 4)
        ]

    def _words_along(self, blocks: Ints, points: Floats, normals: Floats, directions: Floats) -> Ints:
        """Return the number of the word for what lies along the border at each point; 0 where nothing is known.

        ``blocks`` are the blocks that the points are of, in order.
        """
        if not len(points):
            return np.empty(0, dtype=np.int64)
        along = self._along(points, normals, directions, reach=REACH)
        named = self._named[along]
        beyond = self._beyond(blocks, points + BEYOND * normals)
        words = np.where(named, self._name_words[along], beyond)
        left = ~named & (beyond == 0)
        if left.any():
            words[left] = self._rank_words[along[left]]
            # where the town ends, the middle of a wide river may be far off
            far = self._along(points[left], normals[left], directions[left], reach=RIVER_REACH, rank="river")
            words[left] = np.where(self._named[far], self._name_words[far], words[left])
        return words

    def _along(
        self, points: Floats, normals: Floats, directions: Floats, *, reach: float, rank: str | None = None
    ) -> npt.NDArray[np.int64]:
        """Return the barrier that the border follows at each point, of one rank or of any; -1 where there is none."""
        best = np.full(len(points), -1)
        segments = self._segments
        around = np.concatenate([points - reach, points + reach], axis=1)
        point, segment = segments.tree.query(shapely.box(*around.T))
        owner = segments.owner[segment]
        turn = np.remainder(segments.direction[segment] - directions[point] + math.pi / 2, math.pi) - math.pi / 2
        suited = np.abs(turn) <= _PARALLEL
        if rank is not None:
            suited &= self._ranks[owner] == rank
        point, segment, owner = point[suited], segment[suited], owner[suited]
        run = segments.nearest(points[point], segment) - points[point]
        # what runs inside the block is no limit of it: a street block is not limited by its own middle line
        far = np.hypot(run[:, 0], run[:, 1])
        outside = ((run * normals[point]).sum(axis=1) >= -INSIDE) & (far <= reach)
        point, segment, owner, far = point[outside], segment[outside], owner[outside], far[outside]
        # a name a little farther off says more than a nameless lane on the border
        score = far + np.where(self._named[owner], 0.0, _NAMELESS)
        order = np.lexsort((segment, score, point))
        found, first = np.unique(point[order], return_index=True)
        best[found] = owner[order][first]
        return best

    def _beyond(self, blocks: Ints, points: Floats) -> Ints:
        """Return the word for the block (in the same grid) or grid at each point, 0 where there is none."""
        areas, grids = self._scene.areas, self._scene.grid_numbers
        words = np.zeros(len(points), dtype=np.int64)
        known, begins = np.unique(blocks, return_index=True)
        ends = [*begins[1:].tolist(), len(points)]
        for index, begin, end in zip(known.tolist(), begins.tolist(), ends, strict=True):
            x, y = points[begin:end].T
            # the first of several has the last word
            for other in reversed(areas.near(shapely.box(x.min(), y.min(), x.max(), y.max()))):
                if other != index:
                    inside = shapely.intersects_xy(areas.geometries[other], x, y)
                    word = (self._block_words if grids[other] == grids[index] else self._grid_words)[other]
                    words[begin:end][inside] = word
        return words


class _Words:
    """A list of words, each with its number; "" is 0."""

    def __init__(self) -> None:
        self._numbers = {"": 0}

    def numbers(self, words: Iterable[str]) -> Ints:
        return np.array([self._numbers.setdefault(word, len(self._numbers)) for word in words], dtype=np.int64)

    @property
    def all(self) -> list[str]:
        return list(self._numbers)


def _rings(polygon: shapely.Polygon) -> list[shapely.LinearRing]:
    return [polygon.exterior, *polygon.interiors] if polygon.geom_type == "Polygon" else []


def _segments(lines: Features, outlines: list[shapely.LinearRing], outline_owners: list[int]) -> _Segments:
    geometries = np.empty(len(lines.geometries) + len(outlines), dtype=object)
    geometries[:] = [*lines.geometries.tolist(), *outlines]
    owners = np.array([*range(len(lines.geometries)), *outline_owners], dtype=np.int64)
    coordinates, source = shapely.get_coordinates(geometries, return_index=True)
    joined = np.flatnonzero(source[1:] == source[:-1]) if len(source) else np.empty(0, dtype=np.int64)
    start, end = coordinates[joined], coordinates[joined + 1]
    pieces = shapely.linestrings(np.stack([start, end], axis=1)) if len(joined) else np.empty(0, dtype=object)
    run = end - start
    direction = np.arctan2(run[:, 1], run[:, 0])
    return _Segments(start, run, direction, owners[source[joined]], shapely.STRtree(pieces))


def _edges(area: shapely.Geometry) -> Floats:
    """Return the edges of the outer border, x and y of both ends, with the interior on the left."""
    edges = []
    for part in shapely.get_parts(area).tolist():
        ring = shapely.get_coordinates(part.exterior)
        if not part.exterior.is_ccw:
            ring = ring[::-1]
        edges.append(np.concatenate([ring[:-1], ring[1:]], axis=1))
    return np.concatenate(edges)


def _views(edge: Floats) -> tuple[Floats, Floats, Floats, list[int]]:
    """Return the border points first met by sight lines from each side, their outward normals and border directions.

    Those of one side after those of another, as `SIDES` has them, and how many there are of each. Each side's are in
    the order in which one walks along it: from north to south, from west to east.
    """
    a, b = edge[:, _ALONG].T, edge[:, _ALONG + 2].T
    p, q = edge[:, _TOWARD].T, edge[:, _TOWARD + 2].T
    lower, upper = np.minimum(a, b), np.maximum(a, b)
    low, high = lower.min(axis=1)[:, None], upper.max(axis=1)[:, None]
    sight = low + (high - low) * (np.arange(SIGHT_LINES) + 0.5) / SIGHT_LINES
    side, line, met = np.nonzero((lower[:, None] <= sight[..., None]) & (sight[..., None] < upper[:, None]))
    share = (sight[side, line] - a[side, met]) / (b[side, met] - a[side, met])
    depth = p[side, met] + share * (q[side, met] - p[side, met])
    order = np.lexsort((met, -_SIGN[side] * depth, line, side))
    _, first = np.unique((side * SIGHT_LINES + line)[order], return_index=True)
    first = order[first]
    side, line, met, depth = side[first], line[first], met[first], depth[first]
    run = edge[met, 2:] - edge[met, :2]
    direction = np.arctan2(run[:, 1], run[:, 0])
    normal = np.stack([np.sin(direction), -np.cos(direction)], axis=1)  # outward: the interior is on the left
    row = np.arange(len(side))
    points = np.empty((len(side), 2))
    points[row, _ALONG[side]], points[row, _TOWARD[side]] = sight[side, line], depth
    facing = np.flatnonzero(_SIGN[side] * normal[row, _TOWARD[side]] > math.cos(math.radians(70)))
    walked = np.where(_ALONG[side] == 1, -line, line)
    order = facing[np.lexsort((walked[facing], side[facing]))]
    return points[order], normal[order], direction[order], np.bincount(side[facing], minlength=len(SIDES)).tolist()


def _weighed(numbers: Ints, words: Sequence[str]) -> list[str]:
    """Return the words that fill a fair share of the view, in order of first appearance; always at least one.

    ``numbers`` are the words' along the view; 0 is nothing.
    """
    found, first, counts = np.unique(numbers[numbers > 0], return_index=True, return_counts=True)
    if not len(found):
        return []
    order = np.argsort(first)
    count = {words[k]: int(n) for k, n in zip(found[order].tolist(), counts[order].tolist(), strict=True)}
    most = sorted(count, key=lambda word: -count[word])[:_MOST_NAMES]
    whole = sum(count.values())
    fair = {word for word in most if count[word] >= _LEAST_SHARE * whole} or set(most)
    named = [word for word in count if word in fair]
    if sum(count[word] for word in named) < _MOST_SAID * whole:
        named[-1] += "等"
    return named
