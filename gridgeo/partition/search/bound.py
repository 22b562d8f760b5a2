"""Lower bounds: what the borders of any plan cost at least.

Theory. Blocks are connected to each other through walkable borders, so at least as many of these are cut as blocks
less one; and each block is parted from the rest by a cut of the whole graph, of which each border belongs to two.
"""

from __future__ import annotations

import numpy as np

from gridgeo.partition.search.problem import Graph


def simple_bound(graph: Graph, count: int) -> float:
    """Return a lower bound on the price of any plan of a connected graph in ``count`` blocks."""
    if count <= 1:
        return 0.0
    price = np.sort(np.maximum(graph.cost[graph.passable], 0.0))
    return float(price[: count - 1].sum())
