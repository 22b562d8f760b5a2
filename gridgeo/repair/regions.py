"""Regions: the places of a layer that are to be mended, and who lies around them.

A region is covered by nobody (a gap), by one polygon (what lies outside the extent, a spike, a fragment) or by more
(an overlap). Its rim tells edge by edge who lies beyond it, exactly: a polygon lies beyond an edge of the region if the
edge is one of its own, cut at the region's vertices. From that all rules follow: whoever has the region afterwards has
no border any more where he lies beyond the rim himself, and a new border everywhere else.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Container, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.coverage import Faces
from gridgeo.repair.chains import Edge, Nodes, Place
from gridgeo.validate.measure import Sizes
from gridgeo.validate.regions import FLOAT_NOISE, is_sliver
from gridgeo.validate.subject import Subject

Floats = npt.NDArray[np.float64]
Geometries = npt.NDArray[np.object_]

NOBODY: frozenset[int] = frozenset()


@dataclass(frozen=True, eq=False)
class Region:
    """A place to be mended.

    Parameters
    ----------
    polygon : shapely.Polygon
    covers : tuple of int
        Indices of the polygons that cover it.
    beside : mapping of int to float
        Polygons that lie beyond its rim, and how far, in units of the coordinates.
    code, detail : str, str or None
        Of the fault.
    area, width, length : float
        In metres: square metres, the largest circle in it, its whole rim.
    enclosed : bool
        Whether a polygon lies beyond every part of the rim.
    inside : bool
        Whether it lies inside the extent.
    """

    polygon: shapely.Polygon
    covers: tuple[int, ...]
    beside: Mapping[int, float]
    code: str
    detail: str | None
    area: float
    width: float
    length: float
    enclosed: bool = True
    inside: bool = True

    @property
    def is_noise(self) -> bool:
        """Whether it is no wider than coordinates are rounded: a border whose two sides have other vertices."""
        return self.width <= FLOAT_NOISE

    @property
    def involved(self) -> tuple[int, ...]:
        """The polygons that cover it; of a gap, those beside it."""
        return self.covers or tuple(self.beside)

    @property
    def place(self) -> shapely.Point:
        """A point in it."""
        return self.polygon.representative_point()


def regions_of(faces: Faces, sizes: Sizes) -> list[Region]:
    """Return the faces of a coverage that are covered wrongly as regions."""
    found = []
    for number, polygon in enumerate(faces.polygon):
        covers = tuple(faces.covers[number].tolist())
        around = zip(faces.borders[number].tolist(), faces.border_lengths[number].tolist(), strict=True)
        area, width, length = sizes.at(number)
        enclosed = bool(faces.enclosed[number])
        code = ("gap" if enclosed else "uncovered") if not covers else "outside" if len(covers) == 1 else "overlap"
        detail: str | None = "multiple" if len(covers) > 2 else "sliver" if is_sliver(area, width, length) else "area"
        if width <= FLOAT_NOISE:
            code, detail = "missing-vertex", None
        beside = {k: size for k, size in around if k >= 0}
        inside = bool(faces.inside_extent[number])
        found.append(Region(polygon, covers, beside, code, detail, area, width, length, enclosed, inside))
    return found


@dataclass(frozen=True)
class Local:
    """Metres around a place, for what has to be measured there: exact enough for lengths and angles.

    Parameters
    ----------
    origin, scale : ndarray of float, shape (2,)
        The place, and metres in one unit of the coordinates, to the east and to the north.
    """

    origin: Floats
    scale: Floats

    @classmethod
    def at(cls, subject: Subject, place: Iterable[float]) -> Local:
        """Return metres around a place of a subject's CRS."""
        origin = np.array(list(place), np.float64)
        if subject.crs.is_geographic:
            return cls(origin, np.array([math.cos(math.radians(float(origin[1]))), 1.0]) / subject.units(1.0))
        return cls(origin, np.full(2, 1.0 / subject.units(1.0)))

    def metres(self, places: Floats) -> Floats:
        """Return places of the CRS in metres."""
        moved: Floats = (places - self.origin) * self.scale
        return moved

    def back(self, places: Floats) -> Floats:
        """Return places in metres in the CRS."""
        moved: Floats = places / self.scale + self.origin
        return moved

    def shape(self, shape: shapely.Geometry) -> shapely.Geometry:
        """Return a shape of the CRS in metres."""
        return shapely.transform(shape, self.metres)

    def shapes(self, shapes: Geometries) -> Geometries:
        """Return shapes of the CRS in metres."""
        moved: Geometries = shapely.transform(shapes, self.metres)
        return moved


@dataclass(frozen=True)
class Rim:
    """The border of a region, edge by edge.

    Parameters
    ----------
    rings : tuple of tuple of Place
        Without the first place again; the region is on the left.
    beyond : tuple of tuple of frozenset of int
        Who lies beyond the edge from each place to the next.
    """

    rings: tuple[tuple[Place, ...], ...]
    beyond: tuple[tuple[frozenset[int], ...], ...]

    @classmethod
    def of(cls, region: Region, polygons: Geometries) -> Rim:
        """Find out who lies beyond each edge of a region."""
        rings = [
            tuple((x, y) for x, y in shapely.get_coordinates(ring)[:-1].tolist())
            for ring in shapely.get_rings(shapely.orient_polygons(region.polygon))
        ]
        nodes = Nodes(shapely.get_coordinates(region.polygon))
        known = [k for k in sorted({*region.covers, *region.beside}) if polygons[k] is not None]
        own = dict(zip(known, map(set, nodes.edges_of_each(polygons[known])), strict=True))
        sides = [
            tuple(
                beyond((ring[k], ring[(k + 1) % len(ring)]), region.covers, region.beside, own)
                for k in range(len(ring))
            )
            for ring in rings
        ]
        return cls(tuple(rings), tuple(sides))

    def cut(self, nodes: Nodes) -> list[tuple[Edge, frozenset[int]]]:
        """Return all edges, cut at nodes on them, each with who lies beyond it."""
        found = []
        for edge, beyond in self.edges():
            places = [edge[0], *nodes.on(edge), edge[1]]
            found += [(piece, beyond) for piece in itertools.pairwise(places)]
        return found

    def edges(self) -> list[tuple[Edge, frozenset[int]]]:
        """Return all edges, each with who lies beyond it."""
        return [
            ((ring[k], ring[(k + 1) % len(ring)]), sides[k])
            for ring, sides in zip(self.rings, self.beyond, strict=True)
            for k in range(len(ring))
        ]


def beyond(
    edge: Edge, covers: Collection[int], beside: Iterable[int], own: Mapping[int, Container[Edge]]
) -> frozenset[int]:
    """Return who lies beyond an edge of a region, which is on its left.

    Parameters
    ----------
    edge : Edge
    covers, beside : iterable of int
        Who covers the region, and who lies at it.
    own : mapping of int to container of Edge
        The edges of each, cut at the region's vertices.
    """
    ends_not = [k for k in covers if k in own and edge not in own[k]]
    back = (edge[1], edge[0])
    return frozenset([*ends_not, *(k for k in beside if k in own and k not in covers and back in own[k])])
