"""Soundness: which polygons are valid beyond doubt, and where their borders turn back sharply, told from edges alone.

Theory. A ring that has every edge on the same side of some place, and runs around it once, is simple: one look at each
edge proves it, and blocks of a town are nearly always such rings. Other rings are proved by a tree of boxes of
consecutive edges: no edge touches any but its neighbours. Holes lie in their shell and outside each other when no two
rings touch and one vertex of each is on the right side. All of it is decided by exact orientation. What touches, even
where it may, is left in doubt: for GEOS to judge, and to name the reason. So a polygon is never taken for sound that
is not, and GEOS sees the few that may not be.

Cost. O(n) for rings that are proved by a look around, O(n log n) expected for others. Without the compiled loops
nothing is proved, and GEOS is asked about all.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gridgeo.coverage._edges import Bools, Edges, Ints
from gridgeo.coverage._engine import compiled_soundness_for


def surely_sound(edges: Edges) -> Bools:
    """Tell which polygons are valid beyond doubt, with rings that touch nowhere; empty ones are.

    Examples
    --------
    >>> from gridgeo.coverage import extract_edges
    >>> from shapely import box
    >>> surely_sound(extract_edges(np.array([box(0, 0, 1, 1)]))).shape
    (1,)
    """
    compiled = compiled_soundness_for(len(edges.coordinates))
    if compiled is None:
        return np.zeros(edges.count, bool)
    sure_ring, box = compiled.sure_rings(edges.coordinates, edges.ring_start)
    sure: Bools = compiled.sure_polygons(
        edges.coordinates, edges.ring_start, edges.ring_polygon, edges.hole_ring, sure_ring, box, edges.count
    )
    return sure


def sharp_corners(edges: Edges, scale: tuple[float, float], angle: float) -> tuple[Ints, Ints, Ints]:
    """Return vertices at which a border turns back by nearly half a turn, each with those before and after it.

    Parameters
    ----------
    edges : Edges
    scale : tuple of float
        What one unit of x and of y is long.
    angle : float
        Radians, at most a quarter of a turn; corners as sharp as this are left out.
    """
    c, start = edges.coordinates, edges.ring_start
    cosine = float(np.cos(angle))
    compiled = compiled_soundness_for(len(c))
    at = _sharp(c, start, scale, cosine) if compiled is None else compiled.sharp_corners(c, start, *scale, cosine)
    ring = edges.ring_of(at)
    before = np.where(at == start[ring], start[ring + 1] - 2, at - 1)
    return at, before, at + 1


def _sharp(c: npt.NDArray[np.float64], start: Ints, scale: tuple[float, float], cosine: float) -> Ints:
    if not len(c):
        return np.zeros(0, np.int64)
    run = np.diff(c, axis=0, append=c[-1:]) * scale
    before = np.empty_like(run)
    before[1:] = run[:-1]
    first, last = start[:-1], start[1:] - 1
    before[first] = run[last - 1]
    turn = np.einsum("ij,ij->i", before, run)
    size = np.einsum("ij,ij->i", run, run)
    sharp = (turn < 0) & (turn * turn > cosine * cosine * np.einsum("ij,ij->i", before, before) * size)
    sharp[last] = False
    return np.flatnonzero(sharp)
