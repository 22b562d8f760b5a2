"""Validation: prove that layers tile a town, or name every fault.

`tiling`, `nesting`, `borders` (along barriers), `seams` and `consistency` (of professional grids) check one claim each;
`town` checks all of a project. They gather features (`subject`), ask the
kernel and record `faults`; a `report` says them: as text, JSON, a `page`, or for pipelines (`exchange`).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gridgeo.validate.borders import border_table, validate_alignment
    from gridgeo.validate.consistency import validate_consistency
    from gridgeo.validate.faults import CATALOGUE, Fault
    from gridgeo.validate.nesting import validate_nesting
    from gridgeo.validate.report import ClaimResult, Report
    from gridgeo.validate.seams import validate_seam
    from gridgeo.validate.tiling import is_coverage, validate_tiling
    from gridgeo.validate.town import validate_town

__all__ = [
    "CATALOGUE",
    "ClaimResult",
    "Fault",
    "Report",
    "border_table",
    "is_coverage",
    "validate_alignment",
    "validate_consistency",
    "validate_nesting",
    "validate_seam",
    "validate_tiling",
    "validate_town",
]

_HOMES = {
    "CATALOGUE": "faults",
    "ClaimResult": "report",
    "Fault": "faults",
    "Report": "report",
    "border_table": "borders",
    "is_coverage": "tiling",
    "validate_alignment": "borders",
    "validate_consistency": "consistency",
    "validate_nesting": "nesting",
    "validate_seam": "seams",
    "validate_tiling": "tiling",
    "validate_town": "town",
}


def __getattr__(name: str) -> Any:
    """Load what is asked for on its first use: a job that checks one claim doesn't wait for all the others."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
