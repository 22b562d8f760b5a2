"""Medial lines: a long region divided among those around it, each taking what is nearer to him than to the others.

Theory (L. Prasad, "Morphological analysis of shapes", 1997: the chordal axis). The rim of the region is divided into
short pieces and the region into triangles between their ends (constrained Delaunay). Each end belongs to whoever lies
beyond the rim there; a triangle's side between ends of two owners is cut in its middle. The cuts, joined through the
triangles, run halfway between the owners and end in the very vertices in which these meet. They are made straighter
(Douglas and Peucker) as long as none meets another or the rim. What is left of the region between them are its parts:
they share the same vertices by construction, so no seam can open.

Where nobody lies beyond the rim (the border of the extent), it belongs to the nearest owner; an edge at somebody who
takes nothing, as a whole, so that he needs no new vertex.

Cost. O(n log n) in the pieces of the rim, at most `MOST_PIECES` a region.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterable, Sequence

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.repair.chains import Place
from gridgeo.repair.regions import Local, Region, Rim

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Node = int
"""A place where cuts meet: a vertex, the middle of a side or of a triangle, by the numbers of its corners in order."""
Parts = list[tuple[shapely.Polygon, int]]
"""Parts of a region, each with who has it."""

MOST_PIECES = 240
"""Pieces into which the rim of a region is divided at most."""
_STRAIGHTER = 0.25
"""By how much of the region's width its medial line may move when it is made straighter."""
_SAME_AREA = 1e-9
_TOUCH = 1e-7
"""Metres. Where a line ends on the rim it may be off by rounding."""
_ACROSS = 2.0
"""Widths of the region within which somebody is across from a place."""
_UNOWNED = -2


def divided(region: Region, rim: Rim, takers: Collection[int], local: Local) -> Parts | None:
    """Divide a region among those of its neighbours who may take it; None where it can't be done well.

    Parameters
    ----------
    region : Region
    rim : Rim
        Of the region.
    takers : collection of int
        At least two.
    local : Local
        Metres at the region.
    """
    return _Division(region, rim, takers, local).parts()


class _Division:
    """One region on its way to be divided."""

    def __init__(self, region: Region, rim: Rim, takers: Collection[int], local: Local) -> None:
        self.region, self.local = region, local
        self.rim = [
            [min((k for k in beyond if k in takers), default=_UNOWNED) for beyond in side] for side in rim.beyond
        ]
        self.rings = [[(float(x), float(y)) for x, y in local.metres(np.array(ring)).tolist()] for ring in rim.rings]
        self.exact = {
            place: given
            for ring, exact in zip(self.rings, rim.rings, strict=True)
            for place, given in zip(ring, exact, strict=True)
        }
        self._close_to_others(rim)
        self.owner: dict[Place, frozenset[int]] = {}
        self.pieces: list[list[Place]] = []
        self._divide_rim()

    # ------------------------------------------------------------------------------------------------ the rim

    def _close_to_others(self, rim: Rim) -> None:
        """Let each edge at somebody who takes nothing belong to one owner, the nearest: no line may end within it."""
        sides = self._owned_sides()
        tree = shapely.STRtree(shapely.linestrings([side for side, _ in sides]))
        for ring, owners, all_beyond in zip(self.rings, self.rim, rim.beyond, strict=True):
            for k, (start, stop) in enumerate(_around(ring)):
                if owners[k] == _UNOWNED and all_beyond[k]:
                    middle = shapely.Point((start[0] + stop[0]) / 2, (start[1] + stop[1]) / 2)
                    owners[k] = min(sides[side][1] for side in tree.query_nearest(middle).tolist())

    def _owned_sides(self) -> list[tuple[tuple[Place, Place], int]]:
        return [
            (side, owner)
            for ring, owners in zip(self.rings, self.rim, strict=True)
            for side, owner in zip(_around(ring), owners, strict=True)
            if owner != _UNOWNED
        ]

    def _divide_rim(self) -> None:
        """Divide the rim into short pieces and find out to whom their ends belong."""
        total = sum(math.dist(a, b) for ring in self.rings for a, b in _around(ring))
        step = max(self.region.width, total / MOST_PIECES)
        unowned: list[Place] = []
        feet = self._feet()
        for of, (ring, owners) in enumerate(zip(self.rings, self.rim, strict=True)):
            places: list[Place] = []
            for k, (start, stop) in enumerate(_around(ring)):
                mine, before = owners[k], owners[k - 1]
                own = frozenset({mine, before} - {_UNOWNED})
                at_corner = feet.get((of, k), {}).pop(0.0, None)
                if own or at_corner:
                    self.owner[start] = own or at_corner or own
                else:
                    unowned.append(start)
                places.append(start)
                count = max(math.ceil(math.dist(start, stop) / step), 3 if mine != before else 1)
                meets = feet.get((of, k), {})
                for share in sorted({*(part / count for part in range(1, count)), *meets}):
                    place = (start[0] + share * (stop[0] - start[0]), start[1] + share * (stop[1] - start[1]))
                    if mine != _UNOWNED:
                        self.owner.setdefault(place, frozenset([mine]))
                    elif share in meets:
                        self.owner.setdefault(place, meets[share])
                    else:
                        unowned.append(place)
                    places.append(place)
            self.pieces.append(places)
        if unowned:
            self._settle(unowned)

    def _feet(self) -> dict[tuple[int, int], dict[float, frozenset[int]]]:
        """Return where on edges of the rim it is nearest to the places where owners across from them meet."""
        edges = [
            (of, k, side, owner)
            for of, (ring, owners) in enumerate(zip(self.rings, self.rim, strict=True))
            for k, (side, owner) in enumerate(zip(_around(ring), owners, strict=True))
        ]
        start, run = np.array([e[2][0] for e in edges]), np.array([e[2][1] for e in edges])
        run = run - start
        found: dict[tuple[int, int], dict[float, frozenset[int]]] = {}
        for ring, owners in zip(self.rings, self.rim, strict=True):
            for k, place in enumerate(ring):
                meet = {owners[k], owners[k - 1]}
                if len(meet) < 2 or _UNOWNED in meet:
                    continue
                share = np.clip(np.einsum("ij,ij->i", place - start, run) / np.einsum("ij,ij->i", run, run), 0, 1)
                away = np.hypot(*(start + share[:, None] * run - place).T)
                away[[e[3] in meet for e in edges]] = np.inf
                best = int(np.argmin(away))
                if away[best] <= _ACROSS * self.region.width:
                    of, on = edges[best][:2]
                    if share[best] == 1.0:
                        of, on, share[best] = of, (on + 1) % len(self.rings[of]), 0.0
                    found.setdefault((of, on), {})[float(share[best])] = frozenset(meet)
        return found

    def _settle(self, unowned: list[Place]) -> None:
        """Let the rim beyond which nobody may take anything belong to the nearest owner."""
        sides = self._owned_sides()
        tree = shapely.STRtree(shapely.linestrings([side for side, _ in sides]))
        best: dict[int, int] = {}
        for point, side in zip(*tree.query_nearest(shapely.points(unowned), all_matches=True).tolist(), strict=True):
            best[point] = min(best.get(point, sides[side][1]), sides[side][1])
        for point, owner in best.items():
            self.owner[unowned[point]] = frozenset([owner])

    # ------------------------------------------------------------------------------------------------ the cuts

    def parts(self) -> Parts | None:
        """Return the parts."""
        outer, *inner = map(shapely.linearrings, self.pieces)
        whole = shapely.polygons(outer, inner or None)
        if not whole.is_valid:
            return None
        triangles = shapely.get_parts(shapely.constrained_delaunay_triangles(whole))
        corners = shapely.get_coordinates(triangles).reshape(-1, 4, 2)[:, :3]
        places = np.array(sorted(self.owner))
        number = _numbers(places, corners)
        if number is None:
            return None
        triangulated = _Triangulated(places, number, [self.owner[x, y] for x, y in places.tolist()])
        cuts = triangulated.cuts()
        if not cuts:
            return None
        lines = _joined(cuts)
        within = _STRAIGHTER * self.region.width
        courses = [[triangulated.place(node) for node in line] for line in lines]
        for tolerance in (within, within / 4, 0.0):
            made = self._tried(_straightened(courses, tolerance))
            if made is not None:
                return made
        return None

    # ------------------------------------------------------------------------------------------------ the parts

    def _tried(self, lines: list[list[Place]]) -> Parts | None:
        """Return the parts between some lines; None where these meet each other or the rim."""
        drawn = shapely.linestrings(
            [place for line in lines for place in line], indices=np.repeat(np.arange(len(lines)), list(map(len, lines)))
        )
        rim = shapely.multilinestrings([shapely.linearrings(ring) for ring in self.rings])
        if not shapely.multilinestrings(drawn).is_simple or not _meet_at_ends(drawn, rim):
            return None
        ends = {place for line in lines for place in (line[0], line[-1])} - self.exact.keys()
        rings = [self._with_ends(ring, pieces, ends) for ring, pieces in zip(self.rings, self.pieces, strict=True)]
        given = [self._given([*ring, ring[0]]) for ring in rings]
        rims = shapely.linestrings([pair for ring in given for pair in itertools.pairwise(ring)])
        courses = [shapely.linestrings(self._given(line)) for line in lines]
        shape = self.region.polygon
        made = shapely.get_parts(shapely.polygonize([*rims, *courses]))
        made = made[shapely.covers(shape, shapely.point_on_surface(made))] if len(made) else made
        area = float(shape.area)
        if (
            len(made) < 2
            or abs(float(shapely.area(made).sum()) - area) > _SAME_AREA * area
            or not shapely.is_valid(made).all()
        ):
            return None
        found: Parts = []
        own = self._owned_edges()
        for part in shapely.orient_polygons(made):
            sizes: dict[int, float] = {}
            for ring in shapely.get_rings(part):
                for start, stop in zip(ring.coords[:-1], ring.coords[1:], strict=True):
                    owner = own.get(start, {}).get(stop)
                    if owner is not None:
                        sizes[owner] = sizes.get(owner, 0.0) + math.dist(start, stop)
            if not sizes:
                return None
            found.append((part, min(sizes, key=lambda k: (-sizes[k], k))))
        return found

    def _owned_edges(self) -> dict[Place, dict[Place, int]]:
        """Return who lies beyond each edge of the rim that is an edge of a part as it is."""
        own: dict[Place, dict[Place, int]] = {}
        for ring, owners in zip(self.rings, self.rim, strict=True):
            for (start, stop), owner in zip(_around(ring), owners, strict=True):
                if owner != _UNOWNED:
                    own.setdefault(self.exact[start], {})[self.exact[stop]] = owner
        return own

    def _with_ends(self, ring: list[Place], pieces: list[Place], ends: set[Place]) -> list[Place]:
        """Return a ring with the ends of lines that lie on it as vertices."""
        if not ends:
            return ring
        corners, places = set(ring), []
        for one, other in _around(pieces):
            if one in corners or one in ends:
                places.append(one)
            middle = ((one[0] + other[0]) / 2, (one[1] + other[1]) / 2)
            if middle in ends:
                places.append(middle)
        return places

    def _given(self, line: Iterable[Place]) -> list[Place]:
        """Return a line in the region's own coordinates; vertices that were there stay to the bit."""
        places = list(line)
        moved = self.local.back(np.array(places)).tolist()
        return [self.exact.get(place, (x, y)) for place, (x, y) in zip(places, moved, strict=True)]


def _meet_at_ends(lines: npt.NDArray[np.object_], rim: shapely.MultiLineString) -> bool:
    """Tell whether lines meet a rim at their ends alone."""
    met, line = shapely.get_coordinates(shapely.intersection(lines, rim), return_index=True)
    apart = [
        np.hypot(*(met - shapely.get_coordinates(shapely.get_point(lines, end))[line]).T) <= _TOUCH for end in (0, -1)
    ]
    return bool((apart[0] | apart[1]).all())


def _around(ring: list[Place]) -> list[tuple[Place, Place]]:
    return list(zip(ring, [*ring[1:], ring[0]], strict=True))


def _numbers(places: Floats, corners: Floats) -> Ints | None:
    """Return the numbers of corners among places, which are sorted; None where one isn't among them."""
    known, wanted = places.view(np.complex128).ravel(), np.ascontiguousarray(corners).view(np.complex128)[..., 0]
    number = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return number if (known[number] == wanted).all() else None


class _Triangulated:
    """A region divided into triangles between places on its rim, each with those to whom it belongs.

    Parameters
    ----------
    places : ndarray of float, shape (n, 2)
    corner : ndarray of int, shape (m, 3)
        The places at the corners of each triangle.
    owner : sequence of frozenset of int
        One or two of each place.
    """

    def __init__(self, places: Floats, corner: Ints, owner: Sequence[frozenset[int]]) -> None:
        self._places: list[Place] = [(x, y) for x, y in places.tolist()]
        self._corner, self._owner = corner, owner
        self._base = len(places) + 1
        self._hearts: dict[Node, Place] = {}

    def place(self, node: Node) -> Place:
        """Return where a node is."""
        if node in self._hearts:
            return self._hearts[node]
        one, other = node // self._base**2 - 1, node // self._base % self._base - 1
        x, y = self._places[one]
        if other < 0:
            return x, y
        u, v = self._places[other]
        return (x + u) / 2, (y + v) / 2

    def _vertex(self, number: int) -> Node:
        return (number + 1) * self._base**2

    def cuts(self) -> list[tuple[Node, Node]]:
        """Return the pieces of the medial line in all triangles."""
        # of each corner, the side across from it
        first, second = np.roll(self._corner, -1, axis=1), np.roll(self._corner, -2, axis=1)
        least, most = (np.array([choice(owner) for owner in self._owner]) for choice in (min, max))
        is_cut = np.ones(first.shape, np.bool_)
        for one in (least[first], most[first]):
            for other in (least[second], most[second]):
                is_cut &= one != other
        middle = (np.minimum(first, second) + 1) * self._base**2 + (np.maximum(first, second) + 1) * self._base
        count = is_cut.sum(axis=1)
        found: set[tuple[Node, Node]] = set()
        for t in np.flatnonzero(count == 3).tolist():
            heart = self._heart(t)
            found.update((min(heart, node), max(heart, node)) for node in middle[t].tolist())
        two = np.sort(middle[count == 2][is_cut[count == 2]].reshape(-1, 2), axis=1)
        found.update(zip(two[:, 0].tolist(), two[:, 1].tolist(), strict=True))
        # the corner across from the only side that is cut is where its two owners meet
        parted = self._corner[count == 1][is_cut[count == 1]].tolist()
        for number, node in zip(parted, middle[count == 1][is_cut[count == 1]].tolist(), strict=True):
            found.add((min(self._vertex(number), node), max(self._vertex(number), node)))
        return sorted(self._run_on(found, {*parted}, first, second, is_cut, middle, least != most))

    def _heart(self, triangle: int) -> Node:
        """Return the node in the middle of a triangle."""
        one, two, three = sorted(self._corner[triangle].tolist())
        node: Node = ((one + 1) * self._base + two + 1) * self._base + three + 1
        x, y = zip(*(self._places[number] for number in self._corner[triangle].tolist()), strict=True)
        self._hearts[node] = sum(x) / 3, sum(y) / 3
        return node

    def _run_on(
        self,
        found: set[tuple[Node, Node]],
        parted: set[int],
        first: Ints,
        second: Ints,
        is_cut: npt.NDArray[np.bool_],
        middle: Ints,
        of_two: npt.NDArray[np.bool_],
    ) -> set[tuple[Node, Node]]:
        """Return cuts together with those that lead to places where owners meet.

        Parameters
        ----------
        found : set of tuple of Node
        parted : set of int
            Places where owners meet from which the border between them runs on already.
        first, second, is_cut, middle : ndarray, shape (m, 3)
            The sides of all triangles: their ends, whether they are cut, and the nodes in their middles.
        of_two : ndarray of bool
            Of each place, whether it has two owners.
        """
        # a side between two places where owners meet is a cut if its two sides belong to different owners
        beside: dict[tuple[int, int], list[int]] = {}
        places = self._places
        for t, k in np.argwhere(~is_cut & ~of_two[self._corner] & of_two[first] & of_two[second]).tolist():
            ends = sorted((int(first[t, k]), int(second[t, k])))
            beside.setdefault((ends[0], ends[1]), []).append(min(self._owner[self._corner[t, k]]))
        for (start, stop), own_of in beside.items():
            if len(own_of) == 2 and own_of[0] != own_of[1]:
                found.add((self._vertex(start), self._vertex(stop)))
                parted.update((start, stop))
        # where owners meet across from others, the border between them runs on to the medial line
        nearest: dict[int, tuple[float, Node]] = {}
        for one, other in ((first, second), (second, first)):
            led = is_cut & of_two[one]
            for number, across, node in zip(one[led].tolist(), other[led].tolist(), middle[led].tolist(), strict=True):
                away = math.dist(places[number], places[across])
                nearest[number] = min(nearest.get(number, (math.inf, node)), (away, node))
        for number, (_, node) in nearest.items():
            if number not in parted:
                found.add((min(self._vertex(number), node), max(self._vertex(number), node)))
        return found


def _joined(cuts: list[tuple[Node, Node]]) -> list[list[Node]]:
    """Join cuts to lines that end where not exactly two meet."""
    onward: dict[Node, list[Node]] = {}
    for one, other in cuts:
        onward.setdefault(one, []).append(other)
        onward.setdefault(other, []).append(one)
    ends = sorted(node for node, others in onward.items() if len(others) != 2)
    lines: list[list[Node]] = []
    walked: set[tuple[Node, Node]] = set()
    passed: set[Node] = set()
    for first in [*ends, *sorted(onward)]:
        if first in passed:
            continue
        for second in sorted(onward[first]):
            if (first, second) in walked:
                continue
            line = [first, second]
            walked.update({(first, second), (second, first)})
            while len(onward[line[-1]]) == 2 and line[-1] != first:
                (step,) = [node for node in onward[line[-1]] if node != line[-2]] or [line[-2]]
                walked.update({(line[-1], step), (step, line[-1])})
                line.append(step)
            lines.append(line)
            passed.update(line[1:-1])
    return lines


def _straightened(lines: list[list[Place]], tolerance: float) -> list[list[Place]]:
    """Return lines with no more vertices than they need to stay within a tolerance."""
    bent = [k for k, line in enumerate(lines) if len(line) > 2]
    if not bent or not tolerance:
        return lines
    places = [place for k in bent for place in lines[k]]
    drawn = shapely.linestrings(places, indices=np.repeat(np.arange(len(bent)), [len(lines[k]) for k in bent]))
    left, line = shapely.get_coordinates(shapely.simplify(drawn, tolerance), return_index=True)
    made = list(lines)
    for k, mine in zip(bent, np.split(left, np.flatnonzero(np.diff(line)) + 1), strict=True):
        made[k] = [(x, y) for x, y in mine.tolist()]
    return made
