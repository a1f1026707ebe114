"""A layer's latency by stacks agrees with the runtime's own clocks, and blocks with their parts.

Ratios of what was taken within seconds: of each stack the processor time, of each node what the
runtime's own clock says, and of either the least, as other work only slows. Where another hardware
thread begins or ends to share the core in between, a ratio is off by half; hence the middle of
several. A construction that missed or counted twice a part would be off in all of them.
"""

import statistics
from collections import defaultdict
from contextlib import closing

import msgspec
import pytest

from opscope import api
from opscope.core.configuration import Workload
from opscope.core.study import Instrumentation, Protocol
from opscope.engine.executors.local import LocalExecutor
from opscope.engine.isolation import isolated
from opscope.graph import build
from opscope.graph.stacks import layer_terms
from opscope.platforms.operator_times import operator_times, total_s
from opscope.platforms.registry import load_platform

PLATFORMS = ("onnxruntime-cpu", "openvino-cpu")
PROTOCOL = Protocol(rounds=8, min_rounds=8, shared_core=True)
TURNS = 5
BURSTS = 2


def layer_s(text, platform, executor):
    """Return a layer's latency from the least processor time of each of its stacks."""
    (measured,) = api.measure(text, [platform], protocol=PROTOCOL, executor=executor)
    latency = measured.quantity("latency_s")
    assert latency.derivation.startswith("layer latency")
    taken = defaultdict(list)
    for visit in latency.visits:
        taken[visit.term].extend(visit.samples.cpu_s)
    terms = layer_terms(Workload.parse(text))
    return sum(term.coefficient * min(taken[number]) for number, term in enumerate(terms))


def burst(text, platform):
    """Return the nodes of the deepest stack with their times by the runtime's own clocks."""
    deepest = layer_terms(Workload.parse(text))[0].workload
    asked = Instrumentation(profile=True)
    with (
        isolated(PROTOCOL),  # as the workers are that measure stacks
        closing(load_platform(platform).prepare(deepest, seed=0, instrumentation=asked)) as stack,
    ):
        stack.bind(build(deepest).draw_inputs(0))
        for _ in range(10):
            stack.call()
        return stack.executed()


def by_its_own_clocks_s(text, bursts):
    """Return a layer's latency from the least of each node's times in all bursts."""
    least = [
        msgspec.structs.replace(same[0], time_s=min(node.time_s for node in same))
        for same in zip(*bursts, strict=True)
    ]
    copies = layer_terms(Workload.parse(text))[0].workload.copies
    return total_s(operator_times(copies, [least]))


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
    ratios = []
    with LocalExecutor() as executor:
        for _ in range(TURNS):
            by_stacks_s = layer_s(text, platform, executor)
            bursts = [burst(text, platform) for _ in range(BURSTS)]
            ratios.append(by_stacks_s / by_its_own_clocks_s(text, bursts))
    assert statistics.median(ratios) == pytest.approx(1.0, abs=0.35), ratios


@pytest.mark.slow
@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_block_takes_what_its_operators_take(platform):
    block = "block:mobilenet_v1,h=28,cin=128"
    parts = ("dwconv:h=28,c=128,k=3,act=relu", "conv:h=28,cin=128,cout=128,k=1,act=relu")
    ratios = []
    with LocalExecutor() as executor:
        for _ in range(TURNS):
            whole_s, *parts_s = (layer_s(text, platform, executor) for text in (block, *parts))
            ratios.append(sum(parts_s) / whole_s)
    assert statistics.median(ratios) == pytest.approx(1.0, abs=0.35), ratios
