"""Real layers: the counts of the data's own READMEs, and reports in which the real faults stand first.

The layers lie beside the repository where it is developed; where they are not, these tests say so and are skipped.
"""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from gridgeo.validate import Report, validate_tiling

DATA = Path(__file__).parents[2] / "shared" / "data"
WARDS = "wards-india-dev"


def read(path: str, layer: str | None = None) -> gpd.GeoDataFrame:
    if not (DATA / path).is_file():
        pytest.skip(f"the layer {path} of the development data is not here")
    if path.endswith("parquet"):
        pytest.importorskip("pyarrow")
        return gpd.read_parquet(DATA / path)
    return gpd.read_file(DATA / path, layer=layer) if layer else gpd.read_file(DATA / path)


def check(path: str, *, tolerance: float = 0.0, id_column: str | None = None, layer: str | None = None) -> Report:
    return validate_tiling(read(path, layer), tolerance=tolerance, id_column=id_column)


def of(report: Report, *codes: str, severity: str | None = None) -> list[float]:
    """Areas of the faults of some kinds."""
    return [f.area or 0.0 for f in report.records if f.code in codes and severity in (None, f.severity)]


@pytest.mark.parametrize("name", ["Faridabad_Faridabad_Wards", "Chandigarh_Chandigarh_Wards"])
def test_clean_layers_have_no_fault(name: str) -> None:
    assert check(f"{WARDS}/{name}.geojson").records == []


def test_three_enclaves_of_hyderabad_are_asked_about_and_no_errors() -> None:
    report = check(f"{WARDS}/Hyderabad_ghmc-wards.geojson")
    assert report.ok
    assert sum(of(report, "gap", severity="warning")) == pytest.approx(6_355_443, rel=1e-3)
    assert len(of(report, "gap")) == 3
    assert {fault.code for fault in report.records} == {"gap", "fragment"}


def test_the_noise_of_chennai_is_told_as_missing_vertices_and_is_nothing_under_a_tolerance() -> None:
    exact = check(f"{WARDS}/Chennai_Wards.geojson")
    assert {fault.code for fault in exact.records} == {"missing-vertex"}
    involved = {feature for fault in exact.records for feature in fault.features}
    assert len(involved) >= 138  # those that GEOS flags
    tolerant = check(f"{WARDS}/Chennai_Wards.geojson", tolerance=0.01)
    assert tolerant.ok


@pytest.mark.parametrize(
    ("name", "above_one", "above_hundred", "overlap", "gap"),
    [
        ("Bhubaneswar_Wards", 11, 2, 970, 709),
        # its README's 24 m2 of gaps arise when long edges are bent by a projection: in its own degrees there is 0.6
        ("Bhubaneswar_Police_Jurisdiction", 4, 1, 148, 0.627),
        ("Kishangarh_Kishangarh_Wards", 27, 9, 4_138, 5_195),
        ("Pune_pune-electoral-wards_2012", 48, 17, 23_901, 12_100_000),
    ],
)
def test_messy_wards_have_the_overlaps_and_gaps_that_were_counted(
    name: str, above_one: int, above_hundred: int, overlap: float, gap: float
) -> None:
    """The README counts pairs of wards, the report regions: a pair may overlap in several places."""
    report = check(f"{WARDS}/{name}.geojson")
    pairs: dict[tuple[str, ...], float] = {}
    for fault in report.records:
        if fault.code == "overlap" and len(fault.features) == 2:
            pairs[fault.features] = pairs.get(fault.features, 0.0) + (fault.area or 0.0)
    assert abs(sum(area > 1 for area in pairs.values()) - above_one) <= 1
    assert abs(sum(area > 100 for area in pairs.values()) - above_hundred) <= 1
    # an edge that is straight in degrees is bent in metres: where the README's slivers are kilometres long it shows
    assert sum(of(report, "overlap")) == pytest.approx(overlap, rel=0.07)
    assert sum(of(report, "gap")) == pytest.approx(gap, rel=0.02)


def test_a_layer_in_feet_with_true_enclaves_has_no_error() -> None:
    frame = read("denver-blocks/denver_blocks.gpkg")
    report = validate_tiling(frame, id_column="GEOID20")
    assert report.ok
    assert len(of(report, "gap")) == 10
    union = shapely.union_all(frame.geometry.to_numpy())
    filled = shapely.union_all([shapely.Polygon(part.exterior) for part in union.geoms])
    square_feet = filled.area - union.area  # an island of the county lies in one of the ten holes
    assert sum(of(report, "gap")) == pytest.approx(square_feet * (1200 / 3937) ** 2, rel=1e-4)


def test_polygons_that_cross_themselves_are_named_in_an_official_layer_and_bring_no_other_fault() -> None:
    report = check("england-oa-southeast/oa2011_southeast.parquet", id_column="OA11CD")
    assert len(of(report, "invalid-geometry", severity="error")) == 53
    assert len([fault for fault in report.records if fault.detail == "hole"]) == 2
    # scraps of output areas and points where they touch themselves are there as well, and none of them is an error
    assert {fault.code for fault in report.records} <= {"invalid-geometry", "gap", "fragment", "pinch", "near-border"}
    assert report.counts["error"] == 53


def test_the_seams_of_shanghai_towns_are_told_with_their_real_widths() -> None:
    report = check("shanghai-towns/sectors.geojson", id_column="name", tolerance=0.01)
    wide = [fault for fault in report.records if fault.severity == "error" and fault.code == "gap"]
    assert {frozenset(fault.features) for fault in wide} == {frozenset({"莘庄", "新桥"})}
    overlaps = [fault for fault in report.records if "overlap" in (fault.code, fault.detail)]
    assert all((fault.width or 0) < 0.1 for fault in overlaps)
    assert len(of(report, "near-border")) == 15  # fractions of a millimetre
    assert "莘庄" in report.to_text("zh")


def test_pujiang_and_its_neighbours_are_seamless_but_for_half_metres() -> None:
    report = check("pujiang/neighbours.geojson", tolerance=0.01)
    assert max(of(report, "overlap")) == pytest.approx(0.39, abs=0.01)
    assert max(fault.width or 0 for fault in report.records) < 1
    assert sum(fault.severity == "error" for fault in report.records) == 3


def test_compounds_of_beijing_drawn_twice_inside_each_other_and_broken_are_told_apart() -> None:
    report = check("beijing-aoi/beijing.gpkg", id_column="osm_id", layer="residential")
    assert len(of(report, "invalid-geometry")) == 7
    assert len(of(report, "duplicate-polygon")) == 2
    nested = [fault for fault in report.records if fault.detail == "nested"]
    assert nested
    for fault in nested:
        assert fault.geometry is not None
        assert shapely.area(fault.geometry) > 0
