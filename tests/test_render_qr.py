"""QR codes are those that segno makes, to the byte."""

from __future__ import annotations

import io
import random
import string

import pytest
import segno

from gridgeo.errors import InputError
from gridgeo.render.qr import qr_code


def by_segno(address: str) -> str:
    out = io.BytesIO()
    code = segno.make(address, error="m", micro=False)
    code.save(out, kind="svg", border=0, xmldecl=False, nl=False, scale=4)
    return out.getvalue().decode()


@pytest.mark.parametrize("length", [1, 9, 18, 22, 25, 26, 30, 38, 46, 60, 75, 90, 118, 160, 250, 600, 1500])
def test_a_code_is_the_one_that_segno_would_choose(length: int) -> None:
    rng = random.Random(length)
    characters = string.ascii_lowercase + string.digits + "/.-"
    for _ in range(3 if length < 200 else 1):
        address = "https://" + "".join(rng.choices(characters, k=length))
        assert qr_code(address) == by_segno(address)


def test_the_largest_codes_are_laid_out_right_too() -> None:
    assert qr_code("https://example.org/" + "a" * 1680) == by_segno("https://example.org/" + "a" * 1680)


def test_an_address_that_no_code_holds_is_refused() -> None:
    with pytest.raises(InputError, match="QR"):
        qr_code("https://example.org/" + "a" * 5000, "block 1")
