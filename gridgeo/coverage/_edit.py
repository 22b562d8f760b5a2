"""The analysis of an edited layer, at the cost of the edit: only what the edit bears on is arranged again.

Theory. How often a place is covered changes only where a polygon was taken away or put. So a face of the arrangement
that comes nowhere near the boxes of the edited polygons, old and new, stays as it is, with its covers and borders. The
faces that do come near are found again by arranging

* the new edges and those of the neighbours, which cancel against each other as in the whole layer;
* the connected pieces of the layer's residual whose boxes meet the edit. A piece that does not has winding number zero
  around all faces that count here, because a face lies in it wholly or not at all;
* the pieces, and the polygons, that come near a face so found, until no more do: a long gap costs what it is long.

Edges of those polygons that are known to cancel against polygons elsewhere, or to belong to other pieces, are left
out. So no edge is doubtful, and the result is that of a new analysis, not an approximation.

Cost. Proportional to the edit, its neighbours and the pieces of residual around it. The outer border of the layer is
always one of them, so some thousandths of a large layer are looked at for the smallest edit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.coverage._analysis import CoverageAnalysis, MissingVertices
from gridgeo.coverage._boxes import Boxes, pairs_of_boxes, pairs_of_points, polygon_boxes
from gridgeo.coverage._cancel import NO_EDGE, RESIDUAL, Cancellation, cancel
from gridgeo.coverage._edges import Bools, Edges, Ints, distinct, extract_edges
from gridgeo.coverage._faces import Faces
from gridgeo.coverage._verdict import join

Geometries = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Edited:
    """What an edit bears on. Polygons are named by their index in the edited layer.

    Parameters
    ----------
    boxes : ndarray of float, shape (n, 4)
        Of the edited polygons, old and new: whatever doesn't meet them has not changed.
    near : ndarray of int
        Polygons that are not edited and whose boxes meet these.
    faces : Faces
        Those whose boxes meet the boxes.
    missing : MissingVertices
        Those in the boxes.
    residual : int
        How many edges of the edited layer have no partner.
    part : CoverageAnalysis
        Of what was looked at; it has its own indices, and tells of places near the edit alone.
    """

    boxes: Boxes
    near: Ints
    faces: Faces
    missing: MissingVertices
    residual: int
    part: CoverageAnalysis


class Editable:
    """A layer that was analysed as a whole and can be analysed again after edits of it.

    Parameters
    ----------
    polygons : ndarray of Polygon or MultiPolygon
    analysis : CoverageAnalysis
        Of those.
    extent : Polygon or MultiPolygon, optional
    reach : tuple of float, optional
        As they were given to `analyse`.
    """

    def __init__(
        self,
        polygons: Geometries,
        analysis: CoverageAnalysis,
        *,
        extent: shapely.Geometry | None = None,
        reach: tuple[float, float] | None = None,
    ) -> None:
        self._polygons, self._analysis, self._extent, self._reach = polygons, analysis, extent, reach

    @cached_property
    def _boxes(self) -> Boxes:
        return polygon_boxes(self._analysis._edges)

    @cached_property
    def _row_of(self) -> Ints:
        """The row in the residual of each edge; -1 for others."""
        row = np.full(len(self._analysis._edges.coordinates), -1, np.int64)
        row[self._analysis.residual.edge] = np.arange(len(self._analysis.residual))
        return row

    @cached_property
    def _pieces(self) -> tuple[Ints, Boxes]:
        """The connected piece of each segment of the residual, and the box of each piece."""
        segment, interactions = self._analysis.residual.segment, self._analysis._interactions
        place = np.ascontiguousarray(segment).view(np.complex128).ravel()
        order = np.argsort(place, kind="stable")
        same = np.flatnonzero(place[order[1:]] == place[order[:-1]])
        pairs = np.concatenate(
            [
                np.column_stack([order[same] // 2, order[same + 1] // 2]),
                interactions.crossing,
                interactions.on_segment[:, :2],
            ]
        )
        least = join(pairs[:, 0], pairs[:, 1], len(segment))
        _, piece = np.unique(least, return_inverse=True)
        count = int(piece.max(initial=-1)) + 1
        box = np.empty((count, 4))
        box[:, :2], box[:, 2:] = np.inf, -np.inf
        for ends in (segment[:, :2], segment[:, 2:]):
            np.minimum.at(box[:, :2], piece, ends)
            np.maximum.at(box[:, 2:], piece, ends)
        return piece, box

    def edit(self, index: Ints, shapes: Geometries) -> Edited:
        """Return what putting ``shapes`` (None: nothing) in the places of the polygons ``index`` bears on.

        Indices from the number of polygons on are new polygons.
        """
        count = len(self._polygons)
        known = index < count
        boxes = np.concatenate([self._boxes[index[known]], _boxes_of(shapes)])
        boxes = _widened(boxes[boxes[:, 0] <= boxes[:, 2]])
        edited = np.zeros(max(count, int(index.max(initial=-1)) + 1), bool)
        edited[index] = True
        near = np.zeros(len(edited), bool)
        near[pairs_of_boxes(boxes, self._boxes)[1]] = True
        near &= ~edited
        piece, piece_box = self._pieces
        touched = np.zeros(len(piece_box), bool)
        touched[pairs_of_boxes(boxes, piece_box)[1]] = True
        members = near.copy()
        while True:
            members[self._analysis.residual.polygon[touched[piece]]] = True
            chosen = np.flatnonzero(members & ~edited)
            own, analysis = self._part(index, shapes, chosen, edited, near, touched)
            faces = analysis.faces()
            counts = faces.meeting(boxes)
            more = np.zeros(len(touched), bool)
            more[pairs_of_boxes(_widened(shapely.bounds(faces.polygon[counts])), piece_box)[1]] = True
            overlaps = analysis.overlap_boxes()
            overlaps = overlaps[np.unique(pairs_of_boxes(boxes, overlaps)[1])]
            more[pairs_of_boxes(_widened(overlaps), piece_box)[1]] = True
            wide = np.zeros(len(edited), bool)
            wide[pairs_of_boxes(_widened(overlaps), self._boxes)[1]] = True
            # whether a ring that meets nothing lies in another polygon is told by that
            wide[pairs_of_points(analysis.open_rings(), self._boxes)[1]] = True
            wide &= ~edited
            if not (more & ~touched).any() and not (wide & ~members).any():
                break
            touched |= more
            members |= wide
        missing = analysis.missing_vertices()
        missing = missing.chosen(missing.within(boxes))
        dropped = touched[piece] | edited[self._analysis.residual.polygon]
        return Edited(
            boxes,
            np.flatnonzero(near),
            _renamed(faces.chosen(np.flatnonzero(counts)), own),
            replace(missing, holder=own[missing.holder], lacker=own[missing.lacker]),
            int((~dropped).sum()) + len(analysis.residual),
            analysis,
        )

    def _part(
        self, index: Ints, shapes: Geometries, chosen: Ints, edited: Bools, near: Bools, touched: Bools
    ) -> tuple[Ints, CoverageAnalysis]:
        """Analyse the edited polygons and the chosen others by themselves; return their indices too.

        Edges that have their partner elsewhere count as cancelled.
        """
        filled = ~shapely.is_missing(shapes)
        member = np.concatenate([index[filled], chosen])
        polygons = np.concatenate([shapes[filled], self._polygons[chosen]])
        order = np.argsort(member)
        member, polygons = member[order], polygons[order]
        edges = extract_edges(polygons)
        cancellation = cancel(edges)
        owner = member[edges.ring_polygon]
        own = np.flatnonzero(np.repeat(edited[owner], np.diff(edges.ring_start)) & (cancellation.mate != NO_EDGE))
        edge = np.flatnonzero(np.repeat(~edited[owner], np.diff(edges.ring_start)) & (cancellation.mate != NO_EDGE))
        # the partners of edges that an edited polygon has, or had, are found anew; all others are known
        past = extract_edges(self._polygons[index[index < len(self._polygons)]])
        theirs = np.setdiff1d(np.arange(len(past.coordinates)), past.ring_start[1:] - 1)
        asked = {*_ends(edges, own), *_ends(past, theirs)}
        beside = np.flatnonzero(near[member[edges.polygon_of(edge)]])
        anew = beside[[ends in asked for ends in _ends(edges, edge[beside])]] if len(beside) else beside
        edge = np.delete(edge, anew)
        before = self._edge_before(edges, member, edge)
        mate = cancellation.mate.copy()
        mate[edge] = self._mates(edge, before, touched)
        there = np.isin(before, self._analysis._cancellation.doubled) & (mate[edge] != edge)
        doubled = distinct(np.concatenate([np.setdiff1d(cancellation.doubled, edge), edge[there]]))
        cancelled = edges, Cancellation(mate, doubled)
        return member, CoverageAnalysis(polygons, extent=self._extent, reach=self._reach, cancelled=cancelled)

    def _mates(self, edge: Ints, before: Ints, touched: Bools) -> npt.NDArray[np.int32]:
        """Return the mates of edges as in the whole layer; an edge is its own mate where that is elsewhere."""
        whole = self._analysis._cancellation.mate[before].astype(np.int64)
        mate = edge.copy()
        paired = np.flatnonzero(whole >= 0)
        place = np.minimum(np.searchsorted(before, whole[paired]), max(len(before) - 1, 0))
        here = before[place] == whole[paired]
        mate[paired[here]] = edge[place[here]]
        row = self._row_of[before]
        open_here = np.flatnonzero(row >= 0)
        piece, _ = self._pieces
        mate[open_here[touched[piece[row[open_here]]]]] = RESIDUAL
        return mate.astype(np.int32)

    def _edge_before(self, edges: Edges, member: Ints, edge: Ints) -> Ints:
        """Return the edge of the whole layer that an edge of a part is."""
        whole = self._analysis._edges
        first_before = np.searchsorted(whole.ring_polygon, np.arange(whole.count))
        ring = edges.ring_of(edge)
        of = edges.ring_polygon[ring]
        ring_in_polygon = ring - np.searchsorted(edges.ring_polygon, of)
        ring_before = first_before[member[of]] + ring_in_polygon
        before: Ints = whole.ring_start[ring_before] + edge - edges.ring_start[ring]
        return before


def _ends(edges: Edges, edge: Ints) -> list[tuple[float, ...]]:
    """Return the ends of edges, in the same order whichever way an edge runs."""
    rows = np.hstack([edges.coordinates[edge], edges.coordinates[edge + 1]]).tolist()
    return [(a, b, c, d) if (a, b) < (c, d) else (c, d, a, b) for a, b, c, d in rows]


def _boxes_of(shapes: Geometries) -> Boxes:
    boxes: Boxes = shapely.bounds(shapes).reshape(-1, 4)
    return boxes[~np.isnan(boxes[:, 0])]


def _widened(boxes: Boxes) -> Boxes:
    """Return boxes wider by some units in the last place: corners of faces are rounded."""
    if not len(boxes):
        return boxes
    slack = np.spacing(np.abs(boxes).max(axis=1, keepdims=True)) * 8
    widened: Boxes = boxes + slack * np.array([-1.0, -1.0, 1.0, 1.0])
    return widened


def _renamed(faces: Faces, name: Ints) -> Faces:
    """Return faces with other names for the polygons."""

    def named(indices: Ints) -> Ints:
        return np.where(indices < 0, indices, name[indices])

    return replace(faces, covers=list(map(named, faces.covers)), borders=list(map(named, faces.borders)))
