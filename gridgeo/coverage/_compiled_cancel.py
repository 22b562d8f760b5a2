"""Cancelling, compiled by numba: see :mod:`gridgeo.coverage._cancel` for the theory and the numpy twins."""

from __future__ import annotations

import numpy as np
from numba import njit

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_FINISHER = np.uint64(0xD6E8FEB86659FD93)
_NOTHING = np.uint64(0xFFFFFFFFFFFFFFFF)
_WAITING = 1 << 16  # edges; with more that wait for a partner at once the table no longer fits a processor's cache


@njit(cache=True, inline="always")
def _place_hash(x, y):  # type: ignore[no-untyped-def]
    """Hash of a vertex; small integers differ only in the high bits of a double, so these are folded down first."""
    value = (x ^ (x >> np.uint64(32))) * _MULTIPLIER
    value ^= value >> np.uint64(29)
    value = (value ^ y ^ (y >> np.uint64(32))) * _FINISHER
    return value ^ (value >> np.uint64(32))


@njit(cache=True, inline="always")
def _edge_hash(one, other):  # type: ignore[no-untyped-def]
    """Hash of an edge between two vertices, whichever way it runs."""
    value = (one + other) * _FINISHER
    return value ^ (value >> np.uint64(32))


@njit(cache=True, inline="always")
def _run_opposite(c, i, o):  # type: ignore[no-untyped-def]
    """Whether edge o leads back along edge i."""
    return c[i, 0] == c[o + 1, 0] and c[i, 1] == c[o + 1, 1] and c[i + 1, 0] == c[o, 0] and c[i + 1, 1] == c[o, 1]


@njit(cache=True, inline="always")
def _run_alike(c, i, o):  # type: ignore[no-untyped-def]
    return c[i, 0] == c[o, 0] and c[i, 1] == c[o, 1] and c[i + 1, 0] == c[o + 1, 0] and c[i + 1, 1] == c[o + 1, 1]


@njit(cache=True)
def pair_as_they_come(c, bits, ring_start, aside, reversed_vertex, mixed, index_bits, mate):  # type: ignore[no-untyped-def]
    """Pair each edge with one that leads back along it and came before; edges wait for a partner in a small table.

    Return whether it was carried through, and whether two edges were seen to be the same. Neighbours in the file are
    mostly neighbours on the map, so that few edges wait at once and the table stays in the processor's cache; where too
    many wait it is given up. An edge that comes a third time is not noticed as such.
    """
    index_shift = np.uint64(index_bits)
    table = np.full(1 << 13, _NOTHING, np.uint64)
    entry = np.empty(len(table) // 2, np.uint64)  # what was entered into the table, in order
    filled = 0  # entries, also of edges that have found their partner since
    waiting = 0
    alike = False
    for ring in range(len(ring_start) - 1):
        if len(aside) and aside[ring]:
            continue
        start, last = ring_start[ring], ring_start[ring + 1] - 1
        if 2 * (filled + last - start) > len(table):
            if waiting > _WAITING and 2 * waiting > start:
                return False, alike
            if 8 * (waiting + last - start) > len(table):
                capacity = len(table)
                while 8 * (waiting + last - start) > capacity:
                    capacity *= 2
                table = np.empty(capacity, np.uint64)
                longer = np.empty(capacity // 2, np.uint64)
                longer[:filled] = entry[:filled]
                entry = longer
            _keep_waiting(table, entry, filled, index_shift, mate)
            filled = waiting
        entered, same = _pair_ring(
            c, bits, start, last, reversed_vertex, mixed, index_shift, table, entry[filled:], mate
        )
        filled += entered
        waiting += 2 * entered - (last - start)
        alike |= same
    return True, alike


@njit(cache=True)
def _keep_waiting(table, entry, filled, index_shift, mate):  # type: ignore[no-untyped-def]
    """Clear the table of all but the edges that still wait for a partner."""
    index_mask = (np.uint64(1) << index_shift) - np.uint64(1)
    mask = np.uint64(len(table) - 1)
    table[:] = _NOTHING
    kept = 0
    for k in range(filled):
        word = entry[k]
        if mate[word & index_mask] != -1:
            continue
        slot = (word >> index_shift) & mask
        while table[slot] != _NOTHING:
            slot = (slot + np.uint64(1)) & mask
        table[slot] = word
        entry[kept] = word
        kept += 1


@njit(cache=True)
def _pair_ring(c, bits, start, last, reversed_vertex, mixed, index_shift, table, entry, mate):  # type: ignore[no-untyped-def]
    """Pair the edges of a ring with those in the table, enter the others; return how many, and whether any are alike.

    Where an edge has found its partner, the next one mostly finds its own beside that, without the table.
    """
    index_mask = (np.uint64(1) << index_shift) - np.uint64(1)
    mask = np.uint64(len(table) - 1)
    entered = 0
    alike = False
    beside = -1
    known = -1  # the vertex whose hash is at hand
    before = np.uint64(0)
    for i in range(start, last):
        if 0 <= beside < i and mate[beside] == -1:
            turned = mixed and reversed_vertex[i] != reversed_vertex[beside]
            if _run_alike(c, i, beside) if turned else _run_opposite(c, i, beside):
                mate[i] = beside
                mate[beside] = i
                beside += 1 if turned else -1
                continue
        beside = -1
        if known != i:
            before = _place_hash(bits[i, 0], bits[i, 1])
        here = _place_hash(bits[i + 1, 0], bits[i + 1, 1])
        word = (_edge_hash(before, here) & ~index_mask) | np.uint64(i)
        before, known = here, i + 1
        slot = (word >> index_shift) & mask
        while table[slot] != _NOTHING:
            if (table[slot] ^ word) <= index_mask:
                o = np.int64(table[slot] & index_mask)
                turned = mixed and reversed_vertex[i] != reversed_vertex[o]
                if mate[o] == -1 and (_run_alike(c, i, o) if turned else _run_opposite(c, i, o)):
                    mate[i] = o
                    mate[o] = i
                    beside = o + 1 if turned else o - 1  # type: ignore[assignment]
                    break
                if _run_opposite(c, i, o) if turned else _run_alike(c, i, o):
                    alike = True
            slot = (slot + np.uint64(1)) & mask
        if beside < 0 and mate[i] == -1:
            table[slot] = word
            entry[entered] = word
            entered += 1
    return entered, alike


@njit(cache=True)
def pair_up(bits, ring_start, aside, index_bits, bucket_bits, mate):  # type: ignore[no-untyped-def]
    """Pair the edges whose hash occurs twice; return those whose hash occurs more often.

    Words of hash and index are thrown into buckets that fit the processor's cache, then matched in a small table. The
    hash is computed twice instead of stored, which keeps memory low.
    """
    buckets = 1 << bucket_bits
    bucket_shift = np.uint64(64 - bucket_bits)
    index_shift = np.uint64(index_bits)
    index_mask = (np.uint64(1) << index_shift) - np.uint64(1)
    fill = np.zeros(buckets + 1, np.int64)
    for ring in range(len(ring_start) - 1):
        if len(aside) and aside[ring]:
            continue
        before = _place_hash(bits[ring_start[ring], 0], bits[ring_start[ring], 1])
        for i in range(ring_start[ring] + 1, ring_start[ring + 1]):
            here = _place_hash(bits[i, 0], bits[i, 1])
            word = _edge_hash(before, here)
            fill[(word >> bucket_shift) + np.uint64(1)] += 1
            before = here
    largest = 0
    for bucket in range(buckets):
        largest = max(largest, fill[bucket + 1])
        fill[bucket + 1] += fill[bucket]
    words = np.empty(fill[buckets], np.uint64)
    start = fill.copy()
    for ring in range(len(ring_start) - 1):
        if len(aside) and aside[ring]:
            continue
        before = _place_hash(bits[ring_start[ring], 0], bits[ring_start[ring], 1])
        for i in range(ring_start[ring] + 1, ring_start[ring + 1]):
            here = _place_hash(bits[i, 0], bits[i, 1])
            word = _edge_hash(before, here)
            bucket = word >> bucket_shift
            words[fill[bucket]] = (word & ~index_mask) | np.uint64(i - 1)
            fill[bucket] += 1
            before = here
    capacity = 16
    while capacity < 2 * largest:
        capacity *= 2
    nothing = np.uint64(0xFFFFFFFFFFFFFFFF)
    first = np.empty(capacity, np.uint64)  # the first word with its hash in each slot
    second = np.empty(capacity, np.int32)  # the second edge; -1: none yet, -2: there were more
    crowd = np.empty(1024, np.int64)
    crowded = 0
    for bucket in range(buckets):
        size = start[bucket + 1] - start[bucket]
        table = 16
        while table < 2 * size:
            table *= 2
        mask = np.uint64(table - 1)
        first[:table] = nothing
        for k in range(start[bucket], start[bucket + 1]):
            word = words[k]
            slot = (word >> index_shift) & mask
            while first[slot] != nothing and (first[slot] ^ word) > index_mask:
                slot = (slot + np.uint64(1)) & mask
            if first[slot] == nothing:
                first[slot] = word
                second[slot] = -1
                continue
            edge = np.int32(word & index_mask)
            other = np.int32(first[slot] & index_mask)
            if second[slot] == -1:
                second[slot] = edge
                mate[edge] = other
                mate[other] = edge
                continue
            if crowded + 3 > len(crowd):
                larger = np.empty(2 * len(crowd), np.int64)
                larger[:crowded] = crowd[:crowded]
                crowd = larger
            if second[slot] >= 0:  # the third: none of the three is clear
                mate[other] = -1
                mate[second[slot]] = -1
                crowd[crowded] = other
                crowd[crowded + 1] = second[slot]
                crowded += 2
                second[slot] = -2
            crowd[crowded] = edge
            crowded += 1
    return crowd[:crowded]


@njit(cache=True)
def part_false_pairs(c, reversed_vertex, mixed, mate):  # type: ignore[no-untyped-def]
    """Undo pairs that are not opposite equal edges; return their edges."""
    false = np.empty(1024, np.int64)
    count = 0
    for i in range(len(mate)):
        o = mate[i]
        if o <= i:
            continue
        if mixed and reversed_vertex[i] != reversed_vertex[o]:
            equal = (
                c[i, 0] == c[o, 0] and c[i, 1] == c[o, 1] and c[i + 1, 0] == c[o + 1, 0] and c[i + 1, 1] == c[o + 1, 1]
            )
        else:
            equal = (
                c[i, 0] == c[o + 1, 0] and c[i, 1] == c[o + 1, 1] and c[i + 1, 0] == c[o, 0] and c[i + 1, 1] == c[o, 1]
            )
        if not equal:
            if count + 2 > len(false):
                larger = np.empty(2 * len(false), np.int64)
                larger[:count] = false[:count]
                false = larger
            mate[i] = -1
            mate[o] = -1
            false[count] = i
            false[count + 1] = o
            count += 2
    return false[:count]
