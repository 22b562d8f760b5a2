"""The report: what was claimed, whether it holds, and every fault; as text for people and as data for programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import shapely

from gridgeo.language import Language, current_language
from gridgeo.validate.faults import CATALOGUE, SEVERITIES, STAGES, Fault, Severity

if TYPE_CHECKING:
    from gridgeo.validate.subject import LayerLike

SCHEMA = "gridgeo-report/1"
_COLUMNS = [
    "code",
    "detail",
    "severity",
    "claim",
    "layers",
    "features",
    "area",
    "width",
    "length",
    "iso19157",
    "message",
    "action",
    "exception",
]


@dataclass(frozen=True)
class ClaimResult:
    """What came of one claim.

    Parameters
    ----------
    claim : str
    layers : tuple of str
    faults : list of Fault
    measures : dict
        Numbers of what was checked: polygons, areas in square metres, the tolerance in metres.
    """

    claim: str
    layers: tuple[str, ...]
    faults: list[Fault]
    measures: dict[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether the claim holds: it has no error."""
        return all(fault.severity != "error" for fault in self.faults)


@dataclass(frozen=True)
class Report:
    """The outcome of a validation.

    Parameters
    ----------
    claims : list of ClaimResult
    crs : pyproj.CRS
        Of the faults' geometries: the layers' own where they share one.
    measure_crs : pyproj.CRS
        In metres, in which areas and widths were measured.
    shapes : ndarray of Polygon, optional
        What was checked, in ``crs``, for the map of the HTML page.
    sources : mapping of str to str
        File of each layer.
    title : str
        What was validated.
    origin : object, optional
        What the report came from, for `update`.
    """

    claims: list[ClaimResult]
    crs: pyproj.CRS
    measure_crs: pyproj.CRS
    shapes: npt.NDArray[np.object_] | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    title: str = ""
    origin: object = field(default=None, repr=False, compare=False)

    @property
    def ok(self) -> bool:
        """Whether every claim holds."""
        return all(claim.ok for claim in self.claims)

    @cached_property
    def records(self) -> list[Fault]:
        """All faults, the worst first; the same order for the same input."""
        faults = [fault for claim in self.claims for fault in claim.faults]
        bounds = shapely.bounds(np.array([fault.geometry for fault in faults], object)).reshape(-1, 4).tolist()
        keys = [
            (
                SEVERITIES.index(fault.severity),
                STAGES.index(CATALOGUE[fault.code].stage),
                -(fault.area or 0.0),
                fault.code,
                fault.claim,
                fault.layers,
                fault.features,
                () if fault.geometry is None else tuple(box),
                number,
            )
            for number, (fault, box) in enumerate(zip(faults, bounds, strict=True))
        ]
        return [faults[key[-1]] for key in sorted(keys)]

    @property
    def counts(self) -> dict[Severity, int]:
        """Number of faults of each severity."""
        found = Counter(fault.severity for fault in self.records)
        return {severity: found[severity] for severity in SEVERITIES}

    @property
    def faults(self) -> gpd.GeoDataFrame:
        """One row a fault, the worst first, with the columns of the JSON report."""
        table = pd.DataFrame([_row(fault, None) for fault in self.records], columns=_COLUMNS)
        geometry = np.array([fault.geometry for fault in self.records], object)
        return gpd.GeoDataFrame(table, geometry=geometry, crs=self.crs)

    def update(
        self,
        changed: LayerLike | Mapping[str, LayerLike] | None = None,
        *,
        removed: Iterable[str] | Mapping[str, Iterable[str]] = (),
    ) -> Report:
        """Return the report of the layers after an edit, at the cost of the edit.

        Equal to what `gridgeo.validate.validate_tiling` says of the edited layers; only the last digits of the total
        area, and of places where borders cross, may be rounded otherwise. See `gridgeo.validate.update`.

        Parameters
        ----------
        changed : GeoDataFrame, Layer or mapping of layer to these, optional
            The edited features: those of known ids replace what was there, others are new.
        removed : iterable of str or mapping of layer to these, optional
            Ids of features that are no more.

        Raises
        ------
        InputError
            For reports of other functions, unknown layers, another CRS, ids given twice or not there.

        Examples
        --------
        >>> import geopandas as gpd, shapely
        >>> from gridgeo.validate import validate_tiling
        >>> squares = [shapely.box(0, 0, 9, 9), shapely.box(8, 0, 17, 9), shapely.box(0, 9, 17, 20)]
        >>> layer = gpd.GeoDataFrame(geometry=squares, index=["a", "b", "c"], crs="EPSG:32651")
        >>> report = validate_tiling(layer)
        >>> report.faults["code"].tolist()
        ['overlap']
        >>> mended = gpd.GeoDataFrame(geometry=[shapely.box(9, 0, 17, 9)], index=["b"], crs="EPSG:32651")
        >>> report.update(mended).faults["code"].tolist()
        ['missing-vertex']
        """
        from gridgeo.validate.update import update_report

        return update_report(self, changed, removed)

    def fails(self, *, on: str = "error") -> bool:
        """Whether there is a fault at or above a severity."""
        least = SEVERITIES.index(on)
        return any(SEVERITIES.index(fault.severity) <= least for fault in self.records)

    def moved_to(self, crs: pyproj.CRS) -> Report:
        """Return the same report with all geometries in another CRS."""

        def move(geometry: shapely.Geometry | None) -> shapely.Geometry | None:
            return None if geometry is None else gpd.GeoSeries([geometry], crs=self.crs).to_crs(crs).iloc[0]

        claims = [
            replace(claim, faults=[replace(fault, geometry=move(fault.geometry)) for fault in claim.faults])
            for claim in self.claims
        ]
        shapes = None if self.shapes is None else gpd.GeoSeries(self.shapes, crs=self.crs).to_crs(crs).to_numpy()
        return replace(self, claims=claims, crs=crs, shapes=shapes, origin=None)

    def to_dict(self, language: Language | None = None) -> dict[str, Any]:
        """Return the report as plain data of the schema ``gridgeo-report/1``."""
        return {
            "schema": SCHEMA,
            "ok": self.ok,
            "counts": dict(self.counts),
            "claims": [
                {"claim": claim.claim, "layers": list(claim.layers), "ok": claim.ok, "measures": claim.measures}
                for claim in self.claims
            ],
            "faults": [
                _row(fault, language)
                | {"layers": list(fault.layers), "features": list(fault.features), "geometry": _geojson(fault.geometry)}
                for fault in self.records
            ],
            "crs": _crs_name(self.crs),
        }

    def to_json(self, language: Language | None = None) -> str:
        """Return the report as JSON of the schema ``gridgeo-report/1``; the same input gives the same bytes."""
        return json.dumps(self.to_dict(language), ensure_ascii=False, indent=1, allow_nan=False) + "\n"

    def to_sarif(self, language: Language | None = None) -> str:
        """Return the report as a SARIF 2.1.0 log."""
        from gridgeo import __version__
        from gridgeo.validate.exchange import to_sarif

        rules = {code: kind.name.text(language) for code, kind in CATALOGUE.items()}
        return to_sarif(self.to_dict(language), sources=self.sources, rules=rules, version=__version__)

    def to_junit(self, language: Language | None = None) -> str:
        """Return the report as JUnit XML."""
        from gridgeo.validate.exchange import to_junit

        return to_junit(self.to_dict(language))

    def to_github(self, language: Language | None = None) -> str:
        """Return the report as GitHub workflow commands, one line a fault."""
        from gridgeo.validate.exchange import to_github

        return to_github(self.to_dict(language), sources=self.sources)

    def to_html(self, language: Language | None = None) -> str:
        """Return the report as one self-contained page with a map of the faults."""
        from gridgeo.validate.page import to_html
        from gridgeo.validate.reading import reading
        from gridgeo.validate.text import checked, verdict, whereabouts

        shapes = np.array([], object) if self.shapes is None else self.shapes
        planar = [gpd.GeoSeries(part, crs=self.crs).to_crs(self.measure_crs) for part in (shapes, self._places())]
        chosen = language or current_language()
        faults = [fault for fault in self.records if fault.severity != "info"]
        return to_html(
            self.to_dict(chosen),
            shapes=planar[0],
            places=planar[1],
            language=chosen,
            title=self.title,
            verdict=verdict(self, chosen),
            advice=reading(self.claims, faults, chosen),
            checked=checked(self, chosen),
            where=whereabouts(self, self.records, chosen),
        )

    def to_gpkg(self, path: str | Path, language: Language | None = None) -> Path:
        """Write the faults to a GeoPackage that opens styled in QGIS; see `gridgeo.validate.geopackage`.

        Parameters
        ----------
        path : str or Path
            Written whole or not at all; a report that is there is replaced, a file with any other layer is not.
        language : {"en", "zh"}, optional

        Returns
        -------
        Path

        Raises
        ------
        InputError
            When the place can't be written, is no ``.gpkg`` or is somebody's map.
        """
        from gridgeo.validate.geopackage import write_geopackage

        rows = [_row(fault, language) for fault in self.records]
        return write_geopackage(rows, self._places().tolist(), path, crs=self.crs, language=language)

    def _places(self) -> npt.NDArray[np.object_]:
        return np.array([fault.geometry for fault in self.records], object)

    def to_text(self, language: Language | None = None, *, most: int = 200) -> str:
        """Return the report for a terminal: the verdict, then the kinds, then each fault, the worst first.

        Parameters
        ----------
        language : {"en", "zh"}, optional
        most : int
            How many faults are listed.
        """
        from gridgeo.validate.text import to_text

        return to_text(self, language, most)


def _row(fault: Fault, language: Language | None) -> dict[str, Any]:
    return {
        "code": fault.code,
        "detail": fault.detail,
        "severity": fault.severity,
        "claim": fault.claim,
        "layers": fault.layers,
        "features": fault.features,
        "area": fault.area,
        "width": fault.width,
        "length": fault.length,
        "iso19157": fault.iso19157,
        "message": fault.message(language),
        "action": fault.action(language),
        "exception": fault.exception,
    }


def _geojson(geometry: shapely.Geometry | None) -> dict[str, Any] | None:
    if geometry is None or geometry.is_empty:
        return None
    mapped: dict[str, Any] = json.loads(shapely.to_geojson(geometry))
    return mapped


def _crs_name(crs: pyproj.CRS) -> str:
    authority = crs.to_authority(min_confidence=100)
    return ":".join(authority) if authority else str(crs.to_wkt())
