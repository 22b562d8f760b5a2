"""Evenest: the smallest tolerance of one attribute at which a small area has a plan at all, with a proof.

Theory. The exact model either finds a plan within a tolerance or shows that there is none. So the smallest tolerance is
found by halving: a plan that is found lowers it to that plan's own deviation, a proof raises what no plan can be below.

Cost. A dozen proofs, each limited in nodes: all connected sets in balance are enumerated, for there is no price that
rules most of them out. So a proof is to be had where a block has few atoms, which is where balance is hard.

Limits. Atoms up to `LARGEST`: more than for the cheapest borders, as blocks of few atoms have few sets. Where a proof
takes too many nodes the smallest tolerance that was found stands, and below it the largest that was ruled out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gridgeo.network import Integers
from gridgeo.partition.search.exact import MOST_SETS, prove
from gridgeo.partition.search.problem import Aim, Graph

LARGEST = 150
"""Atoms of an area that it is tried on."""
CLOSE = 5e-4
"""Tolerances that differ by less are the same."""
NODES = 60_000
"""Nodes that the enumeration for one tolerance may cost."""


@dataclass(frozen=True)
class Evenest:
    """How evenly an attribute can be shared out.

    Parameters
    ----------
    tolerance : float
        The smallest at which a plan was found: the largest deviation in ``block``.
    below : float
        No plan has a smaller one: this is proven.
    block : array
        The plan.
    """

    tolerance: float
    below: float
    block: Integers

    @property
    def proven(self) -> bool:
        """Whether no plan is more even."""
        return self.tolerance - self.below <= CLOSE


def deviation(graph: Graph, block: Integers, column: int, mean: float) -> float:
    """Return the largest deviation from a mean load of one attribute."""
    held = np.bincount(block, weights=graph.load[:, column])
    return float(np.abs(held / mean - 1.0).max())


def evenest(
    graph: Graph,
    count: int,
    block: Integers,
    *,
    column: int,
    means: Sequence[float],
    tolerance: Sequence[float],
    nodes: int = NODES,
    most_sets: int = MOST_SETS,
) -> Evenest:
    """Find the smallest tolerance of one attribute at which there is a plan, each block in one piece.

    Parameters
    ----------
    graph : Graph
        Connected on foot.
    count : int
        How many blocks.
    block : array
        A plan, in balance but for this attribute.
    column : int
        Of the attribute.
    means : sequence of float
        What a block is to hold of each attribute.
    tolerance : sequence of float
        Of all attributes; that of this one does not count.
    nodes : int
        That the enumeration for one tolerance may cost.
    most_sets : int
        How many sets HiGHS may have to choose among for one tolerance.
    """
    high = deviation(graph, block, column, means[column])
    low = max(0.0, float(graph.load[:, column].max()) / means[column] - 1.0)
    if count < 2 or len(graph) > LARGEST:
        return Evenest(high, high if count < 2 else min(low, high), block)
    fair = replace(graph, load=graph.load / np.where(np.array(means) > 0, means, 1.0))
    # where a proof takes too long, smaller tolerances (with fewer sets) may still be ruled out
    open_above = high
    # the plan at hand is often the most even one, and then a single proof is enough
    middle = high - CLOSE / 2
    while open_above - low > CLOSE:
        limits = [middle if at == column else float(each) for at, each in enumerate(tolerance)]
        proof = prove(fair, Aim(count, limits, compact=0.0, mild=0.0), [], nodes=nodes, most_sets=most_sets)
        if proof.block is not None:
            block = proof.block
            high = open_above = min(middle, deviation(graph, block, column, means[column]))
        elif np.isinf(proof.bound):
            low = middle
        else:
            open_above = middle
        middle = (low + open_above) / 2
    return Evenest(high, min(low, high), block)
