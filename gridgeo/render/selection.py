"""Some blocks of a town, named by their codes or by those of their grids: only their files are then made."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping

from gridgeo._words import listed
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.render.fonts import printable
from gridgeo.render.notice import Notice, compose_notices
from gridgeo.render.scene import Scene
from gridgeo.town import Audience

_MOST_NEAR = 4
_NONE_NAMED = Message(
    "only some blocks are wanted, but none is named; give the code of a block or a grid",
    "要求只制作部分责任块，但未给出编号；请给出责任块或网格的编号",
)
_NO_SUCH = Message("no block or grid has the code {code}", "没有编号为 {code} 的责任块或网格")
_NEAR = Message(
    "no block or grid has the code {code}; near it are {near}", "没有编号为 {code} 的责任块或网格；相近的有 {near}"
)


def blocks_of(scene: Scene, codes: Iterable[str] | None) -> frozenset[int]:
    """Return the indices of the blocks that codes name: their own, or those of their grids; all for None.

    Raises
    ------
    InputError
        When a code is that of no block and no grid: each is named with those near it, a problem for each.
    """
    if codes is None:
        return frozenset(range(len(scene.blocks)))
    known: dict[str, set[int]] = {}
    names: dict[str, str] = {}
    frame = scene.blocks
    for k, (code, grid) in enumerate(zip(frame["code"].astype(str), frame["grid"].astype(str), strict=True)):
        for key, name in ((code, scene.names[k]), (grid, scene.grid_names[k])):
            known.setdefault(key, set()).add(k)
            names.setdefault(name, key)
    wanted = [code.strip() for code in ([codes] if isinstance(codes, str) else codes)]
    if not wanted:
        raise InputError(Problem(str(scene.town.path), _NONE_NAMED))
    if problems := [_unknown(scene, code, known, names) for code in wanted if code not in known]:
        raise InputError(problems)
    return frozenset(k for code in wanted for k in known[code])


def compose_all(
    scene: Scene, blocks: Collection[int], said: list[Problem], *, audience: Audience = "wall"
) -> list[Notice]:
    """Compose the notices of all blocks of a scene; ``said`` takes what is odd about those in ``blocks``.

    Who asked for some blocks reads of no others.

    Raises
    ------
    InputError
        As `gridgeo.render.notice.compose_notices` does.
    """
    composed: list[Problem] = []
    notices = compose_notices(scene, audience=audience, warnings=composed)
    others = {
        f"{name} ({code})"
        for k, (name, code) in enumerate(zip(scene.names, scene.blocks["code"].astype(str), strict=True))
        if k not in blocks
    }
    said += [problem for problem in composed if problem.where not in others]
    return notices


def _unknown(scene: Scene, code: str, known: Collection[str], names: Mapping[str, str]) -> Problem:
    """Return what is said of a code that nobody has: who wrote a name is told its code."""
    near = [names[code]] if code in names else difflib.get_close_matches(code, sorted(known), _MOST_NEAR, 0.7)
    where, shown = str(scene.town.path), printable(code)
    if not near:
        return Problem(where, _NO_SUCH, {"code": shown})
    return Problem(where, _NEAR, {"code": shown, "near": listed(near, most=_MOST_NEAR)})
