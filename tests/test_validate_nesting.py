"""Nestings: children tile their parents; each fault once; rounding is no fault; thousands of parents take a moment."""

from __future__ import annotations

import itertools
import time
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridgeo.errors import InputError
from gridgeo.validate import Report, validate_nesting
from gridgeo.validate.families import untiled

METRES = "EPSG:32651"
EAST, NORTH = 355_000.0, 3_435_000.0


def frame(shapes: dict[str, Any], parent: dict[str, str] | None = None, crs: str = METRES) -> gpd.GeoDataFrame:
    placed = [shapely.transform(shape, lambda c: c + np.array([EAST, NORTH])) for shape in shapes.values()]
    table = gpd.GeoDataFrame({"code": list(shapes)}, geometry=placed, crs=crs)
    return table if parent is None else table.assign(grid=[parent.get(code) for code in shapes])


PARENTS = {"A": shapely.box(0, 0, 100, 100), "B": shapely.box(100, 0, 200, 100)}
CHILDREN = {
    "A1": shapely.box(0, 0, 40, 100),
    "A2": shapely.box(40, 0, 100, 100),
    "B1": shapely.box(100, 0, 200, 50),
    "B2": shapely.box(100, 50, 200, 100),
}
HOME = {"A1": "A", "A2": "A", "B1": "B", "B2": "B"}


def check(children: dict[str, Any], *, home: dict[str, str] | None = HOME, **options: Any) -> Report:
    return validate_nesting(
        frame(children, home),
        frame(options.pop("parents", PARENTS)),
        parent_column=None if home is None else "grid",
        id_column="code",
        parent_id_column="code",
        **options,
    )


def codes(report: Report) -> list[tuple[str, tuple[str, ...]]]:
    return [(fault.code, fault.features) for fault in report.records]


@pytest.mark.parametrize("home", [HOME, None])
def test_children_that_tile_their_parents_are_no_fault(home: dict[str, str] | None) -> None:
    report = check(CHILDREN, home=home)
    # where B1 and B2 meet they have a vertex on A's border that A and A2 lack: no fault of the nesting
    assert report.records == []
    assert report.ok


def test_a_vertex_missing_between_two_children_of_one_parent_is_told() -> None:
    children = CHILDREN | {"A1": shapely.Polygon([(0, 0), (40, 0), (40, 70), (40, 100), (0, 100)])}
    assert codes(check(children)) == [("missing-vertex", ("A1", "A2"))]
    assert check(children, among_children=False).records == []


def test_vertices_off_the_parents_border_by_rounding_are_no_fault() -> None:
    parent = {"P": shapely.Polygon([(0, 0), (100, 33.3), (77.7, 101.1), (0, 100)])}
    ring = shapely.get_coordinates(parent["P"])
    middle = ring[0] + (ring[1] - ring[0]) * 0.37
    far = ring[2] + (ring[3] - ring[2]) * 0.61
    children = {
        "1": shapely.Polygon([ring[0], middle, far, ring[3]]),
        "2": shapely.Polygon([middle, ring[1], ring[2], far]),
    }
    for crs in (METRES, "EPSG:4490"):
        report = validate_nesting(
            frame(children).to_crs(crs), frame(parent).to_crs(crs), id_column="code", parent_id_column="code"
        )
        assert all((fault.width or 0) < 0.01 for fault in report.records)
    assert check(children, home={"1": "P", "2": "P"}, parents=parent).records == []


def test_a_child_that_reaches_into_another_parent_is_one_record() -> None:
    children = CHILDREN | {"A2": shapely.box(40, 0, 110, 100)}
    (fault,) = check(children).records
    assert (fault.code, fault.features) == ("not-nested", ("A2", "A", "B"))
    assert fault.area == pytest.approx(1000, rel=2e-3)
    assert fault.width == pytest.approx(10, rel=1e-2)
    assert "out of A, to which it belongs, into B" in fault.message("en")


def test_a_border_moved_into_the_other_parent_is_one_record_too() -> None:
    children = CHILDREN | {
        "A2": shapely.box(40, 0, 110, 100),
        "B1": shapely.box(110, 0, 200, 50),
        "B2": shapely.box(110, 50, 200, 100),
    }
    assert [code for code, _ in codes(check(children, among_children=False))] == ["not-nested"]


def test_a_child_that_reaches_outside_all_parents_is_named_with_its_parent() -> None:
    (fault,) = check(CHILDREN | {"A1": shapely.box(-20, 0, 40, 100)}, among_children=False).records
    assert (fault.code, fault.features) == ("not-nested", ("A1", "A"))


def test_what_no_child_covers_is_not_tiled() -> None:
    (fault,) = check(CHILDREN | {"A1": shapely.box(0, 0, 37, 100)}, among_children=False).records
    assert (fault.code, fault.features, fault.severity) == ("not-tiled", ("A",), "error")
    assert fault.area == pytest.approx(300, rel=2e-3)


def test_a_parent_without_children_is_told_once() -> None:
    (fault,) = check({"A1": CHILDREN["A1"], "A2": CHILDREN["A2"]}, among_children=False).records
    assert (fault.code, fault.features) == ("not-tiled", ("B",))
    assert "no parts at all" in fault.message("en")


def test_children_of_one_parent_that_overlap_are_told_once() -> None:
    (fault,) = [f for f in check(CHILDREN | {"A1": shapely.box(0, 0, 45, 100)}).records if f.code != "missing-vertex"]
    assert (fault.code, fault.features) == ("overlap", ("A1", "A2"))
    assert check(CHILDREN | {"A1": shapely.box(0, 0, 45, 100)}, among_children=False).records == []


def test_a_wrong_or_missing_parent_id_is_named() -> None:
    report = check(CHILDREN, home=HOME | {"A1": "Z", "B2": None}, among_children=False)  # type: ignore[dict-item]
    orphans = {fault.features: fault.message("en") for fault in report.records if fault.code == "not-nested"}
    assert set(orphans) == {("A1",), ("B2",)}
    assert "Z" in orphans["A1",]
    # what they would have covered is not reported a second time
    assert not [fault for fault in report.records if fault.code == "not-tiled"]


def test_the_tolerance_separates_warnings_from_errors() -> None:
    children = CHILDREN | {"A1": shapely.box(0, 0, 39.5, 100)}
    assert check(children, tolerance=1.0).ok
    assert not check(children, tolerance=0.1).ok


def test_a_broken_child_brings_no_storm() -> None:
    bow_tie = shapely.Polygon([(0, 0), (40, 0), (40, 100), (20, -5), (0, 100)])
    report = check(CHILDREN | {"A1": bow_tie}, among_children=False)
    assert [fault.code for fault in report.records if fault.severity == "error"] == ["invalid-geometry"]


def test_parents_with_the_same_ids_in_two_layers_are_told_apart_by_place() -> None:
    parents = {"a": frame({"1": PARENTS["A"]}), "b": frame({"1": PARENTS["B"]})}
    children = frame(CHILDREN).assign(grid="1")
    report = validate_nesting(
        children, parents, parent_column="grid", id_column="code", parent_id_column="code", among_children=False
    )
    assert report.records == []


def test_a_column_that_is_not_there_is_said() -> None:
    with pytest.raises(InputError) as caught:
        validate_nesting(frame(CHILDREN), frame(PARENTS), parent_column="gird")
    assert "gird" in str(caught.value)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 3)), min_size=1, max_size=5), st.booleans())
def test_untiled_says_what_geometry_says(cuts: list[tuple[int, int]], shifted: bool) -> None:
    """Vertical strips of a square, some left out: the sum of edges against unions and areas."""
    stops = sorted({0, 10, *(cut for cut, _ in cuts)})
    left_out = {cut for cut, lot in cuts if lot == 0}
    strips = [
        shapely.box(a, 0, b, 10 + (0.5 if shifted and a == 0 else 0))
        for a, b in itertools.pairwise(stops)
        if a not in left_out
    ]
    square = shapely.box(0, 0, 10, 10)
    wrong = untiled(np.array(strips, object), np.zeros(len(strips), np.int64), np.array([square], object), 1e-9)
    fits = shapely.union_all(strips).equals(square) and abs(sum(s.area for s in strips) - 100) < 1e-9
    assert (len(wrong) == 0) == fits


def test_thousands_of_parents_take_a_moment() -> None:
    count = 60
    parents, children = {}, {}
    home = {}
    for x in range(count):
        for y in range(count):
            key = f"{x}-{y}"
            parents[key] = shapely.box(x * 10, y * 10, x * 10 + 10, y * 10 + 10)
            for part, (low, high) in enumerate(((0, 3), (3, 10))):
                children[f"{key}-{part}"] = shapely.box(x * 10 + low, y * 10, x * 10 + high, y * 10 + 10)
                home[f"{key}-{part}"] = key
    begun = time.process_time()
    assert check(children, home=home, parents=parents).records == []
    assert time.process_time() - begun < 10
