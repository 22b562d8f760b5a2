"""The two Chinese map systems GCJ-02 and BD-09: exact forward formulas, inverses to under a millimetre.

Theory: GCJ-02 (Amap, Tencent, Google in China) adds to WGS 84 longitude and latitude a smooth shift of some 300-700 m
that is a sum of a polynomial and sines; BD-09 (Baidu) turns and moves GCJ-02 further. Neither has a closed inverse, but
both shifts change so slowly that ``guess <- given - shift(guess)`` shrinks the error at each round by a factor of some
hundreds. The rounds end when nothing moves by more than 1e-12 degrees (0.1 micrometres) or at `ROUNDS`.

Cost: 0.3 microseconds a point forward, 2 to 3 back. Limits: the formulas are those of the public implementations, which
agree with each other to 0.035 m; they are defined in China, and by custom of all of them a point outside the rectangle
72.004-137.8347 E, 0.8293-55.8271 N is left as it is. The rectangle also holds India, Korea and more, where the formulas
mean nothing: say GCJ-02 only of data from mainland China.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Degrees = npt.NDArray[np.float64]
Pair = tuple[Degrees, Degrees]

WEST, EAST, SOUTH, NORTH = 72.004, 137.8347, 0.8293, 55.8271
ROUNDS = 30

# Krasovsky 1940, the ellipsoid of the formulas
_SEMI_MAJOR = 6378245.0
_ECCENTRICITY_SQUARED = 0.00669342162296594323
_BAIDU_FREQUENCY = np.pi * 3000.0 / 180.0


def in_rectangle(longitude: npt.ArrayLike, latitude: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Say which points lie in the rectangle in which GCJ-02 and BD-09 differ from WGS 84."""
    x, y = np.asarray(longitude, dtype=float), np.asarray(latitude, dtype=float)
    return (x >= WEST) & (x <= EAST) & (y >= SOUTH) & (y <= NORTH)


def wgs84_to_gcj02(longitude: npt.ArrayLike, latitude: npt.ArrayLike) -> Pair:
    """Turn WGS 84 (or CGCS2000) degrees into GCJ-02; identity outside the rectangle around China.

    Examples
    --------
    >>> lon, lat = wgs84_to_gcj02([121.5], [31.05])
    >>> round(float(lon[0]), 6), round(float(lat[0]), 6)
    (121.504416, 31.047886)
    """
    return _where_china(_gcj02_of, longitude, latitude)


def gcj02_to_wgs84(longitude: npt.ArrayLike, latitude: npt.ArrayLike) -> Pair:
    """Turn GCJ-02 degrees into WGS 84, to under a millimetre; identity outside the rectangle around China."""
    return _where_china(_inverse_of(_gcj02_of), longitude, latitude)


def gcj02_to_bd09(longitude: npt.ArrayLike, latitude: npt.ArrayLike) -> Pair:
    """Turn GCJ-02 degrees into BD-09; identity outside the rectangle around China."""
    return _where_china(_bd09_of, longitude, latitude)


def bd09_to_gcj02(longitude: npt.ArrayLike, latitude: npt.ArrayLike) -> Pair:
    """Turn BD-09 degrees into GCJ-02, to under a millimetre; identity outside the rectangle around China."""
    return _where_china(_inverse_of(_bd09_of), longitude, latitude)


def wgs84_to_bd09(longitude: npt.ArrayLike, latitude: npt.ArrayLike) -> Pair:
    """Turn WGS 84 degrees into BD-09; identity outside the rectangle around China."""
    return _where_china(lambda x, y: _bd09_of(*_gcj02_of(x, y)), longitude, latitude)


def bd09_to_wgs84(longitude: npt.ArrayLike, latitude: npt.ArrayLike) -> Pair:
    """Turn BD-09 degrees into WGS 84, to under a millimetre; identity outside the rectangle around China."""
    to_gcj02, to_wgs84 = _inverse_of(_bd09_of), _inverse_of(_gcj02_of)
    return _where_china(lambda x, y: to_wgs84(*to_gcj02(x, y)), longitude, latitude)


def _where_china(change: Callable[[Degrees, Degrees], Pair], longitude: npt.ArrayLike, latitude: npt.ArrayLike) -> Pair:
    """Apply ``change`` to the given points that lie in the rectangle around China, and copy the rest."""
    x, y = np.broadcast_arrays(np.asarray(longitude, dtype=float), np.asarray(latitude, dtype=float))
    x, y = x.copy(), y.copy()
    inside = in_rectangle(x, y)
    x[inside], y[inside] = change(x[inside], y[inside])
    return x, y


def _inverse_of(forward: Callable[[Degrees, Degrees], Pair]) -> Callable[[Degrees, Degrees], Pair]:
    def inverse(x: Degrees, y: Degrees) -> Pair:
        guess_x, guess_y = x, y
        for _ in range(ROUNDS):
            there_x, there_y = forward(guess_x, guess_y)
            step_x, step_y = x - there_x, y - there_y
            guess_x, guess_y = guess_x + step_x, guess_y + step_y
            if max(np.abs(step_x).max(initial=0.0), np.abs(step_y).max(initial=0.0)) < 1e-12:
                break
        return guess_x, guess_y

    return inverse


def _gcj02_of(longitude: Degrees, latitude: Degrees) -> Pair:
    x, y = longitude - 105.0, latitude - 35.0
    root = np.sqrt(np.abs(x))
    waves = (20.0 * np.sin(6.0 * x * np.pi) + 20.0 * np.sin(2.0 * x * np.pi)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + waves
    east += (20.0 * np.sin(x * np.pi) + 40.0 * np.sin(x / 3.0 * np.pi)) * 2.0 / 3.0
    east += (150.0 * np.sin(x / 12.0 * np.pi) + 300.0 * np.sin(x / 30.0 * np.pi)) * 2.0 / 3.0
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + waves
    north += (20.0 * np.sin(y * np.pi) + 40.0 * np.sin(y / 3.0 * np.pi)) * 2.0 / 3.0
    north += (160.0 * np.sin(y / 12.0 * np.pi) + 320.0 * np.sin(y * np.pi / 30.0)) * 2.0 / 3.0
    radians = np.radians(latitude)
    flattening = 1.0 - _ECCENTRICITY_SQUARED * np.sin(radians) ** 2
    metres_north = _SEMI_MAJOR * (1.0 - _ECCENTRICITY_SQUARED) / (flattening * np.sqrt(flattening)) * np.pi / 180.0
    metres_east = _SEMI_MAJOR / np.sqrt(flattening) * np.cos(radians) * np.pi / 180.0
    return longitude + east / metres_east, latitude + north / metres_north


def _bd09_of(longitude: Degrees, latitude: Degrees) -> Pair:
    radius = np.hypot(longitude, latitude) + 0.00002 * np.sin(latitude * _BAIDU_FREQUENCY)
    angle = np.arctan2(latitude, longitude) + 0.000003 * np.cos(longitude * _BAIDU_FREQUENCY)
    return radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006
