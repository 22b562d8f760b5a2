"""Measure the coverage kernel against ``shapely.coverage_invalid_edges``: CPU seconds of one thread, in the same run.

    python benchmarks/coverage_speed.py [POLYGONS] [--streets BLOCKS] [--engine numpy|numba]

Towns of curved blocks with 45 vertices each: sound; with eight kinds of faults in 1 % of the polygons (timed with all
faces, their covers and borders); with nothing shared; and blocks in one street polygon that fills all between them.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable

import numpy as np
import shapely

from gridgeo.coverage import CoverageAnalysis, analyse, compile_loops


def make_town(polygons: int, vertices_a_side: int = 10, seed: int = 0) -> np.ndarray:
    """Make a sound town of about that many blocks, with coordinates in metres rounded to 0.1 mm."""
    random = np.random.default_rng(seed)
    columns = round(np.sqrt(polygons))
    rows = int(np.ceil(polygons / columns))
    x, y = np.meshgrid(np.arange(columns + 1.0), np.arange(rows + 1.0))
    corner = np.stack([x, y], axis=-1) + random.uniform(-0.22, 0.22, (rows + 1, columns + 1, 2))

    def curve(start: np.ndarray, stop: np.ndarray) -> np.ndarray:
        t = np.linspace(0, 1, vertices_a_side + 2)
        run = (stop - start)[..., None, :]
        across = np.stack([-run[..., 1], run[..., 0]], axis=-1)
        bend = sum(
            size * random.uniform(-1, 1, (*start.shape[:-1], 1)) * np.sin(np.pi * waves * t)
            for waves, size in ((1, 0.05), (2, 0.03), (5, 0.01))
        )
        bend[..., 0] = bend[..., -1] = 0.0
        points = start[..., None, :] + t[:, None] * run + bend[..., None] * across
        points[..., 0, :], points[..., -1, :] = start, stop
        return np.round(points * 150.0 + [500000.0, 3400000.0], 4)

    level, upright = curve(corner[:, :-1], corner[:, 1:]), curve(corner[:-1], corner[1:])
    ring = np.concatenate(
        [
            level[:-1, :, :-1],
            upright[:, 1:, :-1],
            level[1:, :, :0:-1],
            upright[:, :-1, :0:-1],
        ],
        axis=2,
    )
    return shapely.polygons(ring.reshape(rows * columns, -1, 2))


def with_faults(town: np.ndarray, share: float, seed: int = 1) -> np.ndarray:
    """Spoil a share of the polygons in eight ways."""
    random = np.random.default_rng(seed)
    town, extra = town.copy(), []
    for turn, k in enumerate(random.choice(len(town), int(len(town) * share), replace=False)):
        points = shapely.get_coordinates(town[k])
        v = int(random.integers(1, len(points) - 2))
        way = turn % 8
        if way == 0:
            points[v] += random.uniform(-3, 3, 2)
        elif way == 1:
            points = np.delete(points, v, axis=0)
        elif way == 2:
            points = np.insert(points, v, np.round((points[v - 1] + points[v]) / 2, 4), axis=0)
        elif way == 3:
            town[k] = None
            continue
        elif way == 4:
            extra.append(town[k])
        elif way == 5:
            points += random.uniform(-2, 2, 2)
        elif way == 6:
            extra.append(shapely.buffer(shapely.point_on_surface(town[k]), 5.0, quad_segs=3))
        else:
            points[v] += random.uniform(-1e-4, 1e-4, 2)
        spoiled = shapely.polygons(points)
        town[k] = spoiled if spoiled.is_valid else town[k]
    return np.array([p for p in [*town, *extra] if p is not None], object)


def apart(town: np.ndarray, scale: float = 0.97) -> np.ndarray:
    """Shrink every block, so that nothing is shared."""
    points, count = shapely.get_coordinates(town), shapely.get_num_coordinates(town)
    centre = np.repeat(shapely.get_coordinates(shapely.centroid(town)), count, axis=0)
    return shapely.set_coordinates(town.copy(), centre + (points - centre) * scale)


def with_street(town: np.ndarray) -> np.ndarray:
    """Shrink the blocks and fill all between them with one polygon."""
    blocks = apart(town, 0.94)
    frame = shapely.box(*(shapely.total_bounds(blocks) + np.array([-20, -20, 20, 20])))
    return np.append(blocks, shapely.polygons(shapely.get_exterior_ring(frame), shapely.get_exterior_ring(blocks)))


def cpu_seconds(work: Callable[[], object], repeats: int) -> float:
    """Best of some repeats."""
    best = np.inf
    for _ in range(repeats):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def explained(polygons: np.ndarray) -> CoverageAnalysis:
    """Analyse with all faces."""
    analysis = analyse(polygons)
    analysis.faces()
    return analysis


def main() -> None:
    """Read the arguments, measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("polygons", nargs="?", type=int, default=100_000)
    parser.add_argument("--streets", type=int, default=2_000, help="blocks in a street polygon: GEOS is quadratic")
    parser.add_argument("--engine", choices=["numpy", "numba"], default="numba")
    arguments = parser.parse_args()
    if arguments.engine == "numba":
        compile_loops()
    os.environ["GRIDGEO_ENGINE"] = arguments.engine
    town = make_town(arguments.polygons)
    cases = {
        "sound": (town, analyse),
        "1 % faulty, explained": (with_faults(town, 0.01), explained),
        "nothing shared": (apart(town), analyse),
        "street polygon": (with_street(make_town(arguments.streets)), analyse),
    }
    head = ("layout", "polygons", "vertices", "GEOS s", "gridgeo s", "ratio")
    print(f"{head[0]:24}{head[1]:>10}{head[2]:>12}{head[3]:>10}{head[4]:>11}{head[5]:>9}  same at fault")
    for name, (polygons, work) in cases.items():
        ours = cpu_seconds(lambda: work(polygons), 3)  # noqa: B023
        start = time.process_time()
        lines = shapely.coverage_invalid_edges(polygons)
        geos = time.process_time() - start
        flagged = np.flatnonzero(~shapely.is_empty(lines))
        same = np.array_equal(flagged, analyse(polygons).faulty)
        vertices = int(shapely.get_num_coordinates(polygons).sum())
        print(f"{name:24}{len(polygons):>10}{vertices:>12}{geos:>10.3f}{ours:>11.3f}{geos / ours:>9.1f}  {same}")


if __name__ == "__main__":
    main()
