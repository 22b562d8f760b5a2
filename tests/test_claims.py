"""Claims in gridgeo.toml about barriers, seams and professional grids: read, checked, and mistakes said in a line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

import gridgeo
from gridgeo.errors import InputError
from gridgeo.town import Alignment, Consistency, Seam
from tests.conftest import Run

TOML = """
[town]
name = "Three claims"

[layers.west]
file = "town.gpkg"
layer = "west"
id = "code"

[layers.east]
file = "town.gpkg"
layer = "east"
id = "code"

[layers.cleaning]
file = "town.gpkg"
layer = "cleaning"
id = "code"

[barriers.roads]
file = "town.gpkg"
layer = "roads"
rank_column = "class"
ranks = { big = "main-road", small = "lane" }

"""
BORDERS = '[claims.borders]\nalong = ["west", "east"]\nrank = "road"\nshare = 0.5\n'
SHEETS = '[claims.sheets]\nseam = ["west", "east"]\n'
CLEANING = '[claims.cleaning]\nconsistent = "cleaning"\nwithin = ["west", "east"]\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    def write(layer: str, shapes: list[shapely.Geometry], **columns: list[str]) -> None:
        columns.setdefault("code", [f"{layer}-{number}" for number in range(len(shapes))])
        corner = np.array([350_000, 3_430_000])
        moved = [shapely.transform(shape, lambda places: places + corner) for shape in shapes]
        frame = gpd.GeoDataFrame(columns, geometry=moved, crs="EPSG:32651")
        gridgeo.write_layer(frame, tmp_path / "town.gpkg", layer=layer)

    write("west", [shapely.box(0, 0, 100, 100), shapely.box(0, 100, 100, 200)])
    write("east", [shapely.box(100, 0, 200, 100), shapely.box(100, 100, 200, 200)])
    write("cleaning", [shapely.box(0, 0, 200, 100), shapely.box(0, 100, 200, 200)])
    roads = [shapely.LineString([(100, 0), (100, 200)]), shapely.LineString([(0, 100), (200, 100)])]
    write("roads", roads, **{"class": ["big", "small"]})
    gridgeo.write_layer(gpd.read_file(tmp_path / "town.gpkg", layer="roads"), tmp_path / "roads.gpkg", layer="roads")
    gridgeo.write_layer(gpd.read_file(tmp_path / "town.gpkg", layer="west"), tmp_path / "west.gpkg", layer="west")
    return tmp_path


def write_claims(folder: Path, claims: str) -> Path:
    path = folder / "gridgeo.toml"
    path.write_text(TOML + claims, encoding="utf-8")
    return path


def test_the_claims_are_read(folder: Path) -> None:
    town = gridgeo.read_town(write_claims(folder, BORDERS + SHEETS + CLEANING))
    assert town.claims == (
        Alignment("borders", ("west", "east"), rank="road", share=0.5),
        Seam("sheets", "west", "east"),
        Consistency("cleaning", "cleaning", ("west", "east")),
    )


def test_the_claims_are_checked_into_one_report(folder: Path) -> None:
    report = gridgeo.validate_town(gridgeo.read_town(write_claims(folder, BORDERS + SHEETS + CLEANING)))
    assert [(claim.claim, claim.ok) for claim in report.claims] == [
        ("borders", False),
        ("sheets", True),
        ("cleaning", True),
    ]
    found = {frozenset(fault.features) for fault in report.records if fault.severity == "error"}
    # the borders from west to east run on the lane, which is less than a road
    assert found == {frozenset({"west-0", "west-1"}), frozenset({"east-0", "east-1"})}
    for language in ("en", "zh"):
        assert "borders" in report.to_text(language)
    assert report.to_json()
    assert report.to_sarif()
    assert report.to_html()


def test_claims_about_blocks_wait_for_them(folder: Path) -> None:
    path = write_claims(folder, SHEETS + '[claims.lines]\nalong = "blocks"\nscope = "inner"\n')
    town = gridgeo.read_town(path)
    assert town.claims[1] == Alignment("lines", ("blocks",), parent_column="grid")
    report = gridgeo.validate_town(town)
    assert [claim.claim for claim in report.claims] == ["sheets"]
    with pytest.raises(InputError, match="gridgeo partition"):
        gridgeo.validate_town(town, claims=["lines"])


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        ("tolerance = 1.0", "a claim is one of these"),
        ('along = ["west"]\nseam = ["west", "east"]', "a claim is one of these"),
        ('along = ["west"]\nrank = "motorway"', "motorway"),
        ('along = ["west"]\nshare = 1.5', "at most 1, not 1.5"),
        ('along = ["west"]\ntolerance = 0.0', "more than 0"),
        ('along = ["west"]\nscope = "inner"', "parent_column"),
        ('along = ["west"]\nscope = "outer"', "outer"),
        ('along = ["west"]\nparent_column = "grid"', 'no column "grid"'),
        ('along = ["west"]\nwithin = "east"', "within doesn't belong to a claim with along"),
        ('along = ["wset"]', 'did you mean "west"'),
        ('seam = ["west"]', "between two layers"),
        ('seam = ["west", "west"]', "between two layers"),
        ('seam = ["west", "east"]\nshare = 0.5', "share doesn't belong to a claim with seam"),
        ('consistent = "cleaning"', "consistent needs within"),
        ('tiling = ["west"]\nrank = "road"', "rank doesn't belong to a claim with tiling"),
    ],
)
def test_mistakes_are_said_in_one_line(folder: Path, claim: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        gridgeo.read_town(write_claims(folder, f"[claims.wrong]\n{claim}\n"))
    (problem,) = caught.value.problems
    assert said in problem.text("en")
    assert "[claims.wrong]" in problem.where
    assert problem.text("zh")


def test_along_without_any_barriers_is_said(folder: Path) -> None:
    text = TOML[: TOML.index("[barriers.roads]")] + BORDERS
    (folder / "gridgeo.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="needs barriers"):
        gridgeo.read_town(folder)


def test_one_file_along_another(folder: Path, gridgeo_command: Callable[..., Run]) -> None:
    west, roads = folder / "west.gpkg", folder / "roads.gpkg"
    plain = gridgeo_command("validate", west, "--id", "code", "--along", roads, "--share", "0.9")
    assert plain.status == 0, plain.out + plain.err
    assert "100 %" in plain.out
    (folder / "copy").mkdir()
    frame = gpd.read_file(roads).replace({"class": {"big": "primary", "small": "residential"}})
    gridgeo.write_layer(frame, folder / "copy" / "roads.gpkg", layer="roads")
    along = ("--along", folder / "copy" / "roads.gpkg", "--rank-column", "class", "--rank", "road", "--share", "0.9")
    ranked = gridgeo_command("validate", west, "--id", "code", *along)
    assert ranked.status == 1
    assert "off-barrier" in ranked.out


def test_options_that_lead_nowhere_are_refused(folder: Path, gridgeo_command: Callable[..., Run]) -> None:
    run = gridgeo_command("validate", folder / "west.gpkg", "--share", "0.5")
    assert run.status == 2
    assert "--along" in run.err
