"""The overview map of a town: one HTML file that needs no network.

folium sets up the page and Leaflet's map; Leaflet itself (from the PyPI package that carries it), our script and style,
the town's data and a font with just the characters used are put into the file. No text of the town goes through the
templates of folium, which would run ``${...}`` and HTML in it: it travels as JSON and is shown as ``textContent``. A
content security policy allows exactly the scripts of the file, by their hashes, and no request to anywhere.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pyproj
import shapely

from gridgeo._files import write_whole
from gridgeo.render import file_names
from gridgeo.render.colours import fill_of
from gridgeo.render.labels import break_name
from gridgeo.render.notice import Notice, compose_notices
from gridgeo.render.scene import Features, Scene, make_scene
from gridgeo.render.webfont import subset_for_web

if TYPE_CHECKING:
    from gridgeo.town import Town

WORDS = {
    "code": "编号",
    "head": "块长",
    "hours": "接待时间",
    "phone": "电话",
    "area": "面积",
    "notice": "查看公示图（PDF）",
    "streets": "道路与河道",
    "background": "建筑、水面、绿地",
    "street": "道路或河道",
    "nothing": "没有找到",
    "search": "查找责任块、编号、块长、道路",
    "title": "责任网格总览图",
    "river": "河道",
    "main-road": "主干道",
    "road": "道路",
    "lane": "街巷",
    "grid": "网格界",
}
"""The words of the page; it is Chinese, as the notices are."""

_LINE_COLOURS = {"river": "#8fb6cc", "main-road": "#e8c76a", "road": "#a9a294", "lane": "#c9c2b4", "grid": "#6a5a6e"}
_DECIMALS = 6
"""Of a degree: a tenth of a metre. Rounding keeps seams exact, because equal vertices stay equal."""
_MOST_BUILDINGS = 20_000


def render_map(town: Town, out: str | Path) -> Path:
    """Write the overview map of a town as one HTML file.

    Parameters
    ----------
    town : Town
        With drafted blocks.
    out : path
        The file. Links lead to ``notices/CODE.pdf`` beside it, where these exist.

    Returns
    -------
    Path
        The file, written whole or not at all; the same town gives the same bytes.

    Raises
    ------
    InputError
        When there are no blocks, or the file can't be written.
    """
    out = Path(out)
    scene = make_scene(town)
    data = _data(scene, compose_notices(scene), out.parent)
    return write_whole(out, _page(town, data))


# ---------------------------------------------------------------------------------------------------- the data


class _Degrees:
    """Brings geometries of the working CRS to rounded longitude and latitude."""

    def __init__(self, crs: pyproj.CRS) -> None:
        self._transformer = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)

    def points(self, coordinates: npt.NDArray[np.float64]) -> list[list[float]]:
        x, y = self._transformer.transform(coordinates[:, 0], coordinates[:, 1])
        rounded: list[list[float]] = np.round(np.column_stack([x, y]), _DECIMALS).tolist()
        return rounded

    def polygon(self, geometry: shapely.Geometry) -> list[list[list[list[float]]]]:
        """Parts, rings, points."""
        return [
            [self.points(shapely.get_coordinates(ring)) for ring in shapely.get_rings(part)]
            for part in shapely.get_parts(geometry)
            if part.geom_type == "Polygon"
        ]

    def lines(self, geometry: shapely.Geometry) -> list[list[list[float]]]:
        return [
            self.points(shapely.get_coordinates(part))
            for part in shapely.get_parts(geometry)
            if part.geom_type == "LineString"
        ]


def _data(scene: Scene, notices: list[Notice], folder: Path) -> dict[str, Any]:
    town = scene.town
    degrees = _Degrees(town.working_crs)
    everything = scene.extent if scene.extent is not None else shapely.union_all(scene.areas.geometries)
    (west, south), (east, north) = degrees.points(np.reshape(everything.bounds, (2, 2)))
    grids = gpd.GeoSeries(scene.areas.geometries).groupby(scene.grid_numbers).agg(shapely.coverage_union_all)
    return {
        "title": town.name,
        "watermark": town.watermark,
        "attribution": town.attribution,
        "disclaimer": town.publication.disclaimer,
        "words": WORDS,
        "bounds": [[south, west], [north, east]],
        "extent": degrees.polygon(everything) if scene.extent is not None else [],
        "blocks": [_block(scene, notice, degrees, folder) for notice in notices],
        "grids": [degrees.polygon(shape) for shape in grids],
        "lines": _lines(scene, degrees, everything),
        "context": {
            key: [part for shape in _shown(features, everything) for part in degrees.polygon(shape)]
            for key, features in [*scene.context.items(), ("water", scene.surfaces)]
        }
        | {"water": _waters(scene, degrees, everything)},
    }


def _block(scene: Scene, notice: Notice, degrees: _Degrees, folder: Path) -> dict[str, Any]:
    shape = scene.areas.geometries[notice.index]
    circle = shapely.maximum_inscribed_circle(max(shapely.get_parts(shape), key=lambda part: part.area), tolerance=1.0)
    pdf = f"notices/{file_names([notice.code])[0]}.pdf"
    name = scene.short_name(notice.index)
    lines = break_name(name, most=2)
    area = shape.area
    return {
        "code": notice.code,
        "name": notice.name,
        "grid": notice.grid,
        "kind": notice.kind,
        "kindName": notice.kind_name,
        "head": "" if notice.head.is_pending else notice.head.name,
        "hours": notice.head.hours,
        "phone": notice.head.phone,
        "area": f"{area / 1e4:.1f} 公顷" if area < 1e6 else f"{area / 1e6:.2f} 平方千米",
        "notice": pdf if (folder / pdf).is_file() else "",
        "fill": fill_of(scene.colours[notice.index]),
        "at": degrees.points(shapely.get_coordinates(circle)[:1])[0],
        "room": round(float(circle.length), 1),
        "label": "\n".join(min(lines, key=lambda broken: max(map(len, broken)))),
        "rings": degrees.polygon(shape),
    }


def _lines(scene: Scene, degrees: _Degrees, within: shapely.Geometry) -> list[dict[str, Any]]:
    """Streets and rivers near the town, parts of one name and rank joined."""
    near = shapely.buffer(shapely.convex_hull(within), 300)
    frame = gpd.GeoDataFrame(
        {"name": scene.lines.names, "rank": scene.lines.ranks}, geometry=np.asarray(scene.lines.geometries, object)
    )
    frame = frame[shapely.intersects(frame.geometry.to_numpy(), near)]
    joined = []
    for (rank, name), group in frame.groupby(["rank", "name"], sort=True):
        course = shapely.line_merge(shapely.multilinestrings(shapely.get_parts(group.geometry.to_numpy())))
        joined += [{"rank": rank, "name": name, "course": line} for line in degrees.lines(course)]
    return joined


def _waters(scene: Scene, degrees: _Degrees, within: shapely.Geometry) -> list[Any]:
    rivers = [g for g, rank in zip(scene.surfaces.geometries, scene.surfaces.ranks, strict=True) if rank == "river"]
    shapes = _shown(scene.context["water"], within) if "water" in scene.context else []
    return [part for shape in [*shapes, *rivers] for part in degrees.polygon(shape)]


def _shown(features: Features, within: shapely.Geometry) -> list[shapely.Geometry]:
    near = [features.geometries[index] for index in features.near(shapely.convex_hull(within))]
    # of too many the largest, which are what the eye finds
    return sorted(near, key=shapely.area, reverse=True)[:_MOST_BUILDINGS]


# ---------------------------------------------------------------------------------------------------- the page


def _page(town: Town, data: dict[str, Any]) -> str:
    title = f"{town.name} {WORDS['title']}"
    body = _panel(town, data)
    font = base64.b64encode(subset_for_web(title + body + json.dumps(data, ensure_ascii=False))).decode()
    face = f"@font-face{{font-family:'gridgeo';src:url(data:font/woff2;base64,{font}) format('woff2')}}"
    leaflet = resources.files("js_lib_leaflet") / "static" / "js_lib_leaflet"
    # its icons are not used here; without their addresses the style asks for nothing
    leaflet_style = re.sub(r"url\([^)]*\)", "none", (leaflet / "leaflet.css").read_text(encoding="utf-8"))
    leaflet_script = re.sub(r"//# source.*", "", (leaflet / "leaflet.js").read_text(encoding="utf-8"))
    own = resources.files("gridgeo.render") / "web"
    head = (
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n"
        f"<style>{leaflet_style}</style>\n<style>{face}\n{(own / 'map.css').read_text(encoding='utf-8')}</style>\n"
        f"<script>{leaflet_script}</script>"
    )
    own_script = (own / "map.js").read_text(encoding="utf-8")
    page = _folium_page(head, f"{body}\n{_json_script(data)}", own_script)
    return _with_policy(page.replace("<html>", '<html lang="zh-CN">', 1))


def _folium_page(head: str, body: str, script: str) -> str:
    """Return folium's page for an empty map, with our parts in it; names are fixed, so that the bytes are.

    folium reads every part of a page as a template, so our parts are put in place of marks when it is done.
    """
    import folium
    from branca.element import Element, Figure

    figure = Figure()
    figure._id = "page"
    town_map = folium.Map(location=(0, 0), zoom_start=13, tiles=None, zoom_snap=0.25, max_zoom=20)
    town_map._id = "town"
    town_map.default_js, town_map.default_css = [], []  # folium's lists lead to servers
    figure.add_child(town_map)
    for place, name in ((figure.header, "head"), (figure.html, "body")):
        place.add_child(Element(f"gridgeo:{name}"), name=name)
    page: str = figure.render()
    data = "JSON.parse(document.getElementById('town-data').textContent)"
    start = f"{script.strip()}({town_map.get_name()}, {data});"
    for name, part in (("head", head), ("body", body)):
        before, mark, after = page.partition(f"gridgeo:{name}")
        assert mark, "folium left out a part of the page"
        page = f"{before}{part}{after}"
    # folium's own script, which makes the map, has to run first
    return page.replace("</html>", f"<script>{start}</script>\n</html>")


def _panel(town: Town, data: dict[str, Any]) -> str:
    mark = f'<span class="mark">{html.escape(town.watermark)}</span>' if town.watermark else ""
    kinds = dict.fromkeys(block["kindName"] for block in data["blocks"])
    under = f"{len(data['blocks'])} 个责任块 · {'、'.join(kinds)}"
    ranks = [rank for rank in ("main-road", "road", "lane", "river") if any(x["rank"] == rank for x in data["lines"])]
    key = "".join(
        f'<span><i style="border-color:{_LINE_COLOURS[rank]}"></i>{WORDS[rank]}</span>' for rank in [*ranks, "grid"]
    )
    search = WORDS["search"]
    return (
        f'<section id="panel" aria-label="{WORDS["title"]}"><header>'
        f"<h1>{html.escape(town.name)}<br>{WORDS['title']}</h1>"
        f'<p class="under">{mark}{html.escape(under)}</p></header>'
        f'<form role="search"><input id="find" type="search" aria-label="{search}" placeholder="{search}"></form>'
        f'<ul id="found" aria-live="polite"></ul><div id="key">{key}</div></section>'
    )


def _json_script(data: dict[str, Any]) -> str:
    """Return data as a script element that no browser runs; ``<``, ``>`` and ``&`` can't end it early."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return f'<script type="application/json" id="town-data">{text}</script>'


def _with_policy(page: str) -> str:
    """Return the page with a policy that lets its own scripts run, by hash, and asks nobody for anything."""
    scripts = re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts)
    policy = (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; font-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    meta = f'<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="{policy}">'
    return page.replace("<head>", f"<head>\n{meta}", 1)
