"""What a user may rely on of rebalancing: little moves, in balance, every block in one piece, same seed same plan."""

from __future__ import annotations

import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gridgeo.diff import diff_plans
from gridgeo.errors import InputError
from gridgeo.network import groups
from gridgeo.partition import delineate_blocks
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


def test_delineate_blocks_starts_from_the_old_plan() -> None:
    area = gpd.GeoDataFrame({"id": ["310112114001"]}, geometry=[shapely.box(0, 0, 1200, 1000)], crs="EPSG:32651")
    lines = [shapely.LineString([(x, -9), (x, 1009)]) for x in range(100, 1200, 100)]
    lines += [shapely.LineString([(-9, y), (1209, y)]) for y in range(100, 1000, 100)]
    lanes = gpd.GeoDataFrame({"rank": ["lane"] * len(lines)}, geometry=lines, crs=area.crs)
    spots = [shapely.Point(x, y) for x in range(50, 1200, 100) for y in range(50, 1000, 100)]
    people = gpd.GeoDataFrame({"workload": [100.0] * len(spots)}, geometry=spots, crs=area.crs)
    old = delineate_blocks(area, lanes, workload=people, count=6, tolerance=0.1)
    same = delineate_blocks(area, lanes, workload=people, tolerance=0.1, previous=old, move_price=3000)
    assert same.to_wkb().equals(old.to_wkb())
    more = people.copy()
    more.loc[more.geometry.x < 300, "workload"] = 130.0
    new = delineate_blocks(area, lanes, workload=more, tolerance=0.1, previous=old)
    found = diff_plans(old, new, people=more, people_column="workload")
    assert found.moved_people < 0.2 * found.people
    assert sorted(new["code"]) == sorted(old["code"])
    assert new.attrs["summary"]["retired"] == []
    assert abs(new["workload"] / new["workload"].mean() - 1).max() <= 0.1
    with pytest.raises(InputError, match="serial"):
        delineate_blocks(area, lanes, previous=old.drop(columns="serial"))
