"""Demands: how many blocks, how large, and by how much each may be off, said by numbers or by a named preset."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gridgeo.errors import Problem
from gridgeo.language import Message
from gridgeo.network import RANKS
from gridgeo.partition.blocks import PRICE
from gridgeo.partition.previous import Previous
from gridgeo.partition.workload import AREA, WorkloadSource

TOLERANCE = 0.2
"""How far a block may be off the mean of its grid where nothing else is said."""
MOVE_PRICE = 30.0
"""The usual price of change: sides of a block that moving one block's fair workload is worth."""
SECONDS = 60.0
"""Seconds of processor time that a draft may take where nothing else is said."""
SUM = "workload"
"""Name of the weighted sum of all attributes that have no tolerance of their own."""


@dataclass(frozen=True)
class Preset:
    """A named size of blocks.

    Parameters
    ----------
    measure : str
        The attribute that is counted.
    size : (float, float) or None
        Least and most that a block holds of it.
    target : float or None
        Or about how much.
    tolerance : float
        By how much blocks may be off their mean, where the size doesn't say it.
    """

    measure: str
    size: tuple[float, float] | None = None
    target: float | None = None
    tolerance: float = TOLERANCE


HOUSEHOLDS = ("households", "household", "户数", "户")
"""Names of an attribute that counts households."""
PRESETS: Mapping[str, Preset] = {
    "community": Preset("households", size=(300.0, 500.0)),
    "cell": Preset(AREA, target=10_000.0, tolerance=0.5),
    "micro": Preset("households", size=(30.0, 100.0)),
}
"""Community grid, unit-grid cell of about 10,000 m2, and micro-grid."""

_SEVERAL = Message(
    "give one of count, target, size and preset, not {given}: blocks a grid, workload a block, from least to most,"
    " or a named size",
    "count、target、size、preset 只能给一个，而非 {given}：每网格块数、每块工作量、每块上下限，或命名规格",
)
_BAD_COUNT = Message(
    "count must be a whole number of 1 or more, not {value}", "count 应为不小于 1 的整数，而非 {value}"
)
_BAD_TARGET = Message("target must be more than 0, not {value}", "target 应大于 0，而非 {value}")
_BAD_SIZE = Message(
    "size must be two numbers, the least and the most that a block holds, such as 300 and 500, not {value}",
    "size 应为两个数（每块下限与上限，如 300 和 500），而非 {value}",
)
_BAD_TOLERANCE = Message(
    "tolerance must be at least 0, such as 0.2 for 20%, not {value}",
    "tolerance 不应小于 0（如 0.2 表示 20%），而非 {value}",
)
_NO_ATTRIBUTE = Message(
    "there is no attribute {name!r} to balance; the attributes are {known}",
    "没有可均衡的属性“{name}”；现有属性为 {known}",
)
_NO_PRESET = Message("there is no preset {name!r}; the presets are {known}", "没有规格“{name}”；可用规格为 {known}")
_NO_HOUSEHOLDS = Message(
    "preset {preset} counts households: name one workload 'households' (the attributes are {known})",
    "规格 {preset} 按户数计：请将一项工作量命名为 households（现有属性为 {known}）",
)
_BAD_NUMBER = Message("{name} must be 0 or more, not {value}", "{name} 不应小于 0，而非 {value}")
_BAD_SECONDS = Message("seconds must be more than 0, not {value}", "seconds 应大于 0，而非 {value}")
_BAD_JOBS = Message("jobs must be 1 or more, not {value}", "jobs 应不小于 1，而非 {value}")
_NO_RANK = Message("uncut_by must be one of {ranks}, not {value!r}", "uncut_by 应为 {ranks} 之一，而非“{value}”")


@dataclass(frozen=True)
class Demand:
    """How blocks are to be drafted: see `gridgeo.partition.delineate_blocks`."""

    count: int | None = None
    target: float | None = None
    size: tuple[float, float] | None = None
    measure: str = ""
    """The attribute that ``target`` and ``size`` count; "" for the weighted sum."""
    tolerance: float = TOLERANCE
    tolerances: Mapping[str, float] = field(default_factory=dict)
    """Attribute -> its own tolerance."""
    seed: int = 0
    compact: float = 1.0
    price: tuple[float, ...] = PRICE
    seconds: float = SECONDS
    jobs: int = 1
    previous: Previous | None = None
    """Blocks layer from which to start."""
    move_price: float = MOVE_PRICE

    def counts(self, total: float) -> range:
        """Return which numbers of blocks give every block the demanded size; empty where none does."""
        if self.count is not None:
            return range(self.count, self.count + 1)
        if self.size is not None and total > 0:
            return range(max(1, math.ceil(total / self.size[1])), math.floor(total / self.size[0]) + 1)
        wanted = max(1, round(total / self.target)) if self.target else 1
        return range(wanted, wanted + 1)

    def blocks(self, total: float) -> int:
        """Return how many blocks a grid with this much of the measured attribute is to have.

        For a size, the number whose mean is furthest inside it: 1,000 households in blocks of 300 to 500 are three
        blocks, because two would have to hold exactly 500.
        """
        if self.size is None or self.count is not None:
            return self.counts(total)[0]
        low, high = self.size
        near = range(max(1, math.floor(2 * total / (low + high))), max(1, math.ceil(2 * total / (low + high))) + 2)
        return max(near, key=lambda count: (self.room(total / count), -count))

    def room(self, mean: float) -> float:
        """Return by what part a block may be off the mean so that it stays within the size; below 0 if the mean is."""
        if self.size is None or not mean > 0:
            return self.tolerance
        return min(1 - self.size[0] / mean, self.size[1] / mean - 1)


def with_preset(
    demand: Demand, preset: str | None, sources: Mapping[str, WorkloadSource], where: str
) -> tuple[Demand, list[Problem]]:
    """Return a demand with what a preset says, and what is wrong with it."""
    if preset is None:
        return demand, []
    if preset not in PRESETS:
        return demand, [Problem(where, _NO_PRESET, {"name": preset, "known": ", ".join(PRESETS)})]
    said = PRESETS[preset]
    measure = said.measure
    if measure == HOUSEHOLDS[0]:
        found = [name for name in sources if name in HOUSEHOLDS]
        if not found:
            values: dict[str, object] = {"preset": preset, "known": ", ".join(sources) or "-"}
            return demand, [Problem(where, _NO_HOUSEHOLDS, values)]
        measure = found[0]
    tolerances = dict(demand.tolerances)
    if said.size is None:
        tolerances.setdefault(measure, said.tolerance)
    return replace(demand, size=said.size, target=said.target, measure=measure, tolerances=tolerances), []


def check_demand(
    demand: Demand, where: str, sources: Mapping[str, WorkloadSource] | None = None, preset: str | None = None
) -> list[Problem]:
    """Return what is wrong with a demand."""
    problems = []
    ways = {"count": demand.count, "target": demand.target, "size": demand.size, "preset": preset}
    given = [name for name, value in ways.items() if value is not None]
    if len(given) > 1:
        problems.append(Problem(where, _SEVERAL, {"given": ", ".join(given)}))
    if demand.count is not None and (demand.count < 1 or demand.count != int(demand.count)):
        problems.append(Problem(where, _BAD_COUNT, {"value": demand.count}))
    if demand.target is not None and not 0 < demand.target < math.inf:
        problems.append(Problem(where, _BAD_TARGET, {"value": demand.target}))
    if demand.size is not None and not (len(demand.size) == 2 and 0 < demand.size[0] < demand.size[1] < math.inf):
        problems.append(Problem(where, _BAD_SIZE, {"value": " - ".join(f"{part:g}" for part in demand.size)}))
    problems += [
        Problem(where, _BAD_TOLERANCE, {"value": value})
        for value in (demand.tolerance, *demand.tolerances.values())
        if not 0 <= value < math.inf
    ]
    for name, value in (("compact", demand.compact), ("move_price", demand.move_price)):
        if not 0 <= value < math.inf:
            problems.append(Problem(where, _BAD_NUMBER, {"name": name, "value": value}))
    if not demand.seconds > 0:
        problems.append(Problem(where, _BAD_SECONDS, {"value": demand.seconds}))
    if demand.jobs < 1:
        problems.append(Problem(where, _BAD_JOBS, {"value": demand.jobs}))
    if sources is not None:
        known = [*sources, AREA]
        asked = [name for name in (demand.measure, *demand.tolerances) if name and name != SUM]
        problems += [
            Problem(where, _NO_ATTRIBUTE, {"name": name, "known": ", ".join(known)})
            for name in dict.fromkeys(asked)
            if name not in known
        ]
    return problems


def check_uncut(rank: str | None, where: str) -> list[Problem]:
    """Return what is wrong with a rank of barriers that may not cut a block."""
    if rank is None or rank in RANKS:
        return []
    return [Problem(where, _NO_RANK, {"ranks": ", ".join(RANKS), "value": rank})]
