"""Coordinate reference systems: a metric working CRS through the town, CGCS2000, GCJ-02 and BD-09."""
