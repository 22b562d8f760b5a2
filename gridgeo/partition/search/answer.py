"""Answer: the plan that a search found, what it costs, and how sure it is that nothing is cheaper.

Theory. Three words. *Proven*: no plan of so many blocks, each in one piece and within the tolerance, has cheaper
borders. *Gap*: there may be cheaper ones, but none below the lower bound. *Unknown*: the plan is out of balance, or the
bound is so far away that it says nothing. Bounds are on the price of borders alone: where an aim also asks for
compact blocks, the gap is what roundness may have cost at most.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from gridgeo.network import Integers
from gridgeo.partition.search.problem import Aim, Graph, fair_loads

Proof = Literal["proven", "gap", "unknown"]
End = Literal["itself", "budget", "interrupted"]

USEFUL = 0.1
"""A lower bound below this part of the price says nothing."""
ROUNDING = 1e-9
"""By how much a load may miss its limit, and a bound its price, for the rounding of sums alone."""


@dataclass(frozen=True)
class Answer:
    """A plan and what is known of it.

    Parameters
    ----------
    block : array
        Block of each atom: 0, 1, 2 ...
    price : float
        Of all borders between blocks, in the units of the graph's ``cost``; demanded borders (negative cost) are free.
    lower_bound : float
        No plan of so many blocks, each in one piece and in balance, has a lower price. Infinite where it is proven
        that there is no plan in balance at all.
    balanced : bool
        Whether every block is within the tolerance of every attribute. An atom too heavy for any block counts as one
        full block (`gridgeo.partition.search.problem.fair_loads`).
    ended : str
        "itself": the plan is the same on any machine; "budget": time ran out; "interrupted": by the user.
    """

    block: Integers
    price: float
    lower_bound: float
    balanced: bool
    ended: End = "itself"

    @property
    def impossible(self) -> bool:
        """Whether it is proven that no plan is in balance."""
        return self.lower_bound == math.inf

    @property
    def gap(self) -> float:
        """By what part of its price a plan in balance could be cheaper, at most: 0 where it is proven, else up to 1."""
        if self.impossible or not self.balanced:
            return 1.0
        if self.price <= self.lower_bound + ROUNDING * max(1.0, abs(self.price)):
            return 0.0
        return min(1.0, 1.0 - self.lower_bound / self.price)

    @property
    def proof(self) -> Proof:
        """How sure the answer is."""
        if self.gap == 0.0:
            return "proven"
        return "gap" if self.gap <= 1.0 - USEFUL else "unknown"


def price_of(graph: Graph, block: Integers) -> float:
    """Return the price of all borders of a plan but the demanded ones."""
    sides = block[graph.pairs]
    return math.fsum(np.maximum(graph.cost[sides[:, 0] != sides[:, 1]], 0.0))


def within(graph: Graph, aim: Aim, block: Integers) -> bool:
    """Tell whether every block is within the tolerance of every attribute."""
    load = fair_loads(graph, aim)
    for column, tolerance in enumerate(aim.tolerance):
        held = np.bincount(block, weights=load[:, column], minlength=aim.count)
        if load[:, column].any() and np.abs(held - 1.0).max() > tolerance + ROUNDING:
            return False
    return True


def joined(block: Integers, answers: Sequence[Answer]) -> Answer:
    """Return the answer for several graphs, each searched on its own for its share of the blocks."""
    ends = {answer.ended for answer in answers}
    ended: End = "interrupted" if "interrupted" in ends else "budget" if "budget" in ends else "itself"
    return Answer(
        block=block,
        price=math.fsum(answer.price for answer in answers),
        lower_bound=sum(answer.lower_bound for answer in answers),
        balanced=all(answer.balanced for answer in answers),
        ended=ended,
    )
