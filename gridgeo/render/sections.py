"""The sections of street blocks as a notice shows them: numbered on the map, with who patrols them in which shift."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import shapely

from gridgeo.render.colours import colour_by_adjacency
from gridgeo.render.people import PENDING, Consent
from gridgeo.render.publishing import publishable
from gridgeo.render.scene import Scene, Section
from gridgeo.town.duties import Duty, Shift, duties_of, shown_days

_TOUCHING = 0.5
"""Metres: sections that come so near to each other get different colours."""


@dataclass(frozen=True)
class Watch:
    """Who is on a section in one shift on some days, as shown in public."""

    days: str
    people: tuple[tuple[str, str], ...]
    """Name and phone of each."""


@dataclass(frozen=True)
class PatrolRow:
    """One section in the table of a notice."""

    number: str
    streets: str
    length: str
    shifts: tuple[tuple[Watch, ...], ...]
    """For each shift, in their order."""


@dataclass(frozen=True)
class ShiftHead:
    """The head of a column of the table."""

    name: str
    hours: str


def shift_heads(shifts: Iterable[Shift]) -> tuple[ShiftHead, ...]:
    """Return what the table calls the shifts."""
    return tuple(ShiftHead(publishable(shift.name), publishable(shift.hours)) for shift in shifts)


def patrol_rows(scene: Scene, consent: Consent) -> dict[int, tuple[PatrolRow, ...]]:
    """Return the table of sections of each street block, by index, as an audience may see it."""
    at: dict[tuple[str, str], list[Duty]] = {}
    for duty in duties_of(scene.town):
        at.setdefault((duty.section, duty.shift), []).append(duty)
    rows: dict[int, list[PatrolRow]] = {}
    for section in scene.sections:
        shifts = tuple(tuple(_watches(at.get((section.code, shift.key), []), consent)) for shift in scene.town.shifts)
        row = PatrolRow(section.number, section.streets, _metres(section.length), shifts)
        rows.setdefault(section.block, []).append(row)
    return {block: tuple(found) for block, found in rows.items()}


def _watches(duties: Iterable[Duty], consent: Consent) -> Iterable[Watch]:
    by_days: dict[str, list[tuple[str, str]]] = {}
    for duty in duties:
        card = consent.card(duty.person)
        by_days.setdefault(shown_days(duty.days), []).append((card.name, card.phone))
    if not by_days:
        yield Watch("", ((PENDING, ""),))
    for days, people in by_days.items():
        yield Watch(days, tuple(dict.fromkeys(people)))


def _metres(length: float) -> str:
    """Return a length as it is said: rounded to ten metres.

    Examples
    --------
    >>> _metres(812.4)
    '810 米'
    """
    return f"{max(10, round(length / 10) * 10)} 米"


def colours_of(sections: Iterable[Section]) -> Mapping[str, int]:
    """Return a colour number for each section of one block, by code: those that meet differ."""
    listed = list(sections)
    shapes = np.array([section.line for section in listed], object)
    one, other = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=_TOUCHING)
    numbers = colour_by_adjacency(len(listed), zip(one.tolist(), other.tolist(), strict=True))
    return {section.code: number for section, number in zip(listed, numbers, strict=True)}
