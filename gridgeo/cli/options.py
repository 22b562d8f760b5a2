"""Options and arguments that several commands take; made when the application is, in the language of that moment."""

from typing import Any

import typer

from gridgeo.language import Message

_QUIET = Message("No progress bars and no summary on standard error.", "不显示进度条和标准错误上的摘要。")
_TOWN = Message("gridgeo.toml of the town, or the folder that holds it.", "城镇的 gridgeo.toml，或其所在文件夹。")
_TARGET = Message(
    "gridgeo.toml (all its claims are checked), or one map file of polygons.",
    "gridgeo.toml（检查其中全部声明），或一个多边形地图文件。",
)
_LAYER = Message("Layer of the map file.", "地图文件中的图层。")
_ID = Message("Column of the map file that holds the ids.", "地图文件中的编号列。")
_WITHIN = Message("Map file with the extent that must be covered.", "须被铺满的范围（地图文件）。")
_RANK_COLUMN = Message(
    "Column of that file with the rank: river, main-road, road, lane, or a class of OpenStreetMap; without it every"
    " feature counts.",
    "该文件中的等级列：river、main-road、road、lane，或 OpenStreetMap 的道路等级；不写则全部计入。",
)
_TOLERANCE = Message("Metres: faults no wider than this are warnings.", "容差（米）：宽度不超过此值的问题只作警告。")
_JOBS = Message("Processor cores to use at most; by default all.", "最多使用的处理器核心数；默认全部使用。")


def target_argument() -> Any:
    """Return the option or argument for a town or a map file."""
    return typer.Argument(help=_TARGET.text(), metavar="TOWN|FILE", show_default=False)


def layer_option() -> Any:
    """Return the option or argument for a layer of the map file."""
    return typer.Option("--layer", metavar="NAME", help=_LAYER.text(), show_default=False)


def id_option() -> Any:
    """Return the option or argument for the map file's id column."""
    return typer.Option("--id", metavar="COLUMN", help=_ID.text(), show_default=False)


def within_option() -> Any:
    """Return the option or argument for the extent."""
    return typer.Option("--within", metavar="FILE", help=_WITHIN.text(), show_default=False)


def rank_column_option() -> Any:
    """Return the option or argument for the column of ranks."""
    return typer.Option("--rank-column", metavar="COLUMN", help=_RANK_COLUMN.text(), show_default=False)


def tolerance_option() -> Any:
    """Return the option or argument for the tolerance."""
    return typer.Option("--tolerance", metavar="METRES", min=0.0, help=_TOLERANCE.text(), show_default=False)


def town_argument() -> Any:
    """Return the option or argument for a town project."""
    return typer.Argument(help=_TOWN.text(), metavar="TOWN", show_default=False)


def quiet_option() -> Any:
    """Return the option or argument for --quiet."""
    return typer.Option("--quiet", "-q", help=_QUIET.text())


def jobs_option() -> Any:
    """Return the option or argument for the number of processes."""
    return typer.Option("--jobs", metavar="N", min=1, help=_JOBS.text(), show_default=False)
