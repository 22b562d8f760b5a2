"""Writing SVG: shapes in hundredths of a millimetre as whole numbers, text as text, everything from outside escaped.

Equal coordinates give equal numbers, so shared borders stay shared in the drawing: no seam opens between neighbours.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from functools import lru_cache
from xml.sax.saxutils import quoteattr

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.render.fonts import POINT, SANS
from gridgeo.render.labels import Label

_LINE, _RING, _POLYGON = 1, 2, 3
"""GEOS's numbers for kinds of geometry; those beyond are collections."""

NOTHING_DRAWN = '<svg xmlns="http://www.w3.org/2000/svg" width="1mm" height="1mm" viewBox="0 0 1 1"/>'
"""What stands for a drawing while a page is only measured."""

_BROAD_HALO = 0.6
"""Millimetres from which on one sees whether the corners of a halo are round; that takes Typst a good while longer."""

UNIT = 100
"""Units of the drawing in a millimetre."""


def number(length: float) -> str:
    """Return a length in millimetres in the drawing's units.

    Examples
    --------
    >>> number(1.25), number(0.125)
    ('125', '12.5')
    """
    return f"{length * UNIT:.1f}".removesuffix(".0")


def escape(text: str) -> str:
    """Return ``text`` for the inside of an element."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def path_data(geometries: Iterable[shapely.Geometry]) -> str:
    """Return the path of lines and polygons given in millimetres on the page."""
    return paths_data([geometries])[0]


def paths_data(groups: Iterable[Iterable[shapely.Geometry]]) -> list[str]:
    """Return a path for each group of lines and polygons; many groups take hardly longer than one."""
    listed = [list(group) for group in groups]
    geometries = [shape for group in listed for shape in group]
    if not geometries:
        return [""] * len(listed)
    group = np.repeat(np.arange(len(listed)), [len(shapes) for shapes in listed])
    lines, closed, owner = _lines(geometries)
    points, line = shapely.get_coordinates(lines, return_index=True)
    if not len(points):
        return [""] * len(listed)
    units = np.rint(points * UNIT).astype(np.int64)
    begins = np.empty(len(line), dtype=bool)
    begins[0] = True
    np.not_equal(line[1:], line[:-1], out=begins[1:])
    ends = np.append(begins[1:], True)
    # the last point of a ring is its first; equal points in a row are one
    kept = ~(ends & closed[line])
    kept[1:] &= begins[1:] | (units[1:, 0] != units[:-1, 0]) | (units[1:, 1] != units[:-1, 1])
    numbers = list(map(str, units[kept].ravel().tolist()))
    drawn = line[ends]
    edges = [0, *(2 * np.cumsum(kept)[ends]).tolist()]
    shut = ["Z" if ring else "" for ring in closed[drawn].tolist()]
    paths = [f"M{' '.join(numbers[a:b])}{z}" for (a, b), z in zip(itertools.pairwise(edges), shut, strict=True)]
    limits = np.searchsorted(group[owner[drawn]], np.arange(len(listed) + 1)).tolist()
    return ["".join(paths[a:b]) for a, b in itertools.pairwise(limits)]


def _lines(
    geometries: list[shapely.Geometry],
) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    """Return the lines and rings of ``geometries``, in their order, which of them are closed, and whose each is."""
    parts = np.empty(len(geometries), dtype=object)
    parts[:] = geometries
    owner = np.arange(len(parts))
    while (kinds := shapely.get_type_id(parts)).max(initial=0) > _POLYGON:
        parts, index = shapely.get_parts(parts, return_index=True)
        owner = owner[index]
    is_area, is_line = kinds == _POLYGON, (kinds == _LINE) | (kinds == _RING)
    if is_line.all():
        return parts, np.zeros(len(parts), bool), owner
    rings, index = shapely.get_rings(parts[is_area], return_index=True)
    if is_area.all():
        return rings, np.ones(len(rings), bool), owner[index]
    places = np.concatenate([np.flatnonzero(is_area)[index], np.flatnonzero(is_line)])
    order = np.argsort(places, kind="stable")
    lines: npt.NDArray[np.object_] = np.concatenate([rings, parts[is_line]])[order]
    return lines, order < len(rings), owner[places[order]]


def outline(points: Iterable[tuple[float, float]]) -> str:
    """Return the path of a polygon through plain points, in millimetres.

    Examples
    --------
    >>> outline([(0, 0), (1, 0), (1, 2)])
    'M0 0 100 0 100 200Z'
    """
    return f"M{' '.join(f'{round(x * UNIT)} {round(y * UNIT)}' for x, y in points)}Z"


def rectangle(left: float, top: float, right: float, bottom: float) -> str:
    """Return the path of a rectangle, in millimetres."""
    return outline(((right, top), (right, bottom), (left, bottom), (left, top)))


def path(geometries: Iterable[shapely.Geometry], **style: object) -> str:
    """Return one path element; style keys are attributes with ``_`` for ``-``. Empty geometry gives nothing.

    Examples
    --------
    >>> path([shapely.box(0, 0, 1, 2)], fill="#FFFFFF", stroke_width=number(0.2))
    '<path d="M100 0 100 200 0 200 0 0Z" fill="#FFFFFF" stroke-width="20"/>'
    """
    return traced(path_data(geometries), **style)


def traced(data: str, **style: object) -> str:
    """Return one path element of what `path_data` gave: for shapes that are drawn more than once."""
    return f'<path d="{data}"{attributes(**style)}/>' if data else ""


def attributes(**style: object) -> str:
    """Return attributes, each with a blank before it."""
    return "".join(_attribute(key, str(value)) for key, value in style.items())


@lru_cache(maxsize=4096)
def _attribute(key: str, value: str) -> str:
    return f" {key.replace('_', '-')}={quoteattr(value)}"


def label(placed: Label, *, fill: str, halo: str | None = None, halo_width: float = 0.55) -> str:
    """Return a placed name: once as text, with its halo painted under the letters, so that it is found once."""
    style = attributes(fill=fill, font_size=number(placed.size * POINT))
    if halo is not None:
        join = "bevel" if halo_width < _BROAD_HALO else "round"
        style += attributes(
            stroke=halo, stroke_width=number(2 * halo_width), stroke_linejoin=join, paint_order="stroke"
        )
    elements = []
    for run in placed.runs:
        x, y = " ".join(map(number, run.x)), " ".join(map(number, run.y))
        turned = f' rotate="{" ".join(f"{a:.1f}" for a in run.angle)}"' if any(run.angle) else ""
        elements.append(f'<text x="{x}" y="{y}"{turned}>{escape(run.text)}</text>')
    return f"<g{style}>{''.join(elements)}</g>"


def text(words: str, x: float, y: float, size: float, *, fill: str, anchor: str = "start") -> str:
    """Return a line of text at (x, y) in millimetres, size in points."""
    style = attributes(font_size=number(size * POINT), fill=fill)
    anchored = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text x="{number(x)}" y="{number(y)}"{style}{anchored}>{escape(words)}</text>'


def document(width: float, height: float, content: Iterable[str], *, definitions: str = "") -> str:
    """Return a whole drawing of that size in millimetres, in the one font family."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}mm" height="{height:g}mm"'
        f' viewBox="0 0 {number(width)} {number(height)}" font-family="{SANS}" stroke-linejoin="round">'
        f"{f'<defs>{definitions}</defs>' if definitions else ''}{''.join(content)}</svg>"
    )
