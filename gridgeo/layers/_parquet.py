"""Reading GeoParquet files, which the map library of the other formats is not built for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyproj
import shapely

from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.layers._table import (
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

_NO_WHERE = Message(
    "GeoParquet files can't be filtered by where; leave it out or convert the file to GeoPackage",
    "GeoParquet 文件不支持 where 筛选；请去掉该项或转换为 GeoPackage",
)


def _parquet_schema(path: Path) -> tuple[Any, dict[str, Any]]:
    """Return the file's Arrow file object and its GeoParquet metadata."""
    import pyarrow as pa
    import pyarrow.parquet

    try:
        file = pyarrow.parquet.ParquetFile(path)
        metadata = file.schema_arrow.metadata or {}
        geo = json.loads(metadata.get(b"geo", b"null"))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(Problem(str(path), NO_MAP_DATA, {"reason": reason_of(error, path=path)})) from None
    if not isinstance(geo, dict) or "primary_column" not in geo or geo["primary_column"] not in geo.get("columns", {}):
        reason = Message("a Parquet table without geometry", "不含几何图形的 Parquet 表").text()
        raise InputError(Problem(str(path), NO_MAP_DATA, {"reason": reason}))
    return file, geo


def _parquet_crs(geo: dict[str, Any]) -> pyproj.CRS | None:
    # the key left out means longitude and latitude; null means that nobody knows
    given = geo["columns"][geo["primary_column"]].get("crs", "OGC:CRS84")
    return pyproj.CRS.from_user_input(given) if given else None


def parquet_info(path: Path) -> LayerInfo:
    """Return what the file's one layer is."""
    file, geo = _parquet_schema(path)
    types = geo["columns"][geo["primary_column"]].get("geometry_types") or []
    columns = tuple(name for name in file.schema_arrow.names if name not in geo["columns"])
    return LayerInfo(
        path.stem, types[0] if len(types) == 1 else "Unknown", file.metadata.num_rows, columns, _parquet_crs(geo)
    )


def read_parquet(
    path: Path, *, layer: str | None, columns: Sequence[str] | None, extra: Sequence[str], where: str | None
) -> Table:
    """Read the file's one layer; see `gridgeo.layers._sources.read_file`."""
    import pyarrow as pa

    label = str(path)
    if where:
        raise InputError(Problem(label, _NO_WHERE))
    file, geo = _parquet_schema(path)
    primary = str(geo["primary_column"])
    choose_layer(label, layer if layer is not None else path.stem, [path.stem])
    known = [name for name in file.schema_arrow.names if name not in geo["columns"]]
    wanted = list(dict.fromkeys([*(columns or ()), *extra]))
    if problems := missing_columns(label, wanted, known):
        raise InputError(problems)
    fields = [primary, *(known if columns is None else wanted)]
    unreadable: dict[int, str] = {}
    try:
        try:
            frame = gpd.read_parquet(path, columns=fields)
        except shapely.errors.ShapelyError:
            table = file.read(columns=fields)
            raw = table.column(primary).to_pylist()
            unreadable = {place: text for place, content in enumerate(raw) if (text := wkb_fault(content)) is not None}
            geometry = shapely.from_wkb(np.array(raw, dtype=object), on_invalid="ignore")
            attributes = table.drop_columns([primary]).to_pandas()
            frame = gpd.GeoDataFrame(attributes, geometry=geometry, crs=_parquet_crs(geo))
    except (pa.ArrowException, *READ_ERRORS) as error:
        raise InputError(Problem(label, CANNOT_READ, {"reason": reason_of(error, path=path)})) from None
    frame = frame.reset_index(drop=True)
    if frame.geometry.name != "geometry" and "geometry" not in frame.columns:
        frame = frame.rename_geometry("geometry")
    return Table(label, path.stem, frame, unreadable)
