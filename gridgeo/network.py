"""Barriers: the roads, lanes and rivers along which a town may be cut, as one noded network with a rank on each edge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import geopandas as gpd

Rank = Literal["river", "main-road", "road", "lane"]
RANKS: tuple[Rank, ...] = ("river", "main-road", "road", "lane")
"""Ranks of barriers, the strongest first."""


@dataclass(frozen=True)
class Barriers:
    """The barriers of a town, in its working CRS (metres).

    Parameters
    ----------
    lines : GeoDataFrame
        Centre lines; columns ``geometry`` (LineString), ``rank`` (one of `RANKS`), ``name`` (str, "" where unnamed),
        ``layer`` (key in gridgeo.toml), ``feature`` (id, str) and ``level`` (int: 0 on the ground, above 0 on a bridge,
        below 0 in a tunnel; two lines of different level that cross do not meet).
    surfaces : GeoDataFrame
        Barriers given as polygons (rivers, carriageways), same columns with Polygon geometry. Their outline cuts.
    """

    lines: gpd.GeoDataFrame
    surfaces: gpd.GeoDataFrame
