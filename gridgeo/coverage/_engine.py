"""The engine: whether the compiled loops or numpy do the work.

Importing numba and loading compiled code from its cache takes 0.65 s of CPU, compiling for the first time half a
minute; in the time that loading takes numpy validates 3 million vertices of a sound layer, or 0.3 million segments that
share nothing. So the compiled loops are used once they are loaded, are loaded for large input when they have been
compiled before on this machine, and are compiled only on request (``compile_loops``) or for input so large that it
pays.
``GRIDGEO_ENGINE=numpy`` or ``numba`` in the environment decides otherwise. The answers are the same.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

from gridgeo._numba_cache import is_kept

_NAME = "gridgeo.coverage._compiled"
_WORTH_USING = 20_000  # vertices
_WORTH_LOADING = 3_000_000
_WORTH_COMPILING = 60_000_000
GEOMETRY = 10  # a segment of the residual costs about as much as so many vertices


def compiled_for(vertices: int) -> ModuleType | None:
    """Return the compiled loops if they pay for that many vertices; None for numpy."""
    choice = os.environ.get("GRIDGEO_ENGINE", "")
    if choice == "numpy" or (not choice and vertices < _WORTH_USING):
        return None
    if _NAME in sys.modules or choice == "numba":
        return importlib.import_module(_NAME)
    if vertices < _WORTH_LOADING or importlib.util.find_spec("numba") is None:
        return None
    return importlib.import_module(_NAME) if vertices >= _WORTH_COMPILING or _has_cache() else None


def compiled_soundness_for(vertices: int) -> ModuleType | None:
    """Return the compiled loops of ``_soundness`` if they pay for that many vertices; None for none."""
    return _beside(vertices, "soundness")


def compiled_cancel_for(vertices: int) -> ModuleType | None:
    """Return the compiled loops of ``_cancel`` if they pay for that many vertices; None for numpy."""
    return _beside(vertices, "cancel")


def compiled_circles_for(pairs: int) -> ModuleType | None:
    """Return the compiled loops of ``_circles`` if they pay for that many pairs of edges; None for numpy."""
    return _beside(pairs, "circles")


def _beside(vertices: int, part: str) -> ModuleType | None:
    return None if compiled_for(vertices) is None else importlib.import_module(f"{_NAME}_{part}")


def _has_cache() -> bool:
    source = Path(__file__).with_name("_compiled.py")
    return is_kept(source, "ring_turns", lambda: importlib.import_module(_NAME).ring_turns)
