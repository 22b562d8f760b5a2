"""Notices for walls and the web map of the town: what the public gets to see."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar, cast

from gridgeo._words import listed
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message

if TYPE_CHECKING:
    from gridgeo.render.ledger import Entry, SheetEntry
    from gridgeo.render.printing import Edition
    from gridgeo.render.scene import Scene
    from gridgeo.render.sheet import Orientation, PaperName
    from gridgeo.town import Town

__all__ = ["render_index", "render_map", "render_notices", "render_site"]

NoticeFormat = Literal["pdf", "png"]
Name = TypeVar("Name", bound=str)
_MOST_NAME = 80
_RESERVED = r"(?i)con|prn|aux|nul|com\d|lpt\d|index|map"
"""Names that mean something else to Windows, or that a site has already."""

_GONE = Message(
    "{count} files are of blocks that are no more; take the boards down and delete them: {files}",
    "{count} 个文件属于已撤销的责任块；请撤下相应公示牌并删除文件：{files}",
)
_NOTHING_TO_CUT = Message(
    "nothing to cut onto {paper}: no notice is made on larger paper; ask for it too, as with --paper A0",
    "没有可分割到 {paper} 的公示图：未制作更大幅面；请同时指定更大的纸张，如 --paper A0",
)
_GONE_SHEETS = Message(
    "{count} index sheets are of grids that are no more; delete them: {files}",
    "{count} 张索引图属于已撤销的网格；请删除：{files}",
)


def render_notices(
    town: Town | Scene,
    out: str | Path,
    *,
    formats: Sequence[NoticeFormat] = ("pdf",),
    papers: Sequence[PaperName] = ("A3",),
    orientation: Orientation = "portrait",
    tiles: PaperName | None = None,
    only: Sequence[str] | None = None,
    jobs: int = 1,
    warnings: list[Problem] | None = None,
) -> list[Path]:
    """Make the notice of every block of ``town``: for the wall as PDF, for phones as a long picture.

    Files are called ``out/notices/<code>.pdf`` on upright A3, ``<code>-A0-landscape.pdf`` and the like on other sheets,
    and ``<code>.png``. A file that an earlier run made of the same words and map is left as it is: ``out/ledger.json``
    keeps what they were made of (`gridgeo.render.ledger`).

    Parameters
    ----------
    town : Town or Scene
        With drafted blocks; of several products of one town each can be given the same `gridgeo.render.scene.Scene`.
    out : path
        Folder of the products; made where it is missing.
    formats : sequence of {"pdf", "png"}
        ``"pdf"`` for print (PDF/A-2a and PDF/UA-1); ``"png"`` for phones, 1,080 pixels wide.
    papers : sequence of {"A4", "A3", "A2", "A1", "A0"}
        For PDF. The design is that of A3, enlarged or reduced.
    orientation : {"portrait", "landscape"}
        For PDF.
    tiles : {"A4", "A3", ...}, optional
        Cut each PDF on larger paper onto sheets of this one as well, ``<code>-A0-tiles-A3.pdf``: see
        `gridgeo.render.tiles`.
    only : sequence of str, optional
        Codes of blocks, or of grids for all their blocks: only their files are made, all others stay as they are.
    jobs : int
        Processors at most. Two of them this process uses itself, by threads; more than two need a script that guards
        its start with ``if __name__ == "__main__":``, as `multiprocessing` does.
    warnings : list of Problem, optional
        Takes what was printed though incomplete: blocks without a head (待定), unreadable photos, small print; and the
        boards of the town that are out of date by now.

    Returns
    -------
    list of Path
        The files, in order of the blocks' codes. Each is written whole or not at all.

    Raises
    ------
    InputError
        When there are no blocks, none of a code in ``only``, or texts that the fonts lack characters for, all of them
        at once: nothing is written then. When the texts of a notice don't fit on a page: the others are written.
    """
    from gridgeo.render.boards import check_boards
    from gridgeo.render.ledger import add_to_ledger, read_issues, read_ledger, read_sheets, unreadable_ledger
    from gridgeo.render.printing import make_all
    from gridgeo.render.scene import make_scene
    from gridgeo.render.selection import blocks_of, compose_all
    from gridgeo.render.sheet import PAPERS

    editions = _editions(Path(out), formats, papers, orientation)
    if tiles is not None:
        _check_names((tiles,), PAPERS)
    said: list[Problem] = [] if warnings is None else warnings
    scene = make_scene(town)
    said.extend(scene.problems)
    wanted = blocks_of(scene, only)
    notices = compose_all(scene, wanted, said)
    _ = scene.courses  # once, before other processes get the scene
    codes = {notice.code for notice in notices}
    chosen = [
        (notice, name)
        for notice, name in zip(notices, file_names([notice.code for notice in notices]), strict=True)
        if notice.index in wanted
    ]
    notices, names = [notice for notice, _ in chosen], [name for _, name in chosen]
    written: list[Path] = []
    refused: dict[str, Problem] = {}
    doubts: dict[str, Problem] = {}
    folder = Path(out)
    said.extend(unreadable_ledger(folder))
    new: list[Entry] = []
    try:
        for made in make_all(scene, notices, names, editions, read_ledger(folder), jobs=jobs):
            written.extend(made.files)
            new.extend(made.entries)
            # what is wrong with a photo or a text is said once, on however many sheets it is
            refused.update({problem.text(): problem for problem in made.refused})
            doubts.update({problem.text(): problem for problem in made.warnings})
    except BaseException:
        if new:
            with suppress(InputError):  # what broke off the run is to be told, not that this failed as well
                add_to_ledger(folder, new)
        raise
    add_to_ledger(folder, new)
    entries = read_ledger(folder)
    said.extend(doubts.values())
    said.extend(check_boards(scene, entries.values(), read_issues(folder)))
    others = read_sheets(folder)
    gone = sorted(file for file, entry in entries.items() if entry.code not in codes)
    gone += sorted(file for file, entry in others.items() if entry.source in gone and (folder / file).exists())
    if gone:
        said.append(Problem(str(folder), _GONE, {"count": len(gone), "files": listed(gone, most=4)}))
    if tiles is not None:
        larger = [edition for edition in editions if _is_larger(edition, tiles)]
        if not larger:
            said.append(Problem(str(folder), _NOTHING_TO_CUT, {"paper": tiles}))
        written += _tiled(folder, names, larger, tiles)
    if refused:
        raise InputError(refused.values())
    return written


def _is_larger(edition: Edition, paper: PaperName) -> bool:
    from gridgeo.render.sheet import PAPERS

    return not edition.sheet.is_picture and min(edition.sheet.paper) > min(PAPERS[paper])


def _tiled(folder: Path, names: Sequence[str], editions: Sequence[Edition], onto: PaperName) -> list[Path]:
    """Cut the PDFs of editions on larger paper onto sheets; return the files made."""
    from gridgeo.render.ledger import add_to_ledger, read_sheets
    from gridgeo.render.tiles import tile_files

    held = read_sheets(folder)
    made: dict[str, SheetEntry] = {}
    for edition in editions:
        files = [file for file in map(edition.file, names) if (folder / file).exists()]
        made |= {entry.file: entry for entry in tile_files(folder, files, edition.sheet.paper, onto, held)}
    add_to_ledger(folder, sheets=made.values())
    return [folder / file for file in made]


def _editions(
    folder: Path, formats: Sequence[NoticeFormat], papers: Sequence[PaperName], orientation: Orientation
) -> list[Edition]:
    from gridgeo.render.printing import edition
    from gridgeo.render.sheet import ORIENTATIONS, PAPERS, PICTURE_NAME

    formats, papers = _several(formats), _several(papers)
    _check_names(formats, ("pdf", "png"))
    _check_names(papers, PAPERS)
    _check_names((orientation,), ORIENTATIONS)
    names = [f"{paper}-landscape" if orientation == "landscape" else paper for paper in dict.fromkeys(papers)]
    wanted = [*(names if "pdf" in formats else []), *([PICTURE_NAME] if "png" in formats else [])]
    return [edition(name, folder) for name in wanted]


def _several(given: Sequence[Name]) -> Sequence[Name]:
    """Return a name that was given without a list as a list of one: to Python a text is a list of letters."""
    return [cast("Name", given)] if isinstance(given, str) else given


def _check_names(given: Iterable[str], known: Iterable[str]) -> None:
    for name in given:
        if name not in known:
            raise ValueError(f"{name!r} is none of {', '.join(known)}")


def render_index(
    town: Town | Scene,
    out: str | Path,
    *,
    papers: Sequence[PaperName] = ("A3",),
    orientation: Orientation = "portrait",
    only: Sequence[str] | None = None,
    warnings: list[Problem] | None = None,
) -> list[Path]:
    """Make the index sheets of ``town``: the town with all its grids, and each grid with its blocks.

    Each is a PDF with a map and a table: ``out/index/town.pdf``, ``out/index/<grid>.pdf`` (see `gridgeo.render.index`).

    Parameters
    ----------
    town : Town or Scene
        With drafted blocks.
    out : path
        Folder of the products; made where it is missing.
    papers, orientation
        As of `render_notices`.
    only : sequence of str, optional
        Codes of blocks, or of grids for all their blocks: only the sheets of their grids are made, all others stay.
    warnings : list of Problem, optional
        Takes what is incomplete.

    Returns
    -------
    list of Path
        The files, the town's first.

    Raises
    ------
    InputError
        When there are no blocks, none of a code in ``only``, or texts that the fonts lack characters for.
    """
    from gridgeo.render.index import index_file, index_sheets, make_index
    from gridgeo.render.ledger import add_to_ledger, read_sheets
    from gridgeo.render.scene import make_scene
    from gridgeo.render.selection import blocks_of, compose_all

    said: list[Problem] = [] if warnings is None else warnings
    folder = Path(out)
    scene = make_scene(town)
    wanted = blocks_of(scene, only)
    notices = compose_all(scene, wanted, said)
    sheets = index_sheets(scene, notices)
    held = read_sheets(folder)
    made: dict[str, SheetEntry] = {}
    for edition in _editions(folder, ["pdf"], papers, orientation):
        chosen = sheets if only is None else [sheet for sheet in sheets if sheet.is_of_grid_of(wanted)]
        made |= {entry.file: entry for entry in make_index(scene, chosen, folder, edition.name, held)}
    add_to_ledger(folder, sheets=made.values())
    index = [entry for entry in read_sheets(folder).values() if entry.kind == "index"]
    known = {index_file(sheet, edition) for sheet in sheets for edition in {entry.edition for entry in index}}
    if gone := sorted(entry.file for entry in index if entry.file not in known):
        said.append(Problem(str(folder), _GONE_SHEETS, {"count": len(gone), "files": listed(gone, most=4)}))
    return [folder / file for file in made]


def render_map(
    town: Town | Scene, out: str | Path, *, title: str | None = None, ledger: str | Path | None = None
) -> Path:
    """Write the overview map of ``town`` as one HTML file that needs no network: see `gridgeo.render.webmap`."""
    from gridgeo.render.webmap import render_map as render

    return render(town, out, title=title, ledger=ledger)


def render_site(
    town: Town | Scene,
    out: str | Path,
    *,
    only: Sequence[str] | None = None,
    jobs: int = 1,
    warnings: list[Problem] | None = None,
) -> list[Path]:
    """Make the site of ``town`` in ``out/site``, an index, a map and a page a block: see `gridgeo.render.site`."""
    from gridgeo.render.site import render_site as render

    return render(town, out, only=only, jobs=jobs, warnings=warnings)


def file_names(codes: Sequence[str]) -> list[str]:
    """Return a safe file name, without ending, for each code: distinct also where case makes no difference.

    Examples
    --------
    >>> file_names(["310112114001001", "../a", "..a", "A b"])
    ['310112114001001', 'a', 'a-2', 'A_b']
    """
    names: list[str] = []
    taken: set[str] = set()
    for code in codes:
        plain = re.sub(r"[^\w.-]+", "_", code).strip("._ ")[:_MOST_NAME].rstrip(". ")
        if not plain or re.fullmatch(_RESERVED, plain.split(".")[0]):
            plain = f"block_{plain}".rstrip("_")
        name, serial = plain, 1
        while name.casefold() in taken:
            serial += 1
            name = f"{plain}-{serial}"
        taken.add(name.casefold())
        names.append(name)
    return names
