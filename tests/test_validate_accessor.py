"""The accessor of GeoDataFrames and the check for pandera: the same verdict, in the places where tables are at home."""

from __future__ import annotations

import inspect
import subprocess
import sys
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely

import gridgeo.accessor  # noqa: F401 (gives GeoDataFrames their .gridgeo)
from gridgeo.checks import rows_at_fault, tiling_check
from gridgeo.validate import validate_tiling


def strips(*widths: float, step: float = 10.0, **columns: Any) -> gpd.GeoDataFrame:
    """Strips side by side; one wider than the step overlaps the next."""
    shapes = [shapely.box(step * k, 0, step * k + width, 100) for k, width in enumerate(widths)]
    frame = gpd.GeoDataFrame({"code": [f"g{k}" for k in range(len(widths))]}, geometry=shapes, crs="EPSG:32651")
    return frame.assign(**columns)


SOUND = strips(10, 10, 10)
FAULTY = strips(10, 12, 10, 10)

# ------------------------------------------------------------------------------------------------ the accessor


def test_it_says_what_the_function_says() -> None:
    for options in ({}, {"id_column": "code"}, {"tolerance": 3.0}, {"within": shapely.box(0, 0, 50, 100)}):
        assert FAULTY.gridgeo.validate(**options).to_json() == validate_tiling(FAULTY, **options).to_json()
    assert SOUND.gridgeo.validate().ok


def test_it_has_the_keywords_of_the_function() -> None:
    _, *mine = inspect.signature(type(FAULTY.gridgeo).validate).parameters
    _, *theirs = inspect.signature(validate_tiling).parameters
    assert mine == theirs
    with pytest.raises(TypeError, match="tolerence"):
        FAULTY.gridgeo.validate(tolerence=1)


def test_the_table_stays_as_it_is_and_is_read_when_asked() -> None:
    frame = strips(10, 12, 10)
    before = frame.copy()
    assert not frame.gridgeo.validate().ok
    pd.testing.assert_frame_equal(frame, before)
    frame.loc[1, "geometry"] = shapely.box(10, 0, 20, 100)
    assert frame.gridgeo.validate().ok


def test_tables_without_geometry_have_none() -> None:
    for table in (pd.DataFrame({"a": [1]}), gpd.GeoDataFrame({"a": [1]})):
        with pytest.raises(AttributeError, match="only a GeoDataFrame"):
            table.gridgeo  # noqa: B018
        assert not hasattr(table, "gridgeo")


def test_import_gridgeo_stays_quick_and_registers_nothing_unasked() -> None:
    script = (
        "import sys, gridgeo; assert 'geopandas' not in sys.modules and 'pandas' not in sys.modules;"
        "import geopandas; assert not hasattr(geopandas.GeoDataFrame, 'gridgeo');"
        "import gridgeo.accessor; assert hasattr(geopandas.GeoDataFrame, 'gridgeo')"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


# ------------------------------------------------------------------------------------------------ pandera


@pytest.fixture(scope="module")
def pandera() -> Any:
    return pytest.importorskip("pandera.pandas", reason="the extra gridgeo[pandera] is not installed")


def schema_of(pandera: Any, **options: Any) -> Any:
    columns = {"code": pandera.Column(str), "geometry": pandera.Column("geometry")}
    return pandera.DataFrameSchema(columns, checks=[tiling_check(**options)])


def failing_rows(pandera: Any, schema: Any, frame: gpd.GeoDataFrame) -> set[Any]:
    with pytest.raises(pandera.errors.SchemaErrors) as failed:
        schema.validate(frame, lazy=True)
    return set(failed.value.failure_cases["index"])


def test_a_tiling_passes_as_it_is(pandera: Any) -> None:
    pd.testing.assert_frame_equal(schema_of(pandera).validate(SOUND), SOUND)


@pytest.mark.parametrize("id_column", [None, "code"])
def test_failure_cases_name_the_rows_at_fault(pandera: Any, id_column: str | None) -> None:
    schema = schema_of(pandera, id_column=id_column)
    assert failing_rows(pandera, schema, FAULTY) == {1, 2}
    assert failing_rows(pandera, schema, FAULTY.set_axis(["d", "c", "b", "a"])) == {"c", "b"}
    with pytest.raises(pandera.errors.SchemaError) as failed:
        schema.validate(FAULTY)
    assert set(failed.value.failure_cases["index"]) == {1, 2}


def test_rows_of_ids_that_are_missing_or_occur_twice_are_named(pandera: Any) -> None:
    schema = pandera.DataFrameSchema(checks=[tiling_check(id_column="code")])
    assert failing_rows(pandera, schema, strips(10, 10, 10, code=["a", None, "b"])) == {1}
    assert failing_rows(pandera, schema, strips(10, 10, 10, code=["a", "b", "a"])) == {0, 2}
    assert failing_rows(pandera, schema, strips(10, 12, 10, 10, code=[7, 8, 9, 10])) == {1, 2}


def test_a_fault_without_rows_fails_the_table(pandera: Any) -> None:
    far = shapely.MultiPolygon([shapely.box(0, 0, 30, 100), shapely.box(500, 0, 600, 100)])
    with pytest.raises(pandera.errors.SchemaError, match=r"no seamless tiling|无缝"):
        schema_of(pandera, within=far).validate(SOUND)


def test_warnings_fail_only_where_they_count(pandera: Any) -> None:
    schema_of(pandera, tolerance=3.0).validate(FAULTY)
    assert failing_rows(pandera, schema_of(pandera, tolerance=3.0, fail_on="warning"), FAULTY) == {1, 2}


def test_it_goes_into_schemas_of_geodataframes_and_into_models(pandera: Any) -> None:
    typed = pytest.importorskip("pandera.typing.geopandas")

    class Grids(pandera.DataFrameModel):
        # what "code: str" writes; text annotations are not found from within a function
        __annotations__ = {"code": str, "geometry": typed.GeoSeries}

        @pandera.dataframe_check
        def tiles(cls, frame: gpd.GeoDataFrame) -> Any:  # noqa: N805
            return ~rows_at_fault(validate_tiling(frame), frame)

    Grids.validate(SOUND)
    assert failing_rows(pandera, Grids, FAULTY) == {1, 2}


def test_it_goes_into_the_schema_that_pandera_has_for_geodataframes(pandera: Any) -> None:
    geo = pytest.importorskip("pandera.geopandas", reason="this pandera has no schema of its own for GeoDataFrames")
    schema = geo.GeoDataFrameSchema({"geometry": pandera.Column("geometry")}, checks=[tiling_check()])
    assert len(schema.validate(SOUND)) == 3
    assert failing_rows(pandera, schema, FAULTY) == {1, 2}


def test_without_pandera_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandera.pandas", None)
    with pytest.raises(ImportError, match=r"gridgeo\[pandera\]"):
        tiling_check()
