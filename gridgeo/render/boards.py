"""Boards on walls: which show a notice that is out of date, and which blocks have none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gridgeo._words import listed
from gridgeo.errors import Problem
from gridgeo.language import Message
from gridgeo.render.ledger import Entry
from gridgeo.render.scene import Scene
from gridgeo.town import Board

_OUT_OF_DATE = Message(
    "the board at {place} shows an older notice (mark {mark}, now {now}); replace it",
    "{place} 的公示牌不是最新（核对码 {mark}，现为 {now}）；请更换",
)
_NO_MARK = Message(
    "the board at {place} has no mark in the table; copy the 核对码 from its foot",
    "{place} 的公示牌未登记核对码；请抄录牌面下方的核对码",
)
_NO_BLOCK = Message(
    "the board at {place} is of a block that is no more; take it down", "{place} 的公示牌所属责任块已撤销；请撤下"
)
_BARE = Message(
    "{count} of {blocks} blocks have no board ({share:.0f} % have one): {names}",
    "{blocks} 个责任块中有 {count} 个没有公示牌（上墙率 {share:.0f}%）：{names}",
)


@dataclass(frozen=True)
class _Current:
    name: str
    marks: tuple[str, ...]


def check_boards(scene: Scene, entries: Iterable[Entry]) -> list[Problem]:
    """Name the boards of the town that are out of date, and the blocks without one; nothing where none are listed.

    Parameters
    ----------
    scene : Scene
    entries : iterable of Entry
        Of the ledger: the notices as they are now. A board is up to date with the mark of any sheet of its notice.
    """
    boards = scene.town.boards
    if not boards:
        return []
    names = dict(zip(scene.blocks["code"].astype(str), scene.names, strict=True))
    marks: dict[str, set[str]] = {}
    for entry in entries:
        marks.setdefault(entry.code, set()).add(entry.mark)
    current = {code: _Current(name, tuple(sorted(marks.get(code, ())))) for code, name in names.items()}
    found = [problem for board in boards if (problem := _look_at(board, current)) is not None]
    bare = [name for code, name in names.items() if code not in {board.unit for board in boards}]
    if bare:
        share = 100 * (1 - len(bare) / len(names))
        values: dict[str, object] = {"count": len(bare), "blocks": len(names), "share": share}
        found.append(Problem(str(scene.town.path), _BARE, values | {"names": listed(bare, most=4)}))
    return found


def _look_at(board: Board, current: dict[str, _Current]) -> Problem | None:
    block = current.get(board.unit)
    place: dict[str, object] = {"place": board.place}
    if block is None:
        return Problem(board.unit, _NO_BLOCK, place)
    where = f"{block.name} ({board.unit})"
    if not board.mark:
        return Problem(where, _NO_MARK, place)
    if block.marks and board.mark not in block.marks:
        return Problem(where, _OUT_OF_DATE, place | {"mark": board.mark, "now": " / ".join(block.marks)})
    return None
