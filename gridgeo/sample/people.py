"""Invented staff, task lists and services of the sample town."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import shapely

from gridgeo.sample.names import Namer
from gridgeo.sample.town import SampleTown

PORTRAITS = 640
"""Different portraits that are drawn at most; in larger towns people share them."""

_HOURS = (
    "周一至周五 9:00-11:00",
    "周一、三、五 14:00-16:30",
    "周二、四 8:30-11:30",
    "周六 9:00-11:30",
    "每天 18:30-20:00",
)

_BASE: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "residential": (
        (
            "环境卫生",
            ("暴露垃圾、小包垃圾未及时清理", "乱张贴、乱涂写小广告", "生活垃圾分类投放不规范", "毁绿种菜、绿地内堆物"),
        ),
        ("公共秩序", ("占用楼道等公共部位堆物", "违法搭建、擅自破坏承重结构", "机动车、非机动车乱停放")),
        ("安全隐患", ("电动自行车飞线充电、进楼入户", "消防通道堵塞、消防设施缺损", "群租及出租房屋安全隐患")),
    ),
    "village": (
        (
            "环境卫生",
            ("村宅周边暴露垃圾、乱堆杂物", "河道漂浮垃圾、岸坡不洁", "露天焚烧秸秆、垃圾", "农药包装物乱丢弃"),
        ),
        ("公共秩序", ("违法用地、违法搭建", "占用村道堆物、经营", "无证无照经营")),
        ("安全隐患", ("出租房屋、“三合一”场所安全隐患", "私拉电线、线路老化", "河边、桥边护栏缺损")),
    ),
    "street": (
        (
            "市容环境",
            ("道路保洁不到位、有积存垃圾", "废物箱满溢、破损", "沿街商铺门前责任区不落实", "违规设置户外广告、店招"),
        ),
        ("街面秩序", ("跨门经营、乱设摊", "机动车违法停放", "共享单车、非机动车乱停放", "占道施工不规范、渣土抛洒")),
        ("设施安全", ("井盖缺损、路面坑洼", "路灯、交通设施损坏", "行道树倾斜、架空线坠落")),
    ),
    "extended": (
        ("环境卫生", ("门前及周边环境不洁", "污水、油烟、噪声扰民")),
        ("经营秩序", ("超范围经营、占道装卸",)),
        ("生产安全", ("消防安全责任不落实", "危险物品存放不规范")),
    ),
}
"""The town's base items: 3 classes and 10 items for residents and villages, 3 and 11 for streets, 3 and 5 for zones."""

_LOCAL = {
    "residential": ("公共秩序", ("文明养犬、及时清理犬便", "高空抛物")),
    "village": ("环境卫生", ("菜园、柴垛摆放不整齐", "家禽散养")),
    "street": ("街面秩序", ("学校门口上下学时段拥堵", "夜间烧烤摊扰民")),
    "extended": ("生产安全", ("叉车、货车进出未避让行人",)),
}

_SERVICES = (
    ("residential", "居住证、社区事务一口受理", "周一至周六 8:30-16:30", "居委会办事大厅"),
    ("residential", "法律咨询与人民调解", "每周三 14:00-16:00", "居委会调解室"),
    ("residential", "为老助餐、居家养老申请", "每天 8:30-16:30", "睦邻点"),
    ("village", "宅基地、村务事项咨询", "周一至周五 8:30-16:30", "村委会"),
    ("village", "农业技术与惠农补贴咨询", "每周二 9:00-11:00", "村民之家"),
    ("village", "家庭医生巡诊", "每周四 9:00-11:00", "村卫生室"),
    ("street", "迷路、走失、纠纷求助", "全天", "街面警务站"),
    ("street", "占道与停车问题反映", "每天 8:00-20:00", "街面警务站"),
    ("extended", "安全生产与消防指导", "周一至周五 9:00-17:00", "企业服务站"),
    ("extended", "营业执照与市场监管咨询", "周一至周五 9:00-17:00", "企业服务站"),
)


def tables(town: SampleTown, rng: np.random.Generator) -> dict[str, pd.DataFrame]:
    """Return the tables ``people``, ``tasks`` and ``services`` with the columns of a town project."""
    return {"people": _people(town, rng), "tasks": _tasks(town), "services": _services()}


SHOP_WEIGHT = 5.0
"""Residents that a shop weighs as much as."""
BLOCK_TARGET = 1500
"""Workload of a block."""
SECTION_TARGET = 800
"""Metres of street of a section."""
_SHIFTS = ("day", "night")
_CREWS = ("周一至周四", "周五至周日")
"""Each shift has two crews, so that nobody works every day."""
CUT_LAYERS = ("communities", "villages")
"""Grids that are cut into blocks; the others are one block each."""


def _people(town: SampleTown, rng: np.random.Generator) -> pd.DataFrame:
    namer = Namer(rng)
    rows: list[tuple[str, ...]] = []
    # a town without details has no staff of its grids: millions of people would serve nobody
    addresses = town.layers.get("addresses")
    residents = {} if addresses is None else addresses.groupby("grid")["population"].sum().to_dict()
    shops = {} if addresses is None else town.layers["shops"].groupby("grid").size().to_dict()

    def add(unit: str, role: str, organisation: str, shift: str = "", days: str = "") -> None:
        phone = f"021-5550-{int(rng.integers(1000, 10000))}"
        hours = "" if shift else _HOURS[int(rng.integers(len(_HOURS)))]
        photo = "" if shift else f"{len(rows) % PORTRAITS + 1:03d}.png"
        rows.append((unit, role, namer.person(), organisation, phone, "", hours, photo, shift, days))

    for role, count, organisation in (
        ("police", 3, "云溪派出所"),
        ("urban-management", 3, "云溪镇城管执法中队"),
        ("market-supervision", 2, "云溪市场监督管理所"),
        ("lawyer", 2, "示例律师事务所"),
    ):
        for _ in range(count):
            add(town.code, role, organisation)
    staffed = (("communities", 2, 3), ("villages", 2, 3), ("streets", 2, 0), ("zones", 1, 0))
    for layer, patrollers, others in staffed if residents else ():
        frame = town.layers[layer]
        offices = frame["committee"] if "committee" in frame else ["云溪镇城市运行管理中心"] * len(frame)
        for unit, organisation in zip(frame["code"], offices, strict=True):
            load = residents.get(unit, 0) + SHOP_WEIGHT * shops.get(unit, 0)
            heads = max(1, round(load / BLOCK_TARGET)) if layer in CUT_LAYERS else 1  # one for each block to come
            for role, count in (("head", heads), ("patroller", patrollers), ("three-heads", others)):
                for _ in range(count):
                    add(unit, role, organisation)
    if residents:
        for unit, sections in _sections(town).items():
            for shift in _SHIFTS:
                for days in _CREWS:
                    for _ in range(sections):
                        add(unit, "patroller", "云溪派出所巡防队", shift, days)
    columns = ["unit", "role", "name", "organisation", "phone", "mobile", "hours", "photo", "shift", "days"]
    return pd.DataFrame(rows, columns=columns)


def _sections(town: SampleTown) -> dict[str, int]:
    """Return for each street grid about one and a half times as many patrollers as it will have sections.

    They are dealt out to the sections that are drafted later: one or two to each.
    """
    roads, streets = town.layers["roads"], town.layers["streets"]
    lines = roads.geometry[roads["class"].isin(["arterial", "main"])].to_crs(roads.estimate_utm_crs())
    areas = streets.to_crs(lines.crs)
    whole = shapely.union_all(lines.to_numpy())
    metres = shapely.length(shapely.intersection(areas.geometry.to_numpy(), whole))
    return {
        str(code): max(1, math.ceil(1.4 * length / SECTION_TARGET))
        for code, length in zip(streets["code"], metres, strict=True)
    }


def _tasks(town: SampleTown) -> pd.DataFrame:
    rows: list[tuple[str, str, str, str, str]] = []
    for kind, groups in _BASE.items():
        rows += [(kind, group, text, "false", "") for group, items in groups for text in items]
        group, items = _LOCAL[kind]
        rows += [(kind, group, text, "true", "") for text in items]
    # two items that single grids chose for themselves
    rows.append(("residential", "安全隐患", "沿河小道夜间照明不足", "true", str(town.communities["code"].iloc[0])))
    rows.append(("village", "安全隐患", "渡口码头老人、儿童临水安全", "true", str(town.villages["code"].iloc[0])))
    return pd.DataFrame(rows, columns=["kind", "group", "text", "local", "unit"])


def _services() -> pd.DataFrame:
    rows = [(text, kind, "", hours, place) for kind, text, hours, place in _SERVICES]
    return pd.DataFrame(rows, columns=["text", "kind", "unit", "hours", "place"])
