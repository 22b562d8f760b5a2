"""Spots: where on the map a warning is about, said in the CRS of the result, in which a user can go there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
import pyproj

from gridgeo.errors import Problem
from gridgeo.network import Floats


@dataclass(frozen=True)
class Spot:
    """A point in the working CRS, as a value of a message.

    Parameters
    ----------
    x, y : float
        Metres.
    """

    x: float
    y: float

    def __str__(self) -> str:
        return f"{self.x:.0f}, {self.y:.0f}"


def in_output_crs(
    problems: Iterable[Problem], to_output: Callable[[Floats], Floats], crs: pyproj.CRS | None
) -> list[Problem]:
    """Return the problems with their spots in the CRS of the result: degrees with five decimals (a metre), or metres.

    Degrees are longitude first, as map programs and ``gridgeo locate`` take them.
    """
    decimals = 5 if crs is not None and crs.is_geographic else 0

    def told(value: object) -> object:
        if not isinstance(value, Spot):
            return value
        x, y = to_output(np.array([[value.x, value.y]]))[0]
        return f"{x:.{decimals}f}, {y:.{decimals}f}"

    return [
        replace(problem, values={name: told(value) for name, value in problem.values.items()}) for problem in problems
    ]
