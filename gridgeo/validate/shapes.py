"""Shapes that are valid but hardly meant: spikes, scraps of a feature far from the rest, parts that meet in one point.

None of them breaks a coverage, so all are warnings or notes. Cost: a few passes over all vertices.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.coverage import repeated_rows, sharp_corners
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
    edges = subject.edges
    parts = np.bincount(edges.ring_polygon[~edges.hole_ring], minlength=edges.count)
    sound = parts > 0
    sound[list(subject.scars)] = False
    several = np.flatnonzero((parts > 1) & sound)
    return [
        *_spikes(subject, claim, sound),
        *_fragments(subject, claim, several),
        *_pinches(subject, claim, sound),
    ]


def _spikes(subject: Subject, claim: str, sound: npt.NDArray[np.bool_]) -> list[Fault]:
    edges = subject.edges
    rough, angle = _rough_scale(subject)
    corner = sharp_corners(edges, rough, angle)
    ring = edges.ring_of(corner[0])
    kept = sound[edges.ring_polygon[ring]]
    at, before, after = (places[kept] for places in corner)
    if not len(at):
        return []
    ring, place = ring[kept], edges.coordinates
    scale = _metres_a_unit(subject, place[at])
    back, ahead = (place[before] - place[at]) * scale, (place[after] - place[at]) * scale
    sizes = np.hypot(*back.T), np.hypot(*ahead.T)
    length = np.minimum(*sizes)
    cosine = np.einsum("ij,ij->i", back, ahead)
    sharp = (cosine > np.cos(np.radians(SPIKE_ANGLE)) * sizes[0] * sizes[1]) & (length >= SPIKE_LENGTH)
    turn = ahead[:, 0] * back[:, 1] - ahead[:, 1] * back[:, 0]
    base = np.abs(turn) / np.maximum(sizes[0] * sizes[1], 1e-300) * length
    outward = (turn > 0) != edges.reversed_ring[ring]  # a notch is none
    faults = []
    for number in np.flatnonzero(sharp & (base <= SPIKE_BASE) & (turn != 0) & outward).tolist():
        tip, index = place[at[number]], int(edges.ring_polygon[ring[number]])
        if _is_of_scrap(subject, index, tip):
            continue  # a scrap is odd as a whole
        corners = [
            tip + (place[other] - tip) * (length[number] / far[number])
            for other, far in ((before[number], sizes[0]), (after[number], sizes[1]))
        ]
        triangle = shapely.Polygon([corners[0], tip, corners[1]])
        values: dict[str, object] = {
            "name": subject.name_of(index),
            "length": Width(float(length[number])),
            "base": Width(float(base[number])),
        }
        faults.append(_fault("spike", "warning", subject, claim, index, _SPIKE, triangle, values))
    return faults


def _rough_scale(subject: Subject) -> tuple[tuple[float, float], float]:
    """Return a scale along x and y in which no spike is blunter than some angle, and that angle in radians."""
    angle = np.radians(SPIKE_ANGLE) * 1.01
    coordinates = subject.edges.coordinates
    if not subject.crs.is_geographic or not len(coordinates):
        return (1.0, 1.0), float(angle)
    latitude = coordinates[:, 1]
    low, high = np.cos(np.radians([latitude.min(), latitude.max()]))
    east = max(min(low, high), 1e-3)
    # angles grow by no more than the scales differ
    return (float(east), 1.0), float(min(angle * max(1.0, 1.0 / east), np.pi / 2))


def _is_of_scrap(subject: Subject, index: int, tip: Floats) -> bool:
    """Whether a vertex belongs to a part of a polygon that is a scrap."""
    polygon = subject.polygons[index]
    if shapely.get_num_geometries(polygon) == 1:
        return False
    parts = shapely.get_parts(polygon)
    scraps = parts[_scraps(subject, parts, np.zeros(len(parts), np.int64))]
    return any((shapely.get_coordinates(scrap) == tip).all(axis=1).any() for scrap in scraps)


def _metres_a_unit(subject: Subject, place: Floats) -> Floats:
    """Metres in one unit of the coordinates, east and north: exact enough for angles."""
    if not subject.crs.is_geographic:
        one = 1.0 / subject.units(1.0)
        return np.array([[one, one]])
    north = np.full(len(place), 111_320.0)
    return np.column_stack([north * np.cos(np.radians(place[:, 1])), north])


def _fragments(subject: Subject, claim: str, which: npt.NDArray[np.intp]) -> list[Fault]:
    faults = []
    for index in which.tolist():
        parts = shapely.get_parts(subject.polygons[index])
        scraps = _scraps(subject, parts, np.zeros(len(parts), np.int64))
        values: dict[str, object] = {"name": subject.name_of(index), "count": len(parts), "scraps": int(scraps.sum())}
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


def _pinches(subject: Subject, claim: str, sound: npt.NDArray[np.bool_]) -> list[Fault]:
    """Points that two rings of one feature have in common; a single ring that is valid has none."""
    edges = subject.edges
    rings = np.bincount(edges.ring_polygon, minlength=len(sound))
    several = np.flatnonzero((rings > 1) & sound if subject.plain is None else (rings > 1) & sound & ~subject.plain)
    if not len(several):
        return []
    parts, of_polygon = shapely.get_parts(subject.polygons[several], return_index=True)
    rings, of_part = shapely.get_rings(parts, return_index=True)
    place, ring = shapely.get_coordinates(rings, return_index=True)
    within = np.flatnonzero(ring[1:] == ring[:-1])  # a ring's last vertex is its first again
    vertex = np.column_stack([of_polygon[of_part[ring[within]]], place[within]])
    again = np.unique(vertex[repeated_rows(vertex)], axis=0)
    index, first, count = np.unique(again[:, 0].astype(np.int64), return_index=True, return_counts=True)
    faults = []
    for which_one, start, many in zip(several[index].tolist(), first.tolist(), count.tolist(), strict=True):
        places = again[start : start + many, 1:]
        where = shapely.MultiPoint(places) if many > 1 else shapely.Point(places[0])
        values: dict[str, object] = {"name": subject.name_of(which_one), "count": many}
        what = _PINCH if many == 1 else _PINCHES
        faults.append(_fault("pinch", "info", subject, claim, which_one, what, where, values))
    return faults


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
