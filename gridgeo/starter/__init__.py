"""``gridgeo init``: a first gridgeo.toml from the map files of a folder, with the reason for each guess beside it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from gridgeo._files import write_whole
from gridgeo._words import RANK_WORDS, nearest
from gridgeo.crs import to_crs, working_crs
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.layers import Layer, LayerInfo, list_layers, read_layer
from gridgeo.network import Barriers
from gridgeo.progress import track
from gridgeo.starter._guesses import RIVER_RANKS, ROAD_RANKS, Found, Shape, guess_use, shape_of
from gridgeo.starter._text import starter_text
from gridgeo.town._barriers import BarrierFile, barriers_from
from gridgeo.town._schema import BarrierTable
from gridgeo.town.roster import BOARD_HEADERS, PEOPLE_HEADERS, SERVICE_HEADERS, TASK_HEADERS
from gridgeo.town.tables import Sheet, read_table

FILE_NAME = "gridgeo.toml"

_MAP_ENDINGS = frozenset(
    ".gpkg .parquet .geoparquet .fgb .geojson .json .shp .gdb .kml .kmz .dxf .pbf".split()  # noqa: SIM905
)
_TABLE_ENDINGS = frozenset({".csv", ".tsv", ".xlsx"})
_PHOTO_FOLDERS = ("photos", "photo", "照片", "头像", "images")
_MOST_READ = 300_000
"""Features of a layer beyond which its values are not looked at."""

_TABLES = {
    "people": (PEOPLE_HEADERS, ("unit", "role", "name"), ("unit", "role", "name")),
    "tasks": (TASK_HEADERS, ("kind", "text"), ("kind", "text", "group")),
    "services": (SERVICE_HEADERS, ("text",), ("text", "place")),
    "boards": (BOARD_HEADERS, ("unit", "place"), ("unit", "place", "mark")),
}
"""Headers of each table, the columns that it needs, and those that tell it from the others."""

_DRAFTED = {"blocks": {"code", "grid", "grid_layer"}, "sections": {"code", "block", "serial", "streets"}}
"""Layers that gridgeo itself drafts, and columns by which they are known."""

_NO_FOLDER = Message("no such folder (looked for {path})", "文件夹不存在（查找位置：{path}）")
_EXISTS = Message(
    "is there already and was left as it is; to replace it give --force (overwrite=True)",
    "已存在，未作改动；如需覆盖请加 --force（overwrite=True）",
)
_NO_MAPS = Message(
    "no map files here; put the town's border, grids, roads and rivers into this folder as GeoPackage, Shapefile,"
    " GeoJSON, GeoParquet, FlatGeobuf, File Geodatabase, KML, DXF or OSM PBF",
    "此处没有地图文件；请将镇界、网格、道路、河道等图层放入此文件夹（GeoPackage、Shapefile、GeoJSON、GeoParquet、"
    "FlatGeobuf、File Geodatabase、KML、DXF 或 OSM PBF）",
)
_NO_CRS = Message("the file doesn't say its CRS, so nothing can be measured", "文件未注明坐标系，无法量算")
_LOOKING = Message("Looking at map files", "查看地图文件")


def write_starter(folder: str | Path, *, overwrite: bool = False) -> Path:
    """Write a commented gridgeo.toml from the map files and tables found in a folder and its direct subfolders.

    What each layer is for is guessed from names and values; the reason stands beside each guess, and what could not be
    guessed stands there as a comment. Comments are in the current language.

    Parameters
    ----------
    folder : str or Path
        Where the town's files are; the new file is written there.
    overwrite : bool
        Replace a gridgeo.toml that is there already.

    Returns
    -------
    Path
        The file written. `gridgeo.read_town` takes it as it is wherever the guesses suffice.

    Raises
    ------
    InputError
        When there is no such folder, it holds no map files, or it has a gridgeo.toml already.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(Problem(str(folder), _NO_FOLDER, {"path": folder.absolute()}))
    target = folder / FILE_NAME
    if target.exists() and not overwrite:
        raise InputError(Problem(str(target), _EXISTS))
    files = _files(folder)
    found, unread = _map_layers(folder, [file for file in files if _ending(file) in _MAP_ENDINGS])
    if not found:
        raise InputError([Problem(str(folder), _NO_MAPS), *(problem for _, problem in unread)])
    tables = _tables(folder, [file for file in files if _ending(file) in _TABLE_ENDINGS])
    photos = next((name for name in _PHOTO_FOLDERS if (folder / name).is_dir()), None)
    shifts = _shifts(folder, tables)
    text = starter_text(
        folder.absolute().name, _with_extent(found), unread=unread, tables=tables, photos=photos, shifts=shifts
    )
    return write_whole(target, text)


def _ending(file: str) -> str:
    return Path(file).suffix.lower()


def _files(folder: Path) -> list[str]:
    """Return the files that may be of use, in the folder and its direct subfolders, sorted by name."""
    found: list[str] = []
    for entry in sorted(folder.iterdir(), key=lambda path: path.name):
        if entry.name.startswith("."):
            continue
        if entry.is_dir() and entry.suffix.lower() != ".gdb":
            inner = sorted(entry.iterdir(), key=lambda path: path.name) if os.access(entry, os.R_OK | os.X_OK) else []
            found += [f"{entry.name}/{file.name}" for file in inner if not file.name.startswith(".")]
        else:
            found.append(entry.name)
    # a name that is no text can't be written into a UTF-8 file
    return [file for file in found if not any("\ud800" <= character <= "\udfff" for character in file)]


def _map_layers(folder: Path, files: Iterable[str]) -> tuple[list[Found], list[tuple[str, Problem]]]:
    found: list[Found] = []
    unread: list[tuple[str, Problem]] = []
    for file in track(list(files), _LOOKING):
        try:
            infos = list_layers(folder / file)
        except InputError as error:
            unread.append((file, error.problems[0]))
            continue
        for info in infos:
            if info.name in _DRAFTED and _DRAFTED[info.name] <= set(info.columns):
                continue
            layer = _read(folder / file, info)
            shape = shape_of(info.geometry_type)
            if shape == "other" and layer is not None:
                shape = _commonest_shape(layer)
            use = guess_use(file, info.name, shape)
            found.append(Found(file, info, len(infos) == 1, shape, layer, use))
    return found, unread


def _read(path: Path, info: LayerInfo) -> Layer | None:
    """Return a layer's features, unless they are too many or can't be read: then its names must tell enough."""
    if not 0 <= info.features <= _MOST_READ:
        return None
    try:
        return read_layer(path, layer=info.name)
    except InputError:
        return None


def _commonest_shape(layer: Layer) -> Shape:
    counts = layer.frame.geom_type.map(shape_of).value_counts()
    return counts.index[0] if len(counts) else "other"


def _with_extent(found: list[Found]) -> list[Found]:
    """Return ``found`` with one extent at most: of those that are called so the one with fewest features.

    Where none is called so, it is a layer of one polygon whose bounds hold the middle of every other layer.
    """
    named = [one for one in found if one.use == "extent" and one.info.features != 0]
    if not named:
        single = [one for one in found if one.shape == "polygon" and one.use is None and one.info.features == 1]
        named = [one for one in single if _holds_all(one, found)]
    if not named:
        return found
    extent = min(named, key=lambda one: one.info.features if one.info.features > 0 else 10**9)
    kept = []
    for one in found:
        if one is extent:
            kept.append(replace(one, use="extent"))
        else:
            kept.append(replace(one, use=None) if one.use == "extent" else one)
    return kept


def _holds_all(extent: Found, found: Iterable[Found]) -> bool:
    if extent.layer is None or extent.layer.frame.crs is None:
        return False
    west, south, east, north = extent.layer.frame.total_bounds
    for other in found:
        if other.layer is None or other.layer.frame.crs is None or not len(other.layer.frame) or other is extent:
            continue
        left, bottom, right, top = other.layer.frame.to_crs(extent.layer.frame.crs).total_bounds
        if not (west <= (left + right) / 2 <= east and south <= (bottom + top) / 2 <= north):
            return False
    return True


def _tables(folder: Path, files: Iterable[str]) -> dict[str, tuple[str, list[str]]]:
    """Return the files of people, tasks, services and boards, each with the fields that its headers lack."""
    best: dict[str, tuple[int, str, list[str]]] = {}
    for file in files:
        for table, (headers, required, telling) in _TABLES.items():
            words = {word.lower(): name for name, others in headers.items() for word in (name, *others)}
            try:
                sheet: Sheet = read_table(folder / file, headers=words)
            except InputError:
                continue
            fields = {words[header.lower()] for header in sheet.headers if header.lower() in words}
            called = nearest(Path(file).stem, _FILE_WORDS[table], cutoff=0.8) is not None
            missing = [name for name in required if name not in fields]
            score = len(fields) + 10 * called + len(fields & set(telling))
            telling_all = set(telling) <= fields
            if (called or telling_all) and (table not in best or score > best[table][0]):
                best[table] = (score, file, missing)
    return {table: (file, missing) for table, (_, file, missing) in best.items()}


_FILE_WORDS = {
    "people": ("people", "persons", "staff", "roster", "人员", "人员名册", "名册", "网格员"),
    "tasks": ("tasks", "task list", "items", "任务", "任务清单", "事项", "事项清单"),
    "services": ("services", "服务", "服务清单", "服务事项"),
    "boards": ("boards", "公示牌", "公示牌登记", "上墙台账", "张贴登记"),
}


def _shifts(folder: Path, tables: dict[str, tuple[str, list[str]]]) -> list[str]:
    """Return the shifts that the table of people names, in their order there."""
    if "people" not in tables:
        return []
    words = {word.lower() for name, others in PEOPLE_HEADERS.items() for word in (name, *others)}
    sheet = read_table(folder / tables["people"][0], headers=words)
    called = {"shift", *(word.lower() for word in PEOPLE_HEADERS["shift"])}
    header = next((header for header in sheet.headers if header.lower() in called), None)
    return list(dict.fromkeys(row.cells[header] for row in sheet.rows if row.cells.get(header))) if header else []


def read_barriers(path: str | Path, *, rank_column: str | None = None) -> tuple[Barriers, list[Problem]]:
    """Read roads or rivers for a single validation, outside of a town project.

    Parameters
    ----------
    path : str or Path
        A map file with one layer.
    rank_column : str, optional
        Column with ranks, or with the usual classes of roads and rivers (those of OpenStreetMap among them); without
        it every feature is a lane.

    Returns
    -------
    Barriers
        In metres through themselves.
    list of Problem
        Values of the column that mean nothing, whose features are no barriers.
    """
    columns = None if rank_column is None else [rank_column]
    layer = read_layer(path, columns=columns)
    if layer.frame.crs is None:
        raise InputError(Problem(layer.source, _NO_CRS))
    crs = working_crs(layer)
    ranks = {**RIVER_RANKS, **ROAD_RANKS, **RANK_WORDS}
    table = BarrierTable.model_validate(
        {"file": str(path), "rank": "lane"}
        if rank_column is None
        else {"file": str(path), "rank_column": rank_column, "ranks": ranks}
    )
    file = BarrierFile(layer, table, layer.source, to_crs(layer.frame, crs, name=layer.source))
    barriers, problems = barriers_from([file], crs)
    return barriers, [*layer.problems, *problems]
