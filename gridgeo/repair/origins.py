"""Origins: mended polygons brought back to the coordinates that their layers came in.

Layers in different CRSs are mended side by side in one, flat. Going back, a vertex that was there before takes the
very numbers that it had, those of its own feature first, then those of others in the same CRS; so features beside a
mended one, which nothing touches, still share their vertices with it to the last bit. Only what is new is
transformed, and gets a height between those of its neighbours along the ring where the layer has heights. What is new
and nearer to a vertex than rounding (`FLOAT_NOISE`) is that vertex: edges of a nanometre would be bent on the way back,
and be faults to whoever reads the layers next.

Cost. A sort of the vertices of the layers that are not in the working CRS or have heights; nothing for all others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pyproj
import shapely

from gridgeo.crs import to_crs
from gridgeo.validate.regions import FLOAT_NOISE

Geometries = npt.NDArray[np.object_]
Floats = npt.NDArray[np.float64]
Place = tuple[float, float]
Origin = tuple[float, float, float]


class Origins:
    """Where the vertices of some layers come from.

    Parameters
    ----------
    given : sequence of tuple of pyproj.CRS and ndarray of Geometry
        Each layer as it came.
    worked : ndarray of Polygon or MultiPolygon
        All features, one layer after another, as they are in ``crs`` before anything is mended; None where a feature
        can't take part.
    crs : pyproj.CRS
        In which they are mended.
    """

    def __init__(self, given: Sequence[tuple[pyproj.CRS, Geometries]], worked: Geometries, crs: pyproj.CRS) -> None:
        self._given = np.concatenate([shapes for _, shapes in given])
        self._worked, self._crs = worked, crs
        self._systems: list[pyproj.CRS] = []
        system = []
        for own, shapes in given:
            known = [k for k, other in enumerate(self._systems) if own.equals(other, ignore_axis_order=True)]
            if not known:
                self._systems.append(own)
            system.append(np.full(len(shapes), known[0] if known else len(self._systems) - 1))
        self._system = np.concatenate(system)

    def restored(self, changed: Mapping[int, shapely.Geometry]) -> dict[int, shapely.Geometry]:
        """Return mended polygons, by index, in the coordinates of their layers."""
        back = dict(changed)
        for number, own in enumerate(self._systems):
            moved = not own.equals(self._crs, ignore_axis_order=True)
            mine = [k for k in changed if self._system[k] == number and (moved or shapely.has_z(self._given[k]))]
            if mine:
                back |= self._of_one_system(number, own if moved else None, {k: changed[k] for k in mine})
        return back

    def _of_one_system(
        self, number: int, own: pyproj.CRS | None, changed: Mapping[int, shapely.Geometry]
    ) -> dict[int, shapely.Geometry]:
        wanted = np.unique(_pairs(shapely.get_coordinates(list(changed.values()))))
        shared = self._known(np.flatnonzero(self._system == number), wanted)
        new = [(float(pair.real), float(pair.imag)) for pair in wanted if (pair.real, pair.imag) not in shared]
        joined: dict[Place, Origin] = {}
        if new:
            places = np.array(new)
            if own is not None:
                points = gpd.GeoDataFrame(geometry=shapely.points(places), crs=self._crs)
                places = shapely.get_coordinates(to_crs(points, own).geometry.to_numpy())
            shared |= {at: (x, y, np.nan) for at, (x, y) in zip(new, places.tolist(), strict=True)}
            if own is not None:
                joined = self._joined(number, new, shared)
        back = {}
        for index, polygon in changed.items():
            mine, has_z = self._known(np.array([index]), wanted), bool(shapely.has_z(self._given[index]))
            back[index] = _placed(polygon, shared | joined | mine, has_z)
            if joined and not back[index].is_valid:
                back[index] = _placed(polygon, shared | mine, has_z)
        return back

    def _joined(self, number: int, new: list[Place], shared: Mapping[Place, Origin]) -> dict[Place, Origin]:
        """Return the origins of new places that lie on a vertex of a system, or on each other, but for rounding."""
        tree = shapely.STRtree(shapely.points(new))
        here, there = self._vertices(np.flatnonzero(self._system == number))
        vertex, place = tree.query(shapely.points(here), predicate="dwithin", distance=FLOAT_NOISE)
        away = np.hypot(*(here[vertex] - np.array(new)[place]).T)
        joined: dict[Place, Origin] = {}
        for k in np.lexsort((here[vertex, 1], here[vertex, 0], away)).tolist():
            east, north, height = there[vertex[k]].tolist()
            joined.setdefault(new[place[k]], (east, north, height))
        one, other = tree.query(shapely.points(new), predicate="dwithin", distance=FLOAT_NOISE)
        for k in np.lexsort((other, one)).tolist():  # the first of those that lie together stands for all
            if other[k] < one[k] and new[one[k]] not in joined:
                joined[new[one[k]]] = joined.get(new[other[k]], shared[new[other[k]]])
        return joined

    def _vertices(self, features: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Return the vertices of some features as they were worked on, and as they came, with heights."""
        given, worked = self._given[features], self._worked[features]
        # a broken ring that was mended has other vertices than it came with
        alike = shapely.get_num_coordinates(given) == shapely.get_num_coordinates(worked)
        alike &= shapely.is_valid(given) & ~shapely.is_missing(worked)
        return shapely.get_coordinates(worked[alike]), shapely.get_coordinates(given[alike], include_z=True)

    def _known(self, features: npt.NDArray[np.int64], wanted: npt.NDArray[np.complex128]) -> dict[Place, Origin]:
        """Return the origins of those vertices of some features that are wanted: the first where there are several."""
        here, there = self._vertices(features)
        found = np.isin(_pairs(here), wanted)
        known: dict[Place, Origin] = {}
        for (x, y), (east, north, height) in zip(here[found].tolist(), there[found].tolist(), strict=True):
            first = known.setdefault((x, y), (east, north, height))
            if np.isnan(first[2]):
                known[x, y] = (*first[:2], height)
        return known


def _pairs(places: Floats) -> npt.NDArray[np.complex128]:
    """Return places as numbers that can be sorted and compared; no negative zeros."""
    return np.ascontiguousarray(places + 0.0).view(np.complex128)[:, 0]


def _placed(polygon: shapely.Geometry, origins: Mapping[Place, Origin], has_z: bool) -> shapely.Geometry:
    parts = []
    for part in shapely.get_parts(polygon):
        rings = []
        for ring in shapely.get_rings(part):
            places = np.array([origins[x + 0.0, y + 0.0] for x, y in shapely.get_coordinates(ring).tolist()])
            moves = np.append(True, (np.diff(places[:, :2], axis=0) != 0).any(axis=1))
            if moves.sum() > 3:  # vertices that have become one are written once
                places = places[moves]
            rings.append(_with_heights(places) if has_z else places[:, :2])
        parts.append(shapely.Polygon(rings[0], rings[1:]))
    return parts[0] if polygon.geom_type == "Polygon" else shapely.MultiPolygon(parts)


def _with_heights(ring: Floats) -> Floats:
    """Give vertices without a height one between those of the vertices before and after it on the ring."""
    high = np.isfinite(ring[:, 2])
    if high.all() or not high.any():
        return ring
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(ring[:, :2], axis=0).T))])
    filled = ring.copy()
    filled[~high, 2] = np.interp(along[~high], along[high], ring[high, 2], period=float(along[-1]) or None)
    return filled
