"""What lies within the grids: roads, lanes and creeks that cut them into plots, houses, ponds and greens."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.language import Message
from gridgeo.progress import track
from gridgeo.sample.cutting import Ints, cut
from gridgeo.sample.grids import Division, Path
from gridgeo.sample.plan import Floats, Plan

_FILLING = Message("laying out the sample town's lanes and houses", "正在布置示例镇的街巷和房屋")

ROAD_WIDTH = {"road": 12.0, "lane": 6.0, "creek": 9.0}


@dataclass(frozen=True)
class House:
    """One building: its use, its grid, its footprint (four corners) and its floors."""

    use: str
    grid: int
    corners: Floats
    floors: int


@dataclass
class Interior:
    """Everything within the grids, in metres."""

    paths: list[tuple[str, int, Floats]] = field(default_factory=list)
    """Class, grid, vertices."""
    dead_ends: list[tuple[str, int, Floats]] = field(default_factory=list)
    houses: list[House] = field(default_factory=list)
    ponds: list[tuple[int, shapely.Polygon]] = field(default_factory=list)
    greens: list[tuple[str, int, shapely.Polygon]] = field(default_factory=list)


@dataclass(frozen=True)
class _Style:
    """How houses stand: length and depth of a house, gaps between houses and rows (all in metres), floors."""

    use: str
    length: float
    depth: float
    gap: float
    row_gap: float
    floors: tuple[int, ...]
    inset: float = 9.0


_HOMES = (
    _Style("residential", 46, 11.5, 10, 17, (6,)),
    _Style("residential", 58, 12, 12, 19, (5, 6)),
    _Style("residential", 30, 14, 16, 30, (11, 14, 18)),
    _Style("residential", 34, 11, 9, 14, (3, 4)),
)
_ZONES = {
    "factory": _Style("industrial", 72, 34, 16, 18, (1, 2), 12),
    "campus": _Style("school", 54, 15, 18, 28, (4, 5), 14),
    "business district": _Style("commercial", 52, 36, 12, 16, (3, 5, 12), 12),
    "office": _Style("office", 38, 22, 22, 30, (8, 12, 20), 14),
    "public area": _Style("public", 46, 26, 24, 34, (2, 3, 5), 16),
}


def furnish(division: Division, plan: Plan, *, rng: np.random.Generator) -> Interior:
    """Lay out the interior of every grid of a division; its vertices grow by those of the new paths."""
    interior = Interior()
    water = Water(plan)
    for number in track(range(len(division.grids)), _FILLING):
        _furnish_grid(number, division, interior, water, plan.heading, rng)
    return interior


class Water:
    """Rivers and their banks, where nothing is built."""

    def __init__(self, plan: Plan) -> None:
        lines = np.array([shapely.LineString(river.points) for river in plan.rivers], dtype=object)
        widths = np.array([river.width for river in plan.rivers])
        self._areas = shapely.buffer(lines, widths / 2 + 1.0, quad_segs=2)
        self._tree = shapely.STRtree(self._areas)

    def holds(self, points: Floats) -> npt.NDArray[np.bool_]:
        """Whether points lie in water."""
        wet = np.zeros(len(points), bool)
        wet[self._tree.query(shapely.points(points), predicate="within")[0]] = True
        return wet

    def cleared(self, shape: shapely.Geometry) -> shapely.Geometry:
        """Return a shape without its water."""
        near = np.sort(self._tree.query(shape, predicate="intersects"))
        return shapely.difference(shape, shapely.union_all(self._areas[near])) if len(near) else shape


def _furnish_grid(
    number: int, division: Division, interior: Interior, water: Water, heading: float, rng: np.random.Generator
) -> None:
    grid = division.grids[number]
    vertices = division.vertices
    if grid.holes:
        polygon = shapely.Polygon(vertices[grid.ring], [vertices[hole] for hole in grid.holes])
        if grid.kind == "park":
            interior.greens.append(("park", number, water.cleared(polygon)))
        return
    plots, paths = _plots(grid.kind, grid.ring, division, number, rng)
    interior.paths += [(path.rank, number, vertices[path.vertices]) for path in paths]
    shapes = [water.cleared(shapely.Polygon(vertices[plot])) for plot in plots]
    angle = heading + float(rng.normal(0, 0.04))
    if grid.kind == "community":
        style = _HOMES[int(rng.choice(4, p=[0.42, 0.26, 0.2, 0.12]))]
        for plot, shape in zip(plots, shapes, strict=True):
            if rng.random() < 0.06 and len(shapes) > 4:
                interior.greens.append(("garden", number, shape.buffer(-8)))
                continue
            floors = style.floors[int(rng.integers(len(style.floors)))]
            houses = _rows(shape, style, angle, floors, number)
            if rng.random() < 0.3 and (lane := _dead_end(plot, shape, division)) is not None:
                interior.dead_ends.append(("lane", number, lane))
                ground = shapely.LineString(lane).buffer(5.0)
                houses = [house for house in houses if not ground.intersects(shapely.Polygon(house.corners))]
            interior.houses += houses
    elif grid.kind == "village":
        _hamlet(number, shapes, paths, division, interior, rng)
    elif grid.kind == "park":
        whole = water.cleared(shapely.Polygon(vertices[grid.ring]))
        interior.greens.append(("park", number, whole))
        _pond(whole, number, interior, rng, 0.13)
    else:
        style = _ZONES[grid.kind]
        for shape in shapes:
            floors = style.floors[int(rng.integers(len(style.floors)))]
            if grid.kind == "campus" and shape is max(shapes, key=lambda s: s.area) and len(shapes) > 1:
                interior.greens += [("sports field", number, track_) for track_ in _sports_field(shape, angle)]
                continue
            interior.houses += _rows(shape, style, angle, floors, number)


def _plots(
    kind: str, ring: Ints, division: Division, number: int, rng: np.random.Generator
) -> tuple[list[Ints], list[Path]]:
    """Cut a grid into plots, the largest first."""
    vertices = division.vertices
    hectares = shapely.Polygon(vertices[ring]).area / 1e4
    if kind == "community":
        wanted = int(np.clip(round(hectares / 1.55), 7, 14))
    elif kind == "village":
        wanted = int(np.clip(round(hectares / 2.3), 7, 12))
    elif kind == "park":
        wanted = int(np.clip(round(hectares / 2.0), 1, 4))
    else:
        wanted = int(np.clip(round(hectares / 2.2), 1, 5))
        if kind == "campus" and hectares > 2:
            wanted = max(2, wanted)
    plots = [ring]
    sizes = [hectares]
    paths: list[Path] = []
    while len(plots) < wanted:
        largest = int(np.argmax(sizes))
        if sizes[largest] <= 0:
            break
        rank = "lane"
        if kind == "community" and hectares > 11 and not paths:
            rank = "road"
        elif kind == "village" and (len(paths) == 1 or rng.random() < 0.25):
            rank = "creek"
        winding = {"creek": 0.085, "road": 0.02, "lane": 0.05 if kind in ("village", "park") else 0.012}[rank]
        share = float(rng.uniform(0.42, 0.5))
        parts = cut(plots[largest], vertices, share=share, winding=winding, rng=rng, step=24.0, loose=0.06)
        if parts is None:
            sizes[largest] = -sizes[largest]
            continue
        one, other, path = parts
        paths.append(Path(rank, path, number))
        plots[largest] = one
        plots.append(other)
        sizes[largest] = shapely.Polygon(vertices[one]).area / 1e4
        sizes.append(shapely.Polygon(vertices[other]).area / 1e4)
    return plots, paths


def _rows(shape: shapely.Polygon, style: _Style, angle: float, floors: int, grid: int) -> list[House]:
    """Rows of houses across a plot, all facing the same way."""
    cosine, sine = np.cos(angle), np.sin(angle)
    turn = np.array([[cosine, -sine], [sine, cosine]])
    inset = shapely.buffer(shape, -style.inset, join_style="mitre")
    houses: list[House] = []
    for part in shapely.get_parts(inset):
        if part.area < style.length * style.depth:
            continue
        ring = shapely.get_coordinates(part.exterior) @ turn
        turned = shapely.Polygon(ring)
        shapely.prepare(turned)
        low, high = ring[:, 1].min(), ring[:, 1].max()
        pitch = style.depth + style.row_gap
        rows = int((high - low + style.row_gap) // pitch)
        if rows < 1:
            continue
        spare = (high - low - rows * pitch + style.row_gap) / 2
        for row in range(rows):
            bottom = low + spare + row * pitch
            left, right = _span(ring, bottom, bottom + style.depth)
            count = int((right - left + style.gap) // (style.length + style.gap))
            length = style.length
            if count < 1:
                if right - left < 0.6 * style.length:
                    continue
                count, length = 1, right - left - 0.5
            step = (right - left - count * length) / max(count - 1, 1)
            step = min(step, 2.2 * style.gap)
            start = left + (right - left - count * length - (count - 1) * step) / 2
            x0 = start + np.arange(count) * (length + step)
            boxes = shapely.box(x0, bottom, x0 + length, bottom + style.depth)
            for x, inside in zip(x0, shapely.contains(turned, boxes), strict=True):
                if inside:
                    corners = np.array([[x, bottom], [x + length, bottom], [x + length, bottom + style.depth],
                                        [x, bottom + style.depth]])  # fmt: skip
                    houses.append(House(style.use, grid, corners @ turn.T, floors))
    return houses


def _span(ring: Floats, low: float, high: float) -> tuple[float, float]:
    """Return the stretch of x that lies within a (nearly convex) ring at both heights."""
    begin, end = ring[:-1], ring[1:]
    spans = []
    for level in (low, high):
        across = (begin[:, 1] - level) * (end[:, 1] - level) <= 0
        rise = end[across, 1] - begin[across, 1]
        part = (level - begin[across, 1]) / np.where(rise == 0, 1.0, rise)
        x = begin[across, 0] + part * (end[across, 0] - begin[across, 0])
        if len(x) < 2:
            return 0.0, 0.0
        spans.append((x.min(), x.max()))
    return max(spans[0][0], spans[1][0]), min(spans[0][1], spans[1][1])


def _dead_end(plot: Ints, shape: shapely.Polygon, division: Division) -> Floats | None:
    """Return a lane from the middle of a plot's longest side into the plot, where it ends."""
    points = division.vertices[plot]
    middle = shapely.get_coordinates(shape.centroid)[0]
    away = np.hypot(*(points - middle).T)
    begin = points[int(np.argmin(np.where(away > 20, away, np.inf)))]
    end = begin + (middle - begin) * 1.25
    line = shapely.LineString([begin, end])
    if not shapely.contains(shape.buffer(0.01), line):
        return None
    return np.round(np.array([begin, (begin + end) / 2, end]), 3)


def _hamlet(
    number: int,
    shapes: list[shapely.Polygon],
    paths: list[Path],
    division: Division,
    interior: Interior,
    rng: np.random.Generator,
) -> None:
    """Houses along the lanes and creeks of a village, in clusters; a pond, an orchard."""
    village = shapely.union_all(shapes).buffer(-9)
    shapely.prepare(village)
    lines = [shapely.LineString(division.vertices[path.vertices]) for path in paths]
    if not lines:
        return
    ways = shapely.MultiLineString(lines)
    shapely.prepare(ways)
    taken: list[Floats] = []
    for path, line in zip(paths, lines, strict=True):
        places = np.arange(12.0, line.length - 10.0, 16.5) + rng.uniform(-2, 2)
        if not len(places):
            continue
        points, ahead = (
            shapely.get_coordinates(shapely.line_interpolate_point(line, places + more)) for more in (0.0, 3.0)
        )
        along = (ahead - points) / np.maximum(np.linalg.norm(ahead - points, axis=1), 1e-6)[:, None]
        dense = np.sin(places / 46.0 + rng.uniform(0, 7)) + 0.25
        for side in (-1.0, 1.0):
            offset = side * (15.5 if path.rank == "creek" else 13.0)
            across = np.stack([-along[:, 1], along[:, 0]], axis=1)
            middle = points + across * (offset + rng.normal(0, 0.8, len(points)))[:, None]
            keep = (dense > rng.uniform(-0.2, 0.5)) & (rng.random(len(points)) < 0.85)
            keep &= shapely.contains_xy(village, middle[:, 0], middle[:, 1])
            keep &= shapely.distance(ways, shapely.points(middle)) > 9.0
            for place in np.flatnonzero(keep):
                if taken and (np.hypot(*(np.array(taken) - middle[place]).T) < 15.5).any():
                    continue
                taken.append(middle[place])
                half = np.array([rng.uniform(5.2, 6.6), rng.uniform(4.4, 5.4)])
                one, two = along[place] * half[0], across[place] * half[1]
                corners = middle[place] + np.array([-one - two, one - two, one + two, -one + two])
                interior.houses.append(House("village house", number, corners, int(rng.integers(2, 4))))
    order = np.argsort([-shape.area for shape in shapes], kind="stable")
    if len(order) > 2:
        orchard = shapes[int(order[int(rng.integers(3))])].buffer(-26).buffer(6)
        for part in shapely.get_parts(orchard):
            if part.area > 2500:
                interior.greens.append(("orchard", number, part))
        if rng.random() < 0.7:
            _pond(shapes[int(order[-1])], number, interior, rng, 0.1)


def _pond(shape: shapely.Polygon, number: int, interior: Interior, rng: np.random.Generator, share: float) -> None:
    """Dig a pond of about ``share`` of a polygon around its most inner place."""
    circle = shapely.maximum_inscribed_circle(shape, tolerance=2.0)
    middle, room = shapely.get_coordinates(circle)[0], circle.length
    radius = min(np.sqrt(share * shape.area / np.pi), room * 0.55)
    if radius < 8:
        return
    turn = np.linspace(0, 2 * np.pi, 36, endpoint=False)
    waves = 1 + 0.22 * np.sin(2 * turn + rng.uniform(0, 7)) + 0.12 * np.sin(3 * turn + rng.uniform(0, 7))
    ring = middle + np.stack([np.cos(turn), np.sin(turn)], axis=1) * (radius * waves)[:, None]
    interior.ponds.append((number, shapely.Polygon(ring)))


def _sports_field(shape: shapely.Polygon, angle: float) -> npt.NDArray[np.object_]:
    """Return a running track, as large as it fits, long side across the rows of houses."""
    circle = shapely.maximum_inscribed_circle(shape, tolerance=2.0)
    middle, room = shapely.get_coordinates(circle)[0], circle.length
    half = min(room * 0.62, 42.0)
    along = np.array([-np.sin(angle), np.cos(angle)]) * half * 0.75
    return np.array([shapely.LineString([middle - along, middle + along]).buffer(half * 0.66)], dtype=object)
