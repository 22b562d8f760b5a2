"""Draft and prove the plans of random towns: two hundred of them, none with a fault.

    python benchmarks/random_towns.py [TOWNS] [FIRST_SEED]

A town is a bent net of streets of all ranks with lanes missing, dead ends, a river with a bridge here and there, an
exclave or a hole now and then, in metres or in degrees, with people at random places; it is cut in grids along some of
its streets. Its blocks are drafted with demands drawn at random (a number, a size, several tolerances, locked blocks,
an old plan to start from) and proved: each grid is filled by its blocks and the town by all of them, without gap,
overlap or missing vertex; all inner borders and the outer border run on barriers; no river cuts a block; what was
given is what the blocks hold.
"""

from __future__ import annotations

import argparse
import collections
import sys
import time

import geopandas as gpd
import numpy as np
import shapely

import gridgeo
from gridgeo.crs import to_crs
from gridgeo.network import as_barriers
from gridgeo.partition import WorkloadSource
from gridgeo.validate import validate_alignment, validate_nesting, validate_tiling

METRES = "EPSG:32651"
ORIGIN = np.array([350_000.0, 3_440_000.0])


def town(seed: int) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Return the grids, barriers and people of a random town."""
    random = np.random.default_rng(seed)
    columns, rows = random.integers(5, 11, size=2).tolist()
    step = float(random.uniform(110, 190))
    place = np.stack(np.meshgrid(np.arange(columns + 1.0), np.arange(rows + 1.0)), axis=-1) * step
    place += random.uniform(-0.2, 0.2, place.shape) * step
    place += ORIGIN
    lines: list[shapely.Geometry] = []
    ranks: list[str] = []
    river_row = int(random.integers(1, rows)) if random.random() < 0.6 else -1
    split = int(random.integers(1, columns))  # the border between two grids
    cross = int(random.integers(1, rows))
    for row in range(rows + 1):
        around = row in (0, rows)
        for column in range(columns):
            if row == river_row:
                continue
            missing = random.random() < 0.12 and not around and row != cross
            if not missing:
                lines.append(shapely.LineString(place[row, column : column + 2]))
                ranks.append("main-road" if row % 4 == 0 else "road" if row % 2 == 0 else "lane")
    for column in range(columns + 1):
        for row in range(rows):
            around = column in (0, columns, split)
            bridged = row not in (river_row - 1, river_row) or random.random() < 0.5
            if around or (bridged and random.random() > 0.12):
                lines.append(shapely.LineString(place[row : row + 2, column]))
                ranks.append("main-road" if column % 5 == 0 else "lane")
    if river_row >= 0:
        lines.append(shapely.LineString(place[river_row]))
        ranks.append("river")
    for _ in range(int(random.integers(0, 8))):  # dead ends
        row, column = int(random.integers(0, rows)), int(random.integers(0, columns))
        middle = place[row : row + 2, column : column + 2].reshape(-1, 2).mean(axis=0)
        lines.append(shapely.LineString([place[row, column], middle]))
        ranks.append("lane")

    def ring(left: int, right: int, low: int, high: int) -> shapely.Polygon:
        edge = [place[low, left : right + 1], place[low : high + 1, right][1:]]
        edge += [place[high, left : right + 1][::-1][1:], place[low : high + 1, left][::-1][1:-1]]
        return shapely.Polygon(np.concatenate(edge))

    grids = [ring(0, split, 0, rows), ring(split, columns, 0, rows)]
    if cross != river_row and random.random() < 0.5:
        grids = [ring(0, split, 0, cross), ring(0, split, cross, rows), grids[1]]
    crs = METRES if random.random() < 0.5 else "EPSG:4490"
    ids = [f"31011211400{number + 1}" for number in range(len(grids))]
    area = gpd.GeoDataFrame({"id": ids}, geometry=grids, crs=METRES)
    low, high = place.reshape(-1, 2).min(axis=0), place.reshape(-1, 2).max(axis=0)
    spots = shapely.points(random.uniform(low, high, (int(random.integers(80, 400)), 2)))
    amounts = {"people": random.integers(1, 40, len(spots)), "shops": random.integers(0, 3, len(spots))}
    people = gpd.GeoDataFrame(amounts, geometry=spots, crs=METRES)
    people = people[people.within(area.union_all())].reset_index(drop=True)
    barriers = gpd.GeoDataFrame({"rank": ranks}, geometry=lines, crs=METRES)
    if crs == METRES:
        return area, barriers, people
    return tuple(to_crs(table, crs) for table in (area, barriers, people))  # type: ignore[return-value]


def demands(seed: int, people: gpd.GeoDataFrame) -> dict[str, object]:
    """Return demands drawn at random."""
    random = np.random.default_rng(seed + 1_000_000)
    total = float(people["people"].sum())
    asked: dict[str, object] = {"seed": seed, "uncut_by": "river" if random.random() < 0.7 else None}
    asked["workload"] = {"people": WorkloadSource(people, "people"), "shops": WorkloadSource(people, "shops")}
    kind = int(random.integers(0, 4))
    if kind == 0:
        asked |= {"count": int(random.integers(1, 6)), "tolerance": 0.3}
    elif kind == 1:
        asked |= {"target": total / float(random.integers(3, 12))}
    elif kind == 2:
        low = total / float(random.integers(6, 12))
        asked |= {"size": (low, 1.8 * low), "measure": "people"}
    else:
        asked |= {"count": int(random.integers(2, 5)), "tolerance": {"people": 0.2, "shops": 0.5, "area": 0.6}}
    if random.random() < 0.4:
        asked["extend_dead_ends"] = 40.0
    return asked


def faults_of(
    area: gpd.GeoDataFrame,
    barriers: gpd.GeoDataFrame,
    blocks: gpd.GeoDataFrame,
    people: gpd.GeoDataFrame,
    asked: dict[str, object],
) -> list[str]:
    """Return what is wrong with a plan."""
    found: list[str] = []
    networks = as_barriers(barriers)
    reports = {
        "tiling": validate_tiling({"blocks": blocks}, within=area, id_column="code", tolerance=0.001),
        "nesting": validate_nesting(
            blocks, area, parent_column="grid", id_column="code", parent_id_column="id", tolerance=0.001
        ),
        "inner": validate_alignment(
            blocks, networks, share=0.999, tolerance=0.5, parent_column="grid", id_column="code"
        ),
        "all": validate_alignment(blocks, networks, share=0.999, tolerance=0.5, id_column="code"),
    }
    if asked["uncut_by"] is not None:
        reports["uncut"] = validate_alignment(
            blocks, networks, share=0.0, tolerance=3.0, uncut_by="river", id_column="code"
        )
    for name, report in reports.items():
        errors = report.faults[report.faults["severity"] == "error"]
        found += [f"{name}: {code}" for code in errors["code"]]
    for name in ("people", "shops"):
        if blocks[name].sum() != people[name].sum():
            found.append(f"lost: {name}")
    if len(set(blocks["code"])) < len(blocks):
        found.append("codes: twice")
    return found


def proved(seed: int) -> tuple[list[str], int]:
    """Draft and prove one town, afresh and from the old plan after growth; returns faults and blocks."""
    area, barriers, people = town(seed)
    asked = demands(seed, people)
    blocks = gridgeo.delineate_blocks(area, barriers, **asked)  # type: ignore[arg-type]
    found = faults_of(area, barriers, blocks, people, asked)
    random = np.random.default_rng(seed + 2_000_000)
    if random.random() < 0.5:
        grown = people.copy()
        grown["people"] = (grown["people"] * random.choice([1, 1, 1, 2], len(grown))).astype("int64")
        sources = {"people": WorkloadSource(grown, "people"), "shops": WorkloadSource(grown, "shops")}
        again = asked | {"workload": sources, "previous": blocks}
        changed = gridgeo.delineate_blocks(area, barriers, **again)  # type: ignore[arg-type]
        found += [f"from old, {fault}" for fault in faults_of(area, barriers, changed, grown, asked)]
        before = dict(zip(blocks["code"], blocks.geometry, strict=True))
        for code, shape in zip(changed["code"], changed.geometry, strict=True):
            if code in before and shapely.equals(shape, before[code]) and shape.wkb != before[code].wkb:
                found.append("from old, untouched block with other bytes")
    elif random.random() < 0.5:
        locked = blocks.iloc[[int(random.integers(len(blocks)))]]
        held = gridgeo.delineate_blocks(area, barriers, **(asked | {"locked": locked, "seed": seed + 1}))  # type: ignore[arg-type]
        found += [f"locked, {fault}" for fault in faults_of(area, barriers, held, people, asked)]
        if not any(shapely.equals(shape, locked.geometry.iloc[0]) for shape in held.geometry):
            found.append("locked block is gone")
    return found, len(blocks)


def main() -> int:
    """Run the benchmark; the exit status is 1 where a plan has a fault."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("towns", type=int, nargs="?", default=200)
    parser.add_argument("first", type=int, nargs="?", default=0)
    options = parser.parse_args()
    begun = time.process_time()
    counts: collections.Counter[str] = collections.Counter()
    bad = blocks = 0
    for seed in range(options.first, options.first + options.towns):
        found, many = proved(seed)
        blocks += many
        if found:
            bad += 1
            print(f"town {seed}: {', '.join(sorted(set(found)))}", flush=True)
        counts.update(found)
        if (seed + 1 - options.first) % 25 == 0:
            print(f"{seed + 1 - options.first} towns, {blocks} blocks, {bad} with faults", flush=True)
    print(
        f"{options.towns} towns, {blocks} blocks: {sum(counts.values())} faults in {bad} towns; "
        f"{time.process_time() - begun:.0f} s CPU"
    )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
