"""Writing SVG: shapes in hundredths of a millimetre as whole numbers, text as text, everything from outside escaped.

Equal coordinates give equal numbers, so shared borders stay shared in the drawing: no seam opens between neighbours.
"""

from __future__ import annotations

from collections.abc import Iterable
from xml.sax.saxutils import quoteattr

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.render.fonts import POINT, SANS
from gridgeo.render.labels import Label

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
    pieces: list[str] = []
    for geometry in geometries:
        for part in shapely.get_parts(geometry).tolist():
            if part.is_empty:
                continue
            if part.geom_type == "Polygon":
                pieces.append(_ring(part.exterior))
                pieces.extend(_ring(ring) for ring in part.interiors)
            elif part.geom_type in ("LineString", "LinearRing"):
                pieces.append(_line(shapely.get_coordinates(part)))
            elif part.geom_type in ("MultiPolygon", "MultiLineString", "GeometryCollection"):
                pieces.append(path_data([part]))
    return "".join(pieces)


def _whole(points: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    units: npt.NDArray[np.int64] = np.rint(points * UNIT).astype(np.int64)
    keep = np.concatenate([[True], (np.diff(units, axis=0) != 0).any(axis=1)])
    kept: npt.NDArray[np.int64] = units[keep]
    return kept


def _line(points: npt.NDArray[np.float64]) -> str:
    return "M" + " ".join(map(str, _whole(points).ravel().tolist()))


def _ring(ring: shapely.LinearRing) -> str:
    return "M" + " ".join(map(str, _whole(shapely.get_coordinates(ring)[:-1]).ravel().tolist())) + "Z"


def path(geometries: Iterable[shapely.Geometry], **style: object) -> str:
    """Return one path element; style keys are attributes with ``_`` for ``-``. Empty geometry gives nothing.

    Examples
    --------
    >>> path([shapely.box(0, 0, 1, 2)], fill="#FFFFFF", stroke_width=number(0.2))
    '<path d="M100 0 100 200 0 200 0 0Z" fill="#FFFFFF" stroke-width="20"/>'
    """
    data = path_data(geometries)
    return f'<path d="{data}"{attributes(**style)}/>' if data else ""


def attributes(**style: object) -> str:
    """Return attributes, each with a blank before it."""
    return "".join(f" {key.replace('_', '-')}={quoteattr(str(value))}" for key, value in style.items())


def label(placed: Label, *, fill: str, halo: str | None = None, halo_width: float = 0.55) -> str:
    """Return a placed name: once as text, with its halo painted under the letters, so that it is found once."""
    style = attributes(fill=fill, font_size=number(placed.size * POINT))
    if halo is not None:
        style += attributes(
            stroke=halo, stroke_width=number(2 * halo_width), stroke_linejoin="round", paint_order="stroke"
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
