"""A page of a finished PDF as it is read and as it is seen: its letters, where they stand, and the light on them.

Letters are read with pdfium. Letters that are further apart than the page is wide belong together where a text runs
over to another line, so texts are compared without blanks. The page is looked at coarsely first: averaging over a pixel
can only lower a contrast, so that what stands out there stands out. What doesn't is looked at more sharply.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

COARSE, SHARP = 2.0, 4.0
"""Pixels to a point of the A3 design at which a page is looked at: for most letters, and for the smallest."""
LEAST_CONTRAST = 3.0
"""Contrast of letters with their ground, as WCAG 2.2 counts it: 3 for large print, which on a wall all print is."""

Pixels = npt.NDArray[np.uint8]

_BLANKS = re.compile("[\\s\u200b]+")
_LINE_END_HYPHENS = dict.fromkeys((0x2, 0xFFFE), 0x2D)
"""What pdfium makes of a hyphen at the end of a line."""
_LEVELS = np.arange(256) / 255
_LINEAR = np.where(_LEVELS <= 0.04045, _LEVELS / 12.92, ((_LEVELS + 0.055) / 1.055) ** 2.4).astype(np.float32)
_SHARES = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Of red, green and blue in the relative luminance of a pixel (WCAG 2.2)."""


def squeezed(text: str) -> str:
    """Return a text without blanks."""
    return _BLANKS.sub("", text)


class PrintedPage:
    """One page of a PDF.

    Parameters
    ----------
    page : pypdfium2.PdfPage
    factor : float
        How many times as large as its design it is: what is read from afar may be larger.
    """

    def __init__(self, page: Any, factor: float = 1.0) -> None:
        self._page, self._factor = page, factor
        self.size = page.get_width(), page.get_height()
        """Width and height in points."""
        self._pixels: dict[float, Pixels] = {}
        self._contrasts: dict[int, float] = {}

    @cached_property
    def _letters(self) -> tuple[str, list[int]]:
        """Return the letters without blanks, and the place of each in pdfium's list."""
        import pypdfium2.raw as pdfium

        codes = [pdfium.FPDFText_GetUnicode(self._text_page, k) for k in range(self._text_page.count_chars())]
        units = np.array([_LINE_END_HYPHENS.get(code, code) for code in codes], np.uint32)
        # rare characters come as two units of UTF-16, of which the first has the box
        pairs = np.flatnonzero((units[:-1] >> 10 == 0xD800 >> 10) & (units[1:] >> 10 == 0xDC00 >> 10))
        units[pairs] = 0x10000 + ((units[pairs] & 0x3FF) << 10) + (units[pairs + 1] & 0x3FF)
        units[pairs + 1] = 0
        kept = [(chr(code), k) for k, code in enumerate(units.tolist()) if code and not _BLANKS.fullmatch(chr(code))]
        return "".join(letter for letter, _ in kept), [k for _, k in kept]

    @cached_property
    def _text_page(self) -> Any:
        return self._page.get_textpage()

    @property
    def text(self) -> str:
        """The letters of the page in order, without blanks."""
        return self._letters[0]

    def places_of(self, words: str) -> Iterator[list[int]]:
        """Yield every place where words stand, as numbers of letters."""
        wanted = squeezed(words)
        found = self.text.find(wanted)
        while wanted and found >= 0:
            yield self._letters[1][found : found + len(wanted)]
            found = self.text.find(wanted, found + len(wanted))

    def box_of(self, letter: int) -> tuple[float, float, float, float]:
        """Return left, bottom, right and top of a letter in points."""
        left, bottom, right, top = self._text_page.get_charbox(letter)
        return left, bottom, right, top

    def is_on_page(self, letter: int) -> bool:
        """Return whether a letter is within the page."""
        left, bottom, right, top = self.box_of(letter)
        return left >= -1 and bottom >= -1 and right <= self.size[0] + 1 and top <= self.size[1] + 1

    def has_body(self, letter: int) -> bool:
        """Return whether there is anything of a letter to be seen."""
        left, _, right, _ = self.box_of(letter)
        return right - left >= 0.5

    def pixels(self, sharpness: float = COARSE) -> Pixels:
        """Return the page as it looks, height x width x red, green, blue, with that many pixels to a point of A3."""
        if sharpness not in self._pixels:
            bitmap = self._page.render(scale=sharpness / self._factor, rev_byteorder=True)
            self._pixels[sharpness] = np.ascontiguousarray(bitmap.to_numpy()[:, :, :3])
        return self._pixels[sharpness]

    def within(self, letter: int, pixels: npt.NDArray[Any], beside: int = 1) -> tuple[slice, slice]:
        """Return the rows and columns of a letter in a picture of the page, with so many pixels around it."""
        scale = pixels.shape[0] / self.size[1]
        left, bottom, right, top = self.box_of(letter)
        rows = slice(
            max(0, int(scale * (self.size[1] - top)) - beside), int(scale * (self.size[1] - bottom)) + 1 + beside
        )
        return rows, slice(max(0, int(scale * left) - beside), int(scale * right) + 1 + beside)

    def contrast(self, letter: int) -> float:
        """Return the contrast of a letter with what is around it; infinite for one without a body."""
        if letter not in self._contrasts:
            seen = np.inf
            if self.has_body(letter):
                for sharpness in (COARSE, SHARP):
                    pixels = self.pixels(sharpness)
                    seen = contrast_of(pixels[self.within(letter, pixels)])
                    if seen >= LEAST_CONTRAST:
                        break
            self._contrasts[letter] = seen
        return self._contrasts[letter]


def contrast_of(pixels: Pixels) -> float:
    """Return the contrast of the lightest with the darkest pixel; 1 where there are none."""
    if not pixels.size:
        return 1.0
    light = _LINEAR[pixels] @ _SHARES
    return float((light.max() + 0.05) / (light.min() + 0.05))
