"""The problem that the search solves: a graph of atoms, loads in units of a fair share, and how it is coarsened."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from gridgeo.network import Flags, Floats, Integers, groups


@dataclass(frozen=True)
class Graph:
    """Atoms that may be grouped, and what it costs to part them.

    Parameters
    ----------
    load : (n, q) array
        What each atom holds of each attribute of the workload.
    area, x, y : array
        Of each atom, in metres.
    pairs : (e, 2) array
        Atoms that share a border, each pair once.
    cost : (e,) array
        What parting them costs: metres priced by rank. A negative price asks for a border.
    passable : (e,) array of bool
        Whether the border can be crossed on foot.
    own : array, optional
        Moment of inertia of each atom about its own centre; without it, as if it were a disc.
    """

    load: Floats
    area: Floats
    x: Floats
    y: Floats
    pairs: Integers
    cost: Floats
    passable: Flags
    own: Floats = field(default_factory=lambda: np.empty(0))

    def __len__(self) -> int:
        return len(self.area)

    @property
    def inertia(self) -> Floats:
        """The moment of inertia of each atom about its own centre."""
        return self.own if len(self.own) else np.asarray(self.area**2 / (2 * math.pi))

    def part(self, members: Integers) -> Graph:
        """Return the graph of some atoms."""
        number = np.full(len(self), -1, dtype=np.int64)
        number[members] = np.arange(len(members))
        pairs = number[self.pairs]
        kept: Flags = np.asarray((pairs >= 0).all(axis=1))
        return Graph(
            load=self.load[members],
            area=self.area[members],
            x=self.x[members],
            y=self.y[members],
            pairs=pairs[kept],
            cost=self.cost[kept],
            passable=self.passable[kept],
            own=self.inertia[members],
        )

    def merged(self, group: Integers) -> Graph:
        """Return the graph in which the atoms of each group (0, 1, 2 ...) are one atom."""
        count = int(group.max()) + 1

        def summed(index: Integers, values: Floats, size: int) -> Floats:
            return np.asarray(np.bincount(index, weights=values, minlength=size), dtype=np.float64)

        area = summed(group, self.area, count)
        safe = np.where(area > 0, area, 1.0)
        x = summed(group, self.area * self.x, count) / safe
        y = summed(group, self.area * self.y, count) / safe
        off = self.area * ((self.x - x[group]) ** 2 + (self.y - y[group]) ** 2)
        sides = np.sort(group[self.pairs], axis=1)
        apart = sides[:, 0] != sides[:, 1]
        key, at = np.unique(sides[apart, 0] * count + sides[apart, 1], return_inverse=True)
        return Graph(
            load=np.stack([summed(group, column, count) for column in self.load.T], axis=1),
            area=area,
            x=x,
            y=y,
            pairs=np.stack([key // count, key % count], axis=1),
            cost=summed(at, self.cost[apart], len(key)),
            passable=np.asarray(summed(at, self.passable[apart].astype(np.float64), len(key)) > 0),
            own=summed(group, self.inertia + off, count),
        )


@dataclass(frozen=True)
class Aim:
    """What blocks are to be like.

    Parameters
    ----------
    count : int
        How many blocks.
    tolerance : sequence of float
        For each attribute, by how much of the mean a block may hold more or less; infinity where it does not matter.
    compact : float
        What a block's moment of inertia, in units of a disc's, counts for, against a block's side of border.
    mild : float
        What the square of a deviation within the tolerance counts for.
    """

    count: int
    tolerance: Sequence[float]
    compact: float = 1.0
    mild: float = 3.0


def fair_loads(graph: Graph, aim: Aim) -> Floats:
    """Return loads in units of a block's fair share.

    An atom too heavy for any block counts as one full block: the others share out the rest.
    """
    scaled = np.zeros(graph.load.shape)
    for column, tolerance in enumerate(aim.tolerance):
        load = graph.load[:, column]
        rest, left = sorted(load.tolist()), aim.count
        while left > 1 and rest[-1] > (1 + tolerance) * math.fsum(rest) / left > 0:
            rest.pop()
            left -= 1
        fair = math.fsum(rest) / left
        if fair > 0:
            capped = np.where(load > (1 + tolerance) * fair, fair, load)
            scaled[:, column] = capped * (aim.count / math.fsum(capped))
    return scaled


def coarser(graph: Graph, random: np.random.Generator, heaviest: float) -> Integers:
    """Match atoms with the neighbour that is dearest to part from; returns the group of each.

    ``heaviest`` is the largest load, of any attribute, that two matched atoms may have together.
    """
    size = len(graph)
    walk = graph.passable & (graph.cost >= 0)
    ends = np.concatenate([graph.pairs[walk], graph.pairs[walk][:, ::-1]])
    price = np.concatenate([graph.cost[walk]] * 2)
    # dear borders between small atoms first
    price = price / np.sqrt(graph.area[ends[:, 0]] * graph.area[ends[:, 1]] + 1e-9)
    order = np.lexsort((price, ends[:, 0]))
    start = np.searchsorted(ends[order, 0], np.arange(size + 1)).tolist()
    near = ends[order, 1].tolist()
    load = graph.load.max(axis=1).tolist()
    mate = [-1] * size
    for atom in random.permutation(size).tolist():
        if mate[atom] >= 0:
            continue
        mate[atom] = atom
        for row in range(start[atom + 1] - 1, start[atom] - 1, -1):
            other = near[row]
            if mate[other] < 0 and load[atom] + load[other] <= heaviest:
                mate[atom], mate[other] = other, atom
                break
    lower = np.minimum(np.arange(size), mate)
    return np.unique(lower, return_inverse=True)[1].astype(np.int64)


@dataclass(frozen=True)
class Rules:
    """What must be and must not be.

    Parameters
    ----------
    together : sequence of arrays
        Sets of atoms that stay in one block.
    apart : sequence of (int, int)
        Neighbours that a border must part.
    joined : sequence of (int, int)
        Neighbours that no border may part.
    """

    together: Sequence[Integers] = ()
    apart: Sequence[tuple[int, int]] = ()
    joined: Sequence[tuple[int, int]] = ()

    def groups(self, size: int) -> Integers:
        """Return the group of each atom, of those that stay together."""
        links = [(int(one), int(two)) for one, two in self.joined]
        links += [(int(a), int(b)) for those in self.together for a, b in pairwise(those)]
        return groups(size, np.array(links, dtype=np.int64).reshape(-1, 2))


def with_demanded_borders(graph: Graph, group: Integers, rules: Rules) -> Graph:
    """Return a graph of groups in which the demanded borders are so cheap that no plan goes without one."""
    if not rules.apart:
        return graph
    wanted = {tuple(sorted((int(group[one]), int(group[two])))) for one, two in rules.apart}
    asked = np.array([tuple(pair) in wanted for pair in graph.pairs.tolist()], dtype=np.bool_)
    gain = 100.0 * float(np.abs(graph.cost).max())
    return replace(graph, cost=np.where(asked, -gain, graph.cost), passable=graph.passable & ~asked)
