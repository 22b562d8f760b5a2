"""Work in several processes: in order, with errors where they belong, and nothing left running."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

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
