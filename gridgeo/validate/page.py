"""The report as one HTML file: a map of the faults and a table that sorts and filters, with nothing fetched.

The table is complete without scripts; the script only sorts, filters and zooms. Text from the data is escaped, and the
page's own policy lets no other script run than the one whose hash it names.
"""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from gridgeo.language import Language, Message, one_line
from gridgeo.validate.faults import CATALOGUE

MOST_VERTICES = 150_000
"""Larger layers are drawn around the faults only, so that the page stays light."""

MOST_FEATURES = 8
"""Features listed in a row of the table."""
LARGE = 0.05
"""Share of the map from which on a fault needs no circle around it to be seen."""

_TITLE = Message("Validation report", "校验报告")
_SOUND = Message("No fault found.", "未发现问题。")
_FAULTY = Message("{errors} errors, {warnings} warnings.", "{errors} 处错误，{warnings} 处警告。")
_FILTER = Message("Filter: id, kind, words …", "筛选：编号、类别、文字……")
_WHOLE = Message("Whole map", "全图")
_ZOOM = Message("Show on the map", "在图上显示")
_COLUMNS = (
    Message("No.", "序号"),
    Message("Kind", "类别"),
    Message("Features", "对象"),
    Message("Area (m²)", "面积（平方米）"),
    Message("Width (m)", "宽度（米）"),
    Message("What is wrong and what to do", "问题与处理"),
)
_SEVERITIES = {
    "error": Message("error", "错误"),
    "warning": Message("warning", "警告"),
    "info": Message("note", "提示"),
}
_MAP = Message("Map of the layer with its faults, numbered as in the table.", "图层与问题位置图，编号与表格一致。")

_STYLE = """
:root{color-scheme:light;--error:#b3261e;--warning:#9a6700;--info:#3b5b7a}
*{box-sizing:border-box}
body{font:15px/1.5 system-ui,"Noto Sans SC","Microsoft YaHei",sans-serif;margin:0;color:#1b1f24;background:#f6f5f2}
header{padding:1.2rem 1.5rem .6rem}h1{font-size:1.4rem;margin:0 0 .3rem}header p{margin:.1rem 0}
main{display:grid;grid-template-columns:minmax(18rem,2fr) minmax(34rem,3fr);gap:1rem;padding:0 1.5rem 1.5rem}
@media(max-width:66rem){main{grid-template-columns:1fr}}
figure{margin:0;background:#fff;border:1px solid #d5d2ca;position:sticky;top:1rem;align-self:start}
svg{display:block;width:100%;height:min(78vh,46rem)}
figcaption{padding:.4rem .7rem;color:#555;font-size:.9rem}
.shape{fill:#eceae4;stroke:#8d897f;vector-effect:non-scaling-stroke;stroke-width:.8}
.fault{vector-effect:non-scaling-stroke;stroke-width:2;fill-opacity:.45}
.pin{vector-effect:non-scaling-stroke;fill:none;stroke-width:2}
.error{fill:var(--error);stroke:var(--error)}.warning{fill:var(--warning);stroke:var(--warning)}
.info{fill:none;stroke:var(--info)}.pin.error,.pin.warning,.pin.info{fill:none}
.chosen{stroke-width:5}
input{font:inherit;width:100%;padding:.5rem .7rem;border:1px solid #8d897f;border-radius:4px;background:#fff}
button{font:inherit;cursor:pointer}
figure button{position:absolute;right:.5rem;top:.5rem;background:#fff;border:1px solid #8d897f;border-radius:4px}
table{border-collapse:collapse;width:100%;background:#fff;margin-top:.6rem}
td span{max-width:14rem;overflow-wrap:anywhere}th:last-child,td:last-child{min-width:15rem}
th,td{text-align:left;vertical-align:top;padding:.45rem .6rem;border-bottom:1px solid #e3e0d8;overflow-wrap:break-word}
td p{margin:0 0 .2rem}td p:last-child{color:#45505c}td span{display:inline-block}
th button{all:unset;cursor:pointer;font-weight:600}th button:focus-visible{outline:2px solid #1a56c4}
td.number{text-align:right;font-variant-numeric:tabular-nums}
td b.error{color:var(--error)}td b.warning{color:var(--warning)}td b.info{color:var(--info)}
tr:target,tr.chosen{background:#fff6dd}
td .go{border:1px solid #8d897f;border-radius:4px;background:#fff;min-width:2.4rem}
@media print{input,figure button{display:none}main{display:block}figure{position:static}}
"""

_SCRIPT = """
'use strict';
const map=document.querySelector('svg'),whole=map&&map.getAttribute('viewBox');
const body=document.querySelector('tbody'),rows=body?[...body.rows]:[];
function show(number){
  document.querySelectorAll('.chosen').forEach(e=>e.classList.remove('chosen'));
  if(number===null){map.setAttribute('viewBox',whole);return}
  const row=document.getElementById('row'+number);row.classList.add('chosen');
  document.querySelectorAll('[data-fault="'+number+'"]').forEach(e=>e.classList.add('chosen'));
  map.setAttribute('viewBox',row.dataset.box);
}
rows.forEach(r=>{const b=r.querySelector('.go');if(b)b.addEventListener('click',()=>show(r.dataset.number))});
const all=document.getElementById('whole');if(all)all.addEventListener('click',()=>show(null));
const filter=document.getElementById('filter');
if(filter)filter.addEventListener('input',()=>{const words=filter.value.toLowerCase().split(/\\s+/);
  rows.forEach(r=>{const t=r.textContent.toLowerCase();r.hidden=!words.every(w=>t.includes(w))})});
document.querySelectorAll('th button').forEach((b,column)=>b.addEventListener('click',()=>{
  const up=b.dataset.up!=='yes';document.querySelectorAll('th button').forEach(o=>{delete o.dataset.up});
  b.dataset.up=up?'yes':'no';
  const key=r=>{const c=r.cells[column];return c.dataset.value===undefined?c.textContent:parseFloat(c.dataset.value)};
  rows.slice().sort((p,q)=>{const a=key(p),c=key(q);return (a<c?-1:a>c?1:0)*(up?1:-1)}).forEach(r=>body.append(r))}));
"""


def to_html(
    report: Mapping[str, Any],
    *,
    shapes: gpd.GeoSeries,
    places: gpd.GeoSeries,
    language: Language,
    title: str = "",
) -> str:
    """Return the report as one self-contained HTML page.

    Parameters
    ----------
    report : mapping
        A report of the schema ``gridgeo-report/1``.
    shapes : GeoSeries
        The polygons that were checked, in a planar CRS, for the map.
    places : GeoSeries
        The geometry of each fault of the report, in order, in the same CRS.
    language : {"en", "zh"}
        Language of the page; the faults' messages are in the report's.
    title : str
        What was checked: the town or file.
    """
    counts = report["counts"]
    verdict = (
        _FAULTY.text(language, errors=int(counts.get("error", 0)), warnings=int(counts.get("warning", 0)))
        if report["faults"]
        else _SOUND.text(language)
    )
    heading = _escape(f"{_TITLE.text(language)} {title}".strip())
    policy = "; ".join(
        (
            "default-src 'none'",
            f"style-src '{_hash(_STYLE)}'",
            f"script-src '{_hash(_SCRIPT)}'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    figure, boxes = _figure(shapes, places, [fault["severity"] for fault in report["faults"]], language)
    table = _table(report["faults"], boxes, language)
    return (
        f'<!doctype html>\n<html lang="{"zh-CN" if language == "zh" else "en"}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_escape(policy)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{heading}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<header><h1>{heading}</h1><p>{_escape(verdict)}</p></header>\n<main>\n{figure}\n{table}\n</main>\n"
        f"<script>{_SCRIPT}</script>\n</body>\n</html>\n"
    )


def _escape(text: object) -> str:
    return html.escape(one_line(text), quote=True)


def _hash(content: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}"


def _figure(
    shapes: gpd.GeoSeries, places: gpd.GeoSeries, severities: list[str], language: Language
) -> tuple[str, list[str]]:
    drawn = _near_faults(shapes.to_numpy(), places.to_numpy())
    bounds = shapely.total_bounds(np.concatenate([drawn, places.to_numpy()]))
    if not np.isfinite(bounds).all():
        return "", [""] * len(places)
    left, bottom, right, top = bounds
    size = max(right - left, top - bottom, 1e-9)
    precision = max(0, int(np.ceil(-np.log10(size / 2e5))))  # a two hundred thousandth of the map is invisible

    def flip(geometry: shapely.Geometry) -> shapely.Geometry:
        return shapely.transform(
            geometry, lambda c: np.round(np.column_stack([c[:, 0] - left, top - c[:, 1]]), precision)
        )

    marks, boxes = [], []
    for number, (place, severity) in enumerate(zip(places, severities, strict=True), 1):
        if place is None or place.is_empty:
            boxes.append("")
            continue
        flat = shapely.transform(place, lambda c: np.column_stack([c[:, 0] - left, top - c[:, 1]]))
        x0, y0, x1, y1 = flat.bounds
        radius = max(x1 - x0, y1 - y0) * 0.75 + size * 0.002
        middle_x, middle_y = (x0 + x1) / 2, (y0 + y1) / 2
        boxes.append(f"{middle_x - 3 * radius:.3f} {middle_y - 3 * radius:.3f} {6 * radius:.3f} {6 * radius:.3f}")
        marks.append(f'<path class="fault {severity}" data-fault="{number}" d="{_path(flat, 3 + precision)}"/>')
        if radius > size * LARGE:
            continue
        circle = f'cx="{middle_x:.3f}" cy="{middle_y:.3f}" r="{radius:.3f}"'
        marks.append(f'<circle class="pin {severity}" data-fault="{number}" {circle}/>')
    shapes_path = "".join(f'<path class="shape" d="{_path(flip(shape), precision)}"/>' for shape in drawn)
    margin = size * 0.03
    width, height = right - left + 2 * margin, top - bottom + 2 * margin
    box = f"{-margin:.3f} {-margin:.3f} {width:.3f} {height:.3f}"
    caption, whole = _escape(_MAP.text(language)), _escape(_WHOLE.text(language))
    figure = (
        f'<figure><svg role="img" aria-label="{caption}" viewBox="{box}">{shapes_path}{"".join(marks)}</svg>'
        f'<button id="whole" type="button">{whole}</button><figcaption>{caption}</figcaption></figure>'
    )
    return figure, boxes


def _near_faults(shapes: np.ndarray[Any, Any], places: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return all shapes of a small layer, of a large one those around the faults, as far as they fit."""
    shapes = shapes[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))]
    if shapely.get_num_coordinates(shapes).sum() <= MOST_VERTICES:
        return shapes
    tree = shapely.STRtree(shapes)
    near = np.unique(tree.query(places, predicate="intersects")[1]) if len(places) else np.zeros(0, int)
    fitting = near[np.cumsum(shapely.get_num_coordinates(shapes[near])) <= MOST_VERTICES]
    outline = shapely.convex_hull(shapely.union_all(shapely.box(*shapely.bounds(shapes).T)))
    return np.append(shapes[fitting], outline)


def _path(geometry: shapely.Geometry, precision: int) -> str:
    """Return SVG path data of any geometry; a point is a line of no length."""
    pieces = []
    for part in shapely.get_parts(geometry):
        if part.geom_type == "Polygon":
            rings = shapely.get_rings(part)
        elif part.geom_type.startswith("Multi") or part.geom_type == "GeometryCollection":
            pieces.append(_path(part, precision))
            continue
        else:
            rings = [part]
        for ring in rings:
            points = [f"{x:.{precision}f} {y:.{precision}f}" for x, y in shapely.get_coordinates(ring).tolist()]
            closed = "Z" if ring.geom_type == "LinearRing" else ""
            pieces.append(f"M{'L'.join(points)}{closed}" if len(points) > 1 else f"M{points[0]}h0")
    return "".join(pieces)


def _table(faults: list[Mapping[str, Any]], boxes: list[str], language: Language) -> str:
    if not faults:
        return "<section></section>"
    heads = "".join(
        f'<th scope="col"><button type="button">{_escape(column.text(language))}</button></th>' for column in _COLUMNS
    )
    rows = "".join(
        _row(number, fault, box, language) for number, (fault, box) in enumerate(zip(faults, boxes, strict=True), 1)
    )
    prompt = _escape(_FILTER.text(language))
    return (
        f'<section><input id="filter" type="search" aria-label="{prompt}" placeholder="{prompt}">'
        f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></section>"
    )


def _row(number: int, fault: Mapping[str, Any], box: str, language: Language) -> str:
    severity = fault["severity"]
    go = (
        f'<button class="go" type="button" title="{_escape(_ZOOM.text(language))}">{number}</button>' if box else number
    )
    kind = CATALOGUE[fault["code"]].name.text(language) if fault["code"] in CATALOGUE else fault["code"]
    features = ", ".join(f"<span>{_escape(feature)}</span>" for feature in fault["features"][:MOST_FEATURES])
    if len(fault["features"]) > MOST_FEATURES:
        features += f" … ({len(fault['features'])})"
    return (
        f'<tr id="row{number}" data-number="{number}" data-box="{box}"><td data-value="{number}">{go}</td>'
        f'<td title="{_escape(fault["code"])}"><b class="{severity}">{_escape(kind)}</b><br>'
        f"{_escape(_SEVERITIES[severity].text(language))}</td>"
        f"<td>{features}</td>{_number(fault['area'])}{_number(fault['width'])}"
        f"<td><p>{_escape(fault['message'])}</p><p>{_escape(fault['action'])}</p></td></tr>"
    )


def _number(value: float | None) -> str:
    if value is None:
        return '<td class="number" data-value="-1"></td>'
    shown = f"{value:,.2f}" if value >= 0.01 else f"{value:.2g}"
    return f'<td class="number" data-value="{value!r}">{shown}</td>'
