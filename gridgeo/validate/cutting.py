"""Blocks that a river or main road cuts in two.

A barrier cuts a polygon when it comes further in than the tolerance and leaves land wider than the tolerance on
several sides of it. Only polygons that a barrier comes into are looked at, each by itself.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridgeo.network import RANKS, Rank
from gridgeo.validate.alignment import Geometries, outlines


def cutting_barriers(
    polygons: Geometries, barriers: gpd.GeoDataFrame, *, tolerance: float, least_rank: Rank = "main-road"
) -> gpd.GeoDataFrame:
    """Find the polygons that a barrier of at least some rank cuts into two parts.

    Parameters
    ----------
    polygons : ndarray of Polygon or MultiPolygon
        In a CRS in metres.
    barriers : GeoDataFrame
        Lines or polygons with columns ``rank``, ``name`` and ``level``, same CRS; those on a bridge or in a tunnel cut
        nothing. A polygon cuts where it leaves land on several sides of it.
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
    # only barriers that come further in than the tolerance can cut
    tree = shapely.STRtree(lines)
    reached = np.unique(tree.query(polygons, predicate="intersects")[0])
    with np.errstate(invalid="ignore"):  # shapely's word for polygons of which nothing is left
        cores = shapely.buffer(polygons[reached], -tolerance, quad_segs=2)
    index, line = tree.query(cores, predicate="intersects")
    rows = []
    for polygon in np.unique(index):
        shape, core = polygons[reached[polygon]], cores[polygon]
        here = line[index == polygon]
        areal = shapely.get_dimensions(lines[here]) == 2
        # clipped well beyond the polygon: cut off at its border they would end beside it by a rounding
        left, bottom, right, top = shape.bounds
        course = shapely.union_all(
            shapely.clip_by_rect(outlines(lines[here]), left - 1, bottom - 1, right + 1, top + 1)
        )
        land = shapely.difference(shape, shapely.union_all(lines[here][areal])) if areal.any() else shape
        faces = shapely.get_parts(shapely.polygonize([shapely.union_all([land.boundary, course])]))
        faces = faces[shapely.contains(land, shapely.point_on_surface(faces))]
        with np.errstate(invalid="ignore"):
            wide = ~shapely.is_empty(shapely.buffer(faces, -tolerance / 2))
        if np.count_nonzero(wide) < shapely.get_num_geometries(shape) + 1:
            continue
        inside = shapely.intersection(course, core)
        if shapely.length(inside) <= tolerance:
            continue
        cutting = strong.iloc[here]
        names = tuple(sorted({name for name in cutting["name"] if name}))
        rank = min(cutting["rank"], key=RANKS.index)
        rows.append((int(reached[polygon]), names, rank, float(shapely.length(inside)), inside))
    columns = ["polygon", "names", "rank", "length", "geometry"]
    return gpd.GeoDataFrame(pd.DataFrame(rows, columns=columns), geometry="geometry", crs=barriers.crs)
