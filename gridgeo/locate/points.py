"""Points as people have them: two numbers, a table with columns of coordinates, or a map file of points."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pyproj
import shapely

from gridgeo._words import listed, shown
from gridgeo.crs import CrsLike, MapSystem, from_map_system, parse_crs
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.layers import read_layer
from gridgeo.town import Town
from gridgeo.town.tables import Row, Sheet, read_table

_TABLE_ENDINGS = (".csv", ".tsv", ".txt", ".xlsx")
_X = ("longitude", "lon", "lng", "long", "x", "经度", "东经", "横坐标", "东坐标")
_Y = ("latitude", "lat", "y", "纬度", "北纬", "纵坐标", "北坐标")
_IDS = ("id", "code", "no", "编号", "序号", "工单号", "案件编号", "名称", "name")

_NO_NUMBER = Message(
    '{column} "{given}" is no coordinate; write degrees such as 121.5, or metres',
    "{column}“{given}”不是坐标；请写度（如 121.5）或米",
)
_NO_COLUMNS = Message(
    "has no columns of coordinates ({x}; {y}); columns are: {known}", "没有坐标列（{x}；{y}）；现有列：{known}"
)
_NEEDS_CRS = Message(
    "{x}, {y} are no degrees, and the town's own coordinates are degrees; say which system they are in with --crs",
    "{x}, {y} 不是经纬度，而本镇图层使用经纬度；请用 --crs 注明坐标系",
)
_BEYOND = Message(
    "{x}, {y} lie nowhere in {crs}; say their system with --crs", "{x}, {y} 不在 {crs} 的范围内；请用 --crs 注明坐标系"
)
_NO_POINTS = Message("holds no points but {kinds}; give a layer of points", "不是点图层，而是 {kinds}；请提供点图层")
_EMPTY = Message("holds no rows", "没有数据行")


@dataclass(frozen=True)
class Points:
    """Points to be located.

    Parameters
    ----------
    names : tuple of str
        What each is called in answers.
    geometry : GeoSeries
        In a CRS of its own.
    given : tuple of (str, str)
        Coordinates as they were written; empty of a map file.
    rows : tuple of mapping
        The whole rows of a table, by header; empty of single points and map files.
    """

    names: tuple[str, ...]
    geometry: gpd.GeoSeries
    given: tuple[tuple[str, str], ...] = ()
    rows: tuple[Mapping[str, str], ...] = ()


def one_point(town: Town, x: float, y: float, *, crs: CrsLike | None = None) -> Points:
    """Return one point: longitude and latitude, or in another system x before y.

    Parameters
    ----------
    crs : str, int, pyproj.CRS or MapSystem, optional
        ``"EPSG:4490"``, ``"GCJ-02"``, ``"BD-09"`` ... By default degrees are CGCS2000, which GPS agrees with within a
        metre, and numbers too large for degrees are in the town's own CRS.

    Raises
    ------
    InputError
        When the numbers are no place in that system.
    """
    name = f"{x:.10g}, {y:.10g}"
    return Points((name,), _geometry(town, [(x, y)], [""], crs), ((f"{x:.10g}", f"{y:.10g}"),))


def read_points(town: Town, file: str | Path, *, crs: CrsLike | None = None) -> Points:
    """Read a CSV or XLSX table with columns of coordinates (x, y; lon, lat; 经度, 纬度), or a map file of points.

    Parameters
    ----------
    crs : optional
        Of the table's coordinates: see `one_point`. A map file says its own, but for GCJ-02 and BD-09.

    Raises
    ------
    InputError
        With one line for each row that has no coordinates, or when the file can't be used.
    """
    path = Path(file)
    if path.suffix.lower() not in _TABLE_ENDINGS:
        return _from_map(path, crs)
    sheet = read_table(path, headers={*_X, *_Y, *_IDS})
    if sheet.problems:
        raise InputError(sheet.problems)
    if not sheet.rows:
        raise InputError(Problem(sheet.source, _EMPTY))
    x_header, y_header = _columns(sheet)
    problems: list[Problem] = []
    pairs = [(_number(row, x_header, problems), _number(row, y_header, problems)) for row in sheet.rows]
    if problems:
        raise InputError(problems)
    id_header = next((header for header in sheet.headers if header.strip().lower() in _IDS), None)
    names = [row.cells[id_header] if id_header else str(number) for number, row in enumerate(sheet.rows, 1)]
    geometry = _geometry(town, pairs, [row.place for row in sheet.rows], crs)
    given = tuple((row.cells[x_header], row.cells[y_header]) for row in sheet.rows)
    return Points(tuple(names), geometry, given, tuple(row.cells for row in sheet.rows))


def _columns(sheet: Sheet) -> tuple[str, str]:
    plain = {header.strip().lower(): header for header in sheet.headers}
    x = next((plain[word] for word in _X if word in plain), None)
    y = next((plain[word] for word in _Y if word in plain), None)
    if x is None or y is None:
        words = {"x": listed(_X, most=6), "y": listed(_Y, most=6), "known": shown(listed(sheet.headers))}
        raise InputError(Problem(sheet.source, _NO_COLUMNS, dict(words)))
    return x, y


def _number(row: Row, header: str, problems: list[Problem]) -> float:
    given = row.cells[header]
    try:
        value = float(given)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        problems.append(Problem(row.place, _NO_NUMBER, {"column": shown(header), "given": shown(given)}))
    return value


def _geometry(town: Town, pairs: list[tuple[float, float]], places: list[str], crs: CrsLike | None) -> gpd.GeoSeries:
    """Return the points in a CRS that pyproj knows, and refuse numbers that are no places in theirs."""
    system = parse_crs(crs) if crs is not None else None
    if system is None:
        system = pyproj.CRS.from_epsg(4490)
        if not all(_are_degrees(x, y) for x, y in pairs):
            system = town.crs
            if system.is_geographic:
                problems = [
                    Problem(place, _NEEDS_CRS, {"x": x, "y": y})
                    for (x, y), place in zip(pairs, places, strict=True)
                    if not _are_degrees(x, y)
                ]
                raise InputError(problems)
    is_degrees = isinstance(system, MapSystem) or system.is_geographic
    lost = [
        Problem(place, _BEYOND, {"x": x, "y": y, "crs": getattr(system, "name", str(system))})
        for (x, y), place in zip(pairs, places, strict=True)
        if not _is_place(x, y, system, is_degrees)
    ]
    if lost:
        raise InputError(lost)
    points = shapely.points(pairs)
    if isinstance(system, MapSystem):
        frame = from_map_system(gpd.GeoDataFrame(geometry=points), system)
        return frame.geometry
    return gpd.GeoSeries(points, crs=system)


def _are_degrees(x: float, y: float) -> bool:
    return abs(x) <= 360 and abs(y) <= 90


def _is_place(x: float, y: float, system: pyproj.CRS | MapSystem, is_degrees: bool) -> bool:
    if is_degrees or isinstance(system, MapSystem):
        return _are_degrees(x, y)
    back = pyproj.Transformer.from_crs(system, 4490, always_xy=True).transform(x, y)
    return all(map(math.isfinite, back))


def _from_map(path: Path, crs: CrsLike | None) -> Points:
    given = parse_crs(crs) if crs is not None else None
    layer = read_layer(path, crs=given)
    if layer.problems:
        raise InputError(layer.problems)
    kinds = set(layer.frame.geom_type)
    if kinds != {"Point"}:
        raise InputError(Problem(layer.source, _NO_POINTS, {"kinds": listed(sorted(kinds)) or "—"}))
    id_column = next((column for column in layer.frame.columns if str(column).lower() in _IDS), None)
    names = layer.ids if id_column is None else layer.frame[id_column].astype(str)
    geometry = layer.frame.geometry
    if geometry.crs is None:
        geometry = geometry.set_crs(4490)
    return Points(tuple(names), geometry)
