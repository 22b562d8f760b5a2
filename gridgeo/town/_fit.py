"""Whether coordinates can be in the CRS that is claimed for them, and where on earth that is."""

from __future__ import annotations

import functools
import math

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pyproj


def bounds_in_degrees(bounds: npt.NDArray[np.float64], crs: pyproj.CRS) -> tuple[float, float, float, float]:
    """Return bounds in degrees of the CRS's own datum: near enough to choose a projection by, and quick."""
    left, bottom, right, top = (float(value) for value in bounds)
    if crs.is_geographic:
        return left, bottom, right, top
    try:
        west, south, east, north = _to_degrees(crs).transform_bounds(left, bottom, right, top)
    except pyproj.exceptions.ProjError:  # a CRS that is nowhere on earth
        return np.inf, np.inf, np.inf, np.inf
    return west, south, east, north


@functools.lru_cache(maxsize=64)
def _to_degrees(crs: pyproj.CRS) -> pyproj.Transformer:
    flat = crs.to_2d()
    return pyproj.Transformer.from_crs(flat, flat.geodetic_crs or "EPSG:4326", always_xy=True)


def misfit(bounds: npt.NDArray[np.float64], crs: pyproj.CRS) -> bool:
    """Whether coordinates can't be in ``crs`` at all: degrees that are none, or metres out of all reach."""
    if np.isnan(bounds).any():  # an empty layer
        return False
    if crs.is_geographic:
        in_degrees = crs.axis_info[0].unit_name == "degree"
        return in_degrees and bool(np.abs(bounds[[0, 2]]).max() > 361 or np.abs(bounds[[1, 3]]).max() > 91)
    return not np.isfinite(bounds_in_degrees(bounds, crs)).all()


def distance_between(one: gpd.GeoDataFrame, other: gpd.GeoDataFrame, metric: pyproj.CRS) -> float:
    """Return the metres in ``metric`` between the bounds of two layers: 0 where they meet, or where one is empty."""
    bounds = [_bounds_in(frame, metric) for frame in (one, other)]
    if any(np.isnan(each).any() for each in bounds):
        return 0.0
    (west, south, east, north), (other_west, other_south, other_east, other_north) = bounds
    across = max(other_west - east, west - other_east, 0.0)
    along = max(other_south - north, south - other_north, 0.0)
    return math.hypot(across, along)


@functools.lru_cache(maxsize=16)  # the layers of a town have one or two systems, and looking for the way takes long
def _mover(source: pyproj.CRS, target: pyproj.CRS) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(source, target, always_xy=True)


def _bounds_in(frame: gpd.GeoDataFrame, metric: pyproj.CRS) -> npt.NDArray[np.float64]:
    bounds: npt.NDArray[np.float64] = frame.total_bounds
    if np.isnan(bounds).any():
        return bounds
    try:
        moved = _mover(frame.crs, metric).transform_bounds(*bounds)
    except pyproj.exceptions.ProjError:
        return np.full(4, np.nan)
    return np.array(moved)
