"""Carriageways: strips of land between the two lines of one road, and water between two banks, go to one side.

Theory. A road with two carriageways is two lines on the map, and between them lie strips, cut at every crossing. If
each strip chose a side by itself, the border of blocks would jump from one carriageway to the other at each crossing.
So all strips of a grid follow the compass: each joins the land that lies in one and the same direction, the one along
which the fewest strips run. A straight road so has its border on one carriageway, through any number of crossings.

A strip is a long thin face with one name along both its sides, or (unnamed, or too thin to live on) with main roads
or roads along nearly all its border. Rows of houses between two lanes, or between two streets of different names, are
no strips.

Islands are the other faces that belong to a junction: roundabouts, and what lies between nothing but slip roads, which
have no names where their main roads do.

Water given as polygons follows a bank rule: where a body of water parts the grid in several sides, each piece of it
joins the side on which the body has the longest bank, and there the neighbour with the longest bank of the piece. The
other bank is the border.

Cost. Linear in the borders. Limits. Parallel roads of one name more than `STRIP_WIDTH` apart are not seen as one road.
"""

from __future__ import annotations

from dataclasses import dataclass

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
END = 0.3
"""Share of a strip's border that may be a border of grids alone."""
DIRECTIONS = np.radians(np.arange(90, -90, -10))
"""Where the strips of a grid may look for land, north first."""
SIDE = 0.5
"""A strip joins over a border that at least so much of it looks that way."""


ROUND = 0.93
"""A roundabout is so near to a circle (its area by that of the circle with its perimeter),"""
ROUNDABOUT = 5000.0
"""and no larger than so many square metres."""
JUNCTION = 20_000.0
"""Square metres. No face between slip roads is larger."""
NO_NAME = 0.4
"""Share of its border without a name,"""
SLIP_ROADS = 0.95
"""and on main roads."""


@dataclass(frozen=True)
class RoadLand:
    """Which faces of a grid belong to roads.

    Parameters
    ----------
    strips : array of bool
        Faces between two carriageways.
    islands : array of bool
        Faces inside a roundabout or between slip roads.
    towards : (2,) array
        Where strips look for land.
    """

    strips: Flags
    islands: Flags
    towards: Floats


def find_road_land(
    arrangement: Arrangement, sides: Integers, lengths: Floats, members: Integers, area: Floats, perimeter: Floats
) -> RoadLand:
    """Tell which faces of a grid belong to roads; ``area`` and ``perimeter`` are those of ``members``."""
    with np.errstate(divide="ignore", invalid="ignore"):
        width = 2 * area / perimeter
        ratio = perimeter * perimeter / (4 * area)
    slim = ((width < STRIP_WIDTH) & (ratio >= STRIP_RATIO)) | ((width < NARROW_WIDTH) & (ratio >= NARROW_RATIO))
    doubtful = slim | (area < JUNCTION)
    # the border of each face in question by rank and by name
    place = np.full(int(sides.max(initial=-1)) + 2, -1, dtype=np.int64)
    place[members[doubtful]] = np.flatnonzero(doubtful)
    segment, side = np.nonzero(place[sides] >= 0)
    face = place[sides[segment, side]]
    metres, rank = lengths[segment], arrangement.rank[segment]
    by_rank = np.stack(
        [np.bincount(face, weights=metres * (rank == word), minlength=len(area)) for word in range(NO_RANK + 1)], axis=1
    )
    border = by_rank.sum(axis=1)
    main, road, lane = (by_rank[:, RANKS.index(word)] for word in ("main-road", "road", "lane"))
    number = _name_numbers(arrangement)[segment]
    told = (number > 0) & (rank != RIVER)
    first, second = _longest_two(face[told], number[told], metres[told], len(area))
    named = np.bincount(face[told], weights=metres[told], minlength=len(area))

    one_name = first >= ONE_NAME * border
    two_names = ~one_name & (second >= OTHER_NAME * border) & (width >= THIN_WIDTH)
    bare = by_rank[:, NO_RANK]  # the ends of a strip on the border of its grid say nothing
    between_roads = (main + road >= MAJOR * (border - bare)) & (bare <= END * border) & ~two_names
    boulevard = one_name & ((lane < border / 2) | ((width < NARROW_WIDTH) & (ratio >= STRIP_RATIO)))
    strips: Flags = slim & (border > 0) & (between_roads | boulevard)

    roundabout = (4 * np.pi * area >= ROUND * perimeter**2) & (area < ROUNDABOUT)
    islands: Flags = roundabout & (by_rank[:, RIVER] == 0)
    main_roads = arrangement.rank == RANKS.index("main-road")
    if lengths[main_roads & (_name_numbers(arrangement) > 0)].sum() > lengths[main_roads].sum() / 2:
        islands |= (area < JUNCTION) & (main >= SLIP_ROADS * border) & (border - named >= NO_NAME * border)
    return RoadLand(strips, islands & ~strips, _least_used(arrangement, segment[strips[face]], lengths))


def _name_numbers(arrangement: Arrangement) -> Integers:
    """Return a number for the name of each segment's barrier; 0 without a name."""
    tables = (arrangement.barriers.lines, arrangement.barriers.surfaces)
    names = ["", *(str(name) for table in tables for name in table["name"]), ""]  # the last is for no barrier at all
    _, number = np.unique(np.array(names), return_inverse=True)
    return number[1:][arrangement.source].astype(np.int64)


def _longest_two(face: Integers, name: Integers, metres: Floats, count: int) -> tuple[Floats, Floats]:
    """Return how many metres of each face's border the name that has most of it has, and the second."""
    first, second = np.zeros(count), np.zeros(count)
    names = int(name.max(initial=0)) + 1
    keys, at = np.unique(face * names + name, return_inverse=True)
    shared = np.bincount(at, weights=metres, minlength=len(keys))
    for key, length in sorted(zip(keys.tolist(), shared.tolist(), strict=True), key=lambda item: (-item[1], item[0])):
        which = key // names
        if not first[which]:
            first[which] = length
        elif not second[which]:
            second[which] = length
    return first, second


def _least_used(arrangement: Arrangement, segments: Integers, lengths: Floats) -> Floats:
    """Return the direction in which the fewest of these segments run: seen that way, hardly a strip is end-on."""
    ends = arrangement.points[arrangement.segments[segments]]
    bearing = np.arctan2(*(ends[:, 1] - ends[:, 0]).T[::-1])
    along = [(lengths[segments] * np.cos(bearing - way) ** 8).sum() for way in DIRECTIONS]
    best = DIRECTIONS[int(np.argmin(np.round(along, 3)))]
    return np.array([np.cos(best), np.sin(best)])


def join_strips(merging: Merging, strips: Flags, towards: Floats) -> int:
    """Join strips to the land on the one side that all of them look to; returns how many."""
    waiting = [face for face in np.flatnonzero(strips).tolist() if merging.stands(face)]
    count = 0
    for way in (towards, -towards):
        while waiting:
            left = set(waiting)
            joins = [(face, _land(merging, face, left, way)) for face in waiting]
            for face, into in joins:
                if into >= 0:
                    merging.join(face, merging.root(into))
                    left.discard(face)
                    count += 1
            if len(left) == len(waiting):
                break
            waiting = [face for face in waiting if face in left]
    return count


def _land(merging: Merging, face: int, strips: set[int], towards: Floats) -> int:
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
    count = 0
    while waiting:
        # all that have a bank choose at once, by their own banks: not by what other water has joined
        wet = set(waiting)
        bank_of = _banks(merging, wet)
        joins = [(face, max(banks)[2]) for face in waiting if (banks := bank_of[face])]
        for face, into in joins:
            merging.join(face, merging.root(-into))
        if not joins:
            break
        count += len(joins)
        waiting = [face for face in waiting if merging.stands(face)]
    return count


def _banks(merging: Merging, wet: set[int]) -> dict[int, list[tuple[float, float, int]]]:
    """Return the banks of each water face: metres of all the body's bank on that side, metres here, minus the land."""
    size = len(merging.area)
    pairs = [(face, other) for face in merging.standing for other in merging.near[face] if face < other]
    land = [(a, b) for a, b in pairs if a not in wet and b not in wet and merging.land(a, b) > 0]
    water = [(a, b) for a, b in pairs if a in wet and b in wet]
    side_of = groups(size, np.array(land, dtype=np.int64).reshape(-1, 2)).tolist()
    body_of = groups(size, np.array(water, dtype=np.int64).reshape(-1, 2)).tolist()
    total: dict[tuple[int, int], float] = {}
    here = {
        face: [(other, sum(row[:LANES])) for other, row in sorted(merging.near[face].items()) if other not in wet]
        for face in sorted(wet)
    }
    for face, banks in here.items():
        for other, metres in banks:
            key = (body_of[face], side_of[other])
            total[key] = total.get(key, 0.0) + metres
    return {
        face: [(total[body_of[face], side_of[other]], metres, -other) for other, metres in banks]
        for face, banks in here.items()
    }
