"""The search for blocks in a graph of atoms that is connected on foot: multilevel start, annealing, recombination.

Theory. Atoms are matched over dear borders until few are left (coarsening); random spanning trees are cut in balance
where the cut is cheap; the plan is annealed on each level, from the coarsest back to the atoms, and pairs of
neighbouring blocks are merged and cut anew. What is minimised is the price of the borders in units of a block's side,
plus compactness, a mild square of imbalance and, beyond the tolerance, a price that adapts.

Cost. Work is counted in proposals, not in seconds, so that the same seed gives the same plan on any machine: about
five million compiled proposals a second, a hundred and fifty thousand in plain Python.

Limits. The answer is good, not proven.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gridgeo.network import Floats, Integers
from gridgeo.partition.search import kernel
from gridgeo.partition.search.problem import Aim, Graph, coarser, fair_loads

COMPILED = "gridgeo.partition.search.compiled"
WORTH_COMPILING = 1_000_000
"""Proposals: fewer take plain Python less time than a compiler needs."""
CHUNK = 2_000_000
"""Proposals between two chances to be interrupted."""
COARSEST = 12
"""Atoms a block where coarsening ends."""
HOT, COLD = 0.8, 0.1
"""Temperature at the begin and at the end of annealing, in units of the mean price of a pair."""
STEEPEST = 30.0
"""The highest price of an atom's share of imbalance, in units of the mean price of a pair."""
TREES = 12
"""Spanning trees tried for one cut."""
MARGIN = 0.98
"""What part of the tolerance is used, so that rounding breaks no promise."""
SEED_RANGE = 1 << 48


def work_of(size: int, count: int, effort: float = 1.0) -> int:
    """Return how many proposals a search may make."""
    if size <= 60:
        return int(effort * 4 * (1500 + 120 * size))
    return int(effort * size * min(2800.0, 250.0 * max(1.0, size / 400) * max(1.0, math.log2(count))))


def loops_for(work: int) -> Any:
    """Return the module of loops for so much work: plain Python for little, compiled for much."""
    engine = os.environ.get("GRIDGEO_ENGINE", "")
    if engine == "numpy" or (engine != "numba" and work < WORTH_COMPILING):
        return kernel
    if COMPILED not in sys.modules and importlib.util.find_spec("numba") is None:
        return kernel
    return importlib.import_module(COMPILED)


class Level:
    """A graph made ready for the loops, with the plan that is being improved."""

    def __init__(self, graph: Graph, aim: Aim, loops: Any) -> None:
        self.graph, self.aim, self.loops = graph, aim, loops
        size, many = graph.load.shape
        count = len(graph.pairs)
        ends = np.concatenate([graph.pairs, graph.pairs[:, ::-1]])
        order = np.lexsort((ends[:, 1], ends[:, 0]))
        back = np.empty(2 * count, dtype=np.int64)
        back[order] = np.arange(2 * count)
        walk = np.where(graph.passable, np.cumsum(graph.passable) - 1, -1)
        walkable = graph.pairs[graph.passable]
        self.net = kernel.Net(
            start=self.column(np.searchsorted(ends[order, 0], np.arange(size + 1))),
            near=self.column(ends[order, 1]),
            twin=self.column(back[(order + count) % (2 * count)] if count else order),
            cost=self.column(np.concatenate([graph.cost, graph.cost])[order]),
            pair=self.column(np.concatenate([walk, walk])[order]),
            one=self.column(walkable[:, 0]),
            two=self.column(walkable[:, 1]),
            load=self.column(graph.load.ravel()),
            area=self.column(graph.area),
            mx=self.column(graph.area * graph.x),
            my=self.column(graph.area * graph.y),
            inertia=self.column(graph.inertia + graph.area * (graph.x**2 + graph.y**2)),
        )
        limit = np.array([MARGIN * tolerance for tolerance in aim.tolerance])
        self.rule = kernel.Rule(many, self.column(limit), float(aim.compact), float(aim.mild))
        price = np.abs(graph.cost[graph.passable])
        self.unit = float(np.median(price[price > 0])) if (price > 0).any() else 1.0
        self.work = kernel.Work(
            mark=self.zeros(size),
            queue=self.zeros(size),
            moving=self.zeros(size),
            members=self.zeros(size),
            chosen=self.zeros(size),
            parent=self.zeros(size),
            size=self.zeros(size),
            depth=self.zeros(size),
            sums=self.column(np.zeros(size * many)),
            crossing=self.column(np.zeros(size)),
            heap=self.zeros(2 * count + 1),
            key=self.column(np.zeros(2 * count + 1)),
            state=self.zeros(2),
        )
        self.best: Any = self.zeros(size)
        self.score: Any = self.column(np.array([math.inf, math.inf]))
        self.plan: Any = None
        self.steep = self.unit * len(graph) / aim.count

    def column(self, values: Floats | Integers) -> Any:
        """Return numbers as the loops want them."""
        kind = np.float64 if values.dtype.kind == "f" else np.int64
        array = np.ascontiguousarray(values, dtype=kind)
        return array.tolist() if self.loops is kernel else array

    def zeros(self, size: int) -> Any:
        """Return so many whole zeros."""
        return self.column(np.zeros(size, dtype=np.int64))

    def begin(self, block: Integers) -> None:
        """Take a plan as the one to be improved."""
        count = self.aim.count
        pairs = len(self.net.one)
        self.plan = kernel.Plan(
            block=self.column(block),
            atoms=self.zeros(count),
            load=self.column(np.zeros(count * len(self.aim.tolerance))),
            area=self.column(np.zeros(count)),
            mx=self.column(np.zeros(count)),
            my=self.column(np.zeros(count)),
            inertia=self.column(np.zeros(count)),
            cut=self.zeros(pairs),
            place=self.zeros(pairs),
            cuts=self.zeros(1),
        )
        self.loops.fill(self.net, self.rule, self.plan)
        self.loops.note(self.net, self.rule, self.plan, self.best, self.score)

    def anneal(self, steps: int, hot: float, cold: float) -> None:
        """Move atoms at falling temperature, and go on from the best plan met."""
        cooling = (cold / hot) ** (1 / max(1, steps))
        done = 0
        least, most = 0.2 * self.unit, STEEPEST * self.unit * len(self.graph) / self.aim.count
        while done < steps:
            now = min(CHUNK, steps - done)
            warmth = self.unit * hot * cooling**done
            self.steep = self.loops.anneal(
                self.net,
                self.rule,
                self.plan,
                self.work,
                self.best,
                self.score,
                now,
                warmth,
                cooling,
                self.steep,
                least,
                most,
            )
            done += now
        self.begin(self.plan_found())

    def recombine(self, rounds: int) -> None:
        """Merge neighbouring blocks and cut them anew, wherever that makes the plan better."""
        steep = max(self.steep, 20.0 * self.unit * math.sqrt(len(self.graph) / self.aim.count))
        for _ in range(rounds):
            block = np.asarray(self.plan.block)
            sides = block[self.graph.pairs[self.graph.passable]]
            sides = np.unique(np.sort(sides[sides[:, 0] != sides[:, 1]], axis=1), axis=0)
            better = False
            for one, two in sides.tolist():
                better |= bool(self.loops.recombine(self.net, self.rule, self.plan, self.work, one, two, TREES, steep))
            self.loops.note(self.net, self.rule, self.plan, self.best, self.score)
            if not better:
                break

    def plan_found(self) -> Integers:
        """Return the best plan so far."""
        return np.array(self.best, dtype=np.int64)

    def start(self) -> Integers:
        """Return a first plan by recursive bisection along random spanning trees."""
        size = len(self.graph)
        inside = self.zeros(size)
        stack = [(np.arange(size), self.aim.count, 0)]
        while stack:
            atoms, count, first = stack.pop()
            if count == 1:
                continue
            # Halves, or what comes next to it where the graph has no such cut (a star has not); one leaf can always go.
            for less in range(count // 2, 0, -1):
                upper = self.bisect(inside, atoms, less, count - less)
                if upper is not None:
                    break
            else:
                raise AssertionError("a connected graph can always be cut")
            for atom in upper.tolist():
                inside[atom] = first + less
            stack.append((np.setdiff1d(atoms, upper, assume_unique=True), less, first))
            stack.append((upper, count - less, first + less))
        return np.array(inside, dtype=np.int64)

    def bisect(self, inside: Any, atoms: Integers, below: int, above: int) -> Integers | None:
        """Cut the atoms of one number; returns those for ``above`` blocks, or nothing where there is no such cut."""
        for index, atom in enumerate(atoms.tolist()):
            self.work.members[index] = atom
        if not self.loops.bisect(self.net, self.rule, inside, self.work, len(atoms), below, above, TREES):
            return None
        return atoms[[self.work.chosen[atom] == 0 for atom in atoms.tolist()]]


def search(graph: Graph, aim: Aim, *, seed: int, effort: float = 1.0) -> Integers:
    """Return the block of each atom of a graph that is connected on foot.

    Parameters
    ----------
    graph : Graph
    aim : Aim
    seed : int
        The same seed gives the same plan.
    effort : float
        How much work is done, against the usual.
    """
    size = len(graph)
    if aim.count <= 1:
        return np.zeros(size, dtype=np.int64)
    if aim.count >= size:
        return np.arange(size, dtype=np.int64)
    graph = in_units(graph, aim)
    work = work_of(size, aim.count, effort)
    loops = loops_for(work)
    starts = 4 if size <= 60 else 2 if size <= 1200 else 1
    found: list[tuple[tuple[float, float], list[int]]] = []
    try:
        for number in range(starts):
            block, score = _once(graph, aim, loops, seed + number, work // starts, found)
            found.append((score, block.tolist()))
    except KeyboardInterrupt:
        if not found:
            raise
    return np.array(min(found)[1], dtype=np.int64)


def in_units(graph: Graph, aim: Aim) -> Graph:
    """Return a graph with loads in units of a fair share and borders in units of a block's side."""
    side = math.sqrt(math.fsum(graph.area) / aim.count)
    return replace(
        graph,
        load=fair_loads(graph, aim),
        cost=graph.cost / side,
        x=graph.x - graph.x.mean(),
        y=graph.y - graph.y.mean(),
        own=graph.inertia,
    )


def _once(
    graph: Graph, aim: Aim, loops: Any, seed: int, work: int, found: list[tuple[tuple[float, float], list[int]]]
) -> tuple[Integers, tuple[float, float]]:
    """Search once, from the coarsest graph to the atoms."""
    random = np.random.default_rng(seed)
    graphs, groups_of = [graph], list[Integers]()
    while len(graphs[-1]) > max(100, COARSEST * aim.count):
        group = coarser(graphs[-1], random, 0.5)
        if int(group.max()) + 1 > 0.9 * len(group):
            break
        groups_of.append(group)
        graphs.append(graphs[-1].merged(group))
    level = Level(graphs[-1], aim, loops)
    level.work.state[0] = int(random.integers(SEED_RANGE))
    block = level.start()
    hot = HOT
    total = sum(len(each) for each in graphs)
    for number in range(len(graphs) - 1, -1, -1):
        if number < len(graphs) - 1:
            block = block[groups_of[number]]
            state = level.work.state[0]
            level = Level(graphs[number], aim, loops)
            level.work.state[0] = state
        level.begin(block)
        steps = work * len(graphs[number]) // total
        try:
            level.anneal(steps * 3 // 4, hot, COLD)
            level.recombine(2)
            level.anneal(steps // 4, min(hot, HOT / 6), COLD / 2)
        except KeyboardInterrupt:
            _keep(level, groups_of[:number], found)
            raise
        block = level.plan_found()
    return block, (round(level.score[0], 12), float(level.score[1]))


def _keep(level: Level, groups_of: Sequence[Integers], found: list[tuple[tuple[float, float], list[int]]]) -> None:
    """Keep the best plan of a level, on the atoms."""
    block = level.plan_found()
    for group in reversed(groups_of):
        block = block[group]
    found.append(((round(level.score[0], 12), float(level.score[1])), block.tolist()))
