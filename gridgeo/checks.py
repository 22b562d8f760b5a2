"""Checks for pandera schemas (the extra ``gridgeo[pandera]``): a table is valid only if its polygons are a tiling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd

from gridgeo import Report, validate_tiling
from gridgeo.language import Message

if TYPE_CHECKING:
    from pandera.pandas import Check

_BROKEN = Message("the polygons are no seamless tiling", "多边形未构成无缝拼接")
_NO_PANDERA = "gridgeo.checks needs pandera: pip install 'gridgeo[pandera]'"


def tiling_check(*, fail_on: Literal["error", "warning"] = "error", **options: Any) -> Check:
    """Return a check of a whole GeoDataFrame that fails where its polygons don't form one coverage.

    Its failure cases are the rows that are involved in a fault. A fault that involves no row (an extent that no
    polygon comes near) fails the check as a whole.

    Parameters
    ----------
    fail_on : {"error", "warning"}
        The least severity that fails the check.
    **options
        Those of `gridgeo.validate_tiling`: ``within``, ``tolerance``, ``id_column`` and so on.

    Returns
    -------
    pandera.pandas.Check
        For the ``checks`` of a schema, not of a column.

    Raises
    ------
    ImportError
        Where pandera is not installed.
    """
    try:
        from pandera.pandas import Check
    except ImportError:
        raise ImportError(_NO_PANDERA) from None

    id_column = options.get("id_column")

    def tiles(frame: gpd.GeoDataFrame) -> pd.Series[bool] | bool:
        report = validate_tiling(frame, **options)
        if not report.fails(on=fail_on):
            return True
        sound = ~rows_at_fault(report, frame, id_column=id_column, fail_on=fail_on)
        return False if sound.all() else sound

    return Check(tiles, name="tiling", error=_BROKEN.text(), ignore_na=False)


def rows_at_fault(
    report: Report,
    frame: gpd.GeoDataFrame,
    *,
    id_column: str | None = None,
    fail_on: Literal["error", "warning"] = "error",
) -> pd.Series[bool]:
    """Say of each row of a table whether a fault of its report involves it.

    Parameters
    ----------
    report : Report
    frame : GeoDataFrame
        What was validated.
    id_column : str, optional
        Column with the ids, by default the index, as in the validation.
    fail_on : {"error", "warning"}
        The least severity that counts.

    Returns
    -------
    Series of bool
        With the index of ``frame``.
    """
    counted = {"error", fail_on}
    faults = [fault for fault in report.records if fault.severity in counted]
    ids = frame.index.to_series() if id_column is None else frame[id_column]
    named = np.isin(ids.map(str).to_numpy(str), sorted({feature for fault in faults for feature in fault.features}))
    # rows without an id can't be named by one: they are at fault for that
    nameless = ids.isna().to_numpy() | (ids.map(str).str.strip() == "").to_numpy()
    unnamed = nameless & any(fault.code == "missing-id" for fault in faults)
    return pd.Series(named | unnamed, index=frame.index)
