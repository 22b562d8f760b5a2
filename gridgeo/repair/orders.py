"""Orders: what a person decided about the actions of a plan, looked up when the plan is carried out.

A plan is carried out by making it anew on the same layers, which gives the same actions, and by asking at each one what
the person said. Actions with a region are told by it; those without one by what is done to which features where.
Actions that were taken out of the plan are not done.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
import shapely

from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.repair.plan import Action, Feature, Mend, Plan

Deed = tuple[str, tuple[Feature, ...]]
"""What is done to whom."""

_NOTHING_THERE = Message(
    'action {number} is about a place where nothing is to be mended; put it back as it was ("do" and "winner" may be '
    "edited), or make a new plan with --dry-run",
    "第 {number} 项所指之处没有需要修复的内容；请恢复原样（只可编辑 “do” 和 “winner”），或用 --dry-run 重新生成",
)
_NO_SUCH_WINNER = Message(
    "action {number}: {winner} can't have it; choose one of the alternatives that the plan names",
    "第 {number} 项：{winner} 不能取得该区域；请从计划列出的备选中选择",
)


@dataclass(frozen=True)
class Order:
    """What a person decided about one action."""

    do: bool
    winner: Feature | None


@dataclass(frozen=True)
class Orders:
    """What was decided about the actions of one claim.

    Parameters
    ----------
    regions : dict of bytes to Order
        By `key_of` the regions that change hands.
    deeds : dict of Deed to bool
        Of actions that are told by their features: whether they are to be done.
    winners : dict of Deed to Feature
        Who wins by them.
    moved_borders : set of tuple of Feature
        The two features beside each border that is to be aligned.
    kept_borders : tuple of tuple
        Borders that are not to be aligned: the two features beside each, and a place on it.
    complete : bool
        Whether every action of the plan is still there.
    is_later : bool
        Whether other claims have changed the layers since.
    taken_out : set of bytes
        Regions whose actions are not, as they are come upon.
    """

    regions: dict[bytes, Order] = field(default_factory=dict)
    deeds: dict[Deed, bool] = field(default_factory=dict)
    winners: dict[Deed, Feature | None] = field(default_factory=dict)
    moved_borders: frozenset[tuple[Feature, ...]] = frozenset()
    kept_borders: tuple[tuple[Feature, Feature, shapely.Point], ...] = ()
    complete: bool = True
    is_later: bool = False
    taken_out: set[bytes] = field(default_factory=set, compare=False)

    @classmethod
    def of(cls, plan: Plan, claim: str = "") -> Orders:
        """Return what a plan says about the actions of one claim."""
        mine = [action for action in plan.actions if action.claim == claim]
        by_features = [action for action in mine if not _is_by_region(action) and action.mend != "align"]
        return cls(
            regions={place_of(action): Order(action.do, action.winner) for action in mine if _is_by_region(action)},
            deeds={(action.mend, action.features): action.do for action in by_features},
            winners={(action.mend, action.features): action.winner for action in by_features},
            moved_borders=frozenset(action.features for action in mine if action.mend == "align" and action.do),
            kept_borders=tuple(
                (action.features[0], action.features[1], action.place)
                for action in mine
                if action.mend == "align" and not action.do
            ),
            complete=len(plan.actions) >= plan.planned,
        )

    def again(self) -> Orders:
        """Return the same for another look, after the layers have changed: regions that no action names are new."""
        return replace(self, is_later=True)

    def about(self, region: shapely.Geometry, *, as_planned: bool) -> Order | None:
        """Return what was decided about a region; None for nothing.

        Parameters
        ----------
        region : Geometry
        as_planned : bool
            Whether the layers are still as they were when the plan was made: a region that it doesn't name then was
            taken out. Later ones may come of the changes.
        """
        key = key_of(region)
        if key not in self.regions and as_planned and not self.complete and not self.is_later:
            self.taken_out.add(key)
        return Order(False, None) if key in self.taken_out else self.regions.get(key)

    def refuse(self, mend: Mend, features: tuple[Feature, ...]) -> bool:
        """Tell whether something is not to be done to some features."""
        return not self.deeds.get((mend, features), self.complete)

    def chosen(self, mend: Mend, features: tuple[Feature, ...]) -> Feature | None:
        """Return who is to win by something that is done to some features; None where nothing is said."""
        return self.winners.get((mend, features))

    def strange(self, actions: Iterable[Action]) -> list[tuple[Feature, Feature, shapely.Point]]:
        """Return the borders among those of some actions whose alignment was taken out of the plan."""
        return [
            (action.features[0], action.features[1], action.place)
            for action in actions
            if not self.complete and action.features not in self.moved_borders
        ]


NO_ORDERS = Orders()


def with_idle(made: Plan, plan: Plan) -> Plan:
    """Return what was done with the actions that a person decided against, so that it can be read and applied again."""
    idle = [action for action in plan.actions if not action.do]
    told = {_mark(action) for action in made.actions}
    actions = [*made.actions, *(action for action in idle if _mark(action) not in told)]
    numbered = tuple(replace(action, number=number) for number, action in enumerate(actions, 1))
    return replace(made, actions=numbered, planned=len(numbered) + max(plan.planned - len(plan.actions), 0))


def _is_by_region(action: Action) -> bool:
    """Tell whether an action is told by the region that changes hands."""
    return bool(action.transfers) and action.mend not in ("drop", "align", "regroup")


def _mark(action: Action) -> tuple[object, ...]:
    """Return what tells an action from all others."""
    return (action.claim, place_of(action)) if _is_by_region(action) else (action.claim, action.mend, action.features)


def check_obeyed(plan: Plan, made: Iterable[Action], *, where: str = "plan") -> None:
    """Refuse winners that a person chose and that could not win.

    Parameters
    ----------
    plan : Plan
        As it was edited.
    made : iterable of Action
        What was done.

    Raises
    ------
    InputError
        One line an action.
    """
    winners = {_mark(action): action.winner for action in made}
    problems = []
    as_planned = len(plan.actions) >= plan.planned
    for action in plan.actions:
        as_planned = as_planned and action.do and not _is_edited(action)
    for action in plan.actions:
        if not action.do or not action.transfers or action.mend == "align":
            continue
        place = _mark(action)
        if _is_edited(action) and winners.get(place) != action.winner:
            values = {"number": action.number, "winner": ":".join(action.winner or ())}
            problems.append(Problem(where, _NO_SUCH_WINNER, values))
        elif as_planned and place not in winners:
            problems.append(Problem(where, _NOTHING_THERE, {"number": action.number}))
    if problems:
        raise InputError(problems)


def _is_edited(action: Action) -> bool:
    """Tell whether a person has chosen the winner."""
    return action.rule == "chosen" or (action.winner is not None and action.winner not in planned_winners(action))


def planned_winners(action: Action) -> set[Feature]:
    """Return whom the plan made the winner before anybody edited it, as its transfers tell."""
    takers = {transfer.taker for transfer in action.transfers if transfer.taker is not None}
    givers = {transfer.giver for transfer in action.transfers}
    return takers or {feature for feature in action.features if feature not in givers}


def place_of(action: Action) -> bytes:
    """Return what tells the region of an action from all others."""
    return key_of(shapely.MultiPolygon([transfer.region for transfer in action.transfers]))


def key_of(region: shapely.Geometry) -> bytes:
    """Return what tells a region from all others, whatever vertices its straight edges have.

    How far it reaches east, west, north and south, and to the four corners between: two triangles may share a box.
    """
    x, y = shapely.get_coordinates(region).T
    along = np.stack([x, y, x + y, x - y])
    reach = np.stack([along.min(axis=1), along.max(axis=1)], axis=1)
    return (np.round(reach, 9) + 0.0).tobytes()
