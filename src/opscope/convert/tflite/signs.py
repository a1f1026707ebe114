"""Which tensors of a graph can hold nothing below zero: zeros may pad them for a maximum."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx

_ALWAYS = {"Relu", "Sigmoid", "HardSigmoid", "Softmax", "Exp", "Sqrt", "Abs"}
_IF_INPUTS_ARE = {
    *("Add", "Mul", "Div", "Max", "Concat", "MaxPool", "AveragePool", "GlobalAveragePool"),
    *("GlobalMaxPool", "ReduceMean", "ReduceMax", "ReduceSum", "Min"),
}
_IF_FIRST_IS = {
    *("Slice", "Split", "Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Identity"),
    *("Dropout",),
}


def nonnegative(graph: onnx.GraphProto, known: Mapping[str, np.ndarray]) -> set[str]:
    """Return the names of the tensors that are never below zero."""
    found = {name for name, values in known.items() if values.size and values.min() >= 0}
    for node in graph.node:
        operator, names = node.op_type, [name for name in node.input if name]
        certain = (
            operator in _ALWAYS
            or (operator in _IF_INPUTS_ARE and found.issuperset(names))
            or (operator in _IF_FIRST_IS and names[0] in found)
            or (operator == "Clip" and len(names) > 1 and node.input[1] in found)
        )
        if certain:
            found.update(node.output)
    return found
