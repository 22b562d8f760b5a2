"""The command line: parse the arguments, call one public function, print. No geometry here.

Data goes to standard output, everything else to standard error. Exit status: 0 all is well; 1 faults were found; 2 the
run could not be done. Commands import what they need when they run, so that help and small jobs start at once.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gridgeo._parallel import processors
from gridgeo.errors import GridgeoError, InputError, Problem
from gridgeo.language import Language, Message, locale_language, use_language
from gridgeo.progress import showing_progress

if TYPE_CHECKING:
    from gridgeo.network import Barriers
    from gridgeo.render.scene import Scene
    from gridgeo.validate import Report

EXIT_FAULTS = 1
EXIT_NOT_DONE = 2


class ReportFormat(StrEnum):
    """How ``gridgeo validate`` prints its report."""

    text = "text"
    json = "json"
    sarif = "sarif"
    junit = "junit"
    github = "github"
    html = "html"
    gpkg = "gpkg"


class PlanFormat(StrEnum):
    """How ``gridgeo repair`` prints its plan."""

    text = "text"
    json = "json"


class NoticeFormat(StrEnum):
    """What ``gridgeo render`` makes of each block."""

    pdf = "pdf"
    png = "png"
    html = "html"


class Paper(StrEnum):
    """The paper that ``gridgeo render`` prints on."""

    A4 = "A4"
    A3 = "A3"
    A2 = "A2"
    A1 = "A1"
    A0 = "A0"


class Turned(StrEnum):
    """Which way the paper is turned."""

    portrait = "portrait"
    landscape = "landscape"


class LeastRank(StrEnum):
    """The least rank of barriers that count for ``gridgeo validate --along``."""

    river = "river"
    main_road = "main-road"
    road = "road"
    lane = "lane"


class FailOn(StrEnum):
    """The least severity at which ``gridgeo validate`` exits with status 1."""

    error = "error"
    warning = "warning"


# ---------------------------------------------------------------------------------------------------- what it says

_ABOUT = Message(
    "Responsibility grids of a town: draft the blocks, prove that they tile the town without gap or overlap, and make"
    " the notices that are posted in public.",
    "城镇责任网格：划分责任块，校验无缝拼接、互不交叉，并制作张贴公示的责任网格图。",
)
_ABOUT_EPILOG = Message(
    "Start with: gridgeo demo OUT. For your own layers: gridgeo init FOLDER, then validate, partition, render."
    " Exit status: 0 all is well, 1 faults found, 2 the run could not be done.",
    "先试：gridgeo demo OUT。用于自己的图层：gridgeo init 文件夹，然后 validate、partition、render。"
    "退出状态：0 正常，1 发现问题，2 无法执行。",
)
_LANG = Message("Language of messages: en or zh; by default the locale's.", "提示语言：en 或 zh；默认随系统区域设置。")
_VERSION = Message("Print the version and stop.", "显示版本号后退出。")
_QUIET = Message("No progress bars and no summary on standard error.", "不显示进度条和标准错误上的摘要。")
_TOWN = Message("gridgeo.toml of the town, or the folder that holds it.", "城镇的 gridgeo.toml，或其所在文件夹。")

_DEMO_SHORT = Message("Do the whole job on a sample town.", "用示例镇走完全流程。")
_DEMO = Message(
    "Make the sample town and do the whole job on it: draft its blocks, validate them, render the notices and the map.",
    "生成示例镇并走完全流程：划分责任块、校验、制作公示图和总览地图。",
)
_DEMO_OUT = Message("Folder for everything that is made; must be new or empty.", "输出文件夹，须为新建或空文件夹。")
_DEMO_POLYGONS = Message("Number of grids in the town.", "示例镇的网格数量。")
_DEMO_SEED = Message("Another seed makes another town.", "换一个种子就得到另一个镇。")
_DEMO_FAULTS = Message(
    "Plant this many faults of several kinds and only validate: shows what a faulty town's report looks like.",
    "植入这么多处各类问题并只做校验，用来看有问题的城镇报告是什么样。",
)

_INIT_SHORT = Message(
    "Write a starter gridgeo.toml from a folder of map files.", "根据地图文件写出 gridgeo.toml 初稿。"
)
_INIT = Message(
    "Write a commented starter gridgeo.toml from the map files found in a folder.",
    "根据文件夹中的地图文件写出带注释的 gridgeo.toml 初稿。",
)
_INIT_FOLDER = Message("Folder with the town's map files.", "存放城镇地图文件的文件夹。")
_INIT_FORCE = Message("Replace a gridgeo.toml that is already there.", "覆盖已有的 gridgeo.toml。")

_VALIDATE_SHORT = Message(
    "Prove that layers tile the town, or name every fault.", "校验图层无缝拼接，否则逐一指出问题。"
)
_VALIDATE = Message(
    "Prove that the layers tile the town, or name every fault: overlaps, gaps, uncovered and outside areas, missing"
    " vertices.",
    "证明各图层无缝铺满全镇，否则逐一指出问题：重叠、缝隙、未覆盖、越界、缺失节点。",
)
_VALIDATE_TARGET = Message(
    "gridgeo.toml (all its claims are checked), or one map file of polygons.",
    "gridgeo.toml（检查其中全部声明），或一个多边形地图文件。",
)
_VALIDATE_CLAIM = Message(
    "Check only this claim of gridgeo.toml; may be repeated.", "只检查 gridgeo.toml 中的这项声明，可重复。"
)
_VALIDATE_LAYER = Message("Layer of the map file.", "地图文件中的图层。")
_VALIDATE_ID = Message("Column of the map file that holds the ids.", "地图文件中的编号列。")
_VALIDATE_WITHIN = Message("Map file with the extent that must be covered.", "须被铺满的范围（地图文件）。")
_VALIDATE_ALONG = Message(
    "Map file with roads or rivers along which borders should run.", "边界应沿其划定的道路或河道（地图文件）。"
)
_VALIDATE_RANK_COLUMN = Message(
    "Column of that file with the rank: river, main-road, road, lane, or a class of OpenStreetMap; without it every"
    " feature counts.",
    "该文件中的等级列：river、main-road、road、lane，或 OpenStreetMap 的道路等级；不写则全部计入。",
)
_VALIDATE_RANK = Message("Least rank that counts.", "计入的最低等级。")
_VALIDATE_SHARE = Message(
    "Least share of each border along it, 0 to 1; without it borders are only measured.",
    "每条边界沿线的最低比例（0 到 1）；不写则仅作量算。",
)
_NEEDS_ALONG = Message("{option} goes with --along FILE", "{option} 须与 --along 文件 同用")
_VALIDATE_TOLERANCE = Message(
    "Metres: faults no wider than this are warnings.", "容差（米）：宽度不超过此值的问题只作警告。"
)
_VALIDATE_FORMAT = Message(
    "Form of the report; gpkg is a map file of the faults, styled for QGIS, and needs --output.",
    "报告格式；gpkg 为带 QGIS 样式的问题图层文件，须配合 --output 使用。",
)
_NEEDS_OUTPUT = Message(
    "a GeoPackage can't be printed; name the file with --output faults.gpkg",
    "GeoPackage 不能打印到屏幕；请用 --output faults.gpkg 指定文件",
)
_VALIDATE_OUTPUT = Message(
    "Write the report to this file instead of standard output.", "报告写入此文件，而不是标准输出。"
)
_VALIDATE_FAIL_ON = Message("Least severity that makes the exit status 1.", "使退出状态为 1 的最低严重程度。")

_PARTITION_SHORT = Message("Draft responsibility blocks along roads and rivers.", "沿道路河道划分责任块。")
_PARTITION = Message(
    "Draft the responsibility blocks: cut each grid along its roads, lanes and rivers into parts of near equal"
    " workload.",
    "划分责任块：沿道路、街巷和河道把每个网格切成工作量相近的块。",
)
_PARTITION_OUTPUT = Message(
    "Map file for the blocks; by default the one that gridgeo.toml names in [partition].",
    "责任块写入的地图文件；默认用 gridgeo.toml 中 [partition] 指定的文件。",
)
_REPAIR_SHORT = Message("Mend a faulty tiling, and say what was done.", "修复有问题的图层，并说明做了什么。")
_REPAIR = Message(
    "Mend overlaps, gaps and missing vertices and nothing else, into a copy. The plan is printed before anything is"
    " written, and lies beside the copy afterwards: with it the repair is undone. Exit status 1: something is left.",
    "只修复重叠、缝隙和缺失节点，写入副本。先显示计划再写入；计划存于副本旁，可据此撤销。退出状态 1：仍有遗留。",
)
_REPAIR_OUTPUT = Message(
    "New file of the same kind, or new folder for the town; not needed for --dry-run.",
    "新文件（与输入同类），或城镇的新文件夹；--dry-run 时不需要。",
)
_REPAIR_CLAIM = Message(
    "Which tiling of gridgeo.toml is to be repaired, where there are several.",
    "要修复 gridgeo.toml 中的哪项无缝声明（有多项时）。",
)
_REPAIR_ALONG = Message("Map file with roads or rivers, for --align.", "道路或河道（地图文件），用于 --align。")
_REPAIR_LOCK = Message(
    "LAYER or LAYER:ID that must not change; may be repeated.", "不得变动的图层或要素（图层:编号），可重复。"
)
_REPAIR_PRIORITY = Message(
    "LAYER or LAYER:ID to which overlaps are left, the first before the others; may be repeated.",
    "重叠时优先归属的图层或要素（图层:编号），先写者优先，可重复。",
)
_REPAIR_ALIGN = Message(
    "Metres within which borders beside roads and rivers are moved onto them.",
    "与道路河道相距不超过此值（米）的边界移到其上。",
)
_REPAIR_DRY_RUN = Message("Print the plan and write nothing.", "只显示计划，不写入任何文件。")
_REPAIR_FORMAT = Message(
    "Form of the plan: text to read, json to edit and give to --apply.",
    "计划的格式：text 供阅读，json 供编辑后用于 --apply。",
)
_REPAIR_APPLY = Message("Carry out this plan, as it was edited.", "执行此计划（可先编辑）。")
_REPAIR_UNDO = Message(
    "Undo this applied plan: TOWN|FILE is what the repair wrote, and --output what it was before.",
    "撤销此计划：输入为修复后的结果，--output 为还原的副本。",
)
_REPAIR_PAGE = Message("Write pictures before and after to this HTML file.", "把修复前后对照图写入此 HTML 文件。")
_REPAIR_NO_OUTPUT = Message(
    "name where the mended copy goes with --output, or look at the plan with --dry-run",
    "请用 --output 指定副本的位置，或用 --dry-run 只看计划",
)
_REPAIR_EITHER = Message("{option} doesn't go with {other}", "{option} 不能与 {other} 同用")
_REPAIR_SOUND = Message("sound: the copy was validated, no error is left", "已校验副本：无错误")
_REPAIR_REMAIN = Message(
    "{count} errors are left in the copy; see gridgeo validate {path}",
    "副本中仍有 {count} 处错误；请运行 gridgeo validate {path} 查看",
)
_RENDER_SHORT = Message("Make the public notices and the town's map.", "制作公示图和总览地图。")
_RENDER = Message(
    "Make the public notices, one a block as PDF or picture, and the town's overview map as one HTML file that needs"
    " no network.",
    "制作公示图（每个责任块一张，PDF 或图片）和无需联网的全镇总览地图（单个 HTML 文件）。",
)
_RENDER_OUT = Message("Folder for the notices and the map.", "公示图和地图的输出文件夹。")
_RENDER_FORMAT = Message(
    "Form of the notices: pdf for print, png for phones, html for the web; may be repeated.",
    "公示图格式：pdf 用于张贴，png 用于手机，html 用于网站；可重复。",
)
_RENDER_PAPER = Message("Paper of the PDFs; may be repeated.", "PDF 的纸张大小，可重复。")
_RENDER_ORIENTATION = Message("Which way the paper is turned.", "纸张方向：纵向或横向。")
_RENDER_CHECK = Message(
    "Then reopen every file and look whether all is there, to be read and to be seen; exit 1 if not.",
    "随后重新打开每个文件，检查内容是否齐全、可读、可见；有问题则退出状态为 1。",
)
_CHECKED = Message("{count} files checked: {findings}", "已检查 {count} 个文件：{findings}")
_NO_FINDINGS = Message("nothing wrong", "没有问题")
_FINDINGS = Message("{count} findings", "{count} 处问题")
_JOBS = Message("Processes at most; by default one a core.", "最多使用的进程数；默认每个处理器核心一个。")

_UNKNOWN_LANGUAGE = Message("--lang takes en or zh, not {given}", "--lang 只接受 en 或 zh，不接受 {given}")
_BAD_ARGUMENTS = Message("{reason} Try: {command} --help", "{reason} 可用 {command} --help 查看用法")
_INTERNAL = Message(
    "an error of gridgeo itself, not of your data ({reason}); please report it with the output of GRIDGEO_DEBUG=1",
    "gridgeo 自身出错，与您的数据无关（{reason}）；请设置 GRIDGEO_DEBUG=1 重新运行并反馈输出",
)
_NOT_EMPTY = Message("the folder is not empty; name a new one", "文件夹不是空的；请换一个新文件夹")
_ONLY_FILE = Message(
    "{option} is for a single map file; in a town project gridgeo.toml says it",
    "{option} 只用于单个地图文件；城镇项目请在 gridgeo.toml 中设置",
)
_ONLY_TOWN = Message("{option} is for a town project (gridgeo.toml)", "{option} 只用于城镇项目（gridgeo.toml）")
_NO_OUTPUT = Message(
    '[partition] names no output file; add output = "blocks.gpkg" or give --output',
    '[partition] 未指定输出文件；请添加 output = "blocks.gpkg" 或使用 --output',
)
_WROTE = Message("wrote {what}", "已写入 {what}")
_WARNING = Message("warning: {text}", "警告：{text}")
_MORE_WARNINGS = Message("warning: {count} more like these", "警告：另有 {count} 条类似提示")
_STARTER = Message(
    "Read it through, complete what is marked, then run: gridgeo validate {path}",
    "请通读并补全其中标出的内容，然后运行：gridgeo validate {path}",
)
_DRAFTED = Message("{blocks} blocks drafted in {grids} grids", "在 {grids} 个网格中划分出 {blocks} 个责任块")
_MADE_TOWN = Message(
    "sample town of {polygons} grids (invented data)", "示例镇，{polygons} 个网格（示例数据，纯属虚构）"
)
_MADE_NOTICES = Message("{count} notices", "{count} 张公示图")
_MADE_PAGES = Message("{count} web pages", "{count} 个网页")
_MADE_MAP = Message("overview map, works offline", "全镇总览地图，离线可用")
_MADE_REPORT = Message("validation report", "校验报告")
_TOOK = Message("done in {seconds:.0f} s", "用时 {seconds:.0f} 秒")
_FOUND = Message("{found} of {planted} planted faults found", "植入的 {planted} 处问题中找出 {found} 处")


# ---------------------------------------------------------------------------------------------------- the commands


def build_app() -> typer.Typer:
    """Return the command line application with its help in the current language."""
    app = typer.Typer(
        name="gridgeo",
        help=_ABOUT.text(),
        epilog=_ABOUT_EPILOG.text(),
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    quiet_option = typer.Option("--quiet", "-q", help=_QUIET.text())
    target_argument = typer.Argument(help=_VALIDATE_TARGET.text(), metavar="TOWN|FILE", show_default=False)
    layer_option = typer.Option(metavar="NAME", help=_VALIDATE_LAYER.text(), show_default=False)
    id_option = typer.Option("--id", metavar="COLUMN", help=_VALIDATE_ID.text(), show_default=False)
    within_option = typer.Option(metavar="FILE", help=_VALIDATE_WITHIN.text(), show_default=False)
    rank_column_option = typer.Option(metavar="COLUMN", help=_VALIDATE_RANK_COLUMN.text(), show_default=False)
    tolerance_option = typer.Option(metavar="METRES", min=0.0, help=_VALIDATE_TOLERANCE.text(), show_default=False)
    town_argument = typer.Argument(help=_TOWN.text(), metavar="TOWN", show_default=False)

    @app.callback()
    def gridgeo(
        lang: Annotated[
            str | None, typer.Option("--lang", metavar="en|zh", help=_LANG.text(), callback=_known_language)
        ] = None,
        version: Annotated[bool, typer.Option("--version", help=_VERSION.text(), callback=_print_version)] = False,
    ) -> None:
        """Hold the options that all commands share; `main` has already taken --lang out of the arguments."""

    @app.command(help=_DEMO.text(), short_help=_DEMO_SHORT.text())
    def demo(
        out: Annotated[Path, typer.Argument(help=_DEMO_OUT.text(), metavar="OUT")],
        polygons: Annotated[int, typer.Option(metavar="N", min=60, max=1_000_000, help=_DEMO_POLYGONS.text())] = 60,
        seed: Annotated[int, typer.Option(metavar="N", min=0, help=_DEMO_SEED.text())] = 0,
        faults: Annotated[int, typer.Option(metavar="N", min=0, max=10_000, help=_DEMO_FAULTS.text())] = 0,
        quiet: Annotated[bool, quiet_option] = False,
    ) -> None:
        with showing_progress(_wants_bars(quiet)):
            raise typer.Exit(_demo(out, polygons, seed, faults, quiet))

    @app.command(help=_INIT.text(), short_help=_INIT_SHORT.text())
    def init(
        folder: Annotated[Path, typer.Argument(help=_INIT_FOLDER.text(), metavar="FOLDER")] = Path(),
        force: Annotated[bool, typer.Option("--force", help=_INIT_FORCE.text())] = False,
    ) -> None:
        from gridgeo.starter import write_starter

        path = write_starter(folder, overwrite=force)
        _say(_WROTE.text(what=path))
        _say(_STARTER.text(path=path))

    @app.command(help=_VALIDATE.text(), short_help=_VALIDATE_SHORT.text())
    def validate(
        target: Annotated[Path, target_argument],
        claim: Annotated[
            list[str] | None, typer.Option(metavar="NAME", help=_VALIDATE_CLAIM.text(), show_default=False)
        ] = None,
        layer: Annotated[str | None, layer_option] = None,
        id_column: Annotated[str | None, id_option] = None,
        within: Annotated[Path | None, within_option] = None,
        along: Annotated[
            Path | None, typer.Option(metavar="FILE", help=_VALIDATE_ALONG.text(), show_default=False)
        ] = None,
        rank_column: Annotated[str | None, rank_column_option] = None,
        rank: Annotated[LeastRank | None, typer.Option(help=_VALIDATE_RANK.text(), show_default="lane")] = None,
        share: Annotated[
            float | None, typer.Option(min=0.0, max=1.0, help=_VALIDATE_SHARE.text(), show_default=False)
        ] = None,
        tolerance: Annotated[float | None, tolerance_option] = None,
        report_format: Annotated[
            ReportFormat, typer.Option("--format", help=_VALIDATE_FORMAT.text())
        ] = ReportFormat.text,
        output: Annotated[
            Path | None,
            typer.Option("--output", "-o", metavar="FILE", help=_VALIDATE_OUTPUT.text(), show_default=False),
        ] = None,
        fail_on: Annotated[FailOn, typer.Option(help=_VALIDATE_FAIL_ON.text())] = FailOn.error,
        quiet: Annotated[bool, quiet_option] = False,
    ) -> None:
        asked = {"rank-column": rank_column, "rank": rank, "share": share}
        if report_format is ReportFormat.gpkg and output is None:
            raise InputError(Problem("--format gpkg", _NEEDS_OUTPUT))
        with showing_progress(_wants_bars(quiet)):
            if _is_town(target):
                options = {"layer": layer, "id": id_column, "within": within, "along": along, "tolerance": tolerance}
                _refuse(target, _ONLY_FILE, {**options, **asked})
                report = _validate_town(target, claim)
            else:
                _refuse(target, _ONLY_TOWN, {"claim": claim})
                barriers = _read_barriers(along, rank_column, quiet) if along is not None else None
                if along is None:
                    _refuse(target, _NEEDS_ALONG, asked)
                report = _validate_file(
                    target, layer, id_column, within, tolerance or 0.0, barriers, rank or LeastRank.lane, share or 0.0
                )
        if output is None:
            typer.echo(getattr(report, f"to_{report_format.value}")().rstrip("\n"))
        elif report_format is ReportFormat.gpkg:
            _say(_WROTE.text(what=report.to_gpkg(output)), quiet)
        else:
            from gridgeo._files import write_whole

            content: str = getattr(report, f"to_{report_format.value}")()
            _say(_WROTE.text(what=write_whole(output, content)), quiet)
        raise typer.Exit(EXIT_FAULTS if report.fails(on=fail_on.value) else 0)

    @app.command(help=_REPAIR.text(), short_help=_REPAIR_SHORT.text())
    def repair(
        target: Annotated[Path, target_argument],
        output: Annotated[
            Path | None,
            typer.Option("--output", "-o", metavar="OUT", help=_REPAIR_OUTPUT.text(), show_default=False),
        ] = None,
        claim: Annotated[
            str | None, typer.Option(metavar="NAME", help=_REPAIR_CLAIM.text(), show_default=False)
        ] = None,
        layer: Annotated[str | None, layer_option] = None,
        id_column: Annotated[str | None, id_option] = None,
        within: Annotated[Path | None, within_option] = None,
        along: Annotated[
            Path | None, typer.Option(metavar="FILE", help=_REPAIR_ALONG.text(), show_default=False)
        ] = None,
        rank_column: Annotated[str | None, rank_column_option] = None,
        tolerance: Annotated[float | None, tolerance_option] = None,
        lock: Annotated[
            list[str] | None, typer.Option(metavar="LAYER[:ID]", help=_REPAIR_LOCK.text(), show_default=False)
        ] = None,
        priority: Annotated[
            list[str] | None, typer.Option(metavar="LAYER[:ID]", help=_REPAIR_PRIORITY.text(), show_default=False)
        ] = None,
        align: Annotated[
            float | None, typer.Option(metavar="METRES", min=0.0, help=_REPAIR_ALIGN.text(), show_default=False)
        ] = None,
        dry_run: Annotated[bool, typer.Option("--dry-run", help=_REPAIR_DRY_RUN.text())] = False,
        plan_format: Annotated[PlanFormat, typer.Option("--format", help=_REPAIR_FORMAT.text())] = PlanFormat.text,
        apply: Annotated[
            Path | None, typer.Option(metavar="PLAN", help=_REPAIR_APPLY.text(), show_default=False)
        ] = None,
        undo: Annotated[Path | None, typer.Option(metavar="PLAN", help=_REPAIR_UNDO.text(), show_default=False)] = None,
        page: Annotated[Path | None, typer.Option(metavar="FILE", help=_REPAIR_PAGE.text(), show_default=False)] = None,
        quiet: Annotated[bool, quiet_option] = False,
    ) -> None:
        from gridgeo import _repair_command as command
        from gridgeo.repair.output import Source

        if output is None and not dry_run:
            raise InputError(Problem(str(target), _REPAIR_NO_OUTPUT))
        making = {"lock": lock, "priority": priority, "align": align}
        if undo is not None:
            others = {"apply": apply, "page": page, "dry-run": dry_run or None}
            _refuse("", _REPAIR_EITHER, {**making, **others}, other="--undo")
        elif apply is not None:
            _refuse("", _REPAIR_EITHER, making, other="--apply")
        with showing_progress(_wants_bars(quiet)):
            read: command.Target
            if _is_town(target):
                of_file = {"layer": layer, "id": id_column, "within": within, "along": along, "tolerance": tolerance}
                _refuse(target, _ONLY_FILE, of_file | {"rank-column": rank_column})
                read = command.TownProject(target, claim)
            else:
                _refuse(target, _ONLY_TOWN, {"claim": claim})
                if along is None:
                    _refuse(target, _NEEDS_ALONG, {"rank-column": rank_column, "align": align})
                barriers = _read_barriers(along, rank_column, quiet) if along is not None else None
                read = command.MapFile(Source(target, layer, id_column), within, barriers, tolerance or 0.0)
            if undo is not None and output is not None:
                _say(_WROTE.text(what=command.undo(read, undo, output)), quiet)
                raise typer.Exit
            plan = command.make_plan(read, command.Options(align, lock or (), priority or ()), apply)
            typer.echo(command.shown_plan(read, plan, plan_format.value).rstrip("\n"))
            if dry_run or output is None:
                raise typer.Exit(EXIT_FAULTS if plan.left else 0)
            outcome = command.carry_out(read, plan, output, page)
        for path in outcome.written:
            _say(_WROTE.text(what=path), quiet)
        errors = outcome.report.counts["error"]
        _say(_REPAIR_REMAIN.text(count=errors, path=output) if errors else _REPAIR_SOUND.text(), quiet)
        raise typer.Exit(EXIT_FAULTS if errors else 0)

    @app.command(help=_PARTITION.text(), short_help=_PARTITION_SHORT.text())
    def partition(
        town: Annotated[Path, town_argument],
        output: Annotated[
            Path | None,
            typer.Option("--output", "-o", metavar="FILE", help=_PARTITION_OUTPUT.text(), show_default=False),
        ] = None,
        quiet: Annotated[bool, quiet_option] = False,
    ) -> None:
        with showing_progress(_wants_bars(quiet)):
            _partition(town, output, quiet)

    @app.command(help=_RENDER.text(), short_help=_RENDER_SHORT.text())
    def render(
        town: Annotated[Path, town_argument],
        out: Annotated[Path, typer.Argument(help=_RENDER_OUT.text(), metavar="OUT", show_default=False)],
        notice_format: Annotated[
            list[NoticeFormat] | None, typer.Option("--format", help=_RENDER_FORMAT.text(), show_default="pdf")
        ] = None,
        paper: Annotated[list[Paper] | None, typer.Option(help=_RENDER_PAPER.text(), show_default="A3")] = None,
        orientation: Annotated[Turned, typer.Option(help=_RENDER_ORIENTATION.text())] = Turned.portrait,
        check: Annotated[bool, typer.Option("--check", help=_RENDER_CHECK.text())] = False,
        jobs: Annotated[int | None, typer.Option(metavar="N", min=1, help=_JOBS.text(), show_default=False)] = None,
        quiet: Annotated[bool, quiet_option] = False,
    ) -> None:
        forms = [form.value for form in notice_format or [NoticeFormat.pdf]]
        papers = [sheet.value for sheet in paper or [Paper.A3]]
        processes = jobs or processors()
        sheets: dict[str, Any] = {"formats": forms, "papers": papers, "orientation": orientation.value}
        with showing_progress(_wants_bars(quiet)):
            read = _render(town, out, quiet, jobs=processes, **sheets)
            raise typer.Exit(_check(read, out, processes, quiet) if check else 0)

    return app


# ---------------------------------------------------------------------------------------------------- what they do


def _demo(out: Path, polygons: int, seed: int, faults: int, quiet: bool) -> int:
    from gridgeo._files import write_whole
    from gridgeo.sample import write_sample
    from gridgeo.town import read_town
    from gridgeo.validate import validate_town

    begun = time.monotonic()
    _must_be_empty(out)
    town_file = write_sample(out / "town", polygons=polygons, seed=seed, faults=faults or None)
    _say_made(town_file, _MADE_TOWN.text(polygons=polygons), quiet)
    if not faults:
        _partition(town_file, None, quiet=quiet)
    town = read_town(town_file)
    # blocks are not drafted in a faulty town, so there is nothing to claim of them
    claims = [claim.name for claim in town.claims if "blocks" not in claim.keys] if faults else None
    report = validate_town(town, claims=claims)
    text = report.to_text()
    write_whole(out / "report.txt", text)
    write_whole(out / "report.json", report.to_json())
    _say_made(out / "report.txt", _MADE_REPORT.text(), quiet)
    if not faults:
        _render(town_file, out, quiet, jobs=processors())
        _say(_TOOK.text(seconds=time.monotonic() - begun), quiet)
    typer.echo(text.rstrip("\n"))
    if faults:
        _say_found(town_file.with_name("planted.json"), report, quiet)
    return EXIT_FAULTS if report.fails(on="error") else 0


def _say_found(planted_file: Path, report: "Report", quiet: bool) -> None:
    planted = json.loads(planted_file.read_text(encoding="utf-8"))
    named = {(fault.code, frozenset(fault.features)) for fault in report.records}
    found = sum((fault["code"], frozenset(fault["features"])) in named for fault in planted)
    _say(_FOUND.text(found=found, planted=len(planted)), quiet)


def _validate_town(path: Path, claims: list[str] | None) -> "Report":
    from gridgeo.town import read_town
    from gridgeo.validate import validate_town

    return validate_town(read_town(path), claims=claims)


def _validate_file(
    path: Path,
    layer: str | None,
    id_column: str | None,
    within: Path | None,
    tolerance: float,
    barriers: "Barriers | None",
    rank: LeastRank,
    share: float,
) -> "Report":
    from gridgeo.layers import read_layer
    from gridgeo.validate import validate_tiling

    polygons = read_layer(path, layer=layer, id_column=id_column)
    extent = read_layer(within) if within is not None else None
    return validate_tiling(
        polygons,
        within=extent,
        along=barriers,
        tolerance=tolerance,
        rank=rank.value,
        share=share,
        name=polygons.name,
    )


def _read_barriers(path: Path, rank_column: str | None, quiet: bool) -> "Barriers":
    from gridgeo.starter import read_barriers

    barriers, warnings = read_barriers(path, rank_column=rank_column)
    _warn(warnings, quiet)
    return barriers


def _partition(path: Path, output: Path | None, quiet: bool) -> None:
    from gridgeo.layers import write_layer
    from gridgeo.partition import partition_town
    from gridgeo.town import read_town

    town = read_town(path)
    target = output or town.drafting.output
    if target is None:
        raise InputError(Problem(str(town.path), _NO_OUTPUT))
    warnings: list[Problem] = list(town.problems)
    blocks = partition_town(town, warnings=warnings)
    write_layer(blocks, target, layer="blocks")
    _warn(warnings, quiet)
    drafted = _DRAFTED.text(blocks=len(blocks), grids=blocks.groupby(["grid_layer", "grid"]).ngroups)
    _say_made(target, drafted, quiet)


def _render(path: Path, out: Path, quiet: bool, formats: Sequence[str] = ("pdf",), **options: Any) -> "Scene":
    from gridgeo.render import render_map, render_notices, render_pages
    from gridgeo.render.scene import make_scene
    from gridgeo.town import read_town

    town = read_town(path)
    warnings: list[Problem] = list(town.problems)
    scene = make_scene(town)
    printed: list[Any] = [form for form in formats if form != "html"]
    notices = render_notices(scene, out, formats=printed, warnings=warnings, **options) if printed else []
    pages = render_pages(scene, out / "pages", warnings=warnings) if "html" in formats else []
    overview = render_map(scene, out / "map.html")
    _warn(warnings, quiet)
    if notices:
        _say_made(out / "notices", _MADE_NOTICES.text(count=len(notices)), quiet)
    if pages:
        _say_made(out / "pages", _MADE_PAGES.text(count=len(pages)), quiet)
    _say_made(overview, _MADE_MAP.text(), quiet)
    return scene


def _check(scene: "Scene", out: Path, jobs: int, quiet: bool) -> int:
    from gridgeo.render.checking import check_notices

    count, findings = check_notices(scene, out, jobs=jobs)
    for finding in findings:
        typer.echo(finding.text())
    said = _FINDINGS.text(count=len(findings)) if findings else _NO_FINDINGS.text()
    _say(_CHECKED.text(count=count, findings=said), quiet)
    return EXIT_FAULTS if findings else 0


# ---------------------------------------------------------------------------------------------------- small helpers


def _is_town(path: Path) -> bool:
    return path.suffix.lower() == ".toml" or (path / "gridgeo.toml").is_file()


def _refuse(where: object, why: Message, options: Mapping[str, object], **values: object) -> None:
    """Say which of some options don't go with what else was given, instead of leaving them unused."""
    given = [f"--{name}" for name, value in options.items() if value is not None and value != []]
    if given:
        raise InputError([Problem(str(where), why, {"option": option} | values) for option in given])


def _must_be_empty(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(Problem(str(folder), _NOT_EMPTY))


def _wants_bars(quiet: bool) -> bool:
    return not quiet and sys.stderr.isatty()


def _say(text: str, quiet: bool = False) -> None:
    if not quiet:
        typer.echo(text, err=True)


def _say_made(path: Path, what: str, quiet: bool = False) -> None:
    _say(f"{path}  {what}", quiet)


def _warn(problems: Iterable[Problem], quiet: bool, most: int = 20) -> None:
    lines = list(dict.fromkeys(problem.text() for problem in problems))
    for line in lines[:most]:
        _say(_WARNING.text(text=line), quiet)
    if len(lines) > most:
        _say(_MORE_WARNINGS.text(count=len(lines) - most), quiet)


def _print_version(wanted: bool) -> None:
    if wanted:
        from gridgeo import __version__

        typer.echo(f"gridgeo {__version__}")
        raise typer.Exit


def _known_language(given: str | None) -> None:
    if given is not None:
        raise InputError(Problem("", _UNKNOWN_LANGUAGE, {"given": given or "\u2014"}))


def _take_language(arguments: list[str]) -> tuple[Language, list[str]]:
    """Return the language that ``--lang`` asks for, wherever it stands, and the arguments without it.

    It has to be known before the application is built, because help texts are in that language too. A language that
    gridgeo doesn't speak is left among the arguments, for the application to complain about.
    """
    language, rest = locale_language(), list[str]()
    pending = iter(arguments)
    for argument in pending:
        if argument == "--":
            return language, [*rest, argument, *pending]
        if argument == "--lang" or argument.startswith("--lang="):
            given = argument.partition("=")[2] or next(pending, "")
            if given in ("en", "zh"):
                language = "zh" if given == "zh" else "en"
            else:
                rest.insert(0, f"--lang={given}")
        else:
            rest.append(argument)
    return language, rest


def _run(command: Callable[[], Any]) -> int:
    """Run ``command`` and return the exit status; whatever goes wrong is said in plain lines on standard error."""
    try:
        return command() or 0
    except InputError as error:
        for problem in error.problems:
            typer.echo(f"gridgeo: {problem.text()}", err=True)
    except GridgeoError as error:
        typer.echo(f"gridgeo: {error}", err=True)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader has left: nothing more to say
        return 0
    except Exception as error:
        # typer's own complaints about arguments; its exception classes live in a private module
        if not hasattr(error, "format_message"):
            if os.environ.get("GRIDGEO_DEBUG"):
                raise
            reason = f"{type(error).__name__}: {error}"
            typer.echo(f"gridgeo: {_INTERNAL.text(reason=reason)}", err=True)
        elif type(error).__name__ != "NoArgsIsHelpError":
            context = getattr(error, "ctx", None)
            command_path = context.command_path if context else "gridgeo"
            typer.echo(f"gridgeo: {_BAD_ARGUMENTS.text(reason=error.format_message(), command=command_path)}", err=True)
        else:
            typer.echo(error.format_message())
    return EXIT_NOT_DONE


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit the process with its status."""
    language, rest = _take_language(list(sys.argv[1:] if arguments is None else arguments))
    with use_language(language):
        raise SystemExit(_run(lambda: build_app()(args=rest, prog_name="gridgeo", standalone_mode=False)))
