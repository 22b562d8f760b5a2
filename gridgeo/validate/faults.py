"""Faults: the catalogue of what can be wrong with a layer of grids, and the record of one thing that is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import shapely

from gridgeo.language import Language, Message

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
"""Severities, the worst first."""


@dataclass(frozen=True)
class Kind:
    """One kind of fault.

    Parameters
    ----------
    code : str
    name : Message
        What it is called.
    action : Message
        What would mend it.
    iso19157 : int or None
        Id of the quality measure of ISO 19157 that counts such faults; None where the standard has none.
    """

    code: str
    name: Message
    action: Message
    iso19157: int | None = None


_KINDS = (
    Kind(
        "invalid-geometry",
        Message("invalid geometry", "几何无效"),
        Message(
            "Redraw the polygon there so that its border doesn't cross or touch itself.", "请在该处重画，使边界不自交。"
        ),
        26,
    ),
    Kind(
        "empty-geometry",
        Message("no geometry", "无几何"),
        Message("Draw the polygon, or remove the row.", "请补画多边形，或删除该行。"),
    ),
    Kind(
        "wrong-type",
        Message("not a polygon", "不是多边形"),
        Message(
            "Grids are polygons: turn it into one, or move it to another layer.",
            "网格须为多边形：请转换，或移到其他图层。",
        ),
    ),
    Kind(
        "missing-id",
        Message("no id", "缺编号"),
        Message("Give it an id of its own.", "请填写唯一编号。"),
    ),
    Kind(
        "duplicate-id",
        Message("id used twice", "编号重复"),
        Message("Give each feature an id of its own.", "请使每个对象的编号唯一。"),
        4,
    ),
    Kind(
        "duplicate-polygon",
        Message("same polygon twice", "多边形重复"),
        Message("Keep one of them.", "请只保留其中一个。"),
        4,
    ),
    Kind(
        "overlap",
        Message("overlap", "重叠"),
        Message(
            "Give the area to one of them and take it from the others.", "请将该区域划归其中一方，并从其他方扣除。"
        ),
        11,
    ),
    Kind(
        "gap",
        Message("gap", "缝隙"),
        Message("Give the area to one of its neighbours.", "请将该区域划归相邻的一方。"),
    ),
    Kind(
        "uncovered",
        Message("uncovered", "未覆盖"),
        Message("Extend a neighbour up to the border of the extent.", "请将相邻网格扩展到范围边界。"),
    ),
    Kind(
        "outside",
        Message("outside the extent", "越界"),
        Message("Cut it back to the border of the extent.", "请裁剪到范围边界。"),
    ),
    Kind(
        "missing-vertex",
        Message("missing vertex", "缺失节点"),
        Message("Insert the vertex on the border that lacks it.", "请在缺失节点的边界上补上该节点。"),
        21,
    ),
    Kind(
        "not-nested",
        Message("reaches out of its parent", "超出上级网格"),
        Message(
            "Cut it back to the parent's border, or correct which parent it belongs to.",
            "请裁剪到上级边界，或更正所属上级。",
        ),
        10,
    ),
    Kind(
        "not-tiled",
        Message("part of the parent without a child", "上级网格未被铺满"),
        Message("Give the area to one of the parent's children.", "请将该区域划归该上级的某个下级。"),
        10,
    ),
)

CATALOGUE: dict[str, Kind] = {kind.code: kind for kind in _KINDS}
"""Every kind of fault by its code, in the order in which they are best mended."""


@dataclass(frozen=True)
class Fault:
    """One thing wrong: what, where, with which features, how large, and what to do.

    Parameters
    ----------
    code : str
        Key of `CATALOGUE`.
    severity : Severity
    claim : str
        The claim that it breaks.
    layers, features : tuple of str
        Keys of the layers and ids of all features involved.
    what : Message
        What is wrong, for `message`; ``values`` are its fields.
    geometry : shapely.Geometry or None
        In the CRS of the report.
    area, width, length : float or None
        Square metres; metres: diameter of the largest circle that fits in; metres of border.
    """

    code: str
    severity: Severity
    claim: str
    layers: tuple[str, ...]
    features: tuple[str, ...]
    what: Message
    geometry: shapely.Geometry | None
    area: float | None = None
    width: float | None = None
    length: float | None = None
    values: dict[str, object] = field(default_factory=dict)

    @property
    def kind(self) -> Kind:
        """The fault's entry in the catalogue."""
        return CATALOGUE[self.code]

    def message(self, language: Language | None = None) -> str:
        """Return what is wrong, in a sentence that a clerk understands."""
        return self.what.text(language, **self.values)

    def action(self, language: Language | None = None) -> str:
        """Return what would mend it."""
        return self.kind.action.text(language)
