"""Index sheets: the town with all its grids, and each grid with its blocks, numbered on a map and listed in a table.

PDF in the same standards as the notices. The table runs over to further pages where it is long.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from gridgeo._files import write_whole
from gridgeo._words import first_line_of
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.progress import track
from gridgeo.render.colours import colour_by_adjacency
from gridgeo.render.drawing import Drawing
from gridgeo.render.fingerprint import Bounds, Fingerprints, digest_of, versions
from gridgeo.render.fonts import printable
from gridgeo.render.index_map import Plot, draw_index_map
from gridgeo.render.ledger import SheetEntry, is_untouched
from gridgeo.render.notice import KIND_NAMES, Notice, shown_date
from gridgeo.render.poster import STANDARDS
from gridgeo.render.print_fonts import print_fonts
from gridgeo.render.publishing import publishable
from gridgeo.render.scene import Scene, Section
from gridgeo.render.sections import Watch
from gridgeo.render.sheet import Sheet, sheet_of
from gridgeo.render.svg import NOTHING_DRAWN

FOLDER = "index"
_TOWN = "town"
"""Name of the town's own sheet."""

_FOOT, _GAP, _BETWEEN = 9.0, 4.0, 8.0
"""Millimetres of the foot, between map and table under it, and between map and table beside it."""
_TOWN_SIDE, _GRID_SIDE = 100.0, 165.0
"""Width of a table beside a map."""
_LEGEND = 16.0
"""About how high a map's legend is at most."""
_LEAST_SHARE, _MOST_SHARE = 0.45, 0.66
"""Of the first page's height that the map takes where the table runs over to another page: at least, at most."""

_DRAWING = Message("printing index sheets", "正在制作索引图")
_CANNOT_SET = Message("the index sheet can't be set ({reason})", "索引图无法排版（{reason}）")


Row = tuple[str | tuple[str, ...], ...]
"""Cells of a table; one in pieces that are best not broken."""


@dataclass(frozen=True)
class IndexSheet:
    """One index sheet: its words, what its map numbers, and the rows of its table."""

    file: str
    title: str
    name: str
    overline: str
    plots: tuple[Plot, ...]
    fills: tuple[int, ...]
    heads: tuple[str, ...]
    widths: tuple[float, ...]
    """Of the columns, in shares; 0 for as wide as needed."""
    rows: tuple[dict[str, Any], ...]
    columns: int
    """Of the table under a map on an upright sheet."""
    side_width: float
    """Of the table beside a map on a sheet across, in millimetres."""
    sections: tuple[Section, ...] = ()
    """Of the streets of its blocks, numbered as on the map."""
    section_heads: tuple[str, ...] = ()
    section_rows: tuple[Row, ...] = ()

    def is_of_grid_of(self, blocks: Collection[int]) -> bool:
        """Return whether it is the sheet of one grid, to which one of some blocks belongs."""
        return self.file != _TOWN and any(k in blocks for plot in self.plots for k in plot.blocks)


def town_sheet(scene: Scene, town_name: str) -> IndexSheet:
    """Return the index sheet of the town: its grids by kind, numbered."""
    members = _members(scene)
    order = sorted(
        members, key=lambda number: (_kind_rank(scene, members[number]), scene.blocks["grid"][members[number][0]])
    )
    plots: list[Plot] = []
    rows: list[dict[str, Any]] = []
    counts: dict[str, int] = {}
    for grid in order:
        kind = scene.kinds[members[grid][0]]
        counts[kind] = counts.get(kind, 0) + 1
    told: set[str] = set()
    for number, grid in enumerate(order, 1):
        blocks = members[grid]
        kind = scene.kinds[blocks[0]]
        if kind not in told:
            told.add(kind)
            rows.append({"kind": "group", "words": f"{_kind_name(kind)}（{counts[kind]} 个）"})
        name, code = scene.grid_names[blocks[0]], printable(scene.blocks["grid"][blocks[0]])
        plots.append(Plot(str(number), name, tuple(blocks)))
        rows.append({"kind": "row", "cells": [str(number), name, code, str(len(blocks))]})
    return IndexSheet(
        file=_TOWN,
        title=scene.theme.words.town_index,
        name=town_name,
        overline=f"{len(order)} 个网格　{len(scene.blocks)} 个责任块",
        plots=tuple(plots),
        fills=tuple(_grid_colours(scene)),
        heads=("序号", "网格", "编号", "责任块"),
        widths=(0, 1, 0, 0),
        rows=tuple(rows),
        columns=2,
        side_width=_TOWN_SIDE,
    )


def grid_sheets(scene: Scene, notices: Sequence[Notice], town_name: str, names: Sequence[str]) -> list[IndexSheet]:
    """Return the sheet of each grid: its blocks, numbered, with their heads and their extents in words.

    ``names`` are safe file names of the grids, in the order of their first blocks.
    """
    sheets = []
    by_index = {notice.index: notice for notice in notices}
    for name, (_, blocks) in zip(names, _members(scene).items(), strict=True):
        many = len(blocks) > 1
        plots = tuple(
            Plot(str(number) if many else "", scene.short_name(k) if many else scene.grid_names[k], (k,))
            for number, k in enumerate(blocks, 1)
        )
        rows = []
        for number, k in enumerate(blocks, 1):
            notice = by_index[k]
            patrollers = [card.name for card in notice.officers if card.role == "patroller"]
            rows.append(
                {
                    "kind": "row",
                    "cells": [
                        str(number),
                        [notice.name if not many else scene.short_name(k), notice.code],
                        [notice.head.name, notice.head.phone],
                        "、".join(patrollers[:4]) + ("等" if len(patrollers) > 4 else ""),
                        notice.extent.sentence(),
                    ],
                }
            )
        first = by_index[blocks[0]]
        sections, section_rows = _sections(scene, [by_index[k] for k in blocks])
        shifts = next((by_index[k].shifts for k in blocks if by_index[k].patrols), ())
        sheets.append(
            IndexSheet(
                file=name,
                title=scene.theme.words.grid_index,
                name=scene.grid_names[blocks[0]],
                overline=f"{town_name}　{first.kind_name}　编号 {printable(scene.blocks['grid'][blocks[0]])}",
                plots=plots,
                fills=tuple(scene.colours),
                heads=("序号", "责任块", "块长", "网格巡查员", "四至"),
                widths=(0, 1.5, 1.2, 1.2, 3),
                rows=tuple(rows),
                columns=1,
                side_width=_GRID_SIDE,
                sections=sections,
                section_heads=("编号", "责任路段", "长度", *(f"{head.name} {head.hours}".strip() for head in shifts)),
                section_rows=section_rows,
            )
        )
    return sheets


def _sections(scene: Scene, notices: Sequence[Notice]) -> tuple[tuple[Section, ...], tuple[Row, ...]]:
    """Return the sections of a grid's blocks, numbered in their order, and a row for each."""
    found: list[Section] = []
    rows: list[Row] = []
    for number, notice in enumerate(notices, 1):
        for section, row in zip(scene.sections_by_block.get(notice.index, ()), notice.patrols, strict=True):
            label = section.number if len(notices) == 1 else f"{number}-{section.number}"
            found.append(replace(section, number=label))
            rows.append((label, row.streets, row.length, *map(_on_duty, row.shifts)))
    return tuple(found), tuple(rows)


def _on_duty(watches: Sequence[Watch]) -> tuple[str, ...]:
    """Return who is on duty, in pieces that are best not broken: 周一至周四 张三、 / 李四； / 周五至周日 王五."""
    pieces: list[str] = []
    for last, watch in zip([False] * (len(watches) - 1) + [True], watches, strict=True):
        names = [name for name, _ in watch.people]
        days = "" if watch.days in ("", "每天") else f"{watch.days} "
        ends = ["、"] * (len(names) - 1) + ["" if last else "；"]
        pieces += [
            f"{days if k == 0 else ''}{name}{end}" for k, (name, end) in enumerate(zip(names, ends, strict=True))
        ]
    return tuple(pieces)


def index_sheets(scene: Scene, notices: Sequence[Notice]) -> list[IndexSheet]:
    """Return all index sheets of a town: its own, and that of each grid."""
    from gridgeo.render import file_names

    town_name = publishable(scene.town.name)
    grids = [printable(scene.blocks["grid"][blocks[0]]) for blocks in _members(scene).values()]
    names = file_names([_TOWN, *grids])[1:]
    return [town_sheet(scene, town_name), *grid_sheets(scene, notices, town_name, names)]


def make_index(
    scene: Scene, sheets: Sequence[IndexSheet], out: Path, edition: str, held: Mapping[str, SheetEntry]
) -> Iterator[SheetEntry]:
    """Make the index sheet of the town and that of each grid as PDF below ``out``; each is written whole or not at all.

    Files that hold still, by the entries ``held`` of the ledger, are left as they are. The entries of all are yielded.

    Raises
    ------
    InputError
        When a sheet can't be set: names it.
    """
    with tempfile.TemporaryDirectory(prefix="gridgeo-") as folder:
        setter = IndexPress(scene, Path(folder), sheet_of(edition))
        for index in track(sheets, _DRAWING):
            file = index_file(index, edition)
            entry = held.get(file)
            words = setter.print_of(index)
            if entry is None or not setter.still_holds(entry, words, out):
                made, window = setter.make(index)
                write_whole(out / file, made)
                digest = hashlib.sha256(made).hexdigest()
                entry = SheetEntry(file, "index", edition, "", words, setter.shown(window), window, digest)
            yield entry


def index_file(index: IndexSheet, edition: str) -> str:
    """Return where an index sheet lies in the folder of products."""
    return f"{FOLDER}/{index.file}.pdf" if edition == "A3" else f"{FOLDER}/{index.file}-{edition}.pdf"


def words_on(data: Mapping[str, Any]) -> list[str]:
    """Return every text of an index sheet that came from the user or heads a column, of what its template gets."""
    words = [data[key] for key in ("title", "name", "overline", "watermark", "heads")]
    words += [data[key] for key in ("issuer", "shown_date", "version", "approval_number", "disclaimer", "attribution")]
    words += [row.get("words", row.get("cells")) for row in data["rows"]]
    if data["section_rows"]:
        words += [data["section_heads"], *data["section_rows"]]
    return list(dict.fromkeys(text for part in words for text in _flat(part)))


def _flat(words: str | Sequence[Any]) -> Iterator[str]:
    if isinstance(words, str):
        yield words
    else:
        for part in words:
            yield from _flat(part)


@dataclass(frozen=True)
class MapPlace:
    """Where the map of an index sheet stands: above its table or beside it; width and height in millimetres."""

    width: float
    height: float
    is_beside: bool


class IndexPress:
    """Sets index sheets with Typst, and tells which of them are what they would be again."""

    def __init__(self, scene: Scene, folder: Path, sheet: Sheet) -> None:
        self._scene, self._folder, self._sheet = scene, folder, sheet
        self._template = resources.files("gridgeo.render").joinpath("index.typ").read_bytes()
        self._prints = Fingerprints(scene)
        self._maps: dict[str, MapPlace] = {}

    @cached_property
    def _compiler(self) -> Any:
        import typst

        (self._folder / "index.typ").write_bytes(self._template)
        return typst.Compiler(
            input=str(self._folder / "index.typ"),
            root=str(self._folder),
            font_paths=print_fonts(),
        )

    def print_of(self, index: IndexSheet) -> str:
        """Return the fingerprint of all that a sheet says, of the areas that it numbers, and of how it is set."""
        scene = self._scene
        mine = [k for plot in index.plots for k in plot.blocks]
        extent = () if scene.extent is None else scene.extent.bounds
        plain = repr((versions(), scene.theme, extent, scene.convergence, index)).encode()
        data = json.dumps(self.words(index), ensure_ascii=False, sort_keys=True).encode()
        return digest_of(self._template, plain, data, *shapely.to_wkb(scene.areas.geometries[mine]).tolist())

    def shown(self, window: Sequence[float]) -> str:
        """Return the fingerprint of what lies in a map's window."""
        west, south, east, north = window
        return self._prints.of_window((west, south, east, north))

    def still_holds(self, entry: SheetEntry, words: str, out: Path) -> bool:
        """Return whether a sheet is there, untouched, and would be made just so again."""
        holds = entry.words == words and len(entry.window) == 4 and entry.shown == self.shown(entry.window)
        return holds and is_untouched(out, entry.file, entry.sha256)

    def draw(self, index: IndexSheet) -> Drawing:
        """Return the map of a sheet, in millimetres of the design."""
        place = self.place(index)
        return draw_index_map(
            self._scene,
            index.plots,
            width=place.width,
            height=place.height,
            fills=index.fills,
            sections=index.sections,
            subject=f"{index.name}的{index.title}",
        )

    def words(self, index: IndexSheet) -> dict[str, Any]:
        """Return all that the template needs but the map."""
        sheet, publication, theme = self._sheet, self._scene.town.publication, self._scene.theme
        date = publication.date or dt.date(2000, 1, 1)
        return {
            "title": index.title,
            "name": index.name,
            "town": publishable(self._scene.town.name),
            "overline": index.overline,
            "heads": index.heads,
            "widths": index.widths,
            "rows": index.rows,
            "columns": index.columns * (2 if sheet.landscape_map and index.columns > 1 else 1),
            "side_width": index.side_width if sheet.landscape_map else 0.0,
            "section_heads": index.section_heads,
            "section_rows": index.section_rows,
            "text": 10.5,
            "page": asdict(sheet) | {"factor": sheet.factor},
            "issuer": publishable(publication.issuer),
            "shown_date": shown_date(publication.date) if publication.date else "",
            "version": publishable(publication.version),
            "approval_number": printable(publication.approval_number),
            "disclaimer": publishable(publication.disclaimer),
            "watermark": publishable(self._scene.town.watermark),
            "attribution": publishable(self._scene.town.attribution),
            "date": [date.year, date.month, date.day],
            "words": {"version": theme.words.version, "approval": theme.words.approval},
            "theme": {
                "ink": theme.colours.ink,
                "quiet": theme.colours.quiet_ink,
                "hairline": theme.colours.hairline,
                "tint": theme.colours.tint,
                "accent": theme.colours.accent,
            },
        }

    def make(self, index: IndexSheet) -> tuple[bytes, Bounds]:
        """Return the PDF of a sheet, and the window of its map."""
        import typst

        drawing = self.draw(index)
        (self._folder / "map.svg").write_text(drawing.svg, encoding="utf-8")
        place = self.place(index)
        size = {"width": place.width, "height": place.height, "alt": drawing.description}
        self._write(self.words(index) | {"mode": "print", "beside": place.is_beside, "map": size})
        try:
            made = self._compiler.compile(format="pdf", pdf_standards=list(STANDARDS), timestamp=0)
        except typst.TypstError as error:
            raise InputError(Problem(index.name, _CANNOT_SET, {"reason": first_line_of(error)})) from None
        assert isinstance(made, bytes)
        return made, drawing.window

    def place(self, index: IndexSheet) -> MapPlace:
        """Return where the map of a sheet stands and how large it is, with its legend, in millimetres of the design.

        Beside the table on a sheet across, as high as the sheet, where the ground is shown no smaller so; else above
        it. A map fills what the table leaves of a page.
        """
        if index.file not in self._maps:
            self._maps[index.file] = self._placed(index)
        return self._maps[index.file]

    def _placed(self, index: IndexSheet) -> MapPlace:
        import typst

        sheet = self._sheet
        empty = {"width": 10, "height": 10, "alt": ""}
        (self._folder / "map.svg").write_text(NOTHING_DRAWN, encoding="utf-8")
        self._write(self.words(index) | {"mode": "measure", "beside": False, "map": empty})
        try:
            sizes = json.loads(self._compiler.query("<sizes>", field="value", one=True))
        except (typst.TypstError, RuntimeError) as error:
            raise InputError(Problem(index.name, _CANNOT_SET, {"reason": first_line_of(error)})) from None
        shapes = self._scene.areas.geometries[[k for plot in index.plots for k in plot.blocks]]
        west, south, east, north = shapely.total_bounds(shapes)
        wide, high = max(east - west, 1e-9), max(north - south, 1e-9)
        inner = sheet.inner_height - _FOOT
        left = inner - sizes["masthead"] - _GAP - sizes["under"] - 0.5
        if left < _LEAST_SHARE * inner:
            suiting = sheet.inner_width * high / wide + _LEGEND
            left = max(min(suiting, _MOST_SHARE * inner), 0.3 * inner)
        above = MapPlace(sheet.inner_width, round(float(left), 1), is_beside=False)
        if not sheet.landscape_map:
            return above
        beside = MapPlace(sheet.inner_width - index.side_width - _BETWEEN, round(inner - 0.5, 1), is_beside=True)
        return max((beside, above), key=lambda place: min(place.width / wide, (place.height - _LEGEND) / high))

    def _write(self, data: Mapping[str, Any]) -> None:
        content = json.dumps(data, ensure_ascii=False, sort_keys=True)
        (self._folder / "data.json").write_text(content, encoding="utf-8")


def _members(scene: Scene) -> dict[int, list[int]]:
    """Return the blocks of each grid, in order of code."""
    found: dict[int, list[int]] = {}
    for k, grid in enumerate(scene.grid_numbers.tolist()):
        found.setdefault(grid, []).append(k)
    return found


def _kind_rank(scene: Scene, blocks: Sequence[int]) -> int:
    kinds = list(KIND_NAMES)
    kind = scene.kinds[blocks[0]]
    return next((k for k, known in enumerate(kinds) if known == kind), len(kinds))


def _kind_name(kind: str) -> str:
    return next((name for known, name in KIND_NAMES.items() if known == kind), KIND_NAMES["extended"])


def _grid_colours(scene: Scene) -> list[int]:
    """Return a colour number for each block, that of its grid: grids that touch differ."""
    shapes, grids = scene.areas.geometries, scene.grid_numbers
    one, other = scene.areas.tree.query(shapes, predicate="intersects")
    apart = grids[one] != grids[other]
    pairs = np.unique(np.stack([grids[one[apart]], grids[other[apart]]], axis=1), axis=0)
    numbers = colour_by_adjacency(int(grids.max()) + 1, [(int(a), int(b)) for a, b in pairs])
    return [numbers[grid] for grid in grids.tolist()]
