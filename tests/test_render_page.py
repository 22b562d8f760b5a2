"""The web page of each block: complete, small, the same every time, and without a word to anybody."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest

from gridgeo.errors import Problem
from gridgeo.render import file_names
from gridgeo.render.colours import contrast
from gridgeo.render.ledger import Entry, write_ledger
from gridgeo.render.notice import compose_notices
from gridgeo.render.page import PageWriter, site_style
from gridgeo.render.scene import make_scene
from gridgeo.render.sections import PatrolRow, ShiftHead, Watch
from gridgeo.render.site import render_site
from gridgeo.render.theme import Theme, Words
from gridgeo.town import Person, Publication, Town
from tests.render_towns import blocks_frame, make_town
from tests.test_render_poster import portrait
from tests.test_render_sections import with_workstations

FIRST = "310112999001001"


def pages_of(town: Town, out: Path, warnings: list[Problem] | None = None) -> list[Path]:
    """Make the site of a town and return the pages of its blocks."""
    return render_site(town, out, warnings=warnings)[2:]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return pages_of(make_town(), tmp_path_factory.mktemp("pages"))


@pytest.fixture(scope="module")
def text(files: list[Path]) -> str:
    return files[0].read_text(encoding="utf-8")


def without_spans(page: str) -> str:
    """Return a page without what only says how its words are set."""
    return re.sub("</?span[^>]*>", "", page)


class Outline(HTMLParser):
    """Elements of a page in their order, each with its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {key: value or "" for key, value in attrs}))

    def all(self, *tags: str) -> Iterator[dict[str, str]]:
        return (attributes for tag, attributes in self.found if tag in tags)


def test_every_block_has_a_small_page_at_the_address_of_its_code_with_all_that_its_notice_says(
    files: list[Path], text: str
) -> None:
    town = make_town()
    assert town.blocks is not None
    assert [file.stem for file in files] == sorted(town.blocks.frame["code"])
    assert max(file.stat().st_size for file in files) <= 400_000
    for expected in (
        "张三丰",
        'href="tel:02154321001"',
        "接待时间",
        "周二 14:00–16:00",
        "自选",
        "电动车飞线充电",
        "021-12345678",
        "2026年11月1日",
        "© 示例底图",
        "1–3 日",
        "不作为划界依据",
    ):
        assert expected in without_spans(text)


def test_a_page_of_each_kind_of_grid_shows_its_own_items(files: list[Path]) -> None:
    pages = {file.stem: file.read_text(encoding="utf-8") for file in files}
    for code, kind in (
        (FIRST, "居委网格"),
        ("310112999003001", "村委网格"),
        ("310112999004001", "拓展网格"),
        ("310112999005001", "街面网格"),
    ):
        assert kind in pages[code]
        assert "乱设摊" in pages[code]
    assert [code for code, page in pages.items() if "电动车飞线充电" in page] == [
        code for code in pages if code[:12] in ("310112999001", "310112999002")
    ]


def test_a_page_can_be_read_by_ear_and_by_keyboard(text: str) -> None:
    page = Outline(text)
    tags = [tag for tag, _ in page.found]
    assert ("html", {"lang": "zh-CN"}) in page.found
    assert [tags.count(tag) for tag in ("main", "h1", "header", "footer")] == [1, 1, 1, 1]
    levels = [int(tag[1]) for tag in tags if re.fullmatch("h[1-6]", tag)]
    assert all(after <= before + 1 for before, after in pairwise(levels)), "no level is left out"
    identifiers = [attributes["id"] for _, attributes in page.found if "id" in attributes]
    assert len(set(identifiers)) == len(identifiers)
    for attributes in page.all("section", "nav"):
        assert attributes.get("aria-label") or attributes["aria-labelledby"] in identifiers
    assert all(attributes["alt"] for attributes in page.all("img"))
    (drawing,) = page.all("svg")
    assert drawing["role"] == "img"
    assert "示意图" in drawing["aria-label"]
    assert "比例尺</text>" in text
    assert not re.search(r">1:\d+<", text), "a ratio holds on paper alone"
    skip = next(page.all("a"))
    assert skip["href"] == "#content"
    assert "content" in identifiers
    assert all(int(attributes["tabindex"]) <= 0 for _, attributes in page.found if "tabindex" in attributes)


def test_the_colours_of_the_words_stand_out_from_their_grounds() -> None:
    style = site_style(Theme(), "page.css", "directory.css", "map.css")
    assert "prefers-color-scheme" not in style
    rules = [(rule, re.search(r"[;{]background:(#[0-9a-f]{6})", rule)) for rule in style.lower().split("}")]
    seen = 0
    for rule, ground in rules:
        for ink in re.findall(r"[;{]color:(#[0-9a-f]{6})", rule):
            seen += 1
            assert contrast(ink, ground[1] if ground else "#ffffff") >= 4.5, rule
    assert seen > 10


def test_a_town_s_own_words_and_colours_are_on_its_pages(tmp_path: Path) -> None:
    town = make_town()
    scene = make_scene(town)
    render_site(scene, tmp_path)
    theme = Theme(colours=replace(scene.theme.colours, accent="#123456"), words=Words(title="网格图", tasks="巡查内容"))
    files = render_site(replace(scene, theme=theme), tmp_path)
    texts = [file.read_text(encoding="utf-8") for file in files]
    assert all("#123456" in text for text in texts)
    assert all("#b0103c" not in text.lower() for text in texts)
    assert all("巡查内容" in text for text in texts[2:])
    assert all("<title>" in text and "网格图</title>" in text for text in texts[2:])


def test_a_photo_is_small_bare_and_told_when_it_cannot_be_read(tmp_path: Path) -> None:
    photo = portrait(tmp_path / "zhang.jpg")
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    people = [
        Person("310112999001001", "head", "张三丰", photo=photo),
        Person("310112999001002", "head", "李四", photo=broken),
    ]
    warnings: list[Problem] = []
    files = pages_of(make_town(people=people), tmp_path / "out", warnings)
    assert files[0].read_text(encoding="utf-8").count("data:image/jpeg") == 1
    assert 'alt="张三丰的照片"' in files[0].read_text(encoding="utf-8")
    assert files[1].read_text(encoding="utf-8").count("data:image/jpeg") == 0
    assert any("broken.jpg" in problem.text("en") for problem in warnings)


def test_the_address_of_a_notice_is_the_file_of_its_page_whatever_the_code(tmp_path: Path) -> None:
    town = make_town(publication=Publication(web="https://grid.example.cn/"))
    assert town.blocks is not None
    frame = town.blocks.frame.copy()
    frame["code"] = ["../a", "A b", "责任块-1", "index", "CON", "310112999005001"]
    town = replace(town, blocks=town.blocks.with_frame(frame))
    files = {file.name for file in pages_of(town, tmp_path)}
    notices = compose_notices(make_scene(town))
    assert {unquote(notice.address.rpartition("/")[2]) for notice in notices} == files
    assert "index.html" not in files, "that is the site's own"


def test_neighbours_are_those_with_a_common_border(text: str) -> None:
    links = re.findall(r'<li><a href="([0-9]+)\.html">', text)
    assert links == ["310112999001002", "310112999005001"]


def test_a_page_says_by_which_mark_to_know_the_present_board(tmp_path: Path) -> None:
    entry = Entry("notices/x.pdf", "A3", FIRST, "", "", "", "1234-ABCD", "", "", (0, 0, 1, 1), (1, 1), "")
    write_ledger(tmp_path, [entry, replace(entry, file="notices/x.png", edition="picture", mark="9999-9999")])
    first, second, *_ = pages_of(make_town(), tmp_path)
    assert "核对码：A3 1234-ABCD" in first.read_text(encoding="utf-8")
    assert "核对码" not in second.read_text(encoding="utf-8")


def test_a_page_stays_small_with_forty_photos(tmp_path: Path) -> None:
    from PIL import Image

    random = np.random.default_rng(3)
    people = [Person(FIRST, "head", "张三丰")]
    for k in range(40):
        photo = tmp_path / f"{k}.jpg"
        Image.fromarray(random.integers(0, 255, (160, 120, 3), np.uint8)).save(
            photo, quality=95
        )  # nothing compresses it
        people.append(Person(FIRST, "patroller", f"巡查员{k}", photo=photo))
    first = pages_of(make_town(people=people), tmp_path / "out")[0].read_text(encoding="utf-8")
    assert first.count("data:image/jpeg") == 40
    assert len(first.encode()) <= 400_000


def test_a_street_page_tells_who_patrols_which_section_in_which_shift(tmp_path: Path) -> None:
    notice = compose_notices(make_scene(make_town()))[-1]
    assert notice.kind == "street"
    watch = Watch("周一至周四", (("余辉文", "021-55502788"), ("<b>", "")))
    row = PatrolRow("1", "和港路、星桥路", "1060 米", ((watch,), (Watch("每天", (("待定", ""),)),)))
    shown = replace(
        notice, shifts=(ShiftHead("日班", "6:00-18:00"), ShiftHead("夜班", "")), patrols=(row,), frontage="门前三包"
    )
    writer = PageWriter(make_scene(make_town()), file_names(sorted(blocks_frame()["code"])), {})
    text = writer.body(shown, None, {})
    page = Outline(text)
    assert [attributes["scope"] for attributes in page.all("th")] == ["col", "col", "col", "row"]
    assert [attributes["data-shift"] for attributes in page.all("td")] == ["日班 6:00-18:00", "夜班"]
    for expected in (
        "和港路、星桥路",
        "1060 米",
        "周一至周四",
        "余辉文",
        "tel:02155502788",
        "待定",
        "门前三包",
        "&lt;b&gt;",
    ):
        assert expected in without_spans(text)
    assert "每天" not in text.partition("<tbody>")[2].partition("</table>")[0], "which goes without saying"


def test_hours_and_names_of_streets_stay_whole_on_a_line(text: str, tmp_path: Path) -> None:
    assert '<span class="whole">周二</span> <span class="whole">14:00–16:00</span>' in text
    assert ".whole{white-space:nowrap}" in text
    long = Person(FIRST, "head", "张三丰", hours="每逢单周的周二和双周的周四上下午各两小时 <b>")
    (page, *_) = pages_of(make_town(people=[long]), tmp_path)
    assert "<bdi>每逢单周的周二和双周的周四上下午各两小时 " in page.read_text(encoding="utf-8"), (
        "what is long may break"
    )


def test_pages_say_where_the_workstation_is_as_the_boards_do(tmp_path: Path) -> None:
    first = pages_of(with_workstations(make_town()), tmp_path)[0].read_text(encoding="utf-8")
    assert "工作站：<bdi>杜行路8号</bdi>" in first
