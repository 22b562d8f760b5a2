"""Writing TOML by hand, with comments: strings and keys that no file name can break, lines, notes."""

from __future__ import annotations

import json
import re
import unicodedata

from gridgeo.language import Message


def quoted(text: str) -> str:
    r"""Return ``text`` as a TOML string: quotes, backslashes, line breaks and invisible characters are escaped.

    Examples
    --------
    >>> print(quoted('a "b" \\ c\n镇'))
    "a \"b\" \\ c\n镇"
    """
    inner = json.dumps(text, ensure_ascii=False)[1:-1]
    escaped = (f"\\U{ord(c):08x}" if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp") else c for c in inner)
    return '"' + "".join(escaped) + '"'


def key_of(text: str) -> str:
    """Return ``text`` as a TOML key, in quotation marks where it needs them."""
    return text if re.fullmatch(r"[A-Za-z0-9_-]+", text) else quoted(text)


class TomlWriter:
    """Lines of a TOML file; a table may be written as comments."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, message: Message, **values: object) -> None:
        """Write a comment on a line of its own."""
        self.lines.append(f"# {message.text(None, **values)}")

    def blank(self) -> None:
        """Leave a line blank, unless the last one is."""
        if self.lines and self.lines[-1]:
            self.lines.append("")

    def heading(self, message: Message) -> None:
        """Begin a new part of the file."""
        self.blank()
        self.lines.append(f"# ---- {message.text()}")

    def put(self, line: str, note: str = "", *, off: bool = False) -> None:
        """Write a line with a comment behind it; ``off`` makes the whole line a comment."""
        self.lines.append(("# " if off else "") + line + (f"  # {note}" if note else ""))

    def text(self) -> str:
        """Return the file."""
        return "\n".join(self.lines).strip("\n") + "\n"
