"""`Report.update`: the report after an edit equals that of a new validation, and costs what the edit costs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import shapely.affinity

from gridgeo.coverage import Editable, Faces, analyse
from gridgeo.errors import InputError
from gridgeo.layers import read_layer
from gridgeo.town import Allowed
from gridgeo.validate import Report, validate_tiling
from gridgeo.validate import update as module
from gridgeo.validate.faults import Fault

DATA = Path(__file__).parent.parent.parent / "shared" / "data"
SYSTEMS = [
    ("EPSG:32651", 30.0, (500_000.0, 3_400_000.0)),
    ("EPSG:4490", 3e-4, (121.5, 31.0)),
    ("EPSG:2232", 100.0, (3_100_000.0, 1_700_000.0)),  # feet
]

Random = np.random.Generator
Shape = shapely.Geometry | None


def tiling(random: Random, size: int) -> np.ndarray:
    """Make a sound tiling of quadrangles: of squares, irregular, or rounded so that much coincides."""
    x, y = np.meshgrid(np.arange(size + 1.0), np.arange(size + 1.0))
    places = np.stack([x, y], -1)
    kind = random.integers(3)
    if kind:
        places += random.uniform(-0.3, 0.3, places.shape)
    if kind == 2:
        places = np.round(places * 4) / 4
    corners = [places[:-1, :-1], places[:-1, 1:], places[1:, 1:], places[1:, :-1]]
    shapes = shapely.polygons(np.stack(corners, 2).reshape(-1, 4, 2))
    shapes[~shapely.is_valid(shapes)] = None
    return shapes


def edited(random: Random, shape: Shape) -> Shape:
    """Edit a shape in one of many ways: away, moved, a vertex moved by much or by a hair, larger, pierced, broken …"""
    if shape is None or shape.is_empty:
        west, south, wide, high = random.uniform(0.1, 4, 4)
        return shapely.box(west, south, west + wide, south + high)
    places = shapely.get_coordinates(shape)[:-1]
    middle, pick = shape.centroid, random.integers(len(places))
    west, south, wide, high = random.integers(1, 5, 4)
    stretched, nudged = places.copy(), places.copy()
    stretched[pick] += random.uniform(-0.4, 0.4, 2)
    nudged[pick] = np.nextafter(nudged[pick], 9)
    ways: list[Callable[[], Shape]] = [
        lambda: None,
        lambda: shapely.affinity.translate(shape, *random.uniform(-0.5, 0.5, 2)),
        lambda: shapely.Polygon(stretched),
        lambda: shapely.Polygon(nudged),
        lambda: shapely.affinity.scale(shape, *[random.uniform(0.3, 2.5)] * 2),
        lambda: shapely.difference(shape, shapely.buffer(middle, 0.1, quad_segs=1)),
        lambda: shapely.segmentize(shape, 0.4),
        lambda: shapely.box(west, south, west + wide, south + high),
        lambda: shapely.union(shape, shapely.affinity.translate(shape, 2.5, 0)),
        lambda: shapely.Polygon(places[[0, 2, 1, 3]]) if len(places) == 4 else shape,
    ]
    try:
        made = ways[random.integers(len(ways))]()
    except shapely.errors.GEOSException:  # no overlay of a shape that crosses itself
        return shape
    return made if made is None or (made.geom_type in ("Polygon", "MultiPolygon") and not made.is_empty) else shape


# ------------------------------------------------------------------------------------------------------ the kernel


def shown(faces: Faces, which: list[int]) -> list[Any]:
    """Return faces so that they compare but for the last digits of where borders cross."""
    return [
        (
            tuple(faces.covers[k]),
            tuple(faces.borders[k]),
            bool(faces.inside_extent[k]),
            bool(faces.enclosed[k]),
            round(faces.polygon[k].area, 9),
            tuple(np.round(faces.polygon[k].bounds, 9)),
        )
        for k in which
    ]


@pytest.mark.parametrize("seed", range(150))
def test_faces_after_an_edit_are_those_of_a_new_analysis(seed: int) -> None:
    random = np.random.default_rng(seed)
    size = int(random.integers(2, 7))
    shapes = tiling(random, size)
    for k in random.integers(len(shapes), size=5):
        shape = edited(random, shapes[k])
        shapes[k] = shape if shape is None or shape.is_valid else shapes[k]
    extent = shapely.box(*random.uniform(-0.5, 0.5, 2), *random.uniform(size - 0.5, size + 0.5, 2))
    extent = extent if random.random() < 0.5 else None
    index = np.sort(random.choice(len(shapes) + 2, 3, replace=False))
    now = np.concatenate([shapes, [None, None]])
    for k in index:
        shape = edited(random, now[k])
        now[k] = shape if shape is None or shape.is_valid else now[k]
    before, after = analyse(shapes, extent=extent), analyse(now, extent=extent)
    found = Editable(shapes, before, extent=extent).edit(index, now[index])
    boxes = shapely.box(*found.boxes.T)
    far = [k for k, face in enumerate(before.faces().polygon) if not shapely.intersects(boxes, face.envelope).any()]
    got = shown(found.faces, list(range(len(found.faces)))) + shown(before.faces(), far)
    assert sorted(got) == sorted(shown(after.faces(), list(range(len(after.faces())))))
    assert found.residual == len(after.residual)


# ------------------------------------------------------------------------------------------------------ the report


def told(fault: Fault) -> tuple[Any, ...]:
    """Return all that a record says, its numbers to a micrometre."""
    place, sizes = fault.geometry, (fault.area, fault.width, fault.length)
    where = None if place is None else (place.geom_type, *np.round(place.bounds, 6), round(place.area, 6))
    said = (fault.message("en"), fault.message("zh"), fault.action("en"), fault.exception)
    kind = (fault.code, fault.detail, fault.severity, fault.claim, fault.layers, fault.features)
    return (*kind, *said, where, *(None if size is None else round(size, 6) for size in sizes))


def assert_same(updated: Report, new: Report) -> None:
    assert sorted(map(repr, map(told, updated.records))) == sorted(map(repr, map(told, new.records)))
    assert [told(fault)[:6] for fault in updated.records] == [told(fault)[:6] for fault in new.records]
    measures, wanted = updated.claims[0].measures, new.claims[0].measures
    assert list(measures) == list(wanted)
    assert measures == pytest.approx(wanted, rel=1e-9, abs=1e-6)


def replaced(frame: gpd.GeoDataFrame, rows: gpd.GeoDataFrame, gone: list[str]) -> gpd.GeoDataFrame:
    """Return a layer after an edit: rows of known ids in their places, others at the end."""
    kept = frame[~frame["id"].isin([*rows["id"], *gone])]
    old = rows[rows["id"].isin(frame["id"])]
    place = {identifier: k for k, identifier in enumerate(frame["id"])}
    both = pd.concat([kept, old]).sort_values("id", key=lambda ids: ids.map(place))
    return gpd.GeoDataFrame(pd.concat([both, rows[~rows["id"].isin(frame["id"])]], ignore_index=True), crs=frame.crs)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Note of each update whether it looked at the edit alone."""
    looked: list[bool] = []
    examined = module._Again.examined

    def noted(self: module._Again) -> Any:
        found = examined(self)
        looked.append(found is not None)
        return found

    monkeypatch.setattr(module._Again, "examined", noted)
    return looked


def test_updates_equal_new_validations(quick: list[bool]) -> None:
    """Random edits of random faulty layers, in chains, in metres, degrees and feet, with and without an extent."""
    for seed in range(60):
        random = np.random.default_rng(seed)
        size = int(random.integers(5, 9))
        crs, scale, offset = SYSTEMS[seed % 3]

        def placed(shape: Shape, scale: float = scale, offset: tuple[float, float] = offset) -> Shape:
            return None if shape is None else shapely.transform(shape, lambda places: places * scale + offset)

        far = [shapely.box(-9, -9, -8, -8), shapely.box(size + 8, size + 8, size + 9, size + 9)]
        shapes = np.concatenate([tiling(random, size), far])  # two far away keep the extent of the layer
        for k in random.integers(len(shapes) - 2, size=4):
            shapes[k] = edited(random, shapes[k])
        table = {
            "id": [f"f{k}" for k in range(len(shapes))],
            "name": [f"n{k}" if k % 3 else None for k in range(len(shapes))],
        }
        frame = gpd.GeoDataFrame(table, geometry=[placed(shape) for shape in shapes], crs=crs)
        options: dict[str, Any] = {"tolerance": float(random.choice([0.0, 0.01, 2.0]))}
        if random.random() < 0.5:
            around = shapely.box(*random.uniform(-0.4, 0.4, 2), *random.uniform(size - 0.4, size + 0.4, 2))
            options["within"] = gpd.GeoDataFrame(geometry=[placed(around)], crs=crs)
        report = validate_tiling(frame, id_column="id", name_column="name", **options)
        for _ in range(2):
            rows, gone = {}, []
            for k in random.choice(len(shapes) - 2, 2, replace=False):
                identifier = f"f{k}"
                shapes[k] = edited(random, shapes[k])
                if shapes[k] is None and identifier in set(frame["id"]):
                    gone.append(identifier)
                elif shapes[k] is not None:
                    rows[identifier] = placed(shapes[k])
            changed = gpd.GeoDataFrame({"id": list(rows), "name": "x"}, geometry=list(rows.values()), crs=crs)
            frame = replaced(frame, changed, gone)
            report = report.update(changed, removed=gone)
            assert_same(report, validate_tiling(frame, id_column="id", name_column="name", **options))
    assert sum(quick) > 0.3 * len(quick) > 20


def squares(count: int = 6) -> gpd.GeoDataFrame:
    shapes = [shapely.box(x, y, x + 10, y + 10) for y in range(0, 10 * count, 10) for x in range(0, 10 * count, 10)]
    return gpd.GeoDataFrame(geometry=shapes, index=[f"s{k}" for k in range(len(shapes))], crs="EPSG:32651")


def one(identifier: str, shape: shapely.Geometry) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(geometry=[shape], index=[identifier], crs="EPSG:32651")


def test_ids_of_the_index_serve_too(quick: list[bool]) -> None:
    report = validate_tiling(squares())
    wider = report.update(one("s14", shapely.box(20, 20, 31, 30)))
    assert wider.faults["features"].tolist() == [("s14", "s15")]
    assert wider.update(one("s14", shapely.box(20, 20, 30, 30))).ok
    assert report.ok  # what was reported stays
    assert quick == [True, True]


def test_a_gap_between_many_is_one_record_after_it_was_cut_in_two() -> None:
    frame = squares()
    gone = ["s14", "s15", "s16", "s20", "s21", "s22"]
    report = validate_tiling(frame.drop(gone))
    assert len(report.records) == 1
    again = report.update(frame.loc[["s15", "s21"]])
    assert_same(again, validate_tiling(pd.concat([frame.drop(gone), frame.loc[["s15", "s21"]]])))
    assert len(again.records) == 2


def test_several_layers_are_edited_by_name() -> None:
    frame = squares()
    layers = {"west": frame.iloc[:18], "east": frame.iloc[18:]}
    report = validate_tiling(layers)
    grown = one("s14", shapely.box(20, 20, 30, 31))
    updated = report.update({"west": grown})
    assert updated.faults["layers"].tolist() == [("west", "east")]
    assert_same(
        updated,
        validate_tiling({"west": pd.concat([frame.iloc[:14], grown, frame.iloc[15:18]]), "east": layers["east"]}),
    )
    assert report.update(removed={"east": ["s20"]}).counts["error"] == 1


def test_exceptions_stay_in_force() -> None:
    allowed = Allowed("overlap", "agreed upon", features=("s14", "s15"))
    report = validate_tiling(squares(), exceptions=[allowed])
    assert report.faults["code"].tolist() == ["unused-exception"]
    updated = report.update(one("s14", shapely.box(20, 20, 31, 30)))
    assert updated.ok
    assert updated.faults["exception"].tolist() == ["agreed upon"]


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda report: report.update(squares().iloc[:2].to_crs(4326)), "another CRS"),
        (lambda report: report.update({"rivers": squares()}), "no layer rivers"),
        (lambda report: report.update(removed=["s99"]), "no feature s99"),
        (lambda report: report.update(pd.concat([squares().iloc[:1]] * 2)), "s0 is given twice"),
        (lambda report: report.update(removed=["s1"]).update(removed=["s1"]), "no feature s1"),
        (
            lambda report: Report([], report.crs, report.measure_crs, title="mine").update(squares()),
            "mine: this report",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_line(edit: Callable[[Report], Report], said: str) -> None:
    with pytest.raises(InputError, match=said):
        edit(validate_tiling(squares()))


@pytest.mark.parametrize("name", ["Kishangarh", "Bhubaneswar"])
def test_edits_of_real_layers(name: str) -> None:
    files = sorted((DATA / "wards-india-dev").glob(f"*{name.lower()}*")) or sorted(
        (DATA / "wards-india-dev").glob(f"*{name}*")
    )
    if not files:
        pytest.skip(f"no layer of {name} beside the repository")
    layer = read_layer(files[0])
    ids = [f"w{k}" for k in range(len(layer.frame))]
    frame = gpd.GeoDataFrame({"id": ids}, geometry=layer.frame.geometry.to_numpy(), crs=layer.frame.crs)
    report = validate_tiling(frame, id_column="id", tolerance=0.01)
    random = np.random.default_rng(7)
    for k in random.choice(len(frame), 4, replace=False):
        shape = shapely.affinity.translate(frame.geometry.iloc[k], 1e-5, 0)
        changed = gpd.GeoDataFrame({"id": [frame["id"].iloc[k]]}, geometry=[shape], crs=frame.crs)
        frame = replaced(frame, changed, [])
        report = report.update(changed)
        assert_same(report, validate_tiling(frame, id_column="id", tolerance=0.01))
