"""The two fonts of every notice: where they lie, how wide their text runs, which characters they lack.

Noto Sans SC and Noto Serif SC (Regular, static, SIL Open Font License) come as a Python package, so nothing depends on
what a machine has installed. There is no bold cut: headings are emboldened by a thin stroke in the text's own colour.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import numpy as np

from gridgeo.language import one_line

SANS = "Noto Sans SC"
"""The one family for body text and for all text inside drawings: SVG text of an unknown family vanishes in silence."""
SERIF = "Noto Serif SC"
"""The family of titles and of people's names."""
REPLACEMENT = "〓"
"""What stands on a map for a character that no font here has: the printers' mark for a missing sort."""

POINT = 25.4 / 72
"""Millimetres in a typographic point."""


@dataclass(frozen=True)
class _Face:
    """What is known of one font: its characters and their advance widths in ems."""

    advance: dict[int, float]

    @classmethod
    def of(cls, path: Path) -> _Face:
        from fontTools.ttLib import TTFont

        with TTFont(path, lazy=True) as font:
            units, measured = font["head"].unitsPerEm, font["hhea"].numberOfHMetrics
            advances = (np.frombuffer(font.reader["hmtx"], ">u2")[: 2 * measured : 2] / units).tolist()
            # glyphs that lack an own width have the last one
            advances += advances[-1:] * (font["maxp"].numGlyphs - measured)
            # numbers do for names, and reading those of tens of thousands of glyphs would take a tenth of a second
            font.setGlyphOrder(list(map(str, range(len(advances)))))
            return cls({point: advances[int(glyph)] for point, glyph in font.getBestCmap().items()})


def font_folder() -> Path:
    """Return the folder that holds the font files, for engines that want a folder."""
    from pylopdf_fonts_zh_cn import sans_path

    return Path(sans_path()).parent


@cache
def _faces() -> tuple[_Face, _Face]:
    from pylopdf_fonts_zh_cn import sans_path, serif_path

    return _Face.of(Path(sans_path())), _Face.of(Path(serif_path()))


@lru_cache(maxsize=65_536)
def _printable(text: str) -> str:
    text = "".join(character for character in text if not _selects_variation(character))
    joined = "".join(character for character in text if unicodedata.category(character) != "Cf")
    return one_line(joined)


def printable(value: object) -> str:
    r"""Return ``value`` as one line that can be set: no control characters, direction marks or variation selectors.

    Examples
    --------
    >>> printable("张\u202e三\ufe00\n")
    '张三'
    """
    return _printable(str(value))


def _selects_variation(character: str) -> bool:
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"


def missing_characters(text: str) -> list[str]:
    """Return the characters of ``text`` that one of the two fonts lacks, each once, in order.

    Examples
    --------
    >>> missing_characters("李䶮 12345")
    []
    >>> missing_characters("emoji 😀 and 😀")
    ['😀']
    """
    sans, serif = _faces()
    lacking = (c for c in text if ord(c) not in sans.advance or ord(c) not in serif.advance)
    return list(dict.fromkeys(lacking))


def without_missing(text: str) -> str:
    """Return ``text`` with `REPLACEMENT` for each character that the fonts lack."""
    lacking = set(missing_characters(text))
    return "".join(REPLACEMENT if character in lacking else character for character in text) if lacking else text


def text_width(text: str, size: float) -> float:
    """Return how far ``text`` runs in `SANS` at ``size`` (any unit; the answer is in the same).

    Examples
    --------
    >>> text_width("网格", 10)
    20.0
    """
    return _ems(text) * size


@lru_cache(maxsize=65_536)
def _ems(text: str) -> float:
    """Return how far ``text`` runs in `SANS`, in ems."""
    advance = _faces()[0].advance
    return sum(advance.get(ord(character), 1.0) for character in text)


def is_wide(character: str) -> bool:
    """Return whether ``character`` is a Chinese character or another one that fills a square."""
    return unicodedata.east_asian_width(character) in ("W", "F")


def mostly_wide(texts: Iterable[str]) -> bool:
    """Return whether most characters fill a square, so that the text may be set downwards."""
    characters = [character for character in texts if not character.isspace()]
    return sum(map(is_wide, characters)) * 2 > len(characters)
