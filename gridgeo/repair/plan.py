"""The plan of a repair: which regions change hands, why, and what can't be mended safely.

Every mend is one of a few steps that keep a coverage a coverage. A region passes from one feature to another, or from
nobody, or to nobody; a vertex is inserted on a border without moving it. So the areas given and taken add up by
construction, both sides of a border move at once, and the plan says all there is to say before anything is written.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import pyproj
import shapely

from gridgeo.language import Language, Message
from gridgeo.validate.wording import worded

Rule = Literal[
    "barrier",
    "priority",
    "longest-border",
    "larger-area",
    "shortest-borders",
    "medial-line",
    "only-one",
    "larger-part",
    "chosen",
]
"""Why a feature was given a region: the barrier in it is its border, it (or its layer) has priority, it has the longest
border with the region, it is the largest, the borders of all overlaps that meet there come out shortest so, the region
is halved by its medial line, nobody else is there to take it, it holds the larger part of a block, or a person chose
it."""

Mend = Literal["cut", "fill", "split", "insert", "join", "smooth", "pass", "redraw", "drop", "align", "regroup"]
"""What an action does: cut a region off features, fill a gap into one, split a region among several, insert vertices
that one side lacks, join two borders that are nearly the same, take a spike off, pass a fragment to a neighbour,
redraw an invalid ring, drop a feature that is there twice, move a border onto a barrier, give a block whole to one
area of a service."""


class Feature(NamedTuple):
    """A feature: the key of its layer and its id."""

    layer: str
    id: str


@dataclass(frozen=True)
class Transfer:
    """A region that changes hands.

    Parameters
    ----------
    region : shapely.Polygon
        In the CRS of the plan.
    area : float
        Square metres.
    giver, taker : Feature or None
        Who covers it before and no longer after, and the other way round; None stands for nobody.
    """

    region: shapely.Polygon
    area: float
    giver: Feature | None
    taker: Feature | None


@dataclass(frozen=True)
class Action:
    """One thing that is done about one fault.

    Parameters
    ----------
    number : int
        From 1, in the order in which actions are taken.
    code, detail : str, str or None
        Of the fault that is mended; ``off-barrier`` for borders that are aligned.
    features : tuple of Feature
        All features of the fault.
    place : shapely.Point
        In the fault, in the CRS of the plan.
    mend : Mend
    rule : Rule or None
        Why `winner` was chosen; None where nothing was to be chosen.
    winner : Feature or None
        Who has the region afterwards, where it is one feature.
    alternatives : tuple of Feature
        Who could have been the winner instead.
    why : Message
        The reason in words, a sentence; `values` are its fields.
    transfers : tuple of Transfer
    inserted : int
        Vertices inserted without moving anything.
    moved : float
        Metres that a border moves at most.
    do : bool
        Whether it is carried out; a person may decide against it.
    values : dict
        Fields of ``why``.
    claim : str
        The claim of the town for which it is done; "" where layers are repaired by themselves.
    """

    number: int
    code: str
    detail: str | None
    features: tuple[Feature, ...]
    place: shapely.Point
    mend: Mend
    why: Message
    rule: Rule | None = None
    winner: Feature | None = None
    alternatives: tuple[Feature, ...] = ()
    transfers: tuple[Transfer, ...] = ()
    inserted: int = 0
    moved: float = 0.0
    do: bool = True
    values: dict[str, object] = field(default_factory=dict)
    claim: str = ""

    def reason(self, language: Language | None = None) -> str:
        """Return why it is done this way, in a sentence."""
        return self.why.text(language, **{key: worded(value, language) for key, value in self.values.items()})


@dataclass(frozen=True)
class Left:
    """A fault that is left as it is, because it can't be mended safely.

    Parameters
    ----------
    code, detail : str, str or None
    features : tuple of Feature
    place : shapely.Point or None
    why : Message
        The reason in words; `values` are its fields.
    claim : str
        The claim of the town that it breaks; "" where layers are repaired by themselves.
    """

    code: str
    detail: str | None
    features: tuple[Feature, ...]
    place: shapely.Point | None
    why: Message
    values: dict[str, object] = field(default_factory=dict)
    claim: str = ""

    def reason(self, language: Language | None = None) -> str:
        """Return why it is left, in a sentence."""
        return self.why.text(language, **{key: worded(value, language) for key, value in self.values.items()})


@dataclass(frozen=True)
class Plan:
    """What a repair does, complete: carried out on the same layers it gives the same result.

    Parameters
    ----------
    actions : tuple of Action
    left : tuple of Left
    crs : pyproj.CRS
        Of all geometries: that of the layers.
    options : dict
        Plain data: the options under which the plan was made; they are used again when it is applied.
    fingerprints : dict of str to str
        SHA-256 of ids and geometries of each layer before the repair: a plan fits no other layers.
    before : dict of Feature to bytes
        WKB of every feature that the applied plan changed or dropped; empty until it is applied. With it a repair is
        undone to the bit.
    dropped : dict of Feature to dict
        Of the features among them that the applied plan dropped: "position" in the layer, "columns" with the other
        values of the row.
    planned : int
        How many actions there were before anybody edited the plan: those that are not there any more are not done.
    """

    actions: tuple[Action, ...]
    left: tuple[Left, ...]
    crs: pyproj.CRS
    options: dict[str, Any] = field(default_factory=dict)
    fingerprints: dict[str, str] = field(default_factory=dict)
    before: dict[Feature, bytes] = field(default_factory=dict)
    dropped: dict[Feature, dict[str, Any]] = field(default_factory=dict)
    planned: int = 0
