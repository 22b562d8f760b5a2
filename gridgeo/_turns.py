"""Threads of one process that take turns: while one runs Python, a library of another works outside of the interpreter.

Python runs one thread at a time anyway, but lets another one in whenever a library works by itself. A drawing calls
GEOS hundreds of times for some microseconds each, and after each call the thread would wait for milliseconds until it
is let in again: two threads that draw take longer than one after the other. So a thread that has its turn keeps it
until it gives it away for something that takes long.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_inside = threading.Lock()
_own = threading.local()


@contextmanager
def turn() -> Iterator[None]:
    """Wait until no other thread has its turn, and have one."""
    with _inside:
        _own.has_turn = True
        try:
            yield
        finally:
            _own.has_turn = False


@contextmanager
def outside() -> Iterator[None]:
    """Give the turn away while a library works outside of the interpreter.

    A thread that takes no turns goes on as it is.
    """
    if not getattr(_own, "has_turn", False):
        yield
        return
    _inside.release()
    try:
        yield
    finally:
        _inside.acquire()
