from contextlib import closing

import msgspec
import numpy as np
import pytest
from onnx import TensorProto, helper

from opscope.core.configuration import Precision, Workload
from opscope.core.study import Instrumentation
from opscope.engine.verification import verified
from opscope.errors import PlatformError, UnsupportedWorkload
from opscope.graph import build, resolve
from opscope.platforms.base import TimedDeployment
from opscope.platforms.reference import output_error
from opscope.platforms.registry import open_platform
from opscope.testing.models import onnx_model

CONV = Workload.parse("conv:h=8,cin=16,cout=16,k=3")


def prepared(platform, workload):
    deployment = platform.prepare(workload, seed=0, instrumentation=Instrumentation())
    assert isinstance(deployment, TimedDeployment)
    deployment.bind(build(workload).draw_inputs(0))
    deployment.call()
    return deployment


def verify(name, workload, *, as_if=None):
    """Return what a deployment of ``workload`` shows; judged as if another precision was asked."""
    platform = open_platform(name)
    asked = msgspec.structs.replace(workload, precision=as_if or workload.precision)
    with closing(prepared(platform, workload)) as deployment:
        return verified(platform, asked, deployment, 0).execution


@pytest.mark.parametrize("name", ["onnxruntime-cpu", "openvino-cpu"])
def test_what_ran_is_told_with_kernels_share_and_error(name):
    execution = verify(name, CONV)
    assert execution.as_asked == 1
    assert execution.output_error < 1e-4
    assert sum(count for kind, count in execution.kernels if kind.startswith("Conv")) == 1


def test_the_devices_that_ran_the_nodes_are_counted():
    execution = verify("onnxruntime-cpu", CONV)
    assert execution.devices == (("CPU", sum(count for _, count in execution.kernels)),)
    assert verify("openvino-cpu", CONV).devices == ()


def test_a_stack_is_judged_by_its_copies_not_by_the_convolution_that_feeds_them():
    workload = Workload.parse("act:hard_swish,h=8,c=16@int8")
    stack = msgspec.structs.replace(workload, copies=3)
    with pytest.raises(UnsupportedWorkload, match="HardSigmoid in f32") as caught:
        verify("onnxruntime-cpu", stack)
    assert "none of it in int8" in str(caught.value)
    assert "Conv" not in str(caught.value)


def test_a_recurrence_is_judged_by_its_own_kernel_not_by_what_moves_its_output():
    workload = Workload.parse("gru:t=5,cin=8,hidden=8,bidirectional=1@int8")
    with pytest.raises(UnsupportedWorkload, match="none of it in int8"):
        verify("openvino-cpu", workload)


def test_a_concatenation_of_8_bits_runs_in_8_bits():
    assert verify("onnxruntime-cpu", Workload.parse("concat:h=8,c=16@int8")).as_asked == 1


def test_a_model_compiled_to_another_precision_is_unsupported():
    with pytest.raises(UnsupportedWorkload, match="Convolution in f32: none of it in bf16"):
        verify("openvino-cpu", CONV, as_if=Precision.BF16)


def imported(tmp_path, nodes, inputs, outputs, weights, **types):
    """Return a workload of a model file."""
    path = tmp_path / "model.onnx"
    model = onnx_model(nodes, inputs, outputs, weights, types=types)
    path.write_bytes(model.SerializeToString())
    return Workload(configuration=resolve(f"file:{path}"))


def test_indices_and_conditions_have_no_precision_to_be_judged(tmp_path):
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"]),
        helper.make_node("ArgMax", ["c"], ["best"], axis=1),
        helper.make_node("Greater", ["c", "zero"], ["above"]),
        helper.make_node("Where", ["above", "c", "zero"], ["kept"]),
    ]
    weights = {"w": np.ones((8, 3, 3, 3), np.float32), "zero": np.array(0, np.float32)}
    workload = imported(
        *(tmp_path, nodes, {"x": [1, 3, 8, 8]}, ["best", "kept"], weights), best=TensorProto.INT64
    )
    assert verify("openvino-cpu", workload).as_asked == 1


def test_arithmetic_in_8_bits_is_not_what_fp32_asked_for(tmp_path):
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "step", "zero"], ["xq"]),
        helper.make_node("DequantizeLinear", ["xq", "step", "zero"], ["xr"]),
        helper.make_node("DequantizeLinear", ["w", "step"], ["wr"]),
        helper.make_node("Conv", ["xr", "wr"], ["c"], name="quantised"),
        helper.make_node("QuantizeLinear", ["c", "step", "zero"], ["cq"]),
        helper.make_node("DequantizeLinear", ["cq", "step", "zero"], ["y"]),
    ]
    weights = {
        "w": np.ones((8, 3, 3, 3), np.int8),
        "step": np.array(0.1, np.float32),
        "zero": np.array(128, np.uint8),
    }
    workload = imported(tmp_path, nodes, {"x": [1, 3, 8, 8]}, ["y"], weights)
    with pytest.raises(UnsupportedWorkload, match="in i8: none of it in fp32"):
        verify("openvino-cpu", workload)


class Wrong(TimedDeployment):
    """A deployment that works but for its outputs."""

    def __init__(self, real, change):
        self.real, self.change = real, change

    def bind(self, inputs):
        self.real.bind(inputs)

    def call(self):
        self.real.call()

    def outputs(self):
        return {name: self.change(output) for name, output in self.real.outputs().items()}

    def executed(self):
        return self.real.executed()

    def close(self):
        self.real.close()


@pytest.mark.parametrize(
    "change",
    [
        lambda y: y[:, ::-1],
        lambda y: np.roll(y, 1, axis=2),
        lambda y: y * 0,
        lambda y: y * 1.01,
        lambda y: y * np.nan,
        lambda y: y[:, :-1],
    ],
)
def test_wrong_outputs_are_refused(change):
    platform = open_platform("onnxruntime-cpu")
    with (
        closing(Wrong(prepared(platform, CONV), change)) as deployment,
        pytest.raises(PlatformError, match="computes another result than onnxruntime does"),
    ):
        verified(platform, CONV, deployment, 0)


def test_an_error_is_in_standard_deviations_of_the_right_output():
    right = {"y": np.random.default_rng(0).normal(5, 2, 100_000)}
    assert output_error(right, right) == 0
    off = {"y": right["y"] + 1}
    assert output_error(off, right) == pytest.approx(0.5, rel=0.02)
    assert output_error({"y": np.array([1, 2, 3])}, {"y": np.array([1, 2, 4])}) == 1 / 3
    assert output_error({"y": np.full(4, 7.0)}, {"y": np.full(4, 7.0)}) == 0
    assert output_error({"y": np.full(4, 7.07)}, {"y": np.full(4, 7.0)}) == pytest.approx(1)


def test_what_ran_says_how_long_each_of_several_builds_took():
    platform = open_platform("onnxruntime-cpu")
    with closing(Wrong(prepared(platform, CONV), lambda y: y)) as deployment:
        deployment.builds_s = (3e-3, 2e-3, 4e-3)
        execution = verified(platform, CONV, deployment, 0).execution
    assert execution.builds_s == (3e-3, 2e-3, 4e-3)
