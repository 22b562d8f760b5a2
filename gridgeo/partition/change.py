"""Codes over a new partition: who carries on keeps its code, and no code ever returns for another place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import geopandas as gpd
import numpy as np
import shapely

from gridgeo import crs
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.network import Geometries
from gridgeo.partition.codes import UNIT_GRID, CodeScheme, block_name

Key: TypeAlias = tuple[str, str]
SAME_PLACE = 0.5
"""A block carries on an old one when more than this part of the ground of either is common to both."""

_LACKS = Message(
    "the old plan has no column {column!r}; give a blocks layer", "原方案没有“{column}”列；请提供责任块图层"
)
_TWICE = Message("code {code} occurs twice in the old plan", "原方案中编码 {code} 重复")
_ONE_CRS = Message("one plan says its coordinate system and the other does not", "一版方案有坐标系，另一版没有")


def keep_codes(
    blocks: gpd.GeoDataFrame,
    previous: gpd.GeoDataFrame,
    *,
    retired: Iterable[str] = (),
    scheme: CodeScheme = UNIT_GRID,
    town: str = "",
) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Return blocks with the codes of the old plan where they carry on, and all codes that are retired now.

    A block carries on the old block of its grid with which it has most ground in common, if that is more than half of
    either; each old block is carried on once. The others get serials above every one that their grid ever had, in
    the order of the new numbering (west to east, then north to south). Inputs stay as they are.

    Parameters
    ----------
    blocks : GeoDataFrame
        A blocks layer, new.
    previous : GeoDataFrame
        The blocks layer before: its ``code``, ``grid`` and ``serial`` are looked at.
    retired : iterable of str
        Codes given up earlier: they are never given again.
    scheme : CodeScheme
        How new codes are written.
    town : str
        Code of the town, for schemes that need it; by default the first nine digits of the grid's id.

    Returns
    -------
    blocks : GeoDataFrame
        In the order of ``grid`` as given, by serial.
    retired : list of str
        To be kept, and given here the next time.

    Examples
    --------
    >>> def plan(*edges):
    ...     cut = [shapely.box(a, 0, b, 9) for a, b in zip(edges, edges[1:])]
    ...     serials = list(range(1, len(edges)))
    ...     codes = [f"A-{serial:03}" for serial in serials]
    ...     return gpd.GeoDataFrame({"code": codes, "name": codes, "grid": "A", "serial": serials}, geometry=cut)
    >>> kept, retired = keep_codes(plan(0, 10, 14, 20, 30), plan(0, 10, 20, 30))
    >>> kept["code"].tolist(), retired
    (['A-001', 'A-002', 'A-003', 'A-004'], [])
    """
    problems = check_previous(previous)
    if (blocks.crs is None) != (previous.crs is None):
        problems.append(Problem("previous", _ONE_CRS))
    if problems:
        raise InputError(problems)
    old_shapes, new_shapes = _in_metres(previous, blocks)
    both = "grid_layer" in previous and "grid_layer" in blocks
    old_grid, new_grid = (_grid_keys(plan, with_layer=both) for plan in (previous, blocks))
    homes: dict[str, set[str]] = {}
    for layer, name in new_grid:
        homes.setdefault(name, set()).add(layer)
    heir = _heirs(old_shapes, new_shapes, old_grid, new_grid)
    old_codes = previous["code"].astype(str).tolist()
    given_up = sorted({*map(str, retired), *(code for row, code in enumerate(old_codes) if row not in heir.values())})
    taken = {*given_up, *old_codes}

    def scheme_code(grid: tuple[str, str], serial: int) -> str:
        prefix = grid[0] if len(homes.get(grid[1], ())) > 1 else ""
        return scheme.code(grid[1], serial, town=town or grid[1][:9], prefix=prefix)

    last: dict[tuple[str, str], int] = {}
    for grid, serial in zip(old_grid, previous["serial"].tolist(), strict=True):
        last[grid] = max(last.get(grid, 0), int(serial))
    for grid in set(new_grid):  # codes given up long ago count too, though their blocks are in no plan any more
        while scheme_code(grid, last.get(grid, 0) + 1) in given_up:
            last[grid] = last.get(grid, 0) + 1
    count = {grid: new_grid.count(grid) for grid in set(new_grid)}
    code, serials, names = blocks["code"].astype(str).tolist(), blocks["serial"].tolist(), blocks["name"].tolist()
    for row in np.lexsort((blocks["serial"].to_numpy(),)).tolist():
        grid = new_grid[row]
        if row in heir:
            code[row] = old_codes[heir[row]]
            serials[row] = int(previous["serial"].iloc[heir[row]])
            if "name" in previous:
                names[row] = previous["name"].iloc[heir[row]]
            continue
        written = ""
        while not written or written in taken:
            last[grid] = last.get(grid, 0) + 1
            written = scheme_code(grid, last[grid])
        taken.add(written)
        code[row], serials[row] = written, last[grid]
        first = str(names[row]).partition(" 第")[0]
        names[row] = block_name(first, last[grid], max(2, count[grid]) if last[grid] > 1 else count[grid])
    kept = blocks.copy()
    kept["code"], kept["serial"], kept["name"] = code, np.array(serials, dtype=np.int64), names
    place = {grid: number for number, grid in enumerate(dict.fromkeys(new_grid))}
    order = np.lexsort((kept["serial"].to_numpy(), np.array([place[grid] for grid in new_grid], dtype=np.int64)))
    return kept.iloc[order].reset_index(drop=True), given_up


def _heirs(old: Geometries, new: Geometries, old_grid: Sequence[Key], new_grid: Sequence[Key]) -> Mapping[int, int]:
    """Return which old block each new one carries on: the pairs with most ground in common first."""
    at_new, at_old = shapely.STRtree(old).query(new, predicate="intersects")
    common = shapely.area(shapely.intersection(new[at_new], old[at_old]))
    least = np.minimum(shapely.area(new[at_new]), shapely.area(old[at_old]))
    same = np.array([new_grid[b] == old_grid[a] for b, a in zip(at_new, at_old, strict=True)], dtype=np.bool_)
    good = np.flatnonzero(same & (common > SAME_PLACE * least))
    heir: dict[int, int] = {}
    for at in good[np.lexsort((at_old[good], at_new[good], -common[good]))].tolist():
        mine, was = int(at_new[at]), int(at_old[at])
        if mine not in heir and was not in heir.values():
            heir[mine] = was
    return heir


def _grid_keys(plan: gpd.GeoDataFrame, *, with_layer: bool) -> list[Key]:
    """Return the layer (if it counts) and id of the grid of each block."""
    layers = plan["grid_layer"].astype(str).tolist() if with_layer else [""] * len(plan)
    return list(zip(layers, plan["grid"].astype(str).tolist(), strict=True))


def check_previous(previous: gpd.GeoDataFrame) -> list[Problem]:
    """Return why a table can't be an old plan."""
    problems = [
        Problem("previous", _LACKS, {"column": name}) for name in ("code", "grid", "serial") if name not in previous
    ]
    if not problems:
        codes = previous["code"].astype(str)
        problems += [Problem("previous", _TWICE, {"code": code}) for code in codes[codes.duplicated()].unique()]
    return problems


def _in_metres(*plans: gpd.GeoDataFrame) -> tuple[Geometries, ...]:
    first = plans[0]
    metric = crs.working_crs(first) if first.crs is not None and len(first) else None
    moved = [plan if metric is None else crs.to_crs(plan[[plan.geometry.name]], metric) for plan in plans]
    return tuple(shapely.make_valid(plan.geometry.to_numpy()) for plan in moved)
