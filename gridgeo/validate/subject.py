"""What is being validated: the features of one or several layers, side by side in one CRS.

Layers that share a CRS stay in it: whether borders agree is decided in the coordinates as they are, to the last bit.
Layers in different CRSs are brought to one in metres, and vertices that became different by the last digits are made
one again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pyproj
import shapely

from gridgeo.coverage import Edges, extract_edges
from gridgeo.crs import match_vertices, to_crs, working_crs
from gridgeo.errors import InputError, Problem
from gridgeo.language import Language, Message
from gridgeo.layers import Layer
from gridgeo.validate.faults import Fault
from gridgeo.validate.features import NumbersAsText, RowName, check_geometry, check_ids
from gridgeo.validate.measure import LateWidths, Sizes, areas_and_lengths, measure, total_area
from gridgeo.validate.wording import Names, Part, Worded, part_of

LayerLike: TypeAlias = gpd.GeoDataFrame | Layer
Geometries: TypeAlias = npt.NDArray[np.object_]

MATCHED = 1e-5
"""Metres. Vertices of layers in different CRSs that are no further apart are one vertex."""

_NO_LAYER = Message("there is nothing to validate: name at least one layer", "没有可校验的内容：请至少指定一个图层")
_NO_CRS = Message(
    "the layer has no CRS, so nothing can be measured; set it with frame.set_crs(...)",
    "图层没有坐标参考系，无法量算；请用 frame.set_crs(...) 设置",
)
_NO_COLUMN = Message("no column {column}; there are: {columns}", "没有列 {column}；现有列：{columns}")
_LEFT_OUT = Message("{name} was {problem}.", "要素 {name} {problem}。")
_DOUBT = Message("{problem}.", "{problem}。")


@dataclass(frozen=True)
class Subject:
    """Features of all layers, one after another.

    Parameters
    ----------
    polygons : ndarray of Polygon or MultiPolygon
        In ``crs``, mended where they were broken; None where a feature can't take part.
    layer, id : ndarray of str
        Of each feature; an id is "" where it is missing.
    name : ndarray
        What each feature is called in messages: str, or something that is put into words later.
    crs : pyproj.CRS
        In which topology is decided.
    measure_crs : pyproj.CRS
        In metres through the layers.
    faults : tuple of Fault
        Of the features by themselves, and of the extent or parents.
    scars : dict
        Where mended polygons were broken, by index.
    sources : mapping of str to str
        File of each layer, where known.
    known_edges : Edges, optional
        Of the polygons, where they were taken out already.
    plain : ndarray of bool, optional
        Which polygons are known to have rings that touch nowhere.
    """

    polygons: Geometries
    layer: npt.NDArray[np.object_]
    id: npt.NDArray[np.object_]
    name: npt.NDArray[np.object_]
    crs: pyproj.CRS
    measure_crs: pyproj.CRS
    faults: tuple[Fault, ...]
    scars: Mapping[int, shapely.Geometry] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    known_edges: Edges | None = None
    plain: npt.NDArray[np.bool_] | None = None

    @cached_property
    def edges(self) -> Edges:
        """The polygons as arrays of vertices."""
        return extract_edges(self.polygons) if self.known_edges is None else self.known_edges

    @cached_property
    def boxes(self) -> npt.NDArray[np.float64]:
        """Box of each polygon."""
        boxes: npt.NDArray[np.float64] = shapely.bounds(self.polygons)
        return boxes

    @cached_property
    def middle(self) -> npt.NDArray[np.float64]:
        """The middle of all polygons; nought where there are none."""
        there = np.flatnonzero(~np.isnan(self.boxes[:, 0]))
        if not len(there):
            return np.zeros(2)
        west, south, east, north = (self.boxes[:, axis][there] for axis in range(4))
        return np.array([west.min() + east.max(), south.min() + north.max()]) / 2

    def measure(self, polygons: Geometries) -> Sizes:
        """Measure polygons of ``crs`` in metres."""
        return measure(polygons, self.crs, self.measure_crs)

    def areas_and_lengths(self, polygons: Geometries) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Square metres of polygons of ``crs`` and metres of their borders."""
        return areas_and_lengths(polygons, self.crs, self.measure_crs)

    def late_widths(self, polygons: Geometries) -> LateWidths:
        """Return the widths of polygons of ``crs``, to be measured when they are asked for."""
        return LateWidths(polygons, self.crs, self.measure_crs)

    def total_area(self, polygons: Geometries) -> float:
        """Square metres of all polygons of ``crs`` together."""
        return total_area(polygons, self.crs, self.measure_crs)

    def units(self, metres: float) -> float:
        """Return a small length in units of ``crs``."""
        if self.crs.is_geographic:
            return metres / 111_320.0
        return metres / float(self.crs.axis_info[0].unit_conversion_factor or 1.0)

    def id_of(self, index: int) -> str:
        """Id of a feature; "" where it is missing."""
        return str(vars(self)["id"][index])

    def name_of(self, index: int) -> str | Worded:
        """Return what a feature is called."""
        name: str | Worded = vars(self)["name"][index]
        return name

    def called(self, indices: Iterable[int]) -> Names:
        """Return what some features are called."""
        return Names(tuple(map(self.name_of, indices)))

    def layers_of(self, indices: Iterable[int]) -> tuple[str, ...]:
        """Keys of the layers of some features, in the order of the layers."""
        if len(self.keys) == 1:
            return self.keys
        mine = {self.layer[index] for index in indices}
        return tuple(key for key in self.keys if key in mine)

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """Keys of all layers that have features, in their order."""
        return tuple(dict.fromkeys(self.layer))

    def ids_of(self, indices: Iterable[int]) -> tuple[str, ...]:
        """Ids of some features."""
        return tuple(text for text in map(self.id_of, indices) if text)

    def part(self, indices: Sequence[int], place: shapely.Geometry) -> Part | None:
        """Say where in the first of some features a place lies."""
        for index in indices:
            if self.polygons[index] is not None:
                return part_of(self.name_of(index), tuple(self.boxes[index].tolist()), place.bounds)
        return None


class _Every:
    """A field of texts that may be made when they are asked for: all of them are made when the field is read."""

    def __init__(self, field_name: str) -> None:
        self.field_name = field_name

    def __get__(self, subject: Subject | None, kind: type | None = None) -> object:
        if subject is None:
            raise AttributeError(self.field_name)  # the field has no default
        value = vars(subject)[self.field_name]
        if isinstance(value, NumbersAsText):
            value = vars(subject)[self.field_name] = value.every()
        return value

    def __set__(self, subject: Subject, value: object) -> None:
        vars(subject)[self.field_name] = value


Subject.id = _Every("id")  # type: ignore[assignment]
Subject.name = _Every("name")  # type: ignore[assignment]


def as_layers(
    layers: LayerLike | Mapping[str, LayerLike], *, id_column: str | None = None, name_column: str | None = None
) -> dict[str, Layer]:
    """Return what a caller may pass as layers as `Layer` objects by key.

    A GeoDataFrame without ``id_column`` takes its index as ids.
    """
    given = dict(layers) if isinstance(layers, Mapping) else {_key_of(layers): layers}
    found: dict[str, Layer] = {}
    problems: list[Problem] = []
    for key, value in given.items():
        layer = value if isinstance(value, Layer) else _layer_of(str(key), value, id_column, name_column, problems)
        if layer.frame.crs is None:
            problems.append(Problem(layer.source or str(key), _NO_CRS))
        found[str(key)] = layer
    if not found:
        problems.append(Problem("", _NO_LAYER))
    if problems:
        raise InputError(problems)
    return found


def _key_of(value: LayerLike) -> str:
    return str(value.name) if isinstance(value, Layer) else "layer"


def _layer_of(
    key: str, frame: gpd.GeoDataFrame, id_column: str | None, name_column: str | None, problems: list[Problem]
) -> Layer:
    for column in (id_column, name_column):
        if column is not None and column not in frame.columns:
            shown = ", ".join(map(str, frame.columns.drop(frame.geometry.name)))
            problems.append(Problem(key, _NO_COLUMN, {"column": column, "columns": shown}))
    if id_column is None:
        free = "gridgeo_id"
        while free in frame.columns:
            free += "_"
        index = frame.index
        ids = index.to_numpy() if index.dtype == np.int64 else index.astype(str)
        return Layer(key, frame.assign(**{free: ids}), free, name_column)
    return Layer(key, frame, id_column, name_column)


def gather(claim: str, layers: Mapping[str, Layer], others: Mapping[str, Layer]) -> tuple[Subject, list[Geometries]]:
    """Bring layers side by side into one CRS and check each feature by itself.

    Parameters
    ----------
    claim : str
        Named in the faults.
    layers : mapping of str to Layer
        Those whose features are checked against each other.
    others : mapping of str to Layer
        The extent or the parents, brought to the same CRS.

    Returns
    -------
    Subject
    list of ndarray
        The geometries of each of ``others`` in the subject's CRS, mended where they were broken.
    """
    every = [*layers.values(), *others.values()]
    measure_crs = _metric(every)
    crs, frames = _side_by_side([*layers.values()], [*others.values()], measure_crs)
    planar = [flat(frame.geometry.to_numpy()) for frame in frames]
    known = {**layers, **others}
    faults = [as_read(claim, key, layer, problem) for key, layer in known.items() for problem in layer.problems]

    mine = len(layers)
    shapes = np.concatenate(planar[:mine])
    key = np.repeat(np.array(list(layers), object), [len(part) for part in planar[:mine]])
    row = np.concatenate([np.arange(1, len(part) + 1) for part in planar[:mine]])
    more: list[Fault] = []
    identifier: npt.NDArray[np.object_] | NumbersAsText
    name: npt.NDArray[np.object_] | NumbersAsText
    numbers = _different_numbers([*layers.values()])
    if numbers is not None:
        identifier = name = NumbersAsText(numbers)
    else:
        given = np.concatenate([layer.frame[layer.id_column].to_numpy(object) for layer in layers.values()])
        more, identifier = check_ids(claim, key, given, row, shapes)
        given_names = [_given_names(layer) for layer in layers.values()]
        name = _names(np.concatenate(given_names), identifier, row)
    checked = check_geometry(claim, key, identifier, name, shapes)
    faults += [*more, *checked.faults]

    around: list[Geometries] = []
    for (other, layer), part in zip(others.items(), planar[mine:], strict=True):
        ids = layer.ids.to_numpy(object)
        sound = check_geometry(claim, np.full(len(ids), other, object), ids, names_of(layer), part)
        faults += sound.faults
        around.append(sound.polygons)
    files = {of: layer.source.partition(", layer ")[0] for of, layer in known.items() if layer.source}
    subject = Subject(
        checked.polygons,
        key,
        identifier,  # type: ignore[arg-type]
        name,  # type: ignore[arg-type]
        crs,
        measure_crs,
        tuple(faults),
        checked.scars,
        files,
        checked.edges,
        checked.plain,
    )
    return subject, around


def _different_numbers(layers: Sequence[Layer]) -> npt.NDArray[np.int64] | None:
    """Return the ids of features without names, if they are whole numbers and ascend in each layer."""
    columns = [layer.frame[layer.id_column] for layer in layers]
    if any(layer.name_column is not None for layer in layers) or any(ids.dtype != np.int64 for ids in columns):
        return None
    numbers = [ids.to_numpy() for ids in columns]
    return np.concatenate(numbers) if all((ids[1:] > ids[:-1]).all() for ids in numbers) else None


def side_by_side(layers: LayerLike | Mapping[str, LayerLike]) -> Geometries:
    """Return the geometries of layers, one layer after another, in one CRS."""
    given = [*layers.values()] if isinstance(layers, Mapping) else [layers]
    frames = [layer.frame if isinstance(layer, Layer) else layer for layer in given]
    own = frames[0].crs if frames else None
    if own is None or any(
        frame.crs is None or not frame.crs.equals(own, ignore_axis_order=True) for frame in frames[1:]
    ):
        every = [*as_layers(layers).values()]  # which says what is wrong, if anything is
        _, frames = _side_by_side(every, [], _metric(every))
    shapes = [flat(frame.geometry.to_numpy()) for frame in frames]
    return shapes[0] if len(shapes) == 1 else np.concatenate(shapes)


def flat(shapes: Geometries) -> Geometries:
    """Return shapes without heights; most have none."""
    return shapely.force_2d(shapes) if (shapely.get_coordinate_dimension(shapes) > 2).any() else shapes


def _side_by_side(
    layers: Sequence[Layer], others: Sequence[Layer], metric: pyproj.CRS
) -> tuple[pyproj.CRS, list[gpd.GeoDataFrame]]:
    own = layers[0].frame.crs
    alike = [layer.frame.crs.equals(own, ignore_axis_order=True) for layer in (*layers, *others)]
    if all(alike):
        return own, [layer.frame for layer in (*layers, *others)]
    shared = all(alike[: len(layers)])
    crs = own if shared else metric
    reach = MATCHED / 111_320.0 if crs.is_geographic else MATCHED / float(crs.axis_info[0].unit_conversion_factor or 1)
    frames: list[gpd.GeoDataFrame] = []
    for layer, same in zip((*layers, *others), alike, strict=True):
        if shared and same:
            frames.append(layer.frame)
            continue
        frame = to_crs(layer.frame, crs, name=layer.source or layer.name)
        for earlier in frames:
            frame = match_vertices(frame, earlier, reach)
        frames.append(frame)
    return crs, frames


def _metric(layers: Sequence[Layer]) -> pyproj.CRS:
    """Return the CRS in metres through the middle of all layers."""
    boxes = []
    for layer in layers:
        # one axis at a time: numpy is slow along short rows
        x, y = (np.ascontiguousarray(axis) for axis in shapely.bounds(layer.frame.geometry.to_numpy()).reshape(-1, 2).T)
        there = np.isfinite(x) & np.isfinite(y)
        if not there.all():
            x, y = x[there], y[there]
        if len(x):
            box = (float(x.min()), float(y.min()), float(x.max()), float(y.max()))
            boxes.append(_to_degrees(layer.frame.crs).transform_bounds(*box))
    if not boxes:  # no feature has a place: there is nothing to measure
        return pyproj.CRS.from_epsg(3857)
    west, south, east, north = np.array(boxes).T
    if max(np.ptp(west), np.ptp(east), float((east - west).max())) > 180:  # on both sides of the antimeridian
        return working_crs(next(layer for layer in layers if layer.frame.geometry.notna().any()))
    around = float(west.min()), float(south.min()), float(east.max()), float(north.max())
    return _metric_through(*around, _own_degrees([layer.frame.crs for layer in layers]))


def _own_degrees(systems: Sequence[pyproj.CRS]) -> pyproj.CRS | None:
    """Return the degrees in which layers of one CRS are drawn; None for those of several, or of another meridian."""
    first = systems[0]
    if any(crs is not first and not crs.equals(first, ignore_axis_order=True) for crs in systems[1:]):
        return None
    return _degrees_of(first)


@lru_cache(maxsize=8)
def _degrees_of(crs: pyproj.CRS) -> pyproj.CRS | None:
    own = crs.to_2d().geodetic_crs
    if own is None or not own.is_geographic or own.prime_meridian is None:
        return None
    return own if own.prime_meridian.longitude == 0 else None


@lru_cache(maxsize=8)
def _to_degrees(crs: pyproj.CRS) -> pyproj.Transformer:
    planar = crs.to_2d()
    return pyproj.Transformer.from_crs(planar, planar.geodetic_crs or "EPSG:4326", always_xy=True)


@lru_cache(maxsize=8)
def _metric_through(west: float, south: float, east: float, north: float, base: pyproj.CRS | None) -> pyproj.CRS:
    return working_crs((west, south, east, north), base=base)


def names_of(layer: Layer) -> npt.NDArray[np.object_]:
    """Return what the features of one layer are called."""
    return _names(_given_names(layer), layer.ids.to_numpy(object), np.arange(1, len(layer.frame) + 1))


def _given_names(layer: Layer) -> npt.NDArray[np.object_]:
    if layer.name_column is None:
        return np.full(len(layer.frame), None, object)
    named = layer.frame[layer.name_column]
    names: npt.NDArray[np.object_] = named.astype(str).to_numpy(object).copy()
    names[named.isna().to_numpy()] = None
    return names


def _names(
    given: npt.NDArray[np.object_], identifier: npt.NDArray[np.object_], row: npt.NDArray[np.int64]
) -> npt.NDArray[np.object_]:
    """Return what features are called: name and id, the id alone, or the row of one without."""
    called = identifier.copy()
    for index in np.flatnonzero(given != None).tolist():  # noqa: E711 (element by element)
        name, text = given[index], identifier[index]
        if name.strip() and name != text:
            called[index] = f"{name} ({text})"
    for index in np.flatnonzero(identifier == "").tolist():
        called[index] = RowName(int(row[index]))
    return called


def as_read(claim: str, key: str, layer: Layer, problem: Problem) -> Fault:
    """Return what the reader of a layer found as a fault: a feature that it left out, or a doubt about the file."""
    start = f"{layer.source}, feature "
    if not problem.where.startswith(start):
        return doubt(claim, (key,), problem)
    feature = problem.where.removeprefix(start)
    code = "invalid-geometry" if "reason" in problem.values else "empty-geometry"
    values: dict[str, object] = {"name": feature, "problem": Said(replace(problem, where=""))}
    return Fault(code, "warning", claim, (key,), (feature,), _LEFT_OUT, None, values=values)


def doubt(claim: str, layers: tuple[str, ...], problem: Problem) -> Fault:
    """Return a doubt about the input as a note in the report."""
    return Fault("doubtful-input", "info", claim, layers, (), _DOUBT, None, values={"problem": Said(problem)})


@dataclass(frozen=True)
class Said:
    """What a problem says, worded in the reader's language."""

    problem: Problem

    def text(self, language: Language | None = None) -> str:
        """Return it in words."""
        return self.problem.text(language)
