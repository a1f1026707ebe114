from importlib.util import find_spec

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper

from opscope.core.configuration import Workload
from opscope.core.study import Instrumentation
from opscope.graph import build, resolve
from opscope.platforms.registry import open_platform
from opscope.testing.models import onnx_model, small_network

needs_torch = pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is not installed")


def integers():
    node = helper.make_node("ArgMax", ["x"], ["y"], axis=1)
    return onnx_model([node], {"x": [2, 5]}, ["y"], types={"y": TensorProto.INT64})


@pytest.mark.parametrize(
    ("platform", "make"),
    [
        ("onnxruntime-cpu", small_network),
        ("onnxruntime-cpu", integers),
        ("openvino-cpu", small_network),
        ("litert-cpu", small_network),
        pytest.param("pytorch-cpu", small_network, marks=needs_torch),
    ],
)
def test_imported_models_run_like_any_other(platform, make, tmp_path):
    model = make()
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    workload = Workload(configuration=resolve(f"file:{path}"))
    inputs = build(workload).draw_inputs(0)
    expected = onnxruntime.InferenceSession(model.SerializeToString()).run(None, inputs)[0]
    opened = open_platform(platform)
    deployment = opened.prepare(workload, seed=0, instrumentation=Instrumentation())
    try:
        deployment.bind(inputs)
        deployment.call()
        result = next(iter(deployment.outputs().values()))
    finally:
        deployment.close()
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-4)
