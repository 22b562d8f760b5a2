"""Sizes in metres of what was found in any coordinates: degrees, feet, or the metres of another projection.

A straight edge in degrees is bent in metres: over four kilometres by a third of a metre. A sliver as thin as rounding,
between an edge and the same edge with one vertex more, would become a third of a metre wide if its corners alone were
projected. What is thin is therefore measured by the map scale at its middle, which keeps straight lines straight; what
is wide is projected.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pyproj
import shapely

from gridgeo.coverage import (
    bounds_of_segments,
    extract_edges,
    inscribed_radii,
    strips_in_the_west,
    sum_of_strips_in_the_west,
)

Floats = npt.NDArray[np.float64]
Geometries = npt.NDArray[np.object_]

THIN = 1.0
"""Metres. What is no wider is measured by the scale at its middle."""

_SCALE_ERROR = 1e-10
"""Of the areal scale as a polynomial, relative: a tenth of what areas may be off when they are added up."""

_GAUSS = {
    2: ((0.5 - 3**-0.5 / 2, 0.5), (0.5 + 3**-0.5 / 2, 0.5)),
    4: ((0.5 - 0.6**0.5 / 2, 5 / 18), (0.5, 8 / 18), (0.5 + 0.6**0.5 / 2, 5 / 18)),
}
"""Places along an edge and their weights, by the degree of the areal scale: the area has one degree more."""

_SLENDER = 150.0
"""Square of the border's length over the area above which circles are found by erosion: of a square it is 16."""


@dataclass(frozen=True)
class Sizes:
    """Sizes of polygons, as parallel arrays.

    Parameters
    ----------
    area : ndarray of float
        Square metres.
    width : ndarray of float
        Metres: the diameter of the largest circle that fits in.
    length : ndarray of float
        Metres of border.
    """

    area: Floats
    width: Floats
    length: Floats

    def at(self, number: int) -> tuple[float, float, float]:
        """Area, width and length of one polygon."""
        return float(self.area[number]), float(self.width[number]), float(self.length[number])


def measure(polygons: Geometries, crs: pyproj.CRS, metric: pyproj.CRS) -> Sizes:
    """Measure polygons of ``crs`` in metres, by way of the projection ``metric``."""
    polygons = np.asarray(polygons, dtype=object)
    if crs == metric or not len(polygons):
        return _sizes(polygons)
    local = _by_local_scale(polygons, crs, metric)
    area, length = shapely.area(local), shapely.length(local)
    # no circle is smaller than the area over the border nor larger in area: most need not be measured twice
    wide = 2 * area > THIN * length
    unclear = ~wide & (area > np.pi / 4 * THIN * THIN)
    width = np.zeros(len(polygons))
    width[~wide] = widest(local[~wide])
    wide |= unclear & (width > THIN)
    if wide.any():
        projected = _sizes(gpd.GeoSeries(polygons[wide], crs=crs).to_crs(metric).to_numpy())
        area[wide], width[wide], length[wide] = projected.area, projected.width, projected.length
    return Sizes(area, width, length)


class LateWidths:
    """Widths of polygons that are measured, all at once, when one of them is asked for.

    Parameters
    ----------
    polygons : ndarray of Polygon or MultiPolygon
    crs, metric : pyproj.CRS
    """

    def __init__(self, polygons: Geometries, crs: pyproj.CRS, metric: pyproj.CRS) -> None:
        self._polygons, self._crs, self._metric = polygons, crs, metric

    @cached_property
    def _width(self) -> Floats:
        return measure(self._polygons, self._crs, self._metric).width

    def at(self, number: int) -> float:
        """Return the width of one polygon in metres."""
        return float(self._width[number])


def most_wide(area: Floats) -> Floats:
    """Return the diameter of circles of some areas: no polygon of such an area is wider."""
    widths: Floats = 2 * np.sqrt(area / np.pi)
    return widths


def areas_and_lengths(polygons: Geometries, crs: pyproj.CRS, metric: pyproj.CRS) -> tuple[Floats, Floats]:
    """Return the square metres of polygons of ``crs``, in degrees on the ellipsoid, and the metres of their borders.

    Much cheaper than to project them, and as exact: areas to 1e-10, lengths to 1e-6.
    """
    edges = extract_edges(polygons)
    is_edge = np.ones(len(edges.coordinates), bool)
    is_edge[edges.ring_start[1:] - 1] = False
    at = np.flatnonzero(is_edge)
    segment = np.hstack([edges.coordinates[at], edges.coordinates[at + 1]])
    ring = np.repeat(np.arange(len(edges.ring_polygon)), np.diff(edges.ring_start) - 1)
    size = np.abs(np.bincount(ring, _strips(segment, crs, metric), len(edges.ring_polygon)))
    area = np.bincount(edges.ring_polygon, np.where(edges.hole_ring, -size, size), len(polygons))
    run = segment[:, 2:] - segment[:, :2]
    if crs != metric and len(at):
        boxes = shapely.bounds(polygons)
        boxes[np.isnan(boxes)] = 0.0
        east, north = _local_scale((boxes[:, :2] + boxes[:, 2:]) / 2, crs, metric)
        of = edges.ring_polygon[ring]
        run = run[:, :1] * east[of] + run[:, 1:] * north[of]
    length = np.bincount(edges.ring_polygon[ring], np.hypot(run[:, 0], run[:, 1]), len(polygons))
    return area.astype(np.float64), length.astype(np.float64)


def total_area(polygons: Geometries, crs: pyproj.CRS, metric: pyproj.CRS) -> float:
    """Return the square metres of all polygons of ``crs`` together; in degrees, on the ellipsoid."""
    return float(areas_and_lengths(polygons, crs, metric)[0].sum())


def enclosed_area(segment: Floats, crs: pyproj.CRS, metric: pyproj.CRS) -> float:
    """Return the square metres to the left of directed edges (x, y, x, y) that together close.

    The sum over all edges of polygons, the interior on their left, is the sum of their areas; edges that cancel add
    nothing to it, so that the residual of a coverage is enough.
    """
    if crs.is_geographic or not len(segment):
        return float(_strips(segment, crs, metric).sum())
    return sum_of_strips_in_the_west(segment, *_frame(segment, crs, metric))


def _strips(segment: Floats, crs: pyproj.CRS, metric: pyproj.CRS) -> Floats:
    """Square metres between each edge, straight in ``crs``, and a line that all have in common.

    By Green's theorem: the integral of the area west of a place (in degrees: south of it) along the edge.
    """
    if not len(segment):
        return np.zeros(0)
    if crs.is_geographic:
        unit = np.pi / 180 if not crs.axis_info else crs.axis_info[0].unit_conversion_factor
        # counterclockwise rings run west in the north
        along, across, beyond = -unit * (segment[:, 2] - segment[:, 0]), segment[:, 1::2] * unit, _south_of(crs)
        start, stop = across.T
        return along * (beyond(start) + 4 * beyond((start + stop) / 2) + beyond(stop)) / 6
    return strips_in_the_west(segment, *_frame(segment, crs, metric))


def _frame(
    segment: Floats, crs: pyproj.CRS, metric: pyproj.CRS
) -> tuple[Floats, Floats, Floats, Sequence[tuple[float, float]]]:
    """Return the middle and half the size of the box around edges, and `_scale_by_place` in it."""
    low, high = bounds_of_segments(segment)
    middle, size = (low + high) / 2, np.maximum((high - low) / 2, 1e-300)
    return middle, size, *_scale_by_place(middle, size, crs, metric)


def _south_of(crs: pyproj.CRS) -> Callable[[Floats], Floats]:
    """Return the area between the equator and a latitude on the ellipsoid, for one radian of longitude."""
    ellipsoid = crs.ellipsoid or pyproj.CRS.from_epsg(4326).ellipsoid
    assert ellipsoid is not None
    b, e = ellipsoid.semi_minor_metre, np.sqrt(1 - (ellipsoid.semi_minor_metre / ellipsoid.semi_major_metre) ** 2)

    def area(angle: Floats) -> Floats:
        sine: Floats = np.sin(angle)
        part: Floats = b * b / 2 * (sine / (1 - (e * sine) ** 2) + (np.arctanh(e * sine) / e if e else sine))
        return part

    return area


def _scale_by_place(
    middle: Floats, size: Floats, crs: pyproj.CRS, metric: pyproj.CRS
) -> tuple[Floats, Sequence[tuple[float, float]]]:
    """Return the area, per unit of height, between the middle and a place (x and y from -1 to 1) in ``metric``.

    As factors of powers of x and y. The areal scale between two projections is smooth: over a town a parabola, over a
    country a quartic is true to 1e-10, and far cheaper than to project every vertex. With them come the places along an
    edge, and their weights, at which Gauss's rule integrates the area exactly.
    """
    if crs == metric:
        return np.ones((1, 1)), ((0.5, 1.0),)
    at = np.array(np.meshgrid(*[np.cos(np.linspace(0, np.pi, 7))] * 2)).reshape(2, -1)
    columns = _local_scale(middle + at.T * size, crs, metric)
    scale = np.abs(columns[0][:, 0] * columns[1][:, 1] - columns[0][:, 1] * columns[1][:, 0])
    for degree in (2, 4):
        powers = [(i, j) for i in range(degree + 1) for j in range(degree + 1 - i)]
        table = np.column_stack([at[0] ** i * at[1] ** j for i, j in powers])
        factor = np.linalg.lstsq(table, scale, rcond=None)[0]
        if np.abs(table @ factor - scale).max() <= _SCALE_ERROR * scale.max():
            break
    integral = np.zeros((degree + 1, degree + 1))
    for (i, j), one in zip(powers, factor.tolist(), strict=True):
        integral[i, j] = one / (i + 1)
    return integral, _GAUSS[degree]


def widest(polygons: Geometries) -> Floats:
    """Diameter of the largest circle that fits in each polygon, true to half a percent.

    In polygons of few edges it is found by the kernel. GEOS searches the circle in square cells, of which a sliver a
    thousand times as long as wide needs millions: it gives up early and finds circles many times too small. So it is
    asked for compact polygons only, where that is cheap; others are eroded. The circle's radius is the depth at which
    nothing is left, found by halving.
    """
    widths = np.zeros(len(polygons))
    area, length = shapely.area(polygons), shapely.length(polygons)
    real = area > 0
    triangle = real & (shapely.get_num_coordinates(polygons) == 4)
    widths[triangle] = 4 * area[triangle] / length[triangle]
    told = np.flatnonzero(real & ~triangle)
    radius = inscribed_radii(polygons[told])
    widths[told] = 2 * radius
    others = told[np.isnan(radius)]
    if not len(others):
        return widths
    low, high = area[others] / length[others], np.sqrt(area[others] / np.pi)
    slenderness = length[others] ** 2 / area[others]
    cheap = np.flatnonzero(slenderness < _SLENDER)
    step = np.sqrt(area[others[cheap]]) * 0.002
    radius = shapely.length(shapely.maximum_inscribed_circle(polygons[others[cheap]], tolerance=step))
    low[cheap], high[cheap] = np.maximum(low[cheap], radius), np.minimum(high[cheap], radius + step)
    while len(open_ := np.flatnonzero(high > low * 1.01)):
        depth = np.sqrt(low[open_] * high[open_])
        left = ~shapely.is_empty(shapely.buffer(polygons[others[open_]], -depth, quad_segs=32))
        low[open_[left]], high[open_[~left]] = depth[left], depth[~left]
    widths[others] = low + high
    return widths


def _transformer(crs: pyproj.CRS, metric: pyproj.CRS) -> pyproj.Transformer:
    """Return the way between two CRSs; the very ones of the last call aren't compared, which takes long."""
    last = _last[0]
    if last is None or last[0] is not crs or last[1] is not metric:
        last = _last[0] = crs, metric, _transformer_between(crs, metric)
    return last[2]


_last: list[tuple[pyproj.CRS, pyproj.CRS, pyproj.Transformer] | None] = [None]
"""Of the last call: the CRSs and the way between them."""


@lru_cache(maxsize=8)
def _transformer_between(crs: pyproj.CRS, metric: pyproj.CRS) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(crs, metric, always_xy=True)


def _sizes(polygons: Geometries) -> Sizes:
    return Sizes(shapely.area(polygons), widest(polygons), shapely.length(polygons))


def _local_scale(place: Floats, crs: pyproj.CRS, metric: pyproj.CRS) -> tuple[Floats, Floats]:
    """Where one unit of x and one of y lead in metres, at each place."""
    step = 1e-5 if crs.is_geographic else 30.0 / float(crs.axis_info[0].unit_conversion_factor or 1.0)
    transformer = _transformer(crs, metric)

    def moved(x: float, y: float) -> Floats:
        return np.column_stack(transformer.transform(place[:, 0] + x, place[:, 1] + y))

    return (moved(step, 0) - moved(-step, 0)) / (2 * step), (moved(0, step) - moved(0, -step)) / (2 * step)


def _by_local_scale(polygons: Geometries, crs: pyproj.CRS, metric: pyproj.CRS) -> Geometries:
    """Map each polygon to metres by the affine map that the projection is at its middle."""
    bounds = shapely.bounds(polygons)
    middle = (bounds[:, :2] + bounds[:, 2:]) / 2
    columns = _local_scale(middle, crs, metric)
    coordinates, index = shapely.get_coordinates(polygons, return_index=True)
    offset = coordinates - middle[index]
    local = offset[:, :1] * columns[0][index] + offset[:, 1:] * columns[1][index]
    return np.asarray(shapely.set_coordinates(polygons.copy(), local), dtype=object)
