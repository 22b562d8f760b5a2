"""Rows of a roster: from a table file or from gridgeo.toml, under our names for their columns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gridgeo._words import has_identity_number, listed, mask_identity_numbers, meaning, meanings, nearest, shown, tidy
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message, one_line
from gridgeo.town._file import TownFile
from gridgeo.town._schema import RowsTable
from gridgeo.town.tables import Row, Sheet, missing_file, read_table

_NO_COLUMN = Message(
    "there is no column {field} ({words}); columns are: {known}", "缺少列 {field}（{words}）；现有列：{known}"
)
_NO_COLUMN_NEAR = Message(
    'there is no column {field} ({words}); is it "{near}"? Then rename it or add columns = {{ "{near}" = "{field}" }}',
    '缺少列 {field}（{words}）；是否为“{near}”？可改列名，或添加 columns = {{ "{near}" = "{field}" }}',
)
_TWO_COLUMNS = Message(
    'the columns "{first}" and "{second}" both mean {field}; keep one, or say which with columns = {{ … }}',
    "列“{first}”与“{second}”都表示 {field}；请只保留一列，或用 columns = {{ … }} 指定",
)
_UNUSED_COLUMNS = Message("the columns {columns} are not used", "列 {columns} 未被使用")
_UNKNOWN_FIELD = Message(
    'there is no column "{given}" in this table of ours; known are: {known}', "此表没有“{given}”这一项；可用：{known}"
)
_UNKNOWN_FIELD_NEAR = Message(
    'there is no column "{given}" in this table of ours; did you mean "{near}"?',
    "此表没有“{given}”这一项；是否应为“{near}”？",
)
_NO_OWN_HEADER = Message(
    'the file has no column "{header}"; columns are: {known}', "文件中没有列“{header}”；现有列：{known}"
)
_UNKNOWN_WORD = Message('{field} "{given}" is not known; known are: {known}', "{field}“{given}”不认识；可用：{known}")
_UNKNOWN_WORD_NEAR = Message(
    '{field} "{given}" is not known; did you mean "{near}"? Known are: {known}',
    "{field}“{given}”不认识；是否应为“{near}”？可用：{known}",
)
_IDENTITY = Message(
    "holds an identity number ({masked}); remove it: identity numbers never belong on a notice",
    "含有身份证号（{masked}）；请删除：公示内容不得出现身份证号",
)
_IDENTITY_COLUMN = Message(
    'the column "{header}" is for identity numbers; remove it: they never belong on a notice',
    "列“{header}”为身份证号；请删除该列：公示内容不得出现身份证号",
)


@dataclass
class Entry:
    """One row, its fields by our names, and the problems found in it."""

    place: str
    fields: Mapping[str, str]
    problems: list[Problem] = field(default_factory=list)
    absent: frozenset[str] = frozenset()
    """Fields for which the table has no column: said once for the table, not again for each row."""

    def say(self, what: Message, **values: object) -> None:
        self.problems.append(Problem(self.place, what, values))

    def text(self, name: str) -> str:
        return self.fields.get(name, "")

    def word(self, name: str, words: Mapping[str, str]) -> str | None:
        given = self.text(name)
        if not given:
            return None
        found = meaning(given, words)
        if found is None:
            near = nearest(given, words)
            known = meanings(words)
            what = _UNKNOWN_WORD_NEAR if near else _UNKNOWN_WORD
            self.say(what, field=name, given=shown(given), near=near, known=known)
        return found


class RowReader:
    """The reading of one of the three tables of a roster: what its columns are called, and what is wrong with it."""

    def __init__(
        self,
        table: str,
        headers: Mapping[str, tuple[str, ...]],
        required: tuple[str, ...],
        town_file: TownFile,
    ) -> None:
        self.table = table
        self.headers = headers
        self.required = required
        self.town_file = town_file
        self.words = {word.lower(): name for name, others in headers.items() for word in (name, *others)}
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []

    def read(self, given: RowsTable) -> list[Entry]:
        """Return the rows of the table's file, then those of gridgeo.toml."""
        return [*self._from_file(given), *self._from_toml(given.rows)]

    def _from_toml(self, rows: Iterable[Mapping[str, Any]]) -> list[Entry]:
        entries = []
        for number, row in enumerate(rows, 1):
            entry = Entry(self.town_file.place(self.table, f"rows[{number}]"), {})
            fields: dict[str, str] = {}
            for key, value in row.items():
                name = self.words.get(tidy(key).lower())
                if name is None:
                    near = nearest(key, self.words)
                    what = _UNKNOWN_FIELD_NEAR if near else _UNKNOWN_FIELD
                    entry.say(what, given=shown(key), near=near, known=listed(self.headers))
                else:
                    fields[name] = str(value).lower() if isinstance(value, bool) else tidy(value)
                if has_identity_number(f"{key} {value}"):
                    entry.say(_IDENTITY, masked=shown(value))
            entry.fields = fields
            entries.append(entry)
        return entries

    def _from_file(self, given: RowsTable) -> list[Entry]:
        if given.file is None:
            return []
        path = self.town_file.resolve(given.file)
        if not path.exists():
            self.problems.append(missing_file(path, self.town_file.place(self.table, "file")))
            return []
        own = {tidy(header): name for header, name in given.columns.items()}
        try:
            sheet = read_table(path, headers={*self.words, *(h.lower() for h in own)}, sheet=given.sheet)
        except InputError as error:
            self.problems += error.problems
            return []
        self.problems += sheet.problems
        names = self._names_of_headers(sheet, own)
        return [self._entry(row, names) for row in sheet.rows]

    def _entry(self, row: Row, names: Mapping[str, str]) -> Entry:
        fields = {names[header]: text for header, text in row.cells.items() if header in names}
        entry = Entry(row.place, fields, absent=frozenset(self.headers) - set(names.values()))
        for text in row.cells.values():  # also those of columns that are not used
            if has_identity_number(text):
                entry.say(_IDENTITY, masked=shown(text))
        return entry

    def _names_of_headers(self, sheet: Sheet, own: Mapping[str, str]) -> dict[str, str]:
        """Return our name of each header that is used, and say what is wrong with the headers."""
        toml = self.town_file.place(self.table, "columns")
        names: dict[str, str] = {}
        for header, name in own.items():
            if name not in self.headers:
                near = nearest(name, self.headers)
                what = _UNKNOWN_FIELD_NEAR if near else _UNKNOWN_FIELD
                self._say(toml, what, given=shown(name), near=near, known=listed(self.headers))
            elif header not in sheet.headers:
                self._say(toml, _NO_OWN_HEADER, header=shown(header), known=shown(listed(sheet.headers)))
            else:
                names[header] = name
        chosen = set(names.values())
        for header in sheet.headers:
            known = self.words.get(header.lower())
            if header in names or known is None or known in chosen:
                continue
            first = next((other for other, name in names.items() if name == known), None)
            if first is not None:
                self._say(sheet.source, _TWO_COLUMNS, first=shown(first), second=shown(header), field=known)
            else:
                names[header] = known
        unused = [header for header in sheet.headers if header not in names]
        for header in unused:
            if re.search(r"身份证|证件号|\bid.?card", header, re.IGNORECASE):
                self._say(sheet.source, _IDENTITY_COLUMN, header=shown(header))
        for name in self.required:
            if name not in names.values():
                words = listed(self.headers[name], most=3)
                near = nearest(name, unused) or next(
                    filter(None, (nearest(w, unused) for w in self.headers[name])), None
                )
                what = _NO_COLUMN_NEAR if near else _NO_COLUMN
                known_headers = mask_identity_numbers(one_line(listed(sheet.headers)))
                self._say(sheet.source, what, field=name, words=words, near=near, known=known_headers)
        if unused:
            columns = mask_identity_numbers(one_line(listed(unused)))
            self.warnings.append(Problem(sheet.source, _UNUSED_COLUMNS, {"columns": columns}))
        return names

    def _say(self, where: str, what: Message, **values: object) -> None:
        self.problems.append(Problem(where, what, values))
