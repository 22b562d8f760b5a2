"""Copies: polygons that are there several times. One of them stays, the others are dropped.

Who is locked stays, else the first. Validation and mending know of each such polygon only the first; where another one
stays, the first stands for it under its name, locked as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.coverage import equal_polygons
from gridgeo.language import Message
from gridgeo.repair.decide import LOCKED
from gridgeo.repair.orders import Orders
from gridgeo.repair.plan import Action, Left, Transfer
from gridgeo.repair.tiling import feature_of
from gridgeo.validate.subject import Subject

_COPY = Message("It is the same polygon as {first}, which stays.", "与{first}是同一多边形，保留后者。")


@dataclass(frozen=True)
class Copies:
    """The copies among the features of a subject.

    Parameters
    ----------
    subject : Subject
    locked : frozenset of int
        Features that never change.
    between : ndarray of int or None
        Of each feature: copies within one of these groups are left to others.
    """

    subject: Subject
    locked: frozenset[int]
    between: npt.NDArray[np.int64] | None = None

    @cached_property
    def _groups(self) -> list[tuple[int, list[int]]]:
        """Each polygon that is there several times: who stays, and all who have it."""
        groups = equal_polygons(self.subject.polygons, self.subject.boxes)
        return [(next((k for k in group if k in self.locked), group[0]), list(group)) for group in groups]

    @property
    def stand_ins(self) -> dict[int, int]:
        """Those who stand for another that stays, by index."""
        return {group[0]: stays for stays, group in self._groups if stays != group[0]}

    def standing(self) -> Subject:
        """Return the subject in which each that stays has the place of the first."""
        if not self.stand_ins:
            return self.subject
        subject, index = self.subject, np.arange(len(self.subject.polygons))
        for first, stays in self.stand_ins.items():
            index[[first, stays]] = index[[stays, first]]
        return replace(subject, layer=subject.layer[index], id=subject.id[index], name=subject.name[index])

    def dropped(self, orders: Orders) -> tuple[list[Action], list[int]]:
        """Return the actions that drop copies, and which are dropped."""
        subject, actions, gone = self.subject, [], []
        pairs = [(stays, copy) for stays, copy in self._pairs() if copy not in self.locked]
        areas, _ = subject.areas_and_lengths(subject.polygons[[copy for _, copy in pairs]])
        for (stays, copy), area in zip(pairs, areas.tolist(), strict=True):
            shape, pair = subject.polygons[copy], (feature_of(subject, stays), feature_of(subject, copy))
            do = not orders.refuse("drop", pair)
            actions.append(
                Action(
                    0,
                    "duplicate-polygon",
                    None,
                    pair,
                    shape.representative_point(),
                    "drop",
                    _COPY,
                    winner=pair[0],
                    transfers=tuple(Transfer(part, area, pair[1], None) for part in shapely.get_parts(shape)[:1]),
                    do=do,
                    values={"first": subject.name[stays]},
                )
            )
            gone += [copy] if do else []
        return actions, gone

    def left(self) -> list[Left]:
        """Name the copies that stay because they are locked, as the one is of which they are copies."""
        subject = self.subject
        return [
            Left(
                "duplicate-polygon",
                None,
                (feature_of(subject, stays), feature_of(subject, copy)),
                subject.polygons[copy].representative_point(),
                LOCKED,
            )
            for stays, copy in self._pairs()
            if copy in self.locked
        ]

    def _pairs(self) -> Iterator[tuple[int, int]]:
        """Return who stays, with each copy, in the order of the copies."""
        pairs = [(copy, stays) for stays, group in self._groups for copy in group if copy != stays]
        for copy, stays in sorted(pairs):
            if self.between is None or self.between[copy] != self.between[stays]:
                yield stays, copy
