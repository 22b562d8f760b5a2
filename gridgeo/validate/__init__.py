"""Validation: prove that layers tile a town, or name every fault.

`tiling`, `nesting`, `borders` (along barriers), `seams` and `consistency` (of professional grids) check one claim each;
`town` checks all of a project. They gather features (`subject`), ask the
kernel and record `faults`; a `report` says them: as text, JSON, a `page`, or for pipelines (`exchange`).
"""

from gridgeo.validate.borders import border_table, validate_alignment
from gridgeo.validate.consistency import validate_consistency
from gridgeo.validate.faults import CATALOGUE, Fault
from gridgeo.validate.nesting import validate_nesting
from gridgeo.validate.report import ClaimResult, Report
from gridgeo.validate.seams import validate_seam
from gridgeo.validate.tiling import validate_tiling
from gridgeo.validate.town import validate_town

__all__ = [
    "CATALOGUE",
    "ClaimResult",
    "Fault",
    "Report",
    "border_table",
    "validate_alignment",
    "validate_consistency",
    "validate_nesting",
    "validate_seam",
    "validate_tiling",
    "validate_town",
]
