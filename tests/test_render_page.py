"""The web page of each block: complete, small, the same every time, and without a word to anybody."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridgeo.render.page import render_pages
from tests.chromium import Browser, chromium
from tests.render_towns import make_town
from tests.test_render_webmap import hostile_town


def test_every_block_has_a_small_page_at_the_address_of_its_code_and_the_same_bytes_again(tmp_path: Path) -> None:
    town = make_town()
    files = render_pages(town, tmp_path / "a")
    again = render_pages(town, tmp_path / "b")
    assert town.blocks is not None
    assert [file.stem for file in files] == sorted(town.blocks.frame["code"])
    assert [file.read_bytes() for file in files] == [file.read_bytes() for file in again]
    assert max(file.stat().st_size for file in files) <= 400_000
    text = files[0].read_text(encoding="utf-8")
    for expected in ("张三丰", "021-54321001", "自选：电动车飞线充电", "021-12345678", "2026年11月1日", "© 示例底图"):
        assert expected in text


@pytest.mark.skipif(chromium() is None, reason="no Chromium here")
def test_a_hostile_town_is_shown_as_text_and_asks_for_nothing(tmp_path: Path) -> None:
    files = render_pages(hostile_town(), tmp_path)
    with Browser(width=390, height=844, phone=True) as browser:
        browser.open(files[0])
        assert browser.evaluate("document.title") != "owned"
        assert browser.evaluate("document.querySelectorAll('b, iframe, script').length") == 0
        assert browser.evaluate("document.documentElement.scrollWidth") == 390
        assert [address for address in browser.requests[1:] if not address.startswith("data:")] == []
        assert browser.complaints == []
