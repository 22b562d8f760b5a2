"""Codes given up: a small file beside a blocks layer that remembers them, so that none is given to another place."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from gridgeo._files import write_whole
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message

SCHEMA = "gridgeo-codes/1"

_BROKEN = Message(
    "is no list of codes given up ({schema}); mend it, or take it away if no code was ever given up",
    "不是停用编码清单（{schema}）；请修复，若从未停用编码可删除",
)


def codes_file(blocks: str | Path) -> Path:
    """Return where the codes given up are kept, beside a blocks layer.

    Examples
    --------
    >>> codes_file("town/blocks.gpkg").as_posix()
    'town/blocks.codes.json'
    """
    return Path(blocks).with_suffix(".codes.json")


def read_retired(blocks: str | Path) -> list[str]:
    """Return the codes given up beside a blocks layer; none where nothing is kept there.

    Raises
    ------
    InputError
        When there is a file that can't be read as such a list: codes might be given twice.
    """
    path = codes_file(blocks)
    if not path.is_file():
        return []
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        found = content["retired"] if content["schema"] == SCHEMA else None
    except (OSError, ValueError, KeyError, TypeError):
        found = None
    if not isinstance(found, list) or not all(isinstance(code, str) for code in found):
        raise InputError(Problem(str(path), _BROKEN, {"schema": SCHEMA}))
    return found


def write_retired(blocks: str | Path, retired: Iterable[str]) -> Path | None:
    """Keep codes given up beside a blocks layer; nothing is written where there never were any."""
    path, codes = codes_file(blocks), sorted(set(retired))
    if not codes and not path.is_file():
        return None
    return write_whole(path, json.dumps({"schema": SCHEMA, "retired": codes}, ensure_ascii=False, indent=1) + "\n")
