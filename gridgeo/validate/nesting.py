"""Nestings: each child lies in one parent, and the children of each parent tile it.

Children may have vertices on their parent's border that the parent lacks, or the children beyond it, and these vertices
may lie off it by the last digits: none of that is a fault. Each wrongly covered square metre stands in one record:
where a child reaches out of its parent there is no second record for the parent that it reaches into, nor for the
child that it overlaps there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridgeo.coverage import analyse
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.layers import Layer
from gridgeo.progress import track
from gridgeo.validate.families import untiled
from gridgeo.validate.faults import Fault
from gridgeo.validate.regions import FLOAT_NOISE, Judge, is_sliver
from gridgeo.validate.report import ClaimResult, Report
from gridgeo.validate.shapes import check_shapes
from gridgeo.validate.subject import Geometries, LayerLike, Subject, as_layers, gather, names_of
from gridgeo.validate.tiling import set_duplicates_aside
from gridgeo.validate.wording import Area, Width, part_of

_OUT = Message(
    "{name} reaches {area}, up to {width}, out of {parent}, to which it belongs.",
    "{name}超出其所属的{parent}：{area}，最宽 {width}。",
)
_INTO = Message(
    "{name} reaches {area}, up to {width}, out of {parent}, to which it belongs, into {other}.",
    "{name}超出其所属的{parent}、进入{other}：{area}，最宽 {width}。",
)
_NO_PARENT = Message("{name} names {parent} as its parent, which doesn't exist.", "{name}所填的上级 {parent} 不存在。")
_NO_PARENT_MEND = Message("Correct which parent it belongs to.", "请更正其所属上级。")
_NOWHERE = Message("{name} lies in no parent.", "{name}不在任何上级之内。")
_NOT_TILED = Message(
    "{area} of {parent}, up to {width} wide, belong to none of its parts.",
    "{parent}有 {area} 不属于任何下级，最宽 {width}。",
)
_CHILDLESS = Message("{parent} ({area}) has no parts at all.", "{parent}（{area}）没有任何下级。")
_NO_COLUMN = Message(
    "no column {column} with the parents; there are: {columns}", "没有记录上级的列 {column}；现有列：{columns}"
)
_STEP = Message("checking parents", "校验上级")


def validate_nesting(
    children: LayerLike,
    parents: LayerLike | Mapping[str, LayerLike],
    *,
    parent_column: str | None = None,
    tolerance: float = 0.0,
    among_children: bool = True,
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
    among_children : bool
        Whether overlaps of children with the same parent, and vertices missing on their borders, are reported too. Say
        False where another claim says that they are a tiling, which reports them.
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
    subject, shapes = gather(name, {child_key: child_layer}, parent_layers)
    family = _Nesting(subject, parent_layers, shapes, name, tolerance)
    given = None if parent_column is None else child_layer.frame[parent_column].to_numpy(object)
    faults = [*subject.faults, *family.faults(given, among_children)]
    measures: dict[str, Any] = {
        "polygons": len(subject.polygons),
        "parents": len(family.parents),
        "area": subject.total_area(subject.polygons),
        "tolerance": float(tolerance),
    }
    for code in ("not-nested", "not-tiled"):
        total = sum(fault.area or 0.0 for fault in faults if fault.code == code)
        measures[f"{code.replace('-', '_')}_area"] = float(total)
    return Report(
        [ClaimResult(name, (child_key, *parent_layers), faults, measures)],
        crs=subject.crs,
        measure_crs=subject.measure_crs,
        shapes=subject.polygons,
        sources=subject.sources,
        title=name,
    )


@dataclass(frozen=True)
class Families:
    """Who belongs to whom.

    Parameters
    ----------
    parent_of : ndarray of int
        Index of each child's parent among all parents; -1 for none.
    polygons : ndarray of Polygon or MultiPolygon
        The parents, in the CRS of the children where all share it.
    layer, id : ndarray of str
        Of each parent.
    """

    parent_of: npt.NDArray[np.int64]
    polygons: Geometries
    layer: npt.NDArray[np.object_]
    id: npt.NDArray[np.object_]


def families(children: Layer, parents: Mapping[str, Layer], parent_column: str | None = None) -> Families:
    """Return which parent each child belongs to, as `validate_nesting` has it."""
    subject, shapes = gather("families", {children.name: children}, parents)
    nesting = _Nesting(subject, parents, shapes, "families", 0.0)
    given = None if parent_column is None else children.frame[parent_column].to_numpy(object)
    return Families(nesting.belonging(given)[1], nesting.parents, nesting.keys, nesting.ids)


class _Nesting:
    """Children and parents, and who belongs to whom."""

    def __init__(
        self, subject: Subject, layers: Mapping[str, Layer], shapes: list[Geometries], claim: str, tolerance: float
    ) -> None:
        self.subject, self.claim = subject, claim
        self.judge = Judge(subject, claim, tolerance)
        self.parents = np.concatenate(shapes)
        self.ids = np.concatenate([layer.ids.to_numpy(object) for layer in layers.values()])
        self.names = np.concatenate([names_of(layer) for layer in layers.values()])
        self.keys = np.repeat(np.array(list(layers), object), [len(shape) for shape in shapes])
        self._tree = shapely.STRtree(self.parents)

    def faults(self, given: npt.NDArray[np.object_] | None, among_children: bool) -> list[Fault]:
        """Return all faults; ``given`` are the parents' ids that the children name."""
        lost, parent_of = self.belonging(given)
        out: list[Fault] = []
        left: list[Fault] = []
        wrong = untiled(self.subject.polygons, parent_of, self.parents, self.judge.noise)
        for parent in track(wrong.tolist(), _STEP):
            beyond, bare = self._family(parent, np.flatnonzero(parent_of == parent))
            out += beyond
            left += bare
        found = [*lost, *out, *self._unclaimed(left, [*lost, *out])]
        return [*found, *self._among_children(parent_of, found)] if among_children else found

    def belonging(self, given: npt.NDArray[np.object_] | None) -> tuple[list[Fault], npt.NDArray[np.int64]]:
        """Return the index of each child's parent, -1 for none, and the faults of children without."""
        return self._by_place() if given is None else self._by_id(given)

    def _by_id(self, given: npt.NDArray[np.object_]) -> tuple[list[Fault], npt.NDArray[np.int64]]:
        homes: dict[str, list[int]] = {}
        for index, identifier in enumerate(self.ids):
            homes.setdefault(str(identifier), []).append(index)
        _, by_place = self._by_place()
        parent_of = np.full(len(given), -1, np.int64)
        lost = []
        for child, value in enumerate(given):
            named = [] if pd.isna(value) else homes.get(str(value), [])
            if named:  # ids may occur in several layers of parents
                parent_of[child] = by_place[child] if by_place[child] in named else named[0]
            else:
                lost.append(self._lost(child, _NO_PARENT, {"parent": "" if pd.isna(value) else str(value)}))
        return lost, parent_of

    def _by_place(self) -> tuple[list[Fault], npt.NDArray[np.int64]]:
        points = shapely.point_on_surface(self.subject.polygons)
        child, parent = self._tree.query(points, predicate="intersects")
        parent_of = np.full(len(points), len(self.parents), np.int64)
        np.minimum.at(parent_of, child, parent)  # the first of several
        parent_of[parent_of == len(self.parents)] = -1
        nowhere = (parent_of < 0) & ~shapely.is_missing(self.subject.polygons)
        return [self._lost(child, _NOWHERE, {}) for child in np.flatnonzero(nowhere).tolist()], parent_of

    def _lost(self, child: int, what: Message, values: dict[str, object]) -> Fault:
        place = self.subject.polygons[child]
        measures: tuple[float | None, float | None, float | None] = (None, None, None)
        if place is not None:
            sizes = self.subject.measure(np.array([place], object))
            measures = sizes.at(0)
        return Fault(
            "not-nested",
            "error",
            self.claim,
            self.subject.layers_of([child]),
            self.subject.ids_of([child]),
            what,
            place,
            *measures,
            {"name": self.subject.name[child], **values},
            "area",
            _NO_PARENT_MEND if what is _NO_PARENT else None,
        )

    def _family(self, parent: int, children: npt.NDArray[np.int64]) -> tuple[list[Fault], list[Fault]]:
        """Where children of one parent reach out of it, and what of it they leave bare."""
        if self.parents[parent] is None:
            return [], []
        faces = analyse(self.subject.polygons[children], extent=self.parents[parent]).faces()
        wrong = np.flatnonzero((faces.multiplicity == 0) | ~faces.inside_extent)
        sizes = self.subject.measure(faces.polygon[wrong])
        out: list[Fault] = []
        left: list[Fault] = []
        for at, number in enumerate(wrong.tolist()):
            measures = sizes.at(at)
            if measures[1] <= FLOAT_NOISE:
                continue
            place = faces.polygon[number]
            beyond = children[faces.covers[number]].tolist()
            beside = children[[k for k in faces.borders[number] if k >= 0]].tolist()
            values: dict[str, object] = {
                "area": Area(measures[0]),
                "width": Width(measures[1]),
                "parent": self.names[parent],
                "name": self.subject.called(beyond),
            }
            layers: tuple[str, ...] = (self.keys[parent],)
            features: tuple[str, ...] = (str(self.ids[parent]),)
            if beyond:
                others = self._others(place, parent)
                values["other"] = self.names[others[0]] if others else ""
                code, what = "not-nested", _INTO if others else _OUT
                layers = (*self.subject.layers_of(beyond), *layers, *(self.keys[other] for other in others))
                features = (*self.subject.ids_of(beyond), *features, *(str(self.ids[other]) for other in others))
                part = self.subject.part(beyond, place)
            else:
                code, what = "not-tiled", _NOT_TILED if len(children) else _CHILDLESS
                part = part_of(self.names[parent], self.parents[parent].bounds, place.bounds)
            severity, mend = self.judge.severity(measures[1]), None
            broken = self.judge.broken_by(place, {*beyond, *beside})
            if broken:
                severity, mend = "warning", self.judge.after_broken
                values["broken"] = self.subject.called(broken)
            (out if beyond else left).append(
                Fault(
                    code,
                    severity,
                    self.claim,
                    tuple(dict.fromkeys(layers)),
                    features,
                    what,
                    place,
                    *measures,
                    values,
                    "sliver" if is_sliver(*measures) else "area",
                    mend,
                    part,
                    len(beyond),
                )
            )
        return out, left

    def _others(self, place: shapely.Geometry, parent: int) -> list[int]:
        """Which other parent the middle of a region lies in."""
        inside = self._tree.query(shapely.point_on_surface(place), predicate="intersects")
        return sorted(int(other) for other in inside if other != parent)[:1]

    def _unclaimed(self, left: list[Fault], out: list[Fault]) -> list[Fault]:
        """Bare places that no child of another parent reaches into: the others have their record already."""
        if not left or not out:
            return left
        reaching = np.array([fault.geometry for fault in out], object)
        bare = np.array([fault.geometry for fault in left], object)
        place, by = shapely.STRtree(reaching).query(bare, predicate="intersects")
        claimed = np.bincount(place, shapely.area(shapely.intersection(bare[place], reaching[by])), len(bare))
        return [fault for fault, taken in zip(left, claimed >= 0.999 * shapely.area(bare), strict=True) if not taken]

    def _among_children(self, parent_of: npt.NDArray[np.int64], found: list[Fault]) -> list[Fault]:
        """Overlaps of children of the same parent, and vertices missing on borders between them."""
        distinct, duplicates = set_duplicates_aside(self.subject, self.claim, self.judge.tolerance)
        analysis = analyse(distinct)
        faces = analysis.faces()
        siblings = np.array([len(covers) > 1 and len(set(parent_of[covers])) == 1 for covers in faces.covers], bool)
        overlaps, sizes = self.judge.regions(faces, siblings)
        vertices = self.judge.vertices(analysis.missing_vertices(), faces, sizes, [*found, *overlaps], parent_of)
        return [*duplicates, *overlaps, *vertices, *check_shapes(self.subject, self.claim)]
