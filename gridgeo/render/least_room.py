"""The least room that people take on a notice, told from the widths of their texts without setting them.

Most levels of density that are tried are much too roomy. Setting all cards of a level takes Typst longer than all else
of the page, so it is spared wherever this bound shows that the level won't do. A bound that is too low costs time only;
one that is too high would make a notice denser than it need be: no line is counted that might not be needed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from gridgeo.render.columns import Level
from gridgeo.render.fonts import POINT, text_width
from gridgeo.render.people import Card

_LEADING = 0.32 * 13.0
"""Points between lines, as the template has it."""
_KERNING = 0.97
"""Share of its advances that text takes at least, where letters are moved together."""
_GUTTER, _TERSE_GUTTER = 5.0, 3.0
_BESIDE_PHOTO, _BESIDE_PHOTO_TERSE, _BESIDE_PHOTO_COMPACT, _BESIDE_LINE = 3.0, 2.4, 2.2, 2.4
_BESIDE_HEAD = 7.0
_SMALLEST = 0.88
_AROUND_HEADING, _AROUND_EXTENT, _AROUND_HEAD = 2.2 + 3.0, 2 * 2.6, 2 * 4.0
_FEW_BESIDE = 6
"""Officers up to whom two stand side by side beside a tall map."""


def least_height(officers: Sequence[Card], level: Level, width: float, *, heading: float) -> float:
    """Return how high the extent in words and the people are at least, where the officers stand beside the head.

    Parameters
    ----------
    officers : sequence of Card
    level : Level
    width : float
        Of the page between its margins, in millimetres. So is the answer.
    heading : float
        Size of headings in points.
    """
    extent = _AROUND_EXTENT + (level.text + 1) * POINT
    rest = width - level.head_width - _BESIDE_HEAD
    return extent + _AROUND_HEADING + heading * POINT + _least_cards(officers, level, rest, level.columns)


def least_height_beside(officers: Sequence[Card], level: Level, width: float, *, heading: float) -> float:
    """Return how high the people are at least beside a tall map, the officers under the head.

    Parameters
    ----------
    officers, level, heading
        As of `least_height`.
    width : float
        Of what stands beside the map, in millimetres. So is the answer.
    """
    columns = 3 if len(officers) > _FEW_BESIDE and not level.compact else 2
    cards = level.row_gap + _least_cards(officers, level, width, columns) if officers else 0.0
    return _AROUND_HEADING + heading * POINT + _AROUND_HEAD + cards


def _least_cards(officers: Sequence[Card], level: Level, width: float, columns: int) -> float:
    gutter = _TERSE_GUTTER if level.terse else _GUTTER
    cell = (width - (columns - 1) * gutter) / columns
    if level.compact:
        room = cell - level.photo - _BESIDE_PHOTO_COMPACT
    elif level.photo:
        room = cell - level.photo - (_BESIDE_PHOTO_TERSE if level.terse else _BESIDE_PHOTO)
    else:
        room = cell - _BESIDE_LINE
    heights = [max(_least_card(card, level, room), level.photo * 4 / 3) for card in officers]
    rows = [max(heights[k : k + columns]) for k in range(0, len(heights), columns)]
    return sum(rows) + max(len(rows) - 1, 0) * level.row_gap


def _least_card(card: Card, level: Level, room: float) -> float:
    """Return how high a card is at least, in millimetres, of which its text has ``room`` across."""
    if level.compact:
        # name and phone on one line, role and hours on the other, in print that may be made smaller
        sizes = (level.text + 1.5, _SMALLEST * level.small) if card.hours else (level.text + 1.5,)
        return sum(sizes) * POINT
    lines = [(_lines(card.name, level.text + 2.5, room), level.text + 2.5)]
    if level.terse and level.photo:
        lines.append((1, level.small))
    if card.organisation and not level.terse:
        lines.append((_lines(card.organisation, level.small, room), level.small))
    if card.phone:
        lines.append((1, level.text - 1.4))
    if card.hours:
        lines.append((_lines(card.hours, level.small, room), level.small))
    count = sum(number for number, _ in lines)
    return (sum(number * size for number, size in lines) + (count - 1) * _LEADING) * POINT


def _lines(text: str, size: float, room: float) -> int:
    """Return how many lines a text of that size in points fills at least; blanks may vanish at their ends."""
    return max(1, math.ceil(_KERNING * text_width(text.replace(" ", ""), size * POINT) / room))
