"""What only notices of streets have: sections on the map and in the table, frontage; and the houses of workstations."""

from __future__ import annotations

import dataclasses
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import numpy as np
import pypdfium2
import shapely
from PIL import Image

from gridgeo.layers import Layer
from gridgeo.render.colours import contrast, mixed
from gridgeo.render.drawing import draw_map
from gridgeo.render.fingerprint import Fingerprints
from gridgeo.render.notice import compose_notices
from gridgeo.render.poster import Press
from gridgeo.render.printed_page import SHARP, PrintedPage
from gridgeo.render.scene import make_scene
from gridgeo.render.section_marks import SectionMarks
from gridgeo.render.sections import colours_of
from gridgeo.render.sheet import sheet
from gridgeo.render.window import Window
from gridgeo.town import Publication, Town
from tests.render_towns import CRS, make_town, place
from tests.test_render_one_page import HOMES, STREET, crowded_town
from tests.test_render_photocopy import Copy


def test_sections_are_numbered_on_the_map_and_in_the_table() -> None:
    scene = make_scene(crowded_town(3, 5, 4, 1))
    street = next(notice for notice in compose_notices(scene, warnings=[]) if notice.code == STREET)
    drawn = draw_map(scene, street.index, width=267, height=120)
    texts = [label.text for label in drawn.labels]
    assert [row.number for row in street.patrols] == ["1", "2", "3", "4"]
    assert {"1", "2", "3", "4"} <= set(texts)
    assert "责任路段" in drawn.svg
    assert drawn.svg.count("<circle") >= 4
    shapes = np.array([label.shape for label in drawn.labels], object)
    one, other = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    assert all(shapely.intersection(shapes[a], shapes[b]).area < 0.01 for a, b in zip(one, other, strict=True) if a < b)
    row = street.patrols[0]
    assert (row.streets, row.length) == ("沈杜公路、浦星公路", "220 米")
    assert [shift.name for shift in street.shifts] == ["日班", "夜班"]
    assert [(watch.days, watch.people[0][0]) for watch in row.shifts[1]] == [
        ("周一至周四", "巡n00"),
        ("周五至周日", "巡n00"),
    ]


def test_along_each_section_its_own_colour_shows_up_to_the_edge_of_the_street(tmp_path: Path) -> None:
    """A street is a few millimetres wide: its border and the veil over the rest must leave it its colours."""
    scene = make_scene(crowded_town(3, 5, 4, 1))
    street = next(notice for notice in compose_notices(scene, warnings=[]) if notice.code == STREET)
    printed = Press(scene, tmp_path, sheet(), Fingerprints(scene)).make(street)
    page = PrintedPage(pypdfium2.PdfDocument(printed.content)[0])
    pixels = page.pixels(SHARP)
    grey = np.asarray(Image.fromarray(pixels).convert("L"))
    copy = Copy(scene, street, printed, page, grey, grey < 128)
    numbers = colours_of(scene.sections)
    fills = scene.theme.colours.sections
    for section in scene.sections_by_block[street.index]:
        shade = mixed(fills[numbers[section.code] % len(fills)], "#FFFFFF", 0.1)
        wanted = [int(shade[k : k + 2], 16) for k in (1, 3, 5)]
        beside = shapely.buffer(section.line, 7.0, cap_style="flat")  # metres; the street reaches 10 to each side
        seen = np.array([pixels[y, x] for y, x in copy.border(beside)], dtype=int)
        assert (np.abs(seen - wanted).max(axis=1) < 8).mean() > 0.6


def test_a_crossing_has_the_colour_of_the_section_that_passes_it() -> None:
    """Not a stub of the one that ends there."""
    town = crowded_town(3, 5, 2, 1)
    assert town.sections is not None
    frame = town.sections.frame.copy()
    along = shapely.MultiLineString([[place(0, 310), place(450, 310)], [place(450, 310), place(900, 310)]])
    frame["geometry"] = [shapely.LineString([place(450, 318), place(450, 310)]), along]  # the first ends at the other
    scene = make_scene(dataclasses.replace(town, sections=Layer("sections", frame, "code", "name")))
    street = next(notice for notice in compose_notices(scene, warnings=[]) if notice.code == STREET)
    marks = SectionMarks(Window(scene, street.index, 267, 120), scene.sections_by_block[street.index])
    drawn = [part for part in marks.surfaces() if "stroke=" in part]
    numbers, fills = colours_of(scene.sections), scene.theme.colours.sections
    last = next(section for section in scene.sections if section.line.length > 500)
    assert mixed(fills[numbers[last.code] % len(fills)], "#FFFFFF", 0.1) in drawn[-1]


def test_who_patrols_sections_is_not_named_twice() -> None:
    scene = make_scene(crowded_town(3, 5, 4, 1))
    street = next(notice for notice in compose_notices(scene, warnings=[]) if notice.code == STREET)
    assert not [card.name for card in street.officers if card.name.startswith("巡")]
    # without sections they are patrollers like others
    plain = make_scene(dataclasses.replace(crowded_town(3, 5, 4, 1), sections=None))
    street = next(notice for notice in compose_notices(plain, warnings=[]) if notice.code == STREET)
    assert [card.name for card in street.officers if card.name.startswith("巡")]
    assert street.patrols == ()


def test_sections_that_meet_differ_in_colour_and_an_empty_post_is_said() -> None:
    town = crowded_town(2, 5, 5, 1)
    nobody = dataclasses.replace(town, people=tuple(person for person in town.people if person.shift != "night"))
    scene = make_scene(nobody)
    numbers = colours_of(scene.sections)
    codes = sorted(numbers)
    assert all(numbers[a] != numbers[b] for a, b in pairwise(codes))
    street = next(notice for notice in compose_notices(scene, warnings=[]) if notice.code == STREET)
    assert street.patrols[0].shifts[1][0].people == (("待定", ""),)
    assert all(contrast("#1D2127", fill) > 4.5 for fill in scene.theme.colours.sections)


def test_frontage_is_said_on_notices_of_streets_alone() -> None:
    town = make_town(publication=Publication(frontage="门前三包，电话 13812345678"))
    notices = {notice.code: notice for notice in compose_notices(make_scene(town), warnings=[])}
    assert notices[STREET].frontage == "门前三包，电话 138****5678"
    assert notices[HOMES].frontage == ""


def with_workstations(town: Town) -> Town:
    frame = gpd.GeoDataFrame(
        {"id": ["1", "2"], "name": ["杜行路8号", "永丰路1号"]},
        geometry=[shapely.Point(place(120, 500)), shapely.Point(place(250, 150))],
        crs=CRS,
    )
    stations = Layer("workstations", frame, "id", "name")
    return dataclasses.replace(town, layers={**town.layers, "workstations": stations})


def test_workstations_are_houses_and_named_beside_the_team() -> None:
    scene = make_scene(with_workstations(make_town()))
    notices = {notice.code: notice for notice in compose_notices(scene, warnings=[])}
    assert notices["310112999001001"].station == "杜行路8号"
    assert notices["310112999001002"].station == "杜行路8号"  # of its grid
    assert notices["310112999003001"].station == "永丰路1号"
    assert notices[HOMES].station == ""
    with_house = draw_map(scene, 0, width=200, height=150)
    without = draw_map(make_scene(make_town()), 0, width=200, height=150)
    assert "工作站" in with_house.svg
    assert "工作站" not in without.svg
    assert with_house.window == without.window
