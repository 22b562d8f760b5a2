"""Boards on walls: where each hangs, which version it shows and since when, and whether that is the notice of today.

The town lists its boards (``[boards]``) with the mark that each bears; the ledger knows the marks of today's notices
and every mark before, with the version and date that it stood for.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from gridgeo._words import formula_free, in_columns, listed
from gridgeo.errors import Problem
from gridgeo.language import Message, one_line
from gridgeo.render.ledger import Entry, Issue
from gridgeo.render.scene import Scene
from gridgeo.render.sheet import PICTURE_NAME

BoardState = Literal["current", "out-of-date", "other-block", "no-mark", "no-notice", "no-block", "no-board"]

FILE = "boards.csv"
STALE: tuple[BoardState, ...] = ("out-of-date", "other-block", "no-mark", "no-block")
"""What must be seen to at the wall; a block without a board, too, but not every block need have one."""

_OUT_OF_DATE = Message(
    "the board at {place} shows an older notice (mark {mark}, now {now}); replace it",
    "{place} 的公示牌不是最新（核对码 {mark}，现为 {now}）；请更换",
)
_OTHER_BLOCK = Message(
    "the board at {place} shows the notice of another block ({other}, mark {mark}, now {now}); replace it",
    "{place} 的公示牌是其他责任块的（{other}，核对码 {mark}，现为 {now}）；请更换",
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
_STATES: dict[BoardState, Message] = {
    "current": Message("up to date", "最新"),
    "out-of-date": Message("out of date", "已过期"),
    "other-block": Message("of another block", "挂错责任块"),
    "no-mark": Message("mark not noted", "未登记核对码"),
    "no-notice": Message("notice not made", "未制作公示图"),
    "no-block": Message("block is no more", "责任块已撤销"),
    "no-board": Message("no board", "未上墙"),
}
_HEADS = {
    "state": Message("state", "状态"),
    "code": Message("block", "责任块编号"),
    "name": Message("name", "责任块"),
    "place": Message("place", "张贴地点"),
    "posted": Message("posted", "张贴日期"),
    "mark": Message("mark", "牌面核对码"),
    "version": Message("version", "牌面版本"),
    "now": Message("mark now", "现核对码"),
    "version_now": Message("version now", "现版本"),
    "file": Message("file to print", "打印文件"),
}


@dataclass(frozen=True)
class BoardLine:
    """One board, or a block that has none.

    Parameters
    ----------
    state : BoardState
    code, name : str
        Of the block; no name where it is no more.
    place : str
        Where it hangs; "" where there is none.
    posted : str
        Date, ``2026-11-28``; "" where it isn't known.
    mark, version : str
        On the board; the version is "" where no notice with this mark was ever made in this folder.
    now : tuple of str
        The marks of today's notice, one for each sheet that it is made on.
    version_now : str
        Of today's notice.
    file : str
        The notice to print, below the folder of products.
    """

    state: BoardState
    code: str
    name: str
    place: str = ""
    posted: str = ""
    mark: str = ""
    version: str = ""
    now: tuple[str, ...] = ()
    version_now: str = ""
    file: str = ""


def list_boards(scene: Scene, entries: Iterable[Entry], issues: Iterable[Issue]) -> list[BoardLine]:
    """Return a line for every board of the town, then one for every block without a board.

    Parameters
    ----------
    scene : Scene
    entries : iterable of Entry
        Of the ledger: the notices as they are now. A board is up to date with the mark of any sheet of its notice.
    issues : iterable of Issue
        Every mark that was ever made.
    """
    names = dict(zip(scene.blocks["code"].astype(str), scene.names, strict=True))
    today: dict[str, list[Entry]] = {}
    for entry in sorted(entries, key=lambda entry: entry.file):
        if entry.edition != PICTURE_NAME:
            today.setdefault(entry.code, []).append(entry)
    known = [*issues, *(Issue(e.code, e.mark, e.version, e.date) for sheets in today.values() for e in sheets)]
    issued: dict[str, dict[str, Issue]] = {}
    for issue in known:
        issued.setdefault(issue.mark, {})[issue.code] = issue

    def line(state: BoardState, code: str, **own: str) -> BoardLine:
        sheets = today.get(code, [])
        now = tuple(sorted({entry.mark for entry in sheets}))
        version, file = (_edition(sheets[0].version, sheets[0].date), sheets[0].file) if sheets else ("", "")
        return BoardLine(state, code, names.get(code, ""), now=now, version_now=version, file=file, **own)

    lines = []
    for board in scene.town.boards:
        marks = {entry.mark for entry in today.get(board.unit, [])}
        shown = issued.get(board.mark, {})
        if board.unit not in names:
            state: BoardState = "no-block"
        elif not board.mark:
            state = "no-mark"
        elif not marks:
            state = "no-notice"
        elif board.mark in marks:
            state = "current"
        else:
            state = "other-block" if shown and board.unit not in shown else "out-of-date"
        of_mark = shown.get(board.unit) or next(iter(shown.values()), None)
        version = _edition(of_mark.version, of_mark.date) if of_mark is not None else ""
        posted = board.posted.isoformat() if board.posted is not None else ""
        lines.append(line(state, board.unit, place=board.place, posted=posted, mark=board.mark, version=version))
    with_board = {board.unit for board in scene.town.boards}
    return [*lines, *(line("no-board", code) for code in names if code not in with_board)]


def check_boards(scene: Scene, entries: Iterable[Entry], issues: Iterable[Issue]) -> list[Problem]:
    """Name the boards of the town that are out of date, and the blocks without one; nothing where none are listed."""
    if not scene.town.boards:
        return []
    issues = list(issues)
    lines = list_boards(scene, entries, issues)
    names = {line.code: line.name for line in lines}
    owner = {issue.mark: names.get(issue.code) or issue.code for issue in issues}
    found = [_problem(line, owner.get(line.mark, "")) for line in lines if line.state in STALE]
    bare = [line.name for line in lines if line.state == "no-board"]
    if bare:
        blocks = len(scene.names)
        values: dict[str, object] = {"count": len(bare), "blocks": blocks, "share": 100 * (1 - len(bare) / blocks)}
        found.append(Problem(str(scene.town.path), _BARE, values | {"names": listed(bare, most=4)}))
    return found


def boards_text(lines: Sequence[BoardLine]) -> str:
    """Return boards as a table to be read, in the language in force; those that must be seen to come first."""
    rows = [[message.text() for message in _HEADS.values()]]
    rows += [_cells(line) for line in sorted(lines, key=lambda line: line.state not in STALE)]
    return "".join(f"{line}\n" for line in in_columns(rows))


def boards_csv(lines: Sequence[BoardLine]) -> str:
    """Return boards as CSV with Chinese heads, for spreadsheets; a cell like a formula gets an apostrophe before it."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(message.text("zh") for message in _HEADS.values())
    for line in lines:
        writer.writerow(map(formula_free, _cells(line, zh=True)))
    return "\ufeff" + out.getvalue()


def _problem(line: BoardLine, owner: str) -> Problem:
    place: dict[str, object] = {"place": line.place}
    if line.state == "no-block":
        return Problem(line.code, _NO_BLOCK, place)
    where = f"{line.name} ({line.code})"
    if line.state == "no-mark":
        return Problem(where, _NO_MARK, place)
    values = place | {"mark": line.mark, "now": " / ".join(line.now)}
    if line.state == "other-block":
        return Problem(where, _OTHER_BLOCK, values | {"other": owner})
    return Problem(where, _OUT_OF_DATE, values)


def _edition(version: str, date: str) -> str:
    return " ".join(filter(None, (version, date)))


def _cells(line: BoardLine, *, zh: bool = False) -> list[str]:
    return list(map(one_line, _values(line, zh)))


def _values(line: BoardLine, zh: bool) -> Iterator[str]:
    for key in _HEADS:
        if key == "state":
            yield _STATES[line.state].text("zh" if zh else None)
        elif key == "now":
            yield " / ".join(line.now)
        else:
            yield str(getattr(line, key))
