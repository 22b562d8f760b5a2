"""What can go wrong with a user's input, said in one line each, and all of it at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from gridgeo.language import Language, Message, one_line


@dataclass(frozen=True)
class Problem:
    """One thing wrong with the input: where, what, and what to do.

    Parameters
    ----------
    where : str
        File, layer and feature, as far as known: ``"town.gpkg, layer roads, feature 17"``.
    what : Message
        What is wrong and what to do about it.
    values : dict
        The values of the message's fields.
    """

    where: str
    what: Message
    values: dict[str, object] = field(default_factory=dict)

    def text(self, language: Language | None = None) -> str:
        """Return the problem as one line in ``language`` (the current one by default)."""
        said = self.what.text(language, **self.values)
        return f"{one_line(self.where)}: {said}" if self.where else said

    def __str__(self) -> str:
        return self.text()


class GridgeoError(Exception):
    """Base of every exception that gridgeo raises on purpose."""


class InputError(GridgeoError):
    """The input can't be used. Holds every problem found, not only the first.

    Parameters
    ----------
    problems : Problem or iterable of Problem
        At least one.
    """

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "\n".join(problem.text() for problem in self.problems)
