"""Carriageways: strips of land between the two lines of one road, and water between two banks, go to one side.

Theory. A road with two carriageways is two lines on the map, and between them lie strips, cut at every crossing. If
each strip chose a side by itself, the border of blocks would jump from one carriageway to the other at each crossing.
So all strips follow the compass: each joins the land to its north, or to its east where the road runs from south to
north. A straight road so has its border on one carriageway, through any number of crossings.

A strip is a long thin face with one name along both its sides, or (unnamed, or too thin to live on) with main roads
or roads along nearly all its border. Rows of houses between two lanes, or between two streets of different names, are
no strips.

Water given as polygons follows a bank rule: where a body of water parts the grid in two sides, all of it joins the side
with the longer bank; otherwise each piece joins the neighbour with which it shares the longest bank.

Cost. Linear in the borders. Limits. Parallel roads of one name more than `STRIP_WIDTH` apart are not seen as one road.
"""

from __future__ import annotations

import numpy as np

from gridgeo.network import NO_RANK, RANKS, RIVER, Arrangement, Flags, Floats, Integers, groups
from gridgeo.partition.merging import EAST, LANES, NORTH, Merging

STRIP_WIDTH = 45.0
"""Metres. Carriageways of one road are no further apart."""
STRIP_RATIO = 8.0
"""A strip is so many times as long as wide."""
NARROW_WIDTH = 25.0
NARROW_RATIO = 3.0
"""Narrow strips, as between two crossings close by, need be less long."""
THIN_WIDTH = 15.0
"""Metres. Between main roads nothing so thin is lived on, whatever their names."""
ONE_NAME = 0.65
"""Share of a strip's border that one name must have: more than one side can have."""
OTHER_NAME = 0.25
"""Share of the border from which a second name means another street."""
MAJOR = 0.8
"""Share of an unnamed strip's border that must be main road or road."""
TOWARDS = (0.38, 0.92)
"""Where strips look for land: north by north-east, so that no usual street runs exactly that way."""
SIDE = 0.5
"""A strip joins over a border that at least so much of it looks that way."""


def find_strips(
    arrangement: Arrangement, sides: Integers, lengths: Floats, members: Integers, area: Floats, perimeter: Floats
) -> Flags:
    """Tell which faces of a grid lie between two carriageways."""
    with np.errstate(divide="ignore", invalid="ignore"):
        width = 2 * area / perimeter
        ratio = perimeter * perimeter / (4 * area)
    slim = ((width < STRIP_WIDTH) & (ratio >= STRIP_RATIO)) | ((width < NARROW_WIDTH) & (ratio >= NARROW_RATIO))
    if not slim.any():
        return slim
    # the border of each slim face by rank and by name
    place = np.full(int(sides.max()) + 2, -1, dtype=np.int64)
    place[members[slim]] = np.flatnonzero(slim)
    segment, face = [], []
    for side in (0, 1):
        at = place[sides[:, side]]
        at[sides[:, side] < 0] = -1
        segment.append(np.flatnonzero(at >= 0))
        face.append(at[segment[-1]])
    segments, faces = np.concatenate(segment), np.concatenate(face)
    metres = lengths[segments]
    rank = arrangement.rank[segments]
    by_rank = np.zeros((len(area), NO_RANK + 1))
    np.add.at(by_rank, (faces, rank), metres)
    border = by_rank.sum(axis=1)
    major = by_rank[:, [RANKS.index("main-road"), RANKS.index("road")]].sum(axis=1)
    lane = by_rank[:, RANKS.index("lane")]
    tables = (arrangement.barriers.lines, arrangement.barriers.surfaces)
    names, number = np.unique(
        np.array(["", *(str(name) for table in tables for name in table["name"])]), return_inverse=True
    )
    name = number[1:][arrangement.source[segments]] if len(number) > 1 else np.zeros(len(segments), dtype=np.int64)
    told = (arrangement.source[segments] >= 0) & (name > 0) & (rank != RIVER)
    keys, at = np.unique(faces[told] * len(names) + name[told], return_inverse=True)
    shared = np.bincount(at, weights=metres[told], minlength=len(keys))
    first, second = np.zeros(len(area)), np.zeros(len(area))
    for key, length in sorted(zip(keys.tolist(), shared.tolist(), strict=True), key=lambda item: -item[1]):
        which = key // len(names)
        if not first[which]:
            first[which] = length
        elif not second[which]:
            second[which] = length
    one_name = first >= ONE_NAME * border
    two_names = ~one_name & (second >= OTHER_NAME * border) & (width >= THIN_WIDTH)
    between_roads = (major >= MAJOR * border) & ~two_names
    strips: Flags = slim & (border > 0) & (between_roads | (one_name & (lane < border / 2)))
    return strips


def join_strips(merging: Merging, strips: Flags) -> int:
    """Join strips to the land on the one side that all of them look to; returns how many."""
    waiting = [face for face in np.flatnonzero(strips).tolist() if merging.stands(face)]
    count = 0
    for towards in (TOWARDS, (-TOWARDS[0], -TOWARDS[1])):
        while waiting:
            left = set(waiting)
            joins = [(face, _land(merging, face, left, towards)) for face in waiting]
            for face, into in joins:
                if into >= 0:
                    merging.join(face, merging.root(into))
                    left.discard(face)
                    count += 1
            if len(left) == len(waiting):
                break
            waiting = [face for face in waiting if face in left]
    return count


def _land(merging: Merging, face: int, strips: set[int], towards: tuple[float, float]) -> int:
    """Return the neighbour with the longest border on the side that strips look to, or -1."""
    best, into = 0.0, -1
    for other in sorted(merging.near[face]):
        row = merging.near[face][other]
        length = sum(row[RIVER + 1 : LANES])
        ahead = row[EAST] * towards[0] + row[NORTH] * towards[1]
        if other not in strips and ahead > 0 and (row[EAST] ** 2 + row[NORTH] ** 2) ** 0.5 > SIDE * length > best:
            best, into = SIDE * length, other
    return into


def join_surfaces(merging: Merging, surface: Flags) -> int:
    """Join faces of barrier polygons to their banks, and return how many; a grid of water alone stays as it is."""
    waiting = [face for face in np.flatnonzero(surface).tolist() if merging.stands(face)]
    wet = set(waiting)
    if not wet:
        return 0
    side = _preferred_banks(merging, wet)
    count = 0
    while waiting:
        left = []
        for face in waiting:
            banks = [
                (side.get(other, 0) > 0, sum(row[:LANES]), -other)
                for other, row in merging.near[face].items()
                if other not in wet
            ]
            if banks:
                into = -max(banks)[2]
                merging.join(face, into)
                wet.discard(face)
                count += 1
            else:
                left.append(face)
        if len(left) == len(waiting):
            break
        waiting = left
    return count


def _preferred_banks(merging: Merging, wet: set[int]) -> dict[int, int]:
    """Return 1 for land on the side of a body of water that has the longer bank."""
    size = len(merging.area)
    pairs = [(face, other) for face in merging.standing for other in merging.near[face] if face < other]
    apart = np.array([(a, b) for a, b in pairs if a not in wet and b not in wet], dtype=np.int64).reshape(-1, 2)
    body_pairs = np.array([(a, b) for a, b in pairs if a in wet and b in wet], dtype=np.int64).reshape(-1, 2)
    side_of, body_of = groups(size, apart), groups(size, body_pairs)
    bank: dict[tuple[int, int], float] = {}
    land: dict[tuple[int, int], set[int]] = {}
    for face in sorted(wet):
        for other, row in merging.near[face].items():
            if other not in wet:
                key = (int(body_of[face]), int(side_of[other]))
                bank[key] = bank.get(key, 0.0) + sum(row[:LANES])
                land.setdefault(key, set()).add(other)
    preferred: dict[int, int] = {}
    for body in sorted({body for body, _ in bank}):
        sides = [key for key in bank if key[0] == body]
        longest = max(sides, key=lambda key: (bank[key], -key[1]))
        preferred.update(dict.fromkeys(sorted(land[longest]), 1))
    return preferred
