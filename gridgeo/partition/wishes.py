"""Wishes: what people who know the place ask of the borders, found on the atoms of a grid.

Sets that stay together, lines along which a border must or must not run, where block heads are stationed. A line is
found on the borders of atoms where both ends of such a border are within a tolerance of the line and as far apart
along it. Sets whose atoms are no neighbours are joined by the shortest way on foot between them.

Cost. One query of a tree for each kind of wish, and one search of a shortest way for each part of a set.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import shapely

from gridgeo.errors import Problem
from gridgeo.language import Message
from gridgeo.network import Geometries, Integers, groups
from gridgeo.partition.atom_layer import Ground
from gridgeo.partition.atoms import Atoms
from gridgeo.partition.kept import faces_kept_whole
from gridgeo.partition.search import Graph, Rules
from gridgeo.partition.spots import Spot

ALONG = 3.0
"""Metres within which a border counts as running along a line."""
SAME_WAY = 0.8
"""A border runs along a line if its ends are so far apart on it, compared with its length."""
LITTLE = 0.5
"""A line is told if less than this part of it was found on borders of atoms."""

_NOWHERE = Message(
    "line {number} runs along no barrier for {metres:.0f} m of {total:.0f} m, where no border can be; draw the street "
    "there as a barrier, or move the line",
    "第 {number} 条线有 {metres:.0f} 米（共 {total:.0f} 米）不沿任何屏障，此处无法设界；请补绘街巷或移动该线",
)
_OUTSIDE = Message("point {number} lies in no grid and is left out", "第 {number} 个点不在任何网格内，未采用")
_BOTH = Message(
    "at {at} a border is demanded and forbidden at once; take one of the two out",
    "坐标 {at} 处的界线既要求又禁止；请删除其一",
)
_TOGETHER_APART = Message(
    "at {at} a border is demanded between pieces that are to stay together (set {name}); take one of the two out",
    "坐标 {at} 处要求设界，而两侧须保持在一起（{name}）；请删除其一",
)
_PARTED = Message(
    "set {name} can't be in one block: no way on foot joins its part at {at} to the others",
    "“{name}”无法归入同一责任块：坐标 {at} 处的部分与其余部分无步行通路",
)
_SAME_PIECE = Message(
    "{count} block heads are stationed in the piece at {at}, which no barrier cuts: a block has one of them only",
    "有 {count} 名块长位于坐标 {at} 的同一片内，且无屏障可切：一块只能有一名",
)


@dataclass(frozen=True)
class Wishes:
    """What is asked of borders; all in the CRS of the grids, in metres.

    Parameters
    ----------
    together : array of Geometry
        Points and polygons that stay in one block with the others of their set.
    sets : sequence of str
        The set of each of these.
    borders, no_borders : array of LineString or MultiLineString
        Where a border must be, and must not be.
    heads : array of Point
        Where block heads are stationed: each block of their grid has one.
    """

    together: Geometries = field(default_factory=lambda: np.empty(0, dtype=object))
    sets: Sequence[str] = ()
    borders: Geometries = field(default_factory=lambda: np.empty(0, dtype=object))
    no_borders: Geometries = field(default_factory=lambda: np.empty(0, dtype=object))
    heads: Geometries = field(default_factory=lambda: np.empty(0, dtype=object))


@dataclass(frozen=True)
class Placed:
    """Wishes found on the faces and segments of the ground.

    Parameters
    ----------
    sets : dict
        Set -> its faces.
    borders, no_borders : array
        Segments.
    heads : array
        Face of each head that lies in one.
    problems : list of Problem
        What could not be found.
    """

    sets: dict[str, Integers]
    borders: Integers
    no_borders: Integers
    heads: Integers
    problems: list[Problem]


def place_wishes(wishes: Wishes, ground: Ground) -> Placed:
    """Find wishes on the ground."""
    problems: list[Problem] = []
    sets: dict[str, list[Integers]] = {}
    wide = shapely.get_dimensions(wishes.together) == 2
    areal = faces_kept_whole(ground.metric, wishes.together)
    at, face = _faces_at(ground, shapely.point_on_surface(wishes.together[~wide]))
    spot = dict(zip(np.flatnonzero(~wide)[at].tolist(), face.tolist(), strict=True))
    for row, name in enumerate(wishes.sets):
        faces = areal[row] if wide[row] else np.array([spot[row]] if row in spot else [], dtype=np.int64)
        if not len(faces):
            problems.append(Problem("together", _OUTSIDE, {"number": row + 1}))
        sets.setdefault(str(name), []).append(faces)
    at, heads = _faces_at(ground, wishes.heads)
    missing = np.setdiff1d(np.arange(len(wishes.heads)), at)
    problems += [Problem("heads", _OUTSIDE, {"number": int(row) + 1}) for row in missing.tolist()]
    found = []
    for where, lines in (("borders", wishes.borders), ("no_borders", wishes.no_borders)):
        segments, line = _along(ground, lines)
        metres = np.bincount(line, weights=ground.lengths[segments], minlength=len(lines))
        within = _length_in_grids(ground, lines)
        for row in np.flatnonzero(metres < LITTLE * within).tolist():
            values: dict[str, object] = {"number": row + 1, "total": float(within[row])}
            problems.append(Problem(where, _NOWHERE, values | {"metres": float(within[row] - metres[row])}))
        found.append(np.unique(segments))
    gathered = {name: np.unique(np.concatenate(parts)).astype(np.int64) for name, parts in sets.items()}
    return Placed(gathered, found[0], found[1], heads, problems)


def rules_of(placed: Placed, ground: Ground, atoms: Atoms, graph: Graph, where: str) -> tuple[Rules, list[Problem]]:
    """Return the rules for the atoms of a grid, and what contradicts itself there."""
    problems: list[Problem] = []
    atom_of = atom_of_face(atoms, len(ground.metric))

    def pairs(segments: Integers) -> set[tuple[int, int]]:
        sides = atom_of[ground.faces.sides[segments]]
        sides = sides[(ground.faces.sides[segments] >= 0).all(axis=1) & (sides >= 0).all(axis=1)]
        return {(min(a, b), max(a, b)) for a, b in sides.tolist() if a != b}

    apart, joined = pairs(placed.borders), pairs(placed.no_borders)
    origin = ground.arrangement.origin

    def at(one: int, other: int) -> dict[str, object]:
        x, y = ((values[one] + values[other]) / 2 for values in (atoms.x, atoms.y))
        return {"at": Spot(float(origin[0] + x), float(origin[1] + y))}

    problems += [Problem(where, _BOTH, at(*pair)) for pair in sorted(apart & joined)]
    joined -= apart
    together: list[Integers] = []
    claimed = np.full(len(atoms), -1, dtype=np.int64)
    wanted = []
    for name, faces in placed.sets.items():
        members = atom_of[faces]
        members = np.unique(members[members >= 0])
        if len(members) > 1:
            wanted.append((name, members))
            claimed[members] = len(wanted)
    for number, (name, members) in enumerate(wanted, start=1):
        blocked = (claimed >= 0) & (claimed != number)
        held, lost = _connected(graph, members, blocked)
        for atom in lost:
            problems.append(Problem(where, _PARTED, {"name": name} | at(atom, atom)))
        together += held
        for one, other in sorted(apart):
            if any(one in part and other in part for part in held):
                problems.append(Problem(where, _TOGETHER_APART, {"name": name} | at(one, other)))
    return Rules(together=together, apart=sorted(apart), joined=sorted(joined)), problems


def heads_of(placed: Placed, ground: Ground, atoms: Atoms, where: str) -> tuple[Integers, list[Problem]]:
    """Return the atom of each block head of a grid; two in one atom count as one and are told."""
    if not len(placed.heads):
        return np.empty(0, dtype=np.int64), []
    there = atom_of_face(atoms, len(ground.metric))[placed.heads]
    atom, count = np.unique(there[there >= 0], return_counts=True)
    origin = ground.arrangement.origin
    problems = [
        Problem(
            where,
            _SAME_PIECE,
            {"count": int(many), "at": Spot(float(origin[0] + atoms.x[one]), float(origin[1] + atoms.y[one]))},
        )
        for one, many in zip(atom.tolist(), count.tolist(), strict=True)
        if many > 1
    ]
    return atom.astype(np.int64), problems


def atom_of_face(atoms: Atoms, count: int) -> Integers:
    """Return the atom of each face of all, -1 for those of other grids."""
    number = np.full(count, -1, dtype=np.int64)
    for atom, faces in enumerate(atoms.faces):
        number[faces] = atom
    return number


def _faces_at(ground: Ground, points: Geometries) -> tuple[Integers, Integers]:
    """Return which points lie in a face of a grid, and the first such face of each."""
    here = np.unique(ground.face)
    if not len(points) or not len(here):
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    point, face = shapely.STRtree(ground.metric[here]).query(points, predicate="intersects")
    order = np.lexsort((face, point))
    first, at = np.unique(point[order], return_index=True)
    return first.astype(np.int64), here[face[order][at]].astype(np.int64)


def _along(ground: Ground, lines: Geometries) -> tuple[Integers, Integers]:
    """Return the segments that run along lines, and the line of each."""
    parts, owner = shapely.get_parts(lines, return_index=True)
    if not len(parts):
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    ends = ground.arrangement.points[ground.arrangement.segments]
    tree = shapely.STRtree(shapely.linestrings(ends))
    part, segment = tree.query(parts, predicate="dwithin", distance=ALONG)
    near = np.ones(len(part), dtype=np.bool_)
    place = []
    for side in (0, 1):
        points = shapely.points(ends[segment, side])
        near &= shapely.distance(points, parts[part]) <= ALONG
        place.append(shapely.line_locate_point(parts[part], points))
    near &= np.abs(place[0] - place[1]) >= SAME_WAY * ground.lengths[segment]
    return segment[near].astype(np.int64), owner[part[near]].astype(np.int64)


def _length_in_grids(ground: Ground, lines: Geometries) -> np.ndarray:
    """Return how many metres of each line lie in the grids."""
    if not len(lines):
        return np.zeros(0)
    here = ground.metric[np.unique(ground.face)]
    line, face = shapely.STRtree(here).query(lines, predicate="intersects")
    metres = shapely.length(shapely.intersection(lines[line], here[face]))
    inside = np.bincount(line, weights=metres, minlength=len(lines))
    return np.asarray(np.minimum(inside, shapely.length(lines)), dtype=np.float64)


def _connected(graph: Graph, members: Integers, blocked: np.ndarray) -> tuple[list[Integers], list[int]]:
    """Return the members with what lies on the way between them, and one atom of each part that no way leads to."""
    near: list[list[tuple[int, float]]] = [[] for _ in range(len(graph))]
    for one, other in graph.pairs[graph.passable].tolist():
        step = float(np.hypot(graph.x[one] - graph.x[other], graph.y[one] - graph.y[other]))
        near[one].append((other, step))
        near[other].append((one, step))
    inside = np.isin(np.arange(len(graph)), members)
    links = graph.pairs[graph.passable & inside[graph.pairs].all(axis=1)]
    piece = groups(len(graph), links)
    parts = {int(number): members[piece[members] == number] for number in dict.fromkeys(piece[members].tolist())}
    whole, *rest = parts.values()
    gathered, lost, apart = set(whole.tolist()), list[int](), list[Integers]()
    while rest:
        way = _way(near, gathered, set(np.concatenate(rest).tolist()), blocked)
        if way is None:
            lost += [int(part[0]) for part in rest]
            apart = rest
            break
        gathered |= set(way)
        for part in rest:
            if gathered & set(part.tolist()):
                gathered |= set(part.tolist())
        rest = [part for part in rest if int(part[0]) not in gathered]
    return [np.array(sorted(gathered), dtype=np.int64), *apart], lost


def _way(near: list[list[tuple[int, float]]], begin: set[int], goal: set[int], blocked: np.ndarray) -> list[int] | None:
    """Return the atoms on the shortest way from one set to another, or nothing where none leads there."""
    best = dict.fromkeys(begin, 0.0)
    before: dict[int, int] = {}
    heap = [(0.0, atom) for atom in sorted(begin)]
    while heap:
        metres, atom = heapq.heappop(heap)
        if metres > best[atom]:
            continue
        if atom in goal:
            way = [atom]
            while way[-1] in before:
                way.append(before[way[-1]])
            return way
        for other, step in near[atom]:
            further = metres + step
            if not blocked[other] and further < best.get(other, np.inf):
                best[other] = further
                before[other] = atom
                heapq.heappush(heap, (further, other))
    return None
