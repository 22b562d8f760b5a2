"""From gridgeo.toml and the files that it names to a `Town`: all is opened and checked before anything is refused."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyproj

from gridgeo._collector import collector_paused
from gridgeo._words import listed, nearest, shown
from gridgeo.crs import MapSystem, parse_crs, those_like_gcj02, working_crs
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.layers import Layer, list_layers, read_layer
from gridgeo.layers._database import is_database
from gridgeo.progress import track
from gridgeo.town import (
    Alignment,
    Allowed,
    Claim,
    Consistency,
    Drafting,
    Nesting,
    Privacy,
    Publication,
    Seam,
    SectionDrafting,
    Staffing,
    StreetTiling,
    Tiling,
    Town,
    Workload,
)
from gridgeo.town._barriers import BarrierFile, barriers_from
from gridgeo.town._file import TownFile, read_town_file
from gridgeo.town._fit import bounds_in_degrees, distance_between, misfit
from gridgeo.town._schema import BarrierTable, ClaimTable, LayerTable, SourceTable
from gridgeo.town.duties import USUAL_SHIFTS, Shift
from gridgeo.town.roster import Roster, Units, read_roster
from gridgeo.town.tables import missing_file

FILE_NAME = "gridgeo.toml"
BLOCKS = "blocks"
"""The layer of drafted blocks, and the key by which claims name it."""

SECTIONS = "sections"
"""The layer of drafted sections, and the key by which claims name it."""

_BLOCK_COLUMNS = ("grid", "grid_layer", "kind")
_ONE_FILE_MANY_LAYERS = frozenset({".gpkg", ".gdb", ".sqlite"})

_WEB_ADDRESS = re.compile(r"https?://[^\s/?#]+[^\s?#]*", re.IGNORECASE)
_NOT_WEB = Message(
    '"{given}" is no web address below which pages can lie; write it as https://grid.example.cn/town',
    "“{given}”不是可存放网页的网址；请写作 https://grid.example.cn/town",
)
_READING = Message("Reading layers", "读取图层")
_NO_CRS = Message(
    'the file doesn\'t say its CRS; add crs = "EPSG:…" here or in [town]',
    '文件未注明坐标系；请在此处或 [town] 中添加 crs = "EPSG:…"',
)
_MISFIT = Message(
    "its coordinates ({bounds}) don't fit its CRS ({crs}); correct the one that is wrong",
    "坐标（{bounds}）与坐标系（{crs}）不符；请更正有误的一方",
)
_FAR = 1000.0
"""Metres from the town at which a layer has nothing to do with it."""
_ELSEWHERE = Message(
    "lies wholly outside {town}, {kilometres:,.1f} km away; correct its CRS or coordinates, or take the right file",
    "完全在{town}之外，相距 {kilometres:,.1f} 千米；请更正坐标系或坐标，或换用正确的文件",
)
_MAP_SYSTEM_OUT = Message(
    "results can't be written in {crs}; give a CRS such as EPSG:4490 (layers may be in {crs}: say so in their tables)",
    "不能以 {crs} 输出成果；请给出 EPSG:4490 等坐标系（图层可以是 {crs}，在各自的表中注明即可）",
)
_NO_LAYER_NEAR = Message('there is no layer "{key}"; did you mean "{near}"?', "没有图层“{key}”；是否应为“{near}”？")
_NO_LAYER = Message('there is no layer "{key}"; layers are: {known}', "没有图层“{key}”；现有图层：{known}")
_NO_COLUMN_NEAR = Message(
    'layer "{key}" has no column "{column}"; did you mean "{near}"?', "图层“{key}”没有列“{column}”；是否应为“{near}”？"
)
_NO_COLUMN = Message(
    'layer "{key}" has no column "{column}"; columns are: {known}', "图层“{key}”没有列“{column}”；现有列：{known}"
)
_NO_CLAIM_NEAR = Message('there is no claim "{key}"; did you mean "{near}"?', "没有声明“{key}”；是否应为“{near}”？")
_NO_CLAIM = Message('there is no claim "{key}"; claims are: {known}', "没有声明“{key}”；现有声明：{known}")
_NOT_NUMBERS = Message(
    'column "{column}" of layer "{key}" does not hold numbers only: {values}',
    "图层“{key}”的列“{column}”含有非数字：{values}",
)
_NO_BARRIERS = Message(
    "along needs barriers, and there are none: add a table [barriers.KEY] with the roads or rivers",
    "along 需要边界线，但尚未提供：请添加 [barriers.键] 表（道路或河道）",
)
_NO_STREET_LINES = Message(
    "sections need streets, and there are none: add a table [barriers.KEY] with the roads",
    "sections 需要道路线，但尚未提供：请添加 [barriers.键] 表（道路）",
)
_NOT_POLYGONS = Message(
    "holds {types} and no polygons; grids and the extent are polygons", "只有 {types}，没有面；网格和范围须为面"
)
_NO_FEATURES = Message("holds no features", "没有任何要素")
_NO_KIND = Message(
    'layer "{key}" has no kind, so it is no grid to be cut; add kind = "residential" (or village, street, extended)'
    " to its table",
    '图层“{key}”没有 kind，不是可划分的网格；请在其表中添加 kind = "residential"（或 village、street、extended）',
)
_OWN_BLOCKS = Message(
    "the key blocks is the one of the drafted blocks ([partition] output); give this layer another key",
    "键 blocks 专用于划分出的责任块（[partition] 的 output）；请为此图层换一个键",
)
_OWN_SECTIONS = Message(
    "the key sections is the one of the drafted sections ([sections] output); give this layer another key",
    "键 sections 专用于划分出的责任路段（[sections] 的 output）；请为此图层换一个键",
)
_NOT_LINES = Message("holds {types}; sections are lines", "含有 {types}；责任路段须为线")
_BAD_SHIFT = Message(
    'the shift\'s name "{name}" is the one of another shift; give it a name of its own',
    "班次名称“{name}”与另一班次相同；请另取名称",
)
_SHARED_IDS = Message(
    "{count} ids occur in several layers of grids, such as {ids}; people and block codes can't tell them apart:"
    " name columns with ids that are unique in the town",
    "{count} 个编号在多个网格图层中重复，如 {ids}；人员和责任块编码将无法区分：请使用全镇唯一的编号列",
)
_FOREIGN_CODES = Message(
    "{count} of the 12-digit grid ids don't begin with the town's code {code}, such as {ids}",
    "{count} 个 12 位网格编号不以镇代码 {code} 开头，如 {ids}",
)


@collector_paused()
def read(path: Path) -> Town:
    """Read the town project at ``path``, a gridgeo.toml or its folder: see `gridgeo.town.read_town`."""
    town_file, problems = read_town_file(path / FILE_NAME if path.is_dir() else path)
    return _Reader(town_file, problems).town()


@dataclass
class _Reader:
    """The reading of one town: what was found wrong, and what is doubtful, so far."""

    file: TownFile
    problems: list[Problem]
    warnings: list[Problem] = field(default_factory=list)

    def town(self) -> Town:
        """Read everything; raise all that is wrong at once."""
        given_crs = self._given_crs()
        layers, barrier_layers = self._layers(given_crs)
        blocks = self._blocks(layers)
        sections = self._sections(layers)
        shifts = self._shifts()
        extent = self._extent(layers)
        claims = self._claims(layers, blocks)
        exceptions = self._exceptions()
        workload = self._workload(layers)
        drafting = self._drafting(layers)
        self._check_grid_ids(layers)
        sectioning = self._sectioning()
        roster = self._roster(layers, blocks, sections, shifts)
        publication = self._publication()
        metric = self._working_crs(extent, [*layers.values(), *barrier_layers.values()])
        if self.problems or metric is None or self.file.town is None:
            raise InputError(_once(self.problems))
        if extent is not None:
            others = [layer for layer in (*layers.values(), *barrier_layers.values()) if layer is not extent]
            self.warnings += those_like_gcj02(others, extent)
        drafted = [layer for layer in (blocks, sections) if layer is not None and layer not in layers.values()]
        self._check_places(extent, [*layers.values(), *barrier_layers.values(), *drafted], metric)
        said = self.file.town
        grids = [layer for layer in layers.values() if layer.kind is not None]
        first = next(iter([*([extent] if extent else []), *grids, *layers.values()]))
        empty, _ = barriers_from([], metric)
        town = Town(
            path=self.file.path,
            name=said.name,
            code=said.code,
            crs=given_crs or first.frame.crs,
            working_crs=metric,
            extent=extent,
            layers=layers,
            blocks=blocks,
            barriers=empty,
            claims=claims,
            workload=workload,
            drafting=drafting,
            people=roster.people,
            tasks=roster.tasks,
            services=roster.services,
            boards=roster.boards,
            publication=publication,
            privacy=self._privacy(),
            watermark=said.watermark,
            attribution=said.attribution,
            exceptions=exceptions,
            sections=sections,
            sectioning=sectioning,
            shifts=shifts,
        )
        files = [
            BarrierFile(layer, self.file.barriers[key], self.file.place(f"barriers.{key}"), town.to_working(layer))
            for key, layer in barrier_layers.items()
        ]
        barriers, doubts = barriers_from(files, metric)
        complete = replace(town, barriers=barriers, problems=tuple(_once([*self.warnings, *doubts])))
        barrier_ids = {id(layer) for layer in barrier_layers.values()}
        complete._working.update((key, done) for key, done in town._working.items() if key not in barrier_ids)
        return complete

    # ------------------------------------------------------------------------------------------------- map files

    def _given_crs(self) -> pyproj.CRS | None:
        if self.file.town is None or self.file.town.crs is None:
            return None
        parsed = self._parse_crs(self.file.town.crs, self.file.place("town", "crs"))
        if isinstance(parsed, MapSystem):
            values: dict[str, object] = {"crs": parsed.value}
            self.problems.append(Problem(self.file.place("town", "crs"), _MAP_SYSTEM_OUT, values))
            return None
        return parsed

    def _parse_crs(self, text: str, place: str) -> pyproj.CRS | MapSystem | None:
        try:
            return parse_crs(text)
        except InputError as error:
            self.problems += [replace(problem, where=place) for problem in error.problems]
            return None

    def _layers(self, given_crs: pyproj.CRS | None) -> tuple[dict[str, Layer], dict[str, Layer]]:
        layers: dict[str, Layer] = {}
        barriers: dict[str, Layer] = {}
        tables: list[tuple[str, str, SourceTable]] = [
            *(("layers", key, table) for key, table in self.file.layers.items()),
            *(("barriers", key, table) for key, table in self.file.barriers.items()),
        ]
        for section, key, table in track(tables, _READING):
            layer = self._layer(f"{section}.{key}", key, table, given_crs)
            if layer is not None:
                (layers if section == "layers" else barriers)[key] = layer
                self.warnings += layer.problems
        for key, layer in layers.items():
            if not len(layer.frame):
                self.warnings.append(Problem(layer.source, _NO_FEATURES))
            elif layer.kind is not None or (self.file.town and self.file.town.extent == key):
                types = layer.frame.geom_type.drop_duplicates()
                if not types.isin(["Polygon", "MultiPolygon", "GeometryCollection"]).any():
                    self.problems.append(Problem(layer.source, _NOT_POLYGONS, {"types": listed(types)}))
        return layers, barriers

    def _layer(self, table: str, key: str, said: SourceTable, given_crs: pyproj.CRS | None) -> Layer | None:
        source: str | Path = said.file
        if not is_database(said.file):
            source = self.file.resolve(said.file)
            if not source.exists():
                self.problems.append(missing_file(source, self.file.place(table, "file")))
                return None
        crs = self._parse_crs(said.crs, self.file.place(table, "crs")) if said.crs is not None else None
        columns: list[str] | None = None
        if isinstance(said, BarrierTable):
            columns = [name for name in (said.rank_column, said.bridge, said.tunnel, said.level) if name is not None]
        try:
            layer = read_layer(
                source,
                name=key,
                layer=said.layer,
                id_column=said.id,
                name_column=said.name,
                kind=said.kind if isinstance(said, LayerTable) else None,
                crs=crs,
                encoding=said.encoding,
                columns=columns,
                where=said.where,
            )
        except InputError as error:
            self.problems += error.problems
            return None
        return self._with_crs(layer, said, given_crs, table)

    def _with_crs(self, layer: Layer, said: SourceTable, given: pyproj.CRS | None, table: str) -> Layer | None:
        """Return ``layer`` with a CRS that its coordinates can be in, or say that it has none."""
        frame = layer.frame
        own = frame.crs
        if said.crs is None and given is not None and (own is None or (misfit(frame.total_bounds, own))):
            # formats without a CRS of their own (GeoJSON, KML) are taken for degrees, which metres can't be
            layer = layer.with_frame(frame.set_crs(given, allow_override=True))
            own = given
        if own is None:
            if said.crs is None:  # else it has been said that the stated one is no CRS
                self.problems.append(Problem(self.file.place(table), _NO_CRS))
            return None
        if misfit(layer.frame.total_bounds, own):
            bounds = listed(f"{value:g}" for value in layer.frame.total_bounds)
            self.problems.append(Problem(layer.source, _MISFIT, {"bounds": bounds, "crs": own.name}))
            return None
        return layer

    def _check_places(self, extent: Layer | None, layers: Iterable[Layer], metric: pyproj.CRS) -> None:
        """Warn of layers that lie nowhere near the town: they would be drawn and measured without a word."""
        if extent is None:
            return
        for layer in layers:
            if layer is not extent and (away := distance_between(layer.frame, extent.frame, metric)) > _FAR:
                values: dict[str, object] = {"kilometres": away / 1000, "town": extent.source or extent.name}
                self.warnings.append(Problem(layer.source or layer.name, _ELSEWHERE, values))

    def _blocks(self, layers: Mapping[str, Layer]) -> Layer | None:
        output = self.file.partition.output
        if BLOCKS in self.file.layer_keys:
            if output is not None:
                self.problems.append(Problem(self.file.place(f"layers.{BLOCKS}"), _OWN_BLOCKS))
            own = layers.get(BLOCKS)
            return own if own is not None and set(_BLOCK_COLUMNS) <= set(own.frame.columns) else None
        if output is None or not self.file.resolve(output).exists():
            return None
        path = self.file.resolve(output)
        try:
            names = [info.name for info in list_layers(path)]
            if BLOCKS not in names and path.suffix.lower() in _ONE_FILE_MANY_LAYERS:
                return None  # a file with other layers, to which the blocks will be added
            chosen = BLOCKS if BLOCKS in names else None
            blocks = read_layer(path, name=BLOCKS, layer=chosen, id_column="code", name_column="name")
        except InputError as error:
            self.problems += error.problems
            return None
        missing = [column for column in _BLOCK_COLUMNS if column not in blocks.frame.columns]
        for column in missing:
            self._no_column(blocks, BLOCKS, column, blocks.source)
        self.warnings += blocks.problems
        return None if missing else blocks

    def _sections(self, layers: Mapping[str, Layer]) -> Layer | None:
        """Return the sections: a layer of that key, or what ``gridgeo partition`` has written."""
        output = self.file.sections.output if self.file.sections is not None else None
        if SECTIONS in self.file.layer_keys:
            if output is not None:
                self.problems.append(Problem(self.file.place(f"layers.{SECTIONS}"), _OWN_SECTIONS))
            found = layers.get(SECTIONS)
        elif output is None or not self.file.resolve(output).exists():
            return None
        else:
            path = self.file.resolve(output)
            try:
                if SECTIONS not in (names := [info.name for info in list_layers(path)]) and len(names) > 1:
                    return None  # a file with other layers, to which the sections will be added
                chosen = SECTIONS if SECTIONS in names else None
                found = read_layer(path, name=SECTIONS, layer=chosen, id_column="code", name_column="name")
            except InputError as error:
                self.problems += error.problems
                return None
            self.warnings += found.problems
        if found is not None and len(found.frame):
            types = found.frame.geom_type.dropna().drop_duplicates()
            if not types.isin(["LineString", "MultiLineString"]).all():
                self.problems.append(Problem(found.source, _NOT_LINES, {"types": listed(types)}))
                return None
        return found

    def _shifts(self) -> tuple[Shift, ...]:
        usual = {shift.key: shift for shift in USUAL_SHIFTS}
        shifts: list[Shift] = []
        for key, said in self.file.shifts.items():
            name = said.name or (usual[key].name if key in usual else key)
            if name in {shift.name for shift in shifts}:
                self.problems.append(Problem(self.file.place(f"shifts.{key}", "name"), _BAD_SHIFT, {"name": name}))
            shifts.append(Shift(key, name, said.hours))
        return tuple(shifts) or USUAL_SHIFTS

    def _sectioning(self) -> SectionDrafting | None:
        said = self.file.sections
        if said is None:
            return None
        for key in said.workload or {}:
            self._check_layer(key, self.file.place("sections", f"workload.{key}"))
        given = said.model_dump(exclude_none=True)
        if said.output is not None:
            given["output"] = self.file.resolve(said.output)
        return SectionDrafting(**given)

    def _extent(self, layers: Mapping[str, Layer]) -> Layer | None:
        if self.file.town is None or self.file.town.extent is None:
            return None
        self._check_layer(self.file.town.extent, self.file.place("town", "extent"))
        return layers.get(self.file.town.extent)

    def _working_crs(self, extent: Layer | None, layers: Iterable[Layer]) -> pyproj.CRS | None:
        try:
            if extent is not None and len(extent.frame):
                return working_crs(extent)
            bounds = [
                bounds_in_degrees(layer.frame.total_bounds, layer.frame.crs) for layer in layers if len(layer.frame)
            ]
            if not bounds:
                return working_crs(extent) if extent is not None else working_crs((121.4, 31.0, 121.6, 31.2))
            west, south, east, north = np.array(bounds).T
            return working_crs((west.min(), south.min(), east.max(), north.max()))
        except InputError as error:
            self.problems += error.problems
            return None

    # --------------------------------------------------------------------------------------------- the other tables

    def _check_layer(self, key: str, place: str, *also: str) -> bool:
        known = [*self.file.layer_keys, *also]
        if key in known:
            return True
        near = nearest(key, known)
        values: dict[str, object] = {"key": shown(key), "near": near, "known": listed(known, most=20)}
        self.problems.append(Problem(place, _NO_LAYER_NEAR if near else _NO_LAYER, values))
        return False

    def _no_column(self, layer: Layer, key: str, column: str, place: str) -> None:
        columns = [str(name) for name in layer.frame.columns if name != layer.frame.geometry.name]
        near = nearest(column, columns)
        values = {"key": key, "column": shown(column), "near": near, "known": shown(listed(columns, most=20))}
        self.problems.append(Problem(place, _NO_COLUMN_NEAR if near else _NO_COLUMN, dict(values)))

    def _claims(self, layers: Mapping[str, Layer], blocks: Layer | None) -> tuple[Claim, ...]:
        claims: list[Claim] = []
        for name, said in self.file.claims.items():
            table = f"claims.{name}"
            within = tuple(said.within or ())
            for key in ("tiling", "nesting", "along", "seam", "consistent", "sections", "staffed", "within"):
                named = getattr(said, key) or ()
                drafted = [BLOCKS, *([SECTIONS] if self.file.sections is not None else [])]
                for layer in (named,) if isinstance(named, str) else named:
                    self._check_layer(layer, self.file.place(table, key), *drafted)
            if said.parent_column is not None:
                for key in (said.nesting,) if said.nesting is not None else said.along or ():
                    children = layers.get(key) or (blocks if key == BLOCKS else None)
                    if children is not None and said.parent_column not in children.frame.columns:
                        self._no_column(children, key, said.parent_column, self.file.place(table, "parent_column"))
            tolerance = said.tolerance or 0.0
            if said.tiling is not None:
                claims.append(Tiling(name, tuple(said.tiling), within[0] if within else None, tolerance))
            elif said.nesting is not None:
                claims.append(Nesting(name, said.nesting, within, said.parent_column, tolerance))
            elif said.seam is not None:
                first, second = said.seam
                claims.append(Seam(name, first, second, tolerance))
            elif said.consistent is not None:
                claims.append(Consistency(name, said.consistent, within, tolerance))
            elif said.along is not None:
                claims.append(self._alignment(name, said))
            elif said.sections is not None:
                claims.append(self._street_tiling(name, said))
            elif said.staffed is not None:
                given = {key: value for key in ("least", "most") if (value := getattr(said, key)) is not None}
                claims.append(Staffing(name, said.staffed, **given))
        return tuple(claims)

    def _alignment(self, name: str, said: ClaimTable) -> Alignment:
        layers = tuple(said.along or ())
        if not self.file.barriers:
            self.problems.append(Problem(self.file.place(f"claims.{name}", "along"), _NO_BARRIERS))
        column = said.parent_column
        if said.scope == "inner" and column is None:
            column = "grid"  # of the drafted blocks, the only layer that may leave it out
        given = {"rank": said.rank, "tolerance": said.tolerance, "share": said.share}
        stated = {key: value for key, value in given.items() if value is not None}
        return replace(Alignment(name, layers, parent_column=column, uncut_by=said.uncut_by), **stated)  # type: ignore[arg-type]

    def _street_tiling(self, name: str, said: ClaimTable) -> StreetTiling:
        if not self.file.barriers:
            self.problems.append(Problem(self.file.place(f"claims.{name}", "sections"), _NO_STREET_LINES))
        rank = said.rank or (self.file.sections.rank if self.file.sections is not None else None)
        given = {"rank": rank, "tolerance": said.tolerance}
        stated = {key: value for key, value in given.items() if value is not None}
        areas = tuple(said.within or (BLOCKS,))
        return replace(StreetTiling(name, str(said.sections), areas), **stated)  # type: ignore[arg-type]

    def _exceptions(self) -> tuple[Allowed, ...]:
        found = []
        for number, said in self.file.exceptions.items():
            table = f"exceptions.{number}"
            if said.claim is not None and said.claim not in self.file.claims:
                known = list(self.file.claims)
                near = nearest(said.claim, known)
                values: dict[str, object] = {"key": shown(said.claim), "near": near, "known": listed(known, most=20)}
                place = self.file.place(table, "claim")
                self.problems.append(Problem(place, _NO_CLAIM_NEAR if near else _NO_CLAIM, values))
            source = self.file.place(table)
            features = tuple(said.features or ())
            found.append(Allowed(said.code, said.reason, said.at, features, said.claim, said.area, source))
        return tuple(found)

    def _workload(self, layers: Mapping[str, Layer]) -> tuple[Workload, ...]:
        found = []
        for name, said in self.file.workload.items():
            if said.layer is not None:
                self._check_layer(said.layer, self.file.place(f"workload.{name}", "layer"))
            layer = layers.get(said.layer or "")
            if said.column is not None and layer is not None:
                place = self.file.place(f"workload.{name}", "column")
                if said.column not in layer.frame.columns:
                    self._no_column(layer, str(said.layer), said.column, place)
                else:
                    column = layer.frame[said.column]
                    wrong = column[column.notna() & pd.to_numeric(column, errors="coerce").isna()]
                    if len(wrong):
                        samples = listed((shown(value) for value in wrong.drop_duplicates()), most=3)
                        values = {"column": shown(said.column), "key": said.layer, "values": samples}
                        self.problems.append(Problem(place, _NOT_NUMBERS, dict(values)))
            if said.footprints is not None:
                self._check_layer(said.footprints, self.file.place(f"workload.{name}", "footprints"))
            found.append(
                Workload(
                    name, said.layer or "", said.column, said.weight, said.footprints, said.measure, said.tolerance
                )
            )
        return tuple(found)

    def _drafting(self, layers: Mapping[str, Layer]) -> Drafting:
        said = self.file.partition
        place = self.file.place("partition", "layers")
        for key in said.layers:
            if self._check_layer(key, place) and key in layers and layers[key].kind is None:
                self.problems.append(Problem(place, _NO_KIND, {"key": key}))
        output = self.file.resolve(said.output) if said.output is not None else None
        for name in ("keep_whole", "keep_together", "borders", "no_borders", "parents", "locked", "heads"):
            for key in getattr(said, name):
                self._check_layer(key, self.file.place("partition", name))
        for key in said.keep_together:
            if key in layers and said.set_column not in layers[key].frame.columns:
                self._no_column(layers[key], key, said.set_column, self.file.place("partition", "set_column"))
        return Drafting(
            layers=tuple(said.layers),
            count=said.count,
            target=said.target,
            tolerance=said.tolerance,
            seed=said.seed,
            output=output,
            extend_dead_ends=said.extend_dead_ends,
            sliver_below=said.sliver_below,
            needle_below=said.needle_below,
            keep_whole=tuple(said.keep_whole),
            size=said.size,
            preset=said.preset,
            measure=said.measure or "",
            compact=said.compact,
            seconds=said.seconds,
            uncut_by=said.uncut_by,
            keep_together=tuple(said.keep_together),
            set_column=said.set_column,
            borders=tuple(said.borders),
            no_borders=tuple(said.no_borders),
            parents=tuple(said.parents),
            locked=tuple(said.locked),
            heads=tuple(said.heads),
            codes=said.codes,
            code_object=said.code_object,
        )

    def _check_grid_ids(self, layers: Mapping[str, Layer]) -> None:
        ids = [layer.ids for layer in layers.values() if layer.kind is not None]
        if not ids:
            return
        together = pd.concat(ids, ignore_index=True)
        shared = together[together.duplicated()].drop_duplicates()
        if len(shared):
            values: dict[str, object] = {"count": len(shared), "ids": shown(listed(shared, most=3))}
            self.warnings.append(Problem(str(self.file.path), _SHARED_IDS, values))
        code = self.file.town.code if self.file.town is not None else ""
        foreign = together[together.str.fullmatch(r"[0-9]{12}") & ~together.str.startswith(code)]
        if code and len(foreign):
            values = {"count": len(foreign), "code": code, "ids": listed(foreign, most=3)}
            self.warnings.append(Problem(str(self.file.path), _FOREIGN_CODES, values))

    def _roster(
        self, layers: Mapping[str, Layer], blocks: Layer | None, sections: Layer | None, shifts: Sequence[Shift]
    ) -> Roster:
        tiled = {key for claim in self.file.claims.values() for key in claim.tiling or ()}
        wanted = [key for key, table in self.file.layers.items() if table.kind is not None or key in tiled]
        units = None
        unread = set(self.file.layer_keys) - set(layers)
        if not unread and self.file.town is not None:
            grids = {unit: name for key in wanted for unit, name in _named(layers[key]).items()}
            drafted = {} if sections is None else _named(sections)
            units = Units(self.file.town.code, grids, None if blocks is None else _named(blocks), drafted)
        roster = read_roster(self.file, units, shifts)
        self.problems += roster.problems
        self.warnings += roster.warnings
        return roster

    def _publication(self) -> Publication:
        said = self.file.notice.model_dump(exclude_none=True)
        for key in ("theme", "template"):
            if key in said:
                path = said[key] = self.file.resolve(said[key])
                if not path.is_file():
                    self.problems.append(missing_file(path, self.file.place("notice", key)))
        web = said.get("web", "")
        if web and not _WEB_ADDRESS.fullmatch(web):
            self.problems.append(Problem(self.file.place("notice", "web"), _NOT_WEB, {"given": shown(web)}))
        return Publication(**said)

    def _privacy(self) -> Privacy:
        said = self.file.privacy.model_dump(exclude_none=True)
        return Privacy(**{audience: tuple(fields) for audience, fields in said.items()})


def _named(layer: Layer) -> dict[str, str]:
    return dict(zip(layer.ids, layer.names, strict=True))


def _once(problems: Iterable[Problem]) -> list[Problem]:
    """Return ``problems`` without repetitions: two tables that name the same broken file say so once."""
    return list({(problem.where, problem.text("en")): problem for problem in problems}.values())
