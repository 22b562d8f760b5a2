"""A notice is one page, whatever its sheet and however much it has to say; all of it is there to be read."""

from __future__ import annotations

import dataclasses
import json
import random
import re
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import numpy as np
import pypdf
import pypdfium2
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridgeo._steps import at_once
from gridgeo.layers import Layer
from gridgeo.render import poster
from gridgeo.render.fingerprint import Fingerprints
from gridgeo.render.notice import compose_notices, texts_of
from gridgeo.render.poster import Press
from gridgeo.render.printed_page import PrintedPage
from gridgeo.render.scene import make_scene
from gridgeo.render.sheet import ORIENTATIONS, PAPERS, sheet
from gridgeo.town import Person, Task, Town
from tests.render_towns import CRS, make_town, place

STREET, HOMES = "310112999005001", "310112999002001"
ROLES = ("patroller", "three-heads", "police", "urban-management", "market-supervision", "lawyer")
ITEM = "机动车、非机动车乱停放，占用消防通道、盲道或公共绿地的"


def crowded_town(officers: int, items: int, sections: int, crew: int) -> Town:
    """A town whose homes and street have so many officers and patrol items, and the street so many sections."""
    people = [
        Person(unit, "head", "欧阳明月", "居委会", "021-54321002", hours="周二 14:00–16:00") for unit in (STREET, HOMES)
    ]
    people += [
        Person(
            unit,
            ROLES[k % len(ROLES)],
            f"姓名{k:02d}",
            f"第{k % 7}工作单位",
            f"021-5432-{k:04d}",
            hours="周一至周五 9:00–11:00",
        )
        for unit in (STREET, HOMES)
        for k in range(officers - 1)
    ]
    people += [
        Person(
            STREET, "patroller", f"巡{shift[0]}{k:02d}", phone=f"021-5555-{k:04d}", shift=shift, days=frozenset(days)
        )
        for shift in ("day", "night")
        for days in (range(4), range(4, 7))
        for k in range(sections * crew)
    ]
    tasks = [
        Task(kind, f"第{k % 3 + 1}类", f"{ITEM[: 6 + 5 * (k % 4)]}{k}", local=k % 4 == 3)
        for kind in ("street", "residential")
        for k in range(items)
    ]
    town = make_town(people=people, tasks=tasks)  # type: ignore[arg-type]
    if not sections:
        return town
    edges = [900 * k / sections for k in range(sections + 1)]
    lines = [shapely.LineString([place(a, 310), place(b, 310)]) for a, b in pairwise(edges)]
    frame = gpd.GeoDataFrame(
        {
            "code": [f"{STREET}-{k:02d}" for k in range(1, sections + 1)],
            "name": [f"第{k}路段" for k in range(1, sections + 1)],
            "block": STREET,
            "streets": "沈杜公路、浦星公路",
        },
        geometry=lines,
        crs=CRS,
    )
    return dataclasses.replace(town, sections=Layer("sections", frame, "code", "name"))


def check_one_page(town: Town, code: str, paper: str, orientation: str, folder: Path) -> None:
    scene = make_scene(town)
    notice = next(notice for notice in compose_notices(scene, warnings=[]) if notice.code == code)
    folder.mkdir(parents=True, exist_ok=True)
    press = Press(scene, folder, sheet(paper, orientation), Fingerprints(scene))  # type: ignore[arg-type]
    printed = press.make(notice)
    (folder / "out.pdf").write_bytes(printed.content)
    (page,) = pypdf.PdfReader(folder / "out.pdf").pages
    told = re.sub(r"\s", "", page.extract_text())
    for whose, text in texts_of(notice):
        assert re.sub(r"\s", "", text) in told, (whose, text)
    wide, high = sorted(PAPERS[paper], reverse=orientation == "landscape")  # type: ignore[index]
    assert [round(float(length) / 72 * 25.4) for length in page.mediabox[2:]] == [round(wide), round(high)]
    assert printed.map_size[1] >= 60


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    officers=st.integers(1, 40),
    items=st.integers(5, 40),
    sections=st.integers(0, 6),
    crew=st.just(1),
    code=st.sampled_from((STREET, HOMES)),
    paper=st.sampled_from(list(PAPERS)),
    orientation=st.sampled_from(ORIENTATIONS),
)
def test_any_number_of_people_items_and_sections(
    tmp_path: Path, officers: int, items: int, sections: int, crew: int, code: str, paper: str, orientation: str
) -> None:
    patrollers = sections * crew * 4  # two shifts, two crews each
    town = crowded_town(max(1, min(officers, 40 - patrollers)), items, sections, crew)
    check_one_page(town, code, paper, orientation, tmp_path / f"{officers}-{items}-{sections}-{crew}-{code}-{paper}")


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize(("officers", "items", "sections"), [(1, 5, 1), (40, 40, 0), (16, 40, 6)])
def test_the_fewest_and_the_most(tmp_path: Path, officers: int, items: int, sections: int, orientation: str) -> None:
    check_one_page(crowded_town(officers, items, sections, 1), STREET, "A3", orientation, tmp_path)


def printed_street(town: Town, folder: Path, orientation: str) -> tuple[str, list[str]]:
    """Return the text of the street's notice without blanks, and what its printing warns of."""
    scene = make_scene(town)
    notice = next(notice for notice in compose_notices(scene, warnings=[]) if notice.code == STREET)
    folder.mkdir(parents=True, exist_ok=True)
    press = Press(scene, folder, sheet("A3", orientation), Fingerprints(scene))  # type: ignore[arg-type]
    (folder / "out.pdf").write_bytes(press.make(notice).content)
    (page,) = pypdf.PdfReader(folder / "out.pdf").pages
    told = re.sub(r"\s", "", page.extract_text())
    for whose, text in texts_of(notice):
        assert re.sub(r"\s", "", text) in told, (whose, text)
    return told, [problem.text() for problem in press.take_warnings()]


@pytest.mark.parametrize(("orientation", "items", "sections"), [("portrait", 12, 6), ("landscape", 8, 6)])
def test_a_street_with_a_full_team_is_read_on_a_wall(
    tmp_path: Path, orientation: str, items: int, sections: int
) -> None:
    _, warnings = printed_street(crowded_town(13, items, sections, 1), tmp_path, orientation)
    assert not warnings  # of print under 12 points


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_days_that_all_sections_share_are_said_once_a_shift(tmp_path: Path, orientation: str) -> None:
    town = crowded_town(13, 8, 5, 1)
    told, _ = printed_street(town, tmp_path / "shared", orientation)
    assert (told.count("周一至周四"), told.count("周五至周日")) == (2, 2)
    # the first section has a crew of its own, every day: its row says so, the others keep their columns
    whole_week = Person(
        f"{STREET}-01", "patroller", "巡天天", phone="021-5555-9999", shift="day", days=frozenset(range(7))
    )
    others = [person for person in town.people if person.shift != "day"] + [
        dataclasses.replace(person, unit=f"{STREET}-{k:02d}")
        for k in range(2, 6)
        for person in town.people
        if person.shift == "day" and person.name == f"巡d{k:02d}"[:4]
    ]
    told, _ = printed_street(dataclasses.replace(town, people=(*others, whole_week)), tmp_path / "daily", orientation)
    assert (told.count("周一至周四"), told.count("周五至周日")) == (2, 2)
    # where sections differ in their days, each says its own
    own = [person for person in others if person.unit != f"{STREET}-02" or person.days != frozenset(range(4))]
    told, _ = printed_street(dataclasses.replace(town, people=(*own, whole_week)), tmp_path / "own", orientation)
    assert told.count("周五至周日") > 2


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("length", range(11, 21, 3))
def test_no_line_of_a_list_is_a_single_letter(tmp_path: Path, orientation: str, length: int) -> None:
    """Items of one letter more after another: somewhere one would break before its last letter."""
    every = "占用消防通道盲道和公共绿地乱停机动车辆堆放杂物"
    items = ["甲乙丙丁戊己庚辛壬"[k] + every[: length + k // 3] + "、垃圾" * (k % 2) for k in range(9)]
    tasks = tuple(Task("residential", f"第{k % 3 + 1}类", item, local=k % 4 == 3) for k, item in enumerate(items))
    scene = make_scene(dataclasses.replace(crowded_town(12, 5, 0, 1), tasks=tasks))
    notice = next(notice for notice in compose_notices(scene, warnings=[]) if notice.code == HOMES)
    made = Press(scene, tmp_path, sheet("A3", orientation), Fingerprints(scene)).make(notice)  # type: ignore[arg-type]
    page = PrintedPage(pypdfium2.PdfDocument(made.content)[0])
    for item in items:
        for letters in page.places_of(item):
            heights = [page.box_of(letter)[1] for letter in letters]
            assert abs(heights[-1] - heights[-2]) < 4, item


def test_who_is_there_every_day_needs_no_days(tmp_path: Path) -> None:
    town = crowded_town(3, 5, 3, 1)
    people = tuple(
        dataclasses.replace(person, hours="", days=frozenset(range(7)) if person.shift else person.days)
        for person in town.people
        if not person.shift or 0 in person.days
    )
    told, _ = printed_street(dataclasses.replace(town, people=people), tmp_path, "portrait")
    assert "每天" not in told


def without_heads(town: Town) -> Town:
    """The same town before anybody was named head."""
    return dataclasses.replace(town, people=tuple(person for person in town.people if person.role != "head"))


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize(
    ("officers", "headed"), [(1, True), (2, True), (9, False), (11, True), (14, True), (14, False), (40, True)]
)
def test_the_team_leaves_no_part_of_the_sheet_bare(
    tmp_path: Path, officers: int, headed: bool, orientation: str
) -> None:
    """Under its heading, the column of the head is filled: by the officers, or by what organisations they are of."""
    town = crowded_town(officers + 1, 12, 0, 1)
    scene = make_scene(town if headed else without_heads(town))
    notice = next(notice for notice in compose_notices(scene, warnings=[]) if notice.code == HOMES)
    made = Press(scene, tmp_path, sheet("A3", orientation), Fingerprints(scene)).make(notice)  # type: ignore[arg-type]
    page = PrintedPage(pypdfium2.PdfDocument(made.content)[0])
    pixels = page.pixels(1.0)
    (left, _, _, high), (_, _, _, low) = (
        page.box_of(next(page.places_of(words))[0]) for words in ("责任团队", "巡查事项")
    )
    if low > high or (orientation == "landscape" and page.box_of(next(page.places_of("巡查事项"))[0])[0] < left - 9):
        low = 130.0  # the lists stand under the map: the team reaches down to the promise
    top, bottom = (round(page.size[1] - height) for height in (high, low))
    column = pixels[top:bottom, round(left) : round(left) + 110].reshape(bottom - top, -1)
    bare = np.flatnonzero((column < 245).any(axis=1))
    gaps = np.diff(np.concatenate([[0], bare, [bottom - top]])) / 72 * 25.4
    assert gaps.max() < 46, "millimetres, where it was up to four times as much"


@pytest.mark.parametrize(
    ("officers", "tall", "headed"),
    [
        (0, False, True),
        (3, False, True),
        (3, True, True),
        (9, False, False),
        (9, True, True),
        (14, False, True),
        (15, True, True),
        (22, False, True),
        (22, False, False),
        (40, False, True),
    ],
)
def test_what_is_passed_over_unset_would_not_have_fitted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, officers: int, tall: bool, headed: bool
) -> None:
    town = crowded_town(officers + 1, 8 + officers % 7, 0, 1)
    scene = make_scene(town if headed else without_heads(town))
    notice = next(notice for notice in compose_notices(scene, warnings=[]) if notice.code == HOMES)
    monkeypatch.setattr(poster, "is_tall", lambda *_, **__: tall)
    made = []
    for told in (True, False):
        if not told:
            monkeypatch.setattr(poster, "least_heights", lambda _, __, levels, *___, **____: [0.0] * len(levels))
            monkeypatch.setattr(poster, "least_heights_beside", lambda _, __, levels, *___, **____: [0.0] * len(levels))
        folder = tmp_path / f"{len(made)}"
        folder.mkdir()
        made.append(Press(scene, folder, sheet("A3"), Fingerprints(scene)).make(notice))
    assert made[0] == made[1]


@pytest.mark.parametrize("tall", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_people_are_never_lower_than_the_bound_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, tall: bool
) -> None:
    """Whoever the officers are: the template sets them no lower than `least_heights` has told before."""
    draw = random.Random(seed)

    def some(words: str, most: int) -> str:
        return "".join(draw.choices(words, k=draw.randint(0, most)))

    def wild(k: int) -> Person:
        name = draw.choice((some("王欧阳建国龘", 5), some("Ab cd·", 24), "Muhammadjan Abdulla", "李 明")) or "王"
        organisation = draw.choice((some("浦江镇某某派出所第一（）", 26), some("Office of 浦江 ", 30), ""))
        phone = draw.choice(("021-54321001", "12345", "54321001转8012、54321002", ""))
        hours = draw.choice((some("周一至五 9:00–17、", 30), "周二 14:00–16:00", ""))
        return Person(HOMES, ROLES[k % len(ROLES)], name, organisation, phone, hours=hours)

    def usual(k: int) -> Person:
        hours = draw.choice(("周一至周五 9:00-11:00", "周二、四 8:30-11:30", "每天 18:30-20:00", "周六 9:00-11:30"))
        organisation = ("月桥居委会", "云溪派出所", "城管中队", "示例律所")[k % 4]
        return Person(HOMES, ROLES[k % len(ROLES)], "李涵䶮"[: 2 + k % 2], organisation, "021-5550-4042", hours=hours)

    officer = wild if seed % 2 else usual
    town = crowded_town(1, 5, 0, 1)
    town = dataclasses.replace(town, people=(*town.people, *map(officer, range(14))))
    scene = make_scene(town if seed % 2 else without_heads(town))
    notice = next(notice for notice in compose_notices(scene, warnings=[]) if notice.code == HOMES)
    monkeypatch.setattr(poster, "is_tall", lambda *_, **__: tall)
    press = Press(scene, tmp_path, sheet("A3"), Fingerprints(scene))
    words = press._words(notice)
    words["teams"] = press._teams(notice, words["page"])
    at_once(press._choose(notice, words, press._levels(notice, words["page"])))
    least = json.loads((tmp_path / "data.json").read_text())["least_people"]
    template = (tmp_path / "notice.typ").read_text()
    own = (
        "people(own, beside-width)"
        if tall
        else "block((below-parts.extent)(plan, own)) + block((below-parts.people)(plan, own))"
    )
    (tmp_path / "notice.typ").write_text(
        template[: template.index("#if measuring {")]
        + f"""#context [#metadata(range(data.levels.len()).map(place => {{
          let (plan, own) = tried(place)
          measure(width: measure-width, block({own})).height / 1mm
        }})) <heights>]"""
    )
    heights = press._query("<heights>", field="value", one=True)
    slack = [high - low for high, low in zip(heights, least, strict=True)]
    assert min(slack) > -1e-6
