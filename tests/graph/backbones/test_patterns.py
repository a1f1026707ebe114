"""The six design patterns: their layers counted by hand, what the paper says of them, outputs."""

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

MACS = {
    "standard_conv": lambda c, k: k * k * c * c,
    "factorised_conv": lambda c, k: 2 * k * c * c,
    "bottleneck_conv": lambda c, k: 2 * c * (c // 4) + k * k * (c // 4) ** 2,
    "depthwise_separable_conv": lambda c, k: k * k * c + c * c,
    "depthwise_bottleneck_conv": lambda c, k: 2 * c * (c // 4) + k * k * (c // 4),
    "grouped_conv": lambda c, k: k * k * c * (c // 4),
}
"""Multiply-accumulates of one layer per pixel, by hand; also its weights."""

CONVOLUTIONS = dict(zip(MACS, [1, 2, 3, 2, 3, 1], strict=True))

WIDTHS = [32, 64, 128, 256, 512]


def built(pattern, batch=1, **parameters):
    items = "".join(f",{key}={value}" for key, value in parameters.items())
    return graph_of(f"backbone:{pattern}{items}", batch=batch)


def macs(pattern, **parameters):
    return count(built(pattern, depth=1, input=1, **parameters)).macs


@pytest.mark.parametrize("pattern", MACS)
@settings(max_examples=12, deadline=None)
@given(
    depth=st.integers(1, 6),
    width=st.integers(1, 24).map(lambda n: 4 * n),
    k=st.sampled_from([1, 3, 5, 7]),
    side=st.integers(1, 9),
    batch=st.integers(1, 3),
)
def test_counts_are_proportional_to_depth_pixels_and_batch(pattern, depth, width, k, side, batch):
    graph = built(pattern, batch, depth=depth, width=width, k=k, input=side)
    each = MACS[pattern](width, k)
    assert count(graph).macs == batch * depth * side * side * each
    kernels = [weight for weight in graph.weights if len(weight.shape) == 4]
    assert sum(weight.size for weight in kernels) == depth * each
    assert len(kernels) == depth * CONVOLUTIONS[pattern]
    assert graph.outputs[0].shape == graph.inputs[0].shape == (batch, width, side, side)


@pytest.mark.parametrize("pattern", MACS)
def test_batch_norm_and_relu_follow_every_convolution(pattern):
    model = onnx.ModelProto.FromString(built(pattern, depth=3).structure)
    kinds = [node.op_type for node in model.graph.node]
    assert kinds == ["Conv", "BatchNormalization", "Relu"] * 3 * CONVOLUTIONS[pattern]


@pytest.mark.parametrize("width", WIDTHS)
def test_order_of_the_patterns_is_the_papers(width):
    """Sec. 2.2: depthwise bottleneck the fewest; Fig. 1: depthwise separable among the fewest."""
    ranked = sorted(MACS, key=lambda pattern: macs(pattern, width=width))
    assert ranked[0] == "depthwise_bottleneck_conv"
    assert "depthwise_separable_conv" in ranked[:3]
    assert ranked[-2:] == ["factorised_conv", "standard_conv"]


def test_what_the_papers_statements_come_to():
    """docs/backbones.md holds these beside the paper's words."""
    standard, bottleneck = (macs(p, width=64) for p in ("standard_conv", "bottleneck_conv"))
    assert round(bottleneck / standard, 3) == 0.118
    assert round(macs("bottleneck_conv", width=64, ratio=1) / standard, 3) == 1.222
    growth = {p: macs(p, width=512) / macs(p, width=32) for p in MACS}
    assert {p: round(g) for p, g in growth.items()} == {
        "standard_conv": 256,
        "factorised_conv": 256,
        "bottleneck_conv": 256,
        "depthwise_separable_conv": 203,
        "depthwise_bottleneck_conv": 226,
        "grouped_conv": 256,
    }


@pytest.mark.parametrize("pattern", MACS)
def test_outputs_stay_finite_and_alive_through_fifty_layers(pattern):
    graph = built(pattern, batch=2, depth=50, width=32, input=7)
    output = compute(graph, graph.draw_inputs(seed=1), seed=1)
    assert output.shape == (2, 32, 7, 7)
    assert np.isfinite(output).all()
    assert output.std() > 1e-3
    assert output.max() < 1e6


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("standard_conv,k=4", r"standard_conv\(k=4\): the kernel must be odd"),
        ("grouped_conv,width=30", r"groups must divide width. Use 1, 2, 3, 5, 6, 10, 15 or 30."),
        ("bottleneck_conv,width=30", "7.5 is not a number of channels. Use a width that is a mul"),
        ("depthwise_bottleneck_conv,ratio=0.001", "0.064 is not a number of channels"),
        ("bottleneck_conv,ratio=0", "ratio=0 does not fit"),
        ("standard_conv,groups=2", "unknown parameter 'groups'"),
        ("standard_conv,depth=1001", "depth=1001 does not fit"),
    ],
)
def test_impossible_values_are_refused(text, message):
    with pytest.raises(ConfigurationError, match=message):
        resolve(f"backbone:{text}")


def test_a_whole_ratio_is_written_one_way():
    written = {str(resolve(f"backbone:bottleneck_conv,ratio={r}")) for r in ("1", "1.0", "1e0")}
    assert written == {"backbone:bottleneck_conv,ratio=1.0"}
