"""The two pictures of a mend: a window around it, features by letter, what changed hatched, the old border dashed."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pyproj
import shapely

from gridgeo._page import svg_path
from gridgeo.layers import Layer
from gridgeo.repair.plan import Action, Feature

LETTERS = "ABCDEF"
_SIDE = 200.0
"""Units of a picture's side."""
_AROUND = 0.75
"""Half a window's side, in sizes of what changed."""
_NARROW = 25.0
"""Half a window's side at most, in widths of what changed: a long sliver is shown at one place."""
_LEAST = 0.05
"""Metres that half a window's side is at least."""
_AROUND_VERTEX = 5.0
"""Metres that half a window's side is where nothing moves."""
_AROUND_LOOP = 2.0
"""Half a window's side around the place where a ring crosses itself, in sizes of the smallest loop there."""
_WHERE_BELOW = 0.4
"""A window that shows less of the features than this share of their size is shown among them."""
_WHERE = 100.0
"""Units of the side of the picture that shows where a window lies."""
_MOST_VERTICES = 60
"""Vertices are marked where there are no more."""
_LETTER = 20.0
"""Units that two letters stand apart at least."""
_MARGIN = 12.0
"""Units that a letter stands off the side of a picture."""
_SCALE_ROOM = 30.0
"""Units at the bottom of a picture where the scale bar is and no letter."""
_SCALE_BAR = 70.0
"""Units that a scale bar is long at most."""
_TINTS = ("#cfe3f5", "#fbe3c0", "#d7ecd3", "#ead7ee", "#f6d5d5", "#e6e6c8")

SIGNS = ("given", "taken", "was", "missing", "inserted", "place", "barrier", "ground")
"""Signs of the pictures, in the order in which they are explained."""

Geometries = npt.NDArray[np.object_]
Drawn = tuple[Sequence[str], Sequence[str]]
"""Keys of layers that are drawn, and of those on whose borders they stand."""

HATCHES = (
    '<pattern id="given" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<path d="M0 0V6" stroke="#b3261e" stroke-width="2.4"/></pattern>'
    '<pattern id="taken" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)">'
    '<path d="M0 0V6" stroke="#14633b" stroke-width="2.4"/></pattern>'
)

PICTURE_STYLE = """.town{fill:#eceae4;stroke:#8d897f;stroke-width:1;mix-blend-mode:darken}
.leader{stroke:#1b1f24;stroke-width:1.5}
.pin rect{fill:#1b1f24;stroke:#fff;stroke-width:1.5}.pin text{fill:#fff;font:600 15px system-ui,sans-serif;
text-anchor:middle}.pin:hover rect,.pin:focus rect{fill:#1a56c4}
.unmended{fill:#fff;stroke:#8a5a00;stroke-width:3}
.other{fill:#f3f2ee}.border{fill:none;stroke:#3a3f45;stroke-width:1.3}
.was{fill:none;stroke:#b3261e;stroke-width:1.5;stroke-dasharray:5 3}
.region{stroke-width:.5}.given{fill:url(#given);stroke:#b3261e}.taken{fill:url(#taken);stroke:#14633b}
.barrier{fill:none;stroke:#3b78c4;stroke-width:5;stroke-opacity:.45}
.ground{fill:none;stroke:#6a3d9a;stroke-width:3;stroke-opacity:.55;stroke-dasharray:1 5;stroke-linecap:round}
.vertex{fill:none;stroke:#1b1f24;stroke-width:3.6;stroke-linecap:round}
.place{fill:none;stroke:#b3261e;stroke-width:2}
.missing{fill:#fff;fill-opacity:.6;stroke:#b3261e;stroke-width:2}.inserted{fill:#14633b;stroke:#fff;stroke-width:1}
.scale{fill:none;stroke:#fff;stroke-width:5}.scale+.scale{stroke:#1b1f24;stroke-width:1.6}
.metres{font:600 11px system-ui,sans-serif;fill:#1b1f24;stroke:#fff;stroke-width:3;paint-order:stroke}
.here{fill:#b3261e;fill-opacity:.25;stroke:#b3261e;stroke-width:1.5}
.letter{font:700 17px system-ui,sans-serif;text-anchor:middle;dominant-baseline:central;fill:#1b1f24;stroke:#fff;
stroke-width:4;paint-order:stroke}
""" + "".join(
    f".tint{letter}{{fill:{tint}}}.side{letter}{{background:{tint}}}\n"
    for letter, tint in zip(LETTERS, _TINTS, strict=True)
)


@dataclass(frozen=True)
class Picture:
    """What a mend looks like before and after, as the inside of two SVG pictures of 200 by 200 units.

    Parameters
    ----------
    before, after : str
    across : float
        Metres from side to side.
    features : tuple of Feature
        By letter.
    where : str
        Inside of a picture of 100 by 100 units: the features, and the window among them; "" where it shows them whole.
    signs : tuple of str
        What is to be explained, of `SIGNS`.
    """

    before: str
    after: str
    across: float
    features: tuple[Feature, ...]
    where: str
    signs: tuple[str, ...]


class Scene:
    """The layers before and after, in metres, to be drawn in windows.

    Parameters
    ----------
    before, after : mapping of str to Layer
    barriers : GeoDataFrame or None
    crs : pyproj.CRS
        In metres.
    claims : mapping of str to tuple, optional
        For the actions of each claim: keys of the layers that are drawn, and of those on whose borders they stand
        (parents, blocks). By default all layers are drawn, and none stands on others.
    """

    def __init__(
        self,
        before: Mapping[str, Layer],
        after: Mapping[str, Layer],
        barriers: gpd.GeoDataFrame | None,
        crs: pyproj.CRS,
        claims: Mapping[str, Drawn] | None = None,
    ) -> None:
        self._before = _Sheet(before, crs)
        self._after = _Sheet(after, crs)
        self._claims = claims or {}
        self.has_grounds = any(grounds for _, grounds in self._claims.values())
        lines = np.array([], object) if barriers is None else barriers.geometry.to_crs(crs).to_numpy()
        self._barriers = shapely.STRtree(lines)
        self.bounds: tuple[float, float, float, float] = tuple(shapely.total_bounds(self._before.shapes).tolist())

    def drawn(self) -> list[Geometries]:
        """Return the features of each layer as they are afterwards, but those of layers that others stand on."""
        below = {key for _, grounds in self._claims.values() for key in grounds}
        above = {key for layers, _ in self._claims.values() for key in layers} or set(self._after.keys)
        return [self._after.of_layer(key) for key in self._after.keys if key in above and key not in below - above]

    def picture(self, action: Action, regions: Sequence[shapely.Geometry], place: shapely.Geometry) -> Picture:
        """Draw a mend.

        Parameters
        ----------
        action : Action
        regions : sequence of Geometry
            Those of its transfers, in metres.
        place : Point
            Of its fault, in metres.
        """
        layers, grounds = self._claims.get(action.claim, (self._after.keys, ()))
        involved = dict.fromkeys([*action.features, *_hands(action)])
        features = tuple(feature for feature in involved if feature.layer in layers)[: len(LETTERS)]
        window = _window_of(action, regions, place, self._before.loop(features, place))
        inserts = action.mend == "insert"
        cut = [] if inserts else [shapely.intersection(region, window.box) for region in regions]
        marks = [
            window.path(region, "region given" if transfer.taker is None else "region taken")
            for transfer, region in zip(action.transfers[: len(cut)], cut, strict=True)
        ]
        shown = [window.path(line, "barrier") for line in self._barriers.geometries[self._near(window)]]
        if action.mend == "redraw":
            x, y = window.to_picture(shapely.get_coordinates(place))[0]
            marks.append(f'<circle class="place" cx="{x:.1f}" cy="{y:.1f}" r="9"/>')
        old = shapely.difference(self._before.borders(window, features), self._after.borders(window, features))
        dashed = "" if inserts else window.path(old, "was")
        marks += [window.path(line, "ground") for line in self._after.lines(window, grounds)]
        new = self._inserted(window, features, place) if inserts else np.empty((0, 2))
        hatched = shapely.union_all(cut)
        before = self._before.draw(window, features, shown, marks, layers, hatched) + _circles(new, "missing", 6.0)
        after = self._after.draw(window, features, shown, [*marks, dashed], layers, hatched) + _circles(
            new, "inserted", 4.5
        )
        bar = window.scale_bar()
        signs = tuple(sign for sign in SIGNS if re.search(rf'class="(region )?{sign}"', before + after))
        where = self._before.whereabouts(window, features)
        return Picture(before + bar, after + bar, window.across, features, where, signs)

    def _inserted(
        self, window: _Window, features: Iterable[Feature], place: shapely.Geometry
    ) -> npt.NDArray[np.float64]:
        """Return the places in a picture of vertices that features got; that of the fault where none is seen."""
        found = [self._after.vertices(feature) - self._before.vertices(feature) for feature in features]
        places = np.array(sorted(set().union(*found))).reshape(-1, 2)
        within = places[(np.abs(places - window.middle) < window.across / 2).all(axis=1)]
        return window.to_picture(within if len(within) else shapely.get_coordinates(place))

    def _near(self, window: _Window) -> npt.NDArray[np.int64]:
        return np.sort(self._barriers.query(window.box, predicate="intersects"))


class _Sheet:
    """Features of all layers at one time."""

    def __init__(self, layers: Mapping[str, Layer], crs: pyproj.CRS) -> None:
        self.shapes: Geometries = np.concatenate(
            [shapely.force_2d(layer.frame.geometry.to_crs(crs).to_numpy()) for layer in layers.values()]
        )
        self.features = [Feature(key, identifier) for key, layer in layers.items() for identifier in layer.ids.tolist()]
        self.keys = tuple(layers)
        self._layer = np.array([feature.layer for feature in self.features], object)
        self._index = {feature: index for index, feature in enumerate(self.features)}
        self._tree = shapely.STRtree(self.shapes)

    def of_layer(self, key: str) -> Geometries:
        """Return the features of one layer."""
        shapes = self.shapes[self._layer == key]
        there: Geometries = shapes[~shapely.is_missing(shapes)]
        return there

    def lines(self, window: _Window, keys: Iterable[str]) -> list[shapely.Geometry]:
        """Return the borders of some layers within a window."""
        near = self._tree.query(window.box, predicate="intersects")
        mine = near[np.isin(self._layer[near], list(keys))]
        return list(shapely.intersection(shapely.boundary(self.shapes[np.sort(mine)]), window.box))

    def borders(self, window: _Window, features: Iterable[Feature]) -> shapely.Geometry:
        """Return the borders of some features within a window."""
        mine = [self.shapes[self._index[feature]] for feature in features if feature in self._index]
        lines = [shapely.boundary(shape) for shape in mine if shape is not None]
        return shapely.union_all(shapely.intersection(lines, window.box))

    def vertices(self, feature: Feature) -> set[tuple[float, float]]:
        """Return the vertices of a feature; none where it isn't there."""
        index = self._index.get(feature)
        return set() if index is None else {(x, y) for x, y in shapely.get_coordinates(self.shapes[index]).tolist()}

    def loop(self, features: Iterable[Feature], place: shapely.Geometry) -> float:
        """Return the size of the smallest loop that the rings of some features make at a place."""
        mine = [self.shapes[self._index[feature]] for feature in features if feature in self._index]
        lines = [shapely.boundary(shape) for shape in mine if shape is not None and not shape.is_valid]
        loops = shapely.get_parts(shapely.polygonize(shapely.get_parts(shapely.union_all(lines)))) if lines else []
        sizes = [
            max(right - left, top - bottom)
            for (left, bottom, right, top), near in zip(
                shapely.bounds(loops).tolist(), shapely.distance(loops, place).tolist(), strict=True
            )
            if near <= 1e-3
        ]
        return min(sizes, default=0.0)

    def whereabouts(self, window: _Window, features: Iterable[Feature]) -> str:
        """Return a picture of some features as a whole, with a window among them; "" where that shows them all."""
        mine = [self.shapes[self._index[feature]] for feature in features if feature in self._index]
        shapes = np.array([shape for shape in mine if shape is not None], object)
        if not len(shapes):
            return ""
        left, bottom, right, top = shapely.total_bounds(shapes).tolist()
        size = max(right - left, top - bottom)
        if window.across >= _WHERE_BELOW * size:
            return ""
        around = _Window(((left + right) / 2, (bottom + top) / 2), size * 1.1, _WHERE)
        plain = shapely.simplify(shapes, size / _WHERE, preserve_topology=False)
        drawn = "".join(
            around.path(shape, f"tint{letter} whole") for shape, letter in zip(plain, LETTERS, strict=False)
        )
        x, y = around.to_picture(np.array([window.middle]))[0].tolist()
        half = max(window.across / around.across * _WHERE / 2, 4.0)
        here = (
            f'<rect class="here" x="{x - half:.1f}" y="{y - half:.1f}" width="{2 * half:.1f}" height="{2 * half:.1f}"/>'
        )
        return drawn + here

    def draw(
        self,
        window: _Window,
        features: Sequence[Feature],
        under: Sequence[str],
        over: Sequence[str],
        layers: Sequence[str],
        hatched: shapely.Geometry,
    ) -> str:
        """Return the inside of a picture, with the features of some layers; letters stand beside what is hatched."""
        near = np.sort(self._tree.query(window.box))
        near = near[np.isin(self._layer[near], list(layers))].tolist()
        involved = {
            self._index[feature]: letter
            for feature, letter in zip(features, LETTERS, strict=False)
            if feature in self._index and feature.layer in layers
        }
        surfaces, borders, letters, corners = [], [], [], []
        taken: list[tuple[float, float]] = []
        for index in sorted(near, key=lambda index: index in involved):
            shape = self.shapes[index]
            seen = _cut(shape, window.box)
            if seen is None:
                continue
            letter = involved.get(index)
            surfaces.append(window.path(seen, f"tint{letter}" if letter else "other", 'fill-opacity=".75"'))
            line = shapely.intersection(shapely.boundary(shape), window.box)
            borders.append(window.path(line, "border"))
            if letter:
                alone = shapely.difference(shapely.make_valid(seen), _others(self.shapes, index, involved))
                bare = shapely.difference(alone, hatched)
                room = next((one for one in (bare, alone) if shapely.area(one) > 0), seen)
                x, y = window.to_picture(_roomiest(room))[0].tolist()
                x, y = min(max(x, _MARGIN), _SIDE - _MARGIN), min(max(y, _MARGIN), _SIDE - _SCALE_ROOM)
                while any(abs(x - other) < _LETTER and abs(y - line) < _LETTER for other, line in taken):
                    x += _LETTER if x < _SIDE / 2 else -_LETTER
                taken.append((x, y))
                letters.append(f'<text class="letter" x="{x:.1f}" y="{y:.1f}">{letter}</text>')
                corners.append(shapely.get_coordinates(shape))
        places = np.unique(np.concatenate([np.empty((0, 2)), *corners]), axis=0)
        within = places[(np.abs(places - window.middle) < window.across / 2).all(axis=1)]
        if len(within) <= _MOST_VERTICES:
            borders += [f'<path class="vertex" d="M{x:.1f} {y:.1f}h0"/>' for x, y in window.to_picture(within).tolist()]
        return "".join([*surfaces, *under, *over, *borders, *letters])


@dataclass(frozen=True)
class _Window:
    """A square of the ground, and how it is brought into a picture."""

    middle: tuple[float, float]
    across: float
    side: float = _SIDE

    @property
    def box(self) -> shapely.Polygon:
        (x, y), half = self.middle, self.across / 2
        return shapely.box(x - half, y - half, x + half, y + half)

    def to_picture(self, places: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        (x, y), scale = self.middle, self.side / self.across
        return np.column_stack([(places[:, 0] - x) * scale, (y - places[:, 1]) * scale]) + self.side / 2

    def scale_bar(self) -> str:
        """Return a bar of a round length, and that length."""
        most = _SCALE_BAR / self.side * self.across
        power = 10.0 ** math.floor(math.log10(most))
        length = max(step * power for step in (1, 2, 5) if step * power <= most * (1 + 1e-9))
        run = length / self.across * self.side
        named = (
            f"{length:g} m" if length >= 1 else f"{length * 100:g} cm" if length >= 0.01 else f"{length * 1000:g} mm"
        )
        line = f'd="M8 {self.side - 12:g}v5h{run:.1f}v-5"'
        text = f'<text class="metres" x="{run + 13:.1f}" y="{self.side - 7:g}">{named}</text>'
        return f'<path class="scale" {line}/><path class="scale" {line}/>{text}'

    def path(self, shape: shapely.Geometry, sort: str, more: str = "") -> str:
        if shape.is_empty:
            return ""
        cut = shapely.intersection(shape, self.box) if sort == "barrier" else shape
        return f'<path class="{sort}" d="{svg_path(shapely.transform(cut, self.to_picture), 1)}" {more}/>'


def _others(shapes: Geometries, index: int, involved: Iterable[int]) -> shapely.Geometry:
    """Return the place of the other features of a mend."""
    others = [shapes[other] for other in involved if other != index and shapes[other] is not None]
    return shapely.union_all(shapely.make_valid(others)) if others else shapely.Polygon()


def _cut(shape: shapely.Geometry | None, box: shapely.Geometry) -> shapely.Geometry | None:
    """Return what of a feature is seen, broken as it may be; None where nothing is."""
    if shape is None:
        return None
    seen = shapely.intersection(shape if shape.is_valid else shapely.make_valid(shape), box)
    return seen if shapely.area(seen) > 0 else None


def _roomiest(shape: shapely.Geometry) -> npt.NDArray[np.float64]:
    """Return the place in a shape that is farthest from its border."""
    parts = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon" and part.area > 0]
    if not parts:
        parts = [shapely.point_on_surface(shape)]
        return np.asarray(shapely.get_coordinates(parts), np.float64)
    largest = max(parts, key=lambda part: part.area)
    circle = shapely.maximum_inscribed_circle(largest, tolerance=math.sqrt(largest.area) / 50)
    return np.asarray(shapely.get_coordinates(circle), np.float64)[:1]


def _circles(places: npt.NDArray[np.float64], sort: str, radius: float) -> str:
    return "".join(f'<circle class="{sort}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}"/>' for x, y in places.tolist())


def _window_of(action: Action, regions: Sequence[shapely.Geometry], place: shapely.Geometry, loop: float) -> _Window:
    """Return a window that shows all that changed, or of something long and narrow the part around its place."""
    (x, y) = shapely.get_coordinates(place)[0].tolist()
    if action.mend == "redraw" and loop:
        return _Window((x, y), 2 * max(_AROUND_LOOP * loop, _LEAST))
    if not regions or action.mend == "insert":
        return _Window((x, y), 2 * max(_AROUND_VERTEX, 3 * action.moved))
    left, bottom, right, top = shapely.total_bounds(regions).tolist()
    whole = _AROUND * max(right - left, top - bottom)
    narrow = _NARROW * (action.moved or max(right - left, top - bottom))
    if narrow < whole:
        return _Window((x, y), 2 * max(narrow, _LEAST))
    return _Window(((left + right) / 2, (bottom + top) / 2), 2 * max(whole, _LEAST))


def _hands(action: Action) -> list[Feature]:
    sides = [side for transfer in action.transfers for side in (transfer.giver, transfer.taker)]
    return [side for side in sides if side is not None]


def key_swatch(sort: str) -> str:
    """Return a small sample of what a picture's signs look like."""
    if sort in ("given", "taken"):
        sample = f'<rect class="{sort}" x="1" y="1" width="30" height="18"/>'
    elif sort in ("missing", "inserted", "place"):
        sample = f'<path class="border" d="M0 10H32"/><circle class="{sort}" cx="16" cy="10" r="6"/>'
    else:
        sample = f'<path class="{sort}" d="M0 10H32"/>'
    return f'<svg viewBox="0 0 32 20" aria-hidden="true">{sample}</svg>'
