"""Work on many things at once, in several processes where there is enough to do, always in the same order."""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
Tools = TypeVar("Tools")

_WORTH_A_PROCESS = 12
"""Things to do for which it is worth starting another process."""


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
        What the tools are made of; it is copied into each process.
    jobs : int
        Processes at most. More than one needs a script that guards its start with ``if __name__ == "__main__":``.
    """
    processes = min(jobs, len(work) // _WORTH_A_PROCESS)
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


_open = ExitStack()
_bound: list[Callable[[Any], Any]] = []


def _begin(do: Callable[[Any, Any], Any], tools: Callable[..., AbstractContextManager[Any]], given: Any) -> None:
    """Set a process up; its tools are put away when it ends."""
    atexit.register(_open.close)
    own = _open.enter_context(tools(*given))
    _bound.append(lambda item: do(own, item))


def _do(item: Any) -> Any:
    return _bound[0](item)
