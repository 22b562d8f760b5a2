"""Blocks: contiguous groups of atoms with near equal workload, whose borders run on strong barriers.

How many blocks a grid gets is given, or its workload by the target, rounded. A grid falls into pieces where a river
without a bridge, or a gap, parts it. A piece that holds at least half a block's workload gets blocks of its own. A
smaller one joins its neighbour over the river, with a warning, as do pieces that are more than the blocks asked for.
Only where there are more separate parts than blocks does a block lie in several parts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gridgeo.network import Floats, Integers, groups
from gridgeo.partition.search import Aim, Answer, Graph, Rules, search
from gridgeo.partition.search.answer import joined
from gridgeo.partition.search.budget import USUAL_SECONDS
from gridgeo.partition.search.problem import with_demanded_borders

PRICE = (1.0, 1.0, 3.0, 8.0, 20.0)
"""What a metre of border between two blocks costs, by rank (rivers and main roads are cheap, lanes dear)."""
SMALL_PIECE = 0.5
"""A piece with less than this part of a block's workload joins a neighbour over a river."""
_FREE = Rules()


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
    answer : Answer or None
        What the search knows of the plan: price of its borders, lower bound, proof; given the blocks of each piece.
    """

    block: Integers
    over_river: list[tuple[int, int]]
    apart: int
    answer: Answer | None = None


def group(
    graph: Graph,
    count: int,
    *,
    tolerance: Sequence[float],
    seed: int,
    rules: Rules = _FREE,
    effort: float = 1.0,
    seconds: float = USUAL_SECONDS,
    compact: float = 1.0,
    small_piece: float = SMALL_PIECE,
) -> Grouping:
    """Group atoms into ``count`` blocks (or one block an atom, where there are fewer atoms).

    Parameters
    ----------
    graph : Graph
    count : int
    tolerance : sequence of float
        For each attribute of the workload.
    seed : int
    rules : Rules
    effort : float
        How much work is done, against the usual.
    seconds : float
        Of processor time, shared out over the pieces by their atoms.
    compact : float
        What a block's roundness counts for: see `gridgeo.partition.search.Aim`.
    small_piece : float
        A piece with less than this part of a block's workload joins a neighbour over a river.
    """
    together = rules.groups(len(graph))
    graph = with_demanded_borders(graph.merged(together), together, rules)
    size = len(graph)
    count = max(1, min(count, size))
    graph = with_load(graph)
    graph, piece, over_river, apart = pieces_for(graph, count, small_piece)
    pieces = int(piece.max()) + 1
    weight = np.bincount(piece, weights=_weight(graph))
    atoms = np.bincount(piece)
    share = np.ones(pieces, dtype=np.int64)
    for _ in range(count - pieces):
        wanting = np.where(share < atoms, weight / share, -1.0)
        share[int(np.argmax(wanting))] += 1
    block = np.zeros(size, dtype=np.int64)
    first = 0
    answers: list[Answer] = []
    for index in range(pieces):
        members = np.flatnonzero(piece == index)
        aim = Aim(int(share[index]), tolerance, compact)
        answers.append(
            search(
                with_load(graph.part(members)),
                aim,
                seed=seed + index,
                effort=effort,
                seconds=seconds * len(members) / size,
            )
        )
        block[members] = first + answers[-1].block
        first += int(share[index])
    atom = np.unique(together, return_index=True)[1]
    block = block[together]
    over = [(int(atom[one]), int(atom[two])) for one, two in over_river]
    return Grouping(block, over, apart, joined(block, answers))


def _weight(graph: Graph) -> Floats:
    """Return the workload of each atom: the mean of its shares of all attributes."""
    total = graph.load.sum(axis=0)
    return np.asarray((graph.load / np.where(total > 0, total, 1.0)).mean(axis=1))


def with_load(graph: Graph) -> Graph:
    """Return a graph in which blocks are equal in area where there is no workload at all."""
    if graph.load.sum() > 0:
        return graph
    return replace(graph, load=np.repeat(graph.area[:, None], graph.load.shape[1], axis=1))


def pieces_for(
    graph: Graph, count: int, small_piece: float = SMALL_PIECE
) -> tuple[Graph, Integers, list[tuple[int, int]], int]:
    """Find the pieces that blocks can't cross, after joining those that can't have blocks of their own."""
    over_river: list[tuple[int, int]] = []
    apart = 0
    held = _weight(graph)
    mean = math.fsum(held) / count
    while True:
        piece = groups(len(graph), graph.pairs[graph.passable])
        weight = np.bincount(piece, weights=held)
        pieces = len(weight)
        order = np.lexsort((np.arange(pieces), weight)).tolist()
        sides = piece[graph.pairs]
        bridge = -1
        for small in order:
            if pieces <= count and weight[small] >= small_piece * mean:
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
