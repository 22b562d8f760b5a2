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
from functools import cached_property

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.coverage import equal_polygons, pairs_of_boxes
from gridgeo.repair.chains import Chain, Cut, Edge, Nodes, Place, assembled
from gridgeo.repair.decide import Decision
from gridgeo.repair.regions import Geometries, Local, Region
from gridgeo.repair.shapes import GROWN, needles, spike_tips
from gridgeo.validate.subject import Subject

Floats = npt.NDArray[np.float64]

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
    edges : dict of int to list of Edge
        Of all that are touched.
    inserted : dict of int to set of Place
        Vertices that they get where their border runs straight on.
    places : set of Place
        The nodes.
    cuts : dict of int to Cut
        Polygons cut at the nodes.
    given : dict of int to list of Cut
        Shares of decisions (by their identity) cut at the nodes.
    parts : dict of int to list of int
        What each polygon is made of: identities of cuts.
    chains : dict of int to dict of Edge to None
        Sums of these.
    """

    shapes: dict[int, shapely.Geometry] = field(default_factory=dict)
    bad: dict[int, list[int]] = field(default_factory=dict)
    edges: dict[int, list[Edge]] = field(default_factory=dict)
    inserted: dict[int, set[Place]] = field(default_factory=dict)
    places: set[Place] = field(default_factory=set)
    cuts: dict[int, Cut] = field(default_factory=dict)
    given: dict[int, list[Cut]] = field(default_factory=dict)
    parts: dict[int, list[int]] = field(default_factory=dict)
    chains: dict[int, dict[Edge, None]] = field(default_factory=dict)


def _needless(cuts: Mapping[int, Cut], chains: Mapping[int, Mapping[Edge, None]]) -> set[Place]:
    """Return the places through which all borders run straight on: no polygon needs a vertex there."""
    straight: dict[Place, set[int]] = {}
    for k, edges in chains.items():
        for place in cuts[k].straight(edges):
            straight.setdefault(place, set()).add(k)
    if not straight:
        return set()
    needed = set()
    for k, edges in chains.items():
        for tail, _ in edges:
            if tail in straight and k not in straight[tail]:
                needed.add(tail)
    return straight.keys() - needed


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
    ) -> tuple[list[Deal], list[Deal], dict[int, set[Place]]]:
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
        changed : dict of int to set of Place
            The polygons that have changed, with the vertices that they got where their border runs straight on.
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
            numbers = [number for number in sorted(spoilt) if spoilt[number] == group]
            bad = {
                k: [numbers.index(number) for number in which]
                for k, which in together.bad.items()
                if not spoilt.keys().isdisjoint(which) and spoilt[which[0]] == group
            }
            more, late = self._by_themselves([deals[number] for number in numbers], bad, otherwise, inserted)
            done += more
            put_off += late
        return done, put_off, inserted

    def _by_themselves(
        self, deals: list[Deal], bad: Mapping[int, list[int]], otherwise: Next, inserted: dict[int, set[Place]]
    ) -> tuple[list[Deal], list[Deal]]:
        """Carry out deals that hang together and of which some come out badly, decided otherwise where needed."""
        put_off: list[Deal] = []
        while deals:
            blamed, late = self._blamed(deals, bad)
            kept = []
            for number, deal in enumerate(deals):
                if number in late:
                    put_off.append(deal)
                elif number not in blamed:
                    kept.append(deal)
                elif (decision := otherwise(deal)) is not None:
                    kept.append(replace(deal, decision=decision))
            deals = kept
            made = self._made(deals, {})
            if not made.bad:
                inserted.update(self._applied(made))
                break
            bad = made.bad
        return deals, put_off

    def _applied(self, made: _Made) -> dict[int, set[Place]]:
        """Put polygons in the places of the old ones; return which, with the vertices inserted."""
        inserted = {}
        for k, shape in made.shapes.items():
            if not shapely.equals_identical(shape, self.polygons[k]):
                inserted[k] = made.inserted[k]
                self.polygons[k] = shape
                self.boxes[k] = shapely.bounds(shape)
                self.changed.add(k)
        return inserted

    def _made(self, deals: Sequence[Deal], lacking: Mapping[int, Sequence[Place]], known: _Made | None = None) -> _Made:
        """Return polygons as they would become; of those that are as ``known`` already, what that says."""
        shares = [share.region for deal in deals for share in deal.decision.shares]
        places = [shapely.get_coordinates(shares)] if shares else []
        places += [np.array(points, np.float64) for points in lacking.values()]
        result = _Made()
        if not places:
            return result
        nodes = Nodes(np.concatenate(places))
        gives: dict[int, list[tuple[int, int, int]]] = {}
        for number, deal in enumerate(deals):
            for polygon, share, sign in deal.hands():
                gives.setdefault(polygon, []).append((number, share, sign))
        gone = set() if known is None else known.places - nodes.as_set()
        result.places = nodes.as_set()
        result.cuts = cuts = self._cuts(nodes, gives, known, gone)
        result.given = given = self._given(nodes, deals, known, gone)
        result.chains = chains = {}
        for k, cut in cuts.items():
            parts = [given[id(deals[number].decision)][share] for number, share, _ in gives.get(k, ())]
            signs = [sign for _, _, sign in gives.get(k, ())]
            result.parts[k] = [*map(id, (cut, *parts))]
            if known is not None and known.parts.get(k) == result.parts[k] and k in known.chains:
                chains[k] = known.chains[k]
                continue
            if not parts or k in self._locked:
                chains[k] = dict.fromkeys(cut.edges)
                continue
            chain = Chain()
            chain.add(cut.edges)
            for part, sign in zip(parts, signs, strict=True):
                chain.add(part.edges, sign)
            edges = chain.edges()
            if edges is None:
                result.bad[k] = sorted({number for number, _, _ in gives[k]})
            else:
                chains[k] = dict.fromkeys(edges)
        needless = _needless(cuts, chains)
        fresh = []
        for k, kept in chains.items():
            if k in self._locked or not (k in gives or cuts[k].runs):
                continue
            edges = cuts[k].without(kept, needless)
            result.inserted[k] = set(cuts[k].straight(kept)) - needless
            result.edges[k] = edges
            if k not in gives and not result.inserted[k]:
                continue
            if known is not None and known.edges.get(k) == edges and k in known.shapes and k not in known.bad:
                result.shapes[k] = known.shapes[k]
                continue
            shape = self._assembled(k, edges)
            if shape is not None:
                result.shapes[k] = shape
                if any(deals[number].region.width > _VISIBLE for number, _, _ in gives.get(k, ())):
                    fresh.append(k)
            elif k in gives:
                result.bad[k] = sorted({number for number, _, _ in gives[k]})
        for k in (*self._disfigured(fresh, result.shapes), *self._twins(result, gives)):
            result.bad[k] = sorted({number for number, _, _ in gives[k]})
        return result

    def _cuts(self, nodes: Nodes, gives: Iterable[int], known: _Made | None, gone: Container[Place]) -> dict[int, Cut]:
        """Return the edges of all polygons at nodes; those that are known, but where nodes are gone."""
        if known is None:
            touched = sorted({*self._near(nodes), *gives})
            return dict(zip(touched, nodes.cut(self.polygons[touched]), strict=True))
        cuts = dict(known.cuts)
        anew = [k for k, cut in cuts.items() if cut.passes(gone)]
        cuts.update(zip(anew, nodes.cut(self.polygons[anew]), strict=True))
        return cuts

    def _given(
        self, nodes: Nodes, deals: Sequence[Deal], known: _Made | None, gone: Container[Place]
    ) -> dict[int, list[Cut]]:
        """Return the edges of the shares of each decision; those that are known, but where nodes are gone."""
        found = {}
        if known is not None:
            for deal in deals:
                cuts = known.given[id(deal.decision)]
                if not any(cut.passes(gone) for cut in cuts):
                    found[id(deal.decision)] = cuts
        rest = [deal for deal in deals if id(deal.decision) not in found]
        shares = [share.region for deal in rest for share in deal.decision.shares]
        pieces = iter(nodes.cut(np.array(shares, object)) if shares else [])
        found.update({id(deal.decision): [next(pieces) for _ in deal.decision.shares] for deal in rest})
        return found

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

    def _assembled(self, polygon: int, edges: list[Edge]) -> shapely.Geometry | None:
        """Return a polygon made of its new edges; None where it is none, or in more parts than before."""
        old = self.polygons[polygon]
        new = assembled(edges, old)
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

    def _twins(self, made: _Made, gives: Container[int]) -> list[int]:
        """Return the polygons that lose or gain something and thereby become the same as another."""
        # the other's border runs through all nodes that the new one's does, so it is among those that are cut
        names = [k for k in made.cuts if k not in made.bad]
        shapes = np.array([made.shapes.get(k, self.polygons[k]) for k in names], object)
        same = equal_polygons(shapes) if any(k in gives for k in made.shapes) else []
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
