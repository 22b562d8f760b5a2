"""What a repair writes: a copy in which the changed geometries alone differ, in every format that can be written."""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path

import geopandas as gpd
import pyogrio
import pytest
import shapely

from gridgeo.errors import InputError
from gridgeo.layers import read_layer, write_layer
from gridgeo.repair.output import Source, write_map_file, write_town
from gridgeo.repair.plan import Feature
from gridgeo.repair.undo import changed_features
from tests.repair_plans import layer, mended

BEFORE, AFTER = {"layer": layer()}, {"layer": mended()}
CHANGED = changed_features(BEFORE, AFTER)


def make(folder: Path, suffix: str) -> Path:
    """Return a file with the three squares and columns of several types."""
    path = folder / f"grids{suffix}"
    table = layer().frame.assign(count=[1, 2, None], day=["2026-01-01", None, "2026-01-03"])
    if suffix == ".geojson":
        table = table.to_crs("EPSG:4490")
    if suffix == ".shp":
        table.to_file(path, encoding="GBK")
        path.with_suffix(".cpg").unlink(missing_ok=True)
    else:
        write_layer(table, path, layer="grids")
    return path


def geometries(path: Path, name: str | None = None) -> list[bytes]:
    return list(shapely.to_wkb(read_layer(path, layer=name).frame.geometry.to_numpy()))


@pytest.mark.parametrize("suffix", [".gpkg", ".parquet", ".fgb", ".geojson", ".shp"])
def test_only_the_changed_geometry_differs(tmp_path: Path, suffix: str) -> None:
    path = make(tmp_path, suffix)
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    read = read_layer(path, id_column="code", encoding="gbk" if suffix == ".shp" else None)
    square = shapely.affinity.translate(read.frame.geometry[1], 0.0001234567890123, 0)
    source = Source(path, None, "code", "gbk" if suffix == ".shp" else None)
    out = write_map_file(source, tmp_path / "new" / f"fixed{suffix}", read, {Feature("grids", "b"): square})
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before
    again = read_layer(out, id_column="code")
    columns = read.frame.columns.drop(read.frame.geometry.name)
    assert again.frame.columns.tolist() == read.frame.columns.tolist()
    assert again.frame[columns].equals(read.frame[columns])
    assert again.frame.crs == read.frame.crs
    was, now = geometries(path), geometries(out)
    assert [was[0], was[2]] == [now[0], now[2]]
    assert shapely.from_wkb(now[1]).normalize() == square.normalize()
    assert [part.name for part in (tmp_path / "new").iterdir() if part.name.startswith(".")] == []


def test_other_layers_row_numbers_and_the_spatial_index_of_a_geopackage_stay(tmp_path: Path) -> None:
    path = make(tmp_path, ".gpkg")
    write_layer(layer().frame.iloc[:1], path, layer="roads")
    with sqlite3.connect(path) as connection:
        connection.execute("create table styles (name text)")
    fids = pyogrio.read_dataframe(path, layer="grids", fid_as_index=True).index.tolist()
    out = write_map_file(Source(path, "grids", "code"), tmp_path / "out.gpkg", layer(), CHANGED)
    assert {name for name, _ in pyogrio.list_layers(out)} >= {"grids", "roads"}
    assert geometries(out, "roads") == geometries(path, "roads")
    with sqlite3.connect(out) as connection:
        assert connection.execute("select count(*) from styles").fetchone() == (0,)
    table = pyogrio.read_dataframe(out, layer="grids", fid_as_index=True)
    assert table.index.tolist() == fids
    assert geometries(out, "grids") == list(shapely.to_wkb(mended().frame.geometry.to_numpy()))
    # the index finds b where it is now, and no more where it was
    found = pyogrio.read_dataframe(out, layer="grids", bbox=(500091, 3400001, 500099, 3400099))
    assert found["code"].tolist() == ["a"]
    found = pyogrio.read_dataframe(out, layer="grids", bbox=(500201, 3400001, 500204, 3400099))
    assert found["code"].tolist() == ["b"]


@pytest.mark.parametrize("suffix", [".gpkg", ".geojson", ".shp", ".parquet"])
def test_a_dropped_feature_goes_and_comes_back(tmp_path: Path, suffix: str) -> None:
    path = make(tmp_path, suffix)
    read = read_layer(path, id_column="code")
    out = write_map_file(Source(path, None, "code"), tmp_path / f"out{suffix}", read, {Feature("grids", "b"): None})
    assert read_layer(out, id_column="code").ids.tolist() == ["a", "c"]
    assert geometries(out) == [geometries(path)[0], geometries(path)[2]]
    back = {Feature("grids", "b"): read.frame.geometry[1]}
    again = write_map_file(Source(out, None, "code"), tmp_path / f"back{suffix}", read, back)
    restored = read_layer(again, id_column="code")
    assert restored.ids.tolist() == ["a", "b", "c"]
    assert restored.frame["name"].tolist() == ["甲", "乙", "丙"]
    assert restored.frame["name"].tolist() == read.frame["name"].tolist()
    assert geometries(again)[1] == geometries(path)[1]


def test_the_table_of_a_shapefile_stays_to_the_byte(tmp_path: Path) -> None:
    path = make(tmp_path, ".shp")
    out = write_map_file(Source(path, None, "code"), tmp_path / "out.shp", layer(), CHANGED)
    for suffix in (".dbf", ".prj"):
        assert out.with_suffix(suffix).read_bytes() == path.with_suffix(suffix).read_bytes()
    assert not out.with_suffix(".cpg").exists()


def test_features_without_ids_are_told_by_their_number(tmp_path: Path) -> None:
    path = make(tmp_path, ".gpkg")
    out = write_map_file(Source(path), tmp_path / "out.gpkg", layer(), {Feature("grids", "2"): shapely.box(0, 0, 1, 1)})
    assert [old == new for old, new in zip(geometries(path), geometries(out), strict=True)] == [True, False, True]


def test_nothing_is_overwritten_and_the_kind_of_file_stays(tmp_path: Path) -> None:
    path = make(tmp_path, ".gpkg")
    for place, says in ((path, "is there already"), (tmp_path / "x.shp", "must end in .gpkg")):
        with pytest.raises(InputError) as stop:
            write_map_file(Source(path, None, "code"), place, layer(), CHANGED)
        assert says in stop.value.problems[0].text("en")


def make_town(folder: Path, file: str = "maps/grids.gpkg") -> Path:
    folder.mkdir()
    write_layer(layer().frame, folder / "maps" / "grids.gpkg", layer="grids")
    (folder / "people.csv").write_text("单元,角色,姓名\na,head,张三\n", encoding="utf-8")
    (folder / "photos").mkdir()
    (folder / "photos" / "1.jpg").write_bytes(b"jpg")
    (folder / "secret.txt").write_text("not named")
    text = (
        f'[town]\nname = "镇"\n[layers.grids]\nfile = "{file}"\nid = "code"\n'
        '[claims.town]\ntiling = ["grids"]\n[people]\nfile = "people.csv"\nphotos = "photos"\n'
    )
    (folder / "gridgeo.toml").write_text(text, encoding="utf-8")
    return folder / "gridgeo.toml"


def test_a_town_is_copied_with_every_file_that_it_names_and_no_other(tmp_path: Path) -> None:
    toml = make_town(tmp_path / "town")
    changed = {Feature("grids", feature.id): shape for feature, shape in CHANGED.items()}
    made = write_town(toml, tmp_path / "fixed", {"grids": mended()}, changed)
    assert made.read_bytes() == toml.read_bytes()
    there = sorted(str(file.relative_to(tmp_path / "fixed")) for file in (tmp_path / "fixed").rglob("*.*"))
    assert there == ["gridgeo.toml", "maps/grids.gpkg", "people.csv", "photos/1.jpg"]
    assert geometries(made.parent / "maps" / "grids.gpkg") == list(shapely.to_wkb(mended().frame.geometry.to_numpy()))


def test_a_town_with_files_elsewhere_is_not_half_copied(tmp_path: Path) -> None:
    toml = make_town(tmp_path / "town", "../grids.gpkg")
    with pytest.raises(InputError) as stop:
        write_town(toml, tmp_path / "fixed", {"grids": mended()}, {})
    assert "outside of the town's folder" in stop.value.problems[0].text("en")
    assert not (tmp_path / "fixed").exists()


def test_a_layer_in_a_chinese_map_system_is_refused(tmp_path: Path) -> None:
    toml = make_town(tmp_path / "town")
    toml.write_text(toml.read_text(encoding="utf-8").replace('id = "code"', 'id = "code"\ncrs = "GCJ-02"'), "utf-8")
    with pytest.raises(InputError) as stop:
        write_town(toml, tmp_path / "fixed", {"grids": mended()}, {Feature("grids", "b"): gpd.GeoSeries().union_all()})
    assert "GCJ-02" in stop.value.problems[0].text("en")


def test_a_geoparquet_keeps_its_other_columns_metadata_and_boxes(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    path = tmp_path / "grids.parquet"
    frame = layer().frame.assign(tags=[["x"], [], None], kind=gpd.pd.Categorical(["u", "v", "u"]))
    frame["office"] = gpd.GeoSeries(frame.geometry.centroid, crs=frame.crs)
    frame.to_parquet(path, write_covering_bbox=True, compression="zstd")
    out = write_map_file(Source(path, None, "code"), tmp_path / "out.parquet", layer(), CHANGED)
    was, now = gpd.read_parquet(path), gpd.read_parquet(out)
    assert now.drop(columns="geometry").equals(was.drop(columns="geometry"))
    assert now.dtypes.equals(was.dtypes)
    assert list(shapely.to_wkb(now.geometry.to_numpy())) == list(shapely.to_wkb(mended().frame.geometry.to_numpy()))
    assert pq.read_schema(out).names == pq.read_schema(path).names
    boxes = pq.read_table(out).column("bbox").to_pylist()
    assert [tuple(box.values()) for box in boxes] == [tuple(shape.bounds) for shape in now.geometry]
    # the box finds b where it is now
    found = gpd.read_parquet(out, bbox=(500201, 3400001, 500204, 3400099))
    assert found["code"].tolist() == ["b"]


def test_files_of_the_same_name_are_no_part_of_a_shapefile(tmp_path: Path) -> None:
    path = make(tmp_path / "in", ".shp") if (tmp_path / "in").mkdir() is None else None
    assert path is not None
    path.with_suffix(".csv").write_text("not a part")
    path.with_suffix(".gpkg").write_text("not a part")
    path.with_suffix(".qix").write_bytes(b"an index of features as they were")
    Path(f"{path}.xml").write_text("<metadata/>")
    out = write_map_file(Source(path, None, "code"), tmp_path / "out" / "fixed.shp", layer(), CHANGED)
    there = sorted(part.name for part in out.parent.iterdir())
    assert there == ["fixed.dbf", "fixed.prj", "fixed.shp", "fixed.shp.xml", "fixed.shx"]
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "taken.dbf").write_text("a table of somebody")
    with pytest.raises(InputError, match="is there already"):
        write_map_file(Source(path, None, "code"), tmp_path / "other" / "taken.shp", layer(), CHANGED)
    assert [part.name for part in (tmp_path / "other").iterdir()] == ["taken.dbf"]


def test_geojson_keeps_foreign_members_and_its_boxes_follow(tmp_path: Path) -> None:
    import json

    path = tmp_path / "grids.geojson"
    squares = [shapely.box(121.5, 31, 121.501, 31.001), shapely.box(121.501, 31, 121.502, 31.001)]
    features = [
        {
            "type": "Feature",
            "id": number,
            "bbox": list(square.bounds),
            "properties": {"code": code, "deep": {"a": [1, None]}},
            "geometry": shapely.geometry.mapping(square),
            "note": "foreign",
        }
        for number, (code, square) in enumerate(zip("ab", squares, strict=True))
    ]
    document = {"type": "FeatureCollection", "name": "grids", "bbox": [121.5, 31, 121.502, 31.001], "by": "hand"}
    path.write_text(json.dumps(document | {"features": features}), encoding="utf-8")
    read = read_layer(path, id_column="code")
    wider = shapely.box(121.501, 31, 121.503, 31.001)
    out = write_map_file(Source(path, None, "code"), tmp_path / "out.geojson", read, {Feature("grids", "b"): wider})
    now = json.loads(out.read_text(encoding="utf-8"))
    assert now["bbox"] == [121.5, 31, 121.503, 31.001]
    assert now["by"] == "hand"
    assert now["features"][0] == json.loads(path.read_text(encoding="utf-8"))["features"][0]
    assert {key: value for key, value in now["features"][1].items() if key not in ("geometry", "bbox")} == {
        key: value for key, value in features[1].items() if key not in ("geometry", "bbox")
    }
    assert now["features"][1]["bbox"] == list(wider.bounds)


def test_a_geopackage_says_how_far_its_layer_reaches(tmp_path: Path) -> None:
    path = make(tmp_path, ".gpkg")
    far = shapely.affinity.translate(shapely.box(0, 0, 100, 100), 500500, 3400000)
    out = write_map_file(Source(path, "grids", "code"), tmp_path / "out.gpkg", layer(), {Feature("grids", "c"): far})
    assert pyogrio.read_info(out, layer="grids")["total_bounds"][2] == 500600


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make(tmp_path, ".gpkg")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gridgeo.repair.output.edit_geopackage", full)
    with pytest.raises(InputError, match="No space left"):
        write_map_file(Source(path, "grids", "code"), tmp_path / "new" / "out.gpkg", layer(), CHANGED)
    assert list((tmp_path / "new").iterdir()) == []
    toml = make_town(tmp_path / "town")
    with pytest.raises(InputError, match="No space left"):
        write_town(toml, tmp_path / "fixed", {"grids": mended()}, CHANGED_GRIDS)
    assert sorted(part.name for part in tmp_path.iterdir()) == ["grids.gpkg", "new", "town"]


CHANGED_GRIDS = {Feature("grids", feature.id): shape for feature, shape in CHANGED.items()}
