"""The curve of change against quality for a whole area: one draft for each price on workload that changes hands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gridgeo._page import document, escape
from gridgeo.language import Language, Message, current_language
from gridgeo.network import Barriers
from gridgeo.partition.demand import Demand
from gridgeo.partition.draft import Draft
from gridgeo.partition.pictures import MAP_STYLE, PAGE_STYLE, Sheet, in_metres, table_of
from gridgeo.partition.rebalance import PRICES

_TITLE = Message("How much moves against how good", "变动量与方案质量")
_COLUMNS = (
    Message("price", "变动价格"),
    Message("workload moved", "易手工作量"),
    Message("beyond tolerance", "超出容差"),
    Message("price of borders", "界线代价"),
    Message("on lanes or nothing", "沿街巷或无屏障"),
    Message("inner border, km", "内部界线（公里）"),
)
_CHOSEN = Message("chosen", "采用")
_ABOUT = Message(
    "A high price on workload that changes hands moves little and leaves borders dearer; a low one moves more. Take "
    "another point with --price, or with --most-moved.",
    "变动价格高则易手少而界线代价大，价格低则相反。可用 --price 或 --most-moved 另选。",
)
_ACROSS, _UP = Message("workload moved", "易手工作量"), Message("price of borders", "界线代价")


@dataclass(frozen=True)
class Stage:
    """One point of the curve.

    Parameters
    ----------
    price : float
        Sides of a block that moving one block's fair workload is worth.
    draft : Draft
    moved : float
        Share of the workload that changes hands.
    border : float
        Price of all borders between blocks.
    beyond : float
        By how much of a mean the worst block is beyond its tolerance.
    """

    price: float
    draft: Draft
    moved: float
    border: float
    beyond: float

    @property
    def cells(self) -> tuple[str, ...]:
        """What a table tells of it."""
        summary = self.draft.blocks.attrs["summary"]
        ranks = summary["inner_border_by_rank"]
        return (
            f"{self.price:g}",
            f"{self.moved:.2%}",
            f"{self.beyond:.1%}",
            f"{self.border:,.0f}",
            f"{ranks['lane'] + ranks['none']:.1%}",
            f"{summary['inner_border'] / 1000:.1f}",
        )


def change_curve(
    demand: Demand, make: Callable[[Sequence[Demand]], list[Draft]], prices: Sequence[float] = PRICES
) -> list[Stage]:
    """Return a draft for each price, the lowest first.

    Parameters
    ----------
    demand : Demand
    make : callable
        Makes a draft for each of some demands, starting from the old plan.
    prices : sequence of float
    """
    wanted = [replace(demand, move_price=price, seconds=demand.seconds * len(prices)) for price in sorted(set(prices))]
    return [
        Stage(each.move_price, draft, draft.moved, draft.border, draft.beyond())
        for each, draft in zip(wanted, make(wanted), strict=True)
    ]


def chosen_stage(stages: Sequence[Stage], *, most_moved: float | None = None) -> int:
    """Choose a point: in balance if any is; within ``most_moved`` the cheapest borders, else the knee of the curve.

    The knee has the least sum of what moves and of how dear the borders are, each as a part of its largest value.
    """
    least = min(stage.beyond for stage in stages)
    good = [at for at, stage in enumerate(stages) if stage.beyond <= least + 1e-9]
    if most_moved is not None:
        within = [at for at in good if stages[at].moved <= most_moved]
        if within:
            return min(within, key=lambda at: (stages[at].border, at))
        return min(good, key=lambda at: (stages[at].moved, at))
    moved = max(stages[at].moved for at in good) or 1.0
    border = max(stages[at].border for at in good) or 1.0
    return min(good, key=lambda at: (stages[at].moved / moved + stages[at].border / border, -stages[at].price))


def curve_table(
    stages: Sequence[Stage], chosen: int, language: Language | None = None
) -> tuple[list[str], list[list[str]]]:
    """Return the head and the rows of the table of a curve."""
    head = [*(column.text(language) for column in _COLUMNS), ""]
    mark = _CHOSEN.text(language)
    return head, [[*stage.cells, mark if at == chosen else ""] for at, stage in enumerate(stages)]


def curve_page(
    stages: Sequence[Stage],
    chosen: int,
    barriers: Barriers,
    *,
    title: str = "",
    language: Language | None = None,
) -> str:
    """Return a page with the curve, its table, and a map of each point on which what changes hands is hatched.

    Parameters
    ----------
    stages : sequence of Stage
    chosen : int
    barriers : Barriers
        In the working CRS of the blocks.
    title : str
    language : {"en", "zh"}, optional
    """
    tongue = language or current_language()
    heading = f"{_TITLE.text(tongue)} {title}".strip()
    shapes = [in_metres(stage.draft.blocks, barriers.lines.crs) for stage in stages]
    sheet = Sheet.around(np.concatenate(shapes))
    head, rows = curve_table(stages, chosen, tongue)
    figures = []
    for stage, blocks in zip(stages, shapes, strict=True):
        caption = ", ".join(f"{name} {cell}" for name, cell in zip(head[:4], stage.cells[:4], strict=True))
        serials = stage.draft.blocks["serial"].astype(str).tolist()
        drawn = sheet.map(blocks, serials, label=caption, moved=stage.draft.moved_ground)
        figures.append(f"<figure>{drawn}<figcaption>{escape(caption)}</figcaption></figure>")
    body = [
        f"<h1>{escape(heading)}</h1><p>{escape(_ABOUT.text(tongue))}</p>",
        _chart(stages, chosen, tongue),
        table_of(head, rows, chosen=chosen),
        sheet.barriers(barriers, shapes[0]),
        f'<h2></h2><div class="maps">{"".join(figures)}</div>',
    ]
    return document(heading, "\n".join(body), style=PAGE_STYLE + MAP_STYLE, language=tongue)


def _chart(stages: Sequence[Stage], chosen: int, language: Language) -> str:
    """Return the curve: workload moved to the right, price of borders upwards."""
    width, height, left, low = 640.0, 300.0, 90.0, 250.0
    most = max(max(stage.moved for stage in stages), 1e-6) * 1.1
    dear = max(stage.border for stage in stages)
    cheap = min(stage.border for stage in stages)
    span = max(dear - cheap, 0.02 * max(dear, 1.0)) * 1.2

    def place(stage: Stage) -> tuple[float, float]:
        right = left + (width - left - 30) * stage.moved / most
        return right, low - (low - 30) * (stage.border - cheap + 0.1 * span) / span

    ordered = sorted(stages, key=lambda stage: (stage.moved, -stage.border))
    line = "L".join("{:.1f} {:.1f}".format(*place(stage)) for stage in ordered)
    dots = []
    for at, stage in enumerate(stages):
        x, y = place(stage)
        sort = "dot chosen" if at == chosen else "dot"
        dots.append(
            f'<circle class="{sort}" cx="{x:.1f}" cy="{y:.1f}" r="6"/>'
            f'<text class="tick" x="{x + 9:.1f}" y="{y - 7:.1f}">{stage.price:g}</text>'
        )
    ticks = []
    for share in (0.0, 0.5, 1.0):
        x = left + (width - left - 30) * share / 1.1
        ticks.append(
            f'<text class="tick" text-anchor="middle" x="{x:.1f}" y="{low + 20}">{share * most / 1.1:.1%}</text>'
        )
    for value in (cheap, dear):
        y = low - (low - 30) * (value - cheap + 0.1 * span) / span
        ticks.append(f'<text class="tick" text-anchor="end" x="{left - 8}" y="{y + 4:.1f}">{value:,.0f}</text>')
    return (
        f'<figure class="chart"><svg viewBox="0 0 {width:.0f} {height:.0f}" role="img"'
        f' aria-label="{escape(_TITLE.text(language))}"><path class="axis" d="M{left} 20V{low}H{width - 20}"/>'
        f'<path class="curve" d="M{line}"/>{"".join(dots)}{"".join(ticks)}'
        f'<text class="tick" x="{width - 20}" y="{low + 40}" text-anchor="end">{escape(_ACROSS.text(language))}</text>'
        f'<text class="tick" x="8" y="14">{escape(_UP.text(language))}</text></svg></figure>'
    )
