"""What one notice says: who answers for a block, what they look after, where it lies and whom to call.

The words only, no layout: the same notice is printed, sent and put on the web. Every text in it is fit to print
(`gridgeo.render.fonts.printable`), and shows of a person what its audience may see (`gridgeo.render.people`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from gridgeo._collector import collector_paused
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.layers import GridKind
from gridgeo.render import file_names
from gridgeo.render.extent import Extent
from gridgeo.render.fonts import missing_characters, printable
from gridgeo.render.people import Card, Consent, assign, cards_of, ended_consents, shown_phone
from gridgeo.render.publishing import publishable, refuse_identity_numbers
from gridgeo.render.scene import Scene
from gridgeo.render.sections import PatrolRow, ShiftHead, patrol_rows, shift_heads
from gridgeo.town import Audience, Town

KIND_NAMES: dict[GridKind, str] = {
    "residential": "居委网格",
    "village": "村委网格",
    "street": "街面网格",
    "extended": "拓展网格",
}

_MISSING_GLYPH = Message(
    "the fonts have no character {characters} (in {text}); write it another way",
    "字库中没有字符 {characters}（“{text}”）；请换一种写法",
)


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
    title: str
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
    shifts: tuple[ShiftHead, ...]
    """Heads of the table of sections; () where there is none."""
    patrols: tuple[PatrolRow, ...]
    station: str
    """Where its workstation is; "" where that isn't known."""
    frontage: str
    """What shopkeepers along a street answer for; "" for none."""
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


@collector_paused()
def compose_notices(
    scene: Scene, *, audience: Audience = "wall", warnings: list[Problem] | None = None
) -> list[Notice]:
    """Return the notice of every block of the scene, in order of code.

    Parameters
    ----------
    scene : Scene
        The town, ready for drawing.
    audience : {"wall", "wechat", "web"}
        Who sees it: not everything that a person agreed to see on a wall is for the web.
    warnings : list of Problem, optional
        Takes what is incomplete but can be printed: blocks without head, people of unknown units.

    Raises
    ------
    InputError
        When a text has a character that no font here can show: names the person or item.
    """
    said: list[Problem] = [] if warnings is None else warnings
    town = scene.town
    said.extend(ended_consents(scene))
    refuse_identity_numbers(_given_texts(town))
    people = _people(scene, audience, said)
    patrols = patrol_rows(scene, _consent(scene, audience))
    heads = shift_heads(town.shifts)
    names = file_names(scene.blocks["code"].astype(str).tolist())
    publication = town.publication
    frame = scene.blocks
    composed = []
    for index, (code, kind, grid) in enumerate(
        zip(frame["code"].astype(str), frame["kind"].astype(str), frame["grid"].astype(str), strict=True)
    ):
        known_kind: GridKind = kind if kind in KIND_NAMES else "extended"
        units = {code, grid}
        head, officers = people[index]
        composed.append(
            Notice(
                index=index,
                title=scene.theme.words.title,
                code=printable(code),
                town=publishable(town.name),
                kind=known_kind,
                kind_name=KIND_NAMES[known_kind],
                grid=scene.grid_names[index],
                name=scene.names[index],
                extent=scene.extents[index],
                head=head,
                officers=officers,
                classes=_classes(town, known_kind, units),
                services=_services(town, known_kind, units),
                shifts=heads if index in patrols else (),
                patrols=patrols.get(index, ()),
                station=scene.stations[index],
                frontage=publishable(publication.frontage) if known_kind == "street" else "",
                issuer=publishable(publication.issuer),
                date=shown_date(publication.date) if publication.date else "",
                version=publishable(publication.version),
                supervision_phone=shown_phone(publication.supervision_phone, ""),
                approval_number=printable(publication.approval_number),
                disclaimer=publishable(publication.disclaimer),
                watermark=publishable(town.watermark),
                attribution=publishable(town.attribution),
                address=web_address(publication.web, names[index]),
            )
        )
    _check_characters(composed, str(town.path))
    return composed


def retold_to(audience: Audience, scene: Scene, notices: Sequence[Notice]) -> list[Notice]:
    """Return the notices of the scene with their people as another audience may see them."""
    people = _people(scene, audience, [])
    patrols = patrol_rows(scene, _consent(scene, audience))
    return [
        replace(
            notice,
            head=people[notice.index][0],
            officers=people[notice.index][1],
            patrols=patrols.get(notice.index, ()),
        )
        for notice in notices
    ]


def _people(scene: Scene, audience: Audience, warnings: list[Problem]) -> list[tuple[Card, tuple[Card, ...]]]:
    """Return the head and the officers of every block, as an audience may see them."""
    consent = _consent(scene, audience)
    return [cards_of(staff, consent) for staff in assign(scene, warnings)]


def _consent(scene: Scene, audience: Audience) -> Consent:
    return Consent(audience, scene.town.privacy, scene.town.publication.date)


def shown_date(date: dt.date) -> str:
    """Return a date as a notice writes it.

    Examples
    --------
    >>> shown_date(dt.date(2026, 11, 1))
    '2026年11月1日'
    """
    return f"{date.year}年{date.month}月{date.day}日"


def web_address(base: str, name: str) -> str:
    """Return the address of a block's page below ``base``, "" without a base.

    Examples
    --------
    >>> web_address("https://grid.example.cn/", "310112114001002")
    'https://grid.example.cn/310112114001002.html'
    """
    base = printable(base)
    return f"{base.rstrip('/')}/{quote(name, safe='')}.html" if base else ""


def _classes(town: Town, kind: GridKind, units: set[str]) -> tuple[ItemClass, ...]:
    """Return the patrol items by class: base items first, then local ones, in the order of the list."""
    groups: dict[str, list[Item]] = {}
    for task in town.tasks:
        if task.kind == kind and (task.unit is None or task.unit in units):
            item = Item(publishable(task.text), task.local)
            groups.setdefault(publishable(task.group), []).append(item)
    return tuple(
        ItemClass(name, tuple(sorted(dict.fromkeys(items), key=lambda item: item.local)))
        for name, items in groups.items()
    )


def _services(town: Town, kind: GridKind, units: set[str]) -> tuple[ServiceLine, ...]:
    found = []
    for service in town.services:
        if service.kind in (None, kind) and (service.unit is None or service.unit in units):
            details = [publishable(text) for text in (service.place, service.hours)]
            found.append(ServiceLine(publishable(service.text), "，".join(filter(None, details))))
    return tuple(dict.fromkeys(found))


def texts_of(notice: Notice) -> Iterable[tuple[str, str]]:
    """Yield every text of a notice that came from the user, with the words that say whose it is."""
    plain = replace(notice)
    for field in ("code", "town", "grid", "name", "issuer", "date", "version", "supervision_phone"):
        yield field, getattr(plain, field)
    for field in ("approval_number", "disclaimer", "watermark", "attribution", "frontage", "station"):
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
    for head in notice.shifts:
        yield "班次", head.name
        yield "班次", head.hours
    for row in notice.patrols:
        yield f"责任路段 {row.number}", row.streets
        yield f"责任路段 {row.number}", row.length
        for watch in (watch for shift in row.shifts for watch in shift):
            if watch.days != "每天":  # it goes without saying in the table
                yield f"责任路段 {row.number}", watch.days
            for name, phone in watch.people:
                yield f"网格巡查员 {name}", name
                yield f"网格巡查员 {name}", phone


def _given_texts(town: Town) -> Iterable[tuple[str, object]]:
    """Yield every text that people wrote for notices, before anything of it is masked, with where it stands."""
    path, publication = str(town.path), town.publication
    for person in town.people:
        for text in (person.name, person.organisation, person.phone, person.mobile, person.hours):
            yield f"{path}, {publishable(person.name)}", text
    for task in town.tasks:
        yield f"{path}, 巡查事项", f"{task.group} {task.text}"
    for service in town.services:
        for text in (service.text, service.place, service.hours):
            yield f"{path}, 服务项目", text
    for text in (publication.issuer, publication.version, publication.supervision_phone, publication.disclaimer):
        yield f"{path}, [notice]", text
    for text in (publication.frontage, town.name, town.watermark, town.attribution):
        yield path, text


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
