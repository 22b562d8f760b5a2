"""Measure `Report.update` against a new validation of the edited layer: CPU seconds of one thread, in the same run.

    python benchmarks/update.py [POLYGONS]

A town of curved blocks with 45 vertices each, sound or with faults in 1 % of the polygons. Edits: blocks of which one
vertex is moved, which breaks their borders, and the same blocks as they were before, which mends them.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

sys.path.insert(0, str(Path(__file__).parent))
from validate import make_town, with_faults

from gridgeo.validate import Report, validate_tiling


def seconds(work: Callable[[], Report]) -> tuple[float, Report]:
    """Return the CPU seconds of some work, and what came of it."""
    begun = time.process_time()
    report = work()
    return time.process_time() - begun, report


def dented(shape: shapely.Geometry) -> shapely.Geometry:
    """Move one vertex of a block by half a metre."""
    places = shapely.get_coordinates(shape)[:-1]
    places[len(places) // 8] += 0.5
    made = shapely.Polygon(places)
    return made if made.is_valid else shape


def main() -> None:
    """Print a line for each edit."""
    parser = argparse.ArgumentParser()
    parser.add_argument("polygons", type=int, nargs="?", default=100_000)
    count = parser.parse_args().polygons
    print(f"{'layer':10} {'edited':>6} {'edit':6} {'update':>9} {'anew':>9} {'times':>6}")
    for name, share in (("sound", 0.0), ("1 % faulty", 0.01)):
        shapes = make_town(count)
        shapes = with_faults(shapes, share) if share else shapes
        frame = gpd.GeoDataFrame({"id": [str(k) for k in range(len(shapes))]}, geometry=shapes, crs="EPSG:32651")
        _, report = seconds(lambda frame=frame: validate_tiling(frame, id_column="id"))  # type: ignore[misc]
        report = report.update(frame.iloc[[len(frame) // 2]])  # what is looked up once for all updates
        random = np.random.default_rng(0)
        for edited in (1, 10, 100, 1000):
            if edited > count // 20:
                continue
            inner = np.arange(len(frame) // 3, 2 * len(frame) // 3)
            chosen = frame.iloc[np.sort(random.choice(inner, edited, replace=False))]
            broken = chosen.set_geometry([dented(shape) for shape in chosen.geometry], crs=frame.crs)
            for edit, rows, before in (("break", broken, report), ("mend", chosen, None)):
                start = report.update(broken) if before is None else before
                taken, updated = seconds(lambda start=start, rows=rows: start.update(rows))  # type: ignore[misc]
                geometry = frame.geometry.to_numpy().copy()
                geometry[rows.index] = rows.geometry.to_numpy()
                whole = frame.set_geometry(geometry, crs=frame.crs)
                anew, new = seconds(lambda whole=whole: validate_tiling(whole, id_column="id"))  # type: ignore[misc]
                same = [fault.features for fault in updated.records] == [fault.features for fault in new.records]
                print(
                    f"{name:10} {edited:6} {edit:6} {taken:8.3f}s {anew:8.3f}s {anew / taken:5.0f}x"
                    f"{'' if same else '  NOT THE SAME'}"
                )


if __name__ == "__main__":
    main()
