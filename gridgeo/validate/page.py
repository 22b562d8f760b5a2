"""The report as one HTML file: a map of the faults and a table that sorts and filters, with nothing fetched.

The table is complete without scripts; the script only sorts, filters and zooms. Text from the data is escaped, and the
page's own policy lets no other script run than the one whose hash it names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from gridgeo._page import document, escape, svg_path
from gridgeo.language import Language, Message
from gridgeo.validate.faults import CATALOGUE

MOST_VERTICES = 150_000
"""Larger layers are drawn around the faults only, so that the page stays light."""

MOST_FEATURES = 8
"""Features listed in a row of the table."""
_TITLE = Message("Validation report", "校验报告")
_ADVICE = Message("What it amounts to, and what to do first", "总体情况与建议顺序")
_BY_KIND = Message("Show only these kinds", "只显示所选类别")
_SHOWN = Message("shown", "显示")
_FILTER = Message("Filter: id, kind, words …", "筛选：编号、类别、文字……")
_WHOLE = Message("Whole map", "全图")
_NEARER = Message("Zoom in", "放大")
_FURTHER = Message("Zoom out", "缩小")
_ZOOM = Message("Show on the map", "在图上显示")
_AREA = Message("Area (m²)", "面积（平方米）")
_WIDTH = Message("Width (m)", "宽度（米）")
_LARGEST_FIRST = (_AREA, _WIDTH)
_COLUMNS = (
    Message("No.", "序号"),
    Message("Kind", "类别"),
    Message("Features", "对象"),
    _AREA,
    _WIDTH,
    Message("What is wrong, what to do, and where (longitude, latitude)", "问题、处理与位置（经度, 纬度）"),
)
_SEVERITIES = {
    "error": Message("error", "错误"),
    "warning": Message("warning", "警告"),
    "info": Message("note", "提示"),
}
_MAP = Message(
    "Each dot is a fault: click it to find it in the table, or a number in the table to see it here. Esc: whole map.",
    "每个圆点是一处问题：点击圆点可定位到表格，点击表格中的序号可在图上查看；按 Esc 返回全图。",
)

_SOUND_MAP = Message("What was checked. No fault was found.", "所校验的图形。未发现问题。")
_CHECKED = Message("What was checked", "校验内容")

_STYLE = """
:root{color-scheme:light;--error:#b3261e;--warning:#8a5a00;--info:#3b5b7a;--line:#d5d2ca;--ink:#1b1f24}
*{box-sizing:border-box}[hidden]{display:none!important}
body{font:15px/1.5 system-ui,"Noto Sans SC","Noto Sans CJK SC","Microsoft YaHei",sans-serif;margin:0;color:var(--ink);
background:#f6f5f2}
header{padding:1.2rem 1.5rem .4rem;max-width:90rem}h1{font-size:1rem;font-weight:500;color:#555;margin:0}
h2{font-size:.9rem;margin:.8rem 0 .1rem;color:#555}
header ul{margin:.1rem 0 .6rem;padding-left:1.2rem}.verdict{font-size:1.35rem;line-height:1.35;font-weight:650;
margin:.2rem 0;border-left:.35rem solid var(--error);padding-left:.8rem}
.verdict.sound{border-color:#2e7d4f}.verdict.warned{border-color:var(--warning)}
header p,header li{overflow-wrap:anywhere}ul.claims{list-style:none;padding-left:0;font-size:.9rem}
main{display:grid;grid-template-columns:minmax(18rem,2fr) minmax(34rem,3fr);gap:1rem;padding:.6rem 1.5rem 1.5rem}
main.alone{display:block;max-width:60rem}
figure{margin:0;background:#fff;border:1px solid var(--line);border-radius:6px;position:sticky;top:.6rem;
align-self:start;overflow:hidden}
svg{display:block;width:100%;height:min(62vh,46rem)}
figcaption{padding:.4rem .7rem;color:#555;font-size:.85rem;border-top:1px solid var(--line)}
.shape{fill:#eceae4;stroke:#8d897f;vector-effect:non-scaling-stroke;stroke-width:.8}
.fault{vector-effect:non-scaling-stroke;stroke-width:1.5;fill-opacity:.4;cursor:pointer}
.pin{vector-effect:non-scaling-stroke;fill:none;stroke-width:9;stroke-linecap:round;stroke-opacity:.75;cursor:pointer}
.pin:hover{stroke-width:14}.zoomed .pin{stroke-width:6}
.error{fill:var(--error);stroke:var(--error)}.warning{fill:var(--warning);stroke:var(--warning)}
.info{fill:var(--info);stroke:var(--info)}.line{fill:none}
.fault.chosen{stroke-width:3.5}.pin.chosen{stroke-width:16;stroke-opacity:1}
input{font:inherit;width:100%;padding:.5rem .7rem;border:1px solid #8d897f;border-radius:6px;background:#fff}
button{font:inherit;color:inherit;cursor:pointer;background:#fff;border:1px solid #8d897f;border-radius:6px}
:focus-visible{outline:3px solid #1a56c4;outline-offset:1px}
#zoom{position:absolute;right:.5rem;top:.5rem;display:flex;gap:.3rem}#zoom button{min-width:2rem}
.kinds{display:flex;flex-wrap:wrap;gap:.4rem;margin:.5rem 0}.kinds button{padding:.1rem .7rem;border-radius:1rem}
.kinds b.error{color:var(--error)}.kinds b.warning{color:var(--warning)}.kinds b.info{color:var(--info)}
.kinds button[aria-pressed=true]{background:var(--ink);color:#fff}.kinds button[aria-pressed=true] b{color:#fff}
output{color:#555;font-size:.85rem}
table{border-collapse:collapse;width:100%;background:#fff;border:1px solid var(--line)}
thead th{position:sticky;top:0;background:#fff;box-shadow:0 1px 0 var(--line);z-index:1}
th,td{text-align:left;vertical-align:top;padding:.45rem .6rem;border-bottom:1px solid #e3e0d8;overflow-wrap:break-word}
td.features{max-width:14rem}td:nth-child(2){max-width:8rem}th:last-child,td:last-child{min-width:15rem;width:50%;overflow-wrap:anywhere}
td p{margin:0 0 .2rem}td .do::before{content:"\\2192\\00a0"}td .where{color:#555;font-size:.85rem}
th button{all:unset;cursor:pointer;font-weight:600}th button:focus-visible{outline:3px solid #1a56c4}
th[aria-sort=ascending] button::after{content:" \\25B2"}th[aria-sort=descending] button::after{content:" \\25BC"}
td.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
td b.error{color:var(--error)}td b.warning{color:var(--warning)}td b.info{color:var(--info)}
tr.chosen{background:#fff1c9}
td .go{min-width:2.6rem}
@media(max-width:66rem){main{grid-template-columns:minmax(0,1fr)}figure{top:0;z-index:2}svg{height:42vh}}
@media(max-width:44rem){header{padding:.8rem .8rem 0}main{padding:.4rem .8rem 1rem}.verdict{font-size:1.15rem}
figcaption{display:none}table,thead,tbody{display:block}thead th{position:static;border:0;box-shadow:none}
thead tr{display:flex;flex-wrap:wrap}
tbody tr{display:flex;flex-wrap:wrap;gap:.1rem .9rem;padding:.6rem;border-bottom:1px solid var(--line)}
tbody td{border:0;padding:0}tbody td:last-child{flex-basis:100%}td.number[data-value="-1"]{display:none}
td.number::before{content:attr(data-label) " ";color:#555}td br{display:none}td.features{max-width:100%}
td .go{min-width:3rem;min-height:2.4rem}tr{scroll-margin-top:46vh}}
@media print{input,#zoom,.kinds{display:none}main{display:block}figure{position:static}}
"""

_SCRIPT = """
'use strict';
const $=id=>document.getElementById(id),map=document.querySelector('svg');
const whole=map&&map.getAttribute('viewBox'),body=document.querySelector('tbody'),rows=body?[...body.rows]:[];
const marks={};document.querySelectorAll('[data-fault]').forEach(e=>(marks[e.dataset.fault]??=[]).push(e));
const texts=new Map(rows.map(r=>[r,r.textContent.toLowerCase()]));
const calm=matchMedia('(prefers-reduced-motion:reduce)').matches?'auto':'smooth';
function choose(row){
  document.querySelectorAll('.chosen').forEach(e=>e.classList.remove('chosen'));
  if(row)[row,...(marks[row.dataset.number]||[])].forEach(e=>e.classList.add('chosen'));
}
function zoom(box){if(map){map.setAttribute('viewBox',box);map.classList.toggle('zoomed',box!==whole)}}
function leave(){choose(null);zoom(whole)}
rows.forEach(r=>{const b=r.querySelector('.go');if(b)b.addEventListener('click',()=>{choose(r);zoom(r.dataset.box)})});
if(map)map.addEventListener('click',e=>{const mark=e.target.closest('[data-fault]');if(!mark)return;
  const row=$('row'+mark.dataset.fault);choose(row);row.scrollIntoView({block:'center',behavior:calm})});
function scale(by){const [x,y,w,h]=map.getAttribute('viewBox').split(' ').map(Number);
  zoom([x+w*(1-by)/2,y+h*(1-by)/2,w*by,h*by].join(' '))}
if(map){$('whole').addEventListener('click',leave);
  $('nearer').addEventListener('click',()=>scale(.5));$('further').addEventListener('click',()=>scale(2));
  let held=null;
  map.addEventListener('pointerdown',e=>{if(e.pointerType==='mouse')held=[e.clientX,e.clientY]});
  addEventListener('pointerup',()=>held=null);
  addEventListener('pointermove',e=>{if(!held)return;
    const m=map.getScreenCTM().inverse(),[x,y,w,h]=map.getAttribute('viewBox').split(' ').map(Number);
    zoom([x-(e.clientX-held[0])*m.a,y-(e.clientY-held[1])*m.d,w,h].join(' '));held=[e.clientX,e.clientY]})}
document.addEventListener('keydown',e=>{if(e.key==='Escape')leave()});
const filter=$('filter'),kinds=[...document.querySelectorAll('.kinds button')];
function sift(){
  const words=filter.value.toLowerCase().split(/\\s+/),on=kinds.filter(k=>k.ariaPressed==='true').map(k=>k.value);
  let count=0;
  rows.forEach(r=>{const keep=words.every(w=>texts.get(r).includes(w))&&(!on.length||on.includes(r.dataset.kind));
    r.hidden=!keep;count+=keep;(marks[r.dataset.number]||[]).forEach(e=>e.toggleAttribute('hidden',!keep))});
  $('count').textContent=count+' / '+rows.length;
}
if(filter)filter.addEventListener('input',sift);
kinds.forEach(k=>k.addEventListener('click',()=>{k.ariaPressed=k.ariaPressed==='true'?'false':'true';sift()}));
document.querySelectorAll('th').forEach((head,column)=>head.querySelector('button').addEventListener('click',()=>{
  const before=head.ariaSort,first=head.dataset.first;
  const order=before==='ascending'?'descending':before==='descending'?'ascending':first;
  document.querySelectorAll('th').forEach(o=>o.removeAttribute('aria-sort'));head.setAttribute('aria-sort',order);
  const key=r=>{const c=r.cells[column];return c.dataset.value===undefined?c.textContent:parseFloat(c.dataset.value)};
  const compare=(a,b)=>typeof a==='number'?a-b:a.localeCompare(b,document.documentElement.lang,{numeric:true});
  rows.map(r=>[key(r),r]).sort((p,q)=>compare(p[0],q[0])*(order==='ascending'?1:-1)).forEach(([,r])=>body.append(r))}));
"""


def to_html(
    report: Mapping[str, Any],
    *,
    shapes: gpd.GeoSeries,
    places: gpd.GeoSeries,
    language: Language,
    title: str = "",
    verdict: str = "",
    advice: Sequence[str] = (),
    checked: Sequence[str] = (),
    where: Sequence[str] | None = None,
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
    verdict : str
        Whether the claims hold, in one sentence.
    advice : sequence of str
        What the faults amount to and what to do first, one sentence an item.
    checked : sequence of str
        What was checked, a claim an item; its first line says whether it holds.
    where : sequence of str, optional
        Where each fault is, in words.
    """
    heading = f"{_TITLE.text(language)} {title}".strip()
    figure, boxes = _figure(shapes, places, [fault["severity"] for fault in report["faults"]], language)
    table = _table(report["faults"], boxes, where or [""] * len(report["faults"]), language)
    counts = report["counts"]
    mood = "faulty" if counts.get("error") else "warned" if counts.get("warning") else "sound"
    advised = "".join(f"<li>{escape(sentence)}</li>" for sentence in advice)
    if advised:
        advised = f"<h2>{escape(_ADVICE.text(language))}</h2><ul>{advised}</ul>"
    if checked:
        claims = "".join(f"<li>{'<br>'.join(map(escape, claim.splitlines()))}</li>" for claim in checked)
        advised += f"<h2>{escape(_CHECKED.text(language))}</h2><ul class=claims>{claims}</ul>"
    body = (
        f'<header><h1>{escape(heading)}</h1><p class="verdict {mood}">{escape(verdict)}</p>{advised}</header>\n'
        f"<main{'' if figure and table else ' class=alone'}>\n{figure}\n{table}\n</main>"
    )
    return document(heading, body, style=_STYLE, script=_SCRIPT, language=language)


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

    surfaces, pins, boxes = [], [], []
    on_them = shapely.point_on_surface(places.to_numpy())
    for number, (place, point, severity) in enumerate(zip(places, on_them, severities, strict=True), 1):
        if place is None or place.is_empty:
            boxes.append("")
            continue
        flat = shapely.transform(place, lambda c: np.column_stack([c[:, 0] - left, top - c[:, 1]]))
        x0, y0, x1, y1 = flat.bounds
        # what lies around a fault tells where it is: a tiny one is shown with a two hundredth of the map
        reach = max(x1 - x0, y1 - y0) + size * 0.005
        boxes.append(f"{(x0 + x1) / 2 - reach:.3f} {(y0 + y1) / 2 - reach:.3f} {2 * reach:.3f} {2 * reach:.3f}")
        line = " line" if shapely.get_dimensions(flat) < 2 else ""
        of_fault = f'data-fault="{number}"'
        surfaces.append(f'<path class="fault {severity}{line}" {of_fault} d="{svg_path(flat, 3 + precision)}"/>')
        # a line of no length with round ends: a dot of one size at any zoom
        dot = f"M{point.x - left:.3f} {top - point.y:.3f}h0"
        pins.append(f'<path class="pin {severity}" {of_fault} d="{dot}"><title>{number}</title></path>')
    marks = surfaces + pins[::-1]  # the worst on top
    shapes_path = "".join(f'<path class="shape" d="{svg_path(flip(shape), precision)}"/>' for shape in drawn)
    margin = size * 0.03
    width, height = right - left + 2 * margin, top - bottom + 2 * margin
    box = f"{-margin:.3f} {-margin:.3f} {width:.3f} {height:.3f}"
    said = (_MAP if marks else _SOUND_MAP, _WHOLE, _NEARER, _FURTHER)
    caption, whole, nearer, further = (escape(text.text(language)) for text in said)
    figure = (
        f'<figure><svg role="img" aria-label="{caption}" viewBox="{box}">{shapes_path}{"".join(marks)}</svg>'
        f'<div id="zoom"><button id="nearer" type="button" aria-label="{nearer}">+</button>'
        f'<button id="further" type="button" aria-label="{further}">\u2212</button>'
        f'<button id="whole" type="button">{whole}</button></div><figcaption>{caption}</figcaption></figure>'
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


def _table(faults: list[Mapping[str, Any]], boxes: list[str], where: Sequence[str], language: Language) -> str:
    if not faults:
        return ""
    heads = "".join(
        f'<th scope="col" data-first="{"descending" if column in _LARGEST_FIRST else "ascending"}">'
        f'<button type="button">{escape(column.text(language))}</button></th>'
        for column in _COLUMNS
    )
    rows = "".join(
        _row(number, fault, box, place, language)
        for number, (fault, box, place) in enumerate(zip(faults, boxes, where, strict=True), 1)
    )
    prompt = escape(_FILTER.text(language))
    return (
        f'<section><input id="filter" type="search" aria-label="{prompt}" placeholder="{prompt}">'
        f"{_kinds(faults, language)}"
        f'<output>{escape(_SHOWN.text(language))} <span id="count">{len(faults)} / {len(faults)}</span></output>'
        f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></section>"
    )


def _kinds(faults: list[Mapping[str, Any]], language: Language) -> str:
    """Return a button a kind and severity, in the order of the table, that shows these alone."""
    counts = Counter((fault["severity"], fault["code"]) for fault in faults)
    buttons = "".join(
        f'<button type="button" aria-pressed="false" value="{severity}-{escape(code)}">'
        f'<b class="{severity}">{count}</b> {escape(_kind(code, language))}'
        f" · {escape(_SEVERITIES[severity].text(language))}</button>"
        for (severity, code), count in counts.items()
    )
    return f'<div class="kinds" role="group" aria-label="{escape(_BY_KIND.text(language))}">{buttons}</div>'


def _kind(code: str, language: Language) -> str:
    return CATALOGUE[code].name.text(language) if code in CATALOGUE else code


def _row(number: int, fault: Mapping[str, Any], box: str, where: str, language: Language) -> str:
    severity = fault["severity"]
    zoom = escape(f"{_ZOOM.text(language)} {number}")
    go = f'<button class="go" type="button" aria-label="{zoom}" title="{zoom}">{number}</button>' if box else number
    features = ", ".join(escape(feature) for feature in fault["features"][:MOST_FEATURES])
    if len(fault["features"]) > MOST_FEATURES:
        features += f" … ({len(fault['features'])})"
    place = f'<p class="where">{escape(where)}</p>' if where else ""
    return (
        f'<tr id="row{number}" data-number="{number}" data-box="{box}" data-kind="{severity}-{escape(fault["code"])}">'
        f'<td data-value="{number}">{go}</td>'
        f'<td title="{escape(fault["code"])}"><b class="{severity}">{escape(_kind(fault["code"], language))}</b><br> '
        f'{escape(_SEVERITIES[severity].text(language))}</td><td class="features">{features}</td>'
        f"{_number(fault['area'], _AREA, language)}{_number(fault['width'], _WIDTH, language)}"
        f'<td><p>{escape(fault["message"])}</p><p class="do">{escape(fault["action"])}</p>{place}</td></tr>'
    )


def _number(value: float | None, column: Message, language: Language) -> str:
    shown = "" if value is None else f"{value:,.2f}" if value >= 0.01 else f"{value:.2g}"
    label = escape(column.text(language))
    return f'<td class="number" data-label="{label}" data-value="{-1 if value is None else repr(value)}">{shown}</td>'
