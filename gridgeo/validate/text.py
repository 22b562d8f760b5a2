"""The report for people at a terminal: the verdict, what was measured, the kinds of fault, then each fault."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely

from gridgeo.language import Language, Message, current_language, one_line
from gridgeo.validate.faults import CATALOGUE, SEVERITIES, Fault, Severity
from gridgeo.validate.reading import reading
from gridgeo.validate.wording import Area, Names, Width, percent

if TYPE_CHECKING:
    from gridgeo.validate.report import ClaimResult, Report

FEW = 5
"""Notes of one kind that are listed one by one."""

_ALL_HOLD = Message(
    "Seamless: every claim holds ({claims}), no fault found.", "无缝：各项声明均成立（{claims}），未发现问题。"
)
_WARNED = Message(
    "Every claim holds ({claims}): no error, {found}.", "各项声明均成立（{claims}）：无错误，有 {found}。"
)
_BROKEN = Message(
    "Not seamless: {found}. Claims that don't hold: {claims}.", "未达到无缝：{found}。不成立的声明：{claims}。"
)
_BROKEN_ONE = Message("Not seamless: {found}.", "未达到无缝：{found}。")
_ERRORS = Message("{count} errors to mend", "{count} 处错误须修正")
_ERROR = Message("1 error to mend", "1 处错误须修正")
_WARNINGS = Message("{count} warnings to look at", "{count} 处警告待查看")
_WARNING = Message("1 warning to look at", "1 处警告待查看")
_TILING = Message(
    "{claim} — {layers} without gap or overlap: {polygons} polygons, {area}; {tolerance}",
    "{claim}：{layers} 无缝无重叠，{polygons} 个多边形，{area}；{tolerance}",
)
_NESTING = Message(
    "{claim} — {child} fill {layers}, each inside one: {polygons} polygons, {parents} to fill, {area}; {tolerance}",
    "{claim}：{child} 铺满 {layers}，各在其一之内，{polygons} 个多边形，{parents} 个上级，{area}；{tolerance}",
)
_EXACT = Message("checked exactly, to the last digit", "精确校验")
_TOLERANT = Message("faults up to {width} wide are warnings", "宽度不超过 {width}的问题只作警告")
_EXTENT = Message(
    "not covered of the extent ({extent}): {uncovered}; covered more than once: {overlap}; beyond it: {outside}",
    "范围（{extent}）内未覆盖：{uncovered}；重复覆盖：{overlap}；越界：{outside}",
)
_NO_EXTENT = Message(
    "covered more than once: {overlap}; gaps: {gap} (no extent was given, so only enclosed ones are seen)",
    "重复覆盖：{overlap}；缝隙：{gap}（未指定范围，只检查被围住的空白）",
)
_BORDERS = Message(
    "{claim} — borders of {layers} along roads and rivers: {borders} borders, {length}, {share} of it within"
    " {tolerance} of one ({ranks}); {demand}",
    "{claim}：{layers} 的边界沿道路河道，{borders} 条边界共 {length}，其中 {share} 与道路河道相距不超过 {tolerance}"
    "（{ranks}）；{demand}",
)
_OFF = Message("furthest off: {deviation}; longest run off: {run}", "最远偏离：{deviation}；最长连续偏离：{run}")
_DEMAND = Message("{share} of each border demanded", "要求每条边界至少 {share}")
_NO_DEMAND = Message("only measured", "仅作量算")
_RANKS: dict[str, Message] = {
    "river": Message("rivers {share}", "河道 {share}"),
    "main-road": Message("main roads {share}", "主干道 {share}"),
    "road": Message("roads {share}", "道路 {share}"),
    "lane": Message("lanes {share}", "街巷 {share}"),
}
_NO_BARRIER = Message("no road or river near", "附近无道路河道")
_SEAM = Message(
    "{claim} — {layers} meet vertex by vertex: {polygons} polygons, {length} of seam match; {tolerance}",
    "{claim}：{layers}，{polygons} 个多边形；接边吻合 {length}；{tolerance}",
)
_SECTIONS = Message(
    "{claim} — {layers} tile the streets: {sections} sections, {length} of street; gaps, overlaps and strays up to"
    " {tolerance} long don't count",
    "{claim}：{layers} 铺满街道，{sections} 个责任路段，街道 {length}；长度不超过 {tolerance}的空缺、重叠和偏离不计",
)
_STREETS_LEFT = Message(
    "in no section: {gap}; in several: {overlap}; off the streets: {stray}",
    "无责任路段：{gap}；重叠：{overlap}；偏离街道：{stray}",
)
_STAFFING = Message(
    "{claim} — {layers} staffed: {sections} sections, {shifts} shifts a day, {patrollers} patrollers; {staffed} of"
    " {posts} posts a week have {least} to {most}",
    "{claim}：{layers} 值守，{sections} 个责任路段，每日 {shifts} 班，{patrollers} 名巡查员；每周 {posts} 个班次中"
    " {staffed} 个有 {least} 至 {most} 人",
)
_NONE = Message("nothing", "无")
_KINDS = Message("By kind:", "按类别：")
_KIND = Message("{name} ({code})", "{name}（{code}）")
_LARGEST = Message(": {area} in all, up to {width} wide", "：共 {area}，最宽 {width}")
_READING = Message("What it amounts to:", "总体情况：")
_FAULTS = Message(
    "Faults, the worst first; places are longitude, latitude:", "问题清单，严重的在前；位置为经度, 纬度："
)
_PLACE = Message("{part}, at {place}.", "{part}，{place}。")
_ONLY_PLACE = Message("at {place}.", "位于 {place}。")
_MORE = Message(
    "... and {count} more; the JSON report lists them all (--format json)",
    "……另有 {count} 处；JSON 报告（--format json）列出全部",
)
_NOTES = Message("Notes:", "提示：")
_ALIKE = Message("{count} × {name}: {features}.", "{name}，{count} 处：{features}。")
_SEVERITY: dict[Severity, Message] = {
    "error": Message("error", "错误"),
    "warning": Message("warning", "警告"),
    "info": Message("note", "提示"),
}


def to_text(report: Report, language: Language | None, most: int) -> str:
    """Return the report for a terminal; at most ``most`` faults are listed."""
    lines = [verdict(report, language), ""]
    for claim in report.claims:
        lines += _claim(claim, language)
    faults = [fault for fault in report.records if fault.severity != "info"]
    if faults:
        lines += ["", _KINDS.text(language), *_kinds(faults, language)]
        said = reading(report.claims, faults, language)
        lines += ["", _READING.text(language), *(f"   - {line}" for line in said)] if said else []
        lines += ["", _FAULTS.text(language), *_list(report, faults[:most], language)]
    if len(faults) > most:
        lines.append(_MORE.text(language, count=len(faults) - most))
    notes = [fault for fault in report.records if fault.severity == "info"]
    if notes:
        lines += ["", _NOTES.text(language), *(f"   - {line}" for line in _notes(notes, language))]
    return "\n".join(lines) + "\n"


def checked(report: Report, language: Language | None) -> list[str]:
    """Return what was checked, a claim an item: whether it holds, what it is about, and what was measured."""
    return ["\n".join(line.strip() for line in _claim(claim, language)) for claim in report.claims]


def verdict(report: Report, language: Language | None) -> str:
    """Return in one sentence whether the claims hold, and how much there is to do."""
    every = list(dict.fromkeys(claim.claim for claim in report.claims))
    broken = list(dict.fromkeys(claim.claim for claim in report.claims if not claim.ok))
    errors, warnings = report.counts["error"], report.counts["warning"]
    found = [_ERROR.text(language) if errors == 1 else _ERRORS.text(language, count=f"{errors:,}")] if errors else []
    if warnings:
        found.append(_WARNING.text(language) if warnings == 1 else _WARNINGS.text(language, count=f"{warnings:,}"))
    said = ("，" if (language or current_language()) == "zh" else ", ").join(found)
    if errors and len(every) > 1:
        return _BROKEN.text(language, found=said, claims=", ".join(broken))
    if errors:
        return _BROKEN_ONE.text(language, found=said)
    return (_WARNED if warnings else _ALL_HOLD).text(language, claims=", ".join(every), found=said)


def _claim(claim: ClaimResult, language: Language | None) -> list[str]:
    measures = claim.measures
    if "posts" in measures or "street_length" in measures:
        return _of_sections(claim, language)
    tolerance = float(measures["tolerance"])
    how = _TOLERANT.text(language, width=Width(tolerance).text(language)) if tolerance else _EXACT.text(language)
    said: dict[str, object] = {
        "claim": claim.claim,
        "polygons": f"{measures['polygons']:,}",
        "area": Area(measures["area"]).text(language),
        "tolerance": how,
    }
    mark = "✓" if claim.ok else "✗"
    if "borders" in measures:
        said_of, off = _borders(claim, language)
        return [f"{mark}  {said_of}", f"   {off}"]
    if "seam_length" in measures:
        length = Width(measures["seam_length"]).text(language)
        return [f"{mark}  {_SEAM.text(language, **said, layers=', '.join(claim.layers), length=length)}"]
    if "parents" in measures:
        child, *parents = claim.layers
        layers = ", ".join(parents)
        nesting = _NESTING.text(language, **said, child=child, layers=layers, parents=f"{measures['parents']:,}")
        return [f"{mark}  {nesting}"]
    lines = [f"{mark}  {_TILING.text(language, **said, layers=', '.join(claim.layers))}"]
    overlap = _area(measures["overlap_area"] + measures["duplicate_area"], language)
    if "extent_area" in measures:
        extent = _EXTENT.text(
            language,
            extent=Area(measures["extent_area"]).text(language),
            uncovered=_area(measures["gap_area"] + measures["uncovered_area"], language),
            overlap=overlap,
            outside=_area(measures["outside_area"], language),
        )
        return [*lines, f"   {extent}"]
    if claim.faults:
        lines.append(f"   {_NO_EXTENT.text(language, overlap=overlap, gap=_area(measures['gap_area'], language))}")
    return lines


def _of_sections(claim: ClaimResult, language: Language | None) -> list[str]:
    """Say how sections tile the streets, or how they are staffed."""
    measures = claim.measures
    mark = "✓" if claim.ok else "✗"
    said: dict[str, object] = {"claim": claim.claim, "layers": claim.layers[0], "sections": f"{measures['sections']:,}"}
    if "posts" in measures:
        counts = {key: f"{measures[key]:,}" for key in ("shifts", "patrollers", "staffed", "posts", "least", "most")}
        return [f"{mark}  {_STAFFING.text(language, **said, **counts)}"]
    length, tolerance = (Width(measures[key]).text(language) for key in ("street_length", "tolerance"))
    lines = [f"{mark}  {_SECTIONS.text(language, **said, length=length, tolerance=tolerance)}"]
    left = {
        "gap": measures["street_length"] - measures["held_length"],
        "overlap": measures["overlap_length"],
        "stray": measures["stray_length"],
    }
    words = {
        key: Width(metres).text(language) if metres > 1e-6 else _NONE.text(language) for key, metres in left.items()
    }
    return [*lines, f"   {_STREETS_LEFT.text(language, **words)}"]


def _borders(claim: ClaimResult, language: Language | None) -> tuple[str, str]:
    """Two lines on how borders run along barriers, and how far off the worst are."""
    measures = claim.measures
    deviation, demand = measures["deviation"], measures["least_share"]
    of_rank = [(_RANKS[rank], share) for rank, share in measures["share_of_rank"].items() if share]
    comma = "，" if (language or current_language()) == "zh" else ", "
    said = _BORDERS.text(
        language,
        claim=claim.claim,
        borders=f"{measures['borders']:,}",
        layers=", ".join(claim.layers),
        length=Width(measures["length"]).text(language),
        share=percent(measures["share"]),
        tolerance=Width(measures["tolerance"]).text(language),
        ranks=comma.join(name.text(language, share=percent(share)) for name, share in of_rank) or _NONE.text(language),
        demand=_DEMAND.text(language, share=percent(demand)) if demand else _NO_DEMAND.text(language),
    )
    off = _OFF.text(
        language,
        deviation=_NO_BARRIER.text(language) if deviation is None else Width(deviation).text(language),
        run=Width(measures["longest_off"]).text(language) if measures["longest_off"] else _NONE.text(language),
    )
    return said, off


def _area(square_metres: float, language: Language | None) -> str:
    return Area(square_metres).text(language) if square_metres else _NONE.text(language)


def _kinds(faults: Sequence[Fault], language: Language | None) -> list[str]:
    """One line a kind and severity: how many, how large in all, how wide at most."""
    lines = []
    for severity in SEVERITIES:
        for code, kind in CATALOGUE.items():
            here = [fault for fault in faults if fault.code == code and fault.severity == severity]
            if not here:
                continue
            name = _KIND.text(language, name=kind.name.text(language), code=code)
            line = f"{len(here):>7,}  {_padded(severity, language)}  {name}"
            area, width = sum(fault.area or 0.0 for fault in here), max(fault.width or 0.0 for fault in here)
            if kind.stage == "region":
                line += _LARGEST.text(language, area=Area(area).text(language), width=Width(width).text(language))
            lines.append(line)
    return lines


def _padded(severity: Severity, language: Language | None) -> str:
    """Return the word for a severity, as wide as the widest, so that what follows stands in a column."""
    return _SEVERITY[severity].text(language).ljust(max(len(word.text(language)) for word in _SEVERITY.values()))


def _notes(notes: Sequence[Fault], language: Language | None) -> list[str]:
    """One line a note; many of one kind in one line."""
    of_kind: dict[tuple[str, str], list[Fault]] = {}
    for note in notes:
        of_kind.setdefault((note.claim if note.exception else "", note.code), []).append(note)
    lines = []
    for (_, code), alike in of_kind.items():
        named = Names(tuple(dict.fromkeys(feature for note in alike for feature in note.features)))
        if len(alike) <= FEW or not named.names or alike[0].exception:
            lines += [note.message(language) for note in alike]
        else:
            name = _KIND.text(language, name=CATALOGUE[code].name.text(language), code=code)
            lines.append(_ALIKE.text(language, count=f"{len(alike):,}", name=name, features=named.text(language)))
    return lines


def whereabouts(report: Report, faults: Sequence[Fault], language: Language | None) -> list[str]:
    """Return of each fault where it is, as a sentence: the part of a feature, longitude and latitude; "" where nowhere.

    The degrees are those of a point on the fault, as they can be typed into a map.
    """
    shapes = np.array([fault.geometry for fault in faults], object)
    degrees = gpd.GeoSeries(shapely.point_on_surface(shapes), crs=report.crs).to_crs("EPSG:4326")
    said = []
    for fault, point in zip(faults, degrees, strict=True):
        if point is None or point.is_empty:
            said.append("")
            continue
        place = f"{point.x:.6f}, {point.y:.6f}"
        if fault.part is None:
            where = _ONLY_PLACE.text(language, place=place)
        else:
            where = _PLACE.text(language, part=fault.part.text(language), place=place)
        # Chinese begins with the name of the feature, which stays as it is
        english = (language or current_language()) == "en"
        said.append(where[:1].upper() + where[1:] if english else where)
    return said


def _list(report: Report, faults: Sequence[Fault], language: Language | None) -> list[str]:
    lines = []
    for number, (fault, where) in enumerate(zip(faults, whereabouts(report, faults, language), strict=True), 1):
        claim = f" [{one_line(fault.claim)}]" if len(report.claims) > 1 else ""
        head = f"{number:>5}. {_SEVERITY[fault.severity].text(language)}{claim} {fault.code}: "
        lines.append(head + fault.message(language))
        lines += [f"       {line}" for line in (where, fault.action(language)) if line]
    return lines
