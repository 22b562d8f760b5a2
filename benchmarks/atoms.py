"""Measure the atoms of real street networks against a plain polygonise, in one run.

    python benchmarks/atoms.py [--towns guelph,wuhan,...] [--data FOLDER] [--extend METRES] [--synthetic N] [--neatnet]

For each town: lines, faces as they come from a plain union and polygonise and how many of them are slivers under
1,000 m2, atoms and how many of these are, dead ends before, extended and left, CPU seconds, peak memory, and whether
`gridgeo.validate_tiling` finds that the atoms tile the area without a fault. With ``--neatnet``, and that package
and momepy installed, neatnet's simplification of the same streets, cut into enclosures by momepy, is measured too.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridgeo.crs import to_crs, working_crs
from gridgeo.network import Barriers, as_barriers
from gridgeo.partition.atom_layer import find_atoms
from gridgeo.partition.atoms import Cleaning
from gridgeo.validate import validate_tiling

DATA = Path(__file__).parents[2] / "shared" / "data"
SLIVER = 1000.0
SECONDS = 30.0
STREETS = {
    "motorway": "main-road",
    "trunk": "main-road",
    "primary": "main-road",
    "secondary": "main-road",
    "tertiary": "road",
    "unclassified": "road",
    "residential": "lane",
    "living_street": "lane",
    "pedestrian": "lane",
}
Area = tuple[gpd.GeoDataFrame, Barriers]


def streets(frame: gpd.GeoDataFrame, column: str) -> gpd.GeoDataFrame:
    """Return streets with their rank, a slip road ranked as what it leads to."""
    kinds = frame[column].astype(str).str.removesuffix("_link")
    kept = frame[kinds.isin(list(STREETS))].copy()
    kept["rank"] = kinds[kept.index].map(STREETS)
    kept["walkable"] = kinds[kept.index] != "motorway"
    bridge = kept["bridge"].astype(str).isin(["1", "yes", "T", "viaduct"]) if "bridge" in kept else False
    level = pd.to_numeric(kept["layer"], errors="coerce").fillna(0).astype(int) if "layer" in kept else 0
    kept["level"] = np.where((np.asarray(level) == 0) & bridge, 1, level)
    if "name" not in kept:
        kept["name"] = ""
    return kept[["rank", "name", "level", "walkable", "geometry"]]


def rivers(frame: gpd.GeoDataFrame, column: str, kinds: tuple[str, ...]) -> gpd.GeoDataFrame:
    """Return waters as barriers."""
    kept = frame[frame[column].isin(kinds)]
    return kept.assign(rank="river", level=0, walkable=True)[["rank", "name", "level", "walkable", "geometry"]]


def made(area: gpd.GeoDataFrame, *tables: gpd.GeoDataFrame) -> Area:
    """Return an area and its barriers in metres."""
    crs = working_crs(area)
    barriers = gpd.GeoDataFrame(pd.concat([table.to_crs(area.crs) for table in tables], ignore_index=True))
    barriers = barriers[~(barriers.geometry.isna() | barriers.geometry.is_empty)]
    return to_crs(area, crs), as_barriers(to_crs(barriers, crs))


def window(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the rectangle of the streets as an area."""
    return gpd.GeoDataFrame(geometry=[shapely.box(*frame.total_bounds)], crs=frame.crs)


def guelph(data: Path) -> Area:
    """Return Guelph: the city, with its rivers."""
    file = data / "guelph" / "guelph.gpkg"
    read = {name: gpd.read_file(file, layer=name) for name in ("boundary", "roads", "waterways", "natural")}
    water = read["natural"][read["natural"]["name"].fillna("").str.endswith("River")]
    return made(
        read["boundary"],
        streets(read["roads"], "type"),
        rivers(read["waterways"], "type", ("river", "canal")),
        rivers(water, "type", ("water",)),
    )


def wuhan(data: Path) -> Area:
    """Return Wuhan: a window of 9 x 9 km."""
    file = data / "wuhan-roads" / "wuhan_clip.gpkg"
    return made(gpd.read_file(file, layer="boundary"), streets(gpd.read_file(file, layer="roads"), "highway"))


def hanoi(data: Path) -> Area:
    """Return Cau Giay in Hanoi, service lanes included."""
    file = data / "hanoi-cau-giay" / "hanoi.gpkg"
    roads, waterways = gpd.read_file(file, layer="roads"), gpd.read_file(file, layer="waterways")
    service = roads[roads["type"] == "service"].assign(type="residential")
    return made(
        window(roads),
        streets(pd.concat([roads[roads["type"] != "service"], service]), "type"),
        rivers(waterways, "type", ("river", "canal")),
    )


def liechtenstein(data: Path) -> Area:
    """Return Liechtenstein: eleven municipalities, seven of them in several parts."""
    file = data / "liechtenstein" / "liechtenstein.gpkg"
    read = {name: gpd.read_file(file, layer=name) for name in ("municipalities", "roads", "waterways")}
    return made(
        read["municipalities"], streets(read["roads"], "highway"), rivers(read["waterways"], "waterway", ("river",))
    )


def shanghai(data: Path) -> Area:
    """Return the middle of Shanghai, under elevated roads."""
    roads = gpd.read_file(data / "shanghai-downtown" / "roads.geojson")
    return made(window(roads), streets(roads, "highway"))


TOWNS: dict[str, Callable[[Path], Area]] = {
    "guelph": guelph,
    "wuhan": wuhan,
    "hanoi": hanoi,
    "liechtenstein": liechtenstein,
    "shanghai": shanghai,
}


def synthetic(atoms: int, seed: int = 0) -> Area:
    """Return a town of about that many blocks between bent lanes, with a dead end in every tenth."""
    random = np.random.default_rng(seed)
    cells = round(np.sqrt(atoms))
    place = np.stack(np.meshgrid(np.arange(cells + 1.0), np.arange(cells + 1.0)), axis=-1) * 60
    place += random.uniform(-12, 12, place.shape)
    rank = np.array(["main-road" if line % 10 == 0 else "lane" for line in range(cells + 1)])
    lines = [*place, *place.transpose(1, 0, 2)]
    middle = place[:-1, :-1].reshape(-1, 2)[::10]
    lines += [np.stack([spot, spot + np.array([22.0, 26.0])]) for spot in middle]
    ranks = [*rank, *rank, *["lane"] * len(middle)]
    table = gpd.GeoDataFrame({"rank": ranks}, geometry=[shapely.LineString(line) for line in lines])
    outline = np.concatenate([place[0], place[1:, -1], place[-1, -2::-1], place[-2:0:-1, 0]])
    crs = "EPSG:32651"
    return gpd.GeoDataFrame(geometry=[shapely.Polygon(outline)], crs=crs), as_barriers(table.set_crs(crs))


def plain(area: gpd.GeoDataFrame, barriers: Barriers) -> np.ndarray:
    """Return the faces of a plain union and polygonise, clipped to the area."""
    outline = area.boundary.to_numpy()
    everything = np.concatenate([barriers.lines.geometry.to_numpy(), outline])
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(shapely.union_all(everything))))
    whole = shapely.union_all(area.geometry.to_numpy())
    shapely.prepare(whole)
    return np.asarray(faces[shapely.contains(whole, shapely.point_on_surface(faces))])


def measured(call: Callable[[], object]) -> tuple[object, float]:
    """Return what a call gives, and its CPU seconds."""
    begun = time.process_time()
    result = call()
    return result, time.process_time() - begun


def report(name: str, town: Area, extend: float) -> Iterator[str]:
    """Yield what was measured of one town."""
    area, barriers = town
    naive, plain_seconds = measured(lambda: plain(area, barriers))
    atoms, seconds = measured(lambda: find_atoms(area, barriers, cleaning=Cleaning(extend_dead_ends=extend)))
    assert isinstance(atoms, gpd.GeoDataFrame)
    assert isinstance(naive, np.ndarray)
    told = atoms.attrs["summary"]
    verdict = validate_tiling({"atoms": atoms.assign(id=range(len(atoms)))}, within=area)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    size = shapely.area(naive)
    yield (
        f"{name}: {len(barriers.lines):,} lines, {area.area.sum() / 1e6:.1f} km2; "
        f"plain {len(naive):,} faces in {plain_seconds:.1f} s, {int((size < SLIVER).sum()):,} under 1,000 m2"
    )
    yield (
        f"  {len(atoms):,} atoms in {seconds:.1f} s CPU, {int((atoms['area'] < SLIVER).sum())} under 1,000 m2 "
        f"({told['slivers_left']} without a neighbour); peak memory so far {memory:.0f} MiB"
    )
    yield (
        f"  {told['strips_joined']} strips, {told['slivers_merged'] - told['strips_joined']} slivers merged, "
        f"{told['slivers_merged_over_river']} over a river; {told['dead_ends']:,} dead ends, "
        f"{told['dead_ends_extended']} extended by at most {extend:g} m, "
        f"{told['dead_ends'] - told['dead_ends_extended']:,} left"
    )
    yield (
        f"  tile the area: {'yes' if verdict.ok else 'NO'} (remarks: {len(verdict.faults)}); "
        f"within {SECONDS:g} s: {'yes' if seconds <= SECONDS else 'NO'}"
    )


def with_neatnet(town: Area) -> str:
    """Return what neatnet and momepy make of the same streets."""
    import momepy  # type: ignore[import-not-found]
    import neatnet  # type: ignore[import-not-found]

    area, barriers = town
    lines = barriers.lines[["geometry"]]
    streets = lines[(barriers.lines["level"] == 0).to_numpy() & lines.intersects(area.union_all()).to_numpy()]
    simple, seconds = measured(lambda: neatnet.neatify(streets.reset_index(drop=True)))
    assert isinstance(simple, gpd.GeoDataFrame)
    outline = gpd.GeoSeries([area.union_all()], crs=area.crs)
    faces, cut = measured(lambda: momepy.enclosures(simple.geometry, limit=outline, clip=True))
    assert isinstance(faces, gpd.GeoDataFrame)
    small = int((faces.area < SLIVER).sum())
    valid = bool(shapely.coverage_is_valid(faces.geometry.to_numpy()))
    return (
        f"  neatnet {neatnet.__version__}: {len(faces):,} faces in {seconds + cut:.1f} s CPU, {small} under 1,000 m2, "
        f"{'one coverage' if valid else 'no coverage'}"
    )


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--towns", default=",".join(TOWNS))
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--extend", type=float, default=20.0)
    parser.add_argument("--synthetic", type=int, default=18_000)
    parser.add_argument("--neatnet", action="store_true")
    options = parser.parse_args()
    for name in filter(None, options.towns.split(",")):
        town = TOWNS[name](options.data)
        for line in report(name, town, options.extend):
            print(line, flush=True)
        if options.neatnet:
            print(with_neatnet(town), flush=True)
    if options.synthetic:
        for line in report(f"synthetic {options.synthetic:,}", synthetic(options.synthetic), options.extend):
            print(line, flush=True)


if __name__ == "__main__":
    main()
