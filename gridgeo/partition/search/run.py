"""Run: one search for blocks, from starts that are improved level by level, bred, and put together from a pool.

Theory. Atoms are matched over dear borders until few are left (coarsening); random spanning trees are cut in balance
where the cut is cheap; the plan is annealed on each level, from the coarsest back to the atoms, and pairs of
neighbouring blocks are merged and cut anew. In larger areas several plans are bred: where two of them agree atoms stay
together, and what is left is annealed and cut anew. In areas of up to some hundred atoms breeding starts over several
times, and of all blocks that were seen on the way the best plan is chosen (`gridgeo.partition.search.pool`), until a
round finds the best plan once more, or two rounds have brought nothing better.

Cost. Counted in proposals: see `gridgeo.partition.search.solve`.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from typing import Any

import numpy as np

from gridgeo.network import Integers, groups
from gridgeo.partition.search.level import CHUNK, STEEPEST, Level
from gridgeo.partition.search.pool import Pool
from gridgeo.partition.search.problem import Aim, Graph, coarser

COARSEST = 12
"""Atoms a block where coarsening ends."""
HOT, COLD = 0.8, 0.1
"""Temperature at the begin and at the end of annealing, in units of the mean price of a pair."""
SEED_RANGE = 1 << 48
ROUND_SEEDS = 1_000_003
"""Seeds from one round's to the next one's: no two searches with seeds near each other share a round."""
SAME_SCORE = 7
"""Decimals in which the scores of a plan that was found twice agree: its blocks may be numbered otherwise."""
HARD = 60
"""Atoms above which plans are bred, up to `POLISHED`: below, the exact model and a few starts do as well."""
POLISHED = 3000
"""Atoms up to which plans are bred and polished: above, there are too many neighbours for the time."""
SEVERAL = 300
"""Atoms up to which breeding starts over, and plans are put together from a pool of all blocks seen."""
ROUND_WORK, FULL = 18_000, 120
"""Proposals an atom of one such round, in areas of so many atoms; in smaller ones fewer,"""
MOST_ROUNDS = 6
"""rounds at the usual effort, at most,"""
IN_VAIN = 2
"""and rounds in a row that bring nothing better, after which there are no more."""
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
MOST_WORK = 28_000_000
"""Proposals a search makes at most: some forty seconds."""
STARTS = 4
"""Searches from different seeds at most, of which the best counts."""
LAST_STEPS = 20
"""Proposals an atom with which a search that was stopped brings its plan in order."""


def work_of(size: int, count: int, effort: float = 1.0) -> int:
    """Return how many proposals a search may make."""
    if HARD < size <= SEVERAL:
        return int(effort * MOST_ROUNDS * _round_work(size))
    return quick_work_of(size, count, effort)


def _round_work(size: int) -> float:
    """Return how many proposals a round of breeding makes."""
    return ROUND_WORK * size * min(1.0, size / FULL)


def quick_work_of(size: int, count: int, effort: float = 1.0) -> int:
    """Return how many proposals a search without breeding in rounds may make."""
    if size <= HARD:
        return int(effort * 4 * (1500 + 120 * size))
    each = min(2800.0, 250.0 * max(1.0, size / 400) * max(1.0, math.log2(count)))
    if SEVERAL < size <= POLISHED:
        return int(effort * min(size * each * BRED_WORK, MOST_BRED_WORK))
    return int(effort * min(size * each, MOST_WORK))


class Run:
    """One search: several starts, each from the coarsest graph to the atoms; it can be stopped at any step."""

    def __init__(self, graph: Graph, aim: Aim, loops: Any, seed: int, work: int, quick: bool = False) -> None:
        size = len(graph)
        self.graph, self.aim, self.loops, self.seed, self.work = graph, aim, loops, seed, work
        self.starts = STARTS if size <= HARD else 2 if size <= 1200 else 1
        self.bred = not quick and HARD < size <= POLISHED
        self.pool = Pool(graph, aim) if self.bred and size <= SEVERAL else None
        self.total = max(self.starts, work // CHUNK)
        price = graph.cost[graph.passable & (graph.cost > 0)]
        # dear borders are crossed by heat alone: where prices differ the usual heat leaves plans as they began
        uneven = float(np.sqrt((price**2).mean()) / np.median(price)) if len(price) else 1.0
        self.hot = HOT * uneven if self.bred else HOT
        self.found: list[tuple[tuple[float, float], list[int]]] = []
        self.kept: list[tuple[tuple[float, float], list[int]]] = []
        self.level: Level | None = None
        self.groups: list[Integers] = []

    @property
    def plans(self) -> list[Integers]:
        """The plans found that are still kept, the best one first."""
        return [np.array(plan, dtype=np.int64) for _, plan in sorted(self.kept + self.found)]

    @property
    def block(self) -> Integers:
        """The best plan of all starts."""
        return self.plans[0]

    def steps(self) -> Generator[None, None, None]:
        """Search, with a pause now and then."""
        if self.pool is not None:
            yield from self._rounds(self.pool)
            return
        if self.bred:
            yield from self._breed(self.seed, self.work)
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

    def _rounds(self, pool: Pool) -> Iterator[None]:
        """Breed from several starts, and after each choose the best plan from the pool of all blocks seen."""
        rounds = max(1, round(self.work / _round_work(len(self.graph))))
        best, in_vain = (math.inf, math.inf), 0

        def told(score: tuple[float, float]) -> tuple[float, float]:
            return score[0], round(score[1], SAME_SCORE)

        for number in range(rounds):
            yield from self._breed(self.seed + number * ROUND_SEEDS, self.work // rounds)
            self.kept.append(min(self.found))
            # a plan that is out of balance is not good enough: a better one is looked for as long as may be
            if best[0] <= 0 and told(self.kept[-1][0]) == best:
                return  # found twice, from other starts
            least = min(self.kept)[0]
            block = pool.best(least[1] if least[0] <= 0 else math.inf)
            if block is not None:
                self.level = self._level(self.graph)
                self.level.begin(block)
                self._keep()
                self.kept.append(self.found[-1])
            yield
            now = told(min(self.kept)[0])
            best, in_vain = (now, 0) if now < best else (best, in_vain + 1)
            if in_vain >= IN_VAIN and best[0] <= 0:
                return

    def _breed(self, seed: int, whole: int) -> Iterator[None]:
        """Search several times, then breed better plans from pairs of those found."""
        self.found = []
        for number in range(FIRST_PLANS):
            yield from self._once(seed + number, int(ANCESTRY * whole / FIRST_PLANS))
            self._keep()
        random = np.random.default_rng(seed)
        work = (1 - ANCESTRY) * whole
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
        seen = self.pool.learn if self.pool is not None and graph is self.graph else None
        return Level(graph, self.aim, self.loops, STRICT if self.bred else STEEPEST, seen)

    def _keep(self) -> None:
        """Keep the best plan of the atoms."""
        assert self.level is not None
        if self.pool is not None:
            self.pool.learn(self.level.plan_found())
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
