"""Who borders whom in a sound tiling, vertex by vertex: where a fault can be planted."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.sample.town import to_metres

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Borders:
    """The outer rings of a tiling's polygons, counterclockwise, and what lies across each edge.

    Corners are numbered through all rings. Polygons with holes are neighbours only.
    """

    def __init__(self, polygons: npt.NDArray[np.object_]) -> None:
        rings, owner = shapely.get_rings(shapely.orient_polygons(polygons), return_index=True)
        points, ring = shapely.get_coordinates(rings, return_index=True)
        last = np.concatenate([ring[1:] != ring[:-1], [True]])
        self.point: Floats = points[~last]
        ring = ring[~last]
        self.owner: Ints = owner[ring]
        self._whole = (shapely.get_num_interior_rings(polygons) == 0)[self.owner]
        begins = np.searchsorted(ring, np.arange(len(rings)))
        ends = np.searchsorted(ring, np.arange(len(rings)), side="right")
        self._begin, self._length = begins[ring], (ends - begins)[ring]
        vertex = _number(self.point)
        self.meets = np.bincount(vertex)[vertex]
        """How many rings have the vertex."""
        after = self._shift(np.arange(len(vertex)), 1)
        count = np.int64(vertex.max() + 1)
        edge = vertex * count + vertex[after]
        twin = vertex[after] * count + vertex
        order = np.argsort(edge, kind="stable")
        place = np.clip(np.searchsorted(edge[order], twin), 0, len(edge) - 1)
        found = edge[order][place] == twin
        self.across: Ints = np.where(found, self.owner[order[place]], -1)
        """For each corner the polygon across the edge that begins there; -1 for nobody."""

    def _shift(self, corner: Ints, by: int) -> Ints:
        """Return the corners ``by`` places further along their rings."""
        return np.asarray(self._begin[corner] + (corner - self._begin[corner] + by) % self._length[corner])

    def run(self, corner: int, count: int) -> Floats:
        """``count`` vertices along the ring, the corner among them: in the middle of three, the second of more."""
        first = np.full(count, corner, np.int64)
        place = first.copy()
        for number in range(count):
            place[number] = self._shift(first[number : number + 1], number - 1)[0]
        return np.asarray(self.point[place])

    def metres(self, corner: int) -> Floats:
        """Return the corner's place in metres."""
        return np.asarray(to_metres(self.point[corner : corner + 1])[0])

    def grids_at(self, corner: int) -> tuple[int, ...]:
        """Return the polygon whose corner it is, and those across the edges before and after it (once if one)."""
        before = int(self.across[self._shift(np.array([corner]), -1)[0]])
        after = int(self.across[corner])
        mine = int(self.owner[corner])
        return (mine, before) if before == after else (mine, before, after)

    def _inner(self, outside: bool) -> npt.NDArray[np.bool_]:
        """Corners between two edges with the same polygon across (or nobody), where no third ring comes in."""
        before = self.across[self._shift(np.arange(len(self.owner)), -1)]
        same = (before == self.across) & ((self.across < 0) if outside else (self.across >= 0))
        return np.asarray(same & (self.meets == (1 if outside else 2)) & self._whole)

    def _calm(self, inner: npt.NDArray[np.bool_], following: int) -> Ints:
        """Inner corners whose neighbours (one before, some after) are inner too and lie at a sensible distance."""
        corners = np.flatnonzero(inner & (self._length > following + 6))
        for by in (-1, *range(1, following + 1)):
            corners = corners[inner[self._shift(corners, by)]]
        for by in range(-1, following):
            length = self._edge_length(self._shift(corners, by))
            corners = corners[(length > 7.0) & (length < 60.0)]
        return np.asarray(corners)

    def _edge_length(self, corner: Ints) -> Floats:
        begin, end = to_metres(self.point[corner]), to_metres(self.point[self._shift(corner, 1)])
        return np.asarray(np.hypot(*(end - begin).T))

    def pairs(self) -> Ints:
        """Corners on the border of two polygons, away from others."""
        return self._calm(self._inner(False), 1)

    def edge(self) -> Ints:
        """Corners on the tiling's outer border, away from others."""
        return self._calm(self._inner(True), 1)

    def long(self) -> Ints:
        """Corners on the border of two polygons that goes on for some vertices."""
        return self._calm(self._inner(False), 3)

    def halves(self) -> Ints:
        """Corners on the border of two polygons whose next edge has a middle that is exactly on it, to the last bit."""
        corners = self.pairs()
        begin, end = self.point[corners], self.point[self._shift(corners, 1)]
        total = begin + end
        part = total - begin
        exact = ((begin - (total - part)) + (end - part) == 0).all(axis=1)
        middle = total / 2
        between = (middle != begin).any(axis=1) & (middle != end).any(axis=1)
        return np.asarray(corners[exact & between])

    def threes(self) -> Ints:
        """Corners where exactly three polygons meet, with vertices of two polygons before and after."""
        corners = np.flatnonzero((self.meets == 3) & self._whole & (self.across >= 0))
        before, after = self._shift(corners, -1), self._shift(corners, 1)
        good = (self.across[before] >= 0) & (self.across[before] != self.across[corners])
        good &= (self.meets[before] == 2) & (self.meets[after] == 2)
        for edge in (before, corners):
            length = self._edge_length(edge)
            good &= (length > 7.0) & (length < 60.0)
        return np.asarray(corners[good])


def _number(points: Floats) -> Ints:
    """Return numbers for points, the same for equal points."""
    whole = np.round(points * 1e8).astype(np.int64)
    order = np.lexsort((whole[:, 1], whole[:, 0]))
    new = np.concatenate([[True], (np.diff(whole[order], axis=0) != 0).any(axis=1)])
    number = np.empty(len(points), np.int64)
    number[order] = np.cumsum(new) - 1
    return number
