"""The JSON Schema of the report, ``gridgeo-report/1``, as it lies in the package."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any


def report_schema() -> dict[str, Any]:
    """Return the schema (draft 2020-12) that every report of ``gridgeo validate --format json`` keeps.

    Examples
    --------
    >>> report_schema()["title"]
    'gridgeo-report/1'
    """
    text = files("gridgeo.validate").joinpath("report.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema
