"""All that was printed in a folder, checked: each file that the ledger names is reopened and looked at."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import cast

from gridgeo._parallel import each
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.progress import track
from gridgeo.render.drawing import draw_map
from gridgeo.render.fingerprint import Fingerprints
from gridgeo.render.index import IndexPress, IndexSheet, index_file, index_sheets, words_on
from gridgeo.render.labels import Label
from gridgeo.render.ledger import FILE, Entry, SheetEntry, read_ledger, read_sheets
from gridgeo.render.notice import Notice, compose_notices, retold_to, texts_of
from gridgeo.render.poster import Press
from gridgeo.render.printing import edition
from gridgeo.render.scene import Scene, make_scene
from gridgeo.render.selection import blocks_of
from gridgeo.render.sheet import PICTURE, PaperName, sheet_of
from gridgeo.render.tiles import print_of_tiles
from gridgeo.render.verify import require_readers, verify_index, verify_notice, verify_tiles
from gridgeo.town import Town

_CHECKING = Message("checking notices", "正在检查公示图")
_NO_LEDGER = Message("no notices made by gridgeo render here", "此处没有 gridgeo render 制作的公示图")
_LOST = Message("the file is gone; run gridgeo render again", "文件已丢失；请重新运行 gridgeo render")
_TOUCHED = Message("was changed after it was made; run gridgeo render again", "制作后被改动；请重新运行 gridgeo render")
_MISSING = Message("{name} has no notice; run gridgeo render again", "{name} 没有公示图；请重新运行 gridgeo render")
_OLDER = Message(
    "was cut of an older notice; run gridgeo render with --tile again",
    "由旧版公示图分割而成；请重新运行 gridgeo render --tile",
)


@dataclass(frozen=True)
class _Look:
    """Files to be looked at together: those of one block, with what they should say, or one index sheet."""

    notices: tuple[tuple[Entry, Notice], ...] = ()
    tiles: tuple[tuple[SheetEntry, Entry, Notice], ...] = ()
    index: tuple[tuple[SheetEntry, IndexSheet], ...] = ()

    def __len__(self) -> int:
        return len(self.notices) + len(self.tiles) + len(self.index)


def check_notices(
    town: Town | Scene, out: str | Path, *, only: Sequence[str] | None = None, jobs: int = 1
) -> tuple[int, list[Problem]]:
    """Reopen all that was printed of ``town`` in the folder ``out``, and look for what is wrong with it.

    Notices on every sheet, as PDF and as picture, their tiles and the index sheets. What is looked at: see
    `gridgeo.render.verify`. Needs the packages of ``gridgeo[check]``.

    Parameters
    ----------
    town : Town or Scene
    out : path
        Where `gridgeo.render.render_notices` and `gridgeo.render.render_index` put their files.
    only : sequence of str, optional
        Codes of blocks, or of grids: only their notices, tiles and index sheets are looked at.
    jobs : int
        Processes at most; more than one needs a script guarded by ``if __name__ == "__main__":``.

    Returns
    -------
    tuple of int and list of Problem
        How many files were looked at, and the findings.

    Raises
    ------
    InputError
        Without those packages, when nothing was made there, or nobody has a code in ``only``.
    """
    require_readers()
    folder = Path(out)
    held, others = read_ledger(folder), read_sheets(folder)
    if not held and not others:
        raise InputError(Problem(str(folder / FILE), _NO_LEDGER))
    scene = make_scene(town)
    wanted = blocks_of(scene, only)
    every = compose_notices(scene)
    notices = [notice for notice in every if notice.index in wanted]
    looks = _looks_at_index(scene, every, others)
    if only is not None:
        looks = (look for look in looks if any(sheet.is_of_grid_of(wanted) for _, sheet in look.index))
    work = [*_looks_at_notices(scene, notices, held, others, folder), *looks]
    findings = []
    if held:
        seen = {entry.code for look in work for entry, _ in look.notices}
        findings = [Problem(str(folder), _MISSING, {"name": one.name}) for one in notices if one.code not in seen]
    seen_through = each(work, _Inspector.look, _inspector, (scene, folder), jobs=jobs)
    for found in track(seen_through, _CHECKING, total=len(work)):
        findings.extend(found)
    return sum(map(len, work)), findings


def _looks_at_notices(
    scene: Scene, notices: Sequence[Notice], held: Mapping[str, Entry], others: Mapping[str, SheetEntry], folder: Path
) -> Iterator[_Look]:
    """Yield what there is of each block: its sheets show the same map mostly, which is drawn once for all."""
    told: dict[str, dict[str, Notice]] = {}
    files: dict[str, list[tuple[Entry, Notice]]] = {}
    for file in sorted(held):
        audience = edition(held[file].edition, folder).audience
        if audience not in told:
            told[audience] = {notice.code: notice for notice in retold_to(audience, scene, notices)}
        if (notice := told[audience].get(held[file].code)) is not None:
            files.setdefault(notice.code, []).append((held[file], notice))
    tiles: dict[str, list[SheetEntry]] = {}
    for entry in others.values():
        if entry.kind == "tiles":
            tiles.setdefault(entry.source, []).append(entry)
    for mine in files.values():
        cut = [(one, entry, notice) for entry, notice in mine for one in tiles.get(entry.file, ())]
        yield _Look(notices=tuple(mine), tiles=tuple(cut))


def _looks_at_index(scene: Scene, notices: Sequence[Notice], others: Mapping[str, SheetEntry]) -> Iterator[_Look]:
    index = [entry for entry in others.values() if entry.kind == "index"]
    sheets = index_sheets(scene, notices) if index else []
    known = {index_file(sheet, name): sheet for sheet in sheets for name in {entry.edition for entry in index}}
    for entry in index:
        if entry.file in known:
            yield _Look(index=((entry, known[entry.file]),))


@contextmanager
def _inspector(scene: Scene, folder: Path) -> Iterator[_Inspector]:
    with tempfile.TemporaryDirectory(prefix="gridgeo-") as room:
        yield _Inspector(scene, folder, Path(room))


@dataclass
class _Inspector:
    """Looks at files of one town; ``room`` is an empty folder for what is needed on the way."""

    scene: Scene
    folder: Path
    room: Path
    _index: dict[str, IndexPress] = field(default_factory=dict)

    def look(self, look: _Look) -> list[Problem]:
        """Return what is wrong with some files."""
        drawn: dict[tuple[float, float], tuple[Label, ...]] = {}
        found: list[Problem] = []
        for entry, notice in look.notices:
            content = self._read(entry.file, entry.sha256, found)
            if content is None:
                continue
            if entry.map_size not in drawn:
                width, height = entry.map_size
                drawn[entry.map_size] = draw_map(self.scene, notice.index, width=width, height=height).labels
            sheet = edition(entry.edition, self.folder).sheet
            twin = self._press.twin(notice) if sheet.is_picture else None
            place = str(self.folder / entry.file)
            found += verify_notice(content, notice, sheet, drawn[entry.map_size], place, twin=twin)
        for tiles, entry, notice in look.tiles:
            found += self._look_at_tiles(tiles, entry, notice)
        for sheet_entry, index in look.index:
            content = self._read(sheet_entry.file, sheet_entry.sha256, found)
            if content is not None:
                press = self._index_press(sheet_entry.edition)
                words, labels = words_on(press.words(index)), press.draw(index).labels
                sheet, place = sheet_of(sheet_entry.edition), str(self.folder / sheet_entry.file)
                found += verify_index(content, words, sheet, labels, place)
        return found

    def _look_at_tiles(self, tiles: SheetEntry, entry: Entry, notice: Notice) -> list[Problem]:
        found: list[Problem] = []
        content, source = self._read(tiles.file, tiles.sha256, found), self._read(entry.file, entry.sha256, [])
        place, page = str(self.folder / tiles.file), sheet_of(entry.edition).paper
        if content is not None and source is not None:
            words = [notice.title, *(words for _, words in texts_of(notice))]
            onto = cast("PaperName", tiles.edition)
            if tiles.words != print_of_tiles(source, page, onto, Path(entry.file).stem):
                return [Problem(place, _OLDER)]
            found += verify_tiles(content, source, words, page, onto, place)
        return found

    def _read(self, file: str, sha256: str, found: list[Problem]) -> bytes | None:
        """Return the content of a file, or say that it isn't what was made."""
        path = self.folder / file
        try:
            content = path.read_bytes()
        except OSError:
            found.append(Problem(str(path), _LOST))
            return None
        if hashlib.sha256(content).hexdigest() != sha256:
            found.append(Problem(str(path), _TOUCHED))
            return None
        return content

    @cached_property
    def _press(self) -> Press:
        """Makes the twins of pictures."""
        room = self.room / "picture"
        room.mkdir()
        return Press(self.scene, room, PICTURE, Fingerprints(self.scene))

    def _index_press(self, name: str) -> IndexPress:
        if name not in self._index:
            self._index[name] = IndexPress(self.scene, self.room, sheet_of(name))
        return self._index[name]
