import resource
from datetime import timedelta

import numpy as np
import pytest
from onnx import TensorProto, helper

from opscope.core.configuration import Workload
from opscope.core.study import Instrumentation
from opscope.errors import PlatformError
from opscope.graph import build, resolve
from opscope.platforms.openvino import OpenVinoDeployment, Profile
from opscope.platforms.registry import open_platform
from opscope.testing.models import onnx_model
from opscope.testing.platforms import PlatformConformance


class TestOpenVinoCpu(PlatformConformance):
    platform = "openvino-cpu"
    package = "openvino"


class TestTwoThreads(PlatformConformance):
    platform = "openvino-cpu:threads=2"
    package = "openvino"


def test_a_model_compiled_to_another_precision_is_refused():
    workload = Workload(configuration=resolve("conv:h=8,cin=16,cout=16,k=3"))
    platform = open_platform("openvino-cpu")
    deployment = platform.prepare(workload, seed=0, instrumentation=Instrumentation())
    assert isinstance(deployment, OpenVinoDeployment)
    deployment.verify("f32")
    with pytest.raises(PlatformError, match=r"conv0.* to f32 instead of bf16"):
        deployment.verify("bf16")
    deployment.close()


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
    platform = open_platform("openvino-cpu")
    deployment = platform.prepare(workload, seed=0, instrumentation=Instrumentation())
    deployment.bind(build(workload).draw_inputs(0))
    deployment.call()
    assert deployment.outputs()["best"].shape == (1, 1, 6, 6)
    with pytest.raises(PlatformError, match="to f32 instead of bf16"):
        deployment.verify("bf16")
    deployment.close()


def test_arithmetic_in_8_bits_is_not_what_was_asked(tmp_path):
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
    with pytest.raises(PlatformError, match="to u8 instead of f32"):
        open_platform("openvino-cpu").prepare(workload, seed=0, instrumentation=Instrumentation())


def test_every_model_is_verified_before_it_is_handed_over(monkeypatch):
    workload = Workload(configuration=resolve("conv:h=8,cin=16,cout=16,k=3"))
    asked = []
    monkeypatch.setattr(OpenVinoDeployment, "verify", lambda _, precision: asked.append(precision))
    platform = open_platform("openvino-cpu")
    platform.prepare(workload, seed=0, instrumentation=Instrumentation()).close()
    assert asked == ["f32"]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("profile", [False, True])
def test_a_model_is_compiled_with_all_that_figures_depend_on(threads, profile):
    workload = Workload(configuration=resolve("conv:h=8,cin=16,cout=16,k=3"))
    deployment = open_platform(f"openvino-cpu:threads={threads}").prepare(
        workload, seed=0, instrumentation=Instrumentation(profile=profile)
    )
    found = deployment._compiled.get_property
    assert found("INFERENCE_NUM_THREADS") == threads
    assert found("NUM_STREAMS") == 1
    assert found("PERF_COUNT") == ("YES" if profile else "NO")
    counters = {1: resource.RUSAGE_THREAD, 2: resource.RUSAGE_SELF}
    assert deployment.counter == counters[threads]
    assert deployment.load_s > 0
    deployment.close()


class Info:
    """What a request tells of one node."""

    node_name = "conv0"

    def __init__(self, average_us):
        self.real_time = timedelta(microseconds=average_us)


def test_times_are_those_of_the_later_calls_though_only_running_averages_are_told():
    durations_us = [1000] + [30] * 20
    profile = Profile()
    assert profile.times_s() == {}
    for calls in range(1, len(durations_us) + 1):
        profile.note([Info(round(sum(durations_us[:calls]) / calls))])
    assert profile.times_s()["conv0"] == pytest.approx(30e-6, abs=2e-6)


def test_what_is_executed_is_told_with_times_only_if_profiled():
    workload = Workload(configuration=resolve("conv:h=8,cin=16,cout=16,k=3,act=relu"))
    for profile in (False, True):
        deployment = open_platform("openvino-cpu").prepare(
            workload, seed=0, instrumentation=Instrumentation(profile=profile)
        )
        deployment.bind(build(workload).draw_inputs(0))
        deployment.call()
        (node,) = [node for node in deployment.executed() if node.sources]
        assert (node.kind, node.sources) == ("Convolution", ("conv0", "relu0"))
        assert (node.time_s is not None) == profile
        deployment.close()


def test_a_graph_it_cannot_read_is_an_error_of_ours():
    workload = Workload(configuration=resolve("conv:h=8,cin=4,cout=4,k=3"))
    with pytest.raises(PlatformError, match="openvino refuses the graph"):
        OpenVinoDeployment(build(workload), b"no model", {})
