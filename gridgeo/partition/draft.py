"""Drafting: from grids, barriers and workload to the blocks layer, in which all blocks of all grids form one coverage."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pyproj
import shapely

from gridgeo.errors import Problem
from gridgeo.language import Message
from gridgeo.network import GRAIN, NO_RANK, RANKS, Arrangement, Barriers, Floats, Geometries, Integers, node
from gridgeo.partition._search import Graph
from gridgeo.partition.atoms import Atoms, Faces, faces_of_grids, find_faces, make_atoms, shared_segments
from gridgeo.partition.blocks import PRICE, Grouping, group
from gridgeo.partition.codes import block_code, block_name, serial_order
from gridgeo.partition.workload import WorkloadSource, allot, total_of
from gridgeo.progress import track

COLUMNS = ("code", "name", "grid", "grid_layer", "kind", "serial", "workload")
"""Columns of the blocks layer before those of the workload's attributes; after them `MEASURES` and the geometry."""
MEASURES = ("area", "on_barrier")

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
    "the piece at {x:.0f}, {y:.0f} (working CRS) alone holds {weight:.6g}, more than a block's {cap:.6g}: no barrier cuts it; "
    "add a lane there or accept the block",
    "坐标 {x:.0f}, {y:.0f}（工作坐标系）处的一片单独就有 {weight:.6g}，超过每块上限 {cap:.6g}，且无屏障可切；请补充街巷或接受该块",
)
_UNEVEN = Message(
    "a block is {worst:.0%} off the mean workload, more than the tolerance of {tolerance:.0%}; {reason}",
    "有责任块偏离平均工作量 {worst:.0%}，超过容差 {tolerance:.0%}；{reason}",
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
_ZERO = Message("it has no workload; its blocks are equal in area instead", "其工作量为零，改按面积均分")


@dataclass(frozen=True)
class Grid:
    """One grid to draft blocks in.

    Parameters
    ----------
    layer, id, name : str
    kind : str or None
    cut : bool
        False makes it one block.
    """

    layer: str
    id: str
    name: str
    kind: str | None
    cut: bool

    @property
    def where(self) -> str:
        """What messages call it."""
        told = f"{self.id} ({self.name})" if self.name and self.name != self.id else self.id
        return f"layer {self.layer}, grid {told}" if self.layer else f"grid {told}"


@dataclass(frozen=True)
class Demand:
    """How blocks are to be drafted: see `gridgeo.partition.delineate_blocks`."""

    count: int | None = None
    target: float | None = None
    tolerance: float = 0.2
    seed: int = 0

    def blocks(self, total: float) -> int:
        """Return how many blocks a grid with this workload is to have."""
        if self.count is not None:
            return self.count
        return max(1, round(total / self.target)) if self.target else 1


@dataclass
class _Tally:
    """What the summary tells."""

    atoms: int = 0
    slivers: int = 0
    over_river: int = 0
    surfaces: int = 0
    worst: float = 0.0
    balanced: int = 0
    warnings: list[Problem] = field(default_factory=list)


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

    Returns
    -------
    blocks : GeoDataFrame
        ``attrs["summary"]`` tells what was done.
    warnings : list of Problem
    """
    tally = _Tally()
    empty = shapely.is_missing(shapes) | shapely.is_empty(shapes) | (shapely.get_dimensions(shapes) != 2)
    tally.warnings += [Problem(grids[row].where, _NO_SHAPE) for row in np.flatnonzero(empty)]
    cut = np.array([grid.cut for grid in grids], dtype=np.bool_) & ~empty
    outlines = shapes.copy()
    outlines[empty] = shapely.Polygon()
    arrangement = node(barriers, outlines, within=outlines[cut])
    faces = find_faces(arrangement)
    lengths = arrangement.lengths
    face, owner = faces_of_grids(arrangement, faces, outlines)
    segment, inside = shared_segments(faces.sides, face, owner)
    begin = np.searchsorted(owner, np.arange(len(grids) + 1))
    begin_inner = np.searchsorted(inside, np.arange(len(grids) + 1))
    _tell_overlaps(grids, faces, face, owner, tally)

    metric = shapely.transform(faces.polygons, lambda lattice: lattice * GRAIN + arrangement.origin)
    counted = np.zeros(len(faces.polygons), dtype=np.bool_)
    counted[face] = True
    held: dict[str, Floats] = {}
    for name, source in sources.items():
        held[name], told = allot(name, source, metric, counted)
        tally.warnings += told
    on_surface = _on_surface(faces, arrangement, barriers)

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
        inner = segment[begin_inner[row] : begin_inner[row + 1]]
        atoms = make_atoms(arrangement, faces, members, inner, on_surface, lengths=lengths)
        weight = _weights(atoms.faces, atoms.area, held, sources)
        grouping = _group(grids[row], atoms, weight, demand, arrangement.origin, tally)
        for block in range(int(grouping.block.max()) + 1):
            of_block = [atoms.faces[atom] for atom in np.flatnonzero(grouping.block == block)]
            block_faces.append(np.sort(np.concatenate(of_block)))
            block_grid.append(row)
    blocks = _assemble(
        grids, arrangement, faces, lengths, block_faces, block_grid, written, sources, held, crs, to_output
    )
    blocks.attrs["summary"]["atoms"] = tally.atoms
    blocks.attrs["summary"] |= {
        "slivers_merged": tally.slivers,
        "slivers_merged_over_river": tally.over_river,
        "surfaces_joined": tally.surfaces,
        "dead_ends": faces.dead_ends,
        "grids_cut": int(cut.sum()),
        "grids_in_balance": tally.balanced,
        "worst_deviation": tally.worst,
        "warnings": [{"en": problem.text("en"), "zh": problem.text("zh")} for problem in tally.warnings],
    }
    return blocks, tally.warnings


def _weights(
    members: Sequence[Integers], area: Floats, held: Mapping[str, Floats], sources: Mapping[str, WorkloadSource]
) -> Floats:
    """Return the workload of groups of faces: the weighted sum of all sources, or the area without any."""
    if not sources:
        return area
    return np.sum([source.weight * total_of(held[name], members) for name, source in sources.items()], axis=0)


def _group(grid: Grid, atoms: Atoms, weight: Floats, demand: Demand, origin: Floats, tally: _Tally) -> Grouping:
    """Group the atoms of one grid, and tell what could not be had."""
    total = float(weight.sum())
    asked = demand.blocks(total)
    graph = Graph(
        weight=weight,
        area=atoms.area,
        x=atoms.x,
        y=atoms.y,
        pairs=atoms.pairs,
        cost=atoms.length @ np.array(PRICE),
        passable=atoms.passable,
    )
    # The seed of a grid does not depend on the other grids: a change in one leaves the drafts of the others alone.
    seed = zlib.crc32(f"{demand.seed}|{grid.layer}|{grid.id}".encode())
    grouping = group(graph, asked, tolerance=demand.tolerance, seed=seed)
    count = int(grouping.block.max()) + 1
    tally.atoms += len(atoms)
    tally.slivers += atoms.merged
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
        spot = origin + (atoms.x[atom], atoms.y[atom])
        warn(_BIG_ATOM, x=float(spot[0]), y=float(spot[1]), weight=float(weight[atom]), cap=cap)
    if count > 1 and grouping.over_river:
        warn(_OVER_RIVER, count=len(grouping.over_river))
    if grouping.apart and count > 1:
        warn(_APART, count=grouping.apart)
    loads = np.bincount(grouping.block, weights=weight, minlength=count)
    worst = float(np.abs(loads / mean - 1).max()) if mean > 0 and count > 1 else 0.0
    tally.worst = max(tally.worst, worst)
    tally.balanced += worst <= demand.tolerance
    if worst > demand.tolerance and total > 0:
        pieces = len(set(_piece_loads(graph, grouping)))
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


def _piece_loads(graph: Graph, grouping: Grouping) -> list[int]:
    """Return the piece (parted by rivers and gaps) of each atom, after the joins that the grouping made."""
    from gridgeo.network import groups

    extra = np.array(grouping.over_river, dtype=np.int64).reshape(-1, 2)
    return groups(len(graph), np.concatenate([graph.pairs[graph.passable], extra])).tolist()


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


def _on_surface(
    faces: Faces, arrangement: Arrangement, barriers: Barriers
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Tell which faces lie in a barrier polygon."""
    inside = np.zeros(len(faces.polygons), dtype=np.bool_)
    flat = barriers.surfaces[barriers.surfaces["level"] == 0]
    if len(flat) and len(inside):
        spots = shapely.get_coordinates(shapely.point_on_surface(faces.polygons)) * GRAIN + arrangement.origin
        tree = shapely.STRtree(flat.geometry.to_numpy())
        inside[np.unique(tree.query(shapely.points(spots), predicate="intersects")[0])] = True
    return inside


# ---------------------------------------------------------------------------------------------------- the layer


def _assemble(
    grids: Sequence[Grid],
    arrangement: Arrangement,
    faces: Faces,
    lengths: Floats,
    block_faces: Sequence[Integers],
    block_grid: Sequence[int],
    written: Floats,
    sources: Mapping[str, WorkloadSource],
    held: Mapping[str, Floats],
    crs: pyproj.CRS | None,
    to_output: Callable[[Floats], Floats],
) -> gpd.GeoDataFrame:
    """Build the blocks layer from the faces of each block."""
    grid_of = np.array(block_grid, dtype=np.int64)
    shapes: Geometries = np.array(
        [shapely.coverage_union_all(faces.polygons[members]) for members in block_faces], dtype=object
    )
    segment, block = _borders(faces, block_faces)
    shapes, output = _reshaped(arrangement, shapes, segment, written, to_output)

    # the inner border: segments that part two blocks of one grid
    order = np.lexsort((block, segment))
    seg, blk = segment[order], block[order]
    twin = np.flatnonzero((seg[1:] == seg[:-1]) & (grid_of[blk[1:]] == grid_of[blk[:-1]]))
    inner_segment, sides = seg[twin], (blk[twin], blk[twin + 1])
    on = arrangement.rank[inner_segment] != NO_RANK
    count = len(block_faces)
    inner, good = np.zeros(count), np.zeros(count)
    for side in sides:
        inner += np.bincount(side, weights=lengths[inner_segment], minlength=count)
        good += np.bincount(side, weights=lengths[inner_segment] * on, minlength=count)
    by_rank = np.bincount(arrangement.rank[inner_segment], weights=lengths[inner_segment], minlength=NO_RANK + 1)

    area = total_of(faces.area, block_faces)
    loads = _weights(block_faces, area, held, sources)
    clashing = _clashing(grids)
    rows = []
    for row in range(len(grids)):
        members = np.flatnonzero(grid_of == row)
        for serial, which in enumerate(
            members[serial_order(shapes[members])].tolist() if len(members) else [], start=1
        ):
            rows.append((row, serial, which, len(members)))
    pick = np.array([which for _, _, which, _ in rows], dtype=np.int64)
    table: dict[str, object] = {
        "code": [
            block_code(grids[g].id, serial, prefix=grids[g].layer if grids[g].id in clashing else "")
            for g, serial, _, _ in rows
        ],
        "name": [block_name(grids[g].name, serial, many) for g, serial, _, many in rows],
        "grid": [grids[g].id for g, *_ in rows],
        "grid_layer": [grids[g].layer for g, *_ in rows],
        "kind": [grids[g].kind for g, *_ in rows],
        "serial": np.array([serial for _, serial, _, _ in rows], dtype=np.int64),
        "workload": loads[pick],
    }
    for name in sources:
        column = f"workload_{name}" if name in (*COLUMNS, *MEASURES, "geometry") else name
        table[column] = total_of(held[name], [block_faces[which] for which in pick])
    table["area"] = area[pick]
    table["on_barrier"] = np.where(inner[pick] > 0, good[pick] / np.where(inner[pick] > 0, inner[pick], 1), 1.0)
    blocks = gpd.GeoDataFrame(table, geometry=output[pick], crs=crs)
    total = float(by_rank.sum())
    blocks.attrs["summary"] = {
        "blocks": len(blocks),
        "blocks_by_grid": dict(sorted(Counter(blocks["grid_layer"] + "/" + blocks["grid"]).items())),
        "inner_border": total,
        "inner_border_by_rank": {
            word: float(metres) / total if total > 0 else 0.0
            for word, metres in zip((*RANKS, "none"), by_rank, strict=True)
        },
    }
    return blocks


def _clashing(grids: Sequence[Grid]) -> set[str]:
    """Return ids that grids of several layers have: codes from them alone would not be unique."""
    layers: dict[str, set[str]] = {}
    for grid in grids:
        layers.setdefault(grid.id, set()).add(grid.layer)
    return {id for id, held in layers.items() if len(held) > 1}


def _borders(faces: Faces, block_faces: Sequence[Integers]) -> tuple[Integers, Integers]:
    """Return the segments that bound each block: exactly one of their sides is in it. Two arrays, segment and block."""
    face = np.concatenate(block_faces) if block_faces else np.empty(0, dtype=np.int64)
    block = np.repeat(np.arange(len(block_faces)), [len(members) for members in block_faces])
    order = np.argsort(face, kind="stable")
    face, block = face[order], block[order]
    keys = []
    for side in (0, 1):
        low = np.searchsorted(face, faces.sides[:, side], side="left")
        size = np.searchsorted(face, faces.sides[:, side], side="right") - low
        start = np.repeat(low - np.concatenate([[0], np.cumsum(size)[:-1]]), size)
        held = block[np.arange(int(size.sum())) + start]
        keys.append(held * len(faces.sides) + np.repeat(np.arange(len(faces.sides)), size))
    once = np.setxor1d(keys[0], keys[1])
    return once % len(faces.sides), once // len(faces.sides)


def _reshaped(
    arrangement: Arrangement,
    shapes: Geometries,
    segment: Integers,
    written: Floats,
    to_output: Callable[[Floats], Floats],
) -> tuple[Geometries, Geometries]:
    """Return blocks in metres and in the output's coordinates, without the vertices that noding has left on straight lines.

    A vertex goes only where two segments of blocks' borders meet, in one line, and it is neither a vertex of a grid nor (away from the
    grids' borders) one of a barrier: so it goes from the blocks on both sides or stays in both.
    """
    from gridgeo.partition.atoms import numbers

    final = np.unique(segment)
    ends = arrangement.segments[final]
    count = len(arrangement.points)
    degree = np.bincount(ends.ravel(), minlength=count)
    along_border = np.bincount(ends[arrangement.border[final]].ravel(), minlength=count) == degree
    # the two other ends of the segments in a vertex of degree two
    flat = ends.ravel()
    other = ends[:, ::-1].ravel()
    order = np.argsort(flat, kind="stable")
    begin = np.searchsorted(flat[order], np.arange(count))
    two = np.flatnonzero((degree == 2) & (arrangement.vertex < 0) & (~arrangement.shape | along_border))
    lattice = (arrangement.points - arrangement.origin).astype(np.float64)
    a, b = lattice[other[order[begin[two]]]], lattice[other[order[begin[two] + 1]]]
    way, off = b - a, lattice[two] - a
    length = np.hypot(*way.T)
    across = np.abs(way[:, 0] * off[:, 1] - way[:, 1] * off[:, 0])
    straight = (
        (across <= 3 * GRAIN * length) & ((way * off).sum(axis=1) > 0) & (((b - lattice[two]) * way).sum(axis=1) > 0)
    )
    gone = np.zeros(count, dtype=np.bool_)
    gone[two[straight]] = True

    parts, block_of = shapely.get_parts(shapes, return_index=True)
    rings, part_of = shapely.get_rings(parts, return_index=True)
    coordinates, ring = shapely.get_coordinates(rings, return_index=True)
    number = numbers(arrangement.lattice, np.rint(coordinates).astype(np.int64))
    closing = np.concatenate([ring[1:] != ring[:-1], [True]]) if len(ring) else np.empty(0, dtype=np.bool_)
    keep = ~closing & ~gone[number]
    number, ring = number[keep], ring[keep]
    used = np.unique(number)
    output = np.empty((count, 2))
    new = used[arrangement.vertex[used] < 0]
    if len(new):
        output[new] = to_output(arrangement.points[new])
    old = used[arrangement.vertex[used] >= 0]
    output[old] = written[arrangement.vertex[old]]
    made = []
    for places in (arrangement.points, output):
        loops = shapely.linearrings(places[number], indices=ring)
        first = np.concatenate([[True], part_of[1:] != part_of[:-1]]) if len(part_of) else np.empty(0, dtype=np.bool_)
        holes = ~first
        polygons = shapely.polygons(loops[first])
        if holes.any():
            for part in np.unique(part_of[holes]).tolist():
                polygons[part] = shapely.polygons(loops[first][part], holes=loops[holes & (part_of == part)])
        many = np.bincount(block_of, minlength=len(shapes)) > 1
        whole: Geometries = np.empty(len(shapes), dtype=object)
        whole[block_of] = polygons
        for index in np.flatnonzero(many).tolist():
            whole[index] = shapely.multipolygons(polygons[block_of == index])
        made.append(whole)
    return made[0], made[1]
