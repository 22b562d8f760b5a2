"""Remarks: what the user should know of the barriers before looking at any block."""

from __future__ import annotations

import numpy as np

from gridgeo.errors import Problem
from gridgeo.language import Message
from gridgeo.network import RIVER
from gridgeo.partition.atom_layer import Ground
from gridgeo.partition.atoms import Atoms
from gridgeo.partition.spots import Spot

MOST = 10
"""Rivers named one by one."""

_NEAR = Message(
    "{count} dead ends stop within {metres:.0f} m of the next barrier and cut nothing; extend_dead_ends = {metres:.0f} "
    "would carry them on ({total} dead ends in all)",
    "有 {count} 处断头路距前方屏障不足 {metres:.0f} 米而未能分割；设置 extend_dead_ends = {metres:.0f} 可将其延伸"
    "（断头路共 {total} 处）",
)
_RIVER = Message(
    "river {name} ends inside a grid at {at}, {metres:.0f} m before the next barrier ahead: "
    "from there on it parts nothing; complete it, or set extend_dead_ends = {needed}",
    "河道 {name} 在网格内坐标 {at} 处中断，距前方屏障 {metres:.0f} 米，此后不再分隔；"
    "请补全河道，或设置 extend_dead_ends = {needed}",
)
_RIVER_FAR = Message(
    "river {name} ends inside a grid at {at} with no barrier near ahead: from there on it "
    "parts nothing; complete it, or add its water as polygons",
    "河道 {name} 在网格内坐标 {at} 处中断，前方附近无屏障，此后不再分隔；请补全河道，或补充水面图层",
)
_PARTED = Message(
    "polygon {number} of those to be kept whole stays in parts that are no neighbours in this grid",
    "须保持完整的第 {number} 个面在本网格内各部分互不相邻，未能合为一片",
)


def remarks(ground: Ground) -> list[Problem]:
    """Return what is to be said of dead ends that were not extended."""
    dead = ground.arrangement.dead_ends
    told = []
    wet = np.flatnonzero((dead.rank == RIVER) & ~dead.extended)
    for end in wet[:MOST].tolist():
        name = ground.arrangement.name_of(int(dead.source[end])) or "?"
        values: dict[str, object] = {
            "name": name,
            "at": Spot(float(dead.points[end, 0]), float(dead.points[end, 1])),
        }
        if np.isfinite(dead.gap[end]):
            values |= {"metres": float(dead.gap[end]), "needed": int(np.ceil(dead.gap[end]))}
        told.append(Problem("barriers", _RIVER if np.isfinite(dead.gap[end]) else _RIVER_FAR, values))
    near = np.isfinite(dead.gap) & ~dead.extended & (dead.rank != RIVER)
    if near.any():
        values = {"count": int(near.sum()), "metres": float(np.ceil(dead.gap[near].max())), "total": len(dead)}
        told.append(Problem("barriers", _NEAR, values))
    return told


def tell_parted(where: str, atoms: Atoms) -> list[Problem]:
    """Return which polygons could not be kept whole in a grid."""
    return [Problem(where, _PARTED, {"number": int(number) + 1}) for number in atoms.parted]
