"""Borders onto barriers: borders that run beside a road or river are moved onto its line, and a tiling stays a tiling.

Theory. A border belongs to both neighbours, so it is moved as an arc (`gridgeo.repair.arcs`): both get the same
numbers. Arcs of the outer border, those of locked polygons, and those that are claimed by more than one never move, nor
do their ends. Afterwards nothing may have changed but places: no arc may cross or touch another where it didn't before,
no ring may collapse or turn over, no polygon may lose half its area. Arcs that would do so stay as they are, with their
ends, and all others are looked at again. What has moved is looked at once more, until nothing moves: so moving twice
changes nothing.

Cost. A search of a small network for each stretch beside a barrier; some milliseconds each.

Limits. Coordinates must be in metres. Borders of different barriers within the tolerance of each other (the two kerbs
of a narrow street) are told apart by rank and nearness alone. A street polygon between blocks would vanish on a centre
line: both its borders stay.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from shapely.ops import substring

from gridgeo.language import Message
from gridgeo.network import Barriers, Rank
from gridgeo.repair.arcs import Arcs, Flags, Floats, Geometries
from gridgeo.repair.plan import Action, Feature, Left, Transfer
from gridgeo.repair.stretches import Stretches
from gridgeo.repair.ways import Line, Ways, chosen_lines
from gridgeo.validate.alignment import Course, joined, near, shared_borders

ON = 1e-3
"""Metres within which a border counts as on a barrier in `Alignment.before` and `Alignment.after`."""
_APART = 1e-6
"""Metres that borders which don't meet must stay apart."""
_AT_LEAST = 0.5
"""Share of its area that a polygon must keep."""
_KEPT = 1.5
"""Tolerances within which a border lies of the place by which it is named."""
_LOOKS = 8
"""How often what has moved is looked at again."""

CROSSES = Message("it would meet another border there", "移动后会与另一条边界相交或重合")
COLLAPSES = Message("a polygon beside it would collapse or lose half its area", "移动后其旁的面会消失或失去一半面积")
_BESIDE = Message(
    "Their border runs beside a road or river and is moved onto it.", "两者的边界靠近道路或河流，移到其线上。"
)
RESTLESS = Message("it has moved, but doesn't come to rest", "已移动，但反复移动后仍不能稳定")


class Stretch(NamedTuple):
    """A border between two polygons that was moved: its course before and after, and metres moved at most."""

    left: int
    right: int
    before: shapely.LineString
    after: shapely.LineString
    moved: float


class Stays(NamedTuple):
    """A border beside a barrier that is left as it is, and why."""

    left: int
    right: int
    course: shapely.LineString
    why: Message


class Handover(NamedTuple):
    """A region that changes hands: numbers of the polygons that had it and have it now."""

    region: shapely.Polygon
    area: float
    giver: int
    taker: int


@dataclass(frozen=True)
class Alignment:
    """What has moved.

    Parameters
    ----------
    polygons : ndarray
        All polygons; those that didn't change are the same objects.
    changed : tuple of int
        Numbers of those that did.
    stretches : tuple of Stretch
    stays : tuple of Stays
    handovers : tuple of Handover
    before, after : float
        Share of the length of all borders between two polygons that lies on barriers.
    """

    polygons: Geometries
    changed: tuple[int, ...]
    stretches: tuple[Stretch, ...]
    stays: tuple[Stays, ...]
    handovers: tuple[Handover, ...]
    before: float
    after: float


def align_borders(
    polygons: npt.ArrayLike,
    barriers: Barriers | gpd.GeoDataFrame,
    *,
    tolerance: float,
    line: Line = "centre",
    width: float | str = 10.0,
    least_rank: Rank = "lane",
    locked: Collection[int] = (),
    kept: Sequence[tuple[int, int, shapely.Point]] = (),
) -> Alignment:
    """Move borders that run beside barriers onto them.

    Parameters
    ----------
    polygons : array of Polygon or MultiPolygon
        A coverage, in metres. Where it is none, borders stay.
    barriers : Barriers or GeoDataFrame
        Lines and polygons with a column ``rank``, in the same CRS.
    tolerance : float
        Metres within which a border is beside a barrier.
    line : {"centre", "edge", "kerb"}
        Onto centre lines, and edges of barriers that are polygons; onto these edges alone; or onto kerb lines.
    width : float or str
        Of streets between their kerbs, in metres, or the column that says so.
    least_rank : Rank
        Barriers of lower rank don't count.
    locked : collection of int
        Numbers of polygons that must not change.
    kept : sequence of tuple
        Borders that must not move: the numbers of the two polygons beside each, and a place within ``tolerance`` of it.

    Examples
    --------
    >>> two = [shapely.Polygon([(0, 0), (50, 0), (51, 30), (48, 60), (50, 100), (0, 100)]),
    ...        shapely.Polygon([(50, 0), (100, 0), (100, 100), (50, 100), (48, 60), (51, 30)])]
    >>> road = gpd.GeoDataFrame({"rank": ["road"]}, geometry=[shapely.LineString([(50, -10), (50, 110)])])
    >>> aligned = align_borders(two, road, tolerance=5.0)
    >>> aligned.polygons[0].area, aligned.stretches[0].moved
    (5000.0, 2.0)
    """
    given = np.asarray(polygons, dtype=np.object_).reshape(-1).copy()
    ways = Ways(*chosen_lines(barriers, line, width, least_rank))
    aligned = given.copy()
    stretches: list[Stretch] = []
    stays: list[Stays] = []
    for _ in range(_LOOKS):
        arcs = Arcs.of(aligned)
        courses, made, stays = _one_look(aligned, arcs, ways, tolerance, locked, kept)
        if not courses:
            break
        stretches = _followed(stretches, arcs, courses)
        for number, polygon in made.items():
            aligned[number] = polygon
    else:
        lines = arcs.lines()
        stays += [Stays(int(arcs.left[arc]), int(arcs.right[arc]), lines[arc], RESTLESS) for arc in sorted(courses)]
    changed = tuple(number for number, (one, other) in enumerate(zip(given, aligned, strict=True)) if one is not other)
    return Alignment(
        aligned,
        changed,
        tuple(stretches),
        tuple(stays),
        tuple(_handovers(given, aligned, changed)),
        _share(given, ways),
        _share(aligned, ways),
    )


def _one_look(
    polygons: Geometries,
    arcs: Arcs,
    ways: Ways,
    tolerance: float,
    locked: Collection[int],
    kept: Sequence[tuple[int, int, shapely.Point]],
) -> tuple[dict[int, Floats], dict[int, shapely.Geometry], list[Stays]]:
    """Return new courses for arcs, the polygons that they make, and what stays as it is."""
    keep = np.array(sorted(locked), np.int64)
    fixed: Flags = (arcs.left < 0) | (arcs.right < 0) | (arcs.left == arcs.right)
    fixed |= np.isin(arcs.left, keep) | np.isin(arcs.right, keep)
    for one, other, place in kept:
        between = ((arcs.left == one) & (arcs.right == other)) | ((arcs.left == other) & (arcs.right == one))
        fixed[between] |= shapely.distance(arcs.lines()[between], place) <= _KEPT * tolerance
    plan = Stretches(arcs, ways, tolerance, fixed)
    blocked: dict[int, Message] = {}
    while True:
        courses = plan.new_courses(frozenset(blocked))
        found = _crossing(arcs, courses)
        made: dict[int, shapely.Geometry] = {}
        if not found:
            made, found = _rebuilt(polygons, arcs, courses)
        if not found:
            break
        blocked.update(found)
    lines = arcs.lines()
    reasons = [(arc, substring(lines[arc], *span), why) for (arc, span), why in plan.refused.items()]
    reasons += [(arc, lines[arc], why) for arc, why in blocked.items()]
    stays = [
        Stays(int(arcs.left[arc]), int(arcs.right[arc]), course, why)
        for arc, course, why in sorted(reasons, key=lambda each: each[0])
    ]
    return courses, made, stays


def _crossing(arcs: Arcs, courses: dict[int, Floats]) -> dict[int, Message]:
    """Return the arcs that would meet themselves or another but at common ends."""
    if not courses:
        return {}
    lines = arcs.lines()
    numbers = np.array(sorted(courses), np.int64)
    for arc in numbers.tolist():
        lines[arc] = shapely.LineString(courses[arc])
    gone = shapely.length(lines) == 0.0  # an arc drawn together to a point, which its neighbours share
    numbers = numbers[~gone[numbers]]
    poor = {int(arc): CROSSES for arc in numbers[~shapely.is_simple(lines[numbers])]}
    tree = shapely.STRtree(lines)
    one, other = tree.query(lines[numbers], predicate="dwithin", distance=_APART)
    one = numbers[one]
    pairs = (one != other) & ~gone[other]
    one, other = one[pairs], other[pairs]
    meeting = shapely.intersection(lines[one], lines[other])
    for arc, second, common in zip(one.tolist(), other.tolist(), meeting, strict=True):
        ends = [{tuple(place) for place in shapely.get_coordinates(lines[k])[[0, -1]].tolist()} for k in (arc, second)]
        shared = ends[0] & ends[1]
        places = {tuple(place) for place in shapely.get_coordinates(common).tolist()}
        if not shared or shapely.get_dimensions(common) > 0 or places - shared:
            poor[arc] = CROSSES
    return poor


def _rebuilt(
    polygons: Geometries, arcs: Arcs, courses: dict[int, Floats]
) -> tuple[dict[int, shapely.Geometry], dict[int, Message]]:
    """Return the polygons with new courses, and the arcs of those that would not be what they were."""
    made: dict[int, shapely.Geometry] = {}
    poor: set[int] = set()
    for number, polygon in arcs.rebuild(courses).items():
        old = polygons[number]
        if (
            polygon is None
            or not polygon.is_valid
            or polygon.area < _AT_LEAST * old.area
            or (_turns(polygon) != _turns(old)).any()
        ):
            poor.add(number)
        else:
            made[number] = polygon
    blocked = {arc: COLLAPSES for arc in sorted(courses) if int(arcs.left[arc]) in poor or int(arcs.right[arc]) in poor}
    return made, blocked


def _turns(polygon: shapely.Geometry) -> Flags:
    """Tell which way round the rings run."""
    turns: Flags = shapely.is_ccw(shapely.get_rings(shapely.get_parts(polygon)))
    return turns


def _followed(stretches: list[Stretch], arcs: Arcs, courses: dict[int, Floats]) -> list[Stretch]:
    """Return the stretches moved so far with the newest ones; what has moved again is one stretch."""
    lines = arcs.lines()
    by_course = {shapely.to_wkb(shapely.normalize(stretch.after)): stretch for stretch in stretches}
    for arc, course in sorted(courses.items()):
        now = shapely.to_wkb(shapely.normalize(lines[arc]))
        earlier = by_course.pop(now, None)
        before = lines[arc] if earlier is None else earlier.before
        after = shapely.LineString(course)
        moved = float(shapely.hausdorff_distance(before, after, densify=0.1))
        stretch = Stretch(int(arcs.left[arc]), int(arcs.right[arc]), before, after, moved)
        by_course[shapely.to_wkb(shapely.normalize(after))] = stretch
    return list(by_course.values())


def _handovers(before: Geometries, after: Geometries, changed: tuple[int, ...]) -> list[Handover]:
    """Return the regions that changed hands among the polygons that changed."""
    numbers = np.array(changed, np.int64)
    giver, taker = shapely.STRtree(after[numbers]).query(before[numbers], predicate="intersects")[:2]
    order = np.lexsort((taker, giver))
    giver, taker = numbers[giver[order]], numbers[taker[order]]
    different = giver != taker
    giver, taker = giver[different], taker[different]
    found = []
    regions, pair = shapely.get_parts(shapely.intersection(before[giver], after[taker]), return_index=True)
    for region, k in zip(regions, pair.tolist(), strict=True):
        if region.geom_type == "Polygon" and region.area > 0.0:
            found.append(Handover(region, float(region.area), int(giver[k]), int(taker[k])))
    return found


def _share(polygons: Geometries, ways: Ways) -> float:
    """Return the share of the borders between two polygons that lies on the ways."""
    borders = shared_borders(polygons[~(shapely.is_missing(polygons) | shapely.is_empty(polygons))])
    path = Course.of(borders.where(borders.second >= 0).lines)
    _, low, high, _ = near(path, ways.ends, np.zeros(len(ways.ends), np.int64), ON)
    on = path.measure(*joined(path, low, high, 0.0)).sum()
    total = path.length.sum()
    return float(on / total) if total else 0.0


def planned(alignment: Alignment, features: Sequence[Feature], *, first: int = 1) -> tuple[list[Action], list[Left]]:
    """Return what has moved as actions of a plan, one a stretch, and what stays as it is.

    A region where three borders met is told with the stretch nearest to it, so that each region is told once.

    Parameters
    ----------
    alignment : Alignment
    features : sequence of Feature
        Who the polygons are.
    first : int
        Number of the first action.
    """
    transfers: list[list[Transfer]] = [[] for _ in alignment.stretches]
    if alignment.stretches:
        lines = shapely.STRtree([stretch.after for stretch in alignment.stretches])
        for region, area, giver, taker in alignment.handovers:
            near_by = lines.query_nearest(region)
            best = min(
                near_by.tolist(),
                key=lambda k: {alignment.stretches[k].left, alignment.stretches[k].right} != {giver, taker},
            )
            transfers[best].append(Transfer(region, area, features[giver], features[taker]))
    actions = [
        Action(
            number,
            "off-barrier",
            None,
            (features[stretch.left], features[stretch.right]),
            stretch.after.interpolate(0.5, normalized=True),
            "align",
            _BESIDE,
            rule="barrier",
            transfers=tuple(given),
            moved=stretch.moved,
        )
        for number, (stretch, given) in enumerate(zip(alignment.stretches, transfers, strict=True), first)
    ]
    left = [
        Left(
            "off-barrier",
            None,
            (features[stay.left], features[stay.right]),
            stay.course.interpolate(0.5, normalized=True),
            stay.why,
        )
        for stay in alignment.stays
    ]
    return actions, left
