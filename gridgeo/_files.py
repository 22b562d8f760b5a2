"""Writing files whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from gridgeo.errors import InputError, Problem
from gridgeo.language import Message

_CANNOT_WRITE = Message(
    "can't be written ({reason}); choose another place or free it",
    "无法写入（{reason}）；请换一个位置或解除占用",
)


def write_whole(path: str | Path, content: bytes | str) -> Path:
    """Write ``content`` to ``path`` by way of a temporary file beside it, so that no reader ever sees half a file.

    Missing parent folders are made. Text is written as UTF-8 with the line ends that it has.

    Raises
    ------
    InputError
        When the place can't be written.
    """
    path = Path(path)
    data = content.encode() if isinstance(content, str) else content
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.", suffix=".part")
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            # mkstemp makes private files; a report or notice is as readable as any other new file of the user's
            temporary.chmod(0o666 & ~_umask())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InputError(Problem(str(path), _CANNOT_WRITE, {"reason": error.strerror or str(error)})) from None
    return path


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
