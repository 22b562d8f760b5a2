"""The site of a town: an index, a map and a page for each block, all in one folder that can be put on the web as it is.

Nothing in it asks anybody for anything, so it also works from a folder on a disk. Only what the web may see of people
is in it. ``site.json`` beside the folder says what each page was made of: a page of the same words and map is left as
it is.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import shapely

from gridgeo._files import write_whole
from gridgeo._parallel import each
from gridgeo._words import listed
from gridgeo.errors import Problem
from gridgeo.language import Message
from gridgeo.progress import track
from gridgeo.render import file_names
from gridgeo.render.drawing import draw_map
from gridgeo.render.fingerprint import Bounds, Fingerprints, digest_of, versions
from gridgeo.render.ledger import is_untouched, read_ledger, read_record
from gridgeo.render.notice import Notice
from gridgeo.render.page import INDEX_FILE, MAP_FILE, PageWriter, map_size, page_of, page_title, shared_text, site_style
from gridgeo.render.photos import readable_photo
from gridgeo.render.scene import Scene, make_scene
from gridgeo.render.selection import blocks_of, compose_all
from gridgeo.render.sheet import PICTURE_NAME
from gridgeo.render.webfont import announce, font_faces
from gridgeo.town import Town

FOLDER, LEDGER = "site", "site.json"
_SCHEMA = "gridgeo-site/1"
MOST_BYTES = 400_000
"""Size of a page at most; photos are made smaller where there are many."""
_PHOTO_WIDTHS = (120, 96, 78, 64, 48)
"""Pixels, from the first that keep a page small enough."""
_WRITING = Message("writing web pages", "正在制作网页")
_GONE = Message(
    "{count} pages are of blocks that are no more; delete them here and on the web: {files}",
    "{count} 个网页属于已撤销的责任块；请在此处和网站上删除：{files}",
)


@dataclass(frozen=True)
class PageEntry:
    """One page of a site.

    Parameters
    ----------
    file : str
        In the folder of the site.
    code, name : str
        Of its block.
    words, shown : str
        Fingerprints of what it says and of what its map shows.
    window : tuple of float
        Of its map, in the working CRS.
    sha256 : str
        Of the file.
    """

    file: str
    code: str
    name: str
    words: str
    shown: str
    window: Bounds
    sha256: str


@dataclass(frozen=True)
class _Order:
    notice: Notice
    file: str
    words: str


@dataclass(frozen=True)
class _Made:
    entry: PageEntry
    content: str
    warnings: list[Problem]


def render_site(
    town: Town | Scene,
    out: str | Path,
    *,
    only: Sequence[str] | None = None,
    jobs: int = 1,
    warnings: list[Problem] | None = None,
) -> list[Path]:
    """Make the site of ``town`` in ``out/site``: see the module.

    ``site/CODE.html`` is the page of a block, the address that the QR code of its notice leads to;
    ``site/index.html#block=CODE`` and ``site/map.html#block=CODE`` show a block among the others.

    Parameters
    ----------
    town : Town or Scene
        With drafted blocks; of several products of one town each can be given the same `gridgeo.render.scene.Scene`.
    out : path
        Folder of the products. Where it holds printed notices, each page says by which mark to know the present one.
    only : sequence of str, optional
        Codes of blocks, or of grids for all their blocks: only their pages are made. All others stay as they are, the
        index and the map too.
    jobs : int
        Processes at most; more than one needs a script guarded by ``if __name__ == "__main__":``.
    warnings : list of Problem, optional
        Takes what is incomplete but can be shown, and pages of blocks that are no more.

    Returns
    -------
    list of Path
        The index, the map, then the pages in order of their blocks' codes; of ``only`` some blocks, their pages. Each
        is written whole or not at all, and the same town gives the same bytes.

    Raises
    ------
    InputError
        When there are no blocks, none of a code in ``only``, or texts that the fonts lack characters for: nothing is
        written then.
    """
    from gridgeo.render.directory import directory_page
    from gridgeo.render.webmap import map_page

    said: list[Problem] = [] if warnings is None else warnings
    scene = make_scene(town)
    said.extend(scene.problems)
    wanted = blocks_of(scene, only)
    notices = compose_all(scene, wanted, said, audience="web")
    names = file_names([notice.code for notice in notices])
    folder = Path(out) / FOLDER
    held = read_entries(Path(out))
    studio = _Studio(scene, names, _marks(Path(out)))
    entries: dict[str, PageEntry] = {}
    work = []
    for notice, name in zip(notices, names, strict=True):
        file, words = f"{name}.html", studio.words_of(notice)
        entry = held.get(file)
        if notice.index not in wanted:
            if entry is not None:
                entries[file] = entry
        elif entry is not None and studio.still_holds(entry, words, folder):
            entries[file] = entry
        else:
            work.append(_Order(notice, file, words))
    if work:
        characters = studio.characters_of([order.notice for order in work])
        made = each(work, _Studio.make, _studio, (scene, names, studio.marks, characters), jobs=jobs)
        for page in track(made, _WRITING, total=len(work)):
            write_whole(folder / page.entry.file, page.content)
            entries[page.entry.file] = page.entry
            said.extend(page.warnings)
    first: list[Path] = []
    whole = read_whole_pages(Path(out))
    if only is None:
        index, town_map = directory_page(scene, notices, names), map_page(scene, notices, folder, site="").content
        texts = {INDEX_FILE: index, MAP_FILE: town_map}
        whole = {file: hashlib.sha256(text.encode()).hexdigest() for file, text in texts.items()}
        for file, text in texts.items():
            if not is_untouched(folder, file, whole[file]):  # what copies a site to the web goes by the time of files
                write_whole(folder / file, text)
        first = [folder / file for file in texts]
    gone = {file: entry for file, entry in held.items() if file not in entries and (folder / file).exists()}
    _write_entries(Path(out), [*entries.values(), *gone.values()], whole)
    if gone:
        said.append(Problem(str(folder), _GONE, {"count": len(gone), "files": listed(sorted(gone), most=4)}))
    pages = (folder / f"{name}.html" for notice, name in zip(notices, names, strict=True) if notice.index in wanted)
    return [*first, *pages]


class _Studio:
    """Makes pages of one town, and tells which of them are what they would be again."""

    def __init__(self, scene: Scene, names: Sequence[str], marks: Mapping[str, Sequence[tuple[str, str]]]) -> None:
        self._scene, self.marks = scene, marks
        self._writer = PageWriter(scene, names, marks)
        self._prints = Fingerprints(scene)
        self._photos: dict[tuple[Path, int], str] = {}
        self._unreadable: set[Path] = set()
        extent = () if scene.extent is None else scene.extent.bounds
        self._shared_text = shared_text(scene.town, scene.theme)
        self._style = site_style(scene.theme, "page.css")
        common = (versions(), extent, scene.convergence, scene.theme, self._style, self._shared_text)
        self._common = repr(common).encode()

    def words_of(self, notice: Notice) -> str:
        """Return the fingerprint of all that a page says, of its block, and of how it is set."""
        prints = {path: self._prints.of_photo(path) for path in _photos_of(notice)}
        body = self._writer.body(notice, None, prints)
        block = shapely.to_wkb(self._scene.areas.geometries[notice.index])
        return digest_of(self._common, repr((page_title(notice), map_size(notice))).encode(), body.encode(), block)

    def still_holds(self, entry: PageEntry, words: str, folder: Path) -> bool:
        """Return whether a page is there, untouched, and would be made just so again."""
        if entry.words != words or entry.shown != self._prints.of_window(entry.window):
            return False
        try:
            return hashlib.sha256((folder / entry.file).read_bytes()).hexdigest() == entry.sha256
        except OSError:
            return False

    def characters_of(self, notices: Iterable[Notice]) -> str:
        """Return about all characters that pages show: those of their words and of names on their maps."""
        scene = self._scene
        bodies = (self._writer.body(notice, None, dict.fromkeys(_photos_of(notice), "")) for notice in notices)
        texts = [*bodies, *scene.names, *scene.grid_names, *scene.lines.names, *scene.surfaces.names]
        return "".join(sorted(set("".join(texts))))

    def make(self, order: _Order) -> _Made:
        """Make one page."""
        notice, warnings = order.notice, list[Problem]()
        width, height = map_size(notice)
        drawing = draw_map(self._scene, notice.index, width=width, height=height)
        title = page_title(notice)
        plain = self._writer.body(notice, drawing, dict.fromkeys(_photos_of(notice), ""))
        # photos add no characters, but for those of their descriptions, which are names
        faces = font_faces(title + plain, common=self._shared_text)
        for photo_width in _PHOTO_WIDTHS:
            photos = {
                card.photo: self._photo(card.photo, card.name, photo_width, warnings)
                for card in (notice.head, *notice.officers)
                if card.photo is not None
            }
            page = page_of(title, self._writer.body(notice, drawing, photos), faces + self._style)
            if len(page.encode()) <= MOST_BYTES:
                break
        digest = hashlib.sha256(page.encode()).hexdigest()
        shown = self._prints.of_window(drawing.window)
        entry = PageEntry(order.file, notice.code, notice.name, order.words, shown, drawing.window, digest)
        return _Made(entry, page, warnings)

    def _photo(self, source: Path, name: str, width: int, warnings: list[Problem]) -> str:
        """Return a photo as an address that holds it; "" for one that can't be read, which is said once."""
        key = source, width
        if key not in self._photos:
            content = None if source in self._unreadable else readable_photo(source, name, warnings, width=width)
            if content is None:
                self._unreadable.add(source)
            coded = "" if content is None else base64.b64encode(content).decode()
            self._photos[key] = coded and f"data:image/jpeg;base64,{coded}"
        return self._photos[key]


@contextmanager
def _studio(scene: Scene, names: Sequence[str], marks: Any, characters: str) -> Iterator[_Studio]:
    announce(characters)
    yield _Studio(scene, names, marks)


def _photos_of(notice: Notice) -> Iterator[Path]:
    for card in (notice.head, *notice.officers):
        if card.photo is not None:
            yield card.photo


def _marks(out: Path) -> dict[str, list[tuple[str, str]]]:
    """Return the marks of the printed notices in a folder, by block's code, with the sheet of each."""
    marks: dict[str, list[tuple[str, str]]] = {}
    for entry in sorted(read_ledger(out).values(), key=lambda entry: entry.edition):
        if entry.edition != PICTURE_NAME:
            marks.setdefault(entry.code, []).append((entry.edition.replace("-landscape", " 横向"), entry.mark))
    return marks


def read_entries(out: Path) -> dict[str, PageEntry]:
    """Return what ``site.json`` says of each page; nothing where there is none that can be read."""
    try:
        return {row["file"]: PageEntry(**row | {"window": tuple(row["window"])}) for row in _held(out)["files"]}
    except (KeyError, TypeError):
        return {}  # everything is made anew, and the list too


def read_whole_pages(out: Path) -> dict[str, str]:
    """Return the SHA-256 of the index and the map of the site, by file, as ``site.json`` keeps them."""
    held = _held(out).get("whole")
    return {str(file): str(digest) for file, digest in held.items()} if isinstance(held, dict) else {}


def _held(out: Path) -> dict[str, Any]:
    return read_record(out / LEDGER, _SCHEMA)


def _write_entries(out: Path, entries: Iterable[PageEntry], whole: Mapping[str, str]) -> None:
    rows = [asdict(entry) for entry in sorted(entries, key=lambda entry: entry.file)]
    content = {"schema": _SCHEMA, "files": rows, "whole": dict(sorted(whole.items()))}
    write_whole(out / LEDGER, json.dumps(content, ensure_ascii=False, indent=1) + "\n")
