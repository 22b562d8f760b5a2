"""Undo: what an applied plan changed is put back to the bit, and nothing else is touched.

An applied plan keeps every changed feature as it was. The fingerprints that it was made with tell afterwards that the
layers are again what they were.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridgeo._words import listed, shown
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.layers import Layer
from gridgeo.repair.plan import Feature, Plan
from gridgeo.validate.subject import LayerLike, as_layers

_OTHER_LAYER = Message(
    "the plan was made for other polygons than these of layer {layer}; make a new one with --dry-run",
    "此计划不是为图层 {layer} 现有的多边形制定的；请用 --dry-run 重新生成",
)
_NO_LAYER = Message("the plan is about a layer {layer}; there are: {known}", "计划涉及图层 {layer}；现有：{known}")
_NOT_APPLIED = Message(
    "the plan has not been applied, so there is nothing to undo; name the plan that lies beside the repaired file",
    "此计划尚未执行，没有可撤销的内容；请指定修复结果旁边的计划文件",
)
_GONE = Message(
    "features that the plan changed are not there: {ids}; undo works on the repaired layer as it was written",
    "计划变动过的要素已不存在：{ids}；撤销只适用于修复时写出的图层",
)
_EDITED = Message(
    "layer {layer} has been edited since it was repaired, so it can't be brought back to what it was; "
    "take the original file instead",
    "图层 {layer} 在修复后又被编辑过，无法还原；请改用原文件",
)


def fingerprint(layer: Layer) -> str:
    """Return the SHA-256 of the ids and geometries of a layer, in their order, to the last bit.

    Examples
    --------
    >>> from gridgeo.layers import Layer
    >>> frame = gpd.GeoDataFrame({"code": ["a"]}, geometry=[shapely.box(0, 0, 1, 1)], crs="EPSG:32651")
    >>> fingerprint(Layer("grids", frame, "code"))[:8]
    '7da1f292'
    """
    shapes = layer.frame.geometry.to_numpy()
    # nearly all shapes are polygons of one ring in the plane: their vertices are taken at once
    plain = (shapely.get_type_id(shapes) == shapely.GeometryType.POLYGON) & ~shapely.is_empty(shapes)
    plain &= (shapely.get_num_interior_rings(shapes) == 0) & (shapely.get_coordinate_dimension(shapes) == 2)
    names = [identifier.encode() for identifier in layer.ids.tolist()]
    others = [content or b"" for content in shapely.to_wkb(shapes[~plain], byte_order=1).tolist()]
    digest = hashlib.sha256()
    for numbers in (
        [len(names), len(others)],
        [len(name) for name in names],
        [len(content) for content in others],
        plain,
        shapely.get_num_coordinates(shapes[plain]),
    ):
        digest.update(np.asarray(numbers).astype("<i8").tobytes())
    digest.update(b"".join(names))
    digest.update(b"".join(others))
    digest.update(shapely.get_coordinates(shapes[plain]).astype("<f8", copy=False).data)
    return digest.hexdigest()


def check_fits(plan: Plan, layers: Mapping[str, Layer], *, where: str = "plan") -> None:
    """Refuse a plan that was made for other layers, by fingerprint.

    Raises
    ------
    InputError
        One line a layer.
    """
    problems = []
    for key, print_before in plan.fingerprints.items():
        if key not in layers:
            known = listed(layers)
            problems.append(Problem(where, _NO_LAYER, {"layer": shown(key), "known": known}))
        elif fingerprint(layers[key]) != print_before:
            problems.append(Problem(where, _OTHER_LAYER, {"layer": shown(key)}))
    if problems:
        raise InputError(problems)


def changed_features(before: Mapping[str, Layer], after: Mapping[str, Layer]) -> dict[Feature, shapely.Geometry | None]:
    """Return the geometry that each changed feature has afterwards; None for one that was dropped."""
    changed: dict[Feature, shapely.Geometry | None] = {}
    for key, layer in before.items():
        fresh = after[key]
        if fresh is layer:
            continue
        now = dict(zip(fresh.ids.tolist(), fresh.frame.geometry.to_numpy(), strict=True))
        then = zip(layer.ids.tolist(), layer.frame.geometry.to_numpy(), strict=True)
        for identifier, old in [pair for pair in then if now.get(pair[0]) is not pair[1]]:
            new = now.get(identifier)
            if shapely.to_wkb(new) != shapely.to_wkb(old):
                changed[Feature(key, identifier)] = new
    return changed


def record(plan: Plan, before: Mapping[str, Layer], after: Mapping[str, Layer]) -> Plan:
    """Return the applied plan: with all that is needed to undo it.

    Parameters
    ----------
    plan : Plan
    before, after : mapping of str to Layer
        The layers as they were and as the plan has made them.
    """
    wkb: dict[Feature, bytes] = {}
    dropped: dict[Feature, dict[str, Any]] = {}
    changed = changed_features(before, after)
    rows = {
        key: {identifier: row for row, identifier in enumerate(layer.ids.tolist())}
        for key, layer in before.items()
        if any(feature.layer == key for feature in changed)
    }
    shapes = {key: before[key].frame.geometry.to_numpy() for key in rows}
    for feature, new in changed.items():
        layer, position = before[feature.layer], rows[feature.layer][feature.id]
        wkb[feature] = shapely.to_wkb(shapes[feature.layer][position])
        if new is None:
            columns = [column for column in layer.frame.columns if column != layer.frame.geometry.name]
            row = {str(column): _plain(layer.frame[column].iloc[position]) for column in columns}
            dropped[feature] = {"position": position, "columns": row}
    prints = plan.fingerprints or {key: fingerprint(layer) for key, layer in before.items()}
    return replace(plan, before=wkb, dropped=dropped, fingerprints=prints)


def undo_plan(
    layers: LayerLike | Mapping[str, LayerLike], plan: Plan, *, id_column: str | None = None
) -> gpd.GeoDataFrame | Layer | dict[str, Any]:
    """Return repaired layers as they were before the repair, geometries to the bit.

    Parameters
    ----------
    layers : GeoDataFrame, Layer or mapping of str to these
        As the repair returned them; columns may have changed, ids and geometries not.
    plan : Plan
        The applied plan.
    id_column : str, optional
        Of a GeoDataFrame; by default its index holds the ids.

    Returns
    -------
    GeoDataFrame, Layer or dict
        Of the type that was given.

    Raises
    ------
    InputError
        When the plan was never applied, or the layers are not what it made of them.
    """
    given = as_layers(layers, id_column=id_column)
    restored = undo_layers(given, plan)
    if isinstance(layers, Mapping):
        return {key: _as_given(layers[key], restored[str(key)]) for key in layers}
    return _as_given(layers, next(iter(restored.values())))


def undo_layers(layers: Mapping[str, Layer], plan: Plan, *, where: str = "plan") -> dict[str, Layer]:
    """Return layers by key as they were before the repair; see `undo_plan`."""
    if not plan.before and any(action.do for action in plan.actions):
        raise InputError(Problem(where, _NOT_APPLIED))
    unknown = sorted({feature.layer for feature in plan.before} - set(layers))
    if unknown:
        known = listed(layers)
        raise InputError([Problem(where, _NO_LAYER, {"layer": shown(key), "known": known}) for key in unknown])
    restored = {key: _restored(layer, key, plan, where) for key, layer in layers.items()}
    problems = [
        Problem(where, _EDITED, {"layer": shown(key)})
        for key, print_before in plan.fingerprints.items()
        if key in restored and fingerprint(restored[key]) != print_before
    ]
    if problems:
        raise InputError(problems)
    return restored


def _restored(layer: Layer, key: str, plan: Plan, where: str) -> Layer:
    mine = {feature: wkb for feature, wkb in plan.before.items() if feature.layer == key}
    if not mine:
        return layer
    frame = layer.frame.copy()
    position = {identifier: row for row, identifier in enumerate(layer.ids.tolist())}
    absent = [feature.id for feature in mine if feature not in plan.dropped and feature.id not in position]
    if absent:
        raise InputError(Problem(where, _GONE, {"ids": listed(absent)}))
    shapes = frame.geometry.to_numpy().copy()
    for feature, wkb in mine.items():
        if feature.id in position:
            shapes[position[feature.id]] = shapely.from_wkb(wkb)
    frame[frame.geometry.name] = gpd.GeoSeries(shapes, index=frame.index, crs=frame.crs)
    back = {feature: row for feature, row in plan.dropped.items() if feature in mine and feature.id not in position}
    for feature, row in sorted(back.items(), key=lambda item: int(item[1].get("position", 0))):
        frame = _with_row(frame, feature, row, mine[feature], layer.id_column)
    return layer.with_frame(frame)


def _with_row(
    frame: gpd.GeoDataFrame, feature: Feature, row: dict[str, Any], wkb: bytes, id_column: str
) -> gpd.GeoDataFrame:
    """Return a table with a dropped feature where it was; a RangeIndex stays one."""
    at = min(int(row.get("position", len(frame))), len(frame))
    values = {column: row.get("columns", {}).get(str(column)) for column in frame.columns}
    values |= {id_column: feature.id, frame.geometry.name: shapely.from_wkb(wkb)}
    ranged = isinstance(frame.index, pd.RangeIndex)
    one = gpd.GeoDataFrame(
        [values], geometry=frame.geometry.name, crs=frame.crs, index=[None if ranged else feature.id]
    )
    one = one.astype({name: kind for name, kind in frame.dtypes.items() if one[name].notna().all()})
    joined = pd.concat([frame.iloc[:at], one, frame.iloc[at:]], ignore_index=ranged)
    return gpd.GeoDataFrame(joined, geometry=frame.geometry.name, crs=frame.crs)


def _as_given(given: LayerLike, layer: Layer) -> LayerLike:
    if isinstance(given, Layer):
        return layer
    return layer.frame[list(given.columns)]


def _plain(value: object) -> object:
    """Return a value as JSON has it."""
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, bool | int | float | str) else str(value)
