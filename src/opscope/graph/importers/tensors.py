"""Weights and constants of an ONNX model: which is which, and where their bytes are.

Constants shape the computation (a target shape, a clipping bound, a quantisation scale) and stay in
the graph's structure; weights are parameters and are left out of it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from opscope.errors import ConfigurationError
from opscope.graph.importers.files import Blob, Span, external_span
from opscope.graph.weights import Payload, StoredWeight

CONSTANT_LIMIT_BYTES = 1 << 16
"""What is larger is kept out of the structure even if it is no parameter."""

_BYTE = 8

_BITS: Mapping[int, int] = {
    TensorProto.INT4: 4,
    TensorProto.UINT4: 4,
    TensorProto.BOOL: 8,
    TensorProto.INT8: 8,
    TensorProto.UINT8: 8,
    TensorProto.FLOAT8E4M3FN: 8,
    TensorProto.FLOAT8E5M2: 8,
    TensorProto.INT16: 16,
    TensorProto.UINT16: 16,
    TensorProto.FLOAT16: 16,
    TensorProto.BFLOAT16: 16,
    TensorProto.INT32: 32,
    TensorProto.UINT32: 32,
    TensorProto.FLOAT: 32,
    TensorProto.INT64: 64,
    TensorProto.UINT64: 64,
    TensorProto.DOUBLE: 64,
}
"""Number formats that a network may have."""

_COUNTING = {TensorProto.INT64, TensorProto.UINT64, TensorProto.BOOL, TensorProto.UINT32}

_CONSTANT_ROLES: Mapping[str, frozenset[int]] = {
    "Clip": frozenset({1, 2}),
    "DequantizeLinear": frozenset({1, 2}),
    "Pad": frozenset({1, 2, 3}),
    "QLinearAdd": frozenset({1, 2, 4, 5, 6, 7}),
    "QLinearConv": frozenset({1, 2, 4, 5, 6, 7}),
    "QLinearMatMul": frozenset({1, 2, 4, 5, 6, 7}),
    "QuantizeLinear": frozenset({1, 2}),
    "Range": frozenset({0, 1, 2}),
    "Resize": frozenset({1, 2, 3}),
    "Upsample": frozenset({1}),
}
"""Inputs, by operator, at which even a floating-point tensor is no parameter."""

_INT32_WEIGHT_ROLES = {("DequantizeLinear", 0), ("QLinearConv", 8)}
"""Where 32-bit integers are a quantised bias, and not a shape or an index."""


def numpy_name(data_type: int) -> str:
    """Return the name of the numpy type for one of ONNX's number formats.

    Raises:
        ConfigurationError: If no network opscope can deploy has tensors of it.
    """
    if data_type not in _BITS:
        known = data_type in TensorProto.DataType.values()
        name = TensorProto.DataType.Name(data_type) if known else str(data_type)
        raise ConfigurationError(
            f"tensors of type {name} are not supported",
            remedy="Export the model with numbers only.",
        )
    return str(helper.tensor_dtype_to_np_dtype(data_type))


def size_bytes(data_type: int, shape: Iterable[int]) -> int:
    """Return how many bytes a tensor takes, half-byte numbers packed."""
    return (math.prod(shape) * _BITS[data_type] + _BYTE - 1) // _BYTE


def read_payload(tensor: onnx.TensorProto, folder: Path | None) -> Payload:
    """Return where the bytes of a weight or constant are, without allocating what is not there.

    Args:
        tensor: The weight or constant.
        folder: Where the model lies; without it there are no files beside it.

    Raises:
        ConfigurationError: If its shape is impossible, or it does not have the bytes it declares.
    """
    where = f"weights {tensor.name!r}"
    try:
        return _payload(tensor, folder)
    except ConfigurationError as exc:
        raise exc.at(where) from exc


def _payload(tensor: onnx.TensorProto, folder: Path | None) -> Payload:
    numpy_name(tensor.data_type)
    if any(size < 0 for size in tensor.dims) or tensor.HasField("segment"):
        raise ConfigurationError(
            f"{list(tensor.dims)} is not a shape", remedy="Export the model again."
        )
    expected = size_bytes(tensor.data_type, tensor.dims)
    if tensor.data_location == TensorProto.EXTERNAL or tensor.external_data:
        entries = {entry.key: entry.value for entry in tensor.external_data}
        location, offset = entries.get("location", ""), entries.get("offset", "")
        if folder is None:
            raise ConfigurationError("its weights are in a file, and the model is not")
        length = entries.get("length", "") or str(expected)
        payload: Payload = external_span(folder, location, offset, length)
        held = payload.length if isinstance(payload, Span) else 0
    elif tensor.HasField("raw_data"):
        payload, held = Blob(data=tensor.raw_data), len(tensor.raw_data)
    else:
        data = _typed_bytes(tensor, expected)
        payload, held = Blob(data=data), len(data)
    if held != expected:
        raise ConfigurationError(
            f"the shape {list(tensor.dims)} takes {expected} bytes, and there are {held}",
            remedy="The file is damaged: copy or export it again.",
        )
    return payload


def _typed_bytes(tensor: onnx.TensorProto, expected: int) -> bytes:
    """Return the bytes of a tensor whose values stand in a field of their type."""
    field = helper.tensor_dtype_to_field(tensor.data_type)
    held = len(getattr(tensor, field))
    count = expected if _BITS[tensor.data_type] < _BYTE else math.prod(tensor.dims)
    if held != count:
        raise ConfigurationError(
            f"the shape {list(tensor.dims)} has {count} values, and there are {held}",
            remedy="The file is damaged: copy or export it again.",
        )
    try:
        return numpy_helper.from_array(numpy_helper.to_array(tensor)).raw_data
    except (ValueError, TypeError, OverflowError) as exc:
        raise ConfigurationError(f"its values do not fit its type: {exc}") from exc


def constant_nodes_to_tensors(graph: onnx.GraphProto) -> None:
    """Turn Constant nodes into named tensors, so that weights are looked for in one place."""
    kept = []
    for node in graph.node:
        tensor = _constant(node) if node.op_type == "Constant" and not node.domain else None
        if tensor is None:
            kept.append(node)
        else:
            graph.initializer.append(tensor)
    if len(kept) < len(graph.node):
        copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in kept]
        del graph.node[:]
        graph.node.extend(copies)


def _constant(node: onnx.NodeProto) -> onnx.TensorProto | None:
    if len(node.attribute) != 1 or len(node.output) != 1 or node.input:
        return None
    attribute = node.attribute[0]
    values: dict[str, tuple[object, type[np.generic]]] = {
        "value_float": (attribute.f, np.float32),
        "value_floats": (list(attribute.floats), np.float32),
        "value_int": (attribute.i, np.int64),
        "value_ints": (list(attribute.ints), np.int64),
    }
    if attribute.name in values:
        value, dtype = values[attribute.name]
        return numpy_helper.from_array(np.array(value, dtype), node.output[0])
    if attribute.name != "value" or not attribute.HasField("t"):
        return None
    tensor = onnx.TensorProto()
    tensor.CopyFrom(attribute.t)
    tensor.name = node.output[0]
    return tensor


def take_weights(
    graph: onnx.GraphProto, payloads: Mapping[str, Payload]
) -> tuple[StoredWeight, ...]:
    """Take the weights out of a graph, leaving constants in it and dropping what nothing uses."""
    uses: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for node in graph.node:
        for index, name in enumerate(node.input):
            uses[name].append((node.op_type, index))
    weights, constants = [], []
    for tensor in graph.initializer:
        if tensor.name not in uses:
            continue
        payload, shape = payloads[tensor.name], tuple(tensor.dims)
        size = size_bytes(tensor.data_type, shape)
        if size > CONSTANT_LIMIT_BYTES or _is_parameter(tensor, uses[tensor.name]):
            weights.append(
                StoredWeight(
                    name=tensor.name,
                    shape=shape,
                    data_type=tensor.data_type,
                    size_bytes=size,
                    payload=payload,
                )
            )
        else:
            values = payload.read()
            constants.append(
                helper.make_tensor(tensor.name, tensor.data_type, shape, values, raw=True)
            )
    del graph.initializer[:]
    graph.initializer.extend(constants)
    return tuple(weights)


def _is_parameter(tensor: onnx.TensorProto, uses: list[tuple[str, int]]) -> bool:
    if tensor.data_type in _COUNTING or not tensor.dims:
        return False
    if tensor.data_type == TensorProto.INT32:
        return any(use in _INT32_WEIGHT_ROLES for use in uses)
    return any(index not in _CONSTANT_ROLES.get(operator, ()) for operator, index in uses)
