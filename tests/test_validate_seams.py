"""Seams between sheets, and professional grids made of blocks: cases whose answer is known by hand."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridgeo.validate import Report, validate_consistency, validate_seam

METRES = "+proj=tmerc +lat_0=31 +lon_0=121.5 +k=1 +ellps=GRS80 +units=m"


def sheet(*shapes: shapely.Geometry) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(geometry=list(shapes), crs=METRES)


def polygon(*points: tuple[float, float]) -> shapely.Polygon:
    return shapely.Polygon(points)


WEST = sheet(shapely.box(0, 0, 100, 100), shapely.box(0, 100, 100, 200))
EAST = sheet(shapely.box(100, 0, 200, 100), shapely.box(100, 100, 200, 200))


def faults(report: Report) -> list[tuple[str, float | None, float | None]]:
    return [(fault.code, fault.area, fault.width) for fault in report.records]


def test_sheets_that_meet_vertex_by_vertex_have_no_fault() -> None:
    report = validate_seam(WEST, EAST)
    assert report.ok
    assert report.records == []
    assert report.claims[0].measures["seam_length"] == pytest.approx(200)
    assert "200 m" in report.to_text("en")
    assert report.to_text("zh")


def test_a_vertex_on_one_side_only_is_found() -> None:
    east = sheet(shapely.box(100, 0, 200, 50), shapely.box(100, 50, 200, 100), EAST.geometry[1])
    (fault,) = validate_seam(WEST, east).records
    assert (fault.code, fault.severity, fault.layers) == ("unmatched-seam", "error", ("layer-1", "layer-2"))
    assert fault.geometry.distance(shapely.Point(100, 50)) == 0


def test_an_overlap_of_the_sheets_has_its_area_and_width() -> None:
    east = sheet(polygon((100, 0), (200, 0), (200, 100), (100, 100), (96, 50)), EAST.geometry[1])
    (fault,) = validate_seam(WEST, east).records
    assert fault.code == "unmatched-seam"
    assert fault.area == pytest.approx(200)
    assert fault.iso19157 == 23


def test_an_enclosed_gap_between_the_sheets_has_its_area() -> None:
    east = sheet(polygon((100, 0), (200, 0), (200, 100), (100, 100), (104, 50)), EAST.geometry[1])
    (fault,) = validate_seam(WEST, east).records
    assert fault.code == "unmatched-seam"
    assert fault.area == pytest.approx(200)


@pytest.mark.parametrize("width", [0.01, 0.5, 2.0])
def test_a_gap_that_is_open_at_its_end_is_found_too(width: float) -> None:
    east = sheet(EAST.geometry[0], polygon((100, 100), (200, 100), (200, 200), (100 + width, 200)))
    (fault,) = validate_seam(WEST, east).records
    assert (fault.code, fault.severity) == ("unmatched-seam", "error")
    assert fault.width == pytest.approx(width * np.cos(np.arctan(width / 100)), abs=2e-4)
    assert fault.length == pytest.approx(100, rel=0.02)
    (mild,) = validate_seam(WEST, east, tolerance=2.5).records
    assert mild.severity == "warning"


def test_sheets_wholly_apart_are_found_along_all_of_the_seam() -> None:
    east = EAST.assign(geometry=EAST.translate(1.0, 0.0))
    report = validate_seam(WEST, east)
    assert not report.ok
    assert {fault.code for fault in report.records} == {"unmatched-seam"}
    assert sum(fault.length or 0 for fault in report.records) == pytest.approx(200, abs=10)
    assert all(fault.width == pytest.approx(1.0, abs=0.3) for fault in report.records)


def test_sheets_that_meet_nowhere_are_a_fault_of_the_claim() -> None:
    (fault,) = validate_seam(WEST, EAST.assign(geometry=EAST.translate(5000.0, 0.0))).records
    assert fault.severity == "error"
    assert "nowhere" in fault.message("en")


def test_faults_within_one_sheet_belong_to_its_own_claim() -> None:
    west = sheet(*WEST.geometry, shapely.box(10, 10, 20, 20))
    assert validate_seam(west, EAST).records == []


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(-30, 30), min_size=1, max_size=5), st.integers(0, 5), st.sampled_from([0, 0.001, 0.2, 3.0]))
def test_a_seam_of_any_shape_matches_itself_and_one_moved_vertex_is_found(
    bends: list[int], which: int, shift: float
) -> None:
    """However the seam runs, equal vertices are no fault, and one that is moved is one."""
    heights = np.linspace(0, 200, len(bends) + 2)[1:-1]
    seam = [(100.0, 0.0), *((100.0 + x, float(y)) for x, y in zip(bends, heights, strict=True)), (100.0, 200.0)]
    west = sheet(polygon((0, 0), *seam, (0, 200)))
    other = list(seam)
    number = 1 + which % len(bends)
    other[number] = (other[number][0] + shift, other[number][1])
    east = sheet(polygon((250, 0), *other, (250, 200)))
    report = validate_seam(west, east)
    assert report.ok is (shift == 0)
    if shift:
        assert {fault.code for fault in report.records} == {"unmatched-seam"}
        base = 2 * 200 / (len(bends) + 1)
        assert sum(fault.area or 0 for fault in report.records) == pytest.approx(shift * base / 2, rel=1e-3)


# -------------------------------------------------------------------------------------------- professional grids

BLOCKS = sheet(*(shapely.box(100 * n, 0, 100 * n + 100, 100) for n in range(4)))


def test_areas_of_whole_blocks_are_consistent() -> None:
    areas = sheet(shapely.box(0, 0, 200, 100), shapely.box(200, 0, 400, 100))
    report = validate_consistency(areas, BLOCKS)
    assert report.ok
    assert report.records == []


def test_a_block_on_both_sides_of_an_areas_border_is_one_fault() -> None:
    areas = sheet(shapely.box(0, 0, 230, 100), shapely.box(230, 0, 400, 100))
    report = validate_consistency(areas, BLOCKS)
    (fault,) = [fault for fault in report.records if fault.severity == "error"]
    assert fault.code == "not-nested"
    assert "2" in fault.features
    assert fault.area == pytest.approx(3000)
    assert "runs through the block" in fault.message("en")
    assert "责任块" in fault.message("zh")


def test_a_block_in_no_area_and_an_area_without_blocks_are_faults() -> None:
    areas = sheet(shapely.box(0, 0, 300, 100), shapely.box(400, 0, 500, 100))
    found = {fault.code: fault for fault in validate_consistency(areas, BLOCKS).records}
    assert set(found) == {"not-nested", "not-tiled"}
    assert found["not-nested"].features == ("3",)
    assert "in no area" in found["not-nested"].message("en")
    assert found["not-tiled"].area == pytest.approx(10_000)


def test_blocks_of_several_layers_count_as_one() -> None:
    areas = sheet(shapely.box(0, 0, 300, 100), shapely.box(300, 0, 400, 100))
    parts = {"one": BLOCKS.iloc[:2], "other": BLOCKS.iloc[2:].to_crs("EPSG:4490")}
    assert not [
        f for f in validate_consistency(areas, parts).records if f.severity == "error" and (f.width or 0) > 1e-3
    ]
