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
from typing import TYPE_CHECKING, Any, TypeVar

from gridgeo._turns import turn

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
    in_turns: bool = False,
) -> Iterator[Result]:
    """Yield ``do(tools, item)`` for each item of ``work``, in their order.

    Parameters
    ----------
    work : sequence
    do, tools : callable
        Functions of modules. ``tools(*given)`` is entered once in each process, or thread, and left at its end.
    given : tuple
        What the tools are made of; it is copied into each other process.
    jobs : int
        Processors to use at most, the one of this process among them. More than this process uses need a script that
        guards its start with ``if __name__ == "__main__":``.
    in_turns : bool
        Whether this process uses two processors: ``do`` must then give its turn away (`gridgeo._turns.outside`) for
        about half of its time. That takes far less memory than another process.
    """
    enough = max(1, min(jobs, len(work) // _WORTH_A_PROCESS))
    threads = _THREADS_IN_TURN if in_turns and enough > 1 else 1
    others = enough - threads
    with ExitStack() as ending:
        begun_elsewhere: list[Future[Result]] = []
        if others > 0:
            pool = _processes(others, do, tools, given)
            # whoever stops early waits for no more than what is being done
            ending.callback(pool.shutdown, cancel_futures=True)
            with _interrupts_put_off():
                begun_elsewhere = [pool.submit(_do, item) for item in work]
        left = _Left(len(work), begun_elsewhere)
        own_tools = [ending.enter_context(tools(*given)) for _ in range(threads)]
        if threads > 1:
            yield from _in_threads(work, do, own_tools, left, begun_elsewhere)
        else:
            yield from _alone(work, do, own_tools[0], left, begun_elsewhere)


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
    do: Callable[[Tools, Item], Result],
    crew: Sequence[Tools],
    left: _Left,
    begun_elsewhere: Sequence[Future[Result]],
) -> Iterator[Result]:
    """Yield what comes of each item, in their order, done by a thread for each of the tools or by other processes."""
    from concurrent.futures import CancelledError, Future, ThreadPoolExecutor

    own_results: list[Future[Result]] = [Future() for _ in work]
    stopped = threading.Event()

    def keep_on(tools: Tools) -> None:
        while not stopped.is_set() and (mine := left.next()) is not None:
            with turn():
                _settle(own_results[mine], do, tools, work[mine])

    with ThreadPoolExecutor(len(crew)) as threads:
        try:
            for tools in crew:
                # a thread knows nothing of the language and the progress bars of the one that starts it
                threads.submit(copy_context().run, keep_on, tools)
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
