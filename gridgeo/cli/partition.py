"""``gridgeo partition``: draft the blocks of a town, afresh, from an old plan, or as a front of alternatives."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gridgeo._parallel import processors
from gridgeo.cli._drafting import demanded, draft_from, draft_front, maker, old_plan, write_draft
from gridgeo.cli.options import jobs_option, quiet_option, town_argument
from gridgeo.cli.saying import wants_bars
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.progress import showing_progress

if TYPE_CHECKING:
    from gridgeo.town import Town

_SHORT = Message("Draft responsibility blocks along roads and rivers.", "沿道路河道划分责任块。")
_HELP = Message(
    "Draft the responsibility blocks: cut each grid along its roads, lanes and rivers into parts of near equal"
    " workload. Options count before what gridgeo.toml says in [partition]. Ctrl-C ends with the best so far.",
    "划分责任块：沿道路、街巷和河道把每个网格切成工作量相近的块。选项优先于 gridgeo.toml 的 [partition]。"
    "按 Ctrl-C 以当前最优结果结束。",
)
_OUTPUT = Message(
    "Map file for the blocks; by default the one that gridgeo.toml names in [partition].",
    "责任块写入的地图文件；默认用 gridgeo.toml 中 [partition] 指定的文件。",
)
_COUNT = Message("Blocks a grid.", "每个网格的块数。")
_TARGET = Message("Workload a block.", "每块的工作量。")
_SIZE = Message("Least and most that a block holds, such as 300-500.", "每块的下限与上限，如 300-500。")
_PRESET = Message(
    "Named size: community (300 to 500 households), micro (30 to 100 households), cell (about 10,000 m2).",
    "命名规格：community（社区网格，300 至 500 户）、micro（微网格，30 至 100 户）、cell（单元网格，约 1 万平方米）。",
)
_MEASURE = Message(
    "What --target and --size count: an attribute of [workload], or area; by default the weighted sum.",
    "--target 与 --size 所计的属性：[workload] 中的一项，或 area；默认为加权和。",
)
_TOLERANCE = Message(
    "By how much a block may be off the mean: 0.1, or ATTRIBUTE=0.1 for an attribute of its own; may be repeated.",
    "每块与平均值的允许偏差：0.1，或 属性=0.1 单独设置；可重复。",
)
_SEED = Message("Another seed gives another draft.", "换一个种子得到另一个方案。")
_COMPACT = Message(
    "What roundness counts for against borders on strong barriers: 1 as a rule, 0 for nothing.",
    "紧凑度相对于沿强屏障设界的权重：通常为 1，0 为不计。",
)
_SECONDS = Message(
    "Seconds to search at most, reckoned for an ordinary machine (60).", "搜索时间上限（秒，按普通机器折算，默认 60）。"
)
_UNCUT = Message(
    "Barriers of this rank and stronger ones cut no block, not even at bridges: river, main-road, road or lane.",
    "此等级及更强的屏障不得穿过责任块，有桥亦然：river、main-road、road 或 lane。",
)
_FROM = Message(
    "Start from this plan (map file of blocks, or town project): little changes hands, codes stay. Prints a curve of"
    " how much moves against how good, and writes it as a page.",
    "从此方案开始（责任块地图文件或城镇项目）：变动小、编码不变。输出变动量与质量曲线，并写成网页。",
)
_PRICE = Message(
    "With --from: price on workload that changes hands; repeated, the points of the curve (0, 3, 30, 300).",
    "配合 --from：易手工作量的价格；可重复，构成曲线各点（0、3、30、300）。",
)
_MOST = Message(
    "With --from: take the cheapest borders with at most this share of the workload moved, such as 0.05.",
    "配合 --from：在易手工作量不超过此比例（如 0.05）的方案中取界线代价最小者。",
)
_LOCK = Message(
    "Code of a block of the old plan that stays as it is; may be repeated.", "原方案中保持不变的责任块编码；可重复。"
)
_ALTERNATIVES = Message(
    "Draft a front of so many alternatives into a folder beside the output, with a table and a page of maps.",
    "生成若干备选方案，写入输出文件旁的文件夹，附对比表和地图网页。",
)
_TAKE = Message(
    "With --alternatives: write this one to the output too.", "配合 --alternatives：同时将此方案写入输出文件。"
)
_CODES = Message(
    'Numbering: digital-community (20 digits), or a template such as "{{grid}}{{serial:03}}"; by default unit grids.',
    "编码方案：digital-community（20 位），或模板如“{{grid}}{{serial:03}}”；默认为单元网格编码。",
)
_OBJECT = Message(
    "The six digits of what is managed, for digital-community.", "digital-community 的 6 位管理对象代码。"
)
_ALONG = {
    "keep_whole": Message("Polygons that no border may cut", "不得被界线切割的面"),
    "keep_together": Message(
        "Points or polygons, those of one set in one block", "须在同一块内的点或面（按 set 列分组）"
    ),
    "borders": Message("Lines on which a border must run", "必须设界的线"),
    "no_borders": Message("Lines on which no border may run", "不得设界的线"),
    "parents": Message("Polygons whose borders no block crosses", "责任块不得跨越其边界的上级面"),
    "locked": Message("Blocks that stay as they are", "保持不变的责任块"),
    "heads": Message("Points where block heads are stationed, one a block", "块长驻点，每块一名"),
}
_LAYER = Message("{what}: key of [layers] or map file; may be repeated.", "{what}：[layers] 的键或地图文件；可重复。")
_NO_OUTPUT = Message(
    '[partition] names no output file; add output = "blocks.gpkg" or give --output',
    '[partition] 未指定输出文件；请添加 output = "blocks.gpkg" 或使用 --output',
)
_BAD_SIZE = Message(
    "--size must be the least and the most that a block holds, such as 300-500, not {given}",
    "--size 应为每块的下限与上限，如 300-500，而不是 {given}",
)
_ONLY_WITH = Message("{option} goes with {other} only", "{option} 只能与 {other} 同用")
_NOT_WITH = Message("{option} does not go with {other}", "{option} 不能与 {other} 同用")


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    def layers(name: str) -> Any:
        told = _LAYER.text(what=_ALONG[name].text())
        return typer.Option(f"--{name.replace('_', '-')}", metavar="LAYER", help=told, show_default=False)

    def option(told: Message, metavar: str, *names: str, **more: Any) -> Any:
        return typer.Option(*names, metavar=metavar, help=told.text(), show_default=False, **more)

    @app.command(help=_HELP.text(), short_help=_SHORT.text())
    def partition(
        town: Annotated[Path, town_argument()],
        output: Annotated[Path | None, option(_OUTPUT, "FILE", "--output", "-o")] = None,
        count: Annotated[int | None, option(_COUNT, "N")] = None,
        target: Annotated[float | None, option(_TARGET, "WORKLOAD")] = None,
        size: Annotated[str | None, option(_SIZE, "LEAST-MOST")] = None,
        preset: Annotated[str | None, option(_PRESET, "NAME")] = None,
        measure: Annotated[str | None, option(_MEASURE, "ATTRIBUTE")] = None,
        tolerance: Annotated[list[str] | None, option(_TOLERANCE, "SHARE")] = None,
        uncut_by: Annotated[str | None, option(_UNCUT, "RANK")] = None,
        keep_whole: Annotated[list[str] | None, layers("keep_whole")] = None,
        keep_together: Annotated[list[str] | None, layers("keep_together")] = None,
        borders: Annotated[list[str] | None, layers("borders")] = None,
        no_borders: Annotated[list[str] | None, layers("no_borders")] = None,
        parents: Annotated[list[str] | None, layers("parents")] = None,
        locked: Annotated[list[str] | None, layers("locked")] = None,
        heads: Annotated[list[str] | None, layers("heads")] = None,
        old: Annotated[Path | None, option(_FROM, "OLD", "--from")] = None,
        price: Annotated[list[float] | None, option(_PRICE, "PRICE")] = None,
        most_moved: Annotated[float | None, option(_MOST, "SHARE", min=0.0)] = None,
        lock: Annotated[list[str] | None, option(_LOCK, "CODE")] = None,
        alternatives: Annotated[int | None, option(_ALTERNATIVES, "N", min=1)] = None,
        take: Annotated[int | None, option(_TAKE, "K", min=1)] = None,
        codes: Annotated[str | None, option(_CODES, "SCHEME")] = None,
        code_object: Annotated[str | None, option(_OBJECT, "DIGITS")] = None,
        compact: Annotated[float | None, option(_COMPACT, "NUMBER")] = None,
        seed: Annotated[int | None, option(_SEED, "N", min=0)] = None,
        seconds: Annotated[float | None, option(_SECONDS, "SECONDS")] = None,
        jobs: Annotated[int | None, jobs_option()] = None,
        quiet: Annotated[bool, quiet_option()] = False,
    ) -> None:
        from gridgeo.town import read_town

        along = {
            "keep_whole": keep_whole,
            "keep_together": keep_together,
            "borders": borders,
            "no_borders": no_borders,
            "parents": parents,
            "locked": locked,
            "heads": heads,
        }
        said = {
            "count": count,
            "target": target,
            "size": _size(size),
            "preset": preset,
            "measure": measure,
            "uncut_by": uncut_by,
            "codes": codes,
            "code_object": code_object,
            "compact": compact,
            "seed": seed,
            "seconds": seconds,
        }
        _refuse_strays(old, alternatives, {"price": price, "most-moved": most_moved}, take)
        with showing_progress(wants_bars(quiet), remarks=not quiet):
            project = _with_layers(_asking(read_town(town), said), along)
            demand = demanded(project, tolerance or [], jobs or processors())
            target_file = output or project.drafting.output
            if target_file is None:
                raise InputError(Problem(str(project.path), _NO_OUTPUT))
            previous, retired = (None, list[str]()) if old is None else old_plan(old)
            make = maker(project, preset, previous, retired, lock or [])
            if alternatives is not None:
                draft_front(project, target_file, demand, make, alternatives, take, quiet)
            elif old is not None:
                draft_from(project, target_file, demand, make, price, most_moved, quiet)
            else:
                write_draft(project, make([demand])[0], target_file, quiet)


def _size(given: str | None) -> tuple[float, float] | None:
    if given is None:
        return None
    low, _, high = given.partition("-")
    try:
        return float(low), float(high)
    except ValueError:
        raise InputError(Problem("partition", _BAD_SIZE, {"given": given})) from None


def _refuse_strays(old: Path | None, alternatives: int | None, of_old: dict[str, Any], take: int | None) -> None:
    """Refuse options that would be left unused."""
    problems = []
    if old is None:
        values = [{"option": f"--{name}", "other": "--from"} for name, value in of_old.items() if value is not None]
        problems += [Problem("partition", _ONLY_WITH, dict(each)) for each in values]
    elif alternatives is not None:
        problems.append(Problem("partition", _NOT_WITH, {"option": "--alternatives", "other": "--from"}))
    if take is not None and alternatives is None:
        problems.append(Problem("partition", _ONLY_WITH, {"option": "--take", "other": "--alternatives"}))
    if problems:
        raise InputError(problems)


def _asking(town: "Town", said: dict[str, Any]) -> "Town":
    """Return the town with what the command says instead of what its gridgeo.toml says."""
    given = {name: value for name, value in said.items() if value is not None}
    sizes = ("count", "target", "size", "preset")
    if any(name in given for name in sizes):
        given = dict.fromkeys(sizes) | given
        if "measure" not in given:
            given["measure"] = ""
    return replace(town, drafting=replace(town.drafting, **given))


def _with_layers(town: "Town", along: dict[str, list[str] | None]) -> "Town":
    """Return the town with the layers that options name: keys of gridgeo.toml, or map files, which are read."""
    from gridgeo.layers import read_layer

    layers = dict(town.layers)
    asked: dict[str, Any] = {}
    for name, keys in along.items():
        if keys is None:
            continue
        for key in keys:
            if key not in layers:
                layers[key] = read_layer(Path(key))
        asked[name] = tuple(keys)
    return replace(town, layers=layers, drafting=replace(town.drafting, **asked)) if asked else town
