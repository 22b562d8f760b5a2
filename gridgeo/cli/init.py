"""``gridgeo init``: a commented starter gridgeo.toml from a folder of map files."""

from pathlib import Path
from typing import Annotated

import typer

from gridgeo.cli.saying import WROTE, say
from gridgeo.language import Message

_SHORT = Message("Write a starter gridgeo.toml from a folder of map files.", "根据地图文件写出 gridgeo.toml 初稿。")
_HELP = Message(
    "Write a commented starter gridgeo.toml from the map files found in a folder.",
    "根据文件夹中的地图文件写出带注释的 gridgeo.toml 初稿。",
)
_FOLDER = Message("Folder with the town's map files.", "存放城镇地图文件的文件夹。")
_FORCE = Message("Replace a gridgeo.toml that is already there.", "覆盖已有的 gridgeo.toml。")
_STARTER = Message(
    "Read it through, complete what is marked, then run: gridgeo validate {path}",
    "请通读并补全其中标出的内容，然后运行：gridgeo validate {path}",
)


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    @app.command(help=_HELP.text(), short_help=_SHORT.text())
    def init(
        folder: Annotated[Path, typer.Argument(help=_FOLDER.text(), metavar="FOLDER")] = Path(),
        force: Annotated[bool, typer.Option("--force", help=_FORCE.text())] = False,
    ) -> None:
        from gridgeo.starter import write_starter

        path = write_starter(folder, overwrite=force)
        say(WROTE.text(what=path))
        say(_STARTER.text(path=path))
