"""Whether coordinates can be in the CRS that is claimed for them, and where on earth that is."""

from __future__ import annotations

import functools

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
