"""Tilings: layers that together cover an extent as one coverage, every wrongly covered square metre in one record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.coverage import CoverageAnalysis, Faces, analyse
from gridgeo.language import Message
from gridgeo.validate.faults import Fault, Severity
from gridgeo.validate.report import ClaimResult, Report
from gridgeo.validate.subject import LayerLike, Subject, as_layers, gather

_OVERLAP = Message(
    "{names} both cover {area:,.2f} m², up to {width:,.3g} m wide.",
    "{names} 重叠 {area:,.2f} 平方米，最宽 {width:,.3g} 米。",
)
_OVERLAP_OF_MANY = Message(
    "{count} polygons cover the same {area:,.2f} m², up to {width:,.3g} m wide: {names}.",
    "{count} 个多边形同时覆盖 {area:,.2f} 平方米，最宽 {width:,.3g} 米：{names}。",
)
_DUPLICATE = Message(
    "{names} are the same polygon of {area:,.2f} m².", "{names} 是同一个多边形，面积 {area:,.2f} 平方米。"
)
_GAP = Message(
    "Nobody covers {area:,.2f} m², up to {width:,.3g} m wide, between {names}.",
    "{names} 之间有 {area:,.2f} 平方米无人覆盖，最宽 {width:,.3g} 米。",
)
_HOLE = Message(
    "Nobody covers {area:,.2f} m², up to {width:,.3g} m wide, inside {names}: a gap, or land that belongs to others? "
    "Validate within an extent to know.",
    "{names} 内部有 {area:,.2f} 平方米无人覆盖，最宽 {width:,.3g} 米：是缝隙还是飞地？请指定范围后再校验。",
)
_UNCOVERED = Message(
    "{area:,.2f} m² of the extent, up to {width:,.3g} m wide, are not covered, beside {names}.",
    "范围内有 {area:,.2f} 平方米未被覆盖，最宽 {width:,.3g} 米，邻近 {names}。",
)
_OUTSIDE = Message(
    "{names} reaches {area:,.2f} m² out of the extent, up to {width:,.3g} m.",
    "{names} 超出范围 {area:,.2f} 平方米，最宽 {width:,.3g} 米。",
)
_MISSING_VERTEX = Message(
    "The border between {names} has {count} vertices on one side only.",
    "{names} 的公共边界有 {count} 个节点只存在于一侧。",
)
_NOBODY = Message("no polygon", "无相邻多边形")

FLOAT_NOISE = 1e-6
"""Metres. The border of an extent or parent need not have the polygons' vertices: slivers along it no wider are no
faults."""

HOLE_IS_A_GAP_BELOW = 10.0
"""Metres. Without an extent, a wider hole in the layer may be meant (an enclave, a lake): a warning."""


def validate_tiling(
    layers: LayerLike | Mapping[str, LayerLike],
    *,
    within: LayerLike | None = None,
    tolerance: float = 0.0,
    id_column: str | None = None,
    name_column: str | None = None,
    name: str = "tiling",
) -> Report:
    """Prove that layers form one coverage (of an extent), or name every fault.

    Topology is decided in the layers' own coordinates, exactly; only what is wrong is measured, in metres. Layers in
    different CRSs are brought to one through the town first. Inputs are not changed.

    Parameters
    ----------
    layers : GeoDataFrame, Layer or mapping of str to these
        Polygons, in any CRS.
    within : GeoDataFrame or Layer, optional
        What the polygons must cover together, no more and no less. Without it holes wider than `HOLE_IS_A_GAP_BELOW`
        are warnings, because they may be enclaves.
    tolerance : float
        Metres. Faults no wider are warnings.
    id_column, name_column : str, optional
        Columns of GeoDataFrames with ids and names; by default the index.
    name : str
        Of the claim, in the report.

    Returns
    -------
    Report

    Raises
    ------
    InputError
        For layers without a CRS or the columns named.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> squares = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 9, 9), shapely.box(8, 0, 17, 9)], crs="EPSG:32651")
    >>> report = validate_tiling(squares)
    >>> report.ok, report.faults["code"].tolist(), report.faults["features"].tolist()
    (False, ['overlap'], [('0', '1')])
    """
    extents = () if within is None else tuple(as_layers(within).values())
    subject, shapes = gather(name, as_layers(layers, id_column=id_column, name_column=name_column), *extents)
    extent = shapely.union_all(_polygonal(shapes[0])) if shapes else None
    faults, measures = check_tiling(subject, extent, claim=name, tolerance=tolerance)
    keys = tuple(dict.fromkeys(subject.layer))
    return Report(
        [ClaimResult(name, keys, faults, measures)],
        crs=subject.crs,
        measure_crs=subject.measure_crs,
        shapes=subject.polygons,
        sources=subject.sources,
        title=name,
    )


def check_tiling(
    subject: Subject, extent: shapely.Geometry | None, *, claim: str, tolerance: float
) -> tuple[list[Fault], dict[str, Any]]:
    """Return the faults of a tiling and what was measured."""
    distinct, duplicates = _set_duplicates_aside(subject, claim, tolerance)
    analysis = analyse(distinct, extent=extent)
    faces = analysis.faces()
    judge = _Judge(subject, claim, tolerance, has_extent=extent is not None)
    found = judge.faces(faces)
    faults = [*subject.faults, *duplicates, *found, *judge.missing_vertices(analysis, faces)]
    measures: dict[str, Any] = {
        "polygons": len(subject.polygons),
        "vertices": int(shapely.get_num_coordinates(subject.polygons).sum()),
        "area": subject.total_area(distinct),
        "tolerance": tolerance,
    }
    if extent is not None:
        measures["extent_area"] = subject.total_area(np.array([extent], object))
    for code in ("overlap", "gap", "uncovered", "outside"):
        measures[f"{code}_area"] = float(sum(fault.area or 0.0 for fault in found if fault.code == code))
    return faults, measures


class _Judge:
    """Turns what the kernel found into fault records."""

    def __init__(self, subject: Subject, claim: str, tolerance: float, *, has_extent: bool) -> None:
        self.subject = subject
        self.claim = claim
        self.tolerance = tolerance
        self.has_extent = has_extent

    def severity(self, width: float) -> Severity:
        return "warning" if width <= self.tolerance else "error"

    def faces(self, faces: Faces) -> list[Fault]:
        """One record a face."""
        sizes = self.subject.measure(faces.polygon)
        faults = []
        for number, place in enumerate(faces.polygon):
            area, width = float(sizes.area[number]), float(sizes.width[number])
            covers = [int(index) for index in faces.covers[number]]
            beside = [int(index) for index in faces.borders[number] if index >= 0]
            severity = self.severity(width)
            if width <= FLOAT_NOISE and -1 in faces.borders[number]:
                severity = "info"  # the extent need not have the vertices that the polygons have on its border
            if not covers:
                involved = beside
                code, what = ("gap", _GAP) if faces.enclosed[number] else ("uncovered", _UNCOVERED)
                if not self.has_extent and width > HOLE_IS_A_GAP_BELOW:
                    what, severity = _HOLE, "warning"
            elif not faces.inside_extent[number] and len(covers) == 1:
                involved, code, what = covers, "outside", _OUTSIDE
            else:
                involved, code = covers, "overlap"
                what = _OVERLAP if len(covers) == 2 else _OVERLAP_OF_MANY
            names = self.subject.called(involved) or _NOBODY.text()
            values = {"names": names, "area": area, "width": width, "count": len(involved)}
            faults.append(
                Fault(
                    code,
                    severity,
                    self.claim,
                    self.subject.layers_of(involved),
                    self.subject.ids_of(involved),
                    what,
                    place,
                    area,
                    width,
                    float(sizes.length[number]),
                    values,
                )
            )
        return faults

    def missing_vertices(self, analysis: CoverageAnalysis, faces: Faces) -> list[Fault]:
        """One record for each set of neighbours whose border has vertices on one side only.

        A vertex at the rim of a gap or overlap goes with that fault's record.
        """
        missing = analysis.missing_vertices()
        if not len(missing):
            return []
        points = shapely.points(missing.point)
        rim = shapely.STRtree(shapely.boundary(faces.polygon))
        taken = np.zeros(len(points), bool)
        taken[np.unique(rim.query(points, predicate="intersects")[0])] = True
        groups: dict[tuple[int, ...], list[int]] = {}
        involved: dict[tuple[float, float], set[int]] = {}
        for number in np.flatnonzero(~taken):
            place = (float(missing.point[number, 0]), float(missing.point[number, 1]))
            involved.setdefault(place, set()).update((int(missing.holder[number]), int(missing.lacker[number])))
        for number in np.flatnonzero(~taken):
            place = (float(missing.point[number, 0]), float(missing.point[number, 1]))
            if place in involved:
                groups.setdefault(tuple(sorted(involved.pop(place))), []).append(int(number))
        return [
            Fault(
                "missing-vertex",
                "error",
                self.claim,
                self.subject.layers_of(indices),
                self.subject.ids_of(indices),
                _MISSING_VERTEX,
                shapely.MultiPoint(missing.point[numbers]) if len(numbers) > 1 else points[numbers[0]],
                0.0,
                0.0,
                None,
                {"names": self.subject.called(indices), "count": len(numbers)},
            )
            for indices, numbers in groups.items()
        ]


def _set_duplicates_aside(
    subject: Subject, claim: str, tolerance: float
) -> tuple[npt.NDArray[np.object_], list[Fault]]:
    """Keep the first of equal polygons; the others' area belongs to the record that says so and to no overlap."""
    polygons = subject.polygons.copy()
    groups: dict[bytes, list[int]] = {}
    bounds = shapely.bounds(polygons)
    order = np.lexsort(bounds.T)
    same_box = np.zeros(len(order), bool)
    same_box[1:] = (bounds[order[1:]] == bounds[order[:-1]]).all(axis=1)
    suspects = np.union1d(order[same_box], order[np.flatnonzero(same_box) - 1])
    for index in suspects:
        groups.setdefault(shapely.to_wkb(shapely.normalize(polygons[index])), []).append(int(index))
    faults = []
    for indices in groups.values():
        if len(indices) < 2:
            continue
        sizes = subject.measure(polygons[indices[:1]])
        area, width = float(sizes.area[0]), float(sizes.width[0])
        faults.append(
            Fault(
                "duplicate-polygon",
                "error" if width > tolerance else "warning",
                claim,
                subject.layers_of(indices),
                subject.ids_of(indices),
                _DUPLICATE,
                polygons[indices[0]],
                area * (len(indices) - 1),
                width,
                float(sizes.length[0]),
                {"names": subject.called(indices), "area": area},
            )
        )
        polygons[indices[1:]] = None
    return polygons, faults


def _polygonal(shapes: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    return shapes[np.isin(shapely.get_type_id(shapes), (3, 6))]
