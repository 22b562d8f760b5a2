"""Exact orientation: on which side of a line does a point lie, without rounding error.

Theory: the sign of a 2x2 determinant is certain in floating point when it exceeds a known error bound (Shewchuk
1997). The few doubtful cases are summed again as floating-point expansions: sums of doubles that do not overlap and
hold the exact value. Cost: O(1) a test; about 1 in 1,000 real tests is doubtful, on integer grids all collinear ones
are. Limits: coordinates between about 1e-140 and 1e+140 in size, or zero, so that no product underflows or overflows.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[Any]  # float64; what fancy indexing and where() give is not typed closer
Signs = npt.NDArray[np.int8]

EPSILON = 2.0**-53
ORIENTATION_ERROR = (3.0 + 16.0 * EPSILON) * EPSILON
_SPLITTER = 2.0**27 + 1.0


def orientation(ax: Floats, ay: Floats, bx: Floats, by: Floats, cx: Floats, cy: Floats) -> Signs:
    """Exact side of points ``c`` seen from the lines ``a`` to ``b``.

    Returns
    -------
    ndarray of int8
        1 where ``c`` lies to the left, -1 to the right, 0 on the line.

    Examples
    --------
    >>> one = np.ones(3)
    >>> orientation(0 * one, 0 * one, one, one, 0.5 * one, np.array([0.5, np.nextafter(0.5, 1), np.nextafter(0.5, 0)]))
    array([ 0,  1, -1], dtype=int8)
    """
    left = (ax - cx) * (by - cy)
    right = (ay - cy) * (bx - cx)
    determinant = left - right
    sign: Signs = np.sign(determinant).astype(np.int8)
    doubtful = np.flatnonzero(np.abs(determinant) <= ORIENTATION_ERROR * (np.abs(left) + np.abs(right)))
    if len(doubtful):
        sign[doubtful] = _exact_orientation(*(v[doubtful] for v in (ax, ay, bx, by, cx, cy)))
    return sign


def direction_sign(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> int:
    """Exact sign of the turn from segment ``a`` (x, y, x, y) to segment ``b``: 1 left, -1 right, 0 parallel."""
    ax, ay = Fraction(a[2]) - Fraction(a[0]), Fraction(a[3]) - Fraction(a[1])
    bx, by = Fraction(b[2]) - Fraction(b[0]), Fraction(b[3]) - Fraction(b[1])
    turn = ax * by - ay * bx
    return (turn > 0) - (turn < 0)


def _exact_orientation(ax: Floats, ay: Floats, bx: Floats, by: Floats, cx: Floats, cy: Floats) -> Signs:
    """Decide without rounding: by two exact products where the differences are exact, as mostly, or in full."""
    differences = [_two_sum(p, -q) for p, q in ((ax, cx), (by, cy), (ay, cy), (bx, cx))]
    left, left_rest = _two_product(differences[0][0], differences[1][0])
    right, right_rest = _two_product(differences[2][0], differences[3][0])
    sign: Signs = np.where(left == right, np.sign(left_rest - right_rest), np.sign(left - right)).astype(np.int8)
    inexact = np.flatnonzero(sum(np.abs(rest) for _, rest in differences) > 0)
    if len(inexact):
        sign[inexact] = _sign_of_expansion(*(v[inexact] for v in (ax, ay, bx, by, cx, cy)))
    return sign


def _sign_of_expansion(ax: Floats, ay: Floats, bx: Floats, by: Floats, cx: Floats, cy: Floats) -> Signs:
    """Sum the six products of the determinant as one expansion and read off the sign of its largest part."""
    expansion: list[Floats] = []
    for p, q in ((ax, by), (-ax, cy), (-cx, by), (-ay, bx), (ay, cx), (cy, bx)):
        high, low = _two_product(p, q)
        for addend in (low, high):
            expansion = _grow(expansion, addend)
    sign = np.zeros(len(ax), np.int8)
    for part in expansion:  # from small to large: the largest part that is not zero decides
        np.copyto(sign, np.sign(part).astype(np.int8), where=part != 0)
    return sign


def _grow(expansion: list[Floats], addend: Floats) -> list[Floats]:
    grown = []
    for part in expansion:
        addend, rest = _two_sum(addend, part)
        grown.append(rest)
    grown.append(addend)
    return grown


def _two_sum(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    total = a + b
    b_virtual = total - a
    return total, (a - (total - b_virtual)) + (b - b_virtual)


def _split(a: Floats) -> tuple[Floats, Floats]:
    c = _SPLITTER * a
    high = c - (c - a)
    return high, a - high


def _two_product(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    product = a * b
    a_high, a_low = _split(a)
    b_high, b_low = _split(b)
    return product, a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)
