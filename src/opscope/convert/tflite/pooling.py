"""Pooling in TFLite: windows, whole images, and reductions over any axes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from opscope.convert.tflite.builder import Builder, Value
from opscope.convert.tflite.layout import NHWC
from opscope.convert.tflite.windows import Side, padded, sides


def _max_pool(builder: Builder) -> None:
    """Add MAX_POOL_2D; where SAME does not fit, after zeros if these cannot win."""
    x, found = _windows(builder)
    zeros_lose = builder.is_nonnegative(builder.node.input[0])
    image, padding = padded(builder, x, found, lowest=not zeros_lose)
    builder.give(_pool(builder, "MAX_POOL_2D", image, found, padding))


def _average_pool(builder: Builder) -> None:
    """Add AVERAGE_POOL_2D, which leaves out what SAME pads.

    Zeros of a PAD count instead; a MUL takes those back that ONNX does not count.
    """
    x, found = _windows(builder)
    counts_padding = bool(builder.attribute("count_include_pad", 0))
    explicit = counts_padding and any(any(side.pads) for side in found)
    image, padding = padded(builder, x, found, explicit=explicit)
    shares = [side.counted(padding=counts_padding) for side in found]
    if image is x or all(np.all(share == 1) for share in shares):
        builder.give(_pool(builder, "AVERAGE_POOL_2D", image, found, padding))
        return
    name = f"{builder.node.name}/pool"
    y = _pool(builder, "AVERAGE_POOL_2D", image, found, padding, name)
    factor = 1 / np.multiply.outer(*shares)[None, :, :, None]
    inputs = [y.index, builder.floats(factor)]
    builder.give(builder.add("MUL", inputs, y.shape, NHWC, "MulOptions"))


def _windows(builder: Builder) -> tuple[Value, tuple[Side, Side]]:
    x = builder.image(builder.node.input[0])
    if any(dilation != 1 for dilation in builder.attribute("dilations", ())):
        raise builder.refuse("its window is dilated")
    if len(builder.node.output) > 1:
        raise builder.refuse("it yields positions as well")
    kernel = builder.attribute("kernel_shape")
    return x, sides(builder, (kernel[0], kernel[1]))


def _pool(
    builder: Builder,
    code: str,
    x: Value,
    found: tuple[Side, Side],
    padding: int,
    name: str = "",
) -> Value:
    down, across = found
    return builder.add(
        *(code, [x.index], (*x.shape[:2], down.output, across.output), NHWC, "Pool2DOptions"),
        name=name,
        padding=padding,
        strideH=down.stride,
        strideW=across.stride,
        filterHeight=down.kernel,
        filterWidth=across.kernel,
    )


def _global(code: str) -> Callable[[Builder], None]:
    """Return a handler of a reduction over H and W that keeps both axes."""

    def handle(builder: Builder) -> None:
        x = builder.take(builder.node.input[0])
        _reduced(builder, code, x, list(range(2, len(x.shape))), keep=True)

    return handle


def _reduce(code: str) -> Callable[[Builder], None]:
    """Return a handler of a reduction over given axes, or all."""

    def handle(builder: Builder) -> None:
        x = builder.take(builder.node.input[0])
        given = builder.attribute("axes")
        if given is None:
            values = builder.optional(1)
            given = [] if values is None else values.tolist()
        if not given and builder.attribute("noop_with_empty_axes", 0):
            raise builder.refuse("it reduces nothing")
        rank = len(x.shape)
        axes = sorted(axis % rank for axis in given) or list(range(rank))
        _reduced(builder, code, x, axes, keep=bool(builder.attribute("keepdims", 1)))

    return handle


def _reduced(builder: Builder, code: str, x: Value, axes: list[int], *, keep: bool) -> None:
    places = sorted(x.order.index(axis) for axis in axes)
    shape, order = [1 if n in axes else size for n, size in enumerate(x.shape)], x.order
    if not keep:
        left = [axis for axis in range(len(x.shape)) if axis not in axes]
        shape = [x.shape[axis] for axis in left]
        order = tuple(left.index(axis) for axis in order if axis in left)
    inputs = [x.index, builder.writer.constant(places)]
    builder.give(builder.add(code, inputs, shape, order, "ReducerOptions", keepDims=keep))


HANDLERS: Mapping[str, Callable[[Builder], None]] = {
    "AveragePool": _average_pool,
    "GlobalAveragePool": _global("MEAN"),
    "GlobalMaxPool": _global("REDUCE_MAX"),
    "MaxPool": _max_pool,
    "ReduceMax": _reduce("REDUCE_MAX"),
    "ReduceMean": _reduce("MEAN"),
    "ReduceMin": _reduce("REDUCE_MIN"),
    "ReduceSum": _reduce("SUM"),
}
