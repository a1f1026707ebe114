"""A layer's latency by stacks agrees with the runtime's own clocks, and blocks with their parts.

Ratios of what was taken in turns: of each stack the processor time, of each node what the runtime's
own clock says, and of either the least, as other work only slows. A construction that missed or
counted twice a part would be off by far more than what a busy machine leaves.
"""

from collections import defaultdict
from contextlib import closing

import msgspec
import pytest

from opscope import api
from opscope.core.configuration import Workload
from opscope.core.study import Instrumentation, Protocol
from opscope.engine.isolation import isolated
from opscope.graph import build
from opscope.graph.stacks import layer_terms
from opscope.platforms.execution import operator_time_s
from opscope.platforms.registry import load_platform

PLATFORMS = ("onnxruntime-cpu", "openvino-cpu")
PROTOCOL = Protocol(rounds=16, min_rounds=8)
TURNS = 2
BURSTS = 5


def stacks_s(text, platform):
    """Return the least processor time of each stack that a layer's latency was made of."""
    (measured,) = api.measure(text, [platform], protocol=PROTOCOL)
    latency = measured.quantity("latency_s")
    assert latency.derivation.startswith("layer latency")
    taken = defaultdict(list)
    for visit in latency.visits:
        taken[visit.term].extend(visit.samples.cpu_s)
    return [min(taken[number]) for number in sorted(taken)]


def layer_s(text, turns):
    """Return a layer's latency from the least of each of its stacks in all turns."""
    terms = layer_terms(Workload.parse(text))
    least = [min(seconds) for seconds in zip(*turns, strict=True)]
    return sum(term.coefficient * seconds for term, seconds in zip(terms, least, strict=True))


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
    return operator_time_s(layer_terms(Workload.parse(text))[0].workload.copies, least)


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
    stacks, bursts = [], []
    for _ in range(TURNS):
        stacks.append(stacks_s(text, platform))
        bursts.extend(burst(text, platform) for _ in range(BURSTS))
    found = layer_s(text, stacks) / by_its_own_clocks_s(text, bursts)
    assert found == pytest.approx(1.0, abs=0.35)


@pytest.mark.slow
@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_block_takes_what_its_operators_take(platform):
    block = "block:mobilenet_v1,h=28,cin=128"
    parts = ("dwconv:h=28,c=128,k=3,act=relu", "conv:h=28,cin=128,cout=128,k=1,act=relu")
    stacks = {text: [] for text in (block, *parts)}
    for _ in range(TURNS):
        for text, turns in stacks.items():
            turns.append(stacks_s(text, platform))
    apart = sum(layer_s(part, stacks[part]) for part in parts)
    assert apart / layer_s(block, stacks[block]) == pytest.approx(1.0, abs=0.35)
