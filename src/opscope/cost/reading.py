"""From an ONNX model or a graph to the dataflow that is counted: nodes, shapes, constants.

What follows from constants alone is folded away, as every runtime does; nothing is computed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import onnx
from onnx import inliner, shape_inference

from opscope.cost.records import Shape
from opscope.errors import InputError
from opscope.graph.graph import Graph

_OWN_DOMAINS = ("", "ai.onnx")
_LIGHT = 4096
"""Elements up to which an initializer is kept for shape inference, which may need its values."""

_INITIALIZERS_ALONE = 4
"""The first version of ONNX in which an initializer need not be an input too."""

_FROM_SHAPES = frozenset({"Shape", "Size"})
_JOINS = frozenset({"Add", "Sub", "Mul", "Div", "Pow", "Sum", "Concat", "Where", "MatMul", "Gemm"})
"""Operators all of whose inputs are data; of others, further ones are axes, shapes or scales."""


class Node(NamedTuple):
    """A node that executes. ``inputs`` keep their places: an absent one is an empty name."""

    name: str
    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    captured: tuple[str, ...]
    proto: onnx.NodeProto


@dataclass(slots=True)
class Dataflow:
    """What flows through a network.

    Attributes:
        nodes: Nodes that execute, in the model's order.
        shapes: Static shapes by tensor name.
        types: ONNX element types by tensor name; float32 where none is named.
        roots: For each constant tensor, the stored tensors it comes from.
        inputs: Tensors given from outside.
        outputs: Tensors the network yields.
    """

    nodes: list[Node] = field(default_factory=list)
    shapes: dict[str, Shape] = field(default_factory=dict)
    types: dict[str, int] = field(default_factory=dict)
    roots: dict[str, tuple[str, ...]] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()


def read(model: onnx.ModelProto | Graph) -> Dataflow:
    """Return the dataflow of a model.

    Raises:
        InputError: If a tensor has no static shape; it names the tensor and its node.
    """
    flow = Dataflow()
    if isinstance(model, Graph):
        proto = onnx.ModelProto.FromString(model.structure)
        for weight in model.weights:  # the structure has it as an input of its shape and type
            flow.roots[weight.name] = (weight.name,)
    else:
        proto = inliner.inline_local_functions(model) if model.functions else model
    _read_constants(proto.graph, flow)
    _read_infos(proto.graph, flow)
    _read_nodes(proto.graph, flow)
    if _without_shape(flow):
        _infer(proto, flow)
        _drop_unread(flow)
    if missing := _without_shape(flow):
        _refuse_contradictions(proto)
        node, tensor = missing
        raise InputError(
            f"tensor {tensor!r} has no static shape",
            where=f"node {node.name!r} ({node.operator})",
            remedy="Give every input of the model a static shape.",
        )
    return flow


def _read_constants(graph: onnx.GraphProto, flow: Dataflow) -> None:
    for tensor in graph.initializer:
        _store(tensor.name, tensor, flow)


def _store(name: str, tensor: onnx.TensorProto, flow: Dataflow) -> None:
    flow.shapes[name] = tuple(tensor.dims)
    flow.types[name] = tensor.data_type
    flow.roots[name] = (name,)


def _read_infos(graph: onnx.GraphProto, flow: Dataflow) -> None:
    for infos in (graph.input, graph.value_info, graph.output):
        for info in infos:
            if info.name not in flow.shapes:
                _read_info(info, flow)
    flow.inputs = tuple(info.name for info in graph.input if info.name not in flow.roots)
    flow.outputs = tuple(info.name for info in graph.output)


def _read_info(info: onnx.ValueInfoProto, flow: Dataflow) -> None:
    kind = info.type.tensor_type
    if not kind.HasField("shape"):
        return
    dims = kind.shape.dim
    shape = tuple([dim.dim_value for dim in dims])
    if 0 in shape and not all(dim.HasField("dim_value") for dim in dims):
        return
    flow.shapes[info.name] = shape
    if kind.elem_type != onnx.TensorProto.FLOAT:
        flow.types[info.name] = kind.elem_type


def _read_nodes(graph: onnx.GraphProto, flow: Dataflow) -> None:
    names: set[str] = set()
    made = set(flow.inputs)
    for index, proto in enumerate(graph.node):
        operator = _operator(proto)
        inputs, outputs = tuple(proto.input), tuple(proto.output)
        if operator == "Constant":
            _read_constant(proto, flow)
            continue
        if operator in _FROM_SHAPES or _is_constant(inputs, flow):
            _fold(operator, inputs, outputs, flow)
            continue
        name = proto.name
        if not name or name in names:
            name = f"{operator.lower()}@{index}"
        names.add(name)
        captured = tuple(name for name in dict.fromkeys(_captured(proto)) if name in made)
        made.update(outputs)
        flow.nodes.append(Node(name, operator, inputs, outputs, captured, proto))


def _operator(proto: onnx.NodeProto) -> str:
    domain = proto.domain
    return proto.op_type if domain in _OWN_DOMAINS else f"{domain}.{proto.op_type}"


def _read_constant(proto: onnx.NodeProto, flow: Dataflow) -> None:
    name, value = proto.output[0], proto.attribute[0]
    flow.roots[name] = (name,)
    match value.name:
        case "value":
            _store(name, value.t, flow)
        case "value_floats" | "value_ints" | "value_strings":
            flow.shapes[name] = (len(value.floats) or len(value.ints) or len(value.strings),)
        case _:
            flow.shapes[name] = ()
    if value.name in ("value_int", "value_ints"):
        flow.types[name] = onnx.TensorProto.INT64


def _is_constant(inputs: tuple[str, ...], flow: Dataflow) -> bool:
    """Tell whether all inputs are constant; a node without any is a source, not a constant."""
    return any(inputs) and all(name in flow.roots for name in inputs if name)


def _fold(operator: str, inputs: tuple[str, ...], outputs: tuple[str, ...], flow: Dataflow) -> None:
    if operator in _FROM_SHAPES:
        sources: tuple[str, ...] = ()
    else:
        sources = inputs if operator in _JOINS else inputs[:1]
    roots = tuple(dict.fromkeys(root for name in sources for root in flow.roots.get(name, ())))
    for name in outputs:
        flow.roots[name] = (name,) if operator == "ConstantOfShape" else roots


def _captured(proto: onnx.NodeProto) -> Iterator[str]:
    """Yield all tensors that a node's subgraphs read, their own among them."""
    for attribute in proto.attribute:
        if attribute.type not in (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS):
            continue
        for graph in (attribute.g, *attribute.graphs):
            for node in graph.node:
                yield from node.input
                yield from _captured(node)


def _without_shape(flow: Dataflow) -> tuple[Node, str] | None:
    """Return the first tensor without a shape, among those that flow and those that are stored."""
    for node in flow.nodes:
        for name in (*node.inputs, *node.outputs):
            if name and name not in flow.shapes:
                return node, name
            for root in flow.roots.get(name, ()):
                if root not in flow.shapes:
                    return node, root
    return None


def _infer(proto: onnx.ModelProto, flow: Dataflow) -> None:
    """Let ONNX infer the shapes that the model does not name, without copying its weights."""
    inferred = shape_inference.infer_shapes(_light(proto), data_prop=True)
    for info in (*inferred.graph.value_info, *inferred.graph.output):
        if info.name not in flow.shapes:
            _read_info(info, flow)


def _drop_unread(flow: Dataflow) -> None:
    """Leave out further outputs of unknown shape that nothing reads, such as Dropout's mask."""
    read = {*flow.outputs, *(n for node in flow.nodes for n in (*node.inputs, *node.captured))}
    for number, node in enumerate(flow.nodes):
        further = [name for name in node.outputs[1:] if name in read or name in flow.shapes]
        flow.nodes[number] = node._replace(outputs=(node.outputs[0], *further))


def _refuse_contradictions(proto: onnx.ModelProto) -> None:
    """Say what ONNX finds wrong with the shapes, if it is that which left one unknown."""
    try:
        shape_inference.infer_shapes(_light(proto), strict_mode=True, data_prop=True)
    except shape_inference.InferenceError as exc:
        raise InputError(
            f"its shapes cannot be inferred: {str(exc).strip()}",
            where=f"model {proto.graph.name!r}",
            remedy="Check the model with onnx.checker.",
        ) from exc


def _light(proto: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with large initializers turned into inputs of the same shape."""
    graph = proto.graph
    version = max(proto.ir_version, _INITIALIZERS_ALONE)
    light = onnx.ModelProto(ir_version=version, opset_import=proto.opset_import)
    light.graph.name = graph.name
    for part in ("node", "input", "output", "value_info"):
        getattr(light.graph, part).extend(getattr(graph, part))
    given = {info.name for info in graph.input}
    for tensor in graph.initializer:
        if math.prod(tensor.dims) <= _LIGHT and tensor.data_location != onnx.TensorProto.EXTERNAL:
            light.graph.initializer.append(tensor)
        elif tensor.name not in given:
            info = onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
            light.graph.input.append(info)
    return light
