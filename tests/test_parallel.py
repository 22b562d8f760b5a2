"""Work in several processes: in order, with errors where they belong, and nothing left running."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from contextlib import nullcontext
from pathlib import Path

import pytest

from gridgeo._parallel import each
from gridgeo._turns import outside
from gridgeo.language import current_language, use_language

SCRIPT = """
import os, time
from contextlib import nullcontext
from gridgeo import _parallel

def done(tools, item):
    time.sleep(0.01)
    if item == 40:
        raise ValueError(f"item {item} in {os.getpid()}")
    return item * tools, os.getpid()

if __name__ == "__main__":
    count = %d
    found = _parallel.each(range(count), done, nullcontext, (3,), jobs=3)
    seen = []
    try:
        for result in found:
            seen.append(result)
    except ValueError as error:
        print(str(error).split(" in ")[0])
    print([value for value, _ in seen] == [3 * k for k in range(len(seen))], len(seen))
    print(os.getpid() in {process for _, process in seen}, len({process for _, process in seen}) <= 3)
"""


def _said(folder: Path, count: int) -> list[str]:
    script = folder / "work.py"
    script.write_text(SCRIPT % count)
    ran = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True, timeout=60)
    assert not ran.stderr
    return ran.stdout.splitlines()


def test_results_come_in_the_order_of_the_work(tmp_path: Path) -> None:
    assert _said(tmp_path, 40) == ["True 40", "True True"]


def test_an_error_comes_when_it_is_its_turn(tmp_path: Path) -> None:
    """All that comes before it has been told, whichever process it happened in."""
    assert _said(tmp_path, 200) == ["item 40", "True 40", "True True"]


class _Stage:
    """Counts who is inside of the interpreter and who is outside, at the worst moment."""

    def __init__(self) -> None:
        self.inside = self.outside = self.most_inside = self.most_outside = self.overlaps = 0

    def play(self, item: int) -> tuple[int, str]:
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        time.sleep(0.002)
        self.inside -= 1
        with outside():
            self.outside += 1
            self.most_outside = max(self.most_outside, self.outside)
            time.sleep(0.002)
            self.overlaps += self.inside
            self.outside -= 1
        if item == 40:
            raise ValueError(f"item {item}")
        return item, current_language()


def test_in_turns_one_thread_is_inside_and_one_outside() -> None:
    """Results come in order, in the language of the caller."""
    stage = _Stage()
    with use_language("zh"):
        found = list(each(range(39), _Stage.play, nullcontext, (stage,), jobs=2, in_turns=True))
    assert found == [(k, "zh") for k in range(39)]
    assert (stage.most_inside, stage.most_outside) == (1, 1)
    assert stage.overlaps > 5


def test_an_error_in_a_thread_comes_when_it_is_its_turn() -> None:
    found = each(range(200), _Stage.play, nullcontext, (_Stage(),), jobs=2, in_turns=True)
    assert [next(found)[0] for _ in range(40)] == list(range(40))
    with pytest.raises(ValueError, match="item 40"):
        next(found)


def test_whoever_stops_early_leaves_no_thread_behind() -> None:
    stage, before = _Stage(), threading.active_count()
    found = each(range(10_000), _Stage.play, nullcontext, (stage,), jobs=2, in_turns=True)
    assert next(found)[0] == 0
    found.close()
    assert threading.active_count() == before
