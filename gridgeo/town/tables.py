"""Tables that people keep by hand: CSV in any of the usual encodings, and XLSX, as rows of plain text.

Every cell becomes text as it is seen on the screen: a telephone number that a spreadsheet holds as a number keeps its
digits, a date is written 2026-11-01. A title above the header row is passed over; a cell merged over several rows
counts for each of them.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import warnings
import zipfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gridgeo._words import listed, nearest, shown, tidy
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message

_MISSING = Message("no such file (looked for {path})", "文件不存在（查找位置：{path}）")
_MISSING_NEAR = Message(
    'no such file (looked for {path}); did you mean "{near}"?', "文件不存在（查找位置：{path}）；是否应为“{near}”？"
)
_FOLDER = Message("is a folder, not a table file", "是文件夹，不是表格文件")
_CANNOT_READ = Message("can't be read ({reason})", "无法读取（{reason}）")
_WRONG_KIND = Message(
    "is no CSV or XLSX file; save the table as one of these", "不是 CSV 或 XLSX 文件；请将表格另存为其中一种"
)
_OLD_EXCEL = Message(
    "is an old or a password-protected Excel file; save it as .xlsx without a password",
    "是旧版或加密的 Excel 文件；请另存为不加密的 .xlsx",
)
_DAMAGED = Message(
    "is not a sound XLSX file; open it in a spreadsheet and save it again",
    "不是完好的 XLSX 文件；请用表格软件打开后重新保存",
)
_UNKNOWN_TEXT = Message(
    "line {line} is neither UTF-8 nor GBK (GB 18030); save the file as CSV UTF-8",
    "第 {line} 行既不是 UTF-8 也不是 GBK（GB 18030）；请另存为 CSV UTF-8",
)
_BAD_CSV = Message(
    "is not sound CSV: a cell does not end; look for a quotation mark without its partner",
    "CSV 有误：有单元格没有结束；请检查是否有未成对的引号",
)
_NO_SHEET = Message("there is no sheet {sheet}; sheets are: {known}", "没有工作表 {sheet}；现有工作表：{known}")
_NO_HEADER = Message("holds no rows; the first row must name the columns", "没有内容；首行应为列名")
_HEADER_TWICE = Message('the column "{header}" is there twice; rename one', "列“{header}”出现两次；请改名或删除其一")
_TOO_MANY_CELLS = Message(
    'has more cells than the header row, such as "{cell}"; put text that contains a comma in quotation marks',
    "单元格比表头多，如“{cell}”；含逗号的文字请加英文引号",
)
_CELL_ERROR = Message("holds the spreadsheet error {cell}; mend the formula", "含有表格错误 {cell}；请修正公式")


@dataclass(frozen=True)
class Row:
    """One row of a table."""

    place: str
    """Where it stands, for messages: ``"people.csv, line 7"``."""
    cells: dict[str, str]
    """Text by header; blank cells are there as ``""``."""


@dataclass(frozen=True)
class Sheet:
    """One table as text."""

    source: str
    headers: tuple[str, ...]
    rows: tuple[Row, ...]
    problems: tuple[Problem, ...] = ()
    """Rows that could not be taken as they are."""


def read_table(path: Path, *, headers: Collection[str] = (), sheet: str | None = None) -> Sheet:
    """Read a CSV or XLSX file as text.

    Parameters
    ----------
    path : Path
        The file. CSV may be UTF-8 (with or without byte order mark), UTF-16 with a byte order mark, or GB 18030 (and so
        GBK and GB 2312); cells may be parted by commas, semicolons or tabs.
    headers : collection of str
        Words that are known as headers, in lower case: the header row is the one of the first ten that holds most of
        them. Without any of them it is the first that isn't blank.
    sheet : str, optional
        Sheet of an XLSX file; by default the first that isn't empty.

    Raises
    ------
    InputError
        When the file isn't there or isn't a table.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError(missing_file(path)) from None
    except IsADirectoryError:
        raise InputError(Problem(str(path), _FOLDER)) from None
    except OSError as error:
        raise InputError(Problem(str(path), _CANNOT_READ, {"reason": error.strerror or str(error)})) from None
    if data.startswith(b"PK\x03\x04"):
        source, rows = _spreadsheet_rows(path, data, sheet)
    elif data.startswith(b"\xd0\xcf\x11\xe0"):
        raise InputError(Problem(str(path), _OLD_EXCEL))
    elif path.suffix.lower() in (".csv", ".tsv", ".txt"):
        source, rows = str(path), _text_rows(path, data)
    else:
        raise InputError(Problem(str(path), _DAMAGED if path.suffix.lower() == ".xlsx" else _WRONG_KIND))
    return _with_headers(source, rows, headers)


def missing_file(path: Path, where: str | None = None) -> Problem:
    """Return the problem that ``path`` isn't there, with the file of its folder whose name is most like it."""
    try:
        beside = sorted(entry.name for entry in path.parent.iterdir())
    except OSError:
        beside = []
    near = nearest(path.name, beside, cutoff=0.75)
    values: dict[str, object] = {"path": path.absolute(), "near": near}
    return Problem(where or str(path), _MISSING_NEAR if near else _MISSING, values)


NumberedRow = tuple[str, list[str]]


def _with_headers(source: str, rows: list[NumberedRow], known: Collection[str]) -> Sheet:
    if not rows:
        raise InputError(Problem(source, _NO_HEADER))
    scores = [sum(cell.lower() in known for cell in cells) for _, cells in rows[:10]]
    start = scores.index(max(scores))
    names = rows[start][1]
    while names and not names[-1]:
        names.pop()
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise InputError([Problem(source, _HEADER_TWICE, {"header": shown(name)}) for name in twice])
    problems, found = [], []
    for place, cells in rows[start + 1 :]:
        surplus = [cell for cell in cells[len(names) :] if cell]
        if surplus:
            problems.append(Problem(place, _TOO_MANY_CELLS, {"cell": shown(surplus[0])}))
        if errors := [cell for cell in cells if cell in _ERRORS]:
            problems.append(Problem(place, _CELL_ERROR, {"cell": errors[0]}))
        if any(cells):
            padded = cells + [""] * (len(names) - len(cells))
            found.append(Row(place, {name: cell for name, cell in zip(names, padded, strict=False) if name}))
    return Sheet(source, tuple(name for name in names if name), tuple(found), tuple(problems))


# ---------------------------------------------------------------------------------------------------------- CSV


def _text_rows(path: Path, data: bytes) -> list[NumberedRow]:
    text = _decode(path, data)
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[NumberedRow] = []
    try:
        line = 1
        for cells in reader:
            cells = [tidy(cell) for cell in cells]
            if any(cells):
                rows.append((f"{path}, line {line}", cells))
            line = reader.line_num + 1
    except csv.Error:
        raise InputError(Problem(f"{path}, line {line}", _BAD_CSV)) from None
    return rows


def _decode(path: Path, data: bytes) -> str:
    encodings = ["utf-16"] if data.startswith((b"\xff\xfe", b"\xfe\xff")) else ["utf-8-sig", "gb18030"]
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
    raise InputError(Problem(str(path), _UNKNOWN_TEXT, {"line": line}))


# --------------------------------------------------------------------------------------------------------- XLSX

_ERRORS = frozenset({"#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A"})


def _spreadsheet_rows(path: Path, data: bytes, sheet: str | None) -> tuple[str, list[NumberedRow]]:
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about decorations that openpyxl doesn't know
            book = load_workbook(io.BytesIO(data), data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, TypeError, OSError):
        raise InputError(Problem(str(path), _DAMAGED)) from None
    if sheet is not None:
        found = nearest(sheet, book.sheetnames, cutoff=1.0)
        if found is None:
            values: dict[str, object] = {"sheet": shown(sheet), "known": shown(listed(book.sheetnames))}
            raise InputError(Problem(str(path), _NO_SHEET, values))
        chosen = [book[found]]
    else:
        chosen = list(book.worksheets)
    for page in chosen:
        rows = list(_page_rows(f"{path}, sheet {page.title}", page))
        if rows:
            return f"{path}, sheet {page.title}", rows
    raise InputError(Problem(str(path), _NO_HEADER))


def _page_rows(source: str, page: Any) -> Iterator[NumberedRow]:
    merged: dict[tuple[int, int], Any] = {}
    for area in page.merged_cells.ranges:
        # over rows only: a title merged over columns is one cell
        for row in range(area.min_row + 1, area.max_row + 1):
            merged[row, area.min_col] = page.cell(area.min_row, area.min_col)
    for number, cells in enumerate(page.iter_rows(), 1):
        texts = [_cell_text(merged.get((number, cell.column), cell) if merged else cell) for cell in cells]
        if any(texts):
            yield f"{source}, row {number}", texts


def _cell_text(cell: Any) -> str:
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, dt.time):
        return value.strftime("%H:%M")
    if isinstance(value, int | float):
        if isinstance(value, float) and not value.is_integer():
            return repr(value)
        digits, shape = str(int(value)), str(cell.number_format)
        # a number shown with leading zeros ("00000000") has them in its format only
        return digits.zfill(len(shape)) if shape and set(shape) == {"0"} else digits
    return tidy(value)
