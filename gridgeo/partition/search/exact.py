"""The exact model for small areas: which sets of atoms are blocks, and a proof that no other choice is cheaper.

Theory. A plan chooses sets of atoms, each connected and in balance, so that every atom lies in one (set partitioning).
The first atom of a set, in the order of a sweep, is its root; sets are found from their roots by enumeration
(`gridgeo.partition.search.sets`), so each is in one piece by construction. For any worth given to the atoms, the worth
of all and the least value less worth of any set of as many roots as there are blocks, the first atom among them, are
together a lower bound (Lagrange). HiGHS finds the worth for the sets known so far, within a box around the best so far;
sets that beat it are added (column generation). In the end only sets that can be part of a better plan are left: all of
them are enumerated, and HiGHS chooses.

Cost. Grows with the length of borders, not with the number of plans: a second or two for 60 to 100 atoms. Work is
counted in nodes, so the answer is the same on any machine unless the budget ends first.

Limits. Atoms up to `LARGEST`; the first finite tolerance must be there. A bound found on the way is true even where
the search is given up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np

from gridgeo.network import Floats, Integers
from gridgeo.partition.search import kernel, sets
from gridgeo.partition.search.answer import ROUNDING
from gridgeo.partition.search.budget import Budget
from gridgeo.partition.search.level import compiled_loops
from gridgeo.partition.search.problem import Aim, Graph
from gridgeo.partition.search.sets import Land, Room
from gridgeo.partition.search.solver import quiet_solver

LARGEST = 110
"""Atoms of an area that the exact model is tried on."""
NODES = 1_500_000
"""Nodes of the enumeration that one area may cost: some five seconds."""
ROOT_NODES = 0.6
"""Share of all nodes that the sets of one root may cost."""
FEW = 14
"""Atoms up to which plain Python is quick enough."""
MOST_SETS = 4_000
"""Sets that are given to HiGHS at most."""
MASTER_NODES = 500
"""Nodes that HiGHS may take to choose among sets."""
PATIENCE = 300.0
"""Seconds on the wall after which HiGHS is stopped; its nodes end it long before, unless the machine is broken."""
ROUNDS = 150
"""Times that the worth of the atoms is worked out at most."""
EXACTLY = 1e-7
"""Differences of value below this are rounding."""


@dataclass(frozen=True)
class Proof:
    """What the exact model found.

    Parameters
    ----------
    block : array or None
        The best plan, where one was given or found.
    value : float
        Of the plan; infinite where there is none.
    bound : float
        No plan in balance has a lower value; infinite where it is proven that there is none.
    nodes : int
        Of the enumeration.
    out_of_time : bool
        Whether HiGHS took longer than anyone waits for: another machine might have found more.
    """

    block: Integers | None
    value: float
    bound: float
    nodes: int
    out_of_time: bool = False


class Model:
    """An area whose plans are chosen among sets of atoms; loads and prices as `in_units` makes them."""

    def __init__(self, graph: Graph, aim: Aim, most_sets: int = MOST_SETS) -> None:
        size = len(graph)
        self.count, self.size, self.most_sets = aim.count, size, most_sets
        loops = compiled_loops() if size > FEW else kernel
        self.plain = loops is kernel
        self.loops = sets if self.plain else loops
        # a sweep across the longer side: earlier atoms wall off the later ones' sets
        sweep = graph.x if np.ptp(graph.x) >= np.ptp(graph.y) else graph.y
        self.order = np.argsort(sweep, kind="stable")
        place = np.empty(size, dtype=np.int64)
        place[self.order] = np.arange(size)
        load, tolerance, extra = _with_mean(graph.load[self.order], np.array(aim.tolerance, dtype=np.float64))
        pairs = place[graph.pairs]
        count = len(pairs)
        ends = np.concatenate([pairs, pairs[:, ::-1]])
        rows = np.lexsort((ends[:, 1], ends[:, 0]))
        back = np.empty(2 * count, dtype=np.int64)
        back[rows] = np.arange(2 * count)
        price = np.maximum(graph.cost, 0.0)
        walk = np.where(graph.cost < 0, -1, graph.passable.astype(np.int64))
        area, x, y = graph.area[self.order], graph.x[self.order], graph.y[self.order]
        self.load = load
        self.step = _common_step(price) if aim.compact == 0 and aim.mild == 0 else 0.0
        self.land = Land(
            start=self._column(np.searchsorted(ends[rows, 0], np.arange(size + 1))),
            near=self._column(ends[rows, 1]),
            twin=self._column(back[(rows + count) % (2 * count)] if count else rows),
            half=self._column(np.concatenate([price, price])[rows] / 2),
            walk=self._column(np.concatenate([walk, walk])[rows]),
            load=self._column(load.ravel()),
            lower=self._column(1.0 - tolerance - ROUNDING / 10),
            upper=self._column(1.0 + tolerance + ROUNDING / 10),
            area=self._column(area),
            mx=self._column(area * x),
            my=self._column(area * y),
            inertia=self._column(graph.inertia[self.order] + area * (x * x + y * y)),
            attributes=load.shape[1],
            extra=extra,
            compact=float(aim.compact),
            mild=float(aim.mild),
        )

        def whole() -> Any:
            return self._column(np.zeros(size, dtype=np.int64))

        def real(length: int) -> Any:
            return self._column(np.zeros(length))

        self.room = Room(
            status=whole(),
            worth=real(size),
            visit=whole(),
            way=whole(),
            back=whole(),
            leaving=real(2 * count),
            inner=real(size),
            outer=real(size),
            stack=whole(),
            phase=whole(),
            mark=whole(),
            queue=whole(),
            held=real(load.shape[1]),
            state=self._column(np.zeros(4, dtype=np.int64)),
        )
        self.sets: Any = np.zeros((most_sets, size), dtype=np.uint8)
        self.values: Any = self._column(np.zeros(most_sets))
        self.nodes = 0

    def _column(self, values: Floats | Integers) -> Any:
        """Return numbers as the loops want them."""
        kind = np.float64 if values.dtype.kind == "f" else np.int64
        array = np.ascontiguousarray(values, dtype=kind)
        return array.tolist() if self.plain else array

    def value(self, chosen: Integers) -> float:
        """Return what a set (1 for each atom in it, in the order of the sweep) costs as a block."""
        for atom in range(self.size):
            self.room.status[atom] = int(chosen[atom])
        for t in range(self.load.shape[1]):
            self.room.held[t] = float(self.load[chosen == 1, t].sum())
        return float(self.loops.set_value(self.land, self.room, self.size))

    def find(
        self, worth: Floats, root: int, dearest: float, shrinking: bool, limit: int
    ) -> list[tuple[Integers, float]]:
        """Return the sets with this root whose value less worth is below ``dearest``; raise `_TooMuch`."""
        self.room.state[0] = 0
        given = self._column(worth)
        lean = float(worth.sum()) / self.count
        found = self.loops.find_sets(
            self.land, self.room, given, lean, root, dearest, int(shrinking), limit, self.sets, self.values
        )
        self.nodes += int(self.room.state[0])
        if found < 0:
            raise _TooMuch
        return [(self.sets[at].astype(np.int64), float(self.values[at])) for at in range(found)]


class _TooMuch(Exception):  # noqa: N818
    """The enumeration was given up."""


def _with_mean(load: Floats, tolerance: Floats) -> tuple[Floats, Floats, int]:
    """Put the mean of all bounded attributes first, by which bounds are made; returns how many columns were added."""
    bounded = np.isfinite(tolerance) & (load.sum(axis=0) > 0)
    tolerance = np.where(bounded, tolerance, math.inf)
    if len(tolerance) == 1:
        return load, tolerance, 0
    mean = load[:, bounded].mean(axis=1) if bounded.any() else load[:, 0]
    limit = tolerance[bounded].mean() if bounded.any() else math.inf
    return np.column_stack([mean, load]), np.concatenate([[limit], tolerance]), 1


def _common_step(price: Floats) -> float:
    """Return the price of which all prices are whole multiples, where there are few multiples of it; else 0."""
    positive = price[price > 0]
    if not len(positive):
        return 0.0
    step = float(positive.min())
    times = price / step
    return step if np.allclose(times, np.rint(times), rtol=0, atol=1e-9) and times.max() <= 20 else 0.0


class _Master:
    """The linear programme of the sets known so far, with the worth of atoms kept in a box."""

    def __init__(self, size: int, count: int) -> None:
        self.size = size
        self.solver = quiet_solver()
        none, nothing = np.empty(0, dtype=np.int32), np.empty(0)
        for _ in range(size):
            self.solver.addRow(1.0, 1.0, 0, none, nothing)
        self.solver.addRow(float(count), float(count), 0, none, nothing)
        for atom in range(size):
            for side in (1.0, -1.0):
                self.solver.addCol(0.0, 0.0, math.inf, 1, np.array([atom], dtype=np.int32), np.array([side]))

    def add(self, chosen: Integers, value: float) -> None:
        """Add a set."""
        rows = np.append(np.flatnonzero(chosen), self.size).astype(np.int32)
        self.solver.addCol(value, 0.0, math.inf, len(rows), rows, np.ones(len(rows)))

    def solve(self, middle: Floats, width: float) -> tuple[Floats, float, bool]:
        """Return the worth of each atom and of a block, and whether the box held none of them back."""
        costs = np.column_stack([middle + width, width - middle]).ravel()
        self.solver.changeColsCost(2 * self.size, np.arange(2 * self.size, dtype=np.int32), costs)
        self.solver.run()
        solution = self.solver.getSolution()
        dual = np.array(solution.row_dual, dtype=np.float64)
        free = float(np.abs(np.array(solution.col_value[: 2 * self.size])).max()) < EXACTLY
        return dual[: self.size], float(dual[self.size]), free


def prove(
    graph: Graph,
    aim: Aim,
    plans: Sequence[Integers],
    *,
    nodes: int = NODES,
    budget: Budget | None = None,
    most_sets: int = MOST_SETS,
) -> Proof:
    """Find the best plan of a small area, or how much better one could be.

    Parameters
    ----------
    graph : Graph
        Loads in fair shares, prices in sides of a block (`gridgeo.partition.search.solve.in_units`).
    aim : Aim
    plans : sequence of arrays
        Plans in balance and in one piece a block: the better they are, the quicker is the proof.
    nodes : int
        How many nodes the enumeration may take.
    budget : Budget, optional
        Ends the work too.
    most_sets : int
        How many sets HiGHS may have to choose among.
    """
    model = Model(graph, aim, most_sets)
    budget = budget or Budget(math.inf)
    best, value = None, math.inf
    known: dict[bytes, float] = {}
    master = _Master(model.size, model.count)

    def learn(chosen: Integers, worth: float) -> bool:
        key = chosen.astype(np.uint8).tobytes()
        if key in known:
            return False
        known[key] = worth
        master.add(chosen, worth)
        return True

    for plan in plans:
        swept = plan[model.order]
        parts = [(swept == number).astype(np.int64) for number in range(model.count)]
        values = [model.value(part) for part in parts]
        for part, its in zip(parts, values, strict=True):
            learn(part, its)
        if math.fsum(values) < value:
            best, value = plan, math.fsum(values)
    priced: _Priced | None = None
    try:
        priced = _worth(model, master, learn, value, nodes, budget)
        bound = priced.bound
    except _Stopped as stopped:
        bound = stopped.bound
    try:
        if known and not _settled(model, bound, value):
            # the sets known by now may make a better plan, and then fewer sets are left to be looked for
            sets_known = [np.frombuffer(key, dtype=np.uint8).astype(np.int64) for key in known]
            chosen, its, _ = _cover(model, sets_known, list(known.values()))
            if chosen is not None and its < value - EXACTLY:
                best, value = chosen, its
        if _settled(model, bound, value):
            return Proof(best, value, value, model.nodes)
        if priced is None:
            return Proof(best, value, max(0.0, bound), model.nodes)
        chosen, its, done = _choose(model, priced, value, nodes, budget)
    except _Stopped as stopped:
        return Proof(best, value, max(0.0, bound, stopped.bound), model.nodes)
    except _OutOfTime:
        return Proof(best, value, max(0.0, bound), model.nodes, out_of_time=True)
    if chosen is not None and its < value - EXACTLY:
        best, value = chosen, its
    return Proof(best, value, value if done else bound, model.nodes)


class _OutOfTime(Exception):  # noqa: N818
    """HiGHS took longer than anyone waits for."""


class _Stopped(Exception):  # noqa: N818
    """The proof was given up, with this bound."""

    def __init__(self, bound: float) -> None:
        super().__init__(bound)
        self.bound = bound


def _settled(model: Model, bound: float, value: float) -> bool:
    """Tell whether nothing is better than a value, given a bound."""
    if model.step > 0 and math.isfinite(bound):
        bound = model.step * math.ceil(bound / model.step - EXACTLY)
    return bound >= value - EXACTLY


def _goal(model: Model, value: float) -> float:
    """Return the bound from which on nothing is better."""
    return value - model.step + 2 * EXACTLY * max(model.step, 1.0) if model.step > 0 else value


@dataclass(frozen=True)
class _Priced:
    """Worth of atoms, the least value less worth of any set with each root, and the bound that follows.

    The first atom is the root of one set, every other atom of one at most: what the atoms are worth, the least of the
    first root and the least of as many others as there are blocks more is what a plan costs at least.
    """

    worth: Floats
    least: Floats
    bound: float

    @classmethod
    def of(cls, worth: Floats, least: Floats, count: int) -> _Priced:
        """Return the bound that follows from the least of each root."""
        return cls(
            worth, least, math.fsum([*worth.tolist(), float(least[0]), *np.sort(least[1:])[: count - 1].tolist()])
        )

    def dearest(self, goal: float, count: int) -> Floats:
        """Return for each root what a set may cost less its worth to be part of a plan below the goal."""
        rest = np.sort(self.least[1:])[: count - 1]
        dearest = np.minimum(rest[-1], self.least) if len(rest) else self.least.copy()
        dearest[0] = self.least[0]
        return np.asarray(dearest + (goal - self.bound))


def _worth(model: Model, master: _Master, learn: Any, value: float, nodes: int, budget: Budget) -> _Priced:
    """Find what the atoms are worth: column generation in a box around the worth with the best bound."""
    count = model.count
    share = model.load[:, 0] / count
    if math.isinf(value):
        return _Priced(share * 0.0, share * 0.0, 0.0)
    goal = _goal(model, value)
    middle = worth = share * goal * 0.9
    best = _Priced(worth, share * 0.0, -math.inf)
    width = 0.5 * goal / model.size
    price, free = math.inf, False
    for _ in range(ROUNDS):
        if budget.over:
            raise _Stopped(best.bound)
        dearest = min((goal - float(worth.sum())) / count, price) + EXACTLY
        least, fresh = np.full(model.size, dearest), 0
        # later roots have fewer sets: where these show that the bound gets no better, the first roots can wait
        for root in range(model.size - 1, -1, -1):
            try:
                found = model.find(worth, root, dearest, True, min(int(ROOT_NODES * nodes), nodes - model.nodes))
            except _TooMuch:
                raise _Stopped(best.bound) from None
            for chosen, its in found:
                least[root] = min(least[root], its - float(worth[chosen == 1].sum()))
                fresh += learn(chosen, its)
            if fresh and _Priced.of(worth, least, count).bound <= best.bound + EXACTLY:
                break
        priced = _Priced.of(worth, least, count)
        if priced.bound > best.bound + EXACTLY:
            best, middle = priced, worth + share * (priced.bound - float(worth.sum()))
            width *= 1.3
        else:
            width *= 0.7
        if best.bound >= goal - EXACTLY:
            break
        if not fresh and (free or width < 1e-4 * goal / model.size):
            break
        worth, price, free = master.solve(middle, width)
    return best


def _choose(
    model: Model, priced: _Priced, value: float, nodes: int, budget: Budget
) -> tuple[Integers | None, float, bool]:
    """Choose among all sets that may be part of a better plan; returns a plan, its value, whether that is proven."""
    dearest = priced.dearest(_goal(model, value), model.count) + EXACTLY
    able: list[Integers] = []
    values: list[float] = []
    for root in range(model.size):
        if budget.over:
            raise _Stopped(priced.bound)
        try:
            found = model.find(
                priced.worth, root, float(dearest[root]), False, min(int(ROOT_NODES * nodes), nodes - model.nodes)
            )
        except _TooMuch:
            raise _Stopped(priced.bound) from None
        able += [chosen for chosen, _ in found]
        values += [its for _, its in found]
        if len(able) > model.most_sets:
            raise _Stopped(priced.bound)
    plan, its, done = _cover(model, able, values)
    if not done:
        raise _Stopped(priced.bound)
    return plan, its, True


def _cover(model: Model, able: Sequence[Integers], values: Sequence[float]) -> tuple[Integers | None, float, bool]:
    """Choose sets so that every atom lies in one, at the least value; tells also whether that is sure.

    HiGHS is limited in nodes, not in time, so that it says the same on any machine.
    """
    solver = quiet_solver()
    none, nothing = np.empty(0, dtype=np.int32), np.empty(0)
    for _ in range(model.size):
        solver.addRow(1.0, 1.0, 0, none, nothing)
    solver.addRow(float(model.count), float(model.count), 0, none, nothing)
    for chosen, its in zip(able, values, strict=True):
        rows = np.append(np.flatnonzero(chosen), model.size).astype(np.int32)
        solver.addCol(its, 0.0, 1.0, len(rows), rows, np.ones(len(rows)))
    every = np.arange(len(able), dtype=np.int32)
    solver.changeColsIntegrality(len(able), every, np.full(len(able), highspy.HighsVarType.kInteger))
    solver.setOptionValue("mip_rel_gap", 0.0)
    solver.setOptionValue("mip_abs_gap", EXACTLY)
    solver.setOptionValue("mip_max_nodes", MASTER_NODES)
    solver.setOptionValue("time_limit", PATIENCE)
    if able:
        solver.run()
    status = solver.getModelStatus()
    if status == highspy.HighsModelStatus.kTimeLimit:
        raise _OutOfTime
    if not able or status == highspy.HighsModelStatus.kInfeasible:
        return None, math.inf, True
    if status != highspy.HighsModelStatus.kOptimal:
        return None, math.inf, False
    taken = [at for at, much in enumerate(solver.getSolution().col_value) if much > 0.5]
    block = np.empty(model.size, dtype=np.int64)
    for number, at in enumerate(taken):
        block[model.order[able[at] == 1]] = number
    return block, math.fsum(values[at] for at in taken), True
