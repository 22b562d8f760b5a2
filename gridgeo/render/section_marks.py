"""The sections of a street block on its map: the street's surface in alternating colours, bars at the ends, a number.

Colour is not the only cue: on a photocopy the bars say where a section ends and the number which it is.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
import shapely

from gridgeo.render import colours, svg
from gridgeo.render.fonts import POINT
from gridgeo.render.labels import Label, Page, place_at
from gridgeo.render.scene import Section
from gridgeo.render.sections import colours_of
from gridgeo.render.window import Window

_SURFACE = 46.0
"""Metres of street surface that a section's colour reaches across, both sides of the line together."""
_LEAST = 2.2
"""Millimetres: a street narrower than this is drawn so wide."""
_SIZES = (11.5, 10.0, 8.5)
"""Points of the number."""
_RING = 0.72
"""Radius of a number's disc, in ems of its text."""
_SHARES = (0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74, 0.18, 0.82)
_SHORT = 14.0
"""Millimetres: a part of a section no longer than this gets no number where another part has one."""
_TOUCHING = 0.3
"""Millimetres within which sections meet."""
_BAR = 1.1
"""Millimetres that the bar at a section's end stands out on each side."""


def _ends(line: shapely.Geometry) -> list[shapely.Point]:
    """Return where a line ends: not where two parts of it meet."""
    parts = [part for part in shapely.get_parts(line).tolist() if part.geom_type == "LineString"]
    points = [shapely.get_point(part, place) for part in parts for place in (0, -1)]
    return [
        point
        for k, point in enumerate(points)
        if not any(j != k and shapely.dwithin(point, other, _TOUCHING) for j, other in enumerate(points))
    ]


class SectionMarks:
    """Draws the sections of the block in focus."""

    def __init__(self, window: Window, sections: Sequence[Section]) -> None:
        self._window = window
        self._sections = [(section, window.view.shown(section.line)) for section in sections]
        self.placed: list[Label] = []

    def surfaces(self) -> Iterable[str]:
        """Draw the street's surface in the colours of its sections, cut at the block's border."""
        numbers = colours_of([section for section, _ in self._sections])
        data = svg.path_data([self._window.focus])
        yield f'<clipPath id="focus"><path d="{data}"/></clipPath><g clip-path="url(#focus)">'
        width = max(_SURFACE * self._window.view.factor, _LEAST)
        # where one ends at a crossing that another one passes, the crossing has the colour of that other one
        merged = [(section, shapely.line_merge(line)) for section, line in self._sections]
        ending = [sum(self._passed_at(end, k, merged) for end in _ends(line)) for k, (_, line) in enumerate(merged)]
        for k in sorted(range(len(merged)), key=lambda k: (-ending[k], k)):
            section, line = merged[k]
            fills = colours.section_fills()
            fill = colours.mixed(fills[numbers[section.code] % len(fills)], "#FFFFFF", 0.1)
            yield svg.path([line], fill="none", stroke=fill, stroke_width=svg.number(width), stroke_linecap="butt")
        yield "</g>"

    @staticmethod
    def _passed_at(end: shapely.Point, index: int, sections: Sequence[tuple[Section, shapely.Geometry]]) -> bool:
        """Return whether another section passes where one ends."""
        return any(
            k != index
            and shapely.dwithin(line, end, _TOUCHING)
            and not any(shapely.dwithin(other, end, _TOUCHING) for other in _ends(line))
            for k, (_, line) in enumerate(sections)
        )

    def bars(self) -> Iterable[str]:
        """Draw a bar across the street where one section ends and another begins."""
        across = max(_SURFACE * self._window.view.factor / 4, _LEAST / 2) + _BAR
        drawn: list[shapely.Point] = []
        bars = []
        for index, (_, line) in enumerate(self._sections):
            others = [other for k, (_, other) in enumerate(self._sections) if k != index]
            for part in shapely.get_parts(line).tolist():
                points = shapely.get_coordinates(part)
                for end, inner in ((points[0], points[1]), (points[-1], points[-2])):
                    place = shapely.Point(end)
                    if any(place.distance(known) < 1.5 * across for known in drawn):
                        continue
                    if not any(shapely.dwithin(place, other, _TOUCHING) for other in others):
                        continue
                    drawn.append(place)
                    run = inner - end
                    normal = np.array([-run[1], run[0]]) / max(math.hypot(*run), 1e-9) * across
                    bars.append(shapely.LineString([end - normal, end + normal]))
        for colour, width in ((colours.HALO, 1.5), (colours.INK, 0.6)):
            yield svg.path(bars, fill="none", stroke=colour, stroke_width=svg.number(width))

    def numbers(self, page: Page) -> Iterable[str]:
        """Put the number of each section on its line, once on each of its longer parts."""
        for section, line in self._sections:
            parts = sorted(
                (part for part in shapely.get_parts(line).tolist() if part.geom_type == "LineString"),
                key=lambda part: -round(part.length, 3),
            )
            for place, part in enumerate(parts):
                if place and part.length < _SHORT:
                    break
                yield from self._number(page, section.number, part, anyhow=place == 0)

    def _number(self, page: Page, number: str, line: shapely.LineString, *, anyhow: bool) -> Iterable[str]:
        for size in _SIZES:
            for share in _SHARES:
                spot = shapely.line_interpolate_point(line, share, normalized=True)
                if (found := self._disc(page, number, spot.x, spot.y, size)) is not None:
                    yield found
                    return
        if not anyhow:
            return
        # no room on the line: beside it, with a line that leads to it
        anchor = shapely.line_interpolate_point(line, 0.5, normalized=True)
        for far in (6.0, 9.0, 13.0, 18.0, 25.0, 35.0):
            for step in range(16):
                angle = math.pi / 8 * step
                x, y = anchor.x + far * math.cos(angle), anchor.y - far * math.sin(angle)
                if (found := self._disc(page, number, x, y, _SIZES[-1])) is not None:
                    leader = shapely.LineString([(anchor.x, anchor.y), (x, y)])
                    yield svg.path([leader], fill="none", stroke=colours.INK, stroke_width=svg.number(0.4))
                    yield found
                    return

    def _disc(self, page: Page, number: str, x: float, y: float, size: float) -> str | None:
        radius = _RING * size * POINT * (1 if len(number) == 1 else 1.3)
        disc = shapely.Point(x, y).buffer(radius, quad_segs=4)
        if not page.is_free(np.array([disc], object)):
            return None
        label = place_at(page, number, x, y, size)
        if label is None:
            return None
        label = Label(label.runs, size, label.boxes, disc)
        page.take(shapely.buffer(disc, 0.4))
        self.placed.append(label)
        ring = svg.attributes(
            cx=svg.number(x),
            cy=svg.number(y),
            r=svg.number(radius),
            fill="#FFFFFF",
            stroke=colours.INK,
            stroke_width=svg.number(0.4),
        )
        return f"<circle{ring}/>{svg.label(label, fill=colours.INK)}"
