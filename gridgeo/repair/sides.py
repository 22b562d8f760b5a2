"""Sides of a barrier: where a road or river runs through a region, or beside it, its parts go to whom they lie beside.

Theory. Whoever has a part of a region, there is a new border where others lie beyond the part's rim. A border is worth
the less the farther it is off a barrier, up to a distance at which it has nothing to do with it. The barriers that run
through the region cut it into parts, and new borders on them cost nothing: so each part goes by itself to the one
beside it whose winning leaves the least of the border off barriers. Where that is much better than to leave the whole
region to one, it is divided; where one winner's border runs along a barrier and the others' doesn't, he has it all. A
road that merely crosses a region changes nothing, because nothing is saved by cutting there.

Cost. An overlay of the region and the pieces of barriers in it.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pyproj
import shapely

from gridgeo.network import RANKS, Barriers, as_barriers, on_the_ground
from gridgeo.repair.chains import Chain, Edge, Nodes, Place, assembled
from gridgeo.repair.medial import Parts
from gridgeo.repair.regions import Local, Region, Rim

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

REACH = 3.0
"""Metres. A border that is no farther from a barrier may be meant to lie on it."""
_MUCH = 0.25
"""A region is divided if that saves at least this share of the border off barriers."""
_LEAST = 0.02
"""Metres. How much nearer to barriers the border comes on an average, at least."""
_CLOSER = 0.5
"""One winner's border runs along a barrier if it is this much closer to it than all others', and than the reach."""
_THIN = 1e-3
"""Metres. What a barrier cuts off that is no wider is no part: the border lies on the barrier already."""
_PLACES = 64
_NO_ONE = -1


@dataclass(frozen=True)
class Sided:
    """What barriers say about a region.

    Parameters
    ----------
    parts : list of tuple of Polygon and int
        Parts of the region, each with who has it; one where the whole goes to one.
    barrier : str
        Name of the barrier that decided, "" if it has none.
    """

    parts: Parts
    barrier: str


class Lines:
    """Straight pieces of barriers in the CRS of layers.

    Parameters
    ----------
    barriers : Barriers or GeoDataFrame
        In metres.
    crs : pyproj.CRS
        Of the layers.
    """

    def __init__(self, barriers: Barriers | gpd.GeoDataFrame, crs: pyproj.CRS) -> None:
        given = as_barriers(barriers)
        lines = given.lines[on_the_ground(given.lines) & given.lines["rank"].isin(RANKS).to_numpy()]
        surfaces = given.surfaces[(given.surfaces["level"] == 0).to_numpy()]
        shapes = np.concatenate([lines.geometry.to_numpy(), shapely.boundary(surfaces.geometry.to_numpy())])
        names = np.concatenate([lines["name"].to_numpy(object), surfaces["name"].to_numpy(object)])
        moved = gpd.GeoSeries(shapes, crs=given.lines.crs).to_crs(crs).to_numpy()
        parts, of_shape = shapely.get_parts(shapely.force_2d(moved), return_index=True)
        places, part = shapely.get_coordinates(parts, return_index=True)
        step = np.flatnonzero((part[1:] == part[:-1]) & (places[1:] != places[:-1]).any(axis=1))
        self.ends: Floats = np.stack([places[step], places[step + 1]], axis=1)
        self.name = names[of_shape[part[step]]]
        self._tree = shapely.STRtree(shapely.linestrings(self.ends))

    def near(self, polygon: shapely.Polygon, reach: float) -> Ints:
        """Return the pieces within reach of a polygon, in units of the coordinates."""
        return np.sort(self._tree.query(polygon, predicate="dwithin", distance=reach))

    def beside(self, polygons: Sequence[shapely.Polygon], reach: float) -> list[bool]:
        """Tell which polygons any piece is within reach of."""
        found = np.zeros(len(polygons), np.bool_)
        found[self._tree.query(np.array(polygons, object), predicate="dwithin", distance=reach)[0]] = True
        return found.tolist()


def sided(
    region: Region, rim: Rim, candidates: Collection[int], lines: Lines, local: Local, locked: frozenset[int]
) -> Sided | None:
    """Return what barriers say about who should have a region; None where they say nothing.

    Parameters
    ----------
    region : Region
    rim : Rim
        Of the region.
    candidates : collection of int
        Who may have it.
    lines : Lines
    local : Local
        Metres at the region.
    locked : set of int
        Who gets no new vertex.
    """
    near = lines.near(region.polygon, REACH / float(local.scale.min()))
    if not len(near) or len(candidates) < 2:
        return None
    whole = _Costs(rim.edges(), candidates, local, lines.ends[near])
    best = min(sorted(candidates), key=lambda k: (whole.off(k), k))
    parts, saved = _divided(region, rim, candidates, lines.ends[near], local, whole.off(best), locked)
    if parts and saved:
        return Sided(parts, _named(lines, near, parts, local))
    mean = {k: whole.off(k) * REACH / max(whole.length(k), 1e-300) for k in candidates}
    if all(mean[best] <= _CLOSER * mean[k] for k in candidates if k != best) and mean[best] <= _CLOSER * REACH:
        return Sided([(region.polygon, best)], _named(lines, near, [(region.polygon, best)], local))
    return None


class _Costs:
    """How much of the border is off barriers, whoever has a region."""

    def __init__(
        self, edges: list[tuple[Edge, frozenset[int]]], candidates: Collection[int], local: Local, barrier: Floats
    ) -> None:
        self.beyond = [beyond.intersection(candidates) for _, beyond in edges]
        ends = local.metres(np.array([edge for edge, _ in edges])).reshape(-1, 2, 2)
        self.size: Floats = np.hypot(*(ends[:, 1] - ends[:, 0]).T)
        count = np.clip(np.ceil(self.size / REACH), 1, _PLACES).astype(np.int64)
        edge = np.repeat(np.arange(len(ends)), count)
        step = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
        share = ((step + 0.5) / count[edge])[:, None]
        places = ends[edge, 0] * (1 - share) + ends[edge, 1] * share
        lines = shapely.multilinestrings(shapely.linestrings(local.metres(barrier.reshape(-1, 2)).reshape(-1, 2, 2)))
        away = np.minimum(shapely.distance(shapely.points(places), lines), REACH) / REACH
        self.away: Floats = np.bincount(edge, away, len(ends)) / count * self.size

    def off(self, winner: int) -> float:
        """Return metres of border off barriers if someone has it all; near ones count in part."""
        return float(self.away[self._stays(winner)].sum())

    def length(self, winner: int) -> float:
        """Return metres of border if someone has it all."""
        return float(self.size[self._stays(winner)].sum())

    def _stays(self, winner: int) -> npt.NDArray[np.bool_]:
        return np.array([bool(beyond) and winner not in beyond for beyond in self.beyond], np.bool_)

    def saved(self, edges: list[int]) -> dict[int, tuple[float, float]]:
        """Return what of some edges is no border any more if someone has what lies at them: off barriers, and all."""
        found: dict[int, tuple[float, float]] = {}
        for k in edges:
            for winner in self.beyond[k]:
                off, size = found.get(winner, (0.0, 0.0))
                found[winner] = (off + float(self.away[k]), size + float(self.size[k]))
        return found


def _divided(
    region: Region,
    rim: Rim,
    candidates: Collection[int],
    barrier: Floats,
    local: Local,
    best: float,
    locked: frozenset[int],
) -> tuple[Parts, bool]:
    """Return the parts into which barriers cut a region, with their winners, and whether that is worth while."""
    nothing: tuple[Parts, bool] = ([], False)
    polygon = region.polygon
    # what runs along the rim already is part of it
    grain = _THIN / float(local.scale.max())
    ways = shapely.snap(shapely.multilinestrings(shapely.linestrings(barrier)), shapely.boundary(polygon), grain)
    ways = shapely.transform(ways, lambda places: _off_the_rim(places, rim, polygon, grain))
    try:
        noded = shapely.union_all([shapely.boundary(polygon), ways])
    except shapely.errors.GEOSException:
        return nothing
    pieces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    pieces = pieces[shapely.covers(polygon, shapely.point_on_surface(pieces))] if len(pieces) else pieces
    if len(pieces) < 2:
        return nothing
    nodes = Nodes(shapely.get_coordinates(pieces))
    edges = nodes.edges_of_each(pieces)
    owned = rim.cut(nodes)
    total = Chain()
    for mine in edges:
        total.add(mine)
    total.add([edge for edge, _ in owned], -1)
    if total.edges() != []:
        return nothing
    costs = _Costs(owned, candidates, local, barrier)
    row = {edge: k for k, (edge, _) in enumerate(owned)}
    winner = _winners(edges, shapely.length(pieces), shapely.area(pieces), row, costs, grain)
    if winner is None or len(set(winner)) < 2:
        return nothing
    sizes = zip(edges, winner, shapely.length(shapely.transform(pieces, local.metres)).tolist(), strict=True)
    off = sum(
        _off([row[edge] for edge in mine if edge in row], one, length, costs, is_gap=not region.covers)
        for mine, one, length in sizes
    )
    if not region.covers:
        best = min(best, _off(list(range(len(owned))), _NO_ONE, costs.size.sum(), costs, is_gap=True))
    owner = {edge: one for mine, one in zip(edges, winner, strict=True) for edge in mine}
    dividing = [edge for edge, one in owner.items() if owner.get((edge[1], edge[0]), one) != one]
    ends = {place for edge in dividing for place in edge} - {place for ring in rim.rings for place in ring}
    if locked and any(ends.intersection(edge) and beyond & locked for edge, beyond in owned):
        return nothing
    run = sum(math.dist(*local.metres(np.array(edge))) for edge in dividing) / 2
    if best - off < _MUCH * best or (best - off) * REACH < _LEAST * run:
        return nothing
    parts = _parts(rim, edges, winner, dividing)
    return (parts, True) if parts else nothing


def _off_the_rim(places: Floats, rim: Rim, polygon: shapely.Polygon, grain: float) -> Floats:
    """Move places that are a hair's breadth from an edge of a rim out of the region, by a grain.

    Then what leads through them crosses the edge in one place, however coordinates are rounded. Vertices of the rim
    stay.
    """
    corners = {place for ring in rim.rings for place in ring}
    points = shapely.points(places)
    near = np.flatnonzero(shapely.distance(points, shapely.boundary(polygon)) <= grain / 10)
    edges = np.array([edge for edge, _ in rim.edges()])
    start, run = edges[:, 0], edges[:, 1] - edges[:, 0]
    size = np.hypot(*run.T)
    moved = places.copy()
    for k in near.tolist():
        if tuple(places[k].tolist()) in corners:
            continue
        share = np.clip(((places[k] - start) * run).sum(axis=1) / size**2, 0, 1)
        edge = int(np.argmin(np.hypot(*(start + share[:, None] * run - places[k]).T)))
        # a region is on the left of its rim
        moved[k] += grain * np.array([run[edge, 1], -run[edge, 0]]) / size[edge]
    return moved


def _off(edges: list[int], winner: int, length: float, costs: _Costs, *, is_gap: bool) -> float:
    """Return metres of border off barriers in a piece that one has, or, of a gap, all of those beside it in parts.

    A piece that lies between a barrier and those beside it is cut across only; one that has them on both sides, along
    half of what it has at them more than at the barrier.
    """
    mine = [k for k in edges if costs.beyond[k]]
    whole = float(sum(costs.away[k] for k in mine if winner not in costs.beyond[k]))
    if not is_gap or not mine:
        return whole
    size = float(costs.size[mine].sum())
    at_barriers = max(length - float(costs.size[edges].sum()), 0.0)
    shared = float(costs.away[mine].sum()) * max(size - at_barriers, 0.0) / (2 * size)
    return min(whole, shared)


def _winners(
    edges: list[list[Edge]], lengths: Floats, areas: Floats, row: dict[Edge, int], costs: _Costs, grain: float
) -> list[int] | None:
    """Return who has each piece: whose winning saves most; a thin one goes with the piece beside it."""
    winner: list[int | None] = []
    for mine, length, area in zip(edges, lengths, areas, strict=True):
        saved = costs.saved([row[edge] for edge in mine if edge in row])
        thin = 2 * area < grain * length
        winner.append(None if thin or not saved else min(saved, key=lambda k, of=saved: (-of[k][0], -of[k][1], k)))  # type: ignore[misc]
    at = {edge: k for k, mine in enumerate(edges) for edge in mine}
    while None in winner:
        changed = False
        for k in [k for k, one in enumerate(winner) if one is None]:
            sizes: dict[int, float] = {}
            for tail, head in edges[k]:
                other = at.get((head, tail))
                one = None if other is None else winner[other]
                if one is not None:
                    sizes[one] = sizes.get(one, 0.0) + math.dist(tail, head)
            if sizes:
                winner[k] = min(sizes, key=lambda one, of=sizes: (-of[one], one))  # type: ignore[misc]
                changed = True
        if not changed:
            return None
    return [one for one in winner if one is not None]


def _parts(rim: Rim, edges: list[list[Edge]], winner: list[int], dividing: list[Edge]) -> Parts:
    """Put the pieces of each winner together; places on the rim at which nobody's border ends are left out."""
    kept = {place for ring in rim.rings for place in ring} | {place for edge in dividing for place in edge}
    found: Parts = []
    for one in sorted(set(winner)):
        chain = Chain()
        for mine, who in zip(edges, winner, strict=True):
            if who == one:
                chain.add(mine)
        shape = assembled(chain.edges() or [])
        if shape is None:
            return []
        for part in shapely.get_parts(shape):
            rings = [_without(ring.coords[:-1], kept) for ring in shapely.get_rings(part)]
            if min(map(len, rings)) < 3:
                return []
            found.append((shapely.Polygon(rings[0], rings[1:]), one))
    return found


def _without(ring: Sequence[Place], kept: set[Place]) -> list[Place]:
    return [place for place in ring if place in kept]


def _named(lines: Lines, near: Ints, parts: Parts, local: Local) -> str:
    """Return the name of the barrier that most of the new border runs along."""
    pieces = shapely.linestrings(local.metres(lines.ends[near].reshape(-1, 2)).reshape(-1, 2, 2))
    borders = [local.shape(shapely.boundary(part)) for part, _ in parts]
    band = shapely.buffer(shapely.union_all(borders), REACH / 3, quad_segs=2)
    lengths = shapely.length(shapely.intersection(pieces, band))
    sizes: dict[str, float] = {}
    for name, length in zip(lines.name[near].tolist(), lengths.tolist(), strict=True):
        sizes[name] = sizes.get(name, 0.0) + length
    return min(sizes, key=lambda name: (-sizes[name], name))
