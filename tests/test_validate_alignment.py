"""Borders along barriers: shares, deviations and stretches on cases whose answer is known by hand."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridgeo.validate.alignment import measure_borders, shared_borders
from gridgeo.validate.cutting import cutting_barriers


def lines(*rows: tuple[list[tuple[float, float]], str]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"rank": [rank for _, rank in rows], "name": [f"{rank} 1" for _, rank in rows], "level": 0},
        geometry=[shapely.LineString(points) for points, _ in rows],
        crs="EPSG:32651",
    )


SQUARES = np.array([shapely.box(0, 0, 100, 100), shapely.box(100, 0, 200, 100)])


def test_every_border_is_found_once_and_the_lengths_add_up() -> None:
    borders = shared_borders(SQUARES)
    found = {
        (int(a), int(b)): line.length for a, b, line in zip(borders.first, borders.second, borders.lines, strict=True)
    }
    assert found == {(0, -1): 300.0, (0, 1): 100.0, (1, -1): 300.0} or found == {
        (0, 1): 100.0,
        (0, -1): 300.0,
        (1, -1): 300.0,
    }


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6))
def test_borders_of_a_board_add_up_to_its_lines(columns: int, rows: int) -> None:
    board = np.array([shapely.box(x, y, x + 1, y + 1) for x in range(columns) for y in range(rows)])
    borders = shared_borders(board)
    inner = shapely.length(borders.lines[borders.second >= 0]).sum()
    outer = shapely.length(borders.lines[borders.second < 0]).sum()
    assert inner == pytest.approx((columns - 1) * rows + columns * (rows - 1))
    assert outer == pytest.approx(2 * (columns + rows))


def test_a_border_on_a_road_within_the_tolerance_is_on_it_all_along() -> None:
    roads = lines(([(101, -50), (101, 150)], "road"))
    table = measure_borders(shared_borders(SQUARES), roads, tolerance=2).set_index(["first", "second"])
    inner = table.loc[(0, 1)]
    assert inner["on_barrier"] == pytest.approx(100)
    assert inner["deviation"] == pytest.approx(1)
    assert inner["longest_off"] == 0


def test_a_road_of_too_low_a_rank_does_not_count() -> None:
    roads = lines(([(100, -50), (100, 150)], "lane"))
    table = measure_borders(shared_borders(SQUARES), roads, tolerance=2, least_rank="road").set_index(
        ["first", "second"]
    )
    assert table.loc[(0, 1), "on_barrier"] == 0
    assert table.loc[(0, 1), "deviation"] == np.inf


def test_a_border_that_leaves_the_road_is_measured_with_its_longest_run_off_it() -> None:
    roads = lines(([(100, -50), (100, 60), (180, 60)], "road"))
    table = measure_borders(shared_borders(SQUARES), roads, tolerance=2).set_index(["first", "second"])
    inner = table.loc[(0, 1)]
    assert inner["on_barrier"] == pytest.approx(62, abs=0.6)
    assert inner["longest_off"] == pytest.approx(38, abs=0.6)
    assert inner["deviation"] == pytest.approx(40, abs=0.6)
    assert inner["geometry"].length == pytest.approx(38, abs=0.6)


def test_crossing_a_road_is_not_running_along_it() -> None:
    roads = lines(([(0, 50), (200, 50)], "road"))
    table = measure_borders(shared_borders(SQUARES), roads, tolerance=5).set_index(["first", "second"])
    assert table.loc[(0, 1), "on_barrier"] == 0


def test_a_river_through_a_block_is_found_with_its_length_and_name() -> None:
    rivers = lines(([(-10, 50), (110, 50)], "river"))
    (row,) = cutting_barriers(SQUARES, rivers, tolerance=5).itertuples()
    assert row.polygon == 0
    assert row.names == ("river 1",)
    assert row.length == pytest.approx(90, abs=0.5)


@pytest.mark.parametrize(
    "course",
    [
        [(2, -10), (2, 110)],  # along the border, within the tolerance
        [(50, -10), (50, 60)],  # a dead end: cuts nothing off
        [(-50, 150), (250, 150)],  # beside the blocks
    ],
)
def test_a_road_that_cuts_nothing_off_is_no_fault(course: list[tuple[float, float]]) -> None:
    assert len(cutting_barriers(SQUARES[:1], lines((course, "main-road")), tolerance=5)) == 0


def test_a_flyover_cuts_nothing() -> None:
    roads = lines(([(-10, 50), (110, 50)], "main-road")).assign(level=1)
    assert len(cutting_barriers(SQUARES[:1], roads, tolerance=5)) == 0
