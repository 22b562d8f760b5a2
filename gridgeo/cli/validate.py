"""``gridgeo validate``: prove that layers tile the town, or name every fault."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

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

if TYPE_CHECKING:
    from gridgeo.network import Barriers
    from gridgeo.validate import Report

_SHORT = Message("Prove that layers tile the town, or name every fault.", "校验图层无缝拼接，否则逐一指出问题。")
_HELP = Message(
    "Prove that the layers tile the town, or name every fault: overlaps, gaps, uncovered and outside areas, missing"
    " vertices.",
    "证明各图层无缝铺满全镇，否则逐一指出问题：重叠、缝隙、未覆盖、越界、缺失节点。",
)
_CLAIM = Message(
    "Check only this claim of gridgeo.toml; may be repeated.", "只检查 gridgeo.toml 中的这项声明，可重复。"
)
_ALONG = Message(
    "Map file with roads or rivers along which borders should run.", "边界应沿其划定的道路或河道（地图文件）。"
)
_RANK = Message("Least rank that counts.", "计入的最低等级。")
_SHARE = Message(
    "Least share of each border along it, 0 to 1; without it borders are only measured.",
    "每条边界沿线的最低比例（0 到 1）；不写则仅作量算。",
)
_FORMAT = Message(
    "Form of the report; gpkg is a map file of the faults, styled for QGIS, and needs --output.",
    "报告格式；gpkg 为带 QGIS 样式的问题图层文件，须配合 --output 使用。",
)
_NEEDS_OUTPUT = Message(
    "a GeoPackage can't be printed; name the file with --output faults.gpkg",
    "GeoPackage 不能打印到屏幕；请用 --output faults.gpkg 指定文件",
)
_OUTPUT = Message("Write the report to this file instead of standard output.", "报告写入此文件，而不是标准输出。")
_FAIL_ON = Message("Least severity that makes the exit status 1.", "使退出状态为 1 的最低严重程度。")


class ReportFormat(StrEnum):
    """How ``gridgeo validate`` prints its report."""

    text = "text"
    json = "json"
    sarif = "sarif"
    junit = "junit"
    github = "github"
    html = "html"
    gpkg = "gpkg"


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


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    @app.command(help=_HELP.text(), short_help=_SHORT.text())
    def validate(
        target: Annotated[Path, target_argument()],
        claim: Annotated[list[str] | None, typer.Option(metavar="NAME", help=_CLAIM.text(), show_default=False)] = None,
        layer: Annotated[str | None, layer_option()] = None,
        id_column: Annotated[str | None, id_option()] = None,
        within: Annotated[Path | None, within_option()] = None,
        along: Annotated[Path | None, typer.Option(metavar="FILE", help=_ALONG.text(), show_default=False)] = None,
        rank_column: Annotated[str | None, rank_column_option()] = None,
        rank: Annotated[LeastRank | None, typer.Option(help=_RANK.text(), show_default="lane")] = None,
        share: Annotated[float | None, typer.Option(min=0.0, max=1.0, help=_SHARE.text(), show_default=False)] = None,
        tolerance: Annotated[float | None, tolerance_option()] = None,
        report_format: Annotated[ReportFormat, typer.Option("--format", help=_FORMAT.text())] = ReportFormat.text,
        output: Annotated[
            Path | None,
            typer.Option("--output", "-o", metavar="FILE", help=_OUTPUT.text(), show_default=False),
        ] = None,
        fail_on: Annotated[FailOn, typer.Option(help=_FAIL_ON.text())] = FailOn.error,
        quiet: Annotated[bool, quiet_option()] = False,
    ) -> None:
        asked = {"rank-column": rank_column, "rank": rank, "share": share}
        if report_format is ReportFormat.gpkg and output is None:
            raise InputError(Problem("--format gpkg", _NEEDS_OUTPUT))
        with showing_progress(wants_bars(quiet)):
            if is_town(target):
                options = {"layer": layer, "id": id_column, "within": within, "along": along, "tolerance": tolerance}
                refuse(target, ONLY_FILE, {**options, **asked})
                report = _validate_town(target, claim)
            else:
                refuse(target, ONLY_TOWN, {"claim": claim})
                barriers = read_barriers(along, rank_column, quiet) if along is not None else None
                if along is None:
                    refuse(target, NEEDS_ALONG, asked)
                report = _validate_file(
                    target, layer, id_column, within, tolerance or 0.0, barriers, rank or LeastRank.lane, share or 0.0
                )
        if output is None:
            typer.echo(getattr(report, f"to_{report_format.value}")().rstrip("\n"))
        elif report_format is ReportFormat.gpkg:
            say(WROTE.text(what=report.to_gpkg(output)), quiet)
        else:
            from gridgeo._files import write_whole

            content: str = getattr(report, f"to_{report_format.value}")()
            say(WROTE.text(what=write_whole(output, content)), quiet)
        raise typer.Exit(EXIT_FAULTS if report.fails(on=fail_on.value) else 0)


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
