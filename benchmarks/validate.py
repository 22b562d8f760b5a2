"""Measure validation against ``shapely.coverage_invalid_edges``: CPU seconds of one thread, all in one run.

    python benchmarks/validate.py [--quick] [--polygons N] [--blocks N] [--data FOLDER] [--engine numpy|numba]

Towns of curved blocks with 45 vertices each: sound; with eight kinds of faults in 1 % of the polygons; with nothing
shared; all polygons doubled; blocks in one street polygon that fills all between them; small layers; and, where they
are, real ones. Each is measured for the verdict alone (`gridgeo.is_coverage`: valid polygons, none
overlap, the same vertices on both sides of each border; that is what GEOS tells), for the kernel
(`gridgeo.coverage.analyse`, of faulty layers with all faces) and for the public `gridgeo.validate_tiling` (a
GeoDataFrame in, all records out: areas, widths, kinds, features; GEOS does nothing of this), with numpy and with the
compiled loops. Then the memory on top of the input, and a cold ``gridgeo validate FILE`` against a process that only
imports geopandas and reads the file. Each line says what is asked for and whether it is met.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import geopandas as gpd
import numpy as np
import shapely

from gridgeo.coverage import analyse, compile_loops
from gridgeo.validate import Report, is_coverage, validate_tiling

ENGINES = ("numpy", "numba")
BYTES_A_VERTEX = 30.0
COLD_SECONDS = 0.5
NEVER_SLOWER = 1.0
CRS = "EPSG:32651"
DATA = Path(__file__).parents[2] / "shared" / "data"
REAL = {
    "england-oa-southeast": "oa2011_southeast.parquet",
    "denver-blocks": "denver_blocks.gpkg",
    "guelph": "guelph.gpkg",
    "hanoi-cau-giay": "hanoi.gpkg",
    "beijing-aoi": "beijing.gpkg",
    "iowa-counties": "iowa_counties.gpkg",
}


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


@dataclass(frozen=True)
class Layout:
    """A layer to measure and how many times faster than GEOS it should be."""

    name: str
    frame: gpd.GeoDataFrame
    bar: float
    with_faces: bool = False

    @property
    def polygons(self) -> np.ndarray:
        """The geometries."""
        return self.frame.geometry.to_numpy()


def layouts(polygons: int, blocks: int, data: Path) -> Iterator[Layout]:
    """Make one layer after another."""
    town = make_town(polygons)
    yield Layout("sound", framed(town), 12.0)
    yield Layout("1 % faulty", framed(with_faults(town, 0.01)), 5.0, with_faces=True)
    yield Layout("nothing shared", framed(apart(town)), 3.0)
    yield Layout("all doubled", framed(np.concatenate([town, town])), NEVER_SLOWER)
    yield Layout("street polygon", framed(with_street(make_town(blocks))), 1000.0)
    for size in (50, 500, 5_000):
        yield Layout("small, sound", framed(make_town(size)), NEVER_SLOWER)
        yield Layout("small, 1 % faulty", framed(with_faults(make_town(size), 0.01)), NEVER_SLOWER, with_faces=True)
        yield Layout("small, nothing shared", framed(apart(make_town(size))), NEVER_SLOWER)
    for folder, file in REAL.items():
        if (data / folder / file).is_file():
            yield from real_layers(folder, data / folder / file)
        else:
            print(f"{folder}: not in {data}, left out")


def real_layers(name: str, file: Path) -> Iterator[Layout]:
    """Read the polygon layers of a file."""
    if file.suffix == ".parquet":
        frames = {name: gpd.read_parquet(file)}
    else:
        listed = gpd.list_layers(file)["name"].tolist()
        frames = {f"{name} {layer}": gpd.read_file(file, layer=layer) for layer in listed}
    for key, frame in frames.items():
        areal = np.isin(shapely.get_type_id(frame.geometry.to_numpy()), (3, 6))
        if areal.mean() > 0.5:
            yield Layout(key, frame[areal].reset_index(drop=True), NEVER_SLOWER, with_faces=True)


def framed(polygons: np.ndarray) -> gpd.GeoDataFrame:
    """Return polygons as the layer that a user would pass."""
    return gpd.GeoDataFrame(geometry=polygons, crs=CRS)


def cpu_seconds(work: Callable[[], object], enough: float = 1.0) -> float:
    """Best CPU time of some repeats: three at least, unless they take long."""
    best, spent, repeats = np.inf, 0.0, 0
    while repeats < 1 or (spent < enough and repeats < 50) or (repeats < 3 and spent < 10 * enough):
        start = time.process_time()
        work()
        taken = time.process_time() - start
        best, spent, repeats = min(best, taken), spent + taken, repeats + 1
    return best


@contextmanager
def engine(name: str) -> Iterator[None]:
    """Let numpy or the compiled loops work."""
    before = os.environ.get("GRIDGEO_ENGINE")
    os.environ["GRIDGEO_ENGINE"] = name
    try:
        yield
    finally:
        os.environ.pop("GRIDGEO_ENGINE")
        if before is not None:
            os.environ["GRIDGEO_ENGINE"] = before


def verdict(met: bool) -> str:
    """Say whether a bar is met."""
    return "met" if met else "MISSED"


def measure_speed(layout: Layout, engines: tuple[str, ...], enough: float) -> bool:
    """Print the ratios of one layer; return whether all are met."""

    def kernel() -> object:
        analysis = analyse(layout.polygons)
        return analysis.faces() if layout.with_faces else analysis

    def verdict_alone() -> bool:
        return is_coverage(layout.frame)

    def public() -> Report:
        report = validate_tiling(layout.frame)
        _ = report.records
        return report

    vertices = int(shapely.get_num_coordinates(layout.polygons).sum())
    lines: list[np.ndarray] = []
    geos = cpu_seconds(lambda: lines.append(shapely.coverage_invalid_edges(layout.polygons)), enough)
    flagged = np.flatnonzero(~shapely.is_empty(lines.pop()))
    # rings that cross themselves are outside of what both promise: they are left out of the comparison
    sound = shapely.is_valid(layout.polygons)
    if sound.all():
        same = np.array_equal(flagged, analyse(layout.polygons).faulty)
    else:
        edges = shapely.coverage_invalid_edges(layout.polygons[sound])
        same = np.array_equal(np.flatnonzero(~shapely.is_empty(edges)), analyse(layout.polygons[sound]).faulty)
    records = len(public().records)
    print(f"{layout.name}: {len(layout.frame):,} polygons, {vertices:,} vertices, ", end="")
    aside = "" if sound.all() else f" of the {int(sound.sum()):,} whose rings are valid"
    print(f"{len(flagged):,} at fault ({'the same' if same else 'OTHERS'}{aside} by GEOS), {records:,} records")
    print(f"  {'GEOS':22}{geos:10.4f} s")
    all_met = same
    for name in engines:
        with engine(name):
            for what, work, bar in (
                ("is_coverage", verdict_alone, min(layout.bar, NEVER_SLOWER)),
                ("kernel", kernel, layout.bar),
                ("validate_tiling", public, layout.bar),
            ):
                seconds = cpu_seconds(work, enough)
                met = geos >= bar * seconds
                all_met &= met
                print(f"  {what:16}{name:6}{seconds:10.4f} s {geos / seconds:10.1f}x", end="")
                print(f"   asked: {bar:g}x, {verdict(met)}", flush=True)
    return all_met


_MEMORY = """
import sys
sys.path.insert(0, {here!r})
import validate
validate.print_memory({file!r}, {corners})
"""


def print_memory(file: str, corners: int) -> None:
    """Print the most memory that the kernel takes on top of its input, in bytes a vertex; in a process of its own.

    The polygons are made from a file of coordinates, a few at a time, so that the process was never larger than with
    the input; what it is at its largest (the system's own count of resident memory) comes from the kernel then.
    """

    def status(key: str) -> int:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith(key + ":"):
                return int(line.split()[1]) * 1024
        raise OSError(key)

    if os.environ.get("GRIDGEO_ENGINE") == "numba":
        compile_loops()
    analyse(make_town(1000))
    vertices = Path(file).stat().st_size // 16
    town = np.empty(vertices // corners, object)
    with Path(file).open("rb") as rings:
        for start in range(0, len(town), 500):
            some = np.fromfile(rings, count=min(500, len(town) - start) * corners * 2)
            town[start : start + 500] = shapely.polygons(some.reshape(-1, corners, 2))
    size, before = status("VmRSS"), status("VmHWM")
    analyse(town)
    # the largest before should be hardly more than what is there, or nothing is told
    print((status("VmHWM") - size) / vertices, (before - size) / vertices)


def measure_memory(polygons: int, engines: tuple[str, ...]) -> bool:
    """Print the memory on top of the input; return whether it is little enough."""
    all_met = True
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "rings")
        town = make_town(polygons)
        shapely.get_coordinates(town).tofile(file)
        corners = int(shapely.get_num_coordinates(town[0]))
        code = _MEMORY.format(here=str(Path(__file__).parent), file=file, corners=corners)
        for name in engines:
            environment = {**os.environ, "GRIDGEO_ENGINE": name, "MALLOC_MMAP_THRESHOLD_": "65536"}
            done = subprocess.run(
                [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
            )
            found, slack = map(float, done.stdout.split())
            all_met &= found <= BYTES_A_VERTEX
            print(f"memory above the input, {polygons:,} polygons, {name}: {found:.1f} bytes a vertex", end="")
            print(f" (peak before it {slack:.1f} above the input)", end="")
            print(f"   asked: {BYTES_A_VERTEX:g}, {verdict(found <= BYTES_A_VERTEX)}", flush=True)
    return all_met


def measure_cold_start(polygons: int, repeats: int) -> bool:
    """Print what a cold ``gridgeo validate`` takes more than reading the file; return whether it is little enough.

    Medians of all runs.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "blocks.gpkg")
        framed(make_town(polygons)).assign(code=[str(k) for k in range(len(make_town(polygons)))]).to_file(file)
        reading = [sys.executable, "-c", f"import geopandas; geopandas.read_file({file!r})"]
        best = {}
        for name in ("", *ENGINES):
            environment = {key: value for key, value in os.environ.items() if key != "GRIDGEO_ENGINE"}
            environment |= {"GRIDGEO_ENGINE": name} if name else {}
            validating = [sys.executable, "-m", "gridgeo", "validate", file, "--id", "code"]
            taken = [
                (child_seconds(reading, environment), child_seconds(validating, environment)) for _ in range(repeats)
            ]
            best[name] = median(more for _, more in taken), median(plain for plain, _ in taken)
    all_met = True
    for name, (ours, plain) in best.items():
        met = ours - plain <= COLD_SECONDS
        all_met &= met or name == "numba"  # which nobody is given for a small layer unless they ask for it
        print(f"cold gridgeo validate of {polygons} polygons, engine {name or 'not chosen'}: {ours:.2f} s, ", end="")
        print(
            f"reading alone {plain:.2f} s: {ours - plain:+.2f} s   asked: +{COLD_SECONDS} s, {verdict(met)}", flush=True
        )
    return all_met


def child_seconds(command: list[str], environment: dict[str, str]) -> float:
    """CPU time of a process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=environment, capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(arguments: list[str] | None = None) -> int:
    """Read the arguments, measure and print; 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--polygons", type=int, default=100_000)
    parser.add_argument(
        "--blocks", type=int, default=8_000, help="in the street polygon: GEOS takes a minute for 8,000"
    )
    parser.add_argument("--data", type=Path, default=DATA, help="folder of real layers")
    parser.add_argument("--engine", choices=ENGINES, action="append", help="one only")
    parser.add_argument("--quick", action="store_true", help="towns of 2,000 polygons, 500 blocks, no real layers")
    chosen = parser.parse_args(arguments)
    engines = tuple(chosen.engine or ENGINES)
    if chosen.quick:
        chosen.polygons, chosen.blocks, chosen.data = 2_000, 500, Path("nowhere")
    if "numba" in engines:
        compile_loops()
    enough = 0.05 if chosen.quick else 1.0
    met = [measure_speed(layout, engines, enough) for layout in layouts(chosen.polygons, chosen.blocks, chosen.data)]
    met.append(measure_memory(chosen.polygons, engines))
    met.append(measure_cold_start(500, 1 if chosen.quick else 9))
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
