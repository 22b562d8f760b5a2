"""Bridges: which lines cut though they leave the ground, and which rivers can be crossed on foot."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.network.barriers import NO_RANK, RANKS, RIVER, is_walkable
from gridgeo.network.basics import SHORT_BRIDGE, TOUCH, Flags, Floats, Geometries, Integers


def on_the_ground(lines: gpd.GeoDataFrame, *, short_bridge: float = SHORT_BRIDGE) -> Flags:
    """Tell which lines cut: those on the ground, and short bridges that carry a street on over a river.

    A bridge counts as part of the street when its pieces together are no longer than ``short_bridge`` metres, at
    least two of its ends meet streets on the ground, and no street on the ground runs through under it: then it is a
    flyover. But an overpass, which alone carries on the streets that end at its two ends, still counts: without it a
    trunk road would have a hole at each underpass. Lines with a level below 0 (tunnels, culverts) never cut.
    """
    shapes: Geometries = lines.geometry.to_numpy()
    level = lines["level"].to_numpy()
    street = (lines["rank"] != RANKS[RIVER]).to_numpy()
    cuts: Flags = np.asarray(level == 0)
    bridges = np.flatnonzero((level > 0) & street & (shapely.length(shapes) <= short_bridge))
    streets = shapes[cuts & street]
    if not len(bridges) or not len(streets):
        return cuts
    tree = shapely.STRtree(streets)
    # Pieces of one bridge share ends: all raised lines take part, so that a long viaduct in short pieces stays long.
    raised = np.flatnonzero((level > 0) & street)
    ends = np.rint(_ends(shapes[raised]) / TOUCH).astype(np.int64)
    _, place = np.unique(ends.reshape(-1, 2), axis=0, return_inverse=True)
    place = place.reshape(-1, 2)
    bridge_of = _components(len(raised), place)
    total = np.bincount(bridge_of, weights=shapely.length(shapes[raised]))
    wanted = set(bridge_of[np.isin(raised, bridges)].tolist())
    for bridge in sorted(wanted):
        if total[bridge] > short_bridge:
            continue
        members = np.flatnonzero(bridge_of == bridge)
        places, counts = np.unique(place[members], return_counts=True)
        free = places[counts == 1]
        where = [
            shapely.get_point(shapes[raised[m]], 0 if side == 0 else -1)
            for m in members
            for side in (0, 1)
            if place[m, side] in free
        ]
        landed = [point for point in where if len(tree.query(point, predicate="dwithin", distance=TOUCH))]
        if len(landed) < 2:
            continue
        if sum(_carries_on(point, streets, tree) for point in landed) >= 2:
            cuts[raised[members]] = True
            continue
        deck = shapely.union_all(shapes[raised[members]])
        near_ends = shapely.buffer(shapely.multipoints(landed), 2 * TOUCH)
        under = streets[tree.query(deck, predicate="intersects")]
        if bool(np.all(shapely.covers(near_ends, shapely.intersection(under, deck)))):
            cuts[raised[members]] = True
    return cuts


def _carries_on(point: shapely.Point, streets: Geometries, tree: shapely.STRtree) -> bool:
    """Tell whether a bridge's end is where one street ends and no other street passes."""
    there = streets[tree.query(point, predicate="dwithin", distance=TOUCH)]
    return len(there) == 1 and shapely.distance(point, shapely.boundary(there[0])) <= TOUCH


def in_short_culverts(lines: gpd.GeoDataFrame, *, longest: float = SHORT_BRIDGE) -> Flags:
    """Tell which lines carry a river underground for a short way from one open stretch to the next.

    There the river is still the border, but anyone can walk over it.
    """
    shapes: Geometries = lines.geometry.to_numpy()
    level = lines["level"].to_numpy()
    river = (lines["rank"] == RANKS[RIVER]).to_numpy()
    short = np.zeros(len(lines), dtype=np.bool_)
    hidden = np.flatnonzero(river & (level < 0))
    open_ends = _ends(shapes[river & (level == 0)]).reshape(-1, 2)
    if not len(hidden) or not len(open_ends):
        return short
    ends = _ends(shapes[hidden])
    _, place = np.unique(np.rint(ends / TOUCH).astype(np.int64).reshape(-1, 2), axis=0, return_inverse=True)
    culvert = _components(len(hidden), place.reshape(-1, 2))
    tree = shapely.STRtree(shapely.points(open_ends))
    point, _ = tree.query(shapely.points(ends.reshape(-1, 2)), predicate="dwithin", distance=TOUCH)
    landed = np.unique(np.stack([culvert[np.unique(point) // 2], place.ravel()[np.unique(point)]], axis=1), axis=0)
    count = int(culvert.max()) + 1
    total = np.bincount(culvert, weights=shapely.length(shapes[hidden]), minlength=count)
    good = (total <= longest) & (np.bincount(landed[:, 0], minlength=count) >= 2)
    short[hidden] = good[culvert]
    return short


def _ends(lines: Geometries) -> Floats:
    first = shapely.get_coordinates(shapely.get_point(lines, 0))
    last = shapely.get_coordinates(shapely.get_point(lines, -1))
    return np.stack([first, last], axis=1)


def _components(count: int, place: Integers) -> Integers:
    """Return numbers for groups of things that share a place; ``place`` holds two places of each thing."""
    parent = list(range(count))

    def root(item: int) -> int:
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    holder: dict[int, int] = {}
    for item, places in enumerate(place.tolist()):
        for spot in places:
            other = holder.setdefault(spot, item)
            a, b = root(item), root(other)
            parent[max(a, b)] = min(a, b)
    _, number = np.unique([root(item) for item in range(count)], return_inverse=True)
    return number.astype(np.int64)


def joined_at_crossings(points: Floats, segments: Integers, wall: Flags, rank: npt.NDArray[np.int8]) -> Flags:
    """Tell over which walls (rivers, motorways) a street leads: at a vertex where streets leave it on both sides."""
    joined = np.zeros(len(segments), dtype=np.bool_)
    wet = wall
    dry = ~wet & (rank != NO_RANK)
    count = len(points)
    mixed = np.zeros(count, dtype=np.int64)
    mixed[segments[wet].ravel()] |= 1
    mixed[segments[dry].ravel()] |= 2
    around: dict[int, list[int]] = {}
    for item in np.flatnonzero((mixed[segments] == 3).any(axis=1) & (wet | dry)).tolist():
        for end in segments[item].tolist():
            if mixed[end] == 3:
                around.setdefault(end, []).append(item)
    for place, items in around.items():
        far = np.array([segments[i, 1] if segments[i, 0] == place else segments[i, 0] for i in items])
        bearing = np.arctan2(points[far, 1] - points[place, 1], points[far, 0] - points[place, 0])
        turn = [items[i] for i in np.argsort(bearing, kind="stable")]
        rivers = [i for i, item in enumerate(turn) if wet[item]]
        # between two rivers in turn lies one bank; a river is joined where both its banks have a street
        bank = [
            any(dry[turn[k % len(turn)]] for k in range(a + 1, b if b > a else b + len(turn)))
            for a, b in zip(rivers, rivers[1:] + rivers[:1], strict=True)
        ]
        for which, at in enumerate(rivers):
            if len(rivers) > 1 and bank[which] and bank[which - 1]:
                joined[turn[at]] = True
    return joined


def joined_by_passages(segments_at: Floats, wall: Flags, rank: npt.NDArray[np.int8], lines: gpd.GeoDataFrame) -> Flags:
    """Tell which walls the ``lines`` that cut nothing lead across: bridges over any, tunnels under all but rivers."""
    joined = np.zeros(len(segments_at), dtype=np.bool_)
    street = (lines["rank"] != RANKS[RIVER]).to_numpy() & is_walkable(lines)
    level = lines["level"].to_numpy()
    for passages, walls in ((level > 0, wall), (level < 0, wall & (rank != RIVER))):
        over: Geometries = lines.geometry.to_numpy()[street & passages]
        items = np.flatnonzero(walls)
        if len(items) and len(over):
            tree = shapely.STRtree(shapely.linestrings(segments_at[items]))
            joined[items[tree.query(over, predicate="intersects")[1]]] = True
    return joined
