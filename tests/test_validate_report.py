"""What a report says: what its records amount to, sizes in units that suit them, notes in few lines, both languages."""

from __future__ import annotations

import json
import re
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gridgeo.validate import CATALOGUE, Report, validate_tiling
from gridgeo.validate.wording import Area, Width

EAST, NORTH = 355_000.0, 3_435_000.0
LANGUAGES: tuple[Literal["en", "zh"], ...] = ("en", "zh")


def check(*shapes: Any, **options: Any) -> Report:
    placed = [shapely.transform(shape, lambda c: c + np.array([EAST, NORTH])) for shape in shapes]
    frame = gpd.GeoDataFrame({"id": [f"g{k}" for k in range(len(placed))]}, geometry=placed, crs="EPSG:32651")
    return validate_tiling(frame, id_column="id", **options)


def rows(overlap: float, count: int = 9) -> list[Any]:
    """Strips one above the other, each reaching into the next."""
    return [shapely.box(0, 10.0 * k, 100, 10.0 * k + 10 + (overlap if k < count - 1 else 0)) for k in range(count)]


def test_rounding_is_told_as_rounding_with_what_to_do() -> None:
    text = check(*rows(1e-8)).to_text("en")
    assert "coordinates were rounded" in text
    assert "--tolerance 0.01" in text
    assert "what first" not in text.lower()


def test_errors_that_a_tolerance_settles_are_counted() -> None:
    text = check(*rows(0.004), shapely.box(0, 300, 50, 400), shapely.box(40, 300, 90, 400)).to_text("en")
    assert "8 of the 9 errors are no wider than 1 cm" in text
    assert "coordinates were rounded" not in text


def test_no_tolerance_is_proposed_for_real_errors() -> None:
    assert "--tolerance" not in check(*rows(2.0)).to_text("en")


def test_what_to_do_first_is_in_the_order_in_which_one_thing_settles_others() -> None:
    bow = shapely.Polygon([(0, 500), (50, 550), (50, 500), (0, 550)])
    square = shapely.box(200, 0, 300, 100)
    shapes = [*rows(0.004), bow, square, square, shapely.box(220, 20, 240, 40), shapely.box(290, 0, 400, 100)]
    text = check(*shapes).to_text("en")
    line = next(line for line in text.splitlines() if "What first" in line)
    places = [line.index(word) for word in ("not valid (1)", "twice (1)", "inside others", "wider than 1 m (1")]
    assert places == sorted(places)


def test_holes_that_may_be_meant_are_told_with_the_ways_to_say_so() -> None:
    squares = [shapely.box(x, y, x + 50, y + 50) for x in range(0, 250, 50) for y in range(0, 250, 50)]
    kept = [square for k, square in enumerate(squares) if k not in (6, 18)]
    text = check(*kept).to_text("en")
    assert "Holes that may be meant: 2, 5,0" in text.replace("4,99", "5,0")
    assert "[[exceptions]]" in text
    assert "--within" in text


def test_a_layer_of_scattered_polygons_is_asked_whether_it_is_a_tiling() -> None:
    apart = [shapely.box(x, 0, x + 50, 50) for x in range(0, 1000, 100)]
    text = check(*apart, shapely.box(40, 0, 90, 50)).to_text("en")
    assert "11 of the 11 polygons share no border" in text
    assert "share no border" not in check(*rows(2.0)[:1]).to_text("en")


def test_names_of_features_keep_their_case() -> None:
    text = check(*rows(2.0)).to_text("zh")
    assert "g0" in text
    assert "G0" not in text


def test_many_notes_of_one_kind_are_one_line() -> None:
    shapes = [
        shapely.MultiPolygon([shapely.box(0, y, 90, y + 50), shapely.box(200, y, 290, y + 50)])
        for y in range(0, 1000, 100)
    ]
    report = check(*shapes)
    assert len(report.records) == 10
    text = report.to_text("en")
    assert "10 × in several parts (fragment): g9, g8" in text
    assert text.count("fragment") == 1


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("overlap", [1e-8, 1e-5, 1e-3, 0.1, 3.0])
def test_no_size_is_printed_as_nothing(overlap: float, language: Literal["en", "zh"]) -> None:
    """Small sizes have small units, rather than zeros."""
    text = check(*rows(overlap)).to_text(language)
    assert not re.search(r"(?<![\d.,])0(\.0+)? (m|cm|mm|km|平方|米|厘米|毫米)", text)


@pytest.mark.parametrize("exponent", range(-12, 9))
def test_sizes_are_short_and_never_zero(exponent: int) -> None:
    for size in (Area(3.3 * 10.0**exponent), Width(3.3 * 10.0**exponent)):
        for language in LANGUAGES:
            said = size.text(language)
            assert len(said) < 26
            assert any(digit in said for digit in "123456789")


def test_every_kind_of_fault_has_a_name_and_an_action_in_both_languages() -> None:
    for kind in CATALOGUE.values():
        assert kind.name.text("en") != kind.name.text("zh")
        assert kind.action.text("en").endswith(".")
        assert kind.action.text("zh").endswith("。")


def test_the_same_layer_in_another_order_of_vertices_gives_the_same_text() -> None:
    shapes = rows(2.0)
    turned = [shapely.Polygon(np.roll(shapely.get_coordinates(s)[:-1], 2, axis=0)[::-1]) for s in shapes]
    assert check(*shapes).to_text("en") == check(*turned).to_text("en")


def test_a_report_in_another_system_says_the_same() -> None:
    report = check(*rows(2.0))
    moved = report.moved_to(gpd.GeoSeries([], crs="EPSG:4326").crs)
    one, other = json.loads(report.to_json("en")), json.loads(moved.to_json("en"))
    assert other["crs"] == "EPSG:4326"
    for mine, theirs in zip(one["faults"], other["faults"], strict=True):
        assert mine["message"] == theirs["message"]
        assert mine["area"] == theirs["area"]
        assert -180 <= shapely.from_geojson(json.dumps(theirs["geometry"])).bounds[0] <= 180


@pytest.mark.parametrize(
    ("overlap", "tolerance", "error", "warning"),
    [(2.0, 0.0, True, True), (0.5, 1.0, False, True), (0.0, 0, False, False)],
)
def test_fails_says_what_the_exit_status_is(overlap: float, tolerance: float, error: bool, warning: bool) -> None:
    report = check(*rows(overlap), tolerance=tolerance)
    assert report.fails(on="error") == error
    assert report.fails(on="warning") == warning
