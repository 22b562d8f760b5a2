"""Placing names on a map: in the widest part of an area, or along a line, never two on one another.

Theory. A box of text with aspect ratio a (width / height) fits best where the largest circle lies in the area squeezed
by a along x: there the box becomes a square. What is already taken on the page is cut out of the area first, so a label
found this way can't touch another. Widths are exact, because every glyph's advance is known (`gridgeo.render.fonts`).

Cost. One largest inscribed circle per way of breaking the name, under a millisecond each; a street's name tries a few
dozen places, each settled by boxes before any geometry is compared.

Limits. Greedy: whoever comes first has the best place. All lengths are millimetres on the page, y downwards.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.render.fonts import POINT, is_wide, mostly_wide, text_width

Floats = npt.NDArray[np.float64]

LINE_HEIGHT = 1.24
"""Distance of baselines in ems."""
_ABOVE, _BELOW = 0.88, 0.12
"""The square of a Chinese character above and below the baseline, in ems."""
_MIDDLE = (_ABOVE - _BELOW) / 2
_WORD = "居委会|村委会|居民委员会|村民委员会|社区|小区|产业园|工业园|公园|街面网格|拓展网格|网格|第[0-9]"
_STEEP = math.radians(57)
_FAR = 0.05
"""Radians of turn that a name bears rather than move one step away from the middle of its line."""
_ROUGHEST = math.radians(24)
"""The sharpest turn between two characters of a name along a line."""


@dataclass(frozen=True)
class Glyphs:
    """A run of text of which each character stands at its own place and angle.

    Parameters
    ----------
    text : str
    x, y : tuple of float
        Starting point of each character's baseline.
    angle : tuple of float
        Degrees clockwise.
    """

    text: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    angle: tuple[float, ...]


@dataclass(frozen=True)
class Label:
    """A name put in its place.

    Parameters
    ----------
    runs : tuple of Glyphs
        One per line of text.
    size : float
        Font size in points.
    shape : Geometry
        What it covers on the page.
    """

    runs: tuple[Glyphs, ...]
    size: float
    shape: shapely.Geometry

    @property
    def text(self) -> str:
        """The name, lines joined."""
        return "".join(run.text for run in self.runs)


class Page:
    """What is already taken on the page."""

    def __init__(self, frame: shapely.Polygon) -> None:
        self.frame = frame
        self._frame_bounds = frame.bounds
        self._taken: list[shapely.Geometry] = []
        self._bounds = np.empty((0, 4))

    def take(self, *shapes: shapely.Geometry) -> None:
        """Let nothing else be put where ``shapes`` are."""
        shapely.prepare(shapes)
        self._taken += shapes
        self._bounds = np.concatenate([self._bounds, shapely.bounds(shapes)])

    def is_free(self, shapes: npt.NDArray[np.object_]) -> bool:
        """Return whether all of ``shapes`` lie in the frame and on nothing that is taken."""
        points = shapely.get_coordinates(shapes)
        near = self.near(points.min(axis=0).tolist(), points.max(axis=0).tolist())
        return near is not None and not any(shapely.intersects(shape, shapes).any() for shape in near)

    def near(self, lowest: Sequence[float], highest: Sequence[float]) -> list[shapely.Geometry] | None:
        """Return what is taken near a rectangle, by bounds; None where the rectangle leaves the frame."""
        (minx, miny), (maxx, maxy) = lowest, highest
        left, top, right, bottom = self._frame_bounds
        if minx < left or miny < top or maxx > right or maxy > bottom:
            return None
        return self._meeting(minx, miny, maxx, maxy)

    def _meeting(self, minx: float, miny: float, maxx: float, maxy: float) -> list[shapely.Geometry]:
        x0, y0, x1, y1 = self._bounds.T
        meets = (x0 <= maxx) & (x1 >= minx) & (y0 <= maxy) & (y1 >= miny)
        return [self._taken[k] for k in np.flatnonzero(meets).tolist()]

    def free_part(self, area: shapely.Geometry) -> shapely.Geometry:
        """Return ``area`` within the frame without what is taken."""
        free = shapely.intersection(area, self.frame)
        if taken := self._meeting(*shapely.bounds(free).tolist()):
            free = shapely.difference(free, shapely.union_all(taken))
        return free


@lru_cache(maxsize=65_536)
def break_name(name: str, *, most: int = 3) -> tuple[tuple[str, ...], ...]:
    """Return ways to break ``name`` into one to ``most`` lines: at blanks first, else evenly between wide characters.

    Examples
    --------
    >>> break_name("杜行居委会 第2责任块", most=2)
    (('杜行居委会 第2责任块',), ('杜行居委会', '第2责任块'))
    >>> break_name("Market Street", most=3)
    (('Market Street',), ('Market', 'Street'))
    """
    ways: list[tuple[str, ...]] = [(name,)]
    for count in range(2, most + 1):
        broken = _broken(name, count)
        if len(broken) == count:
            ways.append(broken)
    return tuple(ways)


def _broken(name: str, count: int) -> tuple[str, ...]:
    """Break ``name`` into lines of nearly equal width at the places where a line may end."""
    blanks = [match.start() for match in re.finditer(" ", name)]
    # a word is kept whole where that can be: 杜行 | 居委会, never 第2责 | 任块
    words = [match.start() for match in re.finditer(_WORD if blanks else f"{_WORD}|责任块", name) if match.start() > 1]
    inside = [k for k in range(2, len(name) - 1) if is_wide(name[k - 1]) and is_wide(name[k])]
    allowed = (blanks or words or inside) if count == 2 else sorted({*blanks, *words})
    target, whole = text_width(name, 1) / count, text_width(name, 1)
    places, position = [], 0
    for line in range(1, count):
        wanted = target * line
        options = [k for k in allowed if k > position + 1]
        if not options:
            return ()
        place = min(options, key=lambda k: (abs(text_width(name[:k], 1) - wanted), k))
        if abs(text_width(name[:place], 1) - wanted) > 0.26 * whole:
            return ()
        places.append(place)
        position = place
    edges = [0, *places, len(name)]
    lines = tuple(name[a:b].strip() for a, b in itertools.pairwise(edges))
    return lines if all(lines) else ()


def place_in_area(
    page: Page,
    area: shapely.Geometry,
    name: str,
    *,
    sizes: Sequence[float],
    margin: float = 0.8,
    most_lines: int = 3,
    downwards: bool = True,
) -> Label | None:
    """Return ``name`` in the widest free part of ``area``, as large as one of ``sizes`` (points) allows, or None.

    Parameters
    ----------
    margin : float
        Millimetres kept free between the text and the area's border.
    downwards : bool
        Whether a Chinese name may run downwards where the area is high and narrow.
    """
    free = page.free_part(shapely.buffer(area, -margin)) if margin else page.free_part(area)
    if free.is_empty or free.area < (sizes[-1] * POINT) ** 2:
        return None
    blocks = [_Block(lines) for lines in break_name(name, most=most_lines)]
    if downwards and mostly_wide(name) and not re.search(r"[!-~]", name) and len(name) <= 8:
        blocks.append(_Block((name,), downwards=True))
    # the middle reads best; where it doesn't do, the widest place
    middle = shapely.centroid(max(shapely.get_parts(free).tolist(), key=lambda part: part.area))
    widest: dict[_Block, tuple[float, float]] = {}
    west, south, east, north = free.bounds
    shapely.prepare(free)
    for size in sizes:
        em = size * POINT
        for block in blocks:  # in one line rather than in two, downwards last
            width, height = block.width * em, block.height * em
            if width > east - west or height > north - south:
                continue
            if free.contains(_box(middle.x, middle.y, width, height)):
                return block.placed(middle.x, middle.y, size)
            if block not in widest:
                widest[block] = _widest_place(free, block.width / block.height)
            if free.contains(_box(*widest[block], width, height)):
                return block.placed(*widest[block], size)
    return None


@dataclass(frozen=True)
class _Block:
    """Lines of text, measured in ems."""

    lines: tuple[str, ...]
    downwards: bool = False

    @cached_property
    def width(self) -> float:
        return 1.0 if self.downwards else max(text_width(line, 1) for line in self.lines)

    @cached_property
    def height(self) -> float:
        if self.downwards:
            return 1.0 + (len(self.lines[0]) - 1) * 1.12
        return 1.0 + (len(self.lines) - 1) * LINE_HEIGHT

    def placed(self, x: float, y: float, size: float) -> Label:
        """Return the label with its middle at (x, y)."""
        em = size * POINT
        shape = _box(x, y, self.width * em, self.height * em)
        top = y - self.height * em / 2
        if self.downwards:
            text = self.lines[0]
            left = tuple(x - text_width(c, em) / 2 for c in text)
            base = tuple(top + (_ABOVE + k * 1.12) * em for k in range(len(text)))
            return Label((Glyphs(text, left, base, ()),), size, shape)
        runs = []
        for k, line in enumerate(self.lines):
            start = x - text_width(line, em) / 2
            runs.append(Glyphs(line, (start,), (top + (_ABOVE + k * LINE_HEIGHT) * em,), ()))
        return Label(tuple(runs), size, shape)


def place_at(page: Page, name: str, x: float, y: float, size: float, *, lines: int = 1) -> Label | None:
    """Return ``name`` with its middle at (x, y), or None where that isn't free."""
    ways = break_name(name, most=lines)
    label = _Block(ways[-1]).placed(x, y, size)
    return label if page.is_free(np.array([label.shape], dtype=object)) else None


def _box(x: float, y: float, width: float, height: float) -> shapely.Polygon:
    return shapely.box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def _widest_place(area: shapely.Geometry, aspect: float) -> tuple[float, float]:
    """Return the middle of the largest circle in ``area`` squeezed by ``aspect`` along x."""
    squeezed = shapely.transform(area, lambda points: points / [aspect, 1.0])
    best = (0.0, 0.0, 0.0)
    for part in shapely.get_parts(squeezed).tolist():
        if part.geom_type != "Polygon" or part.area <= math.pi * best[2] ** 2:
            continue
        line = shapely.maximum_inscribed_circle(part, tolerance=max(0.15, math.sqrt(part.area) / 80))
        radius = line.length
        if radius > best[2]:
            x, y = line.coords[0]
            best = (x * aspect, y, radius)
    return best[:2]


def place_along(
    page: Page,
    line: shapely.LineString,
    name: str,
    *,
    size: float,
    offsets: Sequence[float] = (0.0,),
    spread: float = 2.1,
    avoid: Iterable[shapely.Geometry] = (),
) -> Label | None:
    """Return ``name`` along ``line`` where it runs straightest, or None when no stretch is free.

    Chinese characters stand upright on steep lines and turn with the line elsewhere; other letters always turn.

    Parameters
    ----------
    offsets : sequence of float
        Millimetres beside the line, the first that finds a free place wins.
    spread : float
        Most distance between characters, in ems; less where the line is short.
    avoid : iterable of Geometry
        Shapes that this name alone must not touch: an earlier label of the same name, grown.
    """
    em = size * POINT
    natural = text_width(name, em)
    length = line.length
    if length < natural * 1.15:
        return None
    advances = _advances(name) * em
    wide = mostly_wide(name)
    room = (length * 0.62 - natural) / max(len(name) - 1, 1)
    gap = max(0.0, min((spread - 1) * em, room)) if wide else 0.0
    run = natural + gap * (len(name) - 1)
    middles = np.cumsum(advances + gap) - gap - advances / 2
    slack = length - run
    steps = max(1, min(16, int(slack / 6)))
    starts = sorted((slack * k / steps for k in range(steps + 1)), key=lambda s: (round(abs(s - slack / 2), 6), s))
    on_line = _Track(line).set_out(np.array(starts), run, middles, em, wide=wide)
    score = on_line.turn + _FAR * np.arange(len(starts))
    order = [k for k in np.argsort(score, kind="stable").tolist() if score[k] < math.inf]
    if not order:
        return None
    forbidden = list(avoid)
    for offset in offsets:
        laid = on_line.beside(offset) if offset else on_line
        corners = laid.corners(advances, em)
        lowest, highest = corners.min(axis=(1, 2)).tolist(), corners.max(axis=(1, 2)).tolist()
        for k in order:
            near = page.near(lowest[k], highest[k])
            if near is None:
                continue
            boxes = shapely.polygons(corners[k])
            if not any(shapely.intersects(shape, boxes).any() for shape in (*near, *forbidden)):
                x, y, angle = laid.baselines(k, advances, em)
                return Label((Glyphs(name, x, y, angle),), size, shapely.union_all(boxes))
    return None


@lru_cache(maxsize=65_536)
def _advances(name: str) -> Floats:
    """Return how far each character of ``name`` runs, in ems."""
    return np.array([text_width(character, 1.0) for character in name])


_CORNERS = np.array([[-1.0, 1.0, 1.0, -1.0], [-1.0, -1.0, 1.0, 1.0]])


@dataclass(frozen=True)
class _SetOut:
    """Characters set out along a line, once for each place to start: a row each.

    ``middle`` is where the characters' middles are, ``direction`` and ``angle`` how the line runs there and how they
    are turned, in radians; ``turn`` is by how much the line turns under the name in all, infinite where it is too
    crooked for one.
    """

    middle: Floats
    direction: Floats
    angle: Floats
    turn: Floats

    def beside(self, offset: float) -> _SetOut:
        """Return the same, ``offset`` to the right of the line."""
        aside = np.stack([-np.sin(self.direction), np.cos(self.direction)], axis=-1)
        return replace(self, middle=self.middle + offset * aside)

    def corners(self, advances: Floats, em: float) -> Floats:
        """Return the four corners of the box of each character, set out from each start."""
        half_width, half_height = advances / 2 + 0.06 * em, np.full(len(advances), 0.55 * em)
        across, down = half_width[:, None] * _CORNERS[0], half_height[:, None] * _CORNERS[1]
        cos, sin = np.cos(self.angle)[..., None], np.sin(self.angle)[..., None]
        corners = np.stack([across * cos - down * sin, across * sin + down * cos], axis=-1)
        corners += self.middle[:, :, None, :]
        return corners

    def baselines(
        self, row: int, advances: Floats, em: float
    ) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]:
        """Return the left ends of the characters' baselines, x and y, and their angles in degrees, of one start."""
        angle = self.angle[row]
        cos, sin = np.cos(angle), np.sin(angle)
        left, down = -advances / 2, _MIDDLE * em
        x = self.middle[row, :, 0] + left * cos - down * sin
        y = self.middle[row, :, 1] + left * sin + down * cos
        return tuple(x.tolist()), tuple(y.tolist()), tuple(np.degrees(angle).tolist())


class _Track:
    """A line that can be asked for places along it."""

    def __init__(self, line: shapely.LineString) -> None:
        points = shapely.get_coordinates(line)
        self._x, self._y = points.T
        run = points[1:] - points[:-1]
        self._reach = np.concatenate([[0.0], np.cumsum(np.hypot(run[:, 0], run[:, 1]))])

    def at(self, distance: Floats) -> tuple[Floats, Floats]:
        """Return x and y of the points at ``distance`` along the line."""
        return np.interp(distance, self._reach, self._x), np.interp(distance, self._reach, self._y)

    def set_out(self, start: Floats, run: float, middles: Floats, em: float, *, wide: bool) -> _SetOut:
        """Return characters with their middles ``start + middles`` along the line, for each start."""
        x, y = self.at(np.stack([start, start + run]))
        slope = np.arctan2(y[1] - y[0], x[1] - x[0])
        steep = (np.abs(slope) > _STEEP) & (np.abs(slope) < math.pi - _STEEP)
        # names are read from left to right, and downwards on steep lines (Latin ones upwards, as on maps everywhere)
        backwards = np.where(steep, slope < 0 if wide else slope > 0, np.abs(slope) > math.pi / 2)
        distance = start[:, None] + np.where(backwards[:, None], run - middles, middles)
        x, y = self.at(np.stack([distance - 0.8 * em, distance, distance + 0.8 * em]))
        direction = np.arctan2(y[2] - y[0], x[2] - x[0])
        step = direction[:, 1:] - direction[:, :-1]
        # no jump of a whole turn from one character to the next
        step -= 2 * math.pi * np.round(step / (2 * math.pi))
        direction = direction[:, :1] + np.concatenate([np.zeros((len(start), 1)), np.cumsum(step, axis=1)], axis=1)
        direction += np.where(backwards, math.pi, 0.0)[:, None]
        turns = np.abs(step)
        turn = np.where(turns.max(axis=1, initial=0.0) > _ROUGHEST, np.inf, turns.sum(axis=1))
        upright = steep & wide
        angle = np.where(upright[:, None], 0.0, np.remainder(direction + math.pi, 2 * math.pi) - math.pi)
        return _SetOut(np.stack([x[1], y[1]], axis=-1), direction, angle, turn)
