"""What a user may rely on of the comparison of two plans."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import jsonschema
import pytest
import shapely

from gridgeo.diff import Difference, diff_plans
from gridgeo.diff.difference import diff_schema
from gridgeo.errors import InputError

CRS = "EPSG:4549"


def plan(crs: str | None = CRS, /, **boxes: tuple[float, float, float, float]) -> gpd.GeoDataFrame:
    shapes = [
        shapely.box(*(500_000 + left, 3_400_000 + low, 500_000 + right, 3_400_000 + top))
        for left, low, right, top in boxes.values()
    ]
    return gpd.GeoDataFrame(
        {"code": list(boxes), "workload": [float(s.area) for s in shapes]}, geometry=shapes, crs=crs
    )


def told(found: Difference, *kinds: str) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    return [(each.kind, each.old, each.new) for each in found.changes if each.kind in kinds]


A, B, C = (0, 0, 100, 100), (100, 0, 200, 100), (200, 0, 300, 100)
STRUCTURE = ("new", "gone", "split", "merged", "redrawn", "moved", "recoded")


def test_same_plan_has_no_difference() -> None:
    found = diff_plans(plan(A=A, B=B), plan(B=B, A=A))
    assert found.same
    assert not found.transfers
    assert "no difference" in found.to_text("en")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"A": A}, {"A": A, "B": B}, [("new", (), ("B",))]),
        ({"A": A, "B": B}, {"A": A}, [("gone", ("B",), ())]),
        ({"A": (0, 0, 200, 100)}, {"A": A, "B": B}, [("split", ("A",), ("A", "B"))]),
        ({"A": A, "B": B}, {"B": (0, 0, 200, 100)}, [("merged", ("A", "B"), ("B",))]),
        (
            {"A": A, "B": B},
            {"A": (0, 0, 90, 100), "B": (90, 0, 200, 100)},
            [("moved", ("A",), ("A",)), ("moved", ("B",), ("B",))],
        ),
        ({"A": A, "B": B}, {"A": A, "Z": B}, [("recoded", ("B",), ("Z",))]),
    ],
)
def test_kinds(old: dict, new: dict, expected: list) -> None:
    assert told(diff_plans(plan(**old), plan(**new)), *STRUCTURE) == expected


def test_ground_and_people_that_change_hands() -> None:
    old, new = plan(A=A, B=B, C=C), plan(A=(0, 0, 90, 100), B=(90, 0, 200, 100), C=C)
    places = shapely.points([(500_095, 3_400_050), (500_050, 3_400_050), (500_250, 3_400_050)])
    people = gpd.GeoDataFrame({"n": [7, 5, 8]}, geometry=places, crs=CRS)
    found = diff_plans(old, new, people=people, people_column="n")
    assert [(t.giver, t.taker, t.people) for t in found.transfers] == [("A", "B", 7.0)]
    assert found.moved_area == pytest.approx(1000, rel=1e-3)
    assert (found.people, found.unchanged, found.estimated) == (20.0, 1, False)
    assert found.matrix.loc["A", "B"] == 7.0
    assert diff_plans(old, new).estimated


def test_noise_is_told_apart_from_change() -> None:
    old, new = plan(A=A, B=B), plan(A=(0, 0, 99.95, 100), B=(99.95, 0, 200, 100))
    found = diff_plans(old, new.assign(workload=old["workload"]))
    assert found.same
    assert found.noise == 1
    assert found.noise_area == pytest.approx(5, rel=1e-2)
    assert not diff_plans(old, new, tolerance=0.01).same


def test_json_keeps_its_schema() -> None:
    found = diff_plans(plan(A=A, B=B), plan(A=(0, 0, 90, 100), Z=(90, 0, 200, 100)))
    content = json.loads(found.to_json())
    jsonschema.validate(content, diff_schema())
    assert content["same"] is False
    assert found.to_json() == diff_plans(plan(A=A, B=B), plan(A=(0, 0, 90, 100), Z=(90, 0, 200, 100))).to_json()


def test_page_fetches_nothing_and_escapes() -> None:
    evil = "<script>alert(1)</script>"
    new = plan(A=(0, 0, 90, 100), B=(90, 0, 200, 100))
    new["code"] = ["A", evil]
    page = diff_plans(plan(A=A, B=B), new).to_html("zh")
    assert evil not in page
    assert "http://" not in page
    assert 'class="hand"' in page


def test_bad_input_is_told() -> None:
    with pytest.raises(InputError, match="coordinate system"):
        diff_plans(plan(A=A), plan(None, A=A))
    with pytest.raises(InputError, match="--id"):
        diff_plans(plan(A=A).drop(columns="code"), plan(A=A))
    with pytest.raises(InputError, match="twice"):
        diff_plans(plan(A=A, B=B).assign(code="A"), plan(A=A))


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gridgeo", "diff", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C.UTF-8"}, check=False)


def test_command_says_by_its_status_whether_plans_differ(tmp_path: Path) -> None:
    one, two, page = tmp_path / "one.gpkg", tmp_path / "two.gpkg", tmp_path / "page.html"
    plan(A=A, B=B).to_file(one)
    plan(A=(0, 0, 90, 100), B=(90, 0, 200, 100)).to_file(two)
    assert run(one, one).returncode == 0
    different = run(one, two, "--format", "json")
    assert different.returncode == 1
    jsonschema.validate(json.loads(different.stdout), diff_schema())
    assert run(one, two, "--format", "html", "-o", page).returncode == 1
    assert "<svg" in page.read_text(encoding="utf-8")
    missing = run(one, tmp_path / "none.gpkg")
    assert missing.returncode == 2
    assert "Traceback" not in missing.stderr
