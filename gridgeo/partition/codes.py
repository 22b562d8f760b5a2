"""Codes: how blocks are numbered and named.

Unit-grid numbering: division 6 + town 3 + committee 3 + serial 3 digits. The serial runs west to east, then north to
south within a grid. Precisely: a block counts where its representative point lies (a point inside it, halfway along
its middle line), in the working CRS, rounded to whole metres. Blocks are sorted by its easting; equal eastings by
northing, the northern one first; blocks equal in both by where they begin in the west (sections that cross have that
point in common), by the exact coordinates and last by their area, the larger first.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from gridgeo.errors import InputError, Problem
from gridgeo.language import Message
from gridgeo.network import Geometries, Integers

GRID_DIGITS = 12
"""Digits of the id of a committee's grid in unit-grid numbering."""


def serial_order(blocks: Sequence[object] | Geometries) -> Integers:
    """Return the order of blocks by serial: west to east, then north to south.

    Examples
    --------
    >>> east, west, south = shapely.box(9, 0, 10, 9), shapely.box(0, 5, 9, 9), shapely.box(0, 0, 9, 5)
    >>> serial_order([east, south, west]).tolist()
    [2, 1, 0]
    """
    shapes = np.asarray(blocks, dtype=object)
    spots = shapely.get_coordinates(shapely.point_on_surface(shapes))
    metres = np.rint(spots)
    # streets that cross have their point in common: the one that begins further west comes first
    begin = np.rint(shapely.bounds(shapes)[:, 0])
    keys = (-shapely.area(shapes), -spots[:, 1], spots[:, 0], begin, -metres[:, 1], metres[:, 0])
    return np.lexsort(keys).astype(np.int64)


def block_code(grid: str, serial: int, *, prefix: str = "") -> str:
    """Return the code of a block: 15 digits where the grid's id has 12.

    ``prefix`` (the key of a layer) keeps codes apart where two layers use the same grid id.

    Examples
    --------
    >>> block_code("310112114001", 2), block_code("7", 2), block_code("7", 2, prefix="villages")
    ('310112114001002', '7-002', 'villages-7-002')
    """
    if not prefix and len(grid) == GRID_DIGITS and grid.isascii() and grid.isdigit():
        return f"{grid}{serial:03d}"
    return f"{prefix}-{grid}-{serial:03d}" if prefix else f"{grid}-{serial:03d}"


def block_name(grid_name: str, serial: int, count: int) -> str:
    """Return the name of a block: its grid's own name where it is the only one.

    Examples
    --------
    >>> block_name("杜行居委会", 2, 3), block_name("杜行居委会", 1, 1)
    ('杜行居委会 第2责任块', '杜行居委会')
    """
    return grid_name if count == 1 else f"{grid_name} 第{serial}责任块"


def section_code(block: str, serial: int) -> str:
    """Return the code of a section of a street block.

    Examples
    --------
    >>> section_code("310112114401001", 3)
    '310112114401001-03'
    """
    return f"{block}-{serial:02d}"


def section_name(block_name: str, serial: int) -> str:
    """Return the name of a section.

    Examples
    --------
    >>> section_name("街面1号巡区", 3)
    '街面1号巡区 第3路段'
    """
    return f"{block_name} 第{serial}路段"


DIGITAL_COMMUNITY = "digital-community"
"""Template of the 20-digit scheme."""
_FIELDS = frozenset({"town", "grid", "serial", "object"})
_BAD_TEMPLATE = Message(
    "the template {template!r} must be made of {{town}}, {{grid}}, {{object}} and {{serial}}, with {{serial}} and"
    ' {{grid}} in it, such as "{{grid}}{{serial:03}}" ({reason})',
    "模板“{template}”只能用 {{town}}、{{grid}}、{{object}}、{{serial}}，且须含 {{serial}} 与 {{grid}}，"
    "如“{{grid}}{{serial:03}}”（{reason}）",
)
_LONG = Message(
    "serial {serial} of grid {grid} does not fit {digits} digits; ask for fewer blocks or another scheme",
    "网格 {grid} 的顺序号 {serial} 超过 {digits} 位；请减少块数或更换编码方案",
)
_CODE_TWICE = Message(
    "two blocks would have the code {code}; give grids ids of their own, or a template that tells them apart",
    "两个责任块的编码都会是 {code}；请使网格编号唯一，或改用能区分它们的模板",
)
_BAD_OBJECT = Message("object must be 6 digits, not {value}", "管理对象代码应为 6 位数字，而非 {value}")
_BAD_GRID = Message(
    "grid {grid} has no 12-digit id (division 6 + town 3 + committee 3), which this scheme needs",
    "网格 {grid} 的编号不是 12 位（区划 6 + 镇 3 + 居村 3），不能用此方案",
)


@dataclass(frozen=True)
class CodeScheme:
    """How codes are written.

    Parameters
    ----------
    template : str
        Empty for unit-grid numbering (see `block_code`); ``"digital-community"`` for the 20 digits of CJ/T 349-2010:
        object 6 + division 6 + town 3 + committee 3 + serial 2, serial 00 where a committee is not divided; else free
        text with ``{town}``, ``{grid}``, ``{object}`` and ``{serial}``, such as ``"{grid}{serial:03}"``.
    object : str
        The six digits of what is managed, for ``digital-community``.

    Raises
    ------
    InputError
        When the template names anything else, or can't tell blocks apart.

    Examples
    --------
    >>> CodeScheme().code("310112114001", 2)
    '310112114001002'
    >>> CodeScheme("digital-community", object="010100").code("310112114001", 2)
    '01010031011211400102'
    >>> CodeScheme("MH-{grid}/{serial:02}").code("7", 2)
    'MH-7/02'
    """

    template: str = ""
    object: str = ""

    def __post_init__(self) -> None:
        """Refuse what can't be written."""
        if self.template == DIGITAL_COMMUNITY:
            if len(self.object) != 6 or not (self.object.isascii() and self.object.isdigit()):
                raise InputError(Problem("code", _BAD_OBJECT, {"value": self.object or "-"}))
            return
        if not self.template:
            return
        reason = ""
        try:
            fields = {name for _, name, _, _ in string.Formatter().parse(self.template) if name is not None}
            if not {"grid", "serial"} <= fields <= _FIELDS:
                reason = ", ".join(sorted(fields ^ {"grid", "serial"}))
            else:
                self.template.format(town="", grid="", object="", serial=1)
        except (ValueError, IndexError, KeyError) as error:
            reason = str(error)
        if reason:
            raise InputError(Problem("code", _BAD_TEMPLATE, {"template": self.template, "reason": reason}))

    def code(self, grid: str, serial: int, *, town: str = "", divided: bool = True, prefix: str = "") -> str:
        """Return the code of a block.

        ``divided`` says whether its grid has several; ``prefix`` keeps codes of `UNIT_GRID` apart where two layers use
        the same grid id.
        """
        if self.template == DIGITAL_COMMUNITY:
            if len(grid) != GRID_DIGITS or not (grid.isascii() and grid.isdigit()):
                raise InputError(Problem(f"grid {grid}", _BAD_GRID, {"grid": grid}))
            if serial > 99:
                raise InputError(Problem(f"grid {grid}", _LONG, {"grid": grid, "serial": serial, "digits": 2}))
            return f"{self.object}{grid}{serial if divided else 0:02d}"
        if not self.template:
            if serial > 999 and len(grid) == GRID_DIGITS:
                raise InputError(Problem(f"grid {grid}", _LONG, {"grid": grid, "serial": serial, "digits": 3}))
            return block_code(grid, serial, prefix=prefix)
        return self.template.format(town=town, grid=grid, serial=serial, object=self.object)


def check_codes(codes: Sequence[str]) -> None:
    """Raise `InputError` where a code occurs twice: templates may leave out what tells grids apart."""
    seen: set[str] = set()
    for code in codes:
        if code in seen:
            raise InputError(Problem("code", _CODE_TWICE, {"code": code}))
        seen.add(code)


UNIT_GRID = CodeScheme()
"""Division 6 + town 3 + committee 3 + serial 3."""
