"""Counts against two independent counters, on networks that another project exported.

The models are those of the ONNX package's own backend tests (exported from Caffe2 and Caffe), their
generated weights stored instead. Where a counter differs, its convention is in a table here, and
must explain the difference to the last operation.
"""

import contextlib
import io
import math
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest

from opscope.cost import count

NETWORKS = ("densenet121", "inception_v1", "inception_v2", "resnet50", "shufflenet", "squeezenet")


@pytest.fixture(scope="module", params=NETWORKS)
def model(request):
    data = Path(onnx.__file__).parent / "backend/test/data/light"
    proto = onnx.load(data / f"light_{request.param}.onnx")
    proto.ir_version = 4  # stored tensors need not be inputs
    shapes = {t.name: onnx.numpy_helper.to_array(t) for t in proto.graph.initializer}
    nodes = list(proto.graph.node)
    del proto.graph.node[:]
    for node in nodes:
        if node.op_type == "ConstantOfShape":
            array = np.ones(shapes[node.input[0]], np.float32)
            proto.graph.initializer.append(onnx.numpy_helper.from_array(array, node.output[0]))
        else:
            proto.graph.node.append(node)
    used = {name for node in proto.graph.node for name in node.input}
    for part in (proto.graph.initializer, proto.graph.input):
        kept = [entry for entry in part if entry.name in used]
        del part[:]
        part.extend(kept)
    return proto


def elements(shapes):
    return sum(math.prod(shape) for shape in shapes)


def stored(model):
    """Return the elements of all stored tensors by the operators that read them."""
    readers = {}
    for node in model.graph.node:
        for place, name in enumerate(node.input):
            readers.setdefault(name, (node.op_type, place))
    sizes = Counter()
    for tensor in model.graph.initializer:
        sizes[readers[tensor.name]] += math.prod(tensor.dims)
    return sizes


def executed(model):
    """Return the nodes that work on more than stored tensors."""
    constant = {tensor.name for tensor in model.graph.initializer}
    nodes = []
    for node in model.graph.node:
        if constant.issuperset(node.input):
            constant.update(node.output)
        else:
            nodes.append(node)
    return nodes


def window(node):
    return math.prod(k for a in node.attribute if a.name == "kernel_shape" for k in a.ints)


ONNX_TOOL = {
    "MaxPool": lambda la, k: k * elements(la.outputs),  # K² comparisons, one more than needed
    "GlobalAveragePool": lambda la, _: elements(la.inputs) + 4 * elements(la.outputs),  # a division
    "BatchNormalization": lambda la, _: 31 * elements(la.outputs),  # root and quotient per element
    "LRN": lambda la, _: (4 + 32 + 1 + 5) * elements(la.outputs),  # exponential 32, quotient 4
    "Softmax": lambda la, _: 36 * elements(la.outputs),  # exponential 32, quotient 4
}
"""What onnx-tool 1.0.1 counts otherwise, by operator, from a layer and its window. Ours: for
MaxPool K² - 1, GlobalAveragePool one an input, BatchNormalization 2 (scale and shift are known
before), LRN and Softmax an exponential at 8."""


def test_onnx_tool(model):
    onnx_tool = pytest.importorskip("onnx_tool", reason="onnx-tool is not installed")
    with contextlib.redirect_stdout(io.StringIO()):
        theirs = onnx_tool.Model(model).graph
        theirs.shape_infer(None)
        theirs.profile()
    theirs_by_output = {node.output[0]: node for node in theirs.nodemap.values()}
    layers = count(model).layers
    for layer, source in zip(layers, executed(model), strict=True):
        node = theirs_by_output[source.output[0]]
        assert node.op_type == layer.operator
        if layer.operator in ONNX_TOOL:
            expected = ONNX_TOOL[layer.operator](layer, window(source))
        else:  # a bias costs an addition for each output; ours starts the sum with it
            bias = bool(layer.macs) and len(source.input) == len(("input", "weight", "bias"))
            expected = layer.ops + bias * elements(layer.outputs)
        assert node.macs[0] == expected, (layer.name, layer.operator)


def test_onnx_opcounter(model, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # it writes a file where shapes cannot be inferred
    counter = pytest.importorskip("onnx_opcounter", reason="onnx-opcounter is not installed")
    with contextlib.redirect_stdout(io.StringIO()):
        theirs = counter.calculate_macs(model)
    # per output: 1 for what it knows or does not know, 2 for BatchNorm, nothing for views and moves
    # that it knows; ours weighs Softmax and LRN by formula, and poolings by window
    per_output = Counter({"BatchNormalization": 2, "Reshape": 0, "Transpose": 0})
    expected = 0
    for layer in count(model).layers:
        if layer.macs:
            expected += layer.macs
        else:
            expected += per_output.get(layer.operator, 1) * math.prod(layer.outputs[0])
    assert theirs == expected


def test_parameters(model):
    counter = pytest.importorskip("onnx_opcounter", reason="onnx-opcounter is not installed")
    onnx_tool = pytest.importorskip("onnx_tool", reason="onnx-tool is not installed")
    cost, sizes = count(model), stored(model)
    statistics = sizes["BatchNormalization", 3] + sizes["BatchNormalization", 4]
    settings = sizes["Reshape", 1]
    # onnx-opcounter counts all that is stored: statistics, and the shapes of Reshape
    assert counter.calculate_params(model) == cost.parameters + statistics + settings
    assert cost.weight_bytes == 4 * (cost.parameters + statistics)
    with contextlib.redirect_stdout(io.StringIO()):
        theirs = onnx_tool.Model(model).graph
        theirs.shape_infer(None)
        theirs.profile()
    assert theirs.params == cost.parameters + statistics + settings
