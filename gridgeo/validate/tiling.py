"""Tilings: layers that together cover an extent as one coverage, every wrongly covered square metre in one record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.coverage import CoverageAnalysis, Faces, analyse, equal_polygons
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.layers import Layer
from gridgeo.validate.faults import Fault
from gridgeo.validate.features import sound_edges
from gridgeo.validate.measure import Sizes, enclosed_area, most_wide
from gridgeo.validate.near import open_gaps, reach_of
from gridgeo.validate.regions import FLOAT_NOISE, Judge
from gridgeo.validate.report import ClaimResult, Report
from gridgeo.validate.shapes import check_shapes
from gridgeo.validate.subject import Geometries, LayerLike, Subject, as_layers, gather, side_by_side
from gridgeo.validate.wording import Area, Part

if TYPE_CHECKING:
    from gridgeo.network import Barriers, Rank
    from gridgeo.town import Allowed

_DUPLICATE = Message("{names} are the same polygon of {area}.", "{names}是同一个多边形，面积 {area}。")
_NO_EXTENT = Message(
    "the extent has no area to be covered; give one polygon at least", "范围中没有可覆盖的面；请至少提供一个多边形"
)


def validate_tiling(
    layers: LayerLike | Mapping[str, LayerLike],
    *,
    within: LayerLike | shapely.Geometry | None = None,
    along: Barriers | gpd.GeoDataFrame | None = None,
    tolerance: float = 0.0,
    rank: Rank = "lane",
    share: float = 0.0,
    along_tolerance: float | None = None,
    id_column: str | None = None,
    name_column: str | None = None,
    exceptions: Sequence[Allowed] = (),
    name: str = "tiling",
) -> Report:
    """Prove that layers form one coverage (of an extent), or name every fault.

    Topology is decided in the layers' own coordinates, exactly; only what is wrong is measured, in metres. Layers in
    different CRSs are brought to one through the town first. Inputs are not changed.

    Parameters
    ----------
    layers : GeoDataFrame, Layer or mapping of str to these
        Polygons, in any CRS.
    within : GeoDataFrame, Layer, Polygon or MultiPolygon, optional
        What the polygons must cover together, no more and no less; a bare geometry is in the CRS of the first layer.
        Without it, holes wider than `gridgeo.validate.regions.HOLE_IS_A_GAP_BELOW` are warnings, because they may be
        enclaves.
    along : Barriers or GeoDataFrame, optional
        Roads and rivers with a column ``rank``, along which borders should run: adds the claim of
        `gridgeo.validate.validate_alignment` to the report, named after this one with ``-along``.
    tolerance : float
        Metres. Faults no wider are warnings.
    rank, share, along_tolerance
        For ``along``: the least rank that counts, the least share of each border on barriers (0: borders are only
        measured), and the metres within which a border counts as on a barrier
        (`gridgeo.validate.borders.TOLERANCE`).
    id_column, name_column : str, optional
        Columns of GeoDataFrames with ids and names; by default the index.
    exceptions : sequence of gridgeo.town.Allowed
        Faults that are meant: they become notes. One that no fault needs is a warning.
    name : str
        Of the claim, in the report.

    Returns
    -------
    Report

    Raises
    ------
    InputError
        For layers without a CRS or the columns named, and for exceptions that make no sense.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> squares = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 9, 9), shapely.box(8, 0, 17, 9)], crs="EPSG:32651")
    >>> report = validate_tiling(squares)
    >>> report.ok, report.faults["code"].tolist(), report.faults["features"].tolist()
    (False, ['overlap'], [('0', '1')])
    """
    chosen = as_layers(layers, id_column=id_column, name_column=name_column)
    extents = {} if within is None else _as_extent(within, next(iter(chosen.values())))
    subject, around = gather(name, chosen, extents)
    extent = _united(around[0], next(iter(extents.values()))) if extents else None
    examined = examine(subject, extent, claim=name, tolerance=tolerance, look_for_open_gaps=extent is None)
    options = {
        "within": within,
        "along": along,
        "tolerance": tolerance,
        "rank": rank,
        "share": share,
        "along_tolerance": along_tolerance,
        "exceptions": exceptions,
        "name": name,
    }
    more = []
    if along is not None:
        from gridgeo.validate.borders import TOLERANCE, validate_alignment

        near = TOLERANCE if along_tolerance is None else along_tolerance
        report = validate_alignment(chosen, along, rank=rank, tolerance=near, share=share, name=f"{name}-along")
        aligned = (report if report.crs.equals(subject.crs) else report.moved_to(subject.crs)).claims[0]
        # what is wrong with features by themselves is said already
        borders = [fault for fault in aligned.faults if fault.kind.stage == "border"]
        more.append(replace(aligned, faults=borders))
    origin = Validated(chosen, examined, options)
    return report_of(examined, tuple(chosen), exceptions, origin=origin, more=more)


def is_coverage(layers: LayerLike | Mapping[str, LayerLike]) -> bool:
    """Tell whether polygons form one coverage: none overlap, and neighbours have the same vertices along their border.

    The verdict alone, many times faster than the full report of `validate_tiling`, and exact. Gaps are no fault here,
    because without an extent a gap may be meant.

    Parameters
    ----------
    layers : GeoDataFrame, Layer or mapping of str to these
        Polygons, in any CRS; features without a geometry cover nothing.

    Returns
    -------
    bool
        False also if a geometry is not valid or no polygon.

    Raises
    ------
    InputError
        For layers without a CRS.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> squares = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 9, 9), shapely.box(9, 0, 18, 9)], crs="EPSG:32651")
    >>> is_coverage(squares), is_coverage(squares.scale(1.01, 1.01).to_frame("geometry"))
    (True, False)
    """
    shapes = side_by_side(layers)
    edges = sound_edges(shapes)
    # copies of whole polygons are found by their boxes, long before each of their edges is compared with its copies
    return edges is not None and not equal_polygons(shapes) and analyse(shapes, edges=edges).valid


@dataclass(frozen=True, eq=False)
class Validated:
    """What a report came from: layers as they were validated, what was found in them, and with which options."""

    layers: dict[str, Layer]
    examined: Examined
    options: dict[str, Any]


def report_of(
    examined: Examined,
    layers: tuple[str, ...],
    exceptions: Sequence[Allowed],
    *,
    origin: object,
    more: Sequence[ClaimResult] = (),
) -> Report:
    """Return the report of a tiling that was examined, and of more claims."""
    subject = examined.subject
    report = Report(
        [ClaimResult(examined.claim, layers, examined.faults, examined.measures), *more],
        crs=subject.crs,
        measure_crs=subject.measure_crs,
        shapes=subject.polygons,
        sources=subject.sources,
        title=examined.claim,
        origin=origin,
    )
    if not exceptions:
        return report
    from gridgeo.validate.exceptions import with_exceptions

    return with_exceptions(report, exceptions)


@dataclass(frozen=True)
class Examined:
    """A tiling that was examined: what was found, and all that another look after an edit can build on.

    Parameters
    ----------
    subject : Subject
    extent : Geometry or None
    claim : str
    tolerance : float
    distinct : ndarray of Polygon or MultiPolygon
        The subject's polygons; None in the place of the copies of one.
    reach : tuple of float or None
        Within which open gaps were looked for.
    analysis : CoverageAnalysis
        Of ``distinct``.
    faces : Faces
    sizes : Sizes
        Of the faces.
    duplicates : list of Fault
    regions : dict of int to Fault
        The record of each face that has one.
    borders : list of tuple
        The records of borders with vertices on one side only, each with the polygons beside it.
    gaps : list of Fault
        Open gaps.
    shapes : list of Fault
    polygons : int
    residual : int
        Edges without a partner.
    vertices : int
    area : float
        Square metres of all polygons.
    """

    subject: Subject
    extent: shapely.Geometry | None
    claim: str
    tolerance: float
    distinct: Geometries
    reach: tuple[float, float] | None
    analysis: CoverageAnalysis
    faces: Faces
    sizes: Sizes
    duplicates: list[Fault]
    regions: dict[int, Fault]
    borders: list[tuple[tuple[int, ...], Fault]]
    gaps: list[Fault]
    shapes: list[Fault]
    polygons: int
    residual: int
    vertices: int
    area: float

    @property
    def faults(self) -> list[Fault]:
        """Every record."""
        regions, borders = self.regions.values(), (fault for _, fault in self.borders)
        return [*self.subject.faults, *self.duplicates, *regions, *self.gaps, *borders, *self.shapes]

    @property
    def hardly_shared(self) -> bool:
        """Whether hardly a border is shared, so that one may ask whether it is a tiling at all."""
        return self.residual > self.vertices / 4

    @property
    def measures(self) -> dict[str, Any]:
        """Numbers of what was checked."""
        measures: dict[str, Any] = {
            "polygons": self.polygons,
            "vertices": self.vertices,
            "area": self.area,
            "tolerance": float(self.tolerance),
        }
        if self.hardly_shared:
            shared = self.analysis.adjacency()
            paired = len(np.unique(np.concatenate([shared.first, shared.second])))
            measures["alone"] = int((~shapely.is_missing(self.distinct)).sum()) - paired
        if self.extent is not None:
            measures["extent_area"] = self.subject.total_area(np.array([self.extent], object))
        areal = [*self.regions.values(), *self.duplicates]
        for code in ("gap", "uncovered", "outside", "overlap", "duplicate-polygon"):
            # a near border is an overlap or a gap, as its detail says
            total = sum(fault.area or 0.0 for fault in areal if code in (fault.code, fault.detail))
            measures[f"{code.partition('-')[0]}_area"] = float(total)
        excess = ((max(fault.multiplicity or 1, 1) - 1) * (fault.area or 0.0) for fault in areal)
        measures["excess_area"] = float(sum(excess))
        return measures


def check_tiling(
    subject: Subject,
    extent: shapely.Geometry | None,
    *,
    claim: str,
    tolerance: float,
    look_for_open_gaps: bool = False,
) -> tuple[list[Fault], dict[str, Any]]:
    """Return the faults of a tiling and what was measured: see `examine`."""
    examined = examine(subject, extent, claim=claim, tolerance=tolerance, look_for_open_gaps=look_for_open_gaps)
    return examined.faults, examined.measures


def examine(
    subject: Subject,
    extent: shapely.Geometry | None,
    *,
    claim: str,
    tolerance: float,
    look_for_open_gaps: bool = False,
) -> Examined:
    """Examine a tiling.

    With an extent open gaps are ``uncovered``; without, they are only there for who looks for them.
    """
    alike = equal_polygons(subject.polygons, subject.boxes)
    distinct, duplicates = set_duplicates_aside(subject, claim, tolerance, alike)
    reach = reach_of(subject, tolerance) if look_for_open_gaps else None
    copies = [index for fault_indices in alike for index in fault_indices[1:]]
    analysis = analyse(distinct, extent=extent, reach=reach, edges=subject.edges.without(np.array(copies, np.int64)))
    faces = analysis.faces()
    judge = Judge(subject, claim, tolerance, has_extent=extent is not None)
    records, sizes = judge.regions(faces)
    borders = judge.borders(analysis.missing_vertices(), faces, sizes, records)
    if not analysis.valid and not borders and not subject.scars and all(fault.detail == "hole" for fault in records):
        borders = [judge.unexplained(analysis)]
    regions = dict(zip(np.flatnonzero(~(sizes.width <= FLOAT_NOISE)).tolist(), records, strict=True))
    set_aside = sum((fault.area or 0.0) * ((fault.multiplicity or 1) - 1) for fault in duplicates)
    gaps = (
        open_gaps(subject, distinct, analysis, faces.polygon, claim=claim, tolerance=tolerance)
        if look_for_open_gaps
        else []
    )
    return Examined(
        subject=subject,
        extent=extent,
        claim=claim,
        tolerance=tolerance,
        distinct=distinct,
        reach=reach,
        analysis=analysis,
        faces=faces,
        sizes=sizes,
        duplicates=duplicates,
        regions=regions,
        borders=borders,
        gaps=gaps,
        shapes=check_shapes(subject, claim),
        polygons=len(subject.polygons),
        residual=len(analysis.residual),
        vertices=subject.edges.given,
        area=enclosed_area(analysis.residual.segment, subject.crs, subject.measure_crs) + set_aside,
    )


def _as_extent(within: LayerLike | shapely.Geometry, first: Layer) -> dict[str, Layer]:
    if isinstance(within, shapely.Geometry):
        within = gpd.GeoDataFrame(geometry=[within], crs=first.frame.crs)
    ((key, layer),) = as_layers(within).items()
    return {"extent" if key == "layer" else key: layer}


def _united(shapes: Geometries, layer: Layer) -> shapely.Geometry:
    present = shapes[~shapely.is_missing(shapes)]
    if not len(present):
        raise InputError(Problem(layer.source or layer.name, _NO_EXTENT))
    # a single polygon stays as it is: the union of one could drop or move vertices
    return present[0] if len(present) == 1 else shapely.union_all(present)


def set_duplicates_aside(
    subject: Subject, claim: str, tolerance: float, alike: list[list[int]] | None = None
) -> tuple[npt.NDArray[np.object_], list[Fault]]:
    """Keep the first of equal polygons; the others' area belongs to the record that says so and to no overlap."""
    polygons = subject.polygons.copy()
    alike = equal_polygons(polygons) if alike is None else alike
    if not alike:
        return polygons, []
    first = polygons[[indices[0] for indices in alike]]
    areas, lengths = subject.areas_and_lengths(first)
    late = subject.late_widths(first)
    # how wide a copy is has to be known for a tolerance only, and seldom then
    unclear = most_wide(areas) > tolerance if tolerance > 0 else np.zeros(len(alike), bool)
    unclear &= 2 * areas <= tolerance * lengths
    faults = []
    for number, indices in enumerate(alike):
        area = float(areas[number])
        wide = late.at(number) > tolerance if unclear[number] else 2 * area > tolerance * lengths[number]
        faults.append(
            Fault(
                "duplicate-polygon",
                "error" if wide else "warning",
                claim,
                subject.layers_of(indices),
                subject.ids_of(indices),
                _DUPLICATE,
                first[number],
                area,
                partial(late.at, number),  # type: ignore[arg-type]
                float(lengths[number]),
                {"names": subject.called(indices), "area": Area(area)},
                part=Part(subject.name_of(indices[0]), 1, 1),
                multiplicity=len(indices),
            )
        )
    polygons[[index for indices in alike for index in indices[1:]]] = None
    return polygons, faults
