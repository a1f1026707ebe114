"""Every operator: output shapes by hand, finite outputs, node types, weights from seeds, errors."""

from __future__ import annotations

import numpy as np
import pytest

from opscope.core.configuration import Configuration
from opscope.errors import ConfigurationError
from opscope.graph import operators, resolve
from opscope.testing.graphs import compute, graph_of, node_types

# Text of a configuration, its output's shape at batch 2, its nodes.
CASES = [
    ("conv:h=9,cin=4,cout=6,k=3", (2, 6, 9, 9), {"Conv": 1}),
    ("conv:h=9,w=5,cin=4,cout=6,k=1,s=2", (2, 6, 5, 3), {"Conv": 1}),
    ("conv:h=9,cin=4,cout=6,k=2,bias=0", (2, 6, 8, 8), {"Conv": 1}),
    ("conv:h=9,cin=4,cout=6,k=7,pad=0,act=gelu", (2, 6, 3, 3), {"Conv": 1, "Gelu": 1}),
    ("conv:h=9,cin=4,cout=6,k=3,groups=2,act=relu", (2, 6, 9, 9), {"Conv": 1, "Relu": 1}),
    ("conv:h=9,cin=4,cout=6,k=3,dilation=2,s=2", (2, 6, 5, 5), {"Conv": 1}),
    ("dwconv:h=8,c=6,k=5,s=2", (2, 6, 4, 4), {"Conv": 1}),
    ("dwconv:h=8,c=1000,k=3,act=swish", (2, 1000, 8, 8), {"Conv": 1, "Sigmoid": 1, "Mul": 1}),
    ("mixconv:h=8,c=10", (2, 10, 8, 8), {"Slice": 4, "Conv": 4, "Concat": 1}),
    (
        "mixconv:h=7,c=9,groups=2,k=1,s=2,act=relu6",
        (2, 9, 4, 4),
        {"Slice": 2, "Conv": 2, "Concat": 1, "Clip": 1},
    ),
    ("spatialconv:h=8,cin=3,cout=5,k=7", (2, 5, 8, 8), {"Conv": 2}),
    ("spatialconv:h=8,w=6,cin=3,cout=5,k=3,s=2,act=relu", (2, 5, 4, 3), {"Conv": 2, "Relu": 1}),
    ("fc:cin=1280,cout=1000", (2, 1000), {"Gemm": 1}),
    ("fc:cin=3,cout=4,bias=0,act=sigmoid", (2, 4), {"Gemm": 1, "Sigmoid": 1}),
    ("pool:max,h=7,c=3,k=7", (2, 3, 1, 1), {"MaxPool": 1}),
    ("pool:max,h=9,c=3,k=3,s=2,pad=1", (2, 3, 5, 5), {"MaxPool": 1}),
    ("pool:average,h=9,w=7,c=3,k=7", (2, 3, 3, 1), {"AveragePool": 1}),
    ("pool:average,h=9,c=3,k=3,s=2,pad=1", (2, 3, 5, 5), {"AveragePool": 1}),
    ("pool:global,h=9,c=3", (2, 3, 1, 1), {"GlobalAveragePool": 1}),
    ("add:h=5,c=3", (2, 3, 5, 5), {"Add": 1}),
    ("multiply:h=5,c=3", (2, 3, 5, 5), {"Mul": 1}),
    ("multiply:h=5,w=4,c=3,vector=1", (2, 3, 5, 4), {"Mul": 1}),
    ("concat:h=5,c=3", (2, 6, 5, 5), {"Concat": 1}),
    ("concat:h=5,c=3,inputs=4", (2, 12, 5, 5), {"Concat": 1}),
    ("shuffle:h=5,c=6", (2, 6, 5, 5), {"Reshape": 2, "Transpose": 1}),
    ("shuffle:h=5,c=6,groups=3", (2, 6, 5, 5), {"Reshape": 2, "Transpose": 1}),
    ("act:relu,h=5,c=3", (2, 3, 5, 5), {"Relu": 1}),
    ("act:relu6,h=5,c=3", (2, 3, 5, 5), {"Clip": 1}),
    ("act:leaky_relu,h=5,c=3", (2, 3, 5, 5), {"LeakyRelu": 1}),
    ("act:sigmoid,h=5,c=3", (2, 3, 5, 5), {"Sigmoid": 1}),
    ("act:hard_sigmoid,h=5,c=3", (2, 3, 5, 5), {"HardSigmoid": 1}),
    ("act:hard_swish,h=5,c=3", (2, 3, 5, 5), {"HardSwish": 1}),
    ("act:swish,h=5,c=3", (2, 3, 5, 5), {"Sigmoid": 1, "Mul": 1}),
    ("act:gelu,h=5,w=2,c=3", (2, 3, 5, 2), {"Gelu": 1}),
    ("act:softmax,c=1000", (2, 1000), {"Softmax": 1}),
    ("batch_norm:h=5,c=3", (2, 3, 5, 5), {"BatchNormalization": 1}),
    ("batch_norm:h=5,c=3,act=relu", (2, 3, 5, 5), {"BatchNormalization": 1, "Relu": 1}),
    ("gru:t=5,cin=3,hidden=4", (5, 2, 4), {"GRU": 1, "Reshape": 1}),
    ("gru:t=5,cin=3,hidden=4,last=1", (2, 4), {"GRU": 1, "Reshape": 1}),
    (
        "gru:t=5,cin=3,hidden=4,bidirectional=1",
        (5, 2, 8),
        {"GRU": 1, "Transpose": 1, "Reshape": 1},
    ),
]
WITHOUT_WEIGHTS = ("pool", "add", "multiply", "concat", "shuffle", "act")


@pytest.mark.parametrize(("text", "shape", "nodes"), CASES, ids=[case[0] for case in CASES])
def test_outputs_are_finite_and_of_the_expected_shape(text, shape, nodes):
    graph = graph_of(text, batch=2)
    output = compute(graph, graph.draw_inputs(1))
    assert output.shape == graph.outputs[0].shape == shape
    assert np.isfinite(output).all()
    assert np.ptp(output) > 0
    assert node_types(graph) == nodes


def test_every_operator_is_among_the_cases():
    tested = {(c.kind, c.name) for c in (Configuration.parse(text) for text, _, _ in CASES)}
    assert tested == {(design.kind, design.name) for design in operators.DESIGNS}


@pytest.mark.parametrize("text", [case[0] for case in CASES])
def test_weights_follow_from_the_seed(text):
    graph = graph_of(text)
    first, same, other = (
        [t.raw_data for t in graph.materialise(seed).graph.initializer if t.name in names]
        for seed in (0, 0, 1)
        for names in [{weight.name for weight in graph.weights}]
    )
    assert bool(first) is not text.startswith(WITHOUT_WEIGHTS)
    assert first == same
    assert all(a != b for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize("text", [case[0] for case in CASES])
def test_resolving_keeps_the_meaning(text):
    resolved = resolve(text)
    assert resolve(str(resolved)) == resolved
    assert graph_of(str(resolved)).structure == graph_of(text).structure


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("conv:k=3,h=8,w=8,cin=4,cout=4,pad=1,s=1", "conv:h=8,cin=4,cout=4,k=3"),
        ("conv:h=8,cin=4,cout=4,k=3,dilation=2,pad=2", "conv:h=8,cin=4,cout=4,k=3,dilation=2"),
        ("conv:h=8,cin=4,cout=4,k=3,pad=0", "conv:h=8,cin=4,cout=4,k=3,pad=0"),
        ("dwconv:h=8,w=8,c=4,k=3,pad=1", "dwconv:h=8,c=4,k=3"),
        ("pool:max,h=8,w=4,c=4,k=3,pad=0", "pool:max,h=8,w=4,c=4,k=3"),
    ],
)
def test_what_a_left_out_parameter_means_is_left_out(written, canonical):
    assert str(resolve(written)) == canonical


IMPOSSIBLE = [
    (
        "conv:h=8,cin=30,cout=8,k=3,groups=4",
        "conv(cin=30, groups=4): groups must divide cin. Use 1, 2, 3, 5, 6, 10, 15 or 30.",
    ),
    (
        "conv:h=3,cin=1,cout=1,k=9,pad=0",
        "conv(h=3, k=9, pad=0, dilation=1): the kernel is larger than the padded input.",
    ),
    ("mixconv:h=8,c=3", "mixconv(c=3, groups=4): each group needs a channel. Use groups=2 to 3."),
    ("mixconv:h=8,c=1,groups=2", "needs a channel. Use more channels."),
    ("mixconv:h=8,c=8,k=2", "mixconv(k=2): kernels must be odd to be joined. Use k=1, 3, 5 or 7."),
    ("mixconv:h=8,c=8,groups=1", "groups=1 does not fit"),
    ("spatialconv:h=1,cin=2,cout=2,k=4", "spatialconv(h=1, k=4): the kernel is larger than"),
    ("pool:max,h=3,c=2,k=9", "pool:max(h=3, k=9, pad=0): the window is larger than the padded"),
    ("pool:average,h=9,c=2,k=3,pad=3", "smaller than the window. Use pad=0 to 2."),
    ("pool:max,h=9,c=2,k=1,pad=1", "smaller than the window. Use pad=0."),
    ("pool:global,h=9,c=2,k=3", "unknown parameter 'k'"),
    ("concat:h=9,c=2,inputs=1", "inputs=1 does not fit"),
    ("shuffle:h=9,c=10,groups=4", "shuffle(c=10, groups=4): groups must divide c. Use 1, 2, 5"),
    ("act:softplus,h=9,c=2", "there is no kind 'act:softplus'"),
    ("act:softmax,h=9,c=2", "unknown parameter 'h'"),
    ("fc:cin=0,cout=2", "cin=0 does not fit"),
    ("gru:t=5,cin=3", "hidden is missing"),
    ("gru:t=5,cin=3,hidden=4,last=2", "last=2 does not fit"),
    ("batch_norm:h=5,c=3,act=softmax", "act=softmax does not fit"),
]


@pytest.mark.parametrize(("text", "message"), IMPOSSIBLE, ids=[case[0] for case in IMPOSSIBLE])
def test_impossible_values_are_refused(text, message):
    with pytest.raises(ConfigurationError) as caught:
        resolve(text)
    assert message in str(caught.value)
