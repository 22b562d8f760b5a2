"""The overview map in a real browser without network: it draws, it answers, and hostile text stays text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from gridgeo.render.webmap import render_map
from tests.chromium import Browser, chromium
from tests.render_towns import blocks_frame, make_town
from tests.test_render_webmap import HOSTILE, hostile_town

pytestmark = pytest.mark.skipif(
    chromium() is None, reason="no Chromium here (chromium, chromium-browser or google-chrome on the PATH)"
)

CODES = sorted(blocks_frame()["code"])
BLOCK = "310112999001001"
SHOWN = "document.body.innerText"
POPUP = "(document.querySelector('.leaflet-popup') || {innerText: ''}).innerText"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the map of a small town, one notice, and the map of a hostile town."""
    made = tmp_path_factory.mktemp("browser")
    (made / "notices").mkdir()
    (made / "notices" / f"{BLOCK}.pdf").write_bytes(b"%PDF-1.7")
    render_map(make_town(), made / "map.html")
    render_map(hostile_town(), made / "hostile.html")
    return made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as made:
        yield made


@pytest.fixture(scope="module")
def phone() -> Iterator[Browser]:
    with Browser(width=390, height=844, phone=True) as made:
        yield made


def selector(code: str) -> str:
    return f"path[data-block='{code}']"


def place_in(browser: Browser, code: str) -> tuple[float, float]:
    """Return a place on the screen that a click reaches this block at."""
    found = browser.evaluate(
        f"""(() => {{
          const path = document.querySelector("{selector(code)}"), box = path.getBoundingClientRect();
          for (const x of [0.5, 0.3, 0.7, 0.2, 0.8]) for (const y of [0.5, 0.3, 0.7]) {{
            const at = [box.x + box.width * x, box.y + box.height * y];
            if (document.elementFromPoint(...at) === path) return at;
          }}
        }})()"""
    )
    return float(found[0]), float(found[1])


def asked_of_others(browser: Browser) -> list[str]:
    """Return what a page asked for, beside the file itself and what it carries within it."""
    return [address for address in browser.requests[1:] if not address.startswith("data:")]


def is_quiet(browser: Browser) -> None:
    assert asked_of_others(browser) == []
    assert browser.complaints == []


def test_every_block_is_drawn_without_network_and_without_a_word_on_the_console(browser: Browser, folder: Path) -> None:
    browser.open(folder / "map.html")
    drawn = browser.evaluate(
        "[...document.querySelectorAll('path[data-block]')]"
        ".filter(path => path.getBBox().width > 5).map(path => path.dataset.block)"
    )
    assert sorted(drawn) == CODES
    is_quiet(browser)


def test_there_is_ink_where_the_map_is(browser: Browser, folder: Path) -> None:
    browser.open(folder / "map.html")
    picture = browser.picture()
    for code in CODES[:-1]:  # the last is a street: its surface lies below the street's line
        x, y = place_in(browser, code)
        colour = picture.getpixel((round(x), round(y)))
        assert isinstance(colour, tuple)
        assert max(colour) - min(colour) > 20, f"{code} has a fill"
    edges = browser.evaluate(
        "[...document.querySelectorAll('path[data-block]')].map(path => path.getBoundingClientRect())"
        ".map(box => [box.left, box.top, box.right, box.bottom])"
    )
    left, top = np.min(edges, axis=0)[:2].astype(int).tolist()
    right, bottom = np.max(edges, axis=0)[2:].astype(int).tolist()
    pixels = np.asarray(picture.crop((left, top, right, bottom))).reshape(-1, 3)
    assert len(np.unique(pixels, axis=0)) > 200, "fills, streets, borders, names"
    background = (233, 238, 240)
    assert (pixels == background).all(axis=1).mean() < 0.01, "nothing of the town is left empty"


def test_names_of_blocks_and_streets_are_on_the_map(browser: Browser, folder: Path) -> None:
    browser.open(folder / "map.html")
    names = browser.evaluate("[...document.querySelectorAll('.name span')].map(s => s.textContent.replace(/\\n/g, ''))")
    for name in ("永丰村委会", "光华产业园", "浦星公路", "友谊河"):
        assert name in names
    boxes = browser.evaluate(
        "[...document.querySelectorAll('.name-block, .name-grid')].map(s => { const b = s.getBoundingClientRect();"
        "return [b.left, b.top, b.right, b.bottom] })"
    )
    for k, (left, top, right, bottom) in enumerate(boxes):
        for other in boxes[k + 1 :]:
            assert left >= other[2] or other[0] >= right or top >= other[3] or other[1] >= bottom


def test_a_click_shows_who_answers_for_a_block_and_leads_to_its_notice(browser: Browser, folder: Path) -> None:
    browser.open(folder / "map.html")
    browser.click(*place_in(browser, BLOCK))
    shown = browser.evaluate(POPUP)
    for text in (
        "杜行居委会 第1责任块",
        BLOCK,
        "杜行居委会",
        "张三丰",
        "周二 14:00–16:00",
        "021-54321001",
        "9.50 公顷",
    ):
        assert text in shown
    link = browser.evaluate("document.querySelector('.leaflet-popup a[href^=notices]').href")
    assert link == (folder / "notices" / f"{BLOCK}.pdf").as_uri()
    browser.press("Escape")
    browser.settle()
    assert browser.evaluate(POPUP) == ""
    is_quiet(browser)


def test_the_map_works_by_keyboard_alone(browser: Browser, folder: Path) -> None:
    browser.open(folder / "map.html")
    for _ in range(40):
        browser.press("Tab")
        if browser.evaluate(f'document.activeElement.matches("{selector(BLOCK)}")'):
            break
    else:
        pytest.fail("Tab never reaches the block")
    assert browser.evaluate("document.activeElement.getAttribute('aria-label')") == f"杜行居委会 第1责任块 {BLOCK}"
    browser.press("Enter")
    assert "张三丰" in browser.evaluate(POPUP)
    browser.press("Escape")
    browser.settle()
    assert browser.evaluate(POPUP) == ""
    assert browser.evaluate(f'document.activeElement.matches("{selector(BLOCK)}")'), "the focus comes back"


def test_search_finds_blocks_by_name_code_and_head_and_streets_by_name(browser: Browser, folder: Path) -> None:
    browser.open(folder / "map.html")
    for asked, answer in (
        ("杜行", "杜行居委会 第1责任块"),
        ("999003", "永丰村委会"),
        ("欧阳", "聚缘居委会"),
        ("浦星", "浦星公路"),
    ):
        browser.evaluate("document.getElementById('find').value = ''; document.getElementById('find').focus()")
        browser.type(asked)
        assert answer in browser.evaluate("document.getElementById('found').innerText")
    browser.evaluate("document.getElementById('find').value = ''; document.getElementById('find').focus()")
    browser.type("999003")
    browser.press("Enter")
    assert "永丰村委会" in browser.evaluate(POPUP)
    browser.evaluate("document.getElementById('find').value = ''; document.getElementById('find').focus()")
    browser.type("没有这个地方")
    assert browser.evaluate("document.getElementById('found').innerText") == "没有找到"
    is_quiet(browser)


def test_kinds_of_grid_can_be_hidden(browser: Browser, folder: Path) -> None:
    browser.open(folder / "map.html")
    boxes = "[...document.querySelectorAll('#layers label')]"
    assert browser.evaluate(f"{boxes}.map(l => l.innerText.replace(/\\s+/g, ' '))")[:4] == [
        "居委网格 3",
        "村委网格 1",
        "街面网格 1",
        "拓展网格 1",
    ]
    browser.evaluate(f"{boxes}[0].querySelector('input').click()")
    left = browser.evaluate("[...document.querySelectorAll('path[data-block]')].map(p => p.dataset.block)")
    assert sorted(left) == [code for code in CODES if code[:12] not in ("310112999001", "310112999002")]
    browser.settle()
    assert "杜行居委会" not in browser.evaluate("document.querySelector('.leaflet-names-pane').innerText")


def test_scale_source_and_purpose_are_always_in_sight(browser: Browser, folder: Path) -> None:
    browser.open(folder / "map.html")
    shown = browser.evaluate(SHOWN)
    for text in ("示例数据", "© 示例底图", "示意图", "不作为划界依据", " 米"):
        assert text in shown
    metres, pixels = browser.evaluate(
        "(() => { const line = document.querySelector('.leaflet-control-scale-line');"
        "return [parseFloat(line.innerText), line.getBoundingClientRect().width] })()"
    )
    west, east = browser.evaluate(
        "[...document.querySelectorAll('path[data-block]')].map(p => p.getBoundingClientRect())"
        ".reduce(([a, b], r) => [Math.min(a, r.left), Math.max(b, r.right)], [1e9, -1e9])"
    )
    assert (east - west) / pixels * metres == pytest.approx(900, rel=0.03), "the town is 900 m wide"


def test_an_address_can_point_at_a_block(browser: Browser, folder: Path) -> None:
    browser.open(folder / "map.html", fragment=f"#{BLOCK}")
    assert "张三丰" in browser.evaluate(POPUP)
    browser.open(folder / "map.html", fragment="#%E0%A4%A")
    assert browser.evaluate("document.querySelectorAll('path[data-block]').length") == len(CODES)
    is_quiet(browser)


def test_a_phone_shows_map_and_answers_in_its_width(phone: Browser, folder: Path) -> None:
    phone.open(folder / "map.html")
    assert phone.evaluate("document.documentElement.scrollWidth") == 390
    edges = phone.evaluate(
        "[...document.querySelectorAll('path[data-block]')].map(p => p.getBoundingClientRect())"
        ".map(r => [r.left, r.top, r.right, r.bottom])"
    )
    panel = phone.evaluate("document.getElementById('panel').getBoundingClientRect().bottom")
    for left, top, right, bottom in edges:
        assert left >= 0
        assert right <= 390
        assert top >= panel
        assert bottom <= 844
    phone.click(*place_in(phone, BLOCK))
    phone.settle()
    box = phone.evaluate(
        "(() => { const b = document.querySelector('.leaflet-popup').getBoundingClientRect();"
        "return [b.left, b.top, b.right, b.bottom] })()"
    )
    assert box[0] >= 0
    assert box[2] <= 390
    assert box[1] >= panel
    assert "张三丰" in phone.evaluate(POPUP)
    is_quiet(phone)


def owned(browser: Browser) -> bool:
    """Return whether any of the hostile texts has run, in whatever way."""
    return bool(browser.evaluate("document.title === 'owned'"))


def test_hostile_names_are_shown_to_the_letter_and_never_run(browser: Browser, folder: Path) -> None:
    browser.open(folder / "hostile.html")
    assert not owned(browser)
    assert browser.evaluate("document.title") == f"{HOSTILE[3]} 责任网格总览图"
    assert HOSTILE[3] in browser.evaluate("document.querySelector('h1').innerText")
    assert HOSTILE[0] in browser.evaluate("document.querySelector('.mark').innerText")
    assert browser.evaluate("document.querySelectorAll('img, svg svg, b, iframe').length") == 0
    for k, code in enumerate(CODES):
        browser.open(folder / "hostile.html")
        at = place_in(browser, code)
        browser.move(*at)
        browser.settle(0.2)
        assert browser.evaluate("document.querySelector('.hint').textContent") == HOSTILE[k], "hovered"
        browser.click(*at)
        shown = browser.evaluate("document.querySelector('.leaflet-popup').textContent")
        assert HOSTILE[k] in shown, "clicked"
        assert HOSTILE[k + 1] in shown
        assert not owned(browser)
        browser.evaluate("document.getElementById('find').focus()")
        browser.type(HOSTILE[k])
        rows = browser.evaluate("[...document.querySelectorAll('#found button span')].map(s => s.textContent)")
        assert HOSTILE[k] in rows, "searched"
        browser.press("Enter")
        assert not owned(browser)
    assert browser.evaluate("document.querySelectorAll('img, b, iframe').length") == 0
    is_quiet(browser)


def test_markup_that_slips_in_does_not_run(browser: Browser, folder: Path) -> None:
    """The policy is a second wall: here the first one is broken on purpose."""
    browser.open(folder / "map.html")
    browser.evaluate(
        "document.body.insertAdjacentHTML('beforeend',"
        '\'<img src=x onerror="document.title=1"><b onclick="document.title=2">b</b>\');'
        "document.querySelector('b').click();"
        "document.head.append(Object.assign(document.createElement('script'), {textContent: 'document.title = 3'}))"
    )
    browser.settle()
    assert browser.evaluate("document.title") == "示例镇 责任网格总览图"
    assert any("Content Security Policy" in complaint for complaint in browser.complaints)


def test_without_scripts_the_blocks_are_listed(browser: Browser, folder: Path) -> None:
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(folder / "map.html")
        document = browser.call("DOM.getDocument", depth=-1)["root"]["nodeId"]
        plain = browser.call("DOM.querySelector", nodeId=document, selector="#plain")["nodeId"]
        text = browser.call("DOM.getOuterHTML", nodeId=plain)["outerHTML"]
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)
    assert BLOCK in text
    assert "张三丰" in text
