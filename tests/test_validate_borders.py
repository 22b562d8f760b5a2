"""The claim that borders run along roads and rivers: cases known by hand, and the sample town."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import gridgeo
from gridgeo.errors import InputError
from gridgeo.layers import Layer
from gridgeo.network import RANKS
from gridgeo.sample import write_sample
from gridgeo.town import Town
from gridgeo.validate import border_table, validate_alignment, validate_tiling, validate_town

METRES = "+proj=tmerc +lat_0=31 +lon_0=121.5 +k=1 +ellps=GRS80 +units=m"  # true to scale where the squares are
ORIGIN = (0, 0)


def squares(count: int = 2, **columns: list[str]) -> gpd.GeoDataFrame:
    """A row of squares of 100 m, from west to east."""
    x, y = ORIGIN
    boxes = [shapely.box(x + 100 * n, y, x + 100 * n + 100, y + 100) for n in range(count)]
    return gpd.GeoDataFrame(columns, geometry=boxes, crs=METRES)


def barriers(*rows: tuple[shapely.Geometry, str], names: str = "") -> gpd.GeoDataFrame:
    shapes = [shapely.transform(shape, lambda places: places + ORIGIN) for shape, _ in rows]
    return gpd.GeoDataFrame({"rank": [rank for _, rank in rows], "name": names}, geometry=shapes, crs=METRES)


def line(*points: tuple[float, float]) -> shapely.LineString:
    return shapely.LineString(points)


def test_a_border_half_off_the_road_is_one_record_with_its_length_and_deviation() -> None:
    road = barriers((line((100, -50), (100, 60), (180, 60)), "road"))
    report = validate_alignment(squares(), road, tolerance=3, share=0.9)
    (fault,) = report.records
    assert (fault.code, fault.severity, fault.features) == ("off-barrier", "error", ("0", "1"))
    assert fault.iso19157 == 30
    assert fault.length == pytest.approx(37, abs=0.01)  # from 3 m above the bend on
    assert fault.width == pytest.approx(40, abs=0.01)
    assert fault.geometry.length == pytest.approx(37, abs=0.1)
    assert not report.ok
    for language in ("en", "zh"):
        assert "63 %" in fault.message(language)
        assert "90 %" in fault.message(language)


def test_without_a_demanded_share_borders_are_only_measured() -> None:
    report = validate_alignment(squares(), barriers((line((0, 300), (200, 300)), "road")))
    assert report.ok
    assert report.records == []
    assert report.claims[0].measures["share"] == 0
    assert report.claims[0].measures["deviation"] == pytest.approx(300, rel=0.1)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_no_barrier_at_all_is_said_without_infinite_numbers(share: float) -> None:
    report = validate_alignment(squares(), barriers(), share=share)
    assert report.ok is (share == 0)
    assert report.claims[0].measures["deviation"] is None
    assert "off-barrier" in report.to_json() or share == 0
    assert report.to_text("en")
    assert report.to_text("zh")


def test_the_bank_of_a_river_given_as_polygon_is_on_the_barrier() -> None:
    river = barriers((shapely.box(100, -50, 140, 150), "river"))
    table = border_table(squares(), river)
    assert table["share"].tolist() == [1.0]
    assert table["river"].tolist() == [pytest.approx(100)]


def test_shares_by_rank_count_the_strongest_barrier_once() -> None:
    both = barriers((line((100, 0), (100, 100)), "lane"), (line((101, 0), (101, 40)), "main-road"))
    (row,) = border_table(squares(), both, tolerance=2).to_dict("records")
    assert row["main-road"] == pytest.approx(40 + 3**0.5, abs=1e-6)
    assert row["main-road"] + row["lane"] == pytest.approx(100)
    assert row["share"] == pytest.approx(1)


def test_a_tunnel_is_no_barrier() -> None:
    tunnel = barriers((line((100, 0), (100, 100)), "road")).assign(level=-1)
    assert border_table(squares(), tunnel)["share"].tolist() == [0]


def test_only_borders_within_one_parent_count_when_the_parent_is_known() -> None:
    blocks = squares(4, grid=["a", "a", "b", "b"])
    table = border_table(blocks, barriers(), parent_column="grid")
    assert list(zip(table["first"], table["second"], strict=True)) == [("0", "1"), ("2", "3")]


def test_the_kerb_of_a_street_area_is_not_measured() -> None:
    blocks = squares(3, kind=["residential", "residential", "street"])
    table = border_table(blocks, barriers())
    assert list(zip(table["first"], table["second"], strict=True)) == [("0", "1")]


def test_the_table_by_feature_adds_up_each_features_borders() -> None:
    road = barriers((line((100, 0), (100, 100)), "road"))
    table = border_table(squares(3), road, by="feature").set_index("feature")
    assert table["borders"].to_dict() == {"0": 1, "1": 2, "2": 1}
    assert table["share"].to_dict() == {"0": 1.0, "1": 0.5, "2": pytest.approx(0, abs=0.1)}
    assert table["longest_off"]["2"] == pytest.approx(100)


def test_a_block_that_a_river_cuts_is_an_error_only_when_that_is_claimed() -> None:
    river = barriers((line((-50, 50), (150, 50)), "river"), names="East Creek")
    assert validate_alignment(squares(), river).ok
    report = validate_alignment(squares(), river, uncut_by="main-road")
    (fault,) = report.records
    assert (fault.code, fault.features) == ("crosses-barrier", ("0",))
    assert "East Creek" in fault.message("en")
    assert fault.length == pytest.approx(94, abs=0.1)


def test_a_wide_river_given_as_polygon_cuts_too_but_a_pond_does_not() -> None:
    river, pond = barriers((shapely.box(-50, 40, 150, 60), "river")), barriers((shapely.box(20, 20, 60, 60), "river"))
    assert validate_alignment(squares(), river, uncut_by="river").faults["code"].tolist() == ["crosses-barrier"]
    assert validate_alignment(squares(), pond, uncut_by="river").ok


def test_degrees_and_other_systems_give_the_same_numbers() -> None:
    road = barriers((line((101, -50), (101, 60), (180, 60)), "road"))
    plain = border_table(squares(), road)
    mixed = border_table(squares().to_crs("EPSG:4490"), road.to_crs("EPSG:3857"))
    for column in ("length", "on_barrier", "deviation", "longest_off"):
        assert mixed[column].to_numpy() == pytest.approx(plain[column].to_numpy(), rel=1e-3, abs=1e-2)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-40, 40), st.integers(0, 100)), min_size=2, max_size=6, unique=True),
    st.sampled_from(RANKS),
    st.floats(0.5, 20),
)
def test_the_share_is_what_a_buffer_of_the_barrier_covers(
    bends: list[tuple[int, int]], rank: str, tolerance: float
) -> None:
    """A slower way that knows nothing of intervals gives the same length, but for crossings, which don't count."""
    course = line(*((100.0 + x, float(y)) for x, y in bends))
    road = barriers((course, rank))
    (row,) = border_table(squares(), road, tolerance=tolerance).to_dict("records")
    border = shapely.LineString([(100, 0), (100, 100)])
    covered = shapely.intersection(border, course.buffer(tolerance, quad_segs=200))
    parts = [part for part in shapely.get_parts(covered) if part.length]
    kept = [
        part.length
        for part in parts
        if part.bounds[1] < 1e-3 or part.bounds[3] > 100 - 1e-3 or part.length >= 3 * tolerance
    ]
    near_limit = any(abs(part.length - 3 * tolerance) < 0.05 for part in parts)
    if not near_limit:
        assert row["on_barrier"] == pytest.approx(sum(kept), abs=0.5)
    assert row["on_barrier"] + row["longest_off"] <= 100 + 1e-6
    distances = [shapely.Point(100, y).distance(course) for y in np.linspace(0, 100, 201)]
    assert row["deviation"] >= 0.85 * max(distances) - tolerance
    assert row["deviation"] <= max(distances) + 0.5


def test_tilings_take_barriers_along() -> None:
    road = barriers((line((100, 0), (100, 50)), "road"))
    report = validate_tiling(squares(), along=road, share=0.9, name="wards")
    assert [claim.claim for claim in report.claims] == ["wards", "wards-along"]
    assert report.faults["code"].tolist() == ["off-barrier"]
    assert report.claims[0].ok


def test_mistakes_are_said() -> None:
    with pytest.raises(InputError, match="more than 0"):
        validate_alignment(squares(), barriers(), tolerance=0)
    with pytest.raises(InputError, match="no column grid"):
        validate_alignment(squares(), barriers(), parent_column="grid")
    with pytest.raises(InputError, match="no CRS"):
        validate_alignment(squares(), barriers((line((0, 0), (1, 1)), "road")).set_crs(None, allow_override=True))
    with pytest.raises(InputError, match="unknown"):
        validate_alignment(squares(), barriers(), rank="motorway")  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------------------- the sample town


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    path = write_sample(tmp_path_factory.mktemp("town"), polygons=60)
    blocks = gridgeo.partition_town(gridgeo.read_town(path))
    gridgeo.write_layer(blocks, Path(path).with_name("blocks.gpkg"), layer="blocks")
    return gridgeo.read_town(path)


def test_every_inner_border_of_the_sample_towns_blocks_is_on_a_barrier(town: Town) -> None:
    assert town.blocks is not None
    table = border_table(town.blocks, town.barriers, parent_column="grid")
    assert len(table) >= 10
    assert (table["share"] > 0.999).all()
    assert table["deviation"].max() < 0.01
    report = validate_town(town, claims=["borders"])
    assert report.ok
    assert "100 %" in report.to_text("en")


def test_a_border_moved_off_its_road_is_found_with_length_and_deviation(town: Town) -> None:
    assert isinstance(town.blocks, Layer)
    metric = town.to_working(town.blocks)
    table = border_table(town.blocks, town.barriers, parent_column="grid").sort_values("length")
    longest = table.iloc[-1]
    pair = [longest["first"], longest["second"]]
    ids = metric["code"].astype(str)
    one, other = (metric.geometry[ids == code].iloc[0] for code in pair)
    # the second block gives a triangle with a base of 60 m on the straight border to the first
    border = shapely.line_merge(shapely.intersection(one.boundary, other.boundary))
    straight = max(shapely.get_parts(border), key=shapely.length)
    ends = [shapely.line_interpolate_point(straight, share, normalized=True) for share in (0.4, 0.6)]
    middle = shapely.line_interpolate_point(straight, 0.5, normalized=True)
    way = shapely.get_coordinates(ends[1])[0] - shapely.get_coordinates(ends[0])[0]
    across = np.array([-way[1], way[0]]) / np.hypot(*way)
    tip = shapely.Point(shapely.get_coordinates(middle)[0] + 25 * across)
    if not other.contains(tip):
        tip = shapely.Point(shapely.get_coordinates(middle)[0] - 25 * across)
    wedge = shapely.Polygon([ends[0], tip, ends[1]]).buffer(0.5, join_style="mitre")
    taken = shapely.intersection(wedge, other)
    moved = metric.geometry.copy()
    grown = shapely.union_all([one, taken])
    moved[ids == pair[0]] = max(shapely.get_parts(grown), key=shapely.area)
    moved[ids == pair[1]] = shapely.difference(other, grown)
    layer = town.blocks.with_frame(metric.set_geometry(moved))
    report = validate_town(replace(town, blocks=layer), claims=["borders"])
    faults = [fault for fault in report.records if fault.code == "off-barrier"]
    assert any(set(fault.features) == set(pair) for fault in faults)
    (fault,) = [fault for fault in faults if set(fault.features) == set(pair)]
    assert fault.width is not None
    assert 8 < fault.width < 30
    assert fault.length is not None
    assert fault.length > 40
