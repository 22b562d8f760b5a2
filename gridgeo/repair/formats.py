"""Geometries exchanged inside the copy of a map file: a GeoPackage, GeoJSON or GeoParquet file stays all else.

Other layers, columns of any type, row numbers, styles, indexes and metadata are not even read. What a file says of the
extent of its features follows where it would no longer hold.
"""

from __future__ import annotations

import json
import sqlite3
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import shapely

from gridgeo.errors import InputError, Problem
from gridgeo.language import Message

Shapes = Mapping[str, shapely.Geometry | None]
"""Geometries by the ids of features; None for one that goes."""

_NOT_FEATURES = Message(
    "is no GeoJSON feature collection, which alone is written; save it as GeoJSON or GeoPackage",
    "不是 GeoJSON 要素集合，无法写入；请另存为 GeoJSON 或 GeoPackage",
)

# ---------------------------------------------------------------------------------------------------- GeoPackage


def edit_geopackage(copy: Path, layer: str, where: str | None, ids: list[str], shapes: Shapes) -> None:
    """Exchange geometries in one layer of a GeoPackage.

    Parameters
    ----------
    copy : Path
    layer : str
    where : str or None
        Which rows of the layer are meant.
    ids : list of str
        Of these rows, in the order of the file.
    shapes : mapping of str to Geometry
    """
    fids, _ = pyogrio.raw.read(
        copy.absolute(), layer=layer, where=where, columns=[], read_geometry=False, return_fids=True
    )[1::2]
    number = dict(zip(ids, (int(fid) for fid in fids), strict=True))
    connection = sqlite3.connect(copy)
    try:
        _know_envelopes(connection)
        column, system = connection.execute(
            "select column_name, srs_id from gpkg_geometry_columns where table_name = ?", (layer,)
        ).fetchone()
        (key,) = [row[1] for row in connection.execute(f"pragma table_info({_quoted(layer)})") if row[5]]
        for identifier, shape in shapes.items():
            row = (number[identifier],)
            if shape is None:
                connection.execute(f"delete from {_quoted(layer)} where {_quoted(key)} = ?", row)  # noqa: S608
            else:
                blob = (_geopackage_blob(shape, system),)
                update = f"update {_quoted(layer)} set {_quoted(column)} = ? where {_quoted(key)} = ?"  # noqa: S608
                connection.execute(update, (*blob, *row))
        _widen(connection, layer, [shape for shape in shapes.values() if shape is not None])
        connection.commit()
    finally:
        connection.close()


def _widen(connection: sqlite3.Connection, layer: str, shapes: list[shapely.Geometry]) -> None:
    """Widen what the file says of the layer's extent, where it says anything, so that it holds its features."""
    known = connection.execute(
        "select min_x, min_y, max_x, max_y from gpkg_contents where table_name = ?", (layer,)
    ).fetchone()
    if not shapes or known is None or None in known:
        return
    bounds = _joined(known, shapely.total_bounds(shapes).tolist())
    if bounds != list(known):
        update = "update gpkg_contents set min_x = ?, min_y = ?, max_x = ?, max_y = ? where table_name = ?"
        connection.execute(update, (*bounds, layer))


def _joined(one: Iterable[float], other: Iterable[float]) -> list[float]:
    """Return the box around two boxes."""
    pairs = list(zip(one, other, strict=True))
    return [min(pair) for pair in pairs[:2]] + [max(pair) for pair in pairs[2:]]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _geopackage_blob(shape: shapely.Geometry, system: int) -> bytes:
    """Return a geometry as a GeoPackage keeps it: a header with the reference system and the box, then WKB."""
    west, south, east, north = shape.bounds
    header = struct.pack("<2sBBi4d", b"GP", 0, 0b11, system, west, east, south, north)
    return header + bytes(shapely.to_wkb(shape, flavor="iso", byte_order=1))


def _know_envelopes(connection: sqlite3.Connection) -> None:
    """Teach SQLite the functions that the triggers of a spatial index call."""

    def bound(number: int) -> Any:
        return lambda blob: None if blob is None else shapely.from_wkb(_wkb_of(blob)).bounds[number]

    for number, name in enumerate(("ST_MinX", "ST_MinY", "ST_MaxX", "ST_MaxY")):
        connection.create_function(name, 1, bound(number), deterministic=True)
    connection.create_function(
        "ST_IsEmpty", 1, lambda blob: None if blob is None else int(shapely.from_wkb(_wkb_of(blob)).is_empty)
    )


def _wkb_of(blob: bytes) -> bytes:
    sizes = (0, 32, 48, 48, 64)
    return blob[8 + sizes[(blob[3] >> 1) & 0b111] :]


# ---------------------------------------------------------------------------------------------------- GeoJSON


def edit_geojson(copy: Path, ids: list[str], shapes: Shapes) -> None:
    """Exchange geometries in a GeoJSON file; boxes of features and of the file follow."""
    document = json.loads(copy.read_text(encoding="utf-8-sig"))
    if not isinstance(document, dict) or not isinstance(document.get("features"), list):
        raise InputError(Problem(str(copy.name), _NOT_FEATURES))
    kept = []
    for identifier, feature in zip(ids, document["features"], strict=True):
        shape = shapes.get(identifier)
        if shape is not None:
            feature["geometry"] = shapely.geometry.mapping(shape)
            if len(feature.get("bbox") or ()) == 4:
                feature["bbox"] = list(shape.bounds)
        if shape is not None or identifier not in shapes:
            kept.append(feature)
    document["features"] = kept
    new = [shape for shape in shapes.values() if shape is not None]
    if len(document.get("bbox") or ()) == 4 and new:
        document["bbox"] = _joined(document["bbox"], shapely.total_bounds(new).tolist())
    copy.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")


# ---------------------------------------------------------------------------------------------------- GeoParquet


def edit_parquet(copy: Path, ids: list[str], shapes: Shapes) -> bool:
    """Exchange geometries in a GeoParquet file, other columns and metadata stay; False where its encoding is another.

    Boxes of features (``covering``) and of the file follow.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pq.ParquetFile(copy)
    table, compression = file.read(), file.metadata.row_group(0).column(0).compression if len(ids) else "SNAPPY"
    file.close()
    metadata = dict(table.schema.metadata or {})
    geo = json.loads(metadata[b"geo"])
    primary = geo["primary_column"]
    column = geo["columns"][primary]
    if column.get("encoding") != "WKB":
        return False
    field = table.schema.field(primary)
    wkb = table.column(primary).to_pylist()
    for row, identifier in enumerate(ids):
        if shapes.get(identifier) is not None:
            wkb[row] = shapely.to_wkb(shapes[identifier], flavor="iso")
    at = table.schema.get_field_index(primary)
    table = table.set_column(at, field, pa.array(wkb, field.type))
    new = [shape for shape in shapes.values() if shape is not None]
    if new:
        if len(column.get("bbox") or ()) == 4:
            column["bbox"] = _joined(column["bbox"], shapely.total_bounds(new).tolist())
        types = column.get("geometry_types") or []
        if types:
            column["geometry_types"] = sorted({*types, *(f"{s.geom_type}{' Z' if s.has_z else ''}" for s in new)})
        table = _with_boxes(table, column, ids, shapes)
    kept = np.array([identifier not in shapes or shapes[identifier] is not None for identifier in ids], bool)
    table = table.filter(pa.array(kept)).replace_schema_metadata(metadata | {b"geo": json.dumps(geo).encode()})
    pq.write_table(table, copy, compression=compression)
    return True


def _with_boxes(table: Any, column: Mapping[str, Any], ids: list[str], shapes: Shapes) -> Any:
    """Return a table whose column of boxes, if it has one, tells those of the new geometries."""
    import pyarrow as pa

    paths = column.get("covering", {}).get("bbox", {})
    name = next((path[0] for path in paths.values()), None)
    if name is None or name not in table.schema.names:
        return table
    boxes = table.column(name).to_pylist()
    for row, identifier in enumerate(ids):
        shape = shapes.get(identifier)
        if shape is not None:
            west, south, east, north = shape.bounds
            new = {"xmin": west, "ymin": south, "xmax": east, "ymax": north}
            # boxes of single precision are rounded outwards, or a search would miss the feature
            single = pa.types.is_float32(table.schema.field(name).type.field(0).type)
            boxes[row] = {key: _outwards(value, key, single) for key, value in new.items()}
    field = table.schema.field(name)
    return table.set_column(table.schema.get_field_index(name), field, pa.array(boxes, field.type))


def _outwards(value: float, key: str, single: bool) -> float:
    if not single:
        return value
    near = np.float32(value)
    if key.endswith("min") and near > value:
        near = np.nextafter(near, np.float32(-np.inf))
    if key.endswith("max") and near < value:
        near = np.nextafter(near, np.float32(np.inf))
    return float(near)
