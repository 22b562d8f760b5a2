"""``gridgeo init`` writes a gridgeo.toml that read_town takes, says why it guessed, and never destroys anything."""

from __future__ import annotations

import shutil
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from gridgeo.errors import InputError
from gridgeo.language import use_language
from gridgeo.starter import write_starter
from gridgeo.town import read_town

DATA = Path(__file__).parents[2] / "shared" / "data"
METRES = "EPSG:4549"


def square(column: int, row: int = 0, *, width: int = 1) -> shapely.Polygon:
    x, y = 500_000 + column * 100, 3_440_000 + row * 100
    return shapely.box(x, y, x + 100 * width, y + 100)


def write(
    path: Path, geometry: Sequence[shapely.Geometry], table: str | None = None, **columns: Sequence[object]
) -> None:
    frame = gpd.GeoDataFrame(columns, geometry=list(geometry), crs=METRES)
    frame.to_file(path, **({"layer": table} if table else {}))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as an office has it: Chinese shapefiles, a GeoPackage, a roster, photos."""
    folder = tmp_path / "杜行 'x' \"y\""
    folder.mkdir()
    write(folder / "镇界.shp", [square(0, width=4)], 代码=["310112114"], 名称=["杜行镇"])
    write(
        folder / "town.gpkg",
        [square(0), square(1)],
        "居委网格",
        编码=["310112114001", "310112114002"],
        名称=["甲", "乙"],
    )
    write(folder / "town.gpkg", [square(2)], "police_streets", code=["310112114301"], kind=["x"])
    write(folder / "town.gpkg", [square(3)], "factories", code=["310112114401"], name=["厂"])
    write(folder / "town.gpkg", [shapely.Point(500_050, 3_440_050)], "地址", 人口=[12], 备注=["x"])
    write(
        folder / "town.gpkg",
        [shapely.LineString([(500_050, 3_440_000), (500_050, 3_440_100)])] * 4,
        "道路",
        等级=["主干路", "支路", "街巷", "田埂"],
        bridge=["yes", None, None, None],
        layer=["1", None, None, None],
        名称=["a", None, None, None],
    )
    write(folder / "河道.geojson", [shapely.LineString([(500_000, 3_440_050), (500_400, 3_440_050)])], name=["河"])
    write(folder / "town.gpkg", [shapely.LineString([(500_000, 3_440_000), (500_400, 3_440_050)])], "contours", h=[3])
    (folder / "人员名册.csv").write_text("单元,角色,姓名\n310112114001,块长,张三\n", encoding="gbk")
    (folder / "照片").mkdir()
    return folder


def test_what_it_guesses_read_town_takes(folder: Path) -> None:
    path = write_starter(folder)
    assert path == folder / "gridgeo.toml"
    town = read_town(path)
    assert (town.name, town.code) == ("杜行镇", "310112114")
    assert town.extent is town.layers["town"]
    assert {key: layer.kind for key, layer in town.layers.items()} == {
        "communities": "residential",
        "streets": "street",
        "zones": "extended",
        "addresses": None,
        "town": None,
    }
    assert town.layers["communities"].ids.to_list() == ["310112114001", "310112114002"]
    assert town.layers["communities"].names.to_list() == ["甲", "乙"]
    lines = town.barriers.lines
    assert lines["rank"].to_list() == ["main-road", "road", "lane", "river"]
    assert lines["level"].to_list() == [1, 0, 0, 0]
    assert {claim.name for claim in town.claims} == {"town", "blocks"}
    assert [(load.layer, load.column) for load in town.workload] == [("addresses", "人口")]
    assert town.drafting.layers == ("communities",)
    assert town.drafting.output == folder / "blocks.gpkg"
    assert [person.name for person in town.people] == ["张三"]


def test_sections_shifts_workstations_and_boards_are_found(folder: Path) -> None:
    street = shapely.LineString([(500_200, 3_440_050), (500_300, 3_440_050)])
    write(folder / "town.gpkg", [street], "责任路段", 编号=["L1"])
    write(folder / "town.gpkg", [street], "road_sections", ref=[1])
    write(folder / "town.gpkg", [shapely.Point(500_050, 3_440_050)], "工作站", name=["甲工作站"])
    roster = "单元,角色,姓名,班次\n310112114001,块长,张三,\nL1,网格巡查员,李四,白班\nL1,网格巡查员,王五,晚班\n"
    (folder / "人员名册.csv").write_text(roster, encoding="utf-8")
    (folder / "上墙台账.csv").write_text("责任块,张贴地点,核对码\n310112114001001,东门,1234-ABCD\n", encoding="utf-8")
    text = write_starter(folder).read_text(encoding="utf-8")
    town = read_town(folder / "gridgeo.toml")
    assert town.sections is not None
    assert town.sections.ids.to_list() == ["L1"]
    assert town.layers["workstations"].names.to_list() == ["甲工作站"]
    assert {claim.name for claim in town.claims} == {"town", "blocks", "sections", "patrols"}
    assert [(shift.key, shift.name) for shift in town.shifts] == [("day", "白班"), ("night", "晚班")]
    assert [person.shift for person in town.people] == ["", "day", "night"]
    assert [board.mark for board in town.boards] == ["1234-ABCD"]
    assert "[barriers.roads_2]" in text, "pieces of a road network are no sections of a patrol"


def test_a_town_with_street_grids_is_told_of_sections(folder: Path) -> None:
    with use_language("en"):
        text = write_starter(folder).read_text(encoding="utf-8")
    assert "# [sections]\n# target = 800" in text
    assert "# [claims.patrols]" in text
    assert "# [shifts.night]" in text
    assert "# [boards]" in text


def test_what_it_cannot_guess_stands_there_as_a_comment(folder: Path) -> None:
    with use_language("en"):
        text = write_starter(folder).read_text(encoding="utf-8")
    assert "# [barriers.contours]" in text
    assert "what it is for can't be told from its name" in text
    assert '# "田埂" = "none"' in text
    assert "unknown class" in text
    assert "# [tasks]" in text


@pytest.mark.parametrize(("language", "words"), [("en", "taken for the extent"), ("zh", "作为范围")])
def test_comments_are_in_the_current_language(folder: Path, language: str, words: str) -> None:
    with use_language(language):  # type: ignore[arg-type]
        assert words in write_starter(folder).read_text(encoding="utf-8")


def test_the_same_folder_gives_the_same_bytes(folder: Path) -> None:
    first = write_starter(folder).read_bytes()
    assert write_starter(folder, overwrite=True).read_bytes() == first


def test_an_existing_file_is_kept_unless_it_is_told_otherwise(folder: Path) -> None:
    (folder / "gridgeo.toml").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="--force"), use_language("en"):
        write_starter(folder)
    assert (folder / "gridgeo.toml").read_text(encoding="utf-8") == "mine"
    write_starter(folder, overwrite=True)
    assert read_town(folder).name == "杜行镇"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_folder_without_maps_gets_one_clear_line(tmp_path: Path, language: str) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(InputError) as caught, use_language(language):  # type: ignore[arg-type]
        write_starter(tmp_path)
    assert len(caught.value.problems) == 1
    assert not (tmp_path / "gridgeo.toml").exists()


def test_a_folder_that_is_not_there_gets_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        write_starter(tmp_path / "absent")
    assert str(tmp_path / "absent") in str(caught.value)


def test_a_broken_map_file_is_named_and_the_others_are_used(folder: Path) -> None:
    (folder / "broken.gpkg").write_bytes(b"not a database")
    text = write_starter(folder).read_text(encoding="utf-8")
    assert any(line.startswith("# broken.gpkg") for line in text.splitlines())
    assert read_town(folder).extent is not None


@pytest.mark.skipif(sys.platform == "win32", reason="Windows allows no such file names")
def test_hostile_names_cannot_break_out_of_their_strings(tmp_path: Path) -> None:
    name = 'a"\n[x]\ny = "evil" # \u202e\\.geojson'
    write(tmp_path / name, [square(0)], **{'co"l\n]': ["x"]})
    write(tmp_path / "boundary.gpkg", [square(0)], name=['"]\n[x]\ny = 1 # "'])
    text = write_starter(tmp_path).read_text(encoding="utf-8")
    document = tomllib.loads(text)
    assert document["town"]["name"] == '"]\n[x]\ny = 1 # "'
    assert "x" not in document
    assert "\u202e" not in text


def test_the_one_polygon_around_the_rest_is_the_extent(tmp_path: Path) -> None:
    write(tmp_path / "a.gpkg", [square(0), square(1)], "小区", code=["1", "2"])
    write(tmp_path / "a.gpkg", [square(0, width=2)], "all", name=["x"])
    write(tmp_path / "a.gpkg", [square(9)], "far", name=["y"])
    (tmp_path / "b").mkdir()
    write(tmp_path / "b" / "villages.gpkg", [square(1)], name=["z"])
    assert "extent" not in tomllib.loads(write_starter(tmp_path).read_text(encoding="utf-8"))["town"]
    (tmp_path / "a.gpkg").unlink()
    write(tmp_path / "a.gpkg", [square(0), square(1)], "小区", code=["1", "2"])
    write(tmp_path / "a.gpkg", [square(0, width=2)], "all", name=["x"])
    town = read_town(write_starter(tmp_path, overwrite=True))
    assert town.extent is not None
    assert town.extent.frame["name"].to_list() == ["x"]
    assert town.layers["villages"].kind == "village"  # also in a subfolder


def test_blocks_drafted_before_are_no_layer_of_the_town(folder: Path) -> None:
    gpd.GeoDataFrame(
        {
            "code": ["1"],
            "name": ["n"],
            "grid": ["310112114001"],
            "grid_layer": ["communities"],
            "kind": ["residential"],
        },
        geometry=[square(0)],
        crs=METRES,
    ).to_file(folder / "blocks.gpkg", layer="blocks")
    town = read_town(write_starter(folder))
    assert "blocks" not in town.layers
    assert town.blocks is not None


@pytest.mark.parametrize(
    ("name", "extent", "ranks"),
    [
        ("guelph", True, {"river", "main-road", "road", "lane"}),
        ("hanoi-cau-giay", False, {"river", "main-road", "road", "lane"}),
    ],
)
def test_real_towns_are_taken_as_they_come(tmp_path: Path, name: str, extent: bool, ranks: set[str]) -> None:
    files = sorted((DATA / name).glob("*.gpkg"))
    if not files:
        pytest.skip(f"the data set {name} is not at {DATA}")
    for file in files:
        shutil.copy(file, tmp_path)
    town = read_town(write_starter(tmp_path))
    assert (town.extent is not None) == extent
    assert set(town.barriers.lines["rank"]) == ranks
    assert {"buildings", "water"} <= set(town.layers)
    assert "OpenStreetMap" in town.attribution


def test_an_openstreetmap_extract_gives_roads_and_rivers(tmp_path: Path) -> None:
    extract = DATA / "liechtenstein" / "liechtenstein.osm.pbf"
    if not extract.exists():
        pytest.skip(f"the data set liechtenstein is not at {DATA}")
    shutil.copy(extract, tmp_path)
    frame = gpd.GeoDataFrame({"name": ["Vaduz"]}, geometry=[shapely.box(9.5, 47.13, 9.53, 47.16)], crs=4326)
    frame.to_file(tmp_path / "boundary.geojson")
    town = read_town(write_starter(tmp_path))
    assert set(town.barriers.lines["rank"]) == {"river", "main-road", "road", "lane"}
    assert (town.barriers.lines["level"] > 0).any()  # tags beyond the columns are read too
