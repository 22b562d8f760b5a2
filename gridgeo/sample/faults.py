"""Planting faults in a sample town: each known exactly and by itself, so that hits and misses of a check count.

Theory. All faults are made at vertices that lie on the border of two grids (or of one grid and the town's edge) and
whose neighbours along that border do too. Moving such a vertex in one grid only makes one gap or one overlap between
those two grids and touches nothing else. Faults lie on different grids as far as there are enough, and never near
each other.

Limits. Faults against barriers (``off-barrier``, ``crosses-barrier``) are not planted. A grid with an ``invalid-
geometry`` is sound but for a needle of no width, which runs into it and back: a check that sets invalid grids aside
may also report its area.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.sample.borders import Borders, Floats
from gridgeo.sample.town import CRS, GRID_LAYERS, TOWN_CODE, SampleTown, to_degrees, to_metres

_NO_ROOM = Message(
    "no room for {count} faults: after {planted} no place is left for {kind}; plant fewer, or make a larger town",
    "放不下 {count} 处问题：植入 {planted} 处后没有位置再植入 {kind}；请减少数量或生成更大的镇",
)
_UNKNOWN = Message("{kind} is no kind of fault; known are: {known}", "没有 {kind} 这种问题；可用：{known}")

TILING_KINDS = (
    "overlap",
    "gap",
    "uncovered",
    "outside",
    "missing-vertex",
    "overlap-sliver",
    "gap-sliver",
    "overlap-of-three",
    "overlap-nested",
    "duplicate-polygon",
)
"""Kinds that the claim of a tiling reports; planted by default."""
OTHER_KINDS = (
    "near-border",
    "spike",
    "fragment",
    "invalid-geometry",
    "empty-geometry",
    "missing-id",
    "duplicate-id",
)
APART = 60.0
"""Metres between faults, at least."""


@dataclass(frozen=True)
class PlantedFault:
    """One fault that was planted.

    Parameters
    ----------
    code : str
        As checks report it: ``overlap``, ``gap`` ...
    kind : str
        How it was made: ``overlap-sliver``, ``gap`` ...
    layers : tuple of str
        Keys of the layers of the features involved.
    features : tuple of str
        Ids of the grids involved, in the order of the layers and rows: those that overlap, those beside a gap, the one
        that reaches outside; for a missing vertex both neighbours. Empty for ``missing-id``.
    area, width : float
        Square metres, and diameter of the largest circle that fits in, in metres.
    geometry : shapely.Geometry
        In EPSG:4490.
    """

    code: str
    kind: str
    layers: tuple[str, ...]
    features: tuple[str, ...]
    area: float
    width: float
    geometry: shapely.Geometry

    @property
    def layer(self) -> str:
        """Key of the first layer involved."""
        return self.layers[0]

    def record(self) -> dict[str, object]:
        """Return the fault as plain values, for JSON."""
        return {
            "code": self.code,
            "kind": self.kind,
            "layers": list(self.layers),
            "features": list(self.features),
            "area": round(self.area, 6),
            "width": round(self.width, 6),
            "geometry": shapely.geometry.mapping(self.geometry),
        }


def plant_faults(
    town: SampleTown, kinds: Sequence[str] | None = None, count: int = 20, seed: int = 0
) -> tuple[SampleTown, list[PlantedFault]]:
    """Plant faults in the four grid layers of a town.

    Parameters
    ----------
    town : SampleTown
        Not changed.
    kinds : sequence of str, optional
        Of `TILING_KINDS` and `OTHER_KINDS`; planted in turn. `TILING_KINDS` by default.
    count : int
        Faults in all.
    seed : int
        Where they are planted.

    Returns
    -------
    SampleTown
        With the faults.
    list of PlantedFault
        Exactly what was planted, in the order of ``kinds``.

    Raises
    ------
    InputError
        When the town is too small for so many faults, or a kind is unknown.

    Examples
    --------
    >>> from gridgeo.sample import sample_town
    >>> faulty, planted = plant_faults(sample_town(details=False), kinds=["gap"], count=2)
    >>> [fault.code for fault in planted]
    ['gap', 'gap']
    """
    wanted = tuple(kinds) if kinds is not None else TILING_KINDS
    known = (*TILING_KINDS, *OTHER_KINDS)
    if unknown := [kind for kind in wanted if kind not in known]:
        raise InputError([Problem("", _UNKNOWN, {"kind": kind, "known": ", ".join(known)}) for kind in unknown])
    planter = _Planter(town, np.random.default_rng([seed, count, 4711]))
    plan = [wanted[number % len(wanted)] for number in range(count)]
    # kinds that need a whole grid for themselves go first, while there are such
    order = sorted(range(count), key=lambda number: (plan[number] not in planter.whole, number))
    planted: dict[int, PlantedFault] = {}
    for number in order:
        fault = planter.plant(plan[number])
        if fault is None:
            raise InputError(Problem("", _NO_ROOM, {"count": count, "planted": len(planted), "kind": plan[number]}))
        planted[number] = fault
    return planter.town(), [planted[number] for number in range(count)]


class _Planter:
    """The grids of a town while faults are planted in them."""

    whole = frozenset({"duplicate-polygon", "missing-id", "duplicate-id", "invalid-geometry", "fragment",
                       "overlap-nested", "overlap-of-three", "spike"})  # fmt: skip

    def __init__(self, town: SampleTown, rng: np.random.Generator) -> None:
        self._original = town
        self._rng = rng
        grids = town.grids
        self._layer = grids["layer"].to_numpy(object)
        self._row = np.concatenate([np.arange(len(town.layers[key])) for key in GRID_LAYERS])
        self._id: list[str | None] = [str(code) for code in grids["code"]]
        self._polygon: npt.NDArray[np.object_] = grids.geometry.to_numpy().copy()
        self._extent = town.town.geometry.iloc[0]
        shapely.prepare(self._extent)
        self._borders = Borders(self._polygon)
        self._added: dict[str, list[dict[str, object]]] = {key: [] for key in GRID_LAYERS}
        self._touched: set[int] = set()
        self._closed: set[int] = set()
        self._places: dict[tuple[int, int], list[Floats]] = {}
        self._said: set[tuple[str, frozenset[str]]] = set()
        self._new_ids = 0
        self._taken_ids = frozenset(self._id)
        self._candidates: dict[str, npt.NDArray[np.int64]] = {}
        self._makers: dict[str, Callable[[str, int], PlantedFault | None]] = {
            "missing-vertex": self._missing_vertex,
            "overlap-of-three": self._overlap_of_three,
            "spike": self._spike,
            "fragment": self._fragment,
            "invalid-geometry": self._needle,
        }

    # -------------------------------------------------------------------------------------------- planting

    def plant(self, kind: str) -> PlantedFault | None:
        """Plant one fault; None where there is no room."""
        if kind in ("duplicate-polygon", "empty-geometry", "missing-id", "duplicate-id", "overlap-nested"):
            return self._on_whole_grid(kind)
        maker = self._makers.get(kind, self._moved_border)
        candidates = self._candidates_of(kind)
        for strict in (True, False):
            for corner in candidates:
                involved = [int(grid) for grid in self._borders.grids_at(int(corner)) if grid >= 0]
                place = self._borders.metres(int(corner))
                if not self._free(involved, place, strict or kind in self.whole):
                    continue
                fault = maker(kind, int(corner))
                if fault is None or (fault.code, frozenset(fault.features)) in self._said:
                    continue
                self._take(fault, involved, place, kind in self.whole)
                return fault
        return None

    def _candidates_of(self, kind: str) -> npt.NDArray[np.int64]:
        """Corners (numbers of ring vertices) where a kind may be planted, shuffled; in order of preference none."""
        group = {
            "uncovered": "edge",
            "outside": "edge",
            "missing-vertex": "halves",
            "overlap-of-three": "threes",
            "near-border": "long",
            "fragment": "long",
        }.get(kind, "pairs")
        if group not in self._candidates:
            found = getattr(self._borders, group)()
            self._candidates[group] = found[self._rng.permutation(len(found))]
        return self._candidates[group]

    def _free(self, involved: list[int], place: Floats, strict: bool) -> bool:
        if any(grid in self._closed for grid in involved):
            return False
        if strict and any(grid in self._touched for grid in involved):
            return False
        x, y = (int(value // APART) for value in place)
        near = (one for i in (-1, 0, 1) for j in (-1, 0, 1) for one in self._places.get((x + i, y + j), ()))
        return all(float(np.hypot(*(one - place))) > APART for one in near)

    def _take(self, fault: PlantedFault, involved: list[int], place: Floats, whole: bool) -> None:
        self._said.add((fault.code, frozenset(fault.features)))
        self._touched.update(involved)
        if whole:
            self._closed.update(involved)
        x, y = (int(value // APART) for value in place)
        self._places.setdefault((x, y), []).append(place)

    def _fault(self, kind: str, grids: Sequence[int | tuple[str, str]], shape: shapely.Geometry) -> PlantedFault:
        """Describe a fault; ``grids`` are numbers, or key and id of added features."""
        named = [grid if isinstance(grid, tuple) else (str(self._layer[grid]), str(self._id[grid])) for grid in grids]
        order = [grid if isinstance(grid, int) else len(self._polygon) for grid in grids]
        named = [named[k] for k in sorted(range(len(named)), key=lambda k: (GRID_LAYERS.index(named[k][0]), order[k]))]
        measured = shapely.transform(shape, to_metres)
        area = float(shapely.area(measured))
        width = 0.0
        if area > 0:
            accuracy = area / float(shapely.length(measured)) / 50
            width = 2 * float(shapely.length(shapely.maximum_inscribed_circle(measured, tolerance=accuracy)))
        code = "overlap" if kind.startswith("overlap") else "gap" if kind.startswith("gap") else kind
        layers = tuple(dict.fromkeys(key for key, _ in named))
        features = tuple(identifier for _, identifier in named)
        return PlantedFault(code, kind, layers, features, area, width, shape)

    # -------------------------------------------------------------------------------- faults along one border

    def _moved_border(self, kind: str, corner: int) -> PlantedFault | None:
        """Move one vertex (for ``near-border`` a few) of a border in one grid only."""
        mine, other = self._borders.grids_at(corner)
        run = self._borders.run(corner, 5 if kind == "near-border" else 3)
        inward = kind in ("gap", "gap-sliver", "uncovered")
        reach = {
            "near-border": float(self._rng.uniform(0.004, 0.009)),
            "gap-sliver": float(self._rng.uniform(0.06, 0.3)),
            "overlap-sliver": float(self._rng.uniform(0.06, 0.3)),
        }.get(kind, float(self._rng.uniform(6.0, 14.0)))
        moved = run.copy()
        metres = to_metres(run)
        out = _outward(metres[0], metres[-1])
        moved[1:-1] = to_degrees(metres[1:-1] + out * (-reach if inward else reach))
        # the two borders enclose the place; they must not cross
        shape = shapely.Polygon(np.concatenate([run, moved[-2:0:-1]]))
        if not shape.is_valid or shape.area == 0:
            return None
        if kind == "outside":
            if self._extent.intersects(shapely.Point(moved[1])) or shape.intersection(self._extent).area > 1e-15:
                return None
        else:
            victim = mine if inward else other
            if not shapely.covers(self._polygon[victim], shape):
                return None
            if reach > 1 and shapely.distance(shapely.Point(moved[1]), self._polygon[victim].boundary) < 3e-5:
                return None
        changed = _with_run(self._polygon[mine], run, moved[1:-1])
        if changed is None or not changed.is_valid:
            return None
        self._polygon[mine] = changed
        grids = [mine] if kind in ("uncovered", "outside") else [mine, other]
        return self._fault(kind, grids, shape)

    def _missing_vertex(self, kind: str, corner: int) -> PlantedFault | None:
        """Give one grid a vertex exactly on a straight border, which its neighbour doesn't have."""
        mine, other = self._borders.grids_at(corner)
        run = self._borders.run(corner, 3)[1:]
        middle = (run[0] + run[1]) / 2
        changed = _with_run(self._polygon[mine], run, middle[None])
        if changed is None:
            return None
        self._polygon[mine] = changed
        return self._fault(kind, [mine, other], shapely.Point(middle))

    def _overlap_of_three(self, kind: str, corner: int) -> PlantedFault | None:
        """Where three grids meet, let two of them reach into the third by the same triangle."""
        before, tip, after = self._borders.run(corner, 3)
        mine, *others = self._borders.grids_at(corner)
        triangle = shapely.Polygon([before, tip, after])
        if shapely.area(shapely.transform(triangle, to_metres)) < 60 or not self._polygon[mine].covers(triangle):
            return None
        one, other = others
        first = _with_run(self._polygon[one], np.array([tip, before]), after[None])
        second = _with_run(self._polygon[other], np.array([after, tip]), before[None])
        if first is None or second is None or not (first.is_valid and second.is_valid):
            return None
        self._polygon[one], self._polygon[other] = first, second
        return self._fault(kind, sorted([mine, one, other]), triangle)

    def _spike(self, kind: str, corner: int) -> PlantedFault | None:
        """Drive a needle of a grid into its neighbour; both agree on it, so that the tiling stays sound."""
        mine, other = self._borders.grids_at(corner)
        run = self._borders.run(corner, 3)
        metres = to_metres(run)
        along = (metres[2] - metres[1]) / np.linalg.norm(metres[2] - metres[1])
        foot = metres[1] + along * 0.2
        tip = metres[1] + along * 0.1 + _outward(metres[0], metres[2]) * float(self._rng.uniform(18, 30))
        points = to_degrees(np.array([tip, foot]))
        shape = shapely.Polygon(np.concatenate([run[1:2], points]))
        # its foot is as good as on the border, the rest lies in the neighbour
        upper = to_degrees(np.array([metres[1] * 0.9 + tip * 0.1, tip]))
        if not self._polygon[other].covers(shapely.LineString(upper)):
            return None
        grown = _with_run(self._polygon[mine], run[1:], points)
        shrunk = _with_run(self._polygon[other], run[:0:-1], points[::-1])
        if grown is None or shrunk is None or not (grown.is_valid and shrunk.is_valid):
            return None
        self._polygon[mine], self._polygon[other] = grown, shrunk
        return self._fault(kind, [mine], shape)

    def _fragment(self, kind: str, corner: int) -> PlantedFault | None:
        """Give a strip along a grid's border to another grid of the same layer, far away."""
        mine, _ = self._borders.grids_at(corner)
        run = self._borders.run(corner, 5)
        strip = shapely.Polygon(run)
        if not strip.is_valid or shapely.area(shapely.transform(strip, to_metres)) < 25:
            return None
        if not self._polygon[mine].covers(strip):
            return None
        shrunk = _with_run(self._polygon[mine], run, np.empty((0, 2)))
        if shrunk is None or not shrunk.is_valid:
            return None
        same = np.flatnonzero(self._layer == self._layer[mine])
        far = [
            int(grid)
            for grid in same[self._rng.permutation(len(same))][:400]
            if grid not in self._touched and shapely.distance(self._polygon[grid], strip) > 2e-3
        ]
        if not far:
            return None
        self._polygon[mine] = shrunk
        self._polygon[far[0]] = shapely.MultiPolygon([self._polygon[far[0]], shapely.orient_polygons(strip)])
        self._touched.add(far[0])
        self._closed.add(far[0])
        return self._fault(kind, [far[0]], strip)

    def _needle(self, kind: str, corner: int) -> PlantedFault | None:
        """Let a border run into its own grid and back on itself: an invalid ring that covers the same area."""
        mine, _ = self._borders.grids_at(corner)
        run = self._borders.run(corner, 3)
        metres = to_metres(run)
        tip = to_degrees(metres[1:2] - _outward(metres[0], metres[2]) * 12.0)
        needle = shapely.LineString([run[1], tip[0]])
        if not self._polygon[mine].covers(needle):
            return None
        changed = _with_run(self._polygon[mine], run[:2], np.concatenate([run[1:2], tip]))
        if changed is None or changed.is_valid:
            return None
        self._polygon[mine] = changed
        return self._fault(kind, [mine], needle)

    # ------------------------------------------------------------------------------------ faults of whole grids

    def _on_whole_grid(self, kind: str) -> PlantedFault | None:
        number = len(self._original.grids)
        for grid in self._rng.permutation(number).tolist():
            polygon = self._polygon[grid]
            place = to_metres(shapely.get_coordinates(shapely.point_on_surface(polygon)))[0]
            if kind != "empty-geometry" and not self._free([grid], place, True):
                continue
            fault = self._make_whole(kind, grid)
            if fault is not None:
                if kind != "empty-geometry":
                    self._take(fault, [grid], place, True)
                return fault
        return None

    def _make_whole(self, kind: str, grid: int) -> PlantedFault | None:
        key, polygon = str(self._layer[grid]), self._polygon[grid]
        if kind == "duplicate-polygon":
            return self._fault(kind, [grid, self._add(key, polygon, grid)], polygon)
        if kind == "empty-geometry":
            return self._fault(kind, [self._add(key, shapely.Polygon(), grid)], shapely.Polygon())
        if kind == "overlap-nested":
            middle = shapely.get_coordinates(shapely.maximum_inscribed_circle(shapely.transform(polygon, to_metres)))
            radius = 0.3 * float(np.hypot(*(middle[1] - middle[0])))
            turn = np.linspace(0, 2 * np.pi, 9)[:-1]
            ring = middle[0] + np.stack([np.cos(turn), np.sin(turn)], axis=1) * min(radius, 25.0)
            inner = shapely.Polygon(to_degrees(ring))
            if radius < 3 or not polygon.contains_properly(inner):
                return None
            return self._fault(kind, [grid, self._add(key, inner, grid)], inner)
        if kind == "missing-id":
            fault = self._fault(kind, [grid], polygon)
            self._id[grid] = None
            return PlantedFault(kind, kind, fault.layers, (), fault.area, fault.width, polygon)
        same = [int(k) for k in np.flatnonzero(self._layer == key) if k != grid and int(k) not in self._closed]
        if not same:
            return None
        twin = same[int(self._rng.integers(len(same)))]
        self._closed.add(twin)
        self._id[grid] = self._id[twin]
        fault = self._fault(kind, [twin], polygon)
        both = shapely.MultiPolygon([p for k in (grid, twin) for p in shapely.get_parts(self._polygon[k])])
        return PlantedFault(kind, kind, fault.layers, fault.features, 0.0, 0.0, both)

    def _add(self, key: str, polygon: shapely.Polygon, like: int) -> tuple[str, str]:
        """Add a feature to a layer, with the columns of an existing one and a new id."""
        while True:
            self._new_ids += 1
            code = (
                f"{TOWN_CODE}{900 + self._new_ids}"
                if self._new_ids < 100
                else f"{TOWN_CODE}{999_000_000 + self._new_ids}"
            )
            if code not in self._taken_ids:
                break
        row = self._original.layers[key].iloc[int(self._row[like])].to_dict()
        self._added[key].append({**row, "code": code, "name": f"{row['name']}（副本）", "geometry": polygon})
        return key, code

    def town(self) -> SampleTown:
        """Return the town as it is now."""
        changed = {}
        identifiers = np.array(self._id, dtype=object)
        for key in GRID_LAYERS:
            here = self._layer == key
            frame = self._original.layers[key].copy()
            frame["code"] = identifiers[here]
            frame = frame.set_geometry(gpd.GeoSeries(self._polygon[here], index=frame.index, crs=CRS))
            if self._added[key]:
                more = gpd.GeoDataFrame(self._added[key], geometry="geometry", crs=CRS)
                frame = gpd.GeoDataFrame(pd.concat([frame, more[list(frame.columns)]], ignore_index=True), crs=CRS)
            changed[key] = frame
        return self._original.with_layers(**changed)


def _outward(begin: Floats, end: Floats) -> Floats:
    """Return the unit vector to the right of the way from begin to end: out of a grid that lies to the left."""
    along = (end - begin) / np.linalg.norm(end - begin)
    return np.array([along[1], -along[0]])


def _with_run(polygon: shapely.Polygon, run: Floats, inner: Floats) -> shapely.Polygon | None:
    """Exchange what lies between the first and last vertex of a stretch of one of a polygon's rings by other vertices.

    Either direction of the ring is understood; None where the polygon doesn't have the stretch any more.
    """
    if polygon.geom_type != "Polygon":
        return None
    rings = [shapely.get_coordinates(ring)[:-1] for ring in (polygon.exterior, *polygon.interiors)]
    for number, ring in enumerate(rings):
        for stretch, exchange in ((run, inner), (run[::-1], inner[::-1])):
            start = np.flatnonzero((ring == stretch[0]).all(axis=1))
            for place in start.tolist():
                turned = np.roll(ring, -place, axis=0)
                if len(turned) > len(stretch) and np.array_equal(turned[: len(stretch)], stretch):
                    rings[number] = np.concatenate([turned[:1], exchange, turned[len(stretch) - 1 :]])
                    return shapely.Polygon(rings[0], rings[1:])
    return None
