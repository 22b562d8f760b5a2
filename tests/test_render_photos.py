"""Photos of every sort that people send: what can be read is shown right, of the rest it is said what to do."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gridgeo.errors import Problem
from gridgeo.language import use_language
from gridgeo.render.photos import prepare_photo, readable_photo


def prepared(path: Path) -> Image.Image:
    return Image.open(io.BytesIO(prepare_photo(path)))


def said_of(path: Path) -> str:
    told: list[Problem] = []
    assert readable_photo(path, "张三", told) is None
    return told[0].text("en")


def test_a_jpeg_with_more_pixels_than_pillow_likes_is_read_without_a_word(tmp_path: Path) -> None:
    path = tmp_path / "phone.jpg"
    Image.new("L", (9_600, 9_600), 90).save(path, quality=30)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert prepared(path).size == (360, 480)
    assert Image.MAX_IMAGE_PIXELS is not None


def test_other_pictures_with_too_many_pixels_are_refused_in_plain_words(tmp_path: Path) -> None:
    path = tmp_path / "scan.png"
    Image.new("1", (10_000, 9_000)).save(path)
    assert "10000 x 9000 pixels are too many; save it smaller, or as JPEG" in said_of(path)


def test_shades_of_sixteen_bits_are_kept(tmp_path: Path) -> None:
    ramp = np.tile(np.linspace(0, 65_535, 300), (400, 1)).astype(np.uint16)
    Image.fromarray(ramp).save(tmp_path / "grey.png")
    row = np.asarray(prepared(tmp_path / "grey.png").convert("L"))[200].astype(int)
    assert row[0] < 10
    assert row[-1] > 245
    assert abs(row[len(row) // 2] - 128) < 6


@pytest.mark.parametrize("content", [b"", b"hello", b"<svg/>", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"])
def test_what_is_no_picture_is_called_so(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    assert "it is no JPEG, PNG, WebP, GIF, BMP or TIFF file; save it as JPEG" in said_of(path)


def test_a_damaged_picture_is_called_so_in_either_language(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    noise = np.random.default_rng(0).integers(0, 255, (400, 300, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:9_000])
    assert "the file is damaged; save it anew" in said_of(path)
    told: list[Problem] = []
    with use_language("zh"):
        readable_photo(path, "张三", told)
    assert "文件已损坏" in told[0].text("zh")
