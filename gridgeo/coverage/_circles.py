"""Circles: how large a circle fits into a polygon of few edges, to a thousandth.

Theory. The largest circle touches the border, so that it is enough to look at circles that touch an edge at a place on
it, or a reflex corner from some side, and have grown until they touch the border elsewhere. Their radius is the least
of what each other edge and vertex leaves room for. For a line and for a vertex that is a convex function of the place
along the edge, and of the direction from the corner: on a stretch it is nowhere larger than at both of its ends. So
each stretch has an upper bound, its middle gives a lower one, and stretches that may hold the largest circle are halved
until the two agree. Unlike a search in cells this doesn't mind how slender a polygon is.

Cost. Edges times edges for a polygon, a few times over. The same bits whether numpy or the compiled loop works.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.coverage._edges import Bools, Edges, Ints, extract_edges
from gridgeo.coverage._engine import compiled_circles_for

Floats = npt.NDArray[np.float64]

PRECISION = 1e-3
"""Relative: a radius is at most so much smaller than that of the largest circle."""
MOST_EDGES = 128
"""Of a polygon; with more, others are faster."""

_ROUNDS = 40
_STRETCHES = 16  # for each edge, at once; with more it is given up
_PARALLEL = 1e-18  # square of the difference of two directions
_SLACK = 1e-9  # of an edge's length, beyond its ends
_NOISE = 1e-15  # of the size of a polygon
_EDGE = 1e-3  # of a stretch: no nearer to its ends is it divided
_BLOCK = 1 << 15  # pairs of a stretch and an edge


def inscribed_radii(polygons: npt.NDArray[np.object_]) -> Floats:
    """Return the radius of the largest circle in each polygon; no number where it is not told.

    It is told of valid polygons of at most `MOST_EDGES` vertices, but for a few that would take too long.

    Examples
    --------
    >>> inscribed_radii(shapely.box(np.zeros(2), 0, [4, 1000], 2)).round(2).tolist()
    [1.0, 1.0]
    """
    radius = np.full(len(polygons), np.nan)
    few = np.flatnonzero((shapely.get_num_coordinates(polygons) <= MOST_EDGES) & (shapely.area(polygons) > 0))
    # beyond a crossing of a ring with itself, were it by a last digit, a circle meets no edge from inside
    chosen = few[shapely.is_valid(polygons[few])]
    if not len(chosen):
        return radius
    edges = extract_edges(polygons[chosen])
    segment, following, start = _segments(edges)
    area, length = shapely.area(polygons[chosen]), shapely.length(polygons[chosen])
    least = area / length
    size = np.diff(start)
    stretch, owner = _stretches(segment, following)
    compiled = compiled_circles_for(int((size * size).sum()))
    if compiled is not None:
        radius[chosen] = compiled.inscribed_radii(stretch, owner, segment, following, start, least)
    else:
        radius[chosen] = _inscribed_radii(stretch, owner, segment, following, start, least)
    # rounding may leave room for more than there is
    radius[chosen] = np.minimum(radius[chosen], np.sqrt(area / np.pi))
    return radius


def _segments(edges: Edges) -> tuple[Floats, Ints, Ints]:
    """Edges with the interior on the left, from the first vertex of their polygon; the next of each; those of each."""
    edge = np.flatnonzero(~edges.no_edge)
    ring = edges.ring_of(edge)
    polygon = edges.ring_polygon[ring]
    start = np.searchsorted(polygon, np.arange(edges.count + 1))
    origin = edges.coordinates[edges.ring_start[np.searchsorted(edges.ring_polygon, polygon)]]
    segment = edges.oriented(edge) - np.tile(origin, 2)
    ring_start = np.searchsorted(ring, np.arange(len(edges.ring_polygon)))
    ring_size = np.diff(np.append(ring_start, len(edge)))
    place = np.arange(len(edge)) - ring_start[ring]
    step = np.where(edges.reversed_ring[ring], -1, 1)
    return segment, ring_start[ring] + (place + step) % ring_size[ring], start


def _stretches(segment: Floats, following: Ints) -> tuple[Floats, Ints]:
    """Return what a circle may touch, and the edge that it belongs to, in the order of the edges.

    A stretch is a row of place and direction inward at its one end and at its other: an edge, or a half of the
    directions from a reflex corner. Of the corner at the end of edge k the owner is -k - 1.
    """
    along = _directions(segment)
    inward = np.column_stack([-along[:, 1], along[:, 0]])
    edges = np.hstack([segment[:, :2], inward, segment[:, 2:], inward])
    onward = along[following]
    corner = np.flatnonzero(along[:, 0] * onward[:, 1] - along[:, 1] * onward[:, 0] < 0)
    before, after = inward[corner], inward[following[corner]]
    acute = (before * after).sum(axis=1) > 0
    middle = _normal(np.where(acute[:, None], before + after, along[corner] - onward[corner]))
    place = segment[corner, 2:]
    halves = [np.hstack([place, before, place, middle]), np.hstack([place, middle, place, after])]
    stretch = np.concatenate([edges, *halves])
    owner = np.concatenate([np.arange(len(segment)), -corner - 1, -corner - 1])
    order = np.argsort(np.where(owner < 0, -owner - 1, owner), kind="stable")
    return stretch[order], owner[order]


def _directions(segment: Floats) -> Floats:
    return _normal(segment[:, 2:] - segment[:, :2])


def _normal(run: Floats) -> Floats:
    normal: Floats = run / np.sqrt(run[:, 0] * run[:, 0] + run[:, 1] * run[:, 1])[:, None]
    return normal


def _halved(stretch: Floats) -> Floats:
    """Return the middles of stretches: place and direction."""
    place = (stretch[:, 0:2] + stretch[:, 4:6]) / 2
    turned = (stretch[:, 2] != stretch[:, 6]) | (stretch[:, 3] != stretch[:, 7])
    direction = stretch[:, 2:4].copy()
    direction[turned] = _normal(stretch[turned, 2:4] + stretch[turned, 6:8])
    return np.hstack([place, direction])


def _inscribed_radii(
    stretch: Floats, owner: Ints, segment: Floats, following: Ints, start: Ints, least: Floats
) -> Floats:
    """Search all polygons at once, in rounds."""
    along = _directions(segment)
    run = segment[:, 2:] - segment[:, :2]
    length = np.sqrt(run[:, 0] * run[:, 0] + run[:, 1] * run[:, 1])
    count = np.diff(start)
    polygon_of = np.repeat(np.arange(len(count)), count)
    noise = np.maximum.reduceat(np.abs(segment).max(axis=1), start[:-1]) * _NOISE
    best, lost = least.copy(), np.zeros(len(count), bool)
    for _ in range(_ROUNDS):
        of = polygon_of[np.where(owner < 0, -owner - 1, owner)]
        middle = _halved(stretch)
        upper, lower = np.empty(len(owner)), np.empty(len(owner))
        nearest = np.empty(len(owner), np.int64)
        pairs = np.cumsum(count[of])
        begin = 0
        while begin < len(owner):
            end = max(begin + 1, int(np.searchsorted(pairs, (pairs[begin - 1] if begin else 0) + _BLOCK)))
            size = count[of[begin:end]]
            first = np.cumsum(size) - size
            row = np.repeat(np.arange(begin, end), size)
            site = np.arange(len(row)) - np.repeat(first, size) + start[of[row]]
            own = owner[row]
            corner = own < 0
            mine = np.where(corner, -own - 1, own)
            beside = site == following[mine]  # starts where the edge ends
            own_line = corner & (beside | (site == mine))
            own_vertex = beside | (~corner & (site == mine))
            own_end = ~corner & (following[site] == mine)
            rooms = [
                _room(ends[row], site, own_line, own_vertex, own_end, segment, along, length, noise[of[row]])
                for ends in (stretch[:, :4], middle, stretch[:, 4:])
            ]
            line = np.maximum(rooms[0][0], rooms[2][0])
            line[corner & _between(stretch[row], along[site])] = np.inf
            upper[begin:end] = np.minimum.reduceat(np.minimum(line, np.maximum(rooms[0][1], rooms[2][1])), first)
            room = np.minimum(*rooms[1])
            lower[begin:end] = np.minimum.reduceat(room, first)
            nearest[begin:end] = _nearest(room, lower[begin:end], first, size, site)
            begin = end
        np.maximum.at(best, of, np.where(np.isfinite(lower), lower, 0.0))
        going = upper > best[of] * (1 + PRECISION)
        lost |= 2 * np.bincount(of[going], minlength=len(count)) > _STRETCHES * count
        going &= ~lost[of]
        if not going.any():
            break
        stretch, middle, owner, nearest = stretch[going], middle[going], owner[going], nearest[going]
        share = _share(stretch, owner, nearest, segment, along, length)
        elsewhere = share != 0.5
        start_, run_ = stretch[elsewhere, :2], stretch[elsewhere, 4:6] - stretch[elsewhere, :2]
        middle[elsewhere, :2] = start_ + share[elsewhere, None] * run_
        stretch = np.stack([np.hstack([stretch[:, :4], middle]), np.hstack([middle, stretch[:, 4:]])], axis=1)
        stretch, owner = stretch.reshape(-1, 8), np.repeat(owner, 2)
    else:
        lost[of[going]] = True
    best[lost] = np.nan
    return best


def _room(
    from_: Floats,
    site: Ints,
    own_line: Bools,
    own_vertex: Bools,
    own_end: Bools,
    segment: Floats,
    along: Floats,
    length: Floats,
    noise: Floats,
) -> tuple[Floats, Floats]:
    """Radius at which a circle that grows from a place in a direction touches an edge, and the first end of that.

    An edge is touched inside or at the end that the place of touch of its line lies beyond: the two agree there, so
    that on a stretch neither is larger than at both of its ends.
    """
    x, y, inward_x, inward_y = from_.T
    off_x, off_y = x - segment[site, 0], y - segment[site, 1]
    beyond_x, beyond_y = x - segment[site, 2], y - segment[site, 3]
    away = along[site, 0] * off_y - along[site, 1] * off_x
    lean_x, lean_y = inward_x + along[site, 1], inward_y - along[site, 0]
    turn = lean_x * lean_x + lean_y * lean_y
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        line = 2 * np.maximum(away, 0.0) / turn
        place = (off_x + line * lean_x) * along[site, 0] + (off_y + line * lean_y) * along[site, 1]
        ahead = -(inward_x * off_x + inward_y * off_y)
        vertex = np.where(ahead > 0, (off_x * off_x + off_y * off_y) / (2 * ahead), np.inf)
        ahead = -(inward_x * beyond_x + inward_y * beyond_y)
        end = np.where(ahead > 0, (beyond_x * beyond_x + beyond_y * beyond_y) / (2 * ahead), np.inf)
        vertex[own_vertex], end[own_end] = np.inf, np.inf
        edge = np.where(place < -_SLACK * length[site], vertex, line)
        edge = np.where(place > length[site] * (1 + _SLACK), end, edge)
        edge[~((away >= -noise) & (turn >= _PARALLEL)) | own_line] = np.inf
    return edge, vertex


def _nearest(room: Floats, least: Floats, first: Ints, size: Ints, site: Ints) -> Ints:
    """Return the first of the edges that leave the least room in the middle of each stretch."""
    at = np.where(room <= np.repeat(least, size), site, np.iinfo(np.int64).max)
    found: Ints = np.minimum.reduceat(at, first)
    return found


def _share(stretch: Floats, owner: Ints, nearest: Ints, segment: Floats, along: Floats, length: Floats) -> Floats:
    """Return where to divide each stretch: where the place of touch on the nearest edge passes its end, or halfway."""
    share = np.full(len(stretch), 0.5)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        start, stop = (_touch(ends, nearest, segment, along) for ends in (stretch[:, :4], stretch[:, 4:]))
        for end in (length[nearest], np.zeros(len(stretch))):
            part = (end - start) / (stop - start)
            share = np.where((part > _EDGE) & (part < 1 - _EDGE), part, share)
    return np.where(owner < 0, 0.5, share)


def _touch(from_: Floats, site: Ints, segment: Floats, along: Floats) -> Floats:
    """Return where a circle that grows from a place touches the line of an edge."""
    off_x, off_y = from_[:, 0] - segment[site, 0], from_[:, 1] - segment[site, 1]
    lean_x, lean_y = from_[:, 2] + along[site, 1], from_[:, 3] - along[site, 0]
    line = 2 * (along[site, 0] * off_y - along[site, 1] * off_x) / (lean_x * lean_x + lean_y * lean_y)
    place: Floats = (off_x + line * lean_x) * along[site, 0] + (off_y + line * lean_y) * along[site, 1]
    return place


def _between(stretch: Floats, along: Floats) -> Bools:
    """Whether the direction inward from an edge lies between the directions at both ends of a stretch."""
    x, y = -along[:, 1], along[:, 0]
    sense = stretch[:, 2] * stretch[:, 7] - stretch[:, 3] * stretch[:, 6]
    one = (stretch[:, 2] * y - stretch[:, 3] * x) * sense
    other = (x * stretch[:, 7] - y * stretch[:, 6]) * sense
    ahead = (stretch[:, 2] + stretch[:, 6]) * x + (stretch[:, 3] + stretch[:, 7]) * y > 0
    between: Bools = (one >= 0) & (other >= 0) & ahead
    return between
