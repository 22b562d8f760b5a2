"""Looks: what is wrong with a tiling at some places, found without a look at the rest.

Theory. In a box, a place is covered by those polygons alone whose boxes meet the box. So an analysis of these polygons
by themselves tells the truth about every place in the box, and what it tells of places outside may be false: there the
others are absent. A region that reaches out of the boxes widens them by its own box, until none does; so a long gap
costs what it is long. A gap that is known is looked at whole (`with_gaps`), because without those on its far side it
would be no gap but open country. The border of the extent is the same in both.

Cost. The kernel's pass over the polygons in and around the boxes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.coverage import Faces, MissingVertices, analyse, pairs_of_boxes

Boxes = npt.NDArray[np.float64]
Geometries = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Seen:
    """What is wrong at some places.

    Parameters
    ----------
    faces : Faces
        Those that come into the places, whole.
    missing : MissingVertices
        Those in the places.
    places : STRtree
        Boxes a hair narrower than those that were looked at: what meets them was looked at.
    """

    faces: Faces
    missing: MissingVertices
    places: shapely.STRtree

    def meets(self, shapes: Geometries) -> list[int]:
        """Return which shapes come into the places."""
        return np.unique(self.places.query(shapes, predicate="intersects")[0]).tolist()  # type: ignore[no-any-return]


def look(polygons: Geometries, boxes: Boxes, at: Boxes, extent: shapely.Geometry | None) -> Seen:
    """Return what is wrong with polygons at some places.

    Parameters
    ----------
    polygons : ndarray of Polygon or MultiPolygon
    boxes : ndarray of float, shape (n, 4)
        Of the polygons; inverted for missing ones.
    at : ndarray of float, shape (m, 4)
        Boxes of the places.
    extent : Geometry or None
    """
    while True:
        slack = np.spacing(np.abs(at).max(axis=1, keepdims=True, initial=1.0)) * 8 * np.array([-1.0, -1.0, 1.0, 1.0])
        wide, places = at + slack, shapely.STRtree(shapely.box(*(at - slack).T))
        member = np.unique(pairs_of_boxes(wide, boxes)[1])
        analysis = analyse(polygons[member], extent=extent)
        faces = analysis.faces()
        here, box = places.query(faces.polygon, predicate="intersects")
        inside = np.zeros(len(faces), np.bool_)
        bounds = shapely.bounds(faces.polygon).reshape(-1, 4)
        held = (bounds[here, :2] >= wide[box, :2]).all(axis=1) & (bounds[here, 2:] <= wide[box, 2:]).all(axis=1)
        inside[here[held]] = True
        out = [number for number in np.unique(here).tolist() if not inside[number]]
        out = [number for number in out if not _is_held(faces.polygon[number], wide)]
        if not out:
            chosen = faces.chosen(np.unique(here))
            missing = analysis.missing_vertices()
            return Seen(_renamed(chosen, member), _among(missing.chosen(missing.within(at)), member), places)
        at = np.concatenate([at, bounds[out]])


def with_gaps(at: Boxes, gaps: Sequence[shapely.Polygon]) -> Boxes:
    """Return boxes of places together with those of the gaps that come into them."""
    if not gaps:
        return at
    boxes = shapely.bounds(np.array(gaps, object)).reshape(-1, 4)
    taken = np.zeros(len(boxes), np.bool_)
    front = at
    while len(front):
        near = np.unique(pairs_of_boxes(front, boxes)[1])
        near = near[~taken[near]]
        taken[near] = True
        front = boxes[near]
    return np.concatenate([at, boxes[taken]])


def _is_held(shape: shapely.Polygon, boxes: Boxes) -> bool:
    """Tell whether some boxes together hold a shape."""
    x0, y0, x1, y1 = shape.bounds
    near = (boxes[:, 0] <= x1) & (boxes[:, 2] >= x0) & (boxes[:, 1] <= y1) & (boxes[:, 3] >= y0)
    return bool(shapely.covers(shapely.union_all(shapely.box(*boxes[near].T)), shape))


def _renamed(faces: Faces, name: npt.NDArray[np.int64]) -> Faces:
    """Return faces with the polygons' indices in the whole layer."""

    def named(indices: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        return np.where(indices < 0, indices, name[indices])

    return Faces(
        faces.polygon,
        list(map(named, faces.covers)),
        list(map(named, faces.borders)),
        faces.border_lengths,
        faces.multiplicity,
        faces.inside_extent,
        faces.enclosed,
    )


def _among(missing: MissingVertices, name: npt.NDArray[np.int64]) -> MissingVertices:
    """Return missing vertices with the polygons' indices in the whole layer."""
    return MissingVertices(missing.point, name[missing.holder], name[missing.lacker], missing.segment)
