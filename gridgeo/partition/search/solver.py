"""HiGHS, silent and on one core: it does the same every time, and nothing of it reaches standard output."""

# highspy has no types of its own for these
# mypy: disable-error-code="no-untyped-call"
from __future__ import annotations

from typing import Any

import highspy


class _Silent(highspy.Highs):
    """HiGHS that is silent before its greeting: this is the first thing that its construction calls."""

    def enableCallbacks(self) -> None:  # noqa: N802
        """Silence it, then go on."""
        self.setOptionValue("output_flag", False)
        super().enableCallbacks()


def quiet_solver() -> Any:
    """Return a solver with nothing in it."""
    solver: Any = _Silent()
    solver.setOptionValue("threads", 1)
    solver.setOptionValue("random_seed", 0)
    return solver
