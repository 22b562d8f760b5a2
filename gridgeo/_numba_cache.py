"""Whether numba has kept a compiled loop from an earlier run, told without loading numba wherever that can be."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any


def is_kept(source: Path, function: str, compiled: Callable[[], Any]) -> bool:
    """Return whether a compiled function is in numba's cache, and no older than its source.

    Parameters
    ----------
    source : path
        The file that the function is written in; numba keeps what it compiles beside it or, where that is not allowed,
        in the user's cache.
    function : str
    compiled : callable
        Returns numba's function; called only where the cache may be elsewhere, because that loads numba.
    """
    beside = source.parent / "__pycache__"
    if os.access(beside, os.W_OK) and "NUMBA_CACHE_DIR" not in os.environ:
        folder = beside
    else:
        folder = Path(compiled().stats.cache_path)
    written = source.stat().st_mtime
    return any(kept.stat().st_mtime >= written for kept in folder.glob(f"{source.stem}.{function}-*.nbi"))
