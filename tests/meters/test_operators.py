"""The meter of operator times: on a fake with known times, and on both runtimes."""

import pytest

from opscope import api
from opscope.core.measurement import Verdict
from opscope.core.study import MeterName, Protocol
from opscope.engine.executors.local import LocalExecutor

OPERATORS = MeterName(name="operator-times")
PROTOCOL = Protocol(rounds=8, min_rounds=8, shared_core=True)


def measure(text, platform, protocol=PROTOCOL):
    with LocalExecutor() as executor:
        (measured,) = api.measure(
            text, [platform], meter=OPERATORS, protocol=protocol, executor=executor
        )
    return measured


def steps_of(measured):
    return [found for found in measured.trial.measurements if found.scope.kind == "node"]


def test_a_layer_s_time_is_that_of_a_copy_in_its_deeper_stack():
    measured = measure("conv:h=8,cin=4,cout=4,k=3", "fake:period=64,noise=0")
    (step,) = steps_of(measured)
    assert (step.scope.sources, step.scope.kernel) == (("conv0",), "Conv")
    whole = measured.quantity("operator_time_s")
    assert whole.value == step.value
    assert whole.derivation == "a copy in a stack of 8, by the clocks of fake"
    assert (whole.interval, whole.trust.verdict) == (None, Verdict.NOT_ASSESSED)
    assert not whole.visits
    # 8 copies of 200 µs, which the fake's nodes share equally; a call takes 100 µs besides.
    nodes = sum(number for _, number in measured.trial.execution.kernels)
    assert whole.value == pytest.approx(8 * 2e-4 / nodes)
    call = measured.quantity("profiled_call_s")
    assert call.value == pytest.approx(8 * 2e-4 + 1e-4)
    assert call.derivation.startswith("a stack of 8 copies, profiled; call latency")
    assert call.visits


def test_times_are_as_doubtful_as_the_calls_that_they_were_taken_in():
    narrow = Protocol(rounds=8, min_rounds=8, precision=1e-4, shared_core=True)
    measured = measure("conv:h=8,cin=4,cout=4,k=3", "fake:noise=0.5", narrow)
    call = measured.quantity("profiled_call_s")
    assert call.trust.verdict is Verdict.UNTRUSTED
    assert {found.trust for found in measured.trial.measurements} == {call.trust}


@pytest.mark.parametrize("platform", ["onnxruntime-cpu", "openvino-cpu"])
def test_the_steps_of_a_network_are_most_of_a_call_and_no_more(platform):
    measured = measure("zoo:mobilenet_v2,input=96", platform)
    steps = steps_of(measured)
    kernels = dict(measured.trial.execution.kernels)
    assert len(steps) == sum(kernels.values())
    assert any("conv0" in step.scope.sources for step in steps)
    whole, call = (measured.quantity(name) for name in ("operator_time_s", "profiled_call_s"))
    assert whole.value == pytest.approx(sum(step.value for step in steps))
    # Wall time of a call with others on its core, and the runtime's clocks, in the same seconds.
    assert 0.4 < whole.value / call.value < 1.5
    assert {step.scope.format for step in steps} >= {"f32"}


def test_a_runtime_without_such_times_does_not_support_it():
    listing = next(row for row in api.platforms() if row.name == "ncnn-cpu")
    if not listing.available:
        pytest.skip(listing.reason)
    measured = measure("conv:h=8,cin=4,cout=4,k=3", "ncnn-cpu")
    assert measured.status == "unsupported"
    assert measured.reason == "ncnn-cpu does not say how long each of its operators takes."
