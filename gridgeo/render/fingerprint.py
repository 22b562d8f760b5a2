"""Fingerprints: what a notice says and shows, as a number, so that only what has changed is made again.

A notice depends on its words and photos, on the block itself, and on all that its map's window shows. The window is as
large as the words leave room for: with the same words and the same block it is the same, so it is kept with the
fingerprint, and what lies in it now is compared with what lay in it then. Nothing need be measured or drawn for that.

A notice bears a short mark of its fingerprint. A board whose mark is no longer that of the notice is out of date.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import is_dataclass
from functools import cache, cached_property
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.render.notice import Notice
from gridgeo.render.scene import Features, Scene
from gridgeo.render.sheet import Sheet
from gridgeo.render.template import read_template

Bounds = tuple[float, float, float, float]
_MAKERS = ("gridgeo", "typst", "pylopdf-fonts-zh-cn", "shapely", "pillow")
"""What else decides on the bytes of a notice: another version may set or draw it otherwise."""


class Fingerprints:
    """The fingerprints of one town's notices; what notices share is looked at once."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._photos: dict[Path, str] = {}

    def of_words(self, notice: Notice, sheet: Sheet) -> str:
        """Return the fingerprint of all that a notice says, of its block, and of how it is set."""
        cards = [vars(card) | {"photo": self.of_photo(card.photo)} for card in (notice.head, *notice.officers)]
        words = vars(notice) | {"head": cards[0], "officers": cards[1:]}
        layout = vars(sheet) | {"paper": None}
        block = shapely.to_wkb(self._scene.areas.geometries[notice.index])
        return digest_of(self._common, json.dumps([words, layout], sort_keys=True, default=plain).encode(), block)

    def of_window(self, window: Bounds) -> str:
        """Return the fingerprint of what lies in a map's window, given in the working CRS."""
        box = shapely.box(*window)
        parts = []
        for features, prints in self._layers:
            near = features.near(box) if len(features.geometries) else []
            parts.append(prints[near].tobytes())
        return digest_of(*parts)

    @cached_property
    def _common(self) -> bytes:
        """What all notices of a town have in common."""
        scene = self._scene
        template = digest_of(*read_template(scene.town.publication.template).values()).encode()
        little_map = [scene.outline, *scene.main_roads, *scene.main_rivers]
        extent = () if scene.extent is None else scene.extent.bounds
        plain = repr((versions(), extent, scene.convergence, scene.theme)).encode()
        return digest_of(template, plain, *shapely.to_wkb(np.array(little_map, object)).tolist()).encode()

    @cached_property
    def _layers(self) -> list[tuple[Features, npt.NDArray[np.uint64]]]:
        """Every layer that a map draws, with a number for each of its features."""
        scene = self._scene
        blocks = list(zip(scene.colours, scene.grid_numbers.tolist(), scene.kinds, scene.grid_names, strict=True))
        layers = [(scene.areas, blocks), (scene.lines, None), (scene.surfaces, None)]
        lines = np.array([section.line for section in scene.sections], object)
        numbers = [f"{section.block} {section.number}" for section in scene.sections]
        layers.append((Features(lines, numbers), None))
        layers.append((scene.workstations, None))
        layers += [(scene.context[key], None) for key in sorted(scene.context)]
        return [(features, _numbers(features, more)) for features, more in layers]

    def of_photo(self, source: Path | None) -> str:
        """Return the fingerprint of a photo; "" for none."""
        if source is None:
            return ""
        if source not in self._photos:
            try:
                self._photos[source] = hashlib.sha256(source.read_bytes()).hexdigest()
            except OSError as error:  # the press says so
                self._photos[source] = f"{source}: {error}"
        return self._photos[source]


def plain(value: object) -> object:
    """Return what stands for a value in JSON: the fields of a record, the text of anything else."""
    return vars(value) if is_dataclass(value) else str(value)


def mark_of(words: str, shown: str) -> str:
    """Return the mark of a notice, short enough to be compared by eye.

    Examples
    --------
    >>> mark_of("1" * 64, "2" * 64)
    '1753-A926'
    """
    mark = digest_of(words.encode(), shown.encode())[:8].upper()
    return f"{mark[:4]}-{mark[4:]}"


def _numbers(features: Features, more: list[tuple[Any, ...]] | None) -> npt.NDArray[np.uint64]:
    """Return a number for each feature, of its shape and of all that decides on how it is drawn."""
    count = len(features.geometries)
    columns = [column for column in (features.names, features.ranks, features.levels, more) if column]
    plain = zip(*columns, strict=True) if columns else [()] * count
    numbers = np.empty(count, np.uint64)
    for k, (shape, values) in enumerate(zip(shapely.to_wkb(features.geometries), plain, strict=True)):
        digest = hashlib.blake2b(shape + repr(values).encode(), digest_size=8).digest()
        numbers[k] = int.from_bytes(digest, "big")
    return numbers


def digest_of(*parts: bytes) -> str:
    """Return one fingerprint of several parts; where one ends and the next begins counts too."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


@cache
def versions() -> tuple[str, ...]:
    """Return the versions of all that decides on the bytes of a notice."""
    found = []
    for name in _MAKERS:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:  # run from a source tree
            found.append(name)
    return tuple(found)
