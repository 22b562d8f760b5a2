"""Maps of index sheets: the whole town with its grids, or one grid with its blocks, each numbered as in the table.

A name stands with its number in the widest part of its area where it fits; else the number alone; else the number on a
disc, on the area or beside it with a line that leads to it. So every area is keyed to the table, however small.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from gridgeo.render import colours, furniture, svg
from gridgeo.render.drawing import (
    BORDER_DASH,
    Drawing,
    draw_borders,
    draw_furniture,
    draw_ground,
    draw_roads,
    draw_street_surfaces,
    draw_veil,
    ground_legend,
    veiled,
)
from gridgeo.render.fonts import POINT, text_width
from gridgeo.render.labels import Label, Page, place_at, place_in_area
from gridgeo.render.naming import Names
from gridgeo.render.scene import Scene, Section
from gridgeo.render.section_marks import SectionMarks
from gridgeo.render.theme import in_theme
from gridgeo.render.view import View
from gridgeo.render.window import OVERVIEW, Window

_MARGIN = 0.025
_NAME_SIZES = (15.0, 13.5, 12.0, 10.5, 9.5, 8.5)
"""Points. No more than that for wide areas: a name is not more important because there is room for it."""
_NUMBER_SIZES = (13.0, 11.5, 10.0, 8.5)
_DISC_SIZE = 8.5
_NEIGHBOUR_SIZES = (10.5, 9.5)
_CELLS = 4
"""An area is cut into so many by so many parts to find places for a number on it."""
_FAR = (5.0, 8.0, 12.0, 17.0, 24.0, 32.0, 45.0)
"""Millimetres from an area at which its number may stand."""
_GAP = 1.0
_VEIL = 0.55
_EDGE, _EDGE_CASING = 1.0, 2.2


@dataclass(frozen=True)
class Plot:
    """One numbered area of an index: a grid of the town, or a block of a grid."""

    number: str
    name: str
    blocks: tuple[int, ...]
    """Indices of its blocks in the scene."""

    @property
    def label(self) -> str:
        """Number and name; the name alone where it says the number: 第2责任块."""
        said = f"第{self.number}责任块" in self.name
        return self.name if said or not self.number else f"{self.number} {self.name}"


class Region(Window):
    """What an index map shows: the blocks of some plots, whole, with what lies around them."""

    def __init__(self, scene: Scene, plots: Sequence[Plot], width: float, height: float, fills: Sequence[int]) -> None:
        self.scene, self.index = scene, -1
        self._fills = fills
        mine = [k for plot in plots for k in plot.blocks]
        area = shapely.union_all(scene.areas.geometries[mine])
        self.is_street = False
        self.view = View.of(area, width, height, margin=_MARGIN, within=None)
        self.is_overview = self.view.scale > OVERVIEW
        self._box = shapely.box(*self.view.window)
        self.blocks = dict(self._show(scene.areas))
        self.focus = self.view.shown(area)
        shapely.prepare(self.focus)
        kinds = scene.kinds
        self.streets = [k for k in self.blocks if kinds[k] == "street"]
        self.others = [k for k in self.blocks if kinds[k] != "street"]
        self.lines = self._show(scene.lines)
        self.surfaces = self._show(scene.surfaces)

    @property
    def colours(self) -> Sequence[int]:
        """Colour number of each block: of its grid, or its own."""
        return self._fills


@in_theme
def draw_index_map(
    scene: Scene,
    plots: Sequence[Plot],
    *,
    width: float,
    height: float,
    fills: Sequence[int],
    subject: str,
    sections: Sequence[Section] = (),
) -> Drawing:
    """Return the map of an index sheet, ``width`` x ``height`` millimetres with its legend.

    Parameters
    ----------
    scene : Scene
    plots : sequence of Plot
        What is numbered; what else lies in the window is faded.
    fills : sequence of int
        Colour number of each block of the scene.
    subject : str
        What the map shows, for readers who can't see it.
    sections : sequence of Section
        Of streets among the plots, drawn as on their notices.
    """
    strip = _GAP + furniture.legend_height([[]])
    for _ in range(2):
        window = Region(scene, plots, width, height - strip, fills)
        rows = furniture.legend_rows(_legend(window, plots, sections), width)
        needed = _GAP + furniture.legend_height(rows)
        if needed == strip:
            break
        strip = needed
    view = window.view
    page = Page(shapely.box(1.5, 1.5, view.width - 1.5, view.height - 1.5))
    furnished = draw_furniture(window, page)
    street_marks = SectionMarks(window, sections)
    numbered = "".join(street_marks.numbers(page))
    marks = _Marks(window, page)
    named = [*marks.plots(plots)]
    names = Names(window, page, border_width=_EDGE_CASING)
    named += names.lines()
    named += marks.neighbours(plots)
    inside = shapely.box(0.2, 0.2, view.width - 0.2, view.height - 0.2)
    rectangle = f'<rect width="{svg.number(view.width)}" height="{svg.number(view.height)}"/>'
    content = [
        '<g clip-path="url(#frame)">',
        *draw_ground(window),
        *draw_roads(window),
        *draw_street_surfaces(window),
        *_street_plots(window, plots),
        *(street_marks.surfaces() if numbered else ()),
        draw_veil(window, svg.path_data([window.focus]), _VEIL),
        *draw_borders(window),
        *_edge(window),
        *(street_marks.bars() if numbered else ()),
        furnished,
        *named,
        numbered,
        "</g>",
        svg.path([inside], fill="none", stroke=colours.INK, stroke_width=svg.number(0.4)),
        furniture.draw_legend(rows, 0, view.height + _GAP),
    ]
    drawn = svg.document(width, height, content, definitions=f'<clipPath id="frame">{rectangle}</clipPath>')
    listed = "、".join(plot.name for plot in plots[:12]) + ("等" if len(plots) > 12 else "")
    words = f"{subject}，比例尺 1:{view.scale}，共 {len(plots)} 个：{listed}。"
    return Drawing(drawn, view.scale, view.window, (*marks.placed, *street_marks.placed, *names.placed), words)


def _street_plots(window: Region, plots: Sequence[Plot]) -> Iterable[str]:
    """Fill the street blocks that are numbered: other streets stay white."""
    numbered = {k for plot in plots for k in plot.blocks}
    for k in window.streets:
        if k in numbered:
            fill = colours.mixed(colours.fill_of(window.colours[k]), "#FFFFFF", 0.25)
            yield svg.path([window.blocks[k]], fill=fill)


def _edge(window: Region) -> Iterable[str]:
    for colour, width in ((colours.HALO, _EDGE_CASING), (colours.ACCENT, _EDGE)):
        yield svg.path([window.focus], fill="none", stroke=colour, stroke_width=svg.number(width))


def _legend(window: Region, plots: Sequence[Plot], sections: Sequence[Section]) -> list[furniture.Entry]:
    edge = furniture.stroke_sample((colours.HALO, _EDGE_CASING), (colours.ACCENT, _EDGE))
    entries = [furniture.Entry("本图范围", edge)]
    if sections:
        entries.append(furniture.Entry("责任路段（编号、分界）", furniture.section_sample(colours.section_fills())))
    grids = {int(window.scene.grid_numbers[k]) for k in window.blocks}
    if len(grids) > 1:
        entries.append(furniture.Entry("网格界", furniture.stroke_sample((colours.GRID_BORDER, 0.6))))
    if len(window.blocks) > len(grids):
        line = furniture.stroke_sample((colours.BLOCK_BORDER, 0.45), dash=BORDER_DASH)
        entries.append(furniture.Entry("责任块界", line))
    if window.streets:
        entries.append(furniture.Entry("街面", furniture.swatch(colours.ROAD, stroke=colours.ROAD_CASING)))
    numbered = {k for plot in plots for k in plot.blocks}
    if any(k not in numbered for k in window.others):
        entries.append(
            furniture.Entry("其他责任块", furniture.swatch(veiled(colours.LAND), stroke=colours.GRID_BORDER))
        )
    return [*entries, *ground_legend(window)]


class _Marks:
    """Puts numbers and names of plots on a map."""

    def __init__(self, window: Region, page: Page) -> None:
        self._window, self._page = window, page
        self.placed: list[Label] = []

    def plots(self, plots: Sequence[Plot]) -> Iterable[str]:
        """Put down numbers and names of plots, streets last, as narrow as they are."""
        shapes = [shapely.union_all([self._window.blocks[k] for k in plot.blocks]) for plot in plots]
        narrow = [self._window.scene.kinds[plot.blocks[0]] == "street" for plot in plots]
        order = sorted(range(len(plots)), key=lambda k: (narrow[k], round(shapes[k].area, 3), k))
        waiting = []
        for k in order:
            found = None if narrow[k] else self._inside(plots[k], shapes[k])
            if found is None:
                waiting.append(k)
            else:
                yield found
        for k in waiting:
            # a lone area needs no number: it is what the sheet is about
            if plots[k].number:
                yield self._disc(plots[k].number, shapes[k])

    def neighbours(self, plots: Sequence[Plot]) -> Iterable[str]:
        """Name the grids around."""
        numbered = {k for plot in plots for k in plot.blocks}
        scene, members = self._window.scene, dict[int, list[int]]()
        for k in self._window.others:
            if k not in numbered:
                members.setdefault(int(scene.grid_numbers[k]), []).append(k)
        for blocks in sorted(members.values()):
            shape = shapely.union_all([self._window.blocks[k] for k in blocks])
            found = place_in_area(self._page, shape, scene.grid_names[blocks[0]], sizes=_NEIGHBOUR_SIZES, margin=1.0)
            if found is not None:
                yield self._put(found, colours.QUIET_INK)

    def _inside(self, plot: Plot, shape: shapely.Geometry) -> str | None:
        for text, sizes in ((plot.label, _NAME_SIZES), (plot.number, _NUMBER_SIZES)):
            found = place_in_area(self._page, shape, text, sizes=sizes, margin=0.8, downwards=False) if text else None
            if found is not None:
                return self._put(found, colours.INK)
        return None

    def _put(self, placed: Label, fill: str) -> str:
        self.placed.append(placed)
        self._page.take(shapely.buffer(placed.shape, 0.5, join_style="mitre"))
        return svg.label(placed, fill=fill, halo=colours.HALO)

    def _disc(self, number: str, shape: shapely.Geometry) -> str:
        places = _places_on(shape)
        for x, y in places:
            if (found := self._at(number, x, y)) is not None:
                return found
        for far in _FAR:
            for x0, y0 in places[:6]:
                for step in range(12):
                    angle = math.pi / 6 * step
                    x, y = x0 + far * math.cos(angle), y0 - far * math.sin(angle)
                    if (found := self._at(number, x, y)) is not None:
                        leader = shapely.LineString([(x0, y0), (x, y)])
                        style = {"fill": "none", "stroke": colours.INK, "stroke_width": svg.number(0.35)}
                        return svg.path([leader], **style) + found
        return ""

    def _at(self, number: str, x: float, y: float) -> str | None:
        label = place_at(self._page, number, x, y, _DISC_SIZE)
        if label is None:
            return None
        em = _DISC_SIZE * POINT
        half = max(0.72 * em, text_width(number, em) / 2 + 0.3 * em)
        plate = shapely.box(x - half, y - 0.68 * em, x + half, y + 0.68 * em)
        if not self._page.is_free(np.array([plate], object)):
            return None
        label = Label(label.runs, label.size, label.boxes, plate)
        self.placed.append(label)
        self._page.take(shapely.buffer(plate, 0.4))
        rounded = svg.attributes(
            x=svg.number(x - half),
            y=svg.number(y - 0.68 * em),
            width=svg.number(2 * half),
            height=svg.number(1.36 * em),
            rx=svg.number(0.68 * em),
            fill="#FFFFFF",
            stroke=colours.INK,
            stroke_width=svg.number(0.35),
        )
        return f"<rect{rounded}/>{svg.label(label, fill=colours.INK)}"


def _places_on(shape: shapely.Geometry) -> list[tuple[float, float]]:
    """Return places on a shape, the widest first: of each part of it in a grid of cells."""
    west, south, east, north = shape.bounds
    found: list[tuple[float, float, float]] = []
    for row in range(_CELLS):
        for column in range(_CELLS):
            cell = shapely.box(
                west + (east - west) * column / _CELLS,
                south + (north - south) * row / _CELLS,
                west + (east - west) * (column + 1) / _CELLS,
                south + (north - south) * (row + 1) / _CELLS,
            )
            for part in shapely.get_parts(shapely.intersection(shape, cell)).tolist():
                if part.geom_type == "Polygon" and part.area > 0.05:
                    circle = shapely.maximum_inscribed_circle(part, tolerance=0.1)
                    x, y = circle.coords[0]
                    found.append((round(-circle.length, 3), x, y))
    return [(x, y) for _, x, y in sorted(found)]
