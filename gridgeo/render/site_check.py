"""A site checked: every page is reopened and read, and what is wrong with it is told.

Of each page: whether it is as it was made and no larger than promised, says all that its notice says in characters that
its own fonts have, asks nobody for anything, leads only where there is something, can be found one's way in by ear, and
holds no number of a person that is not for the web. No browser is needed for that; how it looks, no check can say.
"""

from __future__ import annotations

import base64
import hashlib
import html
import io
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

from gridgeo._parallel import each
from gridgeo._words import has_identity_number, mask_identity_numbers
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.progress import track
from gridgeo.render import file_names
from gridgeo.render.ledger import is_untouched, read_sheets
from gridgeo.render.notice import Notice, compose_notices, texts_of
from gridgeo.render.page import INDEX_FILE, MAP_FILE
from gridgeo.render.publishing import mask_mobiles
from gridgeo.render.scene import Scene, make_scene
from gridgeo.render.selection import blocks_of
from gridgeo.render.site import FOLDER, LEDGER, MOST_BYTES, read_entries, read_whole_pages
from gridgeo.render.webmap import map_file, map_page
from gridgeo.town import Town

_CHECKING = Message("checking web pages", "正在检查网页")
_NO_SITE = Message(
    "no site made by gridgeo render --format html here", "此处没有 gridgeo render --format html 制作的网站"
)
_LOST = Message("the file is gone; run gridgeo render again", "文件已丢失；请重新运行 gridgeo render")
_TOUCHED = Message("was changed after it was made; run gridgeo render again", "制作后被改动；请重新运行 gridgeo render")
_OLDER = Message(
    "is of the town as it once was; run gridgeo render again", "与当前数据不一致；请重新运行 gridgeo render"
)
_MISSING = Message("{name} has no page; run gridgeo render again", "{name} 没有网页；请重新运行 gridgeo render")
_TOO_LARGE = Message("has {size} bytes, more than {most}", "大小为 {size} 字节，超过 {most}")
_LACKS = Message("lacks the text {text}", "缺少文字“{text}”")
_NO_GLYPH = Message("its fonts lack the characters {characters}", "内嵌字体缺少字符 {characters}")
_ASKS = Message("asks for {address}, which is not in it", "引用了页外的 {address}")
_RUNS = Message("has a script ({what}); pages of blocks have none", "含有脚本（{what}）；责任块网页不应有脚本")
_NO_POLICY = Message("has no content security policy that forbids all else", "没有禁止其他来源的内容安全策略")
_LEADS_NOWHERE = Message("has a link to {address}, which is not there", "链接 {address} 没有目标")
_NO_DATA = Message("its data can't be read", "其数据无法读取")
_UNHEARD = Message("can't be followed by ear: {what}", "不便于朗读：{what}")
_NUMBER = Message("holds a number that is not for the web: {masked}", "含有不应在网上公示的号码：{masked}")

_LOADING = {"src", "srcset", "action", "formaction", "poster", "data", "background", "ping", "manifest"}


def check_site(
    town: Town | Scene, out: str | Path, *, only: Sequence[str] | None = None, jobs: int = 1
) -> tuple[int, list[Problem]]:
    """Reopen every page of the site in ``out/site``, and look for what is wrong with it: see the module.

    Parameters
    ----------
    town : Town or Scene
    out : path
        Where `gridgeo.render.render_site` put its files.
    only : sequence of str, optional
        Codes of blocks, or of grids: only their pages are looked at.
    jobs : int
        Processes at most; more than one needs a script guarded by ``if __name__ == "__main__":``.

    Returns
    -------
    tuple of int and list of Problem
        How many pages were looked at, and the findings.

    Raises
    ------
    InputError
        When no site was made there, or nobody has a code in ``only``.
    """
    folder = Path(out) / FOLDER
    entries = read_entries(Path(out))
    if not entries:
        raise InputError(Problem(str(Path(out) / LEDGER), _NO_SITE))
    scene = make_scene(town)
    wanted = blocks_of(scene, only)
    notices = compose_notices(scene, audience="web")
    pages = {
        f"{name}.html": notice
        for name, notice in zip(file_names([notice.code for notice in notices]), notices, strict=True)
        if notice.index in wanted
    }
    findings = [
        Problem(str(folder / file), _MISSING, {"name": notice.name})
        for file, notice in pages.items()
        if file not in entries
    ]
    whole = read_whole_pages(Path(out))
    work = [_Look(folder / file, None, whole.get(file, "")) for file in (INDEX_FILE, MAP_FILE) if only is None]
    work += [_Look(folder / file, pages[file], entries[file].sha256) for file in pages if file in entries]
    return len(work), findings + _look_at_all(work, notices, jobs)


def check_map(town: Town | Scene, file: str | Path, *, ledger: str | Path | None = None) -> tuple[int, list[Problem]]:
    """Reopen the overview map of a town and look for what is wrong with it, as with any page of the site.

    Parameters
    ----------
    town : Town or Scene
    file : path
        Where `gridgeo.render.render_map` put it.
    ledger : path, optional
        The folder of products that holds it: by its ledger a map is told that was changed after it was made, or is of
        the town as it once was.

    Returns
    -------
    tuple of int and list of Problem
        1, and the findings.
    """
    scene, path = make_scene(town), Path(file)
    notices = compose_notices(scene, audience="web")
    entry = None if ledger is None else read_sheets(Path(ledger)).get(map_file(Path(ledger), path))
    if entry is None:
        return 1, _look_at_all([_Look(path, None, "")], notices, 1)
    # links to pages and notices are part of it: a map of today knows which there are today
    is_older = entry.words != map_page(scene, notices, path.parent, site=None).words
    if is_older and is_untouched(Path(ledger or ""), entry.file, entry.sha256):
        return 1, [Problem(str(path), _OLDER)]
    return 1, _look_at_all([_Look(path, None, entry.sha256)], notices, 1)


@dataclass(frozen=True)
class _Look:
    """A page to be looked at; of one block, or of the whole town."""

    path: Path
    notice: Notice | None
    sha256: str
    """Of the page as it was made; "" where that isn't known."""


def _look_at_all(work: list[_Look], notices: list[Notice], jobs: int) -> list[Problem]:
    given = (notices, {notice.code for notice in notices})
    looks = each(work, _look, _known, given, jobs=jobs)
    return [problem for found in track(looks, _CHECKING, total=len(work)) for problem in found]


def _known(notices: list[Notice], codes: set[str]) -> AbstractContextManager[tuple[list[Notice], set[str]]]:
    return nullcontext((notices, codes))


def _look(known: tuple[list[Notice], set[str]], look: _Look) -> list[Problem]:
    notices, codes = known
    place = str(look.path)
    try:
        content = look.path.read_bytes()
    except OSError:
        return [Problem(place, _LOST)]
    if look.sha256 and hashlib.sha256(content).hexdigest() != look.sha256:
        return [Problem(place, _TOUCHED)]
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return [Problem(place, _TOUCHED)]
    said = notices if look.notice is None else [look.notice]
    found = _faults(text, said, codes, look.path.parent, is_block=look.notice is not None)
    return [Problem(place, what, values) for what, values in found]


Finding = tuple[Message, dict[str, object]]


class _Page(HTMLParser):
    """What there is in a page: its elements, and its text as a reader meets it."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.styles: list[str] = []
        self._pieces: list[str] = []
        self._within: list[str] = []
        self.feed(content)
        self.close()
        self.text = " ".join("".join(self._pieces).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}))
        if tag in ("script", "style"):
            self._within.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._within and tag == self._within[-1]:
            self._within.pop()

    def handle_data(self, data: str) -> None:
        if not self._within:
            self._pieces.append(data)
        elif self._within[-1] == "style":
            self.styles.append(data)

    def all(self, *tags: str) -> Iterator[dict[str, str]]:
        return (attributes for tag, attributes in self.elements if tag in tags)

    @property
    def identifiers(self) -> list[str]:
        return [attributes["id"] for _, attributes in self.elements if "id" in attributes]


def _faults(content: str, notices: list[Notice], codes: set[str], folder: Path, *, is_block: bool) -> Iterator[Finding]:
    page = _Page(content)
    if is_block and len(content.encode()) > MOST_BYTES:
        yield _TOO_LARGE, {"size": len(content.encode()), "most": MOST_BYTES}
    told = _texts(notices, is_block=is_block)
    # a list of names is data for the script of the map, which writes it down when it is asked
    held = page.text if is_block else content
    for text in told:
        if text and not _holds(held, text):
            yield _LACKS, {"text": text}
    yield from _glyph_faults(content, page.text)
    yield from _outside_faults(page)
    yield from _link_faults(page, codes, folder)
    if is_block:
        yield from _script_faults(page)
    else:
        yield from _data_faults(content, notices, folder)
    yield from _hearing_faults(page)
    yield from _number_faults(content, notices)


def _texts(notices: list[Notice], *, is_block: bool) -> list[str]:
    if is_block:
        return list(dict.fromkeys(" ".join(text.split()) for _, text in texts_of(notices[0])))
    return [text for notice in notices for text in (notice.name, notice.code, notice.head.name)]


def _holds(held: str, text: str) -> bool:
    """Return whether a text is there as it is, as HTML or as data of a script."""
    written = json.dumps(text, ensure_ascii=False)[1:-1]
    as_data = "".join(f"\\u{ord(character):04x}" if character in "<>&" else character for character in written)
    return text in held or html.escape(text) in held or as_data in held


def _glyph_faults(content: str, text: str) -> Iterator[Finding]:
    from fontTools.ttLib import TTFont

    known: set[str] = set()
    for font in re.findall(r"url\(data:font/woff2;base64,([^)]*)\)", content):
        known.update(map(chr, TTFont(io.BytesIO(base64.b64decode(font)), lazy=True).getBestCmap()))
    lacking = sorted({character for character in text if not character.isspace()} - known)
    if lacking:
        yield _NO_GLYPH, {"characters": " ".join(lacking[:20])}


def _outside_faults(page: _Page) -> Iterator[Finding]:
    policies = [item["content"] for item in page.all("meta") if item.get("http-equiv") == "Content-Security-Policy"]
    if not any("default-src 'none'" in policy for policy in policies):
        yield _NO_POLICY, {}
    for tag, attributes in page.elements:
        for key, value in attributes.items():
            is_link = key in ("href", "xlink:href") and tag != "a"
            if (key in _LOADING or is_link) and not value.startswith(("data:", "#")):
                yield _ASKS, {"address": value}
    for style in page.styles:
        for address in re.findall(r"url\(\s*['\"]?([^)'\"]*)", style):
            if not address.startswith("data:"):
                yield _ASKS, {"address": address}
        if "@import" in style:
            yield _ASKS, {"address": "@import"}


def _script_faults(page: _Page) -> Iterator[Finding]:
    """Yield what would run in the page of a block, which has no script at all."""
    for tag, attributes in page.elements:
        if tag == "script":
            yield _RUNS, {"what": "<script>"}
        for key in attributes:
            if key.startswith("on"):
                yield _RUNS, {"what": f"<{tag} {key}>"}


def _link_faults(page: _Page, codes: set[str], folder: Path) -> Iterator[Finding]:
    for attributes in page.all("a"):
        href = attributes.get("href", "")
        address = urlsplit(href)
        if address.scheme == "tel":
            continue
        there = not address.scheme and not address.netloc
        if there and address.path:
            there = _is_within(folder, address.path)
        if there and address.fragment.startswith("block="):
            there = unquote(address.fragment.removeprefix("block=")) in codes
        elif there and address.fragment and not address.path:
            there = address.fragment in page.identifiers
        if not there:
            yield _LEADS_NOWHERE, {"address": href}


def _is_within(folder: Path, path: str) -> bool:
    """Return whether an address leads to a file in a folder or below it."""
    parts = unquote(path).split("/")
    return not any(part in ("", ".", "..") for part in parts) and folder.joinpath(*parts).is_file()


def _data_faults(content: str, notices: list[Notice], folder: Path) -> Iterator[Finding]:
    """Look whether the data of a map have every block, and lead only where there is something."""
    held = re.search(r'<script type="application/json" id="town-data">(.*?)</script>', content, re.DOTALL)
    try:
        data = json.loads(held.group(1)) if held else {}
    except ValueError:
        yield _NO_DATA, {}
        return
    if "blocks" not in data:
        return
    shapes = {block["code"]: block["shape"] for block in data["blocks"]}
    for notice in notices:
        if not shapes.get(notice.code):
            yield _LACKS, {"text": notice.code}
    for address in (block[key] for block in data["blocks"] for key in ("notice", "page")):
        if address and not _is_within(folder, urlsplit(address).path):
            yield _LEADS_NOWHERE, {"address": address}


def _hearing_faults(page: _Page) -> Iterator[Finding]:
    tags = [tag for tag, _ in page.elements]
    identifiers = page.identifiers
    wanting: list[str] = []
    if not next(page.all("html"), {}).get("lang"):
        wanting.append("html lang")
    wanting += [f"{tag} × {tags.count(tag)}" for tag in ("h1", "title") if tags.count(tag) < 1]
    wanting += ["img alt" for attributes in page.all("img") if not attributes.get("alt")]
    wanting += ["th scope" for attributes in page.all("th") if attributes.get("scope") not in ("row", "col")]
    wanting += [f"id {one}" for one in sorted({one for one in identifiers if identifiers.count(one) > 1})]
    levels = [int(tag[1]) for tag in tags if re.fullmatch("h[1-6]", tag)]
    wanting += [f"h{before} → h{after}" for before, after in pairwise(levels) if after > before + 1]
    labelled = {attributes.get("for", "") for attributes in page.all("label")}
    wanting += [
        f"input {attributes.get('id', '')}"
        for attributes in page.all("input", "select")
        if "aria-label" not in attributes and attributes.get("id") not in labelled
    ]
    for what in dict.fromkeys(wanting):
        yield _UNHEARD, {"what": what}


def _number_faults(content: str, notices: list[Notice]) -> Iterator[Finding]:
    # fonts, photos and the courses of lines hold no numbers that anybody reads
    text = re.sub(r"""base64,[A-Za-z0-9+/=]+|\s(?:d|x|y|rotate|transform)="[^"]*\"""", "", content)
    shown = {part for notice in notices for part in _shown_numbers(notice)}
    for number in re.findall(r"(?<!\d)1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?!\d)", text):
        digits = re.sub(r"\D", "", number)
        if digits not in shown:
            yield _NUMBER, {"masked": mask_mobiles(number)}
    for number in re.findall(r"(?<!\d)\d{17}[\dXx](?!\d)", text):
        if has_identity_number(number):
            yield _NUMBER, {"masked": mask_identity_numbers(number)}


def _shown_numbers(notice: Notice) -> Iterator[str]:
    """Yield the mobile numbers that people agreed to show on the web, and codes, which may look like one."""
    yield notice.code
    for card in (notice.head, *notice.officers):
        yield from (re.sub(r"\D", "", number) for number in card.phone.split("，"))
    for row in notice.patrols:
        for watch in (watch for shift in row.shifts for watch in shift):
            yield from (re.sub(r"\D", "", part) for _, phone in watch.people for part in phone.split("，"))
