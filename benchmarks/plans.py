"""Draft, prove and draw the plans of the sample town and of real street networks.

    python benchmarks/plans.py OUT [--towns sample,helsinki,guelph,wuhan] [--data FOLDER]

For each town a project with its gridgeo.toml is written to OUT, its blocks are drafted and validated: they tile their
grids and the town without gap or overlap, their borders within a grid run on barriers, and no river cuts one in two.
Each line tells grids and blocks, how many faults were found, how the inner border runs, totals given and placed, and
seconds. ``OUT/TOWN.html`` is a map of the plan: open it.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import time
from pathlib import Path
from types import ModuleType

import geopandas as gpd
import numpy as np

import gridgeo
from gridgeo._page import document, escape
from gridgeo.partition.pictures import MAP_STYLE, PAGE_STYLE, Sheet, in_metres
from gridgeo.sample.files import write_sample

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"
WUHAN = """\
[town]
name = "Wuhan, 9 x 9 km"
crs = "EPSG:4326"
extent = "town"
attribution = "© OpenStreetMap contributors, ODbL-1.0"
[layers.town]
file = "wuhan.gpkg"
layer = "town"
[layers.grids]
file = "wuhan.gpkg"
layer = "grids"
id = "code"
name = "name"
kind = "residential"
[barriers.roads]
file = "wuhan.gpkg"
layer = "roads"
rank_column = "highway"
no_crossing = ["motorway"]
[barriers.roads.ranks]
motorway = "main-road"
trunk = "main-road"
primary = "main-road"
secondary = "main-road"
tertiary = "road"
unclassified = "lane"
residential = "lane"
living_street = "lane"
"*" = "none"
[workload.streets]
measure = "street-length"
[partition]
layers = ["grids"]
count = 6
tolerance = 0.25
extend_dead_ends = 20.0
output = "blocks.gpkg"
"""
BORDERS = """
[claims.inner-borders]
along = "blocks"
scope = "inner"
rank = "lane"
share = 0.95
[claims.uncut]
along = "blocks"
uncut_by = "river"
tolerance = 40.0  # islets, and slips of the far bank between the river and the town's border
"""


def example(name: str) -> ModuleType:
    """Return one of the examples as a module."""
    path = ROOT / "examples" / name
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def sample(folder: Path, data: Path) -> None:
    """Write the sample town."""
    write_sample(folder)


def helsinki(folder: Path, data: Path) -> None:
    """Write the middle of Helsinki."""
    example("helsinki/build.py").main(folder)


def guelph(folder: Path, data: Path) -> None:
    """Write Guelph, with ten grids drafted along its main roads and rivers."""
    example("guelph.py").write_project(data / "guelph" / "guelph.gpkg", folder)


def wuhan(folder: Path, data: Path) -> None:
    """Write a window of Wuhan, with twelve grids drafted along its main roads."""
    source = data / "wuhan-roads" / "wuhan_clip.gpkg"
    layers = {name: gridgeo.read_layer(source, layer=name).frame for name in ("boundary", "roads")}
    town = example("guelph.py")
    strong = layers["roads"][layers["roads"]["highway"].isin(town.MAIN_ROADS)].assign(rank="main-road")
    grids = town.grids_along(layers["boundary"], [strong], None, 12)
    for name, frame in {"town": layers["boundary"], "roads": layers["roads"], "grids": grids}.items():
        gridgeo.write_layer(frame, folder / "wuhan.gpkg", layer=name)
    (folder / "gridgeo.toml").write_text(WUHAN + town.BLOCK_CLAIMS, encoding="utf-8")


TOWNS = {"sample": sample, "helsinki": helsinki, "guelph": guelph, "wuhan": wuhan}


def picture(town: gridgeo.Town, blocks: gpd.GeoDataFrame, told: str) -> str:
    """Return a page with a map of a plan."""
    shapes = in_metres(blocks, town.working_crs)
    sheet = Sheet.around(shapes)
    grids = np.concatenate([town.to_working(layer).geometry.to_numpy() for layer in town.grids])
    drawn = sheet.map(shapes, blocks["serial"].astype(str).tolist(), label=town.name, outlines=grids)
    body = (
        f"<h1>{escape(town.name)}</h1><p>{escape(told)}</p>{sheet.barriers(town.barriers, shapes)}"
        f"<figure>{drawn}</figure>"
    )
    return document(town.name, body, style=PAGE_STYLE + MAP_STYLE, language="en")


def measured(name: str, out: Path, data: Path) -> bool:
    """Draft, prove and draw one town; return whether no fault was found."""
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    TOWNS[name](folder, data)
    file = folder / "gridgeo.toml"
    text = file.read_text(encoding="utf-8")
    if name == "sample":  # its villages lie among creeks with a bridge at every lane: blocks reach over these
        text += BORDERS.partition("[claims.uncut]")[0]
    else:
        text = text.replace("[partition]\n", '[partition]\nuncut_by = "river"\n') + BORDERS
    file.write_text(text, encoding="utf-8")
    begun = time.process_time()
    warnings: list[gridgeo.Problem] = []
    town = gridgeo.read_town(file)
    blocks = gridgeo.partition_town(town, warnings=warnings)
    seconds = time.process_time() - begun
    gridgeo.write_layer(blocks, folder / "blocks.gpkg", layer="blocks")
    report = gridgeo.validate_town(gridgeo.read_town(file))
    (folder / "report.html").write_text(report.to_html("en"), encoding="utf-8")
    summary = blocks.attrs["summary"]
    ranks = ", ".join(f"{word} {share:.1%}" for word, share in summary["inner_border_by_rank"].items() if share > 0)
    kinds = report.faults["code"].value_counts().sort_index().to_dict() if len(report.faults) else {}
    faults = int((report.faults["severity"] == "error").sum()) if len(report.faults) else 0
    totals = ", ".join(
        f"{key} {told['placed']:,.6g} of {told['given']:,.6g}" for key, told in summary["totals"].items()
    )
    conserved = all(
        abs(blocks[key].sum() - told["placed"]) <= 1e-9 * max(1.0, told["placed"])
        for key, told in summary["totals"].items()
    )
    told = (
        f"{name}: {summary['grids_cut']} grids cut, {len(blocks)} blocks; {faults} faults {kinds or ''}; inner border "
        f"{summary['inner_border'] / 1000:.1f} km ({ranks}); placed {totals or 'area'}, sums "
        f"{'conserved' if conserved else 'LOST'}; {summary['grids_in_balance']} in balance, worst "
        f"{summary['worst_deviation']:.1%}; {seconds:.1f} s CPU"
    )
    print(told, flush=True)
    for line in dict.fromkeys(problem.text("en") for problem in warnings):
        print(f"  {line}", flush=True)
    (out / f"{name}.html").write_text(picture(town, blocks, told), encoding="utf-8")
    return faults == 0 and conserved


def main() -> int:
    """Run the benchmark; the exit status is 1 where a plan has a fault."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--towns", default=",".join(TOWNS))
    parser.add_argument("--data", type=Path, default=DATA)
    options = parser.parse_args()
    good = [measured(name, options.out, options.data) for name in options.towns.split(",")]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
