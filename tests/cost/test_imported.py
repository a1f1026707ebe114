"""Counts of a model read from a file are those of the model itself, whatever its weights are."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from opscope.cost import count
from opscope.graph.importers import import_model


def quantised_convolution():
    """Return QDQ: 4 × 3 × 3 × 3 weights of 1 byte, a scale, a zero point."""
    weights = {
        "w": np.ones((4, 3, 3, 3), np.int8),
        "scale": np.array(0.1, np.float32),
        "zero": np.array(0, np.int8),
    }
    nodes = [
        helper.make_node("DequantizeLinear", ["w", "scale", "zero"], ["wf"], name="dq"),
        helper.make_node("Conv", ["x", "wf"], ["y"], name="conv", kernel_shape=[3, 3]),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4, 6, 6])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


@pytest.mark.parametrize("field", ["macs", "parameters", "weight_bytes", "memory_access_bytes"])
def test_int8_weights_stay_int8(tmp_path, field):
    model = quantised_convolution()
    path = tmp_path / "model.onnx"
    onnx.save(model, path)
    assert getattr(count(import_model(path)), field) == getattr(count(model), field)


def test_each_int8_weight_takes_one_byte():
    assert count(quantised_convolution()).weight_bytes < 2 * 4 * 3 * 3 * 3
