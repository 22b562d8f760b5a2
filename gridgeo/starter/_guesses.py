"""Guesses about map files from the names of their files, layers and columns, and from their values.

Only `gridgeo.starter` asks them, and everything they say is written down with its reason for the user to correct.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from gridgeo.layers import Layer, LayerInfo
from gridgeo.network import RANKS
from gridgeo.town._barriers import texts_of

Shape = Literal["polygon", "line", "point", "other"]
Use = Literal[
    "extent",
    "residential",
    "village",
    "street",
    "extended",
    "road",
    "river",
    "railway",
    "water",
    "green",
    "buildings",
    "population",
    "shops",
    "nature",
    "sections",
    "workstations",
]

_USE_WORDS: Mapping[Use, tuple[str, ...]] = {
    "extent": (
        *("boundary", "border", "town", "township", "extent", "limit", "outline"),
        *("边界", "镇界", "镇域", "界线", "范围", "辖区", "行政区"),
    ),
    "extended": (
        *("extended", "zone", "factory", "campus", "industrial", "estate"),
        *("拓展", "园区", "厂区", "校区", "商圈", "工业"),
    ),
    "residential": (
        *("community", "residential", "neighbourhood", "neighborhood", "committee"),
        *("居委", "小区", "社区", "居民"),
    ),
    "village": ("village", "村"),
    "sections": ("section", "责任路段", "巡逻路段", "值守路段"),
    "workstations": ("workstation", "工作站"),
    "railway": ("railway", "rail", "metro", "铁路", "轨道", "地铁"),
    "river": ("river", "waterway", "stream", "canal", "creek", "河"),
    "water": ("water", "lake", "pond", "水系", "水面", "水域", "湖"),
    "street": ("street", "patrol", "police", "beat", "街面", "街道", "警务", "巡逻"),
    "road": ("road", "highway", "lane", "roadway", "道路", "路网", "公路", "街巷", "路"),
    "buildings": ("building", "house", "建筑", "房屋", "楼"),
    "green": ("green", "park", "forest", "绿地", "公园", "林地"),
    "nature": ("natural", "landcover"),
    "population": ("address", "population", "resident", "household", "人口", "地址", "门牌", "户"),
    "shops": ("shop", "business", "store", "merchant", "商铺", "店", "商户"),
}

_USES_OF_SHAPE: Mapping[Shape, tuple[Use, ...]] = {
    "polygon": (
        *("extent", "extended", "residential", "village", "river", "water", "street", "road", "buildings"),
        *("green", "nature"),
    ),
    # a line layer called streets holds streets, not patrol areas
    "line": ("sections", "railway", "river", "water", "road", "street"),
    "point": ("workstations", "shops", "population"),
    "other": (),
}

ID_NAMES = ("code", "id", "编码", "代码", "编号", "网格编码", "gid", "osm_id", "objectid", "fid", "uuid")
NAME_NAMES = ("name", "名称", "网格名称", "title", "mc")
RANK_NAMES = (
    "highway",
    "fclass",
    "class",
    "road_class",
    "type",
    "rank",
    "waterway",
    "等级",
    "道路等级",
    "类型",
    "类别",
)
POPULATION_NAMES = ("population", "人口", "pop", "persons", "residents", "人数", "常住人口")

ROAD_RANKS: Mapping[str, str] = {
    **dict.fromkeys(("motorway", "trunk", "primary", "motorway_link", "trunk_link", "primary_link"), "main-road"),
    **dict.fromkeys(("secondary", "tertiary", "secondary_link", "tertiary_link"), "road"),
    **dict.fromkeys(("unclassified", "residential", "living_street", "pedestrian"), "lane"),
    **dict.fromkeys(("service", "footway", "path", "cycleway", "track", "steps", "bridleway", "corridor"), "none"),
    **dict.fromkeys(("platform", "proposed", "construction", "raceway", "elevator", "rest_area", "services"), "none"),
    **dict.fromkeys(("高速公路", "快速路", "国道", "省道", "主干路", "主干道"), "main-road"),
    **dict.fromkeys(("次干路", "次干道", "支路", "县道"), "road"),
    **dict.fromkeys(("街巷", "里弄", "弄堂", "巷", "弄", "乡道", "村道"), "lane"),
    **{rank: rank for rank in RANKS if rank != "river"},
}
"""What the usual classes of roads are as barriers."""

RIVER_RANKS: Mapping[str, str] = {
    **dict.fromkeys(("river", "canal", "stream", "tidal_channel", "河道", "河流", "运河"), "river"),
    **dict.fromkeys(("weir", "dam", "drain", "ditch", "lock_gate", "waterfall", "dock", "boatyard", "沟渠"), "none"),
}
"""What the usual classes of waterways are as barriers."""


@dataclass(frozen=True)
class Found:
    """One layer found in a folder."""

    file: str
    """Path from the folder, with slashes."""
    info: LayerInfo
    only_one: bool
    """Whether it is the only layer of its file."""
    shape: Shape
    layer: Layer | None
    """Its features, where they could be read."""
    use: Use | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of its columns, without the geometry."""
        return self.info.columns


def guess_use(file: str, layer: str, shape: Shape) -> Use | None:
    """Return what a layer is for, as its own name says or else its file's.

    Examples
    --------
    >>> guess_use("town.gpkg", "police_streets", "polygon"), guess_use("town.gpkg", "streets", "line")
    ('street', 'road')
    >>> guess_use("自然小区.shp", "自然小区", "polygon"), guess_use("责任路段.shp", "责任路段", "line")
    ('residential', 'sections')
    """
    for name in (layer, Path(file).stem):
        words = _words(name)
        for use in _USES_OF_SHAPE[shape]:
            if use == "sections" and "road" in words:
                continue  # the pieces of a road network
            if any(_names(word, words, name) for word in _USE_WORDS[use]):
                if shape == "line":
                    return {"water": "river", "street": "road"}.get(use, use)  # type: ignore[return-value]
                return use
    return None


def _words(name: str) -> set[str]:
    """Return the English words of a name, each also in every singular that its ending allows."""
    words: set[str] = set()
    for part in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name):
        word = part.lower()
        words |= {word, word.removesuffix("s"), word.removesuffix("es"), re.sub("ies$", "y", word)}
    return words


def _names(word: str, words: set[str], name: str) -> bool:
    return word in words if word.isascii() else word in name


def shape_of(geometry_type: str) -> Shape:
    """Return the shape that a geometry type of a file is.

    Examples
    --------
    >>> shape_of("MultiPolygon Z"), shape_of("Unknown")
    ('polygon', 'other')
    """
    kind = geometry_type.lower()
    if "polygon" in kind or "surface" in kind:
        return "polygon"
    if "line" in kind or "curve" in kind:
        return "line"
    return "point" if "point" in kind else "other"


def _named(columns: Iterable[str], names: tuple[str, ...], part: str) -> list[str]:
    """Return the columns called by one of ``names`` in that order, then those whose name matches ``part``."""
    columns = list(columns)
    exact = [column for name in names for column in columns if column.lower() == name]
    return list(dict.fromkeys([*exact, *(column for column in columns if re.search(part, column, re.IGNORECASE))]))


def id_column(found: Found) -> str | None:
    """Return the column that holds ids: called like one, filled everywhere, each value once."""
    if found.layer is None:
        return None
    for column in _named(found.columns, ID_NAMES, r"code$|[_ ]id$|^id[_ ]|[a-z]ID$|编码|编号|代码"):
        texts = pd.Series(texts_of(found.layer.frame[column]))
        if len(texts) and (texts != "").all() and texts.is_unique:
            return column
    return None


def name_column(found: Found) -> str | None:
    """Return the column that holds names: called like one, and holding text."""
    for column in _named(found.columns, NAME_NAMES, r"name|名称|名$"):
        if found.layer is None:
            return column
        values = found.layer.frame[column].dropna()
        if len(values) and values.map(lambda value: isinstance(value, str)).all():
            return column
    return None


def rank_column(found: Found, known: Mapping[str, str]) -> tuple[str, dict[str, int]] | None:
    """Return the column of classes and how often each value occurs: the one with most features of a known class."""
    if found.layer is None:
        return None
    best: tuple[int, str, dict[str, int]] | None = None
    for column in _named(found.columns, RANK_NAMES, r"class|type|等级|类"):
        texts = pd.Series(texts_of(found.layer.frame[column]))
        counts = {str(value): int(count) for value, count in texts[texts != ""].value_counts().items()}
        hits = sum(count for value, count in counts.items() if value in known)
        if len(counts) <= 200 and hits and (best is None or hits > best[0]):
            best = (hits, column, counts)
    return None if best is None else (best[1], best[2])


def number_column(found: Found) -> str | None:
    """Return the column that holds numbers of people."""
    if found.layer is None:
        return None
    for column in _named(found.columns, POPULATION_NAMES, r"popul|人口"):
        numbers = pd.to_numeric(found.layer.frame[column], errors="coerce")
        if numbers.notna().any() and not (found.layer.frame[column].notna() & numbers.isna()).any():
            return column
    return None


def flag_columns(found: Found) -> dict[str, str]:
    """Return the columns of bridges, tunnels and levels, by the key of gridgeo.toml."""
    lower = {column.lower(): column for column in found.columns}
    words = {"bridge": ("bridge", "桥梁"), "tunnel": ("tunnel", "隧道"), "level": ("layer", "level", "层级")}
    flags = {key: next((lower[name] for name in names if name in lower), None) for key, names in words.items()}
    if flags["bridge"] is None and flags["tunnel"] is None:
        flags["level"] = None  # alone it may be anything
    return {key: column for key, column in flags.items() if column is not None}
