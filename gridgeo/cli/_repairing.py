"""What ``gridgeo repair`` does: plan or read a plan, show it, write a mended copy with its plan, validate the copy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import shapely

from gridgeo._files import write_whole
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.layers import Layer, list_layers, read_layer
from gridgeo.network import Barriers
from gridgeo.repair.files import read_plan, write_plan
from gridgeo.repair.output import Source, must_be_new, write_map_file, write_town
from gridgeo.repair.page import names_of, repair_page
from gridgeo.repair.plan import Feature, Plan
from gridgeo.repair.planning import apply_plan, plan_repair
from gridgeo.repair.text import plan_text
from gridgeo.repair.undo import changed_features, check_fits, undo_layers
from gridgeo.town import Allowed, Tiling, read_town
from gridgeo.validate import Report, validate_tiling, validate_town

_NO_LAYER = Message("there is no layer {given}; there are: {known}", "没有图层 {given}；现有：{known}")
_WHICH_CLAIM = Message(
    "say with --claim which tiling is to be repaired: {known}", "请用 --claim 指定要修复的无缝声明：{known}"
)
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


class Target:
    """What is repaired, in which layers, and how it is written and validated."""

    name: str
    layers: Mapping[str, Layer]
    within: Layer | None = None
    barriers: Barriers | None = None
    exceptions: Sequence[Allowed] = ()
    tolerance: float = 0.0

    def write(self, out: Path, layers: Mapping[str, Layer]) -> Path:
        """Write a copy with these layers, and return where its plan goes."""
        raise NotImplementedError

    def validate(self, out: Path) -> Report:
        """Validate what was written."""
        raise NotImplementedError

    def plan(self, options: Options) -> Plan:
        """Return what is to be done."""
        return plan_repair(
            self.layers,
            **self.around(),
            tolerance=self.tolerance,
            lock=self._chosen(options.lock, "lock"),
            priority=self._chosen(options.priority, "priority"),
            align=options.align or False,
        )

    def around(self) -> dict[str, Any]:
        """Return what the layers are seen against, as `plan_repair` and `apply_plan` take it."""
        return {"within": self.within, "along": self.barriers, "exceptions": self.exceptions}

    def _chosen(self, words: Sequence[str], option: str) -> list[str | tuple[str, str]]:
        """Return which layers and features ``LAYER`` and ``LAYER:ID`` mean."""
        found: list[str | tuple[str, str]] = []
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
        self.barriers, self.tolerance, self._source = barriers, tolerance, source
        self.within = None if within is None else read_layer(within)

    def write(self, out: Path, layers: Mapping[str, Layer]) -> Path:
        """Write a copy of the file, and return where its plan goes."""
        (layer,) = layers.values()
        write_map_file(self._source, out, layer, _changes(self.layers, layers))
        return out.with_name(f"{out.stem}.plan.json")

    def validate(self, out: Path) -> Report:
        """Validate what was written."""
        # a file of one layer may have called it after itself
        named = self._source.layer if len(list_layers(out)) > 1 else None
        layer = read_layer(out, layer=named, id_column=self._source.id_column)
        return validate_tiling(layer, within=self.within, tolerance=self.tolerance, name=layer.name)


class TownProject(Target):
    """The layers of a town that one of its claims says to tile it."""

    def __init__(self, path: Path, claim: str | None) -> None:
        self._town = town = read_town(path)
        self.name = town.name
        tilings = {tiling.name: tiling for tiling in town.claims if isinstance(tiling, Tiling)}
        chosen = next(iter(tilings)) if claim is None and len(tilings) == 1 else claim
        if chosen not in tilings:
            known = ", ".join(tilings) or "-"
            raise InputError(Problem(str(town.path), _WHICH_CLAIM, {"known": known}))
        tiling = tilings[chosen]
        self.layers = {key: town.layer(key) for key in tiling.layers}
        self.within = None if tiling.within is None else town.layer(tiling.within)
        self.barriers, self.exceptions, self.tolerance = town.barriers, town.exceptions, tiling.tolerance

    def write(self, out: Path, layers: Mapping[str, Layer]) -> Path:
        """Write a copy of the project, and return where its plan goes."""
        write_town(self._town.path, out, layers, _changes(self.layers, layers))
        return out / "repair.plan.json"

    def validate(self, out: Path) -> Report:
        """Validate what was written."""
        return validate_town(read_town(out))


@dataclass(frozen=True)
class Outcome:
    """What a run did: the applied plan, what was written, and how it validates."""

    plan: Plan
    written: tuple[Path, ...]
    report: Report


def make_plan(target: Target, options: Options, apply: Path | None) -> Plan:
    """Return a new plan, or the one of a file when it was made for these layers."""
    if apply is None:
        return target.plan(options)
    plan = read_plan(apply)
    check_fits(plan, target.layers, where=str(apply))
    return plan


def shown_plan(target: Target, plan: Plan, form: str) -> str:
    """Return a plan as ``text`` or ``json``."""
    if form == "json":
        return write_plan(plan)
    return plan_text(
        plan, names=names_of(target.layers), features=sum(len(layer.frame) for layer in target.layers.values())
    )


def carry_out(target: Target, plan: Plan, out: Path, page: Path | None) -> Outcome:
    """Apply a plan, write the mended copy with the applied plan beside it, and validate it."""
    must_be_new(out)
    mended, applied = apply_plan(dict(target.layers), plan, **target.around())
    place = target.write(out, mended)
    written = [out, write_whole(place, write_plan(applied))]
    if page is not None:
        lines = None if target.barriers is None else target.barriers.lines
        content = repair_page(applied, target.layers, mended, barriers=lines, title=target.name)
        written.append(write_whole(page, content))
    return Outcome(applied, tuple(written), target.validate(out))


def undo(target: Target, plan_file: Path, out: Path) -> Path:
    """Write a copy of a repaired file or town as it was before the repair."""
    must_be_new(out)
    plan = read_plan(plan_file)
    restored = undo_layers(target.layers, plan, where=str(plan_file))
    target.write(out, restored)
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
