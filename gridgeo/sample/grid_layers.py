"""The town and its four layers of grids, with codes, names and committees."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.sample.arrangement import Arrangement
from gridgeo.sample.cutting import Vertices
from gridgeo.sample.grids import Division
from gridgeo.sample.names import Namer
from gridgeo.sample.plan import Floats
from gridgeo.sample.town import TOWN_CODE, TOWN_NAME, frame, to_degrees


def _reading_order(points: Floats, band: float = 500.0) -> npt.NDArray[np.int64]:
    """Order from north to south in bands, west to east within each."""
    return np.lexsort((points[:, 0], -np.round(points[:, 1] / band)))


def grid_polygons(division: Division, table: Floats) -> npt.NDArray[np.object_]:
    """Polygons of all grids with the coordinates of ``table``."""
    grids = division.grids
    lengths = np.array([len(grid.ring) for grid in grids])
    flat = np.concatenate([np.append(grid.ring, grid.ring[0]) for grid in grids])
    rings = shapely.linearrings(table[flat], indices=np.repeat(np.arange(len(grids)), lengths + 1))
    shapes = np.asarray(shapely.polygons(rings), dtype=object)
    for number, grid in enumerate(grids):
        if grid.holes:
            shapes[number] = shapely.Polygon(table[grid.ring], [table[hole] for hole in grid.holes])
    return shapes


def grid_layers(
    arrangement: Arrangement, division: Division, namer: Namer
) -> tuple[dict[str, gpd.GeoDataFrame], dict[str, npt.NDArray[np.int64]]]:
    """Return the town and its four layers of grids, and for each layer which grid of the division each row is."""
    vertices: Vertices = division.vertices
    shapes = grid_polygons(division, to_degrees(vertices.all))
    middle = np.array([vertices[grid.ring[:: max(1, len(grid.ring) // 8)]].mean(axis=0) for grid in division.grids])
    streets = shapely.transform(arrangement.patrols, to_degrees)
    extent = shapely.transform(arrangement.extent, to_degrees)
    kinds = np.array([grid.kind for grid in division.grids])
    faces = np.array([grid.face for grid in division.grids])
    numbers = {
        "communities": np.flatnonzero(kinds == "community"),
        "villages": np.flatnonzero(kinds == "village"),
        "zones": np.flatnonzero((kinds != "community") & (kinds != "village")),
    }
    numbers = {key: chosen[_reading_order(middle[chosen])] for key, chosen in numbers.items()}
    codes = _codes([len(numbers["communities"]), len(numbers["villages"]), len(streets), len(numbers["zones"])])
    layers = {"town": frame({"code": [TOWN_CODE], "name": [TOWN_NAME]}, np.array([extent], dtype=object))}
    layers["communities"] = _communities(numbers["communities"], faces, codes[0], shapes, namer)
    layers["villages"] = _villages(numbers["villages"], faces, codes[1], shapes, namer)
    order = _reading_order(shapely.get_coordinates(shapely.centroid(arrangement.patrols)))
    names = [f"街面{number + 1}号巡区" for number in range(len(streets))]
    layers["streets"] = frame({"code": codes[2], "name": names, "kind": "street"}, streets[order])
    chosen = numbers["zones"]
    columns = {
        "code": codes[3],
        "name": [namer.zone(str(kinds[k])) for k in chosen],
        "kind": "extended",
        "use": kinds[chosen],
    }
    layers["zones"] = frame(columns, shapes[chosen])
    return layers, numbers


def _codes(counts: list[int]) -> list[list[str]]:
    """Codes of grids: 9 digits of the town and 3 of the grid; with more than 999 grids of a town more digits follow."""
    starts = (1, 201, 401, 501)
    room = (200, 200, 100, 499)
    if all(count <= most for count, most in zip(counts, room, strict=True)):
        return [
            [f"{TOWN_CODE}{start + number:03d}" for number in range(count)]
            for start, count in zip(starts, counts, strict=True)
        ]
    digits = 3 if sum(counts) <= 999 else 6
    total, codes = 0, []
    for count in counts:
        codes.append([f"{TOWN_CODE}{total + number + 1:0{digits}d}" for number in range(count)])
        total += count
    return codes


def _communities(
    chosen: npt.NDArray[np.int64],
    faces: npt.NDArray[np.int64],
    codes: list[str],
    shapes: npt.NDArray[np.object_],
    namer: Namer,
) -> gpd.GeoDataFrame:
    committees: dict[int, str] = {}
    names = [namer.community() for _ in chosen]
    for name, face in zip(names, faces[chosen].tolist(), strict=True):
        committees.setdefault(face, f"{name[:2]}居委会")
    committee = [committees[face] for face in faces[chosen].tolist()]
    return frame({"code": codes, "name": names, "kind": "residential", "committee": committee}, shapes[chosen])


def _villages(
    chosen: npt.NDArray[np.int64],
    faces: npt.NDArray[np.int64],
    codes: list[str],
    shapes: npt.NDArray[np.object_],
    namer: Namer,
) -> gpd.GeoDataFrame:
    village: dict[int, str] = {}
    group: dict[str, int] = {}
    names: list[str] = []
    committee: list[str] = []
    for count, face in enumerate(faces[chosen].tolist()):
        if face not in village:
            # about four faces make a village
            village[face] = namer.village() if count % 3 == 0 or not committee else committee[-1][:-2]
        name = village[face]
        group[name] = group.get(name, 0) + 1
        names.append(f"{name}{group[name]}组")
        committee.append(f"{name}委会")
    return frame({"code": codes, "name": names, "kind": "village", "committee": committee}, shapes[chosen])
