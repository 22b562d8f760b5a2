"""Stretches: which parts of borders run beside a barrier, where their junctions belong, and their new courses.

Theory. An arc is beside a barrier on intervals, which are known exactly (`gridgeo.validate.alignment`). On each such
interval it gets the way along the barrier between the feet of its ends: the cheapest in the network of what lies within
the tolerance of it, so that the way is near the border; it is refused unless the border is near the way too. A junction
goes to the place from which the ways to all its arcs beside barriers are shortest together: to a crossing where they
part there, else to the foot nearest to it. Where a border leaves a barrier, or where its end must not move, a short leg
joins them, no flatter than one in two, so that it isn't itself a border beside the barrier.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import numpy as np
import shapely
from shapely.ops import substring

from gridgeo.language import Message
from gridgeo.network import RANKS
from gridgeo.repair.arcs import Arcs, Flags, Floats
from gridgeo.repair.ways import Foot, Place, Ways
from gridgeo.validate.alignment import ALONG_AT_LEAST, Course, joined, near

SETTLED = 1e-3
"""Metres: what is so near a barrier lies on it."""
_NOTHING = 4e-3
"""Metres: a shorter piece off the barrier is a matter of rounding."""
_LEG = 2.0
"""A leg to what doesn't move is this many times as long along the barrier as across."""
_DRIFT = 1.5
"""Tolerances that a border may be off its way: the ends of both don't lie abreast."""
_DRAWN = 0.3
"""Tolerances by which a junction is rather put on a crossing or corner than on another place."""
_SLACK = 0.01
"""Tolerances by which the legs of a border may be off, once it is aligned: without it they could go to and fro."""
_BY_WAY_OF = 12
"""Places on a way that are prescribed at most, where the cheapest way strays from the border."""

NO_WAY = Message(
    "there is no unbroken way along the barriers beside it",
    "其旁的道路或河流不连贯，没有可沿之线",
)
TOO_SHORT = Message(
    "it is too short for the legs between its ends, which stay, and the barrier",
    "该段太短，两端不动，无法连接到道路或河流线上",
)
STRAYS = Message(
    "the way along the barriers strays from it further than the tolerance",
    "沿道路或河流的线与原边界相距超过容差",
)

Span = tuple[float, float]


@dataclass
class Stretches:
    """The parts of arcs that run beside ways, and what becomes of them.

    Parameters
    ----------
    arcs : Arcs
    ways : Ways
    tolerance : float
        Metres.
    fixed : ndarray of bool
        Arcs that don't move, nor do their ends.
    """

    arcs: Arcs
    ways: Ways
    tolerance: float
    fixed: Flags
    refused: dict[tuple[int, Span], Message] = field(default_factory=dict)
    _turned_down: bool = False
    _spans: dict[int, list[Span]] = field(default_factory=dict)
    _settled: dict[int, list[Span]] = field(default_factory=dict)
    _known: dict[tuple[object, ...], Floats | Message] = field(default_factory=dict)
    _goals: dict[tuple[object, ...], Foot | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Measure which intervals of which arcs are beside ways, and which are on them."""
        self._lines = self.arcs.lines()
        self._length = shapely.length(self._lines)
        self._at_junctions = self.arcs.at_junctions()
        path = Course.of(self._lines)
        rank = np.minimum(self.ways.rank, len(RANKS) - 1)
        for reach, found in ((self.tolerance, self._spans), (SETTLED, self._settled)):
            _, low, high, _ = near(path, self.ways.ends, rank, reach)
            start, end = joined(path, low, high, 0.0)
            arc = path.line_at(start)
            for one, a, b in zip(arc.tolist(), start - path.origin[arc], end - path.origin[arc], strict=True):
                size = float(self._length[one])
                first, last = (0.0 if a < _NOTHING else float(a)), (size if b > size - _NOTHING else float(b))
                whole = first == 0.0 and last == size
                if reach == SETTLED or whole or last - first >= ALONG_AT_LEAST * reach:
                    found.setdefault(one, []).append((first, last))

    def new_courses(self, blocked: frozenset[int]) -> dict[int, Floats]:
        """Return the courses of all arcs that move, when some more of them must not."""
        still = self.fixed.copy()
        still[list(blocked)] = True
        while True:
            self._turned_down = False
            moves = {arc: self._to_move(arc, still) for arc in self._spans if not still[arc]}
            targets = self._targets(moves, still)
            courses: dict[int, Floats] = {}
            for arc in range(len(self.arcs)):
                if still[arc]:
                    continue
                ends = targets.get(int(self.arcs.start[arc])), targets.get(int(self.arcs.end[arc]))
                spans = [
                    span
                    for span in self._usable(arc)
                    if span in moves[arc]
                    or (span[0] == 0.0 and ends[0] is not None)
                    or (span[1] == self._length[arc] and ends[1] is not None)
                ]
                if spans or ends != (None, None):
                    courses[arc] = self._course(arc, spans, ends)
            if not self._turned_down:
                return {
                    arc: new for arc, new in courses.items() if not _same(new, self.arcs.courses[arc], self._slack(arc))
                }

    def _slack(self, arc: int) -> float:
        """Return how little an arc may move for it to stay: more where it lies on ways already but for its legs."""
        on = sum(last - first for first, last in self._settled.get(arc, ()))
        beside = sum(last - first for first, last in self._spans.get(arc, ()))
        return max(_NOTHING, _SLACK * self.tolerance) if on > beside / 2 else _NOTHING

    def _usable(self, arc: int) -> list[Span]:
        """Return the spans of an arc beside ways, but those for which no way was found."""
        return [span for span in self._spans.get(arc, ()) if (arc, span) not in self.refused]

    def _to_move(self, arc: int, still: Flags) -> list[Span]:
        """Return the spans of an arc that are beside a way and not on it, but for the legs at their ends."""
        size = float(self._length[arc])
        held = [self._is_held(int(self.arcs.start[arc]), still), self._is_held(int(self.arcs.end[arc]), still)]
        found = []
        for first, last in self._usable(arc):
            leg = (first > 0.0 or held[0], last < size or held[1])
            here = first
            gaps = []
            for a, b in [*self._settled.get(arc, ()), (last, last)]:
                if min(a, last) - here > _NOTHING:
                    gaps.append((here, min(a, last)))
                here = max(here, b)
            for a, b in gaps:
                is_leg = (a == first and leg[0]) or (b == last and leg[1])
                if not is_leg or b - a >= ALONG_AT_LEAST * self.tolerance:
                    found.append((first, last))
                    break
        return found

    def _is_held(self, junction: int, still: Flags) -> bool:
        """Tell whether a junction must stay."""
        return any(still[arc] for arc, _ in self._at_junctions[junction])

    def _targets(self, moves: dict[int, list[Span]], still: Flags) -> dict[int, Foot]:
        """Return where junctions go: those at the end of a span that moves, and not held."""
        touched = set()
        for arc, spans in moves.items():
            for first, last in spans:
                if first == 0.0:
                    touched.add(int(self.arcs.start[arc]))
                if last == self._length[arc]:
                    touched.add(int(self.arcs.end[arc]))
        targets = {}
        for junction in sorted(touched):
            if not self._is_held(junction, still):
                foot = self._target(junction)
                if foot is not None:
                    targets[junction] = foot
        return targets

    def _target(self, junction: int) -> Foot | None:
        """Return where a junction belongs."""
        onward: list[Foot] = []
        leaving: list[tuple[int, bool]] = []
        for arc, at_start in self._at_junctions[junction]:
            size = float(self._length[arc])
            here = [span for span in self._usable(arc) if (span[0] == 0.0 if at_start else span[1] == size)]
            if not here:
                leaving.append((arc, at_start))
            for first, last in here:
                away = min(ALONG_AT_LEAST * self.tolerance, (last - first) / 2)
                foot = self._foot(arc, away if at_start else size - away)
                if foot is not None:
                    onward.append(foot)
        key = junction, tuple(onward), tuple(leaving)
        if key not in self._goals:
            rays = [self._ray(arc, at_start) for arc, at_start in leaving]
            self._goals[key] = self._best_target(self.arcs.junctions[junction], onward, rays)
        return self._goals[key]

    def _ray(self, arc: int, at_start: bool) -> shapely.LineString:
        """Return the end of an arc as a straight line, carried on beyond its junction."""
        size, reach = float(self._length[arc]), self.tolerance
        inner = min(2 * reach, size)
        one, other = self._point(arc, inner if at_start else size - inner), self._point(arc, 0.0 if at_start else size)
        onward = (other - one) / max(float(np.hypot(*(other - one))), 1e-300)
        return shapely.LineString([one, other + 2 * reach * onward])

    def _best_target(self, place: Floats, onward: list[Foot], rays: list[shapely.LineString]) -> Foot | None:
        reach = self.tolerance
        feet = self.ways.feet(place, reach)
        if not feet or not onward:
            return None
        nearest = min(feet, key=lambda foot: (foot.distance, foot.place))
        feet += [foot for ray in rays for foot in self.ways.met_by(ray, place, reach)]
        hood = self.ways.around(shapely.Point(place), (ALONG_AT_LEAST + 3) * reach, [*feet, *onward])
        far = 2 * (ALONG_AT_LEAST + 3) * reach
        lengths = [hood.lengths(foot.place) for foot in onward]
        # one arc alone would draw the junction along; two draw it to and fro; three to where their ways part
        weight = 1.5 if len(onward) == 1 else 0.5

        def cost(foot: Foot) -> tuple[float, Place]:
            along = sum(min(to.get(foot.place, far), far) for to in lengths)
            aside = sum(float(ray.distance(shapely.Point(foot.place))) for ray in rays)  # who leaves goes on straight
            drawn = _DRAWN * reach if foot.place in self.ways.marked else 0.0
            return round(along + 0.4 * aside + weight * foot.distance - drawn, 6), foot.place

        vertices = [self._vertex_foot(vertex, place) for vertex in hood.links]
        near_by = [foot for foot in vertices if foot.distance <= reach]
        if nearest.distance <= SETTLED:
            # what lies on a way already stays, or goes to a corner once and for all: else it could go to and fro
            if nearest.place in self.ways.marked:
                return nearest
            return min([nearest, *(foot for foot in near_by if foot.place in self.ways.marked)], key=cost)
        return min([*feet, *near_by], key=cost)

    def _vertex_foot(self, vertex: Place, place: Floats) -> Foot:
        return Foot(-1, vertex, float(np.hypot(vertex[0] - place[0], vertex[1] - place[1])))

    def _point(self, arc: int, at: float) -> Floats:
        return np.asarray(shapely.get_coordinates(shapely.line_interpolate_point(self._lines[arc], at))[0])

    def _foot(self, arc: int, at: float) -> Foot | None:
        """Return where the arc meets the way beside it, abreast of a place on it."""
        half = self.tolerance / 2
        low, high = max(at - half, 0.0), min(at + half, float(self._length[arc]))
        heading = self._point(arc, high) - self._point(arc, low)
        return self.ways.foot(self._point(arc, at), heading, self.tolerance * 1.01)

    def _course(self, arc: int, spans: list[Span], ends: tuple[Foot | None, Foot | None]) -> Floats:
        """Return the new course of an arc; spans for which there is no way are noted and left."""
        old = self.arcs.courses[arc]
        at = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(old, axis=0).T))])
        size = float(self._length[arc])
        pieces: list[Floats] = []
        here, moved = 0.0, 0.0
        if ends[0] is not None:
            pieces.append(np.array([ends[0].place]))
            moved = ends[0].distance
        else:
            pieces.append(old[:1])
        for span in spans:
            key = (arc, span, ends[0] if span[0] == 0.0 else None, ends[1] if span[1] == size else None)
            if key not in self._known:
                self._known[key] = self._way(arc, span, key[2], key[3])
            way = self._known[key]
            if isinstance(way, Message):
                self._turn_down(arc, span, way)
                continue
            pieces.append(old[(at > here + _LEG * moved) & (at < span[0])])
            pieces.append(way)
            here, moved = span[1], 0.0
        if here < size:
            back = 0.0 if ends[1] is None else ends[1].distance
            pieces.append(old[(at > here + _LEG * moved) & (at < size - _LEG * back)])
            pieces.append(old[-1:] if ends[1] is None else np.array([ends[1].place]))
        places = np.concatenate(pieces)
        for end, foot in zip((0, -1), ends, strict=True):
            if foot is not None and foot.distance <= SETTLED:
                places[end] = old[end]
        kept = np.ones(len(places), np.bool_)
        kept[1:] = (places[1:] != places[:-1]).any(axis=1)
        places = places[kept]
        return places if len(places) > 1 else np.repeat(places, 2, axis=0)

    def _way(self, arc: int, span: Span, start: Foot | None, end: Foot | None) -> Floats | Message:
        """Return the course of a span along the ways, with a leg at each end that stays where it is."""
        border = substring(self._lines[arc], *span)
        feet = []
        for foot, at, inner in ((start, span[0], 1.0), (end, span[1], -1.0)):
            found = foot or self.ways.foot(self._point(arc, at), np.zeros(2), self.tolerance * 1.01)
            if found is None:
                return NO_WAY
            trim = 0.0 if foot else self._leg(arc, at, inner, found, span)
            feet.append((found, self._point(arc, at), trim))
        (first, begin, cut), (last, stop, cut_back) = feet
        way = self._along(arc, span, border, first, last)
        if isinstance(way, Message):
            return way
        if len(way) == 1:
            return np.repeat(way, 2, axis=0) if border.length < 2 * ALONG_AT_LEAST * self.tolerance else STRAYS
        if cut or cut_back:
            line = shapely.LineString(way)
            cut = self._kept_leg(arc, span, line, 0, cut)
            cut_back = self._kept_leg(arc, span, line, 1, cut_back)
            if cut + cut_back > 0.8 * line.length:
                return TOO_SHORT
            way = shapely.get_coordinates(substring(line, cut, line.length - cut_back))
        before = np.zeros((0, 2)) if start else begin[None, :]
        after = np.zeros((0, 2)) if end else stop[None, :]
        return np.concatenate([before, way, after])

    def _turn_down(self, arc: int, span: Span, why: Message) -> None:
        """Note that there is no way for all of a span: it is taken apart, or else left as it is."""
        self._turned_down = True
        parts = [] if why is TOO_SHORT else self._parts(arc, span)
        if not parts or parts == [span]:
            self.refused[(arc, span)] = why
            return
        spans = self._spans[arc]
        spans[spans.index(span) : spans.index(span) + 1] = parts
        stops = [span[0], *(place for part in parts for place in part), span[1]]
        for rest in zip(stops[::2], stops[1::2], strict=True):
            if rest[1] - rest[0] > _NOTHING:
                self.refused[(arc, rest)] = why

    def _parts(self, arc: int, span: Span) -> list[Span]:
        """Return the parts of a span that are beside the way from its start, or beside the one back from its end."""
        border = substring(self._lines[arc], *span)
        feet = [self.ways.foot(self._point(arc, at), np.zeros(2), self.tolerance * 1.01) for at in span]
        if feet[0] is None or feet[1] is None:
            return []
        hood = self.ways.around(border, self.tolerance, [feet[0], feet[1]])
        way = hood.way(feet[0].place, feet[1].place)
        if way is not None:
            pieces = [np.hstack([way[:-1], way[1:]])]
        else:
            pieces = [hood.reached(foot.place) for foot in feet if foot is not None]
        course = Course.of(np.array([border], object))
        parts: list[Span] = []
        for piece in pieces:
            _, low, high, _ = near(course, piece, np.zeros(len(piece), np.int64), self.tolerance)
            for start, end in zip(*joined(course, low, high, 0.0), strict=True):
                first = max(float(start), parts[-1][1] - span[0] if parts else 0.0)
                if end - first >= ALONG_AT_LEAST * self.tolerance:
                    parts.append((span[0] + first, span[1] if end > border.length - _NOTHING else span[0] + float(end)))
        return parts

    def _along(self, arc: int, span: Span, border: shapely.LineString, first: Foot, last: Foot) -> Floats | Message:
        """Return the way from foot to foot; where the border strays from it, by way of the foot of that place."""
        passed = [(span[0], first), (span[1], last)]
        places = shapely.points(shapely.get_coordinates(shapely.segmentize(border, self.tolerance)))
        while True:
            hood = self.ways.around(border, self.tolerance, [foot for _, foot in passed])
            legs = [hood.way(one.place, other.place) for (_, one), (_, other) in itertools.pairwise(passed)]
            found = [leg for leg in legs if leg is not None]
            if len(found) < len(legs):
                return NO_WAY
            way = np.concatenate([found[0], *(leg[1:] for leg in found[1:])])
            if len(way) == 1:
                return way
            line = shapely.LineString(way)
            if not line.is_simple:
                return STRAYS
            if shapely.covers(shapely.buffer(line, _DRIFT * self.tolerance), border):
                return way
            farthest = places[int(np.argmax(shapely.distance(places, line)))]
            at = span[0] + float(border.project(farthest))
            foot = self._foot(arc, at)
            if foot is None or len(passed) > _BY_WAY_OF or any(abs(at - other) < self.tolerance for other, _ in passed):
                return STRAYS
            passed = sorted([*passed, (at, foot)], key=lambda each: each[0])

    def _leg(self, arc: int, at: float, inner: float, foot: Foot, span: Span) -> float:
        """Return how far along the way the leg to a place that stays reaches: as the border itself runs there."""
        most = _LEG * foot.distance
        if foot.distance < SETTLED or at in (0.0, self._length[arc]):
            return most
        back = min(max(at + inner * self.tolerance, span[0]), span[1])
        place = self._point(arc, back)
        near_by = self.ways.foot(place, np.zeros(2), self.tolerance * 1.01)
        if near_by is None:
            return most
        rise = foot.distance - near_by.distance
        run = float(np.hypot(near_by.place[0] - foot.place[0], near_by.place[1] - foot.place[1]))
        return most if rise <= 0.0 else min(most, foot.distance * run / rise)

    def _kept_leg(self, arc: int, span: Span, line: shapely.LineString, end: int, cut: float) -> float:
        """Return how far along the way a leg reaches: as one that is there does already, else as told."""
        if not cut:
            return cut
        for settled in self._settled.get(arc, ())[:: -1 if end else 1]:
            gap = span[1] - settled[1] if end else settled[0] - span[0]
            long = settled[1] - settled[0] >= self.tolerance
            if long and 0.0 <= gap <= (ALONG_AT_LEAST + 1) * self.tolerance:
                place = shapely.Point(self._point(arc, settled[1] if end else settled[0]))
                if line.distance(place) <= 2 * SETTLED:
                    along = float(line.project(place))
                    return line.length - along if end else along
        return cut


def _same(one: Floats, other: Floats, slack: float) -> bool:
    """Tell whether two courses are the same but for rounding."""
    if one.shape == other.shape and bool((one == other).all()):
        return True
    a, b = shapely.LineString(one), shapely.LineString(other)
    return bool((one[[0, -1]] == other[[0, -1]]).all() and shapely.hausdorff_distance(a, b) <= slack)
