"""TFLite operators that work element by element, and activations, as ONNX nodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from onnx import TensorProto

from opscope.errors import ConfigurationError
from opscope.graph.importers.tflite.builder import Builder
from opscope.graph.importers.tflite.reader import TfOperator

_BOUNDS: Mapping[str, tuple[float, float | None]] = {
    "RELU": (0.0, None),
    "RELU_N1_TO_1": (-1.0, 1.0),
    "RELU_0_TO_1": (0.0, 1.0),
    "RELU6": (0.0, 6.0),
}
_FUSED = {0: "NONE", 1: "RELU", 2: "RELU_N1_TO_1", 3: "RELU6"}
"""The schema's ActivationFunctionType, as far as LiteRT's kernels compute it."""

_SINGLE = {
    "ABS": "Abs",
    "CEIL": "Ceil",
    "COS": "Cos",
    "ELU": "Elu",
    "EXP": "Exp",
    "FLOOR": "Floor",
    "HARD_SWISH": "HardSwish",
    "LOG": "Log",
    "LOGICAL_NOT": "Not",
    "LOGISTIC": "Sigmoid",
    "NEG": "Neg",
    "ROUND": "Round",
    "SIGN": "Sign",
    "SIN": "Sin",
    "SQRT": "Sqrt",
    "TANH": "Tanh",
}
_PAIRS = {
    "ADD": "Add",
    "DIV": "Div",
    "EQUAL": "Equal",
    "GREATER": "Greater",
    "GREATER_EQUAL": "GreaterOrEqual",
    "LESS": "Less",
    "LESS_EQUAL": "LessOrEqual",
    "LOGICAL_AND": "And",
    "LOGICAL_OR": "Or",
    "MAXIMUM": "Max",
    "MINIMUM": "Min",
    "MUL": "Mul",
    "POW": "Pow",
    "SUB": "Sub",
}


def activate(builder: Builder, value: str, number: int) -> str:
    """Add the activation that an operator is fused with, numbered as in the schema.

    Raises:
        ConfigurationError: If there is none of that number.
    """
    if number not in _FUSED:
        raise ConfigurationError(f"its fused activation {number} is one that LiteRT leaves out")
    return _activation(builder, value, _FUSED[number])


def _activation(builder: Builder, value: str, name: str) -> str:
    if name == "NONE":
        return value
    low, high = _BOUNDS[name]
    if high is None:
        return builder.node("Relu", [value])
    bounds = [builder.constant(np.array(bound, np.float32)) for bound in (low, high)]
    return builder.node("Clip", [value, *bounds])


def _unary(add: Callable[[Builder, TfOperator, str], str]) -> Callable[[Builder, TfOperator], None]:
    """Return a handler of one input and one output whose layout does not matter."""

    def handle(builder: Builder, operator: TfOperator) -> None:
        nchw = builder.prefers_nchw(operator.inputs[:1])
        value = builder.value(operator.inputs[0], nchw=nchw)
        builder.give(operator.outputs[0], add(builder, operator, value), nchw=nchw)

    return handle


def _single(name: str) -> Callable[[Builder, TfOperator], None]:
    return _unary(lambda builder, _, value: builder.node(name, [value]))


def _bounded(name: str) -> Callable[[Builder, TfOperator], None]:
    return _unary(lambda builder, _, value: _activation(builder, value, name))


def _leaky_relu(builder: Builder, operator: TfOperator, value: str) -> str:
    alpha = float(operator.options.Alpha()) if operator.options else 0.0
    return builder.node("LeakyRelu", [value], alpha=alpha)


def _gelu(builder: Builder, operator: TfOperator, value: str) -> str:
    approximate = bool(operator.options and operator.options.Approximate())
    return builder.node("Gelu", [value], approximate="tanh" if approximate else "none")


def _rsqrt(builder: Builder, _: TfOperator, value: str) -> str:
    return builder.node("Reciprocal", [builder.node("Sqrt", [value])])


def _square(builder: Builder, _: TfOperator, value: str) -> str:
    return builder.node("Mul", [value, value])


def _cast(builder: Builder, operator: TfOperator, value: str) -> str:
    target = builder.tensor(operator.outputs[0])
    real = TensorProto.FLOAT if target.is_quantised else target.data_type
    return builder.node("Cast", [value], to=real)


def _operands(builder: Builder, operator: TfOperator) -> tuple[list[str], bool]:
    """Return the values of two operands in one layout, and whether that is NCHW."""
    nchw = builder.prefers_nchw(operator.inputs)
    return [builder.value(index, nchw=nchw) for index in operator.inputs], nchw


def _binary(name: str) -> Callable[[Builder, TfOperator], None]:
    def handle(builder: Builder, operator: TfOperator) -> None:
        values, nchw = _operands(builder, operator)
        result = builder.node(name, values)
        fused: Any = getattr(operator.options, "FusedActivationFunction", None)
        result = activate(builder, result, fused() if fused else 0)
        builder.give(operator.outputs[0], result, nchw=nchw)

    return handle


def _squared_difference(builder: Builder, operator: TfOperator) -> None:
    values, nchw = _operands(builder, operator)
    difference = builder.node("Sub", values)
    result = builder.node("Mul", [difference, difference])
    builder.give(operator.outputs[0], result, nchw=nchw)


def _quantize(builder: Builder, operator: TfOperator) -> None:
    """Quantise, or quantise by other steps: what the output is makes the difference."""
    nchw = builder.prefers_nchw(operator.inputs)
    value = builder.value(operator.inputs[0], nchw=nchw)
    builder.give(operator.outputs[0], value, nchw=nchw)


def _dequantize(builder: Builder, operator: TfOperator) -> None:
    """Add nothing: quantised tensors are at hand as real numbers already."""
    source, target = operator.inputs[0], operator.outputs[0]
    if builder.is_constant(source):
        builder.remember(target, builder.known(source).astype(np.float32))
    elif builder.tensor(source).is_quantised:
        builder.alias(target, source)
    else:
        nchw = builder.prefers_nchw([source])
        value = builder.value(source, nchw=nchw)
        builder.give(target, builder.node("Cast", [value], to=TensorProto.FLOAT), nchw=nchw)


def _prelu(builder: Builder, operator: TfOperator) -> None:
    nchw = builder.prefers_nchw(operator.inputs[:1])
    values = [builder.value(index, nchw=nchw) for index in operator.inputs]
    builder.give(operator.outputs[0], builder.node("PRelu", values), nchw=nchw)


HANDLERS: Mapping[str, Callable[[Builder, TfOperator], None]] = {
    **{name: _single(node) for name, node in _SINGLE.items()},
    **{name: _binary(node) for name, node in _PAIRS.items()},
    **{name: _bounded(name) for name in _BOUNDS},
    "CAST": _unary(_cast),
    "DEQUANTIZE": _dequantize,
    "GELU": _unary(_gelu),
    "LEAKY_RELU": _unary(_leaky_relu),
    "PRELU": _prelu,
    "QUANTIZE": _quantize,
    "RSQRT": _unary(_rsqrt),
    "SQUARE": _unary(_square),
    "SQUARED_DIFFERENCE": _squared_difference,
}
