"""A town project: ``gridgeo.toml`` and the files that it names, read into one typed `Town`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pyproj

from gridgeo.errors import Problem
from gridgeo.layers import GridKind, Layer
from gridgeo.network import Barriers

Role = Literal[
    "head",  # 块长
    "patroller",  # 网格巡查员
    "three-heads",  # 三长
    "police",  # 社区民警
    "urban-management",  # 城管
    "market-supervision",  # 市场监管
    "lawyer",  # 律师
    "volunteer",  # 志愿者
]


@dataclass(frozen=True)
class Tiling:
    """The claim that some layers together cover the town (or another extent) as one coverage."""

    name: str
    layers: tuple[str, ...]
    within: str | None = None
    """Key of the layer whose union must be covered; without it only overlaps, enclosed gaps and vertices are checked."""
    tolerance: float = 0.0
    """Metres. Faults no wider than this are warnings, not errors."""


@dataclass(frozen=True)
class Nesting:
    """The claim that each child lies in one parent and that the children tile it."""

    name: str
    children: str
    parents: tuple[str, ...]
    parent_column: str | None = None
    """Column of the children that holds their parent's id; without it the parent is found by place."""
    tolerance: float = 0.0


Claim = Tiling | Nesting


@dataclass(frozen=True)
class Person:
    """One person on a notice."""

    unit: str
    """Id of the block or grid that the person answers for, or the town's code for everybody's officers."""
    role: Role
    name: str
    organisation: str = ""
    phone: str = ""
    mobile: str = ""
    hours: str = ""
    photo: Path | None = None


@dataclass(frozen=True)
class Task:
    """One patrol item of a task list."""

    kind: GridKind
    group: str
    """The class that the item belongs to: 环境卫生, 公共秩序 …"""
    text: str
    local: bool = False
    """True for items chosen locally, False for the town's base items."""
    unit: str | None = None
    """Only for this grid or block; None for all of the kind."""


@dataclass(frozen=True)
class Service:
    """One service that a grid offers to its people."""

    text: str
    kind: GridKind | None = None
    unit: str | None = None
    hours: str = ""
    place: str = ""


@dataclass(frozen=True)
class Workload:
    """One attribute to balance: points or polygons whose column is allotted to atoms (or counted, without a column)."""

    name: str
    layer: str
    column: str | None = None
    weight: float = 1.0


@dataclass(frozen=True)
class Drafting:
    """How blocks are to be drafted: the ``[partition]`` table."""

    layers: tuple[str, ...] = ()
    """Grid layers to be cut. Features of the other grid layers are one block each."""
    count: int | None = None
    """Blocks a grid, or None."""
    target: float | None = None
    """Workload a block, or None. With neither, one block a grid."""
    tolerance: float = 0.2
    seed: int = 0
    output: Path | None = None


@dataclass(frozen=True)
class Publication:
    """What every notice says beside its grid: the ``[notice]`` table."""

    issuer: str = ""
    date: dt.date | None = None
    version: str = ""
    supervision_phone: str = ""
    approval_number: str = ""
    disclaimer: str = "本图为示意图，界线仅供网格管理使用，不作为划界依据。"
    web: str = ""
    """Base address of the web pages that QR codes lead to; "" for no QR code."""


@dataclass(frozen=True)
class Town:
    """A town project, read and checked.

    All layers keep their own CRS; `to_working` brings one to ``working_crs``.
    """

    path: Path
    name: str
    code: str
    crs: pyproj.CRS
    """CRS in which drafted layers are written."""
    working_crs: pyproj.CRS
    """CRS in metres through the town: see `gridgeo.crs.working_crs`."""
    extent: Layer | None
    layers: Mapping[str, Layer]
    """Every layer of ``[layers]``, by key."""
    blocks: Layer | None
    """The drafted blocks, once ``gridgeo partition`` has written them (columns: see `gridgeo.partition`)."""
    barriers: Barriers
    claims: tuple[Claim, ...]
    workload: tuple[Workload, ...]
    drafting: Drafting
    people: tuple[Person, ...]
    tasks: tuple[Task, ...]
    services: tuple[Service, ...]
    publication: Publication
    watermark: str = ""
    """Printed on every product: 示例数据 for invented towns."""
    attribution: str = ""
    """Source and licence of the map data, printed on every map."""
    problems: tuple[Problem, ...] = field(default=())
    """Warnings: features left out by the reader, values of a rank column that mean nothing …"""
