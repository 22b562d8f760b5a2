"""Repair: mend only what is broken, and say what was done."""

from gridgeo.repair.plan import Action, Feature, Left, Plan, Transfer
from gridgeo.repair.planning import apply_plan, plan_repair, repair_tiling

__all__ = ["Action", "Feature", "Left", "Plan", "Transfer", "apply_plan", "plan_repair", "repair_tiling"]
