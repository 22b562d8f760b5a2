"""Drafting: from grids, barriers, workload and demands to blocks layers that are one coverage each.

A `Site` is what does not depend on how large blocks are to be: the ground cut into atoms, what they hold, and the
wishes found on them. Any number of drafts can be made on it.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import geopandas as gpd
import numpy as np
import pyproj
import shapely

from gridgeo.errors import Problem
from gridgeo.language import Message
from gridgeo.network import NO_RANK, RANKS, RIVER, Barriers, Flags, Floats, Geometries, Integers, groups
from gridgeo.partition.answers import Attribute, unmet, unmet_size
from gridgeo.partition.atom_layer import Ground, lay_out
from gridgeo.partition.atoms import USUAL, Atoms, Cleaning, Faces
from gridgeo.partition.blocks import SMALL_PIECE
from gridgeo.partition.codes import UNIT_GRID, CodeScheme
from gridgeo.partition.crew import Solved, Task, deviations, solve_all
from gridgeo.partition.demand import SUM, Demand
from gridgeo.partition.layer import Grid, assemble, in_both_languages, weights_of
from gridgeo.partition.parts import Dividers, Part, by_part, parts_of
from gridgeo.partition.previous import OldPlan, old_blocks
from gridgeo.partition.rebalance import moved_atoms
from gridgeo.partition.remarks import remarks, tell_parted
from gridgeo.partition.search import Graph, Rules
from gridgeo.partition.wishes import Placed, Wishes, heads_of, place_wishes, rules_of
from gridgeo.partition.workload import AREA, STREET_LENGTH, Measure, WorkloadSource, allot, total_of, totals

UNCUT_AREA = 4_000.0
"""Square metres. Where no barrier may cut a block, a piece behind one with no dry face so large joins another all the
same: islets, and slips of the far bank."""
ONE_HEAD = 0.5
"""Tolerance of the number of block heads in a block: one each."""
_ON_BORDER = 1e-5
"""Metres: how far the noding may leave a new vertex from the border that it lies on."""

NO_SHAPE = Message(
    "has no polygon and gets no block; give it a geometry or take it out",
    "没有面几何，未划分责任块；请补充几何或删除",
)
_OVERLAP = Message(
    "overlaps {others} by {area:.1f} m2, and so do their blocks; run validate and mend the layers",
    "与 {others} 重叠 {area:.1f} 平方米，其责任块也随之重叠；请运行 validate 并修正图层",
)
_AFRESH = Message(
    "drafted afresh: the old plan has no blocks here",
    "已重新划分：原方案在此没有责任块",
)
_RECOUNTED = Message(
    "had {old} blocks and has {new} now, so that they keep the demanded size",
    "原有 {old} 块，现为 {new} 块，以符合要求的规模",
)
_ZERO = Message("it has no workload; its blocks are equal in area instead", "其工作量为零，改按面积均分")
_NO_LOCK = Message(
    "locked block {number} lies in no grid that is cut and is left out",
    "第 {number} 个锁定块不在任何待划分网格内，未采用",
)
_MORE_PARTS = Message(
    "the borders of parents and locked blocks leave {parts} parts, so it has {parts} blocks and not {asked}",
    "上级界线与锁定块将其分成 {parts} 部分，故为 {parts} 块而非 {asked} 块",
)
_PARTED = Message(
    "barriers that may not cut a block ({rank}) leave {parts} parts, so it has {parts} blocks and not {asked}",
    "不得穿过责任块的屏障（{rank}）将其分成 {parts} 部分，故为 {parts} 块而非 {asked} 块",
)
_SMALL_PIECES = Message(
    "{count} pieces with no land of {area:,.0f} m2 behind barriers that may not cut a block join a neighbour "
    "all the same",
    "有 {count} 片不足 {area:,.0f} 平方米的土地位于不得穿过责任块的屏障之后，仍并入相邻块",
)
_HEADS = Message(
    "{heads} block heads are stationed in it, so it has {heads} blocks and not {asked}",
    "其中有 {heads} 名块长，故为 {heads} 块而非 {asked} 块",
)


@dataclass(frozen=True)
class Site:
    """Grids laid out for drafting.

    Parameters
    ----------
    grids : sequence of Grid
    parts : list of Part
        What is divided on its own, by grid.
    ground : Ground
        Its owners are the parts.
    atoms, graphs, rules, heads : lists
        Of each part that is cut, else None. The graphs hold no workload yet.
    sources : mapping
        What is counted.
    held : mapping
        What each face holds of each source.
    outlines, written : arrays
        Shapes in metres and their vertices as they are to be written, dividers after the grids.
    crs : CRS or None
    to_output : callable
        Brings new vertices from metres to ``crs``.
    warnings : list of Problem
        What is to be said of the layers, whatever is demanded.
    scheme : CodeScheme
    town : str
        Code of the town.
    """

    grids: Sequence[Grid]
    parts: list[Part]
    ground: Ground
    atoms: list[Atoms | None]
    graphs: list[Graph | None]
    rules: list[Rules]
    heads: list[Integers]
    sources: Mapping[str, WorkloadSource]
    held: Mapping[str, Floats]
    outlines: Geometries
    written: Floats
    crs: pyproj.CRS | None
    to_output: Callable[[Floats], Floats]
    warnings: list[Problem]
    scheme: CodeScheme = UNIT_GRID
    town: str = ""

    @property
    def keys(self) -> list[tuple[str, str]]:
        """Layer and id of each grid."""
        return [(grid.layer, grid.id) for grid in self.grids]

    @cached_property
    def place(self) -> Callable[[Floats], Floats]:
        """Bring new vertices from metres to the output, those on a grid's border onto its straight edges."""
        return keeping_straight(self.outlines, self.written, self.to_output)


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

    @property
    def beyond(self) -> float:
        """By how much the worst block of all is beyond its tolerance; 0 where all are within."""
        return max(
            (
                float((deviations(task, found.grouping.block) - np.array(task.tolerance)).max())
                for task, found in self.solved.values()
                if task.count > 1
            ),
            default=0.0,
        )


def keeping_straight(
    outlines: Geometries, written: Floats, to_output: Callable[[Floats], Floats]
) -> Callable[[Floats], Floats]:
    """Return ``to_output`` for new vertices, but with those on a grid's border kept on its straight edges.

    A straight edge of metres is bent in degrees, and the other way round: over two kilometres by some centimetres.
    A new vertex on a border therefore goes where the edge runs as it is written, so that the blocks fill their grid
    exactly.
    """
    edge, lines = straight_edges(outlines)
    tree = shapely.STRtree(lines)

    def place(points: Floats) -> Floats:
        output = to_output(points).copy()
        point, line = tree.query_nearest(shapely.points(points), max_distance=_ON_BORDER, all_matches=False)
        share = shapely.line_locate_point(lines[line], shapely.points(points[point]), normalized=True)[:, None]
        output[point] = written[edge[line]] * (1 - share) + written[edge[line] + 1] * share
        return output

    return place


def straight_edges(outlines: Geometries) -> tuple[Integers, Geometries]:
    """Return the straight edges of polygons, and the index of the first vertex of each."""
    coordinates, ring = shapely.get_coordinates(shapely.get_rings(shapely.get_parts(outlines)), return_index=True)
    edge = np.flatnonzero(ring[1:] == ring[:-1])
    return edge, np.asarray(shapely.linestrings(np.stack([coordinates[edge], coordinates[edge + 1]], axis=1)))


def lay_site(
    grids: Sequence[Grid],
    shapes: Geometries,
    written: Floats,
    barriers: Barriers,
    sources: Mapping[str, WorkloadSource],
    *,
    crs: pyproj.CRS | None,
    to_output: Callable[[Floats], Floats],
    cleaning: Cleaning = USUAL,
    dividers: Dividers | None = None,
    wishes: Wishes | None = None,
    scheme: CodeScheme = UNIT_GRID,
    town: str = "",
) -> Site:
    """Lay grids out for drafting; at least one of them must have a polygon.

    Parameters
    ----------
    grids : sequence of Grid
    shapes : array of Polygon or MultiPolygon
        The grids in metres.
    written : (n, 2) array
        The vertices of ``shapes`` (in the order of `shapely.get_coordinates`) as they are to be written, and after
        them those of the dividers.
    barriers, sources
        In the CRS of ``shapes``.
    crs : CRS or None
        Of the blocks.
    to_output : callable
        Brings new vertices from metres to ``crs``.
    cleaning : Cleaning
        How faces become atoms; its polygons in the CRS of ``shapes``.
    dividers : Dividers or None
    wishes : Wishes or None
    scheme : CodeScheme
    town : str
        Code of the town, for codes.
    """
    dividers, wishes = dividers or Dividers(), wishes or Wishes()
    empty = shapely.is_missing(shapes) | shapely.is_empty(shapes) | (shapely.get_dimensions(shapes) != 2)
    warnings = [Problem(grids[row].where, NO_SHAPE) for row in np.flatnonzero(empty).tolist()]
    cut = np.array([grid.cut for grid in grids], dtype=np.bool_) & ~empty
    outlines = shapes.copy()
    outlines[empty] = shapely.Polygon()
    ground = lay_out(outlines, barriers, cut=cut, cleaning=cleaning, dividers=dividers.shapes)
    warnings += _overlaps(grids, ground.faces, ground.face, ground.owner)
    warnings += remarks(ground)
    counted = np.zeros(len(ground.faces.polygons), dtype=np.bool_)
    counted[ground.face] = True
    held: dict[str, Floats] = {}
    for name, source in sources.items():
        if source.measure is not None:
            held[name] = _measured(ground, source.measure, counted)
            continue
        held[name], told = allot(name, source, ground.metric, counted)
        warnings += told
    parts, unlocked = parts_of(ground, dividers, cut, [grid.id for grid in grids])
    warnings += [Problem("locked", _NO_LOCK, {"number": row + 1}) for row in unlocked]
    parts = [part for part in parts if len(part.faces)]
    met = {part.grid for part in parts}
    warnings += [Problem(grid.where, NO_SHAPE) for row, grid in enumerate(grids) if not empty[row] and row not in met]
    ground = by_part(ground, parts)
    placed = place_wishes(wishes, ground)
    warnings += placed.problems
    atoms, graphs, rules, heads = _graphs(grids, parts, ground, placed, warnings, cut)
    return Site(
        grids, parts, ground, atoms, graphs, rules, heads, sources, held,
        np.concatenate([outlines, dividers.shapes]), written, crs, to_output, warnings, scheme, town,
    )  # fmt: skip


def _graphs(
    grids: Sequence[Grid], parts: list[Part], ground: Ground, placed: Placed, warnings: list[Problem], cut: Flags
) -> tuple[list[Atoms | None], list[Graph | None], list[Rules], list[Integers]]:
    """Return the atoms, graph (without workload), rules and block heads of each part."""
    all_atoms: list[Atoms | None] = []
    graphs: list[Graph | None] = []
    rules: list[Rules] = []
    heads: list[Integers] = []
    for number, part in enumerate(parts):
        if not cut[part.grid] or part.locked >= 0:
            all_atoms.append(None)
            graphs.append(None)
            rules.append(Rules())
            heads.append(np.empty(0, dtype=np.int64))
            continue
        atoms = ground.atoms(number)
        where = grids[part.grid].where
        warnings += tell_parted(where, atoms)
        graph = Graph(
            load=np.zeros((len(atoms), 0)),
            area=atoms.area,
            x=atoms.x,
            y=atoms.y,
            pairs=atoms.pairs,
            cost=np.zeros(len(atoms.pairs)),
            passable=atoms.passable,
        )
        if ground.cleaning.uncut_by >= RIVER:
            dry = np.where(ground.on_surface, 0.0, ground.faces.area)
            land = np.array([float(dry[faces].max()) for faces in atoms.faces])
            graph, over = _without_small_pieces(graph, atoms, land)
            if over:
                warnings.append(Problem(where, _SMALL_PIECES, {"count": over, "area": UNCUT_AREA}))
        rule, told = rules_of(placed, ground, atoms, graph, where)
        stationed, twice = heads_of(placed, ground, atoms, where)
        warnings += [*told, *twice]
        all_atoms.append(atoms)
        graphs.append(graph)
        rules.append(rule)
        heads.append(stationed)
    return all_atoms, graphs, rules, heads


def draft(site: Site, demands: Sequence[Demand]) -> list[Draft]:
    """Draft blocks on a site, once for each demand; all that is to be searched is shared out over the processes."""
    old = {
        id(demand.previous): old_blocks(demand.previous, site.keys, site.parts, site.ground, site.atoms)
        for demand in demands
        if demand.previous is not None
    }
    planned = [_plan(site, demand, old.get(id(demand.previous))) for demand in demands]
    tasks = [task for plan in planned for task in plan.tasks.values()]
    seconds = max((demand.seconds for demand in demands), default=0.0)
    found = iter(solve_all(tasks, jobs=max((demand.jobs for demand in demands), default=1), seconds=seconds))
    return [_finished(site, plan, {part: (task, next(found)) for part, task in plan.tasks.items()}) for plan in planned]


@dataclass(frozen=True)
class _Plan:
    """What is to be searched for a demand: the task of each part, and what it balances."""

    demand: Demand
    tasks: dict[int, Task]
    attributes: dict[int, list[Attribute]]
    warnings: list[Problem]
    old: OldPlan | None


def _plan(site: Site, demand: Demand, old: OldPlan | None) -> _Plan:
    """Say for each part in how many blocks it is to be divided, and what is to be balanced."""
    plan = _Plan(demand, {}, {}, [], old)
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


def _counts(site: Site, demand: Demand, grid: int, open_: list[int], locked: int, plan: _Plan) -> dict[int, int]:
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


def _without_small_pieces(graph: Graph, atoms: Atoms, land: Floats) -> tuple[Graph, int]:
    """Join pieces without land enough for a block to the neighbour with the longest border; returns how many did.

    ``land`` is the largest dry face of each atom, in square metres.
    """
    count = 0
    while True:
        piece = groups(len(graph), graph.pairs[graph.passable])
        area = np.zeros(int(piece.max()) + 1)
        np.maximum.at(area, piece, land)
        sides = piece[graph.pairs]
        across = sides[:, 0] != sides[:, 1]
        metres = np.where(across & (area[sides] < UNCUT_AREA).any(axis=1), atoms.length.sum(axis=1), 0.0)
        if not (metres > 0).any():
            return graph, count
        passable = graph.passable.copy()
        passable[int(np.argmax(metres))] = True
        graph = replace(graph, passable=passable)
        count += 1


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


def _add_task(site: Site, plan: _Plan, grid: int, number: int, count: int) -> None:
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


def _finished(site: Site, plan: _Plan, solved: dict[int, tuple[Task, Solved]]) -> Draft:
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


def _measured(ground: Ground, measure: Measure, counted: Flags) -> Floats:
    """Return what each face has of what is measured from the map: its land, or metres of street in and around it."""
    if measure == AREA:
        return np.where(counted, ground.faces.area, 0.0)
    assert measure == STREET_LENGTH
    rank, sides = ground.arrangement.rank, ground.faces.sides
    street = (rank != NO_RANK) & (rank != RANKS.index("river"))
    held = np.zeros(len(ground.metric))
    for side in (0, 1):
        around = street & (sides[:, side] >= 0)
        np.add.at(held, sides[around, side], ground.lengths[around] / 2)
    inner = np.flatnonzero(street & (sides < 0).all(axis=1))
    if len(inner):
        ends = ground.arrangement.points[ground.arrangement.segments[inner]]
        tree = shapely.STRtree(ground.metric)
        at, face = tree.query(shapely.points(ends.mean(axis=1)), predicate="intersects")
        at, first = np.unique(at, return_index=True)
        np.add.at(held, face[first], ground.lengths[inner[at]])
    return np.where(counted, held, 0.0)


def _overlaps(grids: Sequence[Grid], faces: Faces, face: Integers, owner: Integers) -> list[Problem]:
    """Warn of grids that overlap: their blocks overlap as they do."""
    order = np.argsort(face, kind="stable")
    ordered = face[order]
    again = np.flatnonzero(ordered[1:] == ordered[:-1])
    area: dict[tuple[int, int], float] = {}
    for at in again.tolist():
        pair = (int(owner[order[at]]), int(owner[order[at + 1]]))
        key = (min(pair), max(pair))
        area[key] = area.get(key, 0.0) + float(faces.area[ordered[at]])
    warnings = []
    for (one, other), size in sorted(area.items()):
        if size > 0.01:
            values: dict[str, object] = {"others": grids[other].where, "area": size}
            warnings.append(Problem(grids[one].where, _OVERLAP, values))
    return warnings
