"""Each feature by itself: its id, its geometry, and what can still be made of a geometry that is broken.

A broken polygon is reported once and takes part in the coverage as mended here, for the analysis alone, so that it
doesn't leave a gap of its own size. What the mending may have made wrong lies at its `scar`: faults there are told as
consequences of the broken polygon, not as faults of their own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridgeo.coverage import Edges, extract_edges, surely_sound
from gridgeo.language import Language, Message
from gridgeo.validate.faults import Fault
from gridgeo.validate.wording import CROSSING, reason_of

_INVALID = Message(
    "The polygon of {name} is not valid: {reason}. The rest was checked as if that were mended.",
    "{name}的多边形无效：{reason}。其余检查按已修复处理。",
)
_UNUSABLE = Message(
    "The polygon of {name} is not valid: {reason}. It was left out of all other checks.",
    "{name}的多边形无效：{reason}。其余检查未包括它。",
)
_EMPTY = Message("{name} has no geometry.", "{name}没有几何图形。")
_WRONG_TYPE = Message("{name} is a {kind}, not a polygon.", "{name}是 {kind}，不是多边形。")
_MISSING_ID = Message("In layer {layer}, {name} has no id.", "图层 {layer} 的{name}没有编号。")
_DUPLICATE_ID = Message(
    "{count} features of layer {layer} have the id {id}.", "图层 {layer} 有 {count} 个要素的编号同为 {id}。"
)
_ROW = Message("row {row}", "第 {row} 行")

_AREAL = (3, 6)
_COLLECTION = 7


@dataclass(frozen=True)
class RowName:
    """What a feature without an id is called: its row, counted from 1."""

    row: int

    def text(self, language: Language | None = None) -> str:
        """Return it in words."""
        return _ROW.text(language, row=self.row)


@dataclass(frozen=True)
class NumbersAsText:
    """Whole numbers as text, made when it is asked for: of a large layer hardly an id is ever shown."""

    numbers: npt.NDArray[np.int64]

    def __getitem__(self, index: int) -> str:
        return str(self.numbers[index])

    def every(self) -> npt.NDArray[np.object_]:
        """Return all of them."""
        return np.array(list(map(str, self.numbers.tolist())), object)


def check_ids(
    claim: str,
    layer: npt.NDArray[np.object_],
    given: npt.NDArray[np.object_],
    row: npt.NDArray[np.int64],
    shapes: npt.NDArray[np.object_],
) -> tuple[list[Fault], npt.NDArray[np.object_]]:
    """Report ids that are missing or occur twice in a layer; return all as text, "" where missing."""
    identifier, missing = _as_text(given)
    faults = [
        Fault(
            "missing-id",
            "error",
            claim,
            (layer[index],),
            (),
            _MISSING_ID,
            placed(shapes[index]),
            values={"name": RowName(int(row[index])), "layer": layer[index]},
        )
        for index in np.flatnonzero(missing)
    ]
    places: dict[tuple[str, str], list[int]] = {}
    if len(set(identifier)) < len(identifier):
        again = pd.MultiIndex.from_arrays([layer, identifier]).duplicated(keep=False)
        for index in np.flatnonzero(again & ~missing).tolist():
            places.setdefault((layer[index], identifier[index]), []).append(index)
    for (key, text), indices in places.items():
        here = [shape for shape in map(placed, shapes[indices]) if shape is not None]
        faults.append(
            Fault(
                "duplicate-id",
                "error",
                claim,
                (key,),
                (text,),
                _DUPLICATE_ID,
                shapely.GeometryCollection(here) if here else None,
                values={"id": text, "count": len(indices), "layer": key},
            )
        )
    return faults, identifier


def _as_text(given: npt.NDArray[np.object_]) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.bool_]]:
    """Return ids as text, "" where one is missing, and tell which are."""
    if pd.api.types.infer_dtype(given, skipna=False) == "string" and _all_say_something(given.tolist()):
        return given, np.zeros(len(given), bool)
    identifier = np.array([value if type(value) is str else str(value) for value in given], object)
    missing = np.asarray(pd.isna(given)) | np.array([not text or text.isspace() for text in identifier], bool)
    identifier[missing] = ""
    return identifier, missing


def _all_say_something(texts: list[str]) -> bool:
    """Whether no text is empty or blank."""
    joined = "\0".join(texts)
    if len(joined.split()) == 1:  # no blank anywhere
        return "\0\0" not in joined and not joined.startswith("\0") and not joined.endswith("\0")
    return "" not in map(str.strip, texts)


@dataclass(frozen=True)
class Checked:
    """Geometries after the check of each by itself.

    Parameters
    ----------
    polygons : ndarray of Polygon or MultiPolygon
        None where nothing could be made of a feature.
    scars : dict
        Where mended polygons were broken, by index.
    faults : list of Fault
    edges : Edges or None
        Of the polygons, where none had to be mended or left out.
    plain : ndarray of bool
        Which polygons are known to have rings that touch nowhere.
    """

    polygons: npt.NDArray[np.object_]
    scars: dict[int, shapely.Geometry]
    faults: list[Fault]
    edges: Edges | None
    plain: npt.NDArray[np.bool_]


def check_geometry(
    claim: str,
    layer: npt.NDArray[np.object_],
    identifier: npt.NDArray[np.object_] | NumbersAsText,
    name: npt.NDArray[np.object_] | NumbersAsText,
    shapes: npt.NDArray[np.object_],
) -> Checked:
    """Report features that are no valid polygons, and mend for the analysis what can be mended."""
    kind = shapely.get_type_id(shapes)
    empty = (kind < 0) | shapely.is_empty(shapes)
    areal = (kind == _AREAL[0]) | (kind == _AREAL[1])
    edges, plain = None, np.zeros(len(shapes), bool)
    if (areal | empty).all():
        edges = extract_edges(shapes)
        plain = surely_sound(edges) & ~empty
    # an empty one is valid, but there is nothing to it
    broken = ~empty & ~areal
    asked = np.flatnonzero(areal & ~empty & ~plain)
    broken[asked] = ~shapely.is_valid(shapes[asked])
    polygons = shapes.copy()
    polygons[empty] = None
    scars: dict[int, shapely.Geometry] = {}
    faults: list[Fault] = []
    for index in np.flatnonzero(empty | broken).tolist():
        shape, values = shapes[index], {"name": name[index]}
        where, detail = shape, None
        if empty[index]:
            code, what, where = "empty-geometry", _EMPTY, None
        elif not areal[index]:
            code, what, values = "wrong-type", _WRONG_TYPE, values | {"kind": shape.geom_type}
            polygons[index] = mended(shape) if shapely.get_type_id(shape) == _COLLECTION else None
        else:
            said = shapely.is_valid_reason(shape)
            reason, point = reason_of(said)
            code, what, values = "invalid-geometry", _INVALID, values | {"reason": reason}
            detail = "crossing" if said.startswith(CROSSING) else None
            where = point or shape
            polygons[index] = mended(shape)
            if polygons[index] is None:
                what = _UNUSABLE
            else:
                scars[index] = scar(shape, point)
        where = placed(where)
        ids = (identifier[index],) if identifier[index] else ()
        faults.append(Fault(code, "error", claim, (layer[index],), ids, what, where, values=values, detail=detail))
    return Checked(polygons, scars, faults, None if broken.any() else edges, plain)


def sound_edges(shapes: npt.NDArray[np.object_]) -> Edges | None:
    """Return the edges of geometries if all are valid polygons, or empty; None otherwise."""
    kind = shapely.get_type_id(shapes)
    there = (kind >= 0) & ~shapely.is_empty(shapes)
    if not np.isin(kind[there], _AREAL).all():
        return None
    polygons = shapes.copy()
    polygons[~there] = None
    edges = extract_edges(polygons)
    asked = there & ~surely_sound(edges)
    return edges if shapely.is_valid(shapes[asked]).all() else None


def placed(shape: shapely.Geometry | None) -> shapely.Geometry | None:
    """Return a geometry that has a place on a map, None instead of any other."""
    if shape is None or shape.is_empty or not np.isfinite(shapely.get_coordinates(shape)).all():
        return None
    return shape


def mended(shape: shapely.Geometry) -> shapely.Geometry | None:
    """Return what is areal of a geometry, made valid; None where nothing is."""
    if not np.isfinite(shapely.get_coordinates(shape)).all():
        return None
    made = polygonal(shapely.make_valid(shape, method="structure", keep_collapsed=False))
    return None if made is None or made.is_empty or not made.is_valid else made


def polygonal(shape: shapely.Geometry) -> shapely.Geometry | None:
    """Return the polygons of a geometry as one polygon or multipolygon; None where there are none."""
    if shapely.get_type_id(shape) in _AREAL:
        return shape
    parts = shapely.get_parts(shape)
    parts = np.concatenate([shapely.get_parts(part) for part in parts]) if len(parts) else parts
    parts = parts[shapely.get_type_id(parts) == 3]
    if not len(parts):
        return None
    return parts[0] if len(parts) == 1 else shapely.union_all(parts)


def scar(shape: shapely.Geometry, point: shapely.Point | None) -> shapely.Geometry:
    """Where a polygon is broken: the place that GEOS names, and all lobes and loose ends but each part's body."""
    pieces: list[shapely.Geometry] = [] if point is None else [point]
    parts = shapely.get_parts(shape)
    for part in parts[~shapely.is_valid(parts)]:
        lobes = shapely.get_parts(shapely.make_valid(part, method="linework"))
        body = int(np.argmax(shapely.area(lobes)))
        pieces += [lobe for number, lobe in enumerate(lobes) if number != body]
        whole = shapely.make_valid(part, method="structure", keep_collapsed=True)
        if whole.geom_type == "GeometryCollection":
            pieces += [piece for piece in whole.geoms if shapely.get_type_id(piece) not in _AREAL]
    sound = shapely.make_valid(parts)
    for one in range(len(sound)):
        pieces += [piece for piece in shapely.intersection(sound[one], sound[one + 1 :]) if not piece.is_empty]
    return shapely.GeometryCollection(pieces)
