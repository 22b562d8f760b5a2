"""The report as a GeoPackage: areas, lines and points of the faults, which opens styled in QGIS.

Every fault is a row of ``fault_points``, so that none is lost however small it is; its surface and its lines stand in
``fault_areas`` and ``fault_lines`` under the same number. The styles lie in the table ``layer_styles``, in the form in
which QGIS writes it. The file is put together beside its place and moved there when it is whole; the same report gives
the same bytes.
"""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyproj
import shapely

from gridgeo.errors import InputError, Problem
from gridgeo.language import Language, Message, one_line
from gridgeo.layers import write_layer
from gridgeo.validate.faults import CATALOGUE
from gridgeo.validate.qml import Form, style

POINTS, LINES, AREAS = "fault_points", "fault_lines", "fault_areas"
# the order in which QGIS lists them, and so draws the last lowest
_FORMS: dict[str, Form] = {POINTS: "marker", LINES: "line", AREAS: "fill"}
_NUMBERS = ("area", "width", "length")
_STYLES = """
CREATE TABLE "layer_styles" ("id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, "f_table_catalog" TEXT(256),
 "f_table_schema" TEXT(256), "f_table_name" TEXT(256), "f_geometry_column" TEXT(256), "styleName" TEXT(30),
 "styleQML" TEXT, "styleSLD" TEXT, "useAsDefault" BOOLEAN, "description" TEXT, "owner" TEXT(30), "ui" TEXT(30),
 "update_time" DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')));
"""
_DATE = "2000-01-01T00:00:00.000Z"

_NOT_GPKG = Message(
    "a GeoPackage ends in .gpkg; name such a file to write the faults to",
    "GeoPackage 文件以 .gpkg 结尾；请为问题图层指定这样的文件",
)
_SOMEBODYS = Message(
    "the file holds other layers ({layers}), which the report would replace; name another file",
    "该文件含有其他图层（{layers}），会被报告覆盖；请换一个文件",
)
_CANNOT_WRITE = Message(
    "can't be written ({reason}); choose another place or free it", "无法写入（{reason}）；请换一个位置或解除占用"
)


def write_geopackage(
    rows: Sequence[Mapping[str, Any]],
    geometries: Sequence[shapely.Geometry | None],
    path: str | Path,
    *,
    crs: pyproj.CRS,
    language: Language | None = None,
) -> Path:
    """Write faults to a GeoPackage of their own.

    Parameters
    ----------
    rows : sequence of mapping
        The records of the faults in the order of the report, as in the schema ``gridgeo-report/1``.
    geometries : sequence of Geometry or None
        Of each fault, in ``crs``. A fault without one is a row of ``fault_points`` without a place.
    path : str or Path
        A report that is there already is replaced; a file with any other layer is not.
    crs : pyproj.CRS
    language : {"en", "zh"}, optional
        Of names, labels and legends.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        When the place can't be written, is no ``.gpkg`` or is somebody's map.
    """
    path = Path(path)
    _check_place(path)
    table = _table(rows, language)
    parts = {layer: [_part_for(layer, geometry) for geometry in geometries] for layer in _FORMS}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".gridgeo-") as folder:
            temporary = Path(folder) / path.name
            written = []
            for layer, shapes in parts.items():
                frame = gpd.GeoDataFrame(table, geometry=gpd.GeoSeries(shapes, index=table.index, crs=crs))
                if layer != POINTS:  # which holds every fault, the other layers what has a surface or a length
                    frame = frame[frame.geometry.notna()]
                if layer == POINTS or len(frame):
                    write_layer(frame, temporary, layer=layer)
                    written.append((layer, frame))
            _add_styles(temporary, {layer: style(frame, _FORMS[layer], language) for layer, frame in written})
            temporary.replace(path)
    except OSError as error:
        raise InputError(Problem(str(path), _CANNOT_WRITE, {"reason": error.strerror or str(error)})) from None
    return path


def _check_place(path: Path) -> None:
    if path.suffix.lower() != ".gpkg":
        raise InputError(Problem(str(path), _NOT_GPKG))
    if path.is_dir():
        raise InputError(Problem(str(path), _CANNOT_WRITE, {"reason": os.strerror(21)}))
    if path.exists() and (others := sorted(_tables(path) - {*_FORMS, "layer_styles"})):
        raise InputError(Problem(str(path), _SOMEBODYS, {"layers": ", ".join(others)}))


def _tables(path: Path) -> set[str]:
    """Return the names of all that a GeoPackage holds, tables without geometry too."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return {name for (name,) in connection.execute("SELECT table_name FROM gpkg_contents")}
    except sqlite3.Error as error:
        raise InputError(Problem(str(path), _CANNOT_WRITE, {"reason": str(error)})) from None


def _table(rows: Sequence[Mapping[str, Any]], language: Language | None) -> pd.DataFrame:
    """Return the records as columns that a map file can hold: lists as JSON, numbers as numbers even where none is."""
    columns = ("code", "detail", "severity", "claim", "layers", "features", *_NUMBERS, "iso19157", "message", "action")
    table = pd.DataFrame([{key: row[key] for key in (*columns, "exception")} for row in rows])
    table = table.reindex(columns=[*columns, "exception"])
    for key in ("layers", "features"):
        table[key] = [_text_list(row[key]) for row in rows]
    for key in ("claim", "message", "action", "exception"):
        table[key] = [None if row[key] is None else one_line(row[key]) for row in rows]
    for key in _NUMBERS:
        table[key] = pd.to_numeric(table[key]).astype(float)
    table["iso19157"] = pd.array(table["iso19157"].tolist(), dtype="Int64")
    table.insert(0, "number", range(1, len(table) + 1))
    table.insert(1, "kind", [CATALOGUE[row["code"]].name.text(language) for row in rows])
    return table


def _text_list(values: Sequence[str]) -> str:
    return json.dumps([one_line(value) for value in values], ensure_ascii=False)


def _part_for(layer: str, geometry: shapely.Geometry | None) -> shapely.Geometry | None:
    """Return the part of a geometry that a layer shows, as a Multi geometry; for points at least one point on it."""
    if geometry is None or geometry.is_empty:
        return None
    flat = shapely.force_2d(geometry)
    parts = [flat]
    while any(hasattr(part, "geoms") for part in parts):
        parts = [piece for part in parts for piece in getattr(part, "geoms", [part])]
    of_dimension = [[part for part in parts if shapely.get_dimensions(part) == size] for size in range(3)]
    if layer == AREAS:
        return shapely.MultiPolygon(of_dimension[2]) if of_dimension[2] else None
    if layer == LINES:
        lines = [shapely.LineString(line.coords) for line in of_dimension[1]]
        return shapely.MultiLineString(lines) if lines else None
    return shapely.MultiPoint(of_dimension[0] or [shapely.point_on_surface(flat)])


def _add_styles(path: Path, styles: Mapping[str, str]) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(_STYLES)
        connection.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, last_change, srs_id)"
            " VALUES ('layer_styles', 'attributes', 'layer_styles', '', ?, 0)",
            (_DATE,),
        )
        for number, (layer, qml) in enumerate(styles.items(), 1):
            (column,) = connection.execute(
                "SELECT column_name FROM gpkg_geometry_columns WHERE table_name = ?", (layer,)
            ).fetchone()
            row = (number, "", "", layer, column, layer, qml, "", 1, "gridgeo", "", None, _DATE)
            connection.execute(f"INSERT INTO layer_styles VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608
