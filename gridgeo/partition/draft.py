"""Drafting: from a site and demands to blocks layers that are one coverage each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import shapely

from gridgeo.errors import Problem
from gridgeo.network import Flags, Geometries, Integers
from gridgeo.partition.answers import unmet
from gridgeo.partition.crew import Solved, Task, deviations, solve_all
from gridgeo.partition.demand import Demand
from gridgeo.partition.layer import assemble, in_both_languages
from gridgeo.partition.planning import Plan, plan_for
from gridgeo.partition.previous import old_blocks
from gridgeo.partition.rebalance import moved_atoms
from gridgeo.partition.site import Site
from gridgeo.partition.spots import in_output_crs
from gridgeo.partition.workload import totals


@dataclass(frozen=True)
class Draft:
    """Blocks drafted on a site.

    Parameters
    ----------
    blocks : GeoDataFrame
        ``attrs["summary"]`` tells what was done.
    warnings : list of Problem
    solved : dict
        Part -> task and what was found.
    """

    blocks: gpd.GeoDataFrame
    warnings: list[Problem]
    solved: dict[int, tuple[Task, Solved]] = field(default_factory=dict)
    moved_ground: Geometries = field(default_factory=lambda: np.empty(0, dtype=object))
    """What changes hands, in metres, where there was an old plan."""

    @property
    def moved(self) -> float:
        """Share of the workload that changes hands, of all grids together."""
        moved = total = 0.0
        for task, found in self.solved.values():
            load = float(task.graph.load[:, 0].sum())
            total += load
            moved += load * (found.point.moved if found.point is not None else 0.0)
        return moved / total if total > 0 else 0.0

    @property
    def border(self) -> float:
        """Price of all borders between blocks of one part."""
        price = 0.0
        for task, found in self.solved.values():
            sides = found.grouping.block[task.graph.pairs]
            price += math.fsum(np.maximum(task.graph.cost[sides[:, 0] != sides[:, 1]], 0.0))
        return price

    def beyond(self, scale: float = 1.0) -> float:
        """Return by how much the worst block is beyond its tolerance times ``scale``; 0 where all are within."""
        return max(
            (
                max(0.0, float((deviations(task, found.grouping.block) - scale * np.array(task.tolerance)).max()))
                for task, found in self.solved.values()
                if task.count > 1
            ),
            default=0.0,
        )


def draft(site: Site, demands: Sequence[Demand]) -> list[Draft]:
    """Draft blocks on a site, once for each demand; all that is to be searched is shared out over the processes."""
    old = {
        id(demand.previous): old_blocks(demand.previous, site.keys, site.parts, site.ground, site.atoms)
        for demand in demands
        if demand.previous is not None
    }
    planned = [plan_for(site, demand, old.get(id(demand.previous))) for demand in demands]
    tasks = [task for plan in planned for task in plan.tasks.values()]
    seconds = max((demand.seconds for demand in demands), default=0.0)
    found = iter(solve_all(tasks, jobs=max((demand.jobs for demand in demands), default=1), seconds=seconds))
    return [_finished(site, plan, {part: (task, next(found)) for part, task in plan.tasks.items()}) for plan in planned]


def _finished(site: Site, plan: Plan, solved: dict[int, tuple[Task, Solved]]) -> Draft:
    """Make the blocks layer of what was found, and say what could not be had."""
    warnings = [*site.warnings, *plan.warnings]
    block_faces: list[Integers] = []
    block_grid: list[int] = []
    balance: dict[str, dict[str, float]] = {}
    in_balance = 0
    for number, part in enumerate(site.parts):
        atoms = site.atoms[number]
        if atoms is None:
            block_faces.append(part.faces)
            block_grid.append(part.grid)
            continue
        task, found = solved[number]
        block = found.grouping.block
        attributes = plan.attributes[number]
        warnings += unmet(site.grids[part.grid].where, site.ground, atoms, task, found, attributes)
        worst = deviations(task, block) if block.max() > 0 else np.zeros(len(attributes))
        for attribute, off in zip(attributes, worst.tolist(), strict=True):
            told = balance.setdefault(attribute.name, {"tolerance": attribute.tolerance, "worst_deviation": 0.0})
            told["worst_deviation"] = max(told["worst_deviation"], off)
        in_balance += bool((worst <= np.array(task.tolerance) + 1e-9).all())
        for index in range(int(block.max()) + 1):
            of_block = [atoms.faces[atom] for atom in np.flatnonzero(block == index)]
            block_faces.append(np.sort(np.concatenate(of_block)))
            block_grid.append(part.grid)
    ground, demand = site.ground, plan.demand
    blocks = assemble(
        site.grids, ground.arrangement, ground.faces, ground.lengths, block_faces, block_grid, site.written,
        site.sources, site.held, site.crs, site.place,
        scheme=site.scheme, town=site.town, junctions=_junctions(site, solved),
        previous=None if plan.old is None else plan.old.previous,
    )  # fmt: skip
    warnings = in_output_crs(warnings, site.place, site.crs)
    made = [atoms for atoms in site.atoms if atoms is not None]
    hurried = any(found.hurried for _, found in solved.values())
    blocks.attrs["summary"] |= {
        "atoms": sum(len(atoms) for atoms in made),
        "slivers_merged": sum(atoms.merged for atoms in made),
        "slivers_merged_over_river": sum(atoms.merged_over_river for atoms in made),
        "strips_joined": sum(atoms.strips for atoms in made),
        "surfaces_joined": sum(atoms.surfaces for atoms in made),
        "dead_ends": ground.faces.dead_ends,
        "dead_ends_extended": int(ground.arrangement.dead_ends.extended.sum()),
        "totals": {name: totals(name, source, site.held[name]) for name, source in site.sources.items()},
        "grids_cut": len({part.grid for part, atoms in zip(site.parts, site.atoms, strict=True) if atoms is not None}),
        "grids_in_balance": in_balance,
        "balance": balance,
        "worst_deviation": max((told["worst_deviation"] for told in balance.values()), default=0.0),
        "seed": demand.seed,
        "interrupted": hurried,
        "proof": _proofs(solved),
        "warnings": in_both_languages(warnings),
    }
    return Draft(blocks, warnings, solved, _moved_ground(site, solved))


def _moved_ground(site: Site, solved: dict[int, tuple[Task, Solved]]) -> Geometries:
    """Return what changes hands, in metres."""
    faces = []
    for number, (task, found) in solved.items():
        atoms = site.atoms[number]
        if task.old is None or atoms is None:
            continue
        moved = moved_atoms(task.graph.load[:, 0], task.old, found.grouping.block)
        faces += [atoms.faces[atom] for atom in np.flatnonzero(moved).tolist()]
    if not faces:
        return np.empty(0, dtype=object)
    ground: Geometries = shapely.get_parts(shapely.union_all(site.ground.metric[np.concatenate(faces)]))
    return ground


def _proofs(solved: dict[int, tuple[Task, Solved]]) -> dict[str, int]:
    """Return how many parts of grids have borders that are proven best, have a gap, or are unknown."""
    words = [
        found.grouping.answer.proof
        for task, found in solved.values()
        if task.count > 1 and found.grouping.answer is not None
    ]
    return {word: words.count(word) for word in ("proven", "gap", "unknown")}


def _junctions(site: Site, solved: dict[int, tuple[Task, Solved]]) -> Flags:
    """Tell at which vertices borders of atoms meet: where another plan might part blocks.

    They stay vertices of all blocks there, so that another plan of the neighbours leaves a block's bytes as they are. A
    part that is one block is never parted.
    """
    ground = site.ground
    number = np.full(len(ground.metric) + 1, -1, dtype=np.int64)  # the last is the outside
    following = 0
    for index, (part, atoms) in enumerate(zip(site.parts, site.atoms, strict=True)):
        if atoms is None or int(solved[index][1].grouping.block.max()) == 0:
            number[part.faces] = following
            following += 1
            continue
        for faces in atoms.faces:
            number[faces] = following
            following += 1
    sides = number[ground.faces.sides]
    parting = ground.arrangement.segments[sides[:, 0] != sides[:, 1]]
    return np.asarray(np.bincount(parting.ravel(), minlength=len(ground.arrangement.points)) > 2)
