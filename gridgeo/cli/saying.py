"""How all commands speak: exit statuses, and what goes to standard error."""

import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import typer

from gridgeo.errors import Problem
from gridgeo.language import Message

EXIT_FAULTS = 1
EXIT_NOT_DONE = 2

WROTE = Message("wrote {what}", "已写入 {what}")
_WARNING = Message("warning: {text}", "警告：{text}")
_MORE_WARNINGS = Message("warning: {count} more like these", "警告：另有 {count} 条类似提示")


def wants_bars(quiet: bool) -> bool:
    """Return whether progress bars are wanted: on a terminal only."""
    return not quiet and sys.stderr is not None and sys.stderr.isatty()


def say(text: str, quiet: bool = False) -> None:
    """Say something on standard error; where that is closed or full, the work goes on unsaid."""
    if not quiet and sys.stderr is not None:
        with suppress(OSError):
            typer.echo(text, err=True)


def say_made(path: Path, what: str, quiet: bool = False) -> None:
    """Say what was made, and where."""
    say(f"{path}  {what}", quiet)


def warn(problems: Iterable[Problem], quiet: bool, most: int = 20) -> None:
    """Say the problems that don't stop the run, each once, the first ``most`` of them."""
    lines = list(dict.fromkeys(problem.text() for problem in problems))
    for line in lines[:most]:
        say(_WARNING.text(text=line), quiet)
    if len(lines) > most:
        say(_MORE_WARNINGS.text(count=len(lines) - most), quiet)
