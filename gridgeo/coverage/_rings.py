"""Rings: faces of an arrangement as valid polygons.

The topology of an arrangement is exact, the coordinates of its crossings are rounded. So a face may come out with a
hair's breadth of itself folded over; such polygons, and only such, are mended without a change of area that doubles
could show.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.coverage._arrangement import Arrangement

Ring = list[tuple[float, float]]


def rings_of(arrangement: Arrangement, face: int) -> list[Ring]:
    """Return closed rings around a face, without those that rounding has folded to nothing."""
    loops = _simple_loops(arrangement, arrangement.around(face))
    return [ring for ring in (_coordinates(arrangement, loop) for loop in loops) if len(ring) >= 4]


def _simple_loops(arrangement: Arrangement, halves: list[int]) -> list[list[int]]:
    """Split a walk around a face where it comes back to a node: loops of nodes that are not repeated."""
    tail = arrangement.walk.tail
    nodes = [tail[half] for half in halves]
    if len(set(nodes)) == len(nodes):
        return [nodes]
    loops: list[list[int]] = []
    path: list[int] = []
    place: dict[int, int] = {}
    for node in nodes:
        if node in place:
            cut = place[node]
            loops.append(path[cut:])
            for dropped in path[cut:]:
                del place[dropped]
            del path[cut:]
        place[node] = len(path)
        path.append(node)
    loops.append(path)
    return loops


def _coordinates(arrangement: Arrangement, loop: list[int]) -> Ring:
    """Close the ring of a loop of nodes, without repeated places."""
    x, y = arrangement.walk.x, arrangement.walk.y
    ring = [(x[loop[0]], y[loop[0]])]
    for k in loop[1:]:
        if (place := (x[k], y[k])) != ring[-1]:
            ring.append(place)
    if ring[0] != ring[-1] or len(ring) == 1:
        ring.append(ring[0])
    return ring


def signed_area(ring: Ring) -> float:
    """Return twice the area of a ring, positive if it runs counterclockwise."""
    x0, y0 = ring[0]
    return sum((ax - x0) * (by - y0) - (bx - x0) * (ay - y0) for (ax, ay), (bx, by) in pairwise(ring))


def sound_polygons(shells: list[Ring], holes: list[list[Ring]]) -> tuple[npt.NDArray[np.object_], list[int]]:
    """Make valid polygons of rings; tell which shell each is of. Those without area left are left out."""
    rings = [ring for shell, inner in zip(shells, holes, strict=True) for ring in (shell, *inner)]
    if not rings:
        return np.zeros(0, object), []
    owner = np.repeat(np.arange(len(shells)), [1 + len(inner) for inner in holes])
    corner = np.array([place for ring in rings for place in ring])
    lines = shapely.linearrings(corner, indices=np.repeat(np.arange(len(rings)), [len(ring) for ring in rings]))
    polygons = shapely.polygons(lines, indices=owner)
    kept, source = [], []
    area, valid = shapely.area(polygons), shapely.is_valid(polygons)
    for k, polygon in enumerate(polygons):
        parts = ([polygon] if area[k] > 0 else []) if valid[k] else _sound_parts(polygon)
        kept += parts
        source += [k] * len(parts)
    array = np.empty(len(kept), object)
    array[:] = kept
    return array, source


def _sound_parts(polygon: shapely.Polygon) -> list[shapely.Polygon]:
    """Return valid parts of the same area as a polygon of which rounding has folded a hair's breadth.

    No one of the ways to mend a polygon is right for all: of what they make, the nearest in area is taken.
    """
    unit = 4.0 * float(np.spacing(np.abs(shapely.get_coordinates(polygon)).max()))
    best: list[shapely.Polygon] = []
    smallest = float(shapely.area(polygon))  # the error of leaving it out
    for mended in _mended(polygon, unit):
        flat = shapely.get_parts(shapely.get_parts(mended))
        parts = [part for part in flat if shapely.get_type_id(part) == 3 and shapely.area(part) > 0]
        error = abs(float(shapely.area(parts).sum()) - float(shapely.area(polygon)))
        if error < smallest and shapely.is_valid(parts).all():
            best, smallest = parts, error
            if error <= unit * float(shapely.length(polygon)):
                break
    return best


def _mended(polygon: shapely.Polygon, unit: float) -> Iterator[shapely.Geometry]:
    """Ways to make a polygon valid, from the gentlest to the roughest."""
    rings = [_without_near_repeats(shapely.get_coordinates(ring), unit) for ring in shapely.get_rings(polygon)]
    if len(rings[0]) >= 4:
        plain = shapely.Polygon(rings[0], [ring for ring in rings[1:] if len(ring) >= 4])
        if shapely.is_valid(plain):
            yield plain
    yield shapely.make_valid(polygon)
    yield shapely.make_valid(polygon, method="structure", keep_collapsed=False)
    yield shapely.buffer(polygon, 0)


def _without_near_repeats(ring: npt.NDArray[np.float64], unit: float) -> npt.NDArray[np.float64]:
    """Leave out vertices a few units in the last place away from the one before."""
    apart = np.abs(np.diff(ring, axis=0)).max(axis=1) > unit
    kept = ring[:-1][apart]
    return np.concatenate([kept, kept[:1]])
