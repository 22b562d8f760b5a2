"""Work in several processes: in order, with errors where they belong, and nothing left running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import nullcontext, suppress
from functools import partial
from pathlib import Path

import pytest

from gridgeo._parallel import each_in_steps
from gridgeo._steps import Steps, at_once
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


STOPPED = """
import os, time
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from gridgeo import cli
from gridgeo._files import write_whole
from gridgeo._parallel import each, each_in_steps
from gridgeo._steps import at_once

def steps(folder, item):
    yield partial(time.sleep, 0.02)
    write_whole(folder / f"{item}-{os.getpid()}.txt", "x" * 500_000)
    return item

def write(folder, item):
    return at_once(steps(folder, item))

def all_of_it():
    for _ in %s(range(5000), %s, nullcontext, (Path("%s"),), jobs=%d):
        pass

if __name__ == "__main__":
    raise SystemExit(cli._run(all_of_it))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no groups of processes that get a signal")
@pytest.mark.parametrize(
    ("jobs", "in_steps", "processes"), [(2, False, 2), (2, True, 1), (3, True, 2)], ids=["process", "threads", "both"]
)
def test_ctrl_c_ends_all_after_what_is_in_hand(tmp_path: Path, jobs: int, in_steps: bool, processes: int) -> None:
    """The terminal's Ctrl-C reaches every process of the group: each ends, whatever it is at, and says no more."""
    script, folder = tmp_path / "work.py", tmp_path / "out"
    how = ("each_in_steps", "steps") if in_steps else ("each", "write")
    script.write_text(STOPPED % (*how, folder, jobs))
    run = subprocess.Popen([sys.executable, script], stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        # every process is at work when it has written a file
        while len({path.stem.split("-")[1] for path in folder.glob("*.txt")}) < processes:
            assert run.poll() is None, run.stderr and run.stderr.read()
            time.sleep(0.01)
        os.killpg(run.pid, signal.SIGINT)
        interrupted = time.monotonic()
        _, told = run.communicate(timeout=30)
        assert time.monotonic() - interrupted < 5  # all of the work would take a minute
        assert run.returncode == 130
        assert told.splitlines() == ["gridgeo: stopped before all was done; files that were written are whole"]
        assert _is_over(run.pid), "a process is left"
        files = list(folder.iterdir())
        assert {path.suffix for path in files} == {".txt"}
        assert {path.stat().st_size for path in files} == {500_000}
        assert len(files) < 5000
    finally:
        if not _is_over(run.pid, seconds=0):
            os.killpg(run.pid, signal.SIGKILL)


def _is_over(group: int, seconds: float = 10.0) -> bool:
    """Return whether every process of a group has ended, after a while at most."""
    end = time.monotonic() + seconds
    while _is_running(group):
        if time.monotonic() >= end:
            return False
        time.sleep(0.02)
    return True


def _is_running(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    # who has ended may still be listed where nobody asks how
    states = []
    for process in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, its_group = process.read_text().rpartition(")")[2].split()[:3]
            if int(its_group) == group:
                states.append(state)
    return not states or any(state not in "ZX" for state in states)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no groups of processes that get a signal")
def test_ctrl_c_while_processes_start_is_no_traceback(tmp_path: Path) -> None:
    """A process that is only just beginning leaves the interrupt to the one that started it."""
    script, folder = tmp_path / "work.py", tmp_path / "out"
    script.write_text(STOPPED % ("each", "write", folder, 2))
    run = subprocess.Popen([sys.executable, script], stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        while not any(folder.glob("*.txt")):  # written by this process: the other one takes longer to begin
            assert run.poll() is None, run.stderr and run.stderr.read()
            time.sleep(0.001)
        os.killpg(run.pid, signal.SIGINT)
        _, told = run.communicate(timeout=30)
        assert run.returncode == 130
        assert told.splitlines() == ["gridgeo: stopped before all was done; files that were written are whole"]
        assert _is_over(run.pid), "a process is left"
    finally:
        if not _is_over(run.pid, seconds=0):
            os.killpg(run.pid, signal.SIGKILL)


def test_results_come_in_the_order_of_the_work(tmp_path: Path) -> None:
    assert _said(tmp_path, 40) == ["True 40", "True True"]


def test_an_error_comes_when_it_is_its_turn(tmp_path: Path) -> None:
    """All that comes before it has been told, whichever process it happened in."""
    assert _said(tmp_path, 200) == ["item 40", "True 40", "True True"]


class _Stage:
    """Counts who is inside of the interpreter and who is outside, at the worst moment."""

    def __init__(self) -> None:
        self.inside = self.most_inside = self.overlaps = 0

    def play(self, item: int) -> Steps[tuple[int, str]]:
        for _ in range(2):
            self.inside += 1
            self.most_inside = max(self.most_inside, self.inside)
            time.sleep(0.002)
            self.inside -= 1
            told = yield partial(self.work_outside, item)
            assert told == item
        if item == 40:
            raise ValueError(f"item {item}")
        return item, current_language()

    def work_outside(self, item: int) -> int:
        time.sleep(0.002)
        self.overlaps += self.inside
        return item


def test_in_turns_one_thread_is_inside_while_others_are_outside() -> None:
    """Results come in order, in the language of the caller."""
    stage = _Stage()
    with use_language("zh"):
        found = list(each_in_steps(range(39), _Stage.play, nullcontext, (stage,), jobs=2))
    assert found == [(k, "zh") for k in range(39)]
    assert stage.most_inside == 1
    assert stage.overlaps > 5


def test_an_error_in_a_thread_comes_when_it_is_its_turn() -> None:
    found = each_in_steps(range(200), _Stage.play, nullcontext, (_Stage(),), jobs=2)
    assert [next(found)[0] for _ in range(40)] == list(range(40))
    with pytest.raises(ValueError, match="item 40"):
        next(found)


def test_whoever_stops_early_leaves_no_thread_behind() -> None:
    stage, before = _Stage(), threading.active_count()
    found = each_in_steps(range(10_000), _Stage.play, nullcontext, (stage,), jobs=2)
    assert next(found)[0] == 0
    found.close()
    assert threading.active_count() == before


def _asks(item: int) -> Steps[str]:
    """Ask for a quotient, and say what came of it."""
    try:
        quotient = yield partial(divmod, 7, item)
    except ZeroDivisionError as error:
        quotient = yield partial(str, error)
    return str(quotient)


def test_an_error_outside_is_raised_where_it_was_asked_for() -> None:
    assert at_once(_asks(2)) == "(3, 1)"
    assert at_once(_asks(0)) == "integer division or modulo by zero"
    found = each_in_steps([0, 2] * 20, _ask, nullcontext, (None,), jobs=2)
    assert list(found) == ["integer division or modulo by zero", "(3, 1)"] * 20


def _ask(_: None, item: int) -> Steps[str]:
    return _asks(item)


def _nothing_to_ask(_: None, item: int) -> Steps[int]:
    """End at once, as a notice does that is there already; but every seventh asks twice."""
    if item % 7 == 0:
        yield partial(time.sleep, 0.001)
        yield partial(time.sleep, 0.001)
    return item


def test_items_that_ask_for_nothing_are_done_among_others() -> None:
    assert list(each_in_steps(range(500), _nothing_to_ask, nullcontext, (None,), jobs=2)) == list(range(500))
