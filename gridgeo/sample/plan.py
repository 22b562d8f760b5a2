"""The plan of a water town: its outline, streets, rivers and creeks as lines, in metres around its middle.

Everything is first laid out on an upright plan (arterials across the town, main roads that cut the cells between
them, rivers and creeks between the roads) and then bent by one smooth map of the plane, so that lines that meet on
the plan still meet and nothing looks ruled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import shapely
from shapely.ops import substring

Floats = npt.NDArray[np.float64]

STEP = 25.0
"""Metres between the vertices of a line on the plan."""
BIG_RIVER_WIDTH = 330.0
STREET_WIDTH = {"arterial": 40.0, "main": 26.0}
RIVER_WIDTH = {"river": 38.0, "creek": 14.0}


@dataclass(frozen=True)
class Line:
    """One street or watercourse: its class, its width in metres and its centre line."""

    rank: str
    width: float
    number: int
    """Which street or watercourse of its class; pieces of one street share it."""
    points: Floats


@dataclass(frozen=True)
class Plan:
    """Centre lines and outline of a town, bent into place."""

    outline: shapely.Polygon
    streets: tuple[Line, ...]
    rivers: tuple[Line, ...]
    big_river: shapely.Polygon
    """Water of the great river along the western border, outside the town."""
    big_river_line: Floats
    centres: Floats
    """Middles of the town's quarters, where it is most urban."""
    reach: float
    """Metres from a centre within which the town is urban."""
    heading: float
    """Direction of the main streets against east, in radians."""


class Bend:
    """A smooth map of the plane: long waves and a turn. Neighbouring points stay neighbours."""

    def __init__(self, size: float, heading: float, rng: np.random.Generator) -> None:
        lengths = [1700.0, 2300.0, 3300.0, 5200.0]
        while lengths[-1] < size:
            lengths.append(lengths[-1] * 1.8)
        turns = np.concatenate([np.arange(2) * np.pi / 2 + rng.uniform(-0.5, 0.5, 2) for _ in lengths])
        number = 2 * np.pi / np.repeat(lengths, 2)
        self.wave = np.stack([np.cos(turns), np.sin(turns)], axis=1) * number[:, None]
        self.phase = rng.uniform(0, 2 * np.pi, len(turns))
        towards = rng.uniform(0, 2 * np.pi, len(turns))
        swing = 0.085 / number
        self.swing = np.stack([np.cos(towards), np.sin(towards)], axis=1) * swing[:, None]
        cosine, sine = np.cos(heading), np.sin(heading)
        self.turn = np.array([[cosine, sine], [-sine, cosine]])

    def __call__(self, points: Floats) -> Floats:
        """Return where points of the plan come to lie."""
        moved = points + np.sin(points @ self.wave.T + self.phase) @ self.swing
        return np.asarray(np.round(moved @ self.turn, 3))


def lay_out(area: float, *, rng: np.random.Generator) -> Plan:
    """Lay out a town of about ``area`` square metres.

    Parameters
    ----------
    area : float
        Square metres within the outline, about.
    rng : Generator
        Source of all that is left to chance.
    """
    width, height = np.sqrt(1.24 * area * 1.04), np.sqrt(area * 1.04 / 1.24)
    heading = float(rng.uniform(-0.2, -0.1))
    bend = Bend(width, heading, rng)
    bank = _meander(height * 1.5, 0.045 * min(height, 6000.0), min(height, 6000.0) * 0.75, 0.5, rng)
    xs = _spread(width, 1010.0 if width < 15_000 else 1250.0, rng)
    ys = _spread(height, 930.0 if width < 15_000 else 1150.0, rng)
    centres = _centres(width, height, rng)
    reach = float(np.sqrt(area * 0.40 / np.pi / len(centres)))
    outline = bend(_outline(width, height, bank, rng))
    rivers = _rivers(width, height, xs, ys, rng)
    creeks_x = np.array([line.points[0, 0] for line in rivers if line.number >= 0 and _upright(line)])
    streets = _streets(width, height, xs, ys, creeks_x, centres, reach, rng)
    bank_line = bank + np.array([-width / 2, 0.0])
    far = (
        bank_line
        - np.array([BIG_RIVER_WIDTH, 0.0])
        + np.stack([20 * np.sin(bank_line[:, 1] / 380), 0 * bank_line[:, 1]], axis=1)
    )
    water = shapely.make_valid(shapely.Polygon(bend(np.concatenate([bank_line + np.array([1.0, 0.0]), far[::-1]]))))
    return Plan(
        outline=shapely.Polygon(outline).buffer(0),
        streets=tuple(Line(s.rank, s.width, s.number, bend(s.points)) for s in streets),
        rivers=tuple(Line(r.rank, r.width, r.number, bend(r.points)) for r in rivers),
        big_river=water,
        big_river_line=bend((bank_line + far) / 2),
        centres=bend(centres),
        reach=reach,
        heading=heading,
    )


def _upright(line: Line) -> bool:
    first, last = line.points[0], line.points[-1]
    return bool(abs(last[1] - first[1]) > abs(last[0] - first[0]))


def _spread(length: float, spacing: float, rng: np.random.Generator) -> Floats:
    """Positions of arterials across ``length``, uneven, none at the rim."""
    count = max(2, round(length / spacing) - 1)
    place = (np.arange(count) + 1) / (count + 1) - 0.5
    return (place + rng.uniform(-0.16, 0.16, count) / (count + 1)) * length


def _centres(width: float, height: float, rng: np.random.Generator) -> Floats:
    """Middles of the quarters: one for a small town, one for about every 60 km2 of a larger one."""
    columns, rows = max(1, round(width / 8500)), max(1, round(height / 7500))
    place = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1).reshape(-1, 2) + 0.5
    place += rng.uniform(-0.13, 0.13, place.shape)
    return (place / [columns, rows] - 0.5) * [width, height]


def _meander(length: float, swing: float, wave: float, fine: float, rng: np.random.Generator) -> Floats:
    """Return a line along y, from below to above, that swings about x = 0: long waves with shorter ones on them."""
    along = np.arange(-length / 2, length / 2 + STEP, STEP)
    across = np.zeros_like(along)
    for factor, share in ((1.0, 1.0), (0.61, 0.55 * fine), (0.37, 0.35 * fine), (0.21, 0.16 * fine)):
        slow = 0.35 * np.sin(2 * np.pi * along / (wave * 2.7) + rng.uniform(0, 7))
        across += share * swing * np.sin(2 * np.pi * along / (wave * factor) + rng.uniform(0, 7) + slow)
    return np.stack([across, along], axis=1)


def _outline(width: float, height: float, bank: Floats, rng: np.random.Generator) -> Floats:
    """Return the border: the bank of the great river in the west; elsewhere it steps in and out, as creeks do."""
    depth = 0.05 * min(width, height, 3000.0)

    def side(length: float) -> Floats:
        steps = max(3, round(length / (750.0 + 0.06 * min(length, 12_000.0))))
        edges = np.sort((np.arange(1, steps) + rng.uniform(-0.3, 0.3, steps - 1)) / steps) * length
        along = np.repeat(np.concatenate([[0.0], edges, [length]]), 2)[1:-1]
        place = np.arange(steps) / steps
        wave = np.sin(2 * np.pi * place * max(1.0, length / 6500) + rng.uniform(0, 7)) * min(length / 3000, 2.2)
        out = np.repeat((rng.uniform(-1.0, 1.0, steps) + wave) * depth, 2)
        slant = rng.uniform(-1, 1, len(along)) * 25 * np.clip(length / 3000, 1, 5)
        slant[[0, -1]] = 0
        return np.stack([along + slant, out], axis=1)

    south = side(width) * [1, -1] + [-width / 2, -height / 2]
    east = side(height)[:, ::-1] + [width / 2, -height / 2]
    north = (side(width) + np.array([-width / 2, height / 2]))[::-1]
    corners = np.concatenate([south, east, north])
    ring = shapely.segmentize(shapely.Polygon(corners), STEP)
    radius = 55.0 * float(np.clip(width / 3000, 1, 2.2))
    rounded = ring.buffer(-radius).buffer(2 * radius).buffer(-radius)
    points = shapely.get_coordinates(shapely.segmentize(rounded.exterior, STEP))
    points = points + _ripple(points, rng)
    west = np.concatenate([bank + np.array([-width / 2, 0.0]), [[width * 2, height], [width * 2, -height]]])
    inside = shapely.intersection(shapely.Polygon(points).buffer(0), shapely.Polygon(west).buffer(0))
    return np.asarray(shapely.get_coordinates(_largest(inside).exterior))


def _ripple(points: Floats, rng: np.random.Generator) -> Floats:
    """Small wiggles of a border that follows creeks."""
    moved = np.zeros_like(points)
    for wave, swing in ((610.0, 13.0), (370.0, 9.0), (210.0, 5.0)):
        for axis in (0, 1):
            moved[:, axis] += swing * np.sin(points @ rng.normal(0, 1.0, 2) * 2 * np.pi / wave + rng.uniform(0, 7))
    return moved


def _largest(shape: shapely.Geometry) -> shapely.Polygon:
    parts = shapely.get_parts(shape)
    return parts[np.argmax(shapely.area(parts))]


def _rivers(width: float, height: float, xs: Floats, ys: Floats, rng: np.random.Generator) -> list[Line]:
    """Rivers from east to west into the great river, and creeks between them, between the arterials."""
    rows = np.concatenate([[-height / 2], ys, [height / 2]])
    columns = np.concatenate([[-width / 2], xs, [width / 2]])
    lines: list[Line] = []
    levels: list[Floats] = []
    for row in range(len(rows) - 1):
        low, high = rows[row], rows[row + 1]
        middle_row = row == (len(rows) - 1) // 2 if len(rows) < 6 else row % 4 == 2
        if middle_row:
            curve = _meander(width + 1400, 0.105 * (high - low), 1150.0, 0.8, rng)[:, ::-1]
            line = curve + np.array([0.0, low + (high - low) * rng.uniform(0.42, 0.58)])
            lines.append(Line("river", RIVER_WIDTH["river"], len(levels), line))
            levels.append(line)
    number = 0
    for row in range(len(rows) - 1):
        low, high = rows[row], rows[row + 1]
        if any(low < np.median(line[:, 1]) < high for line in levels) or rng.random() < 0.25:
            continue
        curve = _meander(width + 1400, 0.05 * (high - low), 640.0, 0.9, rng)[:, ::-1]
        line = curve + np.array([0.0, low + (high - low) * rng.choice([0.3, 0.68]) + rng.uniform(-30, 30)])
        begin, end = _stretch(width, columns, rng)
        line = line[(line[:, 0] >= begin) & (line[:, 0] <= end)]
        if len(line) > 8:
            lines.append(Line("creek", RIVER_WIDTH["creek"] + rng.uniform(-3, 5), number, line))
            number += 1
    for column in range(len(columns) - 1):
        low, high = columns[column], columns[column + 1]
        curve = _meander(height + 1400, 0.05 * (high - low), 700.0, 0.9, rng)
        line = curve + np.array([low + (high - low) * rng.choice([0.27, 0.72]) + rng.uniform(-30, 30), 0.0])
        for piece in _between(line, levels):
            if rng.random() < 0.78:
                lines.append(Line("creek", RIVER_WIDTH["creek"] + rng.uniform(-3, 7), number, piece))
                number += 1
    return lines


def _stretch(width: float, columns: Floats, rng: np.random.Generator) -> tuple[float, float]:
    """Where a creek along x begins and ends: at the town's rims, or between two arterials in the town."""
    begin, end = -width / 2 - 700, width / 2 + 700
    if rng.random() < 0.6 and len(columns) > 3:
        cut = int(rng.integers(1, len(columns) - 1))
        place = columns[cut] + rng.uniform(0.2, 0.4) * 500
        return (begin, place) if rng.random() < 0.5 else (place, end)
    return begin, end


def _between(line: Floats, levels: list[Floats]) -> list[Floats]:
    """Cut a creek along y where it meets rivers, each piece ending in the river's centre line."""
    curve = shapely.LineString(line)
    places = [0.0, curve.length]
    for level in levels:
        met = shapely.get_coordinates(curve.intersection(shapely.LineString(level)))
        places += list(shapely.line_locate_point(curve, shapely.points(met)))
    places = sorted(places)
    pieces = [substring(curve, a, b) for a, b in pairwise(places) if b - a > 200]
    return [shapely.get_coordinates(piece) for piece in pieces]


def _streets(
    width: float,
    height: float,
    xs: Floats,
    ys: Floats,
    creeks_x: Floats,
    centres: Floats,
    reach: float,
    rng: np.random.Generator,
) -> list[Line]:
    """Arterials across the town, and main roads that cut the cells between them, the finer the more urban."""
    lines: list[Line] = []
    number = 0
    columns = [_straight([x, -height / 2 - 600], [x, height / 2 + 600]) for x in xs]
    rows = [_straight([-width / 2 - 100, y], [width / 2 + 600, y]) for y in ys]
    for line in [*columns, *rows]:
        lines.append(Line("arterial", STREET_WIDTH["arterial"] + 2 * float(rng.integers(-1, 2)), number, line))
        number += 1
    if width > 6000:
        lines.append(Line("arterial", STREET_WIDTH["arterial"], number, _old_highway(width, height, rng)))
        number += 1
    # the outer cells reach beyond the border, so that their roads leave the town
    edges_x = np.concatenate([[-width / 2 - 60], xs, [width / 2 + 260]])
    edges_y = np.concatenate([[-height / 2 - 260], ys, [height / 2 + 260]])
    for left, right in pairwise(edges_x):
        for low, high in pairwise(edges_y):
            cells = [np.array([[left, low], [right, low], [right, high], [left, high]])]
            while cells:
                cell = cells.pop()
                cut = _cut_cell(cell, creeks_x, centres, reach, rng)
                if cut is not None:
                    line, parts = cut
                    lines.append(Line("main", STREET_WIDTH["main"], number, line))
                    number += 1
                    cells += parts
    return _joined(lines)


def segments(lines: Sequence[Line]) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.int64]]:
    """Return the single segments of lines and which line each is of: long lines would slow down every search."""
    ends = np.concatenate([np.stack([line.points[:-1], line.points[1:]], axis=1) for line in lines])
    owner = np.repeat(np.arange(len(lines)), [len(line.points) - 1 for line in lines])
    return np.asarray(shapely.linestrings(ends), dtype=object), owner


def _joined(lines: list[Line], reach: float = 75.0) -> list[Line]:
    """Lengthen or shorten each main road so that its ends lie on the streets that it was to meet, which may be bent."""
    pieces, owner = segments(lines)
    tree = shapely.STRtree(pieces)
    joined: list[Line] = []
    for number, line in enumerate(lines):
        if line.rank != "main":
            joined.append(line)
            continue
        points = line.points
        for _ in range(2):
            points = points[::-1]
            along = points[-1] - points[-3]
            along = along / np.linalg.norm(along)
            probe = shapely.LineString([points[-1] - along * reach, points[-1] + along * reach])
            near = np.sort(tree.query(probe, predicate="intersects"))
            met = shapely.get_coordinates(shapely.intersection(pieces[near[owner[near] < number]], probe))
            if len(met):
                end = met[np.argmin(np.hypot(*(met - points[-1]).T))]
                kept = points[(points - end) @ along < -8.0]
                points = np.concatenate([kept, end[None]])
        joined.append(Line(line.rank, line.width, line.number, points))
    return joined


def _old_highway(width: float, height: float, rng: np.random.Generator) -> Floats:
    """Return the road that was there before the grid of arterials: it winds across the town at a slant."""
    x = np.arange(-width / 2 - 100, width / 2 + 600, STEP)
    part = (x + width / 2) / width
    slope = rng.choice([-1.0, 1.0]) * (part - 0.5) * height * rng.uniform(0.45, 0.62)
    bends = 0.05 * height * np.sin(2 * np.pi * part * 1.3 + rng.uniform(0, 7))
    bends += 130.0 * np.sin(2 * np.pi * x / 3700 + rng.uniform(0, 7))
    return np.stack([x, slope + bends + rng.uniform(-0.08, 0.08) * height], axis=1)


def _straight(begin: object, end: object) -> Floats:
    line = shapely.LineString(np.array([begin, end], float))
    return np.asarray(shapely.get_coordinates(shapely.segmentize(line, STEP)))


def _cut_cell(
    cell: Floats, creeks_x: Floats, centres: Floats, reach: float, rng: np.random.Generator
) -> tuple[Floats, list[Floats]] | None:
    """Cut a four-sided cell by a main road across its longer side, unless it is small enough for where it lies."""
    middle = cell.mean(axis=0)
    distance = np.sqrt(((centres - middle) ** 2).sum(axis=1)).min() / reach
    wanted = 23e4 if distance < 0.8 else 36e4 if distance < 1.2 else 80e4
    if shapely.Polygon(cell).area < wanted * rng.uniform(1.25, 1.6):
        return None
    wide = np.linalg.norm(cell[1] - cell[0]) + np.linalg.norm(cell[2] - cell[3])
    tall = np.linalg.norm(cell[3] - cell[0]) + np.linalg.norm(cell[2] - cell[1])
    turned = wide < tall
    corners = np.roll(cell, -1, axis=0) if turned else cell
    a, b, c, d = corners
    shares = rng.uniform(0.36, 0.64, 5)
    if not turned and len(creeks_x):
        places = a[0] + (b[0] - a[0]) * shares
        share = shares[np.argmax(np.abs(places[:, None] - creeks_x).min(axis=1))]
    else:
        share = shares[0]
    lower, upper = np.clip(share + rng.uniform(-0.07, 0.07, 2), 0.3, 0.7)
    begin, end = a + (b - a) * lower, d + (c - d) * upper
    line = _straight(begin, end)
    swing = float(rng.normal(0, 0.03)) * float(np.linalg.norm(end - begin))
    part = np.linspace(0, 1, len(line))
    across = np.array([-(end - begin)[1], (end - begin)[0]]) / np.linalg.norm(end - begin)
    line = line + np.sin(np.pi * part)[:, None] * across * swing
    return line, [np.array([a, begin, end, d]), np.array([begin, b, c, end])]
