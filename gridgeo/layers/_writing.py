"""Writing map files: whole or not at all, and the same bytes for the same table, in any process.

What would differ from run to run is fixed: dates, and the counters and free pages that SQLite keeps of a file's history
(the file is rewritten by ``VACUUM INTO``). FlatGeobuf is written without its spatial index, which would put features in
another order.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import geopandas as gpd
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError

from gridgeo._words import listed
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.layers._sources import check_name

_DRIVERS = {
    ".gpkg": "GPKG",
    ".parquet": "Parquet",
    ".geoparquet": "Parquet",
    ".fgb": "FlatGeobuf",
    ".geojson": "GeoJSON",
    ".shp": "ESRI Shapefile",
}
_EPOCH = "2000-01-01T00:00:00.000Z"
_WRITE_ERRORS = (DataSourceError, DataLayerError, ValueError, RuntimeError, TypeError, sqlite3.Error, ArithmeticError)

_BAD_SUFFIX = Message(
    "map files are written as {known}; choose one of these endings", "地图文件可写为 {known}；请选用其中一种扩展名"
)
_CANNOT_WRITE = Message(
    "can't be written ({reason}); choose another place or format", "无法写入（{reason}）；请换一个位置或格式"
)
_SAME_COLUMNS = Message(
    "the columns {columns} would have the same name in this format; rename them or write .gpkg",
    "字段 {columns} 在此格式中会重名；请改名或写为 .gpkg",
)
_NO_GEOMETRY = Message("the table has no geometry to write; give it one", "要写出的表没有几何图形；请先设置几何字段")
_NO_CRS_IN_GEOJSON = Message(
    "GeoJSON can't state the coordinate system {crs}; bring the layer to EPSG:4490 first, or write .gpkg",
    "GeoJSON 无法注明坐标系 {crs}；请先转换为 EPSG:4490，或写为 .gpkg",
)


def write_table(frame: gpd.GeoDataFrame, path: Path, *, layer: str | None) -> None:
    """Write ``frame`` to ``path``; see `gridgeo.layers.write_layer`."""
    suffix = path.suffix.lower()
    if suffix not in _DRIVERS:
        raise InputError(Problem(str(path), _BAD_SUFFIX, {"known": listed(_DRIVERS)}))
    if _DRIVERS[suffix] != "Parquet":
        check_name(path)
    _check(frame, path, suffix)
    name = layer or path.stem
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".gridgeo-") as folder:
            # the same file name as the target: formats keep their layer's or table's name in it
            temporary = Path(folder) / f"{path.stem}{suffix}"
            _write(frame, temporary, suffix, name, existing=path)
            if path.is_dir():
                raise IsADirectoryError(None, os.strerror(21))
            _put_in_place(temporary, path)
    except OSError as error:
        raise InputError(Problem(str(path), _CANNOT_WRITE, {"reason": error.strerror or str(error)})) from None
    except _WRITE_ERRORS as error:
        reason = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
        raise InputError(Problem(str(path), _CANNOT_WRITE, {"reason": reason})) from None


def _check(frame: gpd.GeoDataFrame, path: Path, suffix: str) -> None:
    if not isinstance(frame, gpd.GeoDataFrame) or frame.active_geometry_name is None:
        raise InputError(Problem(str(path), _NO_GEOMETRY))
    names = [str(column) for column in frame.columns if column != frame.geometry.name]
    if suffix == ".shp":
        # ten bytes of UTF-8 are kept, and case does not count
        short = {name: name.encode()[:10].decode("utf-8", "ignore").lower() for name in names}
    elif suffix == ".gpkg":
        short = {name: name.lower() for name in names}
    else:
        short = {name: name for name in names}
    counts = Counter(short[name] for name in names)
    if clashing := [name for name in names if counts[short[name]] > 1]:
        raise InputError(Problem(str(path), _SAME_COLUMNS, {"columns": listed(clashing)}))
    if suffix == ".geojson" and frame.crs is not None and frame.crs.to_authority() is None:
        raise InputError(Problem(str(path), _NO_CRS_IN_GEOJSON, {"crs": frame.crs.name}))


def _write(frame: gpd.GeoDataFrame, temporary: Path, suffix: str, name: str, *, existing: Path) -> None:
    if _DRIVERS[suffix] == "Parquet":
        frame.to_parquet(temporary, index=False)
        return
    options: dict[str, Any] = {}
    if suffix == ".gpkg":
        taken = [str(column) for column in frame.columns]
        options = {
            "dataset_options": {"VERSION": "1.2"},
            "layer_options": {"FID": _free("fid", taken), "GEOMETRY_NAME": _free("geom", taken), "IDENTIFIER": name},
        }
        # the layer alone is written anew, or else the file would remember how often it was written
        if existing.is_file() and (_gpkg_layers(existing) - {name}):
            shutil.copyfile(existing, temporary)
    elif suffix == ".fgb":
        options = {"layer_options": {"SPATIAL_INDEX": "NO"}}
    elif suffix == ".shp":
        options = {"encoding": "UTF-8", "layer_options": {"DBF_DATE_LAST_UPDATE": _EPOCH[:10]}}
    with _fixed_date(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        # the index is no column: pyogrio leaves it out
        pyogrio.write_dataframe(frame.reset_index(drop=True), temporary, layer=name, driver=_DRIVERS[suffix], **options)
    _refuse_losses(caught)
    if suffix == ".gpkg":
        _forget_history(temporary)


def _refuse_losses(caught: list[warnings.WarningMessage]) -> None:
    """Turn the driver's warnings of cut texts or numbers into errors; a shortened column name is none."""
    for warning in caught:
        text = str(warning.message)
        if isinstance(warning.message, RuntimeWarning) and ("truncated" in text or "not successfully written" in text):
            raise ValueError(text)


def _free(name: str, taken: list[str]) -> str:
    lower = {column.lower() for column in taken}
    while name in lower:
        name = f"gridgeo_{name}"
    return name


def _gpkg_layers(path: Path) -> set[str]:
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        return {row[0] for row in connection.execute("select table_name from gpkg_contents")}
    finally:
        connection.close()


def _forget_history(path: Path) -> None:
    clean = path.with_name("clean.gpkg")
    connection = sqlite3.connect(path)
    try:
        connection.execute("vacuum into ?", (str(clean),))
    finally:
        connection.close()
    connection = sqlite3.connect(clean)
    try:
        # the number of changes to the tables' definitions survives a vacuum; nobody else has the file open
        connection.execute("pragma schema_version = 1")
    finally:
        connection.close()
    clean.replace(path)


@contextmanager
def _fixed_date() -> Iterator[None]:
    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": _EPOCH})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})


def _put_in_place(temporary: Path, path: Path) -> None:
    """Move the finished file (a Shapefile: all its parts, the .shp last) to its place."""
    if path.suffix.lower() != ".shp":
        temporary.replace(path)
        return
    parts = sorted(part for part in temporary.parent.iterdir() if part != temporary)
    for part in parts:
        part.replace(path.with_suffix(part.suffix))
    temporary.replace(path)
    # indexes and metadata of the file that was there before tell of other features
    fresh = {part.suffix for part in parts}
    for suffix in {".qix", ".sbn", ".sbx", ".cpg", ".prj"} - fresh:
        path.with_suffix(suffix).unlink(missing_ok=True)
    Path(f"{path}.xml").unlink(missing_ok=True)
