"""Comparing two plans: one overlay, noise told apart from change, heirs found, workload counted where it lies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridgeo import crs
from gridgeo.diff.difference import KINDS, Change, Difference, Transfer
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.layers import Layer
from gridgeo.network import groups

Geometries = npt.NDArray[np.object_]
Floats = npt.NDArray[np.float64]

MAIN = 0.5
"""An old feature lives on in a new one when more than this part of either lies in the other."""
ROUNDING = 1e-3
"""Square metres: less is neither change nor noise, but the last bits of coordinates."""
DERIVED = frozenset({"area", "on_barrier"})
"""Columns that follow from the geometry: their changes are told as a moved border."""

_NO_ID = Message(
    "no column {column!r} with the ids; name it with id_column (--id)",
    "没有编号列“{column}”；请用 id_column（--id）指定",
)
_BAD_IDS = Message(
    "ids are missing or occur twice: {ids}; give each feature its own", "编号缺失或重复：{ids}；请逐一编号"
)
_ONE_CRS = Message(
    "one plan or table says its coordinate system and another does not; state it for all",
    "有的图层有坐标系，有的没有；请全部注明",
)
_NO_PEOPLE = Message("no column {column!r} of numbers", "没有数值列“{column}”")
_BAD_TOLERANCE = Message("tolerance must be 0 or more metres, not {value}", "容差不应小于 0 米，而非 {value}")


def diff_plans(
    old: gpd.GeoDataFrame | Layer,
    new: gpd.GeoDataFrame | Layer,
    *,
    people: gpd.GeoDataFrame | None = None,
    people_column: str | None = None,
    id_column: str | None = None,
    tolerance: float = 0.1,
) -> Difference:
    """Return what differs between two plans of blocks.

    Parameters
    ----------
    old, new : GeoDataFrame or Layer
        Polygons with ids.
    people : GeoDataFrame or None
        Where people (or other work) are: points count where they lie, areas by their share. Without it, the column
        ``workload`` of the old plan is shared out by area, and the difference says so.
    people_column : str or None
        Amount of each row of ``people``; by default 1 each.
    id_column : str or None
        By default ``code`` or ``id``.
    tolerance : float
        Metres: ground that is nowhere wider than this did not change hands, its border was only drawn again.

    Returns
    -------
    Difference

    Examples
    --------
    >>> old = gpd.GeoDataFrame({"id": ["A", "B"]}, geometry=[shapely.box(0, 0, 9, 9), shapely.box(9, 0, 18, 9)])
    >>> new = gpd.GeoDataFrame({"id": ["A", "B"]}, geometry=[shapely.box(0, 0, 8, 9), shapely.box(8, 0, 18, 9)])
    >>> found = diff_plans(old, new)
    >>> [(each.giver, each.taker, each.area) for each in found.transfers]
    [('A', 'B', 9.0)]
    """
    before, after = _table(old, id_column, "old"), _table(new, id_column, "new")
    _check(before, after, people, people_column, tolerance)
    home = before.crs
    metric = crs.working_crs(before) if home is not None and len(before) else home
    shapes_old, shapes_new = (_shapes(frame, metric) for frame in (before, after))
    ids_old, ids_new = before["id"].tolist(), after["id"].tolist()

    overlay = _Overlay(shapes_old, shapes_new, tolerance)
    area_old, area_new = shapely.area(shapes_old), shapely.area(shapes_new)
    size = shapely.area(overlay.parts)
    both = (overlay.one >= 0) & (overlay.two >= 0)
    share = np.zeros((2, len(size)))
    share[0, both] = size[both] / area_old[overlay.one[both]]
    share[1, both] = size[both] / area_new[overlay.two[both]]
    ties = np.flatnonzero(both & (share.max(axis=0, initial=0.0) > MAIN))
    pairs = [(int(overlay.one[at]), int(overlay.two[at]), float(size[at])) for at in ties.tolist()]
    heir = _heirs(pairs, ids_old, ids_new)

    keeps = np.array(
        [a >= 0 and heir.get(a) == b for a, b in zip(overlay.one.tolist(), overlay.two.tolist(), strict=True)],
        dtype=np.bool_,
    )
    giving = np.flatnonzero(~keeps)
    regions = overlay.parts[giving]
    counted, total, estimated = _people(before, people, people_column, metric, shapes_old, overlay.one[giving], regions)
    written = regions if home is None else gpd.GeoSeries(regions, crs=metric).to_crs(home).to_numpy()
    transfers = [
        Transfer(
            ids_old[a] if (a := int(overlay.one[at])) >= 0 else None,
            ids_new[b] if (b := int(overlay.two[at])) >= 0 else None,
            float(size[at]),
            float(counted[row]),
            written[row],
        )
        for row, at in enumerate(giving.tolist())
    ]
    touched = ({int(overlay.one[at]) for at in giving.tolist()}, {int(overlay.two[at]) for at in giving.tolist()})
    changes = _changes(before, after, pairs, heir, touched)
    changed = {code for change in changes for code in change.new}
    own = {"geometry", "id"}
    names = [[str(name) for name in frame.columns if name not in own] for frame in (before, after)]
    return Difference(
        changes=tuple(sorted(changes, key=lambda each: (list(KINDS).index(each.kind), each.old, each.new))),
        transfers=tuple(sorted(transfers, key=lambda each: (-each.area, each.giver or "", each.taker or ""))),
        features=len(after),
        unchanged=sum(code not in changed for code in ids_new),
        area=float(math.fsum(area_old)),
        people=total,
        estimated=estimated,
        noise=overlay.noise,
        noise_area=overlay.noise_area,
        tolerance=tolerance,
        columns_added=tuple(name for name in names[1] if name not in names[0]),
        columns_gone=tuple(name for name in names[0] if name not in names[1]),
        crs=home,
        old=before[["id", "geometry"]],
        new=after[["id", "geometry"]] if home is None else after[["id", "geometry"]].to_crs(home),
    )


class _Overlay:
    """Common ground of old (``one``) and new (``two``) features, -1 for nobody, without what is noise."""

    def __init__(self, old: Geometries, new: Geometries, tolerance: float) -> None:
        self._tolerance, self.noise, self.noise_area = tolerance, 0, 0.0
        at_old, at_new = shapely.STRtree(new).query(old, predicate="intersects")
        parts = shapely.intersection(old[at_old], new[at_new])
        one, two, kept = at_old.tolist(), at_new.tolist(), list(parts)
        for side, mine, others, at, of in ((0, old, new, at_old, at_new), (1, new, old, at_new, at_old)):
            covered = np.zeros(len(mine))
            np.add.at(covered, at, shapely.area(parts))
            for row in np.flatnonzero(np.abs(shapely.area(mine) - covered) > ROUNDING).tolist():
                rest = shapely.difference(mine[row], shapely.union_all(others[of[at == row]]))
                one.append(-1 if side else row)
                two.append(row if side else -1)
                kept.append(rest)
        real = [self._real(part) for part in kept]
        there = [row for row, part in enumerate(real) if not part.is_empty]
        self.parts: Geometries = np.array([real[row] for row in there], dtype=object)
        self.one = np.array([one[row] for row in there], dtype=np.int64)
        self.two = np.array([two[row] for row in there], dtype=np.int64)

    def _real(self, region: shapely.Geometry) -> shapely.Geometry:
        """Return the parts of a region that are somewhere wider than the tolerance."""
        polygons = [part for part in shapely.get_parts(shapely.get_parts(region)) if part.area > 0]
        wide = []
        for polygon in polygons:
            width = 2 * polygon.area / polygon.length
            if width > 10 * self._tolerance or not polygon.buffer(-self._tolerance / 2).is_empty:
                wide.append(polygon)
            elif polygon.area > ROUNDING:
                self.noise += 1
                self.noise_area += polygon.area
        return wide[0] if len(wide) == 1 else shapely.multipolygons(wide) if wide else shapely.Polygon()


def _table(plan: gpd.GeoDataFrame | Layer, id_column: str | None, where: str) -> gpd.GeoDataFrame:
    """Return a plan with a column ``id``, first, and a plain index."""
    if isinstance(plan, Layer):
        frame, where = plan.frame, plan.source or plan.name
        id_column = id_column or plan.id_column
    else:
        frame = plan
    chosen = id_column or next((name for name in ("code", "id") if name in frame.columns), "id")
    if chosen not in frame.columns:
        raise InputError(Problem(where, _NO_ID, {"column": chosen}))
    ids = frame[chosen]
    bad = ids[ids.isna() | ids.astype(str).duplicated()].astype(str).unique().tolist()
    if bad:
        raise InputError(Problem(where, _BAD_IDS, {"ids": ", ".join(bad[:5])}))
    rest = frame.drop(columns=[chosen]).reset_index(drop=True)
    if rest.geometry.name != "geometry":
        rest = rest.rename_geometry("geometry")
    rest["id"] = ids.astype(str).to_numpy()
    return rest


def _check(
    before: gpd.GeoDataFrame,
    after: gpd.GeoDataFrame,
    people: gpd.GeoDataFrame | None,
    people_column: str | None,
    tolerance: float,
) -> None:
    problems = []
    tables = [before, after, *([] if people is None else [people])]
    if len({table.crs is None for table in tables}) > 1:
        problems.append(Problem("diff", _ONE_CRS))
    if people_column is not None and (
        people is None or people_column not in people or not pd.api.types.is_numeric_dtype(people[people_column])
    ):
        problems.append(Problem("people", _NO_PEOPLE, {"column": people_column}))
    if not 0 <= tolerance < math.inf:
        problems.append(Problem("tolerance", _BAD_TOLERANCE, {"value": tolerance}))
    if problems:
        raise InputError(problems)


def _shapes(frame: gpd.GeoDataFrame, metric: Any) -> Geometries:
    """Return sound polygons in metres; what is none is empty."""
    moved = frame if metric is None else crs.to_crs(frame[["geometry"]], metric)
    shapes: Geometries = shapely.make_valid(shapely.force_2d(moved.geometry.to_numpy()))
    shapes[shapely.is_missing(shapes)] = shapely.Polygon()
    return shapes


def _heirs(pairs: Sequence[tuple[int, int, float]], old: Sequence[str], new: Sequence[str]) -> dict[int, int]:
    """Return who carries on whom: first those of the same id, then by common ground, the largest first."""
    heir: dict[int, int] = {}
    taken: set[int] = set()
    for a, b, _ in sorted(pairs, key=lambda pair: (old[pair[0]] != new[pair[1]], -pair[2], pair[:2])):
        if a not in heir and b not in taken:
            heir[a] = b
            taken.add(b)
    return heir


def _changes(
    before: gpd.GeoDataFrame,
    after: gpd.GeoDataFrame,
    pairs: Sequence[tuple[int, int, float]],
    heir: dict[int, int],
    touched: tuple[set[int], set[int]],
) -> list[Change]:
    """Return what happened to each feature."""
    many, ids_old, ids_new = len(before), before["id"].tolist(), after["id"].tolist()
    # where every feature of a family carries on under its own id, the ground moved and nobody was split or merged
    links = np.array([(a, many + b) for a, b, _ in pairs], dtype=np.int64).reshape(-1, 2)
    family = groups(many + len(after), links)
    changes = []
    for number in range(int(family.max()) + 1 if len(family) else 0):
        members = np.flatnonzero(family == number)
        old = [int(each) for each in members[members < many]]
        new = [int(each) - many for each in members[members >= many]]
        known = {ids_old[a] for a in old} == {ids_new[b] for b in new} and all(a in heir for a in old)
        if not (known or len(old) == len(new) == 1):
            kind = {(0, 1): "new", (1, 0): "gone"}.get((len(old), len(new)))
            kind = kind or ("split" if len(old) == 1 else "merged" if len(new) == 1 else "redrawn")
            told = (tuple(sorted(ids_old[a] for a in old)), tuple(sorted(ids_new[b] for b in new)))
            changes.append(Change(kind, *told))
        for a in old:
            if a in heir:
                border = known or len(old) == len(new) == 1
                changes += _carried_on(before, after, a, heir[a], border and (a in touched[0] or heir[a] in touched[1]))
    return changes


def _carried_on(before: gpd.GeoDataFrame, after: gpd.GeoDataFrame, old: int, new: int, moved: bool) -> list[Change]:
    """Return what changed of a feature that carries on."""
    was, now = before.iloc[old], after.iloc[new]
    who = ((was["id"],), (now["id"],))
    changes = [Change("moved", *who)] if moved else []
    if was["id"] != now["id"]:
        changes.append(Change("recoded", *who))
    common = [name for name in before.columns if name in after.columns and name not in {"id", "geometry", *DERIVED}]
    told = {str(name): (was[name], now[name]) for name in common if not _equal(was[name], now[name])}
    return [*changes, Change("attributes", *who, told)] if told else changes


def _equal(one: Any, two: Any) -> bool:
    if pd.isna(one) or pd.isna(two):
        return bool(pd.isna(one) and pd.isna(two))
    if isinstance(one, float | np.floating) and isinstance(two, float | np.floating):
        return math.isclose(one, two, rel_tol=1e-9, abs_tol=1e-9)
    return bool(one == two)


def _people(
    before: gpd.GeoDataFrame,
    people: gpd.GeoDataFrame | None,
    column: str | None,
    metric: Any,
    shapes: Geometries,
    giver: npt.NDArray[np.int64],
    regions: Geometries,
) -> tuple[Floats, float, bool]:
    """Return the workload of each region, that of the old plan, and whether it is an estimate."""
    held = np.zeros(len(regions))
    if people is None:
        if "workload" not in before or not pd.api.types.is_numeric_dtype(before["workload"]):
            return held, 0.0, False
        load = before["workload"].fillna(0.0).to_numpy(dtype=np.float64)
        area = np.where(shapely.area(shapes) > 0, shapely.area(shapes), 1.0)
        given = giver >= 0
        held[given] = load[giver[given]] * shapely.area(regions[given]) / area[giver[given]]
        return held, float(math.fsum(load)), bool(len(regions))
    places = (people if metric is None else crs.to_crs(people, metric)).geometry.to_numpy()
    amount = np.ones(len(people)) if column is None else people[column].fillna(0.0).to_numpy(dtype=np.float64)
    return (
        _amounts(places, amount, regions),
        float(_amounts(places, amount, np.array([shapely.union_all(shapes)]))[0]),
        False,
    )


def _amounts(places: Geometries, amount: Floats, regions: Geometries) -> Floats:
    """Return how much lies in each region: a point wholly in the first that holds it, an area by its share."""
    held = np.zeros(len(regions))
    if not len(regions) or not len(places):
        return held
    surface = shapely.get_dimensions(places) == 2
    spots = np.where(surface, places, shapely.point_on_surface(places))
    place, region = shapely.STRtree(regions).query(spots, predicate="intersects")
    areal = surface[place]
    dots, first = np.unique(place[~areal], return_index=True)
    np.add.at(held, region[~areal][first], amount[dots])
    place, region = place[areal], region[areal]
    share = shapely.area(shapely.intersection(places[place], regions[region])) / shapely.area(places[place])
    np.add.at(held, region, amount[place] * share)
    return held
