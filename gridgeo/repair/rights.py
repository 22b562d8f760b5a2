"""Rights: who may have a region, who comes before whom, and by which rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.repair.plan import Rule
from gridgeo.repair.regions import Geometries, Region

_ALL = 1 - 1e-9
_DIGITS = 8
"""Last digits by which a crossing that was computed may lie off the vertex that it is."""


@dataclass(frozen=True)
class Rules:
    """What decisions depend on.

    Parameters
    ----------
    locked : set of int
        Polygons that never change.
    rank : sequence of int
        Of each polygon: the lowest wins.
    area : ndarray of float
        Of each polygon.
    has_extent : bool
    broken : set of int
        Locked polygons whose rings are broken.
    matched : float
        Metres within which vertices are matched to others' wherever the polygons are read again.
    """

    locked: frozenset[int]
    rank: Sequence[int]
    area: npt.NDArray[np.float64]
    has_extent: bool
    broken: frozenset[int] = frozenset()
    matched: float = 0.0


def forced_of(region: Region, rules: Rules) -> list[int] | None:
    """Return who must have an overlap, if somebody must: who is locked, or would lose all; None where it can't be."""
    locked = [k for k in region.covers if k in rules.locked]
    whole = [k for k in region.covers if is_all_of(region, k, rules)]
    if len(locked) > 1 or len(whole) > 1 or (locked and whole and whole != locked):
        return None
    return locked or whole


def ranked(region: Region, candidates: Sequence[int], rules: Rules) -> list[int]:
    """Return who may have a region, the first by right first."""
    return sorted(candidates, key=lambda k: (rules.rank[k], -region.beside.get(k, 0.0), -rules.area[k], k))


def rule_of(region: Region, winner: int, order: list[int], rules: Rules, *, forced: bool) -> Rule:
    """Return by which rule one has a region before the others."""
    others = [k for k in order if k != winner]
    if forced or not others:
        return "only-one"
    if rules.rank[winner] < min(rules.rank[k] for k in others):
        return "priority"
    longest = max(region.beside.get(k, 0.0) for k in others)
    return "longest-border" if region.beside.get(winner, 0.0) > longest else "larger-area"


def metres_beside(region: Region, polygon: int) -> float:
    """Return how far a polygon lies beside a region, in metres."""
    return region.beside.get(polygon, 0.0) * region.length / max(float(region.polygon.length), 1e-300)


def comes_back(region: Region, polygons: Geometries, rules: Rules) -> bool:
    """Tell whether a region is so narrow that it comes back, whatever is done, because somebody at it is locked.

    Where a locked polygon lacks a vertex of its neighbour at a border, it lacks it still; of a broken ring, those are
    lacking that were made of it for the analysis; and where vertices are matched, others' are matched to its own again.
    """
    involved = {*region.covers, *region.beside}
    if region.width <= rules.matched and involved & rules.locked:
        return True
    if not region.is_noise:
        return False
    if involved & rules.broken:
        return True
    locked = involved & rules.locked
    if not locked:
        return False
    corners = shapely.get_coordinates(region.polygon)
    reach = _DIGITS * float(np.spacing(np.abs(corners).max()))
    theirs = shapely.multipoints(shapely.get_coordinates(polygons[sorted(locked)]))
    others = shapely.points(shapely.get_coordinates(polygons[sorted(involved - locked)]))
    here = shapely.dwithin(others, shapely.multipoints(corners), reach)
    return bool((here & ~shapely.dwithin(others, theirs, reach)).any())


def is_all_of(region: Region, polygon: int, rules: Rules) -> bool:
    """Tell whether a region is all of a polygon, which would lose it with the region."""
    return bool(region.polygon.area >= _ALL * rules.area[polygon])
