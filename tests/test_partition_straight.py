"""What users may rely on where a border is straight in degrees and so bent in metres: blocks fill it as written."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from shapely import LineString, box

from gridgeo import delineate_blocks
from gridgeo.network import as_barriers
from gridgeo.partition.straight import onto_edges

TOWN = box(-80.275, 43.525, -80.225, 43.56)
"""Four kilometres: in metres its borders along parallels bend by thirty centimetres."""


def clipped_streets() -> gpd.GeoDataFrame:
    """Return slanting streets that cross in the town and end exactly on its border, some with a vertex on it."""
    west, south, east, north = TOWN.bounds
    made = []
    for share in (0.2, 0.4, 0.6, 0.8):
        x = west + share * (east - west)
        y = south + share * (north - south)
        made.append(LineString([(x - 0.004, south), (x, y), (x + 0.004, north)]))
        made.append(LineString([(west, y + 0.003), (x + 0.001, y), (east, y - 0.003)]))
    made.append(LineString([(west + 0.01, north), (west + 0.02, north), (west + 0.024, north - 0.01)]))
    made.append(LineString([(east, south + 0.002), (east - 0.02, south), (east - 0.03, south + 0.004)]))
    return gpd.GeoDataFrame({"rank": ["road"] * len(made)}, geometry=made, crs="EPSG:4326")


@pytest.mark.parametrize("extend", [0.0, 20.0])
def test_streets_that_end_on_a_border_give_blocks_that_fill_it(extend: float) -> None:
    area = gpd.GeoDataFrame({"code": ["1"]}, geometry=[TOWN], crs="EPSG:4326")
    streets = clipped_streets()
    blocks = delineate_blocks(area, streets, count=24, tolerance=1.0, extend_dead_ends=extend)
    assert shapely.is_valid(blocks.geometry.to_numpy()).all()
    assert len(blocks) == 24
    assert shapely.union_all(blocks.geometry.to_numpy()).symmetric_difference(TOWN).area < 1e-15
    # where a street leads to the border no block has another vertex within a metre of it
    places = np.unique(shapely.get_coordinates(blocks.geometry.to_numpy()), axis=0)
    on_border = shapely.points(places[shapely.distance(shapely.points(places), TOWN.exterior) < 1e-9])
    apart = shapely.STRtree(on_border).query(on_border, predicate="dwithin", distance=1e-5)
    assert (apart[0] == apart[1]).all()


def bent(points: np.ndarray) -> np.ndarray:
    """Return metres of a plane in which what is straight as written is a parabola: 1 m in the middle of 1 km."""
    x, y = points.T
    return np.column_stack([x, y + x * (1000 - x) * 4e-6])


def test_only_vertices_between_the_two_lines_move() -> None:
    town = box(0, 0, 1000, 1000)
    written = shapely.get_coordinates(town)  # both lines meet in the corners
    given = [(500.0, -2.0), (500.0, -0.5), (500.0, -1.0), (250.0, -0.75), (500.0, 0.2), (500.0, 300.0)]
    streets = gpd.GeoDataFrame({"rank": ["road"]}, geometry=[LineString(given)])
    moved = onto_edges(as_barriers(streets), np.array([town]), written, bent)
    found = shapely.get_coordinates(moved.lines.geometry.to_numpy())
    assert found == pytest.approx(np.array([given[0], (500, 0), (500, 0), (250, 0), given[4], given[5]]), abs=1e-9)


def test_nothing_moves_where_grids_are_written_in_metres() -> None:
    streets = as_barriers(gpd.GeoDataFrame({"rank": ["road"]}, geometry=[LineString([(5, 1e-7), (5, 9)])]))
    town = box(0, 0, 10, 10)
    assert onto_edges(streets, np.array([town]), shapely.get_coordinates(town), lambda points: points) is streets
