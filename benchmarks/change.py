"""How much workload changes hands when four neighbourhoods grow by 60 %: afresh against rebalanced, by price.

Run ``python benchmarks/change.py``. The town is an irregular lattice of atoms, drafted before the growth; a fresh plan
keeps the old numbers where they fit best.
"""

from __future__ import annotations

import time

import networkx as nx
import numpy as np

from gridgeo.partition.blocks import PRICE, group
from gridgeo.partition.rebalance import PRICES, Point, curve, pick, point
from gridgeo.partition.search import Graph

TOLERANCE = 0.05
GROWTH = 1.6


def town(side: int, seed: int = 0) -> Graph:
    """Return ``side`` x ``side`` atoms with uneven workload, every fifth street a main road."""
    random = np.random.default_rng(seed)
    number = np.arange(side * side).reshape(side, side)
    pairs, cost = [], []
    for one, two, axis in ((number[:, :-1], number[:, 1:], 1), (number[:-1], number[1:], 0)):
        pairs.append(np.column_stack([one.ravel(), two.ravel()]))
        main = np.indices(one.shape)[axis].ravel() % 5 == 4
        cost.append(100.0 * np.where(main, PRICE[1], PRICE[3]))
    y, x = (100.0 * each.ravel() for each in np.indices((side, side)).astype(np.float64))
    size = side * side
    ends = np.concatenate(pairs)
    load = random.integers(20, 200, size=(size, 1)).astype(np.float64)
    return Graph(load, np.full(size, 1e4), x, y, ends, np.concatenate(cost), np.ones(len(ends), dtype=np.bool_))


def grown(graph: Graph) -> Graph:
    """Return the town after four neighbourhoods, each about a twentieth of its side around, grew by 60 %."""
    reach = graph.x.max()
    load = graph.load.copy()
    for east, north in ((0.2, 0.25), (0.75, 0.2), (0.3, 0.8), (0.8, 0.7)):
        near = np.hypot(graph.x - east * reach, graph.y - north * reach) < 0.12 * reach
        load[near] *= GROWTH
    return Graph(load, graph.area, graph.x, graph.y, graph.pairs, graph.cost, graph.passable)


def matched(old: np.ndarray, new: np.ndarray, load: np.ndarray) -> np.ndarray:
    """Return a fresh plan with the numbers that keep most workload where it was."""
    count = int(max(old.max(), new.max())) + 1
    common = np.zeros((count, count))
    np.add.at(common, (new, old), load)
    graph = nx.Graph()
    graph.add_weighted_edges_from(
        (mine, count + theirs, common[mine, theirs]) for mine in range(count) for theirs in range(count)
    )
    number = np.zeros(count, dtype=np.int64)
    for pair in nx.max_weight_matching(graph, maxcardinality=True):
        number[min(pair)] = max(pair) - count
    return number[new]


def measured(side: int = 36, count: int = 12, effort: float = 1.0) -> tuple[Point, Point, list[Point]]:
    """Return the old plan after growth, a fresh one, and the curve."""
    before = town(side)
    old = group(before, count, tolerance=[TOLERANCE], seed=0, effort=effort).block
    after = grown(before)
    fresh = group(after, count, tolerance=[TOLERANCE], seed=0, effort=effort).block
    fresh = matched(old, fresh, after.load[:, 0])
    points = curve(after, old, tolerance=[TOLERANCE], prices=PRICES, effort=effort)
    return point(after, old, old), point(after, old, fresh), points


def main() -> None:
    """Print the table."""
    begun = time.process_time()
    stale, fresh, points = measured()
    rows = [("old plan", stale), ("afresh", fresh), *((f"price {each.price:g}", each) for each in points)]
    print("| way | workload moved | border price | worst deviation |\n|---|---|---|---|")
    for name, each in rows:
        print(f"| {name} | {each.moved:.1%} | {each.border:,.0f} | {each.worst:.1%} |")
    print(f"picked: price {pick(points, [TOLERANCE]).price:g}; {time.process_time() - begun:.0f} s of CPU")


if __name__ == "__main__":
    main()
