"""Faces: the regions that are covered wrongly, each once, with all that cover and border it.

First the residual alone is arranged: its faces with no cover are the gaps, those with two or more the overlaps. Then
the overlaps are arranged again together with the cancelled edges near them, so that a border between two neighbours
under a third polygon splits the overlap into parts with different covers. The rest of the layer is never touched.
Cost: O(r log r) in the size of the residual plus the cancelled edges in the boxes of overlaps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.coverage._arrangement import NOBODY, Arrangement, arrange
from gridgeo.coverage._boxes import Boxes, pairs_of_boxes
from gridgeo.coverage._cancel import Cancellation
from gridgeo.coverage._edges import Bools, Edges, Ints, distinct, extract_edges
from gridgeo.coverage._interactions import Interactions, find_interactions
from gridgeo.coverage._labels import EXTENT, covering_sets, spread
from gridgeo.coverage._narrow import Row, Sheet
from gridgeo.coverage._residual import Residual
from gridgeo.coverage._rings import Ring, rings_of, signed_area, sound_polygons
from gridgeo.coverage._verdict import Verdict
from gridgeo.coverage._winding import make_rows, neighbour_in_the_west, winding_at

_EXTENT_ALONE = frozenset([EXTENT])


@dataclass(frozen=True, slots=True)
class Faces:
    """Every region that is covered wrongly, as parallel arrays, overlaps after gaps.

    Parameters
    ----------
    polygon : ndarray of Polygon
    covers : list of ndarray of int
        Indices of the polygons that cover the face, ascending; none for a gap.
    borders : list of ndarray of int
        Indices of the polygons that lie on the other side of the face's border, ascending; -1 stands for the border
        of the extent, which may run there in addition to a polygon.
    border_lengths : list of ndarray of float
        Length of the border with each of ``borders``.
    multiplicity : ndarray of int
        How many polygons cover the face.
    inside_extent : ndarray of bool
        True for all if there is no extent.
    enclosed : ndarray of bool
        Whether a polygon lies on the other side of every part of the border; a face without cover that is not
        enclosed is open to the border of the extent.
    """

    polygon: npt.NDArray[np.object_]
    covers: list[Ints]
    borders: list[Ints]
    border_lengths: list[npt.NDArray[np.float64]]
    multiplicity: Ints
    inside_extent: Bools
    enclosed: Bools

    def __len__(self) -> int:
        return len(self.polygon)

    def chosen(self, which: Sequence[int] | Ints) -> Faces:
        """Return some of the faces, in the order named."""
        at = np.asarray(which, np.int64)
        return Faces(
            self.polygon[at],
            [self.covers[k] for k in at],
            [self.borders[k] for k in at],
            [self.border_lengths[k] for k in at],
            self.multiplicity[at],
            self.inside_extent[at],
            self.enclosed[at],
        )

    def joined(self, other: Faces) -> Faces:
        """Return these faces and then the others."""
        return Faces(
            np.concatenate([self.polygon, other.polygon]),
            [*self.covers, *other.covers],
            [*self.borders, *other.borders],
            [*self.border_lengths, *other.border_lengths],
            np.concatenate([self.multiplicity, other.multiplicity]),
            np.concatenate([self.inside_extent, other.inside_extent]),
            np.concatenate([self.enclosed, other.enclosed]),
        )

    def meeting(self, boxes: Boxes) -> Bools:
        """Tell which faces have boxes that meet any of some boxes."""
        meets = np.zeros(len(self), bool)
        meets[pairs_of_boxes(boxes, shapely.bounds(self.polygon).reshape(-1, 4))[1]] = True
        return meets


@dataclass(slots=True)
class _Face:
    shell: Ring
    holes: list[Ring]
    covers: frozenset[int]
    inside: bool
    borders: dict[int, float]
    enclosed: bool
    sheet: Sheet
    number: int


@dataclass(frozen=True, slots=True)
class Terrain:
    """What the search for faces works on: the residual and the border of the extent as one set of segments."""

    segment: npt.NDArray[np.float64]
    owner: Ints
    following: Ints
    interactions: Interactions
    island: Bools
    has_extent: bool

    @property
    def of_extent(self) -> Bools:
        """Which segments belong to the extent."""
        mask: Bools = self.owner == EXTENT
        return mask


def find_faces(
    polygons: npt.NDArray[np.object_],
    edges: Edges,
    cancellation: Cancellation,
    residual: Residual,
    interactions: Interactions,
    verdict: Verdict,
    extent: shapely.Geometry | None,
) -> tuple[Faces, npt.NDArray[np.float64], list[Row]]:
    """Find every region that is covered wrongly, and the boxes of what is covered too often or outside the extent.

    In such a box the edges that cancelled count too. Of the regions too narrow to be shown, the vertices that lie
    beside the edge of another polygon are returned in their place.
    """
    terrain = _terrain(edges, residual, interactions, verdict, extent)
    active = np.flatnonzero(~terrain.island)
    found: list[_Face] = []
    narrow: list[Row] = []
    boxes = np.zeros((0, 4))
    if len(active):
        arrangement = _arranged(terrain, active)
        multiplicity, inside = _labelled(arrangement, terrain)
        _add_gaps(found, narrow, arrangement, terrain, active, multiplicity, inside)
        wrong = _covered_wrongly(multiplicity, inside)
        if wrong.any():
            boxes = _boxes_of(arrangement, wrong)
            _add_overlaps(found, narrow, arrangement, terrain, active, wrong, polygons, edges, cancellation)
    return _as_arrays(found, narrow), boxes, sorted(set(narrow))


def _boxes_of(arrangement: Arrangement, chosen: Bools) -> npt.NDArray[np.float64]:
    """Box of each chosen face."""
    half = np.flatnonzero(chosen[arrangement.face])
    half = half[np.argsort(arrangement.face[half], kind="stable")]
    start = np.flatnonzero(np.concatenate([[True], np.diff(arrangement.face[half]) != 0]))
    place = arrangement.node[arrangement.tail[half]]
    return np.concatenate([np.minimum.reduceat(place, start), np.maximum.reduceat(place, start)], axis=1)


def _terrain(
    edges: Edges, residual: Residual, interactions: Interactions, verdict: Verdict, extent: shapely.Geometry | None
) -> Terrain:
    """Put the residual and the border of the extent together; set rings aside that can only be islands in a gap."""
    island = _rows_of(verdict, ~edges.hole_ring[edges.ring_of(residual.edge[verdict.open_start])], len(residual))
    if extent is None:
        return Terrain(residual.segment, residual.polygon, residual.following, interactions, island, False)
    outline = extract_edges(np.array([extent], object))
    border = np.setdiff1d(np.arange(len(outline.coordinates)), outline.ring_start[1:] - 1)
    segment = np.concatenate([residual.segment, outline.oriented(border)])
    owner = np.concatenate([residual.polygon, np.full(len(border), EXTENT)])
    following = np.concatenate([residual.following, np.full(len(border), -1)])
    fresh = owner == EXTENT
    more = find_interactions(segment, following, fresh)
    both = Interactions(
        np.concatenate([interactions.crossing, more.crossing]),
        np.concatenate([interactions.on_segment, more.on_segment]),
        more.touched,
    )
    met = more.touched[: len(residual)].copy()
    for column in (*more.crossing.T, more.on_segment[:, 0], more.on_segment[:, 1]):
        met[column[column < len(residual)]] = True
    ring = edges.ring_of(residual.edge)
    spoiled = np.bincount(ring, met, len(edges.reversed_ring)) > 0
    lies_inside = np.zeros(len(residual), bool)
    if island.any() and fresh.any():
        lies_inside[island] = winding_at(residual.segment[island, :2], make_rows(segment[fresh])) > 0
    outside = np.bincount(ring, ~lies_inside, len(edges.reversed_ring)) > 0
    island &= ~spoiled[ring] & ~outside[ring]
    return Terrain(segment, owner, following, both, np.concatenate([island, np.zeros(len(border), bool)]), True)


def _rows_of(verdict: Verdict, chosen: Bools, count: int) -> Bools:
    """Segments of the chosen rings that meet nothing."""
    borders = np.column_stack([verdict.open_start[chosen], verdict.open_stop[chosen]]).ravel()  # in order
    runs = np.diff(np.concatenate([[0], borders, [count]]))
    return np.repeat(np.arange(len(runs)) % 2 == 1, runs)


def _arranged(terrain: Terrain, active: Ints) -> Arrangement:
    chosen = _subset(terrain.interactions, active, len(terrain.segment))
    nobody = np.full(len(active), NOBODY)
    return arrange(terrain.segment[active], terrain.owner[active], nobody, chosen)


def _subset(interactions: Interactions, active: Ints, count: int) -> Interactions:
    """Interactions among chosen segments, renumbered."""
    number = np.full(count, -1, np.int64)
    number[active] = np.arange(len(active))
    crossing = number[interactions.crossing]
    on_segment = interactions.on_segment.copy()
    on_segment[:, :2] = number[on_segment[:, :2]]
    return Interactions(
        crossing[(crossing >= 0).all(axis=1)],
        on_segment[(on_segment[:, :2] >= 0).all(axis=1)],
        interactions.touched[active] if len(interactions.touched) == count else np.zeros(len(active), bool),
    )


def _labelled(arrangement: Arrangement, terrain: Terrain) -> tuple[Ints, Bools]:
    """How many polygons cover each face, and whether it is inside the extent."""
    west = arrangement.node[arrangement.tail[arrangement.outer_half]]
    of_extent = terrain.of_extent
    covered = (
        winding_at(west, make_rows(terrain.segment[~of_extent])) if not of_extent.all() else np.zeros(len(west), int)
    )
    multiplicity = spread(arrangement, covered, arrangement.owner != EXTENT)
    if not terrain.has_extent:
        return multiplicity, np.ones(arrangement.faces, bool)
    within = winding_at(west, make_rows(terrain.segment[of_extent])) if of_extent.any() else np.zeros(len(west), int)
    return multiplicity, spread(arrangement, within, arrangement.owner == EXTENT) > 0


def _covered_wrongly(multiplicity: Ints, inside: Bools) -> Bools:
    return (multiplicity >= 2) | ((multiplicity >= 1) & ~inside)


def _add_gaps(
    found: list[_Face],
    narrow: list[Row],
    arrangement: Arrangement,
    terrain: Terrain,
    active: Ints,
    multiplicity: Ints,
    inside: Bools,
) -> None:
    """Faces inside the extent that nothing covers; without an extent the bounded ones."""
    wanted = (multiplicity == 0) & inside
    nothing: frozenset[int] = frozenset()
    islands = _Islands(terrain)
    sheet = Sheet(arrangement, terrain.segment[active], terrain.owner[active], np.full(len(active), NOBODY))
    for loops, faces in _assemble(sheet, wanted, islands, narrow):
        covers = dict.fromkeys(faces, nothing)
        _finish(found, sheet, loops, faces, covers, inside=True, islands=islands)


def _add_overlaps(
    found: list[_Face],
    narrow: list[Row],
    first: Arrangement,
    terrain: Terrain,
    active: Ints,
    wrong: Bools,
    polygons: npt.NDArray[np.object_],
    edges: Edges,
    cancellation: Cancellation,
) -> None:
    """Faces with two or more covers, and covered ones outside the extent, split where the covers change."""
    inner = _cancelled_edges_near(first, wrong, edges, cancellation)
    segment = np.concatenate([terrain.segment[active], edges.oriented(inner)])
    left = np.concatenate([terrain.owner[active], edges.polygon_of(inner)])
    right = np.concatenate([np.full(len(active), NOBODY), edges.polygon_of(cancellation.mate[inner])])
    following = np.full(len(segment), -1)
    fresh = np.arange(len(segment)) >= len(active)
    more = find_interactions(segment, following, fresh)
    known = _subset(terrain.interactions, active, len(terrain.segment))
    both = Interactions(
        np.concatenate([known.crossing, more.crossing]),
        np.concatenate([known.on_segment, more.on_segment]),
        more.touched,
    )
    chosen = _components_to_arrange(first, wrong, more, len(active), len(segment))
    arrangement = arrange(segment[chosen], left[chosen], right[chosen], _subset(both, chosen, len(segment)))
    multiplicity, inside = _labelled(arrangement, terrain)
    wanted = _covered_wrongly(multiplicity, inside)
    covers = covering_sets(arrangement, multiplicity, wanted, polygons, edges)
    sheet = Sheet(arrangement, segment[chosen], left[chosen], right[chosen])
    for loops, faces in _assemble(sheet, wanted, None, narrow):
        _finish(found, sheet, loops, faces, covers, inside=bool(inside[faces[0]]), islands=None)


def _cancelled_edges_near(arrangement: Arrangement, wrong: Bools, edges: Edges, cancellation: Cancellation) -> Ints:
    """Find cancelled edges whose box meets the box of a wrong face; of each pair the first."""
    box = _boxes_of(arrangement, wrong)
    low, high = box[:, :2], box[:, 2:]
    chunk_start, chunk_stop, chunk_box = edges.chunks
    face, chunk = pairs_of_boxes(box, chunk_box)
    size = chunk_stop[chunk] - chunk_start[chunk]
    edge = np.repeat(chunk_start[chunk], size) + np.arange(int(size.sum())) - np.repeat(np.cumsum(size) - size, size)
    face = np.repeat(face, size)
    earlier = cancellation.mate[edge] > edge
    edge, face = edge[earlier], face[earlier]
    a, b = edges.coordinates[edge], edges.coordinates[edge + 1]
    # an ulp of slack: crossings, and so the boxes of faces, are rounded
    slack = np.spacing(np.maximum(np.abs(low), np.abs(high)))[face] * 4
    near = (np.maximum(a, b) >= low[face] - slack).all(axis=1) & (np.minimum(a, b) <= high[face] + slack).all(axis=1)
    return distinct(edge[near])


def _components_to_arrange(first: Arrangement, wrong: Bools, more: Interactions, active: int, count: int) -> Ints:
    """Segments of components with a wrong face or met by a cancelled edge, and all cancelled edges."""
    component = first.component[first.face[first.piece_half[first.piece_start[:-1]]]]
    needed = np.zeros(int(first.component.max()) + 1, bool)
    needed[first.component[wrong]] = True
    met = more.touched.copy()
    for column in (*more.crossing.T, more.on_segment[:, 0], more.on_segment[:, 1]):
        met[column] = True
    needed[component[met[:active]]] = True
    return np.concatenate([np.flatnonzero(needed[component]), np.arange(active, count)])


class _Islands:
    """Rings that meet nothing and have no cover outside: holes of a gap if they lie in one."""

    def __init__(self, terrain: Terrain) -> None:
        at = np.flatnonzero(terrain.island)
        begins = np.concatenate([[True], terrain.following[at[:-1]] != at[1:]]) if len(at) else np.zeros(0, bool)
        self.start = at[begins]
        self.stop = self.start + np.diff(np.append(np.flatnonzero(begins), len(at)))
        self.terrain = terrain

    def points(self) -> npt.NDArray[np.float64]:
        return self.terrain.segment[self.start, :2]

    def loop(self, island: int) -> Ring:
        rows = self.terrain.segment[self.start[island] : self.stop[island]]
        # stored order runs with the segments or against them
        forward = len(rows) < 2 or bool((rows[0, 2:] == rows[1, :2]).all())
        ring: Ring = [(x, y) for x, y in (rows[:, :2] if forward else rows[::-1, :2]).tolist()]
        return [*ring, ring[0]]

    def border(self, island: int) -> tuple[int, float]:
        rows = self.terrain.segment[self.start[island] : self.stop[island]]
        length = float(np.hypot(rows[:, 2] - rows[:, 0], rows[:, 3] - rows[:, 1]).sum())
        return int(self.terrain.owner[self.start[island]]), length


@dataclass(slots=True)
class _Loops:
    shell: Ring
    holes: list[Ring]
    islands: list[int]


def _assemble(
    sheet: Sheet, wanted: Bools, islands: _Islands | None, narrow: list[Row]
) -> list[tuple[_Loops, list[int]]]:
    """Put wanted faces together: a face that closes around its component, and what lies in it as an island."""
    arrangement, segment = sheet.arrangement, sheet.segment
    outer_face = np.zeros(arrangement.faces, bool)
    outer_face[arrangement.face[arrangement.outer_half]] = True
    result: dict[int, tuple[_Loops, list[int]]] = {}
    for face in np.flatnonzero(wanted & ~outer_face).tolist():
        rings = rings_of(arrangement, face)
        if not rings:  # it is narrower than doubles can show
            narrow += sheet.vertices_beside(face)
        else:
            shell = rings[0] if len(rings) == 1 else max(rings, key=signed_area)
            result[face] = _Loops(shell, [ring for ring in rings if ring is not shell], []), [face]
    if not result:
        return []
    afloat = arrangement.outer_half[wanted[arrangement.face[arrangement.outer_half]]]
    point = arrangement.node[arrangement.tail[afloat]]
    if islands is not None:
        point = np.concatenate([point, islands.points()])
    if len(point):
        home = _faces_in_the_west(arrangement, segment, point)
        parent = dict(zip(arrangement.face[afloat].tolist(), home, strict=False))
        for k, face in enumerate(home):
            seen: set[int] = set()
            while face in parent and face not in seen:  # the open side of a neighbour: it is where the neighbour is
                seen.add(face)
                face = parent[face]
            if face not in result:
                continue
            loops, faces = result[face]
            if k < len(afloat):
                own = int(arrangement.face[afloat[k]])
                loops.holes += rings_of(arrangement, own)
                faces.append(own)
            else:
                loops.islands.append(k - len(afloat))
    return list(result.values())


def _faces_in_the_west(
    arrangement: Arrangement,
    segment: npt.NDArray[np.float64],
    point: npt.NDArray[np.float64],
) -> list[int]:
    """Find the face that each point lies in, beside the first edge in the west; -1 where there is none."""
    home = [-1] * len(point)
    for k, s in enumerate(neighbour_in_the_west(point, make_rows(segment)).tolist()):
        if s < 0:
            continue
        halves = arrangement.piece_half[arrangement.piece_start[s] : arrangement.piece_start[s + 1]]
        up = segment[s, 3] > segment[s, 1]
        # how many cuts of the segment lie below the ray, which runs a hair's breadth above the point
        between = arrangement.tail[halves[1:]]
        below = sum(arrangement.is_level_or_below(int(node), float(point[k, 1])) for node in between)
        piece = below if up else len(between) - below
        home[k] = int(arrangement.face[halves[piece] ^ 1 if up else halves[piece]])
    return home


def _finish(
    found: list[_Face],
    sheet: Sheet,
    loops: _Loops,
    faces: list[int],
    covers: dict[int, frozenset[int]],
    *,
    inside: bool,
    islands: _Islands | None,
) -> None:
    """Make the records of one face: its polygon, who borders it and how far."""
    holes = loops.holes + [islands.loop(k) for k in loops.islands] if islands is not None else loops.holes
    arrangement = sheet.arrangement
    borders: dict[int, float] = {}
    enclosed = True
    length, sides = arrangement.walk.length, arrangement.walk.sides
    for face in faces:
        covered_by = covers[face]
        before = -1
        beyond: frozenset[int] = frozenset()
        for half in arrangement.around(face):
            if sides[half] != before:  # along a border the sides stay the same
                before = sides[half]
                mine, theirs = arrangement.owners(half), arrangement.owners(half ^ 1)
                beyond = covered_by.difference(mine).union(theirs)
                if not beyond or beyond == _EXTENT_ALONE:
                    enclosed = False
                if EXTENT in mine:
                    beyond |= _EXTENT_ALONE
            here = length[half >> 1]
            for neighbour in beyond:
                borders[neighbour] = borders.get(neighbour, 0.0) + here
    if islands is not None:
        for k in loops.islands:
            owner, around = islands.border(k)
            borders[owner] = borders.get(owner, 0.0) + around
    found.append(_Face(loops.shell, holes, covers[faces[0]], inside, borders, enclosed, sheet, faces[0]))


def _as_arrays(found: list[_Face], narrow: list[Row]) -> Faces:
    polygons, source = sound_polygons([face.shell for face in found], [face.holes for face in found])
    for k in sorted(set(range(len(found))) - set(source)):
        narrow += found[k].sheet.vertices_beside(found[k].number)
    bounds = shapely.bounds(polygons).tolist()
    order = sorted(
        range(len(polygons)),
        key=lambda k: (len(found[source[k]].covers), sorted(found[source[k]].covers), bounds[k], source[k]),
    )
    faces = [found[source[k]] for k in order]
    return Faces(
        polygons[order] if order else polygons,
        [np.array(sorted(face.covers), np.int64) for face in faces],
        [np.array(sorted(face.borders), np.int64) for face in faces],
        [np.array([face.borders[k] for k in sorted(face.borders)]) for face in faces],
        np.array([len(face.covers) for face in faces], np.int64),
        np.array([face.inside for face in faces], bool),
        np.array([face.enclosed for face in faces], bool),
    )
