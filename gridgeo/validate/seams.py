"""Seams between two sheets: layers drawn separately have the same vertices where they meet.

Both layers are analysed together, and of what is found only that is kept which involves both: overlaps, enclosed gaps
and missing vertices. A gap that is open at an end encloses nothing. It is found as a stretch of the one sheet's border
that runs along the other's: within a distance of it for at least three times that distance, for distances from the
reach down to a millimetre, drawn back to where it faces the other sheet. A corner at which the sheets' outer borders
part, by 20 degrees or more, is no such stretch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyproj
import shapely

from gridgeo.language import Message
from gridgeo.layers import Layer
from gridgeo.validate.alignment import (
    ALONG_AT_LEAST,
    Borders,
    Course,
    Floats,
    Geometries,
    deviations,
    joined,
    near,
    shared_borders,
)
from gridgeo.validate.faults import Fault
from gridgeo.validate.regions import FLOAT_NOISE
from gridgeo.validate.report import ClaimResult, Report
from gridgeo.validate.subject import LayerLike, Subject, as_layers, gather
from gridgeo.validate.tiling import check_tiling
from gridgeo.validate.wording import Width

REACH = 10.0
"""Metres. Sheets further apart don't meet there."""

_STEPS = 4.0 ** -np.arange(8)
"""Distances at which open gaps are looked for, as shares of the reach."""

_FACING = 0.3
"""How far the nearest place of the other sheet moves, at least, where one goes a metre along a border that faces it."""

_OPEN_GAP = Message(
    "{names} don't meet along {length}: a gap up to {width} wide, open at an end, lies between the sheets.",
    "{names}有 {length} 未接上：两图幅之间有一端开口的缝隙，最宽 {width}。",
)
_APART = Message(
    "The layers {first} and {second} meet nowhere: they are further than {reach} apart.",
    "图层 {first} 与 {second} 没有相接之处：相距超过 {reach}。",
)


def validate_seam(
    first: LayerLike | Mapping[str, LayerLike],
    second: LayerLike | Mapping[str, LayerLike],
    *,
    tolerance: float = 0.0,
    reach: float = REACH,
    id_column: str | None = None,
    name: str = "seam",
) -> Report:
    """Prove that two sheets have the same vertices where they meet, or name every stretch where they don't.

    Parameters
    ----------
    first, second : GeoDataFrame, Layer or mapping of one str to these
        Any CRS; what is wrong within one of them is not reported here.
    tolerance : float
        Metres. Gaps and overlaps no wider are warnings.
    reach : float
        Metres. An open gap that is wider is none: the sheets don't meet there.
    id_column : str, optional
        Id column of GeoDataFrames; by default the index.
    name : str
        Of the claim, in the report.

    Returns
    -------
    Report
        With faults ``unmatched-seam``, and the length of the seam that matches as a measure.

    Raises
    ------
    InputError
        For layers without a CRS or the column named.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> west = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 50, 50)], crs="EPSG:32651")
    >>> east = gpd.GeoDataFrame(geometry=[shapely.box(50, 0, 99, 25), shapely.box(50, 25, 99, 50)], crs="EPSG:32651")
    >>> report = validate_seam(west, east)
    >>> report.ok, report.faults["code"].tolist()
    (False, ['unmatched-seam'])
    """
    layers = _two(as_layers(first, id_column=id_column), as_layers(second, id_column=id_column))
    subject, _ = gather(name, layers, {})
    found, measured = check_tiling(subject, None, claim=name, tolerance=tolerance)
    own = {id(fault) for fault in subject.faults}
    between = [
        replace(fault, code="unmatched-seam") for fault in found if id(fault) not in own and len(set(fault.layers)) == 2
    ]
    flat = _Flat(subject)
    borders = shared_borders(subject.polygons)
    sides = subject.layer[borders.first] == subject.layer[borders.second]
    seam = borders.where((borders.second >= 0) & ~sides)
    length = float(shapely.length(flat.lines(seam.lines)).sum())
    faults = [*between, *_open_gaps(subject, flat, borders, between, tolerance, reach, name)]
    if not length and not faults:
        faults.append(_nothing_meets(subject, name, reach))
    measures: dict[str, Any] = {
        "polygons": measured["polygons"],
        "area": measured["area"],
        "tolerance": float(tolerance),
        "seam_length": length,
    }
    return Report(
        [ClaimResult(name, tuple(layers), [*subject.faults, *faults], measures)],
        crs=subject.crs,
        measure_crs=subject.measure_crs,
        shapes=subject.polygons,
        sources=subject.sources,
        title=name,
    )


def _two(first: Mapping[str, Layer], second: Mapping[str, Layer]) -> dict[str, Layer]:
    """Return both layers by keys that differ."""
    ((one, layer),), ((other, facing),) = first.items(), second.items()
    if one == other:
        one, other = (f"{one}-1", f"{other}-2")
    return {one: layer, other: facing}


class _Flat:
    """Plane metres by the scale at the layers' middle: straight lines stay straight, as they were drawn."""

    def __init__(self, subject: Subject) -> None:
        bounds = shapely.total_bounds(subject.polygons)
        self.middle = (bounds[:2] + bounds[2:]) / 2
        step = 1e-5 if subject.crs.is_geographic else 1.0
        mover = pyproj.Transformer.from_crs(subject.crs, subject.measure_crs, always_xy=True)
        corners = self.middle + step * np.array([[1, 0], [-1, 0], [0, 1], [0, -1]])
        there = np.column_stack(mover.transform(corners[:, 0], corners[:, 1]))
        self.scale: Floats = np.hypot(*(there[[0, 2]] - there[[1, 3]]).T) / (2 * step)

    def lines(self, lines: Geometries) -> Geometries:
        """Return lines of the subject's CRS in metres."""
        moved: Geometries = shapely.transform(lines, lambda places: (places - self.middle) * self.scale)
        return moved

    def back(self, line: shapely.Geometry) -> shapely.Geometry:
        """Return a line in metres in the subject's CRS."""
        return shapely.transform(line, lambda places: places / self.scale + self.middle)


def _open_gaps(
    subject: Subject,
    flat: _Flat,
    borders: Borders,
    told: list[Fault],
    tolerance: float,
    reach: float,
    claim: str,
) -> list[Fault]:
    """One record for each border of the first sheet that runs along the second one without touching it."""
    keys = list(dict.fromkeys(subject.layer))
    outer = borders.second < 0
    mine = borders.where(outer & (subject.layer[borders.first] == keys[0]))
    theirs = borders.where(outer & (subject.layer[borders.first] != keys[0]))
    if not len(mine.lines) or not len(theirs.lines):
        return []
    lines, facing = flat.lines(mine.lines), flat.lines(theirs.lines)
    path, edges = Course.of(lines), _edges(facing)
    rims = [flat.lines(np.array([shapely.boundary(fault.geometry)]))[0] for fault in told if fault.area]
    # where the sheets touch, or enclose what has its record already, nothing is open
    done = [_close(path, some, FLOAT_NOISE) for some in (edges, _edges(np.array(rims, object))) if len(some)]
    starts, ends = [], []
    for distance in reach * _STEPS:
        start, end = _without(path, *_close(path, edges, distance), done)
        long = end - start >= ALONG_AT_LEAST * distance
        starts.append(start[long])
        ends.append(end[long])
    start, end = joined(path, np.concatenate(starts), np.concatenate(ends), 0.0)
    start, end = _facing(path, start, end, edges)
    if not len(start):
        return []
    owner, width = deviations(path, start, end, edges, FLOAT_NOISE, np.zeros(len(lines)))
    courses = path.cut(start, end, len(lines))
    tree = shapely.STRtree(facing)
    faults = []
    for border, wide in zip(owner.tolist(), width.tolist(), strict=True):
        course = courses[border]
        if wide <= FLOAT_NOISE:
            continue
        opposite = np.unique(theirs.first[tree.query(course, predicate="dwithin", distance=wide)])
        involved = [int(mine.first[border]), *opposite.tolist()]
        size = float(shapely.length(course))
        place = flat.back(course)
        faults.append(
            Fault(
                "unmatched-seam",
                "error" if wide > tolerance else "warning",
                claim,
                subject.layers_of(involved),
                subject.ids_of(involved),
                _OPEN_GAP,
                place,
                None,
                float(wide),
                size,
                {"names": subject.called(involved), "length": Width(size), "width": Width(wide)},
                "open",
                part=subject.part(involved, place),
            )
        )
    return faults


def _edges(lines: Geometries) -> Floats:
    places, line = shapely.get_coordinates(shapely.get_parts(lines), return_index=True)
    edges: Floats = np.hstack([places[:-1], places[1:]])[line[:-1] == line[1:]]
    return edges


def _close(path: Course, edges: Floats, distance: float) -> tuple[Floats, Floats]:
    """Return the stretches within a distance of some edges."""
    _, low, high, _ = near(path, edges, np.zeros(len(edges), np.int64), distance)
    return joined(path, low, high, 0.0)


def _facing(path: Course, start: Floats, end: Floats, edges: Floats) -> tuple[Floats, Floats]:
    """Draw the ends of stretches back to where they stop facing the other sheet and go round its last corner.

    Beyond, the nearest place of the other sheet hardly moves; where that begins is found by halving.
    """
    if not len(start):
        return start, end
    lines = shapely.linestrings(edges.reshape(-1, 2, 2))
    tree = shapely.STRtree(lines)

    def nearest(at: Floats) -> Floats:
        points = shapely.points(path.points(at))
        found: Floats = shapely.get_coordinates(shapely.shortest_line(points, lines[tree.nearest(points)]))[1::2]
        return found

    step = np.minimum(1e-4, (end - start) / 10)

    def faces(at: Floats, inwards: Floats) -> npt.NDArray[np.bool_]:
        moved = np.hypot(*(nearest(at + inwards) - nearest(at)).T)
        facing: npt.NDArray[np.bool_] = moved > _FACING * step
        return facing

    drawn = []
    for outer, inner, inwards in ((start, end, step), (end, start, -step)):
        far, close = inner.copy(), np.where(faces(outer, inwards), inner, outer)
        for _ in range(50):
            middle = (far + close) / 2
            yes = faces(middle, inwards)
            far, close = np.where(yes, middle, far), np.where(yes, close, middle)
        drawn.append(np.where(faces(outer, inwards), outer, close))
    kept = drawn[1] - drawn[0] > FLOAT_NOISE
    return drawn[0][kept], drawn[1][kept]


def _without(path: Course, start: Floats, end: Floats, done: list[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    """Return what is left of stretches without those that are done."""
    rest_start, rest_end = path.rest(start, end)
    low, high = [rest_start, *(one for one, _ in done)], [rest_end, *(two for _, two in done)]
    return path.rest(*joined(path, np.concatenate(low), np.concatenate(high), 0.0))


def _nothing_meets(subject: Subject, claim: str, reach: float) -> Fault:
    keys = tuple(dict.fromkeys(subject.layer))
    values: dict[str, object] = {"first": keys[0], "second": keys[-1], "reach": Width(reach)}
    present = subject.polygons[~shapely.is_missing(subject.polygons)]
    where = shapely.MultiPoint(shapely.point_on_surface(present)) if len(present) else None
    return Fault("unmatched-seam", "error", claim, keys, (), _APART, where, values=values)
