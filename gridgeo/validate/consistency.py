"""Professional grids (多网合一): each area of cleaning, security or another service is made of whole blocks.

That is a nesting with the blocks as children and the service's areas as parents, found by place: every block lies in
exactly one area, and every area is filled by its blocks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import geopandas as gpd
import pandas as pd

from gridgeo.crs import match_vertices, to_crs
from gridgeo.language import Message
from gridgeo.layers import Layer
from gridgeo.validate.faults import Fault
from gridgeo.validate.nesting import validate_nesting
from gridgeo.validate.report import Report
from gridgeo.validate.subject import LayerLike, as_layers

_ACROSS = Message(
    "The border of {parent} runs through the block {name}: {area} of it, up to {width}, lie on the other side.",
    "{parent}的边界穿过责任块{name}：有 {area}、最宽 {width} 在另一侧。",
)
_NO_AREA = Message("The block {name} lies in no area.", "责任块{name}不在任何专业网格之内。")
_NO_BLOCK = Message(
    "{area} of {parent}, up to {width} wide, belong to no block, or to a block of another area.",
    "{parent}有 {area} 不属于任何责任块，或属于其他专业网格的责任块，最宽 {width}。",
)
_MEND = Message(
    "Move the area's border onto borders of blocks, so that every block lies in one area.",
    "请将专业网格边界移到责任块边界上，使每个责任块只属于一个专业网格。",
)


def validate_consistency(
    areas: LayerLike | Mapping[str, LayerLike],
    blocks: LayerLike | Mapping[str, LayerLike],
    *,
    tolerance: float = 0.0,
    id_column: str | None = None,
    block_id_column: str | None = None,
    name: str = "consistency",
) -> Report:
    """Prove that each area of a professional grid is made of whole blocks, or name every block for which it isn't.

    Parameters
    ----------
    areas : GeoDataFrame, Layer or mapping of str to these
        The areas of one service: cleaning, security.
    blocks : GeoDataFrame, Layer or mapping of str to these
        Several layers count as one: together they are what areas are made of.
    tolerance : float
        Metres. Faults no wider are warnings.
    id_column, block_id_column : str, optional
        Id columns of GeoDataFrames; by default the index.
    name : str
        Of the claim, in the report.

    Returns
    -------
    Report
        ``not-nested``: a block on both sides of an area's border, or in no area; ``not-tiled``: a part of an area that
        isn't made of its blocks.

    Raises
    ------
    InputError
        For layers without a CRS or the columns named.
    """
    children = _one_layer(as_layers(blocks, id_column=block_id_column))
    parents = as_layers(areas, id_column=id_column)
    report = validate_nesting(children, parents, tolerance=tolerance, among_children=False, name=name)
    claims = [replace(claim, faults=[_reworded(fault) for fault in claim.faults]) for claim in report.claims]
    return replace(report, claims=claims)


def _one_layer(layers: Mapping[str, Layer]) -> Layer:
    """Return layers of blocks as one, in the CRS of the first."""
    first, *others = layers.values()
    if not others:
        return replace(first, name=next(iter(layers)))
    frames = [_plain(first, first.frame)]
    for layer in others:
        frame = layer.frame
        if not frame.crs.equals(first.frame.crs, ignore_axis_order=True):
            frame = match_vertices(to_crs(frame, first.frame.crs, name=layer.name), first.frame)
        frames.append(_plain(layer, frame))
    together = gpd.GeoDataFrame(pd.concat(frames, ignore_index=True), crs=first.frame.crs)
    problems = tuple(problem for layer in layers.values() for problem in layer.problems)
    return Layer("+".join(layers), together, "id", "name", first.source, problems=problems)


def _plain(layer: Layer, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    columns = {"id": layer.ids.to_numpy(object), "name": layer.names.to_numpy(object)}
    return gpd.GeoDataFrame(columns, geometry=frame.geometry.to_numpy(), crs=frame.crs)


def _reworded(fault: Fault) -> Fault:
    """Say what a fault of the nesting means for blocks and areas."""
    if fault.code == "not-tiled":
        return replace(fault, what=_NO_BLOCK, mend=fault.mend or _MEND)
    if fault.code == "not-nested":
        return replace(fault, what=_NO_AREA if fault.multiplicity is None else _ACROSS, mend=fault.mend or _MEND)
    return fault
