"""The web page of each block: complete, small, the same every time, and without a word to anybody."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import pytest

from gridgeo.errors import Problem
from gridgeo.render.notice import compose_notices
from gridgeo.render.page import render_pages
from gridgeo.render.scene import make_scene
from gridgeo.town import Person, Publication
from tests.chromium import Browser, chromium
from tests.render_towns import make_town
from tests.test_render_poster import portrait
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


def test_a_photo_is_small_bare_and_told_when_it_cannot_be_read(tmp_path: Path) -> None:
    photo = portrait(tmp_path / "zhang.jpg")
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    people = [
        Person("310112999001001", "head", "张三丰", photo=photo),
        Person("310112999001002", "head", "李四", photo=broken),
    ]
    warnings: list[Problem] = []
    files = render_pages(make_town(people=people), tmp_path / "out", warnings=warnings)
    assert files[0].read_text(encoding="utf-8").count("data:image/jpeg") == 1
    assert files[1].read_text(encoding="utf-8").count("data:image/jpeg") == 0
    assert any("broken.jpg" in problem.text("en") for problem in warnings)


def test_the_address_of_a_notice_is_the_file_of_its_page_whatever_the_code(tmp_path: Path) -> None:
    town = make_town(publication=Publication(web="https://grid.example.cn/"))
    assert town.blocks is not None
    frame = town.blocks.frame.copy()
    frame["code"] = ["../a", "A b", "责任块-1", "a/b", "CON", "310112999005001"]
    town = replace(town, blocks=town.blocks.with_frame(frame))
    files = {file.name for file in render_pages(town, tmp_path)}
    notices = compose_notices(make_scene(town))
    assert {unquote(notice.address.rpartition("/")[2]) for notice in notices} == files


def test_neighbours_are_those_with_a_common_border(tmp_path: Path) -> None:
    text = render_pages(make_town(), tmp_path)[0].read_text(encoding="utf-8")
    links = re.findall(r'<li><a href="([0-9]+)\.html">', text)
    assert links == ["310112999001002", "310112999005001"]
