import os
import resource
import subprocess
import sys
from datetime import timedelta

import openvino
import pytest

from opscope.core.configuration import Workload
from opscope.core.platform import PlatformName
from opscope.core.study import Instrumentation
from opscope.errors import PlatformError, PlatformUnavailable
from opscope.graph import build, resolve
from opscope.platforms.openvino import GPU, NPU, OpenVinoDeployment, family
from opscope.platforms.openvino_profile import Profile
from opscope.platforms.registry import open_platform
from opscope.testing.platforms import PlatformConformance


class TestOpenVinoCpu(PlatformConformance):
    platform = "openvino-cpu"
    package = "openvino"


class TestTwoThreads(PlatformConformance):
    platform = "openvino-cpu:threads=2"
    package = "openvino"


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


@pytest.mark.parametrize("target", [GPU, NPU])
def test_a_device_that_openvino_does_not_find_is_unavailable(target):
    if target.device in openvino.Core().available_devices:
        pytest.skip(f"this machine has a {target.device}")
    platform = family.open(PlatformName(name=target.runtime.platform))
    with pytest.raises(PlatformUnavailable, match=f"OpenVINO finds no Intel {target.device}"):
        platform.load()


@pytest.mark.parametrize("text", ["fc:cin=64,cout=32,act=relu", "fc:cin=64,cout=10"])
def test_a_layer_in_8_bits_whose_bias_openvino_splits_off_is_found_again(text):
    workload = Workload.parse(f"{text}@int8")
    deployment = open_platform("openvino-cpu").prepare(
        workload, seed=0, instrumentation=Instrumentation()
    )
    (layer,) = [node for node in deployment.executed() if node.kind == "FullyConnected"]
    assert "gemm0" in layer.sources
    assert layer.format == "i8"
    deployment.close()


def test_nothing_is_reported_over_the_network(tmp_path):
    code = "from opscope.platforms.registry import open_platform as o; o('openvino-cpu').load()"
    seen = {name: value for name, value in os.environ.items() if name != "CI"}
    subprocess.run([sys.executable, "-c", code], check=True, env=seen | {"HOME": str(tmp_path)})
    assert not (tmp_path / "intel").exists(), "whoever reports keeps an identity there"
