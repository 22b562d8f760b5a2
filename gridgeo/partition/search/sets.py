"""The inner loop of the exact model: all connected sets of atoms that could be a block of a plan cheap enough.

Theory. A set is grown from its first atom: a neighbour is taken in or left out, and each decision makes part of the
set's border certain. A branch is given up when its border, less what the atoms of the set are worth at most, is
already too dear. Sets with a short border are few (they are closed curves on a map), however many atoms lie within.

What the atoms to come are worth at most is bounded by a knapsack whose limits on the load are priced.
"""

# numba finds the types
# mypy: disable-error-code="no-untyped-call, no-untyped-def"
from __future__ import annotations

import math
from typing import Any, NamedTuple

Column = Any
"""A list of numbers, or an array of them."""


class Land(NamedTuple):
    """Atoms in the order in which they are roots; rows ``start[a]:start[a + 1]`` are the neighbours of ``a``.

    ``twin`` is the row of the same pair seen from the other end, ``half`` half the price of a border, ``walk`` is 1
    where it can be crossed and -1 where it must part blocks. Loads are in fair shares, with
    limits ``lower`` and ``upper`` of each attribute; ``extra`` of the first are no attributes of their own.
    """

    start: Column
    near: Column
    twin: Column
    half: Column
    walk: Column
    load: Column
    lower: Column
    upper: Column
    area: Column
    mx: Column
    my: Column
    inertia: Column
    attributes: int
    extra: int
    compact: float
    mild: float


class Room(NamedTuple):
    """Room to work in; ``state`` counts the nodes and the marks."""

    status: Column
    worth: Column
    visit: Column
    way: Column
    back: Column
    leaving: Column
    inner: Column
    outer: Column
    stack: Column
    phase: Column
    mark: Column
    queue: Column
    held: Column
    state: Column


def set_value(land, room, size):
    """Return what the set of atoms with status 1 costs as a block: half its border, shape and mild imbalance."""
    border, area, mx, my, inertia = 0.0, 0.0, 0.0, 0.0, 0.0
    for atom in range(size):
        if room.status[atom] != 1:
            continue
        area += land.area[atom]
        mx += land.mx[atom]
        my += land.my[atom]
        inertia += land.inertia[atom]
        for row in range(land.start[atom], land.start[atom + 1]):
            if room.status[land.near[row]] != 1:
                border += land.half[row]
    value = border
    if land.compact > 0:
        value += land.compact * 2 * math.pi * (inertia - (mx * mx + my * my) / area) / (area * area)
    for t in range(land.extra, land.attributes):
        off = room.held[t] - 1.0
        value += land.mild * off * off
    return value


def at_least(land, room, lean, certain, value, root, reached):
    """Bound from below what any set that agrees with the decisions costs, less its worth."""
    least = certain - value
    for atom in range(root, len(land.area)):
        if room.status[atom] == 0:
            least += room.inner[atom]
    load = land.upper[0] - room.held[0] if lean > 0 else land.lower[0] - room.held[0]
    least -= lean * load
    for at in range(reached):
        atom = room.queue[at]
        gain = room.worth[atom] + room.inner[atom] - room.outer[atom]
        gain -= lean * land.load[atom * land.attributes]
        if gain > 0:
            least -= gain
    return least


def reach(land, room, root, size):
    """Collect in ``queue`` the undecided atoms that can still be reached; returns how many."""
    room.state[1] += 1
    seen = room.state[1]
    count = 0
    # the set itself is connected: begin with the undecided neighbours of all its atoms
    for atom in range(root, size):
        if room.status[atom] != 1:
            continue
        for row in range(land.start[atom], land.start[atom + 1]):
            other = land.near[row]
            if land.walk[row] == 1 and room.status[other] == 0 and room.mark[other] != seen:
                room.mark[other] = seen
                room.queue[count] = other
                count += 1
    room.state[3] = count
    at = 0
    while at < count:
        atom = room.queue[at]
        at += 1
        for row in range(land.start[atom], land.start[atom + 1]):
            other = land.near[row]
            if land.walk[row] == 1 and room.status[other] == 0 and room.mark[other] != seen:
                room.mark[other] = seen
                room.queue[count] = other
                count += 1
    return count


def even_out(land, room, lean, root, seen):
    """Pass worth between atoms, which changes the value of no set, until `at_least` is as high as it gets.

    What an atom passes on to a neighbour is taken off the price of leaving the neighbour out, and put on that of the
    way back. This is a maximal flow along shortest ways, from the set and from undecided atoms that are worth more than
    ``lean`` for a fair share of load, to what is left out and to atoms that are worth less. Atoms marked ``seen`` can
    still be reached; the others that are undecided are as good as left out. Returns how much worth left the set.
    """
    size = len(land.area)
    many = land.attributes
    left = 0.0
    while True:
        room.state[2] += 1
        met = room.state[2]
        length = 0
        for atom in range(root, size):
            if room.status[atom] == 1 or (
                room.status[atom] == 0
                and room.mark[atom] == seen
                and room.worth[atom] - lean * land.load[atom * many] > 1e-9
            ):
                room.visit[atom] = met
                room.way[length] = atom
                room.back[atom] = -1
                length += 1
        at = 0
        target = -1
        while at < length and target < 0:
            atom = room.way[at]
            at += 1
            for row in range(land.start[atom], land.start[atom + 1]):
                other = land.near[row]
                if room.visit[other] == met or room.leaving[row] <= 1e-9:
                    continue
                if room.status[other] == 2 or room.mark[other] != seen:
                    if room.status[atom] == 1:
                        continue
                    target = other
                elif room.worth[other] - lean * land.load[other * many] < -1e-9:
                    target = other
                room.visit[other] = met
                room.back[other] = row
                if target >= 0:
                    break
                room.way[length] = other
                length += 1
        if target < 0:
            return left
        amount = math.inf
        if room.status[target] == 0 and room.mark[target] == seen:
            amount = lean * land.load[target * many] - room.worth[target]
        atom = target
        while room.back[atom] >= 0:
            row = room.back[atom]
            amount = min(amount, room.leaving[row])
            atom = land.near[land.twin[row]]
        if room.status[atom] == 1:
            left += amount
        else:
            amount = min(amount, room.worth[atom] - lean * land.load[atom * many])
        room.worth[atom] -= amount
        room.worth[target] += amount
        atom = target
        while room.back[atom] >= 0:
            row = room.back[atom]
            other = land.near[land.twin[row]]
            room.leaving[row] -= amount
            room.leaving[land.twin[row]] += amount
            if room.status[other] == 1:
                room.inner[atom] -= amount
            if room.status[atom] == 2:
                room.outer[other] -= amount
            atom = other


def find_sets(land, room, given, lean, root, dearest, shrinking, limit, sets, values):
    """Find the sets with this first atom whose value less worth is below ``dearest``.

    ``shrinking`` is 1 to look for the best: each set found lowers the bar, so the last one is the best and those before
    are good ones met on the way. ``sets`` gets one row of 0 and 1 a set and ``values`` its value; ``room.state[0]``
    counts the nodes. Returns how many there are, or -1 where ``limit`` nodes or the rows of ``sets`` did not suffice.
    """
    size = len(land.area)
    many = land.attributes
    for atom in range(size):
        room.status[atom] = 0 if atom >= root else 2
        room.inner[atom] = 0.0
        room.outer[atom] = 0.0
    for t in range(many):
        room.held[t] = land.load[root * many + t]
        if room.held[t] > land.upper[t]:
            return 0
    room.status[root] = 1
    worth = room.worth
    for atom in range(size):
        worth[atom] = given[atom]
    for row in range(len(land.near)):
        room.leaving[row] = land.half[row]
    for atom in range(root + 1):
        for row in range(land.start[atom], land.start[atom + 1]):
            if atom < root:
                room.outer[land.near[row]] += room.leaving[land.twin[row]]
            else:
                room.inner[land.near[row]] += room.leaving[row]
    certain = room.outer[root]
    value = worth[root]
    found = 0
    depth = 0
    down = True
    while True:
        if down:
            room.state[0] += 1
            if room.state[0] > limit:
                return -1
            down = False
            reached = reach(land, room, root, size)
            enough = True
            for t in range(many):
                total = room.held[t]
                for at in range(reached):
                    total += land.load[room.queue[at] * many + t]
                if total < land.lower[t]:
                    enough = False
            if not enough:
                continue
            chosen = -1
            most = -math.inf
            for at in range(room.state[3]):
                atom = room.queue[at]
                pull = room.inner[atom] + room.outer[atom]
                if pull > most:
                    most = pull
                    chosen = atom
            if chosen < 0:
                good = True
                for t in range(many):
                    if room.held[t] < land.lower[t]:
                        good = False
                if good:
                    its = set_value(land, room, size)
                    reduced = its
                    for atom in range(root, size):
                        if room.status[atom] == 1:
                            reduced -= given[atom]
                    if reduced < dearest:
                        if shrinking == 1:
                            dearest = reduced
                        if found >= len(values):
                            return -1
                        for atom in range(size):
                            sets[found, atom] = 1 if room.status[atom] == 1 else 0
                        values[found] = its
                        found += 1
                continue
            if at_least(land, room, lean, certain, value, root, reached) >= dearest:
                continue
            value -= even_out(land, room, lean, root, room.state[1])
            if at_least(land, room, lean, certain, value, root, reached) >= dearest:
                continue
            fits = True
            for t in range(many):
                if room.held[t] + land.load[chosen * many + t] > land.upper[t]:
                    fits = False
            for row in range(land.start[chosen], land.start[chosen + 1]):
                if land.walk[row] == -1 and room.status[land.near[row]] == 1:
                    fits = False
            room.stack[depth] = chosen
            room.phase[depth] = 1 if fits else 2
        else:
            if depth == 0:
                return found
            depth -= 1
            chosen = room.stack[depth]
            if room.phase[depth] == 1:
                room.phase[depth] = 2
                certain -= room.outer[chosen]
                value -= worth[chosen]
                for t in range(many):
                    room.held[t] -= land.load[chosen * many + t]
                for row in range(land.start[chosen], land.start[chosen + 1]):
                    room.inner[land.near[row]] -= room.leaving[row]
                room.status[chosen] = 0
            else:
                certain -= room.inner[chosen]
                for row in range(land.start[chosen], land.start[chosen + 1]):
                    room.outer[land.near[row]] -= room.leaving[land.twin[row]]
                room.status[chosen] = 0
                continue
        depth += 1
        down = True
        if room.phase[depth - 1] == 1:
            room.status[chosen] = 1
            certain += room.outer[chosen]
            value += worth[chosen]
            for t in range(many):
                room.held[t] += land.load[chosen * many + t]
            for row in range(land.start[chosen], land.start[chosen + 1]):
                room.inner[land.near[row]] += room.leaving[row]
        else:
            room.status[chosen] = 2
            certain += room.inner[chosen]
            for row in range(land.start[chosen], land.start[chosen + 1]):
                room.outer[land.near[row]] += room.leaving[land.twin[row]]
