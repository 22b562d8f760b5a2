"""What every part of the network kernel uses: types of arrays, distances in metres, groups of things."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Geometries = npt.NDArray[np.object_]


GRAIN = 1e-6
"""Metres. The lattice on which crossings are found: what is nearer is the same."""
SNAP = 1e-5
"""Metres. Vertices of different features that are nearer become one vertex."""
SHORT_BRIDGE = 100.0
"""Metres. A bridge no longer than this that joins two streets on the ground over a river is part of the street."""
TOUCH = 0.01
"""Metres. How near a bridge's end must come to a street to go on as that street."""


def groups(count: int, pairs: Integers) -> Integers:
    """Return numbers for the groups that pairs of things tie together, in the order of their first member."""
    parent = list(range(count))
    for a, b in pairs.tolist():
        while parent[a] != a:
            parent[a] = parent[parent[a]]
            a = parent[a]
        while parent[b] != b:
            parent[b] = parent[parent[b]]
            b = parent[b]
        parent[max(a, b)] = min(a, b)
    roots = []
    for item in range(count):  # a parent comes before its children
        parent[item] = parent[parent[item]]
        roots.append(parent[item])
    _, number = np.unique(np.array(roots, dtype=np.int64), return_inverse=True)
    return number.astype(np.int64)
