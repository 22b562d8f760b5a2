"""The inner loop of the lower bound for areas of any size: trees packed into the prices of borders.

Theory. Let an atom send its share to all atoms around it. If more load lies in that tree than a block may hold, some of
the tree's borders are cut: whoever lies behind a cut, at least the load beyond one block. So for any tree, the borders
weighed with the load behind them (or with the load beyond, where that is less) cost at least the load beyond: the
knapsack tree inequality. Any packing of such trees that uses no border above its price is a lower bound (duality).
Trees are packed along shortest ways, and the more a border is used the longer it gets (Garg and Könemann).
"""

# numba finds the types
# mypy: disable-error-code="no-untyped-call, no-untyped-def"
from __future__ import annotations

import math
from typing import Any, NamedTuple

Column = Any
"""A list of numbers, or an array of them."""


class Web(NamedTuple):
    """Atoms and their borders: rows ``start[a]:start[a + 1]`` are the neighbours of ``a``.

    ``edge`` is the number of the border. ``price``, ``length`` and ``used`` have one number a border, ``load`` one an
    atom, in fair shares.
    """

    start: Column
    near: Column
    edge: Column
    price: Column
    load: Column
    length: Column
    used: Column


class Desk(NamedTuple):
    """Room to work in."""

    distance: Column
    mark: Column
    up: Column
    parent: Column
    order: Column
    behind: Column
    heap: Column
    key: Column
    state: Column
    least: Column


def pack(web, desk, most, step, ratio, slack):
    """Send one tree from every atom where that is worth it; returns how much load beyond was packed.

    A tree is worth it where its length is at most ``ratio`` for each load beyond; ``most`` is the load that a block may
    hold, ``slack`` what that ratio may be missed by. ``desk.least[0]`` becomes the least ratio met.
    """
    packed = 0.0
    least = math.inf
    for root in range(len(web.load)):
        desk.state[0] += 1
        seen = desk.state[0]
        desk.distance[root] = 0.0
        desk.mark[root] = 2 * seen
        desk.up[root] = -1
        desk.heap[0] = root
        desk.key[0] = 0.0
        waiting = 1
        count = 0
        held = 0.0
        far = 0.0
        best = math.inf
        until = 0
        while waiting > 0:
            atom = int(desk.heap[0])
            distance = desk.key[0]
            waiting -= 1
            last_key = desk.key[waiting]
            last = desk.heap[waiting]
            at = 0
            child = 1
            while child < waiting:
                if child + 1 < waiting and desk.key[child + 1] < desk.key[child]:
                    child += 1
                if desk.key[child] >= last_key:
                    break
                desk.key[at] = desk.key[child]
                desk.heap[at] = desk.heap[child]
                at = child
                child = 2 * at + 1
            desk.key[at] = last_key
            desk.heap[at] = last
            if desk.mark[atom] == 2 * seen + 1 or distance > desk.distance[atom]:
                continue
            desk.mark[atom] = 2 * seen + 1
            # whoever lies farther than the ratio of the tree makes it worse
            if distance >= best:
                break
            desk.order[count] = atom
            count += 1
            held += web.load[atom]
            far += web.load[atom] * distance
            if held > most + 1e-9 and far < best * (held - most):
                best = far / (held - most)
                until = count
            for row in range(web.start[atom], web.start[atom + 1]):
                edge = web.edge[row]
                if web.price[edge] <= 0:
                    continue
                other = web.near[row]
                length = distance + web.length[edge]
                state = desk.mark[other]
                if state == 2 * seen + 1 or (state == 2 * seen and length >= desk.distance[other]):
                    continue
                desk.distance[other] = length
                desk.mark[other] = 2 * seen
                desk.up[other] = edge
                desk.parent[other] = atom
                at = waiting
                waiting += 1
                while at > 0 and desk.key[(at - 1) // 2] > length:
                    desk.key[at] = desk.key[(at - 1) // 2]
                    desk.heap[at] = desk.heap[(at - 1) // 2]
                    at = (at - 1) // 2
                desk.key[at] = length
                desk.heap[at] = other
        if until == 0:
            continue
        held = 0.0
        for at in range(until):
            atom = desk.order[at]
            desk.behind[atom] = web.load[atom]
            held += web.load[atom]
        beyond = held - most
        length = 0.0
        for at in range(until - 1, 0, -1):
            atom = desk.order[at]
            desk.behind[desk.parent[atom]] += desk.behind[atom]
            length += min(desk.behind[atom], beyond) * web.length[desk.up[atom]]
        if length < least * beyond:
            least = length / beyond
        if length > ratio * slack * beyond:
            continue
        amount = math.inf
        for at in range(1, until):
            atom = desk.order[at]
            edge = desk.up[atom]
            weight = min(desk.behind[atom], beyond)
            if weight > 0:
                amount = min(amount, web.price[edge] / weight)
        if amount == math.inf:
            continue
        for at in range(1, until):
            atom = desk.order[at]
            edge = desk.up[atom]
            share = amount * min(desk.behind[atom], beyond)
            web.used[edge] += share
            web.length[edge] *= 1.0 + step * share / web.price[edge]
        packed += amount * beyond
    desk.least[0] = least
    return packed
