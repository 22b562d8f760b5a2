"""The reading of a report: what its many records amount to, and what to do first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gridgeo.language import Language, Message, current_language, one_line
from gridgeo.validate.faults import Fault
from gridgeo.validate.regions import FLOAT_NOISE
from gridgeo.validate.wording import Area, Width, percent

if TYPE_CHECKING:
    from gridgeo.validate.report import ClaimResult

SEVERAL = 5
"""Faults from which on it is said what to do first."""
LONG = 20
"""Faults from which on it is said how wide they are and who is involved most."""
SURVEY_NOISE = 0.01
"""Metres: a tolerance that no survey of a town's grids is finer than."""
_WIDE = 1.0
"""Metres. Regions that are wider can be seen on a map of a town."""
_STEPS = (0.001, 0.01, 0.1, 1.0, 10.0)

_ALONE = Message(
    "{count} of the {polygons} polygons share no border with another: is {claim} meant to be seamless at all?",
    "{polygons} 个多边形中有 {count} 个与其他多边形没有公共边界：{claim} 确实应当无缝吗？",
)
_ROUNDING = Message(
    "All {count} errors are thinner than {width}: coordinates were rounded, no border was drawn wrongly. tolerance ="
    " {metres} in gridgeo.toml, or --tolerance {metres}, makes them warnings.",
    "全部 {count} 处错误都不足 {width}：源于坐标取舍，并非边界画错。在 gridgeo.toml 中写 tolerance = {metres}，或使用"
    " --tolerance {metres}，即只作警告。",
)
_RAISE = Message(
    "{count} of the {errors} errors are no wider than {width}: with tolerance = {metres} in gridgeo.toml, or"
    " --tolerance {metres}, these become warnings.",
    "{errors} 处错误中有 {count} 处宽度不超过 {width}：在 gridgeo.toml 中写 tolerance = {metres}，或使用"
    " --tolerance {metres}，这些将只作警告。",
)
_FIRST = Message("What first: {steps}.", "建议顺序：{steps}。")
_MEND = Message("mend the polygons that are not valid ({count})", "修复无效的多边形（{count} 个）")
_MEND_ALL = Message(
    "mend the polygons that are not valid ({count}), from which {more} more may follow",
    "修复无效的多边形（{count} 个），另有 {more} 处可能由此引起",
)
_DELETE = Message("delete what is there twice ({count})", "删除重复的多边形（{count} 处）")
_NESTED = Message("take out what is drawn inside others ({count})", "处理画在其他多边形之内的（{count} 处）")
_LOOK = Message(
    "look at the regions wider than {width} ({count}, with {share} of the area)",
    "查看宽于 {width} 的区域（{count} 处，占面积的 {share}）",
)
_HOLES = Message(
    "Holes that may be meant: {count}, {area} in all. An extent (--within) decides it, or [[exceptions]] in"
    " gridgeo.toml says which.",
    "可能有意留出的空白：{count} 处，共 {area}。指定范围（--within）即可判定，或在 gridgeo.toml 中用 [[exceptions]]"
    " 注明。",
)
_WIDTHS = Message("Regions by width: {counts}.", "按宽度：{counts}。")
_UP_TO = Message("{count} up to {width}", "{width} 以内 {count} 处")
_WIDER = Message("{count} wider", "更宽 {count} 处")
_OFTEN = Message("Most often involved: {features}.", "涉及最多的要素：{features}。")


def reading(claims: Sequence[ClaimResult], faults: Sequence[Fault], language: Language | None) -> list[str]:
    """Return what faults (no notes among them) amount to, one sentence an item."""
    lines = []
    for claim in claims:
        alone, polygons = claim.measures.get("alone", 0), claim.measures.get("polygons", 0)
        if 2 * alone > polygons:
            values = {"count": f"{alone:,}", "polygons": f"{polygons:,}", "claim": claim.claim}
            lines.append(_ALONE.text(language, **values))
    comma = "，" if (language or current_language()) == "zh" else ", "
    if len(faults) >= SEVERAL:
        steps = _steps(faults, language)
        lines += [_FIRST.text(language, steps=("；" if comma == "，" else "; ").join(steps))] if steps else []
    lines += _thin(faults, language)
    holes = [fault for fault in faults if fault.detail == "hole"]
    if len(holes) > 1:
        area = Area(sum(fault.area or 0.0 for fault in holes))
        lines.append(_HOLES.text(language, count=len(holes), area=area.text(language)))
    if len(faults) >= LONG:
        lines += _widths(faults, comma, language)
        often = Counter(feature for fault in faults for feature in fault.features).most_common(5)
        if often and often[0][1] > 2:
            features = comma.join(f"{one_line(feature)} ({count})" for feature, count in often if count > 2)
            lines.append(_OFTEN.text(language, features=features))
    return lines


def _steps(faults: Sequence[Fault], language: Language | None) -> list[str]:
    """Return what to do, in the order in which one thing settles others."""
    steps = []
    broken = sum(fault.code == "invalid-geometry" for fault in faults)
    more = sum("broken" in fault.values for fault in faults)
    if broken:
        steps.append((_MEND_ALL if more else _MEND).text(language, count=broken, more=more))
    twice = sum(fault.code == "duplicate-polygon" for fault in faults)
    if twice:
        steps.append(_DELETE.text(language, count=twice))
    nested = sum(fault.detail == "nested" for fault in faults)
    if nested:
        steps.append(_NESTED.text(language, count=nested))
    regions = [
        fault
        for fault in faults
        if fault.kind.stage == "region" and fault.severity == "error" and fault.detail != "nested"
        and fault.code != "duplicate-polygon"
    ]  # fmt: skip
    wide = [fault for fault in regions if (fault.width or 0.0) > _WIDE]
    if wide and len(wide) < len(regions):
        share = sum(fault.area or 0.0 for fault in wide) / sum(fault.area or 0.0 for fault in regions)
        steps.append(_LOOK.text(language, count=len(wide), share=percent(share), width=Width(_WIDE).text(language)))
    return steps


def _thin(faults: Sequence[Fault], language: Language | None) -> list[str]:
    """Say when errors are no more than rounding, or too narrow for any survey."""
    errors = [fault for fault in faults if fault.severity == "error"]
    thin = [fault for fault in errors if fault.kind.stage in ("region", "vertex") and fault.width is not None]
    said = {"errors": len(errors), "metres": f"{SURVEY_NOISE:g}"}
    if errors and len(thin) == len(errors) and all((fault.width or 0.0) <= FLOAT_NOISE for fault in thin):
        # vertices that are missing exactly on a straight border are no rounding
        if any((fault.width or 0.0) > 0 for fault in thin):
            width = Width(FLOAT_NOISE).text(language)
            return [_ROUNDING.text(language, count=len(errors), width=width, **said)]
        return []
    narrow = sum((fault.width or 0.0) <= SURVEY_NOISE for fault in thin)
    if narrow >= max(3, len(errors) / 10):
        return [_RAISE.text(language, count=narrow, width=Width(SURVEY_NOISE).text(language), **said)]
    return []


def _widths(faults: Sequence[Fault], comma: str, language: Language | None) -> list[str]:
    widths = [fault.width or 0.0 for fault in faults if fault.kind.stage == "region"]
    if not widths:
        return []
    said, low = [], -1.0
    for step in _STEPS:
        count = sum(low < width <= step for width in widths)
        said += [_UP_TO.text(language, count=count, width=Width(step).text(language))] if count else []
        low = step
    wider = sum(width > low for width in widths)
    said += [_WIDER.text(language, count=wider)] if wider else []
    return [_WIDTHS.text(language, counts=comma.join(said))] if len(said) > 1 else []
