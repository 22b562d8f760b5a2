"""Coverage: the kernel that tells what is wrong with a layer of polygons, exactly and in one pass.

Theory. Orient every edge with its polygon's interior on the left and add all edges up. Where two neighbours share an
edge, its two copies run in opposite directions and cancel. What is left is the residual, and its winding number at a
place is the number of polygons that cover the place. So overlaps, gaps and badly noded borders are properties of the
residual alone, which in a sound layer is just its outer border. Cancelled pairs need no geometry, and tell which
polygons are neighbours.

Cost. One sort of 64-bit words for the whole layer; geometry for the residual only; exact fractions for the doubtful
few.

The parts, in the order in which they work: ``_edges`` (polygons as arrays), ``_cancel``, ``_residual`` (what is
left), ``_interactions`` (who crosses whom), ``_winding`` (rays) and ``_verdict``; for the faces ``_arrangement`` (cut
and trace), ``_labels`` (who covers what), ``_rings`` (valid polygons) and ``_faces``. ``_orientation``, ``_boxes`` and
``_repeats`` serve them all; ``_compiled`` has the inner loops once more for large layers, and ``_engine`` decides who
works.

Limits. Polygons must be valid (a ring that crosses itself does no harm, but its faces mean little); at most 2^31
vertices; coordinates are planar. There is no tolerance: a border that is off by one unit in the last place is a fault
here, and it is for the caller to say which faults are too small to matter.
"""

from gridgeo.coverage._analysis import Adjacency, CoverageAnalysis, MissingVertices, analyse, compile_loops
from gridgeo.coverage._boxes import pairs_of_boxes
from gridgeo.coverage._circles import inscribed_radii
from gridgeo.coverage._edges import Edges, extract_edges
from gridgeo.coverage._edit import Editable, Edited
from gridgeo.coverage._faces import Faces
from gridgeo.coverage._repeats import equal_polygons, repeated_rows
from gridgeo.coverage._residual import Residual
from gridgeo.coverage._soundness import sharp_corners, surely_sound
from gridgeo.coverage._strips import bounds_of_segments, strips_in_the_west, sum_of_strips_in_the_west

__all__ = [
    "Adjacency",
    "CoverageAnalysis",
    "Edges",
    "Editable",
    "Edited",
    "Faces",
    "MissingVertices",
    "Residual",
    "analyse",
    "bounds_of_segments",
    "compile_loops",
    "equal_polygons",
    "extract_edges",
    "inscribed_radii",
    "pairs_of_boxes",
    "repeated_rows",
    "sharp_corners",
    "strips_in_the_west",
    "sum_of_strips_in_the_west",
    "surely_sound",
]
