"""What stands around a map: legend, scale bar, north arrow."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import shapely

from gridgeo.render import colours, svg
from gridgeo.render.fonts import POINT, text_width

LEGEND_SIZE = 10.5
"""Points."""
_SWATCH_WIDTH, _SWATCH_HEIGHT = 7.5, 4.4
_GAP = 4.2
_ROW = 7.0


@dataclass(frozen=True)
class Entry:
    """One line of the legend: its words, and a drawing in a box of 7.5 x 4.4 mm at the origin."""

    words: str
    drawing: str


@lru_cache(maxsize=512)
def swatch(fill: str, *, stroke: str = "none", stroke_width: float = 0.2, dash: str | None = None) -> str:
    """Return a filled box for the legend."""
    inset = stroke_width / 2
    box = svg.rectangle(inset, inset, _SWATCH_WIDTH - inset, _SWATCH_HEIGHT - inset)
    style: dict[str, object] = {"fill": fill, "stroke": stroke, "stroke_width": svg.number(stroke_width)}
    if dash:
        style["stroke_dasharray"] = dash
    return svg.traced(box, **style)


@lru_cache(maxsize=512)
def swatches(*fills: str) -> str:
    """Return a box for the legend in several colours side by side: for what is shown in any of them."""
    edges = [_SWATCH_WIDTH * k / len(fills) for k in range(len(fills) + 1)]
    boxes = [svg.rectangle(left, 0, right, _SWATCH_HEIGHT) for left, right in itertools.pairwise(edges)]
    return "".join(svg.traced(box, fill=fill) for box, fill in zip(boxes, fills, strict=True))


@lru_cache(maxsize=512)
def stroke_sample(*strokes: tuple[str, float], dash: str | None = None) -> str:
    """Return a level stretch of line for the legend, painted with (colour, width in mm) one over another."""
    middle = _SWATCH_HEIGHT / 2
    line = shapely.LineString([(0, middle), (_SWATCH_WIDTH, middle)])
    dashed = {"stroke_dasharray": dash} if dash else {}
    return "".join(
        svg.path([line], fill="none", stroke=colour, stroke_width=svg.number(width), **dashed)
        for colour, width in strokes
    )


def section_sample(fills: Sequence[str]) -> str:
    """Return a sample of two sections of a street in ``fills``, with the bar between them."""
    middle, half = _SWATCH_HEIGHT / 2, _SWATCH_WIDTH / 2
    left = shapely.box(0, middle - 1.2, half, middle + 1.2)
    right = shapely.box(half, middle - 1.2, _SWATCH_WIDTH, middle + 1.2)
    bar = shapely.LineString([(half, 0.2), (half, _SWATCH_HEIGHT - 0.2)])
    edge = {"stroke": colours.ACCENT, "stroke_width": svg.number(1.2)}
    return (
        svg.path([left, right], fill="none", **edge)
        + svg.path([left], fill=fills[0])
        + svg.path([right], fill=fills[1])
        + svg.path([bar], fill="none", stroke=colours.INK, stroke_width=svg.number(0.6))
    )


HOUSE_WIDTH, HOUSE_HEIGHT = 4.6, 4.4
"""Millimetres of the house that stands for a workstation."""


def draw_house(x: float, y: float, fill: str) -> str:
    """Return a house with its middle at (x, y): a workstation."""
    half, high = HOUSE_WIDTH / 2, HOUSE_HEIGHT / 2
    eaves = y - 0.25
    body = svg.outline(
        [(x - half, eaves), (x, y - high), (x + half, eaves), (x + 0.72 * half, eaves), (x + 0.72 * half, y + high),
         (x - 0.72 * half, y + high), (x - 0.72 * half, eaves)]
    )  # fmt: skip
    door = svg.rectangle(x - 0.5, y + 0.55, x + 0.5, y + high)
    edge = {"stroke": colours.HALO, "stroke_width": svg.number(0.7), "paint_order": "stroke"}
    return svg.traced(body, fill=fill, **edge) + svg.traced(door, fill=colours.HALO)


def legend_rows(entries: Sequence[Entry], width: float) -> list[list[Entry]]:
    """Return the legend's entries in rows no wider than ``width`` millimetres."""
    rows: list[list[Entry]] = [[]]
    used = 0.0
    for entry in entries:
        needed = _SWATCH_WIDTH + 1.6 + text_width(entry.words, LEGEND_SIZE * POINT) + _GAP
        if rows[-1] and used + needed - _GAP > width:
            rows.append([])
            used = 0.0
        rows[-1].append(entry)
        used += needed
    return rows


def legend_height(rows: Sequence[Sequence[Entry]]) -> float:
    """Return the height of that many rows in millimetres."""
    return len(rows) * _ROW


def draw_legend(rows: Sequence[Sequence[Entry]], x: float, y: float) -> str:
    """Return the legend with its upper left corner at (x, y)."""
    drawn = []
    for k, row in enumerate(rows):
        left, top = x, y + k * _ROW + (_ROW - _SWATCH_HEIGHT) / 2
        for entry in row:
            drawn.append(f'<g transform="translate({svg.number(left)} {svg.number(top)})">{entry.drawing}</g>')
            baseline = top + _SWATCH_HEIGHT / 2 + 0.37 * LEGEND_SIZE * POINT
            drawn.append(svg.text(entry.words, left + _SWATCH_WIDTH + 1.6, baseline, LEGEND_SIZE, fill=colours.INK))
            left += _SWATCH_WIDTH + 1.6 + text_width(entry.words, LEGEND_SIZE * POINT) + _GAP
    return "".join(drawn)


def bar_length(scale: int, *, most: float = 45.0) -> int:
    """Return the length of the scale bar in metres: the longest of 1, 2 or 5 times a power of ten within ``most`` mm.

    Examples
    --------
    >>> bar_length(2500)
    100
    """
    longest = most * scale / 1000
    power = 10 ** math.floor(math.log10(longest))
    return int(max(step * power for step in (1, 2, 5) if step * power <= longest)) or 1


BAR_HEIGHT = 8.0
"""Millimetres that the scale bar's plate takes."""
_BAR_INSET = 2.2


def bar_width(scale: int) -> float:
    """Return the width of the scale bar's plate, in millimetres."""
    length = bar_length(scale)
    words = text_width(_metres(length) + _ratio(scale), LEGEND_SIZE * POINT)
    return length * 1000 / scale + words + 5.0 + 2 * _BAR_INSET


def draw_scale_bar(scale: int, x: float, y: float) -> str:
    """Return the scale in numbers and as a bar, on a plate whose upper left corner is at (x, y)."""
    length = bar_length(scale)
    long = length * 1000 / scale
    middle = y + BAR_HEIGHT / 2
    base = middle + 0.37 * LEGEND_SIZE * POINT
    left = x + _BAR_INSET + text_width(_ratio(scale), LEGEND_SIZE * POINT) + 3.5
    parts = [_plate(x, y, bar_width(scale), BAR_HEIGHT)]
    parts.append(svg.text(_ratio(scale), x + _BAR_INSET, base, LEGEND_SIZE, fill=colours.INK))
    for k in range(4):
        box = svg.rectangle(left + long * k / 4, middle - 0.8, left + long * (k + 1) / 4, middle + 0.8)
        fill = colours.INK if k % 2 == 0 else "#FFFFFF"
        parts.append(svg.traced(box, fill=fill, stroke=colours.INK, stroke_width=svg.number(0.2)))
    parts.append(svg.text(_metres(length), left + long + 1.5, base, LEGEND_SIZE, fill=colours.INK))
    return "".join(parts)


def _plate(x: float, y: float, width: float, height: float) -> str:
    place = svg.attributes(x=svg.number(x), y=svg.number(y), width=svg.number(width), height=svg.number(height))
    return f'<rect{place} rx="{svg.number(1.2)}" fill="#FFFFFF" fill-opacity="0.86"/>'


def _metres(length: int) -> str:
    return f"{length // 1000} 千米" if length >= 1000 and length % 1000 == 0 else f"{length} 米"


def _ratio(scale: int) -> str:
    return f"1:{scale}"


ARROW_WIDTH, ARROW_HEIGHT = 13.0, 18.0
"""Millimetres that the north arrow's plate takes."""


def draw_north_arrow(x: float, y: float, convergence: float) -> str:
    """Return a north arrow whose plate has its upper left corner at (x, y).

    Parameters
    ----------
    convergence : float
        Degrees by which the map's top lies east of true north: the arrow leans that much to the left.
    """
    middle_x, middle_y = ARROW_WIDTH / 2, ARROW_HEIGHT / 2 + 2.4
    left = svg.outline([(0, -6.6), (-3.0, 4.6), (0, 2.6)])
    right = svg.outline([(0, -6.6), (0, 2.6), (3.0, 4.6)])
    edge = {"stroke": colours.INK, "stroke_width": svg.number(0.25)}
    needle = svg.traced(left, fill=colours.INK, **edge) + svg.traced(right, fill="#FFFFFF", **edge)
    north = svg.text("北", 0, -7.8, 11.5, fill=colours.INK, anchor="middle")
    plate = _plate(0, 0, ARROW_WIDTH, ARROW_HEIGHT)
    return (
        f'<g transform="translate({svg.number(x)} {svg.number(y)})">{plate}'
        f'<g transform="translate({svg.number(middle_x)} {svg.number(middle_y)}) rotate({-convergence:.2f})">'
        f"{needle}{north}</g></g>"
    )
