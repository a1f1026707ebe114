"""What the operators compute, against the formulas written out in NumPy."""

from __future__ import annotations

import math

import numpy as np
import pytest

from opscope.testing.graphs import compute, graph_of


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


FORMULAS = {
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.1 * x),
    "sigmoid": sigmoid,
    "hard_sigmoid": lambda x: np.clip(x + 3, 0, 6) / 6,
    "hard_swish": lambda x: x * np.clip(x + 3, 0, 6) / 6,
    "swish": lambda x: x * sigmoid(x),
    "gelu": lambda x: x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))) / 2,
}


@pytest.mark.parametrize("name", FORMULAS)
def test_activation(name):
    graph = graph_of(f"act:{name},h=7,c=5")
    x = 4 * graph.draw_inputs(0)["input"]  # wide enough to reach every piece
    assert x.min() < -6
    assert x.max() > 6
    np.testing.assert_allclose(compute(graph, {"input": x}), FORMULAS[name](x), 1e-5, 1e-6)


def test_softmax_is_along_the_channels():
    graph = graph_of("act:softmax,c=11", batch=3)
    inputs = graph.draw_inputs(0)
    e = np.exp(inputs["input"])
    np.testing.assert_allclose(compute(graph, inputs), e / e.sum(1, keepdims=True), 1e-5)


def test_elementwise_operators_take_two_different_tensors():
    for text, operator in (("add:h=3,c=4", np.add), ("multiply:h=3,c=4", np.multiply)):
        graph = graph_of(text)
        inputs = graph.draw_inputs(0)
        assert [tensor.name for tensor in graph.inputs] == ["input", "other"]
        np.testing.assert_allclose(
            compute(graph, inputs), operator(inputs["input"], inputs["other"]), 1e-6
        )


def test_multiply_by_a_vector_weighs_channels():
    graph = graph_of("multiply:h=3,c=4,vector=1", batch=2)
    inputs = graph.draw_inputs(0)
    assert inputs["other"].shape == (2, 4, 1, 1)
    np.testing.assert_allclose(compute(graph, inputs), inputs["input"] * inputs["other"], 1e-6)


def test_concat_keeps_the_order():
    graph = graph_of("concat:h=3,c=2,inputs=3")
    inputs = graph.draw_inputs(0)
    assert np.array_equal(compute(graph, inputs), np.concatenate(list(inputs.values()), axis=1))


def test_shuffle_deals_channels_out_like_cards():
    graph = graph_of("shuffle:h=2,c=6,groups=3")
    inputs = graph.draw_inputs(0)
    assert np.array_equal(compute(graph, inputs), inputs["input"][:, [0, 2, 4, 1, 3, 5]])


def test_pooling():
    x = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)
    inputs = {"input": x}
    maximum = compute(graph_of("pool:max,h=4,c=1,k=2,s=2"), inputs)
    average = compute(graph_of("pool:average,h=4,c=1,k=2,s=2"), inputs)
    assert maximum.ravel().tolist() == [5, 7, 13, 15]
    assert average.ravel().tolist() == [2.5, 4.5, 10.5, 12.5]
    assert compute(graph_of("pool:global,h=4,c=1"), inputs).ravel().tolist() == [7.5]


def test_average_pooling_does_not_count_padding():
    ones = {"input": np.ones((1, 1, 3, 3), np.float32)}
    output = compute(graph_of("pool:average,h=3,c=1,k=3,pad=1"), ones)
    assert np.array_equal(output, ones["input"])


def test_batch_norm_normalises_by_its_own_statistics():
    graph = graph_of("batch_norm:h=3,c=4")
    inputs = graph.draw_inputs(0)
    scale, bias, mean, variance = (w.draw(0).reshape(1, 4, 1, 1) for w in graph.weights)
    expected = scale * (inputs["input"] - mean) / np.sqrt(variance + 1e-5) + bias
    np.testing.assert_allclose(compute(graph, inputs), expected, 1e-4, 1e-5)
    assert (abs(scale) > 0.7).all()
    assert (variance > 0.7).all()
