"""Small models as their files' bytes, for tests of what reads them: ONNX and TFLite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from opscope.testing.tflite import TfliteWriter


def onnx_model(
    nodes: Sequence[onnx.NodeProto],
    inputs: dict[str, Sequence[int | str | None] | None],
    outputs: Sequence[str],
    weights: dict[str, np.ndarray] | None = None,
    *,
    types: dict[str, int] | None = None,
    **fields: Any,
) -> onnx.ModelProto:
    """Return an ONNX model of opset 20.

    Args:
        nodes: In the order in which they run.
        inputs: Shapes by name, with texts and nothing for what stays open.
        outputs: Names.
        weights: Arrays by name.
        types: Number formats of inputs and outputs that are not float32.
        fields: Passed on to ``onnx.helper.make_model``.
    """
    types = types or {}

    def value(name: str, shape: Sequence[int | str | None] | None) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, types.get(name, TensorProto.FLOAT), shape)

    graph = helper.make_graph(
        nodes,
        "model",
        [value(name, shape) for name, shape in inputs.items()],
        [value(name, None) for name in outputs],
        [numpy_helper.from_array(array, name) for name, array in (weights or {}).items()],
    )
    fields.setdefault("opset_imports", [helper.make_opsetid("", 20)])
    return helper.make_model(graph, ir_version=10, **fields)


def small_network(*, batch: int | str = 1) -> onnx.ModelProto:
    """Return a convolution, BatchNorm, a residual, pooling and a classifier, as exporters write."""
    stream = np.random.default_rng(0)

    def draw(*shape: int) -> np.ndarray:
        return stream.standard_normal(shape, dtype=np.float32)

    node = helper.make_node
    nodes = [
        node("Conv", ["image", "w0", "b0"], ["c0"], name="stem", pads=[1, 1, 1, 1]),
        node("BatchNormalization", ["c0", "s", "b", "m", "v"], ["n0"], name="norm"),
        node("Relu", ["n0"], ["r0"], name="relu"),
        node("Conv", ["r0", "w1"], ["c1"], name="depthwise", auto_pad="SAME_UPPER", group=8),
        node("Add", ["c1", "r0"], ["a"], name="residual"),
        node("Constant", [], ["six"], value=numpy_helper.from_array(np.array(6, np.float32))),
        node("Clip", ["a", "", "six"], ["k"], name="clip"),
        node("GlobalAveragePool", ["k"], ["p"], name="pool"),
        node("Shape", ["p"], ["shape"], name="shape"),
        node("Constant", [], ["zero"], value_int=0),
        node("Gather", ["shape", "zero"], ["batch"], name="batch"),
        node("Constant", [], ["axes"], value_ints=[0]),
        node("Unsqueeze", ["batch", "axes"], ["row"], name="row"),
        node("Concat", ["row", "rest"], ["target"], name="target", axis=0),
        node("Reshape", ["p", "target"], ["f"], name="flatten"),
        node("Gemm", ["f", "w2", "b2"], ["logits"], name="classifier", transB=1),
    ]
    weights = {
        "w0": draw(8, 3, 3, 3),
        "b0": draw(8),
        **{name: np.abs(draw(8)) + 0.5 for name in "sbmv"},
        "w1": draw(8, 1, 3, 3),
        "w2": draw(5, 8),
        "b2": draw(5),
        "rest": np.array([-1], np.int64),
    }
    return onnx_model(nodes, {"image": [batch, 3, 8, 8]}, ["logits"], weights)


def small_tflite() -> bytes:
    """Return two convolutions, a residual, pooling and a classifier, one of them quantised."""
    w = TfliteWriter()
    x, a, b, s = (w.tensor((1, 8, 8, c), name=n) for n, c in zip("xabs", (3, 8, 8, 8), strict=True))
    conv: dict[str, Any] = {"padding": 0, "strideH": 1, "strideW": 1, "fusedActivationFunction": 1}
    w.operator("CONV_2D", [x, w.random(8, 3, 3, 3), w.random(8)], [a], "Conv2DOptions", **conv)
    steps = np.random.default_rng(0).integers(-127, 127, (8, 3, 3, 8))
    filters = w.tensor(steps.shape, "int8", data=steps, scale=[0.01] * 8)
    w.operator("CONV_2D", [a, filters, w.random(8)], [b], "Conv2DOptions", **conv)
    w.operator("ADD", [a, b], [s], "AddOptions")
    quantised = w.tensor((1, 8, 8, 8), "int8", scale=0.05, zero=3)
    w.operator("QUANTIZE", [s], [quantised], "QuantizeOptions")
    pooled, real = w.tensor((1, 4, 4, 8), "int8", scale=0.05, zero=3), w.tensor((1, 4, 4, 8))
    pool: dict[str, Any] = {
        "padding": 0,
        "strideH": 2,
        "strideW": 2,
        "filterHeight": 2,
        "filterWidth": 2,
    }
    w.operator("MAX_POOL_2D", [quantised], [pooled], "Pool2DOptions", **pool)
    w.operator("DEQUANTIZE", [pooled], [real], "DequantizeOptions")
    mean, y = w.tensor((1, 8)), w.tensor((1, 5), name="y")
    w.operator("MEAN", [real, w.constant([1, 2])], [mean], "ReducerOptions", keepDims=False)
    operands = [mean, w.random(5, 8), w.random(5)]
    w.operator("FULLY_CONNECTED", operands, [y], "FullyConnectedOptions")
    return w.finish([x], [y])
