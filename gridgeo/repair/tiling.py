"""Repair of a tiling: passes of decisions, each carried out by chains and looked at again, until nothing is left.

Theory. The kernel names the regions that are covered wrongly. Each goes to somebody or to nobody, by the rules of
`gridgeo.repair.decide`; all that is decided in a pass is carried out together (`gridgeo.repair.exchange`). Further
passes mend what rounding left, and then what is odd about shapes and borders that nearly meet.

Cost. The kernel's pass over the layer, and for each fault some hundred microseconds for each polygon beside it. After
the first pass only the mended places are looked at (`gridgeo.repair.looks`). Polygons beside no fault are never
touched.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.coverage import CoverageAnalysis, MissingVertices, analyse, pairs_of_boxes
from gridgeo.language import Message
from gridgeo.repair.decide import BADLY, LOCKED, Decider, Decision, Refusal
from gridgeo.repair.exchange import Deal, Exchange, Flaw
from gridgeo.repair.flaws import badly
from gridgeo.repair.gores import gore, open_gaps_of
from gridgeo.repair.looks import Seen, look, with_gaps
from gridgeo.repair.odd import odd_regions
from gridgeo.repair.orders import NO_ORDERS, Orders, key_of
from gridgeo.repair.plan import Action, Feature, Left, Transfer
from gridgeo.repair.regions import Region, regions_of
from gridgeo.repair.rights import Rules
from gridgeo.repair.sides import REACH, Lines
from gridgeo.validate.measure import Sizes
from gridgeo.validate.regions import FLOAT_NOISE
from gridgeo.validate.subject import Subject

Geometries = npt.NDArray[np.object_]
PASSES = 12
"""Passes at most: the second mends what the first one's rounding left, others are for decisions that had to wait."""

_ROUNDS = 4
"""How often open gaps are looked for."""
_SAME_AREA = 1e-9
_LATE = ("near-border", "spike", "fragment")
_REFUSED = Message("a person decided to leave it", "按人工决定保留")
_NOT_BOUNDED = Message("its two borders don't run side by side", "两侧边界并非并行")
_INSERTED = Message("Vertices of the neighbour are inserted; nothing moves.", "补上相邻一方已有的节点，边界不移动。")


@dataclass
class Mended:
    """What came of a repair.

    Parameters
    ----------
    polygons : ndarray of Polygon or MultiPolygon
    changed : set of int
        Indices of the polygons that are not as they were.
    actions : list of Action
    left : list of Left
    """

    polygons: Geometries
    changed: set[int] = field(default_factory=set)
    actions: list[Action] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)


@dataclass
class _Choice:
    """What may become of a region, what was chosen of it last, and why others before it came out badly."""

    following: Iterator[Decision | Refusal]
    now: Decision | Refusal
    flaws: dict[tuple[int, Flaw], None] = field(default_factory=dict)

    def next(self) -> Decision | Refusal:
        """Choose the next; a refusal stays."""
        if isinstance(self.now, Decision):
            self.now = next(self.following, Refusal(BADLY))
            if isinstance(self.now, Refusal):
                self.now = Refusal(BADLY)
        return self.now


class Mender:
    """Mends the polygons of one subject.

    Parameters
    ----------
    subject : Subject
    polygons : ndarray of Polygon or MultiPolygon
        The subject's, without copies.
    extent : Geometry or None
    locked : iterable of int
    broken : iterable of int, optional
        Those of them whose rings are broken: vertices that were made for the analysis aren't theirs.
    matched : float
        Metres within which vertices are matched wherever the polygons are read again.
    rank : sequence of int
        The lower, the earlier a polygon wins.
    meant : sequence of Geometry
        Where faults are meant: nothing is done there.
    orders : Orders, optional
        What a person decided.
    groups : ndarray of int, optional
        Of each polygon: nothing is done but between polygons of different groups.
    lines : Lines, optional
        Barriers to which borders return.
    gaps : sequence of tuple, optional
        Open gaps: the two polygons beside each, and its geometry.
    odd : sequence of int, optional
        Polygons with spikes or fragments.
    tolerance : float
        Metres within which open gaps are looked for at least.
    """

    def __init__(
        self,
        subject: Subject,
        polygons: Geometries,
        extent: shapely.Geometry | None,
        *,
        locked: Iterable[int] = (),
        broken: Iterable[int] = (),
        matched: float = 0.0,
        rank: Sequence[int] | None = None,
        meant: Sequence[shapely.Geometry] = (),
        orders: Orders = NO_ORDERS,
        groups: npt.NDArray[np.int64] | None = None,
        lines: Lines | None = None,
        gaps: Sequence[tuple[int, int, shapely.Geometry]] = (),
        odd: Sequence[int] = (),
        tolerance: float = 0.0,
    ) -> None:
        self._subject, self._extent = subject, extent
        self._feature = partial(feature_of, subject)
        self._locked, self._broken, self._matched = frozenset(locked), frozenset(broken), matched
        self._rank = [0] * len(polygons) if rank is None else rank
        self._meant = shapely.STRtree(list(meant))
        self._noise = subject.units(FLOAT_NOISE)
        self._lines = lines
        self._decider = Decider(subject, lines)
        self._orders, self._groups = orders, groups
        self._passes = 0
        self._gaps, self._odd, self._tolerance = list(gaps), list(odd), tolerance
        self._as_given = polygons
        self._exchange = Exchange(subject, polygons.copy(), self._locked)
        self._choices: dict[tuple[bytes, tuple[int, ...]], _Choice] = {}
        self._open: dict[bytes, Region] = {}
        self._left: dict[bytes, tuple[Region, Refusal]] = {}
        self._first: dict[bytes, Region] = {}
        self._actions: list[Action] = []

    def run(self, analysis: CoverageAnalysis | None = None, sizes: Sizes | None = None) -> Mended:
        """Mend until nothing is left that can be mended.

        Parameters
        ----------
        analysis : CoverageAnalysis, optional
            Of the polygons as they were given, with the extent, where it is known.
        sizes : Sizes, optional
            Of its faces.
        """
        if analysis is None:
            analysis = analyse(self._as_given, extent=self._extent)
        faces = analysis.faces()
        known = self._subject.measure(faces.polygon) if sizes is None else sizes
        self._missing = analysis.missing_vertices()
        self._add(regions_of(faces, known))
        self._until_sound()
        exchange = self._exchange
        if self._gaps and self._extent is None:
            self._join(self._gaps)
        # a part that was none too small may have become a fragment
        odd = sorted({*self._odd, *exchange.changed})
        self._add(odd_regions(self._subject, exchange.polygons, exchange.boxes, odd))
        self._until_sound()
        self._insert_beside_gaps()
        left = [self._as_left(region, refusal) for region, refusal in self._left.values()]
        left += [self._as_left(region, Refusal(BADLY)) for region in self._open.values()]
        left += self._locked_borders()
        return Mended(exchange.polygons, exchange.changed, self._actions, left)

    def _join(self, gaps: Sequence[tuple[int, int, shapely.Geometry]]) -> None:
        """Close open gaps; where one is closed, or mends have changed it, others may come to light."""
        exchange = self._exchange
        for turn in range(_ROUNDS):
            before = len(self._actions)
            regions = [gore(self._subject, exchange.polygons, exchange.boxes, pair[:2], pair[2]) for pair in gaps]
            self._add(region for region in regions if region is not None)
            self._until_sound()
            unbounded = [gap for gap, region in zip(gaps, regions, strict=True) if region is None]
            joined = any(action.detail == "open" for action in self._actions[before:])
            if not joined and not (unbounded and exchange.changed and turn == 0):
                break
            gaps = open_gaps_of(self._subject, exchange.polygons, self._tolerance)
        for one, other, shape in unbounded:
            place = shapely.get_parts(shape)[0]
            bare = Region(place, (), {one: 0.0, other: 0.0}, "near-border", "open", 0.0, 1.0, 0.0)
            self._left[key_of(place)] = bare, Refusal(_NOT_BOUNDED)

    def _insert_beside_gaps(self) -> None:
        """Insert what borders lack where a gap ends between them that stays: nothing else will do it."""
        lacking = self._lacking(region for region in self._known() if region.covers)
        if lacking:
            _, _, changed = self._exchange.carry_out([], lacking, lambda *_: None)
            self._actions += [self._insertion(k, places) for k, places in sorted(changed.items())]
            self._has_joined = False
            self._look(sorted(changed))
            self._until_sound()

    # ------------------------------------------------------------------------------------------------- passes

    def _add(self, regions: Iterable[Region]) -> None:
        """Note regions to be decided about, but those that are meant."""
        found = [region for region in regions if self._is_fault(region)]
        meant: set[int] = set()
        if len(self._meant) and found:
            places = np.array([region.place for region in found], object)
            meant = set(self._meant.query(places, predicate="dwithin", distance=self._noise)[0].tolist())
        for number, region in enumerate(found):
            if number not in meant:
                key = key_of(region.polygon)
                self._open[key] = self._sized(key, region)

    def _sized(self, key: bytes, region: Region) -> Region:
        """Return a region with the sizes that it was first found with: a vertex more on its rim changes nothing."""
        first = self._first.setdefault(key, region)
        same = abs(first.polygon.area - region.polygon.area) <= _SAME_AREA * first.polygon.area
        same &= first.covers == region.covers
        return replace(region, area=first.area, width=first.width, length=first.length) if same else region

    def _is_fault(self, region: Region) -> bool:
        """Tell whether a region is to be mended."""
        around = {*region.covers, *region.beside}
        # along the extent what rounding leaves is no fault, and vertices need not be the same
        slight = region.is_noise and (len(around) < 2 or (len(region.covers) < 2 and not region.enclosed))
        return self._concerned(around) and not slight

    def _concerned(self, polygons: Iterable[int]) -> bool:
        """Tell whether something between some polygons is to be mended."""
        return self._groups is None or len({int(self._groups[k]) for k in polygons}) > 1

    def _until_sound(self) -> None:
        """Make passes until one changes nothing."""
        for _ in range(PASSES):
            if not self._open and not len(self._missing):
                break
            changed = self._pass()
            if changed:
                self._look(changed)
            elif not self._open:
                break

    def _pass(self) -> list[int]:
        """Decide about all open regions and carry it out; return which polygons have changed."""
        self._passes += 1
        rules = self._rules()
        keys, regions = list(self._open), list(self._open.values())
        near = [False] * len(regions)
        if self._lines is not None and regions:
            reach = self._subject.units(REACH) * (1.2 if self._subject.crs.is_geographic else 1.0)
            near = self._lines.beside([region.polygon for region in regions], reach)
        deals: list[Deal] = []
        names: dict[int, bytes] = {}
        together = self._decider.together(regions, self._exchange.polygons, rules)
        waiting = self._waiting(regions, together)
        for number, (key, region, by_barrier) in enumerate(zip(keys, regions, near, strict=True)):
            if number in waiting:
                self._orders.about(region.polygon, as_planned=self._passes == 1)
                continue
            choice = self._choice(key, region, rules, by_barrier, together.get(number))
            if isinstance(choice.now, Refusal):
                self._left[key] = region, choice.now
            else:
                deals.append(Deal(region, choice.now))
                names[id(region)] = key
        self._open = {keys[number]: regions[number] for number in sorted(waiting)}

        def otherwise(deal: Deal, flaws: Mapping[int, Flaw]) -> Decision | None:
            key = names[id(deal.region)]
            choice = self._choices[key, deal.region.covers]
            choice.flaws |= dict.fromkeys(flaws.items())
            now = choice.next()
            if isinstance(now, Refusal):
                if now.why is BADLY and choice.flaws:
                    now = badly(choice.flaws, self._subject.name.tolist())
                self._left[key] = deal.region, now
                return None
            return now

        lacking = self._lacking([*regions, *self._known()])
        done, put_off, changed = self._exchange.carry_out(deals, lacking, otherwise)
        for deal in put_off:
            self._open[names[id(deal.region)]] = deal.region
        self._tell(done)
        self._has_joined = any(deal.region.detail == "open" for deal in done)
        hands = {polygon for deal in done for polygon, _, _ in deal.hands()}
        for k, places in sorted(changed.items()):
            told = places.intersection(lacking.get(k, ())) if k in hands else places
            if told:
                self._actions.append(self._insertion(k, told))
        return sorted(changed)

    def _waiting(self, regions: Sequence[Region], together: Container[int]) -> set[int]:
        """Return the regions that many cover and that wait until those beside them are settled, which fewer cover.

        Then it shows to whom they belong so that borders run straight on. What is decided together doesn't wait.
        """
        pairs = [set(region.covers) for region in regions if len(region.covers) == 2 and region.inside]
        by_polygon: dict[int, list[set[int]]] = {}
        for pair in pairs:
            by_polygon.setdefault(min(pair), []).append(pair)
        return {
            number
            for number, region in enumerate(regions)
            if len(region.covers) > 2
            and number not in together
            and any(pair < {*region.covers} for k in region.covers for pair in by_polygon.get(k, ()))
        }

    def _choice(self, key: bytes, region: Region, rules: Rules, by_barrier: bool, favoured: int | None) -> _Choice:
        """Return what was chosen for a region, by a person or by the rules: anew where others cover it now."""
        if (key, region.covers) not in self._choices:
            # what is mended after all else is named by the plan, or was taken out of it
            late = region.code in _LATE
            order = self._orders.about(region.polygon, as_planned=late or self._passes == 1)
            if order is not None and not order.do:
                self._choices[key, region.covers] = _Choice(iter(()), Refusal(_REFUSED))
            else:
                named = None if order is None else order.winner
                chosen = next((k for k in (*region.covers, *region.beside) if self._feature(k) == named), None)
                polygons = self._exchange.polygons
                following = self._decider.decisions(
                    region, polygons, rules, by_barrier=by_barrier, chosen=chosen, favoured=favoured
                )
                self._choices[key, region.covers] = _Choice(following, next(following))
        return self._choices[key, region.covers]

    def _rules(self) -> Rules:
        area = self._exchange.areas.copy()
        return Rules(self._locked, self._rank, area, self._extent is not None, self._broken, self._matched)

    def _lacking(self, regions: Iterable[Region]) -> dict[int, list[tuple[float, float]]]:
        """Return the vertices that polygons lack which may have them; those at the rim of a region go with that."""
        missing = self._missing
        stays: set[int] = set()
        if len(missing):
            points = shapely.points(missing.point)
            rims = shapely.boundary([region.polygon for region in regions if not region.is_noise])
            for tree in (self._meant, shapely.STRtree(rims)):
                if len(tree):
                    stays.update(tree.query(points, predicate="dwithin", distance=self._noise)[0].tolist())
        lacking: dict[int, list[tuple[float, float]]] = {}
        rows = zip(missing.point.tolist(), missing.lacker.tolist(), missing.holder.tolist(), strict=True)
        for k, ((x, y), lacker, holder) in enumerate(rows):
            if lacker in self._locked or k in stays or not self._concerned((lacker, holder)):
                continue
            if not self._orders.refuse("insert", (self._feature(lacker),)):
                lacking.setdefault(lacker, []).append((x, y))
        return lacking

    def _look(self, index: list[int]) -> None:
        """Look again where polygons have changed."""
        exchange = self._exchange
        # elsewhere the borders are as they were; what is known beside changed polygons is looked at again, in its order
        known = shapely.bounds(np.array([region.polygon for region in self._known()], object)).reshape(-1, 4)
        beside = np.unique(pairs_of_boxes(exchange.boxes[index], known)[1])
        at = np.concatenate([np.array(exchange.moved).reshape(-1, 4), known[beside]])
        exchange.moved = []
        if self._has_joined and self._extent is None:
            # two polygons that were joined may close a gap with others, however far these are
            at = np.concatenate([at, shapely.total_bounds(exchange.polygons)[None, :]])
        gaps = [region.polygon for region in self._known() if not region.covers]
        seen = look(exchange.polygons, exchange.boxes, with_gaps(at, gaps), self._extent)
        # what was refused is decided about anew where a polygon has changed
        changed = set(index)
        again = [key for key, (region, _) in self._left.items() if not changed.isdisjoint(region.involved)]
        for key in again:
            region = self._open[key] = self._left.pop(key)[0]
            self._choices.pop((key, region.covers), None)
        _forget(self._open, seen)
        for key, (region, _) in _forget(self._left, seen).items():
            self._choices.pop((key, region.covers), None)
        elsewhere = np.ones(len(self._missing), np.bool_)
        if len(self._missing):
            elsewhere[seen.meets(shapely.points(self._missing.point))] = False
        self._missing = self._missing.chosen(elsewhere).joined(seen.missing)
        self._add(regions_of(seen.faces, self._subject.measure(seen.faces.polygon)))

    def _known(self) -> list[Region]:
        return [*self._open.values(), *(region for region, _ in self._left.values())]

    # ------------------------------------------------------------------------------------------------- in words

    def _tell(self, done: Sequence[Deal]) -> None:
        """Add the actions that were done, with the sizes of what changed hands."""
        divided = [share.region for deal in done if len(deal.decision.shares) > 1 for share in deal.decision.shares]
        widths = iter(self._subject.measure(np.array(divided, object)).width.tolist() if divided else ())
        for deal in done:
            shares = deal.decision.shares
            moved = max(next(widths) for _ in shares) if len(shares) > 1 else deal.region.width
            if deal.region.code == "spike":  # its tip goes back to its foot
                moved = deal.region.length / 2
            self._actions.append(self._action(deal.region, deal.decision, moved))

    def _action(self, region: Region, decision: Decision, moved: float) -> Action:
        name = self._feature
        # areas of parts in the proportion of the plane, so that they add up to the region's to the last digits
        factor = region.area / max(float(region.polygon.area), 1e-300)
        transfers = []
        for share in decision.shares:
            area = region.area if len(decision.shares) == 1 else float(share.region.area) * factor
            taker = None if share.taker is None else name(share.taker)
            givers: list[Feature | None] = [name(giver) for giver in share.givers]
            transfers += [Transfer(share.region, area, giver, taker) for giver in givers or [None] if giver or taker]
        return Action(
            number=len(self._actions) + 1,
            code=region.code,
            detail=region.detail,
            features=tuple(map(name, region.involved)),
            place=region.place,
            mend=decision.mend,
            why=decision.why,
            rule=decision.rule,
            winner=None if decision.winner is None else name(decision.winner),
            alternatives=tuple(map(name, decision.alternatives)),
            transfers=tuple(transfers),
            moved=moved,
            values=decision.values,
        )

    def _insertion(self, lacker: int, places: set[tuple[float, float]]) -> Action:
        return Action(
            number=len(self._actions) + 1,
            code="missing-vertex",
            detail=None,
            features=(self._feature(lacker),),
            place=shapely.Point(min(places)),
            mend="insert",
            why=_INSERTED,
            winner=None,
            inserted=len(places),
        )

    def _as_left(self, region: Region, refusal: Refusal) -> Left:
        features = tuple(map(self._feature, region.involved))
        return Left(region.code, region.detail, features, region.place, refusal.why, dict(refusal.values))

    def _locked_borders(self) -> list[Left]:
        """Name the locked polygons that lack vertices of their neighbours."""
        missing: MissingVertices = self._missing
        places: dict[tuple[int, int], tuple[float, float]] = {}
        rows = zip(missing.lacker.tolist(), missing.holder.tolist(), missing.point.tolist(), strict=True)
        for lacker, holder, (x, y) in rows:
            if lacker in self._locked and self._concerned((lacker, holder)):
                places[lacker, holder] = min(places.get((lacker, holder), (x, y)), (x, y))
        return [
            Left("missing-vertex", None, tuple(map(self._feature, pair)), shapely.Point(place), LOCKED)
            for pair, place in sorted(places.items())
        ]


def _forget(known: MutableMapping[bytes, Any], seen: Seen) -> dict[bytes, Any]:
    """Forget regions that come near mended places: they are found again if they are still there."""
    keys = list(known)
    held = [value[0] if isinstance(value, tuple) else value for value in known.values()]
    gone = [keys[number] for number in seen.meets(np.array([region.polygon for region in held], object))]
    return {key: known.pop(key) for key in gone}


def feature_of(subject: Subject, index: int) -> Feature:
    """Return the key of the layer and the id of a feature."""
    return Feature(str(subject.layer[index]), str(subject.id[index]))
