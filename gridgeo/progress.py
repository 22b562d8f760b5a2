"""Progress bars for anything that takes over two seconds, shown only by a program that asked for them.

The library reports its steps through `track`; nothing is shown unless the caller has opened `showing_progress`, which
the command line does when standard error is a terminal.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sized
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from gridgeo.language import Message

Item = TypeVar("Item")

PATIENCE_SECONDS = 2.0
"""How long a step may run before its bar appears."""

_shown: ContextVar[bool] = ContextVar("gridgeo_progress", default=False)


@contextmanager
def showing_progress(shown: bool = True) -> Iterator[None]:
    """Show progress bars on standard error within the ``with`` block."""
    token = _shown.set(shown)
    try:
        yield
    finally:
        _shown.reset(token)


def track(items: Iterable[Item], step: Message, total: int | None = None) -> Iterator[Item]:
    """Yield ``items``, with a bar named ``step`` once they have taken longer than `PATIENCE_SECONDS`."""
    if not _shown.get():
        yield from items
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    if total is None and isinstance(items, Sized):
        total = len(items)
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    task = bar.add_task(step.text(), total=total)
    begun, visible = time.monotonic(), False
    try:
        for item in items:
            yield item
            bar.advance(task)
            if not visible and time.monotonic() - begun > PATIENCE_SECONDS:
                bar.start()
                visible = True
    finally:
        if visible:
            bar.stop()
