"""Validation: prove that layers tile a town, or name every fault.

`tiling` and `nesting` check one claim each; `town` checks all of a project. They gather features (`subject`), ask the
kernel and record `faults`; a `report` says them: as text, JSON, a `page`, or for pipelines (`exchange`).
"""

from gridgeo.validate.faults import CATALOGUE, Fault
from gridgeo.validate.nesting import validate_nesting
from gridgeo.validate.report import ClaimResult, Report
from gridgeo.validate.tiling import validate_tiling
from gridgeo.validate.town import validate_town

__all__ = ["CATALOGUE", "ClaimResult", "Fault", "Report", "validate_nesting", "validate_tiling", "validate_town"]
