"""Pool: every block of every plan seen, of which the best plan that can be put together is chosen.

Theory. A plan is a choice of sets of atoms so that every atom lies in one (set partitioning: Garfinkel and Nemhauser).
Searches from different starts find good blocks in different places; HiGHS chooses among all of them. It may always
choose a plan that was seen, so what it finds is never worse. Blocks whose reduced cost (at the dual prices of the
linear relaxation) is above what a plan may still gain are in no better plan, and left out.

Cost. A second or two for a few thousand blocks: limited in nodes and not in time, so that it is the same on any
machine.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import highspy
import numpy as np

from gridgeo.network import Flags, Floats, Integers
from gridgeo.partition.search.answer import ROUNDING
from gridgeo.partition.search.problem import Aim, Graph
from gridgeo.partition.search.solver import quiet_solver

MOST_BLOCKS = 20_000
"""Blocks that the linear relaxation may have,"""
MOST_CHOSEN = 800
"""and that HiGHS chooses among as whole ones: those of the least reduced cost."""
NODES = 5
"""Nodes that HiGHS may take for it."""
CLOSE = 1e-7
"""Values that differ by less are the same."""


class Pool:
    """Blocks in one piece and in balance.

    Parameters
    ----------
    graph : Graph
        Loads in fair shares, prices in sides of a block (`gridgeo.partition.search.solve.in_units`).
    aim : Aim
    """

    def __init__(self, graph: Graph, aim: Aim) -> None:
        self.graph, self.aim = graph, aim
        self.members: list[Integers] = []
        self.values: list[float] = []
        self._known: set[bytes] = set()
        bounded = np.isfinite(np.array(aim.tolerance)) & (graph.load.sum(axis=0) > 0)
        self._limit = np.where(bounded, np.array(aim.tolerance) + ROUNDING, math.inf)
        self._moment = graph.inertia + graph.area * (graph.x**2 + graph.y**2)

    def __len__(self) -> int:
        return len(self.members)

    def learn(self, block: Integers) -> int:
        """Take up the blocks of a plan that are in balance, each in one piece; returns how many of them are new."""
        count, load = self.aim.count, self.graph.load
        order = np.argsort(block, kind="stable")
        parts = np.split(order, np.searchsorted(block[order], np.arange(1, count)))
        held: Floats = np.stack([np.bincount(block, weights=column, minlength=count) for column in load.T], axis=1)
        held = held.astype(np.float64)
        fits: Flags = np.asarray((np.abs(held - 1.0) <= self._limit).all(axis=1))
        fresh = [
            number
            for number, part in enumerate(parts)
            if fits[number] and len(part) and part.tobytes() not in self._known
        ]
        if fresh:
            values = self._worth(block, held)
            for number in fresh:
                self._known.add(parts[number].tobytes())
                self.members.append(parts[number])
                self.values.append(float(values[number]))
        return len(fresh)

    def _worth(self, block: Integers, held: Floats) -> Floats:
        """Return what each block of a plan costs: half its border, its shape and its mild imbalance."""
        graph, aim, count = self.graph, self.aim, self.aim.count
        sides = block[graph.pairs]
        apart = sides[:, 0] != sides[:, 1]
        value = np.zeros(count)
        for side in sides[apart].T:
            value += np.bincount(side, weights=graph.cost[apart] / 2, minlength=count)

        def summed(values: Floats) -> Floats:
            return np.asarray(np.bincount(block, weights=values, minlength=count))

        if aim.compact > 0:
            area, mx, my = summed(graph.area), summed(graph.area * graph.x), summed(graph.area * graph.y)
            inertia = summed(self._moment)
            safe = np.where(area > 0, area, 1.0)
            value += aim.compact * 2 * math.pi * (inertia - (mx * mx + my * my) / safe) / (safe * safe)
        return np.asarray(value + aim.mild * ((held - 1.0) ** 2).sum(axis=1))

    def best(self, value: float) -> Integers | None:
        """Return a plan of blocks in the pool that costs less than ``value``, where there is one."""
        if len(self) < self.aim.count:
            return None
        every: Sequence[int] = range(len(self))
        if len(self) > MOST_BLOCKS:
            every = range(len(self) - MOST_BLOCKS, len(self))
        relaxed = self._solver(every)
        relaxed.run()
        if relaxed.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        gain = value - float(relaxed.getInfo().objective_function_value)
        if gain <= CLOSE:
            return None
        reduced = np.array(relaxed.getSolution().col_dual)
        able = np.flatnonzero(reduced < gain)
        able = np.sort(able[np.argsort(reduced[able], kind="stable")[:MOST_CHOSEN]])
        chosen = [every[at] for at in able.tolist()]
        solver = self._solver(chosen)
        whole = np.full(len(chosen), highspy.HighsVarType.kInteger)
        solver.changeColsIntegrality(len(chosen), np.arange(len(chosen), dtype=np.int32), whole)
        solver.setOptionValue("mip_max_nodes", NODES)
        solver.setOptionValue("mip_abs_gap", CLOSE)
        solver.setOptionValue("mip_rel_gap", 0.0)
        solver.setOptionValue("objective_bound", value)
        solver.run()
        taken = [at for at, much in zip(chosen, solver.getSolution().col_value, strict=False) if much > 0.5]
        block = np.full(len(self.graph), -1, dtype=np.int64)
        for number, at in enumerate(taken):
            block[self.members[at]] = number
        if len(taken) != self.aim.count or (block < 0).any():
            return None
        return block if math.fsum(self.values[at] for at in taken) < value - CLOSE else None

    def _solver(self, blocks: Sequence[int]) -> Any:
        """Return the linear programme of some blocks."""
        solver = quiet_solver()
        size, count = len(self.graph), len(blocks)
        rows = [np.append(self.members[at], size) for at in blocks]
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = count, size + 1
        model.col_cost_ = np.array([self.values[at] for at in blocks])
        model.col_lower_, model.col_upper_ = np.zeros(count), np.ones(count)
        model.row_lower_ = model.row_upper_ = np.append(np.ones(size), float(self.aim.count))
        model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        model.a_matrix_.start_ = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int32)
        model.a_matrix_.index_ = np.concatenate(rows).astype(np.int32)
        model.a_matrix_.value_ = np.ones(len(model.a_matrix_.index_))
        solver.passModel(model)
        return solver
