"""The instrument on trial: errors under load beside other tools, repeatability, coverage, pace.

Takes long, on cores that should have nothing else to do. Given names of parts (``simulated``,
a platform, ``pace``), it does those only.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace

from benchmarks.instrument.coverage import resampled, simulated
from benchmarks.instrument.measuring import Instrument, busy
from benchmarks.instrument.others import TOOLS
from benchmarks.instrument.workloads import WORKLOADS
from opscope.core.configuration import Workload
from opscope.core.measurement import Measurement, Verdict
from opscope.core.space import Range, Space
from opscope.core.study import MeterName, Protocol, Study
from opscope.engine.executors.local import LocalExecutor
from opscope.engine.runner import run_study
from opscope.meters.base import Readings
from opscope.meters.contention import alone
from opscope.store import Store

PLATFORMS = ("onnxruntime-cpu", "openvino-cpu")
LOADS = (1, 2, 4)
USUAL = Protocol(patience=12)
"""What measures: as usual, but up to twelve times as many rounds where the core is shared."""

TRUTH = Protocol(rounds=170, min_rounds=170, patience=12, precision=1e-9)
"""As many rounds with the core alone, of three calls each before and as many after: a truth is of a
thousand at least."""
DRIFT = 0.01
COMPARED = {"mean of 100": 1, "median of 10 + 50": 1, "pyperf --fast": 15}
"""Every how many workloads a tool is tried on; every fifth unless said."""

Latencies = Mapping[Workload, float]
Run = Mapping[Workload, Measurement]


class Beside(NamedTuple):
    """What other tools said beside a load, what opscope measured, and the truth around it."""

    said: Mapping[str, Latencies]
    own: Run
    truth: Latencies


def main() -> None:
    """Run every part, or those named, and print each figure beside its target."""
    parts = {"simulated": simulate, "pace": pace}
    parts |= {platform: partial(try_on, platform) for platform in PLATFORMS}
    for name in sys.argv[1:] or parts:
        if name not in parts:
            sys.exit(f"there is no part {name!r}; there are {', '.join(parts)}")
        parts[name]()


def simulate() -> None:
    """Coverage on simulated clocks."""
    print("== coverage on simulated clocks, sampling until ±2 % (asked: 90 to 98 %)")
    found = list(simulated())
    for kind, scale, coverage, rounds in found:
        print(f"  {kind:32s} {100 * scale:4.1f} %  {100 * coverage:5.1f} %  {rounds:3.0f} rounds")
    print(f"  mean {100 * np.mean([coverage for _, _, coverage, _ in found]):.1f} %")


def try_on(platform: str) -> None:
    """Errors under load against the quiet truth around it, repeatability, samples, coverage."""
    print(f"\n== {platform}")
    with LocalExecutor() as executor:
        instrument = Instrument(platform, executor)
        before = first = instrument.measure(WORKLOADS, TRUTH)
        calls = [sum(len(v.samples.durations_s) for v in m.visits) for m in first.values()]
        print(f"before: {min(calls)} to {max(calls)} calls of each, on a shared core some of them")
        quiet = [instrument.measure(WORKLOADS, USUAL, seed=seed) for seed in (1, 2)]
        repeatable("two quiet runs", *quiet)
        samples(quiet)
        beside: list[Beside] = []
        for load in LOADS:
            runs, said = loaded(instrument, load)
            after = instrument.measure(WORKLOADS, TRUTH)
            truth = agreeing(*(undisturbed(run, instrument.reference) for run in (before, after)))
            for name, run in runs.items():
                judged(name, run, truth)
            beside.append(Beside(said, runs[f"{load} busy"], truth))
            before = after
    for name in TOOLS:
        ratio(name, beside)
    held = resampled(first, instrument.info, instrument.reference)
    if held:
        print(f"coverage of the long-run truth: {100 * np.mean(held):.1f} % of {len(held)}")


def loaded(instrument: Instrument, load: int) -> tuple[dict[str, Run], dict[str, Latencies]]:
    """Return what opscope measures beside so many busy processes, and what other tools say."""
    with busy(load):
        runs: dict[str, Run] = {f"{load} busy": instrument.measure(WORKLOADS, USUAL)}
        if load == max(LOADS):
            return runs, {}
        without = instrument.measure(WORKLOADS, replace(USUAL, priority=False))
        return runs | {f"{load} busy, without priority": without}, compared(instrument.info.name)


def undisturbed(run: Run, reference: Mapping[str, float]) -> dict[Workload, Measurement]:
    """Return what was measured with the core alone in rounds enough."""
    kept = {}
    for workload, measured in run.items():
        readings = Readings(
            workload=workload, terms=(), visits=measured.visits, reference=dict(reference)
        )
        if len(alone(readings).visits) >= TRUTH.min_rounds:
            kept[workload] = measured
    return kept


def agreeing(before: Run, after: Run) -> Latencies:
    """Return the truth where both agree, the speed of the machine taken into account."""
    both = {w: (before[w].value, after[w].value) for w in before if w in after}
    truth = {w: (a + b) / 2 for w, (a, b) in both.items() if abs(b / a - 1) <= DRIFT}
    print(
        f"truth: core alone in {TRUTH.min_rounds} rounds, {len(before)} before and {len(after)}"
        f" after of {len(WORKLOADS)} workloads; within 1 %, {len(truth)}"
    )
    return truth


def errors(found: Latencies, truth: Latencies) -> np.ndarray:
    """Return the relative errors of what is known."""
    return np.array([found[w] / truth[w] - 1 for w in truth if w in found])


def repeatable(name: str, first: Run, second: Run) -> None:
    """Print how far two runs are apart (asked: median 1 %, 95th percentile 3 %)."""
    both = [w for w in first if w in second]
    trusted = [w for w in both if trusts(first[w]) and trusts(second[w])]
    for whose, known in ((name, both), (f"{name}, trusted in both", trusted)):
        apart = np.abs([second[w].value / first[w].value - 1 for w in known])
        spread = (
            f"median {100 * np.median(apart):.2f} %, p95 {100 * np.quantile(apart, 0.95):.2f} % of "
            if known
            else ""
        )
        print(f"{whose}: {spread}{len(known)}")


def trusts(measurement: Measurement) -> bool:
    """Say whether a figure is trusted."""
    return measurement.trust.verdict is Verdict.TRUSTED


def judged(name: str, found: Run, truth: Latencies) -> None:
    """Print errors (asked: median 1 %, 95th percentile 3 %) and how far trust is right."""
    if not truth:
        print(f"{name}: no truth to compare with, the core was never alone for long enough")
        return
    trusted = {w: m.value for w, m in found.items() if trusts(m)}
    signed = errors({w: m.value for w, m in found.items()}, truth)
    off = np.abs(signed)
    relied = np.abs(errors(trusted, truth))
    known = sum(w in truth for w in found)
    print(
        f"{name}: error median {100 * np.median(off):.2f} %,"
        f" p95 {100 * np.quantile(off, 0.95):.2f} %, largest {100 * off.max():.1f} %,"
        f" signed median {100 * np.median(signed):+.2f} %;"
        f" trusted and off by more than 5 %: {np.sum(relied > 0.05)} of {len(relied)};"
        f" untrusted {100 * (1 - len(relied) / known):.1f} %"
    )
    worst = sorted(
        (w for w in truth if w in found), key=lambda w: -abs(found[w].value / truth[w] - 1)
    )
    told = (f"{w.configuration} {100 * (found[w].value / truth[w] - 1):+.1f} %" for w in worst[:3])
    print(f"  worst: {'; '.join(told)}")


def compared(platform: str) -> dict[str, Latencies]:
    """Return what each other tool says of some of the workloads."""
    said: dict[str, Latencies] = {}
    for name, tool in TOOLS.items():
        taken: dict[Workload, float] = {}
        for workload in WORKLOADS[:: COMPARED.get(name, 5)]:
            try:
                taken[workload] = tool(platform, workload)
            except (NotImplementedError, subprocess.CalledProcessError):
                break
        said[name] = taken
    return said


def ratio(name: str, beside: Sequence[Beside]) -> None:
    """Print a tool's 95th-percentile error and how much larger it is than opscope's."""
    theirs: list[float] = []
    ours: list[float] = []
    for said, own, truth in beside:
        kept = {w: value for w, value in truth.items() if w in said.get(name, {})}
        theirs += list(np.abs(errors(said.get(name, {}), kept)))
        ours += list(np.abs(errors({w: m.value for w, m in own.items()}, kept)))
    if theirs:
        high, low = np.quantile(theirs, 0.95), np.quantile(ours, 0.95)
        print(
            f"{name}: p95 error {100 * high:.1f} %, opscope's on the same {100 * low:.2f} %,"
            f" ratio {high / low:.1f} ({len(theirs)} figures)"
        )


def samples(runs: Sequence[Run]) -> None:
    """Print the calls a figure took beside the usual 10 + 50, and those not to warm up."""
    calls, timed, precise = [], [], []
    for run in runs:
        for measurement in run.values():
            taken = [
                len(v.rewarm.durations_s) + len(v.samples.durations_s) for v in measurement.visits
            ]
            calls.append(sum(taken) + 2 * USUAL.warmup)
            timed.append(sum(len(visit.samples.durations_s) for visit in measurement.visits))
            precise.append(measurement.stopped == "precision")
    print(
        f"calls for ±2 %: median {np.median(calls):.0f}, {np.median(calls) / 60:.2f} of 10 + 50,"
        f" of which {np.median(timed):.0f} not to warm up, {np.median(timed) / 50:.2f} of 50;"
        f" {100 * np.mean(precise):.0f} % reached it"
    )


def pace() -> None:
    """Five hundred operators below a millisecond through the whole path on onnxruntime."""
    spaces = [
        Space(
            kind="conv",
            base={"h": 14, "cin": 64, "k": 3},
            axes={"cout": Range(start=2, stop=250, step=2)},
        ),
        Space(
            kind="conv",
            base={"h": 28, "cin": 96, "k": 1},
            axes={"cout": Range(start=2, stop=250, step=2)},
        ),
        Space(kind="dwconv", base={"h": 28, "k": 3}, axes={"c": Range(start=2, stop=250, step=2)}),
        Space(kind="dwconv", base={"h": 14, "k": 5}, axes={"c": Range(start=2, stop=250, step=2)}),
    ]
    study = Study(
        name="pace",
        title="",
        question="",
        spaces=tuple(spaces),
        meters=(MeterName(name="call-latency"),),
    )
    with tempfile.TemporaryDirectory() as folder, LocalExecutor() as executor:
        executor.describe("onnxruntime-cpu")
        with Store(Path(folder) / "pace.db", write=True) as store:
            summary = run_study(study, ["onnxruntime-cpu"], store=store, executor=executor)
            latencies = [item.trial.measurement("latency_s") for item in store.trials(summary.run)]
    found = [latency for latency in latencies if latency]
    reached = np.mean([latency.stopped == "precision" for latency in found])
    print(
        f"\n== pace: {summary.total} operators, slowest {1e3 * max(m.value for m in found):.2f} ms,"
        f" {100 * reached:.0f} % within ±2 %"
    )
    print(f"share of wall time inside the runtime: {100 * summary.runtime_share:.0f} % (asked: 70)")
    print(f"configurations per hour: {3600 * summary.total / summary.wall_s:,.0f} (asked: 20,000)")


if __name__ == "__main__":
    main()
