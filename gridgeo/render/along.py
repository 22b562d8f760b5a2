"""Names along lines: where their characters stand, for all lines of a map at once, and the first place that is free.

Theory. A name is tried at up to seventeen starts along its line, where the line turns least first, near its middle
sooner than far from it. Each character stands on the line, or beside it, and turns with it.

Cost. All names of a map are set out together, in arrays of a row per start and of an entry per character: a map has
some sixty ways for names to run, and Python would take longer to ask about each than numpy about all. Places are then
settled by the bounds of characters; geometry is compared only where bounds meet.

All lengths are millimetres on the page, y downwards.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.render.boxes import Boxes
from gridgeo.render.fonts import POINT, mostly_wide, text_width
from gridgeo.render.labels import MIDDLE, Glyphs, Label, Page

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_STEEP = math.radians(57)
_FAR = 0.05
"""Radians of turn that a name bears rather than move one step away from the middle of its line."""
_ROUGHEST = math.radians(24)
"""The sharpest turn between two characters of a name along a line."""
_SPREAD = 2.1
"""Most distance between Chinese characters, in ems; less where the line is short."""
_STEP, _MOST_STEPS = 6.0, 16
"""Millimetres from one start to the next at least, and how many steps at most."""
_LOOK = 0.8
"""Ems before and behind a character between which its line is taken for straight."""
_BESIDE, _HALF_HEIGHT = 0.06, 0.55
"""Ems that a character's box is wider than half the character on each side, and half as high."""

_FROM_THE_MIDDLE = [
    np.array(sorted(range(steps + 1), key=lambda k, n=steps: (abs(2 * k - n), k)), dtype=np.float64)  # type: ignore[misc]
    for steps in range(_MOST_STEPS + 1)
]
"""The starts by number of steps, those nearest to the middle first."""


@dataclass(frozen=True)
class Way:
    """One way for a name to run: along ``line`` at ``size`` points, ``offset`` millimetres to the right of it."""

    line: shapely.LineString
    name: str
    size: float
    offset: float = 0.0


class SetOut:
    """Names set out on many ways.

    Chinese characters stand upright on steep lines and turn with the line elsewhere; other letters always turn. A way
    whose line is too short or too crooked has no place.

    Parameters
    ----------
    ways : sequence of Way
    """

    def __init__(self, ways: Sequence[Way]) -> None:
        self._ways = ways
        self._rows: dict[int, Ints] = {}
        """The starts of each way that has any, the best first."""
        self._set_out()

    def _set_out(self) -> None:
        lines = np.array([way.line for way in self._ways], dtype=object)
        em = np.array([way.size for way in self._ways]) * POINT
        natural = np.array([text_width(way.name, way.size * POINT) for way in self._ways])
        length = shapely.length(lines) if len(lines) else np.empty(0)
        chosen = np.flatnonzero(length >= natural * 1.15)
        if not len(chosen):
            return
        em, natural, length = em[chosen], natural[chosen], length[chosen]
        ways = [self._ways[k] for k in chosen.tolist()]
        count = np.array([len(way.name) for way in ways])
        wide = np.array([_is_wide(way.name) for way in ways])
        offset = np.array([way.offset for way in ways])

        room = (length * 0.62 - natural) / np.maximum(count - 1, 1)
        gap = np.where(wide, np.maximum(0.0, np.minimum((_SPREAD - 1) * em, room)), 0.0)
        run = natural + gap * (count - 1)
        slack = length - run
        steps = np.clip((slack / _STEP).astype(np.int64), 1, _MOST_STEPS)

        # an entry per character of each name
        advance = np.concatenate([_advances(way.name) for way in ways]) * np.repeat(em, count)
        reach = np.cumsum(advance + np.repeat(gap, count))
        first_of_name = np.cumsum(count) - count
        before = np.concatenate([[0.0], reach])[first_of_name]
        middle = reach - np.repeat(before + gap, count) - advance / 2

        # a row per start
        way = np.repeat(np.arange(len(ways)), steps + 1)
        nearness = np.arange(len(way)) - np.repeat(np.cumsum(steps + 1) - (steps + 1), steps + 1)
        start = slack[way] * np.concatenate([_FROM_THE_MIDDLE[k] for k in steps.tolist()]) / steps[way]
        track = _Tracks(lines[chosen])
        (x0, x1), (y0, y1) = track.at(np.stack([start, start + run[way]]), way)
        slope = np.arctan2(y1 - y0, x1 - x0)
        steep = (np.abs(slope) > _STEEP) & (np.abs(slope) < math.pi - _STEEP)
        # names are read from left to right, and downwards on steep lines (Latin ones upwards, as on maps everywhere)
        downwards = np.where(wide[way], slope < 0, slope > 0)
        backwards = np.where(steep, downwards, np.abs(slope) > math.pi / 2)

        # an entry per character of each start
        row = np.repeat(np.arange(len(way)), count[way])
        own = way[row]
        begins = np.cumsum(count[way]) - count[way]
        letter = first_of_name[own] + np.arange(len(row)) - begins[row]
        distance = start[row] + np.where(backwards[row], run[own] - middle[letter], middle[letter])
        look = _LOOK * em[own]
        x, y = track.at(np.stack([distance - look, distance, distance + look]), own)
        direction = np.arctan2(y[2] - y[0], x[2] - x[0])
        step = np.diff(direction, prepend=0.0)
        # no jump of a whole turn from one character to the next
        step -= 2 * math.pi * np.round(step / (2 * math.pi))
        step[begins] = 0.0
        turned = np.cumsum(step)
        direction = direction[begins][row] + turned - turned[begins][row] + np.where(backwards, math.pi, 0.0)[row]
        turns = np.abs(step)
        turn = np.where(np.maximum.reduceat(turns, begins) > _ROUGHEST, np.inf, np.add.reduceat(turns, begins))
        upright = steep & wide[way]
        angle = np.where(upright[row], 0.0, np.remainder(direction + math.pi, 2 * math.pi) - math.pi)
        aside = offset[own]
        self._angle, self._advance = angle, advance[letter]
        self._boxes = Boxes(
            x[1] - aside * np.sin(direction),
            y[1] + aside * np.cos(direction),
            (advance / 2)[letter] + _BESIDE * em[own],
            _HALF_HEIGHT * em[own],
            np.cos(angle),
            np.sin(angle),
        )
        self._bounds = self._boxes.bounds()
        lowest, highest = self._bounds[:2], self._bounds[2:]
        self._row_bounds = np.concatenate(
            [np.minimum.reduceat(lowest, begins, axis=1), np.maximum.reduceat(highest, begins, axis=1)]
        )
        self._upright = upright.tolist()
        self._begins = [*begins.tolist(), len(row)]

        score = turn + _FAR * nearness
        order = np.lexsort((nearness, score, way))
        order = order[np.isfinite(score[order])]
        edges = np.searchsorted(way[order], np.arange(len(ways) + 1)).tolist()
        for k, number in enumerate(chosen.tolist()):
            self._rows[number] = order[edges[k] : edges[k + 1]]
        starts = np.searchsorted(way, np.arange(len(ways) + 1)).tolist()
        self._spans = {number: (starts[k], starts[k + 1]) for k, number in enumerate(chosen.tolist())}

    def place(
        self,
        way: int,
        page: Page,
        *,
        avoid: shapely.Geometry | None = None,
        like: Sequence[Label] = (),
        apart: float = 0.0,
    ) -> Label | None:
        """Return the name on the way of that number where it runs straightest, or None where no stretch is free.

        Parameters
        ----------
        page : Page
            What is taken already.
        avoid : Geometry, optional
            A prepared shape that this name alone must not touch.
        like : sequence of Label
            Earlier labels of the same name, from which this one must be farther than ``apart`` millimetres.
        """
        rows = self._rows.get(way)
        if rows is None or not len(rows):
            return None
        rows = rows[page.holds(self._row_bounds[:, rows])]
        if closed := page.areas if avoid is None else [avoid, *page.areas]:
            rows = rows[~self._in_any(way, closed)[rows - self._spans[way][0]]]
        for label in like:
            rows = rows[~self._near(way, label, apart)[rows - self._spans[way][0]]]
        if not len(rows):
            return None
        meets = page.meeting(self._row_bounds[:, rows])
        for near, row in zip(meets, rows.tolist(), strict=True):
            chars = slice(self._begins[row], self._begins[row + 1])
            touched = page.touched(np.flatnonzero(near), self._bounds[:, chars], filled=self._upright[row])
            if touched is None:
                continue
            boxes = self._boxes[chars]
            alike = [label for label in like if not _is_far(self._row_bounds[:, row], label.bounds, apart)]
            if len(touched) or alike or avoid is not None:
                shapes = boxes.polygons()
                if page.any_meets(touched, shapes) or (avoid is not None and shapely.intersects(avoid, shapes).any()):
                    continue
                if any(shapely.dwithin(label.shape, shapes, apart).any() for label in alike):
                    continue
            return self._label(way, chars, boxes)
        return None

    def _near(self, way: int, label: Label, apart: float) -> npt.NDArray[np.bool_]:
        """Return which starts of a way put a character near one of a label, by their middles: most of those near."""
        first, last = self._spans[way]
        chars = slice(self._begins[first], self._begins[last])
        across = self._boxes.x[chars] - label.boxes.x[:, None]
        down = self._boxes.y[chars] - label.boxes.y[:, None]
        near = (across * across + down * down).min(axis=0) <= apart * apart
        found: npt.NDArray[np.bool_] = near.reshape(last - first, -1).any(axis=1)
        return found

    def _in_any(self, way: int, shapes: Sequence[shapely.Geometry]) -> npt.NDArray[np.bool_]:
        """Return which starts of a way put a character's middle into one of the shapes: most of what must not be."""
        first, last = self._spans[way]
        chars = slice(self._begins[first], self._begins[last])
        x, y = self._boxes.x[chars], self._boxes.y[chars]
        inside = [shapely.intersects_xy(shape, x, y) for shape in shapes]
        found: npt.NDArray[np.bool_] = np.any(inside, axis=0).reshape(last - first, -1).any(axis=1)
        return found

    def _label(self, way: int, chars: slice, boxes: Boxes) -> Label:
        name, size = self._ways[way].name, self._ways[way].size
        # the left ends of the characters' baselines
        left, down = -self._advance[chars] / 2, MIDDLE * size * POINT
        x = boxes.x + left * boxes.cos - down * boxes.sin
        y = boxes.y + left * boxes.sin + down * boxes.cos
        angle = np.degrees(self._angle[chars])
        return Label((Glyphs(name, tuple(x.tolist()), tuple(y.tolist()), tuple(angle.tolist())),), size, boxes)


def _is_far(bounds: Floats, others: Floats, apart: float) -> bool:
    """Return whether rectangles are farther than ``apart`` from each other."""
    left, top, right, bottom = bounds.tolist()
    west, south, east, north = others.tolist()
    return math.hypot(max(left - east, west - right, 0.0), max(top - north, south - bottom, 0.0)) > apart


class _Tracks:
    """Lines that can be asked for places along them, all at once: they are laid one behind another."""

    def __init__(self, lines: npt.NDArray[np.object_]) -> None:
        points, line = shapely.get_coordinates(lines, return_index=True)
        self._x, self._y = points.T
        run = points[1:] - points[:-1]
        step = np.where(line[1:] == line[:-1], np.hypot(run[:, 0], run[:, 1]), 1.0)
        self._reach = np.concatenate([[0.0], np.cumsum(step)])
        edges = np.searchsorted(line, np.arange(len(lines) + 1))
        self._begin, self._end = self._reach[edges[:-1]], self._reach[edges[1:] - 1]

    def at(self, distance: Floats, line: Ints) -> tuple[Floats, Floats]:
        """Return x and y of the points at ``distance`` along their lines, which are broadcast against it."""
        begin, end = self._begin[line], self._end[line]
        reached = np.clip(begin + distance, begin, end)
        return np.interp(reached, self._reach, self._x), np.interp(reached, self._reach, self._y)


@lru_cache(maxsize=65_536)
def _advances(name: str) -> Floats:
    """Return how far each character of ``name`` runs, in ems."""
    return np.array([text_width(character, 1.0) for character in name])


@lru_cache(maxsize=65_536)
def _is_wide(name: str) -> bool:
    return mostly_wide(name)
