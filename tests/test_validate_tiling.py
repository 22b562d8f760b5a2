"""Tilings: one planted fault is one record, with its features, sizes and mend; areas add up; only real faults count."""

from __future__ import annotations

import json
from typing import Any

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridgeo.coverage import CoverageAnalysis
from gridgeo.crs import working_crs
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.layers import Layer
from gridgeo.validate import Report, is_coverage, validate_tiling

METRES = "EPSG:32651"
EAST, NORTH = 355_000.0, 3_435_000.0


def layer(*shapes: Any, ids: list[Any] | None = None, crs: str = METRES) -> gpd.GeoDataFrame:
    shapes = tuple(s if s is None else shapely.transform(s, lambda c: c + np.array([EAST, NORTH])) for s in shapes)
    return gpd.GeoDataFrame({"id": ids or [f"g{k}" for k in range(len(shapes))]}, geometry=list(shapes), crs=crs)


def check(*shapes: Any, **options: Any) -> Report:
    ids = options.pop("ids", None)
    if "within" in options:
        options["within"] = layer(options["within"])
    return validate_tiling(layer(*shapes, ids=ids), id_column="id", **options)


def codes(report: Report) -> list[tuple[str, tuple[str, ...]]]:
    return [(fault.code, fault.features) for fault in report.records]


def board(columns: int = 3, rows: int = 3, size: float = 100.0) -> list[Any]:
    return [
        shapely.box(x * size, y * size, (x + 1) * size, (y + 1) * size) for y in range(rows) for x in range(columns)
    ]


FIELDS = {
    *("code", "detail", "severity", "claim", "layers", "features", "area", "width", "length", "iso19157"),
    *("message", "action", "exception", "geometry"),
}
TOWN = shapely.box(0, 0, 300, 300)


def test_a_seamless_board_has_no_fault() -> None:
    report = check(*board(), within=TOWN)
    assert report.ok
    assert report.records == []
    assert not report.fails(on="warning")
    (claim,) = report.claims
    # UTM is off by up to 0.1 % there; the board is measured true to scale
    assert claim.measures["area"] == pytest.approx(90_000, rel=2e-3)
    assert claim.measures["area"] == pytest.approx(claim.measures["extent_area"], rel=1e-9)


def moved(shapes: list[Any], index: int, corner: tuple[float, float], to: tuple[float, float]) -> list[Any]:
    """Move one corner of one square only."""
    places = [to if place == corner else place for place in shapes[index].exterior.coords]
    return [*shapes[:index], shapely.Polygon(places), *shapes[index + 1 :]]


@pytest.mark.parametrize(
    ("corner", "to", "expected"),
    [
        ((100, 100), (95, 95), {("overlap", ("g0", "g4")), ("overlap", ("g1", "g4")), ("overlap", ("g3", "g4"))}),
        ((200, 200), (195, 195), {("gap", ("g4", "g5", "g7"))}),
        ((300, 200), (310, 200), {("outside", ("g5",))}),
        ((300, 200), (290, 200), {("uncovered", ("g5", "g8"))}),
    ],
)
def test_a_moved_corner_is_named_with_its_features(
    corner: tuple[float, float], to: tuple[float, float], expected: set[tuple[str, tuple[str, ...]]]
) -> None:
    """And the vertices that no longer meet belong to the region's own record."""
    report = check(*moved(board(), 4 if corner[0] < 300 else 5, corner, to), within=TOWN)
    assert sorted(codes(report)) == sorted(expected)


def test_an_overlap_is_one_record_with_sizes_and_ids() -> None:
    report = check(shapely.box(0, 0, 100, 100), shapely.box(90, 0, 200, 100))
    (fault,) = report.records
    assert (fault.code, fault.severity, fault.features, fault.iso19157) == ("overlap", "error", ("g0", "g1"), 11)
    assert fault.area == pytest.approx(1000, rel=2e-3)
    assert fault.width == pytest.approx(10, rel=1e-2)
    assert fault.length == pytest.approx(220, rel=2e-3)
    assert "g0" in fault.message("en")
    assert "重叠" in fault.message("zh")
    assert fault.action("en") != fault.action("zh")


def test_a_place_under_three_polygons_is_one_record_with_all_three() -> None:
    three = [shapely.box(0, 0, 100, 100), shapely.box(60, 0, 200, 100), shapely.box(40, 40, 160, 60)]
    report = check(*three)
    records = {frozenset(fault.features): fault for fault in report.records if fault.code == "overlap"}
    assert records[frozenset({"g0", "g1", "g2"})].detail == "multiple"
    excess = sum((len(fault.features) - 1) * (fault.area or 0) for fault in report.records if fault.code == "overlap")
    expected = sum(s.area for s in three) - shapely.union_all(three).area
    assert excess == pytest.approx(expected, rel=2e-3)


def test_a_duplicate_is_told_once_and_not_again_as_an_overlap() -> None:
    shapes = board()
    again = shapely.Polygon(list(reversed(shapes[4].exterior.coords))[1:])  # another start, the other way round
    report = check(*shapes, again, within=TOWN)
    assert codes(report) == [("duplicate-polygon", ("g4", "g9"))]
    assert report.claims[0].measures["excess_area"] == pytest.approx(10_000, rel=2e-3)


def test_a_polygon_inside_another_is_told_once_as_nested() -> None:
    report = check(*board(), shapely.box(120, 120, 160, 160), within=TOWN)
    (fault,) = report.records
    assert (fault.code, fault.detail, fault.features) == ("overlap", "nested", ("g4", "g9"))
    assert "g9 lies wholly inside g4" in fault.message("en")


def test_a_missing_vertex_is_one_record_a_border() -> None:
    left = shapely.Polygon([(0, 0), (100, 0), (100, 30), (100, 60), (100, 100), (0, 100)])
    report = check(left, shapely.box(100, 0, 200, 100))
    (fault,) = report.records
    assert (fault.code, fault.features, fault.area) == ("missing-vertex", ("g0", "g1"), 0.0)
    assert shapely.get_num_geometries(fault.geometry) == 2
    assert not report.ok
    assert check(left, shapely.box(100, 0, 200, 100), tolerance=0.01).ok, "it is nowhere wider than the tolerance"


def test_a_vertex_off_by_the_last_digit_is_a_missing_vertex_and_no_area() -> None:
    off = np.nextafter(EAST + 100.0, np.inf) - EAST
    left = shapely.Polygon([(0, 0), (100, 0), (off, 37.0), (100, 100), (0, 100)])
    (fault,) = check(left, shapely.box(100, 0, 200, 100)).records
    assert (fault.code, fault.features) == ("missing-vertex", ("g0", "g1"))
    assert 0 < (fault.width or 0) < 1e-6


def test_vertices_of_polygons_on_the_border_of_the_extent_are_no_fault() -> None:
    assert check(*board(), within=TOWN).records == []
    sloped = shapely.Polygon([(0, 0), (300, 0.1), (300, 300), (0, 300)])
    third = sloped.intersection(shapely.box(0, -1, 100, 301))
    rest = sloped.intersection(shapely.box(100, -1, 301, 301))
    assert check(third, rest, within=sloped).records == []


@pytest.mark.parametrize(
    ("width", "severity", "code", "detail"),
    [(0.5, "warning", "near-border", "overlap"), (2.0, "error", "overlap", "sliver")],
)
def test_a_strip_within_the_tolerance_is_a_border_nearly_the_same(
    width: float, severity: str, code: str, detail: str
) -> None:
    report = check(shapely.box(0, 0, 100, 100), shapely.box(100 - width, 0, 200, 100), tolerance=1.0)
    (fault,) = report.records
    assert (fault.severity, fault.code, fault.detail) == (severity, code, detail)
    assert report.ok == (severity == "warning")
    assert report.fails(on="warning")
    assert report.claims[0].measures["overlap_area"] == pytest.approx(width * 100, rel=2e-3)


@pytest.mark.parametrize("reach", [0.5, 3.0, 40.0])
def test_a_larger_tolerance_never_brings_an_error_back(reach: float) -> None:
    shapes = [
        shapely.box(0, 0, 100, 100),
        shapely.Polygon([(100, 0), (200, 0), (200, 100), (100, 100), (100 - reach, 50)]),
    ]
    errors = [check(*shapes, tolerance=tolerance).counts["error"] for tolerance in (0, 0.1, 1, 2, 5, 10, 50)]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] == 1
    assert errors[-1] == 0


def test_without_an_extent_a_wide_hole_may_be_an_enclave_and_a_narrow_one_is_a_gap() -> None:
    holed = shapely.box(0, 0, 300, 300).difference(shapely.box(100, 100, 200, 200))
    (hole,) = check(holed).records
    assert (hole.code, hole.severity, hole.detail) == ("gap", "warning", "hole")
    (gap,) = check(shapely.box(0, 0, 300, 300).difference(shapely.box(100, 100, 200, 105))).records
    assert (gap.code, gap.severity) == ("gap", "error")
    (inside,) = check(holed, within=TOWN).records
    assert (inside.code, inside.severity) == ("gap", "error")


def test_uncovered_land_is_open_to_the_border_and_a_gap_is_not() -> None:
    shapes = board()
    report = check(*(shape for number, shape in enumerate(shapes) if number not in (4, 8)), within=TOWN)
    assert {fault.code: fault.area for fault in report.records} == {
        "gap": pytest.approx(10_000, rel=2e-3),
        "uncovered": pytest.approx(10_000, rel=2e-3),
    }


def test_an_extent_without_any_polygon_is_uncovered_as_a_whole() -> None:
    (fault,) = check(shapely.box(1000, 0, 1100, 100), within=TOWN).records[:1]
    report = check(None, within=TOWN)
    assert fault.code in ("uncovered", "outside")
    assert {fault.code for fault in report.records} == {"empty-geometry", "uncovered"}


# ------------------------------------------------------------------------------------------ features by themselves


def test_a_bow_tie_is_one_error_with_reason_and_place_and_no_storm() -> None:
    shapes = board()
    bow_tie = shapely.Polygon([(100, 100), (200, 100), (200, 200), (150, 90), (100, 200)])
    report = check(*shapes[:4], bow_tie, *shapes[5:], within=TOWN)
    (error,) = [fault for fault in report.records if fault.severity == "error"]
    assert (error.code, error.features, error.iso19157) == ("invalid-geometry", ("g4",), 26)
    assert "crosses itself" in error.message("en")
    assert "自相交" in error.message("zh")
    assert all("g4" in fault.action("en") for fault in report.records if fault is not error)


def test_a_needle_of_no_width_is_only_invalid() -> None:
    shapes = board()
    needle = shapely.Polygon([(100, 100), (200, 100), (200, 200), (150, 200), (150, 150), (150, 200), (100, 200)])
    assert codes(check(*shapes[:4], needle, *shapes[5:], within=TOWN)) == [("invalid-geometry", ("g4",))]


def test_features_without_a_polygon_are_each_named() -> None:
    shapes = [*board(), None, shapely.Polygon(), shapely.LineString([(0, 0), (1, 1)])]
    report = check(*shapes, within=TOWN)
    assert set(codes(report)) == {
        ("empty-geometry", ("g9",)),
        ("empty-geometry", ("g10",)),
        ("wrong-type", ("g11",)),
    }


def test_missing_and_repeated_ids_are_named_by_row_and_id() -> None:
    report = check(*board(2, 2), ids=["a", None, "b", "b"])
    found = {fault.code: fault.message("en") for fault in report.records}
    assert set(found) == {"missing-id", "duplicate-id"}
    assert "row 2" in found["missing-id"]
    assert "b" in found["duplicate-id"]


def test_what_the_reader_left_out_is_in_the_report() -> None:
    problem = Problem("town.gpkg, layer a, feature 17", Message("left out: it has no geometry", "已略去：没有几何图形"))
    doubt = Problem("town.gpkg, layer a", Message("its texts were read as GBK", "按 GBK 读取"))
    given_layer = Layer("a", layer(*board()), "id", source="town.gpkg, layer a", problems=(problem, doubt))
    report = validate_tiling(given_layer)
    assert [(f.code, f.severity, f.features) for f in report.records] == [
        ("empty-geometry", "warning", ("17",)),
        ("doubtful-input", "info", ()),
    ]
    text = report.to_text("en")
    assert "17 was left out" in text
    assert "read as GBK" in text


def test_a_spike_is_told_once_for_the_feature_that_has_it() -> None:
    left = shapely.Polygon([(0, 0), (100, 0), (100, 50), (130, 50.1), (100, 50.2), (100, 100), (0, 100)])
    right = shapely.Polygon([(100, 0), (200, 0), (200, 100), (100, 100), (100, 50.2), (130, 50.1), (100, 50)])
    (fault,) = check(left, right).records
    assert (fault.code, fault.severity, fault.features) == ("spike", "warning", ("g0",))
    assert fault.area == pytest.approx(3.0, rel=1e-2)
    hole = shapely.Polygon(shapely.box(-50, -50, 250, 150).exterior, [left.union(right).exterior.coords[::-1]])
    assert [f.features for f in check(left, right, hole).records] == [("g0",)]


def test_an_acute_corner_between_two_streets_is_no_spike() -> None:
    assert check(shapely.Polygon([(0, 0), (400, 0), (400, 12)])).records == []


def test_a_scrap_far_away_is_told_and_large_parts_are_noted() -> None:
    body = shapely.box(0, 0, 100, 100)
    (scrap,) = check(shapely.MultiPolygon([body, shapely.box(500, 0, 505, 5)])).records
    assert (scrap.code, scrap.severity) == ("fragment", "warning")
    assert scrap.area == pytest.approx(25, rel=2e-3)
    (parts,) = check(shapely.MultiPolygon([body, shapely.box(500, 0, 600, 50)])).records
    assert (parts.code, parts.severity) == ("fragment", "info")


def test_parts_that_meet_in_one_point_are_noted() -> None:
    shape = shapely.MultiPolygon([shapely.box(0, 0, 100, 100), shapely.box(100, 100, 200, 200)])
    assert {(fault.code, fault.severity) for fault in check(shape).records} == {("fragment", "info"), ("pinch", "info")}


# ------------------------------------------------------------------------------------------ coordinates


@pytest.mark.parametrize("crs", ["EPSG:4490", "EPSG:4979", "EPSG:4549", "EPSG:3857", "EPSG:2232"])
def test_sizes_are_in_metres_whatever_the_coordinates(crs: str) -> None:
    place = (-104.99, 39.74) if crs == "EPSG:2232" else (121.5, 31.05)
    local = pyproj.CRS.from_proj4(f"+proj=tmerc +lon_0={place[0]} +lat_0={place[1]} +datum=WGS84")
    frame = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 100, 100), shapely.box(90, 0, 200, 100)], crs=local)
    if crs == "EPSG:4979":
        frame.geometry = shapely.force_3d(frame.geometry.to_numpy(), 12.0)
    there = gpd.GeoDataFrame(geometry=frame.to_crs("EPSG:4326").to_crs(crs).geometry, crs=crs)
    (fault,) = validate_tiling(there).records
    assert fault.area == pytest.approx(1000, rel=1e-4)
    assert fault.width == pytest.approx(10, rel=1e-2)
    assert fault.geometry is not None
    assert shapely.intersects(fault.geometry, there.geometry.iloc[0]), "geometries stay in the CRS of the input"


def test_layers_in_different_systems_meet_without_faults() -> None:
    shapes = [
        shapely.Polygon([(0, 0), (100, 3), (103, 101), (0, 100)]),
        shapely.Polygon([(100, 3), (200, 0), (203, 99), (103, 101)]),
    ]
    one, other = layer(shapes[0]).to_crs("EPSG:4490"), layer(shapes[1]).to_crs("EPSG:4549")
    town = layer(shapely.union_all(shapes)).to_crs("EPSG:4326")
    assert validate_tiling({"a": one, "b": other}, within=town).records == []


def test_the_input_is_not_changed() -> None:
    frame = layer(*board(), None)
    before = frame.copy(deep=True)
    validate_tiling(frame, id_column="id", within=layer(TOWN))
    assert frame.equals(before)


def test_bad_input_is_refused_with_everything_at_once() -> None:
    frame = layer(*board())
    with pytest.raises(InputError) as caught:
        validate_tiling({"a": frame.set_crs(None, allow_override=True), "b": frame}, id_column="code")
    assert len(caught.value.problems) == 3  # no CRS, and no such column twice
    with pytest.raises(InputError):
        validate_tiling({})
    with pytest.raises(InputError):
        validate_tiling(frame, within=layer(shapely.LineString([(0, 0), (1, 1)])))


def test_a_geometry_may_be_the_extent() -> None:
    frame = layer(*board())
    assert validate_tiling(frame, within=shapely.union_all(frame.geometry.to_numpy())).records == []


# ------------------------------------------------------------------------------------------ the identities


def rectangles(size: int) -> st.SearchStrategy[Any]:
    edge = st.integers(0, size - 1)
    return st.builds(lambda x, y, w, h: shapely.box(x, y, x + w + 1, y + h + 1), edge, edge, edge, edge)


@settings(max_examples=120, deadline=None)
@given(st.lists(rectangles(4), min_size=1, max_size=7), rectangles(5), st.booleans())
def test_areas_add_up(shapes: list[Any], extent: Any, turned: bool) -> None:
    """Gaps and uncovered = what is not covered; overlaps and duplicates, each once less than its polygons = excess."""
    if turned:  # coordinates that are no round numbers
        shapes = [shapely.transform(s, lambda c: c @ np.array([[0.8, 0.6], [-0.6, 0.8]])) for s in shapes]
        extent = shapely.transform(extent, lambda c: c @ np.array([[0.8, 0.6], [-0.6, 0.8]]))
    # in the very system in which areas are measured, so that they can be compared with those of the coordinates
    crs = working_crs((121.495, 31.0, 121.505, 31.01))

    def put(shape: Any) -> Any:
        return shapely.transform(shape, lambda c: c * 64.0 + [500_000.0, 3_430_000.0])

    shapes, extent = [put(shape) for shape in shapes], put(extent)
    report = validate_tiling(
        gpd.GeoDataFrame(geometry=shapes, crs=crs), within=gpd.GeoDataFrame(geometry=[extent], crs=crs)
    )
    assert report.measure_crs == crs
    union = shapely.union_all(shapes)
    total = sum(s.area for s in shapes)

    def found(*wanted: str) -> float:
        return sum((f.area or 0) for f in report.records if f.code in wanted)

    excess = sum(
        ((f.multiplicity or 1) - 1) * (f.area or 0)
        for f in report.records
        if f.code in ("overlap", "duplicate-polygon")
    )
    assert found("gap", "uncovered") == pytest.approx(extent.difference(union).area, rel=1e-9, abs=1e-9 * extent.area)
    assert excess == pytest.approx(total - union.area, rel=1e-9, abs=1e-9 * total)
    places = [f.geometry for f in report.records if f.code in ("overlap", "gap", "uncovered", "outside")]
    assert shapely.area(shapely.union_all(places)) == pytest.approx(sum(map(shapely.area, places)), rel=1e-9, abs=1e-6)


# ------------------------------------------------------------------------------------------ the report


def faulty() -> Report:
    shapes = [*board(), shapely.box(120, 120, 160, 160), shapely.box(290, 290, 320, 320)]
    return check(*shapes, within=shapely.box(0, 0, 300, 310), name="town")


def test_the_json_has_the_fields_of_its_schema_and_the_same_bytes_each_time() -> None:
    report = json.loads(faulty().to_json("en"))
    assert faulty().to_json("en") == faulty().to_json("en")
    assert report["schema"] == "gridgeo-report/1"
    assert set(report) == {"schema", "ok", "counts", "claims", "faults", "crs"}
    assert report["crs"] == METRES
    assert report["counts"]["error"] == len(report["faults"])
    for fault in report["faults"]:
        assert set(fault) == FIELDS
        shapely.from_geojson(json.dumps(fault["geometry"]))


def test_the_table_of_faults_is_in_the_crs_of_the_input() -> None:
    table = faulty().faults
    assert table.crs == METRES
    assert {"code", "severity", "claim", "layers", "features", "area", "width", "length", "iso19157"} <= set(table)
    assert list(table["area"]) == sorted(table["area"], reverse=True)


@pytest.mark.parametrize(("language", "verdict"), [("en", "Not seamless"), ("zh", "未达到无缝")])
def test_the_text_begins_with_the_verdict_and_names_every_fault(language: Any, verdict: str) -> None:
    report = faulty()
    text = report.to_text(language)
    assert text.startswith(verdict)
    for fault in report.records:
        assert fault.message(language) in text
        assert fault.action(language) in text


def test_a_long_list_is_cut_with_a_count() -> None:
    shapes = [shapely.box(0, y, 100, y + 11) for y in range(0, 400, 10)]
    report = check(*shapes)
    text = report.to_text("en", most=5)
    assert len(report.records) == 39
    assert "34 more" in text
    assert text.count("both cover") + text.count("overlap along") == 5


def test_names_from_files_can_do_nothing_to_a_terminal() -> None:
    shapes = [shapely.box(0, 0, 100, 100), shapely.box(50, 0, 150, 100)]
    text = check(*shapes, ids=["\x1b[31mred\nx {0}", "b"]).to_text("en")
    assert "\x1b" not in text
    assert "[31mred x {0}" in text


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_coordinate_that_is_no_number_is_named_and_never_reaches_the_report(bad: float) -> None:
    endless = shapely.Polygon([(0, 0), (bad, 10), (10, 10)])
    report = check(*board(), endless, endless, within=TOWN, ids=[*"abcdefghi", "x", "x"])
    assert {fault.code for fault in report.records} == {"duplicate-id", "invalid-geometry"}
    assert "no number" in report.to_text("en")
    for text in (report.to_json(), report.to_html(), report.to_sarif()):
        assert "Infinity" not in text
        assert "NaN" not in text


def test_what_is_no_coverage_has_a_record_even_if_nothing_is_found_to_show_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shapes = shapely.box(0, 0, 10, 10), shapely.box(9, 0, 20, 10), shapely.box(30, 0, 40, 10)
    faces, missing = CoverageAnalysis.faces, CoverageAnalysis.missing_vertices
    monkeypatch.setattr(CoverageAnalysis, "faces", lambda analysis: faces(analysis).chosen([]))
    monkeypatch.setattr(
        CoverageAnalysis, "missing_vertices", lambda analysis: missing(analysis).chosen(np.zeros(0, np.int64))
    )
    for tolerance in (0.0, 5.0):
        report = check(*shapes, tolerance=tolerance)
        assert not report.ok
        assert codes(report) == [("missing-vertex", ("g0", "g1"))]
        assert report.records[0].severity == "error"
        assert report.records[0].message("en")
        assert report.records[0].message("zh")


@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_the_verdict_alone_is_that_of_geos(monkeypatch: pytest.MonkeyPatch, engine: str) -> None:
    monkeypatch.setenv("GRIDGEO_ENGINE", engine)
    random = np.random.default_rng(3)
    verdicts = []
    for _ in range(60):
        points = shapely.MultiPoint(random.integers(0, 12, (12, 2)))
        cells = shapely.get_parts(shapely.voronoi_polygons(points))
        if random.random() < 0.5:
            k = int(random.integers(len(cells)))
            cells[k] = shapely.transform(cells[k], lambda places: places + random.choice([0.0, 1e-9, 0.5]))
        frame = gpd.GeoDataFrame(geometry=cells, crs="EPSG:32651")
        verdicts.append(is_coverage(frame))
        assert verdicts[-1] == shapely.coverage_is_valid(cells)
    assert 0 < sum(verdicts) < len(verdicts)


def test_a_layer_with_a_copy_of_a_polygon_is_no_coverage() -> None:
    squares = [shapely.box(x, 0, x + 10, 10) for x in range(0, 100, 10)]
    copy = shapely.Polygon([(40, 10), (30, 10), (30, 0), (40, 0)])
    assert is_coverage(gpd.GeoDataFrame(geometry=squares, crs="EPSG:32651"))
    assert not is_coverage(gpd.GeoDataFrame(geometry=[*squares, copy], crs="EPSG:32651"))


def test_the_verdict_takes_nothing_broken_for_a_coverage() -> None:
    bow = shapely.Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])
    assert not is_coverage(gpd.GeoDataFrame(geometry=[bow], crs="EPSG:32651"))
    assert not is_coverage(gpd.GeoDataFrame(geometry=[shapely.Point(0, 0)], crs="EPSG:32651"))
    assert is_coverage(gpd.GeoDataFrame(geometry=[None, shapely.Polygon(), shapely.box(0, 0, 1, 1)], crs="EPSG:32651"))
