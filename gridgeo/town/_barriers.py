"""Barriers from map layers: what the values of a column mean as ranks, and which lines run over or under the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import shapely

from gridgeo._words import listed, nearest, shown
from gridgeo.errors import Problem
from gridgeo.language import Message
from gridgeo.layers import Layer
from gridgeo.network import Barriers
from gridgeo.town._schema import BarrierTable

COLUMNS = ("rank", "name", "layer", "feature", "level")
"""Columns of the tables of `gridgeo.network.Barriers`, beside the geometry and, where it is needed, ``walkable``."""

REST = "*"
"""In ``ranks``: all values that aren't listed."""

_NOT = frozenset({"", "no", "0", "f", "false", "n", "none", "null", "nan", "<na>", "否", "无"})
# A passage through a building is on the ground: streets meet there as they do outside
_NO_TUNNELS = _NOT | {"building_passage"}

_UNKNOWN_VALUES = Message(
    "{count} of {total} features are no barriers, because ranks has no entry for their {column}: {values}; add the"
    ' missing values, or "*" for the rest ("none" says that a value is no barrier)',
    "{total} 个要素中有 {count} 个不作为边界线，因为 ranks 未列出其 {column} 值：{values}；"
    '请补充，或用 "*" 表示其余（"none" 表示不作边界线）',
)
_UNMET_VALUE = Message(
    'ranks has an entry "{given}", but the column {column} holds no such value; did you mean "{near}"?',
    "ranks 中有“{given}”，但列 {column} 没有这个值；是否应为“{near}”？",
)
_POINTS = Message(
    "{count} features are neither lines nor polygons and no barriers: {features}",
    "{count} 个要素既不是线也不是面，不作为边界线：{features}",
)
_BAD_LEVELS = Message(
    "the level of {count} features is no whole number and counts as 0: {values}",
    "{count} 个要素的层级不是整数，按 0 处理：{values}",
)


@dataclass(frozen=True)
class BarrierFile:
    """One layer of barriers as read, what its table in gridgeo.toml says, and its features in the working CRS."""

    layer: Layer
    table: BarrierTable
    place: str
    """Where the table stands, for messages."""
    frame: gpd.GeoDataFrame
    """The features of ``layer`` in the working CRS."""


def barriers_from(files: Iterable[BarrierFile], crs: pyproj.CRS | None) -> tuple[Barriers, list[Problem]]:
    """Return the barriers of all ``files`` together in ``crs``, and warnings.

    Collections are taken apart into their lines and polygons, each with the id of its feature. The order is that of the
    files, then of their features, then of the parts.
    """
    lines: list[gpd.GeoDataFrame] = []
    surfaces: list[gpd.GeoDataFrame] = []
    problems: list[Problem] = []
    for file in files:
        table = _with_ranks(file, problems)
        parts = table.explode(ignore_index=True) if len(table) else table
        if (parts.geom_type == "GeometryCollection").any():
            parts = parts.explode(ignore_index=True)
        kinds = parts.geom_type
        others = ~kinds.isin(["LineString", "LinearRing", "Polygon"])
        if others.any():
            features = parts.loc[others, "feature"].drop_duplicates()
            values: dict[str, object] = {"count": len(features), "features": shown(listed(features))}
            problems.append(Problem(file.layer.source, _POINTS, values))
        lines.append(parts[kinds.isin(["LineString", "LinearRing"])])
        surfaces.append(parts[kinds == "Polygon"])
    return Barriers(_together(lines, crs), _together(surfaces, crs)), problems


def _together(tables: list[gpd.GeoDataFrame], crs: pyproj.CRS | None) -> gpd.GeoDataFrame:
    filled = [table for table in tables if len(table)]
    if filled:
        return gpd.GeoDataFrame(pd.concat(filled, ignore_index=True), geometry="geometry", crs=crs)
    empty = {name: pd.Series(dtype="int64" if name == "level" else "str") for name in COLUMNS}
    return gpd.GeoDataFrame(empty, geometry=gpd.GeoSeries([], crs=crs))


def _with_ranks(file: BarrierFile, problems: list[Problem]) -> gpd.GeoDataFrame:
    layer, frame = file.layer, file.frame
    ranks = _ranks(file, problems)
    names = frame[layer.name_column] if layer.name_column else pd.Series([""] * len(frame), index=frame.index)
    table = gpd.GeoDataFrame(
        {
            "rank": ranks,
            "name": [one if isinstance(one, str) else ("" if pd.isna(one) else str(one)) for one in names],
            "layer": layer.name,
            "feature": layer.ids.to_numpy(),
            "level": _levels(file, problems),
            **({"walkable": _walkable(file)} if file.table.no_crossing else {}),
        },
        geometry=shapely.force_2d(frame.geometry.to_numpy()),
        crs=frame.crs,
    )
    there = ~(table.geometry.is_empty | table.geometry.isna()).to_numpy()
    return table[np.array([rank is not None for rank in ranks], dtype=bool) & there]


def texts_of(column: pd.Series[Any]) -> list[str]:
    """Return a column's values as text; numbers that are whole without decimals, what is missing as ``""``."""
    found = []
    for value in column.tolist():
        if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
            found.append("")
        elif isinstance(value, float) and value.is_integer():
            found.append(str(int(value)))
        else:
            found.append(str(value).strip())
    return found


def _ranks(file: BarrierFile, problems: list[Problem]) -> list[str | None]:
    table, frame = file.table, file.frame
    if table.rank is not None or table.rank_column is None or table.ranks is None:
        whole = None if table.rank == "none" else table.rank
        return [whole] * len(frame)
    meanings: Mapping[str, str] = {value.strip(): rank for value, rank in table.ranks.items()}
    values = texts_of(frame[table.rank_column])
    unknown: dict[str, int] = {}
    ranks: list[str | None] = []
    for value in values:
        rank = meanings.get(value, meanings.get(REST))
        if rank is None:
            unknown[value] = unknown.get(value, 0) + 1
        ranks.append(None if rank == "none" else rank)
    column = table.rank_column
    if unknown:
        often = sorted(unknown.items(), key=lambda item: (-item[1], item[0]))
        said: dict[str, object] = {
            "count": sum(unknown.values()),
            "total": len(frame),
            "column": column,
            "values": listed(f"{shown(value) if value else '(blank / 空)'} {count}" for value, count in often),
        }
        problems.append(Problem(file.place, _UNKNOWN_VALUES, said))
    unlisted = sorted(set(values) - set(meanings))
    for value in sorted(set(meanings) - set(values) - {REST}):
        near = nearest(value, unlisted, cutoff=0.8)
        if near:
            said = {"given": shown(value), "column": column, "near": shown(near)}
            problems.append(Problem(file.place, _UNMET_VALUE, said))
    return ranks


def _walkable(file: BarrierFile) -> npt.NDArray[np.bool_]:
    """Return False for features that ``no_crossing`` names by their value in the column of ranks, ``"*"`` for all."""
    table, named = file.table, {value.strip() for value in file.table.no_crossing}
    if REST in named or table.rank_column is None:
        return np.full(len(file.frame), REST not in named)
    return np.array([value not in named for value in texts_of(file.frame[table.rank_column])], dtype=bool)


def _levels(file: BarrierFile, problems: list[Problem]) -> npt.NDArray[np.int64]:
    """Return 0 for features on the ground, above 0 on bridges, below 0 in tunnels.

    A bridge whose level isn't given, or is given as 0 as in extracts that fill the column up, is at 1, a tunnel at -1.
    """
    table, frame = file.table, file.frame
    levels = np.zeros(len(frame), dtype=np.int64)
    if table.level is not None:
        wrong: dict[str, int] = {}
        for position, text in enumerate(texts_of(frame[table.level])):
            try:
                levels[position] = int(float(text.split(";")[0])) if text else 0
            except (ValueError, OverflowError):
                wrong[text] = wrong.get(text, 0) + 1
        if wrong:
            values: dict[str, object] = {"count": sum(wrong.values()), "values": shown(listed(sorted(wrong)))}
            problems.append(Problem(file.layer.source, _BAD_LEVELS, values))
    ground = levels == 0
    if table.tunnel is not None:
        levels[ground & _flags(frame[table.tunnel], _NO_TUNNELS)] = -1
    if table.bridge is not None:
        levels[ground & _flags(frame[table.bridge], _NOT)] = 1
    return levels


def _flags(column: pd.Series[Any], no: frozenset[str]) -> npt.NDArray[np.bool_]:
    return np.array([text.lower() not in no for text in texts_of(column)], dtype=bool)
