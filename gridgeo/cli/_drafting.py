"""What ``gridgeo partition`` does: drafts made, written and shown; fronts of alternatives and curves of change."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gridgeo._parallel import processors
from gridgeo._words import in_columns
from gridgeo.cli.reading import is_town
from gridgeo.cli.saying import say, say_made, warn
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message

if TYPE_CHECKING:
    import geopandas as gpd

    from gridgeo.partition.demand import Demand
    from gridgeo.partition.draft import Draft
    from gridgeo.town import Town

_NO_OUTPUT = Message(
    '[partition] names no output file; add output = "blocks.gpkg" or give --output',
    '[partition] 未指定输出文件；请添加 output = "blocks.gpkg" 或使用 --output',
)
_SECTIONS = Message(
    "{sections} sections drafted in {blocks} street blocks", "在 {blocks} 个街面责任块中划分出 {sections} 个责任路段"
)
_BAD_TOLERANCE = Message(
    "--tolerance must be a share such as 0.1, or ATTRIBUTE=0.1, not {given}",
    "--tolerance 应为比例（如 0.1）或 属性=0.1，而不是 {given}",
)
_NO_ALTERNATIVE = Message(
    "there is no alternative {take}: {count} were found", "没有第 {take} 个方案：共得到 {count} 个"
)
_NO_BLOCKS = Message("has no drafted blocks to start from", "没有可作为起点的责任块")
_DRAFTED = Message("{blocks} blocks drafted in {grids} grids", "在 {grids} 个网格中划分出 {blocks} 个责任块")
_FRONT = Message("{count} alternatives, with a map of each", "{count} 个备选方案及各自地图")
_CURVE = Message("the curve, with a map of each point", "变动曲线及各点地图")
_INTERRUPTED = Message("interrupted: these are the best blocks found so far", "已中断：以下为目前找到的最优责任块")


def draft_blocks(path: Path, output: Path | None, quiet: bool) -> None:
    """Draft the blocks of a town project as its gridgeo.toml says and write them; say what is odd about them."""
    from gridgeo.town import read_town

    town = read_town(path)
    target = output or town.drafting.output
    if target is None:
        raise InputError(Problem(str(town.path), _NO_OUTPUT))
    make = maker(town, None, None, [], [])
    write_draft(town, make([demanded(town, [], processors())])[0], target, quiet)


def maker(
    town: "Town", preset: str | None, previous: "gpd.GeoDataFrame | None", retired: Sequence[str], lock: Sequence[str]
) -> "Callable[[Sequence[Demand]], list[Draft]]":
    from gridgeo.partition.town import draft_town

    def make(demands: "Sequence[Demand]") -> "list[Draft]":
        return draft_town(town, demands, preset=preset, previous=previous, retired=retired, locked=lock)

    return make


def write_draft(town: "Town", draft: "Draft", target: Path, quiet: bool) -> None:
    """Write the blocks of a draft, and say what is odd about them."""
    from gridgeo.layers import write_layer
    from gridgeo.partition import sections_of_town
    from gridgeo.partition.retired import write_retired

    blocks = draft.blocks
    write_layer(blocks, target, layer="blocks")
    if "retired" in blocks.attrs["summary"]:
        write_retired(target, blocks.attrs["summary"]["retired"])
    warn([*town.problems, *draft.warnings], quiet)
    if blocks.attrs["summary"].get("interrupted"):
        say(_INTERRUPTED.text(), quiet)
    drafted = _DRAFTED.text(blocks=len(blocks), grids=blocks.groupby(["grid_layer", "grid"]).ngroups)
    say_made(target, drafted, quiet)
    if town.sectioning is not None and town.sectioning.output is not None and "sections" not in town.layers:
        warnings: list[Problem] = []
        sections = sections_of_town(town, blocks, warnings=warnings)
        write_layer(sections, town.sectioning.output, layer="sections")
        warn(warnings, quiet)
        cut = _SECTIONS.text(sections=len(sections), blocks=sections["block"].nunique())
        say_made(town.sectioning.output, cut, quiet)


def draft_front(
    town: "Town",
    target: Path,
    demand: "Demand",
    make: "Callable[[Sequence[Demand]], list[Draft]]",
    count: int,
    take: int | None,
    quiet: bool,
) -> None:
    """Draft a front of alternatives into a folder beside the output."""
    from gridgeo._files import write_whole
    from gridgeo.layers import write_layer
    from gridgeo.partition.alternatives import alternatives, alternatives_page, alternatives_table, told_fewer

    found = alternatives(demand, count, make)
    if take is not None and take > len(found):
        raise InputError(Problem("--take", _NO_ALTERNATIVE, {"take": take, "count": len(found)}))
    folder = target.with_name(f"{target.stem}-alternatives")
    for number, each in enumerate(found, start=1):
        write_layer(each.draft.blocks, folder / f"{number}{target.suffix}", layer="blocks")
    write_whole(folder / "index.html", alternatives_page(found, town.barriers, title=town.name))
    _print_table(*alternatives_table(found))
    if fewer := told_fewer(len(found), count):
        say(fewer, quiet)
    say_made(folder / "index.html", _FRONT.text(count=len(found)), quiet)
    if take is not None:
        write_draft(town, found[take - 1].draft, target, quiet)


def draft_from(
    town: "Town",
    target: Path,
    demand: "Demand",
    make: "Callable[[Sequence[Demand]], list[Draft]]",
    prices: list[float] | None,
    most_moved: float | None,
    quiet: bool,
) -> None:
    """Draft from an old plan: the curve, its page, and the point that was chosen."""
    from gridgeo._files import write_whole
    from gridgeo.partition.curves import change_curve, chosen_stage, curve_page, curve_table
    from gridgeo.partition.rebalance import PRICES

    stages = change_curve(demand, make, prices or PRICES)
    chosen = chosen_stage(stages, most_moved=most_moved)
    _print_table(*curve_table(stages, chosen))
    page = target.with_name(f"{target.stem}-change.html")
    write_whole(page, curve_page(stages, chosen, town.barriers, title=town.name))
    say_made(page, _CURVE.text(), quiet)
    write_draft(town, stages[chosen].draft, target, quiet)


def _print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table to standard output, its columns set apart by tabs' width."""
    for line in in_columns([head, *rows]):
        typer.echo(line)


def demanded(town: "Town", tolerances: Sequence[str], jobs: int) -> "Demand":
    """Return what is demanded; tolerances are numbers, or numbers of attributes."""
    from gridgeo.partition.demand import SUM
    from gridgeo.partition.town import demand_of

    demand = replace(demand_of(town), jobs=jobs)
    own: dict[str, float] = {}
    for given in tolerances:
        name, equals, number = given.rpartition("=")
        try:
            own[name if equals else SUM] = float(number)
        except ValueError:
            raise InputError(Problem("partition", _BAD_TOLERANCE, {"given": given})) from None
    return replace(demand, tolerance=own.pop(SUM, demand.tolerance), tolerances={**demand.tolerances, **own})


def old_plan(path: Path) -> "tuple[gpd.GeoDataFrame, list[str]]":
    """Return an old plan and the codes given up before it."""
    from gridgeo.layers import list_layers, read_layer
    from gridgeo.partition.retired import read_retired
    from gridgeo.town import read_town

    if is_town(path):
        town = read_town(path)
        if town.blocks is None or town.drafting.output is None:
            raise InputError(Problem(str(path), _NO_BLOCKS))
        return town.blocks.frame, read_retired(town.drafting.output)
    named = [info.name for info in list_layers(path)] if path.exists() else []
    read = read_layer(path, layer="blocks" if "blocks" in named else None)
    return read.frame, read_retired(path)
