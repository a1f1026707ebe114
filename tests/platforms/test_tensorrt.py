"""TensorRT: what holds without a GPU, and conformance where there is one."""

import importlib.metadata
import json
import sys
from contextlib import closing

import pytest
from msgspec.structs import replace

from opscope.core.configuration import Precision, Workload
from opscope.core.platform import PlatformName
from opscope.core.study import Instrumentation
from opscope.engine.verification import TOLERANCE, verified
from opscope.errors import (
    ConfigurationError,
    PlatformError,
    PlatformUnavailable,
    UnsupportedWorkload,
)
from opscope.graph import build
from opscope.platforms import tensorrt, tensorrt_engine
from opscope.platforms.cuda import CudaRuntime
from opscope.platforms.execution import attribute, share_as_asked
from opscope.platforms.registry import list_platforms, open_platform
from opscope.platforms.tensorrt_profile import Times, seen
from opscope.testing.platforms import NETWORKS, PlatformConformance
from tests.platforms.fake_tensorrt import FakeTensorRt, FakeTorch

MISSING = next(row.reason for row in list_platforms() if row.name == "tensorrt")

needs_gpu = pytest.mark.skipif(bool(MISSING), reason=f"tensorrt: {MISSING}")

CONV = Workload.parse("conv:h=9,cin=5,cout=7,k=3,act=relu")


@pytest.mark.gpu
@needs_gpu
class TestTensorRt(PlatformConformance):
    platform = "tensorrt"
    package = "tensorrt-cu13"
    module = "tensorrt"
    networks = NETWORKS[:1]


@pytest.mark.gpu
@needs_gpu
class TestTensorRtGraph(PlatformConformance):
    platform = "tensorrt:builds=1,graph=yes,l2=flushed"
    package = "tensorrt-cu13"
    module = "tensorrt"
    networks = NETWORKS[:1]


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("precision", ["bf16", "fp16", "int8"])
def test_what_is_asked_for_in_less_than_fp32_runs_so(precision):
    workload = Workload.parse(f"block:mobilenet_v2,h=28,cin=64@{precision}")
    platform = open_platform("tensorrt")
    prepared = platform.prepare(workload, seed=0, instrumentation=Instrumentation())
    with closing(prepared) as deployment:
        deployment.bind(build(workload).draw_inputs(0))
        deployment.call()
        execution = verified(platform, workload, deployment, 0).execution
    assert execution.as_asked == 1
    assert len(execution.builds_s) == 3


@pytest.mark.parametrize("gone", ["package", "device"])
def test_it_is_listed_with_what_it_lacks(gone, monkeypatch):
    versions = {"torch": "2.13.0", "tensorrt-cu13": "11.4.0.106"}
    if gone == "package":
        del versions["tensorrt-cu13"]

    def version(name):
        if name not in versions:
            raise importlib.metadata.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(importlib.metadata, "version", version)
    monkeypatch.setattr("opscope.platforms.devices.Device.absence", lambda _: "no GPU")
    row = tensorrt.RUNTIME.listing()
    assert not row.available
    reasons = {"package": "pip install 'tensorrt-cu13<12,>=11.4'", "device": "no GPU"}
    assert reasons[gone] in row.reason
    assert "\n" not in row.reason
    monkeypatch.setattr("opscope.platforms.devices.Device.absence", lambda _: "")
    assert tensorrt.RUNTIME.listing().available == (gone == "device")


def test_the_cpu_build_of_pytorch_is_told_beside_what_else_is_missing(monkeypatch):
    monkeypatch.setattr(importlib.metadata, "version", lambda _: "2.13.0+cpu")
    monkeypatch.setattr("opscope.platforms.devices.Device.absence", lambda _: "no GPU.")
    assert isinstance(tensorrt.RUNTIME, CudaRuntime)
    reason = tensorrt.RUNTIME.absence()
    assert reason.endswith("pip install --force-reinstall 'torch==2.13.0'")
    assert ". This PyTorch is the CPU build" in reason


@pytest.mark.skipif(not MISSING, reason="there is a GPU")
def test_opening_it_without_a_gpu_says_why():
    with pytest.raises(PlatformUnavailable, match=r"NVIDIA GPU|pip install"):
        open_platform("tensorrt")


@pytest.mark.parametrize("text", ["tensorrt:builds=0", "tensorrt:l2=cold", "tensorrt:threads=2"])
def test_options_are_checked_without_a_gpu(text):
    with pytest.raises(ConfigurationError):
        tensorrt.family.open(PlatformName.parse(text))


@pytest.fixture
def fake_torch(monkeypatch):
    """Let PyTorch have a GPU."""
    fake = FakeTorch()
    monkeypatch.setattr(tensorrt, "pytorch", lambda: fake)
    return fake


@pytest.fixture
def fake_of(fake_torch, monkeypatch):
    """Return what installs a TensorRT."""

    def install(**settings):
        fake = FakeTensorRt(fake_torch, **settings)
        monkeypatch.setitem(sys.modules, "tensorrt", fake)
        tensorrt_engine.log.cache_clear()
        tensorrt_engine.runtime.cache_clear()
        return fake

    yield install
    tensorrt_engine.log.cache_clear()
    tensorrt_engine.runtime.cache_clear()


def prepared(text="tensorrt", workload=CONV, *, profile=False):
    platform = tensorrt.family.open(PlatformName.parse(text))
    asked = Instrumentation(profile=profile)
    return platform.prepare(workload, seed=1, instrumentation=asked)


class OnFakes:
    """A platform whose package and device cannot be asked what they are."""

    def info(self):
        return replace(open_platform("onnxruntime-cpu").info(), tells="all")


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_the_fastest_of_three_builds_is_deployed_and_computes_what_the_graph_says(
    precision, fake_of
):
    trt = fake_of()
    workload = Workload.parse(f"{CONV.configuration}@{precision}")
    with closing(prepared(workload=workload)) as deployment:
        deployment.bind(build(workload).draw_inputs(1))
        samples = deployment.sample(4)
        execution = verified(OnFakes(), workload, deployment, 1).execution
    assert execution.builds_s == pytest.approx((3e-3, 2e-3, 4e-3))
    assert samples.durations_s == pytest.approx((2e-3,) * 4)
    assert samples.clock == "CUDA events"
    assert execution.as_asked == 1
    assert execution.output_error < TOLERANCE[workload.precision]
    assert len({id(context.engine) for context in trt.contexts}) == 3
    assert {context.nvtx_verbosity.name for context in trt.contexts} == {"NONE"}


def test_every_build_is_configured_alike_and_by_itself(fake_of):
    trt = fake_of()
    prepared().close()
    assert len({id(config) for config in trt.configs}) == 3
    for config in trt.configs:
        assert config.flags == set()
        assert config.timing_cache is None
        assert config.pools == {"WORKSPACE": 2**30}
        assert config.profiling_verbosity.name == "DETAILED"


def test_one_build_is_not_chosen_among_several(fake_of):
    trt = fake_of()
    with closing(prepared("tensorrt:builds=1")) as deployment:
        assert deployment.builds_s == ()
    assert len(trt.contexts) == 1


def test_a_call_is_replayed_where_a_graph_is_asked_for(fake_of):
    trt = fake_of()
    with closing(prepared("tensorrt:graph=yes")) as deployment:
        inputs = build(CONV).draw_inputs(1)
        deployment.bind(inputs)
        before = trt.contexts[1].calls
        deployment.call()
        assert trt.contexts[1].calls == before + 1
        assert deployment.outputs()["relu0"].any()


def test_layers_are_told_with_their_times_where_profiled(fake_of):
    fake_of()
    with closing(prepared(profile=True)) as deployment:
        deployment.bind(build(CONV).draw_inputs(1))
        deployment.call()
        steps = deployment.executed()
    assert [(step.sources, step.format, step.time_s) for step in steps] == [
        (("conv0",), "f32", 0.5e-3),
        (("relu0",), "f32", 0.5e-3),
    ]


def test_what_is_not_built_is_told_with_the_reason(fake_of):
    fake_of(durations_ms=())
    with pytest.raises(PlatformError, match="TensorRT builds no engine: no tactic is left"):
        prepared()


REFUSED = (
    ("UNSUPPORTED_NODE", "gru0", "GRU", "Assertion failed: layout == 0\nin importGRU"),
    ("UNSUPPORTED_NODE", "gru0", "GRU", "Assertion failed: layout == 0\nin importGRU"),
    ("INVALID_NODE", "", "", "a tensor has no type"),
)


def test_nodes_and_operators_that_are_not_parsed_are_named(fake_of):
    fake_of(refusals=REFUSED)
    with pytest.raises(UnsupportedWorkload) as refused:
        prepared()
    assert str(refused.value) == (
        "TensorRT has no form of GRU (gru0): Assertion failed: layout == 0; "
        "the graph: a tensor has no type."
    )


def test_a_model_that_is_not_read_is_no_fault_of_its_operators(fake_of):
    fake_of(refusals=(("MODEL_DESERIALIZE_FAILED", "", "", "Failed to parse"), *REFUSED))
    with pytest.raises(PlatformError, match="does not parse the graph: Failed to parse") as refused:
        prepared()
    assert not isinstance(refused.value, UnsupportedWorkload)


def test_that_tensorrt_does_not_start_makes_it_unavailable(fake_of):
    trt = fake_of()

    def start(log):
        log.log(trt.ILogger.ERROR, "CUDA initialization failure with error: 35")
        raise TypeError("pybind11::init(): factory function returned nullptr")

    trt.Runtime = start
    with pytest.raises(PlatformUnavailable, match=r"failure with error: 35\. See that its version"):
        prepared()


class Candidate:
    def __init__(self, took_s, log):
        self.took_s, self.log = took_s, log

    def time_s(self):
        return self.took_s

    def close(self):
        self.log.append(self.took_s)


@pytest.mark.parametrize(
    ("times_s", "best_s", "closed"),
    [
        ((1.0,), 1.0, []),
        ((3.0, 2.0, 1.0), 1.0, [3.0, 2.0]),
        ((1.0, 3.0, 2.0), 1.0, [3.0, 2.0]),
        ((2.0, 1.0, 3.0), 1.0, [2.0, 3.0]),
        ((2.0, 2.0), 2.0, [2.0]),
    ],
)
def test_the_fastest_candidate_is_kept_and_the_others_are_closed(times_s, best_s, closed):
    log = []
    left = [Candidate(took_s, log) for took_s in times_s]
    first = left[0]
    best, told_s = tensorrt_engine.fastest(lambda: left.pop(0), len(times_s))
    assert best.took_s == best_s
    assert told_s == times_s
    assert log == closed
    assert (best is first) == (best_s == times_s[0])


def tensor(name, format_):
    """Return a tensor as TensorRT 10's inspector tells it (NVIDIA's Engine Inspector page)."""
    return {"Name": name, "Dimensions": [1, 7, 9, 9], "Format/Datatype": format_}


def typed(name, type_):
    """Return a tensor as TensorRT 11's inspector tells it, its type by itself."""
    return {"Name": name, "Dimensions": [1, 7, 9, 9], "Format": "kLINEAR", "DataType": type_}


INT8 = "Thirty-two wide channel vectorized row major Int8 format"
ENGINE = {
    "Layers": [
        {
            "Name": "Reformatting CopyNode for Input Tensor 0 to conv0 + relu0",
            "LayerType": "Reformat",
            "Inputs": [tensor("input", "Row major linear FP32")],
            "Outputs": [tensor("Reformatted Input Tensor 0 to conv0 + relu0", INT8)],
            "ParameterType": "Reformat",
            "Origin": "REFORMAT",
            "TacticValue": "0x00000000000003ea",
            "StreamId": 0,
            "Metadata": "",
        },
        {
            "Name": "conv0.weight + conv0.weight_QuantizeLinear + conv0 + relu0",
            "LayerType": "CaskConvolution",
            "Inputs": [tensor("Reformatted Input Tensor 0 to conv0 + relu0", INT8)],
            "Outputs": [tensor("relu0", "Row major linear FP32")],
            "ParameterType": "Convolution",
            "Kernel": [3, 3],
            "Groups": 1,
            "Weights": {"Type": "Int8", "Count": 315},
            "Bias": {"Type": "Float", "Count": 7},
            "Activation": "RELU",
            "TacticName": "sm80_xmma_fprop_implicit_gemm_interleaved_i8i8_i8i32_f32_nchw_vect_c",
            "TacticValue": "0x11bde0e1d9f2f35d",
            "Metadata": "[ONNX Layer: conv0]\u001e[ONNX Layer: relu0]",
        },
    ],
    "Bindings": ["input", "relu0"],
}


def test_the_inspectors_layers_are_steps_with_their_nodes_formats_and_times():
    graph = build(CONV)
    name = ENGINE["Layers"][1]["Name"]
    steps = seen(json.dumps(ENGINE), {name: 2e-5})
    reformat, conv = attribute(graph, steps)
    assert steps[0].added
    assert (reformat.kind, reformat.sources, reformat.format) == ("Reformat", (), "")
    assert (conv.kind, conv.format, conv.time_s) == ("CaskConvolution", "i8", 2e-5)
    assert conv.sources == ("conv0", "relu0")
    assert share_as_asked(graph, (reformat, conv), Precision.INT8) == 1


@pytest.mark.parametrize(
    ("takes", "tactic", "format_"),
    [
        (
            typed("input", "Float"),
            "sm80_xmma_fprop_implicit_gemm_f32f32_f32f32_f32_nhwckrsc",
            "f32",
        ),
        (typed("input", "Float"), "sm80_xmma_fprop_implicit_gemm_f32f32_tf32f32_f32_nhwc", "tf32"),
        (typed("input", "Half"), "sm80_xmma_fprop_implicit_gemm_f16f16_f16f16_f16_nhwckrsc", "f16"),
        (typed("input", "BFloat16"), "", "bf16"),
        (typed("input", "FP8"), "", "f8"),
        (tensor("input", "Channel major FP16 format where channel % 8 == 0"), "", "f16"),
        (tensor("input", "Row major linear BFloat16 format"), "", "bf16"),
        (tensor("input", "Int64"), "", ""),
    ],
)
def test_a_layers_format_is_that_of_what_it_takes_and_tf32_is_not_fp32(takes, tactic, format_):
    layer = {"Name": "conv0", "LayerType": "conv", "Inputs": [takes], "Outputs": []}
    (step,) = seen(json.dumps({"Layers": [layer | {"TacticName": tactic}]}), {})
    assert step.format == format_
    assert step.names == ("conv0",)


def test_layers_of_which_only_names_are_told_are_found_by_these():
    (step,) = seen(json.dumps({"Layers": ["conv0 + relu0"]}), {})
    assert step.names == ("conv0", "relu0")
    (conv,) = attribute(build(CONV), [step])
    assert conv.sources == ("conv0", "relu0")
    assert conv.format == ""


def test_the_profilers_times_are_the_undisturbed_ones():
    times = Times()
    for milliseconds in (0.5, 9.0, 0.7, 9.0):
        times.note("conv0", milliseconds)
    assert times.times_s() == {"conv0": pytest.approx(0.6e-3)}
