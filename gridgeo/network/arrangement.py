"""The arrangement: barriers and borders noded into one, as arrays and as edges."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridgeo.network.barriers import RANKS, Barriers
from gridgeo.network.basics import Flags, Floats, Integers, groups
from gridgeo.network.dead_ends import DeadEnds


@dataclass(frozen=True)
class Arrangement:
    """Barriers and borders noded into one: segments that meet at their ends only.

    Segments are the straight pieces between two vertices; `edges` joins them to edges between junctions.

    Parameters
    ----------
    points : (n, 2) array
        Vertices in metres. A vertex that the input has, has the input's coordinates to the last bit.
    lattice : (n, 2) array of int
        The same vertices in steps of `GRAIN` from ``origin``: exact, for topology. In order of x, then y.
    origin : (2,) array
        Where the lattice begins: whole metres.
    segments : (m, 2) array of int
        Two vertices each, the lower index first; no segment occurs twice.
    rank : (m,) array of int
        Index in `RANKS` of the strongest barrier that runs along the segment, or `NO_RANK`.
    source : (m,) array of int
        Row of that barrier: in ``barriers.lines``, or after them in ``barriers.surfaces``; -1 without one.
    border : (m,) array of bool
        True where a border of the given polygons runs.
    wall : (m,) array of bool
        True for segments that nobody crosses on foot but where they are joined: rivers, and barriers that are not
        ``walkable``.
    joined : (m,) array of bool
        True for walls over which a street or a bridge leads, or under which a passage: both sides are one piece on
        foot.
    extension : (m,) array of bool
        True where no barrier runs, but a dead end was extended to the next barrier.
    vertex : (n,) array of int
        Index of the vertex in ``shapely.get_coordinates(borders)`` (the first of equal ones), or -1 for any other
        vertex.
    shape : (n,) array of bool
        True for vertices that the input has, False for crossings found by noding.
    barriers : Barriers
        What was noded.
    dead_ends : DeadEnds
        The barriers that lead nowhere, and which of them were extended.
    """

    points: Floats
    lattice: Integers
    origin: Floats
    segments: Integers
    rank: npt.NDArray[np.int8]
    source: Integers
    border: Flags
    wall: Flags
    joined: Flags
    extension: Flags
    vertex: Integers
    shape: Flags
    barriers: Barriers
    dead_ends: DeadEnds

    @property
    def lengths(self) -> Floats:
        """Length of each segment in metres."""
        ends = self.points[self.segments]
        return np.asarray(np.hypot(*(ends[:, 1] - ends[:, 0]).T), dtype=np.float64)

    @property
    def degrees(self) -> Integers:
        """How many segments meet in each vertex."""
        return np.bincount(self.segments.ravel(), minlength=len(self.points)).astype(np.int64)

    def name_of(self, source: int) -> str:
        """Return the name of the barrier in row ``source``, "" without one."""
        lines, surfaces = self.barriers.lines["name"], self.barriers.surfaces["name"]
        if source < 0:
            return ""
        return str(lines.iloc[source] if source < len(lines) else surfaces.iloc[source - len(lines)])

    def edges(self) -> gpd.GeoDataFrame:
        """Return the network's edges: lines from junction to junction along one barrier or border.

        Columns ``rank`` (of `RANKS`, "border" where a border of grids runs and no barrier), ``name``, ``layer``,
        ``feature``, ``level``, ``border`` (bool), ``joined`` (bool: a river's edge under a bridge), ``extension``
        (bool: an extended dead end) and ``geometry``.
        """
        chain = _chains(self)
        lines = shapely.linestrings(self.points[self.segments])
        count = int(chain.max()) + 1 if len(chain) else 0
        merged = shapely.line_merge(
            shapely.multilinestrings(lines[np.argsort(chain, kind="stable")], indices=np.sort(chain))
        )
        first = np.full(count, len(chain), dtype=np.int64)
        np.minimum.at(first, chain, np.arange(len(chain)))
        source = self.source[first]
        columns = ("name", "layer", "feature", "level")
        told = pd.concat([self.barriers.lines[list(columns)], self.barriers.surfaces[list(columns)]], ignore_index=True)
        said = {
            key: [told[key].iloc[row] if row >= 0 else (0 if key == "level" else "") for row in source]
            for key in columns
        }
        words = [*RANKS, "border"]
        joined = np.bincount(chain, weights=self.joined, minlength=count) > 0
        return gpd.GeoDataFrame(
            {
                "rank": [words[rank] for rank in self.rank[first]],
                **said,
                "border": self.border[first],
                "joined": joined,
                "extension": self.extension[first],
            },
            geometry=merged if count else [],
            crs=self.barriers.lines.crs,
        )


def _chains(arrangement: Arrangement) -> Integers:
    """Return numbers of edges: runs of segments along one barrier or border where nothing else meets them."""
    segments, degrees = arrangement.segments, arrangement.degrees
    same = np.full((len(arrangement.points), 2), -1, dtype=np.int64)
    ends = segments.ravel()
    owner = np.repeat(np.arange(len(segments)), 2)
    order = np.argsort(ends, kind="stable")
    ends, owner = ends[order], owner[order]
    leading = np.concatenate([[True], ends[1:] != ends[:-1]]) if len(ends) else np.empty(0, dtype=np.bool_)
    same[ends[leading], 0] = owner[leading]
    same[ends[~leading], 1] = owner[~leading]
    through = same[degrees == 2]
    a, b = through.T
    alike = np.ones(len(through), dtype=np.bool_)
    for told in (arrangement.source, arrangement.border, arrangement.extension):
        alike &= told[a] == told[b]
    return groups(len(segments), through[alike])
