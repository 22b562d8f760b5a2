"""Writing what a repair made: a copy of the map file or of the whole town, in which only the mended geometries differ.

The input is never opened for writing. In a GeoPackage and in GeoJSON the changed geometries alone are replaced, a
Shapefile keeps its table to the byte; so columns, order, row numbers, styles and other layers stay as they are.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from gridgeo._words import shown
from gridgeo.crs import MapSystem, parse_crs
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.layers import Layer, as_ids, write_layer
from gridgeo.layers._database import is_database
from gridgeo.layers._sources import read_file
from gridgeo.repair.formats import edit_geojson, edit_geopackage, edit_parquet
from gridgeo.repair.plan import Feature

Changed = Mapping[Feature, shapely.Geometry | None]
"""The geometry that a feature gets; None for one that is dropped."""

_EXISTS = Message("is there already; name a new place, nothing is overwritten", "已存在；请换一个新位置，不会覆盖")
_OTHER_KIND = Message(
    "must end in {suffix} as the input does, so that nothing is lost", "扩展名须与输入相同（{suffix}），以免丢失内容"
)
_CANNOT_COPY = Message("can't be copied ({reason})", "无法复制（{reason}）")
_MAP_SYSTEM = Message(
    "layer {layer} is in {system}, whose shift can't be undone to the digit; repair it in EPSG:4490",
    "图层 {layer} 采用 {system}，其偏移无法精确还原；请先转换为 EPSG:4490 再修复",
)
_DATABASE = Message(
    "layer {layer} is in a database, which repair doesn't write; export it to a GeoPackage",
    "图层 {layer} 存于数据库，修复功能不写入数据库；请先导出为 GeoPackage",
)
_ELSEWHERE = Message(
    "{file} lies outside of the town's folder, so a copy of the folder would lack it; bring it into the folder",
    "{file} 不在城镇文件夹内，复制后会缺失；请移入该文件夹",
)
_FILTERED = Message(
    "layer {layer} is chosen by a condition and has no id column, so its rows can't be told; name its ids",
    "图层 {layer} 按条件筛选且没有编号列，无法对应到行；请指定编号列",
)


@dataclass(frozen=True)
class Source:
    """Where a layer lies in its file, and which of its columns holds the ids."""

    path: Path
    layer: str | None = None
    id_column: str | None = None
    encoding: str | None = None
    where: str | None = None


def write_map_file(
    source: Source, out: Path, layer: Layer, changed: Changed, *, beside: Mapping[str, str] | None = None
) -> Path:
    """Write a copy of a map file in which one layer is mended.

    Parameters
    ----------
    source : Source
    out : Path
        Must not exist, and end as the source does.
    layer : Layer
        As it is to be written; of it only the rows are taken that the file lacks.
    changed : mapping of Feature to geometry
    beside : mapping of str to str, optional
        Texts of more files that are written beside it, by name.

    Raises
    ------
    InputError
        When the place is taken or can't be written.
    """
    check_writable(source, out)
    for name in beside or {}:
        must_be_new(out.with_name(name))
    with _readable_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=".gridgeo-") as folder:
            copy = Path(folder) / out.name
            _copy_map_file(source.path, copy)
            edit_layer(copy, source, layer, changed)
            for name, text in (beside or {}).items():
                (Path(folder) / name).write_text(text, encoding="utf-8", newline="")
            for part in sorted(Path(folder).iterdir(), key=lambda part: part == copy):
                part.replace(out.parent / part.name)
    return out


def write_town(
    town_file: Path,
    out: Path,
    layers: Mapping[str, Layer],
    changed: Changed,
    *,
    beside: Mapping[str, str] | None = None,
) -> Path:
    """Write a copy of a town project, gridgeo.toml and every file that it names, with its layers mended.

    ``beside`` holds texts of more files in the folder, by name.

    Returns
    -------
    Path
        The copy's gridgeo.toml.
    """
    must_be_new(out)
    document = tomllib.loads(town_file.read_text(encoding="utf-8-sig"))
    edited = {feature.layer for feature in changed}
    sources = {key: _source_of(town_file, document, key) for key in layers if key in edited}
    with _readable_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=".gridgeo-") as folder:
            copy = Path(folder) / out.name
            copy.mkdir()
            for file in _files_of(town_file, document):
                _copy_anything(town_file.parent / file, copy / file)
            shutil.copyfile(town_file, copy / town_file.name)
            for key, source in sources.items():
                file = copy / source.path.relative_to(town_file.parent)
                edit_layer(file, source, layers[key], {f: shape for f, shape in changed.items() if f.layer == key})
            for name, text in (beside or {}).items():
                (copy / name).write_text(text, encoding="utf-8", newline="")
            if out.is_dir():
                out.rmdir()  # an empty one
            copy.replace(out)
    return out / town_file.name


def check_writable(source: Source, out: Path) -> None:
    """Refuse a place where a copy of a map file can't be written."""
    if out.suffix.lower() != source.path.suffix.lower():
        must_be_new(out)
        raise InputError(Problem(str(out), _OTHER_KIND, {"suffix": source.path.suffix}))
    taken = _parts(out).values() if out.suffix.lower() == ".shp" else [out]
    for part in taken:
        must_be_new(part)


def must_be_new(out: Path) -> None:
    """Refuse a place where there is something already."""
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise InputError(Problem(str(out), _EXISTS))


# ---------------------------------------------------------------------------------------------------- one layer


def edit_layer(copy: Path, source: Source, layer: Layer, changed: Changed) -> None:
    """Put changed geometries into the copy of a map file; rows that the file lacks are added."""
    shapes = {feature.id: shape for feature, shape in changed.items()}
    if source.where and not source.id_column:
        raise InputError(Problem(str(source.path), _FILTERED, {"layer": shown(layer.name)}))
    table = read_file(
        source.path, layer=source.layer, encoding=source.encoding, columns=None, extra=(), where=source.where
    )
    ids = _ids(table.frame, source.id_column)
    there = set(ids)
    added = any(shape is not None and identifier not in there for identifier, shape in shapes.items())
    suffix = copy.suffix.lower()
    if suffix == ".gpkg" and not added:
        edit_geopackage(copy, table.layer, source.where, ids, shapes)
    elif suffix in (".geojson", ".json") and not added:
        edit_geojson(copy, ids, shapes)
    elif suffix in (".parquet", ".geoparquet") and not added and edit_parquet(copy, ids, shapes):
        pass
    else:
        whole = read_file(source.path, layer=source.layer, encoding=source.encoding, columns=None, extra=(), where=None)
        frame = _with_shapes(whole.frame, source.id_column, shapes)
        if added:
            frame = _with_rows(frame, layer, there)
        write_layer(frame, copy, layer=table.layer)
        if suffix == ".shp":
            _keep_table(copy, source.path, same_rows=len(frame) == len(whole.frame))


def _ids(frame: gpd.GeoDataFrame, id_column: str | None) -> list[str]:
    if id_column is None:
        return [str(number) for number in range(1, len(frame) + 1)]
    return [str(identifier) for identifier in as_ids(frame[id_column])]


def _with_shapes(
    frame: gpd.GeoDataFrame, id_column: str | None, shapes: Mapping[str, shapely.Geometry | None]
) -> gpd.GeoDataFrame:
    ids = _ids(frame, id_column)
    geometry = frame.geometry.to_numpy().copy()
    for position, identifier in enumerate(ids):
        if shapes.get(identifier) is not None:
            geometry[position] = shapes[identifier]
    kept = [identifier not in shapes or shapes[identifier] is not None for identifier in ids]
    replaced = gpd.GeoSeries(geometry, index=frame.index, crs=frame.crs, name=frame.geometry.name)
    return frame.assign(**{frame.geometry.name: replaced})[kept].reset_index(drop=True)


def _with_rows(frame: gpd.GeoDataFrame, layer: Layer, there: set[str]) -> gpd.GeoDataFrame:
    """Return the table with the rows that only the layer has, where they are in the layer."""
    name = frame.geometry.name
    for position, identifier in enumerate(layer.ids.tolist()):
        if identifier not in there:
            row = layer.frame.iloc[[position]].rename(columns={layer.frame.geometry.name: name})[frame.columns]
            frame = pd.concat([frame.iloc[:position], row, frame.iloc[position:]], ignore_index=True)
    return gpd.GeoDataFrame(frame, geometry=name, crs=layer.frame.crs)


# ---------------------------------------------------------------------------------------------------- Shapefile

_TABLE = (".dbf", ".cpg", ".prj")
"""Parts of a Shapefile that hold its columns, how their texts are encoded, and the CRS."""
_BESIDE = (*_TABLE, ".shp", ".shx", ".qpj", ".qmd", ".shp.xml")
"""Parts that a copy has; indexes tell of features as they were, so it has none of these."""


def _keep_table(copy: Path, original: Path, *, same_rows: bool) -> None:
    """Put all but the shapes back as it was, to the byte, where no row of the table has come or gone."""
    there = {suffix: part for suffix, part in _parts(original).items() if suffix in _TABLE}
    for suffix, part in _parts(copy).items():
        if suffix in _TABLE and same_rows:
            part.unlink()
    for suffix, part in _parts(original).items():
        if (suffix in there and same_rows) or suffix not in (*_TABLE, ".shp", ".shx"):
            shutil.copyfile(part, copy.with_suffix(suffix))


def _parts(path: Path) -> dict[str, Path]:
    """Return the parts of a Shapefile that are there, by their endings in small letters."""
    found = {part.name[len(path.stem) :].lower(): part for part in sorted(path.parent.glob(f"{_plain(path.stem)}.*"))}
    return {suffix: found[suffix] for suffix in _BESIDE if suffix in found}


def _plain(name: str) -> str:
    """Return a name as a pattern that fits it alone."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


# ---------------------------------------------------------------------------------------------------- copying


@contextmanager
def _readable_errors(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(Problem(str(out), _CANNOT_COPY, {"reason": error.strerror or str(error)})) from None
    except (sqlite3.Error, TypeError, KeyError) as error:
        raise InputError(Problem(str(out), _CANNOT_COPY, {"reason": f"{type(error).__name__}: {error}"})) from None


def _copy_map_file(path: Path, copy: Path) -> None:
    """Copy a map file under another name: a Shapefile with all its parts, a GeoPackage as its last writer left it."""
    copy.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix.lower() == ".shp":
        for suffix, part in _parts(path).items():
            shutil.copyfile(part, copy.with_suffix(suffix))
    elif path.suffix.lower() == ".gpkg":
        reader, writer = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True), sqlite3.connect(copy)
        try:
            reader.backup(writer)
        finally:
            reader.close()
            writer.close()
    else:
        shutil.copyfile(path, copy)


def _copy_anything(path: Path, copy: Path) -> None:
    if path.is_dir():
        shutil.copytree(path, copy, dirs_exist_ok=True)
    elif path.exists() and not copy.exists():
        _copy_map_file(path, copy)


def _files_of(town_file: Path, document: Mapping[str, Any]) -> list[Path]:
    """Return every file and folder that a gridgeo.toml names, relative to it; those beside its folder are refused."""
    sources = [*document.get("layers", {}).values(), *document.get("barriers", {}).values()]
    named = [table.get("file") for table in sources]
    for key in ("people", "tasks", "services", "boards"):
        named += [document.get(key, {}).get("file"), document.get(key, {}).get("photos")]
    named.append(document.get("partition", {}).get("output"))
    found: dict[Path, None] = {}
    problems = []
    for name in dict.fromkeys(name for name in named if isinstance(name, str)):
        if is_database(name) or Path(name).is_absolute():
            continue
        if not (town_file.parent / name).resolve().is_relative_to(town_file.parent.resolve()):
            problems.append(Problem(str(town_file), _ELSEWHERE, {"file": shown(name)}))
        found[Path(name)] = None
    if problems:
        raise InputError(problems)
    return list(found)


def _source_of(town_file: Path, document: Mapping[str, Any], key: str) -> Source:
    """Return where a layer of a town lies, or say why it can't be written."""
    tables: Mapping[str, Any] = document.get("layers", {})
    if key not in tables:  # the drafted blocks
        return Source(town_file.parent / document["partition"]["output"], "blocks", "code")
    table = tables[key]
    where = f"{town_file}, [layers.{key}]"
    if is_database(table["file"]):
        raise InputError(Problem(where, _DATABASE, {"layer": shown(key)}))
    if "crs" in table and isinstance(parse_crs(table["crs"]), MapSystem):
        raise InputError(Problem(where, _MAP_SYSTEM, {"layer": shown(key), "system": table["crs"]}))
    if Path(table["file"]).is_absolute():
        raise InputError(Problem(where, _ELSEWHERE, {"file": shown(table["file"])}))
    return Source(
        town_file.parent / table["file"], table.get("layer"), table.get("id"), table.get("encoding"), table.get("where")
    )
