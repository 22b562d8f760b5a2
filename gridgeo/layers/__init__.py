"""Layers: the only place that opens and writes map files.

A layer is one table of polygons, lines or points with an id column. Reading never loses a feature in silence: what
can't be read as a sound record is left out *and named*. Writing is whole or not at all.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import shapely

from gridgeo._words import listed, shown
from gridgeo.crs import MapSystem, from_map_system, parse_crs
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.layers._database import is_database, list_database, read_database
from gridgeo.layers._sources import (
    EMPTY_GEOMETRY,
    NULL_GEOMETRY,
    UNREADABLE_GEOMETRY,
    list_file,
    read_file,
)
from gridgeo.layers._table import LayerInfo, Table
from gridgeo.layers._writing import write_table

__all__ = ["GRID_KINDS", "GridKind", "Layer", "LayerInfo", "list_layers", "read_layer", "write_layer"]

GridKind = Literal["residential", "village", "street", "extended"]
GRID_KINDS: tuple[GridKind, ...] = ("residential", "village", "street", "extended")

_MISSING_IDS = Message(
    "column {column!r} lacks the id of {count} of the features (counted from 1: {features}); give each feature an id",
    "字段“{column}”中有 {count} 个要素没有编号（从 1 数起第 {features} 个）；请逐一填写",
)
_DUPLICATE_IDS = Message(
    "column {column!r} has ids more than once, {count} in all: {ids}; give each feature its own",
    "字段“{column}”中有 {count} 个编号重复：{ids}；请为每个要素设置唯一编号",
)
_ENDLESS = Message("a coordinate is no number", "坐标不是有效数字")
_OTHER_CRS = Message(
    "its file says {own}, not {stated} as stated; the file was believed: correct the one that is wrong",
    "文件自带坐标系 {own}，与注明的 {stated} 不符；已按文件读取，请更正有误的一方",
)


@dataclass(frozen=True)
class Layer:
    """One table of features with ids.

    Parameters
    ----------
    name : str
        Its key in ``gridgeo.toml``, or the name that the caller gave it.
    frame : GeoDataFrame
        The features as read: own CRS (GCJ-02 and BD-09 already inverted to EPSG:4490), all columns, a fresh RangeIndex.
    id_column, name_column : str, str or None
        Columns of ``frame``. Without a name column the id serves as name.
    source : str
        Where it came from, for messages: ``"town.gpkg, layer communities"``.
    kind : GridKind or None
        The kind of grid, for layers of grids.
    problems : tuple of Problem
        Features that were left out by the reader, and other things worth a warning.
    """

    name: str
    frame: gpd.GeoDataFrame
    id_column: str
    name_column: str | None = None
    source: str = ""
    kind: GridKind | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def ids(self) -> pd.Series[str]:
        """Ids as text, in the order of ``frame``."""
        ids: pd.Series[str] = self.frame[self.id_column].astype(str)
        return ids

    @property
    def names(self) -> pd.Series[str]:
        """Names as text, in the order of ``frame``: the name column, or else the ids."""
        if self.name_column is None:
            return self.ids
        named = self.frame[self.name_column]
        names: pd.Series[str] = named.astype(str).where(named.notna() & named.astype(str).str.strip().ne(""), self.ids)
        return names

    def with_frame(self, frame: gpd.GeoDataFrame) -> Layer:
        """Return the same layer with another table."""
        return replace(self, frame=frame)


def read_layer(
    file: str | Path,
    *,
    name: str | None = None,
    layer: str | None = None,
    id_column: str | None = None,
    name_column: str | None = None,
    kind: GridKind | None = None,
    crs: str | pyproj.CRS | MapSystem | None = None,
    encoding: str | None = None,
    columns: Iterable[str] | None = None,
    where: str | None = None,
) -> Layer:
    """Read one layer of a map file or database.

    A feature without a usable geometry is left out and named in ``problems``; every other one is kept, in file order.

    Parameters
    ----------
    file : str or Path
        A GeoPackage, GeoParquet, FlatGeobuf, GeoJSON, Shapefile, File Geodatabase, KML, KMZ, DXF or OSM PBF file, or
        a PostGIS connection string ``postgresql://user@host/database``.
    name : str, optional
        What to call the layer; by default as in the file.
    layer : str, optional
        Which layer of the file, or table of the database (``table`` or ``schema.table``), where it has several.
    id_column, name_column : str, optional
        Columns of ids and names. Ids become text (310112114.0 becomes "310112114"), each must be there, and once only.
        Without an id column, ids are 1, 2, 3 ... in file order in a column ``gridgeo_id``; a feature that is left
        out keeps its number.
    kind : GridKind, optional
        The kind of grid.
    crs : str, pyproj.CRS or MapSystem, optional
        For a file that doesn't say its CRS. For one that does, it only counts when it is GCJ-02 or BD-09, whose
        coordinates are then brought to EPSG:4490; any other that disagrees with the file's own is left aside with a
        warning.
    encoding : str, optional
        Of the texts: ``gbk``, ``utf-8`` ... By default as the file says; a Shapefile's table that says nothing is tried
        as UTF-8, then as GB 18030.
    columns : iterable of str, optional
        Read only these columns (and those of ids and names). In OSM files they may be tags, such as ``bridge``.
    where : str, optional
        A condition in SQL on the attributes: ``"class IN ('primary', 'secondary')"``.

    Raises
    ------
    InputError
        With one line for each thing wrong.
    """
    system = parse_crs(crs) if crs is not None else None
    wanted = None if columns is None else list(dict.fromkeys(columns))
    extra = [column for column in (id_column, name_column) if column is not None]
    if is_database(str(file)):
        table = read_database(str(file), layer=layer, columns=wanted, extra=extra, where=where)
    else:
        table = read_file(Path(file), layer=layer, encoding=encoding, columns=wanted, extra=extra, where=where)

    frame, problems = table.frame, list(table.problems)
    numbers = pd.Series(np.arange(1, len(frame) + 1)).astype(str)
    if id_column is None:
        id_column = _free_name("gridgeo_id", frame.columns)
        ids = numbers
    else:
        ids = as_ids(frame[id_column])
    usable, left_out = _usable(table, ids.fillna(""), numbers)
    problems += left_out
    if faults := _faulty_ids(table.label, id_column, ids[usable], numbers):
        raise InputError(faults)
    frame = frame.assign(**{id_column: ids})[usable].reset_index(drop=True)

    if isinstance(system, MapSystem):
        named = frame.set_axis(frame[id_column], axis=0)
        frame = from_map_system(named, system, name=table.label).reset_index(drop=True)
    elif system is not None:
        if frame.crs is None or not table.states_crs:
            frame = frame.set_crs(system, allow_override=True)
        elif not _agree(frame, system):
            problems.append(Problem(table.label, _OTHER_CRS, {"own": frame.crs.name, "stated": system.name}))
    return Layer(name or table.layer, frame, id_column, name_column, table.label, kind, tuple(problems))


def list_layers(file: str | Path) -> list[LayerInfo]:
    """Return name, geometry type, number of features, columns and CRS of each layer of a file or database."""
    return list_database(str(file)) if is_database(str(file)) else list_file(Path(file))


def _free_name(name: str, taken: Iterable[str]) -> str:
    lower = {str(column).lower() for column in taken}
    return next(n for n in (name, *(f"{name}_{count}" for count in range(2, len(lower) + 3))) if n.lower() not in lower)


def as_ids(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return ids as text; None where there is none. Whole numbers that a file keeps as floats lose their ".0"."""

    def text(value: object) -> str | None:
        if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
            return None
        if isinstance(value, float) and value.is_integer():
            return str(int(value))
        return str(value) if str(value).strip() else None

    return pd.Series([text(value) for value in column.tolist()], dtype=object)


def _usable(table: Table, ids: pd.Series[Any], numbers: pd.Series[Any]) -> tuple[npt.NDArray[np.bool_], list[Problem]]:
    """Say which features can be kept, and name the others with the reason."""
    geometry = table.frame.geometry.to_numpy()
    usable = ~(shapely.is_missing(geometry) | shapely.is_empty(geometry))
    coordinates, owners = shapely.get_coordinates(geometry, return_index=True)
    endless = np.unique(owners[~np.isfinite(coordinates).all(axis=1)])
    usable[endless] = False
    problems = []
    for position in np.flatnonzero(~usable):
        feature = ids.iloc[position] or numbers.iloc[position]
        unreadable = table.unreadable.get(int(position))
        if position in endless:
            unreadable = _ENDLESS.text()
        if table.marks is not None:
            feature = f"{feature} (OSM {table.marks[position]})"
        where = f"{table.label}, feature {feature}"
        if unreadable is not None:
            problems.append(Problem(where, UNREADABLE_GEOMETRY, {"reason": unreadable}))
        else:
            missing = geometry[position] is None
            problems.append(Problem(where, NULL_GEOMETRY if missing else EMPTY_GEOMETRY))
    return usable, problems


def _faulty_ids(label: str, column: str, ids: pd.Series[Any], numbers: pd.Series[Any]) -> list[Problem]:
    problems = []
    missing = ids.index[ids.isna()]
    if len(missing):
        values = {"column": column, "count": len(missing), "features": listed(numbers[missing], most=5)}
        problems.append(Problem(label, _MISSING_IDS, dict(values)))
    counts = ids.dropna().value_counts(sort=False)
    counts = counts[counts > 1]
    if len(counts):
        repeated = listed((f"{shown(value)} ({count})" for value, count in counts.items()), most=5)
        problems.append(Problem(label, _DUPLICATE_IDS, {"column": column, "count": len(counts), "ids": repeated}))
    return problems


def _agree(frame: gpd.GeoDataFrame, stated: pyproj.CRS) -> bool:
    """Whether a file's own CRS and the stated one put its features at the same place, whatever they are called."""
    own = frame.crs
    if own.equals(stated, ignore_axis_order=True) or not len(frame):
        return True
    left, bottom, right, top = frame.total_bounds
    x, y = (
        np.array([left, right, left, right, (left + right) / 2]),
        np.array([bottom, bottom, top, top, (bottom + top) / 2]),
    )
    try:
        mover = pyproj.Transformer.from_crs(own.to_2d(), stated.to_2d(), always_xy=True)
        there = np.array(mover.transform(x, y, errcheck=False))
    except pyproj.exceptions.ProjError:
        return False
    tolerance = 1e-8 if stated.is_geographic else 1e-3
    return bool(np.isfinite(there).all() and np.abs(there - np.array([x, y])).max() <= tolerance)


def write_layer(frame: gpd.GeoDataFrame, file: str | Path, *, layer: str | None = None) -> None:
    """Write a table of features to a map file, whole or not at all.

    The same table gives the same bytes. A GeoPackage that exists keeps its other layers; any other file is replaced.

    Parameters
    ----------
    frame : GeoDataFrame
        The features; their index is not written.
    file : str or Path
        Ends in .gpkg, .parquet, .fgb, .geojson or .shp. Missing folders are made.
    layer : str, optional
        Name of the layer, for GeoPackages and FlatGeobuf; the file's name without its ending by default.

    Raises
    ------
    InputError
        When the place can't be written, or the format can't hold the table.
    """
    write_table(frame, Path(file), layer=layer)
