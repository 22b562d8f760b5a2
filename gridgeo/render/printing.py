"""Many notices at once: each made on each sheet that is wanted, in several processes where there is enough to do."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from gridgeo._files import write_whole
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.progress import track
from gridgeo.render.notice import Notice, retold_to
from gridgeo.render.poster import Press
from gridgeo.render.scene import Scene
from gridgeo.render.sheet import Sheet
from gridgeo.town import Audience

_PRINTING = Message("printing notices", "正在制作公示图")
_WORTH_A_PROCESS = 12
"""Notices for which it is worth starting another process: it reads the town's scene and the fonts first."""


@dataclass(frozen=True)
class Edition:
    """One way in which every notice is made: on a sheet, for an audience, as files of a folder with an ending."""

    sheet: Sheet
    audience: Audience
    folder: Path
    ending: str


@dataclass
class Made:
    """What came of one notice: files, warnings, and why it could not be made."""

    files: list[Path]
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
    """

    def __init__(self, scene: Scene, editions: Sequence[Edition], folder: Path) -> None:
        self._presses: list[tuple[Edition, Press]] = []
        for number, edition in enumerate(editions):
            own = folder / str(number)
            own.mkdir()
            self._presses.append((edition, Press(scene, own, edition.sheet)))

    def make(self, notices: Sequence[Notice], name: str) -> Made:
        """Make the notice of one block, given for each edition; a file is written whole or not at all."""
        made = Made([], [], [])
        for (edition, press), notice in zip(self._presses, notices, strict=True):
            try:
                content = press.make(notice)
            except InputError as error:
                made.refused.extend(error.problems)
            else:
                made.files.append(write_whole(edition.folder / f"{name}{edition.ending}", content))
            made.warnings.extend(press.take_warnings())
        return made


def make_all(
    scene: Scene, notices: Sequence[Notice], names: Sequence[str], editions: Sequence[Edition], *, jobs: int
) -> Iterator[Made]:
    """Make every notice in every edition, in their order, with at most that many processes."""
    told = {edition.audience: retold_to(edition.audience, scene, notices) for edition in editions}
    editions_of = zip(*(told[edition.audience] for edition in editions), strict=True)
    work = list(zip(editions_of, names, strict=True))
    processes = min(jobs, len(work) // _WORTH_A_PROCESS)
    if processes <= 1:
        with _workshop(scene, editions) as workshop:
            for told_to, name in track(work, _PRINTING):
                yield workshop.make(told_to, name)
        return
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    # a fresh interpreter: a fork would copy the threads' locks of a progress bar or of a notebook
    context = multiprocessing.get_context("spawn")
    given = (scene, list(editions))
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_open_shop, initargs=given) as pool:
        yield from track(pool.map(_make, work, chunksize=4), _PRINTING, total=len(work))


@contextmanager
def _workshop(scene: Scene, editions: Sequence[Edition]) -> Iterator[Workshop]:
    with tempfile.TemporaryDirectory(prefix="gridgeo-") as folder:
        yield Workshop(scene, editions, Path(folder))


_open = ExitStack()
_shop: Workshop | None = None


def _open_shop(scene: Scene, editions: Sequence[Edition]) -> None:
    """Set a process up; its folder goes when the process ends."""
    import atexit

    global _shop
    atexit.register(_open.close)
    _shop = _open.enter_context(_workshop(scene, editions))


def _make(work: tuple[Sequence[Notice], str]) -> Made:
    assert _shop is not None
    return _shop.make(*work)
