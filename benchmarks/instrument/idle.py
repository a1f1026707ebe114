"""What idle runs differ by, workload by workload: what no instrument can remove on this machine.

Run: python -m benchmarks.instrument.idle [platform [runs]]. Eight runs take some three minutes.
"""

from __future__ import annotations

import sys
from typing import NamedTuple

import numpy as np

from benchmarks.instrument.measuring import Instrument
from benchmarks.instrument.workloads import WORKLOADS
from opscope.core.configuration import Workload
from opscope.core.measurement import Measurement
from opscope.core.study import Protocol
from opscope.engine.executors.local import LocalExecutor
from opscope.graph import build

RUNS = 8
_MIB = 2**20
_BYTES = 4
_CLASSES = ((0, 1), (1, 4), (4, 1_000))
"""Bounds of what workloads hold, in MiB."""


class Scatter(NamedTuple):
    """What runs of one workload say: standard deviations and half an interval, as shares."""

    holds_mib: float
    corrected: float
    measured: float
    half_interval: float


def main() -> None:
    """Print each workload's scatter over runs, and by what workloads hold."""
    platform = sys.argv[1] if len(sys.argv) > 1 else "onnxruntime-cpu"
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else RUNS
    with LocalExecutor() as executor:
        instrument = Instrument(platform, executor)
        taken = [instrument.measure(WORKLOADS, Protocol(), seed=seed) for seed in range(runs)]
    seen = {
        workload: scatter(workload, [run[workload] for run in taken])
        for workload in WORKLOADS
        if all(workload in run for run in taken)
    }
    for workload, found in sorted(seen.items(), key=lambda pair: pair[1]):
        print(
            f"{found.holds_mib:7.2f} MiB  {workload.configuration!s:44s}"
            f" {100 * found.corrected:5.2f} % (uncorrected {100 * found.measured:5.2f} %),"
            f" half an interval {100 * found.half_interval:5.2f} %"
        )
    for low, high in _CLASSES:
        mine = [found for found in seen.values() if low <= found.holds_mib < high]
        print(
            f"{low} to {high} MiB, {len(mine)} workloads:"
            f" median {100 * np.median([found.corrected for found in mine]):.2f} %"
            f" (uncorrected {100 * np.median([found.measured for found in mine]):.2f} %),"
            f" p95 {100 * np.quantile([found.corrected for found in mine], 0.95):.2f} %"
        )


def scatter(workload: Workload, taken: list[Measurement]) -> Scatter:
    """Return by how much figures of several runs scatter, with and without their correction."""
    graph = build(workload)
    values = np.array([m.value for m in taken])
    measured = np.array([uncorrected(m) for m in taken])
    halves = [(m.interval[1] - m.interval[0]) / 2 / m.value for m in taken if m.interval]
    return Scatter(
        holds_mib=_BYTES * (graph.parameters + graph.activations) / _MIB,
        corrected=float(values.std() / values.mean()),
        measured=float(measured.std() / measured.mean()),
        half_interval=float(np.median(halves)),
    )


def uncorrected(measurement: Measurement) -> float:
    """Return what was measured before the machine's speed was taken into account."""
    if (seen := measurement.speed) is None:
        return measurement.value
    return measurement.value * seen.factor + seen.refetch_s


if __name__ == "__main__":
    main()
