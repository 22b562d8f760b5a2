"""Polish: two or three neighbouring blocks are merged and cut anew by the exact model, wherever that is better.

Theory. What lies outside stays as it is, so the border around the merged blocks costs the same and only what is
within is chosen anew, with the same limits and prices. Annealing finds what single atoms and subtrees can reach; this
finds what takes many atoms at once.

Cost. Counted in nodes and merges, so the plan is the same on any machine; merged areas above `exact.LARGEST` atoms,
and merges above `MERGES`, are left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from gridgeo.network import Integers
from gridgeo.partition.search.budget import Budget
from gridgeo.partition.search.exact import EXACTLY, LARGEST, prove
from gridgeo.partition.search.problem import Aim, Graph

MERGES = 24
"""Merges that are tried at most."""
NODES = 10_000
"""Nodes of the enumeration that a merge may cost."""


def polish(graph: Graph, aim: Aim, block: Integers, *, budget: Budget, nodes: int = NODES) -> Iterator[Integers]:
    """Yield better and better plans.

    Parameters
    ----------
    graph : Graph
        Loads in fair shares, prices in sides of a block (`gridgeo.partition.search.solve.in_units`).
    aim : Aim
    block : array
        A plan in balance, each block in one piece.
    budget : Budget
        Ends the work too.
    nodes : int
        Of the enumeration, for each merge.
    """
    block = block.copy()
    tried: dict[tuple[int, ...], bytes] = {}
    left = MERGES
    for together in (2, 3, 2):
        for merged in _neighbours(graph, block, together):
            members = np.flatnonzero(np.isin(block, merged))
            state = block[members].tobytes() + members.tobytes()
            if len(members) > LARGEST or tried.get(merged) == state:
                continue
            if not left or budget.over:
                return
            left -= 1
            part = graph.part(members)
            plan = np.searchsorted(merged, block[members]).astype(np.int64)
            before = prove(part, replace(aim, count=together), [plan], nodes=0).value
            proof = prove(part, replace(aim, count=together), [plan], nodes=nodes, budget=budget)
            if proof.block is not None and proof.value < before - EXACTLY:
                block = block.copy()
                block[members] = np.array(merged)[proof.block]
                state = block[members].tobytes() + members.tobytes()
                yield block
            tried[merged] = state


def _neighbours(graph: Graph, block: Integers, together: int) -> list[tuple[int, ...]]:
    """Return the pairs of blocks that touch on foot, or the triples of which each touches both others."""
    sides = np.sort(block[graph.pairs[graph.passable]], axis=1)
    touching = {(int(one), int(two)) for one, two in sides[sides[:, 0] != sides[:, 1]]}
    if together == 2:
        return sorted(touching)
    return sorted(
        (one, two, three)
        for one, two in touching
        for three in {high for low, high in touching if low == two}
        if (one, three) in touching
    )
