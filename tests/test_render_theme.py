"""Themes and templates: a town's own colours, sizes, words and Typst file, with every mistake in them named."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pypdf
import pytest

from gridgeo.errors import InputError, Problem
from gridgeo.render import render_index, render_notices
from gridgeo.render.colours import USUAL, contrast
from gridgeo.render.drawing import draw_map
from gridgeo.render.scene import make_scene
from gridgeo.render.theme import Theme, read_theme
from gridgeo.town import Town
from tests.render_towns import blocks_frame, make_town


def written(folder: Path, text: str, name: str = "theme.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def town_with(**looks: Path) -> Town:
    town = make_town(frame=blocks_frame().iloc[:1])
    return dataclasses.replace(town, publication=dataclasses.replace(town.publication, **looks))


def text_of(path: Path) -> str:
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(path).pages)


def test_an_empty_theme_changes_nothing(tmp_path: Path) -> None:
    assert read_theme(written(tmp_path, "")) == Theme()


def test_what_a_theme_says_is_seen(tmp_path: Path) -> None:
    theme = written(
        tmp_path,
        '[colours]\naccent = "#1b4f9c"\n[sizes]\ntext = 1.1\nmap_names = 1.2\n[lines]\nfocus = 2.0\n'
        '[words]\ntitle = "公示牌"\npromise = "限时办结"\ntown_index = "全镇总图"\n',
    )
    town = town_with(theme=theme)
    drawn = draw_map(make_scene(town), 0, width=200, height=150).svg
    assert "#1B4F9C" in drawn
    assert USUAL.accent not in drawn
    assert 'stroke="#1B4F9C" stroke-width="200"' in drawn
    (notice,) = render_notices(town, tmp_path / "out", warnings=[])
    told = text_of(notice)
    assert "公示牌" in told
    assert "限时办结" in told
    assert "责任网格管理示意图" not in told
    assert "全镇总图" in text_of(render_index(town, tmp_path / "out", warnings=[])[0])
    # what is drawn afterwards without a theme has the usual colours again
    assert USUAL.accent in draw_map(make_scene(town_with()), 0, width=200, height=150).svg


def test_a_changed_theme_is_a_changed_notice(tmp_path: Path) -> None:
    theme = written(tmp_path, '[words]\ntitle = "一"\n')
    town = town_with(theme=theme)
    (path,) = render_notices(town, tmp_path / "out", warnings=[])
    first = path.read_bytes()
    render_notices(town, tmp_path / "out", warnings=[])
    assert path.read_bytes() == first
    written(tmp_path, '[words]\ntitle = "二"\n')
    render_notices(town, tmp_path / "out", warnings=[])
    assert path.read_bytes() != first


def test_every_mistake_of_a_theme_is_named_at_once(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        '[colours]\naccent = "red"\nacent = "#000000"\nfills = ["#FFFFFF"]\n[sizes]\ntitle = 400\n'
        '[lines]\nfocus = "x"\n'
        '[words]\ntitle = 3\npromise = "😀"\n[fonts]\nsans = "Arial"\n',
    )
    with pytest.raises(InputError) as raised:
        read_theme(path)
    told = [problem.text("en") for problem in raised.value.problems]
    for words in (
        "[colours] accent: 'red' is no colour; write it as \"#RRGGBB\"",
        '[colours]: there is no colour "acent"; did you mean "accent"?',
        "[colours] fills: must be a list of at least 4 different colours",
        "[sizes] title: must be a number from 20 to 64, not 400",
        "[lines] focus: must be a number from 0.1 to 8",
        "[words] title: must be text in quotation marks, not 3",
        "[words] promise: the fonts have no character 😀",
        'there is no table "fonts"; known are: colours, sizes, lines, words',
    ):
        assert any(words in line for line in told), (words, told)
    assert len(told) == 8
    assert all(problem.text("zh") for problem in raised.value.problems)


@pytest.mark.parametrize("name", ["ink", "quiet_ink", "accent"])
def test_text_that_can_not_be_read_is_refused(tmp_path: Path, name: str) -> None:
    assert contrast("#BBBBBB", "#FFFFFF") < 4.5
    with pytest.raises(InputError, match=f"{name}: #BBBBBB has a contrast of 1.9"):
        read_theme(written(tmp_path, f'[colours]\n{name} = "#bbbbbb"\n'))


@pytest.mark.parametrize("text", ["[colours", "colours = 3", "\udcff"])
def test_a_theme_that_is_none_is_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "theme.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError) as raised:
        read_theme(path)
    assert len(raised.value.problems) == 1
    with pytest.raises(InputError, match="no such file"):
        read_theme(tmp_path / "nowhere.toml")


# ------------------------------------------------------------------------------------------------------ templates

OWN = """#let data = json("/data.json")
#import "parts.typ": line-of
#metadata((width: 120, height: 90)) <map-size>
#set document(title: data.notice.title, date: datetime(year: data.date.at(0), month: 1, day: 1))
#set page(width: data.page.paper.at(0) * 1mm, height: data.page.paper.at(1) * 1mm)
#set text(font: "Noto Sans SC", lang: "zh", fallback: false)
= #data.notice.name
#figure(image("/map.svg", width: 120mm, alt: data.map.alt))
#line-of(data.notice.head.name)
"""


def test_a_template_of_ones_own_sets_the_notices(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    written(folder, "#let line-of(words) = [块长是 #words]\n", "parts.typ")
    town = town_with(template=written(folder, OWN, "own.typ"))
    (path,) = render_notices(town, tmp_path / "out", warnings=[])
    told = text_of(path)
    assert "块长是张三丰" in re.sub(r"\s", "", told)
    assert "责任团队" not in told
    ledger = json.loads((tmp_path / "out" / "ledger.json").read_text(encoding="utf-8"))
    assert "[120.0, 90.0]" in json.dumps(ledger)
    written(folder, "#let line-of(words) = [本块块长 #words]\n", "parts.typ")
    render_notices(town, tmp_path / "out", warnings=[])
    assert "本块块长" in text_of(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('#read("/etc/hostname")', "can't be set"),
        ('#read("../../../etc/hostname")', "can't be set"),
        ('#import "@preview/cetz:0.3.0": canvas', "imports the package"),
        ("#let x = (", "can't be set"),
        ("#metadata((width: 3)) <map-size>", "map width of 3"),
    ],
)
def test_a_template_reads_nothing_outside_and_its_mistakes_are_told(tmp_path: Path, text: str, words: str) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    town = town_with(template=written(folder, text, "own.typ"))
    with pytest.raises(InputError, match=words):
        render_notices(town, tmp_path / "out", warnings=[])


PLAIN = """#let data = json("/data.json")
#metadata((width: 180, height: 120)) <map-size>
#set document(title: data.notice.title, date: datetime(year: 2026, month: 11, day: 1))
#set text(font: "Noto Sans SC", lang: "zh", fallback: false)
= #data.notice.name
"""


@pytest.mark.parametrize(
    ("template", "words"),
    [
        (PLAIN + "#pagebreak()\nmore", r"own\.typ: makes 2 pages of .* a notice is one page"),
        (PLAIN.replace("(width: 180, height: 120)", '"large"'), r"own\.typ: .* a map size of large"),
        (PLAIN + '#panic("no")', r"own\.typ: .* can't be set with it .* change the template"),
    ],
)
def test_what_a_template_makes_wrong_is_told_of_the_template(tmp_path: Path, template: str, words: str) -> None:
    town = town_with(template=written(tmp_path, template, "own.typ"))
    with pytest.raises(InputError, match=words):
        render_notices(town, tmp_path / "out", only=["310112999001001"])


@pytest.mark.parametrize(
    ("template", "words"),
    [
        (PLAIN.replace("Noto Sans SC", "SimHei"), "unknown font family: simhei"),
        (PLAIN.replace("#metadata((width: 180, height: 120)) <map-size>", ""), "doesn't say how large its map is"),
    ],
)
def test_what_a_template_leaves_out_in_silence_is_told(tmp_path: Path, template: str, words: str) -> None:
    said: list[Problem] = []
    town = town_with(template=written(tmp_path, template, "own.typ"))
    render_notices(town, tmp_path / "out", only=["310112999001001"], warnings=said)
    assert sum(words in problem.text("en") for problem in said) == 1


def test_mistakes_in_the_syntax_of_a_theme_are_told_by_line_in_both_languages(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        read_theme(written(tmp_path, "[colours]\naccent = #123456"))
    (problem,) = refused.value.problems
    assert "line 2, column 10" in problem.text("en")
    assert "第 2 行第 10 列" in problem.text("zh")
    with pytest.raises(InputError, match="can't be read"):
        read_theme(tmp_path)


def test_a_template_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        render_notices(town_with(template=tmp_path / "own.typ"), tmp_path / "out", warnings=[])
    with pytest.raises(InputError, match=r"ends in \.typ"):
        render_notices(town_with(template=written(tmp_path, "", "own.txt")), tmp_path / "out", warnings=[])
