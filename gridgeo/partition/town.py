"""The blocks of a whole town project."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely

from gridgeo import crs
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.network import Floats
from gridgeo.partition.area import check_demand, check_weights, moved_points
from gridgeo.partition.atoms import Cleaning
from gridgeo.partition.draft import Demand, draft
from gridgeo.partition.layer import Grid
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
    where = str(town.path)
    layers = {key: layer for key, layer in town.layers.items() if layer.kind is not None}
    drafting = town.drafting
    demand = Demand(drafting.count, drafting.target, drafting.tolerance, drafting.seed)
    problems = check_demand(demand, where)
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
        if w.layer not in town.layers
    ]
    if problems:
        raise InputError(problems)
    sources = {
        w.name: WorkloadSource(
            town.to_working(w.layer), w.column, w.weight, town.to_working(w.footprints) if w.footprints else None
        )
        for w in town.workload
    }
    problems = check_weights(sources)
    if problems:
        raise InputError(problems)

    grids: list[Grid] = []
    shapes, written = [], []
    for key, layer in layers.items():
        named = zip(layer.ids.tolist(), layer.names.tolist(), strict=True)
        grids += [Grid(key, grid, name, layer.kind, cut=key in drafting.layers) for grid, name in named]
        shapes.append(town.to_working(layer).geometry.to_numpy())
        same = layer.frame.crs == town.crs
        frame = layer.frame if same else crs.to_crs(layer.frame, town.crs)
        written.append(shapely.get_coordinates(frame.geometry.to_numpy()))

    def to_output(points: Floats) -> Floats:
        return moved_points(points, town.working_crs, town.crs)

    blocks, told = draft(
        grids,
        np.concatenate(shapes),
        np.concatenate(written),
        town.barriers,
        sources,
        demand,
        crs=town.crs,
        to_output=to_output,
        cleaning=Cleaning(
            extend_dead_ends=drafting.extend_dead_ends,
            sliver_below=drafting.sliver_below,
            needle_below=drafting.needle_below,
            keep_whole=np.concatenate(
                [np.empty(0, dtype=object), *(town.to_working(key).geometry.to_numpy() for key in drafting.keep_whole)]
            ),
        ),
    )
    if warnings is not None:
        warnings += told
    return blocks
