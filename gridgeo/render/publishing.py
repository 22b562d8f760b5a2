"""What of any text may be published: never an identity number, and a mobile number only with its middle hidden.

A number that a person agreed to show is let through where their card is made (`gridgeo.render.people`), and nowhere
else: a mobile number in a name, in the hours or in a list is masked, however it is written.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from gridgeo._words import has_identity_number, mask_identity_numbers
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.render.fonts import printable

_BETWEEN = r"[ \-.·()\u2010-\u2015]{0,2}"
_MARKS = r"(?:[^\w\n]|_){1,3}"
_MOBILE = re.compile(
    rf"(?<!\d)((?:(?:\+|00)?86{_BETWEEN})?)"
    rf"((?!\d\d\.\d\d(?: |-|[\u2010-\u2015]))1[3-9](?:{_BETWEEN}\d){{9}}"  # in whatever groups, but no hours
    rf"|1[3-9]\d{_MARKS}\d{{4}}{_MARKS}\d{{4}}"  # in the usual groups, with any marks between them
    rf"|1(?:[ \-.·_/]{{1,2}}\d){{10}})"  # digit by digit
    r"(?!\d)"
)
"""Eleven digits from 13 to 19, with or without the country's number."""
_CHINESE_DIGITS = {character: str(k % 10) for k, character in enumerate("〇一二三四五六七八九零壹贰叁肆伍陆柒捌玖")}
_CHINESE_DIGITS |= {"幺": "1", "两": "2", "○": "0", "洞": "0", "拐": "7", "勾": "9"}
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")

_IDENTITY = Message(
    "holds an identity number ({masked}); remove it: identity numbers never belong on a notice",
    "含有身份证号（{masked}）；请删除：公示内容不得出现身份证号",
)


def mask_mobiles(text: str) -> str:
    """Return ``text`` with the middle of each mobile number hidden.

    Examples
    --------
    >>> mask_mobiles("张三 +86 138-1234-5678，１３８１２３４５６７８")
    '张三 +86 138****5678，138****5678'
    >>> mask_mobiles("021-13812345 8:30-11:30")
    '021-13812345 8:30-11:30'
    >>> mask_mobiles("手机 138/1234/5678 或 一三八一二三四五六七八")
    '手机 138****5678 或 138****5678'
    """
    plain = _NOT_ASCII.sub(lambda found: _plain(found[0]), text)  # as long as the text, so that places are the same
    masked, done = [], 0
    for found in _MOBILE.finditer(plain):
        digits = "".join(filter(str.isdigit, found[2]))
        masked += [text[done : found.start(2)], f"{digits[:3]}****{digits[-4:]}"]
        done = found.end()
    return "".join([*masked, text[done:]])


@lru_cache(maxsize=4096)
def _plain(character: str) -> str:
    """Return the ASCII digit or mark that a character stands for, or else the character: ３, ③ and 三 are 3."""
    digit = unicodedata.digit(character, None)
    if digit is not None:
        return str(digit)
    if character in _CHINESE_DIGITS:
        return _CHINESE_DIGITS[character]
    compatible = unicodedata.normalize("NFKC", character)
    return compatible if len(compatible) == 1 and compatible.isascii() else character


def mask_number(text: str) -> str:
    """Return a number with its middle hidden, whatever sort of number it is: who gave it didn't agree to show it.

    Examples
    --------
    >>> mask_number("138 1234 5678"), mask_number("+852 9123 4567"), mask_number("66123")
    ('138****5678', '+852 ****4567', '****3')
    """
    masked = mask_mobiles(text)
    places = [k for k, character in enumerate(text) if _plain(character).isdigit()]
    if masked != text or not places:
        return masked
    last = min(4, max(0, len(places) - 4))
    first = max(0, len(places) - last - 4)
    hidden = places[min(first, 3) : len(places) - last]
    return f"{text[: hidden[0]]}****{text[hidden[-1] + 1 :].lstrip()}"


@lru_cache(maxsize=65_536)
def publishable(text: str) -> str:
    """Return ``text`` as one line that can be set, with mobile and identity numbers masked.

    Examples
    --------
    >>> publishable("值班 138 1234 5678 ")
    '值班 138****5678'
    """
    return mask_mobiles(mask_identity_numbers(printable(text)))


def refuse_identity_numbers(texts: Iterable[tuple[str, object]]) -> None:
    """Refuse texts that hold an identity number; each comes with the words that say where it stands.

    Raises
    ------
    InputError
        With one line for each such text.
    """
    problems = {
        (where, str(text)): Problem(where, _IDENTITY, {"masked": mask_identity_numbers(str(text))})
        for where, text in texts
        if has_identity_number(str(text))
    }
    if problems:
        raise InputError(problems.values())
