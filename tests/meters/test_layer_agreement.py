"""A layer's latency by stacks agrees with the runtime's own clocks, and blocks with their parts.

Both are of the same few seconds, their calls taking turns one by one, so that what else happens on
the machine falls on both: what is left of a ratio's scatter is some per cent, and the middle of
several tells it. A step's own clock leaves out some microseconds between steps; the layers are such
that this does not count much.
"""

import statistics
from collections.abc import Sequence
from contextlib import ExitStack, closing

import pytest

from opscope.core.configuration import Workload
from opscope.core.study import Instrumentation, Protocol
from opscope.engine.isolation import isolated
from opscope.engine.machine import no_collections
from opscope.graph import build
from opscope.graph.stacks import layer_terms
from opscope.platforms.execution import undisturbed
from opscope.platforms.operator_times import operator_times, total_s
from opscope.platforms.registry import load_platform

PLATFORMS = ("onnxruntime-cpu", "openvino-cpu")
TURNS, CALLS = 5, 30


def in_turns(texts: Sequence[str], platform: str, *, profile: bool):
    """Return the latency of each layer by its stacks, and what its deeper stack executed."""
    instrumentation = Instrumentation(profile=profile)
    with ExitStack() as held:
        stacks = []
        for text in texts:
            for term in layer_terms(Workload.parse(text)):
                stack = load_platform(platform).prepare(
                    term.workload, seed=0, instrumentation=instrumentation
                )
                held.enter_context(closing(stack))
                stack.bind(build(term.workload).draw_inputs(0))
                stacks.append((text, term, stack, []))
        held.enter_context(no_collections())
        held.enter_context(isolated(Protocol()))  # as the workers are that measure stacks
        for _ in range(CALLS):
            for _, _, stack, taken in stacks:
                stack.call()  # others have had the caches
                taken.extend(stack.sample(2).durations_s)
        latencies = dict.fromkeys(texts, 0.0)
        executed = {}
        for text, term, stack, taken in stacks:
            latencies[text] += term.coefficient * undisturbed(taken)
            executed.setdefault(text, (term.workload.copies, stack.executed()))
        return latencies, executed


@pytest.mark.slow
@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize(
    "text",
    [
        "conv:h=28,cin=64,cout=64,k=3",  # a chain
        "conv:h=28,cin=64,cout=128,k=3",  # a fan
        "block:mobilenet_v2,h=56,cin=32",
        "block:resnet_basic,h=28,cin=64",
    ],
)
def test_stacks_agree_with_the_runtimes_own_clocks(text, platform):
    ratios = []
    for _ in range(TURNS):
        latencies, executed = in_turns([text], platform, profile=True)
        copies, steps = executed[text]
        ratios.append(latencies[text] / total_s(operator_times(copies, [steps])))
    assert statistics.median(ratios) == pytest.approx(1.0, abs=0.15), ratios


@pytest.mark.slow
@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_block_takes_what_its_operators_take(platform):
    block = "block:mobilenet_v1,h=28,cin=128"
    parts = ("dwconv:h=28,c=128,k=3,act=relu", "conv:h=28,cin=128,cout=128,k=1,act=relu")
    ratios = []
    for _ in range(TURNS):
        latencies, _ = in_turns([block, *parts], platform, profile=False)
        ratios.append(sum(latencies[part] for part in parts) / latencies[block])
    assert statistics.median(ratios) == pytest.approx(1.0, abs=0.15), ratios
