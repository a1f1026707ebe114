"""What figures are worth: against the truth around them, against each other, beside other tools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from opscope.core.configuration import Workload
from opscope.core.measurement import Measurement, Verdict
from opscope.core.study import Protocol
from opscope.meters.base import Readings
from opscope.meters.contention import alone

DRIFT = 0.01
LEAST_ALONE = 55
"""In so many rounds at least the core was alone before, and after, where there is a truth."""

Latencies = Mapping[Workload, float]
Run = Mapping[Workload, Measurement]


class Beside(NamedTuple):
    """What other tools said beside a load, what opscope measured, and the truth around it."""

    said: Mapping[str, Latencies]
    own: Run
    truth: Latencies


def undisturbed(run: Run, reference: Mapping[str, float]) -> dict[Workload, Measurement]:
    """Return what was measured with the core alone in rounds enough."""
    return {
        workload: measured
        for workload, measured in run.items()
        if rounds_alone(workload, measured, reference) >= LEAST_ALONE
    }


def rounds_alone(workload: Workload, found: Measurement, reference: Mapping[str, float]) -> int:
    """Return in how many rounds the core was not shared."""
    readings = Readings(workload=workload, terms=(), visits=found.visits, reference=dict(reference))
    return len(alone(readings).visits)


def seen(run: Run, reference: Mapping[str, float]) -> str:
    """Return rounds, those with the core alone and calls of each, least to most, and its trust."""
    ranges = (
        ([len(found.visits) for found in run.values()], "rounds"),
        ([rounds_alone(w, found, reference) for w, found in run.items()], "of them alone"),
        (
            [sum(len(v.samples.durations_s) for v in found.visits) for found in run.values()],
            "calls",
        ),
    )
    if not run:
        return "nothing"
    told = ", ".join(f"{min(counts)}-{max(counts)} {what}" for counts, what in ranges)
    return f"{told}; {sum(map(trusts, run.values()))} of {len(run)} trusted"


def agreeing(before: Run, after: Run, asked: int) -> Latencies:
    """Return the truth where both agree, the speed of the machine taken into account."""
    both = {w: (before[w].value, after[w].value) for w in before if w in after}
    truth = {w: (a + b) / 2 for w, (a, b) in both.items() if abs(b / a - 1) <= DRIFT}
    print(
        f"truth: core alone in {LEAST_ALONE} rounds, {len(before)} before and {len(after)}"
        f" after of {asked} workloads; within 1 %, {len(truth)}"
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


def samples(runs: Sequence[Run], protocol: Protocol) -> None:
    """Print the calls a figure took beside the usual 10 + 50, and those not to warm up."""
    calls, timed, precise = [], [], []
    for run in runs:
        for measurement in run.values():
            taken = [
                len(v.rewarm.durations_s) + len(v.samples.durations_s) for v in measurement.visits
            ]
            calls.append(sum(taken) + protocol.preparations * protocol.warmup)
            timed.append(sum(len(visit.samples.durations_s) for visit in measurement.visits))
            precise.append(measurement.stopped == "precision")
    print(
        f"calls for ±2 %: median {np.median(calls):.0f}, {np.median(calls) / 60:.2f} of 10 + 50,"
        f" of which {np.median(timed):.0f} not to warm up, {np.median(timed) / 50:.2f} of 50;"
        f" {100 * np.mean(precise):.0f} % reached it"
    )
