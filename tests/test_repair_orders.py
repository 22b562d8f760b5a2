"""Edited plans: what a person left out isn't done, whom a person chose wins, and slips get one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import geopandas as gpd
import pytest
import shapely

from gridgeo.errors import InputError
from gridgeo.repair import apply_plan, plan_repair, undo_plan, write_plan
from gridgeo.repair.files import plan_from_json

OPTIONS: dict[str, Any] = {"id_column": "id", "within": shapely.box(0, 0, 50, 20)}
Edit = Callable[[dict[str, Any]], object]


def layer() -> gpd.GeoDataFrame:
    """A row of squares with an overlap, a gap, a missing vertex, a copy and a broken ring."""
    shapes = {
        "a": shapely.box(0, 0, 11, 10),
        "b": shapely.box(10, 0, 20, 10),
        "c": shapely.box(21, 0, 30, 10),
        "d": shapely.box(30, 0, 40, 5),
        "e": shapely.box(30, 5, 40, 10),
        "f": shapely.box(30, 5, 40, 10),
        "g": shapely.Polygon([(40, 0), (50, 0), (50, 10), (40, 10), (45, 5), (40, 10), (40, 5)]),
        "h": shapely.box(0, 10, 50, 20),
    }
    return gpd.GeoDataFrame({"id": list(shapes)}, geometry=list(shapes.values()), crs="EPSG:32651")


def wkb(frame: gpd.GeoDataFrame) -> dict[str, bytes]:
    return dict(zip(frame["id"], shapely.to_wkb(frame.geometry.to_numpy()), strict=True))


def edited(change: Edit) -> Any:
    document = json.loads(write_plan(plan_repair(layer(), **OPTIONS)))
    change(document)
    return plan_from_json(json.dumps(document), where="plan.json")


def find(document: dict[str, Any], mend: str) -> dict[str, Any]:
    found: dict[str, Any] = next(action for action in document["actions"] if action["mend"] == mend)
    return found


def test_an_unedited_plan_does_what_was_planned() -> None:
    plan = edited(lambda document: None)
    fixed, applied = apply_plan(layer(), plan, **OPTIONS)
    assert [action.mend for action in applied.actions] == [action.mend for action in plan.actions]
    assert wkb(undo_plan(fixed, applied, id_column="id")) == wkb(layer())


@pytest.mark.parametrize("mend", ["cut", "fill", "insert", "drop", "redraw"])
@pytest.mark.parametrize("removed", [False, True])
def test_a_mend_that_is_turned_off_or_taken_out_is_not_done_and_all_others_are(mend: str, removed: bool) -> None:
    def change(document: dict[str, Any]) -> None:
        if removed:
            document["actions"].remove(find(document, mend))
        else:
            find(document, mend)["do"] = False

    plan = edited(change)
    off = next(one for one in plan_repair(layer(), **OPTIONS).actions if one.mend == mend)
    fixed, applied = apply_plan(layer(), plan, **OPTIONS)
    done = {(action.mend, action.features) for action in applied.actions if action.do}
    assert done == {(action.mend, action.features) for action in plan.actions if action.do} - {(mend, off.features)}
    now, was = wkb(fixed), wkb(layer())
    assert now.keys() >= {"a", "b", "c", "d", "e", "g", "h"}
    if mend == "drop":
        assert now["f"] == was["f"]
    if mend == "redraw":
        assert now["g"] == was["g"]
    assert wkb(undo_plan(fixed, applied, id_column="id")) == was
    # and once more through the file
    again, _ = apply_plan(layer(), plan_from_json(write_plan(applied)), **OPTIONS)
    assert wkb(again) == now


def test_a_winner_that_a_person_chose_wins() -> None:
    def change(document: dict[str, Any]) -> None:
        for mend in ("cut", "fill"):
            action = find(document, mend)
            action["winner"] = action["alternatives"][0]

    plan = edited(change)
    fixed, applied = apply_plan(layer(), plan, **OPTIONS)
    for action in applied.actions:
        if action.mend in ("cut", "fill"):
            assert action.rule == "chosen"
            assert action.winner in plan_repair(layer(), **OPTIONS).actions[action.number - 1].alternatives
    assert wkb(undo_plan(fixed, applied, id_column="id")) == wkb(layer())


def test_a_region_that_was_edited_is_refused_in_one_line() -> None:
    def change(document: dict[str, Any]) -> None:
        for place in find(document, "cut")["transfers"][0]["region"]["coordinates"][0]:
            place[0] += 0.25

    with pytest.raises(InputError) as stop:
        apply_plan(layer(), edited(change), **OPTIONS)
    (problem,) = stop.value.problems
    assert "is about a place where nothing is to be mended" in problem.text("en")


def test_a_border_that_is_not_to_be_aligned_stays() -> None:
    one = shapely.Polygon([(0, 0), (100, 0), (101, 50), (100, 100), (0, 100)])
    other = shapely.Polygon([(100, 0), (200, 0), (200, 100), (100, 100), (101, 50)])
    two = gpd.GeoDataFrame({"id": ["a", "b"]}, geometry=[one, other], crs="EPSG:32651")
    road = gpd.GeoDataFrame({"rank": ["road"]}, geometry=[shapely.LineString([(100, -9), (100, 109)])], crs=two.crs)
    along = road
    plan = plan_repair(two, along=along, align=3.0, id_column="id")
    assert [action.mend for action in plan.actions] == ["align"]
    document = json.loads(write_plan(plan))
    moved, _ = apply_plan(two, plan_from_json(json.dumps(document)), along=along, id_column="id")
    assert moved.area.tolist() == [10000.0, 10000.0]
    for edit in (lambda d: d["actions"][0].update(do=False), lambda d: d["actions"].clear()):
        changed = json.loads(write_plan(plan))
        edit(changed)
        stays, _ = apply_plan(two, plan_from_json(json.dumps(changed)), along=along, id_column="id")
        assert wkb(stays) == wkb(two)
