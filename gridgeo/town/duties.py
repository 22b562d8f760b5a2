"""Duties: who patrols which section in which shift on which days of the week.

A patroller whose unit is a section patrols that section. Those whose unit is a street block or grid are dealt out to
its sections: the patrollers of one shift who work on the same days take the sections in turn, in the order of the
table and of the sections' codes. So a table need not name sections, which may be drafted anew.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import shapely

if TYPE_CHECKING:
    from gridgeo.town import Person, Town

Days = frozenset[int]
EVERY_DAY: Days = frozenset(range(7))
"""Monday is 0."""

_DAY_NAMES = "一二三四五六日"
_DAY_WORDS = {
    **{name: day for day, name in enumerate(_DAY_NAMES)},
    "天": 6,
    **{str(day + 1): day for day in range(7)},
    **{word: day for day, word in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun"))},
}
_SPANS = {
    "": EVERY_DAY,
    "每天": EVERY_DAY,
    "每日": EVERY_DAY,
    "daily": EVERY_DAY,
    "every day": EVERY_DAY,
    "工作日": frozenset(range(5)),
    "weekdays": frozenset(range(5)),
    "周末": frozenset((5, 6)),
    "双休日": frozenset((5, 6)),
    "weekends": frozenset((5, 6)),
}
_TO = r"(?:至|到|[-–—~～])"


@dataclass(frozen=True)
class Shift:
    """One shift of the day.

    Parameters
    ----------
    key : str
        Its key in gridgeo.toml, by which the table of people names it.
    name : str
        What notices call it.
    hours : str
        ``6:00-18:00``; "" where it is not said.
    """

    key: str
    name: str
    hours: str = ""


USUAL_SHIFTS = (Shift("day", "日班"), Shift("night", "夜班"))
"""The shifts of a town that names none."""


@dataclass(frozen=True)
class Duty:
    """One patroller on one section."""

    section: str
    shift: str
    days: Days
    person: Person


def parse_days(text: str) -> Days | None:
    """Return the days of the week that ``text`` says, Monday being 0; None where it says none.

    Examples
    --------
    >>> sorted(parse_days("周一至周四")), sorted(parse_days("1,3-5")), sorted(parse_days("Fri-Sun"))
    ([0, 1, 2, 3], [0, 2, 3, 4], [4, 5, 6])
    >>> parse_days("now and then") is None
    True
    """
    plain = text.strip().lower()
    if plain in _SPANS:
        return _SPANS[plain]
    plain = re.sub("星期|礼拜|周", "", plain)
    plain = re.sub(rf"\s*({_TO})\s*", r"\1", plain)
    day = "|".join(map(re.escape, _DAY_WORDS))
    found: set[int] = set()
    for part in re.split(r"[\s,，、;；]+", plain):
        if match := re.fullmatch(rf"({day}){_TO}({day})", part):
            first, last = _DAY_WORDS[match[1]], _DAY_WORDS[match[2]]
            found.update(range(first, last + 1) if first <= last else [*range(first, 7), *range(last + 1)])
        elif part in _DAY_WORDS:
            found.add(_DAY_WORDS[part])
        elif part and all(character in _DAY_WORDS for character in part):
            found.update(_DAY_WORDS[character] for character in part)
        else:
            return None
    return frozenset(found) or None


def shown_days(days: Days) -> str:
    """Return days of the week as a notice says them.

    Examples
    --------
    >>> shown_days(frozenset(range(7))), shown_days(frozenset((0, 1, 2, 3))), shown_days(frozenset((0, 2, 5, 6)))
    ('每天', '周一至周四', '周一、三、六、日')
    """
    ordered = sorted(days)
    if len(ordered) == 7:
        return "每天"
    if len(ordered) > 2 and ordered == list(range(ordered[0], ordered[-1] + 1)):
        return f"周{_DAY_NAMES[ordered[0]]}至周{_DAY_NAMES[ordered[-1]]}"
    return "周" + "、".join(_DAY_NAMES[day] for day in ordered) if ordered else ""


def blocks_of_sections(town: Town) -> list[str]:
    """Return the code of each section's block, in the order of the layer; "" where it lies in none.

    By the column ``block``; a layer without one is looked at on the map: the block that holds most of the section.
    """
    layer = town.sections
    if layer is None:
        return []
    if "block" in layer.frame.columns:
        return [str(block) for block in layer.frame["block"]]
    if town.blocks is None:
        return [""] * len(layer.frame)
    lines = town.to_working(layer).geometry.to_numpy()
    blocks = town.to_working(town.blocks)
    areas, codes = blocks.geometry.to_numpy(), blocks["code"].astype(str).tolist()
    tree = shapely.STRtree(areas)
    found = []
    for line in lines:
        near = [] if line is None else sorted(tree.query(line, predicate="intersects").tolist())
        inside = [(-shapely.intersection(line, areas[k]).length, k) for k in near]
        found.append(codes[min(inside)[1]] if inside else "")
    return found


def duties_of(town: Town) -> list[Duty]:
    """Return who patrols which section when: in the order of sections, shifts and the table of people."""
    if town.sections is None:
        return []
    codes = [str(code) for code in town.sections.ids]
    blocks = blocks_of_sections(town)
    grids: dict[str, str] = {}
    if town.blocks is not None:
        frame = town.blocks.frame
        grids = dict(zip(frame["code"].astype(str), frame["grid"].astype(str), strict=True))
    of_unit: dict[str, list[str]] = {}
    for code, block in sorted(zip(codes, blocks, strict=True)):
        for unit in dict.fromkeys((code, block, grids.get(block, ""))):
            of_unit.setdefault(unit, []).append(code)
    of_unit.pop("", None)
    turn: dict[tuple[str, str, Days], int] = {}
    found: list[tuple[tuple[int, int, int], Duty]] = []
    shifts = [shift.key for shift in town.shifts]
    for place, person in enumerate(town.people):
        sections = of_unit.get(person.unit)
        if person.role != "patroller" or person.shift not in shifts or not sections:
            continue
        key = (person.unit, person.shift, person.days)
        section = sections[turn.get(key, 0) % len(sections)]
        turn[key] = turn.get(key, 0) + 1
        order = (codes.index(section), shifts.index(person.shift), place)
        found.append((order, Duty(section, person.shift, person.days, person)))
    return [duty for _, duty in sorted(found, key=lambda item: item[0])]
