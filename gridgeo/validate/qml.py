"""How faults look in QGIS: colours by severity, patterns by kind, numbers as labels; as QML, QGIS's own style language.

Only the kinds that occur are in the legend. What is shown in the map tip comes from files and is escaped by the
expression that shows it, because QGIS takes map tips for HTML.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from typing import Literal

import geopandas as gpd

from gridgeo.language import Language, Message
from gridgeo.validate.faults import CATALOGUE, SEVERITIES

Form = Literal["marker", "line", "fill"]

_COLOURS = {"error": "179,38,30", "warning": "190,120,0", "info": "59,91,122"}
_NAMES = {
    "error": Message("Errors", "错误"),
    "warning": Message("Warnings", "警告"),
    "info": Message("Notes", "提示"),
}
_FILLS = {"gap": "b_diagonal", "uncovered": "b_diagonal", "not-tiled": "b_diagonal", "outside": "f_diagonal",
          "not-nested": "f_diagonal", "duplicate-polygon": "cross", "near-border": "dense4",
          "unmatched-seam": "dense4"}  # fmt: skip
_DASHES = {"off-barrier": "dash", "missing-vertex": "dot", "spike": "dash dot"}
_MARKERS = {"feature": "square", "region": "circle", "vertex": "diamond", "border": "triangle", "shape": "pentagon",
            "roster": "star", "input": "cross2"}  # fmt: skip
_LABEL = 'to_string("number") || \' \' || "kind"'
_ESCAPED = "replace(replace(\"{column}\", '&', '&amp;'), '<', '&lt;')"
_TIP = '<b>[% "number" %] [% {kind} %]</b><br>[% {message} %]<br><i>[% {action} %]</i>'


def style(frame: gpd.GeoDataFrame, form: Form, language: Language | None) -> str:
    """Return the style of one layer of faults as QML.

    Parameters
    ----------
    frame : GeoDataFrame
        With the columns ``severity`` and ``code``.
    form : {"marker", "line", "fill"}
    language : {"en", "zh"}, optional
        Of the legend.
    """
    # each rule of the legend has a key of its own, and a symbol by its number
    root = ElementTree.Element("qgis", version="3.28.0", styleCategories="AllStyleCategories", labelsEnabled="1")
    renderer = ElementTree.SubElement(
        root, "renderer-v2", type="RuleRenderer", symbollevels="0", enableorderby="0", forceraster="0"
    )
    rules = ElementTree.SubElement(renderer, "rules", key="{faults}")
    symbols = ElementTree.SubElement(renderer, "symbols")
    for severity in SEVERITIES:
        codes = set(frame["code"][frame["severity"] == severity])
        if not codes:
            continue
        group = ElementTree.SubElement(
            rules, "rule", key=f"{{{severity}}}", label=_NAMES[severity].text(language),
            filter=f"\"severity\" = '{severity}'",
        )  # fmt: skip
        for code in (code for code in CATALOGUE if code in codes):
            number = str(len(symbols))
            ElementTree.SubElement(
                group, "rule", key=f"{{{severity}-{code}}}", label=CATALOGUE[code].name.text(language), symbol=number,
                filter=f"\"code\" = '{code}'",
            )  # fmt: skip
            _symbol(symbols, number, form, severity, code)
    if form == "marker":
        _labels(root)
    shown = {column: _ESCAPED.format(column=column) for column in ("kind", "message", "action")}
    ElementTree.SubElement(root, "previewExpression").text = f"{_LABEL} || ': ' || \"message\""
    ElementTree.SubElement(root, "mapTip", enabled="1").text = _TIP.format(**shown)
    ElementTree.SubElement(root, "layerGeometryType").text = str(("marker", "line", "fill").index(form))
    ElementTree.indent(root, " ")
    return f"<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n{ElementTree.tostring(root, 'unicode')}\n"


def _symbol(symbols: ElementTree.Element, number: str, form: Form, severity: str, code: str) -> None:
    colour = _COLOURS[severity]
    if form == "fill":
        kind, options = "SimpleFill", {
            "color": f"{colour},150", "style": _FILLS.get(code, "solid"), "outline_color": f"{colour},255",
            "outline_style": "solid", "outline_width": "0.5", "outline_width_unit": "MM", "joinstyle": "round",
        }  # fmt: skip
    elif form == "line":
        kind, options = "SimpleLine", {
            "line_color": f"{colour},255", "line_style": _DASHES.get(code, "solid"), "line_width": "0.9",
            "line_width_unit": "MM", "capstyle": "round", "joinstyle": "round",
        }  # fmt: skip
    else:
        kind, options = "SimpleMarker", {
            "color": f"{colour},255", "name": _MARKERS[CATALOGUE[code].stage], "outline_color": "255,255,255,255",
            "outline_style": "solid", "outline_width": "0.4", "outline_width_unit": "MM", "size": "3",
            "size_unit": "MM",
        }  # fmt: skip
    symbol = ElementTree.SubElement(symbols, "symbol", name=number, type=form, alpha="1", clip_to_extent="1")
    layer = ElementTree.SubElement(symbol, "layer", {"class": kind, "enabled": "1", "locked": "0", "pass": "0"})
    listed = ElementTree.SubElement(layer, "Option", type="Map")
    for key, value in options.items():
        ElementTree.SubElement(listed, "Option", type="QString", name=key, value=value)
    # the older spelling, for QGIS before 3.26
    for key, value in options.items():
        ElementTree.SubElement(layer, "prop", k=key, v=value)


def _labels(root: ElementTree.Element) -> None:
    labelling = ElementTree.SubElement(root, "labeling", type="simple")
    settings = ElementTree.SubElement(labelling, "settings", calloutType="simple")
    text = ElementTree.SubElement(
        settings, "text-style", fieldName=_LABEL, isExpression="1", fontSize="9", fontSizeUnit="Point",
        textColor="27,31,36,255", textOpacity="1", namedStyle="Regular", fontWeight="50", allowHtml="0",
    )  # fmt: skip
    ElementTree.SubElement(
        text, "text-buffer", bufferDraw="1", bufferSize="0.8", bufferSizeUnits="MM", bufferColor="255,255,255,255",
        bufferOpacity="1", bufferJoinStyle="128", bufferNoFill="1",
    )  # fmt: skip
    # around the point, at a little distance
    ElementTree.SubElement(settings, "placement", placement="0", dist="1.2", distUnits="MM", priority="5")
    ElementTree.SubElement(settings, "rendering", displayAll="0", obstacle="1", drawLabels="1", scaleVisibility="0")
