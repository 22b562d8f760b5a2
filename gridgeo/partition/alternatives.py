"""Alternatives: a front of drafts, none of which is worse than another in everything.

Drafts differ in what they put first: another seed, rounder blocks, borders on the strongest barriers at any price, or
tighter balance. Of those made, the ones stay that no other beats in balance, price of the borders and roundness at
once; where there are more than asked for, they are taken evenly along the front, its ends included.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely

from gridgeo import crs
from gridgeo._page import document, escape
from gridgeo.language import Language, Message, current_language
from gridgeo.network import Barriers
from gridgeo.partition.demand import Demand
from gridgeo.partition.draft import Draft
from gridgeo.partition.pictures import MAP_STYLE, PAGE_STYLE, Sheet, in_metres, table_of

TRIED = 2.0
"""So many drafts are made for each that is asked for."""
TIGHTER = 2.0
"""How much tighter a tolerance is where balance comes first; what is beyond is told of the tolerance asked for."""

_TITLE = Message("Alternatives", "备选方案")
_COLUMNS = (
    Message("No.", "序号"),
    Message("blocks", "块数"),
    Message("worst deviation", "最大偏差"),
    Message("beyond tolerance", "超出容差"),
    Message("inner border, km", "内部界线（公里）"),
    Message("on lanes or nothing", "沿街巷或无屏障"),
    Message("roundness", "紧凑度"),
    Message("how to get it", "复现方法"),
)
_ABOUT = Message(
    "No draft here is worse than another in balance, in borders on small streets and in roundness at once. Each can be "
    "had again with the options in the last column.",
    "各方案在均衡、沿小街巷界线和紧凑度三方面互有优劣。最后一列给出复现该方案的选项。",
)
_FEWER = Message(
    "{count} drafts instead of {asked}: the others that were tried are worse in everything, or the same",
    "得到 {count} 个方案而非 {asked} 个：其余试算方案在各方面均较差或相同",
)


@dataclass(frozen=True)
class Alternative:
    """One draft of a front.

    Parameters
    ----------
    demand : Demand
    draft : Draft
    worst, beyond : float
        Largest deviation from a mean, and by how much of a mean a block is beyond its tolerance.
    border : float
        Metres of border between blocks of one grid.
    small : float
        Share of it on lanes or on no barrier at all.
    price : float
        Of all borders.
    roundness : float
        Mean over the blocks: the area by that of the circle with the same perimeter.
    options : str
        Options of the command that give this draft.
    """

    demand: Demand
    draft: Draft
    worst: float
    beyond: float
    border: float
    small: float
    price: float
    roundness: float
    options: str

    @property
    def cells(self) -> tuple[str, ...]:
        """What a table tells of it."""
        return (
            str(len(self.draft.blocks)),
            f"{self.worst:.1%}",
            f"{self.beyond:.1%}",
            f"{self.border / 1000:.1f}",
            f"{self.small:.1%}",
            f"{self.roundness:.3f}",
            self.options,
        )


def alternatives(demand: Demand, count: int, make: Callable[[Sequence[Demand]], list[Draft]]) -> list[Alternative]:
    """Return at most ``count`` drafts of a front, the cheapest borders first.

    Parameters
    ----------
    demand : Demand
    count : int
    make : callable
        Makes a draft for each of some demands, such as `gridgeo.partition.town.draft_town` on a town.
    """
    wanted = variants(demand, max(count, round(TRIED * count)))
    seconds = demand.seconds * len(wanted)
    drafts = make([replace(each, seconds=seconds) for each, _ in wanted])
    found = [_measured(each, draft, options) for (each, options), draft in zip(wanted, drafts, strict=True)]
    return _front(found, count)


def variants(demand: Demand, count: int) -> list[tuple[Demand, str]]:
    """Return demands that put other things first, each with the options that ask for it."""
    rounder, freer = max(4.0, 4 * demand.compact), 0.0
    found: list[tuple[Demand, str]] = []
    seed = demand.seed
    while len(found) < count:
        base = replace(demand, seed=seed)
        said = f"--seed {seed}"
        tight = replace(
            base,
            tolerance=base.tolerance / TIGHTER,
            tolerances={name: value / TIGHTER for name, value in base.tolerances.items()},
        )
        tolerances = [f"--tolerance {tight.tolerance:g}"]
        tolerances += [f"--tolerance {name}={value:g}" for name, value in tight.tolerances.items()]
        found += [
            (base, said),
            (replace(base, compact=rounder), f"{said} --compact {rounder:g}"),
            (replace(base, compact=freer), f"{said} --compact {freer:g}"),
            (tight, " ".join([said, *tolerances])),
        ]
        seed += 1
    return found[:count]


def _measured(demand: Demand, draft: Draft, options: str) -> Alternative:
    summary = draft.blocks.attrs["summary"]
    metric = crs.working_crs(draft.blocks) if draft.blocks.crs is not None and len(draft.blocks) else None
    shapes = in_metres(draft.blocks, metric)
    around = shapely.length(shapes)
    round_ = 4 * np.pi * shapely.area(shapes) / np.where(around > 0, around, 1.0) ** 2
    ranks = summary["inner_border_by_rank"]
    return Alternative(
        demand=demand,
        draft=draft,
        worst=summary["worst_deviation"],
        beyond=draft.beyond(TIGHTER if "--tolerance" in options else 1.0),
        border=summary["inner_border"],
        small=ranks["lane"] + ranks["none"],
        price=draft.border,
        roundness=float(np.mean(round_)) if len(round_) else 1.0,
        options=options,
    )


def _front(found: list[Alternative], count: int) -> list[Alternative]:
    """Return those that no other beats, evenly along the front."""
    # plans within all tolerances come before the others, whatever their borders
    merits = [
        (round(each.beyond, 6), round(each.worst, 6), round(each.price, 3), round(-each.roundness, 6)) for each in found
    ]
    kept = [
        at
        for at, mine in enumerate(merits)
        if mine not in merits[:at]
        and not any(other != mine and all(a <= b for a, b in zip(other, mine, strict=True)) for other in merits)
    ]
    kept.sort(key=lambda at: (merits[at][2], at))
    if len(kept) > count:
        places = np.unique(np.rint(np.linspace(0, len(kept) - 1, count)).astype(int))
        kept = [kept[place] for place in places.tolist()]
    return [found[at] for at in kept]


def told_fewer(found: int, asked: int) -> str:
    """Return what is said where the front has fewer drafts than asked for; nothing else."""
    return _FEWER.text(count=found, asked=asked) if found < asked else ""


def alternatives_table(
    found: Sequence[Alternative], language: Language | None = None
) -> tuple[list[str], list[list[str]]]:
    """Return the head and the rows of the table of a front."""
    head = [column.text(language) for column in _COLUMNS]
    return head, [[str(number), *each.cells] for number, each in enumerate(found, start=1)]


def alternatives_page(
    found: Sequence[Alternative], barriers: Barriers, *, title: str = "", language: Language | None = None
) -> str:
    """Return a page with a table and a map of each draft.

    Parameters
    ----------
    found : sequence of Alternative
    barriers : Barriers
        In the working CRS of the blocks.
    title : str
    language : {"en", "zh"}, optional
    """
    chosen = language or current_language()
    heading = f"{_TITLE.text(chosen)} {title}".strip()
    shapes = [in_metres(each.draft.blocks, barriers.lines.crs) for each in found]
    sheet = Sheet.around(np.concatenate(shapes) if shapes else np.empty(0, dtype=object))
    head, rows = alternatives_table(found, chosen)
    figures = []
    for number, (each, blocks) in enumerate(zip(found, shapes, strict=True), start=1):
        caption = f"{number}: " + ", ".join(
            f"{name} {cell}" for name, cell in zip(head[2:-1], each.cells[1:-1], strict=True)
        )
        serials = each.draft.blocks["serial"].astype(str).tolist()
        figures.append(
            f"<figure>{sheet.map(blocks, serials, label=caption)}<figcaption>{escape(caption)}</figcaption></figure>"
        )
    body = [
        f"<h1>{escape(heading)}</h1><p>{escape(_ABOUT.text(chosen))}</p>",
        table_of(head, rows),
        sheet.barriers(barriers, shapes[0]) if shapes else "",
        f'<h2></h2><div class="maps">{"".join(figures)}</div>',
    ]
    return document(heading, "\n".join(body), style=PAGE_STYLE + MAP_STYLE, language=chosen)
