"""Drafting: from grids, barriers and workload to a blocks layer that is one coverage."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pyproj
import shapely

from gridgeo.errors import Problem
from gridgeo.language import Message
from gridgeo.network import Barriers, Floats, Geometries, Integers, groups
from gridgeo.partition.atom_layer import Ground, lay_out
from gridgeo.partition.atoms import USUAL, Atoms, Cleaning, Faces
from gridgeo.partition.blocks import PRICE, Grouping, group
from gridgeo.partition.layer import Grid, assemble, in_both_languages, no_blocks, weights_of
from gridgeo.partition.oversize import suggest_cuts
from gridgeo.partition.rebalance import MOVE_PRICE, old_blocks, rebalance
from gridgeo.partition.remarks import remarks, tell_parted
from gridgeo.partition.search import Graph
from gridgeo.partition.search.answer import ROUNDING
from gridgeo.partition.workload import WorkloadSource, allot, totals
from gridgeo.progress import track

_DRAFTING = Message("Drafting blocks", "划分责任块")
_NO_SHAPE = Message(
    "has no polygon and gets no block; give it a geometry or take it out",
    "没有面几何，未划分责任块；请补充几何或删除",
)
_OVERLAP = Message(
    "overlaps {others} by {area:.1f} m2, and so do their blocks; run validate and mend the layers",
    "与 {others} 重叠 {area:.1f} 平方米，其责任块也随之重叠；请运行 validate 并修正图层",
)
_FEW_ATOMS = Message(
    "barriers cut it into {atoms} pieces only, so it has {blocks} blocks and not {asked}; add lanes or ask for fewer",
    "屏障仅将其分成 {atoms} 片，只能划 {blocks} 个责任块，而非 {asked} 个；请补充街巷或减少块数",
)
_BIG_ATOM = Message(
    "the piece at {x:.0f}, {y:.0f} (working CRS) alone holds {weight:.6g}, more than a block's {cap:.6g}: "
    "no barrier cuts it; add a lane there or accept the block",
    "坐标 {x:.0f}, {y:.0f}（工作坐标系）处的一片单独就有 {weight:.6g}，超过每块上限 {cap:.6g}，"
    "且无屏障可切；请补充街巷或接受该块",
)
_UNEVEN = Message(
    "a block is {worst:.1%} off the mean workload, more than the tolerance of {tolerance:.1%}; {reason}",
    "有责任块偏离平均工作量 {worst:.1%}，超过容差 {tolerance:.1%}；{reason}",
)
_BECAUSE_BIG = Message("see the pieces too large to balance", "原因见上述过大的片")
_BECAUSE_PIECES = Message("rivers or gaps part the grid unevenly", "河道或空隙使网格分割不均")
_BECAUSE_COARSE = Message(
    "its {atoms} pieces are too coarse: allow a larger tolerance or ask for fewer blocks",
    "其 {atoms} 片过于粗大：请放宽容差或减少块数",
)
_BECAUSE_UNKNOWN = Message(
    "no better division was found: try another seed or a larger tolerance", "未找到更好的划分：请换随机种子或放宽容差"
)
_OVER_RIVER = Message(
    "{count} times a block joins both banks of a river without a bridge, for want of any other neighbour",
    "有 {count} 处责任块跨越无桥河道，因无其他相邻片可并",
)
_APART = Message(
    "it has more separate parts than blocks: {count} parts share a block with another part",
    "其分离的部分多于责任块数：{count} 个部分与其他部分同属一块",
)
_AFRESH = Message(
    "drafted afresh: the old plan has no blocks here, or they are not each in one piece on today's roads",
    "已重新划分：原方案在此没有责任块，或其责任块在现有道路上不成整片",
)
_ZERO = Message("it has no workload; its blocks are equal in area instead", "其工作量为零，改按面积均分")


@dataclass(frozen=True)
class Demand:
    """How blocks are to be drafted: see `gridgeo.partition.delineate_blocks`."""

    count: int | None = None
    target: float | None = None
    tolerance: float = 0.2
    seed: int = 0
    previous: gpd.GeoDataFrame | None = None
    """Blocks layer in metres from which to start; its grids keep their number of blocks."""
    move_price: float = MOVE_PRICE

    def blocks(self, total: float) -> int:
        """Return how many blocks a grid with this workload is to have."""
        if self.count is not None:
            return self.count
        return max(1, round(total / self.target)) if self.target else 1


_ON_BORDER = 1e-5
"""Metres: how far the noding may leave a new vertex from the border that it lies on."""


@dataclass
class _Tally:
    """What the summary tells."""

    atoms: int = 0
    slivers: int = 0
    strips: int = 0
    over_river: int = 0
    surfaces: int = 0
    worst: float = 0.0
    balanced: int = 0
    warnings: list[Problem] = field(default_factory=list)


def _keeping_straight(
    outlines: Geometries, written: Floats, to_output: Callable[[Floats], Floats]
) -> Callable[[Floats], Floats]:
    """Return ``to_output`` for new vertices, but with those on a grid's border kept on its straight edges.

    A straight edge of metres is bent in degrees, and the other way round: over two kilometres by some centimetres.
    A new vertex on a border therefore goes where the edge runs as it is written, so that the blocks fill their grid
    exactly.
    """
    coordinates, ring = shapely.get_coordinates(shapely.get_rings(shapely.get_parts(outlines)), return_index=True)
    edge = np.flatnonzero(ring[1:] == ring[:-1])
    lines = shapely.linestrings(np.stack([coordinates[edge], coordinates[edge + 1]], axis=1))
    tree = shapely.STRtree(lines)

    def place(points: Floats) -> Floats:
        output = to_output(points).copy()
        point, line = tree.query_nearest(shapely.points(points), max_distance=_ON_BORDER, all_matches=False)
        share = shapely.line_locate_point(lines[line], shapely.points(points[point]), normalized=True)[:, None]
        output[point] = written[edge[line]] * (1 - share) + written[edge[line] + 1] * share
        return output

    return place


def draft(
    grids: Sequence[Grid],
    shapes: Geometries,
    written: Floats,
    barriers: Barriers,
    sources: Mapping[str, WorkloadSource],
    demand: Demand,
    *,
    crs: pyproj.CRS | None,
    to_output: Callable[[Floats], Floats],
    cleaning: Cleaning = USUAL,
) -> tuple[gpd.GeoDataFrame, list[Problem]]:
    """Draft the blocks of grids.

    Parameters
    ----------
    grids : sequence of Grid
    shapes : array of Polygon or MultiPolygon
        The grids in metres.
    written : (n, 2) array
        The vertices of ``shapes`` (in the order of `shapely.get_coordinates`) as they are to be written.
    barriers, sources
        In the CRS of ``shapes``.
    demand : Demand
    crs : CRS or None
        Of the blocks.
    to_output : callable
        Brings new vertices from metres to ``crs``.
    cleaning : Cleaning
        How faces become atoms; its polygons in the CRS of ``shapes``.

    Returns
    -------
    blocks : GeoDataFrame
        ``attrs["summary"]`` tells what was done.
    warnings : list of Problem
    """
    tally = _Tally()
    empty = shapely.is_missing(shapes) | shapely.is_empty(shapes) | (shapely.get_dimensions(shapes) != 2)
    tally.warnings += [Problem(grids[row].where, _NO_SHAPE) for row in np.flatnonzero(empty).tolist()]
    if empty.all():
        return no_blocks(sources, crs, tally.warnings), tally.warnings
    cut = np.array([grid.cut for grid in grids], dtype=np.bool_) & ~empty
    outlines = shapes.copy()
    outlines[empty] = shapely.Polygon()
    ground = lay_out(outlines, barriers, cut=cut, cleaning=cleaning)
    arrangement, faces, face, owner = ground.arrangement, ground.faces, ground.face, ground.owner
    begin = np.searchsorted(owner, np.arange(len(grids) + 1))
    _tell_overlaps(grids, faces, face, owner, tally)

    tally.warnings += remarks(ground)
    counted = np.zeros(len(faces.polygons), dtype=np.bool_)
    counted[face] = True
    held: dict[str, Floats] = {}
    for name, source in sources.items():
        held[name], told = allot(name, source, ground.metric, counted)
        tally.warnings += told

    block_faces: list[Integers] = []
    block_grid: list[int] = []
    for row in track(range(len(grids)), _DRAFTING):
        members = face[begin[row] : begin[row + 1]]
        if empty[row] or not len(members):
            if not empty[row]:
                tally.warnings.append(Problem(grids[row].where, _NO_SHAPE))
            continue
        if not grids[row].cut:
            block_faces.append(members)
            block_grid.append(row)
            continue
        atoms = ground.atoms(row)
        tally.warnings += tell_parted(grids[row].where, atoms)
        weight = weights_of(atoms.faces, atoms.area, held, sources)
        grouping = _group(grids[row], ground, atoms, weight, demand, tally)
        for block in range(int(grouping.block.max()) + 1):
            of_block = [atoms.faces[atom] for atom in np.flatnonzero(grouping.block == block)]
            block_faces.append(np.sort(np.concatenate(of_block)))
            block_grid.append(row)
    place = _keeping_straight(outlines, written, to_output)
    blocks = assemble(
        grids, arrangement, faces, ground.lengths, block_faces, block_grid, written, sources, held, crs, place
    )
    blocks.attrs["summary"]["atoms"] = tally.atoms
    blocks.attrs["summary"] |= {
        "slivers_merged": tally.slivers,
        "slivers_merged_over_river": tally.over_river,
        "strips_joined": tally.strips,
        "surfaces_joined": tally.surfaces,
        "dead_ends": faces.dead_ends,
        "dead_ends_extended": int(arrangement.dead_ends.extended.sum()),
        "totals": {name: totals(name, source, held[name]) for name, source in sources.items()},
        "grids_cut": int(cut.sum()),
        "grids_in_balance": tally.balanced,
        "worst_deviation": tally.worst,
        "warnings": in_both_languages(tally.warnings),
    }
    return blocks, tally.warnings


def _group(grid: Grid, ground: Ground, atoms: Atoms, weight: Floats, demand: Demand, tally: _Tally) -> Grouping:
    """Group the atoms of one grid, and tell what could not be had."""
    total = float(weight.sum())
    origin = ground.arrangement.origin
    asked = demand.blocks(total)
    graph = Graph(
        load=weight[:, None],
        area=atoms.area,
        x=atoms.x,
        y=atoms.y,
        pairs=atoms.pairs,
        cost=atoms.length @ np.array(PRICE),
        passable=atoms.passable,
    )
    # The seed of a grid does not depend on the other grids: a change in one leaves the drafts of the others alone.
    seed = zlib.crc32(f"{demand.seed}|{grid.layer}|{grid.id}".encode())
    old = None if demand.previous is None else old_blocks(demand.previous, grid.id, graph, _spots(ground, atoms))
    if old is not None:
        asked = int(old.max()) + 1
        found = rebalance(graph, old, tolerance=[demand.tolerance], price=demand.move_price, seed=seed)
        grouping = Grouping(found.block, [], 0)
    else:
        grouping = group(graph, asked, tolerance=[demand.tolerance], seed=seed)
        if demand.previous is not None:
            tally.warnings.append(Problem(grid.where, _AFRESH))
    count = int(grouping.block.max()) + 1
    tally.atoms += len(atoms)
    tally.slivers += atoms.merged
    tally.strips += atoms.strips
    tally.over_river += atoms.merged_over_river
    tally.surfaces += atoms.surfaces

    def warn(what: Message, **values: object) -> None:
        tally.warnings.append(Problem(grid.where, what, values))

    if count < asked:
        warn(_FEW_ATOMS, atoms=len(atoms), blocks=count, asked=asked)
    if count > 1 and not total > 0:
        warn(_ZERO)
    mean = total / count
    cap = mean * (1 + demand.tolerance)
    big = np.flatnonzero(weight > cap) if count > 1 else np.empty(0, dtype=np.int64)
    for atom in big.tolist():
        warn(
            _BIG_ATOM,
            x=float(origin[0] + atoms.x[atom]),
            y=float(origin[1] + atoms.y[atom]),
            weight=float(weight[atom]),
            cap=cap,
        )
    tally.warnings += [cut.told(grid.where) for cut in suggest_cuts(ground, atoms, big.tolist())]
    if count > 1 and grouping.over_river:
        warn(_OVER_RIVER, count=len(grouping.over_river))
    if grouping.apart and count > 1:
        warn(_APART, count=grouping.apart)
    loads = np.bincount(grouping.block, weights=weight, minlength=count)
    worst = float(np.abs(loads / mean - 1).max()) if mean > 0 and count > 1 else 0.0
    tally.worst = max(tally.worst, worst)
    tally.balanced += worst <= demand.tolerance + ROUNDING
    if worst > demand.tolerance + ROUNDING and total > 0:
        pieces = int(_pieces_of(graph, grouping).max()) + 1
        if len(big):
            reason = _BECAUSE_BIG
        elif pieces > 1:
            reason = _BECAUSE_PIECES
        elif len(atoms) < 6 * count:
            reason = _BECAUSE_COARSE
        else:
            reason = _BECAUSE_UNKNOWN
        said = Message(
            _UNEVEN.en.replace("{reason}", reason.en.replace("{atoms}", str(len(atoms)))),
            _UNEVEN.zh.replace("{reason}", reason.zh.replace("{atoms}", str(len(atoms)))),
        )
        warn(said, worst=worst, tolerance=demand.tolerance)
    return grouping


def _spots(ground: Ground, atoms: Atoms) -> Geometries:
    """Return a point inside the largest face of each atom, in metres."""
    largest = [ground.largest_face(faces) for faces in atoms.faces]
    spots: Geometries = shapely.point_on_surface(ground.metric[np.array(largest, dtype=np.int64)])
    return spots


def _pieces_of(graph: Graph, grouping: Grouping) -> Integers:
    """Return the piece (parted by rivers and gaps) of each atom, after the joins that the grouping made."""
    extra = np.array(grouping.over_river, dtype=np.int64).reshape(-1, 2)
    return groups(len(graph), np.concatenate([graph.pairs[graph.passable], extra]))


def _tell_overlaps(grids: Sequence[Grid], faces: Faces, face: Integers, owner: Integers, tally: _Tally) -> None:
    """Warn of grids that overlap: their blocks overlap as they do."""
    order = np.argsort(face, kind="stable")
    ordered = face[order]
    again = np.flatnonzero(ordered[1:] == ordered[:-1])
    area: dict[tuple[int, int], float] = {}
    for at in again.tolist():
        pair = (int(owner[order[at]]), int(owner[order[at + 1]]))
        key = (min(pair), max(pair))
        area[key] = area.get(key, 0.0) + float(faces.area[ordered[at]])
    for (one, other), size in sorted(area.items()):
        if size > 0.01:
            values: dict[str, object] = {"others": grids[other].where, "area": size}
            tally.warnings.append(Problem(grids[one].where, _OVERLAP, values))
