"""Element by element in TFLite: arithmetic on one or two tensors, activations, softmax."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from opscope.convert.tflite import layout
from opscope.convert.tflite.builder import Builder, Value
from opscope.convert.tflite.layout import Order

_RELU6_TOP = 6.0
_TWO = 2
_SOFTMAX_BY_AXIS = 13
"""The opset from which on softmax is over one axis, not over all from one on."""

_BOUNDS: Mapping[tuple[float, float], str] = {
    (0.0, math.inf): "RELU",
    (0.0, _RELU6_TOP): "RELU6",
    (-1.0, 1.0): "RELU_N1_TO_1",
}


def _unary(code: str, options: str = "") -> Callable[[Builder], None]:
    """Return a handler of an operator whose layout does not matter."""

    def handle(builder: Builder) -> None:
        x = builder.take(builder.node.input[0])
        builder.give(builder.add(code, [x.index], x.shape, x.order, options))

    return handle


def _relu(builder: Builder) -> None:
    _bounded(builder, 0.0, math.inf)


def _clip(builder: Builder) -> None:
    low, high = (
        builder.attribute(name) if builder.attribute(name) is not None else builder.optional(place)
        for place, name in ((1, "min"), (2, "max"))
    )
    _bounded(
        builder,
        -math.inf if low is None else float(low),
        math.inf if high is None else float(high),
    )


def _bounded(builder: Builder, low: float, high: float) -> None:
    """Fuse with the operator before, or add the activation that has these bounds, or else two."""
    name = builder.node.input[0]
    code = _BOUNDS.get((low, high))
    if code and builder.fuse(name, code):
        return
    x = builder.take(name)
    if code:
        builder.give(builder.add(code, [x.index], x.shape, x.order))
    else:
        builder.give(_between(builder, x, low, high))


def _between(builder: Builder, x: Value, low: float, high: float) -> Value:
    parts = [("MAXIMUM", low, "low")] if low > -math.inf else []
    parts += [("MINIMUM", high, "high")] if high < math.inf else []
    for code, bound, role in parts:
        name = f"{builder.node.name}/{role}"
        inputs = [x.index, builder.floats(bound)]
        x = builder.add(code, inputs, x.shape, x.order, "MaximumMinimumOptions", name=name)
    return x


def _leaky_relu(builder: Builder) -> None:
    x = builder.take(builder.node.input[0])
    alpha = builder.attribute("alpha", 0.01)
    builder.give(
        builder.add("LEAKY_RELU", [x.index], x.shape, x.order, "LeakyReluOptions", alpha=alpha)
    )


def _gelu(builder: Builder) -> None:
    x = builder.take(builder.node.input[0])
    approximate = (builder.attribute("approximate") or b"none") == b"tanh"
    builder.give(
        builder.add(*("GELU", [x.index], x.shape, x.order, "GeluOptions"), approximate=approximate)
    )


def _hard_sigmoid(builder: Builder) -> None:
    """Add ADD fused with RELU6, and MUL, as converters write it: relu6(x + 3) / 6."""
    node = builder.node
    x = builder.take(node.input[0])
    alpha, beta = builder.attribute("alpha", 0.2), builder.attribute("beta", 0.5)
    if not math.isclose(_RELU6_TOP * alpha, 1, rel_tol=1e-6):
        raise builder.refuse(f"its slope is {alpha:.3g} instead of 1/6")
    y = builder.add(
        *("ADD", [x.index, builder.floats(beta / alpha)], x.shape, x.order, "AddOptions"),
        name=f"{node.name}/add",
        fusedActivationFunction=3,
    )
    inputs = [y.index, builder.floats(alpha)]
    builder.give(builder.add("MUL", inputs, x.shape, x.order, "MulOptions"))


def _softmax(builder: Builder) -> None:
    """Add SOFTMAX, which is over the last axis as stored."""
    x = builder.take(builder.node.input[0])
    by_axis = builder.opset >= _SOFTMAX_BY_AXIS
    axis = builder.attribute("axis", -1 if by_axis else 1) % len(x.shape)
    if not by_axis and math.prod(x.shape[axis + 1 :]) != 1:
        raise builder.refuse("it is over several axes")
    if x.order[-1] != axis:
        x = builder.ordered(x, (*(other for other in x.order if other != axis), axis))
    builder.give(builder.add("SOFTMAX", [x.index], x.shape, x.order, "SoftmaxOptions", beta=1.0))


def _binary(code: str, options: str) -> Callable[[Builder], None]:
    """Return a handler of an operator on two tensors, of which axes of size 1 are stretched."""

    def handle(builder: Builder) -> None:
        names = builder.node.input
        if len(names) != _TWO:
            raise builder.refuse(f"it has {len(names)} operands instead of 2")
        shape = np.broadcast_shapes(*(builder.shape(name) for name in names))
        if code == "ADD" and any(
            _is_bias(builder, name, other, shape)
            for name, other in (tuple(names), tuple(names)[::-1])
        ):
            return
        computed = [builder.take(name) for name in names if builder.known(name) is None]
        whole = [value.order for value in computed if len(value.shape) == len(shape)]
        order = whole[0] if whole else layout.usual(len(shape))
        inputs = [_operand(builder, name, order) for name in names]
        builder.give(builder.add(code, inputs, shape, order, options))

    return handle


def _operand(builder: Builder, name: str, order: Order) -> int:
    """Return a tensor that broadcasts with one of ``order``."""
    rank, values = len(order), builder.known(name)
    if values is not None:
        spread = values.reshape((1,) * (rank - values.ndim) + values.shape).transpose(order)
        while spread.ndim > 1 and spread.shape[0] == 1:
            spread = spread[0]
        return builder.floats(spread)
    value = builder.take(name)
    if len(value.shape) < rank:
        shape = (1,) * (rank - len(value.shape)) + value.shape
        value = builder.reshape(builder.plain(name), shape, layout.plain(rank))
    return builder.ordered(value, order).index


def _is_bias(builder: Builder, name: str, other: str, shape: tuple[int, ...]) -> bool:
    """Fold what is added to each channel into the weights before it."""
    values = builder.known(other)
    if values is None or builder.shape(name) != shape or values.ndim > len(shape):
        return False
    value = builder.take(name)
    axis = value.order[-1]  # channels are last behind every operator with weights
    along = (1,) * (len(shape) - values.ndim) + values.shape
    if any(size != 1 for n, size in enumerate(along) if n != axis):
        return False
    bias = np.broadcast_to(values.reshape(-1), (shape[axis],))
    return builder.fold(name, axis, np.ones(shape[axis], np.float32), bias)


HANDLERS: Mapping[str, Callable[[Builder], None]] = {
    "Abs": _unary("ABS", "AbsOptions"),
    "Add": _binary("ADD", "AddOptions"),
    "Clip": _clip,
    "Div": _binary("DIV", "DivOptions"),
    "Exp": _unary("EXP", "ExpOptions"),
    "Gelu": _gelu,
    "HardSigmoid": _hard_sigmoid,
    "HardSwish": _unary("HARD_SWISH", "HardSwishOptions"),
    "LeakyRelu": _leaky_relu,
    "Max": _binary("MAXIMUM", "MaximumMinimumOptions"),
    "Min": _binary("MINIMUM", "MaximumMinimumOptions"),
    "Mul": _binary("MUL", "MulOptions"),
    "Neg": _unary("NEG", "NegOptions"),
    "Relu": _relu,
    "Sigmoid": _unary("LOGISTIC"),
    "Softmax": _softmax,
    "Sqrt": _unary("SQRT"),
    "Sub": _binary("SUB", "SubOptions"),
    "Tanh": _unary("TANH"),
}
