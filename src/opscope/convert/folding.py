"""BatchNorm folded into the convolution before it, as pipelines do before they quantise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import onnx
from onnx import numpy_helper


def fold_batch_norms(model: onnx.ModelProto) -> int:
    """Fold each BatchNorm into the convolution whose output nothing else takes.

    The convolution keeps its name and yields what the BatchNorm did. A BatchNorm that follows
    anything else stays, and so does every other node. Done by hand, since onnxruntime's own
    optimisation also takes operators apart that it has no kernel for and OpenVINO has one.

    Returns:
        How many were folded.
    """
    graph = model.graph
    makers = {name: node for node in graph.node for name in node.output}
    uses = Counter(name for node in graph.node for name in node.input)
    uses.update(output.name for output in graph.output)
    values = {tensor.name: tensor for tensor in graph.initializer}
    pairs = []
    for norm in graph.node:
        conv = makers.get(norm.input[0]) if norm.input else None
        if (
            conv is not None
            and (conv.op_type, norm.op_type) == ("Conv", "BatchNormalization")
            and uses[conv.output[0]] == 1
            and len([name for name in norm.output if name]) == 1
            and values.keys() >= {*filter(None, conv.input[1:]), *norm.input[1:]}
        ):
            pairs.append(_Pair(conv, norm))
    made = [tensor for pair in pairs for tensor in _fold(pair, values)]
    for pair in pairs:
        graph.node.remove(pair.norm)
    used = {name for node in graph.node for name in node.input}
    for index in reversed(range(len(graph.initializer))):
        if graph.initializer[index].name not in used:
            del graph.initializer[index]
    graph.initializer.extend(made)
    return len(pairs)


class _Pair(NamedTuple):
    conv: onnx.NodeProto
    norm: onnx.NodeProto


def _fold(pair: _Pair, values: Mapping[str, onnx.TensorProto]) -> list[onnx.TensorProto]:
    """Give the convolution weights of its own, scaled and shifted, and return them."""
    conv, norm = pair
    scale, shift, mean, variance = (numpy_helper.to_array(values[n]) for n in norm.input[1:])
    epsilon = next((a.f for a in norm.attribute if a.name == "epsilon"), 1e-5)
    factor = scale / np.sqrt(variance + np.float32(epsilon))
    weight, *bias = (numpy_helper.to_array(values[name]) for name in conv.input[1:] if name)
    made = {
        "weight": weight * factor.reshape(-1, *[1] * (weight.ndim - 1)),
        "bias": (sum(bias) - mean) * factor + shift,
    }
    output = norm.output[0]
    tensors = [
        numpy_helper.from_array(array.astype(weight.dtype), f"{output}.folded_{kind}")
        for kind, array in made.items()
    ]
    del conv.input[1:]
    conv.input.extend(tensor.name for tensor in tensors)
    conv.output[0] = output
    return tensors
