"""Noding: all barriers and borders on one lattice, with rank and source on each piece."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.network.arrangement import Arrangement
from gridgeo.network.barriers import NO_RANK, RANKS, RIVER, Barriers, is_walkable
from gridgeo.network.basics import GRAIN, SHORT_BRIDGE, SNAP, Flags, Floats, Geometries, Integers
from gridgeo.network.bridges import in_short_culverts, joined_at_crossings, joined_by_passages, on_the_ground
from gridgeo.network.dead_ends import DeadEnds, next_barriers, stubs

LOOK_AHEAD = 30.0
"""Metres. How far the next barrier ahead of a dead end is looked for at least, so that it can be reported."""


def node(
    barriers: Barriers,
    borders: Sequence[Any] | Geometries = (),
    *,
    within: Sequence[Any] | Geometries | None = None,
    short_bridge: float = SHORT_BRIDGE,
    extend_dead_ends: float = 0.0,
) -> Arrangement:
    """Node barriers and the borders of polygons into one arrangement.

    Parameters
    ----------
    barriers : Barriers
        In metres.
    borders : sequence of Polygon or MultiPolygon
        Polygons (grids) in the same CRS whose outlines take part.
    within : sequence of Polygon or MultiPolygon or None
        Barriers that meet none of these are left out; by default those that meet none of ``borders``.
    short_bridge : float
        See `on_the_ground`.
    extend_dead_ends : float
        Metres. Barriers that end inside these polygons so near to the next barrier or border are extended to it.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from gridgeo.network import as_barriers
    >>> roads = gpd.GeoDataFrame({"rank": ["road"]}, geometry=[shapely.LineString([(-5, 5), (15, 5)])])
    >>> arrangement = node(as_barriers(roads), [shapely.box(0, 0, 10, 10)])
    >>> arrangement.edges()[["rank", "border"]].value_counts().to_dict()
    {('road', False): 3, ('border', True): 2}
    """
    outlines: Geometries = np.asarray(borders, dtype=object)
    line_shapes: Geometries = barriers.lines.geometry.to_numpy()
    surface_shapes: Geometries = barriers.surfaces.geometry.to_numpy()
    culvert = in_short_culverts(barriers.lines, longest=short_bridge)
    cutting = on_the_ground(barriers.lines, short_bridge=short_bridge) | culvert
    flat = np.asarray(barriers.surfaces["level"].to_numpy() == 0)
    tree = shapely.STRtree(outlines if within is None else np.asarray(within, dtype=object))
    if len(outlines):
        cutting &= _meets(line_shapes, tree)
        flat &= _meets(surface_shapes, tree)
    tables = (barriers.lines, barriers.surfaces)
    rank_of = np.array([RANKS.index(rank) for table in tables for rank in table["rank"]], dtype=np.int64)
    named = np.array([bool(name) for table in tables for name in table["name"]], dtype=np.bool_)
    walkable = np.concatenate([is_walkable(table) for table in tables])
    border_pieces, _ = _pieces(outlines, np.arange(len(outlines)))
    line_pieces, line_rows = _pieces(line_shapes[cutting], np.flatnonzero(cutting))
    surface_pieces, surface_rows = _pieces(surface_shapes[flat], np.flatnonzero(flat) + len(line_shapes))

    given = shapely.get_coordinates(outlines)
    pieces = np.concatenate([border_pieces, line_pieces, surface_pieces])
    owner = np.concatenate([np.full(len(border_pieces), -1), line_rows, surface_rows]).astype(np.int64)
    noded = _noded(given, pieces, owner, rank_of, named)
    dead_ends = _dead_ends(noded, tree if len(outlines) else None, extend_dead_ends)
    rows = len(rank_of)
    if dead_ends.extended.any():
        # extensions are barriers of their own, in rows after all others, as strong as what they extend
        made = np.flatnonzero(dead_ends.extended)
        stretches = np.stack([dead_ends.points[made], dead_ends.target[made]], axis=1)
        noded = _noded(
            given,
            np.concatenate([pieces, stretches]),
            np.concatenate([owner, rows + np.arange(len(made))]),
            np.concatenate([rank_of, dead_ends.rank[made]]),
            np.concatenate([named, named[dead_ends.source[made]]]),
        )
        extension = noded.source >= rows
        noded.source[extension] = dead_ends.source[made][noded.source[extension] - rows]
    else:
        extension = np.zeros(len(noded.segments), dtype=np.bool_)
    points, segments, rank, source = noded.points, noded.segments, noded.rank, noded.source
    on_border = np.zeros(len(points), dtype=np.bool_)
    on_border[segments[noded.border].ravel()] = True
    _settle(points, np.flatnonzero(on_border & (noded.vertex < 0)), border_pieces)

    wall = rank == RIVER
    wall[source >= 0] |= ~walkable[source[source >= 0]]
    joined = joined_at_crossings(points, segments, wall, rank)
    joined |= joined_by_passages(points[segments], wall, rank, barriers.lines[~cutting])
    joined |= wall & np.isin(source, np.flatnonzero(culvert))
    return Arrangement(
        points, noded.lattice, noded.origin, segments, rank, source, noded.border, wall, joined, extension,
        noded.vertex, noded.shape, barriers, dead_ends,
    )  # fmt: skip


@dataclass
class _Noded:
    """Vertices and segments, named as in `Arrangement`."""

    points: Floats
    lattice: Integers
    origin: Floats
    segments: Integers
    rank: npt.NDArray[np.int8]
    source: Integers
    border: Flags
    vertex: Integers
    shape: Flags


def _noded(given: Floats, pieces: Floats, owner: Integers, rank_of: Integers, named: Flags) -> _Noded:
    """Node straight pieces; ``given`` are the vertices of the borders."""
    if not len(pieces):
        pieces = np.empty((0, 2, 2))
    vertices = np.concatenate([given, pieces.reshape(-1, 2)])
    origin = np.floor(vertices.min(axis=0)) if len(vertices) else np.zeros(2)
    known, known_at, first = _lattice(vertices, origin)
    ends = known[known_at[len(given) :]].reshape(-1, 2, 2)
    lattice, segments = _snap_round(ends)
    rank, source, border = _attribute(lattice[segments], ends, owner, rank_of, named)
    vertex = np.full(len(lattice), -1, dtype=np.int64)
    shape = np.zeros(len(lattice), dtype=np.bool_)
    points = lattice * GRAIN + origin
    found, row = _find(lattice, known)
    shape[row] = True
    points[row] = vertices[first[found]]
    from_border = first[found] < len(given)
    vertex[row[from_border]] = first[found][from_border]
    return _Noded(points, lattice, origin, segments, rank, source, border, vertex, shape)


def _dead_ends(noded: _Noded, tree: shapely.STRtree | None, extend: float) -> DeadEnds:
    """Return the dead ends inside the polygons of ``tree`` (None: anywhere), to be extended by at most ``extend``."""
    points, segments = noded.points, noded.segments
    looked_at = np.ones(len(points), dtype=np.bool_) if tree is None else np.zeros(len(points), dtype=np.bool_)
    barrier = ~noded.border
    if tree is not None:
        single = np.flatnonzero(np.bincount(segments.ravel(), minlength=len(points)) == 1)
        inside = np.unique(tree.query(shapely.points(points[single]), predicate="intersects")[0])
        looked_at[single[inside]] = True
    tips, last, direction, length = stubs(points, segments, barrier, looked_at)
    lines = shapely.linestrings(points[segments])
    far = np.minimum(length, max(extend, LOOK_AHEAD))
    target, gap = next_barriers(lines, points[tips], direction, far)
    return DeadEnds(points[tips], direction, noded.rank[last], noded.source[last], length, target, gap, gap <= extend)


def _meets(shapes: Geometries, tree: shapely.STRtree) -> Flags:
    """Tell which shapes meet anything in the tree."""
    meets = np.zeros(len(shapes), dtype=np.bool_)
    meets[np.unique(tree.query(shapes, predicate="intersects")[0])] = True
    return meets


def _pieces(shapes: Geometries, rows: npt.NDArray[Any]) -> tuple[Floats, Integers]:
    """Return the straight pieces of lines and of polygons' rings as (n, 2, 2) coordinates, with the row of each."""
    if not len(shapes):
        return np.empty((0, 2, 2)), np.empty(0, dtype=np.int64)
    shapes, part_of = shapely.get_parts(shapes, return_index=True)
    rows = rows[part_of]
    areal = shapely.get_dimensions(shapes) == 2
    rings, ring_of = shapely.get_rings(shapes[areal], return_index=True)
    lines = np.concatenate([shapes[~areal], rings])
    owner = np.concatenate([rows[~areal], rows[areal][ring_of]]).astype(np.int64)
    coordinates, line = shapely.get_coordinates(lines, return_index=True)
    runs = np.flatnonzero(line[:-1] == line[1:])
    return np.stack([coordinates[runs], coordinates[runs + 1]], axis=1), owner[line[runs]]


def _unique_rows(rows: Integers) -> tuple[Integers, Integers, Integers]:
    """Return the distinct rows in lexical order, the number of each row among them, and the first row of each."""
    order = np.lexsort((rows[:, 1], rows[:, 0]))
    ordered = rows[order]
    new = np.ones(len(rows), dtype=np.bool_)
    new[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    number = np.empty(len(rows), dtype=np.int64)
    number[order] = np.cumsum(new) - 1
    return ordered[new], number, order[new].astype(np.int64)  # lexsort is stable: the first of equal rows leads


def _find(rows: Integers, known: Integers) -> tuple[Integers, Integers]:
    """Return which of ``known`` (distinct rows) occur in ``rows`` (distinct rows), and where."""
    together, number, _ = _unique_rows(np.concatenate([rows, known]))
    place = np.full(len(together), -1, dtype=np.int64)
    place[number[: len(rows)]] = np.arange(len(rows))
    at = place[number[len(rows) :]]
    found = np.flatnonzero(at >= 0)
    return found, at[found]


def _lattice(vertices: Floats, origin: Floats) -> tuple[Integers, Integers, Integers]:
    """Put vertices on the lattice, one lattice point for all vertices within `SNAP` of the first of them.

    Returns the lattice points, the point of each vertex, and the first vertex of each point.
    """
    if not len(vertices):
        return np.empty((0, 2), dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    distinct, number, first = _unique_rows(np.rint((vertices - origin) / GRAIN).astype(np.int64))
    spots = shapely.points(distinct * GRAIN)
    near = shapely.STRtree(spots).query(spots, predicate="dwithin", distance=SNAP)
    stands_for = np.arange(len(distinct))
    # A vertex moves to the earliest one near it, unless that one has itself moved away: no chains.
    pairs = near[:, first[near[1]] < first[near[0]]]
    for item in np.argsort(first[pairs[0]], kind="stable").tolist():
        late, early = pairs[0, item], pairs[1, item]
        if stands_for[early] == early and (stands_for[late] == late or first[early] < first[stands_for[late]]):
            stands_for[late] = early
    kept, new = np.unique(stands_for, return_inverse=True)
    return distinct[kept], new.astype(np.int64)[number], first[kept]


def _snap_round(ends: Integers) -> tuple[Integers, Integers]:
    """Node segments given by their ends on the lattice; returns lattice points and segments between them."""
    moving = (ends[:, 0] != ends[:, 1]).any(axis=1)
    if not moving.any():
        return np.empty((0, 2), dtype=np.int64), np.empty((0, 2), dtype=np.int64)
    chains = np.cumsum(np.concatenate([[True], (ends[moving][1:, 0] != ends[moving][:-1, 1]).any(axis=1)])) - 1
    # Runs of segments that follow each other go in as one line: four times as fast as one by one.
    starts = np.concatenate([[True], chains[1:] != chains[:-1]])
    run_ends = ends[moving]
    coordinates = np.empty((len(run_ends) + int(starts.sum()), 2))
    at = np.arange(len(run_ends)) + np.cumsum(starts)
    coordinates[at] = run_ends[:, 1]
    coordinates[at[starts] - 1] = run_ends[starts, 0]
    line_of = np.empty(len(coordinates), dtype=np.int64)
    line_of[at] = chains
    line_of[at[starts] - 1] = chains[starts]
    noded = shapely.union_all(shapely.linestrings(coordinates, indices=line_of), grid_size=1.0)
    found, line = shapely.get_coordinates(shapely.get_parts(noded), return_index=True)
    lattice, number, _ = _unique_rows(np.rint(found).astype(np.int64))
    steps = np.flatnonzero(line[:-1] == line[1:])
    pairs = np.sort(np.stack([number[steps], number[steps + 1]], axis=1), axis=1)
    segments, _, _ = _unique_rows(pairs[pairs[:, 0] != pairs[:, 1]])
    return lattice, segments


def _attribute(
    segments: Integers, ends: Integers, owner: Integers, rank_of: Integers, named: Flags
) -> tuple[npt.NDArray[np.int8], Integers, Flags]:
    """Find for each noded segment which barrier and whether a border runs along it: within a step of the lattice."""
    count = len(segments)
    rank = np.full(count, NO_RANK, dtype=np.int8)
    source = np.full(count, -1, dtype=np.int64)
    border = np.zeros(count, dtype=np.bool_)
    if not count:
        return rank, source, border
    tree = shapely.STRtree(shapely.linestrings(ends.astype(np.float64)))
    middles = segments.mean(axis=1)
    item, piece = tree.query(shapely.points(middles), predicate="dwithin", distance=1.1)
    runs = np.ones(len(item), dtype=np.bool_)
    for side in (0, 1):
        runs &= _distance(segments[item, side].astype(np.float64), ends[piece].astype(np.float64)) <= 1.1
    item, whose = item[runs], owner[piece[runs]]
    border[item[whose < 0]] = True
    item, whose = item[whose >= 0], whose[whose >= 0]
    # The strongest rank wins; among equals a barrier with a name, then the first.
    rows = len(rank_of) + 1
    merit = (rank_of[whose] * 2 + ~named[whose]) * rows + whose
    best = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(best, item, merit)
    has = best < np.iinfo(np.int64).max
    source[has] = best[has] % rows
    rank[has] = rank_of[source[has]]
    return rank, source, border


def _settle(points: Floats, which: Integers, pieces: Floats) -> None:
    """Move new vertices on borders from the lattice onto the border itself, as near as numbers can be."""
    if not len(which):
        return
    nearest = pieces[shapely.STRtree(shapely.linestrings(pieces)).nearest(shapely.points(points[which]))]
    start, way = nearest[:, 0], nearest[:, 1] - nearest[:, 0]
    part = ((points[which] - start) * way).sum(axis=1) / np.maximum((way**2).sum(axis=1), 1e-300)
    points[which] = start + np.clip(part, 0, 1)[:, None] * way


def _distance(points: Floats, pieces: Floats) -> Floats:
    """Return the distance of each point to its own piece."""
    start, way = pieces[:, 0], pieces[:, 1] - pieces[:, 0]
    squared = np.maximum((way**2).sum(axis=1), 1e-300)
    part = np.clip(((points - start) * way).sum(axis=1) / squared, 0, 1)
    return np.asarray(np.hypot(*(points - start - part[:, None] * way).T), dtype=np.float64)
