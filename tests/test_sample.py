"""The sample town: what its users (demo, tests, benchmarks) may rely on, proved with shapely alone."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from PIL import Image

from gridgeo.errors import InputError
from gridgeo.sample import OTHER_KINDS, TILING_KINDS, SampleTown, plant_faults, sample_town, write_sample

GRID_LAYERS = ("communities", "villages", "streets", "zones")


@pytest.fixture(scope="module")
def town() -> SampleTown:
    return sample_town()


def shapes(town: SampleTown) -> np.ndarray:
    return town.grids.geometry.to_numpy()


def metric(geometry: object) -> np.ndarray:
    """Geometries in metres, by a way of its own: UTM zone 51's formulas on GRS80 through 121.5 E, true to scale."""
    crs = pyproj.CRS("+proj=tmerc +lat_0=31 +lon_0=121.5 +k=1 +ellps=GRS80 +units=m")
    return gpd.GeoSeries(geometry, crs="EPSG:4490").to_crs(crs).to_numpy()


# ------------------------------------------------------------------------------------------------------------ tiling


@pytest.mark.parametrize(("polygons", "seed"), [(60, 0), (60, 1), (61, 2), (75, 3), (140, 4), (333, 5), (1000, 6)])
def test_the_grids_are_one_coverage_of_the_town(polygons: int, seed: int) -> None:
    town = sample_town(polygons=polygons, seed=seed, details=False)
    grids, extent = shapes(town), town.town.geometry.iloc[0]
    assert len(grids) == polygons
    assert shapely.is_valid(grids).all()
    assert set(shapely.get_type_id(grids)) == {3}, "no grid is in two parts"
    assert shapely.coverage_is_valid(grids)
    union = shapely.coverage_union_all(grids)
    assert union.geom_type == "Polygon"
    assert len(union.interiors) == 0, "no hole"
    assert union.normalize() == extent.normalize(), "the extent has the same vertices on its border"
    assert town.town.crs == "EPSG:4490"


def test_vertices_are_rounded_and_apart(town: SampleTown) -> None:
    points = np.unique(shapely.get_coordinates(shapes(town)), axis=0)
    assert (np.round(points, 8) == points).all()
    tree = shapely.STRtree(shapely.points(points))
    near = tree.query(shapely.points(points), predicate="dwithin", distance=5e-7)
    assert near.shape[1] == len(points), "no two vertices within 5 cm"


def test_many_seeds_give_sound_towns() -> None:
    for seed in range(20, 32):
        town = sample_town(seed=seed, details=False)
        grids = shapes(town)
        assert shapely.coverage_is_valid(grids)
        assert shapely.coverage_union_all(grids).normalize() == town.town.geometry.iloc[0].normalize()
        assert all(len(town.layers[key]) >= 4 for key in GRID_LAYERS)


def test_ids_are_unique_over_all_layers_and_of_an_invented_town(town: SampleTown) -> None:
    codes = town.grids["code"]
    assert codes.is_unique
    assert codes.str.fullmatch(r"310112999\d{3}").all()
    assert town.code == "310112999"


@pytest.mark.parametrize("polygons", [59, 1_000_001])
def test_sizes_out_of_range_are_refused(polygons: int) -> None:
    with pytest.raises(ValueError, match="60 to 1,000,000"):
        sample_town(polygons=polygons)


def test_the_town_lies_in_shanghais_south(town: SampleTown) -> None:
    west, south, east, north = town.town.total_bounds
    assert 121.4 < west < east < 121.6
    assert 31.0 < south < north < 31.1
    assert 6e6 < metric(town.town.geometry)[0].area < 9e6


# --------------------------------------------------------------------------------------------------- what it is like


def test_streets_are_few_areas_of_real_surface(town: SampleTown) -> None:
    area = shapely.area(metric(town.streets.geometry))
    assert len(town.streets) == 6
    assert area.min() > 2e4
    assert area.max() < 6 * area.min()
    roads = town.layers["roads"]
    centre = roads[roads["class"].isin(["arterial", "main"])]
    inside = shapely.intersection(centre.geometry.union_all(), town.town.geometry.iloc[0])
    on_street = shapely.intersection(inside, town.streets.geometry.union_all())
    assert on_street.length > 0.97 * inside.length


def test_roads_and_creeks_cut_communities_and_villages_into_faces(town: SampleTown) -> None:
    lines = [*town.layers["roads"].geometry, *town.layers["rivers"].geometry, *town.layers["creeks"].geometry]
    for key in ("communities", "villages"):
        faces = []
        for grid in town.layers[key].geometry:
            near = [line for line in lines if line.intersects(grid)]
            noded = shapely.union_all([grid.boundary, *near])
            pieces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
            inside = pieces[grid.contains(shapely.point_on_surface(pieces))]
            faces.append(int((shapely.area(metric(inside)) > 1000).sum()))
            # lanes end exactly on the border, so that cutting leaves no slivers
            assert (shapely.area(metric(inside)) > 1.0).all()
        assert np.mean(np.array(faces) >= 6) > 0.9
        assert min(faces) >= 3


def test_borders_run_along_creeks_and_kerbs(town: SampleTown) -> None:
    rivers = shapely.union_all([*town.layers["rivers"].geometry, *town.layers["creeks"].geometry])
    along = 0.0
    for grid in town.layers["villages"].geometry:
        along += shapely.intersection(grid.boundary, rivers.buffer(1e-8)).length
    assert along > 0.1 * sum(grid.length for grid in town.layers["villages"].geometry)
    kerbs = shapely.union_all(town.streets.geometry.to_numpy()).boundary.buffer(1e-9)
    beside = [shapely.intersection(grid.boundary, kerbs).length / grid.length for grid in town.communities.geometry]
    assert np.mean(beside) > 0.3


def test_creeks_pass_through_the_vertices_of_the_borders_on_them(town: SampleTown) -> None:
    water = shapely.get_coordinates([*town.layers["rivers"].geometry, *town.layers["creeks"].geometry])
    known = {tuple(point) for point in water.tolist()}
    lines = shapely.union_all([*town.layers["rivers"].geometry, *town.layers["creeks"].geometry])
    shapely.prepare(lines)
    points = np.unique(shapely.get_coordinates(shapes(town)), axis=0)
    on_line = points[shapely.dwithin(lines, shapely.points(points), 2e-8)]
    assert len(on_line) > 200
    missing = [point for point in on_line.tolist() if tuple(point) not in known]
    assert len(missing) <= 0.01 * len(on_line)


def test_people_live_where_houses_stand(town: SampleTown) -> None:
    population = town.layers["addresses"].groupby("grid")["population"].sum()
    communities = population.reindex(town.communities["code"])
    assert communities.between(500, 4000).mean() > 0.9
    assert 1500 <= communities.median() <= 4000
    assert (town.layers["addresses"]["population"] >= 0).all()
    grids = town.grids.set_index("code").geometry
    houses = town.layers["buildings"]
    for grid, group in houses.groupby("grid"):
        assert shapely.covers(grids[grid], group.geometry.to_numpy()).all()
    rivers = town.layers["water"][town.layers["water"]["class"] == "river"].geometry.union_all()
    assert not houses.geometry.intersects(rivers).any(), "no house stands in a river"


def test_shops_have_names_and_lie_in_their_grid(town: SampleTown) -> None:
    shops, grids = town.layers["shops"], town.grids.set_index("code").geometry
    assert len(shops) > 80
    assert shops["name"].str.len().gt(2).all()
    assert all(grids[grid].contains(point) for grid, point in zip(shops["grid"], shops.geometry, strict=True))


def test_bridges_lie_over_water(town: SampleTown) -> None:
    roads = town.layers["roads"]
    bridges = roads[roads["bridge"] == "yes"]
    assert len(bridges) > 5
    assert bridges.geometry.intersects(town.layers["water"].geometry.union_all()).all()
    assert set(roads["class"]) == {"arterial", "main", "road", "lane"}


def test_task_lists_are_the_towns_base_lists(town: SampleTown) -> None:
    tasks = town.tables["tasks"]
    base = tasks[tasks["local"] == "false"]
    counts = {kind: (rows["group"].nunique(), len(rows)) for kind, rows in base.groupby("kind")}
    assert counts == {"residential": (3, 10), "village": (3, 10), "street": (3, 11), "extended": (3, 5)}
    assert (tasks["local"] == "true").any()


def test_every_grid_is_staffed_and_telephones_are_invented(town: SampleTown) -> None:
    people = town.tables["people"]
    heads = people[people["role"] == "head"].groupby("unit").size()
    assert set(heads.index) == set(town.grids["code"])
    assert heads.between(1, 8).all()
    assert heads[town.communities["code"]].mean() >= 1.5, "communities have a head for each of their blocks to come"
    assert people["phone"].str.fullmatch(r"021-5550-\d{4}").all()
    assert set(people[people["unit"] == town.code]["role"]) == {
        "police", "urban-management", "market-supervision", "lawyer",
    }  # fmt: skip
    assert people["name"].str.contains("[䶮喆頔燚堃翀犇]").any()


def test_large_towns_leave_details_out_unless_asked() -> None:
    assert "addresses" not in sample_town(polygons=60, details=False).layers


# ------------------------------------------------------------------------------------------------------------- files


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample(tmp_path_factory.mktemp("sample") / "town", faults=6)


def test_the_same_town_is_written_to_the_byte_in_another_process(tmp_path: Path, written: Path) -> None:
    script = "import sys; from gridgeo.sample import write_sample; write_sample(sys.argv[1], faults=6)"
    environment = {**os.environ, "PYTHONHASHSEED": "1", "PYTHONPATH": str(Path(__file__).parents[1])}
    subprocess.run([sys.executable, "-c", script, tmp_path], check=True, env=environment)
    files = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    expected = {"gridgeo.toml", "town.gpkg", "people.csv", "tasks.csv", "services.csv", "README.txt", "planted.json"}
    assert expected <= {str(file) for file in files}
    for file in files:
        assert (tmp_path / file).read_bytes() == (written.parent / file).read_bytes(), file


def test_what_is_written_is_what_was_made(written: Path, town: SampleTown) -> None:
    path = written
    assert path.name == "gridgeo.toml"
    town, _ = plant_faults(town, count=6)
    assert 'watermark = "示例数据"' in path.read_text(encoding="utf-8")
    assert "示例数据" in (path.parent / "README.txt").read_text(encoding="utf-8")
    for key in GRID_LAYERS:
        read = gpd.read_file(path.parent / "town.gpkg", layer=key)
        assert read["code"].tolist() == town.layers[key]["code"].tolist()
        assert shapely.equals_exact(
            read.geometry.to_numpy(), town.layers[key].geometry.to_numpy(), normalize=True
        ).all()
    people = pd.read_csv(path.parent / "people.csv", dtype=str)
    portraits = {name: (path.parent / "photos" / name).read_bytes() for name in people["photo"].dropna()}
    assert len(set(portraits.values())) == len(portraits), "everybody looks different"
    for data in list(portraits.values())[:5]:
        image = Image.open(io.BytesIO(data))
        assert image.size == (300, 400)
        assert len(data) < 30_000
        assert not image.getexif()


# ------------------------------------------------------------------------------------------------------------ faults


def wrong_places(town: SampleTown) -> list[tuple[str, frozenset[str], float]]:
    """Find what is wrong with a tiling by plain overlays: code, ids and square metres."""
    grids = town.grids
    grids = grids[grids.geometry.is_valid & ~grids.geometry.is_empty]
    extent = town.town.geometry.iloc[0]
    polygons, ids = grids.geometry.to_numpy(), grids["code"].to_numpy()
    first, second = shapely.STRtree(polygons).query(polygons, predicate="intersects")
    found: list[tuple[str, frozenset[str], float]] = []
    overlaps: dict[bytes, tuple[set[str], shapely.Geometry]] = {}
    for a, b in zip(first.tolist(), second.tolist(), strict=True):
        if a < b:
            for part in shapely.get_parts(shapely.intersection(polygons[a], polygons[b])):
                if part.geom_type == "Polygon" and part.area > 1e-15:
                    key = shapely.to_wkb(shapely.centroid(shapely.set_precision(part, 1e-9)))
                    overlaps.setdefault(key, (set(), part))[0].update((ids[a], ids[b]))
    found += [("overlap", frozenset(names), metric([part])[0].area) for names, part in overlaps.values()]
    union = shapely.union_all(polygons)
    for part in shapely.get_parts(shapely.difference(extent, union)):
        if part.area > 1e-15:
            beside = [ids[k] for k in np.flatnonzero(shapely.length(shapely.intersection(polygons, part)) > 1e-6)]
            code = "uncovered" if shapely.intersection(part, extent.boundary).length > 1e-6 else "gap"
            found.append((code, frozenset(beside), metric([part])[0].area))
    for polygon, name in zip(polygons, ids, strict=True):
        for part in shapely.get_parts(shapely.difference(polygon, extent)):
            if part.geom_type == "Polygon" and part.area > 1e-15:
                found.append(("outside", frozenset([name]), metric([part])[0].area))
    return found


@pytest.mark.parametrize(
    "kind", [k for k in TILING_KINDS if k not in ("missing-vertex", "duplicate-polygon")] + ["near-border"]
)
@pytest.mark.parametrize("seed", [0, 1])
def test_a_planted_fault_is_there_and_nothing_else(town: SampleTown, kind: str, seed: int) -> None:
    faulty, planted = plant_faults(town, [kind], count=4, seed=seed)
    assert [fault.kind for fault in planted] == [kind] * 4
    found = wrong_places(faulty)
    assert len(found) == 4
    for fault in planted:
        code = "overlap" if kind == "near-border" else fault.code
        ((_, _, area),) = [one for one in found if one[:2] == (code, frozenset(fault.features))]
        assert area == pytest.approx(fault.area, rel=1e-4, abs=1e-4)
        assert fault.area == pytest.approx(metric([fault.geometry])[0].area, rel=1e-6)
        assert 0 < fault.width <= 2 * np.sqrt(fault.area / np.pi) * 1.0001
        assert fault.layer in GRID_LAYERS


def test_twenty_faults_of_the_default_kinds_fit_into_the_smallest_town(town: SampleTown) -> None:
    for seed in range(6):
        faulty, planted = plant_faults(town, seed=seed)
        assert len(planted) == 20
        assert len({fault.code for fault in planted}) >= 6
        keys = [(fault.code, frozenset(fault.features)) for fault in planted]
        assert len(set(keys)) == 20, "each can be told from the others by its code and features"
        found = wrong_places(faulty)
        assert Counter(code for code, _, _ in found) == Counter(
            "overlap" if fault.code == "duplicate-polygon" else fault.code
            for fault in planted
            if fault.code != "missing-vertex"
        )
        places = [shapely.centroid(shape) for shape in metric([fault.geometry for fault in planted])]
        apart = [a.distance(b) for i, a in enumerate(places) for b in places[:i]]
        assert min(apart) > 30


def test_a_missing_vertex_lies_on_a_straight_border_to_the_last_bit(town: SampleTown) -> None:
    faulty, planted = plant_faults(town, ["missing-vertex"], count=5)
    assert wrong_places(faulty) == []
    grids = faulty.grids.set_index("code").geometry
    assert not shapely.coverage_is_valid(grids.to_numpy())
    for fault in planted:
        holds = [
            bool((shapely.get_coordinates(grids[name]) == shapely.get_coordinates(fault.geometry)[0]).all(axis=1).any())
            for name in fault.features
        ]
        assert sorted(holds) == [False, True]
        assert all(shapely.intersects(grids[name].boundary, fault.geometry) for name in fault.features)
        assert fault.area == fault.width == 0


def test_faults_that_leave_the_tiling_sound(town: SampleTown) -> None:
    for kind in ("spike", "fragment", "missing-id", "duplicate-id", "empty-geometry"):
        faulty, planted = plant_faults(town, [kind], count=3, seed=5)
        polygons = shapes(faulty)
        polygons = polygons[~shapely.is_empty(polygons)]
        assert shapely.coverage_is_valid(polygons), kind
        assert shapely.coverage_union_all(polygons).normalize() == town.town.geometry.iloc[0].normalize()
        assert [fault.code for fault in planted] == [kind] * 3


def test_what_each_other_kind_looks_like(town: SampleTown) -> None:
    faulty, planted = plant_faults(town, OTHER_KINDS, count=len(OTHER_KINDS), seed=2)
    by_kind = {fault.kind: fault for fault in planted}
    grids = faulty.grids
    shape = {code: geometry for code, geometry in zip(grids["code"], grids.geometry, strict=True) if code is not None}
    assert shape[by_kind["fragment"].features[0]].geom_type == "MultiPolygon"
    assert not shape[by_kind["invalid-geometry"].features[0]].is_valid
    assert shape[by_kind["empty-geometry"].features[0]].is_empty
    assert grids["code"].isna().sum() == 1
    assert by_kind["missing-id"].features == ()
    repeated = grids["code"].dropna()[grids["code"].dropna().duplicated()]
    assert repeated.tolist() == list(by_kind["duplicate-id"].features)
    assert by_kind["near-border"].width < 0.02
    spike = metric([by_kind["spike"].geometry])[0]
    assert spike.length > 30
    assert by_kind["spike"].width < 0.3


def test_a_duplicate_is_the_same_polygon_under_a_new_id(town: SampleTown) -> None:
    faulty, (fault,) = plant_faults(town, ["duplicate-polygon"], count=1)
    grids = faulty.grids.set_index("code").geometry
    one, two = fault.features
    assert grids[one].equals_exact(grids[two])
    assert two not in set(town.grids["code"])
    assert fault.area == pytest.approx(metric([grids[one]])[0].area, rel=1e-6)


def test_planting_changes_neither_its_input_nor_its_mind(town: SampleTown) -> None:
    before = [shapely.to_wkb(town.layers[key].geometry.to_numpy()).tolist() for key in GRID_LAYERS]
    one, first = plant_faults(town, seed=9)
    _, second = plant_faults(town, seed=9)
    assert before == [shapely.to_wkb(town.layers[key].geometry.to_numpy()).tolist() for key in GRID_LAYERS]
    assert [fault.record() for fault in first] == [fault.record() for fault in second]
    assert one.layers["roads"] is town.layers["roads"]


def test_too_many_faults_or_unknown_kinds_are_refused_in_words(town: SampleTown) -> None:
    with pytest.raises(InputError, match="no room for 900 faults"):
        plant_faults(town, ["duplicate-polygon"], count=900)
    with pytest.raises(InputError, match="hole-in-the-head is no kind of fault"):
        plant_faults(town, ["hole-in-the-head"])


def test_planted_faults_are_written_down(tmp_path: Path) -> None:
    path = write_sample(tmp_path, faults=20, details=False)
    planted = json.loads((path.parent / "planted.json").read_text(encoding="utf-8"))
    assert len(planted) == 20
    assert {"code", "features", "area", "layers", "width", "geometry"} <= set(planted[0])
    written = SampleTown("", "", 0, {k: gpd.read_file(tmp_path / "town.gpkg", layer=k) for k in ("town", *GRID_LAYERS)})
    missing_or_doubled = sum(fault["code"] == "missing-vertex" for fault in planted)
    assert len(wrong_places(written)) == 20 - missing_or_doubled
