"""The web page of each block: one HTML file that asks nobody for anything and needs no script to be read."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from urllib.parse import quote

import shapely

from gridgeo._files import write_whole
from gridgeo._page import document, escape
from gridgeo.errors import Problem
from gridgeo.language import Message
from gridgeo.progress import track
from gridgeo.render import file_names
from gridgeo.render.drawing import draw_map
from gridgeo.render.notice import TITLE, Notice, compose_notices
from gridgeo.render.people import Card
from gridgeo.render.photos import readable_photo
from gridgeo.render.scene import Scene, make_scene
from gridgeo.render.webfont import font_face
from gridgeo.town import Town

_MAP_SIZE = (180.0, 190.0)
_PHOTO_WIDTH = 120
_PROMISE = "前端处置 1–3 日；联勤联动，再 4 日。"
_WRITING = Message("writing web pages", "正在制作网页")


def render_pages(town: Town | Scene, out: str | Path, *, warnings: list[Problem] | None = None) -> list[Path]:
    """Write ``out/<code>.html`` for every block of ``town``: the address that the QR code of its notice leads to.

    Parameters
    ----------
    town : Town or Scene
        With drafted blocks; of several products of one town each can be given the same `gridgeo.render.scene.Scene`.
    out : path
        Folder of the pages.
    warnings : list of Problem, optional
        Takes what is incomplete but can be shown.

    Returns
    -------
    list of Path
        In order of the blocks' codes; each is written whole or not at all, and the same town gives the same bytes.
    """
    said: list[Problem] = [] if warnings is None else warnings
    scene = make_scene(town)
    said.extend(scene.problems)
    notices = compose_notices(scene, audience="web", warnings=said)
    names = file_names([notice.code for notice in notices])
    photos: dict[Path, str] = {}
    for card in (card for notice in notices for card in (notice.head, *notice.officers)):
        if card.photo is not None and card.photo not in photos:
            content = readable_photo(card.photo, card.name, said, width=_PHOTO_WIDTH)
            photos[card.photo] = "" if content is None else base64.b64encode(content).decode()
    folder = Path(out)
    return [
        write_whole(folder / f"{name}.html", _page(scene, notice, names, photos))
        for notice, name in track(list(zip(notices, names, strict=True)), _WRITING)
    ]


def _page(scene: Scene, notice: Notice, names: list[str], photos: Mapping[Path, str]) -> str:
    body = _body(scene, notice, names, photos)
    style = font_face("'Noto Sans SC'", body) + (resources.files("gridgeo.render") / "web" / "page.css").read_text(
        encoding="utf-8"
    )
    title = f"{notice.name} {TITLE}"
    return document(title, body, style=style, language="zh", inlined=("font", "img"))


def _body(scene: Scene, notice: Notice, names: list[str], photos: Mapping[Path, str]) -> str:
    drawing = draw_map(scene, notice.index, width=_MAP_SIZE[0], height=_MAP_SIZE[1])
    svg = drawing.svg[drawing.svg.index("<svg") :]
    mark = f'<p class="mark">{escape(notice.watermark)}</p>' if notice.watermark else ""
    sides = zip("东南西北", (getattr(notice.extent, s) for s in ("east", "south", "west", "north")), strict=True)
    extent = "".join(f"<li>{side}至 {escape(text)}</li>" for side, text in sides if text)
    cards = "".join(_card(card, photos) for card in (notice.head, *notice.officers))
    return (
        '<a class="skip" href="#content">跳到正文</a>'
        f"<header><p>{escape(notice.town)} · {TITLE}</p><h1><bdi>{escape(notice.name)}</bdi></h1>"
        f"<p>{notice.kind_name} · <bdi>{escape(notice.grid)}</bdi> · 编号 {escape(notice.code)}</p>{mark}</header>"
        f'<main id="content"><section><h2>范围</h2><ul>{extent}</ul>'
        f'<figure role="img" aria-label="{escape(drawing.description)}">{svg}</figure></section>'
        f'<section><h2>责任团队</h2><ul class="cards">{cards}</ul></section>{_tasks(notice)}{_services(notice)}'
        f"<section><h2>7 日办结</h2><p>{_PROMISE}</p></section>{_neighbours(scene, notice, names)}</main>"
        f"<footer>{_facts(notice)}</footer>"
    )


def _card(card: Card, photos: Mapping[Path, str]) -> str:
    content = "" if card.photo is None else photos[card.photo]
    photo = f'<img alt="{escape(card.name)}" src="data:image/jpeg;base64,{content}">' if content else ""
    lines = "".join(f"<p>{escape(text)}</p>" for text in (card.organisation, card.phone, card.hours) if text)
    return f"<li>{photo}<div><p>{card.role_name}</p><h3><bdi>{escape(card.name)}</bdi></h3>{lines}</div></li>"


def _tasks(notice: Notice) -> str:
    groups = "".join(
        f"<h3>{escape(group.name)}</h3><ul>"
        + "".join(f"<li>{'自选' if item.local else '规定'}：{escape(item.text)}</li>" for item in group.items)
        + "</ul>"
        for group in notice.classes
    )
    return f"<section><h2>巡查事项</h2>{groups}</section>" if groups else ""


def _services(notice: Notice) -> str:
    lines = "".join(f"<li>{escape('：'.join(filter(None, (line.text, line.detail))))}</li>" for line in notice.services)
    return f"<section><h2>服务项目</h2><ul>{lines}</ul></section>" if lines else ""


def _neighbours(scene: Scene, notice: Notice, names: list[str]) -> str:
    own = scene.areas.geometries[notice.index]
    near = [k for k in scene.areas.near(own) if k != notice.index]
    shared = shapely.length(shapely.intersection(own, scene.areas.geometries[near]))
    beside = [k for k, length in zip(near, shared.tolist(), strict=True) if length > 0]
    links = "".join(
        f'<li><a href="{escape(quote(names[k]))}.html"><bdi>{escape(scene.names[k])}</bdi></a></li>' for k in beside
    )
    return f'<nav aria-label="相邻责任块"><h2>相邻责任块</h2><ul>{links}</ul></nav>' if links else ""


def _facts(notice: Notice) -> str:
    facts = (
        ("监督电话：", notice.supervision_phone),
        ("编制单位：", notice.issuer),
        ("日期：", notice.date),
        ("版本：", notice.version),
        ("审图号：", notice.approval_number),
        ("", notice.disclaimer),
        ("", notice.attribution),
    )
    return "".join(f"<p>{label}{escape(text)}</p>" for label, text in facts if text)
