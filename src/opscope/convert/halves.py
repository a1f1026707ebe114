"""ONNX graphs in FP16 or BF16 throughout, for runtimes that take number formats from the graph.

Others are told to compute an FP32 graph in 16 bits; see `opscope.platforms.loading`.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import AttributeProto, GraphProto, NodeProto, TensorProto, helper, numpy_helper

from opscope.core.configuration import Precision
from opscope.errors import UnsupportedWorkload
from opscope.graph import Graph

_TYPES = {Precision.FP16: TensorProto.FLOAT16, Precision.BF16: TensorProto.BFLOAT16}

HALVES = tuple(_TYPES)
"""Precisions of 16 bits."""

_SIZES = {"Resize": (1, 2), "Upsample": (1,)}
"""Operators that say sizes in FP32, whatever they compute in, and which of their inputs do."""

_OPSETS = range(20, 22)
_BF16_OPSET = 22
"""Since this opset convolutions and poolings may be in BF16. What else changed since the 20th is
which types operators take, but for the shapes of a GroupNormalization's weights."""


def halved(graph: Graph, seed: int, precision: Precision) -> onnx.ModelProto:
    """Return the graph's model with every FP32 tensor in 16 bits, inputs and outputs too.

    Args:
        graph: What to convert.
        seed: Of the weights, which are rounded to nearest.
        precision: ``FP16`` or ``BF16``.

    Raises:
        UnsupportedWorkload: If the model is too large for one message.
    """
    if not graph.fits_one_message:
        raise UnsupportedWorkload("models above 2 GB have no form in 16 bits here")
    model = graph.materialise(seed)
    _retype(model.graph, _TYPES[precision])
    if precision is Precision.BF16:
        _raise_opset(model)
    return model


def _retype(graph: GraphProto, type_: int) -> None:
    sizes = {
        node.input[number]
        for node in graph.node
        for number in _SIZES.get(node.op_type, ())
        if number < len(node.input)
    }
    for tensor in graph.initializer:
        if tensor.name not in sizes:
            _convert(tensor, type_)
    for value in (*graph.input, *graph.output, *graph.value_info):
        told = value.type.tensor_type
        if told.elem_type == TensorProto.FLOAT and value.name not in sizes:
            told.elem_type = type_
    for node in graph.node:
        if not sizes.intersection(node.output):
            _retype_attributes(node, type_)


def _retype_attributes(node: NodeProto, type_: int) -> None:
    for attribute in node.attribute:
        if attribute.type == AttributeProto.GRAPH:
            _retype(attribute.g, type_)
        elif attribute.type == AttributeProto.TENSOR:
            _convert(attribute.t, type_)
        elif attribute.name in {"to", "dtype"} and attribute.i == TensorProto.FLOAT:
            attribute.i = type_
        elif node.op_type == "Constant" and attribute.name in {"value_float", "value_floats"}:
            said = attribute.f if attribute.name == "value_float" else list(attribute.floats)
            tensor = numpy_helper.from_array(np.array(said, np.float32))
            _convert(tensor, type_)
            attribute.CopyFrom(helper.make_attribute("value", tensor))


def _convert(tensor: TensorProto, type_: int) -> None:
    if tensor.data_type != TensorProto.FLOAT:
        return
    with np.errstate(over="ignore"):  # what overflows shows in the outputs
        values = numpy_helper.to_array(tensor).astype(helper.tensor_dtype_to_np_dtype(type_))
    tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))


def _raise_opset(model: onnx.ModelProto) -> None:
    if any(node.op_type == "GroupNormalization" for node in model.graph.node):
        return
    for opset in model.opset_import:
        if not opset.domain and opset.version in _OPSETS:
            opset.version = _BF16_OPSET
