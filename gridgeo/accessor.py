"""``frame.gridgeo``: what gridgeo does with a GeoDataFrame, as methods of the GeoDataFrame.

To be imported by name, because nothing else says openly that all tables get a new attribute, and because
``import gridgeo`` would have to import geopandas for it, which takes longer than everything else in it.
"""

from __future__ import annotations

import inspect
from typing import Any

import geopandas as gpd
import pandas as pd

from gridgeo import Report, validate_tiling

_NO_GEOMETRY = "{kind} has no .gridgeo: only a GeoDataFrame with a geometry column has"


@pd.api.extensions.register_dataframe_accessor("gridgeo")
class GridgeoAccessor:
    """What gridgeo does with a GeoDataFrame; reached as ``frame.gridgeo`` after ``import gridgeo.accessor``.

    Parameters
    ----------
    frame : GeoDataFrame
        Never changed.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> import gridgeo.accessor
    >>> shapes = [shapely.box(0, 0, 9, 9), shapely.box(8, 0, 17, 9)]
    >>> squares = gpd.GeoDataFrame({"code": ["a", "b"]}, geometry=shapes, crs="EPSG:32651")
    >>> squares.gridgeo.validate(id_column="code").faults["features"].tolist()
    [('a', 'b')]
    """

    def __init__(self, frame: gpd.GeoDataFrame) -> None:
        if not isinstance(frame, gpd.GeoDataFrame) or frame.active_geometry_name is None:
            raise AttributeError(_NO_GEOMETRY.format(kind=type(frame).__name__))
        self._frame = frame

    def validate(self, **options: Any) -> Report:
        """Prove that the polygons form one coverage (of an extent), or name every fault.

        Parameters
        ----------
        **options
            Those of `gridgeo.validate_tiling`: ``within``, ``along``, ``tolerance``, ``id_column`` and so on.

        Returns
        -------
        Report
        """
        return validate_tiling(self._frame, **options)


def _signature_of(function: Any) -> inspect.Signature:
    """Return a function's signature as that of a method on its first argument, for ``help`` and completion."""
    _, *options = inspect.signature(function).parameters.values()
    itself = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    return inspect.signature(function).replace(parameters=[itself, *options])


GridgeoAccessor.validate.__signature__ = _signature_of(validate_tiling)  # type: ignore[attr-defined]
