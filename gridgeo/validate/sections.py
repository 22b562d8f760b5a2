"""Sections tile the streets: every metre of street inside a street block belongs to exactly one section."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import shapely

from gridgeo.crs import to_crs, working_crs
from gridgeo.errors import InputError, Problem
from gridgeo.language import Language, Message
from gridgeo.layers import Layer
from gridgeo.network import JOINT, Barriers, Rank, as_barriers, groups, streets_within
from gridgeo.validate.faults import Fault
from gridgeo.validate.features import check_ids
from gridgeo.validate.report import ClaimResult, Report
from gridgeo.validate.sections_axis import Matched, lines_of, match
from gridgeo.validate.subject import LayerLike, as_layers, as_read, names_of
from gridgeo.validate.wording import Names, Width, Worded, part_of

TOLERANCE = 0.5
"""Metres, unless said otherwise."""

Geometries = npt.NDArray[np.object_]
Ints = npt.NDArray[np.int64]

_GAP = Message(
    "{length} of {street} belong to no section (beside it: {names}).",
    "{street}有 {length} 不属于任何责任路段（旁边：{names}）。",
)
_OVERLAP = Message("{names} overlap for {length} on {street}.", "{names}在{street}上重叠 {length}。")
_OFF = Message(
    "{length} of {name} don't run on a street of its block, up to {deviation} away.",
    "{name}有 {length} 不在其责任块的街道上，最远偏离 {deviation}。",
)
_NO_STREET_NEAR = Message(
    "{length} of {name} don't run on a street of its block: there is none.",
    "{name}有 {length} 不在其责任块的街道上：附近没有街道。",
)
_EMPTY = Message("{name} has no geometry.", "{name}没有几何图形。")
_WRONG_TYPE = Message("{name} is a {kind}, not a line.", "{name}是 {kind}，不是线。")
_DRAW_LINE = Message("Draw its line, or delete the row.", "请补画线，或删除该行。")
_REDRAW = Message("Redraw it as a line, or move it to another layer.", "请改画为线，或移到其他图层。")
_UNNAMED = Message("a street without a name", "一条无名道路")
_NO_STREETS = Message(
    "there is no street of rank {rank} or stronger inside the street blocks, so there is nothing to be divided",
    "街面责任块内没有 {rank} 及以上等级的道路，没有可划分的街道",
)
_NO_TOLERANCE = Message("the tolerance must be more than 0 metres", "容差应大于 0 米")
_NO_COLUMN = Message("no column {column}; there are: {columns}", "没有列 {column}；现有列：{columns}")


@dataclass(frozen=True)
class _Unnamed:
    """What a street without a name is called."""

    def text(self, language: Language | None = None) -> str:
        return _UNNAMED.text(language)


@dataclass(frozen=True)
class _Drawn:
    """Sections and the streets that they ought to tile, in metres."""

    key: str
    layer: Layer
    ids: npt.NDArray[np.object_]
    names: npt.NDArray[np.object_]
    lines: Geometries
    """None where a section has no line."""
    streets: gpd.GeoDataFrame
    matched: Matched
    present: Ints
    """Which sections have lines: the owners of the matched runs count among these."""
    block: Ints
    """Of each section, as of the streets' column ``area``; -1 where it may lie in any."""
    crs: pyproj.CRS
    metric: pyproj.CRS


def validate_sections(
    sections: LayerLike,
    areas: LayerLike | Mapping[str, LayerLike],
    streets: Barriers | gpd.GeoDataFrame,
    *,
    rank: Rank = "road",
    tolerance: float = TOLERANCE,
    block_column: str | None = None,
    id_column: str | None = None,
    area_id_column: str | None = None,
    name: str = "sections",
) -> Report:
    """Prove that sections tile the streets inside street blocks, or name every gap, overlap and stray stretch.

    Parameters
    ----------
    sections : GeoDataFrame or Layer
        Lines, in any CRS.
    areas : GeoDataFrame, Layer or mapping of str to these
        Polygons of the street blocks; where a table has a column ``kind``, only those of the kind ``street``.
    streets : Barriers or GeoDataFrame
        Lines with a column ``rank``, in any CRS.
    rank : {"main-road", "road", "lane"}
        The weakest rank that counts as a street.
    tolerance : float
        Metres: how far off its street a section may be drawn. Gaps, overlaps and stray stretches that are no longer
        don't count.
    block_column : str, optional
        Column of the sections with the id of their block: then a section counts on that block's streets only. By
        default ``block``, where there is such a column.
    id_column, area_id_column : str, optional
        Id columns of GeoDataFrames; by default the index.
    name : str
        Of the claim, in the report.

    Returns
    -------
    Report
        ``section-gap``, ``section-overlap``, ``section-off-network``, and what is wrong with sections by themselves.

    Raises
    ------
    InputError
        For layers without a CRS, the columns named, or where there is no street at all.

    Examples
    --------
    >>> block = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 900, 20)], crs="EPSG:32651")
    >>> road = gpd.GeoDataFrame({"rank": ["road"]}, geometry=[shapely.LineString([(0, 9), (900, 9)])], crs=32651)
    >>> walks = [shapely.LineString([(0, 9), (400, 9)]), shapely.LineString([(500, 9), (900, 9)])]
    >>> report = validate_sections(gpd.GeoDataFrame(geometry=walks, crs=32651), block, road)
    >>> report.faults[["code", "length"]].round(3).to_numpy().tolist()
    [['section-gap', 99.732]]

    (So far beside the zone's middle, 100 m in its coordinates are 99.732 m on the ground.)
    """
    drawn, faults = _draw(
        sections, areas, streets, rank, tolerance, block_column, id_column, area_id_column, claim=name
    )
    faults += [
        *_gaps(drawn, name, tolerance),
        *_overlaps(drawn, name, tolerance),
        *_strays(drawn, name, tolerance),
    ]
    length: dict[str, float] = {}
    for fault in faults:
        length[fault.code] = length.get(fault.code, 0.0) + (fault.length or 0.0)
    total = float(drawn.streets.length.sum())
    measures: dict[str, Any] = {
        "sections": len(drawn.lines),
        "street_length": total,
        "held_length": total - length.get("section-gap", 0.0),
        "overlap_length": length.get("section-overlap", 0.0),
        "stray_length": length.get("section-off-network", 0.0),
        "rank": rank,
        "tolerance": float(tolerance),
    }
    others = list(as_layers(areas, id_column=area_id_column))
    result = ClaimResult(name, (drawn.key, *others), faults, measures)
    shapes = drawn.lines[drawn.present]
    return Report(
        [result],
        crs=drawn.crs,
        measure_crs=drawn.metric,
        shapes=_moved(shapes, drawn.metric, drawn.crs),
        sources={drawn.key: drawn.layer.source} if drawn.layer.source else {},
        title=name,
    )


def _draw(
    sections: LayerLike,
    areas: LayerLike | Mapping[str, LayerLike],
    streets: Barriers | gpd.GeoDataFrame,
    rank: Rank,
    tolerance: float,
    block_column: str | None,
    id_column: str | None,
    area_id_column: str | None,
    claim: str,
) -> tuple[_Drawn, list[Fault]]:
    if not tolerance > 0:
        raise InputError(Problem(claim, _NO_TOLERANCE))
    ((key, layer),) = as_layers(sections, id_column=id_column).items()
    blocks = _street_areas(as_layers(areas, id_column=area_id_column))
    column = block_column or ("block" if "block" in layer.frame.columns else None)
    if column is not None and column not in layer.frame.columns:
        columns = ", ".join(map(str, layer.frame.columns))
        raise InputError(Problem(layer.source or key, _NO_COLUMN, {"column": column, "columns": columns}))
    metric = working_crs(blocks) if len(blocks) else working_crs(layer)
    lines = to_crs(as_barriers(streets).lines, metric)
    inside = streets_within(lines, to_crs(blocks, metric).geometry.to_numpy(), rank=rank)
    if not len(inside):
        raise InputError(Problem(claim, _NO_STREETS, {"rank": rank}))
    crs = layer.frame.crs
    shapes = to_crs(layer.frame, metric).geometry.to_numpy().copy()
    row = np.arange(1, len(shapes) + 1)
    faults = [as_read(claim, key, layer, problem) for problem in layer.problems]
    given = layer.frame[layer.id_column].to_numpy(object)
    told, ids = check_ids(claim, np.full(len(row), key, object), given, row, layer.frame.geometry.to_numpy())
    names = names_of(layer)
    faults += told
    for index, shape in enumerate(shapes):
        empty = shape is None or shape.is_empty
        if empty or shape.geom_type not in ("LineString", "MultiLineString", "LinearRing"):
            faults.append(_unusable(claim, key, ids, names, index, shape, empty=empty))
            shapes[index] = None
    present = np.flatnonzero(~shapely.is_missing(shapes))
    number = {block: k for k, block in enumerate(blocks["id"])}
    own = np.full(len(shapes), -1, np.int64)
    if column is not None:
        # a block that isn't there has no street: whatever lies in it is off the network
        own = np.array([number.get(str(block), len(number)) for block in layer.frame[column]], np.int64)
    street_shapes: Geometries = inside.geometry.to_numpy()
    area = inside["area"].to_numpy(np.int64)
    matched = match(street_shapes, area, shapes[present], own[present], tolerance)
    return _Drawn(key, layer, ids, names, shapes, inside, matched, present, own, crs, metric), faults


def _street_areas(layers: Mapping[str, Layer]) -> gpd.GeoDataFrame:
    """Return the street blocks of all layers, in the CRS of the first."""
    found = []
    first = next(iter(layers.values())).frame.crs
    for layer in layers.values():
        frame = to_crs(layer.frame, first)
        table = gpd.GeoDataFrame({"id": layer.ids.to_numpy(object)}, geometry=frame.geometry.to_numpy(), crs=first)
        if "kind" in layer.frame.columns:
            table = table.loc[(layer.frame["kind"] == "street").to_numpy()]
        sound = ~(table.geometry.isna() | table.geometry.is_empty) & table.geom_type.isin(["Polygon", "MultiPolygon"])
        found.append(table.loc[sound])
    together = gpd.GeoDataFrame(pd.concat(found, ignore_index=True), crs=first)
    together.geometry = shapely.make_valid(together.geometry.to_numpy())
    return together


def _unusable(
    claim: str,
    key: str,
    ids: npt.NDArray[np.object_],
    names: npt.NDArray[np.object_],
    index: int,
    shape: shapely.Geometry | None,
    *,
    empty: bool,
) -> Fault:
    values: dict[str, object] = {"name": Names((names[index],))}
    if not empty and shape is not None:
        values["kind"] = shape.geom_type
    own = (ids[index],) if ids[index] else ()
    code, what, mend = ("empty-geometry", _EMPTY, _DRAW_LINE) if empty else ("wrong-type", _WRONG_TYPE, _REDRAW)
    return Fault(code, "error", claim, (key,), own, what, None, values=values, mend=mend)


def _moved(shapes: Geometries, source: pyproj.CRS, target: pyproj.CRS) -> Geometries:
    moved: Geometries = to_crs(gpd.GeoDataFrame(geometry=shapes, crs=source), target).geometry.to_numpy()
    return moved


def _fault(
    drawn: _Drawn,
    claim: str,
    code: str,
    what: Message,
    place: shapely.Geometry,
    sections: Sequence[int],
    values: dict[str, object],
    *,
    involved: Sequence[int] = (),
    width: float | None = None,
    street: str | Worded = "",
) -> Fault:
    """Return a fault at ``place`` (metres); ``sections`` are those that it is of, ``involved`` those beside it."""
    (moved,) = _moved(np.array([place], object), drawn.metric, drawn.crs)
    named = [*sections, *involved]
    part = part_of(drawn.names[named[0]], drawn.lines[named[0]].bounds, place.bounds) if named and not street else None
    return Fault(
        code,
        "error",
        claim,
        (drawn.key,),
        tuple(drawn.ids[k] for k in named if drawn.ids[k]),
        what,
        moved,
        None,
        width,
        float(place.length),
        {"length": Width(float(place.length)), **values},
        part=part,
    )


def _streets_of(drawn: _Drawn, start: npt.NDArray[np.float64]) -> Names:
    """Return the names of the streets on which intervals begin."""
    rows = drawn.matched.streets.border_at(start)
    named = list(dict.fromkeys(str(name) for name in drawn.streets["name"].to_numpy()[rows]))
    return Names(tuple(name or _Unnamed() for name in named))


def _gaps(drawn: _Drawn, claim: str, tolerance: float) -> list[Fault]:
    """One record for each stretch of streets, as far as it hangs together, that no section holds."""
    start, end = drawn.matched.gaps(tolerance)
    if not len(start):
        return []
    lines = lines_of(drawn.matched.streets, start, end)
    tree = shapely.STRtree(lines)
    one, other = tree.query(lines, predicate="dwithin", distance=JOINT)
    together = groups(len(lines), np.stack([one, other], axis=1))
    section_tree = shapely.STRtree(drawn.lines)
    faults = []
    for number in range(int(together.max()) + 1):
        mine = np.flatnonzero(together == number)
        place = shapely.line_merge(shapely.multilinestrings(lines[mine]))
        near = np.sort(section_tree.query(place, predicate="dwithin", distance=tolerance + JOINT)).tolist()
        values: dict[str, object] = {
            "street": _streets_of(drawn, start[mine]),
            "names": Names(tuple(drawn.names[k] for k in near)),
        }
        faults.append(_fault(drawn, claim, "section-gap", _GAP, place, [], values, involved=near))
    return faults


def _overlaps(drawn: _Drawn, claim: str, tolerance: float) -> list[Fault]:
    """One record for each group of sections that hold the same stretches."""
    shared: dict[tuple[int, ...], list[tuple[float, float]]] = {}
    for begin, end, owners in drawn.matched.overlaps(tolerance):
        shared.setdefault(owners, []).append((begin, end))
    faults = []
    for owners, runs in shared.items():
        start, end = np.array(runs).T
        place = shapely.line_merge(shapely.multilinestrings(lines_of(drawn.matched.streets, start, end)))
        sections = drawn.present[list(owners)].tolist()
        values: dict[str, object] = {
            "names": Names(tuple(drawn.names[k] for k in sections)),
            "street": _streets_of(drawn, start),
        }
        faults.append(_fault(drawn, claim, "section-overlap", _OVERLAP, place, sections, values))
    return faults


def _strays(drawn: _Drawn, claim: str, tolerance: float) -> list[Fault]:
    """One record for each section that leaves the streets of its block."""
    off = drawn.matched.off
    long = off.end - off.start > tolerance
    faults = []
    area = drawn.streets["area"].to_numpy()
    shapes = drawn.streets.geometry.to_numpy()
    for owner in np.unique(off.owner[long]).tolist():
        mine = long & (off.owner == owner)
        lines = lines_of(drawn.matched.sections, off.start[mine], off.end[mine])
        place = shapely.line_merge(shapely.multilinestrings(lines))
        section = int(drawn.present[owner])
        own = shapes[(area == drawn.block[section]) | (drawn.block[section] < 0)]
        known = len(own) > 0
        places = shapely.points(shapely.get_coordinates(shapely.segmentize(place, 10.0)))
        far = float(shapely.distance(places, shapely.union_all(own)).max()) if known else 0.0
        values: dict[str, object] = {"name": Names((drawn.names[section],)), "deviation": Width(far)}
        what = _OFF if known else _NO_STREET_NEAR
        faults.append(
            _fault(drawn, claim, "section-off-network", what, place, [section], values, width=far if known else None)
        )
    return faults
