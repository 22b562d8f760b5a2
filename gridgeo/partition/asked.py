"""What is asked, as tables of the user's: brought to metres, checked, and turned into wishes and dividers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import geopandas as gpd
import numpy as np
import shapely

from gridgeo.errors import Problem
from gridgeo.language import Message
from gridgeo.network import Floats, Geometries
from gridgeo.partition.layer import SAME_PLACE_DEGREES, SAME_PLACE_METRES
from gridgeo.partition.parts import Dividers
from gridgeo.partition.straight import straight_edges
from gridgeo.partition.wishes import Wishes

SET = "set"
"""Column that says to which set a feature belongs."""

_NO_SET = Message(
    "no column {column!r} that says which features stay together; the columns are {columns}",
    "没有说明哪些要素须在一起的“{column}”列；现有列为 {columns}",
)
_SHAPE = Message(
    "must hold {wanted}, but feature {number} is a {found}", "应为{wanted}，而第 {number} 个要素是 {found}"
)
_NO_GRID = Message(
    "locked blocks need a column 'grid' with the id of their grid, such as a blocks layer has",
    "锁定块需要“grid”列（所属网格编号），如责任块图层所有",
)
_POLYGONS = Message("polygons", "面")
_LINES = Message("lines", "线")
_POINTS = Message("points", "点")


@dataclass(frozen=True)
class Asked:
    """Tables of what is asked of blocks, in any CRS; see `gridgeo.partition.delineate_blocks`.

    Parameters
    ----------
    parents, locked, keep_whole : GeoDataFrame or None
        Polygons.
    keep_together : GeoDataFrame or None
        Points or polygons with a column ``set``.
    borders, no_borders : GeoDataFrame or None
        Lines.
    heads : GeoDataFrame or None
        Points.
    """

    parents: gpd.GeoDataFrame | None = None
    locked: gpd.GeoDataFrame | None = None
    keep_whole: gpd.GeoDataFrame | None = None
    keep_together: gpd.GeoDataFrame | None = None
    borders: gpd.GeoDataFrame | None = None
    no_borders: gpd.GeoDataFrame | None = None
    heads: gpd.GeoDataFrame | None = None

    @property
    def tables(self) -> dict[str, gpd.GeoDataFrame]:
        """The tables that are given, by name."""
        named = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: table for name, table in named.items() if table is not None}

    def moved(self, move: Callable[[gpd.GeoDataFrame], gpd.GeoDataFrame]) -> Asked:
        """Return the same in another CRS."""
        return Asked(**{name: move(table) for name, table in self.tables.items()})

    def check(self) -> list[Problem]:
        """Return what is wrong with the tables."""
        problems = []
        wanted = {"borders": ({1}, _LINES), "no_borders": ({1}, _LINES), "heads": ({0}, _POINTS)}
        wanted |= {name: ({2}, _POLYGONS) for name in ("parents", "locked", "keep_whole")}
        for name, (kinds, words) in wanted.items():
            table = self.tables.get(name)
            if table is None:
                continue
            shape = shapely.get_dimensions(table.geometry.to_numpy())
            for row in [row for row, kind in enumerate(shape.tolist()) if kind not in kinds][:1]:
                found = table.geometry.iloc[row]
                said = Message(_SHAPE.en.replace("{wanted}", words.en), _SHAPE.zh.replace("{wanted}", words.zh))
                values = {"number": row + 1, "found": "-" if found is None else found.geom_type}
                problems.append(Problem(name, said, dict(values)))
        if self.keep_together is not None and SET not in self.keep_together.columns:
            columns = ", ".join(str(each) for each in self.keep_together.columns if each != "geometry") or "-"
            problems.append(Problem("keep_together", _NO_SET, {"column": SET, "columns": columns}))
        if self.locked is not None and "grid" not in self.locked.columns:
            problems.append(Problem("locked", _NO_GRID))
        return problems

    def wishes(self) -> Wishes:
        """Return the wishes among them; the tables must be in metres."""
        together = self.keep_together
        return Wishes(
            together=_shapes(together),
            sets=() if together is None else together[SET].astype(str).tolist(),
            borders=_shapes(self.borders),
            no_borders=_shapes(self.no_borders),
            heads=_shapes(self.heads),
        )

    def dividers(self, written: Asked, outlines: Geometries, outlines_written: Floats) -> tuple[Dividers, Floats]:
        """Return locked blocks and parents, in metres, and their vertices as they are written.

        Parameters
        ----------
        written : Asked
            The same tables in the CRS of the blocks.
        outlines : array of Polygon or MultiPolygon
            The grids in metres.
        outlines_written : (n, 2) array
            Their vertices as they are written.
        """
        metric = np.concatenate([_shapes(self.locked), _shapes(self.parents)])
        same = np.concatenate([_shapes(written.locked), _shapes(written.parents)])
        grids = () if self.locked is None else self.locked["grid"].astype(str).tolist()
        points = shapely.get_coordinates(same)
        return Dividers(_on_edges(metric, points, outlines, outlines_written), len(_shapes(self.locked)), grids), points


def _shapes(table: gpd.GeoDataFrame | None) -> Geometries:
    return np.empty(0, dtype=object) if table is None else shapely.force_2d(table.geometry.to_numpy())


def _on_edges(shapes: Geometries, points: Floats, outlines: Geometries, written: Floats) -> Geometries:
    """Return shapes with the vertices that lie on an edge of the grids, as written, put on that edge in metres.

    An edge that is straight as it is written is bent in metres: a vertex in the middle of it would lie beside it.
    """
    if not len(points) or not len(outlines):
        return shapes
    edge, lines = straight_edges(outlines)
    straight = shapely.linestrings(np.stack([written[edge], written[edge + 1]], axis=1))
    near = SAME_PLACE_DEGREES if np.abs(written).max() <= 360 else SAME_PLACE_METRES
    spots = shapely.points(points)
    point, line = shapely.STRtree(straight).query_nearest(spots, max_distance=near, all_matches=False)
    share = shapely.line_locate_point(straight[line], spots[point], normalized=True)
    place = shapely.get_coordinates(shapes)
    place[point] = shapely.get_coordinates(shapely.line_interpolate_point(lines[line], share, normalized=True))
    result = shapes.copy()
    return np.asarray(shapely.set_coordinates(result, place))


def gathered(tables: Sequence[gpd.GeoDataFrame]) -> gpd.GeoDataFrame | None:
    """Return tables of one CRS as one; nothing of none."""
    import pandas as pd

    return None if not tables else gpd.GeoDataFrame(pd.concat(tables, ignore_index=True), crs=tables[0].crs)
