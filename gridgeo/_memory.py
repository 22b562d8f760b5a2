"""Memory that is free again, given back to the system."""

from __future__ import annotations

import ctypes
import gc


def give_back_memory() -> None:
    """Give back what the C library keeps of freed memory, where it can: after setting up, before a long run."""
    gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError, TypeError):  # no such function, or no such library, outside of glibc
        return
