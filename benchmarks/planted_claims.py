"""Faults that other claims than a tiling name, planted in a town of curved blocks: each found once, and nothing else.

    python benchmarks/planted_claims.py [POLYGONS [FAULTS_A_KIND [SEED]]]

Blocks in grids of five by five; the borders of the blocks are lanes. Planted are what nesting, seams, borders along
barriers and exceptions are about, and the odd shapes that `planted_faults.py` has no place for. Each kind is planted in
a town of its own, so that nothing else may be found there. Prints one line a kind; exits with 1 if a fault was missed,
found twice, or invented.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from validate import CRS, make_town

from gridgeo.town import Allowed
from gridgeo.validate import Report, validate_alignment, validate_nesting, validate_seam, validate_tiling

SIDE = 5
"""Blocks along a grid."""
_A_SIDE = 10  # vertices between two corners of a block


class Town:
    """Blocks in rows from the south, and which of them faults may be planted in."""

    def __init__(self, polygons: int, each: int, seed: int) -> None:
        self.columns = max(round(np.sqrt(polygons)), 4 * SIDE)
        self.blocks = make_town(self.columns**2, _A_SIDE, seed)
        assert len(self.blocks) == self.columns**2
        row, column = np.divmod(np.arange(len(self.blocks)), self.columns)
        self.grid = (row // SIDE * 10_000 + column // SIDE).astype(str)
        self.row, self.column = row, column
        self.random, self.each = np.random.default_rng(seed), each

    def frame(self, blocks: np.ndarray | None = None) -> gpd.GeoDataFrame:
        """Return the blocks with their ids and grids."""
        shapes = self.blocks if blocks is None else blocks
        return gpd.GeoDataFrame({"grid": self.grid[: len(shapes)]}, geometry=shapes, crs=CRS)

    def grids(self) -> gpd.GeoDataFrame:
        """Return the grids: blocks of one grid together, with all their vertices."""
        order = np.argsort(self.grid, kind="stable")
        names, start = np.unique(self.grid[order], return_index=True)
        shapes = [shapely.coverage_union_all(part) for part in np.split(self.blocks[order], start[1:])]
        return gpd.GeoDataFrame({"code": names}, geometry=shapes, crs=CRS)

    def side(self, block: int, which: int) -> np.ndarray:
        """Vertices of one side of a block: 0 south, 1 east, 2 north, 3 west; counterclockwise."""
        ring = shapely.get_coordinates(self.blocks[block])
        step = _A_SIDE + 1
        return ring[which * step : (which + 1) * step + 1]

    def chosen(self, where: np.ndarray) -> np.ndarray:
        """Choose blocks that are no neighbours of each other."""
        found: list[int] = []
        for block in self.random.permutation(np.flatnonzero(where)).tolist():
            if all(
                max(abs(self.row[block] - self.row[k]), abs(self.column[block] - self.column[k])) > 3 for k in found
            ):
                found.append(block)
            if len(found) == self.each:
                break
        return np.array(found)

    @property
    def inner(self) -> np.ndarray:
        """Which blocks lie inside their grid, away from its border."""
        return (self.row % SIDE == 2) & (self.column % SIDE == 2)

    def lanes(self, without: set[int] = frozenset()) -> gpd.GeoDataFrame:
        """Return the borders of the blocks as lanes, without the eastern sides of some blocks."""
        lines = []
        for block in range(len(self.blocks)):
            sides = [0, 1] if block not in without else [0]
            sides += [2] if self.row[block] == self.row.max() else []
            sides += [3] if self.column[block] == 0 else []
            lines += [shapely.LineString(self.side(block, which)) for which in sides]
        return gpd.GeoDataFrame({"rank": ["lane"] * len(lines)}, geometry=lines, crs=CRS)


Outcome = tuple[Report, list[shapely.Geometry]]


def not_tiled(town: Town) -> Outcome:
    """Take a block out of its grid."""
    chosen = town.chosen(town.inner)
    frame = town.frame().drop(index=chosen)
    report = validate_nesting(frame, town.grids(), parent_column="grid", parent_id_column="code")
    return report, list(town.blocks[chosen])


def not_nested(town: Town) -> Outcome:
    """Let a block at the town's edge reach out of its grid."""
    chosen, blocks = town.chosen((town.row == 0) & (town.column % SIDE == 2)), town.blocks.copy()
    places = []
    for block in chosen.tolist():
        ring = shapely.get_coordinates(blocks[block])
        middle = _A_SIDE // 2
        out = np.array([ring[middle], ring[middle + 1] - [0, 5.0], ring[middle + 2]])
        places.append(shapely.Polygon(np.vstack([out, ring[middle + 1]])))
        ring[middle + 1] = out[1]
        blocks[block] = shapely.Polygon(ring)
    return validate_nesting(town.frame(blocks), town.grids(), parent_column="grid", parent_id_column="code"), places


def unmatched_seam(town: Town) -> Outcome:
    """Draw a block of the western sheet back from the eastern sheet at one vertex."""
    middle = town.columns // 2
    chosen, blocks, places = town.chosen(town.column == middle - 1), town.blocks.copy(), []
    for block in chosen.tolist():
        ring = shapely.get_coordinates(blocks[block])
        at = _A_SIDE + 1 + _A_SIDE // 2
        old = ring[at].copy()
        ring[at] = old - [0.7, 0.0]
        places.append(shapely.Polygon([ring[at - 1], old, ring[at + 1], ring[at]]))
        blocks[block] = shapely.Polygon(ring)
    frame = town.frame(blocks)
    west = town.column < middle
    return validate_seam(frame[west], frame[~west]), places


def off_barrier(town: Town) -> Outcome:
    """Let no lane run along the border between two blocks."""
    chosen = town.chosen((town.column < town.columns - 1) & (town.row > 0) & (town.row < town.row.max()))
    places = [shapely.LineString(town.side(block, 1)) for block in chosen.tolist()]
    return validate_alignment(town.frame(), town.lanes(set(chosen.tolist())), share=0.8), places


def crosses_barrier(town: Town) -> Outcome:
    """Let a river run through a block from border to border."""
    chosen = town.chosen((town.row > 0) & (town.row < town.row.max()))
    rivers = []
    for block in chosen.tolist():
        one, other = town.side(block, 3)[_A_SIDE // 2], town.side(block, 1)[_A_SIDE // 2]
        rivers.append(shapely.LineString([one, other]))
    lines = gpd.GeoDataFrame({"rank": ["river"] * len(rivers)}, geometry=rivers, crs=CRS)
    return validate_alignment(town.frame(), lines, uncut_by="river"), rivers


def open_gap(town: Town) -> Outcome:
    """Part two blocks at the town's edge by some centimetres, open to the outside."""
    chosen, blocks, places = town.chosen((town.row == 0) & (town.column > 0)), town.blocks.copy(), []
    for block in chosen.tolist():
        ring = shapely.get_coordinates(blocks[block])
        places.append(shapely.LineString(town.side(block, 3)))
        moved = np.arange(3 * (_A_SIDE + 1) + 1, len(ring))  # the western side but its northern end
        ring[moved] += [0.2, 0.0]
        ring[0] = ring[-1]
        blocks[block] = shapely.Polygon(ring)
    return validate_tiling(town.frame(blocks)), places


def pinch(town: Town) -> Outcome:
    """Let an island touch the border of the block around it in one vertex."""
    chosen, blocks, places, islands = town.chosen(town.inner), town.blocks.copy(), [], []
    for block in chosen.tolist():
        corner = shapely.get_coordinates(blocks[block])[0]
        heart = shapely.get_coordinates(shapely.centroid(blocks[block]))[0]
        across = np.array([-(heart - corner)[1], (heart - corner)[0]]) * 0.1
        hole = np.array([corner, heart - across, heart + across])
        blocks[block] = shapely.Polygon(shapely.get_coordinates(blocks[block]), [hole])
        islands.append(shapely.Polygon(hole))
        places.append(shapely.Point(corner))
    frame = gpd.GeoDataFrame(geometry=[*blocks, *islands], crs=CRS)
    return validate_tiling(frame), places


def wrong_type(town: Town) -> Outcome:
    """Put a line among the polygons."""
    lines = [shapely.LineString(town.side(block, 0)) for block in town.chosen(town.inner).tolist()]
    return validate_tiling(gpd.GeoDataFrame(geometry=[*town.blocks, *lines], crs=CRS)), lines


def hole(town: Town) -> Outcome:
    """Take a block out where nothing says whether it should be there: an enclave, perhaps."""
    chosen = town.chosen(town.inner)
    return validate_tiling(town.frame().drop(index=chosen)), list(town.blocks[chosen])


def unused_exception(town: Town) -> Outcome:
    """Allow a gap that is no more."""
    places = [shapely.point_on_surface(town.blocks[block]) for block in town.chosen(town.inner).tolist()]
    degrees = pyproj.Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)
    allowed = [Allowed("gap", "a lake", at=degrees.transform(place.x, place.y)) for place in places]
    return validate_tiling(town.frame(), exceptions=allowed), places


KINDS: dict[str, tuple[str, Callable[[Town], Outcome]]] = {
    "not-tiled": ("not-tiled", not_tiled),
    "not-nested": ("not-nested", not_nested),
    "unmatched-seam": ("unmatched-seam", unmatched_seam),
    "off-barrier": ("off-barrier", off_barrier),
    "crosses-barrier": ("crosses-barrier", crosses_barrier),
    "open gap": ("near-border", open_gap),
    "pinch": ("pinch", pinch),
    "wrong-type": ("wrong-type", wrong_type),
    "hole": ("gap", hole),
    "unused-exception": ("unused-exception", unused_exception),
}


def main(polygons: int = 50_000, each: int = 3, seed: int = 0) -> int:
    """Plant, validate, compare; return the exit status."""
    print(f"about {polygons:,} polygons, {each} faults a kind where there is room, seed {seed}")
    wrong = 0
    for kind, (code, plant) in KINDS.items():
        start = time.process_time()
        report, places = plant(Town(polygons, each, seed))
        records = report.records
        once = sum(
            sum(
                record.code == code and record.geometry is not None and shapely.dwithin(record.geometry, place, 1e-3)
                for record in records
            )
            == 1
            for place in places
        )
        others = len(records) - len(places)
        wrong += once != len(places) or others != 0
        print(f"  {kind:<17} planted {len(places)}, found exactly once {once}, other records {others}", end="")
        print(f"  ({time.process_time() - start:.1f} s)", flush=True)
        if others:
            for record in records[:6]:
                print(f"    {record.code} of {', '.join(record.features)}: {record.message('en')}")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(*(int(argument) for argument in sys.argv[1:])))
