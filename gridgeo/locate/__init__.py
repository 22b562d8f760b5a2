"""Which block a point lies in, with all its grids: for a case that somebody calls in, or for a table of a thousand."""

from __future__ import annotations

from gridgeo.locate.places import Location, Unit, locate_points
from gridgeo.locate.points import Points, one_point, read_points

__all__ = ["Location", "Points", "Unit", "locate_points", "one_point", "read_points"]
