"""Codes: how blocks are numbered and named.

Unit-grid numbering: division 6 + town 3 + committee 3 + serial 3 digits. The serial runs west to east, then north to
south within a grid. Precisely: a block counts where its representative point lies (a point inside it, halfway along
its middle line), in the working CRS, rounded to whole metres. Blocks are sorted by its easting; equal eastings by
northing, the northern one first; blocks equal in both by the exact coordinates and last by their area, the larger
first.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely

from gridgeo.network import Geometries, Integers

GRID_DIGITS = 12
"""Digits of the id of a committee's grid in unit-grid numbering."""


def serial_order(blocks: Sequence[object] | Geometries) -> Integers:
    """Return the order of blocks by serial: west to east, then north to south.

    Examples
    --------
    >>> east, west, south = shapely.box(9, 0, 10, 9), shapely.box(0, 5, 9, 9), shapely.box(0, 0, 9, 5)
    >>> serial_order([east, south, west]).tolist()
    [2, 1, 0]
    """
    shapes = np.asarray(blocks, dtype=object)
    spots = shapely.get_coordinates(shapely.point_on_surface(shapes))
    metres = np.rint(spots)
    keys = (-shapely.area(shapes), -spots[:, 1], spots[:, 0], -metres[:, 1], metres[:, 0])
    return np.lexsort(keys).astype(np.int64)


def block_code(grid: str, serial: int, *, prefix: str = "") -> str:
    """Return the code of a block: 15 digits where the grid's id has 12.

    ``prefix`` (the key of a layer) keeps codes apart where two layers use the same grid id.

    Examples
    --------
    >>> block_code("310112114001", 2), block_code("7", 2), block_code("7", 2, prefix="villages")
    ('310112114001002', '7-002', 'villages-7-002')
    """
    if not prefix and len(grid) == GRID_DIGITS and grid.isascii() and grid.isdigit():
        return f"{grid}{serial:03d}"
    return f"{prefix}-{grid}-{serial:03d}" if prefix else f"{grid}-{serial:03d}"


def block_name(grid_name: str, serial: int, count: int) -> str:
    """Return the name of a block: its grid's own name where it is the only one.

    Examples
    --------
    >>> block_name("杜行居委会", 2, 3), block_name("杜行居委会", 1, 1)
    ('杜行居委会 第2责任块', '杜行居委会')
    """
    return grid_name if count == 1 else f"{grid_name} 第{serial}责任块"
