"""The overview of a site's first page: every block a link on one SVG map, which works without a script.

Blocks are drawn in whole millionths of a degree (`gridgeo.render.webdata`), and the drawing turns these into a map by
one scaling each way, true to the middle of the town. So the page's script reads the shapes off the map, and knows the
longitude and latitude of every click.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo._page import escape
from gridgeo.render import colours
from gridgeo.render.notice import Notice
from gridgeo.render.page import page_address
from gridgeo.render.scene import Scene
from gridgeo.render.theme import in_theme
from gridgeo.render.webdata import NameRoom, Steps, name_breaks, room_of, ways_of
from gridgeo.render.webpath import run_together

WIDTH = 1000.0
"""Units of the drawing across."""
_MOST_HIGH = 1.5
"""Height of the drawing at most, in its widths."""
_METRES_A_DEGREE = 111_320.0
_LEADING = 1.22
_FINEST = 0.35
"""Units by which lines that are only looked at may leave their course."""
_BEYOND = 12.0
"""Units around the town in which they are drawn."""
_NAME_SIZES = {"wide": (13.0, 17.0), "narrow": (26.0, 30.0)}
"""Sizes of names of blocks and of grids, in units, on wide screens and on phones."""


@dataclass(frozen=True)
class Overview:
    """The map, and what a script needs to know of it."""

    svg: str
    origin: tuple[int, int]
    """Millionths of a degree east and north of the drawing's zero."""


@in_theme
def draw_overview(scene: Scene, notices: Sequence[Notice], names: Sequence[str], *, label: str) -> Overview:
    """Return the overview of all blocks; each leads to its page.

    Parameters
    ----------
    names : sequence of str
        File name of each block's page, without ending.
    label : str
        What the map shows, for those who can't see it.
    """
    area = scene.extent if scene.extent is not None else shapely.union_all(scene.areas.geometries)
    steps = Steps(scene.town.working_crs, area)
    canvas = _Canvas(steps)
    paths = []
    for notice, name in zip(notices, names, strict=True):
        fill = colours.mixed(colours.fill_of(scene.colours[notice.index]), "#FFFFFF", 0.45)
        shape = path_of(steps.polygon(scene.areas.geometries[notice.index]))
        title = f"<title>{escape(notice.name)} {escape(notice.code)}</title>"
        paths.append(
            f'<a href="{escape(page_address(name))}" data-block="{notice.index}">{title}'
            f'<path class="block" fill="{fill}" d="{shape}"/></a>'
        )
    background = _Background(scene, steps, canvas, area)
    content = [
        *background.water(),
        *paths,
        *background.network(),
        background.grids(),
        '<path id="chosen" d=""/>',
    ]
    drawn = (
        f'<svg xmlns="http://www.w3.org/2000/svg" id="map" role="group" aria-label="{escape(label)}"'
        f' viewBox="0 0 {canvas.width:g} {canvas.height:g}">'
        f'<g id="ground" transform="{canvas.transform}">{"".join(content)}</g>{_names(scene, steps, canvas)}'
        f'<g id="pin" hidden=""><circle r="9"/><circle r="3"/></g></svg>'
    )
    return Overview(drawn, (int(steps.origin[0]), int(steps.origin[1])))


class _Canvas:
    """Where steps come to lie in the drawing."""

    def __init__(self, steps: Steps) -> None:
        wide, high = (float(length) for length in steps.size)
        narrowing = math.cos(math.radians((steps.origin[1] + high / 2) / 1e6))
        margin = 8.0
        factor = (WIDTH - 2 * margin) / max(wide * narrowing, 1.0)
        factor = min(factor, (_MOST_HIGH * WIDTH - 2 * margin) / max(high, 1.0))
        self.width = wide * narrowing * factor + 2 * margin
        self.height = round(high * factor + 2 * margin, 1)
        self._x, self._y = narrowing * factor, factor
        self._left, self._bottom = margin, self.height - margin
        self.metres = _METRES_A_DEGREE / 1e6 / factor
        """Metres in a unit of the drawing."""

    @property
    def transform(self) -> str:
        return f"matrix({self._x:.6g} 0 0 {-self._y:.6g} {self._left:g} {self._bottom:g})"

    def at(self, place: Sequence[int]) -> tuple[float, float]:
        return self._left + place[0] * self._x, self._bottom - place[1] * self._y


def path_of(parts: Iterable[Sequence[Sequence[int]]]) -> str:
    """Return SVG path data of a polygon in steps: each ring begins at a place, and goes on by steps.

    Examples
    --------
    >>> path_of([[[0, 0, 5, 0, 0, 5, -5, -5]]])
    'M0 0l5 0 0 5-5-5z'
    """
    return "".join(f"{line_of(ring)}z" for rings in parts for ring in rings)


def line_of(course: Sequence[int]) -> str:
    """Return SVG path data of a line in steps."""
    return f"M{course[0]} {course[1]}" + (f"l{run_together(course[2:])}" if len(course) > 2 else "")


class _Background:
    """What is only looked at: as fine as the drawing shows it, and no further than it reaches.

    The blocks themselves stay exact, since the page's script asks them which of them a place is in.
    """

    def __init__(self, scene: Scene, steps: Steps, canvas: _Canvas, area: shapely.Geometry) -> None:
        self._scene, self._steps = scene, steps
        self._tolerance = _FINEST * canvas.metres
        west, south, east, north = area.bounds
        around = _BEYOND * canvas.metres
        self._frame = (west - around, south - around, east + around, north + around)

    def water(self) -> Iterable[str]:
        """Draw water that has a surface."""
        scene = self._scene
        shapes = [scene.surfaces.geometries[k] for k, rank in enumerate(scene.surfaces.ranks) if rank == "river"]
        if "water" in scene.context:
            shapes += scene.context["water"].geometries.tolist()
        data = "".join(path_of(self._steps.polygon(shape)) for shape in self._shown(shapes))
        if data:
            yield f'<path class="water" d="{data}"/>'

    def network(self) -> Iterable[str]:
        """Draw what helps people to find their way: rivers and roads, no lanes."""
        scene = self._scene
        for rank in ("river", "road", "main-road"):
            chosen = [g for g, r in zip(scene.lines.geometries, scene.lines.ranks, strict=True) if r == rank]
            if chosen:
                merged = shapely.line_merge(shapely.multilinestrings(chosen))
                yield f'<path class="{rank}" d="{self._lines(shapely.get_parts(merged).tolist())}"/>'

    def grids(self) -> str:
        """Draw the borders of grids: each once, though it is the border of two."""
        ends = np.concatenate([_edges(shape) for shape in self._scene.grid_shapes])
        forwards = (ends[:, 0] < ends[:, 2]) | ((ends[:, 0] == ends[:, 2]) & (ends[:, 1] <= ends[:, 3]))
        once = np.unique(np.where(forwards[:, None], ends, ends[:, [2, 3, 0, 1]]), axis=0)
        merged = shapely.line_merge(shapely.multilinestrings(shapely.linestrings(once.reshape(-1, 2, 2))))
        return f'<path class="grid" d="{self._lines(shapely.get_parts(merged).tolist())}"/>'

    def _lines(self, lines: Sequence[shapely.Geometry]) -> str:
        return "".join(line_of(self._steps.course(line)) for line in self._shown(lines))

    def _shown(self, shapes: Sequence[shapely.Geometry]) -> list[shapely.Geometry]:
        """Return the parts of shapes that lie within the drawing, as coarse as it may be."""
        if not shapes:
            return []
        simple = shapely.simplify(np.array(shapes, object), self._tolerance)
        parts = shapely.get_parts(shapely.clip_by_rect(simple, *self._frame))
        return [part for part in parts.tolist() if not part.is_empty]


def _edges(shape: shapely.Geometry) -> npt.NDArray[np.float64]:
    """Return the edges of a polygon, or of the parts of one, each as two places."""
    rings = [shapely.get_coordinates(ring) for ring in shapely.get_rings(shapely.get_parts(shape))]
    return np.concatenate([np.hstack([ring[:-1], ring[1:]]) for ring in rings])


# ------------------------------------------------------------------------------------------------------- names


def _names(scene: Scene, steps: Steps, canvas: _Canvas) -> str:
    """Return the names of grids and blocks that fit, as large as a phone needs them, and as a wide screen does."""
    grids = [(scene.grid_names[group[0]], group, room_of(shape, steps)) for group, shape in _groups(scene)]
    blocks = [room_of(shape, steps) for shape in scene.areas.geometries.tolist()]
    groups = []
    for screen, (block_size, grid_size) in _NAME_SIZES.items():
        writer = _NameWriter(scene, canvas, blocks, block_size, grid_size)
        texts = "".join(text for name, group, room in grids for text in writer.names_of(name, group, room))
        groups.append(f'<g class="names {screen}" aria-hidden="true" font-size="{block_size:g}">{texts}</g>')
    return "".join(groups)


def _groups(scene: Scene) -> list[tuple[list[int], shapely.Geometry]]:
    members: dict[int, list[int]] = {}
    for index, number in enumerate(scene.grid_numbers.tolist()):
        members.setdefault(number, []).append(index)
    return list(zip(members.values(), scene.grid_shapes, strict=True))


class _NameWriter:
    """Writes the names of one grid: those of its blocks in full, or its own and short ones, where they fit."""

    def __init__(
        self, scene: Scene, canvas: _Canvas, blocks: Sequence[NameRoom], block_size: float, grid_size: float
    ) -> None:
        self._scene, self._canvas, self._blocks = scene, canvas, blocks
        self._block_size, self._grid_size = block_size, grid_size

    def names_of(self, grid: str, members: Sequence[int], room: NameRoom) -> list[str]:
        scene, size = self._scene, self._block_size
        whole = {
            k: self._fitting(ways_of(name_breaks(grid, scene.names[k], scene.short_name(k))), self._blocks[k], size)
            for k in members
        }
        if all(whole.values()):
            return [self._text(way, self._blocks[k], size) for k, way in whole.items() if way]
        way = self._fitting(ways_of(name_breaks(grid, grid, grid)), room, self._grid_size) if len(members) > 1 else None
        if way is None:
            return [self._text(fits, self._blocks[k], size) for k, fits in whole.items() if fits]
        return [self._text(way, room, self._grid_size, bold=True)]

    def _fitting(self, ways: Iterable[list[Any]], room: NameRoom, size: float) -> list[str] | None:
        high = room["room"] / self._canvas.metres
        for ems, *lines in ways:
            if math.hypot(ems * size / 2 / (2 * high), len(lines) * size * _LEADING / 2 / high) <= 1:
                return list(lines)
        return None

    def _text(self, lines: Sequence[str], room: NameRoom, size: float, *, bold: bool = False) -> str:
        x, y = self._canvas.at(room["at"])
        first = y - (len(lines) - 1) * size * _LEADING / 2 + size * 0.36
        larger = f' font-size="{size:g}" class="bold"' if bold else ""
        spans = "".join(
            f'<tspan x="{x:.1f}" y="{first + k * size * _LEADING:.1f}">{escape(line)}</tspan>'
            for k, line in enumerate(lines)
        )
        return f"<text{larger}>{spans}</text>"
