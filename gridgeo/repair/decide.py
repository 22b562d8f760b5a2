"""Decisions: who has a region that is covered wrongly, and by which rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import shapely

from gridgeo.coverage import Faces
from gridgeo.language import Message
from gridgeo.repair.plan import Mend, Rule
from gridgeo.validate.regions import FLOAT_NOISE, HOLE_IS_A_GAP_BELOW

_ALL = 1 - 1e-9

_LOCKED = Message("all that could change there is locked", "该处可改动的要素均已锁定")
_HOLE = Message(
    "it may be an enclave: repair within an extent, or fill it by hand", "可能是飞地：请指定范围后再修复，或手工填补"
)
_NOBODY = Message("no feature is beside it", "旁边没有要素")
_EMPTIED = Message("a feature would lose all of its area", "会使某个要素失去全部面积")

WHY: dict[Rule, Message] = {
    "only-one": Message("{winner} is the only one that can have it.", "只有{winner}可以取得。"),
    "priority": Message("{winner} has priority.", "{winner}优先。"),
    "longest-border": Message(
        "{winner} has the longest border with it ({length}).", "{winner}与其公共边界最长（{length}）。"
    ),
    "chosen": Message("{winner} was chosen.", "按选定归{winner}。"),
    "larger-area": Message("{winner} is the larger feature.", "{winner}面积较大。"),
}
OUTSIDE = Message("It lies outside the extent.", "位于范围之外。")


@dataclass(frozen=True)
class Decision:
    """What becomes of a face.

    Parameters
    ----------
    mend : Mend
    winner : int or None
        Who has it afterwards.
    losers : tuple of int
        Who gives it up.
    rule : Rule or None
    alternatives : tuple of int
    length : float
        Of the winner's border with it, in units of the coordinates.
    """

    mend: Mend
    winner: int | None
    losers: tuple[int, ...]
    rule: Rule | None
    alternatives: tuple[int, ...] = ()
    length: float = 0.0


@dataclass(frozen=True)
class Refusal:
    """Why nothing is done about a face."""

    why: Message


@dataclass(frozen=True)
class Rules:
    """What decisions depend on.

    Parameters
    ----------
    locked : set of int
        Polygons that never change.
    rank : sequence of int
        Of each polygon: the lowest wins.
    area : sequence of float
        Of each polygon.
    has_extent : bool
    """

    locked: frozenset[int]
    rank: Sequence[int]
    area: Sequence[float]
    has_extent: bool


def decide(faces: Faces, number: int, width: float, rules: Rules, banned: frozenset[int]) -> Decision | Refusal:
    """Decide about one face; ``banned`` are winners with whom it did not come out well."""
    covers = faces.covers[number].tolist()
    if not covers:
        return _gap(faces, number, width, rules, banned)
    if len(covers) == 1:
        if covers[0] in rules.locked:
            return Refusal(_LOCKED)
        if _is_all_of(faces, number, covers[0], rules):
            return Refusal(_EMPTIED)
        return Decision("cut", None, (covers[0],), None)
    locked = [k for k in covers if k in rules.locked]
    if len(locked) > 1:
        return Refusal(_LOCKED)
    # who would lose all of it must win
    whole = [k for k in covers if _is_all_of(faces, number, k, rules)]
    if len(whole) > 1 or (locked and whole and whole != locked):
        return Refusal(_EMPTIED)
    forced = locked or whole
    choice = _ranked(faces, number, [k for k in forced or covers if k not in banned], rules, forced=bool(forced))
    if choice is None:
        return Refusal(_EMPTIED)
    winner, rule, length, others = choice
    losers = tuple(k for k in covers if k != winner)
    return Decision("insert" if width <= FLOAT_NOISE else "cut", winner, losers, rule, others, length)


def _gap(faces: Faces, number: int, width: float, rules: Rules, banned: frozenset[int]) -> Decision | Refusal:
    if not rules.has_extent and width > HOLE_IS_A_GAP_BELOW:
        return Refusal(_HOLE)
    beside = [k for k in faces.borders[number].tolist() if k >= 0]
    free = [k for k in beside if k not in rules.locked and k not in banned]
    if not beside:
        return Refusal(_NOBODY)
    choice = _ranked(faces, number, free, rules, forced=False)
    if choice is None:
        return Refusal(_LOCKED if all(k in rules.locked for k in beside) else _EMPTIED)
    winner, rule, length, others = choice
    return Decision("insert" if width <= FLOAT_NOISE else "fill", winner, (), rule, others, length)


def _ranked(
    faces: Faces, number: int, candidates: list[int], rules: Rules, *, forced: bool
) -> tuple[int, Rule, float, tuple[int, ...]] | None:
    """Return the winner, by which rule, the length of its border with the face, and who else could have it."""
    if not candidates:
        return None
    beside = zip(faces.borders[number].tolist(), faces.border_lengths[number].tolist(), strict=True)
    length = dict.fromkeys(candidates, 0.0) | {k: size for k, size in beside if k in candidates}
    order = sorted(candidates, key=lambda k: (rules.rank[k], -length[k], -rules.area[k], k))
    winner, others = order[0], tuple(order[1:])
    if forced or not others:
        return winner, "only-one", length[winner], others
    if rules.rank[winner] < rules.rank[others[0]]:
        return winner, "priority", length[winner], others
    longer = length[winner] > length[others[0]]
    return winner, "longest-border" if longer else "larger-area", length[winner], others


def _is_all_of(faces: Faces, number: int, polygon: int, rules: Rules) -> bool:
    return bool(shapely.area(faces.polygon[number]) >= _ALL * rules.area[polygon])
