"""The proof of a repair by GEOS, which shares no code with the validator.

Only what has changed can have become wrong, and only against what lies around it: so GEOS is asked about the changed
polygons and their neighbours, which keeps the cost in proportion to the mends.

Where a hole of a polygon touches the polygon's own outer border, GEOS looks at the corner of the hole alone and takes
what lies outside the polygon for its inside. Edges that it flags there are looked at once more, by its relations.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.layers import Layer
from gridgeo.repair.plan import Feature

Geometries = npt.NDArray[np.object_]


def flagged_by_geos(polygons: Geometries, changed: Collection[int]) -> list[int]:
    """Return which changed polygons GEOS finds invalid, or at odds with a neighbour along a border.

    Parameters
    ----------
    polygons : ndarray of Polygon or MultiPolygon
        A tiling, in one CRS; None and empty ones cover nothing.
    changed : collection of int
        Indices of those that were changed.

    Examples
    --------
    >>> pair = np.array([shapely.box(0, 0, 2, 2), shapely.box(1, 0, 3, 2)])
    >>> flagged_by_geos(pair, [0]), flagged_by_geos(pair, [])
    ([0], [])
    """
    flat = shapely.force_2d(polygons)
    there = np.flatnonzero(~(shapely.is_missing(flat) | shapely.is_empty(flat)))
    mine = np.intersect1d(there, np.array(sorted(changed), np.int64))
    if not len(mine):
        return []
    broken = set(mine[~shapely.is_valid(flat[mine])].tolist())
    sound = np.array([k for k in mine.tolist() if k not in broken], np.int64)
    _, beside = shapely.STRtree(flat[there]).query(flat[sound], predicate="intersects")
    around = np.union1d(there[beside], sound)
    around = around[shapely.is_valid(flat[around])]
    lines = shapely.coverage_invalid_edges(flat[around])
    flagged = np.flatnonzero(~shapely.is_empty(lines) & np.isin(around, sound))
    odd = [k for k in flagged.tolist() if not _misread(flat[around], k, lines[k])]
    return sorted(broken | set(around[odd].tolist()))


def _misread(polygons: Geometries, index: int, lines: shapely.Geometry) -> bool:
    """Whether all that GEOS flags of a polygon starts where the rings of another touch, and lies outside all others."""
    others = np.delete(polygons, index)
    others = others[shapely.intersects(others, lines)]
    touching = {place for other in others for place in _where_rings_touch(other)}
    if not touching:
        return False
    for line in shapely.get_parts(lines):
        for ends in pairwise(map(tuple, shapely.get_coordinates(line).tolist())):
            apart = shapely.relate_pattern(shapely.LineString(ends), others, "FF*******")
            if touching.isdisjoint(ends) or not apart.all():
                return False
    return True


def _where_rings_touch(polygon: shapely.Geometry) -> list[tuple[float, ...]]:
    """Return the vertices that several rings of a polygon have."""
    rings = shapely.get_rings(shapely.get_parts(polygon))
    counted = Counter(place for ring in rings for place in set(map(tuple, shapely.get_coordinates(ring).tolist())))
    return [place for place, count in counted.items() if count > 1]


def doubted_by_geos(
    layers: Mapping[str, Layer], changed: Collection[Feature]
) -> list[tuple[Feature, shapely.Geometry]]:
    """Return the changed features of a tiling's layers, in one CRS, that GEOS finds at odds; with their polygons."""
    features = [Feature(key, one) for key, layer in layers.items() for one in layer.ids.tolist()]
    shapes = np.concatenate([layer.frame.geometry.to_numpy() for layer in layers.values()])
    mine = set(changed)
    flagged = flagged_by_geos(shapes, [k for k, feature in enumerate(features) if feature in mine])
    return [(features[k], shapes[k]) for k in flagged]
