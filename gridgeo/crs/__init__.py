"""Coordinate reference systems: a metric working CRS through the town, CGCS2000, GCJ-02 and BD-09.

Axes are always x (east, longitude) before y (north, latitude), whatever order an authority gives them. Heights are
dropped. Each distinct vertex is moved once, so that a vertex that two polygons share stays shared to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pyproj
import shapely
from pyproj.enums import TransformDirection
from pyproj.exceptions import CRSError, ProjError

from gridgeo.crs._gcj import (
    bd09_to_gcj02,
    bd09_to_wgs84,
    gcj02_to_bd09,
    gcj02_to_wgs84,
    in_rectangle,
    wgs84_to_bd09,
    wgs84_to_gcj02,
)
from gridgeo.crs._vertices import distinct_vertices, match_vertices
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message

if TYPE_CHECKING:
    from gridgeo.layers import Layer

__all__ = [
    "MapSystem",
    "bd09_to_gcj02",
    "bd09_to_wgs84",
    "convergence",
    "from_map_system",
    "gcj02_to_bd09",
    "gcj02_to_wgs84",
    "looks_like_gcj02",
    "match_vertices",
    "parse_crs",
    "to_crs",
    "wgs84_to_bd09",
    "wgs84_to_gcj02",
    "working_crs",
]

_NO_SUCH_CRS = Message(
    "{text!r} is no coordinate system; give an EPSG code such as EPSG:4490, a WKT or PROJ string, GCJ-02 or BD-09",
    "“{text}”不是坐标系；请写 EPSG 代码（如 EPSG:4490）、WKT 或 PROJ 字符串、GCJ-02 或 BD-09",
)
_NO_CRS = Message(
    'does not say its coordinate system; state it, for example crs = "EPSG:4490"',
    '没有坐标系信息；请注明，例如 crs = "EPSG:4490"',
)
_NOT_FINITE = Message(
    "{count} features can't be brought from {source} to {target}, first {features}; their coordinates don't fit "
    "{source}: state the coordinate system that they are in",
    "{count} 个要素无法从 {source} 转换到 {target}，首先是 {features}；坐标与 {source} 不符，请注明其真实坐标系",
)
_NO_PATH = Message(
    "there is no way from {source} to {target} ({reason}); state another coordinate system",
    "无法从 {source} 转换到 {target}（{reason}）；请注明其他坐标系",
)
_NO_EXTENT = Message(
    "has no coordinates to lay a working coordinate system through; give at least one feature",
    "没有坐标，无法确定工作坐标系；请至少提供一个要素",
)
_BAD_BOUNDS = Message(
    "{bounds} are no bounds in degrees (west, south, east, north); state the coordinate system that they are in",
    "{bounds} 不是以度为单位的范围（西、南、东、北）；请注明其真实坐标系",
)
_LOOKS_SHIFTED = Message(
    "lies about {metres:.0f} m off {town}, just as {system} data does; if so, say crs = '{system}' for the one that is "
    "in {system}",
    "与{town}相差约 {metres:.0f} 米，与 {system} 的偏移一致；若确是如此，请为使用 {system} 的图层注明 crs = '{system}'",
)


class MapSystem(Enum):
    """A Chinese map system without an EPSG code. Its data are brought to CGCS2000 (EPSG:4490) when they are read."""

    GCJ_02 = "GCJ-02"
    BD_09 = "BD-09"

    def to_wgs84(self, longitude: npt.ArrayLike, latitude: npt.ArrayLike) -> tuple[npt.NDArray[np.float64], ...]:
        """Turn degrees of this system into WGS 84 or CGCS2000 degrees (the two are one here)."""
        return (gcj02_to_wgs84 if self is MapSystem.GCJ_02 else bd09_to_wgs84)(longitude, latitude)

    def from_wgs84(self, longitude: npt.ArrayLike, latitude: npt.ArrayLike) -> tuple[npt.NDArray[np.float64], ...]:
        """Turn WGS 84 or CGCS2000 degrees into degrees of this system."""
        return (wgs84_to_gcj02 if self is MapSystem.GCJ_02 else wgs84_to_bd09)(longitude, latitude)


_MAP_SYSTEMS = {
    "GCJ02": MapSystem.GCJ_02,
    "火星坐标": MapSystem.GCJ_02,
    "火星坐标系": MapSystem.GCJ_02,
    "国测局坐标": MapSystem.GCJ_02,
    "国测局坐标系": MapSystem.GCJ_02,
    "BD09": MapSystem.BD_09,
    "BD09LL": MapSystem.BD_09,
    "百度坐标": MapSystem.BD_09,
    "百度坐标系": MapSystem.BD_09,
}

CrsLike: TypeAlias = str | int | pyproj.CRS | MapSystem


def parse_crs(crs: CrsLike) -> pyproj.CRS | MapSystem:
    """Return the coordinate system that ``crs`` stands for.

    Parameters
    ----------
    crs : str, int, pyproj.CRS or MapSystem
        An EPSG code (``"EPSG:4490"``, ``4490``), a WKT or PROJ string, or the name of a Chinese map system: GCJ-02,
        gcj02, 火星坐标, BD-09, bd09, 百度坐标.

    Raises
    ------
    InputError
        When it stands for none.

    Examples
    --------
    >>> parse_crs("gcj02")
    <MapSystem.GCJ_02: 'GCJ-02'>
    >>> parse_crs("epsg:4490").to_epsg()
    4490
    """
    if isinstance(crs, pyproj.CRS | MapSystem):
        return crs
    text = str(crs).strip()
    system = _MAP_SYSTEMS.get(text.upper().replace("-", "").replace("_", "").replace(" ", ""))
    if system is not None:
        return system
    try:
        return pyproj.CRS.from_user_input(int(text) if text.isdecimal() else text)
    except (CRSError, ValueError, OverflowError):
        raise InputError(Problem("", _NO_SUCH_CRS, {"text": text[:80]})) from None


def _proper(crs: CrsLike) -> pyproj.CRS:
    """``crs`` as a system that pyproj knows, without heights."""
    parsed = parse_crs(crs)
    if isinstance(parsed, MapSystem):
        raise InputError(Problem("", _NO_SUCH_CRS, {"text": parsed.value}))
    return parsed.to_2d() if len(parsed.axis_info) > 2 else parsed


def working_crs(what: gpd.GeoDataFrame | Layer | Sequence[float], *, base: pyproj.CRS | None = None) -> pyproj.CRS:
    """Return a coordinate system in metres through the middle of ``what``, in which a town may be measured and drawn.

    A transverse Mercator of scale 1 whose central meridian is the middle rounded to 0.01 degree, with 500 km added to
    x as in the Gauss-Kruger zones. Lengths within 15 km of the meridian are true to 3 ppm; at the border of a zone they
    are off by 250 ppm. The datum is CGCS2000 in China and WGS 84 elsewhere. Within 6 degrees of a pole it is a polar
    stereographic projection, true to scale at the middle's latitude.

    Parameters
    ----------
    what : GeoDataFrame, Layer or four floats
        Features with a CRS, or west, south, east, north in degrees (west > east across the antimeridian).
    base : pyproj.CRS, optional
        Degrees of another datum to build on: from and to it nothing shifts, and no shift has to be looked for.

    Raises
    ------
    InputError
        When there is no CRS, no coordinate, or the bounds are no degrees.

    Examples
    --------
    >>> crs = working_crs((121.44, 31.0, 121.56, 31.1))
    >>> crs.name, crs.geodetic_crs.to_epsg()
    ('gridgeo town 121.50E', 4490)
    """
    west, south, east, north = _bounds_in_degrees(what)
    latitude = round((south + north) / 2, 2)
    longitude = round((west + (east - west if east >= west else east - west + 360) / 2 + 180) % 360 - 180, 2) + 0.0
    name = f"gridgeo town {abs(longitude):.2f}{'E' if longitude >= 0 else 'W'}"
    if abs(latitude) > 84:
        pole = 90 if latitude > 0 else -90
        projection = f"+proj=stere +lat_0={pole} +lat_ts={latitude:.2f} +lon_0={longitude:.2f}"
    else:
        projection = f"+proj=tmerc +lat_0=0 +lon_0={longitude:.2f} +k_0=1 +x_0=500000 +y_0=0"
    description = pyproj.CRS.from_proj4(f"{projection} +datum=WGS84 +units=m +no_defs +type=crs").to_json_dict()
    description["name"] = name
    # PROJ strings can't name CGCS2000
    if base is None:
        base = pyproj.CRS.from_epsg(4490 if _in_china(longitude, latitude) else 4326)
    description["base_crs"] = {key: value for key, value in base.to_json_dict().items() if key != "$schema"}
    return pyproj.CRS.from_json_dict(description)


def _in_china(longitude: float, latitude: float) -> bool:
    """Whether the place lies in the box of CGCS2000's area of use (beyond the border it is WGS 84 to within 0.1 m)."""
    area = pyproj.CRS.from_epsg(4490).area_of_use
    return area is not None and area.west <= longitude <= area.east and area.south <= latitude <= area.north


def _bounds_in_degrees(what: gpd.GeoDataFrame | Layer | Sequence[float]) -> tuple[float, float, float, float]:
    where = ""
    frame = what if isinstance(what, gpd.GeoDataFrame) else getattr(what, "frame", None)
    if frame is not None:
        where = getattr(what, "source", "") if frame is not what else ""
        if frame.crs is None:
            raise InputError(Problem(where, _NO_CRS))
        coordinates = shapely.get_coordinates(frame.geometry.to_numpy())
        coordinates = coordinates[np.isfinite(coordinates).all(axis=1)]
        if not len(coordinates):
            raise InputError(Problem(where, _NO_EXTENT))
        (left, bottom), (right, top) = coordinates.min(axis=0), coordinates.max(axis=0)
        crs = _proper(frame.crs)
        if crs.is_geographic and right - left > 180:
            # both sides of the antimeridian: the gap between them is the other way round
            left, right = coordinates[coordinates[:, 0] > 0, 0].min(), coordinates[coordinates[:, 0] < 0, 0].max()
        if not crs.is_geographic:
            move = _transformer(crs, pyproj.CRS.from_epsg(4326))
            left, bottom, right, top = move.transform_bounds(left, bottom, right, top)
        bounds = (float(left), float(bottom), float(right), float(top))
    else:
        bounds = tuple(float(value) for value in what)  # type: ignore[assignment, union-attr]
    in_range = len(bounds) == 4 and np.isfinite(bounds).all() and -90 <= bounds[1] <= bounds[3] <= 90
    if not in_range or not (-180 <= bounds[0] <= 360 and -180 <= bounds[2] <= 360):
        raise InputError(Problem(where, _BAD_BOUNDS, {"bounds": ", ".join(f"{value:g}" for value in bounds)}))
    return bounds


@lru_cache(maxsize=16)  # looking for the way takes a tenth of a second
def _transformer(source: pyproj.CRS, target: pyproj.CRS) -> pyproj.Transformer:
    try:
        return pyproj.Transformer.from_crs(source, target, always_xy=True)
    except ProjError as error:
        values: dict[str, object] = {"source": source.name, "target": target.name, "reason": str(error)[:120]}
        raise InputError(Problem("", _NO_PATH, values)) from None


def to_crs(frame: gpd.GeoDataFrame, crs: str | pyproj.CRS, *, name: str = "") -> gpd.GeoDataFrame:
    """Return a copy of ``frame`` in another coordinate system, with shared vertices still shared to the last bit.

    Heights are dropped. Attributes, their order and the index stay.

    Parameters
    ----------
    frame : GeoDataFrame
        Must have a CRS.
    crs : str or pyproj.CRS
        Anything but GCJ-02 and BD-09.
    name : str
        What to call the frame in messages: ``"town.gpkg, layer roads"``.

    Raises
    ------
    InputError
        When ``frame`` has no CRS, or features have no finite place in the new one.
    """
    if frame.crs is None:
        raise InputError(Problem(name, _NO_CRS))
    source, target = _proper(frame.crs), _proper(crs)
    if source == target:
        return _with_geometry(frame, shapely.force_2d(frame.geometry.to_numpy()), target)
    mover = _transformer(source, target)
    return _moved(frame, lambda x, y: mover.transform(x, y, errcheck=False), source.name, target, name=name)


def from_map_system(frame: gpd.GeoDataFrame, system: MapSystem, *, name: str = "") -> gpd.GeoDataFrame:
    """Return a copy of ``frame``, whose coordinates are in GCJ-02 or BD-09, in CGCS2000 (EPSG:4490).

    A projected CRS of the frame is taken as the one that the system's degrees were put through: Web Mercator, say.
    Without one, or with a geographic one, the coordinates are the system's degrees themselves.
    """
    if frame.crs is not None and not _proper(frame.crs).is_geographic:
        frame = to_crs(frame, pyproj.CRS.from_epsg(4326), name=name)
    return _moved(frame, system.to_wgs84, system.value, pyproj.CRS.from_epsg(4490), degrees=True, name=name)


def _moved(
    frame: gpd.GeoDataFrame,
    move: Callable[..., tuple[npt.NDArray[np.float64], ...]],
    source: str,
    target: pyproj.CRS,
    *,
    degrees: bool = False,
    name: str = "",
) -> gpd.GeoDataFrame:
    def move_each_once(coordinates: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        distinct, inverse = distinct_vertices(coordinates)
        moved = np.column_stack(move(distinct[:, 0], distinct[:, 1]))
        if degrees:
            moved[(np.abs(distinct[:, 0]) > 360) | (np.abs(distinct[:, 1]) > 90)] = np.inf
        return moved[inverse]

    before = frame.geometry.to_numpy()
    after = shapely.transform(before, move_each_once, include_z=False)
    coordinates, owners = shapely.get_coordinates(after, return_index=True)
    lost = np.unique(owners[~np.isfinite(coordinates).all(axis=1)])
    if len(lost):
        first = ", ".join(str(frame.index[position]) for position in lost[:3])
        values = {"count": len(lost), "features": first, "source": source, "target": target.name}
        raise InputError(Problem(name, _NOT_FINITE, values))
    return _with_geometry(frame, after, target)


def _with_geometry(frame: gpd.GeoDataFrame, geometry: npt.NDArray[np.object_], crs: pyproj.CRS) -> gpd.GeoDataFrame:
    name = frame.geometry.name
    return frame.copy().set_geometry(gpd.GeoSeries(geometry, index=frame.index, crs=crs, name=name))


def convergence(crs: CrsLike, x: float | shapely.Point, y: float | None = None) -> float:
    """Return the convergence of meridians at a place: the degrees by which grid north lies east of true north.

    On a map whose top is grid north, true north points this many degrees to the left of the top.

    Parameters
    ----------
    crs : str or pyproj.CRS
        System of the map.
    x, y : float, or a Point alone
        The place, in ``crs``.

    Examples
    --------
    >>> round(convergence("EPSG:4549", 643280.0, 3436965.0), 3)
    0.774
    """
    if isinstance(x, shapely.Point):
        x, y = x.x, x.y
    if y is None:
        raise ValueError("give x and y, or a Point")
    system = _proper(crs)
    if system.is_geographic:
        return 0.0
    geographic = system.geodetic_crs or pyproj.CRS.from_epsg(4326)
    mover = _transformer(geographic, system)
    longitude, latitude = mover.transform(x, y, direction=TransformDirection.INVERSE)
    step = 1e-3
    low, high = max(latitude - step, -90.0), min(latitude + step, 90.0)
    easts, norths = mover.transform([longitude, longitude], [low, high])
    return float(-np.degrees(np.arctan2(easts[1] - easts[0], norths[1] - norths[0]))) + 0.0


def looks_like_gcj02(layer: Layer, extent: Layer) -> Problem | None:
    """Return a warning when ``layer`` lies off the town just as GCJ-02 or BD-09 data does, or else None.

    The test: at least one vertex in 200 of the layer lies outside the extent by over 20 m, and when the layer is moved
    back by the offset of GCJ-02 or BD-09 (or the extent is), at most a tenth as many still do. Layers that reach far
    beyond the town, or that stay well inside it, give no evidence either way, and no warning.

    Parameters
    ----------
    layer, extent : Layer
        The layer in question, and the town that it should lie in. Both need a CRS.
    """
    return next(iter(those_like_gcj02([layer], extent)), None)


def those_like_gcj02(layers: Iterable[Layer], extent: Layer) -> list[Problem]:
    """Return a warning for each of ``layers`` that `looks_like_gcj02`, in their order."""
    if extent.frame.crs is None or not len(extent.frame):
        return []
    degrees = to_crs(extent.frame, "EPSG:4490")
    west, south, east, north = degrees.total_bounds
    middle = (west + east) / 2, (south + north) / 2
    if not np.isfinite(middle).all() or not in_rectangle(*middle):
        return []
    metres = working_crs(degrees)
    town = shapely.union_all(shapely.make_valid(to_crs(degrees, metres).geometry.to_numpy())).buffer(20.0)
    shapely.prepare(town)
    mover = _transformer(pyproj.CRS.from_epsg(4490), metres)

    def share_outside(longitude: npt.NDArray[np.float64], latitude: npt.NDArray[np.float64]) -> float:
        return 1.0 - float(np.mean(shapely.contains_xy(town, *mover.transform(longitude, latitude))))

    found = []
    for layer in layers:
        if layer.frame.crs is not None and len(layer.frame):
            system = _system_off(to_crs(layer.frame, "EPSG:4490"), share_outside)
            if system is not None:
                found.append(_shifted(layer, extent, system, *middle))
    return found


def _system_off(
    degrees: gpd.GeoDataFrame,
    share_outside: Callable[[npt.NDArray[np.float64], npt.NDArray[np.float64]], float],
) -> MapSystem | None:
    """Return the system by whose offset features lie off the town, or None."""
    vertices = shapely.get_coordinates(degrees.geometry.to_numpy())
    # twenty thousand vertices tell as much as all, and a thousand whether it is worth looking; every n-th is the same
    # ones each time
    vertices = vertices[:: max(1, len(vertices) // 20_000)]
    if not len(vertices):
        return None
    as_it_is = share_outside(*vertices.T)
    if as_it_is < 0.005:
        return None
    few = vertices[:: max(1, len(vertices) // 1000)].T
    if min(_moved_back(few, share_outside).values()) > max(share_outside(*few) / 2, 0.02):
        return None
    moved = _moved_back(vertices.T, share_outside)
    best = min(MapSystem, key=lambda system: moved[system])
    return None if moved[best] > as_it_is / 10 else best


def _moved_back(
    places: npt.NDArray[np.float64],
    share_outside: Callable[[npt.NDArray[np.float64], npt.NDArray[np.float64]], float],
) -> dict[MapSystem, float]:
    """Return what share of places lies outside when they are moved by a system's offset; either way may be the one."""
    return {
        system: min(share_outside(*system.to_wgs84(*places)), share_outside(*system.from_wgs84(*places)))
        for system in MapSystem
    }


def _shifted(layer: Layer, extent: Layer, system: MapSystem, middle_x: float, middle_y: float) -> Problem:
    there_x, there_y = system.from_wgs84(middle_x, middle_y)
    _, _, metres_off = pyproj.Geod(ellps="GRS80").inv(middle_x, middle_y, float(there_x), float(there_y))
    values = {"metres": metres_off, "system": system.value, "town": extent.source or extent.name}
    return Problem(layer.source or layer.name, _LOOKS_SHIFTED, values)
