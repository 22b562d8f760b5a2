"""What users of the coverage kernel may rely on."""

from __future__ import annotations

import importlib.util
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import shapely
from shapely import wkt

from gridgeo.coverage import CoverageAnalysis, analyse

ROOT = Path(__file__).parent.parent
_spec = importlib.util.spec_from_file_location("fuzz_coverage", ROOT / "benchmarks" / "fuzz_coverage.py")
fuzz = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(fuzz)

HAS_NUMBA = importlib.util.find_spec("numba") is not None


def layer(*texts: str) -> np.ndarray:
    return np.array([wkt.loads(text) for text in texts], object)


def grid(columns: int, rows: int, size: float = 10.0) -> np.ndarray:
    x, y = np.meshgrid(np.arange(columns) * size, np.arange(rows) * size)
    return shapely.box(x.ravel(), y.ravel(), x.ravel() + size, y.ravel() + size)


def records(analysis: CoverageAnalysis) -> list[tuple]:
    faces = analysis.faces()
    return [
        (round(polygon.area, 9), covers.tolist(), dict(zip(borders.tolist(), lengths.tolist(), strict=True)))
        for polygon, covers, borders, lengths in zip(
            faces.polygon, faces.covers, faces.borders, faces.border_lengths, strict=True
        )
    ]


# ---------------------------------------------------------------- verdict


def test_a_sound_layer_is_valid_and_has_no_faults() -> None:
    analysis = analyse(grid(5, 4))
    assert analysis.valid
    assert len(analysis.faulty) == 0
    assert len(analysis.faces()) == 0
    assert len(analysis.missing_vertices()) == 0
    assert all(line is None for line in analysis.invalid_edges())


@pytest.mark.parametrize("seed", range(4))
def test_random_layers_agree_with_geos_and_exact_arithmetic(seed: int) -> None:
    random = np.random.default_rng(1000 + seed)
    for _ in range(500):
        polygons = fuzz.random_layer(random)
        extent = fuzz.random_extent(random, polygons)
        assert fuzz.compare(polygons, extent) == [], ([p.wkt for p in polygons], extent and extent.wkt)


def test_areas_by_cover_agree_with_exact_arithmetic() -> None:
    random = np.random.default_rng(77)
    for _ in range(60):
        polygons = fuzz.random_layer(random)
        extent = fuzz.random_extent(random, polygons)
        faces = analyse(polygons, extent=extent).faces()
        assert fuzz.disagreements(faces, polygons, extent) == [], [p.wkt for p in polygons]


def test_a_hole_that_touches_its_shell_is_no_fault() -> None:
    # GEOS flags edges of polygons 3 and 4 here, which border on nothing
    polygons = layer(
        "POLYGON((0 0,0 3,4 3,3 1,0 0))",
        "POLYGON((7 4,6 1,3 1,4 3,7 4),(4 2,5 2,5 3,4 3,4 2))",
        "POLYGON((6 1,10 1,9 4,7 4,6 1))",
        "POLYGON((0 3,4 3,4 7,0 7,0 3))",
        "POLYGON((4 3,7 4,7 6,4 3))",
    )
    analysis = analyse(polygons)
    assert analysis.valid
    assert fuzz.exact_invalid_edges(polygons) == set()
    assert [(area, covers) for area, covers, _ in records(analysis)] == [(1.0, [])]  # the hole itself


def test_a_polygon_across_a_sound_border_is_found() -> None:
    # it touches no vertex, and no single polygon holds its box
    polygons = np.append(grid(2, 1), shapely.box(8, 4, 12, 6))
    analysis = analyse(polygons)
    assert analysis.faulty.tolist() == [2]
    assert [(area, covers) for area, covers, _ in records(analysis)] == [(4.0, [0, 2]), (4.0, [1, 2])]


def test_one_unit_in_the_last_place_is_a_fault() -> None:
    step = math.nextafter(500010.0, 0)
    polygons = np.array(
        [
            shapely.box(500000, 3400000, 500010, 3400010),
            shapely.Polygon([(500010, 3400000), (500020, 3400000), (500020, 3400010), (step, 3400010)]),
        ],
        object,
    )
    analysis = analyse(polygons)
    assert not shapely.coverage_is_valid(polygons)
    assert not analysis.valid
    assert analysis.faces().covers[0].tolist() == [0, 1]
    assert 0 < analysis.faces().polygon[0].area < 1e-8


def test_a_corner_of_two_that_is_less_than_a_unit_inside_a_third_is_found() -> None:
    # exactly, the corner lies 2e-11 m inside the first: the border of the two others meets the edge of the first
    # where rounding gives the corner, so that neither overlap has an area that doubles could show
    start, end, corner = (352204.107, 3435276.935), (352208.747, 3435301.921), (352207.309289338, 3435294.179052026)
    polygons = np.array(
        [
            shapely.Polygon([start, end, (352177.217, 3435304.137), (352171.672, 3435252.396)]),
            shapely.Polygon([start, (352227.286, 3435248.226), (352227.786, 3435297.847), corner]),
            shapely.Polygon([corner, (352227.786, 3435297.847), (352225.0, 3435350.0), end]),
        ],
        object,
    )
    analysis = analyse(polygons)
    assert not shapely.coverage_is_valid(polygons)
    assert not analysis.valid
    assert len(analysis.faces()) == 0
    missing = analysis.missing_vertices()
    assert missing.point.tolist() == [list(corner)] * 2
    assert missing.holder.tolist() == [1, 2]
    assert missing.lacker.tolist() == [0, 0]
    assert missing.segment.tolist() in ([[*start, *end]] * 2, [[*end, *start]] * 2)


@pytest.mark.parametrize(("origin", "metre"), [((352000.0, 3435000.0), 1.0), ((121.5, 31.2), 1e-5)])
def test_what_is_no_coverage_always_has_a_face_or_a_missing_vertex(origin: tuple[float, float], metre: float) -> None:
    # as snapping leaves it: the common corner of two, rounded, on the slanting edge of a third
    random = np.random.default_rng(3)
    narrow = 0
    for _ in range(150):
        a = np.array(origin) + metre * random.uniform(-5, 5, 2)
        b = a + metre * np.array([random.uniform(-8, 8), random.uniform(10, 30)])
        corner = a + (b - a) * random.uniform(0.1, 0.9)
        west, low, high = metre * np.array([[-40, 0], [40, -5], [40, 5]])
        far = corner + metre * np.array([40, random.uniform(-3, 3)])
        rings = [a + west, a, b, b + west], [a, a + low, far, corner], [corner, far, b + high, b]
        polygons = np.array([shapely.Polygon(ring) for ring in rings], object)
        analysis = analyse(polygons)
        assert shapely.is_valid(polygons).all()
        assert analysis.valid == shapely.coverage_is_valid(polygons)
        missing = analysis.missing_vertices()
        assert len(analysis.faces()) or len(missing)
        assert (missing.point == corner).all()
        assert (missing.lacker == 0).all()
        narrow += not len(analysis.faces())
    assert narrow > 20


def test_none_and_empty_polygons_cover_nothing() -> None:
    polygons = np.array([None, shapely.box(0, 0, 1, 1), shapely.Polygon(), shapely.MultiPolygon(), None], object)
    analysis = analyse(polygons)
    assert analysis.valid
    assert analyse([]).valid
    assert analyse([None, shapely.Polygon()]).valid
    faces = analyse([], extent=shapely.box(0, 0, 2, 1)).faces()
    assert (faces.polygon[0].area, faces.multiplicity.tolist(), faces.enclosed.tolist()) == (2.0, [0], [False])


def test_vertex_order_heights_and_signed_zeros_do_not_matter() -> None:
    polygons = layer("POLYGON Z((0 0 1,2 0 1,2 2 1,0 2 1,0 0 1))", "POLYGON((2 0,4 0,4 2,2 2,2 0))")
    mirrored = np.array([polygons[0].reverse(), polygons[1]], object)
    negative = np.array([wkt.loads("POLYGON((-0.0 0,2 -0.0,2 2,0 2,-0.0 0))"), polygons[1]], object)
    for variant in (polygons, mirrored, negative):
        analysis = analyse(variant)
        assert analysis.valid
        assert fuzz.adjacency_of(analysis) == {(0, 1): 2.0}


def test_the_input_is_not_changed() -> None:
    polygons = np.append(grid(2, 2), shapely.box(5, 5, 25, 8))
    before = [p.wkb for p in polygons]
    analyse(polygons, extent=shapely.box(0, 0, 30, 30)).faces()
    assert [p.wkb for p in polygons] == before


@pytest.mark.parametrize(
    "text",
    [
        "POLYGON((0 0,2 2,2 0,0 2,0 0))",  # bow-tie
        "POLYGON((0 0,4 0,4 4,2 4,2 6,2 4,0 4,0 0))",  # spike
        "POLYGON((0 0,4 0,4 4,0 4,0 0),(1 1,5 1,5 2,1 2,1 1))",  # hole across the shell
        "POLYGON((0 0,1 1,2 2,0 0))",  # no area
        "POLYGON((0 0,4 0,4 4,0 4,0 0,4 0,4 4,0 4,0 0))",  # twice around
    ],
)
def test_invalid_rings_do_no_harm(text: str) -> None:
    polygons = np.append(grid(2, 2, 3.0), wkt.loads(text))
    analysis = analyse(polygons, extent=shapely.box(0, 0, 7, 7))
    analysis.invalid_edges(), analysis.faces(), analysis.missing_vertices(), analysis.adjacency()
    without = analyse(grid(2, 2, 3.0))
    assert without.valid


# ---------------------------------------------------------------- faces


def test_overlaps_of_two_and_three_are_told_apart() -> None:
    polygons = np.array([shapely.box(0, 0, 4, 4), shapely.box(2, 0, 6, 4), shapely.box(3, 0, 7, 4)], object)
    assert records(analyse(polygons)) == [
        (4.0, [0, 1], {0: 8.0, 1: 4.0, 2: 4.0}),
        (8.0, [1, 2], {0: 4.0, 1: 4.0, 2: 8.0}),
        (4.0, [0, 1, 2], {0: 4.0, 1: 8.0, 2: 4.0}),
    ]


def test_a_duplicate_is_one_face_of_both() -> None:
    polygons = np.append(grid(2, 1), grid(2, 1)[1])
    assert records(analyse(polygons)) == [(100.0, [1, 2], {0: 10.0})]


def test_an_overlap_is_split_where_its_covers_change() -> None:
    polygons = np.append(grid(3, 3), shapely.box(5, 5, 25, 25))
    found = records(analyse(polygons))
    assert [(area, covers) for area, covers, _ in found] == [
        (25.0, [0, 9]), (50.0, [1, 9]), (25.0, [2, 9]), (50.0, [3, 9]), (100.0, [4, 9]),
        (50.0, [5, 9]), (25.0, [6, 9]), (50.0, [7, 9]), (25.0, [8, 9]),
    ]  # fmt: skip


def test_a_nested_polygon_is_named_with_its_host_even_deep_inside() -> None:
    polygons = np.append(grid(3, 3, 100.0), shapely.Point(150, 150).buffer(10))
    (face,) = records(analyse(polygons))
    assert face[1] == [4, 9]
    assert face[2] == {4: pytest.approx(polygons[9].length)}


def test_holes_of_a_sound_layer_are_gaps() -> None:
    polygons = np.delete(grid(4, 4), [5, 6])
    analysis = analyse(polygons)
    assert analysis.valid
    ((area, covers, borders),) = records(analysis)
    assert (area, covers) == (200.0, [])
    assert borders == {1: 10.0, 2: 10.0, 4: 10.0, 5: 10.0, 7: 10.0, 8: 10.0}
    assert analysis.faces().enclosed.tolist() == [True]


def test_islands_in_a_gap_are_holes_of_the_gap() -> None:
    frame = shapely.box(0, 0, 100, 100).difference(shapely.box(10, 10, 90, 90))
    island = shapely.box(20, 20, 50, 50).difference(shapely.box(30, 30, 40, 40))
    polygons = np.array([frame, island, shapely.box(60, 60, 70, 70)], object)
    assert [(area, covers, borders) for area, covers, borders in records(analyse(polygons))] == [
        (5400.0, [], {0: 320.0, 1: 120.0, 2: 40.0}),
        (100.0, [], {1: 40.0}),
    ]


def test_an_extent_tells_gaps_uncovered_and_outside_apart() -> None:
    polygons = np.delete(grid(3, 3), [2, 4])  # a corner and the middle are missing
    polygons[0] = shapely.box(-5, 0, 10, 10)  # and one block leaves the extent
    faces = analyse(polygons, extent=shapely.box(0, 0, 30, 30)).faces()
    told = {
        (round(p.area, 9), tuple(c.tolist()), bool(i), bool(e))
        for p, c, i, e in zip(faces.polygon, faces.covers, faces.inside_extent, faces.enclosed, strict=True)
    }
    assert told == {(100.0, (), True, True), (100.0, (), True, False), (50.0, (0,), False, False)}
    open_face = [-1 in borders for borders in faces.borders].index(True)
    assert not faces.enclosed[open_face]
    assert faces.multiplicity[open_face] == 0 or faces.covers[open_face].tolist() == [0]


def test_an_extent_with_a_hole_leaves_the_hole_alone() -> None:
    polygons = np.delete(grid(3, 3), 4)
    extent = shapely.box(0, 0, 30, 30).difference(shapely.box(10, 10, 20, 20))
    assert len(analyse(polygons, extent=extent).faces()) == 0


def test_an_empty_frame_around_islands_is_one_uncovered_face() -> None:
    polygons = shapely.buffer(shapely.points([20, 50, 80], [20, 50, 80]), 5.0)
    faces = analyse(polygons, extent=shapely.box(0, 0, 100, 100)).faces()
    assert len(faces) == 1
    assert faces.polygon[0].area == pytest.approx(10000 - shapely.area(polygons).sum())
    assert faces.borders[0].tolist() == [-1, 0, 1, 2]


def test_a_sliver_of_one_unit_in_the_last_place_does_not_crash() -> None:
    y = 3400000.0
    low, high = math.nextafter(y, 0), math.nextafter(y, math.inf)
    polygons = np.array(
        [
            shapely.Polygon([(500000, y - 10), (500100, y - 10), (500100, y), (500050, high), (500000, y)]),
            shapely.Polygon([(500000, y), (500050, low), (500100, y), (500100, y + 10), (500000, y + 10)]),
            shapely.Polygon([(500000, y), (500033, high), (500077, low), (500100, y), (500050, y + 20)]),
        ],
        object,
    )
    analysis = analyse(polygons, extent=shapely.box(500000, y - 10, 500100, y + 10))
    faces = analysis.faces()
    assert shapely.is_valid(faces.polygon).all()
    assert fuzz.disagreements(faces, polygons, shapely.box(500000, y - 10, 500100, y + 10)) == []


def test_a_street_polygon_with_hundreds_of_holes() -> None:
    blocks = shapely.buffer(grid(20, 20, 100.0), -5, join_style="mitre")
    street = shapely.difference(shapely.box(-10, -10, 2010, 2010), shapely.union_all(blocks))
    sound = np.append(blocks, street)
    analysis = analyse(sound)
    assert analysis.valid
    assert len(analysis.faces()) == 0
    assert len(analysis.adjacency()) == 400
    faulty = sound.copy()
    faulty[7] = shapely.box(*(np.array(blocks[7].bounds) + np.array([0, 0, 3, 0])))
    faulty[33] = None
    found = [(area, covers) for area, covers, _ in records(analyse(faulty))]
    assert found == [(8100.0, []), (270.0, [7, 400])]


# ---------------------------------------------------------------- missing vertices, adjacency


def test_missing_vertices_name_holder_and_lacker() -> None:
    polygons = layer(
        "POLYGON((0 0,10 0,10 5,0 5,0 0))", "POLYGON((0 5,4 5,4 9,0 9,0 5))", "POLYGON((4 5,10 5,10 9,4 9,4 5))"
    )
    missing = analyse(polygons).missing_vertices()
    assert missing.point.tolist() == [[4.0, 5.0], [4.0, 5.0]]
    assert sorted(missing.holder.tolist()) == [1, 2]
    assert missing.lacker.tolist() == [0, 0]
    assert missing.segment.tolist() == [[10.0, 5.0, 0.0, 5.0]] * 2


def test_adjacency_measures_shared_borders() -> None:
    assert fuzz.adjacency_of(analyse(grid(2, 2))) == {(0, 1): 10.0, (0, 2): 10.0, (1, 3): 10.0, (2, 3): 10.0}


def test_adjacency_agrees_with_intersections_on_a_sound_mosaic() -> None:
    random = np.random.default_rng(3)
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(random.random((60, 2)))))
    if not shapely.coverage_is_valid(cells):
        cells = shapely.coverage_clean(cells) if hasattr(shapely, "coverage_clean") else cells
    for (a, b), length in fuzz.adjacency_of(analyse(cells)).items():
        assert length == pytest.approx(shapely.intersection(cells[a], cells[b]).length)


# ---------------------------------------------------------------- engines


@pytest.mark.skipif(not HAS_NUMBA, reason="numba is not installed")
def test_numpy_and_compiled_loops_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(5)
    layers = [fuzz.random_layer(random) for _ in range(150)]
    layers.append(np.concatenate([grid(30, 30), shapely.buffer(grid(30, 30)[::7], 0.5), grid(30, 30)[::11]]))
    for polygons in layers:
        results = []
        for engine in ("numpy", "numba"):
            monkeypatch.setenv("GRIDGEO_ENGINE", engine)
            analysis = analyse(polygons, extent=shapely.box(0, 0, 5, 5))
            missing, faces = analysis.missing_vertices(), analysis.faces()
            results.append(
                (
                    [None if line is None else line.wkb for line in analysis.invalid_edges()],
                    fuzz.adjacency_of(analysis),
                    missing.point.tolist(),
                    missing.holder.tolist(),
                    missing.lacker.tolist(),
                    [p.wkb for p in faces.polygon],
                    [c.tolist() for c in faces.covers],
                    [b.tolist() for b in faces.border_lengths],
                )
            )
        assert results[0] == results[1]


def test_a_small_job_does_not_load_numba() -> None:
    code = (
        "import sys, shapely; from gridgeo.coverage import analyse; "
        "analyse([shapely.box(0, 0, 1, 1), shapely.box(0, 0, 2, 2)]).faces(); assert 'numba' not in sys.modules"
    )
    environment = {key: value for key, value in os.environ.items() if key != "GRIDGEO_ENGINE"}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env=environment | {"PYTHONPATH": str(ROOT)})


def test_colliding_hashes_cost_time_and_never_exactness(monkeypatch: pytest.MonkeyPatch) -> None:
    from gridgeo.coverage import _cancel

    random = np.random.default_rng(9)
    monkeypatch.setenv("GRIDGEO_ENGINE", "numpy")
    for polygons in [fuzz.random_layer(random) for _ in range(40)]:
        expected = fuzz.edge_set(analyse(polygons).invalid_edges())
        neighbours = fuzz.adjacency_of(analyse(polygons))
        for weak in (lambda values: values & np.uint64(0), lambda values: values & np.uint64(1 << 52)):
            with monkeypatch.context() as patch:
                patch.setattr(_cancel, "_mix", weak)
                assert fuzz.edge_set(analyse(polygons).invalid_edges()) == expected
                assert fuzz.adjacency_of(analyse(polygons)) == neighbours
