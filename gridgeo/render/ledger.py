"""The ledger of a folder: which files were made from what, kept above them as ``ledger.json``.

With it a second run makes only what has changed, and a board on a wall is told to be out of date by its mark. It knows
three kinds of things: the files of notices, other sheets (index sheets, tiles, the overview map), and every mark that a
notice ever bore, with the version and date that it said: a board on a wall may be older than any file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any, TypeVar

from gridgeo._files import write_whole
from gridgeo.errors import Problem
from gridgeo.language import Message
from gridgeo.render.fingerprint import Bounds, Fingerprints, mark_of
from gridgeo.render.notice import Notice
from gridgeo.render.poster import Printed
from gridgeo.render.sheet import Sheet

FILE = "ledger.json"
_SCHEMA = "gridgeo-ledger/1"
_ASIDE = "ledger-unreadable.json"
_UNREADABLE = Message(
    "is no ledger that this version can read; kept as {kept}, all files are made again. It alone knew older marks: mend"
    " it if there are boards on walls",
    "不是本版本可读的台账；已另存为 {kept}，全部文件将重新制作。旧核对码只存于其中：如已有公示牌上墙，请修复",
)
Kind = TypeVar("Kind")


@dataclass(frozen=True)
class Entry:
    """One file of a notice.

    Parameters
    ----------
    file : str
        Below the folder of the ledger.
    edition : str
        On what it was made: ``A3``, ``A0-landscape``, ``picture``.
    code, name, version, date : str
        Of the notice.
    mark : str
        Printed on it.
    words, shown : str
        Fingerprints of what it says and of what its map shows.
    window : tuple of float
        Of its map, in the working CRS.
    map_size : tuple of float
        Width and height of its map with the legend, in millimetres of the design.
    sha256 : str
        Of the file.
    """

    file: str
    edition: str
    code: str
    name: str
    version: str
    date: str
    mark: str
    words: str
    shown: str
    window: Bounds
    map_size: tuple[float, float]
    sha256: str

    def still_holds(self, folder: Path, notice: Notice, sheet: Sheet, prints: Fingerprints) -> bool:
        """Return whether the file is there, untouched, and would be made just so again."""
        if self.words != prints.of_words(notice, sheet) or self.shown != prints.of_window(self.window):
            return False
        return is_untouched(folder, self.file, self.sha256)


@dataclass(frozen=True)
class SheetEntry:
    """One file that is no notice: an index sheet, the tiles of a notice, the overview map.

    Parameters
    ----------
    file : str
        Below the folder of the ledger.
    kind : {"index", "tiles", "map"}
    edition : str
        On what it was made: ``A3``, ``A0-landscape``; of tiles, the sheets that they are for.
    source : str
        The notice that tiles were cut of; "" of other sheets.
    words, shown : str
        Fingerprints of what it was made of; ``shown`` is that of what its map's window shows.
    window : tuple of float
        Of its map, in the working CRS; () without one.
    sha256 : str
        Of the file.
    """

    file: str
    kind: str
    edition: str
    source: str
    words: str
    shown: str
    window: tuple[float, ...]
    sha256: str


@dataclass(frozen=True)
class Issue:
    """A mark that the notice of a block bears or once bore, and the version and date that it said."""

    code: str
    mark: str
    version: str
    date: str


def new_entry(file: str, edition: str, notice: Notice, printed: Printed) -> Entry:
    """Return the entry of a file that was just made."""
    return Entry(
        file=file,
        edition=edition,
        code=notice.code,
        name=notice.name,
        version=notice.version,
        date=notice.date,
        mark=mark_of(printed.words, printed.shown),
        words=printed.words,
        shown=printed.shown,
        window=printed.window,
        map_size=printed.map_size,
        sha256=hashlib.sha256(printed.content).hexdigest(),
    )


def read_ledger(folder: Path) -> dict[str, Entry]:
    """Return the entries of a folder's notices by file; none where there is no ledger that can be read."""
    return _held(folder, "files", _entry)


def read_sheets(folder: Path) -> dict[str, SheetEntry]:
    """Return the entries of all else that was made in a folder, by file; none where there is no ledger to be read."""
    return _held(folder, "sheets", _sheet_entry)


def read_issues(folder: Path) -> list[Issue]:
    """Return every mark that a notice of the folder ever bore, oldest first."""
    try:
        return [Issue(**row) for row in _read(folder).get("issued", [])]
    except TypeError:
        return []


def add_to_ledger(folder: Path, entries: Iterable[Entry] = (), sheets: Iterable[SheetEntry] = ()) -> Path:
    """Add what was made to the ledger of a folder, in place of what stood there for the same files.

    It is read anew: another run may have added to it in the meantime. Files that are not there any more are left out.
    """
    files = read_ledger(folder) | {entry.file: entry for entry in entries}
    others = read_sheets(folder) | {entry.file: entry for entry in sheets}
    there = [entry for entry in files.values() if (folder / entry.file).exists()]
    return write_ledger(folder, there, still_there(folder, others.values()))


def unreadable_ledger(folder: Path) -> list[Problem]:
    """Return a warning where a folder has a ledger that can't be read: it will be set aside, not overwritten."""
    held = _read(folder)
    known = {"files": read_ledger, "sheets": read_sheets}
    if not (folder / FILE).is_file() or (
        held and all(read(folder) or not held.get(key) for key, read in known.items())
    ):
        return []
    return [Problem(str(folder / FILE), _UNREADABLE, {"kept": _ASIDE})]


def write_ledger(
    folder: Path, entries: Iterable[Entry] | None = None, sheets: Iterable[SheetEntry] | None = None
) -> Path:
    """Write the ledger of a folder, sorted by file; what isn't given stays as it is there."""
    files = read_ledger(folder).values() if entries is None else list(entries)
    others = read_sheets(folder).values() if sheets is None else list(sheets)
    issued = list(dict.fromkeys([*read_issues(folder), *sorted(map(_issue, files), key=astuple)]))
    content: dict[str, object] = {"schema": _SCHEMA, "files": _rows(files)}
    if others:
        content["sheets"] = _rows(others)
    content["issued"] = [asdict(issue) for issue in issued]
    if unreadable_ledger(folder):
        (folder / FILE).replace(folder / _ASIDE)
    return write_whole(folder / FILE, json.dumps(content, ensure_ascii=False, indent=1) + "\n")


def read_record(file: Path, schema: str) -> dict[str, Any]:
    """Return a record of what was made, as JSON of that schema keeps it; nothing where none can be read."""
    try:
        held = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return held if isinstance(held, dict) and held.get("schema") == schema else {}


def still_there(folder: Path, entries: Iterable[SheetEntry]) -> list[SheetEntry]:
    """Return the entries whose files are there."""
    return [entry for entry in entries if (folder / entry.file).exists()]


def is_untouched(folder: Path, file: str, sha256: str) -> bool:
    """Return whether a file is there, as it was made."""
    try:
        return hashlib.sha256((folder / file).read_bytes()).hexdigest() == sha256
    except OSError:
        return False


def _rows(entries: Iterable[Entry | SheetEntry]) -> list[dict[str, Any]]:
    return [asdict(entry) for entry in sorted(entries, key=lambda entry: entry.file)]


def _issue(entry: Entry) -> Issue:
    return Issue(entry.code, entry.mark, entry.version, entry.date)


def _read(folder: Path) -> dict[str, Any]:
    return read_record(folder / FILE, _SCHEMA)


def _held(folder: Path, key: str, make: Callable[[dict[str, Any]], Kind]) -> dict[str, Kind]:
    try:
        return {row["file"]: make(row) for row in _read(folder).get(key, [])}
    except (KeyError, TypeError):
        return {}  # everything is made anew, and the ledger too


def _entry(row: dict[str, Any]) -> Entry:
    return Entry(**row | {"window": tuple(row["window"]), "map_size": tuple(row["map_size"])})


def _sheet_entry(row: dict[str, Any]) -> SheetEntry:
    return SheetEntry(**row | {"window": tuple(row["window"])})
