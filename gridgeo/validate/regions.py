"""From what the kernel found to records: which kind of fault a region is, how grave, and in which words.

Every wrongly covered square metre stands in exactly one record. Regions too thin to be drawn (`FLOAT_NOISE`) are not
areas but a border whose two sides don't have the same vertices; they go into one record a border, of kind
``missing-vertex``, with the vertices that lie on it exactly.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.coverage import CoverageAnalysis, Faces, MissingVertices
from gridgeo.language import Message
from gridgeo.validate.faults import Fault, Severity
from gridgeo.validate.measure import Sizes
from gridgeo.validate.subject import Subject
from gridgeo.validate.wording import Area, Width

FLOAT_NOISE = 1e-6
"""Metres. What is no wider comes from the rounding of coordinates."""

HOLE_IS_A_GAP_BELOW = 10.0
"""Metres. Without an extent, a wider hole in the layer may be meant (an enclave, a lake): a warning."""

_SLIVER_WIDTH = 10.0
_SLIVER_QUOTIENT = 0.1
"""A region is a sliver if it is narrower than this and its thickness quotient 4 pi area / border^2 below that."""

_OVERLAP = Message("{names} both cover {area}, up to {width} wide.", "{names}重叠 {area}，最宽 {width}。")
_OVERLAP_SLIVER = Message(
    "{names} overlap along a strip of {area}, at most {width} wide.",
    "{names}沿边界重叠，呈狭条状，面积 {area}，最宽 {width}。",
)
_OVERLAP_OF_MANY = Message(
    "{count} polygons cover the same {area}, up to {width} wide: {names}.",
    "{count} 个多边形重叠 {area}，最宽 {width}：{names}。",
)
_NESTED = Message("{inner} lies wholly inside {outer}: both cover {area}.", "{inner}整个位于{outer}之内：重叠 {area}。")
_GAP = Message(
    "Between {names} there are {area}, up to {width} wide, that nobody covers.",
    "{names}之间有 {area} 无人覆盖，最宽 {width}。",
)
_GAP_SLIVER = Message(
    "{names} don't meet: between them a strip of {area}, at most {width} wide, belongs to nobody.",
    "{names}未接合：其间有狭条无人覆盖，面积 {area}，最宽 {width}。",
)
_HOLE = Message(
    "A hole of {area}, up to {width} wide, is enclosed by {names}: a gap, or an enclave that belongs to others?",
    "{names}围住一处空白，面积 {area}，最宽 {width}：是缝隙，还是不属于本图层的飞地？",
)
_HOLE_MEND = Message(
    "If it is a gap, give the area to a neighbour. Validating within an extent (--within) decides it.",
    "若是缝隙，请划归相邻的一方。指定范围（--within）校验即可判定。",
)
_NEAR_OVERLAP = Message(
    "The borders of {names} differ by at most {width}, overlapping by {area}.",
    "{names}的边界相差不超过 {width}，重叠 {area}。",
)
_NEAR_GAP = Message(
    "The borders of {names} differ by at most {width}, leaving {area} to nobody.",
    "{names}的边界相差不超过 {width}，留下 {area} 无人覆盖。",
)
_UNCOVERED = Message(
    "Beside {names}, {area} of the extent, up to {width} wide, are not covered.",
    "{names}旁有 {area} 的范围未被覆盖，最宽 {width}。",
)
_NOTHING_THERE = Message(
    "{area} of the extent, up to {width} wide, are not covered, and no polygon is near.",
    "范围内有 {area} 未被覆盖，最宽 {width}，旁边没有多边形。",
)
_OUTSIDE = Message(
    "{names} reaches beyond the extent: {area}, up to {width}.", "{names}超出范围 {area}，最宽 {width}。"
)
_AFTER_BROKEN = Message(
    "Mend the polygon of {broken} first, which is not valid: this may be gone then.",
    "请先修复无效的{broken}，之后此处可能自然消失。",
)
_MISSING_VERTEX = Message(
    "The border between {names} doesn't have the same vertices on both sides (on one side only: {count}).",
    "{names}的公共边界两侧节点不一致（只存在于一侧的节点：{count} 个）。",
)


_UNEXPLAINED = Message(
    "The borders of {names} don't fit together, though by less than any overlap, gap or vertex would show.",
    "{names}的边界不吻合，但差异小到无法以重叠、缝隙或节点表示。",
)


def is_sliver(area: float, width: float, length: float) -> bool:
    """Whether a region is a narrow strip rather than an area of some shape."""
    return width < _SLIVER_WIDTH and 4 * np.pi * area < _SLIVER_QUOTIENT * length**2


class Judge:
    """Turns what the kernel found among the features of a subject into records."""

    after_broken = _AFTER_BROKEN
    """What mends a fault that follows from a broken polygon; its field ``broken`` names that."""

    def __init__(self, subject: Subject, claim: str, tolerance: float, *, has_extent: bool = False) -> None:
        self.subject = subject
        self.claim = claim
        self.tolerance = tolerance
        self.has_extent = has_extent
        self.noise = subject.units(FLOAT_NOISE)
        indices = list(subject.scars)
        self._scar_of = np.array(indices, np.int64)
        self._scars = shapely.STRtree([subject.scars[index] for index in indices])

    def severity(self, width: float) -> Severity:
        """Return the severity of a fault of some width under the claim's tolerance."""
        return "warning" if width <= self.tolerance else "error"

    def regions(self, faces: Faces, chosen: npt.NDArray[np.bool_] | None = None) -> tuple[list[Fault], Sizes]:
        """Return a record for each (chosen) region that can be drawn, and the sizes of all regions."""
        sizes = self.subject.measure(faces.polygon)
        thin = sizes.width <= FLOAT_NOISE
        nested = self._nested(faces)
        wanted = np.flatnonzero(~thin if chosen is None else ~thin & chosen).tolist()
        faults = [self._region(faces, number, sizes.at(number), nested) for number in wanted]
        return faults, sizes

    def _region(
        self, faces: Faces, number: int, sizes: tuple[float, float, float], nested: dict[tuple[int, ...], int]
    ) -> Fault:
        area, width, _ = sizes
        place = faces.polygon[number]
        covers, beside = faces.covers[number].tolist(), [k for k in faces.borders[number].tolist() if k >= 0]
        involved = covers or beside
        severity, mend = self.severity(width), None
        sliver = is_sliver(*sizes)
        detail = "sliver" if sliver else "area"
        values: dict[str, object] = {"area": Area(area), "width": Width(width), "count": len(involved)}
        if not covers and not faces.enclosed[number]:
            code, what = "uncovered", _UNCOVERED if beside else _NOTHING_THERE
        elif not covers:
            code, what = "gap", _GAP_SLIVER if sliver else _GAP
            if not self.has_extent and width > HOLE_IS_A_GAP_BELOW:
                what, mend, severity, detail = _HOLE, _HOLE_MEND, "warning", "hole"
        elif len(covers) == 1:
            code, what = "outside", _OUTSIDE
        elif len(covers) > 2:
            code, what, detail = "overlap", _OVERLAP_OF_MANY, "multiple"
        elif tuple(covers) in nested:
            inner = nested[tuple(covers)]
            code, what, detail = "overlap", _NESTED, "nested"
            values["inner"] = self.subject.name_of(inner)
            values["outer"] = self.subject.name_of(covers[0] if inner == covers[1] else covers[1])
        else:
            code, what = "overlap", _OVERLAP_SLIVER if sliver else _OVERLAP
        if sliver and width <= self.tolerance and code in ("overlap", "gap") and len(involved) > 1:
            code, detail, what = "near-border", code, _NEAR_OVERLAP if covers else _NEAR_GAP
        broken = self.broken_by(place, {*covers, *beside})
        if broken:
            severity, mend = "warning", self.after_broken
            values["broken"] = self.subject.called(broken)
        values["names"] = self.subject.called(involved)
        return Fault(
            code,
            severity,
            self.claim,
            self.subject.layers_of(involved),
            self.subject.ids_of(involved),
            what,
            place,
            *sizes,
            values,
            detail,
            mend,
            self.subject.part(involved, place),
            len(covers),
        )

    def broken_by(self, place: shapely.Geometry, involved: Iterable[int]) -> list[int]:
        """Tell which of the features involved had to be mended just there."""
        if not len(self._scar_of):
            return []
        here = self._scar_of[self._scars.query(place, predicate="dwithin", distance=self.noise)]
        return sorted(set(here.tolist()) & set(involved))

    def _nested(self, faces: Faces) -> dict[tuple[int, ...], int]:
        """Find pairs of polygons of which one lies wholly in the other, with the inner one."""
        shared: dict[tuple[int, int], float] = {}
        for covers, area in zip(faces.covers, shapely.area(faces.polygon), strict=True):
            for at, one in enumerate(covers.tolist()):
                for other in covers.tolist()[at + 1 :]:
                    shared[one, other] = shared.get((one, other), 0.0) + float(area)
        nested: dict[tuple[int, ...], int] = {}
        for pair, area in shared.items():
            for one in pair:
                if area >= shapely.area(self.subject.polygons[one]) * (1 - 1e-9):
                    nested[pair] = one
        return nested

    def vertices(
        self,
        missing: MissingVertices,
        faces: Faces,
        sizes: Sizes,
        drawn: Iterable[Fault],
        family: npt.NDArray[np.int64] | None = None,
    ) -> list[Fault]:
        """Return a record for each border that has vertices on one side only: see `borders`."""
        return [fault for _, fault in self.borders(missing, faces, sizes, drawn, family)]

    def borders(
        self,
        missing: MissingVertices,
        faces: Faces,
        sizes: Sizes,
        drawn: Iterable[Fault],
        family: npt.NDArray[np.int64] | None = None,
    ) -> list[tuple[tuple[int, ...], Fault]]:
        """Return a record for each border that has vertices on one side only, with the polygons beside the border.

        A vertex at the rim of a region that has a record, or where a polygon was broken, goes with that record. With
        ``family`` only borders between polygons of one family count.
        """
        sides: dict[tuple[float, float], set[int]] = {}
        for point, holder, lacker in zip(missing.point.tolist(), missing.holder, missing.lacker, strict=True):
            if family is None or family[holder] == family[lacker]:
                sides.setdefault((point[0], point[1]), set()).update((int(holder), int(lacker)))
        areas: dict[tuple[float, float], int] = {}
        for number in np.flatnonzero(sizes.width <= FLOAT_NOISE).tolist():
            beside = [k for k in faces.borders[number].tolist() if k >= 0]
            if -1 in faces.borders[number] and len(faces.covers[number]) < 2:
                continue  # the border of the extent need not have the vertices of the polygons
            involved = faces.covers[number].tolist() or beside
            if family is not None and len(set(family[involved].tolist())) > 1:
                continue
            for point in self._one_sided(faces.polygon[number], involved):
                sides.setdefault(point, set()).update(involved)
                areas.setdefault(point, number)
        if not sides:
            return []
        points = shapely.points(list(sides))
        free = ~self._explained(points, [fault.geometry for fault in drawn])
        borders: dict[tuple[int, ...], list[tuple[float, float]]] = {}
        for point, is_free in zip(sides, free, strict=True):
            if is_free:
                borders.setdefault(tuple(sorted(sides[point])), []).append(point)
        return [
            (indices, self._border(indices, places, sizes, sorted({areas[p] for p in places if p in areas})))
            for indices, places in borders.items()
        ]

    def unexplained(self, analysis: CoverageAnalysis) -> tuple[tuple[int, ...], Fault]:
        """Return a record for borders that the kernel finds at fault without any region or vertex to show for it.

        The last resort: what is no coverage is never called one.
        """
        indices = tuple(analysis.faulty.tolist())
        lines = [line for line in analysis.invalid_edges() if line is not None]
        where = shapely.union_all(lines)
        fault = Fault(
            "missing-vertex",
            "error",
            self.claim,
            self.subject.layers_of(indices),
            self.subject.ids_of(indices),
            _UNEXPLAINED,
            where,
            0.0,
            0.0,
            None,
            {"names": self.subject.called(indices)},
            part=self.subject.part(indices, where),
        )
        return indices, fault

    def _border(
        self, indices: tuple[int, ...], places: list[tuple[float, float]], sizes: Sizes, thin: list[int]
    ) -> Fault:
        where = shapely.MultiPoint(sorted(places)) if len(places) > 1 else shapely.Point(places[0])
        return Fault(
            "missing-vertex",
            "warning" if self.tolerance > 0 else "error",
            self.claim,
            self.subject.layers_of(indices),
            self.subject.ids_of(indices),
            _MISSING_VERTEX,
            where,
            float(sizes.area[thin].sum()),
            float(sizes.width[thin].max(initial=0.0)),
            None,
            {"names": self.subject.called(indices), "count": len(places)},
            part=self.subject.part(indices, where),
        )

    def _one_sided(self, region: shapely.Geometry, involved: list[int]) -> list[tuple[float, float]]:
        """Return the corners of a thin region that only some of the polygons have; any one if there are none."""
        corners = [(x, y) for x, y in shapely.get_coordinates(region)[:-1].tolist()]
        boxed = shapely.box(*region.bounds)
        having = np.zeros(len(corners), np.int64)
        for index in involved:
            near = shapely.get_coordinates(self.subject.polygons[index])
            left, bottom, right, top = boxed.bounds
            x, y = near.T
            inside = (x >= left) & (x <= right) & (y >= bottom) & (y <= top)
            own = set(map(tuple, near[inside].tolist()))
            having += [corner in own for corner in corners]
        odd = [corner for corner, count in zip(corners, having, strict=True) if 0 < count < len(involved)]
        return sorted(set(odd or corners[:1]))

    def _explained(
        self, points: npt.NDArray[np.object_], drawn: list[shapely.Geometry | None]
    ) -> npt.NDArray[np.bool_]:
        """Which points lie at the rim of regions with a record or at a scar."""
        explained = np.zeros(len(points), bool)
        for tree in (shapely.STRtree(shapely.boundary(np.array(drawn, object))), self._scars):
            if len(tree):
                explained[np.unique(tree.query(points, predicate="dwithin", distance=self.noise)[0])] = True
        return explained
