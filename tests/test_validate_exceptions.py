"""Exceptions: a fault that is meant becomes a note with its reason; an exception that nothing needs is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely

from gridgeo.errors import InputError
from gridgeo.sample import write_sample
from gridgeo.town import Allowed, read_town
from gridgeo.validate import Report, validate_tiling, validate_town

EAST, NORTH = 355_000.0, 3_435_000.0


def board(*away: tuple[int, int], **options: Any) -> Report:
    """Squares of 100 m, 4 by 4, without some of them."""
    cells = [(x, y) for y in range(4) for x in range(4)]
    frame = gpd.GeoDataFrame(
        {"id": [f"{x}{y}" for x, y in cells]},
        geometry=[shapely.box(EAST + 100 * x, NORTH + 100 * y, EAST + 100 * x + 100, NORTH + 100 * y + 100)
                  for x, y in cells],
        crs="EPSG:32651",
    )  # fmt: skip
    kept = frame[[cell not in away for cell in cells]]
    return validate_tiling(kept, within=frame, id_column="id", **options)


def place(x: float, y: float) -> tuple[float, float]:
    point = gpd.GeoSeries([shapely.Point(EAST + x, NORTH + y)], crs="EPSG:32651").to_crs("EPSG:4326").iloc[0]
    return point.x, point.y


def told(report: Report) -> list[tuple[str, str]]:
    return [(fault.code, fault.severity) for fault in report.records]


LAKE = Allowed("gap", "Lake Dian", at=place(150, 150))


def test_a_lake_becomes_a_note_with_its_reason_and_keeps_its_area() -> None:
    report = board((1, 1), exceptions=[LAKE])
    assert told(report) == [("gap", "info")]
    assert report.ok
    assert not report.fails(on="warning")
    (fault,) = report.records
    assert "Lake Dian" in fault.message("en")
    assert "Lake Dian" in fault.message("zh")
    assert "Lake Dian" in fault.action("en")
    assert fault.area == pytest.approx(10_000, rel=2e-3)
    assert json.loads(report.to_json("en"))["faults"][0]["exception"] == "Lake Dian"
    assert report.claims[0].measures["gap_area"] == pytest.approx(10_000, rel=2e-3)
    assert "Lake Dian" in report.to_text("en")


def test_only_the_fault_at_the_place_is_excepted() -> None:
    records = told(board((1, 1), (3, 3), (2, 2), exceptions=[LAKE]))
    assert sorted(records) == [("gap", "error"), ("gap", "info"), ("uncovered", "error")]


def test_the_place_printed_in_a_report_is_good_enough_as_an_exception() -> None:
    text = board((2, 2)).to_text("en")
    longitude, latitude = text.split(", at ")[1].split(".\n")[0].split(", ")
    copied = Allowed("gap", "pond", at=(float(longitude), float(latitude)))
    assert told(board((2, 2), exceptions=[copied])) == [("gap", "info")]


def test_an_exception_that_no_fault_needs_is_a_warning_with_its_place_and_reason() -> None:
    report = board(exceptions=[LAKE])
    assert told(report) == [("unused-exception", "warning")]
    assert report.ok
    (fault,) = report.records
    assert "Lake Dian" in fault.message("en")
    assert fault.message("en") != fault.message("zh")
    assert f"{place(150, 150)[0]:.6f}" in fault.message("zh")
    assert shapely.distance(fault.geometry, shapely.Point(EAST + 150, NORTH + 150)) < 0.01


def test_a_fault_of_another_kind_at_the_place_is_not_excepted() -> None:
    wrong = Allowed("overlap", "lake", at=place(150, 150))
    assert told(board((1, 1), exceptions=[wrong])) == [("gap", "error"), ("unused-exception", "warning")]


def test_a_gap_that_outgrows_its_exception_is_an_error_again() -> None:
    small = Allowed("gap", "pond", at=place(150, 150), area=12_000)
    assert told(board((1, 1), exceptions=[small])) == [("gap", "info")]
    grown = board((1, 1), (2, 1), exceptions=[small])
    assert told(grown) == [("gap", "error"), ("unused-exception", "warning")]
    message = grown.records[1].message("en")
    assert "outgrown" in message
    assert "12,000" in message


def test_features_name_the_faults_that_are_meant() -> None:
    beside = Allowed("gap", "lake", features=("01", "21"))
    assert told(board((1, 1), exceptions=[beside])) == [("gap", "info")]
    assert told(board((2, 2), exceptions=[beside])) == [("gap", "error"), ("unused-exception", "warning")]


def test_an_exception_for_another_claim_does_not_count_and_is_not_told() -> None:
    other = Allowed("gap", "lake", at=place(150, 150), claim="blocks")
    assert told(board((1, 1), exceptions=[other])) == [("gap", "error")]


def test_exceptions_that_make_no_sense_are_refused_all_at_once() -> None:
    with pytest.raises(InputError) as caught:
        board(exceptions=[Allowed("gapp", "x", at=place(1, 1)), Allowed("gap", "y")])
    assert len(caught.value.problems) == 2
    assert "gapp" in str(caught.value)


# ------------------------------------------------------------------------------------------ gridgeo.toml


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample(tmp_path_factory.mktemp("exceptions"))


def with_text(project: Path, text: str) -> Path:
    """Write the project's gridgeo.toml anew with more at its end."""
    there = project.with_name("changed.toml")
    there.write_text(project.read_text(encoding="utf-8") + text, encoding="utf-8")
    return there


def test_exceptions_are_read_from_the_project_and_unused_ones_are_told(project: Path) -> None:
    table = '\n[[exceptions]]\ncode = "gap"\nat = [121.5, 31]\nclaim = "town"\nreason = "河塘"\n'
    town = read_town(with_text(project, table))
    (exception,) = town.exceptions
    assert (exception.code, exception.at, exception.reason) == ("gap", (121.5, 31.0), "河塘")
    report = validate_town(town)
    (fault,) = [fault for fault in report.records if fault.code == "unused-exception"]
    assert "河塘" in fault.message("zh")
    assert report.ok


def test_mistakes_in_exceptions_are_said_all_at_once(project: Path) -> None:
    text = (
        '\n[[exceptions]]\ncode = "gap"\nat = [31.0, 121.5]\nreason = "lake"\n'
        '[[exceptions]]\ncode = "gap"\nreason = "lake"\n'
        '[[exceptions]]\ncode = "gap"\nfeatures = "7"\n'
        '[[exceptions]]\ncode = "gap"\nfeatures = ["7"]\nreason = "lake"\nclaim = "twon"\n'
        '[[exceptions]]\ncode = "gap"\nfeatures = ["7"]\nreson = "lake"\n'
    )
    with pytest.raises(InputError) as caught:
        read_town(with_text(project, text))
    said = [problem.text("en") for problem in caught.value.problems]
    assert any("exceptions.1" in line and "longitude first" in line for line in said)
    assert any("exceptions.2" in line and "place" in line for line in said)
    assert any("exceptions.3" in line and "reason" in line for line in said)
    assert any("exceptions.4" in line and "twon" in line for line in said)
    assert any("exceptions.5" in line and "reson" in line for line in said)


def test_a_single_table_of_exceptions_is_said_with_the_right_way(project: Path) -> None:
    with pytest.raises(InputError, match=r"\[\[exceptions\]\]"):
        read_town(with_text(project, '\n[exceptions]\ncode = "gap"\n'))
