"""Cancelling: opposite equal edges of neighbours take each other out.

Theory: add up all edges, each with its polygon's interior on the left. Where two neighbours share an edge it occurs
once in each direction and the sum is zero; what is left, the residual, holds all that can be wrong. Edges meet by a
hash of their two ends, and each meeting is confirmed by coordinates: a collision costs time and never exactness.
Edges that occur k times one way and m times the other way cancel min(k, m) times, the first with the first in file
order. Cost: O(n log n) with a very small factor (one sort of 64-bit words), 12 bytes a vertex.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

import numpy as np
import numpy.typing as npt

from gridgeo.coverage._edges import Edges, Ints, distinct
from gridgeo.coverage._engine import compiled_cancel_for
from gridgeo.coverage._repeats import repeated_rows

Places = npt.NDArray[np.complex128]  # a place as one number: one comparison, one memory access

RESIDUAL = -1
NO_EDGE = -2

_BLOCK = 1 << 15
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_FINISHER = np.uint64(0xD6E8FEB86659FD93)


@dataclass(frozen=True, slots=True)
class Cancellation:
    """What cancelled and what is left.

    Parameters
    ----------
    mate : ndarray of int32, shape (n,)
        For each edge the edge that it cancels with, ``RESIDUAL``, or ``NO_EDGE`` for the last vertex of a ring.
    doubled : ndarray of int
        Edges that occur more than once in the same direction: both polygons cover what lies to their left.
    """

    mate: npt.NDArray[np.int32]
    doubled: Ints

    @property
    def residual(self) -> Ints:
        """Edges that found no partner, in file order."""
        return np.flatnonzero(self.mate == RESIDUAL)


def cancel(edges: Edges) -> Cancellation:
    """Cancel opposite equal edges exactly."""
    mate = _mates(edges)
    n = len(mate)
    if n < 2:
        return Cancellation(mate, np.zeros(0, np.int64))
    compiled = compiled_cancel_for(n)
    unclear = _pair_up_compiled(compiled, edges, mate) if compiled is not None else _pair_up(edges, mate)
    return Cancellation(mate, _settle(edges, np.sort(unclear), mate))


@dataclass(frozen=True, slots=True)
class FirstCancellation:
    """A cancellation in which edges that occur more than once may not have been noticed.

    All that can cancel has cancelled nevertheless. Such an edge has two polygons on its left, so that what found no
    partner winds twice around the places there.

    Parameters
    ----------
    cancellation : Cancellation
    is_exact : bool
        Whether all edges that occur more than once are known.
    """

    cancellation: Cancellation
    is_exact: bool


def cancel_at_first(edges: Edges) -> FirstCancellation:
    """Cancel opposite equal edges, fast."""
    n = len(edges.coordinates)
    compiled = compiled_cancel_for(n) if n > 1 else None
    if compiled is None:
        return FirstCancellation(cancel(edges), True)
    mate = _mates(edges)
    turned, mixed = _turned_vertices(edges)
    c = edges.coordinates
    done, alike = compiled.pair_as_they_come(
        c, c.view(np.uint64), edges.ring_start, _aside(edges), turned, mixed, _index_bits(n), mate
    )
    if not done:
        return FirstCancellation(cancel(edges), True)
    first = Cancellation(mate, np.zeros(0, np.int64))
    if not alike:
        return FirstCancellation(first, False)
    left = first.residual
    doubled: Ints = left[repeated_rows(edges.oriented(left))]
    return FirstCancellation(Cancellation(mate, doubled), False)


def cancel_again(edges: Edges, first: FirstCancellation, edge: Ints) -> Cancellation:
    """Return the exact cancellation where all edges that may occur more than once are named, or edges equal to them.

    It is the same object where there is nothing to correct.
    """
    mate = first.cancellation.mate
    unclear = distinct(np.concatenate([edge, mate[edge[mate[edge] >= 0]]]))
    corrected = mate.copy()
    corrected[unclear] = RESIDUAL
    doubled = _settle(edges, unclear, corrected)
    return Cancellation(corrected, doubled) if len(doubled) else first.cancellation


def _mates(edges: Edges) -> npt.NDArray[np.int32]:
    mate = np.full(len(edges.coordinates), RESIDUAL, np.int32)
    if edges.aside is None:
        mate[edges.ring_start[1:] - 1] = NO_EDGE
    else:
        mate[edges.no_edge] = NO_EDGE
    return mate


def _aside(edges: Edges) -> npt.NDArray[np.bool_]:
    return np.zeros(0, bool) if edges.aside is None else edges.aside


def _index_bits(count: int) -> int:
    return max(1, (count - 1).bit_length())


def _turned_vertices(edges: Edges) -> tuple[npt.NDArray[np.bool_], bool]:
    """Whether the interior is to the right of each vertex's ring as stored; only where rings differ in that."""
    mixed = _is_mixed(edges)
    return np.repeat(edges.reversed_ring, np.diff(edges.ring_start)) if mixed else np.zeros(0, bool), mixed


def _pair_up_compiled(compiled: ModuleType, edges: Edges, mate: npt.NDArray[np.int32]) -> Ints:
    n = len(mate)
    bucket_bits = max(1, (n >> 12).bit_length() - 1)
    bits = edges.coordinates.view(np.uint64)
    crowded = compiled.pair_up(bits, edges.ring_start, _aside(edges), _index_bits(n), bucket_bits, mate)
    turned, mixed = _turned_vertices(edges)
    false: Ints = compiled.part_false_pairs(edges.coordinates, turned, mixed, mate)
    return np.concatenate([crowded, false])


def _is_mixed(edges: Edges) -> bool:
    """Whether the interior is left of some rings as stored and right of others."""
    return bool(edges.reversed_ring.any()) and not bool(edges.reversed_ring.all())


def _pair_up(edges: Edges, mate: npt.NDArray[np.int32]) -> Ints:
    """Pair the edges whose hash occurs twice, if they are opposite and equal; return the unclear ones."""
    n = len(mate)
    index_bits = np.uint64(_index_bits(n))
    words = _hash_words(edges.coordinates, index_bits)
    none = len(edges.ring_start) - 1
    if edges.aside is None:
        words[edges.ring_start[1:] - 1] = np.uint64(2**64 - 1)  # not edges: at the end
    else:
        words[mate == NO_EDGE] = np.uint64(2**64 - 1)
        none = int((mate == NO_EDGE).sum())
    words.sort()
    words = words[: n - none]
    crowded = _pair_words(words, index_bits, mate)
    return np.concatenate([crowded, *_part_false_pairs(edges, mate)])


def _hash_words(coordinates: npt.NDArray[np.float64], index_bits: np.uint64) -> npt.NDArray[np.uint64]:
    """One word an edge: the hash of its two ends, whichever way it runs, above its index.

    Small integers differ only in the high bits of a double, so these are folded down before each multiplication.
    """
    n = len(coordinates)
    bits = coordinates.view(np.uint64)
    words = np.empty(n, np.uint64)
    low_mask = (np.uint64(1) << index_bits) - np.uint64(1)
    for start in range(0, n, _BLOCK):
        stop = min(start + _BLOCK, n)
        x, y = bits[start : stop + 1, 0], bits[start : stop + 1, 1]
        ends = _mix(_mix(x) ^ y)
        word = words[start:stop]
        if stop < n:
            np.add(ends[:-1], ends[1:], out=word)
        else:
            np.add(ends[:-1], ends[1:], out=word[:-1])
            word[-1] = 0
        word *= _FINISHER
        word ^= word >> np.uint64(32)
        word &= ~low_mask
        word |= np.arange(start, stop, dtype=np.uint64)
    return words


def _mix(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    mixed = values ^ (values >> np.uint64(29))
    mixed *= _MULTIPLIER
    mixed ^= mixed >> np.uint64(32)
    mixed *= _FINISHER
    mixed ^= mixed >> np.uint64(29)
    return mixed


def _pair_words(words: npt.NDArray[np.uint64], index_bits: np.uint64, mate: npt.NDArray[np.int32]) -> Ints:
    """Pair the edges that meet exactly one other edge with their hash; return those that meet several."""
    count = len(words)
    mask = (np.uint64(1) << index_bits) - np.uint64(1)
    alike = np.zeros(count + 1, bool)  # alike[k]: words k - 1 and k have one hash
    for start in range(1, count, _BLOCK):
        stop = min(start + _BLOCK, count)
        alike[start:stop] = (words[start:stop] ^ words[start - 1 : stop - 1]) <= mask
    several = [
        np.flatnonzero(alike[start : start + _BLOCK][: count - start] & alike[start + 1 : start + 1 + _BLOCK]) + start
        for start in range(0, count, _BLOCK)
    ]
    crowded = np.concatenate([np.zeros(0, np.int64), *several])
    for start in range(0, count - 1, _BLOCK):
        stop = min(start + _BLOCK, count - 1)
        before, here, after = alike[start:stop], alike[start + 1 : stop + 1], alike[start + 2 : stop + 2]
        first = np.flatnonzero(here & ~before & ~after) + start
        one, other = (words[first] & mask).astype(np.int64), (words[first + 1] & mask).astype(np.int64)
        mate[one] = other
        mate[other] = one
    if not len(crowded):
        return crowded
    crowd: Ints = (words[distinct(np.concatenate([crowded - 1, crowded, crowded + 1]))] & mask).astype(np.int64)
    return crowd


def _part_false_pairs(edges: Edges, mate: npt.NDArray[np.int32]) -> list[Ints]:
    """Confirm each pair by coordinates, in file order, where neighbours in memory are neighbours on the map."""
    point = edges.coordinates.view(np.complex128).ravel()
    mixed = _is_mixed(edges)
    false = []
    for start in range(0, len(mate), _BLOCK):
        partner = mate[start : start + _BLOCK].astype(np.int64)
        one = np.flatnonzero(partner > np.arange(start, start + len(partner)))
        other = partner[one]
        one += start
        here, there = point[one], point[one + 1]
        opposite = (here == point[other + 1]) & (there == point[other])
        if mixed:
            turned = edges.reversed_ring[edges.ring_of(one)] != edges.reversed_ring[edges.ring_of(other)]
            opposite = np.where(turned, (here == point[other]) & (there == point[other + 1]), opposite)
        if not opposite.all():
            wrong = np.concatenate([one[~opposite], other[~opposite]])
            mate[wrong] = RESIDUAL
            false.append(wrong)
    return false


def _settle(edges: Edges, unclear: Ints, mate: npt.NDArray[np.int32]) -> Ints:
    """Cancel among edges whose hash met several or the wrong edge, by coordinates alone; return the doubled ones."""
    if not len(unclear):
        return unclear
    tail, head = edges.oriented(unclear).view(np.complex128).T
    backward = tail > head  # complex numbers compare by their first part, then by their second
    low, high = np.where(backward, head, tail), np.where(backward, tail, head)
    order = _by_place(low, high, backward)
    edge, backward, low, high = unclear[order], backward[order], low[order], high[order]
    new_place = np.concatenate([[True], (low[1:] != low[:-1]) | (high[1:] != high[:-1])])
    new_course = new_place | np.concatenate([[True], backward[1:] != backward[:-1]])
    course = np.cumsum(new_course) - 1
    course_start = np.flatnonzero(new_course)
    size = np.diff(np.append(course_start, len(edge)))
    # the forward course of a place comes first; its backward course, if there is one, follows
    has_return = np.append(~new_place[course_start[1:]], False)
    forward = np.flatnonzero(has_return)
    pairs = np.minimum(size[forward], size[forward + 1])
    one = np.repeat(course_start[forward], pairs) + _count_up(pairs)
    other = np.repeat(course_start[forward + 1], pairs) + _count_up(pairs)
    mate[edge[one]] = edge[other]
    mate[edge[other]] = edge[one]
    return np.sort(edge[size[course] > 1])


def _by_place(low: Places, high: Places, backward: npt.NDArray[np.bool_]) -> Ints:
    """Order that brings equal edges together, forward ones first and else in file order."""
    low_x, low_y = np.ascontiguousarray(low).view(np.uint64).reshape(-1, 2).T
    high_x, high_y = np.ascontiguousarray(high).view(np.uint64).reshape(-1, 2).T
    hashed = _mix(_mix(_mix(_mix(low_x) ^ low_y) ^ high_x) ^ high_y) >> np.uint64(1)
    order = np.argsort(hashed * np.uint64(2) + backward, kind="stable")
    before, after = order[:-1], order[1:]
    alike = hashed[before] == hashed[after]
    if not (alike & ((low[before] != low[after]) | (high[before] != high[after]))).any():
        return order
    return np.lexsort((backward, high, low))  # two edges with one hash: compare them in full


def _count_up(sizes: Ints) -> Ints:
    """0, 1, ... up to each size, one after another: [2, 3] gives [0, 1, 0, 1, 2]."""
    return np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
