"""Colours of a map: fills told apart by neighbours in the tiling, and the fixed colours of everything else.

The fills are Paul Tol's "light" scheme, chosen because it stays distinct to colour-blind readers, with violet in the
place of its blue, which would be taken for water: no fill is nearer to another for that, to any reader. Colour is
never the only cue: every block is named, and its border is drawn.

A town may have colours of its own (`gridgeo.render.theme`): what is drawn within `used` takes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Palette:
    """Every colour of notices and maps, as ``#RRGGBB``."""

    accent: str = "#B0103C"
    """Border of the block in focus, and the one accent of the notice: a crimson near the magenta of official maps."""
    ink: str = "#1D2127"
    quiet_ink: str = "#4F5761"
    halo: str = "#FFFFFF"
    hairline: str = "#C3C7CC"
    tint: str = "#F5F2EC"
    accent_tint: str = "#F3DDE2"
    land: str = "#F6F3EC"
    green: str = "#D5E3C3"
    water: str = "#BFD9E8"
    water_edge: str = "#8FB6CC"
    water_ink: str = "#1F5673"
    building: str = "#D9D3C8"
    building_edge: str = "#BDB5A6"
    road_casing: str = "#A9A294"
    road: str = "#FFFFFF"
    main_road: str = "#FBE3A8"
    grid_border: str = "#6A5A6E"
    block_border: str = "#746A7A"
    fills: tuple[str, ...] = (
        "#9488DC",
        "#EEDD88",
        "#FFAABB",
        "#44BB99",
        "#EE8866",
        "#BBCC33",
        "#DDDDDD",
        "#AAAA00",
        "#99DDFF",
    )
    """Of blocks, in the order in which they are used: the first six are enough for nearly every town."""
    sections: tuple[str, ...] = ("#77AADD", "#EEDD88", "#44BB99", "#FFAABB", "#BBCC33", "#EE8866")
    """Of sections, those most alike on a photocopy far apart."""


USUAL = Palette()
"""The colours of a town that says nothing else."""
_current: ContextVar[Palette] = ContextVar("palette", default=USUAL)


@contextmanager
def used(palette: Palette) -> Iterator[None]:
    """Draw in the colours of a palette as long as the context lasts."""
    token = _current.set(palette)
    try:
        yield
    finally:
        _current.reset(token)


def __getattr__(name: str) -> str:
    """Return a colour of the palette in use by its name in capitals: ``colours.ACCENT``."""
    if name.isupper() and hasattr(USUAL, name.lower()):
        colour: str = getattr(_current.get(), name.lower())
        return colour
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def section_fills() -> tuple[str, ...]:
    """Return the fills of sections of the palette in use."""
    return _current.get().sections


def colour_by_adjacency(count: int, pairs: Iterable[tuple[int, int]]) -> list[int]:
    """Return a colour number for each of ``count`` areas, so that neighbours differ.

    The area with most colours around it is coloured first (DSATUR), ties by number of neighbours, then by index; among
    the colours that are free it takes the one used least so far, so that no colour rules the map.

    Examples
    --------
    >>> colour_by_adjacency(4, [(0, 1), (1, 2), (2, 0), (2, 3)])
    [1, 2, 0, 3]
    """
    neighbours: list[list[int]] = [[] for _ in range(count)]
    for one, other in sorted({(min(pair), max(pair)) for pair in pairs if pair[0] != pair[1]}):
        neighbours[one].append(other)
        neighbours[other].append(one)
    colour = [-1] * count
    around: list[set[int]] = [set() for _ in range(count)]
    used = [0] * 6
    import heapq

    queue = [(0, -len(neighbours[k]), k) for k in range(count)]
    heapq.heapify(queue)
    while queue:
        saturation, _, k = heapq.heappop(queue)
        if colour[k] >= 0 or -saturation != len(around[k]):
            continue
        free = [c for c in range(len(used)) if c not in around[k]]
        if not free:
            free, used = [len(used)], [*used, 0]
        best = min(free, key=lambda c: (used[c], c))
        colour[k] = best
        used[best] += 1
        for other in neighbours[k]:
            if colour[other] < 0 and best not in around[other]:
                around[other].add(best)
                heapq.heappush(queue, (-len(around[other]), -len(neighbours[other]), other))
    return colour


def fill_of(number: int) -> str:
    """Return the fill of a colour number; numbers beyond the palette begin again."""
    fills = _current.get().fills
    return fills[number % len(fills)]


@lru_cache(maxsize=1024)
def mixed(colour: str, other: str, share: float) -> str:
    """Return ``colour`` with ``share`` (0 to 1) of ``other`` stirred in.

    Examples
    --------
    >>> mixed("#000000", "#FFFFFF", 0.5)
    '#808080'
    """
    parts = zip(_channels(colour), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02X}" for a, b in parts)


def contrast(colour: str, other: str) -> float:
    """Return the WCAG contrast ratio of two colours, 1 to 21."""
    light, dark = sorted((_luminance(colour), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    share: npt.NDArray[np.float64] = np.array(_channels(colour)) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def _channels(colour: str) -> Sequence[int]:
    return [int(colour[k : k + 2], 16) for k in (1, 3, 5)]
