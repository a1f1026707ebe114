"""Which constant inputs of a node are parameters, and how many bytes tensors take."""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import Enum

from onnx import TensorProto

from opscope.core.configuration import Precision
from opscope.cost.records import Shape


class Role(Enum):
    """What a constant tensor is to a node."""

    KERNEL = "kernel"
    VECTOR = "vector"
    STATISTIC = "statistic"
    SETTING = "setting"


_KERNEL, _VECTOR, _SETTING = Role.KERNEL, Role.VECTOR, Role.SETTING

ROLES: Mapping[str, Mapping[int, Role]] = {
    "Conv": {1: _KERNEL, 2: _VECTOR},
    "ConvTranspose": {1: _KERNEL, 2: _VECTOR},
    "ConvInteger": {1: _KERNEL, 2: _SETTING, 3: _SETTING},
    "Gemm": {0: _KERNEL, 1: _KERNEL, 2: _VECTOR},
    "MatMul": {0: _KERNEL, 1: _KERNEL},
    "MatMulInteger": {0: _KERNEL, 1: _KERNEL, 2: _SETTING, 3: _SETTING},
    "QLinearConv": {
        **dict.fromkeys((1, 2, 4, 5, 6, 7), _SETTING),
        3: _KERNEL,
        8: _VECTOR,
    },
    "QLinearMatMul": {**dict.fromkeys((1, 2, 4, 5, 6, 7), _SETTING), 0: _KERNEL, 3: _KERNEL},
    "BatchNormalization": {1: _VECTOR, 2: _VECTOR, 3: Role.STATISTIC, 4: Role.STATISTIC},
    "InstanceNormalization": {1: _VECTOR, 2: _VECTOR},
    "LayerNormalization": {1: _VECTOR, 2: _VECTOR},
    "GroupNormalization": {1: _VECTOR, 2: _VECTOR},
    "RMSNormalization": {1: _VECTOR},
    "PRelu": {1: _VECTOR},
    "GRU": {1: _KERNEL, 2: _KERNEL, 3: _VECTOR, 4: _SETTING, 5: _SETTING},
    "RNN": {1: _KERNEL, 2: _KERNEL, 3: _VECTOR, 4: _SETTING, 5: _SETTING},
    "LSTM": {
        **dict.fromkeys((4, 5, 6), _SETTING),
        1: _KERNEL,
        2: _KERNEL,
        3: _VECTOR,
        7: _VECTOR,
    },
    "Gather": {0: _KERNEL, 1: _SETTING},
    **dict.fromkeys(
        ("Clip", "Pad", "Resize", "Upsample", "QuantizeLinear", "DequantizeLinear"),
        dict.fromkeys((1, 2, 3), _SETTING),
    ),
    **dict.fromkeys(
        ("Reshape", "Slice", "Split", "Expand", "Tile", "Squeeze", "Unsqueeze", "ReduceMean"),
        dict.fromkeys((1, 2, 3, 4), _SETTING),
    ),
}
"""What each constant input is, by operator and place, where a rule for all would be wrong."""

_WHOLE_NUMBERS = frozenset(
    {
        TensorProto.INT16,
        TensorProto.INT32,
        TensorProto.INT64,
        TensorProto.UINT16,
        TensorProto.UINT32,
        TensorProto.UINT64,
        TensorProto.BOOL,
        TensorProto.STRING,
    }
)


def role_of(operator: str, place: int, shape: Shape, kind: int) -> Role:
    """Return what a constant input of a node is.

    Where `ROLES` does not say: a single number, whole numbers wider than 8 bits and truth values
    are settings (a bound, a scale, a shape); anything else is a parameter, and a vector if at most
    one of its axes is longer than 1.
    """
    roles = ROLES.get(operator)
    if roles and place in roles:
        return roles[place]
    if kind in _WHOLE_NUMBERS or math.prod(shape) <= 1:
        return Role.SETTING
    return Role.VECTOR if math.prod(shape) == max(shape) else Role.KERNEL


PRECISION_BYTES: Mapping[Precision, int] = {
    Precision.FP32: 4,
    Precision.BF16: 2,
    Precision.FP16: 2,
    Precision.DFP16: 2,
    Precision.INT8: 1,
    Precision.UINT8: 1,
    Precision.DFP8: 1,
}
"""Bytes of an element that the model holds as float32."""

_OWN_BITS: Mapping[int, int] = {
    TensorProto.FLOAT16: 16,
    TensorProto.BFLOAT16: 16,
    TensorProto.DOUBLE: 64,
    TensorProto.COMPLEX64: 64,
    TensorProto.COMPLEX128: 128,
    TensorProto.INT64: 64,
    TensorProto.UINT64: 64,
    TensorProto.INT32: 32,
    TensorProto.UINT32: 32,
    TensorProto.INT16: 16,
    TensorProto.UINT16: 16,
    TensorProto.INT8: 8,
    TensorProto.UINT8: 8,
    TensorProto.BOOL: 8,
    TensorProto.FLOAT8E4M3FN: 8,
    TensorProto.FLOAT8E4M3FNUZ: 8,
    TensorProto.FLOAT8E5M2: 8,
    TensorProto.FLOAT8E5M2FNUZ: 8,
    TensorProto.INT4: 4,
    TensorProto.UINT4: 4,
    TensorProto.FLOAT4E2M1: 4,
}

_WIDE_BYTES = 4


def tensor_bytes(size: int, kind: int, precision: Precision) -> int:
    """Return the bytes of ``size`` elements: the precision's for float32, else their own type's."""
    bits = _OWN_BITS.get(kind)
    return size * PRECISION_BYTES[precision] if bits is None else (size * bits + 7) // 8


def weight_bytes(size: int, kind: int, precision: Precision, role: Role) -> int:
    """Return the bytes of ``size`` weights.

    At 8 bits only kernels are that narrow: biases add to 32-bit accumulators, and are stored like
    them (TensorFlow Lite 8-bit quantization specification), and so are the vectors of
    normalisations.
    """
    if role is not Role.KERNEL and kind not in _OWN_BITS and PRECISION_BYTES[precision] == 1:
        return size * _WIDE_BYTES
    return tensor_bytes(size, kind, precision)
