"""Which block a point lies in: answers agree with shapely, in every system that people's coordinates come in."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridgeo.crs import wgs84_to_bd09, wgs84_to_gcj02
from gridgeo.errors import InputError
from gridgeo.language import use_language
from gridgeo.layers import Layer
from gridgeo.locate import Location, Points, locate_points, one_point, read_points
from gridgeo.locate.text import to_csv, to_json, to_text
from gridgeo.town import Consistency
from tests.conftest import Run
from tests.render_towns import CRS, blocks_frame, make_town, place, square

TOWN = make_town()
_TO_DEGREES = pyproj.Transformer.from_crs(CRS, 4490, always_xy=True)


def at(x: float, y: float) -> Location:
    """Return where a place of the little town lies, in metres from its corner."""
    return locate_points(TOWN, one_point(TOWN, *place(x, y)).geometry)[0]


def degrees(x: float, y: float) -> tuple[float, float]:
    longitude, latitude = _TO_DEGREES.transform(*place(x, y))
    return float(longitude), float(latitude)


def test_a_point_in_a_block_is_told_with_its_grid() -> None:
    found = at(700, 150)
    assert found.place == "inside"
    assert [(unit.code, unit.name, unit.grid) for unit in found.blocks] == [
        ("310112999004001", "光华产业园", "310112999004")
    ]
    assert [(unit.layer, unit.kind, unit.code) for unit in found.grids] == [("zones", "extended", "310112999004")]
    assert (found.longitude, found.latitude) == pytest.approx(degrees(700, 150), abs=1e-7)
    assert (found.nearest, found.distance) == (None, 0.0)


def test_a_point_on_a_border_belongs_to_both_sides_and_a_corner_to_all() -> None:
    assert [unit.code for unit in at(250, 500).blocks] == ["310112999001001", "310112999001002"]
    assert at(250, 500).place == at(250.09, 500).place == "border"
    assert at(250.2, 500).place == "inside"
    corner = at(500, 320)
    assert [unit.code[-6:] for unit in corner.blocks] == ["001002", "002001", "005001"]
    assert {unit.layer for unit in corner.grids} == {"communities", "streets"}
    edge = at(0, 100)
    assert (edge.place, len(edge.blocks)) == ("border", 1), "the border of the town"


def test_a_point_outside_is_told_how_far_the_nearest_block_is() -> None:
    found = at(450, 900)
    assert (found.place, found.blocks, found.grids) == ("outside", (), ())
    assert found.nearest is not None
    assert found.nearest.name == "杜行居委会 第2责任块"
    assert found.distance == pytest.approx(200, abs=0.01)


@given(st.lists(st.tuples(st.floats(-200, 1100), st.floats(-200, 900)), min_size=1, max_size=20))
@settings(max_examples=60, deadline=None)
def test_answers_agree_with_shapely(pairs: list[tuple[float, float]]) -> None:
    frame = blocks_frame()
    points = gpd.GeoSeries([shapely.Point(place(*pair)) for pair in pairs], crs=CRS)
    for point, found in zip(points, locate_points(TOWN, points), strict=True):
        near = [code for code, shape in zip(frame["code"], frame.geometry, strict=True) if shape.distance(point) <= 0.1]
        assert [unit.code for unit in found.blocks] == sorted(near)
        least = min(shape.distance(point) for shape in frame.geometry)
        assert found.distance == pytest.approx(least if least > 0.1 else 0, abs=0.01)
        assert (found.place == "outside") == (not near)


@pytest.mark.parametrize("system", ["EPSG:4490", "EPSG:4326", "GCJ-02", "bd09", "EPSG:4549", None])
def test_coordinates_of_any_system_find_the_same_block(system: str | None) -> None:
    x, y = degrees(700, 150)
    if system == "GCJ-02":
        x, y = (float(value) for value in wgs84_to_gcj02(x, y))
    elif system == "bd09":
        x, y = (float(value) for value in wgs84_to_bd09(x, y))
    elif system == "EPSG:4549":
        x, y = pyproj.Transformer.from_crs(4490, 4549, always_xy=True).transform(x, y)
    (found,) = locate_points(TOWN, one_point(TOWN, x, y, crs=system).geometry)
    assert [unit.name for unit in found.blocks] == ["光华产业园"]
    assert (found.longitude, found.latitude) == pytest.approx(degrees(700, 150), abs=1e-7)


def test_blocks_that_overlap_are_all_told() -> None:
    frame = blocks_frame()
    frame.loc[frame.index[0], "geometry"] = square(0, 320, 300, 700)
    town = replace(TOWN, blocks=Layer("blocks", frame, "code", "name"))
    (found,) = locate_points(town, one_point(town, *place(275, 500)).geometry)
    assert (found.place, len(found.blocks)) == ("overlap", 2)


def test_before_blocks_are_drafted_grids_answer() -> None:
    town = replace(TOWN, blocks=None)
    (inside,) = locate_points(town, one_point(town, *place(100, 500)).geometry)
    assert (inside.place, inside.blocks) == ("inside", ())
    assert [unit.name for unit in inside.grids] == ["杜行居委会"]
    (outside,) = locate_points(town, one_point(town, *place(450, 900)).geometry)
    assert outside.nearest is not None
    assert outside.nearest.layer == "communities"
    with pytest.raises(InputError, match=r"gridgeo\.toml"):
        locate_points(replace(town, layers={}), one_point(town, *place(1, 1)).geometry)


def test_professional_grids_are_told_too() -> None:
    areas = gpd.GeoDataFrame({"code": ["P1"], "name": ["保洁一片"]}, geometry=[square(0, 0, 900, 320)], crs=CRS)
    cleaning = Layer("cleaning", areas, "code", "name")
    claim = Consistency("cleaning", "cleaning", ("blocks",))
    town = replace(TOWN, layers={**TOWN.layers, "cleaning": cleaning}, claims=(claim,))
    (found,) = locate_points(town, one_point(town, *place(100, 100)).geometry)
    assert [(unit.layer, unit.kind, unit.name) for unit in found.grids] == [
        ("villages", "village", "永丰村委会"),
        ("cleaning", "", "保洁一片"),
    ]


def test_in_a_street_block_the_nearest_section_is_told() -> None:
    lines = [shapely.LineString([place(x, 310), place(x + 450, 310)]) for x in (0, 450)]
    frame = gpd.GeoDataFrame({"code": ["S1", "S2"], "block": "310112999005001"}, geometry=lines, crs=CRS)
    town = replace(TOWN, sections=Layer("sections", frame, "code"))
    points = gpd.GeoSeries(shapely.points([place(100, 305), place(800, 315), place(700, 150)]), crs=CRS)
    found = locate_points(town, points)
    assert [location.section.code if location.section else None for location in found] == ["S1", "S2", None]
    names = Points(("a", "b", "c"), points)
    with use_language("en"):
        assert to_text(names, found).count("  section: S") == 2
    assert [row["section"] for row in csv.DictReader(io.StringIO(to_csv(names, found)))] == ["S1", "S2", ""]


# ------------------------------------------------------------------------------------------------------- tables


def table(folder: Path, text: str, name: str = "points.csv", encoding: str = "utf-8") -> Path:
    (folder / name).write_bytes(text.encode(encoding))
    return folder / name


@pytest.mark.parametrize(
    ("header", "encoding"), [("id,lon,lat", "utf-8"), ("编号,经度,纬度", "gbk"), ("id;Longitude;LATITUDE", "utf-8-sig")]
)
def test_tables_are_read_with_the_headers_that_people_write(tmp_path: Path, header: str, encoding: str) -> None:
    x, y = degrees(700, 150)
    mark = ";" if ";" in header else ","
    points = read_points(TOWN, table(tmp_path, f"{header}\n{mark.join(['A1', str(x), str(y)])}\n", encoding=encoding))
    assert points.names == ("A1",)
    (found,) = locate_points(TOWN, points.geometry)
    assert found.blocks[0].name == "光华产业园"


def test_rows_without_coordinates_are_named_all_at_once(tmp_path: Path) -> None:
    path = table(tmp_path, "id,x,y\n1,121.5,31\n2,,31\n3,abc,31\n4,121.5,nan\n")
    with pytest.raises(InputError) as refused:
        read_points(TOWN, path)
    texts = [problem.text("en") for problem in refused.value.problems]
    assert [any(f"line {line}" in text for text in texts) for line in (2, 3, 4, 5)] == [False, True, True, True]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("id,a,b\n1,2,3\n", "columns"),
        ("", "no rows"),
        ("lon,lat\n", "no rows"),
        ("lon,lat\n500000,99\n", "nowhere|no degrees"),
    ],
)
def test_a_table_that_cannot_be_used_is_told(tmp_path: Path, content: str, words: str) -> None:
    town = replace(TOWN, crs=pyproj.CRS(4490))
    with use_language("en"), pytest.raises(InputError, match=words):
        read_points(town, table(tmp_path, content))


def test_map_files_of_points_are_read_and_others_refused(tmp_path: Path) -> None:
    points = gpd.GeoDataFrame({"name": ["甲"]}, geometry=[shapely.Point(place(700, 150))], crs=CRS)
    points.to_file(tmp_path / "points.gpkg")
    read = read_points(TOWN, tmp_path / "points.gpkg")
    assert read.names == ("甲",)
    assert locate_points(TOWN, read.geometry)[0].blocks[0].name == "光华产业园"
    blocks_frame().to_file(tmp_path / "blocks.gpkg")
    with use_language("en"), pytest.raises(InputError, match="Polygon"):
        read_points(TOWN, tmp_path / "blocks.gpkg")


# ------------------------------------------------------------------------------------------------------- answers


def some() -> tuple[Points, list[Location]]:
    places = [place(700, 150), place(250, 500), place(450, 900), place(-5000, 100)]
    points = Points(("a", "b", "c", "d"), gpd.GeoSeries(shapely.points(places), crs=CRS))
    return points, locate_points(TOWN, points.geometry)


def test_people_read_sentences_in_their_language() -> None:
    with use_language("en"):
        english = to_text(*some())
    with use_language("zh"):
        chinese = to_text(*some())
    for line in (
        "a: in 光华产业园 (310112999004001)",
        "  extended grid: 光华产业园 (310112999004), layer zones",
        "b: on the border of 杜行居委会 第1责任块 (310112999001001), 杜行居委会 第2责任块 (310112999001002)",
        "c: in no block; the nearest is 杜行居委会 第2责任块 (310112999001002), 200.0 m away",
        "5.0 km away",
    ):
        assert line in english
    for line in ("a：位于 光华产业园", "b：位于边界上", "c：不在任何责任块内", "相距 200.0 米", "拓展网格：光华产业园"):
        assert line in chinese


def test_programs_read_the_same_bytes_each_time() -> None:
    assert to_json(*some()) == to_json(*some())
    said = json.loads(to_json(*some()))
    assert said["schema"] == "gridgeo-location/1"
    assert [row["place"] for row in said["points"]] == ["inside", "border", "outside", "outside"]
    assert said["points"][0]["blocks"][0] == {
        "layer": "blocks",
        "kind": "extended",
        "code": "310112999004001",
        "name": "光华产业园",
        "grid": "310112999004",
    }
    assert said["points"][2]["nearest"]["code"] == "310112999001002"


def test_a_table_keeps_its_columns_and_holds_no_formula(tmp_path: Path) -> None:
    x, y = degrees(700, 150)
    rows = f'id,lon,lat,note,place\n1,{x},{y},"=HYPERLINK(""http://x"")",east\n-2,{x},{y},@SUM(1),-1+1\n'
    points = read_points(TOWN, table(tmp_path, rows))
    frame = blocks_frame()
    frame["name"] = "+1+1"
    town = replace(TOWN, blocks=Layer("blocks", frame, "code", "name"))
    read = list(csv.DictReader(io.StringIO(to_csv(points, locate_points(town, points.geometry)))))
    assert [row["note"] for row in read] == ['\'=HYPERLINK("http://x")', "'@SUM(1)"]
    assert [row["place"] for row in read] == ["east", "'-1+1"]
    assert {row["gridgeo_place"] for row in read} == {"inside"}
    assert {row["block_name"] for row in read} == {"'+1+1"}
    assert {row["block"] for row in read} == {"310112999004001"}
    assert [row["id"] for row in read] == ["1", "-2"], "a negative number is no formula"


def test_many_points_are_quick() -> None:
    import time

    random = np.random.default_rng(2)
    places = np.column_stack([random.uniform(0, 900, 20_000), random.uniform(0, 700, 20_000)]) + place(0, 0)
    begun = time.process_time()
    found = locate_points(TOWN, gpd.GeoSeries(shapely.points(places), crs=CRS))
    assert len(found) == 20_000
    assert time.process_time() - begun < 20


# ------------------------------------------------------------------------------------------------------- the command


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("town")
    square_grid = gpd.GeoDataFrame({"code": ["G1"]}, geometry=[shapely.box(-80.3, 43.5, -80.2, 43.6)], crs=4326)
    square_grid.to_file(folder / "town.gpkg", layer="grids")
    (folder / "gridgeo.toml").write_text(
        '[town]\nname = "Town"\n[layers.grids]\nfile = "town.gpkg"\nid = "code"\nkind = "extended"\n', encoding="utf-8"
    )
    return folder


def test_the_command_answers_and_says_by_its_status_whether_all_were_found(
    gridgeo_command: Callable[..., Run], project: Path, tmp_path: Path
) -> None:
    run = gridgeo_command("locate", str(project), "-80.25", "43.55")
    assert (run.status, run.out) == (0, "-80.25, 43.55: in G1 (no blocks yet)\n  extended grid: G1, layer grids\n")
    run = gridgeo_command("locate", str(project), "-80.25", "43.7", "--format", "json")
    assert run.status == 1
    assert json.loads(run.out)["points"][0]["place"] == "outside"
    points = table(tmp_path, "lon,lat\n-80.25,43.55\n-80.2,43.55\n")
    run = gridgeo_command(
        "locate", str(project), "--file", str(points), "--format", "csv", "-o", str(tmp_path / "a.csv")
    )
    assert (run.status, run.out) == (0, "")
    written = (tmp_path / "a.csv").read_text(encoding="utf-8-sig")
    assert [row["place"] for row in csv.DictReader(io.StringIO(written))] == ["inside", "border"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "give X and Y"),
        (["1"], "give X and Y"),
        (["1", "2", "--file", "x.csv"], "not both"),
        (["--file", "missing.csv"], "no such file"),
        (["500000", "3400000"], "no degrees"),
        (["1", "2", "--crs", "EPSG:1"], "no coordinate system"),
        (["1", "two"], "'Y'"),
    ],
)
def test_what_the_command_cannot_do_is_said_in_one_line(
    gridgeo_command: Callable[..., Run], project: Path, arguments: list[str], words: str
) -> None:
    run = gridgeo_command("--lang", "en", "locate", str(project), *arguments)
    assert run.status == 2
    assert run.out == ""
    assert words in run.err
    assert len(run.err.splitlines()) == 1
