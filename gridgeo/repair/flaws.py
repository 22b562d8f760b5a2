"""Flaws in words: what would become of features by each way to mend a fault that was tried and taken back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gridgeo.language import Language, Message, current_language
from gridgeo.repair.decide import Refusal
from gridgeo.repair.exchange import Flaw

_WHY = Message("no way to mend it comes out well: {flaws}", "各种修复方式均不可行：{flaws}")
_FLAWS: dict[Flaw, Message] = {
    "emptied": Message("{name} would lose all of its area", "{name}会失去全部面积"),
    "divided": Message("{name} would be cut in two", "{name}会断开"),
    "slender": Message(
        "{name} would be left with a spike or a strip narrower than 1 m", "{name}会留下尖刺或不足 1 m 宽的窄条"
    ),
    "twin": Message("{name} would become the same as another feature", "{name}会与另一要素重合"),
}
_MOST = 4


@dataclass(frozen=True)
class _Said:
    """What would become of which features."""

    flaws: tuple[tuple[Flaw, str], ...]

    def text(self, language: Language | None = None) -> str:
        """Return it in words."""
        between = "；" if (language or current_language()) == "zh" else "; "
        return between.join(_FLAWS[flaw].text(language, name=name) for flaw, name in self.flaws)


def badly(flaws: Iterable[tuple[int, Flaw]], names: Sequence[str]) -> Refusal:
    """Return the refusal to mend a fault, for what would become of some polygons by the ways that were tried.

    Parameters
    ----------
    flaws : iterable of tuple of int and Flaw
        Polygons, each with how it would come out.
    names : sequence of str
        Of all polygons.
    """
    return Refusal(_WHY, {"flaws": _Said(tuple((flaw, str(names[k])) for k, flaw in flaws)[:_MOST])})
