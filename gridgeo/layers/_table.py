"""What reading has in common, whatever the format: the raw table of a layer, and what is said when something lacks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import geopandas as gpd
import numpy.typing as npt
import pyproj
import shapely
from pyogrio.errors import DataLayerError, DataSourceError

from gridgeo._words import listed, nearest
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message

READ_ERRORS = (DataSourceError, DataLayerError, ValueError, RuntimeError, OSError, ArithmeticError)

NO_MAP_DATA = Message(
    "holds no map data that can be read ({reason}); give a GeoPackage, GeoParquet, FlatGeobuf, GeoJSON, Shapefile, "
    "File Geodatabase, KML, DXF or OSM PBF file",
    "没有可读取的地图数据（{reason}）；请提供 GeoPackage、GeoParquet、FlatGeobuf、GeoJSON、Shapefile、"
    "File Geodatabase、KML、DXF 或 OSM PBF 文件",
)
CANNOT_READ = Message("can't be read ({reason}); repair or replace it", "无法读取（{reason}）；请修复或更换")
NO_LAYER = Message("has no layer {layer!r}; it has {layers}{hint}", "没有图层“{layer}”；现有 {layers}{hint}")
WHICH_LAYER = Message(
    "has several layers; say which: layer = one of {layers}", "有多个图层；请用 layer 指定其中一个：{layers}"
)
NO_COLUMN = Message("has no column {column!r}; it has {columns}{hint}", "没有字段“{column}”；现有 {columns}{hint}")
BAD_WHERE = Message(
    "the condition {where!r} can't be applied ({reason}); correct where",
    "筛选条件“{where}”无法执行（{reason}）；请更正 where",
)
_HINT = Message("; did you mean {nearest!r}?", "；是否指“{nearest}”？")


class LayerInfo(NamedTuple):
    """What `list_layers` says of one layer."""

    name: str
    geometry_type: str
    """``"Polygon"``, ``"LineString"``, ``"Unknown"`` where types are mixed …"""
    features: int
    """Number of features; -1 where only reading them all would tell."""
    columns: tuple[str, ...]
    crs: pyproj.CRS | None


@dataclass
class Table:
    """One layer as its file has it: every feature in file order, None for a geometry that is missing or unreadable."""

    label: str
    layer: str
    frame: gpd.GeoDataFrame
    unreadable: dict[int, str] = field(default_factory=dict)
    """Why geometries can't be used, by position."""
    marks: npt.NDArray[Any] | None = None
    """The file's own numbers of the features, where a user could look them up (OSM)."""
    states_crs: bool = True
    """False where ``frame.crs`` is what the format takes for granted, not what the file says."""
    problems: list[Problem] = field(default_factory=list)


def hint(word: str, known: Iterable[str]) -> str:
    """Return the end of a sentence that offers the known word nearest to ``word``, if one is near."""
    near = nearest(word, known)
    return _HINT.text(nearest=near) if near is not None else ""


def missing_columns(label: str, wanted: Iterable[str], known: Sequence[str]) -> list[Problem]:
    """Return a problem for each column that is wanted and not there."""
    values = [(column, hint(column, known)) for column in dict.fromkeys(wanted) if column not in known]
    return [
        Problem(label, NO_COLUMN, {"column": column, "columns": listed(known, most=30) or "-", "hint": near})
        for column, near in values
    ]


def choose_layer(label: str, layer: str | None, names: Sequence[str]) -> str:
    """Return the layer that is meant, or raise an error that lists those that exist."""
    if layer is None:
        if len(names) == 1:
            return names[0]
        raise InputError(Problem(label, WHICH_LAYER, {"layers": listed(names, most=30)}))
    if layer not in names:
        values: dict[str, object] = {
            "layer": layer,
            "layers": listed(names, most=30) or "-",
            "hint": hint(layer, names),
        }
        raise InputError(Problem(label, NO_LAYER, values))
    return layer


def reason_of(error: BaseException, *, path: Path | None = None) -> str:
    """Return what an exception says, on one short line, without the paths and advice of lower layers."""
    text = str(error).split("; It might help")[0].strip() or type(error).__name__
    text = re.sub(r"^\w*Exception: ", "", text)
    if path is not None:
        for form in (str(path.absolute()), str(path)):
            text = text.replace(form, path.name)
    return shown_long(text)


def shown_long(text: str) -> str:
    """Return the first 160 characters of ``text``."""
    return text if len(text) <= 160 else text[:159] + "…"


def wkb_fault(content: bytes | None) -> str | None:
    if content is None:
        return None
    try:
        shapely.from_wkb(content)
    except shapely.errors.ShapelyError as error:
        return reason_of(error)
    return None
