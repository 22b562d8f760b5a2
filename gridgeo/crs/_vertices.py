"""Vertices of whole layers: the distinct ones, and those that ought to be the same as another layer's."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely


def distinct_vertices(coordinates: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.intp]]:
    """Return the distinct rows of ``coordinates`` and the place of each row among them."""
    pairs = np.ascontiguousarray(coordinates[:, :2]).view(np.complex128)[:, 0]
    order = np.lexsort((pairs.imag, pairs.real))
    ordered = pairs[order]
    is_new = np.ones(len(ordered), dtype=bool)
    is_new[1:] = ordered[1:] != ordered[:-1]
    inverse = np.empty(len(ordered), dtype=np.intp)
    inverse[order] = np.cumsum(is_new) - 1
    distinct = ordered[is_new]
    return np.column_stack([distinct.real, distinct.imag]), inverse


def match_vertices(frame: gpd.GeoDataFrame, reference: gpd.GeoDataFrame, tolerance: float = 1e-5) -> gpd.GeoDataFrame:
    """Return a copy of ``frame`` whose vertices near a vertex of ``reference`` take exactly its coordinates.

    Layers that came through different coordinate systems agree in their seams only to some nanometres; this makes them
    agree to the last bit again. The nearest vertex wins, and among equally near ones that with the least x, then y. A
    feature that the move would make invalid, or collapse, is left as it was.

    Parameters
    ----------
    frame, reference : GeoDataFrame
        In the same CRS.
    tolerance : float
        In units of that CRS.
    """
    targets, _ = distinct_vertices(shapely.get_coordinates(reference.geometry.to_numpy()))
    before = frame.geometry.to_numpy()
    if not len(targets) or not len(before):
        return frame.copy()

    def snap(coordinates: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        distinct, inverse = distinct_vertices(coordinates)
        return _nearest_within(distinct, targets, tolerance)[inverse]

    after = shapely.transform(before, snap, include_z=False)
    # broken rings exist: a valid feature that is no longer valid, or one that lost its length or area
    spoilt = shapely.is_valid(before) & ~shapely.is_valid(after)
    spoilt |= (shapely.length(before) > 0) & (shapely.length(after) == 0)
    spoilt |= (shapely.area(before) > 0) & (shapely.area(after) == 0)
    after[spoilt] = before[spoilt]
    name = frame.geometry.name
    return frame.copy().set_geometry(gpd.GeoSeries(after, index=frame.index, crs=frame.crs, name=name))


def _nearest_within(
    points: npt.NDArray[np.float64], targets: npt.NDArray[np.float64], tolerance: float
) -> npt.NDArray[np.float64]:
    """Return ``points``, each replaced by the nearest of ``targets`` (sorted by x, then y) within ``tolerance``."""
    tree = shapely.STRtree(shapely.points(targets))
    source, target = tree.query(shapely.points(points), predicate="dwithin", distance=tolerance)
    squares = ((points[source] - targets[target]) ** 2).sum(axis=1)
    best = np.lexsort((target, squares, source))
    source, target = source[best], target[best]
    is_first = np.ones(len(source), dtype=bool)
    is_first[1:] = source[1:] != source[:-1]
    result = points.copy()
    result[source[is_first]] = targets[target[is_first]]
    return result
