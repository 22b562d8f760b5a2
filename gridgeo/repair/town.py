"""Repair of a whole town: all its claims in one plan, parents before children, validated as a town afterwards.

Layers are brought to one CRS where they have several (or where borders are to be aligned, which needs metres), mended
claim by claim, and written back in their own. Every claim is looked at again after others have changed its layers,
until nothing moves. What is left in the end is what the validator and GEOS still find, each with the reason.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pyproj
import shapely

from gridgeo._words import listed
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.layers import Layer
from gridgeo.repair.claims import Mendable, Mended, Repairer, Request, in_order, moved_by
from gridgeo.repair.orders import NO_ORDERS, Orders, check_obeyed, with_idle
from gridgeo.repair.origins import Origins
from gridgeo.repair.plan import Action, Feature, Left, Plan
from gridgeo.repair.planning import Named, plain_names
from gridgeo.repair.proof import doubted_by_geos
from gridgeo.repair.undo import changed_features, check_fits, fingerprint, record
from gridgeo.town import Alignment, Tiling, Town
from gridgeo.validate.report import Report
from gridgeo.validate.town import chosen_claims, validate_town

_ROUNDS = 4
"""How often claims are looked at again at most, after others have changed their layers."""

_NOT_THERE = Message(
    "there is no {name} to be locked or given priority among what is repaired; layers: {known}",
    "要修复的内容中没有可锁定或优先的 {name}；图层有：{known}",
)
_NOTHING = Message(
    "no claim of the town can be mended by a repair: claim a tiling, a nesting, a seam or a professional grid",
    "没有可由修复实现的声明；请声明无缝、叠合、接边或专业网格",
)
_NO_RULE = Message("no rule mends it safely. {advice}", "没有可安全修复它的规则。{advice}")
_GEOS = Message(
    "GEOS, which was asked after the repair, finds this border at odds with a neighbour's",
    "修复后经 GEOS 复核，此要素的边界与相邻要素不一致",
)


def repair_town(
    town: Town,
    *,
    claims: Sequence[str] | None = None,
    lock: Iterable[Named] = (),
    priority: Iterable[Named] = (),
    align: bool | float = False,
) -> tuple[Town, Plan]:
    """Mend the layers of a town until its claims hold, and only where they don't.

    Tilings, nestings, seams and professional grids are mended in an order in which what others rest on comes first:
    the grids within the town, the blocks within their grids, the areas of a service from whole blocks. Extents, parents
    and barriers never move. Layers keep their CRS; features beside no fault stay as they are to the bit. What can't be
    mended safely stays, and the plan says why.

    Parameters
    ----------
    town : Town
        Not changed.
    claims : sequence of str, optional
        Names of the claims to be made true; by default all that can be mended.
    lock : iterable of str or tuple of str
        Layers, or features ``(layer, id)``, that never change.
    priority : iterable of str or tuple of str
        Layers or features to which an overlap is left, the first before the others.
    align : bool or float
        Whether to move borders onto the barriers beside them, and within how many metres: those of the layers that a
        claim wants along barriers, or of all layers where there is no such claim.

    Returns
    -------
    fixed : Town
        The town with its mended layers.
    plan : Plan
        What was done, with what is needed to undo it; each action names its claim.

    Raises
    ------
    InputError
        For claims, layers and features that don't exist, and a town without a claim that a repair can make true.

    Examples
    --------
    >>> town = gridgeo.read_town("my-town")  # doctest: +SKIP
    >>> fixed, plan = gridgeo.repair_town(town)  # doctest: +SKIP
    >>> plan.left  # doctest: +SKIP
    ()
    """
    return _TownWork(town, claims, Request(plain_names(lock), plain_names(priority), align)).run(None)


def plan_town(
    town: Town,
    *,
    claims: Sequence[str] | None = None,
    lock: Iterable[Named] = (),
    priority: Iterable[Named] = (),
    align: bool | float = False,
) -> Plan:
    """Return what `repair_town` would do, with the same options; nothing is changed."""
    _, plan = repair_town(town, claims=claims, lock=lock, priority=priority, align=align)
    return replace(plan, before={}, dropped={})


def apply_town_plan(town: Town, plan: Plan) -> tuple[Town, Plan]:
    """Carry a plan of `plan_town` out, as a person may have edited it.

    Parameters
    ----------
    town : Town
        As the plan was made for.
    plan : Plan

    Returns
    -------
    fixed : Town
    plan : Plan
        What was done, with what is needed to undo it.

    Raises
    ------
    InputError
        When the plan was made for other layers, or a winner that was chosen can't win.
    """
    options = plan.options
    request = Request(_named(options, "lock"), _named(options, "priority"), options.get("align", False))
    return _TownWork(town, options.get("claims"), request).run(plan)


class _TownWork:
    """One repair of a town."""

    def __init__(self, town: Town, names: Sequence[str] | None, request: Request) -> None:
        self._town, self._names, self._request = town, None if names is None else list(names), request
        chosen, _ = chosen_claims(town, self._names)
        self._claims = in_order(chosen)
        if not self._claims:
            raise InputError(Problem(str(town.path), _NOTHING))
        self._given = {key: town.layer(key) for claim in self._claims for key in claim.keys}
        self._moved = list(dict.fromkeys(key for claim in self._claims for key in moved_by(claim)))
        self._check_names()
        self._layers = dict(self._given)
        first = next(iter(self._given.values())).frame.crs
        alike = all(layer.frame.crs.equals(first, ignore_axis_order=True) for layer in self._given.values())
        if not alike or (request.align and not _in_metres(first)):
            self._layers = {key: layer.with_frame(town.to_working(key)) for key, layer in self._given.items()}
        self._worked = dict(self._layers)
        wanted = [claim for claim in town.claims if isinstance(claim, Alignment)]
        self._repairer = Repairer(
            request,
            town.barriers,
            town.exceptions,
            {key for claim in chosen if isinstance(claim, Tiling) for key in claim.layers},
            {key for claim in wanted for key in claim.layers} if wanted else None,
        )

    def run(self, plan: Plan | None) -> tuple[Town, Plan]:
        """Plan and mend; with a plan do what it says."""
        if plan is not None:
            check_fits(plan, self._given)
        actions, left = self._mended(plan)
        numbered = tuple(replace(action, number=number) for number, action in enumerate(actions, 1))
        options: dict[str, Any] = {
            "claims": self._names,
            "lock": list(self._request.lock),
            "priority": list(self._request.priority),
            "align": self._request.align,
        }
        prints = {key: fingerprint(self._given[key]) for key in self._moved}
        crs = next(iter(self._layers.values())).frame.crs
        made = Plan(numbered, tuple(left), crs, options, prints, planned=len(numbered))
        if plan is not None:
            check_obeyed(plan, made.actions)
            made = with_idle(made, plan)
        before = {key: self._given[key] for key in self._moved}
        fixed = self._restored()
        town = _with_layers(self._town, fixed)
        report = validate_town(town, claims=self._names)
        made = replace(made, left=(*made.left, *self._remaining(report, made.left), *self._doubts(fixed)))
        return town, record(made, before, fixed)

    def _mended(self, plan: Plan | None) -> tuple[list[Action], list[Left]]:
        """Mend all claims, and again those whose layers others have changed since."""
        orders = {claim.name: NO_ORDERS if plan is None else Orders.of(plan, claim.name) for claim in self._claims}
        seen: dict[str, tuple[Layer, ...]] = {}
        actions: list[Action] = []
        left: dict[str, list[Left]] = {}
        for _ in range(_ROUNDS):
            for claim in self._claims:
                now = tuple(self._layers[key] for key in claim.keys)
                if claim.name in seen and all(a is b for a, b in zip(seen[claim.name], now, strict=True)):
                    continue
                mended = self._one(claim, orders[claim.name].again() if claim.name in seen else orders[claim.name])
                actions += [replace(action, claim=claim.name) for action in mended.actions]
                left[claim.name] = [replace(one, claim=claim.name) for one in mended.left]
                self._layers.update(mended.layers)
                seen[claim.name] = tuple(self._layers[key] for key in claim.keys)
            if all(all(a is self._layers[k] for a, k in zip(seen[c.name], c.keys, strict=True)) for c in self._claims):
                break
        return actions, [one for claim in self._claims for one in left.get(claim.name, [])]

    def _one(self, claim: Mendable, orders: Orders) -> Mended:
        return self._repairer.mend(claim, self._layers, orders)

    def _restored(self) -> dict[str, Layer]:
        """Return the mended layers in the coordinates that they came in."""
        crs = next(iter(self._layers.values())).frame.crs
        given, worked, start = [], [], 0
        changed: dict[int, shapely.Geometry] = {}
        for key in self._moved:
            was, now = self._worked[key].frame.geometry.to_numpy(), self._layers[key].frame
            rows = self._worked[key].frame.index.get_indexer(now.index)
            differs = ~shapely.equals_identical(now.geometry.to_numpy(), was[rows])
            differs &= ~shapely.is_missing(now.geometry.to_numpy())
            changed |= {start + int(rows[k]): now.geometry.iloc[k] for k in np.flatnonzero(differs).tolist()}
            given.append((self._given[key].frame.crs, self._given[key].frame.geometry.to_numpy()))
            worked.append(was)
            start += len(was)
        back = Origins(given, np.concatenate(worked), crs).restored(changed)
        fixed, start = {}, 0
        for key in self._moved:
            layer, size = self._given[key], len(self._given[key].frame)
            mine = {index - start: shape for index, shape in back.items() if start <= index < start + size}
            kept = self._worked[key].frame.index.isin(self._layers[key].frame.index)
            fixed[key] = layer if kept.all() and not mine else _with_shapes(layer, mine, kept)
            start += size
        return fixed

    def _remaining(self, report: Report, told: Sequence[Left]) -> list[Left]:
        """Return the errors that the validator still finds and that nothing has been said about."""
        said = {frozenset(feature.id for feature in left.features) for left in told}
        to_plan = pyproj.Transformer.from_crs(report.crs, next(iter(self._layers.values())).frame.crs, always_xy=True)
        mendable = {claim.name for claim in self._claims}
        left = []
        for fault in report.records:
            if fault.severity != "error" or fault.claim not in mendable or frozenset(fault.features) in said:
                continue
            place = None
            if fault.geometry is not None:
                x, y = shapely.get_coordinates(shapely.point_on_surface(fault.geometry))[0]
                place = shapely.Point(to_plan.transform(x, y))
            features = tuple(self._feature(identifier, fault.layers) for identifier in fault.features)
            advice = Message(fault.action("en"), fault.action("zh"))
            left.append(
                Left(fault.code, fault.detail, features, place, _NO_RULE, {"advice": advice}, claim=fault.claim)
            )
        return left

    def _feature(self, identifier: str, layers: Collection[str]) -> Feature:
        """Return the feature of an id, in the first of some layers that has it."""
        home = next((key for key in layers if identifier in set(self._town.layer(key).ids)), next(iter(layers)))
        return Feature(home, identifier)

    def _doubts(self, fixed: Mapping[str, Layer]) -> list[Left]:
        """Return the changed features of tilings that GEOS finds at odds with a neighbour."""
        changed = changed_features({key: self._given[key] for key in fixed}, fixed)
        left = []
        for claim in self._claims:
            if isinstance(claim, Tiling):
                tiling = {key: self._layers[key] for key in claim.layers}
                for feature, shape in doubted_by_geos(tiling, changed):
                    place = shapely.point_on_surface(shape)
                    left.append(Left("missing-vertex", None, (feature,), place, _GEOS, claim=claim.name))
        return left

    def _check_names(self) -> None:
        """Refuse names to be locked or preferred that mean nothing."""
        problems = []
        for name in (*self._request.lock, *self._request.priority):
            key, identifier = (name, None) if isinstance(name, str) else name
            layer = self._given.get(key)
            if layer is None or (identifier is not None and identifier not in set(layer.ids)):
                said = key if identifier is None else f"{key}:{identifier}"
                problems.append(Problem("", _NOT_THERE, {"name": said, "known": listed(self._given)}))
        if problems:
            raise InputError(problems)


def _in_metres(crs: pyproj.CRS) -> bool:
    return not crs.is_geographic and float(crs.axis_info[0].unit_conversion_factor or 1.0) == 1.0


def _with_shapes(layer: Layer, shapes: Mapping[int, shapely.Geometry], kept: np.ndarray[Any, Any]) -> Layer:
    frame = layer.frame
    geometry = frame.geometry.to_numpy().copy()
    for row, shape in shapes.items():
        geometry[row] = shape
    placed = gpd.GeoSeries(geometry, index=frame.index, crs=frame.crs, name=frame.geometry.name)
    return layer.with_frame(frame.set_geometry(placed)[kept])


def _with_layers(town: Town, fixed: Mapping[str, Layer]) -> Town:
    """Return a town with other layers of the same keys."""
    layers = {key: fixed.get(key, layer) for key, layer in town.layers.items()}
    extent = town.extent
    for key, layer in town.layers.items():
        extent = layers[key] if layer is town.extent else extent
    blocks = town.blocks if "blocks" in town.layers else fixed.get("blocks", town.blocks)
    return replace(town, layers=layers, extent=extent, blocks=blocks)


def _named(options: Mapping[str, Any], key: str) -> list[Named]:
    """Return names as a plan file keeps them: features as lists of two."""
    return plain_names(name if isinstance(name, str) else (name[0], name[1]) for name in options.get(key) or ())


__all__ = ["apply_town_plan", "plan_town", "repair_town"]
