"""TOML files; mistakes in them are said by line and column with a hint at the usual cause, in our own words."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from gridgeo._words import shown
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message

_SYNTAX = Message(
    'line {line}, column {column}: this is not TOML, at "{text}"',
    "第 {line} 行第 {column} 列：“{text}”不符合 TOML 语法",
)
_SYNTAX_HINTS: tuple[tuple[str, Message], ...] = (
    (
        r"Unescaped|hex value|Unicode scalar",
        Message(
            'line {line}, column {column}: a backslash in "…" has a special meaning; write paths with / instead of \\,'
            ' at "{text}"',
            "第 {line} 行第 {column} 列：引号中的反斜杠有特殊含义；路径请用 / 代替 \\，见“{text}”",
        ),
    ),
    (
        r"Illegal character '\\n'|Illegal character '\\r'|Unterminated|Expected \"'",
        Message(
            "line {line}, column {column}: the text is not closed with the straight quotation mark it began with,"
            ' at "{text}"',
            "第 {line} 行第 {column} 列：文字缺少收尾的英文直引号，见“{text}”",
        ),
    ),
    (
        r"overwrite|twice|Duplicate|redefine|immutable",
        Message(
            'line {line}, column {column}: this key or table is given twice; keep one, at "{text}"',
            "第 {line} 行第 {column} 列：同一个键或表写了两次，请只保留一处，见“{text}”",
        ),
    ),
    (
        r"date or datetime",
        Message(
            'line {line}, column {column}: there is no such date; dates are written 2026-11-01, at "{text}"',
            "第 {line} 行第 {column} 列：没有这个日期；日期写作 2026-11-01，见“{text}”",
        ),
    ),
    (
        r"Expected '=|Invalid statement|key part",
        Message(
            "line {line}, column {column}: here a line like key = value or [table] is expected; keys with other"
            ' characters than a-z, 0-9, _ and - stand in quotation marks, at "{text}"',
            "第 {line} 行第 {column} 列：此处应为 键 = 值 或 [表]；键中若有字母、数字、_、- 以外的字符（如汉字）"
            "须加英文引号，见“{text}”",
        ),
    ),
    (
        r"Invalid value|Expected newline",
        Message(
            "line {line}, column {column}: this is no value; text stands in straight quotation marks, dates are written"
            ' 2026-11-01, numbers without units, truth as true or false, at "{text}"',
            "第 {line} 行第 {column} 列：值写法有误；文字须加英文直引号，日期写作 2026-11-01，数字不带单位，"
            "真假写 true 或 false，见“{text}”",
        ),
    ),
    (
        r"Unclosed|Expected '\]",
        Message(
            'line {line}, column {column}: a bracket is not closed, at "{text}"',
            "第 {line} 行第 {column} 列：括号没有闭合，见“{text}”",
        ),
    ),
)


_CANNOT_READ = Message("can't be read ({reason})", "无法读取（{reason}）")
_NOT_UTF8 = Message(
    "line {line} is not UTF-8; save the file with the encoding UTF-8",
    "第 {line} 行不是 UTF-8 编码；请将文件另存为 UTF-8 编码",
)


def read_toml(path: Path) -> dict[str, Any]:
    """Return what a TOML file says.

    Raises
    ------
    FileNotFoundError
        When it isn't there.
    InputError
        When it can't be read or is no TOML: in one line, which line of it is wrong and how to write it.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise InputError(Problem(str(path), _CANNOT_READ, {"reason": error.strerror or str(error)})) from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(Problem(str(path), _NOT_UTF8, {"line": line})) from None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(_syntax_problem(path, text.replace("\r\n", "\n"), str(error))) from None
    except RecursionError:
        raise InputError(Problem(str(path), _CANNOT_READ, {"reason": "nested too deeply / 嵌套过深"})) from None


def _syntax_problem(path: Path, text: str, complaint: str) -> Problem:
    """Return what is wrong with ``text``, of which tomllib has said ``complaint``."""
    lines = text.split("\n")
    if found := re.search(r"\(at line (\d+), column (\d+)\)$", complaint):
        line, column = int(found[1]), int(found[2])
    else:  # at the end of the document
        line = max((number for number, content in enumerate(lines, 1) if content.strip()), default=1)
        column = len(lines[line - 1]) + 1
    content = lines[line - 1] if line <= len(lines) else ""
    begin = max(0, column - 40)
    values = {"line": line, "column": column, "text": shown(content[begin : begin + 60])}
    what = next((message for pattern, message in _SYNTAX_HINTS if re.search(pattern, complaint)), _SYNTAX)
    return Problem(str(path), what, values)
