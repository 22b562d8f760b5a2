"""Every kind of fault planted in a sample town, and what validation makes of it: each found once, and nothing else.

    python benchmarks/planted_faults.py [POLYGONS [FAULTS_A_KIND [SEED]]]

Prints one line a kind and exits with 1 if a fault was missed, found twice, or invented. What the town was told about
before anything was planted (a corner that looks like a spike) is listed and doesn't count. 50,000 polygons take some
minutes, most of them to make the town.
"""

from __future__ import annotations

import sys
import time
from collections import Counter

from gridgeo.sample import plant_faults, sample_town
from gridgeo.sample.faults import OTHER_KINDS, TILING_KINDS
from gridgeo.validate import validate_tiling

GRIDS = ("communities", "villages", "streets", "zones")
TOLERANCE = 0.01
"""Metres. Borders that are nearly the same are planted a few millimetres apart."""

Key = tuple[str, frozenset[str]]


def main(polygons: int = 50_000, each: int = 3, seed: int = 0) -> int:
    """Plant, validate, compare; return the exit status."""
    kinds = (*TILING_KINDS, *OTHER_KINDS)
    begin = time.perf_counter()
    town = sample_town(polygons=polygons, details=False, seed=seed)
    made = time.perf_counter()
    sound = validate_tiling({key: town.layers[key] for key in GRIDS}, within=town.town, id_column="code")
    checked = time.perf_counter()
    faulty, planted = plant_faults(town, kinds=kinds, count=each * len(kinds), seed=seed)
    done = time.perf_counter()
    report = validate_tiling(
        {key: faulty.layers[key] for key in GRIDS}, within=town.town, id_column="code", tolerance=TOLERANCE
    )
    end = time.perf_counter()
    expected: Counter[Key] = Counter((fault.code, frozenset(fault.features)) for fault in planted)
    found: Counter[Key] = Counter((fault.code, frozenset(fault.features)) for fault in report.records)
    print(f"{polygons:,} polygons, {len(planted)} faults of {len(kinds)} kinds, seed {seed}")
    print(f"the town before: {len(sound.records)} records")
    for record in sound.records:
        print(f"  {record.code} of {', '.join(record.features)}: {record.message('en')}")
    for kind in kinds:
        mine = [(fault.code, frozenset(fault.features)) for fault in planted if fault.kind == kind]
        once = sum(found[key] == expected[key] for key in mine)
        print(f"  {kind:<20} planted {len(mine)}, found exactly once {once}")
    own: Counter[Key] = Counter((fault.code, frozenset(fault.features)) for fault in sound.records)
    missed, invented = expected - found, found - expected - own
    print(f"missed: {sum(missed.values())}, invented or found twice: {sum(invented.values())}")
    for name, several in (("missed", missed), ("invented", invented)):
        for (code, features), count in sorted(several.items(), key=lambda item: (item[0][0], sorted(item[0][1])))[:20]:
            print(f"  {name}: {code} of {', '.join(sorted(features)) or 'nobody'} ({count})")
    print(f"seconds: town {made - begin:.1f}, validating it {checked - made:.1f},", end=" ")
    print(f"planting {done - checked:.1f}, validating {end - done:.1f}")
    return int(bool(missed or invented))


if __name__ == "__main__":
    sys.exit(main(*(int(argument) for argument in sys.argv[1:])))
