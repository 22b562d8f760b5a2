"""A town project is read whole: what is right arrives typed, what is wrong is said in one line each, all at once."""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gridgeo.errors import InputError
from gridgeo.layers import Layer, read_layer
from gridgeo.network import RANKS
from gridgeo.town import Nesting, Tiling, Town, read_town

METRES = "EPSG:4549"  # Gauss-Krueger, central meridian 120 E


def square(column: int, row: int = 0, *, size: float = 100.0) -> shapely.Polygon:
    x, y = 500_000 + column * size, 3_440_000 + row * size
    return shapely.box(x, y, x + size, y + size)


def line(*points: tuple[float, float]) -> shapely.LineString:
    return shapely.LineString([(500_000 + x, 3_440_000 + y) for x, y in points])


def write(
    path: Path,
    geometry: list[shapely.Geometry],
    table: str | None = None,
    crs: str | None = METRES,
    **columns: Sequence[object],
) -> None:
    frame = gpd.GeoDataFrame(columns, geometry=geometry, crs=crs)
    frame.to_file(path, **({"layer": table} if table else {}))


TOML = """
[town]
name = "示例镇"
code = "310112114"
extent = "town"
watermark = "示例数据"

[layers.town]
file = "town.gpkg"
layer = "town"
id = "code"

[layers.communities]
file = "town.gpkg"
layer = "communities"
id = "code"
name = "name"
kind = "residential"

[layers.villages]
file = "村 'a'.geojson"
id = "code"
kind = "village"

[layers.addresses]
file = "town.gpkg"
layer = "addresses"

[barriers.roads]
file = "town.gpkg"
layer = "roads"
name = "name"
rank_column = "class"
ranks = { primary = "main-road", residential = "lane", footway = "none" }
bridge = "bridge"
tunnel = "tunnel"
level = "layer"

[barriers.rivers]
file = "rivers.gpkg"
rank = "river"

[claims.town]
tiling = ["communities", "villages"]
within = "town"
tolerance = 0.01

[claims.blocks]
nesting = "blocks"
within = ["communities", "villages"]
parent_column = "grid"

[workload.population]
layer = "addresses"
column = "population"

[partition]
layers = ["communities"]
count = 2
output = "blocks.gpkg"

[[people.rows]]
unit = "310112114001"
role = "块长"
name = "张三"

[notice]
issuer = "示例镇网格化管理中心"
date = 2026-11-01
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sound town of four grids in a row, in a folder with blanks, quotes and Chinese in its name."""
    folder = tmp_path / '示例 镇\'s "a"'
    folder.mkdir()
    town = folder / "town.gpkg"
    write(town, [shapely.union_all([square(column) for column in range(4)])], "town", code=["310112114"])
    write(
        town,
        [square(0), square(1)],
        "communities",
        code=["310112114001", "310112114002"],
        name=["甲居委", "乙居委"],
    )
    villages = gpd.GeoDataFrame({"code": ["310112114201", "310112114202"]}, geometry=[square(2), square(3)], crs=METRES)
    villages.to_crs(4490).to_file(folder / "村 'a'.geojson", COORDINATE_PRECISION=15)
    points = [shapely.Point(500_050, 3_440_050), shapely.Point(500_150, 3_440_050)]
    write(town, points, "addresses", population=[120, 80])
    write(
        town,
        [
            line((0, 50), (400, 50)),
            line((50, 0), (50, 100)),
            line((60, 0), (60, 100)),
            shapely.MultiLineString([line((70, 0), (70, 100)), line((80, 0), (80, 100))]),
            line((90, 0), (90, 100)),
            line((95, 0), (95, 100)),
        ],
        "roads",
        name=["大道", None, None, "小路", None, None],
        **{"class": ["primary", "residential", "footway", "residential", "track", "residential"]},
        bridge=["viaduct", "no", None, "0", None, None],
        tunnel=[None, "F", None, "yes", None, "building_passage"],
        layer=["2", None, None, None, None, None],
    )
    write(folder / "rivers.gpkg", [shapely.MultiPolygon([square(0, 3), square(2, 3)])])
    (folder / "gridgeo.toml").write_text(TOML, encoding="utf-8")
    return folder


def change(folder: Path, *pairs: tuple[str, str]) -> None:
    """Change the project file of ``folder``; every text to be replaced must be there."""
    path = folder / "gridgeo.toml"
    text = path.read_text(encoding="utf-8")
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


def complaints(path: Path, language: str = "en") -> list[str]:
    with pytest.raises(InputError) as caught:
        read_town(path)
    lines = [problem.text(language) for problem in caught.value.problems]  # type: ignore[arg-type]
    for text in lines:
        assert "\n" not in text
        assert "Traceback" not in text
        assert "pydantic" not in text
    return lines


# ------------------------------------------------------------------------------------------------ what is right


def test_a_sound_town_arrives_whole_and_typed(folder: Path) -> None:
    town = read_town(folder)
    assert (town.name, town.code, town.watermark) == ("示例镇", "310112114", "示例数据")
    assert town.path == folder / "gridgeo.toml"
    assert list(town.layers) == ["town", "communities", "villages", "addresses"]
    assert town.extent is town.layers["town"]
    assert town.layers["villages"].kind == "village"
    assert list(town.layers["communities"].names) == ["甲居委", "乙居委"]
    assert [layer.name for layer in town.grids] == ["communities", "villages"]
    assert town.claims == (
        Tiling("town", ("communities", "villages"), "town", 0.01),
        Nesting("blocks", "blocks", ("communities", "villages"), "grid"),
    )
    assert town.drafting.layers == ("communities",)
    assert town.drafting.count == 2
    assert town.drafting.output == folder / "blocks.gpkg"
    assert town.publication.date == dt.date(2026, 11, 1)
    assert town.publication.disclaimer  # kept unless one is given
    assert town.blocks is None
    assert [(person.role, person.name) for person in town.people] == [("head", "张三")]
    assert town.crs.to_epsg() == 4549  # the extent's


def test_the_file_and_its_folder_are_the_same_project(folder: Path) -> None:
    assert read_town(folder / "gridgeo.toml").path == read_town(str(folder)).path


def test_the_working_crs_is_in_metres_through_the_town(folder: Path) -> None:
    town = read_town(folder)
    assert town.working_crs.is_projected
    areas = town.to_working("communities").area
    assert areas.to_list() == pytest.approx([10_000, 10_000], rel=1e-5)


def test_seams_between_files_in_different_crss_close_to_the_last_bit(folder: Path) -> None:
    town = read_town(folder)
    east = shapely.get_coordinates(town.to_working("communities").geometry.iloc[1])
    west = shapely.get_coordinates(town.to_working("villages").geometry.iloc[0])
    shared = {tuple(point) for point in east} & {tuple(point) for point in west}
    assert len(shared) == 2
    outer = shapely.get_coordinates(town.to_working("town").geometry.iloc[0])
    assert {tuple(point) for point in outer} <= {
        tuple(point)
        for name in ("communities", "villages")
        for point in shapely.get_coordinates(town.to_working(name).geometry)
    }


def test_to_working_takes_layers_and_keys_and_protects_what_it_keeps(folder: Path) -> None:
    town = read_town(folder)
    first = town.to_working(town.layers["communities"])
    first.loc[0, "name"] = "changed"
    assert town.to_working("communities")["name"].iloc[0] == "甲居委"
    assert town.layers["communities"].frame["name"].iloc[0] == "甲居委"
    foreign = read_layer(folder / "rivers.gpkg")
    assert town.to_working(foreign).crs == town.working_crs
    with pytest.raises(InputError, match="nowhere"):
        town.to_working("nowhere")


def test_a_changed_town_brings_its_own_layers_to_working(folder: Path) -> None:
    town = read_town(folder)
    town.to_working("communities")
    moved = town.layers["communities"].with_frame(town.layers["communities"].frame.iloc[:1])
    other = replace(town, layers={**town.layers, "communities": moved})
    assert len(other.to_working("communities")) == 1


def test_barriers_have_rank_name_feature_and_level(folder: Path) -> None:
    lines = read_town(folder).barriers.lines
    assert list(lines.columns) == ["rank", "name", "layer", "feature", "level", "geometry"]
    rows = list(zip(lines["rank"], lines["name"], lines["feature"], lines["level"], strict=True))
    assert rows == [
        ("main-road", "大道", "1", 2),  # a bridge with its own level
        ("lane", "", "2", 0),
        ("lane", "小路", "4", -1),  # a tunnel without one; two parts of one feature
        ("lane", "小路", "4", -1),
        ("lane", "", "6", 0),  # a passage through a building is on the ground
    ]
    assert set(lines.geom_type) == {"LineString"}
    assert set(lines["rank"]) <= set(RANKS)
    assert lines["level"].dtype == np.int64


def test_barrier_polygons_become_surfaces_part_by_part(folder: Path) -> None:
    town = read_town(folder)
    surfaces = town.barriers.surfaces
    assert surfaces["feature"].to_list() == ["1", "1"]
    assert surfaces["rank"].to_list() == ["river", "river"]
    assert set(surfaces.geom_type) == {"Polygon"}
    assert surfaces.crs == town.barriers.lines.crs == town.working_crs


def test_values_that_mean_nothing_are_counted_in_one_warning(folder: Path) -> None:
    warnings = [problem.text("en") for problem in read_town(folder).problems]
    assert len(warnings) == 1
    assert "1 of 6 features" in warnings[0]
    assert "track 1" in warnings[0]
    assert "footway" not in warnings[0]  # said on purpose to be none


def test_the_star_stands_for_all_other_values(folder: Path) -> None:
    change(folder, ('footway = "none"', '"*" = "road"'))
    town = read_town(folder)
    assert town.barriers.lines["rank"].to_list() == ["main-road", "lane", "road", "lane", "lane", "road", "lane"]
    assert town.problems == ()


def test_a_rank_for_a_value_that_is_only_nearly_there_gets_a_warning(folder: Path) -> None:
    change(folder, ("residential = ", "residental = "))
    (unmet,) = [text.text("en") for text in read_town(folder).problems if "residental" in text.text("en")]
    assert 'did you mean "residential"?' in unmet


def test_a_bridge_at_level_0_still_runs_above(folder: Path) -> None:
    write(folder / "rivers.gpkg", [line((0, 1), (9, 1)), line((5, 0), (5, 9))], bridge=[1, 0], layer=[0.0, None])
    change(folder, ('rank = "river"', 'rank = "road"\nbridge = "bridge"\nlevel = "layer"'))
    lines = read_town(folder).barriers.lines
    assert lines[lines["layer"] == "rivers"]["level"].to_list() == [1, 0]


def test_without_barriers_the_tables_are_empty_but_have_their_columns(folder: Path) -> None:
    text = (folder / "gridgeo.toml").read_text(encoding="utf-8")
    start, end = text.index("[barriers.roads]"), text.index("[claims.town]")
    (folder / "gridgeo.toml").write_text(text[:start] + text[end:], encoding="utf-8")
    barriers = read_town(folder).barriers
    for table in (barriers.lines, barriers.surfaces):
        assert len(table) == 0
        assert set(table.columns) == {"rank", "name", "layer", "feature", "level", "geometry"}
        assert table.crs is not None


def write_blocks(folder: Path, **columns: object) -> None:
    table = {
        "code": ["310112114001001", "310112114001002"],
        "name": ["甲居委 第1责任块", "甲居委 第2责任块"],
        "grid": ["310112114001"] * 2,
        "grid_layer": ["communities"] * 2,
        "kind": ["residential"] * 2,
        **columns,
    }
    gpd.GeoDataFrame(table, geometry=[square(0, size=50), square(1, size=50)], crs=METRES).to_file(
        folder / "blocks.gpkg", layer="blocks"
    )


def test_drafted_blocks_are_read_once_they_are_there(folder: Path) -> None:
    write_blocks(folder)
    town = read_town(folder)
    assert town.blocks is not None
    assert town.blocks.ids.to_list() == ["310112114001001", "310112114001002"]
    assert len(town.to_working("blocks")) == 2


def test_blocks_that_lack_their_columns_are_refused(folder: Path) -> None:
    gpd.GeoDataFrame({"code": ["a"], "name": ["b"]}, geometry=[square(0)], crs=METRES).to_file(
        folder / "blocks.gpkg", layer="blocks"
    )
    assert [text.split('column "')[1].split('"')[0] for text in complaints(folder)] == ["grid", "grid_layer", "kind"]


def test_blocks_may_go_into_a_file_that_holds_other_layers(folder: Path) -> None:
    change(folder, ('output = "blocks.gpkg"', 'output = "town.gpkg"'))
    assert read_town(folder).blocks is None


def test_without_an_extent_the_working_crs_runs_through_the_layers(folder: Path) -> None:
    change(folder, ('extent = "town"\n', ""), ('within = "town"\n', ""))
    town = read_town(folder)
    assert town.extent is None
    assert town.to_working("communities").area.to_list() == pytest.approx([10_000, 10_000], rel=1e-5)


@pytest.mark.filterwarnings("ignore:'crs' was not provided")
def test_files_that_do_not_say_their_crs_take_the_towns(folder: Path) -> None:
    write(folder / "plain.shp", [square(0)], crs=None)
    change(folder, ('extent = "town"', 'extent = "town"\ncrs = "EPSG:4549"'))
    change(folder, ("[layers.addresses]", '[layers.plain]\nfile = "plain.shp"\n[layers.addresses]'))
    town = read_town(folder)
    assert town.to_working("plain").geometry.iloc[0].equals(town.to_working("communities").geometry.iloc[0])


def test_a_layer_in_gcj02_gets_a_warning(folder: Path) -> None:
    from gridgeo.crs import wgs84_to_gcj02

    villages = gpd.read_file(folder / "村 'a'.geojson")

    def shift(points: np.ndarray) -> np.ndarray:
        return np.column_stack(wgs84_to_gcj02(points[:, 0], points[:, 1]))

    villages["geometry"] = shapely.transform(villages.geometry.to_numpy(), shift)
    villages.to_file(folder / "村 'a'.geojson", COORDINATE_PRECISION=15)
    assert any("GCJ-02" in problem.text("en") for problem in read_town(folder).problems)


def test_reading_twice_gives_the_same(folder: Path) -> None:
    def bytes_of(town: Town) -> bytes:
        tables = [town.barriers.lines, town.barriers.surfaces, *(town.to_working(key) for key in town.layers)]
        return b"".join(table.to_wkb().to_csv().encode() for table in tables)

    assert bytes_of(read_town(folder)) == bytes_of(read_town(folder))


# ------------------------------------------------------------------------------------------------ what is wrong

TEN_MISTAKES: tuple[tuple[tuple[str, str], tuple[str, ...]], ...] = (
    (('code = "310112114"', 'code = "3101"'), ("[town] code", "9 digits", "9 位")),
    (('watermark = "示例数据"', 'watermrak = "示例数据"'), ("[town]", 'did you mean "watermark"', "watermark")),
    (('layer = "communities"', 'layer = "comunities"'), ("town.gpkg", "communities", "communities")),
    (("村 'a'.geojson", "村 'b'.geojson"), ("[layers.villages] file", "did you mean \"村 'a'.geojson\"", "文件不存在")),
    (('rank = "river"', 'rank = "rivr"'), ("[barriers.rivers] rank", 'did you mean "river"', "river")),
    (
        ('tiling = ["communities",', 'tiling = ["comunities",'),
        ("[claims.town]", 'did you mean "communities"', "没有图层"),
    ),
    (
        ('column = "population"', 'column = "popluation"'),
        ("[workload.population]", 'did you mean "population"', "没有列"),
    ),
    (("count = 2", "count = 2\ntarget = 100"), ("[partition]", "count", "target")),
    (('role = "块长"', 'role = "块张"'), ("[people] rows[1]", "块长", "块长")),
    (("date = 2026-11-01", 'date = "2026-11-31"'), ("[notice] date", "2026-11-31", "不是有效日期")),
)


def test_ten_mistakes_give_ten_lines_at_once_in_both_languages(folder: Path) -> None:
    change(folder, *(pair for pair, _ in TEN_MISTAKES))
    english, chinese = complaints(folder, "en"), complaints(folder, "zh")
    assert len(english) == len(chinese) == 10
    for _, (place, said, said_in_chinese) in TEN_MISTAKES:
        assert any(place in text and said in text for text in english), (place, said)
        assert any(place in text and said_in_chinese in text for text in chinese), (place, said_in_chinese)
    for text in chinese:
        assert any(unicodedata.name(character, "").startswith("CJK") for character in text.rpartition(": ")[2])


@pytest.mark.parametrize(("pair", "said"), TEN_MISTAKES, ids=[said[0] for _, said in TEN_MISTAKES])
def test_each_mistake_alone_gives_one_line(folder: Path, pair: tuple[str, str], said: tuple[str, ...]) -> None:
    change(folder, pair)
    (text,) = complaints(folder)
    assert said[0] in text
    assert said[1] in text


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        (('name = "示例镇"', ""), "[town] name: must be given"),
        (('name = "示例镇"', "name = 5"), "[town] name: must be text in quotation marks, not 5"),
        (('name = "示例镇"', 'name = " "'), "[town] name: must not be empty"),
        (('extent = "town"', 'extent = "twon"'), 'did you mean "town"?'),
        (('extent = "town"', 'extent = "addresses"'), "holds Point and no polygons"),
        (('extent = "town"', 'crs = "EPSG:999999"'), "[town] crs"),
        (('extent = "town"', 'crs = "GCJ-02"'), "can't be written in GCJ-02"),
        (("[layers.town]", "[layer.town]"), 'did you mean "layers"?'),
        (('kind = "village"', 'kind = "villages"'), 'did you mean "village"?'),
        (('id = "code"\nname = "name"', 'id = "cod"'), "code"),
        (('file = "rivers.gpkg"', 'file = "rivers.gpkg"\nbridge = "brigde"'), "brigde"),
        (('rank = "river"', ""), "give rank for the whole file"),
        (('rank = "river"', 'rank = "river"\nrank_column = "x"'), "not both"),
        (('residential = "lane"', 'residential = "lnae"'), 'did you mean "lane"?'),
        (('tiling = ["communities", "villages"]', "tiling = []"), "[claims.town] tiling: the list must not be empty"),
        (('within = ["communities", "villages"]\n', ""), "a nesting needs within"),
        (('nesting = "blocks"', 'nesting = "blokcs"'), 'did you mean "blocks"?'),
        (("tolerance = 0.01", "tolerance = -1"), "[claims.town] tolerance: must be at least 0, not -1"),
        (("tolerance = 0.01", "tolerance = nan"), "[claims.town] tolerance: must be a number, not nan"),
        (('layer = "addresses"\ncolumn', 'layer = "adresses"\ncolumn'), 'did you mean "addresses"?'),
        (('layers = ["communities"]', 'layers = ["addresses"]'), "has no kind"),
        (("count = 2", "count = 0"), "[partition] count: must be at least 1, not 0"),
        (("count = 2", "count = 2.5"), "[partition] count: must be a whole number, not 2.5"),
        (('unit = "310112114001"', 'unti = "310112114001"'), 'did you mean "unit"?'),
        (('name = "张三"', 'name = "张三 11010519491231002X"'), "identity number"),
        (('issuer = "', 'issuer = "11010519491231002X'), "identity number"),
    ],
)
def test_a_mistake_gets_a_line_that_says_where_and_what(folder: Path, pair: tuple[str, str], said: str) -> None:
    change(folder, pair)
    texts = complaints(folder)
    assert any(said in text for text in texts), texts
    assert not any("11010519491231002X" in text for text in texts)


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        ("[town\n", 1, "bracket"),
        ("[town]\nname = 示例镇\n", 2, "quotation marks"),
        ("[town]\nname = “示例镇”\n", 2, "straight quotation marks"),
        ('[town]\nname = "示例镇\n', 2, "not closed"),
        ('[town]\nname = "a"\nname = "b"\n', 3, "twice"),
        ('[layers.a]\nfile = "C:\\data\\a.shp"\n', 2, "backslash"),
        ("[notice]\ndate = 2026-02-30\n", 2, "no such date"),
        ('[town]\nname = "x"\n[layers.镇]\n', 3, "key = value or [table]"),
    ],
)
def test_bad_toml_is_named_by_line_and_column(tmp_path: Path, content: str, line: int, said: str) -> None:
    (tmp_path / "gridgeo.toml").write_text(content, encoding="utf-8")
    (text,) = complaints(tmp_path)
    assert f"line {line}, column " in text
    assert said in text
    (chinese,) = complaints(tmp_path, "zh")
    assert f"第 {line} 行第 " in chinese


def test_a_byte_order_mark_does_no_harm_and_gbk_is_named(folder: Path) -> None:
    path = folder / "gridgeo.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-8-sig")
    assert read_town(folder).name == "示例镇"
    path.write_text(text, encoding="gbk")
    (said,) = complaints(folder)
    assert "line 3 is not UTF-8" in said


def test_a_missing_file_says_which_path_was_looked_for(folder: Path, tmp_path: Path) -> None:
    change(folder, ('file = "rivers.gpkg"', 'file = "../elsewhere/rivers.gpkg"'))
    (text,) = complaints(folder)
    assert f"{folder.absolute()}/../elsewhere/rivers.gpkg" in text
    (folder.parent / "elsewhere").mkdir()
    (folder / "rivers.gpkg").rename(folder.parent / "elsewhere" / "rivers.gpkg")
    assert len(read_town(folder).barriers.surfaces) == 2


def test_a_missing_project_says_what_makes_one(tmp_path: Path) -> None:
    (text,) = complaints(tmp_path)
    assert "gridgeo init" in text
    assert str(tmp_path) in text


def test_an_unreadable_file_does_not_hide_the_other_mistakes(folder: Path) -> None:
    (folder / "rivers.gpkg").write_bytes(b"not a database")
    change(folder, ('id = "code"\nkind = "village"', 'id = "kode"\nkind = "village"'))
    texts = complaints(folder)
    assert len(texts) == 2
    assert any("rivers.gpkg" in text for text in texts)
    assert any("kode" in text for text in texts)


def test_duplicated_ids_are_refused_within_a_layer_and_doubtful_across_layers(folder: Path) -> None:
    write(folder / "town.gpkg", [square(0), square(1)], "communities", code=["310112114201"] * 2, name=["a", "b"])
    (text,) = complaints(folder)
    assert "310112114201" in text
    assert "once" in text
    write(
        folder / "town.gpkg",
        [square(0), square(1)],
        "communities",
        code=["310112114201", "310112114001"],
        name=["a", "b"],
    )
    assert any("several layers" in problem.text("en") for problem in read_town(folder).problems)


@pytest.mark.filterwarnings("ignore:'crs' was not provided")
def test_a_file_without_a_crs_is_refused_when_none_is_stated(folder: Path) -> None:
    write(folder / "plain.shp", [square(0)], crs=None)
    change(folder, ("[layers.addresses]", '[layers.plain]\nfile = "plain.shp"\n[layers.addresses]'))
    (text,) = complaints(folder)
    assert "[layers.plain]" in text
    assert 'crs = "EPSG:' in text


def test_coordinates_that_do_not_fit_their_crs_are_refused(folder: Path) -> None:
    write(folder / "rivers.gpkg", [square(0)], crs="EPSG:4326")
    (text,) = complaints(folder)
    assert "rivers.gpkg" in text
    assert "don't fit" in text


def test_a_crs_that_is_nowhere_on_earth_is_refused(folder: Path) -> None:
    nowhere = 'LOCAL_CS["site grid",UNIT["metre",1],AXIS["x",EAST],AXIS["y",NORTH]]'
    write(folder / "rivers.gpkg", [square(0)], crs=nowhere)
    (text,) = complaints(folder)
    assert "rivers.gpkg" in text


def test_texts_in_a_column_of_numbers_are_named(folder: Path) -> None:
    points = [shapely.Point(500_050, 3_440_050), shapely.Point(500_150, 3_440_050)]
    write(folder / "town.gpkg", points, "addresses", population=["120", "many"])
    (text,) = complaints(folder)
    assert "many" in text


def test_people_may_belong_to_blocks_before_and_after_drafting(folder: Path) -> None:
    change(folder, ('unit = "310112114001"', 'unit = "310112114001001"'))
    assert not any("310112114001001" in problem.text("en") for problem in read_town(folder).problems)
    write_blocks(folder)
    assert len(read_town(folder).people) == 1


@pytest.mark.parametrize(
    ("unit", "drafted", "verdict"),
    [
        ("999", False, "warning"),
        ("999", True, "error"),
        ("甲居委", True, "error"),
        ("310112114001009", True, "warning"),
        ("310112114", True, "fine"),
    ],
)
def test_unknown_units_are_errors_only_when_blocks_are_drafted(
    folder: Path, unit: str, drafted: bool, verdict: str
) -> None:
    change(folder, ('unit = "310112114001"', f'unit = "{unit}"'))
    if drafted:
        write_blocks(folder)
    if verdict == "error":
        (text,) = complaints(folder)
        assert unit in text
        assert "310112114001" in text or unit == "999"  # the name of a grid leads to its id
    else:
        assert any(unit in problem.text("en") for problem in read_town(folder).problems) == (verdict == "warning")


def test_hostile_names_stay_on_one_line(folder: Path) -> None:
    change(
        folder,
        ("[workload.population]", '[workload."a\\u001b[31m\\nb"]'),
        ('column = "population"', 'column = "x\\ny"'),
    )
    (text,) = complaints(folder)
    assert "\x1b" not in text


@pytest.mark.parametrize(
    "spoil", [lambda path: path.write_text("[" * 5000), lambda path: path.write_bytes(bytes(range(256)) * 4)]
)
def test_garbage_is_refused_in_one_line(folder: Path, spoil: Callable[[Path], object]) -> None:
    spoil(folder / "gridgeo.toml")
    assert len(complaints(folder)) == 1


def test_a_layer_that_lies_nowhere_near_the_town_is_told(folder: Path) -> None:
    before = read_town(folder).problems
    write(folder / "rivers.gpkg", [line((200_000, 1), (200_009, 1))])
    (told,) = (problem.text("en") for problem in read_town(folder).problems if problem not in before)
    assert "lies wholly outside" in told
    assert "km away" in told


@pytest.mark.parametrize(
    "web", ["javascript:alert(1)", "grid.example.cn", "https://", "https://a b/", "https://a/?q=1"]
)
def test_what_no_page_can_lie_below_is_no_web_address(folder: Path, web: str) -> None:
    change(folder, ("[notice]", f'[notice]\nweb = "{web}"'))
    with pytest.raises(InputError, match="is no web address"):
        read_town(folder)


def test_a_board_may_outlive_its_grid(folder: Path) -> None:
    change(folder, ("[notice]", '[[boards.rows]]\nunit = "310112114999001"\nplace = "东门"\n\n[notice]'))
    town = read_town(folder)
    assert [board.unit for board in town.boards] == ["310112114999001"]
    assert any("310112114999001" in problem.text("en") for problem in town.problems)


def test_a_name_of_blanks_is_no_name() -> None:
    frame = gpd.GeoDataFrame({"id": ["a", "b"], "name": ["  ", "乙"]}, geometry=[square(0), square(1)], crs=METRES)
    assert Layer("grids", frame, "id", "name").names.tolist() == ["a", "乙"]
