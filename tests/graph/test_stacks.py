"""Stacks: every layer can be stacked, computes what it computes alone, and its terms add up."""

from __future__ import annotations

from collections import Counter

import numpy as np
import onnx
import pytest
from msgspec.structs import replace
from onnx import numpy_helper

from opscope.core.configuration import Workload
from opscope.errors import ConfigurationError
from opscope.graph import blocks, build, operators, resolve
from opscope.graph.catalogue import design_of
from opscope.graph.stacking import Form, form_of
from opscope.graph.stacks import layer_terms
from opscope.testing.graphs import compute, outputs_of

LAYERS = [
    "conv:h=14,cin=16,cout=16,k=3",
    "conv:h=14,cin=16,cout=24,k=3,s=2,act=relu",
    "dwconv:h=14,c=16,k=3,act=relu6",
    "dwconv:h=14,c=16,k=3,s=2",
    "mixconv:h=14,c=16",
    "spatialconv:h=14,cin=8,cout=16,k=3",
    "fc:cin=16,cout=16,act=relu",
    "fc:cin=16,cout=10",
    "pool:max,h=14,c=16,k=3,pad=1",
    "pool:max,h=14,c=16,k=2,s=2",
    "pool:average,h=14,c=16,k=3,pad=1",
    "pool:global,h=14,c=16",
    "add:h=14,c=16",
    "multiply:h=14,c=16",
    "multiply:h=14,c=16,vector=1",
    "concat:h=14,c=16,inputs=3",
    "shuffle:h=14,c=16",
    "act:relu,h=14,c=16",
    "act:relu6,h=14,c=16",
    "act:leaky_relu,h=14,c=16",
    "act:sigmoid,h=14,c=16",
    "act:hard_sigmoid,h=14,c=16",
    "act:hard_swish,h=14,c=16",
    "act:swish,h=14,c=16",
    "act:gelu,h=14,c=16",
    "act:softmax,c=16",
    "batch_norm:h=14,c=16,act=relu",
    "gru:t=5,cin=8,hidden=8",
    "gru:t=5,cin=8,hidden=6,last=1",
    "block:mobilenet_v1,h=14,cin=16,cout=24,s=2",
    "block:mobilenet_v2,h=14,cin=16",
    "block:mobilenet_v2_se,h=14,cin=16",
    "block:mobilenet_v3,h=14,cin=16",
    "block:mbconv,h=14,cin=16",
    "block:se,h=14,cin=16",
    "block:shufflenet_v1,h=14,cin=24",
    "block:shufflenet_v2,h=14,cin=16",
    "block:resnet_basic,h=14,cin=16",
    "block:resnet_bottleneck,h=14,cin=16",
    "block:resnext,h=14,cin=64",
    "block:dense,h=14,cin=16",
    "block:inception,h=14,cin=16",
]


def workload_of(text, **changes):
    return Workload(configuration=resolve(text), **changes)


def nodes_of(graph):
    return onnx.ModelProto.FromString(graph.structure).graph.node


def test_every_operator_and_block_is_among_the_layers():
    tested = {(c.kind, c.name) for c in (resolve(text) for text in LAYERS)}
    designs = (*operators.DESIGNS, *blocks.DESIGNS)
    assert tested == {(design.kind, design.name) for design in designs}


@pytest.mark.parametrize("text", LAYERS)
def test_every_stack_of_a_layer_runs_on_numbers_that_neither_vanish_nor_overflow(text):
    terms = layer_terms(workload_of(text, batch=2))
    assert terms
    for term in terms:
        graph = build(term.workload)
        output = compute(graph, graph.draw_inputs(1))
        assert output.shape == graph.outputs[0].shape
        largest, present = np.abs(output).max(), np.abs(output[output != 0])
        assert 1e-3 < largest < 1e6
        assert present.min() >= np.finfo(np.float32).tiny


@pytest.mark.parametrize("text", LAYERS)
def test_every_copy_is_there_with_names_and_weights_of_its_own(text):
    single, stack = build(workload_of(text)), build(workload_of(text, copies=3))
    kinds = Counter(node.op_type for node in nodes_of(single))
    copies = [
        Counter(node.op_type for node in nodes_of(stack) if node.name.startswith(f"copy{number}/"))
        for number in range(3)
    ]
    assert copies == [kinds] * 3
    weights = [weight for weight in stack.weights if weight.name.startswith("copy")]
    assert len(weights) == 3 * len(single.weights)
    for first in (weight for weight in weights if weight.name.startswith("copy0/")):
        second = replace(first, name=first.name.replace("copy0/", "copy1/"))
        assert second in weights
        assert not np.array_equal(first.draw(0), second.draw(0))


@pytest.mark.parametrize(
    "text",
    [
        "conv:h=9,cin=6,cout=6,k=3,act=relu",
        "pool:average,h=9,c=6,k=3,pad=1",
        "block:mobilenet_v2,h=9,cin=6",
        "block:se,h=9,cin=6,reduction=2",
    ],
)
def test_a_chain_computes_what_the_layer_does_applied_again_and_again(text):
    stack, single = build(workload_of(text, copies=3)), build(workload_of(text))
    inputs = stack.draw_inputs(1)
    weights = {
        tensor.name: numpy_helper.to_array(tensor)
        for tensor in stack.materialise(5).graph.initializer
    }
    kernel, bias = weights["stem/conv0.weight"], weights["stem/conv0.bias"]
    x = np.einsum("oi,nihw->nohw", kernel[:, :, 0, 0], inputs["input"]) + bias[:, None, None]
    for number in range(3):
        model = single.materialise(0)
        for tensor in model.graph.initializer:
            if f"copy{number}/{tensor.name}" in weights:
                tensor.raw_data = weights[f"copy{number}/{tensor.name}"].tobytes()
        (x,) = outputs_of(model, {"input": x.astype(np.float32)})
    expected = x.mean(axis=(2, 3), keepdims=True)
    assert np.allclose(compute(stack, inputs, seed=5), expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("conv:h=9,cin=6,cout=6,k=3", Form.CHAIN),
        ("conv:h=9,cin=6,cout=6,k=3,s=2", Form.FAN),
        ("conv:h=9,cin=6,cout=6,k=2", Form.FAN),
        ("fc:cin=6,cout=6", Form.FAN),
        ("act:softmax,c=6", Form.CHAIN),
        ("act:relu,h=9,c=6", Form.RIBS),
        ("pool:max,h=9,c=6,k=3,pad=1", Form.CHAIN),
        ("pool:max,h=9,c=6,k=2,s=2", Form.RIBS),
        ("concat:h=9,c=6", Form.RIBS),
        ("block:dense,h=9,cin=6", Form.FAN),
    ],
)
def test_the_form_follows_from_shape_and_weights(text, form):
    assert form_of(design_of(resolve(text)), 1) is form


BOUNDARY_S = 7e-5
"""What a call takes beside its layers, in the cost model below."""


def modelled_s(workload):
    """Return a call's latency where each node's time depends on its kind and shapes alone."""
    graph = build(workload)
    model = onnx.ModelProto.FromString(graph.structure)
    shapes = {
        value.name: tuple(d.dim_value for d in value.type.tensor_type.shape.dim)
        for value in (*model.graph.value_info, *model.graph.output, *model.graph.input)
    }
    return BOUNDARY_S + sum(
        1e-6 * len(node.op_type) + 1e-9 * sum(int(np.prod(shapes.get(name, ()))) for name in names)
        for node in model.graph.node
        if not (workload.copies and node.name == "concat0")  # the join of all ends is free
        for names in [(*node.input, *node.output)]
    )


@pytest.mark.parametrize("depths", [None, (1, 4), (10, 40)])
@pytest.mark.parametrize("text", LAYERS)
def test_terms_add_up_to_exactly_one_layer_where_times_add_up(text, depths):
    workload = workload_of(text)
    terms = layer_terms(workload, depths=depths)
    layer_s = sum(term.coefficient * modelled_s(term.workload) for term in terms)
    assert layer_s == pytest.approx(modelled_s(workload) - BOUNDARY_S, rel=1e-9)


def test_a_chain_needs_two_depths_and_a_changed_shape_the_pooling_beside():
    same = layer_terms(workload_of("conv:h=8,cin=4,cout=4,k=3"))
    assert [(str(t.workload), t.coefficient) for t in same] == [
        ("conv:h=8,cin=4,cout=4,k=3@fp32,copies=8", pytest.approx(1 / 6)),
        ("conv:h=8,cin=4,cout=4,k=3@fp32,copies=2", pytest.approx(-1 / 6)),
    ]
    other = layer_terms(workload_of("conv:h=8,cin=4,cout=6,k=3", batch=2))
    assert Counter((t.workload.configuration.kind, t.workload.batch) for t in other) == {
        ("conv", 2): 2,
        ("pool", 2): 4,
    }


@pytest.mark.parametrize(
    ("text", "copies"),
    [
        ("conv:h=28,cin=64,cout=64,k=3", (2, 8)),  # 28.9 MMAC
        ("conv:h=28,cin=64,cout=128,k=3", (2, 8)),  # 57.8 MMAC
        ("conv:h=28,cin=128,cout=256,k=3", (1, 5)),  # 231 MMAC
        ("conv:h=28,cin=1000,cout=1000,k=7", (1, 2)),
        ("fc:cin=2048,cout=4000", (2, 8)),  # 31 MiB
        ("fc:cin=4096,cout=4096", (1, 3)),  # 64 MiB and the bias
        ("act:relu,h=224,c=64", (2, 8)),  # 6.4 million elements
        ("block:mobilenet_v2,h=14,cin=32", (2, 8)),
    ],
)
def test_heavy_layers_are_stacked_less_deep(text, copies):
    terms = layer_terms(workload_of(text))
    assert {term.workload.copies for term in terms} == set(copies)
    assert terms[0].coefficient == pytest.approx(1 / (copies[1] - copies[0]))


@pytest.mark.parametrize("text", ["zoo:resnet18", "backbone:scaled_resnet"])
def test_a_whole_network_cannot_be_stacked(text):
    workload = workload_of(text)
    for action in (layer_terms, lambda w: build(replace(w, copies=2))):
        with pytest.raises(ConfigurationError, match="a whole network cannot be stacked"):
            action(workload)


def test_a_stack_is_no_layer():
    with pytest.raises(ConfigurationError, match="a stack is no layer"):
        layer_terms(workload_of("fc:cin=4,cout=4", copies=2))
