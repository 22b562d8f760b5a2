"""Repair of one claim of a town at a time, on layers that lie side by side in one CRS.

A tiling is mended as a whole within its extent. A nesting is mended family by family: the children of a parent tile it,
so each family is a tiling of its own within the parent, which never moves. Of a seam only that is mended which lies
between the two sheets. What other claims say of the same layers is left to these.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridgeo.language import Message
from gridgeo.layers import Layer
from gridgeo.network import Barriers
from gridgeo.repair.areas import mend_areas
from gridgeo.repair.orders import Orders
from gridgeo.repair.plan import Action, Feature, Left
from gridgeo.repair.planning import Named, Work
from gridgeo.town import Allowed, Claim, Consistency, Nesting, Seam, Tiling
from gridgeo.validate import Fault, Report, validate_consistency, validate_nesting, validate_seam
from gridgeo.validate.exceptions import with_exceptions
from gridgeo.validate.nesting import Families, families

Mendable = Tiling | Nesting | Seam | Consistency
"""Claims that a repair can make true."""

_OUT_OF = Message("It lies outside of {parent}, to which it belongs.", "位于其所属的{parent}之外。")
_CHILDLESS = Message("it has no parts that could take it", "其下没有可取得该区域的部分")
_NO_PARENT = Message(
    "it lies in no parent, so there is nothing to mend it to; correct its place, or which parent it names",
    "它不在任何上级之内，无从修复；请更正其位置或所填上级",
)

_AS_IN_NESTING = {"outside": "not-nested", "uncovered": "not-tiled", "gap": "not-tiled"}
"""What a family's fault is called in a nesting."""
_ROUNDS = 4
"""How often the families of a nesting are looked at; the second is almost always the last."""


@dataclass
class Mended:
    """What came of the repair of a claim: layers as they are now, what was done, what is left."""

    layers: dict[str, Layer] = field(default_factory=dict)
    actions: list[Action] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)


@dataclass(frozen=True)
class Request:
    """What was asked for.

    Parameters
    ----------
    lock, priority : sequence of str or tuple of str
        Layers, or features ``(layer, id)``.
    align : bool or float
        Whether to move borders onto barriers, and within how many metres.
    """

    lock: Sequence[Named] = ()
    priority: Sequence[Named] = ()
    align: bool | float = False


def moved_by(claim: Mendable) -> tuple[str, ...]:
    """Return the keys of the layers that the repair of a claim may change; all others of it stay."""
    if isinstance(claim, Tiling):
        return claim.layers
    if isinstance(claim, Nesting):
        return (claim.children,)
    return claim.keys if isinstance(claim, Seam) else (claim.areas,)


def ground_of(claim: Mendable) -> tuple[str, ...]:
    """Return the keys of the layers on whose borders the features of a claim stand: parents, or blocks."""
    return claim.parents if isinstance(claim, Nesting) else claim.blocks if isinstance(claim, Consistency) else ()


def in_order(claims: Sequence[Claim]) -> list[Mendable]:
    """Return the claims that can be mended, parents before children, and the children's own tiling after that."""
    kinds = (Nesting, Tiling, Seam, Consistency)
    waiting: list[Mendable] = sorted(
        (claim for claim in claims if isinstance(claim, kinds)), key=lambda claim: kinds.index(type(claim))
    )
    ordered: list[Mendable] = []
    while waiting:
        ready = [claim for claim in waiting if not any(_moves_ground_of(other, claim) for other in waiting)]
        ordered.append((ready or waiting)[0])  # claims that wait for each other are taken as they stand
        waiting.remove(ordered[-1])
    return ordered


def _moves_ground_of(other: Mendable, claim: Mendable) -> bool:
    return other is not claim and not set(moved_by(other)).isdisjoint(set(claim.keys) - set(moved_by(claim)))


class Repairer:
    """Mends claims of a town.

    Parameters
    ----------
    request : Request
    barriers : Barriers or None
    exceptions : sequence of Allowed
    tiled : collection of str
        Layers that some tiling is about, which looks after the borders among their features.
    aligned : collection of str or None
        Layers whose borders are to be on barriers; None for all.
    """

    def __init__(
        self,
        request: Request,
        barriers: Barriers | None,
        exceptions: Sequence[Allowed],
        tiled: Collection[str],
        aligned: Collection[str] | None,
    ) -> None:
        self._request, self._barriers, self._exceptions = request, barriers, exceptions
        self._tiled, self._aligned = tiled, aligned

    def mend(self, claim: Mendable, layers: Mapping[str, Layer], orders: Orders) -> Mended:
        """Mend one claim; its layers are looked up in ``layers``, which stay as they are."""
        if isinstance(claim, Tiling):
            mine = {key: layers[key] for key in claim.layers}
            within = None if claim.within is None else layers[claim.within]
            return self._tiling(claim, mine, orders, within=within)
        if isinstance(claim, Nesting):
            return self._nesting(claim, layers[claim.children], {key: layers[key] for key in claim.parents}, orders)
        if isinstance(claim, Seam):
            return self._seam(claim, {key: layers[key] for key in claim.keys}, orders)
        return self._areas(claim, layers[claim.areas], {key: layers[key] for key in claim.blocks}, orders)

    def _exceptions_of(self, claim: Mendable) -> list[Allowed]:
        return [replace(one, claim=None) for one in self._exceptions if one.claim in (None, claim.name)]

    def _tiling(
        self,
        claim: Tiling | Nesting | Seam,
        layers: dict[str, Layer],
        orders: Orders,
        *,
        within: Layer | gpd.GeoDataFrame | None = None,
        meant: Sequence[shapely.Geometry] = (),
        between: bool = False,
    ) -> Mended:
        align = self._request.align and (self._aligned is None or not set(layers).isdisjoint(self._aligned))
        options: dict[str, Any] = {
            "tolerance": claim.tolerance,
            "lock": _those_of(layers, self._request.lock),
            "priority": _those_of(layers, self._request.priority),
            "align": False if between else align,
        }
        exceptions = [] if isinstance(claim, Nesting) else self._exceptions_of(claim)
        work = Work(layers, None, within, self._barriers, exceptions, options, orders, meant=meant, between=between)
        plan = work.plan()
        return Mended(work.fixed(), list(plan.actions), list(plan.left))

    def _seam(self, claim: Seam, layers: dict[str, Layer], orders: Orders) -> Mended:
        first, second = ({key: layer} for key, layer in layers.items())
        report = validate_seam(first, second, tolerance=claim.tolerance, name=claim.name)
        faults, meant = _split(report, self._exceptions_of(claim))
        if not faults:
            return Mended(layers)
        mended = self._tiling(claim, layers, orders, meant=meant, between=True)
        mended.actions = [replace(action, code="unmatched-seam") for action in mended.actions]
        return mended

    def _nesting(self, claim: Nesting, children: Layer, parents: Mapping[str, Layer], orders: Orders) -> Mended:
        """Mend families, and again: a child that is cut back lays bare what it covered of another's parent."""
        actions: list[Action] = []
        layers: dict[str, Layer] = {}
        for _ in range(_ROUNDS):
            mended = self._families(claim, children, parents, orders)
            actions += mended.actions
            if not mended.layers:
                break
            layers, orders = mended.layers, orders.again()
            children = layers[claim.children]
        return Mended(layers, actions, mended.left)

    def _families(self, claim: Nesting, children: Layer, parents: Mapping[str, Layer], orders: Orders) -> Mended:
        children = replace(children, name=claim.children)
        report = validate_nesting(
            children,
            parents,
            parent_column=claim.parent_column,
            tolerance=claim.tolerance,
            among_children=claim.children not in self._tiled,
            name=claim.name,
        )
        faults, meant = _split(report, self._exceptions_of(claim))
        kin = families(children, parents, claim.parent_column)
        align = bool(self._request.align) and (self._aligned is None or claim.children in self._aligned)
        concerned = {identifier for fault in faults for identifier in fault.features}
        mended = Mended()
        shapes, dropped = children.frame.geometry.to_numpy().copy(), np.zeros(len(children.frame), bool)
        for parent in range(len(kin.polygons)):
            rows = np.flatnonzero(kin.parent_of == parent)
            ids = {str(kin.id[parent]), *children.ids.iloc[rows]}
            if kin.polygons[parent] is None or not (align or ids & concerned):
                continue
            if not len(rows):
                mended.left += _childless(kin, parent, faults)
                continue
            family = children.with_frame(children.frame.iloc[rows])
            within = gpd.GeoDataFrame(geometry=[kin.polygons[parent]], crs=children.frame.crs)
            one = self._tiling(claim, {claim.children: family}, orders, within=within, meant=meant)
            fixed = one.layers[claim.children].frame
            kept = family.frame.index.isin(fixed.index)
            shapes[rows[kept]] = fixed.geometry.to_numpy()
            dropped[rows[~kept]] = True
            home = Feature(str(kin.layer[parent]), str(kin.id[parent]))
            named = _name_of(parents, home)
            mended.actions += [_in_family(action, home, named) for action in one.actions]
            mended.left += [_left_in_family(left, home) for left in one.left if not _is_of_feature(left)]
        lost = [fault for fault in faults if fault.code == "not-nested" and fault.multiplicity is None]
        mended.left += [_of_fault(fault, claim.children, _NO_PARENT) for fault in lost]
        mended.left += [
            _of_fault(fault, claim.children, fault.mend or fault.kind.action)
            for fault in faults
            if fault.kind.stage == "feature" and fault.severity == "error"
            if not any(set(action.features) & _features(fault, claim.children) for action in mended.actions)
        ]
        frame = children.frame.set_geometry(
            gpd.GeoSeries(shapes, index=children.frame.index, crs=children.frame.crs, name=children.frame.geometry.name)
        )
        changed = bool(mended.actions) or bool(dropped.any())
        mended.layers = (
            {claim.children: children.with_frame(frame[~dropped] if dropped.any() else frame)} if changed else {}
        )
        return mended

    def _areas(self, claim: Consistency, areas: Layer, blocks: Mapping[str, Layer], orders: Orders) -> Mended:
        report = validate_consistency({claim.areas: areas}, blocks, tolerance=claim.tolerance, name=claim.name)
        faults, meant = _split(report, self._exceptions_of(claim))
        if not faults:
            return Mended()
        locked = {name if isinstance(name, str) else Feature(*name) for name in self._request.lock}
        layer, actions, left = mend_areas(
            replace(areas, name=claim.areas), blocks, faults, meant=meant, locked=locked, orders=orders
        )
        return Mended({claim.areas: layer}, actions, left)


def _those_of(layers: Mapping[str, Layer], names: Sequence[Named]) -> list[Named]:
    """Return those of some names that mean something in these layers."""
    ids = {key: set(layer.ids) for key, layer in layers.items()}
    return [
        name for name in names if (name in ids if isinstance(name, str) else name[0] in ids and name[1] in ids[name[0]])
    ]


def _split(report: Report, exceptions: Sequence[Allowed]) -> tuple[list[Fault], list[shapely.Geometry]]:
    """Return the faults that are none, and the places of those that are meant."""
    checked = with_exceptions(report, exceptions) if exceptions else report
    faults = [fault for fault in checked.records if fault.severity != "info" and fault.kind.stage != "input"]
    meant = [fault.geometry for fault in checked.records if fault.exception and fault.geometry is not None]
    return faults, meant


def _name_of(layers: Mapping[str, Layer], feature: Feature) -> str:
    layer = layers[feature.layer]
    named: pd.Series[str] = layer.names[layer.ids == feature.id]
    name = str(named.iloc[0])
    return name if name == feature.id else f"{name} ({feature.id})"


def _in_family(action: Action, home: Feature, name: str) -> Action:
    """Say what an action of a family means for the nesting."""
    if action.code not in _AS_IN_NESTING:
        return action
    code = _AS_IN_NESTING[action.code]
    if action.code == "outside":
        return replace(action, code=code, features=(*action.features, home), why=_OUT_OF, values={"parent": name})
    return replace(action, code=code, features=(*action.features, home))


def _left_in_family(left: Left, home: Feature) -> Left:
    if left.code not in _AS_IN_NESTING:
        return left
    return replace(left, code=_AS_IN_NESTING[left.code], features=(*left.features, home))


def _is_of_feature(left: Left) -> bool:
    """Tell whether something is wrong with a feature by itself: the nesting's own report says so once."""
    return left.code in ("missing-id", "duplicate-id", "empty-geometry", "wrong-type")


def _childless(kin: Families, parent: int, faults: Sequence[Fault]) -> list[Left]:
    home = Feature(str(kin.layer[parent]), str(kin.id[parent]))
    told = any(fault.code == "not-tiled" and home.id in fault.features for fault in faults)
    place = shapely.point_on_surface(kin.polygons[parent])
    return [Left("not-tiled", None, (home,), place, _CHILDLESS)] if told else []


def _features(fault: Fault, layer: str) -> set[Feature]:
    return {Feature(layer, identifier) for identifier in fault.features}


def _of_fault(fault: Fault, layer: str, why: Message) -> Left:
    place = None if fault.geometry is None else shapely.point_on_surface(fault.geometry)
    features = tuple(Feature(layer, identifier) for identifier in fault.features)
    return Left(fault.code, fault.detail, features, place, why, dict(fault.values))
