"""``gridgeo diff OLD NEW``: read two plans, compare them, print or write. Exit status: 0 same, 1 different."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gridgeo.cli.reading import is_town
from gridgeo.cli.saying import EXIT_FAULTS, WROTE, say
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message

if TYPE_CHECKING:
    import geopandas as gpd

    from gridgeo.diff import Difference
    from gridgeo.layers import Layer

NUMBERED = "gridgeo_id"
"""Column of the numbers that reading gives to features without a stated id."""
_SHORT = Message("Show what differs between two plans.", "比较两版方案的差异。")
_HELP = Message(
    "Show what differs between two plans of blocks: features new, gone, split, merged or moved, and the ground and"
    " workload that change hands. Exit status: 0 same, 1 different, 2 the run could not be done.",
    "比较两版责任块方案：新增、撤销、拆分、合并、调整的要素，以及易手的面积和工作量。"
    "退出状态：0 相同，1 不同，2 无法执行。",
)
_PLAN = Message("Map file of blocks, or a town project.", "责任块地图文件，或城镇项目。")
_LAYER = Message(
    "Layer of the map files, or key of gridgeo.toml (blocks).", "地图文件的图层，或 gridgeo.toml 的键（blocks）。"
)
_ID = Message("Column with the ids.", "编号列。")
_PEOPLE = Message("Map file of where people (or other work) are.", "人口（或其他工作量）的地图文件。")
_COLUMN = Message("Column of that file with the amounts; 1 each without.", "该文件的数量列；不写则每个要素计 1。")
_TOLERANCE = Message("Metres: narrower slips of border are noise.", "容差（米）：更窄的边界偏差视为噪声。")
_FORMAT = Message("text, json, or html with a map.", "text、json，或带地图的 html。")
_OUTPUT = Message("Write to this file instead of standard output.", "写入此文件，而不是标准输出。")
_NO_BLOCKS = Message(
    "has no drafted blocks yet; run gridgeo partition, or name a layer with --layer",
    "尚无责任块；请先运行 gridgeo partition，或用 --layer 指定图层",
)
_NO_LAYER = Message("has no layer {key!r}; the layers are {known}", "没有图层“{key}”；现有 {known}")


class Form(StrEnum):
    """How a difference is printed."""

    text = "text"
    json = "json"
    html = "html"


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    @app.command("diff", help=_HELP.text(), short_help=_SHORT.text())
    def diff(
        old: Annotated[Path, typer.Argument(metavar="OLD", help=_PLAN.text(), show_default=False)],
        new: Annotated[Path, typer.Argument(metavar="NEW", help=_PLAN.text(), show_default=False)],
        layer: Annotated[str | None, typer.Option(metavar="NAME", help=_LAYER.text())] = None,
        id_column: Annotated[str | None, typer.Option("--id", metavar="COLUMN", help=_ID.text())] = None,
        people: Annotated[Path | None, typer.Option(metavar="FILE", help=_PEOPLE.text())] = None,
        people_column: Annotated[str | None, typer.Option(metavar="COLUMN", help=_COLUMN.text())] = None,
        tolerance: Annotated[float, typer.Option(metavar="METRES", min=0.0, help=_TOLERANCE.text())] = 0.1,
        form: Annotated[Form, typer.Option("--format", help=_FORMAT.text())] = Form.text,
        output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help=_OUTPUT.text())] = None,
    ) -> None:
        from gridgeo.diff import diff_plans
        from gridgeo.layers import read_layer

        before, _ = _read(old, layer, id_column)
        after, work = _read(new, layer, id_column)
        amount: str | None = "amount"
        if people is not None:
            work, amount = read_layer(people).frame, people_column
        found = diff_plans(
            before,
            after,
            people=work,
            people_column=amount if work is not None else people_column,
            id_column=id_column,
            tolerance=tolerance,
        )
        content = _printed(found, form, f"{old.name} – {new.name}")
        if output is None:
            typer.echo(content.rstrip("\n"))
        else:
            from gridgeo._files import write_whole

            say(WROTE.text(what=write_whole(output, content)))
        raise typer.Exit(0 if found.same else EXIT_FAULTS)


def _printed(found: "Difference", form: Form, title: str) -> str:
    if form is Form.html:
        return found.to_html(title=title)
    return found.to_json() if form is Form.json else found.to_text()


def _read(
    path: Path, layer: str | None, id_column: str | None
) -> "tuple[gpd.GeoDataFrame | Layer, gpd.GeoDataFrame | None]":
    """Return a plan and, of a town project, where its workload lies."""
    import geopandas as gpd
    import pandas as pd

    from gridgeo.layers import read_layer

    if not is_town(path):
        read = read_layer(path, layer=layer, id_column=id_column)
        # a file without a stated id column is numbered: the columns of drafted blocks say more
        return (read if id_column else read.frame.drop(columns=[NUMBERED], errors="ignore")), None
    from gridgeo.town import read_town

    town = read_town(path)
    key = layer or "blocks"
    known = {**town.layers, **({"blocks": town.blocks} if town.blocks is not None else {})}
    if key not in known:
        problem = _NO_BLOCKS if key == "blocks" else _NO_LAYER
        raise InputError(Problem(str(path), problem, {"key": key, "known": ", ".join(known)}))
    tables = []
    for source in town.workload:
        frame = town.to_working(source.layer)
        amount = frame[source.column].fillna(0.0).astype(float) if source.column else 1.0
        tables.append(gpd.GeoDataFrame({"amount": amount * source.weight}, geometry=frame.geometry, crs=frame.crs))
    work = pd.concat(tables, ignore_index=True) if tables else None
    return known[key], work
