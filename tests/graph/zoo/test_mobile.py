"""The mobile networks: their layers, their scaling, what they compute in onnxruntime."""

from __future__ import annotations

import numpy as np
import pytest

from opscope.errors import ConfigurationError
from opscope.graph.zoo import efficientnet, mnasnet, mobilenet, proxylessnas, shufflenet
from opscope.testing.graphs import compute, node_types
from tests.graph.zoo.networks import graph_of

MODULES = (mobilenet, shufflenet, mnasnet, proxylessnas, efficientnet)
NAMES = [design.name for module in MODULES for design in module.DESIGNS]


@pytest.mark.parametrize(
    ("baseline", "scaled"),
    [
        ("efficientnet_b0,input=240,depth=1.1", "efficientnet_b1"),
        ("efficientnet_b0,input=260,width=1.1,depth=1.2", "efficientnet_b2"),
        ("efficientnet_b4,input=300,width=1.2,depth=1.4", "efficientnet_b3"),
        ("efficientnet_lite0,input=260,width=1.1,depth=1.2", "efficientnet_lite2"),
    ],
)
def test_compound_scaling_is_a_choice_of_parameters(baseline, scaled):
    assert graph_of(baseline) == graph_of(scaled)
    assert graph_of(baseline.partition(",")[0]) != graph_of(scaled)


@pytest.mark.parametrize(
    ("network", "operators"),
    [
        # Tables 1 and 2 of the MobileNetV3 paper: an activation after each expansion and each
        # depthwise convolution, ReLU inside squeeze-and-excitation, hard-swish at both ends.
        (
            "mobilenet_v3_large",
            {"HardSwish": 1 + 9 * 2 + 2, "Relu": 1 + 5 * 2 + 8, "HardSigmoid": 8, "Add": 10},
        ),
        (
            "mobilenet_v3_small",
            {"HardSwish": 1 + 8 * 2 + 2, "Relu": 1 + 2 * 2 + 9, "HardSigmoid": 9, "Add": 6},
        ),
        # Table 2 of the MobileNetV2 paper: 17 blocks, 7 of which begin a stage.
        ("mobilenet_v2", {"Clip": 1 + 1 + 16 * 2 + 1, "Add": 10, "Conv": 1 + 2 + 16 * 3 + 1}),
        # 16 blocks, each with squeeze-and-excitation; Swish is Sigmoid and Mul.
        ("efficientnet_b0", {"Sigmoid": 1 + 1 + 15 * 2 + 16 + 16 + 1, "Add": 9}),
        ("efficientnet_lite0", {"Sigmoid": 0, "Clip": 1 + 1 + 15 * 2 + 1, "Add": 9}),
        # Table 1 of the ShuffleNet paper: 16 units, 3 of which stride and join.
        ("shufflenet_v1", {"Transpose": 16, "Concat": 3, "AveragePool": 3, "Add": 13}),
        ("shufflenet_v1,groups=1", {"Transpose": 0, "Concat": 3, "AveragePool": 3, "Add": 13}),
    ],
)
def test_layers_are_where_the_publication_has_them(network, operators):
    found = node_types(graph_of(network))
    assert {name: found[name] for name in operators} == operators


@pytest.mark.parametrize("name", NAMES)
def test_outputs_are_finite_and_depend_on_the_input(name):
    graph = graph_of(f"{name},input=64,width=0.5,classes=7", batch=2)
    outputs = compute(graph, graph.draw_inputs(seed=2), seed=1)
    assert outputs.shape == graph.outputs[0].shape == (2, 7)
    assert np.isfinite(outputs).all()
    assert 1e-3 < np.abs(outputs).max() < 1e4  # FP16 holds it
    assert not np.allclose(outputs[0], outputs[1])


@pytest.mark.parametrize("name", NAMES)
def test_the_smallest_image_is_enough(name):
    assert graph_of(f"{name},input=1").outputs[0].shape == (1, 1000)


@pytest.mark.parametrize("width", [0.05, 0.3, 0.9, 1.7])
@pytest.mark.parametrize("name", [name for name in NAMES if name != "shufflenet_v2"])
def test_any_width_builds(name, width):
    graph = graph_of(f"{name},width={width},input=32")
    wider = graph_of(f"{name},width={2 * width},input=32")
    assert graph.parameters < wider.parameters


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("shufflenet_v2,width=0.75", "Use 0.5, 1.0, 1.5, 2.0."),
        ("shufflenet_v1,groups=5", "Use 1, 2, 3, 4, 8."),
        ("efficientnet_b0,depth=0", "depth=0"),
    ],
)
def test_what_was_never_published_is_refused(text, said):
    with pytest.raises(ConfigurationError, match=said.replace(".", r"\.")):
        graph_of(text)
