"""Plans made by hand, for tests of what is shown and written of them."""

from __future__ import annotations

import geopandas as gpd
import pyproj
import shapely

from gridgeo.language import Message
from gridgeo.layers import Layer
from gridgeo.repair.plan import Action, Feature, Left, Plan, Transfer
from gridgeo.repair.undo import fingerprint
from gridgeo.validate.wording import Width

CRS = pyproj.CRS("EPSG:32651")
A, B, C = (Feature("grids", name) for name in "abc")


def layer() -> Layer:
    """Three squares in a row: a and b overlap by 10 m, between b and c there is a gap of 5 m."""
    shapes = [shapely.box(0, 0, 100, 100), shapely.box(90, 0, 200, 100), shapely.box(205, 0, 300, 100)]
    moved = [shapely.affinity.translate(shape, 500000, 3400000) for shape in shapes]
    frame = gpd.GeoDataFrame({"code": ["a", "b", "c"], "name": ["甲", "乙", "丙"]}, geometry=moved, crs=CRS)
    return Layer("grids", frame, "code", "name")


def mended() -> Layer:
    """The same squares as `plan` leaves them."""
    shapes = [shapely.box(0, 0, 100, 100), shapely.box(100, 0, 205, 100), shapely.box(205, 0, 300, 100)]
    moved = [shapely.affinity.translate(shape, 500000, 3400000) for shape in shapes]
    return layer().with_frame(layer().frame.set_geometry(moved, crs=CRS))


def _box(left: float, right: float) -> shapely.Polygon:
    return shapely.affinity.translate(shapely.box(left, 0, right, 100), 500000, 3400000)


WHY_CUT = Message("{winner} has the longer border with it, {length}.", "{winner} 与其公共边界更长（{length}）。")
WHY_FILL = Message("Nobody else is there {{really}}.", "没有其他一方{{真的}}。")


def plan() -> Plan:
    """The overlap goes to a, the gap to b; a spike of c is left."""
    overlap, gap = _box(90, 100), _box(200, 205)
    actions = (
        Action(
            1,
            "overlap",
            "sliver",
            (A, B),
            overlap.centroid,
            "cut",
            WHY_CUT,
            "longest-border",
            A,
            (B,),
            (Transfer(overlap, 1000.0, B, None),),
            moved=10.0,
            values={"winner": "甲 (a)", "length": Width(110.0)},
        ),
        Action(
            2,
            "gap",
            "sliver",
            (B, C),
            gap.centroid,
            "fill",
            WHY_FILL,
            "only-one",
            B,
            (C,),
            (Transfer(gap, 500.0, None, B),),
            moved=5.0,
        ),
    )
    left = (Left("spike", None, (C,), gap.centroid, Message("{name} is locked.", "{name} 已锁定。"), {"name": "c"}),)
    return Plan(actions, left, CRS, {"tolerance": 0.0}, {"grids": fingerprint(layer())}, planned=2)
