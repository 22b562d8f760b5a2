"""What every HTML page of gridgeo has in common: one file, nothing fetched, no script but its own, all text escaped."""

from __future__ import annotations

import base64
import hashlib
import html
import json

import shapely

from gridgeo.language import Language, one_line


def escape(text: object) -> str:
    """Return text that stays text in HTML, also within an attribute.

    Examples
    --------
    >>> escape('<b onclick="x">')
    '&lt;b onclick=&quot;x&quot;&gt;'
    """
    return html.escape(one_line(text), quote=True)


def document(
    title: str, body: str, *, style: str, script: str = "", language: Language, inlined: tuple[str, ...] = ()
) -> str:
    """Return a whole page.

    Its policy lets the style and the script run whose hashes it names, and what is inlined as data; nothing else.

    Parameters
    ----------
    title : str
        Plain text.
    body : str
        HTML.
    style, script : str
    language : {"en", "zh"}
    inlined : tuple of str
        Kinds of data that the page holds in itself: ``font``, ``img``.
    """
    policy = "; ".join(
        (
            "default-src 'none'",
            f"style-src {hash_source(style)}",
            f"script-src {hash_source(script)}" if script else "script-src 'none'",
            *(f"{kind}-src data:" for kind in inlined),
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    ending = f"<script>{script}</script>\n" if script else ""
    return (
        f'<!doctype html>\n<html lang="{"zh-CN" if language == "zh" else "en"}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n{body}\n{ending}</body>\n</html>\n"
    )


def data_script(data: object, identifier: str) -> str:
    r"""Return data as a script element that no browser runs; ``<``, ``>`` and ``&`` can't end it early.

    Examples
    --------
    >>> data_script(["</script>"], "data")
    '<script type="application/json" id="data">["\\u003c/script\\u003e"]</script>'
    """
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return f'<script type="application/json" id="{identifier}">{text}</script>'


def hash_source(content: str) -> str:
    """Return what names a script or style by its hash in a content security policy."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def svg_path(geometry: shapely.Geometry, precision: int) -> str:
    """Return SVG path data of any geometry; a point is a line of no length.

    Examples
    --------
    >>> svg_path(shapely.LineString([(0, 0), (1, 2.5)]), 1)
    'M0.0 0.0L1.0 2.5'
    """
    pieces = []
    for part in shapely.get_parts(geometry):
        if part.geom_type == "Polygon":
            rings = shapely.get_rings(part)
        elif part.geom_type.startswith("Multi") or part.geom_type == "GeometryCollection":
            pieces.append(svg_path(part, precision))
            continue
        else:
            rings = [part]
        for ring in rings:
            points = [f"{x:.{precision}f} {y:.{precision}f}" for x, y in shapely.get_coordinates(ring).tolist()]
            closed = "Z" if ring.geom_type == "LinearRing" else ""
            pieces.append(f"M{'L'.join(points)}{closed}" if len(points) > 1 else f"M{points[0]}h0")
    return "".join(pieces)
