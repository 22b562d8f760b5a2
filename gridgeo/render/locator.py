"""A little map of the town that shows where one block lies."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.render import colours, svg
from gridgeo.render.scene import Scene

_RING = 4.2
"""Radius in millimetres of the ring around a small block."""
_SMALL = 6.0
"""Millimetres: a block smaller than this gets a ring around it."""


class Locator:
    """Draws little maps of one town, ``width`` x ``height`` millimetres; what they share is drawn once."""

    def __init__(self, scene: Scene, *, width: float, height: float) -> None:
        self._scene, self._width, self._height = scene, width, height
        west, south, east, north = scene.outline.bounds
        self._factor = min((width - 2) / max(east - west, 1e-9), (height - 2) / max(north - south, 1e-9))
        # it stands in the upper right corner of a notice
        self._corner = (east, north)
        outline, rivers = self._on_page([scene.outline]), self._on_page(scene.main_rivers)
        roads = self._on_page(scene.main_roads)
        with colours.used(scene.theme.colours):
            self._base = (
                svg.path(outline, fill=colours.LAND)
                + svg.path(rivers, fill="none", stroke=colours.WATER_EDGE, stroke_width=svg.number(0.6))
                + svg.path(roads, fill="none", stroke="#B9B1A2", stroke_width=svg.number(0.3))
                + svg.path(outline, fill="none", stroke=colours.QUIET_INK, stroke_width=svg.number(0.3))
            )

    def draw(self, index: int) -> str:
        """Return the little map of the block ``index`` as SVG."""
        with colours.used(self._scene.theme.colours):
            return self._drawn(index)

    def _drawn(self, index: int) -> str:
        block = self._scene.areas.geometries[index]
        focus = self._on_page([block])
        edge = {"stroke": colours.ACCENT, "stroke_width": svg.number(0.3)}
        content = [self._base, svg.path(focus, fill=colours.ACCENT, **edge)]
        left, top, right, bottom = focus[0].bounds
        if max(right - left, bottom - top) < _SMALL:
            middle = shapely.transform(shapely.point_on_surface(block), self._move)
            ring = {"stroke": colours.ACCENT, "stroke_width": svg.number(0.6)}
            content.append(svg.path([shapely.buffer(self._inside(middle), _RING)], fill="none", **ring))
        return svg.document(self._width, self._height, content)

    def _inside(self, place: shapely.Point) -> shapely.Point:
        """Return the middle of the ring: the place, or a little off it where the ring would leave the map."""
        room = _RING + 0.4
        x = min(max(place.x, room), self._width - room)
        return shapely.Point(x, min(max(place.y, room), self._height - room))

    def _move(self, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        moved: npt.NDArray[np.float64] = (points - self._corner) * [self._factor, -self._factor] + [self._width - 1, 1]
        return moved

    def _on_page(self, geometries: Iterable[shapely.Geometry]) -> list[shapely.Geometry]:
        return [shapely.simplify(shapely.transform(geometry, self._move), 0.08) for geometry in geometries]
