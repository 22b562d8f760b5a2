"""Progress bars for anything that takes over two seconds, shown only by a program that asked for them.

The library reports its steps through `track`; nothing is shown unless the caller has opened `showing_progress`, which
the command line does when standard error is a terminal.
"""

from __future__ import annotations

import sys
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
_remarks: ContextVar[bool] = ContextVar("gridgeo_remarks", default=False)
_outer: ContextVar[_Bars | None] = ContextVar("gridgeo_bars", default=None)


@contextmanager
def showing_progress(shown: bool = True, *, remarks: bool | None = None) -> Iterator[None]:
    """Show progress bars on standard error within the ``with`` block, and remarks (`remark`) as well or only these."""
    tokens = _shown.set(shown), _remarks.set(shown if remarks is None else remarks)
    try:
        yield
    finally:
        _shown.reset(tokens[0])
        _remarks.reset(tokens[1])


def remark(said: Message, **values: object) -> None:
    """Say on a line of standard error why there is a wait, to a caller who asked for remarks."""
    if not _remarks.get():
        return
    bars, text = _outer.get(), said.text(None, **values)
    if bars is not None and bars.visible:
        bars.display.console.print(text, markup=False, highlight=False)
    else:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


class _Bars:
    """The bars of a step and of the steps within it: one display, since a terminal has room for one."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self.display = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self.begun, self.visible = time.monotonic(), False

    def appear(self) -> None:
        """Show the bars once they have been patient."""
        if not self.visible and time.monotonic() - self.begun > PATIENCE_SECONDS:
            self.display.start()
            self.visible = True


def track(items: Iterable[Item], step: Message, total: int | None = None) -> Iterator[Item]:
    """Yield ``items``, with a bar named ``step`` once they have taken longer than `PATIENCE_SECONDS`.

    A step within a step gets a bar below the other's, which goes when it is done.
    """
    if not _shown.get():
        yield from items
        return
    if total is None and isinstance(items, Sized):
        total = len(items)
    outer = _outer.get()
    bars = outer or _Bars()
    _outer.set(bars)
    task = bars.display.add_task(step.text(), total=total)
    try:
        for item in items:
            yield item
            bars.display.advance(task)
            bars.appear()
    finally:
        if outer is not None:
            bars.display.remove_task(task)
        else:
            _outer.set(None)
            if bars.visible:
                bars.display.stop()
