"""Opening map files: one raw table from whatever format, with the features that can't be used named and not lost."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pyproj

from gridgeo._words import shown
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.layers._encoding import is_text, known_encoding, table_encoding
from gridgeo.layers._parquet import parquet_info, read_parquet
from gridgeo.layers._table import (
    BAD_WHERE,
    CANNOT_READ,
    NO_MAP_DATA,
    READ_ERRORS,
    LayerInfo,
    Table,
    choose_layer,
    missing_columns,
    reason_of,
    wkb_fault,
)

PARQUET_SUFFIXES = (".parquet", ".geoparquet")

NO_FILE = Message("there is no such file; correct the name", "没有这个文件；请更正文件名")

_BAD_NAME = Message(
    "its name or its folder's holds ! or ;, which map files can't have; rename it",
    "文件名或所在文件夹名中含有 ! 或 ;，无法作为地图文件打开；请改名",
)
_COLUMN_TAKEN = Message(
    "its column {column!r} was left aside, as its geometries bear that name; rename it to keep it",
    "字段“{column}”与几何图形同名，已略去；如需保留请改名",
)

_NO_CODEC = Message("{encoding!r} is no text encoding; say gbk or utf-8", "“{encoding}”不是文字编码；请写 gbk 或 utf-8")
_WRONG_CODEC = Message(
    "its texts are not in {encoding}; say encoding = gbk or utf-8",
    "文字不是 {encoding} 编码；请注明 encoding = gbk 或 utf-8",
)
_GUESSED_CODEC = Message(
    "does not say its text encoding and was read as {encoding}; if names look wrong, state the encoding",
    "未注明文字编码，已按 {encoding} 读取；若名称有误，请用 encoding 注明编码",
)

_READER_WARNS = Message("the reader warns: {text}", "读取时有警告：{text}")

NULL_GEOMETRY = Message("left out: it has no geometry; draw it or delete it", "已略去：没有几何图形；请补画或删除")
EMPTY_GEOMETRY = Message("left out: its geometry is empty; draw it or delete it", "已略去：几何图形为空；请补画或删除")
UNREADABLE_GEOMETRY = Message(
    "left out: its geometry can't be used ({reason}); redraw it", "已略去：几何图形无法使用（{reason}）；请重新绘制"
)


def read_file(
    path: Path,
    *,
    layer: str | None,
    encoding: str | None,
    columns: Sequence[str] | None,
    extra: Sequence[str],
    where: str | None,
) -> Table:
    """Read one layer of a file.

    ``columns`` limits what is read (None: everything); ``extra`` names further columns that must be there.
    """
    _must_exist(path)
    if path.suffix.lower() in PARQUET_SUFFIXES and path.is_file():
        return read_parquet(path, layer=layer, columns=columns, extra=extra, where=where)
    return _read_with_ogr(path, layer=layer, encoding=encoding, columns=columns, extra=extra, where=where)


def list_file(path: Path) -> list[LayerInfo]:
    """Return what each layer with a geometry is."""
    _must_exist(path)
    if path.suffix.lower() in PARQUET_SUFFIXES and path.is_file():
        return [parquet_info(path)]
    found = []
    for name, geometry_type in _ogr_layers(path):
        encoding = _encoding_of(path, name, None)[0]
        with _quiet():
            try:
                info = pyogrio.read_info(path.absolute(), layer=name, encoding=encoding, force_feature_count=False)
            except READ_ERRORS as error:
                raise InputError(Problem(str(path), CANNOT_READ, {"reason": reason_of(error, path=path)})) from None
        columns = tuple(str(column) for column in info["fields"])
        found.append(LayerInfo(name, geometry_type, int(info["features"]), columns, _crs_of(info["crs"])))
    return found


def _must_exist(path: Path) -> None:
    if path == Path() or not path.exists():
        raise InputError(Problem(str(path), NO_FILE))


def check_name(path: Path) -> None:
    """Refuse a path that the map library would take for an archive or an address."""
    if set("!;") & set(str(path.absolute())):
        raise InputError(Problem(str(path), _BAD_NAME))


# ------------------------------------------------------------------------------------------------ files through OGR


def _quiet() -> warnings.catch_warnings[Any]:
    return warnings.catch_warnings(action="ignore")


def _crs_of(text: str | None) -> pyproj.CRS | None:
    return pyproj.CRS.from_user_input(text) if text else None


def _ogr_layers(path: Path) -> list[tuple[str, str]]:
    """Return name and geometry type of each layer that has a geometry."""
    check_name(path)
    with _quiet():
        try:
            rows = pyogrio.list_layers(path.absolute())
        except READ_ERRORS as error:
            raise InputError(Problem(str(path), NO_MAP_DATA, {"reason": reason_of(error, path=path)})) from None
    layers = [(str(name), str(geometry_type)) for name, geometry_type in rows if geometry_type is not None]
    if not layers:
        reason = Message("only tables without geometry", "只有不含几何图形的表").text()
        raise InputError(Problem(str(path), NO_MAP_DATA, {"reason": reason}))
    return layers


def _encoding_of(path: Path, layer: str, stated: str | None) -> tuple[str | None, bool]:
    """Return the encoding to read with (None: leave it to the driver), and whether it is certain."""
    if stated is not None:
        known = known_encoding(stated)
        if known is None:
            raise InputError(Problem(str(path), _NO_CODEC, {"encoding": shown(stated)}))
        return (None if path.suffix.lower() == ".dxf" else known), True
    if path.suffix.lower() == ".dxf":
        return None, True
    shapefile = path / f"{layer}.shp" if path.is_dir() else path
    if shapefile.suffix.lower() != ".shp" or not shapefile.is_file():
        return None, True
    found = table_encoding(shapefile)
    return found.name, found.certain


def _read_with_ogr(
    path: Path,
    *,
    layer: str | None,
    encoding: str | None,
    columns: Sequence[str] | None,
    extra: Sequence[str],
    where: str | None,
) -> Table:
    layers = [name for name, _ in _ogr_layers(path)]
    chosen = choose_layer(str(path), layer, layers)
    label = str(path) if len(layers) == 1 else f"{path}, layer {chosen}"
    codec, certain = _encoding_of(path, chosen, encoding)
    place = path.absolute()
    try:
        with _quiet():
            info = pyogrio.read_info(place, layer=chosen, encoding=codec, force_feature_count=False)
        known = [str(column) for column in info["fields"]]
        tags = "other_tags" if info["driver"] == "OSM" and "other_tags" in known else None
        wanted = list(dict.fromkeys([*(columns or ()), *extra]))
        from_tags = [column for column in wanted if column not in known] if tags else []
        if problems := missing_columns(label, [column for column in wanted if column not in from_tags], known):
            raise InputError(problems)
        fields: list[str] | None = [column for column in known if column != "geometry"] if "geometry" in known else None
        if columns is not None:
            fields = [column for column in wanted if column in known]
            if from_tags and tags not in fields:
                fields.append(str(tags))
        options: dict[str, Any] = {"layer": chosen, "encoding": codec, "where": where or None}
        with warnings.catch_warnings(record=True) as caught, _dxf_encoding(path, encoding):
            warnings.simplefilter("always")
            frame = pyogrio.read_dataframe(place, columns=fields, on_invalid="ignore", fid_as_index=True, **options)
        marks = frame.index.to_numpy() if info["driver"] == "OSM" else None
        frame = frame.reset_index(drop=True)
        unreadable = _why_unreadable(place, frame, options)
    except UnicodeDecodeError:
        raise InputError(Problem(label, _WRONG_CODEC, {"encoding": codec})) from None
    except READ_ERRORS as error:
        reason = reason_of(error, path=path)
        if where and ("sql" in reason.lower() or "where" in reason.lower()):
            raise InputError(Problem(label, BAD_WHERE, {"where": shown(where), "reason": reason})) from None
        raise InputError(Problem(label, CANNOT_READ, {"reason": reason})) from None
    if tags and from_tags:
        frame = _with_tags(frame, tags, from_tags, keep=columns is None or tags in wanted)
    problems = [Problem(label, _READER_WARNS, {"text": text}) for text in _gdal_warnings(caught, path)]
    if "geometry" in known:
        problems.append(Problem(label, _COLUMN_TAKEN, {"column": "geometry"}))
    if not certain:
        problems.append(Problem(label, _GUESSED_CODEC, {"encoding": str(codec).upper()}))
    states_crs = info["driver"] not in ("GeoJSON", "GeoJSONSeq") or _geojson_states_crs(path)
    return Table(label, chosen, frame, unreadable, marks, states_crs, problems)


@contextmanager
def _dxf_encoding(path: Path, stated: str | None) -> Iterator[None]:
    """Tell the DXF driver the encoding that is stated, or UTF-8 for a file that is UTF-8, whatever its header says.

    Drawings since AutoCAD 2007 are UTF-8; their header still names a code page.
    """
    name = None
    if path.suffix.lower() == ".dxf":
        name = known_encoding(stated) if stated is not None else None
        if name is None and is_text(path, "utf-8"):
            name = "utf-8"
    before = pyogrio.get_gdal_config_option("DXF_ENCODING")
    if name is not None:
        pyogrio.set_gdal_config_options({"DXF_ENCODING": name.upper()})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"DXF_ENCODING": before})


def _gdal_warnings(caught: Iterable[warnings.WarningMessage], path: Path) -> list[str]:
    texts = [reason_of(warning.message, path=path) for warning in caught if isinstance(warning.message, RuntimeWarning)]
    return list(dict.fromkeys(texts))


def _why_unreadable(path: Path, frame: gpd.GeoDataFrame, options: dict[str, Any]) -> dict[int, str]:
    """Return, by position, why geometries that the file has did not become usable ones."""
    lost = np.flatnonzero(frame.geometry.isna().to_numpy())
    if not len(lost):
        return {}
    with _quiet():
        # read again as bytes: the reader of tables says nothing about single features
        _, _, raw, _ = pyogrio.raw.read(path, columns=[], **options)
    return {int(position): text for position in lost if (text := wkb_fault(raw[position])) is not None}


_TAG = re.compile(r'"((?:[^"\\]|\\.)*)"=>"((?:[^"\\]|\\.)*)"')


def parse_tags(text: str | None) -> dict[str, str]:
    r"""Return the tags of an ``other_tags`` column of OSM data.

    Examples
    --------
    >>> parse_tags('"bridge"=>"yes","name:zh"=>"\\"东\\" 桥"')
    {'bridge': 'yes', 'name:zh': '"东" 桥'}
    """
    if not isinstance(text, str):
        return {}
    return {re.sub(r"\\(.)", r"\1", key): re.sub(r"\\(.)", r"\1", value) for key, value in _TAG.findall(text)}


def _with_tags(frame: gpd.GeoDataFrame, tags: str, wanted: Sequence[str], *, keep: bool) -> gpd.GeoDataFrame:
    parsed = [parse_tags(text) for text in frame[tags]]
    for place, column in enumerate(wanted):
        values = pd.Series([tag.get(column) for tag in parsed], dtype=object)
        frame.insert(frame.columns.get_loc(tags) + place, column, values)
    return frame if keep else frame.drop(columns=tags)


def _geojson_states_crs(path: Path) -> bool:
    """Whether a GeoJSON file has a member ``crs``, looked for where programs write it: at the start or the end."""
    with path.open("rb") as file:
        text = file.read(65_536)
        file.seek(max(0, path.stat().st_size - 65_536))
        text += file.read()
    return re.search(rb'"crs"\s*:\s*\{', text) is not None
