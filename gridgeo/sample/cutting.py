"""Cutting polygons along new paths between vertices that they already have.

Theory. A polygon is a ring of vertex numbers. A cut joins two of its vertices by a path of new vertices and makes two
rings that share the path. No vertex is ever put on an existing edge, so neighbours never miss one: whatever is cut,
the parts and all that was there before remain one coverage, exactly, whatever the coordinates.

Cost. All pairs of a ring's vertices are rated at once (areas by prefix sums), the best few are looked at more
closely: about a third of a millisecond a cut.

Limits. Rings without holes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

import numpy as np
import numpy.typing as npt
import shapely

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MOST_ENDS = 72
"""Of longer rings only so many vertices, evenly spread, are tried as ends."""


@dataclass
class Vertices:
    """The vertices of all rings, by number; grows as paths are added."""

    blocks: list[Floats] = field(default_factory=list)
    count: int = 0
    joined: dict[int, int] = field(default_factory=dict)
    """Vertices at which a path ends, so that the road on the other side may meet it: number -> paths that end there."""
    shunned: dict[int, float] = field(default_factory=dict)
    """Vertices at which paths had better not end, those in the middle of a river: number -> how bad."""
    _table: Floats = field(default_factory=lambda: np.zeros((0, 2)))

    def add(self, points: Floats) -> Ints:
        """Add points and return their numbers."""
        numbers = np.arange(self.count, self.count + len(points))
        end = self.count + len(points)
        if end > len(self._table):
            grown = np.empty((max(1024, 2 * end), 2))
            grown[: self.count] = self._table[: self.count]
            self._table = grown
        self._table[self.count : end] = points
        self.count = end
        return numbers

    def __getitem__(self, numbers: Ints) -> Floats:
        return self._table[numbers]

    @property
    def all(self) -> Floats:
        """Coordinates of all vertices."""
        return self._table[: self.count]


def signed_area(points: Floats) -> float:
    """Area within a ring (not closed), positive where it runs counterclockwise."""
    x, y = points[:, 0] - points[0, 0], points[:, 1] - points[0, 1]
    return float(0.5 * (x * np.roll(y, -1) - np.roll(x, -1) * y).sum())


def cut(
    ring: Ints,
    vertices: Vertices,
    *,
    share: float,
    winding: float,
    rng: np.random.Generator,
    step: float = 28.0,
    loose: float = 0.0,
    ends: int = MOST_ENDS,
) -> tuple[Ints, Ints, Ints] | None:
    """Cut a ring in two along a short path.

    Parameters
    ----------
    ring : array
        Vertex numbers, counterclockwise, the first not repeated.
    vertices : Vertices
        Grows by the path's inner vertices.
    share : float
        Share of the area that the first part is to have, about.
    winding : float
        How much the path bends: 0.03 for a road, 0.1 for a creek.
    step : float
        Metres between vertices of the path.
    loose : float
        How far shares may differ without blame.
    ends : int
        How many vertices are tried as ends at most: the time goes with its square.

    Returns
    -------
    tuple of arrays or None
        First part, second part, path (vertex numbers with both ends); None when no path fits.
    """
    points = vertices[ring]
    points = points - points[0]
    n = len(ring)
    tried = np.arange(n) if n <= ends else np.linspace(0, n - 1, ends).astype(np.int64)
    i, j, score, first_share = _rate(points, tried, ring, vertices, share, loose)
    if not len(i):
        return None
    polygon = shapely.Polygon(points)
    shapely.prepare(polygon)
    boundary = polygon.exterior
    shapely.prepare(boundary)
    order = np.argsort(score, kind="stable")
    seeds = rng.normal(0, 1, 4)
    for most_bent, candidates in ((winding, order[:14]), (0.0, order[:60])):
        for pick in candidates:
            begin, end = int(i[pick]), int(j[pick])
            path = _path(points[begin], points[end], most_bent, step, seeds)
            if _fits(path, points[begin], points[end], polygon, boundary):
                inner = vertices.add(np.round(path + vertices[ring[:1]], 3))
                whole = np.concatenate([ring[begin : begin + 1], inner, ring[end : end + 1]])
                one = np.concatenate([ring[begin : end + 1], inner[::-1]])
                other = np.concatenate([ring[end:], ring[: begin + 1], inner])
                for number in (int(ring[begin]), int(ring[end])):
                    vertices.joined[number] = vertices.joined.get(number, 0) + 1
                swap = abs(first_share[pick] - share) > abs(1 - first_share[pick] - share)
                return (other, one, whole) if swap else (one, other, whole)
    return None


@cache
def _all_pairs(count: int) -> tuple[Ints, Ints]:
    """Return the pairs i < j of numbers below ``count``."""
    first, second = np.triu_indices(count, 1)
    return first, second


def _rate(
    points: Floats, tried: Ints, ring: Ints, vertices: Vertices, share: float, loose: float
) -> tuple[Ints, Ints, Floats, Floats]:
    """Rate the pairs of vertices: short, square to the border, sharing the area well, and meeting the roads across."""
    n = len(points)
    closed = np.concatenate([points, points[:1]])
    prefix = np.zeros(n + 1)
    np.cumsum(closed[:-1, 0] * closed[1:, 1] - closed[1:, 0] * closed[:-1, 1], out=prefix[1:])
    total = 0.5 * prefix[-1]
    after = closed[1:] - closed[:-1]
    edge = np.hypot(after[:, 0], after[:, 1])
    along = np.zeros(n + 1)
    np.cumsum(edge, out=along[1:])
    after /= edge[:, None]
    tangent = after + np.concatenate([after[-1:], after[:-1]])
    straight = np.hypot(tangent[:, 0], tangent[:, 1])
    tangent /= np.maximum(straight, 1e-9)[:, None]
    corner = np.where(straight < 1.9, 1.1, 0.0) + np.where(straight < 1.5, 1.2, 0.0)
    a, b = _all_pairs(len(tried))
    i, j = tried[a], tried[b]
    size = float(np.sqrt(total))
    x, y = points[:, 0], points[:, 1]
    part = (prefix[j] - prefix[i] + x[j] * y[i] - x[i] * y[j]) * (0.5 / total)
    off = np.maximum(np.minimum(np.abs(part - share), np.abs(1 - part - share)) - loose, 0)
    apart = along[j] - along[i]
    good = (off < 0.5 * min(share, 1 - share)) & (apart > 0.35 * size) & (apart < along[-1] - 0.35 * size)
    good &= (part > 0) & (part < 1)
    i, j, part, off = i[good], j[good], part[good], off[good]
    chord = points[j] - points[i]
    length = np.maximum(np.hypot(chord[:, 0], chord[:, 1]), 1e-3)
    unit = chord / length[:, None]
    skew_i = 1 - np.abs(tangent[i, 0] * unit[:, 1] - tangent[i, 1] * unit[:, 0])
    skew_j = 1 - np.abs(tangent[j, 0] * unit[:, 1] - tangent[j, 1] * unit[:, 0])
    # beside a very short edge a path would come too near to the next vertex
    corner += np.where(np.minimum(edge, np.concatenate([edge[-1:], edge[:-1]])) < 4.0, 9.0, 0.0)
    numbers = ring.tolist()
    met = np.array([0.22 if vertices.joined.get(number, 0) == 1 else 0.0 for number in numbers])
    bonus = np.where(corner == 0, met, 0.0) - np.array([vertices.shunned.get(number, 0.0) for number in numbers])
    score = length / size + 5.0 * off + corner[i] + corner[j] + 1.3 * (skew_i + skew_j) - bonus[i] - bonus[j]
    return i, j, score, part


def _path(begin: Floats, end: Floats, winding: float, step: float, seeds: Floats) -> Floats:
    """Inner vertices of a gently bent path."""
    chord = end - begin
    length = float(np.hypot(*chord))
    count = max(1, round(length / step) - 1)
    t = np.arange(1, count + 1) / (count + 1)
    across = np.array([-chord[1], chord[0]])
    bend = np.clip(seeds[0], -1.5, 1.5) * winding * 4 * t * (1 - t)
    bend += winding * 0.5 * np.clip(seeds[1], -1.5, 1.5) * np.sin(2 * np.pi * t * (1 if winding < 0.05 else 1.5))
    return np.asarray(begin + t[:, None] * chord + bend[:, None] * across)


def _fits(path: Floats, begin: Floats, end: Floats, polygon: shapely.Polygon, boundary: shapely.LinearRing) -> bool:
    """Whether a path stays within the polygon and well away from its border, but near its ends."""
    whole = np.concatenate([begin[None], path, end[None]])
    middles = (whole[1:] + whole[:-1]) / 2
    points = np.concatenate([path, middles])
    if not bool(shapely.contains_xy(polygon, points[:, 0], points[:, 1]).all()):
        return False
    from_ends = np.minimum(
        np.hypot(points[:, 0] - begin[0], points[:, 1] - begin[1]),
        np.hypot(points[:, 0] - end[0], points[:, 1] - end[1]),
    )
    clear = shapely.distance(boundary, shapely.points(points))
    if not bool((clear > 0.42 * np.minimum(from_ends, 26.0)).all()):
        return False
    return bool(shapely.covers(polygon, shapely.LineString(whole)))
