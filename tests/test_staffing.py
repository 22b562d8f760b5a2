"""Staffing: who is on which section in which shift, and what is said where a post is empty."""

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gridgeo import InputError, read_town, validate_town
from gridgeo.sample import take_patrollers
from gridgeo.town import Person, Town
from gridgeo.town.duties import EVERY_DAY, Duty, Shift, duties_of, parse_days, shown_days
from gridgeo.validate.staffing import validate_staffing

SHIFTS = (Shift("day", "日班"), Shift("night", "夜班"))


def person(name: str, shift: str = "day") -> Person:
    return Person("s", "patroller", name, shift=shift)


def street(count: int = 1) -> gpd.GeoDataFrame:
    lines = [shapely.LineString([(0, k), (500, k)]) for k in range(count)]
    return gpd.GeoDataFrame({"code": [f"s{k}" for k in range(count)]}, geometry=lines, crs="EPSG:32651")


@given(st.sets(st.integers(0, 6), min_size=1))
def test_days_are_read_as_they_are_shown(days: set[int]) -> None:
    assert parse_days(shown_days(frozenset(days))) == frozenset(days)


@pytest.mark.parametrize("text", ["每天", "", "daily", "周一至周日", "1-7", "Mon–Sun", "一二三四五六日"])
def test_every_day(text: str) -> None:
    assert parse_days(text) == EVERY_DAY


@pytest.mark.parametrize("text", ["8", "someday", "周八", "一至", "2026-11-01"])
def test_what_is_no_day(text: str) -> None:
    assert parse_days(text) is None


def test_every_empty_and_crowded_post_is_named() -> None:
    weekdays = frozenset(range(5))
    duties = [
        Duty("s0", "day", EVERY_DAY, person("甲")),
        Duty("s0", "night", weekdays, person("乙", "night")),
        *(Duty("s1", shift, EVERY_DAY, person(f"{shift}{k}", shift)) for shift in ("day", "night") for k in range(3)),
    ]
    report = validate_staffing(street(2), duties, SHIFTS, id_column="code")
    assert [fault.message("zh") for fault in report.records] == [
        "s0的夜班在周六、日无人值守。",
        "s1的日班在每天有 3 人，最多 2 人。",
        "s1的夜班在每天有 3 人，最多 2 人。",
    ]
    assert report.records[0].message("en") == "s0 has nobody in the shift 夜班 on Saturday and Sunday."
    assert report.claims[0].measures["staffed"] == 7 + 5


def test_nobody_works_two_shifts_of_a_day() -> None:
    duties = [
        Duty("s0", "day", EVERY_DAY, person("甲")),
        Duty("s0", "night", frozenset({0}), person("甲", "night")),
        Duty("s0", "night", frozenset(range(1, 7)), person("乙", "night")),
    ]
    (fault,) = validate_staffing(street(), duties, SHIFTS, id_column="code").records
    assert (fault.code, fault.detail) == ("unstaffed", "two-shifts")
    assert "甲 works in 日班 and 夜班 on Monday" in fault.message("en")


def test_the_same_person_in_two_rows_counts_once() -> None:
    duties = [Duty("s0", "day", EVERY_DAY, person("甲")) for _ in range(3)]
    assert validate_staffing(street(), duties, SHIFTS[:1], id_column="code").ok


def test_patrollers_of_a_grid_are_dealt_out_to_its_sections(drafted_town: Town) -> None:
    duties = duties_of(drafted_town)
    named = [duty.person.name for duty in duties]
    shifted = [person.name for person in drafted_town.people if person.shift]
    assert sorted(named) == sorted(shifted)
    assert validate_town(drafted_town, claims=["patrols"]).ok


def test_patrollers_that_leave_are_missed_at_their_posts(drafted_town: Town) -> None:
    folder = drafted_town.path.parent
    people = pd.read_csv(folder / "people.csv", dtype=str, keep_default_na=False)
    sections = drafted_town.layer("sections").frame
    unit = drafted_town.layer("streets").ids.iloc[0]
    mine = sections.loc[sections["block"].str.startswith(unit)]
    fewer = take_patrollers(people, unit, shift="night", left=len(mine) - 1)
    kept = (folder / "people.csv").read_bytes()
    try:
        fewer.to_csv(folder / "people.csv", index=False)
        report = validate_town(read_town(drafted_town.path), claims=["patrols"])
    finally:
        (folder / "people.csv").write_bytes(kept)
    (fault,) = report.records
    assert fault.code == "unstaffed"
    assert fault.features == (mine["code"].iloc[-1],)
    assert report.ok is False


def test_a_shift_or_day_that_is_none_is_told(drafted_town: Town) -> None:
    folder = drafted_town.path.parent
    kept = (folder / "people.csv").read_bytes()
    people = pd.read_csv(folder / "people.csv", dtype=str, keep_default_na=False)
    people.loc[people["shift"] == "night", "shift"] = "夜晚"
    people.loc[people["days"] != "", "days"] = "周八"
    try:
        people.to_csv(folder / "people.csv", index=False)
        with pytest.raises(InputError) as raised:
            read_town(drafted_town.path)
    finally:
        (folder / "people.csv").write_bytes(kept)
    told = str(raised.value)
    assert 'shift "夜晚" is not known; shifts are: day 日班, night 夜班' in told
    assert 'days "周八" is not understood' in told
