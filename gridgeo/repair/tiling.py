"""Repair of a tiling: passes of decisions, each carried out by chains and looked at again, until nothing is left.

Theory. The kernel names the regions that are covered wrongly. Each goes to one polygon or to nobody, by the rules of
`gridgeo.repair.decide`; all that is decided in a pass is carried out together, polygon by polygon, by adding and taking
away chains (`gridgeo.repair.chains`). A polygon that does not come out well (empty, in more parts than before, not
valid) takes its regions back, and other winners are tried. A further pass mends what rounding left.

Cost. The kernel's pass over the layer, and for each fault some hundred microseconds for each polygon beside it.
Polygons beside no fault are never touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.coverage import CoverageAnalysis, Faces, analyse
from gridgeo.language import Message
from gridgeo.repair.chains import Chain, Edge, Nodes, assembled
from gridgeo.repair.decide import OUTSIDE, WHY, Decision, Refusal, Rules, decide
from gridgeo.repair.orders import NO_ORDERS, Order, Orders, key_of
from gridgeo.repair.plan import Action, Feature, Left, Transfer
from gridgeo.validate.measure import Sizes
from gridgeo.validate.regions import FLOAT_NOISE
from gridgeo.validate.subject import Subject
from gridgeo.validate.wording import Width

Geometries = npt.NDArray[np.object_]
PASSES = 6
"""Passes at most: the second mends what the first one's rounding left, others are for winners that changed."""

_BADLY = Message(
    "every way to mend it would empty a feature, cut it in two or break its shape",
    "任何修复方式都会使要素变空、断开或形状出错",
)
_REFUSED = Message("a person decided to leave it", "按人工决定保留")
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


class Mender:
    """Mends the polygons of one subject.

    Parameters
    ----------
    subject : Subject
    polygons : ndarray of Polygon or MultiPolygon
        The subject's, without copies.
    extent : Geometry or None
    locked : iterable of int
    rank : sequence of int
        The lower, the earlier a polygon wins.
    meant : sequence of Geometry
        Where faults are meant: nothing is done there.
    orders : Orders, optional
        What a person decided.
    groups : ndarray of int, optional
        Of each polygon: nothing is done but between polygons of different groups.
    """

    def __init__(
        self,
        subject: Subject,
        polygons: Geometries,
        extent: shapely.Geometry | None,
        *,
        locked: Iterable[int] = (),
        rank: Sequence[int] | None = None,
        meant: Sequence[shapely.Geometry] = (),
        orders: Orders = NO_ORDERS,
        groups: npt.NDArray[np.int64] | None = None,
    ) -> None:
        self._subject, self._extent = subject, extent
        self._feature = partial(feature_of, subject)
        self._locked = frozenset(locked)
        self._rank = [0] * len(polygons) if rank is None else rank
        self._meant = shapely.STRtree(list(meant))
        self._noise = subject.units(FLOAT_NOISE)
        self.mended = Mended(polygons.copy())
        self._banned: dict[bytes, set[int]] = {}
        self._orders, self._groups = orders, groups
        self._passes = 0

    def run(self, analysis: CoverageAnalysis | None = None, sizes: Sizes | None = None) -> Mended:
        """Mend until nothing is left that can be mended.

        Parameters
        ----------
        analysis : CoverageAnalysis, optional
            Of the polygons as they were given, with the extent, where it is known.
        sizes : Sizes, optional
            Of its faces.
        """
        for _ in range(PASSES):
            if analysis is None:
                analysis = analyse(self.mended.polygons, extent=self._extent)
            faces = analysis.faces()
            refused: list[Left] = []
            known = self._subject.measure(faces.polygon) if sizes is None else sizes
            if not self._pass(analysis, faces, known, refused):
                break
            analysis = sizes = None
        self.mended.left = refused
        return self.mended

    def _pass(self, analysis: CoverageAnalysis, faces: Faces, sizes: Sizes, refused: list[Left]) -> bool:
        """Decide about all faces and carry it out; return whether anything was done."""
        area = shapely.area(self.mended.polygons)
        rules = Rules(self._locked, self._rank, area, self._extent is not None)
        self._passes += 1
        meant: set[int] = set()
        if len(self._meant):
            inside = shapely.point_on_surface(faces.polygon)
            meant = set(self._meant.query(inside, predicate="intersects")[0].tolist())
        decisions: dict[int, Decision] = {}
        for number in range(len(faces)):
            around = {int(k) for k in (*faces.covers[number], *faces.borders[number]) if k >= 0}
            # between one polygon and the extent what rounding leaves is no fault, and vertices need not be the same
            slight = len(around) < 2 and sizes.width[number] <= FLOAT_NOISE
            if number in meant or slight or not self._concerned(around):
                continue
            key = key_of(faces.polygon[number])
            order = self._orders.about(faces.polygon[number], as_planned=self._passes == 1)
            if order is not None and not order.do:
                refused.append(self._left(faces, number, _REFUSED))
                continue
            banned = frozenset(self._banned.get(key, ()))
            decision = decide(faces, number, float(sizes.width[number]), rules, banned)
            if isinstance(decision, Decision) and order is not None:
                decision = self._as_ordered(decision, order)
            if isinstance(decision, Refusal):
                refused.append(self._left(faces, number, _BADLY if banned else decision.why))
            else:
                decisions[number] = decision
        missing = analysis.missing_vertices()
        lacking: dict[int, list[tuple[float, float]]] = {}
        stays = set(
            self._meant.query(shapely.points(missing.point), predicate="dwithin", distance=self._noise)[0].tolist()
            if len(self._meant)
            else ()
        )
        rows = zip(missing.point.tolist(), missing.lacker.tolist(), missing.holder.tolist(), strict=True)
        for k, (place, lacker, holder) in enumerate(rows):
            if lacker in self._locked or k in stays or not self._concerned((lacker, holder)):
                continue
            if not self._orders.refuse("insert", (self._feature(lacker),)):
                lacking.setdefault(lacker, []).append((place[0], place[1]))
        return self._carry_out(faces, sizes, decisions, lacking)

    def _concerned(self, polygons: Iterable[int]) -> bool:
        """Tell whether something between some polygons is to be mended."""
        return self._groups is None or len({int(self._groups[k]) for k in polygons if k >= 0}) > 1

    def _as_ordered(self, decision: Decision, order: Order) -> Decision:
        """Return a decision with the winner that a person chose."""
        if decision.winner is None or order.winner in (None, self._feature(decision.winner)):
            return decision
        other = next((k for k in decision.alternatives if self._feature(k) == order.winner), None)
        if other is None:
            return decision
        losers = tuple(sorted({*decision.losers, decision.winner} - {other})) if decision.losers else ()
        alternatives = tuple(k for k in (decision.winner, *decision.alternatives) if k != other)
        return Decision(decision.mend, other, losers, "chosen", alternatives)

    def _carry_out(
        self,
        faces: Faces,
        sizes: Sizes,
        decisions: dict[int, Decision],
        lacking: Mapping[int, list[tuple[float, float]]],
    ) -> bool:
        """Change polygons as decided; what doesn't come out well is undone, together with all that hangs on it."""
        places = [shapely.get_coordinates(faces.polygon[sorted(decisions)])] if decisions else []
        places += [np.array(points) for points in lacking.values()]
        if not places:
            return False
        nodes = Nodes(np.concatenate(places))
        shapes = self.mended.polygons
        present = np.flatnonzero(~shapely.is_missing(shapes))
        touched = {int(present[k]) for k in nodes.near(shapes[present])} - self._locked
        done = dict(decisions)
        given = {number: nodes.edges_of(faces.polygon[number]) for number in sorted(decisions)}
        known: dict[tuple[int, tuple[tuple[int, int], ...]], shapely.Geometry | None] = {}
        while True:
            gives: dict[int, list[tuple[int, int]]] = {k: [] for k in touched}
            for number, decision in done.items():
                for loser in decision.losers:
                    gives.setdefault(loser, []).append((number, -1))
                if decision.winner is not None and faces.multiplicity[number] == 0:
                    gives.setdefault(decision.winner, []).append((number, 1))
            made = {}
            for k, parts in sorted(gives.items()):
                key = k, tuple(parts)
                if key not in known:
                    known[key] = self._changed(given, nodes, k, parts)
                made[k] = known[key]
            bad = {k for k, shape in made.items() if shape is None and gives[k]}
            if not bad:
                break
            for number in [n for n, d in done.items() if not bad.isdisjoint((*d.losers, d.winner))]:
                decision = done.pop(number)
                if decision.winner is not None:
                    self._banned.setdefault(key_of(faces.polygon[number]), set()).add(decision.winner)
        before = shapes.copy()
        for k, shape in made.items():
            if shape is not None and not shapely.equals_identical(shape, shapes[k]):
                shapes[k] = shape
                self.mended.changed.add(k)
        for number, decision in done.items():
            self.mended.actions.append(self._action(faces, number, sizes, decision))
        for lacker in sorted(lacking):
            if not shapely.equals_identical(before[lacker], shapes[lacker]):
                self.mended.actions.append(self._insertion(lacker, lacking[lacker]))
        # a decision that was undone is one too: another winner is to be tried
        return bool(decisions) or any(not shapely.equals_identical(before[k], shapes[k]) for k in made)

    def _changed(
        self, given: Mapping[int, list[Edge]], nodes: Nodes, polygon: int, parts: list[tuple[int, int]]
    ) -> shapely.Geometry | None:
        """Return a polygon with regions added and taken away; None where it doesn't come out well."""
        old = self.mended.polygons[polygon]
        edges_before = nodes.edges_of(old)
        if not parts and len(edges_before) == shapely.get_num_coordinates(old) - len(
            shapely.get_rings(shapely.get_parts(old))
        ):
            return old  # no vertex is inserted
        chain = Chain()
        chain.add(edges_before)
        for number, sign in parts:
            chain.add(given[number], sign)
        edges = chain.edges()
        new = None if edges is None else assembled(edges, old)
        if new is None or len(shapely.get_parts(new)) > len(shapely.get_parts(old)):
            return None
        return new

    # -------------------------------------------------------------------------------------------- in words

    def _action(self, faces: Faces, number: int, sizes: Sizes, decision: Decision) -> Action:
        covers = faces.covers[number].tolist()
        involved = covers or [k for k in faces.borders[number].tolist() if k >= 0]
        area, width, _ = sizes.at(number)
        region = faces.polygon[number]
        winner = None if decision.winner is None else self._feature(decision.winner)
        taker = winner if not covers else None
        givers: list[Feature | None] = [self._feature(k) for k in decision.losers] or [None]
        values: dict[str, object] = {}
        if decision.winner is not None:
            metres = decision.length / self._subject.units(1.0)
            values = {"winner": self._subject.name[decision.winner], "length": Width(metres)}
        if not covers:
            code, detail = ("gap" if faces.enclosed[number] else "uncovered"), None
        elif len(covers) == 1:
            code, detail = "outside", None
        else:
            code, detail = "overlap", "multiple" if len(covers) > 2 else None
        return Action(
            number=len(self.mended.actions) + 1,
            code="missing-vertex" if width <= FLOAT_NOISE else code,
            detail=detail,
            features=tuple(map(self._feature, involved)),
            place=region.representative_point(),
            mend=decision.mend,
            why=OUTSIDE if decision.rule is None else WHY[decision.rule],
            rule=decision.rule,
            winner=winner,
            alternatives=tuple(map(self._feature, decision.alternatives)),
            transfers=tuple(Transfer(region, area, giver, taker) for giver in givers),
            moved=width,
            values=values,
        )

    def _insertion(self, lacker: int, places: list[tuple[float, float]]) -> Action:
        return Action(
            number=len(self.mended.actions) + 1,
            code="missing-vertex",
            detail=None,
            features=(self._feature(lacker),),
            place=shapely.Point(min(places)),
            mend="insert",
            why=_INSERTED,
            winner=None,
            inserted=len(set(places)),
        )

    def _left(self, faces: Faces, number: int, why: Message) -> Left:
        covers = faces.covers[number].tolist()
        involved = covers or [k for k in faces.borders[number].tolist() if k >= 0]
        code = "gap" if not covers else "outside" if len(covers) == 1 else "overlap"
        place = faces.polygon[number].representative_point()
        return Left(code, None, tuple(map(self._feature, involved)), place, why)


def feature_of(subject: Subject, index: int) -> Feature:
    """Return the key of the layer and the id of a feature."""
    return Feature(str(subject.layer[index]), str(subject.id[index]))
