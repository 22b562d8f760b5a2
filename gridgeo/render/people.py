"""Who is named on the notice of each block, and what of them is shown: by duty, or by their consent.

What a person answers for is published with their name, organisation, office phone and reception hours. A photo and a
mobile number are shown where the person agreed to it, for the audience they agreed to, until the day they agreed to; a
mobile number is masked otherwise. A table without a column for that says that consent to photos is kept elsewhere.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gridgeo.errors import Problem
from gridgeo.language import Message, current_language
from gridgeo.render.fonts import printable
from gridgeo.render.publishing import mask_mobiles, mask_number, publishable
from gridgeo.render.scene import Scene
from gridgeo.town import Audience, Person, PersonalField, Privacy, Role
from gridgeo.town.duties import duties_of

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
_ENDED = Message(
    "{name}: the consent ended on {day}, before the notice's date {date}; not shown any more: {fields}",
    "{name}：同意期限 {day} 早于公示日期 {date}；不再公示：{fields}",
)
_FIELD_NAMES: dict[PersonalField, Message] = {
    "photo": Message("photo", "照片"),
    "mobile": Message("mobile number", "手机号"),
}
_NO_DAY = Message(
    "the consent of {count} people has an end, but [notice] has no date: their photos and mobile numbers are not shown",
    "{count} 人的同意设有期限，但 [notice] 未填 date；不公示其照片和手机号",
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
class Staff:
    """The people of one block: its head, or None where nobody is named, and the others in the order of a notice."""

    head: Person | None
    officers: tuple[Person, ...]


def cards_of(staff: Staff, consent: Consent) -> tuple[Card, tuple[Card, ...]]:
    """Return what an audience is shown of the people of a block."""
    pending = Card(role="head", role_name=ROLE_NAMES["head"], name=PENDING)
    head = pending if staff.head is None else consent.card(staff.head)
    return head, tuple(dict.fromkeys(consent.card(person) for person in staff.officers))


def organisations_of(officers: Sequence[Card]) -> list[tuple[str, list[str]]]:
    """Return the organisations of officers by their role, each once, in the order of the officers."""
    of: dict[str, dict[str, None]] = {}
    for card in officers:
        if card.organisation:
            of.setdefault(card.role_name, {})[card.organisation] = None
    return [(role, list(names)) for role, names in of.items()]


class Consent:
    """What one audience may be shown of a person beyond what their duty makes public.

    Parameters
    ----------
    audience : {"wall", "wechat", "web"}
    privacy : Privacy
        What the town shows to that audience at most.
    day : date or None
        Of publication: consent that ended before it counts no more. Without a day, none that ends counts.
    """

    def __init__(self, audience: Audience, privacy: Privacy, day: dt.date | None) -> None:
        self._audience, self._allowed, self._day = audience, privacy.shown_to(audience), day

    def covers(self, person: Person, field: PersonalField) -> bool:
        """Return whether a field of a person may be shown."""
        if field not in self._allowed:
            return False
        if person.publish is None:
            return field == "photo"
        return (field, self._audience) in person.publish and not self.has_ended(person, field)

    def has_ended(self, person: Person, field: PersonalField) -> bool:
        """Return whether the consent to a field ends before the day of publication, or that day is not known."""
        until = person.agreed_until(field, self._audience)
        return until is not None and (self._day is None or until < self._day)

    def card(self, person: Person) -> Card:
        """Return what is shown of a person."""
        return Card(
            role=person.role,
            role_name=ROLE_NAMES[person.role],
            name=publishable(person.name) or PENDING,
            organisation=publishable(person.organisation),
            phone=shown_phone(person.phone, person.mobile, in_full=self.covers(person, "mobile")),
            hours=publishable(person.hours),
            photo=person.photo if self.covers(person, "photo") else None,
        )


def assign(scene: Scene, warnings: list[Problem]) -> list[Staff]:
    """Return the people of each block of the scene.

    A head of a block's own code comes first. Heads given by grid are handed to the grid's other blocks in the order of
    their codes, until the heads or the blocks run out.
    """
    frame, town = scene.blocks, scene.town
    codes, grids = frame["code"].astype(str).tolist(), frame["grid"].astype(str).tolist()
    by_code = _by_code(scene, {*codes, *grids, *(section.code for section in scene.sections)}, warnings)
    waiting = {grid: [p for p in by_code.get(grid, []) if p.role == "head"] for grid in dict.fromkeys(grids)}
    order = list(ROLE_NAMES)
    elsewhere = {id(duty.person) for duty in duties_of(town)} if scene.sections else set()
    staff = []
    for index, (code, grid) in enumerate(zip(codes, grids, strict=True)):
        own = by_code.get(code, []) if code != grid else []
        own_heads = [p for p in own if p.role == "head"]
        head = own_heads[0] if own_heads else waiting[grid].pop(0) if waiting[grid] else None
        if head is None:
            warnings.append(Problem(f"{scene.names[index]} ({code})", _NO_HEAD))
        shared = [*by_code.get(grid, []), *(by_code.get(town.code, []) if town.code not in (code, grid) else [])]
        # who patrols sections stands in their table
        officers = [*own_heads[1:], *(p for p in [*own, *shared] if p.role != "head" and id(p) not in elsewhere)]
        staff.append(Staff(head, tuple(sorted(officers, key=lambda person: order.index(person.role)))))
    spare = [f"{p.name} ({grid})" for grid, left in waiting.items() for p in left]
    if spare:
        names = ", ".join(spare[:_MOST_NAMED]) + (" …" if len(spare) > _MOST_NAMED else "")
        warnings.append(Problem(str(town.path), _SPARE_HEADS, {"count": len(spare), "names": names}))
    return staff


def _by_code(scene: Scene, units: set[str], warnings: list[Problem]) -> dict[str, list[Person]]:
    """Return the people of each block, grid and town that there is."""
    town = scene.town
    found: dict[str, list[Person]] = {}
    for person in town.people:
        if person.unit not in {*units, town.code}:
            warnings.append(Problem(str(town.path), _NO_UNIT, {"name": person.name, "unit": person.unit}))
        elif person.role == "head" and person.unit == town.code and person.unit not in units:
            warnings.append(Problem(str(town.path), _TOWN_HEAD, {"name": person.name}))
        else:
            found.setdefault(person.unit, []).append(person)
    return found


def ended_consents(scene: Scene) -> list[Problem]:
    """Name the people whose consent has ended: what they agreed to is shown no more."""
    publication, path = scene.town.publication, str(scene.town.path)
    ended: dict[tuple[str, dt.date], list[PersonalField]] = {}
    people = 0
    for person in scene.town.people:
        before = len(ended)
        for field, audience in sorted(person.publish or ()):
            until = person.agreed_until(field, audience)
            if until is not None and Consent(audience, scene.town.privacy, publication.date).has_ended(person, field):
                fields = ended.setdefault((person.name, until), [])
                if field not in fields:
                    fields.append(field)
        people += len(ended) > before
    if ended and publication.date is None:
        return [Problem(path, _NO_DAY, {"count": people})]
    return [
        Problem(
            path,
            _ENDED,
            {"name": name, "day": str(day), "date": str(publication.date), "fields": _field_names(fields)},
        )
        for (name, day), fields in ended.items()
    ]


def _field_names(fields: list[PersonalField]) -> str:
    language = current_language()
    return ("、" if language == "zh" else ", ").join(_FIELD_NAMES[field].text() for field in fields)


def shown_phone(phone: str, mobile: str, *, in_full: bool = False) -> str:
    """Return the number to show: the office phone, else the mobile; both where mobiles may be shown in full.

    Examples
    --------
    >>> shown_phone("021-12345678", "13812345678")
    '021-12345678'
    >>> shown_phone("", "138 1234 5678")
    '138****5678'
    >>> shown_phone("021-12345678", "13812345678", in_full=True)
    '021-12345678，13812345678'
    """
    office, own = printable(phone), printable(mobile)
    if in_full:
        return "，".join(dict.fromkeys(filter(None, (office, own))))
    return mask_mobiles(office) if office else mask_number(own)
