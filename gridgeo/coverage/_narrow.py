"""Faces narrower than doubles can show: the vertices that lie beside an edge of another polygon, nearer than a unit.

The topology of an arrangement is exact, so that a vertex by a hair on the wrong side of an edge makes a face. Where the
rounded corners of the face leave it no area, it can't be drawn, but it is there: what is wrong is that the edge
has no vertex where the other polygon has one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from gridgeo.coverage._arrangement import Arrangement
from gridgeo.coverage._edges import Ints

_UNITS = 8.0
"""Units in the last place that a vertex may be off an edge: crossings are rounded by some."""

Row = tuple[float, float, int, int, float, float, float, float]
"""x and y of a vertex, the polygon that has it, the one that lacks it, and the edge of that, interior on the left."""


@dataclass(frozen=True)
class Sheet:
    """An arrangement and the segments that it was made of.

    Parameters
    ----------
    arrangement : Arrangement
    segment : ndarray of float, shape (m, 4)
    left, right : ndarray of int, shape (m,)
        The polygons beside each segment; negative where there is none.
    """

    arrangement: Arrangement
    segment: npt.NDArray[np.float64]
    left: Ints
    right: Ints

    @cached_property
    def _segments_along(self) -> tuple[Ints, Ints]:
        """Edges of the arrangement in order, and a segment along each."""
        made = self.arrangement
        segment = np.repeat(np.arange(len(self.segment)), np.diff(made.piece_start))
        order = np.argsort(made.piece_half >> 1, kind="stable")
        return (made.piece_half >> 1)[order], segment[order]

    @cached_property
    def _reach(self) -> float:
        return _UNITS * float(np.spacing(np.abs(self.segment).max()))

    def vertices_beside(self, face: int) -> list[Row]:
        """Return the corners of a face that lie on an edge of another polygon as far as doubles can tell."""
        made = self.arrangement
        halves = np.array(made.around(face))
        edges, along = self._segments_along
        beside = [along[slice(*np.searchsorted(edges, [edge, edge + 1]))] for edge in np.unique(halves >> 1).tolist()]
        near = np.unique(np.concatenate(beside))
        nodes = np.unique(made.tail[halves])
        return [row for node in nodes[nodes < made.vertices].tolist() for row in self._lacking(made.node[node], near)]

    def _lacking(self, place: npt.NDArray[np.float64], near: Ints) -> list[Row]:
        def ends_here(segment: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
            there: npt.NDArray[np.bool_] = (segment[:, :2] == place).all(axis=1) | (segment[:, 2:] == place).all(axis=1)
            return there

        ending = ends_here(self.segment)
        holders = {k for k in (*self.left[ending].tolist(), *self.right[ending].tolist()) if k >= 0}
        rows: list[Row] = []
        for number in near[~ends_here(self.segment[near])].tolist():
            segment = self.segment[number]
            if not self._passes(segment, place):
                continue
            a, b = segment[:2].tolist(), segment[2:].tolist()
            for lacker, ends in ((int(self.left[number]), (*a, *b)), (int(self.right[number]), (*b, *a))):
                if lacker >= 0 and lacker not in holders:
                    rows += [(*place.tolist(), holder, lacker, *ends) for holder in sorted(holders)]
        return rows

    def _passes(self, segment: npt.NDArray[np.float64], place: npt.NDArray[np.float64]) -> bool:
        """Whether a place lies on a segment, between its ends, as far as doubles can tell."""
        run, off = segment[2:] - segment[:2], place - segment[:2]
        along, size = float(run @ off), float(run @ run)
        return 0 < along < size and abs(float(run[0] * off[1] - run[1] * off[0])) <= self._reach * size**0.5
