"""Atoms: the smallest faces between barriers, never cut again, and how they border on each other.

Theory. The faces of one arrangement of all barriers and borders tile every grid exactly. Naive faces are useless to
people: a fifth to a half of them are slivers between carriageways, slip roads and at crossings. So faces are merged
inside their grid, in this order:

1. over edges on which no barrier of this grid runs (the border of another grid that overlaps it);
2. faces of barrier polygons (water, carriageways) join the neighbour with the longest bank;
3. slivers (small, or thin as a needle) join the neighbour across the longest border, where a metre of lane counts for
   more than a metre of main road; never over a river;
4. slivers that only rivers part from the rest of their grid join over the river, and are counted as such.

Cost. O(n log n) for n faces. Limits. Dual carriageways wider than the needle's width stay atoms of their own.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely

from gridgeo.network import GRAIN, NO_RANK, RANKS, RIVER, Arrangement, Flags, Floats, Geometries, Integers, groups

MIN_AREA = 500.0
"""Square metres. A smaller face is a sliver."""
MIN_WIDTH = 12.0
"""Metres. A face with a smaller mean width (twice its area by its perimeter) is a needle."""
STRIP_WIDTH = 45.0
STRIP_RATIO = 10.0
"""A face narrower than so many metres and so many times as long as wide is a needle too: between carriageways."""
MIN_CONTACT = 1.0
"""Metres. Two atoms that share less border than this can't be one block on foot."""
MERGE_WEIGHT = (0.0, 1.0, 2.0, 3.0, 6.0)
"""What a metre of border counts for when a sliver chooses where to join, by rank (`NO_RANK` last)."""
LANES = len(RANKS) + 1


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
        The two faces that each segment parts, in no order; -1 for the outside and for segments that part nothing.
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
        False where only a river without a bridge, or less than `MIN_CONTACT`, joins the two.
    merged, merged_over_river, surfaces : int
        Slivers merged, those of them merged over a river for want of any other neighbour, and faces of barrier
        polygons joined to a bank.
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
    ends = np.sort(np.stack([number[steps], number[steps + 1]], axis=1), axis=1)
    keys = arrangement.segments[:, 0] * count + arrangement.segments[:, 1]  # in order: segments are sorted
    at = np.searchsorted(keys, ends[:, 0] * count + ends[:, 1])
    faces = face_of[ring[steps]].astype(np.int64)
    order = np.lexsort((faces, at))
    at, faces = at[order], faces[order]
    second = np.concatenate([[False], at[1:] == at[:-1]])
    sides = np.full((len(arrangement.segments), 2), -1, dtype=np.int64)
    sides[at[~second], 0] = faces[~second]
    sides[at[second], 1] = faces[second]
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
    inner = ~arrangement.border & (faces.sides[:, 1] >= 0)
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
    min_area: float = MIN_AREA,
    min_width: float = MIN_WIDTH,
    min_contact: float = MIN_CONTACT,
) -> Atoms:
    """Merge the faces of one grid into atoms.

    Parameters
    ----------
    members : array
        Faces of the grid.
    inner : array
        Segments with both sides in the grid (`shared_segments`).
    on_surface : array of bool
        True for the faces (of all faces) that lie in a barrier polygon.
    lengths : array
        Lengths of all segments in metres.
    """
    local = {face: index for index, face in enumerate(members.tolist())}
    merging = _Merging(
        area=faces.area[members].tolist(),
        perimeter=faces.perimeter[members].tolist(),
    )
    ranks = arrangement.rank[inner].tolist()
    joined = arrangement.joined[inner].tolist()
    metres = lengths[inner].tolist()
    for (one, other), rank, bridge, length in zip(faces.sides[inner].tolist(), ranks, joined, metres, strict=True):
        merging.border(local[one], local[other], rank, length, bridge)
    surface = on_surface[members].tolist()
    merging.unfounded_cuts()
    surfaces = merging.surfaces(surface)
    merged, over_river = merging.slivers(min_area, min_width)
    return replace(
        merging.atoms(members, shapely.centroid(faces.polygons[members]), faces.area[members], min_contact),
        merged=merged,
        merged_over_river=over_river,
        surfaces=surfaces,
    )


class _Merging:
    """Faces of one grid that are being merged: who borders on whom, over how many metres of which rank."""

    def __init__(self, *, area: list[float], perimeter: list[float]) -> None:
        count = len(area)
        self.area, self.perimeter = area, perimeter
        self.faces: list[list[int]] = [[index] for index in range(count)]
        self.alive = [True] * count
        # neighbour -> metres by rank, and metres that can be passed on foot
        self.near: list[dict[int, list[float]]] = [{} for _ in range(count)]

    def border(self, one: int, other: int, rank: int, length: float, bridge: bool) -> None:
        for a, b in ((one, other), (other, one)):
            row = self.near[a].setdefault(b, [0.0] * (LANES + 1))
            row[rank] += length
            # over a bridge the whole edge counts as contact: the bridge is as wide as it needs to be
            row[LANES] += max(length, MIN_CONTACT) if bridge else (0.0 if rank == RIVER else length)

    def join(self, gone: int, into: int) -> None:
        """Merge ``gone`` into ``into``."""
        self.perimeter[into] += self.perimeter[gone] - 2 * sum(self.near[gone][into][:LANES])
        self.area[into] += self.area[gone]
        self.faces[into] += self.faces[gone]
        self.alive[gone] = False
        del self.near[into][gone]
        for neighbour, row in self.near[gone].items():
            if neighbour == into:
                continue
            del self.near[neighbour][gone]
            for a, b in ((into, neighbour), (neighbour, into)):
                held = self.near[a].get(b)
                self.near[a][b] = list(row) if held is None else [p + q for p, q in zip(held, row, strict=True)]
        self.near[gone] = {}

    def unfounded_cuts(self) -> None:
        """Merge faces that only the border of some other grid parts."""
        for face in range(len(self.area)):
            while self.alive[face]:
                over = [n for n, row in self.near[face].items() if row[NO_RANK] > 0]
                if not over:
                    break
                self.join(min(over), face)

    def surfaces(self, surface: list[bool]) -> int:
        """Join faces of barrier polygons to the bank that they share most with; a grid of water alone stays."""
        count, waiting = 0, [f for f in range(len(surface)) if surface[f] and self.alive[f]]
        while waiting:
            left = []
            for face in waiting:
                banks = [(sum(row[:LANES]), -n) for n, row in self.near[face].items() if not surface[n]]
                if banks:
                    self.join(face, -max(banks)[1])
                    count += 1
                else:
                    left.append(face)
            if len(left) == len(waiting):
                break
            waiting = left
        return count

    def slivers(self, min_area: float, min_width: float) -> tuple[int, int]:
        """Merge slivers, the smallest first; returns how many, and how many of them over a river."""

        def is_sliver(face: int) -> bool:
            area, perimeter = self.area[face], self.perimeter[face]
            width = 2 * area / perimeter
            strip = width < STRIP_WIDTH and perimeter * perimeter > 4 * STRIP_RATIO * area
            return area < min_area or width < min_width or strip

        counts = [0, 0]
        for over_river in (False, True):
            heap = [(self.area[f], f) for f in range(len(self.area)) if self.alive[f] and is_sliver(f)]
            heapq.heapify(heap)
            while heap:
                area, face = heapq.heappop(heap)
                if not self.alive[face] or area != self.area[face] or not is_sliver(face):
                    continue
                best, into = 0.0, -1
                for neighbour in sorted(self.near[face]):
                    row = self.near[face][neighbour]
                    worth = row[RIVER] if over_river else 0.0
                    worth += sum(row[rank] * MERGE_WEIGHT[rank] for rank in range(1, LANES))
                    if worth > best:
                        best, into = worth, neighbour
                if into < 0:
                    continue
                self.join(face, into)
                counts[over_river] += 1
                if is_sliver(into):
                    heapq.heappush(heap, (self.area[into], into))
        return counts[0] + counts[1], counts[1]

    def atoms(self, members: Integers, centroids: Geometries, area: Floats, min_contact: float) -> Atoms:
        """Return what is left as atoms, in the order of their first faces."""
        kept = sorted((min(faces), atom) for atom, faces in enumerate(self.faces) if self.alive[atom])
        number = {atom: index for index, (_, atom) in enumerate(kept)}
        spots = shapely.get_coordinates(centroids) * GRAIN
        groups_of = [np.array(sorted(self.faces[atom]), dtype=np.int64) for _, atom in kept]
        rows = [
            (number[atom], number[other], row)
            for _, atom in kept
            for other, row in sorted(self.near[atom].items())
            if number[atom] < number[other]
        ]
        pairs = np.array([row[:2] for row in rows], dtype=np.int64).reshape(-1, 2)
        length = np.array([row[2] for row in rows], dtype=np.float64).reshape(-1, LANES + 1)
        middle = np.array([np.average(spots[g], axis=0, weights=area[g]) for g in groups_of]).reshape(-1, 2)
        return Atoms(
            faces=[members[group] for group in groups_of],
            area=np.array([self.area[atom] for _, atom in kept]),
            x=middle[:, 0],
            y=middle[:, 1],
            pairs=pairs,
            length=length[:, :LANES],
            passable=length[:, LANES] >= min_contact,
        )
