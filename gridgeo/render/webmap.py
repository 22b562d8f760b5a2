"""The overview map of a town: one HTML file that needs no network.

folium sets up the page and Leaflet's map; Leaflet itself (from a Python package that carries its files), our script and
style, the town's data and a font with just the characters used are put into the file. No text of the town goes through
the templates of folium, which would run ``${...}`` and HTML in it: it travels as JSON and is shown as ``textContent``.

A content security policy is the second wall: it lets exactly the scripts and styles of this file work, by their hashes,
so that nothing that might still slip into the page as markup runs, and it lets the page ask nobody for anything.
"""

from __future__ import annotations

import hashlib
import html
import re
from dataclasses import astuple, dataclass
from functools import cached_property
from importlib import metadata, resources
from pathlib import Path
from typing import TYPE_CHECKING

from gridgeo._files import write_whole
from gridgeo._page import data_script, hash_source
from gridgeo.render import file_names
from gridgeo.render.directory import FINDER_WORDS, finder_form
from gridgeo.render.fingerprint import digest_of, versions
from gridgeo.render.ledger import SheetEntry, add_to_ledger, is_untouched, read_sheets
from gridgeo.render.notice import Notice, compose_notices
from gridgeo.render.page import INDEX_FILE, page_address, site_style
from gridgeo.render.publishing import publishable
from gridgeo.render.scene import Scene, make_scene
from gridgeo.render.webdata import map_data
from gridgeo.render.webfont import font_faces

if TYPE_CHECKING:
    from gridgeo.town import Town

TITLE = "责任网格总览图"

WORDS = {
    "code": "编号",
    "grid": "网格",
    "head": "块长",
    "hours": "接待时间",
    "phone": "办公电话",
    "area": "面积",
    "notice": "查看公示图（PDF）",
    "page": "查看责任块网页",
    "close": "关闭",
    "in": "放大",
    "out": "缩小",
    "nothing": "没有找到",
    "search": "名称、编号、块长、道路、拼音首字母",
    "where": "这里属于哪个责任块",
    "directory": "责任块名录",
    "key": "图层与图例",
    "background": "建筑、绿地、水面",
    "network": "道路与河道",
    "names": "名称",
    "main-road": "主干道",
    "road": "道路",
    "lane": "街巷",
    "river": "河道",
    "grids": "网格界",
    "blocks": "责任块界",
    "colours": "颜色只用于区分相邻的责任块。",
    "metres": "米",
    "kilometres": "千米",
    "script": "此页的地图需要浏览器运行脚本；以下是各责任块的名单。",
    **FINDER_WORDS,
}
"""The words of the page; it is Chinese, as the notices are."""

_HEAD, _PANEL, _DATA = "gridgeo-head", "gridgeo-panel", "gridgeo-data"


@dataclass(frozen=True)
class MapPage:
    """The page of an overview map, not yet put together: its title and parts, and where its links lead.

    Putting it together takes as long as all else; its fingerprint is known before.
    """

    title: str
    panel: str
    data: str
    credit: str
    style: str
    script: str
    leaflet: tuple[str, str]
    """Style and script."""

    @property
    def words(self) -> str:
        """Fingerprint of all that decides on the bytes of the page."""
        makers = (*versions(), *(f"{name} {metadata.version(name)}" for name in ("folium", "branca")))
        return digest_of(repr((makers, astuple(self))).encode())

    @cached_property
    def content(self) -> str:
        """The page."""
        return _page(self)


def map_page(
    scene: Scene, notices: list[Notice], folder: Path, *, site: str | None, title: str | None = None
) -> MapPage:
    """Return the page of a town's map in a folder; the notices are those for the web. Parameters: see `render_map`."""
    heading = publishable(f"{scene.town.name} {TITLE}" if title is None else title)
    if site is None and (folder / "site" / INDEX_FILE).is_file():
        site = "site/"
    leaflet = resources.files("js_lib_leaflet") / "static" / "js_lib_leaflet"
    # its icons are not used here; without their addresses the style asks for nothing
    leaflet_style = re.sub(r"url\([^)]*\)", "none", (leaflet / "leaflet.css").read_text(encoding="utf-8"))
    leaflet_script = re.sub(r"//# source.*", "", (leaflet / "leaflet.js").read_text(encoding="utf-8"))
    return MapPage(
        title=heading,
        panel=_panel(heading, notices, site),
        data=data_script({**map_data(scene, notices, folder, site), "words": WORDS}, "town-data"),
        credit=_credit(notices[0]),
        style=site_style(scene.theme, "map.css"),
        script=_own("names.js") + _own("search.js") + _own("finder.js") + _own("map.js"),
        leaflet=(leaflet_style, leaflet_script),
    )


def render_map(
    town: Town | Scene,
    out: str | Path,
    *,
    title: str | None = None,
    site: str | None = None,
    ledger: str | Path | None = None,
) -> Path:
    """Write the overview map of a town as one HTML file.

    Parameters
    ----------
    town : Town or Scene
        With drafted blocks; of several products of one town each can be given the same `gridgeo.render.scene.Scene`.
    out : path
        The file. Links lead to ``notices/CODE.pdf`` beside it, where these exist. An address that ends in
        ``#block=CODE`` shows that block.
    title : str, optional
        Of the map; without it the town's name and 责任网格总览图.
    site : str, optional
        Where the pages of the site are, as seen from the map: ``""`` for beside it. By default ``site/``, if there is
        a site (`gridgeo.render.site`).
    ledger : path, optional
        A folder of products that holds the file: its ledger keeps what the map was made of, and a map of the same is
        left as it is.

    Returns
    -------
    Path
        The file, written whole or not at all; the same town gives the same bytes.

    Raises
    ------
    InputError
        When there are no blocks, texts have characters that can't be shown, or the file can't be written.
    """
    out = Path(out)
    scene = make_scene(town)
    notices = compose_notices(scene, audience="web")
    page = map_page(scene, notices, out.parent, site=site, title=title)
    if ledger is None:
        return write_whole(out, page.content)
    folder = Path(ledger)
    file, held = map_file(folder, out), read_sheets(folder)
    entry = held.get(file)
    if entry is None or entry.words != page.words or not is_untouched(folder, file, entry.sha256):
        write_whole(out, page.content)
        digest = hashlib.sha256(page.content.encode()).hexdigest()
        add_to_ledger(folder, sheets=[SheetEntry(file, "map", "", "", page.words, "", (), digest)])
    return out


def map_file(folder: Path, file: Path) -> str:
    """Return how the ledger of a folder calls a map in it."""
    return file.absolute().relative_to(folder.absolute()).as_posix()


# ------------------------------------------------------------------------------------------------------- the page


def _page(parts: MapPage) -> str:
    face = font_faces(parts.title + parts.panel + parts.data + parts.credit)
    leaflet_style, leaflet_script = parts.leaflet
    head = (
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{html.escape(parts.title)}</title>\n"
        f"<style>{leaflet_style}</style>\n"
        f"<script>{leaflet_script}</script>"
    )
    page = _folium_page(
        {
            _HEAD: head,
            _PANEL: parts.panel,
            _DATA: f"{parts.credit}\n{parts.data}",
        },
        style=face + parts.style,
        script=parts.script,
    )
    return _with_policy(page.replace("<html>", '<html lang="zh-CN">', 1))


def _own(name: str) -> str:
    return (resources.files("gridgeo.render") / "web" / name).read_text(encoding="utf-8")


def _folium_page(parts: dict[str, str], *, style: str, script: str) -> str:
    """Return folium's page for an empty map, with our parts in it; names are fixed, so that the bytes are.

    folium reads every part of a page as a template, so our parts are put in the places of marks when it is done.
    """
    import folium
    from branca.element import Element, Figure

    figure = Figure()
    figure._id = "page"
    town_map = folium.Map(location=(0, 0), zoom_start=13, tiles=None, zoom_control=False, zoom_snap=0.25, max_zoom=20)
    town_map._id = "town"
    town_map.default_js, town_map.default_css = [], []  # folium's lists lead to servers
    figure.header.add_child(Element(_HEAD), name="gridgeo-head")
    figure.html.add_child(Element(_PANEL), name="gridgeo-panel")  # before the map: keys reach the search first
    figure.add_child(town_map)
    figure.html.add_child(Element(_DATA), name="gridgeo-data")
    page: str = figure.render()
    # folium's styles come before ours, its script, which makes the map, before ours
    start = f"showTown({town_map.get_name()}, JSON.parse(document.getElementById('town-data').textContent));"
    fixed = {"</head>": f"<style>{style}</style>\n</head>", "</html>": f"<script>{script}{start}</script>\n</html>"}
    pieces = re.split("|".join(re.escape(mark) for mark in (*parts, *fixed)), page)
    found = re.findall("|".join(re.escape(mark) for mark in (*parts, *fixed)), page)
    if sorted(found) != sorted([*parts, *fixed]):
        raise RuntimeError("this release of folium lays out its page in another way")
    filled = {**parts, **fixed}
    return pieces[0] + "".join(filled[mark] + piece for mark, piece in zip(found, pieces[1:], strict=True))


def _panel(title: str, notices: list[Notice], site: str | None) -> str:
    first = notices[0]
    mark = f'<span class="mark">{html.escape(first.watermark)}</span>' if first.watermark else ""
    grids = len({(notice.kind, notice.grid) for notice in notices})
    facts = [
        f"编制单位：{first.issuer}" if first.issuer else "",
        f"日期：{first.date}" if first.date else "",
        f"版本：{first.version}" if first.version else "",
        f"监督电话：{first.supervision_phone}" if first.supervision_phone else "",
        f"审图号：{first.approval_number}" if first.approval_number else "",
        first.disclaimer,
    ]
    lines = "".join(f"<p>{html.escape(fact)}</p>" for fact in facts if fact)
    search = WORDS["search"]
    back = "" if site is None else f'<a href="{html.escape(site)}{INDEX_FILE}">{WORDS["directory"]}</a>'
    return (
        f'<section id="panel" aria-label="{html.escape(title)}"><header><h1>{html.escape(title)}</h1>'
        f'<p class="under">{mark}{len(notices)} 个责任块 · {grids} 个网格</p>{back}</header>'
        f'<form role="search"><input id="find" type="search" autocomplete="off" aria-label="{search}" '
        f'placeholder="{search}"></form><ul id="found" aria-live="polite"></ul>'
        f'<details id="where"><summary>{WORDS["where"]}</summary>{finder_form()}'
        '<p id="answer" role="status"></p></details>'
        f'<details id="key"><summary>{WORDS["key"]}</summary><div id="layers"></div><div id="lines"></div>'
        f"<p>{WORDS['colours']}</p></details>"
        f'<footer>{lines}</footer></section>\n<noscript><div id="plain"><p>{WORDS["script"]}</p>'
        f"{_list(notices, site)}</div></noscript>"
    )


def _list(notices: list[Notice], site: str | None) -> str:
    rows = []
    for notice, name in zip(notices, file_names([notice.code for notice in notices]), strict=True):
        title = html.escape(notice.name)
        link = title if site is None else f'<a href="{html.escape(site + page_address(name))}">{title}</a>'
        cells = "".join(f"<td>{html.escape(text)}</td>" for text in (notice.code, notice.head.name, notice.head.phone))
        rows.append(f'<tr><th scope="row">{link}</th>{cells}</tr>')
    heads = "".join(f'<th scope="col">{text}</th>' for text in ("责任块", "编号", "块长", "电话"))
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _credit(notice: Notice) -> str:
    """Return the line at the foot of the map; it ends with what the folded panel of a phone doesn't show."""
    texts = [notice.attribution, "示意图", notice.watermark]
    line = html.escape(" · ".join(text for text in texts if text))
    return f'<p id="credit">{line}<span class="purpose"> · {html.escape(notice.disclaimer)}</span></p>'


def _with_policy(page: str) -> str:
    """Return the page with a policy: its own scripts and styles work, by hash, and nobody is asked for anything."""

    def hashes(kind: str) -> str:
        texts = re.findall(rf"<{kind}>(.*?)</{kind}>", page, flags=re.DOTALL)
        return " ".join(dict.fromkeys(map(hash_source, texts)))

    policy = (
        f"default-src 'none'; script-src {hashes('script')}; style-src {hashes('style')}; font-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    meta = f'<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="{policy}">'
    return page.replace("<head>", f"<head>\n{meta}", 1)
