"""The web page of each block: one HTML file that asks nobody for anything and needs no script to be read.

Made for a phone that has just read the QR code of a board: who answers for this place and how to reach them comes
first. What a screen reader says follows the same order; every part has a heading, and the map is told in words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from importlib import resources
from pathlib import Path
from urllib.parse import quote

import shapely

from gridgeo._page import document, escape
from gridgeo.render.colours import USUAL
from gridgeo.render.drawing import Drawing
from gridgeo.render.fonts import printable
from gridgeo.render.notice import KIND_NAMES, Item, Notice
from gridgeo.render.people import ROLE_NAMES, Card
from gridgeo.render.scene import Scene
from gridgeo.render.sections import Watch
from gridgeo.render.theme import Theme, Words
from gridgeo.render.webpath import shortened
from gridgeo.town import Town

_MAP_SIZE = (116.0, 128.0)
"""Millimetres of the map's design: small, so that names can be read on a phone, where it is as wide as the screen."""
_STREET_MAP_SIZE = (152.0, 156.0)
"""The same for streets, which are long and thin: on a smaller map their border would cover them."""
_WHOLE = 12
"""Letters of names, days and hours that stay on one line."""
INDEX_FILE, MAP_FILE = "index.html", "map.html"
"""The other pages of a site."""

_FIXED = (
    "全部责任块在全镇地图上查看编号待定块长监督电话范围东南西北至团队接待时间的照片示意图；比例尺长短以图上标尺为准。",
    "巡查事项服务项目自选办结相邻编制单位日期版本年月审图号现行公示牌的核对码牌面下方与此不同即为旧版；：·（）、",
    "本责任块相邻网格界街面主干路道路街巷河道绿地建筑米第周一二三四五六日每天点工作站居村委会社区小区大厅镇",
)
"""Words of every page and of most: what is missing here costs a little time, and nothing else."""
_THEMED = ("accent", "ink", "quiet_ink", "grid_border", "block_border", "water", "water_edge")
"""Colours of a theme that style sheets use."""
_NUMBER = re.compile(r"\+?\d[\d -]{3,18}\d")


class PageWriter:
    """Writes the words of pages of one town.

    Parameters
    ----------
    scene : Scene
    names : sequence of str
        File name of each block's page, without ending.
    marks : mapping
        By block's code: the marks that its boards should bear, with the sheet of each; nothing is said without one.
    """

    def __init__(self, scene: Scene, names: Sequence[str], marks: Mapping[str, Sequence[tuple[str, str]]]) -> None:
        self._scene, self._names, self._marks = scene, names, marks

    def body(self, notice: Notice, drawing: Drawing | None, photos: Mapping[Path, str]) -> str:
        """Return the page's inside; without a drawing its place is left free.

        Parameters
        ----------
        photos : mapping
            What stands for each photo as address; "" for one that can't be shown.
        """
        words = self._scene.theme.words
        kind = f"{notice.kind_name} · <bdi>{escape(notice.grid)}</bdi>"
        mark = f'<p class="mark">{escape(notice.watermark)}</p>' if notice.watermark else ""
        on_map = f"{MAP_FILE}#block={quote(notice.code, safe='')}"
        officers = "".join(_card(card, photos) for card in notice.officers)
        team = f'<ul class="cards">{officers}</ul>' if officers else "<p>待定</p>"
        return (
            '<a class="skip" href="#content">跳到正文</a>'
            f'<header><nav aria-label="全镇"><a href="{INDEX_FILE}"><bdi>{escape(notice.town)}</bdi> 全部责任块</a>'
            f'<a href="{escape(on_map)}">在全镇地图上查看</a></nav>'
            f'<h1><bdi>{escape(notice.name)}</bdi></h1><p class="under">{escape(notice.title)}</p>'
            f'<p class="under">{kind}</p>'
            f'<p class="under">编号 <bdi>{escape(notice.code)}</bdi></p>{mark}</header>'
            '<main id="content" class="notice" tabindex="-1">'
            f'<section aria-labelledby="head"><h2 id="head">块长</h2><ul class="cards">{_card(notice.head, photos)}'
            f"</ul>{_supervision(notice, words)}</section>"
            f'<section aria-labelledby="extent"><h2 id="extent">范围</h2>{_extent(notice)}{_figure(drawing)}</section>'
            f"{_patrols(notice, words)}{_frontage(notice)}"
            f'<section aria-labelledby="team"><h2 id="team">{escape(words.team)}</h2>'
            f"{_station(notice, words)}{team}</section>"
            f"{_tasks(notice, words)}{_services(notice, words)}"
            f"{_promise(words)}{self._neighbours(notice)}</main>"
            f"<footer>{facts_of(notice, words)}{self._board(notice)}</footer>"
        )

    def _neighbours(self, notice: Notice) -> str:
        scene = self._scene
        own = scene.areas.geometries[notice.index]
        near = [k for k in scene.areas.near(own) if k != notice.index]
        shared = shapely.length(shapely.intersection(own, scene.areas.geometries[near]))
        beside = [k for k, length in zip(near, shared.tolist(), strict=True) if length > 0]
        links = "".join(
            f'<li><a href="{escape(page_address(self._names[k]))}"><bdi>{escape(scene.names[k])}</bdi></a></li>'
            for k in beside
        )
        if not links:
            return ""
        return f'<nav aria-labelledby="beside"><h2 id="beside">相邻责任块</h2><ul class="links">{links}</ul></nav>'

    def _board(self, notice: Notice) -> str:
        """Return how to see whether a board is the present one."""
        marks = self._marks.get(notice.code, ())
        if not marks:
            return ""
        told = "；".join(f"{escape(sheet)} {escape(mark)}" for sheet, mark in marks)
        return f"<p>现行公示牌的核对码：{told}。牌面下方的核对码与此不同，即为旧版。</p>"


def map_size(notice: Notice) -> tuple[float, float]:
    """Return width and height of a page's map, in millimetres of its design."""
    return _STREET_MAP_SIZE if notice.kind == "street" else _MAP_SIZE


def page_of(title: str, body: str, style: str) -> str:
    """Return the whole page of a block; ``style`` begins with the rules of its fonts."""
    return document(title, body, style=style, language="zh", inlined=("font", "img"))


def page_title(notice: Notice) -> str:
    """Return the title of a block's page, in plain text."""
    return f"{notice.name} {notice.title}"


def shared_text(town: Town, theme: Theme) -> str:
    """Return the characters that most pages of a town show, whatever their block: each once, sorted."""
    publication = town.publication
    texts = [
        *_FIXED,
        *asdict(theme.words).values(),
        *KIND_NAMES.values(),
        *ROLE_NAMES.values(),
        *(f"{task.group}{task.text}" for task in town.tasks),
        *(f"{service.text}{service.place}{service.hours}" for service in town.services),
        *(publication.issuer, publication.disclaimer, town.name, town.watermark, town.attribution),
    ]
    return "".join(sorted(set(printable("".join(texts)))))


def site_style(theme: Theme, *names: str) -> str:
    """Return style sheets of ours by name, in the colours of a theme."""
    folder = resources.files("gridgeo.render") / "web"
    style = "".join((folder / name).read_text(encoding="utf-8") for name in names)
    for colour in _THEMED:
        style = style.replace(getattr(USUAL, colour).lower(), getattr(theme.colours, colour))
    return style


def page_address(name: str) -> str:
    """Return the address of a page beside this one.

    Examples
    --------
    >>> page_address("责任块-1")
    '%E8%B4%A3%E4%BB%BB%E5%9D%97-1.html'
    """
    return f"{quote(name, safe='')}.html"


def phone_links(phone: str) -> str:
    """Return a line of phone numbers as HTML in which each that can be called is a link.

    Examples
    --------
    >>> phone_links("021-12345678")
    '<a href="tel:02112345678">021-12345678</a>'
    >>> phone_links("138****5678")
    '138****5678'
    """
    shown = []
    for number in phone.split("，"):
        if _NUMBER.fullmatch(number):
            shown.append(f'<a href="tel:{re.sub(r"[ -]", "", number)}">{escape(number)}</a>')
        else:
            shown.append(escape(number))
    return "，".join(shown)


def _card(card: Card, photos: Mapping[Path, str]) -> str:
    address = "" if card.photo is None else photos[card.photo]
    photo = f'<img alt="{escape(card.name)}的照片" src="{escape(address)}" width="72" height="96">' if address else ""
    phone = f"<p>{phone_links(card.phone)}</p>" if card.phone else ""
    label = '<span class="whole">接待时间：</span>'
    hours = f"<p>{label}<bdi>{_in_pieces(card.hours, ' ')}</bdi></p>" if card.hours else ""
    organisation = f"<p><bdi>{escape(card.organisation)}</bdi></p>" if card.organisation else ""
    return (
        f'<li>{photo}<div><p class="role">{card.role_name}</p><h3><bdi>{escape(card.name)}</bdi></h3>'
        f"{organisation}{phone}{hours}</div></li>"
    )


def _in_pieces(text: str, between: str) -> str:
    """Return a text as HTML whose short pieces aren't broken into lines.

    Examples
    --------
    >>> _in_pieces("每天 14:00-16:30", " ")
    '<span class="whole">每天</span> <span class="whole">14:00-16:30</span>'
    """
    return between.join(
        f'<span class="whole">{escape(piece)}</span>' if 1 < len(piece) <= _WHOLE else escape(piece)
        for piece in text.split(between)
    )


def _station(notice: Notice, words: Words) -> str:
    if not notice.station:
        return ""
    return f'<p class="under">{escape(words.station)}：<bdi>{escape(notice.station)}</bdi></p>'


def _supervision(notice: Notice, words: Words) -> str:
    return (
        f"<p>{escape(words.supervision)}：{phone_links(notice.supervision_phone)}</p>"
        if notice.supervision_phone
        else ""
    )


def _extent(notice: Notice) -> str:
    sides = zip("东南西北", (getattr(notice.extent, s) for s in ("east", "south", "west", "north")), strict=True)
    rows = "".join(f"<dt>{side}至</dt><dd><bdi>{_in_pieces(text, '、')}</bdi></dd>" for side, text in sides if text)
    return f'<dl class="sides">{rows}</dl>' if rows else ""


def _figure(drawing: Drawing | None) -> str:
    if drawing is None:
        return ""
    # a screen has no millimetres: the bar holds at any size, the ratio at none
    ratio = f"1:{drawing.scale}"
    svg = shortened(drawing.svg[drawing.svg.index("<svg") :]).replace(f">{ratio}</text>", ">比例尺</text>")
    told = drawing.description.replace(f"，比例尺 {ratio}", "")
    labelled = svg.replace("<svg ", f'<svg role="img" aria-label="{escape(told)}" ', 1)
    return f"<figure>{labelled}<figcaption>示意图；长短以图上标尺为准。</figcaption></figure>"


def _patrols(notice: Notice, words: Words) -> str:
    """Return who patrols which section of the streets in which shift."""
    if not notice.patrols:
        return ""
    heads = [f"{escape(shift.name)} {escape(shift.hours)}".strip() for shift in notice.shifts]
    columns = "".join(f'<th scope="col"><bdi>{head}</bdi></th>' for head in heads)
    rows = "".join(
        f'<tr><th scope="row"><span class="number">{escape(row.number)}</span> '
        f"<bdi>{_in_pieces(row.streets, '、')}</bdi> "
        f'<span class="under">{escape(row.length)}</span></th>'
        + "".join(
            f'<td data-shift="{head}">{"".join(map(_watch, shift))}</td>'
            for head, shift in zip(heads, row.shifts, strict=True)
        )
        + "</tr>"
        for row in notice.patrols
    )
    return (
        '<section aria-labelledby="sections"><h2 id="sections">'
        f'{escape(words.patrols)}</h2><p class="under">{escape(words.patrols_note)}</p>'
        f'<table class="patrols"><thead><tr><th scope="col">责任路段</th>{columns}</tr></thead>'
        f"<tbody>{rows}</tbody></table></section>"
    )


def _watch(watch: Watch) -> str:
    days = "" if watch.days in ("", "每天") else f'<span class="local">{escape(watch.days)}</span> '
    people = "".join(
        f'<span class="person"><bdi>{escape(name)}</bdi>{f" {phone_links(phone)}" if phone else ""}</span> '
        for name, phone in watch.people
    )
    return f"<p>{days}{people}</p>"


def _frontage(notice: Notice) -> str:
    if not notice.frontage:
        return ""
    return (
        '<section aria-labelledby="frontage"><h2 id="frontage">门前责任区</h2>'
        f"<p><bdi>{escape(notice.frontage)}</bdi></p></section>"
    )


def _tasks(notice: Notice, words: Words) -> str:
    groups = "".join(f"<h3><bdi>{escape(group.name)}</bdi></h3>{_items(group.items)}" for group in notice.classes)
    return (
        f'<section aria-labelledby="tasks"><h2 id="tasks">{escape(words.tasks)}</h2>{groups}</section>'
        if groups
        else ""
    )


def _items(items: Iterable[Item]) -> str:
    local = '<span class="local">自选</span> '
    lines = (f"<li>{local if item.local else ''}<bdi>{escape(item.text)}</bdi></li>" for item in items)
    return f"<ul>{''.join(lines)}</ul>"


def _services(notice: Notice, words: Words) -> str:
    lines = "".join(
        f"<li><bdi>{escape('：'.join(filter(None, (line.text, line.detail))))}</bdi></li>" for line in notice.services
    )
    return (
        f'<section aria-labelledby="services"><h2 id="services">{escape(words.services)}</h2><ul>{lines}</ul></section>'
        if lines
        else ""
    )


def _promise(words: Words) -> str:
    steps = ((words.front_days, words.front), (words.joint_days, words.joint))
    rows = "".join(f"<dt>{escape(days)}</dt><dd>{escape(what)}</dd>" for days, what in steps)
    title = f'<h2 id="promise">{escape(words.promise)}</h2>'
    return f'<section aria-labelledby="promise">{title}<dl class="steps">{rows}</dl></section>'


def facts_of(notice: Notice, words: Words) -> str:
    """Return who made this, when, and from what, as HTML."""
    facts = (
        ("编制单位：", notice.issuer),
        ("日期：", notice.date),
        (f"{words.version}：", notice.version),
        (words.approval, notice.approval_number),
        ("", notice.disclaimer),
        ("", notice.attribution),
    )
    return "".join(f"<p>{escape(label)}<bdi>{escape(text)}</bdi></p>" for label, text in facts if text)
