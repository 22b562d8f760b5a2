"""The first letters of Chinese characters in pinyin, so that a name can be searched for without an input method.

Theory. The 3,755 characters of the first level of GB 2312 stand in the order of their pinyin, so the letter of one
follows from its place among 23 borders. Characters of several readings that are common in names have all their letters.

Limits. Any other character but a few (䶮) has no letters here, and matches every letter: a search finds too much, not
too little.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

_BORDERS = (
    (0xB0A1, "a"),
    (0xB0C5, "b"),
    (0xB2C1, "c"),
    (0xB4EE, "d"),
    (0xB6EA, "e"),
    (0xB7A2, "f"),
    (0xB8C1, "g"),
    (0xB9FE, "h"),
    (0xBBF7, "j"),
    (0xBFA6, "k"),
    (0xC0AC, "l"),
    (0xC2E8, "m"),
    (0xC4C3, "n"),
    (0xC5B6, "o"),
    (0xC5BE, "p"),
    (0xC6DA, "q"),
    (0xC8BB, "r"),
    (0xC8F6, "s"),
    (0xCBFA, "t"),
    (0xCDDA, "w"),
    (0xCEF4, "x"),
    (0xD1B9, "y"),
    (0xD4D1, "z"),
)
"""The first character of each letter, as GB 2312 numbers it."""
_END = 0xD7F9
_SEVERAL = {
    "行": "hx", "长": "cz", "重": "cz", "乐": "ly", "朝": "cz", "曾": "cz", "单": "cds", "解": "jx", "区": "oq",
    "仇": "cq", "盛": "cs", "石": "ds", "车": "cj", "参": "cs", "藏": "cz", "调": "dt", "传": "cz", "会": "hk",
    "卡": "kq", "省": "sx", "校": "jx", "宿": "sx", "厦": "sx", "弄": "ln", "巷": "hx", "堡": "bp", "埔": "bp",
    "查": "cz", "翟": "dz", "尉": "wy", "折": "sz", "莘": "sx", "圩": "wx",
}  # fmt: skip
_COMMON_IN_NAMES = {
    "泾": "j", "浜": "b", "埭": "d", "浔": "x", "溇": "l", "淞": "s", "鑫": "x", "闵": "m", "浏": "l", "泖": "m",
    "塍": "c", "缪": "m", "衢": "q", "瓯": "o", "濠": "h", "晟": "cs", "昊": "h", "琪": "q", "璐": "l", "怡": "y",
    "雯": "w", "婷": "t",
}  # fmt: skip
"""Beyond the first level."""


def initials_of(character: str) -> str:
    """Return the letters that the pinyin of a character may begin with; "" where they are not known.

    Examples
    --------
    >>> initials_of("浦"), initials_of("行"), initials_of("䶮")
    ('p', 'hx', '')
    """
    if known := _SEVERAL.get(character) or _COMMON_IN_NAMES.get(character):
        return known
    try:
        number = int.from_bytes(character.encode("gb2312"), "big")
    except UnicodeEncodeError:
        return ""
    if not _BORDERS[0][0] <= number <= _END:
        return ""
    return _BORDERS[bisect_right(_BORDERS, (number, "~")) - 1][1]


def initials_table(texts: Iterable[str]) -> dict[str, str]:
    """Return the letters of each Chinese character in some texts; those that are not known have none."""
    characters = sorted({character for text in texts for character in text if "\u3400" <= character <= "\u9fff"})
    return {character: initials_of(character) for character in characters}
