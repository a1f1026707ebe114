"""The ResNet-50 skeleton: Table III's sizes and layers, its counts by hand, its outputs."""

from __future__ import annotations

import itertools
from operator import truediv
from statistics import mean

import numpy as np
import onnx
import pytest

from opscope.cost import count
from opscope.errors import ConfigurationError
from opscope.graph import resolve
from opscope.testing.graphs import compute, graph_of

BLOCKS = ["standard", "spatially_separable", "depthwise_separable"]
COLUMNS = list(itertools.product(BLOCKS, [0, 1]))
"""The six columns of Table III."""

LAYERS = {
    ("standard", 0): ["k×k"],
    ("standard", 1): ["1×1", "k×k", "1×1"],
    ("spatially_separable", 0): ["1×k", "k×1"],
    ("spatially_separable", 1): ["1×1", "1×k", "k×1", "1×1"],
    ("depthwise_separable", 0): ["dw", "1×1"],
    ("depthwise_separable", 1): ["1×1", "dw", "1×1"],
}
"""Convolutions of a block, as Table III lists them."""

SIZES = {
    224: {"conv1": 112, "conv2": 56, "conv3": 28, "conv4": 14, "conv5": 7},
    560: {"conv1": 280, "conv2": 140, "conv3": 70, "conv4": 35, "conv5": 18},
    1400: {"conv1": 700, "conv2": 350, "conv3": 175, "conv4": 88, "conv5": 44},
}
"""Table III's i/2 to i/32, rounded up where 32 does not divide i."""

STAGES = {"conv2": (64, 3), "conv3": (128, 4), "conv4": (256, 6), "conv5": (512, 3)}


def text(block, bottleneck, k, side):
    return f"backbone:resnet_skeleton,block={block},bottleneck={bottleneck},k={k},input={side}"


def model_of(graph):
    return onnx.ModelProto.FromString(graph.structure)


def shapes_of(model):
    values = [*model.graph.input, *model.graph.value_info, *model.graph.output]
    return {v.name: tuple(d.dim_value for d in v.type.tensor_type.shape.dim) for v in values}


def attributes(node):
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}


@pytest.mark.parametrize("side", SIZES)
@pytest.mark.parametrize("k", [3, 5, 7])
@pytest.mark.parametrize(("block", "bottleneck"), COLUMNS)
def test_every_stage_has_the_size_of_table_iii(block, bottleneck, k, side):
    graph = graph_of(text(block, bottleneck, k, side), batch=2)
    model = model_of(graph)
    shapes = shapes_of(model)
    nodes = list(model.graph.node)
    assert shapes[nodes[0].output[0]] == (2, 64, SIZES[side]["conv1"], SIZES[side]["conv1"])
    pools = [node for node in nodes if node.op_type == "MaxPool"]
    assert [shapes[node.output[0]] for node in pools] == [(2, 64, *[SIZES[side]["conv2"]] * 2)]
    blocks = [shapes[node.output[0]] for node in nodes if node.op_type == "Add"]
    expected = [
        (2, channels, SIZES[side][stage], SIZES[side][stage])
        for stage, (channels, repeats) in STAGES.items()
        for _ in range(repeats)
    ]
    assert blocks == expected
    assert graph.outputs[0].shape == expected[-1]
    assert nodes[-1].op_type == "Relu"


@pytest.mark.parametrize("k", [3, 5])
@pytest.mark.parametrize(("block", "bottleneck"), COLUMNS)
def test_blocks_have_the_layers_of_table_iii(block, bottleneck, k):
    kinds = {(1, 1): "1×1", (1, k): "1×k", (k, 1): "k×1", (k, k): "k×k"}
    convolutions = []
    for node in model_of(graph_of(text(block, bottleneck, k, 64))).graph.node:
        if node.op_type == "Conv":
            found = attributes(node)
            kind = "dw" if found["group"] > 1 else kinds.get(tuple(found["kernel_shape"]), "stem")
            convolutions.append((kind, max(found["strides"])))
    columns = LAYERS[block, bottleneck]
    spatial = max(i for i, kind in enumerate(columns) if kind != "1×1")
    expected = [("stem", 2)]
    for stage, (_, repeats) in STAGES.items():
        for index in range(repeats):
            s = 2 if stage != "conv2" and index == 0 else 1
            expected += [(kind, s if i == spatial else 1) for i, kind in enumerate(columns)]
            expected += [("1×1", 2)] if s == 2 else []  # the shortcut's projection
    assert convolutions == expected


def test_batch_norm_and_relu_follow_every_convolution_but_the_shortcuts():
    nodes = model_of(graph_of("backbone:resnet_skeleton,block=spatially_separable")).graph.node
    kinds = [node.op_type for node in nodes]
    convolutions = kinds.count("Conv")
    assert convolutions == 1 + 2 * 16 + 3
    assert kinds.count("BatchNormalization") == convolutions
    assert kinds.count("Relu") == convolutions - 3


def macs_by_hand(block, bottleneck, k, side, *, projected=True):
    """Sum of outputs × kernel × channels over Table III, written without the graph."""
    sizes = SIZES[side]
    total = sizes["conv1"] ** 2 * 64 * 3 * 49
    cin, h = 64, sizes["conv2"]
    for stage, (c, repeats) in STAGES.items():
        for _ in range(repeats):
            o = sizes[stage]
            x = c if bottleneck else cin
            spatial = {
                "standard": o * o * x * c * k * k,
                "spatially_separable": h * h * x * c * k + o * o * c * c * k,
                "depthwise_separable": o * o * x * k * k,
            }
            total += spatial[block]
            total += h * h * cin * c if bottleneck else 0
            total += o * o * x * c if bottleneck or block == "depthwise_separable" else 0
            total += o * o * cin * c if projected and cin != c else 0
            cin, h = c, o
    return total


@pytest.mark.parametrize("side", SIZES)
@pytest.mark.parametrize(("block", "bottleneck"), COLUMNS)
def test_counts_are_those_of_table_iii_by_hand(block, bottleneck, side):
    for k in (3, 7):
        cost = count(graph_of(text(block, bottleneck, k, side)))
        assert cost.macs == macs_by_hand(block, bottleneck, k, side)


def reduction(block, kernels, *, projected=True, pooled=False):
    """Percent of MACs saved against standard blocks, over the kernels and the three inputs.

    The mean over pairs of networks, or, pooled, between the sums of all.
    """
    points = list(itertools.product(kernels, SIZES))
    saving, full = (
        [macs_by_hand(name, 0, *point, projected=projected) for point in points]
        for name in (block, "standard")
    )
    share = sum(saving) / sum(full) if pooled else mean(map(truediv, saving, full))
    return round(100 * (1 - share), 1)


def test_what_the_papers_reductions_come_to():
    """docs/backbones.md holds these beside the paper's 57.5 % and 81.7 %."""
    _, spatial, depthwise = BLOCKS
    assert (reduction(spatial, [3]), reduction(depthwise, [3])) == (18.1, 81.5)
    assert reduction(depthwise, [3], projected=False) == 82.4
    kernels = [3, 5, 7]
    assert (reduction(spatial, kernels), reduction(depthwise, kernels)) == (44.3, 90.0)
    pooled = [reduction(block, kernels, pooled=True) for block in (spatial, depthwise)]
    assert pooled == [54.9, 93.2]


def density(block="standard", k=3, side=224, batch=1, bottleneck=0):
    graph = graph_of(text(block, bottleneck, k, side), batch=batch)
    return count(graph, precision="int8").operational_density


@pytest.mark.parametrize("block", BLOCKS)
def test_density_rises_with_kernel_batch_and_input(block):
    """Sec. III-A expects so of all three."""
    assert density(block, k=3) < density(block, k=5) < density(block, k=7)
    assert density(block, batch=1) < density(block, batch=2) < density(block, batch=4)
    assert density(block, side=224) < density(block, side=560) < density(block, side=1400)


@pytest.mark.parametrize("bottleneck", [0, 1])
def test_density_falls_from_standard_to_depthwise(bottleneck):
    """Sec. III-A expects the order of Table II."""
    found = [density(block, bottleneck=bottleneck) for block in BLOCKS]
    assert found == sorted(found, reverse=True)
    assert len(set(found)) == 3


@pytest.mark.parametrize(
    ("block", "bottleneck", "k"),
    [*((*column, 3) for column in COLUMNS), ("spatially_separable", 1, 7), (BLOCKS[2], 0, 5)],
)
def test_outputs_are_finite_and_of_the_right_shape(block, bottleneck, k):
    graph = graph_of(text(block, bottleneck, k, 64), batch=2)
    output = compute(graph, graph.draw_inputs(seed=1), seed=1)
    assert output.shape == (2, 512, 2, 2)
    assert np.isfinite(output).all()
    assert output.std() > 1e-3
    assert not np.allclose(output[0], output[1])


def test_defaults_are_the_papers_baseline():
    baseline = resolve("backbone:resnet_skeleton,block=standard,bottleneck=0,k=3,input=224")
    assert str(baseline) == "backbone:resnet_skeleton"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("k=4", r"resnet_skeleton\(k=4\): the kernel must be odd. Use k=3 or k=5."),
        ("bottleneck=2", "bottleneck=2 does not fit"),
        ("block=dense", "Use one of standard, spatially_separable, depthwise_separable."),
        ("input=0", "input=0 does not fit"),
    ],
)
def test_impossible_values_are_refused(wrong, message):
    with pytest.raises(ConfigurationError, match=message):
        resolve(f"backbone:resnet_skeleton,{wrong}")
