"""Work on many things at once, in processes where there is enough to do, always in the same order.

The process that asks works as well: with two jobs only one more is started, and memory is that of two. Work that a
library does half of, outside of the interpreter, keeps two processors busy from threads of this process alone. Other
processes are fresh interpreters: a copy of this one would hold the locks that threads of a progress bar or of a
notebook had taken.
"""

from __future__ import annotations

import atexit
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from gridgeo._steps import IN_HAND, Steps, at_once, take_turns

if TYPE_CHECKING:
    from concurrent.futures import Future, ProcessPoolExecutor

Item = TypeVar("Item")
Result = TypeVar("Result")
Tools = TypeVar("Tools")

_WORTH_A_PROCESS = 12
"""Things to do for which it is worth starting another process."""
_THREADS_IN_TURN = 2
"""Threads that keep two processors busy: a third one makes nothing faster, and takes memory."""
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
"""What tells numpy how many threads to start: with a process for each processor, more get in each other's way.
Typst's are seen to where it is started, `gridgeo.render.print_fonts`."""


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def each(
    work: Sequence[Item],
    do: Callable[[Tools, Item], Result],
    tools: Callable[..., AbstractContextManager[Tools]],
    given: tuple[Any, ...],
    *,
    jobs: int,
) -> Iterator[Result]:
    """Yield ``do(tools, item)`` for each item of ``work``, in their order.

    Parameters
    ----------
    work : sequence
    do, tools : callable
        Functions of modules. ``tools(*given)`` is entered once in each process and left at its end.
    given : tuple
        What the tools are made of; it is copied into each other process.
    jobs : int
        Processes at most, this one among them. More than one need a script that guards its start with
        ``if __name__ == "__main__":``.
    """
    others = _useful(jobs, len(work)) - 1
    with _begun(others, work, do, tools, given) as elsewhere, tools(*given) as own:
        yield from _alone(work, do, own, _Left(len(work), elsewhere), elsewhere)


def each_in_steps(
    work: Sequence[Item],
    steps: Callable[[Tools, Item], Steps[Result]],
    tools: Callable[..., AbstractContextManager[Tools]],
    given: tuple[Any, ...],
    *,
    jobs: int,
) -> Iterator[Result]:
    """Yield what comes of ``steps(tools, item)`` for each item of ``work``, in their order.

    Two processors are kept busy by two threads of this process, which takes far less memory than another process:
    see `gridgeo._steps`. About half of the work must be done outside of the interpreter for that.

    Parameters
    ----------
    work, tools, given
        As of `each`; a thread enters the tools for each item that it has in hand.
    steps : callable
        A function of a module.
    jobs : int
        Processors to use at most. More than two need other processes, as with `each`.
    """
    useful = _useful(jobs, len(work))
    threads = _THREADS_IN_TURN if useful > 1 else 1
    do = partial(_take_all, steps)
    with _begun(useful - threads, work, do, tools, given) as elsewhere, ExitStack() as ending:
        left = _Left(len(work), elsewhere)
        if threads == 1:
            yield from _alone(work, do, ending.enter_context(tools(*given)), left, elsewhere)
        else:
            crews = [[ending.enter_context(tools(*given)) for _ in range(IN_HAND)] for _ in range(threads)]
            yield from _in_threads(work, steps, crews, left, elsewhere)


def _take_all(steps: Callable[[Tools, Item], Steps[Result]], tools: Tools, item: Item) -> Result:
    return at_once(steps(tools, item))


def _useful(jobs: int, count: int) -> int:
    """Return how many processors are worth their start."""
    return max(1, min(jobs, count // _WORTH_A_PROCESS))


@contextmanager
def _begun(
    others: int,
    work: Sequence[Item],
    do: Callable[[Tools, Item], Result],
    tools: Callable[..., AbstractContextManager[Tools]],
    given: tuple[Any, ...],
) -> Iterator[list[Future[Result]]]:
    """Begin the work in so many other processes; nothing where there are none."""
    if others <= 0:
        yield []
        return
    pool = _processes(others, do, tools, given)
    try:
        with _interrupts_put_off():
            begun = [pool.submit(_do, item) for item in work]
        yield begun
    finally:
        # whoever stops early waits for no more than what is being done
        pool.shutdown(cancel_futures=True)


class _Left:
    """The items that nobody has begun, given out in their order."""

    def __init__(self, count: int, begun_elsewhere: Sequence[Future[Any]]) -> None:
        self._items, self._begun_elsewhere, self._lock = iter(range(count)), begun_elsewhere, threading.Lock()

    def next(self) -> int | None:
        """Take the first one."""
        with self._lock:
            return next(
                (k for k in self._items if not self._begun_elsewhere or self._begun_elsewhere[k].cancel()), None
            )


def _alone(
    work: Sequence[Item],
    do: Callable[[Tools, Item], Result],
    tools: Tools,
    left: _Left,
    begun_elsewhere: Sequence[Future[Result]],
) -> Iterator[Result]:
    """Yield what comes of each item, in their order; while another process has the next one, go on with others."""
    from concurrent.futures import Future

    own_results: dict[int, Future[Result]] = {}
    for k in range(len(work)):
        while k not in own_results and not (begun_elsewhere and begun_elsewhere[k].done()):
            mine = left.next()
            if mine is None:
                break
            own_results[mine] = Future()
            _settle(own_results[mine], do, tools, work[mine])
        yield (own_results.pop(k, None) or begun_elsewhere[k]).result()


def _in_threads(
    work: Sequence[Item],
    steps: Callable[[Tools, Item], Steps[Result]],
    crews: Sequence[Sequence[Tools]],
    left: _Left,
    begun_elsewhere: Sequence[Future[Result]],
) -> Iterator[Result]:
    """Yield what comes of each item, in their order, done by a thread for each crew of tools or by other processes."""
    from concurrent.futures import CancelledError, Future, ThreadPoolExecutor

    own_results: list[Future[Result]] = [Future() for _ in work]
    stopped = threading.Event()

    def begin(tools: Tools) -> tuple[Steps[Result], Future[Result]] | None:
        mine = None if stopped.is_set() else left.next()
        return None if mine is None else (steps(tools, work[mine]), own_results[mine])

    with ThreadPoolExecutor(len(crews)) as threads:
        try:
            for crew in crews:
                # a thread knows nothing of the language and the progress bars of the one that starts it
                threads.submit(copy_context().run, take_turns, crew, begin)
            for k, own in enumerate(own_results):
                try:
                    result = (begun_elsewhere[k] if begun_elsewhere else own).result()
                except CancelledError:  # one of the threads has it
                    result = own.result()
                yield result
        finally:
            stopped.set()


def _settle(outcome: Future[Result], do: Callable[[Tools, Item], Result], own: Tools, item: Item) -> None:
    """Do an item; what comes of it, be it an error, is told when its turn comes in the order of the items."""
    try:
        outcome.set_result(do(own, item))
    except Exception as error:
        outcome.set_exception(error)


def _processes(
    count: int,
    do: Callable[[Tools, Item], Result],
    tools: Callable[..., AbstractContextManager[Tools]],
    given: tuple[Any, ...],
) -> ProcessPoolExecutor:
    import multiprocessing
    import pickle
    from concurrent.futures import ProcessPoolExecutor

    context = multiprocessing.get_context("spawn")
    # packed, so that a process can see to its libraries' threads before it loads them
    begin = (pickle.dumps((do, tools, given), pickle.HIGHEST_PROTOCOL),)
    return ProcessPoolExecutor(count, context, initializer=_begin, initargs=begin)


@contextmanager
def _interrupts_put_off() -> Iterator[None]:
    """Put Ctrl-C off while processes are started: they inherit that, so that none dies of it before it has begun."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_open = ExitStack()
_bound: list[Callable[[Any], Any]] = []


def _begin(packed: bytes) -> None:
    """Set a process up; its tools are put away when it ends."""
    import pickle

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process; the one that asked tells the others
    for name in _ONE_THREAD:
        os.environ[name] = "1"
    do, tools, given = pickle.loads(packed)  # noqa: S301 - from the process that started this one
    atexit.register(_open.close)
    own = _open.enter_context(tools(*given))
    _bound.append(lambda item: do(own, item))


def _do(item: Any) -> Any:
    return _bound[0](item)
