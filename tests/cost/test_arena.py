"""Peak activation memory against a real arena planner, TensorFlow Lite Micro's.

The same network is written twice, as a graph and as a TFLite flatbuffer, and the planner's own
record of what it laid out is compared. Bytes alive at once are a lower bound of any layout. The
planner rounds every buffer up to 16 bytes, without effect on channels that are multiples of 16.
"""

import re

import numpy as np
import pytest

from opscope.core.configuration import Precision
from opscope.cost import count
from opscope.cost.weights import PRECISION_BYTES
from opscope.graph.network import Network

pytest.importorskip("tflite_micro", reason="tflite-micro is not installed")

import flatbuffers
from tflite_micro.python.tflite_micro.runtime import Interpreter
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

# side, input channels, then layers: (kind, output channels, kernel, stride)
NETWORKS = {
    "widening": (16, 16, [("conv", 32, 3, 1), ("conv", 64, 1, 1), ("conv", 16, 3, 2)]),
    "narrowing": (32, 16, [("conv", 16, 3, 2), ("conv", 32, 3, 2), ("conv", 64, 3, 2)]),
    "separable": (
        24,
        16,
        [("conv", 32, 3, 2), ("depthwise", 32, 3, 1), ("conv", 64, 1, 1), ("depthwise", 64, 3, 2)],
    ),
    "pooled": (32, 16, [("conv", 48, 3, 1), ("pool", 48, 2, 2), ("conv", 32, 3, 1)]),
    "one layer": (8, 16, [("conv", 16, 3, 1)]),
}


GAPS = {"separable": 12 * 12 * 32}
"""Elements that the planner lays out beyond the peak. It places large buffers first: the input and
the 64 channels at the bottom, the first 32 channels above them; the second 32, alive beside both,
find room on top only. Were the 64 channels laid above the second 32, no gap would be left.
"""


def counted(side, channels, layers, precision):
    net = Network()
    x = net.input((1, channels, side, side))
    for kind, cout, k, s in layers:
        if kind == "pool":
            x = net.max_pool(x, k, s=s)
        else:
            x = net.conv(x, cout, k, s=s, groups=cout if kind == "depthwise" else 1)
    return count(net.finish(x), precision=precision)


class Writer:
    """A TFLite flatbuffer under construction: one operator after another, NHWC."""

    def __init__(self, kind):
        self.kind = schema.TensorType.FLOAT32 if kind is Precision.FP32 else schema.TensorType.INT8
        self.model, self.graph = schema.ModelT(), schema.SubGraphT()
        self.model.version, self.model.description, self.graph.name = 3, b"", b"main"
        self.model.buffers, self.model.operatorCodes = [schema.BufferT()], []
        self.graph.tensors, self.graph.operators = [], []

    def tensor(self, shape, *, scales=1, data=None, kind=None):
        tensor = schema.TensorT()
        tensor.name, tensor.shape = f"t{len(self.graph.tensors)}".encode(), list(shape)
        tensor.type = self.kind if kind is None else kind
        tensor.buffer = 0
        if self.kind == schema.TensorType.INT8:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale = [0.5] * scales
            tensor.quantization.zeroPoint = [0] * scales
            tensor.quantization.quantizedDimension = 0 if len(shape) == 1 else 3 * (shape[0] == 1)
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(data.tobytes(), np.uint8)
            tensor.buffer = len(self.model.buffers)
            self.model.buffers.append(buffer)
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def weights(self, shape, cout):
        floats = self.kind == schema.TensorType.FLOAT32
        wide = schema.TensorType.FLOAT32 if floats else schema.TensorType.INT32
        kernel = np.ones(shape, np.float32 if floats else np.int8)
        bias = np.ones(cout, np.float32 if floats else np.int32)
        return [
            self.tensor(shape, scales=cout, data=kernel),
            self.tensor((cout,), scales=cout, data=bias, kind=wide),
        ]

    def layer(self, x, kind, cout, k, s):
        _, side, _, cin = self.graph.tensors[x].shape
        inputs = [x]
        match kind:
            case "conv":
                code, options = "CONV_2D", schema.Conv2DOptionsT()
                inputs += self.weights((cout, k, k, cin), cout)
            case "depthwise":
                code, options = "DEPTHWISE_CONV_2D", schema.DepthwiseConv2DOptionsT()
                options.depthMultiplier = 1
                inputs += self.weights((1, k, k, cout), cout)
            case _:
                code, options = "MAX_POOL_2D", schema.Pool2DOptionsT()
                options.filterWidth = options.filterHeight = k
        options.padding, options.strideW, options.strideH = schema.Padding.SAME, s, s
        y = self.tensor((1, -(-side // s), -(-side // s), cout))
        operator = schema.OperatorT()
        operator.opcodeIndex, operator.inputs, operator.outputs = self.code(code), inputs, [y]
        operator.builtinOptions = options
        name = type(options).__name__.removesuffix("T")
        operator.builtinOptionsType = getattr(schema.BuiltinOptions, name)
        self.graph.operators.append(operator)
        return y

    def code(self, name):
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, name)
        code.version = 3 if self.kind == schema.TensorType.INT8 else 1
        self.model.operatorCodes.append(code)
        return len(self.model.operatorCodes) - 1

    def finish(self, x, y):
        self.graph.inputs, self.graph.outputs = [x], [y]
        self.model.subgraphs = [self.graph]
        builder = flatbuffers.Builder(1024)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def planned(side, channels, layers, precision, capfd):
    """Return the bytes that the planner laid out for activations."""
    writer = Writer(precision)
    x = y = writer.tensor((1, side, side, channels))
    for layer in layers:
        y = writer.layer(y, *layer)
    interpreter = Interpreter.from_bytes(writer.finish(x, y), arena_size=2_000_000)
    interpreter.print_allocations()
    head = re.search(r"Arena allocation head (\d+) bytes", capfd.readouterr().err)
    return int(head[1])


@pytest.mark.parametrize("precision", [Precision.FP32, Precision.INT8])
@pytest.mark.parametrize("network", NETWORKS)
def test_sequential_networks_need_what_the_planner_lays_out(network, precision, capfd):
    cost = counted(*NETWORKS[network], precision)
    gap = GAPS.get(network, 0) * PRECISION_BYTES[precision]
    assert cost.peak_activation_bytes + gap == planned(*NETWORKS[network], precision, capfd)
