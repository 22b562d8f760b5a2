"""Borders onto barriers: what runs beside a road comes to lie on it, and a tiling stays a tiling."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import shapely.affinity
from hypothesis import given, settings
from hypothesis import strategies as st

import gridgeo
from gridgeo.repair.align import Alignment, align_borders, planned
from gridgeo.repair.arcs import Arcs
from gridgeo.repair.plan import Feature
from gridgeo.sample import sample_town

GUELPH = Path(__file__).parents[2] / "shared" / "data" / "guelph" / "guelph.gpkg"

CRS = "EPSG:32651"
TOLERANCE = 5.0
SPACING = 120.0


def street_town(seed: int, size: int = 4, jitter: float = 3.5, merged: float = 0.25, origin: float = 0.0) -> tuple:
    """Make blocks whose inner borders run beside bent streets, some blocks of several cells, and the streets."""
    random = np.random.default_rng(seed)
    corner = np.stack(np.meshgrid(np.arange(size + 1.0), np.arange(size + 1.0), indexing="ij"), -1) * SPACING + origin
    corner[1:-1, 1:-1] += random.uniform(-20, 20, (size - 1, size - 1, 2))

    def bent(begin: np.ndarray, stop: np.ndarray) -> np.ndarray:
        share = np.linspace(0, 1, 5)[:, None]
        run = stop - begin
        course = begin + share * run
        course[1:-1] += random.uniform(-6, 6, 3)[:, None] * np.array([-run[1], run[0]]) / np.hypot(*run)
        return course

    streets, borders = [], []
    shaken: dict[tuple[float, float], np.ndarray] = {}

    def beside(course: np.ndarray) -> np.ndarray:
        line = shapely.segmentize(shapely.LineString(course), random.uniform(8, 40))
        places = shapely.get_coordinates(line)
        for place in places[[0, -1]]:
            inner = ((place > origin + 1) & (place < origin + size * SPACING - 1)).all()
            shaken.setdefault(tuple(place), place + random.uniform(-jitter, jitter, 2) / 1.5 * inner)
        places[1:-1] += random.uniform(-jitter, jitter, (len(places) - 2, 2)) / 1.5
        places[0], places[-1] = shaken[tuple(course[0])], shaken[tuple(course[-1])]
        return places

    for i in range(size + 1):
        for j in range(size):
            for begin, stop, outer in (
                (corner[i, j], corner[i, j + 1], i in (0, size)),
                (corner[j, i], corner[j + 1, i], i in (0, size)),
            ):
                course = np.stack([begin, stop]) if outer else bent(begin, stop)
                if not outer:
                    streets.append(shapely.LineString(course))
                borders.append(shapely.LineString(course if outer else beside(course)))
    cells = shapely.get_parts(shapely.polygonize(borders))
    group = np.arange(len(cells))
    for cell in range(len(cells)):
        if random.random() < merged:
            touching = np.flatnonzero(
                shapely.length(shapely.intersection(shapely.boundary(cells), shapely.boundary(cells[cell]))) > 1
            )
            group[cell] = group[random.choice(touching)]
    blocks = [shapely.coverage_union_all(cells[group == one]) for one in np.unique(group)]
    blocks = np.array(list(blocks), object)
    ranks = np.array(["main-road", "road", "lane"])[random.integers(0, 3, len(streets))]
    return blocks, gpd.GeoDataFrame({"rank": ranks}, geometry=streets, crs=CRS)


def assert_promises(blocks: np.ndarray, streets: gpd.GeoDataFrame, aligned: Alignment, tolerance: float) -> None:
    """Assert what holds after every alignment."""
    after = aligned.polygons
    assert shapely.is_valid(after).all()
    assert shapely.coverage_is_valid(after)
    report = gridgeo.validate_tiling(
        gpd.GeoDataFrame({"id": range(len(after))}, geometry=after, crs=CRS), within=shapely.union_all(blocks)
    )
    assert report.ok, report.to_text("en")
    # the outer border is the same, vertex for vertex
    assert outer_edges(after) == outer_edges(blocks)
    # who has not changed is the very same
    for number, (old, new) in enumerate(zip(blocks, after, strict=True)):
        assert (number in aligned.changed) == (not shapely.equals_exact(old, new, 0.0, normalize=True))
    # areas given and taken add up
    gain = np.zeros(len(blocks))
    for _, area, giver, taker in aligned.handovers:
        gain[giver] -= area
        gain[taker] += area
    assert np.abs(gain - (shapely.area(after) - shapely.area(blocks))).max() < 1e-6
    assert aligned.after >= aligned.before - 1e-9
    # once more changes nothing
    again = align_borders(after, streets, tolerance=tolerance)
    assert again.changed == ()
    assert all(one is other for one, other in zip(again.polygons, after, strict=True))


def outer_edges(polygons: np.ndarray) -> set:
    arcs = Arcs.of(polygons)
    outer = [course for course, *sides in zip(arcs.courses, arcs.left, arcs.right, strict=True) if min(sides) < 0]
    return {
        tuple(sorted([tuple(one), tuple(other)]))
        for course in outer
        for one, other in zip(course[:-1].tolist(), course[1:].tolist(), strict=True)
    }


def off(aligned: Alignment, streets: gpd.GeoDataFrame) -> float:
    """Return how far the inner borders that don't end on the outer border are off the streets at most."""
    arcs = Arcs.of(aligned.polygons)
    inner = (arcs.left >= 0) & (arcs.right >= 0)
    outer = np.unique(np.concatenate([arcs.start[~inner], arcs.end[~inner]]))
    inner &= ~np.isin(arcs.start, outer) & ~np.isin(arcs.end, outer)
    vertices = shapely.points(shapely.get_coordinates(arcs.lines()[inner]))
    return float(shapely.distance(vertices, shapely.union_all(streets.geometry)).max(initial=0.0))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 5), st.sampled_from([0.0, 3_450_000.0]))
def test_jittered_borders_come_to_lie_on_the_streets(seed: int, size: int, origin: float) -> None:
    blocks, streets = street_town(seed, size, origin=origin)
    aligned = align_borders(blocks, streets, tolerance=TOLERANCE)
    assert_promises(blocks, streets, aligned, TOLERANCE)
    assert aligned.stays == ()
    assert off(aligned, streets) < 2e-9
    if len(blocks) > 1:
        assert aligned.after > 0.8
        assert max(stretch.moved for stretch in aligned.stretches) < 2 * TOLERANCE


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([2.0, 5.0, 12.0]))
def test_where_streets_are_missing_borders_leave_and_join_the_others(seed: int, tolerance: float) -> None:
    blocks, streets = street_town(seed, 4)
    random = np.random.default_rng(seed)
    some = streets[random.random(len(streets)) < 0.6]
    aligned = align_borders(blocks, some, tolerance=tolerance)
    assert_promises(blocks, some, aligned, tolerance)
    assert max((stretch.moved for stretch in aligned.stretches), default=0.0) < 3 * tolerance


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_locked_polygons_stay_to_the_bit_and_the_rest_is_aligned(seed: int) -> None:
    blocks, streets = street_town(seed, 4)
    locked = {0, len(blocks) // 2}
    aligned = align_borders(blocks, streets, tolerance=TOLERANCE, locked=locked)
    assert not locked & set(aligned.changed)
    assert all(aligned.polygons[number] is blocks[number] for number in locked)
    assert shapely.coverage_is_valid(aligned.polygons)
    again = align_borders(aligned.polygons, streets, tolerance=TOLERANCE, locked=locked)
    assert again.changed == ()


def test_the_same_input_gives_the_same_bits() -> None:
    blocks, streets = street_town(3)
    one, other = (align_borders(blocks, streets, tolerance=TOLERANCE) for _ in range(2))
    assert [p.wkb for p in one.polygons] == [p.wkb for p in other.polygons]
    assert one.stretches == other.stretches


def beside(course: list[tuple[float, float]], width: float = 100.0) -> list[shapely.Polygon]:
    """Make two polygons, west and east of a course from south to north, both `width` wide."""
    (_, south), (_, north) = course[0], course[-1]
    west = shapely.Polygon([(-width, south), *course, (-width, north)])
    return [west, shapely.Polygon([(width, south), (width, north), *course[::-1]])]


def road(*lines: list[tuple[float, float]], ranks: list[str] | None = None) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"rank": ranks or ["road"] * len(lines)}, geometry=[shapely.LineString(line) for line in lines], crs=CRS
    )


def border(aligned: Alignment) -> shapely.LineString:
    return shapely.line_merge(shapely.intersection(*aligned.polygons[:2]))


def test_a_border_partly_along_a_road_leaves_it_by_a_short_leg() -> None:
    aligned = align_borders(beside([(0, 0), (2, 40), (2, 160), (60, 200)]), road([(0, -10), (0, 150)]), tolerance=5.0)
    course = border(aligned)
    on_the_road = course.intersection(shapely.LineString([(0, 0), (0, 150)]).buffer(1e-9))
    assert 135 < on_the_road.length <= 150
    turns = [turn(*corner) for corner in zip(course.coords, course.coords[1:], course.coords[2:], strict=False)]
    assert max(turns) < 90  # no spike
    assert shapely.Point(2, 160).distance(course) < 1e-9  # off the road nothing moves


def turn(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    """Return by how many degrees the course from `a` to `c` turns in `b`."""
    one, other = np.subtract(b, a), np.subtract(c, b)
    return float(np.degrees(np.arccos(np.clip(one @ other / np.hypot(*one) / np.hypot(*other), -1, 1))))


def test_a_border_that_only_crosses_a_road_stays() -> None:
    blocks = beside([(0, 0), (1, 100), (0, 200)])
    aligned = align_borders(blocks, road([(-90, 95), (90, 95)]), tolerance=5.0)
    assert aligned.changed == ()
    assert aligned.stretches == ()
    assert aligned.stays == ()


def test_the_stronger_of_two_barriers_wins_though_the_other_is_nearer() -> None:
    roads = road([(1, -10), (1, 210)], [(-3, -10), (-3, 210)], ranks=["lane", "main-road"])
    aligned = align_borders(beside([(0, 0), (0.5, 60), (0, 130), (0, 200)]), roads, tolerance=5.0)
    assert border(aligned).intersection(shapely.LineString([(-3, 0), (-3, 200)])).length > 180


def test_lanes_do_not_count_where_stronger_barriers_are_asked_for() -> None:
    blocks = beside([(0, 0), (2, 100), (0, 200)])
    aligned = align_borders(blocks, road([(1, -10), (1, 210)], ranks=["lane"]), tolerance=5.0, least_rank="road")
    assert aligned.changed == ()


def test_a_street_polygon_does_not_vanish_on_its_centre_line() -> None:
    west, street, east = shapely.box(-90, 0, -3, 200), shapely.box(-3, 0, 3, 200), shapely.box(3, 0, 90, 200)
    aligned = align_borders([west, street, east], road([(0, -10), (0, 210)]), tolerance=5.0)
    assert aligned.changed == ()
    assert {frozenset((stay.left, stay.right)) for stay in aligned.stays} == {frozenset((0, 1)), frozenset((1, 2))}
    assert all(stay.why.en and stay.why.zh for stay in aligned.stays)


def test_kerb_lines_and_edges_may_be_asked_for() -> None:
    blocks = beside([(5, 0), (5.6, 70), (4.6, 130), (5, 200)])
    kerb = align_borders(blocks, road([(0, -10), (0, 210)]), tolerance=2.0, line="kerb", width=10.0)
    assert border(kerb).equals(shapely.LineString([(5, 0), (5, 200)]))
    given_width = road([(0, -10), (0, 210)]).assign(lanes=[9.0])
    narrower = align_borders(blocks, given_width, tolerance=2.0, line="kerb", width="lanes")
    assert border(narrower).intersection(shapely.LineString([(4.5, 0), (4.5, 200)])).length > 180
    river = gpd.GeoDataFrame({"rank": ["river"]}, geometry=[shapely.box(-8, -10, 5, 210)], crs=CRS)
    bank = align_borders(blocks, river, tolerance=2.0, line="edge")
    assert border(bank).equals(shapely.LineString([(5, 0), (5, 200)]))
    assert align_borders(blocks, road([(5, -10), (5, 210)]), tolerance=2.0, line="edge").changed == ()


def test_an_island_in_a_block_goes_onto_the_ring_road_around_it() -> None:
    ring = shapely.Point(0, 0).buffer(60, quad_segs=6).exterior
    places = shapely.get_coordinates(ring)[:-1] * np.random.default_rng(1).uniform(
        0.96, 1.04, (len(ring.coords) - 1, 1)
    )
    island = shapely.Polygon(places)
    blocks = [shapely.box(-100, -100, 100, 100).difference(island), island]
    streets = gpd.GeoDataFrame({"rank": ["lane"]}, geometry=[ring], crs=CRS)
    aligned = align_borders(blocks, streets, tolerance=5.0)
    assert aligned.polygons[1].symmetric_difference(shapely.Polygon(ring)).area < 1e-6
    assert_promises(np.array(blocks, object), streets, aligned, 5.0)


def test_a_layer_that_is_no_coverage_keeps_its_faulty_borders() -> None:
    west, east = beside([(0, 0), (2, 100), (0, 200)])
    overlapping = shapely.affinity.translate(east, -1.0)
    aligned = align_borders([west, overlapping, None], road([(1, -10), (1, 210)]), tolerance=5.0)
    assert aligned.changed == ()
    assert aligned.polygons.tolist() == [west, overlapping, None]


def shaken(polygons: np.ndarray, amount: float, seed: int) -> np.ndarray:
    """Return a coverage with its inner borders shaken, all vertices and junctions, by up to `amount`."""
    random = np.random.default_rng(seed)
    arcs = Arcs.of(polygons)
    inner = (arcs.left >= 0) & (arcs.right >= 0)
    least = np.minimum(shapely.length(arcs.lines()) / 6, amount)
    most = np.full(len(arcs.junctions), amount)
    for ends in (arcs.start, arcs.end):
        np.minimum.at(most, ends, np.where(inner, least, 0.0))
    junctions = arcs.junctions + random.uniform(-0.7, 0.7, arcs.junctions.shape) * most[:, None]
    courses = {}
    for arc in np.flatnonzero(inner).tolist():
        line = shapely.segmentize(shapely.simplify(shapely.LineString(arcs.courses[arc]), 1.0), 25.0)
        course = shapely.get_coordinates(line)
        course += random.uniform(-0.7, 0.7, course.shape) * least[arc]
        course[0], course[-1] = junctions[arcs.start[arc]], junctions[arcs.end[arc]]
        courses[arc] = course
    shaken = polygons.copy()
    for number, polygon in arcs.rebuild(courses).items():
        shaken[number] = polygon
    return shaken


def assert_comes_back(blocks: gpd.GeoDataFrame, barriers: gpd.GeoDataFrame, amount: float, tolerance: float) -> None:
    """Assert that drafted blocks stay, and that they come back to their barriers when they were shaken."""
    drafted = blocks.geometry.to_numpy()
    still = align_borders(drafted, barriers, tolerance=tolerance)
    moved = shaken(drafted, amount, seed=1)
    while not (shapely.is_valid(moved).all() and shapely.coverage_is_valid(moved)):
        amount *= 0.8
        moved = shaken(drafted, amount, seed=1)
    aligned = align_borders(moved, barriers, tolerance=tolerance)
    assert shapely.is_valid(aligned.polygons).all()
    assert shapely.coverage_is_valid(aligned.polygons)
    assert outer_edges(aligned.polygons) == outer_edges(moved)
    assert aligned.before < 0.05
    assert aligned.after > still.before - 0.03
    assert align_borders(aligned.polygons, barriers, tolerance=tolerance).changed == ()
    assert still.changed == ()


def test_blocks_of_the_sample_town_come_back_when_they_were_shaken() -> None:
    town = sample_town(polygons=60, seed=2)
    layers = [town.layers[key].to_crs(town.metric) for key in ("town", "roads", "rivers")]
    extent, roads, rivers = layers
    barriers = pd.concat([roads.assign(rank="road"), rivers.assign(rank="river")])[["rank", "geometry"]]
    blocks = gridgeo.delineate_blocks(extent, barriers, count=20)
    assert_comes_back(blocks, barriers.to_crs(blocks.crs), amount=4.0, tolerance=6.0)


@pytest.mark.skipif(not GUELPH.exists(), reason="the streets of Guelph are not here")
def test_blocks_of_a_real_town_come_back_when_they_were_shaken() -> None:
    extent, roads = (gpd.read_file(GUELPH, layer=name).to_crs(32617) for name in ("boundary", "roads"))
    kinds = {"primary": "main-road", "secondary": "main-road", "tertiary": "road", "residential": "lane"}
    barriers = roads.assign(rank=roads["type"].map(kinds), level=roads["bridge"].astype(int))
    barriers = barriers[barriers["rank"].notna()][["rank", "level", "geometry"]]
    blocks = gridgeo.delineate_blocks(extent, barriers, count=40)
    assert_comes_back(blocks, barriers.to_crs(blocks.crs), amount=5.0, tolerance=8.0)


def test_a_plan_tells_each_stretch_and_each_region_once() -> None:
    blocks, streets = street_town(5)
    aligned = align_borders(blocks, streets, tolerance=TOLERANCE)
    features = [Feature("blocks", str(number)) for number in range(len(blocks))]
    actions, left = planned(aligned, features, first=7)
    assert left == []
    assert [action.number for action in actions] == list(range(7, 7 + len(aligned.stretches)))
    told = [transfer for action in actions for transfer in action.transfers]
    assert sum(transfer.area for transfer in told) == pytest.approx(sum(each.area for each in aligned.handovers))
    assert all(action.mend == "align" and 0 < action.moved < 2 * TOLERANCE for action in actions)
