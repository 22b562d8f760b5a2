"""Blocks for any area given as a table of polygons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pyproj
import shapely

from gridgeo import crs
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.network import Barriers, Floats, as_barriers
from gridgeo.partition.atoms import Cleaning
from gridgeo.partition.change import check_previous, keep_codes
from gridgeo.partition.draft import Demand, draft
from gridgeo.partition.layer import Grid
from gridgeo.partition.rebalance import MOVE_PRICE
from gridgeo.partition.slivers import SLIVER_AREA
from gridgeo.partition.workload import WorkloadLike, WorkloadSource, as_sources

_BOTH = Message(
    "give count or target, not both: so many blocks a grid, or so much workload a block",
    "count 与 target 只能给一个：每网格块数，或每块工作量",
)
_BAD_COUNT = Message(
    "count must be a whole number of 1 or more, not {value}", "count 应为不小于 1 的整数，而非 {value}"
)
_BAD_TARGET = Message("target must be more than 0, not {value}", "target 应大于 0，而非 {value}")
_BAD_TOLERANCE = Message(
    "tolerance must be at least 0, such as 0.2 for 20%, not {value}",
    "tolerance 不应小于 0（如 0.2 表示 20%），而非 {value}",
)
_BAD_LENGTH = Message("{name} must be 0 or more, not {value}", "{name} 不应小于 0，而非 {value}")
_BAD_WEIGHT = Message("weight must be 0 or more, not {value}", "weight 不应小于 0，而非 {value}")
_MIXED_CRS = Message(
    "one of the tables says its coordinate system and another does not; state it for all or for none",
    "有的表有坐标系，有的没有；请全部注明或全部不注明",
)
_NO_COLUMN = Message("there is no column {column!r}", "没有“{column}”列")
_TWICE = Message("id {id} occurs {count} times; ids must be unique", "编号 {id} 出现 {count} 次；编号不得重复")


def check_demand(demand: Demand, where: str) -> list[Problem]:
    """Return what is wrong with a demand."""
    problems = []
    if demand.count is not None and demand.target is not None:
        problems.append(Problem(where, _BOTH))
    if demand.count is not None and (demand.count < 1 or demand.count != int(demand.count)):
        problems.append(Problem(where, _BAD_COUNT, {"value": demand.count}))
    if demand.target is not None and not 0 < demand.target < float("inf"):
        problems.append(Problem(where, _BAD_TARGET, {"value": demand.target}))
    if not 0 <= demand.tolerance < float("inf"):
        problems.append(Problem(where, _BAD_TOLERANCE, {"value": demand.tolerance}))
    return problems


def check_weights(sources: Mapping[str, WorkloadSource]) -> list[Problem]:
    """Return what is wrong with the weights of a workload."""
    return [
        Problem(f"workload {name}", _BAD_WEIGHT, {"value": source.weight})
        for name, source in sources.items()
        if not 0 <= source.weight < float("inf")
    ]


def delineate_blocks(
    area: gpd.GeoDataFrame,
    barriers: Barriers | gpd.GeoDataFrame,
    *,
    workload: WorkloadLike = None,
    count: int | None = None,
    target: float | None = None,
    tolerance: float = 0.2,
    seed: int = 0,
    id_column: str | None = None,
    name_column: str | None = None,
    extend_dead_ends: float = 0.0,
    sliver_below: float = SLIVER_AREA,
    keep_whole: gpd.GeoDataFrame | None = None,
    previous: gpd.GeoDataFrame | None = None,
    move_price: float = MOVE_PRICE,
    retired: Sequence[str] = (),
    warnings: list[Problem] | None = None,
) -> gpd.GeoDataFrame:
    """Cut an area into responsibility blocks along barriers.

    Parameters
    ----------
    area : GeoDataFrame
        One or more grids, in any CRS (or all tables without one: metres). No block reaches over the border of a grid.
    barriers : Barriers or GeoDataFrame
        Lines (and polygons) with a column ``rank`` of `gridgeo.network.RANKS`, and as far as known ``name`` and
        ``level`` (0 on the ground).
    workload : GeoDataFrame, mapping or None
        What to balance: points, lines or polygons that count 1 each, or the amount in their column ``workload``; or
        several attributes, name -> table (its column of that name, or 1 each) or `WorkloadSource`. None: the area in
        m2.
    count : int or None
        Blocks a grid.
    target : float or None
        Workload a block; a grid gets as many blocks as its workload holds targets, rounded. With neither, one block a
        grid.
    tolerance : float
        How far a block's workload may be off its grid's mean: 0.2 is 20 %. What can't be met is drafted as near as
        possible, with a warning.
    seed : int
        Another seed may find another draft; the same seed finds the same.
    id_column, name_column : str or None
        Columns of ``area``; by default ``id`` or ``code``, and ``name``, where they are there, else the row's number.
    extend_dead_ends : float
        Metres. Barriers that end so near to the next barrier or border are extended to it.
    sliver_below : float
        Square metres. Smaller pieces between barriers join a neighbour.
    keep_whole : GeoDataFrame or None
        Polygons of compounds, campuses or villages that no border of blocks may cut.
    previous : GeoDataFrame or None
        A blocks layer to start from: little workload changes hands, blocks that carry on keep their codes, each grid
        keeps its number of blocks (``count`` and ``target`` are for grids that it lacks).
    move_price : float
        With ``previous``: sides of a block that moving one block's fair workload is worth. More moves less.
    retired : sequence of str
        Codes never to be given again; those given up now are added in ``attrs["summary"]["retired"]``.
    warnings : list or None
        Filled with what could not be met.

    Returns
    -------
    GeoDataFrame
        The blocks, in the CRS of ``area``: columns as in `gridgeo.partition`. Vertices of ``area`` keep their
        coordinates.

    Examples
    --------
    >>> square = gpd.GeoDataFrame({"id": ["A"]}, geometry=[shapely.box(0, 0, 200, 100)])
    >>> lanes = gpd.GeoDataFrame({"rank": ["lane"]}, geometry=[shapely.LineString([(100, -9), (100, 109)])])
    >>> blocks = delineate_blocks(square, lanes, count=2)
    >>> blocks[["code", "workload", "on_barrier"]].to_dict("list")
    {'code': ['A-001', 'A-002'], 'workload': [10000.0, 10000.0], 'on_barrier': [1.0, 1.0]}
    """
    demand = Demand(count, target, tolerance, seed)
    problems = check_demand(demand, "delineate_blocks")
    if previous is not None:
        problems += check_previous(previous)
    sources = as_sources(workload)
    problems += check_weights(sources)
    problems += [
        Problem("delineate_blocks", _BAD_LENGTH, {"name": name, "value": value})
        for name, value in (
            ("extend_dead_ends", extend_dead_ends),
            ("sliver_below", sliver_below),
            ("move_price", move_price),
        )
        if not 0 <= value < float("inf")
    ]
    networks = as_barriers(barriers)
    frames = [
        area,
        *(source.frame for source in sources.values()),
        *(table for table in (keep_whole, previous) if table is not None),
    ]
    frames += [source.footprints for source in sources.values() if source.footprints is not None]
    frames += [table for table in (networks.lines, networks.surfaces) if len(table)]
    if len({frame.crs is None for frame in frames}) > 1:
        problems.append(Problem("delineate_blocks", _MIXED_CRS))
    problems += [
        Problem("area", _NO_COLUMN, {"column": column})
        for column in (id_column, name_column)
        if column is not None and column not in area.columns
    ]
    if problems:
        raise InputError(problems)
    grids = _grids(area, id_column, name_column)
    metric = crs.working_crs(area) if area.crs is not None and len(area) else None

    def moved(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        return frame if metric is None else crs.to_crs(frame, metric)

    def to_output(points: Floats) -> Floats:
        return points if metric is None else moved_points(points, metric, area.crs)

    if previous is not None:
        demand = replace(demand, previous=moved(previous), move_price=move_price)
    blocks, told = draft(
        grids,
        moved(area).geometry.to_numpy(),
        shapely.get_coordinates(area.geometry.to_numpy()),
        Barriers(
            moved(networks.lines) if len(networks.lines) else networks.lines,
            moved(networks.surfaces) if len(networks.surfaces) else networks.surfaces,
        ),
        {
            name: replace(s, frame=moved(s.frame), footprints=None if s.footprints is None else moved(s.footprints))
            for name, s in sources.items()
        },
        demand,
        crs=area.crs,
        to_output=to_output,
        cleaning=Cleaning(
            extend_dead_ends=extend_dead_ends,
            sliver_below=sliver_below,
            keep_whole=np.empty(0, dtype=object) if keep_whole is None else moved(keep_whole).geometry.to_numpy(),
        ),
    )
    if warnings is not None:
        warnings += told
    if previous is None:
        return blocks
    kept, gone = keep_codes(blocks, previous, retired=retired)
    kept.attrs["summary"] = blocks.attrs["summary"] | {"retired": gone}
    return kept


def moved_points(points: Floats, source: pyproj.CRS, target: pyproj.CRS) -> Floats:
    """Return points brought from one CRS to another."""
    frame = gpd.GeoDataFrame(geometry=shapely.points(points), crs=source)
    return np.asarray(shapely.get_coordinates(crs.to_crs(frame, target).geometry.to_numpy()), dtype=np.float64)


def _grids(area: gpd.GeoDataFrame, id_column: str | None, name_column: str | None) -> list[Grid]:
    """Return the rows of an area as grids, all to be cut."""
    if id_column is None:
        id_column = next((column for column in ("id", "code") if column in area.columns), None)
    if name_column is None and "name" in area.columns:
        name_column = "name"
    ids = area[id_column].astype(str).tolist() if id_column else [str(row + 1) for row in range(len(area))]
    twice = sorted({key for key in ids if ids.count(key) > 1}) if len(set(ids)) < len(ids) else []
    if twice:
        raise InputError([Problem("area", _TWICE, {"id": key, "count": ids.count(key)}) for key in twice])
    named = area[name_column] if name_column else None
    names = ids if named is None else named.astype(str).where(named.notna(), ids).tolist()
    kinds = area["kind"].tolist() if "kind" in area.columns else [None] * len(area)
    layer = area["layer"].astype(str).tolist() if "layer" in area.columns else ["area"] * len(area)
    return [Grid(*row, cut=True) for row in zip(layer, ids, names, kinds, strict=True)]
