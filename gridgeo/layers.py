"""Layers: the only place that opens and writes map files.

A layer is one table of polygons, lines or points with an id column. Reading never loses a feature in silence: what cannot
be read as a sound record is left out *and named*. Writing is whole or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import geopandas as gpd
import pandas as pd
import pyproj

from gridgeo.errors import Problem

GridKind = Literal["residential", "village", "street", "extended"]
GRID_KINDS: tuple[GridKind, ...] = ("residential", "village", "street", "extended")


@dataclass(frozen=True)
class Layer:
    """One table of features with ids.

    Parameters
    ----------
    name : str
        Its key in ``gridgeo.toml``, or the name that the caller gave it.
    frame : GeoDataFrame
        The features as read: own CRS (GCJ-02 and BD-09 already inverted to EPSG:4490), all columns, a fresh RangeIndex.
    id_column, name_column : str, str or None
        Columns of ``frame``. Without a name column the id serves as name.
    source : str
        Where it came from, for messages: ``"town.gpkg, layer communities"``.
    kind : GridKind or None
        The kind of grid, for layers of grids.
    problems : tuple of Problem
        Features that were left out by the reader, and other things worth a warning.
    """

    name: str
    frame: gpd.GeoDataFrame
    id_column: str
    name_column: str | None = None
    source: str = ""
    kind: GridKind | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def ids(self) -> pd.Series[str]:
        """Ids as text, in the order of ``frame``."""
        return self.frame[self.id_column].astype(str)

    @property
    def names(self) -> pd.Series[str]:
        """Names as text, in the order of ``frame``: the name column, or else the ids."""
        if self.name_column is None:
            return self.ids
        named = self.frame[self.name_column]
        return named.astype(str).where(named.notna(), self.ids)

    def with_frame(self, frame: gpd.GeoDataFrame) -> Layer:
        """Return the same layer with another table."""
        return replace(self, frame=frame)


def read_layer(
    file: str | Path,
    *,
    name: str | None = None,
    layer: str | None = None,
    id_column: str | None = None,
    name_column: str | None = None,
    kind: GridKind | None = None,
    crs: str | pyproj.CRS | None = None,
    encoding: str | None = None,
    columns: Iterable[str] | None = None,
    where: str | None = None,
) -> Layer:
    """Read one layer of a map file or database."""
    raise NotImplementedError


def write_layer(frame: gpd.GeoDataFrame, file: str | Path, *, layer: str | None = None) -> None:
    """Write a table of features to a map file, whole or not at all."""
    raise NotImplementedError
