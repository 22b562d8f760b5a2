"""Answers: what could not be had in a grid, why, where, and what can be had instead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gridgeo.errors import Problem
from gridgeo.language import Message
from gridgeo.network import Floats, Integers, groups
from gridgeo.partition.atom_layer import Ground
from gridgeo.partition.atoms import Atoms
from gridgeo.partition.crew import Solved, Task, deviations
from gridgeo.partition.demand import Demand
from gridgeo.partition.oversize import suggest_cuts
from gridgeo.partition.search import Graph
from gridgeo.partition.search.evenest import CLOSE
from gridgeo.partition.spots import Spot

MOST_BLAMED = 5
"""Pieces too large to balance that are named one by one in a grid, the heaviest first."""

_FEW_ATOMS = Message(
    "barriers cut it into {atoms} pieces only, so it has {blocks} blocks and not {asked}; add lanes or ask for fewer",
    "屏障仅将其分成 {atoms} 片，只能划 {blocks} 个责任块，而非 {asked} 个；请补充街巷或减少块数",
)
_BIG_ATOM = Message(
    "the piece at {at} alone holds {weight:.6g} of {name}, more than a block's {cap:.6g}: "
    "no barrier cuts it; add a lane there or accept the block",
    "坐标 {at} 处的一片单独就有 {name} {weight:.6g}，超过每块上限 {cap:.6g}，且无屏障可切；请补充街巷或接受该块",
)
_MORE_BIG = Message("{count} more pieces hold more {name} than a block may", "另有 {count} 片的 {name} 超过每块上限")
_UNEVEN = Message(
    "{name}: a block is {worst:.1%} off the mean, more than the tolerance of {tolerance:.1%}; a tolerance of {met:.3f} "
    "is met{least}{other}; {reason}",
    "{name}：有责任块偏离平均值 {worst:.1%}，超过容差 {tolerance:.1%}；容差 {met:.3f} 可满足{least}{other}；{reason}",
)
_PROVEN = Message(" and proven to be the smallest that can be", "，已证明为可能的最小值")
_FOUND = Message(", the smallest that was found", "，为已找到的最小值")
_AT_LEAST = Message(
    ", the smallest that was found, none below {least:.3f} can be", "，为已找到的最小值，低于 {least:.3f} 不可能"
)
_OTHER = Message(", and so are all tolerances with {other} blocks", "，改为 {other} 块则全部容差均可满足")
_BECAUSE_BIG = Message("see the pieces too large to balance", "原因见上述过大的片")
_BECAUSE_PIECES = Message("rivers or gaps part the grid unevenly", "河道或空隙使网格分割不均")
_BECAUSE_COARSE = Message("its {atoms} pieces are too coarse", "其 {atoms} 片过于粗大")
_BECAUSE_UNKNOWN = Message(
    "no better division was found: another seed may find one", "未找到更好的划分：可换随机种子再试"
)
_BECAUSE_PROVEN = Message("no division along these barriers is more even", "沿现有屏障无更均衡的划分")
_OVER_RIVER = Message(
    "{count} times a block joins both banks of a river without a bridge, for want of any other neighbour",
    "有 {count} 处责任块跨越无桥河道，因无其他相邻片可并",
)
_APART = Message(
    "it has more separate parts than blocks: {count} parts share a block with another part",
    "其分离的部分多于责任块数：{count} 个部分与其他部分同属一块",
)
_NO_SIZE = Message(
    "no number of blocks puts each between {low:g} and {high:g} {name}: the grid holds {total:.6g}, so {count} have "
    "{mean:.6g} each; the nearest was drafted",
    "任何块数都不能使每块的 {name} 在 {low:g} 至 {high:g} 之间：网格共 {total:.6g}，{count} 块则每块 {mean:.6g}；"
    "已按最接近者划分",
)
_BORDER_LOST = Message(
    "a demanded border at {at} could not be had: both sides are in one block",
    "坐标 {at} 处要求的界线未能实现：两侧同属一块",
)


@dataclass(frozen=True)
class Attribute:
    """What is balanced in a grid.

    Parameters
    ----------
    name : str
    load : array
        Of each atom.
    tolerance : float
    """

    name: str
    load: Floats
    tolerance: float


def unmet_size(where: str, demand: Demand, name: str, total: float, count: int) -> list[Problem]:
    """Return what is said where no number of blocks gives each the demanded size."""
    if demand.size is None or not total > 0 or len(demand.counts(total)):
        return []
    low, high = demand.size
    values = {"low": low, "high": high, "name": name, "total": total, "count": count, "mean": total / count}
    return [Problem(where, _NO_SIZE, dict(values))]


def unmet(
    where: str, ground: Ground, atoms: Atoms, task: Task, solved: Solved, attributes: Sequence[Attribute]
) -> list[Problem]:
    """Return what a draft of a part of a grid could not meet."""
    grouping = solved.grouping
    count = int(grouping.block.max()) + 1
    problems: list[Problem] = []
    if count < task.count:
        problems.append(Problem(where, _FEW_ATOMS, {"atoms": len(atoms), "blocks": count, "asked": task.count}))
    if count > 1:
        if grouping.over_river:
            problems.append(Problem(where, _OVER_RIVER, {"count": len(grouping.over_river)}))
        if grouping.apart:
            problems.append(Problem(where, _APART, {"count": grouping.apart}))
    origin = ground.arrangement.origin
    for one, two in task.rules.apart:
        if grouping.block[one] == grouping.block[two]:
            x, y = (float((values[one] + values[two]) / 2) for values in (atoms.x, atoms.y))
            problems.append(Problem(where, _BORDER_LOST, {"at": Spot(float(origin[0]) + x, float(origin[1]) + y)}))
    if count == 1:
        return problems
    worst = deviations(task, grouping.block)
    big: list[int] = []
    uneven: list[Problem] = []
    for column, attribute in enumerate(attributes):
        mean = float(attribute.load.sum()) / count
        cap = mean * (1 + attribute.tolerance)
        heavy = np.flatnonzero(attribute.load > cap)
        heavy = heavy[np.argsort(-attribute.load[heavy], kind="stable")]
        big += heavy[:MOST_BLAMED].tolist()
        for atom in heavy[:MOST_BLAMED].tolist():
            values: dict[str, object] = {
                "at": Spot(float(origin[0] + atoms.x[atom]), float(origin[1] + atoms.y[atom])),
                "weight": float(attribute.load[atom]),
                "name": attribute.name,
                "cap": cap,
            }
            problems.append(Problem(where, _BIG_ATOM, values))
        if len(heavy) > MOST_BLAMED:
            values = {"count": len(heavy) - MOST_BLAMED, "name": attribute.name}
            problems.append(Problem(where, _MORE_BIG, values))
        if worst[column] <= attribute.tolerance + 1e-9 or not mean > 0:
            continue
        met, below = float(worst[column]), float(attribute.load.max()) / mean - 1
        for told in solved.least:
            if told.column == column:
                met, below = told.met, max(below, told.below)
        proven = met - below <= CLOSE
        if len(heavy):
            reason = _BECAUSE_BIG
        elif int(_pieces_of(task.graph, grouping.over_river).max()) > 0:
            reason = _BECAUSE_PIECES
        elif proven:
            reason = _BECAUSE_PROVEN
        elif len(atoms) < 6 * count:
            reason = _BECAUSE_COARSE
        else:
            reason = _BECAUSE_UNKNOWN
        values = {
            "name": attribute.name,
            "worst": float(worst[column]),
            "tolerance": attribute.tolerance,
            "met": float(np.ceil(met * 1000 - 1e-6) / 1000),
            "least": float(np.floor(below * 1000) / 1000),
            "other": solved.other,
            "atoms": len(atoms),
        }
        said = _composed(
            _UNEVEN,
            least=_PROVEN if proven else _AT_LEAST if below > attribute.tolerance else _FOUND,
            other=_OTHER if solved.other else None,
            reason=reason,
        )
        uneven.append(Problem(where, said, values))
    problems += [cut.told(where) for cut in suggest_cuts(ground, atoms, list(dict.fromkeys(big)))]
    return problems + uneven


def _composed(message: Message, **parts: Message | None) -> Message:
    """Return a message with parts of it filled in, in both languages."""
    texts = []
    for language in ("en", "zh"):
        text = getattr(message, language)
        for name, part in parts.items():
            text = text.replace(f"{{{name}}}", getattr(part, language) if part else "")
        texts.append(text)
    return Message(*texts)


def _pieces_of(graph: Graph, over_river: Sequence[tuple[int, int]]) -> Integers:
    """Return the piece (parted by rivers and gaps) of each atom, after the joins that a grouping made."""
    extra = np.array(over_river, dtype=np.int64).reshape(-1, 2)
    return groups(len(graph), np.concatenate([graph.pairs[graph.passable], extra]))
