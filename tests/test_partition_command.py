"""``gridgeo partition`` on the sample town: sizes and wishes as options, alternatives, and change from an old plan."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from tests.conftest import Run
from tests.test_partition_demands import LANES, PEOPLE

Command = Callable[..., Run]


TOWN = """
[town]
name = "示例"
code = "310112114"
[layers.communities]
file = "town.gpkg"
layer = "communities"
id = "id"
kind = "residential"
[layers.homes]
file = "town.gpkg"
layer = "homes"
[barriers.lanes]
file = "town.gpkg"
layer = "lanes"
rank = "lane"
[workload.people]
layer = "homes"
column = "people"
[partition]
layers = ["communities"]
target = 500
tolerance = 0.2
output = "blocks.gpkg"
"""


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, gridgeo_command: Command) -> Path:
    """Folder of a town of two communities of 32 cells each."""
    folder = tmp_path_factory.mktemp("town")
    (folder / "gridgeo.toml").write_text(TOWN, encoding="utf-8")
    halves = [shapely.box(0, 0, 400, 800), shapely.box(400, 0, 800, 800)]
    communities = gpd.GeoDataFrame({"id": ["310112114001", "310112114002"]}, geometry=halves)
    for name, table in {"communities": communities, "homes": PEOPLE, "lanes": LANES}.items():
        placed = table.set_geometry(table.geometry.translate(350_000, 3_440_000)).set_crs(32651)
        placed.to_file(folder / "town.gpkg", layer=name)
    done = gridgeo_command("partition", folder, "-q")
    assert done.status == 0, done.err
    return folder


def blocks_of(path: Path) -> gpd.GeoDataFrame:
    return gpd.read_file(path, layer="blocks")


def test_the_same_demand_gives_the_same_file_whatever_the_number_of_processes(
    town: Path, gridgeo_command: Command, tmp_path: Path
) -> None:
    for jobs in (1, 2):
        assert gridgeo_command("partition", town, "-q", "-o", tmp_path / f"{jobs}.gpkg", "--jobs", jobs).status == 0
    one, two = (blocks_of(tmp_path / f"{jobs}.gpkg") for jobs in (1, 2))
    assert one.to_wkb().equals(two.to_wkb())


def test_options_count_before_the_file(town: Path, gridgeo_command: Command, tmp_path: Path) -> None:
    out = tmp_path / "blocks.gpkg"
    done = gridgeo_command(
        "partition", town, "-o", out, "--count", 2, "--tolerance", "people=0.2", "--tolerance", "area=0.9",
        "--codes", "YX-{grid}/{serial:02}",
    )  # fmt: skip
    assert done.status == 0, done.err
    blocks = blocks_of(out)
    assert blocks.groupby("grid").size().tolist() == [2, 2]
    assert all(code.startswith("YX-") and code[-3] == "/" for code in blocks["code"])


def test_alternatives_are_written_with_a_table_and_maps(town: Path, gridgeo_command: Command, tmp_path: Path) -> None:
    out = tmp_path / "blocks.gpkg"
    done = gridgeo_command("partition", town, "-o", out, "--alternatives", 3, "--take", 1, "-q")
    assert done.status == 0, done.err
    head, *rows = done.out.splitlines()
    assert head.startswith("No.")
    assert 1 <= len(rows) <= 3
    folder = tmp_path / "blocks-alternatives"
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert page.count("<figure>") == len(rows)
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page
    for number in range(1, len(rows) + 1):
        assert shapely.coverage_is_valid(blocks_of(folder / f"{number}.gpkg").geometry.to_numpy())
    assert blocks_of(out).to_wkb().equals(blocks_of(folder / "1.gpkg").to_wkb())
    # the last column says how to get a draft again
    options = rows[0].split("--", 1)[1]
    again = tmp_path / "again.gpkg"
    assert gridgeo_command("partition", town, "-o", again, "-q", *f"--{options}".split()).status == 0
    assert blocks_of(again).to_wkb().equals(blocks_of(out).to_wkb())


def test_from_an_old_plan_little_moves_and_codes_stay(town: Path, gridgeo_command: Command, tmp_path: Path) -> None:
    old, new = tmp_path / "old.gpkg", tmp_path / "new.gpkg"
    (town / "blocks.gpkg").rename(old)
    try:
        done = gridgeo_command("partition", town, "--from", old, "-o", new, "--price", 30, "--price", 300)
    finally:
        old.rename(town / "blocks.gpkg")
    assert done.status == 0, done.err
    assert [row.split()[0] for row in done.out.splitlines()[1:]] == ["30", "300"]
    assert "chosen" in done.out
    assert "<circle" in (tmp_path / "new-change.html").read_text(encoding="utf-8")
    before, after = blocks_of(town / "blocks.gpkg"), blocks_of(new)
    assert before.to_wkb().equals(after.to_wkb()), "nothing has changed, so nothing moves"
    told = gridgeo_command("diff", town / "blocks.gpkg", new)
    assert told.status == 0, told.out
    assert "gridgeo_id" not in told.out


def test_codes_given_up_are_remembered(town: Path, gridgeo_command: Command, tmp_path: Path) -> None:
    more, less, again = (tmp_path / f"{name}.gpkg" for name in ("more", "less", "again"))
    assert gridgeo_command("partition", town, "-q", "--count", 3, "-o", more).status == 0
    for old, new, count in ((more, less, 2), (less, again, 3)):
        done = gridgeo_command("partition", town, "-q", "--from", old, "-o", new, "--count", count, "--price", 30)
        assert done.status == 0, done.err
    retired = json.loads((tmp_path / "again.codes.json").read_text(encoding="utf-8"))["retired"]
    gone = set(blocks_of(more)["code"]) - set(blocks_of(less)["code"])
    assert gone
    assert gone <= set(retired)
    assert not gone & set(blocks_of(again)["code"])
    (tmp_path / "less.codes.json").write_text("[]")
    refused = gridgeo_command("partition", town, "--from", less, "-o", again)
    assert refused.status == 2
    assert refused.err.startswith(f"gridgeo: {tmp_path / 'less.codes.json'}: is no list of codes given up")


def test_a_locked_block_stays(town: Path, gridgeo_command: Command, tmp_path: Path) -> None:
    before = blocks_of(town / "blocks.gpkg")
    code = before[before.groupby("grid")["code"].transform("size") > 1]["code"].iloc[0]
    out = tmp_path / "blocks.gpkg"
    done = gridgeo_command("partition", town, "-q", "-o", out, "--lock", code, "--seed", 7)
    assert done.status == 0, done.err
    shape = before.geometry[before["code"] == code].iloc[0]
    assert any(shapely.equals(shape, other) for other in blocks_of(out).geometry)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--price", "3"], "--price goes with --from only"),
        (["--take", "2"], "--take goes with --alternatives only"),
        (["--size", "300"], "--size must be the least and the most"),
        (["--tolerance", "a=b"], "--tolerance must be a share such as 0.1, or ATTRIBUTE=0.1, not a=b"),
        (["--preset", "community"], "preset community counts households"),
        (["--uncut-by", "lake"], "uncut_by must be one of"),
        (["--lock", "nobody"], "there is no block with the code nobody"),
        (["--codes", "{serial}"], "must be made of"),
        (["--heads", "nowhere.gpkg"], "nowhere.gpkg"),
    ],
)
def test_bad_options_get_one_line(town: Path, gridgeo_command: Command, options: list[str], words: str) -> None:
    done = gridgeo_command("partition", town, *options)
    assert done.status == 2
    (line,) = done.err.splitlines()
    assert line.startswith("gridgeo: ")
    assert words in line


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX here")
def test_ctrl_c_gives_the_best_so_far() -> None:
    script = """
import os, signal, threading
import numpy as np
from gridgeo.partition.crew import Task, solve_all
from tests.test_partition_search import lattice

tasks = [Task(lattice(16, 16, seed=1), 8, (0.05,), seed, effort=40.0) for seed in range(3)]
threading.Timer(2.0, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
found = solve_all(tasks, jobs=1, seconds=1e9)
print([int(each.grouping.block.max()) + 1 for each in found], found[-1].hurried)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=200,
        cwd=Path(__file__).parents[1],
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["[8,", "8,", "8]", "True"]
