import math

import numpy as np
import onnx
import onnxruntime
import pytest

from opscope.errors import ConfigurationError
from opscope.graph.importers import import_model
from opscope.testing.tflite import TfliteWriter, run_tflite


def compare(data, tmp_path, *, inputs=None, shapes=None, at_most=2e-5, batch=1):
    """Import a file, compute it in both runtimes, return graph and the imported outputs."""
    path = tmp_path / "model.tflite"
    path.write_bytes(data)
    graph = import_model(path, inputs=inputs, shapes=shapes, batch=batch)
    drawn = graph.draw_inputs(1)
    session = onnxruntime.InferenceSession(graph.materialise(0).SerializeToString())
    results = session.run(None, drawn)
    expected = run_tflite(data, list(drawn.values()))
    for result, right, tensor in zip(results, expected, graph.outputs, strict=True):
        assert result.shape == right.shape == tensor.shape
        assert str(result.dtype) == str(right.dtype) == tensor.dtype
        difference = np.abs(result.astype(np.float64) - right.astype(np.float64)).max()
        assert difference <= at_most * max(1.0, float(np.abs(right).max()))
        assert right.size == 1 or right.astype(np.float64).std() > 0
    return graph, results


def operators(graph):
    return [node.op_type for node in onnx.ModelProto.FromString(graph.structure).graph.node]


def one(writer, code, shape, out, options="", *, extra=(), **values):
    """Return a file of one operator between an input and an output."""
    x, y = writer.tensor(shape, name="x"), writer.tensor(out, name="y")
    writer.operator(code, [x, *extra], [y], options, **values)
    return writer.finish([x], [y])


def side(size, k, stride, dilation, padding):
    if padding == 0:
        return math.ceil(size / stride)
    return (size - dilation * (k - 1) - 1) // stride + 1


@pytest.mark.parametrize(
    ("k", "stride", "dilation", "padding", "groups", "fused"),
    [
        (3, 1, 1, 0, 1, 0),
        (3, 2, 1, 0, 1, 1),
        (3, 2, 1, 1, 1, 3),
        (1, 1, 1, 1, 1, 2),
        (3, 1, 2, 0, 1, 0),
        (2, 1, 1, 0, 1, 0),
        (3, 1, 1, 0, 2, 0),
    ],
)
def test_convolutions(tmp_path, k, stride, dilation, padding, groups, fused):
    w = TfliteWriter()
    weights, bias = w.random(6, k, k, 4 // groups), w.random(6)
    size = (side(9, k, stride, dilation, padding), side(8, k, stride, dilation, padding))
    data = one(
        w,
        "CONV_2D",
        (2, 9, 8, 4),
        (2, *size, 6),
        "Conv2DOptions",
        extra=(weights, bias),
        padding=padding,
        strideH=stride,
        strideW=stride,
        dilationHFactor=dilation,
        dilationWFactor=dilation,
        fusedActivationFunction=fused,
    )
    graph, _ = compare(data, tmp_path)
    assert graph.parameters == 6 * k * k * 4 // groups + 6
    assert operators(graph).count("Transpose") == 2


@pytest.mark.parametrize("multiplier", [1, 2])
def test_depthwise_convolutions(tmp_path, multiplier):
    w = TfliteWriter()
    weights, bias = w.random(1, 3, 3, 4 * multiplier), w.random(4 * multiplier)
    data = one(
        w,
        "DEPTHWISE_CONV_2D",
        (1, 8, 8, 4),
        (1, 4, 4, 4 * multiplier),
        "DepthwiseConv2DOptions",
        extra=(weights, bias),
        padding=0,
        strideH=2,
        strideW=2,
        depthMultiplier=multiplier,
    )
    graph, _ = compare(data, tmp_path)
    assert "Conv" in operators(graph)


@pytest.mark.parametrize(("k", "stride", "padding"), [(3, 2, 0), (2, 2, 1), (3, 1, 0), (4, 2, 0)])
def test_transposed_convolutions(tmp_path, k, stride, padding):
    w = TfliteWriter()
    out = 5 * stride if padding == 0 else 5 * stride + max(k - stride, 0)
    x, y = w.tensor((1, 5, 5, 3), name="x"), w.tensor((1, out, out, 4), name="y")
    size = w.constant([1, out, out, 4])
    w.operator(
        "TRANSPOSE_CONV",
        [size, w.random(4, k, k, 3), x],
        [y],
        "TransposeConvOptions",
        padding=padding,
        strideH=stride,
        strideW=stride,
    )
    compare(w.finish([x], [y]), tmp_path)


@pytest.mark.parametrize("code", ["AVERAGE_POOL_2D", "MAX_POOL_2D"])
@pytest.mark.parametrize("padding", [0, 1])
def test_pooling(tmp_path, code, padding):
    out = side(7, 3, 2, 1, padding)
    data = one(
        TfliteWriter(),
        code,
        (1, 7, 7, 5),
        (1, out, out, 5),
        "Pool2DOptions",
        padding=padding,
        strideH=2,
        strideW=2,
        filterHeight=3,
        filterWidth=3,
    )
    compare(data, tmp_path)


@pytest.mark.parametrize("code", ["RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"])
@pytest.mark.parametrize(("aligned", "half"), [(False, False), (True, False), (False, True)])
@pytest.mark.parametrize("size", [(11, 8), (3, 5)])
def test_resizing(tmp_path, code, aligned, half, size):
    w = TfliteWriter()
    options = "ResizeBilinearOptions" if "LINEAR" in code else "ResizeNearestNeighborOptions"
    data = one(
        w,
        code,
        (1, 6, 5, 3),
        (1, *size, 3),
        options,
        extra=(w.constant(size),),
        alignCorners=aligned,
        halfPixelCenters=half,
    )
    compare(data, tmp_path)


@pytest.mark.parametrize(
    ("code", "options", "values"),
    [
        ("ABS", "", {}),
        ("ELU", "", {}),
        ("EXP", "ExpOptions", {}),
        ("FLOOR", "", {}),
        ("GELU", "GeluOptions", {"approximate": False}),
        ("GELU", "GeluOptions", {"approximate": True}),
        ("HARD_SWISH", "HardSwishOptions", {}),
        ("LEAKY_RELU", "LeakyReluOptions", {"alpha": 0.2}),
        ("LOGISTIC", "", {}),
        ("LOG_SOFTMAX", "LogSoftmaxOptions", {}),
        ("L2_NORMALIZATION", "L2NormOptions", {}),
        ("NEG", "NegOptions", {}),
        ("RELU", "", {}),
        ("RELU6", "", {}),
        ("RELU_N1_TO_1", "", {}),
        ("ROUND", "", {}),
        ("SOFTMAX", "SoftmaxOptions", {"beta": 1.0}),
        ("SOFTMAX", "SoftmaxOptions", {"beta": 0.5}),
        ("SQUARE", "SquareOptions", {}),
        ("TANH", "", {}),
    ],
)
def test_activations_keep_the_layout(tmp_path, code, options, values):
    shape = (2, 3, 4, 5)
    graph, _ = compare(one(TfliteWriter(), code, shape, shape, options, **values), tmp_path)
    assert "Transpose" not in operators(graph)


def test_square_roots_of_what_is_positive(tmp_path):
    for code in ("SQRT", "RSQRT", "LOG"):
        data = one(TfliteWriter(), code, (3, 4), (3, 4))
        compare(data, tmp_path, inputs={"x": "0.5..4"})


@pytest.mark.parametrize(
    "code", ["ADD", "SUB", "MUL", "DIV", "MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE"]
)
def test_two_operands_with_a_constant_of_fewer_axes(tmp_path, code):
    options = {"ADD": "AddOptions", "SUB": "SubOptions", "MUL": "MulOptions", "DIV": "DivOptions"}
    w = TfliteWriter()
    x, y, z = (w.tensor((1, 6, 6, 4), name=name) for name in "xyz")
    convolved = w.tensor((1, 6, 6, 4))
    conv = {"padding": 0, "strideH": 1, "strideW": 1}
    w.operator(
        "CONV_2D", [x, w.random(4, 1, 1, 4), w.random(4)], [convolved], "Conv2DOptions", **conv
    )
    w.operator(code, [convolved, w.random(4)], [y], options.get(code, ""))
    w.operator(code, [y, w.random(1, 6, 1, 4)], [z], options.get(code, ""))
    graph, _ = compare(w.finish([x], [z]), tmp_path)
    assert operators(graph).count("Transpose") == 2


def test_prelu_has_a_slope_for_each_channel(tmp_path):
    w = TfliteWriter()
    data = one(w, "PRELU", (1, 4, 4, 3), (1, 4, 4, 3), extra=(w.random(1, 1, 3),))
    compare(data, tmp_path)


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("axes", [[1, 2], [3], [-1], [1], [0, 1, 2, 3]])
@pytest.mark.parametrize("code", ["MEAN", "SUM", "REDUCE_MAX"])
def test_reductions_after_a_convolution(tmp_path, code, axes, keep):
    w = TfliteWriter()
    x, mid = w.tensor((2, 4, 4, 3), name="x"), w.tensor((2, 4, 4, 5))
    conv = {"padding": 0, "strideH": 1, "strideW": 1}
    w.operator("CONV_2D", [x, w.random(5, 1, 1, 3), w.random(5)], [mid], "Conv2DOptions", **conv)
    reduced = [a % 4 for a in axes]
    out = [1 if i in reduced else n for i, n in enumerate((2, 4, 4, 5))]
    out = out if keep else [n for i, n in enumerate(out) if i not in reduced]
    y = w.tensor(tuple(out), name="y")
    w.operator(code, [mid, w.constant(axes)], [y], "ReducerOptions", keepDims=keep)
    compare(w.finish([x], [y]), tmp_path)


def test_fully_connected_layers(tmp_path):
    for shape, out, keep in (((2, 12), (2, 5), False), ((2, 3, 12), (6, 5), False)):
        w = TfliteWriter()
        extra = (w.random(5, 12), w.random(5))
        options = {"keepNumDims": keep, "fusedActivationFunction": 1}
        data = one(
            w, "FULLY_CONNECTED", shape, out, "FullyConnectedOptions", extra=extra, **options
        )
        compare(data, tmp_path)
    w = TfliteWriter()
    extra = (w.random(5, 12), -1)
    data = one(
        w,
        "FULLY_CONNECTED",
        (2, 3, 12),
        (2, 3, 5),
        "FullyConnectedOptions",
        extra=extra,
        keepNumDims=True,
    )
    compare(data, tmp_path)


def test_elements_are_moved_as_the_file_says(tmp_path):
    cases = [
        ("RESHAPE", (2, 3, 4), (6, 4), [[6, 4]], "", {}),
        ("RESHAPE", (2, 3, 4), (2, 12), [], "ReshapeOptions", {"newShape": [2, 12]}),
        ("SQUEEZE", (1, 3, 1, 4), (3, 4), [], "", {}),
        ("SQUEEZE", (1, 3, 1, 4), (1, 3, 4), [], "SqueezeOptions", {"squeezeDims": [2]}),
        ("EXPAND_DIMS", (3, 4), (3, 1, 4), [1], "ExpandDimsOptions", {}),
        ("TRANSPOSE", (2, 3, 4), (4, 2, 3), [[2, 0, 1]], "TransposeOptions", {}),
        (
            *("PAD", (1, 3, 3, 2), (1, 6, 4, 3), [[[0, 0], [1, 2], [0, 1], [1, 0]]]),
            *("PadOptions", {}),
        ),
        (
            *("MIRROR_PAD", (1, 4, 4, 2), (1, 6, 7, 2), [[[0, 0], [1, 1], [2, 1], [0, 0]]]),
            *("MirrorPadOptions", {"mode": 0}),
        ),
        ("SLICE", (4, 5, 6), (2, 3, 6), [[1, 2, 0], [2, 3, -1]], "SliceOptions", {}),
        (
            *("STRIDED_SLICE", (4, 5, 6), (2, 6), [[1, 0, 0], [4, 1, 6], [2, 1, 1]]),
            *("StridedSliceOptions", {"shrinkAxisMask": 2, "endMask": 4, "beginMask": 4}),
        ),
        ("TILE", (2, 3), (4, 3), [[2, 1]], "TileOptions", {}),
        ("GATHER", (5, 3), (2, 3), [[4, 1]], "GatherOptions", {"axis": 0}),
        (
            "SPACE_TO_DEPTH",
            (1, 4, 6, 3),
            (1, 2, 3, 12),
            [],
            "SpaceToDepthOptions",
            {"blockSize": 2},
        ),
        (
            "DEPTH_TO_SPACE",
            (1, 2, 3, 12),
            (1, 4, 6, 3),
            [],
            "DepthToSpaceOptions",
            {"blockSize": 2},
        ),
    ]
    for code, shape, out, constants, options, values in cases:
        w = TfliteWriter()
        extra = tuple(w.constant(c) for c in constants)
        compare(one(w, code, shape, out, options, extra=extra, **values), tmp_path, at_most=0)


def test_tensors_are_joined_and_split(tmp_path):
    w = TfliteWriter()
    x, y = w.tensor((1, 4, 4, 6), name="x"), w.tensor((1, 4, 4, 6), name="y")
    parts = [w.tensor((1, 4, 4, 3)) for _ in range(2)]
    w.operator("SPLIT", [w.constant(3), x], parts, "SplitOptions", numSplits=2)
    w.operator("CONCATENATION", parts[::-1], [y], "ConcatenationOptions", axis=-1)
    first, second = w.tensor((1, 1, 4, 6)), w.tensor((1, 3, 4, 6), name="z")
    sizes = w.constant([1, -1])
    w.operator("SPLIT_V", [y, sizes, w.constant(1)], [first, second], "SplitVOptions", numSplits=2)
    rows = [w.tensor((1, 4, 6)) for _ in range(3)]
    w.operator("UNPACK", [second], rows, "UnpackOptions", num=3, axis=1)
    packed = w.tensor((3, 1, 4, 6), name="packed")
    w.operator("PACK", rows, [packed], "PackOptions", valuesCount=3, axis=0)
    compare(w.finish([x], [y, first, packed]), tmp_path, at_most=0)


def test_matrix_products_and_arguments_of_the_maximum(tmp_path):
    w = TfliteWriter()
    x, y = w.tensor((2, 3, 4), name="x"), w.tensor((2, 5, 4), name="y")
    product, best = w.tensor((2, 3, 5), name="product"), w.tensor((2, 3), "int32", name="best")
    w.operator("BATCH_MATMUL", [x, y], [product], "BatchMatMulOptions", adjY=True)
    w.operator("ARG_MAX", [product, w.constant(2)], [best], "ArgMaxOptions", outputType=2)
    compare(w.finish([x, y], [product, best]), tmp_path)


def network(w, batch=1, signature=None):
    """Two convolutions with a residual, pooling and a classifier."""
    x = w.tensor((batch, 8, 8, 3), name="image", signature=signature)
    conv = {"padding": 0, "strideH": 1, "strideW": 1, "fusedActivationFunction": 1}
    a, b, s = (w.tensor((batch, 8, 8, 8)) for _ in range(3))
    w.operator("CONV_2D", [x, w.random(8, 3, 3, 3), w.random(8)], [a], "Conv2DOptions", **conv)
    w.operator(
        "DEPTHWISE_CONV_2D",
        [a, w.random(1, 3, 3, 8), w.random(8)],
        [b],
        "DepthwiseConv2DOptions",
        depthMultiplier=1,
        **conv,
    )
    w.operator("ADD", [a, b], [s], "AddOptions")
    pooled, flat = w.tensor((batch, 1, 1, 8)), w.tensor((batch, 8))
    w.operator(
        "AVERAGE_POOL_2D",
        [s],
        [pooled],
        "Pool2DOptions",
        padding=1,
        strideH=8,
        strideW=8,
        filterHeight=8,
        filterWidth=8,
    )
    w.operator("RESHAPE", [pooled, w.constant([-1, 8])], [flat])
    logits, y = w.tensor((batch, 5)), w.tensor((batch, 5), name="probabilities")
    extra = [w.random(5, 8), w.random(5)]
    w.operator("FULLY_CONNECTED", [flat, *extra], [logits], "FullyConnectedOptions")
    w.operator("SOFTMAX", [logits], [y], "SoftmaxOptions", beta=1.0)
    return w.finish([x], [y])


def test_transposes_of_a_network_stay_at_its_border(tmp_path):
    graph, _ = compare(network(TfliteWriter()), tmp_path)
    assert operators(graph) == [
        *("Transpose", "Conv", "Relu", "Conv", "Relu", "Add", "AveragePool", "Reshape"),
        *("Gemm", "Softmax"),
    ]
    assert [tensor.name for tensor in (*graph.inputs, *graph.outputs)] == ["image", "probabilities"]
    assert graph.parameters == 8 * 27 + 8 + 8 * 9 + 8 + 5 * 8 + 5


def test_an_open_batch_is_declared(tmp_path):
    data = network(TfliteWriter(), signature=(-1, 8, 8, 3))
    path = tmp_path / "model.tflite"
    path.write_bytes(data)
    with pytest.raises(ConfigurationError, match=r"input 'image': its shape .* is dynamic"):
        import_model(path)
    graph, _ = compare(data, tmp_path, shapes={"image": "Nx8x8x3"}, batch=3)
    assert graph.outputs[0].shape == (3, 5)


def quantised_network(w, dtype):
    """A convolution by channel, a pool, a residual, a classifier, all in 8 bits."""
    zero = 128 if dtype == "uint8" else 0
    stream = np.random.default_rng(0)

    def steps(scale, shift=0):
        return {"dtype": dtype, "scale": scale, "zero": zero + shift}

    def weights(shape, axis):
        if dtype == "uint8":
            values = stream.integers(0, 255, shape)
            return w.tensor(shape, "uint8", data=values, scale=0.01, zero=128), [0.01]
        scales = list(0.005 + 0.01 * stream.random(shape[axis]))
        values = stream.integers(-127, 127, shape)
        return w.tensor(shape, "int8", data=values, scale=scales, axis=axis), scales

    def bias(count, scale, scales):
        values = stream.integers(-500, 500, count)
        products = [scale * s for s in scales]
        return w.tensor((count,), "int32", data=values, scale=products)

    x = w.tensor((1, 8, 8, 3), **steps(0.05), name="x")
    a, b = (w.tensor((1, 8, 8, 8), **steps(0.04, s), name=n) for n, s in (("a", -3), ("b", 5)))
    s, p = w.tensor((1, 8, 8, 8), **steps(0.06)), w.tensor((1, 4, 4, 8), **steps(0.06))
    conv = {"padding": 0, "strideH": 1, "strideW": 1}
    filters, scales = weights((8, 3, 3, 3), 0)
    operands = [x, filters, bias(8, 0.05, scales)]
    w.operator("CONV_2D", operands, [a], "Conv2DOptions", fusedActivationFunction=1, **conv)
    filters, scales = weights((1, 3, 3, 8), 3)
    w.operator(
        "DEPTHWISE_CONV_2D",
        [a, filters, bias(8, 0.04, scales)],
        [b],
        "DepthwiseConv2DOptions",
        depthMultiplier=1,
        **conv,
    )
    w.operator("ADD", [a, b], [s], "AddOptions")
    pool = {"padding": 0, "strideH": 2, "strideW": 2, "filterHeight": 2, "filterWidth": 2}
    w.operator("MAX_POOL_2D", [s], [p], "Pool2DOptions", **pool)
    mean, y = w.tensor((1, 8), **steps(0.03)), w.tensor((1, 5), **steps(0.1), name="y")
    w.operator("MEAN", [p, w.constant([1, 2])], [mean], "ReducerOptions", keepDims=False)
    matrix, scales = weights((5, 8), 0)
    matrix, scales = (matrix, scales) if dtype == "uint8" else per_tensor(w, stream)
    operands = [mean, matrix, bias(5, 0.03, scales)]
    w.operator("FULLY_CONNECTED", operands, [y], "FullyConnectedOptions")
    return w.finish([x], [y])


def per_tensor(w, stream):
    return w.tensor((5, 8), "int8", data=stream.integers(-127, 127, (5, 8)), scale=0.01), [0.01]


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_quantised_networks_differ_by_a_step_at_most(tmp_path, dtype):
    data = quantised_network(TfliteWriter(), dtype)
    path = tmp_path / "model.tflite"
    path.write_bytes(data)
    with pytest.raises(ConfigurationError, match=r"input 'x': what this u?int8 input carries"):
        import_model(path)
    graph = import_model(path, inputs={"x": "image"})
    drawn = graph.draw_inputs(0)
    assert drawn["x"].dtype == dtype
    session = onnxruntime.InferenceSession(graph.materialise(0).SerializeToString())
    result = session.run(None, drawn)[0].astype(int)
    expected = run_tflite(data, list(drawn.values()))[0].astype(int)
    assert np.abs(result - expected).max() <= 1
    assert np.ptp(expected) > 20
    assert {"QuantizeLinear", "DequantizeLinear"} < set(operators(graph))
    assert graph.parameters == 8 * 27 + 8 + 8 * 9 + 8 + 5 * 8 + 5
    assert sum(w.size_bytes for w in graph.weights) == 8 * 27 + 4 * 8 + 72 + 32 + 40 + 20


def test_quantised_constants_of_fewer_axes_are_stretched(tmp_path):
    w = TfliteWriter()
    x, mid, y = (
        w.tensor((1, 4, 4, 3), "int8", scale=scale, zero=1, name=name)
        for name, scale in (("x", 0.05), ("mid", 0.05), ("y", 0.07))
    )
    pool = {"padding": 0, "strideH": 1, "strideW": 1, "filterHeight": 2, "filterWidth": 2}
    w.operator("MAX_POOL_2D", [x], [mid], "Pool2DOptions", **pool)
    offsets = w.tensor((3,), "int8", data=np.array([-100, 0, 90]), scale=0.02, zero=4)
    w.operator("ADD", [mid, offsets], [y], "AddOptions")
    data = w.finish([x], [y])
    path = tmp_path / "model.tflite"
    path.write_bytes(data)
    graph = import_model(path, inputs={"x": "image"})
    drawn = graph.draw_inputs(0)
    session = onnxruntime.InferenceSession(graph.materialise(0).SerializeToString())
    result = session.run(None, drawn)[0].astype(int)
    expected = run_tflite(data, list(drawn.values()))[0].astype(int)
    assert np.abs(result - expected).max() <= 1
    assert np.ptp(expected) > 50


def test_shapes_that_the_model_computes_follow_the_batch(tmp_path):
    w = TfliteWriter()
    x = w.tensor((1, 4, 4, 3), name="x", signature=(-1, 4, 4, 3))
    shape, count, target = w.tensor((4,), "int32"), w.tensor((), "int32"), w.tensor((2,), "int32")
    flat, whole = w.tensor((1, 48), name="flat", signature=(-1, 48)), w.tensor((1, 48), "int32")
    w.operator("SHAPE", [x], [shape], "ShapeOptions", outType=2)
    bounds = [w.constant(values) for values in ([0], [1], [1])]
    w.operator("STRIDED_SLICE", [shape, *bounds], [count], "StridedSliceOptions", shrinkAxisMask=1)
    w.operator("PACK", [count, w.constant(48)], [target], "PackOptions", valuesCount=2)
    w.operator("RESHAPE", [x, target], [flat])
    w.operator("CAST", [flat], [whole], "CastOptions", inDataType=0, outDataType=2)
    data = w.finish([x], [flat, whole])
    graph, _ = compare(data, tmp_path, shapes={"x": "Nx4x4x3"}, batch=3, at_most=0)
    assert graph.outputs[0].shape == (3, 48)
    assert operators(graph) == ["Reshape", "Cast"]


def test_transposed_and_padded_constants(tmp_path):
    w = TfliteWriter()
    x, matrix, y = w.tensor((2, 4), name="x"), w.tensor((5, 4)), w.tensor((2, 5))
    padded = w.tensor((3, 6), name="padded")
    w.operator("TRANSPOSE", [w.random(4, 5), w.constant([1, 0])], [matrix], "TransposeOptions")
    w.operator("FULLY_CONNECTED", [x, matrix, w.random(5)], [y], "FullyConnectedOptions")
    amounts, fill = w.constant([[0, 1], [1, 0]]), w.constant(2.5, "float32")
    w.operator("PADV2", [y, amounts, fill], [padded], "PadV2Options")
    graph, results = compare(w.finish([x], [padded]), tmp_path)
    assert (results[0][2] == 2.5).all()
    assert operators(graph) == ["Gemm", "Pad"]


def test_half_precision_weights_become_single_precision(tmp_path):
    w = TfliteWriter()
    x, y = w.tensor((1, 4, 4, 3), name="x"), w.tensor((1, 4, 4, 2), name="y")
    values = np.random.default_rng(0).standard_normal((2, 3, 3, 3))
    half, full = w.tensor(values.shape, "float16", data=values), w.tensor(values.shape)
    w.operator("DEQUANTIZE", [half], [full], "DequantizeOptions")
    conv = {"padding": 0, "strideH": 1, "strideW": 1}
    w.operator("CONV_2D", [x, full, w.random(2)], [y], "Conv2DOptions", **conv)
    graph, _ = compare(w.finish([x], [y]), tmp_path)
    assert graph.parameters == values.size + 2
    assert operators(graph) == ["Transpose", "Conv", "Transpose"]


def test_unsupported_operators_are_named_with_their_node(tmp_path):
    path = tmp_path / "model.tflite"
    for code, custom, name in (("LSTM", "", "LSTM"), ("CUSTOM", "MyOp", "CUSTOM MyOp")):
        w = TfliteWriter()
        x, y, z = (w.tensor((1, 4)) for _ in range(3))
        w.operator("RELU", [x], [y])
        w.operator(code, [y], [z], custom=custom)
        path.write_bytes(w.finish([x], [z]))
        with pytest.raises(ConfigurationError, match=rf"node 1 \({name}\): operator '{name}'"):
            import_model(path)


def test_sparse_weights_are_refused(tmp_path):
    w = TfliteWriter()
    x, y = w.tensor((1, 4), name="x"), w.tensor((1, 5), name="y")
    matrix = w.random(5, 4)
    w._tensors[matrix].sparsity = w.schema.SparsityParametersT()
    w.operator("FULLY_CONNECTED", [x, matrix, w.random(5)], [y], "FullyConnectedOptions")
    path = tmp_path / "model.tflite"
    path.write_bytes(w.finish([x], [y]))
    with pytest.raises(ConfigurationError, match=r"tensor 't2': its weights are stored sparse"):
        import_model(path)


def test_damage_is_told_in_words(tmp_path):
    path, data = tmp_path / "model.tflite", network(TfliteWriter())
    for damaged, complaint in (
        (b"", "lacks the mark TFL3"),
        (data[: len(data) // 2], "cut short or damaged"),
        (data[:4] + b"TFL2" + data[8:], "lacks the mark TFL3"),
        (b"\xff\xff\xff\x7f" + data[4:], "cut short or damaged"),
        (data[:8], "cut short or damaged"),
    ):
        path.write_bytes(damaged)
        with pytest.raises(ConfigurationError, match=complaint):
            import_model(path)


def test_impossible_operands_are_told_with_their_node(tmp_path):
    path = tmp_path / "model.tflite"
    w = TfliteWriter()
    x, y = w.tensor((1, 4, 4, 3), name="x"), w.tensor((1, 4, 4, 2), name="y")
    conv = {"padding": 0, "strideH": 1, "strideW": 1}
    w.operator("CONV_2D", [x, w.random(2, 3, 3, 5)], [y], "Conv2DOptions", **conv)
    path.write_bytes(w.finish([x], [y]))
    with pytest.raises(ConfigurationError, match=r"node 0 \(CONV_2D\): filters of 5 channels"):
        import_model(path)
    w = TfliteWriter()
    x, y = w.tensor((2**31 - 1, 2**31 - 1), name="x"), w.tensor((1,), name="y")
    w.operator("RELU", [x], [y])
    path.write_bytes(w.finish([x], [y]))
    with pytest.raises(ConfigurationError, match=r"input 'x': its shape .* takes"):
        import_model(path)
