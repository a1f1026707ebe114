"""A writer of small TFLite files, tensor by tensor, for tests of what reads them."""

from __future__ import annotations

from typing import Any

import numpy as np

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


class TfliteWriter:
    """A TFLite file under construction, in terms of the schema's own records.

    Args:
        seed: Of the stream that `random` draws constants from.
    """

    def __init__(self, seed: int = 0) -> None:
        import flatbuffers
        from ai_edge_litert import schema_py_generated as schema

        self.schema = schema
        self._builder = flatbuffers.Builder(1024)
        self._buffers = [schema.BufferT()]
        self._tensors: list[Any] = []
        self._operators: list[Any] = []
        self._codes: list[Any] = []
        self._stream = np.random.default_rng(seed)

    def tensor(
        self,
        shape: tuple[int, ...],
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
            buffer = self.schema.BufferT()
            buffer.data = np.frombuffer(np.asarray(data, dtype).tobytes(), np.uint8)
            tensor.buffer = len(self._buffers)
            self._buffers.append(buffer)
        if scale is not None:
            steps = self.schema.QuantizationParametersT()
            steps.scale = np.atleast_1d(np.asarray(scale, np.float32))
            steps.zeroPoint = np.broadcast_to(np.asarray(zero, np.int64), steps.scale.shape)
            steps.quantizedDimension = axis
            tensor.quantization = steps
        self._tensors.append(tensor)
        return len(self._tensors) - 1

    def constant(self, values: Any, dtype: str = "int32") -> int:
        """Add a constant, as for a shape or axes."""
        array = np.asarray(values, dtype)
        return self.tensor(array.shape, dtype, data=array)

    def random(self, *shape: int) -> int:
        """Add a float32 constant drawn from the seed, small enough to stay so through layers."""
        values = self._stream.standard_normal(shape, dtype=np.float32)
        return self.tensor(shape, data=values / np.sqrt(np.prod(shape[1:]) or 1))

    def operator(
        self,
        code: str,
        inputs: list[int],
        outputs: list[int],
        options: str = "",
        custom: str = "",
        **values: Any,
    ) -> None:
        """Add an operator.

        Args:
            code: Its name in the schema's BuiltinOperator.
            inputs: Tensors by index.
            outputs: Tensors by index.
            options: Name of the schema's record of options, without its last letter T.
            custom: Name of a custom operator.
            values: Fields of the options.
        """
        entry = self.schema.OperatorCodeT()
        number = getattr(self.schema.BuiltinOperator, code)
        entry.builtinCode, entry.deprecatedBuiltinCode = number, min(number, 127)
        entry.version = 1
        entry.customCode = custom.encode() if custom else None
        self._codes.append(entry)
        operator = self.schema.OperatorT()
        operator.opcodeIndex = len(self._codes) - 1
        operator.inputs, operator.outputs = inputs, outputs
        if options:
            operator.builtinOptionsType = getattr(self.schema.BuiltinOptions, options)
            operator.builtinOptions = getattr(self.schema, f"{options}T")()
            for key, value in values.items():
                setattr(operator.builtinOptions, key, value)
        self._operators.append(operator)

    def finish(self, inputs: list[int], outputs: list[int]) -> bytes:
        """Return the file."""
        graph = self.schema.SubGraphT()
        graph.tensors, graph.operators = self._tensors, self._operators
        graph.inputs, graph.outputs = inputs, outputs
        model = self.schema.ModelT()
        model.version = 3
        model.subgraphs, model.buffers, model.operatorCodes = [graph], self._buffers, self._codes
        self._builder.Finish(model.Pack(self._builder), b"TFL3")
        return bytes(self._builder.Output())


def run_tflite(data: bytes, inputs: list[np.ndarray]) -> list[np.ndarray]:
    """Return what the LiteRT interpreter computes without delegates; inputs come in order."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=data,
        num_threads=1,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    for detail, array in zip(interpreter.get_input_details(), inputs, strict=True):
        interpreter.resize_tensor_input(detail["index"], array.shape)
    interpreter.allocate_tensors()
    for detail, array in zip(interpreter.get_input_details(), inputs, strict=True):
        interpreter.set_tensor(detail["index"], array)
    interpreter.invoke()
    details = interpreter.get_output_details()
    return [np.asarray(interpreter.get_tensor(detail["index"])) for detail in details]
