"""Which polygons are valid beyond doubt, and where borders turn back sharply: loops over all vertices, for numba.

Imported on large input only, as the other compiled loops. See :mod:`gridgeo.coverage._soundness` for the theory.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from gridgeo.coverage._compiled import _orientation
from gridgeo.coverage._orientation import ORIENTATION_ERROR

_LEAF = 8  # edges in the smallest box of a ring, and boxes in the next larger one
_LARGEST = 1e100  # beyond, products of differences may overflow
_RUN = 32  # edges in a box of a shell with many holes


@njit(cache=True)
def sure_rings(c, ring_start):  # type: ignore[no-untyped-def]
    """Tell which rings are simple beyond doubt, with the box of each ring."""
    rings = len(ring_start) - 1
    sure = np.zeros(rings, np.bool_)
    box = np.empty((rings, 4))
    boxes = np.empty((64, 4))
    stack = np.empty((1024, 3), np.int64)
    level_start = np.empty(24, np.int64)
    for ring in range(rings):
        start, last = ring_start[ring], ring_start[ring + 1] - 1
        low_x = high_x = c[start, 0]
        low_y = high_y = c[start, 1]
        finite = low_x - low_x + low_y - low_y
        for i in range(start + 1, last + 1):
            x, y = c[i, 0], c[i, 1]
            low_x, high_x = min(low_x, x), max(high_x, x)
            low_y, high_y = min(low_y, y), max(high_y, y)
            finite += x - x + y - y  # no number, once one of them is none or endless
        box[ring, 0], box[ring, 1], box[ring, 2], box[ring, 3] = low_x, low_y, high_x, high_y
        largest = max(max(abs(low_x), abs(high_x)), max(abs(low_y), abs(high_y)))
        if last - start < 3 or finite != 0.0 or largest > _LARGEST:
            continue
        if _is_star(c, start, last, low_x / 2 + high_x / 2, low_y / 2 + high_y / 2):
            sure[ring] = True
            continue
        needed = 2 * ((last - start) // _LEAF + 24)
        if needed > len(boxes):
            boxes = np.empty((2 * needed, 4))
        sure[ring], stack = _is_simple(c, start, last, boxes, level_start, stack)
    return sure, box


@njit(cache=True)
def _is_star(c, start, last, x, y):  # type: ignore[no-untyped-def]
    """Whether a ring runs once around a place that has every edge on the same side."""
    ax, ay = c[start, 0] - x, c[start, 1] - y
    upward = downward = 0
    lefts = rights = 0
    for i in range(start + 1, last + 1):
        bx, by = c[i, 0] - x, c[i, 1] - y
        forth, back = ax * by, ay * bx
        determinant = forth - back
        bound = ORIENTATION_ERROR * (abs(forth) + abs(back))
        lefts += determinant > bound
        rights += determinant < -bound
        upward += ay < 0.0 <= by
        downward += by < 0.0 <= ay
        ax, ay = bx, by
    edges = last - start
    return (lefts == edges and upward == 1) or (rights == edges and downward == 1)


@njit(cache=True)
def _is_simple(c, start, last, boxes, level_start, stack):  # type: ignore[no-untyped-def]
    """Whether no edge of a ring touches any but its neighbours; by a tree of boxes of consecutive edges."""
    edges = last - start
    count = (edges + _LEAF - 1) // _LEAF
    for k in range(count):
        first = start + k * _LEAF
        _box_of_run(c, first, min(first + _LEAF, last), boxes, k)
    level_start[0] = 0
    level, base = 0, 0
    while count > 1:
        above = (count + _LEAF - 1) // _LEAF
        level_start[level + 1] = base + count
        for k in range(above):
            at = base + count + k
            for axis in range(4):
                boxes[at, axis] = boxes[base + k * _LEAF, axis]
            for child in range(base + k * _LEAF + 1, base + min((k + 1) * _LEAF, count)):
                boxes[at, 0], boxes[at, 1] = min(boxes[at, 0], boxes[child, 0]), min(boxes[at, 1], boxes[child, 1])
                boxes[at, 2], boxes[at, 3] = max(boxes[at, 2], boxes[child, 2]), max(boxes[at, 3], boxes[child, 3])
        base, count, level = base + count, above, level + 1
    level_start[level + 1] = base + count
    stack[0, 0], stack[0, 1], stack[0, 2] = level, base, base
    size = 1
    while size:
        size -= 1
        level, one, other = stack[size, 0], stack[size, 1], stack[size, 2]
        if one != other and (
            boxes[one, 0] > boxes[other, 2]
            or boxes[other, 0] > boxes[one, 2]
            or boxes[one, 1] > boxes[other, 3]
            or boxes[other, 1] > boxes[one, 3]
        ):
            continue
        if level == 0:
            if not _runs_apart(c, start, last, one * _LEAF, other * _LEAF, edges):
                return False, stack
            continue
        if size + _LEAF * _LEAF > len(stack):
            larger = np.empty((2 * len(stack), 3), np.int64)
            larger[:size] = stack[:size]
            stack = larger
        below, end = level_start[level - 1], level_start[level]
        first = below + (one - level_start[level]) * _LEAF
        second = below + (other - level_start[level]) * _LEAF
        for p in range(first, min(first + _LEAF, end)):
            for q in range(p if one == other else second, min(second + _LEAF, end)):
                stack[size, 0], stack[size, 1], stack[size, 2] = level - 1, p, q
                size += 1
    return True, stack


@njit(cache=True, inline="always")
def _box_of_run(c, first, last, boxes, at):  # type: ignore[no-untyped-def]
    low_x = high_x = c[first, 0]
    low_y = high_y = c[first, 1]
    for i in range(first + 1, last + 1):
        low_x, high_x = min(low_x, c[i, 0]), max(high_x, c[i, 0])
        low_y, high_y = min(low_y, c[i, 1]), max(high_y, c[i, 1])
    boxes[at, 0], boxes[at, 1], boxes[at, 2], boxes[at, 3] = low_x, low_y, high_x, high_y


@njit(cache=True)
def _runs_apart(c, start, last, one, other, edges):  # type: ignore[no-untyped-def]
    """Whether edges of two runs of one ring meet only where they follow each other."""
    for p in range(one, min(one + _LEAF, edges)):
        i = start + p
        ax, ay, bx, by = c[i, 0], c[i, 1], c[i + 1, 0], c[i + 1, 1]
        low_x, high_x = min(ax, bx), max(ax, bx)
        low_y, high_y = min(ay, by), max(ay, by)
        for q in range(p + 1 if one == other else other, min(other + _LEAF, edges)):
            j = start + q
            cx, cy, dx, dy = c[j, 0], c[j, 1], c[j + 1, 0], c[j + 1, 1]
            if max(cx, dx) < low_x or min(cx, dx) > high_x or max(cy, dy) < low_y or min(cy, dy) > high_y:
                continue
            if q == p + 1:
                if not _goes_on(ax, ay, bx, by, dx, dy):
                    return False
            elif p == 0 and q == edges - 1:
                if not _goes_on(cx, cy, dx, dy, bx, by):
                    return False
            elif not _apart(ax, ay, bx, by, cx, cy, dx, dy):
                return False
    return True


@njit(cache=True, inline="always")
def _goes_on(ax, ay, bx, by, cx, cy):  # type: ignore[no-untyped-def]
    """Whether a line from a by b to c doesn't come back upon itself."""
    return (ax - bx) * (cx - bx) + (ay - by) * (cy - by) <= 0 or _orientation(ax, ay, bx, by, cx, cy) != 0


@njit(cache=True, inline="always")
def _apart(ax, ay, bx, by, cx, cy, dx, dy):  # type: ignore[no-untyped-def]
    """Whether one of two segments lies wholly on one side of the other."""
    if _orientation(ax, ay, bx, by, cx, cy) * _orientation(ax, ay, bx, by, dx, dy) > 0:
        return True
    return _orientation(cx, cy, dx, dy, ax, ay) * _orientation(cx, cy, dx, dy, bx, by) > 0


@njit(cache=True)
def sure_polygons(c, ring_start, ring_polygon, hole_ring, sure_ring, box, count):  # type: ignore[no-untyped-def]
    """Tell which polygons are valid beyond doubt, with rings that touch nowhere."""
    sure = np.ones(count, np.bool_)
    ring, rings = 0, len(ring_polygon)
    while ring < rings:
        stop = ring + 1
        while stop < rings and ring_polygon[stop] == ring_polygon[ring]:
            stop += 1
        polygon = ring_polygon[ring]
        for k in range(ring, stop):
            sure[polygon] &= sure_ring[k]
        if stop - ring > 1 and sure[polygon]:
            sure[polygon] = _parts_apart(hole_ring, box, ring, stop)
            first = ring
            while first < stop and sure[polygon]:
                end = first + 1
                while end < stop and hole_ring[end]:
                    end += 1
                if end - first > 1:
                    sure[polygon] = _holes_sound(c, ring_start, box, first, end)
                first = end
        ring = stop
    return sure


@njit(cache=True)
def _parts_apart(hole_ring, box, ring, stop):  # type: ignore[no-untyped-def]
    """Whether the boxes of the parts of a polygon don't meet."""
    shells = 0
    for k in range(ring, stop):
        shells += not hole_ring[k]
    if shells == 1:
        return True
    if shells > 1000:
        return False
    for one in range(ring, stop):
        if hole_ring[one]:
            continue
        for other in range(one + 1, stop):
            if not hole_ring[other] and _boxes_meet(box, one, other):
                return False
    return True


@njit(cache=True, inline="always")
def _boxes_meet(box, one, other):  # type: ignore[no-untyped-def]
    return (
        box[one, 0] <= box[other, 2]
        and box[other, 0] <= box[one, 2]
        and box[one, 1] <= box[other, 3]
        and box[other, 1] <= box[one, 3]
    )


@njit(cache=True, inline="always")
def _holds(box, outer, inner):  # type: ignore[no-untyped-def]
    return (
        box[outer, 0] <= box[inner, 0]
        and box[outer, 1] <= box[inner, 1]
        and box[outer, 2] >= box[inner, 2]
        and box[outer, 3] >= box[inner, 3]
    )


@njit(cache=True)
def _holes_sound(c, ring_start, box, shell, end):  # type: ignore[no-untyped-def]
    """Whether the holes after a shell lie in it and outside each other, and no two rings touch."""
    start, last = ring_start[shell], ring_start[shell + 1] - 1
    runs = (last - start + _RUN - 1) // _RUN
    run_box = np.empty((runs, 4))
    for run in range(runs):
        _box_of_run(c, start + run * _RUN, min(start + (run + 1) * _RUN, last), run_box, run)
    for hole in range(shell + 1, end):
        if not _holds(box, shell, hole):
            return False
        x, y = c[ring_start[hole], 0], c[ring_start[hole], 1]
        crossings = 0
        for run in range(runs):
            first, stop = start + run * _RUN, min(start + (run + 1) * _RUN, last)
            if run_box[run, 1] <= y <= run_box[run, 3] and run_box[run, 0] <= x:
                crossings += _crossed(c, first, stop, x, y)
            meets = run_box[run, 0] <= box[hole, 2] and box[hole, 0] <= run_box[run, 2]
            if meets and run_box[run, 1] <= box[hole, 3] and box[hole, 1] <= run_box[run, 3]:
                low_x, high_x = max(run_box[run, 0], box[hole, 0]), min(run_box[run, 2], box[hole, 2])
                low_y, high_y = max(run_box[run, 1], box[hole, 1]), min(run_box[run, 3], box[hole, 3])
                inner, outer = ring_start[hole], ring_start[hole + 1] - 1
                if not _lines_apart(c, first, stop, inner, outer, low_x, low_y, high_x, high_y):
                    return False
        if crossings % 2 == 0:
            return False
    order = np.argsort(box[shell + 1 : end, 0]) + shell + 1
    low = np.empty((len(order), 2))  # of the holes from west to east, one after another in memory
    high = np.empty((len(order), 2))
    for k in range(len(order)):
        low[k, 0], low[k, 1] = box[order[k], 0], box[order[k], 1]
        high[k, 0], high[k, 1] = box[order[k], 2], box[order[k], 3]
    for k in range(len(order)):
        one = order[k]
        for m in range(k + 1, len(order)):
            if low[m, 0] > high[k, 0]:
                break
            if low[m, 1] > high[k, 1] or high[m, 1] < low[k, 1]:
                continue
            other = order[m]
            low_x, high_x = max(box[one, 0], box[other, 0]), min(box[one, 2], box[other, 2])
            low_y, high_y = max(box[one, 1], box[other, 1]), min(box[one, 3], box[other, 3])
            a, b = ring_start[one], ring_start[one + 1] - 1
            d, e = ring_start[other], ring_start[other + 1] - 1
            if not _lines_apart(c, a, b, d, e, low_x, low_y, high_x, high_y):
                return False
            if _holds(box, one, other) and _crossed(c, a, b, c[d, 0], c[d, 1]) % 2:
                return False
            if _holds(box, other, one) and _crossed(c, d, e, c[a, 0], c[a, 1]) % 2:
                return False
    return True


@njit(cache=True)
def _crossed(c, first, last, x, y):  # type: ignore[no-untyped-def]
    """How many edges of a line a ray from a place to the west crosses; the place is on none of them."""
    count = 0
    for i in range(first, last):
        ax, ay, bx, by = c[i, 0], c[i, 1], c[i + 1, 0], c[i + 1, 1]
        if (ay <= y) == (by <= y) or (ax > x and bx > x):
            continue
        if ax < x and bx < x:
            count += 1
            continue
        side = _orientation(ax, ay, bx, by, x, y)
        count += side < 0 if by > ay else side > 0
    return count


@njit(cache=True)
def _lines_apart(c, a, b, d, e, low_x, low_y, high_x, high_y):  # type: ignore[no-untyped-def]
    """Whether no edge of the line from a to b touches one of the line from d to e, within a box."""
    near = np.empty(64, np.int64)
    count = 0
    for j in range(d, e):
        if (
            max(c[j, 0], c[j + 1, 0]) >= low_x
            and min(c[j, 0], c[j + 1, 0]) <= high_x
            and max(c[j, 1], c[j + 1, 1]) >= low_y
            and min(c[j, 1], c[j + 1, 1]) <= high_y
        ):
            if count == len(near):
                larger = np.empty(2 * count, np.int64)
                larger[:count] = near
                near = larger
            near[count] = j
            count += 1
    if count == 0:
        return True
    for i in range(a, b):
        ax, ay, bx, by = c[i, 0], c[i, 1], c[i + 1, 0], c[i + 1, 1]
        left, right = min(ax, bx), max(ax, bx)
        low, high = min(ay, by), max(ay, by)
        if right < low_x or left > high_x or high < low_y or low > high_y:
            continue
        for k in range(count):
            j = near[k]
            cx, cy, dx, dy = c[j, 0], c[j, 1], c[j + 1, 0], c[j + 1, 1]
            if max(cx, dx) < left or min(cx, dx) > right or max(cy, dy) < low or min(cy, dy) > high:
                continue
            if not _apart(ax, ay, bx, by, cx, cy, dx, dy):
                return False
    return True


@njit(cache=True)
def _next_sharp(c, start, last, i, east, north, least):  # type: ignore[no-untyped-def]
    """Return the first vertex of a ring from vertex i on at which it turns back sharply; its last if none does."""
    before = last - 1 if i == start else i - 1
    run_x, run_y = (c[i, 0] - c[before, 0]) * east, (c[i, 1] - c[before, 1]) * north
    for k in range(i, last):
        on_x, on_y = (c[k + 1, 0] - c[k, 0]) * east, (c[k + 1, 1] - c[k, 1]) * north
        turn = run_x * on_x + run_y * on_y
        if turn < 0:  # few corners are that sharp
            bound = least * (run_x * run_x + run_y * run_y) * (on_x * on_x + on_y * on_y)
            if turn * turn > bound:
                return k
        run_x, run_y = on_x, on_y
    return last


@njit(cache=True)
def sharp_corners(c, ring_start, east, north, cosine):  # type: ignore[no-untyped-def]
    """Vertices at which a border turns back so that the cosine of the angle is above some value, in scaled units."""
    found = np.empty(1024, np.int64)
    count = 0
    least = cosine * cosine
    for ring in range(len(ring_start) - 1):
        start, last = ring_start[ring], ring_start[ring + 1] - 1
        if last <= start:
            continue
        i = _next_sharp(c, start, last, start, east, north, least)
        while i < last:
            if count == len(found):
                larger = np.empty(2 * count, np.int64)
                larger[:count] = found
                found = larger
            found[count] = i
            count += 1
            i = _next_sharp(c, start, last, i + 1, east, north, least)
    return found[:count]


# ---------------------------------------------------------------- places in polygons

_CROWDED = 8  # polygons in a cell, on average, from which on a tree is the better index


@njit(cache=True)
def covered_places(c, ring_start, ring_polygon, box, place, owner, huge):  # type: ignore[no-untyped-def]
    """Tell which places lie in a polygon that isn't their owner, and which in the box of a huge one.

    ``box`` is that of each polygon. Where boxes are so large that a grid tells little nothing is told, and False.
    """
    count = len(box)
    covered, doubtful = np.zeros(len(place), np.bool_), np.zeros(len(place), np.bool_)
    west = south = np.inf
    east = north = -np.inf
    there = 0
    for k in range(count):
        if box[k, 0] <= box[k, 2]:
            west, south = min(west, box[k, 0]), min(south, box[k, 1])
            east, north = max(east, box[k, 2]), max(north, box[k, 3])
            there += 1
    if there == 0:
        return covered, doubtful, True
    cell = max(np.sqrt((east - west) * (north - south) / there), (east - west + north - south) / (2.0 * there), 1e-300)
    columns, rows = int((east - west) / cell) + 1, int((north - south) / cell) + 1
    start = np.zeros(columns * rows + 1, np.int64)
    item = np.empty(0, np.int64)
    for step in range(2):
        if step == 1:
            for k in range(columns * rows):
                start[k + 1] += start[k]
            item = np.empty(start[columns * rows], np.int64)
            free = start[:-1].copy()
        entries = 0
        for k in range(count):
            if not box[k, 0] <= box[k, 2]:
                continue
            left, right = int((box[k, 0] - west) / cell), int((box[k, 2] - west) / cell)
            for row in range(int((box[k, 1] - south) / cell), int((box[k, 3] - south) / cell) + 1):
                entries += right - left + 1
                if entries > _CROWDED * (columns * rows + there):
                    return covered, doubtful, False
                for column in range(left, right + 1):
                    at = row * columns + column
                    if step == 0:
                        start[at + 1] += 1
                    else:
                        item[free[at]] = k
                        free[at] += 1
    first_ring = np.searchsorted(ring_polygon, np.arange(count + 1))
    for p in range(len(place)):
        x, y = place[p, 0], place[p, 1]
        if not (west <= x <= east and south <= y <= north):
            continue
        at = int((y - south) / cell) * columns + int((x - west) / cell)
        for k in range(start[at], start[at + 1]):
            polygon = item[k]
            if polygon == owner[p] or x < box[polygon, 0] or x > box[polygon, 2]:
                continue
            if y < box[polygon, 1] or y > box[polygon, 3]:
                continue
            if huge[polygon]:
                doubtful[p] = True
                continue
            inside = False
            for ring in range(first_ring[polygon], first_ring[polygon + 1]):
                crossed = _crossed_or_on(c, ring_start[ring], ring_start[ring + 1] - 1, x, y)
                if crossed < 0:
                    inside = True
                    break
                inside ^= crossed % 2 == 1
            if inside:
                covered[p] = True
                break
    return covered, doubtful, True


@njit(cache=True)
def _crossed_or_on(c, first, last, x, y):  # type: ignore[no-untyped-def]
    """How many edges of a line a ray from a place to the west crosses; -1 where the place is on one of them."""
    count = 0
    for i in range(first, last):
        ax, ay, bx, by = c[i, 0], c[i, 1], c[i + 1, 0], c[i + 1, 1]
        if min(ay, by) > y or max(ay, by) < y or min(ax, bx) > x:
            continue
        side = 0
        if max(ax, bx) >= x:
            side = _orientation(ax, ay, bx, by, x, y)
            if side == 0:
                return -1
            if (side < 0) != (by > ay):
                continue
        if (ay <= y) != (by <= y):
            count += 1
    return count
