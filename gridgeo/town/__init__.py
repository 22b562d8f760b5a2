"""A town project: ``gridgeo.toml`` and the files that it names, read into one typed `Town`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import geopandas as gpd
import pandas as pd
import pyproj

from gridgeo.crs import match_vertices, to_crs
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.layers import GridKind, Layer
from gridgeo.network import Barriers, Rank
from gridgeo.town.duties import EVERY_DAY, USUAL_SHIFTS, Days, Shift

_NO_SUCH_LAYER = Message('there is no layer "{name}" in this town', "本项目没有图层“{name}”")

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


Audience = Literal["wall", "wechat", "web"]
"""Who sees a notice: passers-by of a board, the readers of a chat group, anybody on the web."""
AUDIENCES: tuple[Audience, ...] = ("wall", "wechat", "web")

PersonalField = Literal["photo", "mobile"]
"""What is published of a person by consent only."""
PERSONAL_FIELDS: tuple[PersonalField, ...] = ("photo", "mobile")


@dataclass(frozen=True)
class Tiling:
    """The claim that some layers together cover the town (or another extent) as one coverage."""

    name: str
    layers: tuple[str, ...]
    within: str | None = None
    """Key of the layer whose union must be covered; without it only overlaps, enclosed gaps and vertices are
    checked."""
    tolerance: float = 0.0
    """Metres. Faults no wider than this are warnings, not errors."""

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of all layers that it is about."""
        return self.layers if self.within is None else (*self.layers, self.within)


@dataclass(frozen=True)
class Nesting:
    """The claim that each child lies in one parent and that the children tile it."""

    name: str
    children: str
    parents: tuple[str, ...]
    parent_column: str | None = None
    """Column of the children that holds their parent's id; without it the parent is found by place."""
    tolerance: float = 0.0

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of all layers that it is about."""
        return (self.children, *self.parents)


@dataclass(frozen=True)
class Alignment:
    """The claim that the borders of some layers run along barriers."""

    name: str
    layers: tuple[str, ...]
    rank: Rank = "lane"
    """Barriers of lower rank don't count."""
    tolerance: float = 3.0
    """Metres within which a border counts as on a barrier."""
    share: float = 0.0
    """Least share of each border on barriers; 0: borders are only measured."""
    parent_column: str | None = None
    """Column with the parent's id: then only borders within one parent count; without it all between two features."""
    uncut_by: Rank | None = None
    """Barriers of at least this rank must not cut a feature in two."""

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of all layers that it is about."""
        return self.layers


@dataclass(frozen=True)
class Seam:
    """The claim that two layers, drawn separately, have the same vertices where they meet."""

    name: str
    first: str
    second: str
    tolerance: float = 0.0

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of all layers that it is about."""
        return (self.first, self.second)


@dataclass(frozen=True)
class Consistency:
    """The claim that each area of a professional grid (cleaning, security) is made of whole blocks: 多网合一."""

    name: str
    areas: str
    blocks: tuple[str, ...]
    tolerance: float = 0.0

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of all layers that it is about."""
        return (self.areas, *self.blocks)


@dataclass(frozen=True)
class StreetTiling:
    """The claim that sections hold every metre of the streets inside street blocks once: a tiling in one dimension."""

    name: str
    sections: str
    areas: tuple[str, ...]
    """Layers of the street blocks; of drafted blocks only those of the kind street count."""
    rank: Rank = "road"
    """The weakest rank of barriers that counts as a street."""
    tolerance: float = 0.5
    """Metres: how far from the street a section may be drawn, and how long a gap or overlap may be."""

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of all layers that it is about."""
        return (self.sections, *self.areas)


@dataclass(frozen=True)
class Staffing:
    """The claim that every section has patrollers in every shift on every day, and nobody works two shifts a day."""

    name: str
    sections: str
    least: int = 1
    most: int = 2

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of all layers that it is about."""
        return (self.sections,)


Claim = Tiling | Nesting | Alignment | Seam | Consistency | StreetTiling | Staffing


@dataclass(frozen=True)
class Allowed:
    """An exception: a fault that is meant, such as a lake that no grid covers. Needs a place or features, or both."""

    code: str
    """Which kind of fault: ``gap``, ``uncovered``, ``fragment`` ..."""
    reason: str
    at: tuple[float, float] | None = None
    """Longitude and latitude of a point in the fault, as reports print them."""
    features: tuple[str, ...] = ()
    """Ids of features that the fault involves."""
    claim: str | None = None
    """Name of the claim; None for any."""
    area: float | None = None
    """Square metres that are allowed at most; None for any size."""
    source: str = field(default="", compare=False)
    """Where it is written, for messages."""


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
    publish: frozenset[tuple[PersonalField, Audience]] | None = None
    """What the person agreed to have published, and for whom; None where the table has no such column."""
    consent_until: dt.date | None = None
    """The last day on which any of that may be published."""
    publish_until: tuple[tuple[PersonalField, Audience, dt.date], ...] = ()
    """The last days of single fields for single audiences, where they have their own."""
    shift: str = ""
    """Key of the shift in which a patroller of sections works; "" for everybody else."""
    days: Days = EVERY_DAY
    """Days of the week on which a patroller of sections works; Monday is 0."""

    def agreed_until(self, field: PersonalField, audience: Audience) -> dt.date | None:
        """Return the last day on which a field may be shown to an audience; None for no end."""
        own = [day for of, whom, day in self.publish_until if (of, whom) == (field, audience)]
        return min([*own, *filter(None, [self.consent_until])], default=None)


@dataclass(frozen=True)
class Privacy:
    """What the town shows of people at most, by audience, beyond what their duty makes public."""

    wall: tuple[PersonalField, ...] = PERSONAL_FIELDS
    wechat: tuple[PersonalField, ...] = PERSONAL_FIELDS
    web: tuple[PersonalField, ...] = ("photo",)

    def shown_to(self, audience: Audience) -> tuple[PersonalField, ...]:
        """Return what is shown to an audience."""
        shown: tuple[PersonalField, ...] = getattr(self, audience)
        return shown


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
class Board:
    """One notice that hangs somewhere."""

    unit: str
    """Code of its block."""
    place: str
    mark: str = ""
    """The mark that is printed on it, 核对码."""
    posted: dt.date | None = None


@dataclass(frozen=True)
class Workload:
    """One attribute to balance: points or polygons whose column is allotted to atoms (or counted, without a column)."""

    name: str
    layer: str
    """"" for what is measured from the map."""
    column: str | None = None
    weight: float = 1.0
    footprints: str | None = None
    """Layer of buildings over which the polygons of ``layer`` are spread, by the area of the buildings in each."""
    measure: Literal["area", "street-length"] | None = None
    """Measured from the map instead of counted in a layer."""
    tolerance: float | None = None
    """By how much of the mean a block may be off; None: it is balanced in the weighted sum only."""


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
    extend_dead_ends: float = 0.0
    """Metres: barriers that end so near to the next one are extended to it."""
    sliver_below: float = 1000.0
    """Square metres: smaller pieces between barriers join a neighbour."""
    needle_below: float = 12.0
    """Metres: so do pieces with a smaller mean width."""
    keep_whole: tuple[str, ...] = ()
    """Layers of compounds, campuses and villages that no border of blocks may cut."""
    size: tuple[float, float] | None = None
    """Least and most that a block holds, or None."""
    preset: str | None = None
    """A named size: ``community``, ``micro`` or ``cell``."""
    measure: str = ""
    """The attribute that ``target`` and ``size`` count; "" for the weighted sum."""
    compact: float = 1.0
    """What roundness counts for, against borders on strong barriers."""
    seconds: float = 60.0
    """Seconds to search at most."""
    uncut_by: Rank | None = None
    """Barriers of at least this rank cut no block, not even where bridges lead over them."""
    keep_together: tuple[str, ...] = ()
    """Layers of points or polygons that come into one block with the others of their set."""
    set_column: str = "set"
    """Their column that says to which set each belongs."""
    borders: tuple[str, ...] = ()
    """Layers of lines on which a border must run."""
    no_borders: tuple[str, ...] = ()
    """Layers of lines on which none may."""
    parents: tuple[str, ...] = ()
    """Layers of polygons whose borders no block crosses."""
    locked: tuple[str, ...] = ()
    """Layers of blocks that stay as they are."""
    heads: tuple[str, ...] = ()
    """Layers of points where block heads are stationed."""
    codes: str = ""
    """How blocks are numbered: see `gridgeo.partition.codes.CodeScheme`."""
    code_object: str = ""


@dataclass(frozen=True)
class SectionDrafting:
    """How streets are to be cut into sections: the ``[sections]`` table."""

    target: float = 800.0
    """Metres of street a section, and what the workload adds."""
    count: int | None = None
    """Sections a block, instead."""
    tolerance: float = 0.25
    seed: int = 0
    rank: Rank = "road"
    """The weakest rank of barriers that counts as a street."""
    workload: Mapping[str, float] = field(default_factory=dict)
    """Layers of what lies along the streets, with the metres that one feature counts as."""
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
    frontage: str = ""
    """What shopkeepers answer for in front of their shops (门责), on notices of streets."""
    web: str = ""
    """Base address of the web pages that QR codes lead to; "" for no QR code."""
    theme: Path | None = None
    """TOML file with colours, sizes and words of the town's own: see `gridgeo.render.theme`."""
    template: Path | None = None
    """Typst file that sets the notices instead of ours."""


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
    privacy: Privacy = Privacy()
    boards: tuple[Board, ...] = ()
    watermark: str = ""
    """Printed on every product: 示例数据 for invented towns."""
    attribution: str = ""
    """Source and licence of the map data, printed on every map."""
    exceptions: tuple[Allowed, ...] = ()
    """Faults that are meant."""
    sections: Layer | None = None
    """The sections of the street blocks: drafted by ``gridgeo partition``, or the layer of that key."""
    sectioning: SectionDrafting | None = None
    """How sections are drafted; None where the town has no table for them."""
    shifts: tuple[Shift, ...] = USUAL_SHIFTS
    problems: tuple[Problem, ...] = field(default=())
    """Warnings: features left out by the reader, values of a rank column that mean nothing …"""
    _working: dict[int, tuple[Layer, gpd.GeoDataFrame]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    """What `to_working` has done, by identity of the layer (kept with it, so that no other can take its place)."""

    @property
    def grids(self) -> tuple[Layer, ...]:
        """The layers of grids: those with a kind, in the order of gridgeo.toml."""
        return tuple(layer for layer in self.layers.values() if layer.kind is not None)

    def layer(self, key: str) -> Layer:
        """Return the layer of a key of ``[layers]``, or what was drafted, for ``"blocks"`` and ``"sections"``.

        Raises
        ------
        InputError
            When the town has no such layer.
        """
        drafted = {"blocks": self.blocks, "sections": self.sections}
        found = self.layers.get(key) or drafted.get(key)
        if found is None:
            raise InputError(Problem(str(self.path), _NO_SUCH_LAYER, {"name": key}))
        return found

    def to_working(self, layer: Layer | str) -> gpd.GeoDataFrame:
        """Return the table of ``layer`` in the working CRS, in metres.

        Parameters
        ----------
        layer : Layer or str
            A layer of this town, any other one, or a key of ``[layers]``; ``"blocks"`` for the drafted blocks.

        Returns
        -------
        GeoDataFrame
            Same rows, columns and index. Layers that come in one CRS keep their shared vertices identical. The vertices
            of a layer in another CRS than the grids before it are put exactly on those that they meet, so that seams
            between files in different CRSs close to the last bit.

        Raises
        ------
        InputError
            When the town has no such layer, or its coordinates don't fit its CRS.
        """
        if isinstance(layer, str):
            layer = self.layer(layer)
        if id(layer) not in self._working:
            self._working[id(layer)] = (layer, self._brought_to_working(layer))
        return self._working[id(layer)][1].copy()

    def _brought_to_working(self, layer: Layer) -> gpd.GeoDataFrame:
        frame = to_crs(layer.frame, self.working_crs)
        anchors = [*self.grids, *([self.extent] if self.extent is not None else [])]
        earlier: list[gpd.GeoSeries] = []
        for anchor in anchors:
            if anchor is layer:
                break
            if not anchor.frame.crs.equals(layer.frame.crs, ignore_axis_order=True):
                earlier.append(self.to_working(anchor).geometry)
        if not earlier or frame.geom_type.isin(["Point", "MultiPoint"]).all():
            return frame
        return match_vertices(frame, gpd.GeoDataFrame(geometry=pd.concat(earlier, ignore_index=True)))


def read_town(path: str | Path) -> Town:
    """Read a town project: its gridgeo.toml and every file that it names.

    Parameters
    ----------
    path : str or Path
        A gridgeo.toml, or the folder that holds it.

    Returns
    -------
    Town
        Checked; what is doubtful but no mistake is in its ``problems``.

    Raises
    ------
    InputError
        With one line for each mistake, all of them at once.
    """
    from gridgeo.town._reader import read  # pydantic and the table readers are needed here only

    return read(Path(path))
