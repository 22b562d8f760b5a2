"""Atoms too large for a block: which street, extended by how much, would split each of them, and in what halves.

Theory. No barrier cuts such an atom, but streets often end in it. Each dead end in its largest face is followed in the
directions of `gridgeo.network.dead_ends` to the next barrier, and what that would cut off is measured. The best cut is
the one with the larger smaller half for the shorter extension. Nothing is changed: whether a gate or a path is there,
only someone on the spot can tell.

Cost. One polygonise for each dead end in an atom asked about, at most `MOST` of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from gridgeo.errors import Problem
from gridgeo.language import Message
from gridgeo.network import NO_RANK, Floats
from gridgeo.network.dead_ends import next_barriers
from gridgeo.partition.atom_layer import Ground
from gridgeo.partition.atoms import Atoms
from gridgeo.partition.spots import Spot

REACH = 400.0
"""Metres. No street is thought to be extended further."""
SMALL_HALF = 0.1
"""A cut is worth telling if the smaller half has at least so much of the area."""
MOST = 60
"""Dead ends looked at in one atom, those with the shortest way ahead first."""
_GRID = 1e-4

_CUT = Message(
    "{street} ends in the large piece at {at}: extended by {metres:.0f} m to the next "
    "barrier it would split it in {one:.2f} and {other:.2f} ha; draw it if one can pass there",
    "{street}在坐标 {at} 的大片内中断：再延伸 {metres:.0f} 米至下一屏障，"
    "可将其分为 {one:.2f} 与 {other:.2f} 公顷；若可通行请补绘",
)
_UNNAMED = Message("a street without a name", "无名街巷")


@dataclass(frozen=True)
class Cut:
    """A street whose extension would split an atom.

    Parameters
    ----------
    atom : int
    street : str
        Its name, "" without one.
    place, target : (2,) array
        From where to where it would have to be extended.
    metres : float
    halves : tuple of float
        Square metres, the larger first.
    """

    atom: int
    street: str
    place: Floats
    target: Floats
    metres: float
    halves: tuple[float, float]

    def told(self, where: str) -> Problem:
        """Return the cut as a warning about the grid ``where``."""
        larger, smaller = self.halves
        values: dict[str, object] = {
            "at": Spot(float(self.place[0]), float(self.place[1])),
            "metres": max(1.0, self.metres),
            "one": larger / 1e4,
            "other": smaller / 1e4,
        }
        name = self.street.replace("{", "{{").replace("}", "}}")
        street = Message(name or _UNNAMED.en, name or _UNNAMED.zh)
        said = Message(_CUT.en.replace("{street}", street.en), _CUT.zh.replace("{street}", street.zh))
        return Problem(where, said, values)


def suggest_cuts(ground: Ground, atoms: Atoms, which: Sequence[int]) -> list[Cut]:
    """Return the best cut of each atom of ``which`` that a dead end in it would make; none for the others."""
    arrangement = ground.arrangement
    dead = arrangement.dead_ends
    open_ends = np.flatnonzero(~dead.extended)
    if not len(open_ends) or not len(which):
        return []
    spots = shapely.STRtree(shapely.points(dead.points[open_ends]))
    free = np.flatnonzero((ground.faces.sides < 0).all(axis=1) & (arrangement.rank != NO_RANK))
    streets = shapely.linestrings(arrangement.points[arrangement.segments[free]])
    tree = shapely.STRtree(streets) if len(free) else None
    cuts = []
    for atom in which:
        face = ground.metric[ground.largest_face(atoms.faces[atom])]
        shapely.prepare(face)
        inside = open_ends[np.sort(spots.query(face, predicate="contains"))]
        if not len(inside) or tree is None:
            continue
        within = streets[np.sort(tree.query(face, predicate="intersects"))]
        lines = np.concatenate([_straight(face), within])
        target, gap = next_barriers(lines, dead.points[inside], dead.direction[inside], np.full(len(inside), REACH))
        best: tuple[float, Cut] | None = None
        for at in np.argsort(gap, kind="stable")[:MOST].tolist():
            if not np.isfinite(gap[at]):
                break
            end = inside[at]
            way = shapely.linestrings([dead.points[end], target[at]])
            noded = shapely.union_all([shapely.boundary(face), *within, way], grid_size=_GRID)
            pieces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
            size = np.sort(shapely.area(pieces))[::-1]
            halves = (float(size[0]), float(size[1:].sum()))
            merit = halves[1] / sum(halves) - float(gap[at]) / REACH / 2
            if min(halves) >= SMALL_HALF * sum(halves) and (best is None or merit > best[0]):
                told = dead.source[end]
                name = arrangement.name_of(int(told))
                best = merit, Cut(atom, name, dead.points[end], target[at], float(gap[at]), halves)
        if best is not None:
            cuts.append(best[1])
    return cuts


def _straight(face: shapely.Polygon) -> Floats:
    """Return the straight pieces of a polygon's rings as lines."""
    coordinates, ring = shapely.get_coordinates(shapely.get_rings(face), return_index=True)
    at = np.flatnonzero(ring[1:] == ring[:-1])
    return np.asarray(shapely.linestrings(np.stack([coordinates[at], coordinates[at + 1]], axis=1)))
