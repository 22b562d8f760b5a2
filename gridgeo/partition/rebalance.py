"""Rebalancing: bring an old plan back into balance, with a price on workload that changes hands.

Theory. Each old block gets an anchor: an atom without workload and next to no area that nobody can walk to, so that no
move takes it away, and so unround that no block is ever left with nothing else. Every atom is tied to the anchor of its
old block by a border that costs the price times its workload. So the ordinary annealing from the old plan pays exactly
for what changes hands. A high price moves little and leaves ragged borders; a low one moves much: the curve over
several prices shows what is bought with what.

The old plan need not fit today's ground. What lies in no old block joins the neighbour with the longest border; a block
that today's roads part keeps its heaviest piece; where another number of blocks is asked for, the heaviest block is cut
in two or the lightest joins a neighbour.

Cost. One annealing from the old plan for each price.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gridgeo.network import Integers, groups
from gridgeo.partition.blocks import SMALL_PIECE, group, pieces_for, with_load
from gridgeo.partition.demand import MOVE_PRICE
from gridgeo.partition.search.answer import within
from gridgeo.partition.search.level import Level, loops_for
from gridgeo.partition.search.problem import Aim, Graph
from gridgeo.partition.search.run import COLD, HOT, quick_work_of
from gridgeo.partition.search.solve import in_units

PRICES = (0.0, 3.0, MOVE_PRICE, 300.0)
"""Prices of a curve."""
STARTS = 3
"""Annealings at most: another one where a plan is out of balance."""
SPECK, UNROUND = 1e-6, 1e2
"""Area of an anchor, in usual blocks, and how unround a block of nothing else would be."""
GENTLE = 0.25
"""How hot the annealing begins, against a search from nothing."""


@dataclass(frozen=True)
class Point:
    """One point of the curve of change against quality.

    Parameters
    ----------
    price : float
    block : array
        Of each atom; numbers as in the old plan as far as its blocks carry on.
    moved : float
        Share of the workload (the first attribute) that changes hands.
    border : float
        Price of all borders between blocks, in the units of the graph's ``cost``.
    worst : float
        Largest deviation from the mean, of any attribute.
    """

    price: float
    block: Integers
    moved: float
    border: float
    worst: float


def rebalance(
    graph: Graph,
    old: Integers,
    *,
    tolerance: Sequence[float],
    price: float = MOVE_PRICE,
    seed: int = 0,
    effort: float = 1.0,
    count: int | None = None,
    compact: float = 1.0,
    small_piece: float = SMALL_PIECE,
) -> Point:
    """Bring an old plan back into balance.

    Parameters
    ----------
    graph : Graph
        With the loads of today.
    old : array
        Old block of each atom: 0, 1, 2 ..., none of them empty; -1 for atoms that lay in none.
    tolerance : sequence of float
        For each attribute.
    price : float
        Sides of a block that moving one block's fair workload costs.
    seed : int
    effort : float
        How much work is done, against the usual.
    count : int or None
        How many blocks there are to be; by default as many as there were.
    compact : float
        What a block's roundness counts for.
    small_piece : float
        See `gridgeo.partition.blocks.group`.
    """
    graph = with_load(graph)
    size, had = len(graph), int(old.max()) + 1
    count = had if count is None else max(1, min(count, size))
    if count == 1:
        return point(graph, old, np.zeros(size, dtype=np.int64), price)
    walkable = pieces_for(graph, count, small_piece)[0]
    begin, home = started(walkable, old, count, seed)
    aim = Aim(count, tolerance, compact)
    fair = in_units(walkable, aim)
    tied = np.flatnonzero(old >= 0)
    usual = math.fsum(fair.area) / count
    anchored = replace(
        fair,
        load=np.concatenate([fair.load, np.zeros((had, fair.load.shape[1]))]),
        area=np.concatenate([fair.area, np.full(had, SPECK * usual)]),
        own=np.concatenate([fair.own, np.full(had, (UNROUND * SPECK * usual) ** 2)]),
        **{name: np.concatenate([getattr(fair, name), np.zeros(had)]) for name in ("x", "y")},
        pairs=np.concatenate([fair.pairs, np.column_stack([tied, size + old[tied]])]),
        cost=np.concatenate([fair.cost, price * fair.load.mean(axis=1)[tied]]),
        passable=np.concatenate([fair.passable, np.zeros(len(tied), dtype=np.bool_)]),
    )
    work = quick_work_of(size, count, effort)
    level = Level(anchored, aim, loops_for(work))
    found: list[Point] = []
    for start in range(STARTS):
        level.work.state[0] = 1 + seed + start
        level.score[0], level.score[1] = math.inf, math.inf
        level.begin(np.concatenate([begin, home]))
        level.anneal(work * 3 // 4, HOT * GENTLE, COLD)
        level.anneal(work // 4, HOT / 6, COLD / 2)
        found.append(point(graph, old, level.plan_found()[:size], price))
        if within(walkable, aim, found[-1].block):
            return found[-1]
    return min(found, key=lambda each: (each.worst, each.moved))


def started(graph: Graph, old: Integers, count: int, seed: int = 0) -> tuple[Integers, Integers]:
    """Return a plan of ``count`` blocks, each in one piece, that is as near to the old one as can be.

    Parameters
    ----------
    graph : Graph
        Its pieces must be able to hold so many blocks (`gridgeo.partition.blocks.pieces_for`).
    old : array
        Old block of each atom, -1 for none.
    count, seed : int

    Returns
    -------
    block : array
        Of each atom: 0, 1, 2 ...
    home : array
        The block of each old block's ground.
    """
    weight = graph.load.sum(axis=1) + 1e-9 * graph.area
    block = _heaviest_pieces(graph, old, weight)
    block = _filled(graph, block)
    # where a whole piece of the graph had no old block at all it is one now
    empty = block < 0
    if empty.any():
        piece = groups(len(graph), graph.pairs[graph.passable])
        block[empty] = max(int(old.max()), int(block.max())) + 1 + np.unique(piece[empty], return_inverse=True)[1]
    had = int(old.max()) + 1
    home = np.arange(had)
    while len(np.unique(block)) < count:
        loads = np.bincount(block, weights=weight)
        atoms = np.bincount(block, minlength=len(loads))
        heaviest = int(np.argmax(np.where(atoms > 1, loads, -1.0)))
        members = np.flatnonzero(block == heaviest)
        halves = group(graph.part(members), 2, tolerance=[0.2] * graph.load.shape[1], seed=seed).block
        lighter = int(np.argmin(np.bincount(halves, weights=weight[members])))
        block[members[halves == lighter]] = max(had, int(block.max()) + 1)
    while len(np.unique(block)) > count:
        loads = np.bincount(block, weights=weight)
        present = np.unique(block)
        sides = block[graph.pairs[graph.passable]]
        sides = sides[sides[:, 0] != sides[:, 1]]
        for small in present[np.argsort(loads[present], kind="stable")].tolist():
            beside = sides[(sides == small).any(axis=1)].sum(axis=1) - small
            if len(beside):
                break
        into = int(min(np.unique(beside).tolist(), key=lambda other: (loads[other], other)))
        block[block == small] = into
        home[home == small] = into
    # an old block of which nothing is left has its home where its ground went, or anywhere
    for gone in np.setdiff1d(home, block).tolist():
        there = block[old == gone]
        home[home == gone] = int(np.bincount(there).argmax()) if len(there) else int(block[0])
    kept, numbered = np.unique(block, return_inverse=True)
    return numbered.astype(np.int64), np.searchsorted(kept, home).astype(np.int64)


def _heaviest_pieces(graph: Graph, old: Integers, weight: np.ndarray) -> Integers:
    """Return the old blocks with only the heaviest piece of each, -1 elsewhere."""
    inside = graph.passable & (old[graph.pairs[:, 0]] == old[graph.pairs[:, 1]])
    piece = groups(len(graph), graph.pairs[inside])
    loads = np.bincount(piece, weights=weight)
    block = np.full(len(graph), -1, dtype=np.int64)
    best: dict[int, tuple[float, int]] = {}
    for number, of in zip(old.tolist(), piece.tolist(), strict=True):
        if number >= 0 and (number not in best or (loads[of], -of) > (best[number][0], -best[number][1])):
            best[number] = (float(loads[of]), of)
    for number, (_, of) in best.items():
        block[piece == of] = number
    return block


def _filled(graph: Graph, block: Integers) -> Integers:
    """Return a plan in which atoms without a block have joined the neighbour that is dearest to part from."""
    block = block.copy()
    pairs, cost = graph.pairs[graph.passable], graph.cost[graph.passable]
    while (block < 0).any():
        sides = block[pairs]
        open_ = np.flatnonzero((sides < 0).sum(axis=1) == 1)
        if not len(open_):
            break
        at = open_[int(np.argmax(cost[open_]))]
        one, two = pairs[at].tolist()
        block[one if block[one] < 0 else two] = max(block[one], block[two])
    return block


def point(graph: Graph, old: Integers, block: Integers, price: float = math.nan) -> Point:
    """Measure a plan against the old one: a block carries on the old one from which it has most workload."""
    load = graph.load[:, 0]
    total = float(load.sum())
    sides = block[graph.pairs]
    sums = np.stack([np.bincount(block, weights=column) for column in graph.load.T])
    mean = sums.mean(axis=1, keepdims=True)
    return Point(
        price=price,
        block=block,
        moved=float(load[moved_atoms(load, old, block)].sum()) / total if total > 0 else 0.0,
        border=float(np.maximum(graph.cost[sides[:, 0] != sides[:, 1]], 0.0).sum()),
        worst=float(np.abs(sums / np.where(mean > 0, mean, 1.0) - 1).max()),
    )


def moved_atoms(load: np.ndarray, old: Integers, block: Integers) -> np.ndarray:
    """Tell which atoms change hands: those whose old block is not the one that their new block carries on.

    Each old block is carried on once, by the block with which it has most workload in common. What lay in no block
    changes no hands.
    """
    known = np.flatnonzero(old >= 0)
    if not len(known):
        return np.zeros(len(old), dtype=np.bool_)
    width = int(block.max()) + 1
    keys, at = np.unique(old[known] * width + block[known], return_inverse=True)
    common = np.bincount(at, weights=load[known] + 1e-9)
    heir: dict[int, int] = {}
    taken: set[int] = set()
    for key in keys[np.lexsort((keys, -common))].tolist():
        was, now = divmod(int(key), width)
        if was not in heir and now not in taken:
            heir[was] = now
            taken.add(now)
    target = np.array([heir.get(number, -1) for number in range(int(old.max()) + 1)], dtype=np.int64)
    moved = np.zeros(len(old), dtype=np.bool_)
    moved[known] = target[old[known]] != block[known]
    return moved


def curve(
    graph: Graph,
    old: Integers,
    *,
    tolerance: Sequence[float],
    prices: Sequence[float] = PRICES,
    seed: int = 0,
    effort: float = 1.0,
) -> list[Point]:
    """Return one rebalanced plan for each price."""
    return [
        rebalance(graph, old, tolerance=tolerance, price=price, seed=seed, effort=effort) for price in sorted(prices)
    ]


def pick(points: Sequence[Point], tolerance: Sequence[float], *, most_moved: float | None = None) -> Point:
    """Choose a point: in balance if any is; within ``most_moved`` the best borders, else the knee of the curve.

    The knee has the least sum of what moves and of how dear the borders are, each as a part of its largest value.
    """
    limit = min(tolerance) + 1e-9
    least = min(each.worst for each in points)
    good = [each for each in points if each.worst <= max(limit, least)]
    if most_moved is not None:
        within = [each for each in good if each.moved <= most_moved]
        return min(within, key=lambda each: each.border) if within else min(good, key=lambda each: each.moved)
    moved = max(each.moved for each in good) or 1.0
    border = max(each.border for each in good) or 1.0
    return min(good, key=lambda each: (each.moved / moved + each.border / border, -each.price))
