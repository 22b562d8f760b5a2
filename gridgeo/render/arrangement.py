"""How the parts of a notice stand: told from about how wide and how high they become, without setting them.

The head stands beside the officers, or above them where that saves room; the organisations, where they are not on the
cards, stand once for all under the officers, or under the head where that is no higher: so little of the page stays
empty. What is told here is about right; that all fits on the page is measured when it is set.
"""

from __future__ import annotations

import itertools
import math
import re
import unicodedata
from collections.abc import Sequence
from typing import Literal

from gridgeo.render.columns import Level
from gridgeo.render.extent import Extent
from gridgeo.render.fonts import POINT, is_wide, text_width
from gridgeo.render.notice import Notice
from gridgeo.render.people import Card, organisations_of
from gridgeo.render.template_lengths import (
    AROUND_HEAD,
    BESIDE_HEAD,
    BESIDE_PHOTO,
    GUTTER,
    KERNING,
    LEADING,
    LITTLE_MAP,
    SURELY,
    TERSE_GUTTER,
)
from gridgeo.render.theme import Sizes, Words

Team = Literal["beside", "beside-with-organisations", "above"]
"""Where the head stands: beside the officers, beside them with the organisations under it, or above them."""

_BESIDE_HEAD_PHOTO = 13.0
_NAME_AND_PHONE = 28.0
"""Millimetres that the head's role, name and phone take, and the space between them."""
_BEFORE_HOURS = 3.0
"""Ems of the word before the head's hours and of the space after it."""
_RATHER_HIGHER, _BARE = 3.0, 0.2
"""Millimetres that a head above the officers may take more, and the share of what is left bare beside them else."""
_LATIN, _WIDE = re.compile("[A-Za-z]"), re.compile("[\u2e80-\uffff]")
_WHOLE_NAME, _LATIN_EMS = 8, 0.6
"""Characters of a name in the extent that is not broken, and about how many ems a narrow letter runs."""


def arrange_team(
    head: Card, officers: Sequence[Card], levels: Sequence[Level], width: float, *, across: bool
) -> list[Team]:
    """Return how the team stands at each level of density, ``width`` millimetres wide.

    Parameters
    ----------
    across : bool
        Whether it stands beside a map: there the head may stand above the officers.
    """
    if not officers:
        return ["beside"] * len(levels)
    hours = [text_width(card.hours, 1.0) for card in officers]
    letters = [len(role) + len("、".join(names)) + 2 for role, names in organisations_of(officers)]
    return [_arranged(head, hours, letters, level, width, across) for level in levels]


def _arranged(
    head: Card, hours: Sequence[float], letters: Sequence[int], level: Level, width: float, across: bool
) -> Team:
    """Return how the team stands at one level; of ems: ``hours`` of each officer, ``letters`` of each role."""
    count = len(hours)
    if head.is_pending and count > level.columns:
        return "above"
    # fewer officers than there are columns leave the head the room of the others
    columns, gutter = min(level.columns, count), TERSE_GUTTER if level.terse else GUTTER
    usual = (width - level.head_width - BESIDE_HEAD - (level.columns - 1) * gutter) / level.columns
    own = level.head_width + (level.columns - columns) * (usual + gutter)
    row = _row(hours, level, usual)
    told = letters if level.terse else []

    def organisations(room: float, parts: Sequence[float]) -> float:
        lines = sum(_lines(ems, level.small, room) for ems in parts)
        return _high(lines, level.small) + level.row_gap if told else 0.0

    cards = math.ceil(count / columns) * row
    alone = _head(head, level, own)
    left = alone + organisations(own, told)
    under_cards = organisations(width - own - BESIDE_HEAD, [sum(told)])
    low = bool(told) and left <= cards + under_cards
    if across and count > columns:
        beside = max(left, cards) if low else cards + under_cards
        under_head = level.head_photo * 4 / 3 + AROUND_HEAD + level.row_gap
        under_head += math.ceil(count / (level.columns + 1)) * row + organisations(width, [sum(told)])
        # a little higher is better than much that is bare
        bare = max(beside - (left if low else alone), 0.0)
        if under_head <= beside + _RATHER_HIGHER + _BARE * bare:
            return "above"
    return "beside-with-organisations" if low else "beside"


def _row(hours: Sequence[float], level: Level, width: float) -> float:
    """Return about how high a row of officers is, with the space under it."""
    if level.compact:
        return max(level.photo * 4 / 3, level.text) + level.row_gap
    room = width - level.photo - BESIDE_PHOTO
    lines = sum(_lines(ems, level.small, room) for ems in hours) / len(hours)
    lines += 2 if level.terse and not level.photo else 3
    return max(level.photo * 4 / 3, _high(lines, level.small)) + level.row_gap


def _head(head: Card, level: Level, width: float) -> float:
    """Return about how high the head's card is."""
    room = width - level.head_photo - _BESIDE_HEAD_PHOTO
    lines = _lines(text_width(head.organisation, 1.0), level.text, room)
    lines += _lines(text_width(head.hours, 1.0) + _BEFORE_HOURS, level.text, room)
    return AROUND_HEAD + max(level.head_photo * 4 / 3, _NAME_AND_PHONE + _high(lines, level.text))


def _lines(ems: float, size: float, room: float) -> int:
    """Return about how many lines a text of that size in points fills in a room in millimetres."""
    return max(math.ceil(ems * size * POINT / room), 1)


def _high(lines: float, size: float) -> float:
    """Return about how high so many lines are, in millimetres."""
    return lines * (size + LEADING) * POINT


def longest_word(extent: Extent) -> float:
    """Return how many ems the longest word of an extent runs that is not broken, about: it needs a column as wide."""
    names = (name for side in vars(extent).values() for name in side.split("、"))
    return max(_ems(word) for name in names for word in _unbroken(name))


def _unbroken(name: str) -> list[str]:
    return name.split(" ") if len(name) > _WHOLE_NAME and _LATIN.search(name) else [name]


def _ems(word: str) -> float:
    return min(len(word), _WHOLE_NAME) if _WIDE.search(word) else _LATIN_EMS * len(word)


_EXACTLY = 0.998
"""In place of `SURELY` and `KERNING` where nothing moves letters."""
_LITTLE_MAP_IF_DENSE, _BESIDE_LITTLE_MAP, _BESIDE_TITLE, _AROUND_TAG = 42.0, 10.0, 7.0, 8.0
_SHARES = (1.0, 0.95, 0.9, 0.85)
"""Of the full sizes of title and name, as far as they are made smaller to stand side by side."""


def usual_head(notice: Notice, sizes: Sizes, width: float) -> str:
    """Return how the lines of a masthead surely stand, or "" where only setting tells; ``width`` is in millimetres.

    The mastheads of all notices of a town with the same answer are equally high.
    """
    room = (width - LITTLE_MAP - _BESIDE_LITTLE_MAP) / POINT
    above = f"{notice.town}　{notice.kind_name}　{notice.grid}　编号 {notice.code}"
    tag = text_width(notice.watermark, 13.0) + _AROUND_TAG / POINT if notice.watermark else 0.0
    title, name = len(notice.title) * sizes.title, text_width(notice.name, sizes.name)
    if not all(map(is_wide, notice.title)) or max(title, name, text_width(above, 15.0) + tag) > SURELY * room:
        return ""
    beside = (width - _LITTLE_MAP_IF_DENSE - _BESIDE_LITTLE_MAP - _BESIDE_TITLE) / POINT
    surely, kerning = (_EXACTLY, _EXACTLY) if _runs_exactly(notice.title + notice.name) else (SURELY, KERNING)
    for share in _SHARES:
        if (title + name) * share <= surely * beside:
            return f"beside one another, {share:g}"
        if (title + name) * share * kerning <= beside:
            return ""
    return "below one another"


def _runs_exactly(text: str) -> bool:
    """Return whether text runs as far as its letters do: no two narrow ones meet, and no mark is set closer."""
    meet = any(not is_wide(one) and not is_wide(other) for one, other in itertools.pairwise(text))
    return not meet and not any(unicodedata.category(letter).startswith("P") for letter in text)


_CODE, _BETWEEN = 21.5, 9.0
"""Millimetres that a QR code is wide, and between what stands at the end of a notice."""
_LONG_PHONE = 16
"""Characters of a phone number that is not printed large."""
_SPARE = 1.02


def foot_stands_beside(notice: Notice, words: Words, width: float) -> bool:
    """Return whether issuer, date and mark fit on a line beside the supervision phone and the QR code.

    There is no place for them without a QR code. ``width`` is that of the page between its margins, in millimetres.
    """
    version = f"{words.version} {notice.version}" if notice.version else ""
    foot = text_width("　".join(filter(None, (notice.issuer, notice.date, version))), 12.0)
    foot += text_width("核对码 DDDD-DDDD", 9.5)
    beside = _CODE + 2 * _BETWEEN
    if notice.supervision_phone:
        large = 24.0 if len(notice.supervision_phone) <= _LONG_PHONE else 13.0
        phone = max(text_width(words.supervision, 13.0), text_width(notice.supervision_phone, large))
        beside += phone * POINT + _BETWEEN
    return bool(notice.address) and _SPARE * foot * POINT + beside <= width
