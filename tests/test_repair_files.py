"""The plan file: nothing is lost on the way, every slip of an editing hand gets its line, an applied plan is undone."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_args

import geopandas as gpd
import jsonschema
import numpy as np
import pytest
import shapely

from gridgeo.errors import InputError
from gridgeo.language import Message
from gridgeo.layers import Layer
from gridgeo.repair.files import plan_from_json, plan_schema, read_plan, write_plan
from gridgeo.repair.plan import Feature, Mend, Rule
from gridgeo.repair.text import plan_text, sums
from gridgeo.repair.undo import check_fits, fingerprint, record, undo_plan
from tests.repair_plans import CRS, A, B, C, layer, mended, plan

HOSTILE = '</script><img src=x onerror=alert(1)>"\x1b[31m\n{0} 甲'


def edited(change: Callable[[dict[str, Any]], object]) -> str:
    document = json.loads(write_plan(plan()))
    change(document)
    return json.dumps(document)


def lines(text: str) -> list[str]:
    with pytest.raises(InputError) as stop:
        plan_from_json(text, where="plan.json")
    return [problem.text("en") for problem in stop.value.problems]


def applied() -> Any:
    return record(plan(), {"grids": layer()}, {"grids": mended()})


def test_a_plan_survives_the_way_to_the_file_and_back_to_the_digit() -> None:
    for one in (plan(), applied()):
        text = write_plan(one)
        back = plan_from_json(text)
        assert write_plan(back) == text
        assert back.actions[0].transfers[0].region.equals_exact(one.actions[0].transfers[0].region, 0)
        assert (back.before, back.dropped, back.fingerprints, back.options) == (
            *(one.before, one.dropped),
            *(one.fingerprints, one.options),
        )


@pytest.mark.parametrize("language", ["en", "zh"])
def test_reasons_are_in_both_languages_after_reading(language: Any) -> None:
    back = plan_from_json(write_plan(plan()))
    assert [action.reason(language) for action in back.actions] == [a.reason(language) for a in plan().actions]
    assert back.left[0].reason(language) == plan().left[0].reason(language)


def test_the_file_keeps_its_schema() -> None:
    for one in (plan(), applied(), replace(plan(), actions=(), left=())):
        jsonschema.validate(json.loads(write_plan(one)), plan_schema())


def test_a_crs_without_a_code_survives() -> None:
    import pyproj

    local = pyproj.CRS("+proj=tmerc +lat_0=31.2 +lon_0=121.47 +ellps=GRS80 +units=m")
    assert plan_from_json(write_plan(replace(plan(), crs=local))).crs == local


def test_hostile_names_and_reasons_stay_text() -> None:
    bad = Feature("grids", HOSTILE)
    first = replace(plan().actions[0], features=(bad, B), winner=bad, why=Message("{x}", "{x}"), values={"x": HOSTILE})
    back = plan_from_json(write_plan(replace(plan(), actions=(first,))))
    assert back.actions[0].features[0] == bad
    assert back.actions[0].reason("en") == first.reason("en")
    assert "\x1b" not in plan_text(back, "en", names={bad: HOSTILE})


def test_the_other_winner_may_be_chosen_by_hand() -> None:
    def choose(document: dict[str, Any]) -> None:
        for action, winner in zip(document["actions"], "bc", strict=True):
            action["winner"]["id"] = winner

    first, second = plan_from_json(edited(choose)).actions
    assert (first.winner, first.rule, first.transfers[0].giver) == (B, "chosen", A)
    assert (second.winner, second.rule, second.transfers[0].taker) == (C, "chosen", C)


def test_an_action_may_be_declined() -> None:
    back = plan_from_json(edited(lambda document: document["actions"][0].update(do=False)))
    assert [action.do for action in back.actions] == [False, True]
    assert sums(back).area == 500.0
    assert "[not to be done]" in plan_text(back, "en")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: d["actions"][0]["winner"].update(id="z"), "action 1: grids:z can't be the winner; choose one of"),
        (lambda d: d["actions"][0].update(number=7), "action 7 was never planned, the last one is 2"),
        (lambda d: d["actions"][0].update(winner=None), "action 1: nobody can't be the winner; choose one of"),
        (lambda d: d["actions"].append(d["actions"][0]), "action 1 is there 2 times"),
        (lambda d: d["actions"][1].pop("do"), 'action 2: lacks "do"'),
        (lambda d: d["actions"][1].update(do="no"), 'action 2: "do" must be true or false, not "no"'),
        (lambda d: d["actions"][1].update(wnner=None), 'action 2: doesn\'t know "wnner"; did you mean "winner"?'),
        (lambda d: d["actions"][1].update(rule="mine"), 'action 2: "rule" must be one of'),
        (lambda d: d["actions"][1].update(mend=[]), 'action 2: "mend" must be one of'),
        (lambda d: d["actions"][1].update(number=-1), '"number" must be a whole number'),
        (lambda d: d["actions"][1].update(moved="far"), '"moved" must be a number'),
        (lambda d: d["actions"][1].update(place={"type": "Point"}), '"place" is no geometry of the kind Point'),
        (lambda d: d["actions"][0]["transfers"][0].update(region=d["actions"][0]["place"]), "of the kind Polygon"),
        (lambda d: d["actions"][0]["transfers"].append(7), '"transfers[1]" must be an object {...}, not 7'),
        (lambda d: d["actions"][0]["why"].pop("zh"), 'action 1, why: lacks "zh"'),
        (lambda d: d.update(crs="EPSG:0"), "no coordinate system"),
        (lambda d: d.update(actions={}), '"actions" must be a list'),
        (lambda d: d.update(before=[{"layer": "grids", "id": "a", "wkb": "00zz"}]), '"wkb" is no geometry'),
        (lambda d: d.update(schema="gridgeo-plan/9"), 'must be gridgeo-plan/1, not "gridgeo-plan/9"'),
        (lambda d: d.pop("left"), 'plan.json: lacks "left"'),
    ],
)
def test_every_slip_gets_one_line_that_names_the_place(change: Callable[[dict[str, Any]], object], says: str) -> None:
    (line,) = lines(edited(change))
    assert line.startswith("plan.json")
    assert says in line


def test_all_slips_are_said_at_once() -> None:
    def change(document: dict[str, Any]) -> None:
        document["actions"][0]["winner"]["id"] = "z"
        document["actions"][1].pop("do")

    assert len(lines(edited(change))) == 2


@pytest.mark.parametrize("text", ["[]", "null", "3", '"x"', "{}"])
def test_other_json_is_no_plan(text: str) -> None:
    (line,) = lines(text)
    assert "is no plan of gridgeo" in line


def test_broken_json_is_named_by_line_and_column() -> None:
    (line,) = lines('{\n "schema": "gridgeo-plan/1",\n "crs" "EPSG:4490"\n}')
    assert "line 3, column 8" in line
    assert len(lines("[" * 100_000)) == 1


def test_a_file_that_is_not_there_or_no_text_is_named(tmp_path: Any) -> None:
    (tmp_path / "gbk.json").write_bytes("{甲}".encode("gbk"))
    for name, says in (("none.json", "can't be read"), ("gbk.json", "UTF-8")):
        with pytest.raises(InputError, match=says):
            read_plan(tmp_path / name)


def test_a_plan_fits_the_layer_that_it_was_made_for_and_no_other() -> None:
    check_fits(plan(), {"grids": layer()})
    with pytest.raises(InputError) as stop:
        check_fits(plan(), {"grids": mended()})
    assert "other polygons" in stop.value.problems[0].text("en")
    with pytest.raises(InputError, match=r"there are: blocks|现有"):
        check_fits(plan(), {"blocks": layer()})


def test_one_moved_bit_changes_the_fingerprint() -> None:
    frame = layer().frame
    nudged = shapely.transform(frame.geometry.to_numpy(), lambda c: c + np.array([4e-10, 0.0]))
    assert fingerprint(layer()) == fingerprint(layer())
    assert fingerprint(layer().with_frame(frame.set_geometry(nudged, crs=CRS))) != fingerprint(layer())


def test_undo_brings_back_the_geometries_to_the_bit_and_touches_nothing_else() -> None:
    worked_on = mended().with_frame(mended().frame.assign(name=["一", "二", "三"]))
    back = undo_plan(worked_on, plan_from_json(write_plan(applied())))
    assert isinstance(back, Layer)
    assert fingerprint(back) == fingerprint(layer())
    assert back.frame["name"].tolist() == ["一", "二", "三"]
    assert undo_plan({"grids": mended()}, applied()).keys() == {"grids"}


def test_undo_of_a_table_returns_a_table_like_it() -> None:
    one = record(plan(), {"layer": layer()}, {"layer": mended()})
    one = replace(one, fingerprints={"layer": fingerprint(layer())})
    frame = mended().frame.set_index("code")
    back = undo_plan(frame, one)
    assert isinstance(back, gpd.GeoDataFrame)
    assert back.columns.tolist() == frame.columns.tolist()
    assert shapely.to_wkb(back.geometry.to_numpy()).tolist() == shapely.to_wkb(layer().frame.geometry).tolist()


def test_a_dropped_feature_comes_back_where_it_was_with_its_row() -> None:
    thinned = layer().with_frame(layer().frame.drop(index=1).reset_index(drop=True))
    one = record(plan(), {"grids": layer()}, {"grids": thinned})
    back = undo_plan(thinned, plan_from_json(write_plan(one)))
    assert isinstance(back, Layer)
    assert fingerprint(back) == fingerprint(layer())
    assert back.frame["name"].tolist() == ["甲", "乙", "丙"]


def test_undo_refuses_what_was_never_applied_or_was_edited_since() -> None:
    with pytest.raises(InputError) as stop:
        undo_plan(mended(), plan())
    assert "nothing to undo" in stop.value.problems[0].text("en")
    edited_since = mended().frame.copy()
    edited_since.loc[2, "geometry"] = shapely.box(500205, 3400000, 500290, 3400100)
    with pytest.raises(InputError) as stop:
        undo_plan(mended().with_frame(edited_since), applied())
    assert "edited since" in stop.value.problems[0].text("en")
    with pytest.raises(InputError) as stop:
        undo_plan(mended().with_frame(mended().frame.iloc[2:].reset_index(drop=True)), applied())
    assert "not there" in stop.value.problems[0].text("en")


def test_the_text_says_who_gives_how_much_to_whom_and_adds_up() -> None:
    text = plan_text(plan(), "en", names={A: "Jia", B: "Yi", C: "Bing"}, features=3)
    assert "b (" not in text
    assert "Yi (b) gives up 1,000 m²" in text
    assert "Yi (b) takes 500 m²" in text
    assert "Other candidates: Bing (c)." in text
    assert "1,500 m² (500 m² covered anew, 1,000 m² covered no more" in text
    assert "features changed: 1 of 3" in text
    assert "largest movement of a border: 10 m" in text


def test_a_plan_without_actions_says_so() -> None:
    assert plan_text(replace(plan(), actions=(), left=()), "en") == "Nothing to mend: no fault was found.\n"


def test_every_mend_and_rule_has_its_words_and_stands_in_the_schema() -> None:
    mends, rules = get_args(Mend), get_args(Rule)
    for mend in mends:
        shown = plan_text(replace(plan(), actions=(replace(plan().actions[0], mend=mend),)), "en")
        assert shown.splitlines()[2].startswith("    1. Overlap: a and b; ")
    properties = plan_schema()["$defs"]["action"]["properties"]
    assert set(properties["mend"]["enum"]) == set(mends)
    assert set(properties["rule"]["enum"]) == {None, *rules}
