import importlib.metadata
import resource

import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from opscope.convert.tflite import tflite_model
from opscope.core.configuration import Precision, Workload
from opscope.core.study import Instrumentation
from opscope.errors import PlatformError
from opscope.graph import build, resolve
from opscope.platforms import litert_profile, litert_steps
from opscope.platforms.litert import LiteRtDeployment
from opscope.platforms.litert_profile import Kernel
from opscope.platforms.litert_steps import Operator
from opscope.platforms.registry import open_platform
from opscope.testing.platforms import PlatformConformance

PROFILE = Instrumentation(profile=True)


class TestLiteRtCpu(PlatformConformance):
    platform = "litert-cpu"
    package = "ai-edge-litert"


class TestTwoThreads(PlatformConformance):
    platform = "litert-cpu:threads=2"
    package = "ai-edge-litert"


class TestHalfWeights(PlatformConformance):
    platform = "litert-cpu:weights=fp16"
    package = "ai-edge-litert"


def executed(text, *, on="litert-cpu", precision=Precision.FP32, instrumentation=None):
    """Return the steps of a workload's deployment after some calls."""
    workload = Workload(configuration=resolve(text), precision=precision)
    deployment = open_platform(on).prepare(
        workload, seed=1, instrumentation=instrumentation or Instrumentation()
    )
    deployment.bind(build(workload).draw_inputs(1))
    for _ in range(4):
        deployment.call()
    steps = deployment.executed()
    deployment.close()
    return steps


def test_what_xnnpack_runs_is_told_apart_from_litert_s_own_kernels():
    pad, pool = executed("pool:max,h=8,c=4,k=3,s=2,pad=1")
    assert (pad.kind, pad.format) == ("PADV2", "")
    assert (pool.kind, pool.format) == ("MAX_POOL_2D (XNNPACK)", "f32")
    assert pad.sources == pool.sources == ("maxpool0",)


@pytest.mark.skipif(
    importlib.metadata.version("ai-edge-litert") not in litert_profile.TRIED,
    reason="the profiler of this version of ai-edge-litert has not been tried",
)
@pytest.mark.parametrize(
    ("text", "precision", "kinds"),
    [
        (
            "conv:h=14,cin=16,cout=16,k=3,act=hard_swish",
            Precision.FP32,
            ["Convolution (NHWC, F32) IGEMM", "HardSwish (NC)"],
        ),
        (
            "conv:h=14,cin=16,cout=16,k=3,act=relu",
            Precision.INT8,
            ["Convolution (NHWC, QC8) IGEMM"],
        ),
        (
            "conv:h=14,cin=16,cout=16,k=3,s=2",  # whose PAD is merged with it
            Precision.FP32,
            ["Convolution (NHWC, F32) IGEMM"],
        ),
        (
            "pool:max,h=8,c=4,k=3,s=2,pad=1",
            Precision.FP32,
            ["PADV2", "Max Pooling (NHWC, F32)"],
        ),
    ],
)
def test_a_profile_tells_xnnpack_s_kernels_and_their_times(text, precision, kinds):
    if precision is Precision.INT8:
        pytest.importorskip("ai_edge_quantizer", reason="the extra litert-int8 is not installed")
    steps = executed(text, precision=precision, instrumentation=PROFILE)
    assert [step.kind for step in steps] == kinds
    assert all(step.time_s is not None for step in steps)


@pytest.mark.skipif(
    importlib.metadata.version("ai-edge-litert") not in litert_profile.TRIED,
    reason="the profiler of this version of ai-edge-litert has not been tried",
)
@pytest.mark.parametrize(
    "text",
    ["zoo:resnet50_v1,input=64", "zoo:inception_v3,input=96", "zoo:nasnet_a_mobile,input=64"],
)
def test_times_are_found_where_xnnpack_takes_several_parts_of_a_network(text):
    steps = executed(text, instrumentation=PROFILE)
    known = {node for step in executed(text) for node in step.sources}
    assert known == {node for step in steps for node in step.sources}
    assert sum(step.time_s for step in steps) > 0


@pytest.mark.parametrize(
    "text", ["zoo:mobilenet_v2,input=64", "zoo:resnet50_v1,input=64", "zoo:kws_crnn"]
)
def test_weights_in_fp16_are_unpacked_by_xnnpack_before_any_call(text):
    steps = executed(text, on="litert-cpu:weights=fp16")
    assert steps == executed(text)
    products = [step for step in steps if step.kind.split()[0] in litert_steps.MATRICES]
    assert {(step.kind.split()[1], step.format) for step in products} == {("(XNNPACK)", "f32")}


@pytest.mark.skipif(
    importlib.metadata.version("ai-edge-litert") not in litert_profile.TRIED,
    reason="the profiler of this version of ai-edge-litert has not been tried",
)
def test_a_profile_tells_the_same_kernels_whatever_weights_are_stored_in():
    text = "zoo:nasnet_a_mobile,input=64"
    whole, half = (
        [step.kind for step in executed(text, on=platform, instrumentation=PROFILE)]
        for platform in ("litert-cpu", "litert-cpu:weights=fp16")
    )
    assert half == whole


def test_integers_are_not_stored_in_fp16():
    workload = Workload(
        configuration=resolve("conv:h=8,cin=4,cout=4,k=3"), precision=Precision.INT8
    )
    platform = open_platform("litert-cpu:weights=fp16")
    assert platform.info().weights is Precision.FP16
    assert "leave out weights=fp16" in platform.supports(workload)


def test_a_version_whose_profiler_is_not_known_tells_no_times(monkeypatch):
    monkeypatch.setattr(litert_profile, "TRIED", ())
    (step,) = executed("conv:h=8,cin=4,cout=4,k=3", instrumentation=PROFILE)
    assert (step.kind, step.time_s) == ("CONV_2D (XNNPACK)", None)


def operators_of(*codes):
    return [
        Operator(number=n, code=code, name=f"t{n}", format="f32", part=0)
        for n, code in enumerate(codes)
    ]


def kernels_of(*kinds):
    return [
        Kernel(kind=kind, delegated=True, number=n, time_s=10.0**n) for n, kind in enumerate(kinds)
    ]


def test_kernels_without_an_operator_belong_to_the_one_before():
    found = operators_of("PAD", "CONV_2D", "ADD", "RESHAPE", "FULLY_CONNECTED")
    kernels = kernels_of(
        *("Convolution (NHWC, F32) IGEMM", "Add (ND)", "Clamp (NC)", "Fully Connected (NC, F32)")
    )
    steps = litert_steps.executed(found, {"t3": ("reshape0",)}, kernels)
    assert [(step.name, step.time_s) for step in steps] == [("t1", 1), ("t2", 110), ("t4", 1000)]
    assert steps[1].kind == "Add (ND) + Clamp (NC)"
    assert steps[1].sources == ("reshape0",)


def test_kernels_that_lack_a_product_of_matrices_are_not_believed():
    found = operators_of("CONV_2D", "CONV_2D")
    steps = litert_steps.executed(found, {}, kernels_of("Convolution (NHWC, F32)"))
    assert [(step.kind, step.time_s) for step in steps] == [("CONV_2D (XNNPACK)", None)] * 2


def test_a_network_that_xnnpack_takes_nothing_of_is_refused():
    graph = build(Workload(configuration=resolve("conv:h=8,cin=4,cout=4,k=3")))
    interpreter = Interpreter(
        model_content=tflite_model(graph, 0).data,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    interpreter.allocate_tensors()
    found = litert_steps.operators(interpreter)
    assert [(operator.code, operator.part) for operator in found] == [("CONV_2D", None)]
    with pytest.raises(PlatformError, match="every CONV_2D without XNNPACK"):
        litert_steps.check_delegate(found)


def test_int8_without_its_quantiser_is_refused_with_what_installs_it(monkeypatch):
    real = importlib.metadata.version

    def hide(name):
        if name == "ai-edge-quantizer":
            raise importlib.metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(importlib.metadata, "version", hide)
    platform = open_platform("litert-cpu")
    assert platform.info().precisions == (Precision.FP32,)
    workload = Workload(
        configuration=resolve("conv:h=8,cin=4,cout=4,k=3"), precision=Precision.INT8
    )
    assert "pip install 'ai-edge-quantizer" in platform.supports(workload)


def test_fp16_is_refused_since_it_would_only_be_stored():
    workload = Workload(
        configuration=resolve("conv:h=8,cin=4,cout=4,k=3"), precision=Precision.FP16
    )
    assert "not fp16" in open_platform("litert-cpu").supports(workload)


@pytest.mark.parametrize(
    ("threads", "counter"), [(1, resource.RUSAGE_THREAD), (2, resource.RUSAGE_SELF)]
)
def test_preemptions_are_counted_where_it_computes(threads, counter):
    workload = Workload(configuration=resolve("conv:h=8,cin=4,cout=4,k=3"))
    deployment = open_platform(f"litert-cpu:threads={threads}").prepare(
        workload, seed=0, instrumentation=Instrumentation()
    )
    assert deployment.counter == counter
    assert deployment.load_s > 0
    deployment.close()


def test_a_file_it_cannot_read_is_an_error_of_ours():
    graph = build(Workload(configuration=resolve("conv:h=8,cin=4,cout=4,k=3")))
    model = tflite_model(graph, 0)
    broken = type(model)(
        data=b"no model", inputs=model.inputs, outputs=model.outputs, sources=model.sources
    )
    with pytest.raises(PlatformError, match="litert refuses the graph"):
        LiteRtDeployment(broken, 1, Instrumentation())
