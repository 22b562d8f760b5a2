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
from gridgeo.render.notice import Notice
from gridgeo.render.poster import Press
from gridgeo.render.scene import Scene
from gridgeo.render.sheet import Sheet

_PRINTING = Message("printing notices", "正在制作公示图")
_WORTH_A_PROCESS = 12
"""Notices for which it is worth starting another process: it reads the town's scene and the fonts first."""


@dataclass(frozen=True)
class Edition:
    """One way in which every notice is made: a sheet, and the folder and ending of its files."""

    sheet: Sheet
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

    def make(self, notice: Notice, name: str) -> Made:
        """Make one notice in every edition; a file is written whole or not at all."""
        made = Made([], [], [])
        for edition, press in self._presses:
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
    work = list(zip(notices, names, strict=True))
    processes = min(jobs, len(work) // _WORTH_A_PROCESS)
    if processes <= 1:
        with _workshop(scene, editions) as workshop:
            for notice, name in track(work, _PRINTING):
                yield workshop.make(notice, name)
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


def _make(work: tuple[Notice, str]) -> Made:
    assert _shop is not None
    return _shop.make(*work)
