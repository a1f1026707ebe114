"""Layer latencies on trial: how far runs are apart, idle and beside busy processes.

Run: python -m benchmarks.instrument.layers [platform]. Takes some minutes.
"""

from __future__ import annotations

import sys
from itertools import pairwise

from benchmarks.instrument.judging import Run, repeatable, trusts
from benchmarks.instrument.measuring import Instrument, busy
from opscope.core.configuration import Workload
from opscope.core.study import Protocol
from opscope.engine.executors.local import LocalExecutor

LAYERS = tuple(
    map(
        Workload.parse,
        (
            "conv:h=28,cin=64,cout=64,k=3",
            "conv:h=28,cin=64,cout=128,k=3",
            "conv:h=28,cin=96,cout=96,k=1",
            "conv:h=56,cin=24,cout=144,k=1",
            "conv:h=56,cin=64,cout=64,k=3,s=2",
            "dwconv:h=56,c=64,k=3",
            "dwconv:h=28,c=144,k=5,s=2",
            "pool:max,h=56,c=64,k=3,pad=1",
            "act:hard_swish,h=56,c=64",
            "add:h=56,c=64",
            "fc:cin=512,cout=512",
            "block:mobilenet_v2,h=28,cin=32",
            "block:resnet_basic,h=28,cin=64",
            "block:shufflenet_v2,h=28,cin=64",
        ),
    )
)
LOADS = (0, 0, 1, 0, 2, 0)
"""Busy processes beside each run."""


def main() -> None:
    """Print how far runs are apart, each and the one after it."""
    platform = sys.argv[1] if len(sys.argv) > 1 else "onnxruntime-cpu"
    with LocalExecutor() as executor:
        instrument = Instrument(platform, executor, meter="layer-latency")
        runs = [taken(instrument, load, seed) for seed, load in enumerate(LOADS)]
    for (load, run), (other, after) in pairwise(zip(LOADS, runs, strict=True)):
        repeatable(f"{load} and then {other} busy", run, after)


def taken(instrument: Instrument, load: int, seed: int) -> Run:
    """Return the layers' latencies beside so many busy processes."""
    with busy(load):
        run = instrument.measure(LAYERS, Protocol(), seed=seed)
    print(f"  {load} busy: {sum(map(trusts, run.values()))} of {len(run)} trusted")
    return run


if __name__ == "__main__":
    main()
