"""A whole town in one repair: grids, blocks and professional grids, each on its own ground, in one plan."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pytest
import shapely

import gridgeo
from gridgeo.errors import InputError
from gridgeo.repair import apply_town_plan, plan_town, undo_plan, write_plan
from gridgeo.repair.files import plan_from_json
from gridgeo.repair.text import sums
from gridgeo.town import Town
from tests.repair_towns import CORNER, ONE_CRS, SEVERAL_CRS, STEP, TOML, write_town

MOVED = ("west", "east", "blocks", "cleaning")


def wkb(town: Town) -> dict[tuple[str, str], bytes]:
    return {
        (key, identifier): shapely.to_wkb(shape)
        for key in MOVED
        for identifier, shape in zip(town.layer(key).ids, town.layer(key).frame.geometry, strict=True)
    }


@pytest.mark.parametrize("systems", [ONE_CRS, SEVERAL_CRS], ids=["one-crs", "several-crs"])
@pytest.mark.parametrize("seed", range(3))
def test_a_town_with_faults_in_all_its_layers_is_mended_in_one_go(
    tmp_path: Path, seed: int, systems: dict[str, str]
) -> None:
    town = gridgeo.read_town(write_town(tmp_path, seed, systems=systems))
    before = wkb(town)
    assert not gridgeo.validate_town(town).ok
    fixed, plan = gridgeo.repair_town(town)
    assert wkb(town) == before
    assert plan.left == ()
    assert gridgeo.validate_town(fixed).ok
    assert {action.claim for action in plan.actions} <= {"town", "blocks", "cleaning"}
    # grids first, then what stands on them
    order = [action.claim for action in plan.actions]
    assert order == sorted(order, key=["town", "blocks", "cleaning"].index)
    after = wkb(fixed)
    assert {key for key in before if before[key] != after[key]} == {tuple(feature) for feature in plan.before}
    for key in MOVED:
        assert fixed.layer(key).frame.crs == town.layer(key).frame.crs
        assert fixed.layer(key).frame.drop(columns="geometry").equals(town.layer(key).frame.drop(columns="geometry"))
    # twice is once, and all can be undone to the bit
    again, nothing = gridgeo.repair_town(fixed)
    assert nothing.actions == ()
    assert wkb(again) == after
    back = undo_plan({key: fixed.layer(key) for key in MOVED}, plan_from_json(write_plan(plan)))
    assert {(key, one): shapely.to_wkb(shape) for key, layer in back.items() for one, shape in zip(
        layer.ids, layer.frame.geometry, strict=True)} == before  # fmt: skip


def test_what_changes_hands_adds_up_layer_by_layer(tmp_path: Path) -> None:
    town = gridgeo.read_town(write_town(tmp_path, 11))
    fixed, plan = gridgeo.repair_town(town)
    total = 0.0
    for key in MOVED:
        mine = [transfer for action in plan.actions for transfer in action.transfers if (
            transfer.taker or transfer.giver).layer == key]  # fmt: skip
        gained = sum(transfer.area for transfer in mine if transfer.giver is None)
        lost = sum(transfer.area for transfer in mine if transfer.taker is None)
        change = shapely.area(fixed.to_working(key).geometry).sum() - shapely.area(town.to_working(key).geometry).sum()
        assert gained - lost == pytest.approx(change, abs=1e-3)
        total += sum(transfer.area for transfer in mine)
    assert sums(plan).area == pytest.approx(total)


def test_parents_never_move_and_children_are_mended_to_them(tmp_path: Path) -> None:
    claims = TOML.replace('[claims.town]\ntiling = ["west", "east"]\nwithin = "town"\n', "")
    claims = claims.replace('[claims.cleaning]\nconsistent = "cleaning"\nwithin = "blocks"\n', "")
    town = gridgeo.read_town(write_town(tmp_path, 5, claims=claims))
    fixed, plan = gridgeo.repair_town(town)
    for key in ("west", "east"):
        assert fixed.layer(key) is town.layer(key)
    assert {feature.layer for feature in plan.before} == {"blocks"}
    assert {action.code for action in plan.actions} <= {"not-nested", "not-tiled", "overlap", "missing-vertex"}
    assert gridgeo.validate_town(fixed).ok


def test_a_gap_that_a_block_of_another_grid_covered_is_filled_in_the_same_go(tmp_path: Path) -> None:
    """A block reaches into the next grid over ground that no block there has: cut back, it lays bare a gap."""
    town = gridgeo.read_town(write_town(tmp_path, 349, faults=2, systems=SEVERAL_CRS))
    hidden = {"west-0-0", "west-1-2"}
    claimed = gridgeo.validate_town(town, claims=["blocks"])
    told = {one for fault in claimed.records if fault.code == "not-tiled" for one in fault.features}
    assert hidden.isdisjoint(told)
    fixed, plan = gridgeo.repair_town(town)
    filled = [action for action in plan.actions if action.claim == "blocks" and action.mend == "fill"]
    assert hidden <= {feature.id for action in filled for feature in action.features}
    assert plan.left == ()
    assert gridgeo.validate_town(fixed).ok
    assert gridgeo.repair_town(fixed)[1].actions == ()


def test_an_edited_plan_of_a_town_is_carried_out(tmp_path: Path) -> None:
    town = gridgeo.read_town(write_town(tmp_path, 2))
    plan = plan_from_json(write_plan(plan_town(town)))
    fixed, applied = apply_town_plan(town, plan)
    assert wkb(fixed) == wkb(gridgeo.repair_town(town)[0])
    assert [(a.claim, a.mend, a.features) for a in applied.actions] == [
        (a.claim, a.mend, a.features) for a in plan.actions
    ]
    import json

    document = json.loads(write_plan(plan))
    choice = next(action for action in document["actions"] if action["alternatives"] and action["claim"] == "town")
    choice["winner"] = choice["alternatives"][0]
    edited = plan_from_json(json.dumps(document))
    _, chosen = apply_town_plan(town, edited)
    same = next(a for a in chosen.actions if a.transfers and a.place.equals(edited.actions[choice["number"] - 1].place))
    assert same.rule == "chosen"
    assert same.winner is not None
    assert same.winner._asdict() == choice["winner"]


def test_an_area_of_whole_blocks_can_be_given_another_winner(tmp_path: Path) -> None:
    for seed in range(30):
        town = gridgeo.read_town(write_town(tmp_path / str(seed), seed))
        plan = plan_town(town)
        found = [action for action in plan.actions if action.mend == "regroup" and action.alternatives]
        if found:
            break
    import json

    document = json.loads(write_plan(plan))
    document["actions"][found[0].number - 1]["winner"] = found[0].alternatives[0]._asdict()
    fixed, applied = apply_town_plan(town, plan_from_json(json.dumps(document)))
    assert gridgeo.validate_town(fixed).ok
    assert any(action.mend == "regroup" and action.winner == found[0].alternatives[0] for action in applied.actions)


def test_what_is_locked_stays_and_the_plan_says_so(tmp_path: Path) -> None:
    town = gridgeo.read_town(write_town(tmp_path, 3))
    fixed, plan = gridgeo.repair_town(town, lock=["blocks", "cleaning"])
    assert fixed.layer("blocks") is town.layer("blocks")
    assert fixed.layer("cleaning") is town.layer("cleaning")
    assert plan.left
    assert all(left.reason("en") and left.reason("zh") for left in plan.left)
    assert not gridgeo.validate_town(fixed).ok


def test_names_that_mean_nothing_are_refused(tmp_path: Path) -> None:
    town = gridgeo.read_town(write_town(tmp_path, 3))
    with pytest.raises(InputError, match="there is no lakes") as stop:
        gridgeo.repair_town(town, lock=["lakes"], priority=[("west", "nobody")])
    assert len(stop.value.problems) == 2
    with pytest.raises(InputError, match="no claim"):
        gridgeo.repair_town(town, claims=["fields"])


SHEETS = """
[town]
name = "Two sheets"

[layers.west]
file = "sheets.gpkg"
layer = "west"
id = "code"

[layers.east]
file = "sheets.gpkg"
layer = "east"
id = "code"

[claims.sheets]
seam = ["west", "east"]
"""


def test_of_a_seam_only_that_is_mended_which_lies_between_the_sheets(tmp_path: Path) -> None:
    corner = (352_000, 3_435_000)
    west = [(0, 0, 51, 50), (0, 50, 50, 100), (10, 10, 20, 20)]
    east = [(50, 0, 100, 30), (50, 30, 100, 100), (90, 80, 120, 90)]
    for key, boxes in (("west", west), ("east", east)):
        shapes = [shapely.transform(shapely.box(*box), lambda places: places + corner) for box in boxes]
        frame = gpd.GeoDataFrame({"code": [f"{key}-{k}" for k in range(3)]}, geometry=shapes, crs="EPSG:32651")
        gridgeo.write_layer(frame, tmp_path / "sheets.gpkg", layer=key)
    (tmp_path / "gridgeo.toml").write_text(SHEETS, encoding="utf-8")
    town = gridgeo.read_town(tmp_path)
    assert not gridgeo.validate_town(town).ok
    fixed, plan = gridgeo.repair_town(town, priority=["east"])
    assert gridgeo.validate_town(fixed).ok
    assert plan.actions
    assert {action.code for action in plan.actions} == {"unmatched-seam"}
    # what overlaps within a sheet is no fault of the seam
    assert fixed.layer("west").frame.area.tolist() == [2500.0, 2500.0, 100.0]
    assert fixed.layer("east").frame.area.tolist() == [1500.0, 3500.0, 300.0]
    for key in ("west", "east"):
        assert shapely.to_wkb(fixed.layer(key).frame.geometry[2]) == shapely.to_wkb(town.layer(key).frame.geometry[2])
    _, nothing = gridgeo.repair_town(fixed, priority=["east"])
    assert nothing.actions == ()


def test_borders_of_a_town_in_degrees_are_aligned(tmp_path: Path) -> None:
    claims = (
        TOML
        + """
[barriers.roads]
file = "town.gpkg"
layer = "roads"
rank = "road"

[claims.borders]
along = ["west", "east"]
"""
    )
    systems = dict.fromkeys(ONE_CRS, "EPSG:4490")
    path = write_town(tmp_path, 1, systems=systems, claims=claims, faults=0)
    x, y, size = float(CORNER[0]) + 4 * STEP, float(CORNER[1]), 8 * STEP
    road = gpd.GeoDataFrame(geometry=[shapely.LineString([(x, y - 50), (x, y + size + 50)])], crs="EPSG:32651")
    gridgeo.write_layer(road.to_crs("EPSG:4490"), tmp_path / "town.gpkg", layer="roads")
    town = gridgeo.read_town(path)
    fixed, plan = gridgeo.repair_town(town, align=12.0)
    moved = [action for action in plan.actions if action.mend == "align"]
    assert moved
    assert {feature.layer for action in moved for feature in action.features} <= {"west", "east"}
    assert gridgeo.validate_town(fixed).ok or plan.left
