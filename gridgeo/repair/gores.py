"""Gores: open gaps between two borders that nearly meet, as regions bounded by the very vertices of the borders.

Validation fills an open gap by growing and shrinking, so that its vertices are rounded. Here the two borders beside it
are followed edge by edge: the runs of them that lie along the gap, joined at its open ends, bound the region. Where
they don't make one ring that nobody covers, the gap is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.coverage import analyse, pairs_of_boxes
from gridgeo.repair.chains import Place
from gridgeo.repair.regions import Geometries, Region
from gridgeo.validate.measure import widest
from gridgeo.validate.near import open_gaps, reach_of
from gridgeo.validate.regions import FLOAT_NOISE
from gridgeo.validate.subject import Subject

Line = list[Place]

NEAR = 1e-4
"""Metres. What lies so near the gap's rim lies on it."""


def open_gaps_of(subject: Subject, polygons: Geometries, tolerance: float) -> list[tuple[int, int, shapely.Geometry]]:
    """Return the open gaps between polygons of a subject's CRS as validation finds them, with those beside each."""
    named = np.array([str(k) for k in range(len(polygons))], object)
    alone = replace(subject, polygons=polygons, id=named, name=named, faults=(), scars={})
    analysis = analyse(polygons, reach=reach_of(alone, tolerance))
    faults = open_gaps(alone, polygons, analysis, analysis.faces().polygon, claim="", tolerance=tolerance)
    return [
        (int(fault.features[0]), int(fault.features[1]), fault.geometry)
        for fault in faults
        if fault.code == "near-border" and fault.geometry is not None
    ]


def gore(
    subject: Subject,
    polygons: Geometries,
    boxes: npt.NDArray[np.float64],
    pair: tuple[int, int],
    gap: shapely.Geometry,
) -> Region | None:
    """Return an open gap between two polygons as a region; None where its borders don't bound one.

    Parameters
    ----------
    subject : Subject
    polygons : ndarray of Polygon or MultiPolygon
        All of the tiling, as they are now.
    boxes : ndarray of float, shape (n, 4)
        Of the polygons.
    pair : tuple of int
        The two polygons.
    gap : Geometry
        As validation names it.
    """
    near = subject.units(NEAR)
    width = float(widest(np.array([gap], object))[0])
    sides = [_side(polygons[k], gap, near, width) for k in pair]
    if sides[0] is None or sides[1] is None:
        return None
    one, other = sides[0], sides[1]
    common = set(one) & set(other)
    one, other = _open(one, common), _open(other, common)
    shape = _between(one, other)
    if shape is None or len(one) < 2 or len(other) < 2:
        return None
    region, met = pairs_of_boxes(np.array([shape.bounds]), boxes)
    covered = shapely.intersection(polygons[np.sort(met)], shape) if len(region) else np.zeros(0, object)
    if float(shapely.area(covered).sum()) > FLOAT_NOISE * shape.area:
        return None
    sizes = subject.measure(np.array([shape], object)).at(0)
    lengths = [float(shapely.LineString(side).length) for side in (one, other)]
    beside = dict(sorted(zip(pair, lengths, strict=True)))
    return Region(shape, (), beside, "near-border", "open", *sizes, enclosed=False)


def _side(polygon: shapely.Geometry, gap: shapely.Geometry, near: float, width: float) -> Line | None:
    """Return the run of a polygon's border along a gap, from vertex to vertex where these are at its ends."""
    if polygon is None:
        return None
    best: Line | None = None
    size = 0.0
    beside = shapely.buffer(gap, near, quad_segs=2)
    for ring in shapely.get_rings(shapely.get_parts(polygon)):
        if not shapely.intersects(ring, beside):
            continue
        places = [(x, y) for x, y in ring.coords[:-1]]
        met = shapely.line_merge(shapely.intersection(ring, beside))
        for part in shapely.get_parts(met):
            run = _run(places, part, width)
            length = float(part.length)
            if run is not None and length > size:
                best, size = run, length
    return best


def _run(ring: Line, part: shapely.LineString, width: float) -> Line | None:
    """Return the vertices of a ring along a part of it, its ends at vertices where these are near."""
    if part.geom_type != "LineString":
        return None
    ends = [part.coords[0], part.coords[-1]]
    line = [(x, y) for x, y in part.coords]
    known = set(ring)
    inner = [place for place in line if place in known]
    if not inner:
        return line
    start, stop = ends
    # an end beside a vertex is that vertex
    first = ring.index(inner[0])
    last = ring.index(inner[-1])
    step = 1 if len(inner) < 2 or ring[(first + 1) % len(ring)] == inner[1] else -1
    made = list(inner)
    if start not in known:
        before = ring[(first - step) % len(ring)]
        made = _ended(made, 0, before, start, width)
    if stop not in known:
        after = ring[(last + step) % len(ring)]
        made = _ended(made, -1, after, stop, width)
    return made


def _ended(run: Line, end: int, beyond: Place, stop: Place, width: float) -> Line:
    """Return a run of vertices that ends at a place between its last vertex and the next one, or at one of these."""

    def away(place: Place) -> float:
        return float(np.hypot(place[0] - stop[0], place[1] - stop[1]))

    if away(run[end]) <= width:
        return run
    place = beyond if away(beyond) <= width else stop
    return [place, *run] if end == 0 else [*run, place]


def _open(run: Line, common: set[Place]) -> Line:
    """Return a run without what both borders share already, but for the place where they part."""
    here = [k for k, place in enumerate(run) if place in common]
    if not here:
        return run
    if here[0] == 0:
        last = 0
        while last + 1 < len(run) and run[last + 1] in common:
            last += 1
        run = run[last:]
    if run[-1] in common:
        first = len(run) - 1
        while first > 0 and run[first - 1] in common:
            first -= 1
        run = run[: first + 1]
    return run


def _between(one: Sequence[Place], other: Sequence[Place]) -> shapely.Polygon | None:
    """Return the ring of two runs that lie side by side."""
    for back in (list(other), list(other)[::-1]):
        ring = [*one, *(place for place in back if place not in (one[0], one[-1]))]
        if len(ring) < 3:
            continue
        shape = shapely.Polygon(ring)
        if shape.is_valid and shape.area > 0:
            crossing = shapely.LineString(one).crosses(shapely.LineString(other)) if len(other) > 1 else False
            if not crossing:
                return shape
    return None
