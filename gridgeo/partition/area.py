"""Blocks for any area given as a table of polygons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import geopandas as gpd
import numpy as np
import pyproj
import shapely

from gridgeo import crs
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.layers import Layer
from gridgeo.network import RANKS, Barriers, Floats, Rank, as_barriers
from gridgeo.partition.asked import Asked
from gridgeo.partition.atoms import Cleaning
from gridgeo.partition.change import check_previous
from gridgeo.partition.codes import UNIT_GRID, CodeScheme
from gridgeo.partition.demand import (
    MOVE_PRICE,
    SECONDS,
    SUM,
    TOLERANCE,
    Demand,
    check_demand,
    check_uncut,
    with_preset,
)
from gridgeo.partition.layer import Grid
from gridgeo.partition.layers import Layers, draft_area
from gridgeo.partition.previous import Previous
from gridgeo.partition.slivers import SLIVER_AREA
from gridgeo.partition.workload import WorkloadLike, WorkloadSource, as_sources

_BAD_LENGTH = Message("{name} must be 0 or more, not {value}", "{name} 不应小于 0，而非 {value}")
_BAD_WEIGHT = Message("weight must be 0 or more, not {value}", "weight 不应小于 0，而非 {value}")
_MIXED_CRS = Message(
    "one of the tables says its coordinate system and another does not; state it for all or for none",
    "有的表有坐标系，有的没有；请全部注明或全部不注明",
)
_NO_COLUMN = Message("there is no column {column!r}", "没有“{column}”列")
_TWICE = Message("id {id} occurs {count} times; ids must be unique", "编号 {id} 出现 {count} 次；编号不得重复")


def check_weights(sources: Mapping[str, WorkloadSource]) -> list[Problem]:
    """Return what is wrong with the weights of a workload."""
    return [
        Problem(f"workload {name}", _BAD_WEIGHT, {"value": source.weight})
        for name, source in sources.items()
        if not 0 <= source.weight < float("inf")
    ]


def delineate_blocks(
    area: Layer | gpd.GeoDataFrame,
    barriers: Barriers | gpd.GeoDataFrame,
    *,
    workload: WorkloadLike = None,
    count: int | None = None,
    target: float | None = None,
    size: tuple[float, float] | None = None,
    preset: str | None = None,
    measure: str = "",
    tolerance: float | Mapping[str, float] = TOLERANCE,
    seed: int = 0,
    compact: float = 1.0,
    id_column: str | None = None,
    name_column: str | None = None,
    extend_dead_ends: float = 0.0,
    sliver_below: float = SLIVER_AREA,
    uncut_by: Rank | None = None,
    keep_whole: gpd.GeoDataFrame | None = None,
    keep_together: gpd.GeoDataFrame | None = None,
    borders: gpd.GeoDataFrame | None = None,
    no_borders: gpd.GeoDataFrame | None = None,
    parents: gpd.GeoDataFrame | None = None,
    locked: gpd.GeoDataFrame | None = None,
    heads: gpd.GeoDataFrame | None = None,
    previous: gpd.GeoDataFrame | None = None,
    move_price: float = MOVE_PRICE,
    retired: Sequence[str] = (),
    codes: CodeScheme | str = UNIT_GRID,
    seconds: float = SECONDS,
    jobs: int = 1,
    warnings: list[Problem] | None = None,
) -> gpd.GeoDataFrame:
    """Cut an area into responsibility blocks along barriers.

    Parameters
    ----------
    area : Layer or GeoDataFrame
        One or more grids, in any CRS (or all tables without one: metres). No block reaches over the border of a grid.
    barriers : Barriers or GeoDataFrame
        Lines (and polygons) with a column ``rank`` of `gridgeo.network.RANKS`, and as far as known ``name`` and
        ``level`` (0 on the ground).
    workload : GeoDataFrame, mapping or None
        What to balance: points, lines or polygons that count 1 each, or the amount in their column ``workload``; or
        several attributes, name -> table (its column of that name, or 1 each), `WorkloadSource`, or ``"area"`` or
        ``"street-length"``, which are measured. None: the area in m2.
    count : int or None
        Blocks a grid.
    target : float or None
        Workload a block; a grid gets as many blocks as its workload holds targets, rounded.
    size : (float, float) or None
        The least and the most that a block holds.
    preset : str or None
        A named size: ``community`` (300 to 500 households), ``micro`` (30 to 100 households), ``cell`` (about
        10,000 m2). Without any of these four, one block a grid.
    measure : str
        The attribute that ``target`` and ``size`` count, one of ``workload`` or ``"area"``; by default the weighted
        sum.
    tolerance : float or mapping
        How far a block's workload may be off its grid's mean, either way: 0.2 is 20 %. A mapping gives attributes
        tolerances of their own (``"workload"`` is the weighted sum of all others). What can't be met is drafted as
        near as possible, with a warning.
    seed : int
        Another seed may find another draft; the same seed finds the same.
    compact : float
        What roundness counts for, against borders on strong barriers: 0 for nothing.
    id_column, name_column : str or None
        Columns of ``area``; by default those of a layer, and of a table ``id`` or ``code``, and ``name``, where it has
        them, else the row's number.
    extend_dead_ends : float
        Metres. Barriers that end so near to the next barrier or border are extended to it.
    sliver_below : float
        Square metres. Smaller pieces between barriers join a neighbour.
    uncut_by : {"river", "main-road", "road", "lane"} or None
        Barriers of this rank and stronger ones cut no block, not even where bridges lead over them.
    keep_whole : GeoDataFrame or None
        Compounds, campuses and villages (polygons) that no border may cut.
    keep_together : GeoDataFrame or None
        Points or polygons; those with the same value in the column ``set`` come into one block.
    borders, no_borders : GeoDataFrame or None
        Lines along barriers on which a border must run, and must not.
    parents : GeoDataFrame or None
        Polygons whose borders no block crosses, such as committees beneath a street grid.
    locked : GeoDataFrame or None
        Blocks (of a blocks layer: column ``grid``) that stay as they are.
    heads : GeoDataFrame or None
        Points where block heads are stationed: each block of their grid gets one, and the grid as many blocks.
    previous : GeoDataFrame or None
        Blocks layer to start from: little changes hands, codes and the bytes of untouched blocks stay.
    move_price : float
        With ``previous``: sides of a block that moving one block's fair workload is worth.
    retired : sequence of str
        With ``previous``: codes given up earlier, which are never given again.
    codes : CodeScheme or str
        How blocks are numbered: see `gridgeo.partition.codes`.
    seconds : float
        Seconds of processor time to search at most, reckoned for an ordinary machine: the plan depends on this number
        and not on how fast the machine is.
    jobs : int
        Processes that search at once. More than one needs a script that guards its start with
        ``if __name__ == "__main__":``.
    warnings : list or None
        Filled with what could not be met, in the order of the grids.

    Returns
    -------
    GeoDataFrame
        The blocks layer, in the CRS of ``area``: columns as in `gridgeo.partition`. ``attrs["summary"]`` tells what was
        done. Vertices of ``area`` keep their coordinates to the last bit.

    Raises
    ------
    InputError
        When the demands make no sense or a table can't be used.
    """
    if isinstance(area, Layer):
        id_column, name_column = id_column or area.id_column, name_column or area.name_column
        area = area.frame
    sources = as_sources(workload)
    tolerances = dict(tolerance) if isinstance(tolerance, Mapping) else {}
    demand = Demand(
        count=count,
        target=target,
        size=None if size is None else (size[0], size[-1]) if len(size) == 2 else size,
        measure="" if measure == SUM else measure,
        tolerance=tolerances.pop(SUM, TOLERANCE) if isinstance(tolerance, Mapping) else tolerance,
        tolerances=tolerances,
        seed=seed,
        compact=compact,
        seconds=seconds,
        jobs=jobs,
        move_price=move_price,
    )
    problems = check_demand(demand, "delineate_blocks", sources, preset) + check_weights(sources)
    demand, wrong = with_preset(demand, preset, sources, "delineate_blocks")
    problems += [*wrong, *check_uncut(uncut_by, "delineate_blocks")]
    problems += [] if previous is None else check_previous(previous)
    problems += [
        Problem("delineate_blocks", _BAD_LENGTH, {"name": name, "value": value})
        for name, value in (("extend_dead_ends", extend_dead_ends), ("sliver_below", sliver_below))
        if not 0 <= value < float("inf")
    ]
    asked = Asked(parents, locked, keep_whole, keep_together, borders, no_borders, heads)
    problems += asked.check()
    networks = as_barriers(barriers)
    frames = [area, *asked.tables.values(), *([] if previous is None else [previous])]
    for source in sources.values():
        frames += [table for table in (source.frame, source.footprints) if table is not None]
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
    scheme = codes if isinstance(codes, CodeScheme) else CodeScheme(codes)
    grids = _grids(area, id_column, name_column)
    metric = crs.working_crs(area) if area.crs is not None and len(area) else None

    def moved(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        return frame if metric is None else crs.to_crs(frame, metric)

    def written(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        return frame if metric is None else crs.to_crs(frame, area.crs)

    def to_output(points: Floats) -> Floats:
        return points if metric is None else moved_points(points, metric, area.crs)

    drafts = draft_area(
        Layers(
            grids=grids,
            shapes=moved(area).geometry.to_numpy(),
            written=shapely.get_coordinates(area.geometry.to_numpy()),
            barriers=Barriers(
                moved(networks.lines) if len(networks.lines) else networks.lines,
                moved(networks.surfaces) if len(networks.surfaces) else networks.surfaces,
            ),
            sources={name: source.moved(moved) for name, source in sources.items()},
            asked=asked.moved(moved),
            asked_written=asked.moved(written),
            crs=area.crs,
            to_output=to_output,
            cleaning=Cleaning(
                extend_dead_ends=extend_dead_ends,
                sliver_below=sliver_below,
                uncut_by=-1 if uncut_by is None else RANKS.index(uncut_by),
            ),
            scheme=scheme,
        ),
        [demand],
        previous=None if previous is None else Previous(written(previous), moved(previous).geometry.to_numpy()),
        retired=retired,
    )
    if warnings is not None:
        warnings += drafts[0].warnings
    return drafts[0].blocks


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
