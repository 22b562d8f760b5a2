"""Blocks: contiguous groups of atoms with near equal workload, whose borders run on strong barriers.

How many blocks a grid gets is given, or its workload by the target, rounded. A grid falls into pieces where a river
without a bridge, or a gap, parts it. A piece that holds at least half a block's workload gets blocks of its own. A
smaller one joins its neighbour over the river, with a warning, as do pieces that are more than the blocks asked for.
Only where there are more separate parts than blocks does a block lie in several parts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from gridgeo.network import Flags, Integers, groups
from gridgeo.partition._search import Search
from gridgeo.partition._start import Graph

PRICE = (1.0, 1.0, 3.0, 8.0, 20.0)
"""What a metre of border between two blocks costs, by rank (rivers and main roads are cheap, lanes dear)."""
SMALL_PIECE = 0.5
"""A piece with less than this part of a block's workload joins a neighbour over a river."""


@dataclass(frozen=True)
class Grouping:
    """The blocks of one grid.

    Parameters
    ----------
    block : array
        Block of each atom: 0, 1, 2 ...
    over_river : list of (int, int)
        Pairs of atoms that were joined though only a river without a bridge lies between them.
    apart : int
        How many separate parts had to share a block.
    """

    block: Integers
    over_river: list[tuple[int, int]]
    apart: int


def group(graph: Graph, count: int, *, tolerance: float, seed: int) -> Grouping:
    """Group atoms into ``count`` blocks (or one block an atom, where there are fewer atoms)."""
    size = len(graph)
    count = max(1, min(count, size))
    if not graph.weight.sum() > 0:
        graph = replace(graph, weight=graph.area)
    graph, piece, over_river, apart = _pieces(graph, count)
    pieces = int(piece.max()) + 1
    weight = np.bincount(piece, weights=graph.weight)
    atoms = np.bincount(piece)
    share = np.ones(pieces, dtype=np.int64)
    for _ in range(count - pieces):
        wanting = np.where(share < atoms, weight / share, -1.0)
        share[int(np.argmax(wanting))] += 1
    block = np.zeros(size, dtype=np.int64)
    first = 0
    for index in range(pieces):
        members = np.flatnonzero(piece == index)
        block[members] = first + _solve(_part(graph, members), int(share[index]), tolerance, seed + index)
        first += int(share[index])
    return Grouping(block, over_river, apart)


def _solve(graph: Graph, count: int, tolerance: float, seed: int) -> Integers:
    size = len(graph)
    if not graph.weight.sum() > 0:
        graph = replace(graph, weight=graph.area)
    starts = 4 if size <= 60 else 2 if size <= 1200 else 1
    steps = min(300_000, 1500 + 120 * size)
    return np.array(Search(graph, count, tolerance, seed).run(starts, steps), dtype=np.int64)


def _part(graph: Graph, members: Integers) -> Graph:
    """Return the graph of some atoms."""
    number = np.full(len(graph), -1, dtype=np.int64)
    number[members] = np.arange(len(members))
    pairs = number[graph.pairs]
    kept: Flags = np.asarray((pairs >= 0).all(axis=1))
    return Graph(
        weight=graph.weight[members],
        area=graph.area[members],
        x=graph.x[members],
        y=graph.y[members],
        pairs=pairs[kept],
        cost=graph.cost[kept],
        passable=graph.passable[kept],
    )


def _pieces(graph: Graph, count: int) -> tuple[Graph, Integers, list[tuple[int, int]], int]:
    """Find the pieces that blocks can't cross, after joining those that can't have blocks of their own."""
    over_river: list[tuple[int, int]] = []
    apart = 0
    mean = math.fsum(graph.weight) / count
    while True:
        piece = groups(len(graph), graph.pairs[graph.passable])
        weight = np.bincount(piece, weights=graph.weight)
        pieces = len(weight)
        order = np.lexsort((np.arange(pieces), weight)).tolist()
        sides = piece[graph.pairs]
        bridge = -1
        for small in order:
            if pieces <= count and weight[small] >= SMALL_PIECE * mean:
                break
            # the border that is longest by price: joined where it would be dearest to part
            across = np.flatnonzero((sides[:, 0] != sides[:, 1]) & (sides == small).any(axis=1))
            if len(across):
                bridge = int(across[np.argmax(graph.cost[across])])
                break
        if bridge >= 0:
            over_river.append((int(graph.pairs[bridge, 0]), int(graph.pairs[bridge, 1])))
            passable = graph.passable.copy()
            passable[bridge] = True
            graph = replace(graph, passable=passable)
            continue
        if pieces <= count:
            return graph, piece, over_river, apart
        # more parts than blocks: the lightest part goes with the nearest atom of another
        mine, others = np.flatnonzero(piece == order[0]), np.flatnonzero(piece != order[0])
        distance = np.hypot(
            graph.x[mine][:, None] - graph.x[others][None, :], graph.y[mine][:, None] - graph.y[others][None, :]
        )
        at = np.unravel_index(int(np.argmin(distance)), distance.shape)
        apart += 1
        graph = replace(
            graph,
            pairs=np.concatenate([graph.pairs, [sorted((int(mine[at[0]]), int(others[at[1]])))]]),
            cost=np.concatenate([graph.cost, [0.0]]),
            passable=np.concatenate([graph.passable, [True]]),
        )
