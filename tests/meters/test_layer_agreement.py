"""A layer's latency by stacks agrees with the runtime's own clocks, and blocks with their parts.

Ratios of the least of figures taken in turns, with room for a busy machine: a construction that
missed or counted twice a part would be off by far more.
"""

import pytest

from opscope import api
from opscope.core.configuration import Workload
from opscope.core.study import Instrumentation, Protocol
from opscope.graph import build
from opscope.graph.stacks import layer_terms
from opscope.platforms.execution import operator_time_s
from opscope.platforms.registry import load_platform

PLATFORMS = ("onnxruntime-cpu", "openvino-cpu")
PROTOCOL = Protocol(rounds=16, min_rounds=8)
TURNS = 3
BURSTS = 5


def ratio(figures, others):
    """Return the ratio of two figures, each the least of a few, which other work only slows."""
    pairs = [(figures(), others()) for _ in range(TURNS)]
    return min(figure for figure, _ in pairs) / min(other for _, other in pairs)


def layer_s(text, platform):
    (measured,) = api.measure(text, [platform], protocol=PROTOCOL)
    latency = measured.quantity("latency_s")
    assert latency.derivation.startswith("layer latency")
    return latency.value


def by_its_own_clocks_s(text, platform):
    return min(of_one_burst_s(text, platform) for _ in range(BURSTS))


def of_one_burst_s(text, platform):
    deepest = layer_terms(Workload.parse(text))[0].workload
    deployment = load_platform(platform).prepare(
        deepest, seed=0, instrumentation=Instrumentation(profile=True)
    )
    deployment.bind(build(deepest).draw_inputs(0))
    for _ in range(10):
        deployment.call()
    executed = deployment.executed()
    deployment.close()
    return operator_time_s(deepest.copies, executed)


@pytest.mark.slow
@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize(
    "text",
    [
        "conv:h=28,cin=64,cout=64,k=3",  # a chain
        "conv:h=28,cin=64,cout=128,k=3",  # a fan
        "block:mobilenet_v2,h=56,cin=32",
    ],
)
def test_stacks_agree_with_the_runtimes_own_clocks(text, platform):
    found = ratio(lambda: layer_s(text, platform), lambda: by_its_own_clocks_s(text, platform))
    assert found == pytest.approx(1.0, abs=0.35)


@pytest.mark.slow
@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_block_takes_what_its_operators_take(platform):
    block = "block:mobilenet_v1,h=28,cin=128"
    parts = ("dwconv:h=28,c=128,k=3,act=relu", "conv:h=28,cin=128,cout=128,k=1,act=relu")
    found = ratio(
        lambda: sum(layer_s(part, platform) for part in parts), lambda: layer_s(block, platform)
    )
    assert found == pytest.approx(1.0, abs=0.35)
