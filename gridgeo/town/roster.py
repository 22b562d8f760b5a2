"""The roster of a town: people, patrol items and services from tables and from the rows of gridgeo.toml, checked."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar, cast

from gridgeo._words import (
    AUDIENCE_WORDS,
    FALSE_WORDS,
    KIND_WORDS,
    PERSONAL_FIELD_WORDS,
    ROLE_WORDS,
    TRUE_WORDS,
    mask_identity_numbers,
    meaning,
    meanings,
    nearest,
    parse_date,
    shown,
)
from gridgeo.errors import Problem
from gridgeo.language import Message
from gridgeo.layers import GridKind
from gridgeo.town import AUDIENCES, Audience, Board, Person, PersonalField, Role, Service, Task
from gridgeo.town._file import TownFile
from gridgeo.town._roster_rows import Entry, RowReader
from gridgeo.town._schema import RowsTable
from gridgeo.town.duties import EVERY_DAY, USUAL_SHIFTS, Shift, parse_days

PEOPLE_HEADERS: Mapping[str, tuple[str, ...]] = {
    "unit": ("单元", "单元编码", "责任块", "责任块编码", "网格编码", "块编码"),
    "role": ("角色", "岗位", "职务"),
    "name": ("姓名", "名字"),
    "organisation": ("单位", "工作单位", "所属单位", "organization"),
    "phone": ("电话", "联系电话", "办公电话", "座机"),
    "mobile": ("手机", "手机号", "手机号码", "移动电话"),
    "hours": ("接待时间", "时间"),
    "photo": ("照片", "头像"),
    "publish": ("公开", "同意公开"),
    "consent_until": ("同意期限", "公开期限"),
    "shift": ("班次", "班"),
    "days": ("值班日", "值守日", "工作日"),
}
"""Columns of the people, each with the headers that are known for it beside its own name."""

TASK_HEADERS: Mapping[str, tuple[str, ...]] = {
    "kind": ("网格类型", "类型"),
    "group": ("类别", "大类"),
    "text": ("事项", "巡查事项", "任务"),
    "local": ("自选", "是否自选"),
    "unit": ("单元", "单元编码", "责任块", "责任块编码", "网格编码", "块编码"),
}

SERVICE_HEADERS: Mapping[str, tuple[str, ...]] = {
    "text": ("服务", "服务事项", "事项", "服务内容"),
    "kind": ("网格类型", "类型"),
    "unit": ("单元", "单元编码", "责任块", "责任块编码", "网格编码", "块编码"),
    "hours": ("服务时间", "时间"),
    "place": ("地点", "服务地点", "地址"),
}

BOARD_HEADERS: Mapping[str, tuple[str, ...]] = {
    "unit": ("单元", "单元编码", "责任块", "责任块编码", "块编码"),
    "place": ("地点", "张贴地点", "位置", "地址"),
    "mark": ("核对码",),
    "posted": ("张贴日期", "上墙日期", "日期"),
}

_SHORTENED = re.compile(r"\d(\.\d+)?E\+?\d+", re.IGNORECASE)
_MOST_COMPARED = 5000  # ids among which the nearest one is looked for
_PHOTO_ENDINGS = (".jpg", ".jpeg", ".png", ".JPG", ".JPEG", ".PNG")

_BLANK = Message("{field} is blank; it must be given", "{field} 为空；必须填写")
_NOT_TRUTH = Message(
    '{field} "{given}" is neither true nor false; write true or false (是 or 否)',
    "{field}“{given}”不是真假值；请写 是 或 否（true 或 false）",
)
_ROUNDED = Message(
    '{field} "{given}" is a number that a spreadsheet has shortened; format the column as text and enter it again',
    "{field}“{given}”已被表格软件改成科学计数；请将该列设为文本格式后重新填写",
)
_NOT_PUBLISHED = Message(
    'publish "{given}" is not known; it lists {fields}, each alone or for one audience, as photo@wall: {audiences}; a '
    "last day goes behind, as photo@wall:2027-01-31",
    "publish“{given}”不认识；可列 {fields}，可注明范围，如 照片@墙：{audiences}；期限写在后面，如 照片@墙:2027-01-31",
)
_NOT_A_DAY = Message(
    '{field} "{given}" is not a date; dates are written 2026-11-01', "{field}“{given}”不是有效日期；日期写作 2026-11-01"
)
_NO_SHIFT = Message(
    'shift "{given}" is not known; shifts are: {known} (name others in [shifts.KEY])',
    "班次“{given}”不认识；可用：{known}（其他班次请在 [shifts.键] 中注明）",
)
_NOT_DAYS = Message(
    'days "{given}" is not understood; write days of the week, such as 周一至周五, 1-5 or Mon-Fri, or nothing for all',
    "days“{given}”无法识别；请写星期，如 周一至周五、1-5，留空表示每天",
)
_NO_PHOTO = Message("the photo is not there (looked for {path})", "照片不存在（查找位置：{path}）")
_NO_PHOTO_NEAR = Message(
    'the photo is not there (looked for {path}); did you mean "{near}"?',
    "照片不存在（查找位置：{path}）；是否应为“{near}”？",
)
_NO_PHOTOS = Message(
    "the photo is not there (looked for {path}), nor are {count} others; name their folder with photos in [people]",
    "照片不存在（查找位置：{path}），另有 {count} 张也不存在；请在 [people] 中用 photos 指明其文件夹",
)
_MOST_PHOTOS_TOLD = 5
_NO_PHOTO_FOLDER = Message("no such folder (looked for {path})", "文件夹不存在（查找位置：{path}）")
_UNKNOWN_UNIT = Message(
    'unit "{unit}" is no grid, block or town code of this project', "单元“{unit}”不是本项目的网格、责任块或镇代码"
)
_UNKNOWN_UNIT_NEAR = Message(
    'unit "{unit}" is no grid, block or town code of this project; did you mean "{near}"?',
    "单元“{unit}”不是本项目的网格、责任块或镇代码；是否应为“{near}”？",
)
_UNDRAFTED_UNIT = Message(
    'unit "{unit}" is no grid and no town code; that is right only if a block will have it, and none is drafted yet',
    "单元“{unit}”不是网格或镇代码；责任块尚未划分，只有将来的责任块使用此编码时才正确",
)
_NO_SUCH_BLOCK = Message(
    'unit "{unit}" lies in a known grid, but there is no such block; the blocks may have been drafted anew',
    "单元“{unit}”属于已知网格，但没有这个责任块；责任块可能已重新划分",
)


@dataclass(frozen=True)
class Units:
    """What a person, task or service may be for."""

    town: str
    """The town's code, or ``""``."""
    grids: Mapping[str, str]
    """Names of the grids by id."""
    blocks: Mapping[str, str] | None
    """Names of the drafted blocks by code, or None before they are drafted."""
    sections: Mapping[str, str] = field(default_factory=dict)
    """Names of the sections by code."""

    def problem(self, unit: str, place: str) -> tuple[Problem | None, bool]:
        """Return what is wrong with ``unit``, if anything, and whether that is only worth a warning."""
        drafted = {**(self.blocks or {}), **self.sections}
        if unit in self.grids or unit in drafted or (self.town and unit == self.town):
            return None, False
        if any(unit[:length] in self.grids for length in range(2, len(unit))):
            # before drafting it may well become a block; afterwards it is stale, which must not bar a new draft
            return (None if self.blocks is None else Problem(place, _NO_SUCH_BLOCK, {"unit": shown(unit)})), True
        if self.blocks is None:
            return Problem(place, _UNDRAFTED_UNIT, {"unit": shown(unit)}), True
        named = {name: code for table in (self.grids, self.blocks) for code, name in table.items()}
        known = [*self.grids, *self.blocks, *filter(None, [self.town])]
        near = named.get(unit) or (nearest(unit, known, cutoff=0.8) if len(known) <= _MOST_COMPARED else None)
        values: dict[str, object] = {"unit": shown(unit), "near": near}
        return Problem(place, _UNKNOWN_UNIT_NEAR if near else _UNKNOWN_UNIT, values), False


@dataclass(frozen=True)
class Roster:
    """What the tables hold, in their order, with what is wrong and what is doubtful about it."""

    people: tuple[Person, ...] = ()
    tasks: tuple[Task, ...] = ()
    services: tuple[Service, ...] = ()
    boards: tuple[Board, ...] = ()
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()


def read_roster(town_file: TownFile, units: Units | None, shifts: Sequence[Shift] = USUAL_SHIFTS) -> Roster:
    """Read the people, tasks and services that a gridgeo.toml names or holds.

    Parameters
    ----------
    town_file : TownFile
        The file's sound parts.
    units : Units or None
        What the column ``unit`` may name; None when the grids could not be read, so that nothing can be said about it.
    shifts : sequence of Shift
        What the column ``shift`` of the people may name.
    """
    people = RowReader("people", PEOPLE_HEADERS, ("unit", "role", "name"), town_file)
    tasks = RowReader("tasks", TASK_HEADERS, ("kind", "text"), town_file)
    services = RowReader("services", SERVICE_HEADERS, ("text",), town_file)
    boards = RowReader("boards", BOARD_HEADERS, ("unit", "place"), town_file)
    photos = _photo_folder(town_file, people)
    readers = (people, tasks, services, boards)
    roster = Roster(
        tuple(_sound(people, town_file.people, units, lambda entry: _person(entry, photos, shifts))),
        tuple(_sound(tasks, town_file.tasks, units, _task)),
        tuple(_sound(services, town_file.services, units, _service)),
        tuple(_sound(boards, town_file.boards, units, _board, outlives=True)),
    )
    problems = _with_photos_in_one(problem for reader in readers for problem in reader.problems)
    return replace(
        roster, problems=problems, warnings=tuple(problem for reader in readers for problem in reader.warnings)
    )


def _with_photos_in_one(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Say of many missing photos, which are one mistake, no more than one line."""
    listed = list(problems)
    missing = [problem for problem in listed if problem.what in (_NO_PHOTO, _NO_PHOTO_NEAR)]
    if len(missing) <= _MOST_PHOTOS_TOLD:
        return tuple(listed)
    first = missing[0]
    told = Problem(first.where, _NO_PHOTOS, {"count": len(missing) - 1, "path": first.values["path"]})
    return tuple(told if problem is first else problem for problem in listed if problem not in missing[1:])


Entity = TypeVar("Entity", Person, Task, Service, Board)


def _sound(
    reader: RowReader,
    given: RowsTable,
    units: Units | None,
    make: Callable[[Entry], Entity],
    *,
    outlives: bool = False,
) -> list[Entity]:
    """Return what ``make`` makes of the rows in which nothing is wrong; what is wrong goes to the reader's problems.

    What ``outlives`` its block or grid, as boards on walls do, may name one that is no more.
    """
    found = []
    for entry in reader.read(given):
        for name in reader.required:
            if not entry.text(name) and name not in entry.absent:
                entry.say(_BLANK, field=name)
        rounded = [name for name in ("unit", "phone", "mobile") if _SHORTENED.fullmatch(entry.text(name))]
        for name in rounded:
            entry.say(_ROUNDED, field=name, given=shown(entry.text(name)))
        unit = entry.text("unit")
        if unit and units is not None and "unit" not in rounded:
            problem, only_doubtful = units.problem(unit, entry.place)
            if problem is not None:
                (reader.warnings if only_doubtful or outlives else entry.problems).append(problem)
        entity = make(entry)
        reader.problems += entry.problems
        if not entry.problems:
            found.append(entity)
    return found


# ------------------------------------------------------------------------------------------------ one row each


def _person(entry: Entry, photos: Path, shifts: Sequence[Shift]) -> Person:
    days = parse_days(entry.text("days"))
    if days is None:
        entry.say(_NOT_DAYS, given=shown(entry.text("days")))
    publish, until = _publish(entry)
    return Person(
        unit=entry.text("unit"),
        role=cast("Role", entry.word("role", ROLE_WORDS) or "volunteer"),
        name=entry.text("name"),
        organisation=entry.text("organisation"),
        phone=entry.text("phone"),
        mobile=entry.text("mobile"),
        hours=entry.text("hours"),
        photo=_photo(entry, photos),
        publish=publish,
        consent_until=_day(entry, "consent_until"),
        publish_until=until,
        shift=_shift(entry, shifts),
        days=EVERY_DAY if days is None else days,
    )


def _shift(entry: Entry, shifts: Sequence[Shift]) -> str:
    given = entry.text("shift")
    words = {word: shift.key for shift in shifts for word in (shift.key, shift.name)}
    found = meaning(given, words) if given else ""
    if found is None:
        known = ", ".join(f"{shift.key} {shift.name}".strip() for shift in shifts)
        entry.say(_NO_SHIFT, given=shown(given), known=shown(known))
    return found or ""


Consents = frozenset[tuple[PersonalField, Audience]]
Ends = tuple[tuple[PersonalField, Audience, dt.date], ...]


def _publish(entry: Entry) -> tuple[Consents | None, Ends]:
    """Return what a person agreed to have published, for whom and how long: ``photo, mobile@wall:2027-01-31``."""
    if "publish" not in entry.fields:
        return None, ()
    agreed: set[tuple[PersonalField, Audience]] = set()
    ends: set[tuple[PersonalField, Audience, dt.date]] = set()
    for words in re.split(r"[\s,，、;；]+", entry.text("publish")):
        if words.lower() in FALSE_WORDS:
            continue
        consent, _, until = words.replace("＠", "@").replace("：", ":").replace("至", ":").partition(":")
        what, _, whom = consent.partition("@")
        field, audience = meaning(what, PERSONAL_FIELD_WORDS), meaning(whom, AUDIENCE_WORDS)
        day = parse_date(until) if until else None
        if field is None or (whom and audience is None) or (until and day is None):
            fields, audiences = meanings(PERSONAL_FIELD_WORDS), meanings(AUDIENCE_WORDS)
            entry.say(_NOT_PUBLISHED, given=shown(words), fields=fields, audiences=audiences)
            continue
        chosen = AUDIENCES if audience is None else (cast("Audience", audience),)
        agreed.update((cast("PersonalField", field), each) for each in chosen)
        if day is not None:
            ends.update((cast("PersonalField", field), each, day) for each in chosen)
    return frozenset(agreed), tuple(sorted(ends))


def _day(entry: Entry, name: str) -> dt.date | None:
    given = entry.text(name)
    day = parse_date(given) if given else None
    if given and day is None:
        entry.say(_NOT_A_DAY, field=name, given=shown(given))
    return day


def _task(entry: Entry) -> Task:
    local = entry.text("local").lower()
    if local not in TRUE_WORDS | FALSE_WORDS:
        entry.say(_NOT_TRUTH, field="local", given=shown(local))
    return Task(
        kind=cast("GridKind", entry.word("kind", KIND_WORDS) or "residential"),
        group=entry.text("group"),
        text=entry.text("text"),
        local=local in TRUE_WORDS,
        unit=entry.text("unit") or None,
    )


def _service(entry: Entry) -> Service:
    return Service(
        text=entry.text("text"),
        kind=cast("GridKind | None", entry.word("kind", KIND_WORDS)),
        unit=entry.text("unit") or None,
        hours=entry.text("hours"),
        place=entry.text("place"),
    )


def _board(entry: Entry) -> Board:
    return Board(
        unit=entry.text("unit"),
        place=entry.text("place"),
        mark=entry.text("mark").upper(),
        posted=_day(entry, "posted"),
    )


def _photo_folder(town_file: TownFile, reader: RowReader) -> Path:
    if town_file.people.photos is None:
        return town_file.path.parent
    folder = town_file.resolve(town_file.people.photos)
    if not folder.is_dir():
        values: dict[str, object] = {"path": folder.absolute()}
        reader.problems.append(Problem(town_file.place("people", "photos"), _NO_PHOTO_FOLDER, values))
    return folder


def _photo(entry: Entry, folder: Path) -> Path | None:
    given = entry.text("photo")
    if not given or not folder.is_dir():
        return None
    path = folder / given
    candidates = [path] if path.suffix else [path, *(path.with_name(path.name + ending) for ending in _PHOTO_ENDINGS)]
    try:
        found = next((candidate for candidate in candidates if candidate.is_file()), None)
        beside = sorted(file.name for file in path.parent.iterdir()) if found is None and path.parent.is_dir() else []
    except (OSError, ValueError):  # a name that no file can have
        found, beside = None, []
    if found is None:
        near = nearest(path.name, beside, cutoff=0.75)
        what = _NO_PHOTO_NEAR if near else _NO_PHOTO
        entry.say(what, path=mask_identity_numbers(str(path.absolute())), near=near)
    return found
