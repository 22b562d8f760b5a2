"""``gridgeo render``: make the notices and the map of a town, and look whether all can be read."""

import re
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gridgeo._parallel import processors
from gridgeo.cli.options import jobs_option, quiet_option, town_argument
from gridgeo.cli.saying import EXIT_FAULTS, say, say_made, wants_bars, warn
from gridgeo.errors import Problem
from gridgeo.language import Message
from gridgeo.progress import showing_progress

if TYPE_CHECKING:
    from gridgeo.render.scene import Scene

_SHORT = Message("Make the public notices and the town's map.", "制作公示图和总览地图。")
_HELP = Message(
    "Make the public notices, one a block as PDF or picture, and the town's overview map as one HTML file that needs"
    " no network.",
    "制作公示图（每个责任块一张，PDF 或图片）和无需联网的全镇总览地图（单个 HTML 文件）。",
)
_OUT = Message("Folder for the notices and the map.", "公示图和地图的输出文件夹。")
_FORMAT = Message(
    "What to make: notices as pdf for print, png for phones or html for a web site in OUT/site, index for the sheets of"
    " the town and of each grid; may be repeated.",
    "输出内容：pdf 用于张贴，png 用于手机，html 生成网站（OUT/site），index 为全镇索引图和各网格分布图；可重复。",
)
_PAPER = Message("Paper of the PDFs; may be repeated.", "PDF 的纸张大小，可重复。")
_ORIENTATION = Message("Which way the paper is turned.", "纸张方向：纵向或横向。")
_THEME = Message(
    "TOML file with colours, sizes and words of your own; before the one in gridgeo.toml.",
    "自定义颜色、字号和文字的 TOML 文件；优先于 gridgeo.toml 中的设置。",
)
_TEMPLATE = Message(
    "Typst file that sets the notices instead of ours; before the one in gridgeo.toml.",
    "代替内置模板的 Typst 文件；优先于 gridgeo.toml 中的设置。",
)
_TILE = Message(
    "Cut each PDF on larger paper onto sheets of this one too, with marks and a plan to put them together.",
    "另将大幅 PDF 分割到此纸张上，带裁切标记和拼接示意。",
)
_ONLY = Message(
    "Make only the files of these blocks, or of the blocks of these grids; all others stay as they are. Codes with"
    " commas between them; may be repeated.",
    "只制作这些责任块（或这些网格的责任块）的文件，其余保持不变。编号以逗号分隔，可重复。",
)
_CHECK = Message(
    "Then reopen every file and look whether all is there, to be read and to be seen; exit 1 if not.",
    "随后重新打开每个文件，检查内容是否齐全、可读、可见；有问题则退出状态为 1。",
)
_BOARDS = Message(
    "Then list the boards of [boards]: where each hangs, which version it shows, since when, and whether it is out of"
    " date; also as OUT/boards.csv. Exit 1 if one is.",
    "随后列出 [boards] 中的公示牌：张贴地点、版本、张贴日期、是否过期；同时写入 OUT/boards.csv。"
    "有过期的则退出状态为 1。",
)
_LISTED = Message(
    "{count} boards, {stale} to be seen to, {bare} blocks without one",
    "公示牌 {count} 块，需处理 {stale} 块，{bare} 个责任块未上墙",
)
_NO_BOARDS = Message(
    "the town lists no boards; give their table in [boards] (unit, place, mark, posted)",
    "未登记公示牌；请在 [boards] 中给出登记表（责任块、地点、核对码、张贴日期）",
)
_CHECKED = Message("{count} files checked: {findings}", "已检查 {count} 个文件：{findings}")
_NO_FINDINGS = Message("nothing wrong", "没有问题")
_FINDINGS = Message("{count} findings", "{count} 处问题")
_MADE_NOTICES = Message("{count} notices", "{count} 张公示图")
_MADE_SITE = Message(
    "site of {count} pages, works offline; its folder can be put on the web as it is",
    "网站共 {count} 个网页，离线可用；整个文件夹可直接发布",
)
_MADE_PAGES = Message("{count} web pages", "{count} 个网页")
_MADE_INDEX = Message("{count} index sheets", "{count} 张索引图")
_MADE_MAP = Message("overview map, works offline", "全镇总览地图，离线可用")


class NoticeFormat(StrEnum):
    """What ``gridgeo render`` makes of each block."""

    pdf = "pdf"
    png = "png"
    html = "html"
    index_sheets = "index"


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


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    @app.command(help=_HELP.text(), short_help=_SHORT.text())
    def render(
        town: Annotated[Path, town_argument()],
        out: Annotated[Path, typer.Argument(help=_OUT.text(), metavar="OUT", show_default=False)],
        notice_format: Annotated[
            list[NoticeFormat] | None, typer.Option("--format", help=_FORMAT.text(), show_default="pdf")
        ] = None,
        paper: Annotated[list[Paper] | None, typer.Option(help=_PAPER.text(), show_default="A3")] = None,
        orientation: Annotated[Turned, typer.Option(help=_ORIENTATION.text())] = Turned.portrait,
        tile: Annotated[Paper | None, typer.Option("--tile", help=_TILE.text(), show_default=False)] = None,
        theme: Annotated[Path | None, typer.Option(help=_THEME.text(), metavar="FILE", show_default=False)] = None,
        template: Annotated[
            Path | None, typer.Option(help=_TEMPLATE.text(), metavar="FILE", show_default=False)
        ] = None,
        only: Annotated[
            list[str] | None, typer.Option("--only", help=_ONLY.text(), metavar="CODE[,CODE…]", show_default=False)
        ] = None,
        check: Annotated[bool, typer.Option("--check", help=_CHECK.text())] = False,
        boards: Annotated[bool, typer.Option("--boards", help=_BOARDS.text())] = False,
        jobs: Annotated[int | None, jobs_option()] = None,
        quiet: Annotated[bool, quiet_option()] = False,
    ) -> None:
        forms = [form.value for form in notice_format or [NoticeFormat.pdf]]
        papers = [sheet.value for sheet in paper or [Paper.A3]]
        processes = jobs or processors()
        sheets: dict[str, Any] = {"formats": forms, "papers": papers, "orientation": orientation.value}
        sheets["tiles"] = tile.value if tile is not None else None
        sheets["only"] = codes = _codes(only)
        with showing_progress(wants_bars(quiet)):
            read = make_notices(town, out, quiet, theme=theme, template=template, jobs=processes, **sheets)
            status = _check(read, out, forms, processes, quiet, only=codes) if check else 0
            raise typer.Exit(max(status, _list_boards(read, out, quiet) if boards else 0))


def make_notices(
    path: Path,
    out: Path,
    quiet: bool,
    formats: Sequence[str] = ("pdf",),
    theme: Path | None = None,
    template: Path | None = None,
    **options: Any,
) -> "Scene":
    """Render the notices, pages and map of a town project; say what was made and what is odd. Return the scene."""
    from gridgeo.render import render_index, render_map, render_notices, render_site
    from gridgeo.render.scene import make_scene
    from gridgeo.town import read_town

    town = read_town(path)
    given = town.publication
    publication = replace(given, theme=theme or given.theme, template=template or given.template)
    town = replace(town, publication=publication)
    warnings: list[Problem] = list(town.problems)
    scene = make_scene(town)
    printed: list[Any] = [form for form in formats if form in ("pdf", "png")]
    notices = render_notices(scene, out, formats=printed, warnings=warnings, **options) if printed else []
    jobs = options.get("jobs", 1)
    only = options.get("only")
    pages = render_site(scene, out, only=only, jobs=jobs, warnings=warnings) if "html" in formats else []
    sheets = {key: options[key] for key in ("papers", "orientation", "only") if key in options}
    index = render_index(scene, out, **sheets) if "index" in formats else []
    overview = render_map(scene, out / "map.html", ledger=out) if only is None else None
    warn(warnings, quiet)
    if notices:
        say_made(out / "notices", _MADE_NOTICES.text(count=len(notices)), quiet)
    if pages:
        made_site = _MADE_SITE if only is None else _MADE_PAGES
        say_made(pages[0], made_site.text(count=len(pages)), quiet)
    if index:
        say_made(out / "index", _MADE_INDEX.text(count=len(index)), quiet)
    if overview is not None:
        say_made(overview, _MADE_MAP.text(), quiet)
    return scene


def _codes(given: Sequence[str] | None) -> list[str] | None:
    """Return the codes of an option that takes several, with commas between them, once each."""
    if given is None:
        return None
    return list(dict.fromkeys(code.strip() for part in given for code in re.split("[,，、]", part) if code.strip()))


def _check(
    scene: "Scene", out: Path, formats: Sequence[str], jobs: int, quiet: bool, *, only: Sequence[str] | None
) -> int:
    from gridgeo.render.checking import check_notices
    from gridgeo.render.site_check import check_map, check_site

    looks = [] if set(formats) == {"html"} else [check_notices(scene, out, only=only, jobs=jobs)]
    if "html" in formats:
        looks.append(check_site(scene, out, only=only, jobs=jobs))
    if only is None:
        looks.append(check_map(scene, out / "map.html", ledger=out))
    count, findings = sum(count for count, _ in looks), [finding for _, found in looks for finding in found]
    for finding in findings:
        typer.echo(finding.text())
    said = _FINDINGS.text(count=len(findings)) if findings else _NO_FINDINGS.text()
    say(_CHECKED.text(count=count, findings=said), quiet)
    return EXIT_FAULTS if findings else 0


def _list_boards(scene: "Scene", out: Path, quiet: bool) -> int:
    from gridgeo._files import write_whole
    from gridgeo.render.boards import FILE, STALE, boards_csv, boards_text, list_boards
    from gridgeo.render.ledger import read_issues, read_ledger

    lines = list_boards(scene, read_ledger(out).values(), read_issues(out))
    path = write_whole(out / FILE, boards_csv(lines))
    if not scene.town.boards:
        say(_NO_BOARDS.text(), quiet)
    typer.echo(boards_text(lines), nl=False)
    stale, bare = (sum(line.state in states for line in lines) for states in (STALE, ("no-board",)))
    say_made(path, _LISTED.text(count=len(lines) - bare, stale=stale, bare=bare), quiet)
    return EXIT_FAULTS if stale else 0
