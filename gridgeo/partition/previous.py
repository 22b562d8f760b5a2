"""The old plan on today's ground: which old block each atom lay in, and which vertices its blocks had.

An atom lay in the old block of its grid that held most of its area, judged by a point in each of its faces.

Cost. One query of a tree for all grids together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import geopandas as gpd
import numpy as np
import shapely

from gridgeo.network import Floats, Geometries, Integers
from gridgeo.partition.atom_layer import Ground
from gridgeo.partition.atoms import Atoms
from gridgeo.partition.parts import Part


@dataclass(frozen=True)
class Previous:
    """An old blocks layer.

    Parameters
    ----------
    frame : GeoDataFrame
        As it was written, in the CRS of the new blocks.
    metric : array of Polygon or MultiPolygon
        Its blocks in metres.
    """

    frame: gpd.GeoDataFrame
    metric: Geometries

    @cached_property
    def vertices(self) -> Floats:
        """The vertices as they were written."""
        return np.unique(shapely.get_coordinates(self.frame.geometry.to_numpy()), axis=0)

    @cached_property
    def by_form(self) -> dict[bytes, int]:
        """Row of each block by the bytes of its form, wherever its rings begin."""
        shapes = shapely.normalize(shapely.force_2d(self.frame.geometry.to_numpy()))
        return {form: row for row, form in enumerate(shapely.to_wkb(shapes).tolist())}


@dataclass(frozen=True)
class OldPlan:
    """Where the atoms of each part lay.

    Parameters
    ----------
    previous : Previous
    rows : dict
        Part -> row of the old block of each atom, -1 where it lay in none.
    """

    previous: Previous
    rows: dict[int, Integers]

    def blocks(self, part: int) -> Integers | None:
        """Return the old block (0, 1, 2 ..., or -1) of each atom of a part; None where there was none at all."""
        rows = self.rows.get(part)
        if rows is None or not (rows >= 0).any():
            return None
        present = np.unique(rows[rows >= 0])
        return np.where(rows >= 0, np.searchsorted(present, rows), -1).astype(np.int64)

    def count(self, part: int) -> int:
        """Return how many old blocks lay in a part."""
        old = self.blocks(part)
        return 0 if old is None else int(old.max()) + 1


def old_blocks(
    previous: Previous,
    grids: Sequence[tuple[str, str]],
    parts: Sequence[Part],
    ground: Ground,
    atoms: Sequence[Atoms | None],
) -> OldPlan:
    """Find the old block of each atom; ``grids`` are the layer and id of each grid."""
    names = previous.frame["grid"].astype(str).to_numpy()
    layers = previous.frame["grid_layer"].astype(str).to_numpy() if "grid_layer" in previous.frame else None
    which = [number for number, each in enumerate(atoms) if each is not None]
    faces = [np.concatenate(each.faces) for each in atoms if each is not None]
    if not faces or not len(names):
        return OldPlan(previous, {})
    face = np.concatenate(faces)
    part = np.repeat(which, [len(each) for each in faces])
    atom = np.concatenate(
        [np.repeat(np.arange(len(each)), [len(own) for own in each.faces]) for each in atoms if each is not None]
    )
    spots = shapely.point_on_surface(ground.metric[face])
    at, row = shapely.STRtree(previous.metric).query(spots, predicate="intersects")
    layer = np.array([grids[parts[number].grid][0] for number in part], dtype=object)
    name = np.array([grids[parts[number].grid][1] for number in part], dtype=object)
    same = names[row] == name[at]
    if layers is not None:
        same &= layers[row] == layer[at]
    at, row = at[same], row[same]
    rows: dict[int, Integers] = {
        number: np.full(len(each), -1, dtype=np.int64) for number, each in enumerate(atoms) if each is not None
    }
    # the old block with most of an atom's area
    keys, number = np.unique(np.stack([part[at], atom[at], row]), axis=1, return_inverse=True)
    area = np.bincount(number.ravel(), weights=ground.faces.area[face[at]], minlength=keys.shape[1])
    for best in np.lexsort((-keys[2], area)).tolist():  # the largest is written last
        rows[int(keys[0, best])][int(keys[1, best])] = int(keys[2, best])
    return OldPlan(previous, rows)
