"""Level: a graph made ready for the loops, with the plan that is being improved."""

from __future__ import annotations

import importlib
import importlib.util
import math
import os
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from gridgeo._numba_cache import is_kept
from gridgeo.language import Message
from gridgeo.network import Floats, Integers
from gridgeo.partition.search import kernel
from gridgeo.partition.search.answer import ROUNDING
from gridgeo.partition.search.problem import Aim, Graph
from gridgeo.progress import remark

COMPILED = "gridgeo.partition.search.compiled"
WORTH_COMPILING = 1_000_000
"""Proposals: fewer take plain Python less time than a compiler needs."""
CHUNK = 200_000
"""Proposals between two looks at the clock."""
LOOKS = 16
"""Proposals an atom between two plans on the way that are looked at, where anyone wants to see them."""
STEEPEST = 30.0
"""The highest price of an atom's share of imbalance, in units of the mean price of a pair."""
TREES = 12
"""Spanning trees tried for one cut."""

_COMPILING = Message(
    "compiling the search, once for this computer (about 20 seconds)", "正在编译搜索程序（约 20 秒，本机只需一次）"
)


def loops_for(work: int) -> Any:
    """Return the module of loops for so much work: plain Python for little, compiled for much."""
    engine = os.environ.get("GRIDGEO_ENGINE", "")
    if engine == "numpy" or (engine != "numba" and work < WORTH_COMPILING):
        return kernel
    return compiled_loops()


@cache
def compiled_loops() -> Any:
    """Return the compiled loops after they ran once, so no budget pays for a compiler; plain ones without numba."""
    if COMPILED not in sys.modules and importlib.util.find_spec("numba") is None:
        return kernel
    if not are_kept():
        remark(_COMPILING)
    loops = importlib.import_module(COMPILED)
    chain = Graph(
        load=np.ones((4, 1)),
        area=np.ones(4),
        x=np.arange(4.0),
        y=np.zeros(4),
        pairs=np.array([[0, 1], [1, 2], [2, 3]]),
        cost=np.ones(3),
        passable=np.ones(3, dtype=np.bool_),
    )
    level = Level(chain, Aim(2, (0.1,)), loops)
    level.begin(level.start())
    level.anneal(10, 0.5, 0.1)
    level.recombine(1)
    return loops


def are_kept() -> bool:
    """Return whether the loops were compiled in an earlier run: else the first one takes a compiler's time."""
    return is_kept(Path(kernel.__file__), "anneal", lambda: importlib.import_module(COMPILED).anneal)


class Level:
    """A graph made ready for the loops, with the plan that is being improved."""

    def __init__(
        self,
        graph: Graph,
        aim: Aim,
        loops: Any,
        steepest: float = STEEPEST,
        seen: Callable[[Integers], object] | None = None,
    ) -> None:
        self.graph, self.aim, self.loops, self.steepest = graph, aim, loops, steepest
        self.look, self.seen = CHUNK, seen
        if seen is not None:
            self.look = LOOKS * max(64, len(graph))
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
        limit = np.array([tolerance + ROUNDING / 10 for tolerance in aim.tolerance])
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
        for _ in self.annealing(steps, hot, cold):
            pass

    def annealing(self, steps: int, hot: float, cold: float) -> Iterator[None]:
        """Do as `anneal`, with a pause after each chunk of steps."""
        cooling = (cold / hot) ** (1 / max(1, steps))
        done = 0
        least, most = 0.2 * self.unit, self.steepest * self.unit * len(self.graph) / self.aim.count
        since = 0
        while done < steps:
            now = min(self.look, steps - done)
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
            since += now
            if self.seen is not None:
                self.seen(np.array(self.plan.block, dtype=np.int64))
            if since >= CHUNK or done == steps:
                since = 0
                yield
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
