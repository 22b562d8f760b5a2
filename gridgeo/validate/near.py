"""Open gaps between neighbours: inlets and channels so narrow that they can hardly be meant.

A gap that neighbours enclose is a face of the coverage. One that is open at an end encloses nothing, and without an
extent nothing says that it should be covered; but where the outer borders of two polygons run side by side a few
centimetres apart, they were meant to be one border.

Method. Edges without a partner that face an edge of another polygon within the reach, with nothing that has a record
between them, make pairs of polygons. The two are closed, as far as they are near: grown by half the reach and shrunk
again, which fills what is narrower than the reach. Of what is filled, pieces count that are at least `SLENDER` times as
long as wide and have both polygons along them; the corners at which borders part are wider.

Cost. The edges that face each other come from the kernel's own pass; a few overlays for each pair of polygons found.
Limits: an inlet within the border of one polygon is not looked for, nor a gap that is no wider than coordinates are
rounded. Overlays may fail on coordinates of any kind: then the pair is told in a note.
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

_UNDECIDED = Message(
    "{names} nearly meet, but the gap between them can't be measured: {reason}.",
    "{names}几乎相接，但其间的缝隙无法量算：{reason}。",
)

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def reach_of(subject: Subject, tolerance: float) -> tuple[float, float]:
    """Return how far apart facing edges may be, along x and along y, in units of the coordinates."""
    scale, _ = _scale(subject)
    reach = max(tolerance, REACH)
    return reach / float(scale[0]), reach / float(scale[1])


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
        With a reach of `reach_of`.
    told : ndarray of Polygon
        Regions that have a record already.
    claim : str
    tolerance : float
        Metres.
    """
    reach = max(tolerance, REACH)
    scale, middle = _scale(subject)
    pair, box = _pairs(analysis, scale, middle, told)
    if not len(pair):
        return []

    def planar(shapes: Geometries) -> Geometries:
        return _sound(shapely.transform(shapes, lambda places: (places - middle) * scale))

    used = np.unique(pair)
    flat = planar(polygons[used])
    pair = np.searchsorted(used, pair)
    frame = shapely.box(*(box + np.array([-1, -1, 1, 1]) * _MARGIN * reach).T)
    beside = _Beside(flat, frame), _Beside(planar(told), frame)
    faults: list[Fault] = []
    which: list[int] = []
    found: list[shapely.Geometry] = []
    for number, (one, other) in enumerate(pair.tolist()):
        cutters = [*beside[0].of(number, {one, other}), *beside[1].of(number, set())]
        try:
            pieces = _between(flat[one], flat[other], frame[number], cutters, reach)
        except shapely.errors.GEOSException as error:
            faults.append(_undecided(subject, claim, used[pair[number]].tolist(), error))
            continue
        found += pieces
        which += [number] * len(pieces)
    gaps = np.array(found, object)
    widths = widest(gaps)
    slender = (shapely.length(gaps) / 2 >= np.maximum(SLENDER * widths, LEAST)) & (widths > FLOAT_NOISE)
    gaps, widths, owner = gaps[slender], widths[slender], used[pair[np.array(which, np.int64)[slender]]]
    first = _first_there(gaps)
    for involved, piece, width in zip(owner[first].tolist(), gaps[first], widths[first].tolist(), strict=True):
        run = float(piece.length) / 2
        (place,) = _sound(np.array([shapely.transform(piece, lambda places: places / scale + middle)], object))
        if place.is_empty:
            continue
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


def _undecided(subject: Subject, claim: str, involved: list[int], error: Exception) -> Fault:
    """Return a note on two polygons between which an overlay failed."""
    return Fault(
        "doubtful-input",
        "info",
        claim,
        subject.layers_of(involved),
        subject.ids_of(involved),
        _UNDECIDED,
        None,
        values={"names": subject.called(involved), "reason": str(error).splitlines()[0][:120]},
    )


def _scale(subject: Subject) -> tuple[Floats, Floats]:
    """Metres in one unit of the coordinates, east and north, at the layers' middle, and that middle."""
    middle = subject.middle
    if not subject.crs.is_geographic:
        return np.full(2, 1.0 / subject.units(1.0)), middle
    return np.array([np.cos(np.radians(middle[1])), 1.0]) * 111_320.0, middle


def facing_places(subject: Subject, analysis: CoverageAnalysis, told: Geometries) -> Geometries:
    """Return points between edges that face each other across a gap without a record."""
    scale, middle = _scale(subject)
    _, _, between = _facing(analysis, scale, middle, told)
    points: Geometries = shapely.points(between)
    return points


def _facing(analysis: CoverageAnalysis, scale: Floats, middle: Floats, told: Geometries) -> tuple[Ints, Floats, Floats]:
    """Return pairs of segments that face each other across a gap without a record, their ends, and places between."""
    facing, between = analysis.facing()
    residual = analysis.residual
    ends = (residual.segment[facing].reshape(-1, 4, 2) - middle) * scale
    # a gap as thin as rounding is none
    apart = shapely.distance(shapely.linestrings(ends[:, :2]), shapely.points((between - middle) * scale))
    tell = apart > FLOAT_NOISE / 2
    tell[shapely.STRtree(told).query(shapely.points(between), predicate="intersects")[0]] = False
    return facing[tell], ends[tell], between[tell]


def _pairs(analysis: CoverageAnalysis, scale: Floats, middle: Floats, told: Geometries) -> tuple[Ints, Floats]:
    """Return pairs of polygons that face each other across a gap without a record, and the boxes in which they do."""
    facing, ends, _ = _facing(analysis, scale, middle, told)
    residual = analysis.residual
    if not len(facing):
        return np.zeros((0, 2), np.int64), np.zeros((0, 4))
    boxes = np.hstack([ends.min(axis=1), ends.max(axis=1)])
    table = np.sort(residual.polygon[facing], axis=1)
    pair, which = np.unique(table, axis=0, return_inverse=True)
    least, most = np.full((len(pair), 2), np.inf), np.full((len(pair), 2), -np.inf)
    np.minimum.at(least, which.ravel(), boxes[:, :2])
    np.maximum.at(most, which.ravel(), boxes[:, 2:])
    return pair, np.hstack([least, most])


class _Beside:
    """Which of some shapes come into each frame."""

    def __init__(self, shapes: Geometries, frames: Geometries) -> None:
        self.shapes = shapes
        frame, shape = shapely.STRtree(shapes).query(frames, predicate="intersects")
        order = np.argsort(frame, kind="stable")
        self._shape = shape[order]
        self._start = np.searchsorted(frame[order], np.arange(len(frames) + 1))

    def of(self, frame: int, without: set[int]) -> list[shapely.Geometry]:
        """Return the shapes in a frame but some."""
        found = self._shape[self._start[frame] : self._start[frame + 1]].tolist()
        return [self.shapes[k] for k in sorted(found) if k not in without]


def _between(
    one: shapely.Geometry,
    other: shapely.Geometry,
    frame: shapely.Polygon,
    cutters: list[shapely.Geometry],
    reach: float,
) -> list[shapely.Geometry]:
    """Fill what lies between two polygons in a frame and is narrower than the reach; return the pieces.

    What others cover, and what has a record, is no open gap.
    """
    near = [_areal(shapely.intersection(shape, frame, grid_size=_GRID)) for shape in (one, other)]
    both = _areal(shapely.union(*near, grid_size=_GRID))
    closed = shapely.buffer(shapely.buffer(both, reach / 2, join_style="mitre"), -reach / 2, join_style="mitre")
    filled = shapely.difference(_areal(shapely.intersection(closed, frame, grid_size=_GRID)), both, grid_size=_GRID)
    for cutter in cutters:
        if shapely.intersects(filled, cutter):
            local = _areal(shapely.intersection(cutter, frame, grid_size=_GRID))
            filled = shapely.difference(_areal(filled), local, grid_size=_GRID)
    parts = shapely.get_parts(filled)
    pieces = parts[(shapely.get_type_id(parts) == shapely.GeometryType.POLYGON) & (shapely.area(parts) > 0)]
    # half the rim of a gap runs along either of its polygons; ends and corners have one of them or none
    rim = shapely.boundary(pieces)
    close = shapely.area(pieces) / np.maximum(shapely.length(pieces), 1e-300) * 1e-3 + 1e-9
    along = np.ones(len(pieces), bool)
    for shape in near:
        beside = shapely.intersection(rim, shapely.buffer(shapely.boundary(shape), close, quad_segs=1))
        along &= shapely.length(beside) > _ALONG * shapely.length(rim)
    return list(pieces[along])


def _sound(shapes: Geometries) -> Geometries:
    """Return shapes of which corners that met by rounding are mended."""
    broken = ~shapely.is_valid(shapes)
    shapes = shapes.copy()
    shapes[broken] = shapely.make_valid(shapes[broken], method="structure", keep_collapsed=False)
    return shapes


def _areal(shape: shapely.Geometry) -> shapely.Geometry:
    """Return the polygons of what an overlay left, without the lines and points in which shapes touched."""
    if shape.geom_type in ("Polygon", "MultiPolygon"):
        return shape
    parts = shapely.get_parts(shape)
    return shapely.union_all(parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON], grid_size=_GRID)


def _first_there(pieces: Geometries) -> npt.NDArray[np.bool_]:
    """Tell which pieces share nothing with an earlier one: where three polygons nearly meet, their pairs do."""
    one, other = shapely.STRtree(pieces).query(pieces, predicate="intersects")
    later = one > other
    one, other = one[later], other[later]
    first = np.ones(len(pieces), bool)
    for k, earlier in zip(one.tolist(), other.tolist(), strict=True):
        first[k] &= not _overlap(pieces[k], pieces[earlier])
    return first


def _overlap(one: shapely.Geometry, other: shapely.Geometry) -> bool:
    """Whether two pieces have an area in common; where that can't be told both stay."""
    try:
        return float(shapely.area(shapely.intersection(one, other, grid_size=_GRID))) > 0
    except shapely.errors.GEOSException:
        return False
