"""Merging: faces of one grid that are being joined to atoms, and their borders by rank.

Theory. A graph under contraction: joining two faces adds up their areas and their borders with third ones. Which faces
join is decided elsewhere (`carriageways`, `slivers`); here is what every such decision needs to know.

Cost. Joining costs the number of neighbours of the face that goes.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from gridgeo.network import NO_RANK, RANKS, RIVER, Arrangement, Flags, Floats, Integers

LANES = len(RANKS) + 1
"""Ranks of a border, `NO_RANK` last; the first columns of what `Merging` knows of a border."""
PASSABLE = LANES
"""Column: metres that can be crossed on foot."""
EAST, NORTH = LANES + 1, LANES + 2
"""Columns: on which side the neighbour lies, as the sum of the border's outward normals."""
COLUMNS = LANES + 3
MIN_CONTACT = 1.0
"""Metres. Two atoms that share less border than this can't be one block on foot."""


class Merging:
    """Faces of one grid, numbered from 0, with their neighbours."""

    def __init__(self, area: Floats, perimeter: Floats) -> None:
        self.own_area: list[float] = area.tolist()
        """Of each face alone; ``area`` is with what has joined it."""
        self.area: list[float] = list(self.own_area)
        self.perimeter: list[float] = perimeter.tolist()
        self.faces: list[list[int]] = [[face] for face in range(len(area))]
        self.into = list(range(len(area)))
        """What each face has joined, itself while it stands."""
        self.near: list[dict[int, list[float]]] = [{} for _ in area]

    @property
    def standing(self) -> Iterable[int]:
        """The faces that have not joined another, in order."""
        return [face for face, into in enumerate(self.into) if face == into]

    def stands(self, face: int) -> bool:
        """Tell whether a face has not joined another."""
        return self.into[face] == face

    def land(self, face: int, other: int) -> float:
        """Return how many metres of border other than rivers two faces share."""
        return sum(self.near[face][other][RIVER + 1 : LANES])

    def width(self, face: int) -> float:
        """Return the mean width: twice the area by the perimeter."""
        return 2 * self.area[face] / self.perimeter[face]

    def join(self, gone: int, into: int) -> None:
        """Join ``gone`` to ``into``."""
        self.perimeter[into] += self.perimeter[gone] - 2 * sum(self.near[gone][into][:LANES])
        self.area[into] += self.area[gone]
        self.faces[into] += self.faces[gone]
        self.into[gone] = into
        del self.near[into][gone]
        for neighbour, row in self.near[gone].items():
            if neighbour == into:
                continue
            back = self.near[neighbour].pop(gone)
            for a, b, more in ((into, neighbour, row), (neighbour, into, back)):
                held = self.near[a].get(b)
                self.near[a][b] = more if held is None else [p + q for p, q in zip(held, more, strict=True)]
        self.near[gone] = {}

    def root(self, face: int) -> int:
        """Return the face that ``face`` has become part of."""
        while self.into[face] != face:
            face = self.into[face]
        return face


def merging_of(
    arrangement: Arrangement,
    sides: Integers,
    inner: Integers,
    lengths: Floats,
    members: Integers,
    area: Floats,
    perimeter: Floats,
    uncut_by: int = -1,
    wet: Flags | None = None,
) -> Merging:
    """Return the faces of a grid ready to be merged.

    Parameters
    ----------
    sides : (m, 2) array
        The faces to the left and to the right of each segment.
    inner : array
        Segments with both sides in the grid.
    lengths : (m,) array
        Of all segments.
    members : array
        Faces of the grid, in order.
    area, perimeter : array
        Of ``members``.
    uncut_by : int
        Barriers of this rank and stronger ones can't be crossed at all.
    wet : array of bool or None
        Which of ``members`` lie in a barrier polygon: where nothing can be crossed, neither can what leads over these.
    """
    merging = Merging(area, perimeter)
    left, right = np.searchsorted(members, sides[inner]).T
    swapped = left > right
    low, high = np.where(swapped, right, left), np.where(swapped, left, right)
    keys, pair = np.unique(low * len(members) + high, return_inverse=True)
    metres, rank = lengths[inner], arrangement.rank[inner]
    ends = arrangement.points[arrangement.segments[inner]]
    way = (ends[:, 1] - ends[:, 0]) * np.where(swapped, -1.0, 1.0)[:, None]
    table = np.zeros((len(keys), COLUMNS))
    for column in range(LANES):
        table[:, column] = np.bincount(pair, weights=metres * (rank == column), minlength=len(keys))
    joined = arrangement.joined[inner]
    # over a bridge the whole edge counts as contact: the bridge is as wide as it needs to be
    on_foot = np.where(joined, np.maximum(metres, MIN_CONTACT), np.where(arrangement.wall[inner], 0.0, metres))
    on_foot[rank <= uncut_by] = 0.0
    if uncut_by >= RIVER and wet is not None:
        on_foot[wet[left] & wet[right]] = 0.0
    table[:, PASSABLE] = np.bincount(pair, weights=on_foot, minlength=len(keys))
    # seen from the face on the left the other lies to the right of the segment; rivers lead nowhere
    dry = rank != RIVER
    table[:, EAST] = np.bincount(pair, weights=way[:, 1] * dry, minlength=len(keys))
    table[:, NORTH] = np.bincount(pair, weights=-way[:, 0] * dry, minlength=len(keys))
    back = table.copy()
    back[:, [EAST, NORTH]] *= -1
    for key, row, mirrored in zip(keys.tolist(), table.tolist(), back.tolist(), strict=True):
        one, other = divmod(key, len(members))
        merging.near[one][other] = row
        merging.near[other][one] = mirrored
    return merging


def join_unfounded(merging: Merging) -> None:
    """Join faces that only the border of some other grid parts."""
    for face in range(len(merging.area)):
        while merging.stands(face):
            over = [other for other, row in merging.near[face].items() if row[NO_RANK] > 0]
            if not over:
                break
            merging.join(min(over), face)
