"""What the older networks compute: finite outputs of the right shape, at any width and input."""

from __future__ import annotations

import numpy as np
import pytest

from opscope.errors import ConfigurationError
from opscope.graph.zoo import cifar, densenet, inception, resnet, squeezenet
from opscope.testing.graphs import compute, node_types, outputs_of
from tests.graph.zoo.networks import cost_of, graph_of

DESIGNS = [
    design
    for module in (resnet, inception, squeezenet, densenet, cifar)
    for design in module.DESIGNS
]
LARGEST_FP16 = 65_504


@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: design.name)
def test_every_tensor_is_finite_alive_and_within_fp16(design):
    side = max(32, design.smallest)
    graph = graph_of(f"{design.name},input={side}")
    model = graph.materialise(0)
    outputs = {output.name for output in model.graph.output}
    for node in model.graph.node:  # what flows inside is looked at too
        if node.output[0] not in outputs:
            model.graph.output.add().name = node.output[0]
    output, *inner = outputs_of(model, graph.draw_inputs(1))
    assert output.shape == (1, design().classes)
    for tensor in (output, *inner):
        assert np.isfinite(tensor).all()
        assert np.abs(tensor).max() < LARGEST_FP16
        assert tensor.std() > 0.01


@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: design.name)
def test_the_smallest_input_runs_and_a_smaller_is_refused(design):
    graph = graph_of(f"{design.name},input={design.smallest},width=0.125,classes=7", batch=2)
    output = compute(graph, graph.draw_inputs(1), seed=3)
    assert output.shape == (2, 7)
    assert np.isfinite(output).all()
    assert not np.allclose(output[0], output[1])
    if design.smallest > 1:
        with pytest.raises(
            ConfigurationError, match=f"Use input={design.smallest} or more"
        ) as info:
            graph_of(f"{design.name},input={design.smallest - 1}")
        assert design.name in str(info.value)


@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: design.name)
def test_width_scales_channels_but_not_classes(design):
    whole, half = design.name, f"{design.name},width=0.5"
    assert graph_of(half).outputs[0].shape == graph_of(whole).outputs[0].shape
    assert 0.23 < cost_of(half).macs / cost_of(whole).macs < 0.36  # layers at the image scale once
    assert cost_of(f"{design.name},width=0.01").macs > 0


@pytest.mark.parametrize(
    ("network", "nodes"),
    [
        ("resnet18", {"Conv": 20, "BatchNormalization": 20, "Relu": 17, "Add": 8, "MaxPool": 1}),
        ("resnet50", {"Conv": 53, "BatchNormalization": 53, "Relu": 49, "Add": 16, "MaxPool": 1}),
        ("resnet50_v1", {"Conv": 53, "BatchNormalization": 53, "Add": 16, "MaxPool": 4}),
        ("resnet50_v2", {"Conv": 53, "BatchNormalization": 49, "Add": 16, "MaxPool": 4}),
        ("inception_v1", {"Conv": 57, "BatchNormalization": 57, "Concat": 9, "MaxPool": 13}),
        ("inception_v3", {"Conv": 94, "Concat": 11, "MaxPool": 4, "AveragePool": 9}),
        ("squeezenet", {"Conv": 26, "Concat": 8, "MaxPool": 3, "Gemm": 0}),
        ("densenet121", {"Conv": 120, "BatchNormalization": 121, "Concat": 58, "AveragePool": 3}),
        ("cifar10_full", {"Conv": 3, "MaxPool": 3, "AveragePool": 0, "Relu": 3, "Gemm": 1}),
        ("cifar10_quick", {"Conv": 3, "MaxPool": 1, "AveragePool": 2, "Relu": 3, "Gemm": 2}),
    ],
)
def test_batch_norm_and_activations_are_nodes_of_their_own(network, nodes):
    counted = node_types(graph_of(network))
    assert {operator: counted[operator] for operator in nodes} == nodes


@pytest.mark.parametrize(
    ("network", "sides"),
    [
        ("resnet50", [56] * 3 + [28] * 4 + [14] * 6 + [7] * 3),
        ("resnet50_v1", [56] * 2 + [28] * 4 + [14] * 6 + [7] * 4),
        ("resnet50_v2", [75] * 2 + [38] * 4 + [19] * 6 + [10] * 4),
    ],
)
def test_strides_are_in_the_units_the_form_has_them_in(network, sides):
    layers = cost_of(network).layers
    assert [layer.outputs[0][2] for layer in layers if layer.operator == "Add"] == sides
