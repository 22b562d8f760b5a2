"""Measure repair against ``shapely.coverage_clean`` and mapshaper's ``-clean``: how long, and what each has done.

    python benchmarks/repair.py [--polygons N] [--towns N] [--first SEED] [--mapshaper PROGRAM]
    python benchmarks/repair.py --align [--polygons N]

First N random faulty towns (1,000 by default; 0 leaves them out), and as many that have drifted, are repaired, and
every promise is looked at in each: what is left is said with its reason, what comes out sound is sound by GEOS too,
nothing changes that no action names, nothing locked changes, nothing is emptied, split or dropped without a word,
nothing gets a spike or a needle, areas given and taken add up feature by feature and fault by fault, a second repair
changes nothing, undo brings all back to the bit, the same town gives the same plan. One in twenty-five is a whole town
of grids, blocks and professional grids (`tests/faulty_towns.py`). ``--first`` starts at another seed, so that many can
be run in pieces.

A town of curved blocks with eight kinds of faults in 1 % of the polygons (as in ``benchmarks/validate.py``) goes
through each. Then every result is looked at alike: the faults that `gridgeo.validate_tiling` and GEOS still find, how
many polygons without a fault changed, how many vertices of theirs are gone, how many polygons were dropped, emptied or
split, and how much area changed hands. Times are CPU seconds; mapshaper's include reading and writing GeoJSON, for it
has no other way in. It is taken from the path or from what ``npx`` has (``npm install mapshaper``), and left out, with
a word, where it is not installed. Of ours, the validation beforehand is not counted, nor one of the result; all else
of `gridgeo.repair_tiling` is, also the looks that it takes at the mended places, fingerprints and what undo needs.

With ``--align``, blocks whose borders are shaken beside their streets are moved back onto them.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
from validate import CRS, make_town, verdict, with_faults

import gridgeo
from gridgeo.repair.align import align_borders
from gridgeo.repair.arcs import Arcs


@dataclass(frozen=True)
class Mended:
    """What a tool has made of a layer: one geometry for each polygon of the input, None where it was dropped."""

    tool: str
    seconds: float
    polygons: np.ndarray


def layer_of(polygons: np.ndarray) -> gpd.GeoDataFrame:
    """Return polygons as a layer with ids."""
    return gpd.GeoDataFrame({"id": np.arange(len(polygons)).astype(str)}, geometry=polygons, crs=CRS)


def by_gridgeo(polygons: np.ndarray) -> Mended:
    """Mend with gridgeo; validation beforehand is not counted, the looks that the repair takes again are."""
    layer = layer_of(polygons)
    report = gridgeo.validate_tiling(layer, id_column="id")
    begun = time.process_time()
    fixed, _ = gridgeo.repair_tiling(layer, report, id_column="id")
    seconds = time.process_time() - begun
    made = np.full(len(polygons), None, object)
    made[fixed["id"].astype(int).to_numpy()] = fixed.geometry.to_numpy()
    return Mended("gridgeo.repair_tiling", seconds, made)


def by_geos(polygons: np.ndarray) -> Mended:
    """Mend with GEOS, all gaps closed that its own snapping doesn't."""
    begun = time.process_time()
    cleaned = shapely.coverage_clean(polygons)
    return Mended("shapely.coverage_clean", time.process_time() - begun, np.asarray(cleaned, object))


def mapshaper_command(program: str | None) -> list[str] | None:
    """Return how mapshaper is started: as named, from the path, or by npx without fetching it; None where it isn't."""
    found = shutil.which(program or "mapshaper")
    if found or program:
        return [found] if found else None
    npx = shutil.which("npx")
    if npx is None:
        return None
    command = [npx, "--no-install", "mapshaper"]
    asked = subprocess.run([*command, "--version"], capture_output=True, check=False)
    return command if asked.returncode == 0 else None


def by_mapshaper(polygons: np.ndarray, program: list[str]) -> Mended:
    """Mend with mapshaper, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.json", Path(folder) / "out.json"
        shapes = (
            f'{{"type":"Feature","properties":{{"id":{number}}},"geometry":{shape}}}'
            for number, shape in enumerate(shapely.to_geojson(polygons))
        )
        source.write_text('{"type":"FeatureCollection","features":[' + ",".join(shapes) + "]}", encoding="utf-8")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [*program, str(source), "-clean", "-o", str(target), "format=geojson", "precision=0.0001"]
        subprocess.run(
            command, check=True, capture_output=True, env={**os.environ, "NODE_OPTIONS": "--max-old-space-size=4096"}
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        made = np.full(len(polygons), None, object)
        for feature in json.loads(target.read_text(encoding="utf-8"))["features"]:
            if feature["geometry"]:
                made[feature["properties"]["id"]] = shapely.geometry.shape(feature["geometry"])
    seconds = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return Mended("mapshaper -clean", seconds, made)


def faults_of(polygons: np.ndarray) -> tuple[int, int, np.ndarray]:
    """Return how many faults the validator finds, at how many polygons GEOS finds some, and who has one by either."""
    there = np.flatnonzero(~(shapely.is_missing(polygons) | shapely.is_empty(polygons)))
    report = gridgeo.validate_tiling(layer_of(polygons).iloc[there])
    faulty = np.zeros(len(polygons), bool)
    for fault in report.records:
        faulty[[int(number) for number in fault.features]] = True
    invalid = ~shapely.is_empty(shapely.coverage_invalid_edges(polygons[there]))
    faulty[there[invalid]] = True
    return len(report.records), int(invalid.sum()), faulty


def print_work(before: np.ndarray, faulty: np.ndarray, mended: Mended) -> None:
    """Print what a tool has done."""
    after = mended.polygons
    gone = shapely.is_missing(after)
    emptied = ~gone & shapely.is_empty(after)
    there = np.flatnonzero(~gone & ~emptied)
    same = np.zeros(len(before), bool)
    same[there] = shapely.equals_exact(shapely.normalize(before[there]), shapely.normalize(after[there]), 0.0)
    touched = there[~same[there] & ~faulty[there]]
    lost = sum(len(vertices(before[number]) - vertices(after[number])) for number in touched.tolist())
    split = shapely.get_num_geometries(after[there]) > shapely.get_num_geometries(before[there])
    changed = there[~same[there]]
    sound = changed[shapely.is_valid(before[changed]) & shapely.is_valid(after[changed])]
    moved = shapely.area(shapely.symmetric_difference(before[sound], after[sound])).sum() / 2
    left, by_geos_too, _ = faults_of(after)
    print(
        f"{mended.tool:<24} {mended.seconds:7.2f} s  {left:7,} faults left ({by_geos_too:,} polygons by GEOS)  "
        f"sound polygons changed {len(touched):7,}, their vertices gone {lost:9,}  "
        f"dropped {gone.sum():4,} emptied {emptied.sum():4,} split {split.sum():4,}  area moved {moved:12,.1f} m2"
    )


def vertices(polygon: shapely.Geometry) -> set[tuple[float, ...]]:
    """Return the places of a polygon's vertices."""
    return {tuple(place) for place in shapely.get_coordinates(polygon).tolist()}


BAR = 2.0
"""CPU seconds beyond validation that 100,000 polygons, 1 % of them faulty, may take."""


def compare_tools(polygons: int, mapshaper: str | None) -> bool:
    """Print what each tool makes of a faulty town, and the ratios; return whether ours meets its bar."""
    town = with_faults(make_town(polygons), 0.01)
    by_gridgeo(town[:500])  # what is loaded or compiled once is no part of it
    begun = time.process_time()
    gridgeo.validate_tiling(layer_of(town))
    validation = time.process_time() - begun
    left, by_geos_too, faulty = faults_of(town)
    print(
        f"{len(town):,} polygons, {len(shapely.get_coordinates(town)):,} vertices: {left:,} faults "
        f"({by_geos_too:,} polygons by GEOS) at {int(faulty.sum()):,} polygons; validation {validation:.2f} s"
    )
    ours = by_gridgeo(town)
    print_work(town, faulty, ours)
    peers = [by_geos(town)]
    print_work(town, faulty, peers[0])
    program = mapshaper_command(mapshaper)
    if program is None:
        print("mapshaper -clean         left out: not installed (npm install mapshaper, then --mapshaper PROGRAM)")
    else:
        peers.append(by_mapshaper(town, program))
        print_work(town, faulty, peers[1])
    ratios = ", ".join(f"{peer.seconds / ours.seconds:.1f}x as long with {peer.tool}" for peer in peers)
    bar = BAR * max(len(town) / 100_000, 0.1)
    met = ours.seconds <= bar
    print(f"gridgeo beyond validation: {ours.seconds:.2f} s CPU, asked: {bar:.2f} s, {verdict(met)}; {ratios}")
    return met


def measure_alignment(polygons: int) -> bool:
    """Shake the inner borders of a town beside its streets, and print how they come back."""
    town = make_town(polygons)
    arcs = Arcs.of(town)
    inner = (arcs.left >= 0) & (arcs.right >= 0)
    streets = gpd.GeoDataFrame({"rank": ["road"] * int(inner.sum())}, geometry=arcs.lines()[inner], crs=CRS)
    random = np.random.default_rng(0)
    held = np.unique(np.concatenate([arcs.start[~inner], arcs.end[~inner]]))
    junctions = arcs.junctions + random.uniform(-1.5, 1.5, arcs.junctions.shape)
    junctions[held] = arcs.junctions[held]
    courses = {}
    for arc in np.flatnonzero(inner).tolist():
        course = arcs.courses[arc] + random.uniform(-1.5, 1.5, arcs.courses[arc].shape)
        course[0], course[-1] = junctions[arcs.start[arc]], junctions[arcs.end[arc]]
        courses[arc] = course
    shaken = town.copy()
    for number, polygon in arcs.rebuild(courses).items():
        shaken[number] = polygon
    begun = time.process_time()
    aligned = align_borders(shaken, streets, tolerance=3.0)
    seconds = time.process_time() - begun
    sound = bool(shapely.coverage_is_valid(aligned.polygons))
    again = align_borders(aligned.polygons, streets, tolerance=3.0)
    at_rest = not again.changed
    print(
        f"{len(town):,} polygons, {len(courses):,} borders: {seconds:.1f} s CPU, on streets {aligned.before:.1%} -> "
        f"{aligned.after:.1%}, {len(aligned.stays)} stay; a tiling: {verdict(sound)}, again nothing: {verdict(at_rest)}"
    )
    return sound and at_rest


def keep_promises(towns: int, first: int = 0) -> bool:
    """Repair random faulty towns, print what came of them, and return whether every promise was kept."""
    sys.path.append(str(Path(__file__).parents[1]))
    from tests.faulty_towns import check, check_whole, drifted_town, faulty_town

    counts: Counter[str] = Counter()
    broken: dict[str, list[str]] = {}
    begun = time.process_time()
    for seed in range(first, first + towns):
        if seed % 25 == 24:
            with tempfile.TemporaryDirectory() as folder:
                results = {"whole": check_whole(Path(folder), seed)}
        else:
            results = {"faulty": check(faulty_town(seed), thrice=seed % 10 == 0)}
        results["drifted"] = check(drifted_town(seed), thrice=seed % 10 == 0)
        for kind, found in results.items():
            counts[kind] += 1
            for name in ("errors", "actions", "left", "changed", "features", "sound"):
                counts[name] += int(getattr(found, name))
            counts["with_left"] += found.left > 0
            for what in found.broken:
                broken.setdefault(what, []).append(f"{kind} {seed}")
    print(
        f"{counts['faulty']:,} random faulty towns, {counts['whole']:,} whole ones and {counts['drifted']:,} that have "
        f"drifted, {counts['features']:,} features, "
        f"{counts['errors']:,} errors: {counts['actions']:,} actions changed {counts['changed']:,} features; "
        f"{counts['sound']:,} towns sound, {counts['left']:,} faults left with a reason in {counts['with_left']:,}; "
        f"{time.process_time() - begun:.0f} s CPU with all checks. Promises broken: {sum(map(len, broken.values()))}, "
        f"{verdict(not broken)}"
    )
    for what, seeds in broken.items():
        print(f"    {what} (seeds {', '.join(seeds[:8])})")
    return not broken


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; return 0 if all that is asked for is met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--polygons", type=int, help="100,000, or 2,000 to align")
    parser.add_argument("--mapshaper", metavar="PROGRAM", help="where mapshaper is, if not on the path")
    parser.add_argument("--towns", type=int, default=1000, help="random faulty towns; 0 for none")
    parser.add_argument("--first", type=int, default=0, metavar="SEED", help="of the random towns")
    parser.add_argument("--align", action="store_true", help="measure borders moved onto barriers instead")
    options = parser.parse_args(arguments)
    if options.align:
        return 0 if measure_alignment(options.polygons or 2_000) else 1
    kept = keep_promises(options.towns, options.first) if options.towns else True
    quick = compare_tools(100_000 if options.polygons is None else options.polygons, options.mapshaper)
    return 0 if kept and quick else 1


if __name__ == "__main__":
    sys.exit(main())
