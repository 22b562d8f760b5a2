"""The residual: the edges that found no partner, as oriented segments in file order.

In a sound layer it is the outer border and the rims of holes; every fault has a part in it. Its winding number at a
point is the number of polygons that cover the point.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gridgeo.coverage._cancel import RESIDUAL, Cancellation
from gridgeo.coverage._edges import Bools, Edges, Ints
from gridgeo.coverage._engine import compiled_for

Segments = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Residual:
    """Segments without a partner.

    Parameters
    ----------
    edge : ndarray of int, shape (m,)
        The edge that each segment is.
    segment : ndarray of float, shape (m, 4)
        x, y, x, y with the polygon's interior on the left.
    polygon : ndarray of int, shape (m,)
    following : ndarray of int, shape (m,)
        The segment that follows on the same ring, in the order stored; -1 where the next edge has cancelled.
    closed : ndarray of bool, shape (m,)
        Whether no edge at all of the segment's ring has cancelled.
    """

    edge: Ints
    segment: Segments
    polygon: Ints
    following: Ints
    closed: Bools

    def __len__(self) -> int:
        return len(self.edge)


def residual_of(edges: Edges, cancellation: Cancellation) -> Residual:
    """Collect what did not cancel."""
    compiled = compiled_for(len(edges.coordinates))
    if compiled is not None:
        mate = cancellation.mate
        count = np.count_nonzero(mate == RESIDUAL)
        # memory from numpy, which asks the system for large pages
        whole = [np.empty(count, np.int64) for _ in range(3)]
        parts = whole[0], np.empty((count, 4)), whole[1], whole[2], np.empty(count, bool)
        compiled.residual_parts(
            edges.coordinates, edges.ring_start, edges.ring_polygon, edges.reversed_ring, mate, *parts
        )
        return Residual(*parts)
    edge = cancellation.residual
    ring = edges.ring_of(edge)
    segment = edges.oriented(edge)
    following = np.full(len(edge), -1, np.int64)
    linked = np.flatnonzero(edge[1:] == edge[:-1] + 1)
    following[linked] = linked + 1
    first = np.flatnonzero(np.concatenate([[True], ring[1:] != ring[:-1]])) if len(edge) else edge
    size = np.diff(np.append(first, len(edge)))
    whole = size == np.diff(edges.ring_start)[ring[first]] - 1
    following[(first + size - 1)[whole]] = first[whole]
    return Residual(edge, segment, edges.ring_polygon[ring], following, np.repeat(whole, size))
