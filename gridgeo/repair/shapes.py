"""Shapes: the spikes, fragments and needles of polygons, each polygon by itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import shapely

from gridgeo.repair.chains import Place
from gridgeo.repair.regions import Geometries
from gridgeo.validate.faults import Fault
from gridgeo.validate.shapes import SPIKE_BASE, check_shapes
from gridgeo.validate.subject import Subject

NEEDLE = 12.0
"""How many times as long as wide on an average a needle is at least; its widest place is narrower than `SPIKE_BASE`."""
NEEDLE_LENGTH = 2.0
"""Metres. A shorter one is none."""
_FOOT = 0.5
"""Share of its length along which a needle lies at thick parts at most."""
GROWN = 1e-3
"""Metres by which a polygon's thick parts are grown, so that rounding shows nothing beside them."""


def odd_shapes(subject: Subject, polygons: Geometries) -> list[tuple[Fault, int]]:
    """Return what validation finds odd about polygons of a subject's CRS, each with the polygon's number."""
    count = len(polygons)
    named = np.array([str(k) for k in range(count)], object)
    alone = replace(
        subject,
        polygons=polygons,
        layer=np.full(count, "", object),
        id=named,
        name=named,
        faults=(),
        scars={},
        known_edges=None,
        plain=None,
    )
    return [(fault, int(fault.features[0])) for fault in check_shapes(alone, "") if fault.geometry is not None]


def spike_tips(subject: Subject, polygons: Geometries) -> list[set[Place]]:
    """Return the tips of the spikes of each polygon of a subject's CRS."""
    tips: list[set[Place]] = [set() for _ in polygons]
    for fault, number in odd_shapes(subject, polygons):
        if fault.code == "spike" and fault.geometry is not None:
            x, y = fault.geometry.exterior.coords[1]
            tips[number].add((x, y))
    return tips


def needles(polygons: Geometries) -> list[list[shapely.Polygon]]:
    """Return the parts of each polygon, in metres, that are narrow and long."""
    half = SPIKE_BASE / 2
    thick = shapely.buffer(
        shapely.buffer(polygons, -half, join_style="mitre"), half + GROWN, join_style="mitre", mitre_limit=10.0
    )
    found: list[list[shapely.Polygon]] = [[] for _ in polygons]
    rest, owner = shapely.get_parts(shapely.difference(polygons, thick), return_index=True)
    run, area = shapely.length(rest) / 2, shapely.area(rest)
    slender = (run >= NEEDLE_LENGTH) & (run**2 >= NEEDLE * area) & (area > 0)
    for part, of, length in zip(rest[slender], owner[slender].tolist(), run[slender].tolist(), strict=True):
        # a strip along a thick part is an unevenness of its border; a needle hangs on it by its foot
        foot = shapely.intersection(shapely.boundary(part), shapely.buffer(thick[of], GROWN / 2, quad_segs=1))
        if foot.length < _FOOT * length:
            found[of].append(part)
    return found
