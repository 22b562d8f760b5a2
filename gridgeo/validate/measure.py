"""Sizes in metres of what was found in any coordinates: degrees, feet, or the metres of another projection.

A straight edge in degrees is bent in metres: over four kilometres by a third of a metre. A sliver as thin as rounding,
between an edge and the same edge with one vertex more, would become a third of a metre wide if its corners alone were
projected. What is thin is therefore measured by the map scale at its middle, which keeps straight lines straight; what
is wide is projected.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pyproj
import shapely

Floats = npt.NDArray[np.float64]
Geometries = npt.NDArray[np.object_]

_BENT_BELOW_NOTICE = 5e-4
"""Degrees, some 50 m: an edge so short bends by less than a tenth of a millimetre."""

THIN = 1.0
"""Metres. What is no wider is measured by the scale at its middle."""

_SLENDER = 60.0
"""Square of the border's length over the area, from which on a polygon counts as a sliver (a square has 16)."""


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
    """Return the square metres of all polygons of ``crs`` together; long edges bend as the projection bends them."""
    present = polygons[~shapely.is_missing(polygons)]
    if crs != metric:
        present = shapely.segmentize(present, _BENT_BELOW_NOTICE if crs.is_geographic else 50.0)
    return float(gpd.GeoSeries(present, crs=crs).to_crs(metric).area.sum())


def widest(polygons: Geometries) -> Floats:
    """Diameter of the largest circle that fits in each polygon, true to half a percent.

    GEOS searches the circle in square cells, of which a sliver a thousand times as long as wide needs millions: it
    gives up early and finds circles many times too small. A sliver is therefore eroded: the circle's radius is the
    depth at which nothing is left, found by halving the interval between what area and border allow.
    """
    widths = np.zeros(len(polygons))
    area, length = shapely.area(polygons), shapely.length(polygons)
    real = np.flatnonzero(area > 0)
    slender = length[real] ** 2 > _SLENDER * area[real]
    triangle = shapely.get_num_coordinates(polygons[real]) == 4
    by_circle = real[triangle | ~slender]
    circles = shapely.maximum_inscribed_circle(polygons[by_circle], tolerance=np.sqrt(area[by_circle]) * 1e-3)
    widths[by_circle] = 2 * shapely.length(circles)
    thin = real[slender & ~triangle]
    low, high = area[thin] / length[thin], np.sqrt(area[thin] / np.pi)
    while len(open_ := np.flatnonzero(high > low * 1.005)):
        depth = np.sqrt(low[open_] * high[open_])
        left = ~shapely.is_empty(shapely.buffer(polygons[thin[open_]], -depth, quad_segs=32))
        low[open_[left]], high[open_[~left]] = depth[left], depth[~left]
    widths[thin] = low + high
    return widths


def _sizes(polygons: Geometries) -> Sizes:
    return Sizes(shapely.area(polygons), widest(polygons), shapely.length(polygons))


def _by_local_scale(polygons: Geometries, crs: pyproj.CRS, metric: pyproj.CRS) -> Geometries:
    """Map each polygon to metres by the affine map that the projection is at its middle."""
    bounds = shapely.bounds(polygons)
    middle = (bounds[:, :2] + bounds[:, 2:]) / 2
    step = 1e-5 if crs.is_geographic else 1.0
    transformer = pyproj.Transformer.from_crs(crs, metric, always_xy=True)

    def moved(shift: tuple[float, float]) -> Floats:
        return np.column_stack(transformer.transform(middle[:, 0] + shift[0], middle[:, 1] + shift[1]))

    columns = [(moved((step, 0)) - moved((-step, 0))) / (2 * step), (moved((0, step)) - moved((0, -step))) / (2 * step)]
    coordinates, index = shapely.get_coordinates(polygons, return_index=True)
    offset = coordinates - middle[index]
    local = offset[:, :1] * columns[0][index] + offset[:, 1:] * columns[1][index]
    return np.asarray(shapely.set_coordinates(polygons.copy(), local), dtype=object)
