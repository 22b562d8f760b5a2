"""Labels: for each face of an arrangement, how many polygons cover it, which ones, and whether it is inside the extent.

Theory: crossing an edge changes a label by the owners of the edge and by nothing else, so that one known face tells
all the others of its component. The number of polygons is known where the open west begins, by one exact ray. Which
polygons they are is known of a face that has as many owners around it as polygons that cover it; what stays unknown
(a polygon nested in another) is looked up at a vertex of the input. Cost: O(faces), a ray a component, a look-up a
nest.
"""

from __future__ import annotations

from collections import deque

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.coverage._arrangement import Arrangement, count_owners
from gridgeo.coverage._boxes import pairs_of_points, polygon_boxes
from gridgeo.coverage._edges import Bools, Edges, Ints, distinct

EXTENT = -1


def spread(arrangement: Arrangement, outer: Ints, chosen: Bools) -> Ints:
    """Count the chosen owners that cover each face, from the counts of the outer faces of the components."""
    left = count_owners(arrangement, chosen)
    gain = left[0::2] - left[1::2]  # from the right of edge e to its left
    label = np.zeros(arrangement.faces, np.int64)
    known = np.zeros(arrangement.faces, bool)
    outer_face = arrangement.face[arrangement.outer_half]
    label[outer_face], known[outer_face] = outer, True
    queue = deque(outer_face.tolist())
    neighbours = face_neighbours(arrangement)
    labels, reached, gains = label.tolist(), known.tolist(), gain.tolist()
    while queue:
        here = queue.popleft()
        for there, half in neighbours[here]:
            if not reached[there]:
                step = gains[half >> 1]
                labels[there] = labels[here] + (-step if half & 1 == 0 else step)
                reached[there] = True
                queue.append(there)
    return np.array(labels, np.int64)


def face_neighbours(arrangement: Arrangement) -> list[list[tuple[int, int]]]:
    """For each face the faces beside it, each with one half-edge of the face that separates them."""
    face = arrangement.face
    pair = face * arrangement.faces + face[np.arange(len(face)) ^ 1]
    _, half = np.unique(pair, return_index=True)
    neighbours: list[list[tuple[int, int]]] = [[] for _ in range(arrangement.faces)]
    for h, here, there in zip(half.tolist(), face[half].tolist(), face[half ^ 1].tolist(), strict=True):
        if here != there:
            neighbours[here].append((there, h))
    return neighbours


def covering_sets(
    arrangement: Arrangement, multiplicity: Ints, wanted: Bools, polygons: npt.NDArray[np.object_], edges: Edges
) -> dict[int, frozenset[int]]:
    """Find the polygons that cover each wanted face.

    All edges inside the wanted faces must be part of the arrangement, cancelled ones too.
    """
    covers = _told_around(arrangement, multiplicity, wanted)
    around = {face: arrangement.around(face) for face in np.flatnonzero(wanted).tolist()}
    neighbours = face_neighbours(arrangement)
    _spread_sets(arrangement, covers, neighbours, wanted)
    while unknown := [face for face in around if face not in covers]:
        # one look-up for each group of faces that would tell each other
        group_of: dict[int, int] = {}
        asked: list[int] = []
        for face in unknown:
            if face in group_of:
                continue
            half = _half_at_vertex(arrangement, around[face])
            members = _group(face, neighbours, wanted, group_of)
            for member in members:
                if half is None and member in around:
                    half = _half_at_vertex(arrangement, around[member])
            asked.append(half if half is not None else around[face][0])
        for half, found in zip(asked, _look_up(arrangement, asked, polygons, edges), strict=True):
            covers[int(arrangement.face[half])] = found
        _spread_sets(arrangement, covers, neighbours, wanted)
    return covers


def _told_around(arrangement: Arrangement, multiplicity: Ints, wanted: Bools) -> dict[int, frozenset[int]]:
    """Return the covers of wanted faces with as many owners around them as polygons that cover them."""
    half = np.repeat(np.arange(len(arrangement.face)), np.diff(arrangement.owner_start))
    face, owner = arrangement.face[half], arrangement.owner
    kept = wanted[face] & (owner != EXTENT)
    most = int(owner.max(initial=0)) + 1
    key = distinct(face[kept] * most + owner[kept])
    face, owner = key // most, key % most
    count = np.bincount(face, minlength=arrangement.faces)
    start = np.concatenate([[0], np.cumsum(count)])
    told = np.flatnonzero(wanted & (count == multiplicity)).tolist()
    owners = owner.tolist()
    return {k: frozenset(owners[start[k] : start[k + 1]]) for k in told}


def _spread_sets(
    arrangement: Arrangement,
    covers: dict[int, frozenset[int]],
    neighbours: list[list[tuple[int, int]]],
    wanted: Bools,
) -> None:
    queue = deque(covers)
    while queue:
        here = queue.popleft()
        for there, half in neighbours[here]:
            if wanted[there] and there not in covers:
                covers[there] = across(arrangement, covers[here], half) - {EXTENT}
                queue.append(there)


def across(arrangement: Arrangement, covers: frozenset[int], half: int) -> frozenset[int]:
    """Tell what covers the other side of a half-edge; the extent counts when it begins there."""
    return covers.difference(arrangement.owners(half)).union(arrangement.owners(half ^ 1))


def _group(start: int, neighbours: list[list[tuple[int, int]]], wanted: Bools, group_of: dict[int, int]) -> list[int]:
    members = [start]
    group_of[start] = start
    for face in members:
        for there, _ in neighbours[face]:
            if wanted[there] and there not in group_of:
                group_of[there] = start
                members.append(there)
    return members


def _half_at_vertex(arrangement: Arrangement, halves: list[int]) -> int | None:
    return next((half for half in halves if arrangement.tail[half] < arrangement.vertices), None)


def _look_up(
    arrangement: Arrangement, halves: list[int], polygons: npt.NDArray[np.object_], edges: Edges
) -> list[frozenset[int]]:
    """Polygons that cover the left side of each half-edge at its tail, a vertex of the input.

    A polygon with an edge at the vertex is judged by the edge that comes first going clockwise; any other polygon has
    the vertex in its interior or not at all.
    """
    point = arrangement.node[arrangement.tail[halves]]
    which, polygon = pairs_of_points(point, polygon_boxes(edges))
    inside = shapely.contains_xy(polygons[polygon], point[which])
    which, polygon = which[inside], polygon[inside]
    found: list[set[int]] = [set() for _ in halves]
    for k, p in zip(which.tolist(), polygon.tolist(), strict=True):
        found[k].add(p)
    for k, half in enumerate(halves):
        judged: set[int] = set()
        here = half
        while True:
            covering, leaving = arrangement.owners(here), arrangement.owners(here ^ 1)
            for p in covering:
                if p not in judged:
                    found[k].add(p)
            for p in leaving:
                if p not in judged and p not in covering:
                    found[k].discard(p)
            judged.update(covering, leaving)
            here = int(arrangement.onward[here ^ 1])  # clockwise around the vertex
            if here == half:
                break
    return [frozenset(s - {EXTENT}) for s in found]
