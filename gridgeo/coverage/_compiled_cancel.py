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
    many wait it is given up. Where an edge has found its partner, the next one mostly finds its own beside that,
    without the table. An edge that comes a third time is not noticed as such.
    """
    index_shift = np.uint64(index_bits)
    index_mask = (np.uint64(1) << index_shift) - np.uint64(1)
    capacity = 1 << 13
    mask = np.uint64(capacity - 1)
    table = np.full(capacity, _NOTHING, np.uint64)
    filled = 0  # slots, also with edges that have found their partner since
    waiting = 0
    alike = False
    for ring in range(len(ring_start) - 1):
        if len(aside) and aside[ring]:
            continue
        start = ring_start[ring]
        beside = -1
        known = -1  # the vertex whose hash is at hand
        before = np.uint64(0)
        for i in range(start, ring_start[ring + 1] - 1):
            if 0 <= beside < i and mate[beside] == -1:
                turned = mixed and reversed_vertex[i] != reversed_vertex[beside]
                if _run_alike(c, i, beside) if turned else _run_opposite(c, i, beside):
                    mate[i], mate[beside] = beside, i
                    waiting -= 1
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
                        mate[i], mate[o] = o, i
                        waiting -= 1
                        beside = o + 1 if turned else o - 1
                        break
                    if _run_opposite(c, i, o) if turned else _run_alike(c, i, o):
                        alike = True
                slot = (slot + np.uint64(1)) & mask
            if mate[i] != -1:
                continue
            table[slot] = word
            waiting += 1
            filled += 1
            if 4 * filled > capacity:
                if waiting > _WAITING and 2 * waiting > i:
                    return False, alike
                # those that still wait move into a new table
                while 8 * waiting > capacity:
                    capacity *= 2
                mask = np.uint64(capacity - 1)
                fresh = np.full(capacity, _NOTHING, np.uint64)
                for k in range(len(table)):
                    if table[k] != _NOTHING and mate[table[k] & index_mask] == -1:
                        slot = (table[k] >> index_shift) & mask
                        while fresh[slot] != _NOTHING:
                            slot = (slot + np.uint64(1)) & mask
                        fresh[slot] = table[k]
                table = fresh
                filled = waiting
    return True, alike


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
            word = (before + here) * _FINISHER
            word ^= word >> np.uint64(32)
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
            word = (before + here) * _FINISHER
            word ^= word >> np.uint64(32)
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
