"""What a map's window holds: the block in focus, its neighbours, streets, barriers and background, on the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property

import shapely

from gridgeo.network import RANKS
from gridgeo.render.scene import Features, Scene
from gridgeo.render.view import View

OVERVIEW = 6000
"""From this scale on a map is an overview: no buildings, no names of lanes, grids named instead of blocks."""
_USUAL_SCALE = 5000
"""The scale at which lines have their nominal width."""
_STREET_MARGIN, _MARGIN = 0.06, 0.12

_CRUMB = 2.0
"""Millimetres: shorter pieces of a line, less than a road is wide, are not drawn."""

Shown = list[tuple[int, shapely.Geometry]]
"""Indices of features in the scene, with what of them is in the window, in millimetres."""


class Window:
    """The part of a scene that the map of block ``index`` shows on ``width`` x ``height`` millimetres."""

    def __init__(self, scene: Scene, index: int, width: float, height: float) -> None:
        self.scene, self.index = scene, index
        area = scene.areas.geometries[index]
        kinds = scene.kinds
        self.is_street = kinds[index] == "street"
        margin = _STREET_MARGIN if self.is_street else _MARGIN
        self.view = View.of(area, width, height, margin=margin, within=scene.extent)
        self.is_overview = self.view.scale > OVERVIEW
        self._box = shapely.box(*self.view.window)
        self.blocks = dict(self._show(scene.areas))
        """Shapes of the blocks in the window, by index."""
        self.focus = self.blocks[index]
        self.streets = [k for k in self.blocks if kinds[k] == "street"]
        self.others = [k for k in self.blocks if kinds[k] != "street"]
        """Blocks that are no streets; the focus among them unless it is one."""
        self.lines = self._show(scene.lines)
        self.surfaces = self._show(scene.surfaces)

    @cached_property
    def workstations(self) -> list[tuple[shapely.Point, bool]]:
        """The workstations in the window, each with whether it lies in the focus; outside of it none on overviews."""
        features = self.scene.workstations
        shown = [shape for _, shape in self._show(features)] if len(features.geometries) else []
        placed = [(shape, bool(self.focus.intersects(shape))) for shape in shown if not shape.is_empty]
        return [(shape, own) for shape, own in placed if own or not self.is_overview]

    @property
    def colours(self) -> Sequence[int]:
        """Colour number of each block of the scene."""
        return self.scene.colours

    @property
    def line_factor(self) -> float:
        """How much wider than nominal lines are drawn: somewhat wider on large scales."""
        return min(1.7, max(0.45, math.sqrt(_USUAL_SCALE / self.view.scale)))

    @cached_property
    def context(self) -> dict[str, list[shapely.Geometry]]:
        """Background shapes by key."""
        return {
            key: [shape for _, shape in self._show(features)]
            for key, features in self.scene.context.items()
            if not (key == "buildings" and self.is_overview)
        }

    @cached_property
    def street_area(self) -> shapely.Geometry:
        """All street blocks in the window as one shape."""
        return shapely.union_all([self.blocks[k] for k in self.streets])

    @cached_property
    def carriageways(self) -> list[shapely.Geometry]:
        """Barriers given as areas, other than water."""
        return [shape for k, shape in self.surfaces if self.scene.surfaces.ranks[k] != "river"]

    @cached_property
    def waters(self) -> list[shapely.Geometry]:
        """Water as areas: background and barriers."""
        rivers = [shape for k, shape in self.surfaces if self.scene.surfaces.ranks[k] == "river"]
        return [*self.context.get("water", []), *rivers]

    @cached_property
    def paved(self) -> shapely.Geometry:
        """Where the surface of streets is known, so that no line need stand for it."""
        return shapely.union_all([*self.carriageways, self.street_area])

    def lines_of(self, rank: str, level: int | None = None) -> list[shapely.Geometry]:
        """Return the lines of a rank, of one level or of all."""
        ranks, levels = self.scene.lines.ranks, self.scene.lines.levels
        return [shape for k, shape in self.lines if ranks[k] == rank and level in (None, levels[k])]

    @cached_property
    def levels(self) -> list[int]:
        """The levels of the lines in the window, from below."""
        return sorted({self.scene.lines.levels[k] for k, _ in self.lines})

    @cached_property
    def road_courses(self) -> dict[tuple[int, str], list[shapely.Geometry]]:
        """The courses of roads by level and rank, where no surface stands for them."""
        return {
            (level, rank): outside(self.lines_of(rank, level), self.paved)
            for level in self.levels
            for rank in RANKS
            if rank != "river"
        }

    def touches_focus(self, shape: shapely.Geometry) -> bool:
        """Return whether a shape on the page touches the block in focus."""
        return bool(shapely.dwithin(shape, self.focus, 0.05))

    def _show(self, features: Features) -> Shown:
        if not len(features.geometries):
            return []
        near = features.near(self._box)
        return list(zip(near, self.view.all_shown(features.geometries[near]).tolist(), strict=True))


def outside(lines: Sequence[shapely.Geometry], area: shapely.Geometry) -> list[shapely.Geometry]:
    """Return the parts of ``lines`` outside ``area``, without crumbs shorter than a road is wide."""
    if area.is_empty or not lines:
        return list(lines)
    shapely.prepare(area)
    touched = shapely.intersects(area, lines)
    left: list[shapely.Geometry] = []
    for line, meets in zip(lines, touched.tolist(), strict=True):
        if meets and area.covers(line):
            continue
        parts = shapely.get_parts(shapely.difference(line, area)).tolist() if meets else [line]
        left += [part for part in parts if part.length > _CRUMB]
    return left
