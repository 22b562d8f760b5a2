"""Staffing: every section has its one or two patrollers in every shift on every day, and nobody two shifts a day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.crs import working_crs
from gridgeo.language import Language, Message, current_language
from gridgeo.layers import Layer
from gridgeo.town.duties import EVERY_DAY, Days, Duty, Shift, shown_days
from gridgeo.validate.faults import Fault
from gridgeo.validate.report import ClaimResult, Report
from gridgeo.validate.subject import LayerLike, as_layers, names_of
from gridgeo.validate.wording import Names

_NOBODY = Message("{name} has nobody in the shift {shift} on {days}.", "{name}的{shift}在{days}无人值守。")
_FEW = Message(
    "{name} has {count} in the shift {shift} on {days}; {least} must be.",
    "{name}的{shift}在{days}只有 {count} 人，应有 {least} 人。",
)
_MANY = Message(
    "{name} has {count} in the shift {shift} on {days}; {most} at most.",
    "{name}的{shift}在{days}有 {count} 人，最多 {most} 人。",
)
_TWICE = Message(
    "{person} works in {shifts} on {days}; nobody works two shifts a day.",
    "{person}在{days}同时排在{shifts}；同一人一天只能值一班。",
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_EVERY_DAY = Message("every day", "每天")


@dataclass(frozen=True)
class _OnDays:
    """Days of the week, in words."""

    days: Days

    def text(self, language: Language | None = None) -> str:
        if (language or current_language()) == "zh" or self.days == EVERY_DAY:
            return _EVERY_DAY.text(language) if self.days == EVERY_DAY else shown_days(self.days)
        return Names(tuple(_DAYS[day] for day in sorted(self.days))).text(language)


def validate_staffing(
    sections: LayerLike,
    duties: Iterable[Duty],
    shifts: Sequence[Shift],
    *,
    least: int = 1,
    most: int = 2,
    id_column: str | None = None,
    name: str = "staffing",
) -> Report:
    """Prove that each section has patrollers in each shift every day, or name every post that has not.

    Parameters
    ----------
    sections : GeoDataFrame or Layer
        Lines, in any CRS.
    duties : iterable of Duty
        Who patrols what when: `gridgeo.town.duties.duties_of` reads it from a town's people.
    shifts : sequence of Shift
        The shifts of every day.
    least, most : int
        Patrollers of a section in a shift.
    id_column : str, optional
        Of a GeoDataFrame; by default the index.
    name : str
        Of the claim, in the report.

    Returns
    -------
    Report
        ``unstaffed``: one record for each section and shift that lacks patrollers or has too many, with the days; and
        one for everybody who is to work two shifts of one day.

    Raises
    ------
    InputError
        For a layer without a CRS or the id column.

    Examples
    --------
    >>> import geopandas as gpd
    >>> street = gpd.GeoDataFrame(geometry=[shapely.LineString([(0, 0), (500, 0)])], crs="EPSG:32651")
    >>> report = validate_staffing(street, [], [Shift("day", "日班")])
    >>> report.records[0].message("en")
    '0 has nobody in the shift 日班 on every day.'
    """
    ((key, layer),) = as_layers(sections, id_column=id_column).items()
    ids = layer.ids.to_numpy(object)
    names, shapes = names_of(layer), layer.frame.geometry.to_numpy()
    given = list(duties)
    posts = _posts(given)
    faults: list[Fault] = []
    staffed = 0
    for index, section in enumerate(ids):
        for shift in shifts:
            on_duty = [len(posts.get((section, shift.key, day), ())) for day in range(7)]
            staffed += sum(least <= count <= most for count in on_duty)
            for count in sorted(set(on_duty)):
                if least <= count <= most:
                    continue
                days = frozenset(day for day in range(7) if on_duty[day] == count)
                what = _MANY if count > most else _FEW if count else _NOBODY
                values: dict[str, object] = {
                    "name": Names((names[index],)),
                    "shift": shift.name,
                    "days": _OnDays(days),
                    "count": count,
                    "least": least,
                    "most": most,
                }
                own = shapes[index]
                place = None if own is None or own.is_empty else own
                detail = "too-many" if count > most else "too-few"
                faults.append(
                    Fault("unstaffed", "error", name, (key,), (section,), what, place, values=values, detail=detail)
                )
    faults += _twice(name, key, given, layer, shifts)
    measures: dict[str, Any] = {
        "sections": len(ids),
        "shifts": len(shifts),
        "patrollers": len({_who(duty) for duty in given}),
        "posts": len(ids) * len(shifts) * 7,
        "staffed": staffed,
        "least": least,
        "most": most,
        "tolerance": 0.0,
    }
    return Report(
        [ClaimResult(name, (key,), faults, measures)],
        crs=layer.frame.crs,
        measure_crs=working_crs(layer),
        shapes=_present(shapes),
        sources={key: layer.source} if layer.source else {},
        title=name,
    )


def _present(shapes: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    present: npt.NDArray[np.object_] = shapes[~shapely.is_missing(shapes)]
    return present


def _who(duty: Duty) -> tuple[str, str, str]:
    """Return who a person is: the same name with the same numbers in two rows is one person."""
    return duty.person.name, duty.person.phone, duty.person.mobile


def _posts(duties: Iterable[Duty]) -> dict[tuple[str, str, int], set[tuple[str, str, str]]]:
    """Return who is at each post: a section, a shift, a day of the week."""
    posts: dict[tuple[str, str, int], set[tuple[str, str, str]]] = {}
    for duty in duties:
        for day in duty.days:
            posts.setdefault((duty.section, duty.shift, day), set()).add(_who(duty))
    return posts


def _twice(claim: str, key: str, duties: Sequence[Duty], layer: Layer, shifts: Sequence[Shift]) -> list[Fault]:
    """One record for everybody who is to work several shifts of one day."""
    at: dict[tuple[str, str, str], dict[int, set[str]]] = {}
    where: dict[tuple[str, str, str], set[str]] = {}
    for duty in duties:
        where.setdefault(_who(duty), set()).add(duty.section)
        for day in duty.days:
            at.setdefault(_who(duty), {}).setdefault(day, set()).add(duty.shift)
    ids = layer.ids.to_numpy(object)
    shapes = layer.frame.geometry.to_numpy()
    faults = []
    for who, days in at.items():
        double = {day: worked for day, worked in days.items() if len(worked) > 1}
        if not double:
            continue
        worked = {shift for found in double.values() for shift in found}
        here = np.isin(ids, list(where[who]))
        lines = _present(shapes[here])
        values: dict[str, object] = {
            "person": who[0],
            "shifts": Names(tuple(shift.name for shift in shifts if shift.key in worked)),
            "days": _OnDays(frozenset(double)),
        }
        place = shapely.union_all(lines) if len(lines) else None
        features = tuple(sorted(where[who]))
        faults.append(
            Fault("unstaffed", "error", claim, (key,), features, _TWICE, place, values=values, detail="two-shifts")
        )
    return faults
