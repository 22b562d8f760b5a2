"""What a user may demand of blocks: sizes, tolerances, wishes about borders; clear answers where it can't be."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
from shapely import LineString, Point, box

from gridgeo import InputError, delineate_blocks
from gridgeo.errors import Problem
from gridgeo.language import Message
from gridgeo.partition import WorkloadSource, crew
from gridgeo.partition.demand import Demand
from gridgeo.partition.spots import Spot, in_output_crs
from tests.test_partition_search import lattice

CRS = None  # metres
CELLS, STEP = 8, 100


def table(geometry: list[shapely.Geometry], **columns: object) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=geometry, crs=CRS)


AREA = table([box(0, 0, CELLS * STEP, CELLS * STEP)], id=["310112114001"], name=["杜行"])
LANES = table(
    [LineString([(at, -9), (at, CELLS * STEP + 9)]) for at in range(STEP, CELLS * STEP, STEP)]
    + [LineString([(-9, at), (CELLS * STEP + 9, at)]) for at in range(STEP, CELLS * STEP, STEP)],
    rank=["lane"] * (2 * CELLS - 2),
)
SPOTS = [Point(x + 50, y + 50) for x in range(0, CELLS * STEP, STEP) for y in range(0, CELLS * STEP, STEP)]
PEOPLE = table(SPOTS, people=[float(20 + (7 * at) % 30) for at in range(len(SPOTS))])
SHOPS = table(SPOTS, shops=[float((5 * at) % 13) for at in range(len(SPOTS))])


def off(values: object) -> float:
    numbers = np.asarray(values, dtype=float)
    return float(np.abs(numbers / numbers.mean() - 1).max())


def block_at(blocks: gpd.GeoDataFrame, x: float, y: float) -> str:
    return str(blocks["code"][blocks.contains(Point(x, y))].iloc[0])


def draft(**demands: object) -> gpd.GeoDataFrame:
    given = {"workload": {"people": PEOPLE}, "count": 4, "tolerance": 0.15} | demands
    return delineate_blocks(AREA, LANES, **given)  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------------------- how large, how even


def test_each_attribute_keeps_its_own_tolerance() -> None:
    blocks = draft(
        workload={"people": PEOPLE, "shops": SHOPS, "streets": "street-length"},
        tolerance={"people": 0.06, "shops": 0.12, "streets": 0.15, "area": 0.2},
    )
    assert off(blocks["people"]) <= 0.06
    assert off(blocks["shops"]) <= 0.12
    assert off(blocks["streets"]) <= 0.15
    assert off(blocks["area"]) <= 0.2
    balance = blocks.attrs["summary"]["balance"]
    assert {name: told["tolerance"] for name, told in balance.items()} == {
        "people": 0.06,
        "shops": 0.12,
        "streets": 0.15,
        "area": 0.2,
    }
    assert all(told["worst_deviation"] <= told["tolerance"] for told in balance.values())


def test_a_source_brings_its_tolerance_and_the_rest_is_summed() -> None:
    blocks = draft(
        workload={"people": WorkloadSource(PEOPLE, "people"), "shops": WorkloadSource(SHOPS, "shops", tolerance=0.1)}
    )
    assert off(blocks["shops"]) <= 0.1
    assert off(blocks["people"]) <= 0.15
    assert blocks["workload"].sum() == PEOPLE["people"].sum() + SHOPS["shops"].sum()


def test_streets_are_measured_and_shared_between_both_sides() -> None:
    blocks = draft(workload={"streets": "street-length"}, count=1)
    assert blocks["streets"].sum() == pytest.approx(14 * CELLS * STEP)


def test_a_size_says_how_many_blocks() -> None:
    blocks = draft(count=None, size=(300, 500))
    held = blocks["people"]
    assert len(blocks) == 6  # 2,192 people: five blocks would have 438 each, nearer to 500 than six with 365 to 300
    assert held.between(300, 500).all()


@pytest.mark.parametrize(("total", "blocks"), [(1000, 3), (799, 2), (450, 1), (120, 1), (4000, 10)])
def test_the_number_of_blocks_puts_their_mean_well_inside_the_size(total: float, blocks: int) -> None:
    assert Demand(size=(300, 500)).blocks(total) == blocks


def test_presets() -> None:
    homes = {"households": PEOPLE.rename(columns={"people": "households"})}
    community = draft(workload=homes, count=None, preset="community", tolerance=0.2)
    assert community["households"].between(300, 500).all()
    micro = draft(workload=homes, count=None, preset="micro", tolerance=0.2)
    assert micro["households"].between(30, 100).all()
    cell = draft(workload=homes, count=None, preset="cell", tolerance=0.2)
    assert len(cell) == CELLS**2
    with pytest.raises(InputError, match="counts households"):
        draft(count=None, preset="community")


def test_the_nearest_is_drafted_and_said_where_no_number_fits() -> None:
    warnings: list[Problem] = []
    blocks = draft(workload={"people": PEOPLE.iloc[:16]}, count=None, size=(400, 500), warnings=warnings)
    assert len(blocks) in (1, 2)
    total = PEOPLE["people"].iloc[:16].sum()
    assert any(f"the grid holds {total:.6g}" in problem.text("en") for problem in warnings)


def test_what_cannot_be_met_says_what_can() -> None:
    heavy = PEOPLE.copy()
    heavy.loc[0, "people"] = 900.0
    warnings: list[Problem] = []
    draft(workload={"people": heavy}, count=8, warnings=warnings)
    said = [problem.text("en") for problem in warnings]
    assert any("the piece at 50, 50 alone holds 900" in text for text in said)
    (uneven,) = [text for text in said if "a block is" in text]
    # the heavy piece alone is a block: nothing can be more even than that
    alone = 900 / (heavy["people"].sum() / 8) - 1
    assert f"a tolerance of {np.ceil(alone * 1000) / 1000:.3f} is met and proven to be the smallest" in uneven
    assert "with 2 blocks" in uneven or "with 3 blocks" in uneven


@pytest.mark.parametrize(
    ("demands", "words"),
    [
        ({"target": 5.0}, "give one of count, target, size and preset, not count, target"),
        ({"count": 0}, "count must be a whole number"),
        ({"count": None, "size": (500.0, 300.0)}, "size must be two numbers"),
        ({"count": None, "preset": "village"}, "there is no preset 'village'"),
        ({"tolerance": {"nobody": 0.1}}, "there is no attribute 'nobody'"),
        ({"tolerance": -1.0}, "tolerance must be at least 0"),
        ({"uncut_by": "lake"}, "uncut_by must be one of river"),
        ({"jobs": 0}, "jobs must be 1 or more"),
        ({"seconds": 0.0}, "seconds must be more than 0"),
        ({"workload": {"people": "heads"}}, "there is no measure 'heads'"),
        ({"workload": {"people": WorkloadSource()}}, "give a table to count or a measure"),
        ({"borders": table([Point(1, 1)])}, "must hold lines"),
        ({"heads": table([box(0, 0, 1, 1)])}, "must hold points"),
        ({"keep_together": table([Point(1, 1)])}, "no column 'set'"),
        ({"locked": table([box(0, 0, 1, 1)])}, "need a column 'grid'"),
    ],
)
def test_bad_demands_get_one_line(demands: dict[str, object], words: str) -> None:
    with pytest.raises(InputError) as told:
        draft(**demands)
    assert words in str(told.value)
    assert len(str(told.value).splitlines()) == len(told.value.problems)


# --------------------------------------------------------------------------------------------------------------- wishes


def test_sets_stay_together_even_when_their_parts_are_no_neighbours() -> None:
    corners = table([Point(50, 50), Point(650, 50), Point(350, 750), Point(550, 750)], set=["a", "a", "b", "b"])
    blocks = draft(keep_together=corners, tolerance=0.3)
    assert block_at(blocks, 50, 50) == block_at(blocks, 650, 50)
    assert block_at(blocks, 350, 750) == block_at(blocks, 550, 750)
    assert blocks.geom_type.eq("Polygon").all()


def test_demanded_and_forbidden_borders() -> None:
    wanted, unwanted = LineString([(0, 300), (800, 300)]), LineString([(400, 300), (400, 800)])
    blocks = draft(borders=table([wanted]), no_borders=table([unwanted]), tolerance=0.3)
    inner = shapely.union_all(blocks.boundary.to_numpy())
    assert wanted.difference(inner.buffer(0.01)).length < 0.1
    cut = blocks.boundary.intersection(unwanted).length.sum()
    assert cut == pytest.approx(0.0, abs=0.1)


def test_wishes_that_contradict_or_lie_nowhere_are_told() -> None:
    warnings: list[Problem] = []
    line = table([LineString([(0, 300), (800, 300)])])
    stray = table([LineString([(0, 350), (800, 350)])])
    both = table([Point(50, 250), Point(50, 350)], set=["x", "x"])
    draft(borders=line, no_borders=stray, keep_together=both, tolerance=0.3, warnings=warnings)
    said = "\n".join(problem.text("en") for problem in warnings)
    assert "no_borders: line 1 runs along no barrier for 800 m of 800 m" in said
    assert "a border is demanded between pieces that are to stay together (set x)" in said


def test_locked_blocks_keep_their_bytes_and_the_others_share_the_rest() -> None:
    first = draft()
    kept = first.iloc[[1]]
    blocks = draft(locked=kept, seed=5)
    assert len(blocks) == 4
    assert kept.geometry.iloc[0].wkb in set(blocks.geometry.to_wkb()) or any(
        shapely.equals_exact(shape, kept.geometry.iloc[0], normalize=True) for shape in blocks.geometry
    )
    assert shapely.coverage_is_valid(blocks.geometry.to_numpy())
    assert blocks.area.sum() == pytest.approx(AREA.area.sum())


def test_no_block_crosses_a_parent() -> None:
    parents = table([box(0, 0, 330, 800), box(330, 0, 800, 800)])
    blocks = draft(parents=parents, count=5)
    assert len(blocks) == 5
    for shape in blocks.geometry:
        inside = [shape.intersection(parent).area for parent in parents.geometry]
        assert min(inside) == pytest.approx(0.0, abs=1e-6)
    assert shapely.coverage_is_valid(blocks.geometry.to_numpy())


def test_each_block_has_its_head() -> None:
    heads = table([Point(150, 150), Point(650, 150), Point(150, 650), Point(650, 650), Point(450, 450)])
    blocks = draft(heads=heads, count=None, tolerance=0.3)
    assert len(blocks) == 5
    assert len({block_at(blocks, point.x, point.y) for point in heads.geometry}) == 5


def test_two_heads_in_one_piece_are_told() -> None:
    warnings: list[Problem] = []
    heads = table([Point(150, 150), Point(160, 160), Point(650, 650)])
    blocks = draft(heads=heads, count=None, warnings=warnings)
    assert len(blocks) == 2
    assert any("2 block heads are stationed in the piece at 150, 150" in problem.text("en") for problem in warnings)


def test_a_river_cuts_no_block_where_that_is_demanded() -> None:
    river = table([LineString([(-9, 400), (809, 400)])], rank=["river"])
    bridge = table([LineString([(100, 350), (100, 450)])], rank=["lane"])
    barriers = gpd.GeoDataFrame(
        {"rank": [*LANES["rank"], *river["rank"], *bridge["rank"]]},
        geometry=[*LANES.geometry, *river.geometry, *bridge.geometry],
        crs=CRS,
    )
    free = delineate_blocks(AREA, barriers, workload={"people": PEOPLE}, count=1)
    assert len(free) == 1
    warnings: list[Problem] = []
    blocks = delineate_blocks(AREA, barriers, workload={"people": PEOPLE}, count=1, uncut_by="river", warnings=warnings)
    assert len(blocks) == 2
    assert {round(shape.bounds[1]) for shape in blocks.geometry} == {0, 400}
    assert any("leave 2 parts" in problem.text("en") for problem in warnings)


# --------------------------------------------------------------------------------------------- processes and the clock


def test_several_processes_give_the_same_plans(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = lattice(9, 9, seed=3)
    tasks = [crew.Task(graph, 6, (0.1,), seed, effort=0.2) for seed in range(2)]
    alone = crew.solve_all(tasks, jobs=2, seconds=60)
    monkeypatch.setattr(crew, "WORTH_A_PROCESS", 1.0)
    together = crew.solve_all(tasks, jobs=2, seconds=60)
    for one, other in zip(alone, together, strict=True):
        assert one.grouping.block.tolist() == other.grouping.block.tolist()


def test_less_time_gives_less_effort_and_still_a_plan() -> None:
    blocks = draft(seconds=0.001, tolerance=0.5)
    assert len(blocks) == 4
    assert blocks.to_wkb().equals(draft(seconds=0.001, tolerance=0.5).to_wkb())


def test_a_warning_says_where_in_degrees_when_the_result_is_in_degrees() -> None:
    piece = Message("the piece at {at}", "{at} 处的一片")
    told = [Problem("grid A", piece, {"at": Spot(3.6, -4.4)}), Problem("grid B", Message("none", "无"))]

    def to_degrees(points: np.ndarray) -> np.ndarray:
        return 121.5 + points / 1e5

    in_degrees = in_output_crs(told, to_degrees, pyproj.CRS("EPSG:4490"))
    assert [problem.text("en") for problem in in_degrees] == [
        "grid A: the piece at 121.50004, 121.49996",
        "grid B: none",
    ]
    in_metres = in_output_crs(told, lambda points: points + 100.0, pyproj.CRS("EPSG:4549"))
    assert in_metres[0].text("zh") == "grid A: 104, 96 处的一片"
