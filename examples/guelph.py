"""A whole real town: Guelph, Ontario (88 km²), from OpenStreetMap layers and the city's border.

    python examples/guelph.py FOLDER [OUT]

FOLDER holds ``guelph.gpkg`` with the layers boundary, roads, waterways, natural and buildings. It has no grids, so the
example first drafts some (ten for the whole town) from its border along main roads and rivers, then cuts these into
blocks of near equal building area along roads, lanes and rivers, proves that the blocks tile the town, and renders
their notices and the map. Data © OpenStreetMap contributors, ODbL-1.0; the border is the City of Guelph's open data.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import geopandas as gpd
import pandas as pd

import gridgeo
from gridgeo.crs import to_crs, working_crs

GRID_AREA = 9e6
"""Square metres of a grid, about."""
BLOCK_CLAIMS = """
[claims.blocks]
nesting = "blocks"
within = ["grids"]
parent_column = "grid"
tolerance = 0.001

[claims.seamless-blocks]
tiling = ["blocks"]
within = "town"
tolerance = 0.001
"""
"""Blocks tile their grids, and the town."""
TOML = f"""\
[town]
name = "Guelph"
crs = "EPSG:4326"
extent = "town"
attribution = "© OpenStreetMap contributors, ODbL-1.0; boundary: City of Guelph"

[layers.town]
file = "guelph.gpkg"
layer = "boundary"
name = "name"

[layers.grids]
file = "guelph.gpkg"
layer = "grids"
id = "code"
name = "name"
kind = "residential"

[layers.buildings]
file = "guelph.gpkg"
layer = "buildings"

[layers.water]
file = "guelph.gpkg"
layer = "natural"
where = "type = 'water'"

[layers.green]
file = "guelph.gpkg"
layer = "natural"
where = "type IN ('park', 'forest')"

[barriers.roads]
file = "guelph.gpkg"
layer = "roads"
name = "name"
rank_column = "type"
bridge = "bridge"
[barriers.roads.ranks]
motorway = "main-road"
trunk = "main-road"
primary = "main-road"
secondary = "main-road"
tertiary = "road"
unclassified = "road"
residential = "lane"
living_street = "lane"
"*" = "none"

[barriers.rivers]
file = "guelph.gpkg"
layer = "waterways"
name = "name"
rank_column = "type"
ranks = {{ river = "river", canal = "river", "*" = "none" }}

# the Speed and the Eramosa as areas: where their lines end, blocks must not reach across either
[barriers.river_areas]
file = "guelph.gpkg"
layer = "natural"
where = "type = 'water' AND name LIKE '%River'"
rank = "river"

[claims.town]
tiling = ["grids"]
within = "town"
tolerance = 0.001
{BLOCK_CLAIMS}
[claims.borders]
along = "blocks"
scope = "inner"
rank = "lane"
share = 0.8

[workload.buildings]
layer = "buildings"
column = "area"

[partition]
layers = ["grids"]
count = 6
tolerance = 0.25
extend_dead_ends = 20.0
output = "blocks.gpkg"

[notice]
issuer = "gridgeo examples"
version = "1"

[[tasks.rows]]
kind = "residential"
group = "环境卫生"
text = "暴露垃圾未及时清理"

[[tasks.rows]]
kind = "residential"
group = "公共秩序"
text = "占用人行道堆物"

[[services.rows]]
text = "居民来访接待"
hours = "周二、周四 9:00-11:00"
"""


MAIN_ROADS = ["motorway", "trunk", "primary", "secondary"]


def grids_along(
    town: gpd.GeoDataFrame, strong: list[gpd.GeoDataFrame], work: gpd.GeoDataFrame | None, count: int
) -> gpd.GeoDataFrame:
    """Return grids for a town that has none, drafted along its main roads and rivers."""
    barriers = gpd.GeoDataFrame(pd.concat([table[["rank", "geometry"]] for table in strong], ignore_index=True))
    grids = gridgeo.delineate_blocks(town, barriers, workload=work, count=count, tolerance=0.25, uncut_by="river")
    return grids[["code", "geometry"]].assign(name=[f"Grid {number}" for number in range(1, len(grids) + 1)])


def write_project(source: Path, folder: Path) -> Path:
    """Write the layers, the grids and the gridgeo.toml of the town; returns the latter's path."""
    names = ("boundary", "roads", "waterways", "natural", "buildings")
    layers = {name: gridgeo.read_layer(source, layer=name).frame for name in names}
    metric = working_crs(layers["boundary"])
    layers["buildings"]["area"] = to_crs(layers["buildings"], metric).area.round(1)
    homes = layers["buildings"].rename(columns={"area": "workload"})[["workload", "geometry"]]
    waters, areas = layers["waterways"], layers["natural"]
    rivers = [waters[waters["type"] == "river"], areas[areas["name"].fillna("").str.endswith("River")]]
    strong = [layers["roads"][layers["roads"]["type"].isin(MAIN_ROADS)].assign(rank="main-road")]
    strong += [table.assign(rank="river") for table in rivers]
    count = max(2, round(float(to_crs(layers["boundary"], metric).area.sum()) / GRID_AREA))
    layers["grids"] = grids_along(layers["boundary"], strong, homes, count)

    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in layers.items():
        gridgeo.write_layer(frame, folder / "guelph.gpkg", layer=name)
    (folder / "gridgeo.toml").write_text(TOML, encoding="utf-8")
    return folder / "gridgeo.toml"


def main(folder: Path, out: Path) -> int:
    """Build, draft, validate and render the town; return 0 if its blocks are proved to tile it."""
    begun = time.monotonic()
    town_file = write_project(folder / "guelph.gpkg", out / "town")
    town = gridgeo.read_town(town_file)
    grids = len(town.layer("grids").frame)
    print(f"{grids} grids drafted, {len(town.barriers.lines):,} barriers read ({time.monotonic() - begun:.0f} s)")

    warnings: list[gridgeo.Problem] = []
    blocks = gridgeo.partition_town(town, warnings=warnings)
    gridgeo.write_layer(blocks, town_file.with_name("blocks.gpkg"), layer="blocks")
    print(f"{len(blocks)} blocks drafted ({time.monotonic() - begun:.0f} s)")

    town = gridgeo.read_town(town_file)
    report = gridgeo.validate_town(town)
    print(report.to_text("en", most=20))
    (out / "report.json").write_text(report.to_json("en"), encoding="utf-8")

    notices = gridgeo.render_notices(town, out, warnings=warnings)
    gridgeo.render_map(town, out / "map.html")
    print(f"{len(notices)} notices and a map in {out} ({time.monotonic() - begun:.0f} s)")
    for line in dict.fromkeys(problem.text("en") for problem in warnings[:10]):
        print(f"warning: {line}")
    return 0 if report.ok else 1


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2] if len(sys.argv) == 3 else "guelph")))
