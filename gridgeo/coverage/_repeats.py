"""Repeats: which rows of numbers, and which polygons, occur more than once, exactly.

Theory: equal rows have equal hashes, so that only rows whose hash occurs twice need be compared. Of polygons only
those with equal boxes are compared: vertex by vertex from the westernmost one on, counterclockwise. Cost: one sort of
64-bit words, many times faster than a sort of rows; the rows themselves are sorted only where hashes meet.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.coverage._edges import extract_edges

Ints = npt.NDArray[np.int64]

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


def repeated_rows(rows: npt.NDArray[np.float64]) -> Ints:
    """Return the indices of rows that equal another row, in order; a row with a number that is none equals no other.

    Examples
    --------
    >>> repeated_rows(np.array([[1.0, 0.0], [2.0, 0.0], [1.0, -0.0]])).tolist()
    [0, 2]
    """
    bits = (rows + 0.0).view(np.uint64)  # no negative zeros
    key = np.zeros(len(bits), np.uint64)
    for column in bits.T:
        key ^= column ^ (column >> np.uint64(32))  # small integers differ only in the high bits of a double
        key *= _MULTIPLIER
        key ^= key >> np.uint64(29)
    ordered = np.sort(key)
    if not (ordered[1:] == ordered[:-1]).any():
        return np.zeros(0, np.int64)
    order = np.argsort(key, kind="stable")
    suspects = order[_beside_equals(key[order, None])]
    order = suspects[np.lexsort(rows[suspects].T)]
    repeated: Ints = np.sort(order[_beside_equals(rows[order])])
    return repeated


def equal_polygons(polygons: npt.NDArray[np.object_], boxes: npt.NDArray[np.float64] | None = None) -> list[list[int]]:
    """Return groups of polygons that are the same, wherever their rings begin; indices ascend within a group.

    ``boxes`` are those of the polygons, for callers that have them.

    Examples
    --------
    >>> equal_polygons(np.array([shapely.box(0, 0, 1, 1), shapely.box(0, 0, 2, 1), shapely.box(0, 0, 1, 1, ccw=False)]))
    [[0, 2]]
    """
    suspects = repeated_rows(shapely.bounds(polygons) if boxes is None else boxes)
    groups: dict[bytes, list[int]] = {}
    if len(suspects):
        for index, form in zip(suspects.tolist(), _forms(polygons[suspects]), strict=True):
            groups.setdefault(form, []).append(index)
    return [group for group in groups.values() if len(group) > 1]


def _forms(polygons: npt.NDArray[np.object_]) -> list[bytes]:
    """Return what is equal for equal polygons and for no others."""
    edges = extract_edges(polygons)
    rings = np.bincount(edges.ring_polygon, minlength=edges.count)
    forms: list[bytes] = [b""] * len(polygons)
    several = np.flatnonzero(rings != 1)
    for index, form in zip(several.tolist(), shapely.to_wkb(shapely.normalize(polygons[several])), strict=True):
        forms[index] = form
    alone = np.flatnonzero(rings[edges.ring_polygon] == 1)
    if not len(alone):
        return forms
    start, size = edges.ring_start[alone], np.diff(edges.ring_start)[alone] - 1
    stop = np.cumsum(size)
    step = np.arange(int(stop[-1])) - np.repeat(stop - size, size)
    place = edges.coordinates.view(np.complex128).ravel()
    plain = place[np.repeat(start, size) + step]
    west = np.minimum.reduceat(plain, stop - size)  # of complex numbers: the westernmost, of these the southernmost
    at = np.flatnonzero(plain == np.repeat(west, size))
    ring = np.searchsorted(stop, at, side="right")
    ring, once = np.unique(ring, return_index=True)
    first = at[once] - (stop - size)[ring]
    way = np.where(edges.reversed_ring[alone], -1, 1)
    order = (np.repeat(first, size) + np.repeat(way, size) * step) % np.repeat(size, size)
    form = memoryview(place[np.repeat(start, size) + order].tobytes())
    width = place.itemsize
    for index, low, high in zip(
        edges.ring_polygon[alone].tolist(), ((stop - size) * width).tolist(), (stop * width).tolist(), strict=True
    ):
        forms[index] = bytes(form[low:high])
    return forms


def _beside_equals(rows: npt.NDArray[np.generic]) -> npt.NDArray[np.bool_]:
    """Tell which rows equal the one before or after them."""
    same = np.zeros(len(rows) + 1, bool)
    same[1:-1] = (rows[1:] == rows[:-1]).all(axis=1)
    beside: npt.NDArray[np.bool_] = same[1:] | same[:-1]
    return beside
