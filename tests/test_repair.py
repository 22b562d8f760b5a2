"""`repair_tiling`: what is broken is mended, all else stays as it is to the bit, and the plan says what was done."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gridgeo.errors import InputError
from gridgeo.repair import apply_plan, plan_repair, repair_tiling
from gridgeo.repair.chains import Chain, Nodes, assembled
from gridgeo.sample import plant_faults, sample_town
from gridgeo.town import Allowed
from gridgeo.validate import validate_tiling
from tests.test_validate_update import SYSTEMS, edited, squares, tiling

ENCLAVE = ["s14", "s15", "s20", "s21"]
"""Squares without which there is a hole of twenty metres."""


def squared(*boxes: tuple[float, float, float, float]) -> gpd.GeoDataFrame:
    ids = [chr(ord("a") + k) for k in range(len(boxes))]
    return gpd.GeoDataFrame({"note": ids}, geometry=[shapely.box(*box) for box in boxes], index=ids, crs="EPSG:32651")


# ------------------------------------------------------------------------------------------------------ chains


@pytest.mark.parametrize("seed", range(60))
def test_taking_a_region_away_is_what_an_overlay_does(seed: int) -> None:
    random = np.random.default_rng(seed)
    one, other = (
        shapely.convex_hull(shapely.MultiPoint(np.round(random.uniform(low, low + 9, (6, 2)), 3))) for low in (0, 2)
    )
    common = shapely.intersection(one, other)
    if common.geom_type != "Polygon" or shapely.difference(one, other).is_empty:
        pytest.skip("the two don't overlap")
    nodes = Nodes(shapely.get_coordinates(common))
    chain = Chain()
    chain.add(nodes.edges_of(one))
    chain.add(nodes.edges_of(common), -1)
    edges = chain.edges()
    assert edges is not None
    left = assembled(edges, one)
    assert left is not None
    assert left.area == pytest.approx(one.area - common.area, rel=1e-12)
    chain.add(nodes.edges_of(common))
    again = assembled(chain.edges() or [])
    assert again is not None
    assert again.area == pytest.approx(one.area, rel=1e-12)


def test_rings_that_meet_in_a_point_become_valid_polygons() -> None:
    nodes = Nodes(np.array([[5.0, 5.0]]))
    chain = Chain()
    for square in (shapely.box(0, 0, 5, 5), shapely.box(5, 5, 10, 10)):
        chain.add(nodes.edges_of(square))
    made = assembled(chain.edges() or [])
    assert made is not None
    assert (made.geom_type, made.is_valid, made.area) == ("MultiPolygon", True, 50.0)
    chain = Chain()
    chain.add(nodes.edges_of(shapely.box(0, 0, 10, 10)))
    chain.add(nodes.edges_of(shapely.Polygon([(0, 0), (5, 2), (5, 5), (2, 5)])), -1)
    made = assembled(chain.edges() or [])
    assert made is not None
    assert made.is_valid


# ------------------------------------------------------------------------------------------------------ rules


def test_an_overlap_goes_to_the_larger_or_to_whom_has_priority() -> None:
    layer = squared((0, 0, 9, 9), (8, 0, 20, 9))
    fixed, plan = repair_tiling(layer)
    assert fixed.area.tolist() == [72.0, 108.0]
    action = plan.actions[0]
    assert (action.mend, action.rule, action.winner) == ("cut", "larger-area", ("layer", "b"))
    assert [(t.giver, t.taker, t.area) for t in action.transfers] == [
        (("layer", "a"), None, pytest.approx(9.0, rel=1e-2))
    ]
    fixed, plan = repair_tiling(layer, priority=[("layer", "a")])
    assert fixed.area.tolist() == [81.0, 99.0]
    assert plan.actions[0].rule == "priority"
    assert layer.area.tolist() == [81.0, 108.0]


def test_what_is_locked_never_moves() -> None:
    layer = squared((0, 0, 9, 9), (8, 0, 20, 9))
    fixed, plan = repair_tiling(layer, lock=[("layer", "a")])
    assert fixed.area.tolist() == [81.0, 99.0]
    fixed, plan = repair_tiling(layer, lock=["layer"])
    assert fixed.area.tolist() == [81.0, 108.0]
    assert not plan.actions
    assert "locked" in plan.left[0].reason("en")


def test_a_gap_goes_to_the_neighbour_with_the_longest_border() -> None:
    layer = squared((0, 0, 10, 10), (10, 0, 20, 10), (0, 10, 8, 12), (9, 10, 20, 12), (0, 12, 20, 20))
    fixed, plan = repair_tiling(layer)
    assert validate_tiling(fixed).ok
    assert plan.actions[0].mend == "fill"
    assert fixed.area.sum() == 400.0
    assert fixed["note"].tolist() == layer["note"].tolist()


def test_a_nested_polygon_keeps_its_place() -> None:
    layer = squared((0, 0, 20, 20), (5, 5, 8, 8))
    fixed, plan = repair_tiling(layer, within=shapely.box(0, 0, 20, 20))
    assert fixed.area.tolist() == [391.0, 9.0]
    assert plan.actions[0].rule == "only-one"


def test_no_polygon_becomes_the_same_as_another() -> None:
    """Otherwise the next repair takes the rest of the large one for a copy, and a feature is gone."""
    frame = squared((0, 0, 10, 10), (10, 0, 20, 10), (0, 0, 20, 10))
    fixed, plan = repair_tiling(frame)
    assert shapely.equals_identical(fixed.geometry, frame.geometry).all()
    assert not plan.actions
    assert {left.code for left in plan.left} == {"overlap"}
    assert "the same as another" in plan.left[0].reason("en")
    _, again = repair_tiling(fixed)
    assert not again.actions


def test_the_extent_is_kept_and_filled() -> None:
    layer = squared((-1, 0, 10, 10), (10, 0, 19, 10))
    fixed, plan = repair_tiling(layer, within=shapely.box(0, 0, 20, 10))
    assert fixed.area.tolist() == [100.0, 100.0]
    assert sorted(action.code for action in plan.actions) == ["outside", "uncovered"]


def test_a_hole_that_may_be_an_enclave_stays_and_the_plan_says_so() -> None:
    fixed, plan = repair_tiling(squares().drop(ENCLAVE))
    assert not plan.actions
    assert "enclave" in plan.left[0].reason("en")
    assert shapely.equals_identical(fixed.geometry.to_numpy(), squares().drop(ENCLAVE).geometry.to_numpy()).all()


def test_exceptions_stay() -> None:
    layer = squared((0, 0, 9, 9), (8, 0, 20, 9))
    _, plan = repair_tiling(layer, exceptions=[Allowed("overlap", "agreed upon", features=("a", "b"))])
    assert not plan.actions


def test_missing_vertices_are_inserted_and_nothing_moves() -> None:
    layer = squared((0, 0, 10, 10), (10, 0, 20, 5), (10, 5, 20, 10))
    fixed, plan = repair_tiling(layer)
    assert validate_tiling(fixed).ok
    assert shapely.get_num_coordinates(fixed.geometry.iloc[0]) == 6
    assert shapely.equals(fixed.geometry.iloc[0], layer.geometry.iloc[0])
    assert [(action.mend, action.inserted, action.moved) for action in plan.actions] == [("insert", 1, 0.0)]


def test_a_copy_is_dropped_and_told() -> None:
    layer = squared((0, 0, 10, 10), (0, 0, 10, 10), (10, 0, 20, 10))
    fixed, plan = repair_tiling(layer)
    assert fixed.index.tolist() == ["a", "c"]
    assert [(action.mend, action.features) for action in plan.actions] == [("drop", (("layer", "a"), ("layer", "b")))]
    assert plan.before[("layer", "b")]  # type: ignore[index]


def test_several_layers_are_one_tiling() -> None:
    layers = {"villages": squared((0, 0, 9, 9)), "streets": squared((8, 0, 20, 9))}
    fixed, _ = repair_tiling(layers, priority=["streets"])
    assert {key: frame.area.tolist() for key, frame in fixed.items()} == {"villages": [72.0], "streets": [108.0]}


def test_unknown_names_are_refused() -> None:
    with pytest.raises(InputError, match="no rivers"):
        repair_tiling(squares(), lock=["rivers"])


def test_an_empty_layer_may_be_locked_or_preferred() -> None:
    layers = {"west": squared((0, 0, 9, 9), (8, 0, 20, 9)), "east": squared()}
    fixed, _ = repair_tiling(layers, priority=["east"], lock=["east"])
    assert validate_tiling(fixed).ok


# ------------------------------------------------------------------------------------------------------ the plan


def test_a_plan_changes_nothing_and_its_application_does_the_same() -> None:
    layer = squared((0, 0, 9, 9), (8, 0, 20, 9), (0, 9, 20, 20))
    plan = plan_repair(layer)
    assert not plan.before
    fixed, applied = apply_plan(layer, plan)
    direct, _ = repair_tiling(layer)
    assert shapely.equals_identical(fixed.geometry.to_numpy(), direct.geometry.to_numpy()).all()
    assert applied.before


def test_a_person_may_leave_an_action_or_choose_another_winner() -> None:
    layer = squared((0, 0, 9, 9), (8, 0, 20, 9))
    plan = plan_repair(layer)
    action = plan.actions[0]
    left, applied = apply_plan(layer, replace(plan, actions=(replace(action, do=False),)))
    assert left.area.tolist() == [81.0, 108.0]
    assert "person" in applied.left[0].reason("en")
    chosen, applied = apply_plan(layer, replace(plan, actions=(replace(action, winner=action.alternatives[0]),)))
    assert chosen.area.tolist() == [81.0, 99.0]
    assert applied.actions[0].rule == "chosen"


def test_a_plan_fits_no_other_layer() -> None:
    plan = plan_repair(squared((0, 0, 9, 9), (8, 0, 20, 9)))
    with pytest.raises(InputError, match="made for other polygons"):
        apply_plan(squared((0, 0, 9, 9), (8, 0, 21, 9)), plan)


def test_a_winner_that_cannot_have_it_is_refused() -> None:
    layer = squared((0, 0, 9, 9), (8, 0, 20, 9), (30, 0, 40, 9))
    plan = plan_repair(layer)
    stranger = replace(plan.actions[0], winner=("layer", "c"))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="action 1: layer:c can't have it"):
        apply_plan(layer, replace(plan, actions=(stranger,)))


def test_features_without_an_id_of_their_own_are_refused_before_anything_is_done() -> None:
    layer = squared((0, 0, 9, 9), (8, 0, 20, 9), (20, 0, 30, 9))
    for ids in (["a", "a", "b"], ["a", None, "b"]):
        with pytest.raises(InputError, match="no id of their own"):
            repair_tiling(layer.assign(id=ids), id_column="id")


def test_locked_copies_and_locked_broken_polygons_stay() -> None:
    layer = squared((0, 0, 10, 10), (0, 0, 10, 10))
    fixed, plan = repair_tiling(layer, lock=["layer"])
    assert len(fixed) == 2
    bow_tie = shapely.Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])
    broken = gpd.GeoDataFrame(geometry=[bow_tie], index=["a"], crs="EPSG:32651")
    fixed, plan = repair_tiling(broken, lock=["layer"])
    assert shapely.equals_identical(fixed.geometry.iloc[0], bow_tie)
    assert [left.code for left in plan.left] == ["invalid-geometry"]


# ------------------------------------------------------------------------------------------------------ random towns


@pytest.mark.parametrize("seed", range(45))
def test_random_faulty_towns_come_out_sound_or_it_is_said_why(seed: int) -> None:
    random = np.random.default_rng(seed)
    size = int(random.integers(3, 8))
    shapes = tiling(random, size)
    for k in random.integers(len(shapes), size=int(random.integers(1, 5))):
        shape = edited(random, shapes[k])
        shapes[k] = shape if shape is not None and shape.is_valid else shapes[k]
    crs, scale, offset = SYSTEMS[seed % 3]

    def placed(shape: Any) -> Any:
        return shapely.transform(shape, lambda places: places * scale + offset)

    frame = gpd.GeoDataFrame(geometry=[placed(shape) for shape in shapes if shape is not None], crs=crs)
    margin = 0.0 if random.random() < 0.5 else 0.3
    extent = placed(shapely.box(-margin, -margin, size + margin, size + margin))
    within = gpd.GeoDataFrame(geometry=[extent], crs=crs)
    fixed, plan = repair_tiling(frame, within=within)
    report = validate_tiling(fixed, within=within)
    said = {frozenset(feature.id for feature in left.features) for left in plan.left}
    for fault in report.records:
        assert fault.severity != "error" or frozenset(fault.features) in said, fault.message("en")
    if report.ok:
        sound = shapely.coverage_invalid_edges(fixed.geometry.to_numpy())
        assert all(line is None or line.is_empty for line in sound)
    assert fixed.geometry.is_valid.all()
    # what no action touches stays to the bit
    touched = {feature.id for feature, _ in plan.before.items()}
    for identifier, shape in frame.geometry.items():
        if str(identifier) not in touched:
            assert shapely.equals_identical(shape, fixed.geometry.loc[identifier])
    if not plan.left:
        again, nothing = repair_tiling(fixed, within=within)
        assert not nothing.actions
        assert shapely.equals_identical(again.geometry.to_numpy(), fixed.geometry.to_numpy()).all()


def test_the_same_layer_gives_the_same_plan() -> None:
    layer = squared((0, 0, 9, 9), (8, 0, 20, 9), (0, 8, 20, 20))
    first, second = (repair_tiling(layer)[1] for _ in range(2))
    assert [action.transfers for action in first.actions] == [action.transfers for action in second.actions]


def test_the_sample_town_with_faults_of_every_kind_is_mended(tmp_path: Path) -> None:
    faulty, _ = plant_faults(sample_town(polygons=200, seed=3), count=34, seed=1)
    layers = {key: faulty.layers[key] for key in ("communities", "villages", "streets", "zones")}
    extent = faulty.layers["town"]
    before = validate_tiling(layers, within=extent, id_column="code")
    fixed, plan = repair_tiling(layers, within=extent, id_column="code", tolerance=0.0)
    after = validate_tiling(fixed, within=extent, id_column="code")
    assert before.counts["error"] > 20
    assert [fault.message("en") for fault in after.records if fault.severity == "error"] == []
    assert not [left for left in plan.left if left.code != "spike"]
