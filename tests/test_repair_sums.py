"""Many polygons summed at once come out as each by itself; fingerprints are of the WKB, however they are made."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gridgeo.layers import Layer
from gridgeo.repair.chains import Chain, Nodes, assembled
from gridgeo.repair.sums import Sums
from gridgeo.repair.undo import fingerprint


def pieces_of(shape: shapely.Geometry) -> list[shapely.Polygon]:
    """Return the polygons of a shape."""
    return [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon" and part.area > 1e-6]


def star(random: np.random.Generator, middle: tuple[float, float], corners: int) -> shapely.Polygon:
    """Return a polygon around a place, with a hole in one of three."""
    angle = np.sort(random.uniform(0, 2 * np.pi, corners))
    away = random.uniform(3, 8, corners)
    ring = np.column_stack([middle[0] + away * np.cos(angle), middle[1] + away * np.sin(angle)]).round(2)
    hole = [[(middle[0] + x, middle[1] + y) for x, y in ((-0.5, -0.5), (0.5, -0.5), (0.1, 0.5))]]
    made = shapely.Polygon(ring, hole if random.random() < 1 / 3 else None)
    if not made.is_valid:
        return shapely.box(middle[0] - 4, middle[1] - 4, middle[0] + 4, middle[1] + 4)
    return made if random.random() < 0.5 else shapely.orient_polygons(made)


@pytest.mark.parametrize("seed", range(30))
def test_polygons_summed_at_once_are_as_each_by_itself(seed: int) -> None:
    random = np.random.default_rng(seed)
    polygons = np.array([star(random, (k % 3 * 9.0, k // 3 * 9.0), int(random.integers(4, 12))) for k in range(9)])
    regions: list[shapely.Polygon] = []
    gives: list[tuple[int, int, int]] = []
    for one in range(8):
        for region in pieces_of(shapely.intersection(polygons[one], polygons[one + 1])):
            gives.append((one, len(regions), -1))
            regions.append(region)
    if not regions:
        pytest.skip("none of these overlap")
    nodes = Nodes(shapely.get_coordinates(regions))
    sums = Sums(nodes, polygons, np.array(regions, object), gives)
    changed = sorted({k for k, _, _ in gives})
    made = sums.shapes([k for k in changed if sums.is_whole[k]])
    for k in changed:
        chain = Chain()
        chain.add(nodes.edges_of(polygons[k]))
        for polygon, region, sign in gives:
            if polygon == k:
                chain.add(nodes.edges_of(regions[region]), sign)
        edges = chain.edges()
        assert sums.is_whole[k] == (edges is not None)
        if edges is None:
            continue
        alone = assembled(edges, polygons[k])
        if alone is None or shapely.get_num_geometries(alone) > 1:
            assert made[k] is None
        else:
            assert made[k].is_valid
            assert alone.equals(made[k])
            first = {place for ring in shapely.get_rings(polygons[k]) for place in ring.coords[:1]}
            if first & set(made[k].exterior.coords):
                assert made[k].exterior.coords[0] in first, "rings begin where they did"


def test_a_vertex_of_a_region_comes_into_both_sides_of_the_border() -> None:
    left, right = shapely.box(0, 0, 5, 10), shapely.box(4, 0, 9, 10)
    region = shapely.Polygon([(4, 0), (5, 0), (5, 10), (4, 10), (4, 5)])
    sums = Sums(Nodes(shapely.get_coordinates(region)), np.array([left, right]), np.array([region]), [(0, 0, -1)])
    made = sums.shapes([0, 1])
    assert sums.inserted() == {1: {(4.0, 5.0)}}
    for k, whole in enumerate((shapely.box(0, 0, 4, 10), right)):
        assert made[k] is not None
        assert made[k].equals(whole)
        assert (4.0, 5.0) in set(made[k].exterior.coords)


def test_a_vertex_that_nobody_needs_is_left_out() -> None:
    # a region with a vertex more goes to the left; on the border that stays, both sides run straight on there
    left, right = shapely.box(0, 0, 5, 10), shapely.box(5, 0, 9, 10)
    region = shapely.Polygon([(0, 10), (5, 10), (5, 10.5), (0, 10.5)])
    nodes = Nodes(np.concatenate([shapely.get_coordinates(region), [[5.0, 5.0]]]))
    sums = Sums(nodes, np.array([left, right]), np.array([region]), [(0, 0, 1)])
    made = sums.shapes([0, 1])
    assert sums.inserted() == {}
    for k in (0, 1):
        assert made[k] is not None
        assert (5.0, 5.0) not in set(made[k].exterior.coords)


def test_a_fingerprint_tells_any_change_of_ids_geometries_or_their_order() -> None:
    square = shapely.box(0.1, -0.0, 1, 1)
    shapes = [
        square,
        shapely.Polygon(square.exterior, [[(0.4, 0.4), (0.6, 0.4), (0.5, 0.6)]]),
        shapely.MultiPolygon([square, shapely.box(3, 3, 4, 4)]),
        shapely.force_3d(square, 7.5),
        None,
        shapely.Polygon(),
        shapely.box(5, 5, 6, 6),
    ]
    ids = [f"网格{number}" for number in range(len(shapes))]

    def of(geometries: list[shapely.Geometry | None], names: list[str]) -> str:
        frame = gpd.GeoDataFrame({"code": names}, geometry=geometries, crs="EPSG:32651")
        return fingerprint(Layer("grids", frame, "code"))

    def exchanged(at: int, shape: shapely.Geometry | None) -> list[shapely.Geometry | None]:
        return [*shapes[:at], shape, *shapes[at + 1 :]]

    assert of(list(shapes), list(ids)) == of(list(shapes), list(ids))
    others = [
        exchanged(0, shapely.box(0.1, 0.0, 1, 1)),  # another zero
        exchanged(0, shapely.box(0.1, -0.0, 1, np.nextafter(1.0, 2.0))),
        exchanged(0, shapely.Polygon(np.roll(square.exterior.coords[:-1], 1, axis=0))),  # begins elsewhere
        exchanged(0, shapely.MultiPolygon([square])),
        exchanged(1, square),
        exchanged(2, shapely.MultiPolygon([shapely.box(3, 3, 4, 4), square])),
        exchanged(3, shapely.force_3d(square, 7.6)),
        exchanged(4, shapely.Polygon()),
        exchanged(5, None),
        shapes[::-1],
        shapes[:-1],
    ]
    prints = [of(list(each), ids[: len(each)]) for each in [shapes, *others]]
    prints += [
        of(list(shapes), ids[::-1]),
        of(list(shapes), ["网", "格", *ids[2:]]),
        of(list(shapes), ["网格", "", *ids[2:]]),
    ]
    assert len(set(prints)) == len(prints)
