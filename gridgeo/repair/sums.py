"""Sums: many polygons at once as sums of their own edges and those of the regions that they gain and lose.

This is what `gridgeo.repair.chains` tells of one polygon, for all that change in a pass: places are numbered, edges
are rows of tables, and what cancels is found by sorting. A ring is followed from edge to edge; only polygons in which
several edges lead away from one place, or of several rings, are put together one by one.

Cost. A few sorts of the edges of the polygons that change.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.repair.chains import Edge, Nodes, Place, assembled

Geometries = npt.NDArray[np.object_]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_CLEAR = 1e-9
"""Share of a ring's size below which the sign of its area is left to exact sums."""


class Sums:
    """Some polygons with the regions that they gain and lose.

    Parameters
    ----------
    nodes : Nodes
        All vertices of the regions, and others that polygons lack.
    polygons : ndarray of Polygon or MultiPolygon
    regions : ndarray of Polygon
    gives : sequence of tuple of int
        Polygon, region, and whether it gains (1) or loses (-1) it.
    pairs : tuple of ndarray of int, optional
        Polygons with the nodes that their borders come near, where they are known.

    Attributes
    ----------
    is_whole : ndarray of bool
        Of each polygon: whether no edge is there more than once, which no polygon has.
    """

    def __init__(
        self,
        nodes: Nodes,
        polygons: Geometries,
        regions: Geometries,
        gives: Sequence[tuple[int, int, int]],
        pairs: tuple[Ints, Ints] | None = None,
    ) -> None:
        self._polygons = polygons
        if pairs is not None:
            of_region, node = nodes.pairs(regions)
            pairs = np.concatenate([pairs[0], of_region + len(polygons)]), np.concatenate([pairs[1], node])
        cuts = nodes.cut(np.concatenate([polygons, regions]), pairs)
        places, tail = np.unique(_as_numbers(cuts.tail), return_inverse=True)
        self._places, head = places, tail[cuts.onward]
        self._count = max(len(places), 1)
        table = np.array(gives, np.int64).reshape(-1, 3)
        self._changes = np.zeros(len(polygons), np.bool_)
        self._changes[table[:, 0]] = True
        own = cuts.shape < len(polygons)
        slot, ends = cuts.shape[own], np.stack([tail[own], head[own]])
        still = ~self._changes[slot]
        of_region, edge = _ranges(cuts.start[len(polygons) + table[:, 1]], cuts.start[len(polygons) + table[:, 1] + 1])
        rows = (
            np.concatenate([slot[~still], table[of_region, 0]]),
            np.concatenate([ends[:, ~still], np.stack([tail[edge], head[edge]])], axis=1),
            np.concatenate([np.ones(int((~still).sum()), np.int64), table[of_region, 2]]),
        )
        slot_left, ends_left, self.is_whole = self._net(*rows, int((~still).sum()), len(polygons))
        self._slot = np.concatenate([slot[still], slot_left])
        self._ends = np.concatenate([ends[:, still], ends_left], axis=1)
        self._pass_straight(cuts.passed, cuts.shape, tail, head)

    def _net(self, slot: Ints, ends: Ints, sign: Ints, own: int, slots: int) -> tuple[Ints, Ints, Bools]:
        """Return the edges that are left where opposite ones cancel, and in which polygons each is there once.

        The first rows are those of the polygons themselves.
        """
        low, high = ends.min(axis=0), ends.max(axis=0)
        key, which = np.unique(self._key(slot, low, high), return_inverse=True)
        way = np.where(ends[0] < ends[1], sign, -sign)
        moved = key[np.bincount(which[own:], way[own:], len(key)) != 0]
        self._moved = moved // self._count // self._count, moved // self._count % self._count, moved % self._count
        net = np.bincount(which, way, len(key)).astype(np.int64)
        is_whole = np.ones(slots, np.bool_)
        is_whole[key[np.abs(net) > 1] // self._count // self._count] = False
        left = net != 0
        key, ahead = key[left], net[left] > 0
        of, low, high = key // self._count // self._count, key // self._count % self._count, key % self._count
        kept = is_whole[of]
        made = np.stack([np.where(ahead, low, high), np.where(ahead, high, low)])
        return of[kept], made[:, kept], is_whole

    def _key(self, slot: Ints, one: Ints, other: Ints) -> Ints:
        key: Ints = (slot * self._count + one) * self._count + other
        return key

    def _pass_straight(self, passed: Ints, shape: Ints, tail: Ints, head: Ints) -> None:
        """Find the places that borders pass through straight, and those where no polygon needs a vertex."""
        mine = passed[shape[passed] < len(self._polygons)]
        mine = mine[self.is_whole[shape[mine]]]
        self._runs = shape[mine], tail[mine], head[mine], head[mine + 1]
        slot, before, place, after = self._runs
        straight = np.ones(len(mine), np.bool_)
        changing = np.flatnonzero(self._changes[slot])
        if len(changing):
            moved = self._changes[self._slot]
            known = self._key(self._slot[moved], *self._ends[:, moved])
            for one, other in ((before, place), (place, after)):
                straight[changing] &= np.isin(self._key(slot, one, other)[changing], known)
        self._straight = slot[straight], place[straight]
        self._needless = np.zeros(self._count, np.bool_)
        self._needless[place[straight]] = True
        here = self._needless[self._ends[0]]
        needed = ~np.isin(
            self._slot[here] * self._count + self._ends[0][here], self._straight[0] * self._count + self._straight[1]
        )
        self._needless[self._ends[0][here][needed]] = False

    def inserted(self) -> dict[int, set[Place]]:
        """Return the vertices that polygons get where their borders run straight on."""
        found: dict[int, set[Place]] = {}
        needed = ~self._needless[self._straight[1]]
        places = _as_places(self._places[self._straight[1][needed]]).tolist()
        for slot, (x, y) in zip(self._straight[0][needed].tolist(), places, strict=True):
            found.setdefault(slot, set()).add((x, y))
        return found

    def moved(self) -> Floats:
        """Return a box of each polygon around all edges that it gains or loses, or that were cut; else inverted."""
        slot = np.concatenate([*(self._moved[0] for _ in range(2)), *(self._runs[0] for _ in range(3))])
        places = _as_places(self._places[np.concatenate([*self._moved[1:], *self._runs[1:]])])
        boxes = np.tile([np.inf, np.inf, -np.inf, -np.inf], (len(self._polygons), 1))
        order = np.argsort(slot, kind="stable")
        slot, places = slot[order], places[order]
        first = np.flatnonzero(np.diff(slot, prepend=-1))
        boxes[slot[first], :2] = np.minimum.reduceat(places, first) if len(first) else boxes[:0, :2]
        boxes[slot[first], 2:] = np.maximum.reduceat(places, first) if len(first) else boxes[:0, 2:]
        return boxes

    def shapes(self, wanted: Sequence[int]) -> dict[int, shapely.Geometry | None]:
        """Return what polygons become; None where their edges bound no polygon, or one in more parts than before."""
        chosen = np.zeros(len(self._polygons), np.bool_)
        chosen[list(wanted)] = True
        mine = np.flatnonzero(chosen[self._slot])
        slot, ends = self._slot[mine], self._ends[:, mine]
        order = np.argsort(slot * self._count + ends[0], kind="stable")
        slot, ends = slot[order], ends[:, order]
        tails = slot * self._count + ends[0]
        onward = np.searchsorted(tails, slot * self._count + ends[1])
        onward = np.minimum(onward, max(len(tails) - 1, 0))
        simple = np.ones(len(self._polygons), np.bool_)
        simple[slot[np.flatnonzero(tails[1:] == tails[:-1])]] = False
        simple[slot[tails[onward] != slot * self._count + ends[1]]] = False
        start = np.searchsorted(slot, np.arange(len(self._polygons) + 1)).tolist()
        needless = self._needless[ends[0]].tolist()
        follow, loops = onward.tolist(), {}
        for k in wanted:
            loop = _followed(follow, start[k], start[k + 1]) if simple[k] else None
            if loop is not None:
                loops[k] = [edge for edge in loop if not needless[edge]]
        alone = [k for k, loop in loops.items() if len(loop) > 2]
        found = self._of_one_ring(alone, [ends[0][loops[k]] for k in alone])
        for k in wanted:
            if k not in found:
                found[k] = self._assembled(k, ends[:, start[k] : start[k + 1]])
        return found

    def _of_one_ring(self, which: list[int], loops: list[Ints]) -> dict[int, shapely.Geometry | None]:
        """Return polygons that are bound by one ring each; those are left out whose sense has to be found exactly."""
        if not which:
            return {}
        old = self._polygons[which]
        rings, ring_of = shapely.get_rings(shapely.get_parts(old), return_index=True)
        of_part = np.repeat(np.arange(len(old)), shapely.get_num_geometries(old))
        begun = _as_numbers(shapely.get_coordinates(shapely.get_point(rings, 0)))
        number = np.searchsorted(self._places, begun)
        number[self._places[np.minimum(number, len(self._places) - 1)] != begun] = -1
        starts: list[list[int]] = [[] for _ in which]
        for k, at in zip(of_part[ring_of].tolist(), number.tolist(), strict=True):
            starts[k].append(at)
        first_part = np.concatenate([[0], np.cumsum(shapely.get_num_geometries(old))[:-1]])
        turned = ~shapely.is_ccw(shapely.get_exterior_ring(shapely.get_parts(old)[first_part]))
        rows = [_begun(loop, starts[k], bool(turned[k])) for k, loop in enumerate(loops)]
        size = np.array([len(row) for row in rows])
        places = _as_places(self._places[np.concatenate(rows)])
        made = shapely.polygons(shapely.linearrings(places, indices=np.repeat(np.arange(len(rows)), size)))
        doubled = 2 * shapely.area(made)
        reach = shapely.length(made)
        ccw = shapely.is_ccw(shapely.get_exterior_ring(made)) != turned
        valid = shapely.is_valid(made)
        clear = doubled > _CLEAR * reach * reach
        return {k: made[row] if ccw[row] and valid[row] else None for row, k in enumerate(which) if clear[row]}

    def _assembled(self, slot: int, ends: Ints) -> shapely.Geometry | None:
        """Return a polygon by itself."""
        places: list[Place] = [(x, y) for x, y in _as_places(self._places[ends.ravel()]).tolist()]
        count = ends.shape[1]
        left: dict[Edge, None] = dict.fromkeys(zip(places[:count], places[count:], strict=True))
        for run in self._runs_of(slot):
            start = run[0]
            for (place, needless), (after, _) in itertools.pairwise(run[1:]):
                if needless and (start[0], place) in left and (place, after) in left:
                    del left[start[0], place], left[place, after]
                    left[start[0], after] = None
                else:
                    start = (place, needless)
        old = self._polygons[slot]
        new = assembled(list(left), old)
        if new is None or shapely.get_num_geometries(new) > shapely.get_num_geometries(old):
            return None
        return new

    def _runs_of(self, slot: int) -> list[list[tuple[Place, bool]]]:
        """Return the edges of a polygon that were cut, with the places in them and whether these are needed."""
        mine = self._runs[0] == slot
        runs: list[list[int]] = []
        for before, place, after in zip(*(ends[mine].tolist() for ends in self._runs[1:]), strict=True):
            if runs and runs[-1][-2:] == [before, place]:
                runs[-1].append(after)
            else:
                runs.append([before, place, after])
        return [
            [
                ((x, y), bool(self._needless[number]))
                for number, (x, y) in zip(run, _as_places(self._places[run]).tolist(), strict=True)
            ]
            for run in runs
        ]


def _followed(onward: list[int], start: int, stop: int) -> list[int] | None:
    """Return the rows of a ring, followed from the first; None where it doesn't pass all."""
    loop, at = [], start
    for _ in range(start, stop):
        loop.append(at)
        at = onward[at]
        if at == start:
            break
    return loop if len(loop) == stop - start and at == start else None


def _begun(loop: Ints, starts: Sequence[int], turned: bool) -> Ints:
    """Return a ring begun where the polygon's rings did before, the way round it ran."""
    loop = np.roll(loop, -int(np.argmin(loop)))
    at = np.flatnonzero(loop == starts[0] if len(starts) == 1 else np.isin(loop, starts))
    if len(at):
        loop = np.roll(loop, -int(at[0]))
    if turned:
        loop = np.concatenate([loop[:1], loop[:0:-1]])
    return np.append(loop, loop[0])


def _ranges(start: Ints, stop: Ints) -> tuple[Ints, Ints]:
    """Return the numbers in several ranges, each with the number of its range."""
    size = stop - start
    of = np.repeat(np.arange(len(start)), size)
    return of, np.arange(int(size.sum())) + np.repeat(start - (np.cumsum(size) - size), size)


def _as_numbers(places: Floats) -> npt.NDArray[np.complex128]:
    """Return places as numbers, which are sorted as places are: from west to east, then from south to north."""
    return np.ascontiguousarray(places).view(np.complex128).ravel()


def _as_places(numbers: npt.NDArray[np.complex128]) -> Floats:
    return np.ascontiguousarray(numbers).view(np.float64).reshape(-1, 2)
