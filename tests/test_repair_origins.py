"""Layers in different CRSs, and with heights, are mended together and keep the coordinates that they came in."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely

from gridgeo.crs import to_crs
from gridgeo.repair import repair_tiling, undo_plan
from gridgeo.repair.origins import Origins
from gridgeo.validate import validate_tiling

SYSTEMS = ("EPSG:4490", "EPSG:4549", "EPSG:32651")
CORNER = np.array([352_000.0, 3_435_000.0])


def town(seed: int) -> dict[str, gpd.GeoDataFrame]:
    """A town of three layers side by side, each in its own CRS, with faults in them and between them."""
    random = np.random.default_rng(seed)
    places = np.stack(np.meshgrid(np.arange(10), np.arange(5), indexing="ij"), -1) * 100.0
    places[1:-1, 1:-1] += random.uniform(-20, 20, (8, 3, 2))
    squares = {}
    for i in range(9):
        for j in range(4):
            ring = [places[i, j], places[i + 1, j], places[i + 1, j + 1], places[i, j + 1]]
            squares[i, j] = shapely.Polygon(np.array(ring) + CORNER)
    for i, j in random.integers(0, (8, 3), (4, 2)).tolist():  # a corner of one only moves
        ring = shapely.get_coordinates(squares[i, j])
        ring[2] += random.uniform(-9, 9, 2)
        squares[i, j] = shapely.Polygon(ring[:-1])
    layers = {}
    for number, system in enumerate(SYSTEMS):
        mine = {f"{i}-{j}": square for (i, j), square in squares.items() if i // 3 == number}
        frame = gpd.GeoDataFrame({"id": list(mine)}, geometry=list(mine.values()), crs="EPSG:32651")
        layers[f"layer{number}"] = to_crs(frame, system)
    return layers


def wkb(layers: dict[str, gpd.GeoDataFrame]) -> dict[tuple[str, str], bytes]:
    return {
        (key, identifier): shapely.to_wkb(shape)
        for key, frame in layers.items()
        for identifier, shape in zip(frame["id"], frame.geometry, strict=True)
    }


@pytest.mark.parametrize("seed", range(6))
def test_layers_in_three_crss_are_mended_as_one_tiling_and_written_back_in_their_own(seed: int) -> None:
    layers = town(seed)
    before = wkb(layers)
    assert not validate_tiling(layers, id_column="id").ok
    fixed, plan = repair_tiling(layers, id_column="id")
    assert wkb(layers) == before
    assert not plan.left
    assert validate_tiling(fixed, id_column="id").ok
    assert [frame.crs for frame in fixed.values()] == [frame.crs for frame in layers.values()]
    # what no action touches stays to the bit, and so do the vertices of the others that did not move
    touched = {tuple(feature) for feature in plan.before}
    assert {key for key, shape in wkb(fixed).items() if shape != before[key]} == touched
    assert len(touched) < len(before) / 2
    for key, frame in fixed.items():
        now = {tuple(place) for place in shapely.get_coordinates(frame.geometry).tolist()}
        was = {tuple(place) for place in shapely.get_coordinates(layers[key].geometry).tolist()}
        assert len(now - was) <= 8
    assert wkb(undo_plan(fixed, plan, id_column="id")) == before
    again, nothing = repair_tiling(fixed, id_column="id")
    assert not nothing.actions
    assert wkb(again) == wkb(fixed)


def test_features_of_one_layer_that_share_a_new_vertex_share_it_to_the_last_bit() -> None:
    metres = gpd.GeoDataFrame(
        {"id": ["a"]}, geometry=[shapely.box(352_000, 3_435_000, 352_100.5, 3_435_200)], crs="EPSG:32651"
    )
    right = [shapely.box(352_100, 3_435_000, 352_200, 3_435_090), shapely.box(352_100, 3_435_090, 352_200, 3_435_200)]
    degrees = to_crs(gpd.GeoDataFrame({"id": ["b", "c"]}, geometry=right, crs="EPSG:32651"), "EPSG:4490")
    fixed, _ = repair_tiling({"metres": metres, "degrees": degrees}, id_column="id", priority=["metres"])
    one, other = (set(map(tuple, shapely.get_coordinates(shape).tolist())) for shape in fixed["degrees"].geometry)
    assert len(one & other) == 2
    assert validate_tiling(fixed["degrees"], id_column="id").ok


def test_heights_stay_and_new_vertices_get_one_between() -> None:
    left = shapely.Polygon([(0, 0, 5), (11, 0, 6), (11, 10, 7), (0, 10, 8)])
    right = shapely.Polygon([(10, 0, 6), (30, 0, 9), (30, 10, 9), (10, 10, 7)])
    layer = gpd.GeoDataFrame({"id": ["a", "b"]}, geometry=[left, right], crs="EPSG:32651")
    fixed, plan = repair_tiling(layer, id_column="id")
    assert plan.actions[0].mend == "cut"
    changed = fixed.geometry.iloc[0]
    assert changed.has_z
    heights = {(x, y): z for x, y, z in shapely.get_coordinates(changed, include_z=True).tolist()}
    assert heights == {(0, 0): 5, (10, 0): 6, (10, 10): 7, (0, 10): 8}
    assert shapely.get_coordinates(fixed.geometry.iloc[1], include_z=True)[:, 2].tolist()[0] == 6
    assert np.isfinite(shapely.get_coordinates(fixed.geometry.iloc[1], include_z=True)).all()


def test_new_vertices_a_nanometre_from_others_are_these() -> None:
    given = gpd.GeoSeries([shapely.box(121, 31, 121.001, 31.001), shapely.box(121.001, 31, 121.002, 31.001)])
    given = given.set_crs("EPSG:4490")
    worked = to_crs(gpd.GeoDataFrame(geometry=given), "EPSG:4549").geometry.to_numpy()
    southeast, northeast, northwest, southwest = shapely.get_coordinates(worked[0])[:4]
    near = southeast + np.array([2e-9, -3e-9])
    south = (southeast + southwest) / 2 - [0.0, 5.0]
    mended = shapely.Polygon([near, northeast, northwest, southwest, south, south + np.array([3e-9, 0.0])])
    assert mended.is_valid
    assert len(set(mended.exterior.coords)) == 6
    assert tuple(near) != tuple(southeast)
    metres = pyproj.CRS("EPSG:4549")
    back = Origins([(given.crs, given.to_numpy())], worked, metres).restored({0: mended})[0]
    corners = shapely.get_coordinates(given[0])[:4]
    assert shapely.get_coordinates(back)[:4].tolist() == corners.tolist()
    assert len(back.exterior.coords) == 6  # the corners, one vertex in the south, and the first again
