"""Streets inside areas: which metres of the road network belong to which street block, each metre once.

Theory. The streets of an area are the lines of a rank or a stronger one, cut by the area. A metre that two lines share,
or that runs on the border of two areas, belongs to the first of them alone. A weaker street that only enters from
outside as far as the middle of the street that it joins, or crosses it, is no street of the area but a side street.

Cost. O(n log n) for n lines; the places where lines meet are found by a tree.

Limits. Lines below the ground are left out. A side street is told from a short street by its length (`STUB`) and by the
stronger street that it meets.
"""

from __future__ import annotations

from itertools import pairwise

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.ops import substring

from gridgeo.network.barriers import RANKS, RIVER, Rank
from gridgeo.network.basics import Flags, Floats, Geometries, Integers, groups

STUB = 30.0
"""Metres from the border of a street area to the middle of the street, at most, that a side street runs inside it."""
JOINT = 0.05
"""Metres. Ends of streets that are nearer meet."""
_CRUMB = 1e-3
"""Metres. What is shorter is rounding."""


def streets_within(lines: gpd.GeoDataFrame, areas: Geometries, *, rank: Rank = "road") -> gpd.GeoDataFrame:
    """Return the streets inside some areas, each metre once.

    Parameters
    ----------
    lines : GeoDataFrame
        As of `gridgeo.network.Barriers`, in metres.
    areas : ndarray of Polygon or MultiPolygon
        In the same CRS.
    rank : {"main-road", "road", "lane"}
        The weakest rank that counts as a street.

    Returns
    -------
    GeoDataFrame
        LineStrings with the columns ``area`` (index of the area), ``row`` (of ``lines``), ``name``, ``rank`` and
        ``level``; in order of area, rank and row.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from gridgeo.network import as_barriers
    >>> roads = gpd.GeoDataFrame({"rank": ["road"]}, geometry=[shapely.LineString([(-50, 5), (150, 5)])])
    >>> streets_within(as_barriers(roads).lines, np.array([shapely.box(0, 0, 100, 10)])).length.tolist()
    [100.0]
    """
    strength = np.array([RANKS.index(each) for each in lines["rank"]], np.int64)
    chosen = np.flatnonzero(
        (strength > RIVER) & (strength <= RANKS.index(rank)) & (lines["level"].to_numpy() >= 0)
        if len(lines)
        else np.zeros(0, bool)
    )
    shapes: Geometries = lines.geometry.to_numpy()
    area, line = shapely.STRtree(shapes[chosen]).query(areas, predicate="intersects")
    row = chosen[line]
    order = np.lexsort((row, strength[row], area))
    area, row = area[order], row[order]
    cut = shapely.line_merge(shapely.intersection(shapes[row], areas[area])) if len(row) else np.empty(0, object)
    parts, source = shapely.get_parts(cut, return_index=True)
    kept = (shapely.get_type_id(parts) == 1) & (shapely.length(parts) > _CRUMB)
    pieces = _each_metre_once(parts[kept], source[kept])
    source, parts = pieces
    found = {"area": area[source], "row": row[source]}
    table = gpd.GeoDataFrame(pd.DataFrame(found), geometry=parts, crs=lines.crs)
    for column in ("name", "rank", "level"):
        table[column] = lines[column].to_numpy()[table["row"].to_numpy(np.int64)] if len(table) else []
    side = _side_streets(table, shapes, areas)
    return table.loc[~side].reset_index(drop=True)


def _each_metre_once(parts: Geometries, source: Integers) -> tuple[Integers, Geometries]:
    """Take from each piece what runs along an earlier one."""
    tree = shapely.STRtree(parts)
    one, other = tree.query(parts, predicate="intersects")
    later = one > other
    one, other = one[later], other[later]
    along = shapely.length(shapely.intersection(parts[one], parts[other])) > _CRUMB
    doubled: dict[int, list[int]] = {}
    for late, early in zip(one[along].tolist(), other[along].tolist(), strict=True):
        doubled.setdefault(late, []).append(early)
    if not doubled:
        return source, parts
    owners, left = [], []
    for index, part in enumerate(parts):
        if index in doubled:
            part = shapely.difference(part, shapely.union_all(parts[doubled[index]]))
        for piece in shapely.get_parts(shapely.line_merge(part)).tolist():
            if piece.geom_type == "LineString" and piece.length > _CRUMB:
                owners.append(int(source[index]))
                left.append(piece)
    made: Geometries = np.empty(len(left), object)
    made[:] = left
    return np.array(owners, np.int64), made


def _side_streets(table: gpd.GeoDataFrame, lines: Geometries, areas: Geometries) -> Flags:
    """Tell which pieces only lead from the outer border to a stronger street, or across it."""
    side = np.zeros(len(table), np.bool_)
    if not len(table):
        return side
    pieces: Geometries = table.geometry.to_numpy()
    strength = np.array([RANKS.index(rank) for rank in table["rank"]])
    short = np.flatnonzero(shapely.length(pieces) <= 2 * STUB)
    if not len(short):
        return side
    border = shapely.boundary(shapely.union_all(areas))
    shapely.prepare(border)
    ends = shapely.points(_ends(pieces[short]))
    own = shapely.boundary(lines[table["row"].to_numpy(np.int64)[short]])
    # where the street itself ends on the border, it doesn't come from outside
    entering = shapely.dwithin(border, ends, _CRUMB) & ~shapely.dwithin(own[:, None], ends, _CRUMB)
    enough = shapely.length(pieces[short]) <= STUB * entering.sum(axis=1)
    mine, other = shapely.STRtree(pieces).query(pieces[short], predicate="dwithin", distance=JOINT)
    stronger = np.zeros(len(short), np.bool_)
    stronger[mine[strength[other] < strength[short[mine]]]] = True
    side[short] = enough & stronger
    return side


def between_junctions(streets: gpd.GeoDataFrame, lines: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Cut streets where anything that one can walk along meets them, at either end or on the same level.

    Parameters
    ----------
    streets : GeoDataFrame
        Of `streets_within`.
    lines : GeoDataFrame
        All barriers' lines, side streets among them.

    Returns
    -------
    GeoDataFrame
        The columns of ``streets``, one row a stretch from junction to junction, in order along each street.
    """
    pieces: Geometries = streets.geometry.to_numpy()
    level = streets["level"].to_numpy()
    walked = lines.loc[(lines["rank"] != RANKS[RIVER]).to_numpy()]
    other: Geometries = walked.geometry.to_numpy()
    other_level = walked["level"].to_numpy()
    mine, met = shapely.STRtree(other).query(pieces, predicate="dwithin", distance=JOINT)
    unequal = walked.index.to_numpy()[met] != streets["row"].to_numpy()[mine] if len(mine) else np.zeros(0, bool)
    mine, met = mine[unequal], met[unequal]
    places: list[list[float]] = [[] for _ in pieces]
    crossing = shapely.intersection(pieces[mine], other[met])
    for index, line, shape in zip(mine.tolist(), met.tolist(), crossing, strict=True):
        piece = pieces[index]
        ends = shapely.points(np.concatenate([_ends(piece)[0], _ends(other[line])[0]]))
        joints = ends[shapely.dwithin(ends, piece, JOINT) & shapely.dwithin(ends, other[line], JOINT)]
        spots = shapely.points(shapely.get_coordinates(shape)) if level[index] == other_level[line] else joints[:0]
        if len(spots) > 2:  # they run along each other for a while
            spots = spots[[0, -1]]
        places[index] += shapely.line_locate_point(piece, np.concatenate([spots, joints])).tolist()
    made, source = [], []
    for index, piece in enumerate(pieces):
        cuts = [0.0]
        for place in sorted(places[index]):
            if place - cuts[-1] > JOINT and piece.length - place > JOINT:
                cuts.append(place)
        cuts.append(piece.length)
        for start, end in pairwise(cuts):
            made.append(piece if len(cuts) == 2 else substring(piece, start, end))
            source.append(index)
    rows = pd.DataFrame(streets.drop(columns="geometry")).iloc[source].reset_index(drop=True)
    return gpd.GeoDataFrame(rows, geometry=made, crs=streets.crs)


def _ends(lines: Geometries) -> Floats:
    """Return both ends of each line: (n, 2, 2)."""
    lines = np.atleast_1d(np.asarray(lines, object))
    return np.stack([shapely.get_coordinates(shapely.get_point(lines, at)) for at in (0, -1)], axis=1)


def joints_of(pieces: Geometries) -> Integers:
    """Return the number of the junction at both ends of each line: (n, 2); ends that meet share one."""
    ends = _ends(pieces).reshape(-1, 2)
    points = shapely.points(ends)
    one, other = shapely.STRtree(points).query(points, predicate="dwithin", distance=JOINT)
    return groups(len(ends), np.stack([one, other], axis=1)).reshape(-1, 2)
