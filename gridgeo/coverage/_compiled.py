"""The kernel's inner loops, compiled by numba: the answers of the numpy code, several times faster on large layers.

Imported on large input only (see :mod:`gridgeo.coverage._engine`), because importing numba costs more than a small
layer. Each function says which numpy function it stands for; tests compare the two.
"""

# The loops index plain arrays and name the ends of segments a-b and c-d, as the numpy twins do.
from __future__ import annotations

import numpy as np
from numba import njit

from gridgeo.coverage._orientation import EPSILON, ORIENTATION_ERROR

_SPLITTER = 2.0**27 + 1.0


# ---------------------------------------------------------------- exact orientation


@njit(cache=True, inline="always")
def _two_sum(a, b):  # type: ignore[no-untyped-def]
    total = a + b
    b_virtual = total - a
    return total, (a - (total - b_virtual)) + (b - b_virtual)


@njit(cache=True, inline="always")
def _two_product(a, b):  # type: ignore[no-untyped-def]
    product = a * b
    c = _SPLITTER * a
    a_high = c - (c - a)
    a_low = a - a_high
    c = _SPLITTER * b
    b_high = c - (c - b)
    b_low = b - b_high
    return product, a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)


@njit(cache=True)
def _exact_orientation(ax, ay, bx, by, cx, cy):  # type: ignore[no-untyped-def]
    expansion = np.zeros(12)
    size = 0
    factors = ((ax, by), (-ax, cy), (-cx, by), (-ay, bx), (ay, cx), (cy, bx))
    for p, q in factors:
        high, low = _two_product(p, q)
        for addend in (low, high):
            rest = addend
            for k in range(size):
                rest, expansion[k] = _two_sum(rest, expansion[k])
            expansion[size] = rest
            size += 1
    sign = 0
    for k in range(size):
        if expansion[k] > 0:
            sign = 1
        elif expansion[k] < 0:
            sign = -1
    return sign


@njit(cache=True, inline="always")
def _orientation(ax, ay, bx, by, cx, cy):  # type: ignore[no-untyped-def]
    left = (ax - cx) * (by - cy)
    right = (ay - cy) * (bx - cx)
    determinant = left - right
    bound = ORIENTATION_ERROR * (abs(left) + abs(right))
    if determinant > bound:
        return 1
    if determinant < -bound:
        return -1
    return _exact_orientation(ax, ay, bx, by, cx, cy)


# ---------------------------------------------------------------- edges


@njit(cache=True)
def ring_turns(coordinates, ring_start):  # type: ignore[no-untyped-def]
    """Doubled area of each ring with its error bound, and whether any vertex repeats the one before it."""
    rings = len(ring_start) - 1
    area, bound = np.zeros(rings), np.zeros(rings)
    repeated = False
    for ring in range(rings):
        start, stop = ring_start[ring], ring_start[ring + 1]
        x0, y0 = coordinates[start, 0], coordinates[start, 1]
        px, py = 0.0, 0.0
        total, size = 0.0, 0.0
        for i in range(start + 1, stop):
            x, y = coordinates[i, 0] - x0, coordinates[i, 1] - y0
            forth, back = px * y, x * py
            total += forth - back
            size += abs(forth) + abs(back)
            if coordinates[i, 0] == coordinates[i - 1, 0] and coordinates[i, 1] == coordinates[i - 1, 1]:
                repeated = True
            px, py = x, y
        area[ring] = total
        bound[ring] = size * (stop - start + 8) * 4 * EPSILON
    return area, bound, repeated


@njit(cache=True)
def chunk_boxes(coordinates, start, stop):  # type: ignore[no-untyped-def]
    """Boxes of runs of edges; ``stop`` is the last vertex of each."""
    box = np.empty((len(start), 4))
    for k in range(len(start)):
        low_x = high_x = coordinates[start[k], 0]
        low_y = high_y = coordinates[start[k], 1]
        for i in range(start[k] + 1, stop[k] + 1):
            low_x, high_x = min(low_x, coordinates[i, 0]), max(high_x, coordinates[i, 0])
            low_y, high_y = min(low_y, coordinates[i, 1]), max(high_y, coordinates[i, 1])
        box[k, 0], box[k, 1], box[k, 2], box[k, 3] = low_x, low_y, high_x, high_y
    return box


@njit(cache=True, inline="always")
def _raster_cell(place, low, size, cells):  # type: ignore[no-untyped-def]
    return int(min(max(np.floor((place - low) / size), -1.0), float(cells))) + 1


@njit(cache=True)
def boxes_painted(box, which, low, size, cells, total):  # type: ignore[no-untyped-def]
    """Twin of the end of ``may_meet`` in ``_boxes``: which boxes come into a cell that is painted."""
    found = np.zeros(len(which), np.bool_)
    for k in range(len(which)):
        i = which[k]
        left, lower = _raster_cell(box[i, 0], low[0], size[0], cells), _raster_cell(box[i, 1], low[1], size[1], cells)
        right = _raster_cell(box[i, 2], low[0], size[0], cells) + 1
        upper = _raster_cell(box[i, 3], low[1], size[1], cells) + 1
        found[k] = total[right, upper] - total[left, upper] + total[left, lower] - total[right, lower] > 0
    return found


# ---------------------------------------------------------------- residual


@njit(cache=True)
def residual_parts(  # type: ignore[no-untyped-def]
    c, ring_start, ring_polygon, reversed_ring, mate, edge, segment, polygon, following, closed
):
    """Edge, segment, polygon, following segment and closedness of what did not cancel."""
    k = 0
    for ring in range(len(ring_start) - 1):
        first = k
        for i in range(ring_start[ring], ring_start[ring + 1] - 1):
            if mate[i] != -1:
                continue
            edge[k] = i
            polygon[k] = ring_polygon[ring]
            head, tail = i + 1, i
            if reversed_ring[ring]:
                head, tail = i, i + 1
            segment[k, 0], segment[k, 1] = c[tail, 0], c[tail, 1]
            segment[k, 2], segment[k, 3] = c[head, 0], c[head, 1]
            if k > first:
                following[k - 1] = k if edge[k - 1] == i - 1 else -1
            k += 1
        if k == first:
            continue
        whole = k - first == ring_start[ring + 1] - 1 - ring_start[ring]
        following[k - 1] = first if whole else -1
        closed[first:k] = whole


@njit(cache=True)
def strips_in_the_west(segment, middle, size, factor, places, strip):  # type: ignore[no-untyped-def]
    """Twin of ``_strips`` in the module of that name; in loops that the processor can do several steps of at once."""
    count = len(segment)
    degree = len(factor) - 1
    per_x, per_y = 1.0 / size[0], 1.0 / size[1]
    ax, ay, run_x, run_y = np.empty(count), np.empty(count), np.empty(count), np.empty(count)
    x, y, total, inner = np.empty(count), np.empty(count), np.empty(count), np.empty(count)
    for k in range(count):
        ax[k], ay[k] = (segment[k, 0] - middle[0]) * per_x, (segment[k, 1] - middle[1]) * per_y
        run_x[k] = (segment[k, 2] - middle[0]) * per_x - ax[k]
        run_y[k] = (segment[k, 3] - middle[1]) * per_y - ay[k]
        strip[k] = 0.0
    for place in range(len(places)):
        at, weight = places[place, 0], places[place, 1]
        last = factor[degree, 0]
        for k in range(count):
            x[k], y[k] = ax[k] + at * run_x[k], ay[k] + at * run_y[k]
            total[k] = last * x[k]
        for i in range(degree - 1, -1, -1):
            one = factor[i, degree - i]
            for k in range(count):
                inner[k] = one * y[k]
            for j in range(degree - i - 1, 0, -1):
                one = factor[i, j]
                for k in range(count):
                    inner[k] = (inner[k] + one) * y[k]
            one = factor[i, 0]
            for k in range(count):
                total[k] = (total[k] + (inner[k] + one)) * x[k]
        for k in range(count):
            strip[k] += weight * total[k]
    for k in range(count):
        strip[k] *= run_y[k]


# ---------------------------------------------------------------- interactions


@njit(cache=True)
def spread(segment):  # type: ignore[no-untyped-def]
    """Box of all segments and their mean size."""
    low_x = low_y = np.inf
    high_x = high_y = -np.inf
    total = 0.0
    for i in range(len(segment)):
        ax, ay, bx, by = segment[i, 0], segment[i, 1], segment[i, 2], segment[i, 3]
        low_x, low_y = min(low_x, ax, bx), min(low_y, ay, by)
        high_x, high_y = max(high_x, ax, bx), max(high_y, ay, by)
        total += max(abs(bx - ax), abs(by - ay))
    return low_x, low_y, high_x, high_y, total / len(segment)


@njit(cache=True)
def grid_items(segment, x0, y0, cell, columns, rows, grow, count, item):  # type: ignore[no-untyped-def]
    """Sort segments into the cells of a grid that they come near.

    In a first pass, without items, only count those of each cell, one place after it; in a second one ``count`` has
    where each cell starts, and becomes where it ends.
    """
    slack = 1e-3 * cell + grow
    per = 1.0 / cell
    counting = len(item) == 0
    for i in range(len(segment)):
        ax, ay, bx, by = segment[i, 0], segment[i, 1], segment[i, 2], segment[i, 3]
        if ay > by:
            ax, ay, bx, by = bx, by, ax, ay
        first_row, last_row = int((ay - grow - y0) * per), int((by + grow - y0) * per)
        for row in range(first_row, last_row + 1):
            xa, xb = ax, bx
            if ay < by and first_row != last_row:  # the part of the segment within the row, with a little slack
                low = min(max(ay, y0 + row * cell - grow), by)
                high = max(min(by, y0 + (row + 1) * cell + grow), ay)
                xa = ax + (bx - ax) * ((low - ay) / (by - ay))
                xb = ax + (bx - ax) * ((high - ay) / (by - ay))
            if xa > xb:
                xa, xb = xb, xa
            first = max(int((xa - slack - x0) * per), 0)
            last = min(int((xb + slack - x0) * per), columns - 1)
            for column in range(first, last + 1):
                at = row * columns + column
                if counting:
                    count[at + 1] += 1
                else:
                    item[count[at]] = i
                    count[at] += 1


@njit(cache=True, inline="always")
def _within(x, y, ax, ay, bx, by):  # type: ignore[no-untyped-def]
    return min(ax, bx) <= x <= max(ax, bx) and min(ay, by) <= y <= max(ay, by)


@njit(cache=True, inline="always")
def _side_by_side(segment, k, m, reach_x, reach_y, least):  # type: ignore[no-untyped-def]
    """Twin of ``beside`` in ``_interactions`` for one pair."""
    x, y = segment[k, 0], segment[k, 1]
    run_x, run_y = (segment[k, 2] - x) / reach_x, (segment[k, 3] - y) / reach_y
    ax, ay = (segment[m, 0] - x) / reach_x, (segment[m, 1] - y) / reach_y
    bx, by = (segment[m, 2] - x) / reach_x, (segment[m, 3] - y) / reach_y
    back_x, back_y = bx - ax, by - ay
    opposite = run_x * back_x + run_y * back_y
    if opposite >= 0:
        return False
    size = run_x * run_x + run_y * run_y
    if opposite * opposite < least**2 * size * (back_x * back_x + back_y * back_y):
        return False
    near, far = bx * run_x + by * run_y, ax * run_x + ay * run_y
    low, high = max(near, 0.0), min(far, size)
    if low >= high:
        return False
    middle = (low + high) / 2
    share, along = (middle - near) / (far - near), middle / size
    off_x, off_y = bx - share * back_x - along * run_x, by - share * back_y - along * run_y
    outward = run_y * off_x - run_x * off_y
    return outward > 0 and outward * outward <= size


@njit(cache=True)
def grid_interactions(  # type: ignore[no-untyped-def]
    segment, following, fresh, all_fresh, polygon, reach, least, count, item, crossing, on_segment, touched
):
    """Classify pairs of segments that share a cell; return how many crossings and ends inside there are.

    More may be found than fit into the arrays: then the caller makes them larger and asks again. With a reach, pairs
    of different polygons that run side by side are returned too, some more than once.
    """
    crossings = 0
    insides = 0
    facing = np.empty((1024, 2), np.int64)
    faced = 0
    reach_x, reach_y = reach
    box = np.empty((64, 4))  # of the segments in a cell
    for cell in range(len(count) - 1):
        first = count[cell]
        size = count[cell + 1] - first
        if size < 2:
            continue
        if size > len(box):
            box = np.empty((2 * size, 4))
        for v in range(size):
            j = item[first + v]
            cx, cy, dx, dy = segment[j, 0], segment[j, 1], segment[j, 2], segment[j, 3]
            box[v, 0], box[v, 1], box[v, 2], box[v, 3] = min(cx, dx), min(cy, dy), max(cx, dx), max(cy, dy)
        for u in range(size - 1):
            i = item[first + u]
            ax, ay, bx, by = segment[i, 0], segment[i, 1], segment[i, 2], segment[i, 3]
            low_x, low_y, high_x, high_y = box[u, 0], box[u, 1], box[u, 2], box[u, 3]
            far_west, far_east = low_x - reach_x, high_x + reach_x
            far_south, far_north = low_y - reach_y, high_y + reach_y
            for v in range(u + 1, size):
                west, south, east, north = box[v, 0], box[v, 1], box[v, 2], box[v, 3]
                if (east < far_west) | (west > far_east) | (north < far_south) | (south > far_north):
                    continue
                j = item[first + v]
                if reach_x > 0.0 and polygon[i] != polygon[j]:
                    k, m = min(i, j), max(i, j)
                    if _side_by_side(segment, k, m, reach_x, reach_y, least):
                        if faced == len(facing):
                            larger = np.empty((2 * faced, 2), np.int64)
                            larger[:faced] = facing
                            facing = larger
                        facing[faced, 0], facing[faced, 1] = k, m
                        faced += 1
                if (east < low_x) | (west > high_x) | (north < low_y) | (south > high_y):
                    continue
                cx, cy, dx, dy = segment[j, 0], segment[j, 1], segment[j, 2], segment[j, 3]
                if not all_fresh and not fresh[i] and not fresh[j]:
                    continue
                ac, bc = ax == cx and ay == cy, bx == cx and by == cy
                ad, bd = ax == dx and ay == dy, bx == dx and by == dy
                if ac or bc or ad or bd:
                    equal = (ac and bd) or (ad and bc)
                    if not equal and (following[i] == j or following[j] == i):
                        continue
                    touched[i] = True
                    touched[j] = True
                    if equal:
                        continue
                side_c, side_d = _orientation(ax, ay, bx, by, cx, cy), _orientation(ax, ay, bx, by, dx, dy)
                if side_c * side_d > 0:
                    continue
                side_a, side_b = _orientation(cx, cy, dx, dy, ax, ay), _orientation(cx, cy, dx, dy, bx, by)
                if side_c * side_d < 0 and side_a * side_b < 0:
                    if crossings < len(crossing):
                        crossing[crossings, 0], crossing[crossings, 1] = min(i, j), max(i, j)
                    crossings += 1
                    continue
                for end in range(4):
                    if end == 0:
                        inside = side_c == 0 and not (ac or bc) and _within(cx, cy, ax, ay, bx, by)
                    elif end == 1:
                        inside = side_d == 0 and not (ad or bd) and _within(dx, dy, ax, ay, bx, by)
                    elif end == 2:
                        inside = side_a == 0 and not (ac or ad) and _within(ax, ay, cx, cy, dx, dy)
                    else:
                        inside = side_b == 0 and not (bc or bd) and _within(bx, by, cx, cy, dx, dy)
                    if inside:
                        if insides < len(on_segment):
                            on_segment[insides, 0] = i if end < 2 else j
                            on_segment[insides, 1] = j if end < 2 else i
                            on_segment[insides, 2] = end % 2
                        insides += 1
    return crossings, insides, facing[:faced]


# ---------------------------------------------------------------- winding


@njit(cache=True)
def band_items(low, high, base, height, bands):  # type: ignore[no-untyped-def]
    """Sort segments into horizontal bands: (start of each band, segments)."""
    start = np.zeros(bands + 2, np.int64)
    item = np.empty(0, np.int64)
    for step in range(2):
        if step == 1:
            for k in range(bands + 1):
                start[k + 1] += start[k]
            item = np.empty(start[bands + 1], np.int64)
            place = start[:-1].copy()
        for i in range(len(low)):
            first = min(max(int((low[i] - base) / height), 0), bands)
            last = min(max(int((high[i] - base) / height), 0), bands)
            for band in range(first, last + 1):
                if step == 0:
                    start[band + 1] += 1
                else:
                    item[place[band]] = i
                    place[band] += 1
    return start, item


@njit(cache=True)
def winding_right_of(query, segment, row, start, item):  # type: ignore[no-untyped-def]
    """Twin of the function of the same name in ``_winding``."""
    winding = np.zeros(len(query), np.int64)
    for k in range(len(query)):
        x, y, wx, wy = query[k, 0], query[k, 1], query[k, 2], query[k, 3]
        hair = 1 if wy > y or (wy == y and wx < x) else -1
        total = 0
        for t in range(start[row[k]], start[row[k] + 1]):
            i = item[t]
            ay, by = segment[i, 1], segment[i, 3]
            if hair > 0:
                if (ay <= y) == (by <= y):
                    continue
            elif (ay < y) == (by < y):
                continue
            ax, bx = segment[i, 0], segment[i, 2]
            if ax > x and bx > x:
                continue
            up = by > ay
            if ax < x and bx < x:
                passed = True
            else:
                side = _orientation(ax, ay, bx, by, x, y)
                if side != 0:
                    passed = side < 0 if up else side > 0
                else:
                    toward_b = up == (hair > 0) and by != y
                    turn = _orientation(x, y, wx, wy, bx if toward_b else ax, by if toward_b else ay)
                    passed = (1 if turn == 0 else turn) == hair
            if passed:
                total += -1 if up else 1
        winding[k] = total
    return winding


# ---------------------------------------------------------------- arrangement


@njit(cache=True)
def trace(onward):  # type: ignore[no-untyped-def]
    """Twin of ``_trace`` in ``_arrangement``."""
    face = np.full(len(onward), -1, np.int64)
    start = np.empty(len(onward), np.int64)
    faces = 0
    for first in range(len(onward)):
        if face[first] >= 0:
            continue
        half = first
        while face[half] < 0:
            face[half] = faces
            half = onward[half]
        start[faces] = first
        faces += 1
    return face, start[:faces].copy()


@njit(cache=True)
def walk(onward, face_start):  # type: ignore[no-untyped-def]
    """Half-edges of all faces, one face after another."""
    order = np.empty(len(onward), np.int64)
    count = 0
    for first in face_start:
        half = first
        while True:
            order[count] = half
            count += 1
            half = onward[half]
            if half == first:
                break
    return order


@njit(cache=True)
def merge(merged, one, other):  # type: ignore[no-untyped-def]
    """Twin of ``_merge`` in ``_arrangement``, pair after pair."""
    for k in range(len(one)):
        p, q = one[k], other[k]
        while merged[p] != p:
            p = merged[p]
        while merged[q] != q:
            q = merged[q]
        merged[max(p, q)] = min(p, q)
