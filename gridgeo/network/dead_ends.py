"""Dead ends: where barriers lead nowhere, and how far on the next barrier is.

Theory. A barrier that ends in a face cuts nothing. Some end there on the ground (a yard, a turning place), others only
on the map: a few metres short of the street that they meet, at a gate, where a river goes into a pond. The next
barrier is looked for straight ahead and at up to `WIDEST` to both sides, a turn counting as a detour. Two dead ends
that face each other are one street with a gap. A street is never extended by more than its own length, so that no
stub of a driveway cuts a block.

Cost. One tree query of five rays for each dead end. Limits. An extension is a guess: it is marked as such on every
segment (`Arrangement.extension`), and it is made only within the tolerance that the user declares.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.network.basics import Flags, Floats, Geometries, Integers

ANGLES = np.radians([0.0, 20.0, -20.0, 40.0, -40.0])
"""Directions in which the next barrier is looked for, from straight ahead."""
WIDEST = float(np.abs(ANGLES).max())
DETOUR = 1.0
"""A turn of one radian makes a way count as so much longer."""
LOOK_BACK = 15.0
"""Metres of a street from which the direction of its end is taken."""
NEAR = 1e-4
"""Metres. What a ray meets within this of its start is the street that it starts from."""


@dataclass(frozen=True)
class DeadEnds:
    """Where barriers lead nowhere.

    Parameters
    ----------
    points : (n, 2) array
        In metres.
    direction : (n, 2) array
        Straight ahead, of length 1.
    rank : (n,) array of int
        Index in `RANKS`.
    source : (n,) array of int
        Row of the barrier, as in `Arrangement.source`.
    length : (n,) array
        Metres from the end back to the first junction.
    target : (n, 2) array
        Where the next barrier ahead would be met; not a number where there is none within the distance searched.
    gap : (n,) array
        Metres to ``target``; infinite without one.
    extended : (n,) array of bool
        Whether a barrier was drawn from the point to the target.
    """

    points: Floats
    direction: Floats
    rank: npt.NDArray[np.int8]
    source: Integers
    length: Floats
    target: Floats
    gap: Floats
    extended: Flags

    def __len__(self) -> int:
        return len(self.points)


def stubs(
    points: Floats, segments: Integers, barrier: Flags, whole: Flags
) -> tuple[Integers, Integers, Floats, Floats]:
    """Return the ends of barriers that lead nowhere: vertex, last segment, direction and length of the dead end.

    Parameters
    ----------
    barrier : array of bool
        Segments that are barriers and no border.
    whole : array of bool
        Vertices that are looked at.
    """
    degree = np.bincount(segments.ravel(), minlength=len(points))
    ends = segments[barrier]
    at_barrier = np.bincount(ends.ravel(), minlength=len(points))
    tips = np.flatnonzero((degree == 1) & (at_barrier == 1) & whole)
    order = np.argsort(segments.ravel(), kind="stable")
    begin = np.searchsorted(segments.ravel()[order], np.arange(len(points) + 1))
    last = np.empty(len(tips), dtype=np.int64)
    direction = np.empty((len(tips), 2))
    length = np.empty(len(tips))
    for index, tip in enumerate(tips.tolist()):
        here, came, run = tip, -1, 0.0
        back = None
        while True:
            around = order[begin[here] : begin[here + 1]] // 2
            step = int(around[0]) if int(around[0]) != came else int(around[-1])
            if came < 0:
                last[index] = step
            a, b = segments[step].tolist()
            there = b if a == here else a
            metres = float(np.hypot(*(points[there] - points[here])))
            if back is None and run + metres >= LOOK_BACK:
                back = points[here] + (points[there] - points[here]) * ((LOOK_BACK - run) / metres)
            run += metres
            here, came = there, step
            if degree[here] != 2:
                break
        way = points[tip] - (points[here] if back is None else back)
        far = float(np.hypot(*way))
        if not far > 0:  # a loop of its own that comes back to its end
            way, far = points[tip] - points[segments[last[index]].sum() - tip], 1.0
            far = float(np.hypot(*way))
        direction[index] = way / far
        length[index] = run
    return tips, last, direction, length


def next_barriers(lines: Geometries, start: Floats, direction: Floats, far: Floats) -> tuple[Floats, Floats]:
    """Return where dead ends would meet the next of ``lines`` within ``far`` metres each, and after how many metres."""
    count = len(start)
    target, gap = np.full((count, 2), np.nan), np.full(count, np.inf)
    if not count or not len(lines):
        return target, gap
    merit = np.full(count, np.inf)
    tree = shapely.STRtree(lines)
    for angle in ANGLES:
        turned = direction @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        rays = shapely.linestrings(np.stack([start + turned * NEAR, start + turned * far[:, None]], axis=1))
        ray, segment = tree.query(rays, predicate="intersects")
        met = shapely.intersection(rays[ray], lines[segment])
        away = shapely.distance(shapely.points(start[ray]), met)
        counts = away * (1 + DETOUR * abs(angle))
        for at in np.lexsort((segment, counts)).tolist():
            which = int(ray[at])
            if away[at] > NEAR and counts[at] < merit[which]:
                merit[which], gap[which] = counts[at], away[at]
                target[which] = start[which] + turned[which] * away[at]
    _facing(start, direction, far, merit, target, gap)
    return target, gap


def _facing(start: Floats, direction: Floats, far: Floats, merit: Floats, target: Floats, gap: Floats) -> None:
    """Let dead ends that look at each other meet, where nothing nearer lies between them."""
    spots: Geometries = shapely.points(start)
    one, other = shapely.STRtree(spots).query(spots, predicate="dwithin", distance=float(far.max()))
    way = start[other] - start[one]
    away = np.hypot(*way.T)
    apart = (away > NEAR) & (away <= np.minimum(far[one], far[other]))
    one, other, way, away = one[apart], other[apart], way[apart], away[apart]
    ahead = (way * direction[one]).sum(axis=1) / away
    back = -(way * direction[other]).sum(axis=1) / away
    turn = np.arccos(np.clip(np.minimum(ahead, back), -1, 1))
    # the end of a street is what a street leads to: a little further off than the nearest line it still wins
    counts = away * (1 + DETOUR * turn) * 0.75
    good = turn <= WIDEST
    for at in np.flatnonzero(good)[np.lexsort((other[good], counts[good]))].tolist():
        which = int(one[at])
        if counts[at] < merit[which]:
            merit[which], gap[which] = counts[at], away[at]
            target[which] = start[other[at]]
