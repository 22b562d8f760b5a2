"""QR codes can be read, whatever mask they are drawn through."""

from __future__ import annotations

import re

import pytest
import segno

from gridgeo.errors import InputError
from gridgeo.render.qr import qr_code


def dark_modules(drawing: str) -> set[tuple[int, int]]:
    """Return column and row of each dark module of a drawing of level strokes."""
    found, x, y = set(), 0.0, -0.5
    data = re.search(r' d="([^"]*)"', drawing)
    assert data is not None
    for kind, first, second, length in re.findall(r"([Mm])(-?[\d.]+) (-?[\d.]+)h(\d+)", data[1]):
        x, y = (float(first), float(second)) if kind == "M" else (x + float(first), y + float(second))
        found |= {(round(x) + k, int(y)) for k in range(int(length))}
        x += int(length)
    return found


def test_addresses_that_differ_in_digits_share_a_mask_and_are_codes_of_their_own() -> None:
    codes = [f"https://example.org/town/3101129990{k:05d}.html" for k in range(0, 90_000, 9_973)]
    made = [qr_code(address) for address in codes]
    assert len(set(made)) == len(codes)
    masks = set()
    for address, drawing in zip(codes, made, strict=True):
        dark = dark_modules(drawing)
        same = [
            mask
            for mask in range(8)
            if dark
            == {
                (x, y)
                for y, row in enumerate(segno.make(address, error="m", micro=False, mask=mask).matrix)
                for x, module in enumerate(row)
                if module
            }
        ]
        assert len(same) == 1
        masks |= set(same)
    assert len(masks) == 1


def test_an_address_that_no_code_holds_is_refused() -> None:
    with pytest.raises(InputError, match="QR"):
        qr_code("https://example.org/" + "a" * 5000, "block 1")
