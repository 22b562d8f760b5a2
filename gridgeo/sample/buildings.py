"""Layers of what stands in the grids: buildings, addresses with people, shops along the streets, greens."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.sample.grid_layers import grid_polygons
from gridgeo.sample.grids import Division
from gridgeo.sample.interior import Interior, Water
from gridgeo.sample.names import Namer
from gridgeo.sample.plan import Floats, Plan
from gridgeo.sample.town import frame, to_degrees

PEOPLE_A_HOUSEHOLD = 2.6


def building_layers(
    plan: Plan,
    division: Division,
    interior: Interior,
    layers: dict[str, gpd.GeoDataFrame],
    rows: dict[str, npt.NDArray[np.int64]],
    rng: np.random.Generator,
) -> dict[str, gpd.GeoDataFrame]:
    """Return the layers ``buildings``, ``addresses``, ``workstations``, ``shops`` and ``green``."""
    codes = np.full(len(division.grids), "", dtype=object)
    names = codes.copy()
    for key, numbers in rows.items():
        codes[numbers], names[numbers] = layers[key]["code"].to_numpy(), layers[key]["name"].to_numpy()
    corners = np.array([house.corners for house in interior.houses]).reshape(-1, 4, 2)
    grid = np.array([house.grid for house in interior.houses], np.int64)
    order = np.lexsort((np.arange(len(grid)), codes[grid].astype(str)))
    corners, grid = corners[order], grid[order]
    uses = np.array([interior.houses[k].use for k in order])
    floors = np.array([interior.houses[k].floors for k in order], np.int64)
    ring = to_degrees(corners.reshape(-1, 2)).reshape(-1, 4, 2)
    footprints = shapely.polygons(ring) if len(ring) else np.zeros(0, dtype=object)
    buildings = {
        "id": [f"B{number + 1:06d}" for number in range(len(grid))],
        "use": uses,
        "floors": floors,
        "grid": codes[grid],
    }
    greens = interior.greens
    green = {
        "id": np.arange(1, len(greens) + 1),
        "use": [use for use, _, _ in greens],
        "grid": [codes[number] for _, number, _ in greens],
    }
    shapes = np.array([shape for _, _, shape in greens] + [None], dtype=object)[:-1]
    addresses = _addresses(division, codes, names, corners, grid, uses, floors, rng)
    return {
        "buildings": frame(buildings, footprints),
        "addresses": addresses,
        "workstations": _workstations(addresses),
        "shops": _shops(plan, division, codes, rng),
        "green": frame(green, shapely.transform(shapes, to_degrees)),
    }


def _workstations(addresses: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """One workstation a grid with dwelling houses: in the house nearest to the middle of them all."""
    places = shapely.get_coordinates(addresses.geometry.to_numpy())
    rows = []
    for members in addresses.groupby("grid", sort=True).indices.values():
        off = places[members] - places[members].mean(axis=0)
        rows.append(int(members[np.argmin(np.round(np.hypot(*off.T), 9))]))
    chosen = addresses.iloc[rows]
    return frame(
        {
            "id": [f"W{number:03d}" for number in range(1, len(rows) + 1)],
            "name": chosen["name"].to_numpy(),
            "grid": chosen["grid"].to_numpy(),
        },
        chosen.geometry.to_numpy(),
    )


def _addresses(
    division: Division,
    codes: npt.NDArray[np.object_],
    names: npt.NDArray[np.object_],
    corners: Floats,
    grid: npt.NDArray[np.int64],
    uses: npt.NDArray[np.str_],
    floors: npt.NDArray[np.int64],
    rng: np.random.Generator,
) -> gpd.GeoDataFrame:
    """One address a dwelling house; the people of a grid are spread over its houses by their floor area."""
    homes = np.flatnonzero((uses == "residential") | (uses == "village house"))
    length = np.linalg.norm(corners[:, 1] - corners[:, 0], axis=1)
    depth = np.linalg.norm(corners[:, 2] - corners[:, 1], axis=1)
    room = (length * depth * floors)[homes]
    owner = grid[homes]
    people = np.zeros(len(homes), np.int64)
    number = np.zeros(len(homes), np.int64)
    bounds = (
        np.flatnonzero(np.concatenate([[True], owner[1:] != owner[:-1], [True]])) if len(owner) else np.zeros(1, int)
    )
    for begin, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        one = division.grids[owner[begin]]
        hectares = shapely.Polygon(division.vertices[one.ring]).area / 1e4
        if one.kind == "village":
            total = round(float(np.clip((end - begin) * rng.uniform(7, 11), 60, 1500)))
        else:
            total = round(float(np.clip(hectares * rng.uniform(160, 240), min(1500.0, 330 * hectares), 4000)))
        shares = np.floor(np.cumsum(room[begin:end]) / room[begin:end].sum() * total + 1e-9)
        people[begin:end] = np.diff(np.concatenate([[0], shares])).astype(np.int64)
        number[begin:end] = np.arange(1, end - begin + 1)
    table = {
        "id": [f"A{k + 1:06d}" for k in range(len(homes))],
        "name": [f"{names[g]}{n}号" for g, n in zip(owner.tolist(), number.tolist(), strict=True)],
        "households": np.maximum(1, np.round(people / PEOPLE_A_HOUSEHOLD)).astype(np.int64),
        "population": people,
        "grid": codes[owner],
    }
    return frame(table, np.asarray(shapely.points(to_degrees(corners[homes].mean(axis=1))), dtype=object))


def _shops(
    plan: Plan, division: Division, codes: npt.NDArray[np.object_], rng: np.random.Generator
) -> gpd.GeoDataFrame:
    """Shops behind the kerb on both sides of the streets, where people live or shop."""
    namer = Namer(rng)
    places: list[Floats] = []
    for street in plan.streets:
        line = shapely.LineString(street.points)
        along = np.arange(20.0, line.length - 20.0, 19.0)
        here = shapely.get_coordinates(shapely.line_interpolate_point(line, along))
        ahead = shapely.get_coordinates(shapely.line_interpolate_point(line, along + 4.0)) - here
        across = np.stack([-ahead[:, 1], ahead[:, 0]], axis=1) / np.linalg.norm(ahead, axis=1)[:, None]
        busy = np.sin(along / 140.0 + rng.uniform(0, 7)) > -0.35
        places += [(here + side * across * (street.width / 2 + 7.0))[busy] for side in (-1.0, 1.0)]
    points = np.concatenate(places)
    points = points[~Water(plan).holds(points)]
    grids = grid_polygons(division, division.vertices.all)
    point, grid = shapely.STRtree(grids).query(shapely.points(points), predicate="within")
    kinds = np.array([one.kind for one in division.grids])[grid]
    centre = np.array([np.hypot(*(plan.centres - place).T).min() for place in points[point]]) / plan.reach
    chance = np.select(
        [kinds == "business district", kinds == "community"], [0.85, np.clip(0.95 - centre, 0.1, 0.7)], 0.0
    )
    kept = rng.random(len(point)) < chance
    point, grid = point[kept], grid[kept]
    order = np.lexsort((points[point][:, 1], points[point][:, 0], codes[grid].astype(str)))
    point, grid = point[order], grid[order]
    table = {
        "id": [f"S{k + 1:05d}" for k in range(len(point))],
        "name": [namer.shop() for _ in point],
        "grid": codes[grid],
    }
    return frame(table, np.asarray(shapely.points(to_degrees(points[point])), dtype=object))
