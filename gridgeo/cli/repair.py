"""``gridgeo repair``: show the plan of a repair, carry it out on a copy, undo it."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from gridgeo._words import listed
from gridgeo.cli.options import (
    id_option,
    layer_option,
    quiet_option,
    rank_column_option,
    target_argument,
    tolerance_option,
    within_option,
)
from gridgeo.cli.reading import NEEDS_ALONG, ONLY_FILE, ONLY_TOWN, is_town, read_barriers, refuse
from gridgeo.cli.saying import EXIT_FAULTS, WROTE, say, wants_bars
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.progress import showing_progress

_SHORT = Message("Mend a faulty tiling, and say what was done.", "修复有问题的图层，并说明做了什么。")
_HELP = Message(
    "Mend what breaks the claims of a town (grids, blocks within them, seams, professional grids) or one tiling of a"
    " map file, and nothing else, into a copy. The plan is printed before anything is written, and lies beside the copy"
    " afterwards: with it the repair is undone. Exit status 1: something is left.",
    "只修复违反城镇声明（网格、责任块、接边、专业网格）之处，或单个图层的重叠与缝隙，写入副本。先显示计划再写入；"
    "计划存于副本旁，可据此撤销。退出状态 1：仍有遗留。",
)
_OUTPUT = Message(
    "New file of the same kind, or new folder for the town; not needed for --dry-run.",
    "新文件（与输入同类），或城镇的新文件夹；--dry-run 时不需要。",
)
_CLAIM = Message(
    "Only this claim of gridgeo.toml is to be made true; may be repeated. By default all.",
    "只修复 gridgeo.toml 中的此项声明，可重复；默认全部。",
)
_ALONG = Message(
    "Map file with roads or rivers: borders return to those at a fault; --align moves others onto them.",
    "道路或河道（地图文件）：问题处的边界回到其上；--align 另将附近边界移到其上。",
)
_LOCK = Message(
    "LAYER or LAYER:ID that must not change; may be repeated.", "不得变动的图层或要素（图层:编号），可重复。"
)
_PRIORITY = Message(
    "LAYER or LAYER:ID to which overlaps are left, the first before the others; may be repeated.",
    "重叠时优先归属的图层或要素（图层:编号），先写者优先，可重复。",
)
_ALIGN = Message(
    "Metres within which borders beside roads and rivers are moved onto them.",
    "与道路河道相距不超过此值（米）的边界移到其上。",
)
_DRY_RUN = Message("Print the plan and write nothing.", "只显示计划，不写入任何文件。")
_FORMAT = Message(
    "Form of the plan: text to read, json to edit and give to --apply.",
    "计划的格式：text 供阅读，json 供编辑后用于 --apply。",
)
_APPLY = Message("Carry out this plan, as it was edited.", "执行此计划（可先编辑）。")
_UNDO = Message(
    "Undo this applied plan: TOWN|FILE is what the repair wrote, and --output what it was before.",
    "撤销此计划：输入为修复后的结果，--output 为还原的副本。",
)
_PAGE = Message("Write pictures before and after to this HTML file.", "把修复前后对照图写入此 HTML 文件。")
_NO_OUTPUT = Message(
    "name where the mended copy goes with --output, or look at the plan with --dry-run",
    "请用 --output 指定副本的位置，或用 --dry-run 只看计划",
)
_EITHER = Message("{option} doesn't go with {other}", "{option} 不能与 {other} 同用")
_SOUND = Message(
    "sound: the copy was read again and validated, and GEOS finds nothing either",
    "已校验副本：重新读取后无错误，GEOS 亦无异议",
)
_REMAIN = Message(
    "{count} errors are left in the copy; see gridgeo validate {path}",
    "副本中仍有 {count} 处错误；请运行 gridgeo validate {path} 查看",
)
_DOUBTED = Message(
    "GEOS finds mended features at odds with their neighbours: {features}",
    "GEOS 认为以下要素修复后仍与相邻要素不一致：{features}",
)


class PlanFormat(StrEnum):
    """How ``gridgeo repair`` prints its plan."""

    text = "text"
    json = "json"


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    @app.command(help=_HELP.text(), short_help=_SHORT.text())
    def repair(
        target: Annotated[Path, target_argument()],
        output: Annotated[
            Path | None,
            typer.Option("--output", "-o", metavar="OUT", help=_OUTPUT.text(), show_default=False),
        ] = None,
        claim: Annotated[list[str] | None, typer.Option(metavar="NAME", help=_CLAIM.text(), show_default=False)] = None,
        layer: Annotated[str | None, layer_option()] = None,
        id_column: Annotated[str | None, id_option()] = None,
        within: Annotated[Path | None, within_option()] = None,
        along: Annotated[Path | None, typer.Option(metavar="FILE", help=_ALONG.text(), show_default=False)] = None,
        rank_column: Annotated[str | None, rank_column_option()] = None,
        tolerance: Annotated[float | None, tolerance_option()] = None,
        lock: Annotated[
            list[str] | None, typer.Option(metavar="LAYER[:ID]", help=_LOCK.text(), show_default=False)
        ] = None,
        priority: Annotated[
            list[str] | None, typer.Option(metavar="LAYER[:ID]", help=_PRIORITY.text(), show_default=False)
        ] = None,
        align: Annotated[
            float | None, typer.Option(metavar="METRES", min=0.0, help=_ALIGN.text(), show_default=False)
        ] = None,
        dry_run: Annotated[bool, typer.Option("--dry-run", help=_DRY_RUN.text())] = False,
        plan_format: Annotated[PlanFormat, typer.Option("--format", help=_FORMAT.text())] = PlanFormat.text,
        apply: Annotated[Path | None, typer.Option(metavar="PLAN", help=_APPLY.text(), show_default=False)] = None,
        undo: Annotated[Path | None, typer.Option(metavar="PLAN", help=_UNDO.text(), show_default=False)] = None,
        page: Annotated[Path | None, typer.Option(metavar="FILE", help=_PAGE.text(), show_default=False)] = None,
        quiet: Annotated[bool, quiet_option()] = False,
    ) -> None:
        from gridgeo.cli import _repairing as command
        from gridgeo.repair.output import Source

        if output is None and not dry_run:
            raise InputError(Problem(str(target), _NO_OUTPUT))
        making = {"lock": lock, "priority": priority, "align": align}
        if undo is not None:
            others = {"apply": apply, "page": page, "dry-run": dry_run or None}
            refuse("", _EITHER, {**making, **others}, other="--undo")
        elif apply is not None:
            refuse("", _EITHER, making, other="--apply")
        with showing_progress(wants_bars(quiet)):
            read: command.Target
            if is_town(target):
                of_file = {"layer": layer, "id": id_column, "within": within, "along": along, "tolerance": tolerance}
                refuse(target, ONLY_FILE, of_file | {"rank-column": rank_column})
                read = command.TownProject(target, claim)
            else:
                refuse(target, ONLY_TOWN, {"claim": claim})
                if along is None:
                    refuse(target, NEEDS_ALONG, {"rank-column": rank_column, "align": align})
                barriers = read_barriers(along, rank_column, quiet) if along is not None else None
                read = command.MapFile(Source(target, layer, id_column), within, barriers, tolerance or 0.0)
            if undo is not None and output is not None:
                say(WROTE.text(what=command.undo(read, undo, output)), quiet)
                raise typer.Exit
            command.check_places(read, output, page)
            made = command.mended(read, command.Options(align, lock or (), priority or ()), apply)
            typer.echo(command.shown_plan(read, made.plan, plan_format.value).rstrip("\n"))
            if dry_run or output is None:
                raise typer.Exit(EXIT_FAULTS if made.plan.left else 0)
            outcome = command.write(read, made, output, page)
        for path in outcome.written:
            say(WROTE.text(what=path), quiet)
        errors = outcome.report.counts["error"]
        if errors:
            say(_REMAIN.text(count=errors, path=output), quiet)
        if outcome.doubted:
            say(_DOUBTED.text(features=listed(":".join(feature) for feature in outcome.doubted)), quiet)
        if not errors and not outcome.doubted:
            say(_SOUND.text(), quiet)
        raise typer.Exit(EXIT_FAULTS if errors or outcome.doubted else 0)
