"""The sections of a whole town project."""

from __future__ import annotations

import geopandas as gpd

from gridgeo.crs import to_crs
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.partition.sections import split_sections
from gridgeo.partition.workload import WorkloadSource
from gridgeo.town import SectionDrafting, Town

_NO_STREET_BLOCKS = Message(
    "[sections] asks for sections, but no block is of a street grid; give the layer of street areas the kind street",
    "[sections] 要求划分责任路段，但没有街面网格的责任块；请将街面图层的 kind 设为 street",
)


def sections_of_town(
    town: Town, blocks: gpd.GeoDataFrame, *, warnings: list[Problem] | None = None
) -> gpd.GeoDataFrame:
    """Draft the sections of a town's street blocks: its ``[sections]`` table says how.

    Parameters
    ----------
    town : Town
    blocks : GeoDataFrame
        The blocks layer, in any CRS.
    warnings : list or None
        Filled with what could not be met, in the order of the blocks.

    Returns
    -------
    GeoDataFrame
        The sections layer in ``town.crs``: see `split_sections`.

    Raises
    ------
    InputError
        Where there is no street block, or no street in any.
    """
    said = town.sectioning or SectionDrafting()
    chosen = blocks.loc[blocks["kind"] == "street"].sort_values("code", kind="stable").reset_index(drop=True)
    if not len(chosen):
        raise InputError(Problem(str(town.path), _NO_STREET_BLOCKS))
    workload = {key: WorkloadSource(town.to_working(key), None, metres) for key, metres in said.workload.items()}
    return split_sections(
        town.barriers,
        to_crs(chosen, town.crs),
        target=said.target,
        count=said.count,
        tolerance=said.tolerance,
        seed=said.seed,
        rank=said.rank,
        workload=workload,
        warnings=warnings,
    )
