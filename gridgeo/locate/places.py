"""Points and the blocks and grids that hold them.

A point is in a block, on a border, or in none. On a border means within a tolerance of it: coordinates are written with
few digits, and a case on the kerb between two blocks belongs to both until somebody looks. Everything is measured in
metres in the town's working CRS; the shapes are those that claims are proven of.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pyproj
import shapely

from gridgeo.crs import to_crs
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.layers import Layer
from gridgeo.town import Consistency, Town
from gridgeo.town.duties import blocks_of_sections

Place = Literal["inside", "border", "overlap", "outside"]

TOLERANCE = 0.1
"""Metres from a border within which a point counts as on it: the last of six digits of a degree."""

_NOTHING = Message(
    "has neither blocks nor grids; add layers with a kind to gridgeo.toml",
    "既没有责任块也没有网格；请在 gridgeo.toml 中添加注明 kind 的图层",
)


@dataclass(frozen=True)
class Unit:
    """A block or grid that holds a point.

    Parameters
    ----------
    layer : str
        Its layer: ``"blocks"``, or the key of ``[layers]``.
    kind : str
        Kind of grid; "" for a professional grid.
    code, name : str
    grid : str
        Of a block: the id of its grid; "" for a grid.
    """

    layer: str
    kind: str
    code: str
    name: str
    grid: str = ""


@dataclass(frozen=True)
class Location:
    """Where one point lies.

    Parameters
    ----------
    longitude, latitude : float
        Degrees (EPSG:4490).
    place : {"inside", "border", "overlap", "outside"}
        In one block, on the border of one or several, in several at once (a fault of the blocks), or in none.
    blocks : tuple of Unit
        The blocks that hold it or whose border it is on, in order of code; of a town without blocks none.
    grids : tuple of Unit
        Every grid of every layer that does, professional grids too, in the order of the layers.
    section : Unit or None
        Of a point in a street block: the section of the street that it is nearest to.
    nearest : Unit or None
        Of a point outside: the nearest block (or grid, in a town without blocks).
    distance : float
        Metres to it; 0 for any other point.
    """

    longitude: float
    latitude: float
    place: Place
    blocks: tuple[Unit, ...]
    grids: tuple[Unit, ...]
    section: Unit | None = None
    nearest: Unit | None = None
    distance: float = 0.0


def locate_points(
    town: Town, points: gpd.GeoSeries | gpd.GeoDataFrame, *, tolerance: float = TOLERANCE
) -> list[Location]:
    """Return where each point lies in a town.

    Parameters
    ----------
    town : Town
        With blocks, or at least with grids.
    points : GeoSeries or GeoDataFrame
        Points in any CRS; a geometry that is missing or empty is refused.
    tolerance : float
        Metres from a border within which a point counts as on it.

    Returns
    -------
    list of Location
        In the order of ``points``.

    Raises
    ------
    InputError
        When the town has neither blocks nor grids, or points have no place in its CRS.
    """
    frame = gpd.GeoDataFrame(geometry=points.geometry).reset_index(drop=True)
    here = np.asarray(to_crs(frame, town.working_crs).geometry.values, dtype=object)
    move = pyproj.Transformer.from_crs(town.working_crs, 4490, always_xy=True)
    longitude, latitude = move.transform(shapely.get_x(here), shapely.get_y(here))
    layers = [_Shapes(town, layer) for layer in _grid_layers(town)]
    blocks = _Shapes(town, town.blocks) if town.blocks is not None and len(town.blocks.frame) else None
    if blocks is None and not layers:
        raise InputError(Problem(str(town.path), _NOTHING))
    grids = [layer.held(here, tolerance) for layer in layers]
    sections = _Sections(town)
    of_blocks = blocks.held(here, tolerance) if blocks is not None else None
    found = []
    for k in range(len(here)):
        held_grids = [unit for held in grids for unit in held.units[k]]
        answering = [of_blocks] if of_blocks is not None else grids
        nearest, distance = None, 0.0
        place = _place([held.on_border[k] for held in answering], [len(held.units[k]) for held in answering])
        if place == "outside":
            shapes = [blocks] if blocks is not None else layers
            distance, nearest = min((layer.nearest(here[k]) for layer in shapes), key=lambda near: near[0])
        found.append(
            Location(
                longitude=round(float(longitude[k]), 8),
                latitude=round(float(latitude[k]), 8),
                place=place,
                blocks=tuple(of_blocks.units[k]) if of_blocks is not None else (),
                grids=tuple(held_grids),
                section=sections.nearest(here[k], of_blocks.units[k]) if of_blocks is not None else None,
                nearest=nearest,
                distance=round(distance, 2),
            )
        )
    return found


def _place(on_border: Iterable[bool], counts: Iterable[int]) -> Place:
    count = sum(counts)
    if not count:
        return "outside"
    if any(on_border):
        return "border"
    return "inside" if count == 1 else "overlap"


def _grid_layers(town: Town) -> list[Layer]:
    """Return the layers of grids, then those of professional grids, which claims name."""
    professional = [claim.areas for claim in town.claims if isinstance(claim, Consistency)]
    others = [town.layer(key) for key in dict.fromkeys(professional)]
    return [*town.grids, *(layer for layer in others if layer.kind is None and layer is not town.blocks)]


@dataclass(frozen=True)
class _Held:
    """For each point: the units that hold it or whose border it is on, and whether it is on a border."""

    units: list[list[Unit]]
    on_border: npt.NDArray[np.bool_]


class _Shapes:
    """The shapes of one layer with their units."""

    def __init__(self, town: Town, layer: Layer) -> None:
        frame = town.to_working(layer)
        self._geometries = np.asarray(frame.geometry.values, dtype=object)
        is_block = layer is town.blocks
        kinds = frame["kind"].astype(str) if is_block and "kind" in frame else [layer.kind or ""] * len(frame)
        grids = frame["grid"].astype(str) if is_block and "grid" in frame else [""] * len(frame)
        self._units = [
            Unit("blocks" if is_block else layer.name, kind, code, name, grid)
            for kind, code, name, grid in zip(kinds, layer.ids, layer.names, grids, strict=True)
        ]
        self._tree = shapely.STRtree(self._geometries)

    def held(self, points: npt.NDArray[np.object_], tolerance: float) -> _Held:
        point, shape = self._tree.query(points, predicate="dwithin", distance=tolerance)
        borders = shapely.distance(points[point], shapely.boundary(self._geometries[shape])) <= tolerance
        units: list[list[Unit]] = [[] for _ in points]
        for k, index in sorted(zip(point.tolist(), shape.tolist(), strict=True)):
            units[k].append(self._units[index])
        on_border = np.zeros(len(points), bool)
        on_border[point[borders]] = True
        return _Held([sorted(found, key=lambda unit: unit.code) for found in units], on_border)

    def nearest(self, point: shapely.Point) -> tuple[float, Unit]:
        index = int(self._tree.nearest(point))
        return float(shapely.distance(point, self._geometries[index])), self._units[index]


class _Sections:
    """The sections of street blocks."""

    def __init__(self, town: Town) -> None:
        self._by_block: dict[str, list[tuple[shapely.Geometry, Unit]]] = {}
        if town.sections is None:
            return
        layer = town.sections
        lines = town.to_working(layer).geometry.to_numpy()
        for line, code, name, block in zip(lines, layer.ids, layer.names, blocks_of_sections(town), strict=True):
            self._by_block.setdefault(block, []).append((line, Unit("sections", "street", code, name)))

    def nearest(self, point: shapely.Point, blocks: Iterable[Unit]) -> Unit | None:
        """Return the section of these blocks that is nearest to a point."""
        near = [(line.distance(point), unit) for block in blocks for line, unit in self._by_block.get(block.code, [])]
        return min(near, key=lambda found: (found[0], found[1].code))[1] if near else None
