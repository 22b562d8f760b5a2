"""One meaning of width everywhere, and a larger tolerance never un-finds a gap (GEOS' gap width does)."""

import itertools

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
import shapely.affinity

from gridgeo.validate import Report, validate_tiling
from gridgeo.validate.measure import measure

TOLERANCES = (0.0, 0.001, 0.01, 0.1, 0.5, 1.0, 3.0, 10.0, 100.0)
GAPS = {"gap", "uncovered", "near-border"}


def layer(polygons: list[shapely.Polygon]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(geometry=polygons, crs="EPSG:32651")


def torn(random: np.random.Generator) -> gpd.GeoDataFrame:
    """Make a sheet of blocks that have come apart by millimetres to metres along some of their borders."""
    grid = np.stack(np.meshgrid(np.arange(6), np.arange(6)), axis=-1) * 100.0 + random.uniform(-20, 20, (6, 6, 2))
    blocks = []
    for row in range(5):
        for column in range(5):
            ring = grid[[row, row, row + 1, row + 1], [column, column + 1, column + 1, column]].copy()
            if random.integers(3) == 0:
                ring[random.integers(4)] += random.normal(size=2) * 10.0 ** random.uniform(-3, 0.5)
            if random.integers(8):
                blocks.append(shapely.Polygon(ring))
    return layer([block for block in blocks if block.is_valid])


def bare(report: Report) -> shapely.Geometry:
    """Return all that the report says that nobody covers."""
    return shapely.union_all(
        [fault.geometry for fault in report.records if fault.code in GAPS and fault.detail != "overlap"]
    )


@pytest.mark.parametrize("seed", range(6))
def test_a_larger_tolerance_never_loses_a_gap(seed: int) -> None:
    blocks = torn(np.random.default_rng(seed))
    found = [bare(validate_tiling(blocks, tolerance=tolerance)) for tolerance in TOLERANCES]
    assert found[0].area > 0
    for less, more in itertools.pairwise(found):
        lost = shapely.difference(less, shapely.buffer(more, 1e-6))
        assert lost.area < 1e-6


@pytest.mark.parametrize("seed", range(6))
def test_the_tolerance_alone_parts_warnings_from_errors(seed: int) -> None:
    blocks = torn(np.random.default_rng(seed))
    extent = shapely.box(*blocks.total_bounds)
    for tolerance in TOLERANCES:
        report = validate_tiling(blocks, within=extent, tolerance=tolerance)
        for fault in report.records:
            if fault.kind.stage == "region" and fault.width is not None:
                assert (fault.severity == "error") == (fault.width > tolerance), fault.message("en")


@pytest.mark.parametrize("width", [0.002, 0.03, 0.4, 5.0])
@pytest.mark.parametrize("turn", [0.0, 0.3, 1.1])
def test_the_width_of_a_strip_is_the_same_for_a_gap_and_an_overlap(width: float, turn: float) -> None:
    left, apart = shapely.box(0, 0, 50, 80), shapely.box(50 + width, 0, 99, 80)
    over, lid = shapely.box(50 - width, 0, 99, 80), shapely.box(0, 80, 99, 120)
    floor = shapely.box(0, -40, 99, 0)
    for right, code in ((apart, "gap"), (over, "overlap")):
        shapes = [
            shapely.affinity.rotate(one, turn, origin=(0, 0), use_radians=True) for one in (left, right, lid, floor)
        ]
        shapes = [shapely.affinity.translate(one, 500_000, 3_400_000) for one in shapes]
        strips = [fault for fault in validate_tiling(layer(shapes)).records if fault.code == code]
        widest = max(fault.width for fault in strips)
        assert widest == pytest.approx(width, rel=0.02, abs=2e-6)


def test_the_width_of_a_gap_whose_rim_crosses_itself_by_a_last_digit() -> None:
    """Two arms of this gap meet in a corner, which in metres comes out some picometres beyond itself."""
    rim = shapely.from_wkt(
        "POLYGON ((121.50028416151925 31.0012, 121.50037358262517 31.001176855328453, 121.5005821031697 "
        "31.001164033438076, 121.50057893488466 31.001171901259035, 121.50086899372332 31.001185295098704, "
        "121.50089648543545 31.000858722069342, 121.5006836828999 31.000916395626632, 121.5006866706743 "
        "31.000908976068832, 121.50090155961769 31.00085073705511, 121.50087406790556 31.001177310084472, "
        "121.50111664643345 31.00118873997261, 121.50111303558432 31.00096336374482, 121.50119537586019 "
        "31.000616528292756, 121.50118435180045 31.000614139459856, 121.50113040694798 31.00038664097624, "
        "121.50113032295522 31.000387095554764, 121.5012 31.00000999533443, 121.5012 31.0012, "
        "121.50028416151925 31.0012))"
    )
    degrees, metres = pyproj.CRS("EPSG:4490"), pyproj.CRS("EPSG:4549")
    here = gpd.GeoSeries([rim], crs=degrees).to_crs(metres).iloc[0]
    circle = 2 * shapely.maximum_inscribed_circle(shapely.make_valid(here), tolerance=0.001).length
    assert measure(np.array([rim], object), degrees, metres).width[0] == pytest.approx(circle, rel=0.006)
