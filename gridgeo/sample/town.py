"""What a sample town is: its layers and tables, its place on the globe, and the metres it is drawn in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj

from gridgeo.sample.plan import Floats

TOWN_NAME = "示例镇 云溪镇"
TOWN_CODE = "310112999"
"""Invented: no town of the division 310112 has the number 999."""
MIDDLE = (121.515, 31.05)
CRS = "EPSG:4490"
GRID_LAYERS = ("communities", "villages", "streets", "zones")


@dataclass(frozen=True)
class SampleTown:
    """An invented town: layers in EPSG:4490, staff, task lists and services.

    The four layers `GRID_LAYERS` together tile ``town`` exactly. Every row of every layer is invented.
    """

    name: str
    code: str
    seed: int
    layers: dict[str, gpd.GeoDataFrame]
    """town, communities, villages, streets, zones; roads, rivers, creeks, water, green, buildings, addresses,
    workstations, shops."""
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    """people, tasks, services; columns as in gridgeo.toml."""

    @property
    def town(self) -> gpd.GeoDataFrame:
        """The extent, one polygon."""
        return self.layers["town"]

    @property
    def communities(self) -> gpd.GeoDataFrame:
        """Natural communities (自然小区)."""
        return self.layers["communities"]

    @property
    def villages(self) -> gpd.GeoDataFrame:
        """Village groups (村民小组)."""
        return self.layers["villages"]

    @property
    def streets(self) -> gpd.GeoDataFrame:
        """Patrol areas: the surface of the streets (街面)."""
        return self.layers["streets"]

    @property
    def zones(self) -> gpd.GeoDataFrame:
        """Factories, campuses, parks and so on (拓展)."""
        return self.layers["zones"]

    @property
    def grids(self) -> gpd.GeoDataFrame:
        """All grids in one table with the column ``layer``: the tiling of the town."""
        parts = [self.layers[key].assign(layer=key) for key in GRID_LAYERS]
        return gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), crs=CRS)

    @property
    def metric(self) -> pyproj.CRS:
        """A CRS in metres through the town's middle, for measuring."""
        return metric_crs()

    def with_layers(self, **changed: gpd.GeoDataFrame) -> SampleTown:
        """Return the same town with some layers exchanged."""
        return replace(self, layers={**self.layers, **changed})


def metric_crs() -> pyproj.CRS:
    """Return the transverse Mercator through the sample town's middle, in metres."""
    return pyproj.CRS.from_proj4(
        f"+proj=tmerc +lat_0={MIDDLE[1]} +lon_0={MIDDLE[0]} +k=1 +x_0=0 +y_0=0 +ellps=GRS80 +units=m +no_defs"
    )


def to_degrees(points: Floats) -> Floats:
    """Bring points from metres around the town's middle to EPSG:4490, rounded to 1e-8 degree (about a millimetre)."""
    projection = pyproj.Proj(metric_crs())
    longitude, latitude = projection(points[:, 0], points[:, 1], inverse=True)
    return np.round(np.stack([longitude, latitude], axis=1), 8)


def to_metres(points: Floats) -> Floats:
    """Bring points from EPSG:4490 to metres around the town's middle."""
    projection = pyproj.Proj(metric_crs())
    return np.stack(projection(points[:, 0], points[:, 1]), axis=1)


def frame(columns: Mapping[str, object], shapes: npt.NDArray[np.object_]) -> gpd.GeoDataFrame:
    """Make a layer of the sample town."""
    return gpd.GeoDataFrame(pd.DataFrame(columns), geometry=gpd.GeoSeries(shapes, crs=CRS), crs=CRS)
