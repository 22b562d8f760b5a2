"""The extent in words names what one finds on each side."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import shapely

from gridgeo.network import Barriers
from gridgeo.render.extent import Extent
from gridgeo.render.scene import make_scene
from gridgeo.town import Town
from tests.render_towns import CRS, barriers, blocks_frame, make_town, place


def extent_of(code: str, town: Town | None = None) -> Extent:
    scene = make_scene(town or make_town())
    return scene.extents[scene.blocks["code"].tolist().index(code)]


def test_roads_and_rivers_on_each_side() -> None:
    extent = extent_of("310112999003001")  # the village, south of the street
    assert extent == Extent(east="浦星公路", south="永康路", west="友谊河", north="沈杜公路")
    assert extent.sentence() == "东至浦星公路，南至永康路，西至友谊河，北至沈杜公路。"


def test_a_lane_within_the_grid_limits_its_blocks() -> None:
    assert extent_of("310112999001001").east == "杜行老街"
    assert extent_of("310112999001002").west == "杜行老街"


def test_the_streets_middle_line_limits_the_block_at_its_edge() -> None:
    assert extent_of("310112999001001").south == "沈杜公路"  # ten metres off, beyond the border


def test_a_street_is_limited_by_its_neighbours_not_by_its_own_middle_line() -> None:
    extent = extent_of("310112999005001")
    assert extent.north == "杜行居委会、聚缘居委会"
    assert extent.south == "永丰村委会、光华产业园"
    assert extent.west == "友谊河"


def test_a_nameless_road_at_the_edge_of_the_town_is_said_by_its_rank() -> None:
    assert extent_of("310112999001001").north == "道路"


def test_without_barrier_the_neighbour_is_named_and_beyond_the_town_its_border() -> None:
    none = barriers()
    town = make_town(barrier=Barriers(none.lines.iloc[:0], none.surfaces))
    extent = extent_of("310112999001001", town)
    assert extent == Extent(east="第2责任块", south="沈杜公路街面网格", west="镇界", north="镇界")


def test_rivers_given_as_areas_count_with_their_banks() -> None:
    lines = barriers().lines
    bank = shapely.box(*place(-40, -20), *place(0, 720))
    surfaces = gpd.GeoDataFrame(
        {"rank": ["river"], "name": ["大治河"], "layer": ["w"], "feature": ["1"], "level": [0]},
        geometry=[bank],
        crs=CRS,
    )
    town = make_town(barrier=Barriers(lines[lines["rank"] != "river"], surfaces))
    assert extent_of("310112999003001", town).west == "大治河"


def test_a_side_along_two_roads_names_both_in_walking_order() -> None:
    lines = barriers().lines
    more = lines[lines["name"] == "永康路"].copy()
    lines = lines[lines["name"] != "永康路"]
    west = more.assign(name="江月路", geometry=[shapely.LineString([place(-40, 0), place(240, 0)])])
    east = more.assign(name="鲁南路", geometry=[shapely.LineString([place(240, 0), place(940, 0)])])
    table = gpd.GeoDataFrame(pd.concat([east, west, lines], ignore_index=True), crs=CRS)
    town = make_town(barrier=Barriers(table, table.iloc[:0]))
    assert extent_of("310112999003001", town).south == "江月路、鲁南路"


def test_a_bend_inwards_does_not_hide_the_outer_side() -> None:
    frame = blocks_frame()
    k = frame.index[frame["code"] == "310112999003001"][0]
    notch = shapely.box(*place(200, 60), *place(499, 240))  # deep bay in the east side, open by a slit at the border
    frame.loc[[k], "geometry"] = gpd.GeoSeries([frame.geometry[k].difference(notch)], index=[k], crs=CRS)
    assert extent_of("310112999003001", make_town(frame=frame)).east == "浦星公路"


def test_where_the_town_ends_a_wide_river_names_the_side() -> None:
    lines = barriers().lines
    river = lines["name"] == "友谊河"
    far = lines[~river].copy()
    middle = shapely.LineString([place(-120, -40), place(-120, 740)])  # a river 240 metres wide
    wide = gpd.GeoDataFrame(lines[river].assign(name="大沅江"), geometry=[middle], crs=CRS)
    table = gpd.GeoDataFrame(pd.concat([far, wide], ignore_index=True), crs=CRS)
    assert extent_of("310112999003001", make_town(barrier=Barriers(table, table.iloc[:0]))).west == "大沅江"
