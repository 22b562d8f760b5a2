"""Work on many things at once, in processes or threads where there is enough to do, always in the same order."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
Tools = TypeVar("Tools")

_WORTH_A_PROCESS = 12
"""Things to do for which it is worth starting another process."""
_MOST_THREADS = 3
"""Threads that one interpreter keeps busy, where each is outside of it for half of the time."""


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
    threads: bool = False,
) -> Iterator[Result]:
    """Yield ``do(tools, item)`` for each item of ``work``, in their order.

    Parameters
    ----------
    work : sequence
    do, tools : callable
        Functions of modules. ``tools(*given)`` is entered once in each process or thread and left at its end.
    given : tuple
        What the tools are made of; it is copied into each process.
    jobs : int
        Processes at most. More than one needs a script that guards its start with ``if __name__ == "__main__":``.
    threads : bool
        Whether two or three jobs are threads of this process: for work of which half is done outside of Python. A
        process more takes seconds to start and holds everything once more.
    """
    processes = min(jobs, len(work) // _WORTH_A_PROCESS)
    if threads and 1 < processes <= _MOST_THREADS:
        yield from _in_threads(work, do, tools, given, processes)
        return
    if processes <= 1:
        with tools(*given) as own:
            for item in work:
                yield do(own, item)
        return
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    # a fresh interpreter: a fork would copy the locks that threads of a progress bar or of a notebook hold
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, initializer=_begin, initargs=(do, tools, given)) as pool:
        yield from pool.map(_do, work, chunksize=4)


def _in_threads(
    work: Sequence[Item],
    do: Callable[[Tools, Item], Result],
    tools: Callable[..., AbstractContextManager[Tools]],
    given: tuple[Any, ...],
    count: int,
) -> Iterator[Result]:
    from concurrent.futures import ThreadPoolExecutor

    own = threading.local()
    with ExitStack() as opened, ThreadPoolExecutor(count) as pool:
        lock = threading.Lock()

        def done(item: Item) -> Result:
            if not hasattr(own, "tools"):
                with lock:
                    own.tools = opened.enter_context(tools(*given))
            return do(own.tools, item)

        waiting = [pool.submit(done, item) for item in work]
        try:
            for future in waiting:
                yield future.result()
        finally:  # whoever stops early waits for no more than what is being done
            for future in waiting:
                future.cancel()


class Turn:
    """Lets one thread at a time work in Python, until it works outside of it for long.

    Left to themselves, threads hand the interpreter to one another at each call into a library, thousands of times for
    one drawing, and each time the system has to switch between them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    @contextmanager
    def passed_on(self) -> Iterator[None]:
        """Let others have their turn meanwhile; only for who has it."""
        self._lock.release()
        try:
            yield
        finally:
            self._lock.acquire()


_open = ExitStack()
_bound: list[Callable[[Any], Any]] = []


def _begin(do: Callable[[Any, Any], Any], tools: Callable[..., AbstractContextManager[Any]], given: Any) -> None:
    """Set a process up; its tools are put away when it ends."""
    atexit.register(_open.close)
    own = _open.enter_context(tools(*given))
    _bound.append(lambda item: do(own, item))


def _do(item: Any) -> Any:
    return _bound[0](item)
