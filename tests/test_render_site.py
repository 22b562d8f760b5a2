"""The site of a town: everything is found, links agree, only what changed is made again, and nothing tells too much."""

from __future__ import annotations

import base64
import io
import json
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import shapely
from fontTools.ttLib import TTFont

from gridgeo.errors import Problem
from gridgeo.render import file_names, webfont
from gridgeo.render.directory import streets_with_blocks
from gridgeo.render.drawing import draw_map
from gridgeo.render.initials import initials_of, initials_table
from gridgeo.render.notice import compose_notices
from gridgeo.render.scene import make_scene
from gridgeo.render.site import render_site
from gridgeo.render.webpath import shortened
from tests.hostile_text import CODES, CORPUS, LONG, hostile_town
from tests.render_towns import blocks_frame, make_town
from tests.test_render_page import Outline


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("town")
    render_site(make_town(), folder)
    return folder


def test_the_files_are_an_index_a_map_and_a_page_a_block_and_nothing_else(out: Path, tmp_path: Path) -> None:
    codes = sorted(blocks_frame()["code"])
    assert set(contents(out)) == {"site.json", "site/index.html", "site/map.html", *(f"site/{c}.html" for c in codes)}
    render_site(make_town(), tmp_path)
    assert contents(tmp_path) == contents(out), "the same bytes again"


def test_nothing_is_asked_of_anybody(out: Path) -> None:
    for name, content in contents(out / "site").items():
        page = Outline(content.decode())
        for tag, attributes in page.found:
            assert tag not in ("link", "iframe", "object", "embed", "base", "form[action]"), name
            assert not {"srcset", "action", "formaction", "ping", "background"} & set(attributes), name
            assert attributes.get("src", "data:").startswith("data:"), name
            address = urlsplit(attributes.get("href", ""))
            assert address.scheme in ("", "tel"), name
            assert not address.netloc, name
        policies = [item for item in page.all("meta") if item.get("http-equiv") == "Content-Security-Policy"]
        assert "default-src 'none'" in policies[0]["content"]
        assert "connect-src" not in policies[0]["content"], "so default-src holds"


def test_every_link_leads_to_a_file_of_the_site_and_to_a_block_that_there_is(out: Path) -> None:
    pages = contents(out / "site")
    codes = set(blocks_frame()["code"])
    for name, content in pages.items():
        page = Outline(content.decode())
        identifiers = {attributes.get("id") for _, attributes in page.found}
        for attributes in page.all("a"):
            address = urlsplit(attributes["href"])
            if address.scheme == "tel":
                continue
            assert not address.path or unquote(address.path) in pages, f"{name} links to {attributes['href']}"
            if address.fragment.startswith("block="):
                assert unquote(address.fragment.removeprefix("block=")) in codes
            elif address.fragment:
                assert address.fragment in identifiers


def test_qr_codes_file_names_and_links_agree(out: Path) -> None:
    town = make_town()
    notices = compose_notices(make_scene(town))
    index = Outline((out / "site/index.html").read_text(encoding="utf-8"))
    linked = {attributes["href"] for attributes in index.all("a")}
    for notice in notices:
        base, _, file = notice.address.rpartition("/")
        assert base == town.publication.web
        assert (out / "site" / unquote(file)).is_file()
        assert file in linked
        page = (out / "site" / unquote(file)).read_text(encoding="utf-8")
        assert f"map.html#block={notice.code}" in page


def test_the_index_lists_every_grid_and_block_without_a_script(out: Path) -> None:
    text = (out / "site/index.html").read_text(encoding="utf-8")
    index = Outline(text)
    frame = blocks_frame()
    rows = [attributes for attributes in index.all("tr") if "data-block" in attributes]
    assert len(rows) == len(frame)
    for name, code in zip(frame["name"], frame["code"], strict=True):
        assert f"<bdi>{name}</bdi>" in text
        assert f"<bdi>{code}</bdi>" in text
    headers = [attributes["scope"] for attributes in index.all("th")]
    assert headers.count("row") == len(frame)
    assert set(headers) == {"row", "col"}
    assert text.count("<caption>") == 4
    drawn = [attributes for attributes in index.all("a") if "data-block" in attributes]
    assert len(drawn) == len(frame), "and each on the map, which is made of links"


def test_the_shapes_on_the_index_are_those_of_the_blocks(out: Path) -> None:
    text = (out / "site/index.html").read_text(encoding="utf-8")
    (data,) = re.findall(r'<script type="application/json" id="town-data">(.*?)</script>', text)
    east, north = json.loads(data)["origin"]
    degrees = blocks_frame().sort_values("code").to_crs(4326).geometry.to_list()
    for index, shape in enumerate(degrees):
        (path,) = re.findall(rf'<a [^>]*data-block="{index}">.*?d="(.*?)"', text)
        rings = []
        for ring in filter(None, path.split("M")):
            start, _, moves = ring.partition("l")
            steps = [int(number) for number in re.findall(r"-?\d+", f"{start} {moves}")]
            places = [(steps[0], steps[1])]
            for k in range(2, len(steps), 2):
                places.append((places[-1][0] + steps[k], places[-1][1] + steps[k + 1]))
            rings.append([((east + x) / 1e6, (north + y) / 1e6) for x, y in places])
        assert shapely.hausdorff_distance(shapely.Polygon(rings[0], rings[1:]), shape) < 2e-6


def test_streets_are_found_with_the_blocks_along_them() -> None:
    scene = make_scene(make_town())
    found = {name: [scene.names[k] for k in blocks] for name, blocks in streets_with_blocks(scene)}
    assert (
        found["浦星公路"]
        == [
            "杜行居委会 第2责任块",
            "聚缘居委会",
            "永丰村委会",
            "光华产业园",
            "沈杜公路街面网格",
        ][: len(found["浦星公路"])]
    )
    assert found["杜行老街"] == ["杜行居委会 第1责任块", "杜行居委会 第2责任块"]
    assert "" not in found


def test_letters_of_names() -> None:
    assert "".join(initials_of(character) for character in "浦江镇聚缘永丰村委会") == "pjzjyyfcwhk"
    assert initials_of("行") == "hx"
    assert initials_of("䶮") == ""
    assert initials_table(["李䶮 A1"]) == {"䶮": "", "李": "l"}


def test_a_font_depends_on_its_own_characters_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    text, others = "责任块长张三丰", "云溪镇城市运行管理中心䶮一丁七万丈三上下"
    cut = []
    for announced in ("", text, text + others, others):
        monkeypatch.setattr(webfont, "_kept", webfont._Kept())
        webfont.announce(announced)
        webfont.subset_for_web.cache_clear()
        cut.append(webfont.subset_for_web(text))
    assert len(set(cut)) == 1


def test_a_page_has_two_fonts_which_together_hold_its_text() -> None:
    rules = webfont.font_faces("责任块 张三丰", common="责任块长")
    fonts = [base64.b64decode(font) for font in re.findall(r"base64,([^)]*)", rules)]
    held = [set(map(chr, TTFont(io.BytesIO(font)).getBestCmap())) for font in fonts]
    assert held[1] == set("张三丰")
    assert held[0] >= set("责任块长 ABC019")


def test_a_drawing_for_the_web_has_the_same_places_in_less_text() -> None:
    scene = make_scene(make_town())
    drawn = draw_map(scene, 0, width=100, height=100).svg
    short = shortened(drawn)
    assert len(short) < len(drawn)

    def places(drawing: str) -> list[list[tuple[int, int]]]:
        found = []
        for path in re.findall(r' d="([^"]*)"', drawing):
            for piece in path.split("M")[1:]:
                numbers = [int(number) for number in re.findall(r"-?\d+", piece)]
                pairs = list(zip(numbers[::2], numbers[1::2], strict=True))
                if "l" in piece:
                    for k in range(1, len(pairs)):
                        pairs[k] = (pairs[k - 1][0] + pairs[k][0], pairs[k - 1][1] + pairs[k][1])
                found.append(pairs)
        return found

    assert places(short) == places(drawn)
    assert re.sub(r' d="[^"]*"', "", short) == re.sub(r' d="[^"]*"', "", drawn)
    assert short.lower().count("z") == drawn.lower().count("z")


# ------------------------------------------------------------------------------------------------------- upkeep


def changed(before: dict[str, bytes], after: dict[str, bytes]) -> set[str]:
    return {Path(name).stem for name in {*before, *after} if before.get(name) != after.get(name)} - {"site"}


def test_only_what_changed_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import gridgeo.render.site as module

    made: list[str] = []
    make = module._Studio.make

    def counting(studio: module._Studio, order: module._Order) -> module._Made:
        made.append(order.notice.code)
        return make(studio, order)

    monkeypatch.setattr(module._Studio, "make", counting)
    town = make_town()
    render_site(town, tmp_path)
    assert len(made) == len(blocks_frame())
    first = contents(tmp_path / "site")

    made.clear()
    render_site(town, tmp_path)
    assert made == []
    assert contents(tmp_path / "site") == first

    people = [replace(person, hours="周五") if person.name == "欧阳明月" else person for person in town.people]
    render_site(replace(town, people=tuple(people)), tmp_path)
    assert made == ["310112999002001"]
    assert changed(first, contents(tmp_path / "site")) == {"310112999002001", "map"}, "hours are on no other"

    made.clear()
    (tmp_path / "site/310112999003001.html").write_text("touched by hand", encoding="utf-8")
    render_site(town, tmp_path)
    assert made == ["310112999002001", "310112999003001"]
    assert contents(tmp_path / "site") == first


def test_pages_of_blocks_that_are_gone_are_told(tmp_path: Path) -> None:
    town = make_town()
    render_site(town, tmp_path)
    assert town.blocks is not None
    fewer = replace(town, blocks=town.blocks.with_frame(town.blocks.frame.iloc[:-1]))
    for _ in range(2):  # as long as the file is there
        warnings: list[Problem] = []
        render_site(fewer, tmp_path, warnings=warnings)
        assert any("310112999005001.html" in problem.text("en") for problem in warnings)
    (tmp_path / "site/310112999005001.html").unlink()
    warnings = []
    render_site(fewer, tmp_path, warnings=warnings)
    assert not any("310112999005001" in problem.text("en") for problem in warnings)


def test_a_broken_list_of_pages_makes_all_anew(tmp_path: Path) -> None:
    render_site(make_town(), tmp_path)
    before = contents(tmp_path)
    (tmp_path / "site.json").write_text("{", encoding="utf-8")
    render_site(make_town(), tmp_path)
    assert contents(tmp_path) == before


# ------------------------------------------------------------------------------------------- hostile text, and privacy


@pytest.mark.parametrize("texts", [CORPUS, LONG], ids=["corpus", "long"])
def test_no_element_or_attribute_comes_from_a_text(out: Path, tmp_path: Path, texts: tuple[object, ...]) -> None:
    render_site(hostile_town(texts, codes=CODES), tmp_path)  # type: ignore[arg-type]
    friendly = {tag for content in contents(out / "site").values() for tag, _ in Outline(content.decode()).found}
    for name, content in contents(tmp_path / "site").items():
        page = Outline(content.decode())
        assert {tag for tag, _ in page.found} <= friendly, name
        assert [key for _, attributes in page.found for key in attributes if key.startswith("on")] == [], name
        for attributes in page.all("a"):
            address = urlsplit(attributes["href"])
            assert address.scheme in ("", "tel")
            assert not address.netloc
            assert "/" not in address.path
    assert {name for name in contents(tmp_path) if name != "site.json"} == {
        f"site/{name}.html" for name in ("index", "map", *file_names(sorted([*CODES[:6]])))
    }
