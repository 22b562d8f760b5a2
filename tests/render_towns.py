"""A small town made by hand for the tests of notices: four kinds of grid, roads, a river, people, lists."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyproj
import shapely

from gridgeo.layers import GridKind, Layer
from gridgeo.network import Barriers
from gridgeo.town import Drafting, Person, Publication, Service, Task, Town

CRS = pyproj.CRS.from_proj4("+proj=tmerc +lat_0=0 +lon_0=121.5 +k=1 +x_0=500000 +ellps=GRS80 +units=m")
EAST, NORTH = 500_000.0, 3_436_000.0
TOWN_CODE = "310112999"

GRIDS: tuple[tuple[str, str, str, GridKind, tuple[float, ...], int], ...] = (
    # id, name, layer, kind, west-south-east-north, blocks side by side
    ("310112999001", "杜行居委会", "communities", "residential", (0, 320, 500, 700), 2),
    ("310112999002", "聚缘居委会", "communities", "residential", (500, 320, 900, 700), 1),
    ("310112999003", "永丰村委会", "villages", "village", (0, 0, 500, 300), 1),
    ("310112999004", "光华产业园", "zones", "extended", (500, 0, 900, 300), 1),
    ("310112999005", "沈杜公路街面网格", "streets", "street", (0, 300, 900, 320), 1),
)
"""South of the street a village and a works, north of it two communities; 杜行 is cut in two by a lane."""


def place(x: float, y: float) -> tuple[float, float]:
    return EAST + x, NORTH + y


def square(west: float, south: float, east: float, north: float) -> shapely.Polygon:
    return shapely.box(*place(west, south), *place(east, north))


def blocks_frame() -> gpd.GeoDataFrame:
    rows = []
    for grid, name, layer, kind, (west, south, east, north), count in GRIDS:
        edges = np.linspace(west, east, count + 1)
        for serial in range(1, count + 1):
            shape = square(edges[serial - 1], south, edges[serial], north)
            block_name = f"{name} 第{serial}责任块" if count > 1 else name
            rows.append((f"{grid}{serial:03d}", block_name, grid, layer, kind, serial, 1.0, shape.area, 1.0, shape))
    columns = ["code", "name", "grid", "grid_layer", "kind", "serial", "workload", "area", "on_barrier", "geometry"]
    return gpd.GeoDataFrame(rows, columns=columns, geometry="geometry", crs=CRS)


def layers() -> dict[str, Layer]:
    town = gpd.GeoDataFrame({"code": [TOWN_CODE], "name": ["示例镇"]}, geometry=[square(0, 0, 900, 700)], crs=CRS)
    found = {"town": Layer("town", town, "code", "name")}
    for key in ("communities", "villages", "zones", "streets"):
        chosen = [grid for grid in GRIDS if grid[2] == key]
        frame = gpd.GeoDataFrame(
            {"code": [grid[0] for grid in chosen], "name": [grid[1] for grid in chosen]},
            geometry=[square(*grid[4]) for grid in chosen],
            crs=CRS,
        )
        found[key] = Layer(key, frame, "code", "name", kind=chosen[0][3])
    houses = [square(x, y, x + 30, y + 12) for x in range(40, 460, 60) for y in range(360, 660, 60) if x != 220]
    found["buildings"] = Layer(
        "buildings", gpd.GeoDataFrame({"id": range(len(houses))}, geometry=houses, crs=CRS), "id"
    )
    return found


def barriers() -> Barriers:
    lines = [
        ("浦星公路", "main-road", [(500, -40), (500, 740)]),
        ("沈杜公路", "road", [(-40, 310), (940, 310)]),
        ("杜行老街", "lane", [(250, 320), (250, 700)]),
        ("永康路", "road", [(-40, 0), (940, 0)]),
        ("", "road", [(-40, 700), (940, 700)]),
        ("友谊河", "river", [(0, -40), (0, 740)]),
    ]
    frame = gpd.GeoDataFrame(
        {
            "rank": [rank for _, rank, _ in lines],
            "name": [name for name, _, _ in lines],
            "layer": "roads",
            "feature": [str(k) for k in range(len(lines))],
            "level": 0,
        },
        geometry=[shapely.LineString([place(*point) for point in points]) for *_, points in lines],
        crs=CRS,
    )
    return Barriers(frame, frame.iloc[:0])


def standard_tasks() -> tuple[Task, ...]:
    kinds: tuple[GridKind, ...] = ("residential", "village", "street", "extended")
    groups = {
        "环境卫生": ("暴露垃圾", "乱涂乱贴", "毁绿占绿"),
        "公共秩序": ("乱设摊", "乱停车"),
        "公共安全": ("违法搭建", "群租"),
    }
    base = [Task(kind, group, text) for kind in kinds for group, texts in groups.items() for text in texts]
    return (*base, Task("residential", "公共安全", "电动车飞线充电", local=True))


def standard_people(photos: Path | None = None) -> tuple[Person, ...]:
    photo = photos / "zhang.jpg" if photos else None
    return (
        Person("310112999001", "head", "张三丰", "杜行居委会", "021-54321001", hours="周二 14:00–16:00", photo=photo),
        Person("310112999001", "head", "李䶮", "杜行居委会", "", "13812345678"),
        Person("310112999002001", "head", "欧阳明月", phone="021-54321002"),
        Person(TOWN_CODE, "patroller", "王建国", "网格化管理中心", "021-54321003"),
        Person(TOWN_CODE, "police", "赵铁军", "示例派出所", "021-54321110"),
        Person("310112999004", "lawyer", "吴文博", "示例律师事务所"),
    )


def make_town(
    *,
    people: Iterable[Person] | None = None,
    tasks: Iterable[Task] | None = None,
    services: Iterable[Service] = (Service("政策咨询", place="居委会一楼", hours="工作日"), Service("矛盾调解")),
    publication: Publication | None = None,
    frame: gpd.GeoDataFrame | None = None,
    barrier: Barriers | None = None,
    name: str = "示例镇",
    watermark: str = "示例数据",
) -> Town:
    known = layers()
    return Town(
        path=Path("gridgeo.toml"),
        name=name,
        code=TOWN_CODE,
        crs=CRS,
        working_crs=CRS,
        extent=known["town"],
        layers=known,
        blocks=Layer("blocks", blocks_frame() if frame is None else frame, "code", "name"),
        barriers=barriers() if barrier is None else barrier,
        claims=(),
        workload=(),
        drafting=Drafting(),
        people=tuple(standard_people() if people is None else people),
        tasks=tuple(standard_tasks() if tasks is None else tasks),
        services=tuple(services),
        publication=publication
        or Publication(
            "示例镇网格化管理中心", dt.date(2026, 11, 1), "1", "021-12345678", web="https://grid.example.cn"
        ),
        watermark=watermark,
        attribution="© 示例底图",
    )
