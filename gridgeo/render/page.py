"""The web page of each block: one HTML file that asks nobody for anything and needs no script to be read."""

from __future__ import annotations

import base64
import io
from html import escape
from importlib import resources
from pathlib import Path

from gridgeo._files import write_whole
from gridgeo.errors import Problem
from gridgeo.render.drawing import draw_map
from gridgeo.render.notice import TITLE, Notice, compose_notices
from gridgeo.render.people import Card
from gridgeo.render.photos import prepare_photo
from gridgeo.render.scene import Scene, make_scene
from gridgeo.render.webfont import subset_for_web
from gridgeo.render.webmap import _with_policy
from gridgeo.town import Town

_MAP_SIZE = (180.0, 190.0)
_PHOTO_SIZE = (120, 160)
_PROMISE = "一般事项 1–3 天内由前端处置；需联动处置的，再用不超过 4 天；全程不超过 7 天。"


def render_pages(town: Town, out: str | Path, *, warnings: list[Problem] | None = None) -> list[Path]:
    """Write ``out/<code>.html`` for every block of ``town``: the address that the QR code of its notice leads to.

    Parameters
    ----------
    town : Town
        With drafted blocks.
    out : path
        Folder of the pages.
    warnings : list of Problem, optional
        Takes what is incomplete but can be shown.

    Returns
    -------
    list of Path
        In order of the blocks' codes; each is written whole or not at all, and the same town gives the same bytes.
    """
    from gridgeo.render import file_names

    scene = make_scene(town)
    if warnings is not None:
        warnings.extend(scene.problems)
    notices = compose_notices(scene, audience="web", warnings=warnings)
    names = file_names([notice.code for notice in notices])
    folder = Path(out)
    return [
        write_whole(folder / f"{name}.html", _page(scene, notice, names))
        for notice, name in zip(notices, names, strict=True)
    ]


def _page(scene: Scene, notice: Notice, names: list[str]) -> str:
    body = _body(scene, notice, names)
    font = base64.b64encode(subset_for_web(body)).decode()
    face = f"@font-face{{font-family:'Noto Sans SC';src:url(data:font/woff2;base64,{font}) format('woff2')}}"
    style = face + (resources.files("gridgeo.render") / "web" / "page.css").read_text(encoding="utf-8")
    page = (
        '<!DOCTYPE html>\n<html lang="zh-CN">\n<head>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{escape(notice.name)} {TITLE}</title>\n<style>{style}</style>\n"
        f"</head>\n<body>\n{body}\n</body>\n</html>\n"
    )
    return _with_policy(page).replace("font-src data:;", "font-src data:; img-src data:;", 1)


def _body(scene: Scene, notice: Notice, names: list[str]) -> str:
    drawing = draw_map(scene, notice.index, width=_MAP_SIZE[0], height=_MAP_SIZE[1])
    svg = drawing.svg[drawing.svg.index("<svg") :]
    mark = f'<p class="mark">{escape(notice.watermark)}</p>' if notice.watermark else ""
    sides = zip("东南西北", (getattr(notice.extent, s) for s in ("east", "south", "west", "north")), strict=True)
    extent = "".join(f"<li>{side}至 {escape(text)}</li>" for side, text in sides if text)
    cards = "".join(_card(card) for card in (notice.head, *notice.officers))
    return (
        '<a class="skip" href="#content">跳到正文</a>'
        f"<header><p>{escape(notice.town)} · {TITLE}</p><h1><bdi>{escape(notice.name)}</bdi></h1>"
        f"<p>{notice.kind_name} · <bdi>{escape(notice.grid)}</bdi> · 编号 {escape(notice.code)}</p>{mark}</header>"
        f'<main id="content"><section><h2>范围</h2><ul>{extent}</ul>'
        f'<figure role="img" aria-label="{escape(drawing.description)}">{svg}</figure></section>'
        f'<section><h2>负责人</h2><ul class="cards">{cards}</ul></section>{_tasks(notice)}{_services(notice)}'
        f"<section><h2>办理时限</h2><p>{_PROMISE}</p></section>{_neighbours(scene, notice, names)}</main>"
        f"<footer>{_facts(notice)}</footer>"
    )


def _card(card: Card) -> str:
    photo = ""
    if card.photo is not None:
        try:
            photo = f'<img alt="{escape(card.name)}" src="data:image/jpeg;base64,{_small(card.photo)}">'
        except Exception:  # a broken picture can fail in its own way; the card is whole without it
            photo = ""
    lines = "".join(f"<p>{escape(text)}</p>" for text in (card.organisation, card.phone, card.hours) if text)
    return f"<li>{photo}<div><p>{card.role_name}</p><h3><bdi>{escape(card.name)}</bdi></h3>{lines}</div></li>"


def _small(source: Path) -> str:
    from PIL import Image

    out = io.BytesIO()
    with Image.open(io.BytesIO(prepare_photo(source))) as portrait:
        portrait.resize(_PHOTO_SIZE, Image.Resampling.LANCZOS).save(out, "JPEG", quality=80)
    return base64.b64encode(out.getvalue()).decode()


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
    links = "".join(f'<li><a href="{escape(names[k])}.html"><bdi>{escape(scene.names[k])}</bdi></a></li>' for k in near)
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
