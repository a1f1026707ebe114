"""Convolutions in TFLite: plain, grouped, dilated and depthwise ones, and BatchNorm after them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from opscope.convert.tflite.builder import Builder
from opscope.convert.tflite.layout import IMAGE_RANK, NHWC
from opscope.convert.tflite.windows import padded, sides


def _conv(builder: Builder) -> None:
    """Add CONV_2D, or DEPTHWISE_CONV_2D where each filter sees one of several channels."""
    node = builder.node
    weights = builder.constant(1)
    if weights.ndim != IMAGE_RANK:
        raise builder.refuse(f"it slides over {weights.ndim - 2} axes instead of 2")
    x, shape = builder.image(node.input[0]), builder.shape(node.output[0])
    cout, seen, *kernel = weights.shape
    groups, channels = builder.attribute("group", 1), x.shape[1]
    down, across = builder.attribute("dilations", [1, 1])
    found = sides(builder, (kernel[0], kernel[1]), (down, across))
    image, padding = padded(builder, x, found)
    bias = builder.optional(2)
    biases = np.zeros(cout, np.float32) if bias is None else bias
    depthwise = groups == channels and seen == 1 < groups
    options = {
        "padding": padding,
        "strideH": found[0].stride,
        "strideW": found[1].stride,
        "dilationHFactor": down,
        "dilationWFactor": across,
    }
    if depthwise:
        filters = weights.transpose(1, 2, 3, 0)
        options["depthMultiplier"] = cout // channels
    else:
        filters = weights.transpose(0, 2, 3, 1)
    code, kind = (
        ("DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions")
        if depthwise
        else ("CONV_2D", "Conv2DOptions")
    )
    inputs = [image.index, builder.weights(filters), builder.weights(biases, f"{node.name}/bias")]
    builder.give(builder.add(code, inputs, shape, NHWC, kind, **options))


def _batch_norm(builder: Builder) -> None:
    """Fold it into the weights before it, as every converter does, or else add MUL and ADD."""
    node = builder.node
    scale, bias, mean, variance = (builder.constant(position) for position in range(1, 5))
    factor = scale / np.sqrt(variance + np.float32(builder.attribute("epsilon", 1e-5)))
    shift = bias - mean * factor
    if builder.fold(node.input[0], 1, factor, shift):
        return
    x = builder.take(node.input[0])
    along = [1] * len(x.shape)
    along[1] = -1
    operands = [np.transpose(v.reshape(along), x.order) for v in (factor, shift)]
    y = builder.add(
        *("MUL", [x.index, builder.floats(operands[0])], x.shape, x.order, "MulOptions"),
        name=f"{node.name}/mul",
    )
    inputs = [y.index, builder.floats(operands[1])]
    builder.give(builder.add("ADD", inputs, x.shape, x.order, "AddOptions"))


HANDLERS: Mapping[str, Callable[[Builder], None]] = {
    "BatchNormalization": _batch_norm,
    "Conv": _conv,
}
