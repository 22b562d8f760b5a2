"""Edges: polygons as flat arrays of vertices and rings.

An edge is named by the index of its first vertex, so "edge ``i``" runs from vertex ``i`` to vertex ``i + 1`` and the
last vertex of a ring has no edge. Repeated vertices are dropped and -0.0 becomes 0.0, so that equal places have equal
bits. Cost: O(n), 16 bytes a vertex; ring objects are built for polygons with holes only, because building them is
what is slow.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.coverage._engine import compiled_for

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_BLOCK = 1 << 16
_CHUNK = 64


def distinct(values: Ints) -> Ints:
    """Sort and drop repetitions; much faster than ``np.unique`` of numpy 2.3 and later, which hashes."""
    ordered = np.sort(values)
    kept = np.ones(len(ordered), bool)
    np.not_equal(ordered[1:], ordered[:-1], out=kept[1:])
    result: Ints = ordered[kept]
    return result


@dataclass(frozen=True)
class Edges:
    """The rings of all polygons, one after another.

    Parameters
    ----------
    coordinates : ndarray of float, shape (n, 2)
    ring_start : ndarray of int, shape (rings + 1,)
        First vertex of each ring; the last entry is ``n``.
    ring_polygon : ndarray of int, shape (rings,)
        Index of the polygon of each ring.
    reversed_ring : ndarray of bool, shape (rings,)
        Whether the polygon's interior lies to the right of the ring as stored.
    hole_ring : ndarray of bool, shape (rings,)
        Whether the ring bounds a hole of its polygon.
    count : int
        How many polygons there are, empty ones included.
    given : int
        How many vertices the polygons have, repeated ones and those set aside included.
    aside : ndarray of bool, shape (rings,), optional
        Rings that are set aside: their vertices are there, but no edges.
    """

    coordinates: npt.NDArray[np.float64]
    ring_start: Ints
    ring_polygon: Ints
    reversed_ring: Bools
    hole_ring: Bools
    count: int
    given: int
    aside: Bools | None = None

    def ring_of(self, edges: npt.NDArray[np.integer]) -> Ints:
        """Ring of each edge."""
        return np.searchsorted(self.ring_start, edges, side="right") - 1

    def polygon_of(self, edges: npt.NDArray[np.integer]) -> Ints:
        """Polygon of each edge."""
        return self.ring_polygon[self.ring_of(edges)]

    def oriented(self, edges: npt.NDArray[np.integer]) -> npt.NDArray[np.float64]:
        """Edges as rows ``x, y, x, y`` with the polygon's interior on the left."""
        place = self.coordinates.view(np.complex128).ravel()  # a place as one number: one memory access
        ends = np.empty((len(edges), 2), np.complex128)
        ends[:, 0], ends[:, 1] = place[edges], place[np.asarray(edges) + 1]
        if self.reversed_ring.any():
            turned = self.reversed_ring[self.ring_of(edges)]
            ends[turned] = ends[turned][:, ::-1]
        return ends.view(np.float64)

    def without(self, polygons: Ints) -> Edges:
        """Return the edges that are left when the rings of some polygons are set aside; nothing is copied."""
        if not len(polygons):
            return self
        gone = np.zeros(self.count, bool)
        gone[polygons] = True
        aside = gone[self.ring_polygon]
        return replace(self, aside=aside if self.aside is None else aside | self.aside)

    @property
    def no_edge(self) -> Bools:
        """Which vertices no edge starts from: the last of each ring, and those of rings that are set aside."""
        none = np.zeros(len(self.coordinates), bool)
        none[self.ring_start[1:] - 1] = True
        for ring in [] if self.aside is None else np.flatnonzero(self.aside).tolist():
            none[self.ring_start[ring] : self.ring_start[ring + 1]] = True
        return none

    @cached_property
    def chunks(self) -> tuple[Ints, Ints, npt.NDArray[np.float64]]:
        """Runs of at most 64 consecutive edges of one ring: (first edge, last edge + 1, box)."""
        edges_in_ring = np.diff(self.ring_start) - 1
        if self.aside is not None:
            edges_in_ring[self.aside] = 0
        count = -(-edges_in_ring // _CHUNK)
        ring = np.repeat(np.arange(len(count)), count)
        step = np.arange(len(ring)) - np.repeat(np.cumsum(count) - count, count)
        start = self.ring_start[ring] + step * _CHUNK
        stop = np.minimum(start + _CHUNK, self.ring_start[ring + 1] - 1)
        compiled = compiled_for(len(self.coordinates))
        if compiled is not None:
            return start, stop, compiled.chunk_boxes(self.coordinates, start, stop)
        box = np.empty((len(ring), 4))
        if len(ring):
            for axis in (0, 1):
                values = np.ascontiguousarray(self.coordinates[:, axis])
                box[:, axis] = np.minimum(np.minimum.reduceat(values, start), values[stop])
                box[:, axis + 2] = np.maximum(np.maximum.reduceat(values, start), values[stop])
        return start, stop, box


def extract_edges(polygons: npt.NDArray[np.object_]) -> Edges:
    """Take the rings out of an array of Polygon and MultiPolygon; None and empty geometries have none."""
    parts, part_polygon = _parts(polygons)
    coordinates = shapely.get_coordinates(parts)
    coordinates += 0.0  # -0.0 + 0.0 is 0.0
    holes = shapely.get_num_interior_rings(parts)
    sizes = shapely.get_num_coordinates(parts).astype(np.int64)
    filled = sizes > 0
    rings_per_part = np.where(filled, holes + 1, 0)
    first_ring = np.cumsum(rings_per_part) - rings_per_part
    ring_size = np.zeros(int(rings_per_part.sum()), np.int64)
    ring_size[first_ring[filled]] = sizes[filled]
    pierced = np.flatnonzero(holes > 0)
    if len(pierced):
        rings, owner = shapely.get_rings(parts[pierced], return_index=True)
        start_of_owner = np.cumsum(rings_per_part[pierced]) - rings_per_part[pierced]
        ring_size[first_ring[pierced][owner] + np.arange(len(rings)) - start_of_owner[owner]] = (
            shapely.get_num_coordinates(rings)
        )
    is_hole = np.ones(len(ring_size), bool)
    is_hole[first_ring[filled]] = False
    ring_start = np.concatenate([[0], np.cumsum(ring_size)])
    ring_polygon = np.repeat(part_polygon, rings_per_part)
    compiled = compiled_for(len(coordinates))
    if compiled is not None:
        doubled_area, bound, repeated = compiled.ring_turns(coordinates, ring_start)
    if compiled is None or repeated:
        coordinates, ring_start = _drop_repeated_vertices(coordinates, ring_start)
        doubled_area, bound = _ring_turns(coordinates, ring_start)
    clockwise = doubled_area < 0
    for ring in np.flatnonzero((np.abs(doubled_area) <= bound) & np.isfinite(bound)).tolist():
        clockwise[ring] = _exact_doubled_area(coordinates[ring_start[ring] : ring_start[ring + 1]]) < 0
    return Edges(coordinates, ring_start, ring_polygon, clockwise != is_hole, is_hole, len(polygons), int(sizes.sum()))


def _parts(polygons: npt.NDArray[np.object_]) -> tuple[npt.NDArray[np.object_], Ints]:
    """Return the polygons that geometries consist of, and of which each is; only those of several are taken apart."""
    kind = shapely.get_type_id(polygons)
    if (kind == shapely.GeometryType.POLYGON).all():
        return polygons, np.arange(len(polygons))
    several = kind > shapely.GeometryType.POLYGON
    count = np.where(several, shapely.get_num_geometries(polygons), kind >= 0)
    part_polygon = np.repeat(np.arange(len(polygons)), count)
    parts = polygons[part_polygon]
    if several.any():
        parts[several[part_polygon]] = shapely.get_parts(polygons[several])
    return parts, part_polygon


def _drop_repeated_vertices(
    coordinates: npt.NDArray[np.float64], ring_start: Ints
) -> tuple[npt.NDArray[np.float64], Ints]:
    """Leave out vertices that equal their predecessor in the ring."""
    repeated = np.zeros(len(coordinates), bool)
    for start in range(1, len(coordinates), _BLOCK):
        here = coordinates[start : start + _BLOCK]
        before = coordinates[start - 1 : start - 1 + len(here)]
        np.logical_and(here[:, 0] == before[:, 0], here[:, 1] == before[:, 1], out=repeated[start : start + _BLOCK])
    repeated[ring_start[:-1]] = False
    if not repeated.any():
        return coordinates, ring_start
    kept_before = np.concatenate([[0], np.cumsum(~repeated)])
    return coordinates[~repeated], kept_before[ring_start]


def _ring_turns(
    coordinates: npt.NDArray[np.float64], ring_start: Ints
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Doubled area of each ring, whose sign is its turning sense, and how far rounding may have moved it."""
    doubled_area, bound = np.zeros(len(ring_start) - 1), np.zeros(len(ring_start) - 1)
    first = 0
    while first < len(bound):  # whole rings, a block of vertices at a time: the temporaries stay in the cache
        last = max(first + 1, int(np.searchsorted(ring_start, ring_start[first] + _BLOCK)) - 1)
        starts = ring_start[first : last + 1]
        block = coordinates[starts[0] : starts[-1]]
        doubled_area[first:last], bound[first:last] = _block_turns(block, starts - starts[0])
        first = last
    return doubled_area, bound


def _block_turns(
    block: npt.NDArray[np.float64], starts: Ints
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    sizes = np.diff(starts)
    local = block - np.repeat(block[starts[:-1]], sizes, axis=0)
    x, y = local[:, 0], local[:, 1]
    product, size = np.zeros(len(block)), np.zeros(len(block))
    forth, back = x[:-1] * y[1:], x[1:] * y[:-1]
    np.subtract(forth, back, out=product[:-1])
    np.add(np.abs(forth), np.abs(back), out=size[:-1])
    product[starts[1:] - 1] = 0.0  # no edge leads from one ring to the next
    size[starts[1:] - 1] = 0.0
    bound = np.add.reduceat(size, starts[:-1]) * (sizes + 8) * 2.0**-51
    return np.add.reduceat(product, starts[:-1]), bound


def _exact_doubled_area(ring: npt.NDArray[np.float64]) -> Fraction:
    exact = [(Fraction(x), Fraction(y)) for x, y in ring.tolist()]
    return sum((a[0] * b[1] - b[0] * a[1] for a, b in pairwise(exact)), Fraction(0))
