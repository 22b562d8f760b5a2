"""The main job, end to end, on the sample town: what the README promises of ``gridgeo demo``."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import geopandas as gpd
import pypdf
import shapely

import gridgeo
from gridgeo.cli.demo import count_found, plant_in_sections
from gridgeo.town import Town, read_town
from gridgeo.validate import validate_town
from tests.conftest import Run

Demo = tuple[Path, Run]


def test_the_demo_ends_well_and_says_what_it_wrote(demo: Demo) -> None:
    out, run = demo
    assert run.status == 0, run.out + run.err
    for made in ("gridgeo.toml", "blocks.gpkg", "report.txt", "map.html", "notices"):
        assert made in run.err
    assert (out / "report.txt").read_text(encoding="utf-8").strip() == run.out.strip()


def test_its_blocks_are_proved_to_tile_the_town(demo: Demo) -> None:
    out, _ = demo
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert report["ok"] is True
    assert {claim["claim"] for claim in report["claims"]} >= {"town", "blocks"}
    blocks = gpd.read_file(out / "town" / "blocks.gpkg")
    assert shapely.coverage_is_valid(blocks.geometry.to_numpy())
    assert blocks["code"].is_unique


def test_there_is_one_notice_a_block_on_one_a3_page(demo: Demo) -> None:
    out, _ = demo
    blocks = gpd.read_file(out / "town" / "blocks.gpkg")
    notices = sorted((out / "notices").glob("*.pdf"))
    assert len(notices) == len(blocks) >= 40
    for path in notices:
        (page,) = pypdf.PdfReader(path).pages
        millimetres = sorted(round(float(side) / 72 * 25.4) for side in page.mediabox[2:])
        assert millimetres == [297, 420]


def test_every_notice_names_its_block_and_says_that_the_data_is_invented(demo: Demo) -> None:
    out, _ = demo
    blocks = gpd.read_file(out / "town" / "blocks.gpkg")
    for code, name in zip(blocks["code"][::7], blocks["name"][::7], strict=True):
        text = pypdf.PdfReader(out / "notices" / f"{code}.pdf").pages[0].extract_text().replace("\n", "")
        assert code in text
        assert name.replace(" ", "") in text.replace(" ", "")
        assert "示例数据" in text
        assert "块长" in text


def test_the_map_needs_no_network(demo: Demo) -> None:
    out, _ = demo
    page = (out / "map.html").read_text(encoding="utf-8")
    assert "示例数据" in page
    loaded: list[str] = []

    class Loads(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            loaded.extend(value for key, value in attrs if key in ("src", "href", "srcset", "data") and value)

    Loads().feed(page)
    assert loaded == []
    for style in re.findall(r"<style>(.*?)</style>", page, flags=re.DOTALL):
        assert "@import" not in style
        assert all(address.startswith("data:") for address in re.findall(r"url\(([^)]*)\)", style))


def test_the_same_town_gives_the_same_bytes(demo: Demo, gridgeo_command: Callable[..., Run], tmp_path: Path) -> None:
    out, _ = demo
    town = gridgeo.read_town(out / "town")
    blocks = gridgeo.partition_town(town)
    gridgeo.write_layer(blocks, tmp_path / "blocks.gpkg", layer="blocks")
    assert (tmp_path / "blocks.gpkg").read_bytes() == (out / "town" / "blocks.gpkg").read_bytes()
    again = gridgeo_command("validate", out / "town", "--format", "json")
    assert again.out.strip() == (out / "report.json").read_text(encoding="utf-8").strip()


def test_twenty_planted_faults_are_all_named(gridgeo_command: Callable[..., Run], tmp_path: Path) -> None:
    run = gridgeo_command("demo", tmp_path / "faulty", "--faults", "20")
    assert run.status == 1
    planted = json.loads((tmp_path / "faulty" / "town" / "planted.json").read_text(encoding="utf-8"))
    assert len(planted) == 20
    assert len({fault["code"] for fault in planted}) >= 5
    report = json.loads((tmp_path / "faulty" / "report.json").read_text(encoding="utf-8"))
    found = [(fault["code"], frozenset(fault["features"])) for fault in report["faults"]]
    for fault in planted:
        assert found.count((fault["code"], frozenset(fault["features"]))) == 1, fault
    assert len(found) == 20, "nothing else is reported"
    areas = {(fault["code"], frozenset(fault["features"])): fault["area"] for fault in report["faults"]}
    for fault in planted:
        assert abs(areas[fault["code"], frozenset(fault["features"])] - fault["area"]) <= 1e-3 * fault["area"] + 1e-6


def test_faults_of_sections_are_planted_and_found(drafted_town: Town, tmp_path: Path) -> None:
    """What ``gridgeo demo --section-faults`` does once blocks and sections are drafted."""
    shutil.copytree(drafted_town.path.parent, tmp_path / "town")
    town_file = tmp_path / "town" / "gridgeo.toml"
    plant_in_sections(town_file, 0)
    planted = json.loads((tmp_path / "town" / "planted.json").read_text(encoding="utf-8"))
    report = validate_town(read_town(town_file), claims=["sections"])
    assert sorted(fault["code"] for fault in planted) == sorted(fault.code for fault in report.records)
    assert count_found(planted, report) == len(planted) == 3


def test_a_town_is_faulty_in_one_way_or_the_other(gridgeo_command: Callable[..., Run], tmp_path: Path) -> None:
    run = gridgeo_command("demo", tmp_path / "both", "--faults", "2", "--section-faults")
    assert run.status == 2
    assert "leave out --faults" in run.err
