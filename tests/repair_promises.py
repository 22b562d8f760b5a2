"""Random faulty towns, and the promises that every repair of one must keep."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
import shapely.affinity

from gridgeo.repair import Plan, repair_tiling
from gridgeo.repair.exchange import needles
from gridgeo.repair.regions import Local
from gridgeo.repair.shapes import spike_tips
from gridgeo.validate import validate_tiling
from gridgeo.validate.tiling import Validated
from tests.test_validate_update import SYSTEMS, edited, tiling

Random = np.random.Generator


@dataclass
class FaultyTown:
    """A layer with faults, and how it is to be repaired."""

    frame: gpd.GeoDataFrame
    options: dict[str, Any]
    locked: list[str] = field(default_factory=list)


def faulty_town(seed: int) -> FaultyTown:
    """Make a small town with a few faults, in metres, degrees or feet; with roads, locks and priorities or without."""
    random = np.random.default_rng(seed)
    size = int(random.integers(3, 7))
    shapes = tiling(random, size)
    for k in random.integers(len(shapes), size=int(random.integers(1, 5))):
        shape = _spoilt(random, shapes[k])
        shapes[k] = shape if shape is not None and shape.is_valid else shapes[k]
    crs, scale, offset = SYSTEMS[seed % 3]

    def placed(shape: Any) -> Any:
        return shapely.transform(shape, lambda places: places * scale + offset)

    frame = gpd.GeoDataFrame(geometry=[placed(shape) for shape in shapes if shape is not None], crs=crs)
    frame.index = frame.index.astype(str)
    options: dict[str, Any] = {}
    if random.random() < 0.7:
        margin = 0.0 if random.random() < 0.5 else 0.3
        extent = placed(shapely.box(-margin, -margin, size + margin, size + margin))
        options["within"] = gpd.GeoDataFrame(geometry=[extent], crs=crs)
    if random.random() < 0.5:
        lines = [
            shapely.LineString(np.column_stack([np.linspace(-1, size + 1, 9), k + random.uniform(-0.05, 0.05, 9)]))
            for k in range(1, size)
        ]
        lines += [shapely.LineString(shapely.get_coordinates(line)[:, ::-1]) for line in lines[:2]]
        roads = gpd.GeoDataFrame({"rank": ["road"] * len(lines)}, geometry=[placed(line) for line in lines], crs=crs)
        options["along"] = roads.to_crs(roads.estimate_utm_crs()) if crs != "EPSG:32651" else roads
    locked = [str(one) for one in random.choice(frame.index, int(random.integers(0, 3)), replace=False)]
    if random.random() < 0.3 and locked:
        options["lock"] = [("layer", one) for one in locked]
    elif random.random() < 0.4:
        options["priority"] = [("layer", one) for one in locked]
    return FaultyTown(frame, options, locked if "lock" in options else [])


def _spoilt(random: Random, shape: shapely.Geometry | None) -> shapely.Geometry | None:
    """Spoil a shape as an editor does it now and then: shifted by a little, or in one of many other ways."""
    if shape is not None and random.random() < 0.4:
        return shapely.affinity.translate(shape, *random.uniform(-0.06, 0.06, 2))
    return edited(random, shape)


def check_promises(town: FaultyTown) -> Plan:
    """Repair a town and assert every promise; return the plan."""
    frame, options = town.frame, town.options
    around = {"within": options["within"]} if "within" in options else {}
    before = validate_tiling(frame, **around)
    fixed, plan = repair_tiling(frame, **options)
    after = validate_tiling(fixed, **around)
    _is_sound_or_said(fixed, plan, after)
    _nothing_else_changed(town, fixed, plan)
    _shapes_are_good(before, fixed, frame)
    _areas_add_up(before, frame, fixed, plan)
    again, nothing = repair_tiling(fixed, **options)
    # what had to be left may have become the copy of another, which goes next time
    more = [action for action in nothing.actions if not (plan.left and action.mend == "drop")]
    assert not more, [action.code for action in more]
    if not nothing.actions:
        assert shapely.equals_identical(again.geometry.to_numpy(), fixed.geometry.to_numpy()).all()
    return plan


def _is_sound_or_said(fixed: gpd.GeoDataFrame, plan: Plan, after: Any) -> None:
    said = {frozenset(feature.id for feature in left.features) for left in plan.left}
    for fault in after.records:
        if fault.severity == "error" or fault.code == "spike":
            assert frozenset(fault.features) in said or any(one <= frozenset(fault.features) for one in said), (
                fault.message("en")
            )
    assert fixed.geometry.is_valid.all()
    assert not fixed.geometry.is_empty.any()
    if not plan.left:
        assert shapely.coverage_is_valid(fixed.geometry.to_numpy())


def _nothing_else_changed(town: FaultyTown, fixed: gpd.GeoDataFrame, plan: Plan) -> None:
    dropped = {feature.id for feature in plan.dropped}
    touched = {feature.id for feature in plan.before}
    named = {feature.id for action in plan.actions for feature in action.features}
    named |= {hand.id for action in plan.actions for one in action.transfers for hand in (one.giver, one.taker) if hand}
    assert touched <= named, "all that changes is named by an action"
    assert list(fixed.columns) == list(town.frame.columns)
    assert fixed.index.tolist() == [one for one in town.frame.index if one not in dropped]
    for one in fixed.index:
        old, new = town.frame.geometry.loc[one], fixed.geometry.loc[one]
        if one not in touched or one in town.locked:
            assert shapely.equals_identical(old, new), one


def _shapes_are_good(before: Any, fixed: gpd.GeoDataFrame, frame: gpd.GeoDataFrame) -> None:
    assert isinstance(before.origin, Validated)
    subject = before.origin.examined.subject
    old, new = frame.geometry.loc[fixed.index].to_numpy(), fixed.geometry.to_numpy()
    usable = shapely.is_valid(old)
    old, new = old[usable], new[usable]
    assert (shapely.get_num_geometries(new) <= shapely.get_num_geometries(old)).all(), "none is split"
    for was, now in zip(spike_tips(subject, old), spike_tips(subject, new), strict=True):
        assert now <= was, "no spike is made"
    local = Local.at(subject, shapely.get_coordinates(old)[0].tolist())
    for was, now, shape in zip(needles(local.shapes(old)), needles(local.shapes(new)), new, strict=True):
        known = shapely.buffer(shapely.union_all(was), 2e-3) if was else shapely.Polygon()
        for needle in now:
            rest = shapely.difference(needle, known)
            assert rest.area <= 0.6 * needle.area, (shape.wkt, needle.wkt)


def _areas_add_up(before: Any, frame: gpd.GeoDataFrame, fixed: gpd.GeoDataFrame, plan: Plan) -> None:
    change: dict[str, float] = {}
    for action in plan.actions:
        if action.mend == "drop":
            continue
        for transfer in action.transfers:
            for hand, sign in ((transfer.giver, -1), (transfer.taker, 1)):
                if hand is not None:
                    change[hand.id] = change.get(hand.id, 0.0) + sign * transfer.region.area
    subject = before.origin.examined.subject
    usable = {str(subject.id[k]): subject.polygons[k] for k in range(len(subject.id)) if k not in subject.scars}
    for one in fixed.index:
        if one in usable:
            old, new = frame.geometry.loc[one], fixed.geometry.loc[one]
            assert abs(new.area - old.area - change.get(one, 0.0)) <= 1e-9 * old.area, one
    for fault in before.records:
        if fault.code not in ("overlap", "gap", "uncovered", "outside") or not fault.area:
            continue
        mine = [a for a in plan.actions if a.code == fault.code and a.mend != "drop" and a.place.within(fault.geometry)]
        for action in mine[:1]:
            total = sum({transfer.region.wkb: transfer.area for transfer in action.transfers}.values())
            if len(mine) == 1 and set(fault.features) == {feature.id for feature in action.features}:
                assert abs(total - fault.area) <= 1e-9 * fault.area, (fault.code, total, fault.area)
