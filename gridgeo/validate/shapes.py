"""Shapes that are valid but hardly meant: spikes, scraps of a feature far from the rest, parts that meet in one point.

None of them breaks a coverage, so all are warnings or notes. Cost: a few passes over all vertices.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.language import Message
from gridgeo.validate.faults import Fault, Severity
from gridgeo.validate.subject import Geometries, Subject
from gridgeo.validate.wording import Area, Width

SPIKE_ANGLE = 2.0
"""Degrees. A sharper corner may be a spike."""
SPIKE_LENGTH = 1.0
"""Metres. A shorter one is none."""
SPIKE_BASE = 1.0
"""Metres. A wider one is an acute corner between two streets."""
SCRAP = 0.05
"""Share of a feature below which one of its parts is a scrap, if it is smaller than `SCRAP_AREA` too."""
SCRAP_AREA = 2000.0
"""Square metres. A larger part is more likely an exclave."""

_SPIKE = Message(
    "{name} has a spike {length} long and {base} wide at its foot.", "{name}有一处尖刺，长 {length}，根部宽 {base}。"
)
_SCRAPS = Message(
    "{name} is in {count} parts; small and away from the rest: {scraps}, of {area} in all.",
    "{name}由 {count} 部分组成，其中与主体分离的小块 {scraps} 个，共 {area}。",
)
_PARTS = Message("{name} is in {count} parts.", "{name}由 {count} 部分组成。")
_PARTS_MEND = Message("Check that this is meant (an exclave).", "请确认是否确为飞地。")
_PINCH = Message("{name} touches itself in a single point.", "{name}有一处仅以一点与自身相接。")
_PINCHES = Message(
    "{name} touches itself in single points at {count} places.", "{name}有 {count} 处仅以一点与自身相接。"
)

Floats = npt.NDArray[np.float64]


def check_shapes(subject: Subject, claim: str) -> list[Fault]:
    """Return what is odd about the shape of each feature by itself."""
    sound = np.array([index not in subject.scars for index in range(len(subject.polygons))], bool)
    sound &= ~shapely.is_missing(subject.polygons)
    which = np.flatnonzero(sound)
    if not len(which):
        return []
    polygons = subject.polygons[which]
    return [
        *_spikes(subject, claim, which, polygons),
        *_fragments(subject, claim, which),
        *_pinches(subject, claim, which),
    ]


def _spikes(subject: Subject, claim: str, which: npt.NDArray[np.intp], polygons: Geometries) -> list[Fault]:
    parts, of_polygon = shapely.get_parts(polygons, return_index=True)
    kept = ~_scraps(subject, parts, of_polygon)  # a scrap is odd as a whole
    parts, of_polygon = parts[kept], of_polygon[kept]
    rings, of_part = shapely.get_rings(parts, return_index=True)
    place, ring = shapely.get_coordinates(rings, return_index=True)
    first = np.flatnonzero(np.concatenate([[True], ring[1:] != ring[:-1]]))
    last = np.append(first[1:], len(ring)) - 1
    before = np.arange(len(place)) - 1
    before[first] = last - 1  # a ring's last vertex is its first again
    after = np.minimum(np.arange(len(place)) + 1, len(place) - 1)
    local = place * _metres_a_unit(subject, place)
    back, ahead = local[before] - local, local[after] - local
    cosine = np.einsum("ij,ij->i", back, ahead)
    sizes = np.hypot(*back.T), np.hypot(*ahead.T)
    length = np.minimum(*sizes)
    sharp = (cosine > np.cos(np.radians(SPIKE_ANGLE)) * sizes[0] * sizes[1]) & (length >= SPIKE_LENGTH)
    sharp[last] = False
    at = np.flatnonzero(sharp)
    if not len(at):
        return []
    turn = ahead[at, 0] * back[at, 1] - ahead[at, 1] * back[at, 0]
    # the interior of shells that run counter-clockwise is on the left, of holes on the right
    hole = np.concatenate([[False], of_part[1:] == of_part[:-1]])
    counter_clockwise = shapely.is_ccw(rings)
    inner = (turn > 0) == (counter_clockwise != hole)[ring[at]]
    base = np.abs(turn) / (sizes[0][at] * sizes[1][at]) * length[at]
    faults = []
    for number in np.flatnonzero(inner & (base <= SPIKE_BASE) & (turn != 0)).tolist():
        tip = int(at[number])
        index = int(which[of_polygon[of_part[ring[tip]]]])
        corners = [
            place[tip] + (place[other] - place[tip]) * (length[tip] / size[tip])
            for other, size in ((before[tip], sizes[0]), (after[tip], sizes[1]))
        ]
        triangle = shapely.Polygon([corners[0], place[tip], corners[1]])
        values: dict[str, object] = {
            "name": subject.name[index],
            "length": Width(float(length[tip])),
            "base": Width(float(base[number])),
        }
        faults.append(_fault("spike", "warning", subject, claim, index, _SPIKE, triangle, values))
    return faults


def _metres_a_unit(subject: Subject, place: Floats) -> Floats:
    """Metres in one unit of the coordinates, east and north: exact enough for angles."""
    if not subject.crs.is_geographic:
        one = 1.0 / subject.units(1.0)
        return np.array([[one, one]])
    north = np.full(len(place), 111_320.0)
    return np.column_stack([north * np.cos(np.radians(place[:, 1])), north])


def _fragments(subject: Subject, claim: str, which: npt.NDArray[np.intp]) -> list[Fault]:
    faults = []
    for index in which[shapely.get_num_geometries(subject.polygons[which]) > 1].tolist():
        parts = shapely.get_parts(subject.polygons[index])
        scraps = _scraps(subject, parts, np.zeros(len(parts), np.int64))
        values: dict[str, object] = {"name": subject.name[index], "count": len(parts), "scraps": int(scraps.sum())}
        if not scraps.any():
            note = _fault("fragment", "info", subject, claim, index, _PARTS, subject.polygons[index], values)
            faults.append(note)
            continue
        where = shapely.MultiPolygon(list(parts[scraps])) if scraps.sum() > 1 else parts[scraps][0]
        faults.append(_fault("fragment", "warning", subject, claim, index, _SCRAPS, where, values))
    return faults


def _scraps(subject: Subject, parts: Geometries, of_polygon: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Tell which parts are small, and small parts of their polygon."""
    small = np.bincount(of_polygon)[of_polygon] > 1
    which = np.flatnonzero(small)
    area = shapely.area(parts[which])
    small[which] = area < SCRAP * np.bincount(of_polygon[which], area)[of_polygon[which]]
    middle = (shapely.bounds(parts[which])[:, :2] + shapely.bounds(parts[which])[:, 2:]) / 2
    small[which] &= area * _metres_a_unit(subject, middle).prod(axis=1) < SCRAP_AREA
    return small


def _pinches(subject: Subject, claim: str, which: npt.NDArray[np.intp]) -> list[Fault]:
    """Points that two rings of one feature have in common; a single ring that is valid has none."""
    polygons = subject.polygons[which]
    several = which[(shapely.get_num_geometries(polygons) > 1) | (_holes(polygons) > 0)]
    faults = []
    for index in several.tolist():
        parts = shapely.get_parts(subject.polygons[index])
        vertices = [shapely.get_coordinates(ring)[:-1] for ring in shapely.get_rings(parts)]
        distinct, count = np.unique(np.concatenate(vertices), axis=0, return_counts=True)
        twice = distinct[count > 1]
        if len(twice):
            where = shapely.MultiPoint(twice) if len(twice) > 1 else shapely.Point(twice[0])
            values: dict[str, object] = {"name": subject.name[index], "count": len(twice)}
            faults.append(
                _fault("pinch", "info", subject, claim, index, _PINCH if len(twice) == 1 else _PINCHES, where, values)
            )
    return faults


def _holes(polygons: Geometries) -> npt.NDArray[np.int64]:
    parts, of_polygon = shapely.get_parts(polygons, return_index=True)
    return np.bincount(of_polygon, shapely.get_num_interior_rings(parts), len(polygons)).astype(np.int64)


def _fault(
    code: str,
    severity: Severity,
    subject: Subject,
    claim: str,
    index: int,
    what: Message,
    where: shapely.Geometry,
    values: dict[str, object],
) -> Fault:
    sizes: tuple[float | None, float | None, float | None] = (None, None, None)
    if where.area > 0:
        sizes = subject.measure(np.array([where], object)).at(0)
        values["area"] = Area(sizes[0] or 0.0)
    return Fault(
        code,
        severity,
        claim,
        subject.layers_of([index]),
        subject.ids_of([index]),
        what,
        where,
        *sizes,
        values,
        mend=_PARTS_MEND if what is _PARTS else None,
        part=subject.part([index], where) if what is not _PARTS else None,
    )
