"""gridgeo repair in the shell: inputs never change, the plan is shown first, what is written is sound, undo works."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely

from gridgeo.layers import read_layer, write_layer
from gridgeo.sample import OTHER_KINDS, TILING_KINDS, write_sample
from tests.conftest import Run
from tests.repair_plans import layer
from tests.repair_towns import ONE_CRS, SEVERAL_CRS, write_town

Command = Callable[..., Run]


def wkb(path: Path, name: str | None = None) -> list[bytes]:
    return list(shapely.to_wkb(read_layer(path, layer=name).frame.geometry.to_numpy()))


def prints(folder: Path) -> dict[str, str]:
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    path = tmp_path / "maps" / "grids.gpkg"
    write_layer(layer().frame, path, layer="grids")
    return path


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample") / "town"
    kinds = [kind for kind in (*TILING_KINDS, *OTHER_KINDS) if not kind.endswith("-id")]  # these the reader refuses
    write_sample(folder, polygons=100, faults=[*kinds, *kinds])
    return folder


def test_a_town_with_every_kind_of_fault_is_mended_to_exit_0(
    gridgeo_command: Command, town: Path, tmp_path: Path
) -> None:
    before = prints(town)
    run = gridgeo_command("repair", town, "--output", tmp_path / "fixed", "--page", tmp_path / "page.html")
    assert run.status == 0, run.err
    assert prints(town) == before
    assert "In all:" in run.out
    assert "sound" in run.err
    assert gridgeo_command("validate", tmp_path / "fixed").status == 0
    assert {"gridgeo.toml", "town.gpkg", "people.csv", "repair.plan.json"} <= set(prints(tmp_path / "fixed"))
    assert "<article" in (tmp_path / "page.html").read_text(encoding="utf-8")
    again = gridgeo_command("repair", tmp_path / "fixed", "--dry-run")
    assert (again.status, again.out) == (0, "Nothing to mend: no fault was found.\n")
    undone = gridgeo_command(
        *("repair", tmp_path / "fixed", "--undo", tmp_path / "fixed" / "repair.plan.json"),
        *("--output", tmp_path / "undone"),
    )
    assert undone.status == 0, undone.err
    for name, _ in pyogrio.list_layers(town / "town.gpkg"):
        assert wkb(tmp_path / "undone" / "town.gpkg", name) == wkb(town / "town.gpkg", name)


@pytest.mark.parametrize("systems", [ONE_CRS, SEVERAL_CRS], ids=["one-crs", "several-crs"])
def test_grids_blocks_and_professional_grids_are_mended_in_one_go(
    gridgeo_command: Command, tmp_path: Path, systems: dict[str, str]
) -> None:
    town = write_town(tmp_path / "town", 7, systems=systems).parent
    before = prints(town)
    assert gridgeo_command("validate", town).status == 1
    run = gridgeo_command("repair", town, "--output", tmp_path / "fixed", "--page", tmp_path / "page.html")
    assert run.status == 0, run.err
    assert prints(town) == before
    assert gridgeo_command("validate", tmp_path / "fixed").status == 0
    plan = json.loads((tmp_path / "fixed" / "repair.plan.json").read_text(encoding="utf-8"))
    assert {action["claim"] for action in plan["actions"]} == {"town", "blocks", "cleaning"}
    only = gridgeo_command("repair", town, "--claim", "town", "--dry-run", "--format", "json")
    assert {action["claim"] for action in json.loads(only.out)["actions"]} == {"town"}
    undone = gridgeo_command(
        *("repair", tmp_path / "fixed", "--undo", tmp_path / "fixed" / "repair.plan.json"),
        *("--output", tmp_path / "undone"),
    )
    assert undone.status == 0, undone.err
    for file in ("town.gpkg", "blocks.gpkg"):
        for name, _ in pyogrio.list_layers(town / file):
            assert wkb(tmp_path / "undone" / file, name) == wkb(town / file, name)


def test_a_dry_run_writes_nothing_and_its_plan_can_be_edited_and_applied(
    gridgeo_command: Command, faulty: Path, tmp_path: Path
) -> None:
    there = prints(tmp_path)
    run = gridgeo_command("repair", faulty, "--id", "code", "--dry-run", "--format", "json")
    assert run.status == 0
    assert prints(tmp_path) == there
    document = json.loads(run.out)
    overlap = next(action for action in document["actions"] if action["code"] == "overlap")
    overlap["winner"] = overlap["alternatives"][0]
    (tmp_path / "plan.json").write_text(json.dumps(document), encoding="utf-8")
    out = tmp_path / "fixed.gpkg"
    run = gridgeo_command("repair", faulty, "--id", "code", "--apply", tmp_path / "plan.json", "--output", out)
    assert run.status == 0, run.err
    areas = dict(zip("abc", read_layer(out).frame.area.round(), strict=True))
    kept = overlap["winner"]["id"]
    assert areas[kept] >= (10000 if kept == "a" else 11000)


def test_undo_of_a_file_brings_back_the_geometries_to_the_bit(
    gridgeo_command: Command, faulty: Path, tmp_path: Path
) -> None:
    out, back = tmp_path / "fixed.gpkg", tmp_path / "back.gpkg"
    assert gridgeo_command("repair", faulty, "--id", "code", "--output", out).status == 0
    assert wkb(out) != wkb(faulty)
    plan = tmp_path / "fixed.plan.json"
    run = gridgeo_command("repair", out, "--id", "code", "--undo", plan, "--output", back)
    assert run.status == 0, run.err
    assert wkb(back) == wkb(faulty)


def test_a_plan_of_another_layer_is_refused(gridgeo_command: Command, faulty: Path, tmp_path: Path) -> None:
    out = tmp_path / "fixed.gpkg"
    assert gridgeo_command("repair", faulty, "--id", "code", "--output", out).status == 0
    run = gridgeo_command(
        *("repair", out, "--id", "code", "--apply", tmp_path / "fixed.plan.json", "--output", tmp_path / "x.gpkg")
    )
    assert (run.status, len(run.err.splitlines())) == (2, 1)
    assert "other polygons" in run.err
    assert not (tmp_path / "x.gpkg").exists()


def test_what_is_left_is_said_with_its_reason_and_exits_1(
    gridgeo_command: Command, faulty: Path, tmp_path: Path
) -> None:
    out = tmp_path / "fixed.gpkg"
    run = gridgeo_command("repair", faulty, "--id", "code", "--lock", "grids", "--output", out)
    assert run.status == 1
    assert "Left as it is:" in run.out
    assert "errors are left" in run.err
    assert wkb(out) == wkb(faulty)


def test_nothing_is_overwritten_whatever_it_is(gridgeo_command: Command, faulty: Path, tmp_path: Path) -> None:
    out, taken = tmp_path / "fixed.gpkg", tmp_path / "fixed.plan.json"
    taken.write_text("of another repair")
    before = prints(tmp_path)
    for words in (["--output", out], ["--output", tmp_path / "new.gpkg", "--page", faulty]):
        run = gridgeo_command("repair", faulty, "--id", "code", *words)
        assert (run.status, run.out) == (2, ""), "before any work is done"
        assert "is there already" in run.err
        assert prints(tmp_path) == before


def test_multipolygons_stay_multipolygons(gridgeo_command: Command, tmp_path: Path) -> None:
    path, out = tmp_path / "grids.gpkg", tmp_path / "fixed.gpkg"
    many = [shapely.MultiPolygon([shape]) for shape in layer().frame.geometry]
    write_layer(layer().frame.set_geometry(many, crs=layer().frame.crs), path, layer="grids")
    assert gridgeo_command("repair", path, "--id", "code", "--output", out).status == 0
    assert set(read_layer(out).frame.geom_type) == {"MultiPolygon"}
    assert pyogrio.read_info(out)["geometry_type"] == pyogrio.read_info(path)["geometry_type"]


@pytest.mark.parametrize("suffix", [".geojson", ".shp", ".parquet", ".fgb"])
def test_every_format_is_mended_and_keeps_all_else(gridgeo_command: Command, tmp_path: Path, suffix: str) -> None:
    path, out = tmp_path / f"grids{suffix}", tmp_path / "new" / f"fixed{suffix}"
    table = layer().frame.assign(count=[1, 2, 3], day=["2026-01-01", None, "2026-01-03"])
    if suffix == ".geojson":
        degrees = shapely.transform(
            table.geometry.to_numpy(), lambda places: np.round((places - [500_000, 3_400_000]) * 1e-5 + [121.5, 31], 6)
        )
        table = table.set_geometry(degrees).set_crs("EPSG:4490", allow_override=True)
    write_layer(table, path)
    before = prints(tmp_path)
    run = gridgeo_command("repair", path, "--id", "code", "--output", out)
    assert run.status == 0, run.err
    assert {name: mark for name, mark in prints(tmp_path).items() if not name.startswith("new")} == before
    was, now = read_layer(path).frame, read_layer(out).frame
    assert now.drop(columns="geometry").equals(was.drop(columns="geometry"))
    assert now.crs == was.crs
    assert gridgeo_command("validate", out, "--id", "code").status == 0
    back = tmp_path / "back" / f"grids{suffix}"
    run = gridgeo_command("repair", out, "--id", "code", "--undo", out.parent / "fixed.plan.json", "--output", back)
    assert run.status == 0, run.err
    assert wkb(back) == wkb(path)


def test_messages_in_chinese(gridgeo_command: Command, faulty: Path, tmp_path: Path) -> None:
    run = gridgeo_command("--lang", "zh", "repair", faulty, "--id", "code", "--output", tmp_path / "fixed.gpkg")
    assert run.status == 0
    assert "重叠" in run.out
    assert "合计" in run.out
    assert "已校验副本" in run.err


def test_a_file_in_degrees(gridgeo_command: Command, tmp_path: Path) -> None:
    path, out = tmp_path / "grids.geojson", tmp_path / "fixed.geojson"
    shapes = [shapely.box(121.5, 31, 121.501, 31.001), shapely.box(121.5009, 31, 121.502, 31.001)]
    write_layer(gpd.GeoDataFrame({"code": ["a", "b"]}, geometry=shapes, crs="EPSG:4326"), path)
    run = gridgeo_command("repair", path, "--id", "code", "--output", out)
    assert run.status == 0, run.err
    assert read_layer(out).frame.crs == read_layer(path).frame.crs
    assert gridgeo_command("validate", out, "--id", "code").status == 0


def test_one_layer_of_a_geopackage_with_several(gridgeo_command: Command, faulty: Path, tmp_path: Path) -> None:
    write_layer(layer().frame.iloc[:1], faulty, layer="roads")
    out = tmp_path / "fixed.gpkg"
    run = gridgeo_command("repair", faulty, "--layer", "grids", "--id", "code", "--output", out)
    assert run.status == 0, run.err
    assert wkb(out, "roads") == wkb(faulty, "roads")
    assert wkb(out, "grids") != wkb(faulty, "grids")


def test_a_shapefile_in_gbk_keeps_its_table(gridgeo_command: Command, tmp_path: Path) -> None:
    path, out = tmp_path / "网格.shp", tmp_path / "修复.shp"
    layer().frame.to_file(path, encoding="GBK")
    path.with_suffix(".cpg").unlink(missing_ok=True)
    run = gridgeo_command("repair", path, "--id", "code", "--output", out)
    assert run.status == 0, run.err
    assert out.with_suffix(".dbf").read_bytes() == path.with_suffix(".dbf").read_bytes()
    assert read_layer(out).frame["name"].tolist() == ["甲", "乙", "丙"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "--output"),
        (["--output", "{faulty}"], "is there already"),
        (["--output", "{folder}/x.shp"], "must end in .gpkg"),
        (["--dry-run", "--lock", "roads"], "there is no layer roads"),
        (["--dry-run", "--priority", "grids:z"], "has no feature z"),
        (["--dry-run", "--align", "3"], "--along"),
        (["--dry-run", "--claim", "town"], "--claim is for a town project"),
        (["--output", "{folder}/x.gpkg", "--apply", "{folder}/none.json"], "can't be read"),
        (["--output", "{folder}/x.gpkg", "--apply", "p", "--lock", "grids"], "--lock doesn't go with --apply"),
        (["--output", "{folder}/x.gpkg", "--undo", "p", "--apply", "q"], "--apply doesn't go with --undo"),
    ],
)
def test_what_cant_be_done_gets_one_line_and_status_2(
    gridgeo_command: Command, faulty: Path, tmp_path: Path, words: list[str], says: str
) -> None:
    before = prints(tmp_path)
    filled = [word.format(faulty=faulty, folder=tmp_path) for word in words]
    run = gridgeo_command("repair", faulty, "--id", "code", *filled)
    assert run.status == 2
    assert len(run.err.splitlines()) == 1
    assert says in run.err
    assert prints(tmp_path) == before


def test_the_same_repair_writes_the_same_bytes(gridgeo_command: Command, faulty: Path, tmp_path: Path) -> None:
    made = []
    for number in (1, 2):
        folder = tmp_path / str(number)
        gridgeo_command("repair", faulty, "--id", "code", "--output", folder / "fixed.gpkg")
        made.append(prints(folder))
        shutil.rmtree(folder)
    assert made[0] == made[1]
