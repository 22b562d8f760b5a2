"""What users may rely on in the network kernel: what meets, what cuts, and which rivers can be crossed."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from shapely import LineString, Polygon, box

from gridgeo.errors import InputError
from gridgeo.network import NO_RANK, RANKS, Arrangement, as_barriers, node, on_the_ground


def barriers(*rows: tuple[str, list[tuple[float, float]], int]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"rank": [rank for rank, _, _ in rows], "level": [level for *_, level in rows]},
        geometry=[LineString(points) for _, points, _ in rows],
    )


def lengths_by_rank(arrangement: Arrangement) -> dict[str, float]:
    words = [*RANKS, "border"]
    found = np.bincount(arrangement.rank, weights=arrangement.lengths, minlength=NO_RANK + 1)
    return {word: round(float(metres), 6) for word, metres in zip(words, found, strict=True) if metres > 0}


def test_lines_that_cross_meet_and_keep_their_ranks() -> None:
    lines = barriers(("road", [(0, 5), (10, 5)], 0), ("lane", [(5, 0), (5, 10)], 0))
    arrangement = node(as_barriers(lines))
    assert sorted(arrangement.degrees.tolist()) == [1, 1, 1, 1, 4]
    assert lengths_by_rank(arrangement) == {"road": 10, "lane": 10}


def test_the_strongest_rank_wins_where_barriers_run_together() -> None:
    lines = barriers(("lane", [(0, 0), (10, 0)], 0), ("main-road", [(2, 0), (6, 0)], 0), ("road", [(4, 0), (9, 0)], 0))
    assert lengths_by_rank(node(as_barriers(lines))) == {"main-road": 4, "road": 3, "lane": 3}


def test_a_border_without_a_barrier_stays_a_border() -> None:
    arrangement = node(as_barriers(barriers(("road", [(-5, 0), (15, 0)], 0))), [box(0, 0, 10, 10)])
    edges = arrangement.edges()
    assert set(edges["rank"]) == {"road", "border"}
    assert edges.loc[edges["rank"] == "border"].length.sum() == pytest.approx(30)
    assert edges.loc[edges["border"]].length.sum() == pytest.approx(40)


def test_edges_name_their_barrier() -> None:
    lines = barriers(("road", [(0, 5), (10, 5)], 0), ("river", [(5, 0), (5, 10)], 0)).assign(name=["A", "B"])
    edges = node(as_barriers(lines)).edges()
    assert edges[["rank", "name"]].value_counts().to_dict() == {("road", "A"): 2, ("river", "B"): 2}


def test_vertices_of_the_input_keep_their_coordinates_to_the_last_bit() -> None:
    rng = np.random.default_rng(5)
    corners = rng.uniform(300_000, 301_000, (3, 2)) + 1 / 3
    grid = Polygon(corners)
    lines = barriers(("lane", [tuple(point) for point in rng.uniform(300_000, 301_000, (20, 2))], 0))
    arrangement = node(as_barriers(lines), [grid])
    known = arrangement.vertex >= 0
    assert (arrangement.points[known] == shapely.get_coordinates(grid)[arrangement.vertex[known]]).all()
    found = {tuple(point) for point in arrangement.points.tolist()}
    assert {tuple(point) for point in corners.tolist()} <= found
    assert {tuple(point) for point in shapely.get_coordinates(lines.geometry.to_numpy()).tolist()} <= found


def test_no_two_segments_cross() -> None:
    rng = np.random.default_rng(8)
    lines = barriers(*[("lane", [tuple(p) for p in rng.uniform(0, 100, (2, 2))], 0) for _ in range(40)])
    arrangement = node(as_barriers(lines))
    segments = shapely.linestrings(arrangement.lattice[arrangement.segments].astype(float))
    one, other = shapely.STRtree(segments).query(segments, predicate="crosses")
    assert not len(one), (one, other)


def test_lines_within_a_micrometre_are_one() -> None:
    lines = barriers(("road", [(0, 0), (10, 0)], 0), ("lane", [(0, 4e-7), (5, 3e-7), (10, 4e-7)], 0))
    assert lengths_by_rank(node(as_barriers(lines))) == {"road": 10}


STREET = ("road", [(0, 0), (100, 0)], 0)


@pytest.mark.parametrize(
    ("over", "under", "cuts"),
    [
        pytest.param([(100, 0), (160, 0)], ("river", [(130, -50), (130, 50)], 0), True, id="short bridge over a river"),
        pytest.param([(100, 0), (160, 0)], ("road", [(130, -50), (130, 50)], 0), True, id="overpass of the street"),
        pytest.param([(50, 0), (50, 60)], ("road", [(40, 30), (60, 30)], 0), False, id="flyover over a road"),
        pytest.param([(100, 0), (260, 0)], ("river", [(130, -50), (130, 50)], 0), False, id="long bridge"),
        pytest.param([(101, 0), (160, 0)], ("river", [(130, -50), (130, 50)], 0), False, id="bridge from nowhere"),
    ],
)
def test_which_bridges_cut(
    over: list[tuple[float, float]], under: tuple[str, list[tuple[float, float]], int], cuts: bool
) -> None:
    lines = barriers(STREET, ("road", over, 1), ("road", [over[-1], (400, 0)], 0), under)
    assert on_the_ground(as_barriers(lines).lines).tolist() == [True, cuts, True, True]


def test_a_long_viaduct_in_short_pieces_does_not_cut() -> None:
    pieces = [("road", [(100 + 60 * i, 0), (160 + 60 * i, 0)], 1) for i in range(3)]
    lines = barriers(STREET, *pieces, ("road", [(280, 0), (400, 0)], 0))
    assert on_the_ground(as_barriers(lines).lines).tolist() == [True, False, False, False, True]


def test_tunnels_and_culverts_do_not_cut() -> None:
    lines = barriers(
        STREET, ("road", [(100, 0), (150, 0)], -1), ("road", [(150, 0), (300, 0)], 0), ("river", [(0, 9), (9, 9)], -1)
    )
    assert on_the_ground(as_barriers(lines).lines).tolist() == [True, False, True, False]


@pytest.mark.parametrize(
    ("street", "level", "joined"),
    [
        pytest.param([(0, 0), (20, 0)], 0, True, id="a street over the river"),
        pytest.param([(0, 0), (10, 0)], 0, False, id="a street that ends at the river"),
        pytest.param([(-500, 0), (500, 0)], 1, True, id="a long bridge"),
        pytest.param([(-500, 0), (500, 0)], -1, False, id="a tunnel"),
    ],
)
def test_rivers_are_joined_where_streets_cross_them(
    street: list[tuple[float, float]], level: int, joined: bool
) -> None:
    lines = barriers(("river", [(10, -10), (10, 10)], 0), ("lane", street, level))
    arrangement = node(as_barriers(lines))
    assert bool(arrangement.joined.any()) is joined


def test_at_a_confluence_only_the_crossed_arm_is_joined() -> None:
    arms = [("river", [(0, 0), (0, 50)], 0), ("river", [(0, 0), (-50, -50)], 0), ("river", [(0, 0), (50, -50)], 0)]
    lines = barriers(*arms, ("lane", [(-30, 10), (0, 0), (30, 10)], 0))
    arrangement = node(as_barriers(lines))
    crossed = arrangement.points[arrangement.segments[arrangement.joined]]
    assert crossed.tolist() == [[[0, 0], [0, 50]]]


def test_polygons_are_barriers_along_their_outline() -> None:
    table = gpd.GeoDataFrame({"rank": ["river"]}, geometry=[box(4, -5, 6, 15)])
    assert lengths_by_rank(node(as_barriers(table), [box(0, 0, 10, 10)]))["river"] == 44


def test_barriers_of_no_use_are_all_named_at_once() -> None:
    table = gpd.GeoDataFrame(
        {"rank": ["motorway", "lane"]}, geometry=[LineString([(0, 0), (1, 1)]), shapely.Point(0, 0)]
    )
    with pytest.raises(InputError) as caught:
        as_barriers(table)
    assert len(caught.value.problems) == 2
    assert "motorway" in str(caught.value)
    with pytest.raises(InputError, match="rank"):
        as_barriers(table.drop(columns="rank"))


def test_nothing_gives_nothing() -> None:
    empty = gpd.GeoDataFrame({"rank": []}, geometry=[])
    assert len(node(as_barriers(empty)).edges()) == 0
    assert len(node(as_barriers(empty), [box(0, 0, 1, 1)]).segments) == 4
