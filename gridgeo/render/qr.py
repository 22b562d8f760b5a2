"""QR codes as SVG.

Theory. ISO/IEC 18004, 7.8: the data of a code is drawn through that of eight masks which gives the fewest patterns that
confuse a reader: long runs of one colour, blocks of it, what looks like a finder, too much black or white.

Cost. Most of the time that segno takes for a code goes into judging the masks, module by module. Here it makes the code
with the first mask; the others come of that by exchanging one mask for another, and numpy judges all of them at once.
What comes out is the same.
"""

from __future__ import annotations

import itertools
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from gridgeo.errors import InputError, Problem
from gridgeo.language import Message

Modules = npt.NDArray[np.uint8]

_LONG_ADDRESS = Message(
    "the web address is too long for a QR code; give a shorter web in [notice]",
    "网址过长，无法生成二维码；请在 [notice] 中缩短 web",
)
_SCALE = 4
"""Units of the drawing in a module."""
_WITH_VERSION = 45
"""Modules across a code of version 7, the first that says its version."""
_RUN_POINTS, _BLOCK_POINTS, _FINDER_POINTS, _SHARE_POINTS = 2, 3, 40, 10
"""For what a mask should not leave: a run of five modules beside one for each, a block of four, a finder's likeness,
and each twentieth by which dark and light are uneven."""
_FINDER = bytes((1, 0, 1, 1, 1, 0, 1))


def qr_code(address: str, place: str = "") -> str:
    """Return the QR code of an address as SVG; ``place`` names the block where the address is too long for one.

    Raises
    ------
    InputError
        When no code can hold the address.
    """
    try:
        code = _made(address, 0)
    except ValueError:
        raise InputError(Problem(place, _LONG_ADDRESS)) from None
    size = len(code.matrix)
    modules = np.frombuffer(b"".join(code.matrix), np.uint8).reshape(size, size)
    masks, data, marks = _masks(size), _data(code.version, size), _marks(size)
    drawn = np.where(data, modules ^ masks[0] ^ masks, modules)
    # a mask is judged before the code says which it is
    judged = np.where(marks, np.uint8(0), drawn)
    best = int(np.argmin(_points(judged)))
    chosen = drawn[best]
    chosen[marks] = _said(address, code.version, code.error, best)
    return _svg(chosen)


def _made(address: str, mask: int) -> Any:
    import segno

    return segno.make(address, error="m", micro=False, mask=mask)


_known: dict[tuple[int, str, int], Modules] = {}


def _said(address: str, version: int, error: str, mask: int) -> Modules:
    """Return the modules that say which mask a code has, how well it bears errors, and how large it is."""
    key = (version, error, mask)
    if key not in _known:
        matrix = _made(address, mask).matrix
        _known[key] = np.frombuffer(b"".join(matrix), np.uint8).reshape(len(matrix), -1)[_marks(len(matrix))]
    return _known[key]


@lru_cache(maxsize=40)
def _masks(size: int) -> Modules:
    """Return the eight masks of ISO/IEC 18004, table 10."""
    i, j = np.mgrid[:size, :size]
    product, both = i * j, i + j
    conditions = (
        both % 2,
        i % 2,
        j % 3,
        both % 3,
        (i // 2 + j // 3) % 2,
        product % 2 + product % 3,
        (product % 2 + product % 3) % 2,
        (both % 2 + product % 3) % 2,
    )
    return np.stack([condition == 0 for condition in conditions]).astype(np.uint8)


@lru_cache(maxsize=40)
def _marks(size: int) -> npt.NDArray[np.bool_]:
    """Return where a code says how it is made: its format and, from version 7 on, its version."""
    marks = np.zeros((size, size), dtype=bool)
    marks[8, :9] = marks[:9, 8] = marks[8, -8:] = marks[-8:, 8] = True
    marks[6, 8] = marks[8, 6] = False  # which belong to the timing pattern
    if size >= _WITH_VERSION:
        marks[:6, -11:-8] = marks[-11:-8, :6] = True
    return marks


@lru_cache(maxsize=40)
def _data(version: int, size: int) -> npt.NDArray[np.bool_]:
    """Return where the data of a code stands: on none of its marks and patterns."""
    free = ~_marks(size)
    free[6] = free[:, 6] = False
    free[:9, :9] = free[:9, -8:] = free[-8:, :9] = False
    if version > 1:
        # the middles of the alignment patterns, evenly spaced from the far side; ISO/IEC 18004, annex E
        count = version // 7 + 2
        step = 26 if version == 32 else (version * 8 + count * 3 + 5) // (count * 4 - 4) * 2
        middles = [6, *(size - 7 - k * step for k in range(count - 1))]
        corners = {(6, 6), (6, size - 7), (size - 7, 6)}
        for i, j in itertools.product(middles, middles):
            if (i, j) not in corners:
                free[i - 2 : i + 3, j - 2 : j + 3] = False
    return free


def _points(codes: Modules) -> npt.NDArray[np.int64]:
    """Return the penalty points of each code: ISO/IEC 18004, 7.8.3.1."""
    size = codes.shape[1]
    ways = np.stack([codes, codes.swapaxes(1, 2)], axis=1)
    same = ways[..., 1:] == ways[..., :-1]
    run = same[..., :-3] & same[..., 1:-2] & same[..., 2:-1] & same[..., 3:]
    begins = run.copy()
    begins[..., 1:] &= ~run[..., :-1]
    runs = run.sum(axis=(1, 2, 3)) + _RUN_POINTS * begins.sum(axis=(1, 2, 3))
    across, down = same[:, 0], same[:, 1].swapaxes(1, 2)
    blocks = _BLOCK_POINTS * (across[:, 1:] & across[:, :-1] & down[:, :, 1:]).sum(axis=(1, 2))
    finders = _FINDER_POINTS * np.array([sum(map(_finders, map(bytes, each.reshape(-1, size)))) for each in ways])
    dark = codes.sum(axis=(1, 2), dtype=np.int64) / size**2
    shares = _SHARE_POINTS * (np.abs(dark * 100 - 50) / 5).astype(np.int64)
    found: npt.NDArray[np.int64] = runs + blocks + finders + shares
    return found


def _finders(row: bytes) -> int:
    """Return how often a row or column looks like a finder, with light modules before or behind it."""
    found, place = 0, row.find(_FINDER)
    while place >= 0:
        end = place + len(_FINDER)
        at_edge = place == 0 or end == len(row)
        counts = at_edge or not any(row[max(place - 4, 0) : place]) or not any(row[end : end + 4])
        found += counts
        place = row.find(_FINDER, end if counts else place + 4)
    return found


def _svg(code: Modules) -> str:
    """Return a code as one path of level strokes."""
    size = len(code)
    edges = np.diff(code.astype(np.int8), prepend=0, append=0, axis=1)
    rows, starts = np.nonzero(edges == 1)
    _, ends = np.nonzero(edges == -1)
    drawn: list[str] = []
    x, y = 0, 0
    for row, start, end in zip(rows.tolist(), starts.tolist(), ends.tolist(), strict=True):
        drawn.append(f"m{start - x} {row - y}h{end - start}" if drawn else f"M{start} {row}.5h{end - start}")
        x, y = end, row
    side = size * _SCALE
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{side}" height="{side}" class="segno"><path'
        f' transform="scale({_SCALE})" class="qrline" stroke="#000" d="{"".join(drawn)}"/></svg>'
    )
