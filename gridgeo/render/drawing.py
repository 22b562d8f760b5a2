"""The map of one block: one vector drawing, the same for paper and screen.

From below: land, neighbours' fills, green, water, buildings, roads with their casings, a white veil over all but the
block in focus, borders, the focus border in white casing, names, north arrow; legend and scale bar under the frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.crs import convergence
from gridgeo.render import colours, furniture, svg
from gridgeo.render.fonts import POINT
from gridgeo.render.labels import Label, Page, place_along, place_at, place_in_area
from gridgeo.render.scene import Features, Scene
from gridgeo.render.view import View

_ROAD_WIDTH = {"main-road": 3.6, "road": 2.6, "lane": 1.45}
"""Millimetres at 1:5000."""
_CASING = 0.32
_RIVER_WIDTH = 3.0
_ROAD_FILL = {"main-road": colours.MAIN_ROAD, "road": colours.ROAD, "lane": colours.ROAD}
_NAME_SIZE = {"river": 12.5, "main-road": 12.5, "road": 11.5, "lane": 10.0}
_FOCUS_TINT, _NEIGHBOUR_TINT = 0.3, 0.4
_VEIL = 0.42
_OVERVIEW = 6000
"""From this scale on, buildings are left out and grids are named instead of blocks."""
_FOCUS_CASING, _FOCUS_LINE = 2.9, 1.35
_FOCUS_SIZES = (26.0, 24.0, 22.0, 20.0, 18.0, 16.0, 14.5, 13.0)
_NEIGHBOUR_SIZES = (12.5, 11.5, 10.5, 9.5)
_BORDER_DASH = "160 90"


@dataclass(frozen=True)
class Drawing:
    """A finished map: the SVG, its scale and what it shows in words (for readers who can't see it)."""

    svg: str
    scale: int
    labels: tuple[Label, ...]
    description: str


def draw_map(scene: Scene, index: int, *, width: float, height: float) -> Drawing:
    """Return the map of the block ``index`` of the scene, ``width`` x ``height`` millimetres with its legend."""
    return _Map(scene, index, width, height).drawing()


class _Map:
    """One map being drawn; lengths in millimetres on the page."""

    def __init__(self, scene: Scene, index: int, width: float, height: float) -> None:
        self.scene, self.index = scene, index
        self.width, self.height = width, height
        self.area = scene.areas.geometries[index]
        self.is_street = str(scene.blocks["kind"].iloc[index]) == "street"
        strip = 1.0 + furniture.legend_height([[]])
        for _ in range(2):  # a second row of the legend takes its room from the map
            margin = 0.06 if self.is_street else 0.12
            self.view = View.of(self.area, width, height - strip, margin=margin, within=scene.extent)
            self._look()
            self.rows = furniture.legend_rows(self._entries(), width)
            needed = 1.0 + furniture.legend_height(self.rows)
            if needed == strip:
                break
            strip = needed
        self.page = Page(shapely.box(1.5, 1.5, width - 1.5, self.view.height - 1.5))
        self.placed: list[Label] = []

    # ------------------------------------------------------------------------------------------ what is in the window

    def _look(self) -> None:
        scene, view = self.scene, self.view
        window = shapely.box(*view.window)
        self.factor = min(1.7, max(0.45, (5000 / view.scale) ** 0.5))
        self.is_overview = view.scale > _OVERVIEW
        self.focus = view.shown(self.area)
        self.focus_fill = colours.mixed(
            colours.fill_of(self.scene.colours[self.index]), "#FFFFFF", 0.1 if self.is_street else _FOCUS_TINT
        )
        self.near = scene.areas.near(window)
        self.shown = {k: view.shown(scene.areas.geometries[k]) for k in self.near}
        kinds = scene.blocks["kind"].astype(str).to_numpy()
        self.streets = [k for k in self.near if kinds[k] == "street"]
        self.others = [k for k in self.near if kinds[k] != "street"]
        self.street_area = shapely.union_all([self.shown[k] for k in self.streets]) if self.streets else None
        self.context = {
            key: [view.shown(features.geometries[k]) for k in features.near(window)]
            for key, features in scene.context.items()
            if not (key == "buildings" and self.is_overview)
        }
        self.surfaces = [(k, view.shown(scene.surfaces.geometries[k])) for k in _near(scene.surfaces, window)]
        self.lines = [(k, view.shown(scene.lines.geometries[k])) for k in _near(scene.lines, window)]

    def _entries(self) -> list[furniture.Entry]:
        """Return the legend: only what the map shows."""
        focus = furniture.swatch(self.focus_fill, stroke=colours.ACCENT, stroke_width=0.9)
        entries = [furniture.Entry("本责任块", focus)]
        if any(k != self.index for k in self.others):
            entries.append(furniture.Entry("相邻责任块", furniture.swatch(_faded(colours.TOL_LIGHT[0]))))
        if len({int(self.scene.grid_numbers[k]) for k in self.near}) > 1:
            border = furniture.stroke_sample((_veiled(colours.GRID_BORDER), 0.6))
            entries.append(furniture.Entry("网格界", border))
        if len(self.near) > len({int(self.scene.grid_numbers[k]) for k in self.near}):
            border = furniture.stroke_sample((_veiled(colours.BLOCK_BORDER), 0.45), dash=_BORDER_DASH)
            entries.append(furniture.Entry("责任块界", border))
        ranks = {self.scene.lines.ranks[k] for k, _ in self.lines}
        for rank, words in (("main-road", "主干路"), ("road", "道路"), ("lane", "街巷")):
            if rank in ranks:
                width = _ROAD_WIDTH[rank] * 0.9
                strokes = ((colours.ROAD_CASING, width + 2 * _CASING), (_ROAD_FILL[rank], width))
                entries.append(furniture.Entry(words, furniture.stroke_sample(*strokes)))
        if (
            "river" in ranks
            or self.context.get("water")
            or any(self.scene.surfaces.ranks[k] == "river" for k, _ in self.surfaces)
        ):
            entries.append(furniture.Entry("河道", furniture.swatch(colours.WATER, stroke=colours.WATER_EDGE)))
        if self.context.get("green"):
            entries.append(furniture.Entry("绿地", furniture.swatch(colours.GREEN)))
        if self.context.get("buildings"):
            entries.append(furniture.Entry("建筑", furniture.swatch(colours.BUILDING, stroke=colours.BUILDING_EDGE)))
        return entries

    # ------------------------------------------------------------------------------------------ drawing

    def drawing(self) -> Drawing:
        view = self.view
        names = "".join(self._names())
        rectangle = f'<rect width="{svg.number(view.width)}" height="{svg.number(view.height)}"/>'
        frame = f'<clipPath id="frame">{rectangle}</clipPath>'
        inside = shapely.box(0.2, 0.2, view.width - 0.2, view.height - 0.2)
        neatline = svg.path([inside], fill="none", stroke=colours.INK, stroke_width=svg.number(0.4))
        top = view.height + 1.0
        content = [
            '<g clip-path="url(#frame)">',
            *self._ground(),
            *self._roads(),
            *self._street_surfaces(),
            *self._borders(),
            *self._veil(),
            *self._focus(),
            self.arrow,
            self.bar,
            names,
            "</g>",
            neatline,
            furniture.draw_legend(self.rows, 0, top),
        ]
        drawing = svg.document(self.width, self.height, content, definitions=frame)
        return Drawing(drawing, view.scale, tuple(self.placed), self._description())

    def _ground(self) -> Iterable[str]:
        yield svg.path([self.view.frame], fill=colours.LAND)
        for k in self.others:
            fill = colours.fill_of(self.scene.colours[k])
            tint = _FOCUS_TINT if k == self.index else _NEIGHBOUR_TINT
            yield svg.path([self.shown[k]], fill=colours.mixed(fill, "#FFFFFF", tint))
        yield svg.path(self.context.get("green", []), fill=colours.GREEN, fill_opacity="0.9")
        edge = {"stroke": colours.WATER_EDGE, "stroke_width": svg.number(0.2)}
        water = [*self.context.get("water", [])]
        water += [shape for k, shape in self.surfaces if self.scene.surfaces.ranks[k] == "river"]
        yield svg.path(water, fill=colours.WATER, **edge)
        rivers = [shape for k, shape in self.lines if self.scene.lines.ranks[k] == "river"]
        open_rivers = _outside(rivers, shapely.union_all(water)) if water else rivers
        cap = {"fill": "none", "stroke_linecap": "round"}
        width = _RIVER_WIDTH * self.factor
        yield svg.path(open_rivers, stroke=colours.WATER_EDGE, stroke_width=svg.number(width + 0.4), **cap)
        yield svg.path(open_rivers, stroke=colours.WATER, stroke_width=svg.number(width), **cap)
        yield svg.path(
            self.context.get("buildings", []),
            fill=colours.BUILDING,
            stroke=colours.BUILDING_EDGE,
            stroke_width=svg.number(0.12),
        )
        carriageways = [shape for k, shape in self.surfaces if self.scene.surfaces.ranks[k] != "river"]
        yield svg.path(carriageways, fill=colours.ROAD, stroke=colours.ROAD_CASING, stroke_width=svg.number(0.25))

    def _roads(self) -> Iterable[str]:
        """Draw roads level by level, so that a bridge passes over what is under it; strong ranks over weak ones."""
        levels = sorted({self.scene.lines.levels[k] for k, _ in self.lines})
        surfaces = [shape for k, shape in self.surfaces if self.scene.surfaces.ranks[k] != "river"]
        covered = shapely.union_all([*surfaces, *([self.street_area] if self.street_area is not None else [])])
        for level in levels:
            by_rank = {
                rank: _outside(
                    [
                        s
                        for k, s in self.lines
                        if self.scene.lines.ranks[k] == rank and self.scene.lines.levels[k] == level
                    ],
                    covered,
                )
                for rank in ("lane", "road", "main-road")
            }
            for casing in (True, False):
                for rank, lines in by_rank.items():
                    width = _ROAD_WIDTH[rank] * self.factor + (2 * _CASING if casing else 0)
                    colour = colours.ROAD_CASING if casing else _ROAD_FILL[rank]
                    yield svg.path(
                        lines,
                        fill="none",
                        stroke=colour,
                        stroke_width=svg.number(width),
                        stroke_linecap="round" if level == 0 or not casing else "butt",
                    )

    def _street_surfaces(self) -> Iterable[str]:
        for k in self.streets:
            if k != self.index:
                yield svg.path([self.shown[k]], fill=colours.ROAD)
        if self.street_area is not None:
            yield svg.path([self.street_area], fill="none", stroke=colours.ROAD_CASING, stroke_width=svg.number(0.3))
        if self.is_street:
            yield svg.path([self.focus], fill=self.focus_fill)

    def _veil(self) -> Iterable[str]:
        outside = svg.path_data([shapely.box(-1, -1, self.view.width + 1, self.view.height + 1)])
        yield (
            f'<path d="{outside}{svg.path_data([self.focus])}" fill="#FFFFFF" fill-opacity="{_VEIL}"'
            ' fill-rule="evenodd"/>'
        )

    def _borders(self) -> Iterable[str]:
        inner, outer = _borders(self.shown, self.scene.grid_numbers)
        yield svg.path(
            inner,
            fill="none",
            stroke=colours.BLOCK_BORDER,
            stroke_width=svg.number(0.45),
            stroke_dasharray=_BORDER_DASH,
        )
        yield svg.path(outer, fill="none", stroke=colours.GRID_BORDER, stroke_width=svg.number(0.6))

    def _focus(self) -> Iterable[str]:
        for colour, width in (("#FFFFFF", _FOCUS_CASING), (colours.ACCENT, _FOCUS_LINE)):
            yield svg.path([self.focus], fill="none", stroke=colour, stroke_width=svg.number(width))

    # ------------------------------------------------------------------------------------------ names

    def _names(self) -> Iterable[str]:
        outline = shapely.boundary(self.focus)
        border = shapely.buffer(outline, _FOCUS_CASING / 2 + 0.15, quad_segs=2)
        self.border_zone = shapely.buffer(outline, _FOCUS_CASING / 2 + 0.4, quad_segs=2)
        self.arrow = self._place_arrow()
        self.bar = self._place_bar()
        first = self._focus_label()
        if first:
            yield from first
        self.page.take(border)
        yield from self._line_names()
        yield from self._neighbour_names()
        yield from self._water_names()

    def _place_arrow(self) -> str:
        view = self.view
        w, h, inset = furniture.ARROW_WIDTH, furniture.ARROW_HEIGHT, 3.0
        corners = [
            (view.width - w - inset, inset),
            (inset, inset),
            (view.width - w - inset, view.height - h - inset),
            (inset, view.height - h - inset),
        ]
        best = self._freest(corners, w, h)
        x, y = view.centre
        return furniture.draw_north_arrow(*best, convergence(self.scene.town.working_crs, x, y))

    def _place_bar(self) -> str:
        view = self.view
        w, h, inset = furniture.bar_width(view.scale), furniture.BAR_HEIGHT, 3.0
        low, high = view.height - h - inset, inset
        corners = [(view.width - w - inset, low), (inset, low), (inset, high), (view.width - w - inset, high)]
        return furniture.draw_scale_bar(view.scale, *self._freest(corners, w, h))

    def _freest(self, corners: Sequence[tuple[float, float]], width: float, height: float) -> tuple[float, float]:
        """Return the first corner where a plate covers least of the focus and nothing else that stands there."""
        plates = [shapely.box(x, y, x + width, y + height) for x, y in corners]
        covered = [
            shapely.intersection(plate, self.focus).area + (0 if self.page.is_free(_as_array(plate)) else 1e6)
            for plate in plates
        ]
        best = covered.index(min(covered))
        self.page.take(plates[best])
        return corners[best]

    def _put(self, placed: Label, *, fill: str, halo_width: float = 0.55, room: float = 0.5) -> str:
        self.placed.append(placed)
        self.page.take(shapely.buffer(placed.shape, room, join_style="mitre"))
        return svg.label(placed, fill=fill, halo=colours.HALO, halo_width=halo_width)

    def _focus_label(self) -> list[str]:
        name = self.scene.short_name(self.index)
        inside = place_in_area(self.page, self.focus, name, sizes=_FOCUS_SIZES, margin=_FOCUS_CASING / 2 + 0.6)
        if inside is not None:
            return [self._put(inside, fill=colours.ACCENT, halo_width=0.8, room=1.0)]
        return self._called_out(name)

    def _called_out(self, name: str) -> list[str]:
        """Put the name of a block too narrow for it beside it, with a line that leads to it."""
        anchor = shapely.maximum_inscribed_circle(self.focus, tolerance=0.2).coords[0]
        keep_off = shapely.buffer(self.focus, 3.5)
        for size in (20.0, 16.0, 13.0):
            for far in (22, 30, 40, 55, 75):
                for step in range(16):
                    angle = np.pi / 8 * (step + 0.5)
                    x, y = anchor[0] + far * 1.3 * np.cos(angle), anchor[1] - far * np.sin(angle)
                    found = place_at(self.page, name, float(x), float(y), size)
                    if found is None or shapely.intersects(keep_off, found.shape):
                        continue
                    leader = shapely.shortest_line(found.shape, shapely.Point(anchor))
                    self.page.take(shapely.buffer(leader, 0.6))
                    line = "".join(
                        svg.path([leader], fill="none", stroke=colour, stroke_width=svg.number(width))
                        for colour, width in (("#FFFFFF", 1.3), (colours.ACCENT, 0.5))
                    )
                    dot = svg.path(
                        [shapely.Point(anchor).buffer(0.9)],
                        fill=colours.ACCENT,
                        stroke="#FFFFFF",
                        stroke_width=svg.number(0.4),
                    )
                    return [line + dot, self._put(found, fill=colours.ACCENT, halo_width=0.8, room=1.0)]
        return []

    def _line_names(self) -> Iterable[str]:
        """Name roads and rivers along their lines: the longest stretches first, the same name again only far away."""
        groups: dict[tuple[str, str], list[shapely.Geometry]] = {}
        lines = self.scene.lines
        for k, shape in self.lines:
            if lines.names[k]:
                groups.setdefault((lines.names[k], lines.ranks[k]), []).append(shape)
        order = ["river", "main-road", "road", "lane"]
        frame = self.page.frame
        waiting: list[tuple[int, float, str, str, shapely.LineString]] = []
        for (name, rank), shapes in groups.items():
            merged = shapely.line_merge(shapely.union_all([shapely.intersection(s, frame) for s in shapes]))
            waiting.extend(
                (order.index(rank), -part.length, name, rank, part)
                for part in shapely.get_parts(merged).tolist()
                if part.geom_type == "LineString" and part.length > 12
            )
        waiting.sort(key=lambda item: (item[0], round(item[1], 3), item[2], item[4].wkt[:60]))
        used: dict[str, list[shapely.Geometry]] = {}
        for _, negative, name, rank, part in waiting:
            times = 1 if -negative < 250 else 2
            pieces = [part] if times == 1 else _halves(part)
            for piece in pieces:
                found = self._along(piece, name, rank, used.get(name, []))
                if found is not None:
                    used.setdefault(name, []).append(shapely.buffer(found.shape, 85, quad_segs=4))
                    fill = colours.WATER_INK if rank == "river" else colours.INK
                    yield self._put(found, fill=fill, room=0.7)

    def _along(self, line: shapely.LineString, name: str, rank: str, avoid: Sequence[shapely.Geometry]) -> Label | None:
        """Return the name of a road or river: beside the focus border where it runs along it, else on the line."""
        largest = _NAME_SIZE[rank] - (1.5 if self.is_overview else 0)
        beside = shapely.intersection(line, self.border_zone)
        bordering = [part for part in shapely.get_parts(beside).tolist() if part.geom_type == "LineString"]
        bordering.sort(key=lambda part: -round(part.length, 3))
        for size in (largest, largest - 1.5):
            off = _FOCUS_CASING / 2 + 0.3 + 0.56 * size * POINT
            for part in bordering:
                found = place_along(
                    self.page,
                    shapely.simplify(part, 0.5),
                    name,
                    size=size,
                    offsets=(off, -off, 1.4 * off, -1.4 * off),
                    avoid=[*avoid, self.focus],
                    spread=2.1,
                )
                if found is not None:
                    return found
            found = place_along(self.page, shapely.simplify(line, 0.5), name, size=size, avoid=avoid, spread=2.1)
            if found is not None:
                return found
        return None

    def _neighbour_names(self) -> Iterable[str]:
        """Name the neighbours, those that touch the focus first; in an overview each grid once."""
        scene, numbers = self.scene, self.scene.grid_numbers
        own = numbers[self.index]
        named: list[tuple[bool, float, int, str, shapely.Geometry]] = []
        if self.is_overview:
            for grid in dict.fromkeys(int(numbers[k]) for k in self.others):
                members = [k for k in self.others if numbers[k] == grid and k != self.index]
                if members:
                    shape = shapely.union_all([self.shown[k] for k in members])
                    apart = shapely.distance(shape, self.focus) > 0.05
                    named.append((apart, -shape.area, members[0], scene.grid_names[members[0]], shape))
        else:
            for k in self.others:
                if k != self.index:
                    name = scene.short_name(k) if numbers[k] == own else scene.names[k]
                    apart = shapely.distance(self.shown[k], self.focus) > 0.05
                    named.append((apart, -self.shown[k].area, k, name, self.shown[k]))
        sizes = _NEIGHBOUR_SIZES[1:] if self.is_overview else _NEIGHBOUR_SIZES
        for _, _, _, name, shape in sorted(named, key=lambda entry: (entry[0], round(entry[1], 3), entry[2])):
            found = place_in_area(self.page, shape, name, sizes=sizes, margin=1.2)
            if found is not None:
                yield self._put(found, fill=colours.QUIET_INK)

    def _water_names(self) -> Iterable[str]:
        """Name rivers that are given as areas, where no line has named them."""
        named = {placed.text for placed in self.placed}
        for k, shape in sorted(self.surfaces, key=lambda item: (-item[1].area, item[0])):
            name = self.scene.surfaces.names[k]
            if name and name not in named and self.scene.surfaces.ranks[k] == "river":
                found = place_in_area(self.page, shape, name, sizes=(12.5, 11.0, 9.5), margin=0.3)
                if found is not None:
                    named.add(name)
                    yield self._put(found, fill=colours.WATER_INK)

    def _description(self) -> str:
        """Return a sentence for readers who can't see the map."""
        touching = [
            self.scene.names[k]
            for k in self.others
            if k != self.index and shapely.distance(self.shown[k], self.focus) < 0.05
        ]
        around = f"相邻：{'、'.join(touching[:8])}。" if touching else ""
        return f"{self.scene.names[self.index]}的责任网格示意图，比例尺 1:{self.view.scale}。{around}"


def draw_locator(scene: Scene, index: int, *, width: float, height: float) -> str:
    """Return a little map of the town, as SVG, that shows where the block lies."""
    outline = scene.outline
    if outline is None:
        return svg.document(width, height, [])
    minx, miny, maxx, maxy = outline.bounds
    factor = min((width - 2) / max(maxx - minx, 1e-9), (height - 2) / max(maxy - miny, 1e-9))
    # to the right and the top: it stands in the upper right corner of the notice
    right, top = width - 1, 1

    def move(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        moved: npt.NDArray[np.float64] = (points - [maxx, maxy]) * [factor, -factor] + [right, top]
        return moved

    def on_page(geometries: Iterable[shapely.Geometry]) -> list[shapely.Geometry]:
        return [shapely.simplify(shapely.transform(g, move), 0.08) for g in geometries]

    block = scene.areas.geometries[index]
    focus = on_page([block])
    middle = shapely.transform(shapely.point_on_surface(block), move)
    small = shapely.bounds(focus[0])
    content = [
        svg.path(on_page([outline]), fill=colours.LAND, stroke=colours.QUIET_INK, stroke_width=svg.number(0.3)),
        svg.path(on_page(scene.main_rivers), fill="none", stroke=colours.WATER_EDGE, stroke_width=svg.number(0.6)),
        svg.path(on_page(scene.main_roads), fill="none", stroke="#B9B1A2", stroke_width=svg.number(0.3)),
        svg.path(focus, fill=colours.ACCENT, stroke=colours.ACCENT, stroke_width=svg.number(0.3)),
    ]
    if max(small[2] - small[0], small[3] - small[1]) < 6:
        ring = {"fill": "none", "stroke": colours.ACCENT, "stroke_width": svg.number(0.6)}
        content.append(svg.path([shapely.buffer(middle, 4.2)], **ring))
    return svg.document(width, height, content)


def _as_array(shape: shapely.Geometry) -> npt.NDArray[np.object_]:
    return np.array([shape], dtype=object)


def _near(features: Features, window: shapely.Geometry) -> list[int]:
    return features.near(window) if len(features.geometries) else []


def _faded(fill: str) -> str:
    """Return a neighbour's fill as it looks under the veil."""
    return _veiled(colours.mixed(fill, "#FFFFFF", _NEIGHBOUR_TINT))


def _veiled(colour: str) -> str:
    return colours.mixed(colour, "#FFFFFF", _VEIL)


def _outside(lines: Sequence[shapely.Geometry], area: shapely.Geometry) -> list[shapely.Geometry]:
    """Return the parts of ``lines`` outside ``area``, without crumbs shorter than a road is wide."""
    if area is None or area.is_empty or not lines:
        return list(lines)
    left = shapely.get_parts(shapely.difference(np.array(lines, dtype=object), area))
    return [part for part in left.tolist() if part.length > 2.0]


def _halves(line: shapely.LineString) -> list[shapely.LineString]:
    from shapely.ops import substring

    return [substring(line, 0, line.length / 2), substring(line, line.length / 2, line.length)]


def _borders(
    shapes: dict[int, shapely.Geometry], grid_numbers: npt.NDArray[np.int64]
) -> tuple[list[shapely.Geometry], list[shapely.Geometry]]:
    """Return the borders between blocks of one grid, and those between grids, each stretch once."""
    rings, owners = [], []
    for k, shape in shapes.items():
        for part in shapely.get_parts(shape).tolist():
            if part.geom_type == "Polygon":
                for ring in (part.exterior, *part.interiors):
                    rings.append(ring)
                    owners.append(k)
    if not rings:
        return [], []
    points, ring = shapely.get_coordinates(rings, return_index=True)
    units = np.rint(points * svg.UNIT).astype(np.int64)
    joined = np.flatnonzero(ring[1:] == ring[:-1])
    start, end = units[joined], units[joined + 1]
    swap = (start[:, 0] > end[:, 0]) | ((start[:, 0] == end[:, 0]) & (start[:, 1] > end[:, 1]))
    edge = np.where(swap[:, None], np.hstack([end, start]), np.hstack([start, end]))
    grid = grid_numbers[np.array(owners)[ring[joined]]]
    distinct, which = np.unique(edge, axis=0, return_inverse=True)
    which = which.ravel()
    sides = np.bincount(which, minlength=len(distinct))
    low = np.full(len(distinct), np.iinfo(np.int64).max)
    high = np.full(len(distinct), -1, dtype=np.int64)
    np.minimum.at(low, which, grid)
    np.maximum.at(high, which, grid)
    real = (distinct[:, :2] != distinct[:, 2:]).any(axis=1)
    chains = []
    for chosen in (real & (sides > 1) & (low == high), real & ((sides == 1) | (low != high))):
        edges = shapely.linestrings(distinct[chosen].reshape(-1, 2, 2) / svg.UNIT)
        merged = shapely.line_merge(shapely.multilinestrings(edges)) if len(edges) else None
        chains.append(shapely.get_parts(merged).tolist() if merged is not None else [])
    return chains[0], chains[1]
