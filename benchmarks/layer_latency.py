"""Layer latencies by stacks, against deeper stacks, the runtimes' own clocks and whole blocks.

Ratios are printed, not times: they are what must hold on any machine.
"""

from __future__ import annotations

import gc
import itertools
import random
from collections.abc import Iterable
from contextlib import ExitStack, closing

import numpy as np
from msgspec.structs import replace

from benchmarks.figures import show
from opscope.core.configuration import Workload
from opscope.core.study import Instrumentation
from opscope.graph import build, resolve
from opscope.graph.stacks import DEPTHS, layer_terms
from opscope.platforms.base import TimedDeployment
from opscope.platforms.execution import missing_copies
from opscope.platforms.operator_times import operator_times, total_s
from opscope.platforms.registry import open_platform

PLATFORMS = ("onnxruntime-cpu", "openvino-cpu")

LAYERS = (
    "conv:h=28,cin=64,cout=64,k=3",
    "conv:h=28,cin=64,cout=64,k=1",
    "conv:h=28,cin=64,cout=64,k=3,groups=4",
    "conv:h=28,cin=64,cout=128,k=3,s=2",
    "dwconv:h=28,c=64,k=3",
    "dwconv:h=28,c=64,k=3,s=2",
    "pool:max,h=28,c=64,k=3,pad=1",
    "pool:max,h=28,c=64,k=2,s=2",
    "pool:global,h=28,c=64",
    "fc:cin=256,cout=256",
    "act:hard_swish,h=28,c=64",
    "add:h=28,c=64",
    "batch_norm:h=28,c=64",
    "block:mobilenet_v2,h=14,cin=32",
    "block:se,h=28,cin=64",
)

Depths = tuple[int, int] | None
"""Copies in the shallow and in the deep stack; None for those that opscope chooses."""

OTHER_DEPTHS = ((1, 4), (10, 40))

BLOCKS = {
    "block:mobilenet_v1,h=28,cin=64,cout=128": (
        "dwconv:h=28,c=64,k=3,act=relu",
        "conv:h=28,cin=64,cout=128,k=1,act=relu",
    ),
    "block:mobilenet_v1,h=28,cin=64,cout=128,s=2": (
        "dwconv:h=28,c=64,k=3,s=2,act=relu",
        "conv:h=14,cin=64,cout=128,k=1,act=relu",
    ),
    "block:mobilenet_v2,h=28,cin=32,cout=48": (
        "conv:h=28,cin=32,cout=192,k=1,act=relu6",
        "dwconv:h=28,c=192,k=3,act=relu6",
        "conv:h=28,cin=192,cout=48,k=1",
    ),
    "block:mobilenet_v2,h=28,cin=32,cout=48,s=2": (
        "conv:h=28,cin=32,cout=192,k=1,act=relu6",
        "dwconv:h=28,c=192,k=3,s=2,act=relu6",
        "conv:h=14,cin=192,cout=48,k=1",
    ),
    "block:resnet_basic,h=28,cin=64": (
        "conv:h=28,cin=64,cout=64,k=3,act=relu",
        "conv:h=28,cin=64,cout=64,k=3,act=relu",
    ),
    "block:resnet_bottleneck,h=28,cin=128": (
        "conv:h=28,cin=128,cout=32,k=1,act=relu",
        "conv:h=28,cin=32,cout=32,k=3,act=relu",
        "conv:h=28,cin=32,cout=128,k=1,act=relu",
    ),
    "block:resnet_basic,h=28,cin=64,cout=128,s=2": (
        "conv:h=28,cin=64,cout=128,k=3,s=2,act=relu",
        "conv:h=14,cin=128,cout=128,k=3,act=relu",
        "conv:h=28,cin=64,cout=128,k=1,s=2",
    ),
}


def measure(
    platform: str, workloads: Iterable[Workload], *, rounds: int = 16, samples: int = 8
) -> dict[Workload, float]:
    """Return call latencies: lower quartile of the minima of shuffled rounds."""
    opened, order = open_platform(platform), list(workloads)
    minima: dict[Workload, list[float]] = {workload: [] for workload in order}
    with ExitStack() as stack:
        deployments = {}
        for workload in order:
            deployment = opened.prepare(workload, seed=0, instrumentation=Instrumentation())
            assert isinstance(deployment, TimedDeployment)  # noqa: S101 - both platforms are timed
            deployment.bind(build(workload).draw_inputs(1))
            deployments[workload] = stack.enter_context(closing(deployment))
            deployment.sample(3)
        gc.disable()
        shuffler = random.Random(0)  # noqa: S311 - an order, not a secret
        for _ in range(rounds):
            shuffler.shuffle(order)
            for workload in order:
                deployments[workload].call()
                taken = deployments[workload].sample(samples)
                quiet = taken.undisturbed_s or taken.durations_s
                minima[workload].append(min(quiet))
        gc.enable()
    return {workload: float(np.quantile(taken, 0.25)) for workload, taken in minima.items()}


def layer_s(
    platform: str, texts: Iterable[str], depths: Iterable[Depths] = (None,)
) -> dict[tuple[str, Depths], float]:
    """Return layer latencies at each of the depths, all measured together."""
    terms = {
        (text, pair): layer_terms(parse(text), depths=pair)
        for text, pair in itertools.product(texts, depths)
    }
    workloads = sorted({term.workload for some in terms.values() for term in some}, key=str)
    calls = measure(platform, workloads)
    return {
        key: sum(term.coefficient * calls[term.workload] for term in some)
        for key, some in terms.items()
    }


def runtime_s(platform: str, text: str) -> float:
    """Return a layer's time by the runtime's own clocks, all copies seen to be there."""
    workload = replace(parse(text), copies=DEPTHS[1])
    profiled = Instrumentation(profile=True)
    deployment = open_platform(platform).prepare(workload, seed=0, instrumentation=profiled)
    with closing(deployment):
        assert isinstance(deployment, TimedDeployment)  # noqa: S101 - both platforms are timed
        deployment.bind(build(workload).draw_inputs(1))
        deployment.sample(256)
        executed = deployment.executed()
    missing = missing_copies(workload.copies, executed)
    if missing:
        print(f"{platform} {text}: copies {missing} are missing")
    return total_s(operator_times(workload.copies, [executed])) or float("nan")


def parse(text: str) -> Workload:
    """Return the workload of a configuration's text, resolved."""
    return Workload(configuration=resolve(text))


def layers(platform: str) -> None:
    """One layer after the other: call, depths, the runtime's own clocks."""
    for text in LAYERS:
        found = layer_s(platform, [text], (None, *OTHER_DEPTHS))
        layer = found[text, None]
        call = measure(platform, [parse(text)])[parse(text)]
        show(f"{text}: layer", 1e6 * layer, "µs")
        show("  one call / layer", call / layer, "x")
        for depths in OTHER_DEPTHS:
            show(f"  by depths {depths} / layer", found[text, depths] / layer, "x")
        show("  by the runtime's clocks / layer", runtime_s(platform, text) / layer, "x")


def blocks(platform: str) -> None:
    """The operators of a block together, against the block."""
    for block, parts in BLOCKS.items():
        found = layer_s(platform, [block, *parts])
        together = sum(found[part, None] for part in parts)
        show(f"sum of operators / {block}", together / found[block, None], "x")


def main() -> None:
    """Print every ratio."""
    for platform in PLATFORMS:
        print(f"-- {platform}")
        layers(platform)
        blocks(platform)


if __name__ == "__main__":
    main()
