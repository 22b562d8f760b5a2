"""The search for the largest circle in a polygon, compiled by numba: the twin of ``_circles``."""

from __future__ import annotations

import numpy as np
from numba import njit

from gridgeo.coverage._circles import _EDGE, _NOISE, _PARALLEL, _ROUNDS, _SLACK, _STRETCHES, PRECISION


@njit(cache=True)
def inscribed_radii(stretch, owner, segment, following, start, least):  # type: ignore[no-untyped-def]
    """Twin of ``_inscribed_radii`` in ``_circles``, polygon after polygon."""
    radius = least.copy()
    site = np.empty((len(segment), 7))  # its ends, its direction, its length
    for k in range(len(segment)):
        run_x, run_y = segment[k, 2] - segment[k, 0], segment[k, 3] - segment[k, 1]
        length = np.sqrt(run_x * run_x + run_y * run_y)
        site[k, :4] = segment[k]
        site[k, 4], site[k, 5], site[k, 6] = run_x / length, run_y / length, length
    at = 0
    for polygon in range(len(start) - 1):
        first, last = start[polygon], start[polygon + 1]
        upto = at
        while upto < len(owner) and (-owner[upto] - 1 if owner[upto] < 0 else owner[upto]) < last:
            upto += 1
        size = 0.0
        for k in range(first, last):
            for axis in range(4):
                size = max(size, abs(segment[k, axis]))
        mine = stretch[at:upto], owner[at:upto], site[first:last], following[first:last]
        radius[polygon] = _inscribed_radius(*mine, first, size * _NOISE, radius[polygon])
        at = upto
    return radius


@njit(cache=True)
def _inscribed_radius(here, own, site, following, first, noise, best):  # type: ignore[no-untyped-def]
    """Radius of the largest circle in one polygon; no number if it was given up. Its edges count from ``first``."""
    most = _STRETCHES * len(site)
    for _ in range(_ROUNDS):
        count = len(own)
        middle = np.empty((count, 4))
        nearest = np.empty(count, np.int64)
        for s in range(count):
            x, y = (here[s, 0] + here[s, 4]) / 2, (here[s, 1] + here[s, 5]) / 2
            u, v = here[s, 2], here[s, 3]
            if u != here[s, 6] or v != here[s, 7]:
                u, v = u + here[s, 6], v + here[s, 7]
                size = np.sqrt(u * u + v * v)
                u, v = u / size, v / size
            middle[s, 0], middle[s, 1], middle[s, 2], middle[s, 3] = x, y, u, v
            corner = own[s] < 0
            mine = (-own[s] - 1 if corner else own[s]) - first
            after = following[mine] - first
            lower = np.inf
            nearest[s] = 0
            for k in range(len(site)):
                room = min(
                    _room_of_edge(x, y, u, v, corner, mine, after, k, following[k] - first, site, noise),
                    _room_of_vertex(x, y, u, v, corner, mine, after, k, site),
                )
                if room < lower:
                    lower = room
                    nearest[s] = k
                    if lower <= best:  # it can't be the largest
                        break
            if lower < np.inf:
                best = max(best, lower)
        limit = best * (1 + PRECISION)
        going = np.zeros(count, np.bool_)
        kept = 0
        for s in range(count):
            if _stays_below(here, s, own[s], limit, nearest[s], site, following, first, noise):
                continue
            going[s] = True
            for k in range(len(site)):
                if _stays_below(here, s, own[s], limit, k, site, following, first, noise):
                    going[s] = False
                    break
            kept += going[s]
        if kept == 0:
            return best
        if 2 * kept > most:
            return np.nan
        finer, owners = np.empty((2 * kept, 8)), np.empty(2 * kept, np.int64)
        k = 0
        for s in range(count):
            if not going[s]:
                continue
            share = 0.5
            if own[s] >= 0:
                share = _share(here, s, _nearest(middle, s, own[s], site, following, first, noise), site)
            if share != 0.5:
                middle[s, 0] = here[s, 0] + share * (here[s, 4] - here[s, 0])
                middle[s, 1] = here[s, 1] + share * (here[s, 5] - here[s, 1])
            for axis in range(4):
                finer[k, axis], finer[k, axis + 4] = here[s, axis], middle[s, axis]
                finer[k + 1, axis], finer[k + 1, axis + 4] = middle[s, axis], here[s, axis + 4]
            owners[k] = owners[k + 1] = own[s]
            k += 2
        here, own = finer, owners
    return np.nan


@njit(cache=True, inline="always")
def _room_of_place(off_x, off_y, u, v):  # type: ignore[no-untyped-def]
    """Radius at which a circle that grows from a place in a direction (u, v) touches another place."""
    ahead = -(u * off_x + v * off_y)
    return (off_x * off_x + off_y * off_y) / (2 * ahead) if ahead > 0 else np.inf


@njit(cache=True, inline="always")
def _room_of_vertex(x, y, u, v, corner, mine, after, k, site):  # type: ignore[no-untyped-def]
    """Radius at which it touches the first end of edge k; ``mine`` is the edge that it grows from, then ``after``."""
    if k == after or (k == mine and not corner):
        return np.inf
    return _room_of_place(x - site[k, 0], y - site[k, 1], u, v)


@njit(cache=True)
def _room_of_edge(x, y, u, v, corner, mine, after, k, next_k, site, noise):  # type: ignore[no-untyped-def]
    """Radius at which it touches edge k."""
    if corner and k in (mine, after):
        return np.inf
    off_x, off_y = x - site[k, 0], y - site[k, 1]
    along_x, along_y = site[k, 4], site[k, 5]
    away = along_x * off_y - along_y * off_x
    lean_x, lean_y = u + along_y, v - along_x
    turn = lean_x * lean_x + lean_y * lean_y
    if not away >= -noise or not turn >= _PARALLEL:
        return np.inf
    line = 2 * max(away, 0.0) / turn
    place = (off_x + line * lean_x) * along_x + (off_y + line * lean_y) * along_y
    if place > site[k, 6] * (1 + _SLACK):
        if next_k == mine and not corner:
            return np.inf
        return _room_of_place(x - site[k, 2], y - site[k, 3], u, v)
    if place < -_SLACK * site[k, 6]:
        return _room_of_vertex(x, y, u, v, corner, mine, after, k, site)
    return line


@njit(cache=True)
def _nearest(middle, s, own, site, following, first, noise):  # type: ignore[no-untyped-def]
    """Return the first of the edges that leave the least room in the middle of a stretch of an edge."""
    mine = own - first
    after = following[mine] - first
    x, y, u, v = middle[s, 0], middle[s, 1], middle[s, 2], middle[s, 3]
    least, nearest = np.inf, 0
    for k in range(len(site)):
        room = min(
            _room_of_edge(x, y, u, v, False, mine, after, k, following[k] - first, site, noise),
            _room_of_vertex(x, y, u, v, False, mine, after, k, site),
        )
        if room < least:
            least, nearest = room, k
    return nearest


@njit(cache=True)
def _stays_below(here, s, own, limit, k, site, following, first, noise):  # type: ignore[no-untyped-def]
    """Whether edge k or its first end stops all circles that grow from a stretch at a limit."""
    corner = own < 0
    mine = (-own - 1 if corner else own) - first
    after, next_k = following[mine] - first, following[k] - first
    ax, ay, au, av = here[s, 0], here[s, 1], here[s, 2], here[s, 3]
    bx, by, bu, bv = here[s, 4], here[s, 5], here[s, 6], here[s, 7]
    if (
        _room_of_edge(ax, ay, au, av, corner, mine, after, k, next_k, site, noise) <= limit
        and _room_of_edge(bx, by, bu, bv, corner, mine, after, k, next_k, site, noise) <= limit
        and not (corner and _between(au, av, bu, bv, site[k, 4], site[k, 5]))
    ):
        return True
    if _room_of_vertex(ax, ay, au, av, corner, mine, after, k, site) > limit:
        return False
    return _room_of_vertex(bx, by, bu, bv, corner, mine, after, k, site) <= limit


@njit(cache=True, inline="always")
def _between(au, av, bu, bv, along_x, along_y):  # type: ignore[no-untyped-def]
    x, y = -along_y, along_x
    sense = au * bv - av * bu
    one, other = (au * y - av * x) * sense, (x * bv - y * bu) * sense
    return one >= 0 and other >= 0 and (au + bu) * x + (av + bv) * y > 0


@njit(cache=True)
def _share(here, s, k, site):  # type: ignore[no-untyped-def]
    """Where to divide a stretch: where the place of touch on the nearest edge passes its end, or halfway."""
    start = _touch(here[s, 0], here[s, 1], here[s, 2], here[s, 3], k, site)
    stop = _touch(here[s, 4], here[s, 5], here[s, 6], here[s, 7], k, site)
    share = 0.5
    if stop != start:
        for end in (site[k, 6], 0.0):
            part = (end - start) / (stop - start)
            if part > _EDGE and part < 1 - _EDGE:
                share = part
    return share


@njit(cache=True, inline="always")
def _touch(x, y, u, v, k, site):  # type: ignore[no-untyped-def]
    """Where a circle that grows from a place touches the line of an edge."""
    off_x, off_y = x - site[k, 0], y - site[k, 1]
    lean_x, lean_y = u + site[k, 5], v - site[k, 4]
    turn = lean_x * lean_x + lean_y * lean_y
    if turn == 0.0:
        return np.nan
    line = 2 * (site[k, 4] * off_y - site[k, 5] * off_x) / turn
    return (off_x + line * lean_x) * site[k, 4] + (off_y + line * lean_y) * site[k, 5]
