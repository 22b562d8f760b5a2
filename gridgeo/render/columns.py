"""Patrol items and services set in columns of near equal height, at a level of density."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gridgeo.render.fonts import POINT, text_width
from gridgeo.render.notice import Notice


@dataclass(frozen=True)
class Level:
    """How densely a notice is set. Sizes in points, lengths in millimetres."""

    text: float
    small: float
    head_photo: float
    head_width: float
    photo: float
    """Width of the officers' photos; 0 for none."""
    columns: int
    """Columns of officers."""
    row_gap: float
    item_gap: float
    """Space between items, in ems."""
    gap: float
    """Space between parts of the page."""
    least_map: float
    """The level is taken when it leaves the map this height."""
    terse: bool = False
    """Name the officers' organisations once for all, by role."""
    list_columns: int = 4
    compact: bool = False
    """Set each officer in two lines, name and phone above role and hours, with a small photo as high as they are."""


def plan_columns(notice: Notice, level: Level, width: float) -> dict[str, Any]:
    """Return how patrol items and services are set in columns: side by side where the services fit in one column."""
    gutter = 7.0
    columns = level.list_columns
    column_width = (width - (columns - 1) * gutter) / columns

    tasks: list[Row] = []
    for group in notice.classes:
        if group.name:
            tasks.append({"kind": "class", "text": group.name})
        tasks += [{"kind": "item", "text": item.text, "local": item.local, "detail": ""} for item in group.items]
    services: list[Row] = [
        {"kind": "item", "text": line.text, "local": False, "detail": line.detail} for line in notice.services
    ]
    beside = bool(tasks and services) and columns > 1
    task_columns = columns - 1 if beside else columns
    if not beside and len(notice.classes) == 3 and columns > 3:
        task_columns = 3
    set_tasks = balance(tasks, task_columns, column_width, level)
    set_services = [services] if beside else balance(services, columns, column_width, level)
    if beside:
        lone_tasks = balance(tasks, columns, column_width, level)
        lone_services = balance(services, columns, column_width, level)
        together = max(_highest(set_tasks, column_width, level), _high(services, column_width, level))
        apart = _highest(lone_tasks, column_width, level) + _highest(lone_services, column_width, level) + _HEADING
        if apart < together:
            beside, set_tasks, set_services = False, lone_tasks, lone_services
    return {
        "beside": beside,
        "has_local": any(item.local for group in notice.classes for item in group.items),
        "tasks": [_runs(column) for column in set_tasks],
        "services": [_runs(column) for column in set_services if column],
    }


Row = dict[str, Any]

_HEADING = 4.5
"""Height of a section's heading, in ems of the text."""


def balance(rows: Sequence[Row], columns: int, width: float, level: Level) -> list[list[Row]]:
    """Return ``rows`` in order in at most ``columns`` columns of near equal height.

    A class begins a column of its own where that costs little; its name never stands at the foot of a column.
    """
    if not rows:
        return []
    classes: list[list[Row]] = []
    for row in rows:
        if row["kind"] == "class" or not classes:
            classes.append([])
        classes[-1].append(row)
    packed = _packed([[row] for row in rows], columns, width, level)
    if len(classes) <= columns:
        whole = [list(group) for group in classes]
        if max(_high(c, width, level) for c in whole) <= 1.4 * max(_high(c, width, level) for c in packed):
            return whole
    by_class = _packed(classes, columns, width, level)
    if max(_high(c, width, level) for c in by_class) <= 1.2 * max(_high(c, width, level) for c in packed):
        return by_class
    return packed


def _packed(groups: Sequence[Sequence[Row]], columns: int, width: float, level: Level) -> list[list[Row]]:
    """Return groups in order in at most ``columns`` columns, the highest as low as it can be."""
    heights = [_high(group, width, level) for group in groups]
    low, high = max(heights), sum(heights)
    for _ in range(30):
        middle = (low + high) / 2
        if len(_poured(groups, heights, middle)) <= columns:
            high = middle
        else:
            low = middle
    return [[row for group in column for row in group] for column in _poured(groups, heights, high)]


def _poured(groups: Sequence[Sequence[Row]], heights: Sequence[float], most: float) -> list[list[Sequence[Row]]]:
    filled: list[list[Sequence[Row]]] = [[]]
    used = 0.0
    for group, height in zip(groups, heights, strict=True):
        if filled[-1] and used + height > most + 1e-9:
            last = filled[-1][-1]
            alone = len(last) == 1 and last[0]["kind"] == "class" and len(filled[-1]) > 1
            carried = [filled[-1].pop()] if alone else []
            filled.append(carried)
            used = 0.0
        filled[-1].append(group)
        used += height
    return filled


def _highest(columns: Sequence[Sequence[Row]], width: float, level: Level) -> float:
    return max(_high(column, width, level) for column in columns)


def _high(rows: Sequence[Row], width: float, level: Level) -> float:
    """Return about how high rows are in a column, in ems of the text."""
    em = level.text * POINT
    total = 0.0
    for row in rows:
        if row["kind"] == "class":
            total += 2.6
            continue
        words = text_width(row["text"], em) + (2.6 * em if row["local"] else 0)
        lines = max(1, -(-words // max(width - 1.1 * em, em)))
        detail = -(-text_width(row["detail"], em) // max(width - 1.1 * em, em)) if row["detail"] else 0
        total += (lines + detail) * 1.32 + level.item_gap
    return total


def _runs(column: Sequence[Row]) -> list[dict[str, Any]]:
    """Return a column as class names and lists of items that share a marker."""
    runs: list[dict[str, Any]] = []
    for row in column:
        if row["kind"] == "class":
            runs.append({"kind": "class", "text": row["text"]})
        elif runs and runs[-1]["kind"] == "items" and runs[-1]["local"] == row["local"]:
            runs[-1]["items"].append(row)
        else:
            runs.append({"kind": "items", "local": row["local"], "items": [row]})
    return runs
