"""The map of one block: one vector drawing, the same for paper and screen.

From below: land, neighbours' fills, green, water, buildings, roads with their casings, borders, a white veil over all
but the block in focus, the focus border in white casing, north arrow, scale bar, names; the legend under the frame.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from shapely.ops import substring

from gridgeo.render import colours, furniture, svg
from gridgeo.render.labels import Label, Page
from gridgeo.render.naming import Names
from gridgeo.render.scene import Scene
from gridgeo.render.section_marks import SectionMarks
from gridgeo.render.theme import in_theme
from gridgeo.render.window import Window

_ROAD_RANKS = ("lane", "road", "main-road")
"""The weakest rank first: stronger roads are drawn over weaker ones."""
ROAD_WORDS = {"main-road": "主干路", "road": "道路", "lane": "街巷"}
CASING = 0.32
_FOCUS_TINT, _STREET_TINT, _NEIGHBOUR_TINT = 0.4, 0.1, 0.42
"""Shares of white in the fills."""
_VEIL = 0.42
_STREET_BORDER = 1.4
"""Of the width of the focus border where the focus is a street: only its outer half shows."""
BORDER_DASH = "160 90"
_SEVERAL = 3
"""Colours of neighbours that the legend shows at most."""
_GAP = 1.0
"""Millimetres between the frame and the legend."""


@dataclass(frozen=True)
class Drawing:
    """A finished map: the SVG, its scale, its names, and what it shows in words for readers who can't see it.

    ``window`` is what it shows of the working CRS: west, south, east, north.
    """

    svg: str
    scale: int
    window: tuple[float, float, float, float]
    labels: tuple[Label, ...]
    description: str


@in_theme
def draw_map(scene: Scene, index: int, *, width: float, height: float) -> Drawing:
    """Return the map of the block ``index`` of the scene, ``width`` x ``height`` millimetres with its legend."""
    strip = _GAP + furniture.legend_height([[]])
    for _ in range(2):  # a second row of the legend takes its room from the map
        window = Window(scene, index, width, height - strip)
        rows = furniture.legend_rows(_legend(window), width)
        needed = _GAP + furniture.legend_height(rows)
        if needed == strip:
            break
        strip = needed
    view = window.view
    page = Page(shapely.box(1.5, 1.5, view.width - 1.5, view.height - 1.5))
    furnished = draw_furniture(window, page)
    marks = SectionMarks(window, scene.sections_by_block.get(index, ()))
    numbered = "".join(marks.numbers(page))
    houses = "".join(_workstations(window, page))
    names = Names(window, page, border_width=scene.theme.lines.focus_casing)
    named = names.draw()
    focus = svg.path_data([window.focus])
    inside = svg.rectangle(0.2, 0.2, view.width - 0.2, view.height - 0.2)
    content = [
        '<g clip-path="url(#frame)">',
        *draw_ground(window),
        *draw_roads(window),
        *draw_street_surfaces(window),
        draw_veil(window, focus, _VEIL),
        *draw_borders(window),
        *_focus(window, focus),
        *(marks.surfaces() if numbered else ()),
        *(marks.bars() if numbered else ()),
        furnished,
        houses,
        named,
        numbered,
        "</g>",
        svg.traced(inside, fill="none", stroke=colours.INK, stroke_width=svg.number(0.4)),
        furniture.draw_legend(rows, 0, view.height + _GAP),
    ]
    rectangle = f'<rect width="{svg.number(view.width)}" height="{svg.number(view.height)}"/>'
    frame = f'<clipPath id="frame">{rectangle}</clipPath>'
    drawn = svg.document(width, height, content, definitions=frame)
    return Drawing(drawn, view.scale, view.window, (*names.placed, *marks.placed), _description(window))


# ---------------------------------------------------------------------------------------------------- the picture


def draw_ground(window: Window) -> Iterable[str]:
    """Draw land, the blocks' fills, green, water and buildings."""
    context = window.context
    shapes = [context.get("green", []), window.waters, window.courses_of("river"), context.get("buildings", [])]
    shapes += [window.carriageways, *([window.blocks[k]] for k in window.others)]
    green, waters, rivers, buildings, carriageways, *blocks = svg.paths_data(shapes)
    yield svg.traced(svg.rectangle(0, 0, window.view.width, window.view.height), fill=colours.LAND)
    for k, block in zip(window.others, blocks, strict=True):
        yield svg.traced(block, fill=_fill(window, k))
    yield svg.traced(green, fill=colours.GREEN, fill_opacity="0.9")
    # edges first, so that none shows where one water flows into another
    yield svg.traced(waters, fill="none", stroke=colours.WATER_EDGE, stroke_width=svg.number(0.4))
    yield svg.traced(waters, fill=colours.WATER)
    course = {"fill": "none", "stroke_linecap": "round"}
    width = window.scene.theme.lines.river * window.line_factor
    yield svg.traced(rivers, stroke=colours.WATER_EDGE, stroke_width=svg.number(width + 0.4), **course)
    yield svg.traced(rivers, stroke=colours.WATER, stroke_width=svg.number(width), **course)
    edge = {"stroke": colours.BUILDING_EDGE, "stroke_width": svg.number(0.12)}
    yield svg.traced(buildings, fill=colours.BUILDING, **edge)
    edge = {"stroke": colours.ROAD_CASING, "stroke_width": svg.number(0.25)}
    yield svg.traced(carriageways, fill=colours.ROAD, **edge)


def road_width(window: Window, rank: str) -> float:
    """Return the nominal width of a road in millimetres."""
    lines = window.scene.theme.lines
    return {"lane": lines.lane, "road": lines.road, "main-road": lines.main_road}[rank]


def road_fill(rank: str) -> str:
    """Return the colour of a road's surface."""
    return colours.MAIN_ROAD if rank == "main-road" else colours.ROAD


def draw_roads(window: Window) -> Iterable[str]:
    """Draw roads level by level, so that a bridge passes over what is under it."""
    drawn = [(level, rank) for level in window.levels for rank in _ROAD_RANKS]
    courses = dict(zip(drawn, svg.paths_data(_road_courses(window, rank, level) for level, rank in drawn), strict=True))
    for level in window.levels:
        for casing in (True, False):
            for rank in _ROAD_RANKS:
                width = road_width(window, rank) * window.line_factor + (2 * CASING if casing else 0)
                yield svg.traced(
                    courses[level, rank],
                    fill="none",
                    stroke=colours.ROAD_CASING if casing else road_fill(rank),
                    stroke_width=svg.number(width),
                    stroke_linecap="butt" if casing and level else "round",
                )


def _road_courses(window: Window, rank: str, level: int) -> list[shapely.Geometry]:
    """Return the courses of roads; their round ends lie inside the town where they end at its edge."""
    courses = window.courses_of(rank, level)
    if not window.road_ends:
        return courses
    reach = road_width(window, rank) * window.line_factor / 2 + CASING
    within = []
    for course in courses:
        ends = shapely.get_coordinates(course)[[0, -1]]
        before, after = (reach if tuple(end) in window.road_ends else 0.0 for end in np.rint(ends * 1000).tolist())
        long_enough = course.length > 2 * (before + after)
        within.append(substring(course, before, course.length - after) if before + after and long_enough else course)
    return within


def draw_street_surfaces(window: Window) -> Iterable[str]:
    """Draw street blocks as the surface of the streets."""
    others = [window.blocks[k] for k in window.streets if k != window.index]
    surfaces, edges = svg.paths_data([others, [window.street_area]])
    yield svg.traced(surfaces, fill=colours.ROAD)
    yield svg.traced(edges, fill="none", stroke=colours.ROAD_CASING, stroke_width=svg.number(0.3))


def draw_borders(window: Window) -> Iterable[str]:
    """Draw the borders of blocks and of grids."""
    inner, outer = svg.paths_data(find_borders(window.blocks, window.scene.grid_numbers))
    lines = window.scene.theme.lines
    dashed = {"stroke_width": svg.number(lines.block_border), "stroke_dasharray": BORDER_DASH}
    yield svg.traced(inner, fill="none", stroke=colours.BLOCK_BORDER, **dashed)
    yield svg.traced(outer, fill="none", stroke=colours.GRID_BORDER, stroke_width=svg.number(lines.grid_border))


def draw_veil(window: Window, focus: str, share: float) -> str:
    """Fade what lies around a path. Borders are drawn above it: on a photocopy they alone part the blocks."""
    view = window.view
    outside = svg.rectangle(-1, -1, view.width + 1, view.height + 1)
    veil = svg.attributes(fill="#FFFFFF", fill_opacity=share, fill_rule="evenodd")
    return f'<path d="{outside}{focus}"{veil}/>'


def _focus(window: Window, focus: str) -> Iterable[str]:
    """Draw the border of the focus; round a street, which is narrow, its outer half only, so that the surface shows."""
    lines = window.scene.theme.lines
    border = lines.focus * (_STREET_BORDER if window.is_street else 1.0)
    for colour, width in ((colours.HALO, lines.focus_casing), (colours.ACCENT, border)):
        yield svg.traced(focus, fill="none", stroke=colour, stroke_width=svg.number(width))
    if window.is_street:
        divided = window.index in window.scene.sections_by_block
        yield svg.traced(focus, fill=colours.ROAD if divided else _fill(window, window.index))


def _fill(window: Window, block: int) -> str:
    tint = _NEIGHBOUR_TINT
    if block == window.index:
        tint = _STREET_TINT if window.is_street else _FOCUS_TINT
    return colours.mixed(colours.fill_of(window.colours[block]), "#FFFFFF", tint)


# ---------------------------------------------------------------------------------------------------- around it


def _legend(window: Window) -> list[furniture.Entry]:
    """Return the legend: only what the map shows."""
    divided = window.index in window.scene.sections_by_block
    # the surface of a street that is divided has the colours of its sections
    fill = colours.HALO if divided else _fill(window, window.index)
    entries = [furniture.Entry("本责任块", furniture.swatch(fill, stroke=colours.ACCENT, stroke_width=0.9))]
    if divided:
        entries.append(furniture.Entry("责任路段（编号、分界）", furniture.section_sample(colours.section_fills())))
    if window.workstations:
        house = furniture.draw_house(furniture.HOUSE_WIDTH / 2, furniture.HOUSE_HEIGHT / 2, colours.ACCENT)
        entries.append(furniture.Entry("工作站", house))
    neighbours = [k for k in window.others if k != window.index]
    if neighbours:
        fills = dict.fromkeys(veiled(_fill(window, k)) for k in neighbours)
        entries.append(furniture.Entry("相邻责任块", furniture.swatches(*[*fills][:_SEVERAL])))
    grids = {int(window.scene.grid_numbers[k]) for k in window.blocks}
    if len(grids) > 1:
        entries.append(furniture.Entry("网格界", furniture.stroke_sample((colours.GRID_BORDER, 0.6))))
    if len(window.blocks) > len(grids):
        line = furniture.stroke_sample((colours.BLOCK_BORDER, 0.45), dash=BORDER_DASH)
        entries.append(furniture.Entry("责任块界", line))
    if window.carriageways or any(k != window.index for k in window.streets):
        entries.append(furniture.Entry("街面", furniture.swatch(colours.ROAD, stroke=colours.ROAD_CASING)))
    return [*entries, *ground_legend(window)]


def ground_legend(window: Window) -> list[furniture.Entry]:
    """Return the legend of what lies on the ground: streets, water, green, buildings; only what is shown."""
    entries = []
    for rank, words in ROAD_WORDS.items():
        if window.courses_of(rank):
            width = road_width(window, rank) * 0.9
            strokes = ((colours.ROAD_CASING, width + 2 * CASING), (road_fill(rank), width))
            entries.append(furniture.Entry(words, furniture.stroke_sample(*strokes)))
    if window.waters or window.lines_of("river"):
        entries.append(furniture.Entry("河道", furniture.swatch(colours.WATER, stroke=colours.WATER_EDGE)))
    if window.context.get("green"):
        entries.append(furniture.Entry("绿地", furniture.swatch(colours.GREEN)))
    if window.context.get("buildings"):
        entries.append(furniture.Entry("建筑", furniture.swatch(colours.BUILDING, stroke=colours.BUILDING_EDGE)))
    return entries


def _workstations(window: Window, page: Page) -> Iterable[str]:
    """Draw the houses of workstations, those of the focus first; names make way for them."""
    wide, high = furniture.HOUSE_WIDTH / 2 + 0.5, furniture.HOUSE_HEIGHT / 2 + 0.5
    for point, own in sorted(window.workstations, key=lambda item: not item[1]):
        plate = shapely.box(point.x - wide, point.y - high, point.x + wide, point.y + high)
        if own or page.is_free(np.array([plate], dtype=object)):
            page.take(plate)
            fill = colours.ACCENT if own else veiled(colours.QUIET_INK)
            yield furniture.draw_house(point.x, point.y, fill)


def draw_furniture(window: Window, page: Page) -> str:
    """Draw the north arrow and the scale bar in the corners where they cover least of the focus."""
    view, inset = window.view, 3.0

    def freest(wide: float, high: float, *, top_first: bool) -> tuple[float, float]:
        right, low = view.width - wide - inset, view.height - high - inset
        rows = (inset, low) if top_first else (low, inset)
        corners = [(x, y) for y in rows for x in (right, inset)]
        plates = [shapely.box(x, y, x + wide, y + high) for x, y in corners]
        taken = [0 if page.is_free(np.array([plate], dtype=object)) else 1 for plate in plates]
        covered = np.round(shapely.area(shapely.intersection(plates, window.focus)), 3).tolist()
        best = min(range(len(corners)), key=lambda k: (taken[k], covered[k], k))
        page.take(plates[best])
        return corners[best]

    arrow = freest(furniture.ARROW_WIDTH, furniture.ARROW_HEIGHT, top_first=True)
    bar = freest(furniture.bar_width(view.scale), furniture.BAR_HEIGHT, top_first=False)
    north = furniture.draw_north_arrow(*arrow, window.scene.convergence)
    return north + furniture.draw_scale_bar(view.scale, *bar)


def _description(window: Window) -> str:
    """Return a sentence for readers who can't see the map."""
    scene = window.scene
    others = [k for k in window.others if k != window.index]
    touching = window.touch_focus([window.blocks[k] for k in others])
    near = [k for k, touches in zip(others, touching, strict=True) if touches]
    around = f"相邻：{'、'.join(scene.names[k] for k in near[:8])}。" if near else ""
    return f"{scene.names[window.index]}的责任网格示意图，比例尺 1:{window.view.scale}。{around}"


# ---------------------------------------------------------------------------------------------------- geometry


def veiled(colour: str) -> str:
    """Return a colour as it looks under the veil."""
    return colours.mixed(colour, "#FFFFFF", _VEIL)


def find_borders(
    shapes: dict[int, shapely.Geometry], grid_numbers: npt.NDArray[np.int64]
) -> tuple[list[shapely.Geometry], list[shapely.Geometry]]:
    """Return the borders between blocks of one grid, and those between grids, each stretch once.

    Parameters
    ----------
    shapes : dict of Polygon or MultiPolygon
        By index, in millimetres on the page. Equal stretches are recognised in the drawing's whole units.
    grid_numbers : ndarray of int
        The grid of each index.
    """
    parts, part_owner = shapely.get_parts(list(shapes.values()), return_index=True)
    rings, owner = shapely.get_rings(parts, return_index=True)
    if not len(rings):
        return [], []
    points, ring = shapely.get_coordinates(rings, return_index=True)
    units = np.rint(points * svg.UNIT).astype(np.int64)
    # each place has a number, so that an edge is known by one number as well: numbers are sorted faster than rows are
    low_corner, high_corner = units.min(axis=0), units.max(axis=0)
    height = int(high_corner[1] - low_corner[1]) + 1
    places, place = np.unique((units[:, 0] - low_corner[0]) * height + units[:, 1] - low_corner[1], return_inverse=True)
    joined = np.flatnonzero(ring[1:] == ring[:-1])
    start, end = place[joined], place[joined + 1]
    edge = np.minimum(start, end) * len(places) + np.maximum(start, end)
    grid = grid_numbers[np.array(list(shapes))[part_owner[owner[ring[joined]]]]]
    distinct, which = np.unique(edge, return_inverse=True)
    sides = np.bincount(which, minlength=len(distinct))
    low = np.full(len(distinct), np.iinfo(np.int64).max)
    high = np.full(len(distinct), -1, dtype=np.int64)
    np.minimum.at(low, which, grid)
    np.maximum.at(high, which, grid)
    ends = np.stack(np.divmod(distinct, len(places)), axis=1)
    real = ends[:, 0] != ends[:, 1]
    where = np.stack(np.divmod(places, height), axis=1) + low_corner
    chains = []
    for chosen in (real & (sides > 1) & (low == high), real & ((sides == 1) | (low != high))):
        edges = shapely.linestrings(where[ends[chosen]] / svg.UNIT)
        merged = shapely.line_merge(shapely.multilinestrings(edges)) if len(edges) else None
        chains.append(shapely.get_parts(merged).tolist() if merged is not None else [])
    return chains[0], chains[1]
