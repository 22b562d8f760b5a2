"""Strips: the area between each edge and a line that all edges have in common, where the areal scale varies smoothly.

Theory. By Green's theorem the area that a ring encloses is the integral, along it, of the area west of a place. Where
the scale is a polynomial in x and y, so is that area, and Gauss's rule integrates it along an edge exactly. Cost: O(n);
the same bits whether numpy or the compiled loop works.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gridgeo.coverage._engine import compiled_for

Floats = npt.NDArray[np.float64]

_BLOCK = 1 << 10  # segments: in the processor's cache
_PLAIN = 3  # a segment costs about as much as so many vertices


def bounds_of_segments(segment: Floats) -> tuple[Floats, Floats]:
    """Return the lower left and the upper right corner of all segments (x, y, x, y)."""
    compiled = compiled_for(len(segment))
    if compiled is not None:
        west, south, east, north, _ = compiled.spread(segment)
        return np.array([west, south]), np.array([east, north])
    ends = segment.reshape(-1, 2)
    return np.array([ends[:, 0].min(), ends[:, 1].min()]), np.array([ends[:, 0].max(), ends[:, 1].max()])


def strips_in_the_west(
    segment: Floats, middle: Floats, size: Floats, factor: Floats, places: Sequence[tuple[float, float]]
) -> Floats:
    """Return the area between each segment and the line through the middle, positive for one that goes north.

    Parameters
    ----------
    segment : ndarray of float, shape (n, 4)
    middle, size : ndarray of float, shape (2,)
        The segments lie in this box: its middle, and half its width and height.
    factor : ndarray of float, shape (degree + 1, degree + 1)
        ``factor[i, j]`` belongs to x to the power of i + 1 times y to the power of j, of the area west of a place per
        unit of height; x and y run from -1 to 1 in the box, and i + j is no more than the degree.
    places : sequence of tuple of float
        Places along a segment (0 to 1) and their weights.
    """
    strip = np.empty(len(segment))
    for start in range(0, len(segment), _BLOCK):
        block = slice(start, start + _BLOCK)
        _strips(segment[block], middle, size, factor, places, len(segment), strip[block])
    areas: Floats = strip * size.prod()
    return areas


def sum_of_strips_in_the_west(
    segment: Floats, middle: Floats, size: Floats, factor: Floats, places: Sequence[tuple[float, float]]
) -> float:
    """Return the sum of `strips_in_the_west`."""
    strip, total = np.empty(min(len(segment), _BLOCK)), 0.0
    for start in range(0, len(segment), _BLOCK):
        block = segment[start : start + _BLOCK]
        _strips(block, middle, size, factor, places, len(segment), strip[: len(block)])
        total += float(strip[: len(block)].sum())
    return total * float(size.prod())


def _strips(
    segment: Floats,
    middle: Floats,
    size: Floats,
    factor: Floats,
    places: Sequence[tuple[float, float]],
    count: int,
    out: Floats,
) -> None:
    """Work through a block of ``count`` segments in all."""
    compiled = compiled_for(count * _PLAIN)
    if compiled is not None:
        compiled.strips_in_the_west(segment, middle, size, factor, np.array(places), out)
        return
    block = np.ascontiguousarray(segment.T)
    per = 1.0 / size
    ax, ay, bx, by = ((block[k] - middle[k % 2]) * per[k % 2] for k in range(4))
    bx -= ax
    by -= ay
    np.multiply(by, sum(weight * _west(ax + at * bx, ay + at * by, factor) for at, weight in places), out=out)


def _west(x: Floats, y: Floats, factor: Floats) -> Floats:
    degree = len(factor) - 1
    total: Floats = factor[degree, 0] * x
    for i in range(degree - 1, -1, -1):  # Horner's rule, in x and in y
        inner = factor[i, degree - i] * y
        for j in range(degree - i - 1, 0, -1):
            inner += factor[i, j]
            inner *= y
        inner += factor[i, 0]
        total += inner
        total *= x
    return total
