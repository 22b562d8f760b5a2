"""Atoms: the smallest faces between barriers, never cut again, and how they border on each other.

Theory. The faces of one arrangement of all barriers and borders tile every grid exactly. Naive faces are useless to
people: a fifth to a half of them are slivers between carriageways, slip roads and at crossings. So faces are merged
inside their grid, in this order:

1. over edges on which no barrier of this grid runs (the border of another grid that overlaps it);
2. faces of one compound, campus or village that is to be kept whole (`kept`);
3. faces of barrier polygons join a bank, and strips between carriageways the land on one side (`carriageways`);
4. slivers join the neighbour behind their weakest border, never over a river (`slivers`); those that only rivers part
   from the rest of their grid join over the river, and are counted as such.

Merging never moves a vertex: atoms tile the grid as exactly as the faces do.

Cost. O(n log n) for n faces. Limits. What a sliver is, is a matter of taste: `Cleaning` says which.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import shapely

from gridgeo.network import GRAIN, RIVER, Arrangement, Flags, Floats, Geometries, Integers, groups
from gridgeo.partition.carriageways import find_road_land, join_strips, join_surfaces
from gridgeo.partition.kept import join_kept
from gridgeo.partition.merging import COLUMNS, LANES, MIN_CONTACT, PASSABLE, Merging, join_unfounded, merging_of
from gridgeo.partition.slivers import NEEDLE_WIDTH, SLIVER_AREA, join_slivers


@dataclass(frozen=True)
class Cleaning:
    """How faces become atoms.

    Parameters
    ----------
    extend_dead_ends : float
        Metres. Barriers that end so near to the next one are extended to it.
    sliver_below : float
        Square metres. Smaller faces join a neighbour.
    needle_below : float
        Metres. So do faces with a smaller mean width (twice the area by the perimeter).
    keep_whole : array of Polygon or MultiPolygon
        Compounds, campuses and villages that no border may cut, in the CRS of the grids.
    uncut_by : int
        Barriers of this rank (index in `RANKS`) and stronger ones join no atoms, not even over bridges; -1: none.
    """

    extend_dead_ends: float = 0.0
    sliver_below: float = SLIVER_AREA
    needle_below: float = NEEDLE_WIDTH
    keep_whole: Geometries = field(default_factory=lambda: np.empty(0, dtype=object))
    uncut_by: int = -1


USUAL = Cleaning()
"""What is done where nothing else is asked for."""


@dataclass(frozen=True)
class Faces:
    """The faces of an arrangement.

    Parameters
    ----------
    polygons : array of Polygon
        In lattice coordinates: exact.
    area, perimeter : array
        Square metres and metres.
    sides : (m, 2) array
        The faces to the left and to the right of each segment; -1 for the outside. A segment that parts nothing (of a
        dead end) has -1 on both sides.
    dead_ends : int
        How many ends of barriers lead nowhere.
    """

    polygons: Geometries
    area: Floats
    perimeter: Floats
    sides: Integers
    dead_ends: int


@dataclass(frozen=True)
class Atoms:
    """The atoms of one grid and their graph.

    Parameters
    ----------
    faces : list of arrays
        Indices of the faces of each atom.
    area, x, y : array
        Square metres; the atom's centroid in metres from the lattice's origin.
    pairs : (e, 2) array
        Atoms that share a border, the lower index first.
    length : (e, 5) array
        Length of the shared border in metres by rank (`RANKS`, then `NO_RANK`).
    passable : (e,) array of bool
        False where only a river or another wall (`Arrangement.wall`) that nothing crosses, or less than
        `MIN_CONTACT`, joins the two.
    merged, merged_over_river, surfaces, strips : int
        Slivers and strips merged, those of them merged over a river for want of any other neighbour, faces of barrier
        polygons joined to a bank, and strips between carriageways joined to one side.
    left : int
        Slivers that have no neighbour to join: islands, and grids smaller than a sliver.
    parted : array
        Which of the polygons to be kept whole are still in several atoms, because parts of them are no neighbours.
    """

    faces: list[Integers]
    area: Floats
    x: Floats
    y: Floats
    pairs: Integers
    length: Floats
    passable: Flags
    merged: int = 0
    merged_over_river: int = 0
    surfaces: int = 0
    strips: int = 0
    left: int = 0
    parted: Integers = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    def __len__(self) -> int:
        return len(self.faces)


def find_faces(arrangement: Arrangement) -> Faces:
    """Find the faces that an arrangement's segments bound."""
    lines = shapely.linestrings(arrangement.lattice[arrangement.segments].astype(np.float64))
    polygons: Geometries = shapely.get_parts(shapely.polygonize(lines))
    rings, face_of = shapely.get_rings(polygons, return_index=True)
    coordinates, ring = shapely.get_coordinates(rings, return_index=True)
    steps = np.flatnonzero(ring[:-1] == ring[1:])
    count = len(arrangement.points)
    number = numbers(arrangement.lattice, np.rint(coordinates).astype(np.int64))
    start, stop = number[steps], number[steps + 1]
    keys = arrangement.segments[:, 0] * count + arrangement.segments[:, 1]  # in order: segments are sorted
    at = np.searchsorted(keys, np.minimum(start, stop) * count + np.maximum(start, stop))
    # a face lies to the left of its shell if that runs counter-clockwise, and of its holes if they don't
    shell = np.concatenate([[True], face_of[1:] != face_of[:-1]]) if len(face_of) else np.empty(0, dtype=np.bool_)
    to_left = (shapely.is_ccw(rings) == shell)[ring[steps]] == (start < stop)
    sides = np.full((len(arrangement.segments), 2), -1, dtype=np.int64)
    sides[at, np.where(to_left, 0, 1)] = face_of[ring[steps]]
    barrier_ends = arrangement.segments[~arrangement.border].ravel()
    degrees = np.bincount(barrier_ends, minlength=count)
    within = np.zeros(count, dtype=np.bool_)
    within[barrier_ends] = True
    dead = within & (degrees == 1) & (arrangement.degrees == 1)
    return Faces(polygons, shapely.area(polygons) * GRAIN**2, shapely.length(polygons) * GRAIN, sides, int(dead.sum()))


def numbers(known: Integers, rows: Integers) -> Integers:
    """Return the index in ``known`` (sorted by x, then y, as the lattice of an arrangement is) of each of ``rows``."""
    kind = np.dtype([("x", np.int64), ("y", np.int64)])
    held = np.ascontiguousarray(known).view(kind).ravel()
    asked = np.ascontiguousarray(rows).view(kind).ravel()
    return np.searchsorted(held, asked).astype(np.int64)


def faces_of_grids(
    arrangement: Arrangement, faces: Faces, grids: Sequence[object] | Geometries
) -> tuple[Integers, Integers]:
    """Tell which faces lie in which grid: two arrays of equal length, a face and its grid.

    A face lies in several grids only where the grids themselves overlap. Faces that no border parts lie in the same
    grids, so that one test by the largest of them serves all: slivers a lattice step wide need no test of their own.
    """
    inner = ~arrangement.border & (faces.sides >= 0).all(axis=1)
    region = groups(len(faces.polygons), faces.sides[inner])
    if not len(region):
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    order = np.lexsort((np.arange(len(region)), -faces.area, region))
    largest = order[np.concatenate([[True], region[order][1:] != region[order][:-1]])]
    inside = shapely.get_coordinates(shapely.point_on_surface(faces.polygons[largest])) * GRAIN + arrangement.origin
    tree = shapely.STRtree(np.asarray(grids, dtype=object))
    which, grid = tree.query(shapely.points(inside), predicate="intersects")
    # spread each region's grids over its faces
    by_region = np.argsort(region, kind="stable")
    begin = np.searchsorted(region[by_region], np.arange(len(largest) + 1))
    size = begin[which + 1] - begin[which]
    start = np.repeat(begin[which], size)
    offset = np.arange(len(start)) - np.repeat(np.cumsum(size) - size, size)
    member, owner = by_region[start + offset], np.repeat(grid, size)
    order = np.lexsort((member, owner))
    return member[order].astype(np.int64), owner[order].astype(np.int64)


def shared_segments(sides: Integers, face: Integers, grid: Integers) -> tuple[Integers, Integers]:
    """Return the segments with both sides in a grid: two arrays, a segment and its grid, by grid."""
    if not len(face):
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    count = int(grid.max()) + 1
    order = np.argsort(face, kind="stable")
    held, owner = face[order], grid[order]
    keys = []
    inner = np.flatnonzero((sides >= 0).all(axis=1) & (sides[:, 0] != sides[:, 1]))
    for side in (0, 1):
        low = np.searchsorted(held, sides[inner, side], side="left")
        high = np.searchsorted(held, sides[inner, side], side="right")
        size = high - low
        begin = np.repeat(low - np.concatenate([[0], np.cumsum(size)[:-1]]), size)
        at = np.arange(int(size.sum())) + begin
        keys.append(owner[at] * len(sides) + np.repeat(inner, size))
    both = np.intersect1d(keys[0], keys[1])
    assert count * len(sides) < np.iinfo(np.int64).max
    return both % len(sides), both // len(sides)


def make_atoms(
    arrangement: Arrangement,
    faces: Faces,
    members: Integers,
    inner: Integers,
    on_surface: Flags,
    *,
    lengths: Floats,
    cleaning: Cleaning = USUAL,
    kept: Sequence[Integers] = (),
) -> Atoms:
    """Merge the faces of one grid into atoms.

    Parameters
    ----------
    members : array
        Faces of the grid, in order.
    inner : array
        Segments with both sides in the grid (`shared_segments`).
    on_surface : array of bool
        True for the faces (of all faces) that lie in a barrier polygon.
    lengths : array
        Lengths of all segments in metres.
    cleaning : Cleaning
    kept : sequence of arrays
        The faces of each polygon to be kept whole (`faces_kept_whole`), of this grid or not.
    """
    area, perimeter = faces.area[members], faces.perimeter[members]
    wet = on_surface[members]
    merging = merging_of(arrangement, faces.sides, inner, lengths, members, area, perimeter, cleaning.uncut_by, wet)
    join_unfounded(merging)
    parted = []
    for index, group in enumerate(kept):
        at = np.minimum(np.searchsorted(members, group), len(members) - 1)
        here = at[members[at] == group].tolist()
        if len(here) > 1 and join_kept(merging, here) > 1:
            parted.append(index)
    surfaces = join_surfaces(merging, wet)
    road_land = find_road_land(arrangement, faces.sides, lengths, members, area, perimeter)
    strips = join_strips(merging, road_land.strips, road_land.towards)
    islands = frozenset(np.flatnonzero(road_land.islands).tolist())
    merged, over_river, left = join_slivers(
        merging, cleaning.sliver_below, cleaning.needle_below, islands, least=max(RIVER, cleaning.uncut_by)
    )
    return replace(
        _finished(merging, members, faces),
        merged=merged + strips,
        merged_over_river=over_river,
        surfaces=surfaces,
        strips=strips,
        left=left,
        parted=np.array(parted, dtype=np.int64),
    )


def _finished(merging: Merging, members: Integers, faces: Faces) -> Atoms:
    """Return what still stands as atoms, in the order of their first faces."""
    kept = sorted((min(merging.faces[face]), face) for face in merging.standing)
    number = {face: index for index, (_, face) in enumerate(kept)}
    spots = shapely.get_coordinates(shapely.centroid(faces.polygons[members])) * GRAIN
    area = faces.area[members]
    groups_of = [np.array(sorted(merging.faces[face]), dtype=np.int64) for _, face in kept]
    rows = [
        (number[face], number[other], row)
        for _, face in kept
        for other, row in sorted(merging.near[face].items())
        if number[face] < number[other]
    ]
    table = np.array([row for *_, row in rows], dtype=np.float64).reshape(-1, COLUMNS)
    middle = np.array([np.average(spots[group], axis=0, weights=area[group]) for group in groups_of]).reshape(-1, 2)
    return Atoms(
        faces=[members[group] for group in groups_of],
        area=np.array([merging.area[face] for _, face in kept]),
        x=middle[:, 0],
        y=middle[:, 1],
        pairs=np.array([pair for *pair, _ in rows], dtype=np.int64).reshape(-1, 2),
        length=table[:, :LANES],
        passable=table[:, PASSABLE] >= MIN_CONTACT,
    )
