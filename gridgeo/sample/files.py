"""The sample town as a folder: gridgeo.toml, town.gpkg, people, tasks, services, portraits and a README."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from gridgeo._files import write_whole
from gridgeo.language import Message
from gridgeo.layers import write_layer
from gridgeo.progress import track
from gridgeo.sample.making import sample_town
from gridgeo.sample.people import BLOCK_TARGET, PORTRAITS, SECTION_TARGET, SHOP_WEIGHT
from gridgeo.sample.photos import draw_portrait
from gridgeo.sample.town import SampleTown

_WRITING = Message("writing the sample town's layers", "正在写入示例镇图层")
_DRAWING = Message("drawing the sample town's portraits", "正在绘制示例头像")

README = """示例数据 INVENTED DATA

This town does not exist. Its places, people, numbers and codes are invented by gridgeo ({polygons} grids, seed
{seed}); the portraits are drawn, not of people; telephone numbers 021-5550-xxxx are made up.
本镇纯属虚构：地名、人名、数据、代码均由 gridgeo 生成（{polygons} 个网格，种子 {seed}），头像为绘制图形，
电话号码为虚构号码。

gridgeo.toml   the town project: layers, barriers, claims, people     城镇项目文件
town.gpkg      all layers, EPSG:4490 (CGCS2000)                       全部图层
people.csv, tasks.csv, services.csv, photos/                          人员、任务清单、服务项目、头像

gridgeo validate .      gridgeo partition .      gridgeo render . out
"""

_TOML = """# 示例数据：本镇纯属虚构。Invented data: this town does not exist.
# Every key is explained in docs/town-project.md of gridgeo.

[town]
name = "{name}"
code = "{code}"                     # division 310112 + an invented town number
crs = "EPSG:4490"
extent = "town"                        # what the grids must cover
watermark = "示例数据"                  # printed on every product

[layers.town]
file = "town.gpkg"
layer = "town"
id = "code"
name = "name"

[layers.communities]                   # 自然小区
file = "town.gpkg"
layer = "communities"
id = "code"
name = "name"
kind = "residential"

[layers.villages]                      # 村民小组
file = "town.gpkg"
layer = "villages"
id = "code"
name = "name"
kind = "village"

[layers.streets]                       # 街面巡区：the surface of the streets
file = "town.gpkg"
layer = "streets"
id = "code"
name = "name"
kind = "street"

[layers.zones]                         # 厂区、校园、公园、商务区、办公区、公共区域
file = "town.gpkg"
layer = "zones"
id = "code"
name = "name"
kind = "extended"

[layers.water]                         # drawn as background
file = "town.gpkg"
layer = "water"
id = "id"
name = "name"
{background}
[barriers.rivers]
file = "town.gpkg"
layer = "rivers"
id = "id"
name = "name"
rank = "river"

[barriers.creeks]
file = "town.gpkg"
layer = "creeks"
id = "id"
name = "name"
rank = "river"

[barriers.roads]
file = "town.gpkg"
layer = "roads"
id = "id"
name = "name"
rank_column = "class"
ranks = {{ arterial = "main-road", main = "main-road", road = "road", lane = "lane" }}
bridge = "bridge"

[claims.town]                          # the four layers together cover the town: no gap, no overlap
tiling = ["communities", "villages", "streets", "zones"]
within = "town"
tolerance = 0.01                       # metres: narrower faults are warnings
{workload}
[partition]
layers = ["communities", "villages"]   # these are cut into blocks; every other grid is one block
{target}
tolerance = 0.2
seed = 0
output = "blocks.gpkg"

[claims.blocks]                        # the drafted blocks tile their grids
nesting = "blocks"
within = ["communities", "villages", "streets", "zones"]
parent_column = "grid"

{sections}[claims.borders]            # the borders of blocks within their grids run along roads, lanes and rivers
along = "blocks"
scope = "inner"
share = 0.95

[people]
file = "people.csv"
{photos}
[tasks]
file = "tasks.csv"

[services]
file = "services.csv"

[notice]
issuer = "云溪镇城市运行管理中心（示例）"
date = 2026-11-01
version = "1"
supervision_phone = "021-5550-0000"
web = "https://example.org/yunxi"      # where you put OUT/site: QR codes lead to its pages
frontage = "沿街单位和商户负责门前责任区：市容整洁、环境卫生、设施完好、秩序良好"   # on notices of streets
"""

_SECTIONS = """[sections]                             # the streets of the street areas are cut into sections 责任路段
target = {section_target}                           # metres of street for one or two patrollers
output = "sections.gpkg"

[claims.sections]                      # every metre of street is in one section
sections = "sections"
within = "blocks"

[claims.patrols]                       # every section has 1 or 2 patrollers in each shift, every day
staffed = "sections"
least = 1
most = 2

[shifts.day]
name = "日班"
hours = "6:00-18:00"

[shifts.night]
name = "夜班"
hours = "18:00-6:00"

"""

_BACKGROUND = """
[layers.green]
file = "town.gpkg"
layer = "green"
id = "id"

[layers.buildings]
file = "town.gpkg"
layer = "buildings"
id = "id"

[layers.addresses]
file = "town.gpkg"
layer = "addresses"
id = "id"
name = "name"

[layers.workstations]                  # each is drawn as a house
file = "town.gpkg"
layer = "workstations"
id = "id"
name = "name"

[layers.shops]
file = "town.gpkg"
layer = "shops"
id = "id"
name = "name"
"""

_WORKLOAD = """
[workload.population]
layer = "addresses"
column = "population"
weight = 1.0

[workload.business]                    # a shop weighs as much as five residents
layer = "shops"
weight = {shop_weight}
"""


def write_sample(
    folder: str | Path,
    *,
    polygons: int = 60,
    seed: int = 0,
    faults: int | Sequence[str] | None = None,
    details: bool | None = None,
) -> Path:
    """Write the sample town to a folder.

    Parameters
    ----------
    folder : path
        Made if it isn't there. Files of an older sample in it are replaced.
    polygons, seed, details
        As of `sample_town`.
    faults : int, list of str or None
        So many planted faults of the kinds that a tiling claim reports, or one fault of each kind named. What was
        planted is written to ``planted.json``.

    Returns
    -------
    Path
        The town's ``gridgeo.toml``.
    """
    folder = Path(folder)
    town = sample_town(polygons=polygons, seed=seed, details=details)
    if faults:
        town = _with_faults(town, faults, folder, seed)
    _write_layers(town, folder / "town.gpkg")
    for key, table in town.tables.items():
        write_whole(folder / f"{key}.csv", _csv(table))
    detailed = "addresses" in town.layers
    if detailed:
        used = sorted(set(town.tables["people"]["photo"]) - {""})
        for number, photo in enumerate(track(used[:PORTRAITS], _DRAWING), 1):
            write_whole(folder / "photos" / photo, draw_portrait(number, seed=seed))
    write_whole(folder / "README.txt", README.format(polygons=polygons, seed=seed))
    toml = _TOML.format(
        name=town.name,
        code=town.code,
        background=_BACKGROUND if detailed else "",
        workload=_WORKLOAD.format(shop_weight=SHOP_WEIGHT) if detailed else "",
        target=f"target = {BLOCK_TARGET}                          # workload of a block" if detailed else "count = 1",
        photos='photos = "photos"\n' if detailed else "",
        sections=_SECTIONS.format(section_target=SECTION_TARGET) if detailed else "",
    )
    return write_whole(folder / "gridgeo.toml", toml)


def _with_faults(town: SampleTown, faults: int | Sequence[str], folder: Path, seed: int) -> SampleTown:
    from gridgeo.sample.faults import plant_faults

    if isinstance(faults, int):
        town, planted = plant_faults(town, count=faults, seed=seed)
    else:
        town, planted = plant_faults(town, kinds=tuple(faults), count=len(faults), seed=seed)
    records = [fault.record() for fault in planted]
    write_whole(folder / "planted.json", json.dumps(records, ensure_ascii=False, indent=1) + "\n")
    return town


def _write_layers(town: SampleTown, file: Path) -> None:
    """Write all layers into a new file, so that nothing of an older sample stays."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    for key in track(list(town.layers), _WRITING):
        write_layer(town.layers[key], file, layer=key)


def _csv(table: pd.DataFrame) -> str:
    text = io.StringIO()
    table.to_csv(text, index=False, lineterminator="\n")
    # with a byte order mark spreadsheet programs read the Chinese text rightly
    return "\ufeff" + text.getvalue()
