"""Photos of people, made fit for print: turned upright, cropped to a portrait, small, and without any hidden data."""

from __future__ import annotations

import hashlib
import io
import math
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from gridgeo.errors import InputError, Problem
from gridgeo.language import Message

if TYPE_CHECKING:
    from PIL import Image

WIDTH, HEIGHT = 360, 480
"""Pixels of a printed portrait at most, 3 by 4: 275 to the inch on the largest photo of an A3 notice."""
_DOTS_PER_INCH = 300
"""What print needs; more makes files larger and no photo better."""
_STEP = 24
"""Widths are multiples of this, so that photos of nearly one size share a file."""
MOST_PIXELS = 80_000_000
_HARDLY = 1.1
"""How many times as wide as it need be a photo may stay: made smaller it would lose sharpness for few bytes."""
_MIDDLE = (0.5, 0.35)
"""Where a portrait's middle is sought, as shares of the width and height of what is cropped."""

_UNREADABLE = Message(
    "the photo of {name} can't be read ({reason}); their initial stands in its place",
    "{name} 的照片无法读取（{reason}）；以姓氏代替",
)
_NO_PICTURE = Message(
    "it is no JPEG, PNG, WebP, GIF, BMP or TIFF file; save it as JPEG",
    "不是 JPEG、PNG、WebP、GIF、BMP 或 TIFF 文件；请另存为 JPEG",
)
_DAMAGED = Message("the file is damaged; save it anew", "文件已损坏；请重新保存")
_TOO_LARGE = Message(
    "{width} x {height} pixels are too many; save it smaller, or as JPEG",
    "{width} x {height} 像素过大；请缩小，或另存为 JPEG",
)
_OPENING = Lock()


class Photos:
    """Prepares each photo once, however many notices show it.

    Parameters
    ----------
    folder : Path
        Where the prepared photos are put.
    kept : dict, optional
        Takes and gives what has been prepared, by source and width: others that work on the same notices share it.
    """

    def __init__(self, folder: Path, kept: dict[tuple[Path, int], bytes] | None = None) -> None:
        self._folder = folder
        self._kept = {} if kept is None else kept
        self._done: dict[tuple[Path, int], str | None] = {}
        self.warnings: list[Problem] = []

    def prepared(self, source: Path | None, name: str, *, printed: float | None = None) -> str | None:
        """Return the file name of the prepared photo in the folder, or None without a readable one.

        Parameters
        ----------
        printed : float, optional
            How wide it will be on paper, in millimetres: no larger is it made then.
        """
        if source is None:
            return None
        width = WIDTH if printed is None else pixels_for(printed)
        if (source, width) not in self._done:
            content = self._kept.get((source, width))
            if content is None:
                content = readable_photo(source, name, self.warnings, width=width)
            if content is None:
                self._done[source, width] = None
            else:
                self._kept[source, width] = content
                file = hashlib.sha256(content).hexdigest()[:24] + ".jpg"
                (self._folder / file).write_bytes(content)
                self._done[source, width] = file
        return self._done[source, width]


def pixels_for(width: float) -> int:
    """Return the pixels across a photo that is printed ``width`` millimetres wide.

    Examples
    --------
    >>> pixels_for(11.0), pixels_for(20.0), pixels_for(60.0)
    (144, 240, 360)
    """
    return min(WIDTH, _STEP * math.ceil(width / 25.4 * _DOTS_PER_INCH / _STEP))


def readable_photo(source: Path, name: str, warnings: list[Problem], *, width: int = WIDTH) -> bytes | None:
    """Return the photo of ``name`` as `prepare_photo` does; None and a warning where it can't be read."""
    from PIL import UnidentifiedImageError

    try:
        return prepare_photo(source, width=width)
    except InputError as error:
        reason = replace(error.problems[0], where="").text()
    except UnidentifiedImageError:
        reason = _NO_PICTURE.text()
    except Exception as error:  # a broken picture can fail in any of Pillow's decoders, in its own way
        reason = getattr(error, "strerror", None) or _DAMAGED.text()
    warnings.append(Problem(str(source), _UNREADABLE, {"name": name, "reason": reason}))
    return None


def prepare_photo(source: Path, *, width: int = WIDTH) -> bytes:
    """Return the photo as a small JPEG portrait: upright, cropped 3 by 4 about the upper middle, no EXIF or place.

    It is ``width`` pixels wide, or a little more where it is so already, or less where the photo is smaller.

    Raises
    ------
    InputError
        When it has more pixels than can be taken into memory; of a JPEG, which is read at a part of its size, seldom.
    """
    from PIL import Image, ImageOps

    with _opened(source) as opened:
        size = opened.size
        opened.draft("RGB", (2 * width, 2 * round(width * HEIGHT / WIDTH)))
        if opened.width * opened.height > MOST_PIXELS:
            raise InputError(Problem(str(source), _TOO_LARGE, {"width": size[0], "height": size[1]}))
        upright = ImageOps.exif_transpose(opened)
        if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
            upright = upright.convert("RGBA")
            white = Image.new("RGBA", upright.size, "white")
            upright = Image.alpha_composite(white, upright)
        upright = _in_eight_bits(upright).convert("RGB")
        # a small photo is cropped, not blown up: that would add bytes and no detail
        most = max(1, round(min(upright.width, upright.height * WIDTH / HEIGHT)))
        # nor is one made smaller that is hardly larger than it need be
        width = most if most <= min(_HARDLY * width, WIDTH) else min(width, most)
        size = (width, max(1, round(width * HEIGHT / WIDTH)))
        # as sharp as a bicubic filter where pictures are made smaller; pixels of large ones are averaged before
        filtered = Image.Resampling.HAMMING
        portrait = upright.resize(size, filtered, box=_portrait_in(*upright.size), reducing_gap=1.0)
    bare = Image.new("RGB", portrait.size)
    bare.paste(portrait)
    out = io.BytesIO()
    bare.save(out, "JPEG", quality=86)
    return out.getvalue()


def _opened(source: Path) -> Image.Image:
    """Open a picture without Pillow's own bound on pixels: phones take larger photos, and ours is looked at later."""
    from PIL import Image

    with _OPENING:
        bound, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            return Image.open(source)
        finally:
            Image.MAX_IMAGE_PIXELS = bound


def _in_eight_bits(picture: Image.Image) -> Image.Image:
    """Return a picture of 16 bits as one of 8: Pillow would cut off all that is lighter than the darkest shades."""
    if not picture.mode.startswith("I"):
        return picture
    darker = picture.convert("I").point(lambda value: value * (1 / 256) + 0)
    return darker.convert("L")


def _portrait_in(width: int, height: int) -> tuple[float, float, float, float]:
    """Return what is shown of a photo: left, top, right, bottom of the largest 3 by 4 about its upper middle."""
    wide, high = min(width, height * WIDTH / HEIGHT), min(height, width * HEIGHT / WIDTH)
    left, top = (width - wide) * _MIDDLE[0], (height - high) * _MIDDLE[1]
    return left, top, left + wide, top + high
