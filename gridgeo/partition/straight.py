"""Straight edges: a border that is straight as it is written is bent in metres, and the other way round.

Theory. Blocks are found in metres and written in the CRS of their grid, often degrees. Over four kilometres along a
parallel the two lines between the same ends are thirty centimetres apart. What lies in the strip between them is
inside the grid in one and outside in the other: a road that was clipped on the border ends short of it in metres, is
carried on along a stretch that has no length as written, and the block touches itself. So each vertex of a barrier in
that strip is put on the border in metres, and each new vertex on the border goes where the border runs as written.

Cost. One tree query of the barriers' vertices; nothing where the grids are written in metres. Limits. A barrier is
moved by no more than the border bends there. Between its vertices it is straight in metres.
"""

from __future__ import annotations

from collections.abc import Callable

import geopandas as gpd
import numpy as np
import shapely

from gridgeo.network import SNAP, Barriers, Floats, Geometries, Integers

_ON_BORDER = 1e-5
"""Metres: how far the noding may leave a new vertex from the border that it lies on."""


def straight_edges(outlines: Geometries) -> tuple[Integers, Geometries]:
    """Return the straight edges of polygons, and the index of the first vertex of each."""
    coordinates, ring = shapely.get_coordinates(shapely.get_rings(shapely.get_parts(outlines)), return_index=True)
    edge = np.flatnonzero(ring[1:] == ring[:-1])
    return edge, np.asarray(shapely.linestrings(np.stack([coordinates[edge], coordinates[edge + 1]], axis=1)))


def keeping_straight(
    outlines: Geometries, written: Floats, to_output: Callable[[Floats], Floats]
) -> Callable[[Floats], Floats]:
    """Return ``to_output`` for new vertices, but with those on a grid's border kept on its straight edges.

    A new vertex on a border goes where the edge runs as it is written, so that the blocks fill their grid exactly.
    """
    edge, lines = straight_edges(outlines)
    tree = shapely.STRtree(lines)

    def place(points: Floats) -> Floats:
        output = to_output(points).copy()
        point, line = tree.query_nearest(shapely.points(points), max_distance=_ON_BORDER, all_matches=False)
        share = shapely.line_locate_point(lines[line], shapely.points(points[point]), normalized=True)[:, None]
        output[point] = written[edge[line]] * (1 - share) + written[edge[line] + 1] * share
        return output

    return place


def onto_edges(
    barriers: Barriers, outlines: Geometries, written: Floats, to_output: Callable[[Floats], Floats]
) -> Barriers:
    """Return barriers with their vertices between a border in metres and the same border as written put on it.

    Parameters
    ----------
    barriers : Barriers
        In metres.
    outlines : array of Polygon or MultiPolygon
        The grids in metres.
    written : (n, 2) array
        Their vertices (in the order of `shapely.get_coordinates`) as they are written.
    to_output : callable
        Brings points from metres to the CRS of ``written``.
    """
    edge, _ = straight_edges(outlines)
    if not len(edge):
        return barriers
    given = shapely.get_coordinates(outlines)
    start, end = given[edge], given[edge + 1]
    from_written, to_written = written[edge], written[edge + 1]
    bend = np.hypot(*_to_written_place((start + end) / 2, (from_written + to_written) / 2, to_output).T)
    bent = np.flatnonzero(bend > SNAP)
    if not len(bent):
        return barriers
    start, end, from_written, to_written = start[bent], end[bent], from_written[bent], to_written[bent]
    # the bend is largest in the middle of an edge, or near it
    tree, reach = shapely.STRtree(shapely.linestrings(np.stack([start, end], axis=1))), 1.1 * bend[bent] + SNAP

    def mended(points: Floats) -> Floats:
        if not len(points):
            return points
        vertex, line = tree.query(shapely.points(points), predicate="dwithin", distance=float(reach.max()))
        way = to_written[line] - from_written[line]
        off = to_output(points[vertex]) - from_written[line]
        share = ((off * way).sum(axis=1) / np.maximum((way**2).sum(axis=1), 1e-300))[:, None]
        on_chord = start[line] * (1 - share) + end[line] * share
        curve = _to_written_place(on_chord, from_written[line] * (1 - share) + to_written[line] * share, to_output)
        along = end[line] - start[line]
        across = np.column_stack([-along[:, 1], along[:, 0]]) / np.hypot(*along.T)[:, None]
        bulge = (curve * across).sum(axis=1)
        beside = ((points[vertex] - on_chord) * across).sum(axis=1)
        between = (beside >= np.minimum(bulge, 0.0) - SNAP) & (beside <= np.maximum(bulge, 0.0) + SNAP)
        # the ends of an edge are vertices of the grid: there is no strip at them
        between &= (share[:, 0] >= 0) & (share[:, 0] <= 1) & (np.abs(bulge) > SNAP)
        order = np.flatnonzero(between)[np.argsort(np.abs(beside[between]), kind="stable")]
        first = order[np.unique(vertex[order], return_index=True)[1]]  # at a corner the nearest edge
        result = points.copy()
        result[vertex[first]] = on_chord[first]
        return result

    return Barriers(*(_moved(table, mended) for table in (barriers.lines, barriers.surfaces)))


def _to_written_place(points: Floats, wanted: Floats, to_output: Callable[[Floats], Floats]) -> Floats:
    """Return by how many metres points must move, to first order, so that they are written in the ``wanted`` places."""
    here = to_output(points)
    if not len(points):
        return np.zeros_like(points)
    step = 1.0
    columns = [to_output(points + np.array(way)) - here for way in ((step, 0.0), (0.0, step))]
    jacobian = np.stack(columns, axis=2) / step
    return np.asarray(np.linalg.solve(jacobian, (wanted - here)[:, :, None])[:, :, 0], dtype=np.float64)


def _moved(table: gpd.GeoDataFrame, mended: Callable[[Floats], Floats]) -> gpd.GeoDataFrame:
    """Return a table of shapes with their vertices moved."""
    shapes: Geometries = table.geometry.to_numpy()
    points = shapely.get_coordinates(shapes)
    places = mended(points)
    if (places == points).all():
        return table
    return table.set_geometry(
        gpd.GeoSeries(shapely.set_coordinates(shapely.force_2d(shapes), places), index=table.index, crs=table.crs)
    )
