"""Work in steps: some Python, then what a library does outside of the interpreter, and so on to the end.

Python runs one thread at a time. A library that is called hundreds of times for some microseconds each, as GEOS is by a
drawing, lets another thread in after each call, and then waits for milliseconds until it is let in again. So threads
take turns. If each had one item in hand, one of them would often wait for its turn with nothing to do outside: it has
two, and does what both need inside in one turn, and what both need outside between two turns.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Result = TypeVar("Result")
Tools = TypeVar("Tools")

Steps = Generator[Callable[[], Any], Any, Result]
"""What yields a function for each thing to be done outside of the interpreter, is sent its result, and returns."""

IN_HAND = 2
"""Items that a thread has in hand: while one is composed inside, another one's page is set outside."""

_turn = threading.Lock()


def at_once(steps: Steps[Result]) -> Result:
    """Take all steps one after another, and return what comes of them."""
    hand = _Hand(None, steps, Future())
    while hand.goes_on():
        hand.step_outside()
    return hand.outcome.result()


def take_turns(crew: Sequence[Tools], begin: Callable[[Tools], tuple[Steps[Result], Future[Result]] | None]) -> None:
    """Work in a thread until there is nothing left to begin.

    Parameters
    ----------
    crew : sequence
        Tools for each item in hand.
    begin : callable
        Takes tools, and returns the steps of the next item and where to tell what comes of them; None at the end.
    """
    free, in_hand = list(crew), list[_Hand[Tools, Result]]()
    more = True
    while more or in_hand:
        with _turn:
            going_on = [hand for hand in in_hand if hand.goes_on()]
            free += [hand.tools for hand in in_hand if hand not in going_on]
            # one at a time: two that begin together would stay in step, now both inside and now both outside
            begun = begin(free[-1]) if free and more else None
            more = begun is not None or (more and not free)
            if begun is not None:
                hand = _Hand(free[-1], *begun)
                if hand.goes_on():
                    free.pop()
                    going_on.append(hand)
            in_hand = going_on
        for hand in in_hand:
            hand.step_outside()


@dataclass(eq=False)
class _Hand(Generic[Tools, Result]):
    """An item in hand: the tools that it needs, the steps that are left, and what came of the last one."""

    tools: Tools
    steps: Steps[Result]
    outcome: Future[Result]
    _asked: Callable[[], Any] | None = None
    _answer: Any = None
    _error: Exception | None = None

    def goes_on(self) -> bool:
        """Go on inside, up to the next thing to be done outside; return False at the end, which is told."""
        try:
            if self._error is not None:
                self._asked = self.steps.throw(self._error)
            else:
                self._asked = self.steps.send(self._answer)
        except StopIteration as ended:
            self.outcome.set_result(ended.value)
            return False
        except Exception as error:
            self.outcome.set_exception(error)
            return False
        return True

    def step_outside(self) -> None:
        """Do what has been asked for."""
        assert self._asked is not None
        self._answer, self._error = None, None
        try:
            self._answer = self._asked()
        except Exception as error:
            self._error = error
