"""The least room that people take on a notice, told from the widths of their texts without setting them.

Most levels of density that are tried are much too roomy. Setting all cards of a level takes Typst longer than all else
of the page, so it is spared wherever this bound shows that the level won't do. A bound that is too low costs time only;
one that is too high would make a notice denser than it need be: no line is counted that might not be needed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from gridgeo.render.columns import Level
from gridgeo.render.fonts import POINT, text_width
from gridgeo.render.people import Card, organisations_of
from gridgeo.render.template_lengths import (
    AROUND_HEAD,
    BESIDE_HEAD,
    BESIDE_PHOTO,
    GUTTER,
    KERNING,
    LEADING,
    LEADING_OF_SIZE,
    SURELY,
    TERSE_GUTTER,
)

Floats = npt.NDArray[np.float64]

_COMPACT_LEADING = 0.4 * 13.0
"""Points between the two lines of an officer who is set in no more."""
_SMALLER = 0.88
"""How much smaller the template makes a line at most to keep it one."""
_SMALLER_PHONE = 1.4
"""Points by which it does so with a phone number."""
_BESIDE_PHOTO_TERSE, _BESIDE_PHOTO_COMPACT, _BESIDE_LINE = 2.4, 2.2, 2.4
_BEFORE_ROLE, _BEFORE_HOURS = 2.0, 1.6
_AROUND_HEADING, _AROUND_EXTENT = 2.2 + 3.0, 2 * 2.6
_FEW_BESIDE = 6
"""Officers up to whom two stand side by side beside a tall map."""


def least_heights(
    head: Card, officers: Sequence[Card], levels: Sequence[Level], width: float, *, heading: float
) -> list[float]:
    """Return how high the extent in words and the people are at least, where the officers stand beside the head.

    The space under both counts. Where the officers fill more than a row, they stand under a head that is not named yet.

    Parameters
    ----------
    head : Card
    officers : sequence of Card
    levels : sequence of Level
        An answer for each.
    width : float
        Of the page between its margins, in millimetres. So are the answers.
    heading : float
        Size of headings in points.
    """
    rooms = [width - level.head_width - BESIDE_HEAD for level in levels]
    heads = [level.head_width if len(officers) >= level.columns else width for level in levels]
    cards = _least_cards(officers, levels, rooms, [level.columns for level in levels], heads=heads)
    if head.is_pending:
        under = _least_cards(officers, levels, [width] * len(levels), [level.columns + 1 for level in levels])
        cards = [
            AROUND_HEAD + level.row_gap + below if len(officers) > level.columns else beside
            for level, beside, below in zip(levels, cards, under, strict=True)
        ]
    above = _AROUND_HEADING + heading * POINT + _AROUND_EXTENT
    return [above + (level.text + 1) * POINT + own + 2 * level.gap for level, own in zip(levels, cards, strict=True)]


def least_heights_beside(
    head: Card, officers: Sequence[Card], levels: Sequence[Level], width: float, *, heading: float
) -> list[float]:
    """Return how high the people are at least beside a tall map, the officers under the head.

    Parameters
    ----------
    head, officers, levels, heading
        As of `least_heights`.
    width : float
        Of what stands beside the map, in millimetres. So are the answers.
    """
    columns = [3 if len(officers) > _FEW_BESIDE and not level.compact else 2 for level in levels]
    cards = _least_cards(officers, levels, [width] * len(levels), columns)
    above = _AROUND_HEADING + heading * POINT + AROUND_HEAD
    return [above + own + (level.row_gap if officers else 0.0) for level, own in zip(levels, cards, strict=True)]


def _least_cards(
    officers: Sequence[Card],
    levels: Sequence[Level],
    widths: Sequence[float],
    columns: Sequence[int],
    *,
    heads: Sequence[float] = (),
) -> list[float]:
    """Return how high the officers are at least, in so many columns across a width, level by level.

    ``heads`` are the widths of the head beside them, if it is: their organisations may stand under it.
    """
    if not officers:
        return [0.0] * len(levels)
    texts = _Texts(officers)
    found = []
    for k, (level, width, across) in enumerate(zip(levels, widths, columns, strict=True)):
        gutter = TERSE_GUTTER if level.terse else GUTTER
        cell = (width - (across - 1) * gutter) / across
        heights = texts.compact(level, cell) if level.compact else texts.usual(level, cell)
        heights = np.maximum(heights * POINT, level.photo * 4 / 3)
        rows = np.maximum.reduceat(heights, np.arange(0, len(heights), across))
        found.append(float(rows.sum()) + (len(rows) - 1) * level.row_gap)
        if level.terse and texts.organisations:
            # once for all, by role, under the cards or under the head, there each role on a line of its own
            wide = KERNING * texts.organisations * level.small * POINT
            under_cards = found[-1] + level.row_gap + math.ceil(wide / width) * level.small * POINT
            if heads:
                lines = max(texts.roles_of_organisations, math.ceil(wide / heads[k]))
                under_head = AROUND_HEAD + level.head_photo * 4 / 3 + level.row_gap + lines * level.small * POINT
                found[-1] = min(under_cards, max(found[-1], under_head))
            else:
                found[-1] = under_cards
    return found


_CLOSE = str.maketrans("", "", " 　、。，；：！？·“”‘’（）《》〈〉「」『』【】〔〕—…")


def _ems(text: str) -> float:
    return text_width(text, 1.0)


def _least_ems(text: str) -> float:
    """Return how far a text runs in ems without what may be left out or set closely."""
    return text_width(text.translate(_CLOSE), 1.0)


class _Texts:
    """How far the texts of officers run, in ems, and how high their cards are at least, in points."""

    def __init__(self, officers: Sequence[Card]) -> None:
        def ems(of: Callable[[Card], str], measured: Callable[[str], float] = _ems) -> Floats:
            return np.array([measured(of(card)) for card in officers])

        self._role = ems(lambda card: card.role_name)
        self._organisation = ems(lambda card: card.organisation)
        self._phone = ems(lambda card: card.phone)
        self._hours = ems(lambda card: card.hours)
        told = organisations_of(officers)
        self.organisations = sum(map(_least_ems, sorted({text for role, names in told for text in (role, *names)})))
        """Of the roles and the organisations together, each told once."""
        self.roles_of_organisations = len(told)
        # blanks vanish at the ends of lines, and marks of punctuation are moved together
        self._least_name = ems(lambda card: card.name, _least_ems)
        self._least_organisation = ems(lambda card: card.organisation, _least_ems)
        self._least_hours = ems(lambda card: card.hours, _least_ems)

    def compact(self, level: Level, cell: float) -> Floats:
        """Name and phone above role and hours, in print that may be made smaller to keep them on one line."""
        room = (cell - level.photo - _BESIDE_PHOTO_COMPACT) / POINT
        stays = (self._role + self._hours) * level.small <= SURELY * (room - _BEFORE_HOURS / POINT)
        return level.text + 1.5 + _COMPACT_LEADING + level.small * np.where(stays, 1.0, _SMALLER)

    def usual(self, level: Level, cell: float) -> Floats:
        """Name, organisation, phone and hours below one another."""
        if level.photo:
            room = cell - level.photo - (_BESIDE_PHOTO_TERSE if level.terse else BESIDE_PHOTO)
        else:
            room = cell - _BESIDE_LINE
        room /= POINT
        name, small = level.text + 2.5, level.small
        names = self._lines(self._least_name * name, room)
        heights = self._high(names, name)
        if level.terse and level.photo:
            heights += small + LEADING
        else:
            # the role stands beside the name, or below it
            both = KERNING * (self._least_name * name + self._role * small) + _BEFORE_ROLE / POINT
            heights += np.where((names == 1) & (both > room), small + LEADING, 0.0)
        if not level.terse:
            # a little smaller where that keeps it on one line
            lines = self._lines(self._least_organisation * small, room)
            fitting = np.where(self._organisation * small <= SURELY * room, small, _SMALLER * small)
            high = np.where(self._organisation * _SMALLER * small <= room, fitting, self._high(lines, small))
            heights += np.where(self._organisation > 0, high + LEADING, 0.0)
        phone = np.where(self._phone * level.text <= SURELY * room, level.text, level.text - _SMALLER_PHONE)
        heights += np.where(self._phone > 0, phone + LEADING, 0.0)
        hours = self._high(self._lines(self._least_hours * small, room), small)
        return heights + np.where(self._hours > 0, hours + LEADING, 0.0)

    @staticmethod
    def _high(lines: Floats, size: float) -> Floats:
        """Return how high so many lines of a text are at least, in points."""
        return lines * size + (lines - 1) * min(LEADING, LEADING_OF_SIZE * size)

    @staticmethod
    def _lines(widths: Floats, room: float) -> Floats:
        """Return how many lines texts of these widths fill at least."""
        return np.maximum(np.ceil(KERNING * widths / room), 1.0)
