"""The font of web pages: just the characters that a page uses, small enough to stand in the page itself."""

from __future__ import annotations

import base64
import io

from gridgeo.render.fonts import font_folder

_ALWAYS = "".join(map(chr, range(0x20, 0x7F)))
"""Latin letters, digits and marks, so that what is typed into a page shows in the same font."""


def font_face(family: str, text: str) -> str:
    """Return the style rule that brings a page the font for its ``text``, under the name ``family``."""
    font = base64.b64encode(subset_for_web(text)).decode()
    return f"@font-face{{font-family:{family};src:url(data:font/woff2;base64,{font}) format('woff2')}}"


def subset_for_web(text: str) -> bytes:
    """Return Noto Sans SC with the characters of ``text`` alone, as WOFF2; the same text gives the same bytes."""
    from fontTools import subset

    options = subset.Options()
    options.flavor = "woff2"
    options.layout_features = []
    options.hinting = False
    options.desubroutinize = False
    options.name_IDs = []
    options.notdef_outline = True
    options.recalc_timestamp = False
    font = subset.load_font(str(font_folder() / "NotoSansSC-Regular.otf"), options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=sorted({ord(character) for character in text + _ALWAYS}))
    subsetter.subset(font)
    buffer = io.BytesIO()
    subset.save_font(font, buffer, options)
    return buffer.getvalue()
