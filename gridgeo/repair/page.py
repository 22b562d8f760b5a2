"""The repair as one HTML file: the town with its mends, and of each mend a picture before and after.

Nothing is fetched and no script runs. Sides are told by letter and hatching as well as by colour, so that the page can
be printed in black and white and read by everybody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pyproj
import shapely

from gridgeo._page import document, escape, svg_path
from gridgeo.crs import working_crs
from gridgeo.language import Language, Message, current_language
from gridgeo.layers import Layer
from gridgeo.repair.pictures import HATCHES, LETTERS, PICTURE_STYLE, Drawn, Scene, key_swatch
from gridgeo.repair.plan import Action, Feature, Plan
from gridgeo.repair.text import NamesOf, Wording, plan_head, sum_lines, wording
from gridgeo.validate.wording import Width

MOST_PICTURES = 500
"""Mends that are shown with a picture; the others are listed in words."""

_MOST_APART = 300
"""Numbers on the map that are set apart; more would cover it all the same."""

_TITLE = Message("Repair, before and after", "修复前后对照")
_MAP = Message(
    "Each number is a mend, a square is a fault that was left: follow a number to its pictures.",
    "数字为修复处，方块为保留的问题；点击数字查看对照图。",
)
_MENDS = Message("Mends, the largest first", "修复明细（按面积从大到小）")
_BEFORE = Message("Before", "修复前")
_AFTER = Message("After", "修复后")
_ACROSS = Message("{width} across", "图幅 {width}")
_WHY = Message("Why", "理由")
_DONE = Message("What is done", "做法")
_INSTEAD = Message("Instead", "其他选择")
_SIDES = Message("Features", "对象")
_LEFT = Message("Left as it is", "保留不动")
_NOT_DONE = Message("not done, by choice", "按选择不执行")
_MORE = Message("{count} more mends, in words", "另有 {count} 处修复，仅列文字")
_TOP = Message("Back to the map", "返回地图")
_KEY = {
    "given": Message("taken away from a feature", "划出的区域"),
    "taken": Message("given to a feature", "划入的区域"),
    "was": Message("border as it was", "原边界"),
    "missing": Message("a vertex is missing here", "此处缺少节点"),
    "inserted": Message("vertex inserted", "补插的节点"),
    "place": Message("where the border crosses itself", "边界自交处"),
    "barrier": Message("road or river", "道路或河道"),
    "ground": Message("border of the grid or block that it stands on", "所依据的网格或责任块边界"),
}
_WHERE = Message("Where", "位置")

_STYLE = (
    """
:root{color-scheme:light;--line:#d5d2ca;--ink:#1b1f24;--soft:#555}
*{box-sizing:border-box}
body{font:15px/1.5 system-ui,"Noto Sans SC","Noto Sans CJK SC","Microsoft YaHei",sans-serif;margin:0 auto;
max-width:76rem;padding:1.2rem 1.5rem 3rem;color:var(--ink);background:#f6f5f2}
h1{font-size:1rem;font-weight:500;color:var(--soft);margin:0}
h2{font-size:1.1rem;margin:2rem 0 .6rem}h3{font-size:1rem;margin:0 0 .5rem;line-height:1.35}
.verdict{font-size:1.35rem;line-height:1.35;font-weight:650;margin:.2rem 0 .6rem;border-left:.35rem solid #2e7d4f;
padding-left:.8rem}.verdict.left{border-color:#8a5a00}
p,li,dd,h3{overflow-wrap:anywhere}header ul{margin:.2rem 0;padding-left:1.2rem}
figure.map{margin:1rem 0 0;background:#fff;border:1px solid var(--line);border-radius:6px;overflow:hidden}
figure.map>svg{display:block;width:100%;max-height:70vh}
figcaption{padding:.4rem .7rem;color:var(--soft);font-size:.85rem}
.key{display:flex;flex-wrap:wrap;gap:.3rem 1.2rem;padding:0;margin:.6rem 0 0;list-style:none;font-size:.9rem}
.key li{display:flex;align-items:center;gap:.4rem}.key svg{width:2rem;height:1.2rem}
article{background:#fff;border:1px solid var(--line);border-radius:6px;padding:1rem;margin:0 0 1rem;display:grid;
grid-template-columns:minmax(0,3fr) minmax(16rem,2fr);gap:.4rem 1.4rem;content-visibility:auto;
contain-intrinsic-size:auto 24rem}
article:target{outline:3px solid #1a56c4}article h3{grid-column:1/-1}article.idle{opacity:.7}
.no{display:inline-block;min-width:1.9rem;text-align:center;background:var(--ink);color:#fff;border-radius:1rem;
padding:0 .5rem;margin-right:.5rem;font-variant-numeric:tabular-nums}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:.6rem;align-self:start}.pair figure{margin:0}
.pair svg{display:block;width:100%;border:1px solid var(--line);background:#fff}
.pair figcaption{padding:.15rem 0 0}.pair .key{grid-column:1/-1;margin:0;font-size:.85rem}
.pair .key svg{width:2rem;height:1.2rem;border:0}
svg.where{display:block;width:7.5rem;border:1px solid var(--line);background:#fff}.whole{stroke:#3a3f45;stroke-width:.8}
dl{margin:0;align-self:start}dt{font-size:.8rem;color:var(--soft)}dd{margin:0 0 .5rem}dd p{margin:0}
a{color:#1a4fae}:focus-visible{outline:3px solid #1a56c4;outline-offset:2px}
.side{display:inline-block;min-width:1.5rem;text-align:center;font-weight:700;border:1px solid #555;border-radius:3px;
margin-right:.3rem}
@media(max-width:52rem){body{padding:.8rem}article{grid-template-columns:minmax(0,1fr);padding:.7rem}
.verdict{font-size:1.15rem}figure.map>svg{max-height:56vh}
.pin{transform-box:fill-box;transform-origin:center;transform:scale(1.9)}}
@media print{body{background:#fff;padding:0;font-size:10pt}article{break-inside:avoid;content-visibility:visible;
grid-template-columns:3fr 2fr}.top{display:none}figure.map{break-inside:avoid}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
"""
    + PICTURE_STYLE
)


def repair_page(
    plan: Plan,
    before: Mapping[str, Layer],
    after: Mapping[str, Layer],
    *,
    barriers: gpd.GeoDataFrame | None = None,
    claims: Mapping[str, Drawn] | None = None,
    title: str = "",
    language: Language | None = None,
) -> str:
    """Return the pictures of a repair as one self-contained HTML page.

    Parameters
    ----------
    plan : Plan
    before, after : mapping of str to Layer
        The layers as they were and as the plan makes them.
    barriers : GeoDataFrame, optional
        Roads and rivers, to be drawn where they run beside a mend.
    claims : mapping of str to tuple, optional
        Of a town, for each claim: keys of the layers that are drawn with its mends, and of those whose borders they
        stand on. By default all layers are drawn.
    title : str
        The town or file.
    language : {"en", "zh"}, optional
    """
    chosen = language or current_language()
    said = wording(plan, chosen, names_of(before))
    metric = working_crs(next(iter(before.values())).frame)
    scene = Scene(before, after, barriers, metric, claims)
    flat = _Flat(plan, metric)
    ordered = sorted(plan.actions, key=_importance)
    heading = f"{_TITLE.text(chosen)} {title}".strip()
    counted = {key for layers, _ in claims.values() for key in layers} if claims else set(before)
    features = sum(len(before[key].frame) for key in counted)
    sums = "".join(f"<li>{escape(line)}</li>" for line in sum_lines(plan, chosen, features)) if plan.actions else ""
    cards = [_card(action, scene, flat, said, chosen) for action in ordered[:MOST_PICTURES]]
    rest = ordered[MOST_PICTURES:]
    verdict = f'<p class="verdict{" left" if plan.left else ""}">{escape(plan_head(plan, chosen))}</p>'
    parts = [
        f'<header id="top"><h1>{escape(heading)}</h1>{verdict}<ul>{sums}</ul></header>',
        _overview(scene, flat, plan, ordered, chosen),
    ]
    if cards:
        parts.append(f"<main><h2>{escape(_MENDS.text(chosen))}</h2>{''.join(cards)}</main>")
    if rest:
        more = "".join(f'<li id="mend{a.number}">{a.number}. {escape(said.action(a))}</li>' for a in rest)
        parts.append(f"<h2>{escape(_MORE.text(chosen, count=len(rest)))}</h2><ul>{more}</ul>")
    if plan.left:
        items = "".join(f"<li>{escape(said.left(left))}</li>" for left in plan.left)
        parts.append(f"<h2>{escape(_LEFT.text(chosen))}</h2><ul>{items}</ul>")
    return document(heading, "\n".join(parts), style=_STYLE, language=chosen)


def names_of(layers: Mapping[str, Layer]) -> NamesOf:
    """Return what the features of some layers are called."""
    return {
        Feature(key, identifier): name
        for key, layer in layers.items()
        for identifier, name in zip(layer.ids.tolist(), layer.names.tolist(), strict=True)
    }


@dataclass(frozen=True)
class _Flat:
    """The geometries of a plan, in metres."""

    plan: Plan
    crs: pyproj.CRS

    def regions(self, action: Action) -> list[shapely.Geometry]:
        """Return the regions of an action's transfers."""
        return self.moved([transfer.region for transfer in action.transfers])

    def moved(self, shapes: Sequence[shapely.Geometry | None]) -> list[shapely.Geometry]:
        """Bring geometries of the plan's CRS to metres."""
        return list(gpd.GeoSeries(list(shapes), crs=self.plan.crs).to_crs(self.crs))


def _importance(action: Action) -> tuple[bool, float, float, int]:
    return (not action.do, -sum(transfer.area for transfer in action.transfers), -action.moved, action.number)


def _overview(scene: Scene, flat: _Flat, plan: Plan, ordered: Sequence[Action], language: Language) -> str:
    """Return the map of the whole town, with a number at each mend that leads to its pictures."""
    left, bottom, right, top = scene.bounds
    size = max(right - left, top - bottom, 1e-9)
    scale = 1000 / size

    def at(places: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.column_stack([(places[:, 0] - left) * scale, (top - places[:, 1]) * scale])

    sheets = [shapely.simplify(shapely.transform(shapes, at), 0.3) for shapes in scene.drawn()]
    ground = "".join(
        f'<path class="town" d="{svg_path(shapely.GeometryCollection(list(shapes)), 1)}"/>' for shapes in sheets
    )
    wide, high = (right - left) * scale, (top - bottom) * scale
    places = flat.moved([action.place for action in ordered]) if ordered else []
    spots = at(shapely.get_coordinates(places)) if ordered else np.empty((0, 2))
    sizes = np.array([11.0 + 9 * len(str(action.number)) for action in ordered])
    marks = []
    for action, (x, y), (to_x, to_y), width in zip(
        ordered, spots.tolist(), _apart(spots, sizes, (wide, high)).tolist(), sizes.tolist(), strict=True
    ):
        if (x, y) != (to_x, to_y):
            marks.append(f'<path class="leader" d="M{x:.1f} {y:.1f}L{to_x:.1f} {to_y:.1f}"/>')
        marks.append(
            f'<a href="#mend{action.number}" class="pin"><rect x="{to_x - width / 2:.1f}" y="{to_y - 12:.1f}"'
            f' width="{width:g}" height="24" rx="12"/>'
            f'<text x="{to_x:.1f}" y="{to_y + 6:.1f}">{action.number}</text></a>'
        )
    unmended = [place for place in flat.moved([item.place for item in plan.left]) if place is not None]
    for place in unmended:
        x, y = at(shapely.get_coordinates(place))[0]
        marks.append(f'<rect class="unmended" x="{x - 7:.1f}" y="{y - 7:.1f}" width="14" height="14"/>')
    box = f"-30 -30 {wide + 60:.1f} {high + 60:.1f}"
    return (
        f'<figure class="map"><svg viewBox="{box}" role="group" aria-label="{escape(_MAP.text(language))}">'
        f"<defs>{HATCHES}</defs>{ground}{''.join(marks)}</svg>"
        f"<figcaption>{escape(_MAP.text(language))}</figcaption></figure>"
    )


def _apart(
    spots: npt.NDArray[np.float64], widths: npt.NDArray[np.float64], size: tuple[float, float]
) -> npt.NDArray[np.float64]:
    """Return where numbers stand on the map: at their places, or beside these where another number stands already.

    Parameters
    ----------
    spots : ndarray of float, shape (n, 2)
        The places, the most important first.
    widths : ndarray of float, shape (n,)
        Of the numbers; all are as high.
    size : tuple of float
        Of the map.
    """
    if len(spots) > _MOST_APART:
        return spots
    angles = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    ways = [np.zeros(2), *(np.array([np.cos(a) * 1.6, np.sin(a)]) * 26 * ring for ring in range(1, 6) for a in angles)]
    placed: list[tuple[float, float, float]] = []
    for (x, y), width in zip(spots.tolist(), widths.tolist(), strict=True):
        for dx, dy in ways:
            to_x, to_y = x + float(dx), y + float(dy)
            inside = -25 <= to_x <= size[0] + 25 and -15 <= to_y <= size[1] + 15
            met = any(abs(to_x - a) < (width + of) / 2 + 2 and abs(to_y - b) < 26 for a, b, of in placed)
            if inside and not met:
                break
        else:
            to_x, to_y = x, y
        placed.append((to_x, to_y, width))
    return np.array([place[:2] for place in placed]).reshape(-1, 2)


def _card(action: Action, scene: Scene, flat: _Flat, said: Wording, language: Language) -> str:
    """Return one mend: what was wrong, two pictures, and what is to be said of it."""
    picture = scene.picture(action, flat.regions(action), flat.moved([action.place])[0])
    key = "".join(f"<li>{key_swatch(sign)}{escape(_KEY[sign].text(language))}</li>" for sign in picture.signs)
    explained = f'<ul class="key">{key}</ul>' if key else ""
    where = (
        f'<svg class="where" viewBox="0 0 100 100" aria-hidden="true">{picture.where}</svg>' if picture.where else ""
    )
    across = _ACROSS.text(language, width=Width(picture.across).text(language))
    pair = "".join(
        f'<figure><svg viewBox="0 0 200 200" role="img" aria-label="{escape(name.text(language))}">{drawn}</svg>'
        f"<figcaption>{escape(name.text(language))} · {escape(across)}</figcaption></figure>"
        for name, drawn in ((_BEFORE, picture.before), (_AFTER, picture.after))
    )
    sides = "".join(
        f'<p><span class="side side{letter}">{letter}</span>{escape(said.one(feature))}</p>'
        for letter, feature in zip(LETTERS, picture.features, strict=False)
    )
    done = [said.deed(action), *said.hands(action), said.movement(action)]
    facts = [
        (_SIDES, sides),
        (_DONE, "".join(f"<p>{escape(line)}</p>" for line in done if line)),
        (_WHY, escape(action.reason(language))),
        (_INSTEAD, escape(said.others(action))),
        (_WHERE, where if picture.where else ""),
    ]
    listed = "".join(f"<dt>{escape(name.text(language))}</dt><dd>{text}</dd>" for name, text in facts if text)
    idle = "" if action.do else f" — {escape(_NOT_DONE.text(language))}"
    return (
        f'<article id="mend{action.number}"{"" if action.do else " class=idle"}>'
        f'<h3><span class="no">{action.number}</span>{escape(said.fault(action))}{idle}</h3>'
        f'<div class="pair">{pair}{explained}</div><dl>{listed}'
        f'<dt class="top"><a href="#top">{escape(_TOP.text(language))}</a></dt></dl></article>'
    )
