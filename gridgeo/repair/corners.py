"""Corners: overlaps that lie at each other are decided together, so that no step is left where borders meet.

Theory. Whoever has an overlap, there is a border where others lie beyond its rim; the usual rule, the longest border
with it, is the one that leaves the shortest. Where overlaps lie at each other, as around a corner that several features
have drawn each in its own way, the shortest for each by itself may leave a notch between them: the border between two
overlaps is one only if they go to different features. So all of them are looked at together, and each goes to one that
covers it so that all borders among them come out shortest.

Cost. All ways are tried where they are few. Else the features are laid over each other in this order and that, and
from there each overlap in turn is given to who is best, until none changes; the best of what comes of it is taken.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

import networkx as nx
import numpy as np
import shapely

from gridgeo.repair.chains import Edge, Nodes
from gridgeo.repair.regions import Geometries, Local, Region, beyond

_FEW = 256
"""Ways to give overlaps to features that are all tried."""
_ALL_ORDERS = 4
"""Features that are laid over each other in every order; of more, each is on top once."""
_TURNS = 20
_ALONG = "****1****"
"""Regions lie at each other along an edge."""
_SHORTER = 1e-3
"""Metres. Borders that differ by less are as long as each other."""

Candidates = Sequence[int]


def winners_together(
    regions: Sequence[Region], candidates: Mapping[int, Candidates], polygons: Geometries, local: Local
) -> dict[int, int]:
    """Return who should have each of those overlaps that lie at another one.

    Parameters
    ----------
    regions : sequence of Region
    candidates : mapping of int to sequence of int
        By number of a region, who may have it, the first by right first.
    polygons : ndarray of Polygon or MultiPolygon
    local : Local
        Metres at the regions.
    """
    found: dict[int, int] = {}
    for group in _groups(regions, sorted(candidates)):
        borders = _Borders([regions[number] for number in group], polygons, local)
        chosen = _shortest(borders, [candidates[number] for number in group])
        found.update(zip(group, chosen, strict=True))
    return found


def _groups(regions: Sequence[Region], numbers: Sequence[int]) -> list[list[int]]:
    """Return the regions that lie at each other, group by group, without those that lie alone."""
    by_polygon: dict[int, list[int]] = {}
    for number in numbers:
        for k in regions[number].covers:
            by_polygon.setdefault(k, []).append(number)
    near = sorted({number for mine in by_polygon.values() if len(mine) > 1 for number in mine})
    if len(near) < 2:
        return []
    tree = shapely.STRtree([regions[number].polygon for number in near])
    touching: nx.Graph[int] = nx.Graph()
    one, other = tree.query(tree.geometries, predicate="intersects")
    pair = one < other
    one, other = one[pair], other[pair]
    along = shapely.relate_pattern(tree.geometries[one], tree.geometries[other], _ALONG)
    touching.add_edges_from((near[a], near[b]) for a, b in zip(one[along].tolist(), other[along].tolist(), strict=True))
    return sorted(sorted(group) for group in nx.connected_components(touching))


class _Borders:
    """The borders that there are among some regions, whoever has them."""

    def __init__(self, regions: Sequence[Region], polygons: Geometries, local: Local) -> None:
        nodes = Nodes(shapely.get_coordinates([region.polygon for region in regions]))
        involved = sorted({k for region in regions for k in (*region.covers, *region.beside)})
        involved = [k for k in involved if polygons[k] is not None]
        own = {k: set(edges) for k, edges in zip(involved, nodes.edges_of_each(polygons[involved]), strict=True)}
        rims = nodes.edges_of_each(np.array([region.polygon for region in regions], object))
        at: dict[Edge, int] = {edge: number for number, rim in enumerate(rims) for edge in rim}
        self.alone: list[list[tuple[frozenset[int], float]]] = [[] for _ in regions]
        self.between: dict[tuple[int, int], float] = {}
        for number, (region, rim) in enumerate(zip(regions, rims, strict=True)):
            ends = local.metres(np.array(rim).reshape(-1, 2)).reshape(-1, 2, 2).tolist()
            for edge, size in zip(rim, itertools.starmap(math.dist, ends), strict=True):
                other = at.get((edge[1], edge[0]))
                if other is None:
                    self.alone[number].append((beyond(edge, region.covers, region.beside, own), size))
                elif number < other:
                    self.between[number, other] = self.between.get((number, other), 0.0) + size

    def of_one(self, number: int, winner: int) -> float:
        """Return metres of border between a region and what lies around all of them, if someone has it."""
        return sum(size for beyond, size in self.alone[number] if beyond and winner not in beyond)

    def total(self, winners: Sequence[int], alone: Sequence[Mapping[int, float]]) -> float:
        """Return metres of border in all."""
        mine = sum(lengths[winner] for lengths, winner in zip(alone, winners, strict=True))
        return mine + sum(size for (one, other), size in self.between.items() if winners[one] != winners[other])


def _shortest(borders: _Borders, candidates: Sequence[Candidates]) -> list[int]:
    """Return who has each region so that the borders are shortest; of equal ways, the first by right."""
    alone = [{winner: borders.of_one(number, winner) for winner in mine} for number, mine in enumerate(candidates)]
    if math.prod(map(len, candidates)) <= _FEW:
        ways: Iterable[Sequence[int]] = itertools.product(*candidates)
    else:
        ways = (_settled(borders, candidates, alone, way) for way in _layered(candidates))
    best = [mine[0] for mine in candidates]
    least = borders.total(best, alone)
    for way in ways:
        total = borders.total(way, alone)
        if total < least - _SHORTER:
            best, least = list(way), total
    return best


def _layered(candidates: Sequence[Candidates]) -> Iterator[list[int]]:
    """Return ways in which one feature keeps all that it has drawn, another what is left of its own, and so on."""
    features = sorted({k for mine in candidates for k in mine})
    if len(features) <= _ALL_ORDERS:
        orders: Iterable[Sequence[int]] = itertools.permutations(features)
    else:
        orders = ([first, *(k for k in features if k != first)] for first in features)
    for order in orders:
        place = {k: at for at, k in enumerate(order)}
        yield [min(mine, key=place.__getitem__) for mine in candidates]


def _settled(
    borders: _Borders, candidates: Sequence[Candidates], alone: Sequence[Mapping[int, float]], way: Sequence[int]
) -> list[int]:
    """Return a way in which no region by itself could be given to somebody better."""
    winners = list(way)
    for _ in range(_TURNS):
        before = list(winners)
        for number, mine in enumerate(candidates):
            totals = {k: borders.total([*winners[:number], k, *winners[number + 1 :]], alone) for k in mine}
            if totals[winners[number]] > min(totals.values()) + _SHORTER:
                winners[number] = min(mine, key=totals.__getitem__)
        if winners == before:
            break
    return winners
