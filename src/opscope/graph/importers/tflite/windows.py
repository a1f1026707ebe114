"""TFLite's convolutions, pooling, resizing and reductions, which see images as NCHW in ONNX."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from opscope.errors import ConfigurationError
from opscope.graph.importers.tflite.arithmetic import activate
from opscope.graph.importers.tflite.builder import NCHW_AXIS, Builder
from opscope.graph.importers.tflite.reader import TfOperator

_PADDING = {0: "SAME_UPPER", 1: "VALID"}
"""The schema's Padding; SAME puts the odd pixel at the end."""

_FILTER_ORDER = (0, 3, 1, 2)
"""Out, height, width, in: to out, in, height, width."""

_DEPTHWISE_ORDER = (3, 0, 1, 2)
"""One, height, width, channels: to channels, one, height, width."""


def _options(operator: TfOperator) -> Any:
    if operator.options is None:
        raise ConfigurationError("its options are missing")
    return operator.options


def _window(options: Any) -> dict[str, Any]:
    padding = options.Padding()
    if padding not in _PADDING:
        raise ConfigurationError(f"its padding {padding} is unknown")
    return {"auto_pad": _PADDING[padding], "strides": [options.StrideH(), options.StrideW()]}


def _bias(builder: Builder, operator: TfOperator, position: int) -> list[str]:
    given = len(operator.inputs) > position and operator.inputs[position] >= 0
    return [builder.weight(operator.inputs[position])] if given else []


def _convolve(builder: Builder, operator: TfOperator, order: tuple[int, ...], group: int) -> None:
    options = _options(operator)
    filters = builder.tensor(operator.inputs[1])
    value = builder.nchw(operator.inputs[0])
    weights = [builder.weight(operator.inputs[1], order), *_bias(builder, operator, 2)]
    result = builder.node(
        "Conv",
        [value, *weights],
        group=group,
        kernel_shape=filters.axes[1:3],
        dilations=[options.DilationHFactor(), options.DilationWFactor()],
        **_window(options),
    )
    result = activate(builder, result, options.FusedActivationFunction())
    builder.give(operator.outputs[0], result, nchw=True)


def _conv_2d(builder: Builder, operator: TfOperator) -> None:
    """Add a convolution; filters of fewer channels than the input make it a grouped one."""
    cin = builder.tensor(operator.inputs[0]).axes[3]
    per_group = builder.tensor(operator.inputs[1]).axes[3]
    if cin < 1 or cin % per_group:
        raise ConfigurationError(f"filters of {per_group} channels do not fit an input of {cin}")
    _convolve(builder, operator, _FILTER_ORDER, cin // per_group)


def _depthwise_conv_2d(builder: Builder, operator: TfOperator) -> None:
    cin = builder.tensor(operator.inputs[0]).axes[3]
    cout = builder.tensor(operator.inputs[1]).axes[3]
    if cin < 1 or cout % cin:
        raise ConfigurationError(f"{cout} filters do not fit an input of {cin} channels")
    _convolve(builder, operator, _DEPTHWISE_ORDER, cin)


def _transpose_conv(builder: Builder, operator: TfOperator) -> None:
    """Add a transposed convolution; its output size is an operand and decides the padding."""
    options = _options(operator)
    size = [int(number) for number in builder.known(operator.inputs[0])][1:3]
    height, width = builder.tensor(operator.inputs[2]).axes[1:3]
    kernel = builder.tensor(operator.inputs[1]).axes[1:3]
    strides = options.StrideH(), options.StrideW()
    if min(height, width) < 1:
        raise ConfigurationError("the height or width of its input is dynamic")
    surplus = [
        stride * (side - 1) + k - out
        for stride, side, k, out in zip(strides, (height, width), kernel, size, strict=True)
    ]
    begin = [max(extra, 0) // 2 for extra in surplus]
    end = [max(extra, 0) - before for extra, before in zip(surplus, begin, strict=True)]
    result = builder.node(
        "ConvTranspose",
        [
            builder.nchw(operator.inputs[2]),
            builder.weight(operator.inputs[1], (3, 0, 1, 2)),
            *_bias(builder, operator, 3),
        ],
        kernel_shape=kernel,
        strides=strides,
        pads=[*begin, *end],
        output_padding=[max(-extra, 0) for extra in surplus],
    )
    result = activate(builder, result, options.FusedActivationFunction())
    builder.give(operator.outputs[0], result, nchw=True)


def _pool(name: str) -> Callable[[Builder, TfOperator], None]:
    def handle(builder: Builder, operator: TfOperator) -> None:
        options = _options(operator)
        kernel = [options.FilterHeight(), options.FilterWidth()]
        value = builder.nchw(operator.inputs[0])
        result = builder.node(name, [value], kernel_shape=kernel, **_window(options))
        result = activate(builder, result, options.FusedActivationFunction())
        builder.give(operator.outputs[0], result, nchw=True)

    return handle


def _resize(mode: str) -> Callable[[Builder, TfOperator], None]:
    def handle(builder: Builder, operator: TfOperator) -> None:
        options = _options(operator)
        size = builder.integers([int(number) for number in builder.known(operator.inputs[1])])
        aligned, half = options.AlignCorners(), options.HalfPixelCenters()
        attributes: dict[str, Any] = {"mode": mode}
        if aligned:
            attributes["coordinate_transformation_mode"] = "align_corners"
        else:
            attributes["coordinate_transformation_mode"] = "half_pixel" if half else "asymmetric"
        if mode == "nearest":
            attributes["nearest_mode"] = "round_prefer_ceil" if aligned or half else "floor"
        value = builder.nchw(operator.inputs[0])
        kept = builder.node("Shape", [value], start=0, end=2)
        whole = builder.node("Concat", [kept, size], axis=0)
        result = builder.node("Resize", [value, "", "", whole], **attributes)
        builder.give(operator.outputs[0], result, nchw=True)

    return handle


def _rearrange(name: str) -> Callable[[Builder, TfOperator], None]:
    def handle(builder: Builder, operator: TfOperator) -> None:
        block = _options(operator).BlockSize()
        result = builder.node(name, [builder.nchw(operator.inputs[0])], blocksize=block)
        builder.give(operator.outputs[0], result, nchw=True)

    return handle


def _reduce(name: str) -> Callable[[Builder, TfOperator], None]:
    """Return a handler that reduces some axes; over height and width either layout will do."""

    def handle(builder: Builder, operator: TfOperator) -> None:
        index = operator.inputs[0]
        rank = builder.tensor(index).rank
        axes = [int(a) % rank for a in np.atleast_1d(builder.known(operator.inputs[1]))]
        keep = bool(operator.options and operator.options.KeepDims())
        nchw = builder.prefers_nchw([index]) and (keep or set(axes) == {1, 2})
        if nchw:
            axes = [NCHW_AXIS[axis] for axis in axes]
        value = builder.value(index, nchw=nchw)
        result = builder.node(name, [value, builder.integers(sorted(axes))], keepdims=int(keep))
        builder.give(operator.outputs[0], result, nchw=nchw and keep)

    return handle


HANDLERS: Mapping[str, Callable[[Builder, TfOperator], None]] = {
    "AVERAGE_POOL_2D": _pool("AveragePool"),
    "CONV_2D": _conv_2d,
    "DEPTHWISE_CONV_2D": _depthwise_conv_2d,
    "DEPTH_TO_SPACE": _rearrange("DepthToSpace"),
    "MAX_POOL_2D": _pool("MaxPool"),
    "MEAN": _reduce("ReduceMean"),
    "REDUCE_MAX": _reduce("ReduceMax"),
    "REDUCE_MIN": _reduce("ReduceMin"),
    "REDUCE_PROD": _reduce("ReduceProd"),
    "RESIZE_BILINEAR": _resize("linear"),
    "RESIZE_NEAREST_NEIGHBOR": _resize("nearest"),
    "SPACE_TO_DEPTH": _rearrange("SpaceToDepth"),
    "SUM": _reduce("ReduceSum"),
    "TRANSPOSE_CONV": _transpose_conv,
}
