"""Rebalancing: bring an old plan back into balance, with a price on workload that changes hands.

Theory. Each old block gets an anchor: an atom without workload or area that nobody can walk to, so that no move takes
it away. Every atom is tied to the anchor of its old block by a border that costs the price times its workload. So the
ordinary annealing from the old plan pays exactly for what changes hands. A high price moves little and leaves ragged
borders; a low one moves much: the curve over several prices shows what is bought with what.

Cost. One annealing from the old plan for each price.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import shapely

from gridgeo.network import Geometries, Integers, groups
from gridgeo.partition.search.level import Level, loops_for
from gridgeo.partition.search.problem import Aim, Graph
from gridgeo.partition.search.solve import COLD, HOT, in_units, work_of

MOVE_PRICE = 30.0
"""The usual price: sides of a block that moving one block's fair workload is worth."""
PRICES = (0.0, 3.0, MOVE_PRICE, 300.0)
"""Prices of a curve."""
GENTLE = 0.25
"""How hot the annealing begins, against a search from nothing."""


@dataclass(frozen=True)
class Point:
    """One point of the curve of change against quality.

    Parameters
    ----------
    price : float
    block : array
        Of each atom; numbers as in the old plan.
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
) -> Point:
    """Bring an old plan, each block in one piece, back into balance.

    Parameters
    ----------
    graph : Graph
        With the loads of today.
    old : array
        Old block of each atom: 0, 1, 2 ..., none of them empty.
    tolerance : sequence of float
        For each attribute.
    price : float
        Sides of a block that moving one block's fair workload costs.
    seed : int
    effort : float
        How much work is done, against the usual.
    """
    size, count = len(graph), int(old.max()) + 1
    if count == 1:
        return point(graph, old, old, price)
    aim = Aim(count, tolerance)
    fair = in_units(graph, aim)
    anchored = replace(
        fair,
        load=np.concatenate([fair.load, np.zeros((count, fair.load.shape[1]))]),
        **{name: np.concatenate([getattr(fair, name), np.zeros(count)]) for name in ("area", "x", "y", "own")},
        pairs=np.concatenate([fair.pairs, np.column_stack([np.arange(size), size + old])]),
        cost=np.concatenate([fair.cost, price * fair.load.mean(axis=1)]),
        passable=np.concatenate([fair.passable, np.zeros(size, dtype=np.bool_)]),
    )
    work = work_of(size, count, effort)
    level = Level(anchored, aim, loops_for(work))
    level.work.state[0] = 1 + seed
    level.begin(np.concatenate([old, np.arange(count)]))
    level.anneal(work * 3 // 4, HOT * GENTLE, COLD)
    level.anneal(work // 4, HOT / 6, COLD / 2)
    return point(graph, old, level.plan_found()[:size], price)


def old_blocks(previous: gpd.GeoDataFrame, grid: str, graph: Graph, spots: Geometries) -> Integers | None:
    """Return the old block (0, 1, 2 ...) of each atom of a grid.

    None where there are no old blocks, or an atom lies in none, or they are not each one piece on foot.
    """
    mine = previous.geometry.to_numpy()[(previous["grid"].astype(str) == grid).to_numpy()]
    atom, row = shapely.STRtree(mine).query(spots, predicate="intersects")
    atom, first = np.unique(atom, return_index=True)
    if not len(mine) or len(atom) < len(spots):
        return None
    block = np.unique(row[first], return_inverse=True)[1].astype(np.int64)
    inside = graph.passable & (block[graph.pairs[:, 0]] == block[graph.pairs[:, 1]])
    pieces = int(groups(len(graph), graph.pairs[inside]).max()) + 1
    return block if pieces == int(block.max()) + 1 else None


def point(graph: Graph, old: Integers, block: Integers, price: float = math.nan) -> Point:
    """Measure a plan against the old one."""
    load = graph.load[:, 0]
    total = float(load.sum())
    sides = block[graph.pairs]
    sums = np.stack([np.bincount(block, weights=column) for column in graph.load.T])
    mean = sums.mean(axis=1, keepdims=True)
    return Point(
        price=price,
        block=block,
        moved=float(load[block != old].sum()) / total if total > 0 else 0.0,
        border=float(graph.cost[sides[:, 0] != sides[:, 1]].sum()),
        worst=float(np.abs(sums / np.where(mean > 0, mean, 1.0) - 1).max()),
    )


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
