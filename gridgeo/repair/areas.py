"""Repair of professional grids (多网合一): areas of a service are made of whole blocks again.

Blocks never move. A block that the border of an area runs through goes whole to the area that holds the larger part of
it; one that lies in no area goes to the one with the longest border with it; what of an area is made of no block is
cut off. So the border of an area moves onto borders of blocks, and nothing else of it changes. Regions change hands as
chains (`gridgeo.repair.chains`), so both areas get the same numbers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.coverage import Faces, analyse
from gridgeo.language import Message
from gridgeo.layers import Layer
from gridgeo.repair.chains import Chain, Nodes, assembled
from gridgeo.repair.orders import Orders
from gridgeo.repair.plan import Action, Feature, Left, Rule, Transfer
from gridgeo.validate import Fault, validate_consistency
from gridgeo.validate.regions import FLOAT_NOISE
from gridgeo.validate.subject import Subject, gather, names_of

Geometries = npt.NDArray[np.object_]

_PASSES = 3
_MOST = 0.5
"""Share of an area that may be cut off where it is made of no block."""

_LARGER_PART = Message(
    "{winner} holds the larger part of the block ({share} %).", "{winner}占该责任块的大部分（{share} %）。"
)
_LONGEST = Message("{winner} has the longest border with the block.", "{winner}与该责任块的公共边界最长。")
_CHOSEN = Message("{winner} was chosen.", "按选定归{winner}。")
_NO_BLOCK = Message("No block is there.", "该处没有责任块。")
_REFUSED = Message("a person decided to leave it", "按人工决定保留")
_LOCKED = Message("an area that would have to change is locked", "须变动的专业网格已锁定")
_ALONE = Message("no area is beside the block", "该责任块旁没有专业网格")
_BADLY = Message("an area would be emptied, cut in two or broken by it", "会使某个专业网格变空、断开或形状出错")
_TOO_MUCH = Message(
    "more than half of the area is made of no block; draft blocks there, or correct the area by hand",
    "该专业网格一半以上没有责任块；请先划分责任块，或手工更正",
)


@dataclass
class _Change:
    """What is to become of one block, or of a part of an area without one."""

    action: Action
    gains: list[tuple[int, shapely.Polygon]] = field(default_factory=list)
    losses: list[tuple[int, shapely.Polygon]] = field(default_factory=list)

    @property
    def touched(self) -> set[int]:
        return {area for area, _ in (*self.gains, *self.losses)}


def mend_areas(
    areas: Layer,
    blocks: Mapping[str, Layer],
    faults: Sequence[Fault],
    *,
    meant: Sequence[shapely.Geometry] = (),
    locked: Collection[str | Feature] = (),
    orders: Orders,
) -> tuple[Layer, list[Action], list[Left]]:
    """Make areas of whole blocks.

    Parameters
    ----------
    areas : Layer
    blocks : mapping of str to Layer
        In the CRS of the areas.
    faults : sequence of Fault
        Of `gridgeo.validate.validate_consistency` on these layers.
    meant : sequence of Geometry
        Where nothing is to be done.
    locked : collection of str or Feature
        Layers and areas that don't change.
    orders : Orders
        What a person decided.
    """
    mender = _Areas(areas, blocks, meant, locked, orders)
    actions: list[Action] = []
    for _ in range(_PASSES):
        done = mender.carry_out(mender.decide(faults))
        actions += done
        if not done:
            break
        report = validate_consistency({areas.name: mender.layer()}, blocks)
        faults = [fault for fault in report.records if fault.severity != "info"]
    return mender.layer(), actions, mender.left


class _Areas:
    """The areas of a service and the blocks that they should be made of."""

    def __init__(
        self,
        areas: Layer,
        blocks: Mapping[str, Layer],
        meant: Sequence[shapely.Geometry],
        locked: Collection[str | Feature],
        orders: Orders,
    ) -> None:
        self._given, self._orders = areas, orders
        subject, shapes = gather("areas", {areas.name: areas}, blocks)
        self._subject: Subject = subject
        self._polygons = subject.polygons.copy()
        self._blocks: Geometries = np.concatenate(shapes)
        self._block = [Feature(key, one) for key, layer in blocks.items() for one in layer.ids.tolist()]
        self._block_names = np.concatenate([names_of(layer) for layer in blocks.values()])
        self._tree = shapely.STRtree(self._blocks)
        self._meant = shapely.STRtree(list(meant))
        self._area = [Feature(areas.name, str(one)) for one in subject.id]
        self._locked = {k for k, one in enumerate(self._area) if one in locked or areas.name in locked}
        self._noise = subject.units(FLOAT_NOISE)
        self.left: list[Left] = []
        self._hopeless: set[Feature | bytes] = set()

    def layer(self) -> Layer:
        """Return the areas as they are now."""
        frame = self._given.frame
        shapes = frame.geometry.to_numpy().copy()
        for k, polygon in enumerate(self._polygons):
            if polygon is not self._subject.polygons[k]:
                shapes[k] = polygon
        placed = gpd.GeoSeries(shapes, index=frame.index, crs=frame.crs, name=frame.geometry.name)
        return self._given.with_frame(frame.set_geometry(placed))

    def decide(self, faults: Sequence[Fault]) -> list[_Change]:
        """Return what is to be done about faults."""
        placed = [fault for fault in faults if fault.geometry is not None and fault.kind.stage != "feature"]
        if len(self._meant) and placed:
            inside = shapely.point_on_surface([fault.geometry for fault in placed])
            meant = set(self._meant.query(inside, predicate="intersects")[0].tolist())
            placed = [fault for number, fault in enumerate(placed) if number not in meant]
        if not placed:
            return []
        regions = np.array([fault.geometry for fault in placed], object)
        region, block = self._tree.query(regions, predicate="intersects")
        common = shapely.area(shapely.intersection(regions[region], self._blocks[block]))
        real = common > self._noise * shapely.length(regions[region])
        concerned = sorted(set(block[real].tolist()))
        changes = [change for change in map(self._whole, concerned) if change is not None]
        for number in sorted(set(range(len(placed))) - set(region[real].tolist())):
            change = self._without_block(placed[number])
            if change is not None:
                changes.append(change)
        return changes

    def _whole(self, number: int) -> _Change | None:
        """Give a block to one area, all of it."""
        block, feature = self._blocks[number], self._block[number]
        if feature in self._hopeless:
            return None
        near = np.flatnonzero(shapely.intersects(self._polygons, block)).tolist()
        part = {k: float(shapely.area(shapely.intersection(self._polygons[k], block))) for k in near}
        slight = self._noise * float(shapely.length(block))
        holders = sorted((k for k in near if part[k] > slight), key=lambda k: (-part[k], k))
        rule: Rule = "larger-part"
        if not holders:
            rims = {
                k: float(shapely.length(shapely.intersection(self._polygons[k].boundary, block.boundary))) for k in near
            }
            holders = sorted((k for k in near if rims[k] > 0), key=lambda k: (-rims[k], k))
            rule = "longest-border"
        if not holders:
            return self._leave("not-nested", (feature,), block, _ALONE, feature)
        features = (feature, *(self._area[k] for k in sorted(holders)))
        if set(holders) & self._locked and part[holders[0]] < shapely.area(block) - slight:
            return self._leave("not-nested", features, block, _LOCKED, feature)
        if self._orders.refuse("regroup", features):
            return self._leave("not-nested", features, block, _REFUSED, feature)
        winner = holders[0]
        chosen = self._orders.chosen("regroup", features)
        if chosen is not None and chosen != self._area[winner]:
            winner = next((k for k in holders if self._area[k] == chosen), winner)
            rule = "chosen"
        gained = _faces(analyse([self._polygons[winner]], extent=block).faces(), bare=True)
        gains = [(winner, face) for face in gained]
        losses = [
            (k, face)
            for k in holders
            if k != winner and part[k] > slight
            for face in _faces(analyse([self._polygons[k], block]).faces(), bare=False)
        ]
        if not gains and not losses:
            return None
        share = part[winner] / float(shapely.area(block))
        why = {"larger-part": _LARGER_PART, "longest-border": _LONGEST}.get(rule, _CHOSEN)
        values = {"winner": self._subject.name[winner], "share": f"{100 * share:.0f}"}
        transfers = tuple(self._transfers(winner, gained, losses))
        sizes = self._subject.measure(np.array([transfer.region for transfer in transfers], object))
        action = Action(
            0,
            "not-nested",
            None,
            features,
            shapely.point_on_surface(transfers[0].region),
            "regroup",
            why,
            rule,
            self._area[winner],
            tuple(self._area[k] for k in holders if k != winner),
            transfers,
            moved=float(np.max(sizes.width)),
            values=values,
        )
        return _Change(action, gains, losses)

    def _without_block(self, fault: Fault) -> _Change | None:
        """Cut a part off an area where there is no block."""
        region: shapely.Geometry = fault.geometry
        near = shapely.area(shapely.intersection(self._polygons, region))
        owner = int(np.argmax(np.where(np.isnan(near), 0.0, near)))
        key = shapely.to_wkb(shapely.normalize(region))
        if key in self._hopeless or fault.code != "not-tiled" or region.geom_type != "Polygon":
            return None
        feature = self._area[owner]
        if owner in self._locked:
            return self._leave("not-tiled", (feature,), region, _LOCKED, key)
        if region.area > _MOST * self._polygons[owner].area:
            return self._leave("not-tiled", (feature,), region, _TOO_MUCH, key)
        order = self._orders.about(region, as_planned=True)
        if order is not None and not order.do:
            return self._leave("not-tiled", (feature,), region, _REFUSED, key)
        area, width, _ = self._subject.measure(np.array([region], object)).at(0)
        place = shapely.point_on_surface(region)
        given = (Transfer(region, area, feature, None),)
        action = Action(0, "not-tiled", None, (feature,), place, "cut", _NO_BLOCK, transfers=given, moved=width)
        return _Change(action, [], [(owner, region)])

    def _transfers(
        self, winner: int, gained: list[shapely.Polygon], losses: list[tuple[int, shapely.Polygon]]
    ) -> Iterable[Transfer]:
        """Return who gives what: areas that lap over the winner's give what he has already to nobody."""
        taken: list[shapely.Polygon] = []
        for k, face in losses:
            apart = shapely.area(shapely.intersection(face, self._polygons[winner])) <= self._noise * face.length
            size = self._subject.total_area(np.array([face], object))
            yield Transfer(face, size, self._area[k], self._area[winner] if apart else None)
            taken += [face] if apart else []
        for face in gained:
            rest = shapely.difference(face, shapely.union_all(taken)) if taken else face
            for part in shapely.get_parts(rest):
                if part.geom_type == "Polygon" and part.area > self._noise * part.length:
                    yield Transfer(part, self._subject.total_area(np.array([part], object)), None, self._area[winner])

    def _leave(
        self, code: str, features: tuple[Feature, ...], place: shapely.Geometry, why: Message, key: Feature | bytes
    ) -> _Change | None:
        """Note that nothing is done about a place, and why."""
        self._hopeless.add(key)
        self.left.append(Left(code, None, features, shapely.point_on_surface(place), why))
        return None

    def carry_out(self, changes: list[_Change]) -> list[Action]:
        """Change the areas; what doesn't come out well is left, with all that hangs on it."""
        while changes:
            regions = [region for change in changes for _, region in (*change.gains, *change.losses)]
            nodes = Nodes(shapely.get_coordinates(regions))
            made: dict[int, shapely.Geometry | None] = {}
            for k in sorted({k for change in changes for k in change.touched}):
                chain = Chain()
                chain.add(nodes.edges_of(self._polygons[k]))
                for change in changes:
                    for sign, hands in ((1, change.gains), (-1, change.losses)):
                        for owner, region in hands:
                            if owner == k:
                                chain.add(nodes.edges_of(region), sign)
                edges = chain.edges()
                new = None if edges is None else assembled(edges, self._polygons[k])
                old = self._polygons[k]
                made[k] = None if new is None or _parts(new) > _parts(old) else new
            bad = {k for k, polygon in made.items() if polygon is None}
            if not bad:
                for k, polygon in made.items():
                    self._polygons[k] = polygon
                return [change.action for change in changes]
            for change in changes:
                if change.touched & bad:
                    action = change.action
                    key = (
                        action.features[0]
                        if action.mend == "regroup"
                        else shapely.to_wkb(shapely.normalize(action.transfers[0].region))
                    )
                    self._leave(action.code, action.features, action.place, _BADLY, key)
            changes = [change for change in changes if not change.touched & bad]
        return []


def _faces(faces: Faces, *, bare: bool) -> list[shapely.Polygon]:
    """Return the faces that nothing covers, or those that are covered twice."""
    wanted = faces.multiplicity == 0 if bare else faces.multiplicity > 1
    return list(faces.polygon[np.flatnonzero(wanted)])


def _parts(shape: shapely.Geometry) -> int:
    return int(shapely.get_num_geometries(shape))
