"""The exchange: regions change hands, polygon by polygon, and what does not come out well is taken back.

Theory. Each polygon that a decision touches is put together again from its chain (`gridgeo.repair.chains`) and looked
at by itself: it must be valid and not empty, in no more parts than before, have no spike or needle that it didn't have,
and not have become the same polygon as another, of which the next repair would drop one as a copy. If it is amiss, the
region that causes it is decided about again; so long until all come out well. Places that edges pass through become
vertices on both sides.

Cost. Some hundred microseconds a polygon; all searches are made for all polygons together.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.coverage import equal_polygons, pairs_of_boxes
from gridgeo.repair.chains import Nodes, Place
from gridgeo.repair.decide import Decision
from gridgeo.repair.regions import Geometries, Local, Region
from gridgeo.repair.shapes import GROWN, needles, spike_tips
from gridgeo.repair.sums import Sums
from gridgeo.validate.subject import Subject

Floats = npt.NDArray[np.float64]

_ALL = 1 - 1e-9
_VISIBLE = 1e-3
"""Metres. What changes less leaves no shape behind that a polygon didn't have."""


@dataclass
class Deal:
    """A region with the decision about it.

    Parameters
    ----------
    region : Region
    decision : Decision
    """

    region: Region
    decision: Decision

    def hands(self) -> Iterable[tuple[int, int, int]]:
        """Return which polygon gains (1) or loses (-1) which share."""
        for number, share in enumerate(self.decision.shares):
            if share.taker is not None:
                yield share.taker, number, 1
            for giver in share.givers:
                yield giver, number, -1


Flaw = Literal["emptied", "divided", "slender", "twin"]
"""How a polygon doesn't come out well: without area, in more parts (or none), with a spike or needle, as another."""

Next = Callable[[Deal, Mapping[int, Flaw]], Decision | None]


@dataclass
class _Made:
    """Polygons as they would become.

    Parameters
    ----------
    shapes : dict of int to Geometry
    bad : dict of int to list of int
        Polygons that don't come out well, with the numbers of the deals that change them.
    flaws : dict of int to Flaw
        Of these.
    inserted : dict of int to set of Place
        Vertices that they get where their border runs straight on.
    touched : list of int
        Polygons whose borders pass through a node.
    moved : ndarray of float, shape (n, 4)
        Of each of these a box around all edges that change.
    """

    shapes: dict[int, shapely.Geometry] = field(default_factory=dict)
    bad: dict[int, list[int]] = field(default_factory=dict)
    flaws: dict[int, Flaw] = field(default_factory=dict)
    inserted: dict[int, set[Place]] = field(default_factory=dict)
    touched: list[int] = field(default_factory=list)
    moved: Floats = field(default_factory=lambda: np.zeros((0, 4)))


def _connected(deals: Sequence[Deal], bad: Mapping[int, list[int]]) -> dict[int, int]:
    """Return the deals that share polygons with a bad one, directly or by way of others, with their groups."""
    hands = [{polygon for polygon, _, _ in deal.hands()} for deal in deals]
    at: dict[int, list[int]] = {}
    for number, polygons in enumerate(hands):
        for polygon in polygons:
            at.setdefault(polygon, []).append(number)
    group: dict[int, int] = {}
    for first in sorted({number for numbers in bad.values() for number in numbers}):
        waiting = [first] if first not in group else []
        while waiting:
            number = waiting.pop()
            if number not in group:
                group[number] = first
                waiting += [other for polygon in hands[number] for other in at[polygon] if other not in group]
    return group


class Exchange:
    """Polygons between which regions change hands.

    Parameters
    ----------
    subject : Subject
        Whose CRS counts.
    polygons : ndarray of Polygon or MultiPolygon
        Changed in place.
    locked : set of int
        Polygons that never change.

    Attributes
    ----------
    boxes : ndarray of float, shape (n, 4)
        Of the polygons as they are now; inverted for missing ones.
    areas : ndarray of float
        Of the polygons as they are now, in units of the coordinates.
    changed : set of int
        Polygons that are not as they were.
    moved : list of ndarray of float, shape (4,)
        Boxes around the edges that polygons have gained and lost, or that were cut, since this was last emptied.
    """

    def __init__(self, subject: Subject, polygons: Geometries, locked: frozenset[int]) -> None:
        self._subject, self.polygons, self._locked = subject, polygons, locked
        self.boxes: Floats = shapely.bounds(polygons).reshape(-1, 4)
        self.boxes[np.isnan(self.boxes[:, 0])] = [np.inf, np.inf, -np.inf, -np.inf]
        self.areas: Floats = shapely.area(polygons)
        self.changed: set[int] = set()
        self.moved: list[Floats] = []

    def carry_out(
        self, deals: Sequence[Deal], lacking: Mapping[int, Sequence[Place]], otherwise: Next
    ) -> tuple[list[Deal], list[Deal], dict[int, set[Place]]]:
        """Carry decisions out, as far as they come out well.

        Parameters
        ----------
        deals : sequence of Deal
        lacking : mapping of int to sequence of Place
            Vertices that polygons lack.
        otherwise : callable
            Returns the next decision about a region whose last one didn't come out well, for the flaws of the polygons
            that it would have changed; None where there is none.

        Returns
        -------
        done : list of Deal
        put_off : list of Deal
            Those that don't come out well beside others that are done: to be tried again.
        changed : dict of int to set of Place
            The polygons that have changed, with the vertices that they got where their border runs straight on.
        """
        together = self._made(deals, lacking)
        if not together.bad:
            return list(deals), [], self._applied(together)
        # what shares a polygon with something bad is tried again by itself, all else is done
        spoilt = _connected(deals, together.bad)
        sound = [deal for number, deal in enumerate(deals) if number not in spoilt]
        inserted = self._applied(self._made(sound, lacking, np.array(together.touched, np.int64)))
        done, put_off = sound, []
        for group in sorted(set(spoilt.values())):
            numbers = [number for number in sorted(spoilt) if spoilt[number] == group]
            bad = {
                k: [numbers.index(number) for number in which]
                for k, which in together.bad.items()
                if not spoilt.keys().isdisjoint(which) and spoilt[which[0]] == group
            }
            mine = [deals[number] for number in numbers]
            more, late = self._by_themselves(mine, bad, together.flaws, otherwise, inserted)
            done += more
            put_off += late
        return done, put_off, inserted

    def _by_themselves(
        self,
        deals: list[Deal],
        bad: Mapping[int, list[int]],
        flaws: Mapping[int, Flaw],
        otherwise: Next,
        inserted: dict[int, set[Place]],
    ) -> tuple[list[Deal], list[Deal]]:
        """Carry out deals that hang together and of which some come out badly, decided otherwise where needed."""
        put_off: list[Deal] = []
        while deals:
            blamed, late = self._blamed(deals, bad, flaws)
            kept = []
            for number, deal in enumerate(deals):
                if number in late:
                    put_off.append(deal)
                elif number not in blamed:
                    kept.append(deal)
                else:
                    decision = otherwise(deal, blamed[number])
                    if decision is not None:
                        kept.append(replace(deal, decision=decision))
            deals = kept
            made = self._made(deals, {})
            if not made.bad:
                inserted.update(self._applied(made))
                break
            bad, flaws = made.bad, made.flaws
        return deals, put_off

    def _applied(self, made: _Made) -> dict[int, set[Place]]:
        """Put polygons in the places of the old ones; return which, with the vertices inserted."""
        inserted = {}
        moved = dict(zip(made.touched, made.moved, strict=True))
        for k, shape in made.shapes.items():
            if not shapely.equals_identical(shape, self.polygons[k]):
                inserted[k] = made.inserted[k]
                self.polygons[k] = shape
                self.boxes[k] = shapely.bounds(shape)
                self.areas[k] = shapely.area(shape)
                self.changed.add(k)
                self.moved.append(moved[k])
        return inserted

    def _made(
        self, deals: Sequence[Deal], lacking: Mapping[int, Sequence[Place]], among: npt.NDArray[np.int64] | None = None
    ) -> _Made:
        """Return polygons as they would become; only some can be touched, where these are known."""
        regions = np.array([share.region for deal in deals for share in deal.decision.shares], object)
        places = [shapely.get_coordinates(regions), *(np.array(points, np.float64) for points in lacking.values())]
        if not any(map(len, places)):
            return _Made()
        nodes = Nodes(np.concatenate(places))
        near = self._near(nodes) if among is None else among
        gives: dict[int, list[int]] = {}
        hands: list[tuple[int, int, int]] = []
        first = 0
        for number, deal in enumerate(deals):
            for polygon, share, sign in deal.hands():
                gives.setdefault(polygon, []).append(number)
                if polygon not in self._locked:
                    hands.append((polygon, first + share, sign))
            first += len(deal.decision.shares)
        at, node = nodes.pairs(self.polygons[near])
        touched = np.union1d(near[at], np.array(list(gives), np.int64))
        pairs = np.searchsorted(touched, near[at]), node
        slot = {k: number for number, k in enumerate(touched.tolist())}
        sums = Sums(
            nodes, self.polygons[touched], regions, [(slot[k], region, sign) for k, region, sign in hands], pairs
        )
        result = _Made(touched=touched.tolist(), moved=sums.moved())
        result.bad = {k: sorted(set(gives[k])) for k in touched[~sums.is_whole].tolist()}
        inserted = {result.touched[number]: places for number, places in sums.inserted().items()}
        wanted = [k for k in result.touched if k in gives or k in inserted]
        wanted = [k for k in wanted if k not in self._locked and k not in result.bad]
        result.inserted = {k: inserted.get(k, set()) for k in wanted}
        fresh = []
        shapes = sums.shapes([slot[k] for k in wanted])
        for k in wanted:
            shape = shapes[slot[k]]
            if shape is not None:
                result.shapes[k] = shape
                if any(deals[number].region.width > _VISIBLE for number in gives.get(k, ())):
                    fresh.append(k)
            elif k in gives:
                result.bad[k] = sorted(set(gives[k]))
        lost = dict.fromkeys(result.bad, 0.0)
        for polygon, region, sign in hands:
            if polygon in lost:
                lost[polygon] -= sign * float(shapely.area(regions[region]))
        result.flaws = {k: "emptied" if lost[k] >= _ALL * self.areas[k] else "divided" for k in result.bad}
        result.flaws |= dict.fromkeys(self._disfigured(fresh, result.shapes), "slender")
        result.flaws |= dict.fromkeys(self._twins(result, gives), "twin")
        result.bad = {k: sorted(set(gives[k])) for k in result.flaws}
        return result

    def _near(self, nodes: Nodes) -> npt.NDArray[np.int64]:
        """Return the polygons whose boxes hold a node."""
        places = nodes.places
        low, high = places.min(axis=0) - nodes.reach, places.max(axis=0) + nodes.reach
        boxes = np.hstack([places - nodes.reach, places + nodes.reach])
        inside = self._within(low, high)
        found: npt.NDArray[np.int64] = inside[np.unique(pairs_of_boxes(boxes, self.boxes[inside])[1])]
        return found

    def _within(self, low: Floats, high: Floats) -> npt.NDArray[np.int64]:
        """Return the polygons whose boxes meet a box."""
        boxes = self.boxes
        found = np.flatnonzero((boxes[:, 0] <= high[0]) & (boxes[:, 2] >= low[0]))
        mine = boxes[found]
        inside: npt.NDArray[np.int64] = found[(mine[:, 1] <= high[1]) & (mine[:, 3] >= low[1])]
        return inside

    def _blamed(
        self, deals: Sequence[Deal], bad: Mapping[int, list[int]], flaws: Mapping[int, Flaw]
    ) -> tuple[dict[int, dict[int, Flaw]], set[int]]:
        """Return which deals spoil a polygon by themselves, and how; and which wait because they do so with others."""
        blamed: dict[int, dict[int, Flaw]] = {}
        late: set[int] = set()
        alone = {
            number: self._made([deals[number]], {}).flaws
            for number in sorted({number for numbers in bad.values() for number in numbers})
            if len(deals) > 1
        }
        for k, numbers in bad.items():
            guilty = [number for number in numbers if len(numbers) == 1 or k in alone.get(number, {})]
            for number in guilty:
                blamed.setdefault(number, {})[k] = alone.get(number, flaws).get(k, flaws[k])
            if not guilty:
                late.update(numbers[1:])
        return blamed, late - blamed.keys()

    # ---------------------------------------------------------------------------------------------- shapes

    def _twins(self, made: _Made, gives: Container[int]) -> list[int]:
        """Return the polygons that lose or gain something and thereby become the same as another."""
        # the other's border runs through all nodes that the new one's does, so it is among those that are touched
        names = [k for k in made.touched if k not in made.bad]
        if not any(k in gives for k in made.shapes):
            return []
        shapes = np.array([made.shapes.get(k, self.polygons[k]) for k in names], object)
        same = equal_polygons(shapes)
        return [names[at] for group in same for at in group if names[at] in made.shapes and names[at] in gives]

    def _disfigured(self, which: Sequence[int], made: Mapping[int, shapely.Geometry]) -> list[int]:
        """Return the polygons that have a spike or a needle which they didn't have."""
        if not which:
            return []
        old = self.polygons[list(which)]
        new = np.array([made[k] for k in which], object)
        worse = self._spikes(old, new)
        worse |= self._needles(old, new)
        return [k for k, spoilt in zip(which, worse, strict=True) if spoilt]

    def _spikes(self, old: Geometries, new: Geometries) -> npt.NDArray[np.bool_]:
        """Tell which new polygons have a spike that the old ones don't have."""
        before, after = spike_tips(self._subject, old), spike_tips(self._subject, new)
        return np.array([not after[k] <= before[k] for k in range(len(new))], np.bool_)

    def _needles(self, old: Geometries, new: Geometries) -> npt.NDArray[np.bool_]:
        """Tell which new polygons have a needle that the old ones don't have."""
        local = Local.at(self._subject, shapely.get_coordinates(new[0])[0].tolist())
        after = needles(local.shapes(new))
        found = np.zeros(len(new), np.bool_)
        for k in np.flatnonzero([len(each) > 0 for each in after]).tolist():
            (before,) = needles(local.shapes(old[k : k + 1]))
            known = shapely.buffer(shapely.union_all(before), GROWN) if before else shapely.Polygon()
            rest = shapely.difference(np.array(after[k], object), known)
            found[k] = bool((shapely.area(rest) > 0.5 * shapely.area(np.array(after[k], object))).any())
        return found
