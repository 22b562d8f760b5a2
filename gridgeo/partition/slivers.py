"""Slivers: faces too small or too thin to be atoms, and the neighbour that each of them joins.

Theory. The smallest goes first, over its lowest-rank border: among the neighbours with which it shares at least a
quarter as much border as with the one it shares most with, the one behind the weakest barriers, by the mean rank of
the shared metres; among equals the longest border. So a corner between a lane and a main road joins over the lane,
and a sliver never hangs on a neighbour by a thread. Never over a river: only a sliver that has nothing but rivers
around it joins over one, and is counted.

Cost. O(n log n) for n faces with few neighbours each.
"""

from __future__ import annotations

import heapq

from gridgeo.network import RIVER
from gridgeo.partition.merging import LANES, Merging

SLIVER_AREA = 1000.0
"""Square metres. A smaller face is a sliver."""
NEEDLE_WIDTH = 12.0
"""Metres. A face with a smaller mean width (twice its area by its perimeter) is a needle."""
HOLD = 0.25
"""A neighbour counts if the border with it is at least so long, compared with the longest one."""
ALIKE = 0.05
"""Mean ranks that differ by less are equal."""


MOSTLY = 0.7
"""What consists of islands in a junction to such a part is one."""


def join_slivers(
    merging: Merging,
    sliver_area: float,
    needle_width: float,
    islands: frozenset[int] = frozenset(),
    *,
    least: int = RIVER,
) -> tuple[int, int, int]:
    """Join slivers, and faces that are ``islands`` in a junction, to neighbours.

    Barriers of rank ``least`` (index in `RANKS`) and stronger ones are crossed only for want of any other neighbour.

    Returns how many did, how many of them over a river, and how many slivers have no neighbour.
    """

    def is_sliver(face: int) -> bool:
        small = merging.area[face] < sliver_area or merging.width(face) < needle_width
        if small or not islands.intersection(merging.faces[face]):
            return small
        inside = sum(merging.own_area[part] for part in merging.faces[face] if part in islands)
        return inside > MOSTLY * merging.area[face]

    counts = [0, 0]
    for over_river in (False, True):
        heap = [(merging.area[face], face) for face in merging.standing if is_sliver(face)]
        heapq.heapify(heap)
        while heap:
            area, face = heapq.heappop(heap)
            if not merging.stands(face) or area != merging.area[face]:
                continue
            into = _neighbour(merging, face, first=RIVER if over_river else least + 1)
            if into < 0:
                continue
            merging.join(face, into)
            counts[over_river] += 1
            if is_sliver(into):
                heapq.heappush(heap, (merging.area[into], into))
    return sum(counts), counts[1], sum(map(is_sliver, merging.standing))


def _neighbour(merging: Merging, face: int, *, first: int) -> int:
    """Return the neighbour that a sliver joins over borders of rank ``first`` or weaker, or -1."""
    borders = {other: row[first:LANES] for other, row in merging.near[face].items()}
    longest = max((sum(metres) for metres in borders.values()), default=0.0)
    best, into = (-1.0, 0.0, 0), -1
    for other, metres in borders.items():
        length = sum(metres)
        if not length > 0 or length < HOLD * longest:
            continue
        rank = sum(index * part for index, part in enumerate(metres)) / length
        merit = (round(rank / ALIKE), length, -other)
        if merit > best:
            best, into = merit, other
    return into
