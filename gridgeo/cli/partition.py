"""``gridgeo partition``: draft the responsibility blocks of a town."""

from pathlib import Path
from typing import Annotated

import typer

from gridgeo.cli.options import quiet_option, town_argument
from gridgeo.cli.saying import say_made, wants_bars, warn
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.progress import showing_progress

_SHORT = Message("Draft responsibility blocks along roads and rivers.", "沿道路河道划分责任块。")
_HELP = Message(
    "Draft the responsibility blocks: cut each grid along its roads, lanes and rivers into parts of near equal"
    " workload.",
    "划分责任块：沿道路、街巷和河道把每个网格切成工作量相近的块。",
)
_OUTPUT = Message(
    "Map file for the blocks; by default the one that gridgeo.toml names in [partition].",
    "责任块写入的地图文件；默认用 gridgeo.toml 中 [partition] 指定的文件。",
)
_NO_OUTPUT = Message(
    '[partition] names no output file; add output = "blocks.gpkg" or give --output',
    '[partition] 未指定输出文件；请添加 output = "blocks.gpkg" 或使用 --output',
)
_SECTIONS = Message(
    "{sections} sections drafted in {blocks} street blocks", "在 {blocks} 个街面责任块中划分出 {sections} 个责任路段"
)
_DRAFTED = Message("{blocks} blocks drafted in {grids} grids", "在 {grids} 个网格中划分出 {blocks} 个责任块")


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    @app.command(help=_HELP.text(), short_help=_SHORT.text())
    def partition(
        town: Annotated[Path, town_argument()],
        output: Annotated[
            Path | None,
            typer.Option("--output", "-o", metavar="FILE", help=_OUTPUT.text(), show_default=False),
        ] = None,
        quiet: Annotated[bool, quiet_option()] = False,
    ) -> None:
        with showing_progress(wants_bars(quiet)):
            draft_blocks(town, output, quiet)


def draft_blocks(path: Path, output: Path | None, quiet: bool) -> None:
    """Draft the blocks of a town project and write them; say what is odd about them."""
    from gridgeo.layers import write_layer
    from gridgeo.partition import partition_town, sections_of_town
    from gridgeo.town import read_town

    town = read_town(path)
    target = output or town.drafting.output
    if target is None:
        raise InputError(Problem(str(town.path), _NO_OUTPUT))
    warnings: list[Problem] = list(town.problems)
    blocks = partition_town(town, warnings=warnings)
    write_layer(blocks, target, layer="blocks")
    warn(warnings, quiet)
    drafted = _DRAFTED.text(blocks=len(blocks), grids=blocks.groupby(["grid_layer", "grid"]).ngroups)
    say_made(target, drafted, quiet)
    if town.sectioning is not None and town.sectioning.output is not None and "sections" not in town.layers:
        warnings = []
        sections = sections_of_town(town, blocks, warnings=warnings)
        write_layer(sections, town.sectioning.output, layer="sections")
        warn(warnings, quiet)
        cut = _SECTIONS.text(sections=len(sections), blocks=sections["block"].nunique())
        say_made(town.sectioning.output, cut, quiet)
