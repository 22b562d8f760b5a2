"""Repair: mend only what is broken, and say what was done."""

from gridgeo.repair.files import plan_schema, read_plan, write_plan
from gridgeo.repair.page import repair_page
from gridgeo.repair.plan import Action, Feature, Left, Plan, Transfer
from gridgeo.repair.planning import apply_plan, plan_repair, repair_tiling
from gridgeo.repair.text import plan_text
from gridgeo.repair.town import apply_town_plan, plan_town, repair_town
from gridgeo.repair.undo import undo_plan

__all__ = [
    "Action",
    "Feature",
    "Left",
    "Plan",
    "Transfer",
    "apply_plan",
    "apply_town_plan",
    "plan_repair",
    "plan_schema",
    "plan_text",
    "plan_town",
    "read_plan",
    "repair_page",
    "repair_tiling",
    "repair_town",
    "undo_plan",
    "write_plan",
]
