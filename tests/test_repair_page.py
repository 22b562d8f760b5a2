"""The page of a repair in a real browser: it asks for nothing, shows every mend, and hostile text stays text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

import gridgeo
from gridgeo.repair.page import repair_page
from gridgeo.repair.plan import Action, Feature, Plan, Transfer
from tests.chromium import Browser, chromium
from tests.repair_plans import CRS, layer, mended, plan
from tests.repair_towns import write_town

in_browser = pytest.mark.skipif(
    chromium() is None, reason="no Chromium here (chromium, chromium-browser or google-chrome on the PATH)"
)
ROAD = gpd.GeoDataFrame(geometry=[shapely.LineString([(500100, 3399900), (500100, 3400200)])], crs=CRS)
EVIL = '</script><img src=x onerror=alert(1)>"${7*7}'


def page(language: str = "en", of: Plan | None = None) -> str:
    chosen = of or plan()
    return repair_page(
        *(chosen, {"grids": layer()}, {"grids": mended()}),
        barriers=ROAD,
        title="Town",
        language="zh" if language == "zh" else "en",
    )


def many(count: int) -> Plan:
    """Return a plan with this many small mends."""
    actions = []
    for number in range(1, count + 1):
        region = shapely.box(500000 + number / 10, 3400000, 500000.05 + number / 10, 3400010)
        transfer = Transfer(region, 0.5, Feature("grids", "a"), Feature("grids", "b"))
        shown = replace(plan().actions[0], number=number, transfers=(transfer,), place=region.centroid, moved=0.05)
        actions.append(shown)
    return replace(plan(), actions=tuple(actions))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as made:
        yield made


@pytest.fixture(scope="module")
def phone() -> Iterator[Browser]:
    with Browser(width=390, height=844, phone=True) as made:
        yield made


def test_the_same_repair_gives_the_same_bytes() -> None:
    assert page() == page()


def test_the_largest_mend_comes_first_and_each_has_two_pictures() -> None:
    text = page()
    assert text.index('<article id="mend1"') < text.index('<article id="mend2"')
    assert text.count('viewBox="0 0 200 200"') == 4
    assert "Overlap: 甲 (a) and 乙 (b)" in text
    assert "gives up 1,000 m²" in text
    assert "Spike: 丙 (c): c is locked." in text


def test_taken_given_and_old_border_are_told_without_colour() -> None:
    text = page()
    first = text[text.index('<article id="mend1"') : text.index('<article id="mend2"')]
    second = text[text.index('<article id="mend2"') :]
    assert 'class="region given"' in first
    assert 'class="region taken"' not in first
    assert 'class="region taken"' in second
    assert 'class="was"' in first
    assert "stroke-dasharray" in text
    assert 'class="barrier"' in first


def card(number: int, text: str) -> str:
    """Return one mend of a page."""
    return text[text.index(f'<article id="mend{number}"') :].split("</article>")[0]


def repaired(*shapes: shapely.Polygon) -> tuple[Plan, str]:
    """Repair polygons that are drawn near (0, 0), and return the plan and its page."""
    there = [shapely.affinity.translate(one, 5e5, 3.4e6) for one in shapes]
    frame = gpd.GeoDataFrame({"code": list("abc")[: len(there)]}, geometry=there, crs=CRS)
    before = {"grids": gridgeo.Layer("grids", frame, "code", None)}
    fixed, made = gridgeo.repair_tiling(before)
    return made, repair_page(made, before, fixed, language="en")


def test_each_picture_has_a_scale_and_its_signs_are_explained_below() -> None:
    first, second = card(1, page()), card(2, page())
    assert first.count('<text class="metres"') == second.count('<text class="metres"') == 2
    assert "50 m</text>" in first
    key = first[first.index('<ul class="key">') :]
    assert "taken away from a feature" in key
    assert "border as it was" in key
    assert "road or river" in key
    assert "given to a feature" not in key
    assert "given to a feature" in second


def test_a_narrow_mend_is_shown_large_enough_to_be_seen_and_where_it_lies() -> None:
    made, text = repaired(shapely.box(0, 0, 100.004, 100), shapely.box(100, 0, 200, 100))
    assert made.actions[0].moved == pytest.approx(0.004, rel=0.01)
    assert "20 cm across" in text  # four millimetres are four of its 200 units
    assert '<svg class="where"' in text
    assert 'class="here"' in text


def test_a_missing_vertex_is_ringed_before_and_dotted_after() -> None:
    other = shapely.Polygon([(50, 0), (100, 0), (100, 50), (50, 50), (50, 25)])
    _, text = repaired(shapely.box(0, 0, 50, 50), other)
    before, after = card(1, text).split("</figure>")[:2]
    assert before.count('<circle class="missing"') == after.count('<circle class="inserted"') == 1
    assert "a vertex is missing here" in text


def test_a_broken_ring_is_shown_where_it_crosses_itself() -> None:
    places = [(0, 0), (1000, 0), (1000, 500), (1004, 503), (1004, 500), (1000, 503), (1000, 1000), (0, 1000)]
    made, text = repaired(shapely.Polygon(places))
    assert made.actions[0].mend == "redraw"
    x, y = shapely.get_coordinates(made.actions[0].place)[0]
    assert np.hypot(x - 5e5 - 1002, y - 3.4e6 - 501.5) < 3
    across = float(re.search(r"Before · ([\d.]+) m across", text)[1])  # type: ignore[index]
    assert across < 30


def test_numbers_on_the_map_cover_no_other() -> None:
    text = page(of=many(12))
    places = re.findall(r'class="pin"><rect x="([-\d.]+)" y="([-\d.]+)" width="(\d+)" height="24"', text)
    boxes = [shapely.box(float(x), float(y), float(x) + float(w), float(y) + 24) for x, y, w in places]
    assert len(boxes) == 12
    assert not shapely.STRtree(boxes).query(boxes, predicate="overlaps").size
    assert 'class="leader"' in text


def test_the_page_is_in_chinese_where_chinese_is_asked_for() -> None:
    text = page("zh")
    assert '<html lang="zh-CN">' in text
    assert "修复前后对照" in text
    assert "c 已锁定" in text


def test_more_mends_than_pictures_are_all_listed() -> None:
    text = page(of=many(510))
    assert text.count("<article") == 500
    assert "10 more mends, in words" in text
    assert all(f'id="mend{number}"' in text for number in (1, 505, 510))
    assert len(text) < 3_000_000


@in_browser
def test_nothing_is_asked_for_and_hostile_text_stays_text(browser: Browser, tmp_path: Path) -> None:
    def evil(action: Action) -> Action:
        return replace(
            action, features=(Feature("grids", EVIL), *action.features), values={**action.values, "winner": EVIL}
        )

    hostile = replace(plan(), actions=tuple(map(evil, plan().actions)))
    (tmp_path / "page.html").write_text(page(of=hostile), encoding="utf-8")
    browser.open(tmp_path / "page.html")
    assert browser.requests[1:] == []
    assert browser.complaints == []
    assert EVIL in browser.evaluate("document.body.innerText")
    assert browser.evaluate("document.querySelectorAll('img, script').length") == 0


@in_browser
def test_a_number_on_the_map_leads_to_its_pictures_by_keyboard(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(page(), encoding="utf-8")
    browser.open(tmp_path / "page.html")
    browser.press("Tab")
    target = browser.evaluate("document.activeElement.getAttribute('href')")
    browser.press("Enter")
    assert browser.evaluate("location.hash") == target
    top = browser.evaluate("document.querySelector(location.hash).getBoundingClientRect().top")
    assert top < 1000


@in_browser
def test_there_is_ink_in_every_picture(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(page(), encoding="utf-8")
    browser.open(tmp_path / "page.html", fragment="#mend1")
    box = browser.evaluate(
        "(() => { const b = document.querySelector('#mend1 svg').getBoundingClientRect();"
        "return [b.left, b.top, b.right, b.bottom]; })()"
    )
    pixels = np.asarray(browser.picture().crop(tuple(round(edge) for edge in box))).reshape(-1, 3)
    for colour in ((207, 227, 245), (251, 227, 192)):  # the two features, tinted over white
        tinted = np.abs(pixels - (np.array(colour) * 0.75 + 255 * 0.25)).max(axis=1) < 3
        assert tinted.mean() > 0.1


@in_browser
@pytest.mark.parametrize("count", [1, 20])
def test_the_page_fits_a_phone(phone: Browser, tmp_path: Path, count: int) -> None:
    (tmp_path / "page.html").write_text(page("zh", many(count)), encoding="utf-8")
    phone.open(tmp_path / "page.html")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    assert phone.evaluate("document.querySelector('.pair svg').getBoundingClientRect().width") > 130


def test_a_town_shows_each_mend_among_its_own_layer_and_the_borders_that_it_stands_on(tmp_path: Path) -> None:

    town = gridgeo.read_town(write_town(tmp_path, 7, faults=4))
    fixed, plan = gridgeo.repair_town(town)
    keys = ("town", "west", "east", "blocks", "cleaning")
    claims = {
        "town": (("west", "east"), ()),
        "blocks": (("blocks",), ("west", "east")),
        "cleaning": (("cleaning",), ("blocks",)),
    }
    before, after = ({key: one.layer(key) for key in keys} for one in (town, fixed))
    page = repair_page(plan, before, after, claims=claims, language="en")
    cards = dict(zip(*[iter(re.split(r'<article id="mend(\d+)"', page)[1:])] * 2, strict=True))
    assert len(cards) == len(plan.actions)
    for action in plan.actions:
        card = cards[str(action.number)]
        sides = re.findall(r'class="side side[A-F]">[A-F]</span>([^<]*)', card)
        assert sides
        assert all(side.split(" ")[0] in claims[action.claim][0] for side in sides)
        assert action.claim != "town" or 'class="ground"' not in card
    assert any('class="ground"' in card for card in cards.values())
    assert re.search(r"features changed: \d+ of 84", page)
