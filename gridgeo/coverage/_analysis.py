"""The analysis of one layer: what the kernel can tell about it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.coverage._boxes import Boxes, edges_within, pairs_of_points
from gridgeo.coverage._cancel import Cancellation, FirstCancellation, cancel_again, cancel_at_first
from gridgeo.coverage._edges import Bools, Edges, Ints, distinct, extract_edges
from gridgeo.coverage._faces import Faces, find_faces
from gridgeo.coverage._interactions import Facing, Interactions, beside, find_interactions
from gridgeo.coverage._narrow import Row
from gridgeo.coverage._residual import Residual, residual_of
from gridgeo.coverage._verdict import Verdict, boxes_around, judge


@dataclass(frozen=True, slots=True)
class MissingVertices:
    """Places where a border of one polygon passes through a vertex of another without having a vertex there.

    Parameters
    ----------
    point : ndarray of float, shape (n, 2)
    holder : ndarray of int, shape (n,)
        Index of the polygon that has the vertex.
    lacker : ndarray of int, shape (n,)
        Index of the polygon whose edge passes through the point.
    segment : ndarray of float, shape (n, 4)
        That edge, with the polygon's interior on the left.
    """

    point: npt.NDArray[np.float64]
    holder: Ints
    lacker: Ints
    segment: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.point)

    def chosen(self, which: Bools) -> MissingVertices:
        """Return some of the places."""
        return MissingVertices(self.point[which], self.holder[which], self.lacker[which], self.segment[which])

    def joined(self, other: MissingVertices) -> MissingVertices:
        """Return these places and then the others."""
        return MissingVertices(
            np.concatenate([self.point, other.point]),
            np.concatenate([self.holder, other.holder]),
            np.concatenate([self.lacker, other.lacker]),
            np.concatenate([self.segment, other.segment]),
        )

    def within(self, boxes: Boxes) -> Bools:
        """Tell which places lie in any of some boxes."""
        inside = np.zeros(len(self), bool)
        inside[pairs_of_points(self.point, boxes)[0]] = True
        return inside


@dataclass(frozen=True, slots=True)
class Adjacency:
    """Pairs of polygons that share a border with the same vertices on both sides.

    Parameters
    ----------
    first, second : ndarray of int, shape (n,)
        Indices of the polygons, first < second.
    length : ndarray of float, shape (n,)
        Length of all that they share.
    """

    first: Ints
    second: Ints
    length: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.first)


class CoverageAnalysis:
    """What is known about one layer; see :func:`gridgeo.coverage.analyse`.

    ``residual`` holds the edges that found no partner: the only ones in which anything can be wrong.
    """

    def __init__(
        self,
        polygons: npt.NDArray[np.object_],
        *,
        extent: shapely.Geometry | None = None,
        reach: tuple[float, float] | None = None,
        edges: Edges | None = None,
        cancelled: tuple[Edges, Cancellation] | None = None,
    ) -> None:
        self._polygons = polygons
        self._extent = extent
        self._reach = reach
        if cancelled is not None:
            edges = cancelled[0]
        elif edges is None:
            edges = extract_edges(polygons)
        self._edges: Edges = edges
        first = cancel_at_first(edges) if cancelled is None else FirstCancellation(cancelled[1], True)
        self._judge(first.cancellation)
        if not first.is_exact and not self.valid:
            # an edge that occurs twice lies where two polygons are, and what is at fault runs around that
            doubtful = edges_within(boxes_around(self.residual, self._interactions, self._verdict.invalid), edges)
            exact = cancel_again(edges, first, doubtful)
            if exact is not first.cancellation:
                self._judge(exact)

    def _judge(self, cancellation: Cancellation) -> None:
        """Find out what is at fault in what is left by a cancellation."""
        self._cancellation: Cancellation = cancellation
        self.residual: Residual = residual_of(self._edges, cancellation)
        facing = None if self._reach is None else Facing(self.residual.polygon, self._reach)
        self._interactions: Interactions = find_interactions(
            self.residual.segment, self.residual.following, facing=facing
        )
        self._verdict: Verdict = judge(
            self._polygons, self._edges, self.residual, cancellation.doubled, self._interactions
        )
        self._invalid_edge: Ints = distinct(
            np.concatenate([self.residual.edge[self._verdict.invalid], cancellation.doubled])
        )

    @property
    def valid(self) -> bool:
        """Whether the polygons form a coverage: no interiors in common, and the same vertices along shared borders."""
        return not len(self._invalid_edge)

    @cached_property
    def faulty(self) -> Ints:
        """Indices of the polygons with at least one invalid edge."""
        return distinct(self._edges.polygon_of(self._invalid_edge))

    def invalid_edges(self) -> npt.NDArray[np.object_]:
        """Lines of the invalid edges of each polygon; None for a polygon without.

        Consecutive edges of a ring are one line.
        """
        lines = np.full(len(self._polygons), None, object)
        edge = self._invalid_edge
        if not len(edge):
            return lines
        starts = np.flatnonzero(np.concatenate([[True], np.diff(edge) != 1]))
        size = np.diff(np.append(starts, len(edge)))
        vertex = np.repeat(edge[starts], size + 1)
        vertex += np.arange(len(vertex)) - np.repeat(np.cumsum(size + 1) - size - 1, size + 1)
        run = shapely.linestrings(self._edges.coordinates[vertex], indices=np.repeat(np.arange(len(starts)), size + 1))
        polygon = self._edges.polygon_of(edge[starts])
        faulty, first, count = np.unique(polygon, return_index=True, return_counts=True)
        for k, start, many in zip(faulty.tolist(), first.tolist(), count.tolist(), strict=True):
            lines[k] = run[start] if many == 1 else shapely.MultiLineString(run[start : start + many].tolist())
        return lines

    def faces(self) -> Faces:
        """Every region that is wrongly covered; each wrongly covered square metre lies in exactly one face.

        Covered twice or more, or bounded and not covered at all. With an extent: inside it and not covered, inside it
        and covered twice or more, or outside it and covered.
        """
        return self._found[0]

    def overlap_boxes(self) -> npt.NDArray[np.float64]:
        """Boxes of all that is covered too often, or outside the extent; what cancelled there bears on the faces."""
        return self._found[1]

    def open_rings(self) -> npt.NDArray[np.float64]:
        """One place on each ring that meets nothing and lies in no other polygon: an island in a gap, if anything."""
        return self.residual.segment[self._verdict.open_start, :2]

    @cached_property
    def _found(self) -> tuple[Faces, npt.NDArray[np.float64], list[Row]]:
        return find_faces(
            self._polygons,
            self._edges,
            self._cancellation,
            self.residual,
            self._interactions,
            self._verdict,
            self._extent,
        )

    def missing_vertices(self) -> MissingVertices:
        """Places where an edge passes through a vertex of another polygon.

        Also where it passes so near that what lies between is a face too narrow to be shown by doubles.
        """
        segment, polygon = self.residual.segment, self.residual.polygon
        lacking, having, end = self._interactions.on_segment.T
        strangers = polygon[lacking] != polygon[having]
        lacking, having, end = lacking[strangers], having[strangers], end[strangers]
        point = np.where(end[:, None] == 0, segment[having, :2], segment[having, 2:])
        # a vertex is the end of two edges: report it once for each polygon that has it
        table = np.column_stack([point, polygon[having], lacking])
        _, first = np.unique(table, axis=0, return_index=True)
        first = np.sort(first)
        exact = MissingVertices(point[first], polygon[having[first]], polygon[lacking[first]], segment[lacking[first]])
        rows = zip(exact.point.tolist(), exact.holder.tolist(), exact.lacker.tolist(), strict=True)
        known = {(*place, holder, lacker) for place, holder, lacker in rows} if self._found[2] else set()
        narrow = [row for row in self._found[2] if row[:4] not in known]
        if not narrow:
            return exact
        table = np.array(narrow)
        return exact.joined(
            MissingVertices(table[:, :2], table[:, 2].astype(np.int64), table[:, 3].astype(np.int64), table[:, 4:])
        )

    def facing(self) -> tuple[Ints, npt.NDArray[np.float64]]:
        """Pairs of segments of the residual that face each other across a gap no wider than the ``reach`` given.

        They are of different polygons and run side by side in opposite directions, each on the outer side of the
        other: rows of two indices, and the places halfway between the two.
        """
        pair = self._interactions.facing
        segment = self.residual.segment
        return pair, beside(segment[pair[:, 0]], segment[pair[:, 1]], self._reach or (1.0, 1.0))[1]

    def adjacency(self) -> Adjacency:
        """Which polygons share borders, and how long they are: exact, from the edges that cancelled."""
        mate = self._cancellation.mate
        edge = np.flatnonzero(mate > np.arange(len(mate)))
        one, other = self._edges.polygon_of(edge), self._edges.polygon_of(mate[edge])
        run = self._edges.coordinates[edge + 1] - self._edges.coordinates[edge]
        length = np.hypot(run[:, 0], run[:, 1])
        different = one != other
        key = (np.minimum(one, other) * max(len(self._polygons), 1) + np.maximum(one, other))[different]
        pair, which = np.unique(key, return_inverse=True)
        total: npt.NDArray[np.float64] = np.bincount(which, length[different], len(pair)).astype(np.float64)
        return Adjacency(pair // max(len(self._polygons), 1), pair % max(len(self._polygons), 1), total)


def compile_loops() -> None:
    """Compile the inner loops for large layers now and keep them on disk; takes about half a minute, once.

    Without it, layers of some million vertices are worked through by numpy, with the same results.
    """
    before = os.environ.get("GRIDGEO_ENGINE")
    os.environ["GRIDGEO_ENGINE"] = "numba"
    try:
        squares = [shapely.box(0, 0, 2, 2), shapely.box(1, 1, 3, 3), shapely.box(2, 0, 3, 1), shapely.box(2, 0, 4, 1)]
        analyse([*squares, shapely.box(1, 1, 4, 2).reverse()], extent=shapely.box(0, 0, 3, 2), reach=(1.0, 1.0)).faces()
    finally:
        if before is None:
            del os.environ["GRIDGEO_ENGINE"]
        else:
            os.environ["GRIDGEO_ENGINE"] = before


def analyse(
    polygons: npt.ArrayLike,
    *,
    extent: shapely.Geometry | None = None,
    reach: tuple[float, float] | None = None,
    edges: Edges | None = None,
) -> CoverageAnalysis:
    """Find out whether polygons form a coverage and, if not, what is wrong.

    Exact: there is no tolerance. The input is not changed.

    Parameters
    ----------
    polygons : array of Polygon or MultiPolygon
        Valid geometries in any planar coordinates; None and empty ones cover nothing.
    extent : Polygon or MultiPolygon, optional
        What the polygons should cover together. It bears on :meth:`CoverageAnalysis.faces` alone.
    reach : tuple of float, optional
        Along x and along y: finds segments so near each other, for :meth:`CoverageAnalysis.facing`, in the same pass.
    edges : Edges, optional
        Of the polygons, from `extract_edges`, for callers that have them already.

    Examples
    --------
    Two squares that overlap by half a square:

    >>> layer = analyse([shapely.box(0, 0, 1, 1), shapely.box(0.5, 0, 1.5, 1)])
    >>> layer.valid
    False
    >>> faces = layer.faces()
    >>> faces.polygon[0].area, faces.covers[0].tolist()
    (0.5, [0, 1])
    """
    given = np.asarray(polygons, dtype=np.object_)
    array: npt.NDArray[np.object_] = given.reshape(-1).copy()
    return CoverageAnalysis(array, extent=extent, reach=reach, edges=edges)
