"""Open gaps between neighbours: inlets and channels so narrow that they can hardly be meant.

A gap that neighbours enclose is a face of the coverage. One that is open at an end encloses nothing, and without an
extent nothing says that it should be covered; but where the outer borders of two polygons run side by side a few
centimetres apart, they were meant to be one border.

Method. Edges without a partner that lie within the reach of an edge of another polygon that runs the other way make
pairs of polygons. The two are closed, as far as they are near: grown by half the reach and shrunk again, which fills
what is narrower than the reach. Of what is filled, pieces count that are at least `SLENDER` times as long as wide and
have both polygons along them; the corners at which borders part are wider.

Cost. A tree of the edges without a partner, which in a sound layer are its outer border, and a few overlays for each
pair found. Limits: an inlet within the border of one polygon is not looked for, nor a gap that is no wider
than coordinates are rounded.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.coverage import CoverageAnalysis
from gridgeo.language import Message
from gridgeo.validate.faults import Fault
from gridgeo.validate.measure import widest
from gridgeo.validate.regions import FLOAT_NOISE
from gridgeo.validate.subject import Geometries, Subject
from gridgeo.validate.wording import Area, Width

REACH = 1.0
"""Metres. A wider channel may be a lane or a ditch that was left out on purpose; a larger tolerance reaches further."""
SLENDER = 20.0
"""How many times as long as wide an open gap is at least."""
LEAST = 1.0
"""Metres. A shorter one is none."""

_OPPOSITE = -0.9
"""Cosine of the angle between two edges that face each other; they run in opposite directions."""
_ALONG = 0.25
"""Share of its rim that an open gap has along each of its two polygons, at least."""
_MARGIN = 3.0
"""How far beyond the edges that face each other polygons are closed, in reaches."""
_GRID = 1e-8
"""Metres. What growing and shrinking leaves by its own rounding is thinner."""

_OPEN = Message(
    "{names} nearly meet: a gap of {area}, at most {width} wide and {run} long, lies between them, open at an end.",
    "{names}几乎相接：其间有一端开口的缝隙，面积 {area}，最宽 {width}，长 {run}。",
)

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def open_gaps(
    subject: Subject,
    polygons: Geometries,
    analysis: CoverageAnalysis,
    told: Geometries,
    *,
    claim: str,
    tolerance: float,
) -> list[Fault]:
    """Return a record for each open gap between two polygons.

    Parameters
    ----------
    subject : Subject
    polygons : ndarray of Polygon or MultiPolygon
        Those that were analysed: the subject's without duplicates.
    analysis : CoverageAnalysis
    told : ndarray of Polygon
        Regions that have a record already.
    claim : str
    tolerance : float
        Metres.
    """
    reach = max(tolerance, REACH)
    scale, middle = _scale(subject)
    residual = analysis.residual  # edges without a partner, the interior on their left
    segment = (residual.segment - np.tile(middle, 2)) * np.tile(scale, 2)
    pair, box = _pairs(segment, residual.polygon, reach)
    if not len(pair):
        return []
    flat = np.full(len(polygons), None, object)
    used = np.unique(pair)
    flat[used] = _sound(shapely.transform(polygons[used], lambda places: (places - middle) * scale))
    rims = _sound(shapely.transform(told, lambda places: (places - middle) * scale))
    which, pieces = _fill(flat, pair, box, rims, reach)
    faults = []
    widths = widest(pieces)
    slender = (shapely.length(pieces) / 2 >= np.maximum(SLENDER * widths, LEAST)) & (widths > FLOAT_NOISE)
    which, pieces, widths = which[slender], pieces[slender], widths[slender]
    first = _first_there(pieces)
    for (one, other), piece, width in zip(which[first].tolist(), pieces[first], widths[first].tolist(), strict=True):
        run = float(piece.length) / 2
        (place,) = _sound(np.array([shapely.transform(piece, lambda places: places / scale + middle)], object))
        if place.is_empty:
            continue
        involved = [one, other]
        faults.append(
            Fault(
                "near-border",
                "warning",
                claim,
                subject.layers_of(involved),
                subject.ids_of(involved),
                _OPEN,
                place,
                float(piece.area),
                width,
                float(piece.length),
                {"names": subject.called(involved), "area": Area(piece.area), "width": Width(width), "run": Width(run)},
                "open",
                part=subject.part(involved, place),
                multiplicity=0,
            )
        )
    return faults


def _sound(shapes: Geometries) -> Geometries:
    """Return shapes of which corners that met by rounding are mended."""
    broken = ~shapely.is_valid(shapes)
    shapes = shapes.copy()
    shapes[broken] = shapely.make_valid(shapes[broken], method="structure", keep_collapsed=False)
    return shapes


def _areal(shapes: Geometries) -> Geometries:
    """Return the polygons of what an overlay left, without the lines and points in which shapes touched."""
    flat = shapes.ravel().copy()
    for k in np.flatnonzero(~np.isin(shapely.get_type_id(flat), (3, 6))).tolist():
        parts = shapely.get_parts(flat[k])
        flat[k] = shapely.union_all(parts[shapely.get_type_id(parts) == 3], grid_size=_GRID)
    return flat.reshape(shapes.shape)


def _first_there(pieces: Geometries) -> npt.NDArray[np.bool_]:
    """Tell which pieces share nothing with an earlier one: where three polygons nearly meet, their pairs do."""
    one, other = shapely.STRtree(pieces).query(pieces, predicate="intersects")
    later = one > other
    one, other = one[later], other[later]
    common = shapely.area(shapely.intersection(pieces[one], pieces[other], grid_size=_GRID)) > 0
    first = np.ones(len(pieces), bool)
    first[one[common]] = False
    return first


def _scale(subject: Subject) -> tuple[Floats, Floats]:
    """Metres in one unit of the coordinates, east and north, at the layers' middle, and that middle."""
    bounds = shapely.total_bounds(subject.polygons)
    middle = (bounds[:2] + bounds[2:]) / 2
    if not subject.crs.is_geographic:
        return np.full(2, 1.0 / subject.units(1.0)), middle
    return np.array([np.cos(np.radians(middle[1])), 1.0]) * 111_320.0, middle


def _pairs(segment: Floats, polygon: Ints, reach: float) -> tuple[Ints, Floats]:
    """Return pairs of polygons that face each other within the reach, and the boxes in which they do."""
    run = segment[:, 2:] - segment[:, :2]
    size = np.hypot(run[:, 0], run[:, 1])
    lines = shapely.linestrings(segment.reshape(-1, 2, 2))
    corners = np.sort(segment.reshape(-1, 2, 2), axis=1)
    around = shapely.box(*(corners[:, 0] - reach).T, *(corners[:, 1] + reach).T)
    # by boxes first: most that is near an edge is its own polygon's next edge
    first, second = shapely.STRtree(lines).query(around)
    kept = polygon[first] < polygon[second]
    first, second = first[kept], second[kept]
    cosine = np.einsum("ij,ij->i", run[first], run[second])
    kept = cosine < _OPPOSITE * size[first] * size[second]
    first, second = first[kept], second[kept]
    kept = shapely.dwithin(lines[first], lines[second], reach)
    first, second = first[kept], second[kept]
    if not len(first):
        return np.zeros((0, 2), np.int64), np.zeros((0, 4))
    ends = np.hstack([segment[first], segment[second]]).reshape(-1, 4, 2)
    boxes = np.hstack([ends.min(axis=1), ends.max(axis=1)])
    pair, which = np.unique(np.column_stack([polygon[first], polygon[second]]), axis=0, return_inverse=True)
    low, high = np.full((len(pair), 2), np.inf), np.full((len(pair), 2), -np.inf)
    np.minimum.at(low, which.ravel(), boxes[:, :2])
    np.maximum.at(high, which.ravel(), boxes[:, 2:])
    return pair, np.hstack([low, high])


def _fill(flat: Geometries, pair: Ints, box: Floats, told: Geometries, reach: float) -> tuple[Ints, Geometries]:
    """Fill what lies between the polygons of each pair and is narrower than the reach; return the pieces."""
    frame = shapely.box(*(box + np.array([-1, -1, 1, 1]) * _MARGIN * reach).T)
    near = _areal(shapely.intersection(flat[pair], frame[:, None], grid_size=_GRID))
    both = _areal(shapely.union_all(near, axis=1, grid_size=_GRID))
    closed = shapely.buffer(shapely.buffer(both, reach / 2, join_style="mitre"), -reach / 2, join_style="mitre")
    closed = _areal(shapely.intersection(closed, frame, grid_size=_GRID))
    filled = shapely.difference(closed, both, grid_size=_GRID)
    pieces, number = shapely.get_parts(filled, return_index=True)
    polygonal = shapely.get_type_id(pieces) == 3
    pieces, number = pieces[polygonal], number[polygonal]
    # what others cover, and what has a record, is no open gap
    others = [flat[np.unique(pair)], told]
    for shapes in others:
        tree = shapely.STRtree(shapes)
        piece, by = tree.query(pieces, predicate="intersects")
        if shapes is others[0]:
            strange = (by[:, None] != np.searchsorted(np.unique(pair), pair[number[piece]])).all(axis=1)
            piece, by = piece[strange], by[strange]
        order = np.argsort(piece, kind="stable")
        cut, first = np.unique(piece[order], return_index=True)
        for k, strangers in zip(cut.tolist(), np.split(by[order], first[1:]), strict=False):
            cutter = _areal(np.array([shapely.union_all(shapes[strangers], grid_size=_GRID)], object))
            pieces[k] = _areal(shapely.difference(pieces[[k]], cutter, grid_size=_GRID))[0]
    pieces, again = shapely.get_parts(pieces, return_index=True)
    number = number[again]
    kept = (shapely.get_type_id(pieces) == 3) & (shapely.area(pieces) > 0)
    pieces, number = pieces[kept], number[kept]
    # half the rim of a gap runs along either of its polygons; ends and corners have one of them or none
    rim = shapely.boundary(pieces)
    close = shapely.area(pieces) / np.maximum(shapely.length(pieces), 1e-300) * 1e-3 + 1e-9
    along = np.ones(len(pieces), bool)
    for side in (0, 1):
        border = shapely.boundary(near[number, side])
        length = shapely.length(shapely.intersection(rim, shapely.buffer(border, close, quad_segs=1)))
        along &= length > _ALONG * shapely.length(rim)
    return pair[number[along]], pieces[along]
