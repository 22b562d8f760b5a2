"""The search for blocks in a graph of atoms that is connected on foot: multilevel start, annealing, recombination.

Theory. Atoms are matched over dear borders until few are left (coarsening); random spanning trees are cut in balance
where the cut is cheap; the plan is annealed on each level, from the coarsest back to the atoms, and pairs of
neighbouring blocks are merged and cut anew. In areas of medium size several plans are bred: where two of them agree
atoms stay together, and what is left is annealed and cut anew. What is minimised is the price of the borders in units
of a block's side, plus compactness, a mild square of imbalance and, beyond the tolerance, a price that adapts.

Cost. Work is counted in proposals, not in seconds, so that the same seed gives the same plan on any machine: about
five million compiled proposals a second, a hundred and fifty thousand in plain Python. A budget of seconds of
processor time ends it sooner on a slow machine; the answer then says so.

Limits. How good the plan is, the answer tells (`gridgeo.partition.search.answer`).
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import numpy as np

from gridgeo.language import Message
from gridgeo.network import Integers, groups
from gridgeo.partition.search import kernel
from gridgeo.partition.search.answer import Answer, End, price_of, within
from gridgeo.partition.search.bound import packed_bound
from gridgeo.partition.search.budget import USUAL_SECONDS, Budget
from gridgeo.partition.search.exact import FEW, LARGEST, NODES, prove
from gridgeo.partition.search.level import CHUNK, STEEPEST, Level, compiled_loops, loops_for
from gridgeo.partition.search.polish import polish
from gridgeo.partition.search.problem import Aim, Graph, coarser, fair_loads
from gridgeo.progress import track

COARSEST = 12
"""Atoms a block where coarsening ends."""
HOT, COLD = 0.8, 0.1
"""Temperature at the begin and at the end of annealing, in units of the mean price of a pair."""
SEED_RANGE = 1 << 48
SAME_SCORE = 7
"""Decimals in which the scores of a plan that was found twice agree: its blocks may be numbered otherwise."""
SEVERAL = 300
"""Atoms above which plans are bred, up to `POLISHED`: below, the exact model and a few starts do as well."""
FIRST_PLANS = 16
"""Plans that are bred from: half as many become alike long before the work is done."""
CHILD_STEPS, FEWEST_CHILDREN = 600, 12
"""Proposals an atom that go into each child, and how many children there are at least."""
ANCESTRY = 0.25
"""Share of the work that goes into the first plans: quick ones do, what counts is many generations after them."""
BRED_WORK = 20.0
"""How much more work breeding is than one search."""
MOST_BRED_WORK = 60_000_000
"""Proposals that breeding makes at most: its graphs are small and quick to walk through."""
STRICT = 1000.0
"""The highest price of imbalance where plans are bred: heavy atoms leave few plans in balance."""
POLISHED = 3000
"""Atoms up to which plans are polished: above, there are too many neighbours for the time."""
MOST_WORK = 28_000_000
"""Proposals a search makes at most: some forty seconds."""
STARTS = 4
"""Searches from different seeds at most, of which the best counts."""
MORE_STARTS = 20
"""Quick searches whose plans a proof begins with: a cheaper plan leaves less to rule out,"""
HARD = 60
"""in areas of more atoms than these."""
EVEN_STARTS, EVEN_STEPS = 12, 3000
"""Searches that look for balance alone where no plan was in balance, and the proposals an atom of each."""
EVENLY = 30.0
"""What the square of a deviation counts for there,"""
STRICTER = 0.6
"""and the part of each tolerance that they aim at."""
LAST_STEPS = 20
"""Proposals an atom with which a search that was stopped brings its plan in order."""

_SEARCHING = Message("Searching for blocks", "搜索责任块划分")


def work_of(size: int, count: int, effort: float = 1.0) -> int:
    """Return how many proposals a search may make."""
    if size <= 60:
        return int(effort * 4 * (1500 + 120 * size))
    each = min(2800.0, 250.0 * max(1.0, size / 400) * max(1.0, math.log2(count)))
    if SEVERAL < size <= POLISHED:
        return int(effort * min(size * each * BRED_WORK, MOST_BRED_WORK))
    return int(effort * min(size * each, MOST_WORK))


def search(
    graph: Graph, aim: Aim, *, seed: int, effort: float = 1.0, seconds: float = USUAL_SECONDS, nodes: int = NODES
) -> Answer:
    """Find the block of each atom of a graph that is connected on foot.

    Parameters
    ----------
    graph : Graph
    aim : Aim
    seed : int
        The same seed gives the same plan, wherever the search ends by itself.
    effort : float
        How much work is done, against the usual.
    seconds : float
        Of processor time, after which the best plan so far is returned. So it is on Ctrl-C.
    nodes : int
        That the proof for a small area may cost: some four hundred thousand a second.
    """
    size = len(graph)
    if aim.count <= 1 or aim.count >= size:
        block = np.zeros(size, dtype=np.int64) if aim.count <= 1 else np.arange(size, dtype=np.int64)
        return _only(graph, replace(aim, count=max(1, min(aim.count, size))), block)
    work = work_of(size, aim.count, effort)
    loops = loops_for(work)
    budget = Budget(seconds)
    run = _Run(in_units(graph, aim), aim, loops, seed, work)
    ended: End = "itself"
    try:
        with closing(run.steps()) as steps:
            for _ in track(steps, _SEARCHING, total=run.total):
                if budget.over:
                    ended = "budget"
                    break
    except KeyboardInterrupt:
        if run.level is None and not run.found:
            raise
        ended = "interrupted"
    if ended != "itself":
        run.stop()
    answer = Answer(
        block=run.block,
        price=price_of(graph, run.block),
        lower_bound=0.0,
        balanced=within(graph, aim, run.block),
        ended=ended,
    )
    return answer if ended == "interrupted" else _surer(graph, aim, answer, seed, effort, budget, nodes)


def _surer(graph: Graph, aim: Aim, answer: Answer, seed: int, effort: float, budget: Budget, nodes: int) -> Answer:
    """Return the answer with a proof or a higher lower bound, and with a better plan where the proof found one."""
    try:
        if len(graph) <= LARGEST and not budget.over:
            answer = _proven(graph, aim, answer, seed, effort, budget, nodes)
        if not answer.balanced and not answer.impossible and HARD < len(graph) <= SEVERAL:
            answer = _balanced(graph, aim, answer, seed, effort, budget)
        if answer.balanced and answer.gap > 0 and len(graph) <= POLISHED:
            for block in polish(in_units(graph, aim), aim, answer.block, budget=budget.part(0.5)):
                answer = replace(answer, block=block, price=price_of(graph, block))
        if answer.balanced and answer.gap > 0 and not budget.over:
            loops = compiled_loops() if len(graph) > FEW else kernel
            bound = packed_bound(in_units(graph, aim), aim, loops, budget=budget) * _side(graph, aim)
            answer = replace(answer, lower_bound=max(answer.lower_bound, bound))
    except KeyboardInterrupt:
        return replace(answer, ended="interrupted")
    return answer


def _proven(graph: Graph, aim: Aim, answer: Answer, seed: int, effort: float, budget: Budget, nodes: int) -> Answer:
    """Prove what the cheapest borders are; they are the plan where nothing but the price of borders counts."""
    plain = replace(aim, compact=0.0, mild=0.0)
    units = in_units(graph, aim)
    plans = [answer.block] if answer.balanced else []
    loops = compiled_loops() if len(graph) > FEW else kernel
    for number in range(MORE_STARTS if len(graph) > HARD else int(plain != aim)):
        run = _Run(units, plain, loops, seed + number * STARTS, work_of(len(graph), aim.count, effort))
        for _ in run.steps():
            pass
        plans += [run.block] if within(graph, aim, run.block) else []
    proof = prove(units, plain, plans, nodes=nodes, budget=budget)
    bound = max(answer.lower_bound, proof.bound * _side(graph, aim))
    if proof.block is not None and (plain == aim or not answer.balanced):
        answer = replace(answer, block=proof.block, price=price_of(graph, proof.block), balanced=True)
    ended: End = "budget" if budget.over or proof.out_of_time else answer.ended
    if proof.bound == proof.value and proof.block is not None and plain == aim:
        bound = answer.price
    return replace(answer, lower_bound=bound, ended=ended)


def _balanced(graph: Graph, aim: Aim, answer: Answer, seed: int, effort: float, budget: Budget) -> Answer:
    """Look for a plan in balance by searches for which borders are all but free, then make its borders cheaper.

    Where atoms are heavy few plans are in balance, and dear borders wall them off from each other.
    """
    loops, units = compiled_loops(), in_units(graph, aim)
    tolerance = [STRICTER * each for each in aim.tolerance]
    even = replace(aim, tolerance=tolerance, compact=0.0, mild=EVENLY)
    free = replace(units, cost=np.where(units.cost < 0, units.cost, 1e-6))
    for number in range(max(1, int(effort * EVEN_STARTS))):
        if budget.over:
            break
        run = _Run(free, even, loops, seed + number, EVEN_STEPS * len(graph))
        for _ in run.steps():
            pass
        if within(graph, aim, run.block):
            level = Level(units, aim, loops, STRICT)
            level.work.state[0] = 1 + seed
            level.begin(run.block)
            work = work_of(len(graph), aim.count, effort)
            level.anneal(work * 3 // 4, HOT, COLD)
            level.recombine(2)
            level.anneal(work // 4, HOT / 6, COLD / 2)
            block = level.plan_found()
            return replace(answer, block=block, price=price_of(graph, block), balanced=within(graph, aim, block))
    return answer


def _only(graph: Graph, aim: Aim, block: Integers) -> Answer:
    """Return the answer where there is but one plan."""
    price, balanced = price_of(graph, block), within(graph, aim, block)
    return Answer(block, price, price if balanced else math.inf, balanced)


def _side(graph: Graph, aim: Aim) -> float:
    """Return the side of a square block."""
    return math.sqrt(math.fsum(graph.area) / aim.count)


def in_units(graph: Graph, aim: Aim) -> Graph:
    """Return a graph with loads in units of a fair share and borders in units of a block's side."""
    side = _side(graph, aim)
    return replace(
        graph,
        load=fair_loads(graph, aim),
        cost=graph.cost / side,
        x=graph.x - graph.x.mean(),
        y=graph.y - graph.y.mean(),
        own=graph.inertia,
    )


class _Run:
    """One search: several starts, each from the coarsest graph to the atoms; it can be stopped at any step."""

    def __init__(self, graph: Graph, aim: Aim, loops: Any, seed: int, work: int) -> None:
        size = len(graph)
        self.graph, self.aim, self.loops, self.seed, self.work = graph, aim, loops, seed, work
        self.starts = STARTS if size <= 60 else 2 if size <= 1200 else 1
        self.total = max(self.starts, work // CHUNK)
        self.bred = SEVERAL < size <= POLISHED
        price = graph.cost[graph.passable & (graph.cost > 0)]
        # dear borders are crossed by heat alone: where prices differ the usual heat leaves plans as they began
        uneven = float(np.sqrt((price**2).mean()) / np.median(price)) if len(price) else 1.0
        self.hot = HOT * uneven if self.bred else HOT
        self.found: list[tuple[tuple[float, float], list[int]]] = []
        self.level: Level | None = None
        self.groups: list[Integers] = []

    @property
    def block(self) -> Integers:
        """The best plan of all starts."""
        return np.array(min(self.found)[1], dtype=np.int64)

    def steps(self) -> Generator[None, None, None]:
        """Search, with a pause now and then."""
        if self.bred:
            yield from self._breed()
            return
        for number in range(self.starts):
            yield from self._once(self.seed + number, self.work // self.starts)
            self._keep()

    def stop(self) -> None:
        """Bring the plan of a search that was stopped down to the atoms and in order."""
        if self.level is None:
            return
        block = self.level.plan_found()
        for group in reversed(self.groups):
            block = block[group]
        if self.groups:
            self.level, state = self._level(self.graph), self.level.work.state[0]
            self.level.work.state[0] = state
            self.level.begin(block)
            self.groups = []
        self.level.anneal(LAST_STEPS * len(self.graph), self.hot / 6, COLD / 2)
        self._keep()

    def _breed(self) -> Iterator[None]:
        """Search several times, then breed better plans from pairs of those found."""
        for number in range(FIRST_PLANS):
            yield from self._once(self.seed + number, int(ANCESTRY * self.work / FIRST_PLANS))
            self._keep()
        random = np.random.default_rng(self.seed)
        work = (1 - ANCESTRY) * self.work
        children = max(FEWEST_CHILDREN, round(work / (CHILD_STEPS * len(self.graph))))
        steps = int(work / children)
        for _ in range(children):
            self.found.sort()
            better, other = sorted(random.choice(len(self.found), 2, replace=False).tolist())
            parents = [np.array(self.found[at][1], dtype=np.int64) for at in (better, other)]
            yield from self._child(parents[0], parents[1], steps, random)
            self._keep()
            # the worst one goes; so does a plan that is there twice
            ordered = sorted(self.found, reverse=True)
            distinct = {(score[0], round(score[1], SAME_SCORE)): (score, plan) for score, plan in ordered}
            self.found = sorted(distinct.values())[:FIRST_PLANS]
            if len(self.found) < 2:
                return

    def _child(self, plan: Integers, other: Integers, steps: int, random: np.random.Generator) -> Iterator[None]:
        """Improve a plan where another one differs: atoms that both have in one block stay together, then no more."""
        one, two = self.graph.pairs.T
        agreed = (plan[one] == plan[two]) & (other[one] == other[two]) & self.graph.passable
        group = groups(len(self.graph), self.graph.pairs[agreed])
        level = self._level(self.graph.merged(group))
        level.work.state[0] = int(random.integers(SEED_RANGE))
        level.begin(plan[np.unique(group, return_index=True)[1]])
        self.level, self.groups = level, [group]
        yield from level.annealing(steps // 6, self.hot * 0.6, COLD)
        level.recombine(1)
        block, state = level.plan_found()[group], level.work.state[0]
        level = self._level(self.graph)
        level.work.state[0] = state
        level.begin(block)
        self.level, self.groups = level, []
        yield from level.annealing(steps * 2 // 3, self.hot / 6, COLD / 2)
        level.recombine(2)
        yield from level.annealing(steps // 6, COLD, COLD / 2)

    def _level(self, graph: Graph) -> Level:
        """Return a graph made ready for the loops."""
        return Level(graph, self.aim, self.loops, STRICT if self.bred else STEEPEST)

    def _keep(self) -> None:
        """Keep the best plan of the atoms."""
        assert self.level is not None
        score = (round(self.level.score[0], 12), float(self.level.score[1]))
        self.found.append((score, self.level.plan_found().tolist()))
        self.level = None

    def _once(self, seed: int, work: int) -> Iterator[None]:
        """Search once, from the coarsest graph to the atoms."""
        random = np.random.default_rng(seed)
        graphs, groups_of = [self.graph], list[Integers]()
        while len(graphs[-1]) > max(100, COARSEST * self.aim.count):
            group = coarser(graphs[-1], random, 0.5)
            if int(group.max()) + 1 > 0.9 * len(group):
                break
            groups_of.append(group)
            graphs.append(graphs[-1].merged(group))
        level = self._level(graphs[-1])
        level.work.state[0] = int(random.integers(SEED_RANGE))
        block = level.start()
        total = sum(len(each) for each in graphs)
        for number in range(len(graphs) - 1, -1, -1):
            if number < len(graphs) - 1:
                block = block[groups_of[number]]
                state = level.work.state[0]
                level = self._level(graphs[number])
                level.work.state[0] = state
            level.begin(block)
            self.level, self.groups = level, groups_of[:number]
            steps = work * len(graphs[number]) // total
            yield from level.annealing(steps * 3 // 4, self.hot, COLD)
            level.recombine(2)
            yield from level.annealing(steps // 4, self.hot / 6, COLD / 2)
            block = level.plan_found()
