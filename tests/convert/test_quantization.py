import logging
from collections import Counter

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from opscope.convert.quantization import quantised
from opscope.core.configuration import Precision, Workload
from opscope.errors import UnsupportedWorkload
from opscope.graph import build, resolve
from opscope.platforms.reference import output_error, run_reference
from opscope.testing.models import small_network

CONV = "conv:h=8,cin=16,cout=24,k=3,act=relu"


def form(text, precision=Precision.INT8):
    return quantised(build(Workload.parse(text)), 0, precision)


def weights(model):
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def optimised(model, path):
    """Return how many nodes of each kind onnxruntime makes of a model."""
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(path)
    options.log_severity_level = 3
    onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return Counter(node.op_type for node in onnx.load(path).graph.node)


@pytest.mark.parametrize(
    ("precision", "dtype", "scales"),
    [(Precision.INT8, np.int8, (24,)), (Precision.UINT8, np.uint8, ())],
)
def test_weights_are_signed_per_channel_or_unsigned_per_tensor(precision, dtype, scales):
    kernels = weights(form(CONV, precision))
    assert kernels["conv0.weight_quantized"].dtype == dtype
    assert kernels["conv0.weight_scale"].shape == scales
    assert kernels["input_zero_point"].dtype == np.uint8


def test_convolutions_keep_their_names():
    graph = build(Workload.parse("block:mobilenet_v2,h=8,cin=16"))
    before = [n.name for n in graph.materialise(0).graph.node if n.op_type == "Conv"]
    after = [n.name for n in quantised(graph, 0, Precision.INT8).graph.node if n.op_type == "Conv"]
    assert after == before
    assert len(after) == 3


def test_nothing_is_computed_in_fp32_between_the_convolutions_of_a_network(tmp_path):
    kinds = optimised(form("zoo:mobilenet_v2,input=32"), tmp_path / "optimised.onnx")
    assert kinds["QLinearConv"] == 52
    assert kinds["QLinearAdd"] == 10
    assert kinds["Transpose"] == 2  # NCHW to NHWC and back, onnxruntime's own
    assert kinds["QuantizeLinear"] == kinds["DequantizeLinear"] == 1
    assert not {"BatchNormalization", "Clip", "Conv", "Add"} & kinds.keys()


@pytest.mark.parametrize(
    "text", ["pool:max,h=8,c=16,k=2,s=2", "pool:average,h=8,c=16,k=2", "shuffle:h=8,c=16"]
)
def test_what_only_moves_or_pools_takes_8_bits_by_itself(text, tmp_path):
    kinds = optimised(form(text), tmp_path / "optimised.onnx")
    assert kinds["QuantizeLinear"] == kinds["DequantizeLinear"] == 1


@pytest.mark.parametrize("precision", [Precision.INT8, Precision.UINT8])
def test_outputs_are_near_those_in_fp32(precision):
    graph = build(Workload.parse("block:resnet_basic,h=8,cin=16"))
    inputs = graph.draw_inputs(0)
    session = onnxruntime.InferenceSession(
        quantised(graph, 0, precision).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    outputs = dict(zip([t.name for t in graph.outputs], session.run(None, inputs), strict=True))
    assert 1e-4 < output_error(outputs, run_reference(graph, 0, inputs).outputs) < 0.1


def test_the_form_is_the_same_each_time():
    first, again = (form(CONV).SerializeToString(deterministic=True) for _ in range(2))
    assert first == again


def test_a_model_that_is_quantised_already_is_taken_as_it_is(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(form(CONV).SerializeToString())
    graph = build(Workload(configuration=resolve(f"file:{path}")))
    kinds = Counter(node.op_type for node in graph.materialise(0).graph.node)
    assert kinds["QuantizeLinear"] > 0
    found = quantised(graph, 0, Precision.INT8)
    assert Counter(node.op_type for node in found.graph.node) == kinds


def test_a_model_of_the_user_s_is_quantised_too(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(small_network().SerializeToString())
    graph = build(Workload(configuration=resolve(f"file:{path}")))
    kinds = {node.op_type for node in quantised(graph, 0, Precision.INT8).graph.node}
    assert "QuantizeLinear" in kinds


def test_a_model_above_2_gb_is_unsupported(monkeypatch):
    monkeypatch.setattr("opscope.graph.graph.PROTOBUF_LIMIT_BYTES", 1_000)
    with pytest.raises(UnsupportedWorkload, match="no form in 8 bits"):
        form(CONV)


@pytest.mark.parametrize("text", ["block:dense,h=8,cin=16", "gru:t=5,cin=8,hidden=8"])
def test_nothing_is_said_nor_left_behind(text, tmp_path, monkeypatch, caplog, capfd):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    level = logging.getLogger().level
    form(text)
    assert logging.getLogger().level == level
    assert not caplog.records
    assert capfd.readouterr() == ("", "")
    assert not list(tmp_path.iterdir())


def test_symmetric_forms_are_signed_around_zero_with_weights_and_biases_in_fp32():
    graph = build(Workload.parse(CONV))
    model = quantised(graph, 0, Precision.INT8, symmetric=True)
    kept = weights(model)
    zeros = {name: array for name, array in kept.items() if name.endswith("_zero_point")}
    assert {array.dtype for array in zeros.values()} == {np.dtype(np.int8)}
    assert not any(array.any() for array in zeros.values())
    assert kept["conv0.weight_scale"].shape == (24,)
    (conv,) = (node for node in model.graph.node if node.op_type == "Conv")
    assert all(kept[name].dtype == np.float32 for name in (f"{conv.name}.weight", conv.input[2]))
    session = onnxruntime.InferenceSession(model.SerializeToString())
    inputs = graph.draw_inputs(0)
    names = [tensor.name for tensor in graph.outputs]
    outputs = dict(zip(names, session.run(names, inputs), strict=True))
    assert output_error(outputs, run_reference(graph, 0, inputs).outputs) < 0.05
