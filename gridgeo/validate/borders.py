"""Alignments: borders run along roads and rivers, and no river or main road cuts a block in two.

Borders are those between two polygons of a coverage; where neighbours don't have the same vertices there is no common
border to be measured, which the claim that they form a tiling reports. The border of a street area is a kerb, and
nothing to be measured. What runs below the ground (tunnels, culverts) is no barrier.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import shapely

from gridgeo.errors import InputError, Problem
from gridgeo.language import Language, Message
from gridgeo.layers import Layer
from gridgeo.network import RANKS, Barriers, Rank, as_barriers
from gridgeo.validate.alignment import measure_borders, shared_borders
from gridgeo.validate.cutting import cutting_barriers
from gridgeo.validate.faults import Fault
from gridgeo.validate.report import ClaimResult, Report
from gridgeo.validate.subject import LayerLike, Subject, as_layers, gather
from gridgeo.validate.wording import Names, Width, percent

TOLERANCE = 3.0
"""Metres within which a border counts as on a barrier, unless said otherwise."""

_OFF = Message(
    "The border between {names} is off any barrier for {off} of its {length}, up to {deviation} away (longest run"
    " {run}): {share} of it runs along barriers, {demanded} must.",
    "{names}的公共边界长 {length}，其中 {off} 不沿任何边界线，最远偏离 {deviation}（最长连续 {run}）："
    "沿线比例 {share}，要求 {demanded}。",
)
_NO_BARRIER = Message(
    "The border between {names}, {length} long, is off any barrier: there is none of the rank demanded.",
    "{names}的公共边界长 {length}，不沿任何边界线：没有所要求等级的边界线。",
)
_CUT = Message("{name} is cut apart by {barrier}: {length} inside it.", "{name}被{barrier}分割：内部长 {length}。")
_RANK_NAMES: Mapping[str, Message] = {
    "river": Message("a river", "河道"),
    "main-road": Message("a main road", "主干道"),
    "road": Message("a road", "道路"),
    "lane": Message("a lane", "街巷"),
}
_NO_COLUMN = Message(
    "no column {column} with the parents; there are: {columns}", "没有记录上级的列 {column}；现有列：{columns}"
)
_NO_CRS = Message(
    "the barriers have no CRS; set it with frame.set_crs(...)", "边界线没有坐标参考系；请用 frame.set_crs(...) 设置"
)
_NO_TOLERANCE = Message("the tolerance must be more than 0 metres", "容差应大于 0 米")
_NO_RANK = Message("rank {rank} is unknown; use {ranks}", "未知等级 {rank}；可用 {ranks}")


@dataclass(frozen=True)
class _RankName:
    """What a barrier without a name is called."""

    rank: str

    def text(self, language: Language | None = None) -> str:
        return _RANK_NAMES[self.rank].text(language)


def validate_alignment(
    layers: LayerLike | Mapping[str, LayerLike],
    barriers: Barriers | gpd.GeoDataFrame,
    *,
    rank: Rank = "lane",
    tolerance: float = TOLERANCE,
    share: float = 0.0,
    parent_column: str | None = None,
    uncut_by: Rank | None = None,
    id_column: str | None = None,
    name_column: str | None = None,
    name: str = "alignment",
) -> Report:
    """Prove that borders run along roads and rivers, or name every border that doesn't.

    Parameters
    ----------
    layers : GeoDataFrame, Layer or mapping of str to these
        Polygons, in any CRS; several layers are looked at side by side.
    barriers : Barriers or GeoDataFrame
        Lines and polygons (whose outlines, banks and kerbs, count) with a column ``rank``, in any CRS.
    rank : {"river", "main-road", "road", "lane"}
        Barriers of lower rank don't count.
    tolerance : float
        Metres within which a border counts as on a barrier.
    share : float
        Least share, 0 to 1, of each border on barriers. A border with less is an error; with 0 borders are only
        measured.
    parent_column : str, optional
        Column with each feature's parent: then only borders within one parent count, else all between two features.
    uncut_by : rank, optional
        A feature that a barrier of at least this rank cuts in two is an error.
    id_column, name_column : str, optional
        Columns of GeoDataFrames with ids and names; by default the index.
    name : str
        Of the claim, in the report.

    Returns
    -------
    Report
        The claim's measures sum up what `border_table` lists.

    Raises
    ------
    InputError
        For layers and barriers without a CRS, or the columns and ranks named.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> squares = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 90, 90), shapely.box(90, 0, 180, 90)], crs="EPSG:32651")
    >>> lane = gpd.GeoDataFrame({"rank": ["lane"]}, geometry=[shapely.LineString([(90, 0), (90, 60)])], crs=32651)
    >>> report = validate_alignment(squares, lane, tolerance=3, share=0.9)
    >>> report.ok, round(report.claims[0].measures["share"], 3), report.faults["features"].tolist()
    (False, 0.7, [('0', '1')])
    """
    chosen = as_layers(layers, id_column=id_column, name_column=name_column)
    measured = _measure(chosen, barriers, rank, tolerance, parent_column, name)
    subject, table = measured.subject, measured.table
    faults = [*subject.faults, *_off_barrier(measured, name, share, tolerance)]
    if uncut_by is not None:
        faults += _cut(measured, name, uncut_by, tolerance)
    measures: dict[str, Any] = {
        "polygons": len(subject.polygons),
        "area": subject.total_area(subject.polygons),
        "tolerance": float(tolerance),
        "rank": rank,
        "least_share": float(share),
        "borders": len(table),
        **_summary(table),
    }
    return Report(
        [ClaimResult(name, tuple(chosen), faults, measures)],
        crs=subject.crs,
        measure_crs=subject.measure_crs,
        shapes=subject.polygons,
        sources=subject.sources,
        title=name,
    )


def border_table(
    layers: LayerLike | Mapping[str, LayerLike],
    barriers: Barriers | gpd.GeoDataFrame,
    *,
    by: Literal["border", "feature"] = "border",
    rank: Rank = "lane",
    tolerance: float = TOLERANCE,
    parent_column: str | None = None,
    id_column: str | None = None,
    name_column: str | None = None,
) -> gpd.GeoDataFrame:
    """Return how each border runs along barriers, or all borders of each feature.

    Parameters
    ----------
    by : {"border", "feature"}
        What a row stands for.
    layers, barriers, rank, tolerance, parent_column, id_column, name_column
        As of `validate_alignment`.

    Returns
    -------
    GeoDataFrame
        ``first_layer``, ``first``, ``second_layer``, ``second`` (or ``layer``, ``feature``, ``borders``), ``length``,
        ``on_barrier`` and one column for each rank (metres on a barrier of this rank and of no stronger one),
        ``share``, ``deviation`` (metres; inf where there is no barrier), ``longest_off`` and, as geometry, the
        stretches off barriers, in metres through the layers.
    """
    chosen = as_layers(layers, id_column=id_column, name_column=name_column)
    measured = _measure(chosen, barriers, rank, tolerance, parent_column, "alignment")
    subject, table = measured.subject, measured.table
    metres = ["length", "on_barrier", *RANKS]
    if by == "feature":
        sides = pd.concat([table.assign(owner=table[side]) for side in ("first", "second")], ignore_index=True)
        groups = sides.groupby("owner", sort=True)
        found = groups[metres].sum()
        found.insert(0, "borders", groups.size())
        found[["deviation", "longest_off"]] = groups[["deviation", "longest_off"]].max()
        shapes = [shapely.union_all(group.geometry.to_numpy()) for _, group in groups]
        owner = found.index.to_numpy(np.int64)
        found.insert(0, "layer", subject.layer[owner])
        found.insert(1, "feature", subject.id[owner])
        found = found.reset_index(drop=True)
    else:
        found, shapes = pd.DataFrame(table.drop(columns="geometry")), table.geometry.to_numpy()
        for position, side in enumerate(("first", "second")):
            owner = table[side].to_numpy(np.int64)
            found[side] = subject.id[owner]
            found.insert(2 * position, f"{side}_layer", subject.layer[owner])
    found.insert(found.columns.get_loc("deviation"), "share", _shares(found))
    return gpd.GeoDataFrame(found, geometry=np.array(shapes, object), crs=subject.measure_crs)


@dataclass(frozen=True)
class _Measured:
    """Features, the barriers in the same metres, which features are street areas, and the table of their borders."""

    subject: Subject
    barriers: gpd.GeoDataFrame
    street: npt.NDArray[np.bool_]
    table: gpd.GeoDataFrame


def _measure(
    layers: Mapping[str, Layer],
    barriers: Barriers | gpd.GeoDataFrame,
    rank: Rank,
    tolerance: float,
    parent_column: str | None,
    claim: str,
) -> _Measured:
    if not tolerance > 0:
        raise InputError(Problem(claim, _NO_TOLERANCE))
    if rank not in RANKS:
        raise InputError(Problem(claim, _NO_RANK, {"rank": rank, "ranks": ", ".join(RANKS)}))
    subject, _ = gather(claim, layers, {})
    along = _in_metres(barriers, subject.measure_crs)
    borders = shared_borders(subject.polygons)
    street = _street_areas(layers)
    counts = (borders.second >= 0) & ~street[borders.first] & ~street[borders.second]
    if parent_column is not None:
        parent = _parents(layers, parent_column)
        counts &= (parent[borders.first] == parent[borders.second]) & (parent[borders.first] != "")
    borders = borders.where(counts)
    moved = gpd.GeoSeries(borders.lines, crs=subject.crs).to_crs(subject.measure_crs).to_numpy()
    table = measure_borders(
        type(borders)(moved, borders.first, borders.second), along, tolerance=tolerance, least_rank=rank
    )
    return _Measured(subject, along, street, table)


def _in_metres(barriers: Barriers | gpd.GeoDataFrame, crs: pyproj.CRS) -> gpd.GeoDataFrame:
    """Return lines and polygons of barriers on or above the ground in one table."""
    both = as_barriers(barriers)
    tables = [table for table in (both.lines, both.surfaces) if len(table)]
    if not tables:
        return gpd.GeoDataFrame({"rank": [], "name": [], "level": []}, geometry=[], crs=crs)
    if any(table.crs is None for table in tables):
        raise InputError(Problem("barriers", _NO_CRS))
    together = pd.concat([table.to_crs(crs) for table in tables], ignore_index=True)
    return gpd.GeoDataFrame(together[together["level"] >= 0].reset_index(drop=True), geometry="geometry", crs=crs)


def _street_areas(layers: Mapping[str, Layer]) -> npt.NDArray[np.bool_]:
    found = []
    for layer in layers.values():
        of_feature = layer.frame["kind"].to_numpy(object) if "kind" in layer.frame.columns else None
        kinds = np.full(len(layer.frame), layer.kind, object) if of_feature is None else of_feature
        found.append(np.array([kind == "street" for kind in kinds], bool))
    return np.concatenate(found)


def _parents(layers: Mapping[str, Layer], column: str) -> npt.NDArray[np.object_]:
    problems = [
        Problem(
            layer.source or key, _NO_COLUMN, {"column": column, "columns": ", ".join(map(str, layer.frame.columns))}
        )
        for key, layer in layers.items()
        if column not in layer.frame.columns
    ]
    if problems:
        raise InputError(problems)
    given = pd.concat([layer.frame[column] for layer in layers.values()], ignore_index=True)
    parents: npt.NDArray[np.object_] = given.astype(str).where(given.notna(), "").to_numpy(object)
    return parents


def _shares(table: pd.DataFrame) -> npt.NDArray[np.float64]:
    length = table["length"].to_numpy(np.float64)
    shares = np.ones(len(length))
    np.divide(table["on_barrier"].to_numpy(np.float64), length, out=shares, where=length > 0)
    return shares


def _summary(table: gpd.GeoDataFrame) -> dict[str, Any]:
    """Return lengths and shares of all borders together; no number where there is none."""
    length = float(table["length"].sum())
    deviation = float(table["deviation"].max()) if len(table) else 0.0
    return {
        "length": length,
        "on_barrier": float(table["on_barrier"].sum()),
        "share": float(table["on_barrier"].sum()) / length if length else 1.0,
        "share_of_rank": {
            rank: float(table[rank].sum()) / length if length else 0.0 for rank in RANKS if rank in table
        },
        "lowest_share": float(_shares(table).min()) if len(table) else 1.0,
        "deviation": deviation if math.isfinite(deviation) else None,
        "longest_off": float(table["longest_off"].max()) if len(table) else 0.0,
    }


def _off_barrier(measured: _Measured, claim: str, demanded: float, tolerance: float) -> list[Fault]:
    """One record for each border with less than the demanded share on barriers."""
    subject = measured.subject
    share = _shares(measured.table)
    poor = measured.table[share < demanded - 1e-9]
    places = poor.geometry.to_crs(subject.crs).to_numpy()
    faults = []
    for row, place, here in zip(poor.itertuples(), places, share[share < demanded - 1e-9], strict=True):
        sides = [int(row.first), int(row.second)]
        bounded = math.isfinite(row.deviation)
        off = row.length - row.on_barrier
        values: dict[str, object] = {
            "names": subject.called(sides),
            "off": Width(off),
            "length": Width(row.length),
            "deviation": Width(row.deviation if bounded else 0.0),
            "run": Width(row.longest_off),
            "share": percent(here),
            "demanded": percent(demanded),
        }
        faults.append(
            Fault(
                "off-barrier",
                "error",
                claim,
                subject.layers_of(sides),
                subject.ids_of(sides),
                _OFF if bounded else _NO_BARRIER,
                place,
                None,
                float(row.deviation) if bounded else None,
                float(off),
                values,
                part=subject.part(sides, place),
            )
        )
    return faults


def _cut(measured: _Measured, claim: str, least_rank: Rank, tolerance: float) -> list[Fault]:
    """One record for each feature that barriers cut in two."""
    subject = measured.subject
    metric = gpd.GeoSeries(subject.polygons, crs=subject.crs).to_crs(subject.measure_crs).to_numpy().copy()
    metric[measured.street] = None  # a street runs along a street area
    found = cutting_barriers(metric, measured.barriers, tolerance=tolerance, least_rank=least_rank)
    places = found.geometry.to_crs(subject.crs).to_numpy()
    faults = []
    for row, place in zip(found.itertuples(), places, strict=True):
        barrier = Names(row.names) if row.names else _RankName(row.rank)
        values: dict[str, object] = {
            "barrier": barrier,
            "name": subject.called([row.polygon]),
            "length": Width(row.length),
        }
        faults.append(
            Fault(
                "crosses-barrier",
                "error",
                claim,
                subject.layers_of([row.polygon]),
                subject.ids_of([row.polygon]),
                _CUT,
                place,
                None,
                None,
                float(row.length),
                values,
                part=subject.part([row.polygon], place),
            )
        )
    return faults
