"""Which encoding the attribute table of a Shapefile is in.

In turn: the .cpg file beside it, strict UTF-8, the code page that the table's header names, GB 18030 (which holds GBK
and GB 2312). The first in which every text of the table decodes wins; what is no text in any of them is read as
Windows-1252.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# the header's language driver, only those that can't be the default of a program that did not care
_CODE_PAGES = {
    0x03: "cp1252",
    0x13: "cp932",
    0x4D: "gb18030",
    0x4E: "cp949",
    0x4F: "cp950",
    0xC8: "cp1250",
    0xC9: "cp1251",
}
_NATIONAL = {"936": "gb18030", "54936": "gb18030", "65001": "utf-8", "950": "cp950", "932": "cp932", "949": "cp949"}
_ROWS_AT_ONCE = 65_536


@dataclass(frozen=True)
class TableEncoding:
    """The encoding of a table, and whether the file states it (or needs none, being ASCII or UTF-8)."""

    name: str
    certain: bool


def table_encoding(shapefile: Path) -> TableEncoding:
    """Return the encoding of the attribute table beside ``shapefile``."""
    table = _beside(shapefile, ".dbf")
    if table is None:
        return TableEncoding("utf-8", certain=True)
    declared = _declared(shapefile)
    with table.open("rb") as file:
        header = file.read(32)
    code_page = _CODE_PAGES.get(header[29]) if len(header) == 32 else None
    candidates = [declared, "utf-8", code_page, "gb18030"]
    for name in dict.fromkeys(candidate for candidate in candidates if candidate):
        if all(_decodes(text, name, cut) for text, cut in _texts(table)):
            return TableEncoding(name, certain=name in (declared, "utf-8"))
    return TableEncoding("cp1252", certain=False)


def known_encoding(name: str) -> str | None:
    """Return Python's name of an encoding as programs write it (``GBK``, ``936``, ``ANSI 936``, ``UTF8``), or None.

    Examples
    --------
    >>> known_encoding("ANSI 936"), known_encoding("UTF8"), known_encoding("GBK"), known_encoding("nonsense")
    ('gb18030', 'utf-8', 'gb18030', None)
    """
    plain = name.strip().strip("\ufeff\x00").strip()
    number = re.fullmatch(r"(?:ansi|oem|cp|windows)?[ _-]*(\d{3,5})", plain, re.IGNORECASE)
    if number and number[1] in _NATIONAL:
        return _NATIONAL[number[1]]
    try:
        found = codecs.lookup(f"cp{number[1]}" if number else plain).name
    except (LookupError, ValueError):
        return None
    # GB 18030 holds both older ones, and files that say GBK do hold its rarer characters
    return "gb18030" if found in ("gbk", "gb2312") else found


def is_text(path: Path, encoding: str) -> bool:
    """Whether all of a file is text in ``encoding``."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    try:
        with path.open("rb") as file:
            while piece := file.read(1 << 20):
                decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _declared(shapefile: Path) -> str | None:
    page = _beside(shapefile, ".cpg")
    return known_encoding(page.read_bytes()[:64].decode("ascii", "replace")) if page else None


def _beside(shapefile: Path, suffix: str) -> Path | None:
    for candidate in (shapefile.with_suffix(suffix), shapefile.with_suffix(suffix.upper())):
        if candidate.is_file():
            return candidate
    return None


def _decodes(text: bytes, encoding: str, cut: bool) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)("strict").decode(text, final=not cut)
    except UnicodeDecodeError:
        return False
    return True


def _texts(table: Path) -> Iterator[tuple[bytes, bool]]:
    """Yield the distinct non-ASCII texts of a dBase table, field names first, and whether each fills its whole field.

    A text that fills its field may have been cut in the middle of a character.
    """
    with table.open("rb") as file:
        header = file.read(32)
        if len(header) < 32:
            return
        header_size, row_size = int.from_bytes(header[8:10], "little"), int.from_bytes(header[10:12], "little")
        descriptions = file.read(max(header_size - 32, 0))
        fields: list[tuple[int, int]] = []
        place = 1
        for start in range(0, len(descriptions) - 31, 32):
            description = descriptions[start : start + 32]
            if description[0] == 0x0D:
                break
            name = description[:11].split(b"\0")[0]
            if not name.isascii():
                yield name, len(name) >= 10
            if description[11:12] == b"C":
                # long texts keep the high byte of their width in the field for decimals
                fields.append((place, description[16] + 256 * description[17]))
                place += description[16] + 256 * description[17]
            else:
                place += description[16]
        if row_size <= 0:
            return
        seen: set[bytes] = set()
        while rows := file.read(row_size * _ROWS_AT_ONCE):
            if rows.isascii():
                continue
            for start in range(0, len(rows) - row_size + 1, row_size):
                row = rows[start : start + row_size]
                if row.isascii():
                    continue
                for offset, width in fields:
                    raw = row[offset : offset + width]
                    if raw not in seen and not raw.isascii():
                        seen.add(raw)
                        yield raw.rstrip(b" \0"), raw[-1:] not in (b" ", b"\0")
