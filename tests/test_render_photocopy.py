"""A poster on an office copier: in black and white only, by a threshold or by dots, it still says and shows it all.

Colour may go, so borders, numbers and letters must do without. The page is copied at 288 points to an inch.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pypdfium2
import pytest
import shapely
from PIL import Image

from gridgeo.render.fingerprint import Fingerprints
from gridgeo.render.notice import Notice, compose_notices, texts_of
from gridgeo.render.poster import Press, Printed
from gridgeo.render.printed_page import SHARP, PrintedPage
from gridgeo.render.scene import Scene, make_scene
from gridgeo.render.sheet import sheet
from gridgeo.render.theme import Palette
from tests.render_towns import make_town

Bits = npt.NDArray[np.bool_]
PER_MM = SHARP * 72 / 25.4
"""Pixels to a millimetre of A3."""
MARGIN = 15.0


def by_threshold(grey: Image.Image) -> Bits:
    return np.asarray(grey) < 128


def by_dots(grey: Image.Image) -> Bits:
    """Floyd and Steinberg's: greys become dots."""
    return ~np.asarray(grey.convert("1"), bool)


COPIERS = {"threshold": by_threshold, "dots": by_dots}


@dataclass
class Copy:
    """A poster of one block, what it was, and its copy: true where there is toner."""

    scene: Scene
    notice: Notice
    printed: Printed
    page: PrintedPage
    grey: npt.NDArray[np.uint8]
    toner: Bits

    @cached_property
    def top(self) -> float:
        """Millimetres from the top of the page to the map: to the first line as long as the map is wide."""
        width = self.printed.map_size[0]
        columns = slice(round((MARGIN + 2) * PER_MM), round((MARGIN + width - 2) * PER_MM))
        return float(np.argmax((self.grey[:, columns] < 128).mean(axis=1) > 0.98)) / PER_MM

    @property
    def factor(self) -> float:
        """Millimetres on the page for a metre."""
        west, _, east, _ = self.printed.window
        return (self.printed.map_size[0] + 8) / (east - west)  # four millimetres of bleed on each side

    def border(self, shape: shapely.Geometry) -> list[tuple[int, int]]:
        """Return pixels along the border of a block (working CRS), a half millimetre apart, well inside the map."""
        west, south, east, north = self.printed.window
        factor = self.factor
        shown = shapely.box(west + 6 / factor, south + 6 / factor, east - 6 / factor, north - 6 / factor)
        line = shapely.intersection(shape.boundary, shown)
        places = [
            shapely.line_interpolate_point(part, step)
            for part in shapely.get_parts(line).tolist()
            for step in np.arange(0, part.length, 0.5 / factor)
        ]
        return [
            (
                round((self.top + (north - place.y) * factor - 4) * PER_MM),
                round((MARGIN + (place.x - west) * factor - 4) * PER_MM),
            )
            for place in places
        ]

    def share(self, spots: list[tuple[int, int]], reach: float) -> npt.NDArray[np.float64]:
        """Return the share of toner in the squares around some pixels, as far as ``reach`` millimetres."""
        r = round(reach * PER_MM)
        return np.array([self.toner[y - r : y + r + 1, x - r : x + r + 1].mean() for y, x in spots])


@pytest.fixture(scope="module")
def posters(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Scene, Notice, Printed, PrintedPage]]:
    scene = make_scene(make_town())
    notices = {notice.kind: notice for notice in reversed(compose_notices(scene))}
    press = Press(scene, tmp_path_factory.mktemp("press"), sheet(), Fingerprints(scene))
    made = {}
    for kind in ("residential", "street"):
        printed = press.make(notices[kind])
        made[kind] = (scene, notices[kind], printed, PrintedPage(pypdfium2.PdfDocument(printed.content)[0]))
    return made


@pytest.fixture(params=[(kind, copier) for kind in ("residential", "street") for copier in COPIERS], ids="-".join)
def copy(request: pytest.FixtureRequest, posters: dict[str, tuple[Scene, Notice, Printed, PrintedPage]]) -> Copy:
    kind, copier = request.param
    scene, notice, printed, page = posters[kind]
    grey = Image.fromarray(page.pixels(SHARP)).convert("L")
    return Copy(scene, notice, printed, page, np.asarray(grey), COPIERS[copier](grey))


def test_every_text_can_be_read_on_a_copy(copy: Copy) -> None:
    """The toner has the shape of each letter: it is dark where the letter is, and nowhere else around it."""
    page, faint = copy.page, []
    texts = [copy.notice.title, *(text for _, text in texts_of(copy.notice) if text)]
    for letter in sorted({letter for text in texts for place in page.places_of(text) for letter in place}):
        left, _, right, _ = page.box_of(letter)
        window = page.within(letter, copy.grey, beside=4)
        ink, toner = 255.0 - copy.grey[window].ravel(), copy.toner[window].ravel()
        if right - left < 0.5:
            continue
        likeness = float(np.corrcoef(ink, toner)[0, 1]) if 0 < toner.mean() < 1 else 0.0
        if likeness < 0.6:
            faint.append((letter, round(likeness, 2)))
    assert faint == []


def test_the_block_stands_out_from_its_neighbours_on_a_copy(copy: Copy) -> None:
    """Its border is a line without gaps, heavier than any other; and the other blocks have borders too."""
    scene = copy.scene
    focus = scene.areas.geometries[copy.notice.index]
    # round a street, which is narrow, it is drawn on the outer side alone, so that the colours of its sections show
    aside = 0.4 / copy.factor if copy.notice.kind == "street" else 0.0
    own = copy.share(copy.border(shapely.buffer(focus, aside, join_style="mitre")), 0.4)
    assert (own > 0.5).mean() > 0.9, "the heavy line goes all around"
    # outside of the casing of the own border
    near = shapely.buffer(focus.boundary, 8 * (copy.printed.window[2] - copy.printed.window[0]) / 300)
    others = [shapely.difference(shape.boundary, near) for k, shape in enumerate(scene.areas.geometries)]
    spots = [spot for k, line in enumerate(others) if k != copy.notice.index for spot in copy.border(_Line(line))]  # type: ignore[arg-type]
    if spots:
        seen = np.array([copy.toner[y - 8 : y + 9, x - 8 : x + 9].any() for y, x in spots])
        assert seen.mean() > 0.8, "other borders are there"
        # in a wider square a lighter line fills less; round a street there is no room for one
        reach = 0.4 if copy.notice.kind == "street" else 0.6
        own = copy.share(copy.border(focus), reach) if reach > 0.4 else own
        assert copy.share(spots, reach).mean() < 0.6 * own.mean(), "and lighter"


@dataclass(frozen=True)
class _Line:
    boundary: shapely.Geometry


def test_on_a_copy_the_heavy_border_is_black_and_the_fills_are_not() -> None:
    palette = Palette()

    def grey(colour: str) -> float:
        red, green, blue = (int(colour[k : k + 2], 16) for k in (1, 3, 5))
        return 0.299 * red + 0.587 * green + 0.114 * blue

    assert grey(palette.accent) < 100, "though it is drawn in colour"
    assert max(map(grey, (palette.grid_border, palette.block_border))) < 125
    assert min(map(grey, palette.fills)) > 140
