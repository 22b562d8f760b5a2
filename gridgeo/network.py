"""Barriers: the roads, lanes and rivers along which a town may be cut, as one noded network with a rank on each edge.

Theory. All barriers and all borders of grids are noded *together*, by snap rounding on a lattice of a micrometre: every
crossing becomes a vertex, what runs within a micrometre of each other becomes one edge, and no two edges cross afterwards.
Cutting by main barriers first and by minor ones second would give neighbours different vertices on the same border.
Vertices of the input keep their coordinates to the last bit (the lattice only serves to find who meets whom), so
that what is built from the arrangement fits the layers it came from.

Grade separation is settled before noding (`on_the_ground`): a line that is not on the ground cuts nothing, but a short
bridge that carries a street of the ground on over a river is a piece of that street. Bridges of any length join the
banks of the rivers that they cross (`Arrangement.joined`).

Cost. O((n + c) log n) for n segments and c crossings; 6,289 roads of a town take about a second.

Limits. Vertices of different features closer than 10 micrometres become one. Nothing is known about where a line leads off the
ground: a ramp's level is what its data say. Dead ends are kept as edges but not yet extended to the next barrier.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridgeo.errors import InputError, Problem
from gridgeo.language import Message

Rank = Literal["river", "main-road", "road", "lane"]
RANKS: tuple[Rank, ...] = ("river", "main-road", "road", "lane")
"""Ranks of barriers, the strongest first."""

RIVER = 0
"""Index of the river in `RANKS`."""
NO_RANK = len(RANKS)
"""Stands for the rank of an edge on which no barrier runs (a border of grids alone): weaker than all."""

GRAIN = 1e-6
"""Metres. The lattice on which crossings are found: what is nearer is the same."""
SNAP = 1e-5
"""Metres. Vertices of different features that are nearer become one vertex."""
SHORT_BRIDGE = 100.0
"""Metres. A bridge no longer than this that joins two streets on the ground over a river is part of the street."""
TOUCH = 0.01
"""Metres. How near a bridge's end must come to a street to go on as that street."""

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Geometries = npt.NDArray[np.object_]

_NO_RANK_COLUMN = Message(
    "barriers need a column 'rank' with {ranks}",
    "屏障图层需要“rank”列，取值为 {ranks}",
)
_UNKNOWN_RANK = Message(
    "rank {rank!r} is unknown; use {ranks}",
    "未知等级 {rank!r}；可用 {ranks}",
)
_NO_LINE = Message(
    "a barrier must be a line or a polygon, this is a {type}; leave it out or mend it",
    "屏障必须是线或面，此处为 {type}；请删除或修正",
)


@dataclass(frozen=True)
class Barriers:
    """The barriers of a town, in its working CRS (metres).

    Parameters
    ----------
    lines : GeoDataFrame
        Centre lines; columns ``geometry`` (LineString), ``rank`` (one of `RANKS`), ``name`` (str, "" where unnamed),
        ``layer`` (key in gridgeo.toml), ``feature`` (id, str) and ``level`` (int: 0 on the ground, above 0 on a bridge,
        below 0 in a tunnel; two lines of different level that cross do not meet).
    surfaces : GeoDataFrame
        Barriers given as polygons (rivers, carriageways), same columns with Polygon geometry. Their outline cuts.
    """

    lines: gpd.GeoDataFrame
    surfaces: gpd.GeoDataFrame


@dataclass(frozen=True)
class Arrangement:
    """Barriers and borders noded into one: segments that meet at their ends only.

    Segments are the straight pieces between two vertices; `edges` joins them to edges between junctions.

    Parameters
    ----------
    points : (n, 2) array
        Vertices in metres. A vertex that the input has, has the input's coordinates to the last bit.
    lattice : (n, 2) array of int
        The same vertices in steps of `GRAIN` from ``origin``: exact, for topology. In order of x, then y.
    origin : (2,) array
        Where the lattice begins: whole metres.
    segments : (m, 2) array of int
        Two vertices each, the lower index first; no segment occurs twice.
    rank : (m,) array of int
        Index in `RANKS` of the strongest barrier that runs along the segment, or `NO_RANK`.
    source : (m,) array of int
        Row of that barrier: in ``barriers.lines``, or after them in ``barriers.surfaces``; -1 without one.
    border : (m,) array of bool
        True where a border of the given polygons runs.
    joined : (m,) array of bool
        True for river segments over which a street or a bridge leads: their two banks are one piece on foot.
    vertex : (n,) array of int
        Index of the vertex in ``shapely.get_coordinates(borders)`` (the first of equal ones), or -1 for any other vertex.
    shape : (n,) array of bool
        True for vertices that the input has, False for crossings found by noding.
    barriers : Barriers
        What was noded.
    """

    points: Floats
    lattice: Integers
    origin: Floats
    segments: Integers
    rank: npt.NDArray[np.int8]
    source: Integers
    border: Flags
    joined: Flags
    vertex: Integers
    shape: Flags
    barriers: Barriers

    @property
    def lengths(self) -> Floats:
        """Length of each segment in metres."""
        ends = self.points[self.segments]
        return np.asarray(np.hypot(*(ends[:, 1] - ends[:, 0]).T), dtype=np.float64)

    @property
    def degrees(self) -> Integers:
        """How many segments meet in each vertex."""
        return np.bincount(self.segments.ravel(), minlength=len(self.points)).astype(np.int64)

    def edges(self) -> gpd.GeoDataFrame:
        """Return the network's edges: lines from junction to junction along one barrier or border.

        Columns ``rank`` (of `RANKS`, "border" where a border of grids runs and no barrier), ``name``, ``layer``, ``feature``, ``level``,
        ``border`` (bool), ``joined`` (bool: a river's edge under a bridge) and ``geometry``.
        """
        chain = _chains(self)
        lines = shapely.linestrings(self.points[self.segments])
        count = int(chain.max()) + 1 if len(chain) else 0
        merged = shapely.line_merge(
            shapely.multilinestrings(lines[np.argsort(chain, kind="stable")], indices=np.sort(chain))
        )
        first = np.full(count, len(chain), dtype=np.int64)
        np.minimum.at(first, chain, np.arange(len(chain)))
        source = self.source[first]
        columns = ("name", "layer", "feature", "level")
        told = pd.concat([self.barriers.lines[list(columns)], self.barriers.surfaces[list(columns)]], ignore_index=True)
        said = {
            key: [told[key].iloc[row] if row >= 0 else (0 if key == "level" else "") for row in source]
            for key in columns
        }
        words = [*RANKS, "border"]
        joined = np.bincount(chain, weights=self.joined, minlength=count) > 0
        return gpd.GeoDataFrame(
            {
                "rank": [words[rank] for rank in self.rank[first]],
                **said,
                "border": self.border[first],
                "joined": joined,
            },
            geometry=merged if count else [],
            crs=self.barriers.lines.crs,
        )


def as_barriers(given: Barriers | gpd.GeoDataFrame) -> Barriers:
    """Return barriers as `Barriers`: a table of lines and polygons with a column ``rank`` is sorted into its two tables.

    Missing columns are filled: no name, on the ground, the row's number as feature. Multi-part features are taken apart. Raises
    `InputError` for ranks that are unknown and for geometries that are neither lines nor polygons.
    """
    if isinstance(given, Barriers):
        return given
    words = ", ".join(RANKS)
    if "rank" not in given.columns:
        raise InputError(Problem("barriers", _NO_RANK_COLUMN, {"ranks": words}))
    table = gpd.GeoDataFrame(
        {
            "rank": given["rank"].to_numpy(),
            "name": given["name"].fillna("").astype(str).to_numpy() if "name" in given.columns else "",
            "layer": given["layer"].astype(str).to_numpy() if "layer" in given.columns else "barriers",
            "feature": (given["feature"] if "feature" in given.columns else pd.Series(range(1, len(given) + 1)))
            .astype(str)
            .to_numpy(),
            "level": given["level"].fillna(0).astype(int).to_numpy() if "level" in given.columns else 0,
        },
        geometry=given.geometry.to_numpy(),
        crs=given.crs,
    )
    problems = [
        Problem(f"barriers, feature {feature}", _UNKNOWN_RANK, {"rank": str(rank), "ranks": words})
        for feature, rank in zip(table["feature"], table["rank"], strict=True)
        if rank not in RANKS
    ]
    table = table.explode(index_parts=False, ignore_index=True)
    shapes = table.geom_type
    problems += [
        Problem(f"barriers, feature {feature}", _NO_LINE, {"type": str(shape)})
        for feature, shape in zip(table["feature"], shapes, strict=True)
        if shape not in ("LineString", "LinearRing", "Polygon")
    ]
    if problems:
        raise InputError(problems)
    polygons = (shapes == "Polygon").to_numpy()
    return Barriers(
        lines=table.loc[~polygons].reset_index(drop=True), surfaces=table.loc[polygons].reset_index(drop=True)
    )


def on_the_ground(lines: gpd.GeoDataFrame, *, short_bridge: float = SHORT_BRIDGE) -> Flags:
    """Tell which lines cut: those on the ground, and short bridges that carry a street on over a river.

    A bridge counts as part of the street when its pieces together are no longer than ``short_bridge`` metres, at least two
    of its ends meet streets on the ground, and no street on the ground runs through under it (then it is a flyover). Lines with a level below 0
    (tunnels, culverts) never cut.
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
        deck = shapely.union_all(shapes[raised[members]])
        near_ends = shapely.buffer(shapely.multipoints(landed), 2 * TOUCH)
        under = streets[tree.query(deck, predicate="intersects")]
        if bool(np.all(shapely.covers(near_ends, shapely.intersection(under, deck)))):
            cuts[raised[members]] = True
    return cuts


def node(
    barriers: Barriers,
    borders: Sequence[Any] | Geometries = (),
    *,
    within: Sequence[Any] | Geometries | None = None,
    short_bridge: float = SHORT_BRIDGE,
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

    Examples
    --------
    >>> roads = gpd.GeoDataFrame({"rank": ["road"]}, geometry=[shapely.LineString([(-5, 5), (15, 5)])])
    >>> arrangement = node(as_barriers(roads), [shapely.box(0, 0, 10, 10)])
    >>> arrangement.edges()[["rank", "border"]].value_counts().to_dict()
    {('road', False): 3, ('border', True): 2}
    """
    outlines: Geometries = np.asarray(borders, dtype=object)
    line_shapes: Geometries = barriers.lines.geometry.to_numpy()
    surface_shapes: Geometries = barriers.surfaces.geometry.to_numpy()
    cutting = on_the_ground(barriers.lines, short_bridge=short_bridge)
    flat = np.asarray(barriers.surfaces["level"].to_numpy() == 0)
    if len(outlines):
        tree = shapely.STRtree(outlines if within is None else np.asarray(within, dtype=object))
        cutting &= _meets(line_shapes, tree)
        flat &= _meets(surface_shapes, tree)
    rank_of = np.array(
        [RANKS.index(rank) for table in (barriers.lines, barriers.surfaces) for rank in table["rank"]], dtype=np.int64
    )
    named = np.array(
        [bool(name) for table in (barriers.lines, barriers.surfaces) for name in table["name"]], dtype=np.bool_
    )
    border_pieces, _ = _pieces(outlines, np.arange(len(outlines)))
    line_pieces, line_rows = _pieces(line_shapes[cutting], np.flatnonzero(cutting))
    surface_pieces, surface_rows = _pieces(surface_shapes[flat], np.flatnonzero(flat) + len(line_shapes))

    given = shapely.get_coordinates(outlines)
    pieces = np.concatenate([border_pieces, line_pieces, surface_pieces])
    owner = np.concatenate([np.full(len(border_pieces), -1), line_rows, surface_rows]).astype(np.int64)
    if not len(pieces):
        pieces = np.empty((0, 2, 2))
    vertices = np.concatenate([given, pieces.reshape(-1, 2)])
    origin = np.floor(vertices.min(axis=0)) if len(vertices) else np.zeros(2)
    known, known_at, first = _lattice(vertices, origin)
    ends = known[known_at[len(given) :]].reshape(-1, 2, 2)
    lattice, segments = _snap_round(ends)
    segments_at = lattice[segments]
    rank, source, border = _attribute(segments_at, ends, owner, rank_of, named)

    vertex = np.full(len(lattice), -1, dtype=np.int64)
    shape = np.zeros(len(lattice), dtype=np.bool_)
    points = lattice * GRAIN + origin
    found, row = _find(lattice, known)
    shape[row] = True
    points[row] = vertices[first[found]]
    from_border = first[found] < len(given)
    vertex[row[from_border]] = first[found][from_border]
    joined = _joined(points, segments, rank)
    street = (barriers.lines["rank"] != RANKS[RIVER]).to_numpy()
    over = line_shapes[~cutting & street & (barriers.lines["level"].to_numpy() > 0)]
    joined |= _bridged(points[segments], rank, over)
    return Arrangement(points, lattice, origin, segments, rank, source, border, joined, vertex, shape, barriers)


# ---------------------------------------------------------------------------------------------------- noding


def _meets(shapes: Geometries, tree: shapely.STRtree) -> Flags:
    """Tell which shapes meet anything in the tree."""
    meets = np.zeros(len(shapes), dtype=np.bool_)
    meets[np.unique(tree.query(shapes, predicate="intersects")[0])] = True
    return meets


def _pieces(shapes: Geometries, rows: npt.NDArray[Any]) -> tuple[Floats, Integers]:
    """Return the straight pieces of lines and of polygons' rings as (n, 2, 2) coordinates, with the row of each."""
    if not len(shapes):
        return np.empty((0, 2, 2)), np.empty(0, dtype=np.int64)
    areal = shapely.get_dimensions(shapes) == 2
    rings, ring_of = shapely.get_rings(shapes[areal], return_index=True)
    lines = np.concatenate([shapes[~areal], rings])
    owner = np.concatenate([rows[~areal], rows[areal][ring_of]]).astype(np.int64)
    coordinates, line = shapely.get_coordinates(lines, return_index=True)
    runs = np.flatnonzero(line[:-1] == line[1:])
    return np.stack([coordinates[runs], coordinates[runs + 1]], axis=1), owner[line[runs]]


def _ends(lines: Geometries) -> Floats:
    first = shapely.get_coordinates(shapely.get_point(lines, 0))
    last = shapely.get_coordinates(shapely.get_point(lines, -1))
    return np.stack([first, last], axis=1)


def _components(count: int, place: Integers) -> Integers:
    """Number the groups of things that share a place: ``place`` holds two places of each thing."""
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


def _distance(points: Floats, pieces: Floats) -> Floats:
    """Return the distance of each point to its own piece."""
    start, way = pieces[:, 0], pieces[:, 1] - pieces[:, 0]
    squared = np.maximum((way**2).sum(axis=1), 1e-300)
    part = np.clip(((points - start) * way).sum(axis=1) / squared, 0, 1)
    return np.asarray(np.hypot(*(points - start - part[:, None] * way).T), dtype=np.float64)


# ---------------------------------------------------------------------------------------------------- bridges, chains


def _joined(points: Floats, segments: Integers, rank: npt.NDArray[np.int8]) -> Flags:
    """Tell over which river segments a street leads: at a vertex where streets leave the river on both its sides."""
    joined = np.zeros(len(segments), dtype=np.bool_)
    wet = rank == RIVER
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


def _bridged(segments_at: Floats, rank: npt.NDArray[np.int8], over: Geometries) -> Flags:
    """Tell over which river segments one of the lines ``over`` (bridges that cut nothing) leads."""
    bridged = np.zeros(len(segments_at), dtype=np.bool_)
    wet = np.flatnonzero(rank == RIVER)
    if len(wet) and len(over):
        tree = shapely.STRtree(shapely.linestrings(segments_at[wet]))
        bridged[wet[tree.query(over, predicate="intersects")[1]]] = True
    return bridged


def _chains(arrangement: Arrangement) -> Integers:
    """Number the edges: runs of segments along one barrier or border through vertices where nothing else meets."""
    segments, degrees = arrangement.segments, arrangement.degrees
    same = np.full((len(arrangement.points), 2), -1, dtype=np.int64)
    ends = segments.ravel()
    owner = np.repeat(np.arange(len(segments)), 2)
    order = np.argsort(ends, kind="stable")
    ends, owner = ends[order], owner[order]
    leading = np.concatenate([[True], ends[1:] != ends[:-1]]) if len(ends) else np.empty(0, dtype=np.bool_)
    same[ends[leading], 0] = owner[leading]
    same[ends[~leading], 1] = owner[~leading]
    through = same[degrees == 2]
    a, b = through.T
    alike = (arrangement.source[a] == arrangement.source[b]) & (arrangement.border[a] == arrangement.border[b])
    return groups(len(segments), through[alike])


def groups(count: int, pairs: Integers) -> Integers:
    """Return numbers for the groups that pairs of things tie together, in the order of their first member."""
    parent = list(range(count))
    for a, b in pairs.tolist():
        while parent[a] != a:
            parent[a] = parent[parent[a]]
            a = parent[a]
        while parent[b] != b:
            parent[b] = parent[parent[b]]
            b = parent[b]
        parent[max(a, b)] = min(a, b)
    roots = []
    for item in range(count):  # a parent comes before its children
        parent[item] = parent[parent[item]]
        roots.append(parent[item])
    _, number = np.unique(np.array(roots, dtype=np.int64), return_inverse=True)
    return number.astype(np.int64)
