"""``gridgeo locate``: say which block a point lies in. Exit status: 0 each is in a block, 1 some are in none."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from gridgeo.cli.options import quiet_option, town_argument
from gridgeo.cli.saying import EXIT_FAULTS, WROTE, say, warn
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message

_SHORT = Message("Say which block a point lies in.", "查询某个位置属于哪个责任块。")
_HELP = Message(
    "Say which block a point lies in, and which grids of every layer: one point, or a table of them. Exit status: 0"
    " each lies in a block or on its border, 1 some lie in none, 2 the run could not be done.",
    "查询某个位置属于哪个责任块和各图层的哪个网格：可查一个点，也可查整张表。"
    "退出状态：0 全部位于责任块内或边界上，1 有点不在任何责任块内，2 无法执行。",
)
_X = Message("Longitude, or x in the CRS.", "经度，或该坐标系的 x（东）。")
_Y = Message("Latitude, or y in the CRS.", "纬度，或该坐标系的 y（北）。")
_FILE = Message(
    "Table (CSV, XLSX) with columns of coordinates (lon, lat or x, y); or a map file of points.",
    "含经度、纬度（lon, lat 或 x, y）列的表格（CSV、XLSX），或点图层文件。",
)
_CRS = Message(
    "Of the coordinates: EPSG:4490, GCJ-02 (Amap, Tencent), BD-09 (Baidu) ... By default degrees are CGCS2000 (GPS),"
    " and larger numbers are in the town's own CRS.",
    "坐标系：EPSG:4490、GCJ-02（高德、腾讯）、BD-09（百度）等。"
    "默认经纬度为 CGCS2000（GPS），更大的数按本镇坐标系理解。",
)
_TOLERANCE = Message("Metres: a point so near to a border is on it.", "米：距边界不超过此值的点视为位于边界上。")
_FORMAT = Message("text, json, or csv (the table with the answers added).", "text、json，或 csv（原表加上查询结果）。")
_OUTPUT = Message("Write to this file instead of standard output.", "写入此文件，而不是标准输出。")
_EITHER = Message("give either X and Y or --file, not both", "请给出 X 和 Y，或 --file，二者只取其一")
_NEITHER = Message("give X and Y, or --file FILE", "请给出 X 和 Y，或 --file 文件")


class Form(StrEnum):
    """How answers are printed."""

    text = "text"
    json = "json"
    csv = "csv"


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    # a negative longitude is a number, not an option
    @app.command(
        "locate", help=_HELP.text(), short_help=_SHORT.text(), context_settings={"ignore_unknown_options": True}
    )
    def locate(
        town: Annotated[Path, town_argument()],
        x: Annotated[float | None, typer.Argument(metavar="X", help=_X.text(), show_default=False)] = None,
        y: Annotated[float | None, typer.Argument(metavar="Y", help=_Y.text(), show_default=False)] = None,
        file: Annotated[Path | None, typer.Option("--file", metavar="FILE", help=_FILE.text())] = None,
        crs: Annotated[str | None, typer.Option(metavar="CRS", help=_CRS.text())] = None,
        tolerance: Annotated[float, typer.Option(metavar="METRES", min=0.0, help=_TOLERANCE.text())] = 0.1,
        form: Annotated[Form, typer.Option("--format", help=_FORMAT.text())] = Form.text,
        output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help=_OUTPUT.text())] = None,
        quiet: Annotated[bool, quiet_option()] = False,
    ) -> None:
        from gridgeo._files import write_whole
        from gridgeo.locate import locate_points, one_point, read_points
        from gridgeo.locate.text import to_csv, to_json, to_text
        from gridgeo.town import read_town

        if file is not None and x is not None:
            raise InputError(Problem("", _EITHER))
        read = read_town(town)
        warn(read.problems, quiet)
        if file is not None:
            points = read_points(read, file, crs=crs)
        elif x is not None and y is not None:
            points = one_point(read, x, y, crs=crs)
        else:
            raise InputError(Problem("", _NEITHER))
        locations = locate_points(read, points.geometry, tolerance=tolerance)
        content = {Form.text: to_text, Form.json: to_json, Form.csv: to_csv}[form](points, locations)
        if output is None:
            typer.echo(content, nl=False)
        else:
            # spreadsheets take a CSV file for UTF-8 by its mark alone
            mark = "\ufeff" if form is Form.csv else ""
            say(WROTE.text(what=write_whole(output, mark + content)), quiet)
        if any(location.place == "outside" for location in locations):
            raise typer.Exit(EXIT_FAULTS)
