"""The difference of two plans as one HTML file: a map of what changes hands, the changes, and who gives to whom."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from gridgeo._page import document, escape, svg_path
from gridgeo.crs import to_crs, working_crs
from gridgeo.diff.difference import KINDS, Difference, Transfer, change_line
from gridgeo.language import Language, Message, current_language

_TITLE = Message("What changes", "变更对照")
_KEY = (
    ("hand", Message("changes hands, the number leads to the table", "易手的区域，编号见下表")),
    ("was", Message("border as it was", "原边界")),
    ("now", Message("border as it is", "现边界")),
)
_TABLE = Message("Who gives to whom", "移交明细")
_CHANGES = Message("Changes", "变化")
_COLUMNS = (
    Message("No.", "序号"),
    Message("from", "移出"),
    Message("to", "移入"),
    Message("area, m2", "面积（平方米）"),
    Message("workload", "工作量"),
)
_STYLE = """:root{color-scheme:light}
body{font:15px/1.5 system-ui,"Noto Sans SC","Noto Sans CJK SC","Microsoft YaHei",sans-serif;margin:0 auto;
max-width:70rem;padding:1rem 1.4rem 3rem;color:#1b1f24;background:#f6f5f2}
h1{font-size:1.2rem}h2{font-size:1.05rem;margin:1.6rem 0 .4rem}p{margin:.2rem 0}li,td,p{overflow-wrap:anywhere}
figure{margin:1rem 0;background:#fff;border:1px solid #d5d2ca}figure>svg{display:block;width:100%;max-height:75vh}
figcaption{display:flex;flex-wrap:wrap;gap:.3rem 1.4rem;padding:.5rem .8rem;font-size:.9rem}
figcaption svg{width:2rem;height:1.1rem;vertical-align:middle;margin-right:.4rem}
.ground{fill:#eceae4}.hand{fill:url(#hatch);stroke:#a05a00;stroke-width:1}
.now{fill:none;stroke:#3a3f45;stroke-width:1.2}.was{fill:none;stroke:#b3261e;stroke-width:1.8;stroke-dasharray:6 4}
.pin rect{fill:#1b1f24;stroke:#fff}.pin text{fill:#fff;font:600 15px system-ui,sans-serif;text-anchor:middle}
table{border-collapse:collapse;background:#fff;width:100%}td,th{border:1px solid #d5d2ca;padding:.2rem .6rem;
text-align:left}td.n{text-align:right;font-variant-numeric:tabular-nums}tr:target{outline:3px solid #1a56c4}
"""
_HATCH = (
    '<defs><pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect width="7" height="7" fill="#ffd98a"/><path d="M0 0V7" stroke="#a05a00" stroke-width="3"/></pattern></defs>'
)


def diff_page(difference: Difference, *, title: str = "", language: Language | None = None) -> str:
    """Return the page.

    Parameters
    ----------
    difference : Difference
    title : str
    language : {"en", "zh"}, optional
    """
    chosen = language or current_language()
    heading = f"{_TITLE.text(chosen)} {title}".strip()
    words = difference.to_text(chosen).splitlines()
    listed = {change_line(change, chosen) for change in difference.changes}
    head = [line for line in words[:4] if line not in listed and not line.startswith("  ") and not line.endswith(":")]
    items = "".join(f"<li>{escape(change_line(change, chosen))}</li>" for change in difference.changes)
    rows = "".join(_row(number, each) for number, each in enumerate(difference.transfers, start=1))
    top = "".join(f"<th>{escape(name.text(chosen))}</th>" for name in _COLUMNS)
    parts = [
        f"<h1>{escape(heading)}</h1>{''.join(f'<p>{escape(line)}</p>' for line in head)}",
        _map(difference, chosen),
        f"<h2>{escape(_CHANGES.text(chosen))}</h2><ul>{items}</ul>" if items else "",
        f"<h2>{escape(_TABLE.text(chosen))}</h2><table><tr>{top}</tr>{rows}</table>" if rows else "",
    ]
    return document(heading, "\n".join(parts), style=_STYLE, language=chosen)


def _row(number: int, each: Transfer) -> str:
    return (
        f'<tr id="t{number}"><td>{number}</td><td>{escape(each.giver or "-")}</td><td>{escape(each.taker or "-")}</td>'
        f'<td class="n">{each.area:,.1f}</td><td class="n">{each.people:,.6g}</td></tr>'
    )


def _map(difference: Difference, language: Language) -> str:
    tables = [difference.old, difference.new]
    tables.append(gpd.GeoDataFrame(geometry=[each.geometry for each in difference.transfers], crs=difference.crs))
    if difference.crs is not None and len(difference.old):
        metric = working_crs(difference.old)
        tables = [to_crs(table, metric) if len(table) else table for table in tables]
    old, new, regions = (table.geometry.to_numpy() for table in tables)
    bounds = shapely.total_bounds(np.concatenate([old, new]))
    if not np.isfinite(bounds).all():
        return ""
    left, bottom, right, high = bounds.tolist()
    scale = 1000 / max(right - left, high - bottom, 1e-9)

    def at(places: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.column_stack([(places[:, 0] - left) * scale, (high - places[:, 1]) * scale])

    def path(shapes: npt.NDArray[np.object_], sort: str) -> str:
        shown = shapely.transform(shapely.GeometryCollection(list(shapes)), at)
        return f'<path class="{sort}" d="{svg_path(shown, 1)}"/>'

    gone = shapely.difference(shapely.union_all(shapely.boundary(old)), shapely.union_all(shapely.boundary(new)))
    pins = []
    for number, region in reversed(list(enumerate(regions, start=1))):  # the largest on top
        x, y = at(shapely.get_coordinates(shapely.point_on_surface(region)))[0].tolist()
        width = 11 + 9 * len(str(number))
        pins.append(
            f'<a class="pin" href="#t{number}"><rect x="{x - width / 2:.1f}" y="{y - 12:.1f}" width="{width}"'
            f' height="24" rx="12"/><text x="{x:.1f}" y="{y + 5:.1f}">{number}</text></a>'
        )
    key = "".join(
        f'<span><svg viewBox="0 0 32 18" aria-hidden="true"><path class="{sort}" d="M1 9H31V16H1Z"/></svg>'
        f"{escape(words.text(language))}</span>"
        for sort, words in _KEY
    )
    drawn = [path(new, "ground"), *(path(np.array([region]), "hand") for region in regions), path(new, "now")]
    box = f"-20 -20 {(right - left) * scale + 40:.1f} {(high - bottom) * scale + 40:.1f}"
    label = ", ".join(KINDS[kind].text(language) for kind in dict.fromkeys(each.kind for each in difference.changes))
    return (
        f'<figure><svg viewBox="{box}" role="group" aria-label="{escape(label)}">{_HATCH}{"".join(drawn)}'
        f"{path(np.array([gone]), 'was')}{''.join(pins)}</svg><figcaption>{key}</figcaption></figure>"
    )
