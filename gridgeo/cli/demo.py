"""``gridgeo demo``: the whole job on a sample town."""

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gridgeo._parallel import processors
from gridgeo.cli._drafting import draft_blocks
from gridgeo.cli.options import quiet_option
from gridgeo.cli.reading import must_be_empty
from gridgeo.cli.render import make_notices
from gridgeo.cli.saying import EXIT_FAULTS, say, say_made, wants_bars
from gridgeo.language import Message
from gridgeo.progress import showing_progress

if TYPE_CHECKING:
    from gridgeo.validate import Report

_SHORT = Message("Do the whole job on a sample town.", "用示例镇走完全流程。")
_HELP = Message(
    "Make the sample town and do the whole job on it: draft its blocks, validate them, render the notices and the map.",
    "生成示例镇并走完全流程：划分责任块、校验、制作公示图和总览地图。",
)
_OUT = Message("Folder for everything that is made; must be new or empty.", "输出文件夹，须为新建或空文件夹。")
_POLYGONS = Message("Number of grids in the town.", "示例镇的网格数量。")
_SEED = Message("Another seed makes another town.", "换一个种子就得到另一个镇。")
_FAULTS = Message(
    "Plant this many faults of several kinds and only validate: shows what a faulty town's report looks like.",
    "植入这么多处各类问题并只做校验，用来看有问题的城镇报告是什么样。",
)
_SECTION_FAULTS = Message(
    "Draft blocks and sections, plant a fault of each kind in the sections, and only validate.",
    "划分责任块和责任路段后，在责任路段中植入各类问题各一处，并只做校验。",
)
_EITHER = Message(
    "sections are drafted in a sound town only: leave out --faults", "只有无误的城镇才划分责任路段：请去掉 --faults"
)
_MADE_TOWN = Message(
    "sample town of {polygons} grids (invented data)", "示例镇，{polygons} 个网格（示例数据，纯属虚构）"
)
_MADE_REPORT = Message("validation report", "校验报告")
_TOOK = Message("done in {seconds:.0f} s", "用时 {seconds:.0f} 秒")
_FOUND = Message("{found} of {planted} planted faults found", "植入的 {planted} 处问题中找出 {found} 处")


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    @app.command(help=_HELP.text(), short_help=_SHORT.text())
    def demo(
        out: Annotated[Path, typer.Argument(help=_OUT.text(), metavar="OUT")],
        polygons: Annotated[int, typer.Option(metavar="N", min=60, max=1_000_000, help=_POLYGONS.text())] = 60,
        seed: Annotated[int, typer.Option(metavar="N", min=0, help=_SEED.text())] = 0,
        faults: Annotated[int, typer.Option(metavar="N", min=0, max=10_000, help=_FAULTS.text())] = 0,
        section_faults: Annotated[bool, typer.Option("--section-faults", help=_SECTION_FAULTS.text())] = False,
        quiet: Annotated[bool, quiet_option()] = False,
    ) -> None:
        if faults and section_faults:
            raise typer.BadParameter(_EITHER.text(), param_hint="--section-faults")
        with showing_progress(wants_bars(quiet), remarks=not quiet):
            raise typer.Exit(_demo(out, polygons, seed, faults, section_faults, quiet))


def _demo(out: Path, polygons: int, seed: int, faults: int, section_faults: bool, quiet: bool) -> int:
    from gridgeo._files import write_whole
    from gridgeo.sample import write_sample
    from gridgeo.town import read_town
    from gridgeo.validate import validate_town

    begun = time.monotonic()
    must_be_empty(out)
    town_file = write_sample(out / "town", polygons=polygons, seed=seed, faults=faults or None)
    say_made(town_file, _MADE_TOWN.text(polygons=polygons), quiet)
    if not faults:
        draft_blocks(town_file, None, quiet=quiet)
    if section_faults:
        plant_in_sections(town_file, seed)
    town = read_town(town_file)
    # blocks and sections are not drafted in a faulty town, so there is nothing to claim of them
    drafted = {"blocks", "sections"}
    claims = [claim.name for claim in town.claims if not drafted & set(claim.keys)] if faults else None
    report = validate_town(town, claims=claims)
    text = report.to_text()
    write_whole(out / "report.txt", text)
    write_whole(out / "report.json", report.to_json())
    say_made(out / "report.txt", _MADE_REPORT.text(), quiet)
    planted = bool(faults or section_faults)
    if not planted:
        make_notices(town_file, out, quiet, jobs=processors())
        say(_TOOK.text(seconds=time.monotonic() - begun), quiet)
    typer.echo(text.rstrip("\n"))
    if planted:
        _say_found(town_file.with_name("planted.json"), report, quiet)
    return EXIT_FAULTS if report.fails(on="error") else 0


def _say_found(planted_file: Path, report: "Report", quiet: bool) -> None:
    planted = json.loads(planted_file.read_text(encoding="utf-8"))
    say(_FOUND.text(found=count_found(planted, report), planted=len(planted)), quiet)


def count_found(planted: Sequence[Mapping[str, Any]], report: "Report") -> int:
    """Return how many of the planted faults a report names: with just these features, or of sections also with more.

    A gap or a stray stretch of a section is found with every section that it touches.
    """
    named = {(fault.code, frozenset(fault.features)) for fault in report.records}
    of_sections = [(code, features) for code, features in named if code.startswith("section-")]
    return sum(
        (fault["code"], frozenset(fault["features"])) in named
        or any(fault["code"] == code and features >= set(fault["features"]) for code, features in of_sections)
        for fault in planted
    )


def plant_in_sections(town_file: Path, seed: int) -> None:
    """Plant a fault of each kind in the drafted sections; what was planted is written to ``planted.json``."""
    from gridgeo._files import write_whole
    from gridgeo.layers import write_layer
    from gridgeo.sample import plant_section_faults
    from gridgeo.town import read_town

    town = read_town(town_file)
    assert town.sectioning is not None
    assert town.sectioning.output is not None
    frame, planted = plant_section_faults(town.layer("sections").frame, seed=seed)
    write_layer(frame, town.sectioning.output, layer="sections")
    records = [fault.record() for fault in planted]
    write_whole(town_file.with_name("planted.json"), json.dumps(records, ensure_ascii=False, indent=1) + "\n")
