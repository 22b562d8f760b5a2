"""Index sheets: every grid and block has its number on the map and its row in the table, on as many pages as needed."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pypdf
import pypdfium2
import pytest
import shapely

from gridgeo.errors import Problem
from gridgeo.render import render_index
from gridgeo.render.index import IndexPress, grid_sheets, index_sheets, make_index, town_sheet
from gridgeo.render.index_map import draw_index_map
from gridgeo.render.notice import compose_notices
from gridgeo.render.scene import Scene, make_scene
from gridgeo.render.sheet import sheet_of
from gridgeo.town import Town
from tests.render_towns import blocks_frame, make_town, square


def text_of(path: Path) -> str:
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(path).pages)


@pytest.fixture(scope="module")
def scene() -> Scene:
    return make_scene(make_town())


def test_there_is_a_sheet_of_the_town_and_one_of_each_grid(scene: Scene, tmp_path: Path) -> None:
    made = render_index(scene, tmp_path)
    assert [path.name for path in made] == ["town.pdf", *(f"31011299900{k}.pdf" for k in range(1, 6))]
    told = text_of(made[0])
    for name in ("责任网格索引图", "杜行居委会", "310112999005", "街面网格（1 个）", "示意图", "示例数据", "审图号"):
        assert (name in told) == (name != "审图号"), name
    blocks = text_of(made[1])
    assert "第2责任块" in blocks
    assert "310112999001002" in blocks
    assert "东至" in blocks
    reader = pypdf.PdfReader(made[0])
    assert len(reader.pages) == 1
    assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]
    again = render_index(scene, tmp_path / "again")
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in made]


def test_a_long_table_runs_over_with_its_head(scene: Scene, tmp_path: Path) -> None:
    frame = blocks_frame()
    many = frame.loc[frame.index.repeat(12)].reset_index(drop=True)
    many["grid"] = [f"3101129990{k:02d}" for k in range(len(many))]
    many["code"] = [f"{grid}001" for grid in many["grid"]]
    town = make_scene(make_town(frame=many))
    compose_notices(town, warnings=(said := list[Problem]()))
    (entry,) = make_index(town, [town_sheet(town, "云溪镇")], tmp_path, "A3", {})
    made = tmp_path / entry.file
    reader = pypdf.PdfReader(made)
    assert len(reader.pages) > 1
    for number, page in enumerate(reader.pages, 1):
        assert "编号" in page.extract_text()
        assert f"第 {number} 页，共 {len(reader.pages)} 页" in page.extract_text()
    told = text_of(made)
    assert all(grid in told for grid in many["grid"])
    assert said


@pytest.mark.parametrize(
    ("paper", "orientation", "size"), [("A4", "portrait", (210, 297)), ("A1", "landscape", (841, 594))]
)
def test_sheets_come_on_any_paper(
    scene: Scene, tmp_path: Path, paper: str, orientation: str, size: tuple[int, int]
) -> None:
    made = render_index(scene, tmp_path, papers=[paper], orientation=orientation)  # type: ignore[list-item,arg-type]
    assert made[0].name == f"town-{paper}{'-landscape' if orientation == 'landscape' else ''}.pdf"
    page = pypdf.PdfReader(made[0]).pages[0]
    assert [round(float(length) / 72 * 25.4) for length in page.mediabox[2:]] == list(size)


def test_every_plot_is_numbered_and_no_two_labels_touch(drafted_town: Town) -> None:
    real = make_scene(drafted_town)
    notices = compose_notices(real, warnings=[])
    sheets = [town_sheet(real, "云溪镇"), *grid_sheets(real, notices, "云溪镇", [str(k) for k in range(60)])]
    assert len(sheets) == 61
    for sheet in [sheets[0], *sheets[1:61:6]]:
        drawn = draw_index_map(real, sheet.plots, width=267.0, height=200.0, fills=sheet.fills, subject=sheet.title)
        texts = [label.text for label in drawn.labels]
        for plot in sheet.plots:
            if plot.number:
                shown = {plot.label.replace(" ", ""), plot.number}
                assert any(text.replace(" ", "") in shown for text in texts), plot
        shapes = np.array([label.shape for label in drawn.labels], object)
        one, other = shapely.STRtree(shapes).query(shapes, predicate="intersects")
        touching = [(one, other) for one, other in zip(one, other, strict=True) if one < other]
        overlap = [float(shapely.intersection(shapes[a], shapes[b]).area) for a, b in touching]
        assert all(area < 0.01 for area in overlap), [(texts[a], texts[b]) for a, b in touching]
        assert all(shapely.box(0, 0, 267, 200).contains(shape) for shape in shapes)


def test_grids_that_touch_have_different_colours(drafted_town: Town) -> None:
    real = make_scene(drafted_town)
    fills = town_sheet(real, "云溪镇").fills
    shapes = real.areas.geometries
    one, other = real.areas.tree.query(shapes, predicate="intersects")
    for a, b in zip(one.tolist(), other.tolist(), strict=True):
        if shapely.intersection(shapes[a], shapes[b]).length > 1.0 and real.grid_numbers[a] != real.grid_numbers[b]:
            assert fills[a] != fills[b]


def test_names_are_shown_as_they_are(tmp_path: Path) -> None:
    frame = blocks_frame()
    hostile = "#panic() $x$ *<b>*"
    frame["name"] = [f"{hostile} {k}" for k in range(len(frame))]
    town = dataclasses.replace(make_town(frame=frame), name=hostile)
    made = render_index(town, tmp_path)
    assert hostile in text_of(made[0])


def test_a_tiny_grid_is_keyed_by_a_line(scene: Scene) -> None:
    frame = blocks_frame()
    frame.loc[0, "geometry"] = square(0, 320, 3, 323)
    tiny = make_scene(make_town(frame=frame))
    sheet = town_sheet(tiny, "镇")
    drawn = draw_index_map(tiny, sheet.plots, width=267.0, height=200.0, fills=sheet.fills, subject="x")
    assert {plot.number for plot in sheet.plots} <= {label.text.split(" ")[0][0] for label in drawn.labels}


def test_the_sheet_of_a_street_grid_numbers_its_sections_and_says_who_patrols_them(drafted_town: Town) -> None:
    scene = make_scene(drafted_town)
    notices = compose_notices(scene)
    sheets = [sheet for sheet in index_sheets(scene, notices) if sheet.sections]
    assert len(sheets) == len({scene.grid_numbers[section.block] for section in scene.sections})
    sheet = sheets[0]
    blocks = {k for plot in sheet.plots for k in plot.blocks}
    mine = [section for section in scene.sections if section.block in blocks]
    assert [row[0] for row in sheet.section_rows] == [section.number for section in mine]
    assert sheet.section_heads[3:] == ("日班 6:00-18:00", "夜班 18:00-6:00")
    told = "".join(text for row in sheet.section_rows for cell in row[3:] for text in cell)
    patrol = next(notice for notice in notices if notice.index in blocks).patrols
    assert all(name in told for row in patrol for shift in row.shifts for watch in shift for name, _ in watch.people)
    drawing = draw_index_map(
        scene, sheet.plots, width=267, height=200, fills=sheet.fills, subject="", sections=sheet.sections
    )
    numbers = {"".join(run.text for run in label.runs) for label in drawing.labels}
    assert {section.number for section in mine} <= numbers


def test_a_sheet_across_has_its_map_beside_the_table_as_high_as_the_page(drafted_town: Town, tmp_path: Path) -> None:
    real = make_scene(drafted_town)
    town = town_sheet(real, "云溪镇")
    upright, across = (IndexPress(real, tmp_path, sheet_of(name)) for name in ("A3", "A3-landscape"))
    place = across.place(town)
    inner = sheet_of("A3-landscape").inner_height
    assert place.is_beside
    assert place.height > 0.9 * inner
    assert place.width + town.side_width < sheet_of("A3-landscape").inner_width
    assert across.draw(town).scale <= upright.draw(town).scale
    (tmp_path / "town.pdf").write_bytes(across.make(town)[0])
    pages = [page.extract_text() for page in pypdf.PdfReader(tmp_path / "town.pdf").pages]
    assert len(pages) == 2
    assert pages[1].count("编号") == 4  # columns of the rows that didn't fit beside the map
    told = "\n".join(pages)
    assert all(plot.name in told for plot in town.plots)


def test_a_map_takes_what_its_table_leaves_of_the_page(drafted_town: Town, tmp_path: Path) -> None:
    real = make_scene(drafted_town)
    notices = compose_notices(real, warnings=[])
    sheets = grid_sheets(real, notices, "云溪镇", [str(k) for k in range(60)])
    for name in ("A3", "A3-landscape"):
        press = IndexPress(real, tmp_path, sheet_of(name))
        for index in sheets[::20]:
            place = press.place(index)
            (tmp_path / "grid.pdf").write_bytes(press.make(index)[0])
            (page,) = pypdfium2.PdfDocument(tmp_path / "grid.pdf")
            bottom = min(
                page.get_textpage().get_charbox(k)[1]
                for k in range(page.get_textpage().count_chars())
                if page.get_textpage().get_charbox(k)[1] > 20 / 25.4 * 72
            )
            # the map beside its table, or the table above the foot, leaves less than a row
            assert place.is_beside or bottom < 32 / 25.4 * 72, (name, index.file)
