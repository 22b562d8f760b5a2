"""Decisions: who has a region that is covered wrongly, by which rule, and who else could have it.

The rules come one after another, and each decision that does not come out well makes room for the next: the barrier
that runs through the region or beside it; priority; for a long gap its medial line; the longest border; the larger
area. Nobody gets a region that would stick out of him as an arm (`sticks_out`); where everybody would, it is divided.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import shapely

from gridgeo.language import Message
from gridgeo.repair.chains import Nodes
from gridgeo.repair.corners import winners_together
from gridgeo.repair.medial import Parts, divided
from gridgeo.repair.plan import Mend, Rule
from gridgeo.repair.regions import Geometries, Local, Region, Rim
from gridgeo.repair.rights import Rules, comes_back, forced_of, is_all_of, metres_beside, ranked, rule_of
from gridgeo.repair.sides import Lines, sided
from gridgeo.validate.regions import HOLE_IS_A_GAP_BELOW
from gridgeo.validate.subject import Subject
from gridgeo.validate.wording import Names, Width

ARM = 5.0
"""How many times as long as wide a region may stick out of who gets it."""
ARM_LENGTH = 1.0
"""Metres. What sticks out less is no arm."""
LONG = 8.0
"""A gap this many times as long as wide is divided among its neighbours, if it is wide enough to be seen."""
LONG_AT_LEAST = 20.0
"""Metres. A shorter gap goes to one."""
WIDE = 1.0
"""Metres. A narrower gap goes to one of its neighbours: the others' borders stay as they are."""
_SMALL_SHARE = 1.0
"""A neighbour beside whom a gap lies for less than its width takes no part in its division."""
_EMBEDDED = 1 / 3
"""Share of a fragment's rim that must lie at one neighbour if he is to have it."""

LOCKED = Message("all that could change there is locked", "该处可改动的要素均已锁定")
BADLY = Message(
    "every way to mend it would empty a feature, cut it in two, leave it with a spike or make it the same as another",
    "任何修复方式都会使要素变空、断开、留下尖刺或与另一要素重合",
)
_HOLE = Message(
    "it may be an enclave: repair within an extent, or fill it by hand", "可能是飞地：请指定范围后再修复，或手工填补"
)
_NOBODY = Message("no feature is beside it", "旁边没有要素")
_EMPTIED = Message("a feature would lose all of its area", "会使某个要素失去全部面积")
_APART = Message("it lies apart from all others: it may be meant", "与其他要素不相邻：可能确为飞地")

WHY: dict[Rule, Message] = {
    "only-one": Message("{winner} is the only one that can have it.", "只有{winner}可以取得。"),
    "priority": Message("{winner} has priority.", "{winner}优先。"),
    "longest-border": Message(
        "{winner} has the longest border with it ({length}).", "{winner}与其公共边界最长（{length}）。"
    ),
    "chosen": Message("{winner} was chosen.", "按选定归{winner}。"),
    "larger-area": Message("{winner} is the larger feature.", "{winner}面积较大。"),
    "shortest-borders": Message(
        "Several overlaps meet here: with {winner} their borders run on without a step.",
        "此处有数处重叠相接：归{winner}时，各边界顺接而无折角。",
    ),
    "barrier": Message(
        "This puts the border on {barrier}; the area lies on the side of {winner}.",
        "边界由此落在{barrier}上，{winner}在其同侧。",
    ),
    "medial-line": Message(
        "It is long: each neighbour takes what is nearer to it than to the others ({parts} parts).",
        "呈狭长状：相邻各方各取靠近自己的部分（共 {parts} 块）。",
    ),
}
_BOTH_SIDES = Message(
    "Divided along {barrier}, which runs through it: each side goes to the feature that lies there.",
    "{barrier}从中穿过，以此为界：两侧分别归所在一侧的要素。",
)
_SAME_VERTICES = Message(
    "Both sides get the same vertices; the border moves by no more than coordinates are rounded.",
    "使两侧节点一致；边界移动不超过坐标舍入误差。",
)
_IS_LOCKED = Message("{winner} is locked.", "{winner}已锁定。")
_WOULD_GO = Message("{winner} would lose all of its area otherwise.", "否则{winner}将失去全部面积。")
_OUTSIDE = Message("It lies outside the extent.", "位于范围之外。")
_SPIKE = Message(
    "The spike of {giver} is cut off at its foot; {winner} has the longest border with it ({length}).",
    "{giver}的尖刺自根部削去；{winner}与其公共边界最长（{length}）。",
)
_SPIKE_TO_NOBODY = Message("The spike of {giver} leads into nothing.", "{giver}的尖刺伸入空白处。")
_FRAGMENT = Message(
    "The part lies apart from the rest of {giver}; {winner} has the longest border with it ({length}).",
    "该小块与{giver}主体分离；{winner}与其公共边界最长（{length}）。",
)
_A_BARRIER = Message("the road or river", "道路或河道")


@dataclass(frozen=True)
class Share:
    """A part of a region, and what becomes of it.

    Parameters
    ----------
    region : shapely.Polygon
    taker : int or None
        Who covers it afterwards and didn't before.
    givers : tuple of int
        Who covered it before and no longer do.
    """

    region: shapely.Polygon
    taker: int | None
    givers: tuple[int, ...]


@dataclass(frozen=True)
class Decision:
    """What becomes of a region.

    Parameters
    ----------
    mend : Mend
    shares : tuple of Share
        Together the region.
    why : Message
    rule : Rule or None
    winner : int or None
        Who has all of it afterwards, where it is one.
    alternatives : tuple of int
        Who else could have all of it.
    values : dict
        Of ``why``.
    """

    mend: Mend
    shares: tuple[Share, ...]
    why: Message
    rule: Rule | None = None
    winner: int | None = None
    alternatives: tuple[int, ...] = ()
    values: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Refusal:
    """Why nothing is done about a region.

    Parameters
    ----------
    why : Message
    values : dict
        Of ``why``.
    """

    why: Message
    values: dict[str, object] = field(default_factory=dict)


class Decider:
    """Decides about regions.

    Parameters
    ----------
    subject : Subject
    lines : Lines or None
        Barriers to which borders return.
    """

    def __init__(self, subject: Subject, lines: Lines | None) -> None:
        self._subject, self._lines = subject, lines

    def decisions(
        self,
        region: Region,
        polygons: Geometries,
        rules: Rules,
        *,
        by_barrier: bool,
        chosen: int | None = None,
        favoured: int | None = None,
    ) -> Iterator[Decision | Refusal]:
        """Return what may become of a region, the best first; the last is a refusal.

        Parameters
        ----------
        region : Region
        polygons : ndarray of Polygon or MultiPolygon
        rules : Rules
        by_barrier : bool
            Whether a barrier is near.
        chosen : int, optional
            Whom a person has chosen to have it.
        favoured : int, optional
            Of an overlap: with whom the borders of all overlaps that meet there come out best.
        """
        if comes_back(region, polygons, rules):
            yield Refusal(LOCKED)
        elif region.code == "spike":
            yield from self._spike(region, rules, chosen)
        elif region.code == "fragment":
            yield from self._fragment(region, rules, chosen)
        elif not region.covers:
            yield from self._gap(region, polygons, rules, by_barrier, chosen)
        elif len(region.covers) == 1 or not region.inside:
            yield from self._outside(region, rules)
        else:
            yield from self._overlap(region, polygons, rules, by_barrier, chosen, favoured)

    def together(self, regions: Sequence[Region], polygons: Geometries, rules: Rules) -> dict[int, int]:
        """Return, by number, with whom the borders of overlaps that lie at each other come out best."""
        candidates = {}
        for number, region in enumerate(regions):
            if len(region.covers) < 2 or not region.inside or region.is_noise or region.code != "overlap":
                continue
            forced = forced_of(region, rules)
            if forced is not None:
                order = ranked(region, forced or region.covers, rules)
                candidates[number] = [k for k in order if rules.rank[k] == rules.rank[order[0]]]
        if len(candidates) < 2:
            return {}
        return winners_together(regions, candidates, polygons, self._local(regions[min(candidates)]))

    # ------------------------------------------------------------------------------------------- kinds of regions

    def _outside(self, region: Region, rules: Rules) -> Iterator[Decision | Refusal]:
        givers = tuple(k for k in region.covers if k not in rules.locked)
        if not givers:
            yield Refusal(LOCKED)
        elif any(is_all_of(region, giver, rules) for giver in givers):
            yield Refusal(_EMPTIED)
        else:
            yield Decision("cut", (Share(region.polygon, None, givers),), _OUTSIDE)
            yield Refusal(BADLY)

    def _overlap(
        self,
        region: Region,
        polygons: Geometries,
        rules: Rules,
        by_barrier: bool,
        chosen: int | None,
        favoured: int | None,
    ) -> Iterator[Decision | Refusal]:
        forced = forced_of(region, rules)
        if forced is None:
            yield Refusal(LOCKED if sum(k in rules.locked for k in region.covers) > 1 else _EMPTIED)
            return
        whole = any(is_all_of(region, k, rules) for k in region.covers)
        order = by_right = ranked(region, forced or list(region.covers), rules)
        if favoured in order:
            order = [favoured, *(k for k in order if k != favoured)]
        mend: Mend = "insert" if region.is_noise else "cut"
        if chosen in order:
            yield self._whole(region, mend, chosen, order, "chosen")
            yield Refusal(BADLY)
            return
        rim = None
        if by_barrier and not forced and not region.is_noise:
            rim = Rim.of(region, polygons)
            yield from self._by_barrier(region, rim, rules.locked, order, mend)
        for winner in order:
            rule = rule_of(region, winner, order, rules, forced=bool(forced))
            if winner == favoured and winner != by_right[0]:
                rule = "shortest-borders"
            decision = self._whole(region, mend, winner, order, rule)
            if forced and mend != "insert":
                decision = replace(decision, why=_IS_LOCKED if winner in rules.locked else _WOULD_GO)
            yield decision
        if not forced and not region.is_noise:
            yield from self._by_medial_line(region, rim or Rim.of(region, polygons), order, order, "cut")
        yield Refusal(_EMPTIED if whole else BADLY)

    def _gap(
        self, region: Region, polygons: Geometries, rules: Rules, by_barrier: bool, chosen: int | None
    ) -> Iterator[Decision | Refusal]:
        if not rules.has_extent and region.width > HOLE_IS_A_GAP_BELOW:
            yield Refusal(_HOLE)
            return
        free = [k for k in region.beside if k not in rules.locked]
        if not free:
            yield Refusal(LOCKED if region.beside else _NOBODY)
            return
        by_right = ranked(region, free, rules)
        mend: Mend = "insert" if region.is_noise else "join" if region.code == "near-border" else "fill"
        if region.is_noise:
            for winner in by_right:
                yield self._whole(
                    region, mend, winner, by_right, rule_of(region, winner, by_right, rules, forced=False)
                )
            yield Refusal(BADLY)
            return
        order = [k for k in by_right if not self._sticks_out(region, k)]
        if chosen in order:
            yield self._whole(region, mend, chosen, order, "chosen")
            yield Refusal(BADLY)
            return
        rim = Rim.of(region, polygons) if by_barrier else None
        if rim is not None and len(free) > 1:
            yield from self._by_barrier(region, rim, rules.locked, by_right, mend)
        wholes = [
            self._whole(region, mend, winner, order, rule_of(region, winner, by_right, rules, forced=False))
            for winner in order
        ]
        before = len(wholes)
        if len(free) > 1 and region.width >= WIDE and region.length / 2 >= max(LONG * region.width, LONG_AT_LEAST):
            least = max(rules.rank[k] for k in free)
            before = sum(rules.rank[winner] < least for winner in order)
        yield from wholes[:before]
        if len(free) > 1:
            yield from self._by_medial_line(region, rim or Rim.of(region, polygons), by_right, order, mend)
        yield from wholes[before:]
        yield Refusal(BADLY)

    def _spike(self, region: Region, rules: Rules, chosen: int | None) -> Iterator[Decision | Refusal]:
        (giver,) = region.covers
        if giver in rules.locked:
            yield Refusal(LOCKED)
            return
        order = ranked(region, [k for k in region.beside if k not in rules.locked], rules)
        if chosen in order:
            order = [k for k in order if k == chosen]
        for winner in order:
            yield self._passed(region, "smooth", giver, winner, order, _SPIKE)
        if not region.enclosed and not rules.has_extent:
            values: dict[str, object] = {"giver": self._subject.name[giver]}
            share = Share(region.polygon, None, (giver,))
            yield Decision("smooth", (share,), _SPIKE_TO_NOBODY, None, None, (), values)
        yield Refusal(BADLY if order else LOCKED if region.beside else BADLY)

    def _fragment(self, region: Region, rules: Rules, chosen: int | None) -> Iterator[Decision | Refusal]:
        (giver,) = region.covers
        free = [k for k in region.beside if k not in rules.locked]
        if giver in rules.locked or (region.beside and not free):
            yield Refusal(LOCKED)
            return
        order = ranked(region, free, rules)
        order = [k for k in order if region.beside[k] >= _EMBEDDED * region.polygon.length]
        if not order:
            yield Refusal(_APART)
            return
        for winner in [k for k in order if chosen in (None, k)] or order:
            yield self._passed(region, "pass", giver, winner, order, _FRAGMENT)
        yield Refusal(BADLY)

    # ------------------------------------------------------------------------------------------------- decisions

    def _whole(self, region: Region, mend: Mend, winner: int, order: list[int], rule: Rule) -> Decision:
        """Return the decision that one has all of a region."""
        taker = None if region.covers else winner
        givers = tuple(k for k in region.covers if k != winner)
        share = Share(region.polygon, taker, givers)
        others = tuple(k for k in order if k != winner)
        values = {"winner": self._subject.name[winner], "length": Width(metres_beside(region, winner))}
        why = _SAME_VERTICES if mend == "insert" else WHY[rule]
        return Decision(mend, (share,), why, rule, winner, others, values)

    def _passed(self, region: Region, mend: Mend, giver: int, winner: int, order: list[int], why: Message) -> Decision:
        """Return the decision that one who is beside it takes a region from another."""
        share = Share(region.polygon, winner, (giver,))
        others = tuple(k for k in order if k != winner)
        name = self._subject.name
        values = {"giver": name[giver], "winner": name[winner], "length": Width(metres_beside(region, winner))}
        return Decision(mend, (share,), why, "longest-border" if others else "only-one", winner, others, values)

    def _by_barrier(
        self, region: Region, rim: Rim, locked: frozenset[int], order: list[int], mend: Mend
    ) -> Iterator[Decision]:
        """Return the decision that a barrier makes, if any."""
        assert self._lines is not None
        local = self._local(region)
        found = sided(region, rim, order, self._lines, local, locked)
        if found is None:
            return
        values: dict[str, object] = {"barrier": found.barrier or _Words(_A_BARRIER)}
        if len({one for _, one in found.parts}) == 1:
            winner = found.parts[0][1]
            if region.covers or not self._sticks_out(region, winner):
                made = self._whole(region, mend, winner, order, "barrier")
                yield replace(made, values={**made.values, **values})
            return
        parts: Parts = []
        for part, winner in found.parts:
            whole = [(part, winner)]
            shared = whole if region.covers else self._without_arms(region, part, winner, rim, order, local)
            if shared is None:
                return
            parts += shared
        yield self._divided(region, mend if region.covers else "split", parts, order, _BOTH_SIDES, "barrier", values)

    def _without_arms(
        self, region: Region, part: shapely.Polygon, winner: int, rim: Rim, order: list[int], local: Local
    ) -> Parts | None:
        """Return a part of a gap that one has, divided among all at it where it would stick out of him."""
        of_part, sides = _rim_of_part(part, rim)
        area, width, length = self._subject.measure(np.array([part], object)).at(0)
        factor = length / max(float(part.length), 1e-300)
        lengths: dict[int, float] = {}
        for ring, owners in zip(of_part, sides, strict=True):
            for k, owner in enumerate(owners):
                run = shapely.LineString([ring[k], ring[(k + 1) % len(ring)]]).length * factor
                for one in owner:
                    lengths[one] = lengths.get(one, 0.0) + run
        if not _is_arm(width, length, lengths.get(winner, 0.0)):
            return [(part, winner)]
        inner = replace(region, polygon=part, area=area, width=width, length=length, beside=lengths)
        takers = [k for k in order if lengths.get(k, 0.0) > _SMALL_SHARE * width]
        return divided(inner, Rim(of_part, sides), takers, local) if len(takers) > 1 else None

    def _by_medial_line(
        self, region: Region, rim: Rim, takers: list[int], order: list[int], mend: Mend
    ) -> Iterator[Decision]:
        """Return the decision that a region is divided by its medial line, if it can be."""
        chosen = [k for k in takers if metres_beside(region, k) > _SMALL_SHARE * region.width]
        if len(chosen) < 2:
            return
        parts = divided(region, rim, chosen, self._local(region))
        if parts is not None and len({one for _, one in parts}) > 1:
            values: dict[str, object] = {"parts": len(parts)}
            kind: Mend = mend if region.covers else "split"
            yield self._divided(region, kind, parts, order, WHY["medial-line"], "medial-line", values)

    def _divided(
        self,
        region: Region,
        mend: Mend,
        parts: Parts,
        order: list[int],
        why: Message,
        rule: Rule,
        values: dict[str, object],
    ) -> Decision:
        """Return the decision that several have parts of a region."""
        shares = tuple(
            Share(part, None if region.covers else one, tuple(k for k in region.covers if k != one))
            for part, one in parts
        )
        named = {"takers": Names(tuple(self._subject.name[k] for k in sorted({one for _, one in parts})))}
        return Decision(mend, shares, why, rule, None, tuple(order), {**values, **named})

    def _local(self, region: Region) -> Local:
        return Local.at(self._subject, shapely.get_coordinates(region.polygon)[0].tolist())

    def _sticks_out(self, region: Region, winner: int) -> bool:
        return _is_arm(region.width, region.length, metres_beside(region, winner))


@dataclass(frozen=True)
class _Words:
    """A message as a value of another, worded in the reader's language."""

    message: Message

    def text(self, language: object = None) -> str:
        """Return it in words."""
        return self.message.text(language)  # type: ignore[arg-type]


def _is_arm(width: float, length: float, beside: float) -> bool:
    """Tell whether a region of some width and length of rim sticks out of who lies beside it so far."""
    return length / 2 - width - beside > max(ARM * width, ARM_LENGTH)


def _rim_of_part(
    part: shapely.Polygon, rim: Rim
) -> tuple[tuple[tuple[tuple[float, float], ...], ...], tuple[tuple[frozenset[int], ...], ...]]:
    """Return the rim of a part of a region, with who lies beyond what it has of the region's rim."""
    nodes = Nodes(shapely.get_coordinates(part))
    own = {}
    for edge, beyond in rim.edges():
        places = [edge[0], *nodes.on(edge), edge[1]]
        own.update(dict.fromkeys(itertools.pairwise(places), beyond))
    rings = tuple(
        tuple((x, y) for x, y in ring.coords[:-1]) for ring in shapely.get_rings(shapely.orient_polygons(part))
    )
    sides = tuple(
        tuple(own.get((ring[k], ring[(k + 1) % len(ring)]), frozenset()) for k in range(len(ring))) for ring in rings
    )
    return rings, sides
