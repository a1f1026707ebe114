"""Arithmetic on shapes, done once the inputs' shapes are known.

Exporters of dynamic models write the target of a Reshape as a dozen nodes that compute it. With
static inputs it is a constant, and every runtime makes it one when it loads the model. Nothing that
touches weights or activations is computed here, and nothing larger than a shape.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import onnx
from onnx import helper, numpy_helper

from opscope.errors import ConfigurationError
from opscope.graph.importers.checks import describe
from opscope.graph.importers.shapes import infer

_SIZE_LIMIT = 4096
"""Elements that an operand or a result may have."""

_BYTES_LIMIT = 64 << 20
"""What all results may take together."""

_ROUNDS = 32
"""Each round settles all shapes up to the next one that hangs on shapes settled before."""

_ARITHMETIC = {
    *("Abs", "Add", "And", "Cast", "Ceil", "Concat", "Div", "Equal", "Floor", "Gather", "Greater"),
    *("Identity", "Less", "Max", "Min", "Mod", "Mul", "Neg", "Not", "Or", "ReduceMax", "ReduceMin"),
    *("ReduceProd", "ReduceSum", "Reshape", "Round", "ScatterElements", "Slice", "Split"),
    *("Sqrt", "Squeeze", "Sub", "Transpose", "Unsqueeze", "Where"),
}
"""Operators whose result is no larger than their inputs together, broadcasting aside."""

_GROWING = {"ConstantOfShape", "Expand", "Range"}
_SHAPES = {"Shape", "Size"}


def settle(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with inferred shapes, and without the nodes that only compute shapes.

    Raises:
        ConfigurationError: Naming the node at which inference, or the arithmetic, fails.
    """
    model = infer(model)
    room = _BYTES_LIMIT
    for _ in range(_ROUNDS):
        taken = _fold(model, room)
        if not taken:
            break
        room -= taken
        del model.graph.value_info[:]
        for output in model.graph.output:
            output.type.tensor_type.ClearField("shape")
        model = infer(model)
    return model


def _fold(model: onnx.ModelProto, room: int) -> int:
    """Replace what can be computed by constants; return the bytes they take, 0 for no constant.

    Raises:
        ConfigurationError: If a constant cannot be computed, or all take more than ``room``.
    """
    graph = model.graph
    known = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    values = (*graph.input, *graph.value_info, *graph.output)
    shapes = {value.name: _static(value) for value in values}
    types = {value.name: value.type.tensor_type.elem_type for value in values}
    outputs = {output.name for output in graph.output}
    folded: dict[str, np.ndarray] = {}
    kept, taken = [], 0
    for index, raw in enumerate(graph.node):
        node, results = _explicit(raw, types), None
        if not outputs.intersection(node.output):
            results = _compute(node, index, known, shapes, model.opset_import)
        if results is None:
            kept.append(node)
        else:
            folded.update(results)
            known.update(results)
            taken += 1 + sum(result.nbytes for result in results.values())
            if taken > room:
                raise ConfigurationError(
                    f"its arithmetic on shapes takes more than {_BYTES_LIMIT} bytes",
                    where=describe(node, index),
                    remedy="The model is damaged or made to do harm.",
                )
    if folded:
        _replace(graph, kept, folded)
    return taken


def _explicit(node: onnx.NodeProto, types: Mapping[str, int]) -> onnx.NodeProto:
    """Return a CastLike as the Cast that it is once the other's type is known."""
    if node.op_type != "CastLike" or not types.get(node.input[1]):
        return node
    to = types[node.input[1]]
    return helper.make_node("Cast", node.input[:1], node.output, name=node.name, to=to)


def _replace(
    graph: onnx.GraphProto, kept: Sequence[onnx.NodeProto], folded: Mapping[str, np.ndarray]
) -> None:
    nodes = [onnx.NodeProto.FromString(node.SerializeToString()) for node in kept]
    del graph.node[:]
    graph.node.extend(nodes)
    used = {name for node in nodes for name in node.input}
    constants = [t for t in graph.initializer if t.name in used]
    constants += [numpy_helper.from_array(v, n) for n, v in folded.items() if n in used]
    copies = [onnx.TensorProto.FromString(t.SerializeToString()) for t in constants]
    del graph.initializer[:]
    graph.initializer.extend(copies)


def _compute(
    node: onnx.NodeProto,
    index: int,
    known: Mapping[str, np.ndarray],
    shapes: Mapping[str, tuple[int, ...] | None],
    opsets: Sequence[onnx.OperatorSetIdProto],
) -> dict[str, np.ndarray] | None:
    """Return what a node yields where that follows from shapes alone, else nothing."""
    if node.domain not in {"", "ai.onnx"}:
        return None
    if node.op_type in _SHAPES:
        shape = shapes.get(node.input[0])
        if shape is None:
            return None
        inputs = [np.broadcast_to(np.int8(0), shape)]
    elif node.op_type in _ARITHMETIC | _GROWING and all(n in known or not n for n in node.input):
        inputs = [known[name] for name in node.input if name]
        result = [shapes.get(name) for name in node.output]
        if max(array.size for array in inputs) > _SIZE_LIMIT:
            return None
        if not _stays_small(node, inputs, result):
            return None
    else:
        return None
    try:
        results = _evaluate(node, inputs, opsets)
    except Exception as exc:  # numpy says what is wrong with the operands in many ways
        raise ConfigurationError(
            f"its constant operands cannot be computed with: {exc}",
            where=describe(node, index),
            remedy="Correct the model, or the shapes declared for its inputs.",
        ) from exc
    return dict(zip(node.output, results, strict=True))


def _stays_small(
    node: onnx.NodeProto, inputs: Sequence[np.ndarray], results: Sequence[tuple[int, ...] | None]
) -> bool:
    if node.op_type == "Range":
        start, limit, delta = (float(array) for array in inputs)
        return delta != 0 and (limit - start) / delta <= _SIZE_LIMIT
    if node.op_type in {"ConstantOfShape", "Expand"}:
        target = [int(size) for size in inputs[-1].reshape(-1)]
        return min(target, default=0) >= 0 and math.prod(target) <= _SIZE_LIMIT
    sizes = [math.prod(shape) for shape in results if shape is not None]
    if len(sizes) == len(results):
        return sum(sizes) <= _SIZE_LIMIT
    return math.prod(array.size for array in inputs if array.ndim) <= _SIZE_LIMIT


def _evaluate(
    node: onnx.NodeProto,
    inputs: Sequence[np.ndarray],
    opsets: Sequence[onnx.OperatorSetIdProto],
) -> list[np.ndarray]:
    from onnx.reference import ReferenceEvaluator

    names = [name for name in node.input if name]
    graph = helper.make_graph(
        [node],
        "shapes",
        [onnx.ValueInfoProto(name=name) for name in dict.fromkeys(names)],
        [onnx.ValueInfoProto(name=name) for name in node.output],
    )
    model = helper.make_model(graph, opset_imports=opsets)
    with np.errstate(all="raise"):
        results = ReferenceEvaluator(model).run(None, dict(zip(names, inputs, strict=True)))
    return [np.asarray(result) for result in results]


def _static(value: onnx.ValueInfoProto) -> tuple[int, ...] | None:
    tensor = value.type.tensor_type
    if not tensor.HasField("shape"):
        return None
    sizes = [axis.dim_value if axis.HasField("dim_value") else -1 for axis in tensor.shape.dim]
    return tuple(sizes) if min(sizes, default=0) >= 0 else None
