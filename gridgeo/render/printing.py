"""Many notices at once: each made on each sheet that is wanted, in several processes where there is enough to do."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gridgeo._files import write_whole
from gridgeo._memory import give_back_memory
from gridgeo._parallel import each_in_steps
from gridgeo._steps import Steps
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.progress import track
from gridgeo.render.fingerprint import Fingerprints
from gridgeo.render.ledger import Entry, new_entry
from gridgeo.render.notice import Notice, retold_to
from gridgeo.render.poster import Press
from gridgeo.render.scene import Scene
from gridgeo.render.sheet import Sheet, sheet_of
from gridgeo.town import Audience

_BETWEEN_GIVING_BACK = 8
"""Notices after which a workshop gives back memory: a large one takes more than those that follow it."""

_PRINTING = Message("printing notices", "正在制作公示图")


@dataclass(frozen=True)
class Edition:
    """One way in which every notice is made: on a sheet, for an audience, as files below a folder."""

    name: str
    sheet: Sheet
    audience: Audience
    folder: Path

    def file(self, name: str) -> str:
        """Return where the file of a notice lies in the folder."""
        if self.sheet.is_picture:
            return f"notices/{name}.png"
        return f"notices/{name}.pdf" if self.name == "A3" else f"notices/{name}-{self.name}.pdf"


def edition(name: str, folder: Path) -> Edition:
    """Return the edition of that name: pictures go round in chats, all others hang on walls."""
    sheet = sheet_of(name)
    return Edition(name, sheet, "wechat" if sheet.is_picture else "wall", folder)


@dataclass(frozen=True)
class Order:
    """One block's notice, as told to the audience of each edition, and the files that an earlier run has made."""

    notices: tuple[Notice, ...]
    held: tuple[Entry | None, ...]
    name: str


@dataclass
class Made:
    """What came of one notice: files and their entries in the ledger, warnings, and why it could not be made."""

    files: list[Path]
    entries: list[Entry]
    warnings: list[Problem]
    refused: list[Problem]


class Workshop:
    """Presses for several editions of a town's notices.

    Parameters
    ----------
    scene : Scene
    editions : sequence of Edition
    folder : Path
        An empty folder for the files that are needed on the way.
    kept : dict
        Prepared photos, shared by the workshops of a process.
    """

    def __init__(
        self, scene: Scene, editions: Sequence[Edition], folder: Path, kept: dict[tuple[Path, int], bytes]
    ) -> None:
        self._presses: list[tuple[Edition, Press]] = []
        self._prints = Fingerprints(scene)
        self._made = 0
        for number, edition in enumerate(editions):
            own = folder / str(number)
            own.mkdir()
            self._presses.append((edition, Press(scene, own, edition.sheet, self._prints, kept)))

    def steps(self, order: Order) -> Steps[Made]:
        """Make the notice of one block in every edition, in steps; a file is written whole or not at all."""
        made = Made([], [], [], [])
        self._made += 1
        if self._made % _BETWEEN_GIVING_BACK == 0:
            give_back_memory(collect=False)
        for (edition, press), notice, held in zip(self._presses, order.notices, order.held, strict=True):
            file = edition.file(order.name)
            if held is not None and held.still_holds(edition.folder, notice, edition.sheet, self._prints):
                made.files.append(edition.folder / file)
                made.entries.append(held)
                continue
            try:
                printed = yield from press.steps(notice)
            except InputError as error:
                made.refused.extend(error.problems)
            else:
                made.files.append(write_whole(edition.folder / file, printed.content))
                made.entries.append(new_entry(file, edition.name, notice, printed))
            made.warnings.extend(press.take_warnings())
        return made


def make_all(
    scene: Scene,
    notices: Sequence[Notice],
    names: Sequence[str],
    editions: Sequence[Edition],
    held: Mapping[str, Entry],
    *,
    jobs: int,
) -> Iterator[Made]:
    """Make every notice in every edition, in their order, with at most that many processes.

    Files that hold still, by the entries ``held`` of the ledger, are left as they are.
    """
    told = {edition.audience: retold_to(edition.audience, scene, notices) for edition in editions}
    work = [
        Order(
            tuple(told[edition.audience][k] for edition in editions),
            tuple(held.get(edition.file(name)) for edition in editions),
            name,
        )
        for k, name in enumerate(names)
    ]
    made = each_in_steps(work, Workshop.steps, _workshop, (scene, list(editions), {}), jobs=jobs)
    yield from track(made, _PRINTING, total=len(work))


@contextmanager
def _workshop(scene: Scene, editions: Sequence[Edition], kept: dict[tuple[Path, int], bytes]) -> Iterator[Workshop]:
    with tempfile.TemporaryDirectory(prefix="gridgeo-") as folder:
        yield Workshop(scene, editions, Path(folder), kept)
