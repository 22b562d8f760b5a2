"""Which parents are tiled by their children, told from edges alone.

Theory. Orient every edge with its polygon's interior on the left. The children of a parent tile it if and only if
their edges, added up, are the parent's: then as many children as parents cover each place. So the edges of all
families are added up at once, children as +1 and parents as -1, and a family whose sum is zero needs no geometry.
Children end on their parent's border between its vertices; such vertices are put into the edges that they lie on, to
within rounding, and what is left is added up again.

Cost. One sort of all edges; a tree of the edges that were left. Only families that are at fault are looked at closer.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely

Geometries = npt.NDArray[np.object_]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def untiled(children: Geometries, parent_of: Ints, parents: Geometries, noise: float) -> Ints:
    """Return the indices of the parents that their children don't tile to within rounding.

    Parameters
    ----------
    children : ndarray of Polygon or MultiPolygon
        None for those that don't count.
    parent_of : ndarray of int
        Index of each child's parent, -1 for none.
    parents : ndarray of Polygon or MultiPolygon
    noise : float
        Distance in units of the coordinates that comes from rounding.

    Examples
    --------
    >>> halves = np.array([shapely.box(0, 0, 1, 2), shapely.box(1, 0, 2, 2)])
    >>> parents = np.array([shapely.box(0, 0, 2, 2), shapely.box(5, 5, 6, 6)])
    >>> untiled(halves, np.array([0, 0]), parents, 1e-6).tolist()
    [1]
    """
    kept = parent_of >= 0
    family, edge, weight = _oriented(children[kept], parent_of[kept], 1)
    there = _oriented(parents, np.arange(len(parents)), -1)
    family = np.concatenate([family, there[0]])
    edge = np.concatenate([edge, there[1]]) + 0.0  # no negative zeros
    weight = np.concatenate([weight, there[2]])
    family, edge, weight = _added_up(family, edge, weight)
    if len(family):
        family, edge, weight = _added_up(*_split(family, edge, weight, noise))
    return np.unique(family)


def _oriented(shapes: Geometries, family: Ints, sign: int) -> tuple[Ints, Floats, Ints]:
    """Return family, ends and weight of each edge, the interior on its left."""
    parts, owner = shapely.get_parts(shapely.orient_polygons(shapes), return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    place, ring = shapely.get_coordinates(rings, return_index=True)
    within = ring[:-1] == ring[1:]
    edge = np.hstack([place[:-1], place[1:]])[within]
    return family[owner[part[ring[:-1][within]]]], edge, np.full(len(edge), sign)


def _added_up(family: Ints, edge: Floats, weight: Ints) -> tuple[Ints, Floats, Ints]:
    """Add up edges with the same ends in each family; keep those whose sum isn't zero."""
    turned = (edge[:, 0] > edge[:, 2]) | ((edge[:, 0] == edge[:, 2]) & (edge[:, 1] > edge[:, 3]))
    edge = np.where(turned[:, None], edge[:, [2, 3, 0, 1]], edge)
    weight = np.where(turned, -weight, weight)
    order = np.lexsort((*edge.T[::-1], family))
    family, edge, weight = family[order], edge[order], weight[order]
    begins = np.ones(len(family), bool)
    begins[1:] = (family[1:] != family[:-1]) | (edge[1:] != edge[:-1]).any(axis=1)
    start = np.flatnonzero(begins)
    total = np.add.reduceat(weight, start) if len(start) else weight
    kept = start[total != 0]
    return family[kept], edge[kept], total[total != 0]


def _split(family: Ints, edge: Floats, weight: Ints, noise: float) -> tuple[Ints, Floats, Ints]:
    """Split edges at the vertices of their own family that lie on them."""
    ends = np.unique(np.column_stack([np.repeat(family, 2), edge.reshape(-1, 2)]), axis=0)
    lines = shapely.linestrings(edge.reshape(-1, 2, 2))
    tree = shapely.STRtree(lines)
    vertex, on = tree.query(shapely.points(ends[:, 1:]), predicate="dwithin", distance=noise)
    place = ends[vertex, 1:]
    inner = (ends[vertex, 0] == family[on]) & ~(
        (np.hypot(*(place - edge[on, :2]).T) <= noise) | (np.hypot(*(place - edge[on, 2:]).T) <= noise)
    )
    on, place = on[inner], place[inner]
    along = np.einsum("ij,ij->i", place - edge[on, :2], edge[on, 2:] - edge[on, :2])
    number = np.concatenate([np.arange(len(edge)), on, np.arange(len(edge))])
    at = np.concatenate([np.full(len(edge), -np.inf), along, np.full(len(edge), np.inf)])
    stop = np.concatenate([edge[:, :2], place, edge[:, 2:]])
    order = np.lexsort((at, number))
    number, stop = number[order], stop[order]
    same = number[:-1] == number[1:]
    piece = np.hstack([stop[:-1], stop[1:]])[same]
    source = number[:-1][same]
    return family[source], piece, weight[source]
