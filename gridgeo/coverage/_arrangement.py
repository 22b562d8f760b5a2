"""Arrangement: segments cut where they meet, and the faces between the pieces.

Theory: the topology is exact. Pieces between the same two nodes are one edge with several owners; around a node edges
are sorted by the directions of the segments that they come from; cuts along a segment are sorted by exact rational
position wherever rounding could change the order; cuts at the same exact place are one node. Only the coordinates of
crossings are rounded, once, at the end. So the faces are those of exact arithmetic even where they are narrower than
doubles can show. Half-edge ``2 e`` runs along edge ``e``, ``2 e + 1`` against it; the face of a half-edge lies on its
left and is traced by turning as sharply to the left as possible at each node. Each connected component has exactly
one outer face. Cost: O(m log m); fractions for the doubtful few.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
import numpy.typing as npt

from gridgeo.coverage._edges import Bools, Ints, distinct
from gridgeo.coverage._engine import GEOMETRY, compiled_for
from gridgeo.coverage._interactions import Interactions
from gridgeo.coverage._orientation import ORIENTATION_ERROR, direction_sign

NOBODY = -2
_LOOSE_CUT = 1e-12  # a cut whose place along its segment is less certain than this is computed exactly
_LOOSE_ANGLE = 1e-14


@dataclass(frozen=True, slots=True)
class Walk:
    """The arrangement as plain lists, which are faster to walk than arrays."""

    x: list[float]
    y: list[float]
    tail: list[int]
    onward: list[int]
    length: list[float]
    owner_start: list[int]
    owner: list[int]
    sides: list[int]


@dataclass(frozen=True)
class Arrangement:
    """Nodes, half-edges and faces.

    Parameters
    ----------
    node : ndarray of float, shape (nodes, 2)
        The first ``vertices`` ones are vertices of the input, in lexicographic order; crossings follow.
    tail : ndarray of int, shape (2 edges,)
        Node where each half-edge starts; it ends where its twin ``h ^ 1`` starts.
    onward : ndarray of int, shape (2 edges,)
        The half-edge after each around its face.
    face : ndarray of int, shape (2 edges,)
        Face on the left of each half-edge.
    faces : int
    face_start : ndarray of int, shape (faces,)
        One half-edge of each face.
    component : ndarray of int, shape (faces,)
        Connected component of each face; faces of one component share edges.
    outer_half : ndarray of int, shape (components,)
        A half-edge of the outer face of each component, starting in its westernmost node.
    owner_start, owner : ndarray of int
        ``owner[owner_start[h]:owner_start[h + 1]]`` have their interior on the left of half-edge ``h``.
    piece_start, piece_half : ndarray of int
        ``piece_half[piece_start[s]:piece_start[s + 1]]`` are the half-edges that lie along segment ``s``, in order.
    crossing : ndarray of float, shape (nodes - vertices, 2, 4)
        The two segments that cross in each node that is no vertex.
    """

    node: npt.NDArray[np.float64]
    vertices: int
    tail: Ints
    onward: Ints
    face: Ints
    faces: int
    face_start: Ints
    component: Ints
    outer_half: Ints
    owner_start: Ints
    owner: Ints
    piece_start: Ints
    piece_half: Ints
    crossing: npt.NDArray[np.float64]

    @cached_property
    def walk(self) -> Walk:
        """Nodes, half-edges, lengths of the edges and owners as lists."""
        run = self.node[self.tail[0::2]] - self.node[self.tail[1::2]]
        return Walk(
            self.node[:, 0].tolist(),
            self.node[:, 1].tolist(),
            self.tail.tolist(),
            self.onward.tolist(),
            np.hypot(run[:, 0], run[:, 1]).tolist(),
            self.owner_start.tolist(),
            self.owner.tolist(),
            self._sides().tolist(),
        )

    def _sides(self) -> Ints:
        """One number for each half-edge, that of another one only if both have the same owners on the same sides."""
        count = np.diff(self.owner_start)
        twin = np.arange(len(count)) ^ 1
        owner = np.append(self.owner, NOBODY)
        first = np.where(count > 0, owner[np.minimum(self.owner_start[:-1], len(owner) - 1)], NOBODY) - NOBODY
        most = int(first.max(initial=0)) + 1
        plain = (count <= 1) & (count[twin] <= 1)
        return np.where(plain, first * most + first[twin], -2 - np.arange(len(count)))

    def owners(self, half: int) -> list[int]:
        """Polygons with their interior on the left of a half-edge."""
        walk = self.walk
        return walk.owner[walk.owner_start[half] : walk.owner_start[half + 1]]

    def is_level_or_below(self, node: int, height: float) -> bool:
        """Whether a node lies at a height or below it, exactly: the coordinates of crossings are rounded."""
        rounded = float(self.node[node, 1])
        if node < self.vertices or abs(rounded - height) > 1e-9 * (abs(height) + abs(rounded)):
            return rounded <= height
        one, other = self.crossing[node - self.vertices]
        low, high = Fraction(float(one[1])), Fraction(float(one[3]))
        return low + _exact_position(one, self.node, node, other) * (high - low) <= Fraction(height)

    @cached_property
    def sequence(self) -> tuple[list[int], list[int]]:
        """The half-edges of all faces in order, one face after another, and where each face starts."""
        compiled = compiled_for(GEOMETRY * len(self.onward))
        if compiled is not None:
            order: list[int] = compiled.walk(self.onward, self.face_start).tolist()
        else:
            onward, order = self.walk.onward, []
            for first in self.face_start.tolist():
                order.append(first)
                half = onward[first]
                while half != first:
                    order.append(half)
                    half = onward[half]
        return order, np.concatenate([[0], np.cumsum(np.bincount(self.face, minlength=self.faces))]).tolist()

    def around(self, face: int) -> list[int]:
        """Half-edges of a face in order."""
        order, start = self.sequence
        return order[start[face] : start[face + 1]]


def arrange(
    segment: npt.NDArray[np.float64], left_owner: Ints, right_owner: Ints, interactions: Interactions
) -> Arrangement:
    """Build the arrangement of segments whose interactions are known.

    ``left_owner`` and ``right_owner`` are the polygons beside each segment, or ``NOBODY``.
    """
    vertex, end_node = _vertices(segment)
    chain, chain_node, node = _cut(segment, vertex, end_node, interactions)
    tail, head, source = _pieces(chain, chain_node)
    low, high = np.minimum(tail, head), np.maximum(tail, head)
    _, representative, edge = np.unique(low * len(node) + high, return_index=True, return_inverse=True)
    along = tail < head
    half = 2 * edge + ~along
    starts = np.empty(2 * len(representative), np.int64)
    starts[0::2], starts[1::2] = low[representative], high[representative]
    course = segment[source[representative]]
    flipped = ~along[representative]
    course[flipped] = course[flipped][:, [2, 3, 0, 1]]
    order = _around_nodes(starts, course)
    onward = _onward(starts, order)
    face, face_start = _trace(onward)
    component, outer_half = _components(face, starts, order)
    owner_start, owner = _owner_table(half, left_owner[source], right_owner[source], len(starts))
    piece_start = np.searchsorted(source, np.arange(len(segment) + 1))
    return Arrangement(
        node,
        len(vertex),
        starts,
        onward,
        face,
        len(face_start),
        face_start,
        component,
        outer_half,
        owner_start,
        owner,
        piece_start,
        half,
        segment[interactions.crossing],
    )


def _vertices(segment: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], Ints]:
    """Distinct ends in lexicographic order, and which of them each segment has."""
    place = np.ascontiguousarray(segment).view(np.complex128)
    places, inverse = np.unique(place.ravel(), return_inverse=True)
    return np.stack([places.real, places.imag], axis=1), inverse.reshape(-1, 2)


def _cut(
    segment: npt.NDArray[np.float64], node: npt.NDArray[np.float64], end_node: Ints, interactions: Interactions
) -> tuple[Ints, Ints, npt.NDArray[np.float64]]:
    """Nodes along each segment in order: (segment of each entry, node of each entry, coordinates of all nodes)."""
    touch = interactions.on_segment
    touch_node = end_node[touch[:, 1], touch[:, 2]]
    _, once = np.unique(touch[:, 0] * len(node) + touch_node, return_index=True)
    touch, touch_node = touch[once], touch_node[once]
    crossing = interactions.crossing
    cross_node = len(node) + np.arange(len(crossing))
    cut_segment = np.concatenate([touch[:, 0], crossing[:, 0], crossing[:, 1]])
    cut_node = np.concatenate([touch_node, cross_node, cross_node])
    partner = np.concatenate([np.full(len(touch), -1), crossing[:, 1], crossing[:, 0]])
    position, error = _positions(segment, node, cut_segment, cut_node, partner)
    order = np.lexsort((position, cut_segment))
    cut_segment, cut_node, partner, position, error = (
        v[order] for v in (cut_segment, cut_node, partner, position, error)
    )
    crossed = _crossing_places(segment, crossing)
    merged = np.arange(len(node) + len(crossing))
    close = (cut_segment[1:] == cut_segment[:-1]) & (np.diff(position) <= error[1:] + error[:-1])
    doubtful = np.unique(np.concatenate([cut_segment[1:][close], cut_segment[error > _LOOSE_CUT]]))
    first, last = np.searchsorted(cut_segment, doubtful), np.searchsorted(cut_segment, doubtful, side="right")
    for start, stop, which in zip(first.tolist(), last.tolist(), doubtful.tolist(), strict=True):
        cuts = [
            (
                _exact_position(
                    segment[which], node, int(cut_node[k]), segment[partner[k]] if partner[k] >= 0 else None
                ),
                k,
            )
            for k in range(start, stop)
        ]
        cuts.sort()
        nodes = [int(cut_node[k]) for _, k in cuts]
        cut_node[start:stop] = nodes
        for (t, _), here in zip(cuts, nodes, strict=True):
            if here >= len(node):
                crossed[here - len(node)] = _exact_place(segment[which], t)
        for (t, _), (u, _), here, there in zip(cuts, cuts[1:], nodes, nodes[1:], strict=False):
            if t == u:
                _merge(merged, here, there)
    root = _roots(merged)
    cut_node = root[cut_node]
    count = len(segment)
    chain = np.concatenate([np.arange(count), cut_segment, np.arange(count)])
    chain_node = np.concatenate([root[end_node[:, 0]], cut_node, root[end_node[:, 1]]])
    rank = np.concatenate([np.zeros(count, np.int64), np.arange(1, len(cut_segment) + 1), np.full(count, 2**62)])
    order = np.lexsort((rank, chain))
    return chain[order], chain_node[order], np.concatenate([node, crossed])


def _positions(
    segment: npt.NDArray[np.float64], node: npt.NDArray[np.float64], cut_segment: Ints, cut_node: Ints, partner: Ints
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Where along its segment each cut lies (0 to 1), and how far that may be wrong."""
    position, error = np.empty(len(cut_segment)), np.full(len(cut_segment), 2.0**-49)
    touches = partner < 0
    holder = segment[cut_segment[touches]]
    run = holder[:, 2:] - holder[:, :2]
    axis = (np.abs(run[:, 1]) > np.abs(run[:, 0])).astype(np.int64)
    rows = np.arange(len(holder))
    position[touches] = (node[cut_node[touches], axis] - holder[rows, axis]) / run[rows, axis]
    position[~touches], error[~touches] = _crossing_positions(segment, cut_segment[~touches], partner[~touches])
    return position, error


def _crossing_positions(
    segment: npt.NDArray[np.float64], one: Ints, other: Ints
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    ax, ay, bx, by = segment[one].T
    cx, cy, dx, dy = segment[other].T
    left_a, right_a = (cx - ax) * (dy - ay), (cy - ay) * (dx - ax)
    left_b, right_b = (cx - bx) * (dy - by), (cy - by) * (dx - bx)
    from_a, from_b = np.abs(left_a - right_a), np.abs(left_b - right_b)
    total = np.maximum(from_a + from_b, 1e-300)
    wrong = ORIENTATION_ERROR * (np.abs(left_a) + np.abs(right_a) + np.abs(left_b) + np.abs(right_b))
    return from_a / total, 2.0 * wrong / total + 2.0**-49


def _crossing_places(segment: npt.NDArray[np.float64], crossing: Ints) -> npt.NDArray[np.float64]:
    position, _ = _crossing_positions(segment, crossing[:, 0], crossing[:, 1])
    holder = segment[crossing[:, 0]]
    return holder[:, :2] + position[:, None] * (holder[:, 2:] - holder[:, :2])


def _exact_position(
    holder: npt.NDArray[np.float64], node: npt.NDArray[np.float64], cut: int, partner: npt.NDArray[np.float64] | None
) -> Fraction:
    """Where along a segment a vertex lies (``partner`` None), or where a partner crosses it."""
    ax, ay, bx, by = map(Fraction, holder.tolist())
    if partner is None:
        x, y = map(Fraction, node[cut].tolist())
        return (x - ax) / (bx - ax) if bx != ax else (y - ay) / (by - ay)
    cx, cy, dx, dy = map(Fraction, partner.tolist())
    from_a = (cx - ax) * (dy - ay) - (cy - ay) * (dx - ax)
    from_b = (cx - bx) * (dy - by) - (cy - by) * (dx - bx)
    return from_a / (from_a - from_b)


def _exact_place(holder: npt.NDArray[np.float64], position: Fraction) -> tuple[float, float]:
    ax, ay, bx, by = map(Fraction, holder.tolist())
    return float(ax + position * (bx - ax)), float(ay + position * (by - ay))


def _merge(merged: Ints, one: int, other: int) -> None:
    one, other = _root(merged, one), _root(merged, other)
    merged[max(one, other)] = min(one, other)  # a vertex of the input, which comes first, stays


def _root(merged: Ints, node: int) -> int:
    while merged[node] != node:
        node = int(merged[node])
    return node


def _roots(merged: Ints) -> Ints:
    while not np.array_equal(further := merged[merged], merged):
        merged = further
    return merged


def _pieces(chain: Ints, chain_node: Ints) -> tuple[Ints, Ints, Ints]:
    """Consecutive nodes on one segment: (tail, head, segment), in the order of the segments."""
    link = (chain[1:] == chain[:-1]) & (chain_node[1:] != chain_node[:-1])
    return chain_node[:-1][link], chain_node[1:][link], chain[:-1][link]


def _around_nodes(tail: Ints, course: npt.NDArray[np.float64]) -> Ints:
    """Half-edges sorted by their tail and, around it, counterclockwise from due west (exclusive)."""
    run = course[:, 2:] - course[:, :2]
    direction = np.empty((len(tail), 2))
    direction[0::2], direction[1::2] = run, -run
    angle = np.arctan2(direction[:, 1], direction[:, 0])
    angle[(angle == -np.pi) & (direction[:, 1] == 0)] = np.pi
    order = np.lexsort((angle, tail))
    near = (tail[order[1:]] == tail[order[:-1]]) & (np.diff(angle[order]) <= _LOOSE_ANGLE)
    near_node = np.unique(tail[order[1:]][near])
    for node in near_node.tolist():
        start, stop = np.searchsorted(tail[order], node), np.searchsorted(tail[order], node, side="right")
        order[start:stop] = _sorted_exactly(order[start:stop].tolist(), course, angle)
    return order


def _sorted_exactly(halves: list[int], course: npt.NDArray[np.float64], angle: npt.NDArray[np.float64]) -> list[int]:
    """Sort by angle (insertion sort), comparing nearly equal directions exactly."""

    def direction(half: int) -> tuple[float, float, float, float]:
        ax, ay, bx, by = course[half >> 1].tolist()
        return (bx, by, ax, ay) if half & 1 else (ax, ay, bx, by)

    result: list[int] = []
    for half in halves:
        place = len(result)
        while place and abs(angle[half] - angle[result[place - 1]]) <= 2 * _LOOSE_ANGLE:
            if direction_sign(direction(result[place - 1]), direction(half)) >= 0:
                break
            place -= 1
        result.insert(place, half)
    return result


def _onward(tail: Ints, order: Ints) -> Ints:
    """After a half-edge comes, around its face, the one clockwise next to its twin."""
    first = np.concatenate([[True], tail[order[1:]] != tail[order[:-1]]])
    start = np.flatnonzero(first)
    before = np.empty(len(order), np.int64)
    before[1:] = order[:-1]
    before[start] = order[np.append(start[1:], len(order)) - 1]
    clockwise = np.empty(len(order), np.int64)
    clockwise[order] = before
    onward: Ints = clockwise[np.arange(len(order)) ^ 1]
    return onward


def _trace(onward: Ints) -> tuple[Ints, Ints]:
    """Trace and number the faces; return the face of each half-edge and one half-edge of each face."""
    compiled = compiled_for(GEOMETRY * len(onward))
    if compiled is not None:
        traced: tuple[Ints, Ints] = compiled.trace(onward)
        return traced
    follow = onward.tolist()
    face = [-1] * len(follow)
    starts: list[int] = []
    for first in range(len(follow)):
        if face[first] < 0:
            half, number = first, len(starts)
            while face[half] < 0:
                face[half] = number
                half = follow[half]
            starts.append(first)
    return np.array(face, np.int64), np.array(starts, np.int64)


def _components(face: Ints, tail: Ints, order: Ints) -> tuple[Ints, Ints]:
    """Find the connected component of each face, and for each component a half-edge of its outer face.

    The westernmost node of a component is a vertex of the input, and vertices are numbered from the west. All its
    half-edges go east or due north, so that the last one around it has the open west on its left.
    """
    faces = int(face.max()) + 1 if len(face) else 0
    merged = np.arange(faces)
    sides = distinct(face[0::2] * faces + face[1::2])
    compiled = compiled_for(GEOMETRY * len(sides))
    if compiled is not None:
        compiled.merge(merged, sides // max(faces, 1), sides % max(faces, 1))
    else:
        for one, other in zip((sides // max(faces, 1)).tolist(), (sides % max(faces, 1)).tolist(), strict=True):
            _merge(merged, one, other)
    roots = _roots(merged)
    _, component = np.unique(roots, return_inverse=True)
    last = np.append(tail[order[1:]] != tail[order[:-1]], True) if len(order) else np.zeros(0, bool)
    last_half = order[last]  # in the order of nodes: the first of a component is in its westernmost node
    _, first = np.unique(component[face[last_half]], return_index=True)
    return component, last_half[first]


def _owner_table(half: Ints, left: Ints, right: Ints, halves: int) -> tuple[Ints, Ints]:
    place = np.concatenate([half[left != NOBODY], half[right != NOBODY] ^ 1])
    owner = np.concatenate([left[left != NOBODY], right[right != NOBODY]])
    order = np.lexsort((owner, place))
    return np.searchsorted(place[order], np.arange(halves + 1)), owner[order]


def count_owners(arrangement: Arrangement, chosen: Bools) -> Ints:
    """Count the owners on the left of each half-edge that are chosen; ``chosen`` runs over the owner table."""
    total: Ints = np.concatenate([[0], np.cumsum(chosen)])
    count: Ints = total[arrangement.owner_start[1:]] - total[arrangement.owner_start[:-1]]
    return count
