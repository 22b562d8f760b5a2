"""Arcs: the borders of a coverage as lines from junction to junction, each once, with the polygons on both sides.

Theory. A junction is a vertex where not exactly two edges meet, or where the polygons on both sides change. What lies
between two junctions is an arc; a ring is a closed run of arcs. A coverage in which arcs get new courses, and junctions
new places, is put together again from them: both neighbours get the same numbers, so that it stays a coverage as long
as no two arcs cross. A ring without a junction (an island) is cut in two arcs, so that every arc has two ends.

Cost. O(n log n) for n vertices, in arrays; a Python step for each arc.

Limits. Heights (z) are not kept in polygons that are put together again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

Geometries = npt.NDArray[np.object_]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

OUTSIDE = -1
"""Stands for the side of an arc on which there is no polygon."""
CONTESTED = -2
"""Stands for the side of an arc that more than one polygon claims: the layer is no coverage there."""


@dataclass(frozen=True)
class Arcs:
    """The borders of polygons, taken apart.

    Parameters
    ----------
    courses : tuple of ndarray
        Coordinates of each arc.
    left, right : ndarray of int
        Polygons beside each arc; `OUTSIDE` or `CONTESTED` where there isn't exactly one. An arc along one polygon only
        has it on the left or on the right.
    start, end : ndarray of int
        Junctions of each arc.
    junctions : ndarray
        Coordinates of the junctions.
    """

    courses: tuple[Floats, ...]
    left: Ints
    right: Ints
    start: Ints
    end: Ints
    junctions: Floats
    _polygons: Geometries
    _rings: tuple[tuple[tuple[int, bool], ...], ...]
    _ring_starts: Ints
    _part_starts: Ints

    @classmethod
    def of(cls, polygons: npt.ArrayLike) -> Arcs:
        """Take polygons apart; None and empty ones have no arcs."""
        given = np.asarray(polygons, dtype=np.object_).reshape(-1).copy()
        parts, owner = shapely.get_parts(given, return_index=True)
        rings, part = shapely.get_rings(parts, return_index=True)
        places, ring = shapely.get_coordinates(rings, return_index=True)
        points, vertex = np.unique(places, axis=0, return_inverse=True)
        vertex = vertex.ravel().astype(np.int64)
        step = np.flatnonzero(ring[:-1] == ring[1:]) if len(ring) else np.zeros(0, np.int64)
        begin, stop, of_ring = vertex[step], vertex[step + 1], ring[step]
        pair = np.sort(np.stack([begin, stop], 1), axis=1)
        _, edge = np.unique(pair, axis=0, return_inverse=True)
        edge = edge.ravel()
        polygon = owner[part[of_ring]] if len(step) else np.zeros(0, np.int64)
        forward = begin < stop
        # a side of an edge: the polygon whose ring runs along it this way round, left for rings as they should turn
        turned = shapely.is_ccw(rings) != _is_shell(part)  # holes turn the other way
        ahead = forward ^ turned[of_ring]
        sides = np.full((int(edge.max()) + 1 if len(edge) else 0, 2), OUTSIDE)
        for side, mine in ((0, ahead), (1, ~ahead)):
            count = np.bincount(edge[mine], minlength=len(sides))
            sides[edge[mine], side] = polygon[mine]
            sides[count > 1, side] = CONTESTED
        is_junction = _junctions(edge, pair, sides, len(points))
        return _gathered(given, points, (begin, stop, edge, forward), of_ring, sides, is_junction, part, owner)

    def __len__(self) -> int:
        return len(self.courses)

    def lines(self) -> Geometries:
        """Return the arcs as lines."""
        count = np.array([len(course) for course in self.courses], np.int64)
        if not len(count):
            return np.zeros(0, object)
        lines: Geometries = shapely.linestrings(
            np.concatenate(self.courses), indices=np.repeat(np.arange(len(count)), count)
        )
        return lines

    def at_junctions(self) -> list[list[tuple[int, bool]]]:
        """For each junction, the arcs that end there, and whether with their start."""
        found: list[list[tuple[int, bool]]] = [[] for _ in range(len(self.junctions))]
        for arc, (one, other) in enumerate(zip(self.start.tolist(), self.end.tolist(), strict=True)):
            found[one].append((arc, True))
            found[other].append((arc, False))
        return found

    def rebuild(self, courses: Mapping[int, Floats]) -> dict[int, shapely.Geometry | None]:
        """Put the polygons beside some arcs together again, with new courses for these.

        Returns each of these polygons; None for one of which a ring has collapsed.
        """
        beside = {int(side) for arc in courses for side in (self.left[arc], self.right[arc]) if side >= 0}
        return {polygon: self._put_together(polygon, courses) for polygon in sorted(beside)}

    def _put_together(self, polygon: int, courses: Mapping[int, Floats]) -> shapely.Geometry | None:
        """Return one polygon with new courses for some arcs."""
        made = []
        for part in range(self._part_starts[polygon], self._part_starts[polygon + 1]):
            rings = []
            for ring in range(self._ring_starts[part], self._ring_starts[part + 1]):
                pieces = []
                for arc, forward in self._rings[ring]:
                    course = courses.get(arc, self.courses[arc])
                    pieces.append((course if forward else course[::-1])[:-1])
                places = np.concatenate(pieces)
                places = places[(places != np.roll(places, 1, axis=0)).any(axis=1)]
                if len(places) < 3:
                    return None
                rings.append(np.vstack([places, places[:1]]))
            made.append(shapely.Polygon(rings[0], rings[1:]))
        whole = self._polygons[polygon]
        return made[0] if whole.geom_type == "Polygon" else shapely.MultiPolygon(made)


def _is_shell(part: Ints) -> Flags:
    """Tell which rings are the first of their part."""
    first = np.ones(len(part), np.bool_)
    first[1:] = part[1:] != part[:-1]
    return first


def _junctions(edge: Ints, pair: Ints, sides: Ints, vertices: int) -> Flags:
    """Tell at which vertices arcs end."""
    _, first = np.unique(edge, return_index=True)
    ends = pair[first]
    degree = np.bincount(ends.ravel(), minlength=vertices)
    # sides are those of the edge from its lower vertex to its higher one: the pair, unordered, must not change
    least, most = sides.min(axis=1), sides.max(axis=1)
    changes = np.zeros(vertices, np.bool_)
    for values in (least, most):
        low, high = np.full(vertices, np.iinfo(np.int64).max), np.full(vertices, np.iinfo(np.int64).min)
        for column in (0, 1):
            np.minimum.at(low, ends[:, column], values)
            np.maximum.at(high, ends[:, column], values)
        changes |= low < high
    found: Flags = (degree != 2) | changes
    return found


def _gathered(
    given: Geometries,
    points: Floats,
    runs: tuple[Ints, Ints, Ints, Flags],
    of_ring: Ints,
    sides: Ints,
    is_junction: Flags,
    part: Ints,
    owner: Ints,
) -> Arcs:
    """Walk along the rings and collect the arcs."""
    begin, stop, edge, forward = runs
    limits = np.searchsorted(of_ring, np.arange(len(part) + 1))
    cut = is_junction[begin]
    for ring in np.flatnonzero(np.bincount(of_ring[cut], minlength=len(part)) == 0).tolist():
        around = np.arange(limits[ring], limits[ring + 1])
        first = around[np.argmin(begin[around])]
        away = np.hypot(*(points[begin[around]] - points[begin[first]]).T)
        # both rings along a closed border must be cut alike: at the lowest vertex and at the one farthest from it
        farthest = around[np.lexsort((begin[around], -away))[0]]
        is_junction[begin[[first, farthest]]] = True
    number: dict[int, int] = {}
    courses: list[Floats] = []
    left, right, ends, rings = [], [], [], []
    for ring in range(len(part)):
        around = np.arange(limits[ring], limits[ring + 1])
        starts = np.flatnonzero(is_junction[begin[around]])
        around = np.roll(around, -starts[0])
        starts = np.append(starts - starts[0], len(around))
        walked = []
        for one, other in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
            steps = around[one:other]
            leading = int(steps[np.argmin(edge[steps])])
            key = int(edge[leading])
            if key not in number:
                number[key] = len(courses)
                vertices = np.append(begin[steps], stop[steps[-1]])
                courses.append(points[vertices])
                ends.append((int(vertices[0]), int(vertices[-1])))
                mine = sides[key] if forward[leading] else sides[key][::-1]
                left.append(int(mine[0]))
                right.append(int(mine[1]))
            arc = number[key]
            # a loop begins and ends in one place: its direction shows in its second vertex
            same = tuple(points[stop[steps[0]]]) == tuple(courses[arc][1]) and ends[arc][0] == int(begin[steps[0]])
            walked.append((arc, same))
        rings.append(tuple(walked))
    known, place = np.unique(np.array(ends, np.int64).reshape(-1, 2), return_inverse=True)
    place = place.reshape(-1, 2)
    return Arcs(
        tuple(courses),
        np.array(left, np.int64),
        np.array(right, np.int64),
        place[:, 0].astype(np.int64),
        place[:, 1].astype(np.int64),
        points[known],
        given,
        tuple(rings),
        np.searchsorted(part, np.arange(len(owner) + 1)).astype(np.int64),
        np.searchsorted(owner, np.arange(len(given) + 1)).astype(np.int64),
    )
