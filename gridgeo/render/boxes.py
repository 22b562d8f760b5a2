"""Rectangles on a page, each turned its own way: what characters of names cover, for many at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

Floats = npt.NDArray[np.float64]
Shapes = npt.NDArray[np.object_]

_CORNERS = np.array([[-1.0, 1.0, 1.0, -1.0], [-1.0, -1.0, 1.0, 1.0]])


@dataclass(frozen=True, eq=False)
class Boxes:
    """Rectangles, an entry each in all fields. Lengths are millimetres on the page, y downwards.

    Parameters
    ----------
    x, y : ndarray of float
        Their middles.
    half_width, half_height : ndarray of float
    cos, sin : ndarray of float
        Of the angle by which each is turned clockwise.
    """

    x: Floats
    y: Floats
    half_width: Floats
    half_height: Floats
    cos: Floats
    sin: Floats

    @classmethod
    def upright(cls, x: float, y: float, width: float, height: float) -> Boxes:
        """Return one rectangle that lies straight on the page."""
        fields = ((x,), (y,), (width / 2,), (height / 2,), (1.0,), (0.0,))
        return cls(*map(np.array, fields))

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, chosen: slice) -> Boxes:
        return Boxes(
            self.x[chosen],
            self.y[chosen],
            self.half_width[chosen],
            self.half_height[chosen],
            self.cos[chosen],
            self.sin[chosen],
        )

    @property
    def fill_bounds(self) -> npt.NDArray[np.bool_]:
        """Which of them lie straight on the page."""
        upright: npt.NDArray[np.bool_] = self.sin == 0
        return upright

    def grown(self, room: float) -> Boxes:
        """Return rectangles larger by ``room`` on each side."""
        return Boxes(self.x, self.y, self.half_width + room, self.half_height + room, self.cos, self.sin)

    def bounds(self) -> Floats:
        """Return the bounds of each: four rows, of least x and y and of greatest x and y."""
        cos, sin = np.abs(self.cos), np.abs(self.sin)
        across = self.half_width * cos + self.half_height * sin
        down = self.half_width * sin + self.half_height * cos
        return np.array([self.x - across, self.y - down, self.x + across, self.y + down])

    def polygons(self) -> Shapes:
        """Return each as a polygon."""
        if not self.sin.any():
            boxes: Shapes = shapely.box(*self.bounds())
            return boxes
        across, down = self.half_width[:, None] * _CORNERS[0], self.half_height[:, None] * _CORNERS[1]
        cos, sin = self.cos[:, None], self.sin[:, None]
        corners = np.empty((len(self), 4, 2))
        corners[..., 0] = across * cos - down * sin + self.x[:, None]
        corners[..., 1] = across * sin + down * cos + self.y[:, None]
        made: Shapes = shapely.polygons(corners)
        return made


def meeting(some: Floats, others: Floats) -> npt.NDArray[np.bool_]:
    """Return which bounds of ``some`` (rows of the answer) meet which of ``others`` (columns)."""
    left, top, right, bottom = some[:, :, None]
    meets: npt.NDArray[np.bool_] = others[0] <= right
    meets &= others[2] >= left
    meets &= others[1] <= bottom
    meets &= others[3] >= top
    return meets
