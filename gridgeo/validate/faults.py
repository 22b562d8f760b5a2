"""Faults: the catalogue of what can be wrong with a layer of grids, and the record of one thing that is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, cast

import shapely

from gridgeo.language import Language, Message
from gridgeo.validate.wording import Part, worded

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
"""Severities, the worst first."""

Stage = Literal["feature", "region", "vertex", "border", "shape", "roster", "input"]
STAGES: tuple[Stage, ...] = ("feature", "region", "vertex", "border", "shape", "roster", "input")
"""What a fault is about, in the order in which faults are best mended: a feature by itself, a region covered wrongly,
vertices along a border, where borders and sections ought to run, a shape that is hardly meant, who is on duty, the
input as a whole."""


@dataclass(frozen=True)
class Kind:
    """One kind of fault.

    Parameters
    ----------
    code : str
    stage : Stage
    name : Message
        What it is called.
    action : Message
        What would mend it.
    iso19157 : int or None
        Id of the quality measure of ISO 19157 that counts such faults; None where the standard has none.
    """

    code: str
    stage: Stage
    name: Message
    action: Message
    iso19157: int | None = None


_KINDS = (
    Kind(
        "invalid-geometry",
        "feature",
        Message("invalid geometry", "几何无效"),
        Message(
            "Redraw the border there so that it neither crosses nor touches itself.", "请在该处重画边界，使其不自交。"
        ),
        10,
    ),
    Kind(
        "empty-geometry",
        "feature",
        Message("no geometry", "无几何图形"),
        Message("Draw its polygon, or delete the row.", "请补画多边形，或删除该行。"),
        10,
    ),
    Kind(
        "wrong-type",
        "feature",
        Message("not a polygon", "不是多边形"),
        Message("Redraw it as a polygon, or move it to another layer.", "请改画为多边形，或移到其他图层。"),
        10,
    ),
    Kind(
        "missing-id",
        "feature",
        Message("no id", "缺少编号"),
        Message("Give it an id of its own.", "请填写唯一编号。"),
        10,
    ),
    Kind(
        "duplicate-id",
        "feature",
        Message("id used twice", "编号重复"),
        Message("Give each of them an id of its own.", "请为每个要素填写各自的编号。"),
        10,
    ),
    Kind(
        "duplicate-polygon",
        "region",
        Message("same polygon twice", "多边形重复"),
        Message("Keep one of them and delete the others.", "请保留其中一个，删除其余。"),
        4,
    ),
    Kind(
        "overlap",
        "region",
        Message("overlap", "重叠"),
        Message(
            "Leave the area to one of them and cut it off the others.", "请将该区域划归其中一方，并从其余各方裁去。"
        ),
        11,
    ),
    Kind(
        "gap",
        "region",
        Message("gap", "缝隙"),
        Message("Give the area to one of its neighbours.", "请将该区域划归相邻的一方。"),
    ),
    Kind(
        "uncovered",
        "region",
        Message("not covered", "未覆盖"),
        Message("Extend a neighbour up to the border of the extent.", "请将相邻的一方扩展到范围边界。"),
    ),
    Kind(
        "outside",
        "region",
        Message("outside the extent", "越界"),
        Message("Cut it back to the border of the extent.", "请裁剪到范围边界。"),
    ),
    Kind(
        "not-nested",
        "region",
        Message("out of its parent", "超出上级"),
        Message(
            "Cut it back to the border of its parent, or correct which parent it belongs to.",
            "请裁剪到上级边界，或更正其所属上级。",
        ),
        10,
    ),
    Kind(
        "not-tiled",
        "region",
        Message("parent not filled", "上级未铺满"),
        Message("Give the area to one of the parent's own parts.", "请将该区域划归该上级的某个下级。"),
        10,
    ),
    Kind(
        "missing-vertex",
        "vertex",
        Message("missing vertex", "缺少公共节点"),
        Message(
            "Insert the missing vertices, so that both sides follow the same line.",
            "请补上缺少的节点，使两侧边界完全一致。",
        ),
        21,
    ),
    Kind(
        "unmatched-seam",
        "region",
        Message("seam doesn't match", "接边不吻合"),
        Message(
            "Give both sheets the same border there, vertex by vertex.",
            "请使两图幅在该处的边界逐节点一致。",
        ),
        23,
    ),
    Kind(
        "off-barrier",
        "border",
        Message("border off roads and rivers", "边界偏离道路河道"),
        Message(
            "Move the border onto the road, lane or river beside it, or lower the share that the claim demands.",
            "请将边界移到旁边的道路、街巷或河道上，或降低声明要求的比例。",
        ),
        30,
    ),
    Kind(
        "crosses-barrier",
        "border",
        Message("cut in two by a river or road", "被河道或道路分割"),
        Message(
            "Let the border run along the river or road instead, as two features.",
            "请以该河道或道路为界，分为两个网格。",
        ),
        10,
    ),
    Kind(
        "near-border",
        "region",
        Message("borders nearly the same", "边界近乎重合"),
        Message("Let both sides follow the same line.", "请使两侧沿同一条线。"),
        25,
    ),
    Kind(
        "section-gap",
        "border",
        Message("street in no section", "街道无责任路段"),
        Message("Give the stretch to a section beside it.", "请将该段街道划归相邻的责任路段。"),
        9,
    ),
    Kind(
        "section-overlap",
        "border",
        Message("sections overlap", "责任路段重叠"),
        Message("Leave the stretch to one of the sections.", "请将该段街道只留给其中一个责任路段。"),
        4,
    ),
    Kind(
        "section-off-network",
        "border",
        Message("section off the streets", "责任路段偏离街道"),
        Message(
            "Draw it along the streets of its block, or correct which block it belongs to.",
            "请沿其责任块的街道绘制，或更正其所属责任块。",
        ),
        10,
    ),
    Kind(
        "unstaffed",
        "roster",
        Message("section not staffed as it must be", "责任路段值守不符"),
        Message("Correct the roster of patrollers: unit, shift and days.", "请修正巡查员排班：单元、班次和值班日。"),
    ),
    Kind(
        "spike",
        "shape",
        Message("spike", "尖刺"),
        Message("Remove the vertex at its tip.", "请删除尖端节点。"),
    ),
    Kind(
        "fragment",
        "shape",
        Message("in several parts", "由多部分组成"),
        Message("Give the small parts to the features around them.", "请将小块划归其周围的网格。"),
    ),
    Kind(
        "pinch",
        "shape",
        Message("touches itself in a point", "仅以一点相接"),
        Message("Move one of the two vertices apart, if it isn't meant.", "如非本意，请将其中一个节点移开。"),
    ),
    Kind(
        "unused-exception",
        "input",
        Message("exception not needed", "例外已不适用"),
        Message("Delete the exception, or correct its place.", "请删除该例外，或更正其位置。"),
    ),
    Kind(
        "doubtful-input",
        "input",
        Message("note on the input", "数据提示"),
        Message("Check it.", "请核对。"),
    ),
)

CATALOGUE: dict[str, Kind] = {kind.code: kind for kind in _KINDS}
"""Every kind of fault by its code."""

_EXCEPTED = Message("Allowed ({reason}): {said}", "例外（{reason}）：{said}")
_SELF_INTERSECTION = 26
_SLIVER = 25


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
        Square metres of ``geometry``; metres: diameter of the largest circle that fits in; metres of its border. The
        width may be given as a function of no arguments, which is called when the width is asked for.
    values : dict
        Fields of the messages. What has a method ``text`` is worded in the reader's language.
    detail : str or None
        Which sort of its kind it is: ``sliver``, ``area``, ``multiple``, ``nested``, ``hole``, ``crossing``; of a
        ``near-border``, whether it is an ``overlap`` or a ``gap``.
    mend : Message or None
        What would mend it, where that differs from what mends its kind.
    part : Part or None
        Where it is, in words.
    multiplicity : int or None
        How many polygons cover the region.
    exception : str or None
        Why it is meant, where it is; it is a note then.
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
    detail: str | None = None
    mend: Message | None = None
    part: Part | None = None
    multiplicity: int | None = None
    exception: str | None = None

    @property
    def kind(self) -> Kind:
        """The fault's entry in the catalogue."""
        return CATALOGUE[self.code]

    @property
    def iso19157(self) -> int | None:
        """Id of the quality measure of ISO 19157 that counts it."""
        if self.code == "invalid-geometry" and self.detail == "crossing":
            return _SELF_INTERSECTION
        return _SLIVER if self.code == "gap" and self.detail == "sliver" else self.kind.iso19157

    def message(self, language: Language | None = None) -> str:
        """Return what is wrong, in a sentence that a clerk understands."""
        said = self._say(self.what, language)
        return said if self.exception is None else _EXCEPTED.text(language, said=said, reason=self.exception)

    def action(self, language: Language | None = None) -> str:
        """Return what would mend it."""
        return self._say(self.mend or self.kind.action, language)

    def _say(self, message: Message, language: Language | None) -> str:
        return message.text(language, **{key: worded(value, language) for key, value in self.values.items()})


class _Late:
    """A field whose value may be a function of no arguments: it is called when the value is asked for."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, fault: Fault | None, kind: type | None = None) -> float | None:
        if fault is None:  # the field's default
            return None
        value = fault.__dict__[self.name]
        if callable(value):
            fault.__dict__[self.name] = value = value()
        return cast("float | None", value)

    def __set__(self, fault: Fault, value: float | Callable[[], float] | None) -> None:
        fault.__dict__[self.name] = value


Fault.width = _Late("width")  # type: ignore[assignment]
