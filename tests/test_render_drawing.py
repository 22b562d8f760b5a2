"""The map is true: seams closed, scale right, north where it is, every name inside the frame and off the others."""

from __future__ import annotations

import itertools
import math
import re
from xml.etree import ElementTree

import numpy as np
import pyproj
import pytest
import shapely

from gridgeo.crs import convergence
from gridgeo.render.colours import USUAL, fill_of
from gridgeo.render.drawing import CASING, Drawing, _road_courses, draw_map, find_borders, road_width
from gridgeo.render.furniture import bar_length, draw_north_arrow, draw_scale_bar
from gridgeo.render.labels import Page, _Block
from gridgeo.render.naming import Names
from gridgeo.render.scene import Scene, make_scene
from gridgeo.render.svg import path_data
from gridgeo.render.view import SCALES, View
from gridgeo.render.window import Window
from tests.render_towns import blocks_frame, make_town

WIDTH, HEIGHT = 267.0, 160.0
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def scene() -> Scene:
    return make_scene(make_town())


@pytest.fixture(scope="module")
def drawings(scene: Scene) -> list[Drawing]:
    return [draw_map(scene, index, width=WIDTH, height=HEIGHT) for index in range(len(scene.blocks))]


def texts(drawing: Drawing) -> list[str]:
    return ["".join(element.itertext()) for element in ElementTree.fromstring(drawing.svg).iter(f"{SVG}text")]


def test_no_two_names_overlap_and_none_leaves_the_frame(drawings: list[Drawing]) -> None:
    for drawing in drawings:
        shapes = [label.shape for label in drawing.labels]
        for one, other in itertools.combinations(shapes, 2):
            assert shapely.intersection(one, other).area < 1e-9
        frame = shapely.box(0, 0, WIDTH, HEIGHT)
        assert all(frame.contains(shape) for shape in shapes)


def test_the_focus_its_neighbours_and_streets_are_named(scene: Scene, drawings: list[Drawing]) -> None:
    index = scene.blocks["code"].tolist().index("310112999001001")
    found = [label.text for label in drawings[index].labels]
    assert found[0] == "第1责任块"
    assert "第2责任块" in found
    assert {"沈杜公路", "杜行老街", "友谊河"} <= set(found)


def test_a_block_too_narrow_for_its_name_has_it_beside_with_a_leader(scene: Scene, drawings: list[Drawing]) -> None:
    index = scene.blocks["code"].tolist().index("310112999005001")
    label = drawings[index].labels[0]
    assert label.text == "沈杜公路街面网格"
    window = View.of(scene.areas.geometries[index], WIDTH, HEIGHT - 8, margin=0.06, within=scene.extent)
    assert not shapely.intersects(window.shown(scene.areas.geometries[index]), label.shape)


def test_a_leader_takes_the_shortest_way_to_its_block() -> None:
    """The block's widest place may be far from where its name has room."""
    wide, narrow = shapely.box(20, 20, 24, 24), shapely.box(20, 24, 22, 100)
    label = _Block(("街面",)).placed(60, 90, 20)
    names = object.__new__(Names)
    names._page = Page(shapely.box(0, 0, 150, 150))
    drawn = names._leader(label, shapely.buffer(wide.union(narrow), -0.8))
    assert drawn.count("<path") == 3
    taken = names._page.areas
    assert max(shape.length for shape in taken) / 2 < 40


@pytest.mark.parametrize(("code", "widest"), [("310112999005001", 63), ("310112999004001", 0.7 * 160)])
def test_a_very_long_name_is_broken_into_lines_rather_than_run_across_the_map(code: str, widest: float) -> None:
    """Beside a street as inside a block, where it may be as wide as that."""
    frame = blocks_frame()
    frame.loc[frame["code"] == code, "name"] = "上海市闵行区浦江镇鹤泾坊居民委员会东区商务中心及周边公共区域"
    scene = make_scene(make_town(frame=frame))
    index = scene.blocks["code"].tolist().index(code)
    drawing = draw_map(scene, index, width=160, height=120)
    label = next(label for label in drawing.labels if label.text == scene.names[index])
    west, _, east, _ = label.shape.bounds
    assert 2 <= len(label.runs) <= 5
    assert east - west < widest
    assert min(len(run.text) for run in label.runs) >= 4


def test_the_legend_shows_neighbours_in_the_colours_that_they_have(scene: Scene, drawings: list[Drawing]) -> None:
    index = scene.blocks["code"].tolist().index("310112999001002")
    legend = drawings[index].svg.split(">相邻责任块<")[0].rsplit("<g transform", 1)[1]
    shown = set(re.findall(r'fill="(#[0-9A-F]{6})"', legend)) - {USUAL.ink}
    neighbours = {
        fill_of(scene.colours[k]) for k in range(len(scene.blocks)) if k != index and scene.kinds[k] != "street"
    }
    assert len(shown) == min(3, len(neighbours))


def test_street_names_beside_the_focus_stand_outside_it(scene: Scene, drawings: list[Drawing]) -> None:
    index = scene.blocks["code"].tolist().index("310112999002001")
    (label,) = [label for label in drawings[index].labels if label.text == "浦星公路"][:1]
    view = View.of(scene.areas.geometries[index], WIDTH, HEIGHT - 8, within=scene.extent)
    assert shapely.intersection(view.shown(scene.areas.geometries[index]), label.shape).area < 1e-9


def test_every_text_has_the_one_family_and_is_set_once(drawings: list[Drawing]) -> None:
    for drawing in drawings:
        families = re.findall(r'font-family="([^"]*)"', drawing.svg)
        assert families == ["Noto Sans SC"]
        labels = [label.text for label in drawing.labels]
        assert all(texts(drawing).count(text) == labels.count(text) for text in labels if text == "第1责任块")


def test_legend_scale_and_north_are_there(drawings: list[Drawing]) -> None:
    for drawing in drawings:
        found = texts(drawing)
        assert {"本责任块", "相邻责任块", "网格界", "北", f"1:{drawing.scale}"} <= set(found)
        assert drawing.scale in SCALES
    assert "建筑" in texts(drawings[0])


def test_legend_leaves_out_what_the_map_does_not_show() -> None:
    town = make_town()
    plain = {key: layer for key, layer in town.layers.items() if key != "buildings"}
    object.__setattr__(town, "layers", plain)
    assert "建筑" not in texts(draw_map(make_scene(town), 0, width=WIDTH, height=HEIGHT))


def test_legend_tells_street_surfaces_from_roads_drawn_as_lines(scene: Scene, drawings: list[Drawing]) -> None:
    found = texts(drawings[scene.blocks["code"].tolist().index("310112999002001")])
    assert {"街面", "主干路", "道路"} <= set(found)


def test_shared_borders_are_the_same_numbers_on_both_sides() -> None:
    rng = np.random.default_rng(1)
    wave = np.column_stack([np.linspace(0, 400, 60), 100 + rng.normal(0, 4, 60)])
    below = shapely.Polygon([(0, 0), (400, 0), *wave[::-1]])
    above = shapely.Polygon([(0, 200), *wave, (400, 200)])
    view = View(100, 80, 3000, (213.7, 101.3))
    borders = []
    for shape in (below, above):
        numbers = [int(n) for n in re.findall(r"-?\d+", path_data([view.shown(shape)]))]
        ring = list(zip(numbers[::2], numbers[1::2], strict=True))
        borders.append({frozenset(edge) for edge in itertools.pairwise([*ring, ring[0]])})
    x, y = view.on_page(shapely.LineString(wave)).xy
    inside = [k for k in range(len(wave)) if 0 < x[k] < 100 and 0 < y[k] < 80]
    shared = borders[0] & borders[1]
    assert len(shared) >= len(inside) - 1


def test_roads_that_end_at_the_edge_of_the_town_do_not_stick_out_of_it(scene: Scene) -> None:
    window = Window(scene, scene.blocks["code"].tolist().index("310112999001001"), WIDTH, HEIGHT)
    town = window.view.on_page(scene.whole)
    (lane,) = _road_courses(window, "lane", 0)
    reach = road_width(window, "lane") * window.line_factor / 2 + CASING
    assert shapely.difference(shapely.buffer(lane, reach, quad_segs=32), town).area < 1e-6
    # while those that go on outside are drawn there
    assert any(not town.contains(road) for road in _road_courses(window, "road", 0))


def test_borders_are_drawn_once_and_told_apart() -> None:
    shapes = {0: shapely.box(0, 0, 10, 10), 1: shapely.box(10, 0, 20, 10), 2: shapely.box(0, 10, 20, 20)}
    shapes[2] = shapely.Polygon([(0, 10), (10, 10), (20, 10), (20, 20), (0, 20)])
    inner, outer = find_borders(shapes, np.array([0, 0, 1]))
    assert sum(line.length for line in inner) == pytest.approx(10)  # between the two blocks of grid 0
    assert sum(line.length for line in outer) == pytest.approx(20 + 80)  # between the grids, and around


def test_scale_bar_is_as_long_as_it_says() -> None:
    for scale in SCALES:
        drawn = draw_scale_bar(scale, 0, 0)
        corners = [int(float(n)) for path in re.findall(r'd="M([^"]*)Z"', drawn) for n in path.split()[::2]]
        millimetres = (max(corners) - min(corners)) / 100
        assert millimetres * scale / 1000 == pytest.approx(bar_length(scale), rel=0.001)


def test_the_map_is_at_its_scale_in_the_working_system() -> None:
    view = View.of(shapely.box(500_000, 0, 500_900, 400), WIDTH, HEIGHT)
    line = view.on_page(shapely.LineString([(500_000, 0), (500_100, 0)]))
    assert line.length * view.scale / 1000 == pytest.approx(100)


def test_the_block_is_wholly_in_view_even_at_the_towns_edge(scene: Scene) -> None:
    for shape in scene.areas.geometries:
        for width, height in ((267, 150), (150, 200)):
            view = View.of(shape, width, height, within=scene.extent)
            assert view.frame.contains(view.on_page(shape))


def test_the_arrow_points_to_true_north() -> None:
    crs = pyproj.CRS.from_epsg(4549)  # central meridian 120 E: the top of a map at 121.5 E is 0.77 degrees off
    x, y = pyproj.Transformer.from_crs(4490, crs, always_xy=True).transform([121.5, 121.5], [31.0, 31.01])
    to_north = math.degrees(math.atan2(x[1] - x[0], y[1] - y[0]))  # clockwise from the top of the map
    drawn = draw_north_arrow(0, 0, convergence(crs, x[0], y[0]))
    turned = float(re.search(r"rotate\((-?[\d.]+)\)", drawn).group(1))  # type: ignore[union-attr]
    assert turned == pytest.approx(to_north, abs=0.01)
    assert turned < -0.7


def test_same_town_same_bytes_whatever_the_order_of_the_rows() -> None:
    frame = blocks_frame()
    one = draw_map(make_scene(make_town(frame=frame)), 1, width=WIDTH, height=HEIGHT).svg
    other = draw_map(make_scene(make_town(frame=frame.iloc[::-1])), 1, width=WIDTH, height=HEIGHT).svg
    assert one == other


def test_hostile_names_are_text_on_the_map() -> None:
    frame = blocks_frame()
    frame.loc[0, "name"] = "<img src=x onerror=alert(1)>\"&'</text><script>"
    drawing = draw_map(make_scene(make_town(frame=frame)), 1, width=WIDTH, height=HEIGHT)
    root = ElementTree.fromstring(drawing.svg)
    kinds = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert kinds <= {"svg", "g", "defs", "clipPath", "path", "rect", "text"}


def test_a_name_that_the_fonts_lack_is_replaced_and_reported() -> None:
    frame = blocks_frame()
    frame.loc[0, "name"] = "第😀块"
    town_scene = make_scene(make_town(frame=frame))
    assert town_scene.names[0] == "第〓块"
    assert any("第😀块" in problem.text("en") for problem in town_scene.problems)
