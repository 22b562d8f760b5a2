"""Placing names on a map, never two on one another: what is taken on a page, and names in the widest part of an area.

Theory. A box of text with aspect ratio a (width / height) fits best where the largest circle lies in the area squeezed
by a along x: there the box becomes a square. What is already taken on the page is cut out of the area first, so a label
found this way can't touch another. Widths are exact, because every glyph's advance is known (`gridgeo.render.fonts`).

Cost. One largest inscribed circle per way of breaking the name, under a millisecond each.

Limits. Greedy: whoever comes first has the best place. All lengths are millimetres on the page, y downwards.
"""

from __future__ import annotations

import itertools
import math
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.render.boxes import Boxes, meeting
from gridgeo.render.fonts import POINT, is_wide, mostly_wide, text_width

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Shapes = npt.NDArray[np.object_]

LINE_HEIGHT = 1.24
"""Distance of baselines in ems."""
_ABOVE, _BELOW = 0.88, 0.12
"""The square of a Chinese character above and below the baseline, in ems."""
MIDDLE = (_ABOVE - _BELOW) / 2
"""How far the middle of a Chinese character lies above the baseline, in ems."""
MOST_LINES, LONG_NAME = 5, 14
"""Lines of a name at most, and letters: one of more may be broken into so many, and within words."""
_WITHIN_A_WORD = 2.5
"""How many ems longer or shorter a line may be rather than that."""
_WORD = (
    "居委会|村委会|居民委员会|村民委员会|社区|小区|产业园|工业园|公园|街面网格|拓展网格|网格|第[0-9]|[0-9]+组|[0-9]+号"
)


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
    boxes : Boxes
        What it covers on the page: one rectangle, or one per character.
    plate : Geometry, optional
        What it stands on, which is all covered.
    """

    runs: tuple[Glyphs, ...]
    size: float
    boxes: Boxes
    plate: shapely.Geometry | None = None

    @property
    def text(self) -> str:
        """The name, lines joined."""
        return "".join(run.text for run in self.runs)

    @cached_property
    def bounds(self) -> Floats:
        """Least x and y and greatest x and y of its boxes."""
        bounds = self.boxes.bounds()
        return np.concatenate([bounds[:2].min(axis=1), bounds[2:].max(axis=1)])

    @cached_property
    def shape(self) -> shapely.Geometry:
        """What it covers on the page, as one shape."""
        return shapely.union_all(self.boxes.polygons()) if self.plate is None else self.plate


class Page:
    """What is already taken on the page."""

    def __init__(self, frame: shapely.Polygon) -> None:
        self.frame = frame
        self._frame_bounds = frame.bounds
        self._taken: list[shapely.Geometry | None] = []
        """Shapes; None for a box that nobody has asked for yet."""
        self._boxes: list[Boxes] = []
        self._begins: list[int] = []
        self._bounds = np.empty((4, 0))
        self._are_boxes = np.empty(0, dtype=bool)
        """Which of what is taken fills its bounds."""
        self._areas: dict[int, shapely.Geometry] = {}
        """Shapes that are no boxes, by their place in what is taken."""

    @property
    def areas(self) -> list[shapely.Geometry]:
        """What is taken and is no box, prepared."""
        return list(self._areas.values())

    def take(self, *shapes: shapely.Geometry) -> None:
        """Let nothing else be put where ``shapes`` are."""
        shapely.prepare(shapes)
        bounds = shapely.bounds(shapes).T
        filled = (bounds[2] - bounds[0]) * (bounds[3] - bounds[1])
        are_boxes = shapely.area(shapes) > (1 - 1e-9) * filled
        known = enumerate(zip(shapes, are_boxes.tolist(), strict=True), len(self._taken))
        self._areas |= {k: shape for k, (shape, is_box) in known if not is_box}
        self._add(shapes, bounds, are_boxes)

    def take_boxes(self, boxes: Boxes) -> None:
        """Let nothing else be put where ``boxes`` are."""
        self._begins.append(len(self._taken))
        self._boxes.append(boxes)
        self._add([None] * len(boxes), boxes.bounds(), boxes.fill_bounds)

    def _add(self, shapes: Sequence[shapely.Geometry | None], bounds: Floats, are_boxes: npt.NDArray[np.bool_]) -> None:
        self._taken += shapes
        self._bounds = np.concatenate([self._bounds, bounds], axis=1)
        self._are_boxes = np.concatenate([self._are_boxes, are_boxes])

    def _shape(self, index: int) -> shapely.Geometry:
        """Return one of what is taken, prepared."""
        if self._taken[index] is None:
            which = bisect_right(self._begins, index) - 1
            begin, boxes = self._begins[which], self._boxes[which]
            made = boxes.polygons()
            shapely.prepare(made)
            self._taken[begin : begin + len(boxes)] = made.tolist()
        return self._taken[index]

    def is_free(self, shapes: Shapes) -> bool:
        """Return whether all of ``shapes`` lie in the frame and on nothing that is taken."""
        points = shapely.get_coordinates(shapes)
        bounds = np.concatenate([points.min(axis=0), points.max(axis=0)])[:, None]
        return bool(self.holds(bounds)[0]) and not self.any_meets(np.flatnonzero(self.meeting(bounds)[0]), shapes)

    def holds(self, bounds: Floats) -> npt.NDArray[np.bool_]:
        """Return which rectangles lie in the frame, by rows of their least x and y and greatest x and y."""
        left, top, right, bottom = self._frame_bounds
        held: npt.NDArray[np.bool_] = bounds[0] >= left
        held &= bounds[1] >= top
        held &= bounds[2] <= right
        held &= bounds[3] <= bottom
        return held

    def meeting(self, bounds: Floats) -> npt.NDArray[np.bool_]:
        """Return, for each rectangle, which of what is taken meets it, by bounds."""
        return meeting(bounds, self._bounds)

    def touched(self, near: Ints, bounds: Floats, *, filled: bool) -> Ints | None:
        """Return what of the taken things ``near`` may meet shapes of those bounds; None where one does for certain.

        Parameters
        ----------
        filled : bool
            Whether the shapes fill their bounds.
        """
        near = near[meeting(bounds, self._bounds[:, near]).any(axis=0)]
        return None if filled and self._are_boxes[near].any() else near

    def any_meets(self, near: Ints, shapes: Shapes) -> bool:
        """Return whether any of the taken things ``near`` meets any of ``shapes``."""
        return any(shapely.intersects(self._shape(k), shapes).any() for k in near.tolist())

    def room_in(self, area: shapely.Geometry, margin: float) -> tuple[float, float]:
        """Return how wide and how high the part of an area in the frame is at most, ``margin`` off its border."""
        west, south, east, north = area.bounds
        left, top, right, bottom = self._frame_bounds
        wide = min(east - margin, right) - max(west + margin, left)
        return wide, min(north - margin, bottom) - max(south + margin, top)

    def in_frame(self, area: shapely.Geometry) -> shapely.Geometry:
        """Return ``area`` within the frame."""
        held = self.holds(shapely.bounds(area)[:, None])[0]
        return area if held else shapely.clip_by_rect(area, *self._frame_bounds)

    def free_part(self, area: shapely.Geometry) -> shapely.Geometry:
        """Return an area that lies in the frame without what is taken."""
        free, bounds = area, shapely.bounds(area)[:, None]
        near = np.flatnonzero(self.meeting(bounds)[0]).tolist()
        for k in near:
            if k in self._areas:
                free = shapely.difference(free, self._areas[k])
        # characters, of which few touch one another
        boxes = [self._shape(k) for k in near if k not in self._areas]
        return shapely.difference(free, shapely.disjoint_subset_union_all(boxes)) if boxes else free


@lru_cache(maxsize=65_536)
def break_name(name: str, *, most: int = 3) -> tuple[tuple[str, ...], ...]:
    """Return ways to break ``name`` into one to ``most`` lines: at blanks first, else evenly between wide characters.

    Examples
    --------
    >>> break_name("杜行居委会 第2责任块", most=2)
    (('杜行居委会 第2责任块',), ('杜行居委会', '第2责任块'))
    >>> break_name("锦园村1组", most=2)[1]
    ('锦园村', '1组')
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
    good = (blanks or words or inside) if count == 2 else sorted({*blanks, *words})
    # a long name may have too few words for so many lines
    allowed = sorted({*good, *inside}) if count > 2 and len(name) > LONG_NAME else good
    target, whole = text_width(name, 1) / count, text_width(name, 1)
    places, position = [], 0
    for line in range(1, count):
        wanted = target * line
        options = [k for k in allowed if k > position + 1]
        if not options:
            return ()
        place = min(
            options, key=lambda k: (abs(text_width(name[:k], 1) - wanted) + (0.0 if k in good else _WITHIN_A_WORD), k)
        )
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
    blocks = _blocks(name, most_lines, downwards)
    least = sizes[-1] * POINT
    fitting = _that_may_fit(blocks, least, page.room_in(area, margin))
    if not fitting:
        return None
    # most names have the middle to themselves, in one line as large as can be
    shown = page.in_frame(area)
    if shown.is_empty:
        return None
    middle = _middle(shown)
    block, em = blocks[0], sizes[0] * POINT
    wide, high = block.width * em, block.height * em
    if shapely.contains(shown, _box(middle.x, middle.y, wide + 2 * margin, high + 2 * margin)) and page.is_free(
        np.array([_box(middle.x, middle.y, wide, high)], dtype=object)
    ):
        return block.placed(middle.x, middle.y, sizes[0])
    free = page.free_part(page.in_frame(shapely.buffer(area, -margin)) if margin else shown)
    if free.area < least**2:
        return None
    west, south, east, north = free.bounds
    fitting = _that_may_fit(fitting, least, (east - west, north - south))
    if not fitting:
        return None
    # the middle reads best; where it doesn't do, the widest place
    middle = _middle(free)
    widest: dict[_Block, tuple[float, float]] = {}
    shapely.prepare(free)
    for size in sizes:
        em = size * POINT
        for block in _that_may_fit(fitting, em, (east - west, north - south)):
            width, height = block.width * em, block.height * em
            if shapely.contains(free, _box(middle.x, middle.y, width, height)):
                return block.placed(middle.x, middle.y, size)
            if block not in widest:
                widest[block] = _widest_place(free, block.width * least, block.height * least)
            if shapely.contains(free, _box(*widest[block], width, height)):
                return block.placed(*widest[block], size)
    return None


@lru_cache(maxsize=65_536)
def _blocks(name: str, most_lines: int, downwards: bool) -> tuple[_Block, ...]:
    """Return the ways to set a name in an area: in one line rather than in two, downwards last."""
    blocks = [_Block(lines) for lines in break_name(name, most=most_lines)]
    if downwards and mostly_wide(name) and not re.search(r"[!-~]", name) and len(name) <= 8:
        blocks.append(_Block((name,), downwards=True))
    return tuple(blocks)


def _that_may_fit(blocks: Sequence[_Block], em: float, room: tuple[float, float]) -> list[_Block]:
    """Return the blocks of text that are no wider and no higher than there is room."""
    wide, high = room
    return [block for block in blocks if block.width * em <= wide and block.height * em <= high]


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
        box = Boxes.upright(x, y, self.width * em, self.height * em)
        top = y - self.height * em / 2
        if self.downwards:
            text = self.lines[0]
            left = tuple(x - text_width(c, em) / 2 for c in text)
            base = tuple(top + (_ABOVE + k * 1.12) * em for k in range(len(text)))
            return Label((Glyphs(text, left, base, ()),), size, box)
        runs = []
        for k, line in enumerate(self.lines):
            start = x - text_width(line, em) / 2
            runs.append(Glyphs(line, (start,), (top + (_ABOVE + k * LINE_HEIGHT) * em,), ()))
        return Label(tuple(runs), size, box)


def place_at(page: Page, name: str, x: float, y: float, size: float, *, widest: float = math.inf) -> Label | None:
    """Return ``name`` with its middle at (x, y), or None where that isn't free.

    Parameters
    ----------
    widest : float
        Millimetres: a wider name is broken into lines no wider than that, or as narrow as it can be.
    """
    blocks = _blocks(name, MOST_LINES if math.isfinite(widest) else 1, False)
    narrow = (block for block in blocks if block.width * size * POINT <= widest)
    label = next(narrow, min(blocks, key=lambda block: block.width)).placed(x, y, size)
    return label if page.is_free(np.array([label.shape], dtype=object)) else None


def _middle(area: shapely.Geometry) -> shapely.Point:
    """Return the centroid of the largest part."""
    return shapely.centroid(max(shapely.get_parts(area).tolist(), key=lambda part: part.area))


def _box(x: float, y: float, width: float, height: float) -> shapely.Polygon:
    return shapely.box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def _widest_place(area: shapely.Geometry, width: float, height: float) -> tuple[float, float]:
    """Return the middle of the largest circle in ``area`` squeezed along x, where a box of that size would be a square.

    Parts of the area that are too small for the box are passed over.
    """
    aspect = width / height
    squeezed = shapely.get_parts(shapely.transform(area, lambda points: points / [aspect, 1.0]))
    west, south, east, north = shapely.bounds(squeezed).T
    sizes = shapely.area(squeezed)
    best = (0.0, 0.0, 0.0)
    large = np.flatnonzero((east - west >= height) & (north - south >= height) & (sizes >= height**2))
    for k in large[np.argsort(-sizes[large], kind="stable")].tolist():
        part, size = squeezed[k], float(sizes[k])
        if part.geom_type != "Polygon" or size <= math.pi * best[2] ** 2:
            continue
        line = shapely.maximum_inscribed_circle(part, tolerance=max(0.15, math.sqrt(size) / 80))
        radius = line.length
        if radius > best[2]:
            x, y = line.coords[0]
            best = (x * aspect, y, radius)
    return best[:2]
