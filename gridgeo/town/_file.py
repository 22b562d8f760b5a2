"""The file ``gridgeo.toml``: which keys it may have, and everything wrong with them said in our own sentences.

Each table is checked by itself, and a key that is wrong is set aside, so that one mistake never hides another and the
files that the sound keys name can still be opened and checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gridgeo._words import has_identity_number, listed, mask_identity_numbers, nearest, shown
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message, one_line
from gridgeo.town._schema import (
    BarrierTable,
    ClaimTable,
    ExceptionTable,
    LayerTable,
    NoticeTable,
    PartitionTable,
    PeopleTable,
    PrivacyTable,
    RowsTable,
    SectionsTable,
    ShiftTable,
    SourceTable,
    Table,
    TownTable,
    WorkloadTable,
)
from gridgeo.town._toml_syntax import read_toml


@dataclass(frozen=True)
class TownFile:
    """What the sound parts of a gridgeo.toml say."""

    path: Path
    town: TownTable | None
    layers: Mapping[str, LayerTable]
    barriers: Mapping[str, BarrierTable]
    claims: Mapping[str, ClaimTable]
    exceptions: Mapping[str, ExceptionTable]
    """By their number in the file, from 1."""
    workload: Mapping[str, WorkloadTable]
    partition: PartitionTable
    sections: SectionsTable | None
    shifts: Mapping[str, ShiftTable]
    people: PeopleTable
    tasks: RowsTable
    services: RowsTable
    boards: RowsTable
    notice: NoticeTable
    privacy: PrivacyTable
    layer_keys: tuple[str, ...]
    """Every key below ``[layers]``, also of tables that are wrong."""

    def place(self, table: str, key: str = "") -> str:
        """Return where a key stands, for messages: ``"gridgeo.toml, [layers.town] file"``."""
        return f"{self.path}, [{table}] {key}".rstrip()

    def resolve(self, file: str) -> Path:
        """Return the path that ``file`` means: relative to the folder of gridgeo.toml."""
        return self.path.parent / file


_NAMED_TABLES: dict[str, type[Table]] = {
    "layers": LayerTable,
    "barriers": BarrierTable,
    "claims": ClaimTable,
    "workload": WorkloadTable,
    "shifts": ShiftTable,
}
_SINGLE_TABLES: dict[str, type[Table]] = {
    "town": TownTable,
    "partition": PartitionTable,
    "sections": SectionsTable,
    "people": PeopleTable,
    "tasks": RowsTable,
    "services": RowsTable,
    "boards": RowsTable,
    "notice": NoticeTable,
    "privacy": PrivacyTable,
}

# ------------------------------------------------------------------------------------------------- what can be wrong

_NO_FILE = Message(
    "no such file (looked for {path}); gridgeo init FOLDER writes one from the map files of a folder",
    "文件不存在（查找位置：{path}）；可用 gridgeo init 文件夹 根据地图文件生成",
)
_UNKNOWN_KEY_NEAR = Message(
    'there is no key "{key}" here; did you mean "{near}"?', "此处没有键“{key}”；是否应为“{near}”？"
)
_UNKNOWN_KEY = Message('there is no key "{key}" here; known are: {known}', "此处没有键“{key}”；可用的键：{known}")
_MISSING = Message("must be given", "必须填写")
_EMPTY = Message("must not be empty", "不能为空")
_WORD_NEAR = Message(
    '"{given}" is not known; did you mean "{near}"? Known are: {known}',
    "不认识“{given}”；是否应为“{near}”？可用：{known}",
)
_WORD = Message('"{given}" is not known; known are: {known}', "不认识“{given}”；可用：{known}")
_BAD_TOWN_CODE = Message(
    '"{given}" is not a town code: 9 digits, division 6 + town 3, such as 310112114',
    "“{given}”不是镇（街道）代码：应为 9 位数字（区划 6 位 + 镇级 3 位），如 310112114",
)
_BAD_DATE = Message(
    '"{given}" is not a date; dates are written 2026-11-01', "“{given}”不是有效日期；日期写作 2026-11-01"
)
_NOT_TEXT = Message('must be text in quotation marks, not {given}: "…"', '应为加英文引号的文字，而不是 {given}："…"')
_NOT_NUMBER = Message("must be a number, not {given}", "应为数字，而不是 {given}")
_NOT_WHOLE = Message("must be a whole number, not {given}", "应为整数，而不是 {given}")
_NOT_LIST = Message('must be a list such as ["one", "two"], not {given}', '应为列表，如 ["one", "two"]，而不是 {given}')
_NOT_TABLE = Message("must be a table of keys and values, not {given}", "应为由键和值组成的表，而不是 {given}")
_TOO_SMALL = Message("must be more than {limit}, not {given}", "应大于 {limit}，而不是 {given}")
_TOO_SMALL_OR = Message("must be at least {limit}, not {given}", "应不小于 {limit}，而不是 {given}")
_TOO_LARGE = Message("must be less than {limit}, not {given}", "应小于 {limit}，而不是 {given}")
_TOO_LARGE_OR = Message("must be at most {limit}, not {given}", "应不大于 {limit}，而不是 {given}")
_TOO_SHORT = Message("the list must not be empty", "列表不能为空")
_BAD_VALUE = Message("{given} is not allowed here", "此处不允许 {given}")
_RANK_TWICE = Message(
    "either one rank for the whole file (rank) or a column with ranks (rank_column and ranks), not both",
    "整个文件一个等级（rank）与按列取等级（rank_column 和 ranks）只能二选一",
)
_RANK_MISSING = Message(
    "give rank for the whole file, or rank_column together with ranks = {{ value = rank }}; ranks are river, main-road,"
    " road, lane",
    "请给出整个文件的 rank，或同时给出 rank_column 和 ranks = {{ 值 = 等级 }}；等级为 river、main-road、road、lane",
)
_CLAIM_KIND = Message(
    "a claim is one of these: tiling = [layers], nesting = layer, along = [layers], seam = [two layers],"
    " consistent = layer, sections = layer, staffed = layer; give one of them",
    "声明须为 tiling = [图层…]、nesting = 图层、along = [图层…]、seam = [两个图层]、consistent = 图层、"
    "sections = 图层、staffed = 图层 之一",
)
_CLAIM_KEY = Message(
    "{key} doesn't belong to a claim with {kind}; there it may have: {known}",
    "{key} 不用于 {kind} 声明；该声明可用：{known}",
)
_CLAIM_BLOCKS = Message(
    "consistent needs within = [layers of the blocks that the areas are made of]",
    "consistent 须写明 within = [组成专业网格的责任块图层…]",
)
_CLAIM_SEAM = Message(
    'a seam lies between two layers: seam = ["one", "other"]', 'seam 须写两个不同的图层：seam = ["一", "二"]'
)
_CLAIM_TOLERANCE = Message(
    "the tolerance of along or sections must be more than 0: metres within which a line counts as on a barrier",
    "along、sections 的 tolerance 应大于 0：与道路等边界线相距不超过此值（米）即视为沿线",
)
_CLAIM_STAFF = Message("least can't be more than most", "least 不能大于 most")
_CLAIM_SCOPE = Message(
    'scope = "inner" (borders within one parent) goes with parent_column, scope = "all" without it',
    'scope = "inner"（同一上级内部的边界）须与 parent_column 同用，scope = "all" 则不用',
)
_CLAIM_PARENTS = Message("a nesting needs within = [layers of the parents]", "nesting 须写明 within = [上级图层…]")
_CLAIM_EXTENT = Message("a tiling lies within one layer: within must name one", "tiling 的 within 只能写一个图层")
_CLAIM_PARENT_COLUMN = Message("parent_column belongs to a nesting, not to a tiling", "parent_column 只用于 nesting")
_EXCEPTION_PLACE = Message(
    "an exception needs its place, at = [longitude, latitude], or features = [ids] that it involves",
    "例外须写明位置 at = [经度, 纬度]，或所涉及的要素 features = [编号…]",
)
_PLACE = Message(
    "must be a place at = [longitude, latitude] in degrees, the longitude first, not {given}",
    "应为以度表示的位置 at = [经度, 纬度]，经度在前，而不是 {given}",
)
_NOT_EXCEPTIONS = Message(
    "exceptions are written as [[exceptions]] with two brackets, one table each",
    "例外须写作 [[exceptions]]（双方括号），每个例外一个表",
)
_SEVERAL_SIZES = Message(
    "give one of count (blocks a grid), target (workload a block), size (least and most a block holds) and preset",
    "count（每网格块数）、target（每块工作量）、size（每块上下限）与 preset（规格）只能填一个",
)
_BAD_SIZE = Message(
    "must be the least and the most that a block holds, such as [300, 500], not {given}",
    "应为每块的下限与上限，如 [300, 500]，而不是 {given}",
)
_WORKLOAD_SOURCE = Message(
    'give layer (a layer to count) or measure ("area" or "street-length"), one of the two',
    "请填写 layer（要统计的图层）或 measure（area 面积、street-length 道路长度），二者取一",
)
_WORKLOAD_MEASURED = Message(
    "what is measured from the map has neither column nor footprints", "按图量算的项不需要 column 和 footprints"
)
_NO_LAYERS = Message(
    "no layers: add a table [layers.KEY] with file = … for each map layer",
    "没有图层：请为每个图层添加 [layers.键] 表并写明 file = …",
)
_IDENTITY = Message(
    "holds an identity number ({masked}); remove it: identity numbers never belong on a notice",
    "含有身份证号（{masked}）；请删除：公示内容不得出现身份证号",
)

_SENTENCES: dict[str, Message] = {
    "missing": _MISSING,
    "empty": _EMPTY,
    "town_code": _BAD_TOWN_CODE,
    "date": _BAD_DATE,
    "string_type": _NOT_TEXT,
    "int_type": _NOT_WHOLE,
    "int_from_float": _NOT_WHOLE,
    "float_type": _NOT_NUMBER,
    "finite_number": _NOT_NUMBER,
    "list_type": _NOT_LIST,
    "dict_type": _NOT_TABLE,
    "greater_than": _TOO_SMALL,
    "greater_than_equal": _TOO_SMALL_OR,
    "less_than": _TOO_LARGE,
    "less_than_equal": _TOO_LARGE_OR,
    "too_short": _TOO_SHORT,
    "literal_error": _NOT_TEXT,  # only a value that isn't text gets past the table of words
    "rank_twice": _RANK_TWICE,
    "rank_missing": _RANK_MISSING,
    "claim_kind": _CLAIM_KIND,
    "claim_parents": _CLAIM_PARENTS,
    "claim_extent": _CLAIM_EXTENT,
    "claim_parent_column": _CLAIM_PARENT_COLUMN,
    "claim_key": _CLAIM_KEY,
    "claim_blocks": _CLAIM_BLOCKS,
    "claim_seam": _CLAIM_SEAM,
    "claim_tolerance": _CLAIM_TOLERANCE,
    "claim_scope": _CLAIM_SCOPE,
    "claim_staff": _CLAIM_STAFF,
    "exception_place": _EXCEPTION_PLACE,
    "place": _PLACE,
    "several_sizes": _SEVERAL_SIZES,
    "size": _BAD_SIZE,
    "workload_source": _WORKLOAD_SOURCE,
    "workload_measured": _WORKLOAD_MEASURED,
}


# ------------------------------------------------------------------------------------------------------ reading it


def read_town_file(path: Path) -> tuple[TownFile, list[Problem]]:
    """Return what the sound parts of a gridgeo.toml say, and everything wrong with the others.

    Raises
    ------
    InputError
        When the file isn't there or isn't TOML.
    """
    document = _parse(path)
    problems: list[Problem] = list(_identity_numbers(path, document))
    known = {*_NAMED_TABLES, *_SINGLE_TABLES, "exceptions"}
    problems += [_unknown_key(str(path), key, sorted(known)) for key in document if key not in known]
    singles: dict[str, Any] = {}
    for name, model in _SINGLE_TABLES.items():
        given = document.get(name, {})
        if isinstance(given, dict):
            singles[name] = _check(path, name, model, given, problems)
        else:
            problems.append(Problem(f"{path}, {name}", _NOT_TABLE, {"given": shown(repr(given))}))
            singles[name] = None
    named: dict[str, dict[str, Any]] = {}
    for name, model in _NAMED_TABLES.items():
        named[name] = {}
        given = document.get(name, {})
        if not isinstance(given, dict):
            problems.append(Problem(f"{path}, {name}", _NOT_TABLE, {"given": shown(repr(given))}))
            continue
        for key, table in given.items():
            if not isinstance(table, dict):
                problems.append(Problem(f"{path}, [{name}] {key}", _NOT_TABLE, {"given": shown(repr(table))}))
                continue
            sound = _check(path, f"{name}.{key}", model, table, problems)
            if sound is not None:
                named[name][key] = sound
    exceptions: dict[str, ExceptionTable] = {}
    given = document.get("exceptions", [])
    if isinstance(given, list) and all(isinstance(table, dict) for table in given):
        for number, table in enumerate(given, 1):
            if (checked := _check(path, f"exceptions.{number}", ExceptionTable, table, problems)) is not None:
                exceptions[str(number)] = checked
    else:
        problems.append(Problem(f"{path}, exceptions", _NOT_EXCEPTIONS))
    if not document.get("layers") and isinstance(document.get("layers", {}), dict):
        problems.append(Problem(str(path), _NO_LAYERS))
    layer_keys = tuple(document["layers"]) if isinstance(document.get("layers"), dict) else ()
    town_file = TownFile(
        path=path,
        town=singles["town"],
        layers=named["layers"],
        barriers=named["barriers"],
        claims=named["claims"],
        exceptions=exceptions,
        workload=named["workload"],
        partition=singles["partition"] or PartitionTable(),
        sections=singles["sections"] if "sections" in document else None,
        shifts=named["shifts"],
        people=singles["people"] or PeopleTable(),
        tasks=singles["tasks"] or RowsTable(),
        services=singles["services"] or RowsTable(),
        boards=singles["boards"] or RowsTable(),
        notice=singles["notice"] or NoticeTable(),
        privacy=singles["privacy"] or PrivacyTable(),
        layer_keys=layer_keys,
    )
    return town_file, problems


def _parse(path: Path) -> dict[str, Any]:
    try:
        return read_toml(path)
    except FileNotFoundError:
        raise InputError(Problem(str(path), _NO_FILE, {"path": path.absolute()})) from None


def _identity_numbers(path: Path, document: Mapping[str, Any]) -> list[Problem]:
    """Return a problem for each text of the file that holds an identity number."""
    problems: list[Problem] = []

    def look(value: object, place: str) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                look(key, place)
                look(inner, f"{place}.{key}" if place else str(key))
        elif isinstance(value, list):
            for number, inner in enumerate(value, 1):
                look(inner, f"{place}[{number}]")
        elif isinstance(value, str | int) and has_identity_number(str(value)):
            where = f"{path}, {mask_identity_numbers(place)}"
            problems.append(Problem(where, _IDENTITY, {"masked": shown(value)}))

    for key, value in document.items():
        # rows of the rosters are checked with the rosters, where each gets one line
        look({k: v for k, v in value.items() if k != "rows"} if isinstance(value, dict) else value, str(key))
    return problems


SomeTable = TypeVar("SomeTable", bound=Table)


def _check(
    path: Path, name: str, model: type[SomeTable], given: Mapping[str, Any], problems: list[Problem]
) -> SomeTable | None:
    """Return ``given`` as ``model``, without the keys that are wrong; None where that is impossible.

    A table with wrong keys is tried again without them: what is left may show further mistakes and names files that
    can be checked too. A repeated complaint is said once.
    """
    sound = dict(given)
    while True:
        try:
            return model.model_validate(sound)
        except ValidationError as error:
            wrong: set[str] = set()
            for detail in error.errors(include_url=False):
                location = detail["loc"]
                first = str(location[0]) if location else ""
                if first in sound:
                    wrong.add(first)
                elif len(sound) < len(given) and (not location or first in given):
                    continue  # only the consequence of a key that was set aside, and of that enough has been said
                problem = _translate(path, name, model, detail)
                if _key(problem) not in {_key(other) for other in problems}:
                    problems.append(problem)
            if not wrong:
                only_as_a_whole = all(not detail["loc"] for detail in error.errors(include_url=False))
                if issubclass(model, SourceTable) and only_as_a_whole:
                    return model.model_construct(**sound)  # the file that it names can still be checked
                return None
            sound = {key: value for key, value in sound.items() if key not in wrong}


def _key(problem: Problem) -> tuple[str, str]:
    return problem.where, problem.text("en")


def _translate(path: Path, name: str, model: type[Table], detail: ErrorDetails) -> Problem:
    location = [str(part) for part in detail["loc"]]
    kind, given = detail["type"], detail["input"]
    if kind == "extra_forbidden":
        return _unknown_key(f"{path}, [{name}]", location[-1], list(model.model_fields))
    steps = [f"[{int(part) + 1}]" if part.isdigit() and number else f".{part}" for number, part in enumerate(location)]
    where = one_line(f"{path}, [{name}] {''.join(steps).lstrip('.')}".rstrip())
    context = detail.get("ctx", {})
    values: dict[str, object] = {"given": shown(given if isinstance(given, str) else repr(given))}
    if kind == "word":
        values |= {"near": context["near"], "known": context["known"]}
        return Problem(where, _WORD_NEAR if context["near"] else _WORD, values)
    if kind == "claim_key":
        values |= context
    limit = next((context[bound] for bound in ("gt", "ge", "lt", "le") if bound in context), "")
    values["limit"] = f"{limit:g}" if isinstance(limit, int | float) else ""
    return Problem(where, _SENTENCES.get(kind, _BAD_VALUE), values)


def _unknown_key(where: str, key: str, known: list[str]) -> Problem:
    near = nearest(key, known)
    if near is not None:
        return Problem(where, _UNKNOWN_KEY_NEAR, {"key": shown(key), "near": near})
    return Problem(where, _UNKNOWN_KEY, {"key": shown(key), "known": listed(known, most=20)})
