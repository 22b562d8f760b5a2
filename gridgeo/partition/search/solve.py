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
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace

import numpy as np

from gridgeo.language import Message
from gridgeo.network import Integers
from gridgeo.partition.search import kernel
from gridgeo.partition.search.answer import Answer, End, price_of, within
from gridgeo.partition.search.bound import packed_bound
from gridgeo.partition.search.budget import USUAL_SECONDS, Budget
from gridgeo.partition.search.exact import FEW, LARGEST, NODES, prove
from gridgeo.partition.search.level import Level, compiled_loops, loops_for
from gridgeo.partition.search.polish import polish
from gridgeo.partition.search.problem import Aim, Graph, fair_loads
from gridgeo.partition.search.run import COLD, HARD, HOT, POLISHED, SEVERAL, STARTS, STRICT, Run, quick_work_of, work_of
from gridgeo.progress import track

MORE_STARTS = 20
"""Quick searches whose plans a proof begins with: a cheaper plan leaves less to rule out."""
EVEN_STARTS, EVEN_STEPS = 12, 3000
"""Searches that look for balance alone where no plan was in balance, and the proposals an atom of each."""
EVENLY = 30.0
"""What the square of a deviation counts for there,"""
STRICTER = 0.6
"""and the part of each tolerance that they aim at."""
FEW_A_BLOCK = 13
"""Atoms a block up to which the exact model is tried on larger areas: it gives a bound, where it gives no proof."""
_SEARCHING = Message("Searching for blocks", "搜索责任块划分")


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
    # what the exact model proves needs no breeding
    quick = HARD < size <= LARGEST and aim == _plain(aim)
    budget = Budget(seconds)
    answer, plans = _searched(graph, aim, seed, effort, budget, quick=quick)
    if quick and answer.ended == "itself":
        answer = _surer(graph, aim, answer, plans, seed, effort, budget, nodes)
        if answer.ended == "itself" and answer.gap > 0 and not answer.impossible and not budget.over:
            return _bred(graph, aim, answer, seed, effort, budget)
        return answer
    return answer if answer.ended == "interrupted" else _surer(graph, aim, answer, plans, seed, effort, budget, nodes)


def _plain(aim: Aim) -> Aim:
    """Return the aim of the cheapest borders alone."""
    return replace(aim, compact=0.0, mild=0.0)


def _searched(
    graph: Graph, aim: Aim, seed: int, effort: float, budget: Budget, *, quick: bool
) -> tuple[Answer, list[Integers]]:
    """Search, without a proof; returns also other plans that were found."""
    size = len(graph)
    work = quick_work_of(size, aim.count, effort) if quick else work_of(size, aim.count, effort)
    run = Run(in_units(graph, aim), aim, loops_for(work), seed, work, quick)
    ended: End = "itself"
    try:
        with closing(run.steps()) as steps:
            for _ in track(steps, _SEARCHING, total=run.total):
                if budget.over:
                    ended = "budget"
                    break
    except KeyboardInterrupt:
        if run.level is None and not run.plans:
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
    return answer, run.plans


def _bred(graph: Graph, aim: Aim, answer: Answer, seed: int, effort: float, budget: Budget) -> Answer:
    """Return the answer with a better plan, where breeding finds one."""
    try:
        bred, _ = _searched(graph, aim, seed, effort, budget, quick=False)
        for block in _polished(graph, aim, bred, budget):
            bred = replace(bred, block=block, price=price_of(graph, block))
    except KeyboardInterrupt:
        return replace(answer, ended="interrupted")
    if bred.balanced and (not answer.balanced or bred.price < answer.price):
        return replace(bred, lower_bound=answer.lower_bound)
    return replace(answer, ended=bred.ended)


def _polished(graph: Graph, aim: Aim, answer: Answer, budget: Budget) -> Iterator[Integers]:
    """Yield better and better plans, where the plan is in balance and not proven."""
    if answer.balanced and answer.gap > 0 and len(graph) <= POLISHED:
        yield from polish(in_units(graph, aim), aim, answer.block, budget=budget.part(0.5))


def _surer(
    graph: Graph,
    aim: Aim,
    answer: Answer,
    plans: Sequence[Integers],
    seed: int,
    effort: float,
    budget: Budget,
    nodes: int,
) -> Answer:
    """Return the answer with a proof or a higher lower bound, and with a better plan where the proof found one."""
    size = len(graph)
    try:
        if (size <= LARGEST or (size <= SEVERAL and size <= FEW_A_BLOCK * aim.count)) and not budget.over:
            answer = _proven(graph, aim, answer, plans, seed, effort, budget, nodes)
        if not answer.balanced and not answer.impossible and HARD < len(graph) <= SEVERAL:
            answer = _balanced(graph, aim, answer, seed, effort, budget)
        for block in _polished(graph, aim, answer, budget):
            answer = replace(answer, block=block, price=price_of(graph, block))
        if answer.balanced and answer.gap > 0 and not budget.over:
            loops = compiled_loops() if len(graph) > FEW else kernel
            bound = packed_bound(in_units(graph, aim), aim, loops, budget=budget) * _side(graph, aim)
            answer = replace(answer, lower_bound=max(answer.lower_bound, bound))
    except KeyboardInterrupt:
        return replace(answer, ended="interrupted")
    return answer


def _proven(
    graph: Graph,
    aim: Aim,
    answer: Answer,
    others: Sequence[Integers],
    seed: int,
    effort: float,
    budget: Budget,
    nodes: int,
) -> Answer:
    """Prove what the cheapest borders are; they are the plan where nothing but the price of borders counts."""
    plain = _plain(aim)
    units = in_units(graph, aim)
    plans = [plan for plan in [answer.block, *others] if within(graph, aim, plan)]
    loops = compiled_loops() if len(graph) > FEW else kernel
    # breeding gives plans enough to begin with, but where it had another aim
    starts = int(plain != aim) if len(graph) <= HARD else MORE_STARTS if plain != aim or len(graph) <= LARGEST else 0
    for number in range(starts):
        if budget.over:
            break
        run = Run(units, plain, loops, seed + number * STARTS, quick_work_of(len(graph), aim.count, effort), True)
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
        run = Run(free, even, loops, seed + number, EVEN_STEPS * len(graph), True)
        for _ in run.steps():
            pass
        if within(graph, aim, run.block):
            level = Level(units, aim, loops, STRICT)
            level.work.state[0] = 1 + seed
            level.begin(run.block)
            work = quick_work_of(len(graph), aim.count, effort)
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
