"""The search for blocks: a graph of atoms in, the block of each atom out, and how sure it is that none is better."""

from __future__ import annotations

from gridgeo.partition.search.answer import Answer
from gridgeo.partition.search.problem import Aim, Graph, Rules
from gridgeo.partition.search.solve import search

__all__ = ["Aim", "Answer", "Graph", "Rules", "search"]
