"""The blocks of a whole town project."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridgeo import crs
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.network import RANKS, Floats
from gridgeo.partition.area import check_weights, moved_points
from gridgeo.partition.asked import SET, Asked
from gridgeo.partition.atoms import Cleaning
from gridgeo.partition.change import check_previous
from gridgeo.partition.codes import CodeScheme
from gridgeo.partition.demand import Demand, check_demand, check_uncut, with_preset
from gridgeo.partition.draft import Draft
from gridgeo.partition.layer import Grid
from gridgeo.partition.layers import Layers, draft_area
from gridgeo.partition.previous import Previous
from gridgeo.partition.workload import WorkloadSource
from gridgeo.town import Town

_NO_SUCH_LAYER = Message(
    "[partition] names layer {layer!r}, which is no layer of grids; the layers with a kind are {layers}",
    "[partition] 中的图层“{layer}”不是网格图层；有 kind 的图层为 {layers}",
)
_NO_WORKLOAD_LAYER = Message(
    "[workload.{name}] names layer {layer!r}, which is not there; the layers are {layers}",
    "[workload.{name}] 中的图层“{layer}”不存在；现有图层为 {layers}",
)
_NO_GRIDS = Message(
    "no layer has a kind, so there are no grids to draft blocks in; give grid layers a kind",
    "没有图层设置 kind，无网格可划分；请为网格图层设置 kind",
)
_NO_CODE = Message(
    "there is no block with the code {code} to be locked in the old plan", "原方案中没有编码为 {code} 的责任块可锁定"
)
_NO_PLAN = Message(
    "blocks can be locked in an old plan only; give one with --from, or draft first",
    "只能锁定原方案中的责任块；请用 --from 给出原方案，或先行划分",
)


def partition_town(town: Town, *, warnings: list[Problem] | None = None) -> gpd.GeoDataFrame:
    """Draft the blocks of a town: its ``[partition]`` table says how.

    Every layer of grids (with a kind) takes part. The features of the layers named in ``[partition]`` are cut into
    blocks, each feature of the others is one block. All are noded together, so that the blocks of all layers are one
    coverage, as far as the grids are.

    Parameters
    ----------
    town : Town
    warnings : list or None
        Filled with what could not be met, in the order of the grids.

    Returns
    -------
    GeoDataFrame
        The blocks layer in ``town.crs``: columns as in `gridgeo.partition`. Vertices of layers in that CRS keep their
        coordinates to the last bit.
    """
    draft = draft_town(town, [demand_of(town)])[0]
    if warnings is not None:
        warnings += draft.warnings
    return draft.blocks


def demand_of(town: Town) -> Demand:
    """Return what a town's ``[partition]`` table demands, as it stands there."""
    said = town.drafting
    return Demand(
        count=said.count,
        target=said.target,
        size=said.size,
        measure=said.measure,
        tolerance=said.tolerance,
        tolerances={w.name: w.tolerance for w in town.workload if w.tolerance is not None},
        seed=said.seed,
        compact=said.compact,
        seconds=said.seconds,
    )


def draft_town(
    town: Town,
    demands: Sequence[Demand],
    *,
    preset: str | None = None,
    previous: gpd.GeoDataFrame | None = None,
    retired: Iterable[str] = (),
    locked: Sequence[str] = (),
) -> list[Draft]:
    """Draft the blocks of a town once for each demand; its ground is laid out once for all.

    Parameters
    ----------
    town : Town
    demands : sequence of Demand
    preset : str or None
        A named size instead of the one in ``[partition]``.
    previous : GeoDataFrame or None
        Blocks layer to start from; its codes are kept where its blocks carry on.
    retired : iterable of str
        Codes that are never given again.
    locked : sequence of str
        Codes of blocks of ``previous``, or of the town's own blocks, that stay as they are.

    Raises
    ------
    InputError
        When the demands make no sense or a table can't be used: all that is wrong at once.
    """
    where = str(town.path)
    layers = {key: layer for key, layer in town.layers.items() if layer.kind is not None}
    drafting = town.drafting
    problems: list[Problem] = []
    if not layers:
        problems.append(Problem(where, _NO_GRIDS))
    problems += [
        Problem(where, _NO_SUCH_LAYER, {"layer": key, "layers": ", ".join(layers)})
        for key in drafting.layers
        if key not in layers
    ]
    problems += [
        Problem(where, _NO_WORKLOAD_LAYER, {"name": w.name, "layer": w.layer, "layers": ", ".join(town.layers)})
        for w in town.workload
        if w.measure is None and w.layer not in town.layers
    ]
    if problems:
        raise InputError(problems)
    sources = sources_of(town)
    problems += check_weights(sources)
    preset = preset or (drafting.preset if all(_sizeless(demand) for demand in demands) else None)
    wanted = []
    for demand in demands:
        problems += check_demand(demand, where, sources, preset)
        complete, wrong = with_preset(demand, preset, sources, where)
        problems += wrong
        wanted.append(complete)
    problems += check_uncut(drafting.uncut_by, where)
    uncut = -1 if drafting.uncut_by not in RANKS else RANKS.index(drafting.uncut_by)
    scheme = CodeScheme(drafting.codes, drafting.code_object)
    asked, told = _asked(town, previous, locked)
    problems += [*told, *asked.check()]
    problems += [] if previous is None else check_previous(previous)
    if problems:
        raise InputError(list({problem.text("en"): problem for problem in problems}.values()))

    grids: list[Grid] = []
    shapes, written = [], []
    for key, layer in layers.items():
        named = zip(layer.ids.tolist(), layer.names.tolist(), strict=True)
        grids += [Grid(key, grid, name, layer.kind, cut=key in drafting.layers) for grid, name in named]
        shapes.append(town.to_working(layer).geometry.to_numpy())
        written.append(shapely.get_coordinates(_as_written(town, layer.frame).geometry.to_numpy()))

    def to_output(points: Floats) -> Floats:
        return moved_points(points, town.working_crs, town.crs)

    old = None if previous is None else _as_written(town, previous)
    return draft_area(
        Layers(
            grids=grids,
            shapes=np.concatenate(shapes),
            written=np.concatenate(written),
            barriers=town.barriers,
            sources=sources,
            asked=asked.moved(lambda table: crs.to_crs(table, town.working_crs)),
            asked_written=asked.moved(lambda table: _as_written(town, table)),
            crs=town.crs,
            to_output=to_output,
            cleaning=Cleaning(
                extend_dead_ends=drafting.extend_dead_ends,
                sliver_below=drafting.sliver_below,
                needle_below=drafting.needle_below,
                uncut_by=uncut,
            ),
            scheme=scheme,
            town=town.code,
        ),
        wanted,
        previous=None if old is None else Previous(old, crs.to_crs(old, town.working_crs).geometry.to_numpy()),
        retired=sorted(retired),
    )


def sources_of(town: Town) -> dict[str, WorkloadSource]:
    """Return what a town's ``[workload]`` tables count, in metres."""
    return {
        w.name: WorkloadSource(
            None if w.measure is not None else town.to_working(w.layer),
            w.column,
            w.weight,
            town.to_working(w.footprints) if w.footprints else None,
            w.tolerance,
            w.measure,
        )
        for w in town.workload
    }


def _sizeless(demand: Demand) -> bool:
    return demand.count is None and demand.target is None and demand.size is None


def _as_written(town: Town, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return a table in the CRS of the blocks, untouched where it is in it already."""
    return frame if frame.crs is None or frame.crs == town.crs else crs.to_crs(frame, town.crs)


def _bare(table: gpd.GeoDataFrame, columns: Sequence[str]) -> gpd.GeoDataFrame:
    """Return some columns of a table (those that it has) and its shapes."""
    there = {name: table[name].to_numpy() for name in columns if name in table.columns}
    return gpd.GeoDataFrame(there, geometry=table.geometry.to_numpy(), crs=table.crs)


def _asked(town: Town, previous: gpd.GeoDataFrame | None, locked: Sequence[str]) -> tuple[Asked, list[Problem]]:
    """Return what ``[partition]`` asks of borders, and the blocks that are locked by their codes."""
    drafting, problems = town.drafting, list[Problem]()

    def tables(keys: Sequence[str], columns: Sequence[str] = ()) -> gpd.GeoDataFrame | None:
        found = [_as_written(town, town.layers[key].frame) for key in keys if key in town.layers]
        kept = [_bare(table, columns) for table in found]
        return gpd.GeoDataFrame(pd.concat(kept, ignore_index=True), crs=town.crs) if kept else None

    together = tables(drafting.keep_together, [drafting.set_column])
    held = [table for key in drafting.locked if (table := tables([key], ["grid"])) is not None]
    if locked:
        plan = previous if previous is not None else town.blocks.frame if town.blocks is not None else None
        if plan is None:
            problems.append(Problem("locked", _NO_PLAN))
        elif not check_previous(plan):
            codes = plan["code"].astype(str)
            problems += [Problem("locked", _NO_CODE, {"code": code}) for code in locked if code not in set(codes)]
            mine = _as_written(town, plan[codes.isin(list(locked)).to_numpy()])
            held.append(_bare(mine, ["grid"]))
    return (
        Asked(
            parents=tables(drafting.parents),
            locked=gpd.GeoDataFrame(pd.concat(held, ignore_index=True), crs=town.crs) if held else None,
            keep_whole=tables(drafting.keep_whole),
            keep_together=None if together is None else together.rename(columns={drafting.set_column: SET}),
            borders=tables(drafting.borders),
            no_borders=tables(drafting.no_borders),
            heads=tables(drafting.heads),
        ),
        problems,
    )
