"""The blocks layer: polygons of blocks from their faces, with the vertices of the grids, and the table's columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pyproj
import shapely

from gridgeo.errors import Problem
from gridgeo.network import GRAIN, NO_RANK, RANKS, Arrangement, Flags, Floats, Geometries, Integers, groups
from gridgeo.partition.atoms import Faces, numbers
from gridgeo.partition.codes import UNIT_GRID, CodeScheme, block_name, check_codes, serial_order
from gridgeo.partition.previous import Previous
from gridgeo.partition.workload import WorkloadSource, total_of

TOUCHING = 2e-5
"""Metres: two vertices so near are one."""
SAME_PLACE_DEGREES, SAME_PLACE_METRES = 1e-9, 1e-4
"""How near a vertex must be to one of the previous plan, as written, to be the same."""
COLUMNS = ("code", "name", "grid", "grid_layer", "kind", "serial", "workload")
"""Columns of the blocks layer before those of the workload's attributes; after them `MEASURES` and the geometry."""
MEASURES = ("area", "on_barrier")


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


def weights_of(
    members: Sequence[Integers], area: Floats, held: Mapping[str, Floats], sources: Mapping[str, WorkloadSource]
) -> Floats:
    """Return the workload of groups of faces: the weighted sum of all sources, or the area without any."""
    if not sources:
        return area
    return np.asarray(
        np.sum([source.weight * total_of(held[name], members) for name, source in sources.items()], axis=0)
    )


def assemble(
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
    *,
    scheme: CodeScheme = UNIT_GRID,
    town: str = "",
    junctions: Flags | None = None,
    previous: Previous | None = None,
) -> gpd.GeoDataFrame:
    """Build the blocks layer from the faces of each block.

    ``junctions`` are vertices that stay, even where they lie on a straight line. So do those that ``previous`` had, and
    blocks that have the form of an old one have its bytes.
    """
    grid_of = np.array(block_grid, dtype=np.int64)
    shapes: Geometries = np.array(
        [shapely.coverage_union_all(faces.polygons[members]) for members in block_faces], dtype=object
    )
    segment, block = _borders(faces, block_faces)
    stay = np.zeros(len(arrangement.points), dtype=np.bool_) if junctions is None else junctions
    shapes, output = _reshaped(arrangement, shapes, segment, written, to_output, stay, previous)
    if previous is not None and len(output):
        forms = shapely.to_wkb(shapely.normalize(output)).tolist()
        for index, form in enumerate(forms):
            if form in previous.by_form:
                output[index] = previous.frame.geometry.iloc[previous.by_form[form]]

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
    loads = weights_of(block_faces, area, held, sources)
    clashing = _clashing(grids)
    rows = []
    for row in range(len(grids)):
        members = np.flatnonzero(grid_of == row)
        for serial, which in enumerate(
            members[serial_order(shapes[members])].tolist() if len(members) else [], start=1
        ):
            rows.append((row, serial, which, len(members)))
    pick = np.array([which for _, _, which, _ in rows], dtype=np.int64)
    codes = [
        scheme.code(
            grids[g].id,
            serial,
            town=town or grids[g].id[:9],
            divided=many > 1,
            prefix=grids[g].layer if grids[g].id in clashing else "",
        )
        for g, serial, _, many in rows
    ]
    check_codes(codes)
    table: dict[str, object] = {
        "code": codes,
        "name": [block_name(grids[g].name, serial, many) for g, serial, _, many in rows],
        "grid": [grids[g].id for g, *_ in rows],
        "grid_layer": [grids[g].layer for g, *_ in rows],
        "kind": [grids[g].kind for g, *_ in rows],
        "serial": np.array([serial for _, serial, _, _ in rows], dtype=np.int64),
        "workload": loads[pick],
    }
    for name in sources:
        table[workload_column(name)] = total_of(held[name], [block_faces[which] for which in pick])
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


def no_blocks(
    sources: Mapping[str, WorkloadSource], crs: pyproj.CRS | None, warnings: Sequence[Problem]
) -> gpd.GeoDataFrame:
    """Return a blocks layer without a block."""
    columns = {name: np.empty(0, dtype=object) for name in COLUMNS}
    columns["serial"] = np.empty(0, dtype=np.int64)
    numbers = {name: np.empty(0) for name in ("workload", *map(workload_column, sources), *MEASURES)}
    blocks = gpd.GeoDataFrame({**columns, **numbers}, geometry=[], crs=crs)
    blocks.attrs["summary"] = {"blocks": 0, "blocks_by_grid": {}, "warnings": in_both_languages(warnings)}
    return blocks


def in_both_languages(problems: Sequence[Problem]) -> list[dict[str, str]]:
    """Return problems as plain texts, which a table's ``attrs`` can carry into any file."""
    return [{"en": problem.text("en"), "zh": problem.text("zh")} for problem in problems]


def workload_column(name: str) -> str:
    """Return the name of an attribute's column: its own, or ``workload_...`` where another column has that."""
    return f"workload_{name}" if name in (*COLUMNS, *MEASURES, "geometry") else name


def _clashing(grids: Sequence[Grid]) -> set[str]:
    """Return ids that grids of several layers have: codes from them alone would not be unique."""
    layers: dict[str, set[str]] = {}
    for grid in grids:
        layers.setdefault(grid.id, set()).add(grid.layer)
    return {key for key, held in layers.items() if len(held) > 1}


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


def _merged(arrangement: Arrangement, number: Integers, border: Integers, stay: Flags) -> Integers:
    """Return the vertices of rings with one vertex for those that lie within `TOUCHING` of each other.

    Noding may leave two crossings some steps of the lattice apart, in an order that rounding to the output turns round:
    the border would cross itself. Vertices of grids stay, then those on a grid's border, then those that are to stay.
    """
    used = np.unique(number)
    spots = shapely.points(arrangement.points[used])
    one, two = shapely.STRtree(spots).query(spots, predicate="dwithin", distance=TOUCHING)
    near = one < two
    if not near.any():
        return number
    group = groups(len(used), np.stack([one[near], two[near]], axis=1))
    of_grid = arrangement.vertex[used] >= 0
    on_border = np.isin(used, border)
    order = np.lexsort((used, ~stay[used], ~on_border, ~of_grid, group))
    leader = order[np.searchsorted(group[order], np.arange(int(group.max()) + 1))]
    several = np.bincount(group, weights=of_grid) > 1  # vertices that the grids themselves have so near stay apart
    stands_for = np.arange(len(arrangement.points))
    stands_for[used] = np.where(several[group], used, used[leader[group]])
    return np.asarray(stands_for[number])


def _reshaped(
    arrangement: Arrangement,
    shapes: Geometries,
    segment: Integers,
    written: Floats,
    to_output: Callable[[Floats], Floats],
    stay: Flags,
    previous: Previous | None,
) -> tuple[Geometries, Geometries]:
    """Return blocks in metres and in the output's coordinates, without vertices that noding left on straight lines.

    A vertex goes only where two segments of blocks' borders meet, in one line, and it is neither a vertex of a grid
    nor (away from the grids' borders) one of a barrier: so it goes from the blocks on both sides or stays in both.
    Those of ``stay`` and those that the previous plan had never go.
    """
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
    output = np.empty((count, 2))
    made_new = np.flatnonzero((degree > 0) & (arrangement.vertex < 0))
    if len(made_new):
        output[made_new] = to_output(arrangement.points[made_new])
    stay = stay.copy()
    had = np.empty((0, 2)) if previous is None else previous.vertices
    if len(had):
        of_grids = set(map(tuple, written.tolist()))
        had = had[[place not in of_grids for place in map(tuple, had.tolist())]]
    if len(made_new) and len(had):
        near = SAME_PLACE_DEGREES if np.abs(had).max() <= 360 else SAME_PLACE_METRES
        tree = shapely.STRtree(shapely.points(had))
        (mine, theirs), distance = tree.query_nearest(
            shapely.points(output[made_new]), max_distance=near, all_matches=False, return_distance=True
        )
        # one new vertex for each old one, the nearest: two would make a border that stands still
        nearest = np.lexsort((mine, distance, theirs))
        nearest = nearest[np.concatenate([[True], theirs[nearest][1:] != theirs[nearest][:-1]])[: len(nearest)]]
        mine, theirs = mine[nearest], theirs[nearest]
        output[made_new[mine]] = had[theirs]
        stay[made_new[mine]] = True
    two = np.flatnonzero((degree == 2) & (arrangement.vertex < 0) & (~arrangement.shape | along_border) & ~stay)
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
    number = _merged(arrangement, number, ends[arrangement.border[final]], stay)
    # a ring that closes on itself between two vertices that became one has lost nothing that can be seen
    first = np.concatenate([[True], ring[1:] != ring[:-1]]) if len(ring) else np.empty(0, dtype=np.bool_)
    last = np.concatenate([first[1:], [True]]) if len(ring) else first
    before = np.roll(number, 1)
    before[first] = number[last]
    keep = number != before
    number, ring = number[keep], ring[keep]
    whole_ring = np.bincount(ring, minlength=len(rings)) >= 3
    shell = np.concatenate([[True], part_of[1:] != part_of[:-1]]) if len(part_of) else np.empty(0, dtype=np.bool_)
    whole_part = whole_ring[shell]
    whole_ring &= whole_part[part_of]
    keep = whole_ring[ring]
    number, ring = number[keep], (np.cumsum(whole_ring) - 1)[ring[keep]]
    part_of, block_of = (np.cumsum(whole_part) - 1)[part_of[whole_ring]], block_of[whole_part]
    used = np.unique(number)
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
