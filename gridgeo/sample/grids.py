"""The grids of a town: what each face between the streets is used for, and how it is cut into grids.

The middle of the town has communities with schools, parks and offices among them; factories stand together at one
side of its rim; outside are village groups. Faces are cut by roads and creeks until there are exactly as many grids
as asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.language import Message
from gridgeo.progress import track
from gridgeo.sample.arrangement import Arrangement
from gridgeo.sample.cutting import MOST_ENDS, Ints, Vertices, cut
from gridgeo.sample.plan import Floats, Plan

_CUTTING = Message("cutting the sample town's grids", "正在划分示例镇的网格")

LARGE = 20_000
"""Grids from which on speed goes before the best of all cuts."""
HECTARES = {"community": 13.5, "zone": 5.5, "factory": 7.5, "village": 21.0}
"""Usual sizes in a town of 60 grids; larger towns have smaller grids."""


@dataclass(frozen=True)
class Grid:
    """One grid: what it is, its ring of vertices (and the whole polygon where it has holes)."""

    kind: str
    """community, village or the use of a zone."""
    ring: Ints
    face: int
    """The face that it was cut from: village groups of one face are of one village."""
    holes: tuple[Ints, ...] = ()


@dataclass(frozen=True)
class Path:
    """A road, lane or creek between two places of a border."""

    rank: str
    vertices: Ints
    face: int


@dataclass
class Division:
    """Grids, the paths between them and their common vertices."""

    vertices: Vertices
    grids: list[Grid] = field(default_factory=list)
    paths: list[Path] = field(default_factory=list)


def divide(plan: Plan, arrangement: Arrangement, *, count: int, rng: np.random.Generator) -> Division:
    """Cut the faces between the streets into exactly ``count`` grids."""
    faces = arrangement.faces
    vertices, rings = _number_vertices(faces)
    _shun_rivers(plan, arrangement, vertices)
    division = Division(vertices)
    uses = _uses(plan, faces)
    contents = _contents(faces, uses, count, rng)
    ends = MOST_ENDS if count <= LARGE else MOST_ENDS // 2
    for number in track(range(len(faces)), _CUTTING):
        _cut_face(number, rings[number], contents[number], division, ends, rng)
    _make_up(division, count, rng)
    return division


def _number_vertices(faces: npt.NDArray[np.object_]) -> tuple[Vertices, list[list[Ints]]]:
    """Give numbers to the distinct vertices of the faces; return each face's rings, the outer one first."""
    lines, of_face = shapely.get_rings(faces, return_index=True)
    points, of_ring = shapely.get_coordinates(lines, return_index=True)
    whole = np.round(points * 1000).astype(np.int64)
    order = np.lexsort((whole[:, 1], whole[:, 0]))
    new = np.concatenate([[True], (np.diff(whole[order], axis=0) != 0).any(axis=1)])
    number = np.empty(len(points), np.int64)
    number[order] = np.cumsum(new) - 1
    vertices = Vertices()
    vertices.add(points[order[new]])
    rings: list[list[Ints]] = [[] for _ in range(len(faces))]
    starts = np.searchsorted(of_ring, np.arange(len(lines) + 1))
    for line, face in enumerate(of_face.tolist()):
        rings[face].append(number[starts[line] : starts[line + 1] - 1])
    return vertices, rings


def _shun_rivers(plan: Plan, arrangement: Arrangement, vertices: Vertices) -> None:
    """Let roads end at the middle of a river only where they must."""
    lines = np.array([shapely.LineString(points) for points in arrangement.rivers], dtype=object)
    line, vertex = shapely.STRtree(shapely.points(vertices.all)).query(lines, predicate="dwithin", distance=0.01)
    for river, number in zip(line.tolist(), vertex.tolist(), strict=True):
        vertices.shunned[number] = 1.6 if plan.rivers[river].rank == "river" else 0.4


def _uses(plan: Plan, faces: npt.NDArray[np.object_]) -> list[str]:
    """Return the use of each face by where it lies: ``village``, ``industry``, ``centre``, ``homes``."""
    area = shapely.area(faces)
    middle = shapely.get_coordinates(shapely.centroid(faces))
    away = middle[:, None] - plan.centres[None] if len(faces) * len(plan.centres) < 4e6 else None
    if away is None:
        nearest = shapely.STRtree(shapely.points(plan.centres)).nearest(shapely.points(middle))
        away_nearest = middle - plan.centres[nearest]
    else:
        nearest = np.hypot(away[..., 0], away[..., 1]).argmin(axis=1)
        away_nearest = away[np.arange(len(faces)), nearest]
    distance = np.hypot(away_nearest[:, 0], away_nearest[:, 1])
    order = np.argsort(distance, kind="stable")
    passed = np.cumsum(area[order]) / area.sum()
    rank = np.empty(len(faces))
    rank[order] = passed
    towards = away_nearest @ np.array([np.cos(-0.6), np.sin(-0.6)]) / np.maximum(distance, 1.0)
    uses = np.where(rank > 0.60, "village", np.where(rank < 0.1, "centre", "homes")).astype(object)
    fringe = np.flatnonzero((rank > 0.34) & (rank < 0.74))
    chosen = fringe[np.argsort(-towards[fringe], kind="stable")]
    taken = chosen[np.cumsum(area[chosen]) < 0.15 * area.sum()]
    uses[taken] = "industry"
    return [str(use) for use in uses]


def _contents(
    faces: npt.NDArray[np.object_], uses: Sequence[str], count: int, rng: np.random.Generator
) -> list[list[str]]:
    """Return what grids each face is to hold; ``count`` in all, as far as each face must hold at least one."""
    area = shapely.area(faces) / 1e4
    holed = shapely.get_num_interior_rings(faces) > 0
    taste = rng.uniform(0, 1, (len(faces), 2))

    def contents(scale: float) -> list[tuple[int, int]]:
        """Return the main grids and additional zones of each face when grids are ``scale`` times as large."""
        filled = []
        for number, use in enumerate(uses):
            size = area[number] / scale
            if holed[number]:
                filled.append((1, 0))
            elif use == "village":
                filled.append((max(1, round(size / HECTARES["village"])), int(size > 40 and taste[number, 0] < 0.2)))
            elif use == "industry":
                filled.append((0, max(1, round(size / HECTARES["factory"]))))
            elif use == "centre":
                filled.append((0, max(1, round(size / HECTARES["zone"]))))
            else:
                zones = round(0.27 * size / HECTARES["zone"] + taste[number, 0] - 0.5)
                rest = max(0.0, size - zones * HECTARES["zone"])
                filled.append((max(1, round(rest / HECTARES["community"])), max(0, zones)))
        return filled

    low, high = 1e-5, 60.0
    for _ in range(60):
        middle = float(np.sqrt(low * high))
        low, high = (middle, high) if sum(a + b for a, b in contents(middle)) >= count else (low, middle)
    filled = contents(low)
    surplus = sum(a + b for a, b in filled) - count
    for number in np.argsort(area / [a + b for a, b in filled], kind="stable").tolist():
        while surplus > 0 and sum(filled[number]) > 1:
            main, zones = filled[number]
            filled[number] = (main, zones - 1) if zones > (main == 0) else (main - 1, zones)
            surplus -= 1
        if surplus <= 0:
            break
    main_kind = {"village": "village", "homes": "community"}
    return [
        [main_kind.get(use, "zone")] * main + [_zone_use(use, rng) for _ in range(zones)]
        for use, (main, zones) in zip(uses, filled, strict=True)
    ]


def _zone_use(face_use: str, rng: np.random.Generator) -> str:
    choices = {
        "industry": (("factory", 0.86), ("office", 0.08), ("public area", 0.06)),
        "village": (("factory", 0.5), ("park", 0.3), ("public area", 0.2)),
        "centre": (("business district", 0.44), ("office", 0.26), ("public area", 0.18), ("park", 0.12)),
        "homes": (
            ("campus", 0.42),
            ("park", 0.2),
            ("public area", 0.16),
            ("business district", 0.14),
            ("office", 0.08),
        ),
    }[face_use]
    shares = np.array([share for _, share in choices])
    return choices[int(np.searchsorted(np.cumsum(shares) / shares.sum(), rng.random()))][0]


def _cut_face(
    face: int, rings: list[Ints], kinds: list[str], division: Division, ends: int, rng: np.random.Generator
) -> None:
    if len(rings) > 1 or len(kinds) == 1:
        kind = kinds[0] if kinds[0] != "zone" else "park"
        division.grids.append(Grid(kind, rings[0], face, tuple(rings[1:])))
        return
    shuffled = [kinds[k] for k in rng.permutation(len(kinds))]
    open_pieces: list[tuple[Ints, list[str]]] = [(rings[0], shuffled)]
    while open_pieces:
        ring, wanted = open_pieces.pop()
        if len(wanted) == 1:
            division.grids.append(Grid(wanted[0], ring, face))
            continue
        weights = np.array([HECTARES.get(kind, HECTARES["zone"]) for kind in wanted])
        inner = np.cumsum(weights)[:-1] / weights.sum()
        half = int(np.argmin(np.abs(inner - 0.5)))
        rural = "village" in wanted
        creek = rural and rng.random() < 0.55
        parts = cut(
            ring,
            division.vertices,
            share=float(inner[half]),
            winding=0.075 if creek else 0.022,
            rng=rng,
            loose=0.03,
            ends=ends,
        )
        if parts is None:
            division.grids.append(Grid(wanted[0], ring, face))
            continue
        one, other, path = parts
        division.paths.append(Path("creek" if creek else "road", path, face))
        open_pieces += [(one, wanted[: half + 1]), (other, wanted[half + 1 :])]


def _make_up(division: Division, count: int, rng: np.random.Generator) -> None:
    """Cut the largest grids until there are ``count``."""
    missing = count - len(division.grids)
    if missing <= 0:
        return
    sizes = [_size(grid, division.vertices) for grid in division.grids]
    refused: set[int] = set()
    import heapq

    heap = [(-size, number) for number, size in enumerate(sizes)]
    heapq.heapify(heap)
    while missing > 0 and heap:
        _, number = heapq.heappop(heap)
        grid = division.grids[number]
        parts = None if grid.holes else cut(grid.ring, division.vertices, share=0.5, winding=0.02, rng=rng, loose=0.1)
        if parts is None:
            refused.add(number)
            continue
        one, other, path = parts
        division.paths.append(Path("road", path, grid.face))
        division.grids[number] = Grid(grid.kind, one, grid.face)
        division.grids.append(Grid(grid.kind, other, grid.face))
        missing -= 1
        for added in (number, len(division.grids) - 1):
            heapq.heappush(heap, (-_size(division.grids[added], division.vertices), added))


def _size(grid: Grid, vertices: Vertices) -> float:
    points: Floats = vertices[grid.ring]
    return float(shapely.area(shapely.Polygon(points)))
