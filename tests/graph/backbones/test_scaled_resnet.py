"""The network of MAC tunnel vision: groups in all their spellings, counts by hand, outputs."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opscope.cost import count
from opscope.errors import ConfigurationError
from opscope.graph import resolve
from opscope.testing.graphs import compute, graph_of


def built(batch=1, **parameters):
    items = ",".join(f"{key}={value}" for key, value in parameters.items())
    return graph_of(f"backbone:scaled_resnet,{items}", batch=batch)


def macs_by_hand(width, depth, groups, side):
    """Sum over stem, blocks and projections; ``groups`` above the channels are the channels."""
    h = -(-side // 2)
    total, cin = h * h * width * 27, width
    for c in (2 * width, 4 * width, 8 * width):
        for index in range(depth):
            o = h if index else -(-h // 2)
            total += h * h * cin * c + o * o * 9 * c * (c // min(groups, c)) + o * o * c * c
            total += 0 if index else o * o * cin * c
            cin, h = c, o
    return total


@settings(max_examples=40, deadline=None)
@given(
    width=st.sampled_from([4, 8, 16, 32]),
    depth=st.integers(1, 4),
    groups=st.sampled_from([1, 2, 4, 8, 64, 256, "depthwise"]),
    side=st.integers(1, 70),
    batch=st.integers(1, 3),
)
def test_counts_by_hand(width, depth, groups, side, batch):
    graph = built(batch, width=width, depth=depth, groups=groups, input=side)
    number = 10**9 if groups == "depthwise" else groups
    assert count(graph).macs == batch * macs_by_hand(width, depth, number, side)
    last = -(-side // 16)
    assert graph.outputs[0].shape == (batch, 8 * width, last, last)


def test_blocks_are_1x1_grouped_3x3_1x1_in_three_widths():
    model = onnx.ModelProto.FromString(built(width=16, depth=2, groups=4).structure)
    weights = {
        value.name: tuple(d.dim_value for d in value.type.tensor_type.shape.dim)
        for value in model.graph.input
    }
    found = [weights[node.input[1]] for node in model.graph.node if node.op_type == "Conv"]
    expected, cin = [(16, 3, 3, 3)], 16
    for c in (32, 64, 128):
        expected += [(c, cin, 1, 1), (c, c // 4, 3, 3), (c, c, 1, 1), (c, cin, 1, 1)]
        expected += [(c, c, 1, 1), (c, c // 4, 3, 3), (c, c, 1, 1)]
        cin = c
    assert found == expected
    kinds = [node.op_type for node in model.graph.node]
    assert kinds.count("BatchNormalization") == len(found)
    assert kinds.count("Relu") == 1 + 3 * 6
    assert kinds.count("Add") == 6


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("groups=1", "backbone:scaled_resnet"),
        ("groups=128", "backbone:scaled_resnet,groups=128"),
        ("groups=256", "backbone:scaled_resnet,groups=depthwise"),
        ("groups=1000", "backbone:scaled_resnet,groups=depthwise"),
        ("groups=nan", "backbone:scaled_resnet,groups=depthwise"),
        ("groups=depthwise", "backbone:scaled_resnet,groups=depthwise"),
        ("groups=256,width=64", "backbone:scaled_resnet,width=64,groups=256"),
    ],
)
def test_one_network_has_one_name(written, canonical):
    resolved = resolve(f"backbone:scaled_resnet,{written}")
    assert str(resolved) == canonical
    assert resolve(resolved) == resolved


def test_more_groups_than_channels_are_depthwise_in_that_stage_alone():
    model = onnx.ModelProto.FromString(built(width=64, depth=1, groups=256, input=32).structure)
    groups = [
        next(a.i for a in node.attribute if a.name == "group")
        for node in model.graph.node
        if node.op_type == "Conv" and "conv0" not in node.name
    ]
    assert [g for g in groups if g > 1] == [128, 256, 256]


@pytest.mark.parametrize("groups", ["3", "48", "96", "0", "many", "-1"])
def test_impossible_groups_are_refused(groups):
    with pytest.raises(ConfigurationError, match=f"groups={groups}"):
        resolve(f"backbone:scaled_resnet,width=32,groups={groups}")


def test_the_names_groups_may_have_are_listed():
    with pytest.raises(ConfigurationError, match="Use one of depthwise, nan"):
        resolve("backbone:scaled_resnet,groups=many")


@pytest.mark.parametrize("groups", [1, 4, 64, "depthwise"])
def test_outputs_are_finite_and_of_the_right_shape(groups):
    graph = built(batch=2, width=8, depth=3, groups=groups, input=32)
    output = compute(graph, graph.draw_inputs(seed=1), seed=1)
    assert output.shape == (2, 64, 2, 2)
    assert np.isfinite(output).all()
    assert output.std() > 1e-3
    assert not np.allclose(output[0], output[1])
