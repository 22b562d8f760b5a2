"""Measure how fast notices are made: posters on A3 with photos and map, every one another, against matplotlib.

    python benchmarks/notices.py [COUNT] [--jobs N] [--peer N]

Makes a sample town of at least COUNT blocks with photos of their people, then renders one poster a block in a process
of its own. Seconds, CPU seconds and the peak of memory are those of that whole process, start, reading of the town and
writing of the files included. Matplotlib (of the extra ``benchmark``) draws the same maps with the same names, words
and photos as A3 PDFs; only its drawing is counted, and the first poster, with its caches cold, is not. Its pages are
neither tagged nor archivable, and its names stand in the middle of what they name, whether they fit there or not.

Where QGIS is installed, an atlas with the same words, photos and labelled lines is measured in the same way. It is much
plainer: one colour for all blocks, roads of one width without casings, a paragraph instead of cards and lists.

Memory is the sum over all processes at the worst moment, pages that several of them share counted once (the
proportional set sizes that Linux tells, sampled five times a second; elsewhere, the peak of the largest process).

The bars: 1,000 posters a minute on 2 cores, 0.12 CPU seconds a poster, 400 MB.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

POSTERS_A_MINUTE, CPU_A_POSTER, MEGABYTES = 1000, 0.12, 400


def make_town(folder: Path, count: int) -> int:
    """Write a sample town with drafted blocks; return how many there are."""
    from gridgeo.layers import write_layer
    from gridgeo.partition import partition_town
    from gridgeo.sample import write_sample
    from gridgeo.town import read_town

    town = read_town(write_sample(folder, polygons=count, seed=0))
    assert town.drafting.output is not None
    blocks = partition_town(town, warnings=[])
    write_layer(blocks, town.drafting.output, layer="blocks")
    return len(blocks)


def in_own_process(*arguments: object) -> tuple[Any, float, float, float]:
    """Run this file with some arguments; return its answer, seconds, CPU seconds and peak of memory in MB.

    All but the seconds are those of that process and of all that it starts.
    """
    begun = time.monotonic()
    command = [sys.executable, __file__, *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running, ThreadPoolExecutor(1) as beside:
        ended = threading.Event()
        sampled = beside.submit(greatest_memory, running.pid, ended)
        assert running.stdout is not None
        said = running.stdout.read()
        _, status, used = os.wait4(running.pid, 0)
        seconds = time.monotonic() - begun
        running.returncode = os.waitstatus_to_exitcode(status)
        ended.set()
        peak = sampled.result()
    if running.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {running.returncode}")
    largest = used.ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)
    return json.loads(said.splitlines()[-1]), seconds, used.ru_utime + used.ru_stime, peak or largest


def greatest_memory(process: int, ended: threading.Event) -> float:
    """Return the most memory in MB that a process and all below it have held together; 0 where nothing tells it."""
    most = 0.0
    while not ended.wait(0.2):
        most = max(most, memory_of(process))
    return most


def memory_of(process: int) -> float:
    """Return the memory in MB of a process and of all below it now, each page's share of it."""
    own = Path(f"/proc/{process}")
    try:
        sizes = own.joinpath("smaps_rollup").read_text()
        below = " ".join(task.read_text() for task in own.glob("task/*/children"))
    except OSError:  # it has ended, or this is not Linux
        return 0.0
    share = next((int(line.split()[1]) for line in sizes.splitlines() if line.startswith("Pss:")), 0)
    return share / 1024 + sum(map(memory_of, map(int, below.split())))


def render(town: Path, out: Path, jobs: int) -> None:
    """Make all posters of a town; with a progress bar where standard error is a terminal."""
    from gridgeo.progress import showing_progress
    from gridgeo.render import render_notices
    from gridgeo.town import read_town

    with showing_progress(sys.stderr.isatty()):
        files = render_notices(read_town(town), out, jobs=jobs, warnings=[])
    distinct = len({hashlib.sha256(file.read_bytes()).digest() for file in files})
    print(json.dumps({"files": len(files), "distinct": distinct, "bytes": sum(f.stat().st_size for f in files)}))


# ------------------------------------------------------------------------------------------------ matplotlib


def draw_with_matplotlib(town: Path, out: Path, count: int) -> None:
    """Draw the first ``count`` posters and one more with matplotlib; print its CPU seconds a poster."""
    import matplotlib

    matplotlib.use("pdf")
    from matplotlib import font_manager

    from gridgeo.render.fonts import SANS, font_folder
    from gridgeo.render.notice import compose_notices
    from gridgeo.render.scene import make_scene
    from gridgeo.town import read_town

    for file in sorted(font_folder().glob("*.otf")):
        font_manager.fontManager.addfont(str(file))
    matplotlib.rcParams.update({"font.family": SANS, "pdf.fonttype": 42})
    scene = make_scene(read_town(town))
    notices = compose_notices(scene)
    step = max(1, len(notices) // (count + 1))
    spent = []
    out.mkdir(parents=True, exist_ok=True)
    for notice in notices[::step][: count + 1]:
        begun = time.process_time()
        _poster(scene, notice, out / f"{notice.code}.pdf")
        spent.append(time.process_time() - begun)
    print(json.dumps({"cpu": sum(spent[1:]) / len(spent[1:]), "posters": len(spent) - 1}))


def _poster(scene: Any, notice: Any, file: Path) -> None:
    import matplotlib.pyplot as plt
    from PIL import Image

    from gridgeo.render.colours import ACCENT

    figure = plt.figure(figsize=(297 / 25.4, 420 / 25.4))
    figure.text(0.05, 0.955, notice.title, fontsize=40)
    figure.text(0.05, 0.925, f"{notice.town} {notice.kind_name} {notice.code} {notice.name}", fontsize=18, color=ACCENT)
    _map(figure.add_axes((0.05, 0.52, 0.9, 0.39)), scene, notice)
    figure.text(0.05, 0.5, notice.extent.sentence(), fontsize=12)
    for k, card in enumerate((notice.head, *notice.officers)):
        x, y = 0.05 + 0.18 * (k % 5), 0.43 - 0.055 * (k // 5)
        if card.photo is not None:
            photo = figure.add_axes((x, y, 0.035, 0.045))
            with Image.open(card.photo) as opened:
                opened.thumbnail((360, 480))
                photo.imshow(opened.convert("RGB"))
            photo.axis("off")
        lines = (card.name, card.role_name, card.organisation, card.phone, card.hours)
        figure.text(x + 0.04, y + 0.045, "\n".join(filter(None, lines)), fontsize=8, va="top")
    for k, group in enumerate(notice.classes):
        words = "\n".join([group.name, *(item.text for item in group.items)])
        figure.text(0.05 + 0.22 * k, 0.2, words, fontsize=11, va="top")
    services = "\n".join(f"{line.text} {line.detail}" for line in notice.services)
    figure.text(0.72, 0.2, services, fontsize=11, va="top")
    foot = (notice.supervision_phone, notice.issuer, notice.date, notice.version, notice.disclaimer, notice.address)
    figure.text(0.05, 0.03, "  ".join(filter(None, foot)), fontsize=10)
    figure.savefig(file)
    plt.close(figure)


def _map(axes: Any, scene: Any, notice: Any) -> None:
    import shapely
    from matplotlib.collections import LineCollection, PatchCollection
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path as Outline

    from gridgeo.render import colours
    from gridgeo.render.window import Window

    window = Window(scene, notice.index, 267, 164)

    def patches(shapes: Any) -> list[Any]:
        found = []
        for polygon in shapely.get_parts(list(shapes)).tolist():
            if polygon.geom_type == "Polygon" and not polygon.is_empty:
                rings = [
                    Outline(shapely.get_coordinates(r), closed=True) for r in (polygon.exterior, *polygon.interiors)
                ]
                found.append(PathPatch(Outline.make_compound_path(*rings)))
        return found

    for k, shape in window.blocks.items():
        face = colours.fill_of(scene.colours[k])
        axes.add_collection(
            PatchCollection(patches([shape]), facecolor=face, edgecolor=colours.GRID_BORDER, linewidth=1)
        )
    for key, colour in (("green", colours.GREEN), ("water", colours.WATER), ("buildings", colours.BUILDING)):
        axes.add_collection(PatchCollection(patches(window.context.get(key, [])), facecolor=colour))
    for colour, extra in ((colours.ROAD_CASING, 1.8), (colours.ROAD, 0.0)):
        for rank, width in (("lane", 4.1), ("road", 7.4), ("main-road", 10.2), ("river", 8.5)):
            courses = [shapely.get_coordinates(line) for line in window.lines_of(rank)]
            shade = colours.WATER if rank == "river" else colour
            axes.add_collection(LineCollection(courses, colors=shade, linewidths=width + extra, capstyle="round"))
    edge = {"facecolor": "none", "edgecolor": colours.ACCENT, "linewidth": 4}
    axes.add_collection(PatchCollection(patches([window.focus]), **edge))
    named = [(scene.names[k], shape) for k, shape in window.blocks.items() if k in window.others]
    named += [(scene.lines.names[k], shape) for k, shape in window.lines if scene.lines.names[k]]
    seen = set()
    for name, shape in named:
        if name not in seen:
            seen.add(name)
            place = shapely.point_on_surface(shape)
            axes.text(place.x, place.y, name, fontsize=10, ha="center", va="center", clip_on=True)
    axes.set_xlim(0, window.view.width)
    axes.set_ylim(window.view.height, 0)
    axes.set_aspect("equal")
    axes.axis("off")


# ------------------------------------------------------------------------------------------------ QGIS


def find_qgis() -> str | None:
    """Return the Python that knows QGIS, which on Debian is the system's own; None where there is none."""
    for python in dict.fromkeys(filter(None, (shutil.which("python3", path="/usr/bin"), shutil.which("python3")))):
        known = subprocess.run([python, "-c", "import qgis.core"], capture_output=True, check=False)
        if known.returncode == 0:
            return python
    return None


def write_for_qgis(town: Path, file: Path) -> None:
    """Write what the pages of an atlas show: blocks with their words and photos, and lines with names."""
    import geopandas as gpd

    from gridgeo.render.notice import compose_notices, texts_of
    from gridgeo.render.scene import make_scene
    from gridgeo.town import read_town

    scene = make_scene(read_town(town))
    rows = []
    for notice in compose_notices(scene):
        cards = [card for card in (notice.head, *notice.officers) if card.photo is not None]
        row = {"name": notice.name, "code": notice.code, "overline": f"{notice.town} {notice.kind_name} {notice.code}"}
        row["words"] = "  ".join(text for _, text in texts_of(notice) if text)
        rows.append(row | {f"photo{k}": str(card.photo) for k, card in enumerate(cards)})
    blocks = gpd.GeoDataFrame(rows, geometry=scene.areas.geometries, crs=scene.town.working_crs)
    lines = gpd.GeoDataFrame({"name": scene.lines.names}, geometry=scene.lines.geometries, crs=blocks.crs)
    # an older QGIS reads no newer GeoPackage
    blocks.to_file(file, layer="blocks", engine="pyogrio", VERSION="1.2")
    lines.to_file(file, layer="lines", engine="pyogrio", VERSION="1.2")


def measure_qgis(python: str, town: Path, folder: Path, count: int) -> dict[str, Any]:
    """Return CPU seconds a page of an atlas of the same town, and how many were drawn."""
    from gridgeo.render.fonts import font_folder

    write_for_qgis(town, folder / "atlas.gpkg")
    script = Path(__file__).with_name("qgis_atlas.py")
    command = [python, script, folder / "atlas.gpkg", folder / "atlas", count, *sorted(font_folder().glob("*.otf"))]
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    ran = subprocess.run(list(map(str, command)), capture_output=True, text=True, env=clean, check=False)
    if ran.returncode:
        raise SystemExit(f"the atlas of QGIS failed: {ran.stderr.strip().splitlines()[-1:]}")
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return found


# ------------------------------------------------------------------------------------------------ the report


def judged(figure: float, bar: float, *, most: bool) -> str:
    """Say whether a figure keeps to its bar."""
    return "met" if (figure <= bar if most else figure >= bar) else "MISSED"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", nargs="?", type=int, default=500)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--peer", type=int, default=20, help="posters drawn with matplotlib")
    parser.add_argument("--make", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--render", nargs=2, type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--matplotlib", nargs=2, type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.make:
        print(json.dumps(make_town(given.make, given.count)))
        return
    if given.render:
        render(*given.render, given.jobs)
        return
    if given.matplotlib:
        draw_with_matplotlib(*given.matplotlib, given.peer)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # in a process of its own, so that this one holds no libraries, whose pages would be counted as shared with it
        blocks, *_ = in_own_process(given.count, "--make", folder / "town")
        print(f"sample town of {blocks} blocks with photos; {given.jobs} jobs", flush=True)
        made, seconds, cpu, peak = in_own_process("--render", folder / "town", folder / "out", "--jobs", given.jobs)
        rate, each = 60 * made["files"] / seconds, cpu / made["files"]
        print(
            f"{made['files']} posters, {made['distinct']} distinct, {made['bytes'] / made['files'] / 1000:.0f} kB each"
        )
        print(f"seconds            {seconds:8.1f}")
        print(f"CPU seconds        {cpu:8.1f}")
        print(
            f"posters a minute   {rate:8.0f}   asked {POSTERS_A_MINUTE}: {judged(rate, POSTERS_A_MINUTE, most=False)}"
        )
        print(f"CPU s a poster     {each:8.3f}   asked {CPU_A_POSTER}: {judged(each, CPU_A_POSTER, most=True)}")
        print(f"peak of memory, MB {peak:8.0f}   asked {MEGABYTES}: {judged(peak, MEGABYTES, most=True)}", flush=True)
        if find_spec("matplotlib") is None:
            print("matplotlib is not installed, so it is not measured: pip install 'gridgeo[benchmark]'")
        else:
            peer, *_ = in_own_process("--matplotlib", folder / "town", folder / "peer", "--peer", given.peer)
            ratio = f"{peer['cpu'] / each:.1f} x ours"
            print(f"matplotlib         {peer['cpu']:8.3f}   CPU s a poster ({peer['posters']} drawn): {ratio}")
        python = find_qgis()
        if python is None:
            print("QGIS is not installed, so its atlas is not measured: apt-get install qgis python3-qgis")
        else:
            atlas = measure_qgis(python, folder / "town", folder, given.peer)
            ratio = f"{atlas['cpu'] / each:.1f} x ours"
            print(f"QGIS atlas         {atlas['cpu']:8.3f}   CPU s a page ({atlas['posters']} drawn): {ratio}")


if __name__ == "__main__":
    main()
