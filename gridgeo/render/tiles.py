"""A large notice on several small sheets: offices print on A3 what hangs as A0.

The page is cut into equal parts that overlap, each on a sheet of its own at full size, with marks to cut along and its
place in the margin; a plan of how they go together comes first. All stays vector and text. The file is plain PDF:
the archival standards of the notice itself don't admit a page within a page.
"""

from __future__ import annotations

import hashlib
import json
import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from gridgeo._files import write_whole
from gridgeo._words import first_line_of
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.progress import track
from gridgeo.render.fingerprint import digest_of, versions
from gridgeo.render.fonts import printable, without_missing
from gridgeo.render.ledger import SheetEntry, is_untouched
from gridgeo.render.print_fonts import print_fonts
from gridgeo.render.sheet import PAPERS, PaperName

OVERLAP = 10.0
"""Millimetres that neighbouring parts have in common at least."""
MARGIN = 5.0
"""Millimetres at the edge of a sheet that office printers leave blank."""

_CUTTING = Message("cutting tiles", "正在分割拼幅")
_PLAN = "拼接示意"
_HOW = "按编号打印（实际大小、不缩放）：沿裁切标记裁去左边和上边的白边，右幅压左幅、下幅压上幅粘贴。"
_SHEET = "第 {n} 张，共 {all} 张（第 {row} 行第 {column} 列）"

_TOO_SMALL = Message(
    "{paper} is no larger than {onto}; tiles are for paper larger than they are",
    "{paper} 不大于 {onto}；拼幅只用于更大的纸张",
)
_CANNOT_READ = Message("can't be cut into tiles ({reason})", "无法拼幅（{reason}）")


@dataclass(frozen=True)
class Tiling:
    """How a page is cut: the sheet, the size of each part, where parts begin, all in millimetres.

    Parameters
    ----------
    sheet : tuple of float
        Width and height of a sheet, turned as it suits.
    part : tuple of float
        Width and height of what a sheet shows of the page.
    columns, rows : tuple of float
        Left and upper edges of the parts on the page.
    """

    sheet: tuple[float, float]
    part: tuple[float, float]
    columns: tuple[float, ...]
    rows: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.columns) * len(self.rows)

    @property
    def overlap(self) -> tuple[float, float]:
        """What neighbouring parts have in common, across and down; 0 where there is but one."""

        def shared(starts: Sequence[float], length: float) -> float:
            return length - (starts[1] - starts[0]) if len(starts) > 1 else 0.0

        return shared(self.columns, self.part[0]), shared(self.rows, self.part[1])


def cut(page: tuple[float, float], onto: PaperName, *, overlap: float = OVERLAP, margin: float = MARGIN) -> Tiling:
    """Return how a page is cut onto the fewest sheets of a paper, upright or turned.

    Examples
    --------
    >>> a0 = cut((841, 1189), "A3")
    >>> len(a0), a0.sheet, a0.columns
    (9, (297.0, 420.0), (0.0, 277.0, 554.0))
    """
    wide, high = PAPERS[onto]
    ways = []
    for sheet in ((wide, high), (high, wide)):
        part = (sheet[0] - 2 * margin, sheet[1] - 2 * margin)
        starts = tuple(_starts(page[k], part[k], overlap) for k in (0, 1))
        ways.append(Tiling(sheet, (min(part[0], page[0]), min(part[1], page[1])), starts[0], starts[1]))
    return min(ways, key=len)


def _starts(length: float, part: float, overlap: float) -> tuple[float, ...]:
    count = 1 if length <= part else math.ceil((length - overlap - 1e-9) / (part - overlap))
    step = (length - part) / (count - 1) if count > 1 else 0.0
    return tuple(round(step * k, 4) for k in range(count))


def tile(content: bytes, page: tuple[float, float], onto: PaperName, *, title: str, overlap: float = OVERLAP) -> bytes:
    """Return a PDF with a plan and the parts of a page, each on a sheet of the paper ``onto``.

    Parameters
    ----------
    content : bytes
        A PDF of one page.
    page : tuple of float
        Its width and height in millimetres.
    onto : {"A4", "A3", ...}
    title : str
        What stands in the margin of each sheet.
    overlap : float
        Millimetres that neighbouring parts have in common at least.

    Raises
    ------
    InputError
        When the page is no larger than the sheets, or the file is no PDF.
    """
    import typst

    tiling = cut(page, onto, overlap=overlap)
    if len(tiling) == 1:
        size = f"{page[0]:g} x {page[1]:g} mm"
        raise InputError(Problem(title, _TOO_SMALL, {"paper": size, "onto": onto}))
    data = {
        "title": without_missing(printable(title)),
        "page": page,
        "sheet": tiling.sheet,
        "part": tiling.part,
        "columns": tiling.columns,
        "rows": tiling.rows,
        "overlap": tiling.overlap,
        "margin": MARGIN,
        "date": [2000, 1, 1],
        "words": {"plan": _PLAN, "how": _HOW, "sheet": _SHEET},
    }
    with tempfile.TemporaryDirectory(prefix="gridgeo-") as name:
        folder = Path(name)
        (folder / "page.pdf").write_bytes(content)
        (folder / "data.json").write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
        (folder / "tiles.typ").write_bytes(_template())
        try:
            made = typst.compile(
                str(folder / "tiles.typ"),
                root=str(folder),
                font_paths=print_fonts(),
                timestamp=0,
            )
        except typst.TypstError as error:
            reason = first_line_of(error)
            raise InputError(Problem(title, _CANNOT_READ, {"reason": reason})) from None
    assert isinstance(made, bytes)
    return made


def tile_files(
    folder: Path, files: Sequence[str], page: tuple[float, float], onto: PaperName, held: Mapping[str, SheetEntry]
) -> Iterator[SheetEntry]:
    """Write the tiles of finished notices beside them, ``<notice>-tiles-A3.pdf``; yield their entries in the ledger.

    Parameters
    ----------
    folder : Path
        Of the products.
    files : sequence of str
        The notices, below the folder.
    page : tuple of float
        Their width and height in millimetres.
    onto : {"A4", "A3", ...}
    held : mapping of str to SheetEntry
        The ledger: tiles of the same page on the same sheets are left as they are.
    """
    for file in track(files, _CUTTING):
        source = folder / file
        made = f"{file.removesuffix('.pdf')}-tiles-{onto}.pdf"
        content, title = source.read_bytes(), source.stem
        words = print_of_tiles(content, page, onto, title)
        entry = held.get(made)
        if entry is None or entry.words != words or not is_untouched(folder, made, entry.sha256):
            cut_up = tile(content, page, onto, title=title)
            write_whole(folder / made, cut_up)
            entry = SheetEntry(made, "tiles", onto, file, words, "", (), hashlib.sha256(cut_up).hexdigest())
        yield entry


def print_of_tiles(content: bytes, page: tuple[float, float], onto: PaperName, title: str) -> str:
    """Return the fingerprint of all that decides on the tiles of a page."""
    return digest_of(repr((versions(), page, onto, title)).encode(), _template(), content)


def _template() -> bytes:
    return resources.files("gridgeo.render").joinpath("tiles.typ").read_bytes()
