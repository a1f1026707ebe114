"""NASNet-A, DARTS and the keyword spotting networks: structure, outputs, refusals."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from opscope.cost import Cost
from opscope.errors import ConfigurationError
from opscope.graph.graph import Tensor
from opscope.graph.network import Network
from opscope.graph.zoo import darts, keyword, nasnet
from opscope.graph.zoo.base import tensorflow_same
from opscope.graph.zoo.cells import OPERATIONS, CellBuilder
from opscope.testing.graphs import compute
from tests.graph.zoo.networks import cost_of, graph_of

EQUAL = tuple(f"ds_cnn_{letter}" for letter in "abcde")
"""Five DS-CNNs of about equal operations."""

SMALL: Mapping[str, tuple[str, int]] = {
    "nasnet_a_mobile": ("input=48", 1000),
    "nasnet_a_large": ("input=49,width=0.25", 1000),
    "darts_imagenet": ("input=32,classes=10", 10),
    **dict.fromkeys(("kws_dnn", "kws_cnn", "kws_crnn", "kws_ds_cnn", *EQUAL), ("classes=12", 12)),
}
"""Parameters that make each network quick to run, and its classes."""


# --- Structure ---------------------------------------------------------------------------------


def test_every_network_runs_below():
    designs = (*nasnet.DESIGNS, *darts.DESIGNS, *keyword.DESIGNS)
    assert {design.name for design in designs} == set(SMALL)


def test_five_ds_cnns_do_equal_work_by_different_means():
    costs = [cost_of(name) for name in EQUAL]
    assert max(c.macs for c in costs) < 1.02 * min(c.macs for c in costs)
    shares = [depthwise_macs(cost) / cost.macs for cost in costs]
    assert shares == sorted(shares)
    assert shares[-1] > 2 * shares[0]


def depthwise_macs(cost: Cost) -> int:
    """Return the MACs of the 3×3 depthwise convolutions, the only ones with 9 MACs an output."""
    return sum(la.macs for la in cost.layers if la.operator == "Conv" and la.macs_per_output == 9)


def test_the_penultimate_features_name_the_nasnets():
    for name, features in (("nasnet_a_mobile", 1056), ("nasnet_a_large", 4032)):
        classifier = [w for w in graph_of(name).weights if w.name == "gemm0.weight"]
        assert [w.shape for w in classifier] == [(1000, features)]


@pytest.mark.parametrize("name", ["nasnet_a_mobile", "darts_imagenet", "kws_ds_cnn", "ds_cnn_a"])
def test_width_narrows_and_input_shrinks(name):
    whole = cost_of(name)
    narrow = cost_of(f"{name},width=0.5")
    assert narrow.parameters < 0.5 * whole.parameters
    less = "frames=25" if "cnn" in name else "input=160"
    small = cost_of(f"{name},{less}")
    assert small.parameters == whole.parameters
    assert 0.4 < small.macs / whole.macs < 0.6


# --- Outputs -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SMALL)
def test_outputs_are_finite_and_follow_the_input(name):
    options, classes = SMALL[name]
    graph = graph_of(f"{name},{options}", batch=2)
    outputs = [compute(graph, graph.draw_inputs(seed)) for seed in (1, 2)]
    for output in outputs:
        assert output.shape == (2, classes)
        assert np.isfinite(output).all()
    assert not np.allclose(outputs[0], outputs[1])
    assert not np.allclose(outputs[0][0], outputs[0][1])


# --- Cells -------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", [6, 7])
@pytest.mark.parametrize("builder", [CellBuilder, nasnet.TensorFlowCells])
def test_a_factorised_reduction_sees_both_diagonals(builder, side):
    net = Network()
    x = net.input((1, 3, side, side))
    graph = net.finish(builder(net).reduce(x, 4))
    inputs = graph.draw_inputs(0)
    weights = {w.name: w.draw(0) for w in graph.weights}
    padded = np.pad(np.maximum(inputs["input"], 0), ((0, 0), (0, 0), (0, 1), (0, 1)))
    even = padded[:, :, 0:side:2, 0:side:2]
    odd = padded[:, :, 1 : side + 1 : 2, 1 : side + 1 : 2]
    halves = [
        np.einsum("oi,nihw->nohw", weights[f"conv{i}.weight"][:, :, 0, 0], half)
        for i, half in enumerate((even, odd))
    ]
    scale, shift, mean, variance = (
        weights[f"batchnormalization0.{role}"].reshape(-1, 1, 1)
        for role in ("scale", "bias", "mean", "variance")
    )
    expected = (np.concatenate(halves, 1) - mean) / np.sqrt(variance + 1e-5) * scale + shift
    np.testing.assert_allclose(compute(graph, inputs), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("builder", [CellBuilder, nasnet.TensorFlowCells])
def test_every_operation_keeps_the_channels_and_strides(operation, builder):
    for stride, side in ((1, 8), (2, 4)):
        net = Network()
        x = net.input((1, 6, 8, 8))
        y = OPERATIONS[operation](builder(net), x, 6, stride)
        assert y.shape == (1, 6, side, side)


def test_tensorflow_puts_the_odd_zero_at_the_end():
    mfcc = Tensor(name="x", shape=(1, 1, 49, 10))
    assert tensorflow_same(mfcc, (10, 4), (2, 2)) == (4, 1, 5, 1)
    assert tensorflow_same(mfcc, (10, 4), (2, 1)) == (4, 1, 5, 2)
    assert tensorflow_same(mfcc, 1, 2) == (0, 0, 0, 0)
    assert tensorflow_same(Tensor(name="x", shape=(1, 1, 56, 111)), 5, 2) == (1, 2, 2, 2)


# --- Refusals ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("nasnet_a_mobile,input=2", "input=3"),
        ("darts_imagenet,input=200", "Use 192."),
        ("darts_imagenet,input=16", "Use 32."),
        ("kws_cnn,frames=18", "frames=19"),
        ("kws_cnn,coefficients=6", "coefficients=7"),
        ("kws_crnn,frames=9", "frames=10"),
        ("kws_ds_cnn,size=huge", "size"),
    ],
)
def test_impossible_values_are_refused_with_a_remedy(name, remedy):
    with pytest.raises(ConfigurationError, match=remedy):
        graph_of(name)


@pytest.mark.parametrize(
    ("name", "classes"),
    [("nasnet_a_large,input=3,width=0.25", 1000), ("kws_cnn,frames=19,coefficients=7", 12)],
)
def test_the_smallest_input_still_runs(name, classes):
    graph = graph_of(name)
    output = compute(graph, graph.draw_inputs(0))
    assert output.shape == (1, classes)
    assert np.isfinite(output).all()
    assert output.std() > 0
