"""Sections: the streets inside each street block, cut at junctions into stretches of near equal length or workload.

Theory. Every stretch of street from junction to junction is an atom, and two that meet in a junction are neighbours:
the same search that groups atoms into blocks groups stretches into sections (`gridgeo.partition.blocks`). Parting two
costs least where streets cross, more where only a side street joins, most in the midst of a street. Parting two that
carry on as one street costs more than parting two that meet at a corner, so that a section follows its street and
turns only where balance wants it to. A stretch longer than a section is cut into equal parts, away from any junction.

How many sections a block gets is what comes nearest to the target; where these can't be balanced at junctions, one more
or one less if that can and the mean is still within the tolerance of the target. Where that can't either, streets are
cut between junctions too, which is said. Where nothing helps, the most even division at junctions is taken, and it is
said whether that is proven (`gridgeo.partition.search.evenest`).

Limits. Streets of a block that don't hang together are joined where they are nearest, so that a section may have
several parts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.ops import substring

from gridgeo.crs import to_crs, working_crs
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.network import (
    Barriers,
    Floats,
    Geometries,
    Integers,
    Rank,
    as_barriers,
    between_junctions,
    groups,
    joints_of,
    streets_within,
)
from gridgeo.partition.blocks import group_evenly
from gridgeo.partition.codes import section_code, section_name, serial_order
from gridgeo.partition.search import Graph
from gridgeo.partition.workload import WorkloadSource

TARGET = 800.0
"""Metres of street for one or two patrollers on foot, back and forth in a round of half an hour."""
REACH = 60.0
"""Metres from a street within which something belongs to its workload."""
COLUMNS = ("code", "name", "block", "serial", "streets", "length", "workload")
"""Columns of the sections layer, before the geometry."""

_MOST_STREETS = 4
_FINE = 8
"""Parts of a section that streets are cut into where junctions alone don't balance it."""
_PRICE_CROSSING, _PRICE_SIDE_STREET, _PRICE_STRAIGHT, _PRICE_CUT = 1.0, 2.0, 3.0, 8.0
"""What it costs to part two stretches: where streets cross, where a side street joins, so many times more if they carry
on as one street, where no junction is."""
_PRICE_UNIT = 0.15
"""In sides of a section's ground, which is what the search counts in."""
_SPREAD = 0.25
"""What the spread of a section counts for, if it is one straight street: less than to part that street once."""
_STRAIGHT = math.cos(math.radians(30))
"""Streets without names carry on where they turn by less."""
_AHEAD = 15.0
"""Metres from a junction over which the direction of a street is taken."""
_WIDTH = 20.0
"""Metres: as wide a street is taken to be where the search weighs how compact a section is."""

_NO_STREET = Message(
    "no street of rank {rank} or stronger runs in it, so it has no section; lower the rank in [sections]",
    "其中没有 {rank} 及以上等级的道路，未划分责任路段；请在 [sections] 中降低 rank",
)
_NO_STREETS = Message(
    "none of the {count} street blocks has a street of rank {rank} or stronger; lower the rank in [sections]",
    "{count} 个街面责任块中均无 {rank} 及以上等级的道路；请在 [sections] 中降低 rank",
)
_NO_BLOCKS = Message("there are no street blocks whose streets could be cut", "没有可划分责任路段的街面责任块")
_UNEVEN = Message(
    "{count} street blocks have a section more than {tolerance:.0%} off their mean, most of all {name} ({worst:.0%});"
    " in {proven} of them it is proven that no division at their junctions is more even:"
    " take another count, a larger target or a larger tolerance",
    "{count} 个街面责任块有责任路段偏离平均值超过 {tolerance:.0%}，最大为{name}（{worst:.0%}）；"
    "其中 {proven} 个已证明在路口处无更均衡的划分：请改用其他 count、更大的 target 或更大的 tolerance",
)
_BETWEEN = Message(
    "{count} street blocks have a section that ends between two junctions, such as {name}: no division at junctions is"
    " within {tolerance:.0%} of the mean",
    "{count} 个街面责任块有责任路段止于两路口之间，如{name}：仅在路口处划分无法使偏差不超过 {tolerance:.0%}",
)
_BAD_TARGET = Message("the target must be more than 0 metres, not {target}", "target 应大于 0 米，而不是 {target}")
_BAD_COUNT = Message("count must be at least 1, not {count}", "count 应不小于 1，而不是 {count}")
_NO_COLUMN = Message("there is no column {column!r}; the columns are {columns}", "没有“{column}”列；现有列为 {columns}")
_NO_CRS = Message("has no CRS; set it with frame.set_crs(...)", "没有坐标参考系；请用 frame.set_crs(...) 设置")


@dataclass(frozen=True)
class _Stretches:
    """The stretches of one block between junctions."""

    table: gpd.GeoDataFrame
    load: Floats

    @property
    def shapes(self) -> Geometries:
        found: Geometries = self.table.geometry.to_numpy()
        return found


def split_sections(
    streets: Barriers | gpd.GeoDataFrame,
    blocks: gpd.GeoDataFrame,
    *,
    target: float = TARGET,
    count: int | None = None,
    tolerance: float = 0.25,
    seed: int = 0,
    rank: Rank = "road",
    workload: Mapping[str, WorkloadSource] | None = None,
    id_column: str = "code",
    name_column: str = "name",
    warnings: list[Problem] | None = None,
) -> gpd.GeoDataFrame:
    """Cut the streets inside street blocks into sections, for one or two patrollers each.

    Parameters
    ----------
    streets : Barriers or GeoDataFrame
        Lines, in any CRS, with a column ``rank`` (without one all are roads) and perhaps ``name`` and ``level``.
        Lines of weaker rank are side streets: their junctions are places to cut.
    blocks : GeoDataFrame
        Polygons of the street blocks, in any CRS.
    target : float
        Workload of a section: metres of street, and what ``workload`` adds.
    count : int, optional
        Sections a block, instead of as many as its workload needs.
    tolerance : float
        By how much of the mean of its block a section's workload may differ; more is told in ``warnings``.
    seed : int
        Of the search; the same input gives the same sections.
    rank : {"main-road", "road", "lane"}
        The weakest rank that counts as a street.
    workload : mapping of str to WorkloadSource, optional
        What lies along the streets: each feature within 60 m of a street adds its value (or 1) times the weight, in
        metres, to the nearest stretch.
    id_column, name_column : str
        Of the blocks.
    warnings : list of Problem, optional
        Takes what could not be met, in the order of the blocks.

    Returns
    -------
    GeoDataFrame
        Lines in the CRS of ``blocks``: ``code``, ``name``, ``block`` (its code), ``serial`` (from west to east),
        ``streets`` (their names), ``length`` (m), ``workload``. Together they hold every metre of the blocks' streets
        once.

    Raises
    ------
    InputError
        For tables without a CRS or the columns named, or where no block has a street.

    Examples
    --------
    >>> roads = gpd.GeoDataFrame(
    ...     {"rank": ["road", "road"], "name": ["A", "B"]},
    ...     geometry=[shapely.LineString([(0, 0), (1000, 0)]), shapely.LineString([(500, -500), (500, 500)])],
    ...     crs="EPSG:32651",
    ... )
    >>> block = gpd.GeoDataFrame({"code": ["7"], "name": ["Crossing"]}, geometry=[shapely.box(0, -500, 1000, 500)])
    >>> sections = split_sections(roads, block.set_crs("EPSG:32651"), target=1000)
    >>> sections["code"].tolist(), sections["streets"].tolist(), sections.geometry.length.round().tolist()
    (['7-01', '7-02'], ['A', 'B'], [1000.0, 1000.0])
    """
    said: list[Problem] = [] if warnings is None else warnings
    _check(streets, blocks, target, count, (id_column, name_column))
    barriers = as_barriers(_with_rank(streets))
    metric = working_crs(blocks)
    lines = to_crs(barriers.lines, metric)
    areas: Geometries = to_crs(blocks, metric).geometry.to_numpy()
    sources = {name: source.moved(lambda frame: to_crs(frame, metric)) for name, source in (workload or {}).items()}
    found = streets_within(lines, areas, rank=rank)
    if not len(found):
        raise InputError(Problem("sections", _NO_STREETS, {"count": len(blocks), "rank": rank}))
    stretches = between_junctions(found, lines)
    stretches = _cut_long(stretches, np.full(len(stretches), target))
    metres = np.bincount(stretches["area"], weights=stretches.length, minlength=len(blocks))
    fair = metres / count if count else np.minimum(metres, target)
    parts = _cut_long(stretches, fair[stretches["area"]] / _FINE)
    parts_load = parts.length.to_numpy() + _along(parts.geometry.to_numpy(), sources)
    load = np.bincount(parts["source"], weights=parts_load, minlength=len(stretches)).astype(np.float64)
    rows: list[dict[str, object]] = []
    shapes: list[shapely.Geometry] = []
    uneven: dict[str, tuple[float, bool]] = {}
    between: list[str] = []
    codes, names = blocks[id_column].astype(str).tolist(), blocks[name_column].astype(str).tolist()
    for block in range(len(blocks)):
        mine = np.flatnonzero(stretches["area"].to_numpy() == block)
        where = f"{names[block]} ({codes[block]})"
        if not len(mine):
            said.append(Problem(where, _NO_STREET, {"rank": rank}))
            continue
        own = _Stretches(stretches.iloc[mine].reset_index(drop=True), load[mine])
        section, worst, sure = _divided(own, target, count, tolerance, seed)
        if worst > tolerance:
            pieces = np.flatnonzero(parts["area"].to_numpy() == block)
            finer = _Stretches(parts.iloc[pieces].reset_index(drop=True), parts_load[pieces])
            again, off, _ = _divided(finer, target, count, tolerance, seed)
            if off <= tolerance:
                own, section = finer, again
                between.append(where)
            else:
                uneven[where] = (worst, sure)
        loads = np.bincount(section, weights=own.load)
        merged = [shapely.line_merge(shapely.multilinestrings(own.shapes[section == k])) for k in range(len(loads))]
        for serial, k in enumerate(serial_order(merged).tolist(), 1):
            rows.append(
                {
                    "code": section_code(codes[block], serial),
                    "name": section_name(names[block], serial),
                    "block": codes[block],
                    "serial": serial,
                    "streets": _names(own.table.iloc[np.flatnonzero(section == k)]),
                    "length": float(merged[k].length),
                    "workload": float(loads[k]),
                }
            )
            shapes.append(merged[k])
    if between:
        said.append(Problem("sections", _BETWEEN, {"count": len(between), "name": between[0], "tolerance": tolerance}))
    if uneven:
        name, (worst, _) = max(uneven.items(), key=lambda item: item[1][0])
        values: dict[str, object] = {"count": len(uneven), "tolerance": tolerance, "name": name, "worst": worst}
        values["proven"] = sum(sure for _, sure in uneven.values())
        said.append(Problem("sections", _UNEVEN, values))
    table = gpd.GeoDataFrame(pd.DataFrame(rows, columns=list(COLUMNS)), geometry=shapes, crs=metric)
    return to_crs(table, blocks.crs)


def _divided(
    own: _Stretches, target: float, count: int | None, tolerance: float, seed: int
) -> tuple[Integers, float, bool]:
    """Return the section of each stretch, the largest deviation, and whether none more even is proven to be."""
    total = float(own.load.sum())
    nearest = count or max(1, round(total / target))
    numbers = [nearest]
    if count is None:
        # as near to the target as the tolerance allows, the nearer first
        others = [number for number in (nearest + 1, nearest - 1) if number > 0]
        numbers += [number for number in others if abs(total / (number * target) - 1) <= tolerance]
    best: tuple[Integers, float, bool] | None = None
    for number in numbers:
        graph = _graph(own, number)
        length = float(shapely.length(own.shapes).sum()) / number
        compact = _SPREAD * 12 * _WIDTH / (2 * math.pi * max(length, _WIDTH))
        grouping, least = group_evenly(graph, number, tolerance=[tolerance], seed=seed, compact=compact)
        loads = np.bincount(grouping.block, weights=own.load)
        worst = float(np.abs(loads / loads.mean() - 1).max())
        if worst <= tolerance:
            return grouping.block, worst, False
        best = best or (grouping.block, worst, all(each.proven for each in least))
    assert best is not None
    return best


def _check(
    streets: Barriers | gpd.GeoDataFrame,
    blocks: gpd.GeoDataFrame,
    target: float,
    count: int | None,
    columns: tuple[str, ...],
) -> None:
    problems = []
    if not (math.isfinite(target) and target > 0):
        problems.append(Problem("sections", _BAD_TARGET, {"target": target}))
    if count is not None and count < 1:
        problems.append(Problem("sections", _BAD_COUNT, {"count": count}))
    listed = ", ".join(map(str, blocks.columns))
    problems += [
        Problem("blocks", _NO_COLUMN, {"column": column, "columns": listed})
        for column in columns
        if column not in blocks.columns
    ]
    tables = {"streets": streets.lines if isinstance(streets, Barriers) else streets, "blocks": blocks}
    problems += [Problem(name, _NO_CRS) for name, table in tables.items() if table.crs is None]
    if not len(blocks):
        problems.append(Problem("blocks", _NO_BLOCKS))
    if problems:
        raise InputError(problems)


def _with_rank(streets: Barriers | gpd.GeoDataFrame) -> Barriers | gpd.GeoDataFrame:
    if isinstance(streets, Barriers) or "rank" in streets.columns:
        return streets
    return streets.assign(rank="road")


def _cut_long(stretches: gpd.GeoDataFrame, fair: Floats) -> gpd.GeoDataFrame:
    """Cut stretches that are longer than what is fair for each into equal parts.

    ``source`` tells of which stretch each is a part, ``cut`` whether the next part carries it on.
    """
    source, parts = [], []
    for index, line in enumerate(stretches.geometry):
        pieces = max(1, round(line.length / fair[index]))
        for k in range(pieces):
            source.append(index)
            begin, end = line.length * k / pieces, line.length * (k + 1) / pieces
            parts.append(line if pieces == 1 else substring(line, begin, end))
    table = pd.DataFrame(stretches.drop(columns="geometry")).iloc[source].reset_index(drop=True)
    table["source"] = source
    carries_on = np.array([*source[1:], -1]) == np.array(source)
    table["cut"] = carries_on | table["cut"].to_numpy(np.bool_) if "cut" in table else carries_on
    return gpd.GeoDataFrame(table, geometry=parts, crs=stretches.crs)


def _along(shapes: Geometries, sources: Mapping[str, WorkloadSource]) -> Floats:
    """Return what the workload adds to each stretch."""
    added = np.zeros(len(shapes))
    tree = shapely.STRtree(shapes)
    for source in sources.values():
        if source.frame is None:
            continue
        places = source.frame.geometry.to_numpy()
        value = np.ones(len(places)) if source.column is None else source.frame[source.column].fillna(0).to_numpy(float)
        thing, stretch = tree.query_nearest(places, max_distance=REACH, all_matches=False)
        np.add.at(added, stretch, source.weight * value[thing])
    return added


def _graph(own: _Stretches, number: int) -> Graph:
    """Return stretches as atoms, neighbours where they meet."""
    shapes, length = own.shapes, shapely.length(own.shapes)
    joints = joints_of(shapes)
    at: dict[int, list[int]] = {}
    for stretch, ends in enumerate(joints.tolist()):
        for joint in set(ends):
            at.setdefault(joint, []).append(stretch)
    name, cut = own.table["name"].to_numpy(), own.table["cut"].to_numpy()
    cost: dict[tuple[int, int], float] = {}
    away = _directions(shapes, joints)
    for joint, meeting in at.items():
        crossing = len(meeting) > 2
        for k, one in enumerate(meeting):
            for other in meeting[k + 1 :]:
                price = _PRICE_CROSSING if crossing else _PRICE_SIDE_STREET
                if name[one] and name[other]:
                    onward = name[one] == name[other]
                else:
                    onward = float((away[one, joint] * away[other, joint]).sum()) <= -_STRAIGHT
                if onward:
                    price *= _PRICE_STRAIGHT
                if not crossing and other == one + 1 and cut[one]:
                    price = _PRICE_CUT
                pair = (min(one, other), max(one, other))
                cost[pair] = cost.get(pair, 0.0) + price
    for pair in _links(shapes, joints):
        cost[pair] = _PRICE_CUT
    middle = shapely.get_coordinates(shapely.line_interpolate_point(shapes, 0.5, normalized=True))
    area = length * _WIDTH
    unit = _PRICE_UNIT * math.sqrt(float(area.sum()) / number)
    return Graph(
        load=own.load[:, None],
        area=area,
        x=middle[:, 0] - middle[:, 0].min(),
        y=middle[:, 1] - middle[:, 1].min(),
        pairs=np.array(list(cost), np.int64).reshape(-1, 2),
        cost=np.array(list(cost.values()), np.float64) * unit,
        passable=np.ones(len(cost), np.bool_),
        own=np.asarray(area * length**2 / 12),
    )


def _directions(shapes: Geometries, joints: Integers) -> dict[tuple[int, int], Floats]:
    """Return the direction in which each stretch leaves each of its two joints."""
    reach = np.minimum(_AHEAD, shapely.length(shapes) / 2)
    found: dict[tuple[int, int], Floats] = {}
    for end, begin, ahead in ((0, np.zeros(len(shapes)), reach), (1, shapely.length(shapes), -reach)):
        here = shapely.get_coordinates(shapely.line_interpolate_point(shapes, begin))
        there = shapely.get_coordinates(shapely.line_interpolate_point(shapes, begin + ahead))
        step = there - here
        step /= np.maximum(np.hypot(step[:, 0], step[:, 1]), 1e-9)[:, None]
        for stretch, joint in enumerate(joints[:, end].tolist()):
            found[stretch, joint] = step[stretch]
    return found


def _links(shapes: Geometries, joints: Integers) -> list[tuple[int, int]]:
    """Join streets that don't hang together where they are nearest: patrollers walk over from one to the other."""
    links: list[tuple[int, int]] = []
    part = groups(int(joints.max()) + 1, joints)[joints[:, 0]]
    while len(set(part.tolist())) > 1:
        apart = part != part[0]
        tree, rest = shapely.STRtree(shapes[~apart]), np.flatnonzero(apart)
        (mine, near), far = tree.query_nearest(shapes[rest], return_distance=True, all_matches=False)
        best = int(np.argmin(far))
        one, other = int(rest[mine[best]]), int(np.flatnonzero(~apart)[near[best]])
        links.append((min(one, other), max(one, other)))
        part = np.where(part == part[one], part[0], part)
    return links


def _names(stretches: gpd.GeoDataFrame) -> str:
    """Return the names of streets, that of the longest stretch first."""
    metres: dict[str, float] = {}
    for name, length in zip(stretches["name"], stretches.length, strict=True):
        if name:
            metres[name] = metres.get(name, 0.0) + length
    named = sorted(metres, key=lambda name: (-round(metres[name], 3), name))
    return "、".join(named[:_MOST_STREETS]) + ("等" if len(named) > _MOST_STREETS else "")
