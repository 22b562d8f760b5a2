"""The search for blocks in one connected graph of atoms: trees cut in balance, annealing, recombination of two blocks.

Theory. A start comes from recursive bisection: a random spanning tree that prefers borders dear to cut (lanes) is cut
where both sides come out near their shares of the workload and the cut is cheap. Annealing moves single atoms from
block to block, never breaking one in two; its penalty on imbalance grows as it cools. Where single moves stall (dead
ends, bridges), two neighbouring blocks are merged and cut anew. The best of a few seeded starts is kept.

What is minimised, for k blocks of mean workload t: the priced length of inner borders in units of a block's side,
plus for each block its moment of inertia against a disc's (compactness), a mild square of its deviation from t, and a
steep penalty beyond the tolerance.

Cost. A bisection is O(m log n + m depth) per tree; a move O(degree) and, when it is taken, a look around the atom
that seldom spreads over the whole block. In pure Python about 150,000 proposals a second: 100 atoms take a tenth of a
second, 2,000 a few seconds.

Limits. No bound is given: the answer is good, not proven. One workload; several are weighed into one.
"""

from __future__ import annotations

import math

from gridgeo.partition._start import TREES, Starter

STEEP = (5.0, 400.0)
"""What deviation beyond the tolerance counts for, at the begin and at the end of annealing."""
HEAT = (0.6, 0.01)
"""Temperature at the begin and at the end of annealing."""


class Search(Starter):
    """A search for the blocks of a graph that is connected by its passable pairs."""

    def splits(self, atom: int, block: list[int]) -> bool:
        """Tell whether the block of an atom falls apart without it."""
        here = block[atom]
        around = [other for other in self.walk[atom] if block[other] == here]
        if len(around) < 2:
            return not around  # the last atom of its block must stay
        # neighbours that hang together among themselves, which is nearly always so, need no wider look
        missing = set(around[1:])
        spread = [around[0]]
        seen = {atom, around[0]}
        for node in spread:
            for other in self.walk[node]:
                if other in missing:
                    missing.discard(other)
                    seen.add(other)
                    spread.append(other)
            if not missing:
                return False
        spread = [node for node in spread if node not in missing]
        at = 0
        seen.update(spread)
        while at < len(spread):
            for other in self.walk[spread[at]]:
                if other not in seen and block[other] == here:
                    if other in missing:
                        missing.discard(other)
                        if not missing:
                            return False
                    seen.add(other)
                    spread.append(other)
            at += 1
        return True

    def anneal(self, block: list[int], steps: int, heat: tuple[float, float]) -> list[int]:
        """Move single atoms from block to block at falling temperature; returns the best plan met."""
        k, near, mean = self.k, self.near, self.mean
        draw = self.random.random
        weight, area, sx, sy, sr = ([0.0] * k for _ in range(5))
        atoms_in = [0] * k
        for atom, b in enumerate(block):
            atoms_in[b] += 1
            weight[b] += self.weight[atom]
            area[b] += self.area[atom]
            sx[b] += self.area[atom] * self.x[atom]
            sy[b] += self.area[atom] * self.y[atom]
            sr[b] += self.own[atom]
        steep = STEEP[0]
        shape = [self.shape(*s) for s in zip(area, sx, sy, sr, strict=True)]
        burden = [self.burden(w, steep) for w in weight]
        # the pairs that are cut, as a list to draw from
        pairs = [pair for pair, passable in zip(self.ends, self.passable, strict=True) if passable]
        of_atom: list[list[int]] = [[] for _ in range(self.n)]
        for index, (a, b) in enumerate(pairs):
            of_atom[a].append(index)
            of_atom[b].append(index)
        cut = [index for index, (a, b) in enumerate(pairs) if block[a] != block[b]]
        place = [-1] * len(pairs)
        for position, index in enumerate(cut):
            place[index] = position
        best, best_score = list(block), self.judge(block)
        objective = best_score[1]
        limit = self.limit
        outside = sum(abs(w / mean - 1) > limit for w in weight)
        cooling = (heat[1] / heat[0]) ** (1 / max(1, steps))
        rising = (STEEP[1] / STEEP[0]) ** (1 / max(1, steps // 64))
        warmth = heat[0]
        for step in range(steps):
            if not cut:
                break
            warmth *= cooling
            if step % 64 == 63:
                steep *= rising
                burden = [self.burden(w, steep) for w in weight]
            a, b = pairs[cut[int(draw() * len(cut))]]
            if draw() < 0.5:
                a, b = b, a
            old, new = block[a], block[b]
            if atoms_in[old] == 1:
                continue
            w, size = self.weight[a], self.area[a]
            px, py, pr = size * self.x[a], size * self.y[a], self.own[a]
            change = 0.0
            for other, cost, _p in near[a]:
                its = block[other]
                if its == old:
                    change += cost
                elif its == new:
                    change -= cost
            shape_old = self.shape(area[old] - size, sx[old] - px, sy[old] - py, sr[old] - pr)
            shape_new = self.shape(area[new] + size, sx[new] + px, sy[new] + py, sr[new] + pr)
            change += shape_old + shape_new - shape[old] - shape[new]
            burden_old = self.burden(weight[old] - w, steep)
            burden_new = self.burden(weight[new] + w, steep)
            total = change + burden_old + burden_new - burden[old] - burden[new]
            if total > 0 and draw() >= math.exp(-total / warmth):
                continue
            if self.splits(a, block):
                continue
            outside -= (abs(weight[old] / mean - 1) > limit) + (abs(weight[new] / mean - 1) > limit)
            mild_before = self.burden(weight[old], 0.0) + self.burden(weight[new], 0.0)
            weight[old] -= w
            weight[new] += w
            outside += (abs(weight[old] / mean - 1) > limit) + (abs(weight[new] / mean - 1) > limit)
            objective += change + self.burden(weight[old], 0.0) + self.burden(weight[new], 0.0) - mild_before
            area[old] -= size
            area[new] += size
            sx[old] -= px
            sx[new] += px
            sy[old] -= py
            sy[new] += py
            sr[old] -= pr
            sr[new] += pr
            shape[old], shape[new] = shape_old, shape_new
            burden[old], burden[new] = burden_old, burden_new
            atoms_in[old] -= 1
            atoms_in[new] += 1
            block[a] = new
            for index in of_atom[a]:
                p, q = pairs[index]
                if block[p] != block[q]:
                    if place[index] < 0:
                        place[index] = len(cut)
                        cut.append(index)
                elif place[index] >= 0:
                    last = cut.pop()
                    if last != index:
                        cut[place[index]] = last
                        place[last] = place[index]
                    place[index] = -1
            if (outside == 0 and (best_score[0] > 0 or objective < best_score[1] - 1e-9)) or (
                outside and best_score[0] > 0
            ):
                beyond = sum(max(0.0, abs(v / mean - 1) - limit) for v in weight) if outside else 0.0
                score = (round(beyond, 12), objective)
                if score < best_score:
                    best, best_score = list(block), score
        return best

    def recombine(self, block: list[int], rounds: int) -> list[int]:
        """Merge two neighbouring blocks and cut them anew, wherever that makes the plan better."""
        score = self.judge(block)
        for _ in range(rounds):
            neighbours = sorted(
                {
                    (min(block[a], block[b]), max(block[a], block[b]))
                    for (a, b), passable in zip(self.ends, self.passable, strict=True)
                    if passable and block[a] != block[b]
                }
            )
            better = False
            for one, two in neighbours:
                atoms = [atom for atom in range(self.n) if block[atom] in (one, two)]
                parts = self.bisect(atoms, 1, 1, TREES)
                if parts is None:
                    continue
                tried = list(block)
                for atom in atoms:
                    tried[atom] = two
                for atom in parts[0]:
                    tried[atom] = one
                found = self.judge(tried)
                if found < score:
                    block, score, better = tried, found, True
            if not better:
                break
        return block

    def relocate(self, block: list[int], rounds: int) -> list[int]:
        """Give the lightest block away to a neighbour and cut a heavy one in two instead, wherever that is better.

        Needed where an atom too heavy to share leaves a crumb beside it, which single moves can't bring to anybody.
        """
        score = self.judge(block)
        for _ in range(rounds):
            if score[0] == 0:
                break
            weight, many = [0.0] * self.k, [0] * self.k
            for atom, b in enumerate(block):
                weight[b] += self.weight[atom]
                many[b] += 1
            light = min(range(self.k), key=lambda b: weight[b])
            around = sorted(
                {block[o] for atom in range(self.n) if block[atom] == light for o in self.walk[atom]} - {light}
            )
            heavy = sorted(range(self.k), key=lambda b: -weight[b])[:8]
            best, found = block, score
            for into in around:
                given = [into if b == light else b for b in block]
                for cut in heavy:
                    atoms = [atom for atom in range(self.n) if given[atom] == cut]
                    parts = self.bisect(atoms, 1, 1, TREES // 3) if cut != light and len(atoms) > 1 else None
                    if parts is None:
                        continue
                    tried = list(given)
                    for atom in parts[0]:
                        tried[atom] = light
                    if (judged := self.judge(tried)) < found:
                        best, found = tried, judged
            if best is block:
                break
            block, score = best, found
        return block

    def run(self, starts: int, steps: int) -> list[int]:
        """Return the best plan of a few starts."""
        if self.k == 1:
            return [0] * self.n
        if self.k >= self.n:
            return list(range(self.n))
        plans = []
        for _ in range(starts):
            plan = self.anneal(self.start(), steps, HEAT)
            plan = self.relocate(self.recombine(plan, 2), self.k)
            plan = self.anneal(plan, steps // 2, (HEAT[0] / 6, HEAT[1]))
            plans.append((self.judge(plan), plan))
        return min(plans)[1]
