"""Sheets: the sizes on which notices are made, and how the parts of a notice are arranged on them.

A notice is designed once, on A3, and printed larger or smaller as a whole: a board of 84 x 119 cm is read from as much
farther away as it is larger than A3. So a sheet has two sizes: that of its design, and that of the paper.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PaperName = Literal["A4", "A3", "A2", "A1", "A0"]
Orientation = Literal["portrait", "landscape"]

PAPERS: dict[PaperName, tuple[float, float]] = {
    "A4": (210.0, 297.0),
    "A3": (297.0, 420.0),
    "A2": (420.0, 594.0),
    "A1": (594.0, 841.0),
    "A0": (841.0, 1189.0),
}
"""Width and height in millimetres, upright (ISO 216)."""

ORIENTATIONS: tuple[Orientation, ...] = ("portrait", "landscape")

BETWEEN = 8.0
"""Millimetres between the map and what stands beside it."""
_TALL_MAP = 130.0
_LANDSCAPE_MAP, _BROAD_MAP = 174.0, 206.0


@dataclass(frozen=True)
class Sheet:
    """A sheet as it is designed, in millimetres, and how it is put on paper.

    Parameters
    ----------
    width, height : float
        Of the design. The height is 0 for a picture that is as long as it needs to be.
    margin, top, bottom : float
        Left and right, upper and lower margin.
    landscape_map : float
        Width of the map where all else stands beside it; 0 where the map is as wide as the sheet.
    broad_map : float
        Width of that map where little stands beside it.
    tall_map : float
        Width of the map of a tall block, with the people beside it; 0 where there is no room for that.
    paper : tuple of float
        Width and height of the paper.
    """

    width: float
    height: float
    margin: float
    top: float
    bottom: float
    landscape_map: float
    broad_map: float
    tall_map: float
    paper: tuple[float, float]

    @property
    def is_picture(self) -> bool:
        """Whether it is a picture for screens: no paper limits its height."""
        return self.height == 0

    @property
    def inner_width(self) -> float:
        """Width between the margins."""
        return self.width - 2 * self.margin

    @property
    def inner_height(self) -> float:
        """Height between the margins."""
        return self.height - self.top - self.bottom

    @property
    def factor(self) -> float:
        """How many times as large as its design the sheet is on paper."""
        return min(self.paper[0] / self.width, self.paper[1] / self.height if self.height else 1.0)


def sheet_of(name: str) -> Sheet:
    """Return the sheet of that name: ``A3``, ``A0-landscape``, `PICTURE_NAME`."""
    paper, _, turned = name.partition("-")
    known = next((known for known in PAPERS if known == paper), None)
    if known is None:
        return PICTURE
    return sheet(known, "landscape" if turned else "portrait")


def sheet(paper: PaperName = "A3", orientation: Orientation = "portrait") -> Sheet:
    """Return the sheet of a size of paper.

    Examples
    --------
    >>> board = sheet("A0", "landscape")
    >>> board.paper, round(board.factor, 2)
    ((1189.0, 841.0), 2.83)
    """
    width, height = PAPERS["A3"]
    upright = PAPERS[paper]
    if orientation == "landscape":
        return Sheet(height, width, 15.0, 12.0, 9.0, _LANDSCAPE_MAP, _BROAD_MAP, 0.0, (upright[1], upright[0]))
    return Sheet(width, height, 15.0, 14.0, 11.0, 0.0, 0.0, _TALL_MAP, upright)


PICTURE = Sheet(150.0, 0.0, 8.0, 9.0, 9.0, 0.0, 0.0, 0.0, (150.0, 0.0))
"""A long picture for the screen of a phone."""
PICTURE_NAME = "picture"
PICTURE_PIXELS = 1080
"""Width of the picture."""
