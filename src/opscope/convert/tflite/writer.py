"""Writer: a TFLite file put together tensor by tensor and operator by operator, as the schema has.

It knows the file format and nothing of networks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

IDENTIFIER = b"TFL3"
SIGNATURE = "serving_default"
"""Name of the one signature of a file, as every converter calls it."""

_TYPES = {
    "float32": 0,
    "float16": 1,
    "int32": 2,
    "uint8": 3,
    "int64": 4,
    "bool": 6,
    "int16": 7,
    "int8": 9,
}
_ALIGNMENT = 16
"""Where the schema wants the contents of a tensor to begin."""

_LAST_SHORT_CODE = 127
"""Operators above this number stand in a field of their own."""


class TfliteWriter:
    """A TFLite file under construction, in terms of the schema's own records.

    Contents of constants are kept as they are given, views included, and each is copied once: into
    its place in the file.
    """

    def __init__(self) -> None:
        from ai_edge_litert import schema_py_generated as schema

        self.schema: Any = schema
        self._buffers = [_Buffer(schema)]
        self._tensors: list[Any] = []
        self._operators: list[Any] = []
        self._codes: dict[tuple[int, str], tuple[int, Any]] = {}

    def tensor(
        self,
        shape: Sequence[int],
        dtype: str = "float32",
        *,
        data: np.ndarray | None = None,
        scale: float | list[float] | None = None,
        zero: int | list[int] = 0,
        axis: int = 0,
        name: str = "",
        signature: tuple[int, ...] | None = None,
    ) -> int:
        """Add a tensor and return its index.

        Args:
            shape: NHWC for images.
            dtype: Name of a numpy type.
            data: Contents of a constant.
            scale: Steps of a quantised tensor.
            zero: Integers that stand for zero.
            axis: Axis along which there are several steps.
            name: Its name; a running number otherwise.
            signature: The shape with -1 for what stays open.
        """
        tensor = self.schema.TensorT()
        tensor.shape, tensor.type = list(shape), _TYPES[dtype]
        tensor.name = (name or f"t{len(self._tensors)}").encode()
        tensor.buffer, tensor.hasRank = 0, True
        if signature is not None:
            tensor.shapeSignature = list(signature)
        if data is not None:
            tensor.buffer = len(self._buffers)
            self._buffers.append(_Buffer(self.schema, np.asarray(data, dtype)))
        if scale is not None:
            steps = self.schema.QuantizationParametersT()
            steps.scale = np.atleast_1d(np.asarray(scale, np.float32))
            steps.zeroPoint = np.broadcast_to(np.asarray(zero, np.int64), steps.scale.shape)
            steps.quantizedDimension = axis
            tensor.quantization = steps
        self._tensors.append(tensor)
        return len(self._tensors) - 1

    def constant(self, values: Any, dtype: str = "int32", *, name: str = "") -> int:
        """Add a constant, as for a shape or axes."""
        array = np.asarray(values, dtype)
        return self.tensor(array.shape, dtype, data=array, name=name)

    def name(self, index: int) -> str:
        """Return a tensor's name."""
        return str(self._tensors[index].name, "utf-8")

    def contents(self, index: int) -> np.ndarray:
        """Return what a constant holds so far."""
        return np.asarray(self._buffers[self._tensors[index].buffer].data)

    def replace(self, index: int, values: np.ndarray) -> None:
        """Give a constant other contents of the same shape and type."""
        self._buffers[self._tensors[index].buffer].data = values

    def operator(
        self,
        code: str,
        inputs: Sequence[int],
        outputs: Sequence[int],
        options: str = "",
        custom: str = "",
        **values: Any,
    ) -> Any:
        """Add an operator and return its record.

        Args:
            code: Its name in the schema's BuiltinOperator.
            inputs: Tensors by index, -1 for one left out.
            outputs: Tensors by index.
            options: Name of the schema's record of options, without its last letter T.
            custom: Name of a custom operator.
            values: Fields of the options.
        """
        operator = self.schema.OperatorT()
        operator.opcodeIndex = self._code(code, custom)
        operator.inputs, operator.outputs = list(inputs), list(outputs)
        if options:
            operator.builtinOptionsType = getattr(self.schema.BuiltinOptions, options)
            operator.builtinOptions = getattr(self.schema, f"{options}T")()
            for key, value in values.items():
                setattr(operator.builtinOptions, key, value)
        self._operators.append(operator)
        return operator

    def counts(self) -> Counter[str]:
        """Return how many operators there are of each code."""
        return Counter(self._codes_of(self._operators))

    def halve(self, codes: Collection[str]) -> None:
        """Store the constant weights of operators of some codes in FP16, each before a DEQUANTIZE.

        Weights are what an operator takes second.

        Raises:
            OverflowError: If a weight is beyond FP16's largest number; it names the tensor.
        """
        written, self._operators = self._operators, []
        for code, operator in zip(self._codes_of(written), written, strict=True):
            if code in codes and self._tensors[operator.inputs[1]].buffer:
                self._halve(operator.inputs[1])
            self._operators.append(operator)

    def finish(
        self, inputs: Sequence[int], outputs: Sequence[int], names: Sequence[str] = ()
    ) -> bytes:
        """Return the file.

        Args:
            inputs: Tensors by index.
            outputs: Tensors by index.
            names: What its signature calls the inputs and then the outputs; without them it has
                no signature.
        """
        import flatbuffers

        graph = self.schema.SubGraphT()
        graph.name = b"main"
        graph.tensors, graph.operators = self._tensors, self._operators
        graph.inputs, graph.outputs = list(inputs), list(outputs)
        model = self.schema.ModelT()
        model.version = 3
        model.subgraphs, model.buffers = [graph], self._buffers
        model.operatorCodes = [entry for _, entry in self._codes.values()]
        if names:
            model.signatureDefs = [self._signature(inputs, outputs, names)]
        room = sum(buffer.size_bytes for buffer in self._buffers)
        builder = flatbuffers.Builder(room + 1024 * len(self._tensors) + 1024)
        builder.Finish(model.Pack(builder), IDENTIFIER)
        return bytes(memoryview(builder.Bytes)[builder.Head() :])

    def _halve(self, index: int) -> None:
        """Let a constant be what a DEQUANTIZE yields from its contents in FP16."""
        whole, values, name = self._tensors[index], self.contents(index), self.name(index)
        if np.abs(values).max(initial=0) > np.finfo(np.float16).max:
            raise OverflowError(name)
        half = self.tensor(values.shape, "float16", name=name)
        whole.name = f"{name}_dequant".encode()
        self._tensors[half].buffer, whole.buffer = whole.buffer, 0
        self.replace(half, values.astype(np.float16))
        self.operator("DEQUANTIZE", [half], [index], "DequantizeOptions")

    def _codes_of(self, operators: Sequence[Any]) -> list[str]:
        names = {number: name for name, number in vars(self.schema.BuiltinOperator).items()}
        codes = [names[number] for number, _ in self._codes]
        return [codes[operator.opcodeIndex] for operator in operators]

    def _code(self, code: str, custom: str) -> int:
        number = getattr(self.schema.BuiltinOperator, code)
        if (number, custom) not in self._codes:
            entry = self.schema.OperatorCodeT()
            entry.builtinCode = number
            entry.deprecatedBuiltinCode = min(number, _LAST_SHORT_CODE)
            entry.version = 1
            entry.customCode = custom.encode() if custom else None
            self._codes[number, custom] = len(self._codes), entry
        return self._codes[number, custom][0]

    def _signature(
        self, inputs: Sequence[int], outputs: Sequence[int], names: Sequence[str]
    ) -> Any:
        maps = []
        for name, index in zip(names, (*inputs, *outputs), strict=True):
            entry = self.schema.TensorMapT()
            entry.name, entry.tensorIndex = name.encode(), index
            maps.append(entry)
        signature = self.schema.SignatureDefT()
        signature.signatureKey, signature.subgraphIndex = SIGNATURE.encode(), 0
        signature.inputs, signature.outputs = maps[: len(inputs)], maps[len(inputs) :]
        return signature


class _Buffer:
    """The contents of one tensor, packed like the schema's own records and given up once packed."""

    def __init__(self, schema: Any, data: np.ndarray | None = None) -> None:
        self._schema = schema
        self.data = data

    @property
    def size_bytes(self) -> int:
        return 0 if self.data is None else self.data.nbytes + _ALIGNMENT

    def Pack(self, builder: Any) -> int:  # noqa: N802 - as the schema's records call it
        offset = None
        if self.data is not None:
            flat = np.ascontiguousarray(self.data).reshape(-1).view(np.uint8)
            self.data = None
            builder.Prep(_ALIGNMENT, flat.nbytes)
            offset = builder.CreateNumpyVector(flat)
        self._schema.BufferStart(builder)
        if offset is not None:
            self._schema.BufferAddData(builder, offset)
        packed: int = self._schema.BufferEnd(builder)
        return packed
