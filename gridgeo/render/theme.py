"""The theme of a town: colours, sizes, widths of lines and words of its notices, from one TOML file.

What the file doesn't say stays as it is. All that is wrong in it is said at once, each with its place and the mend.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from gridgeo._words import listed, nearest, shown, tidy
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.render.colours import Palette, contrast, used
from gridgeo.render.fonts import missing_characters, printable
from gridgeo.town._toml_syntax import read_toml

if TYPE_CHECKING:
    from gridgeo.render.scene import Scene

LEAST_CONTRAST = 4.5
"""Of text with its ground, as WCAG 2.2 asks for text of usual size."""
LEAST_FILLS = 4
"""Any map can be coloured with so many."""

_NO_FILE = Message("no such file (looked for {path})", "文件不存在（查找位置：{path}）")
_UNKNOWN = Message('there is no {what} "{key}"; known are: {known}', "没有{what}“{key}”；可用：{known}")
_UNKNOWN_NEAR = Message('there is no {what} "{key}"; did you mean "{near}"?', "没有{what}“{key}”；是否应为“{near}”？")
_NOT_TABLE = Message("must be a table of keys and values", "应为由键和值组成的表")
_NOT_COLOUR = Message(
    '{given} is no colour; write it as "#RRGGBB", such as "#B0103C"', "{given} 不是颜色；请写作 #RRGGBB，如 #B0103C"
)
_NOT_COLOURS = Message(
    "must be a list of at least {count} different colours, so that neighbours differ",
    "应为至少 {count} 种不同颜色的列表，以便区分相邻网格",
)
_POOR = Message(
    "{colour} has a contrast of {contrast:.1f} with {ground}; text needs {least}: take a darker one",
    "{colour} 与 {ground} 的对比度为 {contrast:.1f}，文字需要 {least}：请用更深的颜色",
)
_NOT_SIZE = Message(
    "must be a number from {low:g} to {high:g}, not {given}", "应为 {low:g} 至 {high:g} 之间的数，而不是 {given}"
)
_NOT_WORDS = Message("must be text in quotation marks, not {given}", "应为加英文引号的文字，而不是 {given}")
_NO_GLYPH = Message(
    "the fonts have no character {characters}; write it another way", "字库中没有字符 {characters}；请换一种写法"
)
_WHAT = {"colours": "colour", "sizes": "size", "lines": "line", "words": "words"}


@dataclass(frozen=True)
class Sizes:
    """Sizes of print on A3: points, and factors for what is set in several sizes."""

    title: float = 47.0
    title_landscape: float = 42.0
    name: float = 29.0
    heading: float = 17.0
    text: float = 1.0
    """Factor of all running text."""
    map_names: float = 1.0
    """Factor of the names on maps."""


@dataclass(frozen=True)
class Lines:
    """Widths of lines on maps, in millimetres on A3; of streets at a scale of 1:5000."""

    lane: float = 1.45
    road: float = 2.6
    main_road: float = 3.6
    river: float = 3.0
    focus: float = 1.35
    focus_casing: float = 2.9
    grid_border: float = 0.6
    block_border: float = 0.45


@dataclass(frozen=True)
class Words:
    """The words that a notice brings along itself."""

    title: str = "责任网格管理示意图"
    team: str = "责任团队"
    station: str = "“1+2+N”工作站"
    tasks: str = "巡查事项"
    base: str = "规定事项"
    local: str = "自选事项"
    services: str = "服务项目"
    patrols: str = "责任路段与值守"
    patrols_note: str = "编号见图，每日值守"
    frontage: str = "门责"
    promise: str = "7 日办结"
    front: str = "前端处置"
    front_days: str = "1–3 日"
    joint: str = "联勤联动"
    joint_days: str = "再 4 日"
    supervision: str = "监督电话"
    scan: str = "扫码看网页"
    version: str = "版本"
    approval: str = "审图号："
    town_index: str = "责任网格索引图"
    grid_index: str = "网格责任块分布图"


@dataclass(frozen=True)
class Theme:
    """How the notices of a town look, beyond what they say."""

    colours: Palette = field(default_factory=Palette)
    sizes: Sizes = field(default_factory=Sizes)
    lines: Lines = field(default_factory=Lines)
    words: Words = field(default_factory=Words)


Given = ParamSpec("Given")
Drawn = TypeVar("Drawn")


def in_theme(draw: Callable[Concatenate[Scene, Given], Drawn]) -> Callable[Concatenate[Scene, Given], Drawn]:
    """Let a function that draws something of a scene draw it in the colours of the scene's theme."""

    @wraps(draw)
    def drawn(scene: Scene, /, *arguments: Given.args, **options: Given.kwargs) -> Drawn:
        with used(scene.theme.colours):
            return draw(scene, *arguments, **options)

    return drawn


_RANGES = {
    "title": (20.0, 64.0),
    "title_landscape": (20.0, 60.0),
    "name": (14.0, 44.0),
    "heading": (12.0, 26.0),
    "text": (0.8, 1.5),
    "map_names": (0.7, 1.5),
}
_LINE_RANGE = (0.1, 8.0)


def read_theme(path: str | Path) -> Theme:
    """Read a theme.

    Parameters
    ----------
    path : path
        TOML with the tables ``[colours]``, ``[sizes]``, ``[lines]`` and ``[words]``; the keys are the fields of
        `Palette`, `Sizes`, `Lines` and `Words`.

    Raises
    ------
    InputError
        With one line for each mistake, all of them at once.
    """
    path = Path(path)
    try:
        document = read_toml(path)
    except FileNotFoundError:
        raise InputError(Problem(str(path), _NO_FILE, {"path": path.absolute()})) from None
    reader = _Reader(str(path))
    theme = Theme(
        colours=reader.colours(document.pop("colours", {})),
        sizes=Sizes(**reader.numbers("sizes", document.pop("sizes", {}), Sizes)),
        lines=Lines(**reader.numbers("lines", document.pop("lines", {}), Lines)),
        words=Words(**reader.words(document.pop("words", {}))),
    )
    for key in document:
        reader.unknown(str(path), "table", key, list(_WHAT))
    reader.check_contrast(theme.colours)
    if reader.problems:
        raise InputError(reader.problems)
    return theme


class _Reader:
    """Reads the tables of a theme and collects what is wrong."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.problems: list[Problem] = []

    def unknown(self, where: str, what: str, key: str, known: list[str]) -> None:
        near = nearest(key, known)
        values: dict[str, object] = {"what": what, "key": shown(key), "near": near, "known": listed(known, most=30)}
        self.problems.append(Problem(where, _UNKNOWN_NEAR if near else _UNKNOWN, values))

    def _table(self, name: str, given: object, kind: type) -> Mapping[str, Any]:
        if not isinstance(given, dict):
            self.problems.append(Problem(f"{self._path}, {name}", _NOT_TABLE))
            return {}
        known = [each.name for each in fields(kind)]
        for key in given:
            if key not in known:
                self.unknown(f"{self._path}, [{name}]", _WHAT[name], key, known)
        return {key: value for key, value in given.items() if key in known}

    def colours(self, given: object) -> Palette:
        found: dict[str, Any] = {}
        for key, value in self._table("colours", given, Palette).items():
            where = f"{self._path}, [colours] {key}"
            if key in ("fills", "sections"):
                listed_colours = value if isinstance(value, list) else []
                for colour in listed_colours:
                    self._colour(where, colour)
                if len({str(colour).upper() for colour in listed_colours}) < LEAST_FILLS:
                    self.problems.append(Problem(where, _NOT_COLOURS, {"count": LEAST_FILLS}))
                found[key] = tuple(str(colour).upper() for colour in listed_colours)
            elif self._colour(where, value):
                found[key] = value.upper()
        return Palette() if self.problems else Palette(**found)

    def _colour(self, where: str, value: object) -> bool:
        sound = isinstance(value, str) and re.fullmatch(r"#[0-9A-Fa-f]{6}", value) is not None
        if not sound:
            self.problems.append(Problem(where, _NOT_COLOUR, {"given": shown(repr(value))}))
        return sound

    def numbers(self, name: str, given: object, kind: type) -> dict[str, float]:
        found = {}
        for key, value in self._table(name, given, kind).items():
            low, high = _RANGES[key] if name == "sizes" else _LINE_RANGE
            if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
                values: dict[str, object] = {"low": low, "high": high, "given": shown(repr(value))}
                self.problems.append(Problem(f"{self._path}, [{name}] {key}", _NOT_SIZE, values))
            else:
                found[key] = float(value)
        return found

    def words(self, given: object) -> dict[str, str]:
        found = {}
        for key, value in self._table("words", given, Words).items():
            where = f"{self._path}, [words] {key}"
            if not isinstance(value, str):
                self.problems.append(Problem(where, _NOT_WORDS, {"given": shown(repr(value))}))
                continue
            said = printable(tidy(value))
            if lacking := missing_characters(said):
                self.problems.append(Problem(where, _NO_GLYPH, {"characters": " ".join(lacking)}))
            found[key] = said
        return found

    def check_contrast(self, colours: Palette) -> None:
        """Refuse colours in which text can't be read."""
        pairs = [(key, ground) for key in ("ink", "quiet_ink", "accent") for ground in ("#FFFFFF", colours.tint)]
        pairs += [("ink", fill) for fill in (*colours.fills, *colours.sections, colours.land)]
        told = set()
        for key, ground in pairs:
            colour = getattr(colours, key)
            if (found := contrast(colour, ground)) < LEAST_CONTRAST and key not in told:
                told.add(key)
                values: dict[str, object] = {"colour": colour, "ground": ground, "contrast": found}
                where = f"{self._path}, [colours] {key}"
                self.problems.append(Problem(where, _POOR, values | {"least": f"{LEAST_CONTRAST:g}"}))
