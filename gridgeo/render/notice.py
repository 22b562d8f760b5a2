"""What one notice says: who answers for a block, what they look after, where it lies and whom to call.

The words only, no layout: the same notice is printed, sent and put on the web. Every text in it is fit to print
(`gridgeo.render.fonts.printable`), and mobile numbers are masked.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.layers import GridKind
from gridgeo.render.extent import Extent, Surroundings
from gridgeo.render.fonts import missing_characters, printable
from gridgeo.render.scene import Scene
from gridgeo.town import Person, Role, Town

TITLE = "责任网格管理示意图"

KIND_NAMES: dict[GridKind, str] = {
    "residential": "居委网格",
    "village": "村委网格",
    "street": "街面网格",
    "extended": "拓展网格",
}

ROLE_NAMES: dict[Role, str] = {
    "head": "块长",
    "patroller": "网格巡查员",
    "three-heads": "三长",
    "police": "社区民警",
    "urban-management": "城管",
    "market-supervision": "市场监管",
    "lawyer": "律师",
    "volunteer": "志愿者",
}
"""Roles in the order in which a notice names them."""

PENDING = "待定"
"""What a notice says where somebody is still to be named."""

_MOST_NAMED = 5

_NO_HEAD = Message("no block head named; the notice says 待定", "未指定块长；公示图上写“待定”")
_SPARE_HEADS = Message(
    "{count} block heads are on no notice, because their grids have fewer blocks: {names}",
    "{count} 名块长未列入公示图，因为所在网格的责任块较少：{names}",
)
_TOWN_HEAD = Message(
    "{name} is head of the whole town; a block head needs a grid or a block as unit",
    "{name} 的单元是全镇；块长的单元应为网格或责任块",
)
_NO_UNIT = Message(
    "{name}: no block, grid or town has the code {unit}; the person is on no notice",
    "{name}：没有编号为 {unit} 的责任块、网格或镇；未列入公示图",
)
_MISSING_GLYPH = Message(
    "the fonts have no character {characters} (in {text}); write it another way",
    "字库中没有字符 {characters}（“{text}”）；请换一种写法",
)


@dataclass(frozen=True)
class Card:
    """One person as shown in public."""

    role: Role
    role_name: str
    name: str
    organisation: str = ""
    phone: str = ""
    hours: str = ""
    photo: Path | None = None

    @property
    def is_pending(self) -> bool:
        """Whether nobody has been named yet."""
        return self.name == PENDING and self.photo is None and not self.phone


@dataclass(frozen=True)
class Item:
    """One patrol item; ``local`` ones are chosen by the grid itself (自选), the others fixed by the town (规定)."""

    text: str
    local: bool


@dataclass(frozen=True)
class ItemClass:
    """The patrol items of one class."""

    name: str
    items: tuple[Item, ...]


@dataclass(frozen=True)
class ServiceLine:
    """One service, with its hours and place where they are given."""

    text: str
    detail: str = ""


@dataclass(frozen=True)
class Notice:
    """All that the notice of one block says."""

    index: int
    """Index of the block in the scene."""
    code: str
    town: str
    kind: GridKind
    kind_name: str
    grid: str
    name: str
    extent: Extent
    head: Card
    officers: tuple[Card, ...]
    classes: tuple[ItemClass, ...]
    services: tuple[ServiceLine, ...]
    issuer: str
    date: str
    version: str
    supervision_phone: str
    approval_number: str
    disclaimer: str
    watermark: str
    attribution: str
    address: str
    """Web address that the QR code leads to; "" for none."""


def compose_notices(scene: Scene, *, warnings: list[Problem] | None = None) -> list[Notice]:
    """Return the notice of every block of the scene, in order of code.

    Parameters
    ----------
    scene : Scene
        The town, ready for drawing.
    warnings : list of Problem, optional
        Takes what is incomplete but can be printed: blocks without head, people of unknown units.

    Raises
    ------
    InputError
        When a text has a character that no font here can show: names the person or item.
    """
    said: list[Problem] = [] if warnings is None else warnings
    town = scene.town
    heads, officers = _assign(scene, said)
    surroundings = Surroundings(scene)
    publication = town.publication
    frame = scene.blocks
    composed = []
    for index, (code, kind, grid) in enumerate(
        zip(frame["code"].astype(str), frame["kind"].astype(str), frame["grid"].astype(str), strict=True)
    ):
        known_kind: GridKind = kind if kind in KIND_NAMES else "extended"
        units = {code, grid}
        composed.append(
            Notice(
                index=index,
                code=printable(code),
                town=printable(town.name),
                kind=known_kind,
                kind_name=KIND_NAMES[known_kind],
                grid=scene.grid_names[index],
                name=scene.names[index],
                extent=surroundings.extent_of(index),
                head=heads[index],
                officers=tuple(officers[index]),
                classes=_classes(town, known_kind, units),
                services=_services(town, known_kind, units),
                issuer=printable(publication.issuer),
                date=shown_date(publication.date) if publication.date else "",
                version=printable(publication.version),
                supervision_phone=shown_phone(publication.supervision_phone, ""),
                approval_number=printable(publication.approval_number),
                disclaimer=printable(publication.disclaimer),
                watermark=printable(town.watermark),
                attribution=printable(town.attribution),
                address=web_address(publication.web, code),
            )
        )
    _check_characters(composed, str(town.path))
    return composed


def shown_date(date: dt.date) -> str:
    """Return a date as a notice writes it.

    Examples
    --------
    >>> shown_date(dt.date(2026, 11, 1))
    '2026年11月1日'
    """
    return f"{date.year}年{date.month}月{date.day}日"


def shown_phone(phone: str, mobile: str) -> str:
    """Return the number to print: the office phone, else the mobile; every mobile number is masked.

    Examples
    --------
    >>> shown_phone("021-12345678", "13812345678")
    '021-12345678'
    >>> shown_phone("", "138 1234 5678")
    '138****5678'
    """
    return mask_mobiles(printable(phone) or printable(mobile))


def mask_mobiles(text: str) -> str:
    """Return ``text`` with the middle of each mobile number hidden.

    Examples
    --------
    >>> mask_mobiles("张三 +86 138-1234-5678")
    '张三 +86 138****5678'
    """
    return re.sub(r"(?<!\d)(1[3-9]\d)[ -]?\d{4}[ -]?(\d{4})(?!\d)", r"\1****\2", text)


def web_address(base: str, code: str) -> str:
    """Return the address of a block's page below ``base``, "" without a base.

    Examples
    --------
    >>> web_address("https://grid.example.cn/", "310112114001002")
    'https://grid.example.cn/310112114001002.html'
    """
    base = printable(base)
    return f"{base.rstrip('/')}/{quote(code, safe='')}.html" if base else ""


def _card(person: Person) -> Card:
    return Card(
        role=person.role,
        role_name=ROLE_NAMES[person.role],
        name=mask_mobiles(printable(person.name)) or PENDING,
        organisation=mask_mobiles(printable(person.organisation)),
        phone=shown_phone(person.phone, person.mobile),
        hours=mask_mobiles(printable(person.hours)),
        photo=person.photo,
    )


def _assign(scene: Scene, warnings: list[Problem]) -> tuple[list[Card], list[list[Card]]]:
    """Return each block's head and officers.

    A head of a block's own code comes first. Heads given by grid are handed to the grid's other blocks in the order of
    their codes, until the heads or the blocks run out.
    """
    frame, town = scene.blocks, scene.town
    codes, grids = frame["code"].astype(str).tolist(), frame["grid"].astype(str).tolist()
    by_code: dict[str, list[Person]] = {}
    known = {*codes, *grids, town.code}
    for person in town.people:
        if person.unit not in known:
            values: dict[str, object] = {"name": person.name, "unit": person.unit}
            warnings.append(Problem(str(town.path), _NO_UNIT, values))
        elif person.role == "head" and person.unit == town.code and person.unit not in {*codes, *grids}:
            warnings.append(Problem(str(town.path), _TOWN_HEAD, {"name": person.name}))
        else:
            by_code.setdefault(person.unit, []).append(person)
    heads: list[Card | None] = [None] * len(codes)
    officers: list[list[Card]] = [[] for _ in codes]
    waiting: dict[str, list[Person]] = {}
    for grid in dict.fromkeys(grids):
        waiting[grid] = [p for p in by_code.get(grid, []) if p.role == "head"]
    order = list(ROLE_NAMES)
    for index, (code, grid) in enumerate(zip(codes, grids, strict=True)):
        own = by_code.get(code, []) if code != grid else []
        own_heads = [p for p in own if p.role == "head"]
        if own_heads:
            heads[index] = _card(own_heads[0])
        elif waiting[grid]:
            heads[index] = _card(waiting[grid].pop(0))
        else:
            warnings.append(Problem(f"{scene.names[index]} ({code})", _NO_HEAD))
        shared = [*by_code.get(grid, []), *(by_code.get(town.code, []) if town.code not in (code, grid) else [])]
        others = [p for p in [*own, *shared] if p.role != "head"]
        cards = [_card(p) for p in [*own_heads[1:], *others]]
        officers[index] = sorted(dict.fromkeys(cards), key=lambda card: order.index(card.role))
    spare = [f"{p.name} ({grid})" for grid, left in waiting.items() for p in left]
    if spare:
        names = ", ".join(spare[:_MOST_NAMED]) + (" …" if len(spare) > _MOST_NAMED else "")
        warnings.append(Problem(str(town.path), _SPARE_HEADS, {"count": len(spare), "names": names}))
    pending = Card(role="head", role_name=ROLE_NAMES["head"], name=PENDING)
    return [head or pending for head in heads], officers


def _classes(town: Town, kind: GridKind, units: set[str]) -> tuple[ItemClass, ...]:
    """Return the patrol items by class: base items first, then local ones, in the order of the list."""
    groups: dict[str, list[Item]] = {}
    for task in town.tasks:
        if task.kind == kind and (task.unit is None or task.unit in units):
            item = Item(mask_mobiles(printable(task.text)), task.local)
            groups.setdefault(printable(task.group), []).append(item)
    return tuple(
        ItemClass(name, tuple(sorted(dict.fromkeys(items), key=lambda item: item.local)))
        for name, items in groups.items()
    )


def _services(town: Town, kind: GridKind, units: set[str]) -> tuple[ServiceLine, ...]:
    found = []
    for service in town.services:
        if service.kind in (None, kind) and (service.unit is None or service.unit in units):
            details = [mask_mobiles(printable(text)) for text in (service.place, service.hours)]
            found.append(ServiceLine(mask_mobiles(printable(service.text)), "，".join(filter(None, details))))
    return tuple(dict.fromkeys(found))


def texts_of(notice: Notice) -> Iterable[tuple[str, str]]:
    """Yield every text of a notice that came from the user, with the words that say whose it is."""
    plain = replace(notice)
    for field in ("code", "town", "grid", "name", "issuer", "date", "version", "supervision_phone"):
        yield field, getattr(plain, field)
    for field in ("approval_number", "disclaimer", "watermark", "attribution"):
        yield field, getattr(plain, field)
    for side in ("east", "south", "west", "north"):
        yield side, getattr(plain.extent, side)
    for card in (notice.head, *notice.officers):
        for text in (card.name, card.organisation, card.phone, card.hours):
            yield f"{card.role_name} {card.name}", text
    for group in notice.classes:
        yield "巡查事项", group.name
        for item in group.items:
            yield "巡查事项", item.text
    for service in notice.services:
        yield "服务项目", service.text
        yield "服务项目", service.detail


def _check_characters(notices: Iterable[Notice], where: str) -> None:
    """Name every text that has a character which the fonts lack; a document must never show a box instead of a name."""
    problems: dict[tuple[str, str], Problem] = {}
    checked: set[tuple[str, str]] = set()
    for notice in notices:
        for whose, text in texts_of(notice):
            if (whose, text) in checked:
                continue
            checked.add((whose, text))
            if lacking := missing_characters(text):
                shown = " ".join(f"{character} (U+{ord(character):04X})" for character in lacking)
                problem = Problem(f"{where}, {whose}", _MISSING_GLYPH, {"characters": shown, "text": text})
                problems.setdefault((whose, text), problem)
    if problems:
        raise InputError(problems.values())
