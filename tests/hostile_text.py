"""Hostile texts, and a town that has one wherever a text can stand: every product must show them as plain text.

A page that runs one of them has the title ``owned`` or shows a dialogue; a document that is set from one stops, or
lacks its text. What `shown` says is what a reader sees: the text itself but for marks that turn the reading direction,
control characters and line breaks, which no product may pass on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from gridgeo.layers import Layer
from gridgeo.town import Person, Publication, Service, Task, Town
from tests.render_towns import barriers, blocks_frame, layers, make_town

Language = Literal["html", "script", "template", "typst", "formula", "direction", "control", "long"]


@dataclass(frozen=True)
class Hostile:
    """One text that means something in the language of some medium."""

    language: Language
    text: str
    shown: str = ""
    """What is to be seen of it; "" for the text itself."""

    @property
    def seen(self) -> str:
        """What is to be seen of it."""
        return self.shown or self.text


def _each(language: Language, *texts: str) -> tuple[Hostile, ...]:
    return tuple(Hostile(language, text) for text in texts)


CORPUS: tuple[Hostile, ...] = (
    *_each(
        "html",
        "<img src=x onerror=\"document.title='owned'\">",
        "</script><script>document.title='owned'</script>",
        "\"'><b onmouseover=alert(1)>",
        "--><svg/onload=alert(1)>",
        "</title><script>document.title='owned'</script>",
        "</style><style>*{display:none}",
        "</text></svg><iframe srcdoc='<script>parent.document.title=1</script>'>",
        "&lt;b&gt; &amp;amp; &#60;i&#62;",
        "<a href=javascript:alert(1)>",
        "]]><![CDATA[<b>",
        '<meta http-equiv=refresh content="0;url=//x">',
        "gridgeo-panel</head></html>gridgeo-data",
    ),
    *_each(
        "script",
        "${document.title='owned'}",
        "`+(document.title='owned')+`",
        "');document.title='owned';//",
        "\\u003cscript\\u003edocument.title='owned'",
        "__proto__",
        "*/document.title='owned'/*",
    ),
    *_each("template", "{{7*7}}{% raw %}", "{{constructor.constructor('alert(1)')()}}", "{0.__class__} %(name)s %s"),
    *_each(
        "typst",
        '#panic("owned")',
        '#import "@preview/cetz:0.3.0"',
        "$x^2$ *bold* _thin_",
        "= 标题 @reference <label>",
        "#{ 1 / 0 } // comment",
        '#include "/etc/passwd"',
        "`raw` \\ #linebreak() /* comment",
    ),
    *_each(
        "formula",
        '=HYPERLINK("http://x.example","y")',
        "=cmd|' /C calc'!A0",
        "+1+1",
        "-1+1",
        "@SUM(1)",
    ),
    Hostile("direction", "张\u202e三\u202c丰", "张三丰"),
    Hostile("direction", "\u2067李四\u2069\u200f", "李四"),
    Hostile("direction", "王\u200b\ufeff五\u061c", "王五"),
    Hostile("control", "赵\x00\x07六", "赵 六"),
    Hostile("control", "钱\x1b[31m七", "钱 [31m七"),
    Hostile("control", "孙\n八\u2028九", "孙 八 九"),
)
"""Every text but the very long ones."""

LONG: tuple[Hostile, ...] = (
    Hostile("long", "很长的名称" * 40),
    Hostile("long", "Donaudampfschifffahrtsgesellschaft" * 8),
)
"""Names of 200 and 272 characters; the second has no place to break a line at."""

CODES = ("../../a", "<b>'\"", "${1}", "=1+1", "#panic()", "CON", "责任块 一", "index")
"""Codes of blocks, which also become names of files and parts of addresses."""


def hostile_town(texts: Sequence[Hostile] = CORPUS, *, first: int = 0, codes: Sequence[str] = ()) -> Town:
    """Return the small town of the tests with a hostile text wherever a text can stand.

    Parameters
    ----------
    texts : sequence of Hostile
        Taken in turn, again from the start when they run out.
    first : int
        Where to begin in ``texts``: towns with other beginnings have other texts in each place.
    codes : sequence of str
        For as many blocks, in order, instead of plain codes.
    """
    taken = first

    def next_text() -> str:
        nonlocal taken
        taken += 1
        return texts[(taken - 1) % len(texts)].text

    frame = blocks_frame()
    frame["name"] = [next_text() for _ in range(len(frame))]
    known = [*codes[: len(frame)], *frame["code"][len(codes) :]]
    frame["code"] = known
    found = dict(layers())
    for key in ("communities", "villages", "zones", "streets"):
        named = found[key].frame.copy()
        named["name"] = [next_text() for _ in range(len(named))]
        found[key] = found[key].with_frame(named)
    roads = barriers()
    lines = roads.lines.copy()
    lines["name"] = [next_text() for _ in range(len(lines))]
    people = [
        Person(code, "head", next_text(), next_text(), phone=next_text(), hours=next_text()) for code in known
    ] + [
        Person(code, "patroller", next_text(), next_text(), phone=next_text(), hours=next_text()) for code in known[:2]
    ]
    tasks = [
        Task(kind, next_text(), next_text(), local=local)
        for kind in ("residential", "village", "street", "extended")
        for local in (False, True)
    ]
    publication = Publication(
        issuer=next_text(),
        version=next_text(),
        supervision_phone=next_text(),
        approval_number=next_text(),
        disclaimer=next_text(),
        web="https://grid.example.cn",
    )
    town = make_town(
        people=people,
        tasks=tasks,
        services=[Service(next_text(), place=next_text(), hours=next_text())],
        publication=publication,
        frame=frame,
        barrier=replace(roads, lines=lines),
        name=next_text(),
        watermark=next_text(),
    )
    blocks = Layer("blocks", frame, "code", "name")
    return replace(town, layers=found, blocks=blocks, attribution=next_text())


def towns_with_all(texts: Sequence[Hostile] = CORPUS) -> list[Town]:
    """Return as many towns as it takes for each text to be the name of a block."""
    count = len(blocks_frame())
    return [hostile_town(texts, first=first) for first in range(0, len(texts), count)]
