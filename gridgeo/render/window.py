"""What a map's window holds: the block in focus, its neighbours, streets, barriers and background, on the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np
import shapely

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
        shapely.prepare(self.focus)
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

    def lines_of(self, rank: str) -> list[shapely.Geometry]:
        """Return the lines of a rank."""
        return [shape for k, shape in self.lines if self.scene.lines.ranks[k] == rank]

    def courses_of(self, rank: str, level: int | None = None) -> list[shapely.Geometry]:
        """Return the courses of the lines of a rank, of one level or of all, where no surface stands for them.

        Where surfaces are shown, crumbs are left out: pieces between them that are shorter than a road is wide.
        """
        return [part for of_level, part in self._courses.get(rank, ()) if level in (None, of_level)]

    @cached_property
    def road_ends(self) -> frozenset[tuple[float, float]]:
        """Where roads end at the edge of the town, in thousandths of a millimetre."""
        ends, (west, south, east, north) = self.scene.road_ends, self.view.window
        inside = ((ends > [west, south]) & (ends < [east, north])).all(axis=1)
        shown = shapely.get_coordinates(self.view.on_page(shapely.points(ends[inside])))
        return frozenset(map(tuple, np.rint(shown * 1000).tolist()))

    @cached_property
    def levels(self) -> list[int]:
        """The levels of the lines in the window, from below."""
        return sorted({self.scene.lines.levels[k] for k, _ in self.lines})

    @cached_property
    def _courses(self) -> dict[str, list[tuple[int, shapely.Geometry]]]:
        """The courses of each rank, with their levels."""
        features, shown = self.scene.courses, self._show(self.scene.courses)
        paved = bool(self.streets or self.carriageways)
        found: dict[str, list[tuple[int, shapely.Geometry]]] = {}
        parts, owner = shapely.get_parts([shape for _, shape in shown], return_index=True)
        for part, k, length in zip(parts.tolist(), owner.tolist(), shapely.length(parts).tolist(), strict=True):
            index = shown[k][0]
            rank = features.ranks[index]
            if length > _CRUMB or not (self.waters if rank == "river" else paved):
                found.setdefault(rank, []).append((features.levels[index], part))
        return found

    def touch_focus(self, shapes: Sequence[shapely.Geometry]) -> list[bool]:
        """Return which shapes on the page touch the block in focus."""
        touching: list[bool] = shapely.dwithin(self.focus, list(shapes), 0.05).tolist()
        return touching

    def _show(self, features: Features) -> Shown:
        if not len(features.geometries):
            return []
        near = features.near(self._box)
        return list(zip(near, self.view.all_shown(features.geometries[near]).tolist(), strict=True))
