"""Sizes in metres of what was found in any coordinates: degrees, feet, or the metres of another projection.

A straight edge in degrees is bent in metres: over four kilometres by a third of a metre. A sliver as thin as rounding,
between an edge and the same edge with one vertex more, would become a third of a metre wide if its corners alone were
projected. What is thin is therefore measured by the map scale at its middle, which keeps straight lines straight; what
is wide is projected.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pyproj
import shapely

Floats = npt.NDArray[np.float64]
Geometries = npt.NDArray[np.object_]

THIN = 1.0
"""Metres. What is no wider is measured by the scale at its middle."""

_COMPACT, _SLENDER = 400.0, 4000.0
"""Square of the border's length over the area: of a square 16, of a strip a thousand times as long as wide 4000."""


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
    sizes = _sizes(_by_local_scale(polygons, crs, metric))
    wide = sizes.width > THIN
    if wide.any():
        projected = _sizes(gpd.GeoSeries(polygons[wide], crs=crs).to_crs(metric).to_numpy())
        for mine, theirs in (
            (sizes.area, projected.area),
            (sizes.width, projected.width),
            (sizes.length, projected.length),
        ):
            mine[wide] = theirs
    return sizes


def total_area(polygons: Geometries, crs: pyproj.CRS, metric: pyproj.CRS) -> float:
    """Return the square metres of all polygons of ``crs`` together; in degrees, on the ellipsoid."""
    present = polygons[~shapely.is_missing(polygons)]
    if not crs.is_geographic:
        return float(gpd.GeoSeries(present, crs=crs).to_crs(metric).area.sum())
    parts = shapely.get_parts(present)
    holes = shapely.get_rings(parts[shapely.get_num_interior_rings(parts) > 0])
    shells = shapely.get_exterior_ring(parts)
    # the holes' own shells are among their rings: taken off once too often, so added once more
    outer = shapely.get_exterior_ring(parts[shapely.get_num_interior_rings(parts) > 0])
    return _on_ellipsoid(shells, crs) - _on_ellipsoid(holes, crs) + _on_ellipsoid(outer, crs)


def _on_ellipsoid(rings: Geometries, crs: pyproj.CRS) -> float:
    """Square metres in all rings together, whose edges are straight in degrees: the integral of dA/dlongitude."""
    if not len(rings):
        return 0.0
    ellipsoid = crs.ellipsoid or pyproj.CRS.from_epsg(4326).ellipsoid
    assert ellipsoid is not None
    b, e = ellipsoid.semi_minor_metre, np.sqrt(1 - (ellipsoid.semi_minor_metre / ellipsoid.semi_major_metre) ** 2)
    coordinates, ring = shapely.get_coordinates(rings, return_index=True)
    unit = np.pi / 180 if not crs.axis_info else crs.axis_info[0].unit_conversion_factor
    longitude, latitude = (coordinates * unit).T

    def from_equator(angle: Floats) -> Floats:
        """Area between the equator and a latitude, for one radian of longitude."""
        sine: Floats = np.sin(angle)
        part: Floats = b * b / 2 * (sine / (1 - (e * sine) ** 2) + (np.arctanh(e * sine) / e if e else sine))
        return part

    here, middle = from_equator(latitude), from_equator((latitude[1:] + latitude[:-1]) / 2)
    strip = np.diff(longitude) * (here[1:] + 4 * middle + here[:-1]) / 6
    strip[ring[1:] != ring[:-1]] = 0.0
    return float(np.abs(np.bincount(ring[1:], strip)).sum())


def widest(polygons: Geometries) -> Floats:
    """Diameter of the largest circle that fits in each polygon, true to half a percent.

    GEOS searches the circle in square cells, of which a sliver a thousand times as long as wide needs millions: it
    gives up early and finds circles many times too small. So it is asked for a coarse answer and only where that is
    cheap; then the polygon is eroded. The circle's radius is the depth at which nothing is left, found by halving.
    """
    widths = np.zeros(len(polygons))
    area, length = shapely.area(polygons), shapely.length(polygons)
    real = area > 0
    triangle = real & (shapely.get_num_coordinates(polygons) == 4)
    widths[triangle] = 4 * area[triangle] / length[triangle]
    others = np.flatnonzero(real & ~triangle)
    low, high = area[others] / length[others], np.sqrt(area[others] / np.pi)
    slenderness = length[others] ** 2 / area[others]
    cheap = np.flatnonzero(slenderness < _SLENDER)
    step = np.sqrt(area[others[cheap]]) * np.where(slenderness[cheap] < _COMPACT, 0.002, 0.02)
    radius = shapely.length(shapely.maximum_inscribed_circle(polygons[others[cheap]], tolerance=step))
    low[cheap], high[cheap] = np.maximum(low[cheap], radius), np.minimum(high[cheap], radius + step)
    while len(open_ := np.flatnonzero(high > low * 1.01)):
        depth = np.sqrt(low[open_] * high[open_])
        left = ~shapely.is_empty(shapely.buffer(polygons[others[open_]], -depth, quad_segs=32))
        low[open_[left]], high[open_[~left]] = depth[left], depth[~left]
    widths[others] = low + high
    return widths


@lru_cache(maxsize=8)
def _transformer(crs: pyproj.CRS, metric: pyproj.CRS) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(crs, metric, always_xy=True)


def _sizes(polygons: Geometries) -> Sizes:
    return Sizes(shapely.area(polygons), widest(polygons), shapely.length(polygons))


def _by_local_scale(polygons: Geometries, crs: pyproj.CRS, metric: pyproj.CRS) -> Geometries:
    """Map each polygon to metres by the affine map that the projection is at its middle."""
    bounds = shapely.bounds(polygons)
    middle = (bounds[:, :2] + bounds[:, 2:]) / 2
    step = 1e-5 if crs.is_geographic else 1.0
    transformer = _transformer(crs, metric)

    def moved(shift: tuple[float, float]) -> Floats:
        return np.column_stack(transformer.transform(middle[:, 0] + shift[0], middle[:, 1] + shift[1]))

    columns = [(moved((step, 0)) - moved((-step, 0))) / (2 * step), (moved((0, step)) - moved((0, -step))) / (2 * step)]
    coordinates, index = shapely.get_coordinates(polygons, return_index=True)
    offset = coordinates - middle[index]
    local = offset[:, :1] * columns[0][index] + offset[:, 1:] * columns[1][index]
    return np.asarray(shapely.set_coordinates(polygons.copy(), local), dtype=object)
