"""Parts of grids: what is divided on its own, because a locked block or the border of another parent lies around it.

Theory. The outlines of locked blocks and of parents are noded with all others, so every face lies wholly in or out of
each of them. A locked block is a part that stays one block; what else a grid holds falls into one part for each parent
(or set of parents) that it lies in, and no block reaches from one part into another. A part smaller than a sliver, from
two layers that were digitised twice, joins the part with which it shares the longest border.

Cost. Linear in the faces.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from gridgeo.network import Flags, Geometries, Integers
from gridgeo.partition.atom_layer import Ground
from gridgeo.partition.atoms import shared_segments


@dataclass(frozen=True)
class Dividers:
    """Polygons whose borders no block may cross.

    Parameters
    ----------
    shapes : array of Polygon or MultiPolygon
        The locked blocks, and after them the parents, in metres.
    locked : int
        How many of them are locked blocks.
    grids : sequence of str
        Id of the grid of each locked block.
    """

    shapes: Geometries = field(default_factory=lambda: np.empty(0, dtype=object))
    locked: int = 0
    grids: Sequence[str] = ()


@dataclass(frozen=True)
class Part:
    """A part of a grid.

    Parameters
    ----------
    grid : int
        Row of its grid.
    faces : array
        In order.
    locked : int
        Row of the locked block that it is, or -1.
    """

    grid: int
    faces: Integers
    locked: int = -1


def parts_of(ground: Ground, dividers: Dividers, cut: Flags, ids: Sequence[str]) -> tuple[list[Part], list[int]]:
    """Return the parts of all grids, by grid, and the locked blocks that lie in no grid of theirs that is cut."""
    count = len(cut)
    inside: dict[int, list[int]] = {}
    for face, row in zip(ground.divided[0].tolist(), ground.divided[1].tolist(), strict=True):
        inside.setdefault(face, []).append(row)
    parts: list[Part] = []
    met: set[int] = set()
    for grid in range(count):
        members = ground.members(grid)
        if not cut[grid] or not len(dividers.shapes):
            parts.append(Part(grid, members))
            continue
        keys: dict[tuple[int, ...], list[int]] = {}
        for face in members.tolist():
            rows = inside.get(face, [])
            mine = [row for row in rows if row < dividers.locked and dividers.grids[row] == ids[grid]]
            key = (-1, mine[0]) if mine else tuple(row for row in rows if row >= dividers.locked)
            keys.setdefault(key, []).append(face)
        locked = {key[1]: faces for key, faces in keys.items() if key[:1] == (-1,)}
        met |= set(locked)
        parts += [Part(grid, np.array(faces, dtype=np.int64), row) for row, faces in sorted(locked.items())]
        zones = [np.array(keys[key], dtype=np.int64) for key in sorted(keys) if key[:1] != (-1,)]
        parts += [Part(grid, zone) for zone in _without_slivers(ground, zones)]
    return parts, [row for row in range(dividers.locked) if row not in met]


def by_part(ground: Ground, parts: Sequence[Part]) -> Ground:
    """Return the ground with parts instead of grids as owners of its faces."""
    face = np.concatenate([part.faces for part in parts]) if parts else np.empty(0, dtype=np.int64)
    owner = np.repeat(np.arange(len(parts)), [len(part.faces) for part in parts])
    segment, inside = shared_segments(ground.faces.sides, face, owner)
    return replace(ground, face=face, owner=owner, segment=segment, inside=inside)


def _without_slivers(ground: Ground, zones: list[Integers]) -> list[Integers]:
    """Join zones smaller than a sliver to the zone beside which they lie longest."""
    while len(zones) > 1:
        area = [float(ground.faces.area[zone].sum()) for zone in zones]
        small = int(np.argmin(area))
        if area[small] >= ground.cleaning.sliver_below:
            break
        number = np.full(len(ground.metric) + 1, -1, dtype=np.int64)  # the last is the outside
        for index, zone in enumerate(zones):
            number[zone] = index
        sides = number[ground.faces.sides]
        across = (sides == small).any(axis=1) & (sides[:, 0] != sides[:, 1]) & (sides >= 0).all(axis=1)
        other = sides[across].sum(axis=1) - small
        metres = np.bincount(other, weights=ground.lengths[across], minlength=len(zones))
        metres[small] = -1.0
        into = int(np.argmax(metres))
        zones[into] = np.sort(np.concatenate([zones[into], zones[small]]))
        del zones[small]
    return zones
