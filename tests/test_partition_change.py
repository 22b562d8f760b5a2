"""What a user may rely on of rebalancing: little moves, in balance, every block in one piece, same seed same plan."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from gridgeo.network import groups
from gridgeo.partition.rebalance import Point, pick

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from change import TOLERANCE, grown, measured, town


@pytest.fixture(scope="module")
def found() -> tuple[Point, Point, list[Point]]:
    return measured(side=18, count=6, effort=0.4)


def test_growth_moves_little_where_a_fresh_plan_moves_much(found: tuple[Point, Point, list[Point]]) -> None:
    stale, fresh, points = found
    chosen = pick(points, [TOLERANCE], most_moved=0.05)
    assert stale.worst > TOLERANCE
    assert chosen.worst <= TOLERANCE
    assert chosen.moved <= 0.05 < fresh.moved


def test_blocks_stay_in_one_piece(found: tuple[Point, Point, list[Point]]) -> None:
    graph = grown(town(18))
    for each in found[2]:
        same = each.block[graph.pairs[:, 0]] == each.block[graph.pairs[:, 1]]
        assert len(np.unique(groups(len(graph), graph.pairs[same]))) == 6


def test_same_seed_same_plan(found: tuple[Point, Point, list[Point]]) -> None:
    again = measured(side=18, count=6, effort=0.4)[2]
    assert all((one.block == two.block).all() for one, two in zip(found[2], again, strict=True))


def test_a_price_buys_less_change(found: tuple[Point, Point, list[Point]]) -> None:
    assert found[2][-1].moved <= found[2][0].moved
