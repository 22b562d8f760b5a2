"""QR codes as SVG."""

from __future__ import annotations

import io
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from gridgeo.errors import InputError, Problem
from gridgeo.language import Message

if TYPE_CHECKING:
    import segno

_LONG_ADDRESS = Message(
    "the web address is too long for a QR code; give a shorter web in [notice]",
    "网址过长，无法生成二维码；请在 [notice] 中缩短 web",
)


def qr_code(address: str, place: str = "") -> str:
    """Return the QR code of an address as SVG; ``place`` names the block where the address is too long for one.

    Addresses that differ in digits only are drawn through the same mask, since judging all eight masks takes most of
    the time of a code. Readers need none in particular (ISO/IEC 18004, 7.8): the mask that leaves the fewest
    patterns which confuse them in one of these codes suits the others.

    Raises
    ------
    InputError
        When no code can hold the address.
    """
    out = io.BytesIO()
    try:
        code = _made(address, _mask(re.sub(r"\d", "0", address)))
    except ValueError:
        raise InputError(Problem(place, _LONG_ADDRESS)) from None
    code.save(out, kind="svg", border=0, xmldecl=False, nl=False, scale=4)
    return out.getvalue().decode()


@lru_cache(maxsize=256)
def _mask(address: str) -> int:
    """Return the mask that suits an address best."""
    return int(_made(address, None).mask)


def _made(address: str, mask: int | None) -> segno.QRCode:
    import segno

    return segno.make(address, error="m", micro=False, mask=mask)
