"""What of any text may be published: never an identity number, and a mobile number only with its middle hidden.

A number that a person agreed to show is let through where their card is made (`gridgeo.render.people`), and nowhere
else: a mobile number in a name, in the hours or in a list is masked, however it is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from gridgeo._words import has_identity_number, mask_identity_numbers
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.render.fonts import printable

_BETWEEN = r"[ \-.·()\u2010-\u2015．（）－]{0,2}"
_MOBILE = re.compile(rf"(?<!\d)((?:(?:\+|00)?86{_BETWEEN})?)([1１][3-9３-９](?:{_BETWEEN}\d){{9}})(?!\d)")
"""Eleven digits from 13 to 19, full-width ones too, in whatever groups, with or without the country's number."""

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
    """

    def masked(found: re.Match[str]) -> str:
        digits = "".join(str(int(character)) for character in found[2] if character.isdecimal())
        return f"{found[1]}{digits[:3]}****{digits[-4:]}"

    return _MOBILE.sub(masked, text)


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
