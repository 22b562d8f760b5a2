"""Threads that take turns: one at a time, and the next as soon as one works elsewhere."""

from __future__ import annotations

import threading

import pytest

from gridgeo._parallel import Turn


def test_one_at_a_time_until_the_turn_is_passed_on() -> None:
    turn, seen = Turn(), list[str]()
    inside, go_on = threading.Event(), threading.Event()

    def other() -> None:
        inside.wait()
        with turn:
            seen.append("other")
        go_on.set()

    thread = threading.Thread(target=other)
    thread.start()
    with turn:
        inside.set()
        seen.append("one")
        with turn.passed_on():
            assert go_on.wait(5)
        seen.append("one again")
    thread.join()
    assert seen == ["one", "other", "one again"]


def test_a_turn_comes_back_and_ends_whatever_happens() -> None:
    turn = Turn()
    with pytest.raises(ValueError, match="broken"), turn, turn.passed_on():
        raise ValueError("broken")
    with turn:
        pass
