"""The poster of one notice: composed by Typst, exactly one page, PDF/A-2a and PDF/UA-1, same input same bytes.

Words go to the template as JSON, so that markup in a name stays text. Everything but the map is measured first, from
roomy to dense; the first level that leaves the map enough room is taken: lists shrink first, then photos, then the map.
The picture for phones is as long as it needs to be, so nothing is measured for it.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import shapely

from gridgeo._steps import Steps, at_once
from gridgeo._words import first_line_of
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.render.arrangement import (
    Team,
    arrange_team,
    foot_stands_beside,
    longest_word,
    usual_head,
)
from gridgeo.render.columns import Level, plan_columns
from gridgeo.render.drawing import draw_map
from gridgeo.render.fingerprint import Fingerprints, mark_of, plain
from gridgeo.render.fonts import is_wide, text_width
from gridgeo.render.least_room import least_heights, least_heights_beside
from gridgeo.render.locator import Locator
from gridgeo.render.notice import Notice, texts_of
from gridgeo.render.people import Card, organisations_of
from gridgeo.render.photos import Photos
from gridgeo.render.print_fonts import print_fonts
from gridgeo.render.qr import qr_code
from gridgeo.render.scene import Scene
from gridgeo.render.sheet import BETWEEN, PICTURE_PIXELS, Sheet
from gridgeo.render.svg import NOTHING_DRAWN
from gridgeo.render.template import put_into
from gridgeo.render.template_lengths import LITTLE_MAP

STANDARDS: tuple[Literal["a-2a"], Literal["ua-1"]] = ("a-2a", "ua-1")
"""Long-term archiving and accessibility. They also make a missing character an error instead of an empty box."""

_TOO_MUCH = Message(
    "the texts don't fit on one page; shorten the lists or name fewer people",
    "文字过多，一页放不下；请精简清单或减少人员",
)
_CANNOT_SET = Message("the notice can't be set ({reason}); change the text", "公示图无法排版（{reason}）；请修改文字")
_TEMPLATE_FAILS = Message(
    "the notice of {notice} can't be set with it ({reason}); change the template",
    "无法用它排版 {notice} 的公示图（{reason}）；请修改模板",
)
_TEMPLATE_DOUBT = Message("Typst warns of it: {reason}", "Typst 提示：{reason}")
_TEMPLATE_PAGES = Message(
    "makes {count} pages of {notice}; a notice is one page: make its text or its map smaller",
    "将 {notice} 排成 {count} 页；公示图只能有一页：请缩小文字或地图",
)
_NO_MAP_SIZE = Message(
    "doesn't say how large its map is (<map-size>); drawn are {width:g} x {height:g} mm",
    "未注明地图大小（<map-size>）；按 {width:g} × {height:g} 毫米绘制",
)
_PAGES = re.compile(rb"/Type\s*/Pages\s*/Count\s+(\d+)")
_MANY_PAGES = Message(
    "the template makes several pages; a picture is one page: set its height to auto",
    "模板生成了多页；图片只能有一页：请将页高设为 auto",
)
_BAD_MAP_SIZE = Message(
    "the template asks for a map {key} of {given}; it must be a number of millimetres from 40 to 2000",
    "模板要求的地图 {key} 为 {given}；应为 40 至 2000 毫米之间的数",
)
_SMALL_PRINT = Message(
    "much text: set in {size} points, under the 12 points that are easily read on a wall",
    "文字较多：字号缩至 {size} 磅，小于便于张贴阅读的 12 磅",
)


LEVELS: tuple[Level, ...] = (
    Level(14.0, 12.5, 36, 92, 20.0, 3, 5.0, 0.62, 7.0, 175),
    Level(13.5, 12.5, 33, 88, 18.0, 3, 4.5, 0.55, 6.0, 165),
    Level(13.0, 12.0, 30, 84, 16.5, 3, 4.0, 0.50, 5.5, 155),
    Level(12.5, 12.0, 28, 82, 15.0, 3, 3.6, 0.45, 5.0, 145),
    Level(12.0, 12.0, 27, 80, 13.5, 3, 3.2, 0.40, 4.6, 136),
    Level(12.0, 12.0, 26, 74, 12.0, 4, 2.8, 0.36, 4.2, 122, terse=True),
    Level(12.0, 11.0, 24, 68, 11.0, 4, 2.2, 0.34, 3.6, 100, terse=True),
    Level(12.0, 10.8, 20, 64, 9.0, 3, 2.2, 0.34, 3.6, 95, terse=True, compact=True),
    Level(12.0, 10.2, 19, 62, 8.4, 3, 1.8, 0.28, 3.0, 88, terse=True, compact=True),
    Level(12.0, 12.0, 26, 78, 0.0, 4, 2.6, 0.34, 4.0, 112, terse=True),
    Level(12.0, 12.0, 22, 66, 0.0, 5, 2.2, 0.32, 3.6, 95, terse=True),
    Level(11.2, 10.0, 19, 62, 8.4, 3, 2.0, 0.32, 3.4, 90, terse=True, compact=True),
    Level(11.2, 11.2, 22, 65, 0.0, 5, 2.1, 0.32, 3.5, 92, terse=True),
    Level(10.5, 9.6, 18, 61, 8.0, 3, 1.8, 0.32, 3.2, 88, terse=True, compact=True),
    Level(10.5, 10.5, 22, 64, 0.0, 5, 2.0, 0.32, 3.4, 90, terse=True),
    Level(9.7, 9.7, 21, 62, 0.0, 5, 1.9, 0.31, 3.3, 88, terse=True, list_columns=5),
    Level(9.0, 9.0, 20, 60, 0.0, 5, 1.8, 0.30, 3.2, 85, terse=True, list_columns=5),
    Level(8.2, 8.2, 19, 58, 0.0, 5, 1.7, 0.29, 3.1, 82, terse=True, list_columns=5),
    Level(7.5, 7.5, 18, 56, 0.0, 5, 1.5, 0.28, 3.0, 80, terse=True, list_columns=5),
    Level(6.0, 6.0, 16, 52, 0.0, 6, 1.2, 0.25, 2.6, 70, terse=True, list_columns=6),
)
"""From roomy to dense, on paper. Below 12 points a warning is due."""
_PICTURE_LEVEL = Level(13.0, 12.0, 28, 84, 15.0, 2, 4.0, 0.50, 5.5, 0, list_columns=2)


def _beside_columns(level: Level) -> int:
    """Return how many columns of officers stand beside a map."""
    if level.compact or (level.photo and not level.terse):
        return 2  # organisations need width
    if level.photo:
        return 3
    return 4 if level.text >= 9 else 5 if level.text >= 7 else 6


_BESIDE_MAP = tuple(
    replace(
        level,
        head_width=min(level.head_width, 64),
        head_photo=min(level.head_photo, 22),  # leaves the phone room to be large
        columns=_beside_columns(level),
        list_columns=3 if level.text >= 9 else 4,
    )
    for level in LEVELS
)
"""The levels of a landscape sheet, where all stands beside the map."""

_FORGETTING = 5
"""Empty documents that are made after each notice."""

_HARDLY_ANY_OFFICERS, _FEW_OFFICERS = 4, 9
_FIRST_LEVEL, _FIRST_CROWDED_LEVEL = 3, 5
"""Where to begin the search for the level that fits, with few officers and with many."""

_BESIDE_TALL_MAP = (3, 16)
"""The fewest and the most officers who stand well beside a tall map."""
_USUAL_HEIGHTS, _TABLE_HEIGHTS = (150.0, 200.0), (85.0, 170.0)
"""About how high a wide and a tall map become, in millimetres: usually, and above a table of sections."""
_MUCH_LARGER = 0.85

_COMMON = (
    "disclaimer",
    "watermark",
    "attribution",
    "approval_number",
    "supervision_phone",
    "qr",
    "issuer",
    "date",
    "version",
)
"""What most notices of a town say alike."""

_LONG_WORD = re.compile("[!-~]{18}")
"""A word that may be broken anywhere."""

_LEAST_MAP, _MOST_MAP, _OWN_MAP_HEIGHT = 40.0, 2000.0, 150.0
"""Millimetres that a map on a user's template may measure, and its height where it asks for none."""

_LOCATOR, _PICTURE_LOCATOR = (LITTLE_MAP, 36.0), (42.0, 28.0)
"""Width and height of the little map of the town, in millimetres."""
_PICTURE_MAP = (100.0, 180.0)
"""The least and the greatest height of a picture's map, in millimetres."""


@dataclass(frozen=True)
class Printed:
    """A finished notice: the file's content, and the fingerprints of what it says and of what its map shows."""

    content: bytes
    words: str
    shown: str
    window: tuple[float, float, float, float]
    map_size: tuple[float, float]


@dataclass(frozen=True)
class _Planned:
    """The levels with lists set in columns, and the same as JSON: most notices of a town have the same lists."""

    levels: list[dict[str, Any]]
    encoded: str
    heights: dict[tuple[object, ...], dict[str, float]] = field(default_factory=dict)
    """Of the parts that notices have in common, by what these say: as far as they have been measured."""


@dataclass(frozen=True)
class _Page:
    """A page to be set: all that the template reads but for photos, how wide these are, and what `Printed` tells."""

    data: dict[str, Any]
    photos: tuple[float, float] | None
    words: str
    shown: str
    window: tuple[float, float, float, float]
    map_size: tuple[float, float]


class Press:
    """Makes notices of one town on one kind of sheet; holds the compiler, its fonts and the prepared photos.

    Parameters
    ----------
    scene : Scene
        The town, ready for drawing.
    folder : Path
        An empty folder for the files that Typst reads.
    sheet : Sheet
        Paper, or `gridgeo.render.sheet.PICTURE`.
    prints : Fingerprints
        Of the same scene.
    kept : dict, optional
        Prepared photos that several presses share: see `gridgeo.render.photos.Photos`.
    """

    def __init__(
        self,
        scene: Scene,
        folder: Path,
        sheet: Sheet,
        prints: Fingerprints,
        kept: dict[tuple[Path, int], bytes] | None = None,
    ) -> None:
        import typst

        self._scene, self._folder, self._sheet = scene, folder, sheet
        self._photos, self._prints = Photos(folder, kept), prints
        self._locator_size = _PICTURE_LOCATOR if sheet.is_picture else _LOCATOR
        self._locator = Locator(scene, width=self._locator_size[0], height=self._locator_size[1])
        self._own_template = scene.town.publication.template
        self._compiler = typst.Compiler(
            input=str(put_into(folder, self._own_template)),
            root=str(folder),
            font_paths=print_fonts(),
        )
        (folder / "nothing.typ").write_bytes(b"")
        self._nothing = typst.Compiler(input=str(folder / "nothing.typ"), root=str(folder), font_paths=print_fonts())
        self._warnings: list[Problem] = []
        self._written: set[str] = set()
        self._plans: dict[tuple[object, object, float], _Planned] = {}
        self._sized_levels = tuple(map(self._sized, LEVELS))
        self._sized_levels_beside = tuple(map(self._sized, _BESIDE_MAP))
        self._theme = asdict(scene.theme)

    def take_warnings(self) -> list[Problem]:
        """Return what was printed otherwise than asked since the last call: unreadable photos, small print."""
        taken = [*self._photos.warnings, *self._warnings]
        self._photos.warnings.clear()
        self._warnings.clear()
        return taken

    def make(self, notice: Notice) -> Printed:
        """Make the PDF of one notice, or its PNG on the sheet `gridgeo.render.sheet.PICTURE`.

        Raises
        ------
        InputError
            When its texts don't fit on one page even in the smallest print.
        """
        return at_once(self.steps(notice))

    def steps(self, notice: Notice) -> Steps[Printed]:
        """Make one notice as `make` does, in steps: Typst works outside of the interpreter."""
        import typst

        try:
            page = yield from self._picture(notice) if self._sheet.is_picture else self._poster(notice)
            made: bytes | list[bytes] = yield partial(self._set, notice, page, **self._format)
        except (typst.TypstError, RuntimeError) as error:  # the latter comes of its queries
            reason = first_line_of(error).removeprefix("failed to compile document: ")
            raise InputError(self._failure(notice, reason)) from None
        if not isinstance(made, bytes):
            raise InputError(Problem(_place(notice), _MANY_PAGES))
        if self._own_template is not None and (pages := _PAGES.search(made)) is not None and int(pages[1]) != 1:
            values: dict[str, object] = {"count": int(pages[1]), "notice": _place(notice)}
            raise InputError(Problem(str(self._own_template), _TEMPLATE_PAGES, values))
        return Printed(made, page.words, page.shown, page.window, page.map_size)

    def _failure(self, notice: Notice, reason: str) -> Problem:
        """Return what is said of a notice that Typst can't set."""
        if self._own_template is None:
            return Problem(_place(notice), _CANNOT_SET, {"reason": reason})
        values: dict[str, object] = {"notice": _place(notice), "reason": reason}
        return Problem(str(self._own_template), _TEMPLATE_FAILS, values)

    def twin(self, notice: Notice) -> bytes:
        """Return the picture of a notice as a PDF of the same layout: it tells where on the picture which letters are.

        Raises
        ------
        InputError
            When its words can't be set.
        """
        import typst

        try:
            made = self._set(notice, at_once(self._picture(notice)), format="pdf")
        except (typst.TypstError, RuntimeError) as error:
            raise InputError(Problem(_place(notice), _CANNOT_SET, {"reason": str(error)[:200]})) from None
        assert isinstance(made, bytes)
        return made

    @property
    def _format(self) -> dict[str, Any]:
        """What Typst is asked for."""
        if self._sheet.is_picture:
            return {"format": "png", "ppi": PICTURE_PIXELS / (self._sheet.paper[0] / 25.4)}
        return {"format": "pdf", "pdf_standards": list(STANDARDS)}

    def _query(self, label: str, **options: Any) -> Any:
        return json.loads(self._compiler.query(label, **options))

    def _set(self, notice: Notice, page: _Page, **options: Any) -> bytes | list[bytes] | None:
        """Put the photos and the words of a page into the folder, and set it."""
        self._show_photos(notice, page.data["notice"], printed=page.photos)
        self._write_data(page.data)
        made, doubts = self._compiler.compile_with_warnings(timestamp=0, **options)
        if self._own_template is not None:  # what Typst passes over in silence, such as a font that isn't there
            template = str(self._own_template)
            self._warnings += [Problem(template, _TEMPLATE_DOUBT, {"reason": doubt.message}) for doubt in doubts]
        # Typst keeps what the last ten documents were made of, 10 MB each; notices share too little to be worth it
        for _ in range(_FORGETTING):
            self._nothing.compile(format="svg")
        return made

    def _poster(self, notice: Notice) -> Steps[_Page]:
        words = self._words(notice)
        if self._own_template is not None:
            return (yield from self._own_page(notice, words))
        levels = self._levels(notice, words["page"])
        words["teams"] = self._teams(notice, words["page"])
        chosen, map_height, lists_under = yield from self._choose(notice, words, levels)
        level = {**levels.levels[chosen], "team": words["teams"][chosen]}
        return self._page_of(notice, words, level, map_height, lists_under=lists_under)

    def _picture(self, notice: Notice) -> Steps[_Page]:
        words = self._words(notice)
        if self._own_template is not None:
            return (yield from self._own_page(notice, words))
        level = self._sized(_PICTURE_LEVEL)
        west, south, east, north = self._scene.areas.geometries[notice.index].bounds
        suiting = self._sheet.inner_width * (north - south) / (east - west)
        height = min(max(suiting, _PICTURE_MAP[0]), _PICTURE_MAP[1])
        plan = plan_columns(notice, level, self._sheet.inner_width)
        return self._page_of(notice, words, {**asdict(level), "plan": plan}, round(height, 1))

    def _own_page(self, notice: Notice, words: dict[str, Any]) -> Steps[_Page]:
        """Return the page of a user's template: the map as large as it asks for, one level of print."""
        level = self._sized(LEVELS[_FIRST_LEVEL])
        plan = plan_columns(notice, level, self._sheet.inner_width)
        sizes = {**asdict(level), "plan": plan}
        self._write("map.svg", NOTHING_DRAWN)
        self._show_photos(notice, words["notice"])
        size = {"width": words["page"]["map_width"], "height": _OWN_MAP_HEIGHT}
        page = {"mode": "measure", "level": sizes, "map": {**size, "alt": ""}, "mark": "0000-0000"}
        self._write_data({**words, **page})
        asked = yield partial(self._query, "<map-size>", field="value")
        wanted = asked[0] if asked else {}
        if not asked:
            self._warnings.append(Problem(str(self._own_template), _NO_MAP_SIZE, dict(size)))
        if not isinstance(wanted, dict):
            raise InputError(Problem(str(self._own_template), _BAD_MAP_SIZE, {"key": "size", "given": str(wanted)}))
        for key, value in size.items():
            given = wanted.get(key, value)
            if not isinstance(given, int | float) or not _LEAST_MAP <= given <= _MOST_MAP:
                problem = Problem(str(self._own_template), _BAD_MAP_SIZE, {"key": key, "given": str(given)})
                raise InputError(problem)
            size[key] = float(given)
        words["page"]["map_width"] = size["width"]
        return self._page_of(notice, words, sizes, size["height"])

    def _sized(self, level: Level) -> Level:
        """Return a level in the size of text that the theme asks for."""
        factor = self._scene.theme.sizes.text
        return replace(level, text=round(level.text * factor, 2), small=round(level.small * factor, 2))

    def _page_of(
        self,
        notice: Notice,
        words: dict[str, Any],
        level: dict[str, Any],
        map_height: float,
        *,
        lists_under: bool = False,
    ) -> _Page:
        """Draw the map into the folder, and return the page that shows it."""
        size = words["page"]["map_width"], map_height
        drawing = draw_map(self._scene, notice.index, width=size[0], height=size[1])
        self._write("map.svg", drawing.svg)
        prints = self._prints.of_words(notice, self._sheet), self._prints.of_window(drawing.window)
        map_as_made = {"height": map_height, "alt": drawing.description}
        page = {"mode": "print", "level": level, "map": map_as_made, "lists_under": lists_under}
        data = {**words, **page, "mark": mark_of(*prints)}
        factor = self._sheet.factor
        photos = (level["head_photo"] * factor, level["photo"] * factor) if self._own_template is None else None
        return _Page(data, photos, *prints, drawing.window, size)

    def _levels_of(self, page: dict[str, Any]) -> tuple[tuple[Level, ...], float]:
        """Return the levels of a layout, and how wide the lists and the team are on it, but beside a tall map."""
        if page["layout"] == "landscape":
            return self._sized_levels_beside, self._sheet.inner_width - page["map_width"] - BETWEEN
        return self._sized_levels, self._sheet.inner_width

    def _teams(self, notice: Notice, page: dict[str, Any]) -> list[Team]:
        """Return how the team stands at each level."""
        levels, width = self._levels_of(page)
        return arrange_team(notice.head, notice.officers, levels, width, across=page["layout"] == "landscape")

    def _levels(self, notice: Notice, page: dict[str, Any]) -> _Planned:
        """Return the levels with the notice's lists set in columns."""
        levels, width = self._levels_of(page)
        lists = (notice.classes, notice.services, width)
        if lists not in self._plans:
            planned = [{**asdict(level), "plan": plan_columns(notice, level, width)} for level in levels]
            self._plans[lists] = _Planned(planned, _as_json(planned))
        return self._plans[lists]

    def _choose(self, notice: Notice, words: dict[str, Any], levels: _Planned) -> Steps[tuple[int, float, bool]]:
        """Return the level to take, the height of the map in millimetres, and whether the lists stand under it."""
        first = _FIRST_LEVEL if len(notice.officers) <= _FEW_OFFICERS else _FIRST_CROWDED_LEVEL
        heading = self._scene.theme.sizes.heading
        if words["page"]["layout"] == "tall":
            least_of, width = least_heights_beside, self._sheet.inner_width - self._sheet.tall_map - BETWEEN
        else:
            least_of, width = least_heights, self._sheet.inner_width
        least = least_of(notice.head, notice.officers, self._sized_levels, width, heading=heading)
        alike = (words["page"]["layout"], words["long_words"], words["foot_beside"], *words["common"].values())
        known = levels.heights.setdefault(alike, {})
        upright = words["page"]["layout"] != "landscape"
        head = usual_head(notice, self._scene.theme.sizes, self._sheet.inner_width) if upright else ""
        tried = {"least_people": least, "first": first, "known": known, "usual_head": head}
        self._write_data({**words, **tried, "mode": "measure", "mark": "0000-0000"}, levels=levels.encoded)
        chosen = yield partial(self._query, "<chosen>", field="value", one=True)
        if chosen is None:
            raise InputError(Problem(_place(notice), _TOO_MUCH))
        known |= chosen["heights"]
        level = self._sized_levels[chosen["level"]]
        if level.text < 12:
            self._warnings.append(Problem(_place(notice), _SMALL_PRINT, {"size": f"{level.text:g}"}))
        return chosen["level"], math.floor((chosen["left"] - 0.2) * 10) / 10, chosen["lists-under"]

    def _words(self, notice: Notice) -> dict[str, Any]:
        """Return what the template needs of a notice, and put its pictures into the folder."""
        publication = self._scene.town.publication
        date = publication.date or dt.date(2000, 1, 1)
        width, height = self._locator_size
        self._write("locator.svg", self._locator.draw(notice.index))
        if notice.address:
            self._write("qr.svg", qr_code(notice.address, _place(notice)))
        content = vars(notice) | {
            "extent_sentence": notice.extent.sentence(),
            "qr": bool(notice.address),
            "ems": {"title": _serif_ems(notice.title), "name": text_width(notice.name, 1.0)},
            "head": _card(notice.head),
            "officers": [_card(card) for card in notice.officers],
            "organisations": organisations_of(notice.officers),
            "longest_word": longest_word(notice.extent),
        }
        for key in ("index", "kind", "classes", "services"):
            del content[key]
        common = {key: content[key] for key in _COMMON}
        return {
            "notice": content,
            "common": common,
            "theme": self._theme,
            "page": self._page(notice),
            "foot_beside": foot_stands_beside(notice, self._scene.theme.words, self._sheet.inner_width),
            "long_words": any(_LONG_WORD.search(text) for _, text in texts_of(notice)),
            "locator": {"width": width, "height": height},
            "date": [date.year, date.month, date.day],
        }

    def _page(self, notice: Notice) -> dict[str, Any]:
        """Return the sheet and the layout that suits the block."""
        sheet = self._sheet
        few, many = _BESIDE_TALL_MAP
        area = self._scene.areas.geometries[notice.index]
        if sheet.is_picture:
            layout, map_width = "picture", sheet.inner_width
        elif sheet.landscape_map:
            is_sparse = len(notice.officers) <= _HARDLY_ANY_OFFICERS and not notice.patrols
            layout, map_width = "landscape", sheet.broad_map if is_sparse else sheet.landscape_map
        elif few <= len(notice.officers) <= many and is_tall(
            area, sheet.inner_width, sheet.tall_map, heights=_TABLE_HEIGHTS if notice.patrols else _USUAL_HEIGHTS
        ):
            layout, map_width = "tall", sheet.tall_map
        else:
            layout, map_width = "wide", sheet.inner_width
        sizes = {"inner_height": sheet.inner_height, "factor": sheet.factor}
        crowded = bool(notice.patrols) or len(notice.officers) > _FEW_OFFICERS
        head = {"column_head": layout == "landscape" and crowded}
        return asdict(sheet) | sizes | head | {"layout": layout, "map_width": map_width}

    def _show_photos(
        self, notice: Notice, words: dict[str, Any], *, printed: tuple[float, float] | None = None
    ) -> None:
        """Put the photos that will be printed into the folder, and their names into the words.

        Parameters
        ----------
        printed : tuple of float, optional
            Widths on paper of the head's photo and of the officers', in millimetres; those of width 0 are left out.
        """
        head, officer = printed or (None, None)
        words["head"]["photo"] = self._photos.prepared(notice.head.photo, notice.head.name, printed=head)
        if officer != 0:
            for card, shown in zip(notice.officers, words["officers"], strict=True):
                shown["photo"] = self._photos.prepared(card.photo, card.name, printed=officer)

    def _write_data(self, data: dict[str, Any], **encoded: str) -> None:
        """Write what the template reads; ``encoded`` are values that are JSON already."""
        more = "".join(f', "{key}": {value}' for key, value in encoded.items())
        self._write("data.json", f"{_as_json(data)[:-1]}{more}}}")

    def _write(self, name: str, content: str) -> None:
        """Write a file over the last one: Linux would wait for the disk if that were emptied first."""
        with (self._folder / name).open("r+b" if name in self._written else "wb") as file:
            file.write(content.encode())
            file.truncate()
        self._written.add(name)


def _as_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=plain)


def _place(notice: Notice) -> str:
    return f"{notice.name} ({notice.code})"


def _card(card: Card) -> dict[str, Any]:
    ems = {
        "name": _serif_ems(card.name),
        "role": text_width(card.role_name, 1.0),
        "organisation": text_width(card.organisation, 1.0),
        "phone": text_width(card.phone, 1.0),
        "hours": text_width(card.hours, 1.0),
    }
    return vars(card) | {"photo": None, "initial": "" if card.is_pending else card.name[:1], "ems": ems}


def _serif_ems(text: str) -> float | None:
    """Return how many ems a text fills in the serif font, where all its characters are squares; else None."""
    return float(len(text)) if all(map(is_wide, text)) else None


def is_tall(
    area: shapely.Geometry, wide_map: float, tall_map: float, *, heights: tuple[float, float] = _USUAL_HEIGHTS
) -> bool:
    """Return whether a block is shown clearly larger on a tall map than on a wide one; lengths in millimetres."""
    west, south, east, north = area.bounds
    wide = max((east - west) / wide_map, (north - south) / heights[0])
    tall = max((east - west) / tall_map, (north - south) / heights[1])
    return bool(tall < _MUCH_LARGER * wide)
