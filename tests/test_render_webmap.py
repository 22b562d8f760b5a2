"""The overview map as a file: whole, alone, the same each time, and nobody's text is ever markup or script in it."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from fontTools.ttLib import TTFont

from gridgeo.errors import InputError
from gridgeo.layers import Layer
from gridgeo.render.webmap import render_map
from gridgeo.town import Person, Publication, Town
from tests.render_towns import blocks_frame, make_town

HOSTILE = (
    "<img src=x onerror=\"document.title='owned'\">",
    "${document.title='owned'}",
    "`+(document.title='owned')+`",
    "</script><script>document.title='owned'</script>",
    "{{7*7}}{% raw %}",
    "\"'><b onmouseover=alert(1)>",
    "gridgeo-panel</head></html>gridgeo-data",
    "--><svg/onload=alert(1)>",
)


def hostile_town() -> Town:
    """Return the small town with hostile text wherever a name can stand."""
    frame = blocks_frame()
    names = [HOSTILE[k % len(HOSTILE)] for k in range(len(frame))]
    frame["name"] = names
    people = [
        Person(unit, "head", HOSTILE[k % len(HOSTILE)], phone=HOSTILE[(k + 1) % len(HOSTILE)], hours=HOSTILE[k])
        for k, unit in enumerate(frame["code"])
    ]
    town = make_town(people=people, frame=frame, name=HOSTILE[3], watermark=HOSTILE[0])
    lines = town.barriers.lines
    lines["name"] = [HOSTILE[k % len(HOSTILE)] for k in range(len(lines))]
    return town


def rendered(town: Town, folder: Path, **options: Any) -> str:
    return render_map(town, folder / "map.html", **options).read_text(encoding="utf-8")


def data_of(page: str) -> dict[str, Any]:
    (text,) = re.findall(r'<script type="application/json" id="town-data">(.*?)</script>', page, flags=re.DOTALL)
    data: dict[str, Any] = json.loads(text)
    return data


class Elements(HTMLParser):
    """Every element of a page with its attributes, and the text outside scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._quiet = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self._quiet = tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._quiet = False

    def handle_data(self, data: str) -> None:
        self.text += "" if self._quiet else data


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    return rendered(make_town(), tmp_path_factory.mktemp("map"))


@pytest.fixture(scope="module")
def hostile_page(tmp_path_factory: pytest.TempPathFactory) -> str:
    return rendered(hostile_town(), tmp_path_factory.mktemp("hostile"))


def test_the_same_town_gives_the_same_bytes(page: str, tmp_path: Path) -> None:
    assert rendered(make_town(), tmp_path) == page


@pytest.mark.parametrize("which", ["page", "hostile_page"])
def test_the_page_loads_nothing(which: str, request: pytest.FixtureRequest) -> None:
    text = request.getfixturevalue(which)
    for tag, attributes in Elements(text).found:
        assert not {"src", "href", "srcset", "data", "action", "background"} & set(attributes), tag
        assert tag not in ("link", "iframe", "object", "embed", "base", "img")
    for style in re.findall(r"<style>(.*?)</style>", text, flags=re.DOTALL):
        assert "@import" not in style
        assert all(address.startswith("data:font/woff2") for address in re.findall(r"url\(([^)]*)\)", style))


def test_a_policy_allows_the_scripts_and_styles_of_the_file_and_nothing_else(page: str) -> None:
    (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', page)
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert set(rules) == {"default-src", "script-src", "style-src", "font-src", "base-uri", "form-action"}
    assert rules["font-src"] == "data:"
    for kind in ("script", "style"):
        texts = re.findall(rf"<{kind}>(.*?)</{kind}>", page, flags=re.DOTALL)
        hashes = {f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in texts}
        assert set(rules[f"{kind}-src"].split()) == hashes
    assert page.index("Content-Security-Policy") < page.index("<script")


def test_no_element_or_attribute_comes_from_a_name(page: str, hostile_page: str) -> None:
    friendly, hostile = Elements(page), Elements(hostile_page)
    assert {tag for tag, _ in hostile.found} == {tag for tag, _ in friendly.found}
    handlers = [key for _, attributes in hostile.found for key in attributes if key.startswith("on")]
    assert handlers == []
    count = len(re.findall("<script", page))
    assert len(re.findall("<script", hostile_page)) == count
    for text in HOSTILE[:4]:
        assert text in hostile.text, "shown literally, where the page itself names it"


def test_names_come_through_as_data_to_the_letter(hostile_page: str) -> None:
    data = data_of(hostile_page)
    assert {block["name"] for block in data["blocks"]} <= set(HOSTILE)
    assert {line["name"] for line in data["lines"]} <= set(HOSTILE)
    assert {block["head"] for block in data["blocks"]} <= set(HOSTILE)


def test_every_block_is_there_with_what_the_public_may_know(page: str) -> None:
    town, data = make_town(), data_of(page)
    assert town.blocks is not None
    assert [block["code"] for block in data["blocks"]] == sorted(town.blocks.frame["code"])
    first = data["blocks"][0]
    assert (first["head"], first["phone"], first["hours"]) == ("张三丰", "021-54321001", "周二 14:00–16:00")
    assert first["area"] == "9.50 公顷"
    assert data["grids"][first["grid"]]["name"] == "杜行居委会"
    assert "13812345678" not in page, "a mobile number is masked"
    assert "138****5678" in page
    for text in ("示例数据", "© 示例底图", "示意图", "编制单位：示例镇网格化管理中心", "监督电话：021-12345678"):
        assert text in page


def test_a_notice_is_linked_where_it_exists(tmp_path: Path) -> None:
    (tmp_path / "notices").mkdir()
    (tmp_path / "notices" / "310112999001002.pdf").write_bytes(b"%PDF")
    links = {block["code"]: block["notice"] for block in data_of(rendered(make_town(), tmp_path))["blocks"]}
    assert links.pop("310112999001002") == "notices/310112999001002.pdf"
    assert set(links.values()) == {""}


def test_seams_stay_exact(tmp_path: Path) -> None:
    frame = blocks_frame()
    edges = shapely.union_all(frame.boundary.to_numpy())  # with a vertex wherever three blocks meet
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(edges)))
    frame = frame.set_geometry(
        [next(f for f in faces if f.contains(g.centroid)) for g in frame.geometry], crs=frame.crs
    )
    turned = frame.rotate(31, origin=frame.geometry.union_all().centroid)  # so that no border runs along the grid
    data = data_of(rendered(replace(make_town(frame=frame.set_geometry(turned)), extent=None), tmp_path))

    def ring(steps: list[int]) -> shapely.Polygon:
        return shapely.Polygon(np.cumsum(np.reshape(steps, (-1, 2)), axis=0))

    blocks = np.array([ring(block["shape"][0][0]) for block in data["blocks"]])
    assert shapely.coverage_is_valid(blocks)
    town = ring(data["extent"][0][0])
    assert shapely.coverage_union_all(blocks).symmetric_difference(town).area == 0
    assert town.bounds == (0, 0, *data["size"])


def test_a_shape_with_a_hole_or_several_parts_keeps_them(tmp_path: Path) -> None:
    frame = blocks_frame()
    whole = frame.geometry.iloc[0]
    hole = shapely.Point(whole.centroid).buffer(40)
    island = shapely.Point(whole.centroid).buffer(10)
    frame.loc[frame.index[0], "geometry"] = shapely.MultiPolygon([whole.difference(hole), island])
    (block, *_) = data_of(rendered(make_town(frame=frame), tmp_path))["blocks"]
    assert [len(rings) for rings in block["shape"]] == [2, 1]


def test_a_name_stands_within_its_block(page: str) -> None:
    for block in data_of(page)["blocks"]:
        ring = shapely.Polygon(np.cumsum(np.reshape(block["shape"][0][0], (-1, 2)), axis=0))
        assert ring.contains(shapely.Point(block["at"]))
        assert block["room"] > 0


def test_the_font_in_the_page_has_every_character_shown(page: str) -> None:
    fonts = re.findall(r"url\(data:font/woff2;base64,([^)]*)\)", page)
    characters = {c for font in fonts for c in TTFont(io.BytesIO(base64.b64decode(font))).getBestCmap()}
    shown = Elements(page).text + json.dumps(data_of(page), ensure_ascii=False)
    assert {character for character in shown if ord(character) > 32} - set(map(chr, characters)) == set()
    assert "䶮" in shown, "a rare character of a name is among them"


def test_the_title_can_be_chosen(tmp_path: Path) -> None:
    text = rendered(make_town(), tmp_path, title="浦江 <2026> 总图")
    assert "<title>浦江 &lt;2026&gt; 总图</title>" in text
    assert "<h1>浦江 &lt;2026&gt; 总图</h1>" in text
    assert '<html lang="zh-CN">' in text


def test_a_town_without_streets_and_without_extent_has_a_map_too(tmp_path: Path) -> None:
    town = make_town()
    bare = replace(
        town,
        extent=None,
        layers={},
        people=(),
        publication=Publication(),
        attribution="",
        watermark="",
        barriers=replace(town.barriers, lines=town.barriers.lines.iloc[:0]),
    )
    data = data_of(rendered(bare, tmp_path))
    assert data["lines"] == []
    assert len(data["blocks"]) == len(blocks_frame())
    assert data["extent"]


def test_without_blocks_it_says_what_to_do_and_leaves_the_old_map(tmp_path: Path) -> None:
    old = tmp_path / "map.html"
    old.write_text("old", encoding="utf-8")
    for blocks in (None, Layer("blocks", blocks_frame().iloc[:0], "code", "name")):
        with pytest.raises(InputError, match="gridgeo partition"):
            render_map(replace(make_town(), blocks=blocks), old)
    assert old.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [old]
