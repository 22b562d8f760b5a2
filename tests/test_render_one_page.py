"""A notice is one page, whatever its sheet and however much it has to say; all of it is there to be read."""

from __future__ import annotations

import dataclasses
import re
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import pypdf
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridgeo.layers import Layer
from gridgeo.render import poster
from gridgeo.render.fingerprint import Fingerprints
from gridgeo.render.notice import compose_notices, texts_of
from gridgeo.render.poster import Press
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


@pytest.mark.parametrize("officers", [0, 3, 9, 14, 22, 40])
def test_what_is_passed_over_unset_would_not_have_fitted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, officers: int
) -> None:
    scene = make_scene(crowded_town(officers + 1, 8 + officers % 7, 0, 1))
    notice = next(notice for notice in compose_notices(scene, warnings=[]) if notice.code == HOMES)
    made = []
    for bound in (poster.least_height, lambda *_, **__: 0.0):
        monkeypatch.setattr(poster, "least_height", bound)
        folder = tmp_path / f"{len(made)}"
        folder.mkdir()
        made.append(Press(scene, folder, sheet("A3"), Fingerprints(scene)).make(notice))
    assert made[0] == made[1]
