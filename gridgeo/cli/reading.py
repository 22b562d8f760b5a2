"""What commands look at before they begin: what a path is, which options go together, the barriers of a file."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from gridgeo.cli.saying import warn
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message

if TYPE_CHECKING:
    from gridgeo.network import Barriers

NEEDS_ALONG = Message("{option} goes with --along FILE", "{option} 须与 --along 文件 同用")
_NOT_EMPTY = Message("the folder is not empty; name a new one", "文件夹不是空的；请换一个新文件夹")
ONLY_FILE = Message(
    "{option} is for a single map file; in a town project gridgeo.toml says it",
    "{option} 只用于单个地图文件；城镇项目请在 gridgeo.toml 中设置",
)
ONLY_TOWN = Message("{option} is for a town project (gridgeo.toml)", "{option} 只用于城镇项目（gridgeo.toml）")


def is_town(path: Path) -> bool:
    """Return whether a path is a town project rather than a map file."""
    return path.suffix.lower() == ".toml" or (path / "gridgeo.toml").is_file()


def refuse(where: object, why: Message, options: Mapping[str, object], **values: object) -> None:
    """Say which of some options don't go with what else was given, instead of leaving them unused."""
    given = [f"--{name}" for name, value in options.items() if value is not None and value != []]
    if given:
        raise InputError([Problem(str(where), why, {"option": option} | values) for option in given])


def must_be_empty(folder: Path) -> None:
    """Refuse a folder that holds something already."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(Problem(str(folder), _NOT_EMPTY))


def read_barriers(path: Path, rank_column: str | None, quiet: bool) -> "Barriers":
    """Return the barriers of a map file, and say what is odd about them."""
    from gridgeo.starter import read_barriers as read

    barriers, warnings = read(path, rank_column=rank_column)
    warn(warnings, quiet)
    return barriers
