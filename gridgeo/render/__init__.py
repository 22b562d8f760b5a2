"""Notices for walls and the web map of the town: what the public gets to see."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gridgeo.language import Message
from gridgeo.progress import track

if TYPE_CHECKING:
    from gridgeo.errors import Problem
    from gridgeo.town import Town

__all__ = ["render_map", "render_notices"]

_PRINTING = Message("printing notices", "正在制作公示图")
_MOST_NAME = 80


def render_notices(
    town: Town,
    out: str | Path,
    *,
    formats: Sequence[str] = ("pdf",),
    warnings: list[Problem] | None = None,
) -> list[Path]:
    """Print the notice of every block of ``town`` as an A3 PDF ``out/notices/<code>.pdf``.

    Parameters
    ----------
    town : Town
        With drafted blocks.
    out : path
        Folder of the products; made where it is missing.
    formats : sequence of str
        ``"pdf"`` is the one there is.
    warnings : list of Problem, optional
        Takes what was printed though incomplete: blocks without a head (待定), unreadable photos, small print.

    Returns
    -------
    list of Path
        The files, in order of the blocks' codes. Each is written whole or not at all.

    Raises
    ------
    InputError
        When there are no blocks, or texts that can't be shown, all of them at once. Nothing is written then.
    """
    from gridgeo._files import write_whole
    from gridgeo.errors import InputError
    from gridgeo.render.notice import compose_notices
    from gridgeo.render.poster import Press
    from gridgeo.render.scene import make_scene

    unknown = [form for form in formats if form != "pdf"]
    if unknown:
        raise ValueError(f"formats may hold 'pdf', not {unknown[0]!r}")
    said: list[Problem] = [] if warnings is None else warnings
    scene = make_scene(town)
    said.extend(scene.problems)
    notices = compose_notices(scene, warnings=said)
    files = file_names([notice.code for notice in notices])
    written: list[Path] = []
    refused: list[Problem] = []
    with tempfile.TemporaryDirectory(prefix="gridgeo-") as folder:
        press = Press(scene, Path(folder))
        for notice, file in track(list(zip(notices, files, strict=True)), _PRINTING):
            try:
                content = press.print_notice(notice)
            except InputError as error:
                refused.extend(error.problems)
                continue
            written.append(write_whole(Path(out) / "notices" / f"{file}.pdf", content))
        said.extend(press.warnings)
    if refused:
        raise InputError(refused)
    return written


def render_map(town: Town, out: str | Path, *, title: str | None = None) -> Path:
    """Write the overview map of ``town`` as one HTML file that needs no network: see `gridgeo.render.webmap`."""
    from gridgeo.render.webmap import render_map as render

    return render(town, out, title=title)


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
        if not plain or re.fullmatch(r"(?i)con|prn|aux|nul|com\d|lpt\d", plain.split(".")[0]):
            plain = f"block_{plain}".rstrip("_")
        name, serial = plain, 1
        while name.casefold() in taken:
            serial += 1
            name = f"{plain}-{serial}"
        taken.add(name.casefold())
        names.append(name)
    return names
