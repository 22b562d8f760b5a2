"""Small towns with claims of every kind that a repair can make true, and random faults in all their layers."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.crs import to_crs
from gridgeo.layers import write_layer

CRS = "EPSG:32651"
CORNER = np.array([352_000.0, 3_435_000.0])
STEP = 50.0
ONE_CRS = dict.fromkeys(("town", "west", "east", "blocks", "cleaning"), CRS)
SEVERAL_CRS = {"town": CRS, "west": "EPSG:4490", "east": CRS, "blocks": "EPSG:4549", "cleaning": "EPSG:4490"}

TOML = """
[town]
name = "Test town"
extent = "town"

[layers.town]
file = "town.gpkg"
layer = "town"
id = "code"

[layers.west]
file = "town.gpkg"
layer = "west"
id = "code"
kind = "residential"

[layers.east]
file = "town.gpkg"
layer = "east"
id = "code"
kind = "residential"

[layers.blocks]
file = "blocks.gpkg"
layer = "blocks"
id = "code"

[layers.cleaning]
file = "town.gpkg"
layer = "cleaning"
id = "code"

[claims.cleaning]
consistent = "cleaning"
within = "blocks"

[claims.blocks]
nesting = "blocks"
within = ["west", "east"]
parent_column = "grid"

[claims.town]
tiling = ["west", "east"]
within = "town"
"""

Floats = npt.NDArray[np.float64]
Cells = dict[tuple[int, int], shapely.Polygon]


def cells(random: np.random.Generator, columns: int, rows: int) -> Cells:
    """Return cells with bent borders that share every vertex."""
    places = np.stack(np.meshgrid(np.arange(columns + 1), np.arange(rows + 1), indexing="ij"), -1) * STEP
    places[1:-1, 1:-1] += random.uniform(-9, 9, (columns - 1, rows - 1, 2))
    places = np.round(places + CORNER, 3)
    bends: dict[frozenset[tuple[float, ...]], Floats] = {}

    def side(start: Floats, end: Floats, inner: bool) -> list[Floats]:
        key = frozenset((tuple(start.tolist()), tuple(end.tolist())))
        if key not in bends:
            shift = random.uniform(-2, 2, 2) if inner else np.zeros(2)
            bends[key] = np.round((start + end) / 2 + shift, 3)
        return [start, bends[key]]

    made = {}
    for i in range(columns):
        for j in range(rows):
            a, b, c, d = places[i, j], places[i + 1, j], places[i + 1, j + 1], places[i, j + 1]
            ring = [
                *(*side(a, b, j > 0), *side(b, c, i + 1 < columns)),
                *(*side(c, d, j + 1 < rows), *side(d, a, i > 0)),
            ]
            made[i, j] = shapely.Polygon(ring)
    return made


def joined(blocks: Cells, size: int) -> Cells:
    """Return what blocks of ``size`` by ``size`` cells make together."""
    groups: dict[tuple[int, int], list[shapely.Polygon]] = {}
    for (i, j), cell in blocks.items():
        groups.setdefault((i // size, j // size), []).append(cell)
    return {key: shapely.coverage_union_all(group) for key, group in groups.items()}


def shaken(random: np.random.Generator, shapes: Cells, faults: int) -> Cells:
    """Return shapes of which some had a vertex moved, a corner cut off or a vertex taken out, each by itself."""
    out = dict(shapes)
    names = sorted(out)
    for number in random.permutation(len(names))[:faults].tolist():
        name = names[number]
        ring = shapely.get_coordinates(out[name])[:-1]
        place = int(random.integers(len(ring)))
        kind = random.random()
        if kind < 0.7:
            ring[place] += random.uniform(-4, 4, 2)
        elif kind < 0.85:
            ring = np.delete(ring, place, axis=0)
        else:
            ring = np.insert(ring, place, (ring[place - 1] + ring[place]) / 2, axis=0)
        changed = shapely.Polygon(ring)
        out[name] = changed if changed.is_valid else out[name]
    return out


def write_town(
    folder: Path, seed: int, *, faults: int = 3, systems: dict[str, str] = ONE_CRS, size: int = 8, claims: str = TOML
) -> Path:
    """Write a town of ``size`` by ``size`` blocks with faults in its grids, blocks and cleaning areas."""
    random = np.random.default_rng(seed)
    blocks = cells(random, size, size)
    grids, cleaning = joined(blocks, 2), joined(blocks, 4)
    town = shapely.coverage_union_all(list(grids.values()))
    half = size // 4
    parts = {
        "town": {(0, 0): town},
        "west": shaken(random, {key: grid for key, grid in grids.items() if key[0] < half}, faults),
        "east": shaken(random, {key: grid for key, grid in grids.items() if key[0] >= half}, faults),
        "blocks": shaken(random, blocks, faults),
        "cleaning": shaken(random, cleaning, faults),
    }
    for name, shapes in parts.items():
        columns = {"code": [f"{name}-{i}-{j}" for i, j in shapes], "note": ["甲"] * len(shapes)}
        if name == "blocks":
            columns["grid"] = [f"{'west' if i // 2 < half else 'east'}-{i // 2}-{j // 2}" for i, j in shapes]
        frame = to_crs(gpd.GeoDataFrame(columns, geometry=list(shapes.values()), crs=CRS), systems[name])
        write_layer(frame, folder / ("blocks.gpkg" if name == "blocks" else "town.gpkg"), layer=name)
    path = folder / "gridgeo.toml"
    path.write_text(claims, encoding="utf-8")
    return path
