"""Blocks: contiguous groups of atoms with near equal workload, whose borders run on strong barriers.

How many blocks a grid gets is given, or its workload by the target, rounded. A grid falls into pieces where a river
without a bridge, or a gap, parts it. A piece that holds at least half a block's workload gets blocks of its own. A
smaller one joins its neighbour over the river, with a warning, as do pieces that are more than the blocks asked for.
Only where there are more separate parts than blocks does a block lie in several parts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gridgeo.network import Floats, Integers, groups
from gridgeo.partition.search import Aim, Answer, Graph, Rules, search
from gridgeo.partition.search.answer import ROUNDING, joined, price_of
from gridgeo.partition.search.budget import USUAL_SECONDS
from gridgeo.partition.search.evenest import CLOSE, deviation, evenest
from gridgeo.partition.search.exact import NODES
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
    nodes: int = NODES,
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
    nodes : int
        That the proof for each small piece may cost.
    compact : float
        What a block's roundness counts for: see `gridgeo.partition.search.Aim`.
    small_piece : float
        A piece with less than this part of a block's workload joins a neighbour over a river.
    """
    parted = _parted(graph, count, rules, small_piece)
    graph, size = parted.graph, len(parted.graph)
    block = np.zeros(size, dtype=np.int64)
    first = 0
    answers: list[Answer] = []
    for index, members, share in parted.pieces():
        aim = Aim(share, tolerance, compact)
        answers.append(
            search(
                with_load(graph.part(members)),
                aim,
                seed=seed + index,
                effort=effort,
                seconds=seconds * len(members) / size,
                nodes=nodes,
            )
        )
        block[members] = first + answers[-1].block
        first += share
    atom = np.unique(parted.together, return_index=True)[1]
    block = block[parted.together]
    over = [(int(atom[one]), int(atom[two])) for one, two in parted.over_river]
    return Grouping(block, over, parted.apart, joined(block, answers))


@dataclass(frozen=True)
class _Parted:
    """A graph ready to be grouped: what stays together is one atom, and each piece gets its share of the blocks."""

    graph: Graph
    together: Integers
    piece: Integers
    share: Integers
    over_river: list[tuple[int, int]]
    apart: int

    def pieces(self) -> Iterator[tuple[int, Integers, int]]:
        """Yield the number, the atoms and the blocks of each piece."""
        for index, share in enumerate(self.share.tolist()):
            yield index, np.flatnonzero(self.piece == index), share


def _parted(graph: Graph, count: int, rules: Rules, small_piece: float) -> _Parted:
    """Merge what stays together, find the pieces and share out the blocks among them by their workload."""
    together = rules.groups(len(graph))
    graph = with_load(with_demanded_borders(graph.merged(together), together, rules))
    count = max(1, min(count, len(graph)))
    graph, piece, over_river, apart = pieces_for(graph, count, small_piece)
    weight = np.bincount(piece, weights=_weight(graph))
    atoms = np.bincount(piece)
    share = np.ones(len(weight), dtype=np.int64)
    for _ in range(count - len(weight)):
        wanting = np.where(share < atoms, weight / share, -1.0)
        share[int(np.argmax(wanting))] += 1
    return _Parted(graph, together, piece, share, over_river, apart)


@dataclass(frozen=True)
class Least:
    """The smallest tolerance of an attribute: one that is met, and what was proven.

    Parameters
    ----------
    column : int
        Of the attribute.
    met : float
        The smallest at which a plan was found.
    below : float
        No plan has a smaller one, given the blocks of each piece and what the attributes before are held to.
    """

    column: int
    met: float
    below: float

    @property
    def proven(self) -> bool:
        """Whether no smaller tolerance can be met."""
        return self.met - self.below <= CLOSE


def even_out(
    graph: Graph,
    block: Integers,
    *,
    tolerance: Sequence[float],
    rules: Rules = _FREE,
    small_piece: float = SMALL_PIECE,
) -> tuple[Integers, list[Least]]:
    """Find the smallest tolerance of each attribute that a plan is beyond, one after the other, and a plan within them.

    Parameters
    ----------
    graph : Graph
        Of few atoms (`gridgeo.partition.search.evenest.LARGEST`): of more only what is plain is known.
    block : array
        A plan, from `group` with the same rules.
    tolerance : sequence of float
    rules : Rules
    small_piece : float

    Returns
    -------
    block : array
        Meets all tolerances that are found, with borders as they come.
    least : list of Least
        For each attribute that the plan is beyond the tolerance of.
    """
    count = int(block.max()) + 1
    parted = _parted(graph, count, rules, small_piece)
    graph = parted.graph
    plan = block[np.unique(parted.together, return_index=True)[1]]
    means = graph.load.sum(axis=0) / count
    limits = [
        max(each, deviation(graph, plan, column, mean)) if mean > 0 else math.inf
        for column, (each, mean) in enumerate(zip(tolerance, means.tolist(), strict=True))
    ]
    beyond = [column for column, each in enumerate(tolerance) if limits[column] > each + 1e-9 and means[column] > 0]
    least: list[Least] = []
    for column in beyond:
        met = below = 0.0
        for _, members, share in parted.pieces():
            names, mine = np.unique(plan[members], return_inverse=True)
            found = evenest(graph.part(members), share, mine, column=column, means=means.tolist(), tolerance=limits)
            plan[members] = names[found.block]
            met, below = max(met, found.tolerance), max(below, found.below)
        limits[column] = met + ROUNDING
        least.append(Least(column, met, below))
    return plan[parted.together], least


def group_evenly(
    graph: Graph, count: int, *, tolerance: Sequence[float], **options: Any
) -> tuple[Grouping, list[Least]]:
    """Group atoms as `group` does; where a tolerance is not met, as evenly as can be.

    Returns
    -------
    grouping : Grouping
    least : list of Least
        The smallest tolerance of each attribute whose tolerance is not met.
    """
    grouping = group(graph, count, tolerance=tolerance, **options)
    if count < 2 or _meets(graph, grouping.block, tolerance):
        return grouping, []
    rules = {name: options[name] for name in ("rules", "small_piece") if name in options}
    block, least = even_out(graph, grouping.block, tolerance=tolerance, **rules)
    relaxed = list(tolerance)
    for each in least:
        relaxed[each.column] = each.met + ROUNDING
    if _meets(graph, grouping.block, relaxed):
        return grouping, least
    # the plan that proves it has borders as they come: a search may find a better one that is as even
    again = group(graph, int(block.max()) + 1, tolerance=relaxed, **options).block
    block = again if _meets(graph, again, relaxed) else block
    answer = grouping.answer
    if answer is not None:
        answer = replace(answer, block=block, price=price_of(graph, block), balanced=_meets(graph, block, tolerance))
    return replace(grouping, block=block, answer=answer), least


def deviations(load: Floats, block: Integers, count: int = 0) -> Floats:
    """Return the largest deviation from the mean, for each attribute; ``count`` counts empty blocks too."""
    count = count or int(block.max()) + 1
    sums = np.stack([np.bincount(block, weights=column, minlength=count) for column in load.T])
    mean = sums.sum(axis=1, keepdims=True) / count
    return np.asarray(np.abs(sums / np.where(mean > 0, mean, 1.0) - (mean > 0)).max(axis=1))


def _meets(graph: Graph, block: Integers, tolerance: Sequence[float]) -> bool:
    """Tell whether a plan is within all tolerances."""
    return bool((deviations(with_load(graph).load, block) <= np.array(tolerance) + 1e-9).all())


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
