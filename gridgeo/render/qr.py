"""QR codes as SVG."""

from __future__ import annotations

import io

from gridgeo.errors import InputError, Problem
from gridgeo.language import Message

_LONG_ADDRESS = Message(
    "the web address is too long for a QR code; give a shorter web in [notice]",
    "网址过长，无法生成二维码；请在 [notice] 中缩短 web",
)


def qr_code(address: str, place: str = "") -> str:
    """Return the QR code of an address as SVG; ``place`` names the block where the address is too long for one.

    Raises
    ------
    InputError
        When no code can hold the address.
    """
    import segno

    out = io.BytesIO()
    try:
        code = segno.make(address, error="m", micro=False)
    except ValueError:
        raise InputError(Problem(place, _LONG_ADDRESS)) from None
    code.save(out, kind="svg", border=0, xmldecl=False, nl=False, scale=4)
    return out.getvalue().decode()
