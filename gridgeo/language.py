"""What gridgeo says to people, in English and in Chinese.

A message is written once, where it is used, in both languages side by side, so that neither can be forgotten. It is put
into words only when it is shown; the language in force then decides. Values that come from files are shown as plain
text on one line: control characters (line breaks, terminal escapes, text-direction marks) never reach the screen.
"""

from __future__ import annotations

import locale
import os
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal

Language = Literal["en", "zh"]

_chosen: ContextVar[Language | None] = ContextVar("gridgeo_language", default=None)


def locale_language() -> Language:
    """Return the language of the process's locale: Chinese for any ``zh`` locale, else English."""
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(variable):
            return "zh" if value.lower().startswith("zh") else "en"
    name = locale.getlocale()[0] or ""
    return "zh" if name.lower().startswith(("zh", "chinese")) else "en"


def current_language() -> Language:
    """Return the language in which messages are put into words now."""
    return _chosen.get() or locale_language()


@contextmanager
def use_language(language: Language) -> Iterator[None]:
    """Put messages into ``language`` within the ``with`` block."""
    token = _chosen.set(language)
    try:
        yield
    finally:
        _chosen.reset(token)


def one_line(value: object) -> str:
    r"""Return ``value`` as text on one line, without characters that steer a terminal or turn the reading direction.

    Examples
    --------
    >>> one_line("Lane 1\n\x1b[31mred")
    'Lane 1 [31mred'
    """
    text = "".join(" " if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp") else c for c in str(value))
    return " ".join(text.split())


@dataclass(frozen=True)
class Message:
    """One sentence for people, in every language that gridgeo speaks.

    Parameters
    ----------
    en, zh : str
        `str.format` templates with the same fields.

    Examples
    --------
    >>> missing = Message("{file}: no such file", "{file}：文件不存在")
    >>> missing.text("en", file="roads.gpkg")
    'roads.gpkg: no such file'
    """

    en: str
    zh: str

    def text(self, language: Language | None = None, **values: object) -> str:
        """Return the sentence in ``language`` (the current one by default) with ``values`` filled in.

        Numbers keep their type, so that templates may format them; everything else is shown by `one_line`.
        """
        template = self.zh if (language or current_language()) == "zh" else self.en
        shown = {key: value if isinstance(value, int | float) else one_line(value) for key, value in values.items()}
        return template.format(**shown)
