"""Lengths and rules of the template of notices that are reckoned with before it sets anything.

They stand in ``notice.typ`` as well: who changes one there changes it here.
"""

from __future__ import annotations

LEADING_OF_SIZE = 0.32
LEADING = LEADING_OF_SIZE * 13.0
"""Points between texts below one another; lines of one text may stand closer by its size."""
KERNING, SURELY = 0.97, 0.985
"""Share of its advances that text takes at least, where letters are moved together, and the share of a room that the
advances may fill where text surely stays on one line."""
GUTTER, TERSE_GUTTER = 5.0, 3.0
"""Millimetres between officers beside one another."""
BESIDE_PHOTO = 3.0
"""Millimetres between an officer's photo and the words."""
BESIDE_HEAD, AROUND_HEAD = 7.0, 2 * 4.0
"""Millimetres between the head's card and the officers, and within the card above and below all of it."""
LITTLE_MAP = 54.0
"""Millimetres that the little map of the town is wide."""
