"""Budget: how many seconds a search may compute.

Seconds of this process's processor are counted, not those of the clock on the wall: a plan does not depend on what
else the machine does. Work itself is counted in steps, so a search that ends within its budget gives the same plan on
any machine; only one that runs out of its budget depends on the machine's speed, and says so.
"""

from __future__ import annotations

import time

USUAL_SECONDS = 60.0


class Budget:
    """Seconds of processor time that are left.

    Parameters
    ----------
    seconds : float
        From now on; infinity for no limit.
    """

    def __init__(self, seconds: float = USUAL_SECONDS) -> None:
        self.end = time.process_time() + seconds

    @property
    def left(self) -> float:
        """Seconds left, never below 0."""
        return max(0.0, self.end - time.process_time())

    @property
    def over(self) -> bool:
        """Whether nothing is left."""
        return self.left <= 0.0

    def part(self, share: float) -> Budget:
        """Return a budget that ends when this share of what is left is spent."""
        return Budget(share * self.left)
