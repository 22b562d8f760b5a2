"""Lower bounds for areas of any size: what the borders of any plan cost at least.

Theory. No block holds more than its limit. `gridgeo.partition.search.packing` packs trees that are too heavy for one
block into the prices of borders: what is packed, no plan can save. This is the dual of the spreading metrics of Even,
Naor, Rao and Schieber with the knapsack tree inequalities of Ferreira, Martin, de Souza, Weismantel and Wolsey. It uses
neither that blocks are in one piece nor the lower limit, so it is true and far away: see docs/partition.md.

Cost. A pass looks at some two blocks' worth of atoms around each atom.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gridgeo.network import Floats, Integers
from gridgeo.partition.search import kernel, packing
from gridgeo.partition.search.answer import ROUNDING
from gridgeo.partition.search.budget import Budget
from gridgeo.partition.search.problem import Aim, Graph

STEP = 0.3
"""By how much a border that is used up gets longer."""
FEWEST, MOST = 12, 120
"""Times that trees are sent from all atoms: most in small areas,"""
TREES = 80_000
"""about so many trees in all in between."""
CLOSE = 0.93
"""What part of the best packing is enough."""


def packed_bound(graph: Graph, aim: Aim, loops: Any, *, passes: int = 0, budget: Budget | None = None) -> float:
    """Return a lower bound on the price of all plans in balance; 0 where no attribute bounds a block.

    Parameters
    ----------
    graph : Graph
        Loads in fair shares (`gridgeo.partition.search.solve.in_units`).
    aim : Aim
    loops : module
        As `gridgeo.partition.search.level.loops_for` returns it.
    passes : int
        Over all atoms; 0 for as many as suit the area.
    budget : Budget, optional
        Ends the work too; what is packed by then counts.
    """
    tolerance = np.array(aim.tolerance, dtype=np.float64)
    bounded = np.isfinite(tolerance) & (graph.load.sum(axis=0) > 0)
    if not bounded.any() or aim.count < 2 or not (graph.cost > 0).any():
        return 0.0
    plain = loops is kernel
    loops = packing if plain else loops

    def column(values: Floats | Integers) -> Any:
        kind = np.float64 if values.dtype.kind == "f" else np.int64
        array = np.ascontiguousarray(values, dtype=kind)
        return array.tolist() if plain else array

    size, count = len(graph), len(graph.pairs)
    ends = np.concatenate([graph.pairs, graph.pairs[:, ::-1]])
    rows = np.lexsort((ends[:, 1], ends[:, 0]))
    price = np.maximum(graph.cost, 0.0)
    web = packing.Web(
        start=column(np.searchsorted(ends[rows, 0], np.arange(size + 1))),
        near=column(ends[rows, 1]),
        edge=column(np.concatenate([np.arange(count)] * 2)[rows]),
        price=column(price),
        load=column(graph.load[:, bounded].mean(axis=1)),
        length=column(1.0 / np.where(price > 0, price, math.inf)),
        used=column(np.zeros(count)),
    )
    desk = packing.Desk(
        distance=column(np.zeros(size)),
        mark=column(np.zeros(size, dtype=np.int64)),
        up=column(np.zeros(size, dtype=np.int64)),
        parent=column(np.zeros(size, dtype=np.int64)),
        order=column(np.zeros(size, dtype=np.int64)),
        behind=column(np.zeros(size)),
        heap=column(np.zeros(2 * count + 1, dtype=np.int64)),
        key=column(np.zeros(2 * count + 1)),
        state=column(np.zeros(1, dtype=np.int64)),
        least=column(np.zeros(1)),
    )
    most = 1.0 + float(tolerance[bounded].mean()) + ROUNDING
    best, packed = 0.0, 0.0
    # what was packed while the lengths said little is left out: two counts, the later one becomes the earlier
    begun, halfway = (0.0, np.zeros(count)), (0.0, np.zeros(count))
    loops.pack(web, desk, most, STEP, 0.0, 1.0)
    for number in range(1, (passes or min(MOST, max(FEWEST, TREES // size))) + 1):
        ratio = float(desk.least[0])
        if not math.isfinite(ratio) or (budget is not None and budget.over):
            break
        packed += loops.pack(web, desk, most, STEP, ratio, 1.0 + 2 * STEP)
        used = np.array(web.used)
        fullest = float(((used - begun[1])[price > 0] / price[price > 0]).max())
        if fullest > 0:
            best = max(best, (packed - begun[0]) / fullest)
        if number & (number - 1) == 0:
            begun, halfway = halfway, (packed, used)
        highest = float((price * np.where(price > 0, np.asarray(web.length), 0.0)).sum()) / max(ratio, 1e-300)
        if best >= CLOSE * highest:
            break
    return best * (1.0 - ROUNDING)
