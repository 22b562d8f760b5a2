"""The plan as a file: JSON that a person may edit, of the schema ``gridgeo-plan/1``.

Reasons stand in it in both languages, so that a plan made by one clerk is read by another. What an editing hand can get
wrong is said in one line each, all of it at once; geometries keep every digit.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args

import pyproj
import shapely

from gridgeo._words import listed, nearest, shown
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message, one_line
from gridgeo.repair.orders import planned_winners
from gridgeo.repair.plan import Action, Feature, Left, Mend, Plan, Rule, Transfer

SCHEMA = "gridgeo-plan/1"

_NO_FILE = Message("can't be read ({reason}); correct the name", "无法读取（{reason}）；请更正文件名")
_NOT_UTF8 = Message("is no text in UTF-8; save it as UTF-8", "不是 UTF-8 文本；请另存为 UTF-8")
_BROKEN = Message(
    "is no JSON: {reason} at line {line}, column {column}; mend it there or begin again from --dry-run",
    "不是有效的 JSON：第 {line} 行第 {column} 列（{reason}）；请改正，或用 --dry-run 重新生成",
)
_TOO_DEEP = Message("is no plan: it is nested too deeply", "不是修复计划：嵌套层数过多")
_NO_PLAN = Message(
    'is no plan of gridgeo: its "schema" must be {schema}, not {given}',
    "不是 gridgeo 的修复计划：“schema” 应为 {schema}，而不是 {given}",
)
_MISSING_KEY = Message('lacks "{key}"; put it back', "缺少“{key}”；请补上")
_UNKNOWN_KEY = Message('doesn\'t know "{key}"; take it out', "没有“{key}”这一项；请删去")
_MISSPELT_KEY = Message('doesn\'t know "{key}"; did you mean "{near}"?', "没有“{key}”这一项；是否指“{near}”？")
_WRONG_TYPE = Message('"{key}" must be {kind}, not {given}', "“{key}”应为{kind}，而不是 {given}")
_KINDS = {
    bool: Message("true or false", " true 或 false"),
    int: Message("a whole number, 0 or more", "非负整数"),
    float: Message("a number, 0 or more", "非负数"),
    str: Message("a text in quotes", "带引号的文字"),
    list: Message("a list [...]", "列表 [...]"),
    dict: Message("an object {{...}}", "对象 {{...}}"),
}
_ONE_OF = Message('"{key}" must be one of {known}, not {given}', "“{key}”应为 {known} 之一，而不是 {given}")
_BAD_GEOMETRY = Message('"{key}" is no geometry of the kind {kind}', "“{key}”不是 {kind} 类型的几何图形")
_BAD_WKB = Message('"wkb" is no geometry; it must not be edited', "“wkb” 不是几何图形；此项不可编辑")
_BAD_CRS = Message("is no coordinate system that is known: {given}", "不是已知的坐标参考系：{given}")
_NEVER_PLANNED = Message(
    "action {number} was never planned, the last one is {planned}; take it out, or make a new plan with --dry-run",
    "第 {number} 项不在原计划中（共 {planned} 项）；请删去，或用 --dry-run 重新生成",
)
_TWICE = Message("action {number} is there {count} times; leave one", "第 {number} 项出现了 {count} 次；请只保留一项")
_BAD_WINNER = Message(
    '{given} can\'t be the winner; choose one of {known}, or set "do": false',
    "{given} 不能作为取得方；请在 {known} 中选择，或设 “do”: false",
)
_NOBODY = Message("nobody", "无")
_CHOSEN = Message("A person chose it.", "人工选定。")


def plan_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) that every plan file keeps.

    Examples
    --------
    >>> plan_schema()["title"]
    'gridgeo-plan/1'
    """
    text = files("gridgeo.repair").joinpath("plan.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


# ---------------------------------------------------------------------------------------------------- writing


def write_plan(plan: Plan) -> str:
    """Return a plan as JSON of the schema ``gridgeo-plan/1``; the same plan gives the same text.

    One line a member of an action, geometries on one line each, so that it can be read and edited in any editor.

    Examples
    --------
    >>> import pyproj
    >>> print(write_plan(Plan((), (), pyproj.CRS("EPSG:32651"))).splitlines()[1])
     "schema": "gridgeo-plan/1",
    """
    return _json(_plan_record(plan)) + "\n"


def _plan_record(plan: Plan) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "crs": _crs_text(plan.crs),
        "options": plan.options,
        "fingerprints": plan.fingerprints,
        "planned": plan.planned,
        "actions": [_action_record(action) for action in plan.actions],
        "left": [_left_record(left) for left in plan.left],
        "before": [{**key._asdict(), "wkb": wkb.hex()} for key, wkb in sorted(plan.before.items())],
        "dropped": [{**key._asdict(), "row": row} for key, row in sorted(plan.dropped.items())],
    }


def _action_record(action: Action) -> dict[str, Any]:
    return {
        "number": action.number,
        "claim": action.claim,
        "do": action.do,
        "winner": _feature_record(action.winner),
        "alternatives": [_feature_record(feature) for feature in action.alternatives],
        "code": action.code,
        "detail": action.detail,
        "features": [_feature_record(feature) for feature in action.features],
        "mend": action.mend,
        "rule": action.rule,
        "why": _words_of(action),
        "moved": action.moved,
        "inserted": action.inserted,
        "place": _geojson(action.place),
        "transfers": [
            {
                "giver": _feature_record(transfer.giver),
                "taker": _feature_record(transfer.taker),
                "area": transfer.area,
                "region": _geojson(transfer.region),
            }
            for transfer in action.transfers
        ],
    }


def _left_record(left: Left) -> dict[str, Any]:
    return {
        "claim": left.claim,
        "code": left.code,
        "detail": left.detail,
        "features": [_feature_record(feature) for feature in left.features],
        "place": None if left.place is None else _geojson(left.place),
        "why": _words_of(left),
    }


def _feature_record(feature: Feature | None) -> dict[str, str] | None:
    return None if feature is None else feature._asdict()


def _words_of(item: Action | Left) -> dict[str, str]:
    return {"en": item.reason("en"), "zh": item.reason("zh")}


def _geojson(geometry: shapely.Geometry) -> dict[str, Any]:
    mapped: dict[str, Any] = json.loads(json.dumps(shapely.geometry.mapping(geometry)))
    return mapped


def _crs_text(crs: pyproj.CRS) -> str:
    authority = crs.to_authority(min_confidence=100)
    return ":".join(authority) if authority else str(crs.to_wkt())


def _json(value: Any, depth: int = 0) -> str:
    """Return JSON whose lists of records and records are spread out; what has no records in it stays on one line."""
    inner = "\n" + " " * (depth + 1)
    if isinstance(value, dict) and not _is_flat(value):
        members = [f"{json.dumps(key, ensure_ascii=False)}: {_json(held, depth + 1)}" for key, held in value.items()]
        return "{" + inner + ("," + inner).join(members) + "\n" + " " * depth + "}"
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        return "[" + inner + ("," + inner).join(_json(item, depth + 1) for item in value) + "\n" + " " * depth + "]"
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _is_flat(record: Mapping[str, Any]) -> bool:
    return set(record) in ({"layer", "id"}, {"type", "coordinates"}, {"en", "zh"}) or not record


# ---------------------------------------------------------------------------------------------------- reading


def read_plan(path: str | Path) -> Plan:
    """Read a plan that `write_plan` wrote and a person may have edited.

    A winner that was changed by hand gets the rule ``chosen``.

    Raises
    ------
    InputError
        With one line for each mistake: where in the file, what, what to do.
    """
    path = Path(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(Problem(str(path), _NO_FILE, {"reason": error.strerror or str(error)})) from None
    except UnicodeDecodeError:
        raise InputError(Problem(str(path), _NOT_UTF8)) from None
    return plan_from_json(text, where=str(path))


def plan_from_json(text: str, *, where: str = "plan") -> Plan:
    """Return the plan that a JSON text holds; see `read_plan`."""
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        values: dict[str, object] = {"reason": error.msg, "line": error.lineno, "column": error.colno}
        raise InputError(Problem(where, _BROKEN, values)) from None
    except (RecursionError, ValueError):
        raise InputError(Problem(where, _TOO_DEEP)) from None
    given = document.get("schema") if isinstance(document, dict) else document
    if given != SCHEMA:
        raise InputError(Problem(where, _NO_PLAN, {"schema": SCHEMA, "given": _seen(given)}))
    reader = _Reader(where)
    plan = reader.plan(document)
    if reader.problems:
        raise InputError(reader.problems)
    return plan


class _Reader:
    """Turns records into objects; whatever is wrong is noted, and something harmless stands in its place."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []

    def plan(self, record: dict[str, Any]) -> Plan:
        known = ("schema", "crs", "options", "fingerprints", "planned", "actions", "left", "before", "dropped")
        self._only(record, "", known)
        actions = [self._action(held, place) for held, place in self._records(record, "actions", "")]
        planned = self._take(record, "planned", int, "")
        self._numbers([action.number for action in actions], planned)
        prints = self._take(record, "fingerprints", dict, "")
        return Plan(
            tuple(sorted(actions, key=lambda action: action.number)),
            tuple(self._left(held, place) for held, place in self._records(record, "left", "")),
            self._crs(self._take(record, "crs", str, "")),
            self._take(record, "options", dict, ""),
            {layer: self._take(prints, layer, str, "fingerprints") for layer in prints},
            {self._key(held, place): self._wkb(held, place) for held, place in self._records(record, "before", "")},
            {
                self._key(held, place): self._take(held, "row", dict, place)
                for held, place in self._records(record, "dropped", "")
            },
            planned,
        )

    def _action(self, record: dict[str, Any], place: str) -> Action:
        number = self._take(record, "number", int, place)
        where = f"action {number}" if number else place
        self._only(record, where, tuple(_KEYS_OF_ACTIONS))
        features = self._features(record, "features", where)
        alternatives = self._features(record, "alternatives", where)
        transfers = tuple(self._transfer(held, at) for held, at in self._records(record, "transfers", where))
        action = Action(
            number,
            self._take(record, "code", str, where),
            self._or_none(record, "detail", str, where),
            features,
            self._geometry(record, "place", "Point", where),
            self._word(record, "mend", get_args(Mend), where),
            self._why(record, where),
            self._word(record, "rule", (None, *get_args(Rule)), where),
            self._feature(record, "winner", where),
            alternatives,
            transfers,
            self._take(record, "inserted", int, where),
            self._take(record, "moved", float, where),
            self._take(record, "do", bool, where),
            claim=self._take(record, "claim", str, where),
        )
        return self._with_winner(action, where)

    def _with_winner(self, action: Action, where: str) -> Action:
        """Refuse a winner that nobody can be; mark one that a person has put in place of the plan's."""
        planned = planned_winners(action)
        possible = sorted({*action.alternatives, *planned})
        if action.winner is None and (action.rule is None or len(planned) != 1 or action.mend == "align"):
            return action
        if action.winner in planned:
            return action
        if action.winner is None or action.winner not in possible:
            known = listed(map(_said, possible)) or _NOBODY.text()
            given = _NOBODY.text() if action.winner is None else _said(action.winner)
            self._wrong(where, _BAD_WINNER, given=given, known=known)
            return action
        transfers = tuple(_given_to(action.winner, planned, transfer) for transfer in action.transfers)
        return replace(action, rule="chosen", why=_CHOSEN, transfers=transfers)

    def _left(self, record: dict[str, Any], place: str) -> Left:
        self._only(record, place, ("claim", "code", "detail", "features", "place", "why"))
        return Left(
            self._take(record, "code", str, place),
            self._or_none(record, "detail", str, place),
            self._features(record, "features", place),
            None if record.get("place") is None else self._geometry(record, "place", "Point", place),
            self._why(record, place),
            claim=self._take(record, "claim", str, place),
        )

    def _transfer(self, record: dict[str, Any], place: str) -> Transfer:
        self._only(record, place, ("giver", "taker", "area", "region"))
        return Transfer(
            self._geometry(record, "region", "Polygon", place),
            self._take(record, "area", float, place),
            self._feature(record, "giver", place),
            self._feature(record, "taker", place),
        )

    # ------------------------------------------------------------------------------------------ the small parts

    def _wrong(self, where: str, what: Message, **values: object) -> None:
        place = ", ".join(part for part in (self.file, where) if part)
        self.problems.append(Problem(place, what, dict(values)))

    def _only(self, record: dict[str, Any], where: str, known: tuple[str, ...]) -> None:
        for key in record:
            if key not in known:
                near = nearest(key, known)
                self._wrong(where, _MISSPELT_KEY if near else _UNKNOWN_KEY, key=shown(key), near=near)

    def _take(self, record: dict[str, Any], key: str, kind: type, where: str) -> Any:
        harmless = kind()
        if key not in record:
            self._wrong(where, _MISSING_KEY, key=key)
            return harmless
        value = record[key]
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if kind is float and number and 0 <= value < float("inf"):
            return value
        if kind is int and number and isinstance(value, int) and value >= 0:
            return value
        if kind in (bool, str, list, dict) and isinstance(value, kind):
            return value
        self._wrong(where, _WRONG_TYPE, key=shown(key), kind=_KINDS[kind].text(), given=_seen(value))
        return harmless

    def _or_none(self, record: dict[str, Any], key: str, kind: type, where: str) -> Any:
        return None if key in record and record[key] is None else self._take(record, key, kind, where)

    def _records(self, record: dict[str, Any], key: str, where: str) -> list[tuple[dict[str, Any], str]]:
        found = []
        for index, held in enumerate(self._take(record, key, list, where)):
            place = ", ".join(part for part in (where, f"{key}[{index}]") if part)
            if isinstance(held, dict):
                found.append((held, place))
            else:
                self._wrong(where, _WRONG_TYPE, key=f"{key}[{index}]", kind=_KINDS[dict].text(), given=_seen(held))
        return found

    def _word(self, record: dict[str, Any], key: str, known: tuple[Any, ...], where: str) -> Any:
        if key not in record:
            self._wrong(where, _MISSING_KEY, key=key)
        elif isinstance(record[key], list | dict) or record[key] not in known:
            words = listed(word if word is not None else "null" for word in known)
            self._wrong(where, _ONE_OF, key=key, known=words, given=_seen(record[key]))
        else:
            return record[key]
        return known[0]

    def _feature(self, record: dict[str, Any], key: str, where: str) -> Feature | None:
        held = self._or_none(record, key, dict, where)
        return None if held is None else self._key(held, f"{where}, {key}")

    def _features(self, record: dict[str, Any], key: str, where: str) -> tuple[Feature, ...]:
        return tuple(self._key(held, place) for held, place in self._records(record, key, where))

    def _key(self, record: dict[str, Any], where: str) -> Feature:
        return Feature(self._take(record, "layer", str, where), self._take(record, "id", str, where))

    def _why(self, record: dict[str, Any], where: str) -> Message:
        words = self._take(record, "why", dict, where)
        said = [one_line(self._take(words, language, str, f"{where}, why")) for language in ("en", "zh")]
        return Message(*(text.replace("{", "{{").replace("}", "}}") for text in said))

    def _geometry(self, record: dict[str, Any], key: str, kind: str, where: str) -> Any:
        held = self._take(record, key, dict, where)
        if not held:
            return shapely.Point()
        try:
            geometry = shapely.from_geojson(json.dumps(held))
        except (shapely.errors.ShapelyError, ValueError, TypeError):
            geometry = None
        if geometry is None or geometry.geom_type != kind:
            self._wrong(where, _BAD_GEOMETRY, key=key, kind=kind)
        return geometry

    def _wkb(self, record: dict[str, Any], where: str) -> bytes:
        text = self._take(record, "wkb", str, where)
        try:
            wkb = bytes.fromhex(text)
            shapely.from_wkb(wkb)
        except (ValueError, shapely.errors.ShapelyError):
            self._wrong(where, _BAD_WKB)
            return b""
        return wkb

    def _crs(self, text: str) -> pyproj.CRS:
        try:
            return pyproj.CRS.from_user_input(text)
        except pyproj.exceptions.CRSError:
            self._wrong("crs", _BAD_CRS, given=shown(text))
            return pyproj.CRS.from_epsg(4326)

    def _numbers(self, numbers: list[int], planned: int) -> None:
        for number, count in sorted(Counter(numbers).items()):
            if count > 1:
                self._wrong("", _TWICE, number=number, count=count)
            if number > planned:
                self._wrong("", _NEVER_PLANNED, number=number, planned=planned)


_KEYS_OF_ACTIONS = (
    *("number", "claim", "do", "winner", "alternatives", "code", "detail", "features", "mend", "rule", "why"),
    *("moved", "inserted", "place", "transfers"),
)


def _given_to(winner: Feature, planned: set[Feature], transfer: Transfer) -> Transfer:
    """Return a transfer with another winner: what was given to the planned one, and cut off the new one, changes."""
    if transfer.taker in planned:
        return replace(transfer, taker=winner)
    if transfer.giver == winner and len(planned) == 1:
        return replace(transfer, giver=next(iter(planned)))
    return transfer


def _said(feature: Feature) -> str:
    return f"{feature.layer}:{feature.id}"


def _seen(value: object) -> str:
    return shown(json.dumps(value, ensure_ascii=False, default=str))
