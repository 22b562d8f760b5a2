"""Chains: polygons as sums of directed edges, so that regions change hands without an overlay.

Theory. Let every polygon be the sum of its edges, each with the interior on the left. A region that polygon A gives to
polygon B is a sum of edges too; A minus the region and B plus the region are sums in which opposite equal edges cancel.
So a border moves on both of its sides at once, with the same coordinates; edges away from the region stay to the bit;
and what is given and taken adds up by construction. Two things are needed: that edges which run along each other have
the same vertices (`Nodes`), and rings made of the edges that are left (`assembled`).

Cost. Linear in the vertices of the polygons that change.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

Place = tuple[float, float]
Edge = tuple[Place, Place]
Loop = list[Place]
Geometries = npt.NDArray[np.object_]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_FEW = 2_000
"""Pairs of a polygon and a place that are all looked at."""
_ULPS = 8.0
"""A vertex that was computed where two edges cross lies no farther from them, in units in the last place."""


class Chain:
    """A sum of directed edges, in which opposite equal ones cancel."""

    def __init__(self) -> None:
        self._net: dict[Edge, int] = {}

    def add(self, edges: Iterable[Edge], sign: int = 1) -> None:
        """Add edges; with ``sign`` -1 take them away."""
        net = self._net
        for tail, head in edges:
            key, way = ((tail, head), sign) if tail < head else ((head, tail), -sign)
            total = net.get(key, 0) + way
            if total:
                net[key] = total
            else:
                del net[key]

    def edges(self) -> list[Edge] | None:
        """Return what is left; None where an edge is there more than once, which no polygon has."""
        if any(abs(way) > 1 for way in self._net.values()):
            return None
        return [key if way > 0 else (key[1], key[0]) for key, way in self._net.items()]


class Nodes:
    """Places that every edge must have as vertices which passes through them.

    Parameters
    ----------
    places : ndarray of float, shape (n, 2)
    """

    def __init__(self, places: Floats) -> None:
        # complex numbers are sorted as places are, and sooner than rows
        self.places: Floats = (
            np.unique(np.ascontiguousarray(places).view(np.complex128)).view(np.float64).reshape(-1, 2)
        )
        self._tree = shapely.STRtree(shapely.points(self.places))
        largest = float(np.abs(self.places).max(initial=1.0))
        self.reach = _ULPS * float(np.spacing(largest))

    def pairs(self, polygons: Geometries) -> tuple[Ints, Ints]:
        """Return the polygons whose borders come near a place, in ascending order, each with the place.

        Of a few, all are returned: to look at each edge is cheaper then.
        """
        if len(polygons) * len(self.places) <= _FEW:
            return np.divmod(np.arange(len(polygons) * len(self.places)), max(len(self.places), 1))
        found: tuple[Ints, Ints] = self._tree.query(
            shapely.boundary(polygons), predicate="dwithin", distance=self.reach
        )
        return found

    def edges_of(self, polygon: shapely.Geometry) -> list[Edge]:
        """Return the edges of a polygon with its interior on the left, cut at the places that they pass through."""
        return self.edges_of_each(np.array([polygon], object))[0]

    def edges_of_each(self, polygons: Geometries) -> list[list[Edge]]:
        """Return the edges of each of some polygons as `edges_of` does."""
        cuts = self.cut(polygons)
        edges: list[Edge] = [((a, b), (c, d)) for a, b, c, d in np.hstack([cuts.tail, cuts.head]).tolist()]
        return [edges[start:stop] for start, stop in itertools.pairwise(cuts.start.tolist())]

    def cut(self, polygons: Geometries, pairs: tuple[Ints, Ints] | None = None) -> Cuts:
        """Return the edges of polygons with their interiors on the left, cut at the places that they pass through.

        Parameters
        ----------
        polygons : ndarray of Polygon or MultiPolygon
        pairs : tuple of ndarray of int, optional
            What `pairs` returns for them, where it is known.
        """
        parts, of_polygon = shapely.get_parts(polygons, return_index=True)
        rings, of_part = shapely.get_rings(shapely.orient_polygons(parts), return_index=True)
        places, ring = shapely.get_coordinates(rings, return_index=True)
        first = np.flatnonzero((ring[1:] == ring[:-1]) & (places[1:] != places[:-1]).any(axis=1))
        tail, head, ring = places[first], places[first + 1], ring[first]
        shape = of_polygon[of_part[ring]]
        edge, place = self._inner(tail, head, *self._at_edges(tail, head, shape, *(pairs or self.pairs(polygons))))
        # an edge with n places in it becomes n + 1
        count = np.bincount(edge, minlength=len(tail)) + 1
        start = np.cumsum(count) - count
        passed = start[edge] + np.arange(len(edge)) - np.searchsorted(edge, edge)
        tail, head, ring, shape = (np.repeat(each, count, axis=0) for each in (tail, head, ring, shape))
        head[passed], tail[passed + 1] = place, place
        onward = np.arange(1, len(tail) + 1)
        last = np.flatnonzero(np.append(ring[1:] != ring[:-1], True)) if len(ring) else np.zeros(0, np.int64)
        onward[last] = np.concatenate([[0], last[:-1] + 1])[: len(last)]
        return Cuts(tail, head, np.searchsorted(shape, np.arange(len(polygons) + 1)), shape, onward, passed)

    def on(self, edge: Edge) -> list[Place]:
        """Return the places that an edge passes through, in their order."""
        node = self._tree.query(shapely.LineString(edge), predicate="dwithin", distance=self.reach)
        at = np.zeros(len(node), np.int64)
        _, places = self._inner(np.array([edge[0]]), np.array([edge[1]]), at, node)
        return [(x, y) for x, y in places.tolist()]

    def _at_edges(self, tail: Floats, head: Floats, shape: Ints, near: Ints, node: Ints) -> tuple[Ints, Ints]:
        """Return edges with those of the places near their shape that lie no farther west or east than they do."""
        key = np.sort(near * len(self.places) + node)
        x = self.places[:, 0]  # which ascend
        west = np.searchsorted(x, np.minimum(tail[:, 0], head[:, 0]) - self.reach)
        east = np.searchsorted(x, np.maximum(tail[:, 0], head[:, 0]) + self.reach, side="right")
        first = np.searchsorted(key, shape * len(self.places) + west)
        count = np.searchsorted(key, shape * len(self.places) + east) - first
        at = np.repeat(np.arange(len(tail)), count)
        which = np.arange(len(at)) + np.repeat(first - (np.cumsum(count) - count), count)
        return at, key[which] % len(self.places)

    def _inner(self, tail: Floats, head: Floats, at: Ints, node: Ints) -> tuple[Ints, Floats]:
        """Return the places that edges pass through, in their order along each edge, with the numbers of the edges.

        Of pairs of an edge and a node only those count in which the node lies on the edge.
        """
        low, high = np.minimum(tail, head) - self.reach, np.maximum(tail, head) + self.reach
        place = self.places[node]
        inside = ((place >= low[at]) & (place <= high[at])).all(axis=1)
        at, place = at[inside], place[inside]
        strange = (place != tail[at]).any(axis=1) & (place != head[at]).any(axis=1)
        at, place = at[strange], place[strange]
        run, way = head[at] - tail[at], place - tail[at]
        size = np.einsum("ij,ij->i", run, run)
        along = np.einsum("ij,ij->i", way, run) / size
        off = np.abs(way[:, 0] * run[:, 1] - way[:, 1] * run[:, 0])
        through = np.flatnonzero((off <= self.reach * np.sqrt(size)) & (along > 0) & (along < 1))
        through = through[np.lexsort((along[through], at[through]))]
        return at[through], place[through]


@dataclass(frozen=True)
class Cuts:
    """The edges of some polygons, cut at places that they pass through; one polygon after another, ring after ring.

    Parameters
    ----------
    tail, head : ndarray of float, shape (n, 2)
        The ends of each edge.
    start : ndarray of int
        The first edge of each polygon, and the number of all edges.
    shape : ndarray of int, shape (n,)
        The polygon of each edge.
    onward : ndarray of int, shape (n,)
        The edge that follows on the ring.
    passed : ndarray of int
        Edges that end in a place that an edge of the polygon passed through; the one after it begins there.
    """

    tail: Floats
    head: Floats
    start: Ints
    shape: Ints
    onward: Ints
    passed: Ints


def assembled(edges: list[Edge], like: shapely.Geometry | None = None) -> shapely.Geometry | None:
    """Return the polygon that edges bound, its interior on their left; None where they bound none.

    Parameters
    ----------
    edges : list of Edge
        As many lead to each place as away from it.
    like : Geometry, optional
        Rings begin where those of this polygon do, and run the same way round.
    """
    loops = _loops(edges)
    sizes = [_doubled_area(loop) for loop in loops]
    shells = [loop for loop, size in zip(loops, sizes, strict=True) if size > 0]
    holes = [loop for loop, size in zip(loops, sizes, strict=True) if size < 0]
    if not shells:
        return None
    pierced: list[list[Loop]] = [[] for _ in shells]
    whole = [shapely.Polygon(shell) for shell in shells] if holes else []
    for hole in holes:
        inside = shapely.Polygon(hole).representative_point()
        around = [k for k, shell in enumerate(whole) if shell.covers(inside)]
        if not around:
            return None
        pierced[min(around, key=lambda k: whole[k].area)].append(hole)
    starts, turned = _manner(like)
    parts = [
        shapely.polygons(
            np.array(_begun(shell, starts, turned)),
            [shapely.linearrings(np.array(_begun(hole, starts, turned))) for hole in own] or None,
        )
        for shell, own in zip(shells, pierced, strict=True)
    ]
    made = parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)
    return made if made.is_valid and not made.is_empty else None


def _loops(edges: list[Edge]) -> list[Loop]:
    """Put edges together to loops that pass no place twice."""
    onward: dict[Place, list[Place]] = {}
    for tail, head in edges:
        onward.setdefault(tail, []).append(head)
    loops: list[Loop] = []
    for first in sorted(onward):
        while onward[first]:
            path, at = [first], {first: 0}
            before, here = None, first
            while True:
                following = _next(before, here, onward[here])
                if following is None:
                    return []  # more edges lead here than away
                onward[here].remove(following)
                before, here = here, following
                if here in at:  # a loop is closed; what came before it goes on from here
                    begin = at[here]
                    loops.append([*path[begin:], here])
                    for place in path[begin + 1 :]:
                        del at[place]
                    path = path[: begin + 1]
                    if begin == 0:
                        break
                    before = path[-2]
                else:
                    at[here] = len(path)
                    path.append(here)
    return loops


def _next(before: Place | None, here: Place, heads: list[Place]) -> Place | None:
    """Return where to go on: along the interior on the left, so that loops which meet in a place don't cross."""
    if len(heads) < 2 or before is None:
        return min(heads) if heads else None
    back = math.atan2(before[1] - here[1], before[0] - here[0])

    def clockwise(head: Place) -> float:
        turn = back - math.atan2(head[1] - here[1], head[0] - here[0])
        return turn % (2 * math.pi) or 2 * math.pi

    return min(heads, key=lambda head: (clockwise(head), head))


def _doubled_area(loop: Loop) -> float:
    x0, y0 = loop[0]
    return math.fsum((ax - x0) * (by - y0) - (bx - x0) * (ay - y0) for (ax, ay), (bx, by) in itertools.pairwise(loop))


def _manner(like: shapely.Geometry | None) -> tuple[set[Place], bool]:
    """Return where the rings of a polygon begin, and whether its shells run clockwise."""
    if like is None or like.is_empty:
        return set(), False
    rings = shapely.get_rings(shapely.get_parts(like))
    starts = {(x, y) for x, y in shapely.get_coordinates(shapely.get_point(rings, 0)).tolist()}
    return starts, not shapely.is_ccw(shapely.get_exterior_ring(shapely.get_parts(like)[0]))


def _begun(ring: Iterable[tuple[float, ...]], starts: set[Place], turned: bool) -> Loop:
    """Return a ring begun where it did before, the way round it ran."""
    loop: Loop = [(place[0], place[1]) for place in ring][:-1]
    first = next((k for k, place in enumerate(loop) if place in starts), 0)
    loop = loop[first:] + loop[:first]
    if turned:
        loop = [loop[0], *reversed(loop[1:])]
    return [*loop, loop[0]]
