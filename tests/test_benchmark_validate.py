"""The benchmark of validation runs, agrees with GEOS, and says of every line what is asked for."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

FILE = Path(__file__).parents[1] / "benchmarks" / "validate.py"


@pytest.fixture(scope="module")
def benchmark() -> dict[str, Any]:
    return runpy.run_path(str(FILE))


def test_each_line_says_what_is_asked_for(benchmark: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    town = benchmark["with_faults"](benchmark["make_town"](400), 0.02)
    layout = benchmark["Layout"]("1 % faulty", benchmark["framed"](town), 5.0, with_faces=True)
    benchmark["measure_speed"](layout, ("numpy",), 0.0)
    title, geos, *lines = capsys.readouterr().out.splitlines()
    assert "the same by GEOS" in title
    assert "GEOS" in geos
    assert [line.split()[0] for line in lines] == ["is_coverage", "kernel", "validate_tiling"]
    assert ["asked: 5x, " in line for line in lines] == [False, True, True]
    assert all("asked: " in line and line.endswith(("met", "MISSED")) for line in lines)


def test_towns_are_what_they_are_called(benchmark: dict[str, Any]) -> None:
    analyse = benchmark["analyse"]
    town = benchmark["make_town"](100)
    assert analyse(town).valid
    assert not analyse(benchmark["with_faults"](town, 0.1)).valid
    loose = analyse(benchmark["apart"](town))
    assert loose.valid
    assert len(loose.adjacency()) == 0
    assert analyse(benchmark["with_street"](town)).valid
