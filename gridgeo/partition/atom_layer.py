"""The atoms as a map layer: to be looked at, checked and counted before any block is drafted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely

from gridgeo.network import GRAIN, Arrangement, Barriers, Flags, Floats, Geometries, Integers, as_barriers, node
from gridgeo.partition.atoms import (
    USUAL,
    Atoms,
    Cleaning,
    Faces,
    faces_of_grids,
    find_faces,
    make_atoms,
    numbers,
    shared_segments,
)
from gridgeo.partition.kept import faces_kept_whole

_NOTHING: Geometries = np.empty(0, dtype=object)


@dataclass(frozen=True)
class Ground:
    """Grids cut into faces: what atoms are made from.

    Parameters
    ----------
    arrangement : Arrangement
    faces : Faces
    lengths : array
        Of the segments in metres.
    face, owner : array
        Faces and the grids that they lie in, by grid.
    metric : array of Polygon
        The faces in metres.
    on_surface : array of bool
        Faces that lie in a barrier polygon.
    kept : list of arrays
        Faces of each polygon to be kept whole.
    cleaning : Cleaning
    segment, inside : array
        Segments with the same grid on both sides, and that grid, by grid.
    divided : (array, array)
        Faces and the dividers that they lie in.
    """

    arrangement: Arrangement
    faces: Faces
    lengths: Floats
    face: Integers
    owner: Integers
    metric: Geometries
    on_surface: Flags
    kept: list[Integers]
    cleaning: Cleaning
    segment: Integers
    inside: Integers
    divided: tuple[Integers, Integers]

    def members(self, grid: int) -> Integers:
        """Return the faces of a grid."""
        begin, end = np.searchsorted(self.owner, [grid, grid + 1])
        return self.face[begin:end]

    def largest_face(self, faces: Integers) -> int:
        """Return the largest of some faces: the one that stands for its atom."""
        return int(faces[int(np.argmax(self.faces.area[faces]))])

    def atoms(self, grid: int) -> Atoms:
        """Return the atoms of a grid."""
        begin, end = np.searchsorted(self.inside, [grid, grid + 1])
        return make_atoms(
            self.arrangement,
            self.faces,
            self.members(grid),
            self.segment[begin:end],
            self.on_surface,
            lengths=self.lengths,
            cleaning=self.cleaning,
            kept=self.kept,
        )


def lay_out(
    outlines: Geometries,
    barriers: Barriers,
    *,
    cut: Flags | None = None,
    cleaning: Cleaning = USUAL,
    dividers: Geometries = _NOTHING,
) -> Ground:
    """Cut grids (in metres) into faces along barriers; barriers count only where they meet a grid that is to be cut.

    The outlines of ``dividers`` take part as borders of grids do, but own no faces.
    """
    cut = np.ones(len(outlines), dtype=np.bool_) if cut is None else cut
    shapes = np.concatenate([outlines, dividers])
    arrangement = node(barriers, shapes, within=outlines[cut], extend_dead_ends=cleaning.extend_dead_ends)
    faces = find_faces(arrangement)
    face, owner = faces_of_grids(arrangement, faces, shapes)
    divided = face[owner >= len(outlines)], owner[owner >= len(outlines)] - len(outlines)
    face, owner = face[owner < len(outlines)], owner[owner < len(outlines)]
    segment, inside = shared_segments(faces.sides, face, owner)
    metric = shapely.transform(faces.polygons, lambda lattice: lattice * GRAIN + arrangement.origin)
    return Ground(
        arrangement=arrangement,
        faces=faces,
        lengths=arrangement.lengths,
        face=face,
        owner=owner,
        metric=metric,
        on_surface=_on_surface(metric, barriers),
        kept=faces_kept_whole(metric, cleaning.keep_whole),
        cleaning=cleaning,
        segment=segment,
        inside=inside,
        divided=divided,
    )


def find_atoms(
    area: gpd.GeoDataFrame | Sequence[shapely.Geometry],
    barriers: Barriers | gpd.GeoDataFrame,
    *,
    cleaning: Cleaning = USUAL,
) -> gpd.GeoDataFrame:
    """Return the atoms of an area: the smallest pieces of which blocks can be made.

    Parameters
    ----------
    area : GeoDataFrame or sequence of Polygon
        Grids in a CRS in metres.
    barriers : Barriers or GeoDataFrame
        In the same CRS; see `gridgeo.delineate_blocks`.
    cleaning : Cleaning
        How faces become atoms.

    Returns
    -------
    GeoDataFrame
        One row an atom: ``grid`` (row of ``area``), ``area`` (m2), ``faces`` (how many were merged) and the geometry.
        Together they tile the area exactly. ``attrs["summary"]`` tells what was done.

    Examples
    --------
    >>> lanes = gpd.GeoDataFrame({"rank": ["lane"]}, geometry=[shapely.LineString([(80, -9), (80, 109)])])
    >>> find_atoms([shapely.box(0, 0, 200, 100)], lanes)["area"].tolist()
    [8000.0, 12000.0]
    """
    frame = area if isinstance(area, gpd.GeoDataFrame) else gpd.GeoDataFrame(geometry=list(area))
    ground = lay_out(frame.geometry.to_numpy(), as_barriers(barriers), cleaning=cleaning)
    rows: list[tuple[int, float, int]] = []
    shapes: list[shapely.Geometry] = []
    made = [ground.atoms(grid) for grid in range(len(frame))]
    for grid, atoms in enumerate(made):
        for members, size in zip(atoms.faces, atoms.area.tolist(), strict=True):
            rows.append((grid, size, len(members)))
            shapes.append(shapely.coverage_union_all(ground.faces.polygons[members]))
    # vertices of the input get their own coordinates back: atoms fit what they were made from to the last bit
    arrangement = ground.arrangement

    def placed(lattice: Floats) -> Floats:
        return arrangement.points[numbers(arrangement.lattice, np.rint(lattice).astype(np.int64))]

    table = gpd.GeoDataFrame(
        {name: [row[at] for row in rows] for at, name in enumerate(("grid", "area", "faces"))},
        geometry=shapely.transform(np.array(shapes, dtype=object), placed) if shapes else [],
        crs=frame.crs,
    )
    dead = arrangement.dead_ends
    table.attrs["summary"] = {
        "faces": len(ground.face),
        "atoms": len(table),
        "strips_joined": sum(atoms.strips for atoms in made),
        "slivers_merged": sum(atoms.merged for atoms in made),
        "slivers_merged_over_river": sum(atoms.merged_over_river for atoms in made),
        "slivers_left": sum(atoms.left for atoms in made),
        "surfaces_joined": sum(atoms.surfaces for atoms in made),
        "dead_ends": len(dead),
        "dead_ends_extended": int(dead.extended.sum()),
        "dead_ends_near": int((np.isfinite(dead.gap) & ~dead.extended).sum()),
    }
    return table


def _on_surface(metric: Geometries, barriers: Barriers) -> Flags:
    """Tell which faces lie in a barrier polygon."""
    inside = np.zeros(len(metric), dtype=np.bool_)
    flat = barriers.surfaces[barriers.surfaces["level"] == 0]
    if len(flat) and len(inside):
        tree = shapely.STRtree(flat.geometry.to_numpy())
        inside[np.unique(tree.query(shapely.point_on_surface(metric), predicate="intersects")[0])] = True
    return inside
