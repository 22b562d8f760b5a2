"""The Typst template that sets the notices: ours, or one of the user's own with what lies in its folder.

A user's template is copied with the files beside it into the folder in which notices are made, and can read nothing
outside of that folder: neither files nor packages from the network.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from pathlib import Path

from gridgeo.errors import InputError, Problem
from gridgeo.language import Message

OURS = "notice.typ"
OWN_FOLDER = "template"
"""Where a user's template lies in the folder in which notices are made."""
_KINDS = frozenset({".typ", ".json", ".toml", ".yaml", ".yml", ".csv", ".txt", ".svg", ".png", ".jpg", ".jpeg", ".gif"})
_MOST_BYTES = 20_000_000
_PACKAGE = re.compile(r"""["']@[\w-]+/[^"']*["']""")

_NO_FILE = Message("no such file (looked for {path})", "文件不存在（查找位置：{path}）")
_NOT_TYPST = Message("is no Typst file: a template's name ends in .typ", "不是 Typst 文件：模板文件名应以 .typ 结尾")
_PACKAGES = Message(
    "imports the package {package}; nothing is fetched from a network: copy what is needed beside the template",
    "引用了软件包 {package}；程序不从网络获取内容：请将所需文件复制到模板旁",
)
_TOO_MUCH = Message(
    "the files beside the template hold more than {most} MB; give the template a folder of its own",
    "模板所在文件夹超过 {most} MB；请为模板单独建立文件夹",
)
_CANNOT_READ = Message("can't be read ({reason})", "无法读取（{reason}）")


def read_template(path: Path | None) -> dict[str, bytes]:
    """Return the files of a template by name, the template first: ours without a path.

    Raises
    ------
    InputError
        When it isn't there, is no Typst file, or imports packages.
    """
    if path is None:
        return {OURS: _ours()}
    if path.suffix != ".typ":
        raise InputError(Problem(str(path), _NOT_TYPST))
    if not path.is_file():
        raise InputError(Problem(str(path), _NO_FILE, {"path": path.absolute()}))
    try:
        beside = sorted(file for file in path.parent.iterdir() if file.suffix.lower() in _KINDS and file.is_file())
        size = sum(file.stat().st_size for file in beside)
        if size > _MOST_BYTES:
            raise InputError(Problem(str(path), _TOO_MUCH, {"most": _MOST_BYTES // 1_000_000}))
        files = {path.name: path.read_bytes(), **{file.name: file.read_bytes() for file in beside if file != path}}
    except OSError as error:
        raise InputError(Problem(str(path), _CANNOT_READ, {"reason": error.strerror or str(error)})) from None
    problems = [
        Problem(str(path.with_name(name)), _PACKAGES, {"package": found[0]})
        for name, content in files.items()
        if name.endswith(".typ") and (found := _PACKAGE.search(content.decode("utf-8", "replace")))
    ]
    if problems:
        raise InputError(problems)
    return files


@cache
def _ours() -> bytes:
    return resources.files("gridgeo.render").joinpath(OURS).read_bytes()


def put_into(folder: Path, path: Path | None) -> Path:
    """Put a template into the folder in which notices are made; return where it lies there."""
    files = read_template(path)
    target = folder if path is None else folder / OWN_FOLDER
    target.mkdir(exist_ok=True)
    for name, content in files.items():
        (target / name).write_bytes(content)
    return target / next(iter(files))
