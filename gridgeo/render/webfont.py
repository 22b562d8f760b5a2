"""The font of web pages: just the characters that a page uses, small enough to stand in the page itself.

Cutting takes a millisecond a character, and a second to find them among the 30,000 of the whole font. So what has been
looked for once in this process is kept, and what the pages of a site have in common is cut once and put into each as it
is. Outlines are kept written out in full (without subroutines, which would be numbered by what else is kept), so that a
font depends on its own characters alone.
"""

from __future__ import annotations

import base64
import io
from functools import lru_cache

from gridgeo.render.fonts import font_folder

FAMILIES = ("Noto Sans SC", "Noto Sans SC Own")
"""Names of the two fonts of a page: what it has in common with others, and its own. A page's style names both."""

_ALWAYS = "".join(map(chr, range(0x20, 0x7F)))
"""Latin letters, digits and marks, so that what is typed into a page shows in the same font."""


class _Kept:
    """The part of the whole font that has been asked for so far; what is cut doesn't depend on it."""

    def __init__(self) -> None:
        self._characters: set[str] = set()
        self._font = b""

    def with_all(self, text: str) -> bytes:
        if not self._font or not self._characters.issuperset(text):
            self._characters.update(text)
            whole = (font_folder() / "NotoSansSC-Regular.otf").read_bytes()
            self._font = _cut(whole, "".join(self._characters), for_web=False)
        return self._font


_kept = _Kept()


def announce(text: str) -> None:
    """Look for all characters of ``text`` at once, before many pages ask for some of them each."""
    _kept.with_all(_ALWAYS + text)


def font_faces(text: str, *, common: str = "") -> str:
    """Return the style rules that bring a page the fonts for its ``text``, under the names `FAMILIES`.

    Parameters
    ----------
    text : str
        A character that no font here has is shown in the reader's own.
    common : str
        Characters that many pages have in common: cut once.
    """
    shared = "".join(sorted({*_ALWAYS, *common}))
    own = "".join(sorted(set(text) - set(shared)))
    rules = [_rule(FAMILIES[0], shared)]
    if own:
        rules.append(_rule(FAMILIES[1], own))
    return "".join(rules)


@lru_cache(maxsize=8)
def subset_for_web(text: str) -> bytes:
    """Return Noto Sans SC with the characters of ``text`` alone, as WOFF2; the same text gives the same bytes."""
    return _cut(_kept.with_all(text), text, for_web=True)


def _rule(family: str, text: str) -> str:
    font = base64.b64encode(subset_for_web(text)).decode()
    return f"@font-face{{font-family:'{family}';src:url(data:font/woff2;base64,{font}) format('woff2')}}"


def _cut(font: bytes, text: str, *, for_web: bool) -> bytes:
    from fontTools import subset

    options = subset.Options()
    options.flavor = "woff2" if for_web else None
    options.layout_features = []
    # the first cut takes hints and subroutines away, the second finds none
    options.hinting = for_web
    options.desubroutinize = not for_web
    options.name_IDs = []
    options.notdef_outline = True
    options.recalc_timestamp = False
    opened = subset.load_font(io.BytesIO(font), options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=sorted({ord(character) for character in text}))
    subsetter.subset(opened)
    buffer = io.BytesIO()
    subset.save_font(opened, buffer, options)
    return buffer.getvalue()
