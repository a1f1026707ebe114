"""Conventions: what publications mean by MACs, operations and parameters, as functions.

Each takes a network's graph and cost and returns a number to hold against a published one. A
convention that depends on numbers, such as operations per element, is a function that makes one.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from opscope.cost import Cost
from opscope.graph import Graph

Convention = Callable[[Graph, Cost], int]

# --- Of work -----------------------------------------------------------------------------------


def plain_macs(_: Graph, cost: Cost) -> int:
    """Multiply-accumulates, 1 each: what opscope calls MACs."""
    return cost.macs


def two_per_mac(_: Graph, cost: Cost) -> int:
    return 2 * cost.macs


def two_per_mac_and_biases(_: Graph, cost: Cost) -> int:
    """Two operations for each MAC and one for each bias added."""
    biased = [layer for layer in cost.layers if layer.operator in {"Conv", "Gemm"}]
    return 2 * cost.macs + sum(math.prod(layer.outputs[0]) for layer in biased)


def macs_and_elements(**operations: int) -> Convention:
    """Return MACs plus ``operations`` for each element that an operator of that name reads."""

    def counted(_: Graph, cost: Cost) -> int:
        return cost.macs + sum(
            operations.get(layer.operator, 0) * math.prod(layer.inputs[0]) for layer in cost.layers
        )

    return counted


# --- Of parameters -----------------------------------------------------------------------------


def trainable(_: Graph, cost: Cost) -> int:
    """Trainable parameters, as PyTorch counts them: what opscope calls parameters."""
    return cost.parameters


def with_statistics(graph: Graph, _: Cost) -> int:
    """Parameters and the mean and variance of each BatchNorm channel, as Keras counts them."""
    return graph.parameters


def with_statistics_without_scales(graph: Graph, cost: Cost) -> int:
    return with_statistics(graph, cost) - batch_norm_channels(graph)


def batch_norm_folded(graph: Graph, cost: Cost) -> int:
    """One bias per channel in place of a BatchNorm's scale, bias, mean and variance."""
    return with_statistics(graph, cost) - 3 * batch_norm_channels(graph)


def one_gru_bias(graph: Graph, cost: Cost) -> int:
    """Like ``with_statistics``, but three biases per GRU unit where ONNX has six.

    ONNX has separate biases for the input and the recurrence; TensorFlow adds one to their sum.
    """
    six = sum(w.size for w in graph.weights if w.name.startswith("gru") and ".bias" in w.name)
    return with_statistics(graph, cost) - six // 2


def batch_norm_channels(graph: Graph) -> int:
    return sum(w.size for w in graph.weights if w.name.endswith(".scale"))
