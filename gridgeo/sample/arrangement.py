"""The first division of a town: its street surface, cut into patrol areas, and the faces between streets and rivers.

All lines of the plan are noded once; everything after that works on the faces, whose rings have all nodes, so that
the pieces are one coverage.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.sample.plan import Line, Plan, segments

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LONGEST_EDGE = 30.0
"""Metres: borders have a vertex at least this often, where later cuts may end."""
CORNER_RADIUS = 11.0
SHORTEST_EDGE = 0.4
SMALLEST_STREET = 6000.0
SMALLEST_FACE = 2.0e4
NARROWEST_FACE = 62.0


@dataclass(frozen=True)
class Arrangement:
    """Faces and street surface of a town, one coverage, in metres."""

    faces: npt.NDArray[np.object_]
    patrols: npt.NDArray[np.object_]
    extent: shapely.Polygon
    rivers: tuple[Floats, ...]
    """Vertices of the plan's rivers, where they lie on borders."""


def arrange(plan: Plan, *, patrols: int, rounded: bool = True) -> Arrangement:
    """Divide a planned town into patrol areas and the faces between the streets and rivers.

    Parameters
    ----------
    plan : Plan
        Centre lines and outline.
    patrols : int
        Patrol areas wanted.
    rounded : bool
        Whether kerbs are rounded at junctions.
    """
    surface = _street_surface(plan.streets, rounded)
    cuts = _street_cuts(plan, surface)
    lines = [plan.outline.exterior, *shapely.get_parts(surface.boundary), *cuts]
    lines += [shapely.LineString(river.points) for river in plan.rivers]
    noded = shapely.get_parts(shapely.union_all(np.array(lines, dtype=object)))
    noded = shapely.transform(shapely.segmentize(noded, LONGEST_EDGE), lambda xy: np.round(xy, 3))
    noded, rivers = _without_short_edges(noded, [river.points for river in plan.rivers])
    faces = shapely.orient_polygons(shapely.get_parts(shapely.polygonize(noded)))
    inner = shapely.point_on_surface(faces)
    x, y = shapely.get_x(inner), shapely.get_y(inner)
    for prepared in (plan.outline, surface):
        shapely.prepare(prepared)
    inside = shapely.contains_xy(plan.outline, x, y)
    paved = shapely.contains_xy(surface, x, y) & inside
    street, land = faces[paved], faces[inside & ~paved]
    lost = _lost_pieces(street)
    street, land = street[~lost], np.concatenate([land, street[lost]])
    land, street = _join_small_faces(land, street)
    areas = _patrol_areas(street, patrols)
    extent = shapely.coverage_union_all(np.concatenate([land, areas]))
    return Arrangement(land, areas, extent, rivers)


def _without_short_edges(
    lines: npt.NDArray[np.object_], rivers: list[Floats]
) -> tuple[npt.NDArray[np.object_], tuple[Floats, ...]]:
    """Move vertices that lie very near each other into one, in the lines and in the rivers among them."""
    points, line = shapely.get_coordinates(lines, return_index=True)
    distinct, number = np.unique(points, axis=0, return_inverse=True)
    number = number.ravel()
    tree = shapely.STRtree(shapely.points(distinct))
    one, other = tree.query(shapely.points(distinct), predicate="dwithin", distance=SHORTEST_EDGE)
    one, other = one[one != other], other[one != other]
    # each moves to one that stays; where there is a choice, vertices of rivers stay
    course = np.concatenate(rivers)
    of_course, known = tree.query(shapely.points(course), predicate="dwithin", distance=1e-6)
    wet = np.zeros(len(distinct), bool)
    wet[known] = True
    target = np.arange(len(distinct))
    stays = np.zeros(len(distinct), bool)
    for a, b in sorted(zip(one.tolist(), other.tolist(), strict=True), key=lambda pair: (not wet[pair[1]], pair[1])):
        if not stays[a] and target[a] == a and target[b] == b:
            target[a], stays[b] = b, True
    course = course.copy()
    course[of_course] = distinct[target[known]]
    ends = np.cumsum([len(river) for river in rivers])[:-1]
    moved = target[number]
    kept = np.concatenate([[True], (moved[1:] != moved[:-1]) | (line[1:] != line[:-1])])
    moved, line = moved[kept], line[kept]
    whole = np.isin(line, np.flatnonzero(np.bincount(line, minlength=len(lines)) > 1))
    _, index = np.unique(line[whole], return_inverse=True)
    shorter = np.asarray(shapely.linestrings(distinct[moved[whole]], indices=index), dtype=object)
    return shorter, tuple(_without_repeats(river) for river in np.split(course, ends))


def _without_repeats(points: Floats) -> Floats:
    return np.asarray(points[np.concatenate([[True], (np.diff(points, axis=0) != 0).any(axis=1)])])


def _lost_pieces(street: npt.NDArray[np.object_]) -> npt.NDArray[np.bool_]:
    """Tell which pieces of street hang together with hardly any other, where the border only grazes a street."""
    one, other, _ = _undirected_edges(street)
    neighbours: list[list[int]] = [[] for _ in range(len(street))]
    for a, b in zip(one.tolist(), other.tolist(), strict=True):
        neighbours[a].append(b)
        neighbours[b].append(a)
    component = _components(neighbours)
    return np.asarray(np.bincount(component, shapely.area(street))[component] < SMALLEST_STREET)


def _street_surface(streets: tuple[Line, ...], rounded: bool) -> shapely.Geometry:
    """Return the ground between the kerbs, with rounded kerbs at junctions."""
    lines = np.array([shapely.LineString(street.points) for street in streets], dtype=object)
    halves = np.array([street.width / 2 for street in streets])
    surface = shapely.union_all(shapely.buffer(lines, halves, cap_style="flat", join_style="mitre"))
    if rounded:
        wider = shapely.buffer(surface, CORNER_RADIUS, join_style="mitre", mitre_limit=2.0)
        # arcs have put two vertices where one was
        surface = shapely.simplify(shapely.buffer(wider, -CORNER_RADIUS, quad_segs=3), 0.2)
    parts = [
        shapely.Polygon(part.exterior, [hole for hole in part.interiors if shapely.Polygon(hole).area > 3000])
        for part in shapely.get_parts(surface)
    ]
    return shapely.union_all(parts) if len(parts) > 1 else parts[0]


def _street_cuts(plan: Plan, surface: shapely.Geometry) -> list[shapely.LineString]:
    """Return lines across streets, midway between junctions."""
    centre = np.array([shapely.LineString(street.points) for street in plan.streets], dtype=object)
    edges = shapely.get_parts(shapely.line_merge(shapely.intersection(shapely.union_all(centre), plan.outline)))
    edges = edges[shapely.length(edges) > 110.0]
    half = shapely.length(edges) / 2
    middle, before, after = (
        shapely.get_coordinates(shapely.line_interpolate_point(edges, half + ahead)) for ahead in (0.0, -6.0, 6.0)
    )
    pieces, owner = segments(plan.streets)
    street = owner[shapely.STRtree(pieces).nearest(shapely.points(middle))]
    reach = np.array([plan.streets[number].width / 2 for number in street]) + 5.0
    along = after - before
    along /= np.linalg.norm(along, axis=1)[:, None]
    across = np.stack([-along[:, 1], along[:, 0]], axis=1) * reach[:, None]
    lines = shapely.linestrings(np.stack([middle - across, middle + across], axis=1))
    # a cut near another street would cut more than its own, and not from kerb to kerb
    met = shapely.get_num_geometries(shapely.intersection(lines, surface.boundary)) == 2
    within = plan.outline.buffer(-40.0)
    shapely.prepare(within)
    inside = shapely.contains(within, lines)
    return list(lines[met & inside])


def _undirected_edges(faces: npt.NDArray[np.object_]) -> tuple[Ints, Ints, Floats]:
    """Pairs of faces that share an edge, each pair once, and the length that they share."""
    rings, of_face = shapely.get_rings(faces, return_index=True)
    points, of_ring = shapely.get_coordinates(rings, return_index=True)
    same = of_ring[1:] == of_ring[:-1]
    begin, end = points[:-1][same], points[1:][same]
    owner = of_face[of_ring[:-1][same]]
    flip = (begin[:, 0] > end[:, 0]) | ((begin[:, 0] == end[:, 0]) & (begin[:, 1] > end[:, 1]))
    low, high = np.where(flip[:, None], end, begin), np.where(flip[:, None], begin, end)
    order = np.lexsort((owner, high[:, 1], high[:, 0], low[:, 1], low[:, 0]))
    key = np.concatenate([low, high], axis=1)[order]
    twin = np.flatnonzero((key[1:] == key[:-1]).all(axis=1))
    one, other = owner[order][twin], owner[order][twin + 1]
    length = np.hypot(*(key[twin, 2:] - key[twin, :2]).T)
    pair = np.sort(np.stack([one, other], axis=1), axis=1)
    unique, which = np.unique(pair, axis=0, return_inverse=True)
    return unique[:, 0], unique[:, 1], np.asarray(np.bincount(which.ravel(), length, len(unique)))


def _join_small_faces(
    land: npt.NDArray[np.object_], street: npt.NDArray[np.object_]
) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.object_]]:
    """Join small and narrow faces to the neighbour along the longest border; specks between streets become street."""
    for _ in range(4):
        area, perimeter = shapely.area(land), shapely.length(land)
        small = (area < SMALLEST_FACE) | (2 * area / perimeter < NARROWEST_FACE)
        one, other, shared = _undirected_edges(land)
        best = np.full(len(land), -1, np.int64)
        most = np.zeros(len(land))
        for a, b in ((one, other), (other, one)):
            for face, neighbour, length in zip(a.tolist(), b.tolist(), shared.tolist(), strict=True):
                if small[face] and length > most[face] and area[neighbour] < 60e4:
                    best[face], most[face] = neighbour, length
        if (best < 0).all():
            break
        group = np.arange(len(land))
        # each small face follows its neighbour; chains are followed to their end, circles broken
        for face in np.argsort(area, kind="stable").tolist():
            if best[face] >= 0:
                target = int(best[face])
                while group[target] != target:
                    target = int(group[target])
                if target != face:
                    group[face] = target
        while True:
            up = group[group]
            if (up == group).all():
                break
            group = up
        land = _dissolve(land, group)
    speck = shapely.area(land) < 5e3
    if speck.any():
        street = np.concatenate([street, land[speck]])
        land = land[~speck]
    return land, street


def _dissolve(faces: npt.NDArray[np.object_], group: Ints) -> npt.NDArray[np.object_]:
    """Unite the faces of each group, in order of the groups' numbers; all vertices stay."""
    order = np.argsort(group, kind="stable")
    bounds = np.flatnonzero(np.concatenate([[True], np.diff(group[order]) != 0, [True]]))
    united = np.empty(len(bounds) - 1, dtype=object)
    for number, (begin, end) in enumerate(pairwise(bounds.tolist())):
        members = order[begin:end]
        united[number] = faces[members[0]] if len(members) == 1 else shapely.coverage_union_all(faces[members])
    return np.asarray(shapely.orient_polygons(united), dtype=object)


def _patrol_areas(street: npt.NDArray[np.object_], wanted: int) -> npt.NDArray[np.object_]:
    """Group the pieces of street into patrol areas of about equal surface, each connected."""
    one, other, _ = _undirected_edges(street)
    neighbours: list[list[int]] = [[] for _ in range(len(street))]
    for a, b in zip(one.tolist(), other.tolist(), strict=True):
        neighbours[a].append(b)
        neighbours[b].append(a)
    component = _components(neighbours)
    area = shapely.area(street)
    weight = np.bincount(component, area)
    pieces = np.bincount(component)
    seats = np.minimum(np.maximum(1, np.round(weight / weight.sum() * wanted)).astype(np.int64), pieces)
    while seats.sum() != wanted:
        surplus = int(np.sign(wanted - seats.sum()))
        load = np.where((seats < pieces) if surplus > 0 else (seats > 1), weight / (seats + (surplus > 0)), np.nan)
        if np.isnan(load).all():
            break
        seats[np.nanargmax(load) if surplus > 0 else np.nanargmin(load)] += surplus
    centre = shapely.get_coordinates(shapely.centroid(street))
    seeds: list[int] = []
    for part in range(len(seats)):
        members = np.flatnonzero(component == part)
        seeds += [int(members[seed]) for seed in _spread_seeds(centre[members], int(seats[part]))]
    group = _grow(seeds, neighbours, area, centre)
    for _ in range(4):
        seeds = _middles(group, area, centre, len(seeds))
        group = _grow(seeds, neighbours, area, centre)
    return _dissolve(street, group)


def _grow(seeds: list[int], neighbours: list[list[int]], area: Floats, centre: Floats) -> Ints:
    """Let areas grow from seeds, always the smallest by the piece nearest to its seed, until all pieces are taken."""
    group = np.full(len(neighbours), -1, np.int64)
    group[seeds] = np.arange(len(seeds))
    loads = area[seeds].tolist()
    fringe: list[list[tuple[float, int]]] = [[] for _ in seeds]

    def reach(number: int, piece: int) -> None:
        for neighbour in neighbours[piece]:
            if group[neighbour] < 0:
                away = float(np.hypot(*(centre[neighbour] - centre[seeds[number]])))
                heapq.heappush(fringe[number], (away, neighbour))

    for number, seed in enumerate(seeds):
        reach(number, seed)
    queue = [(load, number) for number, load in enumerate(loads)]
    heapq.heapify(queue)
    while queue:
        _, number = heapq.heappop(queue)
        while fringe[number]:
            _, piece = heapq.heappop(fringe[number])
            if group[piece] < 0:
                group[piece] = number
                loads[number] += area[piece]
                reach(number, piece)
                heapq.heappush(queue, (loads[number], number))
                break
    return group


def _middles(group: Ints, area: Floats, centre: Floats, count: int) -> list[int]:
    """Return the piece nearest to the middle of each area."""
    weight = np.bincount(group, area, count)
    middle = np.stack([np.bincount(group, area * centre[:, axis], count) for axis in (0, 1)], axis=1) / weight[:, None]
    away = np.hypot(*(centre - middle[group]).T)
    order = np.lexsort((away, group))
    return [int(k) for k in order[np.searchsorted(group[order], np.arange(count))]]


def _components(neighbours: list[list[int]]) -> Ints:
    label = np.full(len(neighbours), -1, np.int64)
    number = 0
    for start in range(len(neighbours)):
        if label[start] >= 0:
            continue
        stack = [start]
        label[start] = number
        while stack:
            for near in neighbours[stack.pop()]:
                if label[near] < 0:
                    label[near] = number
                    stack.append(near)
        number += 1
    return label


def _spread_seeds(points: Floats, count: int) -> list[int]:
    """Choose points far from each other; for many, along strips, which is nearly as good and fast."""
    if count >= len(points):
        return list(range(len(points)))
    if count <= 60:
        chosen = [int(np.argmin(points.sum(axis=1)))]
        away = np.full(len(points), np.inf)
        while len(chosen) < count:
            away = np.minimum(away, np.hypot(*(points - points[chosen[-1]]).T))
            chosen.append(int(np.argmax(away)))
        return chosen
    strips = max(1, round(np.sqrt(count)))
    strip = np.argsort(np.argsort(points[:, 0], kind="stable"), kind="stable") * strips // len(points)
    order = np.lexsort((points[:, 1] * np.where(strip % 2, -1, 1), strip))
    return [int(order[(2 * k + 1) * len(order) // (2 * count)]) for k in range(count)]
