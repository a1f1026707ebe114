import math

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opscope.graph.activations import Activation
from opscope.graph.network import Network
from opscope.graph.windows import output_size
from opscope.testing.graphs import compute, graph_of


def run(graph):
    return compute(graph, graph.draw_inputs(0))


@settings(max_examples=40, deadline=None)
@given(
    h=st.integers(3, 20),
    w=st.integers(3, 20),
    k=st.sampled_from([1, 2, 3, 5]),
    s=st.integers(1, 3),
    pad=st.one_of(st.none(), st.integers(4, 6)),
    groups=st.integers(1, 3),
    dilation=st.integers(1, 2),
    batch=st.integers(1, 2),
)
def test_kept_shapes_are_those_that_a_runtime_computes(h, w, k, s, pad, groups, dilation, batch):
    given_pad = "" if pad is None else f",pad={pad}"
    channels = f"cin={2 * groups},cout={3 * groups},groups={groups}"
    graph = graph_of(
        f"conv:h={h},w={w},{channels},k={k},s={s},dilation={dilation}{given_pad}", batch=batch
    )
    assert run(graph).shape == graph.outputs[0].shape


@pytest.mark.parametrize("act", [act for act in Activation if act is not Activation.NONE])
def test_activations_compute_what_their_name_says(act):
    plain, activated = (graph_of(f"conv:h=6,cin=3,cout=4,k=3,act={a}") for a in ("none", act))
    x = run(plain).astype(np.float64)
    expected = {
        Activation.RELU: np.maximum(x, 0),
        Activation.RELU6: np.clip(x, 0, 6),
        Activation.LEAKY_RELU: np.where(x > 0, x, 0.1 * x),
        Activation.SIGMOID: 1 / (1 + np.exp(-x)),
        Activation.HARD_SIGMOID: np.clip(x / 6 + 0.5, 0, 1),
        Activation.HARD_SWISH: x * np.clip(x / 6 + 0.5, 0, 1),
        Activation.SWISH: x / (1 + np.exp(-x)),
        Activation.GELU: x * 0.5 * (1 + np.vectorize(math.erf)(x / np.sqrt(2))),
    }
    np.testing.assert_allclose(run(activated), expected[act], rtol=1e-4, atol=1e-5)


def test_activation_and_convolution_stay_separate_nodes():
    model = onnx.ModelProto.FromString(graph_of("conv:h=6,cin=3,cout=4,k=3,act=swish").structure)
    assert [node.op_type for node in model.graph.node] == ["Conv", "Sigmoid", "Mul"]


def test_a_shape_that_onnx_disagrees_with_is_caught():
    net = Network()
    x = net.input((1, 3, 8, 8))
    with pytest.raises(onnx.shape_inference.InferenceError):
        net.finish(net.node("Relu", [x.name], (1, 3, 8, 9)))


def test_structure_holds_no_weights_and_counts_them_all():
    graph = graph_of("conv:h=28,cin=320,cout=640,k=3")
    assert graph.parameters == 320 * 640 * 9 + 640
    assert len(graph.structure) < 2_000
    drawn = graph.materialise(0).graph.initializer
    assert sum(onnx.numpy_helper.to_array(w).size for w in drawn) == graph.parameters


def test_weights_follow_from_the_seed_and_the_name():
    graph = graph_of("conv:h=6,cin=3,cout=4,k=3")
    first, again, other = (graph.materialise(seed).SerializeToString() for seed in (1, 1, 2))
    assert first == again != other
    a, b = (onnx.numpy_helper.to_array(w) for w in graph.materialise(1).graph.initializer)
    assert a.ravel()[0] != b.ravel()[0]


def test_weights_keep_the_magnitude_and_hold_neither_zeros_nor_denormals():
    graph = graph_of("conv:h=14,cin=256,cout=256,k=3")
    weights = onnx.numpy_helper.to_array(graph.materialise(0).graph.initializer[0])
    assert np.std(weights) == pytest.approx(np.sqrt(2 / (256 * 9)), rel=0.02)
    assert np.mean(np.abs(weights) < 1e-30) < 1e-5
    assert 0.5 < np.std(run(graph)) < 3


def test_inputs_are_normal_and_follow_from_the_seed():
    graph = graph_of("conv:h=56,cin=8,cout=4,k=3")
    first, again, other = (graph.draw_inputs(seed)["input"] for seed in (1, 1, 2))
    assert first.dtype == np.float32
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert np.std(first) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(
    ("arguments", "size"), [((28, 3, 1, 2), 28), ((224, 7, 2, 6), 112), ((7, 7, 1, 0), 1)]
)
def test_output_sizes(arguments, size):
    assert output_size(*arguments) == size
