"""Memory that is free again, given back to the system."""

from __future__ import annotations

import ctypes
import gc


def give_back_memory(*, collect: bool = True) -> None:
    """Give back what the C library keeps of freed memory, where it can (glibc): a few milliseconds.

    Parameters
    ----------
    collect : bool
        Whether to look for garbage first: after setting up, not in between, since it takes a tenth of a second.
    """
    if collect:
        gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError, TypeError):  # no such function, or no such library
        return
