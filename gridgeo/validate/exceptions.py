"""Exceptions: faults that are meant (a lake, an exclave), told by place or by features and with the reason.

A fault that is excepted stays in the report, as a note with its reason, so that every wrongly covered square metre
still stands in one record. An exception that no fault needs any more is told too: it would hide the next one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyproj
import shapely

from gridgeo.errors import InputError, Problem
from gridgeo.language import Language, Message
from gridgeo.validate.faults import CATALOGUE, Fault
from gridgeo.validate.report import ClaimResult, Report
from gridgeo.validate.wording import Area, Names

if TYPE_CHECKING:
    from gridgeo.town import Allowed

NEAR = 1.0
"""Metres. A place this near to a fault is meant to be in it: places are copied from reports with six decimals."""

_KEPT = Message("Nothing, as long as this holds: {reason}", "在此理由成立期间无须处理：{reason}")
_UNUSED = Message(
    "No fault needs the exception for {code} {place} ({reason}) any more.",
    "已没有问题需要该例外：{code}，{place}（{reason}）。",
)
_OUTGROWN = Message(
    "The exception for {code} {place} ({reason}) is outgrown: it allows {allowed}, the fault there has {area}.",
    "例外 {code}，{place}（{reason}）已被超出：允许 {allowed}，该处问题为 {area}。",
)
_AT = Message("at {longitude}, {latitude}", "位于 {longitude}, {latitude}")
_OF = Message("of {features}", "涉及 {features}")
_NO_CODE = Message(
    'there is no kind of fault "{code}"; kinds are: {known}', "没有名为“{code}”的问题类别；可用：{known}"
)
_NO_PLACE = Message(
    "an exception for {code} needs a place (at) or features", "例外 {code} 须写明位置（at）或要素（features）"
)


def with_exceptions(report: Report, exceptions: Sequence[Allowed], *, complete: bool = True) -> Report:
    """Return the report in which faults that are excepted are notes, and unused exceptions are warnings.

    Parameters
    ----------
    report : Report
    exceptions : sequence of Allowed
        One with a place excepts the one fault there, or else the nearest within `NEAR`; one with features alone
        excepts every fault of its kind that involves them all.
    complete : bool
        Whether every claim was checked. If not, only exceptions that name a claim of the report are told as unused.

    Raises
    ------
    InputError
        For kinds of fault that don't exist, and exceptions with neither place nor features.
    """
    _check(exceptions)
    records = [(number, fault) for number, claim in enumerate(report.claims) for fault in claim.faults]
    reasons: dict[int, Allowed] = {}
    told: list[tuple[Allowed, Fault | None]] = []
    to_report = pyproj.Transformer.from_crs("EPSG:4326", report.crs, always_xy=True)
    reach = NEAR / (111_320.0 if report.crs.is_geographic else 1.0)
    if not report.crs.is_geographic:
        reach /= float(report.crs.axis_info[0].unit_conversion_factor or 1.0)
    for exception in exceptions:
        where = None if exception.at is None else shapely.Point(to_report.transform(*exception.at))
        meant = _meant(exception, [fault for _, fault in records], where, reach)
        small = [k for k in meant if exception.area is None or (records[k][1].area or 0.0) <= exception.area]
        reasons.update({k: exception for k in small if k not in reasons})
        names = {claim.claim for claim in report.claims}
        if not small and (exception.claim in names or (complete and exception.claim is None)):
            told.append((exception, records[meant[0]][1] if meant else None))
    faults: list[list[Fault]] = [[] for _ in report.claims]
    for k, (number, fault) in enumerate(records):
        faults[number].append(_excepted(fault, reasons[k]) if k in reasons else fault)
    for exception, larger in told:
        number = next((n for n, claim in enumerate(report.claims) if claim.claim == exception.claim), 0)
        where = None if exception.at is None else shapely.Point(to_report.transform(*exception.at))
        faults[number].append(_unused(exception, report.claims[number], where, larger))
    claims = [replace(claim, faults=mine) for claim, mine in zip(report.claims, faults, strict=True)]
    return replace(report, claims=claims)


def _check(exceptions: Sequence[Allowed]) -> None:
    problems = []
    for number, exception in enumerate(exceptions, 1):
        where = exception.source or f"exceptions[{number}]"
        if exception.code not in CATALOGUE:
            values: dict[str, object] = {"code": exception.code, "known": ", ".join(CATALOGUE)}
            problems.append(Problem(where, _NO_CODE, values))
        if exception.at is None and not exception.features:
            problems.append(Problem(where, _NO_PLACE, {"code": exception.code}))
    if problems:
        raise InputError(problems)


def _meant(exception: Allowed, faults: Sequence[Fault], where: shapely.Point | None, reach: float) -> list[int]:
    """Which faults an exception is about."""
    fitting = [
        k
        for k, fault in enumerate(faults)
        if fault.code == exception.code
        and exception.claim in (None, fault.claim)
        and set(exception.features) <= set(fault.features)
    ]
    if where is None:
        return fitting
    placed = [k for k in fitting if faults[k].geometry is not None]
    if not placed:
        return []
    distance = shapely.distance(np.array([faults[k].geometry for k in placed], object), where)
    nearest = int(np.argmin(distance))
    # one fault, so that a new one beside it comes to light; the same one in each claim that tells it
    return [
        k
        for k, far in zip(placed, distance.tolist(), strict=True)
        if far == distance[nearest] <= reach and faults[k].features == faults[placed[nearest]].features
    ]


def _excepted(fault: Fault, exception: Allowed) -> Fault:
    return replace(
        fault,
        severity="info",
        mend=_KEPT,
        values={**fault.values, "reason": exception.reason},
        exception=exception.reason,
    )


def _unused(exception: Allowed, claim: ClaimResult, where: shapely.Point | None, larger: Fault | None) -> Fault:
    place: _Place = _Place(exception)
    values: dict[str, object] = {"code": exception.code, "place": place, "reason": exception.reason}
    if larger is not None:
        values |= {"allowed": Area(exception.area or 0.0), "area": Area(larger.area or 0.0)}
    return Fault(
        "unused-exception",
        "warning",
        claim.claim,
        claim.layers,
        exception.features,
        _UNUSED if larger is None else _OUTGROWN,
        where,
        values=values,
    )


class _Place:
    """Where an exception is, in words."""

    def __init__(self, exception: Allowed) -> None:
        self.exception = exception

    def text(self, language: Language | None = None) -> str:
        """Return it in words."""
        if self.exception.at is None:
            return _OF.text(language, features=Names(self.exception.features).text(language))
        longitude, latitude = self.exception.at
        return _AT.text(language, longitude=f"{longitude:.6f}", latitude=f"{latitude:.6f}")
