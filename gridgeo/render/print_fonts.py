"""The fonts as Typst sets them: read once for all notices of a process, in a form in which drawings are set fast.

For each glyph of a drawing's text Typst reads the font's file anew, and spends most of that on the *charset* of CFF
fonts: the numbers that the glyphs have in the collection of characters they come from, in thousands of ranges. No page
depends on these numbers: glyphs are found by `cmap`, and an embedded font numbers its own. So Typst is given copies
with a charset of one range, and makes the same file to the byte in less time.
"""

from __future__ import annotations

import os
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from gridgeo._memory import give_back_memory
from gridgeo.render.fonts import SANS, SERIF, font_folder

if TYPE_CHECKING:
    import typst

_FIRST_CUSTOM_CHARSET = 3
"""Offsets below are no offsets but names of charsets that every reader knows."""

_THREADS_OF_TYPST = "RAYON_NUM_THREADS"
"""The variable by which Typst's threads are counted out."""


@cache
def print_fonts() -> typst.Fonts:
    """Return the fonts for Typst; compilers that share them hold them once."""
    import typst

    with tempfile.TemporaryDirectory(prefix="gridgeo-", ignore_cleanup_errors=True) as folder:
        for file in sorted(font_folder().glob("*.otf")):
            (Path(folder) / file.name).write_bytes(with_plain_charset(file))
        fonts = typst.Fonts(include_system_fonts=False, font_paths=[folder])
        # a font is read when it is first used, and this folder won't last
        words = "".join(f'#text(font: "{family}", fallback: false)[一]' for family in (SANS, SERIF))
        with _one_thread_of_typst():
            typst.Compiler(words.encode(), root=folder, font_paths=fonts).compile(format="svg")
    # the last step before hundreds of notices are made: reading towns and fonts took more than they need
    give_back_memory()
    return fonts


@contextmanager
def _one_thread_of_typst() -> Iterator[None]:
    """Let Typst start one thread where nobody has asked for more: it does so once, when it first sets a page.

    A single page is not set any sooner by several, which look for work all the while.
    """
    if _THREADS_OF_TYPST in os.environ:
        yield
        return
    os.environ[_THREADS_OF_TYPST] = "1"
    try:
        yield
    finally:
        os.environ.pop(_THREADS_OF_TYPST, None)


def with_plain_charset(file: Path) -> bytes:
    """Return a font whose CFF glyphs are numbered in their order; any other font as it is.

    Nothing moves in it: the new table is shorter than the old one and takes its place.
    """
    from fontTools.ttLib import TTFont

    content = bytearray(file.read_bytes())
    with TTFont(file, lazy=True) as font:
        if "CFF " not in font:
            return bytes(content)
        glyphs = font["maxp"].numGlyphs
        start = font.reader.tables["CFF "].offset
        table = font["CFF "].cff.topDictIndex[0].rawDict
    if "ROS" in table and table["charset"] >= _FIRST_CUSTOM_CHARSET and glyphs > 2:
        place = start + table["charset"]
        # format 2: ranges of a first number and how many follow it; glyph 0 is left out
        one_range = struct.pack(">BHH", 2, 1, glyphs - 2)
        content[place : place + len(one_range)] = one_range
    return bytes(content)
