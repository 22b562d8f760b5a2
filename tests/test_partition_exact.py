"""What users may rely on in a proof: it agrees with the enumeration of all plans, and it is the same anywhere."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridgeo.partition.blocks import even_out, group
from gridgeo.partition.search import Aim, Graph, Rules, search
from gridgeo.partition.search.bound import packed_bound
from gridgeo.partition.search.budget import Budget
from gridgeo.partition.search.evenest import CLOSE, evenest
from gridgeo.partition.search.exact import Model, prove
from gridgeo.partition.search.level import loops_for
from gridgeo.partition.search.polish import polish
from gridgeo.partition.search.solve import in_units
from tests.test_partition_search import cut, deviation, lattice, pieces

PLAIN = {"compact": 0.0, "mild": 0.0}


def priced(columns: int, rows: int, seed: int, attributes: int = 1) -> Graph:
    """Return a lattice with uneven prices and some borders that nobody can cross."""
    rng = np.random.default_rng(seed)
    graph = lattice(columns, rows, attributes, seed)
    while True:
        passable = rng.random(len(graph.pairs)) < 0.85
        walled = replace(graph, passable=passable, cost=rng.uniform(0.2, 3.0, len(graph.pairs)))
        if pieces(walled, np.zeros(len(graph), dtype=np.int64)) == 1:
            return walled


def plans(graph: Graph, count: int, tolerance: float) -> list[np.ndarray]:
    """Return all plans in balance with each block in one piece."""
    found = []
    for labels in itertools.product(range(count), repeat=len(graph) - 1):
        block = np.array((0, *labels))
        # each plan once: blocks are numbered in the order of their first atoms
        firsts = [labels.index(number) for number in range(1, count) if number in labels]
        if len(firsts) < count - 1 or firsts != sorted(firsts):
            continue
        if deviation(graph, block, count).max() <= tolerance + 1e-9 and pieces(graph, block) == count:
            found.append(block)
    return found


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 9999), count=st.integers(2, 3), tolerance=st.sampled_from([0.1, 0.25, 0.5]))
def test_the_lower_bound_is_the_price_of_the_cheapest_of_all_plans(seed: int, count: int, tolerance: float) -> None:
    graph = priced(3, 3, seed, attributes=1 + seed % 2)
    tolerances = (tolerance,) * graph.load.shape[1]
    every = plans(graph, count, tolerance)
    answer = search(graph, Aim(count, tolerances, **PLAIN), seed=seed)
    if (graph.load > (1 + tolerance) * graph.load.sum(axis=0) / count).any():
        return  # an atom too heavy for any block counts as a full one: another problem
    if not every:
        assert answer.impossible
        assert not answer.balanced
        return
    least = min(cut(graph, block) for block in every)
    assert answer.proof == "proven"
    assert answer.balanced
    assert math.isclose(answer.price, least)
    assert math.isclose(answer.lower_bound, least)


@pytest.mark.parametrize("seed", range(4))
def test_shapes_and_mild_imbalance_are_proven_too(seed: int) -> None:
    graph = lattice(3, 3, seed=seed)
    aim = Aim(3, (0.5,), compact=1.0, mild=3.0)
    units = in_units(graph, aim)
    every = plans(graph, 3, 0.5)
    model = Model(units, aim)
    values = [
        math.fsum(model.value((block[model.order] == number).astype(np.int64)) for number in range(3))
        for block in every
    ]
    proof = prove(units, aim, [search(graph, aim, seed=1).block])
    assert math.isclose(proof.value, min(values))
    assert math.isclose(proof.bound, min(values))


def test_an_area_of_sixty_atoms_is_proven() -> None:
    graph = lattice(10, 6, seed=1)
    answer = search(graph, Aim(4, (0.05,), **PLAIN), seed=3)
    assert (answer.proof, answer.price, answer.lower_bound) == ("proven", 18.0, 18.0)
    assert pieces(graph, answer.block) == 4
    assert deviation(graph, answer.block, 4).max() <= 0.05 + 1e-9


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 9999), count=st.integers(2, 4))
def test_the_smallest_tolerance_is_that_of_the_most_even_of_all_plans(seed: int, count: int) -> None:
    graph = priced(3, 3, seed, attributes=1 + seed % 2)
    several = graph.load.shape[1]
    begin = search(graph, Aim(count, (0.01,) * several), seed=0).block
    before = deviation(graph, begin, count)
    block, least = even_out(graph, begin, tolerance=(0.01,) * several)
    # one attribute after the other, each held to what was found or, until its turn, to what the plan began with
    limits = np.maximum(before, 0.01)
    every = np.array([deviation(graph, plan, count) for plan in plans(graph, count, math.inf)])
    for each in least:
        able = (np.delete(every, each.column, axis=1) <= np.delete(limits, each.column) + 1e-7).all(axis=1)
        most_even = every[able][:, each.column].min()
        assert each.proven
        assert each.below <= most_even + 1e-9
        assert most_even <= each.met + 1e-9 <= most_even + CLOSE + 2e-9
        limits[each.column] = each.met
    assert pieces(graph, block) == count
    assert (deviation(graph, block, count) <= limits + 1e-7).all()


def test_where_no_proof_can_be_had_what_was_ruled_out_is_told() -> None:
    graph = lattice(8, 5, seed=1)
    block = np.arange(40) // 8 * 0 + (np.arange(40) % 8 >= 3)
    found = evenest(
        graph, 2, block.astype(np.int64), column=0, means=[graph.load.sum() / 2], tolerance=[0.05], nodes=50
    )
    assert not found.proven
    assert found.below < found.tolerance == deviation(graph, block, 2).max()


def test_what_roundness_costs_is_a_gap() -> None:
    graph = lattice(8, 5, seed=1)
    cheapest = search(graph, Aim(4, (0.1,), **PLAIN), seed=0)
    round_ones = search(graph, Aim(4, (0.1,), compact=30.0), seed=0)
    assert cheapest.proof == "proven"
    assert round_ones.lower_bound == pytest.approx(cheapest.price)
    assert round_ones.price >= cheapest.price
    assert round_ones.gap == pytest.approx(1 - cheapest.price / round_ones.price)


def test_a_demanded_border_is_part_of_the_proof() -> None:
    graph = lattice(4, 3, seed=2)
    rules = Rules(apart=[(5, 6)], together=[np.array([0, 1])])
    grouping = group(graph, 2, tolerance=[0.3], seed=0, rules=rules)
    assert grouping.block[5] != grouping.block[6]
    assert grouping.answer is not None
    able = [block for block in plans(graph, 2, 0.3) if block[5] != block[6] and block[0] == block[1]]
    # the demanded border itself is free
    assert grouping.answer.lower_bound <= min(cut(graph, block) for block in able) - 1 + 1e-9


def test_a_given_up_proof_still_has_a_true_bound() -> None:
    graph = lattice(10, 6, seed=1)
    aim = Aim(4, (0.05,), **PLAIN)
    units = in_units(graph, aim)
    side = math.sqrt(60 / 4)
    plan = search(graph, aim, seed=3).block
    bounds = [prove(units, aim, [plan], nodes=nodes).bound * side for nodes in (0, 20_000, 100_000)]
    assert all(bound <= 18.0 + 1e-6 for bound in bounds)
    assert bounds == sorted(bounds)
    assert bounds[-1] > 9.0


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 9999), count=st.integers(2, 3), passes=st.integers(1, 40))
def test_no_plan_is_below_the_packed_bound(seed: int, count: int, passes: int) -> None:
    graph = priced(3, 3, seed, attributes=1 + seed % 2)
    aim = Aim(count, (0.3,) * graph.load.shape[1], **PLAIN)
    every = plans(graph, count, 0.3)
    if not every or (graph.load > 1.3 * graph.load.sum(axis=0) / count).any():
        return
    bound = packed_bound(in_units(graph, aim), aim, loops_for(0), passes=passes) * math.sqrt(9 / count)
    assert bound <= min(cut(graph, block) for block in every) + 1e-9


def test_the_packed_bound_is_close_and_the_same_compiled_and_plain() -> None:
    graph = lattice(10, 6, seed=1)
    aim = Aim(4, (0.05,), **PLAIN)
    plain, compiled = (packed_bound(in_units(graph, aim), aim, loops_for(work)) for work in (0, 10**9))
    assert plain == compiled
    assert 13.0 < compiled * math.sqrt(15) <= 18.0


def test_an_area_too_large_for_a_proof_has_a_gap() -> None:
    answer = search(lattice(16, 10, seed=2), Aim(8, (0.1,), **PLAIN), seed=0, effort=0.3)
    assert answer.balanced
    assert answer.proof == "gap"
    assert 0.0 < answer.gap < 0.45
    assert answer.lower_bound < answer.price


def test_polishing_mends_what_single_atoms_cannot() -> None:
    """Two strips that run the long way are cut the short way: no atom can go over alone within the tolerance."""
    rows, columns = 4, 10
    graph = lattice(columns, rows, seed=0)
    graph = replace(graph, load=np.ones((len(graph), 1)))
    block = (np.arange(len(graph)) // columns >= rows // 2).astype(np.int64)
    aim = Aim(2, (0.01,), **PLAIN)
    better = list(polish(in_units(graph, aim), aim, block, budget=Budget(), nodes=200_000))
    assert cut(graph, block) == columns
    assert cut(graph, better[-1]) == rows
    assert pieces(graph, better[-1]) == 2
    assert deviation(graph, better[-1], 2).max() <= 0.01


def test_polishing_never_breaks_a_block_or_the_balance() -> None:
    graph = priced(14, 10, seed=3)
    aim = Aim(7, (0.1,), compact=1.0)
    first = search(graph, aim, seed=0, effort=0.02)
    assert first.balanced
    before = cut(graph, first.block)
    for block in polish(
        in_units(graph, replace(aim, compact=0.0, mild=0.0)),
        replace(aim, compact=0.0, mild=0.0),
        first.block,
        budget=Budget(),
    ):
        assert pieces(graph, block) == 7
        assert deviation(graph, block, 7).max() <= 0.1 + 1e-9
        assert cut(graph, block) < before
        before = cut(graph, block)


def test_a_budget_that_is_over_still_gives_a_plan() -> None:
    graph = lattice(20, 15, seed=4)
    answer = search(graph, Aim(5, (0.1,)), seed=2, seconds=0.0)
    assert answer.ended == "budget"
    assert pieces(graph, answer.block) == 5
    assert sorted(set(answer.block.tolist())) == list(range(5))


def test_an_interrupt_gives_the_best_plan_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter(range(1000))

    class Impatient(Budget):
        @property
        def over(self) -> bool:
            if next(looks) == 1:
                raise KeyboardInterrupt
            return False

    monkeypatch.setattr("gridgeo.partition.search.solve.Budget", Impatient)
    graph = lattice(20, 15, seed=4)
    answer = search(graph, Aim(5, (0.1,)), seed=2)
    assert answer.ended == "interrupted"
    assert pieces(graph, answer.block) == 5
    assert answer.balanced
