"""Sections: each metre of street in one of them, cut at junctions; gaps, overlaps and strays are named."""

import dataclasses
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridgeo import InputError, Problem, read_town, split_sections, validate_town
from gridgeo.layers import Layer, write_layer
from gridgeo.network import as_barriers, between_junctions, joints_of, streets_within
from gridgeo.partition import WorkloadSource
from gridgeo.sample import SECTION_KINDS, plant_section_faults
from gridgeo.town import Town
from gridgeo.validate.sections import validate_sections
from tests.render_towns import CRS, EAST, NORTH


def moved(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return a drawing around the origin where the CRS is at home."""
    return frame.set_geometry(frame.translate(EAST, NORTH))


def lattice(spacing: float, width: float, jitter: float, seed: int) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Streets on a bent lattice, and two street blocks that hold their surfaces."""
    rng = np.random.default_rng(seed)
    places = np.arange(4)[:, None] * spacing + rng.uniform(-jitter, jitter, (4, 4))
    lines, ranks = [], []
    for k in range(4):
        across = [(-60.0, places[k, 0]), *((m * spacing, places[k, m]) for m in range(4)), (3 * spacing + 60, 0.0)]
        lines.append(shapely.LineString(across))
        ranks.append("main-road")
        lines.append(shapely.LineString([(places[k, m], y) for m, y in enumerate(np.linspace(-60, 3 * spacing, 4))]))
        ranks.append("road")
    surface = shapely.union_all([line.buffer(width, cap_style="flat") for line in lines])
    middle = 1.5 * spacing
    halves = [surface & shapely.box(-1e4, -1e4, middle, 1e4), surface & shapely.box(middle, -1e4, 1e4, 1e4)]
    blocks = gpd.GeoDataFrame({"code": ["1", "2"], "name": ["甲", "乙"]}, geometry=halves, crs=CRS)
    names = [f"{k}路" for k in range(8)]
    return moved(gpd.GeoDataFrame({"rank": ranks, "name": names}, geometry=lines, crs=CRS)), moved(blocks)


@settings(max_examples=12, deadline=None)
@given(
    spacing=st.floats(150, 700),
    width=st.floats(8, 25),
    jitter=st.floats(0, 40),
    seed=st.integers(0, 10_000),
    target=st.floats(300, 1500),
)
def test_sections_tile_the_streets(spacing: float, width: float, jitter: float, seed: int, target: float) -> None:
    streets, blocks = lattice(spacing, width, jitter, seed)
    sections = split_sections(streets, blocks, target=target)
    inside = streets_within(as_barriers(streets).lines, blocks.geometry.to_numpy())
    # GEOS as the oracle: as long together as the streets, alike in place, and none on another
    assert sections.length.sum() == pytest.approx(inside.length.sum(), abs=0.01)
    whole, all_streets = shapely.union_all(sections.geometry), shapely.union_all(inside.geometry)
    assert shapely.hausdorff_distance(whole, all_streets) < 0.01
    assert whole.length == pytest.approx(sections.length.sum(), abs=0.05)
    report = validate_sections(sections, blocks.set_index("code"), streets, id_column="code")
    assert report.ok, report.to_text()
    assert sections["code"].is_unique
    assert set(sections["block"]) == {"1", "2"}


def test_sections_are_the_same_each_time_and_begin_at_junctions() -> None:
    streets, blocks = lattice(400, 15, 20, 1)
    one = split_sections(streets, blocks, target=1300)
    other = split_sections(streets.sample(frac=1, random_state=3), blocks, target=1300)
    assert one.geometry.to_wkb().tolist() == split_sections(streets, blocks, target=1300).geometry.to_wkb().tolist()
    assert len(one) == len(other)
    lines = as_barriers(streets).lines
    inside = streets_within(lines, blocks.geometry.to_numpy())
    stretches = between_junctions(inside, lines)
    junctions = shapely.multipoints([shapely.get_point(line, at) for line in stretches.geometry for at in (0, -1)])
    for section in one.geometry:
        ends = [shapely.get_point(part, at) for part in shapely.get_parts(section) for at in (0, -1)]
        assert all(shapely.distance(end, junctions) < 0.1 for end in ends)


def test_workload_moves_the_cut() -> None:
    street = gpd.GeoDataFrame(
        {"rank": ["road"] + ["lane"] * 9},
        geometry=[
            shapely.LineString([(0, 0), (1000, 0)]),
            *(shapely.LineString([(x, 0), (x, 80)]) for x in range(100, 1000, 100)),
        ],
        crs=CRS,
    )
    block = gpd.GeoDataFrame({"code": ["1"], "name": ["甲"]}, geometry=[shapely.box(0, -10, 1000, 10)], crs=CRS)
    plain = split_sections(moved(street), moved(block), count=2)
    assert plain["length"].round().tolist() == [500, 500]
    shops = gpd.GeoDataFrame(geometry=[shapely.Point(x, 5) for x in np.linspace(10, 240, 40)], crs=CRS)
    busy = split_sections(
        moved(street), moved(block), count=2, workload={"shops": WorkloadSource(moved(shops), None, 20.0)}
    )
    assert busy["length"].round().tolist() == [200, 800]
    assert busy["workload"].sum() == pytest.approx(1000 + 40 * 20)


def test_a_stretch_without_junction_is_cut_evenly() -> None:
    street = gpd.GeoDataFrame({"rank": ["road"]}, geometry=[shapely.LineString([(0, 0), (2400, 0)])], crs=CRS)
    block = gpd.GeoDataFrame({"code": ["1"], "name": ["甲"]}, geometry=[shapely.box(0, -10, 2400, 10)], crs=CRS)
    assert split_sections(moved(street), moved(block), target=800)["length"].round(3).tolist() == [800, 800, 800]


def cross(
    shift: float = 0.0, names: tuple[str | None, str | None] = ("A", "B")
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Two streets that cross, and a block that holds both."""
    streets = gpd.GeoDataFrame(
        {"rank": ["road", "road"], "name": names},
        geometry=[
            shapely.LineString([(0, shift), (500, 0), (1000, -shift)]),
            shapely.LineString([(500 + shift, -500), (500, 0), (500 - shift, 500)]),
        ],
        crs=CRS,
    )
    block = gpd.GeoDataFrame({"code": ["1"], "name": ["甲"]}, geometry=[shapely.box(-50, -550, 1050, 550)], crs=CRS)
    return moved(streets), moved(block)


@pytest.mark.parametrize("shift", [0.0, 30.0, -80.0])
@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("names", [("A", "B"), (None, None)])
def test_a_section_follows_its_street_over_a_crossing(
    shift: float, seed: int, names: tuple[str | None, str | None]
) -> None:
    streets, block = cross(shift, names)
    sections = split_sections(streets, block, target=1000, seed=seed)
    for section in sections.geometry:  # each is one of the two streets
        assert min(shapely.hausdorff_distance(section, street) for street in streets.geometry) < 0.1


def row_of_stretches(*metres: float) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """One straight street with side streets so many metres apart, and a block that holds it."""
    ends = np.cumsum([0.0, *metres])
    lines = [shapely.LineString([(0, 0), (ends[-1], 0)])]
    lines += [shapely.LineString([(x, 0), (x, 80)]) for x in ends[1:-1]]
    streets = gpd.GeoDataFrame({"rank": ["road"] + ["lane"] * (len(lines) - 1)}, geometry=lines, crs=CRS)
    block = gpd.GeoDataFrame({"code": ["1"], "name": ["甲"]}, geometry=[shapely.box(0, -9, ends[-1], 9)], crs=CRS)
    return moved(streets), moved(block)


def test_a_street_is_cut_between_junctions_only_where_these_do_not_balance_it() -> None:
    streets, block = row_of_stretches(700, 300, 300, 700)
    warnings: list[Problem] = []
    assert split_sections(streets, block, count=2, warnings=warnings)["length"].round().tolist() == [1000, 1000]
    assert not warnings
    streets, block = row_of_stretches(1000, 400, 400)
    balanced = split_sections(streets, block, count=2, tolerance=0.15, warnings=warnings)
    assert balanced["length"].round().tolist() == [1000, 800]
    assert not warnings
    even = split_sections(streets, block, count=2, tolerance=0.1, warnings=warnings)
    assert np.abs(even["length"] / 900 - 1).max() <= 0.1
    (told,) = warnings
    assert "between two junctions" in told.text("en")


def test_one_section_more_or_less_is_taken_where_the_target_allows_it() -> None:
    streets, block = row_of_stretches(1000, 1000, 1000, 1000, 1000)
    # 4.6 targets, so five sections; but a workload nobody can divide by five still has a neighbour that can be
    assert split_sections(streets, block, target=1100)["length"].round().tolist() == [1000] * 5


def test_what_no_division_can_balance_is_said_with_a_proof() -> None:
    streets, block = row_of_stretches(300, 300)
    spots = [shapely.Point(x, 5) for x in (50, 50, 50, 50, 50, 50, 50, 50, 450)]
    shops = gpd.GeoDataFrame(geometry=spots, crs=CRS)
    warnings: list[Problem] = []
    split_sections(
        streets,
        block,
        count=2,
        tolerance=0.1,
        workload={"shops": WorkloadSource(moved(shops), None, 2000.0)},
        warnings=warnings,
    )
    (told,) = warnings
    assert "in 1 of them it is proven" in told.text("en")


def test_side_streets_that_only_enter_are_no_streets_of_the_block() -> None:
    lines = gpd.GeoDataFrame(
        {"rank": ["main-road", "road", "road"]},
        geometry=[
            shapely.LineString([(0, 0), (500, 0)]),
            shapely.LineString([(100, 0), (100, 300)]),
            shapely.LineString([(300, -200), (300, 200)]),
        ],
        crs=CRS,
    )
    inside = streets_within(as_barriers(lines).lines, np.array([shapely.box(0, -15, 500, 15)]))
    assert inside["rank"].tolist() == ["main-road"]
    stretches = between_junctions(inside, as_barriers(lines).lines)
    assert stretches.length.tolist() == [100, 200, 200]
    assert len(np.unique(joints_of(stretches.geometry.to_numpy()))) == 4


def test_a_metre_that_two_lines_share_counts_once() -> None:
    lines = gpd.GeoDataFrame(
        {"rank": ["road", "road"]},
        geometry=[shapely.LineString([(0, 0), (300, 0)]), shapely.LineString([(200, 0), (500, 0)])],
        crs=CRS,
    )
    halves = np.array([shapely.box(0, 0, 500, 20), shapely.box(0, -20, 500, 0)])
    inside = streets_within(as_barriers(lines).lines, halves)
    assert inside.length.sum() == pytest.approx(500)
    assert inside["area"].unique().tolist() == [0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"target": 0}, "more than 0"),
        ({"count": 0}, "at least 1"),
        ({"id_column": "nr"}, "no column 'nr'"),
        ({"rank": "main-road"}, "rank main-road"),
    ],
)
def test_what_cannot_be_done_is_said(change: dict[str, object], words: str) -> None:
    street = gpd.GeoDataFrame({"rank": ["road"]}, geometry=[shapely.LineString([(0, 0), (900, 0)])], crs=CRS)
    block = gpd.GeoDataFrame({"code": ["1"], "name": ["甲"]}, geometry=[shapely.box(0, -10, 900, 10)], crs=CRS)
    with pytest.raises(InputError, match=words):
        split_sections(moved(street), moved(block), **change)  # type: ignore[arg-type]


# ---------------------------------------------------------------------------------------------------- in a town


def test_the_sample_town_holds_all_its_claims(drafted_town: Town) -> None:
    report = validate_town(drafted_town)
    assert report.ok, report.to_text()
    measures = {claim.claim: claim.measures for claim in report.claims}
    assert measures["sections"]["street_length"] == pytest.approx(measures["sections"]["held_length"])
    assert measures["patrols"]["staffed"] == measures["patrols"]["posts"]


@pytest.mark.parametrize("seed", range(6))
def test_planted_faults_are_found_once_and_nothing_else(drafted_town: Town, seed: int) -> None:
    layer = drafted_town.layer("sections")
    frame, planted = plant_section_faults(layer.frame, SECTION_KINDS, seed=seed)
    faulty = dataclasses.replace(drafted_town, sections=layer.with_frame(frame))
    report = validate_town(faulty, claims=["sections"])
    found = {fault.code: fault for fault in report.records}
    assert sorted(fault.code for fault in report.records) == sorted(SECTION_KINDS)
    for fault in planted:
        record = found[fault.code]
        assert fault.features[0] in record.features
        assert record.length == pytest.approx(fault.width, abs=0.05)
        place = gpd.GeoSeries([record.geometry, fault.geometry], crs="EPSG:4490").to_crs(drafted_town.working_crs)
        assert shapely.hausdorff_distance(*place) < 0.05
        assert set(fault.features) <= set(record.features)
    assert report.to_json() == validate_town(faulty, claims=["sections"]).to_json()
    assert "section-gap" in report.to_html()
    assert "属于" in report.to_text("zh")


def test_a_section_in_another_block_and_one_without_a_line_are_named(drafted_town: Town) -> None:
    layer = drafted_town.layer("sections")
    frame = layer.frame.copy()
    frame.loc[0, "block"] = frame["block"].iloc[-1]
    frame.loc[5, "geometry"] = None
    report = validate_town(dataclasses.replace(drafted_town, sections=layer.with_frame(frame)), claims=["sections"])
    named = {(fault.code, fault.features[0]) for fault in report.records if fault.code != "section-gap"}
    assert named == {("section-off-network", frame["code"][0]), ("empty-geometry", frame["code"][5])}
    assert sum(fault.code == "section-gap" for fault in report.records) == 2


def test_claims_about_sections_wait_until_they_are_drafted(drafted_town: Town) -> None:
    early = dataclasses.replace(drafted_town, sections=None)
    assert "run gridgeo partition first" in validate_town(early).to_text("en")
    with pytest.raises(InputError, match="run gridgeo partition first"):
        validate_town(early, claims=["sections"])


def test_a_layer_of_ones_own_serves_as_sections(drafted_town: Town, tmp_path: Path) -> None:
    own = drafted_town.layer("sections").frame[["code", "geometry"]]
    write_layer(own, tmp_path / "mine.gpkg", layer="walks")
    text = drafted_town.path.read_text(encoding="utf-8").replace('output = "sections.gpkg"\n', "")
    folder = drafted_town.path.parent.as_posix()
    text = text.replace('file = "', f'file = "{folder}/').replace('output = "', f'output = "{folder}/')
    text = text.replace('photos = "', f'photos = "{folder}/')
    text += f'\n[layers.sections]\nfile = "{tmp_path.as_posix()}/mine.gpkg"\nlayer = "walks"\nid = "code"\n'
    (tmp_path / "gridgeo.toml").write_text(text, encoding="utf-8")
    mine = read_town(tmp_path)
    assert isinstance(mine.sections, Layer)
    report = validate_town(mine, claims=["sections", "patrols"])
    assert report.ok, report.to_text()
