"""The search for the largest circle in a polygon, compiled by numba: the twin of ``_circles``."""

from __future__ import annotations

import numpy as np
from numba import njit

from gridgeo.coverage._circles import _NOISE, _PARALLEL, _ROUNDS, _SLACK, _STRETCHES, PRECISION


@njit(cache=True)
def inscribed_radii(stretch, owner, segment, following, start, least):  # type: ignore[no-untyped-def]
    """Twin of ``_inscribed_radii`` in ``_circles``, polygon after polygon."""
    radius = least.copy()
    along = np.empty((len(segment), 2))
    length = np.empty(len(segment))
    for k in range(len(segment)):
        run_x, run_y = segment[k, 2] - segment[k, 0], segment[k, 3] - segment[k, 1]
        length[k] = np.sqrt(run_x * run_x + run_y * run_y)
        along[k, 0], along[k, 1] = run_x / length[k], run_y / length[k]
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
        radius[polygon] = _inscribed_radius(
            stretch[at:upto],
            owner[at:upto],
            segment,
            following,
            first,
            last,
            along,
            length,
            size * _NOISE,
            radius[polygon],
        )
        at = upto
    return radius


@njit(cache=True)
def _inscribed_radius(stretch, owner, segment, following, first, last, along, length, noise, best):  # type: ignore[no-untyped-def]
    """Radius of the largest circle in one polygon; no number if it was given up."""
    most = _STRETCHES * (last - first)
    here, mine = stretch, owner
    for _ in range(_ROUNDS):
        count = len(mine)
        middle = np.empty((count, 4))
        nearest = np.empty(count, np.int64)
        for s in range(count):
            _halve(here[s], middle[s])
            lower, nearest[s] = _least_room(
                middle[s], mine[s], best, segment, following, first, last, along, length, noise
            )
            best = max(best, lower)
        limit = best * (1 + PRECISION)
        going = np.zeros(count, np.bool_)
        kept = 0
        for s in range(count):
            going[s] = _may_exceed(
                here[s], mine[s], limit, nearest[s], segment, following, first, last, along, length, noise
            )
            kept += going[s]
        if kept == 0:
            return best
        if 2 * kept > most:
            return np.nan
        finer, owners = np.empty((2 * kept, 8)), np.empty(2 * kept, np.int64)
        k = 0
        for s in range(count):
            if going[s]:
                finer[k, :4], finer[k, 4:] = here[s, :4], middle[s]
                finer[k + 1, :4], finer[k + 1, 4:] = middle[s], here[s, 4:]
                owners[k] = owners[k + 1] = mine[s]
                k += 2
        here, mine = finer, owners
    return np.nan


@njit(cache=True, inline="always")
def _halve(stretch, middle):  # type: ignore[no-untyped-def]
    middle[0], middle[1] = (stretch[0] + stretch[4]) / 2, (stretch[1] + stretch[5]) / 2
    if stretch[2] == stretch[6] and stretch[3] == stretch[7]:
        middle[2], middle[3] = stretch[2], stretch[3]
    else:
        x, y = stretch[2] + stretch[6], stretch[3] + stretch[7]
        size = np.sqrt(x * x + y * y)
        middle[2], middle[3] = x / size, y / size


@njit(cache=True, inline="always")
def _room_of_edge(x, y, inward_x, inward_y, owner, site, segment, following, along, length, noise):  # type: ignore[no-untyped-def]
    """Radius at which a circle that grows from a place in a direction touches an edge."""
    corner = owner < 0
    mine = -owner - 1 if corner else owner
    if corner and (site == mine or site == following[mine]):
        return np.inf
    off_x, off_y = x - segment[site, 0], y - segment[site, 1]
    away = along[site, 0] * off_y - along[site, 1] * off_x
    lean_x, lean_y = inward_x + along[site, 1], inward_y - along[site, 0]
    turn = lean_x * lean_x + lean_y * lean_y
    if not away >= -noise or not turn >= _PARALLEL:
        return np.inf
    line = 2 * max(away, 0.0) / turn
    place = (off_x + line * lean_x) * along[site, 0] + (off_y + line * lean_y) * along[site, 1]
    if place > length[site] * (1 + _SLACK):
        if not corner and following[site] == mine:
            return np.inf
        return _room_of_place(x - segment[site, 2], y - segment[site, 3], inward_x, inward_y)
    if place < -_SLACK * length[site]:
        return _room_of_vertex(x, y, inward_x, inward_y, owner, site, segment, following)
    return line


@njit(cache=True, inline="always")
def _room_of_vertex(x, y, inward_x, inward_y, owner, site, segment, following):  # type: ignore[no-untyped-def]
    """Radius at which it touches the first end of an edge."""
    if owner < 0:
        if site == following[-owner - 1]:
            return np.inf
    elif site == owner or site == following[owner]:
        return np.inf
    return _room_of_place(x - segment[site, 0], y - segment[site, 1], inward_x, inward_y)


@njit(cache=True, inline="always")
def _room_of_place(off_x, off_y, inward_x, inward_y):  # type: ignore[no-untyped-def]
    ahead = -(inward_x * off_x + inward_y * off_y)
    return (off_x * off_x + off_y * off_y) / (2 * ahead) if ahead > 0 else np.inf


@njit(cache=True)
def _least_room(start, owner, enough, segment, following, first, last, along, length, noise):  # type: ignore[no-untyped-def]
    """Radius of the circle that grows from a place, and the edge that stops it.

    It is too large where it is no larger than ``enough``.
    """
    x, y, inward_x, inward_y = start[0], start[1], start[2], start[3]
    least = np.inf
    nearest = first
    for site in range(first, last):
        room = min(
            _room_of_edge(x, y, inward_x, inward_y, owner, site, segment, following, along, length, noise),
            _room_of_vertex(x, y, inward_x, inward_y, owner, site, segment, following),
        )
        if room < least:
            least, nearest = room, site
            if least <= enough:
                break
    return (least if least < np.inf else 0.0), nearest


@njit(cache=True)
def _may_exceed(stretch, owner, limit, nearest, segment, following, first, last, along, length, noise):  # type: ignore[no-untyped-def]
    """Whether a circle that grows from somewhere on a stretch may be larger than a limit."""
    if _stays_below(stretch, owner, limit, nearest, segment, following, along, length, noise):
        return False
    for site in range(first, last):
        if _stays_below(stretch, owner, limit, site, segment, following, along, length, noise):
            return False
    return True


@njit(cache=True)
def _stays_below(stretch, owner, limit, site, segment, following, along, length, noise):  # type: ignore[no-untyped-def]
    """Whether an edge or its first end stops all circles that grow from a stretch at a limit."""
    ax, ay, ux, uy = stretch[0], stretch[1], stretch[2], stretch[3]
    bx, by, vx, vy = stretch[4], stretch[5], stretch[6], stretch[7]
    if not (
        _room_of_edge(ax, ay, ux, uy, owner, site, segment, following, along, length, noise) > limit
        or _room_of_edge(bx, by, vx, vy, owner, site, segment, following, along, length, noise) > limit
        or (owner < 0 and _between(stretch, along[site, 0], along[site, 1]))
    ):
        return True
    return not (
        _room_of_vertex(ax, ay, ux, uy, owner, site, segment, following) > limit
        or _room_of_vertex(bx, by, vx, vy, owner, site, segment, following) > limit
    )


@njit(cache=True, inline="always")
def _between(stretch, along_x, along_y):  # type: ignore[no-untyped-def]
    x, y = -along_y, along_x
    sense = stretch[2] * stretch[7] - stretch[3] * stretch[6]
    one = (stretch[2] * y - stretch[3] * x) * sense
    other = (x * stretch[7] - y * stretch[6]) * sense
    return one >= 0 and other >= 0 and (stretch[2] + stretch[6]) * x + (stretch[3] + stretch[7]) * y > 0
