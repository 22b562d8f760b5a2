"""Validation again after an edit, at the cost of the edit: the report of the edited layers without a look at the rest.

Theory. The kernel finds again the faces that come near the edited features, old and new (`gridgeo.coverage.Editable`);
a record away from them is as it was, because nothing that it says depends on them. Records of borders whose vertices
are on one side only are made anew where one of the polygons beside comes near the edit; those on a feature by itself,
where it was edited. The result equals that of a new validation of the edited layers; only the last digits of the total
area, and of places where borders cross, may be rounded otherwise.

Cost. Proportional to the edit and to what is wrong around it, plus copies of a few arrays with one entry a feature. A
chain of updates looks from the layers that were validated as a whole at all edits since; when these are more than
`MOST_EDITED` of the features, the whole is validated anew. So it is, for any edit, where records depend on more than is
near: equal polygons and open gaps near the edit, features without an id of their own, features put into another layer
than the last, a new extent of all layers (the projection in which sizes are measured runs through its middle), layers
in different CRSs, and the claim along barriers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import Any
from weakref import WeakKeyDictionary

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridgeo.coverage import Editable, Edited, Faces, MissingVertices, equal_polygons, pairs_of_boxes
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.layers import Layer
from gridgeo.validate.faults import Fault
from gridgeo.validate.features import check_geometry
from gridgeo.validate.measure import Sizes
from gridgeo.validate.near import REACH, facing_places
from gridgeo.validate.regions import FLOAT_NOISE, Judge
from gridgeo.validate.report import Report
from gridgeo.validate.shapes import check_shapes
from gridgeo.validate.subject import Geometries, LayerLike, Subject, flat, names_of
from gridgeo.validate.tiling import Examined, Validated, report_of, validate_tiling

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Key = tuple[str, str]
"""A feature: key of its layer and id."""
Edits = dict[Key, gpd.GeoDataFrame | None]
"""Of each edited feature the row that it has now, as a table of one; None where it was removed."""

MOST_EDITED = 0.05
"""Share of the features from which on all of them are validated anew."""
ALWAYS = 50
"""Features that may be edited, whatever their share."""

_FEATURE_CODES = ("empty-geometry", "wrong-type", "invalid-geometry")

_NO_ORIGIN = Message(
    "this report can't be updated; only one of validate_tiling can", "此报告不能更新；只有 validate_tiling 的报告可以"
)
_NO_LAYER = Message("no layer {key} was validated; those were: {known}", "没有校验过图层 {key}；校验过的有：{known}")
_WHICH_LAYER = Message(
    "several layers were validated; name the edited one, as in {{key: frame}}: {known}",
    "校验过多个图层；请写明改动的是哪个，如 {{键: 图层}}：{known}",
)
_OTHER_CRS = Message(
    "is in another CRS than when it was validated; bring it to that", "坐标系与校验时不同；请先转换为一致"
)
_TWICE = Message("the feature {id} is given twice; keep one row", "要素 {id} 出现了两次；请只保留一行")
_NO_FEATURE = Message("there is no feature {id} to be removed", "没有要删除的要素 {id}")


@dataclass(frozen=True)
class Updated:
    """Where an updated report came from: what was validated as a whole, and all edits since."""

    base: Validated
    edits: Edits


def update_report(
    report: Report,
    changed: LayerLike | Mapping[str, LayerLike] | None,
    removed: Iterable[str] | Mapping[str, Iterable[str]],
) -> Report:
    """Return the report of the edited layers: see `gridgeo.validate.Report.update`."""
    origin = report.origin
    if isinstance(origin, Validated):
        origin = Updated(origin, {})
    if not isinstance(origin, Updated):
        raise InputError(Problem(report.title, _NO_ORIGIN))
    base = _baseline(origin.base)
    now = Updated(origin.base, {**origin.edits, **_edits(base, origin.edits, changed, removed)})
    examined = _Again(base, now.edits).examined() if _is_small(base, now.edits) else None
    if examined is None:
        return validate_tiling(base.edited_layers(now.edits), **origin.base.options)
    return report_of(examined, tuple(base.layers), origin.base.options["exceptions"], origin=now)


class _Baseline:
    """Layers that were validated as a whole, and what is looked up in them once for all updates."""

    def __init__(self, validated: Validated) -> None:
        self.layers = validated.layers
        self.examined = validated.examined
        self.options = validated.options

    @cached_property
    def places(self) -> dict[Key, int]:
        """Index of each feature that has an id."""
        subject = self.examined.subject
        keys = zip(subject.layer.tolist(), subject.id.tolist(), strict=True)
        return {key: index for index, key in enumerate(keys) if key[1]}

    @cached_property
    def editable(self) -> Editable:
        """The tiling, ready for edits."""
        examined = self.examined
        return Editable(examined.distinct, examined.analysis, extent=examined.extent, reach=examined.reach)

    @cached_property
    def boxes(self) -> npt.NDArray[np.float64]:
        """Box of each feature as it was given, also of broken ones."""
        return np.concatenate([shapely.bounds(layer.frame.geometry.to_numpy()) for layer in self.layers.values()])

    @cached_property
    def around(self) -> dict[str, tuple[npt.NDArray[np.float64], slice]]:
        """The box around each layer, and where its features are among all."""
        found, start = {}, 0
        for key, layer in self.layers.items():
            mine = slice(start, start + len(layer.frame))
            found[key] = _around(self.boxes[mine]), mine
            start = mine.stop
        return found

    @cached_property
    def missing(self) -> MissingVertices:
        """Vertices that are on one side only."""
        return self.examined.analysis.missing_vertices()

    @cached_property
    def copies(self) -> npt.NDArray[np.float64]:
        """Boxes of the features that are copies of others, which the kernel didn't see."""
        examined = self.examined
        copies = ~shapely.is_missing(examined.subject.polygons) & shapely.is_missing(examined.distinct)
        boxes: npt.NDArray[np.float64] = shapely.bounds(examined.subject.polygons[copies]).reshape(-1, 4)
        return boxes

    @cached_property
    def is_simple(self) -> bool:
        """Whether all features can be told apart, and nothing is claimed or brought together beside the tiling."""
        frames = [layer.frame for layer in self.layers.values()]
        within = self.options["within"]
        if isinstance(within, Layer | gpd.GeoDataFrame):
            frames.append(within.frame if isinstance(within, Layer) else within)
        alike = all(frame.crs.equals(frames[0].crs, ignore_axis_order=True) for frame in frames)
        return alike and self.options["along"] is None and len(self.places) == len(self.examined.subject.id)

    def edited_layers(self, edits: Edits) -> dict[str, Layer]:
        """Return the layers as they are after edits."""
        return {key: _edited(key, layer, edits) for key, layer in self.layers.items()}


_baselines: WeakKeyDictionary[Validated, _Baseline] = WeakKeyDictionary()


def _baseline(validated: Validated) -> _Baseline:
    if validated not in _baselines:
        _baselines[validated] = _Baseline(validated)
    return _baselines[validated]


def _edited(key: str, layer: Layer, edits: Edits) -> Layer:
    mine = {identifier: row for (of, identifier), row in edits.items() if of == key}
    if not mine:
        return layer
    ids = layer.ids.tolist()
    first = {identifier: place for place, identifier in reversed(list(enumerate(ids)))}
    rows = [(first.get(one, len(ids) + k), row) for k, (one, row) in enumerate(mine.items()) if row is not None]
    kept = np.array([identifier not in mine for identifier in ids], bool)
    place = np.concatenate([np.flatnonzero(kept), [place for place, _ in rows]])
    together = pd.concat([layer.frame[kept], *(row for _, row in rows)], ignore_index=True)
    frame = together.iloc[np.argsort(place, kind="stable")].reset_index(drop=True)
    return layer.with_frame(frame)


# ------------------------------------------------------------------------------------------------- what was edited


def _edits(
    base: _Baseline,
    earlier: Edits,
    changed: LayerLike | Mapping[str, LayerLike] | None,
    removed: Iterable[str] | Mapping[str, Iterable[str]],
) -> Edits:
    """Return the edited features, or name what is wrong with them."""
    problems: list[Problem] = []
    edits: Edits = {}
    tables = {} if changed is None else _by_layer(base, changed, problems)
    for key, value in tables.items():
        layer = base.layers[key]
        frame = _like(layer, value.frame if isinstance(value, Layer) else value)
        if frame.crs is None or not frame.crs.equals(layer.frame.crs, ignore_axis_order=True):
            problems.append(Problem(key, _OTHER_CRS))
            continue
        ids = frame[layer.id_column].astype(str).tolist()
        twice = [one for one, count in pd.Series(ids, dtype=object).value_counts().items() if count > 1]
        problems += [Problem(key, _TWICE, {"id": one}) for one in sorted(map(str, twice))]
        edits.update({(key, one): frame.iloc[[place]] for place, one in enumerate(ids)})
    gone = removed if isinstance(removed, Mapping) else list(removed)
    for key, ids_gone in (_by_layer(base, gone, problems) if gone else {}).items():
        for one in map(str, ids_gone):
            known = earlier.get((key, one), (key, one) in base.places or None)
            if known is None:
                problems.append(Problem(key, _NO_FEATURE, {"id": one}))
            edits[key, one] = None
    if problems:
        raise InputError(problems)
    return edits


def _by_layer(base: _Baseline, given: object, problems: list[Problem]) -> dict[str, Any]:
    known = ", ".join(base.layers)
    if not isinstance(given, Mapping):
        if len(base.layers) > 1:
            problems.append(Problem("", _WHICH_LAYER, {"known": known}))
            return {}
        return {next(iter(base.layers)): given}
    strange = [str(key) for key in given if str(key) not in base.layers]
    problems += [Problem("", _NO_LAYER, {"key": key, "known": known}) for key in strange]
    return {str(key): value for key, value in given.items() if str(key) not in strange}


def _like(layer: Layer, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return a table with the columns of a layer; one without the column of ids has them in its index."""
    if frame.geometry.name != layer.frame.geometry.name:
        frame = frame.rename_geometry(layer.frame.geometry.name)
    if layer.id_column not in frame.columns:
        frame = frame.assign(**{layer.id_column: frame.index.astype(str)})
    lacking = [column for column in layer.frame.columns if column not in frame.columns]
    return frame.assign(**dict.fromkeys(lacking))[list(layer.frame.columns)]


def _is_small(base: _Baseline, edits: Edits) -> bool:
    return base.is_simple and len(edits) <= max(ALWAYS, MOST_EDITED * len(base.places))


# ------------------------------------------------------------------------------------------------- examined again


class _Again:
    """Examines a tiling again after edits, building on what was found before them."""

    def __init__(self, base: _Baseline, edits: Edits) -> None:
        self.base, self.before, self.edits = base, base.examined, edits
        count = len(self.before.subject.id)
        fresh = [key for key in edits if key not in base.places]
        places = {key: base.places[key] for key in edits if key in base.places}
        places.update({key: count + k for k, key in enumerate(fresh)})
        self.keys = sorted(edits, key=places.__getitem__)
        self.index = np.array([places[key] for key in self.keys], np.int64)
        self.known = self.index < count
        given = np.empty(len(self.keys), object)
        given[:] = [None if (row := edits[key]) is None else row.geometry.iloc[0] for key in self.keys]
        self.given: Geometries = flat(given)
        """The geometry of each edited feature as it was given; None for those removed."""

    def examined(self) -> Examined | None:
        """Return what there is now; None where the whole must be looked at."""
        if not self._come_last() or not self._keep_extent():
            return None
        subject, shapes = self._subject()
        found = self.base.editable.edit(self.index, shapes)
        near = np.concatenate([found.near, self.index])
        if self._are_copies(subject, near, found.boxes) or self._meet_gaps(found):
            return None
        examined = self._together(subject, shapes, found, near)
        if examined.hardly_shared or self.before.hardly_shared or self._leave_gaps(found, examined):
            return None
        return examined

    def _come_last(self) -> bool:
        """Whether new features come after all others."""
        last = next(reversed(self.base.layers))
        return all(key[0] == last for key, known in zip(self.keys, self.known, strict=True) if not known)

    def _keep_extent(self) -> bool:
        """Whether the box of each layer stays as it is: the projection for measuring runs through their middle."""
        old, new = self.index[self.known], shapely.bounds(self.given).reshape(-1, 4)
        of_layer = np.array([key[0] for key in self.keys], object)
        for key, (around, boxes) in self.base.around.items():
            mine = of_layer == key
            if not mine.any():
                continue
            if not np.isfinite(around).all():
                return False
            here = old[mine[self.known]] - boxes.start
            fresh = new[mine][np.isfinite(new[mine]).all(axis=1)]
            before = self.base.boxes[boxes][here]
            # the box stays if nothing comes out of it, and nothing at its border went
            out = (fresh[:, :2] < around[:2]).any() or (fresh[:, 2:] > around[2:]).any()
            if out or (before == around).any():
                now = np.concatenate([np.delete(self.base.boxes[boxes], here, axis=0), fresh])
                if not np.array_equal(_around(now), around):
                    return False
        return True

    def _subject(self) -> tuple[Subject, Geometries]:
        """Return the features as they are now, removed ones as empty places, and the polygons of the edited ones."""
        before = self.before.subject
        kept = np.array([self.edits[key] is not None for key in self.keys], bool)
        layer = np.array([key[0] for key in self.keys], object)
        identifier = np.array([key[1] for key in self.keys], object)
        name = identifier.copy()
        for k in np.flatnonzero(kept).tolist():
            row = self.edits[self.keys[k]]
            assert row is not None
            name[k] = names_of(self.base.layers[self.keys[k][0]].with_frame(row))[0]
        checked = check_geometry(self.before.claim, layer[kept], identifier[kept], name[kept], self.given[kept])
        shapes = np.full(len(self.keys), None, object)
        shapes[kept] = checked.polygons
        scars = {index: scar for index, scar in before.scars.items() if index not in set(self.index.tolist())}
        own = self.index[kept]
        scars.update({int(own[k]): scar for k, scar in checked.scars.items()})
        edited = set(self.keys)
        faults = [fault for fault in before.faults if not _is_of(fault, edited, _FEATURE_CODES)]
        more = int((~self.known).sum())

        def now(array: Geometries, values: Geometries) -> Geometries:
            longer = np.concatenate([array, np.full(more, None, object)])
            longer[self.index] = values
            return longer

        subject = replace(
            before,
            polygons=now(before.polygons, shapes),
            layer=now(before.layer, layer),
            id=now(before.id, np.where(kept, identifier, "")),
            name=now(before.name, name),
            faults=(*faults, *checked.faults),
            scars=dict(sorted(scars.items())),
            known_edges=None,
            plain=None,
        )
        return subject, shapes

    def _are_copies(self, subject: Subject, near: Ints, boxes: npt.NDArray[np.float64]) -> bool:
        """Whether features near the edit are the same polygon, or were."""
        if len(pairs_of_boxes(boxes, self.base.copies)[0]):
            return True
        return bool(equal_polygons(subject.polygons[near]))

    def _meet_gaps(self, found: Edited) -> bool:
        """Whether an open gap lies so near the edit that it may have changed."""
        places = [fault.geometry for fault in self.before.gaps if fault.geometry is not None]
        if not places:
            return False
        return len(shapely.STRtree(places).query(self._far_around(found))[0]) > 0

    def _leave_gaps(self, found: Edited, examined: Examined) -> bool:
        """Whether borders near the edit face each other across something that no record tells of."""
        if examined.reach is None:
            return False
        places = facing_places(examined.subject, found.part, examined.faces.polygon)
        return len(shapely.STRtree(places).query(self._far_around(found))[0]) > 0

    def _far_around(self, found: Edited) -> Geometries:
        """Return boxes around the edit that hold all that bears on an open gap near it."""
        reach = self.before.subject.units(10.0 * max(REACH, self.before.tolerance))
        boxes: Geometries = shapely.box(*(found.boxes + np.array([-1.0, -1.0, 1.0, 1.0]) * reach).T)
        return boxes

    def _together(self, subject: Subject, shapes: Geometries, found: Edited, near: Ints) -> Examined:
        """Put what was found now and what has not changed together."""
        before = self.before
        judge = Judge(subject, before.claim, before.tolerance, has_extent=before.extent is not None)
        faces, sizes, regions = self._regions(judge, found)
        borders = self._borders(judge, found, near, faces, sizes, list(regions.values()))
        edited = set(self.keys)
        of_edited = replace(
            subject,
            polygons=shapes,
            layer=subject.layer[self.index],
            id=subject.id[self.index],
            name=subject.name[self.index],
            scars={k: subject.scars[index] for k, index in enumerate(self.index.tolist()) if index in subject.scars},
            known_edges=None,
            plain=None,
        )
        unchanged = [fault for fault in before.shapes if not _is_of(fault, edited, (fault.code,))]
        past = before.subject.polygons[self.index[self.known]]
        return replace(
            before,
            subject=subject,
            faces=faces,
            sizes=sizes,
            regions=regions,
            borders=borders,
            shapes=[*unchanged, *check_shapes(of_edited, before.claim)],
            residual=found.residual,
            polygons=before.polygons + sum(self.edits[key] is not None for key in self.keys) - int(self.known.sum()),
            vertices=before.vertices + _vertices(shapes) - _vertices(past),
            area=before.area + subject.total_area(shapes) - subject.total_area(past),
        )

    def _regions(self, judge: Judge, found: Edited) -> tuple[Faces, Sizes, dict[int, Fault]]:
        """Return all faces, their sizes and the records of those that have one, in the order of the kernel."""
        old = np.flatnonzero(~self.before.faces.meeting(found.boxes))
        # whether one polygon lies in another is told by all the faces of the two
        pairs = {pair for covers in found.faces.covers for pair in combinations(covers.tolist(), 2)}
        beside = [
            k for k in old.tolist() if not pairs.isdisjoint(combinations(self.before.faces.covers[k].tolist(), 2))
        ]
        asked = found.faces.joined(self.before.faces.chosen(beside))
        fresh = np.arange(len(asked)) < len(found.faces)
        records, sizes = judge.regions(asked, fresh)
        drawn = np.flatnonzero(~(sizes.width[fresh] <= FLOAT_NOISE))
        faces = self.before.faces.chosen(old).joined(found.faces)
        of_old, of_new = self.before.sizes, sizes
        every = Sizes(
            *(
                np.concatenate([getattr(of_old, name)[old], getattr(of_new, name)[fresh]])
                for name in ("area", "width", "length")
            )
        )
        record = {place: self.before.regions[k] for place, k in enumerate(old.tolist()) if k in self.before.regions}
        record.update(zip((drawn + len(old)).tolist(), records, strict=True))
        bounds = shapely.bounds(faces.polygon).tolist()
        order = sorted(range(len(faces)), key=lambda k: (len(faces.covers[k]), faces.covers[k].tolist(), bounds[k]))
        ordered = Sizes(every.area[order], every.width[order], every.length[order])
        return faces.chosen(order), ordered, {k: record[was] for k, was in enumerate(order) if was in record}

    def _borders(
        self, judge: Judge, found: Edited, near: Ints, faces: Faces, sizes: Sizes, drawn: list[Fault]
    ) -> list[tuple[tuple[int, ...], Fault]]:
        """Return the records of borders: made anew where a polygon near the edit is beside."""
        missing = self._missing(found)
        affected = set(near.tolist())
        rows = list(zip(missing.holder.tolist(), missing.lacker.tolist(), strict=True))
        thin = np.flatnonzero(sizes.width <= FLOAT_NOISE).tolist()
        beside = {k: {*faces.covers[k].tolist(), *faces.borders[k].tolist()} - {-1} for k in thin}
        # what meets in one place is told by one record: take in all that the polygons beside are involved in
        wide = affected.copy()
        for involved in (*map(set, rows), *beside.values()):
            if not affected.isdisjoint(involved):
                wide |= involved
        of_rows = np.array([not wide.isdisjoint(row) for row in rows], bool)
        of_faces = [k for k in thin if not wide.isdisjoint(beside[k])]
        few = Sizes(sizes.area[of_faces], sizes.width[of_faces], sizes.length[of_faces])
        anew = judge.borders(missing.chosen(of_rows), faces.chosen(of_faces), few, drawn)
        kept = [(beside_it, fault) for beside_it, fault in self.before.borders if affected.isdisjoint(beside_it)]
        return kept + [(beside_it, fault) for beside_it, fault in anew if not affected.isdisjoint(beside_it)]

    def _missing(self, found: Edited) -> MissingVertices:
        """Return all vertices that are on one side only, as they are now."""
        before = self.base.missing
        stays = ~np.isin(before.holder, self.index) & ~np.isin(before.lacker, self.index)
        return before.chosen(stays & ~before.within(found.boxes)).joined(found.missing)


def _is_of(fault: Fault, features: set[Key], codes: tuple[str, ...]) -> bool:
    """Whether a fault was found in one of some features by itself."""
    if fault.code not in codes or (len(fault.layers), len(fault.features)) != (1, 1):
        return False
    # a warning of the reader of a file is about what it left out
    read = fault.kind.stage == "feature" and fault.severity == "warning"
    return not read and (fault.layers[0], fault.features[0]) in features


def _around(boxes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the box around boxes of which some may be missing."""
    there = boxes[np.isfinite(boxes).all(axis=1)]
    return np.concatenate([there[:, :2].min(axis=0), there[:, 2:].max(axis=0)]) if len(there) else np.full(4, np.nan)


def _vertices(polygons: Geometries) -> int:
    return int(shapely.get_num_coordinates(polygons).sum())
