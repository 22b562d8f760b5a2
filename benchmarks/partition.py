"""Measure the search for blocks against other libraries' partitions of the same graphs, in one run.

    python benchmarks/partition.py [--cases NAMES] [--data FOLDER] [--effort SHARE]

Cases: ``town-2000``, ``town-18000``, ``town-18000-200`` (synthetic street graphs; the fewest cut edges), ``three``
(three attributes at once at 1,000 atoms) and ``guelph`` (real streets, borders priced by rank, 12 and 30 blocks).
Each line tells CPU seconds, the worst deviation, cut edges, the share of the border on local streets and how many
blocks lie in several pieces. pymetis and gerrychain are measured where they are installed. The first run compiles.
"""

from __future__ import annotations

import argparse
import importlib.util
import resource
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from gridgeo.network import Integers, groups
from gridgeo.partition.atom_layer import lay_out
from gridgeo.partition.blocks import PRICE, group
from gridgeo.partition.search import Aim, Graph, search

DATA = Path(__file__).parents[2] / "shared" / "data"
TOLERANCE = 0.05
CASES = ("town-2000", "town-18000", "town-18000-200", "three", "guelph")
LOCAL = 3
"""Column of the border lengths of local streets (lanes)."""


def town(size: int, attributes: int = 1, seed: int = 0) -> Graph:
    """Return a synthetic town: triangulated random places of which a quarter of the pairs are gone, random loads."""
    from scipy.spatial import Delaunay

    rng = np.random.default_rng(seed)
    places = rng.uniform(0, 1, (size, 2))
    corners = Delaunay(places).simplices
    pairs = np.unique(
        np.sort(np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [0, 2]]]), axis=1), axis=0
    )
    pairs = pairs[rng.random(len(pairs)) < 0.75].astype(np.int64)
    count = len(pairs)
    graph = Graph(
        load=rng.uniform(0.5, 1.5, (size, attributes)),
        area=np.full(size, 1 / size),
        x=places[:, 0],
        y=places[:, 1],
        pairs=pairs,
        cost=np.ones(count),
        passable=np.ones(count, dtype=np.bool_),
    )
    piece = groups(size, pairs)
    return graph.part(np.flatnonzero(piece == np.argmax(np.bincount(piece))))


def metis(graph: Graph, count: int) -> Integers:
    """Return contiguous k-way METIS's partition."""
    import pymetis

    near: list[list[int]] = [[] for _ in range(len(graph))]
    for one, two in graph.pairs[graph.passable].tolist():
        near[one].append(two)
        near[two].append(one)
    weights = np.maximum(1, np.rint(graph.load / graph.load.mean() * 1000)).astype(int)
    options = pymetis.Options(contig=1, ufactor=int(1000 * TOLERANCE))
    parts = pymetis.part_graph(
        count, adjacency=near, vweights=weights[:, 0].tolist(), options=options, recursive=False
    )[1]
    return np.array(parts, dtype=np.int64)


def recom(graph: Graph, count: int, steps: int = 300) -> Integers:
    """Return the plan with fewest cut edges of a gerrychain of recombinations."""
    import random
    from functools import partial

    import networkx as nx
    from gerrychain import Graph as Dual
    from gerrychain import MarkovChain, Partition, accept, constraints, updaters
    from gerrychain.proposals import recom as propose
    from gerrychain.tree import recursive_tree_part

    random.seed(0)
    plain = nx.Graph()
    plain.add_nodes_from((atom, {"load": float(load)}) for atom, load in enumerate(graph.load[:, 0]))
    plain.add_edges_from(graph.pairs[graph.passable].tolist())
    dual = Dual.from_networkx(plain)
    ideal = float(graph.load[:, 0].sum()) / count
    first = recursive_tree_part(dual, range(count), ideal, "load", TOLERANCE)
    start = Partition(dual, first, {"load": updaters.Tally("load"), "cut": updaters.cut_edges})
    chain = MarkovChain(
        partial(propose, pop_col="load", pop_target=ideal, epsilon=TOLERANCE, node_repeats=1),
        [constraints.within_percent_of_ideal_population(start, TOLERANCE, "load")],
        accept.always_accept,
        start,
        steps,
    )
    best = min(chain, key=lambda plan: len(plan["cut"]))
    return np.array([best.assignment[atom] for atom in range(len(graph))], dtype=np.int64)


def tell(name: str, graph: Graph, count: int, find: Callable[[], Integers], local: np.ndarray | None = None) -> None:
    """Measure one way and print its line."""
    begin = time.process_time()
    try:
        block = find()
    except RuntimeError as error:
        print(
            f"  {name:22} gave up after {time.process_time() - begin:.1f} s: {str(error).splitlines()[0]}", flush=True
        )
        return
    seconds = time.process_time() - begin
    held = np.stack([np.bincount(block, weights=column, minlength=count) for column in graph.load.T], axis=1)
    worst = float(np.abs(held / (graph.load.sum(axis=0) / count) - 1).max())
    sides = block[graph.pairs]
    apart = sides[:, 0] != sides[:, 1]
    walk = graph.pairs[graph.passable & ~apart]
    split = int(groups(len(graph), walk).max()) + 1 - count
    share = "" if local is None else f"  local streets {local[apart, LOCAL].sum() / local[apart].sum():6.1%}"
    print(
        f"  {name:22} {seconds:7.1f} s  worst {worst:6.2%}  cut edges {int(apart.sum()):6}{share}  split {split}",
        flush=True,
    )


def others(graph: Graph, count: int, local: np.ndarray | None = None) -> None:
    """Measure the other libraries that are installed."""
    if importlib.util.find_spec("pymetis"):
        tell("METIS k-way contiguous", graph, count, lambda: metis(graph, count), local)
    if importlib.util.find_spec("gerrychain") and len(graph) <= 2000:
        tell("GerryChain, 300 steps", graph, count, lambda: recom(graph, count), local)


def real(data: Path, effort: float) -> None:
    """Measure real streets: price by rank, and the same search with the fewest cut edges."""
    from benchmarks.atoms import guelph

    area, barriers = guelph(data)
    atoms = lay_out(area.geometry.to_numpy(), barriers).atoms(0)
    whole = Graph(
        load=atoms.area[:, None],
        area=atoms.area,
        x=atoms.x,
        y=atoms.y,
        pairs=atoms.pairs,
        cost=atoms.length @ np.array(PRICE),
        passable=atoms.passable,
    )
    # open land on the edge of town would be a block alone: what an atom holds is capped
    load = np.minimum(whole.load, whole.load.sum() / 100)
    graph = Graph(load, whole.area, whole.x, whole.y, whole.pairs, whole.cost, whole.passable)
    for count in (12, 30):
        print(f"guelph: {len(graph)} atoms, {count} blocks")
        tell(
            "gridgeo, by rank",
            graph,
            count,
            lambda count=count: group(graph, count, tolerance=[TOLERANCE], seed=0, effort=effort).block,
            atoms.length,
        )
        others(graph, count, atoms.length)


def main() -> None:
    """Measure the cases asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--effort", type=float, default=1.0)
    given = parser.parse_args()
    cases = given.cases.split(",")
    search(town(400), Aim(4, (TOLERANCE,)), seed=0)  # loads, or compiles, the loops
    for name, size, count in (("town-2000", 2000, 20), ("town-18000", 18000, 100), ("town-18000-200", 18000, 200)):
        if name in cases:
            graph = town(size)
            print(f"{name}: {len(graph)} atoms, {count} blocks, {len(graph.pairs)} pairs")
            aim = Aim(count, (TOLERANCE,), compact=0.0, mild=0.0)
            tell(
                "gridgeo",
                graph,
                count,
                lambda aim=aim, graph=graph: search(graph, aim, seed=0, effort=given.effort).block,
            )
            others(graph, count)
    if "three" in cases:
        graph = town(1000, attributes=3)
        print(f"three attributes: {len(graph)} atoms, 10 blocks")
        aim = Aim(10, (TOLERANCE,) * 3, compact=0.0, mild=0.0)
        tell("gridgeo", graph, 10, lambda: search(graph, aim, seed=0, effort=given.effort).block)
    if "guelph" in cases and (given.data / "guelph").exists():
        real(given.data, given.effort)
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
