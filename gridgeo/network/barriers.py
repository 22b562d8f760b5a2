"""Barriers: roads, lanes and rivers with their ranks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj

from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.network.basics import Flags

Rank = Literal["river", "main-road", "road", "lane"]
RANKS: tuple[Rank, ...] = ("river", "main-road", "road", "lane")
"""Ranks of barriers, the strongest first."""

RIVER = 0
"""Index of the river in `RANKS`."""
NO_RANK = len(RANKS)
"""Stands for the rank of an edge on which no barrier runs (a border of grids alone): weaker than all."""

_NO_RANK_COLUMN = Message(
    "barriers need a column 'rank' with {ranks}",
    "屏障图层需要“rank”列，取值为 {ranks}",
)
_UNKNOWN_RANK = Message(
    "rank {rank!r} is unknown; use {ranks}",
    "未知等级 {rank!r}；可用 {ranks}",
)
_NO_LINE = Message(
    "a barrier must be a line or a polygon, this is a {type}; leave it out or mend it",
    "屏障必须是线或面，此处为 {type}；请删除或修正",
)


@dataclass(frozen=True)
class Barriers:
    """The barriers of a town, in its working CRS (metres).

    Parameters
    ----------
    lines : GeoDataFrame
        Centre lines; columns ``geometry`` (LineString), ``rank`` (one of `RANKS`), ``name`` (str, "" where unnamed),
        ``layer`` (key in gridgeo.toml), ``feature`` (id, str) and ``level`` (int: 0 on the ground, above 0 on a bridge,
        below 0 in a tunnel; two lines of different level that cross do not meet). A column ``walkable`` (bool) may say
        False of what nobody crosses on foot but over bridges or through underpasses: motorways, railways. Rivers
        never are.
    surfaces : GeoDataFrame
        Barriers given as polygons (rivers, carriageways), same columns with Polygon geometry. Their outline cuts.
    """

    lines: gpd.GeoDataFrame
    surfaces: gpd.GeoDataFrame

    def to_crs(self, crs: pyproj.CRS) -> Barriers:
        """Return the same barriers in another CRS."""
        return Barriers(self.lines.to_crs(crs), self.surfaces.to_crs(crs))


def is_walkable(table: gpd.GeoDataFrame) -> Flags:
    """Return the column ``walkable`` of barriers; without one, or where nothing is said, all can be crossed on foot."""
    if "walkable" not in table.columns:
        return np.ones(len(table), dtype=np.bool_)
    said = table["walkable"].astype(object)
    return np.asarray(said.where(said.notna(), True), dtype=np.bool_)


def as_barriers(given: Barriers | gpd.GeoDataFrame) -> Barriers:
    """Return barriers as `Barriers`: a table of lines and polygons with a column ``rank`` is sorted into two.

    Missing columns are filled: no name, on the ground, walkable, the row's number as feature. Multi-part features
    are taken apart. Raises `InputError` for ranks that are unknown and for geometries that are neither lines nor
    polygons.
    """
    if isinstance(given, Barriers):
        return given
    words = ", ".join(RANKS)
    if "rank" not in given.columns:
        raise InputError(Problem("barriers", _NO_RANK_COLUMN, {"ranks": words}))
    table = gpd.GeoDataFrame(
        {
            "rank": given["rank"].to_numpy(),
            "name": given["name"].fillna("").astype(str).to_numpy() if "name" in given.columns else "",
            "layer": given["layer"].astype(str).to_numpy() if "layer" in given.columns else "barriers",
            "feature": (given["feature"] if "feature" in given.columns else pd.Series(range(1, len(given) + 1)))
            .astype(str)
            .to_numpy(),
            "level": given["level"].fillna(0).astype(int).to_numpy() if "level" in given.columns else 0,
            "walkable": is_walkable(given),
        },
        geometry=given.geometry.to_numpy(),
        crs=given.crs,
    )
    problems = [
        Problem(f"barriers, feature {feature}", _UNKNOWN_RANK, {"rank": str(rank), "ranks": words})
        for feature, rank in zip(table["feature"], table["rank"], strict=True)
        if rank not in RANKS
    ]
    table = table.explode(index_parts=False, ignore_index=True)
    shapes = table.geom_type
    problems += [
        Problem(f"barriers, feature {feature}", _NO_LINE, {"type": str(shape)})
        for feature, shape in zip(table["feature"], shapes, strict=True)
        if shape not in ("LineString", "LinearRing", "Polygon")
    ]
    if problems:
        raise InputError(problems)
    polygons = (shapes == "Polygon").to_numpy()
    return Barriers(
        lines=table.loc[~polygons].reset_index(drop=True), surfaces=table.loc[polygons].reset_index(drop=True)
    )
