"""Faults planted in sections and in the roster of their patrollers, so that checks can be measured against truth."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.ops import substring

from gridgeo.crs import to_crs, working_crs
from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.sample.faults import PlantedFault

SECTION_KINDS = ("section-gap", "section-overlap", "section-off-network")
_LEAST, _MOST = 40.0, 90.0
"""Metres of what is planted."""
_CLEAR = 4.0
"""Metres that a stray stretch keeps from all streets, from its second few metres on."""
_FREE = 3.0
"""A section is long enough when it is so many times as long as what is planted."""

_UNKNOWN = Message(
    "there is no fault {kind} of sections; there are: {kinds}", "责任路段没有问题类型 {kind}；可用：{kinds}"
)
_TOO_FEW = Message(
    "the sections are too few or too short for {count} faults", "责任路段太少或太短，放不下 {count} 处问题"
)


def plant_section_faults(
    sections: gpd.GeoDataFrame, kinds: Sequence[str] = SECTION_KINDS, *, seed: int = 0
) -> tuple[gpd.GeoDataFrame, list[PlantedFault]]:
    """Plant one fault of each kind named in a layer of sections, each in sections of its own.

    A gap is cut off the end of a section; an overlap is the end of a section's neighbour added to it; a stray stretch
    leads from a section across country.

    Parameters
    ----------
    sections : GeoDataFrame
        Of `gridgeo.split_sections`; not changed.
    kinds : sequence of str
        Of `SECTION_KINDS`.
    seed : int
        Where they are planted.

    Returns
    -------
    GeoDataFrame
        With the faults.
    list of PlantedFault
        What was planted: in ``features`` the section that was changed, and the one that it now overlaps; ``width`` is
        the length in metres.
    """
    for kind in kinds:
        if kind not in SECTION_KINDS:
            raise InputError(Problem("sections", _UNKNOWN, {"kind": kind, "kinds": ", ".join(SECTION_KINDS)}))
    metric = working_crs(sections)
    lines = to_crs(sections, metric).geometry.to_numpy().copy()
    codes, blocks = sections["code"].astype(str).tolist(), sections["block"].astype(str).tolist()
    rng = np.random.default_rng(seed)
    waiting = rng.permutation(len(lines)).tolist()
    used: set[int] = set()
    planted = []
    for kind in kinds:
        length = float(rng.uniform(_LEAST, _MOST))
        for index in waiting:
            near = [k for k in range(len(lines)) if k != index and shapely.dwithin(lines[k], lines[index], 1.0)]
            if index in used or used & set(near):
                continue
            made = _planted(kind, index, lines, [k for k in near if blocks[k] == blocks[index]], length)
            if made is None:
                continue
            lines[index], place, involved = made
            used |= {index, *near}
            features = tuple(codes[k] for k in (index, *involved))
            (moved,) = to_crs(gpd.GeoDataFrame(geometry=[place], crs=metric), "EPSG:4490").geometry
            planted.append(PlantedFault(kind, kind, ("sections",), features, 0.0, float(place.length), moved))
            break
        else:
            raise InputError(Problem("sections", _TOO_FEW, {"count": len(kinds)}))
    changed = gpd.GeoDataFrame(sections.drop(columns=sections.geometry.name), geometry=lines, crs=metric)
    return to_crs(changed, sections.crs), planted


def _planted(
    kind: str, index: int, lines: np.ndarray, near: Sequence[int], length: float
) -> tuple[shapely.Geometry, shapely.Geometry, tuple[int, ...]] | None:
    """Return a section with a fault, where the fault is, and the neighbours involved; None where it has no room."""
    line = _longest(lines[index])
    if line.length < _FREE * length:
        return None
    rest = [part for part in shapely.get_parts(lines[index]).tolist() if not part.equals(line)]
    if kind == "section-gap":
        place = substring(line, line.length - length, line.length)
        kept = shapely.multilinestrings([*rest, substring(line, 0, line.length - length)])
        return shapely.line_merge(kept), place, ()
    if kind == "section-overlap":
        for other in near:
            lent = _longest(lines[other])
            if lent.length >= _FREE * length:
                place = substring(lent, 0.0, length)
                return shapely.union_all([lines[index], place]), place, (other,)
        return None
    start = shapely.line_interpolate_point(line, 0.5, normalized=True)
    ahead = shapely.line_interpolate_point(line, line.length / 2 + 1.0)
    x, y = ahead.x - start.x, ahead.y - start.y
    for side in (length, -length):
        place = shapely.LineString([(start.x, start.y), (start.x - y * side, start.y + x * side)])
        away = substring(place, _CLEAR, place.length)
        if not shapely.dwithin(away, lines, _CLEAR / 2).any():
            return shapely.multilinestrings([*rest, line, place]), place, ()
    return None


def _longest(line: shapely.Geometry) -> shapely.LineString:
    return max(shapely.get_parts(line).tolist(), key=lambda part: float(part.length))


def take_patrollers(people: pd.DataFrame, unit: str, *, shift: str = "day", left: int = 0) -> pd.DataFrame:
    """Return a table of people in which a unit has only so many patrollers of one shift ``left``, for its sections.

    Parameters
    ----------
    people : DataFrame
        Of the sample town, with the columns ``unit``, ``role`` and ``shift``; not changed.
    unit : str
        Code of a street grid, block or section.
    shift : str
        Key of the shift.
    left : int
        How many patrollers stay, of each crew (that is, with the same days).
    """
    mine = (people["unit"] == unit) & (people["role"] == "patroller") & (people["shift"] == shift)
    crew = people.loc[mine].groupby("days").cumcount()
    return people.drop(index=crew.index[crew >= left])
