"""Fully connected layers and matrix products in TFLite."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from opscope.convert.tflite.builder import Builder, Value
from opscope.convert.tflite.layout import plain
from opscope.convert.tflite.source import MATRIX_RANK


def fully_connected(
    builder: Builder, x: Value, weights: np.ndarray, bias: np.ndarray | None, name: str = ""
) -> Value:
    """Add a product with constant weights of shape (outputs, inputs), over the last axis.

    Inputs that are stored in another order than ONNX has them keep it: the weights follow.
    """
    if x.columns is not None:
        weights = weights[:, x.columns]
    outputs = len(weights)
    biases = np.zeros(outputs, np.float32) if bias is None else bias
    label = name or builder.node.name
    inputs = [
        x.index,
        builder.weights(weights, f"{label}/weight"),
        builder.weights(biases, f"{label}/bias"),
    ]
    shape = (*x.shape[:-1], outputs)
    keep = len(shape) > MATRIX_RANK
    return builder.add(
        *("FULLY_CONNECTED", inputs, shape, plain(len(shape)), "FullyConnectedOptions"),
        name=name,
        keepNumDims=keep,
    )


def _gemm(builder: Builder) -> None:
    node = builder.node
    if builder.attribute("transA", 0):
        raise builder.refuse("its first operand is transposed")
    weights, bias = builder.constant(1), builder.optional(2)
    weights = weights if builder.attribute("transB", 0) else weights.T
    alpha, beta = builder.attribute("alpha", 1.0), builder.attribute("beta", 1.0)
    if alpha != 1:
        weights = weights * np.float32(alpha)
    if bias is not None:
        if bias.size not in {1, len(weights)}:
            raise builder.refuse("its bias differs between rows")
        bias = np.broadcast_to(bias.reshape(-1) * np.float32(beta), (len(weights),))
    builder.give(fully_connected(builder, builder.plain(node.input[0]), weights, bias))


def _matmul(builder: Builder) -> None:
    """Add FULLY_CONNECTED where the second operand is a constant matrix, else BATCH_MATMUL."""
    node = builder.node
    x, weights = builder.plain(node.input[0]), builder.known(node.input[1])
    if weights is not None and weights.ndim == MATRIX_RANK <= len(x.shape):
        builder.give(fully_connected(builder, x, weights.T, None))
        return
    y, shape = builder.plain(node.input[1]), builder.shape(node.output[0])
    if min(len(x.shape), len(y.shape)) < MATRIX_RANK:
        raise builder.refuse("an operand is a vector")
    builder.give(
        builder.add(
            *("BATCH_MATMUL", [x.index, y.index], shape, plain(len(shape)), "BatchMatMulOptions")
        )
    )


HANDLERS: Mapping[str, Callable[[Builder], None]] = {"Gemm": _gemm, "MatMul": _matmul}
