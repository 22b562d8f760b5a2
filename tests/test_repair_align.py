"""Borders onto barriers: what runs beside a road comes to lie on it, and a tiling stays a tiling."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import gridgeo
from gridgeo.repair.align import Alignment, align_borders
from gridgeo.repair.arcs import Arcs

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
    assert aligned.after > 0.8
    assert max(stretch.moved for stretch in aligned.stretches) < 2 * TOLERANCE
