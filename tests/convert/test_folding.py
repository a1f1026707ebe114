import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper

from opscope.convert.folding import fold_batch_norms
from opscope.core.configuration import Workload
from opscope.graph import build
from opscope.testing.models import onnx_model

NORM = {name: np.array([0.5, 2.0, 1.0], np.float32) for name in ("scale", "shift", "mean", "var")}
KERNEL = np.random.default_rng(0).normal(size=(3, 2, 3, 3)).astype(np.float32)


def outputs(model, inputs):
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, inputs)


@pytest.mark.parametrize(
    ("text", "folded", "left"),
    [
        ("zoo:resnet18,input=32", 20, 0),
        ("zoo:mobilenet_v2,input=32", 52, 0),
        ("block:dense,h=8,cin=16", 1, 1),
        ("batch_norm:h=8,c=16", 0, 1),
        ("conv:h=8,cin=4,cout=4,k=3,act=relu", 0, 0),
    ],
)
def test_norms_after_convolutions_are_folded_and_outputs_stay(text, folded, left):
    graph = build(Workload.parse(text))
    model, inputs = graph.materialise(0), graph.draw_inputs(0)
    names = [node.name for node in model.graph.node if node.op_type != "BatchNormalization"]
    expected = outputs(model, inputs)
    assert fold_batch_norms(model) == folded
    onnx.checker.check_model(model)
    kinds = [node.op_type for node in model.graph.node]
    assert kinds.count("BatchNormalization") == left
    assert [n.name for n in model.graph.node if n.op_type != "BatchNormalization"] == names
    for found, right in zip(outputs(model, inputs), expected, strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-3, atol=1e-4 * np.abs(right).max())


def normed(outputs=("y",), norm_outputs=("y",), weights=None):
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["c"], name="conv"),
        helper.make_node("BatchNormalization", ["c", *NORM], list(norm_outputs), epsilon=0.1),
    ]
    values = {"w": KERNEL, "b": np.arange(3, dtype=np.float32), **NORM} | (weights or {})
    return onnx_model(nodes, {"x": [1, 2, 5, 5]}, list(outputs), values)


def test_bias_and_epsilon_are_reckoned_with():
    model = normed()
    inputs = {"x": np.random.default_rng(1).normal(size=(1, 2, 5, 5)).astype(np.float32)}
    (expected,) = outputs(model, inputs)
    assert fold_batch_norms(model) == 1
    assert len(model.graph.initializer) == 2
    np.testing.assert_allclose(outputs(model, inputs)[0], expected, rtol=1e-5, atol=1e-5)


def test_a_convolution_whose_output_is_used_elsewhere_is_left_alone():
    assert fold_batch_norms(normed(outputs=("y", "c"))) == 0


def test_weights_that_several_convolutions_share_stay_as_they_are():
    model = normed()
    model.graph.node.append(helper.make_node("Conv", ["x", "w", "b"], ["z"], name="other"))
    model.graph.output.append(helper.make_tensor_value_info("z", 1, None))
    inputs = {"x": np.random.default_rng(1).normal(size=(1, 2, 5, 5)).astype(np.float32)}
    expected = outputs(model, inputs)
    assert fold_batch_norms(model) == 1
    for found, right in zip(outputs(model, inputs), expected, strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-5, atol=1e-5)
