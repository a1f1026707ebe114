"""Convolutions, fully connected layers and GRU against PyTorch's own, with the same weights."""

from __future__ import annotations

import numpy as np
import pytest

from opscope.testing.graphs import compute, graph_of

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch==2.13.0")
F = torch.nn.functional


def prepared(text, batch=2):
    """Return what onnxruntime computes, the input, and the weights by role in order."""
    graph = graph_of(text, batch=batch)
    inputs = graph.draw_inputs(0)
    weights = [torch.from_numpy(weight.draw(0)) for weight in graph.weights]
    return compute(graph, inputs), torch.from_numpy(inputs["input"]), weights


def agree(actual, expected):
    np.testing.assert_allclose(actual, expected.numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("conv:h=9,cin=4,cout=6,k=5", {"padding": 2}),
        ("conv:h=9,cin=4,cout=6,k=1,s=2", {"stride": 2}),
        ("conv:h=9,cin=4,cout=6,k=3,groups=2,pad=0", {"groups": 2}),
        ("conv:h=9,cin=4,cout=6,k=3,dilation=3", {"dilation": 3, "padding": 3}),
        ("conv:h=9,cin=4,cout=6,k=3,bias=0", {"padding": 1}),
        ("dwconv:h=9,c=6,k=7,s=2", {"padding": 3, "stride": 2, "groups": 6}),
        ("dwconv:h=9,c=6,k=3,dilation=2", {"padding": 2, "dilation": 2, "groups": 6}),
    ],
)
def test_convolution(text, arguments):
    actual, x, weights = prepared(text)
    agree(actual, F.conv2d(x, *weights, **arguments))


def test_mixed_kernels_grow_by_two_from_group_to_group():
    actual, x, weights = prepared("mixconv:h=9,c=11,groups=3,k=3,s=2")
    pieces = x.split([5, 3, 3], dim=1)
    expected = [
        F.conv2d(piece, weight, bias, stride=2, padding=weight.shape[-1] // 2, groups=len(bias))
        for piece, weight, bias in zip(pieces, weights[::2], weights[1::2], strict=True)
    ]
    assert [tuple(weight.shape[2:]) for weight in weights[::2]] == [(3, 3), (5, 5), (7, 7)]
    agree(actual, torch.cat(expected, dim=1))


def test_spatially_separable_convolution():
    actual, x, (down, b1, across, b2) = prepared("spatialconv:h=9,cin=3,cout=4,k=5,s=2,act=relu")
    assert (tuple(down.shape), tuple(across.shape)) == ((4, 3, 5, 1), (4, 4, 1, 5))
    y = F.conv2d(x, down, b1, stride=(2, 1), padding=(2, 0))
    agree(actual, F.conv2d(y, across, b2, stride=(1, 2), padding=(0, 2)).relu())


def test_fully_connected():
    actual, x, weights = prepared("fc:cin=12,cout=5,act=hard_swish")
    agree(actual, F.hardswish(F.linear(x, *weights)))


@pytest.mark.parametrize("bidirectional", [False, True])
def test_gru(bidirectional):
    options = ",bidirectional=1" if bidirectional else ""
    text = f"gru:t=6,cin=3,hidden=4{options}"
    actual, x, (weight, recurrence, bias) = prepared(text)
    gru = torch.nn.GRU(3, 4, bidirectional=bidirectional)
    gates = [1, 0, 2]  # PyTorch: reset, update, new; ONNX: update, reset, new
    with torch.no_grad():
        for way, suffix in enumerate(["", "_reverse"][: 1 + bidirectional]):
            for name, values in (
                ("weight_ih", weight[way]),
                ("weight_hh", recurrence[way]),
                ("bias_ih", bias[way, :12]),
                ("bias_hh", bias[way, 12:]),
            ):
                parameter = getattr(gru, f"{name}_l0{suffix}")
                shape = parameter.shape
                parameter.copy_(values.reshape(3, 4, -1)[gates].reshape(shape))
        every, last = gru(x)
    agree(actual, every)
    agree(prepared(f"{text},last=1")[0], last.transpose(0, 1).reshape(2, -1))
