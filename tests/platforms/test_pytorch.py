"""PyTorch on the processor, eager and compiled: conformance, and what a figure depends on."""

from __future__ import annotations

import importlib.metadata
import resource
from collections import Counter
from pathlib import Path

import pytest

from opscope.core.configuration import Precision, Workload
from opscope.core.study import Instrumentation
from opscope.engine.verification import verified
from opscope.errors import ConfigurationError, PlatformError, UnsupportedWorkload
from opscope.graph import build, resolve
from opscope.platforms.registry import list_platforms, open_platform
from opscope.testing.platforms import NETWORKS, PlatformConformance

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch==2.13.0")


class TestEager(PlatformConformance):
    platform = "pytorch-cpu"
    package = "torch"
    extra = "torch"


class TestChannelsLast(PlatformConformance):
    platform = "pytorch-cpu:channels_last=yes"
    package = "torch"
    extra = "torch"


class TestOneDnnLayout(PlatformConformance):
    platform = "pytorch-cpu:onednn=yes"
    package = "torch"
    extra = "torch"


@pytest.mark.slow
class TestCompiled(PlatformConformance):
    platform = "pytorch-compile"
    package = "torch"
    extra = "torch"
    networks = NETWORKS[:1]


SMALL = "conv:h=9,cin=4,cout=4,k=3,act=relu"


def prepared(platform, text=SMALL, *, precision=Precision.FP32, profile=False):
    """Return a deployment that was called twice."""
    workload = Workload(configuration=resolve(text), precision=precision)
    deployment = open_platform(platform).prepare(
        workload, seed=1, instrumentation=Instrumentation(profile=profile)
    )
    deployment.bind(build(workload).draw_inputs(1))
    deployment.call()
    deployment.call()
    return deployment


def kinds_of(deployment):
    return Counter(node.kind for node in deployment.executed())


def test_two_layouts_at_once_are_refused():
    with pytest.raises(ConfigurationError, match="two layouts"):
        open_platform("pytorch-cpu:channels_last=yes,onednn=yes")


@pytest.mark.parametrize("threads", [1, 2])
def test_it_computes_on_the_threads_asked_for(threads):
    deployment = prepared(f"pytorch-cpu:threads={threads}")
    other = prepared(f"pytorch-cpu:threads={3 - threads}")
    deployment.sample(1)
    assert torch.get_num_threads() == threads
    counters = {1: resource.RUSAGE_THREAD, 2: resource.RUSAGE_SELF}
    assert deployment.counter == counters[threads]
    assert deployment.load_s > 0
    deployment.close()
    other.close()


def test_calls_only_infer():
    deployment = prepared("pytorch-cpu")
    assert all(result.is_inference() for result in deployment._results)
    assert not torch.is_inference_mode_enabled()
    deployment.close()


@pytest.mark.parametrize("profile", [False, True])
@pytest.mark.parametrize(
    ("precision", "format_"), [(Precision.FP32, "f32"), (Precision.BF16, "bf16")]
)
def test_each_node_is_a_step_with_its_kernel_and_if_profiled_its_time(profile, precision, format_):
    deployment = prepared(
        "pytorch-cpu", "block:mobilenet_v2,h=8,cin=8", precision=precision, profile=profile
    )
    steps = deployment.executed()
    assert [step.sources for step in steps] == [(step.name,) for step in steps]
    assert {step.format for step in steps} == {format_}
    assert kinds_of(deployment)["native_batch_norm"] == 3
    assert all((step.time_s is not None) == profile for step in steps)
    deployment.close()


def test_reading_kernels_leaves_no_thread():
    deployment = prepared("pytorch-cpu")
    before = set(Path("/proc/self/task").iterdir())  # others may end meanwhile
    assert deployment.executed()
    assert set(Path("/proc/self/task").iterdir()) <= before
    deployment.close()


def test_in_onednns_layout_changes_of_layout_are_steps_of_their_own_with_times():
    deployment = prepared("pytorch-cpu:onednn=yes", "block:mobilenet_v2,h=8,cin=8", profile=True)
    kinds = kinds_of(deployment)
    changes = [step for step in deployment.executed() if step.kind in {"to_mkldnn", "to_dense"}]
    assert kinds["mkldnn_convolution"] == 3
    # There: the input, what each ReLU6 yields. Back: what each ReLU6 takes, and the output.
    assert (kinds["to_mkldnn"], kinds["to_dense"]) == (3, 3)
    assert all(step.sources == () and step.time_s > 0 for step in changes)
    deployment.close()


def test_a_relu_needs_no_change_of_layout():
    deployment = prepared("pytorch-cpu:onednn=yes", "block:resnet_basic,h=8,cin=8")
    kinds = kinds_of(deployment)
    assert (kinds["to_mkldnn"], kinds["to_dense"]) == (1, 1)
    deployment.close()


def test_without_torchao_there_is_no_int8_and_it_says_what_to_install(monkeypatch):
    real = importlib.metadata.version

    def hide(name):
        if name == "torchao":
            raise importlib.metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(importlib.metadata, "version", hide)
    platform = open_platform("pytorch-compile")
    assert Precision.INT8 not in platform.info().precisions
    workload = Workload(configuration=resolve(SMALL), precision=Precision.INT8)
    assert "pip install 'torchao" in platform.supports(workload)


def test_without_a_compiler_it_is_not_available_and_says_what_to_install(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    row = next(row for row in list_platforms() if row.name == "pytorch-compile")
    assert not row.available
    assert row.reason.startswith("inductor needs the C++ compiler no-such-compiler")
    assert "g++" in row.reason


def test_the_compiler_is_part_of_the_fingerprint():
    assert " with g++ " in open_platform("pytorch-compile").info().runtime_version


@pytest.mark.parametrize("precision", [Precision.FP32, Precision.INT8])
def test_a_gru_is_not_compiled_and_so_refused(precision):
    with pytest.raises(UnsupportedWorkload, match=r"node gru0 \(GRU\).*eager"):
        prepared("pytorch-compile", "gru:t=3,cin=3,hidden=4", precision=precision)


@pytest.mark.slow
@pytest.mark.parametrize("freezing", ["yes", "no"])
@pytest.mark.parametrize("text", ["block:resnet_bottleneck,h=8,cin=16,cout=32"])
def test_each_layer_is_one_kernel_of_a_library(text, freezing):
    deployment = prepared(f"pytorch-compile:freezing={freezing}", text)
    layers = [
        [source for source in step.sources if source.startswith("conv")]
        for step in deployment.executed()
        if step.kind != "generated"
    ]
    assert sorted(layers) == [["conv0"], ["conv1"], ["conv2"], ["conv3"]]
    deployment.close()


@pytest.mark.slow
def test_int8_runs_in_kernels_of_8_bits():
    workload = Workload(
        configuration=resolve("block:mobilenet_v2_se,h=8,cin=8"), precision=Precision.INT8
    )
    platform = open_platform("pytorch-compile")
    deployment = prepared("pytorch-compile", str(workload.configuration), precision=Precision.INT8)
    execution = verified(platform, workload, deployment, 1).execution
    assert execution.as_asked == 1
    assert sum(count for kind, count in execution.kernels if "qconv" in kind) == 5
    deployment.close()


@pytest.mark.slow
def test_int8_of_what_the_recipe_does_not_quantise_is_unsupported():
    workload = Workload(configuration=resolve("act:relu,h=5,c=3"), precision=Precision.INT8)
    deployment = prepared("pytorch-compile", "act:relu,h=5,c=3", precision=Precision.INT8)
    with pytest.raises(UnsupportedWorkload, match="generated in f32: none of it in int8"):
        verified(open_platform("pytorch-compile"), workload, deployment, 1)
    deployment.close()


@pytest.mark.slow
def test_deployments_beside_each_other_stay_compiled_and_leave_no_process():
    deployments = [prepared("pytorch-compile") for _ in range(10)]
    for deployment in deployments:
        assert len(deployment.sample(2).durations_s) == 2
    children = Path("/proc/self/task").glob("*/children")
    assert not any(path.read_text() for path in children)
    for deployment in deployments:
        deployment.close()


@pytest.mark.slow
def test_a_batch_norm_that_int8_cannot_fold_leaves_others_compiled():
    first = prepared("pytorch-compile")
    second = prepared("pytorch-compile", "block:dense,h=7,cin=8", precision=Precision.INT8)
    assert len(first.sample(1).durations_s) == len(second.sample(1).durations_s) == 1
    first.close()
    second.close()


@pytest.mark.slow
def test_compiling_again_while_timed_is_an_error():
    deployment = prepared("pytorch-compile")
    torch._dynamo.reset()
    with pytest.raises(PlatformError, match="compiled the network again"):
        deployment.sample(1)
    deployment.close()
