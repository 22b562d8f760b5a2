"""The window that a map shows: which part of the town, at which scale, and how it lies on the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

SCALES: tuple[int, ...] = tuple(
    int(step * 10**power) for power in range(2, 7) for step in (1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 7.5, 8)
)
"""Scale denominators that a map may have: round ones, so that a ruler can be used."""
SMALLEST_DENOMINATOR = 500
_OUTSIDE = 0.03
"""Share of the page that may show what lies outside the town."""
_BLEED = 4.0
"""Millimetres beyond the frame at which shapes are cut, so that no cut edge shows."""


@dataclass(frozen=True)
class View:
    """A window of the working CRS on a page of ``width`` x ``height`` millimetres at 1:``scale``, north up."""

    width: float
    height: float
    scale: int
    centre: tuple[float, float]

    @classmethod
    def of(
        cls,
        area: shapely.Geometry,
        width: float,
        height: float,
        *,
        margin: float = 0.12,
        within: shapely.Geometry | None = None,
    ) -> View:
        """Return the view that holds ``area`` with ``margin`` (share of the page) free on each side.

        ``area`` stands in the middle, but moves aside where the page would else show what lies outside ``within``.
        """
        minx, miny, maxx, maxy = area.bounds
        room = 1 - 2 * margin
        needed = max(
            (maxx - minx) * 1000 / (width * room), (maxy - miny) * 1000 / (height * room), SMALLEST_DENOMINATOR
        )
        scale = next((known for known in SCALES if known >= needed), int(needed) + 1)
        west, south, east, north = within.bounds if within is not None else (-np.inf, -np.inf, np.inf, np.inf)
        x = _middle(minx, maxx, west, east, width * scale / 1000, margin)
        y = _middle(miny, maxy, south, north, height * scale / 1000, margin)
        return cls(width, height, scale, (x, y))

    @property
    def factor(self) -> float:
        """Millimetres on the page for a metre."""
        return 1000 / self.scale

    @property
    def frame(self) -> shapely.Polygon:
        """The page, in millimetres."""
        return shapely.box(0, 0, self.width, self.height)

    @property
    def window(self) -> tuple[float, float, float, float]:
        """What is shown, in the working CRS, with a little bleed: west, south, east, north."""
        half_width = (self.width / 2 + _BLEED) / self.factor
        half_height = (self.height / 2 + _BLEED) / self.factor
        x, y = self.centre
        return x - half_width, y - half_height, x + half_width, y + half_height

    def all_shown(self, geometries: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
        """Return what of each of ``geometries`` (working CRS) lies in the window, in millimetres on the page.

        Vertices inside the window stay as they are.
        """
        west, south, east, north = self.window
        bounds = shapely.bounds(geometries)
        over = (bounds < [west, south, -np.inf, -np.inf]) | (bounds > [np.inf, np.inf, east, north])
        cut = geometries.copy()
        crossing = over.any(axis=1)
        if crossing.any():
            cut[crossing] = shapely.clip_by_rect(geometries[crossing], west, south, east, north)
        moved: npt.NDArray[np.object_] = self.on_page(cut)
        return moved

    def on_page(self, geometry: Any) -> Any:
        """Return a geometry or an array of them (working CRS) in millimetres on the page, y downwards."""
        return shapely.transform(geometry, self._move)

    def shown(self, geometry: shapely.Geometry) -> shapely.Geometry:
        """Return what of one geometry is shown, as `all_shown` does."""
        one = np.empty(1, dtype=object)
        one[0] = geometry
        return self.all_shown(one)[0]

    def _move(self, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return (points - self.centre) * [self.factor, -self.factor] + [self.width / 2, self.height / 2]


def _middle(low: float, high: float, least: float, most: float, size: float, margin: float) -> float:
    """Return where the middle of a window of ``size`` goes: over low..high, but rather inside least..most."""
    middle, pad = (low + high) / 2, _OUTSIDE * size
    if least - pad + size / 2 <= most + pad - size / 2:
        middle = min(max(middle, least - pad + size / 2), most + pad - size / 2)
    else:
        middle = (least + most) / 2
    room = margin * size
    return min(max(middle, high + room - size / 2), low - room + size / 2)
