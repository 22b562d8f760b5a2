"""Where points lie, put into words, JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from gridgeo._words import formula_free
from gridgeo.language import Message, one_line
from gridgeo.locate.places import Location, Unit
from gridgeo.locate.points import Points

SCHEMA = "gridgeo-location/1"

_INSIDE = Message("{point}: in {block}", "{point}：位于 {block}")
_BORDER = Message("{point}: on the border of {blocks}", "{point}：位于边界上：{blocks}")
_OVERLAP = Message(
    "{point}: in {blocks} at once; the blocks overlap there, see gridgeo validate",
    "{point}：同时位于 {blocks}；此处责任块重叠，请运行 gridgeo validate",
)
_OUTSIDE = Message(
    "{point}: in no block; the nearest is {block}, {distance}",
    "{point}：不在任何责任块内；最近的是 {block}，相距 {distance}",
)
_NO_BLOCKS = Message("{point}: in {grids} (no blocks yet)", "{point}：位于 {grids}（尚未划分责任块）")
_GRID = Message("  {kind}: {unit}, layer {layer}", "  {kind}：{unit}，图层 {layer}")
_SECTION = Message("  section: {unit}", "  责任路段：{unit}")
_METRES = Message("{metres:.1f} m away", "{metres:.1f} 米")
_KILOMETRES = Message("{kilometres:.1f} km away", "{kilometres:.1f} 千米")
_KINDS = {
    "residential": Message("residential grid", "居委网格"),
    "village": Message("village grid", "村委网格"),
    "street": Message("street grid", "街面网格"),
    "extended": Message("extended grid", "拓展网格"),
    "": Message("professional grid", "专业网格"),
}
_COLUMNS = (
    "longitude",
    "latitude",
    "place",
    "block",
    "block_name",
    "kind",
    "grid",
    "grid_name",
    "section",
    "others",
    "distance",
)


def to_text(points: Points, locations: Sequence[Location]) -> str:
    """Return a few lines for each point, for people, in the language in force."""
    lines = []
    for name, location in zip(points.names, locations, strict=True):
        lines.append(_sentence(name, location))
        lines.extend(
            _GRID.text(kind=_KINDS[unit.kind].text(), unit=_named(unit), layer=unit.layer) for unit in location.grids
        )
        if location.section is not None:
            lines.append(_SECTION.text(unit=_named(location.section)))
    return "\n".join(lines) + "\n"


def _sentence(name: str, location: Location) -> str:
    units = location.blocks or location.grids
    listed = ", ".join(map(_named, units))
    if location.nearest is not None:
        near = location.distance
        far = _METRES.text(metres=near) if near < 1000 else _KILOMETRES.text(kilometres=near / 1000)
        return _OUTSIDE.text(point=name, block=_named(location.nearest), distance=far)
    if location.place == "border":
        return _BORDER.text(point=name, blocks=listed)
    if location.place == "overlap":
        return _OVERLAP.text(point=name, blocks=listed)
    if not location.blocks:
        return _NO_BLOCKS.text(point=name, grids=listed)
    return _INSIDE.text(point=name, block=listed)


def _named(unit: Unit) -> str:
    return f"{unit.name} ({unit.code})" if unit.name != unit.code else unit.code


def to_json(points: Points, locations: Sequence[Location]) -> str:
    """Return all that is known as JSON; the same points and town give the same bytes."""
    rows = []
    for k, location in enumerate(locations):
        given = {"given": list(points.given[k])} if points.given else {}
        rows.append({"point": points.names[k], **given, **asdict(location)})
    return json.dumps({"schema": SCHEMA, "points": rows}, ensure_ascii=False, indent=1) + "\n"


def to_csv(points: Points, locations: Sequence[Location]) -> str:
    """Return one row a point: the columns that it came with, then where it lies.

    A cell that a spreadsheet would take for a formula gets an apostrophe before it, as spreadsheets write such text.
    """
    own = list(points.rows[0]) if points.rows else ["point"]
    added = [column if column not in own else f"gridgeo_{column}" for column in _COLUMNS]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(map(_harmless, [*own, *added]))
    for k, location in enumerate(locations):
        cells = [points.rows[k][header] for header in own] if points.rows else [points.names[k]]
        writer.writerow(map(_harmless, [*cells, *_row(location)]))
    return out.getvalue()


def _row(location: Location) -> Iterable[object]:
    first = location.blocks[0] if location.blocks else location.nearest or Unit("", "", "", "")
    grids = {unit.code: unit.name for unit in location.grids}
    others = " ".join(unit.code for unit in location.blocks[1:])
    yield from (location.longitude, location.latitude, location.place, first.code, first.name, first.kind)
    section = location.section.code if location.section is not None else ""
    yield from (first.grid, grids.get(first.grid, ""), section, others, location.distance)


def _harmless(cell: object) -> str:
    text = one_line(cell)
    try:
        float(text)
    except ValueError:
        return formula_free(text)
    return text
