"""What users may rely on in atoms: they tile, dead ends and flyovers cut nothing, slivers and strips are gone."""

from collections.abc import Callable, Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely import LineString, MultiPolygon, Point, Polygon, box

from gridgeo.crs import to_crs, working_crs
from gridgeo.errors import InputError, Problem
from gridgeo.network import NO_RANK, RANKS, RIVER, as_barriers
from gridgeo.partition import WorkloadSource, delineate_blocks, partition_town
from gridgeo.partition.atom_layer import find_atoms, lay_out
from gridgeo.partition.atoms import USUAL, Atoms, Cleaning
from gridgeo.partition.workload import on_places
from gridgeo.town import read_town
from gridgeo.validate import validate_tiling

METRES = "EPSG:32651"
DATA = Path(__file__).parents[2] / "shared" / "data"
Row = tuple[str, list[tuple[float, float]]]


def table(
    *rows: tuple[str, Sequence[tuple[float, float]]],
    level: int | list[int] = 0,
    name: str | list[str] = "",
    **more: object,
) -> gpd.GeoDataFrame:
    lines = [LineString(points) for _, points in rows]
    columns = {"rank": [rank for rank, _ in rows], "level": level, "name": name, **more}
    return gpd.GeoDataFrame(columns, geometry=lines, crs=METRES)


def area(*shapes: shapely.Geometry) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"id": range(len(shapes))}, geometry=list(shapes), crs=METRES)


def graph(shape: shapely.Geometry, barriers: gpd.GeoDataFrame, cleaning: Cleaning = USUAL) -> Atoms:
    return lay_out(np.array([shape], dtype=object), as_barriers(barriers), cleaning=cleaning).atoms(0)


def sizes(shape: shapely.Geometry, barriers: gpd.GeoDataFrame, cleaning: Cleaning = USUAL) -> list[int]:
    return sorted(round(size) for size in graph(shape, barriers, cleaning).area.tolist())


TOWN = box(0, 0, 400, 300)
ACROSS: Row = ("road", [(-9, 150), (409, 150)])

# ---------------------------------------------------------------------------------------------------- dead ends


def test_a_dead_end_cuts_nothing_and_is_reported_with_its_gap() -> None:
    ground = lay_out(np.array([TOWN]), as_barriers(table(ACROSS, ("lane", [(200, 150), (200, 280)]))))
    dead = ground.arrangement.dead_ends
    assert len(ground.atoms(0)) == 2
    assert dead.points.tolist() == [[200, 280]]
    assert (dead.gap.tolist(), dead.length.tolist()) == ([pytest.approx(20)], [pytest.approx(130)])
    assert dead.target.tolist() == [pytest.approx([200, 300])]
    assert not dead.extended.any()


@pytest.mark.parametrize(("tolerance", "atoms"), [(19.9, 2), (20.1, 3)])
def test_a_dead_end_is_extended_within_the_declared_tolerance(tolerance: float, atoms: int) -> None:
    lanes = table(ACROSS, ("lane", [(200, 150), (200, 280)]))
    assert len(graph(TOWN, lanes, Cleaning(extend_dead_ends=tolerance))) == atoms


def test_an_extension_is_marked_and_keeps_the_rank_of_its_street() -> None:
    lanes = table(ACROSS, ("lane", [(200, 150), (200, 280)]), name=["", "Mill Lane"])
    edges = lay_out(np.array([TOWN]), as_barriers(lanes), cleaning=Cleaning(extend_dead_ends=25)).arrangement.edges()
    made = edges[edges["extension"]]
    assert made[["rank", "name"]].values.tolist() == [["lane", "Mill Lane"]]
    assert made.length.tolist() == [pytest.approx(20)]


def test_a_stub_is_not_extended_by_more_than_its_own_length() -> None:
    assert len(graph(TOWN, table(ACROSS, ("lane", [(200, 150), (200, 160)])), Cleaning(extend_dead_ends=500))) == 2


def test_two_dead_ends_that_face_each_other_become_one_street() -> None:
    lanes = table(("lane", [(200, -9), (200, 140)]), ("lane", [(204, 309), (204, 160)]))
    assert len(graph(TOWN, lanes)) == 1
    assert len(graph(TOWN, lanes, Cleaning(extend_dead_ends=25))) == 2


def test_a_river_that_ends_short_of_the_next_one_cuts() -> None:
    rivers = table(("river", [(-9, 150), (409, 150)]), ("river", [(200, 309), (205, 170)]))
    assert len(graph(TOWN, rivers)) == 2
    atoms = graph(TOWN, rivers, Cleaning(extend_dead_ends=25))
    assert len(atoms) == 3
    assert not atoms.passable.any()


# ---------------------------------------------------------------------------------------------------- grade separation


def test_a_flyover_cuts_no_atom() -> None:
    flyover = table(ACROSS, ("main-road", [(-9, 20), (409, 280)]), level=[0, 1])
    assert len(graph(TOWN, flyover)) == 2


def test_an_overpass_carries_its_street_on_over_the_other() -> None:
    rows = [
        ("main-road", [(200, -9), (200, 130)]),
        ("main-road", [(200, 130), (200, 170)]),
        ("main-road", [(200, 170), (200, 309)]),
    ]
    assert len(graph(TOWN, table(ACROSS, *rows, level=[0, 0, 1, 0]))) == 4


def test_a_short_culvert_carries_its_river_on_and_can_be_walked_over() -> None:
    rows: list[Row] = [("river", [(200, y), (200, y + step)]) for y, step in ((-9, 109), (100, 40), (140, 169))]
    atoms = graph(TOWN, table(*rows, level=[0, -1, 0]))
    assert len(atoms) == 2
    assert atoms.passable.tolist() == [True]
    assert len(graph(TOWN, table(rows[0], rows[2]))) == 1, "without the culvert the river does not part the town"


# ---------------------------------------------------------------------------------------------------- on foot


def test_a_motorway_is_crossed_where_a_bridge_or_an_underpass_leads_across() -> None:
    motorway: Row = ("main-road", [(-9, 150), (409, 150)])
    path: Row = ("lane", [(200, 100), (200, 200)])
    assert graph(TOWN, table(motorway)).passable.tolist() == [True]
    for level, passable in ((1, True), (-1, True)):
        streets = table(motorway, path, level=[0, level], walkable=[False, True])
        assert graph(TOWN, streets).passable.tolist() == [passable]
    assert graph(TOWN, table(motorway, walkable=False)).passable.tolist() == [False]


def test_a_tunnel_under_a_river_is_no_way_on_foot() -> None:
    streets = table(("river", [(-9, 150), (409, 150)]), ("road", [(200, 100), (200, 200)]), level=[0, -1])
    assert graph(TOWN, streets).passable.tolist() == [False]


def test_touching_in_a_point_joins_nothing() -> None:
    cross = table(ACROSS, ("road", [(200, -9), (200, 309)]))
    atoms = graph(TOWN, cross)
    assert sorted(map(tuple, atoms.pairs.tolist())) == [(0, 1), (0, 2), (1, 3), (2, 3)]


def test_lengths_of_borders_are_told_by_rank() -> None:
    atoms = graph(TOWN, table(ACROSS, ("lane", [(200, 150), (200, 309)])))
    assert dict(zip(RANKS, atoms.length.sum(axis=0).tolist(), strict=False)) == {
        "river": 0, "main-road": 0, "road": pytest.approx(400), "lane": pytest.approx(150)
    }  # fmt: skip


# ---------------------------------------------------------------------------------------------------- slivers, strips


def test_a_sliver_joins_over_its_weakest_border() -> None:
    # a corner plot of 20 x 30 m: a main road to the south (long side), a lane to the north, another in the east
    rows = table(
        ("main-road", [(-9, 100), (409, 100)]), ("lane", [(0, 120), (30, 120)]), ("road", [(30, 309), (30, 100)])
    )
    assert sizes(TOWN, rows) == sorted([30 * 200, 370 * 200, 400 * 100])


def test_a_dual_carriageway_leaves_no_strip_and_its_border_one_carriageway() -> None:
    east = [("main-road", [(-9, y), (409, y)]) for y in (140, 160)]
    streets = [("lane", [(x, -9), (x, 309)]) for x in (90, 210, 330)]
    atoms = find_atoms(area(TOWN), table(*east, *streets))
    assert len(atoms) == 8
    borders = shapely.union_all(atoms.boundary.to_numpy())
    on = sorted(borders.intersection(LineString([(0, y), (400, y)])).length for y in (140, 160))
    assert on == [0, 400], "all strips go to the same side"


def test_a_row_of_houses_between_two_lanes_is_no_strip() -> None:
    houses = table(("lane", [(-9, 140), (409, 140)]), ("lane", [(-9, 175), (409, 175)]), name=["Elm Row", "Oak Row"])
    assert len(graph(TOWN, houses)) == 3


def test_a_cluster_at_a_crossing_of_two_dual_carriageways_is_gone() -> None:
    both = [("main-road", [(-9, y), (409, y)]) for y in (140, 160)]
    both += [("main-road", [(x, -9), (x, 309)]) for x in (190, 210)]
    slips = [("main-road", [(170, 140), (190, 120)]), ("main-road", [(230, 160), (210, 180)])]
    assert len(graph(TOWN, table(*both, *slips))) == 4


def test_a_roundabout_is_no_atom() -> None:
    ring = Point(200, 150).buffer(30).exterior
    streets = table(ACROSS, ("road", [(200, -9), (200, 309)]))
    outside = streets.assign(geometry=streets.geometry.difference(ring.convex_hull)).explode()
    circle = gpd.GeoDataFrame({"rank": ["road"], "level": 0, "name": ""}, geometry=[ring], crs=METRES)
    assert len(graph(TOWN, pd.concat([outside, circle], ignore_index=True))) == 4


def test_slivers_go_over_a_river_only_for_want_of_land() -> None:
    rows = table(("river", [(-9, 280), (409, 280)]), ("river", [(20, 280), (20, 309)]))
    atoms = graph(TOWN, rows)
    assert (atoms.merged, atoms.merged_over_river) == (1, 1)


def test_a_river_polygon_goes_to_one_bank_whole_though_bridges_cut_it() -> None:
    water = gpd.GeoDataFrame(
        {"rank": ["river"]}, geometry=[Polygon([(-9, 140), (409, 150), (409, 180), (200, 190), (-9, 160)])], crs=METRES
    )
    bridges = table(*[("road", [(x, -9), (x, 309)]) for x in (100, 300)])
    atoms = find_atoms(area(TOWN), pd.concat([water, bridges], ignore_index=True))
    assert len(atoms) == 6
    south = [shape for shape in atoms.geometry if shape.bounds[1] == 0]
    assert all(shape.bounds[3] <= 150 for shape in south) or all(shape.bounds[3] >= 155 for shape in south)


# ---------------------------------------------------------------------------------------------------- kept whole


def test_a_campus_is_kept_whole_and_neighbours_are_not() -> None:
    lanes = [("lane", [(-9, y), (409, y)]) for y in (100, 200)] + [
        ("lane", [(x, -9), (x, 309)]) for x in (100, 200, 300)
    ]
    # across the lane at x = 200, with 2 m over the lane at y = 200 from digitising
    campus = box(120, 110, 280, 202)
    assert len(graph(TOWN, table(*lanes))) == 12
    atoms = find_atoms(area(TOWN), table(*lanes), cleaning=Cleaning(keep_whole=np.array([campus])))
    assert len(atoms) == 11
    assert max(shapely.area(shapely.intersection(atoms.geometry.to_numpy(), campus))) >= 0.97 * campus.area


def test_a_village_in_two_islands_is_told_to_be_parted() -> None:
    islands = MultiPolygon([box(0, 0, 100, 100), box(200, 0, 300, 100)])
    atoms = graph(islands, table(), Cleaning(keep_whole=np.array([box(50, 20, 260, 80)])))
    assert len(atoms) == 2
    assert atoms.parted.tolist() == [0]


def test_islands_and_exclaves_are_atoms_of_their_grid() -> None:
    islands = MultiPolygon([box(0, 0, 100, 100), box(200, 0, 300, 100), box(400, 0, 410, 10)])
    atoms = graph(islands, table(("lane", [(-9, 50), (150, 50)])))
    assert sorted(atoms.area.round().tolist()) == [100, 5000, 5000, 10000]
    assert atoms.left == 1, "the islet has nobody to join"
    assert len(atoms.pairs) == 1


# ---------------------------------------------------------------------------------------------------- in drafts


def plain(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return a table in metres that says no CRS."""
    return frame.set_crs(None, allow_override=True)


def test_a_draft_says_which_street_would_split_an_atom_that_is_too_large() -> None:
    streets = table(
        ("road", [(100, -9), (100, 309)]), ("lane", [(250, -9), (250, 200)]), name=["Main Street", "Mill {Lane}"]
    )
    homes = gpd.GeoDataFrame(
        {"workload": [10, 60, 60]}, geometry=[Point(50, 9), Point(150, 9), Point(390, 9)], crs=METRES
    )
    warnings: list[Problem] = []
    delineate_blocks(plain(area(TOWN)), plain(streets), workload=plain(homes), count=2, warnings=warnings)
    said = [problem.text("en") for problem in warnings if "Mill {Lane}" in problem.text("en")]
    assert len(said) == 1
    assert "extended by 100 m" in said[0]
    assert "4.50 and 4.50 ha" in said[0]
    assert all("Mill {Lane}" in problem.text("zh") for problem in warnings if "Mill {Lane}" in problem.text("en"))


def test_a_draft_names_rivers_that_end_in_a_grid_and_what_would_carry_them_on() -> None:
    rivers = table(("river", [(200, -9), (200, 285)]), ("river", [(50, -9), (50, 120)]), name=["Speed", "Brook"])
    warnings: list[Problem] = []
    delineate_blocks(plain(area(TOWN)), plain(rivers), warnings=warnings)
    said = " ".join(problem.text("en") for problem in warnings)
    assert "river Speed ends inside a grid at 200, 285" in said
    assert "extend_dead_ends = 15" in said
    assert "river Brook ends inside a grid at 50, 120" in said
    assert len(delineate_blocks(area(TOWN), rivers, count=2, extend_dead_ends=15)) == 2


def test_a_draft_keeps_whole_what_it_is_told_to() -> None:
    lanes = table(*[("lane", [(x, -9), (x, 309)]) for x in (100, 200, 300)])
    campus = area(box(110, 50, 290, 250))
    blocks = delineate_blocks(area(TOWN), lanes, count=2, keep_whole=campus)
    assert len(blocks) == 2
    assert shapely.intersects(blocks.geometry.to_numpy(), campus.geometry[0]).sum() == 1


def test_people_are_spread_over_buildings_and_totals_are_shown() -> None:
    lanes = table(("lane", [(200, -9), (200, 309)]))
    quarter = gpd.GeoDataFrame({"people": [100, 7]}, geometry=[TOWN, box(900, 900, 910, 910)], crs=METRES)
    homes = area(box(10, 10, 40, 40), box(300, 10, 310, 40), box(390, 0, 999, 100))
    source = WorkloadSource(quarter.iloc[:1], "people", footprints=homes.iloc[:2])
    blocks = delineate_blocks(area(TOWN), lanes, workload={"people": source}, count=2)
    assert blocks["people"].tolist() == pytest.approx([75, 25], abs=1e-3)
    assert blocks["people"].sum() == 100
    source = WorkloadSource(quarter, "people")
    blocks = delineate_blocks(area(TOWN), lanes, workload={"people": source}, count=2)
    assert blocks.attrs["summary"]["totals"] == {"people": {"given": 107, "placed": 100}}


def test_a_table_is_put_on_the_map_by_its_keys_and_what_has_no_place_is_told() -> None:
    people = pd.DataFrame({"house": ["1", "1", "2", "9"], "workload": [2, 3, 4, 6]})
    houses = gpd.GeoDataFrame({"no": [1, 2]}, geometry=[Point(50, 50), Point(350, 50)], crs=METRES)
    placed = on_places(people, houses, key="house", place_key="no")
    warnings: list[Problem] = []
    lanes = table(("lane", [(200, -9), (200, 309)]))
    blocks = delineate_blocks(area(TOWN), lanes, workload=placed, count=2, warnings=warnings)
    assert sorted(blocks["workload"]) == [4, 5]
    assert any("6 of 15 could not be placed" in problem.text("en") for problem in warnings)
    with pytest.raises(InputError, match="street"):
        on_places(people, houses, key="street", place_key="no")
    with pytest.raises(InputError, match="several places"):
        on_places(people, pd.concat([houses, houses]), key="house", place_key="no")


def test_bad_demands_are_refused() -> None:
    with pytest.raises(InputError, match="extend_dead_ends"):
        delineate_blocks(area(TOWN), table(ACROSS), extend_dead_ends=-1)


TOML = """
[town]
name = "示例镇"
[layers.grids]
file = "town.gpkg"
layer = "grids"
kind = "residential"
[layers.campus]
file = "town.gpkg"
layer = "campus"
[barriers.roads]
file = "town.gpkg"
layer = "roads"
rank_column = "class"
ranks = {{ motorway = "main-road", "*" = "lane" }}
no_crossing = ["motorway"]
[partition]
layers = ["grids"]
count = 2
{more}
"""


def test_the_town_file_says_how_atoms_are_made(tmp_path: Path) -> None:
    lanes = [("lane", [(x, -9.0), (x, top)]) for x, top in ((100.0, 309.0), (200.0, 309.0), (300.0, 290.0))]
    roads = table(*lanes).assign(**{"class": ["street", "motorway", "street"]})
    for name, frame in {"grids": area(TOWN), "campus": area(box(110, 50, 290, 250)), "roads": roads}.items():
        frame.to_file(tmp_path / "town.gpkg", layer=name)

    def drafted(more: str) -> gpd.GeoDataFrame:
        (tmp_path / "gridgeo.toml").write_text(TOML.format(more=more), encoding="utf-8")
        return partition_town(read_town(tmp_path))

    assert sorted(drafted("").area.round()) == [60_000, 60_000], "nobody crosses the motorway"
    kept = drafted('keep_whole = ["campus"]\nextend_dead_ends = 15')
    assert sorted(kept.area.round()) == [30_000, 90_000]
    assert kept.attrs["summary"]["dead_ends_extended"] == 1
    with pytest.raises(InputError, match="keep_whole"):
        drafted('keep_whole = ["nowhere"]')


# ---------------------------------------------------------------------------------------------------- random networks


def random_network(seed: int) -> gpd.GeoDataFrame:
    rng = np.random.default_rng(seed)
    rows: list[Row] = []
    for _ in range(int(rng.integers(3, 16))):
        start, end = rng.uniform(-50, 450, (2, 2))
        middle = (start + end) / 2 + rng.normal(0, 25, 2)
        rank = str(rng.choice(RANKS, p=[0.1, 0.25, 0.3, 0.35]))
        line = LineString([start, middle, end])
        rows.append((rank, list(line.coords)))
        if rank == "main-road" and rng.random() < 0.6:
            rows.append((rank, list(line.parallel_offset(float(rng.uniform(3, 18))).coords)))
    level = [1 if rng.random() < 0.1 else 0 for _ in rows]
    return table(*rows, level=level)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 10**6), extend=st.sampled_from([0.0, 15.0, 60.0]))
def test_atoms_of_random_networks(seed: int, extend: float) -> None:
    towns = area(
        Polygon([(0, 0), (230, 10), (220, 400), (0, 390)]), Polygon([(230, 10), (400, 0), (390, 400), (220, 400)])
    )
    barriers, cleaning = random_network(seed), Cleaning(extend_dead_ends=extend)
    atoms = find_atoms(towns, barriers, cleaning=cleaning)
    assert validate_tiling({"atoms": atoms.assign(id=range(len(atoms)))}, within=towns).ok
    ground = lay_out(towns.geometry.to_numpy(), as_barriers(barriers), cleaning=cleaning)
    for grid in (0, 1):
        made = ground.atoms(grid)
        assert sum(len(faces) for faces in made.faces) == len(ground.members(grid)), "each face is in one atom"
        assert made.area.sum() == pytest.approx(towns.area[grid])
        land = made.length[:, RIVER + 1 :].sum(axis=1)
        beside = set(made.pairs[land > 0].ravel().tolist())
        small = set(np.flatnonzero(made.area < cleaning.sliver_below).tolist())
        assert not small & beside, "no sliver is left that has land beside it"
        assert (made.length[:, NO_RANK] == 0).all(), "atoms are parted by barriers"
        # ranks: as many metres of each as the arrangement has between these atoms
        of_face = np.full(len(ground.faces.polygons), -1)
        for number, members in enumerate(made.faces):
            of_face[members] = number
        sides = ground.faces.sides
        one, other = of_face[sides[:, 0]], of_face[sides[:, 1]]
        parts = (sides >= 0).all(axis=1) & (one >= 0) & (other >= 0) & (one != other)
        assert made.length.sum(axis=0).tolist() == pytest.approx(
            np.bincount(ground.arrangement.rank[parts], ground.lengths[parts], minlength=NO_RANK + 1).tolist()
        )
    flat = barriers[barriers["level"] == 0]
    drawn = shapely.union_all([*flat.geometry, *towns.boundary]).buffer(1e-4)
    if not extend:
        assert shapely.union_all(atoms.boundary.to_numpy()).difference(drawn).length < 1e-6


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_a_flyover_more_changes_no_atom(seed: int) -> None:
    barriers = random_network(seed)
    over = table(("main-road", [(-100, 30), (500, 371)]), level=1)
    before, after = (find_atoms(area(TOWN), given) for given in (barriers, pd.concat([barriers, over])))
    assert [shape.wkb for shape in before.geometry] == [shape.wkb for shape in after.geometry]


# ---------------------------------------------------------------------------------------------------- real towns


def real(folder: str, file: str, **layers: str) -> dict[str, gpd.GeoDataFrame]:
    path = DATA / folder / file
    if not path.exists():
        pytest.skip(f"{folder} is not here")
    return {name: gpd.read_file(path, layer=layer) for name, layer in layers.items()}


def of_class(roads: gpd.GeoDataFrame, column: str) -> gpd.GeoDataFrame:
    kinds = roads[column].str.removesuffix("_link")
    ranks = {"trunk": "main-road", "primary": "main-road", "secondary": "main-road", "tertiary": "road"}
    ranks |= {"unclassified": "road", "residential": "lane", "living_street": "lane"}
    found = roads.assign(rank=kinds.map(ranks))
    return found[found["rank"].notna()][["rank", "geometry", *(["name"] if "name" in roads else [])]]


def guelph() -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    read = real("guelph", "guelph.gpkg", roads="roads", boundary="boundary")
    return read["boundary"], of_class(read["roads"], "type")


def wuhan() -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    read = real("wuhan-roads", "wuhan_clip.gpkg", roads="roads", boundary="boundary")
    return read["boundary"], of_class(read["roads"], "highway")


def liechtenstein() -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    read = real("liechtenstein", "liechtenstein.gpkg", roads="roads", towns="municipalities")
    return read["towns"], of_class(read["roads"], "highway")


@pytest.mark.parametrize("town", [guelph, wuhan, liechtenstein])
def test_real_towns_are_tiled_without_slivers(
    town: Callable[[], tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]],
) -> None:
    extent, roads = town()
    metric = working_crs(extent)
    towns, streets = to_crs(extent, metric), to_crs(roads, metric)
    atoms = find_atoms(towns, streets, cleaning=Cleaning(extend_dead_ends=20))
    told = atoms.attrs["summary"]
    assert validate_tiling({"atoms": atoms.assign(id=range(len(atoms)))}, within=towns).ok
    assert told["faces"] > 1.05 * len(atoms)
    assert int((atoms["area"] < 1000).sum()) == told["slivers_left"] <= 0.01 * len(atoms)
    assert told["dead_ends_extended"] > 0
    width = 2 * shapely.area(atoms.geometry.to_numpy()) / shapely.length(atoms.geometry.to_numpy())
    assert (width >= 12).sum() >= len(atoms) - told["slivers_left"]
