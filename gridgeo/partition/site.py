"""The site: grids laid out for drafting, with everything that does not depend on how large blocks are to be.

The ground cut into atoms, their graphs, what they hold, and the wishes found on them. Any number of drafts can be made
on a site.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyproj
import shapely

from gridgeo.errors import Problem
from gridgeo.language import Message
from gridgeo.network import NO_RANK, RANKS, RIVER, Barriers, Flags, Floats, Geometries, Integers, groups
from gridgeo.partition.atom_layer import Ground, lay_out
from gridgeo.partition.atoms import USUAL, Atoms, Cleaning, Faces
from gridgeo.partition.codes import UNIT_GRID, CodeScheme
from gridgeo.partition.layer import Grid
from gridgeo.partition.parts import Dividers, Part, by_part, parts_of
from gridgeo.partition.remarks import remarks, tell_parted
from gridgeo.partition.search import Graph, Rules
from gridgeo.partition.straight import keeping_straight, onto_edges
from gridgeo.partition.wishes import Placed, Wishes, heads_of, place_wishes, rules_of
from gridgeo.partition.workload import AREA, STREET_LENGTH, Measure, WorkloadSource, allot

UNCUT_AREA = 4_000.0
"""Square metres. Where no barrier may cut a block, a piece behind one with no dry face so large joins another all the
same: islets, and slips of the far bank."""
NO_SHAPE = Message(
    "has no polygon and gets no block; give it a geometry or take it out",
    "没有面几何，未划分责任块；请补充几何或删除",
)
_OVERLAP = Message(
    "overlaps {others} by {area:.1f} m2, and so do their blocks; run validate and mend the layers",
    "与 {others} 重叠 {area:.1f} 平方米，其责任块也随之重叠；请运行 validate 并修正图层",
)
_NO_LOCK = Message(
    "locked block {number} lies in no grid that is cut and is left out",
    "第 {number} 个锁定块不在任何待划分网格内，未采用",
)
_SMALL_PIECES = Message(
    "{count} pieces with no land of {area:,.0f} m2 behind barriers that may not cut a block join a neighbour "
    "all the same",
    "有 {count} 片不足 {area:,.0f} 平方米的土地位于不得穿过责任块的屏障之后，仍并入相邻块",
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
    barriers = onto_edges(barriers, np.concatenate([outlines, dividers.shapes]), written, to_output)
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
