"""Odd shapes: spikes and fragments as regions that may pass to those beside them.

A spike is cut off along a line between two vertices that are there already, as far in as both its sides run beside each
other; where that isn't possible, at the foot that validation names. A fragment is a whole part of its feature. Both
are regions like any other: whoever lies beyond their rim may take them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.coverage import pairs_of_boxes
from gridgeo.repair.chains import Place
from gridgeo.repair.regions import Geometries, Local, Region, Rim
from gridgeo.repair.shapes import odd_shapes
from gridgeo.validate.shapes import SPIKE_BASE
from gridgeo.validate.subject import Subject

_VERTICES = 8
"""Vertices on either side of a tip that may belong to a spike."""
_SLENDER = 4.0
"""How many times as long as its foot a spike is at least."""


def odd_regions(
    subject: Subject, polygons: Geometries, boxes: npt.NDArray[np.float64], which: Iterable[int]
) -> list[Region]:
    """Return the spikes and fragments of some polygons as regions.

    Parameters
    ----------
    subject : Subject
    polygons : ndarray of Polygon or MultiPolygon
        All of the tiling, as they are now.
    boxes : ndarray of float, shape (n, 4)
        Of the polygons.
    which : iterable of int
        The polygons to be looked at.
    """
    chosen = [k for k in which if polygons[k] is not None]
    found: list[tuple[int, str, shapely.Polygon]] = []
    for fault, number in odd_shapes(subject, polygons[chosen]):
        owner = chosen[number]
        if fault.code == "spike":
            found.append((owner, "spike", _spike(subject, polygons[owner], fault.geometry)))
        elif fault.severity == "warning":
            found += [(owner, "fragment", part) for part in shapely.get_parts(fault.geometry)]
    if not found:
        return []
    shapes = np.array([shape for _, _, shape in found], object)
    sizes = subject.measure(shapes)
    bounds = shapely.bounds(shapes)
    slack = subject.units(1e-6)
    region, near = pairs_of_boxes(bounds + slack * np.array([-1.0, -1.0, 1.0, 1.0]), boxes)
    regions = []
    for number, (owner, code, shape) in enumerate(found):
        others = [k for k in sorted(near[region == number].tolist()) if k != owner]
        bare = Region(shape, (owner,), dict.fromkeys(others, 0.0), code, None, *sizes.at(number))
        beside, enclosed = _beside(bare, polygons)
        regions.append(Region(shape, (owner,), beside, code, None, *sizes.at(number), enclosed))
    return regions


def _beside(region: Region, polygons: Geometries) -> tuple[dict[int, float], bool]:
    """Return who lies beyond the rim of a region and how far, and whether somebody does everywhere."""
    beside: dict[int, float] = {}
    enclosed = True
    for (tail, head), beyond in Rim.of(region, polygons).edges():
        enclosed &= bool(beyond)
        for k in beyond - set(region.covers):
            beside[k] = beside.get(k, 0.0) + math.dist(tail, head)
    return dict(sorted(beside.items())), enclosed


def _spike(subject: Subject, polygon: shapely.Geometry, foot: shapely.Polygon) -> shapely.Polygon:
    """Return a spike, from its tip as far as both its sides run beside each other.

    Parameters
    ----------
    subject : Subject
    polygon : Polygon or MultiPolygon
    foot : Polygon
        The triangle that validation names, its second vertex the tip.
    """
    tip: Place = tuple(foot.exterior.coords[1])
    local = Local.at(subject, tip)
    for ring in shapely.get_rings(shapely.get_parts(polygon)):
        places = [(x, y) for x, y in ring.coords[:-1]]
        if tip not in places or len(places) < 4:
            continue
        at = places.index(tip)
        best = _longest(places[at:] + places[:at], polygon, local)
        return best if best is not None else foot
    return foot


def _longest(ring: Sequence[Place], polygon: shapely.Geometry, local: Local) -> shapely.Polygon | None:
    """Return the longest spike at the first vertex of a ring that ends at vertices on both sides."""
    flat = [(float(x), float(y)) for x, y in local.metres(np.array(ring)).tolist()]
    most = min(_VERTICES, len(ring) - 2)
    best: tuple[float, shapely.Polygon] | None = None
    for ahead in range(1, most + 1):
        for back in range(1, most + 1):
            if ahead + back > len(ring) - 2:
                break
            base = math.dist(flat[ahead], flat[-back])
            length = min(math.dist(flat[0], flat[ahead]), math.dist(flat[0], flat[-back]))
            if base > SPIKE_BASE or length < _SLENDER * base or (best is not None and length <= best[0]):
                continue
            shape = shapely.Polygon([*ring[-back:], *ring[: ahead + 1]])
            if shape.is_valid and shape.area > 0 and polygon.covers(shape):
                best = length, shape
    return None if best is None else best[1]
