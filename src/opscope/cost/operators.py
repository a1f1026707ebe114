"""MACs and element-wise operations of one node, by operator. Weights and memory are elsewhere.

Biases are added where the sum starts, and cost nothing (behaviour study, Table 3, leaves them out).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import onnx

from opscope.cost.elementwise import DIVISION, OPS_PER_ELEMENT, POWER, REQUANTISE, SIGMOID, TANH
from opscope.cost.reading import Node
from opscope.cost.records import Shape

Shapes = Mapping[str, Shape]


class Work(NamedTuple):
    """What a node computes."""

    macs: int
    elementwise_ops: int


VIEWS = frozenset({"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Dropout"})
"""Operators that name the same elements anew: they read, write and store nothing."""

SELECTIONS = frozenset({"Slice", "Gather", "GatherElements", "GatherND"})
"""Operators that read only those elements they put out."""

_MOVES = frozenset(
    {"Concat", "Split", "Transpose", "Pad", "Expand", "Tile", "OneHot", "Range", "ConstantOfShape"}
    | {"DepthToSpace", "SpaceToDepth", "ScatterElements", "ScatterND", "Trilu", "ReverseSequence"}
)
"""Operators that only move elements."""


def work(node: Node, shapes: Shapes) -> Work | None:
    """Return what a node computes, or nothing where its operator is not known."""
    operator = node.operator
    if rule := _RULES.get(operator):
        return rule(node, shapes)
    per_element = OPS_PER_ELEMENT.get(operator)
    if per_element is not None:
        return Work(0, per_element * math.prod(shapes[node.outputs[0]]))
    if operator in VIEWS or operator in SELECTIONS or operator in _MOVES:
        return Work(0, 0)
    return None


def _convolution(node: Node, shapes: Shapes) -> Work:
    """Count H'·W'·Cout·(Cin/G)·K² MACs (behaviour study, Table 3; DWConv is G = Cin)."""
    kernel = shapes[node.inputs[1]]
    return Work(math.prod(shapes[node.outputs[0]]) * math.prod(kernel[1:]), 0)


def _transposed_convolution(node: Node, shapes: Shapes) -> Work:
    """Count H·W·Cin·(Cout/G)·K² MACs: each input meets the whole kernel (Table 3, transposed)."""
    kernel = shapes[node.inputs[1]]
    return Work(math.prod(shapes[node.inputs[0]]) * math.prod(kernel[1:]), 0)


def _quantised_convolution(node: Node, shapes: Shapes) -> Work:
    """Count a convolution's MACs, and the way back to 8 bits for each output."""
    outputs, kernel = math.prod(shapes[node.outputs[0]]), shapes[node.inputs[3]]
    return Work(outputs * math.prod(kernel[1:]), REQUANTISE * outputs)


def _matrix_product(node: Node, shapes: Shapes) -> Work:
    """Count outputs × length of the sums (Table 3 at H = K = 1)."""
    return Work(math.prod(shapes[node.outputs[0]]) * shapes[node.inputs[0]][-1], 0)


def _quantised_matrix_product(node: Node, shapes: Shapes) -> Work:
    outputs = math.prod(shapes[node.outputs[0]])
    return Work(outputs * shapes[node.inputs[0]][-1], REQUANTISE * outputs)


def _general_matrix_product(node: Node, shapes: Shapes) -> Work:
    length = shapes[node.inputs[0]][0 if attribute(node, "transA", 0) else 1]
    return Work(math.prod(shapes[node.outputs[0]]) * length, 0)


def _max_pool(node: Node, shapes: Shapes) -> Work:
    """Count K² - 1 comparisons per output."""
    window = math.prod(attribute(node, "kernel_shape", ()))
    return Work(0, (window - 1) * math.prod(shapes[node.outputs[0]]))


def _average_pool(node: Node, shapes: Shapes) -> Work:
    """Count K² - 1 additions and a multiplication per output."""
    window = math.prod(attribute(node, "kernel_shape", ()))
    return Work(0, window * math.prod(shapes[node.outputs[0]]))


def _reduction(node: Node, shapes: Shapes) -> Work:
    """Count an addition per input but one, and a multiplication, for each output."""
    return Work(0, math.prod(shapes[node.inputs[0]]))


def _selection(node: Node, shapes: Shapes) -> Work:
    """Count a comparison (or addition) per input but one for each output."""
    return Work(0, math.prod(shapes[node.inputs[0]]) - math.prod(shapes[node.outputs[0]]))


def _many(node: Node, shapes: Shapes) -> Work:
    """Count one operation per element and input but one, and one more for a mean."""
    each = len(node.inputs) - 1 + (node.operator == "Mean")
    return Work(0, each * math.prod(shapes[node.outputs[0]]))


def _resize(node: Node, shapes: Shapes) -> Work:
    """Count taps multiplied and summed per output: 1 moved, 2 or 4 on each axis that changes."""
    outputs = shapes[node.outputs[0]]
    axes = sum(a != b for a, b in zip(shapes[node.inputs[0]], outputs, strict=True))
    taps = {"linear": 2, "cubic": 4}.get(attribute(node, "mode", b"nearest").decode(), 1) ** axes
    return Work(0, (2 * taps - 1 if taps > 1 else 0) * math.prod(outputs))


def _response_normalisation(node: Node, shapes: Shapes) -> Work:
    """Count x / (k + a·Σx²)ᵇ: square, sum over ``size``, scale and shift, power, quotient."""
    each = 1 + (attribute(node, "size", 1) - 1) + 2 + POWER + DIVISION
    return Work(0, each * math.prod(shapes[node.outputs[0]]))


def _recurrence(ops_per_unit: int) -> Callable[[Node, Shapes], Work]:
    def rule(node: Node, shapes: Shapes) -> Work:
        """Count steps × batch × (W and R) MACs, and the gates' operations per hidden unit."""
        vectors = math.prod(shapes[node.inputs[0]][:2])
        w, r = shapes[node.inputs[1]], shapes[node.inputs[2]]
        units = r[0] * r[2]
        return Work(vectors * (math.prod(w) + math.prod(r)), ops_per_unit * vectors * units)

    return rule


_GRU = 3 + 2 * SIGMOID + TANH + 1 + 4
"""Per unit: sums of three gates, the gates, reset · state, (1 - z)·n + z·h."""

_LSTM = 4 + 3 * SIGMOID + TANH + 3 + TANH + 1
"""Per unit: sums of four gates, the gates, f·c + i·g, o · tanh(c)."""

_RULES: Mapping[str, Callable[[Node, Shapes], Work]] = {
    "Conv": _convolution,
    "ConvInteger": _convolution,
    "QLinearConv": _quantised_convolution,
    "ConvTranspose": _transposed_convolution,
    "MatMul": _matrix_product,
    "MatMulInteger": _matrix_product,
    "QLinearMatMul": _quantised_matrix_product,
    "Gemm": _general_matrix_product,
    "MaxPool": _max_pool,
    "AveragePool": _average_pool,
    "GlobalAveragePool": _reduction,
    "GlobalMaxPool": _selection,
    **dict.fromkeys(("ReduceMean", "ReduceSumSquare", "ReduceL1"), _reduction),
    **dict.fromkeys(("ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd"), _selection),
    **dict.fromkeys(("ArgMax", "ArgMin"), _selection),
    **dict.fromkeys(("Sum", "Mean", "Max", "Min"), _many),
    "Resize": _resize,
    "Upsample": _resize,
    "LRN": _response_normalisation,
    "GRU": _recurrence(_GRU),
    "LSTM": _recurrence(_LSTM),
    "RNN": _recurrence(1 + TANH),
}


def attribute(node: Node, name: str, default: Any) -> Any:
    """Return the value of a node's attribute, or ``default`` where it is not given."""
    for given in node.proto.attribute:
        if given.name == name:
            return onnx.helper.get_attribute_value(given)
    return default
