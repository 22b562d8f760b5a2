"""Layers brought together: what an area or a town gives for drafting, in metres, and the drafts made of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import pyproj
import shapely

from gridgeo.errors import Problem
from gridgeo.network import Barriers, Floats, Geometries
from gridgeo.partition.asked import Asked
from gridgeo.partition.atoms import Cleaning
from gridgeo.partition.change import keep_codes
from gridgeo.partition.codes import CodeScheme
from gridgeo.partition.demand import Demand
from gridgeo.partition.draft import Draft, draft
from gridgeo.partition.layer import Grid, no_blocks
from gridgeo.partition.previous import Previous
from gridgeo.partition.site import NO_SHAPE, lay_site
from gridgeo.partition.workload import WorkloadSource


@dataclass(frozen=True)
class Layers:
    """What is given for drafting.

    Parameters
    ----------
    grids : list of Grid
    shapes : array of Polygon or MultiPolygon
        The grids in metres.
    written : (n, 2) array
        Their vertices as they are to be written.
    barriers : Barriers
        In metres, as all tables but ``asked_written``.
    sources : mapping
        What is balanced.
    asked, asked_written : Asked
        In metres, and in the CRS of the blocks.
    crs : CRS or None
        Of the blocks.
    to_output : callable
        Brings new vertices from metres to ``crs``.
    cleaning : Cleaning
        How faces become atoms; what is to be kept whole comes from ``asked``.
    scheme : CodeScheme
    town : str
        Code of the town.
    """

    grids: list[Grid]
    shapes: Geometries
    written: Floats
    barriers: Barriers
    sources: Mapping[str, WorkloadSource]
    asked: Asked
    asked_written: Asked
    crs: pyproj.CRS | None
    to_output: Callable[[Floats], Floats]
    cleaning: Cleaning
    scheme: CodeScheme
    town: str = ""


def draft_area(
    layers: Layers, demands: Sequence[Demand], *, previous: Previous | None = None, retired: Sequence[str] = ()
) -> list[Draft]:
    """Draft blocks once for each demand; the ground is laid out once for all.

    Parameters
    ----------
    layers : Layers
    demands : sequence of Demand
    previous : Previous or None
        An old plan to start from; its codes are kept where its blocks carry on.
    retired : sequence of str
        Codes that are never given again.
    """
    shapes = layers.shapes
    empty = shapely.is_missing(shapes) | shapely.is_empty(shapes) | (shapely.get_dimensions(shapes) != 2)
    if empty.all():
        told = [Problem(grid.where, NO_SHAPE) for grid in layers.grids]
        return [Draft(no_blocks(layers.sources, layers.crs, told), told) for _ in demands]
    dividers, divider_points = layers.asked.dividers(
        layers.asked_written, shapes[~empty], _of(shapes, ~empty, layers.written)
    )
    whole = layers.asked.keep_whole
    site = lay_site(
        layers.grids,
        shapes,
        np.concatenate([layers.written, divider_points]),
        layers.barriers,
        layers.sources,
        crs=layers.crs,
        to_output=layers.to_output,
        cleaning=replace(
            layers.cleaning,
            keep_whole=np.empty(0, dtype=object) if whole is None else whole.geometry.to_numpy(),
        ),
        dividers=dividers,
        wishes=layers.asked.wishes(),
        scheme=layers.scheme,
        town=layers.town,
    )
    if previous is not None:
        demands = [replace(demand, previous=previous) for demand in demands]
    drafts = draft(site, demands)
    if previous is None:
        return drafts
    return [replace(each, blocks=_with_old_codes(each.blocks, previous.frame, retired, layers)) for each in drafts]


def _with_old_codes(
    blocks: gpd.GeoDataFrame, previous: gpd.GeoDataFrame, retired: Sequence[str], layers: Layers
) -> gpd.GeoDataFrame:
    """Return blocks that have the codes of the old ones that they carry on."""
    kept, gone = keep_codes(blocks, previous, retired=retired, scheme=layers.scheme, town=layers.town)
    kept.attrs["summary"] = blocks.attrs["summary"] | {"retired": gone}
    return kept


def _of(shapes: Geometries, which: np.ndarray, written: Floats) -> Floats:
    """Return the written vertices of some of the shapes."""
    count = shapely.get_num_coordinates(shapes)
    return np.asarray(written[np.repeat(which, count)])
