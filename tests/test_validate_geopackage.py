"""Faults as a GeoPackage: no fault is lost, the file keeps the standard's rules, and QGIS finds a style in it."""

from __future__ import annotations

import json
import sqlite3
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyogrio
import pyproj
import pytest
import shapely

from gridgeo.errors import InputError
from gridgeo.language import Message
from gridgeo.validate import CATALOGUE, ClaimResult, Fault, Report, validate_tiling

HOSTILE = "a<b>&\"\n'; DROP TABLE fault_points; --"
LAYERS = {"fault_points": "MultiPoint", "fault_lines": "MultiLineString", "fault_areas": "MultiPolygon"}
SHAPES = (
    shapely.box(0, 0, 10, 10),
    shapely.LineString([(0, 0), (30, 30)]),
    shapely.MultiPoint([(3, 4), (5, 6)]),
    shapely.GeometryCollection([shapely.box(40, 0, 50, 10), shapely.LineString([(50, 0), (60, 0)])]),
    None,
    shapely.LinearRing([(0, 0), (9, 0), (9, 9)]),
)


def one_of_each_kind() -> Report:
    """Every kind of fault in every severity, with every sort of geometry, and names that try to break out."""
    faults = [
        Fault(
            code, severity, "town", ("layer",), (HOSTILE, f"id {code}"), Message("{x} is wrong.", "{x} 有误。"),
            SHAPES[(k + turn) % len(SHAPES)], 12.5 if k % 2 else None, 0.5, None, {"x": HOSTILE},
        )
        for k, code in enumerate(CATALOGUE)
        for turn, severity in enumerate(("error", "warning", "info"))
    ]  # fmt: skip
    crs = pyproj.CRS("EPSG:32651")
    return Report([ClaimResult("town", ("layer",), faults, {"polygons": 3, "area": 1.0, "tolerance": 0.0})], crs, crs)


def overlapping(crs: str = "EPSG:4490") -> Report:
    shapes = [shapely.box(121.5, 31, 121.501, 31.001), shapely.box(121.5009, 31, 121.502, 31.001)]
    return validate_tiling(gpd.GeoDataFrame({"id": ["甲", "乙"]}, geometry=shapes, crs=crs), id_column="id")


@pytest.fixture(scope="module")
def every_kind(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return one_of_each_kind().to_gpkg(tmp_path_factory.mktemp("gpkg") / "faults.gpkg", "en")


@pytest.fixture
def tables(every_kind: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(every_kind)) as connection:
        yield connection


def test_every_fault_is_a_row_of_the_points_and_its_surface_and_lines_are_kept(every_kind: Path) -> None:
    records = one_of_each_kind().records
    points = gpd.read_file(every_kind, layer="fault_points")
    assert points["number"].tolist() == list(range(1, len(records) + 1))
    assert points["code"].tolist() == [fault.code for fault in records]
    for layer, dimension in (("fault_lines", 1), ("fault_areas", 2)):
        frame = gpd.read_file(every_kind, layer=layer).set_index("number")
        for number, fault in enumerate(records, 1):
            given = [] if fault.geometry is None else shapely.get_parts(fault.geometry).tolist()
            mine = [part for part in given if shapely.get_dimensions(part) == dimension]
            assert (number in frame.index) == bool(mine)
            if mine:
                assert shapely.equals(frame.geometry[number], shapely.union_all(mine))
    for place, fault in zip(points.geometry, records, strict=True):
        assert (place is None) == (fault.geometry is None)
        assert place is None or shapely.distance(place, fault.geometry) < 1e-9


def test_columns_are_those_of_the_record_and_lists_are_text_that_can_be_taken_apart(every_kind: Path) -> None:
    records = one_of_each_kind().records
    points = gpd.read_file(every_kind, layer="fault_points")
    assert set(points.columns) >= set(one_of_each_kind().faults.columns)
    for row, fault in zip(points.itertuples(), records, strict=True):
        assert json.loads(row.layers) == list(fault.layers)
        assert json.loads(row.features) == ["a<b>&\" '; DROP TABLE fault_points; --", f"id {fault.code}"]
        assert row.message == fault.message("en")
        assert row.kind == fault.kind.name.text("en")
    assert points["area"].dtype == float
    assert points["area"].isna().tolist() == [fault.area is None for fault in records]


def test_numbers_and_messages_are_those_of_the_language(tmp_path: Path) -> None:
    for language, kind, words in (("en", "overlap", "both cover"), ("zh", "重叠", "平方米")):
        frame = gpd.read_file(overlapping().to_gpkg(tmp_path / f"{language}.gpkg", language), layer="fault_areas")
        assert frame["kind"].tolist() == [kind]
        assert words in frame["message"][0]
        assert json.loads(frame["features"][0]) == ["甲", "乙"]


def test_the_file_keeps_the_rules_of_geopackage(tables: sqlite3.Connection) -> None:
    """The requirements of the core and of features, by their tables and columns."""

    def columns(table: str) -> list[str]:
        return [row[1] for row in tables.execute(f"PRAGMA table_info('{table}')")]

    (application,), (version,) = (tables.execute(f"PRAGMA {p}").fetchone() for p in ("application_id", "user_version"))
    assert application == 0x47504B47
    assert version >= 10200
    assert tables.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert tables.execute("PRAGMA foreign_key_check").fetchall() == []
    assert set(columns("gpkg_contents")) == {
        "table_name", "data_type", "identifier", "description", "last_change", "min_x", "min_y", "max_x", "max_y",
        "srs_id",
    }  # fmt: skip
    systems = {row[0] for row in tables.execute("SELECT srs_id FROM gpkg_spatial_ref_sys")}
    assert {-1, 0, 4326, 32651} <= systems
    contents = dict(tables.execute("SELECT table_name, data_type FROM gpkg_contents"))
    assert contents == dict.fromkeys(LAYERS, "features") | {"layer_styles": "attributes"}
    for table, identifier in tables.execute("SELECT table_name, identifier FROM gpkg_contents"):
        assert identifier
        (last_change,) = tables.execute(
            "SELECT last_change FROM gpkg_contents WHERE table_name = ?", (table,)
        ).fetchone()
        assert last_change == "2000-01-01T00:00:00.000Z"
        keys = [row for row in tables.execute(f"PRAGMA table_info('{table}')") if row[5]]
        assert [row[2] for row in keys] == ["INTEGER"], "one integer primary key"
    geometry = tables.execute(
        "SELECT table_name, column_name, geometry_type_name, srs_id, z, m FROM gpkg_geometry_columns"
    )
    for table, column, kind, system, z, m in geometry.fetchall():
        assert (kind, system, z, m) == (LAYERS[table].upper(), 32651, 0, 0)
        for (blob,) in tables.execute(f'SELECT "{column}" FROM "{table}" WHERE "{column}" IS NOT NULL'):
            assert blob[:3] == b"GP\x00"
            assert int.from_bytes(blob[4:8], "little" if blob[3] & 1 else "big") == 32651
    declared = {row[0] for row in tables.execute("SELECT DISTINCT extension_name FROM gpkg_extensions")}
    assert declared <= {"gpkg_rtree_index"}


def test_gdal_finds_the_layers_and_no_more(every_kind: Path) -> None:
    found = dict(pyogrio.list_layers(every_kind).tolist())
    assert found == {**LAYERS, "layer_styles": None}
    for layer in LAYERS:
        assert pyogrio.read_info(every_kind, layer=layer)["crs"] == "EPSG:32651"


def test_each_layer_has_one_default_style_in_the_table_that_qgis_reads(tables: sqlite3.Connection) -> None:
    declared = [(row[1], row[2]) for row in tables.execute("PRAGMA table_info('layer_styles')")]
    assert declared == [
        ("id", "INTEGER"), ("f_table_catalog", "TEXT(256)"), ("f_table_schema", "TEXT(256)"),
        ("f_table_name", "TEXT(256)"), ("f_geometry_column", "TEXT(256)"), ("styleName", "TEXT(30)"),
        ("styleQML", "TEXT"), ("styleSLD", "TEXT"), ("useAsDefault", "BOOLEAN"), ("description", "TEXT"),
        ("owner", "TEXT(30)"), ("ui", "TEXT(30)"), ("update_time", "DATETIME"),
    ]  # fmt: skip
    rows = tables.execute(
        "SELECT f_table_name, f_geometry_column, useAsDefault FROM layer_styles ORDER BY f_table_name"
    ).fetchall()
    assert rows == [(layer, "geom", 1) for layer in sorted(LAYERS)]


@pytest.mark.parametrize(
    ("layer", "form"), [("fault_points", "marker"), ("fault_lines", "line"), ("fault_areas", "fill")]
)
def test_the_style_has_a_rule_and_a_symbol_for_every_kind_of_every_severity(
    every_kind: Path, tables: sqlite3.Connection, layer: str, form: str
) -> None:
    (text,) = tables.execute("SELECT styleQML FROM layer_styles WHERE f_table_name = ?", (layer,)).fetchone()
    style = ElementTree.fromstring(text)
    assert style.tag == "qgis"
    symbols = {symbol.get("name"): symbol for symbol in style.findall("renderer-v2/symbols/symbol")}
    assert {symbol.get("type") for symbol in symbols.values()} == {form}
    ruled = []
    for group in style.findall("renderer-v2/rules/rule"):
        for rule in group.findall("rule"):
            assert rule.get("symbol") in symbols
            assert rule.get("label")
            ruled.append((group.get("filter"), rule.get("filter")))
    frame = gpd.read_file(every_kind, layer=layer)
    needed = {(f"\"severity\" = '{row.severity}'", f"\"code\" = '{row.code}'") for row in frame.itertuples()}
    assert set(ruled) == needed
    assert len(ruled) == len(needed)
    if layer == "fault_points":
        label = style.find("labeling/settings/text-style")
        assert label is not None
        assert '"number"' in str(label.get("fieldName"))
        assert label.get("isExpression") == "1"
    assert "DROP" not in text, "nothing of the data is in a style"


def test_colours_tell_severities_apart(tables: sqlite3.Connection) -> None:
    (text,) = tables.execute("SELECT styleQML FROM layer_styles WHERE f_table_name = 'fault_areas'").fetchone()
    style = ElementTree.fromstring(text)
    colours: dict[str, set[str]] = {}
    for group in style.findall("renderer-v2/rules/rule"):
        for rule in group:
            option = style.find(f"renderer-v2/symbols/symbol[@name='{rule.get('symbol')}']//Option[@name='color']")
            assert option is not None
            colours.setdefault(str(group.get("key")), set()).add(str(option.get("value")))
    assert [len(found) for found in colours.values()] == [1, 1, 1]
    assert len(set.union(*colours.values())) == 3


def test_the_same_report_gives_the_same_bytes(tmp_path: Path) -> None:
    first = one_of_each_kind().to_gpkg(tmp_path / "a" / "faults.gpkg", "en").read_bytes()
    again = tmp_path / "b" / "faults.gpkg"
    overlapping().to_gpkg(again, "en")
    assert one_of_each_kind().to_gpkg(again, "en").read_bytes() == first


def test_a_sound_report_is_a_file_without_faults(tmp_path: Path) -> None:
    sound = validate_tiling(gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 9, 9)], crs="EPSG:32651"))
    path = sound.to_gpkg(tmp_path / "faults.gpkg")
    assert len(gpd.read_file(path, layer="fault_points")) == 0


def test_a_system_without_code_is_kept(tmp_path: Path) -> None:
    own = pyproj.CRS("+proj=tmerc +lat_0=31 +lon_0=121.46 +x_0=50000 +y_0=40000 +ellps=krass +units=m +type=crs")
    frame = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 9, 9), shapely.box(8, 0, 17, 9)], crs=own)
    path = validate_tiling(frame).to_gpkg(tmp_path / "faults.gpkg")
    assert gpd.read_file(path, layer="fault_areas").crs.equals(own)


@pytest.mark.parametrize(
    ("name", "said"), [("faults.json", "ends in .gpkg"), ("town.gpkg", "holds other layers (grids)"), ("", "gpkg")]
)
def test_a_place_that_is_no_place_for_it_is_refused_and_left_alone(tmp_path: Path, name: str, said: str) -> None:
    town = tmp_path / "town.gpkg"
    gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 9, 9)], crs="EPSG:32651").to_file(town, layer="grids")
    before = town.read_bytes()
    with pytest.raises(InputError) as refused:
        overlapping().to_gpkg(tmp_path / name)
    assert said in refused.value.problems[0].text("en")
    assert town.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["town.gpkg"]


def test_a_table_without_geometry_counts_as_somebodys(tmp_path: Path) -> None:
    path = tmp_path / "people.gpkg"
    pyogrio.write_dataframe(pd.DataFrame({"name": ["张三"]}), path, layer="people")
    with pytest.raises(InputError):
        overlapping().to_gpkg(path)
    assert pyogrio.read_dataframe(path, layer="people", read_geometry=False)["name"].tolist() == ["张三"]


def test_a_file_that_is_no_map_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "faults.gpkg"
    path.write_text("notes")
    with pytest.raises(InputError):
        overlapping().to_gpkg(path)
    assert path.read_text() == "notes"


def test_what_goes_wrong_midway_leaves_the_earlier_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = overlapping().to_gpkg(tmp_path / "faults.gpkg")
    before = path.read_bytes()

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gridgeo.validate.geopackage._add_styles", full)
    with pytest.raises(InputError) as refused:
        one_of_each_kind().to_gpkg(path)
    assert "No space left on device" in refused.value.problems[0].text("en")
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_the_command_line_writes_it_and_asks_for_a_file(tmp_path: Path, gridgeo_command: Callable[..., Any]) -> None:
    layer, output = tmp_path / "grids.geojson", tmp_path / "faults.gpkg"
    shapes = [shapely.box(0, 0, 0.01, 0.01), shapely.box(0.009, 0, 0.02, 0.01)]
    gpd.GeoDataFrame(geometry=shapes, crs="EPSG:4326").to_file(layer)
    run = gridgeo_command("validate", layer, "--format", "gpkg", "--output", output)
    assert run.status == 1
    assert len(gpd.read_file(output, layer="fault_areas")) == 1
    missing = gridgeo_command("validate", layer, "--format", "gpkg")
    assert missing.status == 2
    assert missing.out == ""
    assert missing.err.count("\n") == 1
    assert "--output faults.gpkg" in missing.err
