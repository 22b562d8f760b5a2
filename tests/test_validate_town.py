"""A town's claims: the sample town holds, planted faults are each found once, and what can't be checked is said."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import geopandas as gpd
import pytest
import shapely

from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.sample import plant_faults, sample_town, write_sample
from gridgeo.town import Nesting, Tiling, Town, read_town
from gridgeo.validate import validate_tiling, validate_town


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    return read_town(write_sample(tmp_path_factory.mktemp("town"), polygons=60))


def with_blocks(town: Town) -> Town:
    """The town with each grid as one block."""
    frames = [layer.frame.assign(grid=layer.ids, code=layer.ids + "001") for layer in town.grids]
    table = gpd.GeoDataFrame(
        {
            "code": [code for frame in frames for code in frame["code"]],
            "grid": [grid for frame in frames for grid in frame["grid"]],
        },
        geometry=[shape for frame in frames for shape in frame.geometry],
        crs=frames[0].crs,
    )
    blocks = replace(town.grids[0], name="blocks", frame=table, id_column="code", name_column=None, kind=None)
    return replace(town, blocks=blocks)


def test_the_sample_town_holds(town: Town) -> None:
    report = validate_town(with_blocks(town), claims=["town", "blocks"])
    assert report.ok
    assert [claim.claim for claim in report.claims] == ["town", "blocks"]
    assert [fault for fault in report.records if fault.severity != "info"] == []


def test_a_block_that_is_missing_is_found_by_the_nesting(town: Town) -> None:
    complete = with_blocks(town)
    assert complete.blocks is not None
    frame = complete.blocks.frame
    gone = frame["grid"].iloc[3]
    short = replace(complete, blocks=complete.blocks.with_frame(frame.drop(index=3).reset_index(drop=True)))
    report = validate_town(short, claims=["blocks"])
    (fault,) = [fault for fault in report.records if fault.severity == "error"]
    assert (fault.code, fault.features) == ("not-tiled", (gone,))


def test_blocks_that_are_not_drafted_yet_are_said(town: Town) -> None:
    with pytest.raises(InputError) as caught:
        validate_town(replace(town, blocks=None), claims=["blocks"])
    assert "gridgeo partition" in str(caught.value)
    assert validate_town(replace(town, blocks=None), claims=["town"]).ok


def test_an_unknown_claim_is_said_with_the_known_ones(town: Town) -> None:
    with pytest.raises(InputError) as caught:
        validate_town(town, claims=["twon"])
    assert "twon" in str(caught.value)
    assert "town" in str(caught.value).replace("twon", "")


def test_what_the_reader_noticed_is_in_the_report(town: Town) -> None:
    problem = Problem("gridgeo.toml, [barriers.roads]", Message("12 features are no barriers", "12 个要素不是边界线"))
    report = validate_town(replace(town, blocks=None, problems=(problem,)), claims=["town"])
    assert "12 features are no barriers" in report.to_text("en")
    assert report.counts["info"] >= 1
    assert report.ok


def test_a_broken_feature_is_told_once_though_two_claims_name_its_layer(town: Town) -> None:
    layer = town.grids[0]
    frame = layer.frame.copy()
    frame.loc[0, "geometry"] = shapely.Polygon([(121.5, 31.05), (121.51, 31.06), (121.51, 31.05), (121.5, 31.06)])
    broken = with_blocks(replace(town, layers={**town.layers, layer.name: layer.with_frame(frame)}))
    report = validate_town(broken, claims=["town", "blocks"])
    assert len([fault for fault in report.records if fault.code == "invalid-geometry"]) == 2  # the grid and its block


def found(report: Any) -> list[tuple[str, frozenset[str]]]:
    return sorted(
        ((fault.code, frozenset(fault.features)) for fault in report.records), key=lambda f: (f[0], sorted(f[1]))
    )


@pytest.mark.parametrize("seed", [0, 3])
def test_every_planted_fault_is_found_once_and_nothing_else(seed: int) -> None:
    sample = sample_town(polygons=120, details=False)
    faulty, planted = plant_faults(sample, count=30, seed=seed)
    layers = {key: faulty.layers[key] for key in ("communities", "villages", "streets", "zones")}
    report = validate_tiling(layers, within=sample.town, id_column="code", name_column="name")
    expected = sorted(((f.code, frozenset(f.features)) for f in planted), key=lambda f: (f[0], sorted(f[1])))
    assert found(report) == expected
    areas = {(f.code, frozenset(f.features)): f.area for f in planted}
    for fault in report.records:
        planted_area = areas[fault.code, frozenset(fault.features)]
        assert fault.area == pytest.approx(planted_area, rel=0.01, abs=0.01)


@pytest.mark.parametrize(
    "kind",
    ["near-border", "spike", "fragment", "invalid-geometry", "empty-geometry", "missing-id", "duplicate-id"],
)
def test_every_other_kind_is_found_once_and_nothing_else(kind: str) -> None:
    sample = sample_town(polygons=120, details=False)
    faulty, planted = plant_faults(sample, kinds=[kind], count=3, seed=1)
    layers = {key: faulty.layers[key] for key in ("communities", "villages", "streets", "zones")}
    report = validate_tiling(layers, within=sample.town, id_column="code", tolerance=0.01)
    assert found(report) == sorted(
        ((f.code, frozenset(f.features)) for f in planted), key=lambda f: (f[0], sorted(f[1]))
    )


def test_claims_of_the_sample_are_what_they_say(town: Town) -> None:
    (tiling,) = [claim for claim in town.claims if isinstance(claim, Tiling)]
    (nesting,) = [claim for claim in town.claims if isinstance(claim, Nesting)]
    assert set(nesting.parents) == set(tiling.layers)


def test_the_same_town_gives_the_same_bytes(town: Town) -> None:
    again = read_town(town.path)
    assert validate_town(town, claims=["town"]).to_json("zh") == validate_town(again, claims=["town"]).to_json("zh")
