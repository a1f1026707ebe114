"""What a cost is made of: forms of a model, bytes at a precision, shared weights, orders."""

import msgspec
import numpy as np
import onnx
import pytest

from opscope.core.configuration import Precision, Workload
from opscope.core.record import from_json, to_json
from opscope.cost import Cost, count, fits
from opscope.errors import InputError
from opscope.graph import build
from opscope.graph.network import Network


@pytest.fixture(scope="module")
def residual():
    """Return a block with BatchNorm, a skip connection and a classifier."""
    net = Network()
    x = net.input((2, 8, 10, 10))
    y = net.conv_bn(x, 8, 3, act="swish")
    y = net.add(x, net.batch_norm(net.conv(y, 8, 1, bias=False)))
    return net.finish(net.fully_connected(net.flatten(net.global_average_pool(y)), 5))


def test_a_graph_costs_the_same_with_its_weights_drawn(residual):
    assert count(residual.materialise(seed=0)) == count(residual)


def test_shapes_that_a_model_does_not_name_are_inferred(residual):
    model = residual.materialise(seed=0)
    del model.graph.value_info[:]
    assert count(model) == count(residual)


def test_weights_in_another_file_are_not_needed(residual):
    model = residual.materialise(seed=0)
    del model.graph.value_info[:]
    for tensor in model.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT and tensor.dims:
            tensor.ClearField("raw_data")
            tensor.data_location = onnx.TensorProto.EXTERNAL
            tensor.external_data.add(key="location", value="nowhere.bin")
    assert count(model) == count(residual)


def test_totals_are_the_sums_of_the_layers(residual):
    cost = count(residual)
    for name in ("macs", "elementwise_ops", "ops", "parameters", "weight_bytes"):
        assert getattr(cost, name) == sum(getattr(layer, name) for layer in cost.layers)
    for name in ("memory_access_elements", "memory_access_bytes"):
        assert getattr(cost, name) == sum(getattr(layer, name) for layer in cost.layers)
    assert cost.operational_density == cost.ops / cost.memory_access_bytes
    assert cost.data_reuse == cost.ops / cost.memory_access_elements
    assert cost.memory_footprint_bytes == cost.weight_bytes + cost.peak_activation_bytes
    assert [layer.operator for layer in cost.layers][:4] == [
        *("Conv", "BatchNormalization", "Sigmoid", "Mul")
    ]


def test_statistics_of_batch_norm_are_stored_but_not_trained(residual):
    cost = count(residual)
    parameters = 8 * 8 * 9 + 8 * 8 + 4 * 8 + 8 * 5 + 5
    assert cost.parameters == parameters
    assert cost.weight_bytes == 4 * (parameters + 4 * 8)


@pytest.mark.parametrize(
    ("precision", "kernel", "vector", "activation"),
    [
        ("fp32", 4, 4, 4),
        ("bf16", 2, 2, 2),
        ("fp16", 2, 2, 2),
        ("dfp16", 2, 2, 2),
        ("int8", 1, 4, 1),
        ("uint8", 1, 4, 1),
        ("dfp8", 1, 4, 1),
    ],
)
def test_bytes_follow_the_precision_and_biases_stay_wide(precision, kernel, vector, activation):
    graph = build(Workload.parse("conv:h=8,cin=4,cout=6,k=3@fp32"))
    cost = count(graph, precision=Precision(precision))
    assert cost.weight_bytes == kernel * 4 * 6 * 9 + vector * 6
    assert cost.peak_activation_bytes == activation * (4 + 6) * 64
    assert cost.memory_access_bytes == cost.weight_bytes + cost.peak_activation_bytes


def test_tensors_of_other_types_keep_their_own_bytes(onnx_model):
    text = "g (float16[4,4] x, int64[2] i) => (float16[2,4] y) { y = Gather(x, i) }"
    cost = count(onnx_model(text), precision=Precision.INT8)
    assert cost.peak_activation_bytes == 2 * 16 + 8 * 2 + 2 * 8
    assert cost.memory_access_bytes == 2 * 8 + 2 * 8


def test_a_weight_that_nodes_share_is_stored_once_and_read_twice(onnx_model):
    text = "g (float[1,8] x) => (float[1,8] y) { z = MatMul(x, w) y = MatMul(z, w) }"
    cost = count(onnx_model(text, w=(8, 8)))
    assert cost.parameters == 64
    assert [layer.parameters for layer in cost.layers] == [64, 0]
    assert cost.memory_access_elements == 2 * (8 + 64 + 8)


def test_quantised_weights_count_as_stored(onnx_model):
    """The form of post-training quantisation: int8 weights and int32 biases, dequantised."""
    text = (
        "g (float[1,3,8,8] x) => (float[1,4,6,6] y)"
        "{ v = DequantizeLinear(w, s) c = DequantizeLinear(b, t) y = Conv(x, v, c) }"
    )
    weights = {"w": np.ones((4, 3, 3, 3), np.int8), "b": np.ones(4, np.int32)}
    cost = count(onnx_model(text, **weights, s=(), t=()))
    assert [layer.operator for layer in cost.layers] == ["Conv"]
    assert cost.parameters == 108 + 4
    assert cost.weight_bytes == 108 + 4 * 4


def test_arithmetic_on_shapes_is_not_a_layer(onnx_model):
    """What exporters write for a flatten."""
    text = (
        "g (float[2,3,4] x) => (float[2,12] y) { s = Shape<start=0, end=1>(x)"
        " m = Constant<value_ints=[-1]>() t = Concat<axis=0>(s, m) y = Reshape(x, t) }"
    )
    cost = count(onnx_model(text))
    assert [layer.operator for layer in cost.layers] == ["Reshape"]
    assert (cost.ops, cost.parameters, cost.memory_access_elements) == (0, 0, 0)
    assert cost.operational_density is None


def test_functions_of_a_model_are_counted_by_what_they_do():
    model = onnx.parser.parse_model(
        '<ir_version: 10, opset_import: ["" : 20, "own" : 1]>'
        "g (float[2,8] x) => (float[2,8] y) { y = own.twice(x) }"
        '<domain: "own", opset_import: ["" : 20]> twice (a) => (c) { b = Relu(a) c = Tanh(b) }'
    )
    assert [layer.operator for layer in count(model).layers] == ["Relu", "Tanh"]
    assert count(model).elementwise_ops == 16 + 15 * 16


def test_a_branch_is_not_counted_but_keeps_alive_what_it_reads(onnx_model):
    model = onnx_model("g (bool c, float[4] x) => (float[4] y) { z = Relu(x) }")
    sides = [
        onnx.parser.parse_graph(f"g () => (float[4] {n}) {{ {n} = Neg(z) }}") for n in ("a", "b")
    ]
    model.graph.node.append(
        onnx.helper.make_node("If", ["c"], ["y"], then_branch=sides[0], else_branch=sides[1])
    )
    cost = count(model)
    assert [entry.partition(" (")[0] for entry in cost.uncounted] == ["not counted: operator If"]
    assert cost.layers[-1].inputs == ((), (4,))
    assert cost.layers[-1].live_bytes == 1 + 16 + 16


def test_macs_per_output(residual):
    """not-all-ops, Fig. 2: Cin·K² of a convolution, K² of a depthwise one, Cin of a layer."""
    layers = {layer.operator: layer for layer in reversed(count(residual).layers)}
    assert layers["Conv"].macs_per_output == 8 * 9
    assert layers["Gemm"].macs_per_output == 8
    assert layers["Sigmoid"].macs_per_output is None
    depthwise = count(build(Workload.parse("dwconv:h=8,c=16,k=5@fp32")))
    assert depthwise.macs_per_output == 25
    cost = count(residual)
    assert cost.macs_per_output == cost.macs / (2 * 2 * 800 + 2 * 5)


def test_fits_where_weights_and_peak_both_do(residual):
    cost = count(residual)
    flash, sram = cost.weight_bytes, cost.peak_activation_bytes
    assert fits(cost, flash, sram)
    assert not fits(cost, flash - 1, sram)
    assert not fits(cost, flash, sram - 1)


def test_a_cost_survives_json_and_cannot_be_changed(residual):
    cost = count(residual, precision=Precision.INT8)
    assert from_json(to_json(cost), Cost) == cost
    assert {"macs", "elementwise_ops", "parameters", "memory_access_elements"} <= set(
        msgspec.json.decode(to_json(cost))
    )
    with pytest.raises(AttributeError):
        cost.macs = 0


def test_a_dynamic_shape_is_refused_by_tensor_and_node(onnx_model):
    model = onnx_model("g (float[N,3] x) => (float[N,3] y) { y = Relu(x) }")
    with pytest.raises(InputError, match=r"relu@0.*'x' has no static shape.*static"):
        count(model)


def test_shapes_that_contradict_each_other_are_refused(onnx_model):
    model = onnx_model("g (float[2,3] x) => (float[2,4] z) { y = MatMul(x, w) z = Relu(y) }")
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.ones((5, 4), np.float32), "w"))
    with pytest.raises(InputError, match="cannot be inferred"):
        count(model)


def test_the_order_that_is_asked_for_is_counted(onnx_model):
    def model():
        proto = onnx_model(
            "g (float[4] x) => (float[4] y)"
            "{ q = Neg(x) p = Tile(x, r) s = ReduceSum<keepdims=0>(p) y = Mul(q, s) }",
            r=np.array([10]),
        )
        for node, name in zip(proto.graph.node, "abcd", strict=True):
            node.name = name
        return proto

    given = count(model())
    # q (16) lies in memory while p (160) is there beside x (16)
    assert given.peak_activation_bytes_given_order == 16 + 16 + 160
    # x, p and s instead; then q beside x and s
    other = count(model(), order=["b", "c", "a", "d"])
    assert other.peak_activation_bytes_given_order == 16 + 160 + 4
    assert [layer.name for layer in other.layers] == ["b", "c", "a", "d"]
    assert given.peak_activation_bytes == other.peak_activation_bytes == 180
    assert given.peak.order == ("b", "c", "a", "d")
    assert (given.macs, given.ops, given.parameters) == (other.macs, other.ops, other.parameters)


@pytest.mark.parametrize(
    ("order", "message"),
    [
        (["b", "a"], "'b' needs 'a' first"),
        (["a"], "at 'b'.*every node once"),
        (["a", "b", "b"], "at 'b'.*every node once"),
        (["a", "b", "z"], "at 'z'.*every node once"),
    ],
)
def test_an_impossible_order_is_refused(onnx_model, order, message):
    model = onnx_model("g (float[4] x) => (float[4] y) { z = Relu(x) y = Neg(z) }")
    for node, name in zip(model.graph.node, "ab", strict=True):
        node.name = name
    with pytest.raises(InputError, match=message):
        count(model, order=order)


def test_weights_that_a_node_generates_are_stored_and_counted(onnx_model):
    text = (
        "g (float[1,4,2,2] x) => (float[1,4,2,2] y)"
        "{ c = ConstantOfShape(s) v = Unsqueeze(c, a) y = Mul(x, v) }"
    )
    cost = count(onnx_model(text, s=np.array([4]), a=np.array([1, 2])), precision=Precision.INT8)
    assert [layer.operator for layer in cost.layers] == ["Mul"]
    assert cost.parameters == 4
    assert cost.weight_bytes == 4 * 4  # a vector, whatever its rank


def test_an_output_of_unknown_shape_that_nothing_reads_is_not_made(onnx_model):
    text = "g (float[2,4] x) => (float[2,4] z) { y, mask = Dropout(x) z = Relu(y) }"
    model = onnx_model(text)
    model.opset_import[0].version = 9
    cost = count(model)
    assert [layer.outputs for layer in cost.layers] == [((2, 4),), ((2, 4),)]
    assert cost.peak_activation_bytes == 2 * 32


def test_nodes_of_the_same_name_are_told_apart(onnx_model):
    model = onnx_model("g (float[4] x) => (float[4] z) { y = Relu(x) z = Neg(y) }")
    for node in model.graph.node:
        node.name = "same"
    assert [layer.name for layer in count(model).layers] == ["same", "neg@1"]


def test_bounds_that_are_constant_nodes_are_settings(onnx_model):
    text = (
        "g (float[4] x) => (float[4] y) { a = Constant<value_float=0.0>()"
        " b = Constant<value = float {6.0}>() y = Clip(x, a, b) }"
    )
    cost = count(onnx_model(text))
    assert [layer.operator for layer in cost.layers] == ["Clip"]
    assert (cost.parameters, cost.memory_access_elements) == (0, 8)


def test_a_network_without_nodes_costs_nothing(onnx_model):
    cost = count(onnx_model("g (float[4] x) => (float[4] x) { }"))
    assert (cost.ops, cost.parameters, cost.peak.bytes, cost.layers) == (0, 0, 0, ())
    assert (cost.operational_density, cost.data_reuse, cost.macs_per_output) == (None, None, None)
