"""Blocks that are faulty, nameless, in several parts or missing: all is made as well as it can be, and said."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gridgeo.errors import InputError
from gridgeo.render import render_index, render_map, render_notices, render_site
from gridgeo.render.checking import check_notices
from gridgeo.render.notice import compose_notices
from gridgeo.render.scene import make_scene
from gridgeo.render.site_check import check_site
from tests.render_towns import blocks_frame, make_town, square

FIRST, SECOND = "310112999001001", "310112999001002"


def with_first(shape: shapely.Geometry) -> gpd.GeoDataFrame:
    """Return the blocks with another shape of the first."""
    frame = blocks_frame()
    shapes = frame.geometry.to_numpy()
    shapes[frame["code"] == FIRST] = shape
    return frame.set_geometry(gpd.GeoSeries(shapes, crs=frame.crs))


def said_of(frame: gpd.GeoDataFrame) -> list[str]:
    return [problem.text("en") for problem in make_scene(make_town(frame=frame)).problems]


CROSSED = shapely.Polygon(shapely.get_coordinates(square(0, 320, 250, 700))[[0, 2, 1, 3, 0]])
EXCLAVE = shapely.union_all([square(0, 320, 250, 500), square(0, 520, 200, 700), square(1000, 100, 1100, 200)])
OVERLAPPING = square(-10, 310, 300, 710)
LIKE_ITS_NEIGHBOUR = square(250, 320, 500, 700)


@pytest.mark.parametrize(
    ("shape", "told"),
    [
        (CROSSED, "blocks, 310112999001001: the border crosses itself"),
        (EXCLAVE, ""),
        (OVERLAPPING, "2 pairs of blocks overlap, such as 310112999001001 and 310112999001002"),
        (LIKE_ITS_NEIGHBOUR, "1 pairs of blocks overlap, such as 310112999001001 and 310112999001002"),
    ],
    ids=["crossed", "exclave", "overlapping", "identical"],
)
def test_faulty_shapes_are_told_and_everything_is_made_and_found_sound(
    tmp_path: Path, shape: shapely.Geometry, told: str
) -> None:
    scene = make_scene(make_town(frame=with_first(shape)))
    assert [told in problem.text("en") for problem in scene.problems] == ([True] if told else [])
    render_notices(scene, tmp_path, only=[FIRST])
    render_site(scene, tmp_path)
    render_index(scene, tmp_path, only=[FIRST])
    render_map(scene, tmp_path / "map.html", ledger=tmp_path)
    assert check_notices(scene, tmp_path, only=[FIRST])[1] == []
    assert check_site(scene, tmp_path)[1] == []


def test_sound_blocks_are_told_nothing_of() -> None:
    assert said_of(blocks_frame()) == []


def test_the_area_of_a_grid_is_that_of_its_blocks_though_they_overlap() -> None:
    scene = make_scene(make_town(frame=with_first(square(0, 320, 300, 700))))
    numbers = scene.grid_numbers
    for number, shape in enumerate(scene.grid_shapes):
        blocks = scene.areas.geometries[numbers == number]
        assert shape.area == pytest.approx(shapely.union_all(blocks).area)


@pytest.mark.parametrize("blank", [None, np.nan, "", " \u200b"])
def test_a_block_without_a_name_is_called_by_its_code(blank: object) -> None:
    frame = blocks_frame()
    frame["name"] = frame["name"].astype(object)
    frame.loc[frame["code"] == SECOND, "name"] = blank
    scene = make_scene(make_town(frame=frame))
    assert compose_notices(scene)[1].name == SECOND
    assert [p.text("en") for p in scene.problems] == [
        f"blocks: 1 blocks have no name, the code stands for it: {SECOND}"
    ]


def test_grids_without_a_block_are_named() -> None:
    frame = blocks_frame()
    left = frame[~frame["grid"].isin(["310112999003", "310112999004"])]
    named = "永丰村委会 (310112999003), 光华产业园 (310112999004)"
    assert said_of(left) == [f"gridgeo.toml: 2 grids have no block, so no notice is made of them: {named}"]


@pytest.mark.parametrize("other", ["a\nb", "a  b", "a\u200b b"])
def test_codes_that_read_alike_are_refused(other: str) -> None:
    frame = blocks_frame()
    frame.loc[:1, "code"] = ["a b", other]
    with pytest.raises(InputError, match="the codes of several blocks are a b when they are printed"):
        make_scene(make_town(frame=frame))


def test_what_cannot_be_drawn_at_all_is_refused() -> None:
    bare = blocks_frame().drop(columns="serial")
    with pytest.raises(InputError, match="no column serial"):
        make_scene(make_town(frame=bare))
    with pytest.raises(InputError, match="310112999001001: the block has no area"):
        make_scene(make_town(frame=with_first(shapely.Point(0, 0))))
