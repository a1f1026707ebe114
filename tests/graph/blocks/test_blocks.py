"""Every block: output shapes and nodes by hand, finite outputs, weights from seeds, errors."""

from __future__ import annotations

import numpy as np
import pytest

from opscope.core.configuration import Configuration
from opscope.errors import ConfigurationError
from opscope.graph import blocks, resolve
from opscope.testing.graphs import compute, graph_of, node_types

SE = {"GlobalAveragePool": 1, "Mul": 1}
SHUFFLE = {"Reshape": 2, "Transpose": 1}


def nodes(conv, norm=None, **others):
    """Return the nodes of a block whose ``conv`` convolutions mostly have a BatchNorm each."""
    norm = conv if norm is None else norm
    return {"Conv": conv, **({"BatchNormalization": norm} if norm else {}), **others}


# Text of a configuration after "block:", its output's shape at batch 2, its nodes.
CASES = [
    ("mobilenet_v1,h=8,cin=32", (2, 32, 8, 8), nodes(2, Relu=2)),
    ("mobilenet_v1,h=9,w=6,cin=8,cout=12,k=5,s=2", (2, 12, 5, 3), nodes(2, Relu=2)),
    ("mobilenet_v1,h=8,cin=32,act=none", (2, 32, 8, 8), nodes(2)),
    ("mobilenet_v2,h=8,cin=32", (2, 32, 8, 8), nodes(3, Clip=2, Add=1)),
    ("mobilenet_v2,h=8,cin=16,s=2", (2, 16, 4, 4), nodes(3, Clip=2)),
    ("mobilenet_v2,h=8,cin=16,cout=24,k=7", (2, 24, 8, 8), nodes(3, Clip=2)),
    ("mobilenet_v2,h=8,cin=16,expansion=1", (2, 16, 8, 8), nodes(2, Clip=1, Add=1)),
    (
        "mobilenet_v2_se,h=8,cin=32",
        (2, 32, 8, 8),
        nodes(5, 3, Clip=2, Relu=1, HardSigmoid=1, Add=1, **SE),
    ),
    (
        "mobilenet_v2_se,h=8,cin=8,s=2,reduction=16",
        (2, 8, 4, 4),
        nodes(5, 3, Clip=2, Relu=1, HardSigmoid=1, **SE),
    ),
    (
        "mobilenet_v3,h=8,cin=16",
        (2, 16, 8, 8),
        nodes(5, 3, HardSwish=2, Relu=1, HardSigmoid=1, Add=1, **SE),
    ),
    ("mobilenet_v3,h=8,cin=16,se=0,act=relu,k=5", (2, 16, 8, 8), nodes(3, Relu=2, Add=1)),
    (
        "mbconv,h=8,cin=16",
        (2, 16, 8, 8),
        {"Conv": 5, "BatchNormalization": 3, "GlobalAveragePool": 1, "Sigmoid": 4, "Mul": 4}
        | {"Add": 1},
    ),
    (
        "mbconv,h=8,cin=2,cout=4,expansion=1,s=2",
        (2, 4, 4, 4),
        {"Conv": 4, "BatchNormalization": 2, "GlobalAveragePool": 1, "Sigmoid": 3, "Mul": 3},
    ),
    ("se,h=8,cin=32", (2, 32, 8, 8), nodes(2, 0, Relu=1, Sigmoid=1, **SE)),
    ("se,h=8,w=3,cin=3,reduction=2", (2, 3, 8, 3), nodes(2, 0, Relu=1, Sigmoid=1, **SE)),
    ("shufflenet_v1,h=8,cin=24", (2, 24, 8, 8), nodes(3, Relu=2, Add=1, **SHUFFLE)),
    (
        "shufflenet_v1,h=9,cin=24,s=2,k=5",
        (2, 48, 5, 5),
        nodes(3, Relu=2, AveragePool=1, Concat=1, **SHUFFLE),
    ),
    ("shufflenet_v1,h=8,cin=32,groups=1", (2, 32, 8, 8), nodes(3, Relu=2, Add=1)),
    (
        "shufflenet_v1,h=8,cin=32,groups=4,s=2,cout=48",
        (2, 48, 4, 4),
        nodes(3, Relu=2, AveragePool=1, Concat=1, **SHUFFLE),
    ),
    ("shufflenet_v2,h=8,cin=32", (2, 32, 8, 8), nodes(3, Relu=2, Slice=2, Concat=1, **SHUFFLE)),
    ("shufflenet_v2,h=9,cin=7,cout=10,s=2", (2, 10, 5, 5), nodes(5, Relu=3, Concat=1, **SHUFFLE)),
    ("resnet_basic,h=8,cin=8", (2, 8, 8, 8), nodes(2, Relu=2, Add=1)),
    ("resnet_basic,h=8,cin=8,cout=12,s=2", (2, 12, 4, 4), nodes(3, Relu=2, Add=1)),
    ("resnet_bottleneck,h=8,cin=16", (2, 16, 8, 8), nodes(3, Relu=3, Add=1)),
    (
        "resnet_bottleneck,h=8,cin=16,s=2,stride_in=3x3,reduction=2",
        (2, 16, 4, 4),
        nodes(4, Relu=3, Add=1),
    ),
    ("resnext,h=8,cin=64", (2, 64, 8, 8), nodes(3, Relu=3, Add=1)),
    ("resnext,h=8,cin=32,cout=64,groups=8,s=2", (2, 64, 4, 4), nodes(4, Relu=3, Add=1)),
    ("dense,h=8,cin=12", (2, 44, 8, 8), nodes(2, Relu=2, Concat=1)),
    (
        "dense,h=8,cin=6,growth=5,bottleneck=2,depth=3,k=5",
        (2, 21, 8, 8),
        nodes(6, Relu=6, Concat=3),
    ),
    ("inception,h=8,cin=16", (2, 16, 8, 8), nodes(6, 0, Relu=6, MaxPool=1, Concat=1)),
    (
        "inception,h=5,cin=3,cout=32,batch_norm=1",
        (2, 32, 5, 5),
        nodes(6, Relu=6, MaxPool=1, Concat=1),
    ),
]


@pytest.mark.parametrize(("text", "shape", "expected"), CASES, ids=[case[0] for case in CASES])
def test_outputs_are_finite_and_of_the_expected_shape(text, shape, expected):
    graph = graph_of(f"block:{text}", batch=2)
    output = compute(graph, graph.draw_inputs(1))
    assert output.shape == graph.outputs[0].shape == shape
    assert np.isfinite(output).all()
    assert np.ptp(output) > 0
    assert node_types(graph) == expected


def test_every_block_is_among_the_cases():
    tested = {Configuration.parse(f"block:{text}").name for text, _, _ in CASES}
    assert tested == {design.name for design in blocks.DESIGNS}
    assert {design.kind for design in blocks.DESIGNS} == {"block"}


@pytest.mark.parametrize("text", [case[0] for case in CASES])
def test_weights_follow_from_the_seed(text):
    graph = graph_of(f"block:{text}")
    inputs = graph.draw_inputs(0)
    first, same, other = (compute(graph, inputs, seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(first, same)
    assert not np.allclose(first, other)
    names = {weight.name for weight in graph.weights}
    tensors = [
        {t.name: t.raw_data for t in graph.materialise(seed).graph.initializer if t.name in names}
        for seed in (0, 1)
    ]
    assert len(names) >= 4
    assert not set(tensors[0].items()) & set(tensors[1].items())


@pytest.mark.parametrize("text", [case[0] for case in CASES])
def test_resolving_keeps_the_meaning(text):
    resolved = resolve(f"block:{text}")
    assert resolve(str(resolved)) == resolved
    assert graph_of(str(resolved)).structure == graph_of(f"block:{text}").structure


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("mobilenet_v2,cin=32,h=56,w=56,cout=32,k=3", "mobilenet_v2,h=56,cin=32"),
        ("mobilenet_v2,h=56,cin=32,cout=64", "mobilenet_v2,h=56,cin=32,cout=64"),
        ("shufflenet_v2,h=56,cin=32,cout=64,s=2", "shufflenet_v2,h=56,cin=32,s=2"),
        ("shufflenet_v2,h=56,cin=32,cout=32,s=2", "shufflenet_v2,h=56,cin=32,cout=32,s=2"),
        ("inception,h=28,cin=32,cout=32", "inception,h=28,cin=32"),
    ],
)
def test_what_a_left_out_parameter_means_is_left_out(written, canonical):
    assert str(resolve(f"block:{written}")) == f"block:{canonical}"


def test_published_hyper_parameters_are_the_defaults():
    """GoogLeNet's module 3a, ResNet-50's and ResNeXt-50's first blocks, from their tables."""
    weights = {
        text: [w.shape for w in graph_of(f"block:{text}").weights if w.name.endswith(".weight")]
        for text in (
            "inception,h=28,cin=192,cout=256",
            "resnet_bottleneck,h=56,cin=256",
            "resnext,h=56,cin=256",
            "mbconv,h=112,cin=32,cout=16,expansion=1",
            "dense,h=56,cin=64",
        )
    }
    assert weights == {
        "inception,h=28,cin=192,cout=256": [
            (64, 192, 1, 1),
            (96, 192, 1, 1),
            (128, 96, 3, 3),
            (16, 192, 1, 1),
            (32, 16, 5, 5),
            (32, 192, 1, 1),
        ],
        "resnet_bottleneck,h=56,cin=256": [(64, 256, 1, 1), (64, 64, 3, 3), (256, 64, 1, 1)],
        "resnext,h=56,cin=256": [(128, 256, 1, 1), (128, 4, 3, 3), (256, 128, 1, 1)],
        "mbconv,h=112,cin=32,cout=16,expansion=1": [
            (32, 1, 3, 3),
            (8, 32, 1, 1),
            (32, 8, 1, 1),
            (16, 32, 1, 1),
        ],
        "dense,h=56,cin=64": [(128, 64, 1, 1), (32, 128, 3, 3)],
    }


IMPOSSIBLE = [
    (
        "mobilenet_v2,h=8,cin=32,k=4",
        "block:mobilenet_v2(k=4): a block's kernel must be odd to keep H. Use 1, 3, 5 or 7.",
    ),
    ("dense,h=8,cin=32,k=2", "block:dense(k=2): a block's kernel must be odd"),
    ("se,h=8,cin=32,k=3", "unknown parameter 'k'"),
    ("mobilenet_v3,h=8,cin=32,se=2", "se=2 does not fit"),
    (
        "shufflenet_v1,h=8,cin=32",
        "shufflenet_v1(cin=32, cout=32, groups=3): groups must divide cin, cout and cout/4.",
    ),
    ("shufflenet_v1,h=8,cin=30,groups=2", "cout must be four times its bottleneck. Use multiples"),
    (
        "shufflenet_v1,h=8,cin=24,cout=48",
        "at stride 1 the unit keeps its channels. Use cout=24, or",
    ),
    (
        "shufflenet_v1,h=8,cin=24,cout=24,s=2",
        "joins new channels to the input's. Use a cout above 24",
    ),
    (
        "shufflenet_v2,h=8,cin=24,cout=48",
        "at stride 1 the unit keeps its channels. Use cout=24, or",
    ),
    ("shufflenet_v2,h=8,cin=23", "cout must be even to be halved"),
    (
        "resnet_bottleneck,h=8,cin=30",
        "reduction must divide cout. Use 1, 2, 3, 5, 6, 10, 15 or 30.",
    ),
    ("resnet_bottleneck,h=8,cin=32,stride_in=5x5", "stride_in=5x5 does not fit"),
    ("resnext,h=8,cin=32", "groups must divide cout/reduction = 16. Use 1, 2, 4, 8 or 16."),
    ("inception,h=8,cin=24", "must be a multiple of 16, which the branches share. Use cout=32."),
    ("mobilenet_v4,h=8,cin=24", "there is no kind 'block:mobilenet_v4'. Did you mean"),
    ("mobilenet_v2,h=8", "cin is missing"),
]


@pytest.mark.parametrize(("text", "message"), IMPOSSIBLE, ids=[case[0] for case in IMPOSSIBLE])
def test_impossible_values_are_refused(text, message):
    with pytest.raises(ConfigurationError) as caught:
        resolve(f"block:{text}")
    assert message in str(caught.value)
