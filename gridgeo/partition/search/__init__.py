"""The search for blocks: a graph of atoms in, the block of each atom out."""

from __future__ import annotations

from gridgeo.partition.search.problem import Aim, Graph, Rules
from gridgeo.partition.search.solve import search

__all__ = ["Aim", "Graph", "Rules", "search"]
