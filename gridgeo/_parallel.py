"""Work on many things at once, in processes where there is enough to do, always in the same order.

The process that asks works as well: with two jobs only one more is started, and memory is that of two. The others are
fresh interpreters: a copy of this one would hold the locks that threads of a progress bar or of a notebook had taken.
"""

from __future__ import annotations

import atexit
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future, ProcessPoolExecutor

Item = TypeVar("Item")
Result = TypeVar("Result")
Tools = TypeVar("Tools")

_WORTH_A_PROCESS = 12
"""Things to do for which it is worth starting another process."""
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
        What the tools are made of; it is copied into each process.
    jobs : int
        Processes at most, this one among them. More than one needs a script that guards its start with
        ``if __name__ == "__main__":``.
    """
    processes = min(jobs, len(work) // _WORTH_A_PROCESS)
    if processes <= 1:
        with tools(*given) as own:
            for item in work:
                yield do(own, item)
        return
    import multiprocessing
    import pickle
    from concurrent.futures import ProcessPoolExecutor

    context = multiprocessing.get_context("spawn")
    # packed, so that a process can see to its libraries' threads before it loads them
    begin = (pickle.dumps((do, tools, given), pickle.HIGHEST_PROTOCOL),)
    pool = ProcessPoolExecutor(processes - 1, context, initializer=_begin, initargs=begin)
    try:
        yield from _shared_out(work, do, tools, given, pool)
    finally:  # whoever stops early waits for no more than what is being done
        pool.shutdown(cancel_futures=True)


def _shared_out(
    work: Sequence[Item],
    do: Callable[[Tools, Item], Result],
    tools: Callable[..., AbstractContextManager[Tools]],
    given: tuple[Any, ...],
    pool: ProcessPoolExecutor,
) -> Iterator[Result]:
    """Yield what comes of each item, in their order; this process takes what no other one has begun."""
    waiting = [pool.submit(_do, item) for item in work]
    untried = iter(range(len(work)))
    own_results: dict[int, Future[Result]] = {}
    with tools(*given) as own:
        for k, future in enumerate(waiting):
            while k not in own_results and not future.done():
                mine = next((j for j in untried if j >= k and waiting[j].cancel()), None)
                if mine is None:
                    break
                own_results[mine] = _done(do, own, work[mine])
            yield own_results.pop(k, future).result()


def _done(do: Callable[[Tools, Item], Result], own: Tools, item: Item) -> Future[Result]:
    """Return what came of an item, be it an error: its turn to be told comes with the order of the items."""
    from concurrent.futures import Future

    outcome: Future[Result] = Future()
    try:
        outcome.set_result(do(own, item))
    except Exception as error:
        outcome.set_exception(error)
    return outcome


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
