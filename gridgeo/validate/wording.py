"""How a report words sizes, names, places and reasons: kept as they are until the language of the reader is known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import shapely

from gridgeo.language import Language, Message, current_language

Box = tuple[float, ...]
"""West, south, east and north."""

MOST_NAMES = 6
"""Features named in a sentence; the record lists all."""


class Worded(Protocol):
    """Something that is put into words when it is shown."""

    def text(self, language: Language | None = None) -> str:
        """Return it in words."""
        ...


def worded(value: object, language: Language | None) -> object:
    """Return ``value`` in words where it has any, else as it is."""
    return value.text(language) if hasattr(value, "text") else value


_M2 = Message("{n} m²", "{n} 平方米")
_KM2 = Message("{n} km²", "{n} 平方千米")
_CM2 = Message("{n} cm²", "{n} 平方厘米")
_TINY_AREA = Message("less than 1 cm²", "不足 1 平方厘米")
_M = Message("{n} m", "{n} 米")
_CM = Message("{n} cm", "{n} 厘米")
_MM = Message("{n} mm", "{n} 毫米")
_TINY = Message("less than 0.001 mm", "不足 0.001 毫米")


@dataclass(frozen=True)
class Area:
    """An area in square metres.

    Examples
    --------
    >>> [Area(size).text("en") for size in (12_345_678, 1234.5, 1.25, 0.0042, 1e-9)]
    ['12.346 km²', '1,234 m²', '1.25 m²', '42 cm²', 'less than 1 cm²']
    """

    square_metres: float

    def text(self, language: Language | None = None) -> str:
        """Return the area in the unit that suits its size."""
        size = self.square_metres
        if size >= 1e6:
            return _KM2.text(language, n=f"{size / 1e6:,.3f}")
        if size >= 0.01:
            return _M2.text(language, n=f"{size:,.0f}" if size >= 100 else f"{size:,.2f}")
        return _CM2.text(language, n=f"{size * 1e4:.2g}") if size >= 1e-4 else _TINY_AREA.text(language)


@dataclass(frozen=True)
class Width:
    """A width or distance in metres.

    Examples
    --------
    >>> [Width(size).text("en") for size in (1234.5, 12.345, 0.0123, 0.00042, 1e-9)]
    ['1,234 m', '12.3 m', '1.2 cm', '0.42 mm', 'less than 0.001 mm']
    """

    metres: float

    def text(self, language: Language | None = None) -> str:
        """Return the width in the unit that suits its size."""
        size = self.metres
        if size >= 1:
            return _M.text(language, n=f"{size:,.0f}" if size >= 100 else f"{size:.3g}")
        if size >= 0.01:
            return _CM.text(language, n=f"{size * 100:.2g}" if size < 0.0995 else f"{size * 100:.0f}")
        return _MM.text(language, n=f"{size * 1000:.2g}") if size >= 1e-6 else _TINY.text(language)


def percent(share: float) -> str:
    """Return a share in percent, rounded down so that 0.8999 doesn't read as the 90 % that it isn't.

    Examples
    --------
    >>> percent(0.8999), percent(0.9)
    ('89.9 %', '90 %')
    """
    return f"{math.floor(share * 1000 + 1e-6) / 10:g} %"


_AND = Message("{first} and {last}", "{first}和{last}")
_AND_MORE = Message("{first} and {count} more", "{first}和另外 {count} 个")
_NOBODY = Message("no polygon", "（旁边没有多边形）")


@dataclass(frozen=True)
class Names:
    """Names of features, as a list in words.

    Examples
    --------
    >>> Names(("a", "b", "c")).text("en"), Names(("甲", "乙", "丙")).text("zh")
    ('a, b and c', '甲、乙和丙')
    """

    names: tuple[str | Worded, ...]

    def text(self, language: Language | None = None) -> str:
        """Return the names, the first `MOST_NAMES` of them."""
        if not self.names:
            return _NOBODY.text(language)
        names = [str(worded(name, language)) for name in self.names]
        between = "、" if (language or current_language()) == "zh" else ", "
        if len(names) == 1:
            return names[0]
        if len(names) > MOST_NAMES:
            shown = MOST_NAMES - 1
            return _AND_MORE.text(language, first=between.join(names[:shown]), count=len(names) - shown)
        return _AND.text(language, first=between.join(names[:-1]), last=names[-1])


_IN = (
    (
        Message("in the south-west of {name}", "{name}西南部"),
        Message("in the south of {name}", "{name}南部"),
        Message("in the south-east of {name}", "{name}东南部"),
    ),
    (
        Message("in the west of {name}", "{name}西部"),
        Message("in the middle of {name}", "{name}中部"),
        Message("in the east of {name}", "{name}东部"),
    ),
    (
        Message("in the north-west of {name}", "{name}西北部"),
        Message("in the north of {name}", "{name}北部"),
        Message("in the north-east of {name}", "{name}东北部"),
    ),
)


@dataclass(frozen=True)
class Part:
    """A part of a feature: its north-east, its middle.

    Parameters
    ----------
    name : str or Worded
        What the feature is called.
    row, column : int
        0 to 2 from the south and from the west.
    """

    name: str | Worded
    row: int
    column: int

    def text(self, language: Language | None = None) -> str:
        """Return the part in words."""
        return _IN[self.row][self.column].text(language, name=worded(self.name, language))


def part_of(name: str | Worded, box: Box, place: Box) -> Part:
    """Return the part of the feature in a box that the middle of the box ``place`` lies in, by thirds.

    Examples
    --------
    >>> part_of("a", (0, 0, 9, 9), (8, 8, 8, 8)).text("en")
    'in the north-east of a'
    """
    left, bottom, right, top = box
    west, south, east, north = place
    across = ((west + east) / 2 - left) / max(right - left, 1e-300) * 3
    up = ((south + north) / 2 - bottom) / max(top - bottom, 1e-300) * 3
    return Part(name, int(min(max(up, 0), 2)), int(min(max(across, 0), 2)))


# What GEOS says of invalid polygons, in words for people who draw them
_REASONS = {
    "Self-intersection": Message("its border crosses itself", "边界自相交"),
    "Ring Self-intersection": Message("its border touches itself", "边界自相接"),
    "Too few points in geometry component": Message(
        "a part of it has too few corners to be an area", "有一部分顶点过少，不构成面"
    ),
    "Hole lies outside shell": Message("a hole lies outside its outer border", "有内孔位于外边界之外"),
    "Holes are nested": Message("a hole lies inside another hole", "内孔相互嵌套"),
    "Interior is disconnected": Message("holes cut it in two", "内孔把它分成两块"),
    "Nested shells": Message("one of its parts lies inside another", "有一部分位于另一部分之内"),
    "Duplicate Rings": Message("a part of it is drawn twice", "有一部分重复绘制"),
    "Ring is not closed": Message("its border is not closed", "边界未闭合"),
    "Invalid Coordinate": Message("a coordinate is no number", "坐标不是有效数字"),
}
CROSSING = "Self-intersection"


def reason_of(said: str) -> tuple[Worded | str, shapely.Point | None]:
    """Return in words, with the place, what GEOS says of an invalid geometry.

    Examples
    --------
    >>> reason, place = reason_of("Self-intersection[1.5 1]")
    >>> reason.text("en"), place.x
    ('its border crosses itself', 1.5)
    """
    reason, _, place = said.partition("[")
    try:
        x, y = (float(number) for number in place.rstrip("]").split()[:2])
        point = shapely.Point(x, y)
    except ValueError:
        point = None
    if point is not None and not shapely.is_valid(point):
        point = None
    return _REASONS.get(reason, reason), point
