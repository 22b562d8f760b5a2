"""The rules of repair: barriers first, medial lines, no spikes or needles; fragments and near borders are mended."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
import shapely.affinity
from hypothesis import given, settings
from hypothesis import strategies as st

from gridgeo.coverage import analyse
from gridgeo.repair import Plan, apply_plan, plan_repair, repair_tiling
from gridgeo.repair.looks import look, with_gaps
from gridgeo.repair.proof import flagged_by_geos
from gridgeo.repair.shapes import needles
from gridgeo.validate import validate_tiling
from tests.faulty_towns import check, drifted_town

ORIGIN = (500_000.0, 3_400_000.0)
TOWN = shapely.box(0, 0, 100, 60)
ROAD = [(50, -10), (50, 30), (50.5, 40), (50, 70)]
LEFT = [shapely.box(0, 0, 48, 20), shapely.box(0, 20, 48, 40), shapely.box(0, 40, 48, 60)]
RIGHT = [shapely.box(52, 0, 100, 15), shapely.box(52, 15, 100, 45), shapely.box(52, 45, 100, 60)]


def moved(shape: shapely.Geometry) -> shapely.Geometry:
    return shapely.affinity.translate(shape, *ORIGIN)


def layer(*shapes: shapely.Geometry) -> gpd.GeoDataFrame:
    ids = [chr(ord("a") + k) for k in range(len(shapes))]
    return gpd.GeoDataFrame(geometry=list(map(moved, shapes)), index=ids, crs="EPSG:32651")


def roads(*lines: list[tuple[float, float]]) -> gpd.GeoDataFrame:
    shapes = [moved(shapely.LineString(line)) for line in lines]
    return gpd.GeoDataFrame({"rank": ["road"] * len(lines), "name": "申江路"}, geometry=shapes, crs="EPSG:32651")


def mended(frame: gpd.GeoDataFrame, **options: Any) -> tuple[gpd.GeoDataFrame, Plan]:
    """Repair a layer, prove the result, and return it at the origin."""
    around = {"within": options["within"]} if "within" in options else {}
    fixed, plan = repair_tiling(frame, **options)
    assert not plan.left
    assert not validate_tiling(fixed, **around).records
    assert shapely.coverage_is_valid(fixed.geometry.to_numpy())
    assert not repair_tiling(fixed, **options)[1].actions
    return fixed.set_geometry(fixed.geometry.translate(-ORIGIN[0], -ORIGIN[1])), plan


def border(frame: gpd.GeoDataFrame, one: str, other: str) -> shapely.Geometry:
    return shapely.intersection(frame.geometry.loc[one].boundary, frame.geometry.loc[other].boundary)


# ------------------------------------------------------------------------------------------------------ barriers


@pytest.mark.parametrize("half", [2.0, -2.0])
def test_an_overlap_or_gap_is_divided_along_the_road_that_runs_through_it(half: float) -> None:
    frame = layer(shapely.box(0, 0, 50 + half, 60), shapely.box(50 - half, 0, 100, 60))
    fixed, plan = mended(frame, within=moved(TOWN), along=roads(ROAD))
    assert [action.rule for action in plan.actions] == ["barrier"]
    assert border(fixed, "a", "b").hausdorff_distance(shapely.LineString(ROAD).intersection(TOWN)) < 1e-9
    assert "申江路" in plan.actions[0].reason("en")
    assert sum(transfer.area for transfer in plan.actions[0].transfers) == pytest.approx(240.2, abs=0.1)
    assert {feature.id for feature in plan.actions[0].alternatives} == {"a", "b"}


def test_an_overlap_goes_to_whose_border_is_on_the_road() -> None:
    frame = layer(shapely.box(0, 0, 52, 60), shapely.box(48, 0, 100, 60))
    fixed, plan = mended(frame, along=roads([(48, -10), (48, 70)]), priority=[("layer", "a")])
    assert fixed.area.tolist() == [48 * 60, 52 * 60]
    assert plan.actions[0].rule == "barrier"
    assert "申江路" in plan.actions[0].reason("zh")


def test_a_road_that_merely_crosses_a_fault_changes_nothing() -> None:
    frame = layer(shapely.box(0, 0, 52, 60), shapely.box(48, 0, 100, 60))
    with_road, plan = mended(frame, along=roads([(-50, 30), (150, 31)]))
    without, _ = mended(frame)
    assert plan.actions[0].rule == "larger-area"
    assert shapely.equals_identical(with_road.geometry.to_numpy(), without.geometry.to_numpy()).all()


def test_both_sides_of_a_road_are_shared_by_all_who_lie_there() -> None:
    fixed, plan = mended(layer(*LEFT, *RIGHT), within=moved(TOWN), along=roads(ROAD))
    assert plan.actions[0].rule == "barrier"
    way = shapely.LineString(ROAD).buffer(1e-6)
    for one in "abc":
        for other in "def":
            line = border(fixed, one, other)
            assert line.is_empty or way.covers(line)


def test_a_road_that_ends_a_hair_from_the_border_still_divides() -> None:
    road = [(50, 1e-10), (50, 30), (50, 60 - 1e-9)]
    frame = layer(shapely.box(0, 0, 48, 60), shapely.box(52, 0, 100, 60))
    fixed, plan = mended(frame, within=moved(TOWN), along=roads([(50, -5), *road, (50, 65)]))
    assert plan.actions[0].rule == "barrier"
    assert fixed.area.tolist() == pytest.approx([3000, 3000], abs=1e-3)


# ------------------------------------------------------------------------------------------------------ medial lines


def test_a_long_gap_is_shared_by_its_neighbours_along_its_medial_line() -> None:
    fixed, plan = mended(layer(*LEFT, *RIGHT), within=moved(TOWN))
    assert [(action.mend, action.rule) for action in plan.actions] == [("split", "medial-line")]
    assert fixed.area.tolist() == pytest.approx([1000, 1000, 1000, 750, 1500, 750], rel=1e-9)
    for one in "abc":
        for other in "def":
            line = border(fixed, one, other)
            assert line.is_empty or (shapely.get_coordinates(line)[:, 0] == pytest.approx(50, abs=1e-6))


def test_a_thin_gap_among_many_leaves_nobody_with_a_needle() -> None:
    left = [shapely.affinity.translate(shape, 1.99) for shape in LEFT]
    right = [shapely.affinity.translate(shape, -2.0) for shape in RIGHT]
    fixed, plan = mended(layer(*left, *right), within=moved(shapely.box(1.99, 0, 98, 60)))
    assert plan.actions[0].rule == "medial-line"
    assert not any(needles(fixed.geometry.to_numpy()))


def test_a_thin_gap_goes_to_the_one_who_lies_all_along_it() -> None:
    right = [shapely.affinity.translate(shape, -3.9) for shape in RIGHT]
    fixed, plan = mended(layer(shapely.box(0, 0, 48, 60), *right), within=moved(shapely.box(0, 0, 96.1, 60)))
    assert [(action.mend, action.winner.id) for action in plan.actions if action.winner] == [("fill", "a")]
    assert fixed.area.iloc[2] == pytest.approx(right[1].area)


def test_priority_goes_before_the_medial_line() -> None:
    frame = layer(shapely.box(0, 0, 48, 60), shapely.box(52, 0, 100, 60))
    fixed, plan = mended(frame, within=moved(TOWN), priority=[("layer", "b")])
    assert (plan.actions[0].rule, fixed.area.tolist()) == ("priority", [48 * 60, 52 * 60])


def test_a_person_may_give_a_divided_gap_to_one() -> None:
    frame = layer(shapely.box(0, 0, 48, 60), shapely.box(52, 0, 100, 60))
    plan = plan_repair(frame, within=moved(TOWN))
    (action,) = plan.actions
    assert action.winner is None
    chosen = replace(plan, actions=(replace(action, winner=action.alternatives[1], rule="chosen"),))
    fixed, _ = apply_plan(frame, chosen, within=moved(TOWN))
    assert sorted(fixed.area.tolist()) == pytest.approx([48 * 60, 52 * 60])


def test_a_line_ends_at_no_locked_border() -> None:
    frame = layer(shapely.box(0, 0, 48, 30), shapely.box(52, 0, 100, 30), shapely.box(0, 30, 100, 60))
    fixed, plan = repair_tiling(frame, within=moved(TOWN), lock=[("layer", "c")])
    assert shapely.equals_identical(fixed.geometry.loc["c"], frame.geometry.loc["c"])
    assert not [left for left in plan.left if left.code != "missing-vertex"]


# ------------------------------------------------------------------------------------------------------ many at once


def test_what_three_cover_is_settled_so_that_borders_run_straight_on() -> None:
    frame = layer(shapely.box(0, 0, 110, 110), shapely.box(100, 0, 200, 105), shapely.box(0, 100, 200, 200))
    fixed, _ = mended(frame, within=moved(shapely.box(0, 0, 200, 200)))
    assert max(shapely.get_num_coordinates(shapely.simplify(fixed.geometry.to_numpy(), 1e-9))) <= 7


def test_no_vertex_is_inserted_that_nobody_needs() -> None:
    frame = layer(shapely.box(0, 0, 52, 60), shapely.box(48, 0, 100, 60))
    fixed, plan = mended(frame)
    assert shapely.get_num_coordinates(fixed.geometry.to_numpy()).tolist() == [5, 5]
    assert len(plan.actions) == 1


def test_what_is_left_says_what_would_become_of_whom() -> None:
    frame = layer(shapely.box(0, 0, 100, 60), shapely.box(40, 0, 60, 60))
    fixed, plan = repair_tiling(frame)
    (left,) = plan.left
    assert left.reason("en") == "no way to mend it comes out well: a would be cut in two"
    assert left.reason("zh") == "各种修复方式均不可行：a会断开"
    assert shapely.equals_identical(fixed.geometry.to_numpy(), frame.geometry.to_numpy()).all()
    frame = layer(shapely.box(0, 0, 100, 60), shapely.box(0.3, 10, 60, 50))
    _, plan = repair_tiling(frame)
    assert plan.left[0].reason("en").endswith("a would be left with a spike or a strip narrower than 1 m")


# ------------------------------------------------------------------------------------------------------ odd shapes


@pytest.mark.parametrize("inner", [(), ((60.0, 30.02),)])
def test_a_spike_passes_to_the_neighbour(inner: tuple[tuple[float, float], ...]) -> None:
    spiky = shapely.Polygon([(0, 0), (50, 0), (50, 30), *inner, (75, 30.1), (50, 30.3), (50, 60), (0, 60)])
    fixed, plan = mended(layer(spiky, shapely.difference(TOWN, spiky)), within=moved(TOWN))
    assert fixed.area.tolist() == pytest.approx([3000, 3000])
    (action,) = plan.actions
    assert (action.code, action.mend, action.winner) == ("spike", "smooth", ("layer", "b"))
    assert [(one.giver, one.taker) for one in action.transfers] == [(("layer", "a"), ("layer", "b"))]


def test_a_spike_into_nothing_is_cut_off_and_one_at_a_locked_neighbour_is_left() -> None:
    spiky = shapely.Polygon([(0, 0), (50, 0), (50, 30), (75, 30.1), (50, 30.3), (50, 60), (0, 60)])
    fixed, _ = mended(layer(spiky))
    assert fixed.area.tolist() == pytest.approx([3000])
    frame = layer(spiky, shapely.difference(TOWN, spiky))
    fixed, plan = repair_tiling(frame, within=moved(TOWN), lock=[("layer", "b")])
    assert [left.code for left in plan.left] == ["spike"]
    assert shapely.equals_identical(fixed.geometry.to_numpy(), frame.geometry.to_numpy()).all()


def test_a_fragment_passes_to_who_lies_around_it() -> None:
    scrap = shapely.box(70, 20, 73, 23)
    frame = layer(
        shapely.MultiPolygon([shapely.box(0, 0, 50, 60), scrap]),
        shapely.difference(shapely.box(50, 0, 100, 60), scrap),
    )
    fixed, plan = mended(frame, within=moved(TOWN))
    assert fixed.area.tolist() == [3000, 3000]
    assert [(action.code, action.mend) for action in plan.actions] == [("fragment", "pass")]


@pytest.mark.parametrize("foot", [50.0, 50.2])
def test_borders_that_nearly_meet_are_joined_also_without_an_extent(foot: float) -> None:
    right = shapely.Polygon([(foot, 0), (100, 0), (100, 60), (50.3, 60)])
    fixed, plan = mended(layer(shapely.box(0, 0, 50, 60), right))
    assert [(action.code, action.mend) for action in plan.actions] == [("near-border", "join")]
    assert fixed.area.sum() == pytest.approx(6000)
    fixed, plan = mended(layer(shapely.box(0, 0, 50, 60), right), along=roads([(50.05, -5), (50.05, 65)]))
    if foot > 50:
        assert plan.actions[0].rule == "barrier"


def test_borders_that_nearly_meet_are_joined_where_both_layers_use_the_same_ids() -> None:
    left, right = shapely.box(0, 0, 50, 60), shapely.Polygon([(50.2, 0), (100, 0), (100, 60), (50.3, 60)])
    west, east = layer(left, shapely.box(0, -60, 50, 0)), layer(shapely.box(100, 0, 150, 60), right)
    east.index = ["b", "a"]  # what nearly meets is called "a" in both, and there is a "b" in both
    fixed, plan = repair_tiling({"west": west, "east": east})
    assert [(action.code, action.mend) for action in plan.actions] == [("near-border", "join")]
    assert set(plan.actions[0].features) == {("west", "a"), ("east", "a")}
    assert not plan.left
    assert not validate_tiling(fixed).records


# ------------------------------------------------------------------------------------------------------ the promises


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 1_000_000))
def test_every_promise_is_kept_in_towns_that_have_drifted(seed: int) -> None:
    assert check(drifted_town(seed), thrice=False).broken == []


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 1_000_000))
def test_a_look_at_some_places_sees_there_what_a_look_at_all_sees(seed: int) -> None:
    town = drifted_town(seed)
    polygons = town.layers["layer"].frame.geometry.to_numpy()
    extent = town.options["within"].geometry.iloc[0] if "within" in town.options else None
    whole = analyse(polygons, extent=extent).faces()
    boxes = shapely.bounds(polygons)
    chosen = np.random.default_rng(seed).choice(len(polygons), 2, replace=False)
    gaps = [shape for shape, covers in zip(whole.polygon, whole.covers, strict=True) if not len(covers)]
    seen = look(polygons, boxes, with_gaps(boxes[chosen], gaps), extent)
    here = seen.meets(whole.polygon)
    expected = sorted((whole.covers[k].tolist(), round(float(whole.polygon[k].area), 9)) for k in here)
    found = zip(seen.faces.covers, seen.faces.polygon, strict=True)
    assert sorted((covers.tolist(), round(float(shape.area), 9)) for covers, shape in found) == expected


def test_a_border_from_where_a_hole_touches_its_shell_is_not_doubted() -> None:
    # GEOS looks at the corner of the hole alone and flags the edge that runs away from it, out into the open
    pierced = shapely.Polygon([(0, 0), (4, 0), (4, 4), (0, 4), (0, 2)], [[(0, 2), (1, 1), (2, 2), (1, 3)]])
    beside = shapely.Polygon([(0, 0), (0, 2), (-3, 3), (-3, 0)])
    pair = np.array([pierced, beside])
    assert not shapely.coverage_is_valid(pair)
    assert analyse(pair).valid
    assert flagged_by_geos(pair, [0, 1]) == []
    # where something is wrong at the same corner, it is doubted still
    into = shapely.Polygon([(0, 0), (0, 2), (0.5, 3.5), (-3, 3), (-3, 0)])
    assert flagged_by_geos(np.array([pierced, into]), [1]) == [1]
    lacking = shapely.Polygon([(0, 0), (0, 3), (-3, 3), (-3, 0)])
    assert flagged_by_geos(np.array([pierced, lacking]), [1]) == [1]


def test_a_locked_corner_less_than_a_unit_off_its_border_is_left_and_said() -> None:
    start, end, corner = (352204.107, 3435276.935), (352208.747, 3435301.921), (352207.309289338, 3435294.179052026)
    shapes = [
        shapely.Polygon([start, end, (352177.217, 3435304.137), (352171.672, 3435252.396)]),
        shapely.Polygon([start, (352227.286, 3435248.226), (352227.786, 3435297.847), corner]),
        shapely.Polygon([corner, (352227.786, 3435297.847), (352225.0, 3435350.0), end]),
    ]
    frame = gpd.GeoDataFrame(geometry=shapes, crs="EPSG:32651", index=["a", "b", "c"])
    report = validate_tiling(frame)
    assert [(fault.code, fault.severity, fault.features) for fault in report.records] == [
        ("missing-vertex", "error", ("a", "b", "c"))
    ]
    _, plan = repair_tiling(frame, lock=[("layer", one) for one in "abc"])
    assert {feature.id for left in plan.left for feature in left.features} == {"a", "b", "c"}
    fixed, plan = repair_tiling(frame)
    assert not plan.left
    assert validate_tiling(fixed).ok
    assert shapely.coverage_is_valid(fixed.geometry.to_numpy())


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.integers(0, 1_000_000))
def test_a_corner_drawn_by_each_in_its_own_way_is_left_without_a_notch(seed: int) -> None:
    random = np.random.default_rng(seed)
    corner, middles = np.array([50.0, 30.0]), [(50, 0), (100, 30), (50, 60), (0, 30)]
    quarters = [(0, 0), (100, 0), (100, 60), (0, 60)]
    drawn = []
    for k, outer in enumerate(quarters):
        into = np.sign(corner - outer) * random.uniform(0.5, 2.5, 2)  # beyond the corner, over the others
        drawn.append(shapely.Polygon([outer, middles[k], corner + into, middles[k - 1]]))
    fixed, _ = mended(layer(*drawn), within=moved(TOWN))
    ways = []
    for order in itertools.permutations(range(4)):
        taken, length = shapely.Polygon(), 0.0
        for k in order:  # the first keeps all that it has drawn, the next what is left of its own
            length += shapely.difference(drawn[k], taken).length
            taken = shapely.union(taken, drawn[k])
        ways.append(length)
    assert fixed.length.sum() <= min(ways) + 0.01
