"""The exchange: regions change hands, polygon by polygon, and what does not come out well is taken back.

Theory. Each polygon that a decision touches is put together again from its chain (`gridgeo.repair.chains`) and looked
at by itself: it must be valid and not empty, in no more parts than before, and have no spike or needle that it didn't
have. If it has, the region that causes it is decided about again; so long until all come out well. Places that edges
pass through become vertices on both sides.

Cost. Some hundred microseconds a polygon; all searches are made for all polygons together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.coverage import pairs_of_boxes
from gridgeo.repair.chains import Chain, Cut, Edge, Nodes, Place, assembled
from gridgeo.repair.decide import Decision
from gridgeo.repair.regions import Geometries, Local, Region
from gridgeo.validate.shapes import SPIKE_BASE, check_shapes
from gridgeo.validate.subject import Subject

Floats = npt.NDArray[np.float64]

NEEDLE = 12.0
"""How many times as long as wide on an average a needle is at least; its widest place is narrower than `SPIKE_BASE`."""
NEEDLE_LENGTH = 2.0
"""Metres. A shorter one is none."""
_GROWN = 1e-3
"""Metres by which a polygon's parts are looked for beside their thick ones, so that rounding shows nothing."""
_FEW = 500
"""Places that a tree is asked for one by one."""
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


Next = Callable[[Deal], Decision | None]


@dataclass
class _Made:
    """Polygons as they would become.

    Parameters
    ----------
    shapes : dict of int to Geometry
    bad : dict of int to list of int
        Polygons that don't come out well, with the numbers of the deals that change them.
    cuts : dict of int to Cut
    parts : dict of int to list
        What each gains and loses.
    """

    shapes: dict[int, shapely.Geometry]
    bad: dict[int, list[int]]
    cuts: dict[int, Cut]
    parts: dict[int, list[tuple[int, int, int]]]

    def is_same(self, polygon: int, cut: Cut, parts: list[tuple[int, int, int]]) -> bool:
        """Whether a polygon becomes here what it becomes with some cuts and parts."""
        mine = self.cuts.get(polygon)
        same = mine is not None and self.parts[polygon] == parts and polygon not in self.bad
        return same and mine is not None and mine.edges == cut.edges


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
    changed : set of int
        Polygons that are not as they were.
    """

    def __init__(self, subject: Subject, polygons: Geometries, locked: frozenset[int]) -> None:
        self._subject, self.polygons, self._locked = subject, polygons, locked
        self.boxes: Floats = shapely.bounds(polygons).reshape(-1, 4)
        self.boxes[np.isnan(self.boxes[:, 0])] = [np.inf, np.inf, -np.inf, -np.inf]
        self._boxes_before = self.boxes.copy()
        self.changed: set[int] = set()

    def carry_out(
        self, deals: Sequence[Deal], lacking: Mapping[int, Sequence[Place]], otherwise: Next
    ) -> tuple[list[Deal], list[Deal], dict[int, int]]:
        """Carry decisions out, as far as they come out well.

        Parameters
        ----------
        deals : sequence of Deal
        lacking : mapping of int to sequence of Place
            Vertices that polygons lack.
        otherwise : callable
            Returns the next decision about a region whose last one didn't come out well; None where there is none.

        Returns
        -------
        done : list of Deal
        put_off : list of Deal
            Those that don't come out well beside others that are done: to be tried again.
        inserted : dict of int to int
            How many vertices polygons got without a change of their shape.
        """
        together = self._made(deals, lacking)
        if not together.bad:
            return list(deals), [], self._applied(together)
        # what shares a polygon with something bad is tried again by itself, all else is done
        spoilt = _connected(deals, together.bad)
        sound = [deal for number, deal in enumerate(deals) if number not in spoilt]
        inserted = self._applied(self._made(sound, lacking, known=together))
        done, put_off = sound, []
        for group in sorted(set(spoilt.values())):
            mine = [deals[number] for number in sorted(spoilt) if spoilt[number] == group]
            more, late = self._by_themselves(mine, otherwise, inserted)
            done += more
            put_off += late
        return done, put_off, inserted

    def _by_themselves(
        self, deals: list[Deal], otherwise: Next, inserted: dict[int, int]
    ) -> tuple[list[Deal], list[Deal]]:
        """Carry out deals that hang together, decided otherwise where that is needed."""
        put_off: list[Deal] = []
        while deals:
            made = self._made(deals, {})
            if not made.bad:
                inserted.update(self._applied(made))
                break
            blamed, late = self._blamed(deals, made.bad)
            kept = []
            for number, deal in enumerate(deals):
                if number in late:
                    put_off.append(deal)
                elif number not in blamed:
                    kept.append(deal)
                elif (decision := otherwise(deal)) is not None:
                    kept.append(replace(deal, decision=decision))
            deals = kept
        return deals, put_off

    def _applied(self, made: _Made) -> dict[int, int]:
        """Put polygons in the places of the old ones; return which, and how many vertices were inserted."""
        inserted = {}
        for k, shape in made.shapes.items():
            if not shapely.equals_identical(shape, self.polygons[k]):
                inserted[k] = made.cuts[k].inserted
                self.polygons[k] = shape
                self.boxes[k] = shapely.bounds(shape)
                self.changed.add(k)
        return inserted

    def _made(self, deals: Sequence[Deal], lacking: Mapping[int, Sequence[Place]], known: _Made | None = None) -> _Made:
        """Return polygons as they would become; of those that are as ``known`` already, what that says."""
        shares = [share.region for deal in deals for share in deal.decision.shares]
        places = [shapely.get_coordinates(shares)] if shares else []
        places += [np.array(points, np.float64) for points in lacking.values()]
        result = _Made({}, {}, {}, {})
        if not places:
            return result
        nodes = Nodes(np.concatenate(places))
        gives: dict[int, list[tuple[int, int, int]]] = {}
        for number, deal in enumerate(deals):
            for polygon, share, sign in deal.hands():
                gives.setdefault(polygon, []).append((number, share, sign))
        touched = sorted({*self._near(nodes), *gives} - self._locked)
        result.cuts.update(zip(touched, nodes.cut(self.polygons[touched]), strict=True))
        pieces = iter(nodes.cut(np.array(shares, object)) if shares else [])
        given = [[next(pieces).edges for _ in deal.decision.shares] for deal in deals]
        fresh = []
        for k, cut in result.cuts.items():
            parts = gives.get(k, [])
            result.parts[k] = [(id(deals[number].decision), share, sign) for number, share, sign in parts]
            if known is not None and known.is_same(k, cut, result.parts[k]):
                if k in known.shapes:
                    result.shapes[k] = known.shapes[k]
                continue
            if not parts and not cut.inserted:
                continue
            shape = self._changed(k, cut, [(given[number][share], sign) for number, share, sign in parts])
            if shape is not None:
                result.shapes[k] = shape
                if any(deals[number].region.width > _VISIBLE for number, _, _ in parts):
                    fresh.append(k)
            elif parts:
                result.bad[k] = sorted({number for number, _, _ in parts})
        for k in self._disfigured(fresh, result.shapes):
            result.bad[k] = sorted({number for number, _, _ in gives[k]})
        return result

    def _near(self, nodes: Nodes) -> list[int]:
        """Return the polygons whose borders pass through a node."""
        places = nodes.places
        boxes = np.hstack([places - nodes.reach, places + nodes.reach])
        if len(places) > _FEW:
            found = np.unique(pairs_of_boxes(boxes, self.boxes)[1])
        else:
            low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
            moved = np.array(sorted(self.changed), np.int64)
            mine = self.boxes[moved]
            there = (mine[:, :2] <= high).all(axis=1) & (mine[:, 2:] >= low).all(axis=1)
            found = np.union1d(self._tree.query(shapely.box(*boxes.T))[1], moved[there])
        return found[nodes.near(self.polygons[found])].tolist() if len(found) else []

    @cached_property
    def _tree(self) -> shapely.STRtree:
        """The boxes of the polygons as they were."""
        return shapely.STRtree(shapely.box(*self._boxes_before.T))

    def _changed(self, polygon: int, cut: Cut, parts: list[tuple[list[Edge], int]]) -> shapely.Geometry | None:
        """Return a polygon with regions added and taken away; None where it is none, or in more parts than before."""
        old = self.polygons[polygon]
        chain = Chain()
        chain.add(cut.edges)
        for edges, sign in parts:
            chain.add(edges, sign)
        left = chain.edges()
        new = None if left is None else assembled(left, old)
        if new is None or shapely.get_num_geometries(new) > shapely.get_num_geometries(old):
            return None
        return new

    def _blamed(self, deals: Sequence[Deal], bad: Mapping[int, list[int]]) -> tuple[set[int], set[int]]:
        """Return which deals spoil a polygon by themselves, and which are to wait because they do so with others."""
        blamed: set[int] = set()
        late: set[int] = set()
        alone = {
            number: self._made([deals[number]], {}).bad
            for number in sorted({number for numbers in bad.values() for number in numbers})
            if len(deals) > 1
        }
        for k, numbers in bad.items():
            guilty = [number for number in numbers if len(numbers) == 1 or k in alone.get(number, {})]
            if guilty:
                blamed.update(guilty)
            else:
                late.update(numbers[1:])
        return blamed, late - blamed

    # ---------------------------------------------------------------------------------------------- shapes

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
            known = shapely.buffer(shapely.union_all(before), _GROWN) if before else shapely.Polygon()
            rest = shapely.difference(np.array(after[k], object), known)
            found[k] = bool((shapely.area(rest) > 0.5 * shapely.area(np.array(after[k], object))).any())
        return found


def spike_tips(subject: Subject, polygons: Geometries) -> list[set[Place]]:
    """Return the tips of the spikes of each polygon of a subject's CRS."""
    count = len(polygons)
    named = np.array([str(k) for k in range(count)], object)
    alone = replace(
        subject, polygons=polygons, layer=np.full(count, "", object), id=named, name=named, faults=(), scars={}
    )
    tips: list[set[Place]] = [set() for _ in range(count)]
    for fault in check_shapes(alone, ""):
        if fault.code == "spike" and fault.geometry is not None:
            x, y = fault.geometry.exterior.coords[1]
            tips[int(fault.features[0])].add((x, y))
    return tips


def needles(polygons: Geometries) -> list[list[shapely.Polygon]]:
    """Return the parts of each polygon, in metres, that are narrow and long."""
    half = SPIKE_BASE / 2
    thick = shapely.buffer(
        shapely.buffer(polygons, -half, join_style="mitre"), half + _GROWN, join_style="mitre", mitre_limit=10.0
    )
    found: list[list[shapely.Polygon]] = [[] for _ in polygons]
    rest, owner = shapely.get_parts(shapely.difference(polygons, thick), return_index=True)
    run, area = shapely.length(rest) / 2, shapely.area(rest)
    slender = (run >= NEEDLE_LENGTH) & (run**2 >= NEEDLE * area) & (area > 0)
    for part, of in zip(rest[slender], owner[slender].tolist(), strict=True):
        found[of].append(part)
    return found
