"""Known faults: all kinds planted in a town of 500 grids, and areas of random layers that must add up."""

from __future__ import annotations

from collections import Counter

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridgeo.crs import working_crs
from gridgeo.sample import plant_faults, sample_town
from gridgeo.sample.faults import OTHER_KINDS, TILING_KINDS
from gridgeo.validate import validate_tiling

GRIDS = ("communities", "villages", "streets", "zones")
KINDS = (*TILING_KINDS, *OTHER_KINDS)
TRUE_TO_SCALE = working_crs((121.495, 31.0, 121.505, 31.01))
"""In which areas are measured, so that they can be compared with those of the coordinates."""


@pytest.mark.parametrize("seed", [0, 7])
def test_all_kinds_in_a_town_of_five_hundred_are_found_once_and_nothing_else(seed: int) -> None:
    town = sample_town(polygons=500, details=False, seed=seed)
    faulty, planted = plant_faults(town, kinds=KINDS, count=3 * len(KINDS), seed=seed)
    before = validate_tiling({key: town.layers[key] for key in GRIDS}, within=town.town, id_column="code")
    report = validate_tiling(
        {key: faulty.layers[key] for key in GRIDS}, within=town.town, id_column="code", tolerance=0.01
    )
    assert before.ok
    there = Counter((fault.code, frozenset(fault.features)) for fault in before.records)
    found = Counter((fault.code, frozenset(fault.features)) for fault in report.records)
    assert found - there == Counter((fault.code, frozenset(fault.features)) for fault in planted)
    kept = {(fault.code, frozenset(fault.features)): fault for fault in report.records}
    for fault in planted:
        if fault.kind in TILING_KINDS:
            mine = kept[fault.code, frozenset(fault.features)]
            assert mine.area == pytest.approx(fault.area, rel=0.01, abs=0.01)
            assert mine.width == pytest.approx(fault.width, rel=0.05, abs=1e-6)
            assert shapely.dwithin(mine.geometry, fault.geometry, 1e-9)


def cells(size: int) -> st.SearchStrategy[shapely.Geometry]:
    """Any set of cells of a board as one polygon: in several parts, with holes, touching itself."""
    places = st.sets(st.tuples(st.integers(0, size - 1), st.integers(0, size - 1)), min_size=1, max_size=size * size)
    return places.map(lambda chosen: shapely.union_all([shapely.box(x, y, x + 1, y + 1) for x, y in sorted(chosen)]))


@settings(max_examples=25, deadline=None)
@given(
    st.lists(cells(4), min_size=1, max_size=6),
    st.one_of(st.none(), cells(5)),
    st.sampled_from([0.0, 30.0, 70.0]),
    st.sampled_from([0.0, 0.6]),
)
def test_areas_of_any_layer_add_up(
    shapes: list[shapely.Geometry], extent: shapely.Geometry | None, tolerance: float, turn: float
) -> None:
    """Each wrongly covered square metre stands in one record, whatever the tolerance calls it."""
    spin = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])

    def put(shape: shapely.Geometry) -> shapely.Geometry:
        return shapely.transform(shape, lambda c: (c @ spin) * 64.0 + [500_000.0, 3_430_000.0])

    shapes = [put(shape) for shape in shapes]
    frame = gpd.GeoDataFrame(geometry=shapes, crs=TRUE_TO_SCALE)
    within = None if extent is None else gpd.GeoDataFrame(geometry=[put(extent)], crs=TRUE_TO_SCALE)
    report = validate_tiling(frame, within=within, tolerance=tolerance)
    assert report.measure_crs == TRUE_TO_SCALE
    union = shapely.union_all(shapes)
    total = sum(shape.area for shape in shapes)
    measures = report.claims[0].measures
    assert measures["excess_area"] == pytest.approx(total - union.area, rel=1e-9, abs=1e-9 * total)
    if extent is not None:
        bare = put(extent).difference(union).area
        beyond = union.difference(put(extent)).area
        assert measures["gap_area"] + measures["uncovered_area"] == pytest.approx(bare, rel=1e-9, abs=1e-9 * total)
        covered_once = sum(f.area or 0.0 for f in report.records if f.code == "outside")
        assert covered_once <= beyond * (1 + 1e-9) + 1e-6
    else:
        # cells that touch at corners enclose what lies between them
        faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(shapely.node(union.boundary))))
        bare = shapely.area(faces).sum() - union.area
        assert measures["gap_area"] == pytest.approx(bare, rel=1e-9, abs=1e-9 * total)
    regions = [f.geometry for f in report.records if f.kind.stage == "region" and f.code != "duplicate-polygon"]
    assert shapely.area(shapely.union_all(regions)) == pytest.approx(
        sum(map(shapely.area, regions)), rel=1e-9, abs=1e-6
    )
    assert report.to_json("en") == validate_tiling(frame, within=within, tolerance=tolerance).to_json("en")
