"""Repair: mend only what is broken, and say what was done."""

from gridgeo.repair.plan import Action, Feature, Left, Plan, Transfer

__all__ = ["Action", "Feature", "Left", "Plan", "Transfer"]
