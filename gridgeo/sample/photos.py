"""Portraits of invented people: flat, friendly drawings, each different, none of a real person."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageDraw

WIDTH, HEIGHT = 300, 400
_OVERSAMPLING = 2

_BACKDROPS = ("#cfe3ec", "#d9e6d2", "#efe3cd", "#e3dcec", "#f0d9d3", "#d4e4e0", "#e9e6d6")
_SKINS = ("#f6d3b3", "#f1c7a1", "#e9b98d", "#f8dcc2", "#deaa7d")
_HAIRS = ("#2b2523", "#3a2f2a", "#1f1d20", "#4a3a31", "#8f8b88", "#c9c5c0")
_SHIRTS = ("#ffffff", "#dfe9f3", "#c9daea", "#f3eee2", "#dcebdc")
_JACKETS = ("#2f4d6b", "#3e5a4c", "#5b4a63", "#6b4a3c", "#44536a", "#7a3b3f", "#2d6270")


def draw_portrait(number: int, *, seed: int = 0) -> bytes:
    """Draw one portrait, 300 x 400 pixels, as PNG.

    Parameters
    ----------
    number : int
        Which of the portraits.
    seed : int
        The town's seed.
    """
    rng = np.random.default_rng([seed, number, 77])

    def pick(choices: tuple[str, ...]) -> str:
        return choices[int(rng.integers(len(choices)))]

    scale = _OVERSAMPLING
    image = Image.new("RGB", (WIDTH * scale, HEIGHT * scale), pick(_BACKDROPS))
    draw = ImageDraw.Draw(image)

    def ellipse(x: float, y: float, rx: float, ry: float, colour: str) -> None:
        draw.ellipse([(x - rx) * scale, (y - ry) * scale, (x + rx) * scale, (y + ry) * scale], fill=colour)

    def polygon(points: list[tuple[float, float]], colour: str) -> None:
        draw.polygon([(x * scale, y * scale) for x, y in points], fill=colour)

    def arc(x: float, y: float, rx: float, ry: float, begin: float, end: float, colour: str, width: float) -> None:
        box = [(x - rx) * scale, (y - ry) * scale, (x + rx) * scale, (y + ry) * scale]
        draw.arc(box, begin, end, fill=colour, width=round(width * scale))

    skin, hair, jacket, shirt = pick(_SKINS), pick(_HAIRS), pick(_JACKETS), pick(_SHIRTS)
    woman = rng.random() < 0.5
    face_width, face_height = rng.uniform(60, 70), rng.uniform(74, 84)
    x, y = 150.0, 190.0
    ellipse(150, 98 + 20, 210, 210, _lighter(image.getpixel((0, 0))))
    long_hair = woman and rng.random() < 0.55
    if long_hair:
        ellipse(x, y + 18, face_width + 24, face_height + 46, hair)
    # shoulders, collar, neck
    shoulder = rng.uniform(112, 126)
    ellipse(150, 420, shoulder, 128, jacket)
    polygon([(118, 290), (182, 290), (196, 330), (150, 400), (104, 330)], shirt)
    polygon([(126, 240), (174, 240), (178, 300), (150, 330), (122, 300)], _darker(skin))
    polygon([(122, 292), (150, 328), (128, 352), (98, 306)], _darker(shirt, 0.94))
    polygon([(178, 292), (150, 328), (172, 352), (202, 306)], _darker(shirt, 0.94))
    if not woman and rng.random() < 0.5:
        tie = pick(("#9c3d3d", "#35506e", "#4c6b4f"))
        polygon([(142, 332), (158, 332), (163, 344), (150, 400), (137, 344)], tie)
    # ears, face
    for side in (-1, 1):
        ellipse(x + side * face_width, y + 8, 11, 16, _darker(skin, 0.95))
    ellipse(x, y, face_width, face_height, skin)
    # hair: a cap over the upper part of the head, cut by a fringe
    top = Image.new("L", image.size, 0)
    cap = ImageDraw.Draw(top)
    grown = 9 if woman else 6
    cap.ellipse(
        [(x - face_width - grown) * scale, (y - face_height - 16) * scale,
         (x + face_width + grown) * scale, (y + face_height * 0.72) * scale], fill=255)  # fmt: skip
    shift = rng.uniform(-26, 26)
    line = y - face_height * rng.uniform(0.34, 0.5)
    cap.ellipse(
        [(x - face_width * 0.96 + shift * 0.4) * scale, line * scale,
         (x + face_width * 0.96 + shift * 0.4) * scale, (y + face_height * 1.6) * scale], fill=0)  # fmt: skip
    image.paste(hair, (0, 0), top)
    if woman and not long_hair and rng.random() < 0.5:
        ellipse(x, y - face_height - 20, 26, 22, hair)
    # brows, eyes, nose, mouth
    brow = _darker(hair, 0.9) if hair not in _HAIRS[4:] else "#77706b"
    apart = face_width * 0.44
    for side in (-1, 1):
        arc(x + side * apart, y - 2, 15, 10, 205, 335, brow, 4.0 if not woman else 2.8)
        ellipse(x + side * apart, y + 10, 5.6, 6.4, "#2c2622")
        ellipse(x + side * apart + 1.8, y + 8, 1.7, 1.7, "#ffffff")
        ellipse(x + side * face_width * 0.58, y + 34, 12, 7, _blend(skin, "#ec8f7b", 0.32))
    arc(x, y + 22, 7, 9, 20, 160, _darker(skin, 0.8), 2.4)
    smile = rng.uniform(17, 23)
    arc(x, y + 34, smile, 15, 25, 155, "#b0564e", 4.2)
    if rng.random() < 0.3:
        frame = pick(("#3a3a3f", "#6b4f3a"))
        for side in (-1, 1):
            arc(x + side * apart, y + 10, 19, 17, 0, 360, frame, 3.0)
        arc(x, y + 10, 9, 6, 200, 340, frame, 3.0)
    # a red badge, as grid staff wear
    ellipse(214, 366, 9, 9, "#d0453f")
    small = image.reduce(_OVERSAMPLING).quantize(64, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    out = io.BytesIO()
    small.save(out, "PNG", compress_level=6)
    return out.getvalue()


def _channels(colour: object) -> tuple[int, int, int]:
    if isinstance(colour, str):
        return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
    assert isinstance(colour, tuple)
    return int(colour[0]), int(colour[1]), int(colour[2])


def _blend(colour: object, other: object, share: float) -> str:
    mixed = [round(a * (1 - share) + b * share) for a, b in zip(_channels(colour), _channels(other), strict=True)]
    return "#{:02x}{:02x}{:02x}".format(*mixed)


def _lighter(colour: object) -> str:
    return _blend(colour, "#ffffff", 0.35)


def _darker(colour: object, share: float = 0.88) -> str:
    return _blend("#000000", colour, share)
