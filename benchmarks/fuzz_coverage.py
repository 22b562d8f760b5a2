"""Compare the coverage kernel with GEOS, and with exact fractions where the two differ, on random hard layers.

    python benchmarks/fuzz_coverage.py [CASES] [SEED]

Each case is a small layer dense in coincidences: integer grids, coordinates moved by units in the last place,
rotated, scaled and shifted layers, holes, multipolygons, reversed rings, duplicates, mosaics with vertices moved and
dropped, one mosaic on another. Compared are the verdict, every invalid edge, the neighbours, the areas of gaps and
overlaps, inside and outside an extent, and what covers each face. Where GEOS says something else, exact arithmetic
decides. Prints one line; status 1 on differences.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from fractions import Fraction
from itertools import pairwise

import numpy as np
import shapely

from gridgeo.coverage import CoverageAnalysis, Faces, analyse

EXTENT = -1
RELATIVE = 1e-9


# ---------------------------------------------------------------- exact oracle


def exact_areas(polygons: np.ndarray, extent: shapely.Geometry | None = None) -> Counter:
    """Area covered by each exact set of polygons, in rational arithmetic.

    Horizontal slabs between all heights where anything begins, ends or crosses are cut into trapezoids, left to
    right. The set of a trapezoid is known by counting edges, the extent being number -1. The key of a bounded empty
    region is ``"gap"``.
    """
    edges = _exact_edges(polygons, extent)
    heights = sorted({y for _, a, b in edges for y in (a[1], b[1])} | set(_crossing_heights(edges)))
    areas: Counter = Counter()
    slabs = [_trapezoids(edges, low, high) for low, high in pairwise(heights)]
    outside = _reached_from_outside(slabs)
    for level, slab in enumerate(slabs):
        for place, (cover, area, _, _) in enumerate(slab):
            if cover:
                areas[cover] += area
            elif (level, place) not in outside:
                areas["gap"] += area
    return areas


def _exact_edges(polygons: np.ndarray, extent: shapely.Geometry | None) -> list:
    named = list(enumerate(polygons)) + ([(EXTENT, extent)] if extent is not None else [])
    edges = []
    for number, polygon in named:
        for part in shapely.get_parts(polygon):
            for ring in shapely.get_rings(part):
                points = [(Fraction(x), Fraction(y)) for x, y in shapely.get_coordinates(ring).tolist()]
                edges += [(number, a, b) for a, b in pairwise(points) if a != b]
    return edges


def _crossing_heights(edges: list) -> list[Fraction]:
    heights = []
    for k, (_, a, b) in enumerate(edges):
        for _, c, d in edges[:k]:
            run, other = (b[0] - a[0], b[1] - a[1]), (d[0] - c[0], d[1] - c[1])
            turn = run[0] * other[1] - run[1] * other[0]
            if turn:
                t = ((c[0] - a[0]) * other[1] - (c[1] - a[1]) * other[0]) / turn
                if 0 < t < 1:
                    heights.append(a[1] + t * run[1])
    return heights


def _trapezoids(edges: list, low: Fraction, high: Fraction) -> list:
    """(cover, area, interval below, interval above) from west to east; the first and last are unbounded and empty."""

    def across(a: tuple, b: tuple, y: Fraction) -> Fraction:
        return a[0] + (y - a[1]) * (b[0] - a[0]) / (b[1] - a[1])

    here = [
        (across(a, b, low), across(a, b, high), number)
        for number, a, b in edges
        if min(a[1], b[1]) <= low and max(a[1], b[1]) >= high
    ]
    here.sort(key=lambda edge: edge[0] + edge[1])
    cover: frozenset = frozenset()
    result = []
    west = (None, None)
    for below, above, number in here:
        area = (below - west[0] + above - west[1]) * (high - low) / 2 if west[0] is not None else Fraction(0)
        result.append((cover, area, (west[0], below), (west[1], above)))
        cover ^= {number}
        west = (below, above)
    result.append((cover, Fraction(0), (west[0], None), (west[1], None)))
    return result


def _reached_from_outside(slabs: list) -> set:
    """Empty trapezoids from which one can walk to infinity through empty ones."""

    def overlap(one: tuple, other: tuple) -> bool:
        starts = [v for v in (one[0], other[0]) if v is not None]
        stops = [v for v in (one[1], other[1]) if v is not None]
        return not starts or not stops or max(starts) < min(stops)

    seen = set()
    queue = [(level, place) for level, slab in enumerate(slabs) for place in (0, len(slab) - 1)]
    if slabs:
        queue += [(0, k) for k, t in enumerate(slabs[0]) if not t[0] and t[2][0] != t[2][1]]
        queue += [(len(slabs) - 1, k) for k, t in enumerate(slabs[-1]) if not t[0] and t[3][0] != t[3][1]]
    while queue:
        level, place = queue.pop()
        if (level, place) in seen or slabs[level][place][0]:
            continue
        seen.add((level, place))
        for beyond, mine, theirs in ((level - 1, 2, 3), (level + 1, 3, 2)):
            if 0 <= beyond < len(slabs):
                here = slabs[level][place][mine]
                queue += [
                    (beyond, k)
                    for k, t in enumerate(slabs[beyond])
                    if not t[0] and (beyond, k) not in seen and overlap(here, t[theirs])
                ]
    return seen


def exact_invalid_edges(layer: np.ndarray) -> set:
    """Edges that make a layer no coverage, by brute force and straight from the definition.

    An edge is at fault if another has the same interior side; or if it has no opposite copy and an edge of another
    polygon crosses it, or one of the two has an end inside the other, or another polygon covers its outer side.
    """
    edges = _oriented_edges(layer)
    copies = Counter((a, b) for _, a, b in edges)
    found = set()
    for number, a, b in edges:
        key = (number, *sorted([(float(a[0]), float(a[1])), (float(b[0]), float(b[1]))]))
        others = [(c, d) for other, c, d in edges if other != number]
        if copies[a, b] > 1 or (
            not copies[b, a] and (any(_disturb(a, b, c, d) for c, d in others) or _outer_side_covered(a, b, others))
        ):
            found.add(key)
    return found


def _oriented_edges(layer: np.ndarray) -> list:
    """(polygon, a, b) with the interior on the left."""
    edges = []
    for number, polygon in enumerate(layer):
        for part in shapely.get_parts(polygon):
            for place, ring in enumerate(shapely.get_rings(part)):
                points = [(Fraction(x), Fraction(y)) for x, y in shapely.get_coordinates(ring).tolist()]
                area = sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(points))
                if (area > 0) == (place > 0):
                    points.reverse()
                edges += [(number, a, b) for a, b in pairwise(points) if a != b]
    return edges


def _turn(a: tuple, b: tuple, c: tuple) -> int:
    value = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    return (value > 0) - (value < 0)


def _disturb(a: tuple, b: tuple, c: tuple, d: tuple) -> bool:
    """Whether two segments cross, or one has an end inside the other."""
    if _turn(a, b, c) * _turn(a, b, d) < 0 and _turn(c, d, a) * _turn(c, d, b) < 0:
        return True
    return any(_inside(p, q, r) for p, q, r in ((c, a, b), (d, a, b), (a, c, d), (b, c, d)))


def _inside(p: tuple, a: tuple, b: tuple) -> bool:
    between = min(a[0], b[0]) <= p[0] <= max(a[0], b[0]) and min(a[1], b[1]) <= p[1] <= max(a[1], b[1])
    return p not in (a, b) and between and _turn(a, b, p) == 0


def _outer_side_covered(a: tuple, b: tuple, others: list) -> bool:
    """Whether the others wind around the middle of an edge that none of them disturbs."""
    x, y = (a[0] + b[0]) / 2, (a[1] + b[1]) / 2
    winding = 0
    for c, d in others:
        if (c[1] <= y) != (d[1] <= y):
            meet = c[0] + (y - c[1]) * (d[0] - c[0]) / (d[1] - c[1])
            if meet < x:
                winding += 1 if d[1] < c[1] else -1
    return winding > 0


# ---------------------------------------------------------------- random layers


def random_layer(random: np.random.Generator) -> np.ndarray:
    """Make a small layer of valid polygons, dense in coincidences."""
    while True:
        size = int(random.choice([3, 4, 6, 10]))
        kind = random.random()
        if kind < 0.5:
            layer = [_random_polygon(random, size) for _ in range(int(random.integers(2, 7)))]
        elif kind < 0.8:
            layer = _mosaic(random, size)
        else:
            layer = _mosaic(random, size) + _mosaic(random, size)
        layer = [_with_hole(polygon) if random.random() < 0.1 else polygon for polygon in layer]
        if random.random() < 0.2 and len(layer) > 3:
            both = shapely.multipolygons(shapely.get_parts(layer[:2]))
            layer = [both, *layer[2:]] if both.is_valid else layer
        if random.random() < 0.15:
            layer += [layer[int(random.integers(len(layer)))] for _ in range(int(random.integers(1, 3)))]
        array = np.array([shapely.reverse(p) if random.random() < 0.3 else p for p in layer], object)
        array = _distorted(random, array)
        if shapely.is_valid(array).all() and (shapely.area(array) > 0).all():
            return array


def _random_polygon(random: np.random.Generator, size: int) -> shapely.Polygon:
    while True:
        points = random.integers(0, size, (int(random.integers(3, 7)), 2)).astype(float)
        polygon = shapely.polygons(np.vstack([points, points[:1]]))
        if polygon.is_valid and polygon.area > 0:
            return polygon


def _mosaic(random: np.random.Generator, size: int) -> list[shapely.Polygon]:
    """Cells between moved grid points, with some faults."""
    columns, rows = int(random.integers(1, 4)), int(random.integers(1, 4))
    x, y = np.meshgrid(np.arange(columns + 1.0), np.arange(rows + 1.0))
    grid = np.stack([x, y], axis=-1) * max(size // 3, 1) + random.integers(0, 2, (rows + 1, columns + 1, 2))
    cells = []
    for r in range(rows):
        for c in range(columns):
            ring = [grid[r, c], grid[r, c + 1], grid[r + 1, c + 1], grid[r + 1, c]]
            chance = random.random()
            if chance < 0.1:
                ring.insert(1, (ring[0] + ring[1]) / 2)
            elif chance < 0.2:
                ring.pop(int(random.integers(4)))
            elif chance < 0.3:
                ring[0] = ring[0] + random.integers(-1, 2, 2)
            polygon = shapely.Polygon(ring)
            if chance < 0.95 and polygon.is_valid and polygon.area > 0:
                cells.append(polygon)
    if random.random() < 0.2 and len(cells) > 1:
        union = shapely.union(cells[0], cells[1])
        if union.geom_type == "Polygon":
            cells[:2] = [union]
    return cells or [_random_polygon(random, size)]


def _with_hole(polygon: shapely.Geometry) -> shapely.Geometry:
    inner = shapely.point_on_surface(polygon)
    hole = shapely.box(np.floor(inner.x), np.floor(inner.y), np.floor(inner.x) + 1, np.floor(inner.y) + 1)
    pierced = shapely.difference(polygon, hole)
    return pierced if pierced.geom_type == "Polygon" and pierced.area > 0 else polygon


def _distorted(random: np.random.Generator, layer: np.ndarray) -> np.ndarray:
    chance = random.random()
    if chance < 0.2:
        return shapely.transform(layer, lambda c: c * 0.1 + [500000.3, 3400000.7])
    if chance < 0.35:
        turn = random.random()
        matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        return shapely.transform(layer, lambda c: c @ matrix)
    if chance < 0.5:
        share = random.choice([0.05, 0.3])

        def nudge(c: np.ndarray) -> np.ndarray:
            moved = np.nextafter(c + 1.0, random.choice([-np.inf, np.inf], c.shape))
            return np.where(random.random(c.shape) < share, moved, c + 1.0)

        return np.array([shapely.transform(p, _closed(nudge, p)) for p in layer], object)
    return layer


def _closed(nudge, polygon: shapely.Geometry):
    """Move equal vertices of one polygon equally, so that its rings stay closed."""

    def apply(coordinates: np.ndarray) -> np.ndarray:
        distinct, which = np.unique(coordinates, axis=0, return_inverse=True)
        return nudge(distinct)[which.ravel()]

    return apply


def random_extent(random: np.random.Generator, layer: np.ndarray) -> shapely.Geometry | None:
    """None, the union, the box, or something that has little to do with the layer."""
    chance = random.random()
    if chance < 0.4:
        return None
    if chance < 0.55:
        extent = shapely.union_all(layer)
    elif chance < 0.7:
        extent = shapely.box(*shapely.total_bounds(layer))
    elif chance < 0.85:
        extent = layer[0]
    else:
        low, high = shapely.total_bounds(layer)[:2], shapely.total_bounds(layer)[2:]
        other = _random_polygon(random, 5)
        extent = shapely.transform(other, lambda c: low + (high - low) * c / 4)
    return extent if extent.is_valid and extent.geom_type in ("Polygon", "MultiPolygon") else None


# ---------------------------------------------------------------- comparisons


def edge_set(lines: np.ndarray) -> set:
    """(polygon, lower end, upper end) of each edge in lines by polygon."""
    found = set()
    for number, line in enumerate(lines):
        for part in [] if line is None else shapely.get_parts(line):
            c = (shapely.get_coordinates(part) + 0.0).tolist()
            found.update((number, *sorted([tuple(a), tuple(b)])) for a, b in pairwise(c) if a != b)
    return found


doubted: Counter = Counter()  # how often exact arithmetic was asked


def compare(layer: np.ndarray, extent: shapely.Geometry | None) -> list[str]:
    """Tell what the kernel says wrongly of a layer; an empty list if nothing."""
    analysis = analyse(layer, extent=extent)
    wrong = []
    found = edge_set(analysis.invalid_edges())
    expected = edge_set(shapely.coverage_invalid_edges(layer))
    if found != expected:
        # GEOS raises false alarms around a vertex where a hole touches its shell
        expected = exact_invalid_edges(layer)
        doubted["edges"] += 1
    elif analysis.valid != bool(shapely.coverage_is_valid(layer)):
        wrong.append("verdict")
    if found != expected or analysis.valid != (not expected):
        wrong.append("edges")
    if analysis.faulty.tolist() != sorted({edge[0] for edge in expected}):
        wrong.append("faulty polygons")
    faces = analysis.faces()
    if not _agrees_with_overlay(faces, layer, extent):
        doubted["faces"] += 1
        wrong += disagreements(faces, layer, extent)
    return wrong + _inconsistent_records(faces, layer)


def resolution(layer: np.ndarray, extent: shapely.Geometry | None) -> float:
    """Area that may be lost in rounding crossings, and the relative precision asked for."""
    every = layer if extent is None else np.append(layer, extent)
    unit = np.spacing(np.abs(shapely.get_coordinates(every)).max())
    return float(RELATIVE * shapely.area(every).max() + 4 * unit * shapely.length(every).sum())


def _agrees_with_overlay(faces: Faces, layer: np.ndarray, extent: shapely.Geometry | None) -> bool:
    """Check the identities of the areas by GEOS overlays."""
    tolerance = resolution(layer, extent)
    area = shapely.area(faces.polygon)
    union = shapely.union_all(layer)
    if extent is None:
        frame = shapely.box(*(shapely.total_bounds(layer) + np.array([-1, -1, 1, 1])))
        parts = shapely.get_parts(shapely.difference(frame, union))
        missing = parts[~shapely.intersects(parts, frame.exterior)] if len(parts) else parts
        uncovered, outside = shapely.area(missing).sum(), 0.0
    else:
        uncovered = extent.area - shapely.intersection(extent, union).area
        outside = union.area - shapely.intersection(extent, union).area
    excess = shapely.area(layer).sum() - union.area
    differences = [
        area[faces.multiplicity == 0].sum() - uncovered,
        ((faces.multiplicity - 1) * area)[faces.multiplicity > 1].sum() - excess,
        area[~faces.inside_extent].sum() - outside,
    ]
    for polygon, covers, size in zip(faces.polygon, faces.covers, area, strict=True):
        if size > 100 * tolerance:
            inside = np.flatnonzero(shapely.contains(layer, polygon.representative_point()))
            differences.append(0.0 if np.array_equal(inside, covers) else np.inf)
    return bool(np.abs(differences).max() <= tolerance)


def disagreements(faces: Faces, layer: np.ndarray, extent: shapely.Geometry | None) -> list[str]:
    """Compare with exact areas."""
    tolerance = resolution(layer, extent)
    exact = exact_areas(layer, extent)
    ours: Counter = Counter()
    for polygon, covers, inside in zip(faces.polygon, faces.covers, faces.inside_extent, strict=True):
        key = frozenset(covers.tolist()) | (frozenset([EXTENT]) if extent is not None and inside else frozenset())
        ours[key or "gap"] += polygon.area
    wrong = []
    for key in sorted(set(exact) | set(ours), key=str):
        if key == "gap":
            is_fault = extent is None
        elif extent is None:
            is_fault = len(key) > 1
        else:
            is_fault = EXTENT not in key or len(key) != 2
        if is_fault and abs(float(exact[key]) - ours[key]) > tolerance:
            wrong.append(f"area of {sorted(key) if key != 'gap' else key}: {ours[key]} for {float(exact[key])}")
    return wrong


def _inconsistent_records(faces: Faces, layer: np.ndarray) -> list[str]:
    wrong = []
    if not shapely.is_valid(faces.polygon).all():
        wrong.append("invalid face")
    if [len(c) for c in faces.covers] != faces.multiplicity.tolist():
        wrong.append("multiplicity")
    for borders, lengths in zip(faces.borders, faces.border_lengths, strict=True):
        if len(borders) != len(lengths) or (lengths < 0).any() or (borders >= len(layer)).any():
            wrong.append("borders")
    return wrong


def adjacency_of(analysis: CoverageAnalysis) -> dict:
    """Neighbours as a dictionary."""
    table = analysis.adjacency()
    return {
        (a, b): length
        for a, b, length in zip(table.first.tolist(), table.second.tolist(), table.length.tolist(), strict=True)
    }


def run(cases: int, seed: int) -> int:
    """Run the comparison; return the number of cases with differences."""
    random = np.random.default_rng(seed)
    start = time.process_time()
    different = polygons = valid = 0
    for case in range(cases):
        layer = random_layer(random)
        extent = random_extent(random, layer)
        polygons += len(layer)
        wrong = compare(layer, extent)
        valid += bool(shapely.coverage_is_valid(layer))
        if wrong:
            different += 1
            if different <= 3:
                print(f"case {case}: {wrong}\n  layer {[p.wkt for p in layer]}\n  extent {extent and extent.wkt}")
    seconds = time.process_time() - start
    print(f"fuzz_coverage: {cases} cases (seed {seed}), {polygons} polygons, {valid} valid layers, ", end="")
    print(f"{doubted['edges']} + {doubted['faces']} times GEOS was overruled or not sure, ", end="")
    print(f"{different} differences, {seconds:.1f} s, GEOS {shapely.geos_version_string}")
    return different


def main() -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="?", type=int, default=2000)
    parser.add_argument("seed", nargs="?", type=int, default=0)
    arguments = parser.parse_args()
    return 1 if run(arguments.cases, arguments.seed) else 0


if __name__ == "__main__":
    sys.exit(main())
