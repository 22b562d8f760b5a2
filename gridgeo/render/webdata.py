"""What the overview map shows, as plain data for the page: shapes, names and where the names stand.

Coordinates are whole millionths of a degree (a tenth of a metre) east and north of the town's south-west corner, each
pair given as steps from the one before, which makes the file a third of its size. Rounding keeps seams exact, because
equal vertices stay equal.

A name stands in the widest part of its area: in the largest circle of the area squeezed by two along x, which leaves an
ellipse for it. A street's name stands along its straightest stretches.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypedDict
from urllib.parse import quote

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pyproj
import shapely

from gridgeo.render import colours, file_names
from gridgeo.render.fonts import text_width
from gridgeo.render.initials import initials_table
from gridgeo.render.labels import break_name
from gridgeo.render.notice import KIND_NAMES, Notice
from gridgeo.render.page import page_address
from gridgeo.render.scene import Features, Scene
from gridgeo.render.theme import in_theme

_UNIT = 1e6
"""Steps in a degree."""
_SQUEEZED = 2.0
"""Names are wider than high: how much wider the ellipse is that they are put in."""
_MOST_BACKGROUND = 20_000
_MARGIN = 300.0
"""Metres around the town in which streets and waters are shown."""
_STRETCHES = 4
"""Places that a street offers for its name."""
_SHORTEST = 40.0
_BENT = 4.0
"""Metres that a stretch may leave its straight line by, and still count as straight."""

Coordinates = npt.NDArray[np.float64]


class NameRoom(TypedDict):
    """Where a name stands in an area, in steps, and the half height in metres of the ellipse that it may fill there."""

    at: list[int]
    room: float


class Steps:
    """Brings geometries of the working CRS to steps from the town's corner."""

    def __init__(self, crs: pyproj.CRS, area: shapely.Geometry) -> None:
        self._transformer = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
        # the edges of the area are bent in degrees: its corner is that of all its vertices
        degrees = self._degrees(shapely.get_coordinates(area))
        self.origin = degrees.min(axis=0)
        self.size = degrees.max(axis=0) - self.origin

    def _degrees(self, coordinates: Coordinates) -> npt.NDArray[np.int64]:
        x, y = self._transformer.transform(coordinates[:, 0], coordinates[:, 1])
        return np.rint(np.column_stack([x, y]) * _UNIT).astype(np.int64)

    def point(self, x: float, y: float) -> list[int]:
        """Return the place of a point."""
        place: list[int] = (self._degrees(np.array([[x, y]])) - self.origin)[0].tolist()
        return place

    def course(self, line: shapely.Geometry) -> list[int]:
        """Return the first place of a line, then the steps from each to the next."""
        places = self._degrees(shapely.get_coordinates(line)) - self.origin
        moved = np.diff(places, axis=0, prepend=np.zeros((1, 2), np.int64))
        keep = (moved != 0).any(axis=1)
        keep[0] = True
        steps: list[int] = moved[keep].ravel().tolist()
        return steps

    def polygon(self, geometry: shapely.Geometry) -> list[list[list[int]]]:
        """Parts, rings, steps."""
        return [
            [self.course(ring) for ring in shapely.get_rings(part)]
            for part in shapely.get_parts(geometry)
            if part.geom_type == "Polygon"
        ]


@in_theme
def map_data(scene: Scene, notices: list[Notice], folder: Path, site: str | None = None) -> dict[str, Any]:
    """Return what the map shows.

    Parameters
    ----------
    scene : Scene
        The town, ready for drawing.
    notices : list of Notice
        Of its blocks, whose texts are fit for the public.
    folder : path
        Where the map will lie: links lead to the notices that are printed below it.
    site : str or None
        Where the blocks' pages are, as seen from the map; None where there are none.
    """
    area = scene.extent if scene.extent is not None else shapely.union_all(scene.areas.geometries)
    steps = Steps(scene.town.working_crs, area)
    near = shapely.buffer(shapely.convex_hull(area), _MARGIN)
    return {
        "origin": steps.origin.tolist(),
        "size": steps.size.tolist(),
        "colours": {
            name.lower().replace("_", "-"): getattr(colours, name)
            for name in ("ACCENT", "LAND", "GREEN", "WATER", "WATER_EDGE", "ROAD", "ROAD_CASING", "MAIN_ROAD")
        }
        | {"grid": colours.GRID_BORDER, "block": colours.BLOCK_BORDER, "buildings": colours.BUILDING_EDGE},
        "extent": steps.polygon(area),
        "kinds": [
            {"kind": kind, "name": name, "count": count}
            for kind, name in KIND_NAMES.items()
            if (count := sum(notice.kind == kind for notice in notices))
        ],
        "grids": _grids(scene, notices, steps),
        "blocks": _blocks(scene, notices, steps, folder, site),
        "lines": (lines := _lines(scene, steps, near)),
        "initials": initials_table(
            [text for notice in notices for text in (notice.name, notice.grid, notice.head.name)]
            + [line["name"] for line in lines]
        ),
        "background": {
            "green": _background(scene.context.get("green"), near, steps),
            "water": _background(scene.context.get("water"), near, steps) + _background(_rivers(scene), near, steps),
            "buildings": _background(scene.context.get("buildings"), near, steps),
        },
    }


# ------------------------------------------------------------------------------------------------ grids and blocks


def _grids(scene: Scene, notices: list[Notice], steps: Steps) -> list[dict[str, Any]]:
    members = gpd.GeoSeries(scene.areas.geometries).groupby(scene.grid_numbers)
    grids = []
    for (_, group), shape in zip(members, scene.grid_shapes, strict=True):
        notice = notices[group.index[0]]
        grids.append(
            {
                "name": notice.grid,
                "kind": notice.kind,
                # a grid of one block has that block's shape
                "shape": steps.polygon(shape) if len(group) > 1 else None,
                "ways": ways_of(break_name(notice.grid, most=2)),
                **room_of(shape, steps),
            }
        )
    return grids


def _blocks(scene: Scene, notices: list[Notice], steps: Steps, folder: Path, site: str | None) -> list[dict[str, Any]]:
    files = file_names([notice.code for notice in notices])
    return [
        {
            "code": notice.code,
            "name": notice.name,
            "grid": int(scene.grid_numbers[notice.index]),
            "head": notice.head.name,
            "hours": notice.head.hours,
            "phone": notice.head.phone,
            "area": shown_area(shape.area),
            "notice": quote(link) if (folder / (link := f"notices/{file}.pdf")).is_file() else "",
            "page": "" if site is None else site + page_address(file),
            "fill": colours.fill_of(scene.colours[notice.index]),
            "shape": steps.polygon(shape),
            "ways": ways_of(name_breaks(notice.grid, notice.name, scene.short_name(notice.index))),
            "short": ways_of(break_name(scene.short_name(notice.index), most=2)),
            **room_of(shape, steps),
        }
        for notice, file in zip(notices, files, strict=True)
        for shape in [scene.areas.geometries[notice.index]]
    ]


def shown_area(square_metres: float) -> str:
    """Return an area as people here say it.

    Examples
    --------
    >>> shown_area(80_549.0), shown_area(1_610_000.0)
    ('8.05 公顷', '1.61 平方千米')
    """
    if square_metres < 1e6:
        return f"{square_metres / 1e4:.{2 if square_metres < 1e5 else 1}f} 公顷"
    return f"{square_metres / 1e6:.2f} 平方千米"


def name_breaks(grid: str, name: str, short: str) -> tuple[tuple[str, ...], ...]:
    """Return ways to break a block's name into lines: its grid's name is never cut from its own in the middle."""
    return break_name(name, most=3) if short == name else ((grid, short), *break_name(name, most=3)[1:])


def ways_of(breaks: Iterable[tuple[str, ...]]) -> list[list[Any]]:
    """Return each way to break a name once, with its width in ems."""
    return [[round(max(text_width(line, 1.0) for line in lines), 2), *lines] for lines in dict.fromkeys(breaks)]


def room_of(shape: shapely.Geometry, steps: Steps) -> NameRoom:
    """Return where a name stands in an area, and the half height in metres of the ellipse that it may fill there."""
    part = max(shapely.get_parts(shape), key=lambda polygon: polygon.area)
    squeezed = shapely.transform(part, lambda xy: xy / (_SQUEEZED, 1.0))
    circle = shapely.maximum_inscribed_circle(squeezed, tolerance=max(math.sqrt(squeezed.area) / 100, 0.1))
    x, y = shapely.get_coordinates(circle)[0]
    return {"at": steps.point(x * _SQUEEZED, y), "room": round(float(circle.length), 1)}


# ----------------------------------------------------------------------------------------------- streets and background


def _lines(scene: Scene, steps: Steps, near: shapely.Geometry) -> list[dict[str, Any]]:
    """Return streets and rivers near the town, those of one name and rank as one."""
    found = scene.lines.near(near)
    frame = gpd.GeoDataFrame(
        {"name": [scene.lines.names[k] for k in found], "rank": [str(scene.lines.ranks[k]) for k in found]},
        geometry=scene.lines.geometries[found],
    )
    lines = []
    for (rank, name), group in frame.groupby(["rank", "name"], sort=True):
        parts = shapely.get_parts(shapely.line_merge(shapely.multilinestrings(group.geometry.to_list())))
        lines.append(
            {
                "rank": rank,
                "name": name,
                "courses": [steps.course(part) for part in parts],
                "width": round(text_width(name, 1.0), 2),
                "stretches": _stretches(parts, steps) if name else [],
            }
        )
    return lines


def _stretches(parts: npt.NDArray[np.object_], steps: Steps) -> list[list[Any]]:
    """Return the longest straight stretches of a street: place, angle in degrees clockwise, length in metres."""
    found = []
    for part in shapely.simplify(parts, _BENT):
        ends = shapely.get_coordinates(part)
        for (x0, y0), (x1, y1) in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True):
            length = math.hypot(x1 - x0, y1 - y0)
            if length >= _SHORTEST:
                if x1 < x0:
                    x0, y0, x1, y1 = x1, y1, x0, y0
                angle = -math.degrees(math.atan2(y1 - y0, x1 - x0))
                found.append((length, angle, (x0 + x1) / 2, (y0 + y1) / 2))
    longest = sorted(found, key=lambda stretch: (-stretch[0], *stretch[1:]))[:_STRETCHES]
    return [[*steps.point(x, y), round(angle, 1), round(length)] for length, angle, x, y in longest]


def _rivers(scene: Scene) -> Features:
    chosen = [k for k, rank in enumerate(scene.surfaces.ranks) if rank == "river"]
    return Features(scene.surfaces.geometries[chosen])


def _background(features: Features | None, near: shapely.Geometry, steps: Steps) -> list[list[list[list[int]]]]:
    if features is None:
        return []
    shapes = [features.geometries[index] for index in features.near(near)]
    # of too many the largest, which are what the eye finds
    return [steps.polygon(shape) for shape in sorted(shapes, key=shapely.area, reverse=True)[:_MOST_BACKGROUND]]
