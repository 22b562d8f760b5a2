"""Repair of layers: the plan, the plan carried out, and both in one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import Any, TypeVar

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridgeo._collector import collector_paused
from gridgeo._words import listed
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.layers import Layer
from gridgeo.network import Barriers
from gridgeo.repair.align import align_borders, planned
from gridgeo.repair.copies import Copies
from gridgeo.repair.gores import NEAR
from gridgeo.repair.orders import NO_ORDERS, Orders, check_obeyed, with_idle
from gridgeo.repair.origins import Origins
from gridgeo.repair.plan import Action, Feature, Left, Plan
from gridgeo.repair.sides import Lines
from gridgeo.repair.tiling import Mender, feature_of
from gridgeo.repair.undo import check_fits, fingerprint, record
from gridgeo.town import Allowed
from gridgeo.validate.faults import Fault
from gridgeo.validate.report import Report
from gridgeo.validate.subject import MATCHED, LayerLike, Subject, as_layers
from gridgeo.validate.tiling import Validated, validate_tiling

Given = TypeVar("Given", bound=LayerLike | Mapping[str, LayerLike])
Named = str | tuple[str, str]
"""A layer by its key, or a feature by the key of its layer and its id."""

DEFAULT_ALIGN = 3.0
"""Metres within which borders are moved onto barriers."""

_ROUNDS = 3
"""How often layers in several CRSs are looked at again; the first look almost always finds nothing."""

_NOT_THERE = Message(
    "there is no {name} to be locked or given priority; layers: {known}", "没有可锁定或优先的 {name}；图层有：{known}"
)
_NOT_METRES = Message(
    "borders can be aligned in a CRS in metres only; bring the layer to one", "对齐边界须用以米为单位的坐标系；请先转换"
)
_NO_BARRIERS = Message("aligning needs barriers: along=...", "对齐边界须提供道路或河道：along=...")
_REDRAWN = Message(
    "Its ring crosses or touches itself; the area that it encloses stays.", "其边界自交或自触；所围面积保持不变。"
)
_NO_IDS = Message(
    "{count} features have no id of their own ({rows}); a plan names features by id: give each its own",
    "有 {count} 个要素没有唯一编号（{rows}）；修复计划以编号指称要素，请逐一填写",
)
_REFUSED = Message("a person decided to leave it", "按人工决定保留")
_LOCKED = Message("it is locked", "该要素已锁定")
_UNUSABLE = Message("no polygon can be made of it", "无法由此得到多边形")


def repair_tiling(
    layers: Given,
    report: Report | None = None,
    *,
    within: LayerLike | shapely.Geometry | None = None,
    along: Barriers | gpd.GeoDataFrame | None = None,
    tolerance: float = 0.0,
    lock: Iterable[Named] = (),
    priority: Iterable[Named] = (),
    exceptions: Sequence[Allowed] = (),
    align: bool | float = False,
    id_column: str | None = None,
    name_column: str | None = None,
) -> tuple[Given, Plan]:
    """Mend a faulty tiling, and only where it is faulty.

    Overlaps and gaps are divided along the barrier that runs through them, or left to one of the polygons; long gaps
    are divided by their medial line. What lies outside the extent is cut off, vertices that one side lacks are
    inserted, spikes and fragments pass to a neighbour, the copies of a polygon are dropped. Polygons beside no fault
    stay as they are to the bit. What can't be mended safely stays, and the plan says why.

    Parameters
    ----------
    layers : GeoDataFrame, Layer or mapping of str to these
        Polygons, in any CRS; not changed. Layers in different CRSs are mended in one in metres, and each gets its own
        coordinates back.
    report : Report, optional
        Of `gridgeo.validate.validate_tiling` on the same layers, to spare a look at them; its options are taken.
    within : GeoDataFrame, Layer, Polygon or MultiPolygon, optional
        What the polygons should cover together. Without it, holes that may be enclaves stay.
    along : Barriers or GeoDataFrame, optional
        Roads and rivers: borders return to those that run through a fault or beside it; ``align`` moves them there.
    tolerance : float
        Metres, as in `gridgeo.validate.validate_tiling`.
    lock : iterable of str or tuple of str
        Layers, or features ``(layer, id)``, that never change.
    priority : iterable of str or tuple of str
        Layers or features to which an overlap is left, the first before the others.
    exceptions : sequence of gridgeo.town.Allowed
        Faults that are meant stay.
    align : bool or float
        Whether to move borders onto the barriers beside them, and within how many metres (`DEFAULT_ALIGN`).
    id_column, name_column : str, optional
        Columns of GeoDataFrames with ids and names; by default the index.

    Returns
    -------
    fixed : same type as ``layers``
        With the same rows, columns and CRS, but for copies that were dropped.
    plan : Plan
        What was done, with what is needed to undo it.

    Raises
    ------
    InputError
        For layers without a CRS or the columns named, and names in ``lock`` and ``priority`` that mean nothing.

    Examples
    --------
    >>> squares = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 9, 9), shapely.box(8, 0, 17, 9)], crs="EPSG:32651")
    >>> fixed, plan = repair_tiling(squares)
    >>> fixed.area.tolist(), plan.actions[0].reason("en")
    ([81.0, 72.0], '0 is the larger feature.')
    """
    chosen = as_layers(layers, id_column=id_column, name_column=name_column)
    options = {"tolerance": tolerance, "lock": plain_names(lock), "priority": plain_names(priority), "align": align}
    with collector_paused():
        plan, fixed = _mended(Work(chosen, report, within, along, exceptions, options))
        return _like(layers, chosen, fixed), record(plan, chosen, fixed)


def plan_repair(layers: LayerLike | Mapping[str, LayerLike], report: Report | None = None, **options: Any) -> Plan:
    """Return what `repair_tiling` would do, with the same options; nothing is changed."""
    _, plan = repair_tiling(layers, report, **options)
    return replace(plan, before={}, dropped={})


def apply_plan(
    layers: Given,
    plan: Plan,
    *,
    within: LayerLike | shapely.Geometry | None = None,
    along: Barriers | gpd.GeoDataFrame | None = None,
    exceptions: Sequence[Allowed] = (),
    id_column: str | None = None,
    name_column: str | None = None,
) -> tuple[Given, Plan]:
    """Carry a plan out: actions with ``do`` false are left, and who was chosen as winner wins.

    Parameters
    ----------
    layers, within, along, exceptions, id_column, name_column
        As the plan was made with.
    plan : Plan

    Returns
    -------
    fixed : same type as ``layers``
    plan : Plan
        What was done, with what is needed to undo it.

    Raises
    ------
    InputError
        When the plan was made for other layers.
    """
    chosen = as_layers(layers, id_column=id_column, name_column=name_column)
    check_fits(plan, chosen)
    made, fixed = _mended(Work(chosen, None, within, along, exceptions, plan.options, Orders.of(plan)))
    check_obeyed(plan, made.actions)
    made = with_idle(made, plan)
    return _like(layers, chosen, fixed), record(made, chosen, fixed)


def _mended(work: Work) -> tuple[Plan, dict[str, Layer]]:
    """Plan a repair and carry it out; layers in several CRSs are looked at again, as whoever reads them next sees them.

    On the way back to their own coordinates vertices move by less than a micrometre, and those of one layer are matched
    to those of another within a few: enough to leave something over.
    """
    plan, fixed = work.plan(), work.fixed()
    for _ in range(_ROUNDS):
        if work.is_in_one_crs or not work.changed:
            break
        work = work.again(fixed)
        more = work.plan()
        if not more.crs.equals(plan.crs):  # the layers reach less far: what is told in it is told by the next repair
            break
        actions = tuple(replace(one, number=number) for number, one in enumerate((*plan.actions, *more.actions), 1))
        plan = replace(plan, actions=actions, left=more.left, planned=len(actions))
        fixed = work.fixed()
    return plan, fixed


class Work:
    """One repair.

    Parameters
    ----------
    layers : dict of str to Layer
    report, within, along, exceptions
        As of `repair_tiling`.
    options : mapping
        ``tolerance``, ``lock``, ``priority`` and ``align`` of `repair_tiling`.
    orders : Orders
        What a person decided.
    meant : sequence of Geometry
        Where nothing is to be done, beside what ``exceptions`` say.
    between : bool
        Whether only that is mended which lies between features of different layers.
    """

    def __init__(
        self,
        layers: dict[str, Layer],
        report: Report | None,
        within: LayerLike | shapely.Geometry | None,
        along: Barriers | gpd.GeoDataFrame | None,
        exceptions: Sequence[Allowed],
        options: Mapping[str, Any],
        orders: Orders = NO_ORDERS,
        *,
        meant: Sequence[shapely.Geometry] = (),
        between: bool = False,
    ) -> None:
        self.layers, self.within, self.along, self.options = layers, within, along, dict(options)
        self.exceptions = exceptions
        if report is None or not isinstance(report.origin, Validated):
            report = validate_tiling(
                layers, within=within, tolerance=float(options["tolerance"]), exceptions=exceptions, name="repair"
            )
        assert isinstance(report.origin, Validated)
        self.report, self.examined = report, report.origin.examined
        self._must_have_ids()
        self._feature = partial(feature_of, self.subject)
        self.locked = self._indices(options["lock"])
        self.orders, self.meant = orders, list(meant)
        self.groups = np.unique(self.subject.layer.astype(str), return_inverse=True)[1] if between else None
        self.unredrawn = {
            index for index in self.subject.scars if between or orders.refuse("redraw", (self._feature(index),))
        }
        self.locked |= self.unredrawn
        self.twins = Copies(self.subject, frozenset(self.locked), self.groups)
        self.locked |= self.twins.stand_ins.keys()
        self.polygons = self.examined.subject.polygons.copy()
        self.copies: list[int] = []
        self.changed: set[int] = set()

    def _must_have_ids(self) -> None:
        ids = set(self.subject.id.tolist())
        if len(ids) == len(self.subject.id) and "" not in ids:
            return
        frame = pd.DataFrame({"layer": self.subject.layer, "id": self.subject.id})
        unclear = np.flatnonzero((frame["id"] == "") | frame.duplicated(keep=False))
        if len(unclear):
            rows = listed((self.subject.id[index] or f"#{index + 1}" for index in unclear.tolist()), most=5)
            raise InputError(Problem(", ".join(self.layers), _NO_IDS, {"count": len(unclear), "rows": rows}))

    def again(self, layers: dict[str, Layer]) -> Work:
        """Return the repair of what this one has made of the layers."""
        there = {key: set(layer.ids) for key, layer in layers.items()}
        options = dict(self.options)
        for what in ("lock", "priority"):  # a copy that was dropped can't be named any more
            names = options[what]
            options[what] = [one for one in names if isinstance(one, str) or one[1] in there.get(one[0], set())]
        return Work(
            layers, None, self.within, self.along, self.exceptions, options, self.orders.again(), meant=self.meant
        )

    @property
    def is_in_one_crs(self) -> bool:
        """Whether the layers are mended in the coordinates that they came in."""
        crs = self.subject.crs
        return all(layer.frame.crs.equals(crs, ignore_axis_order=True) for layer in self.layers.values())

    @property
    def subject(self) -> Subject:
        """The features."""
        return self.examined.subject

    def plan(self) -> Plan:
        """Plan, and mend the polygons on the way."""
        examined = self.examined
        meant = [fault.geometry for fault in self.report.records if fault.exception and fault.geometry is not None]
        meant += self.meant
        mender = Mender(
            self.twins.standing(),
            examined.distinct,
            examined.extent,
            locked=self.locked,
            broken=self.locked.intersection(self.subject.scars),
            matched=0.0 if self.is_in_one_crs else MATCHED,
            rank=self._ranks(),
            meant=meant,
            orders=self.orders,
            groups=self.groups,
            lines=None if self.along is None else Lines(self.along, self.subject.crs),
            gaps=self._gaps(),
            odd=self._odd(),
            tolerance=float(self.options["tolerance"]),
        )
        # the kernel knows the layers already; with open gaps asked for, its faces are the same
        mended = mender.run(examined.analysis, examined.sizes)
        self.polygons, self.changed = mended.polygons, set(mended.changed)
        dropped, self.copies = self.twins.dropped(self.orders)
        actions = [*self._redrawn(), *dropped, *mended.actions]
        left = [*mended.left, *self._unusable(), *self.twins.left()]
        if self.options["align"]:
            more, stay = self._aligned()
            actions += more
            left += stay
        numbered = tuple(replace(action, number=number) for number, action in enumerate(actions, 1))
        prints = {key: fingerprint(layer) for key, layer in self.layers.items()}
        return Plan(numbered, tuple(left), self.subject.crs, self.options, prints, planned=len(numbered))

    def fixed(self) -> dict[str, Layer]:
        """Return the layers with the polygons as they are now."""
        given = [(layer.frame.crs, layer.frame.geometry.to_numpy()) for layer in self.layers.values()]
        origins = Origins(given, self.subject.polygons, self.subject.crs)
        mended = origins.restored({index: self.polygons[index] for index in sorted(self.changed)})
        fixed: dict[str, Layer] = {}
        start = 0
        for key, layer in self.layers.items():
            rows = np.arange(start, start + len(layer.frame))
            start += len(rows)
            changed = [index for index in rows.tolist() if index in self.changed]
            if not changed and not set(rows.tolist()) & set(self.copies):
                fixed[key] = layer
                continue
            shapes = layer.frame.geometry.to_numpy().copy()
            for index in changed:
                shapes[index - rows[0]] = _of_type(shapes[index - rows[0]], mended[index])
            frame = layer.frame.set_geometry(gpd.GeoSeries(shapes, index=layer.frame.index, crs=layer.frame.crs))
            kept = ~np.isin(rows, self.copies)
            fixed[key] = layer.with_frame(frame[kept] if not kept.all() else frame)
        return fixed

    # -------------------------------------------------------------------------------------- what is odd

    @cached_property
    def _numbers(self) -> dict[Feature, int]:
        subject = self.subject
        keys = zip(subject.layer.tolist(), subject.id.tolist(), strict=True)
        return {Feature(str(layer), str(one)): index for index, (layer, one) in enumerate(keys)}

    def _named(self, fault: Fault) -> list[int]:
        """Return the indices of the features of a fault."""
        found = dict.fromkeys(Feature(layer, one) for one in fault.features for layer in fault.layers)
        return [self._numbers[feature] for feature in found if feature in self._numbers]

    def _gaps(self) -> list[tuple[int, int, shapely.Geometry]]:
        """Return the open gaps that validation names, with the polygons beside them."""
        found = []
        for fault in self.report.records:
            is_open = fault.code == "near-border" and fault.detail == "open" and not fault.exception
            if is_open and fault.geometry is not None:
                one, other = self._along(fault.geometry, self._named(fault))
                found.append((one, other, fault.geometry))
        return found

    def _along(self, gap: shapely.Geometry, named: Sequence[int]) -> list[int]:
        """Return the two of some features that lie along a gap: an id may be used in several layers."""
        if len(named) == 2:
            return list(named)
        rims = shapely.boundary(self.examined.distinct[list(named)])
        beside = shapely.buffer(gap, self.subject.units(NEAR), quad_segs=2)
        length = np.nan_to_num(shapely.length(shapely.intersection(rims, beside)))
        return sorted(named[k] for k in np.argsort(-length, kind="stable")[:2].tolist())

    def _odd(self) -> list[int]:
        """Return the polygons with spikes or fragments."""
        codes = ("spike", "fragment")
        faults = [one for one in self.report.records if one.code in codes and one.severity == "warning"]
        return sorted({index for fault in faults if not fault.exception for index in self._named(fault)})

    # -------------------------------------------------------------------------------------- locks and priorities

    def _indices(self, names: Iterable[Named]) -> set[int]:
        subject, found = self.subject, set()
        for name in names:
            key, identifier = (name, None) if isinstance(name, str) else (name[0], name[1])
            there = subject.layer == key
            if identifier is not None:
                there &= subject.id == identifier
            if not there.any() and (identifier is not None or key not in self.layers):  # a layer may be empty
                said = key if identifier is None else f"{key}:{identifier}"
                raise InputError(Problem("", _NOT_THERE, {"name": said, "known": ", ".join(self.layers)}))
            found.update(np.flatnonzero(there).tolist())
        return found

    def _ranks(self) -> list[int]:
        names = list(self.options["priority"])
        ranks = np.full(len(self.subject.polygons), len(names))
        for place, name in reversed(list(enumerate(names))):
            ranks[sorted(self._indices([name]))] = place
        return ranks.tolist()

    # -------------------------------------------------------------------------------------- features by themselves

    def _redrawn(self) -> list[Action]:
        """Actions for broken rings: the polygons are those that were made of them for the analysis."""
        actions = []
        for index, scar in self.subject.scars.items():
            shape = self.polygons[index]
            if shape is None or index in self.locked:
                continue
            feature = self._feature(index)
            self.changed.add(index)
            place = shapely.get_parts(scar)[0].representative_point()  # where GEOS says that it is broken
            actions.append(Action(0, "invalid-geometry", None, (feature,), place, "redraw", _REDRAWN))
        return actions

    def _unusable(self) -> list[Left]:
        """Name what can't be mended of features by themselves."""
        left = []
        mended = {self._feature(index) for index in self.changed}
        refused = {self._feature(index) for index in self.unredrawn}
        locked = {self._feature(index) for index in self.locked}
        for fault in self.subject.faults:
            features = tuple(Feature(fault.layers[0], identifier) for identifier in fault.features)
            if fault.severity != "error" or (fault.code == "invalid-geometry" and mended.issuperset(features)):
                continue
            place = None if fault.geometry is None else shapely.centroid(fault.geometry)
            why = _LOCKED if features and locked.issuperset(features) else _UNUSABLE
            why = _REFUSED if features and refused.issuperset(features) else why
            left.append(Left(fault.code, fault.detail, features, place, why))
        return left

    # -------------------------------------------------------------------------------------- onto barriers

    def _aligned(self) -> tuple[list[Action], list[Left]]:
        crs = self.subject.crs
        if self.along is None:
            raise InputError(Problem("", _NO_BARRIERS))
        if crs.is_geographic or self.subject.units(1.0) != 1.0:
            raise InputError(Problem("", _NOT_METRES))
        within = DEFAULT_ALIGN if self.options["align"] is True else float(self.options["align"])
        standing = self.twins.standing()
        features = [feature_of(standing, index) for index in range(len(self.polygons))]
        along = self.along.to_crs(crs)
        numbers = {feature: index for index, feature in enumerate(features)}
        keep = list(self.orders.kept_borders)
        while True:
            kept = [(numbers[one], numbers[other], place) for one, other, place in keep]
            locked = sorted(self.locked)
            aligned = align_borders(self.polygons, along, tolerance=within, locked=locked, kept=kept)
            actions, left = planned(aligned, features)
            strange = self.orders.strange(actions)
            if not strange:
                break
            keep += strange
        moved = ~shapely.equals_identical(aligned.polygons, self.polygons)
        moved &= ~shapely.is_missing(self.polygons)
        self.changed.update(np.flatnonzero(moved).tolist())
        self.polygons = aligned.polygons
        return actions, left


def _of_type(old: shapely.Geometry, new: shapely.Geometry) -> shapely.Geometry:
    """Return a polygon as a multipolygon of one part where it was one, as files of one type want it."""
    single = old.geom_type == "MultiPolygon" and new.geom_type == "Polygon"
    return shapely.MultiPolygon([new]) if single else new


def plain_names(names: Iterable[Named]) -> list[Named]:
    """Return names of layers and features as a plan keeps them."""
    return [name if isinstance(name, str) else (str(name[0]), str(name[1])) for name in names]


def _like(given: Given, layers: dict[str, Layer], fixed: dict[str, Layer]) -> Given:
    """Return the mended layers as what they were given as."""

    def one(value: LayerLike, key: str) -> LayerLike:
        if isinstance(value, Layer):
            return fixed[key]
        frame = fixed[key].frame
        if frame is layers[key].frame:
            return value.copy()
        return gpd.GeoDataFrame(frame[list(value.columns)], crs=value.crs)

    if isinstance(given, Mapping):
        return {key: one(value, str(key)) for key, value in given.items()}  # type: ignore[return-value]
    return one(given, next(iter(layers)))  # type: ignore[return-value]


__all__ = ["DEFAULT_ALIGN", "apply_plan", "plan_repair", "repair_tiling"]
