"""The schema of ``gridgeo.toml``: its tables, their keys, and which values each key takes."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from gridgeo._words import (
    KIND_WORDS,
    MEASURE_WORDS,
    PERSONAL_FIELD_WORDS,
    PRESET_WORDS,
    RANK_WORDS,
    meaning,
    meanings,
    nearest,
    parse_date,
    tidy,
)
from gridgeo.layers import GridKind


def _one_of(words: Mapping[str, str]) -> BeforeValidator:
    def look_up(value: object) -> object:
        if not isinstance(value, str):
            return value  # the type is wrong: pydantic says so
        found = meaning(value, words)
        if found is None:
            near = nearest(tidy(value), words)
            context = {"known": meanings(words), "near": words[near] if near else ""}
            raise PydanticCustomError("word", "unknown word", context)
        return found

    return BeforeValidator(look_up)


def _not_empty(value: str) -> str:
    if not value:
        raise PydanticCustomError("empty", "empty")
    return value


def _town_code(value: str) -> str:
    if value and not re.fullmatch(r"[0-9]{9}", value):
        raise PydanticCustomError("town_code", "not nine digits")
    return value


def _date(value: object) -> object:
    if (found := parse_date(value)) is None:
        raise PydanticCustomError("date", "not a date")
    return found


def _to_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _size(value: object) -> object:
    numbers = isinstance(value, list) and len(value) == 2 and all(type(part) in (int, float) for part in value)
    if not numbers or not 0 < value[0] < value[1]:  # type: ignore[index]
        raise PydanticCustomError("size", "no size")
    return tuple(float(part) for part in value)  # type: ignore[attr-defined]


Text = Annotated[str, AfterValidator(tidy)]
SomeText = Annotated[str, AfterValidator(tidy), AfterValidator(_not_empty)]
Kind = Annotated[GridKind, _one_of(KIND_WORDS)]
# "none" says on purpose that a value is no barrier, so that it gets no warning
RankOrNone = Annotated[Literal["river", "main-road", "road", "lane", "none"], _one_of(RANK_WORDS)]
Rank = Annotated[
    Literal["river", "main-road", "road", "lane"], _one_of({w: r for w, r in RANK_WORDS.items() if r != "none"})
]
_STREET_RANK_WORDS = {word: rank for word, rank in RANK_WORDS.items() if rank not in ("none", "river")}
PersonalFields = list[Annotated[Literal["photo", "mobile"], _one_of(PERSONAL_FIELD_WORDS)]]
Names = Annotated[list[SomeText], Field(min_length=1)]
Metres = Annotated[float, Field(ge=0)]


class Table(BaseModel):
    """A table of gridgeo.toml: no other keys, no conversion of types, no infinite numbers."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class TownTable(Table):
    """``[town]``."""

    name: SomeText
    code: Annotated[Text, AfterValidator(_town_code)] = ""
    crs: SomeText | None = None
    extent: SomeText | None = None
    watermark: Text = ""
    attribution: Text = ""


class SourceTable(Table):
    """The keys that say where a layer or barrier comes from."""

    file: SomeText
    layer: SomeText | None = None
    id: SomeText | None = None
    name: SomeText | None = None
    crs: SomeText | None = None
    encoding: SomeText | None = None
    where: SomeText | None = None


class LayerTable(SourceTable):
    """``[layers.KEY]``."""

    kind: Kind | None = None


class BarrierTable(SourceTable):
    """``[barriers.KEY]``."""

    rank: RankOrNone | None = None
    rank_column: SomeText | None = None
    ranks: dict[str, RankOrNone] | None = None
    bridge: SomeText | None = None
    tunnel: SomeText | None = None
    level: SomeText | None = None
    no_crossing: list[SomeText] = []

    @model_validator(mode="after")
    def _one_way_to_say_the_rank(self) -> BarrierTable:
        if self.rank is not None and (self.rank_column is not None or self.ranks is not None):
            raise PydanticCustomError("rank_twice", "rank given twice")
        if self.rank is None and (self.rank_column is None or not self.ranks):
            raise PydanticCustomError("rank_missing", "no rank")
        return self


_KEYS_OF_CLAIMS = {
    "tiling": ("within", "tolerance"),
    "nesting": ("within", "parent_column", "tolerance"),
    "along": ("rank", "tolerance", "share", "scope", "parent_column", "uncut_by"),
    "seam": ("tolerance",),
    "consistent": ("within", "tolerance"),
    "sections": ("within", "tolerance", "rank"),
    "staffed": ("least", "most"),
}
"""The kinds of claims, and the keys that go with each."""


_KEYS_BESIDE = ("within", "parent_column", "tolerance", "rank", "share", "scope", "uncut_by", "least", "most")


class ClaimTable(Table):
    """``[claims.KEY]``: one claim, said by one of the keys of `_KEYS_OF_CLAIMS`."""

    tiling: Names | None = None
    nesting: SomeText | None = None
    along: Annotated[Names, BeforeValidator(_to_list)] | None = None
    seam: list[SomeText] | None = None
    consistent: SomeText | None = None
    sections: SomeText | None = None
    staffed: SomeText | None = None
    within: Annotated[Names, BeforeValidator(_to_list)] | None = None
    parent_column: SomeText | None = None
    tolerance: Metres | None = None
    rank: Rank | None = None
    share: Annotated[float, Field(ge=0, le=1)] | None = None
    scope: Annotated[Literal["inner", "all"], _one_of({"inner": "inner", "all": "all"})] | None = None
    uncut_by: Rank | None = None
    least: Annotated[int, Field(ge=1)] | None = None
    most: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _one_claim(self) -> ClaimTable:
        kinds = [kind for kind in _KEYS_OF_CLAIMS if getattr(self, kind) is not None]
        if len(kinds) != 1:
            raise PydanticCustomError("claim_kind", "not one claim")
        ((kind, known),) = ((kind, _KEYS_OF_CLAIMS[kind]) for kind in kinds)
        if kind == "tiling" and self.parent_column is not None:
            raise PydanticCustomError("claim_parent_column", "not for a tiling")
        for key in _KEYS_BESIDE:
            if key not in known and getattr(self, key) is not None:
                context = {"key": key, "kind": kind, "known": ", ".join(known)}
                raise PydanticCustomError("claim_key", "not for this claim", context)
        if kind == "nesting" and self.within is None:
            raise PydanticCustomError("claim_parents", "no parents")
        if kind == "consistent" and self.within is None:
            raise PydanticCustomError("claim_blocks", "no blocks")
        if kind == "tiling" and self.within is not None and len(self.within) > 1:
            raise PydanticCustomError("claim_extent", "several extents")
        if self.seam is not None and len(set(self.seam)) != 2:
            raise PydanticCustomError("claim_seam", "not two layers")
        if kind == "along":
            self._check_along()
        if kind == "sections" and self.tolerance == 0:
            raise PydanticCustomError("claim_tolerance", "no tolerance")
        if self.least is not None and self.most is not None and self.least > self.most:
            raise PydanticCustomError("claim_staff", "least above most")
        return self

    def _check_along(self) -> None:
        if self.tolerance == 0:
            raise PydanticCustomError("claim_tolerance", "no tolerance")
        if self.scope == "all" and self.parent_column is not None:
            raise PydanticCustomError("claim_scope", "parents are of no use")
        if self.scope == "inner" and self.parent_column is None and self.along != ["blocks"]:
            raise PydanticCustomError("claim_scope", "no parents")


def _place(value: object) -> object:
    fits = isinstance(value, list) and len(value) == 2 and all(type(part) in (int, float) for part in value)
    if not fits or not (-180 <= value[0] <= 180 and -90 <= value[1] <= 90):  # type: ignore[index]
        raise PydanticCustomError("place", "no place")
    return tuple(float(part) for part in value)  # type: ignore[attr-defined]


class ExceptionTable(Table):
    """``[[exceptions]]``: a fault that is meant."""

    code: SomeText
    reason: SomeText
    at: Annotated[tuple[float, float], BeforeValidator(_place)] | None = None
    features: Annotated[Names, BeforeValidator(_to_list)] | None = None
    claim: SomeText | None = None
    area: Metres | None = None

    @model_validator(mode="after")
    def _somewhere(self) -> ExceptionTable:
        if self.at is None and self.features is None:
            raise PydanticCustomError("exception_place", "neither place nor features")
        return self


class WorkloadTable(Table):
    """``[workload.KEY]``."""

    layer: SomeText | None = None
    column: SomeText | None = None
    weight: Annotated[float, Field(ge=0)] = 1.0
    footprints: SomeText | None = None
    measure: Annotated[Literal["area", "street-length"], _one_of(MEASURE_WORDS)] | None = None
    tolerance: Annotated[float, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _one_source(self) -> WorkloadTable:
        if (self.layer is None) == (self.measure is None):
            raise PydanticCustomError("workload_source", "not one source")
        if self.measure is not None and (self.column is not None or self.footprints is not None):
            raise PydanticCustomError("workload_measured", "columns are of no use")
        return self


class PartitionTable(Table):
    """``[partition]``."""

    layers: list[SomeText] = []
    target: Annotated[float, Field(gt=0)] | None = None
    count: Annotated[int, Field(ge=1)] | None = None
    size: Annotated[tuple[float, float], BeforeValidator(_size)] | None = None
    preset: Annotated[Literal["community", "micro", "cell"], _one_of(PRESET_WORDS)] | None = None
    measure: SomeText | None = None
    tolerance: Annotated[float, Field(gt=0, lt=1)] = 0.2
    seed: Annotated[int, Field(ge=0)] = 0
    output: SomeText | None = None
    extend_dead_ends: Annotated[float, Field(ge=0)] = 0.0
    sliver_below: Annotated[float, Field(ge=0)] = 1000.0
    needle_below: Annotated[float, Field(ge=0)] = 12.0
    keep_whole: list[SomeText] = []
    compact: Annotated[float, Field(ge=0)] = 1.0
    seconds: Annotated[float, Field(gt=0)] = 60.0
    uncut_by: Rank | None = None
    keep_together: list[SomeText] = []
    set_column: SomeText = "set"
    borders: list[SomeText] = []
    no_borders: list[SomeText] = []
    parents: list[SomeText] = []
    locked: list[SomeText] = []
    heads: list[SomeText] = []
    codes: Text = ""
    code_object: Text = ""

    @model_validator(mode="after")
    def _one_size(self) -> PartitionTable:
        if sum(each is not None for each in (self.count, self.target, self.size, self.preset)) > 1:
            raise PydanticCustomError("several_sizes", "several given")
        return self


class SectionsTable(Table):
    """``[sections]``."""

    target: Annotated[float, Field(gt=0)] | None = None
    count: Annotated[int, Field(ge=1)] | None = None
    tolerance: Annotated[float, Field(gt=0, lt=1)] | None = None
    seed: Annotated[int, Field(ge=0)] | None = None
    rank: Annotated[Literal["main-road", "road", "lane"], _one_of(_STREET_RANK_WORDS)] | None = None
    workload: dict[str, Annotated[float, Field(gt=0)]] | None = None
    output: SomeText | None = None


class ShiftTable(Table):
    """``[shifts.KEY]``."""

    name: SomeText | None = None
    hours: Text = ""


class RowsTable(Table):
    """``[tasks]``, ``[services]`` and ``[boards]``: a table file and/or rows."""

    file: SomeText | None = None
    sheet: SomeText | None = None
    columns: dict[str, SomeText] = {}
    rows: list[dict[str, Any]] = []


class PeopleTable(RowsTable):
    """``[people]``."""

    photos: SomeText | None = None


class NoticeTable(Table):
    """``[notice]``."""

    issuer: Text = ""
    date: Annotated[dt.date, BeforeValidator(_date)] | None = None
    version: Text = ""
    supervision_phone: Text = ""
    approval_number: Text = ""
    disclaimer: SomeText | None = None
    web: Text = ""
    frontage: Text = ""
    theme: SomeText | None = None
    template: SomeText | None = None


class PrivacyTable(Table):
    """``[privacy]``: what is shown of people at most, by audience."""

    wall: PersonalFields | None = None
    wechat: PersonalFields | None = None
    web: PersonalFields | None = None
