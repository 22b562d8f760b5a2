"""Faces: the regions that are covered wrongly, each once, with all that cover and border it.

First the residual alone is arranged: its faces with no cover are the gaps, those with two or more the overlaps. Then the
overlaps are arranged again together with the cancelled edges near them, so that a border between two neighbours under a third
polygon splits the overlap into parts with different covers. The rest of the layer is never touched.
Cost: O(r log r) in the size of the residual plus the cancelled edges in the boxes of overlaps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.coverage._arrangement import NOBODY, Arrangement, arrange
from gridgeo.coverage._boxes import pairs_of_boxes
from gridgeo.coverage._cancel import Cancellation
from gridgeo.coverage._edges import Bools, Edges, Ints, extract_edges
from gridgeo.coverage._interactions import Interactions, find_interactions
from gridgeo.coverage._labels import EXTENT, across, covering_sets, spread
from gridgeo.coverage._residual import Residual
from gridgeo.coverage._verdict import Verdict
from gridgeo.coverage._winding import make_rows, neighbour_in_the_west, winding_at


@dataclass(frozen=True, slots=True)
class Faces:
    """Every region that is covered wrongly, as parallel arrays, overlaps after gaps.

    Parameters
    ----------
    polygon : ndarray of Polygon
    covers : list of ndarray of int
        Indices of the polygons that cover the face, ascending; none for a gap.
    borders : list of ndarray of int
        Indices of the polygons that lie on the other side of the face's border, ascending; -1 stands for the border of the
        extent, which may run there in addition to a polygon.
    border_lengths : list of ndarray of float
        Length of the border with each of ``borders``.
    multiplicity : ndarray of int
        How many polygons cover the face.
    inside_extent : ndarray of bool
        True for all if there is no extent.
    enclosed : ndarray of bool
        Whether a polygon lies on the other side of every part of the border; a face without cover that is not enclosed is
        open to the border of the extent.
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


@dataclass(slots=True)
class _Face:
    polygon: shapely.Polygon
    covers: frozenset[int]
    inside: bool
    borders: dict[int, float] = field(default_factory=dict)
    enclosed: bool = True


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
        return self.owner == EXTENT


def find_faces(
    polygons: npt.NDArray[np.object_],
    edges: Edges,
    cancellation: Cancellation,
    residual: Residual,
    interactions: Interactions,
    verdict: Verdict,
    extent: shapely.Geometry | None,
) -> Faces:
    """Find every region that is covered wrongly."""
    terrain = _terrain(edges, residual, interactions, verdict, extent)
    active = np.flatnonzero(~terrain.island)
    found: list[_Face] = []
    if len(active):
        arrangement = _arranged(terrain, active)
        multiplicity, inside = _labelled(arrangement, terrain)
        _add_gaps(found, arrangement, terrain, active, multiplicity, inside)
        wrong = _covered_wrongly(multiplicity, inside)
        if wrong.any():
            _add_overlaps(found, arrangement, terrain, active, wrong, polygons, edges, cancellation)
    return _as_arrays(found)


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
    step = np.zeros(count + 1, np.int64)
    step[verdict.open_start[chosen]] += 1
    step[verdict.open_stop[chosen]] -= 1
    return step[:-1].cumsum() > 0


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


def _label(multiplicity: Ints, inside: Bools) -> Ints:
    """One number for both: the gap inside is 0."""
    return 2 * multiplicity + ~inside


def _covered_wrongly(multiplicity: Ints, inside: Bools) -> Bools:
    return (multiplicity >= 2) | ((multiplicity >= 1) & ~inside)


def _add_gaps(
    found: list[_Face], arrangement: Arrangement, terrain: Terrain, active: Ints, multiplicity: Ints, inside: Bools
) -> None:
    """Faces inside the extent that nothing covers; without an extent the bounded ones."""
    wanted = (multiplicity == 0) & inside
    nothing: frozenset[int] = frozenset()
    islands = _Islands(terrain)
    for loops, faces in _assemble(arrangement, terrain.segment[active], wanted, _label(multiplicity, inside), islands):
        covers = dict.fromkeys(faces, nothing)
        _finish(found, arrangement, loops, faces, covers, inside=True, islands=islands)


def _add_overlaps(
    found: list[_Face],
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
    covers = covering_sets(arrangement, multiplicity, wanted, polygons)
    for loops, faces in _assemble(arrangement, segment[chosen], wanted, _label(multiplicity, inside), None):
        _finish(found, arrangement, loops, faces, covers, inside=bool(inside[faces[0]]), islands=None)


def _cancelled_edges_near(arrangement: Arrangement, wrong: Bools, edges: Edges, cancellation: Cancellation) -> Ints:
    """Cancelled edges whose box meets the box of a wrong face; of each pair the first."""
    half = np.flatnonzero(wrong[arrangement.face])
    half = half[np.argsort(arrangement.face[half], kind="stable")]
    start = np.flatnonzero(np.concatenate([[True], np.diff(arrangement.face[half]) != 0]))
    place = arrangement.node[arrangement.tail[half]]
    low, high = np.minimum.reduceat(place, start), np.maximum.reduceat(place, start)
    chunk_start, chunk_stop, chunk_box = edges.chunks
    face, chunk = pairs_of_boxes(np.concatenate([low, high], axis=1), chunk_box)
    size = chunk_stop[chunk] - chunk_start[chunk]
    edge = np.repeat(chunk_start[chunk], size) + np.arange(int(size.sum())) - np.repeat(np.cumsum(size) - size, size)
    face = np.repeat(face, size)
    earlier = cancellation.mate[edge] > edge
    edge, face = edge[earlier], face[earlier]
    a, b = edges.coordinates[edge], edges.coordinates[edge + 1]
    # an ulp of slack: crossings, and so the boxes of faces, are rounded
    slack = np.spacing(np.maximum(np.abs(low), np.abs(high)))[face] * 4
    near = (np.maximum(a, b) >= low[face] - slack).all(axis=1) & (np.minimum(a, b) <= high[face] + slack).all(axis=1)
    return np.unique(edge[near])


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

    def loop(self, island: int) -> npt.NDArray[np.float64]:
        rows = self.terrain.segment[self.start[island] : self.stop[island]]
        # stored order runs with the segments or against them
        forward = len(rows) < 2 or bool((rows[0, 2:] == rows[1, :2]).all())
        ring = rows[:, :2] if forward else rows[::-1, :2]
        return np.concatenate([ring, ring[:1]])

    def border(self, island: int) -> tuple[int, float]:
        rows = self.terrain.segment[self.start[island] : self.stop[island]]
        length = float(np.hypot(rows[:, 2] - rows[:, 0], rows[:, 3] - rows[:, 1]).sum())
        return int(self.terrain.owner[self.start[island]]), length


@dataclass(slots=True)
class _Loops:
    shell: list[tuple[float, float]]
    holes: list[list[tuple[float, float]]]
    islands: list[int]


def _assemble(
    arrangement: Arrangement, segment: npt.NDArray[np.float64], wanted: Bools, label: Ints, islands: _Islands | None
) -> list[tuple[_Loops, list[int]]]:
    """Put wanted faces together: a face that closes around its component, and what lies in it as an island."""
    outer_face = np.zeros(arrangement.faces, bool)
    outer_face[arrangement.face[arrangement.outer_half]] = True
    result: dict[int, tuple[_Loops, list[int]]] = {}
    for face in np.flatnonzero(wanted & ~outer_face).tolist():
        loops = _rings(arrangement, face)
        if loops:  # else it is narrower than doubles can show
            shell = max(loops, key=_signed_area)
            result[face] = _Loops(shell, [loop for loop in loops if loop is not shell], []), [face]
    if not result:
        return []
    afloat = arrangement.outer_half[wanted[arrangement.face[arrangement.outer_half]]]
    point = arrangement.node[arrangement.tail[afloat]]
    if islands is not None:
        point = np.concatenate([point, islands.points()])
    if len(point):
        outer_label = np.append(label[arrangement.face[afloat]], np.zeros(len(point) - len(afloat), np.int64))
        home = _faces_in_the_west(arrangement, segment, point, label, outer_label)
        parent = dict(zip(arrangement.face[afloat].tolist(), home, strict=False))
        for k, face in enumerate(home):
            while face in parent:  # a neighbour's open side: the same face as the neighbour's own home
                face = parent[face]
            if face not in result:
                continue
            loops, faces = result[face]
            if k < len(afloat):
                own = int(arrangement.face[afloat[k]])
                loops.holes += _rings(arrangement, own)
                faces.append(own)
            else:
                loops.islands.append(k - len(afloat))
    return list(result.values())


def _faces_in_the_west(
    arrangement: Arrangement,
    segment: npt.NDArray[np.float64],
    point: npt.NDArray[np.float64],
    label: Ints,
    outer_label: Ints,
) -> list[int]:
    """The face that each point lies in, seen from the first edge in the west; -1 where there is none."""
    home = [-1] * len(point)
    for k, s in enumerate(neighbour_in_the_west(point, make_rows(segment)).tolist()):
        if s < 0:
            continue
        halves = arrangement.piece_half[arrangement.piece_start[s] : arrangement.piece_start[s + 1]]
        heights = arrangement.node[arrangement.tail[halves[1:]], 1]
        up = segment[s, 3] > segment[s, 1]
        piece = int(np.searchsorted(heights, point[k, 1], "right") if up else np.searchsorted(-heights, -point[k, 1]))
        east = arrangement.face[halves ^ 1 if up else halves]
        # heights of crossings are rounded: a neighbouring piece may be the one
        tried = sorted(range(len(halves)), key=lambda k: abs(k - piece))
        home[k] = next((int(east[t]) for t in tried if label[east[t]] == outer_label[k]), int(east[piece]))
    return home


def _rings(arrangement: Arrangement, face: int) -> list[list[tuple[float, float]]]:
    """Closed rings around a face, without those that rounding has folded to nothing."""
    loops = _simple_loops(arrangement, arrangement.around(face))
    return [ring for ring in (_coordinates(arrangement, loop) for loop in loops) if len(ring) >= 4]


def _simple_loops(arrangement: Arrangement, halves: list[int]) -> list[list[int]]:
    """Split a walk around a face where it comes back to a node: loops of nodes that are not repeated."""
    tail = arrangement.tail
    loops, path, place = [], [], {}
    for half in halves:
        node = int(tail[half])
        if node in place:
            cut = place[node]
            loops.append(path[cut:])
            for dropped in path[cut:]:
                del place[dropped]
            del path[cut:]
        place[node] = len(path)
        path.append(node)
    loops.append(path)
    return loops


def _coordinates(arrangement: Arrangement, loop: list[int]) -> list[tuple[float, float]]:
    """Closed ring of a loop of nodes, without repeated places."""
    ring: list[tuple[float, float]] = []
    for x, y in arrangement.node[loop].tolist():
        if not ring or ring[-1] != (x, y):
            ring.append((x, y))
    if ring[0] != ring[-1] or len(ring) == 1:
        ring.append(ring[0])
    return ring


def _signed_area(ring: list[tuple[float, float]]) -> float:
    x0, y0 = ring[0]
    return sum(
        (ax - x0) * (by - y0) - (bx - x0) * (ay - y0) for (ax, ay), (bx, by) in zip(ring, ring[1:], strict=False)
    )


def _finish(
    found: list[_Face],
    arrangement: Arrangement,
    loops: _Loops,
    faces: list[int],
    covers: dict[int, frozenset[int]],
    *,
    inside: bool,
    islands: _Islands | None,
) -> None:
    """Make the records of one face: its polygon, who borders it and how far."""
    holes = loops.holes + [islands.loop(k).tolist() for k in loops.islands] if islands is not None else loops.holes
    polygon = shapely.Polygon(loops.shell, holes)
    borders: dict[int, float] = {}
    enclosed = True
    for face in faces:
        for half in arrangement.around(face):
            (ax, ay), (bx, by) = arrangement.node[arrangement.tail[[half, half ^ 1]]].tolist()
            length = float(np.hypot(bx - ax, by - ay))
            beyond = across(arrangement, covers[face], half) - {EXTENT}
            enclosed &= bool(beyond)
            for polygon_beyond in beyond:
                borders[polygon_beyond] = borders.get(polygon_beyond, 0.0) + length
            if EXTENT in arrangement.owners(half) or EXTENT in arrangement.owners(half ^ 1):
                borders[EXTENT] = borders.get(EXTENT, 0.0) + length
    if islands is not None:
        for k in loops.islands:
            owner, length = islands.border(k)
            borders[owner] = borders.get(owner, 0.0) + length
    for part in _sound_parts(polygon):
        found.append(_Face(part, covers[faces[0]], inside, borders, enclosed))


def _sound_parts(polygon: shapely.Polygon) -> list[shapely.Polygon]:
    """The polygon itself, or valid parts of the same area where rounding has folded a hair's breadth of it.

    No one of the ways to mend a polygon is right for all: of what they make, the nearest in area is taken.
    """
    if shapely.is_valid(polygon):
        return [polygon] if shapely.area(polygon) > 0 else []
    unit = 4.0 * float(np.spacing(np.abs(shapely.get_coordinates(polygon)).max()))
    best: list[shapely.Polygon] = []
    smallest = float(shapely.area(polygon))  # the error of leaving it out
    for mended in _mended(polygon, unit):
        flat = shapely.get_parts(shapely.get_parts(mended))
        parts = [part for part in flat if shapely.get_type_id(part) == 3 and shapely.area(part) > 0]
        error = abs(float(shapely.area(parts).sum()) - float(shapely.area(polygon)))
        if error < smallest and shapely.is_valid(parts).all():
            best, smallest = parts, error
            if error <= unit * float(shapely.length(polygon)):
                break
    return best


def _mended(polygon: shapely.Polygon, unit: float) -> Iterator[shapely.Geometry]:
    """Ways to make a polygon valid, from the gentlest to the roughest."""
    rings = [_without_near_repeats(shapely.get_coordinates(ring), unit) for ring in shapely.get_rings(polygon)]
    if len(rings[0]) >= 4:
        plain = shapely.Polygon(rings[0], [ring for ring in rings[1:] if len(ring) >= 4])
        if shapely.is_valid(plain):
            yield plain
    yield shapely.make_valid(polygon)
    yield shapely.make_valid(polygon, method="structure", keep_collapsed=False)
    yield shapely.buffer(polygon, 0)


def _without_near_repeats(ring: npt.NDArray[np.float64], unit: float) -> npt.NDArray[np.float64]:
    """Leave out vertices a few units in the last place away from the one before."""
    apart = np.abs(np.diff(ring, axis=0)).max(axis=1) > unit
    kept = ring[:-1][apart]
    return np.concatenate([kept, kept[:1]])


def _as_arrays(found: list[_Face]) -> Faces:
    found.sort(key=lambda face: (len(face.covers), sorted(face.covers), face.polygon.bounds))
    polygon = np.empty(len(found), object)
    polygon[:] = [face.polygon for face in found]
    return Faces(
        polygon,
        [np.array(sorted(face.covers), np.int64) for face in found],
        [np.array(sorted(face.borders), np.int64) for face in found],
        [np.array([face.borders[k] for k in sorted(face.borders)]) for face in found],
        np.array([len(face.covers) for face in found], np.int64),
        np.array([face.inside for face in found], bool),
        np.array([face.enclosed for face in found], bool),
    )
