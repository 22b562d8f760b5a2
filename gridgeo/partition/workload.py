"""Workload: what is balanced between blocks, allotted from points, lines and polygons to atoms.

Theory. A point counts where it lies. A polygon or line is shared out by the area or length that lies in each face.
Totals are conserved to the last digit: shares are whole multiples of 2**-20, and the largest share takes what is
left, so that the shares of a feature add up to its value without any rounding, and whole numbers stay whole in the
sum. What lies outside all grids is counted as left out, never dropped in silence.

People live in buildings: with `WorkloadSource.footprints` a polygon is shared out by the area of its buildings.

Cost. One tree query per table; for polygons one intersection per polygon and face that meet.
Limits. Where grids overlap, what lies in both counts in both.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.network import Flags, Floats, Geometries, Integers

SHARE = 2.0**-20
"""Shares of a polygon's value are whole multiples of this."""
Measure = Literal["area", "street-length"]
"""What needs no table: square metres of land, and metres of street (that of a street on a border goes half to each
side)."""
AREA: Measure = "area"
STREET_LENGTH: Measure = "street-length"
MEASURED: tuple[Measure, ...] = (AREA, STREET_LENGTH)

_NO_COLUMN = Message(
    "there is no column {column!r}; the columns are {columns}",
    "没有“{column}”列；现有列为 {columns}",
)
_PLACE_TWICE = Message(
    "{count} keys stand for several places, such as {key!r}; each place needs a key of its own",
    "有 {count} 个键对应多个地点（如 {key!r}）；每个地点应有唯一的键",
)
_NO_NUMBER = Message(
    "column {column!r} of the workload holds {value!r}; it must hold numbers of 0 or more",
    "工作量列“{column}”中有 {value!r}；应为不小于 0 的数",
)
_BAD_MEASURE = Message(
    "there is no measure {value!r}; the measures are {known}, or give a table",
    "没有量算项“{value}”；可用 {known}，或给出表",
)
_ONE_WAY = Message(
    "give a table to count or a measure ({known}), one of the two", "请给出要统计的表或量算项（{known}），二者取一"
)
_EMPTY_VALUES = Message(
    "{count} features have no value in column {column!r} and count as 0",
    "{count} 个要素的“{column}”列为空，按 0 计",
)
_NO_PLACE = Message(
    "{count} features have no geometry; {amount:.6g} of {total:.6g} could not be placed",
    "{count} 个要素没有几何，{total:.6g} 中有 {amount:.6g} 无法定位",
)
_NO_BUILDING = Message(
    "{count} polygons hold none of the buildings of footprints; their amounts are spread over all their land",
    "{count} 个面内没有 footprints 图层的建筑，其数量按全部用地面积分摊",
)
_OUTSIDE = Message(
    "{count} features lie outside all grids, wholly or in part; {amount:.6g} of {total:.6g} counts in no block",
    "{count} 个要素全部或部分位于所有网格之外，{total:.6g} 中有 {amount:.6g} 未计入任何责任块",
)


@dataclass(frozen=True)
class WorkloadSource:
    """One attribute to balance, with its features.

    Parameters
    ----------
    frame : GeoDataFrame or None
        Points, lines or polygons. None with ``measure``.
    column : str or None
        The column with the amounts; None counts 1 for each feature.
    weight : float
        How much one unit of it weighs in the workload.
    footprints : GeoDataFrame or None
        Buildings, in the same CRS. The amount of a polygon is then spread over the buildings in it, by their area,
        instead of over all its land.
    tolerance : float or None
        By how much of the mean a block may hold more or less of it. None: it is balanced in the weighted sum only.
    measure : {"area", "street-length"} or None
        Measured from the map instead of counted from a table.
    """

    frame: gpd.GeoDataFrame | None = None
    column: str | None = None
    weight: float = 1.0
    footprints: gpd.GeoDataFrame | None = None
    tolerance: float | None = None
    measure: Measure | None = None

    def moved(self, move: Callable[[gpd.GeoDataFrame], gpd.GeoDataFrame]) -> WorkloadSource:
        """Return the source with its tables brought to another CRS."""
        frame = None if self.frame is None else move(self.frame)
        return replace(self, frame=frame, footprints=None if self.footprints is None else move(self.footprints))

    @property
    def table(self) -> gpd.GeoDataFrame:
        """The table; an empty one for what is measured."""
        return gpd.GeoDataFrame(geometry=[]) if self.frame is None else self.frame


WorkloadLike: TypeAlias = gpd.GeoDataFrame | Mapping[str, gpd.GeoDataFrame | WorkloadSource | str] | None


def as_sources(workload: WorkloadLike) -> dict[str, WorkloadSource]:
    """Return workload as named sources; a bare table counts its column of the source's name, or else its features.

    Raises `InputError` for a text that is no measure, and for a source with neither table nor measure, or with both.
    """
    if workload is None:
        return {}
    if isinstance(workload, gpd.GeoDataFrame):
        held = "amount" if "workload" in workload.columns else "features"
        return {held: WorkloadSource(workload, "workload" if held == "amount" else None)}
    sources: dict[str, WorkloadSource] = {}
    for name, given in workload.items():
        if isinstance(given, WorkloadSource):
            sources[name] = given
        elif isinstance(given, gpd.GeoDataFrame):
            sources[name] = WorkloadSource(given, name if name in given.columns else None)
        else:
            sources[name] = WorkloadSource(measure=given)  # type: ignore[arg-type]
    known = ", ".join(MEASURED)
    problems = [
        Problem(f"workload {name}", _BAD_MEASURE, {"value": source.measure, "known": known})
        for name, source in sources.items()
        if source.measure is not None and source.measure not in MEASURED
    ]
    problems += [
        Problem(f"workload {name}", _ONE_WAY, {"known": known})
        for name, source in sources.items()
        if (source.frame is None) == (source.measure is None)
    ]
    if problems:
        raise InputError(problems)
    return sources


def on_places(
    table: pd.DataFrame, places: gpd.GeoDataFrame, *, key: str, place_key: str | None = None
) -> gpd.GeoDataFrame:
    """Put a table without geometry on the map: each row lies where the place with its key lies.

    Parameters
    ----------
    table : DataFrame
        One row an amount, such as a household or a complaint; several may lie in one place.
    places : GeoDataFrame
        Points or polygons (addresses, compounds, committees), one row a key.
    key, place_key : str
        Columns of ``table`` and of ``places`` that are compared as text; by default of one name.

    Returns
    -------
    GeoDataFrame
        All rows of ``table``; those whose place is not known have no geometry, and drafting tells what they hold.

    Examples
    --------
    >>> people = pd.DataFrame({"house": ["1", "1", "9"], "people": [2, 3, 4]})
    >>> houses = gpd.GeoDataFrame({"house": [1]}, geometry=[shapely.Point(5, 5)])
    >>> on_places(people, houses, key="house").geometry.isna().tolist()
    [False, False, True]
    """
    place_key = place_key or key
    problems = [
        Problem(where, _NO_COLUMN, {"column": column, "columns": ", ".join(map(str, frame.columns))})
        for where, frame, column in (("table", table, key), ("places", places, place_key))
        if column not in frame.columns
    ]
    if problems:
        raise InputError(problems)
    keys = places[place_key].astype(str)
    twice = keys[keys.duplicated()]
    if len(twice):
        raise InputError(Problem("places", _PLACE_TWICE, {"key": twice.iloc[0], "count": twice.nunique()}))
    found = places.geometry.set_axis(keys).reindex(table[key].astype(str))
    return gpd.GeoDataFrame(table, geometry=found.to_numpy(), crs=places.crs)


def amounts(name: str, source: WorkloadSource) -> tuple[Floats, list[Problem]]:
    """Return the amount of each feature, with warnings; raise `InputError` where a column holds no amounts."""
    frame, column, where = source.table, source.column, f"workload {name}"
    if column is None:
        return np.ones(len(frame)), []
    if column not in frame.columns:
        told = ", ".join(str(c) for c in frame.columns if c != frame.geometry.name)
        raise InputError(Problem(where, _NO_COLUMN, {"column": column, "columns": told}))
    numbers = pd.to_numeric(frame[column], errors="coerce").astype(float).to_numpy()
    empty = frame[column].isna().to_numpy()
    bad = ~empty & ~(np.isfinite(numbers) & (numbers >= 0))
    if bad.any():
        first = str(frame[column].iloc[int(np.argmax(bad))])
        raise InputError(Problem(where, _NO_NUMBER, {"column": column, "value": first}))
    warnings = []
    if empty.any():
        warnings.append(Problem(where, _EMPTY_VALUES, {"count": int(empty.sum()), "column": column}))
    return np.where(empty, 0.0, numbers), warnings


def allot(name: str, source: WorkloadSource, faces: Geometries, counted: Flags) -> tuple[Floats, list[Problem]]:
    """Allot one source to faces.

    Parameters
    ----------
    name : str
        For messages.
    source : WorkloadSource
        In the CRS of ``faces``.
    faces : array of Polygon
        Disjoint.
    counted : array of bool
        False for faces outside all grids.

    Returns
    -------
    shares : array
        Amount by face; ``math.fsum(shares)`` is the total of what lies in counted faces.
    warnings : list of Problem
        What could not be placed.
    """
    values, warnings = amounts(name, source)
    where = f"workload {name}"
    total = math.fsum(values)
    shapes: Geometries = source.table.geometry.to_numpy()
    placed = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    if not placed.all():
        lost = math.fsum(values[~placed])
        warnings.append(Problem(where, _NO_PLACE, {"count": int((~placed).sum()), "amount": lost, "total": total}))
    shares = np.zeros(len(faces))
    here = np.flatnonzero(counted)
    if not len(here) or not placed.any():
        return shares, warnings
    features = np.flatnonzero(placed)
    wide = shapely.get_dimensions(shapes[features]) > 0
    whole = shapes[features].copy()
    broken = wide & ~shapely.is_valid(whole)
    whole[broken] = shapely.make_valid(whole[broken])
    if source.footprints is not None:
        whole, without = _built(whole, source.footprints)
        if without:
            warnings.append(Problem(where, _NO_BUILDING, {"count": without}))
    tree = shapely.STRtree(faces[here])
    item, face = tree.query(whole, predicate="intersects")
    measure = np.ones(len(item))
    spread = wide[item]
    met = shapely.intersection(whole[item[spread]], faces[here][face[spread]])
    areal = shapely.get_dimensions(whole) == 2
    size = np.where(areal, shapely.area(whole), shapely.length(whole))
    measure[spread] = np.where(areal[item[spread]], shapely.area(met), shapely.length(met))
    order = np.lexsort((here[face], item))
    item, face, measure = item[order], here[face[order]], measure[order]
    begin = np.searchsorted(item, np.arange(len(features) + 1))
    gathered: dict[int, list[float]] = {}
    outside, lost_parts = 0, []
    for at, feature in enumerate(features.tolist()):
        value = float(values[feature])
        low, high = int(begin[at]), int(begin[at + 1])
        if low == high:
            outside += 1
            lost_parts.append(value)
            continue
        if not wide[at]:  # on a border: the first of the faces
            gathered.setdefault(int(face[low]), []).append(value)
            continue
        inside = measure[low:high].tolist()
        if not math.fsum(inside) > 0:
            gathered.setdefault(int(face[low]), []).append(value)
            continue
        rest = float(size[at]) - math.fsum(inside)
        if rest <= 1e-6 * float(size[at]):
            rest = 0.0
        parts = share_out(value, [*inside, rest])
        for which, part in zip(face[low:high].tolist(), parts, strict=False):
            gathered.setdefault(which, []).append(part)
        if parts[-1] > 0:
            outside += 1
            lost_parts.append(parts[-1])
    for which, held in gathered.items():
        shares[which] = math.fsum(held)
    if outside:
        values_lost = {"count": outside, "amount": math.fsum(lost_parts), "total": total}
        warnings.append(Problem(where, _OUTSIDE, dict(values_lost)))
    return shares, warnings


def totals(name: str, source: WorkloadSource, shares: Floats) -> dict[str, float]:
    """Return what an attribute adds up to as given, and how much of that was placed in grids; both rounded once."""
    if source.measure is not None:
        return {"given": math.fsum(shares), "placed": math.fsum(shares)}
    values, _ = amounts(name, source)
    return {"given": math.fsum(values), "placed": math.fsum(shares)}


def _built(shapes: Geometries, footprints: gpd.GeoDataFrame) -> tuple[Geometries, int]:
    """Return polygons cut down to the buildings in them, and how many hold none and stay as they are."""
    buildings: Geometries = footprints.geometry.to_numpy()
    buildings = shapely.make_valid(buildings[shapely.get_dimensions(buildings) == 2])
    areal = np.flatnonzero(shapely.get_dimensions(shapes) == 2)
    built = shapes.copy()
    item, building = shapely.STRtree(buildings).query(shapes[areal], predicate="intersects")
    parts = shapely.intersection(shapes[areal][item], buildings[building])
    begin = np.searchsorted(item, np.arange(len(areal) + 1))  # a query answers in the order of what is asked
    without = 0
    for at, feature in enumerate(areal.tolist()):
        inside = shapely.union_all(parts[begin[at] : begin[at + 1]])
        if shapely.area(inside) > 0:
            built[feature] = inside
        else:
            without += 1
    return built, without


def share_out(value: float, measures: Sequence[float]) -> list[float]:
    """Share a value out in proportion to measures; the shares add up to it without any rounding.

    Examples
    --------
    >>> share_out(100.0, [1.0, 1.0, 2.0])
    [25.0, 25.0, 50.0]
    >>> sum(share_out(1.0, [1.0, 1.0, 1.0])) == 1.0
    True
    """
    whole = math.fsum(measures)
    shares = [math.floor(value * (measure / whole) / SHARE) * SHARE for measure in measures]
    largest = max(range(len(measures)), key=lambda index: (measures[index], -index))
    shares[largest] = 0.0
    shares[largest] = value - math.fsum(shares)
    return shares


def total_of(held: Floats, groups: Sequence[Integers]) -> Floats:
    """Return the sum over each group of faces, rounded once."""
    return np.array([math.fsum(held[group]) for group in groups], dtype=np.float64)
