"""Names on maps stay in their shapes and off each other; neighbours differ in colour."""

from __future__ import annotations

import itertools
import math
import random

import numpy as np
import numpy.typing as npt
import pytest
import shapely

from gridgeo.render.along import SetOut, Way
from gridgeo.render.colours import ACCENT, USUAL, colour_by_adjacency, contrast, mixed
from gridgeo.render.fonts import missing_characters, printable, text_width, without_missing
from gridgeo.render.labels import Label, Page, break_name, place_in_area

FRAME = shapely.box(0, 0, 260, 160)


def place_along(page: Page, line: shapely.LineString, name: str, *, size: float) -> Label | None:
    return SetOut([Way(line, name, size)]).place(0, page)


def crooked_shapes() -> list[shapely.Geometry]:
    """L, T, U, comb and thin shapes, and shapes with holes."""
    rng = random.Random(7)
    shapes: list[shapely.Geometry] = []
    for _ in range(60):
        west, south = rng.uniform(5, 150), rng.uniform(5, 80)
        width, height = rng.uniform(15, 100), rng.uniform(10, 70)
        shape: shapely.Geometry = shapely.box(west, south, west + width, south + height)
        for _ in range(rng.randint(1, 3)):
            x, y = west + rng.uniform(0, width), south + rng.uniform(0, height)
            shape = shape.difference(shapely.Point(x, y).buffer(rng.uniform(3, 18)))
        if not shape.is_empty:
            shapes.append(shapely.affinity.rotate(shape, rng.uniform(0, 180)))
    return shapes


@pytest.mark.parametrize("name", ["杜行居委会 第2责任块", "浦星公路街面网格", "Itämerenkatu school"])
def test_a_name_in_an_area_never_leaves_it(name: str) -> None:
    placed = 0
    for shape in crooked_shapes():
        page = Page(FRAME)
        label = place_in_area(page, shape, name, sizes=(14, 11, 9), margin=0.5)
        if label is not None:
            placed += 1
            assert shape.contains(label.shape)
            assert FRAME.contains(label.shape)
    assert placed > 15


def test_names_never_lie_on_one_another() -> None:
    page, placed = Page(FRAME), []
    for k, shape in enumerate(crooked_shapes()):
        label = place_in_area(page, shape, f"第{k}责任块", sizes=(14, 11, 9))
        if label is not None:
            page.take(label.shape)
            placed.append(label.shape)
    for k in range(12):
        line = shapely.LineString([(5, 10 + 12 * k), (130, 14 + 11 * k), (255, 8 + 12 * k)])
        found = place_along(page, line, "沈杜公路", size=11)
        if found is not None:
            page.take(found.shape)
            placed.append(found.shape)
    assert len(placed) > 10
    for one, other in itertools.combinations(placed, 2):
        assert shapely.intersection(one, other).area < 1e-9


def test_the_size_is_the_largest_that_fits() -> None:
    wide, small = shapely.box(0, 0, 100, 30), shapely.box(0, 0, 22, 5)
    assert place_in_area(Page(FRAME), wide, "责任网格", sizes=(20, 14, 9)).size == 20  # type: ignore[union-attr]
    assert place_in_area(Page(FRAME), small, "责任网格", sizes=(20, 14, 9), margin=0).size == 14  # type: ignore[union-attr]
    assert place_in_area(Page(FRAME), shapely.box(0, 0, 6, 3), "责任网格", sizes=(20, 14, 9)) is None


def test_a_high_narrow_area_gets_its_name_downwards() -> None:
    label = place_in_area(Page(FRAME), shapely.box(10, 10, 16, 60), "责任网格", sizes=(12,), margin=0.5)
    assert label is not None
    (run,) = label.runs
    assert run.text == "责任网格"
    assert len(set(run.x)) == 1
    assert list(run.y) == sorted(run.y)


def test_names_break_between_words_not_inside_them() -> None:
    assert ("杜行居委会", "第2责任块") in break_name("杜行居委会 第2责任块")
    assert ("梅州新村", "街面网格") in break_name("梅州新村街面网格")
    assert all("".join(way).replace(" ", "") == "杜行居委会第2责任块" for way in break_name("杜行居委会 第2责任块"))


@pytest.mark.parametrize("degrees", range(0, 360, 15))
def test_street_names_read_from_left_to_right_or_downwards(degrees: int) -> None:
    angle = math.radians(degrees)
    run = np.array([math.cos(angle), math.sin(angle)]) * 60
    line = shapely.LineString([np.array([130, 80]) - run, np.array([130, 80]) + run])
    label = place_along(Page(FRAME), line, "浦星公路", size=11)
    assert label is not None
    (glyphs,) = label.runs
    assert glyphs.text == "浦星公路"
    middles = np.array([label.shape.centroid.coords[0]])
    assert line.distance(shapely.Point(middles[0])) < 0.5
    steep = abs(math.sin(angle)) > math.sin(math.radians(57))
    if steep:
        assert list(glyphs.y) == sorted(glyphs.y)
        assert set(glyphs.angle) == {0.0}
    else:
        assert list(glyphs.x) == sorted(glyphs.x)
        assert all(abs(turn) <= 57.01 for turn in glyphs.angle)


def test_a_crooked_or_short_line_gets_no_name() -> None:
    zigzag = shapely.LineString([(10 + 3 * k, 20 + 6 * (k % 2)) for k in range(40)])
    assert place_along(Page(FRAME), zigzag, "浦星公路", size=11) is None
    assert place_along(Page(FRAME), shapely.LineString([(10, 10), (20, 10)]), "浦星公路", size=11) is None


def test_neighbours_never_have_the_same_colour() -> None:
    rng = random.Random(3)
    pairs = [(rng.randrange(200), rng.randrange(200)) for _ in range(500)]
    colours = colour_by_adjacency(200, pairs)
    assert all(colours[a] != colours[b] for a, b in pairs if a != b)
    assert colour_by_adjacency(200, [(b, a) for a, b in reversed(pairs)]) == colours


def test_a_planar_town_needs_few_colours_and_uses_them_evenly() -> None:
    side = 12
    pairs = [(k, k + 1) for k in range(side * side) if (k + 1) % side] + [
        (k, k + side) for k in range(side * (side - 1))
    ]
    colours = colour_by_adjacency(side * side, pairs)
    assert max(colours) < 6 <= len(USUAL.fills)
    counts = [colours.count(c) for c in set(colours)]
    assert max(counts) <= 2 * min(counts)


def test_no_fill_is_taken_for_another_or_for_water_by_any_reader() -> None:
    """Differences in CIE L*a*b* as seen with usual sight and without red or green cones (Machado et al. 2009)."""
    readers = {
        "usual": np.eye(3),
        "no red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        "no green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    }

    def lab(colour: str, reader: npt.ArrayLike) -> npt.NDArray[np.float64]:
        channels = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
        linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
        seen = np.clip(np.asarray(reader) @ linear, 0, 1)
        xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ seen
        x, y, z = np.cbrt(np.maximum(xyz / [0.95047, 1.0, 1.08883], 0.008856))
        return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])

    for who, reader in readers.items():
        fills = [lab(fill, reader) for fill in USUAL.fills[:6]]
        assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(fills, 2)) > 12
        tinted = [lab(mixed(fill, "#FFFFFF", 0.4), reader) for fill in USUAL.fills[:6]]
        assert min(np.linalg.norm(fill - lab(USUAL.water, reader)) for fill in tinted) > (20 if who == "usual" else 7.5)


def test_the_accent_is_readable_on_white() -> None:
    assert contrast(ACCENT, "#FFFFFF") >= 7


def test_fonts_have_the_rare_characters_of_names_and_say_which_they_lack() -> None:
    assert missing_characters("䶮㛃𬱖𬍛𫖯禤翀頔旸骉") == []
    level_two = map(chr, (*range(0x3400, 0x4DB6), *range(0x4E00, 0x9FA6)))
    assert missing_characters("".join(level_two)) == [], "GB 18030 level 2"
    assert missing_characters("a😀") == ["😀"]
    assert without_missing("a😀") == "a〓"
    assert printable("a\u2066b\u200d\t c") == "ab c"
    assert text_width("网a", 10) > 10
