"""A TFLite file as plain records: tensors and operators, every offset held against the file.

The schema is the LiteRT package's. FlatBuffers for Python verifies nothing: lengths are checked
here before anything is read by them, and the contents of weights are views into the file.
"""

from __future__ import annotations

import contextlib
import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import TensorProto

from opscope.errors import ConfigurationError, PlatformUnavailable

_COUNT_LIMIT = 200_000
_RANK_LIMIT = 8
_DAMAGED = "Copy or export the file again."

_TYPES = {
    0: TensorProto.FLOAT,
    1: TensorProto.FLOAT16,
    2: TensorProto.INT32,
    3: TensorProto.UINT8,
    4: TensorProto.INT64,
    6: TensorProto.BOOL,
    7: TensorProto.INT16,
    9: TensorProto.INT8,
    10: TensorProto.DOUBLE,
    12: TensorProto.UINT64,
    15: TensorProto.UINT32,
}
"""ONNX number formats by the schema's TensorType."""

_NUMPY: Mapping[int, type[np.generic]] = {
    TensorProto.FLOAT: np.float32,
    TensorProto.FLOAT16: np.float16,
    TensorProto.INT32: np.int32,
    TensorProto.UINT8: np.uint8,
    TensorProto.INT64: np.int64,
    TensorProto.BOOL: np.bool_,
    TensorProto.INT16: np.int16,
    TensorProto.INT8: np.int8,
    TensorProto.DOUBLE: np.float64,
    TensorProto.UINT64: np.uint64,
    TensorProto.UINT32: np.uint32,
}

TFLITE_ERRORS = (
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    UnicodeError,
    ValueError,
    struct.error,
)
"""What Python raises where bytes are not what their place says they are."""


@dataclass(frozen=True, kw_only=True)
class TfTensor:
    """A tensor: NHWC where it is an image.

    Attributes:
        axes: Sizes, -1 where the file leaves one open.
        data_type: ONNX number format.
        scale: One step of a quantised tensor, of each slice along ``axis`` or of all; or empty.
        zero_point: The integers that stand for zero, as many.
        data: Contents of a constant, or nothing.
    """

    index: int
    name: str
    axes: tuple[int, ...]
    data_type: int
    scale: np.ndarray
    zero_point: np.ndarray
    axis: int
    data: np.ndarray | None

    @property
    def rank(self) -> int:
        """Number of axes."""
        return len(self.axes)

    @property
    def is_quantised(self) -> bool:
        """Whether its integers stand for real numbers."""
        return self.scale.size > 0 and self.data_type in {
            *(TensorProto.INT8, TensorProto.UINT8, TensorProto.INT16, TensorProto.INT32),
        }


@dataclass(frozen=True, kw_only=True)
class TfOperator:
    """An operator: its name in the schema, its tensors by index (-1 for none), its options."""

    index: int
    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Any

    @property
    def where(self) -> str:
        """How an error names it."""
        return f"node {self.index} ({self.name})"


@dataclass(frozen=True, kw_only=True)
class TfModel:
    """A model of one subgraph."""

    tensors: tuple[TfTensor, ...]
    operators: tuple[TfOperator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def parse_tflite(data: bytes) -> TfModel:
    """Return the model that a TFLite file holds.

    Raises:
        ConfigurationError: If the file is damaged, or holds more than one subgraph.
        PlatformUnavailable: If the package with the schema is missing.
    """
    schema = _schema()
    if data[4:8] != b"TFL3":
        raise ConfigurationError("not a TFLite model: it lacks the mark TFL3", remedy=_DAMAGED)
    with _damaged("the model"):
        model = schema.Model.GetRootAs(data, 0)
        if model.SubgraphsLength() != 1:
            raise ConfigurationError(
                f"it holds {model.SubgraphsLength()} subgraphs",
                remedy="Control flow is not part of a static network: export one signature of it.",
            )
        graph = model.Subgraphs(0)
        reader = _Reader(schema, data, model)
        tensors = [
            reader.tensor(graph.Tensors(i), i) for i in reader.indices(graph.TensorsLength())
        ]
        operators = [
            reader.operator(graph.Operators(i), i, len(tensors))
            for i in reader.indices(graph.OperatorsLength())
        ]
        return TfModel(
            tensors=tuple(tensors),
            operators=tuple(operators),
            inputs=reader.references(graph.InputsAsNumpy(), len(tensors)),
            outputs=reader.references(graph.OutputsAsNumpy(), len(tensors)),
        )


class _Reader:
    def __init__(self, schema: Any, data: bytes, model: Any) -> None:
        self.schema, self.data, self.model = schema, data, model
        self.left = _COUNT_LIMIT
        self.scales_left = 2 * len(data)
        self.codes = [self._code(model.OperatorCodes(i)) for i in self._codes()]
        self.options = {
            value: name for name, value in vars(schema.BuiltinOptions).items() if name[0] != "_"
        }
        self.buffers = model.BuffersLength()

    def _codes(self) -> range:
        return self.indices(self.model.OperatorCodesLength())

    def _code(self, code: Any) -> str:
        """Return an operator's name in the schema, or its own if it is a custom one."""
        number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        names = {
            value: name
            for name, value in vars(self.schema.BuiltinOperator).items()
            if name[0] != "_"
        }
        if names.get(number) == "CUSTOM":
            return f"CUSTOM {(code.CustomCode() or b'')[:100].decode(errors='replace')}"
        return str(names.get(number, f"number {number}"))

    def indices(self, length: int) -> range:
        """Return the indices of a vector, within what a sane file may hold in all."""
        self.left -= length
        if not 0 <= 4 * length <= len(self.data) or self.left < 0:
            raise ValueError("a list is longer than the file")
        return range(length)

    def references(self, numbers: Any, count: int) -> tuple[int, ...]:
        """Return tensor indices, -1 for an input that is left out."""
        values = tuple(int(number) for number in _array(numbers))
        self.indices(len(values))
        if any(not -1 <= value < count for value in values):
            raise ValueError("a tensor is referred to that does not exist")
        return values

    def tensor(self, tensor: Any, index: int) -> TfTensor:
        name = (tensor.Name() or b"")[:500].decode(errors="replace") or f"tensor{index}"
        type_ = _TYPES.get(tensor.Type())
        if type_ is None:
            raise ConfigurationError(
                f"tensors of type {tensor.Type()} are not supported",
                where=f"tensor {name!r}",
                remedy="Export the model with floating-point numbers, or quantised to 8 bits.",
            )
        if tensor.Sparsity() is not None:
            raise ConfigurationError(
                "its weights are stored sparse",
                where=f"tensor {name!r}",
                remedy="Export the model with dense weights.",
            )
        stored = [int(size) for size in _array(tensor.ShapeAsNumpy())]
        signature = [int(size) for size in _array(tensor.ShapeSignatureAsNumpy())]
        axes = tuple(signature if len(signature) == len(stored) else stored)
        if len(axes) > _RANK_LIMIT or min([*axes, *stored], default=0) < -1:
            raise ConfigurationError(f"{stored} is not a shape", where=f"tensor {name!r}")
        scale, zero_point, axis = self._quantisation(tensor.Quantization())
        if scale.size > 1 and not (0 <= axis < len(stored) and stored[axis] == scale.size):
            raise ConfigurationError(
                f"its {scale.size} quantisation scales do not fit axis {axis} of {stored}",
                where=f"tensor {name!r}",
                remedy=_DAMAGED,
            )
        return TfTensor(
            index=index,
            name=name,
            axes=axes,
            data_type=type_,
            scale=scale,
            zero_point=zero_point,
            axis=axis,
            data=self._data(tensor, stored, type_, name),
        )

    def _quantisation(self, parameters: Any) -> tuple[np.ndarray, np.ndarray, int]:
        """Return scales, zero points and the axis they are along; tensors may share their bytes."""
        if parameters is None:
            return np.zeros(0, np.float32), np.zeros(0, np.int64), 0
        scale, zero_point = _array(parameters.ScaleAsNumpy()), _array(parameters.ZeroPointAsNumpy())
        self.scales_left -= scale.nbytes + zero_point.nbytes
        if self.scales_left < 0:
            raise ValueError("quantisation scales take several times the bytes of the file")
        scale, zero_point = scale.astype(np.float32), zero_point.astype(np.int64)
        if not np.isfinite(scale).all() or (scale <= 0).any():
            raise ValueError("a quantisation scale is not positive")
        if zero_point.size not in {0, scale.size}:
            raise ValueError("quantisation scales and zero points differ in number")
        zeros = zero_point if zero_point.size else np.zeros(scale.size, np.int64)
        return scale, zeros, int(parameters.QuantizedDimension())

    def _data(self, tensor: Any, shape: list[int], type_: int, name: str) -> np.ndarray | None:
        number = tensor.Buffer()
        if not 0 < number < self.buffers:
            return None
        buffer = self.model.Buffers(number)
        raw: Any = _array(buffer.DataAsNumpy())
        if buffer.Offset() > 1:
            raw = np.frombuffer(self.data, np.uint8, int(buffer.Size()), int(buffer.Offset()))
        if raw.size == 0:
            return None
        dtype = np.dtype(_NUMPY[type_])
        count = math.prod(shape)
        if min(shape, default=0) < 0 or count * dtype.itemsize != raw.size:
            raise ConfigurationError(
                f"the shape {shape} takes {count * dtype.itemsize} bytes, and there are {raw.size}",
                where=f"tensor {name!r}",
                remedy=_DAMAGED,
            )
        return np.frombuffer(raw, dtype).reshape(shape)

    def operator(self, operator: Any, index: int, count: int) -> TfOperator:
        name = self.codes[operator.OpcodeIndex()]
        kind, table = operator.BuiltinOptionsType(), operator.BuiltinOptions()
        options = None
        if table is not None and self.options.get(kind, "NONE") != "NONE":
            options = getattr(self.schema, self.options[kind])()
            options.Init(table.Bytes, table.Pos)
        return TfOperator(
            index=index,
            name=name,
            inputs=self.references(operator.InputsAsNumpy(), count),
            outputs=self.references(operator.OutputsAsNumpy(), count),
            options=options,
        )


def _array(vector: Any) -> np.ndarray:
    """Return a vector, empty where the schema's accessor says 0 for a missing one."""
    return vector if isinstance(vector, np.ndarray) else np.zeros(0, np.uint8)


@contextlib.contextmanager
def _damaged(where: str) -> Iterator[None]:
    try:
        yield
    except TFLITE_ERRORS as exc:
        raise ConfigurationError(
            f"not a TFLite model, or cut short or damaged: {exc}", where=where, remedy=_DAMAGED
        ) from exc


def _schema() -> Any:
    try:
        from ai_edge_litert import schema_py_generated
    except ImportError as exc:
        raise PlatformUnavailable(
            f"{exc.name} is missing, which describes TFLite files",
            remedy="Install it: pip install ai-edge-litert.",
        ) from exc
    return schema_py_generated
