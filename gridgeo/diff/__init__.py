"""What differs between two plans of blocks: who is new, gone, split, merged or moved, and what changes hands."""

from __future__ import annotations

from gridgeo.diff.compare import diff_plans
from gridgeo.diff.difference import Change, Difference, Transfer

__all__ = ["Change", "Difference", "Transfer", "diff_plans"]
