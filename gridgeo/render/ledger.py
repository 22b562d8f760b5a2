"""The ledger of notices: which files were made from what, kept above them as ``ledger.json``.

With it a second run makes only what has changed, and a board on a wall is told to be out of date by its mark.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gridgeo._files import write_whole
from gridgeo.render.fingerprint import Bounds, Fingerprints, mark_of
from gridgeo.render.notice import Notice
from gridgeo.render.poster import Printed
from gridgeo.render.sheet import Sheet

FILE = "ledger.json"
_SCHEMA = "gridgeo-ledger/1"


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
        try:
            return hashlib.sha256((folder / self.file).read_bytes()).hexdigest() == self.sha256
        except OSError:
            return False


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
    """Return the entries of a folder's ledger by file; none where there is no ledger that can be read."""
    try:
        held = json.loads((folder / FILE).read_text(encoding="utf-8"))
        if held["schema"] != _SCHEMA:
            return {}
        return {row["file"]: _entry(row) for row in held["files"]}
    except (OSError, ValueError, KeyError, TypeError):
        return {}  # everything is made anew, and the ledger too


def _entry(row: dict[str, Any]) -> Entry:
    return Entry(**row | {"window": tuple(row["window"]), "map_size": tuple(row["map_size"])})


def write_ledger(folder: Path, entries: Iterable[Entry]) -> Path:
    """Write the ledger of a folder, sorted by file."""
    rows = [asdict(entry) for entry in sorted(entries, key=lambda entry: entry.file)]
    content = json.dumps({"schema": _SCHEMA, "files": rows}, ensure_ascii=False, indent=1) + "\n"
    return write_whole(folder / FILE, content)
