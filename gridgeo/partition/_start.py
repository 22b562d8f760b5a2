"""First plans: a graph of atoms, the judgement of a plan, and recursive bisection by random spanning trees."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from gridgeo.network import Flags, Floats, Integers

COMPACT = 1.0
"""What a block's moment of inertia, in units of a disc's, counts for."""
MILD = 3.0
"""What the square of a block's deviation counts for within the tolerance."""
TREES = 12
"""Spanning trees tried for one bisection."""


@dataclass(frozen=True)
class Graph:
    """Atoms that may be grouped, and what it costs to part them.

    Parameters
    ----------
    weight : array
        Workload of each atom.
    area, x, y : array
        Of each atom, in metres.
    pairs : (e, 2) array
        Atoms that share a border.
    cost : (e,) array
        What parting them costs: metres priced by rank.
    passable : (e,) array of bool
        Whether the border can be crossed on foot.
    """

    weight: Floats
    area: Floats
    x: Floats
    y: Floats
    pairs: Integers
    cost: Floats
    passable: Flags

    def __len__(self) -> int:
        return len(self.weight)


def _fair_mean(weights: Sequence[float], count: int, tolerance: float) -> float:
    """Return the workload that blocks are to have: what atoms too heavy for any block leave to the others."""
    rest, left = sorted(weights), count
    while left > 1 and rest[-1] > (1 + tolerance) * math.fsum(rest) / left > 0:
        rest.pop()
        left -= 1
    return math.fsum(rest) / left


class Starter:
    """A graph to be cut in ``count`` blocks; the graph must be connected by its passable pairs."""

    def __init__(self, graph: Graph, count: int, tolerance: float, seed: int) -> None:
        self.n, self.k = len(graph), count
        self.random = random.Random(seed)  # noqa: S311 a search needs no cryptographic randomness
        self.weight: list[float] = graph.weight.tolist()
        self.area: list[float] = graph.area.tolist()
        self.x: list[float] = (graph.x - graph.x.mean()).tolist()
        self.y: list[float] = (graph.y - graph.y.mean()).tolist()
        fair = _fair_mean(self.weight, count, tolerance)
        # an atom too heavy for any block counts as one full block: the others share out the rest
        self.weight = [min(weight, fair) if weight > (1 + tolerance) * fair > 0 else weight for weight in self.weight]
        self.mean = math.fsum(self.weight) / count
        self.limit = 0.98 * tolerance
        side = math.sqrt(math.fsum(self.area) / count)
        self.ends: list[tuple[int, int]] = [(a, b) for a, b in graph.pairs.tolist()]
        self.cost: list[float] = (graph.cost / side).tolist()
        self.passable: list[bool] = graph.passable.tolist()
        self.near: list[list[tuple[int, float, bool]]] = [[] for _ in range(self.n)]
        for (a, b), cost, passable in zip(self.ends, self.cost, self.passable, strict=True):
            self.near[a].append((b, cost, passable))
            self.near[b].append((a, cost, passable))
        self.walk: list[list[int]] = [[b for b, _, passable in row if passable] for row in self.near]
        # an atom's own moment of inertia, as if it were a disc, and its share of the sums that give a block's
        self.own = [
            a * a / (2 * math.pi) + a * (x * x + y * y) for a, x, y in zip(self.area, self.x, self.y, strict=True)
        ]

    # ------------------------------------------------------------------------------------------------ judging

    def shape(self, area: float, sx: float, sy: float, sr: float) -> float:
        """Return a block's moment of inertia in units of a disc's, from the sums over its atoms."""
        return COMPACT * 2 * math.pi * (sr - (sx * sx + sy * sy) / area) / (area * area)

    def burden(self, weight: float, steep: float) -> float:
        """Return what a block's workload costs."""
        off = abs(weight / self.mean - 1)
        return MILD * off * off + (steep * (off - self.limit) if off > self.limit else 0.0)

    def judge(self, block: Sequence[int]) -> tuple[float, float]:
        """Return the deviation beyond the tolerance, summed, and the objective: less is better, in this order."""
        weight, area, sx, sy, sr = ([0.0] * self.k for _ in range(5))
        for atom, b in enumerate(block):
            weight[b] += self.weight[atom]
            area[b] += self.area[atom]
            sx[b] += self.area[atom] * self.x[atom]
            sy[b] += self.area[atom] * self.y[atom]
            sr[b] += self.own[atom]
        cut = sum(cost for (a, b), cost in zip(self.ends, self.cost, strict=True) if block[a] != block[b])
        beyond = sum(max(0.0, abs(w / self.mean - 1) - self.limit) for w in weight)
        rest = sum(self.shape(*s) for s in zip(area, sx, sy, sr, strict=True)) + sum(
            self.burden(w, 0.0) for w in weight
        )
        return round(beyond, 12), cut + rest

    # ------------------------------------------------------------------------------------------------ starts

    def start(self) -> list[int]:
        """Return a first plan by recursive bisection."""
        block = [0] * self.n
        stack = [(list(range(self.n)), self.k, 0)]
        while stack:
            atoms, count, first = stack.pop()
            if count == 1:
                for atom in atoms:
                    block[atom] = first
                continue
            # Halves, or what comes next to it where the graph has no such cut (a star has not); one leaf can always go.
            for less in range(count // 2, 0, -1):
                parts = self.bisect(atoms, less, count - less, TREES)
                if parts is not None:
                    break
            assert parts is not None
            stack.append((parts[0], less, first))
            stack.append((parts[1], count - less, first + less))
        return block

    def bisect(self, atoms: list[int], one: int, two: int, trees: int) -> tuple[list[int], list[int]] | None:
        """Cut connected atoms in two connected parts that are to hold ``one`` and ``two`` blocks, where trees allow."""
        inside = {atom: index for index, atom in enumerate(atoms)}
        edges = [
            (inside[a], inside[b], cost, passable)
            for a in atoms
            for b, cost, passable in self.near[a]
            if a < b and b in inside
        ]
        whole = math.fsum(self.weight[atom] for atom in atoms)
        mean = whole / (one + two)
        best: tuple[float, int] | None = None
        chosen: set[int] = set()
        flipped = False
        for _ in range(trees):
            order, parent, depth = self._tree(len(atoms), edges)
            if len(order) < len(atoms):
                return None  # two blocks that have moved apart
            weight = [self.weight[atom] for atom in atoms]
            size = [1] * len(atoms)
            cut = [0.0] * len(atoms)
            for a, b, cost, _p in edges:
                cut[a] += cost
                cut[b] += cost
                p, q = a, b
                while p != q:
                    if depth[p] < depth[q]:
                        p, q = q, p
                    p = parent[p]
                cut[p] -= 2 * cost
            for node in reversed(order[1:]):
                up = parent[node]
                weight[up] += weight[node]
                size[up] += size[node]
                cut[up] += cut[node]
            found: tuple[float, int, bool] | None = None
            for node in order[1:]:
                for below, above, flip in ((one, two, False), (two, one, True)):
                    if size[node] < below or len(atoms) - size[node] < above:
                        continue
                    off = abs(weight[node] - mean * below) / (mean * min(below, above)) if mean > 0 else 0.0
                    score = cut[node] + 4 * off * off + 40 * max(0.0, off - 0.5 * self.limit)
                    if found is None or score < found[0]:
                        found = (score, node, flip)
                    if one == two:
                        break
            if found is None or (best is not None and found[0] >= best[0]):
                continue
            best, flipped = found[:2], found[2]
            chosen = {found[1]}
            for node in order:  # parents come before their children
                if node != order[0] and parent[node] in chosen:
                    chosen.add(node)
        if best is None:
            return None
        below_part = [atoms[index] for index in range(len(atoms)) if index in chosen]
        above_part = [atoms[index] for index in range(len(atoms)) if index not in chosen]
        return (above_part, below_part) if flipped else (below_part, above_part)

    def _tree(self, count: int, edges: list[tuple[int, int, float, bool]]) -> tuple[list[int], list[int], list[int]]:
        """Return a random spanning tree that keeps dear borders: breadth-first order, parents, depths."""
        draw = self.random.random
        keyed = sorted(
            ((-(cost + 1e-9) * draw(), a, b) for a, b, cost, passable in edges if passable),
        )
        root = list(range(count))

        def find(item: int) -> int:
            while root[item] != item:
                root[item] = root[root[item]]
                item = root[item]
            return item

        branches: list[list[int]] = [[] for _ in range(count)]
        for _, a, b in keyed:
            p, q = find(a), find(b)
            if p != q:
                root[p] = q
                branches[a].append(b)
                branches[b].append(a)
        begin = int(draw() * count)
        parent, depth = [-1] * count, [0] * count
        order = [begin]
        for node in order:
            for other in branches[node]:
                if other != parent[node]:
                    parent[other], depth[other] = node, depth[node] + 1
                    order.append(other)
        return order, parent, depth
