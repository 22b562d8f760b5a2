"""A crew: the grids of a draft searched one by one or in several processes, each on its own, always in the same order.

Each task carries its own seed, so what it finds does not depend on who does it, when, or what else is done. Ctrl-C
once: searches in hand end with the best they have, the rest is done in a hurry; twice: everything stops.
"""

from __future__ import annotations

import _thread
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from gridgeo.language import Message
from gridgeo.network import Integers, groups
from gridgeo.partition.blocks import SMALL_PIECE, Grouping, Least, group, group_evenly
from gridgeo.partition.blocks import deviations as deviations_of
from gridgeo.partition.rebalance import Point, point, rebalance
from gridgeo.partition.search import Graph, Rules
from gridgeo.partition.search.budget import USUAL_SECONDS
from gridgeo.partition.search.exact import FEW, NODES
from gridgeo.partition.search.level import are_kept, compiled_loops
from gridgeo.partition.search.problem import with_demanded_borders
from gridgeo.partition.search.run import quick_work_of, work_of
from gridgeo.progress import track

SPEED = 4e6
"""Proposals a second, as a rule: what a budget of seconds is reckoned in, on any machine alike."""
WORTH_A_PROCESS = 2e7
"""Proposals for which it is worth starting another process."""
LENIENT = 3.0
"""How much longer than reckoned a search may take before it is stopped."""
HURRY = 0.02
"""Share of the effort for what is left to do after Ctrl-C."""
NUDGE_SECONDS = 0.5
"""Between two interrupts of a search that does not end."""
SECOND_LOOK = 0.3
"""Effort of looking for another number of blocks that would do."""
LARGEST_LOOKED_AT = 3000
"""Atoms: in larger grids no other number of blocks is looked for."""

_DRAFTING = Message("Drafting blocks", "划分责任块")


@dataclass(frozen=True)
class Task:
    """One part of a grid to be divided.

    Parameters
    ----------
    graph : Graph
    count : int
    tolerance : tuple of float
        For each attribute.
    seed : int
    rules : Rules
    effort, compact, small_piece, seconds : float
        See `gridgeo.partition.blocks.group`.
    nodes : int
        That a proof may cost.
    old : array or None
        Old block of each atom, from which to start.
    price : float
        Of workload that changes hands.
    """

    graph: Graph
    count: int
    tolerance: tuple[float, ...]
    seed: int
    rules: Rules = field(default_factory=Rules)
    effort: float = 1.0
    compact: float = 1.0
    small_piece: float = SMALL_PIECE
    seconds: float = USUAL_SECONDS
    nodes: int = NODES
    old: Integers | None = None
    price: float = 0.0

    @property
    def work(self) -> float:
        """Proposals at the usual effort."""
        if self.count <= 1:
            return 0.0
        return float((work_of if self.old is None else quick_work_of)(len(self.graph), self.count))


@dataclass(frozen=True)
class Solved:
    """What was found for a task.

    Parameters
    ----------
    grouping : Grouping
    point : Point or None
        Against the old plan.
    other : int
        Another number of blocks that was seen to be within all tolerances, where the one asked for was not; 0 for none.
    least : list of Least
        The smallest tolerances that can be met with the number asked for, where the draft is beyond a tolerance.
    hurried : bool
        Whether the search was interrupted.
    """

    grouping: Grouping
    point: Point | None = None
    other: int = 0
    least: list[Least] = field(default_factory=list)
    hurried: bool = False


def solve(task: Task) -> Solved:
    """Divide one part of a grid."""
    least: list[Least] = []
    found = None
    if task.old is not None:
        grouping, found = _from_old(task)
    elif _stop.is_set():
        grouping = _grouped(task, task.count, task.effort)
    else:
        grouping, least = group_evenly(task.graph, task.count, **_options(task, task.effort))
    other = 0
    if not within(task, grouping.block) and len(task.graph) <= LARGEST_LOOKED_AT and not _stop.is_set():
        for count in _others(task):
            if within(task, _grouped(task, count, task.effort * SECOND_LOOK).block, count):
                other = count
                break
    return Solved(grouping, found, other, least, hurried=_stop.is_set())


def deviations(task: Task, block: Integers, count: int = 0) -> np.ndarray:
    """Return the largest deviation from the mean, for each attribute."""
    return deviations_of(task.graph.load, block, count)


def within(task: Task, block: Integers, count: int = 0) -> bool:
    """Tell whether a plan has so many blocks (by default those asked for) and all are within the tolerances."""
    many = int(block.max()) + 1
    return many == (count or task.count) and bool((deviations(task, block) <= np.array(task.tolerance) + 1e-9).all())


def _grouped(task: Task, count: int, effort: float) -> Grouping:
    return group(task.graph, count, **_options(task, effort))


def _options(task: Task, effort: float) -> dict[str, Any]:
    return {
        "tolerance": task.tolerance,
        "seed": task.seed,
        "rules": task.rules,
        "effort": effort,
        "compact": task.compact,
        "small_piece": task.small_piece,
        "seconds": task.seconds,
        "nodes": task.nodes,
    }


def _from_old(task: Task) -> tuple[Grouping, Point]:
    """Rebalance an old plan under the rules: what stays together is one atom, in the old block of most of it."""
    assert task.old is not None
    together = task.rules.groups(len(task.graph))
    graph = with_demanded_borders(task.graph.merged(together), together, task.rules)
    width = int(task.old.max()) + 2
    held = np.zeros((len(graph), width))
    np.add.at(held, (together, task.old), task.graph.area)
    held[:, -1] *= 1e-9  # no block at all: only if nothing else
    old = held.argmax(axis=1)
    old[old == width - 1] = -1
    # a block that lost all its ground to one that stays together is gone: blocks are numbered without gaps
    present = np.unique(old[old >= 0])
    number = np.full(width, -1, dtype=np.int64)
    number[present] = np.arange(len(present))
    found = rebalance(
        graph,
        number[old],
        tolerance=task.tolerance,
        price=task.price,
        seed=task.seed,
        effort=task.effort,
        count=task.count,
        compact=task.compact,
        small_piece=task.small_piece,
    )
    block = found.block[together]
    inside = task.graph.passable & (block[task.graph.pairs[:, 0]] == block[task.graph.pairs[:, 1]])
    pieces = int(groups(len(block), task.graph.pairs[inside]).max()) - int(block.max())
    return Grouping(block, [], pieces), point(task.graph, task.old, block, task.price)


def _others(task: Task) -> list[int]:
    """Return the numbers of blocks to try instead: the most that the heaviest atom allows, and the nearest ones."""
    total, heaviest = task.graph.load.sum(axis=0), task.graph.load.max(axis=0)
    most = [
        int(whole * (1 + tolerance) / one)
        for whole, one, tolerance in zip(total.tolist(), heaviest.tolist(), task.tolerance, strict=True)
        if one > 0
    ]
    limit = min([len(task.graph), *most])
    near = [task.count - 1, task.count + 1, task.count - 2]
    wanted = [min(limit, task.count - 1), *near] if limit < task.count else near
    return list(dict.fromkeys(count for count in wanted if 1 < count <= limit and count != task.count))[:3]


def solve_all(tasks: Sequence[Task], *, jobs: int, seconds: float) -> list[Solved]:
    """Solve tasks, in their order.

    Parameters
    ----------
    tasks : sequence of Task
    jobs : int
        Processes at most. More than one needs a script that guards its start with ``if __name__ == "__main__":``.
    seconds : float
        Seconds of processor time at `SPEED`: where the usual effort takes longer, all tasks get so much less of it.
        The plan depends on this number and not on how fast the machine is.
    """
    work = sum(task.work * task.effort for task in tasks)
    share = min(1.0, seconds * SPEED / work) if work > 0 else 1.0
    # the limit is for machines far slower than that: a plan that runs into it depends on the machine, and says so
    limit = LENIENT * max(seconds, 1.0)
    # who gives more time than usual wants a better proof too
    nodes = int(NODES * max(1.0, seconds / USUAL_SECONDS))
    tasks = [
        replace(
            task,
            effort=task.effort * share,
            seconds=max(1.0, limit * task.work * task.effort / max(work, 1.0)),
            nodes=nodes,
        )
        for task in tasks
    ]
    # the largest first, so that no process is left alone with it in the end
    order = sorted(range(len(tasks)), key=lambda at: (-tasks[at].work, at))
    processes = min(jobs, len(tasks), int(work * share // WORTH_A_PROCESS))
    with _interruptible() as stopped:
        if processes > 1 and any(map(_needs_loops, tasks)) and not are_kept():
            compiled_loops()  # once here, and not in every process
        done = _in_processes(tasks, order, processes, stopped) if processes > 1 else _one_by_one(tasks, order)
        solved = dict(track(done, _DRAFTING, total=len(tasks)))
    return [solved[at] for at in range(len(tasks))]


def _one_by_one(tasks: Sequence[Task], order: Sequence[int]) -> Iterator[tuple[int, Solved]]:
    for at in order:
        yield at, _do(tasks[at])


def _needs_loops(task: Task) -> bool:
    return task.count > 1 and len(task.graph) > FEW


def _do(task: Task) -> Solved:
    """Solve a task; in a hurry once the crew was told to stop."""
    if not _stop.is_set():
        if _needs_loops(task):
            compiled_loops()  # an interrupt in the midst of loading a compiler leaves it broken
        _busy.set()
        try:
            found = solve(task)
            _busy.clear()
            return found
        except KeyboardInterrupt:  # before the search had any plan, or after its end
            _busy.clear()
            if not _stop.is_set():
                raise
    return solve(replace(task, effort=task.effort * HURRY))


def _in_processes(
    tasks: Sequence[Task], order: Sequence[int], processes: int, stopped: list[Callable[[], None]]
) -> Iterator[tuple[int, Solved]]:
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    # a fresh interpreter: a fork would copy the locks that threads of a progress bar or of a notebook hold
    context = multiprocessing.get_context("spawn")
    event = context.Event()
    stopped.append(event.set)
    pool = ProcessPoolExecutor(processes, context, initializer=_begin, initargs=(event,))
    try:
        results = pool.map(_do, [tasks[at] for at in order])
        yield from zip(order, results, strict=True)
        pool.shutdown()
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise


_stop = threading.Event()
"""Set in this process once the user has asked for the best so far."""
_busy = threading.Event()
"""Set while a task is solved that may be interrupted."""
_nudged = threading.Event()
"""Set when an interrupt comes from `_nudge` and not from the user."""


def _nudge() -> None:
    """Interrupt the task in hand until it ends: an interrupt that falls into an import is lost."""
    while _busy.is_set():
        _nudged.set()
        _thread.interrupt_main()
        time.sleep(NUDGE_SECONDS)


def _is_nudge() -> bool:
    """Tell whether an interrupt is one of ours, and forget it."""
    ours = _nudged.is_set()
    _nudged.clear()
    return ours


def _begin(event: Any) -> None:
    """Set a process up: the terminal's Ctrl-C goes to all processes, but only the crew's word counts here."""

    def interrupted(*_: object) -> None:
        if _is_nudge() and _busy.is_set():
            raise KeyboardInterrupt

    def watch() -> None:
        event.wait()
        _stop.set()
        _nudge()

    signal.signal(signal.SIGINT, interrupted)
    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _interruptible() -> Iterator[list[Callable[[], None]]]:
    """Turn the first Ctrl-C into a word to stop searching; the second one is an interrupt as always.

    Yields a list of what else is to be called then.
    """
    also: list[Callable[[], None]] = []
    if threading.current_thread() is not threading.main_thread():
        yield also
        return
    before = signal.getsignal(signal.SIGINT)

    def interrupted(*_: object) -> None:
        if _is_nudge():
            if _busy.is_set():
                raise KeyboardInterrupt
        elif _stop.is_set():
            raise KeyboardInterrupt
        else:
            _stop.set()
            for call in also:
                call()
            threading.Thread(target=_nudge, daemon=True).start()

    signal.signal(signal.SIGINT, interrupted)
    try:
        yield also
    finally:
        signal.signal(signal.SIGINT, before)
        _stop.clear()
        _busy.clear()
