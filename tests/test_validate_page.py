"""The HTML report in a real browser: what to do first, sorting, filters, zoom, and no request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gridgeo.validate import Report, validate_tiling
from tests.chromium import Browser, chromium

pytestmark = pytest.mark.skipif(
    chromium() is None, reason="no Chromium here (chromium, chromium-browser or google-chrome on the PATH)"
)

HOSTILE = (
    "<img src=x onerror=alert(1)>", "</script><script>alert(2)</script>", "\"'><svg onload=alert(3)>", "${alert(4)}",
    "javascript:alert(5)", "</td></tr></table><h1>x", "&lt;b&gt;",
)  # fmt: skip


def strips(count: int, names: tuple[str, ...] = ()) -> gpd.GeoDataFrame:
    """Strips that reach further and further into the next, with a hole in the first."""
    shapes = [shapely.box(10 * k, 0, 10 * k + 10 + 0.01 * k * (k < count - 1), 100) for k in range(count)]
    shapes[0] = shapes[0].difference(shapely.box(2, 2, 4, 4))
    ids = [names[k] if k < len(names) else f"g{k}" for k in range(count)]
    return gpd.GeoDataFrame({"id": ids}, geometry=shapes, crs="EPSG:32651")


def report_on(count: int, names: tuple[str, ...] = ()) -> Report:
    return validate_tiling(strips(count, names), id_column="id", name="strips")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("pages")
    pages = {"en": report_on(30).to_html("en"), "zh": report_on(30).to_html("zh")}
    pages |= {"hostile": report_on(12, HOSTILE).to_html("en"), "one": report_on(3).to_html("en")}
    sound = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 9, 9)], crs="EPSG:32651")
    pages |= {"sound": validate_tiling(sound).to_html("zh"), "many": report_on(2000).to_html("en")}
    for name, page in pages.items():
        (made / f"{name}.html").write_text(page, encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as made:
        yield made
        assert made.complaints == [], "no word on the console in any test of this file"


@pytest.fixture(scope="module")
def phone() -> Iterator[Browser]:
    with Browser(width=390, height=844, phone=True) as made:
        yield made
        assert made.complaints == []


def rows(browser: Browser) -> list[str]:
    """Numbers of the rows that are shown, from above."""
    found = browser.evaluate(
        "[...document.querySelectorAll('tbody tr')].filter(r => !r.hidden).map(r => r.dataset.number)"
    )
    return [str(number) for number in found]


def view(browser: Browser) -> list[float]:
    return [float(part) for part in browser.evaluate("document.querySelector('svg').getAttribute('viewBox')").split()]


def press(browser: Browser, selector: str) -> None:
    browser.evaluate(f"document.querySelector({json.dumps(selector)}).scrollIntoView({{block: 'center'}})")
    browser.click(*browser.middle(selector))


def column(browser: Browser, number: int) -> list[Any]:
    values: list[Any] = browser.evaluate(
        f"[...document.querySelectorAll('tbody tr')].map(r => r.cells[{number}])"
        ".map(cell => cell.dataset.value || cell.textContent)"
    )
    return values


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "en",
            ("Not seamless", "29 errors", "What first", "gap", "overlap", "Give the area to one of its neighbours."),
        ),
        ("zh", ("未达到无缝", "29 处错误", "建议顺序", "缝隙", "重叠", "请将该区域划归相邻的一方。")),
        ("sound", ("无缝：各项声明均成立",)),
    ],
)
def test_the_first_screen_says_what_is_wrong_and_nothing_is_asked_of_others(
    browser: Browser, folder: Path, name: str, words: tuple[str, ...]
) -> None:
    browser.open(folder / f"{name}.html")
    shown = browser.evaluate("document.body.innerText")
    for word in words:
        assert word in shown
    assert browser.evaluate("document.querySelector('.verdict').getBoundingClientRect().bottom") < 200
    assert browser.requests[1:] == []


def test_every_fault_is_a_row_and_a_dot_on_the_map(browser: Browser, folder: Path) -> None:
    browser.open(folder / "en.html")
    numbers = [str(number) for number in range(1, len(report_on(30).records) + 1)]
    assert rows(browser) == numbers
    dots = browser.evaluate("[...document.querySelectorAll('.pin')].map(p => p.dataset.fault)")
    assert sorted(dots, key=int) == numbers
    picture = np.asarray(browser.picture()).astype(int)
    red = (picture[..., 0] - picture[..., 1] > 90) & (picture[..., 0] - picture[..., 2] > 90)
    assert red[300:].sum() > 500, "the dots are seen"


def test_columns_sort_the_largest_first_and_then_the_other_way(browser: Browser, folder: Path) -> None:
    browser.open(folder / "en.html")
    for place in (3, 4):
        head = f"th:nth-child({place + 1}) button"
        for order, sign in (("descending", -1), ("ascending", 1)):
            press(browser, head)
            assert browser.evaluate(f"document.querySelectorAll('th')[{place}].ariaSort") == order
            values = [float(value) for value in column(browser, place)]
            assert values == sorted(values, key=lambda value: sign * value)
            assert len(set(values)) > 10
    press(browser, "th:nth-child(1) button")
    assert rows(browser)[:3] == ["1", "2", "3"]
    assert browser.evaluate("document.querySelectorAll('th[aria-sort]').length") == 1


def test_features_sort_as_people_count(browser: Browser, folder: Path) -> None:
    browser.open(folder / "en.html")
    press(browser, "th:nth-child(3) button")
    pairs = [text for text in column(browser, 2) if ", " in text]
    assert pairs.index("g2, g3") < pairs.index("g10, g11")


def test_the_filter_takes_words_in_any_order_and_hides_dots_too(browser: Browser, folder: Path) -> None:
    browser.open(folder / "en.html")
    every = len(rows(browser))
    press(browser, "#filter")
    browser.type("g3 OVERLAP")
    (kept,) = browser.evaluate(
        "[[...document.querySelectorAll('tbody tr')].filter(r => !r.hidden).map(r => r.innerText)]"
    )
    assert 1 <= len(kept) < every
    assert all("g3" in text and "overlap" in text for text in kept)
    dots = browser.evaluate(
        "[...document.querySelectorAll('.pin')].filter(p => p.getClientRects().length).map(p => p.dataset.fault)"
    )
    assert sorted(dots) == sorted(rows(browser))
    assert browser.evaluate("document.getElementById('count').textContent") == f"{len(kept)} / {every}"
    browser.type(" no such words")
    assert rows(browser) == []


def test_a_kind_can_be_shown_alone(browser: Browser, folder: Path) -> None:
    browser.open(folder / "en.html")
    every = rows(browser)
    gap = ".kinds button[value$=gap]"
    press(browser, gap)
    assert browser.evaluate(f"document.querySelector('{gap}').ariaPressed") == "true"
    assert 0 < len(rows(browser)) < len(every)
    assert set(
        browser.evaluate("[...document.querySelectorAll('tbody tr:not([hidden])')].map(r => r.dataset.kind)")
    ) == {browser.evaluate(f"document.querySelector('{gap}').value")}
    press(browser, gap)
    assert rows(browser) == every


def test_a_number_zooms_to_its_fault_and_the_button_back(browser: Browser, folder: Path) -> None:
    browser.open(folder / "en.html")
    whole = view(browser)
    press(browser, "#row5 .go")
    left, top, width, height = view(browser)
    assert width < whole[2] * 0.9
    box = browser.evaluate(
        "(b => [b.x, b.y, b.width, b.height])(document.querySelector('.fault[data-fault=\"5\"]').getBBox())"
    )
    assert left <= box[0] <= box[0] + box[2] <= left + width
    assert top <= box[1] <= box[1] + box[3] <= top + height
    assert browser.evaluate("[...document.querySelectorAll('tr.chosen')].map(r => r.id)") == ["row5"]
    assert browser.evaluate("document.querySelector('.pin[data-fault=\"5\"]').matches('.chosen')")
    press(browser, "#whole")
    assert view(browser) == whole
    assert browser.evaluate("document.querySelectorAll('.chosen').length") == 0


def test_the_map_is_moved_by_hand(browser: Browser, folder: Path) -> None:
    browser.open(folder / "en.html")
    left, top, width, height = view(browser)
    press(browser, "#nearer")
    assert view(browser) == pytest.approx([left + width / 4, top + height / 4, width / 2, height / 2])
    x, y = browser.middle("svg")
    browser.move(x, y)
    browser.call("Input.dispatchMouseEvent", type="mousePressed", x=x, y=y, button="left", clickCount=1)
    browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=x - 40, y=y, button="left", buttons=1)
    browser.call("Input.dispatchMouseEvent", type="mouseReleased", x=x - 40, y=y, button="left", clickCount=1)
    assert view(browser)[0] > left + width / 4
    assert view(browser)[1:] == pytest.approx([top + height / 4, width / 2, height / 2])
    press(browser, "#whole")
    assert view(browser) == [left, top, width, height]


def test_a_dot_leads_to_its_row(browser: Browser, folder: Path) -> None:
    browser.open(folder / "en.html")
    last = browser.evaluate("[...document.querySelectorAll('tbody tr')].at(-1).dataset.number")
    browser.evaluate(
        f"document.querySelector('.pin[data-fault=\"{last}\"]').dispatchEvent(new Event('click', {{bubbles: true}}))"
    )
    browser.settle(1.2)
    row = browser.evaluate(
        "(() => { const b = document.querySelector('tr.chosen').getBoundingClientRect(); return [b.top, b.bottom] })()"
    )
    assert 0 <= row[0] < row[1] <= 1000
    assert browser.evaluate("document.querySelector('tr.chosen').dataset.number") == last


def test_it_works_from_the_keyboard(browser: Browser, folder: Path) -> None:
    browser.open(folder / "en.html")
    whole = view(browser)
    reached = []
    for _ in range(30):
        browser.press("Tab")
        reached.append(browser.evaluate("document.activeElement.id || document.activeElement.className"))
        if reached[-1] == "go":
            break
    assert reached[:4] == ["nearer", "further", "whole", "filter"]
    assert reached[-1] == "go"
    assert browser.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    browser.press("Enter")
    assert view(browser) != whole
    browser.press("Escape")
    assert view(browser) == whole


def test_hostile_names_are_shown_as_text(browser: Browser, folder: Path) -> None:
    browser.open(folder / "hostile.html")
    shown = browser.evaluate("document.body.innerText")
    for name in HOSTILE:
        assert name in shown
    counts = [browser.evaluate(f"document.querySelectorAll('{tag}').length") for tag in ("img", "script", "svg", "h1")]
    assert counts == [0, 1, 1, 1]
    press(browser, "#row1 .go")
    assert browser.requests[1:] == []


def test_two_thousand_faults_open_and_sift_without_delay(browser: Browser, folder: Path) -> None:
    browser.open(folder / "many.html")
    assert len(rows(browser)) >= 1990
    spent = browser.evaluate(
        "(() => { const begun = performance.now(); const f = document.getElementById('filter'); f.value = 'g77 ';"
        "f.dispatchEvent(new Event('input')); document.body.offsetHeight; return performance.now() - begun })()"
    )
    assert spent < 3000
    assert 1 <= len(rows(browser)) < 100


@pytest.mark.parametrize("name", ["en", "zh", "hostile", "one", "sound"])
def test_on_a_phone_nothing_is_wider_than_the_screen(phone: Browser, folder: Path, name: str) -> None:
    phone.open(folder / f"{name}.html")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    if name != "sound":
        assert phone.evaluate("document.querySelector('svg').getBoundingClientRect().height") > 250
        assert phone.evaluate("document.querySelector('.go').getBoundingClientRect().height") >= 36


def test_the_same_report_gives_the_same_page() -> None:
    assert report_on(5).to_html("zh") == report_on(5).to_html("zh")
