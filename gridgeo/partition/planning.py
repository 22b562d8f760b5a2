"""Planning: in how many blocks each part of a grid is to be divided, and what is to be balanced in it."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace

import numpy as np

from gridgeo.errors import Problem
from gridgeo.language import Message
from gridgeo.network import RANKS, RIVER, Floats, Integers, groups
from gridgeo.partition.answers import Attribute, unmet_size
from gridgeo.partition.atoms import Atoms
from gridgeo.partition.blocks import SMALL_PIECE
from gridgeo.partition.crew import Task
from gridgeo.partition.demand import SUM, Demand
from gridgeo.partition.layer import weights_of
from gridgeo.partition.previous import OldPlan
from gridgeo.partition.site import Site
from gridgeo.partition.workload import AREA, total_of

ONE_HEAD = 0.5
"""Tolerance of the number of block heads in a block: one each."""
_AFRESH = Message(
    "drafted afresh: the old plan has no blocks here",
    "已重新划分：原方案在此没有责任块",
)
_RECOUNTED = Message(
    "had {old} blocks and has {new} now, so that they keep the demanded size",
    "原有 {old} 块，现为 {new} 块，以符合要求的规模",
)
_ZERO = Message("it has no workload; its blocks are equal in area instead", "其工作量为零，改按面积均分")
_MORE_PARTS = Message(
    "the borders of parents and locked blocks leave {parts} parts, so it has {parts} blocks and not {asked}",
    "上级界线与锁定块将其分成 {parts} 部分，故为 {parts} 块而非 {asked} 块",
)
_PARTED = Message(
    "barriers that may not cut a block ({rank}) leave {parts} parts, so it has {parts} blocks and not {asked}",
    "不得穿过责任块的屏障（{rank}）将其分成 {parts} 部分，故为 {parts} 块而非 {asked} 块",
)
_HEADS = Message(
    "{heads} block heads are stationed in it, so it has {heads} blocks and not {asked}",
    "其中有 {heads} 名块长，故为 {heads} 块而非 {asked} 块",
)


@dataclass(frozen=True)
class Plan:
    """What is to be searched for a demand: the task of each part, and what it balances."""

    demand: Demand
    tasks: dict[int, Task]
    attributes: dict[int, list[Attribute]]
    warnings: list[Problem]
    old: OldPlan | None


def plan_for(site: Site, demand: Demand, old: OldPlan | None) -> Plan:
    """Say for each part in how many blocks it is to be divided, and what is to be balanced."""
    plan = Plan(demand, {}, {}, [], old)
    of_grid: dict[int, list[int]] = {}
    for number, part in enumerate(site.parts):
        of_grid.setdefault(part.grid, []).append(number)
    for grid, numbers in of_grid.items():
        open_ = [number for number in numbers if site.atoms[number] is not None]
        counts = _counts(site, demand, grid, open_, len(numbers) - len(open_), plan)
        for number in open_:
            _add_task(site, plan, grid, number, counts[number])
    return plan


def _measured_load(site: Site, demand: Demand, number: int) -> tuple[str, Floats]:
    """Return what target and size count, and how much of it each atom of a part holds."""
    atoms = site.atoms[number]
    assert atoms is not None
    name = demand.measure
    if name in site.held:
        return name, total_of(site.held[name], atoms.faces)
    if name == AREA or not site.sources:
        return AREA, atoms.area
    return SUM, weights_of(atoms.faces, atoms.area, site.held, site.sources)


def _counts(site: Site, demand: Demand, grid: int, open_: list[int], locked: int, plan: Plan) -> dict[int, int]:
    """Return how many blocks each open part of a grid is to have."""
    where = site.grids[grid].where
    measured = {number: _measured_load(site, demand, number) for number in open_}
    totals_of = {number: float(load.sum()) for number, (_, load) in measured.items()}
    if demand.count is None:
        counts = {}
        for number in open_:
            counts[number] = demand.blocks(totals_of[number])
            had = plan.old.count(number) if plan.old is not None else 0
            if had and had != counts[number]:
                if _still_fits(demand, totals_of[number], had):
                    counts[number] = had
                else:
                    plan.warnings.append(Problem(where, _RECOUNTED, {"old": had, "new": counts[number]}))
            told = unmet_size(where, demand, measured[number][0], totals_of[number], counts[number])
            plan.warnings.extend(told)
    else:
        counts = dict.fromkeys(open_, 1)
        left = demand.count - locked - len(open_)
        if left < 0 and (locked or len(open_) > 1):
            values: dict[str, object] = {"parts": locked + len(open_), "asked": demand.count}
            plan.warnings.append(Problem(where, _MORE_PARTS, values))
        for _ in range(left if open_ else 0):
            share = {number: totals_of[number] / counts[number] for number in open_}
            atoms = {number: len(site.graphs[number] or ()) for number in open_}
            free = [number for number in open_ if counts[number] < atoms[number]] or open_
            counts[max(free, key=lambda number: (share[number], -number))] += 1
    if site.ground.cleaning.uncut_by >= RIVER:
        for number in open_:
            graph = site.graphs[number]
            assert graph is not None
            apart = int(groups(len(graph), graph.pairs[graph.passable]).max()) + 1
            if apart > counts[number]:
                values = {"parts": apart, "asked": counts[number], "rank": RANKS[site.ground.cleaning.uncut_by]}
                plan.warnings.append(Problem(where, _PARTED, values))
                counts[number] = apart
    for number in open_:
        heads = len(site.heads[number])
        if heads and heads != counts[number]:
            if demand.count is not None or demand.target is not None or demand.size is not None:
                plan.warnings.append(Problem(where, _HEADS, {"heads": heads, "asked": counts[number]}))
            counts[number] = heads
    return counts


def _still_fits(demand: Demand, total: float, count: int) -> bool:
    """Tell whether the number of blocks that there was still gives the demanded size."""
    if demand.size is not None:
        return count in demand.counts(total)
    if demand.target is not None:
        return abs(total / count / demand.target - 1) <= demand.tolerance
    return True


def _balanced(site: Site, demand: Demand, number: int, count: int) -> list[Attribute]:
    """Return what is balanced in a part: what has a tolerance of its own, what is measured, and the sum of the rest."""
    atoms = site.atoms[number]
    assert atoms is not None
    own = {name: source.tolerance for name, source in site.sources.items() if source.tolerance is not None}
    own |= {name: value for name, value in demand.tolerances.items() if name != SUM}
    measured, load = _measured_load(site, demand, number)
    found: list[Attribute] = []
    if demand.measure or demand.size is not None:
        total = float(load.sum())
        usual = own.get(measured, demand.tolerance)
        room = demand.room(total / count) if total > 0 else usual
        found.append(Attribute(measured, load, max(room, 0.05) if demand.size is not None else usual))
    for name, tolerance in own.items():
        if name != measured or not found:
            held = atoms.area if name == AREA and name not in site.held else total_of(site.held[name], atoms.faces)
            found.append(Attribute(name, held, tolerance))
    rest = {
        name: source
        for name, source in site.sources.items()
        if name not in own and source.weight > 0 and not (found and found[0].name in (name, SUM))
    }
    if rest:
        weight = weights_of(atoms.faces, atoms.area, site.held, rest)
        name = next(iter(rest)) if len(rest) == 1 and own else SUM
        found.append(Attribute(name, weight, demand.tolerance))
    found = [each for each in found if each.load.sum() > 0]
    if not found:
        found = [Attribute(AREA, atoms.area, demand.tolerance)]
    if len(site.heads[number]) and count > 1:
        heads = np.zeros(len(atoms))
        heads[site.heads[number]] = 1.0
        found.append(Attribute("heads", heads, ONE_HEAD))
    return found


def _add_task(site: Site, plan: Plan, grid: int, number: int, count: int) -> None:
    """Add the task of a part to a plan."""
    demand, graph, atoms = plan.demand, site.graphs[number], site.atoms[number]
    assert graph is not None
    assert atoms is not None
    where = site.grids[grid].where
    attributes = _balanced(site, demand, number, count)
    if count > 1 and site.sources and not any(float(site.held[name][atoms_of(atoms)].sum()) > 0 for name in site.held):
        plan.warnings.append(Problem(where, _ZERO))
    # The seed of a grid does not depend on the other grids: a change in one leaves the drafts of the others alone.
    siblings = [other for other, part in enumerate(site.parts) if part.grid == grid and site.atoms[other] is not None]
    which = siblings.index(number)
    text = f"{demand.seed}|{site.grids[grid].layer}|{site.grids[grid].id}" + (f"|{which}" if which else "")
    old = plan.old.blocks(number) if plan.old is not None else None
    if demand.previous is not None and old is None:
        plan.warnings.append(Problem(where, _AFRESH))
    uncut = site.ground.cleaning.uncut_by >= RIVER
    plan.attributes[number] = attributes
    plan.tasks[number] = Task(
        graph=replace(
            graph,
            load=np.stack([each.load for each in attributes], axis=1),
            cost=atoms.length @ np.array(demand.price),
        ),
        count=count,
        tolerance=tuple(each.tolerance for each in attributes),
        seed=zlib.crc32(text.encode()),
        rules=site.rules[number],
        compact=demand.compact,
        small_piece=0.0 if uncut else SMALL_PIECE,
        old=old,
        price=demand.move_price,
    )


def atoms_of(atoms: Atoms) -> Integers:
    """Return the faces of all atoms."""
    return np.concatenate(atoms.faces)
