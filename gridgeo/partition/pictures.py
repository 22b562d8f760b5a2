"""Pictures of drafts: small maps as SVG, and pages that compare several drafts, in one file that fetches nothing.

A map shows the blocks in quiet colours (no two neighbours alike), the barriers by rank, and what changes hands hatched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pyproj
import shapely

from gridgeo import crs
from gridgeo._page import escape, svg_path
from gridgeo.network import RANKS, Barriers, Floats, Geometries

WIDTH = 1000.0
"""Units of a map's longer side."""
COLOURS = 6
DETAIL = 0.6
"""Units: barriers are drawn no finer."""

MAP_STYLE = """.b0{fill:#dfe9f3}.b1{fill:#f6ecd4}.b2{fill:#e0efdc}.b3{fill:#f3e0e0}.b4{fill:#e7e1f1}.b5{fill:#f1f1e6}
.edge{fill:none;stroke:#20262e;stroke-width:3;stroke-linejoin:round}
.grid{fill:none;stroke:#7a1f5c;stroke-width:5;stroke-linejoin:round;stroke-opacity:.75}
.river{fill:none;stroke:#3f86c7;stroke-width:3.2}.main-road{fill:none;stroke:#b98d4e;stroke-width:2.6}
.road{fill:none;stroke:#a9a396;stroke-width:1.4}.lane{fill:none;stroke:#c9c5bb;stroke-width:.7}
.water{fill:#bcd8ee}.moved{fill:url(#hatch);stroke:#a05a00;stroke-width:1}
.no{font:600 17px system-ui,sans-serif;text-anchor:middle;fill:#20262e;stroke:#fff;stroke-width:4;paint-order:stroke}
"""
HATCH = (
    '<defs><pattern id="hatch" width="9" height="9" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect width="9" height="9" fill="#ffd98a"/><path d="M0 0V9" stroke="#a05a00" stroke-width="4"/></pattern></defs>'
)


@dataclass(frozen=True)
class Sheet:
    """A window of the ground that maps of one page share: metres to units, the barriers drawn once.

    Parameters
    ----------
    left, top, scale, width, height : float
    """

    left: float
    top: float
    scale: float
    width: float
    height: float

    @classmethod
    def around(cls, shapes: Geometries) -> Sheet:
        """Return the sheet that holds some shapes in metres."""
        west, south, east, north = shapely.total_bounds(shapes).tolist()
        if not np.isfinite([west, south, east, north]).all():
            west, south, east, north = 0.0, 0.0, 1.0, 1.0
        scale = WIDTH / max(east - west, north - south, 1e-9)
        return cls(west, north, scale, (east - west) * scale, (north - south) * scale)

    def path(self, shapes: Geometries, sort: str) -> str:
        """Return shapes in metres as one path of a class."""
        drawn = shapely.transform(shapely.GeometryCollection(list(shapes)), self.at)
        return f'<path class="{sort}" d="{svg_path(drawn, 1)}"/>' if not drawn.is_empty else ""

    def at(self, places: Floats) -> Floats:
        """Return places on the sheet."""
        return np.column_stack([(places[:, 0] - self.left) * self.scale, (self.top - places[:, 1]) * self.scale])

    def barriers(self, barriers: Barriers, within: Geometries) -> str:
        """Return the barriers within some shapes, the weakest below, as a symbol that every map of the page can use."""
        parts = []
        ground = shapely.union_all(shapely.make_valid(within))
        box = shapely.box(*ground.bounds) if not ground.is_empty else ground
        water = barriers.surfaces.geometry.to_numpy()
        if len(water):
            seen = shapely.make_valid(water[shapely.intersects(water, box)])
            parts.append(self.path(shapely.intersection(seen, ground), "water"))
        lines = barriers.lines
        here = lines[shapely.intersects(lines.geometry.to_numpy(), box)] if len(lines) else lines
        for rank in reversed(RANKS):
            some = here.geometry.to_numpy()[(here["rank"] == rank).to_numpy()]
            if len(some):
                some = shapely.simplify(shapely.intersection(some, box), DETAIL / self.scale)
                parts.append(self.path(some, rank))
        return (
            f'<svg class="hidden" aria-hidden="true">{HATCH}<symbol id="barriers" viewBox="{self.box}">'
            f"{''.join(parts)}</symbol></svg>"
        )

    @property
    def box(self) -> str:
        """The view box, with a margin."""
        return f"-12 -12 {self.width + 24:.1f} {self.height + 24:.1f}"

    def map(
        self,
        blocks: Geometries,
        numbers: Sequence[str],
        *,
        label: str,
        moved: Geometries | None = None,
        outlines: Geometries | None = None,
    ) -> str:
        """Return a map of blocks in metres with their numbers, what moved hatched, and the outlines of grids."""
        drawn = []
        for colour in range(COLOURS):
            some = blocks[colours(blocks) == colour]
            drawn.append(self.path(some, f"b{colour}") if len(some) else "")
        if moved is not None and len(moved):
            drawn.append(self.path(moved, "moved"))
        use = f'<use href="#barriers" x="-12" y="-12" width="{self.width + 24:.1f}" height="{self.height + 24:.1f}"/>'
        spots = shapely.get_coordinates(shapely.point_on_surface(blocks))
        words = "".join(
            f'<text class="no" x="{x:.1f}" y="{y + 6:.1f}">{escape(number)}</text>'
            for (x, y), number in zip(self.at(spots).tolist(), numbers, strict=True)
        )
        edges = self.path(blocks, "edge") + ("" if outlines is None else self.path(outlines, "grid"))
        return (
            f'<svg viewBox="{self.box}" role="img" aria-label="{escape(label)}">{"".join(drawn)}{use}{edges}'
            f"{words if len(numbers) <= 150 else ''}</svg>"
        )


def colours(blocks: Geometries) -> np.ndarray:
    """Return a colour for each block, so that as few neighbours as can be have the same."""
    one, two = shapely.STRtree(blocks).query(blocks, predicate="intersects")
    near: list[list[int]] = [[] for _ in blocks]
    for a, b in zip(one.tolist(), two.tolist(), strict=True):
        if a != b:
            near[a].append(b)
    found = np.full(len(blocks), -1, dtype=np.int64)
    for block in sorted(range(len(blocks)), key=lambda index: (-len(near[index]), index)):
        taken = [0] * COLOURS
        for other in near[block]:
            if found[other] >= 0:
                taken[found[other]] += 1
        found[block] = min(range(COLOURS), key=lambda colour: (taken[colour], colour))
    return found


def in_metres(blocks: gpd.GeoDataFrame, metric: pyproj.CRS | None) -> Geometries:
    """Return blocks in a CRS in metres, whole enough to be drawn."""
    table = blocks if blocks.crs is None or metric is None else crs.to_crs(blocks, metric)
    shapes: Geometries = shapely.make_valid(shapely.force_2d(table.geometry.to_numpy()))
    return shapes


PAGE_STYLE = """:root{color-scheme:light}
body{font:15px/1.5 system-ui,"Noto Sans SC","Noto Sans CJK SC","Microsoft YaHei",sans-serif;margin:0 auto;
max-width:84rem;padding:1rem 1.4rem 3rem;color:#1b1f24;background:#f6f5f2}
h1{font-size:1.2rem}h2{font-size:1.05rem;margin:1.4rem 0 .4rem}p{margin:.2rem 0}td,p{overflow-wrap:anywhere}
.hidden{position:absolute;width:0;height:0}
.maps{display:grid;grid-template-columns:repeat(auto-fill,minmax(26rem,1fr));gap:1rem}
figure{margin:0;background:#fff;border:1px solid #d5d2ca}figure>svg{display:block;width:100%;max-height:80vh}
figcaption{padding:.5rem .8rem;font-size:.9rem}
table{border-collapse:collapse;background:#fff}td,th{border:1px solid #d5d2ca;padding:.25rem .7rem;text-align:left}
td.n{text-align:right;font-variant-numeric:tabular-nums}tr.chosen{background:#fff3cf}
.axis{fill:none;stroke:#8a8f96;stroke-width:1}.curve{fill:none;stroke:#1a56c4;stroke-width:2}.dot{fill:#1a56c4}
.dot.chosen{fill:#a05a00}.tick{font:12px system-ui,sans-serif;fill:#3a3f45}.chart{max-width:46rem}
"""


def table_of(head: Sequence[str], rows: Sequence[Sequence[str]], *, chosen: int = -1) -> str:
    """Return a table; cells that begin with a digit are set as numbers."""
    top = "".join(f"<th>{escape(name)}</th>" for name in head)
    lines = []
    for index, row in enumerate(rows):
        cells = "".join(
            f"<td{' class=' + chr(34) + 'n' + chr(34) if cell[:1].isdigit() else ''}>{escape(cell)}</td>"
            for cell in row
        )
        lines.append(f"<tr{' class=' + chr(34) + 'chosen' + chr(34) if index == chosen else ''}>{cells}</tr>")
    return f"<table><tr>{top}</tr>{''.join(lines)}</table>"
