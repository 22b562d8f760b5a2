"""The inner loops of the search for blocks: written once, run as they are on lists or compiled by numba on arrays.

Only indexing and plain arithmetic are used, and no function of the C library whose last bit could differ: both ways
give the same plan to the last atom. `compiled` holds the compiled twins.

Theory. `anneal` moves an atom from its block to a neighbouring one, or an atom with all that hangs on it alone (a
subtree: on streets full of dead ends and bridges single atoms are stuck); it never breaks a block in two. The price of
imbalance rises while the plan is out of balance and falls while it is in balance, so that it fits any number of
blocks. `bisect` cuts connected atoms along an edge of random spanning trees (minimal for random weights that keep
dear borders).

Cost. A proposal looks at the atom's neighbours; one that is taken also walks around the atom until its other
neighbours are met. A tree costs its walks plus, for each pair, the way up to where its ends meet.
"""

# numba finds the types
# mypy: disable-error-code="no-untyped-call, no-untyped-def"
from __future__ import annotations

import math
from typing import Any, NamedTuple

Column = Any
"""A list of numbers, or an array of them."""

SUBTREES = 0.04
"""Share of proposals that move an atom with all that hangs on it alone."""
RISE, FALL = 1.15, 0.9
"""By what the price of imbalance is multiplied when a plan is out of balance and in balance."""


class Net(NamedTuple):
    """A graph of atoms: rows ``start[a]:start[a + 1]`` of ``near``, ``cost``, ``pair`` are the neighbours of ``a``.

    ``twin`` is the row of the same pair seen from the other end. ``pair`` is the number of the walkable pair (its ends
    in ``one`` and ``two``) or -1. ``load`` has as many numbers an atom as there are attributes, in units of a block's
    fair share. ``area``, ``mx``, ``my``, ``inertia`` are its moments.
    """

    start: Column
    near: Column
    twin: Column
    cost: Column
    pair: Column
    one: Column
    two: Column
    load: Column
    area: Column
    mx: Column
    my: Column
    inertia: Column


class Rule(NamedTuple):
    """What a good plan is: two-sided limit of each attribute, weight of compactness and of mild imbalance."""

    attributes: int
    limit: Column
    compact: float
    mild: float


class Plan(NamedTuple):
    """A plan: the block of each atom, sums of each block, and the walkable pairs that are cut."""

    block: Column
    atoms: Column
    load: Column
    area: Column
    mx: Column
    my: Column
    inertia: Column
    cut: Column
    place: Column
    cuts: Column


class Work(NamedTuple):
    """Room to work in: marks, queues and, in ``state``, the random state and the last mark."""

    mark: Column
    queue: Column
    moving: Column
    members: Column
    chosen: Column
    parent: Column
    size: Column
    depth: Column
    sums: Column
    crossing: Column
    heap: Column
    key: Column
    state: Column


def draw(work):
    """Return a random number from 0 to below 1 (the generator of drand48)."""
    value = (int(work.state[0]) * 25214903917 + 11) & 281474976710655
    work.state[0] = value
    return value / 281474976710656.0


def shape(rule, area, mx, my, inertia):
    """Return a block's moment of inertia in units of a disc's, weighed."""
    if rule.compact == 0.0:
        return 0.0
    return rule.compact * 2 * math.pi * (inertia - (mx * mx + my * my) / area) / (area * area)


def burden(rule, attribute, load, steep):
    """Return what a block's load in one attribute costs."""
    off = abs(load - 1.0)
    beyond = off - rule.limit[attribute]
    return rule.mild * off * off + (steep * beyond if beyond > 0 else 0.0)


def fill(net, rule, plan):
    """Work out the sums and cut pairs of a plan from the block of each atom; all else in it must be zero."""
    many = rule.attributes
    for atom in range(len(net.area)):
        b = plan.block[atom]
        plan.atoms[b] += 1
        plan.area[b] += net.area[atom]
        plan.mx[b] += net.mx[atom]
        plan.my[b] += net.my[atom]
        plan.inertia[b] += net.inertia[atom]
        for t in range(many):
            plan.load[b * many + t] += net.load[atom * many + t]
    cuts = 0
    for pair in range(len(net.one)):
        plan.place[pair] = -1
        if plan.block[net.one[pair]] != plan.block[net.two[pair]]:
            plan.cut[cuts] = pair
            plan.place[pair] = cuts
            cuts += 1
    plan.cuts[0] = cuts


def beyond_of(rule, plan):
    """Return by how much the loads of all blocks are beyond their limits."""
    many = rule.attributes
    total = 0.0
    for b in range(len(plan.atoms)):
        for t in range(many):
            off = abs(plan.load[b * many + t] - 1.0) - rule.limit[t]
            if off > 0:
                total += off
    return total


def objective_of(net, rule, plan):
    """Return the objective of a plan: price of its borders, shapes and mild imbalance."""
    total = 0.0
    for atom in range(len(net.area)):
        for row in range(net.start[atom], net.start[atom + 1]):
            other = net.near[row]
            if other > atom and plan.block[other] != plan.block[atom]:
                total += net.cost[row]
    many = rule.attributes
    for b in range(len(plan.atoms)):
        total += shape(rule, plan.area[b], plan.mx[b], plan.my[b], plan.inertia[b])
        for t in range(many):
            off = plan.load[b * many + t] - 1.0
            total += rule.mild * off * off
    return total


def splits(net, plan, work, atom):
    """Tell whether the block of an atom falls apart without it."""
    here = plan.block[atom]
    work.state[1] += 1
    wanted = work.state[1]
    missing = 0
    first = -1
    for row in range(net.start[atom], net.start[atom + 1]):
        other = net.near[row]
        if net.pair[row] >= 0 and plan.block[other] == here:
            if first < 0:
                first = other
            else:
                work.mark[other] = wanted
                missing += 1
    if missing == 0:
        return first < 0
    work.state[1] += 1
    seen = work.state[1]
    work.mark[atom] = seen
    work.mark[first] = seen
    work.queue[0] = first
    length = 1
    at = 0
    while at < length:
        node = work.queue[at]
        at += 1
        for row in range(net.start[node], net.start[node + 1]):
            other = net.near[row]
            if net.pair[row] < 0 or plan.block[other] != here or work.mark[other] == seen:
                continue
            if work.mark[other] == wanted:
                missing -= 1
                if missing == 0:
                    return False
            work.mark[other] = seen
            work.queue[length] = other
            length += 1
    return True


def gather(net, plan, work, atom):
    """Collect an atom and all parts but the largest that its block falls into without it; returns how many."""
    here = plan.block[atom]
    work.state[1] += 1
    seen = work.state[1]
    work.mark[atom] = seen
    work.moving[0] = atom
    count = 1
    length = 0
    large_from, large_to = 0, 0
    for begin in range(net.start[atom], net.start[atom + 1]):
        root = net.near[begin]
        if net.pair[begin] < 0 or plan.block[root] != here or work.mark[root] == seen:
            continue
        part = length
        work.mark[root] = seen
        work.queue[length] = root
        length += 1
        at = part
        while at < length:
            node = work.queue[at]
            at += 1
            for row in range(net.start[node], net.start[node + 1]):
                other = net.near[row]
                if net.pair[row] >= 0 and plan.block[other] == here and work.mark[other] != seen:
                    work.mark[other] = seen
                    work.queue[length] = other
                    length += 1
        if length - part > large_to - large_from:
            large_from, large_to = part, length
    for at in range(length):
        if at < large_from or at >= large_to:
            work.moving[count] = work.queue[at]
            count += 1
    return count


def border_change(net, plan, work, count, old, new):
    """Return by how much borders get dearer when ``work.moving[:count]`` go from one block to another."""
    mark = 0
    if count > 1:
        work.state[1] += 1
        mark = work.state[1]
        for at in range(count):
            work.mark[work.moving[at]] = mark
    change = 0.0
    for at in range(count):
        atom = work.moving[at]
        for row in range(net.start[atom], net.start[atom + 1]):
            other = net.near[row]
            its = plan.block[other]
            if its == old:
                if count == 1 or work.mark[other] != mark:
                    change += net.cost[row]
            elif its == new:
                change -= net.cost[row]
    return change


def move(net, rule, plan, work, count, old, new):
    """Bring ``work.moving[:count]`` from one block to another."""
    many = rule.attributes
    for at in range(count):
        atom = work.moving[at]
        plan.block[atom] = new
        plan.atoms[old] -= 1
        plan.atoms[new] += 1
        plan.area[old] -= net.area[atom]
        plan.area[new] += net.area[atom]
        plan.mx[old] -= net.mx[atom]
        plan.mx[new] += net.mx[atom]
        plan.my[old] -= net.my[atom]
        plan.my[new] += net.my[atom]
        plan.inertia[old] -= net.inertia[atom]
        plan.inertia[new] += net.inertia[atom]
        for t in range(many):
            plan.load[old * many + t] -= net.load[atom * many + t]
            plan.load[new * many + t] += net.load[atom * many + t]
        for row in range(net.start[atom], net.start[atom + 1]):
            pair = net.pair[row]
            if pair < 0:
                continue
            if plan.block[net.near[row]] != new:
                if plan.place[pair] < 0:
                    plan.place[pair] = plan.cuts[0]
                    plan.cut[plan.cuts[0]] = pair
                    plan.cuts[0] += 1
            elif plan.place[pair] >= 0:
                plan.cuts[0] -= 1
                last = plan.cut[plan.cuts[0]]
                plan.cut[plan.place[pair]] = last
                plan.place[last] = plan.place[pair]
                plan.place[pair] = -1


def price_of_move(net, rule, plan, work, count, old, new, steep):
    """Return by how much the plan gets worse when ``work.moving[:count]`` go from one block to another."""
    many = rule.attributes
    change = border_change(net, plan, work, count, old, new)
    for t in range(many):
        load = 0.0
        for at in range(count):
            load += net.load[work.moving[at] * many + t]
        here, there = plan.load[old * many + t], plan.load[new * many + t]
        change += burden(rule, t, here - load, steep) - burden(rule, t, here, steep)
        change += burden(rule, t, there + load, steep) - burden(rule, t, there, steep)
    if rule.compact > 0:
        area, mx, my, inertia = 0.0, 0.0, 0.0, 0.0
        for at in range(count):
            atom = work.moving[at]
            area += net.area[atom]
            mx += net.mx[atom]
            my += net.my[atom]
            inertia += net.inertia[atom]
        change += shape(rule, plan.area[old] - area, plan.mx[old] - mx, plan.my[old] - my, plan.inertia[old] - inertia)
        change += shape(rule, plan.area[new] + area, plan.mx[new] + mx, plan.my[new] + my, plan.inertia[new] + inertia)
        change -= shape(rule, plan.area[old], plan.mx[old], plan.my[old], plan.inertia[old])
        change -= shape(rule, plan.area[new], plan.mx[new], plan.my[new], plan.inertia[new])
    return change


def taken(change, warmth, work):
    """Decide on a change for the worse: exp(-change / warmth) of them, by a power that is the same on any machine."""
    if change <= 0:
        return True
    base = 1.0 - change / (16.0 * warmth)
    if base <= 0:
        return False
    base *= base
    base *= base
    base *= base
    return draw(work) < base * base


def anneal(net, rule, plan, work, best, score, steps, warmth, cooling, steep, least, most):
    """Move atoms for some steps; returns the price of imbalance reached.

    ``best`` keeps the best plan met at regular looks and ``score`` its excess and objective; ``least`` and
    ``most`` bound the price of imbalance.
    """
    every = max(64, len(net.area))
    for step in range(steps):
        warmth *= cooling
        if step % every == every - 1:
            beyond = beyond_of(rule, plan)
            steep = min(most, steep * RISE) if beyond > 0 else max(least, steep * FALL)
            note(net, rule, plan, best, score)
        if plan.cuts[0] == 0:
            break
        pair = plan.cut[int(draw(work) * plan.cuts[0])]
        a, b = net.one[pair], net.two[pair]
        if draw(work) < 0.5:
            a, b = b, a
        old, new = plan.block[a], plan.block[b]
        if plan.atoms[old] == 1:
            continue
        work.moving[0] = a
        count = 1
        whole = draw(work) < SUBTREES
        if whole:
            count = gather(net, plan, work, a)
            if count >= plan.atoms[old]:
                continue
        change = price_of_move(net, rule, plan, work, count, old, new, steep)
        if not taken(change, warmth, work):
            continue
        if not whole and splits(net, plan, work, a):
            continue
        move(net, rule, plan, work, count, old, new)
    note(net, rule, plan, best, score)
    return steep


def note(net, rule, plan, best, score):
    """Keep the plan if it is the best so far: less excess first, then a lower objective."""
    beyond = beyond_of(rule, plan)
    if beyond > score[0]:
        return
    objective = objective_of(net, rule, plan)
    if beyond < score[0] or objective < score[1] - 1e-9:
        score[0] = beyond
        score[1] = objective
        for atom in range(len(best)):
            best[atom] = plan.block[atom]


def bisect(net, rule, inside, work, size, below, above, trees):
    """Cut connected atoms in two connected parts for so many blocks each.

    ``inside`` is a number for each atom, the same for all of ``work.members[:size]`` and for no others. ``work.chosen``
    becomes 1 for the part that is to hold ``below`` blocks and 0 for the other. Returns False where no tree has such
    a cut.
    """
    many = rule.attributes
    members = work.members
    group = inside[members[0]]
    total = 0.0
    for at in range(size):
        atom = members[at]
        for row in range(net.start[atom], net.start[atom + 1]):
            if inside[net.near[row]] == group:
                total += max(net.cost[row], 0.0) / 2
    found = False
    lowest = 0.0
    for _ in range(trees):
        if not grow_tree(net, inside, work, size):
            return False
        for at in range(size):
            atom = work.queue[at]
            up = work.parent[atom]
            work.depth[atom] = 0 if up < 0 else work.depth[up] + 1
            work.size[atom] = 1
            work.crossing[atom] = 0.0
            for t in range(many):
                work.sums[atom * many + t] = net.load[atom * many + t]
        for at in range(size):
            atom = members[at]
            for row in range(net.start[atom], net.start[atom + 1]):
                other = net.near[row]
                if other > atom and inside[other] == group:
                    work.crossing[atom] += net.cost[row]
                    work.crossing[other] += net.cost[row]
                    p, q = atom, other
                    while p != q:
                        if work.depth[p] < work.depth[q]:
                            p, q = q, p
                        p = work.parent[p]
                    work.crossing[p] -= 2 * net.cost[row]
        for at in range(size - 1, 0, -1):
            atom = work.queue[at]
            up = work.parent[atom]
            work.size[up] += work.size[atom]
            work.crossing[up] += work.crossing[atom]
            for t in range(many):
                work.sums[up * many + t] += work.sums[atom * many + t]
        root = work.queue[0]
        best = -1
        flipped = False
        for at in range(1, size):
            atom = work.queue[at]
            for turn in range(1 if below == above else 2):
                lower, upper = (below, above) if turn == 0 else (above, below)
                if work.size[atom] < lower or size - work.size[atom] < upper:
                    continue
                value = work.crossing[atom]
                for t in range(many):
                    share = work.sums[root * many + t] / (below + above)
                    if share > 0:
                        off = abs(work.sums[atom * many + t] / share - lower) / min(below, above)
                        value += total * (0.05 * off * off + 0.2 * max(0.0, off - 0.5 * rule.limit[t]))
                if not found or value < lowest:
                    found = True
                    lowest = value
                    best = atom
                    flipped = turn == 1
        if best >= 0:
            within, without = (0, 1) if flipped else (1, 0)
            for at in range(size):
                atom = work.queue[at]
                up = work.parent[atom]
                work.chosen[atom] = within if atom == best or (up >= 0 and work.chosen[up] == within) else without
    return found


def grow_tree(net, inside, work, size):
    """Draw a spanning tree, the minimal one for random weights by Prim's way; False where there is none.

    ``work.queue`` gets the atoms, parents before their children, and ``work.parent`` the tree.
    """
    group = inside[work.members[0]]
    work.state[1] += 1
    done = work.state[1]
    root = work.members[int(draw(work) * size)]
    work.parent[root] = -1
    work.mark[root] = done
    work.queue[0] = root
    length = 1
    waiting = 0
    node = root
    while length < size:
        for row in range(net.start[node], net.start[node + 1]):
            other = net.near[row]
            if net.pair[row] >= 0 and inside[other] == group and work.mark[other] != done:
                key = (max(net.cost[row], 0.0) + 1e-9) * draw(work)
                at = waiting
                waiting += 1
                while at > 0 and work.key[(at - 1) // 2] < key:
                    work.key[at] = work.key[(at - 1) // 2]
                    work.heap[at] = work.heap[(at - 1) // 2]
                    at = (at - 1) // 2
                work.key[at] = key
                work.heap[at] = row
        follow = -1
        while waiting > 0 and follow < 0:
            row = work.heap[0]
            waiting -= 1
            key = work.key[waiting]
            last = work.heap[waiting]
            at = 0
            child = 1
            while child < waiting:
                if child + 1 < waiting and work.key[child + 1] > work.key[child]:
                    child += 1
                if work.key[child] <= key:
                    break
                work.key[at] = work.key[child]
                work.heap[at] = work.heap[child]
                at = child
                child = 2 * at + 1
            work.key[at] = key
            work.heap[at] = last
            if work.mark[net.near[row]] != done:
                follow = row
        if follow < 0:
            return False
        node = net.near[follow]
        work.parent[node] = net.near[net.twin[follow]]
        work.mark[node] = done
        work.queue[length] = node
        length += 1
    return True


def value_of_two(net, rule, work, size, label, one, steep):
    """Return what two blocks and the border between them cost; ``label`` is ``one`` for atoms of the first."""
    many = rule.attributes
    total = 0.0
    for side in range(2):
        area, mx, my, inertia = 0.0, 0.0, 0.0, 0.0
        for at in range(size):
            atom = work.members[at]
            if (label[atom] == one) == (side == 0):
                area += net.area[atom]
                mx += net.mx[atom]
                my += net.my[atom]
                inertia += net.inertia[atom]
        total += shape(rule, area, mx, my, inertia)
        for t in range(many):
            load = 0.0
            for at in range(size):
                atom = work.members[at]
                if (label[atom] == one) == (side == 0):
                    load += net.load[atom * many + t]
            total += burden(rule, t, load, steep)
    work.state[1] += 1
    member = work.state[1]
    for at in range(size):
        work.mark[work.members[at]] = member
    for at in range(size):
        atom = work.members[at]
        for row in range(net.start[atom], net.start[atom + 1]):
            other = net.near[row]
            if other > atom and work.mark[other] == member and label[other] != label[atom]:
                total += net.cost[row]
    return total


def recombine(net, rule, plan, work, one, two, trees, steep):
    """Merge two blocks and cut them anew where that makes the plan better; tells whether it did."""
    size = 0
    for atom in range(len(net.area)):
        if plan.block[atom] == one or plan.block[atom] == two:
            work.members[size] = atom
            size += 1
    before = value_of_two(net, rule, work, size, plan.block, one, steep)
    for at in range(size):
        atom = work.members[at]
        work.moving[at] = plan.block[atom]
        plan.block[atom] = one
    found = bisect(net, rule, plan.block, work, size, 1, 1, trees)
    for at in range(size):
        plan.block[work.members[at]] = work.moving[at]
    if not found or value_of_two(net, rule, work, size, work.chosen, 1, steep) > before - 1e-9:
        return False
    for turn in range(2):
        old, new = (one, two) if turn == 0 else (two, one)
        count = 0
        for at in range(size):
            atom = work.members[at]
            if plan.block[atom] == old and (work.chosen[atom] == 1) != (old == one):
                work.moving[count] = atom
                count += 1
        move(net, rule, plan, work, count, old, new)
    return True
