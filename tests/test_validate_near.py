"""Open gaps: channels and inlets between neighbours that are too narrow to be meant, told once and only once."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridgeo.validate import Report, validate_tiling

EAST, NORTH = 355_000.0, 3_435_000.0


def frame(*shapes: Any) -> gpd.GeoDataFrame:
    placed = [shapely.transform(shape, lambda c: c + np.array([EAST, NORTH])) for shape in shapes]
    return gpd.GeoDataFrame({"id": [f"g{k}" for k in range(len(placed))]}, geometry=placed, crs="EPSG:32651")


def check(*shapes: Any, **options: Any) -> Report:
    return validate_tiling(frame(*shapes), id_column="id", **options)


def test_a_channel_between_two_polygons_is_told_with_its_size() -> None:
    report = check(shapely.box(0, 0, 100, 100), shapely.box(100.02, 0, 200, 100))
    (fault,) = report.records
    assert (fault.code, fault.detail, fault.severity, fault.features) == (
        "near-border",
        "open",
        "warning",
        ("g0", "g1"),
    )
    assert fault.area == pytest.approx(2.0, rel=0.01)
    assert fault.width == pytest.approx(0.02, rel=0.02)
    assert "2 cm wide and 100 m long" in fault.message("en")
    assert "开口" in fault.message("zh")
    assert report.ok
    assert report.claims[0].measures["gap_area"] == 0.0


def test_an_inlet_that_narrows_to_a_shared_border_is_told() -> None:
    wedge = shapely.Polygon([(100, 50), (100, 0), (200, 0), (200, 100), (100.3, 100)])
    west = shapely.Polygon([(0, 0), (100, 0), (100, 50), (100, 100), (0, 100)])
    (fault,) = check(west, wedge).records
    assert (fault.code, fault.detail) == ("near-border", "open")
    assert fault.area == pytest.approx(7.5, rel=0.01)


@pytest.mark.parametrize("away", [3.0, 30.0])
def test_a_lane_between_two_blocks_is_no_fault(away: float) -> None:
    assert check(shapely.box(0, 0, 100, 100), shapely.box(100 + away, 0, 200, 100)).records == []


def test_a_larger_tolerance_reaches_further() -> None:
    shapes = shapely.box(0, 0, 100, 100), shapely.box(103, 0, 200, 100)
    (fault,) = check(*shapes, tolerance=5.0).records
    assert fault.width == pytest.approx(3.0, rel=0.02)


@pytest.mark.parametrize("corner", [(150, 100), (110, 100), (100.5, 100)])
def test_corners_where_borders_part_are_told_only_when_they_are_an_inlet(corner: tuple[float, float]) -> None:
    west = shapely.box(0, 0, 100, 100)
    east = shapely.Polygon([(100, 0), (200, 0), (200, 100), corner])
    found = [fault.detail for fault in check(west, east).records]
    assert found == (["open"] if corner[0] < 101 else [])


def test_a_channel_that_a_third_polygon_fills_is_none() -> None:
    shapes = shapely.box(0, 0, 100, 100), shapely.box(100.5, 0, 200, 100), shapely.box(100, 0, 100.5, 100)
    assert check(*shapes).records == []


def test_an_enclosed_gap_is_told_once() -> None:
    shapes = [
        shapely.Polygon([(0, 0), (100, 0), (100, 20), (99.5, 50), (100, 80), (100, 100), (0, 100)]),
        shapely.Polygon([(100, 0), (200, 0), (200, 100), (100, 100), (100, 80), (100, 20)]),
    ]
    assert [fault.code for fault in check(*shapes).records] == ["gap"]


def test_with_an_extent_the_channel_is_uncovered_and_nothing_else() -> None:
    report = check(
        shapely.box(0, 0, 100, 100), shapely.box(100.02, 0, 200, 100), within=frame(shapely.box(0, 0, 200, 100))
    )
    assert [fault.code for fault in report.records] == ["uncovered"]


def test_a_channel_in_degrees_has_the_same_size() -> None:
    shapes = frame(shapely.box(0, 0, 100, 100), shapely.box(100.02, 0, 200, 100)).to_crs("EPSG:4490")
    (fault,) = validate_tiling(shapes, id_column="id").records
    assert fault.width == pytest.approx(0.02, rel=0.02)
    assert fault.length == pytest.approx(200, rel=0.01)


def test_blocks_drawn_each_by_itself_have_one_record_a_border() -> None:
    blocks = [
        shapely.box(x * 100 + 0.01, y * 100 + 0.01, x * 100 + 99.99, y * 100 + 99.99)
        for x in range(3)
        for y in range(3)
    ]
    report = check(*blocks)
    assert len(report.records) == 12
    assert {fault.detail for fault in report.records} == {"open"}
    places = [fault.geometry for fault in report.records]
    assert shapely.area(shapely.union_all(places)) == pytest.approx(sum(map(shapely.area, places)), rel=1e-6)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(0.001, 0.9), min_size=2, max_size=2),
    st.floats(25, 400),
    st.floats(0, 6.28),
)
def test_an_open_gap_has_the_area_that_was_cut_out(ends: list[float], height: float, turn: float) -> None:
    """A strip with straight sides, as wide as it likes at either end, whichever way it lies."""
    low, high = ends
    strip = shapely.Polygon([(100, 0), (100 + low, 0), (100 + high, height), (100, height)])
    shapes = [
        shapely.box(0, 0, 100, height),
        shapely.Polygon([(100 + low, 0), (200, 0), (200, height), (100 + high, height)]),
    ]
    turned = [
        shapely.transform(shape, lambda c: c @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]))
        for shape in shapes
    ]
    (fault,) = check(*turned).records
    assert fault.detail == "open"
    assert fault.area == pytest.approx(strip.area, rel=0.02)


def test_an_overlay_that_fails_is_told_in_a_note_and_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise shapely.errors.GEOSException("TopologyException: side location conflict at 1 2")

    monkeypatch.setattr("gridgeo.validate.near._between", fail)
    (note,) = check(shapely.box(0, 0, 100, 100), shapely.box(100.02, 0, 200, 100)).records
    assert (note.code, note.severity, note.features) == ("doubtful-input", "info", ("g0", "g1"))
    assert "side location conflict" in note.message("en")
    assert "无法量算" in note.message("zh")


def shaken_blocks(random: np.random.Generator, crs: str) -> gpd.GeoDataFrame:
    """Blocks with shared borders, some of which were moved apart or together by anything from one ulp to a metre."""
    columns, rows = random.integers(1, 4, 2)
    x, y = np.meshgrid(np.arange(columns + 1) * 50.0, np.arange(rows + 1) * 50.0)
    corner = np.stack([x, y], axis=-1) + random.uniform(-10, 10, (rows + 1, columns + 1, 2))
    shapes = []
    for r in range(rows):
        for c in range(columns):
            ring = np.array([corner[r, c], corner[r, c + 1], corner[r + 1, c + 1], corner[r + 1, c]])
            if random.random() < 0.5:
                ring += random.uniform(-1, 1, ring.shape) * 10.0 ** random.uniform(-12, 0)
            shapes.append(shapely.Polygon(ring))
    placed = frame(*shapes).to_crs(crs)
    nudged = []
    for shape in placed.geometry:
        ring = shapely.get_coordinates(shape)[:-1]
        ring = np.where(random.random(ring.shape) < 0.1, np.nextafter(ring, np.inf), ring)
        nudged.append(shapely.Polygon(ring))
    return placed.set_geometry(nudged, crs=placed.crs)


@pytest.mark.parametrize("crs", ["EPSG:32651", "EPSG:4490", "+proj=tmerc +lon_0=121.5 +units=us-ft +datum=WGS84"])
def test_no_layer_ends_a_validation_and_no_gap_reaches_into_a_polygon(crs: str) -> None:
    random = np.random.default_rng(7)
    for _ in range(40):
        blocks = shaken_blocks(random, crs)
        # coordinates are rounded: to nanometres in degrees
        unit = np.spacing(np.abs(blocks.total_bounds).max()) + 1e-8 / (111_320 if blocks.crs.is_geographic else 0.3)
        report = validate_tiling(blocks, id_column="id")
        for fault in report.records:
            if fault.detail == "open":
                covered = shapely.intersection(blocks.geometry.to_numpy(), fault.geometry)
                rounding = 4 * unit * shapely.length(fault.geometry)
                assert shapely.area(covered).sum() <= 1e-3 * shapely.area(fault.geometry) + rounding
