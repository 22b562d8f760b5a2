"""What users may rely on in the search for blocks: one piece, in balance, rules honoured, the same plan anywhere."""

import itertools
import math
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridgeo._numba_cache import is_kept
from gridgeo.language import use_language
from gridgeo.network import groups
from gridgeo.partition import crew
from gridgeo.partition.blocks import group
from gridgeo.partition.search import Aim, Graph, Rules, level, search
from gridgeo.partition.search.level import Level, loops_for
from gridgeo.partition.search.pool import Pool
from gridgeo.partition.search.solve import in_units
from gridgeo.progress import showing_progress

ROOT = str(Path(__file__).parents[1])


def lattice(columns: int, rows: int, attributes: int = 1, seed: int = 0) -> Graph:
    """Return a town of square atoms with some borders missing, like streets with dead ends."""
    rng = np.random.default_rng(seed)
    number = np.arange(columns * rows).reshape(rows, columns)
    pairs = np.concatenate(
        [
            np.stack([number[:, :-1].ravel(), number[:, 1:].ravel()], axis=1),
            np.stack([number[:-1].ravel(), number[1:].ravel()], axis=1),
        ]
    )
    load = rng.integers(1, 9, (columns * rows, attributes)).astype(np.float64)
    return graph_of(load, pairs, number.ravel() % columns, number.ravel() // columns)


def graph_of(load: np.ndarray, pairs: np.ndarray, x: np.ndarray, y: np.ndarray) -> Graph:
    size, count = len(load), len(pairs)
    return Graph(
        load=load,
        area=np.ones(size),
        x=np.asarray(x, dtype=np.float64),
        y=np.asarray(y, dtype=np.float64),
        pairs=pairs,
        cost=np.ones(count),
        passable=np.ones(count, dtype=np.bool_),
    )


def pieces(graph: Graph, block: np.ndarray) -> int:
    walk = graph.pairs[graph.passable]
    return int(groups(len(graph), walk[block[walk[:, 0]] == block[walk[:, 1]]]).max()) + 1


def cut(graph: Graph, block: np.ndarray) -> float:
    sides = block[graph.pairs]
    return float(graph.cost[sides[:, 0] != sides[:, 1]].sum())


def deviation(graph: Graph, block: np.ndarray, count: int) -> np.ndarray:
    held = np.stack([np.bincount(block, weights=column, minlength=count) for column in graph.load.T], axis=1)
    return np.asarray(np.abs(held / (graph.load.sum(axis=0) / count) - 1).max(axis=0))


@settings(max_examples=12, deadline=None)
@given(columns=st.integers(2, 8), rows=st.integers(2, 7), count=st.integers(1, 6), seed=st.integers(0, 999))
def test_blocks_are_as_many_as_asked_and_each_in_one_piece(columns: int, rows: int, count: int, seed: int) -> None:
    graph = lattice(columns, rows, seed=seed)
    block = search(graph, Aim(count, (0.2,)), seed=seed).block
    expected = min(count, len(graph))
    assert sorted(set(block.tolist())) == list(range(expected))
    assert pieces(graph, block) == expected


def fewest(graph: Graph, count: int, tolerance: float) -> float:
    """Return the fewest cut edges of all plans in balance and in one piece a block."""
    best = math.inf
    for labels in itertools.product(range(count), repeat=len(graph) - 1):
        block = np.array((0, *labels))
        if (
            len(set(block.tolist())) == count
            and deviation(graph, block, count).max() <= tolerance + 1e-9
            and (value := cut(graph, block)) < best
            and pieces(graph, block) == count
        ):
            best = value
    return best


@pytest.mark.parametrize(("seed", "count"), [(1, 2), (2, 2), (3, 2), (4, 3), (5, 3)])
def test_on_small_graphs_no_plan_is_better(seed: int, count: int) -> None:
    columns, rows = (4, 3) if count == 2 else (3, 3)
    graph = lattice(columns, rows, seed=seed)
    least = fewest(graph, count, 0.2)
    block = search(graph, Aim(count, (0.2,), compact=0.0, mild=0.0), seed=1).block
    assert deviation(graph, block, count).max() <= 0.2 + 1e-9
    assert cut(graph, block) == least


def test_three_attributes_are_balanced_at_once() -> None:
    graph = lattice(20, 15, attributes=3, seed=4)
    block = search(graph, Aim(5, (0.05, 0.05, 0.05), compact=0.0), seed=2, effort=0.15).block
    assert pieces(graph, block) == 5
    assert (deviation(graph, block, 5) <= 0.05).all()


def test_each_attribute_has_its_own_tolerance() -> None:
    graph = lattice(12, 10, attributes=2, seed=5)
    block = search(graph, Aim(4, (0.02, math.inf)), seed=2, effort=0.2).block
    assert deviation(graph, block, 4)[0] <= 0.02


def test_dead_end_yards_move_with_the_lane_that_leads_to_them() -> None:
    """On a comb every atom but the tips is a bridge: atom by atom nothing could move."""
    teeth, depth = 12, 5
    number = np.arange(teeth * depth).reshape(teeth, depth)
    pairs = np.concatenate(
        [
            np.stack([number[:-1, 0], number[1:, 0]], axis=1),
            np.stack([number[:, :-1].ravel(), number[:, 1:].ravel()], axis=1),
        ]
    )
    graph = graph_of(np.ones((teeth * depth, 1)), pairs, number.ravel() // depth, number.ravel() % depth)
    block = search(graph, Aim(4, (0.01,), compact=0.0), seed=0).block
    assert deviation(graph, block, 4)[0] == 0
    assert cut(graph, block) == 3


def test_rules_are_honoured() -> None:
    graph = lattice(8, 6, seed=3)
    rules = Rules(together=[np.array([0, 1, 2, 3, 4])], joined=[(20, 21)], apart=[(40, 41), (12, 13)])
    block = group(graph, 4, tolerance=[0.2], seed=1, rules=rules).block
    assert len(set(block[:5].tolist())) == 1
    assert block[20] == block[21]
    assert block[40] != block[41]
    assert block[12] != block[13]
    assert pieces(graph, block) == 4
    assert deviation(graph, block, 4)[0] <= 0.2


def test_the_graph_is_not_changed() -> None:
    graph = lattice(6, 6)
    before = [np.copy(value) for value in vars(graph).values()]
    search(graph, Aim(3, (0.1,)), seed=1)
    assert all(np.array_equal(one, other) for one, other in zip(before, vars(graph).values(), strict=True))


SCRIPT = """
import sys
from tests.test_partition_search import lattice
from gridgeo.partition.search import Aim, search
block = search(lattice(12, 12, attributes=2, seed=9), Aim(5, (0.1, 0.2)), seed=5, effort=0.01).block
print("".join(map(str, block.tolist())))
"""


def test_plain_and_compiled_loops_give_the_same_plan_in_any_process() -> None:
    pytest.importorskip("numba")
    said = set()
    for engine, hash_seed in (("numpy", "0"), ("numba", "1"), ("numpy", "4711")):
        run = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={**os.environ, "GRIDGEO_ENGINE": engine, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": ROOT},
            capture_output=True, text=True, check=True, cwd=ROOT,
        )  # fmt: skip
        said.add(run.stdout)
    assert len(said) == 1


def test_the_first_search_on_a_computer_says_that_it_compiles(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("numba")
    said = []
    for kept, remarks, language in ((False, True, "en"), (False, True, "zh"), (False, False, "en"), (True, True, "en")):
        monkeypatch.setattr(level, "are_kept", lambda kept=kept: kept)
        with use_language(language), showing_progress(False, remarks=remarks):  # type: ignore[arg-type]
            level.compiled_loops.__wrapped__()
        said.append(capsys.readouterr().err)
    assert said == [
        "compiling the search, once for this computer (about 20 seconds)\n",
        "正在编译搜索程序（约 20 秒，本机只需一次）\n",
        "",
        "",
    ]


def test_loops_are_kept_where_numba_keeps_them_and_no_older_than_their_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, elsewhere = tmp_path / "loops.py", tmp_path / "elsewhere"
    source.touch()
    elsewhere.mkdir()
    (beside := tmp_path / "__pycache__").mkdir()
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)

    def kept() -> bool:
        return is_kept(source, "anneal", lambda: SimpleNamespace(stats=SimpleNamespace(cache_path=str(elsewhere))))

    assert not kept()
    (beside / "loops.anneal-12.py311.nbi").touch()
    assert kept()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(elsewhere))
    assert not kept()
    (elsewhere / "loops.anneal-12.py311.nbi").touch()
    assert kept()
    os.utime(source, (later := time.time() + 10, later))
    assert not kept()


def test_of_several_processes_one_compiles_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(crew, "are_kept", lambda: False)
    monkeypatch.setattr(crew, "compiled_loops", lambda: done.append("compiled"))
    monkeypatch.setattr(crew, "WORTH_A_PROCESS", 1.0)
    monkeypatch.setattr(crew, "_in_processes", lambda tasks, order, *_: done.append("begun") or iter(()))
    tasks = [crew.Task(lattice(12, 12), 5, (0.1,), seed=0) for _ in range(2)]
    with pytest.raises(KeyError):  # nobody has solved them
        crew.solve_all(tasks, jobs=2, seconds=60.0)
    assert done == ["compiled", "begun"]


def test_bred_plans_are_in_one_piece_and_in_balance_though_atoms_are_heavy() -> None:
    graph = lattice(20, 16, seed=6)
    random = np.random.default_rng(0)
    load = graph.load.copy()
    load[random.choice(len(load), 24, replace=False)] *= 8  # a third of a block each
    uneven = replace(graph, load=load, cost=random.choice([1.0, 3.0, 8.0], len(graph.pairs)))
    aim = Aim(10, (0.05,))
    block = search(uneven, aim, seed=1, effort=0.5).block
    assert pieces(uneven, block) == 10
    assert deviation(uneven, block, 10).max() <= 0.05 + 1e-9
    assert block.tobytes() == search(uneven, aim, seed=1, effort=0.5).block.tobytes()


@pytest.mark.parametrize("seed", [3, 4])
def test_a_plan_in_balance_is_found_though_dear_borders_lie_between(seed: int) -> None:
    graph = lattice(12, 10, seed=seed)
    walled = replace(graph, cost=np.random.default_rng(seed).choice([1.0, 30.0], len(graph.pairs)))
    answer = search(walled, Aim(16, (0.05,)), seed=0, effort=0.1, nodes=1)
    assert answer.balanced
    assert pieces(walled, answer.block) == 16
    assert deviation(walled, answer.block, 16).max() <= 0.05 + 1e-9


@pytest.mark.parametrize(("seed", "compact"), [(1, 0.0), (2, 1.0)])
def test_what_a_pool_puts_together_is_no_worse_than_any_plan_it_has_seen(seed: int, compact: float) -> None:
    graph = lattice(9, 8, attributes=2, seed=seed)
    aim = Aim(6, (0.2, 0.3), compact=compact, mild=3 * compact)
    units = in_units(graph, aim)
    pool, least = Pool(units, aim), math.inf
    for start in range(40):
        run = Level(units, aim, loops_for(10**9), seen=pool.learn)
        run.work.state[0] = start
        run.begin(run.start())
        run.anneal(1500, 0.8, 0.1)
        pool.learn(run.plan_found())
        if run.score[0] <= 0:
            least = min(least, run.score[1])
    block = pool.best(math.inf)
    assert block is not None
    assert pieces(graph, block) == 6
    assert (deviation(graph, block, 6) <= np.array([0.2, 0.3]) + 1e-9).all()
    run.begin(block)
    found = run.loops.objective_of(run.net, run.rule, run.plan)
    assert found <= least + 1e-9
    # of the blocks seen there is no better plan, so what was found is not found again
    assert pool.best(found) is None


def test_rounds_of_breeding_find_the_same_plan_from_any_seed() -> None:
    graph = lattice(10, 8, seed=3)
    random = np.random.default_rng(3)
    load = graph.load.copy()
    load[random.choice(len(load), 12, replace=False)] *= 6  # half a block each
    uneven = replace(graph, load=load, cost=random.choice([1.0, 3.0, 8.0], len(graph.pairs)))
    aim = Aim(8, (0.05,))
    answers = [search(uneven, aim, seed=seed, nodes=1) for seed in (0, 1)]
    assert answers[0].price == pytest.approx(answers[1].price)
    for answer in answers:
        assert answer.balanced
        assert pieces(uneven, answer.block) == 8
        assert answer.lower_bound <= answer.price
