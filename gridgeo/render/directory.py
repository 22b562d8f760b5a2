"""The first page of a site: every grid and block in a list, a map to click on, search, and "which block is this in".

The list and the map need no script. What the script adds it reads off them, so nothing of the town is in the page twice
but the names of streets.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources

import shapely

from gridgeo._page import data_script, document, escape
from gridgeo.render.initials import initials_table
from gridgeo.render.notice import KIND_NAMES, Notice
from gridgeo.render.overview import draw_overview
from gridgeo.render.page import MAP_FILE, facts_of, page_address, phone_links, site_style
from gridgeo.render.scene import Scene
from gridgeo.render.theme import Theme
from gridgeo.render.webfont import font_faces

TITLE = "责任网格"

FINDER_WORDS = {
    "inside": "这里属于：",
    "border": "这里在责任块的交界处，属于其中之一：",
    "perhaps": "定位误差约 %，这里可能属于：",
    "outside": "这里不在本镇的责任块内；最近的责任块相距约 %：",
    "unread": "看不懂这个坐标；请写经度和纬度，例如 121.5000, 31.0500",
    "waiting": "正在定位……",
    "refused": "浏览器未允许定位；可点击地图或输入坐标。",
    "unknown": "暂时无法定位；可点击地图或输入坐标。",
    "metres": "米",
    "kilometres": "千米",
}
"""What the finder of places answers; % is a distance."""

_WORDS = FINDER_WORDS | {
    "code": "编号",
    "head": "块长",
    "map": "在全镇地图上查看",
    "block": "您要找的责任块：",
    "gone": "没有这个编号的责任块；可能已重新划分，请重新查找。",
    "along": "沿线 % 个责任块",
    "found": "找到 % 项",
    "nothing": "没有找到",
}
_SYSTEMS = (("", "GPS、CGCS2000"), ("GCJ-02", "高德、腾讯（GCJ-02）"), ("BD-09", "百度（BD-09）"))

_REACH = 15.0
"""Metres: a block so near to a street lies along it."""
_LEAST = 30.0
"""Metres along a street at least."""


def directory_page(scene: Scene, notices: Sequence[Notice], names: Sequence[str]) -> str:
    """Return the page ``index.html`` of a site.

    Parameters
    ----------
    notices : sequence of Notice
        As the web may see them, in order of code.
    names : sequence of str
        File name of each block's page, without ending.
    """
    first = notices[0]
    title = f"{first.town} {TITLE}"
    overview = draw_overview(scene, notices, names, label=f"{first.town}责任块示意图")
    streets = streets_with_blocks(scene)
    texts = [text for notice in notices for text in (notice.name, notice.grid, notice.head.name)]
    data = {
        "origin": overview.origin,
        "codes": [notice.code for notice in notices],
        "streets": streets,
        "initials": initials_table([*texts, *(name for name, _ in streets)]),
        "words": _WORDS,
    }
    body = _body(scene.theme, notices, names, overview.svg) + data_script(data, "town-data")
    style = font_faces(title + body) + site_style(scene.theme, "page.css", "directory.css")
    script = _own("search.js") + _own("finder.js") + _own("directory.js")
    return document(title, body, style=style, script=script, language="zh", inlined=("font",))


def _own(name: str) -> str:
    return (resources.files("gridgeo.render") / "web" / name).read_text(encoding="utf-8")


def streets_with_blocks(scene: Scene) -> list[tuple[str, list[int]]]:
    """Return every named street and river with the blocks along it, sorted by name."""
    lines: dict[str, list[shapely.Geometry]] = {}
    for geometry, name in zip(scene.lines.geometries, scene.lines.names, strict=True):
        if name:
            lines.setdefault(name, []).append(geometry)
    found = []
    for name, parts in sorted(lines.items()):
        course = shapely.multilinestrings(parts)
        near = scene.areas.tree.query(course, predicate="dwithin", distance=_REACH)
        areas = shapely.buffer(scene.areas.geometries[near], _REACH, quad_segs=2)
        along = shapely.length(shapely.intersection(course, areas))
        least = min(_LEAST, shapely.length(course) / 2)
        if blocks := sorted(near[along >= least].tolist()):
            found.append((name, blocks))
    return found


def _body(theme: Theme, notices: Sequence[Notice], names: Sequence[str], svg: str) -> str:
    first = notices[0]
    mark = f'<p class="mark">{escape(first.watermark)}</p>' if first.watermark else ""
    grids = len({(notice.kind, notice.grid) for notice in notices})
    return (
        '<a class="skip" href="#content">跳到正文</a>'
        f"<header><h1><bdi>{escape(first.town)}</bdi> {TITLE}</h1>"
        f'<p class="under">{len(notices)} 个责任块，{grids} 个网格</p>{mark}'
        f'<nav aria-label="本站"><a href="#list">责任块名录</a><a href="{MAP_FILE}">可缩放的全镇地图</a></nav></header>'
        '<main id="content" tabindex="-1"><div id="tools" hidden>'
        '<section aria-labelledby="search-title"><h2 id="search-title">查找责任块</h2><form role="search">'
        '<label for="find">名称、编号、块长、道路或拼音首字母</label>'
        '<input id="find" type="search" autocomplete="off" spellcheck="false"></form>'
        '<p id="count" role="status"></p><ul id="found" class="links"></ul></section>'
        f'<section aria-labelledby="where-title"><h2 id="where-title">这里属于哪个责任块</h2>{finder_form()}</section>'
        '</div><div id="answer" role="status" aria-live="polite"></div>'
        '<section id="overview" aria-labelledby="map-title"><h2 id="map-title">全镇示意图</h2>'
        '<a class="skip" href="#list">跳过地图，到名录</a>'
        f"<figure>{svg}<figcaption>点击责任块即可查看。颜色只用于区分相邻的责任块。</figcaption></figure></section>"
        f'<section id="list" aria-labelledby="list-title"><h2 id="list-title">责任块名录</h2>{_tables(notices, names)}'
        f"</section></main><footer>{facts_of(first, theme.words)}</footer>"
    )


def finder_form() -> str:
    """Return the controls of the finder of places, which the script binds."""
    options = "".join(f'<option value="{value}">{text}</option>' for value, text in _SYSTEMS)
    return (
        '<p class="under">可点击地图、输入坐标或使用本机位置；只在本机计算，不发送、不保存。</p>'
        '<button type="button" id="here">使用我的位置</button>'
        '<form id="place"><label for="point">坐标：经度, 纬度</label>'
        '<input id="point" autocomplete="off" spellcheck="false" placeholder="121.5000, 31.0500">'
        f'<label for="system">坐标来自</label><select id="system">{options}</select>'
        '<button type="submit">查找</button></form>'
    )


def _tables(notices: Sequence[Notice], names: Sequence[str]) -> str:
    tables = []
    for kind, caption in KIND_NAMES.items():
        rows = "".join(_row(notice, name) for notice, name in zip(notices, names, strict=True) if notice.kind == kind)
        if rows:
            headers = "".join(f'<th scope="col">{text}</th>' for text in ("责任块", "网格", "编号", "块长", "电话"))
            tables.append(
                f"<table><caption>{caption}</caption><thead><tr>{headers}</tr></thead><tbody>{rows}</tbody></table>"
            )
    return "".join(tables)


def _row(notice: Notice, name: str) -> str:
    cells = (
        ("grid", f"<bdi>{escape(notice.grid)}</bdi>"),
        ("code", f"<bdi>{escape(notice.code)}</bdi>"),
        ("head", f"<bdi>{escape(notice.head.name)}</bdi>"),
        ("phone", phone_links(notice.head.phone)),
    )
    link = f'<a href="{escape(page_address(name))}"><bdi>{escape(notice.name)}</bdi></a>'
    row = "".join(f'<td class="{key}">{text}</td>' for key, text in cells)
    return f'<tr data-block="{notice.index}"><th scope="row" class="name">{link}</th>{row}</tr>'
