"""Layer latencies on trial: what runs beside busy processes differ by from idle ones.

Run: python -m benchmarks.instrument.layers [platform]. Takes some minutes.
"""

from __future__ import annotations

import sys
from itertools import pairwise

import numpy as np

from benchmarks.instrument.judging import Run, judged, repeatable, trusts
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
LOADS = (0, 1, 0, 2, 0)
"""Busy processes beside each run; the idle runs around a load are its truth."""


def main() -> None:
    """Print how far runs are apart, idle and busy."""
    platform = sys.argv[1] if len(sys.argv) > 1 else "onnxruntime-cpu"
    with LocalExecutor() as executor:
        instrument = Instrument(platform, executor, meter="layer-latency")
        runs = [taken(instrument, load, seed) for seed, load in enumerate(LOADS)]
    idle = [run for load, run in zip(LOADS, runs, strict=True) if not load]
    for number, (before, after) in enumerate(pairwise(idle)):
        repeatable(f"idle runs {number} and {number + 1}", before, after)
        quiet = {
            w: (before[w].value + after[w].value) / 2
            for w in before
            if w in after and trusts(before[w]) and trusts(after[w])
        }
        judged(f"{LOADS[2 * number + 1]} busy, between them", runs[2 * number + 1], quiet)


def taken(instrument: Instrument, load: int, seed: int) -> Run:
    """Return the layers' latencies beside so many busy processes."""
    with busy(load):
        run = instrument.measure(LAYERS, Protocol(), seed=seed)
    halves = [(m.interval[1] - m.interval[0]) / 2 / m.value for m in run.values() if m.interval]
    print(
        f"  {load} busy: {sum(map(trusts, run.values()))} of {len(run)} trusted,"
        f" half an interval {100 * float(np.median(halves)):.1f} % in the median"
    )
    return run


if __name__ == "__main__":
    main()
