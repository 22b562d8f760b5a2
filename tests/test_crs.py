"""What a user may rely on in coordinate systems."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
from shapely import LineString, MultiPolygon, Point, Polygon, box

from gridgeo.crs import (
    MapSystem,
    bd09_to_gcj02,
    bd09_to_wgs84,
    convergence,
    from_map_system,
    gcj02_to_bd09,
    gcj02_to_wgs84,
    looks_like_gcj02,
    match_vertices,
    parse_crs,
    to_crs,
    wgs84_to_bd09,
    wgs84_to_gcj02,
    working_crs,
)
from gridgeo.errors import InputError
from gridgeo.language import use_language
from gridgeo.layers import Layer

PUJIANG = (121.5, 31.05)
TOWN = (121.443, 31.0, 121.557, 31.11)
EARTH = pyproj.Geod(ellps="GRS80")


def china(count: int = 4000, seed: int = 7) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    longitude, latitude = random.uniform(73.6, 134.7, count), random.uniform(17.0, 53.5, count)
    # where the formulas have kinks
    longitude[:3], latitude[:2] = (105.0, 105.0 + 1e-12, PUJIANG[0]), (35.0, 35.0)
    latitude[2] = PUJIANG[1]
    return longitude, latitude


def tiles(count: int = 6, bounds: tuple[float, float, float, float] = TOWN) -> gpd.GeoDataFrame:
    """A grid of polygons whose borders have odd vertices in common."""
    west, south, east, north = bounds
    xs, ys = np.linspace(west, east, count + 1), np.linspace(south, north, count + 1)
    xs, ys = xs + np.sin(np.arange(count + 1)) * 1e-4, ys + np.cos(np.arange(count + 1)) * 1e-4
    boxes = [box(xs[i], ys[j], xs[i + 1], ys[j + 1]) for i in range(count) for j in range(count)]
    return gpd.GeoDataFrame({"id": [f"{n:03d}" for n in range(len(boxes))]}, geometry=boxes, crs="EPSG:4490")


def layer(frame: gpd.GeoDataFrame, name: str = "layer") -> Layer:
    return Layer(name, frame.assign(gridgeo_id=range(len(frame))), "gridgeo_id", source=f"{name}.gpkg")


def pairs(frame: gpd.GeoDataFrame) -> set[tuple[float, float]]:
    return {tuple(pair) for pair in shapely.get_coordinates(frame.geometry.to_numpy())}


# ------------------------------------------------------------------------------------------------- names of systems


@pytest.mark.parametrize("text", ["GCJ-02", "gcj02", "GCJ02", " Gcj_02 ", "火星坐标", "火星坐标系"])
def test_names_of_gcj02(text):
    assert parse_crs(text) is MapSystem.GCJ_02


@pytest.mark.parametrize("text", ["BD-09", "bd09", "BD09", "bd09ll", "百度坐标"])
def test_names_of_bd09(text):
    assert parse_crs(text) is MapSystem.BD_09


def test_epsg_wkt_and_proj_strings_are_read():
    shanghai = "+proj=tmerc +lat_0=31 +lon_0=121.4666667 +k=1 +x_0=0 +y_0=0 +ellps=GRS80 +units=m +type=crs"
    assert parse_crs("EPSG:4490").to_epsg() == 4490
    assert parse_crs("4549").to_epsg() == 4549
    assert parse_crs(pyproj.CRS(4549).to_wkt()).to_epsg() == 4549
    assert parse_crs(shanghai).is_projected


@pytest.mark.parametrize(
    "text", ["", "EPSG:999999", "Mars", "GCJ-03", "+proj=nonsense", "99999999999999999999", "\x1b[2J\n"]
)
def test_a_bad_name_gives_one_line(text):
    with pytest.raises(InputError) as error:
        parse_crs(text)
    assert len(error.value.problems) == 1
    assert "\n" not in str(error.value)
    assert "\x1b" not in str(error.value)
    with use_language("zh"):
        assert "坐标系" in str(error.value)


# -------------------------------------------------------------------------------------------------- the working CRS


@pytest.mark.parametrize(
    ("longitude", "latitude"), [(121.5, 31.05), (-80.25, 43.54), (24.94, 60.17), (105.8, 21.03), (151.2, -33.87)]
)
def test_lengths_and_areas_are_true_to_5_ppm_over_20_km(longitude, latitude):
    around = [EARTH.fwd(longitude, latitude, azimuth, 10_000)[:2] for azimuth in range(0, 360, 15)]
    bounds = (
        min(p[0] for p in around),
        min(p[1] for p in around),
        max(p[0] for p in around),
        max(p[1] for p in around),
    )
    projection = pyproj.Proj(working_crs(bounds))
    for x, y in [*around, (longitude, latitude)]:
        factors = projection.get_factors(x, y)
        assert abs(factors.meridional_scale - 1) < 5e-6
        assert abs(factors.parallel_scale - 1) < 5e-6
        assert abs(factors.areal_scale - 1) < 5e-6


def test_working_crs_is_the_same_for_bounds_frame_and_layer_in_any_system():
    frame = tiles()
    expected = working_crs(tuple(frame.total_bounds))
    assert working_crs(frame) == expected
    assert working_crs(layer(frame)) == expected
    assert working_crs(frame.to_crs(4549)) == expected
    assert expected.axis_info[0].unit_name == "metre"
    assert pyproj.CRS(expected.to_wkt()) == expected


def test_working_crs_has_the_chinese_datum_in_china_only():
    assert working_crs(TOWN).geodetic_crs.to_epsg() == 4490
    assert working_crs((-80.3, 43.5, -80.2, 43.6)).geodetic_crs.to_epsg() == 4326


def test_working_crs_across_the_antimeridian():
    fiji = gpd.GeoDataFrame(geometry=[box(179.9, -17.0, 180, -16.9), box(-180, -17.0, -179.8, -16.9)], crs=4326)
    for what in (fiji, (179.9, -17.0, -179.8, -16.9), fiji.to_crs(3832)):
        metres = to_crs(fiji, working_crs(what))
        left, _, right, _ = metres.total_bounds
        assert 31_000 < right - left < 33_000


@pytest.mark.parametrize("latitude", [88.0, -89.0, 90.0])
def test_working_crs_near_a_pole(latitude):
    frame = gpd.GeoDataFrame(geometry=[Point(10, latitude), Point(12, latitude)], crs=4326)
    assert np.isfinite(to_crs(frame, working_crs(frame)).total_bounds).all()


@pytest.mark.parametrize(
    "bounds", [(0, 0, 1), (0, float("nan"), 1, 1), (500_000, 3_400_000, 510_000, 3_410_000), (0, 5, 1, -5)]
)
def test_bounds_that_are_no_degrees_give_one_line(bounds):
    with pytest.raises(InputError):
        working_crs(bounds)


def test_a_frame_without_crs_or_coordinates_gives_one_line():
    with pytest.raises(InputError, match=r"layer.gpkg"):
        working_crs(layer(gpd.GeoDataFrame(geometry=[Point(1, 2)])))
    with pytest.raises(InputError):
        working_crs(gpd.GeoDataFrame(geometry=[], crs=4326))


# --------------------------------------------------------------------------------------------------------- to_crs


def test_shared_vertices_stay_shared_to_the_last_bit():
    frame = tiles()
    moved = to_crs(frame, working_crs(frame))
    assert len(pairs(moved)) == len(pairs(frame))
    assert shapely.coverage_is_valid(moved.geometry.to_numpy())
    assert len(pairs(to_crs(moved, "EPSG:4490"))) == len(pairs(frame))


def test_to_crs_keeps_attributes_and_index_and_never_changes_its_input():
    frame = tiles().set_index(pd_index := gpd.pd.Index([f"row {n}" for n in range(36)])).rename_geometry("shape")
    before = frame.copy()
    moved = to_crs(frame, "EPSG:4549")
    assert list(moved.columns) == list(frame.columns)
    assert moved.index.equals(pd_index)
    assert moved.geometry.name == "shape"
    assert moved.crs.to_epsg() == 4549
    assert frame.equals(before)
    assert frame.crs == before.crs


def test_east_comes_first_whatever_the_authority_says():
    # both EPSG:4490 and 4549 are ordered north, east
    moved = to_crs(gpd.GeoDataFrame(geometry=[Point(PUJIANG)], crs=4490), "EPSG:4549")
    assert moved.geometry[0].x == pytest.approx(643_189, abs=1)
    assert moved.geometry[0].y == pytest.approx(3_437_485, abs=1)


def test_heights_are_dropped():
    frame = gpd.GeoDataFrame(geometry=[Polygon([(73.8, 18.5, 560), (73.9, 18.5, 560), (73.9, 18.6, 560)])], crs=4979)
    for target in ("EPSG:4979", working_crs(frame), "EPSG:32643"):
        moved = to_crs(frame, target)
        assert not moved.has_z.any()
        assert len(moved.crs.axis_info) == 2


def test_missing_and_empty_geometries_and_mixed_types_pass_through():
    shapes = [None, Polygon(), Point(PUJIANG), LineString([PUJIANG, (121.6, 31.1)]), MultiPolygon([box(*TOWN)])]
    moved = to_crs(gpd.GeoDataFrame(geometry=shapes, crs=4490), "EPSG:4549")
    assert moved.geometry[0] is None
    assert moved.geometry[1].is_empty
    assert list(moved.geom_type[2:]) == ["Point", "LineString", "MultiPolygon"]
    assert len(to_crs(gpd.GeoDataFrame(geometry=[], crs=4490), "EPSG:4549")) == 0


def test_us_survey_feet_and_a_datum_without_code():
    feet = gpd.GeoDataFrame(geometry=[box(3_140_000, 1_690_000, 3_150_000, 1_700_000)], crs=2232)
    metres = to_crs(feet, working_crs(feet))
    assert metres.area[0] == pytest.approx(feet.area[0] * (1200 / 3937) ** 2, rel=2e-3)
    bessel = "+proj=tmerc +lat_0=0 +lon_0=105.75 +k=0.9999 +x_0=500000 +y_0=0 +ellps=bessel +units=m +type=crs"
    frame = gpd.GeoDataFrame(geometry=[box(504_000, 2_325_000, 508_000, 2_329_000)], crs=bessel)
    there = to_crs(frame, working_crs(frame))
    back = to_crs(there, bessel)
    assert np.abs(shapely.get_coordinates(back.geometry) - shapely.get_coordinates(frame.geometry)).max() < 1e-6


def test_a_frame_without_crs_names_it_and_the_mend():
    with pytest.raises(InputError, match=r"roads.shp.*EPSG:4490"):
        to_crs(gpd.GeoDataFrame(geometry=[Point(1, 2)]), "EPSG:4490", name="roads.shp")


def test_coordinates_that_do_not_fit_their_crs_are_named():
    frame = gpd.GeoDataFrame(geometry=[Point(PUJIANG), Point(643_280, 3_436_965)], index=["good", "far"], crs=4490)
    with pytest.raises(InputError, match="far") as error:
        to_crs(frame, "EPSG:4549")
    assert "good" not in str(error.value)


def test_gcj02_is_no_target():
    with pytest.raises(InputError, match="GCJ-02"):
        to_crs(tiles(), "GCJ-02")


# ----------------------------------------------------------------------------------------------- GCJ-02 and BD-09


@pytest.mark.parametrize(
    ("there", "back"),
    [(wgs84_to_gcj02, gcj02_to_wgs84), (gcj02_to_bd09, bd09_to_gcj02), (wgs84_to_bd09, bd09_to_wgs84)],
)
def test_round_trips_are_under_a_millimetre_all_over_china(there, back):
    x, y = china()
    again = back(*there(x, y))
    assert EARTH.inv(x, y, *again)[2].max() < 1e-3
    # and the other way round
    again = there(*back(x, y))
    assert EARTH.inv(x, y, *again)[2].max() < 1e-3


def test_shifts_at_pujiang():
    def shift(change) -> float:
        x, y = change([PUJIANG[0]], [PUJIANG[1]])
        return float(EARTH.inv(*PUJIANG, x[0], y[0])[2])

    assert shift(wgs84_to_gcj02) == pytest.approx(482.3, abs=2)
    assert shift(wgs84_to_bd09) == pytest.approx(1119.3, abs=2)


def test_the_formulas_are_the_public_ones():
    # as given by two independent public implementations; the first takes another ellipsoid for its metres
    x, y = wgs84_to_gcj02(*PUJIANG)
    assert (float(x), float(y)) == pytest.approx((121.50441603696522, 31.047885791380065), abs=1e-7)
    x, y = wgs84_to_bd09(*PUJIANG)
    assert (float(x), float(y)) == pytest.approx((121.510987367774, 31.05352609321334), abs=1e-9)


@pytest.mark.parametrize(
    "change", [wgs84_to_gcj02, gcj02_to_wgs84, gcj02_to_bd09, bd09_to_gcj02, wgs84_to_bd09, bd09_to_wgs84]
)
def test_outside_china_nothing_moves_and_inputs_stay(change):
    x, y = np.array([2.35, -80.25, 71.9, 121.5]), np.array([48.85, 43.5, 30.0, 31.05])
    kept = x.copy(), y.copy()
    moved = np.column_stack(change(x, y))
    assert np.array_equal(moved[:3], np.column_stack(kept)[:3])
    assert not np.array_equal(moved[3], np.column_stack(kept)[3])
    assert np.array_equal(x, kept[0])
    assert np.array_equal(y, kept[1])
    empty_x, empty_y = change([], [])
    assert len(empty_x) == len(empty_y) == 0


def shifted(frame: gpd.GeoDataFrame, system: MapSystem) -> gpd.GeoDataFrame:
    def move(pairs: np.ndarray) -> np.ndarray:
        return np.column_stack(system.from_wgs84(pairs[:, 0], pairs[:, 1]))

    return frame.set_geometry(gpd.GeoSeries(shapely.transform(frame.geometry.to_numpy(), move), crs=frame.crs))


@pytest.mark.parametrize("system", list(MapSystem))
def test_layers_from_a_map_system_come_home_with_whole_seams(system):
    truth = tiles()
    home = from_map_system(shifted(truth, system), system)
    assert home.crs.to_epsg() == 4490
    assert len(pairs(home)) == len(pairs(truth))
    assert np.abs(shapely.get_coordinates(home.geometry) - shapely.get_coordinates(truth.geometry)).max() < 1e-9
    # the same data as kept for web maps, in Web Mercator
    home = from_map_system(to_crs(shifted(truth, system), "EPSG:3857"), system)
    assert np.abs(shapely.get_coordinates(home.geometry) - shapely.get_coordinates(truth.geometry)).max() < 1e-8


def test_metres_declared_as_gcj02_degrees_are_refused():
    with pytest.raises(InputError, match="GCJ-02"):
        from_map_system(gpd.GeoDataFrame(geometry=[Point(643_280, 3_436_965)]), MapSystem.GCJ_02)


# ------------------------------------------------------------------------------------------------- matching vertices


def test_layers_that_came_different_ways_get_identical_seams_again():
    frame = to_crs(tiles(), working_crs(TOWN))
    other = to_crs(to_crs(to_crs(tiles(), "EPSG:4549"), "EPSG:32651"), frame.crs)
    assert not pairs(other) <= pairs(frame)
    matched = match_vertices(other, frame)
    assert pairs(matched) == pairs(frame)
    assert matched["id"].equals(other["id"])


def test_matching_takes_the_nearest_and_leaves_the_rest():
    reference = gpd.GeoDataFrame(geometry=[LineString([(0, 0), (0.3, 0), (1, 0)])], crs=32651)
    frame = gpd.GeoDataFrame(geometry=[LineString([(0.2, 0), (0.15, 0), (5, 5)])], crs=32651)
    # 0.15 lies between two: the one with the lesser x
    assert list(match_vertices(frame, reference, 0.5).geometry[0].coords) == [(0.3, 0), (0, 0), (5, 5)]
    assert frame.geometry[0].coords[0] == (0.2, 0)


def test_matching_never_collapses_a_feature():
    reference = gpd.GeoDataFrame(geometry=[Point(0, 0)], crs=32651)
    small = Polygon([(0, 0), (0.1, 0), (0.1, 0.1)])
    shapes = [small, LineString([(0.1, 0), (0, 0.1)]), Polygon([(0.1, 0), (5, 0), (5, 5)]), None, Polygon()]
    matched = match_vertices(gpd.GeoDataFrame(geometry=shapes, crs=32651), reference, 1.0)
    assert matched.geometry[0].equals_exact(small, 0)
    assert matched.geometry[1].equals_exact(shapes[1], 0)
    assert matched.geometry[2].equals_exact(Polygon([(0, 0), (5, 0), (5, 5)]), 0)
    assert matched.geometry[3] is None
    assert len(match_vertices(reference, reference.iloc[:0])) == 1


# -------------------------------------------------------------------------------------------------------- convergence


def test_convergence_at_the_border_of_two_zones():
    place = pyproj.Transformer.from_crs(4490, 4549, always_xy=True).transform(*PUJIANG)
    east = convergence("EPSG:4549", *place)
    assert east == pytest.approx(0.774, abs=1e-3)
    assert east == pytest.approx(pyproj.Proj(4549).get_factors(*PUJIANG).meridian_convergence, abs=1e-5)
    place = pyproj.Transformer.from_crs(4490, 4550, always_xy=True).transform(*PUJIANG)
    assert convergence("EPSG:4550", Point(place)) == pytest.approx(-0.774, abs=1e-3)


def test_convergence_is_nought_on_the_working_meridian_and_in_degrees():
    metres = working_crs((*PUJIANG, *PUJIANG))
    assert convergence(metres, 500_000, 3_436_965) == pytest.approx(0, abs=1e-9)
    assert convergence("EPSG:4490", *PUJIANG) == 0


# --------------------------------------------------------------------------------------- layers that are off their town


@pytest.mark.parametrize(("system", "metres"), [(MapSystem.GCJ_02, "48"), (MapSystem.BD_09, "11")])
def test_a_layer_off_its_town_is_suspected(system, metres):
    frame = tiles()
    town = layer(frame.dissolve().reset_index(drop=True), "town")
    problem = looks_like_gcj02(layer(shifted(frame, system), "communities"), town)
    assert problem is not None
    assert system.value in problem.text("en")
    assert f"about {metres}" in problem.text("en")
    assert problem.text("en").startswith("communities.gpkg")
    # and so is a town that is off its layers
    assert looks_like_gcj02(layer(frame), layer(shifted(town.frame, system), "town")) is not None


def test_layers_in_their_place_are_not_suspected():
    frame = tiles()
    town = layer(frame.dissolve().reset_index(drop=True), "town")
    far_roads = gpd.GeoDataFrame(geometry=[LineString([(121.3, 31.05), (121.7, 31.051)])], crs=4490).segmentize(0.001)
    few = frame.iloc[[14, 15]].reset_index(drop=True)
    for other in (
        frame,
        gpd.GeoDataFrame(geometry=far_roads.geometry),
        few,
        frame.iloc[:0],
        frame.set_crs(None, allow_override=True),
    ):
        assert looks_like_gcj02(layer(other), town) is None
    abroad = tiles(bounds=(-80.3, 43.5, -80.2, 43.6))
    assert looks_like_gcj02(layer(abroad), layer(abroad)) is None
