"""Barriers: the roads, lanes and rivers along which a town may be cut, as one noded network with a rank on each edge.

Theory. All barriers and all borders of grids are noded *together*, by snap rounding on a lattice of a micrometre:
every crossing becomes a vertex, what runs within a micrometre of each other becomes one edge, and no two edges cross
afterwards. Cutting by main barriers first and by minor ones second would give neighbours different vertices on the
same border. Vertices of the input keep their coordinates to the last bit (the lattice only serves to find who meets
whom), so that what is built from the arrangement fits the layers it came from.

Grade separation is settled before noding (`on_the_ground`): a line that is not on the ground cuts nothing, but a short
bridge that carries a street of the ground on over a river is a piece of that street. Bridges of any length join the
banks of the rivers that they cross (`Arrangement.joined`).

Cost. O((n + c) log n) for n segments and c crossings; 6,289 roads of a town take about a second.

Limits. Vertices of different features closer than 10 micrometres become one. Nothing is known about where a line
leads off the ground: a ramp's level is what its data say. Dead ends are kept as edges, and extended to the next
barrier only as far as is asked for.
"""

from __future__ import annotations

from gridgeo.network.arrangement import Arrangement
from gridgeo.network.barriers import NO_RANK, RANKS, RIVER, Barriers, Rank, as_barriers
from gridgeo.network.basics import GRAIN, SHORT_BRIDGE, SNAP, Flags, Floats, Geometries, Integers, groups
from gridgeo.network.bridges import on_the_ground
from gridgeo.network.dead_ends import DeadEnds
from gridgeo.network.noding import node
from gridgeo.network.streets import JOINT, between_junctions, joints_of, streets_within

__all__ = [
    "GRAIN",
    "JOINT",
    "NO_RANK",
    "RANKS",
    "RIVER",
    "SHORT_BRIDGE",
    "SNAP",
    "Arrangement",
    "Barriers",
    "DeadEnds",
    "Flags",
    "Floats",
    "Geometries",
    "Integers",
    "Rank",
    "as_barriers",
    "between_junctions",
    "groups",
    "joints_of",
    "node",
    "on_the_ground",
    "streets_within",
]
