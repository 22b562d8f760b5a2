"""The names on a map of a block: which ones, in which order, in which colour; `gridgeo.render.labels` finds the places.

First the block in focus, then rivers and roads from the strongest to the weakest, then the neighbours, those that touch
the focus before the others, then water that no line has named. Who comes later makes way.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
import shapely
from shapely.ops import substring

from gridgeo.network import RANKS, Rank
from gridgeo.render import colours, svg
from gridgeo.render.along import SetOut, Way
from gridgeo.render.fonts import POINT
from gridgeo.render.labels import LONG_NAME, MOST_LINES, Label, Page, place_at, place_in_area
from gridgeo.render.window import Shown, Window

_FOCUS_SIZES = (26.0, 24.0, 22.0, 20.0, 18.0, 16.0, 14.5, 13.0)
_CALLED_OUT_SIZES = (20.0, 16.0, 13.0)
_WIDEST_CALLED_OUT = 62.0
"""Millimetres that a name beside its block is wide, where it can be broken into lines for that."""
_LEAST_ANCHOR = 4.0
"""Square millimetres of a block that must be free for a leader to end there."""
_WELL_INSIDE = 0.6
"""How far inside of its block a leader ends at least, as a share of the block's greatest half width."""
_AROUND_FOCUS = 2.0
"""Millimetres round the name of the focus that other names keep off, so that no lane's number seems a part of it."""
_NEIGHBOUR_SIZES = (12.5, 11.5, 10.5, 9.5)
_WATER_SIZES = (12.5, 11.0, 9.5)
_LINE_SIZES = {"river": 12.5, "main-road": 12.5, "road": 11.5, "lane": 10.0}
_LONG = 250.0
"""Millimetres of a line that is named twice."""
_APART = 85.0
"""Millimetres between equal names."""


class Names:
    """Puts the names of a window on its page.

    Parameters
    ----------
    window : Window
        What the map shows.
    page : Page
        What is taken already; takes every name that is put down.
    border_width : float
        Width of the focus border in millimetres, with its casing.
    """

    def __init__(self, window: Window, page: Page, *, border_width: float) -> None:
        self._window, self._page, self._border_width = window, page, border_width
        self._scene = window.scene
        self._factor = window.scene.theme.sizes.map_names
        self.placed: list[Label] = []

    def draw(self) -> str:
        """Return all names as SVG."""
        outline = shapely.boundary(self._window.focus)
        self._border_zone = shapely.buffer(outline, self._border_width / 2 + 0.4, quad_segs=2)
        shapely.prepare(self._border_zone)
        drawn = [*self._focus_name()]
        self._page.take(shapely.buffer(outline, self._border_width / 2 + 0.15, quad_segs=2))
        drawn += [*self._line_names(), *self._neighbour_names(), *self._water_names()]
        return "".join(drawn)

    def _sized(self, sizes: Sequence[float]) -> tuple[float, ...]:
        """Return sizes of names as the theme has them."""
        return tuple(size * self._factor for size in sizes)

    def lines(self) -> list[str]:
        """Return the names of roads and rivers alone, as SVG."""
        self._border_zone = shapely.Polygon()
        return [*self._line_names()]

    def _put(self, placed: Label, *, fill: str, halo_width: float = 0.55, room: float = 0.5) -> str:
        self.placed.append(placed)
        self._page.take_boxes(placed.boxes.grown(room))
        return svg.label(placed, fill=fill, halo=colours.HALO, halo_width=halo_width)

    # ------------------------------------------------------------------------------------------ the focus

    def _focus_name(self) -> Iterable[str]:
        name = self._scene.short_name(self._window.index)
        margin = self._border_width / 2 + 0.6
        sizes, focus = self._sized(_FOCUS_SIZES), self._window.focus
        inside = place_in_area(self._page, focus, name, sizes=sizes, margin=margin)
        if inside is None and len(name) > LONG_NAME:
            inside = place_in_area(self._page, focus, name, sizes=sizes[-3:], margin=margin, most_lines=MOST_LINES)
        if inside is not None:
            yield self._put(inside, fill=colours.ACCENT, halo_width=0.8, room=_AROUND_FOCUS)
        else:
            yield from self._called_out(name)

    def _called_out(self, name: str) -> Iterable[str]:
        """Put the name of a block too narrow for it beside it, with a line that leads to it."""
        focus = self._window.focus
        # the leader ends on no number of a section and no house
        free = self._page.free_part(self._page.in_frame(focus))
        free = free if free.area > _LEAST_ANCHOR else focus
        widest = shapely.maximum_inscribed_circle(free, tolerance=0.2)
        anchor = shapely.Point(widest.coords[0])
        middle = shapely.buffer(free, -_WELL_INSIDE * widest.length, quad_segs=2)
        keep_off = shapely.buffer(focus, 3.5)
        for size in self._sized(_CALLED_OUT_SIZES):
            for far in (22, 30, 40, 55, 75):
                for step in range(16):
                    angle = math.pi / 8 * (step + 0.5)
                    x, y = anchor.x + far * 1.3 * math.cos(angle), anchor.y - far * math.sin(angle)
                    found = place_at(self._page, name, x, y, size, widest=_WIDEST_CALLED_OUT)
                    if found is not None and not shapely.intersects(keep_off, found.shape):
                        yield self._leader(found, middle if middle.area > 0 else anchor)
                        yield self._put(found, fill=colours.ACCENT, halo_width=0.8, room=_AROUND_FOCUS)
                        return

    def _leader(self, placed: Label, goal: shapely.Geometry) -> str:
        """Draw the line from a name to the nearest place of its block."""
        leader = shapely.shortest_line(placed.shape, goal)
        anchor = shapely.get_point(leader, 1)
        self._page.take(shapely.buffer(leader, 0.6))
        lines = [
            svg.path([leader], fill="none", stroke=colour, stroke_width=svg.number(width))
            for colour, width in ((colours.HALO, 1.3), (colours.ACCENT, 0.5))
        ]
        edge = {"stroke": colours.HALO, "stroke_width": svg.number(0.4)}
        return "".join(lines) + svg.path([shapely.buffer(anchor, 0.9)], fill=colours.ACCENT, **edge)

    # ------------------------------------------------------------------------------------------ along lines

    def _line_names(self) -> Iterable[str]:
        """Name roads and rivers along their lines: the strongest and longest first, equal names far apart."""
        named = [
            (rank, name, piece)
            for rank, name, line in self._named_lines()
            for piece in ([line] if line.length < _LONG else _halves(line))
        ]
        ways = self._ways(named)
        set_out = SetOut([way for of_piece in ways for way, _ in of_piece])
        used: dict[str, list[Label]] = {}
        first = 0
        for (rank, name, _), of_piece in zip(named, ways, strict=True):
            like = used.setdefault(name, [])
            for way, (_, beside) in enumerate(of_piece, first):
                avoid = self._window.focus if beside else None
                found = set_out.place(way, self._page, avoid=avoid, like=like, apart=_APART)
                if found is not None:
                    like.append(found)
                    yield self._put(found, fill=self._line_fill(rank, found), room=0.7)
                    break
            first += len(of_piece)

    def _ways(self, named: Sequence[tuple[Rank, str, shapely.LineString]]) -> list[list[tuple[Way, bool]]]:
        """Return the ways in which each piece can bear its name, the best first, and which are beside the focus border.

        Where it runs along the border, its name stands beside that; else on the line.
        """
        lines = np.array([line for *_, line in named], dtype=object)
        if not len(lines):
            return []
        courses = shapely.simplify(lines, 0.5)
        bordering: list[list[shapely.LineString]] = [[] for _ in named]
        along = np.flatnonzero(shapely.intersects(self._border_zone, lines))
        for k, inside in zip(
            along.tolist(), shapely.intersection(lines[along], self._border_zone).tolist(), strict=True
        ):
            parts = [part for part in shapely.get_parts(inside).tolist() if part.geom_type == "LineString"]
            parts.sort(key=lambda part: -round(part.length, 3))
            bordering[k] = shapely.simplify(parts, 0.5).tolist()
        return [
            [*self._ways_of(rank, name, course, beside)]
            for (rank, name, _), course, beside in zip(named, courses.tolist(), bordering, strict=True)
        ]

    def _ways_of(
        self, rank: Rank, name: str, course: shapely.LineString, bordering: Sequence[shapely.LineString]
    ) -> Iterable[tuple[Way, bool]]:
        largest = (_LINE_SIZES[rank] - (1.5 if self._window.is_overview else 0)) * self._factor
        for size in (largest, largest - 1.5):
            off = self._border_width / 2 + 0.3 + 0.56 * size * POINT
            for part in bordering:
                for offset in (off, -off, 1.4 * off, -1.4 * off):
                    yield Way(part, name, size, offset), True
            yield Way(course, name, size), False

    def _named_lines(self) -> list[tuple[Rank, str, shapely.LineString]]:
        """Return rank, name and course of what is to be named, in order."""
        lines = self._scene.lines
        named = [(k, shape) for k, shape in self._window.lines if lines.names[k]]
        groups: dict[tuple[Rank, str], list[shapely.Geometry]] = {}
        for k, shape in self._worth_naming(named):
            groups.setdefault((lines.ranks[k], lines.names[k]), []).append(shape)
        found: list[tuple[int, float, str, Rank, shapely.LineString]] = []
        for (rank, name), shapes in groups.items():
            least = len(name) * (_LINE_SIZES[rank] - 1.5) * self._factor * POINT * 0.6
            parts = shapely.get_parts(shapely.line_merge(shapely.union_all(shapes))).tolist()
            long_enough = [part for part in parts if part.geom_type == "LineString" and part.length > least]
            found += [(RANKS.index(rank), -round(part.length, 3), name, rank, part) for part in long_enough]
        found.sort(key=lambda item: (item[:3], item[4].coords[0]))
        return [(rank, name, part) for _, _, name, rank, part in found]

    def _worth_naming(self, named: Shown) -> Shown:
        """Return what of lines is in the frame, lanes only near the focus, or the map would drown in their names."""
        if not named:
            return []
        index, shapes = np.array([k for k, _ in named]), np.array([shape for _, shape in named], dtype=object)
        lanes = np.array([self._scene.lines.ranks[k] == "lane" for k, _ in named])
        kept = ~lanes
        if not self._window.is_overview:
            kept[lanes] = shapely.dwithin(self._window.focus, shapes[lanes], 2.0)
        shapes = shapely.intersection(shapes[kept], self._page.frame)
        return list(zip(index[kept].tolist(), shapes.tolist(), strict=True))

    def _line_fill(self, rank: str, placed: Label) -> str:
        if rank == "river":
            return colours.WATER_INK
        quiet = rank == "lane" and not shapely.intersects(self._window.focus, placed.boxes.polygons()).any()
        return colours.QUIET_INK if quiet else colours.INK

    # ------------------------------------------------------------------------------------------ in areas

    def _neighbour_names(self) -> Iterable[str]:
        sizes = self._sized(_NEIGHBOUR_SIZES[1:] if self._window.is_overview else _NEIGHBOUR_SIZES)
        named = self._neighbouring_grids() if self._window.is_overview else self._neighbouring_blocks()
        touching = self._window.touch_focus([shape for _, shape in named])
        order = sorted(range(len(named)), key=lambda k: (not touching[k], -round(named[k][1].area, 3), k))
        for k in order:
            name, shape = named[k]
            found = place_in_area(self._page, shape, name, sizes=sizes, margin=1.2)
            if found is not None:
                yield self._put(found, fill=colours.QUIET_INK)

    def _neighbouring_blocks(self) -> list[tuple[str, shapely.Geometry]]:
        scene, window = self._scene, self._window
        own = scene.grid_numbers[window.index]
        return [
            (scene.short_name(k) if scene.grid_numbers[k] == own else scene.names[k], window.blocks[k])
            for k in window.others
            if k != window.index
        ]

    def _neighbouring_grids(self) -> list[tuple[str, shapely.Geometry]]:
        scene, window = self._scene, self._window
        members: dict[int, list[int]] = {}
        for k in window.others:
            if k != window.index:
                members.setdefault(int(scene.grid_numbers[k]), []).append(k)
        return [
            (scene.grid_names[blocks[0]], shapely.union_all([window.blocks[k] for k in blocks]))
            for blocks in members.values()
        ]

    def _water_names(self) -> Iterable[str]:
        """Name rivers that are given as areas, where no line has named them."""
        named = {placed.text for placed in self.placed}
        surfaces = self._scene.surfaces
        for k, shape in sorted(self._window.surfaces, key=lambda item: (-round(item[1].area, 3), item[0])):
            name = surfaces.names[k]
            if name and name not in named and surfaces.ranks[k] == "river":
                found = place_in_area(self._page, shape, name, sizes=self._sized(_WATER_SIZES), margin=0.3)
                if found is not None:
                    named.add(name)
                    yield self._put(found, fill=colours.WATER_INK)


def _halves(line: shapely.LineString) -> list[shapely.LineString]:
    return [substring(line, 0, line.length / 2), substring(line, line.length / 2, line.length)]
