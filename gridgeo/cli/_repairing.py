"""What ``gridgeo repair`` does: mend in memory, show the plan, write a mended copy with its plan, validate the copy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import shapely

from gridgeo._files import write_whole
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.layers import Layer, list_layers, read_layer
from gridgeo.network import Barriers
from gridgeo.repair.claims import ground_of, in_order, moved_by
from gridgeo.repair.files import read_plan, write_plan
from gridgeo.repair.output import Source, check_writable, must_be_new, write_map_file, write_town
from gridgeo.repair.page import names_of, repair_page
from gridgeo.repair.pictures import Drawn
from gridgeo.repair.plan import Feature, Plan
from gridgeo.repair.planning import Named, apply_plan, repair_tiling
from gridgeo.repair.proof import doubted_by_geos
from gridgeo.repair.text import plan_text
from gridgeo.repair.town import apply_town_plan, repair_town
from gridgeo.repair.undo import changed_features, check_fits, undo_layers
from gridgeo.town import Tiling, Town, read_town
from gridgeo.validate import Report, validate_tiling, validate_town
from gridgeo.validate.town import chosen_claims

_NO_LAYER = Message("there is no layer {given}; there are: {known}", "没有图层 {given}；现有：{known}")
_NO_FEATURE = Message("layer {layer} has no feature {given}", "图层 {layer} 没有要素 {given}")


@dataclass(frozen=True)
class Options:
    """What was asked for beside the town or file itself.

    Parameters
    ----------
    align : float or None
        Metres within which borders are moved onto barriers.
    lock, priority : sequence of str
        ``LAYER`` or ``LAYER:ID``.
    """

    align: float | None = None
    lock: Sequence[str] = ()
    priority: Sequence[str] = ()


@dataclass(frozen=True)
class Mended:
    """What a repair has made, in memory: the layers by key, and the applied plan."""

    layers: Mapping[str, Layer]
    plan: Plan


class Target:
    """What is repaired, in which layers, and how it is written and validated."""

    name: str
    layers: Mapping[str, Layer]
    barriers: Barriers | None = None
    claims: Mapping[str, Drawn] | None = None

    @property
    def features(self) -> int:
        """How many features may change."""
        keys = {key for moved, _ in self.claims.values() for key in moved} if self.claims else set(self.layers)
        return sum(len(self.layers[key].frame) for key in keys)

    def call_as(self, plan: Plan) -> None:
        """Call the layers as a plan does."""

    def mend(self, options: Options) -> Mended:
        """Mend what is faulty."""
        raise NotImplementedError

    def apply(self, plan: Plan) -> Mended:
        """Do what a plan says."""
        raise NotImplementedError

    def check_place(self, out: Path) -> None:
        """Refuse a place that can't be written, before any work is done."""
        must_be_new(out)

    def plan_of(self, out: Path) -> Path:
        """Return where the plan of a copy lies."""
        raise NotImplementedError

    def write(self, out: Path, layers: Mapping[str, Layer], plan: str | None) -> None:
        """Write a copy with these layers, and its plan beside it."""
        raise NotImplementedError

    def validate(self, out: Path, changed: set[Feature]) -> tuple[Report, list[Feature]]:
        """Read what was written and validate it; also which changed features GEOS doubts."""
        raise NotImplementedError

    def chosen(self, words: Sequence[str], option: str) -> list[Named]:
        """Return which layers and features ``LAYER`` and ``LAYER:ID`` mean."""
        found: list[Named] = []
        problems = []
        for word in words:
            layer, colon, identifier = word.partition(":")
            if layer not in self.layers:
                known = ", ".join(self.layers)
                problems.append(Problem(f"--{option} {word}", _NO_LAYER, {"given": layer, "known": known}))
            elif colon and identifier not in set(self.layers[layer].ids):
                problems.append(Problem(f"--{option} {word}", _NO_FEATURE, {"layer": layer, "given": identifier}))
            else:
                found.append((layer, identifier) if colon else layer)
        if problems:
            raise InputError(problems)
        return found


class MapFile(Target):
    """One layer of a map file."""

    def __init__(self, source: Source, within: Path | None, barriers: Barriers | None, tolerance: float) -> None:
        layer = read_layer(source.path, layer=source.layer, id_column=source.id_column)
        self.name = source.path.name
        self.layers = {layer.name: layer}
        self.barriers, self._tolerance, self._source = barriers, tolerance, source
        self._within = None if within is None else read_layer(within)

    def call_as(self, plan: Plan) -> None:
        """Call the one layer as a plan does: many formats call it after the file, which has another name now."""
        if len(plan.fingerprints) == 1:
            self.layers = dict(zip(plan.fingerprints, self.layers.values(), strict=True))

    def mend(self, options: Options) -> Mended:
        """Mend the layer as a tiling."""
        fixed, plan = repair_tiling(
            dict(self.layers),
            within=self._within,
            along=self.barriers,
            tolerance=self._tolerance,
            lock=self.chosen(options.lock, "lock"),
            priority=self.chosen(options.priority, "priority"),
            align=options.align or False,
        )
        return Mended(fixed, plan)

    def apply(self, plan: Plan) -> Mended:
        """Do what a plan says."""
        return Mended(*apply_plan(dict(self.layers), plan, within=self._within, along=self.barriers))

    def check_place(self, out: Path) -> None:
        """Refuse a place that can't be written, before any work is done."""
        check_writable(self._source, out)

    def plan_of(self, out: Path) -> Path:
        """Return where the plan of a copy lies."""
        return out.with_name(f"{out.stem}.plan.json")

    def write(self, out: Path, layers: Mapping[str, Layer], plan: str | None) -> None:
        """Write a copy of the file, and its plan beside it."""
        (layer,) = layers.values()
        beside = {} if plan is None else {self.plan_of(out).name: plan}
        write_map_file(self._source, out, layer, _changes(self.layers, layers), beside=beside)

    def validate(self, out: Path, changed: set[Feature]) -> tuple[Report, list[Feature]]:
        """Read what was written and validate it; also which changed features GEOS doubts."""
        # a file of one layer may have called it after itself
        named = self._source.layer if len(list_layers(out)) > 1 else None
        layer = read_layer(out, layer=named, id_column=self._source.id_column)
        report = validate_tiling(layer, within=self._within, tolerance=self._tolerance, name=layer.name)
        (key,) = self.layers
        return report, [feature for feature, _ in doubted_by_geos({key: layer}, changed)]


class TownProject(Target):
    """The layers of a town that its claims are about."""

    def __init__(self, path: Path, claims: Sequence[str] | None) -> None:
        self._town = town = read_town(path)
        self.name, self._claims = town.name, claims or None
        chosen, _ = chosen_claims(town, self._claims)
        claims_made = in_order(chosen)
        self.layers = {key: town.layer(key) for claim in claims_made for key in claim.keys}
        self.claims = {claim.name: (moved_by(claim), ground_of(claim)) for claim in claims_made}
        self.barriers = town.barriers

    def mend(self, options: Options) -> Mended:
        """Mend all that the claims are about."""
        lock, priority = self.chosen(options.lock, "lock"), self.chosen(options.priority, "priority")
        town, plan = repair_town(
            self._town, claims=self._claims, lock=lock, priority=priority, align=options.align or False
        )
        return Mended(self._those_of(town), plan)

    def apply(self, plan: Plan) -> Mended:
        """Do what a plan says."""
        town, applied = apply_town_plan(self._town, plan)
        return Mended(self._those_of(town), applied)

    def _those_of(self, town: Town) -> dict[str, Layer]:
        return {key: town.layer(key) for key in self.layers}

    def plan_of(self, out: Path) -> Path:
        """Return where the plan of a copy lies."""
        return out / "repair.plan.json"

    def write(self, out: Path, layers: Mapping[str, Layer], plan: str | None) -> None:
        """Write a copy of the project, and its plan in it."""
        beside = {} if plan is None else {self.plan_of(out).name: plan}
        write_town(self._town.path, out, layers, _changes(self.layers, layers), beside=beside)

    def validate(self, out: Path, changed: set[Feature]) -> tuple[Report, list[Feature]]:
        """Read what was written and validate it; also which changed features GEOS doubts."""
        town = read_town(out)
        doubted: dict[Feature, None] = {}
        for claim in town.claims:
            if isinstance(claim, Tiling):
                layers = {key: town.layer(key) for key in claim.layers}
                first = layers[claim.layers[0]].frame.crs
                if not all(layer.frame.crs.equals(first, ignore_axis_order=True) for layer in layers.values()):
                    layers = {key: layer.with_frame(town.to_working(key)) for key, layer in layers.items()}
                doubted |= dict.fromkeys(feature for feature, _ in doubted_by_geos(layers, changed))
        return validate_town(town), list(doubted)


@dataclass(frozen=True)
class Outcome:
    """What was written, how it validates, and which features GEOS doubts."""

    written: tuple[Path, ...]
    report: Report
    doubted: Sequence[Feature]


def mended(target: Target, options: Options, apply: Path | None) -> Mended:
    """Mend in memory, by the rules or by a plan's file when it was made for these layers."""
    if apply is None:
        return target.mend(options)
    plan = read_plan(apply)
    target.call_as(plan)
    check_fits(plan, target.layers, where=str(apply))
    return target.apply(plan)


def shown_plan(target: Target, plan: Plan, form: str) -> str:
    """Return a plan as ``text`` or ``json``; without what undoes it, which belongs to an applied plan."""
    if form == "json":
        return write_plan(replace(plan, before={}, dropped={}))
    return plan_text(plan, names=names_of(target.layers), features=target.features)


def check_places(target: Target, out: Path | None, page: Path | None) -> None:
    """Refuse places that can't be written, before any work is done; nothing that is there is overwritten."""
    if out is not None:
        target.check_place(out)
        must_be_new(target.plan_of(out))
    if page is not None:
        must_be_new(page)


def write(target: Target, made: Mended, out: Path, page: Path | None) -> Outcome:
    """Write the mended copy with the applied plan beside it, and validate it."""
    content = None
    if page is not None:
        lines = None if target.barriers is None else target.barriers.lines
        content = repair_page(
            made.plan, target.layers, made.layers, barriers=lines, claims=target.claims, title=target.name
        )
    target.write(out, made.layers, write_plan(made.plan))
    written = [out, target.plan_of(out)]
    if page is not None and content is not None:
        written.append(write_whole(page, content))
    return Outcome(tuple(written), *target.validate(out, set(made.plan.before)))


def undo(target: Target, plan_file: Path, out: Path) -> Path:
    """Write a copy of a repaired file or town as it was before the repair."""
    target.check_place(out)
    plan = read_plan(plan_file)
    target.call_as(plan)
    restored = undo_layers(target.layers, plan, where=str(plan_file))
    target.write(out, restored, None)
    return out


def _changes(before: Mapping[str, Layer], after: Mapping[str, Layer]) -> dict[Feature, shapely.Geometry | None]:
    """Return what differs, also features that come back."""
    changes = changed_features(before, after)
    for key, layer in after.items():
        known = set(before[key].ids)
        for identifier, shape in zip(layer.ids.tolist(), layer.frame.geometry.to_numpy(), strict=True):
            if identifier not in known:
                changes[Feature(key, identifier)] = shape
    return changes
