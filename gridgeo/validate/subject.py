"""What is being validated: the features of one or several layers, side by side in one CRS, each checked by itself.

Features that can't take part in the coverage (no geometry, not a polygon, a border that crosses itself) are reported
here and left out of what follows, so that one broken polygon doesn't bring a storm of faults with its neighbours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pyproj
import shapely

from gridgeo.crs import match_vertices, to_crs, working_crs
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.layers import Layer
from gridgeo.validate.faults import Fault
from gridgeo.validate.measure import Sizes, measure, total_area

LayerLike: TypeAlias = gpd.GeoDataFrame | Layer

_NO_LAYER = Message("there is nothing to validate: name at least one layer", "没有可校验的内容：请至少指定一个图层")
_NO_CRS = Message(
    "the layer has no CRS, so nothing can be measured; set it with frame.set_crs(...)",
    "图层没有坐标参考系，无法量算；请用 frame.set_crs(...) 设置",
)
_NO_COLUMN = Message("no column {column}; there are: {columns}", "没有列 {column}；现有列：{columns}")

_INVALID = Message("{name}: {reason}.", "{name}：{reason}。")
_EMPTY = Message("{name} has no geometry.", "{name} 没有几何图形。")
_WRONG_TYPE = Message("{name} is a {kind}, not a polygon.", "{name} 是 {kind}，不是多边形。")
_MISSING_ID = Message("Row {row} of layer {layer} has no id.", "图层 {layer} 第 {row} 行没有编号。")
_DUPLICATE_ID = Message(
    "The id {id} occurs {count} times in layer {layer}.", "编号 {id} 在图层 {layer} 中出现 {count} 次。"
)


@dataclass(frozen=True)
class Subject:
    """Features of all layers, one after another.

    Parameters
    ----------
    polygons : ndarray of Polygon or MultiPolygon
        In ``crs``; None where a feature can't take part.
    layer, id, name : ndarray of str
        Of each feature.
    crs : pyproj.CRS
        In which topology is decided: the layers' own where they share one.
    measure_crs : pyproj.CRS
        In metres through the layers, in which everything is measured.
    faults : tuple of Fault
        Of the features by themselves.
    sources : mapping of str to str
        File of each layer, where known.
    """

    polygons: npt.NDArray[np.object_]
    layer: npt.NDArray[np.object_]
    id: npt.NDArray[np.object_]
    name: npt.NDArray[np.object_]
    crs: pyproj.CRS
    measure_crs: pyproj.CRS
    faults: tuple[Fault, ...]
    sources: Mapping[str, str]

    def measure(self, polygons: npt.NDArray[np.object_]) -> Sizes:
        """Measure polygons of ``crs`` in metres."""
        return measure(polygons, self.crs, self.measure_crs)

    def total_area(self, polygons: npt.NDArray[np.object_]) -> float:
        """Square metres of all polygons of ``crs`` together."""
        return total_area(polygons, self.crs, self.measure_crs)

    def called(self, indices: Iterable[int]) -> str:
        """Names of some features with their ids, for messages."""
        said = []
        for index in indices:
            name, identifier = self.name[index], self.id[index]
            said.append(identifier if name == identifier else f"{name} ({identifier})")
        return ", ".join(said)

    def layers_of(self, indices: Iterable[int]) -> tuple[str, ...]:
        """Keys of the layers of some features, in the order of the layers."""
        mine = {self.layer[index] for index in indices}
        return tuple(key for key in dict.fromkeys(self.layer) if key in mine)

    def ids_of(self, indices: Iterable[int]) -> tuple[str, ...]:
        """Ids of some features."""
        return tuple(self.id[index] for index in indices)


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
        layer = value if isinstance(value, Layer) else _layer_of(key, value, id_column, name_column, problems)
        if layer.frame.crs is None:
            problems.append(Problem(layer.source or key, _NO_CRS))
        found[key] = layer
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
        return Layer(key, frame.assign(**{free: frame.index.astype(str)}), free, name_column)
    return Layer(key, frame, id_column, name_column)


def gather(
    claim: str, layers: Mapping[str, Layer], *others: Layer
) -> tuple[Subject, tuple[npt.NDArray[np.object_], ...]]:
    """Bring layers side by side into one CRS and check each feature by itself.

    Parameters
    ----------
    claim : str
        Named in the faults.
    layers : mapping of str to Layer
        Those whose features are checked.
    *others : Layer
        Extents and parents, brought to the same CRS.

    Returns
    -------
    Subject
    tuple of ndarray
        The geometries of ``others`` in the subject's CRS.
    """
    every = [*layers.values(), *others]
    measure_crs = working_crs(every[-1] if others else _bounds(every))
    systems = {layer.frame.crs for layer in every}
    if len(systems) == 1:
        crs = systems.pop()
        frames = [layer.frame for layer in every]
    else:
        # equal vertices of layers that came through different systems differ in the last digits: make them one again
        crs = measure_crs
        frames = [to_crs(layer.frame, crs, name=layer.name) for layer in every]
        for position in range(len(frames) - 1):
            frames[position] = match_vertices(frames[position], frames[-1])
        for position in range(1, len(frames) - 1):
            frames[position] = match_vertices(frames[position], frames[0])
    planar = [shapely.force_2d(frame.geometry.to_numpy()) for frame in frames]
    ids = [layer.frame[layer.id_column].to_numpy(object) for layer in layers.values()]
    polygons = np.concatenate(planar[: len(layers)])
    key = np.repeat(np.array(list(layers), object), [len(shapes) for shapes in planar[: len(layers)]])
    row = np.concatenate([np.arange(1, len(shapes) + 1) for shapes in planar[: len(layers)]])
    faults, identifier = _check_ids(claim, key, np.concatenate(ids), row, polygons)
    name = np.concatenate([layer.names.to_numpy(object) for layer in layers.values()])
    name = np.where(identifier == "", row.astype(str), np.array([str(n) for n in name], object))
    more, sound = _check_geometry(claim, key, identifier, name, polygons)
    subject = Subject(sound, key, identifier, name, crs, measure_crs, (*faults, *more), _files_of(every))
    return subject, tuple(planar[len(layers) :])


def _bounds(layers: Sequence[Layer]) -> Layer:
    """Return the layer that stands for where all of them are: the one with the largest box."""
    return max(layers, key=lambda layer: float(np.ptp(layer.frame.total_bounds.reshape(2, 2), axis=0).prod()))


def _files_of(layers: Iterable[Layer]) -> dict[str, str]:
    return {layer.name: layer.source.partition(", layer ")[0] for layer in layers if layer.source}


def _check_ids(
    claim: str,
    layer: npt.NDArray[np.object_],
    given: npt.NDArray[np.object_],
    row: npt.NDArray[np.int64],
    polygons: npt.NDArray[np.object_],
) -> tuple[list[Fault], npt.NDArray[np.object_]]:
    missing = np.array([value is None or value != value or str(value).strip() == "" for value in given], bool)
    identifier = np.array(["" if gone else str(value) for gone, value in zip(missing, given, strict=True)], object)
    faults = []
    for index in np.flatnonzero(missing):
        values = {"row": int(row[index]), "layer": layer[index]}
        faults.append(
            Fault("missing-id", "error", claim, (layer[index],), (), _MISSING_ID, polygons[index], values=values)
        )
    places: dict[tuple[str, str], list[int]] = {}
    for index in np.flatnonzero(~missing):
        places.setdefault((layer[index], identifier[index]), []).append(int(index))
    for (key, text), indices in places.items():
        if len(indices) > 1:
            values = {"id": text, "count": len(indices), "layer": key}
            shapes = [shape for shape in polygons[indices] if shape is not None]
            where = shapely.GeometryCollection(shapes) if shapes else None
            faults.append(Fault("duplicate-id", "error", claim, (key,), (text,), _DUPLICATE_ID, where, values=values))
    return faults, identifier


def _check_geometry(
    claim: str,
    layer: npt.NDArray[np.object_],
    identifier: npt.NDArray[np.object_],
    name: npt.NDArray[np.object_],
    polygons: npt.NDArray[np.object_],
) -> tuple[list[Fault], npt.NDArray[np.object_]]:
    faults: list[Fault] = []
    empty = shapely.is_missing(polygons) | shapely.is_empty(polygons)
    areal = np.isin(shapely.get_type_id(polygons), (3, 6))
    valid = shapely.is_valid(polygons)
    for index in np.flatnonzero(empty | ~areal | ~valid):
        called = name[index] if name[index] == identifier[index] else f"{name[index]} ({identifier[index]})"
        values: dict[str, object] = {"name": called}
        where = polygons[index]
        if empty[index]:
            code, what, where = "empty-geometry", _EMPTY, None
        elif not areal[index]:
            code, what = "wrong-type", _WRONG_TYPE
            values["kind"] = where.geom_type
        else:
            code, what = "invalid-geometry", _INVALID
            values["reason"] = shapely.is_valid_reason(where)
        faults.append(Fault(code, "error", claim, (layer[index],), (identifier[index],), what, where, values=values))
    sound = polygons.copy()
    sound[empty | ~areal | ~valid] = None
    return faults, sound
