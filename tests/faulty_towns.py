"""Random faulty towns, and every promise of a repair, each of which is looked at in each town.

A town comes of its seed: a tiling of quadrangles or of cells with bent borders, in metres, degrees, feet, or in several
CRSs at once; some of its features are moved, stretched, pierced, broken, copied, left out or given other vertices; it
has an extent or none, roads or none, features that are locked and features with priority. Towns that have drifted are
one layer whose features are whole but lie a little beside their places, along roads that bend. Whole towns have grids,
blocks and professional grids.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
import shapely.affinity

from gridgeo.crs import to_crs
from gridgeo.layers import Layer
from gridgeo.repair import Feature, Plan, Transfer, repair_tiling, repair_town, undo_plan, write_plan
from gridgeo.repair.exchange import needles
from gridgeo.repair.files import plan_from_json
from gridgeo.repair.proof import flagged_by_geos
from gridgeo.repair.regions import Local
from gridgeo.repair.shapes import spike_tips
from gridgeo.town import read_town
from gridgeo.validate import Report, validate_tiling, validate_town
from gridgeo.validate.measure import total_area
from gridgeo.validate.subject import Subject
from tests.repair_towns import ONE_CRS, SEVERAL_CRS, cells, write_town
from tests.test_validate_update import SYSTEMS, edited, tiling

ROOM = 1e-3
"""Square metres by which sums of areas may differ for each feature that changed: rounding of places and lines."""

PLANE = 1e-8
"""Share of a feature's area by which sums may differ in the plane in which it is mended."""
SAME_NEEDLE = 2e-3
"""Metres within which a needle lies where one was before."""

Layers = dict[str, Layer]


@dataclass(frozen=True)
class FaultyTown:
    """A town to be repaired, and what it is repaired with."""

    layers: Layers
    options: dict[str, Any]


@dataclass
class Findings:
    """What came of the repair of one town: broken promises in words, and what there was to count."""

    broken: list[str] = field(default_factory=list)
    errors: int = 0
    actions: int = 0
    left: int = 0
    changed: int = 0
    features: int = 0
    sound: bool = False


def faulty_town(seed: int) -> FaultyTown:
    """Return the town of a seed."""
    random = np.random.default_rng(seed)
    size = int(random.integers(3, 8))
    if random.random() < 0.5:
        shapes, crs, scale, offset = _quadrangles(random, size, seed)
    else:
        shapes, crs, scale, offset = _bent(random, size)

    def placed(shape: Any) -> Any:
        return shapely.transform(shape, lambda places: places * scale + offset)

    margin = float(random.choice([0.0, 0.0, 0.3]))
    whole = placed(shapely.box(-margin, -margin, size + margin, size + margin))
    there = {f"f{k}": placed(shape) for k, shape in enumerate(shapes) if shape is not None}
    if random.random() < 0.2:
        there["copy"] = there[sorted(there)[0]]
    half = int(random.integers(1, len(there)))
    names = list(there)
    parts = {"west": names[:half], "east": names[half:]}
    layers = {}
    for key, mine in parts.items():
        frame = gpd.GeoDataFrame({"code": mine}, geometry=[there[name] for name in mine], crs=crs)
        if key == "east" and random.random() < 0.15:
            frame = to_crs(frame, "EPSG:4326" if not frame.crs.is_geographic else "EPSG:4549")
        layers[key] = Layer(key, frame, "code")
    options: dict[str, Any] = {}
    if random.random() < 0.6:
        options["within"] = gpd.GeoDataFrame(geometry=[whole], crs=crs)
    if random.random() < 0.3:
        options["lock"] = [(key, name) for key in parts for name in parts[key] if random.random() < 0.15]
    if random.random() < 0.3:
        options["priority"] = [("west", parts["west"][0]), "east"]
    if random.random() < 0.3:
        options["along"] = _roads(random, size, placed, crs)
    return FaultyTown(layers, options)


def drifted_town(seed: int) -> FaultyTown:
    """Return a town of one layer some of whose features lie a little beside their places, or are edited; all valid."""
    random = np.random.default_rng(seed)
    size = int(random.integers(3, 7))
    shapes = tiling(random, size)
    for k in random.integers(len(shapes), size=int(random.integers(1, 5))):
        shape = _drifted(random, shapes[k])
        shapes[k] = shape if shape is not None and shape.is_valid else shapes[k]
    crs, scale, offset = SYSTEMS[seed % 3]

    def placed(shape: Any) -> Any:
        return shapely.transform(shape, lambda places: places * scale + offset)

    there = [placed(shape) for shape in shapes if shape is not None]
    frame = gpd.GeoDataFrame({"code": [str(k) for k in range(len(there))]}, geometry=there, crs=crs)
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
    chosen = [("layer", str(one)) for one in random.choice(frame["code"], int(random.integers(0, 3)), replace=False)]
    if random.random() < 0.3 and chosen:
        options["lock"] = chosen
    elif random.random() < 0.4:
        options["priority"] = chosen
    return FaultyTown({"layer": Layer("layer", frame, "code")}, options)


def _drifted(random: np.random.Generator, shape: Any) -> Any:
    """Move a shape by a little, as an editor does it by mistake, or spoil it in one of many other ways."""
    if shape is not None and random.random() < 0.4:
        return shapely.affinity.translate(shape, *random.uniform(-0.06, 0.06, 2))
    return edited(random, shape)


def _quadrangles(random: np.random.Generator, size: int, seed: int) -> tuple[list[Any], str, float, Any]:
    """Wild: features as large as their neighbours are moved, scaled, pierced."""
    shapes = list(tiling(random, size))
    for k in random.integers(len(shapes), size=int(random.integers(1, 5))):
        shapes[k] = edited(random, shapes[k])
    return shapes, *SYSTEMS[seed % 3]


def _bent(random: np.random.Generator, size: int) -> tuple[list[Any], str, float, Any]:
    """As drawn by hand: borders with vertices that one side has moved a little, or lacks."""
    shapes = list(cells(random, size, size).values())
    origin = shapely.total_bounds(shapes)[:2]
    for k in random.integers(len(shapes), size=int(random.integers(1, 7))):
        ring = shapely.get_coordinates(shapes[k])[:-1]
        place, kind = int(random.integers(len(ring))), random.random()
        if kind < 0.5:
            ring[place] += random.normal(0, float(random.choice([0.004, 0.3, 6.0])), 2)
        elif kind < 0.7:
            ring = np.delete(ring, place, axis=0)
        elif kind < 0.85:
            ring = np.insert(ring, place, (ring[place - 1] + ring[place]) / 2, axis=0)
        else:  # a needle that runs out and back
            tip = ring[place] + random.normal(0, 9.0, 2)
            ring = np.insert(ring, place, [ring[place - 1] * 0.999 + ring[place] * 0.001, tip], axis=0)
        shapes[k] = shapely.Polygon(ring)
    shapes = [shapely.transform(shape, lambda places: (places - origin) / 50.0) for shape in shapes]
    return shapes, "EPSG:32651", 50.0, origin


def _roads(random: np.random.Generator, size: int, placed: Any, crs: str) -> gpd.GeoDataFrame:
    """Return roads from side to side, near the borders of the undisturbed cells."""
    lines = []
    for at in range(1, size):
        if random.random() < 0.6:
            bend = [[at + random.uniform(-0.1, 0.1), y] for y in np.linspace(-0.2, size + 0.2, 5)]
            lines.append(shapely.LineString(np.array(bend)[:, [0, 1] if random.random() < 0.5 else [1, 0]]))
    ranks = [str(random.choice(["lane", "road", "river"])) for _ in lines]
    return gpd.GeoDataFrame({"rank": ranks}, geometry=[placed(line) for line in lines], crs=crs)


# ------------------------------------------------------------------------------------------------------ promises


def check(town: FaultyTown, *, thrice: bool = True) -> Findings:
    """Repair a town and look at every promise; with ``thrice``, also at whether it is repaired alike again."""
    found = Findings(features=sum(len(layer.frame) for layer in town.layers.values()))
    options, within = town.options, town.options.get("within")
    before = wkb(town.layers)
    report = validate_tiling(town.layers, within=within)
    fixed, plan = repair_tiling(dict(town.layers), report, **options)
    after = validate_tiling(fixed, within=within)
    found.errors, found.actions, found.left = report.counts["error"], len(plan.actions), len(plan.left)
    found.changed, found.sound = len(plan.before), after.ok
    say = found.broken.append
    if wkb(town.layers) != before:
        say("an input was changed")
    _check_what_is_left(after, plan, say)
    if after.ok and not _sound_by_geos(after):
        say("GEOS finds fault with what the validator finds sound")
    _check_who_changed(town, fixed, plan, say)
    was, now = _Shapes.of(report, town.layers), _Shapes.of(after, fixed)
    _check_shapes(was, now, plan, say)
    _check_areas(was, now, plan, say)
    _check_faults_areas(report, plan, say)
    again, more = repair_tiling(dict(fixed), **_still_named(options, fixed))
    if more.actions or wkb(again) != wkb(fixed):
        say("a second repair changes something" + (" (something was left)" if plan.left else ""))
    read = plan_from_json(write_plan(plan))
    if wkb(undo_plan(dict(fixed), read)) != before:
        say("undo does not bring back what was there")
    if thrice:
        _, same = repair_tiling(dict(town.layers), **options)
        if write_plan(same) != write_plan(plan):
            say("the same town gives another plan")
    return found


def check_whole(folder: Path, seed: int) -> Findings:
    """Repair a town of grids, blocks and professional grids, in one CRS or several, and look at what is promised."""
    systems = SEVERAL_CRS if seed % 2 else ONE_CRS
    town = read_town(write_town(folder, seed, faults=1 + seed % 4, systems=systems))
    keys = ("west", "east", "blocks", "cleaning")
    given = {key: town.layer(key) for key in keys}
    before = wkb(given)
    fixed, plan = repair_town(town)
    after = {key: fixed.layer(key) for key in keys}
    report, now = validate_town(fixed), wkb(after)
    found = Findings(
        errors=validate_town(town).counts["error"],
        actions=len(plan.actions),
        left=len(plan.left),
        changed=len(plan.before),
        features=len(before),
        sound=report.ok,
    )
    say = found.broken.append
    if not report.ok and not plan.left:
        say("a whole town isn't sound, and nothing is said")
    if {key for key in before if now.get(key) != before[key]} != {tuple(feature) for feature in plan.before}:
        say("the plan of a whole town doesn't name just what changed")
    again, more = repair_town(fixed)
    if more.actions or wkb({key: again.layer(key) for key in keys}) != now:
        say("a second repair of a whole town changes something")
    if wkb(undo_plan(dict(after), plan_from_json(write_plan(plan)))) != before:
        say("undo does not bring a whole town back")
    return found


def wkb(layers: Mapping[str, Layer]) -> dict[tuple[str, str], bytes]:
    """Return every geometry to the bit."""
    return {
        (key, identifier): shapely.to_wkb(shape)
        for key, layer in layers.items()
        for identifier, shape in zip(layer.ids.tolist(), layer.frame.geometry, strict=True)
    }


def _still_named(options: Mapping[str, Any], layers: Layers) -> dict[str, Any]:
    """Return options without the names of features that were dropped."""
    there = {(key, one) for key, layer in layers.items() for one in layer.ids}
    kept = {
        what: [name for name in options[what] if isinstance(name, str) or name in there]
        for what in options
        if what in ("lock", "priority")
    }
    return {**options, **kept}


def _check_what_is_left(after: Report, plan: Plan, say: Any) -> None:
    said = [{feature.id for feature in left.features} for left in plan.left]
    for fault in after.records:
        told = any(set(fault.features) & names for names in said)
        if (fault.severity == "error" or (fault.code == "spike" and fault.severity == "warning")) and not told:
            say(f"left without a word: {fault.message('en')}")
    if any(not left.reason("en") for left in plan.left):
        say("something is left without a reason")


def _sound_by_geos(after: Report) -> bool:
    shapes = after.origin.examined.subject.polygons  # type: ignore[attr-defined]
    return not flagged_by_geos(shapes, range(len(shapes)))


def _check_who_changed(town: FaultyTown, fixed: Layers, plan: Plan, say: Any) -> None:
    was, now = wkb(town.layers), wkb(fixed)
    changed = {key for key, shape in was.items() if now.get(key) != shape}
    if changed != {tuple(feature) for feature in plan.before}:
        say("the plan doesn't name just what changed")
    concerned = {tuple(feature) for action in plan.actions for feature in action.features}
    sides = [side for action in plan.actions for one in action.transfers for side in (one.giver, one.taker)]
    concerned |= {tuple(side) for side in sides if side is not None}
    if changed - concerned:
        say(f"changed without an action: {sorted(changed - concerned)[:3]}")
    locked = set(town.options.get("lock", ()))
    if changed & locked:
        say("something locked was changed")
    gone = was.keys() - now.keys()
    if gone != {tuple(action.features[-1]) for action in plan.actions if action.mend == "drop"}:
        say("a feature was dropped without a word")
    redrawn = {tuple(action.features[0]) for action in plan.actions if action.mend == "redraw"}
    for key, layer in town.layers.items():
        mine = dict(zip(fixed[key].ids, fixed[key].frame.geometry, strict=True))
        for identifier, old in zip(layer.ids, layer.frame.geometry, strict=True):
            new = mine.get(identifier)
            if new is None or (key, identifier) in redrawn:
                continue
            if new.is_empty or len(shapely.get_parts(new)) > len(shapely.get_parts(old)):
                say(f"{key}:{identifier} was emptied or split")
        if list(mine) != [one for one in layer.ids if one in mine]:
            say("the order of the rows changed")
        columns = layer.frame.columns.drop("geometry")
        if not fixed[key].frame[columns].equals(layer.frame[columns].loc[fixed[key].frame.index]):
            say("a column changed")


@dataclass(frozen=True)
class _Shapes:
    """The polygons of a town in the CRS in which they are mended; of broken rings, what was made of them."""

    subject: Subject
    by_name: dict[tuple[str, str], Any]
    in_one_crs: bool

    @classmethod
    def of(cls, report: Report, layers: Layers) -> _Shapes:
        subject = report.origin.examined.subject  # type: ignore[attr-defined]
        names = [(key, one) for key, layer in layers.items() for one in layer.ids.tolist()]
        in_one_crs = all(layer.frame.crs.equals(subject.crs) for layer in layers.values())
        return cls(subject, dict(zip(names, subject.polygons, strict=True)), in_one_crs)

    def bend(self, name: tuple[str, str]) -> float:
        """Return square metres by which a feature's area may differ with vertices that its straight edges get."""
        if self.by_name.get(name) is None or self.subject.crs.equals(self.subject.measure_crs):
            return 0.0
        shapes = gpd.GeoSeries([self.by_name[name]], crs=self.subject.crs).to_crs(self.subject.measure_crs)
        steps = np.hypot(*np.diff(shapely.get_coordinates(shapes.iloc[0]), axis=0).T)
        # a straight line bends by its square over eight times the radius of the earth at most, where latitudes are low
        return float((steps**3).sum()) / (8 * 6_371_000.0)

    def area(self, name: tuple[str, str]) -> float:
        shape = self.by_name.get(name)
        subject = self.subject
        return 0.0 if shape is None else total_area(np.array([shape], object), subject.crs, subject.measure_crs)


def _check_shapes(was: _Shapes, now: _Shapes, plan: Plan, say: Any) -> None:
    """Look whether what has changed is valid and has no spike and no needle that it didn't have."""
    changed = [name for name in map(tuple, plan.before) if was.by_name[name] is not None and name in now.by_name]
    if not changed:
        return
    old = np.array([was.by_name[name] for name in changed], object)
    new = np.array([now.by_name[name] for name in changed], object)
    if not shapely.is_valid(new).all():
        say("a mended polygon is not valid")
    tips = zip(changed, spike_tips(was.subject, old), spike_tips(now.subject, new), strict=True)
    for name, before, after in tips:
        if not after <= before:
            say(f"{name} has a spike that it didn't have")
    local = Local.at(was.subject, shapely.get_coordinates(old)[0].tolist())
    pairs = zip(changed, needles(local.shapes(old)), needles(local.shapes(new)), strict=True)
    for name, before, after in pairs:
        known = shapely.buffer(shapely.union_all(before), SAME_NEEDLE) if before else shapely.Polygon()
        if any(shapely.difference(needle, known).area > 0.6 * needle.area for needle in after):
            say(f"{name} has a needle that it didn't have")


def _check_areas(was: _Shapes, now: _Shapes, plan: Plan, say: Any) -> None:
    """Compare what each feature has more or less with what the plan says that it was given and gave.

    Square metres are measured between vertices: where the borders are straight in degrees, or in feet of another
    projection, a straight line there bends, so that it is longer by a vertex in it.
    """
    transfers = [one for action in plan.actions for one in action.transfers]
    for feature in plan.before:
        name = tuple(feature)
        more, said = now.area(name) - was.area(name), _given_to(feature, transfers, lambda one: one.area)
        if abs(more - said) > ROOM + 2e-5 * abs(said) + was.bend(name) + now.bend(name):
            say(f"{feature.layer}:{feature.id} has {more:.3f} m2 more, the plan says {said:.3f}")
        if was.in_one_crs and feature not in plan.dropped and was.by_name[name] is not None:
            shapes = [one.by_name[name] for one in (was, now)]
            more = shapes[1].area - shapes[0].area
            said = _given_to(feature, transfers, lambda one: one.region.area)
            if abs(more - said) > PLANE * shapes[0].area:
                say(f"{feature.layer}:{feature.id} has {more} more in the plane, the plan says {said}")


def _given_to(feature: Feature, transfers: list[Transfer], size: Callable[[Transfer], float]) -> float:
    """Return what a feature was given, less what it gave."""
    return sum(((one.taker == feature) - (one.giver == feature)) * size(one) for one in transfers)


def _check_faults_areas(before: Report, plan: Plan, say: Any) -> None:
    """Compare the area of each fault with what changed hands there, where one action alone has mended it."""
    for fault in before.records:
        if fault.code not in ("overlap", "gap", "uncovered", "outside") or not fault.area:
            continue
        mine = [a for a in plan.actions if a.code == fault.code and a.mend != "drop" and a.place.within(fault.geometry)]
        if len(mine) != 1 or set(fault.features) != {feature.id for feature in mine[0].features}:
            continue
        total = sum({transfer.region.wkb: transfer.area for transfer in mine[0].transfers}.values())
        if abs(total - fault.area) > 1e-9 * fault.area:
            say(f"{fault.code} of {fault.area:.6f} m2, of which {total:.6f} m2 changed hands")
