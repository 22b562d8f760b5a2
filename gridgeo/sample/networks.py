"""Roads, rivers, creeks and water: the lines that borders run along, named, with bridges where they cross."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import shapely

from gridgeo.sample.arrangement import Arrangement
from gridgeo.sample.grids import Division
from gridgeo.sample.interior import ROAD_WIDTH, Interior
from gridgeo.sample.names import Namer
from gridgeo.sample.plan import BIG_RIVER_WIDTH, Floats, Plan
from gridgeo.sample.town import frame, to_degrees

EDGE_OF_MAP = 420.0
"""Metres beyond the town's border to which rivers and roads are drawn."""


def networks(
    plan: Plan, arrangement: Arrangement, division: Division, interior: Interior, namer: Namer
) -> dict[str, gpd.GeoDataFrame]:
    """Return the layers ``roads``, ``rivers``, ``creeks`` and ``water``."""
    around = plan.outline.buffer(EDGE_OF_MAP, quad_segs=2)
    corners = shapely.box(*around.bounds)
    near = plan.outline.buffer(10)  # what meets this doesn't lie beyond the great river
    shapely.prepare(near)
    lines = _lines_with_nodes(arrangement, division)
    big_water = shapely.intersection(plan.big_river, corners)
    rivers: list[tuple[str, str, float, shapely.Geometry]] = []
    names: dict[tuple[str, int], str] = {}
    for river, points in zip(plan.rivers, lines, strict=True):
        name = names.setdefault((river.rank, river.number), namer.water(river.rank))
        shape = shapely.intersection(shapely.LineString(points), around)
        shape = shapely.difference(shape, shapely.buffer(plan.big_river, -BIG_RIVER_WIDTH * 0.3))
        shape = shapely.line_merge(shape) if shape.geom_type == "MultiLineString" else shape
        parts = [part for part in shapely.get_parts(shape) if part.length > 30 and near.intersects(part)]
        rivers += [(river.rank, name, river.width, part) for part in parts]
    big = shapely.get_parts(shapely.intersection(shapely.LineString(plan.big_river_line), corners))
    rivers += [("river", "大沅江", BIG_RIVER_WIDTH, part) for part in big]
    creeks = [("creek", "", ROAD_WIDTH["creek"], shapely.LineString(division.vertices[path.vertices]))
              for path in division.paths if path.rank == "creek"]  # fmt: skip
    creeks += [("creek", "", ROAD_WIDTH["creek"], shapely.LineString(p)) for r, _, p in interior.paths if r == "creek"]
    small = [(rank, namer.water("creek"), width, shape) for rank, _, width, shape in creeks]
    water = [
        (rank, name, shapely.buffer(shape, width / 2, quad_segs=3))
        for rank, name, width, shape in rivers[: -len(big)] + small
    ]
    water += [("river", "大沅江", part) for part in shapely.get_parts(big_water)]
    water += [("pond", "", pond) for _, pond in interior.ponds]
    streets = _street_lines(plan, shapely.intersection(around, corners), rivers[: -len(big)], namer)
    small_ways = [(path.rank, division.vertices[path.vertices]) for path in division.paths if path.rank != "creek"]
    small_ways += [(rank, points) for rank, _, points in interior.paths + interior.dead_ends if rank != "creek"]
    for rank, points in small_ways:
        name = namer.road(rank) if rank == "road" else namer.lane()
        streets.append((rank, name, ROAD_WIDTH[rank], "no", shapely.LineString(points)))
    main = [row for row in rivers if row[0] == "river"]
    minor = [row for row in rivers if row[0] == "creek"] + small
    return {
        "roads": _numbered(streets, ("class", "name", "width", "bridge")),
        "rivers": _numbered(main, ("class", "name", "width")),
        "creeks": _numbered(minor, ("class", "name", "width")),
        "water": _numbered(water, ("class", "name")),
    }


def _numbered(rows: Sequence[tuple[object, ...]], columns: tuple[str, ...]) -> gpd.GeoDataFrame:
    """Make a layer of rows whose last member is a shape in metres."""
    shapes = np.array([row[-1] for row in rows], dtype=object)
    table: dict[str, object] = {"id": np.arange(1, len(rows) + 1)}
    table |= {column: [row[number] for row in rows] for number, column in enumerate(columns)}
    return frame(table, shapely.transform(shapes, to_degrees))


def _lines_with_nodes(arrangement: Arrangement, division: Division) -> list[Floats]:
    """Return the rivers with all vertices that the borders on them have, so that the two coincide exactly."""
    points = arrangement.rivers
    begin = np.concatenate([line[:-1] for line in points])
    end = np.concatenate([line[1:] for line in points])
    tree = shapely.STRtree(shapely.linestrings(np.stack([begin, end], axis=1)))
    table = division.vertices.all
    vertex, segment = tree.query(shapely.points(table), predicate="dwithin", distance=0.003)
    place = table[vertex]
    apart = np.minimum(np.hypot(*(place - begin[segment]).T), np.hypot(*(place - end[segment]).T))
    vertex, segment, place = vertex[apart > 0.002], segment[apart > 0.002], place[apart > 0.002]
    along = np.hypot(*(place - begin[segment]).T)
    order = np.lexsort((along, segment))
    segment, place = segment[order], place[order]
    enriched, first = [], 0
    for line in points:
        here = (segment >= first) & (segment < first + len(line) - 1)
        enriched.append(np.insert(line, segment[here] - first + 1, place[here], axis=0))
        first += len(line) - 1
    return enriched


def _street_lines(
    plan: Plan, around: shapely.Geometry, rivers: list[tuple[str, str, float, shapely.Geometry]], namer: Namer
) -> list[tuple[object, ...]]:
    """Centre lines of the streets, cut where bridges begin and end."""
    from shapely.ops import substring

    around = shapely.difference(around, plan.big_river)
    shapely.prepare(around)
    courses = np.array([shape for _, _, _, shape in rivers], dtype=object)
    halves = np.array([width / 2 for _, _, width, _ in rivers])
    water, banks = (shapely.buffer(courses, halves + more, quad_segs=2) for more in (-1.0, 6.0))
    lines = np.array([shapely.LineString(street.points) for street in plan.streets], dtype=object)
    inside = shapely.contains_properly(around, lines)
    lines[~inside] = shapely.intersection(lines[~inside], around)
    street, crossed = shapely.STRtree(water).query(lines, predicate="intersects")
    wet: dict[int, list[int]] = {}
    for number, river in zip(street.tolist(), crossed.tolist(), strict=True):
        wet.setdefault(number, []).append(river)
    rows: list[tuple[object, ...]] = []
    for number, plan_street in enumerate(plan.streets):
        name = namer.road(plan_street.rank)
        for part in shapely.get_parts(lines[number]):
            if part.length < 20:
                continue
            spans = []
            for river in sorted(wet.get(number, [])):
                for piece in shapely.get_parts(shapely.intersection(part, banks[river])):
                    if not water[river].intersects(piece):
                        continue  # it only runs along the bank
                    ends = shapely.line_locate_point(part, shapely.points(shapely.get_coordinates(piece)))
                    if len(ends) > 1:
                        spans.append((float(ends.min()), float(ends.max())))
            place = 0.0
            for begin, end in _united(spans):
                if begin - place > 0.5:
                    rows.append((plan_street.rank, name, plan_street.width, "no", substring(part, place, begin)))
                rows.append((plan_street.rank, name, plan_street.width, "yes", substring(part, begin, end)))
                place = end
            if part.length - place > 0.5:
                rows.append((plan_street.rank, name, plan_street.width, "no", substring(part, place, part.length)))
    return rows


def _united(spans: list[tuple[float, float]]) -> list[tuple[float, float]]:
    united: list[tuple[float, float]] = []
    for begin, end in sorted(spans):
        if united and begin <= united[-1][1] + 8:
            united[-1] = (united[-1][0], max(end, united[-1][1]))
        else:
            united.append((begin, end))
    return united
