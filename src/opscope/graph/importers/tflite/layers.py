"""TFLite's fully connected layers, matrix products, softmax and normalisation, as ONNX nodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from opscope.errors import ConfigurationError
from opscope.graph.importers.tflite.arithmetic import activate
from opscope.graph.importers.tflite.builder import Builder
from opscope.graph.importers.tflite.reader import TfOperator

_MATRIX_RANK = 2


def _fully_connected(builder: Builder, operator: TfOperator) -> None:
    """Add a matrix product with constant weights of shape (outputs, inputs)."""
    options = operator.options
    x, w = (builder.tensor(index) for index in operator.inputs[:2])
    if w.rank != _MATRIX_RANK or (options and options.WeightsFormat()):
        raise ConfigurationError("its weights are not a plain matrix")
    outputs, inputs = w.axes
    value = builder.order_free(operator.inputs[0])
    if x.rank != _MATRIX_RANK or x.axes[1] != inputs:
        value = builder.node("Reshape", [value, builder.integers([-1, inputs])])
    weights = [builder.weight(operator.inputs[1])]
    if len(operator.inputs) > _MATRIX_RANK and operator.inputs[2] >= 0:
        weights.append(builder.weight(operator.inputs[2]))
    result = builder.node("Gemm", [value, *weights], transB=1)
    if options and options.KeepNumDims() and x.rank != _MATRIX_RANK:
        shape = builder.integers([*x.axes[:-1], outputs])
        result = builder.node("Reshape", [result, shape])
    result = activate(builder, result, options.FusedActivationFunction() if options else 0)
    builder.give(operator.outputs[0], result, nchw=False)


def _batch_matmul(builder: Builder, operator: TfOperator) -> None:
    flags = operator.options.AdjX(), operator.options.AdjY()
    values = []
    for index, transposed in zip(operator.inputs, flags, strict=True):
        value, rank = builder.plain(index), builder.tensor(index).rank
        if transposed:
            order = [*range(rank - 2), rank - 1, rank - 2]
            value = builder.node("Transpose", [value], perm=order)
        values.append(value)
    builder.give(operator.outputs[0], builder.node("MatMul", values), nchw=False)


def _softmax(name: str) -> Callable[[Builder, TfOperator], None]:
    """Return a handler of a softmax over the last axis, which is the channels of an image."""

    def handle(builder: Builder, operator: TfOperator) -> None:
        nchw = builder.prefers_nchw(operator.inputs)
        value = builder.value(operator.inputs[0], nchw=nchw)
        beta = operator.options.Beta() if name == "Softmax" and operator.options else 1.0
        if beta != 1.0:
            value = builder.node("Mul", [value, builder.constant(np.array(beta, np.float32))])
        result = builder.node(name, [value], axis=1 if nchw else -1)
        builder.give(operator.outputs[0], result, nchw=nchw)

    return handle


def _l2_normalization(builder: Builder, operator: TfOperator) -> None:
    nchw = builder.prefers_nchw(operator.inputs)
    value = builder.value(operator.inputs[0], nchw=nchw)
    result = builder.node("LpNormalization", [value], axis=1 if nchw else -1, p=2)
    builder.give(operator.outputs[0], result, nchw=nchw)


def _arg(name: str) -> Callable[[Builder, TfOperator], None]:
    def handle(builder: Builder, operator: TfOperator) -> None:
        axis = int(np.atleast_1d(builder.known(operator.inputs[1]))[0])
        output = builder.tensor(operator.outputs[0])
        value = builder.plain(operator.inputs[0])
        result = builder.node(name, [value], axis=axis, keepdims=0)
        result = builder.node("Cast", [result], to=output.data_type)
        builder.give(operator.outputs[0], result, nchw=False)

    return handle


HANDLERS: Mapping[str, Callable[[Builder, TfOperator], None]] = {
    "ARG_MAX": _arg("ArgMax"),
    "ARG_MIN": _arg("ArgMin"),
    "BATCH_MATMUL": _batch_matmul,
    "FULLY_CONNECTED": _fully_connected,
    "L2_NORMALIZATION": _l2_normalization,
    "LOG_SOFTMAX": _softmax("LogSoftmax"),
    "SOFTMAX": _softmax("Softmax"),
}
