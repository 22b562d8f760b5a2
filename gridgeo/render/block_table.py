"""The blocks of a town as they can be drawn: valid polygons, sorted by code, each with a name and a code of its own."""

from __future__ import annotations

from collections.abc import Iterable

import geopandas as gpd
import numpy as np
import shapely

from gridgeo._words import listed
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.layers import Layer
from gridgeo.render.fonts import printable
from gridgeo.town import Town

_COLUMNS = ("code", "name", "grid", "grid_layer", "kind", "serial")
_MOST_NAMED = 4

_NO_BLOCKS = Message(
    "no blocks yet; run: gridgeo partition {path}",
    "还没有责任块；请先运行：gridgeo partition {path}",
)
_NO_COLUMN = Message(
    "no column {column}; the blocks of gridgeo partition have it",
    "缺少列 {column}；gridgeo partition 生成的责任块含有该列",
)
_EMPTY_BLOCK = Message("the block has no area; draft the blocks again", "责任块没有面积；请重新划分")
_SAME_CODE = Message(
    "the codes of several blocks are {code} when they are printed; give each block its own",
    "多个责任块的编号印出后均为 {code}；请为每块使用不同的编号",
)
_CROSSED = Message(
    "the border crosses itself; drawn as it can be: run gridgeo validate and mend it before you print",
    "边界自相交；已尽量绘出：付印前请运行 gridgeo validate 并修正",
)
_NAMELESS = Message(
    "{count} blocks have no name, the code stands for it: {codes}", "{count} 个责任块没有名称，以编号代替：{codes}"
)
_BARE_GRIDS = Message(
    "{count} grids have no block, so no notice is made of them: {grids}",
    "{count} 个网格没有责任块，因此没有公示图：{grids}",
)
_OVERLAPS = Message(
    "{count} pairs of blocks overlap, such as {first} and {second}; gridgeo validate says where: mend that first",
    "有 {count} 对责任块重叠，如 {first} 与 {second}；gridgeo validate 会指出位置：请先修正",
)
_SEEN = 1.0
"""Square metres: a smaller overlap is seen on no notice."""


def drawable_blocks(town: Town, problems: list[Problem]) -> gpd.GeoDataFrame:
    """Return the blocks of ``town`` in the working CRS, sorted by code, with a fresh index; say what is odd.

    Raises
    ------
    InputError
        When there are none, or not with the columns that a notice needs, or without an area or a code of their own.
    """
    if town.blocks is None or not len(town.blocks.frame):
        raise InputError(Problem(str(town.path), _NO_BLOCKS, {"path": town.path}))
    layer = town.blocks
    source = layer.source or layer.name
    missing = [column for column in _COLUMNS if column not in layer.frame.columns]
    if missing:
        raise InputError(Problem(source, _NO_COLUMN, {"column": column}) for column in missing)
    frame = _with_valid_shapes(town.to_working(layer), source, problems)
    empty = frame.geometry.isna() | frame.geometry.is_empty | (frame.geometry.area <= 0)
    if empty.any():
        raise InputError(Problem(f"{source}, {code}", _EMPTY_BLOCK) for code in frame.loc[empty, "code"])
    codes = frame["code"].astype(str).map(printable)
    if codes.duplicated().any():
        raise InputError(Problem(source, _SAME_CODE, {"code": code}) for code in codes[codes.duplicated()].unique())
    frame = _with_names(frame, source, problems)
    _tell_bare_grids(town, frame, problems)
    return frame.sort_values("code", kind="stable").reset_index(drop=True)


def tell_overlaps(blocks: gpd.GeoDataFrame, where: str, problems: list[Problem]) -> None:
    """Say which blocks overlap, if any do by more than can be overlooked."""
    shapes = blocks.geometry.to_numpy()
    one, other = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    pairs = np.unique(np.column_stack((one, other))[one < other], axis=0)
    one, other = pairs.T
    found = np.flatnonzero(shapely.area(shapely.intersection(shapes[one], shapes[other])) > _SEEN)
    if len(found):
        first, second = (blocks["code"].iloc[int(side[found[0]])] for side in (one, other))
        problems.append(Problem(where, _OVERLAPS, {"count": len(found), "first": first, "second": second}))


def _with_valid_shapes(frame: gpd.GeoDataFrame, source: str, problems: list[Problem]) -> gpd.GeoDataFrame:
    """Return the blocks with borders that don't cross themselves: nothing could be cut or measured otherwise."""
    shapes = frame.geometry.to_numpy()
    crossed = np.flatnonzero(~(shapely.is_missing(shapes) | shapely.is_valid(shapes)))
    if not len(crossed):
        return frame
    mended = shapes.copy()
    for k in crossed.tolist():
        problems.append(Problem(f"{source}, {frame['code'].iloc[k]}", _CROSSED))
        parts = shapely.get_parts(shapely.get_parts(shapely.make_valid(shapes[k]))).tolist()
        mended[k] = shapely.union_all([part for part in parts if part.geom_type == "Polygon"])
    return frame.set_geometry(gpd.GeoSeries(mended, index=frame.index, crs=frame.crs))


def _with_names(frame: gpd.GeoDataFrame, source: str, problems: list[Problem]) -> gpd.GeoDataFrame:
    """Return the blocks with a name for each: its code where nobody has named it."""
    named = frame["name"].notna() & frame["name"].astype(str).map(printable).ne("")
    if named.all():
        return frame
    nameless = frame.loc[~named, "code"].astype(str).sort_values().tolist()
    problems.append(Problem(source, _NAMELESS, {"count": len(nameless), "codes": listed(nameless, most=_MOST_NAMED)}))
    return frame.assign(name=frame["name"].where(named, frame["code"]))


def _tell_bare_grids(town: Town, frame: gpd.GeoDataFrame, problems: list[Problem]) -> None:
    with_blocks = set(zip(frame["grid_layer"].astype(str), frame["grid"].astype(str), strict=True))
    bare = [
        f"{name} ({identifier})"
        for key, layer in town.layers.items()
        for identifier, name in _grids_of(layer)
        if (key, identifier) not in with_blocks
    ]
    if bare:
        problems.append(
            Problem(str(town.path), _BARE_GRIDS, {"count": len(bare), "grids": listed(bare, most=_MOST_NAMED)})
        )


def _grids_of(layer: Layer) -> Iterable[tuple[str, str]]:
    return () if layer.kind is None else zip(layer.ids, layer.names, strict=True)
