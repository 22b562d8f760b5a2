"""The command line: exit statuses, one clear line for what is wrong, data on standard output and the rest beside it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from tests.conftest import Run

Command = Callable[..., Run]


@pytest.fixture
def squares(tmp_path: Path) -> Path:
    """Two squares of 100 m side by side, seamless."""
    frame = gpd.GeoDataFrame(
        {"code": ["a", "b"]},
        geometry=[shapely.box(500000, 0, 500100, 100), shapely.box(500100, 0, 500200, 100)],
        crs="EPSG:32651",
    )
    path = tmp_path / "squares.gpkg"
    frame.to_file(path, layer="squares")
    return path


@pytest.fixture
def overlapping(tmp_path: Path) -> Path:
    """Two squares of which the second reaches 10 m into the first."""
    frame = gpd.GeoDataFrame(
        {"code": ["a", "b"]},
        geometry=[shapely.box(500000, 0, 500100, 100), shapely.box(500090, 0, 500200, 100)],
        crs="EPSG:32651",
    )
    path = tmp_path / "overlapping.gpkg"
    frame.to_file(path, layer="squares")
    return path


@pytest.mark.parametrize(
    "command", [[], ["demo"], ["init"], ["validate"], ["repair"], ["partition"], ["render"], ["locate"]]
)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_help_exists_for_every_command_in_both_languages(
    gridgeo_command: Command, command: list[str], language: str
) -> None:
    run = gridgeo_command("--lang", language, *command, "--help")
    assert run.status == 0
    assert "gridgeo" in run.out
    assert any("\u4e00" <= character <= "\u9fff" for character in run.out) == (language == "zh")


@pytest.mark.parametrize(
    "words",
    [["paint"], ["validate"], ["validate", "--colour"], ["demo", "--polygons", "3", "x"], ["--lang", "fr", "init"]],
)
def test_bad_arguments_get_one_line_and_status_2(gridgeo_command: Command, words: list[str]) -> None:
    run = gridgeo_command(*words)
    assert run.status == 2
    assert len(run.err.strip().splitlines()) == 1
    assert run.err.startswith("gridgeo: ")
    assert run.out == ""


def test_a_seamless_layer_exits_0(gridgeo_command: Command, squares: Path) -> None:
    run = gridgeo_command("validate", squares, "--id", "code")
    assert run.status == 0
    assert run.err == ""


def test_an_overlap_exits_1_and_is_named_with_its_features_and_area(
    gridgeo_command: Command, overlapping: Path
) -> None:
    run = gridgeo_command("validate", overlapping, "--id", "code", "--format", "json")
    assert run.status == 1
    report = json.loads(run.out)
    assert report["schema"] == "gridgeo-report/1"
    assert report["ok"] is False
    (fault,) = [fault for fault in report["faults"] if fault["code"] == "overlap"]
    assert fault["features"] == ["a", "b"]
    assert fault["area"] == pytest.approx(1000, rel=2e-3)  # UTM's own scale is within 0.1 % there


def test_a_tolerance_turns_thin_faults_into_warnings(gridgeo_command: Command, overlapping: Path) -> None:
    assert gridgeo_command("validate", overlapping, "--tolerance", "12").status == 0
    assert gridgeo_command("validate", overlapping, "--tolerance", "12", "--fail-on", "warning").status == 1


def test_the_extent_must_be_covered(gridgeo_command: Command, squares: Path, tmp_path: Path) -> None:
    extent = gpd.GeoDataFrame(geometry=[shapely.box(500000, 0, 500250, 100)], crs="EPSG:32651")
    extent.to_file(tmp_path / "town.geojson")
    run = gridgeo_command("validate", squares, "--within", tmp_path / "town.geojson", "--format", "json")
    assert run.status == 1
    assert "uncovered" in {fault["code"] for fault in json.loads(run.out)["faults"]}


def test_a_report_can_go_to_a_file(gridgeo_command: Command, squares: Path, tmp_path: Path) -> None:
    run = gridgeo_command("validate", squares, "--format", "json", "--output", tmp_path / "new" / "report.json")
    assert run.status == 0
    assert run.out == ""
    assert json.loads((tmp_path / "new" / "report.json").read_text(encoding="utf-8"))["ok"] is True


def test_reading_never_changes_the_input(gridgeo_command: Command, overlapping: Path) -> None:
    before = overlapping.read_bytes()
    gridgeo_command("validate", overlapping)
    assert overlapping.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "content"),
    [("absent.gpkg", None), ("broken.gpkg", b"not a database"), ("empty.geojson", b""), ("gridgeo.toml", b"[town\n")],
)
def test_unreadable_input_gets_lines_that_name_the_file_and_status_2(
    gridgeo_command: Command, tmp_path: Path, name: str, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    run = gridgeo_command("validate", tmp_path / name)
    assert run.status == 2
    assert name in run.err
    assert "Traceback" not in run.err
    assert run.out == ""


def test_options_of_a_single_file_are_refused_for_a_town(gridgeo_command: Command, tmp_path: Path) -> None:
    (tmp_path / "gridgeo.toml").write_text('[town]\nname = "x"\n', encoding="utf-8")
    run = gridgeo_command("validate", tmp_path, "--layer", "x", "--id", "y")
    assert run.status == 2
    assert len(run.err.strip().splitlines()) == 2


def test_the_command_is_installed_and_starts_without_heavy_imports() -> None:
    code = (
        "import sys; from gridgeo.cli import main\ntry: main(['--help'])\nexcept SystemExit: print(sorted(sys.modules))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for heavy in ("geopandas", "folium", "typst", "pandas"):
        assert f"'{heavy}'" not in loaded


def test_ctrl_c_is_one_line_and_status_130(
    gridgeo_command: Command, squares: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("gridgeo.town.read_town", interrupted)
    run = gridgeo_command("render", squares.parent, squares.parent / "out")
    assert (run.status, run.out) == (130, "")
    assert run.err == "gridgeo: stopped before all was done; files that were written are whole\n"


def test_an_existing_folder_is_not_overwritten_by_the_demo(gridgeo_command: Command, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep me")
    run = gridgeo_command("demo", tmp_path)
    assert run.status == 2
    assert (tmp_path / "mine.txt").read_text() == "keep me"
    assert len(list(tmp_path.iterdir())) == 1


def test_the_installed_script_runs() -> None:
    script = shutil.which("gridgeo", path=str(Path(sys.executable).parent))
    if script is None:
        pytest.skip("gridgeo is not installed in this environment (run from the source tree)")
    done = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("gridgeo ")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is full")
def test_a_full_disk_is_told_in_one_line_and_no_fault_of_gridgeo(squares: Path) -> None:
    with Path("/dev/full").open("w") as full:
        words = [sys.executable, "-m", "gridgeo", "--lang", "en", "validate", str(squares), "--format", "json"]
        run = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        assert run.returncode == 2
        assert run.stderr.startswith("gridgeo: the system could not do it (No space left on device)")
        quiet = subprocess.run(words, stdout=subprocess.DEVNULL, stderr=full, check=False)
    assert quiet.returncode == 0


def test_a_reader_that_leaves_early_is_no_fault(squares: Path) -> None:
    command = f"{sys.executable} -m gridgeo validate {squares} --format json | true; echo ${{PIPESTATUS[0]}}"
    run = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (run.stdout.strip(), run.stderr) == ("0", "")


def test_closed_standard_error_keeps_nobody_from_working(squares: Path) -> None:
    command = f"{sys.executable} -m gridgeo validate {squares} 2>&-; echo $?"
    run = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert run.stdout.strip().endswith("0")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such order")
def test_an_order_to_end_stops_a_run_as_ctrl_c_does(
    gridgeo_command: Command, squares: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gridgeo.town.read_town", lambda *_, **__: os.kill(os.getpid(), signal.SIGTERM))
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        run = gridgeo_command("render", squares.parent, squares.parent / "out")
    finally:
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL, "whoever calls the command gets its signals back"
        signal.signal(signal.SIGTERM, before)
    assert (run.status, run.err) == (130, "gridgeo: stopped before all was done; files that were written are whole\n")
