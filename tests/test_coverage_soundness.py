"""Polygons taken for sound without asking GEOS are sound, and town-like ones are nearly all taken for it."""

import numpy as np
import pytest
import shapely

from gridgeo.coverage import analyse, equal_polygons, extract_edges, sharp_corners, surely_sound


@pytest.fixture(autouse=True)
def compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDGEO_ENGINE", "numba")


def sound(*polygons: shapely.Geometry) -> list[bool]:
    return surely_sound(extract_edges(np.array(polygons, object))).tolist()


def ring(random: np.random.Generator, corners: int, grid: int, at: tuple[int, int] = (0, 0)) -> np.ndarray:
    places = random.integers(0, grid, (corners, 2)) + at
    return np.vstack([places, places[:1]]).astype(float)


def some_polygon(random: np.random.Generator) -> shapely.Geometry:
    """Make a polygon on a small grid, of one ring, with holes or in parts: often invalid, sometimes just so."""
    shell = ring(random, int(random.integers(3, 9)), 8)
    kind = random.integers(3)
    if kind == 0:
        return shapely.Polygon(shell)
    if kind == 1:
        middle = tuple(random.integers(0, 6, 2))
        shell = np.array([[0, 0], [9, 0], [9, 9], [0, 9], [0, 0]], float) if random.integers(2) else shell
        holes = [ring(random, int(random.integers(3, 5)), 4, middle) for _ in range(int(random.integers(1, 4)))]
        return shapely.Polygon(shell, holes)
    parts = [shapely.Polygon(ring(random, 3, 5, tuple(random.integers(0, 9, 2)))) for _ in range(2)]
    return shapely.MultiPolygon(parts)


@pytest.mark.parametrize("scale", [1.0, 0.1, 1e7 / 3])
def test_what_is_taken_for_sound_is_valid_and_touches_nowhere(scale: float) -> None:
    random = np.random.default_rng(5)
    polygons = np.array([some_polygon(random) for _ in range(6_000)], object)
    polygons = shapely.transform(polygons, lambda places: places * scale)
    sure, valid = surely_sound(extract_edges(polygons)), shapely.is_valid(polygons)
    assert not (sure & ~valid).any()
    plain = shapely.get_num_interior_rings(polygons) + shapely.get_num_geometries(polygons) == 1
    # a valid polygon of one ring never touches itself, unless its vertices repeat it is always proved
    assert (sure | ~valid | ~plain).mean() == 1.0
    assert sure[~plain].sum() > 100


@pytest.mark.parametrize("corners", [5, 40, 700, 9_000])
def test_a_long_winding_border_is_proved_and_its_crossing_seen(corners: int) -> None:
    # a comb: no place sees all of its edges
    x = np.arange(corners, dtype=float)
    comb = np.vstack([np.column_stack([x, np.where(np.arange(corners) % 2, 5.0, 1.0)]), [[corners, -1], [-1, -1]]])
    crossed = comb.copy()
    crossed[corners // 2, 1] = -2.0
    assert sound(shapely.Polygon(comb), shapely.Polygon(crossed)) == [True, False]


def test_a_street_between_blocks_is_proved_and_touching_holes_are_left_in_doubt() -> None:
    blocks = [shapely.box(x, y, x + 8, y + 8).exterior for x in range(0, 200, 10) for y in range(0, 200, 10)]
    frame = shapely.box(-5, -5, 205, 205).exterior
    touching = shapely.box(8, 8, 9, 9).exterior
    nested = shapely.box(2, 2, 4, 4).exterior
    outside = shapely.box(300, 0, 301, 1).exterior
    street = shapely.Polygon(frame, blocks)
    doubtful = [shapely.Polygon(frame, [*blocks, one]) for one in (touching, nested, outside, frame)]
    assert sound(street, *doubtful) == [True, False, False, False, False]
    assert shapely.is_valid(doubtful[0])


@pytest.mark.parametrize("odd", [np.nan, np.inf, 1e300])
def test_coordinates_that_are_none_are_never_sound(odd: float) -> None:
    with np.errstate(all="ignore"):
        assert sound(shapely.Polygon([(0, 0), (4, 0), (odd, 4), (0, 4)])) == [False]


def test_empty_and_missing_polygons_have_no_rings() -> None:
    assert len(extract_edges(np.array([None, shapely.Polygon(), shapely.MultiPolygon()], object)).ring_polygon) == 0


def test_sharp_corners_are_the_same_with_both_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(3)
    polygons = np.array([shapely.Polygon(ring(random, 7, 30)) for _ in range(500)], object)
    edges = extract_edges(polygons)
    found = sharp_corners(edges, (0.5, 1.0), 0.3)
    monkeypatch.setenv("GRIDGEO_ENGINE", "numpy")
    for one, other in zip(found, sharp_corners(edges, (0.5, 1.0), 0.3), strict=True):
        assert np.array_equal(one, other)
    before, tip, after = (edges.coordinates[found[k]] * (0.5, 1.0) for k in (1, 0, 2))
    one, other = before - tip, after - tip
    cosine = (one * other).sum(axis=1) / np.hypot(*one.T) / np.hypot(*other.T)
    assert len(found[0]) > 50
    assert (cosine > np.cos(0.3)).all()


def test_copies_are_found_wherever_their_rings_begin() -> None:
    random = np.random.default_rng(8)
    shapes = shapely.buffer(shapely.points(random.uniform(0, 1e6, (50, 2))), random.uniform(1, 9, 50), quad_segs=5)
    holed = shapely.difference(shapes[:5], shapely.buffer(shapely.centroid(shapes[:5]), 0.2))
    turned = []
    for shape in shapes:
        places = shapely.get_coordinates(shape)[:-1]
        places = np.roll(places, int(random.integers(20)), axis=0)[:: random.choice([-1, 1])]
        turned.append(shapely.Polygon(places))
    moved = shapely.transform(shapes[0], lambda places: places + np.array([0.0, 1e-9]))
    groups = equal_polygons(np.array([*shapes, *holed, *turned, *holed[::-1], moved], object))
    assert groups == [[k, 55 + k] for k in range(50)] + [[50 + k, 109 - k] for k in range(5)]


@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_polygons_set_aside_take_no_part(monkeypatch: pytest.MonkeyPatch, engine: str) -> None:
    monkeypatch.setenv("GRIDGEO_ENGINE", engine)
    polygons = np.array(
        [shapely.box(k, 0, k + 1.2, 1).difference(shapely.box(k + 0.3, 0.2, k + 0.4, 0.4)) for k in range(6)]
    )
    for gone in ([], [0], [5], [1, 2, 4], list(range(6))):
        left = polygons.copy()
        left[gone] = None
        expected = analyse(left)
        found = analyse(left, edges=extract_edges(polygons).without(np.array(gone, np.int64)))
        assert found.faulty.tolist() == expected.faulty.tolist()
        assert [face.wkb for face in found.faces().polygon] == [face.wkb for face in expected.faces().polygon]
        assert found.residual.segment.tolist() == expected.residual.segment.tolist()
