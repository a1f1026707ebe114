import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from opscope.convert.tflite import convert, tflite_model
from opscope.core.configuration import Workload
from opscope.cost import count
from opscope.errors import PlatformError, UnsupportedWorkload
from opscope.graph import build, operators, resolve
from opscope.graph.blocks import DESIGNS as BLOCKS
from opscope.graph.importers.api import import_model
from opscope.graph.zoo import DESIGNS as NETWORKS
from opscope.platforms.reference import output_error, run_reference
from opscope.testing.models import onnx_model
from tests.convert.tflite.forms import codes_of, form_of, outputs_of

TOLERANCE = 1e-4

OPERATORS = {
    "conv:h=9,cin=4,cout=6,k=3": ["CONV_2D"],
    "conv:h=9,cin=4,cout=6,k=3,s=2": ["CONV_2D"],
    "conv:h=8,cin=4,cout=6,k=3,s=2": ["PAD", "CONV_2D"],
    "conv:h=8,cin=4,cout=6,k=3,pad=0,bias=0": ["CONV_2D"],
    "conv:h=8,w=5,cin=4,cout=6,k=3,dilation=2": ["CONV_2D"],
    "conv:h=8,cin=4,cout=6,k=3,groups=2": ["CONV_2D"],
    "conv:h=8,cin=4,cout=8,k=3,groups=4": ["DEPTHWISE_CONV_2D"],
    "conv:h=8,cin=1,cout=4,k=3": ["CONV_2D"],
    "conv:h=8,cin=4,cout=6,k=1,act=relu": ["CONV_2D"],
    "conv:h=8,cin=4,cout=6,k=1,act=relu6": ["CONV_2D"],
    "conv:h=8,cin=4,cout=6,k=1,act=hard_sigmoid": ["CONV_2D", "ADD", "MUL"],
    "conv:h=8,cin=4,cout=6,k=1,act=swish": ["CONV_2D", "LOGISTIC", "MUL"],
    "dwconv:h=9,c=6,k=5,act=hard_swish": ["DEPTHWISE_CONV_2D", "HARD_SWISH"],
    "mixconv:h=9,c=6,groups=2": [
        *("SLICE", "SLICE", "DEPTHWISE_CONV_2D", "DEPTHWISE_CONV_2D", "CONCATENATION")
    ],
    "spatialconv:h=9,cin=4,cout=6,k=3": ["CONV_2D", "CONV_2D"],
    "fc:cin=12,cout=5,act=relu": ["FULLY_CONNECTED"],
    "pool:max,h=9,c=4,k=3,s=2": ["MAX_POOL_2D"],
    "pool:max,h=8,c=4,k=3,s=2,pad=1": ["PADV2", "MAX_POOL_2D"],
    "pool:average,h=8,c=4,k=3,pad=1": ["AVERAGE_POOL_2D"],
    "pool:average,h=8,c=4,k=3,s=2,pad=1": ["PAD", "AVERAGE_POOL_2D", "MUL"],
    "pool:global,h=8,c=4": ["MEAN"],
    "add:h=8,c=4": ["ADD"],
    "multiply:h=8,c=4": ["MUL"],
    "multiply:h=8,c=4,vector=1": ["MUL"],
    "concat:h=8,c=4,inputs=3": ["CONCATENATION"],
    "shuffle:h=8,c=6,groups=2": ["RESHAPE", "TRANSPOSE", "RESHAPE"],
    "act:relu,h=8,c=4": ["RELU"],
    "act:relu6,h=8,c=4": ["RELU6"],
    "act:leaky_relu,h=8,c=4": ["LEAKY_RELU"],
    "act:sigmoid,h=8,c=4": ["LOGISTIC"],
    "act:hard_sigmoid,h=8,c=4": ["ADD", "MUL"],
    "act:hard_swish,h=8,c=4": ["HARD_SWISH"],
    "act:swish,h=8,c=4": ["LOGISTIC", "MUL"],
    "act:gelu,h=8,c=4": ["GELU"],
    "act:softmax,c=9": ["SOFTMAX"],
    "batch_norm:h=8,c=4": ["MUL", "ADD"],
    "gru:t=3,cin=4,hidden=5": None,
    "gru:t=3,cin=4,hidden=5,bidirectional=1": None,
    "gru:t=3,cin=4,hidden=5,last=1": None,
    "gru:t=3,cin=4,hidden=5,bidirectional=1,last=1": None,
}
"""Configurations with the operators of their form; None where these are too many to write."""


def agree(graph, model):
    inputs = graph.draw_inputs(1)
    expected = run_reference(graph, 1, inputs).outputs
    assert output_error(outputs_of(model, inputs), expected) < TOLERANCE


def test_every_operator_of_the_design_space_is_tried():
    tried = {resolve(text) for text in OPERATORS}
    kinds = {(design.kind, design.name) for design in operators.DESIGNS}
    assert {(c.kind, c.name) for c in tried} == kinds


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("text", OPERATORS)
def test_an_operator_has_the_form_that_converters_give_it(text, batch):
    graph, model = form_of(text, batch=batch)
    agree(graph, model)
    if OPERATORS[text]:
        assert codes_of(model.data) == OPERATORS[text]


def of_block(block):
    channels = "cin=64,groups=8" if block.name == "resnext" else "cin=48"
    return f"block:{block.name},h=14,{channels}"


@pytest.mark.parametrize("text", [of_block(block) for block in BLOCKS])
def test_blocks_compute_the_same(text):
    graph, model = form_of(text)
    agree(graph, model)
    shuffles = text.count("shufflenet")
    assert codes_of(model.data).count("TRANSPOSE") == shuffles


SMALLEST = {"inception_v3": 96, "nasnet_a_mobile": 64, "nasnet_a_large": 96, "cifar10_full": 32}
SLOW = {"resnet101", "resnet152", "resnext101_32x8d", "nasnet_a_large", "efficientnet_b4"}


def of_network(network):
    if "input" not in network.__struct_fields__:
        return f"zoo:{network.name}"
    size = 32 if network.name.startswith("cifar") else SMALLEST.get(network.name, 64)
    return f"zoo:{network.name},input={size}"


@pytest.mark.parametrize(
    "text", [of_network(network) for network in NETWORKS if network.name not in SLOW]
)
def test_networks_compute_the_same(text):
    agree(*form_of(text))


def test_batch_norm_and_activation_are_folded_into_what_they_follow():
    graph, model = form_of("block:resnet_basic,h=8,cin=4")
    assert codes_of(model.data) == ["CONV_2D", "CONV_2D", "ADD"]
    assert sorted(node for nodes in model.sources.values() for node in nodes) == sorted(
        node.name for node in onnx.ModelProto.FromString(graph.structure).graph.node
    )
    assert next(iter(model.sources.values())) == ("conv0", "batchnormalization0", "relu0")


def test_dense_weights_follow_the_layout_of_a_flattened_image():
    graph, model = form_of("zoo:kws_cnn", batch=2)
    codes = codes_of(model.data)
    assert "TRANSPOSE" not in codes
    assert codes.count("RESHAPE") == 1
    agree(graph, model)


@pytest.mark.parametrize(
    "text",
    [
        "conv:h=9,cin=4,cout=6,k=3,act=relu",
        "block:mobilenet_v2_se,h=9,cin=8",
        "block:shufflenet_v2,h=8,cin=8",
        "zoo:mobilenet_v2,input=32",
        "zoo:squeezenet,input=64",
    ],
)
def test_a_form_read_again_counts_and_computes_the_same(text, tmp_path):
    graph, model = form_of(text)
    path = tmp_path / "model.tflite"
    path.write_bytes(model.data)
    again = import_model(path)
    assert count(again).macs == count(graph).macs
    inputs = graph.draw_inputs(1)
    stored = {
        tensor.name: np.ascontiguousarray(inputs[own.name].transpose(own.order))
        for tensor, own in zip(again.inputs, model.inputs, strict=True)
    }
    (result,) = run_reference(again, 0, stored).outputs.values()
    expected = run_reference(graph, 1, inputs).outputs
    (output,) = model.outputs
    restored = {output.name: result.transpose(np.argsort(output.order))}
    assert output_error(restored, expected) < TOLERANCE


def imported(tmp_path, nodes, inputs, outputs, weights=None, **types):
    path = tmp_path / "model.onnx"
    model = onnx_model(nodes, inputs, outputs, weights or {}, types=types)
    path.write_bytes(model.SerializeToString())
    return build(Workload(configuration=resolve(f"file:{path}")))


def test_an_operator_without_a_form_is_named_with_its_node(tmp_path):
    nodes = [helper.make_node("Erf", ["x"], ["y"], name="odd")]
    graph = imported(tmp_path, nodes, {"x": [2, 3]}, ["y"])
    with pytest.raises(UnsupportedWorkload, match=r"node 'odd': .* lacks the operator Erf"):
        tflite_model(graph, 0)


@pytest.mark.parametrize(
    ("node", "shape", "message"),
    [
        (("Gemm", ["x", "w"], {"transA": 1}), [3, 2], "its first operand is transposed"),
        (("HardSigmoid", ["x"], {}), [2, 3], "its slope is 0.2 instead of 1/6"),
        (("Pad", ["x", "p"], {"mode": "edge"}), [2, 3], "it repeats elements"),
        (("MaxPool", ["x"], {"kernel_shape": [2]}), [1, 2, 8], "3 axes instead of 4"),
    ],
)
def test_a_variant_without_a_form_is_refused(node, shape, message, tmp_path):
    operator, inputs, attributes = node
    weights = {"w": np.ones((3, 4), np.float32), "p": np.ones(4, np.int64)}
    nodes = [helper.make_node(operator, inputs, ["y"], name="odd", **attributes)]
    used = {name: values for name, values in weights.items() if name in inputs}
    graph = imported(tmp_path, nodes, {"x": shape}, ["y"], used)
    with pytest.raises(UnsupportedWorkload, match=message):
        tflite_model(graph, 0)


def test_other_numbers_than_float32_are_refused(tmp_path):
    nodes = [helper.make_node("ArgMax", ["x"], ["y"], axis=1)]
    graph = imported(tmp_path, nodes, {"x": [2, 3]}, ["y"], y=TensorProto.INT64)
    with pytest.raises(UnsupportedWorkload, match=r"tensor 'y': .* lacks numbers of type int64"):
        tflite_model(graph, 0)


@pytest.mark.parametrize(
    ("nodes", "shape"),
    [
        ([("MatMul", ["x", "w"], {}), ("Add", ["a", "b"], {}), ("Relu", ["c"], {})], [2, 7, 5]),
        ([("Transpose", ["x"], {"perm": [0, 2, 3, 1]}), ("Relu", ["a"], {})], [2, 5, 4, 3]),
        ([("ReduceMean", ["x", "axes"], {"keepdims": 0}), ("Tanh", ["a"], {})], [2, 5, 4, 3]),
        ([("Softmax", ["x"], {"axis": 2})], [2, 5, 4, 3]),
        ([("Flatten", ["x"], {}), ("Sigmoid", ["a"], {})], [2, 5, 4, 3]),
        ([("Sub", ["b", "x"], {})], [2, 3, 4, 6]),
        ([("Clip", ["x", "low", "high"], {})], [2, 3, 4, 6]),
        (
            [("AveragePool", ["x"], {"kernel_shape": [3, 3], "auto_pad": "SAME_UPPER"})],
            [1, 2, 8, 7],
        ),
    ],
)
def test_layouts_and_folding_keep_what_is_computed(nodes, shape, tmp_path):
    weights = {
        "w": np.linspace(-1, 1, 30, dtype=np.float32).reshape(5, 6),
        "b": np.linspace(0, 1, 6, dtype=np.float32),
        "axes": np.array([1], np.int64),
        "low": np.array(-0.5, np.float32),
        "high": np.array(0.25, np.float32),
    }
    made = [
        helper.make_node(operator, inputs, [output], **attributes)
        for (operator, inputs, attributes), output in zip(nodes, "acy"[: len(nodes)], strict=True)
    ]
    made[-1].output[0] = "y"
    used = {n: v for n, v in weights.items() if any(n in node.input for node in made)}
    graph = imported(tmp_path, made, {"x": shape}, ["y"], used)
    agree(graph, tflite_model(graph, 1))


def test_a_bias_added_after_a_product_is_folded_into_it(tmp_path):
    weights = {"w": np.ones((5, 6), np.float32), "b": np.arange(6, dtype=np.float32)}
    made = [
        helper.make_node("MatMul", ["x", "w"], ["a"]),
        helper.make_node("Add", ["b", "a"], ["y"]),
    ]
    graph = imported(tmp_path, made, {"x": [2, 5]}, ["y"], weights)
    model = tflite_model(graph, 1)
    assert codes_of(model.data) == ["FULLY_CONNECTED"]
    agree(graph, model)


def test_a_product_that_gets_lost_is_an_error(monkeypatch):
    monkeypatch.setitem(
        convert.HANDLERS, "Conv", lambda builder: builder.give(builder.take(builder.node.input[0]))
    )
    with pytest.raises(PlatformError, match="has 0 products of matrices where the graph has 1"):
        form_of("conv:h=8,cin=4,cout=4,k=3")


def test_what_another_seed_draws_is_another_form_and_the_same_seed_gives_the_same():
    first, again, other = (
        form_of("conv:h=8,cin=4,cout=4,k=3", seed=seed)[1].data for seed in (1, 1, 2)
    )
    assert first == again != other
