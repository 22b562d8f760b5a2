"""Nestings: each child lies in one parent, and the children of each parent tile it.

For each parent the kernel is asked about its children with the parent as their extent. Where the children have vertices
that the parent lacks, these may lie off its border by the last digits; such slivers, thinner than `FLOAT_NOISE`, are no
faults. Overlaps among children belong to the claim that they tile the town and are not reported here again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridgeo.coverage import analyse
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.validate.faults import Fault
from gridgeo.validate.report import ClaimResult, Report
from gridgeo.validate.subject import LayerLike, Subject, as_layers, gather
from gridgeo.validate.tiling import FLOAT_NOISE

_OUT = Message(
    "{name} reaches {area:,.2f} m² out of its parent {parent}, up to {width:,.3g} m.",
    "{name} 超出上级 {parent} {area:,.2f} 平方米，最宽 {width:,.3g} 米。",
)
_NO_PARENT = Message("{name} names {parent} as its parent, which does not exist.", "{name} 的上级 {parent} 不存在。")
_NOWHERE = Message("{name} lies in no parent.", "{name} 不在任何上级之内。")
_NOT_TILED = Message(
    "{area:,.2f} m² of {parent}, up to {width:,.3g} m wide, belong to none of its children.",
    "{parent} 有 {area:,.2f} 平方米不属于任何下级，最宽 {width:,.3g} 米。",
)
_NO_COLUMN = Message(
    "no column {column} with the parents; there are: {columns}", "没有记录上级的列 {column}；现有列：{columns}"
)


def validate_nesting(
    children: LayerLike,
    parents: LayerLike | Mapping[str, LayerLike],
    *,
    parent_column: str | None = None,
    tolerance: float = 0.0,
    id_column: str | None = None,
    parent_id_column: str | None = None,
    name: str = "nesting",
) -> Report:
    """Prove that each child lies in one parent and that the children tile their parents, or name every fault.

    Parameters
    ----------
    children : GeoDataFrame or Layer
    parents : GeoDataFrame, Layer or mapping of str to these
        Any CRS; what differs is brought to one.
    parent_column : str, optional
        Column of the children with their parent's id; without it the parent is the one that holds a point of the child.
    tolerance : float
        Metres. Faults no wider are warnings.
    id_column, parent_id_column : str, optional
        Id columns of GeoDataFrames; by default the index.
    name : str
        Of the claim, in the report.

    Returns
    -------
    Report

    Raises
    ------
    InputError
        For layers without a CRS or the columns named.
    """
    ((child_key, child_layer),) = as_layers(children, id_column=id_column).items()
    parent_layers = as_layers(parents, id_column=parent_id_column)
    if parent_column is not None and parent_column not in child_layer.frame.columns:
        columns = ", ".join(map(str, child_layer.frame.columns))
        where = child_layer.source or child_key
        raise InputError(Problem(where, _NO_COLUMN, {"column": parent_column, "columns": columns}))
    subject, shapes = gather(name, {child_key: child_layer}, *parent_layers.values())
    parent_ids = np.concatenate([layer.ids.to_numpy(object) for layer in parent_layers.values()])
    parent_names = np.concatenate([layer.names.to_numpy(object) for layer in parent_layers.values()])
    parent_keys = np.repeat(np.array(list(parent_layers), object), [len(shape) for shape in shapes])
    given = None if parent_column is None else child_layer.frame[parent_column].to_numpy(object)
    family = _Family(subject, np.concatenate(shapes), parent_ids, parent_names, parent_keys, name, tolerance)
    faults = [*subject.faults, *family.faults(given)]
    measures: dict[str, Any] = {
        "polygons": len(subject.polygons),
        "parents": len(parent_ids),
        "area": subject.total_area(subject.polygons),
        "tolerance": tolerance,
    }
    result = ClaimResult(name, (child_key, *parent_layers), faults, measures)
    return Report(
        [result],
        crs=subject.crs,
        measure_crs=subject.measure_crs,
        shapes=subject.polygons,
        sources=subject.sources,
        title=name,
    )


class _Family:
    """Children and parents, and who belongs to whom."""

    def __init__(
        self,
        subject: Subject,
        parents: npt.NDArray[np.object_],
        ids: npt.NDArray[np.object_],
        names: npt.NDArray[np.object_],
        keys: npt.NDArray[np.object_],
        claim: str,
        tolerance: float,
    ) -> None:
        self.subject, self.claim, self.tolerance = subject, claim, tolerance
        self.parents, self.ids, self.names, self.keys = parents, ids, names, keys

    def faults(self, given: npt.NDArray[np.object_] | None) -> list[Fault]:
        orphans, parent_of = self._by_place() if given is None else self._by_id(given)
        found = list(orphans)
        for parent in range(len(self.parents)):
            found += self._of_one(parent, np.flatnonzero(parent_of == parent))
        return found

    def _by_id(self, given: npt.NDArray[np.object_]) -> tuple[list[Fault], npt.NDArray[np.int64]]:
        number = {str(identifier): index for index, identifier in enumerate(self.ids)}
        parent_of = np.array([-1 if pd.isna(value) else number.get(str(value), -1) for value in given], np.int64)
        orphans = [
            self._orphan(int(child), _NO_PARENT, {"parent": str(given[child])})
            for child in np.flatnonzero(parent_of < 0)
        ]
        return orphans, parent_of

    def _by_place(self) -> tuple[list[Fault], npt.NDArray[np.int64]]:
        points = shapely.point_on_surface(self.subject.polygons)
        child, parent = shapely.STRtree(self.parents).query(points, predicate="intersects")
        parent_of = np.full(len(points), -1, np.int64)
        parent_of[child[::-1]] = parent[::-1]  # the first of several
        lost = (parent_of < 0) & ~shapely.is_missing(self.subject.polygons)
        return [self._orphan(int(child), _NOWHERE, {}) for child in np.flatnonzero(lost)], parent_of

    def _orphan(self, child: int, what: Message, values: dict[str, object]) -> Fault:
        place = self.subject.polygons[child]
        sizes = self.subject.measure(np.array([place], object))
        return Fault(
            "not-nested",
            "error",
            self.claim,
            self.subject.layers_of([child]),
            self.subject.ids_of([child]),
            what,
            place,
            float(sizes.area[0]),
            float(sizes.width[0]),
            float(sizes.length[0]),
            {"name": self.subject.called([child]), **values},
        )

    def _of_one(self, parent: int, children: npt.NDArray[np.int64]) -> list[Fault]:
        faces = analyse(self.subject.polygons[children], extent=self.parents[parent]).faces()
        wrong = np.flatnonzero((faces.multiplicity == 0) | ~faces.inside_extent)
        if not len(wrong):
            return []
        sizes = self.subject.measure(faces.polygon[wrong])
        called = self.names[parent]
        if called != self.ids[parent]:
            called = f"{called} ({self.ids[parent]})"
        faults = []
        for number, area, width, length in zip(wrong, sizes.area, sizes.width, sizes.length, strict=True):
            if width <= FLOAT_NOISE:
                continue
            out = [int(children[index]) for index in faces.covers[number]]
            code, what = ("not-nested", _OUT) if out else ("not-tiled", _NOT_TILED)
            layers = (*self.subject.layers_of(out), self.keys[parent])
            features = (*self.subject.ids_of(out), str(self.ids[parent]))
            values: dict[str, object] = {"area": float(area), "width": float(width), "parent": called}
            if out:
                values["name"] = self.subject.called(out)
            severity = "warning" if width <= self.tolerance else "error"
            place = faces.polygon[number]
            measures = (float(area), float(width), float(length))
            faults.append(
                Fault(code, severity, self.claim, layers, features, what, place, *measures, values)  # type: ignore[arg-type]
            )
        return faults
