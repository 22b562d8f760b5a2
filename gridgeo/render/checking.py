"""All notices of a folder checked: each file that the ledger names is reopened and looked at."""

from __future__ import annotations

import hashlib
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from gridgeo._parallel import each
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.progress import track
from gridgeo.render.drawing import draw_map
from gridgeo.render.ledger import FILE, Entry, read_ledger
from gridgeo.render.notice import Notice, compose_notices, retold_to
from gridgeo.render.printing import edition
from gridgeo.render.scene import Scene, make_scene
from gridgeo.render.verify import require_readers, verify_notice
from gridgeo.town import Town

_CHECKING = Message("checking notices", "正在检查公示图")
_NO_LEDGER = Message("no notices made by gridgeo render here", "此处没有 gridgeo render 制作的公示图")
_LOST = Message("the file is gone; run gridgeo render again", "文件已丢失；请重新运行 gridgeo render")
_TOUCHED = Message("was changed after it was made; run gridgeo render again", "制作后被改动；请重新运行 gridgeo render")
_MISSING = Message("{name} has no notice; run gridgeo render again", "{name} 没有公示图；请重新运行 gridgeo render")


@dataclass(frozen=True)
class _Look:
    """One file to be looked at, and what it should say."""

    entry: Entry
    notice: Notice


def check_notices(town: Town | Scene, out: str | Path, *, jobs: int = 1) -> tuple[int, list[Problem]]:
    """Reopen every notice that was made of ``town`` in the folder ``out``, and look for what is wrong with it.

    What is looked at: see `gridgeo.render.verify`. Needs the packages of ``gridgeo[check]``.

    Parameters
    ----------
    town : Town or Scene
    out : path
        Where `gridgeo.render.render_notices` put its files.
    jobs : int
        Processes at most; more than one needs a script guarded by ``if __name__ == "__main__":``.

    Returns
    -------
    tuple of int and list of Problem
        How many files were looked at, and the findings.

    Raises
    ------
    InputError
        Without those packages, or when nothing was made there.
    """
    require_readers()
    folder = Path(out)
    held = read_ledger(folder)
    if not held:
        raise InputError(Problem(str(folder / FILE), _NO_LEDGER))
    scene = make_scene(town)
    notices = compose_notices(scene)
    told: dict[str, dict[str, Notice]] = {}
    work = []
    for file in sorted(held):
        audience = edition(held[file].edition, folder).audience
        if audience not in told:
            told[audience] = {notice.code: notice for notice in retold_to(audience, scene, notices)}
        if held[file].code in told[audience]:
            work.append(_Look(held[file], told[audience][held[file].code]))
    seen = {look.entry.code for look in work}
    findings = [Problem(str(folder), _MISSING, {"name": notice.name}) for notice in notices if notice.code not in seen]
    looks = each(work, _look, _tools, (scene, folder), jobs=jobs)
    for found in track(looks, _CHECKING, total=len(work)):
        findings.extend(found)
    return len(work), findings


def _tools(scene: Scene, folder: Path) -> AbstractContextManager[tuple[Scene, Path]]:
    return nullcontext((scene, folder))


def _look(tools: tuple[Scene, Path], look: _Look) -> list[Problem]:
    scene, folder = tools
    path = folder / look.entry.file
    try:
        content = path.read_bytes()
    except OSError:
        return [Problem(str(path), _LOST)]
    if hashlib.sha256(content).hexdigest() != look.entry.sha256:
        return [Problem(str(path), _TOUCHED)]
    width, height = look.entry.map_size
    labels = draw_map(scene, look.notice.index, width=width, height=height).labels
    sheet = edition(look.entry.edition, folder).sheet
    return verify_notice(content, look.notice, sheet, labels, str(path))
