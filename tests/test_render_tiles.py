"""Tiles: put together, they are the page that was cut."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pypdf
import pypdfium2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gridgeo.errors import InputError, Problem
from gridgeo.render import render_notices
from gridgeo.render.sheet import PAPERS, PaperName
from gridgeo.render.tiles import MARGIN, cut, tile
from tests.render_towns import blocks_frame, make_town


@given(
    page=st.tuples(st.floats(150, 1300), st.floats(150, 1300)),
    onto=st.sampled_from(list(PAPERS)),
    overlap=st.floats(0, 30),
)
def test_parts_cover_the_page_and_overlap_enough(page: tuple[float, float], onto: PaperName, overlap: float) -> None:
    tiling = cut(page, onto, overlap=overlap)
    for starts, part, length in zip((tiling.columns, tiling.rows), tiling.part, page, strict=True):
        assert starts[0] == 0
        assert starts[-1] + part == pytest.approx(max(length, part), abs=0.01)
        assert all(one + part - other >= overlap - 0.01 for one, other in pairwise(starts))
    assert all(part <= sheet - 2 * MARGIN + 1e-9 for part, sheet in zip(tiling.part, tiling.sheet, strict=True))


def test_put_together_the_tiles_are_the_page(tmp_path: Path) -> None:
    town = make_town(frame=blocks_frame().iloc[:1])
    page, tiles = render_notices(town, tmp_path, papers=["A1"], tiles="A3", warnings=[])
    assert (page.name, tiles.name) == ("310112999001001-A1.pdf", "310112999001001-A1-tiles-A3.pdf")
    tiling = cut((594, 841), "A3")
    reader = pypdf.PdfReader(tiles)
    assert len(reader.pages) == len(tiling) + 1
    assert "拼接示意" in reader.pages[0].extract_text()
    assert f"第 2 张，共 {len(tiling)} 张（第 1 行第 2 列）" in reader.pages[2].extract_text()
    per_mm = 2.0
    whole = _looked_at(page, 0, per_mm)
    again = Image.new("RGB", whole.size, "#00FF00")
    places = [(x, y) for y in tiling.rows for x in tiling.columns]
    for number, (x, y) in enumerate(places, 1):
        sheet = _looked_at(tiles, number, per_mm)
        box = [round(MARGIN * per_mm), round(MARGIN * per_mm)]
        part = sheet.crop((*box, *(box[k] + round(tiling.part[k] * per_mm) for k in (0, 1))))
        again.paste(part, (round(x * per_mm), round(y * per_mm)))
    # edges of letters fall on other pixels, so squares of 8 x 8 pixels are compared: nothing is missing or out of place
    coarse = (whole.width // 8, whole.height // 8)
    squares = (np.asarray(image.resize(coarse, Image.Resampling.BOX), int) for image in (whole, again))
    one, other = (image[:-1, :-1] for image in squares)  # the page's last pixel is cut by rounding
    assert np.abs(one - other).max() < 48
    assert np.abs(one - other).mean() < 1.0
    assert tiles.read_bytes() == tile(page.read_bytes(), (594, 841), "A3", title=page.stem)


def _looked_at(path: Path, number: int, per_mm: float) -> Image.Image:
    document = pypdfium2.PdfDocument(path)
    return document[number].render(scale=per_mm * 25.4 / 72).to_pil().convert("RGB")


def test_a_page_that_fits_on_one_sheet_is_not_cut(tmp_path: Path) -> None:
    town = make_town(frame=blocks_frame().iloc[:1])
    made = render_notices(town, tmp_path, papers=["A4"], tiles="A3", warnings=[])
    assert [path.name for path in made] == ["310112999001001-A4.pdf"]
    with pytest.raises(InputError, match="no larger than A3"):
        tile(made[0].read_bytes(), (210, 297), "A3", title="x")
    with pytest.raises(InputError, match="can't be cut"):
        tile(b"no PDF", (841, 1189), "A3", title="x")


def test_that_there_is_nothing_to_cut_is_told(tmp_path: Path) -> None:
    said: list[Problem] = []
    town = make_town(frame=blocks_frame().iloc[:1])
    assert len(render_notices(town, tmp_path, papers=["A3"], tiles="A3", warnings=said)) == 1
    assert any("nothing to cut onto A3" in problem.text("en") for problem in said)
