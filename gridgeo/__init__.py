"""gridgeo: draft, prove and post the responsibility grids of a town.

The public functions and types, and nothing else. Each is loaded on its first use, so that ``import gridgeo`` is quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "GridgeoError": "errors",
    "InputError": "errors",
    "Layer": "layers",
    "Plan": "repair",
    "Problem": "errors",
    "Report": "validate",
    "Town": "town",
    "apply_plan": "repair",
    "border_table": "validate",
    "delineate_blocks": "partition",
    "diff_plans": "diff",
    "is_coverage": "validate",
    "locate_points": "locate",
    "partition_town": "partition",
    "plan_repair": "repair",
    "read_layer": "layers",
    "read_town": "town",
    "render_index": "render",
    "render_map": "render",
    "render_notices": "render",
    "render_site": "render",
    "repair_tiling": "repair",
    "repair_town": "repair",
    "split_sections": "partition",
    "undo_plan": "repair",
    "use_language": "language",
    "validate_alignment": "validate",
    "validate_consistency": "validate",
    "validate_nesting": "validate",
    "validate_seam": "validate",
    "validate_tiling": "validate",
    "validate_town": "validate",
    "working_crs": "crs",
    "write_layer": "layers",
}

__all__ = [
    "GridgeoError",
    "InputError",
    "Layer",
    "Plan",
    "Problem",
    "Report",
    "Town",
    "__version__",
    "apply_plan",
    "border_table",
    "delineate_blocks",
    "diff_plans",
    "is_coverage",
    "locate_points",
    "partition_town",
    "plan_repair",
    "read_layer",
    "read_town",
    "render_index",
    "render_map",
    "render_notices",
    "render_site",
    "repair_tiling",
    "repair_town",
    "split_sections",
    "undo_plan",
    "use_language",
    "validate_alignment",
    "validate_consistency",
    "validate_nesting",
    "validate_seam",
    "validate_tiling",
    "validate_town",
    "working_crs",
    "write_layer",
]

if TYPE_CHECKING:
    from gridgeo.crs import working_crs
    from gridgeo.diff import diff_plans
    from gridgeo.errors import GridgeoError, InputError, Problem
    from gridgeo.language import use_language
    from gridgeo.layers import Layer, read_layer, write_layer
    from gridgeo.locate import locate_points
    from gridgeo.partition import delineate_blocks, partition_town, split_sections
    from gridgeo.render import render_index, render_map, render_notices, render_site
    from gridgeo.repair import Plan, apply_plan, plan_repair, repair_tiling, repair_town, undo_plan
    from gridgeo.town import Town, read_town
    from gridgeo.validate import (
        Report,
        border_table,
        is_coverage,
        validate_alignment,
        validate_consistency,
        validate_nesting,
        validate_seam,
        validate_tiling,
        validate_town,
    )


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(importlib.import_module(f"gridgeo.{_HOMES[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'gridgeo' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
