"""A town made ready for drawing: every layer in the working CRS with its spatial index, read once for all notices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from gridgeo._collector import collector_paused
from gridgeo.coverage import analyse
from gridgeo.crs import convergence
from gridgeo.errors import Problem
from gridgeo.language import Message
from gridgeo.network import RANKS, Rank
from gridgeo.render.block_table import drawable_blocks, tell_overlaps
from gridgeo.render.colours import colour_by_adjacency
from gridgeo.render.fonts import missing_characters, printable, without_missing
from gridgeo.render.publishing import publishable
from gridgeo.render.theme import Theme, read_theme
from gridgeo.town import Town
from gridgeo.town.duties import blocks_of_sections

if TYPE_CHECKING:
    from gridgeo.render.extent import Extent

Geometries = npt.NDArray[np.object_]
Ints = npt.NDArray[np.int64]

WORKSTATIONS = "workstations"
"""Key of the layer of workstations (“1+2+N”), points or buildings, each drawn as a house."""
_LONG, _SHORT = 0.2, 0.05
"""Shares of a town's breadth: from which on a river or a road is shown on its little map, and the parts of it."""
_AT_THE_EDGE = 1.5
"""Metres from the edge of the town within which a road ends there."""
CONTEXT_KEYS: tuple[str, ...] = ("green", "water", "buildings")
"""Layers that are drawn as background when a town has a polygon layer of that key, in the order of drawing."""

_UNPRINTABLE_NAME = Message(
    "the fonts lack the character {characters} of the name {name}; 〓 stands for it on the map",
    "字库中没有名称“{name}”里的字符 {characters}；地图上以〓代替",
)


_MASKED_NAME = Message(
    "a name holds a number of somebody, which is masked ({name}); correct the name",
    "名称中含有个人号码，已作隐藏（{name}）；请更正名称",
)


@dataclass(frozen=True)
class Features:
    """Geometries with names and ranks, and their spatial index."""

    geometries: Geometries
    names: list[str] = field(default_factory=list)
    ranks: list[Rank] = field(default_factory=list)
    levels: list[int] = field(default_factory=list)

    @cached_property
    def tree(self) -> shapely.STRtree:
        """Spatial index of the geometries."""
        tree = shapely.STRtree(self.geometries)
        tree.query(
            shapely.Point(0, 0)
        )  # it is built with the first question, which several threads must not ask at once
        return tree

    def near(self, area: shapely.Geometry) -> list[int]:
        """Return the indices of what meets ``area``, in order."""
        found: Ints = self.tree.query(area, predicate="intersects")
        return [int(k) for k in np.sort(found)]


@dataclass(frozen=True)
class Section:
    """One section of a street block."""

    code: str
    block: int
    """Index of its block in the scene."""
    number: str
    """By which the map and the table call it: 1, 2, 3 ... within its block."""
    streets: str
    length: float
    line: shapely.Geometry
    """In the working CRS."""


@dataclass(frozen=True)
class Scene:
    """One town, ready for drawing.

    Parameters
    ----------
    blocks : GeoDataFrame
        The blocks in the working CRS, sorted by code, with the columns of `gridgeo.partition` and a fresh index.
    names, grid_names : list of str
        Of each block, fit to print.
    colours : list of int
        Colour number of each block: neighbours differ.
    extent : Geometry or None
        The town's area.
    lines, surfaces : Features
        Barriers with name, rank and level.
    context : mapping
        Background polygons by key, see `CONTEXT_KEYS`.
    problems : tuple of Problem
        Names that can't be set on the map in full.
    sections : tuple of Section
        Of the street blocks, in order of block and code.
    theme : Theme
        How all is to look.
    workstations : Features
        Points with names.
    is_coverage : bool
        Whether no two blocks overlap and neighbours have the same vertices along their border.
    """

    town: Town
    blocks: gpd.GeoDataFrame
    names: list[str]
    grid_names: list[str]
    colours: list[int]
    extent: shapely.Geometry | None
    lines: Features
    surfaces: Features
    context: Mapping[str, Features]
    problems: tuple[Problem, ...] = ()
    sections: tuple[Section, ...] = ()
    theme: Theme = field(default_factory=Theme)
    workstations: Features = field(default_factory=lambda: Features(np.empty(0, dtype=object)))
    is_coverage: bool = True

    @cached_property
    def stations(self) -> list[str]:
        """What the workstation of each block is called: that in the block, else that in its grid; "" for none."""
        found = [""] * len(self.blocks)
        if not len(self.workstations.geometries):
            return found
        station, block = self.areas.tree.query(self.workstations.geometries, predicate="intersects")
        of_grid: dict[int, str] = {}
        for one, other in sorted(zip(station.tolist(), block.tolist(), strict=True)):
            name = self.workstations.names[one]
            found[other] = found[other] or name
            of_grid.setdefault(int(self.grid_numbers[other]), name)
        return [own or of_grid.get(int(grid), "") for own, grid in zip(found, self.grid_numbers, strict=True)]

    @cached_property
    def areas(self) -> Features:
        """The blocks' polygons."""
        return Features(np.asarray(self.blocks.geometry.values, dtype=object), self.names)

    @cached_property
    def grid_numbers(self) -> Ints:
        """A number for each block's grid: equal numbers, same grid."""
        keys = list(zip(self.blocks["grid_layer"].astype(str), self.blocks["grid"].astype(str), strict=True))
        number = {key: k for k, key in enumerate(dict.fromkeys(keys))}
        return np.array([number[key] for key in keys], dtype=np.int64)

    @cached_property
    def outline(self) -> shapely.Geometry:
        """The town's area, simplified for a little map."""
        west, south, east, north = self.whole.bounds
        return shapely.simplify(self.whole, max(east - west, north - south) / 800)

    @cached_property
    def whole(self) -> shapely.Geometry:
        """The town's area; without an extent, that of the blocks."""
        return self.extent if self.extent is not None else shapely.union_all(self.areas.geometries)

    @cached_property
    def main_roads(self) -> list[shapely.Geometry]:
        """The long main roads within the town, for a little map."""
        return self._strongest("main-road")

    @cached_property
    def main_rivers(self) -> list[shapely.Geometry]:
        """The long rivers within the town, for a little map."""
        return self._strongest("river")

    def _strongest(self, rank: str) -> list[shapely.Geometry]:
        """Return the long ones of a rank, each as one shape: hundreds of short ones would fill a little map."""
        of_name: dict[str, list[shapely.Geometry]] = {}
        for line, of_rank, name in zip(self.lines.geometries, self.lines.ranks, self.lines.names, strict=True):
            if of_rank == rank:
                of_name.setdefault(name, []).append(line)
        west, south, east, north = self.outline.bounds
        span = max(east - west, north - south)
        found: list[shapely.Geometry] = []
        for name, lines in of_name.items():
            inside = shapely.intersection(shapely.union_all(lines), self.outline)
            parts = shapely.get_parts(shapely.line_merge(inside) if inside.geom_type == "MultiLineString" else inside)
            lengths = shapely.length(parts)
            # what has no name is one thing only as far as it is one line
            long = lengths.sum() > _LONG * span if name else lengths > _LONG * span
            found += shapely.simplify(parts[long & (lengths > _SHORT * span)], span / 600).tolist()
        return found

    @cached_property
    def grid_shapes(self) -> list[shapely.Geometry]:
        """The area of each grid, in the order of `grid_numbers`: its blocks as one."""
        members = gpd.GeoSeries(self.areas.geometries).groupby(self.grid_numbers)
        # the quick way loses blocks that overlap, and fails at some
        union = shapely.coverage_union_all if self.is_coverage else shapely.union_all
        return [union(group.to_numpy()) for _, group in members]

    @cached_property
    def extents(self) -> list[Extent]:
        """What each block reaches to on each side, in words."""
        from gridgeo.render.extent import Surroundings  # which looks at scenes

        return Surroundings(self).extents()

    @cached_property
    def courses(self) -> Features:
        """The courses of lines where no surface stands for them: roads beside streets' areas, rivers beside waters."""
        ranks = self.lines.ranks
        paved = [
            shape for shape, rank in zip(self.surfaces.geometries, self.surfaces.ranks, strict=True) if rank != "river"
        ]
        paved += [shape for shape, kind in zip(self.areas.geometries, self.kinds, strict=True) if kind == "street"]
        wet = [
            shape for shape, rank in zip(self.surfaces.geometries, self.surfaces.ranks, strict=True) if rank == "river"
        ]
        wet += self.context["water"].geometries.tolist() if "water" in self.context else []
        rivers = np.array([rank == "river" for rank in ranks], dtype=bool)
        left = self.lines.geometries.copy()
        left[rivers] = _without(left[rivers], _as_array(wet))
        left[~rivers] = _without(left[~rivers], _as_array(paved))
        parts, line = shapely.get_parts(left, return_index=True)
        owners = line.tolist()
        return Features(
            parts,
            [self.lines.names[k] for k in owners],
            [ranks[k] for k in owners],
            [self.lines.levels[k] for k in owners],
        )

    @cached_property
    def road_ends(self) -> npt.NDArray[np.float64]:
        """Where a road ends at the edge of the town and no other goes on: a row each of x and y."""
        parts = self.courses.geometries[[rank != "river" for rank in self.courses.ranks]]
        ends = shapely.get_coordinates(shapely.get_point(parts, [[0], [-1]]).ravel())
        _, first, count = np.unique(np.rint(ends * 1000), axis=0, return_index=True, return_counts=True)
        lone = ends[first[count == 1]]
        edge = shapely.boundary(self.whole)
        shapely.prepare(edge)
        found: npt.NDArray[np.float64] = lone[shapely.dwithin(edge, shapely.points(lone), _AT_THE_EDGE)]
        return found

    @cached_property
    def kinds(self) -> list[str]:
        """Kind of grid of each block."""
        return [str(kind) for kind in self.blocks["kind"]]

    @cached_property
    def convergence(self) -> float:
        """Degrees by which the top of every map lies east of true north, in the middle of the town."""
        west, south, east, north = self.outline.bounds
        return convergence(self.town.working_crs, (west + east) / 2, (south + north) / 2)

    @cached_property
    def sections_by_block(self) -> dict[int, list[Section]]:
        """The sections of each block that has any, by its index."""
        found: dict[int, list[Section]] = {}
        for section in self.sections:
            found.setdefault(section.block, []).append(section)
        return found

    def short_name(self, index: int) -> str:
        """Return a block's name without its grid's, where it begins with it: ``第2责任块``."""
        name, grid = self.names[index], self.grid_names[index]
        return name.removeprefix(grid).strip() or name


@collector_paused()
def make_scene(town: Town | Scene) -> Scene:
    """Return ``town`` ready for drawing; a scene is ready as it is, so that several products can share one.

    Raises
    ------
    InputError
        When there are no blocks, or not with the columns that a notice needs.
    """
    if isinstance(town, Scene):
        return town
    problems: list[Problem] = []
    blocks = drawable_blocks(town, problems)
    barriers = town.barriers
    polygons = np.asarray(blocks.geometry.values, dtype=object)
    analysis = analyse(polygons)
    if not analysis.valid:
        tell_overlaps(blocks, str(town.path), problems)
    adjacency = analysis.adjacency()
    pairs = zip(adjacency.first.tolist(), adjacency.second.tolist(), strict=True)
    grid_names = _grid_names(town)
    return Scene(
        town=town,
        blocks=blocks,
        names=[_settable(name, "blocks", problems) for name in blocks["name"]],
        grid_names=[
            _settable(grid_names.get((layer, grid), grid), layer, problems)
            for layer, grid in zip(blocks["grid_layer"].astype(str), blocks["grid"].astype(str), strict=True)
        ],
        colours=colour_by_adjacency(len(blocks), pairs),
        extent=_extent(town),
        lines=_barrier_features(barriers.lines, problems),
        surfaces=_barrier_features(barriers.surfaces, problems),
        context=_context(town),
        sections=_sections(town, blocks["code"].astype(str).tolist(), problems),
        problems=tuple(problems),
        workstations=_workstations(town, problems),
        is_coverage=analysis.valid,
        theme=Theme() if town.publication.theme is None else read_theme(town.publication.theme),
    )


def _settable(value: object, where: str, problems: list[Problem]) -> str:
    name = publishable(str(value))
    if name != printable(value):
        problems.append(Problem(where, _MASKED_NAME, {"name": name}))
    if lacking := missing_characters(name):
        problems.append(Problem(where, _UNPRINTABLE_NAME, {"characters": " ".join(lacking), "name": name}))
        return without_missing(name)
    return name


def _grid_names(town: Town) -> dict[tuple[str, str], str]:
    return {
        (key, identifier): name
        for key, layer in town.layers.items()
        if layer.kind is not None
        for identifier, name in zip(layer.ids, layer.names, strict=True)
    }


def _extent(town: Town) -> shapely.Geometry | None:
    if town.extent is None:
        return None
    return shapely.union_all(np.asarray(town.to_working(town.extent).geometry.values, dtype=object))


def _barrier_features(frame: gpd.GeoDataFrame, problems: list[Problem]) -> Features:
    if not len(frame):
        return Features(np.empty(0, dtype=object))
    geometries, names, ranks, levels = [], [], [], []
    raw_names = frame["name"].fillna("").astype(str)
    settable = {name: _settable(name, "barriers", problems) for name in dict.fromkeys(raw_names)}
    raw_levels = frame["level"] if "level" in frame else np.zeros(len(frame), int)
    for geometry, name, rank, level in zip(frame.geometry, raw_names, frame["rank"], raw_levels, strict=True):
        for part in shapely.get_parts(geometry).tolist():
            geometries.append(part)
            names.append(settable[name])
            ranks.append(next((known for known in RANKS if known == rank), RANKS[-1]))
            levels.append(int(level))
    return Features(_as_array(geometries), names, ranks, levels)


def _sections(town: Town, blocks: Sequence[str], problems: list[Problem]) -> tuple[Section, ...]:
    """Return the sections of the blocks that there are; one without a line can't be shown."""
    if town.sections is None:
        return ()
    index = {code: k for k, code in enumerate(blocks)}
    lines = town.to_working(town.sections).geometry.to_numpy()
    streets = town.sections.frame["streets"] if "streets" in town.sections.frame.columns else None
    rows = sorted(
        (index[block], str(code), row)
        for row, (code, block) in enumerate(zip(town.sections.ids, blocks_of_sections(town), strict=True))
        if block in index and lines[row] is not None and not lines[row].is_empty
    )
    found: list[Section] = []
    number: dict[int, int] = {}
    for block, code, row in rows:
        number[block] = number.get(block, 0) + 1
        named = (
            "" if streets is None or streets.iloc[row] is None else _settable(streets.iloc[row], "sections", problems)
        )
        found.append(Section(code, block, str(number[block]), named, float(lines[row].length), lines[row]))
    return tuple(found)


def _context(town: Town) -> dict[str, Features]:
    found: dict[str, Features] = {}
    for key in CONTEXT_KEYS:
        layer = town.layers.get(key)
        if layer is None or layer.kind is not None:
            continue
        shapes = town.to_working(layer).geometry.to_numpy()
        # a background polygon that crosses itself is no reason to stop; uncured, cutting it would fill the map
        parts = shapely.get_parts(shapely.get_parts(shapely.make_valid(shapes[~shapely.is_missing(shapes)])))
        polygons = parts[(shapely.get_type_id(parts) == shapely.GeometryType.POLYGON) & ~shapely.is_empty(parts)]
        if len(polygons):
            found[key] = Features(polygons)
    return found


def _workstations(town: Town, problems: list[Problem]) -> Features:
    layer = town.layers.get(WORKSTATIONS)
    if layer is None or layer.kind is not None:
        return Features(np.empty(0, dtype=object))
    shapes = town.to_working(layer).geometry.to_numpy()
    rows = [k for k, shape in enumerate(shapes) if shape is not None and not shape.is_empty]
    given = layer.names.tolist()
    names = [_settable(given[k] or "", WORKSTATIONS, problems) for k in rows]
    return Features(shapely.point_on_surface(shapes[rows]), names)


def _without(lines: Geometries, areas: Geometries) -> Geometries:
    """Return what of each line lies in none of the areas."""
    left = lines.copy()
    if not len(lines) or not len(areas):
        return left
    line, area = shapely.STRtree(areas).query(lines, predicate="intersects")
    order = np.argsort(line, kind="stable")
    met, begins = np.unique(line[order], return_index=True)
    around = [shapely.disjoint_subset_union_all(areas[found]) for found in np.split(area[order], begins[1:])]
    left[met] = shapely.difference(lines[met], _as_array(around))
    return left


def _as_array(geometries: Iterable[shapely.Geometry]) -> Geometries:
    listed = list(geometries)
    array = np.empty(len(listed), dtype=object)
    array[:] = listed
    return array
