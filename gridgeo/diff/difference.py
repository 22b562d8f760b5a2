"""The difference of two plans as data, text and JSON (schema ``gridgeo-diff/1``)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

import geopandas as gpd
import pandas as pd
import pyproj
import shapely

from gridgeo.language import Language, Message, one_line

KINDS = {
    "new": Message("new", "新增"),
    "gone": Message("gone", "撤销"),
    "split": Message("split", "拆分"),
    "merged": Message("merged", "合并"),
    "redrawn": Message("redrawn", "重划"),
    "moved": Message("border moved", "边界调整"),
    "recoded": Message("recoded", "改编码"),
    "attributes": Message("attributes", "属性变更"),
}
"""What can happen to a feature, in the order in which it is told."""
SCHEMA = "gridgeo-diff/1"

_SAME = Message("no difference: {count} features are the same", "无差异：{count} 个要素相同")
_HEAD = Message(
    "{changes} changes; {same} of {count} features keep border, code and attributes",
    "{changes} 处变化；{count} 个要素中 {same} 个的边界、编码和属性不变",
)
_HANDS = Message(
    "changes hands: {area:,.1f} m2 ({share:.2%}), {people:,.6g} of the workload ({part:.2%})",
    "易手：面积 {area:,.1f} 平方米（{share:.2%}），工作量 {people:,.6g}（{part:.2%}）",
)
_ESTIMATED = Message("workload shared out by area, for want of places", "工作量因无点位而按面积分摊")
_NOISE = Message(
    "{count} slips of border narrower than {tolerance:g} m are noise ({area:.3f} m2 in all)",
    "{count} 处窄于 {tolerance:g} 米的边界偏差视为噪声（共 {area:.3f} 平方米）",
)
_WHO = Message("who gives to whom", "移交明细")
_NOBODY = Message("(nobody)", "（无）")


@dataclass(frozen=True)
class Change:
    """What happened to one feature, or to several at once.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    old, new : tuple of str
        Ids in the old and in the new plan.
    attributes : dict
        For ``attributes``: column -> (old value, new value).
    """

    kind: str
    old: tuple[str, ...]
    new: tuple[str, ...]
    attributes: dict[str, tuple[Any, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Transfer:
    """Ground that passes from one feature to another; None is nobody.

    Parameters
    ----------
    giver, taker : str or None
    area : float
        Square metres.
    people : float
        Workload that lies there.
    geometry : Geometry
        In the CRS of the old plan.
    """

    giver: str | None
    taker: str | None
    area: float
    people: float
    geometry: shapely.Geometry


@dataclass(frozen=True)
class Difference:
    """What differs between two plans: see `gridgeo.diff_plans`."""

    changes: tuple[Change, ...]
    transfers: tuple[Transfer, ...]
    features: int
    """Of the new plan."""
    unchanged: int
    area: float
    """Square metres of the old plan."""
    people: float
    """Workload of the old plan."""
    estimated: bool
    """Whether workload was shared out by area, for want of places."""
    noise: int
    noise_area: float
    tolerance: float
    columns_added: tuple[str, ...]
    columns_gone: tuple[str, ...]
    crs: pyproj.CRS | None
    old: gpd.GeoDataFrame = field(repr=False)
    """Old plan: ``id`` and geometry."""
    new: gpd.GeoDataFrame = field(repr=False)
    """New plan: ``id`` and geometry, in the CRS of the old one."""

    @property
    def same(self) -> bool:
        """Whether nothing differs but noise."""
        return not (self.changes or self.transfers or self.columns_added or self.columns_gone)

    @property
    def moved_area(self) -> float:
        """Square metres that change hands."""
        return float(sum(transfer.area for transfer in self.transfers))

    @property
    def moved_people(self) -> float:
        """Workload that changes hands."""
        return float(sum(transfer.people for transfer in self.transfers))

    @property
    def table(self) -> pd.DataFrame:
        """Who gives how much to whom: giver, taker, area, people."""
        rows = [(each.giver, each.taker, each.area, each.people) for each in self.transfers]
        return pd.DataFrame(rows, columns=["giver", "taker", "area", "people"])

    @property
    def matrix(self) -> pd.DataFrame:
        """Workload (or, without any, area) that passes: givers as rows, takers as columns, "" for nobody."""
        value = "people" if self.people > 0 else "area"
        return self.table.fillna({"giver": "", "taker": ""}).pivot_table(
            index="giver", columns="taker", values=value, aggfunc="sum", fill_value=0.0
        )

    def to_text(self, language: Language | None = None) -> str:
        """Return the difference in words."""
        if self.same:
            lines = [_SAME.text(language, count=self.features)]
        else:
            lines = [_HEAD.text(language, changes=len(self.changes), same=self.unchanged, count=self.features)]
            share = self.moved_area / self.area if self.area else 0.0
            part = self.moved_people / self.people if self.people else 0.0
            lines.append(_HANDS.text(language, area=self.moved_area, share=share, people=self.moved_people, part=part))
            if self.estimated:
                lines.append(_ESTIMATED.text(language))
        if self.noise:
            lines.append(_NOISE.text(language, count=self.noise, tolerance=self.tolerance, area=self.noise_area))
        lines += [f"+ {one_line(name)}" for name in self.columns_added]
        lines += [f"- {one_line(name)}" for name in self.columns_gone]
        lines += [change_line(change, language) for change in self.changes]
        if self.transfers:
            lines.append(f"{_WHO.text(language)}:")
            nobody = _NOBODY.text(language)
            lines += [
                f"  {one_line(each.giver or nobody)} -> {one_line(each.taker or nobody)}: "
                f"{each.area:,.1f} m2, {each.people:,.6g}"
                for each in self.transfers
            ]
        return "\n".join(lines) + "\n"

    def to_json(self) -> str:
        """Return the difference as JSON: see `diff_schema`."""
        content = {
            "schema": SCHEMA,
            "same": self.same,
            "crs": None if self.crs is None else self.crs.to_string(),
            "tolerance": self.tolerance,
            "features": self.features,
            "unchanged": self.unchanged,
            "area": self.area,
            "people": self.people,
            "estimated": self.estimated,
            "moved": {"area": self.moved_area, "people": self.moved_people},
            "noise": {"count": self.noise, "area": self.noise_area},
            "columns": {"added": list(self.columns_added), "gone": list(self.columns_gone)},
            "changes": [
                {
                    "kind": change.kind,
                    "old": list(change.old),
                    "new": list(change.new),
                    "attributes": {
                        name: {"old": plain(was), "new": plain(now)} for name, (was, now) in change.attributes.items()
                    },
                }
                for change in self.changes
            ],
            "transfers": [
                {
                    "giver": each.giver,
                    "taker": each.taker,
                    "area": each.area,
                    "people": each.people,
                    "geometry": shapely.geometry.mapping(each.geometry),
                }
                for each in self.transfers
            ],
        }
        return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n"

    def to_html(self, language: Language | None = None, *, title: str = "") -> str:
        """Return the difference as one self-contained page with a map."""
        from gridgeo.diff.page import diff_page

        return diff_page(self, title=title, language=language)


def change_line(change: Change, language: Language | None = None) -> str:
    """Return a change in words."""
    old, new = (one_line(", ".join(ids)) for ids in (change.old, change.new))
    who = new if old == new or not old else f"{old} -> {new}" if new else old
    told = "; ".join(
        f"{one_line(name)} {one_line(was)} -> {one_line(now)}" for name, (was, now) in change.attributes.items()
    )
    return f"{KINDS[change.kind].text(language)}: {who}" + (f" ({told})" if told else "")


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it."""
    if value is None or pd.isna(value):
        return None
    value = value.item() if hasattr(value, "item") else value
    return value if isinstance(value, bool | int | float | str) else str(value)


def diff_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) that `Difference.to_json` keeps."""
    text = files("gridgeo.diff").joinpath("diff.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema
