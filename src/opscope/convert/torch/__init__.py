"""Graph → `torch.nn.Module`, as a user of the framework would run it; nothing is fused.

PyTorch is imported by the modules below, and these only inside functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opscope.graph import Graph

Sources = Mapping[str, tuple[str, ...]]
"""The ONNX nodes behind each node of an fx graph, by its name."""


def as_module(graph: Graph, seed: int) -> Any:
    """Return a graph as a `torch.fx.GraphModule` in inference mode, weights drawn from ``seed``.

    Each ONNX node becomes the framework's own module (Conv2d, BatchNorm2d, ReLU6, Hardswish) or,
    where it has none, a call of a function (add, cat), in the graph's order and under the node's
    name. Sigmoid and Mul of the same tensor become one SiLU, HardSigmoid and Mul one Hardswish:
    nobody writes these pairs out. The call's arguments are the graph's inputs, in order; it returns
    a tuple of its outputs. ``meta["sources"]`` of a node of its ``graph`` names the ONNX nodes
    behind it, ``meta["shape"]`` the shape of what it yields.

    Raises:
        UnsupportedWorkload: If a node has no form here; it names node and operator.
        PlatformError: If the module has not as many operators with MACs as the graph.
    """
    from opscope.convert.torch.assembly import assemble

    return assemble(graph, seed)


def sources_of(module: Any) -> Sources:
    """Return the ONNX nodes behind each node of what `as_module` returned."""
    return {node.name: node.meta.get("sources", ()) for node in module.graph.nodes}
