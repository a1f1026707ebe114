"""The zoo's networks, each built and counted once for all tests."""

from __future__ import annotations

import functools

from opscope.cost import Cost, count
from opscope.graph import Graph
from opscope.testing import graphs


@functools.cache
def graph_of(network: str, *, batch: int = 1) -> Graph:
    """Return the graph of a network, named without its kind."""
    return graphs.graph_of(f"zoo:{network}", batch=batch)


@functools.cache
def cost_of(network: str) -> Cost:
    """Return what a network, named without its kind, costs at batch 1."""
    return count(graph_of(network))
