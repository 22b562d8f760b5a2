"""The site in a real browser without network: found by name, street, letters, place and address, by hand and by ear."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pyproj
import pytest

from gridgeo.crs import wgs84_to_bd09, wgs84_to_gcj02
from gridgeo.render.site import render_site
from tests.chromium import Browser, chromium
from tests.hostile_text import CODES, CORPUS, hostile_town
from tests.render_towns import CRS, blocks_frame, make_town, place
from tests.test_browser import is_quiet

pytestmark = pytest.mark.skipif(
    chromium() is None, reason="no Chromium here (chromium, chromium-browser or google-chrome on the PATH)"
)

BLOCK = "310112999001001"
ANSWER = "document.getElementById('answer').innerText"
FOUND = "document.getElementById('found').innerText"
_DEGREES = pyproj.Transformer.from_crs(CRS, 4326, always_xy=True)


def degrees(x: float, y: float) -> tuple[float, float]:
    """Return longitude and latitude of a place in the little town, given in metres from its corner."""
    longitude, latitude = _DEGREES.transform(*place(x, y))
    return float(longitude), float(latitude)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    render_site(make_town(), out := tmp_path_factory.mktemp("site"))
    return out / "site"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser(width=1280, height=900) as made:
        yield made


@pytest.fixture(scope="module")
def phone() -> Iterator[Browser]:
    with Browser(width=390, height=844, phone=True) as made:
        yield made


def ask(browser: Browser, text: str, system: str = "") -> str:
    """Type coordinates into the page, and return its answer."""
    browser.evaluate(
        f"document.getElementById('system').value = {json.dumps(system)};"
        "document.getElementById('point').value = ''; document.getElementById('point').focus()"
    )
    browser.type(text)
    browser.press("Enter")
    return str(browser.evaluate(ANSWER))


def search(browser: Browser, text: str) -> str:
    browser.evaluate("document.getElementById('find').value = ''; document.getElementById('find').focus()")
    browser.type(text)
    return str(browser.evaluate(FOUND))


def click_on_map(browser: Browser, longitude: float, latitude: float) -> None:
    """Click on the index's map at a place on the earth."""
    browser.evaluate("document.getElementById('map').scrollIntoView({block: 'center'})")
    x, y = browser.evaluate(
        "(() => { const town = JSON.parse(document.getElementById('town-data').textContent);"
        "const at = document.getElementById('map').createSVGPoint();"
        f"at.x = {longitude} * 1e6 - town.origin[0]; at.y = {latitude} * 1e6 - town.origin[1];"
        "const on = at.matrixTransform(document.getElementById('ground').getScreenCTM()); return [on.x, on.y] })()"
    )
    browser.click(x, y)


def test_search_finds_names_codes_heads_streets_and_letters(browser: Browser, site: Path) -> None:
    browser.open(site / "index.html")
    assert "聚缘居委会" in search(browser, "聚缘")
    assert "永丰村委会" in search(browser, "999003")
    assert "聚缘居委会" in search(browser, "欧阳")
    street = search(browser, "杜行老街")
    assert "沿线 2 个责任块" in street
    assert "杜行居委会 第1责任块" in street
    assert "杜行居委会 第2责任块" in search(browser, "DHJ")
    assert "浦星公路" in search(browser, "pxgl")
    assert search(browser, "没有这个地方") == ""
    assert browser.evaluate("document.getElementById('count').innerText") == "没有找到"
    search(browser, "永丰")
    browser.press("Enter")
    assert browser.evaluate("document.activeElement.getAttribute('href')") == "310112999003001.html"
    is_quiet(browser)


@pytest.mark.parametrize(
    "write",
    [
        "{x:.6f}, {y:.6f}",
        "{y:.6f} {x:.6f}",
        "{x:.6f}，{y:.6f}",
        "{y:.6f}N {x:.6f}E",
        "N{y:.6f} E{x:.6f}",
        "东经{x:.6f}° 北纬{y:.6f}°",
        "北纬{dy}度{my:.5f}分，东经{dx}度{mx:.5f}分",
        "{dx}°{mx:.5f}′ {dy}°{my:.5f}′",
        "经度:{x:.6f} 纬度:{y:.6f}",
    ],
)
def test_a_place_is_understood_as_people_write_it(browser: Browser, site: Path, write: str) -> None:
    if browser.evaluate("location.pathname.endsWith('/index.html')") is not True:
        browser.open(site / "index.html")
    x, y = degrees(700, 150)
    parts = {"dx": int(x), "mx": x % 1 * 60, "dy": int(y), "my": y % 1 * 60}
    answer = ask(browser, write.format(x=x, y=y, **parts))
    assert answer.startswith("这里属于")
    assert "光华产业园" in answer
    assert "310112999004001" in answer


def test_places_of_every_map_system_outside_and_on_a_border(browser: Browser, site: Path) -> None:
    browser.open(site / "index.html")
    x, y = degrees(700, 150)
    for system, shift in (("GCJ-02", wgs84_to_gcj02), ("BD-09", wgs84_to_bd09)):
        there = [float(value) for value in shift(x, y)]
        assert "光华产业园" in ask(browser, f"{there[0]:.7f}, {there[1]:.7f}", system)
        shown = browser.evaluate("document.querySelector('#answer .under').textContent").split(", ")
        assert [float(value) for value in shown] == pytest.approx([x, y], abs=2e-6)
    x, y = degrees(250, 500)
    border = ask(browser, f"{x:.8f}, {y:.8f}")
    assert "交界处" in border
    assert "第1责任块" in border
    assert "第2责任块" in border
    x, y = degrees(450, 900)
    assert "相距约 200 米" in ask(browser, f"{x:.7f}, {y:.7f}")
    x, y = degrees(-5000, 350)
    assert "5.0 千米" in ask(browser, f"{x:.7f}, {y:.7f}")
    for nonsense in ("somewhere", "121.5", "1, 2, 3", "200, 95", "121.5, 31.05 <b>"):
        assert "看不懂" in ask(browser, nonsense)
        assert browser.evaluate("document.getElementById('point').getAttribute('aria-invalid')") == "true"
    is_quiet(browser)


def test_the_page_agrees_with_the_kernel_on_many_places(browser: Browser, site: Path) -> None:
    """An oracle: shapely on the blocks themselves."""
    import numpy as np
    import shapely

    browser.open(site / "index.html")
    frame = blocks_frame().sort_values("code")
    random = np.random.default_rng(1)
    points = np.column_stack([random.uniform(-100, 1000, 400), random.uniform(-100, 800, 400)])
    places = [degrees(*point) for point in points.tolist()]
    found = browser.evaluate(
        "(() => { const town = JSON.parse(document.getElementById('town-data').textContent);"
        "const rings = [...document.querySelectorAll('#ground a path')].map(path => path.getAttribute('d').split('M')"
        ".filter(Boolean).map(ring => { const n = ring.match(/-?\\d+/g).map(Number);"
        "for (let k = 2; k < n.length; k++) n[k] += n[k - 2]; return n; }));"
        f"const finder = makeFinder(town.origin, rings); return {json.dumps(places)}"
        ".map(([x, y]) => { const f = finder.locate(x, y); return [f.holding, f.metres] }) })()"
    )
    shapes = frame.geometry.to_numpy()
    for point, (holding, metres) in zip(points.tolist(), found, strict=True):
        here = shapely.Point(place(*point))
        assert holding == [k for k, shape in enumerate(shapes) if shape.contains(here)]
        assert metres == pytest.approx(min(shape.distance(here) for shape in shapes), rel=0.01, abs=0.2)


def test_a_click_on_the_map_answers_and_the_keyboard_goes_to_the_page(browser: Browser, site: Path) -> None:
    browser.open(site / "index.html")
    x, y = degrees(700, 150)
    click_on_map(browser, x, y)
    assert "光华产业园" in browser.evaluate(ANSWER)
    shown = browser.evaluate("document.querySelector('#answer .under').textContent").split(", ")
    assert [float(value) for value in shown] == pytest.approx([x, y], abs=3e-5)
    assert browser.evaluate("location.hash") == "#block=310112999004001"
    assert browser.evaluate("document.getElementById('pin').getBoundingClientRect().width > 5")
    assert browser.evaluate("document.querySelector('#answer a').getAttribute('href')") == "310112999004001.html"
    browser.evaluate(f"document.querySelector('#ground a[href^=\"{BLOCK}\"]').focus()")
    browser.press("Enter")
    browser.settle()
    assert browser.evaluate("document.querySelector('h1').innerText") == "杜行居委会 第1责任块"


def test_an_address_shows_a_block_on_every_page_that_has_a_map(browser: Browser, site: Path) -> None:
    browser.open(site / "index.html", fragment=f"#block={BLOCK}")
    assert "杜行居委会 第1责任块" in browser.evaluate(ANSWER)
    assert browser.evaluate("document.getElementById('chosen').getBoundingClientRect().width > 20")
    browser.evaluate("location.hash = '#block=310112999003001'")
    browser.settle()
    assert "永丰村委会" in browser.evaluate(ANSWER)
    browser.evaluate("location.hash = '#block=1234'")
    browser.settle()
    assert "没有这个编号" in browser.evaluate(ANSWER)
    browser.open(site / "map.html", fragment=f"#block={BLOCK}")
    popup = "document.querySelector('.leaflet-popup')"
    assert "张三丰" in browser.evaluate(f"{popup}.innerText")
    links = browser.evaluate(f"[...{popup}.querySelectorAll('a')].map(a => a.getAttribute('href'))")
    assert f"{BLOCK}.html" in links
    assert "tel:02154321001" in links
    browser.open(site / f"{BLOCK}.html")
    browser.evaluate("document.querySelector('nav a[href^=map]').click()")
    browser.settle(1)
    assert browser.evaluate("document.title") == "示例镇 责任网格总览图"
    assert "张三丰" in browser.evaluate(f"{popup}.innerText")


def test_the_map_answers_for_a_place_too(browser: Browser, site: Path) -> None:
    browser.open(site / "map.html")
    browser.evaluate("document.getElementById('where').open = true")
    x, y = degrees(700, 150)
    assert ask(browser, f"{x:.6f}, {y:.6f}") == "这里属于：光华产业园"
    assert "光华产业园" in browser.evaluate("document.querySelector('.leaflet-popup').innerText")
    assert "相距约 200 米" in ask(browser, "{:.7f}, {:.7f}".format(*degrees(450, 900)))
    browser.evaluate("document.getElementById('find').focus()")
    browser.type("gh")
    assert "光华产业园" in browser.evaluate(FOUND), "by the letters of its pinyin"
    is_quiet(browser)


def test_the_reader_s_own_place_stays_on_the_page(phone: Browser, site: Path) -> None:
    x, y = degrees(700, 150)
    phone.open(site / "index.html")
    phone.call("Browser.grantPermissions", session=None, permissions=["geolocation"])
    for accuracy, sentence in ((3, "这里属于"), (180, "定位误差约 180 米")):
        phone.call("Emulation.setGeolocationOverride", longitude=x, latitude=y, accuracy=accuracy)
        phone.evaluate("document.getElementById('here').click()")
        phone.settle(0.8)
        assert sentence in phone.evaluate(ANSWER)
        assert "光华产业园" in phone.evaluate(ANSWER)
    assert "聚缘居委会" in phone.evaluate(ANSWER), "which is within that distance"
    assert phone.evaluate("location.hash + JSON.stringify({...localStorage})") == "{}"
    is_quiet(phone)


def test_a_phone_shows_every_page_in_its_width(phone: Browser, site: Path) -> None:
    for page in ("index.html", f"{BLOCK}.html", "310112999005001.html"):
        phone.open(site / page)
        assert phone.evaluate("document.documentElement.scrollWidth") == 390
        small = phone.evaluate(
            "[...document.querySelectorAll('button, input, select, nav a, .links > li > a')]"
            ".filter(e => e.offsetParent && e.getBoundingClientRect().height < 24).map(e => e.outerHTML)"
        )
        assert small == [], "fingers need room"
        is_quiet(phone)


def test_without_scripts_the_index_is_a_list_with_a_map_of_links(browser: Browser, site: Path) -> None:
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(site / "index.html")
        picture = browser.picture()
        tree = browser.call("Accessibility.getFullAXTree")["nodes"]
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)
    assert len(picture.getcolors(1 << 24) or []) > 100
    said = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in tree if not node["ignored"]]
    assert ("link", "聚缘居委会") in said
    assert ("columnheader", "块长") in said
    assert ("rowheader", "聚缘居委会") in said
    assert ("link", f"杜行居委会 第1责任块 {BLOCK}") in said, "on the map"
    assert not any(role in ("button", "searchbox") for role, _ in said), "nothing that would not work"


def test_a_screen_reader_is_told_where_it_is_and_what_came_of_it(browser: Browser, site: Path) -> None:
    browser.open(site / "index.html")
    ask(browser, "{:.6f}, {:.6f}".format(*degrees(700, 150)))
    tree = browser.call("Accessibility.getFullAXTree")["nodes"]
    said = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in tree if not node["ignored"]]
    roles = [role for role, _ in said]
    for role in ("banner", "main", "contentinfo", "navigation", "search", "status", "searchbox", "combobox"):
        assert role in roles
    for role, name in said:
        if role in ("link", "button", "textbox", "searchbox", "combobox", "heading", "navigation", "region"):
            assert name.strip(), f"a {role} without a name"


def test_paper_shows_the_whole_page_and_no_controls(browser: Browser, site: Path) -> None:
    import base64
    import io

    import pypdf

    for name, expected in ((f"{BLOCK}.html", "张三丰"), ("index.html", "责任块名录")):
        browser.open(site / name)
        made = browser.call("Page.printToPDF", paperWidth=8.27, paperHeight=11.69, printBackground=True)
        pages = pypdf.PdfReader(io.BytesIO(base64.b64decode(made["data"]))).pages
        text = "".join(page.extract_text() for page in pages)
        assert expected in text.replace(" ", "")
        assert "使用我的位置" not in text
        assert "跳到正文" not in text
        assert len(pages) <= 3


# ------------------------------------------------------------------------------------------------ hostile text


@pytest.mark.parametrize("first", range(0, len(CORPUS), 16))
def test_hostile_texts_are_plain_text_on_every_page(browser: Browser, tmp_path: Path, first: int) -> None:
    town = hostile_town(first=first, codes=CODES if first == 0 else ())
    render_site(town, tmp_path)
    assert town.blocks is not None
    frame = town.blocks.frame.sort_values("code").reset_index(drop=True)
    seen = {item.text: item.seen for item in CORPUS}
    pages = sorted((tmp_path / "site").glob("*.html"))
    for page in pages:
        browser.open(page)
        is_quiet(browser)
        title = browser.evaluate("document.title")
        assert title.endswith((" 责任网格", " 责任网格总览图", " 责任网格管理示意图")), page.name
        assert browser.evaluate("document.querySelectorAll('b, iframe, img, meta[http-equiv=refresh]').length") == 0
    browser.open(tmp_path / "site" / "index.html")
    names = browser.evaluate("[...document.querySelectorAll('th.name')].map(cell => cell.textContent)")
    assert sorted(names) == sorted(seen[name] for name in frame["name"])
    shown = browser.evaluate("document.body.textContent")
    assert seen[town.name] in shown
    for line in town.barriers.lines["name"]:
        assert seen[line] in search(browser, seen[line]).replace("\xa0", " ") or not seen[line].strip()
    for k, name in enumerate(frame["name"].tolist()):
        assert seen[name] in search(browser, seen[name])
        browser.evaluate(
            f"document.querySelectorAll('#ground a')[{k}].querySelector('path').dispatchEvent("
            "new MouseEvent('click', {bubbles: true, cancelable: true, detail: 1, clientX: 5, clientY: 5}))"
        )
        assert seen[name] in browser.evaluate("document.querySelector('#answer h3').textContent")
    browser.settle()
    assert browser.evaluate("document.title").endswith(" 责任网格")
    is_quiet(browser)
    texts = [text for page in pages if page.name not in ("index.html", "map.html") for text in [_text(browser, page)]]
    said = " ".join(texts)
    for person in town.people:
        assert seen[person.name] in said
        assert seen[person.organisation] in said
        assert seen[person.hours] in said
    for task in town.tasks:
        assert seen[task.text] in said


def _text(browser: Browser, page: Path) -> str:
    browser.open(page)
    return str(browser.evaluate("document.body.innerText"))
