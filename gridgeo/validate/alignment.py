"""Borders along roads and rivers: the share of each border that runs on a barrier, and blocks that a barrier cuts.

A border is sampled along its length and each sample asks for the nearest barrier. That gives the share on a barrier,
the largest deviation and the longest stretch off it in one pass, at a stated resolution (`SAMPLES_A_TOLERANCE`), and
costs O(length / tolerance x log(barriers)). A border that only crosses a road is near it for about two tolerances: so
short a stretch between two stretches off the barrier doesn't count as running along it.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from shapely.ops import substring

from gridgeo.network import RANKS, Rank

SAMPLES_A_TOLERANCE = 4
"""Samples within one tolerance of length."""

ALONG_AT_LEAST = 3.0
"""A stretch counts as running along a barrier from this many tolerances on."""


@dataclass(frozen=True)
class Borders:
    """Every border of a layer once: between two polygons, or between one polygon and the outside.

    Parameters
    ----------
    lines : ndarray of LineString or MultiLineString
    first, second : ndarray of int
        Indices of the polygons on both sides, ``first < second``; ``second`` is -1 on the outside.
    """

    lines: npt.NDArray[np.object_]
    first: npt.NDArray[np.int64]
    second: npt.NDArray[np.int64]


def shared_borders(polygons: npt.NDArray[np.object_]) -> Borders:
    """Return the borders of polygons that form a coverage, each once.

    Edges with equal ends belong together; where more than two polygons share an edge the layer is no coverage, and the
    first two are taken.
    """
    parts, owner = shapely.get_parts(polygons, return_index=True)
    rings, part_of_ring = shapely.get_rings(parts, return_index=True)
    coordinates, ring = shapely.get_coordinates(rings, return_index=True)
    is_edge = ring[:-1] == ring[1:]
    edges = np.hstack([coordinates[:-1], coordinates[1:]])[is_edge]
    polygon = owner[part_of_ring[ring[:-1]]][is_edge]
    turned = (edges[:, 0] > edges[:, 2]) | ((edges[:, 0] == edges[:, 2]) & (edges[:, 1] > edges[:, 3]))
    edges[turned] = edges[turned][:, [2, 3, 0, 1]]
    order = np.lexsort((polygon, edges[:, 3], edges[:, 2], edges[:, 1], edges[:, 0]))
    edges, polygon = edges[order], polygon[order]
    begins = np.ones(len(edges), bool)
    begins[1:] = (edges[1:] != edges[:-1]).any(axis=1)
    start = np.flatnonzero(begins)
    size = np.diff(np.append(start, len(edges)))
    first = polygon[start]
    second = np.where(size > 1, polygon[np.minimum(start + 1, len(polygon) - 1)], -1)
    unequal = first != second
    pairs, group = np.unique(np.stack([first[unequal], second[unequal]], 1), axis=0, return_inverse=True)
    segments = shapely.linestrings(edges[start][unequal].reshape(-1, 2, 2))
    by_pair = np.argsort(group.ravel(), kind="stable")
    bundles = shapely.multilinestrings(segments[by_pair], indices=np.sort(group.ravel()))
    return Borders(shapely.line_merge(bundles), pairs[:, 0], pairs[:, 1])


def measure_borders(
    borders: Borders, barriers: gpd.GeoDataFrame, *, tolerance: float, least_rank: Rank = "lane"
) -> gpd.GeoDataFrame:
    """Measure how each border runs along the barriers.

    Parameters
    ----------
    borders : Borders
        In a CRS in metres.
    barriers : GeoDataFrame
        Lines with a column ``rank``, same CRS.
    tolerance : float
        Metres within which a border counts as on the barrier.
    least_rank : Rank
        Barriers of lower rank don't count.

    Returns
    -------
    GeoDataFrame
        A row a border: ``first``, ``second``, ``length``, ``on_barrier`` (metres), ``deviation`` (largest distance from
        a barrier, metres; inf where there is none), ``longest_off`` (metres) and, as geometry, the stretches off the
        barrier.
    """
    demanded = RANKS[: RANKS.index(least_rank) + 1]
    tree = shapely.STRtree(barriers.geometry.to_numpy()[barriers["rank"].isin(demanded).to_numpy()])
    rows = []
    lines, border_of_line = shapely.get_parts(borders.lines, return_index=True)
    measured = [_measure_line(line, tree, tolerance) for line in lines]
    table = pd.DataFrame(measured, columns=["length", "on_barrier", "deviation", "longest_off", "off"])
    for index, of_border in table.groupby(border_of_line):
        off = shapely.MultiLineString([part for parts in of_border["off"] for part in parts])
        rows.append(
            (
                borders.first[index],
                borders.second[index],
                of_border["length"].sum(),
                of_border["on_barrier"].sum(),
                of_border["deviation"].max(),
                of_border["longest_off"].max(),
                off,
            )
        )
    columns = ["first", "second", "length", "on_barrier", "deviation", "longest_off", "geometry"]
    return gpd.GeoDataFrame(pd.DataFrame(rows, columns=columns), geometry="geometry", crs=barriers.crs)


def _measure_line(
    line: shapely.LineString, tree: shapely.STRtree, tolerance: float
) -> tuple[float, float, float, float, list[shapely.LineString]]:
    length = float(line.length)
    count = max(2, int(np.ceil(length / tolerance * SAMPLES_A_TOLERANCE)))
    along = (np.arange(count) + 0.5) * (length / count)  # the middle of each step
    distance = np.full(count, np.inf)
    if len(tree):
        samples = shapely.line_interpolate_point(line, along)
        pairs, nearest = tree.query_nearest(samples, return_distance=True, all_matches=False)
        distance[pairs[0]] = nearest
    on = _without_crossings(distance <= tolerance, length / count, tolerance)
    edges = np.flatnonzero(np.diff(on.astype(np.int8))) + 1
    starts, ends = np.append(0, edges), np.append(edges, count)
    off = [(start, end) for start, end in zip(starts, ends, strict=True) if not on[start]]
    step = length / count
    stretches = [substring(line, start * step, end * step) for start, end in off]
    longest = max(((end - start) * step for start, end in off), default=0.0)
    return length, float(on.sum()) * step, float(distance.max()), float(longest), stretches


def _without_crossings(near: npt.NDArray[np.bool_], step: float, tolerance: float) -> npt.NDArray[np.bool_]:
    """Take back short stretches near a barrier that lie between two stretches off it: a crossing isn't an alignment."""
    changes = np.flatnonzero(np.diff(near.astype(np.int8))) + 1
    starts, ends = np.append(0, changes), np.append(changes, len(near))
    on = near.copy()
    for start, end in zip(starts, ends, strict=True):
        inner = start > 0 and end < len(near)
        if near[start] and inner and (end - start) * step < ALONG_AT_LEAST * tolerance:
            on[start:end] = False
    return on


def cutting_barriers(
    polygons: npt.NDArray[np.object_], barriers: gpd.GeoDataFrame, *, tolerance: float, least_rank: Rank = "main-road"
) -> gpd.GeoDataFrame:
    """Find the polygons that a barrier of at least some rank cuts into two parts.

    Parameters
    ----------
    polygons : ndarray of Polygon or MultiPolygon
        In a CRS in metres.
    barriers : GeoDataFrame
        Lines with columns ``rank``, ``name`` and ``level``, same CRS; lines on a bridge or in a tunnel cut nothing.
    tolerance : float
        Metres: parts no wider than this don't count, the barrier then runs along the border.
    least_rank : Rank
        Barriers of lower rank may cut.

    Returns
    -------
    GeoDataFrame
        A row a polygon: ``polygon`` (index), ``names`` (tuple of str), ``rank`` (the strongest), ``length`` (metres
        within the polygon, further than the tolerance from its border) and the barrier's course there as geometry.
    """
    demanded = barriers["rank"].isin(RANKS[: RANKS.index(least_rank) + 1]) & (barriers["level"] == 0)
    strong = barriers[demanded.to_numpy()]
    lines = strong.geometry.to_numpy()
    index, line = shapely.STRtree(lines).query(polygons, predicate="intersects")
    rows = []
    for polygon in np.unique(index):
        shape = polygons[polygon]
        here = line[index == polygon]
        course = shapely.union_all(shapely.intersection(lines[here], shape))
        faces = shapely.get_parts(shapely.polygonize([shapely.union_all([shape.boundary, course])]))
        faces = faces[shapely.contains(shape, shapely.point_on_surface(faces))]
        if (
            np.count_nonzero(~shapely.is_empty(shapely.buffer(faces, -tolerance / 2)))
            < shapely.get_num_geometries(shape) + 1
        ):
            continue
        inside = shapely.difference(course, shapely.buffer(shape.boundary, tolerance))
        if shapely.length(inside) <= tolerance:
            continue
        cutting = strong.iloc[here[shapely.intersects(lines[here], inside)]]
        names = tuple(sorted({name for name in cutting["name"] if name}))
        rank = min(cutting["rank"], key=RANKS.index)
        rows.append((int(polygon), names, rank, float(shapely.length(inside)), inside))
    columns = ["polygon", "names", "rank", "length", "geometry"]
    return gpd.GeoDataFrame(pd.DataFrame(rows, columns=columns), geometry="geometry", crs=barriers.crs)
