"""Notices on every size of paper, upright and across, and as a picture for phones."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pypdf
import pypdfium2
import pytest
from PIL import Image

from gridgeo.render import render_notices
from gridgeo.render.notice import compose_notices, texts_of
from gridgeo.render.scene import make_scene
from gridgeo.render.sheet import PAPERS, Orientation, PaperName, sheet
from gridgeo.town import Person, Task
from tests.render_towns import TOWN_CODE, make_town
from tests.test_render_poster import MILLIMETRES, assert_found_and_seen


@pytest.mark.parametrize("orientation", ["portrait", "landscape"])
@pytest.mark.parametrize("paper", ["A4", "A3", "A1", "A0"])
def test_one_page_of_the_size_with_every_word_on_it(paper: PaperName, orientation: Orientation, tmp_path: Path) -> None:
    files = render_notices(make_town(), tmp_path, papers=[paper], orientation=orientation)
    content = files[0].read_bytes()
    (page,) = pypdf.PdfReader(io.BytesIO(content)).pages
    wanted = PAPERS[paper] if orientation == "portrait" else PAPERS[paper][::-1]
    measured = (float(page.mediabox.width) * MILLIMETRES, float(page.mediabox.height) * MILLIMETRES)
    assert measured == pytest.approx(wanted, abs=0.1)
    notice = compose_notices(make_scene(make_town()))[0]
    words = [text for _, text in texts_of(notice) if text]
    if paper in ("A4", "A3"):  # larger ones are the same page enlarged, and slow to search as pictures
        assert_found_and_seen(content, words)
    texts = pypdfium2.PdfDocument(content)[0].get_textpage()
    for k in range(texts.count_chars()):
        if texts.get_text_range(k, 1).isspace():
            continue
        left, bottom, right, top = texts.get_charbox(k)
        assert -1 < left <= right < page.mediabox.width + 1
        assert -1 < bottom <= top < page.mediabox.height + 1


@pytest.mark.parametrize("officers", [0, 6, 12, 40])
def test_a_landscape_sheet_holds_few_and_many(officers: int, tmp_path: Path) -> None:
    people = [Person("310112999001001", "head", "张三丰", "杜行居委会", "021-54321001")]
    people += [Person(TOWN_CODE, "police", f"王小{k:02d}", "派出所", f"021-5432{k:04d}") for k in range(officers)]
    tasks = [Task("residential", f"第{k % 3}类", f"第{k}项巡查内容", k % 5 == 0) for k in range(officers)]
    file = render_notices(make_town(people=people, tasks=tasks), tmp_path, orientation="landscape")[0]
    (page,) = pypdf.PdfReader(file).pages
    text = page.extract_text()
    assert all(f"王小{k:02d}" in text and f"第{k}项巡查内容" in text for k in range(officers))


def test_a_picture_for_phones_is_1080_pixels_wide_and_as_long_as_it_needs_to_be(tmp_path: Path) -> None:
    few, many = [], [Person(TOWN_CODE, "police", f"王小{k:02d}") for k in range(30)]
    sizes = []
    for people in (few, many):
        file = render_notices(make_town(people=people), tmp_path / str(len(people)), formats=["png"])[0]
        assert file.name == "310112999001001.png"
        with Image.open(file) as picture:
            sizes.append(picture.size)
            low, most = picture.convert("L").getextrema()
            assert (low < 60, most) == (True, 255)
    assert sizes[0][0] == sizes[1][0] == 1080
    assert sizes[1][1] > sizes[0][1] + 1000


def test_files_of_several_sheets_stand_side_by_side(tmp_path: Path) -> None:
    files = render_notices(make_town(), tmp_path, formats=["pdf", "png"], papers=["A3", "A0"])
    assert [file.name for file in files[:3]] == [
        "310112999001001.pdf",
        "310112999001001-A0.pdf",
        "310112999001001.png",
    ]
    assert len(files) == 18


def test_unknown_sheets_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'A7' is none of A4, A3"):
        render_notices(make_town(), tmp_path, papers=["A7"])  # type: ignore[list-item]


def test_every_sheet_is_its_design_enlarged() -> None:
    for name, (width, height) in PAPERS.items():
        upright, across = sheet(name), sheet(name, "landscape")
        assert (upright.paper, across.paper) == ((width, height), (height, width))
        assert upright.factor == pytest.approx(width / 297, rel=2e-3)


def test_several_threads_and_processes_make_the_same_bytes(tmp_path: Path) -> None:
    script = tmp_path / "make.py"
    script.write_text(
        textwrap.dedent("""
        import sys
        from gridgeo.render import render_notices
        from gridgeo import _parallel
        from tests.render_towns import make_town

        if __name__ == "__main__":
            _parallel._WORTH_A_PROCESS = 1
            for name, jobs in (("one", 1), ("two", 2), ("three", 3)):
                render_notices(make_town(), f"{sys.argv[1]}/{name}", jobs=jobs)
        """)
    )
    root = str(Path(__file__).parent.parent)
    subprocess.run([sys.executable, script, tmp_path], check=True, env=os.environ | {"PYTHONPATH": root})
    made = [
        {file.name: file.read_bytes() for file in (tmp_path / name / "notices").iterdir()}
        for name in ("one", "two", "three")
    ]
    assert made[0] == made[1] == made[2]
    assert len(made[0]) == 6
