"""From a graph to a TFLite file: node by node, each by the handler registered for its operator."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import onnx

from opscope.convert.tflite import (
    convolution,
    elementwise,
    layout,
    linear,
    pooling,
    recurrent,
    shaping,
)
from opscope.convert.tflite.builder import MATRICES, Builder, Value
from opscope.convert.tflite.layout import Order
from opscope.core.record import Record
from opscope.errors import PlatformError, UnsupportedWorkload
from opscope.graph import Graph

HANDLERS: Mapping[str, Callable[[Builder], None]] = {
    **convolution.HANDLERS,
    **elementwise.HANDLERS,
    **linear.HANDLERS,
    **pooling.HANDLERS,
    **recurrent.HANDLERS,
    **shaping.HANDLERS,
}
"""What adds the operators of a node, by the node's own."""

LARGEST_BYTES = 2**31 - 2**20
"""A flatbuffer ends at 2 GB."""


class TfliteTensor(Record, frozen=True, kw_only=True):
    """An input or output of the file.

    Attributes:
        name: What the graph calls it.
        order: The graph's axis that each axis as stored is.
    """

    name: str
    order: Order


class TfliteModel(Record, frozen=True, kw_only=True):
    """A TFLite file, and how it belongs to the graph it was made from.

    Attributes:
        data: The file.
        inputs: Its inputs in order.
        outputs: Its outputs in order.
        sources: Names of the graph's nodes behind each operator, by the tensor it yields.
    """

    data: bytes
    inputs: tuple[TfliteTensor, ...]
    outputs: tuple[TfliteTensor, ...]
    sources: Mapping[str, tuple[str, ...]]


def tflite_model(graph: Graph, seed: int, *, half_weights: bool = False) -> TfliteModel:
    """Return a graph as a TFLite file in FP32, its weights drawn from ``seed``.

    With ``half_weights`` those of products of matrices are stored in FP16, and biases as they are,
    as ai-edge-quantizer's ``float_casting`` leaves them.

    Raises:
        UnsupportedWorkload: If TFLite has no form of a node; it names node and operator. If a
            weight to be stored in FP16 is too large.
        PlatformError: If a matrix product got lost on the way.
    """
    if graph.size_bytes > LARGEST_BYTES:
        raise UnsupportedWorkload("models above 2 GB have no TFLite form")
    foreign = [tensor for tensor in (*graph.inputs, *graph.outputs) if tensor.dtype != "float32"]
    if foreign:
        tensor = foreign[0]
        raise UnsupportedWorkload(
            f"the TFLite form lacks numbers of type {tensor.dtype}", where=f"tensor {tensor.name!r}"
        )
    builder = Builder(graph, seed)
    inputs = [builder.start(tensor.name, tensor.shape) for tensor in graph.inputs]
    for node in builder.graph.node:
        _convert(builder, node)
    outputs = _outputs(builder, graph, inputs)
    _check_products(builder)
    if half_weights:
        _halve(builder)
    names = [tensor.name for tensor in (*graph.inputs, *graph.outputs)]
    return TfliteModel(
        data=builder.writer.finish(
            [value.index for value in inputs], [value.index for value in outputs], names
        ),
        inputs=_tensors(names, inputs),
        outputs=_tensors(names[len(inputs) :], outputs),
        sources={name: tuple(nodes) for name, nodes in builder.sources.items()},
    )


def _convert(builder: Builder, node: onnx.NodeProto) -> None:
    handler = HANDLERS.get(node.op_type) if node.domain in {"", "ai.onnx"} else None
    if handler is None:
        raise UnsupportedWorkload(
            f"the TFLite form lacks the operator {node.op_type}", where=f"node {node.name!r}"
        )
    builder.node = node
    handler(builder)


def _outputs(builder: Builder, graph: Graph, inputs: list[Value]) -> list[Value]:
    """Return the graph's outputs, images as NHWC and each a tensor of its own."""
    taken = {value.index for value in inputs}
    outputs = []
    for tensor in graph.outputs:
        value = builder.take(tensor.name)
        value = builder.ordered(value, layout.usual(len(value.shape)))
        if value.index in taken:
            value = builder.reshape(value, value.shape, value.order)
        taken.add(value.index)
        outputs.append(value)
    return outputs


def _tensors(names: list[str], values: list[Value]) -> tuple[TfliteTensor, ...]:
    return tuple(
        TfliteTensor(name=name, order=value.order)
        for name, value in zip(names, values, strict=False)
    )


def _halve(builder: Builder) -> None:
    try:
        builder.writer.halve(MATRICES)
    except OverflowError as exc:
        raise UnsupportedWorkload(
            "a weight is too large for FP16", where=f"tensor {str(exc)!r}"
        ) from exc


def _check_products(builder: Builder) -> None:
    """Compare how many products of matrices there are with how many the graph has."""
    wanted = sum(_products(builder, node) for node in builder.graph.node)
    written = builder.writer.counts()
    found = sum(written[code] for code in (*MATRICES, "BATCH_MATMUL"))
    if found != wanted:
        raise PlatformError(
            f"the TFLite form has {found} products of matrices where the graph has {wanted}"
        )


def _products(builder: Builder, node: onnx.NodeProto) -> int:
    if node.op_type in {"Conv", "Gemm", "MatMul"}:
        return 1
    if node.op_type == "GRU":  # for the whole input, and for each state but the first
        ways = builder.shape(node.input[1])[0]
        return ways * builder.shape(node.input[0])[0]
    return 0
