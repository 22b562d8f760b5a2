"""The words that people write for our values, the known word nearest to a mistyped one, dates and identity numbers."""

from __future__ import annotations

import datetime as dt
import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from gridgeo.language import one_line

ROLE_WORDS: Mapping[str, str] = {
    "head": "head",
    "block head": "head",
    "块长": "head",
    "责任块长": "head",
    "patroller": "patroller",
    "网格巡查员": "patroller",
    "巡查员": "patroller",
    "three-heads": "three-heads",
    "三长": "three-heads",
    "police": "police",
    "社区民警": "police",
    "民警": "police",
    "urban-management": "urban-management",
    "城管": "urban-management",
    "城管队员": "urban-management",
    "城管执法队员": "urban-management",
    "market-supervision": "market-supervision",
    "市场监管": "market-supervision",
    "市场监管员": "market-supervision",
    "市场监管人员": "market-supervision",
    "lawyer": "lawyer",
    "律师": "lawyer",
    "法律顾问": "lawyer",
    "volunteer": "volunteer",
    "志愿者": "volunteer",
}
"""What stands for each role of a person."""

KIND_WORDS: Mapping[str, str] = {
    "residential": "residential",
    "居委": "residential",
    "居委网格": "residential",
    "居委会": "residential",
    "village": "village",
    "村委": "village",
    "村委网格": "village",
    "村委会": "village",
    "street": "street",
    "街面": "street",
    "街面网格": "street",
    "extended": "extended",
    "拓展": "extended",
    "拓展网格": "extended",
}
"""What stands for each kind of grid."""

MEASURE_WORDS: Mapping[str, str] = {
    "area": "area",
    "面积": "area",
    "street-length": "street-length",
    "道路长度": "street-length",
}
"""What stands for each thing that is measured from the map."""

PRESET_WORDS: Mapping[str, str] = {
    "community": "community",
    "社区网格": "community",
    "micro": "micro",
    "微网格": "micro",
    "cell": "cell",
    "单元网格": "cell",
}
"""What stands for each named size of blocks."""

RANK_WORDS: Mapping[str, str] = {
    "river": "river",
    "河道": "river",
    "main-road": "main-road",
    "主干路": "main-road",
    "主干道": "main-road",
    "road": "road",
    "道路": "road",
    "lane": "lane",
    "街巷": "lane",
    "里弄": "lane",
    "none": "none",
    "无": "none",
}
"""What stands for each rank of a barrier; ``none`` says that a value is no barrier."""

PERSONAL_FIELD_WORDS: Mapping[str, str] = {
    "photo": "photo",
    "照片": "photo",
    "头像": "photo",
    "mobile": "mobile",
    "手机": "mobile",
    "手机号": "mobile",
}
"""What stands for each field of a person that is published by consent only."""

AUDIENCE_WORDS: Mapping[str, str] = {
    "wall": "wall",
    "墙": "wall",
    "上墙": "wall",
    "张贴": "wall",
    "wechat": "wechat",
    "微信": "wechat",
    "web": "web",
    "网站": "web",
    "网页": "web",
}
"""What stands for each audience of a notice."""

TRUE_WORDS = frozenset({"true", "yes", "y", "1", "是", "√", "✓", "自选"})
FALSE_WORDS = frozenset({"", "false", "no", "n", "0", "否", "×", "基础"})

_LONGEST_SHOWN = 60
_INVISIBLE = dict.fromkeys(map(ord, "\ufeff\u200b\u200c\u200d\u2060"))


def tidy(value: object) -> str:
    r"""Return ``value`` as text without blanks around it (full-width ones too) and without invisible characters.

    Examples
    --------
    >>> tidy("\u3000张三\ufeff ")
    '张三'
    """
    return str(value).translate(_INVISIBLE).strip()


def meaning(word: str, words: Mapping[str, str]) -> str | None:
    """Return what ``word`` stands for, whatever its case, blanks, hyphens and underscores; None for an unknown word.

    Examples
    --------
    >>> meaning(" Urban_Management ", ROLE_WORDS)
    'urban-management'
    """
    plain = re.sub(r"[\s_]+", "-", tidy(word).lower())
    return words.get(plain) or words.get(plain.replace("-", " ")) or words.get(plain.replace("-", ""))


def meanings(words: Mapping[str, str]) -> str:
    """Return what words there are, as a list for messages: each in English with its first Chinese word.

    Examples
    --------
    >>> meanings(KIND_WORDS)
    'residential 居委, village 村委, street 街面, extended 拓展'
    """
    chinese: dict[str, str] = {}
    for word, value in words.items():
        if not word.isascii():
            chinese.setdefault(value, word)
    return ", ".join(f"{value} {word}" for value, word in chinese.items())


def nearest(word: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """Return the known word that looks most like ``word``, or None when none is like it.

    Examples
    --------
    >>> nearest("comunities", ["communities", "villages"])
    'communities'
    """
    by_plain: dict[str, str] = {}
    for candidate in known:
        by_plain.setdefault(candidate.lower(), candidate)
    plain = word.lower()
    if plain in by_plain:
        return by_plain[plain]
    if not plain.isascii() and len(plain) <= 3:
        cutoff = min(cutoff, 0.5)  # 块张 is one character from 块长
    found = difflib.get_close_matches(plain, list(by_plain), n=1, cutoff=cutoff)
    return by_plain[found[0]] if found else None


def listed(values: Iterable[object], *, most: int = 12) -> str:
    """Return ``values`` as a list on one line, cut short after ``most`` of them.

    Examples
    --------
    >>> listed(range(5), most=3)
    '0, 1, 2 …'
    """
    texts = [str(value) for value in values]
    return ", ".join(texts[:most]) + (" …" if len(texts) > most else "")


def shown(value: object) -> str:
    """Return ``value`` as short text fit for a message: on one line, with identity numbers masked."""
    text = mask_identity_numbers(one_line(value))
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"


# ------------------------------------------------------------------------------------------------------- dates

_DATE = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?")


def terminal_width(text: str) -> int:
    """Return how many columns of a terminal a text takes.

    Examples
    --------
    >>> terminal_width("A3 责任块")
    9
    """
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def in_columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table for a terminal, each column as wide as its widest cell.

    Examples
    --------
    >>> in_columns([("A3", "1"), ("责任块", "2")])
    ['A3      1', '责任块  2']
    """
    widths = [max(map(terminal_width, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell + " " * (wide - terminal_width(cell)) for cell, wide in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def first_line_of(error: Exception) -> str:
    """Return the first line of what an error says, or its kind where it says nothing.

    Examples
    --------
    >>> first_line_of(ValueError("too wide; at line 3")), first_line_of(ValueError())
    ('too wide; at line 3', 'ValueError')
    """
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def formula_free(text: str) -> str:
    """Return a text as a cell that no spreadsheet takes for a formula: one like it gets an apostrophe before it.

    Examples
    --------
    >>> formula_free("=1+1"), formula_free("1+1")
    ("'=1+1", '1+1')
    """
    return f"'{text}" if text[:1] in tuple("=+-@") else text


def parse_date(value: object) -> dt.date | None:
    """Return the date that ``value`` says, or None where it says none.

    Examples
    --------
    >>> parse_date("2026年11月1日")
    datetime.date(2026, 11, 1)
    >>> parse_date("2026-02-30") is None
    True
    """
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    found = _DATE.fullmatch(tidy(value)) if isinstance(value, str) else None
    if found is None:
        return None
    try:
        return dt.date(*(int(part) for part in found.groups()))
    except ValueError:
        return None


# ------------------------------------------------------------------------------------------- identity numbers

# Eighteen digits (the last may be X), in one piece or written in the usual groups 6-8-4 or 6-4-4-4; full-width digits
# match \d too. Fifteen digits are no test: block codes have them.
_IDENTITY = re.compile(r"(?<!\d)(\d{6})[ \-]?(\d{4})[ \-]?(\d{4})[ \-]?(\d{3}[\dXxＸ])(?![\d])")


def _is_identity_number(found: re.Match[str]) -> bool:
    # The date of birth in its middle tells an identity number from a long code. The check digit is no test: a
    # spreadsheet keeps fifteen digits of a number, so a true identity number may arrive with a wrong one.
    year, month_day = int(found[2]), found[3]
    return 1900 <= year <= 2100 and parse_date(f"{year}-{month_day[:2]}-{month_day[2:]}") is not None


def has_identity_number(text: str) -> bool:
    """Whether ``text`` holds what looks like the identity number of a citizen.

    Examples
    --------
    >>> has_identity_number("tel. 021-12345678"), has_identity_number("身份证11010519491231002X")
    (False, True)
    """
    return any(_is_identity_number(found) for found in _IDENTITY.finditer(text))


def mask_identity_numbers(text: str) -> str:
    """Return ``text`` with all but the first two digits of identity numbers hidden."""

    def mask(found: re.Match[str]) -> str:
        return found[1][:2] + "*" * 16 if _is_identity_number(found) else found[0]

    return _IDENTITY.sub(mask, text)
