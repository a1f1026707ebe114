"""What a runtime's steps are made of, and take, where order is all that it keeps of the graph."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import onnx
from msgspec.structs import replace

from opscope.graph import Graph
from opscope.platforms.execution import Seen

PRODUCTS = ("Conv", "ConvTranspose", "Gemm", "MatMul")
"""Operators that are products of matrices, as kernels of several types may be that compute them."""


def in_order(
    graph: Graph,
    operators: Sequence[tuple[str, ...]],
    weights: Sequence[int | None] = (),
) -> list[str]:
    """Return for each step the name of the node it is made of; empty where that is not sure.

    If there are as many steps as nodes of the same operators, each step is the next node, unless
    some step has another number of weights than its node. A BatchNorm of a product that nothing
    else takes is none of its own: every runtime folds it.

    Args:
        graph: The graph, whose nodes are in the order of execution.
        operators: Those that each step may be made of; none where it may be made of others.
        weights: How many weights each product has, where known.
    """
    nodes = _apart(onnx.ModelProto.FromString(graph.structure))
    sizes = {tensor.name: tensor.size for tensor in graph.weights}
    told = weights or [None] * len(operators)
    alike: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for number, kinds in enumerate(operators):
        alike[kinds].append(number)
    names = [""] * len(operators)
    for kinds, numbers in alike.items():
        found = [node for node in nodes if node.op_type in kinds]
        if len(found) == len(numbers) and all(
            told[number] in {None, _size(node, sizes)}
            for number, node in zip(numbers, found, strict=True)
        ):
            for number, node in zip(numbers, found, strict=True):
                names[number] = node.name
    return names


def chained(steps: Iterable[Seen]) -> list[Seen]:
    """Return steps of which no more is told: each takes what the one before it yields."""
    return [
        replace(step, takes=(str(number - 1),), yields=(str(number),))
        for number, step in enumerate(steps)
    ]


def _apart(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    """Return the nodes that are not folded into a product that only they take."""
    nodes = model.graph.node
    uses = Counter(tensor for node in nodes for tensor in node.input)
    products = {node.output[0] for node in nodes if node.op_type in PRODUCTS}
    alone = {tensor for tensor in products if uses[tensor] == 1}
    return [n for n in nodes if n.op_type != "BatchNormalization" or n.input[0] not in alone]


def _size(node: onnx.NodeProto, sizes: Mapping[str, int]) -> int:
    return sizes.get(node.input[1], 0) if node.op_type in PRODUCTS else 0
